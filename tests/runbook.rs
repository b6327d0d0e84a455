//! The runbook: a section for every alert and none without one, each whole, its queries those of the rules, hostile text still text.

mod shop;

use monstack::pipeline::run;
use monstack::render::Rendered;
use monstack::value::{Value, json};
use std::collections::BTreeSet;
use std::io::Write;
use std::path::Path;
use std::process::{Command, Stdio};

const RULES: [&str; 2] = [
    "monitoring/alert_rules.yml",
    "monitoring/self_monitoring_rules.yml",
];

/// All seven kinds, overrides of every sort, every place to run at; HOSTILE is wherever the catalog takes free text.
const CATALOG: &str = r##"
[platform]
name = "HOSTILE"
slug = "shop"
metric_prefix = "shop"
runbook_url = "https://example.org/wiki_page?a=(b)&c='d'"
[prometheus]
external_url = "https://example.org/prometheus_one?(a)"
[groups.core]
title = "HOSTILE"
[services.first]
group = "core"
port = 8001
runs_on = "compose"
metrics_path = "/~first/_metrics_"
[services.first.alerts.Errors]
window = "15m"
for = "20m"
severity = "critical"
[services.second]
group = "core"
port = 8002
runs_on = "10.0.0.5"
health_path = "/~second/_health_"
health_probe = true
runtime = "go"
[services.second.alerts.Cpu]
enabled = false
reason = "HOSTILE"
[services.third]
group = "core"
port = 8003
runtime = "node"
[services.third.alerts.Errors]
above = 0.5
[metrics.requests_total]
type = "counter"
help = "HOSTILE"
labels = { status = "[1-5][0-9]{2}" }
[metrics.failures_total]
type = "counter"
help = "HOSTILE"
services = ["third"]
[metrics.busy]
type = "gauge"
help = "HOSTILE"
[alerts.Down]
kind = "down"
for = "5m"
severity = "critical"
description = "HOSTILE"
[alerts.Errors]
kind = "error_ratio"
above = 0.1
window = "5m"
for = "5m"
severity = "warning"
summary = "HOSTILE"
[alerts.Memory]
kind = "memory_ratio"
above = 0.9
for = "5m"
severity = "info"
description = "HOSTILE"
[alerts.Cpu]
kind = "cpu_ratio"
above = 0.8
window = "5m"
for = "5m"
severity = "info"
[alerts.Failures]
kind = "ratio"
errors = "failures_total"
total = "requests_total"
above = 0.1
window = "5m"
for = "5m"
severity = "warning"
[alerts.Stalled]
kind = "stalled"
progress = "requests_total"
active = "busy"
window = "10m"
for = "5m"
severity = "warning"
[alerts.Busy]
kind = "promql"
expr = "max by (job, service, component) (shop_busy) > 3"
for = "5m"
severity = "warning"
description = "HOSTILE"
[[alerts.Busy.tests]]
name = "busy"
at = "10m"
series = { 'shop_busy{job="first",service="first",component="core"}' = "4x20" }
fires = ["first"]
[[alerts.Busy.tests]]
name = "idle"
at = "10m"
series = { 'shop_busy{job="first",service="first",component="core"}' = "3x20" }
"##;

const HOSTILE: &str =
    "Ünï & <b>#</b> *a* _b_ ~~c~~ `d` [e](f) | g ## h @team a@b.c #12 GH-3 https://e.x www.e.x";

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn rendered(text: &str) -> Rendered {
    shop::rendered(&CATALOG.replace("HOSTILE", text))
}

fn catalogs() -> Vec<Rendered> {
    let bare = "[platform]\nname = \"Bare\"\nslug = \"bare\"\nmetric_prefix = \"bare\"\n[groups.core]\ntitle = \"Core\"\n[services.one]\ngroup = \"core\"\nport = 1\n";
    let real = run(root())
        .expect("readable")
        .rendered
        .expect("the real catalog renders");
    vec![
        real,
        rendered("plain"),
        rendered(HOSTILE),
        shop::rendered(bare),
    ]
}

fn runbook(rendered: &Rendered) -> &str {
    &rendered.file("docs/RUNBOOK.md").expect("an artifact").text
}

fn alerts(rendered: &Rendered) -> impl Iterator<Item = &Value> {
    let files = RULES
        .iter()
        .map(|path| &rendered.file(path).expect("an artifact").value);
    files
        .flat_map(|file| file["groups"].as_array().unwrap())
        .flat_map(|group| group["rules"].as_array().into_iter().flatten())
}

/// Title and text of every section of the second level.
fn sections(markdown: &str) -> Vec<(&str, &str)> {
    let parts = markdown.split("\n## ").skip(1);
    parts
        .map(|part| part.split_once('\n').expect("a section has text"))
        .collect()
}

/// The anchor that readers of Markdown give a title.
fn anchor(title: &str) -> String {
    let kept = title.to_lowercase().replace(' ', "-");
    kept.chars()
        .filter(|c| c.is_alphanumeric() || matches!(c, '-' | '_'))
        .collect()
}

/// The content of the fenced blocks of one language, without the indentation of their fence.
fn blocks(markdown: &str, language: &str) -> Vec<String> {
    let mut found = Vec::new();
    let mut open: Option<(usize, bool, Vec<&str>)> = None;
    for line in markdown.lines() {
        let fence = line.trim_start().strip_prefix("```");
        open = match (open, fence) {
            (None, Some(name)) => Some((
                line.len() - line.trim_start().len(),
                name == language,
                Vec::new(),
            )),
            (Some((_, wanted, lines)), Some("")) => {
                found.extend(wanted.then(|| lines.join("\n")));
                None
            }
            (Some((indent, wanted, mut lines)), _) => {
                lines.push(line.get(indent..).unwrap_or(""));
                Some((indent, wanted, lines))
            }
            (None, None) => None,
        };
    }
    assert!(open.is_none(), "a fence is left open");
    found
}

#[test]
fn every_alert_has_the_section_that_it_links_to() {
    let mut links = 0;
    for rendered in catalogs() {
        let anchors: Vec<String> = sections(runbook(&rendered))
            .iter()
            .map(|(title, _)| anchor(title))
            .collect();
        for alert in alerts(&rendered) {
            // A catalog that does not say where its runbook is read has no links.
            let Some(link) = alert["annotations"]["runbook_url"].as_str() else {
                continue;
            };
            links += 1;
            let (_, wanted) = link.rsplit_once('#').expect("a link to a section");
            assert_eq!(
                anchors.iter().filter(|anchor| *anchor == wanted).count(),
                1,
                "{wanted} in {anchors:?}"
            );
        }
    }
    assert!(links > 10, "{links}");
}

#[test]
fn every_other_section_is_one_of_the_opening() {
    for rendered in catalogs() {
        let names: BTreeSet<&str> = alerts(&rendered)
            .map(|alert| alert["alert"].as_str().unwrap())
            .collect();
        let others: Vec<&str> = sections(runbook(&rendered))
            .into_iter()
            .map(|(title, _)| title)
            .filter(|title| !names.contains(title))
            .collect();
        let opening = [
            "Where to start",
            "A service does not appear in Prometheus",
            "The services and where they are",
            "When the monitoring itself fails",
        ];
        assert_eq!(others, opening);
    }
}

#[test]
fn every_section_of_an_alert_is_whole() {
    for rendered in catalogs() {
        let all = sections(runbook(&rendered));
        for alert in alerts(&rendered) {
            let name = alert["alert"].as_str().unwrap();
            let (_, text) = all
                .iter()
                .find(|(title, _)| *title == name)
                .expect("tested above");
            let mut rest = *text;
            for part in [
                "**Meaning:**",
                "**First three things to look at**",
                "\n1. **",
                "\n2. **",
                "\n3. **",
                "**Query**",
                "```promql\n",
                "**Settings",
            ] {
                rest = rest
                    .split_once(part)
                    .unwrap_or_else(|| {
                        panic!("{name} lacks {part:?}, or has it elsewhere:\n{text}")
                    })
                    .1;
            }
            assert!(!text.contains("\n4. "), "{name} has more than three things");
            assert!(
                blocks(text, "promql")
                    .iter()
                    .any(|block| block == alert["expr"].as_str().unwrap().trim()),
                "{name} shows another query:\n{text}"
            );
            assert!(!blocks(text, "sh").is_empty(), "{name} has no command");
            let waits = alert["for"].as_str().unwrap_or("at once");
            let settings = text.rsplit_once("**Settings").unwrap().1;
            assert!(
                settings.contains(waits),
                "{name}: {waits} is not in {settings}"
            );
        }
    }
}

#[test]
fn settings_name_the_services_that_differ() {
    let rendered = rendered("plain");
    let all = sections(runbook(&rendered));
    let rows = |name: &str| -> Vec<&str> {
        all.iter()
            .find(|(title, _)| *title == name)
            .unwrap()
            .1
            .lines()
            .filter(|line| line.starts_with("| `"))
            .collect()
    };
    assert_eq!(rows("Errors").len(), 3);
    assert!(
        rows("Errors").contains(&"| `critical` | `20m` | above 10% | 15m | first |"),
        "{:?}",
        rows("Errors")
    );
    assert!(
        rows("Errors").contains(&"| `warning` | `5m` | above 50% | 5m | third |"),
        "{:?}",
        rows("Errors")
    );
    assert_eq!(
        rows("Cpu"),
        ["| `info` | `5m` | above 80% | 5m | first, third |"]
    );
    assert_eq!(
        rows("Failures"),
        ["| `warning` | `5m` | above 10% | 5m | third |"]
    );
    assert_eq!(
        rows("Busy"),
        ["| `warning` | `5m` | – | – | every service |"]
    );
    assert!(
        all.iter()
            .any(|(title, text)| *title == "Cpu" && text.contains("The catalog excepts second."))
    );
}

#[test]
fn queries_parse_and_recorded_ones_are_the_rules() {
    for rendered in catalogs() {
        let recording = &rendered.file("monitoring/signal_rules.yml").unwrap().value;
        let recorded: Vec<&Value> = recording["groups"]
            .as_array()
            .unwrap()
            .iter()
            .flat_map(|group| group["rules"].as_array().into_iter().flatten())
            .collect();
        for block in blocks(runbook(&rendered), "promql") {
            promql_parser::parser::parse(&block)
                .unwrap_or_else(|error| panic!("{error}:\n{block}"));
        }
        for line in runbook(&rendered)
            .lines()
            .filter(|line| line.ends_with("` is recorded as"))
        {
            let name = line
                .trim_start_matches('`')
                .trim_end_matches("` is recorded as");
            let rule = recorded
                .iter()
                .find(|rule| rule["record"] == name)
                .unwrap_or_else(|| panic!("{name} is not recorded"));
            let shown = runbook(&rendered).split_once(line).unwrap().1;
            assert_eq!(
                blocks(shown.split_once("\n## ").unwrap().0, "promql")[0],
                rule["expr"].as_str().unwrap().trim()
            );
        }
    }
}

/// Its commands and queries are for the first service, which has two instances here: promtool says of each query that it cannot match
/// them.
#[test]
fn queries_are_answered_where_a_service_has_several_instances() {
    let alone = "port = 8001\nruns_on = \"compose\"\n";
    let both = "targets = [\"10.0.0.1:8001\", \"10.0.0.2:8001\"]\n";
    assert!(CATALOG.contains(alone));
    let catalog = CATALOG.replace("HOSTILE", "plain").replace(alone, both);
    let rendered = shop::rendered(&catalog);
    let folder = shop::folder("instances");
    let files = ["recording_rules.yml", "signal_rules.yml"];
    for file in files {
        let text = &rendered
            .file(&format!("monitoring/{file}"))
            .expect("an artifact")
            .text;
        std::fs::write(folder.join(file), text).expect("the folder is writable");
    }
    let metrics = [
        ("up", "", "1x300"),
        ("process_resident_memory_bytes", "", "100000000+1000000x300"),
        ("process_cpu_seconds_total", "", "0+10x300"),
        ("process_start_time_seconds", "", "0x300"),
        ("shop_requests_total", ",status=\"500\"", "0+60x300"),
        ("shop_busy", "", "1x300"),
    ];
    let series: Vec<Value> = ["10.0.0.1:8001", "10.0.0.2:8001"]
        .iter()
        .flat_map(|instance| {
            metrics.map(|(name, more, values)| {
                let labels = format!(
                    "job=\"first\",service=\"first\",component=\"core\",instance=\"{instance}\"{more}"
                );
                json!({"series": format!("{name}{{{labels}}}"), "values": values})
            })
        })
        .collect();
    // What is expected is that of another world, so that each query's answer is shown.
    let asked: Vec<Value> = blocks(runbook(&rendered), "promql")
        .iter()
        .map(|query| {
            let other = json!([{"labels": "nobody", "value": 1}]);
            json!({"expr": query, "eval_time": "4h", "exp_samples": other})
        })
        .collect();
    let count = asked.len();
    let test = json!({"rule_files": files, "evaluation_interval": "1m", "tests": [
        {"interval": "1m", "input_series": series, "promql_expr_test": asked}]});
    std::fs::write(folder.join("test.yml"), test.to_string()).expect("the folder is writable");
    let output = Command::new("promtool")
        .args(["test", "rules", "test.yml"])
        .current_dir(&folder)
        .output()
        .expect("promtool is there: Debian's package is prometheus");
    let said = [output.stdout, output.stderr].concat();
    let said = String::from_utf8_lossy(&said);
    let _ = std::fs::remove_dir_all(&folder);
    for wrong in ["many-to-many", "many-to-one", "execution:", "parse error"] {
        assert!(!said.contains(wrong), "{said}");
    }
    assert!(
        count > 20 && said.matches("got:").count() == count,
        "{count}: {said}"
    );
}

#[test]
fn commands_are_shell() {
    for rendered in catalogs() {
        for block in blocks(runbook(&rendered), "sh") {
            let mut shell = Command::new("sh")
                .arg("-n")
                .stdin(Stdio::piped())
                .spawn()
                .expect("sh starts");
            shell
                .stdin
                .take()
                .unwrap()
                .write_all(block.as_bytes())
                .expect("sh reads");
            assert!(
                shell.wait().expect("sh ends").success(),
                "not shell:\n{block}"
            );
        }
    }
}

#[test]
fn links_within_lead_somewhere() {
    for rendered in catalogs() {
        let text = runbook(&rendered);
        let anchors: BTreeSet<String> = sections(text)
            .iter()
            .map(|(title, _)| anchor(title))
            .collect();
        for link in text
            .split("](#")
            .skip(1)
            .map(|rest| rest.split_once(')').expect("a link is closed").0)
        {
            assert!(anchors.contains(link), "{link} leads nowhere");
        }
    }
}

#[test]
fn hostile_text_stays_text() {
    let (plain, hostile) = (rendered("plain"), rendered(HOSTILE));
    let escaped = r"Ünï &amp; \<b\>\#\</b\> \*a\* \_b\_ \~\~c\~\~ \`d\` \[e\](f) \| g \#\# h @&#8203;team a@&#8203;b.c \#&#8203;12 GH-&#8203;3 https:&#8203;//e.x www.&#8203;e.x";
    assert_eq!(runbook(&hostile).replace(escaped, "plain"), runbook(&plain));
    assert!(
        runbook(&hostile).matches(escaped).count() >= 4,
        "the name, and three descriptions"
    );
}
