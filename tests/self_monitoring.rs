//! The rules about the monitoring itself, judged by promtool: they are sound, their tests pass, and the tests see a broken rule.

mod referee;
mod shop;

use monstack::pipeline::run;
use monstack::render::Rendered;
use referee::root;
use shop::SMALL;
use std::path::{Path, PathBuf};

const RULES: &str = "monitoring/self_monitoring_rules.yml";
const TESTS: &str = "monitoring/self_monitoring_rules.test.yml";

fn rendered(prometheus: &str) -> Rendered {
    let runbook = "runbook_url = \"https://example.org/?a='b'&c=d%20\"\n[groups";
    let text = SMALL.replacen("[groups", runbook, 1);
    shop::rendered(&format!("{text}[prometheus]\n{prometheus}"))
}

/// Both files side by side in a folder of their own, the rules changed by `change`.
fn written(folder: &str, rendered: &Rendered, change: impl Fn(&str) -> String) -> PathBuf {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR"))
        .join("self_monitoring")
        .join(folder);
    std::fs::create_dir_all(&folder).expect("target/tmp is writable");
    let text = |path| &rendered.file(path).expect("an artifact").text;
    std::fs::write(
        folder.join("self_monitoring_rules.yml"),
        change(text(RULES)),
    )
    .expect("target/tmp is writable");
    std::fs::write(folder.join("self_monitoring_rules.test.yml"), text(TESTS))
        .expect("target/tmp is writable");
    folder
}

fn promtool(folder: &Path, arguments: &[&str]) -> (bool, String) {
    referee::judge("promtool", arguments, folder)
}

fn catalogs() -> Vec<(&'static str, Rendered)> {
    let real = run(root())
        .expect("readable")
        .rendered
        .expect("the real catalog renders");
    let slow = "scrape_interval = \"150s\"\nevaluation_interval = \"1m\"";
    let probed = rendered(
        "scrape_interval = \"150s\"\nevaluation_interval = \"1m\"\n[defaults]\nhealth_probe = true",
    );
    vec![
        ("real", real),
        ("probed", probed),
        ("short", rendered("")),
        ("slow", rendered(slow)),
    ]
}

#[test]
fn promtool_accepts_the_rules() {
    for (name, rendered) in catalogs() {
        let folder = written(&format!("{name}-check"), &rendered, str::to_string);
        let (accepted, output) = promtool(
            &folder,
            &[
                "check",
                "rules",
                "--lint=all",
                "--lint-fatal",
                "self_monitoring_rules.yml",
            ],
        );
        let count = if ["real", "probed"].contains(&name) {
            "7 rules found"
        } else {
            "6 rules found"
        };
        assert!(accepted && output.contains(count), "{name}: {output}");
    }
}

#[test]
fn the_tests_pass() {
    for (name, rendered) in catalogs() {
        let folder = written(&format!("{name}-test"), &rendered, str::to_string);
        let (passed, output) = promtool(
            &folder,
            &["test", "rules", "self_monitoring_rules.test.yml"],
        );
        assert!(passed, "{name}: {output}");
    }
}

#[test]
fn the_tests_see_a_broken_rule() {
    let rendered = run(root())
        .expect("readable")
        .rendered
        .expect("the real catalog renders");
    let mistakes = [
        ("expr: vector(1)", "expr: vector(1) > 1"),
        (
            "last_over_time(prometheus_config_last_reload_successful[5m])",
            "prometheus_config_last_reload_successful",
        ),
        (
            "prometheus_config_last_reload_successful",
            "prometheus_config_last_reload_success_timestamp_seconds",
        ),
        (
            "prometheus_rule_evaluation_failures_total[5m])) > 0",
            "prometheus_rule_evaluation_failures_total[5m])) > 100",
        ),
        (
            "prometheus_notifications_errors_total",
            "prometheus_notifications_sent_total",
        ),
        (
            "prometheus_notifications_dropped_total",
            "prometheus_notifications_sent_total",
        ),
        (
            "prometheus_notifications_alertmanagers_discovered",
            "prometheus_notifications_queue_length",
        ),
        (
            "last_over_time(alertmanager_config_last_reload_successful[5m])",
            "max by (job) (alertmanager_config_last_reload_successful)",
        ),
        ("by (job, instance, integration)", "by (job, instance)"),
        (
            "up{job=\"health-probe\"}",
            "probe_success{job=\"health-probe\"}",
        ),
        ("up{job=\"health-probe\"}", "up"),
        (
            "last_over_time(up{job=\"health-probe\"}[5m])",
            "up{job=\"health-probe\"}",
        ),
        ("count by (job)", "max by (job)"),
        (
            "(up{job=\"health-probe\"}[5m]) == 0",
            "(up{job=\"health-probe\"}[5m]) == 1",
        ),
        ("for: 5m", "for: 6m"),
        ("for: 10m", "for: 9m"),
        ("severity: critical", "severity: warning"),
    ];
    for (right, wrong) in mistakes {
        let change = |text: &str| {
            assert!(text.contains(right), "{right} is gone");
            text.replacen(right, wrong, 1)
        };
        let folder = written("broken", &rendered, change);
        let (passed, output) = promtool(
            &folder,
            &["test", "rules", "self_monitoring_rules.test.yml"],
        );
        assert!(!passed, "{right} → {wrong}: {output}");
    }
}
