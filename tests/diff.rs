//! `diff` on pairs of catalogs, as text and as Markdown, and on every kind of BASE that can go wrong.
//! UPDATE_GOLDEN=1 writes what is printed into tests/diff/<case>/.

mod shop;

use monstack::artifacts::ARTIFACTS;
use monstack::catalog::Catalog;
use monstack::catalog::schema::SCHEMA;
use monstack::diff::{Change, Class, Explained, Side, compare, compare_rendered};
use monstack::overlay::Overlay;
use monstack::pipeline;
use monstack::render::{self, Rendered};
use monstack::source::{Source, Texts};
use monstack::value::Value;
use shop::{Ended, SMALL, ended, folder, git};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::{AtomicUsize, Ordering};

/// `diff` in a folder.
fn monstack(root: &Path, arguments: &[&str]) -> Ended {
    shop::monstack(root, &[&["diff"], arguments].concat())
}

fn cases() -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/diff");
    let mut cases: Vec<PathBuf> = fs::read_dir(folder)
        .expect("tests/diff")
        .map(|entry| entry.expect("an entry").path())
        .collect();
    cases.sort();
    cases
}

/// Runs a case with after.toml as the catalog and before.toml as BASE.
fn case(case: &Path, format: &str) -> Ended {
    let root = folder(&format!(
        "{}-{format}",
        case.file_name().expect("a name").to_string_lossy()
    ));
    fs::copy(case.join("after.toml"), root.join("services.toml")).expect("after.toml");
    fs::copy(case.join("before.toml"), root.join("before.toml")).expect("before.toml");
    let ended = monstack(&root, &["before.toml", "--format", format]);
    fs::remove_dir_all(root).expect("removable");
    ended
}

#[test]
fn every_case_prints_what_is_expected() {
    for path in cases() {
        for (format, name) in [("text", "expected.txt"), ("markdown", "expected.md")] {
            let ended = case(&path, format);
            // What is not proved is said first, and compared all the same.
            let proved = !ended.stderr.contains("error[");
            assert_eq!(
                proved,
                !ended.stdout.contains("is not proved"),
                "{}",
                path.display()
            );
            assert!(
                proved == ended.stderr.is_empty(),
                "{}: {}",
                path.display(),
                ended.stderr
            );
            let golden = path.join(name);
            if std::env::var_os("UPDATE_GOLDEN").is_some() {
                fs::write(&golden, &ended.stdout).expect("the golden is writable");
            }
            let expected = fs::read_to_string(&golden).unwrap_or_default();
            assert_eq!(
                ended.stdout,
                expected,
                "{}: UPDATE_GOLDEN=1 takes it over",
                golden.display()
            );
            let dangerous = expected.contains("dangerous\n") || expected.contains("**dangerous**");
            assert_eq!(
                ended.code,
                i32::from(!proved || dangerous),
                "{}",
                golden.display()
            );
        }
    }
}

#[test]
fn json_has_the_same_fields_for_every_change() {
    for path in cases() {
        let there: Value =
            serde_json::from_str(&case(&path, "json").stdout).expect("one JSON document");
        for change in there["changes"].as_array().expect("changes") {
            let keys: Vec<&String> = change.as_object().expect("an object").keys().collect();
            assert_eq!(
                keys,
                ["class", "message", "services", "file", "line"],
                "{}",
                path.display()
            );
            assert!(change["line"].as_u64().is_some_and(|line| line > 0));
            assert!(
                ["services.toml", "before.toml"]
                    .contains(&change["file"].as_str().expect("a file"))
            );
        }
        let counted: u64 = there["counts"]
            .as_object()
            .expect("counts")
            .values()
            .filter_map(Value::as_u64)
            .sum();
        assert_eq!(
            counted as usize,
            there["changes"].as_array().map_or(0, Vec::len),
            "{}",
            path.display()
        );
        assert_eq!(there["base"], "before.toml");
        assert_eq!(
            there["status"],
            if there["counts"]["dangerous"] == 0 && there["findings"] == Value::Array(Vec::new()) {
                "ok"
            } else {
                "findings"
            }
        );
    }
}

/// What is gone has no line in the catalog, and GitHub shows annotations on files of the pull request only.
#[test]
fn github_annotates_the_catalog_only() {
    for path in cases() {
        let ended = case(&path, "github");
        let annotations: Vec<&str> = ended
            .stdout
            .lines()
            .filter(|line| line.starts_with("::"))
            .collect();
        assert!(
            annotations
                .iter()
                .all(|line| line.contains(" file=services.toml,line=")),
            "{annotations:#?}"
        );
        let text = case(&path, "text");
        // Findings of a catalog that is not proved are annotations too.
        let of_changes =
            |line: &&&str| line.contains("dangerous-change") || line.contains("changed-behaviour");
        let count = |word: &str| {
            annotations
                .iter()
                .filter(of_changes)
                .filter(|line| line.starts_with(&format!("::{word} ")))
                .count()
        };
        if let Some(last) = text
            .stdout
            .lines()
            .last()
            .filter(|line| line.starts_with("against"))
        {
            let words = last.split_whitespace().collect::<Vec<_>>();
            assert_eq!(
                (
                    count("error").to_string().as_str(),
                    count("warning").to_string().as_str()
                ),
                (words[2], words[4]),
                "{}",
                path.display()
            );
        }
    }
}

/// The sentences that lead from one text to the other.
fn sentences(before: &str, after: &str) -> Vec<String> {
    let load = |name: &str, text: &str| {
        pipeline::load(name, text)
            .unwrap_or_else(|refused| panic!("{name}: {:#?}\n{text}", refused.diagnostics))
    };
    let (before, after) = (load("before.toml", before), load("services.toml", after));
    let [before, after] = [&before, &after].map(|(source, catalog)| Side { source, catalog });
    let all: Vec<String> = after
        .catalog
        .services
        .iter()
        .map(|service| service.name.clone())
        .collect();
    compare(before, after)
        .iter()
        .map(|change| change.message(&all))
        .collect()
}

#[test]
fn nothing_changes_against_itself_and_the_way_back_is_seen_too() {
    for path in cases() {
        let [before, after] = ["before.toml", "after.toml"]
            .map(|name| fs::read_to_string(path.join(name)).expect(name));
        assert_eq!(
            sentences(&before, &before),
            Vec::<String>::new(),
            "{}",
            path.display()
        );
        assert_eq!(
            sentences(&after, &after),
            Vec::<String>::new(),
            "{}",
            path.display()
        );
        assert_eq!(
            sentences(&after, &before).is_empty(),
            sentences(&before, &after).is_empty(),
            "{}",
            path.display()
        );
    }
}

/// A valid value that is not the default, for a key of the schema.
fn other_value(key: &str, property: &Value) -> &'static str {
    let target = property["$ref"]
        .as_str()
        .or(property["allOf"][0]["$ref"].as_str());
    let target = target
        .and_then(|target| target.strip_prefix("#/$defs/"))
        .map(|target| {
            target
                .strip_prefix("settings/properties/")
                .unwrap_or(target)
        });
    match target.unwrap_or(key) {
        // Of a server: whether it is a container.
        "runs_on" if property.get("enum").is_some() => "\"host\"",
        "metrics_port" | "sample_limit" => "777",
        "params" | "labels" | "external_labels" => "{ other = \"value\" }",
        "tls" => "{ server_name = \"other\" }",
        "auth" => "{ bearer_file = \"other\" }",
        "honor_labels" | "home" => "true",
        "profiles" => "[\"node_exporter\"]",
        "remote_write" => "[{ url = \"http://other:1\" }]",
        "url_or_path" => "\"https://other:1\"",
        "scheme" => "\"https\"",
        "build" => "false",
        "text" | "slug" | "datasource_uid" | "metric_part" | "file" | "package" | "output" => {
            "\"other\""
        }
        "interval" => "\"7s\"",
        "url" | "proxy_url" => "\"http://other:1\"",
        "host_port" => "\"other:1\"",
        "image" => "\"other:1\"",
        "path" => "\"/other\"",
        "size" => "\"7MiB\"",
        "cpu_limit" | "cores" => "0.7",
        "user" => "\"other\"",
        "port" => "7",
        "address" => "\"10.0.0.7\"",
        "publish" => "[\"10.0.0.7\"]",
        "networks" => "[\"other_default\"]",
        "pids_limit" => "777",
        "health_probe" => "true",
        "runtime" => "\"go\"",
        "runs_on" => "\"10.0.0.7\"",
        "duration" => "\"7s\"",
        "minimum_version" => "\"3.0\"",
        "rules" | "tests" | "scrape" | "alertmanager" | "dashboards" | "files" => "[\"own/*.yml\"]",
        "jobs" => "{ other = { profiles = [\"node_exporter\"] } }",
        "alertmanagers" => "[\"other:1\"]",
        unknown => panic!("give this test a value for `{unknown}`"),
    }
}

/// Of a key that is added to the schema and forgotten here, no change would ever be reported.
#[test]
fn every_setting_of_the_schema_is_compared() {
    // These hold tables by name, not settings.
    let named = [
        "monstack",
        "defaults",
        "groups",
        "services",
        "metrics",
        "alerts",
        "receivers",
        "rules",
        "severities",
        "slos",
        "owners",
        "times",
        "inhibit",
        "routes",
    ];
    let all = SCHEMA["properties"].as_object().expect("properties").iter();
    let tables = all
        .filter(|(table, _)| !named.contains(&table.as_str()))
        .map(|(table, node)| (table.as_str(), &node["properties"]));
    let metric = "[metrics.jobs_total]\ntype = \"counter\"\nhelp = \"Jobs\"\n";
    let mut compared = 0;
    for (table, properties) in
        tables.chain([("defaults", &SCHEMA["$defs"]["settings"]["properties"])])
    {
        for (key, property) in properties
            .as_object()
            .expect("properties")
            .iter()
            .filter(|(key, _)| !["allow", "routes"].contains(&key.as_str()))
        {
            let line = format!("{key} = {}\n", other_value(key, property));
            let written = SMALL
                .lines()
                .find(|known| known.starts_with(&format!("{key} = ")) && table == "platform");
            let after = match written {
                Some(known) => SMALL.replacen(&format!("{known}\n"), &line, 1),
                None if table == "platform" => {
                    SMALL.replacen("[groups", &format!("{line}[groups"), 1)
                }
                None => format!("{SMALL}[{table}]\n{line}"),
            };
            let told = sentences(&format!("{SMALL}{metric}"), &format!("{after}{metric}"));
            assert!(!told.is_empty(), "nothing is told of `{table}.{key}`");
            compared += 1;
        }
    }
    assert!(compared > 25, "{compared}");
}

/// A repository with the catalog in its folder `stack`, changed in every commit.
/// What a summary works out, and what a metric is in.
#[test]
fn quantiles_and_units_of_metrics_are_compared() {
    let metric = |more: &str| {
        format!("{SMALL}[metrics.wait_time]\ntype = \"summary\"\nhelp = \"Time waited\"\n{more}")
    };
    let told = |before: &str, after: &str| sentences(&metric(before), &metric(after)).join("\n");
    let fewer = told("quantiles = [0.5, 0.99]\n", "quantiles = [0.5]\n");
    assert!(
        fewer.contains("the quantiles of metric wait_time change, no longer 0.99"),
        "{fewer}"
    );
    let unit = told("", "unit = \"milliseconds\"\n");
    assert!(
        unit.contains("metric wait_time is in milliseconds instead of in what its name says"),
        "{unit}"
    );
}

fn repository(name: &str) -> PathBuf {
    let root = folder(name);
    let stack = root.join("stack");
    fs::create_dir(&stack).expect("writable");
    git(&root, &["init", "-q"]);
    git(
        &root,
        &["commit", "-q", "--allow-empty", "-m", "nothing yet"],
    );
    for (text, tag) in [
        (SMALL.to_string(), "v1"),
        (SMALL.replace("8001", "8002"), "v2"),
        ("[platform".to_string(), "broken"),
    ] {
        fs::write(stack.join("services.toml"), text).expect("writable");
        git(&root, &["add", "."]);
        git(&root, &["commit", "-q", "-m", tag]);
        git(&root, &["tag", tag]);
    }
    fs::write(stack.join("services.toml"), SMALL.replace("8001", "8003")).expect("writable");
    root
}

#[test]
fn a_revision_is_read_beside_the_root() {
    let root = repository("revision");
    let stack = root.join("stack");
    for (place, arguments) in [(&stack, vec!["v1"]), (&root, vec!["v1", "--root", "stack"])] {
        let ended = monstack(place, &arguments);
        assert_eq!((ended.code, ended.stderr.as_str()), (0, ""));
        assert!(
            ended
                .stdout
                .contains("host.docker.internal:8003 instead of host.docker.internal:8001"),
            "{}",
            ended.stdout
        );
        assert!(
            ended.stdout.contains("  services.toml:9\n")
                && ended
                    .stdout
                    .ends_with("against v1: 0 dangerous, 1 warning, 0 notices, 0 safe\n"),
            "{}",
            ended.stdout
        );
    }
    git(&root, &["commit", "-q", "-a", "-m", "HEAD"]);
    assert_eq!(
        monstack(&stack, &[]).stdout,
        "nothing changes in behaviour against HEAD\n"
    );
    // What is gone is shown where it stood.
    fs::write(
        stack.join("services.toml"),
        SMALL
            .replace("services.one", "services.two")
            .replace("8001", "9000"),
    )
    .expect("writable");
    let gone = monstack(&stack, &["v2"]);
    assert!(
        gone.code == 1
            && gone.stdout.contains("service one is removed")
            && gone.stdout.contains("  v2:services.toml:7\n"),
        "{}",
        gone.stdout
    );
    fs::remove_dir_all(root).expect("removable");
}

#[test]
fn a_base_that_cannot_be_read_ends_with_2() {
    let root = repository("unreadable");
    let stack = root.join("stack");
    fs::write(stack.join("latin.toml"), b"# caf\xe9\n").expect("writable");
    fs::create_dir(stack.join("empty")).expect("writable");
    for (base, sentence) in [
        (
            "v9",
            "`v9` is not a file, a folder or a revision that git knows",
        ),
        ("HEAD~9", "`HEAD~9` is not a file"),
        ("missing.toml", "`missing.toml` is not a file"),
        ("v1~1", "revision `v1~1` has no services.toml here"),
        ("latin.toml", "latin.toml is not UTF-8"),
        ("empty", "cannot read empty/services.toml"),
        ("--output=x", "unexpected argument"),
        ("", "`` is not a file"),
    ] {
        let ended = monstack(&stack, &[base]);
        assert!(
            ended.code == 2 && ended.stderr.contains(sentence) && ended.stdout.is_empty(),
            "{base}: {} {}",
            ended.stdout,
            ended.stderr
        );
    }
    let option = monstack(&stack, &["--", "--all"]);
    assert!(
        option.code == 2 && option.stderr.contains("`--all` is not a file"),
        "{}",
        option.stderr
    );
    let json = monstack(&stack, &["v9", "--format", "json"]);
    let document: Value = serde_json::from_str(&json.stdout).expect("one JSON document");
    assert_eq!((json.code, &document["status"]), (2, &Value::from("error")));
    fs::remove_dir_all(root).expect("removable");
}

#[test]
fn without_git_or_a_repository_a_path_still_serves() {
    let root = folder("no-repository");
    fs::write(root.join("services.toml"), SMALL).expect("writable");
    let outside = monstack(&root, &[]);
    assert!(
        outside.code == 2
            && outside
                .stderr
                .contains("git knows no revision of it here: not a git repository"),
        "{}",
        outside.stderr
    );
    let without_git = |base: &str| {
        ended(
            Command::new(env!("CARGO_BIN_EXE_monstack"))
                .args(["diff", base])
                .current_dir(&root)
                .env("PATH", &root),
        )
    };
    let missing = without_git("HEAD");
    assert!(
        missing.code == 2 && missing.stderr.contains("install the package `git`"),
        "{}",
        missing.stderr
    );
    for base in [".", "services.toml"] {
        assert_eq!(
            without_git(base).stdout,
            format!("nothing changes in behaviour against {base}\n")
        );
    }
    fs::remove_dir_all(root).expect("removable");
}

#[test]
fn a_base_that_is_not_a_catalog_is_shown_with_its_own_lines() {
    let root = repository("invalid");
    let stack = root.join("stack");
    let broken = monstack(&stack, &["broken"]);
    assert!(
        broken.code == 1 && broken.stderr.contains("--> broken:services.toml:1:"),
        "{}",
        broken.stderr
    );
    fs::write(stack.join("typo.toml"), SMALL.replace("port", "prot")).expect("writable");
    let typo = monstack(&stack, &["typo.toml"]);
    assert!(
        typo.code == 1
            && typo.stderr.contains("unknown key `prot`")
            && typo.stderr.contains("typo.toml:9"),
        "{}",
        typo.stderr
    );
    // The catalog itself is looked at first.
    fs::write(stack.join("services.toml"), SMALL.replace("group", "grupp")).expect("writable");
    let own = monstack(&stack, &["typo.toml"]);
    assert!(
        own.code == 1
            && own.stderr.contains("unknown key `grupp`")
            && !own.stderr.contains("typo.toml"),
        "{}",
        own.stderr
    );
    fs::remove_file(stack.join("services.toml")).expect("removable");
    let none = monstack(&stack, &["v1"]);
    assert!(
        none.code == 2 && none.stderr.contains("there is no services.toml here"),
        "{}",
        none.stderr
    );
    fs::remove_dir_all(root).expect("removable");
}

#[test]
fn a_base_older_than_a_key_has_its_default() {
    let root = folder("older");
    fs::write(root.join("before.toml"), format!("\u{feff}{SMALL}")).expect("writable");
    fs::write(
        root.join("services.toml"),
        format!("{SMALL}scrape_timeout = \"10s\"\n[grafana]\ndatasource_uid = \"prometheus\"\n"),
    )
    .expect("writable");
    let same = monstack(&root, &["before.toml"]);
    assert_eq!(
        (same.code, same.stdout.as_str()),
        (0, "nothing changes in behaviour against before.toml\n"),
        "{}",
        same.stderr
    );
    fs::write(
        root.join("services.toml"),
        format!("{SMALL}[prometheus]\nretention = \"1d\"\n"),
    )
    .expect("writable");
    let shorter = monstack(&root, &["before.toml"]);
    assert!(
        shorter.code == 1
            && shorter
                .stdout
                .contains("samples are kept 1d instead of 15d"),
        "{}",
        shorter.stdout
    );
    fs::remove_dir_all(root).expect("removable");
}

#[test]
fn other_verbs_refuse_markdown() {
    let root = folder("markdown");
    fs::write(root.join("services.toml"), SMALL).expect("writable");
    for verb in ["render", "schema"] {
        let refused = shop::monstack(&root, &[verb, "--format", "markdown"]);
        assert!(
            refused.code == 2 && refused.stderr.contains("only `diff` writes Markdown"),
            "{}",
            refused.stderr
        );
        assert!(refused.stdout.is_empty() && !root.join("generated").exists());
    }
    fs::remove_dir_all(root).expect("removable");
}

/// Every kind of alert, metric and receiver, with every setting that the sweep below changes.
const RICH: &str = r##"[platform]
name = "Shop"
slug = "shop"
metric_prefix = "shop"
runbook_url = "https://wiki.example.org/shop"
[prometheus]
scrape_interval = "15s"
evaluation_interval = "15s"
alertmanagers = ["alertmanager:9093", "other:9093"]
retention = "15d"
memory_limit = "2GiB"
cpu_limit = 1.0
[alertmanager]
group_wait = "30s"
group_interval = "5m"
repeat_interval = "4h"
[alertmanager.routes]
critical = "pager"
warning = "office"
info = "mail"
[receivers.pager.pagerduty]
routing_key_file = "/etc/alertmanager/secrets/pagerduty"
[receivers.office.slack]
channel = "#alerts"
api_url_file = "/etc/alertmanager/secrets/slack"
[receivers.mail.email]
to = "ops@example.org"
from = "alerts@example.org"
smarthost = "mail.example.org:587"
auth_username = "alerts"
auth_password_file = "/etc/alertmanager/secrets/mail"
[receivers.hook.webhook]
url = "https://hook.example.org/x"
credentials_file = "/etc/alertmanager/secrets/hook"
[defaults]
scrape_interval = "10s"
memory_limit = "512MiB"
[groups.web]
title = "Web"
health_probe = true
[groups.back]
title = "Back"
cpu_limit = 2.0
[services.checkout]
group = "web"
port = 8001
health_path = "/healthz"
[services.checkout.alerts.HighErrorRate]
above = 0.2
window = "10m"
for = "8m"
severity = "critical"
[services.cart]
group = "web"
port = 8002
scrape_interval = "20s"
[services.worker]
group = "back"
port = 8003
runtime = "go"
metrics_path = "/internal/metrics"
[services.worker.alerts.HighMemory]
enabled = false
reason = "It caches as much as it may"
[metrics.requests_total]
type = "counter"
help = "Requests"
[metrics.requests_total.labels]
status = "[1-5][0-9]{2}"
[metrics.payments_total]
type = "counter"
help = "Payments"
services = ["checkout", "cart"]
[metrics.payment_failures_total]
type = "counter"
help = "Payments that failed"
services = ["checkout", "cart"]
[metrics.jobs_total]
type = "counter"
help = "Jobs"
services = ["worker"]
[metrics.jobs_active]
type = "gauge"
help = "Jobs under way"
services = ["worker"]
[metrics.latency_seconds]
type = "histogram"
help = "Latency"
buckets = [0.1, 0.5, 1.0]
[alerts.ServiceDown]
kind = "down"
for = "5m"
severity = "critical"
[alerts.HighErrorRate]
kind = "error_ratio"
above = 0.1
window = "5m"
for = "5m"
severity = "warning"
summary = "Too many errors"
[alerts.HighMemory]
kind = "memory_ratio"
above = 0.9
for = "10m"
severity = "warning"
[alerts.HighCpu]
kind = "cpu_ratio"
above = 0.8
window = "5m"
for = "10m"
severity = "info"
[alerts.Payments]
kind = "ratio"
errors = "payment_failures_total"
total = "payments_total"
above = 0.05
window = "5m"
for = "5m"
severity = "critical"
[alerts.Stalled]
kind = "stalled"
progress = "jobs_total"
active = "jobs_active"
window = "15m"
for = "5m"
severity = "warning"
[alerts.Slow]
kind = "promql"
expr = "histogram_quantile(0.9, sum by (job, service, component, le) (rate(shop_latency_seconds_bucket[5m]))) > 0.5"
for = "5m"
severity = "warning"
description = "Slow answers"
"##;

fn loaded(name: &str, text: &str) -> Option<(Source, Catalog)> {
    pipeline::load(name, text).ok()
}

fn rendered(catalog: &Catalog) -> Option<Rendered> {
    render::with(catalog, &Overlay::default(), ARTIFACTS)
        .expect("the templates are readable")
        .ok()
}

/// Other values for what follows `key = `, by what it looks like.
fn other_values(key: &str, value: &str) -> Vec<String> {
    let number = |text: &str| text.parse::<f64>().ok();
    match (key, value) {
        ("severity", _) => ["critical", "warning", "info"]
            .map(|word| format!("\"{word}\""))
            .to_vec(),
        ("group", _) => vec!["\"back\"".into(), "\"web\"".into()],
        ("runtime", _) => vec!["\"python\"".into()],
        ("type", _) => vec!["\"gauge\"".into(), "\"counter\"".into()],
        ("errors" | "total" | "progress", _) => vec!["\"requests_total\"".into()],
        ("critical" | "warning" | "info", _) => vec!["\"hook\"".into()],
        ("status", _) => vec!["\"[1-4][0-9]{2}\"".into()],
        ("expr", _) => vec![value.replace("0.5", "0.7"), value.replace("0.9", "0.5")],
        ("services", _) => vec!["[\"checkout\"]".into(), "[\"worker\"]".into()],
        ("alertmanagers", _) => vec!["[\"alertmanager:9093\"]".into()],
        ("buckets", _) => vec!["[0.1, 1.0]".into()],
        (_, "true") => vec!["false".into()],
        (_, "false") => vec!["true".into()],
        ("smarthost", _) => vec!["\"mail.example.net:587\"".into()],
        (_, text) if number(text).is_some() => {
            let old = number(text).unwrap_or_default();
            vec![if text.contains('.') {
                format!("{}", old / 1.25)
            } else {
                format!("{}", old + 100.0)
            }]
        }
        (_, text) if text.starts_with("\"/") || text.starts_with("\"http") => {
            vec![format!("{}/other\"", text.trim_end_matches('"'))]
        }
        (_, text) if text.ends_with("iB\"") => vec!["\"4GiB\"".into(), "\"256MiB\"".into()],
        (_, text) if text[1..].starts_with(|c: char| c.is_ascii_digit()) => {
            vec!["\"17s\"".into(), "\"3h\"".into()]
        }
        (_, text) => vec![format!("{}x\"", text.trim_end_matches('"'))],
    }
}

/// Each line of the catalog changed, and each table removed: the changed text, and what was done.
fn edits(text: &str) -> Vec<(String, String)> {
    let lines: Vec<&str> = text.lines().collect();
    let mut found = Vec::new();
    let mut table = "";
    for (index, line) in lines.iter().enumerate() {
        let with = |middle: &[&str], until: usize| {
            [&lines[..index], middle, &lines[until..]]
                .concat()
                .join("\n")
                + "\n"
        };
        match line.split_once(" = ") {
            None => {
                table = line;
                let end = (index + 1..lines.len())
                    .find(|at| lines[*at].starts_with('['))
                    .unwrap_or(lines.len());
                found.push((with(&[], end), format!("{line} removed")));
            }
            Some((key, value)) => {
                for other in other_values(key, value)
                    .into_iter()
                    .filter(|other| other != value)
                    .take(1)
                {
                    found.push((
                        with(&[&format!("{key} = {other}")], index + 1),
                        format!("{table} {line} → {other}"),
                    ));
                }
            }
        }
    }
    found
}

/// Whatever one edit changes in what is rendered, the catalogs' own sentences say it, and name what they are about: nothing
/// remains for the comparison of the rendered files, which would say it in the words of a file. Only the windows that follow
/// a longer scrape interval are reported by themselves, as nobody would think of them.
#[test]
fn every_edit_that_changes_what_is_rendered_is_said() {
    let edits = edits(RICH);
    let (compared, wrong) = (AtomicUsize::new(0), std::sync::Mutex::new(Vec::new()));
    let look = &|edits: &[(String, String)]| {
        let (source, catalog) = pipeline::load("before.toml", RICH)
            .unwrap_or_else(|refused| panic!("{:#?}", refused.diagnostics));
        let before = Side {
            source: &source,
            catalog: &catalog,
        };
        let then = rendered(&catalog).expect("it renders");
        let all: Vec<String> = catalog
            .services
            .iter()
            .map(|service| service.name.clone())
            .collect();
        for (text, edit) in edits {
            let Some((source, catalog)) = loaded("services.toml", text) else {
                continue;
            };
            let Some(now) = rendered(&catalog) else {
                continue;
            };
            let after = Side {
                source: &source,
                catalog: &catalog,
            };
            let said = compare(before, after);
            let rest = compare_rendered(
                &then,
                &now,
                &catalog,
                Some(&Explained::by(&said, before, after)),
            );
            let shown = |changes: &[Change]| {
                changes
                    .iter()
                    .map(|change| {
                        format!("\n    {}: {}", change.class.word(), change.message(&all))
                    })
                    .collect::<String>()
            };
            let unsaid =
                said.is_empty() && !compare_rendered(&then, &now, &catalog, None).is_empty();
            if unsaid || !rest.is_empty() && !edit.contains("scrape_interval") {
                wrong.lock().expect("no panic").push(format!(
                    "{edit}:{}\n  explains nothing of{}",
                    shown(&said),
                    shown(&rest)
                ));
            }
            compared.fetch_add(1, Ordering::Relaxed);
        }
    };
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    std::thread::scope(|scope| {
        for part in edits.chunks(edits.len().div_ceil(threads)) {
            scope.spawn(move || look(part));
        }
    });
    let wrong = wrong.into_inner().expect("no panic");
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(compared.load(Ordering::Relaxed) > 80, "{compared:?}");
}

/// What a person on call wants to be warned of: what is written in RICH, what replaces it, and the heaviest change.
#[test]
fn a_change_weighs_what_it_means_to_those_on_call() {
    use Class::{Dangerous, Notice, Safe, Warning};
    for (from, to, class, sentence) in [
        (
            "memory_limit = \"512MiB\"",
            "memory_limit = \"4GiB\"",
            Dangerous,
            "100 % of memory",
        ),
        (
            "memory_limit = \"512MiB\"",
            "memory_limit = \"1GiB\"",
            Warning,
            "100 % of memory",
        ),
        (
            "status = \"[1-5][0-9]{2}\"",
            "status = \"[1-4][0-9]{2}\"",
            Dangerous,
            "HighErrorRate",
        ),
        (
            "status = \"[1-5][0-9]{2}\"",
            "status = \"[1-6][0-9]{2}\"",
            Notice,
            "`status`",
        ),
        (
            "critical = \"pager\"",
            "critical = \"office\"",
            Dangerous,
            "slack instead of pagerduty",
        ),
        (
            "[receivers.mail.email]",
            "[receivers.post.email]",
            Dangerous,
            "which was in use, is removed",
        ),
        (
            "window = \"5m\"\nfor = \"5m\"",
            "window = \"5m\"\nfor = \"30m\"",
            Dangerous,
            "fires 25m later",
        ),
        (
            "window = \"5m\"\nfor = \"5m\"",
            "window = \"5m\"\nfor = \"6m\"",
            Warning,
            "fires 1m later",
        ),
        (
            "group_wait = \"30s\"",
            "group_wait = \"9h\"",
            Dangerous,
            "`group_wait` is 9h instead of 30s",
        ),
        (
            "repeat_interval = \"4h\"",
            "repeat_interval = \"48h\"",
            Dangerous,
            "`repeat_interval`",
        ),
        (
            "kind = \"down\"\nfor = \"5m\"\nseverity = \"critical\"",
            "kind = \"down\"\nfor = \"5m\"\nseverity = \"warning\"",
            Dangerous,
            "warning instead of critical",
        ),
        (
            "runtime = \"go\"\n",
            "runtime = \"go\"\nalerts.ServiceDown = {enabled = false, reason = \"a job\"}\n",
            Dangerous,
            "no longer covers worker",
        ),
        (
            "health_probe = true",
            "health_probe = false",
            Dangerous,
            "no longer probed",
        ),
        (
            "scrape_interval = \"10s\"",
            "scrape_interval = \"5m\"",
            Dangerous,
            "scrape interval of",
        ),
        (
            "scrape_interval = \"10s\"",
            "scrape_interval = \"5s\"",
            Safe,
            "scrape interval of",
        ),
        (
            ", \"other:9093\"",
            "",
            Warning,
            "no longer sent to the Alertmanager at other:9093",
        ),
        (
            "secrets/pagerduty",
            "secrets/elsewhere",
            Warning,
            "receiver pager",
        ),
        (
            "port = 8003",
            "port = 8003\nruns_on = \"10.0.0.7\"",
            Warning,
            "the address of worker",
        ),
        (
            "port = 8003",
            "port = 8003\nscheme = \"https\"",
            Warning,
            "the scheme of worker",
        ),
        (
            "retention = \"15d\"",
            "retention = \"5d\"",
            Dangerous,
            "deleted for good",
        ),
        (
            "memory_limit = \"2GiB\"",
            "memory_limit = \"64MiB\"",
            Warning,
            "memory that Prometheus may use",
        ),
        (
            "memory_limit = \"2GiB\"",
            "memory_limit = \"4GiB\"",
            Notice,
            "memory that Prometheus may use",
        ),
        (
            "[alerts.HighCpu]",
            "[alerts.BusyCpu]",
            Dangerous,
            "is now called BusyCpu",
        ),
    ] {
        assert!(RICH.contains(from), "{from}");
        let text = RICH.replacen(from, to, 1);
        let (old, new) = (
            pipeline::understood(&Texts::one("before.toml", RICH), &Overlay::default()),
            pipeline::understood(&Texts::one("services.toml", &text), &Overlay::default()),
        );
        let (Some(before), Some(after)) = (&old.1, &new.1) else {
            panic!("{to}: {:#?}", new.2)
        };
        let changes = compare(
            Side {
                source: &old.0,
                catalog: before,
            },
            Side {
                source: &new.0,
                catalog: after,
            },
        );
        let all: Vec<String> = after
            .services
            .iter()
            .map(|service| service.name.clone())
            .collect();
        let shown: Vec<String> = changes
            .iter()
            .map(|change| format!("{}: {}", change.class.word(), change.message(&all)))
            .collect();
        assert_eq!(
            changes.first().map(|change| change.class),
            Some(class),
            "{to}: {shown:#?}"
        );
        assert!(
            shown.iter().any(|line| line.contains(sentence)),
            "{to}: {shown:#?}"
        );
    }
}

/// A catalog that is laid out differently, or says the same in other words, is the same catalog.
#[test]
fn what_has_no_meaning_is_not_a_change() {
    let start = RICH.find("[receivers.pager").expect("receivers");
    let end = RICH.find("[defaults]").expect("defaults");
    let moved = format!(
        "{}{}# moved\n{}",
        &RICH[..start],
        &RICH[end..],
        &RICH[start..end]
    );
    let spaced = RICH
        .lines()
        .map(|line| format!("  {}   # why\n\n", line.replacen(" = ", "=", 1)))
        .collect::<String>();
    let minutes = RICH
        .replace("window = \"15m\"", "window = \"900s\"")
        .replace("repeat_interval = \"4h\"", "repeat_interval = \"240m\"");
    let inside = RICH.replace(
        "title = \"Back\"\ncpu_limit = 2.0",
        "cpu_limit = 2.00\ntitle = 'Back'",
    );
    let reworded = RICH.replace("> 0.5\"", ">   (0.50)\"").replace(
        "by (job, service, component, le) (",
        "by (le, component, job, service) (",
    );
    let alerts = RICH.find("[alerts.HighErrorRate]").expect("an alert");
    let next = RICH.find("[alerts.HighMemory]").expect("another");
    let alert = format!(
        "{}{}\n{}",
        &RICH[..alerts],
        &RICH[next..],
        &RICH[alerts..next]
    );
    let (source, catalog) = loaded("before.toml", RICH).expect("it loads");
    let (before, then) = (
        Side {
            source: &source,
            catalog: &catalog,
        },
        rendered(&catalog).expect("it renders"),
    );
    for (what, text) in [
        ("moved", moved),
        ("an alert", alert),
        ("spaced", spaced),
        ("minutes", minutes),
        ("inside", inside),
        ("reworded", reworded),
    ] {
        assert_ne!(text, RICH, "{what}");
        let (source, catalog) = pipeline::load("services.toml", &text)
            .unwrap_or_else(|refused| panic!("{what}: {:#?}", refused.diagnostics));
        let after = Side {
            source: &source,
            catalog: &catalog,
        };
        let said = compare(before, after);
        let rest = compare_rendered(
            &then,
            &rendered(&catalog).expect("it renders"),
            &catalog,
            Some(&Explained::by(&said, before, after)),
        );
        assert!(
            said.is_empty() && rest.is_empty(),
            "{what}: {said:#?} {rest:#?}"
        );
    }
}

/// Names of an environment are its own: that its recorded series have another slug is no change of any alert.
#[test]
fn the_slug_of_an_environment_changes_no_alert() {
    let root = folder("environment");
    let catalog = fs::read_to_string("tests/diff/slug/before.toml").expect("readable");
    fs::write(root.join("services.toml"), catalog).expect("writable");
    let staging = "[platform]\nslug = \"shop-staging\"\n[alerts.Errors]\nabove = 0.1\n";
    fs::write(root.join("services.staging.toml"), staging).expect("writable");
    let ended = monstack(&root, &["--environment", "staging"]);
    let lines: Vec<&str> = ended.stdout.lines().collect();
    assert_eq!(
        lines[..2],
        [
            "dangerous",
            "  Errors is looser for cart and till: fires above 10% instead of 5%  services.staging.toml:4"
        ],
        "{}{}",
        ended.stdout,
        ended.stderr
    );
    assert!(
        ended.stdout.contains("dashboards, the compose project and what is recorded (job:shop_staging_…) are called after shop-staging, those of the catalog after shop"),
        "{}",
        ended.stdout
    );
    assert!(
        ended
            .stdout
            .ends_with("1 dangerous, 1 warning, 2 notices, 0 safe\n"),
        "{}",
        ended.stdout
    );
    fs::remove_dir_all(root).expect("removable");
}
