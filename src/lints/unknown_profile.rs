//! A profile is built in, or a file in profiles/.

use super::Lint;
use crate::catalog::{Catalog, Service, origin};
use crate::diagnostic::{Diagnostic, Place, suggestion_or};
use crate::source::{Source, step};
use std::collections::BTreeSet;

pub(crate) const LINT: Lint = Lint {
    code: "unknown-profile",
    doc: "A profile says which metrics something well known exposes. Of one that does not exist nothing is known, so that every alert on its metrics would read what nobody emits.",
    bad: "[services.db]\ngroup = \"web\"\nport = 9187\nruntime = \"go\"\nprofiles = [\"postgress\"]\n",
    good: "[services.db]\ngroup = \"web\"\nport = 9187\nruntime = \"go\"\nprofiles = [\"postgres\"]\n",
    check: |catalog, source| {
        let known = catalog.profiles.names();
        let (mut found, mut told) = (Vec::new(), BTreeSet::new());
        for service in &catalog.services {
            found.extend(
                runtime(catalog, source, service).filter(|_| {
                    told.insert(origin(source, service, "runtime").unwrap_or_default())
                }),
            );
        }
        let services = catalog.services.iter().filter_map(|service| {
            let at = origin(source, service, "profiles")?;
            Some((at, &service.profiles))
        });
        let jobs = catalog.extra.jobs.iter().map(|(name, job)| {
            let at = format!("/extra/jobs/{}/profiles", step(name));
            (at, &job.profiles)
        });
        for (at, profiles) in services.chain(jobs) {
            for (index, name) in profiles.iter().enumerate() {
                let place = format!("{at}/{index}");
                if known.contains(name.as_str()) || !told.insert(place.clone()) {
                    continue;
                }
                found.push(
                    Diagnostic::error(
                        "unknown-profile",
                        Place::Value(place),
                        format!("there is no profile `{name}`"),
                    )
                    .help(suggestion_or(
                        name,
                        known.iter().copied(),
                        &format!("write profiles/{name}.toml"),
                    )),
                );
            }
        }
        found
    },
};

/// What a service runs on is a profile too: one that says so of itself.
fn runtime(catalog: &Catalog, source: &Source, service: &Service) -> Option<Diagnostic> {
    let name = service.runtime.as_str();
    if catalog.profiles.runtime(name).is_some() {
        return None;
    }
    let place = Place::Value(origin(source, service, "runtime")?);
    let runtimes: Vec<&str> = catalog.profiles.runtimes().collect();
    Some(if catalog.profiles.get(name).is_some() {
        let message =
            format!("`{name}` is no runtime: it says nothing of the process that exposes it");
        Diagnostic::error("unknown-profile", place, message).help(format!(
            "write `profiles = [\"{name}\"]`, and with `runtime` what the program is written in: most exporters are `go`"
        ))
    } else {
        Diagnostic::error(
            "unknown-profile",
            place,
            format!("there is no runtime `{name}`"),
        )
        .help(suggestion_or(
            name,
            runtimes.iter().copied(),
            &format!("write profiles/{name}.toml with a table [runtime]"),
        ))
    })
}
