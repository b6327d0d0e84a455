//! Every alert reaches a route of its own severity, and every route a receiver that exists.

use super::{Check, Example, Finding, Proof};
use serde_json::Value;

pub const PROOF: Proof = Proof {
    code: "unrouted-alert",
    doc: "An alert whose severity no route matches falls to the default receiver, where nobody looks for it.",
    example: Example::Template {
        file: "monitoring/alertmanager/alertmanager.yml",
        good: "for severity in [\"critical\", \"warning\", \"info\"]",
        bad: "for severity in [\"critical\", \"warn\", \"info\"]",
    },
    check: Check::Stack(|stack| {
        let mut found = Vec::new();
        let Some(routing) = stack.routing() else { return found };
        let receivers: Vec<&str> = routing.value["receivers"].as_array().into_iter().flatten().filter_map(|receiver| receiver["name"].as_str()).collect();
        let mut routes = vec![("/route".to_string(), &routing.value["route"])];
        let children = routing.value["route"]["routes"].as_array().into_iter().flatten().enumerate();
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
        let mut severities: Vec<&str> = stack.catalog.alerts.iter().flat_map(|alert| alert.branches.iter().map(|branch| branch.severity.as_str())).collect();
        severities.extend(stack.alerts().filter_map(|(_, _, rule)| rule["labels"]["severity"].as_str()));
        severities.sort_unstable();
        severities.dedup();
        // Severity `none` is for alerts that are not meant to reach anybody, such as a watchdog.
        for severity in severities.into_iter().filter(|severity| *severity != "none") {
            let wanted = stack.catalog.alertmanager.routes.get(severity).map_or("null", String::as_str);
            match routes[1..].iter().find(|(_, route)| routed(route, severity)) {
                None => found.push(Finding::at(&routing.path, "/route/routes", format!("no route matches severity `{severity}`"), "add a route for it")),
                Some((pointer, route)) if route["receiver"] != wanted => {
                    found.push(Finding::at(
                        &routing.path,
                        format!("{pointer}/receiver"),
                        format!("severity `{severity}` goes to `{}`, the catalog says `{wanted}`", route["receiver"].as_str().unwrap_or_default()),
                        "render the receiver from `alertmanager.routes`",
                    ));
                }
                Some(_) => {}
            }
        }
        found
    }),
};

/// Whether every matcher of a route picks an alert of this severity; other labels are taken to fit.
fn routed(route: &Value, severity: &str) -> bool {
    let matchers: Vec<&str> = route["matchers"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
    matchers.iter().all(|matcher| {
        let selector = promql_parser::parser::parse(&format!("alert{{{matcher}}}"));
        match selector {
            Ok(promql_parser::parser::Expr::VectorSelector(vector)) => {
                vector.matchers.matchers.iter().all(|matcher| matcher.name != "severity" || matcher.is_match(severity))
            }
            _ => false,
        }
    })
}
