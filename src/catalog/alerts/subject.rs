//! What an alert is about each time it fires: a service, as most are; a group; the platform as a whole.

use super::{Alert, Branch, Scope};
use crate::catalog::{Catalog, Group, Service};

/// One of what an alert is about.
#[derive(Clone, Copy, Debug)]
pub enum Subject<'c> {
    Service(&'c Service),
    Group(&'c Group),
    Platform,
}

impl<'c> From<&'c Service> for Subject<'c> {
    fn from(service: &'c Service) -> Self {
        Subject::Service(service)
    }
}

impl<'c> Subject<'c> {
    /// The service, where it is one.
    pub fn service(self) -> Option<&'c Service> {
        match self {
            Subject::Service(service) => Some(service),
            _ => None,
        }
    }

    /// The group that it is, or is in.
    pub fn group(self) -> Option<&'c str> {
        match self {
            Subject::Service(service) => Some(&service.group),
            Subject::Group(group) => Some(&group.key),
            Subject::Platform => None,
        }
    }

    /// By its own name; the platform has none.
    pub fn name(self) -> Option<&'c str> {
        match self {
            Subject::Service(service) => Some(&service.name),
            Subject::Group(group) => Some(&group.key),
            Subject::Platform => None,
        }
    }

    /// Who owns it, without regard to an alert.
    pub(crate) fn owner(self) -> Option<&'c str> {
        match self {
            Subject::Service(service) => service.owner.as_deref(),
            Subject::Group(group) => group.owner.as_deref(),
            Subject::Platform => None,
        }
    }

    /// The labels by which an alert says that it is about this.
    pub(crate) fn labels(self) -> Vec<(&'static str, &'c str)> {
        let service = self.service().map(|service| service.name.as_str());
        [
            ("job", service),
            ("service", service),
            ("component", self.group()),
        ]
        .into_iter()
        .filter_map(|(label, value)| Some((label, value?)))
        .collect()
    }
}

impl Alert {
    /// `Down@checkout`; of one about the platform its name alone.
    pub fn of(&self, subject: Subject) -> String {
        match subject.name() {
            Some(name) => format!("{}@{name}", self.name),
            None => self.name.clone(),
        }
    }
}

impl Catalog {
    /// Whatever a branch of an alert is about.
    pub fn subjects<'c>(&'c self, alert: &'c Alert, branch: &'c Branch) -> Vec<Subject<'c>> {
        match alert.about {
            Scope::Service => self
                .services_of(&branch.services)
                .map(Subject::Service)
                .collect(),
            Scope::Group => self
                .groups
                .iter()
                .filter(|group| alert.covers_groups.contains(&group.key))
                .map(Subject::Group)
                .collect(),
            Scope::Platform => vec![Subject::Platform],
        }
    }

    /// The alert of another catalog and what it is about, as they are here; None: it does not fire for that.
    pub fn counterpart<'c>(
        &'c self,
        other: &Alert,
        subject: Subject,
    ) -> Option<(&'c Alert, &'c Branch, Subject<'c>)> {
        let alert = self.alert(&other.name)?;
        if alert.about != other.about {
            return None;
        }
        if let Subject::Service(service) = subject {
            let service = self.service(&service.name)?;
            let branch = alert.branch_of(&service.name)?;
            return Some((alert, branch, Subject::Service(service)));
        }
        let mut all = self.all_subjects(alert);
        let (branch, subject) = all.find(|(_, known)| known.name() == subject.name())?;
        Some((alert, branch, subject))
    }

    /// Everything that an alert is about, once each.
    pub fn whom<'c>(&'c self, alert: &'c Alert) -> Vec<Subject<'c>> {
        let first = alert.branches.first();
        match alert.about {
            Scope::Service => (self.services_of(&alert.covers).map(Subject::Service)).collect(),
            _ => first.map_or(Vec::new(), |branch| self.subjects(alert, branch)),
        }
    }

    /// Whatever an alert is about, with the branch that holds for it; of one that has several ways to fire, once for each.
    pub fn all_subjects<'c>(
        &'c self,
        alert: &'c Alert,
    ) -> impl Iterator<Item = (&'c Branch, Subject<'c>)> {
        alert.branches.iter().flat_map(move |branch| {
            let subjects = self.subjects(alert, branch).into_iter();
            subjects.map(move |subject| (branch, subject))
        })
    }
}
