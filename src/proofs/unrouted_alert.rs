//! Every alert reaches a route of its own severity, and every route a receiver that exists.

use super::{Check, Example, Proof, place};
use crate::artifacts::Role;
use crate::diagnostic::Diagnostic;
use crate::json::Parts;
use crate::render::File;
use crate::stack::Stack;
use crate::stack::routes::{Route, TIMES, alerts};
use serde_json::Value;
use std::collections::{HashMap, HashSet};

/// What every alert of a service has.
const LABELS: [&str; 5] = ["alertname", "job", "service", "component", "severity"];

pub(crate) const PROOF: Proof = Proof {
    code: "unrouted-alert",
    doc: "An alert whose severity no route matches falls to the default receiver, where nobody looks for it; a receiver without an integration notifies no one.",
    example: Example::Rendered {
        role: Role::Alertmanager,
        pointer: "/route/routes/*/matchers",
        bad: r#"["severity=\"warn\""]"#,
    },
    check: Check::Stack(|stack| {
        let mut found = Vec::new();
        let Some(routing) = stack.files.alertmanager() else {
            return found;
        };
        let receivers: Vec<&str> = routing.value["receivers"]
            .items()
            .filter_map(|receiver| receiver["name"].as_str())
            .collect();
        let Some(tree) = Route::of(&routing.value) else {
            return found;
        };
        for route in tree.all() {
            let receiver = route.receiver();
            if !receivers.contains(&receiver) {
                found.push(place::at(
                    &routing.path,
                    format!("{}/receiver", route.pointer),
                    format!("there is no receiver `{receiver}`"),
                    "define it under `receivers`",
                ));
            }
        }
        found.extend(silent(stack, routing));
        let inside = tree.all().into_iter().skip(1);
        found.extend(inside.flat_map(|route| narrowed(&routing.path, route)));
        found.extend(elsewhere(stack, routing, &tree));
        found
    }),
};

/// Alerts that do not end where the catalog sends their severity; each mistake once.
fn elsewhere(stack: &Stack, routing: &File, tree: &Route) -> Vec<Diagnostic> {
    let mut found = Vec::new();
    let mut seen = HashSet::new();
    for alert in alerts(stack.files, stack.catalog, &tree.labels()) {
        // Severity `none` is for alerts that are not meant to reach anybody, such as a watchdog.
        let Some(severity) = alert.get("severity").filter(|severity| *severity != "none") else {
            continue;
        };
        let wanted = stack.catalog.receiver(severity);
        let ends = tree.ends(&alert);
        let first = ends.first().map_or("", |route| route.pointer.as_str());
        if [tree.pointer.as_str(), ""].contains(&first) {
            if seen.insert((severity.clone(), String::new())) {
                found.push(place::at(
                    &routing.path,
                    "/route/routes",
                    format!("no route matches severity `{severity}`"),
                    "add a route for it",
                ));
            }
        } else if !ends.iter().any(|route| route.receiver() == wanted)
            && seen.insert((severity.clone(), first.to_string()))
        {
            found.push(place::at(
                &routing.path,
                format!("{first}/receiver"),
                format!(
                    "severity `{severity}` goes to `{}`, the catalog says `{wanted}`",
                    ends[0].receiver()
                ),
                "render the receiver from `alertmanager.routes`",
            ));
        }
    }
    found
}

/// What a route has beside its severity that keeps alerts from it.
fn narrowed(path: &str, route: &Route) -> Vec<Diagnostic> {
    let mut found = Vec::new();
    for key in TIMES
        .iter()
        .filter(|key| route.settings.contains_key(**key))
    {
        found.push(place::at(
            path,
            format!("{}/{key}", route.pointer),
            "at some times the route notifies no one",
            "remove it, or accept it in `[platform]` with a reason",
        ));
    }
    let labels = route.matchers.iter().map(|matcher| matcher.name.as_str());
    for label in labels.filter(|label| !LABELS.contains(label)) {
        found.push(place::at(
            path,
            format!("{}/matchers", route.pointer),
            format!("the route selects by `{label}`, which not every alert has"),
            "select by a label that every alert has",
        ));
    }
    found
}

/// Receivers that are rendered without what the catalog gives them.
fn silent(stack: &Stack, routing: &File) -> Vec<Diagnostic> {
    let mut found = Vec::new();
    let rendered: Vec<&Value> = routing.value["receivers"].items().collect();
    let named = rendered.iter().enumerate().rev(); // of two with one name the first stays
    let index: HashMap<&str, usize> = named
        .filter_map(|(index, receiver)| Some((receiver["name"].as_str()?, index)))
        .collect();
    for (name, integrations) in &stack.catalog.receivers {
        let Some(index) = index.get(name.as_str()).copied() else {
            continue;
        };
        for integration in integrations.entries().map(|(integration, _)| integration) {
            let list = format!("{integration}_configs");
            if rendered[index][&list].as_array().is_none_or(Vec::is_empty) {
                let message = format!(
                    "`{name}` is rendered without its {integration}, and no one is notified through it"
                );
                found.push(place::at(
                    &routing.path,
                    format!("/receivers/{index}"),
                    message,
                    format!("render `{list}` for it"),
                ));
            }
        }
    }
    found
}
