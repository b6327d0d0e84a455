//! A profile is built in, or a file in profiles/.

use super::Lint;
use crate::catalog::origin;
use crate::diagnostic::{Diagnostic, Place, suggestion_or};
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
            let Some(at) = origin(source, service, "profiles") else {
                continue;
            };
            for (index, name) in service.profiles.iter().enumerate() {
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
