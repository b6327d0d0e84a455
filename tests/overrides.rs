//! Each override of each kind, as promtool sees it: the service that differs behaves as it says, and its neighbour as before.
//! The scenes are made here, not by the templates of the generated tests.

mod referee;
mod shop;

use monstack::value::{Value, json};
use shop::PLATFORM;
use std::fs;

/// Follows the platform.
const TABLES: &str = r#"[defaults]
health_probe = true
[groups.web]
title = "Web"
[services.one]
group = "web"
port = 8001
[services.two]
group = "web"
port = 8002
[services.three]
group = "web"
port = 8003
[metrics.requests_total]
type = "counter"
help = "Requests"
labels = { status = "[1-5][0-9]{2}" }
[metrics.failures_total]
type = "counter"
help = "Failures"
[metrics.jobs_total]
type = "counter"
help = "Jobs"
[metrics.jobs_active]
type = "gauge"
help = "Jobs under way"
[metrics.jobs_timestamp_seconds]
type = "gauge"
help = "When a job was done"
[metrics.answer_seconds]
type = "histogram"
help = "Time to answer"
buckets = [0.05, 1, 2.5]
"#;

/// Name, own keys, keys that an override reads, series with values.
type Kind = (
    &'static str,
    &'static str,
    &'static [&'static str],
    &'static [(&'static str, &'static str)],
);

/// A kind: its own keys, the keys that an override of it reads, and its series in trouble, as promtool writes them (`$` is
/// the service's labels). Ratios are 0.5.
const KINDS: [Kind; 18] = [
    ("down", "", &[], &[("up{$}", "0x400")]),
    (
        "down",
        "",
        &[],
        &[
            ("up{$}", "1x400"),
            (
                "probe_success{service=\"@\",component=\"web\",job=\"health-probe\"}",
                "0x400",
            ),
        ],
    ),
    (
        "error_ratio",
        "above = 0.1\nwindow = \"5m\"",
        &["above", "window"],
        &[
            ("shop_requests_total{status=\"500\",$}", "0+50x400"),
            ("shop_requests_total{status=\"200\",$}", "0+50x400"),
        ],
    ),
    (
        "memory_ratio",
        "above = 0.1",
        &["above"],
        &[("process_resident_memory_bytes{$}", "536870912x400")],
    ),
    (
        "cpu_ratio",
        "above = 0.1\nwindow = \"5m\"",
        &["above", "window"],
        &[("process_cpu_seconds_total{$}", "0+7.5x400")],
    ),
    (
        "ratio",
        "above = 0.1\nwindow = \"5m\"\nerrors = \"failures_total\"\ntotal = \"jobs_total\"",
        &["above", "window"],
        &[
            ("shop_failures_total{$}", "0+50x400"),
            ("shop_jobs_total{$}", "0+100x400"),
        ],
    ),
    (
        "stalled",
        "window = \"5m\"\nprogress = \"jobs_total\"\nactive = \"jobs_active\"",
        &["window"],
        &[
            ("shop_jobs_active{$}", "1x400"),
            ("shop_jobs_total{$}", "7x400"),
        ],
    ),
    (
        "threshold",
        "above = 0.1\nmetric = \"jobs_active\"",
        &["above"],
        &[("shop_jobs_active{$}", "0.5x400")],
    ),
    (
        "threshold",
        "below = 0.9\nmetric = \"jobs_active\"",
        &["below"],
        &[("shop_jobs_active{$}", "0.5x400")],
    ),
    (
        "stale",
        "above = \"100ms\"\nmetric = \"jobs_timestamp_seconds\"",
        &["above"],
        &[("shop_jobs_timestamp_seconds{$}", "-0.5+15x400")],
    ),
    (
        "expires",
        "below = \"900ms\"\nmetric = \"jobs_timestamp_seconds\"",
        &["below"],
        &[("shop_jobs_timestamp_seconds{$}", "0.5+15x400")],
    ),
    (
        "latency",
        "above = 0.1\nmetric = \"answer_seconds\"\nquantile = 0.5\nwindow = \"5m\"",
        &["above"],
        &[
            ("shop_answer_seconds_bucket{le=\"0.05\",$}", "0x400"),
            ("shop_answer_seconds_bucket{le=\"1.0\",$}", "0+15x400"),
            ("shop_answer_seconds_bucket{le=\"+Inf\",$}", "0+15x400"),
            ("shop_answer_seconds_count{$}", "0+15x400"),
        ],
    ),
    (
        "average",
        "above = 0.1\nmetric = \"answer_seconds\"\nwindow = \"5m\"",
        &["above", "window"],
        &[
            ("shop_answer_seconds_sum{$}", "0+7.5x400"),
            ("shop_answer_seconds_count{$}", "0+15x400"),
        ],
    ),
    (
        "instance_down",
        "",
        &[],
        &[
            ("up{$}", "1x400"),
            (
                "up{job=\"@\",service=\"@\",component=\"web\",instance=\"second:1\"}",
                "0x400",
            ),
        ],
    ),
    (
        "down_ratio",
        "above = 0.4",
        &["above"],
        &[
            ("up{$}", "1x400"),
            (
                "up{job=\"@\",service=\"@\",component=\"web\",instance=\"second:1\"}",
                "0x400",
            ),
        ],
    ),
    (
        "promql",
        "expr = \"max by (job, service, component) (shop_jobs_active) > 5\"",
        &[],
        &[("shop_jobs_active{$}", "9x400")],
    ),
    (
        "promql",
        "expr = \"max by (job, service, component) (shop_jobs_active) > 100 or max by (job, service, component) (shop_jobs_active) > 5 unless max by (job, service, component) (shop_jobs_active) > 50\"",
        &[],
        &[("shop_jobs_active{$}", "9x400")],
    ),
    (
        "promql",
        "expr = \"sum by (job, service, component) (rate(shop_jobs_total[5m])) > 0.1 and on (job) max by (job) (shop_jobs_active) > 5\"",
        &[],
        &[
            ("shop_jobs_active{$}", "9x400"),
            ("shop_jobs_total{$}", "0+100x400"),
        ],
    ),
];

/// What promtool says of a scene in which the services `one` and `two` are in trouble and `three` is not: at each time, which
/// of them have which severity while the alert fires.
fn seen(
    name: &str,
    keys: &str,
    differs: &str,
    scene: &[(&str, &str)],
    expected: &[(&str, &[(&str, &str)])],
) {
    let kind = &keys[..keys.find('\n').unwrap_or(keys.len())];
    // An expression without tests is refused; what these say is not looked at here.
    let own = "\ntests = [{ name = \"fires\", at = \"40m\", series = { 'shop_jobs_active{job=\"two\"}' = \"9x80\" }, fires = [\"two\"] }, { name = \"is silent\", at = \"20m\", series = { 'shop_jobs_active{job=\"two\"}' = \"1x80\" } }]";
    let (first, rest) = keys
        .split_once("\n[")
        .map_or((keys, String::new()), |(first, rest)| {
            (first, format!("\n[{rest}"))
        });
    let keys = format!(
        "{first}{}{rest}",
        if kind.contains("promql") { own } else { "" }
    );
    let text = format!(
        "{PLATFORM}{TABLES}[alerts.Trouble]\nfor = \"2m\"\nseverity = \"warning\"\n{keys}\n[services.one.alerts.Trouble]\n{differs}\n"
    );
    let rendered = shop::rendered_despite(&text, "test-fails");
    let folder = referee::folder(&format!("overrides-{name}"));
    for rules in ["recording_rules.yml", "signal_rules.yml", "alert_rules.yml"] {
        let file = rendered
            .file(&format!("monitoring/{rules}"))
            .expect("an artifact");
        fs::write(folder.join(rules), &file.text).expect("target is writable");
    }
    let of = |service: &str, text: &str| {
        text.replace(
            '$',
            &format!(
                "job=\"{service}\",service=\"{service}\",component=\"web\",instance=\"{service}:1\""
            ),
        )
        .replace('@', service)
    };
    let mut series: Vec<Value> = Vec::new();
    for service in ["one", "two"] {
        series.extend(
            scene
                .iter()
                .map(|(text, values)| json!({"series": of(service, text), "values": values})),
        );
    }
    series.push(json!({"series": of("three", "up{$}"), "values": "1x400"}));
    let checks: Vec<Value> = expected
        .iter()
        .map(|(at, firing)| {
            let samples: Vec<Value> =
                firing.iter().map(|(job, severity)| json!({"labels": format!("{{job=\"{job}\",severity=\"{severity}\"}}"), "value": 1})).collect();
            json!({"expr": "count by (job, severity) (ALERTS{alertname=\"Trouble\",alertstate=\"firing\"})", "eval_time": at, "exp_samples": samples})
        })
        .collect();
    let suite = json!({
        "rule_files": ["recording_rules.yml", "signal_rules.yml", "alert_rules.yml"],
        "evaluation_interval": "15s",
        "group_eval_order": ["shop-catalog", "shop-signals", "shop-alerts"],
        "tests": [{"interval": "15s", "input_series": series, "promql_expr_test": checks}],
    });
    fs::write(folder.join("scene.test.yml"), suite.to_string()).expect("target is writable");
    let (passed, output) =
        referee::judge("promtool", &["test", "rules", "scene.test.yml"], &folder);
    assert!(passed, "{kind}, {differs}:\n{output}");
}

fn every_kind(what: &str, differs: &str, key: Option<&str>, expected: &[(&str, &[(&str, &str)])]) {
    let mut tried = 0;
    for (index, (kind, keys, reads, scene)) in KINDS.iter().enumerate() {
        // A time below a minute has its unit.
        let differs = match ["stale", "expires"].contains(kind) {
            true => differs
                .replace("= 0.9", "= \"900ms\"")
                .replace("= 0.1", "= \"100ms\""),
            false => differs.to_string(),
        };
        if key.is_none_or(|key| reads.contains(&key)) {
            seen(
                &format!("{what}-{index}"),
                &format!("kind = \"{kind}\"\n{keys}"),
                &differs,
                scene,
                expected,
            );
            tried += 1;
        }
    }
    assert!(tried > 0, "{what}");
}

#[test]
fn a_disabled_service_is_silent_and_its_neighbour_is_not() {
    every_kind(
        "enabled",
        "enabled = false\nreason = \"known\"",
        None,
        &[
            ("20m", &[("two", "warning")]),
            ("60m", &[("two", "warning")]),
        ],
    );
}

#[test]
fn a_severity_of_its_own_is_the_only_one() {
    every_kind(
        "severity",
        "severity = \"critical\"",
        None,
        &[("20m", &[("one", "critical"), ("two", "warning")])],
    );
}

#[test]
fn a_longer_for_is_waited_for() {
    every_kind(
        "longer",
        "for = \"30m\"",
        None,
        &[
            ("20m", &[("two", "warning")]),
            ("50m", &[("one", "warning"), ("two", "warning")]),
        ],
    );
}

#[test]
fn a_shorter_for_is_its_own() {
    // A full window, then no wait for the one and half an hour for the other: the alert's own `for` is what is longer here.
    for (index, (kind, keys, _, scene)) in KINDS.iter().enumerate() {
        let keys = format!(
            "kind = \"{kind}\"\n{keys}\n[services.two.alerts.Trouble]\nfor = \"30m\"\n[services.three.alerts.Trouble]\nfor = \"30m\""
        );
        seen(
            &format!("shorter-{index}"),
            &keys,
            "for = \"0s\"",
            scene,
            &[
                ("10m", &[("one", "warning")]),
                ("50m", &[("one", "warning"), ("two", "warning")]),
            ],
        );
    }
}

#[test]
fn everything_at_once() {
    let differs = "for = \"30m\"\nseverity = \"info\"";
    every_kind(
        "at-once",
        differs,
        None,
        &[
            ("20m", &[("two", "warning")]),
            ("50m", &[("one", "info"), ("two", "warning")]),
        ],
    );
}

#[test]
fn a_threshold_of_its_own_is_not_reached() {
    every_kind(
        "above",
        "above = 0.9",
        Some("above"),
        &[("50m", &[("two", "warning")])],
    );
    every_kind(
        "below",
        "below = 0.1",
        Some("below"),
        &[("50m", &[("two", "warning")])],
    );
}

#[test]
fn a_window_of_its_own_is_looked_back_over() {
    for (index, (kind, keys, reads, _)) in KINDS
        .iter()
        .enumerate()
        .filter(|(_, (_, _, reads, _))| reads.contains(&"window"))
    {
        assert!(reads.contains(&"window"));
        // In trouble for 40 minutes, and healthy afterwards: half an hour later only the longer window has seen it.
        let scene: &[(&str, &str)] = match *kind {
            "error_ratio" => &[
                ("shop_requests_total{status=\"500\",$}", "0+50x160 8000x300"),
                ("shop_requests_total{status=\"200\",$}", "0+50x460"),
            ],
            "cpu_ratio" => &[("process_cpu_seconds_total{$}", "0+7.5x160 1200x300")],
            "ratio" => &[
                ("shop_failures_total{$}", "0+50x160 8000x300"),
                ("shop_jobs_total{$}", "0+100x460"),
            ],
            "average" => &[
                ("shop_answer_seconds_sum{$}", "0+7.5x160 1200x300"),
                ("shop_answer_seconds_count{$}", "0+15x460"),
            ],
            _ => &[
                ("shop_jobs_active{$}", "1x460"),
                ("shop_jobs_total{$}", "0+1x160 160x300"),
            ],
        };
        // The stalled one is the other way round: a longer window still sees the progress.
        let firing: &[(&str, &str)] = if *kind == "stalled" {
            &[("two", "warning")]
        } else {
            &[("one", "warning")]
        };
        seen(
            &format!("window-{index}"),
            &format!("kind = \"{kind}\"\n{keys}"),
            "window = \"1h\"",
            scene,
            &[("70m", firing)],
        );
    }
}

/// A scrape that fails, then a health check that does, with one sample of both: it has been down all the time.
#[test]
fn a_longer_for_does_not_begin_anew_with_another_reason() {
    let scene: &[(&str, &str)] = &[
        ("up{$}", "0x80 1x300"),
        (
            "probe_success{service=\"@\",component=\"web\",job=\"health-probe\"}",
            "1x79 0x300",
        ),
    ];
    seen(
        "reasons",
        "kind = \"down\"\n",
        "for = \"30m\"",
        scene,
        &[
            ("25m", &[("two", "warning")]),
            ("31m", &[("one", "warning"), ("two", "warning")]),
        ],
    );
}

/// Each service with a setting of its own: as many branches as services, and no expression that is nested as deeply.
#[test]
fn settings_of_every_service_nest_no_deeper_than_they_need() {
    let mut text =
        format!("{PLATFORM}[defaults]\nhealth_probe = true\n[groups.web]\ntitle = \"Web\"\n");
    let services = 150;
    for service in 1..=services {
        let above = 0.5 + f64::from(service) / 1000.0;
        text += &format!(
            "[services.s{service}]\ngroup = \"web\"\nport = {}\nmemory_limit = \"{}MiB\"\ncpu_limit = {above}\n",
            8000 + service,
            100 + service
        );
        text += &format!("[services.s{service}.alerts.Errors]\nabove = {above}\n");
    }
    text += "[metrics.requests_total]\ntype = \"counter\"\nhelp = \"Requests\"\nlabels = { status = \"[1-5][0-9]{2}\" }\n";
    text += "[alerts.Errors]\nkind = \"error_ratio\"\nabove = 0.1\nwindow = \"5m\"\nfor = \"5m\"\nseverity = \"warning\"\n";
    let rendered = shop::rendered(&text);
    for rules in ["recording_rules.yml", "alert_rules.yml"] {
        let file = rendered
            .file(&format!("monitoring/{rules}"))
            .expect("an artifact");
        let exprs = file.value["groups"][0]["rules"]
            .as_array()
            .expect("rules")
            .iter()
            .filter_map(|rule| rule["expr"].as_str());
        let longest = exprs.max_by_key(|expr| expr.len()).expect("an expression");
        assert!(
            longest.matches("job=\"s").count() >= services as usize - 1,
            "{rules}: {longest}"
        );
        assert!(
            depth(&promql_parser::parser::parse(longest).expect("PromQL")) < 120,
            "{rules}"
        );
    }
}

/// Levels of operators and brackets.
fn depth(expr: &promql_parser::parser::Expr) -> usize {
    use promql_parser::parser::Expr;
    match expr {
        Expr::Binary(binary) => 1 + depth(&binary.lhs).max(depth(&binary.rhs)),
        Expr::Paren(paren) => 1 + depth(&paren.expr),
        _ => 1,
    }
}
