//! What can be wrong with a stand-in: what kinds of alerts say of a service, and what can go wrong on the way to it.

mod transport;
mod triggers;

use super::behaviour::Behaviours;
use crate::catalog::Catalog;
use crate::diagnostic::suggestion;
use crate::kinds::Kinds;
use anyhow::{Result, bail};
use std::fmt;
use transport::TRANSPORT;
pub(crate) use transport::Transport;

/// A fault by name, and what it is about where that can be chosen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Fault {
    /// As it is called on the command line.
    pub name: String,
    /// An alert's name, or a metric's without the prefix.
    pub about: Option<String>,
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        f.write_str(&self.name)?;
        self.about
            .as_ref()
            .map_or(Ok(()), |about| write!(f, ":{about}"))
    }
}

/// Every fault of these kinds and of the way to a service: its name, and what the service then does.
pub(crate) fn all(kinds: &Kinds) -> Vec<(&str, &str)> {
    let of_kinds = kinds.iter().flat_map(|kind| &kind.faults);
    let of_kinds = of_kinds.map(|fault| (fault.name.as_str(), fault.does.as_str()));
    let mut all: Vec<(&str, &str)> = of_kinds.collect();
    for (_, name, does) in TRANSPORT {
        if all.iter().all(|(known, _)| *known != name) {
            all.push((name, does));
        }
    }
    all
}

impl Fault {
    /// From `NAME` or `NAME:ABOUT`, for a service of the catalog.
    pub(crate) fn parse(text: &str, catalog: &Catalog, service: &str) -> Result<Fault> {
        let (name, about) = match text.split_once(':') {
            Some((name, about)) => (name, Some(about.to_string())),
            None => (text, None),
        };
        let names: Vec<&str> = all(&catalog.kinds)
            .into_iter()
            .map(|(name, _)| name)
            .collect();
        if !names.contains(&name) {
            bail!("there is no fault `{name}`: {}", suggestion(name, names));
        }
        let name = name.to_string();
        let fault = Fault { name, about };
        fault.check(catalog, service)?;
        Ok(fault)
    }

    /// One on the way to the service.
    pub(crate) fn of_transport(transport: Transport) -> Fault {
        let mut all = TRANSPORT.iter();
        let named = all.find(|(known, ..)| *known == transport);
        Fault {
            name: named.map_or(String::new(), |(_, name, _)| (*name).to_string()),
            about: None,
        }
    }

    /// What goes wrong on the way to the service; None: the service itself has the fault.
    pub(crate) fn transport(&self) -> Option<Transport> {
        let mut all = TRANSPORT.iter();
        all.find(|(_, name, _)| *name == self.name)
            .map(|(transport, ..)| *transport)
    }

    /// A fault that changes nothing would teach nothing.
    fn check(&self, catalog: &Catalog, service: &str) -> Result<()> {
        let of_kind = catalog
            .kinds
            .iter()
            .find(|kind| kind.faults.iter().any(|fault| fault.name == self.name));
        if let Some(kind) = of_kind {
            let chosen = kind.names_metrics();
            if let Some(about) = self.about.as_ref().filter(|_| !chosen) {
                bail!("`{}` takes no `:{about}`", self.name);
            }
            if chosen
                && self
                    .triggers(&Behaviours::of(catalog)?, service)?
                    .is_empty()
            {
                let covering = catalog.alerts.iter();
                let covering = covering.filter(|alert| alert.covers_service(service));
                let able: Vec<&str> = covering.map(|alert| alert.name.as_str()).collect();
                let able = if able.is_empty() {
                    "none".to_string()
                } else {
                    able.join(", ")
                };
                bail!("`{self}` triggers no alert of `{service}`, which is covered by {able}");
            }
            return Ok(());
        }
        if self.transport() != Some(Transport::MetricMissing) {
            if let Some(about) = &self.about {
                bail!("`{}` takes no `:{about}`", self.name);
            }
            return Ok(());
        }
        let emitted =
            |metric: &&crate::catalog::Metric| metric.services.iter().any(|name| name == service);
        let declared = catalog.exposed().filter(emitted);
        let declared: Vec<&str> = declared.map(|metric| metric.key.as_str()).collect();
        match &self.about {
            Some(about) if !declared.contains(&about.as_str()) => {
                bail!(
                    "`{service}` declares no metric `{about}`: {}",
                    suggestion(about, declared)
                )
            }
            None if declared.is_empty() => {
                bail!("`{service}` declares no metric that could be missing")
            }
            _ => Ok(()),
        }
    }
}
