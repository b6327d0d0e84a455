//! promtool passes the generated unit tests of any catalog: durations of every size, overrides, label lists, kinds, probes.
//!
//! The catalogs are the same in every run; `GENERATED_TESTS_CASES=500 GENERATED_TESTS_SEED=2` tries others. What failed once
//! is kept in generated_tests.regressions and is tried first.

mod referee;

use monstack::pipeline::prove;
use proptest::prelude::*;
use proptest::sample::{Index, select};
use proptest::test_runner::{FileFailurePersistence, RngSeed, TestRunner};
use std::fmt::Write;
use std::fs;
use std::path::Path;

/// Written by people in a hurry, by people with reasons, and by machines.
const FOR: [&str; 13] = [
    "0s", "0", "1s", "10s", "15s", "30s", "1m", "61s", "100ms", "90s", "5m", "7m13s", "10m",
];
const WINDOWS: [&str; 9] = [
    "1m", "61s", "90s", "2m", "5m", "7m13s", "10m", "15m", "31m1s",
];
const SCRAPES: [&str; 4] = ["5s", "7s", "10s", "15s"];
const EVALUATIONS: [&str; 7] = ["5s", "7s", "10s", "15s", "30s", "1m", "13s"];
const RATIOS: [&str; 12] = [
    "0.001", "0.01", "0.05", "0.07", "0.1", "0.333", "0.5", "0.8", "0.9", "0.95", "0.99", "0.999",
];
/// Thresholds of kinds that compare times.
const TIMES: [&str; 12] = [
    "\"1ms\"",
    "\"50ms\"",
    "0.3",
    "\"999ms\"",
    "1",
    "\"2500ms\"",
    "\"61s\"",
    "600",
    "\"90m\"",
    "\"26h\"",
    "\"14d\"",
    "\"1y\"",
];
/// The same that the buckets of the histogram can tell.
const QUICK: [&str; 12] = [
    "\"51ms\"",
    "\"99ms\"",
    "0.1",
    "\"101ms\"",
    "0.333",
    "\"499ms\"",
    "0.5",
    "0.501",
    "\"1s\"",
    "\"1500ms\"",
    "2",
    "2.4",
];
const STATUSES: [&str; 13] = [
    "\"[1-5][0-9]{2}\"",
    "\"[1-5]xx\"",
    "\"[0-9]+\"",
    "\"(2|3|4|5)xx\"",
    "\".+\"",
    "[\"200\", \"201\", \"400\", \"500\"]",
    "[\"2xx\", \"3xx\", \"4xx\", \"5xx\"]",
    "[\"2XX\", \"5XX\"]",
    "[\"200\", \"502\"]",
    "[\"1\", \"2\", \"3\", \"4\", \"5\"]",
    "[\"SUCCESS\", \"CLIENT_ERROR\", \"SERVER_ERROR\"]",
    "[\"ok\", \"504\", \"server_error\"]",
    "[\"200 OK\", \"500 Internal Server Error\"]",
];
const MEMORY: [&str; 5] = ["6MiB", "64MiB", "1GiB", "1000MB", "3TiB"];
const CPU: [&str; 5] = ["0.1", "0.25", "1.0", "1.5", "64"];
const SEVERITIES: [&str; 3] = ["critical", "warning", "info"];

/// The keys of one service that differs.
#[derive(Clone, Debug)]
struct Differs {
    service: Index,
    r#for: Option<&'static str>,
    window: Option<&'static str>,
    above: Option<&'static str>,
    severity: Option<&'static str>,
    disabled: bool,
}

#[derive(Clone, Debug)]
struct Alert {
    kind: &'static str,
    r#for: &'static str,
    window: &'static str,
    above: &'static str,
    severity: &'static str,
    differs: Vec<Differs>,
}

#[derive(Clone, Debug)]
struct Case {
    services: Vec<(bool, &'static str, &'static str)>,
    scrape: &'static str,
    evaluation: &'static str,
    status: &'static str,
    alerts: Vec<Alert>,
}

fn differs() -> impl Strategy<Value = Differs> {
    let maybe = |values: &'static [&'static str]| proptest::option::of(select(values));
    (
        any::<Index>(),
        maybe(&FOR),
        maybe(&WINDOWS),
        maybe(&RATIOS),
        maybe(&SEVERITIES),
        proptest::bool::weighted(0.2),
    )
        .prop_map(
            |(service, r#for, window, above, severity, disabled)| Differs {
                service,
                r#for,
                window,
                above,
                severity,
                disabled,
            },
        )
}

fn alert() -> impl Strategy<Value = Alert> {
    let kinds = &[
        "down",
        "error_ratio",
        "memory_ratio",
        "cpu_ratio",
        "ratio",
        "stalled",
        "threshold",
        "threshold below",
        "threshold at least",
        "saturation",
        "saturation at most",
        "saturation whole",
        "rate",
        "mismatch",
        "mismatch settled",
        "flaps",
        "increase",
        "increase below",
        "restarts",
        "absent",
        "latency",
        "latency summary",
        "average",
        "average counters",
        "stale",
        "expires",
        "exhausts",
        "exhausts rises",
        "instance_down",
        "traffic_drop",
        "promql",
    ][..];
    (
        select(kinds),
        select(&FOR[..]),
        select(&WINDOWS[..]),
        select(&RATIOS[..]),
        select(&SEVERITIES[..]),
        proptest::collection::vec(differs(), 0..3),
    )
        .prop_map(|(kind, r#for, window, above, severity, differs)| Alert {
            kind,
            r#for,
            window,
            above,
            severity,
            differs,
        })
}

fn case() -> impl Strategy<Value = Case> {
    let service = (any::<bool>(), select(&MEMORY[..]), select(&CPU[..]));
    (
        proptest::collection::vec(service, 1..5),
        select(&SCRAPES[..]),
        select(&EVALUATIONS[..]),
        select(&STATUSES[..]),
        proptest::collection::vec(alert(), 1..2),
    )
        .prop_map(|(services, scrape, evaluation, status, alerts)| Case {
            services,
            scrape,
            evaluation,
            status,
            alerts,
        })
}

/// The catalog as a person writes it.
fn catalog(case: &Case) -> String {
    let mut text = format!(
        "[platform]\nname = \"Shop\"\nslug = \"shop\"\nmetric_prefix = \"shop\"\n\n[prometheus]\nevaluation_interval = \"{}\"\n\n\
         [defaults]\nscrape_interval = \"{}\"\n\n[groups.web]\ntitle = \"Web\"\n",
        case.evaluation, case.scrape
    );
    let name = |index: usize| format!("service-{index}");
    for (index, (probe, memory, cpu)) in case.services.iter().enumerate() {
        let _ = write!(
            text,
            "\n[services.{}]\ngroup = \"web\"\nport = {}\nhealth_probe = {probe}\nmemory_limit = \"{memory}\"\ncpu_limit = {cpu}\n",
            name(index),
            8001 + index
        );
    }
    let _ = write!(
        text,
        "\n[metrics.requests_total]\ntype = \"counter\"\nhelp = \"Requests\"\nlabels = {{ status = {} }}\n",
        case.status
    );
    for (metric, kind) in [
        ("failures_total", "counter"),
        ("jobs_total", "counter"),
        ("jobs_active", "gauge"),
        ("jobs_most", "gauge"),
        ("jobs_timestamp_seconds", "gauge"),
    ] {
        let _ = write!(
            text,
            "\n[metrics.{metric}]\ntype = \"{kind}\"\nhelp = \"A metric\"\n"
        );
    }
    text.push_str("\n[metrics.job_milliseconds]\ntype = \"summary\"\nhelp = \"A metric\"\nquantiles = [0.5, 0.9]\n");
    text.push_str("\n[metrics.answer_seconds]\ntype = \"histogram\"\nhelp = \"A metric\"\nbuckets = [0.05, 0.1, 0.5, 1, 2.5]\n");
    for (index, alert) in case.alerts.iter().enumerate() {
        let has = |kinds: &[&str]| kinds.contains(&alert.kind);
        let threshold = match alert.kind {
            "threshold below" | "expires" | "traffic_drop" | "increase below" => "below",
            "threshold at least" => "at_least",
            "saturation at most" => "at_most",
            "exhausts" | "exhausts rises" => "within",
            _ => "above",
        };
        // Of a threshold as a ratio the one at the same place among those of the kind.
        let limit = |written: &'static str| {
            let place = RATIOS
                .iter()
                .position(|ratio| *ratio == written)
                .unwrap_or(0);
            match alert.kind {
                "stale" | "expires" => TIMES[place],
                "exhausts" | "exhausts rises" => TIMES[place.max(8)],
                "latency" | "latency summary" | "average" | "average counters" => QUICK[place],
                "instance_down" => ["0", "1", "5"][place % 3],
                "increase below" => ["0.001", "0.5", "1", "2.5", "7", "1000"][place % 6],
                _ => written,
            }
        };
        let (above, window) = (
            has(&[
                "threshold below",
                "threshold at least",
                "saturation at most",
                "increase below",
                "latency",
                "latency summary",
                "average",
                "average counters",
                "stale",
                "expires",
                "exhausts",
                "exhausts rises",
                "instance_down",
                "traffic_drop",
                "error_ratio",
                "memory_ratio",
                "cpu_ratio",
                "ratio",
                "threshold",
                "saturation",
                "saturation whole",
                "rate",
                "increase",
                "restarts",
                "mismatch",
                "mismatch settled",
                "flaps",
            ]),
            has(&[
                "error_ratio",
                "cpu_ratio",
                "ratio",
                "stalled",
                "threshold",
                "increase",
                "restarts",
                "rate",
                "absent",
                "threshold below",
                "threshold at least",
                "increase below",
                "latency",
                "latency summary",
                "average",
                "average counters",
                "exhausts",
                "exhausts rises",
                "traffic_drop",
                "flaps",
            ]),
        );
        let _ = write!(
            text,
            "\n[alerts.Alert{index}]\nkind = \"{}\"\nfor = \"{}\"\nseverity = \"{}\"\n",
            alert.kind.split(' ').next().unwrap_or_default(),
            alert.r#for,
            alert.severity
        );
        if above {
            let _ = writeln!(text, "{threshold} = {}", limit(alert.above));
        }
        if window {
            let _ = writeln!(text, "window = \"{}\"", alert.window);
        }
        text.push_str(match alert.kind {
            "ratio" => "errors = \"failures_total\"\ntotal = \"jobs_total\"\n",
            "stalled" => "progress = \"jobs_total\"\nactive = \"jobs_active\"\n",
            "threshold" | "threshold below" | "threshold at least" => {
                "metric = \"jobs_active\"\nover = \"avg\"\n"
            }
            "latency" => "metric = \"answer_seconds\"\nmin_rate = 0.2\n",
            "latency summary" => "metric = \"job_milliseconds\"\nquantile = 0.9\nmin_rate = 0.2\n",
            "average" => "metric = \"answer_seconds\"\nmin_rate = 0.2\n",
            "average counters" => {
                "metric = \"jobs_total\"\nevents = \"failures_total\"\nmin_rate = 0.2\n"
            }
            "stale" | "expires" => "metric = \"jobs_timestamp_seconds\"\n",
            "exhausts" => "metric = \"jobs_active\"\n",
            "exhausts rises" => "metric = \"jobs_active\"\nrises_to = \"jobs_most\"\nspare = 0.3\n",
            "traffic_drop" => "metric = \"jobs_total\"\noffset = \"2h\"\nmin_rate = 0.2\n",
            "mismatch" => "actual = \"jobs_active\"\ndesired = \"jobs_most\"\ndiffers = \"more\"\n",
            "mismatch settled" => {
                "actual = \"jobs_active\"\ndesired = \"jobs_most\"\ndiffers = \"less\"\nsettled = \"7m\"\n"
            }
            "flaps" => "metric = \"jobs_active\"\n",
            "saturation" | "saturation at most" => {
                "used = \"jobs_active\"\nlimit = \"jobs_most\"\n"
            }
            "saturation whole" => {
                "used = \"jobs_active\"\nlimit = \"jobs_most\"\ncombine = \"sum\"\n"
            }
            "increase" | "increase below" | "rate" => "metric = \"jobs_total\"\n",
            "absent" => "metric = \"jobs_active\"\n",
            _ => "",
        });
        let mut seen: Vec<usize> = Vec::new();
        let mut disabled = Vec::new();
        let mut overrides = String::new();
        for differs in &alert.differs {
            let service = differs.service.index(case.services.len());
            let mut keys = String::new();
            // Somebody must be left.
            if differs.disabled && disabled.len() + 1 < case.services.len() {
                keys.push_str("enabled = false\nreason = \"not here\"\n");
            } else {
                let quoted = |key: &str, value: Option<&str>| {
                    value.map_or(String::new(), |value| format!("{key} = \"{value}\"\n"))
                };
                keys += &quoted("for", differs.r#for);
                keys += &quoted("severity", differs.severity);
                keys += &quoted("window", differs.window.filter(|_| window));
                keys += &differs
                    .above
                    .filter(|_| above)
                    .map_or(String::new(), |above| {
                        format!("{threshold} = {}\n", limit(above))
                    });
            }
            if keys.is_empty() || seen.contains(&service) {
                continue;
            }
            seen.push(service);
            if keys.starts_with("enabled") {
                disabled.push(service);
            }
            let _ = write!(
                overrides,
                "\n[services.{}.alerts.Alert{index}]\n{keys}",
                name(service)
            );
        }
        if alert.kind == "promql" {
            text.push_str("expr = \"max by (job, service, component) (shop_jobs_active) > 5\"\n");
            let series: Vec<String> = (0..case.services.len())
                .map(|index| format!("'shop_jobs_active{{job=\"{0}\",service=\"{0}\",component=\"web\"}}' = \"9x60\"", name(index)))
                .collect();
            let quiet: Vec<String> = series
                .iter()
                .map(|series| series.replace("9x60", "5x60"))
                .collect();
            let fires: Vec<String> = (0..case.services.len())
                .filter(|index| !disabled.contains(index))
                .map(|index| format!("{:?}", name(index)))
                .collect();
            let _ = write!(
                text,
                "tests = [\n  {{ name = \"fires\", at = \"40m\", series = {{ {} }}, fires = [{}] }},\n  {{ name = \"is silent\", at = \"40m\", series = {{ {} }} }},\n]\n",
                series.join(", "),
                fires.join(", "),
                quiet.join(", ")
            );
        }
        text.push_str(&overrides);
    }
    text
}

/// Everything is proved without an error, and promtool passes every test file.
fn judge(folder: &Path, case: &Case) -> Result<(), TestCaseError> {
    let text = catalog(case);
    let outcome = prove(&text, referee::root()).expect("never an error of the machine");
    let errors: Vec<String> = outcome
        .diagnostics
        .iter()
        .filter(|found| found.stops())
        .map(|found| format!("{}: {}", found.code, found.message))
        .collect();
    prop_assert!(errors.is_empty(), "{text}\n{errors:#?}");
    let _ = fs::remove_dir_all(folder);
    let mut arguments = vec!["test".to_string(), "rules".to_string()];
    for file in outcome.rendered.expect("it has no errors").files {
        if file.path.starts_with("monitoring/") && file.path.ends_with(".yml") {
            let path = folder.join(&file.path);
            fs::create_dir_all(path.parent().expect("a folder")).expect("target is writable");
            fs::write(&path, &file.text).expect("target is writable");
            // Those about the monitoring itself depend on intervals alone, and are tried elsewhere.
            if file.path.ends_with(".test.yml") && !file.path.contains("self_monitoring") {
                arguments.push(file.path);
            }
        }
    }
    prop_assert!(arguments.len() > 3, "{text}\n{arguments:?}");
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let (passed, output) = referee::judge("promtool", &arguments, folder);
    let failures: String = output
        .lines()
        .filter(|line| !line.is_empty())
        .take(40)
        .map(|line| format!("{line}\n"))
        .collect();
    prop_assert!(passed, "{text}\n{failures}");
    Ok(())
}

fn number(variable: &str, default: u64) -> u64 {
    std::env::var(variable)
        .ok()
        .and_then(|text| text.parse().ok())
        .unwrap_or(default)
}

#[test]
fn promtool_passes_the_tests_of_any_catalog() {
    let folder = referee::folder("generated-tests");
    let config = ProptestConfig {
        cases: u32::try_from(number("GENERATED_TESTS_CASES", 8)).expect("a number of cases"),
        rng_seed: RngSeed::Fixed(number("GENERATED_TESTS_SEED", 9)),
        failure_persistence: Some(Box::new(FileFailurePersistence::Direct(
            "tests/generated_tests.regressions",
        ))),
        max_shrink_iters: u32::try_from(number("GENERATED_TESTS_SHRINK", 0))
            .expect("a number of steps"),
        ..ProptestConfig::default()
    };
    let result = TestRunner::new(config).run(&case(), |case| judge(&folder, &case));
    if let Err(error) = result {
        panic!("{error}");
    }
}
