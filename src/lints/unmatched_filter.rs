//! What an alert selects by `where` is there, and what it leaves out with `except` is not all.

use super::Lint;
use crate::catalog::filters::as_pattern;
use crate::catalog::{Catalog, Metric};
use crate::contract::domain::Domain;
use crate::diagnostic::{Diagnostic, Place, mistyped_part};
use crate::source::step;
use crate::value::Value;

pub(crate) const LINT: Lint = Lint {
    code: "unmatched-filter",
    doc: "An alert that selects series by a value which their label never has reads nothing and never fires; one that leaves out all of them neither. Leaving out a value that no series has changes nothing, and is most likely misspelt.",
    bad: "[metrics.logins_total]\ntype = \"counter\"\nhelp = \"Logins\"\nlabels = { result = [\"ok\", \"failed\"] }\n\n[alerts.LoginsFail]\nkind = \"increase\"\nmetric = { metric = \"logins_total\", where = { result = [\"failure\"] } }\nabove = 10\nseverity = \"warning\"\n",
    good: "[metrics.logins_total]\ntype = \"counter\"\nhelp = \"Logins\"\nlabels = { result = [\"ok\", \"failed\"] }\n\n[alerts.LoginsFail]\nkind = \"increase\"\nmetric = { metric = \"logins_total\", where = { result = [\"failed\"] } }\nabove = 10\nseverity = \"warning\"\n",
    check: |catalog, _| {
        let (mut found, mut lists) = (Vec::new(), Vec::new());
        for alert in catalog.written_alerts() {
            for (key, read, _) in alert.named_metrics() {
                let silencing = alert.unless.as_ref().filter(|_| key == "unless");
                let filter = silencing.map(|unless| &unless.filter);
                let filter = filter.or_else(|| alert.said_filter(key));
                let Some((metric, filter)) = catalog.metric(read).zip(filter) else {
                    continue;
                };
                let table = format!("{}/{}", alert.table(), step(key));
                let mut say = |side: &str, label: &str, message: String, domain: &Domain| {
                    let pointer = format!("{table}/{side}/{}", step(label));
                    let wrong =
                        Diagnostic::error("unmatched-filter", Place::Value(pointer), message);
                    let help = match domain {
                        Domain::Values(values) => {
                            let values = values.iter().filter(|value| !value.is_empty());
                            let values: Vec<&str> = values.map(String::as_str).collect();
                            format!("its values are {}", values.join(", "))
                        }
                        Domain::Pattern(pattern) => {
                            format!("its values match `{pattern}`, as a whole")
                        }
                    };
                    found.push(wrong.help(help));
                };
                let sides = [("where", &filter.r#where), ("except", &filter.except)];
                for (side, label, written) in sides
                    .iter()
                    .flat_map(|(side, asked)| asked.iter().map(|(label, w)| (*side, label, w)))
                {
                    let declared = metric.labels.get(label).map(Domain::declared);
                    let Some(domain) = declared.or_else(|| of_targets(catalog, metric, label))
                    else {
                        continue;
                    };
                    let does = if side == "where" {
                        "reads"
                    } else {
                        "leaves out"
                    };
                    let name = alert.written_name();
                    // A label that may be anything may be missing too, and nobody declares one for that.
                    let all = format!("(?:{})|", as_pattern(written));
                    if side == "except" && domain.example(&all, false).is_none() {
                        let message = format!("`{name}` leaves out every series of `{read}`");
                        say(side, label, message, &domain);
                    }
                    for text in listed(written) {
                        let message = format!(
                            "`{name}` {does} series of `{read}` whose `{label}` is `{text}`, commas and all"
                        );
                        // Of values that are listed it is known whether there are such.
                        if matches!(domain, Domain::Pattern(_)) {
                            let pointer = format!("{table}/{side}/{}", step(label));
                            let values = text.split(',').map(|one| format!("\"{}\"", one.trim()));
                            let values: Vec<String> = values.collect();
                            let help = format!("write a list: `{label} = [{}]`", values.join(", "));
                            lists.push(
                                Diagnostic::error(
                                    "unmatched-filter",
                                    Place::Value(pointer),
                                    message,
                                )
                                .help(help),
                            );
                        }
                    }
                    for lost in lost(written, &domain) {
                        let message = format!(
                            "`{name}` {does} series of `{read}` whose `{label}` is {lost}, and there are none"
                        );
                        say(side, label, message, &domain);
                    }
                }
            }
        }
        found.extend(lists);
        found
    },
};

/// Texts that are lists by their commas, and by nothing else that a regular expression would have.
fn listed(written: &Value) -> impl Iterator<Item = &str> {
    let alone = written.as_str().into_iter();
    alone.chain(written.texts()).filter(|text| {
        let word = |one: &str| {
            let one = one.trim();
            let usual = |c: char| c.is_ascii_alphanumeric() || "_-".contains(c);
            !one.is_empty() && one.chars().all(usual)
        };
        text.contains(',') && text.split(',').all(word)
    })
}

/// The values of a label of the targets that expose a metric, which is empty where a service does not have it; None: none has it.
fn of_targets(catalog: &Catalog, metric: &Metric, label: &str) -> Option<Domain> {
    let services = catalog.services_of(&metric.services);
    let written: Vec<Option<&Value>> = services
        .map(|service| service.target_labels.get(label))
        .collect();
    let known = || written.iter().flatten();
    known().next()?;
    if known().any(|values| values.is_string()) {
        return Some(Domain::Pattern(".*".to_string()));
    }
    let mut values: Vec<String> = Vec::new();
    for value in known().flat_map(|values| values.texts()) {
        if !values.iter().any(|known| known == value) {
            values.push(value.to_string());
        }
    }
    if written.contains(&None) {
        values.push(String::new());
    }
    Some(Domain::Values(values))
}

/// What is asked for and cannot be: each value of a list, or what is like a pattern.
fn lost(written: &Value, domain: &Domain) -> Vec<String> {
    match written {
        Value::Array(_) => {
            let values = written.texts().filter(|value| !domain.holds(value));
            values.map(|value| format!("`{value}`")).collect()
        }
        _ => {
            let pattern = as_pattern(written);
            if domain.example(&pattern, true).is_none() {
                return vec![format!("like `{pattern}`")];
            }
            let Domain::Values(known) = domain else {
                return Vec::new();
            };
            let mistyped = mistyped_part(&pattern, known.iter().map(String::as_str));
            let part = mistyped.map(|(part, meant)| format!("`{part}`, for `{meant}`"));
            part.into_iter().collect()
        }
    }
}
