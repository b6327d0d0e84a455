//! What can be wrong with a stand-in service: each alert kind has the fault that trips it.

use crate::catalog::{Alert, Branch, Catalog, Service};
use crate::diagnostic::suggestion;
use anyhow::{Result, bail};
use std::fmt;

/// A kind of fault.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs)] // each is told in KINDS
pub enum Kind {
    Down,
    Slow,
    Errors,
    RatioErrors,
    HealthFails,
    Memory,
    Cpu,
    StalledTraining,
    MetricMissing,
    Reset,
    WrongContentType,
    Hanging,
    Garbage,
    Endless,
    Redirect,
    Unauthorized,
}

/// Every kind: its name on the command line, and what the service then does.
pub const KINDS: &[(Kind, &str, &str)] = &[
    (Kind::Down, "down", "refuses connections"),
    (Kind::Slow, "slow", "answers only after the scrape timeout"),
    (Kind::Errors, "errors", "answers most requests with 5xx"),
    (
        Kind::RatioErrors,
        "ratio-errors",
        "fails most attempts that a ratio alert counts; `ratio-errors:ALERT` chooses the alert",
    ),
    (
        Kind::HealthFails,
        "health-fails",
        "answers its health path with 503; its metrics stay well",
    ),
    (Kind::Memory, "memory", "uses more than its memory_limit"),
    (Kind::Cpu, "cpu", "uses more than its cpu_limit"),
    (
        Kind::StalledTraining,
        "stalled-training",
        "stays active without progress; `stalled-training:ALERT` chooses the alert",
    ),
    (
        Kind::MetricMissing,
        "metric-missing",
        "leaves out a declared metric; `metric-missing:NAME` chooses it",
    ),
    (
        Kind::Reset,
        "reset",
        "lets counters go backwards, as several workers do that share a port",
    ),
    (
        Kind::WrongContentType,
        "wrong-content-type",
        "sends its metrics as JSON text",
    ),
    (
        Kind::Hanging,
        "hanging",
        "accepts connections and never answers",
    ),
    (Kind::Garbage, "garbage", "sends bytes that are no metrics"),
    (Kind::Endless, "endless", "never ends its answer"),
    (
        Kind::Redirect,
        "redirect",
        "redirects its metrics to another path",
    ),
    (Kind::Unauthorized, "unauthorized", "answers 401"),
];

/// A kind, and what it is about where that can be chosen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    /// Which.
    pub kind: Kind,
    /// An alert's name, or a metric's without the prefix.
    pub about: Option<String>,
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        let name = KINDS
            .iter()
            .find(|(kind, ..)| *kind == self.kind)
            .map_or("", |(_, name, _)| name);
        f.write_str(name)?;
        self.about
            .as_ref()
            .map_or(Ok(()), |about| write!(f, ":{about}"))
    }
}

impl Fault {
    /// From `KIND` or `KIND:ABOUT`, for a service of the catalog.
    pub fn parse(text: &str, catalog: &Catalog, service: &str) -> Result<Fault> {
        let (name, about) = text.split_once(':').map_or((text, None), |(name, about)| {
            (name, Some(about.to_string()))
        });
        let name = if name == "stalled" {
            "stalled-training"
        } else {
            name
        };
        let Some((kind, ..)) = KINDS.iter().find(|(_, known, _)| *known == name) else {
            bail!(
                "there is no fault `{name}`: {}",
                suggestion(name, KINDS.iter().map(|(_, name, _)| *name))
            );
        };
        let fault = Fault { kind: *kind, about };
        fault.check(catalog, service)?;
        Ok(fault)
    }

    /// A fault that changes nothing would teach nothing.
    fn check(&self, catalog: &Catalog, service: &str) -> Result<()> {
        let trips = self.trips(catalog, service);
        match (self.kind, &self.about) {
            (Kind::RatioErrors | Kind::StalledTraining | Kind::Errors, _) if trips.is_empty() => {
                let able: Vec<&str> = catalog
                    .alerts
                    .iter()
                    .filter(|alert| alert.covers_service(service))
                    .map(|alert| alert.name.as_str())
                    .collect();
                bail!(
                    "`{self}` trips no alert of `{service}`, which is covered by {}",
                    if able.is_empty() {
                        "none".into()
                    } else {
                        able.join(", ")
                    }
                )
            }
            (Kind::MetricMissing, about) => {
                let declared = || {
                    catalog
                        .metrics
                        .iter()
                        .filter(|metric| metric.services.iter().any(|name| name == service))
                        .map(|metric| metric.key.as_str())
                };
                match about {
                    Some(about) if !declared().any(|key| key == about) => {
                        bail!(
                            "`{service}` declares no metric `{about}`: {}",
                            suggestion(about, declared().collect::<Vec<_>>())
                        )
                    }
                    None if declared().next().is_none() => {
                        bail!("`{service}` declares no metric that could be missing")
                    }
                    _ => Ok(()),
                }
            }
            (Kind::RatioErrors | Kind::StalledTraining | Kind::Errors, _) | (_, None) => Ok(()),
            (_, Some(about)) => bail!(
                "`{}` takes no `:{about}`",
                Fault {
                    kind: self.kind,
                    about: None
                }
            ),
        }
    }

    /// The fault that trips an alert; an expression of the catalog's own has none that could be known.
    pub fn of(alert: &Alert) -> Option<Fault> {
        let (kind, named) = match alert.kind.name.as_str() {
            "down" => (Kind::Down, false),
            "error_ratio" => (Kind::Errors, true),
            "memory_ratio" => (Kind::Memory, false),
            "cpu_ratio" => (Kind::Cpu, false),
            "ratio" => (Kind::RatioErrors, true),
            "stalled" => (Kind::StalledTraining, true),
            _ => return None,
        };
        Some(Fault {
            kind,
            about: named.then(|| alert.name.clone()),
        })
    }

    /// Every way to trip a branch of an alert, and on which service: one that is down by its health check alone should be another
    /// one than that which does not answer, because the all-clear of the first is still on its way.
    pub fn all<'a>(
        catalog: &Catalog,
        alert: &Alert,
        branch: &'a Branch,
    ) -> Vec<(&'a str, Option<Fault>)> {
        let first = branch.services[0].as_str();
        let probed_apart =
            |service: &Service| service.health_probe && service.health_path != service.metrics_path;
        let probed = || {
            branch.services.iter().filter(|name| {
                alert.kind.holds_back_others && catalog.service(name).is_some_and(probed_apart)
            })
        };
        let health = probed()
            .find(|name| *name != first)
            .or_else(|| probed().next());
        let fails = health.map(|name| {
            (
                name.as_str(),
                Some(Fault {
                    kind: Kind::HealthFails,
                    about: None,
                }),
            )
        });
        std::iter::once((first, Fault::of(alert)))
            .chain(fails)
            .collect()
    }

    /// The alerts that this fault of a service trips: those it is about, and those that read the same.
    pub fn trips<'a>(&self, catalog: &'a Catalog, service: &str) -> Vec<&'a Alert> {
        let covering = || {
            catalog
                .alerts
                .iter()
                .filter(|alert| alert.covers_service(service))
        };
        let unreachable = [
            Kind::Slow,
            Kind::Hanging,
            Kind::Garbage,
            Kind::Endless,
            Kind::Unauthorized,
            Kind::WrongContentType,
        ];
        if self.kind == Kind::Down || unreachable.contains(&self.kind) {
            return covering()
                .filter(|alert| alert.kind.holds_back_others)
                .collect();
        }
        if self.kind == Kind::HealthFails {
            let probed = catalog
                .service(service)
                .is_some_and(|service| service.health_probe);
            return covering()
                .filter(|alert| probed && alert.kind.holds_back_others)
                .collect();
        }
        let same_kind =
            |alert: &&Alert| Fault::of(alert).is_some_and(|fault| fault.kind == self.kind);
        let Some(about) = &self.about else {
            return covering().filter(same_kind).collect();
        };
        let Some(chosen) = covering()
            .filter(same_kind)
            .find(|alert| alert.name == *about)
        else {
            return Vec::new();
        };
        covering()
            .filter(same_kind)
            .filter(|alert| disturbed(alert) == disturbed(chosen))
            .collect()
    }
}

/// The counter that the fault disturbs.
fn disturbed(alert: &Alert) -> Option<&str> {
    ["errors", "progress", "requests"]
        .iter()
        .find_map(|key| alert.settings.get(*key)?.as_str())
}
