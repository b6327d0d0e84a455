//! A kind of alert from a repository's own templates/kinds/ is one like any other: checked, rendered, tested, drawn, explained,
//! simulated and drilled, without a line of Rust.

#[path = "../referee/mod.rs"]
mod referee;

use monstack::value::Value;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

const CATALOG: &str = r#"[platform]
name = "Shop"
slug = "shop"
metric_prefix = "shop"
[prometheus]
scrape_interval = "15s"
[alertmanager]
allow = [{ check = "no-one-notified", reason = "a test" }]
[groups.web]
title = "Web"
[services.one]
group = "web"
port = 18001
[services.two]
group = "web"
port = 18002
[metrics.queue_lag_seconds]
type = "gauge"
help = "How far behind the queue is"
[alerts.Behind]
kind = "lag"
gauge = "queue_lag_seconds"
above = 2.5
for = "2m"
severity = "warning"
[services.two.alerts.Behind]
above = 60
[alerts.Down]
kind = "down"
for = "5m"
severity = "critical"
"#;

fn root(name: &str, catalog: &str) -> PathBuf {
    let root = referee::folder(&format!("own-kind-{name}"));
    fs::write(root.join("services.toml"), catalog).expect("writable");
    let own = root.join("templates/kinds/lag");
    fs::create_dir_all(&own).expect("writable");
    let from = referee::root().join("tests/own_kind/lag");
    for entry in fs::read_dir(from).expect("readable") {
        let path = entry.expect("an entry").path();
        fs::copy(&path, own.join(path.file_name().expect("a name"))).expect("writable");
    }
    root
}

fn monstack(root: &Path, arguments: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_monstack"));
    command.args(arguments).arg("--root").arg(root);
    command.env("NO_COLOR", "1").output().expect("it starts")
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).expect("UTF-8")
}

#[test]
fn it_is_rendered_tested_drawn_and_explained() {
    let root = root("render", CATALOG);
    let ran = monstack(&root, &["render"]);
    assert!(ran.status.success(), "{}", text(&ran.stderr));
    let monitoring = root.join("generated/monitoring");
    let read = |path: &str| fs::read_to_string(root.join("generated").join(path)).expect(path);
    let rules = read("monitoring/alert_rules.yml");
    assert!(
        rules.contains("job:shop_behind:lag{job!=\"two\"} > 2.5"),
        "{rules}"
    );
    assert!(
        rules.contains("job:shop_behind:lag{job=\"two\"} > 60"),
        "{rules}"
    );
    let arguments = ["test", "rules", "tests/Behind.test.yml"];
    let (passed, said) = referee::judge("promtool", &arguments, &monitoring);
    assert!(passed, "{said}");
    let tests = read("monitoring/tests/Behind.test.yml");
    assert_eq!(
        tests.matches("- name:").count(),
        10,
        "five cases for each of two thresholds"
    );
    for dashboard in ["overview", "service"] {
        let drawn = read(&format!(
            "monitoring/grafana/dashboards/shop-{dashboard}.json"
        ));
        assert!(
            drawn.contains("job:shop_behind:lag"),
            "{dashboard} does not draw it"
        );
    }
    let overview = read("monitoring/grafana/dashboards/shop-overview.json");
    assert!(overview.contains("Behind fires above 2.5s for 2m, above 1m for 2m on two."));
    let runbook = read("docs/RUNBOOK.md");
    assert!(runbook.contains("How far behind is it?") && runbook.contains("above 2.5s"));
    let explained = text(&monstack(&root, &["explain", "Behind@two"]).stdout);
    assert!(
        explained.contains("lag") && explained.contains("1m"),
        "{explained}"
    );
    let schema: Value = serde_json::from_slice(&monstack(&root, &["schema"]).stdout).expect("JSON");
    let kinds =
        &schema["properties"]["alerts"]["additionalProperties"]["properties"]["kind"]["enum"];
    assert!(
        kinds.as_array().expect("a list").contains(&"lag".into()),
        "{kinds}"
    );
}

/// A threshold that a template ignores is found by the cases, which the template's author did not write.
#[test]
fn its_cases_judge_its_promql() {
    let root = root("wrong", CATALOG);
    let condition = root.join("templates/kinds/lag/condition.promql");
    let wrong = fs::read_to_string(&condition)
        .expect("readable")
        .replace("> <<", ">= 1.01 * <<");
    fs::write(&condition, wrong).expect("writable");
    let ran = monstack(&root, &["render"]);
    let said = text(&ran.stderr);
    assert!(
        ran.status.code() == Some(1)
            && said.contains("error[alert-behaviour]")
            && said.contains("fires just above the threshold"),
        "{said}"
    );
}

#[test]
fn its_keys_are_checked_and_its_mistakes_have_a_place() {
    let root = root(
        "mistakes",
        &CATALOG.replace("above = 2.5", "above = -1\nwindow = \"5m\""),
    );
    let ran = monstack(&root, &["render"]);
    assert_eq!(ran.status.code(), Some(1));
    let said = text(&ran.stderr);
    assert!(
        said.contains("`above` is -1") && said.contains("unknown key `window`"),
        "{said}"
    );
    let data = root.join("templates/kinds/lag/kind.toml");
    let sound = fs::read_to_string(&data).expect("readable");
    for (from, to, wanted, line) in [
        (
            "panel = \"domain\"",
            "pannel = \"domain\"",
            "unknown field `pannel`",
            ":2:",
        ),
        (
            "panel = \"domain\"",
            "panel = \"left\"",
            "unknown variant `left`",
            ":2:",
        ),
        (
            "name = \"lag\"\ndoes",
            "name = \"lag\"\ndose",
            "unknown field `dose`",
            ":",
        ),
        (
            "{ lag = [\"level n.below\"]",
            "{ lug = [\"level n.below\"]",
            "gives `lug`, which is not among `series`",
            ":34:",
        ),
        (
            "case = \"resolves",
            "case = \"recovers",
            "the fault `lag` names a case that is not there",
            ":56:",
        ),
        (
            "later = \"now.fires + 5\"",
            "later = \"now.fires +\"",
            "`now.fires +` is not a valid expression",
            ":22:",
        ),
    ] {
        fs::write(&data, sound.replacen(from, to, 1)).expect("writable");
        let said = text(&monstack(&root, &["render"]).stderr);
        let place = format!("templates/kinds/lag/kind.toml{line}");
        assert!(
            said.contains("error[invalid-kind]") && said.contains(wanted) && said.contains(&place),
            "{said}"
        );
    }
    // An expression is only wrong once it has numbers: the key of the file and the expression are named.
    fs::write(
        &data,
        sound.replacen("level 0.1 * n.below", "level 0.1 * n.beloww", 1),
    )
    .expect("writable");
    fs::write(root.join("services.toml"), CATALOG).expect("writable");
    let said = text(&monstack(&root, &["render"]).stderr);
    assert!(
        said.contains(
            "templates/kinds/lag/kind.toml: `0.1 * n.beloww` of `is silent with little lag`"
        ),
        "{said}"
    );
}

#[test]
fn its_fault_is_drilled() {
    let root = root("drill", CATALOG);
    let ran = monstack(&root, &["drill", "--only", "Behind"]);
    let (said, log) = (text(&ran.stdout), text(&ran.stderr));
    assert!(ran.status.success(), "{said}{log}");
    assert!(log.contains("Behind@two: lag:Behind"), "{said}{log}");
    assert!(said.contains("2 of 2 passed"), "{said}{log}");
}
