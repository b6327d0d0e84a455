//! Inside a container, localhost is the container.

use super::{Lint, set_at};
use crate::diagnostic::Diagnostic;

pub const LINT: Lint = Lint {
    code: "loopback-address",
    doc: "Prometheus runs in a container, where localhost is Prometheus itself: the target would be refused for ever.",
    bad: "[services.cart]\ngroup = \"web\"\nport = 8002\nruns_on = \"localhost\"\n",
    good: "[services.cart]\ngroup = \"web\"\nport = 8002\nruns_on = \"host\"\n",
    check: |catalog, source| {
        let loopback = catalog.services.iter().filter(|service| service.runs_on == "localhost" || service.runs_on.starts_with("127."));
        loopback
            .map(|service| {
                Diagnostic::error("loopback-address", set_at(source, service, "runs_on"), format!("`{}` is Prometheus' own container", service.runs_on))
                    .help("write `runs_on = \"host\"` for a service on this machine, `\"compose\"` for one beside Prometheus")
            })
            .collect()
    },
};
