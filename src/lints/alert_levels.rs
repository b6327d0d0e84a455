//! The levels of an alert are told apart by their severities, their thresholds and their names.

use super::Lint;
use crate::catalog::Catalog;
use crate::catalog::levels::{Levels, WAIT};
use crate::diagnostic::{Diagnostic, Place, suggestion};
use crate::source::{Source, step};
use crate::value::Value;
use std::collections::HashMap;

pub(crate) const LINT: Lint = Lint {
    code: "alert-levels",
    doc: "Levels are alerts, each with its severity and a name of its own. A severity beside them, a time to wait for a level that there is not, or a threshold of one service that does not say of which level, would be read by nobody; of two alerts with one name Prometheus would send one.",
    bad: "[alerts.Memory]\nkind = \"memory_ratio\"\nabove = { warning = 0.8, critical = 0.95 }\nfor = \"5m\"\n\n[services.checkout.alerts.Memory]\nabove = 0.9\n",
    good: "[alerts.Memory]\nkind = \"memory_ratio\"\nabove = { warning = 0.8, critical = 0.95 }\nfor = \"5m\"\n\n[services.checkout.alerts.Memory]\nabove = { warning = 0.9 }\n",
    check: |catalog, source| {
        let mut found = names(catalog, source);
        for levels in &catalog.levels {
            let table = format!("/alerts/{}", step(&levels.name));
            found.extend(severity(&table, levels, source));
            found.extend(unknown(&table, WAIT, levels, source));
            found.extend(without_wait(&table, levels, source));
            for service in &catalog.services {
                let overrides = format!("/services/{}/alerts", step(&service.name));
                let own = format!("{overrides}/{}", step(&levels.name));
                found.extend(severity(&own, levels, source));
                found.extend(unknown(&own, &levels.key, levels, source));
                found.extend(unknown(&own, WAIT, levels, source));
                found.extend(of_which(&own, levels, source));
                for level in &levels.all {
                    let one = format!("{overrides}/{}", step(&level.alert));
                    if source.value.pointer(&one).is_some() {
                        found.extend(of_one(&one, &own, &level.alert, levels, source));
                    }
                }
            }
        }
        found.extend(without_levels(catalog, source));
        found
    },
};

/// As it is typed: `{ warning = …, critical = … }`.
fn shown(levels: &Levels) -> String {
    let all = levels.all.iter().rev();
    let all: Vec<String> = all.map(|level| format!("{} = …", level.severity)).collect();
    format!("{} = {{ {} }}", levels.key, all.join(", "))
}

/// A severity beside levels, which have their own.
fn severity(table: &str, levels: &Levels, source: &Source) -> Option<Diagnostic> {
    let place = format!("{table}/severity");
    source.value.pointer(&place)?;
    let at = format!("/alerts/{}/{}", step(&levels.name), levels.key);
    Some(
        Diagnostic::error(
            "alert-levels",
            Place::Key(place),
            format!("`{}` has a severity for each of its levels", levels.name),
        )
        .also(Place::Key(at), "the levels")
        .help("remove the severity, or write one threshold beside it"),
    )
}

/// What is written for levels that the alert has not.
fn unknown(table: &str, key: &str, levels: &Levels, source: &Source) -> Vec<Diagnostic> {
    let place = format!("{table}/{key}");
    let at = Place::Key(format!("/alerts/{}/{}", step(&levels.name), levels.key));
    let known = || levels.all.iter().map(|level| level.severity.as_str());
    let written = source.value.pointer(&place).into_iter();
    let written = written
        .flat_map(Value::entries)
        .map(|(severity, _)| severity);
    let unknown = written.filter(|severity| known().all(|known| known != severity.as_str()));
    unknown
        .map(|severity| {
            Diagnostic::error(
                "alert-levels",
                Place::Key(format!("{place}/{}", step(severity))),
                format!("`{}` has no level `{severity}`", levels.name),
            )
            .also(at.clone(), "its levels")
            .help(suggestion(severity, known()))
        })
        .collect()
}

/// A table of times to wait that leaves out a level.
fn without_wait(table: &str, levels: &Levels, source: &Source) -> Option<Diagnostic> {
    let place = format!("{table}/{WAIT}");
    let written = source.value.pointer(&place)?.as_object()?;
    let mut all = levels.all.iter().map(|level| level.severity.as_str());
    let missing = all.find(|severity| !written.contains_key(severity))?;
    Some(
        Diagnostic::error(
            "alert-levels",
            Place::Key(place),
            format!(
                "it is not said how long the level `{missing}` of `{}` waits",
                levels.name
            ),
        )
        .help(format!(
            "add `{missing} = \"5m\"`, or write one time for all levels"
        )),
    )
}

/// A threshold of a service that does not say of which level it is.
fn of_which(own: &str, levels: &Levels, source: &Source) -> Option<Diagnostic> {
    let place = format!("{own}/{}", levels.key);
    let written = source.value.pointer(&place)?;
    let at = Place::Key(format!("/alerts/{}/{}", step(&levels.name), levels.key));
    (!written.is_object()).then(|| {
        Diagnostic::error(
            "alert-levels",
            Place::Value(place),
            format!(
                "`{}` has levels: it is not said of which this is the threshold",
                levels.name
            ),
        )
        .also(at, "its levels")
        .help(format!("name those that differ, as in `{}`", shown(levels)))
    })
}

/// What a service says of one level by the name of its alert: not what all of them have in common.
fn of_one(one: &str, own: &str, name: &str, levels: &Levels, source: &Source) -> Vec<Diagnostic> {
    let mut found = Vec::new();
    if source.value.pointer(&format!("{one}/severity")).is_some() {
        found.extend(severity(one, levels, source));
    }
    let window = format!("{one}/window");
    if source.value.pointer(&window).is_some() {
        found.push(
            Diagnostic::error(
                "alert-levels",
                Place::Key(window),
                format!(
                    "`{name}` looks back as far as the other levels of `{}`",
                    levels.name
                ),
            )
            .help(format!("write it for all of them: in [{}]", dotted(own))),
        );
    }
    let written = [
        (levels.key.as_str(), "threshold", "number"),
        (WAIT, "time to wait", "time"),
    ];
    for (key, what, value) in written {
        let place = format!("{one}/{key}");
        if source.value.pointer(&place).is_some_and(Value::is_object) {
            found.push(
                Diagnostic::error(
                    "alert-levels",
                    Place::Value(place),
                    format!("`{name}` is one level, with one {what}"),
                )
                .help(format!(
                    "write its {value}, or the table in [{}]",
                    dotted(own)
                )),
            );
        }
    }
    found
}

/// `/services/api/alerts/Slow` → `services.api.alerts.Slow`.
fn dotted(pointer: &str) -> String {
    pointer.trim_start_matches('/').replace('/', ".")
}

/// What is written for each level of an alert that has none.
fn without_levels(catalog: &Catalog, source: &Source) -> Vec<Diagnostic> {
    let mut found = Vec::new();
    let mut tables = vec!["/alerts".to_string()];
    let services = catalog.services.iter();
    tables.extend(services.map(|service| format!("/services/{}/alerts", step(&service.name))));
    for table in &tables {
        let written = source.value.pointer(table);
        for (name, written) in written.into_iter().flat_map(Value::entries) {
            let Some(alert) = catalog.alert(name).filter(|alert| alert.levels.is_none()) else {
                continue;
            };
            let by_level = written.entries().filter(|(key, value)| {
                value.is_object() && (alert.kind.takes_levels(key) || *key == WAIT)
            });
            found.extend(by_level.map(|(key, _)| {
                let finding = Diagnostic::error(
                    "alert-levels",
                    Place::Value(format!("{table}/{}/{key}", step(name))),
                    format!("`{name}` has no levels"),
                );
                let at = |key: &String| format!("/alerts/{}/{key}", step(name));
                let one = match key == WAIT {
                    true => "time",
                    false => "number",
                };
                let finding = finding.help(format!(
                    "write one {one}, or give the alert itself a threshold for each level"
                ));
                match &alert.threshold {
                    Some(key) => finding.also(Place::Key(at(key)), "its threshold"),
                    None => finding,
                }
            }));
        }
    }
    found
}

/// Two tables whose alerts, or whose rules, would have one name.
fn names(catalog: &Catalog, source: &Source) -> Vec<Diagnostic> {
    let mut known: HashMap<String, String> = HashMap::new();
    for table in ["alerts", "rules"] {
        for (name, _) in source.value[table].entries() {
            known.insert(name.clone(), format!("/{table}/{}", step(name)));
        }
    }
    for slo in &catalog.slos {
        for alert in &slo.alerts {
            known.insert(alert.name.clone(), format!("/slos/{}", step(&slo.name)));
        }
    }
    let mut found = Vec::new();
    for levels in &catalog.levels {
        let table = format!("/alerts/{}/{}", step(&levels.name), levels.key);
        for level in &levels.all {
            let place = format!("{table}/{}", step(&level.severity));
            match known.get(&level.alert) {
                Some(first) => found.push(
                    Diagnostic::error(
                        "alert-levels",
                        Place::Key(place),
                        format!(
                            "this level would be called `{}`, and so is another alert",
                            level.alert
                        ),
                    )
                    .also(Place::Key(first.clone()), "it is this one's name already")
                    .help("give one of the two another name"),
                ),
                None => drop(known.insert(level.alert.clone(), place)),
            }
        }
    }
    found
}
