//! `prove`: the proofs over files as they are on disk.

use crate::{run, shop};
use std::fs;

const CATALOG: &str = r#"[platform]
name = "Shop"
slug = "shop"
metric_prefix = "shop"
runbook_url = "https://example.org/RUNBOOK.md"
[alertmanager]
allow = [{ check = "no-one-notified", reason = "nobody is on call in a test" }]
[groups]
web = { title = "Web" }
[services]
api = { group = "web", port = 8000 }
[alerts.Memory]
kind = "memory_ratio"
above = 0.9
for = "10m"
severity = "warning"
"#;

#[test]
fn a_hand_edit_is_judged_at_its_own_line() {
    let shop = shop("prove", CATALOG);
    assert_eq!(run(&shop, &["render"]).code, Some(0));
    let ran = run(&shop, &["prove"]);
    assert_eq!((ran.code, ran.err.as_str()), (Some(0), ""));
    assert!(ran.out.starts_with("all proved: "), "{}", ran.out);

    let rules = shop.join("generated/monitoring/alert_rules.yml");
    let text = fs::read_to_string(&rules).unwrap();
    fs::write(&rules, text.replace("> 0.9", "> 0.95")).unwrap();
    let ran = run(&shop, &["prove"]);
    assert_eq!(ran.code, Some(1));
    let line = text
        .lines()
        .position(|line| line.contains("> 0.9"))
        .unwrap()
        + 1;
    assert!(
        ran.err
            .contains("error[alert-behaviour]: `Memory` for `api`")
            && ran
                .err
                .contains(&format!("generated/monitoring/alert_rules.yml:{line}:")),
        "{}",
        ran.err
    );
    let check = run(&shop, &["render", "--check"]);
    assert!(
        check
            .out
            .contains("as it is, generated/ breaks: alert-behaviour"),
        "{}",
        check.out
    );
    // A sound edit breaks nothing, and is said to be one all the same.
    fs::write(&rules, text.replace("> 0.9", "> 0.9 # nine tenths")).unwrap();
    assert_eq!(run(&shop, &["prove"]).code, Some(0));
    let check = run(&shop, &["render", "--check"]);
    assert!(
        check.code == Some(1) && !check.out.contains("breaks"),
        "{}",
        check.out
    );
}

#[test]
fn what_follows_from_one_file_is_said_there_once() {
    let shop = shop("prove-foundation", CATALOG);
    assert_eq!(run(&shop, &["render"]).code, Some(0));
    for (file, find, replace, said) in [
        (
            "monitoring/working_prometheus.yml",
            "- job_name: \"api\"",
            "- job_name: \"api\"\n    relabel_configs:\n      - target_label: job\n        replacement: web",
            "this rule makes a target of `api` one of the job `web`",
        ),
        (
            "monitoring/working_prometheus.yml",
            "- job_name: \"api\"",
            "- job_name: \"api\"\n    relabel_configs:\n      - source_labels: [service]\n        regex: api\n        action: drop",
            "this rule drops a target of `api`",
        ),
        (
            "monitoring/grafana/provisioning/datasources/prometheus.yml",
            "timeInterval: \"15s\"",
            "timeInterval: \"1s\"",
            "this edit alone makes it wrong: the catalog renders `timeInterval: \"15s\"` here",
        ),
    ] {
        let path = shop.join("generated").join(file);
        let text = fs::read_to_string(&path).unwrap();
        assert!(text.contains(find), "{text}");
        fs::write(&path, text.replacen(find, replace, 1)).unwrap();
        let ran = run(&shop, &["prove"]);
        assert_eq!(ran.err.matches("error[").count(), 1, "{}", ran.err);
        let place = format!("--> generated/{file}:");
        for part in [said, &place, "errors that follow from this are not shown"] {
            assert!(ran.err.contains(part), "{part}: {}", ran.err);
        }
        fs::write(&path, text).unwrap();
    }
}

#[test]
fn files_of_others_are_proved_by_the_role_that_is_given() {
    let shop = shop("prove-roles", CATALOG);
    assert_eq!(run(&shop, &["render"]).code, Some(0));
    let rules = shop.join("generated/monitoring/alert_rules.yml");
    let own = shop.join("own");
    fs::create_dir_all(own.join("monitoring")).unwrap();
    for name in [
        "recording_rules.yml",
        "signal_rules.yml",
        "working_prometheus.yml",
    ] {
        let from = shop.join("generated/monitoring").join(name);
        fs::copy(from, own.join("monitoring").join(name)).unwrap();
    }
    let text = fs::read_to_string(&rules).unwrap();
    fs::write(own.join("mine.yml"), text.replace("> 0.9", "> 9")).unwrap();
    let folder = own.to_string_lossy().into_owned();
    let ran = run(&shop, &["prove", &folder]);
    assert!(
        ran.out.contains("not looked at") && ran.out.contains("mine.yml"),
        "{}",
        ran.out
    );
    let ran = run(&shop, &["prove", &folder, "--role", "mine.yml=rules"]);
    assert_eq!(ran.code, Some(1));
    assert!(ran.err.contains("own/mine.yml:"), "{}", ran.err);
    let ran = run(&shop, &["prove", &folder, "--role", "mine.yml=rule"]);
    assert!(
        ran.code == Some(2) && ran.err.contains("did you mean `rules`?"),
        "{}",
        ran.err
    );
    fs::write(own.join("mine.yml"), "a: [").unwrap();
    let ran = run(&shop, &["prove", &folder, "--role", "mine.yml=rules"]);
    assert!(ran.err.contains("error[invalid-yaml]"), "{}", ran.err);
}

#[test]
fn a_folder_without_a_catalog_is_told_how_to_get_one() {
    let shop = shop("prove-hand", CATALOG);
    fs::remove_file(shop.join("services.toml")).unwrap();
    fs::create_dir(shop.join("hand")).unwrap();
    fs::write(shop.join("hand/prometheus.yml"), "scrape_configs: []\n").unwrap();
    let ran = run(&shop, &["prove", &shop.join("hand").display().to_string()]);
    assert_eq!(ran.code, Some(2));
    let said = "/hand/prometheus.yml` writes one of a stack that is kept by hand";
    assert!(ran.err.contains(said), "{}", ran.err);
}
