//! What an alert is about, as the catalog says it: services, groups, or the platform as a whole.

use super::Alert;
use crate::catalog::Service;
use serde::{Deserialize, Serialize};

/// `about` of an alert.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Scope {
    /// One alert for each service, which it covers.
    #[default]
    Service,
    /// One for each group.
    Group,
    /// One, about no single service or group.
    Platform,
}

impl Scope {
    /// The labels that say what such an alert is about; it has all of them.
    pub(crate) fn labels(self) -> &'static [&'static str] {
        match self {
            Scope::Service => &["job", "service", "component"],
            Scope::Group => &["component"],
            Scope::Platform => &[],
        }
    }

    /// As the catalog writes it.
    pub(crate) fn word(self) -> &'static str {
        match self {
            Scope::Service => "service",
            Scope::Group => "group",
            Scope::Platform => "platform",
        }
    }
}

impl Alert {
    /// What it fires for where that is no service: the groups of those services that have what it reads.
    pub(super) fn cover_whole(&mut self, able: &[&Service]) {
        self.spares.clear();
        if self.about != Scope::Group {
            return;
        }
        for service in able {
            if !self.covers_groups.contains(&service.group) {
                self.covers_groups.push(service.group.clone());
            }
        }
    }

    /// Whether there is nothing that it could fire for.
    pub fn is_idle(&self) -> bool {
        match self.about {
            Scope::Service => self.covers.is_empty(),
            Scope::Group => self.covers_groups.is_empty(),
            Scope::Platform => false,
        }
    }
}
