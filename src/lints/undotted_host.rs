//! A host name without a dot may be a word for something else.

use super::{Lint, set_at};
use crate::catalog::ipv6;
use crate::diagnostic::{Diagnostic, nearest};
use std::collections::HashSet;

/// What `runs_on` means besides an address.
const PLACES: [&str; 2] = ["host", "compose"];

pub(crate) const LINT: Lint = Lint {
    code: "undotted-host",
    doc: "`runs_on` takes every word but `host` and `compose` for the name of a machine: misspelt, or naming an orchestrator, it is a host that nobody can resolve, and the service is down permanently.",
    bad: "[services.cart]\ngroup = \"web\"\nport = 8002\nruns_on = \"compsoe\"\n",
    good: "[services.cart]\ngroup = \"web\"\nport = 8002\nruns_on = \"compose\"\n",
    check: |catalog, source| {
        let containers: HashSet<&str> = catalog
            .services
            .iter()
            .filter(|service| service.container)
            .map(|service| service.name.as_str())
            .collect();
        let mut found = Vec::new();
        for service in &catalog.services {
            let name = service.runs_on.as_str();
            // A container of the catalog is a name that is known.
            let known = PLACES.contains(&name) || name == "localhost" || containers.contains(name);
            if known || name.contains('.') || ipv6(name).is_some() {
                if name == "compose" && !service.container {
                    let message = format!(
                        "`{}` is looked for as a container, and nothing here starts one",
                        service.name
                    );
                    let help = "give it an `image`, or write in `runs_on` where it runs; accept this with `allow` when another compose file of the same project starts it";
                    found.push(
                        Diagnostic::warning(
                            "undotted-host",
                            set_at(source, service, "runs_on"),
                            message,
                        )
                        .help(help),
                    );
                }
                continue;
            }
            let meant = nearest(name, PLACES.iter().copied())
                .map_or(String::new(), |near| format!("did you mean `{near}`? "));
            let message = format!("`{name}` is taken for the name of a machine");
            let help = format!(
                "{meant}write its full name or its address, as in `{name}.example.org`; or accept it with `allow` when Prometheus can resolve it"
            );
            found.push(
                Diagnostic::warning("undotted-host", set_at(source, service, "runs_on"), message)
                    .help(help),
            );
        }
        found
    },
};
