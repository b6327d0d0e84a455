//! What a change of the catalog may move, and how large the overview may grow.

use crate::{Stack, all_panels, catalogs, expressions, panels};
use monstack::value::Value;
use std::collections::BTreeSet;

fn with(catalog: &str, more: &str) -> Stack {
    Stack::of(&format!("{catalog}\n{more}"))
}

fn ids(dashboard: &Value) -> BTreeSet<u64> {
    all_panels(dashboard)
        .iter()
        .filter_map(|panel| panel["id"].as_u64())
        .collect()
}

#[test]
fn adding_a_service_to_every_group_changes_no_byte_of_the_dashboards() {
    let before = catalogs::stack("seed");
    let groups = before.catalog().groups.iter().enumerate();
    let more: Vec<String> = groups
        .map(|(index, group)| {
            format!(
                "[services.newcomer-{index}]\ngroup = \"{}\"\nport = {}\n",
                group.key,
                8090 + index
            )
        })
        .collect();
    let after = with(&catalogs::seed(), &more.concat());
    for dashboard in ["overview", "service"] {
        assert_eq!(
            before.text(&before.path(dashboard)),
            after.text(&after.path(dashboard)),
            "{dashboard}"
        );
    }
}

#[test]
fn adding_a_group_adds_one_row_and_moves_nothing_above_it() {
    let (before, after) = (
        catalogs::stack("seed"),
        with(
            &catalogs::seed(),
            "[groups.new]\ntitle = \"New\"\n[services.newcomer]\ngroup = \"new\"\nport = 8099\n",
        ),
    );
    let (old, new) = (
        before.overview["panels"].as_array().unwrap(),
        after.overview["panels"].as_array().unwrap(),
    );
    let resources = old
        .iter()
        .position(|panel| panel["title"] == "System Resources")
        .expect("the last row");
    assert_eq!(old[..resources], new[..resources]);
    assert_eq!(new[resources]["title"], "New");
    assert!(ids(&before.overview).is_subset(&ids(&after.overview)));
    let rows = |panels: &[Value]| panels.iter().filter(|panel| panel["type"] == "row").count();
    assert_eq!(rows(new), rows(old) + 1);
}

#[test]
fn the_eight_sections_are_in_their_order() {
    let stack = catalogs::stack("seed");
    let titles: Vec<&str> = stack.overview["panels"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|panel| panel["type"] == "row")
        .map(|row| row["title"].as_str().unwrap())
        .collect();
    let groups: Vec<&str> = stack
        .catalog()
        .groups
        .iter()
        .map(|group| group.title.as_str())
        .collect();
    assert_eq!(
        titles,
        [&["System Overview"][..], &groups, &["System Resources"]].concat()
    );
}

#[test]
fn a_newly_declared_metric_appears_on_both_dashboards() {
    let own = "[metrics.designs_total]\ntype = \"counter\"\nhelp = \"Designs\"\nservices = [\"agent-designer\"]\n";
    for metric in [
        own.to_string(),
        own.replace("services = [\"agent-designer\"]\n", ""),
        own.replace("designs_total", "designs")
            .replace("counter", "gauge"),
    ] {
        let stack = with(&catalogs::seed(), &metric);
        for dashboard in stack.dashboards() {
            assert!(
                panels(dashboard).iter().any(|panel| expressions(panel)
                    .iter()
                    .any(|expr| expr.contains("agent_lightning_designs"))),
                "{metric}"
            );
        }
    }
}

#[test]
fn many_metrics_of_one_group_are_drawn_together_by_type_and_unit() {
    let one = |index: usize, name: &str, kind: &str| {
        format!(
            "[metrics.design_{index}_{name}]\ntype = \"{kind}\"\nhelp = \"Designs\"\nservices = [\"agent-designer\"]\n"
        )
    };
    let many: String = (0..8)
        .flat_map(|index| [one(index, "total", "counter"), one(index, "bytes", "gauge")])
        .collect();
    let (before, after) = (catalogs::stack("seed"), with(&catalogs::seed(), &many));
    let (old, new) = (panels(&before.overview), panels(&after.overview));
    assert_eq!(new.len(), old.len() + 2, "one panel for each type and unit");
    for (title, unit) in [("Counters per second", "ops"), ("Gauges, bytes", "bytes")] {
        let drawn = new
            .iter()
            .find(|panel| panel["title"] == title)
            .expect(title);
        assert_eq!(
            drawn["targets"].as_array().map(Vec::len),
            Some(8),
            "{title}"
        );
        assert_eq!(drawn["fieldConfig"]["defaults"]["unit"], unit);
    }
}

#[test]
fn every_declared_metric_and_every_alert_is_on_both_dashboards() {
    for stack in ["seed", "varied"].map(catalogs::stack) {
        for dashboard in stack.dashboards() {
            let all = panels(dashboard)
                .iter()
                .flat_map(|panel| expressions(panel))
                .collect::<Vec<_>>()
                .join("\n");
            for metric in &stack.catalog().metrics {
                assert!(
                    all.contains(&metric.name),
                    "{} is not on {}",
                    metric.name,
                    dashboard["title"]
                );
            }
            for alert in &stack.catalog().alerts {
                assert!(
                    all.contains(&format!("\"{}\"", alert.name)),
                    "{} is not on {}",
                    alert.name,
                    dashboard["title"]
                );
            }
        }
    }
}

#[test]
fn thresholds_are_those_of_the_alerts() {
    let stack = catalogs::stack("varied");
    let panel = |id: &str| {
        all_panels(&stack.overview)
            .into_iter()
            .find(|panel| panel["links"][0]["title"] == id && panel["type"] == "timeseries")
            .cloned()
            .unwrap()
    };
    let steps =
        panel("Runbook: TooManyErrors")["fieldConfig"]["defaults"]["thresholds"]["steps"].clone();
    assert_eq!(
        steps,
        monstack::value::json!([{"color": "green", "value": null}, {"color": "red", "value": 0.1}, {"color": "red", "value": 0.2}])
    );
    assert_eq!(
        panel("Runbook: TooManyErrors")["links"][0]["url"],
        "https://example.org/runbook#toomanyerrors"
    );
}

#[test]
fn a_thousand_services_in_twenty_groups_stay_under_300_kb_and_every_list_ends() {
    let stack = Stack::of(&catalogs::large(1000, 20));
    let size = stack.text(&stack.path("overview")).len();
    assert!(size < 300_000, "{size} bytes");
    let grouped = [
        "sum(",
        "avg(",
        "count(",
        "(sum(",
        "(count(",
        "sum by (status)",
        "histogram_quantile(",
        "min(",
        "max(",
    ];
    for panel in panels(&stack.overview) {
        for expr in expressions(panel) {
            let ends = expr.contains("topk(")
                || expr.contains("bottomk(")
                || grouped.iter().any(|start| expr.starts_with(start))
                || expr.contains("ALERTS_FOR_STATE");
            assert!(ends, "{}: {expr}", panel["title"]);
        }
    }
    let open: Vec<&Value> = stack.overview["panels"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|panel| panel["type"] != "row")
        .collect();
    assert!(
        open.len() < 30,
        "{} panels ask before anybody looks",
        open.len()
    );
}
