//! Hand edits of generated files: each becomes a key of the catalog or a text of a template, if that renders it; what does not
//! stays on disk, and is said with what says it.

mod referee;
mod shop;

use shop::{Ended, folder, monstack};
use std::fs;
use std::path::{Path, PathBuf};

const CATALOG: &str = r#"# The shop.
[platform]
name = "Shop"
slug = "shop"
metric_prefix = "shop"

[defaults]
scrape_interval = "10s" # as ever

[groups.web]
title = "The web"

[groups.core]
title = "Inside"

# what customers see
[services.checkout]
group = "web"
port = 8001
[services.checkout.alerts.Errors]
above = 0.2 # a bank is behind it

[services.prices]
group = "web"
port = 8002

[services.stock]
group = "core"
port = 8003

[metrics.requests_total]
type = "counter"
help = "Requests answered"
[metrics.requests_total.labels]
method = ["GET", "POST"]
endpoint = ".+"
status = "[1-5][0-9]{2}"

[alerts.Down]
kind = "down"
severity = "critical"

[alerts.Errors]
kind = "error_ratio"
above = 0.05 # agreed with sales
window = "5m"
for = "5m"

[alerts.Memory]
kind = "memory_ratio"
above = 0.9
for = "10m"
"#;

const RULES: &str = "generated/monitoring/alert_rules.yml";
const PROMETHEUS: &str = "generated/monitoring/working_prometheus.yml";
const ALERTMANAGER: &str = "generated/monitoring/alertmanager/alertmanager.yml";
const OVERVIEW: &str = "generated/monitoring/grafana/dashboards/shop-overview.json";
const RUNBOOK: &str = "generated/docs/RUNBOOK.md";

/// A folder with the catalog, rendered.
fn rendered(name: &str) -> PathBuf {
    let root = folder(&format!("absorb-{name}"));
    fs::write(root.join("services.toml"), CATALOG).expect("writable");
    let ended = monstack(&root, &["render"]);
    assert_eq!(ended.code, 0, "{}", ended.stderr);
    root
}

fn read(root: &Path, file: &str) -> String {
    fs::read_to_string(root.join(file)).unwrap_or_else(|error| panic!("{file}: {error}"))
}

/// Changes a file by hand: the first of a text, which is there.
fn edit(root: &Path, file: &str, old: &str, new: &str) {
    let text = read(root, file);
    assert!(text.contains(old), "{file} has no {old}:\n{text}");
    fs::write(root.join(file), text.replacen(old, new, 1)).expect("writable");
}

fn absorb(root: &Path, code: i32, said: &[&str]) -> Ended {
    let ended = monstack(root, &["absorb"]);
    says(&ended, code, said);
    ended
}

fn says(ended: &Ended, code: i32, said: &[&str]) {
    let all = format!("{}{}", ended.stdout, ended.stderr);
    assert_eq!(ended.code, code, "{all}");
    for text in said {
        assert!(all.contains(text), "not said: {text}\n{all}");
    }
}

/// That the catalog is the one above but for this, and that the folder is what it renders.
fn is(root: &Path, old: &str, new: &str) {
    assert!(CATALOG.contains(old), "{old}");
    assert_eq!(read(root, "services.toml"), CATALOG.replacen(old, new, 1));
    current(root);
}

fn current(root: &Path) {
    let check = monstack(root, &["render", "--check"]);
    assert_eq!(check.code, 0, "{}", check.stdout);
    fs::remove_dir_all(root).expect("removable");
}

#[test]
fn a_threshold_becomes_its_key_and_what_else_says_it_follows() {
    let root = rendered("threshold");
    edit(&root, RULES, "> 0.05", "> 0.08");
    let check = monstack(&root, &["render", "--check"]);
    says(
        &check,
        1,
        &[
            &format!("{RULES}:"),
            "is said by: alerts.Errors.above = 0.08, at services.toml:",
            "or keep what was edited: monstack absorb",
        ],
    );
    absorb(
        &root,
        0,
        &[
            "absorbed as alerts.Errors.above at services.toml:",
            "0.05 → 0.08",
            "changed   generated/monitoring/tests/Errors.test.yml",
        ],
    );
    is(&root, "above = 0.05 #", "above = 0.08 #");
}

#[test]
fn a_threshold_in_words_is_the_same_key() {
    let root = rendered("words");
    edit(&root, RUNBOOK, "above 5%", "above 8%");
    absorb(&root, 0, &["absorbed as alerts.Errors.above"]);
    is(&root, "above = 0.05 #", "above = 0.08 #");
}

#[test]
fn what_one_service_has_otherwise_is_its_own_key() {
    let root = rendered("override");
    edit(&root, RULES, "> 0.2", "> 0.25");
    absorb(
        &root,
        0,
        &["absorbed as services.checkout.alerts.Errors.above"],
    );
    is(&root, "above = 0.2 #", "above = 0.25 #");
}

#[test]
fn what_two_services_have_otherwise_alike_is_both_their_keys() {
    let root = folder("absorb-alike");
    let own = "port = 8002\n";
    let also = format!("{own}[services.prices.alerts.Errors]\nabove = 0.2\n");
    fs::write(root.join("services.toml"), CATALOG.replace(own, &also)).expect("writable");
    assert_eq!(monstack(&root, &["render"]).code, 0);
    edit(&root, RULES, "> 0.2", "> 0.25");
    absorb(
        &root,
        0,
        &[
            "absorbed as services.checkout.alerts.Errors.above",
            "absorbed as services.prices.alerts.Errors.above",
        ],
    );
    current(&root);
}

#[test]
fn an_interval_of_one_service_is_not_everybodys() {
    let root = rendered("interval");
    edit(
        &root,
        PROMETHEUS,
        "job_name: \"stock\"\n    scrape_interval: 10s",
        "job_name: \"stock\"\n    scrape_interval: 20s",
    );
    absorb(
        &root,
        0,
        &[
            "absorbed as services.stock.scrape_interval",
            "10s, not written there, → 20s",
            "rather than",
            "defaults.scrape_interval = 20s",
        ],
    );
    is(
        &root,
        "port = 8003\n",
        "port = 8003\nscrape_interval = \"20s\"\n",
    );
    let root = rendered("intervals");
    let text = read(&root, PROMETHEUS);
    fs::write(
        root.join(PROMETHEUS),
        text.replace("    scrape_interval: 10s", "    scrape_interval: 20s"),
    )
    .expect("writable");
    absorb(&root, 0, &["absorbed as defaults.scrape_interval"]);
    is(&root, "\"10s\" #", "\"20s\" #");
}

#[test]
fn a_key_that_is_not_written_is_written_then() {
    let root = rendered("default");
    edit(
        &root,
        ALERTMANAGER,
        "group_interval: 5m",
        "group_interval: 10m",
    );
    absorb(
        &root,
        0,
        &[
            "absorbed as alertmanager.group_interval",
            "5m, not written there, → 10m",
        ],
    );
    assert_eq!(
        read(&root, "services.toml"),
        format!("{CATALOG}\n[alertmanager]\ngroup_interval = \"10m\"\n")
    );
    current(&root);
    let root = rendered("for");
    edit(&root, RULES, "for: 5m", "for: 7m");
    absorb(&root, 0, &["absorbed as alerts.Down.for"]);
    is(
        &root,
        "severity = \"critical\"\n",
        "severity = \"critical\"\nfor = \"7m\"\n",
    );
}

/// What a catalog does not say yet: an edit, what is said of it, and the lines that the catalog then has.
#[test]
fn what_the_catalog_is_silent_about_becomes_its_key() {
    let errors = "above = 0.05 # agreed with sales\nwindow = \"5m\"\nfor = \"5m\"\n";
    let memory = "above = 0.9\nfor = \"10m\"\n";
    let rule = "          severity: \"warning\"\n";
    let target = "          component: \"core\"\n";
    for (name, file, old, new, said, before, after) in [
        (
            "severity",
            RULES,
            rule,
            "          severity: \"critical\"\n",
            "absorbed as alerts.Errors.severity at services.toml:48: not written there → critical",
            errors,
            "severity = \"critical\"\n",
        ),
        (
            "label",
            RULES,
            rule,
            "          team: \"sales\"\n          severity: \"warning\"\n",
            "absorbed as alerts.Errors.labels.team",
            errors,
            "\n[alerts.Errors.labels]\nteam = \"sales\"\n",
        ),
        (
            "target",
            PROMETHEUS,
            target,
            "          tier: \"2\"\n          component: \"core\"\n",
            "absorbed as services.stock.labels.tier",
            "port = 8003\n",
            "\n[services.stock.labels]\ntier = \"2\"\n",
        ),
        (
            "machine",
            PROMETHEUS,
            "host.docker.internal:8003",
            "10.0.0.7:8003",
            "absorbed as services.stock.runs_on",
            "port = 8003\n",
            "runs_on = \"10.0.0.7\"\n",
        ),
        (
            "sentence",
            RULES,
            "{{ $labels.service }} is short of memory",
            "{{ $labels.service }}: {{ $value | humanizePercentage }} used",
            "absorbed as alerts.Memory.summary",
            memory,
            "summary = \"{value:percent} used\"\n",
        ),
    ] {
        let root = rendered(&format!("silent-{name}"));
        edit(&root, file, old, new);
        let check = monstack(&root, &["render", "--check"]);
        says(
            &check,
            1,
            &["which is not written yet", "or keep what was edited"],
        );
        absorb(&root, 0, &[said]);
        let catalog = CATALOG.replacen(before, &format!("{before}{after}"), 1);
        let text = read(&root, "services.toml");
        assert_eq!(text.trim_end(), catalog.trim_end(), "{name}");
        current(&root);
    }
}

#[test]
fn a_threshold_that_includes_itself_is_another_key_of_the_same_value() {
    let root = folder("absorb-at_least");
    let catalog = format!(
        "{CATALOG}\n[metrics.queue]\ntype = \"gauge\"\nhelp = \"Waiting\"\n\n[alerts.Queue]\nkind = \"threshold\"\nmetric = \"queue\"\nabove = 100\n"
    );
    fs::write(root.join("services.toml"), &catalog).expect("writable");
    assert_eq!(monstack(&root, &["render"]).code, 0);
    edit(&root, RULES, "> 100", ">= 100");
    absorb(
        &root,
        0,
        &[
            "absorbed as alerts.Queue.above at services.toml:",
            "100 → taken away",
            "absorbed as alerts.Queue.at_least",
        ],
    );
    let text = read(&root, "services.toml");
    assert_eq!(text, catalog.replace("above = 100", "at_least = 100"));
    current(&root);
}

#[test]
fn labels_of_everything_come_and_go() {
    let root = folder("absorb-external");
    let catalog = format!("{CATALOG}\n[prometheus]\nexternal_labels = {{ cluster = \"a\" }}\n");
    fs::write(root.join("services.toml"), &catalog).expect("writable");
    assert_eq!(monstack(&root, &["render"]).code, 0);
    edit(
        &root,
        PROMETHEUS,
        "{\"cluster\": \"a\"}",
        "{\"cluster\": \"a\", \"env\": \"prod\"}",
    );
    absorb(&root, 0, &["absorbed as prometheus.external_labels.env"]);
    let more = catalog.replace("\"a\" }", "\"a\", env = \"prod\" }");
    assert_eq!(read(&root, "services.toml"), more);
    edit(&root, PROMETHEUS, ", \"env\": \"prod\"", "");
    absorb(
        &root,
        0,
        &[
            "absorbed as prometheus.external_labels.env",
            "prod → taken away",
        ],
    );
    assert_eq!(read(&root, "services.toml"), catalog);
    current(&root);
}

#[test]
fn a_rule_or_a_job_that_is_deleted_is_an_entry_to_remove() {
    let root = rendered("deleted");
    for (file, first, entry, command) in [
        (
            RULES,
            "      - alert: \"Memory\"",
            "alerts.Memory",
            "remove alert Memory",
        ),
        (
            PROMETHEUS,
            "  - job_name: \"stock\"",
            "services.stock",
            "remove service stock",
        ),
    ] {
        let whole = read(&root, file);
        let at = whole.find(first).expect("it is rendered");
        fs::write(root.join(file), whole[..at].trim_end().to_string() + "\n").expect("writable");
        absorb(
            &root,
            1,
            &[
                &format!("the catalog without {entry} renders that"),
                &format!("`monstack {command}`, which takes all that belongs to it along"),
                "1 error; nothing was written",
            ],
        );
        fs::write(root.join(file), whole).expect("writable");
    }
    current(&root);
}

#[test]
fn one_edit_of_several_files_is_none_of_the_catalog() {
    let root = rendered("both");
    // As on any day but that of the rendering.
    let before = std::time::SystemTime::now() - std::time::Duration::from_secs(60);
    let catalog = fs::File::options()
        .write(true)
        .open(root.join("services.toml"));
    let catalog = catalog.expect("writable");
    catalog.set_modified(before).expect("a time");
    let service = OVERVIEW.replace("overview", "service");
    for file in [OVERVIEW, &service] {
        edit(&root, file, "\"refresh\": \"30s\"", "\"refresh\": \"1m\"");
    }
    absorb(&root, 0, &["absorbed as grafana.refresh"]);
    current(&root);
}

#[test]
fn a_title_and_a_refresh_of_a_dashboard_are_keys_however_the_file_is_laid_out() {
    let root = rendered("title");
    let text = read(&root, OVERVIEW);
    let value: monstack::value::Value = serde_json::from_str(&text).expect("JSON");
    let text = format!("{value:#}\n")
        .replace("\"The web\"", "\"What customers see\"")
        .replace("\"refresh\": \"30s\"", "\"refresh\": \"1m\"");
    fs::write(root.join(OVERVIEW), text).expect("writable");
    absorb(
        &root,
        0,
        &[
            "absorbed as groups.web.title",
            "absorbed as grafana.refresh",
        ],
    );
    let text = read(&root, "services.toml");
    assert!(
        text.contains("title = \"What customers see\"")
            && text.contains("[grafana]\nrefresh = \"1m\"\n"),
        "{text}"
    );
    current(&root);
}

#[test]
fn a_limit_and_a_port_in_a_compose_file_are_those_of_the_service() {
    let root = rendered("compose");
    let file = "generated/docker-compose.services.yml";
    edit(&root, file, "memory: \"1g\"", "memory: \"2g\"");
    edit(&root, PROMETHEUS, ":8002\"", ":8102\"");
    absorb(
        &root,
        0,
        &[
            "absorbed as services.checkout.memory_limit",
            "1GiB, not written there, → 2GiB",
            "absorbed as services.prices.port",
        ],
    );
    current(&root);
}

#[test]
fn several_edits_of_one_line_and_of_several_files_come_at_once() {
    let root = rendered("several");
    edit(&root, RUNBOOK, "| above 5% | 5m |", "| above 8% | 9m |");
    edit(&root, RULES, "for: 10m", "for: 12m");
    edit(&root, ALERTMANAGER, "group_wait: 30s", "group_wait: 45s");
    let ended = absorb(&root, 0, &["changed "]);
    assert_eq!(
        ended.stdout.matches("absorbed as ").count(),
        4,
        "{}",
        ended.stdout
    );
    let text = read(&root, "services.toml");
    for wanted in [
        "above = 0.08 # agreed with sales\nwindow = \"9m\"\nfor = \"5m\"",
        "above = 0.9\nfor = \"12m\"",
        "group_wait = \"45s\"",
    ] {
        assert!(text.contains(wanted), "{wanted}: {text}");
    }
    current(&root);
}

#[test]
fn what_no_key_says_is_left_on_disk_with_the_line_that_says_it() {
    let root = rendered("left");
    edit(&root, RULES, "> 0.05", "> 0.08");
    edit(&root, RULES, "is short of memory", "needs memory");
    let ended = absorb(
        &root,
        1,
        &[
            "absorbed as alerts.Errors.above",
            "error[not-absorbed]",
            "became `summary: \"{{ $labels.service }} needs memory\"`: no key of the catalog says that",
            "templates/kinds/memory_ratio/annotations.yml:1",
            "`monstack templates eject kinds/memory_ratio/annotations.yml`, and `absorb` writes it there",
            &format!("edited    {RULES}"),
        ],
    );
    assert!(
        !ended.stderr.contains("nothing was written"),
        "{}",
        ended.stderr
    );
    let rules = read(&root, RULES);
    assert!(
        rules.contains("> 0.08") && rules.contains("needs memory"),
        "{rules}"
    );
    assert!(read(&root, RUNBOOK).contains("above 8%"));
    // The advice is followed.
    let eject = monstack(
        &root,
        &["templates", "eject", "kinds/memory_ratio/annotations.yml"],
    );
    assert_eq!(eject.code, 0, "{}", eject.stderr);
    absorb(
        &root,
        0,
        &["absorbed in templates/kinds/memory_ratio/annotations.yml:1"],
    );
    is(&root, "above = 0.05 #", "above = 0.08 #");
}

#[test]
fn a_value_that_only_bounds_an_edited_one_is_not_its_key() {
    let root = rendered("bound");
    edit(
        &root,
        PROMETHEUS,
        "scrape_timeout: 10s",
        "scrape_timeout: 8s",
    );
    absorb(
        &root,
        1,
        &[
            "error[not-absorbed]",
            "became `scrape_timeout: 8s`: no key of the catalog says that",
        ],
    );
    assert_eq!(read(&root, "services.toml"), CATALOG);
    fs::remove_dir_all(root).expect("removable");
}

#[test]
fn comments_rules_and_services_by_hand_have_no_key() {
    let root = rendered("impossible");
    edit(&root, RULES, "groups:\n", "# mine\ngroups:\n");
    let added = format!(
        "{}      - alert: Mine\n        expr: up == 0\n",
        read(&root, RULES)
    );
    fs::write(root.join(RULES), added).expect("writable");
    edit(
        &root,
        PROMETHEUS,
        "    static_configs:\n      - targets: [\"host.docker.internal:8003\"]\n",
        "",
    );
    let before = read(&root, RULES);
    absorb(
        &root,
        1,
        &[
            "`# mine` is added",
            "`- alert: Mine` with 1 line behind it is added: no key of the catalog says that",
            "files that [extra] names",
            "`static_configs:` with 1 line behind it is gone",
            "3 errors; nothing was written",
        ],
    );
    assert_eq!(read(&root, RULES), before);
    assert_eq!(read(&root, "services.toml"), CATALOG);
    fs::remove_dir_all(root).expect("removable");
    let root = rendered("comment");
    edit(&root, RULES, "groups:\n", "# mine\ngroups:\n");
    edit(&root, RULES, "for: 5m", "for:  5m");
    let ended = absorb(
        &root,
        1,
        &["only comments or the layout differ in this file"],
    );
    assert!(ended.stderr.contains("\n1 error;"), "{}", ended.stderr);
    fs::remove_dir_all(root).expect("removable");
}

#[test]
fn keys_stand_in_parts_and_files_of_ones_own_are_copied() {
    let root = folder("absorb-parts");
    let stock = "[services.stock]\ngroup = \"core\"\nport = 8003\n";
    let extra = "[extra]\nrules = [\"own.yml\"]\n";
    fs::write(
        root.join("services.toml"),
        CATALOG.replace(stock, "") + extra,
    )
    .expect("writable");
    fs::create_dir(root.join("services.d")).expect("writable");
    fs::write(root.join("services.d/stock.toml"), stock).expect("writable");
    let own = "groups:\n  - name: own\n    rules:\n      - alert: Own\n        expr: up == 0\n        for: 5m\n";
    fs::write(root.join("own.yml"), own).expect("writable");
    let ended = monstack(&root, &["render"]);
    assert_eq!(ended.code, 0, "{}", ended.stderr);
    edit(
        &root,
        "generated/monitoring/extra/own.yml",
        "for: 5m",
        "for: 9m",
    );
    edit(&root, PROMETHEUS, ":8003\"", ":8103\"");
    absorb(
        &root,
        1,
        &[
            "absorbed as services.stock.port at services.d/stock.toml:3",
            "it is a copy of what own.yml says: change it there",
        ],
    );
    assert!(read(&root, "services.d/stock.toml").ends_with("port = 8103\n"));
    fs::remove_dir_all(root).expect("removable");
}

#[test]
fn what_the_schema_refuses_is_said_with_its_key() {
    let root = rendered("refused");
    edit(&root, RULES, "> 0.05", "> 1.5");
    absorb(
        &root,
        1,
        &[
            "error[refused-edit]: this edit is alerts.Errors.above = 1.5, which is refused: `above` is 1.5",
            "it is said here",
            "1 error; nothing was written",
        ],
    );
    assert_eq!(read(&root, "services.toml"), CATALOG);
    fs::remove_dir_all(root).expect("removable");
}

#[test]
fn what_does_not_prove_is_not_written_and_the_rest_is() {
    let root = rendered("unproved");
    edit(
        &root,
        RULES,
        "error_ratio_5m{job!=\"checkout\"}",
        "error_ratio_15s{job!=\"checkout\"}",
    );
    edit(
        &root,
        RULES,
        "error_ratio_5m{job=\"checkout\"}",
        "error_ratio_15s{job=\"checkout\"}",
    );
    edit(&root, ALERTMANAGER, "group_wait: 30s", "group_wait: 45s");
    absorb(
        &root,
        1,
        &[
            "error[refused-edit]: this edit is alerts.Errors.window = 15s, which is refused",
            "error[window-too-short]",
            "absorbed as alertmanager.group_wait",
        ],
    );
    let text = read(&root, "services.toml");
    assert_eq!(
        text,
        format!("{CATALOG}\n[alertmanager]\ngroup_wait = \"45s\"\n")
    );
    assert!(read(&root, RULES).contains("ratio_15s"));
    fs::remove_dir_all(root).expect("removable");
}

#[test]
fn two_values_of_one_key_are_both_refused() {
    let root = rendered("contradictory");
    edit(&root, RULES, "> 0.05", "> 0.08");
    edit(&root, RUNBOOK, "above 5%", "above 7%");
    absorb(
        &root,
        1,
        &[
            "error[contradictory-edit]: this edit is alerts.Errors.above = 0.08, and another edit wants something else",
            "this edit is alerts.Errors.above = 0.07",
            "`monstack set alerts.Errors.above 0.07`",
        ],
    );
    assert_eq!(read(&root, "services.toml"), CATALOG);
    fs::remove_dir_all(root).expect("removable");
}

#[test]
fn a_file_is_named_and_the_edits_of_others_stay() {
    let root = rendered("named");
    edit(&root, RULES, "> 0.05", "> 0.08");
    edit(&root, ALERTMANAGER, "group_wait: 30s", "group_wait: 45s");
    fs::write(root.join("notes.txt"), "mine").expect("writable");
    let ended = monstack(
        &root,
        &["absorb", "monitoring/alert_rules.yml", "notes.txt"],
    );
    says(
        &ended,
        1,
        &[
            "absorbed as alerts.Errors.above",
            "error[not-generated]: notes.txt is not generated",
            &format!("edited    {ALERTMANAGER}"),
        ],
    );
    assert!(read(&root, ALERTMANAGER).contains("group_wait: 45s"));
    assert_eq!(
        read(&root, "services.toml"),
        CATALOG.replace("above = 0.05", "above = 0.08")
    );
    let none = monstack(&root, &["absorb", "no-such-file.yml"]);
    says(&none, 2, &["there is no file no-such-file.yml"]);
    fs::remove_dir_all(root).expect("removable");
}

#[test]
fn an_environment_says_it_in_its_own_file() {
    let root = rendered("environment");
    let staging =
        "# staging\n[platform]\nslug = \"shop-staging\"\n\n[alerts.Errors]\nfor = \"30m\"\n";
    fs::write(root.join("services.staging.toml"), staging).expect("writable");
    let ended = monstack(&root, &["render", "--environment", "staging"]);
    assert_eq!(ended.code, 0, "{}", ended.stderr);
    let rules = "generated-staging/monitoring/alert_rules.yml";
    edit(&root, rules, "> 0.05", "> 0.4");
    edit(&root, rules, "for: 30m", "for: 1h");
    // The file says which environment it is of.
    let ended = monstack(&root, &["absorb", rules]);
    says(
        &ended,
        0,
        &[
            "absorbed as alerts.Errors.for at services.staging.toml:6: 30m → 1h",
            "absorbed as alerts.Errors.above at services.staging.toml:7",
        ],
    );
    assert_eq!(
        read(&root, "services.staging.toml"),
        staging.replace("30m\"\n", "1h\"\nabove = 0.4\n")
    );
    edit(&root, rules, "> 0.4", "> 0.3");
    let ended = monstack(&root, &["absorb", "--environment", "staging"]);
    says(
        &ended,
        0,
        &["absorbed as alerts.Errors.above at services.staging.toml:7"],
    );
    assert_eq!(read(&root, "services.toml"), CATALOG);
    current(&root);
}

#[test]
fn an_edited_catalog_is_not_taken_for_edited_files() {
    let root = rendered("catalog");
    edit(&root, "services.toml", "above = 0.05", "above = 0.06");
    let check = monstack(&root, &["render", "--check"]);
    assert!(!check.stdout.contains("absorb"), "{}", check.stdout);
    absorb(
        &root,
        1,
        &[
            "error[stale]",
            "with alerts.Errors.above = 0.05 renders it",
            "`monstack render`",
        ],
    );
    assert_eq!(
        read(&root, "services.toml"),
        CATALOG.replace("above = 0.05", "above = 0.06")
    );
    fs::remove_dir_all(root).expect("removable");
}

#[test]
fn keys_that_do_the_same_are_all_named() {
    let root = folder("absorb-ambiguous");
    let mut catalog = CATALOG.to_string();
    for port in ["8002", "8003"] {
        let own = format!("port = {port}\n");
        catalog = catalog.replace(&own, &format!("{own}scrape_interval = \"30s\"\n"));
    }
    fs::write(root.join("services.toml"), &catalog).expect("writable");
    assert_eq!(monstack(&root, &["render"]).code, 0);
    // Grafana is told the longest interval of all.
    let file = "generated/monitoring/grafana/provisioning/datasources/prometheus.yml";
    edit(&root, file, "30s", "35s");
    absorb(
        &root,
        1,
        &[
            "error[ambiguous-edit]: this edit may be services.prices.scrape_interval = 35s, or services.stock.scrape_interval = 35s",
            "`monstack set services.stock.scrape_interval 35s`",
            "1 error; nothing was written",
        ],
    );
    assert_eq!(read(&root, "services.toml"), catalog);
    fs::remove_dir_all(root).expect("removable");
}

#[test]
fn without_an_edit_there_is_nothing_to_do() {
    let root = rendered("nothing");
    absorb(
        &root,
        0,
        &["nothing to absorb: generated/ says what the catalog says"],
    );
    let ended = monstack(&root, &["absorb", RULES, "--format", "json"]);
    says(&ended, 0, &["\"status\":\"ok\"", "\"edits\":[]"]);
    edit(&root, RULES, "> 0.05", "> 0.08");
    let ended = monstack(&root, &["absorb", "--format", "json"]);
    let document: monstack::value::Value = serde_json::from_str(&ended.stdout).expect("JSON");
    assert_eq!(
        document["edits"][0]["said_by"][0]["key"],
        "alerts.Errors.above"
    );
    assert_eq!(document["edits"][0]["file"], RULES);
    is(&root, "above = 0.05 #", "above = 0.08 #");
}
