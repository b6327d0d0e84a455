//! Tests that the user keeps himself: each asks something of a rule that is there, and some test sees each alert fire.

use crate::diagnostic::{Diagnostic, Severity, suggestion};
use crate::json::plain;
use crate::overlay::glob;
use crate::promql::engine::metric;
use crate::promql::walk::selectors;
use crate::proofs::place;
use crate::render::File;
use crate::stack::Stack;
use crate::stack::tested::RuleFiles;
use std::collections::{BTreeMap, BTreeSet};

/// What is wrong with own tests, all files together: one may see an alert fire of which another sees that it is silent.
pub(super) fn idle<'a>(stack: &'a Stack, rule_files: &RuleFiles<'a, '_>) -> Vec<Diagnostic> {
    let own = stack.files.tests().filter(|file| file.is_own());
    let mut found = Vec::new();
    // Alert → where it is first asked for, and whether any test has it fire.
    let mut asked: BTreeMap<&str, (&File, String, bool)> = BTreeMap::new();
    for file in own {
        found.extend(read_as_rules(stack, file));
        let loaded = rule_files.loaded(file);
        let names = |alerts: bool| -> BTreeSet<&str> {
            let such = loaded.rules().filter(|rule| rule.alert.is_some() == alerts);
            such.map(|rule| rule.name.as_str()).collect()
        };
        let (alerts, records) = (names(true), names(false));
        let mut any = false;
        for (index, test) in file.value["tests"].items().enumerate() {
            any = true;
            let pointer = format!("/tests/{index}");
            let cases = test["alert_rule_test"].items().enumerate();
            for (case, value) in cases {
                let pointer = format!("{pointer}/alert_rule_test/{case}/alertname");
                let name = value["alertname"].as_str().unwrap_or_default();
                if !alerts.contains(name) {
                    let message = format!(
                        "no rule file of these tests has an alert `{name}`: that it is silent proves nothing"
                    );
                    let help = suggestion(name, alerts.iter().copied());
                    found.push(place::at(&file.path, pointer, message, help));
                    continue;
                }
                let fires = value["exp_alerts"].items().next().is_some();
                let known = asked.entry(name);
                known
                    .and_modify(|(_, _, known)| *known |= fires)
                    .or_insert((file, pointer, fires));
            }
            let expressions = test["promql_expr_test"].items().enumerate();
            for (case, value) in expressions.clone() {
                let text = plain(&value["expr"]);
                let Ok(expr) = stack.contract.parse(&text) else {
                    continue;
                };
                let read = selectors(&expr);
                for alert in &alerts {
                    let named = format!("\"{alert}\"");
                    if let Some((.., fires)) = asked.get_mut(alert)
                        && text.contains(&named)
                    {
                        *fires = true;
                    }
                }
                let of_rules = |name: &str| records.contains(name) || name.starts_with("ALERTS");
                if read.iter().all(|one| !metric(one).is_some_and(of_rules)) {
                    let pointer = format!("{pointer}/promql_expr_test/{case}/expr");
                    let message = match read.is_empty() {
                        true => "this test reads nothing".to_string(),
                        false => "this test asks for what it gives itself, and for nothing that a rule records".to_string(),
                    };
                    let error = place::at(
                        &file.path,
                        pointer,
                        message,
                        "ask for the name that the rule records",
                    );
                    found.push(match read.is_empty() {
                        true => error,
                        false => Diagnostic {
                            severity: Severity::Warning,
                            ..error
                        },
                    });
                }
            }
            let asks = test["alert_rule_test"].items().next().is_some();
            if !asks && expressions.count() == 0 {
                let message = "this test asks nothing: it holds whatever the rules say";
                let help = "add alert_rule_test or promql_expr_test with what it expects";
                found.push(place::at(&file.path, pointer, message, help));
            }
        }
        if !any {
            let message = "there is no test in this file";
            let help = "write some, or take the file out of `tests` of [extra]";
            found.push(place::at(&file.path, "/tests", message, help));
        }
    }
    let silent = asked.into_iter().filter(|(_, (.., fires))| !fires);
    found.extend(silent.map(|(name, (file, pointer, _))| {
        let message = format!("no test has `{name}` fire: all of them hold too if it never can");
        let help = "add a test with samples for which it fires, and name those in `exp_alerts`";
        // That it is silent is worth a test too.
        Diagnostic {
            severity: Severity::Warning,
            ..place::at(&file.path, pointer, message, help)
        }
    }));
    found
}

/// Patterns that take files of tests for files of rules, with which promtool reads none.
fn read_as_rules(stack: &Stack, file: &File) -> Vec<Diagnostic> {
    let patterns = file.value["rule_files"].texts().enumerate();
    let wrong = patterns.filter_map(|(index, pattern)| {
        let path = file.beside(pattern);
        let mut tests = stack.files.tests();
        let taken = tests.find(|other| glob(&path, &other.path))?;
        let name = taken.path.rsplit('/').next().unwrap_or_default();
        Some(place::at(
            &file.path,
            format!("/rule_files/{index}"),
            format!(
                "`{pattern}` is {name} too, which has no rules: promtool does not read it as such"
            ),
            "write a pattern that only files of rules have, or name each",
        ))
    });
    wrong.collect()
}
