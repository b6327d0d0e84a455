//! Every alert has a unit test in which it fires and one in which it does not.

use super::{Check, Example, Proof, place};
use crate::artifacts::Role;
use crate::stack::own_tests::OwnTests;
use std::collections::{HashMap, HashSet};

pub(crate) const PROOF: Proof = Proof {
    code: "untested-rule",
    doc: "promtool says SUCCESS for an alert without tests, for a test whose rule file does not exist, and for one without an interval.",
    example: Example::Rendered {
        role: Role::RuleTests,
        pointer: "/tests/*/interval",
        bad: "",
    },
    check: Check::Stack(|stack| {
        let mut found = Vec::new();
        let mut asked: Vec<(&str, String, &str)> = Vec::new();
        let mut shown: HashMap<&str, (bool, bool)> = HashMap::new();
        for file in stack.files.tests() {
            for (index, name) in file.value["rule_files"]
                .items()
                .filter_map(|name| name.as_str())
                .enumerate()
            {
                if stack.files.at(&file.beside(name)).is_none() {
                    found.push(place::at(
                        &file.path,
                        format!("/rule_files/{index}"),
                        format!("the tests load `{name}`, which does not exist"),
                        "name a rule file, relative to the tests",
                    ));
                }
            }
            for (index, test) in file.value["tests"].items().enumerate() {
                if test.get("interval").is_none() {
                    found.push(place::at(
                        &file.path,
                        format!("/tests/{index}"),
                        "a test without an interval has no samples",
                        "write `interval`",
                    ));
                }
                for (at, case) in test["alert_rule_test"].items().enumerate() {
                    let name = case["alertname"].as_str().unwrap_or_default();
                    let pointer = format!("/tests/{index}/alert_rule_test/{at}/alertname");
                    asked.push((&file.path, pointer, name));
                    let fires = case["exp_alerts"]
                        .as_array()
                        .is_some_and(|alerts| !alerts.is_empty());
                    let entry = shown
                        .entry(case["alertname"].as_str().unwrap_or_default())
                        .or_default();
                    *entry = (entry.0 || fires, entry.1 || !fires);
                }
                // An alert of kind promql is looked at through ALERTS.
                for (at, case) in test["promql_expr_test"].items().enumerate() {
                    let named = case["expr"]
                        .as_str()
                        .and_then(|text| text.split_once("alertname=\"")?.1.split('"').next());
                    if let Some(name) = named {
                        let pointer = format!("/tests/{index}/promql_expr_test/{at}/expr");
                        asked.push((&file.path, pointer, name));
                        let fires = case["exp_samples"]
                            .as_array()
                            .is_some_and(|samples| !samples.is_empty());
                        let entry = shown.entry(name).or_default();
                        *entry = (entry.0 || fires, entry.1 || !fires);
                    }
                }
            }
        }
        for pointer in OwnTests::lost(stack.catalog, stack.files) {
            found.push(place::in_catalog(
                pointer,
                "the test is not among those that are rendered: nobody runs it",
                "render all tests of the catalog",
            ));
        }
        let known: HashSet<&str> = stack
            .files
            .alerts()
            .filter_map(|(_, _, rule)| rule["alert"].as_str())
            .collect();
        for (path, pointer, name) in asked {
            if !known.contains(name) {
                found.push(place::at(
                    path,
                    pointer,
                    format!("the test asks for `{name}`, and there is no such alert: it is silent whatever happens"),
                    "name the alert as its rule does",
                ));
            }
        }
        let alerts = stack.catalog.alerts.iter();
        let unread: HashSet<&str> = alerts
            .filter(|alert| stack.catalog.beyond_promtool(alert))
            .map(|alert| alert.name.as_str())
            .collect();
        for (file, pointer, rule) in stack.files.alerts() {
            let name = rule["alert"].as_str().unwrap_or_default();
            // Its cases are run at every render all the same.
            if unread.contains(name) {
                continue;
            }
            let missing = match shown.get(name).copied().unwrap_or_default() {
                (true, true) => continue,
                (false, _) => "fires",
                (true, false)
                    if rule["expr"]
                        .as_str()
                        .is_some_and(|expr| expr.starts_with("vector(")) =>
                {
                    continue;
                }
                (true, false) => "is silent",
            };
            found.push(place::at(
                &file.path,
                format!("{pointer}/alert"),
                format!("no unit test shows that `{name}` {missing}"),
                "add a case to the tests",
            ));
        }
        found
    }),
};
