//! Two services on one address: the second one's metrics would be the first one's.

use super::Lint;
use crate::catalog::origin;
use crate::diagnostic::{Diagnostic, Place};
use std::collections::HashMap;

pub const LINT: Lint = Lint {
    code: "duplicate-address",
    doc: "Prometheus scrapes both jobs happily and gets the same service twice; promtool says SUCCESS.",
    bad: "[services.cart]\ngroup = \"web\"\nport = 8001\n",
    good: "[services.cart]\ngroup = \"web\"\nport = 8002\n",
    check: |catalog, source| {
        let mut first = HashMap::new();
        let mut found = Vec::new();
        for service in &catalog.services {
            let port = Place::Value(format!("/services/{}/port", service.name));
            let Some(other) = first.insert((&service.host, service.port), service) else { continue };
            let mut diagnostic =
                Diagnostic::error("duplicate-address", port, format!("port {} on `{}` is already taken by `{}`", service.port, service.host, other.name))
                    .label("taken again here")
                    .also(Place::Value(format!("/services/{}/port", other.name)), "first taken here")
                    .help("give each service on one machine a port of its own, or say where it runs with `runs_on`");
            if let Some(runs_on) = origin(source, service, "runs_on") {
                diagnostic = diagnostic.also(Place::Value(runs_on), "both run here");
            }
            found.push(diagnostic);
        }
        found
    },
};
