//! Every alert reaches a route of its own severity, and every route a receiver that exists.

use super::stack::Stack;
use super::{Check, Example, Finding, Proof};
use crate::json::Parts;
use crate::promql::matchers;
use crate::render::File;
use serde_json::Value;
use std::collections::HashMap;

/// What every alert of a service has.
const LABELS: [&str; 5] = ["alertname", "job", "service", "component", "severity"];

pub const PROOF: Proof = Proof {
    code: "unrouted-alert",
    doc: "An alert whose severity no route matches falls to the default receiver, where nobody looks for it; a receiver without an integration tells nobody.",
    example: Example::Template {
        file: "monitoring/alertmanager/alertmanager.yml",
        good: "for severity in [\"critical\", \"warning\", \"info\"]",
        bad: "for severity in [\"critical\", \"warn\", \"info\"]",
    },
    check: Check::Stack(|stack| {
        let mut found = Vec::new();
        let Some(routing) = stack.routing() else {
            return found;
        };
        let receivers: Vec<&str> = routing.value["receivers"]
            .items()
            .filter_map(|receiver| receiver["name"].as_str())
            .collect();
        let mut routes = vec![("/route".to_string(), &routing.value["route"])];
        let children = routing.value["route"]["routes"].items().enumerate();
        routes.extend(children.map(|(index, route)| (format!("/route/routes/{index}"), route)));
        for (pointer, route) in &routes {
            let receiver = route["receiver"].as_str().unwrap_or_default();
            if !receivers.contains(&receiver) {
                found.push(Finding::at(
                    &routing.path,
                    format!("{pointer}/receiver"),
                    format!("there is no receiver `{receiver}`"),
                    "define it under `receivers`",
                ));
            }
        }
        found.extend(silent(stack, routing));
        found.extend(
            routes[1..]
                .iter()
                .flat_map(|(pointer, route)| narrowed(&routing.path, pointer, route)),
        );
        let mut severities: Vec<&str> = stack
            .catalog
            .alerts
            .iter()
            .flat_map(|alert| alert.branches.iter().map(|branch| branch.severity.as_str()))
            .collect();
        severities.extend(
            stack
                .alerts()
                .filter_map(|(_, _, rule)| rule["labels"]["severity"].as_str()),
        );
        severities.sort_unstable();
        severities.dedup();
        // Severity `none` is for alerts that are not meant to reach anybody, such as a watchdog.
        for severity in severities
            .into_iter()
            .filter(|severity| *severity != "none")
        {
            let wanted = stack
                .catalog
                .alertmanager
                .routes
                .get(severity)
                .map_or("null", String::as_str);
            match routes[1..]
                .iter()
                .find(|(_, route)| routed(route, severity))
            {
                None => found.push(Finding::at(
                    &routing.path,
                    "/route/routes",
                    format!("no route matches severity `{severity}`"),
                    "add a route for it",
                )),
                Some((pointer, route)) if route["receiver"] != wanted => {
                    found.push(Finding::at(
                        &routing.path,
                        format!("{pointer}/receiver"),
                        format!(
                            "severity `{severity}` goes to `{}`, the catalog says `{wanted}`",
                            route["receiver"].as_str().unwrap_or_default()
                        ),
                        "render the receiver from `alertmanager.routes`",
                    ));
                }
                Some(_) => {}
            }
        }
        found
    }),
};

/// What a route has beside its severity that keeps alerts from it.
fn narrowed(path: &str, pointer: &str, route: &Value) -> Vec<Finding> {
    let mut found = Vec::new();
    for key in ["mute_time_intervals", "active_time_intervals"] {
        if route.get(key).is_some() {
            let message = "at some times the route tells nobody";
            found.push(Finding::at(
                path,
                format!("{pointer}/{key}"),
                message,
                "take it out, or accept it in `[platform]` with a reason",
            ));
        }
    }
    let old = ["match", "match_re"]
        .iter()
        .filter(|key| route.get(**key).is_some());
    found.extend(old.map(|key| {
        Finding::at(
            path,
            format!("{pointer}/{key}"),
            format!("`{key}` is not read here"),
            "write it as `matchers`",
        )
    }));
    let matchers = route["matchers"].texts();
    for label in matchers
        .filter_map(|matcher| matcher.split(['=', '!']).next())
        .map(str::trim)
        .filter(|label| !LABELS.contains(label))
    {
        let message = format!("the route selects by `{label}`, which not every alert has");
        found.push(Finding::at(
            path,
            format!("{pointer}/matchers"),
            message,
            "select by a label that every alert has",
        ));
    }
    found
}

/// Receivers that are rendered without what the catalog gives them.
fn silent(stack: &Stack, routing: &File) -> Vec<Finding> {
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
                    "`{name}` is rendered without its {integration}, and tells nobody by it"
                );
                found.push(Finding::at(
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

/// Whether every matcher of a route picks an alert of this severity; other labels are taken to fit.
fn routed(route: &Value, severity: &str) -> bool {
    let matchers: Vec<&str> = route["matchers"].texts().collect();
    matchers.iter().all(|matcher| {
        matchers::read(matcher).is_some_and(|read| {
            let mut own = read.iter().filter(|one| one.name == "severity");
            own.all(|matcher| matchers::picks(matcher, severity))
        })
    })
}
