//! A ratio of failures is of those and of what did not fail, together.

use super::Lint;
use crate::contract::status;
use crate::diagnostic::{Diagnostic, Place};

pub(crate) const LINT: Lint = Lint {
    code: "failures-apart",
    doc: "An alert that fires apart by the label which tells failures has a ratio for each of its values: of failures alone it is 1, of the others 0, however few fail.",
    bad: "[alerts.Errors]\nkind = \"error_ratio\"\nabove = 0.1\nper = [\"status\"]\nseverity = \"warning\"\n",
    good: "[metrics.logins_total]\ntype = \"counter\"\nhelp = \"Logins\"\nlabels = { status = \"[1-5][0-9]{2}\", region = [\"eu\", \"us\"] }\n\n[alerts.Errors]\nkind = \"error_ratio\"\nrequests = \"logins_total\"\nabove = 0.1\nper = [\"region\"]\nseverity = \"warning\"\n",
    check: |catalog, _| {
        let mut found = Vec::new();
        for alert in catalog.written_alerts() {
            // By what answers are told, and what a part has that its whole has not.
            let mut telling: Vec<&str> = Vec::new();
            for (key, name, _) in alert.metrics() {
                let metric = catalog.metric(name);
                if alert.kind.says(key, "answers").is_some() {
                    let said = metric.into_iter().flat_map(|metric| metric.errors.keys());
                    telling.extend(said.map(String::as_str));
                    telling.extend(metric.and_then(|metric| status::label(&metric.labels)));
                }
                let part = alert
                    .kind
                    .says(key, "whole_of")
                    .and_then(|part| part.as_str());
                let Some(part) =
                    part.filter(|part| alert.settings.get(part) == alert.settings.get(key))
                else {
                    continue;
                };
                let asked = |key: &str| alert.filters.get(key).map(|filter| &filter.r#where);
                let Some(failing) = asked(part) else { continue };
                let of_whole =
                    |label: &String| asked(key).is_some_and(|all| all.contains_key(label));
                let mut own = failing.keys().filter(|label| !of_whole(label));
                // Where another label tells failures too, a ratio apart by this one is of both.
                if own.clone().all(|label| alert.per.contains(label)) {
                    telling.extend(own.next().map(String::as_str));
                }
            }
            for (at, label) in alert.per.iter().enumerate() {
                if !telling.contains(&label.as_str()) {
                    continue;
                }
                let place = Place::Value(format!("{}/per/{at}", alert.table()));
                let message = format!(
                    "`{}` fires apart by `{label}`, which tells failures: each value has a ratio of its own, 0 or 1",
                    alert.written_name()
                );
                found.push(
                    Diagnostic::error("failures-apart", place, message)
                        .help(format!("leave `{label}` out of `per`")),
                );
            }
        }
        found
    },
};
