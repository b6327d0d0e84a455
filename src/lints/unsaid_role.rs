//! An alert on memory, CPU time or starts needs a service that says them.

use super::Lint;
use crate::catalog::origin;
use crate::diagnostic::{Diagnostic, Place};
use std::collections::BTreeMap;

pub(crate) const LINT: Lint = Lint {
    code: "unsaid-role",
    doc: "Which metric is a service's memory, its CPU time or its start, its runtime's profile says, or one of its `profiles`. Of a service without such a profile an alert on that could never fire.",
    bad: "[services.web-host]\ngroup = \"web\"\nport = 9256\nruntime = \"dotnet\"\n\n[alerts.Restarts]\nkind = \"restarts\"\nabove = 3\nwindow = \"1h\"\nfor = \"0s\"\nseverity = \"warning\"\n",
    good: "[services.web-host]\ngroup = \"web\"\nport = 9256\nruntime = \"prometheus_net\"\n\n[alerts.Restarts]\nkind = \"restarts\"\nabove = 3\nwindow = \"1h\"\nfor = \"0s\"\nseverity = \"warning\"\n",
    check: |catalog, source| {
        // Of one runtime the same is to be said of all its services.
        let mut found: BTreeMap<(&str, &str, &str), Vec<&str>> = BTreeMap::new();
        for alert in catalog.written_alerts() {
            for role in alert.kind.roles() {
                for name in &alert.covers {
                    let service = catalog.service(name);
                    let silent = service.filter(|service| !service.roles.contains_key(role));
                    if let Some(service) = silent
                        .filter(|service| catalog.profiles.runtime(&service.runtime).is_some())
                    {
                        let key = (alert.written_name(), role, service.runtime.as_str());
                        found.entry(key).or_default().push(name);
                    }
                }
            }
        }
        found
            .into_iter()
            .map(|((alert, role, runtime), services)| {
                let first = services[0];
                let more = match services.len() - 1 {
                    0 => String::new(),
                    1 => ", nor of 1 more service on it".to_string(),
                    more => format!(", nor of {more} more services on it"),
                };
                let title = catalog.profiles.runtime(runtime).map(|known| &known.title);
                let message = format!(
                    "`{alert}` is about the {role} of `{first}`, and the profile of {}, `{runtime}`, does not say which metric that is{more}",
                    title.map_or(runtime, |title| title)
                );
                let place = catalog
                    .service(first)
                    .and_then(|service| origin(source, service, "runtime"))
                    .map_or(Place::Key(format!("/services/{first}")), Place::Value);
                Diagnostic::error("unsaid-role", place, message)
                    .also(Place::Key(format!("/alerts/{alert}")), "the alert")
                    .help(format!(
                        "name a profile that says it, write profiles/NAME.toml with `[roles]` and `{role} = {{ metric = \"…\" }}`, or leave the service out, with `alerts.{alert} = {{ enabled = false, reason = \"…\" }}` in `services.{first}`"
                    ))
            })
            .collect()
    },
};
