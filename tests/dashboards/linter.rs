//! The rules of dashboard-linter, as its code has them.

use crate::catalogs::STACKS;
use crate::{expressions, name, panels};
use monstack::value::Value;
use promql_parser::label::MatchOp;
use promql_parser::parser::{Expr, VectorSelector, parse};
use promql_parser::util::{ExprVisitor, walk_expr};

/// (rule, series by the start of their name, reason): what the linter would report and is right here.
const EXCEPTIONS: [(&str, &str, &str); 5] = [
    (
        "instance",
        "job:",
        "a recorded series is about a service, so it has no instance",
    ),
    (
        "instance",
        "ALERTS",
        "an alert is about a service, so it has no instance",
    ),
    (
        "unit",
        "state-timeline",
        "the linter does not know the type; its values read as words",
    ),
    (
        "job",
        "probe_",
        "its job is that of the probes; the label service is the service's job",
    ),
    (
        "instance",
        "probe_",
        "its instance is the address of the health path",
    ),
];

fn excepted(rule: &str, subject: &str) -> bool {
    EXCEPTIONS.iter().any(|(name, start, reason)| {
        *name == rule && subject.starts_with(start) && !reason.is_empty()
    })
}

fn each(check: impl Fn(&str, &Value)) {
    for (catalog, stack) in STACKS.iter() {
        for dashboard in stack.dashboards() {
            check(catalog, dashboard);
        }
    }
}

#[test]
fn the_dashboard_itself() {
    each(|catalog, dashboard| {
        assert_eq!(dashboard["editable"], false, "{catalog}");
        assert_eq!(dashboard["schemaVersion"], 36, "{catalog}");
        assert!(
            dashboard["id"].is_null() && dashboard.get("__inputs").is_none(),
            "{catalog}"
        );
        let uid = dashboard["uid"].as_str().unwrap();
        assert!((8..=40).contains(&uid.len()), "{catalog}: {uid}");
        assert!(
            !dashboard["title"].as_str().unwrap().is_empty()
                && !dashboard["description"].as_str().unwrap().is_empty(),
            "{catalog}"
        );
    });
}

#[test]
fn variables() {
    each(|catalog, dashboard| {
        let list = dashboard["templating"]["list"].as_array().unwrap();
        let sources: Vec<&Value> = list
            .iter()
            .filter(|variable| variable["type"] == "datasource")
            .collect();
        assert_eq!(sources.len(), 1, "{catalog}");
        assert_eq!(
            (
                &sources[0]["name"],
                &sources[0]["label"],
                &sources[0]["query"]
            ),
            (
                &"datasource".into(),
                &"Data source".into(),
                &"prometheus".into()
            )
        );
        for (key, label) in [("job", "Job"), ("instance", "Instance")] {
            let variable = list
                .iter()
                .find(|variable| variable["name"] == key)
                .unwrap_or_else(|| panic!("{catalog}: no {key}"));
            assert_eq!(
                (&variable["type"], &variable["label"], &variable["allValue"]),
                (&"query".into(), &label.into(), &".+".into()),
                "{catalog}"
            );
            assert_eq!(
                (&variable["multi"], &variable["includeAll"]),
                (&true.into(), &true.into()),
                "{catalog}"
            );
            assert_eq!(variable["datasource"]["uid"], "${datasource}", "{catalog}");
        }
        for variable in list.iter().filter(|variable| variable["type"] == "query") {
            assert_eq!(variable["refresh"], 2, "{catalog}");
            assert!(
                variable["query"]
                    .as_str()
                    .unwrap()
                    .starts_with("label_values("),
                "{catalog}"
            );
        }
    });
}

#[test]
fn panels_have_a_source_title_description_unit_and_queries() {
    let source = monstack::value::json!({"type": "prometheus", "uid": "${datasource}"});
    each(|catalog, dashboard| {
        for panel in panels(dashboard) {
            let told = format!("{catalog}: {}", name(dashboard, panel));
            assert_eq!(panel["datasource"], source, "{told}");
            assert!(
                panel["targets"]
                    .as_array()
                    .unwrap()
                    .iter()
                    .all(|target| target["datasource"] == source),
                "{told}"
            );
            assert!(
                !expressions(panel).is_empty()
                    && expressions(panel).iter().all(|expr| !expr.is_empty()),
                "{told}"
            );
            for text in ["title", "description"] {
                assert!(
                    panel[text]
                        .as_str()
                        .is_some_and(|text| !text.trim().is_empty() && !text.contains("..")),
                    "{told}: {text}"
                );
            }
            let unit = panel["fieldConfig"]["defaults"]["unit"]
                .as_str()
                .unwrap_or_default();
            let known =
                ["none", "short", "reqps", "ops", "percentunit", "bytes", "s"].contains(&unit);
            assert!(
                known || excepted("unit", panel["type"].as_str().unwrap()),
                "{told}: unit {unit:?}"
            );
        }
    });
}

/// The windows that stand for Grafana's variables.
const INTERVAL: &str = "59s";

/// An expression with Grafana's variables replaced.
fn parsed(expr: &str) -> Expr {
    let text = expr
        .replace("$__rate_interval", INTERVAL)
        .replace("$__range", "61s");
    parse(&text).unwrap_or_else(|error| panic!("{error}: {expr}"))
}

/// What one expression has against it.
#[derive(Default)]
struct Findings(Vec<String>);

impl Findings {
    fn selector(&mut self, selector: &VectorSelector) {
        let series = selector.name.as_deref().unwrap_or_default();
        for label in ["job", "instance"] {
            let wanted = format!("${label}");
            let has =
                selector.matchers.matchers.iter().any(|m| {
                    m.name == label && matches!(m.op, MatchOp::Re(_)) && m.value == wanted
                });
            if !has && !excepted(label, series) {
                self.0.push(format!("{series} lacks {label}=~\"{wanted}\""));
            }
        }
    }
}

impl ExprVisitor for Findings {
    type Error = ();

    fn pre_visit(&mut self, expr: &Expr) -> Result<bool, ()> {
        match expr {
            Expr::VectorSelector(selector) => {
                self.selector(selector);
                if selector
                    .name
                    .as_deref()
                    .is_some_and(|name| name.ends_with("_total"))
                {
                    self.0.push(format!("{selector} is a counter without rate"));
                }
            }
            Expr::Call(call) => {
                for argument in &call.args.args {
                    let Expr::MatrixSelector(matrix) = argument.as_ref() else {
                        continue;
                    };
                    self.selector(&matrix.vs);
                    let counter = matrix
                        .vs
                        .name
                        .as_deref()
                        .is_some_and(|name| name.ends_with("_total"));
                    if counter && !["rate", "irate", "increase"].contains(&call.func.name) {
                        self.0.push(format!("{expr} reads a counter without rate"));
                    }
                    if ["rate", "irate"].contains(&call.func.name) && matrix.range.as_secs() != 59 {
                        self.0.push(format!("{expr} has a window of its own"));
                    }
                }
            }
            _ => {}
        }
        Ok(true)
    }
}

#[test]
fn selectors_windows_and_counters() {
    each(|catalog, dashboard| {
        for panel in panels(dashboard) {
            for expr in expressions(panel) {
                let mut findings = Findings::default();
                walk_expr(&mut findings, &parsed(expr)).unwrap();
                assert!(
                    findings.0.is_empty(),
                    "{catalog}: {}: {:#?}\n{expr}",
                    name(dashboard, panel),
                    findings.0
                );
            }
        }
    });
}

#[test]
fn the_rules_can_fail() {
    for expr in [
        "up",
        "sum(a_total{job=~\"$job\",instance=~\"$instance\"})",
        "rate(a_total{job=~\"$job\",instance=~\"$instance\"}[5m])",
    ] {
        let mut findings = Findings::default();
        walk_expr(&mut findings, &parsed(expr)).unwrap();
        assert!(!findings.0.is_empty(), "{expr}");
    }
}
