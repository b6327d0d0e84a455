//! What is sound is not refused, what is not is, and what may be accepted can be.

use monstack::allow::never;
use monstack::diagnostic::{Diagnostic, Place, Severity};
use monstack::lints::{EXAMPLE, LINTS, example};
use monstack::pipeline::{Outcome, prove};
use monstack::proofs::{Example, PROOFS};
use monstack::value::Value;
use std::path::Path;

const HEAD: &str = "[platform]\nname = \"Shop\"\nslug = \"shop\"\nmetric_prefix = \"shop\"\n[groups]\nweb = { title = \"Web\" }\n";

fn outcome(catalog: &str) -> Outcome {
    prove(catalog, Path::new(env!("CARGO_MANIFEST_DIR"))).expect("the machine lets it run")
}

/// Two cases for an alert of kind `promql` that are about its shape only.
const TESTS: &str = "tests = [{ name = \"a\", at = \"20m\", series = { up = \"1x30\" }, fires = [\"a\"] }, { name = \"b\", at = \"20m\", series = { up = \"1x30\" } }]\n";

/// Codes of a severity, in the order of their places.
fn codes(outcome: &Outcome, severity: Severity) -> Vec<&'static str> {
    outcome
        .diagnostics
        .iter()
        .filter(|found| found.severity == severity)
        .map(|found| found.code)
        .collect()
}

fn errors(outcome: &Outcome) -> Vec<String> {
    let all = outcome
        .diagnostics
        .iter()
        .filter(|found| found.severity == Severity::Error);
    all.map(|found| format!("{}: {} ({:?})", found.code, found.message, found.place))
        .collect()
}

/// The catalog of one service with these lines, and an alert on it.
fn service(name: &str, lines: &str) -> Outcome {
    outcome(&format!(
        "{HEAD}[services.{name}]\ngroup = \"web\"\n{lines}\n[alerts.Down]\nkind = \"down\"\nfor = \"5m\"\nseverity = \"critical\"\n"
    ))
}

fn value<'a>(outcome: &'a Outcome, file: &str) -> &'a Value {
    let rendered = outcome
        .rendered
        .as_ref()
        .unwrap_or_else(|| panic!("nothing is rendered: {:?}", errors(outcome)));
    &rendered
        .file(file)
        .unwrap_or_else(|| panic!("{file} is not rendered"))
        .value
}

fn text<'a>(outcome: &'a Outcome, file: &str) -> &'a str {
    &outcome
        .rendered
        .as_ref()
        .expect("it renders")
        .file(file)
        .unwrap_or_else(|| panic!("{file} is not rendered"))
        .text
}

/// The scrape job of a service.
fn job<'a>(outcome: &'a Outcome, name: &str) -> &'a Value {
    let jobs = value(outcome, "monitoring/working_prometheus.yml")["scrape_configs"]
        .as_array()
        .unwrap();
    jobs.iter()
        .find(|job| job["job_name"] == name)
        .unwrap_or_else(|| panic!("no job {name}"))
}

/// An alert on an expression, where FAILED and TOTAL stand for the rates of a counter's failures and of all of it.
fn condition(expr: &str) -> Outcome {
    let rate = |matcher: &str| {
        format!("sum by (job, service, component) (rate(shop_messages_total{matcher}[5m]))")
    };
    let expr = expr
        .replace("FAILED", &rate("{status=\"failed\"}"))
        .replace("TOTAL", &rate(""));
    let series = |status: &str| {
        format!(
            "'shop_messages_total{{job=\"api\",service=\"api\",component=\"web\",status=\"{status}\"}}'"
        )
    };
    let (failed, ok) = (series("failed"), series("ok"));
    outcome(&format!(
        "{HEAD}[services]\napi = {{ group = \"web\", port = 8000 }}\n[metrics.messages_total]\ntype = \"counter\"\nhelp = \"m\"\nlabels = {{ status = [\"ok\", \"failed\"] }}\n\
         [alerts.A]\nkind = \"promql\"\nexpr = '''{expr}'''\nfor = \"5m\"\nseverity = \"warning\"\n\
         tests = [ {{ name = \"half fail\", at = \"20m\", series = {{ {failed} = \"0+6000x30\", {ok} = \"0+6000x30\" }}, fires = [\"api\"] }},\n\
         {{ name = \"none fails\", at = \"20m\", series = {{ {failed} = \"0x30\", {ok} = \"0+60x30\" }} }} ]\n"
    ))
}

#[test]
fn a_guarded_ratio_is_accepted_however_it_is_nested() {
    let zero = "(FAILED or 0 * TOTAL)";
    let guarded = [
        "100 * ZERO / (TOTAL > 0) > 5",
        "ZERO * 100 / (TOTAL > 0) > 5",
        "ZERO / (TOTAL > 0) * 100 > 5",
        "100 * (ZERO / (TOTAL > 0)) > 5",
        "5 < 100 * ZERO / (TOTAL > 0)",
        "ZERO / ((TOTAL > 0) / 100) > 5",
        "(100 * FAILED or 0 * TOTAL) / (TOTAL > 0) > 5",
        "(FAILED / (TOTAL > 0) or 0 * TOTAL) > 0.05",
        "(100 * FAILED / (TOTAL > 0) or 0 * TOTAL) > 5",
        "-(-ZERO) / (TOTAL > 0) > 0.05",
        "TOTAL > 0 and ZERO / TOTAL > 0.05",
        "(TOTAL > 10) and 100 * ZERO / TOTAL > 5",
        "ZERO / clamp_min(TOTAL, 0.001) > 0.05",
        "100 * ZERO / clamp_min(TOTAL, 1 / 1000) > 5",
        "ZERO / clamp(TOTAL, 1, 1e9) > 0.05",
        "ZERO / (TOTAL + 0.001) > 0.05",
        "ZERO / (TOTAL != 0) > 0.05",
        "ZERO / (0 < TOTAL) > 0.05",
        "ZERO / (TOTAL >= 0.1) > 0.05",
        "ZERO / (60 * (TOTAL > 0)) > 0.0005",
        "ZERO / (TOTAL unless TOTAL == 0) > 0.05",
        "ZERO / (TOTAL and TOTAL > 0) > 0.05",
        "ZERO / TOTAL > 0.05 and TOTAL > 1",
        "ZERO / TOTAL > 0.05 unless TOTAL < 1",
        "ZERO / ((TOTAL > 0) or clamp_min(TOTAL, 1)) > 0.05",
        "ZERO / sum by (job, service, component) (rate(shop_messages_total[5m]) > 0) > 0.05",
    ];
    let wrong: Vec<String> = guarded
        .iter()
        .filter_map(|expr| {
            let found = errors(&condition(&expr.replace("ZERO", zero)));
            (!found.is_empty()).then(|| format!("{expr}: {found:?}"))
        })
        .collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn what_a_comparison_drops_needs_no_guard() {
    for expr in [
        "FAILED / TOTAL > 0.05",
        "100 * FAILED / TOTAL > 5",
        "5 < (100 * FAILED) / TOTAL",
        "FAILED / TOTAL * 100 >= 5",
    ] {
        let codes = codes(&condition(expr), Severity::Error);
        for code in ["unguarded-division", "late-numerator"] {
            assert!(!codes.contains(&code), "{code} finds {expr}");
        }
    }
}

#[test]
fn what_only_looks_like_a_guard_is_refused() {
    let zero = "(FAILED or 0 * TOTAL)";
    let open = [
        ("unguarded-division", "ZERO / TOTAL != 0.05"),
        ("unguarded-division", "100 * ZERO / TOTAL != 5"),
        ("unguarded-division", "ZERO / (TOTAL > bool 0) != 0.05"),
        ("unguarded-division", "ZERO / (TOTAL >= 0) != 0.05"),
        ("unguarded-division", "ZERO / clamp_max(TOTAL, 1) != 0.05"),
        ("unguarded-division", "ZERO / clamp_min(TOTAL, 0) != 0.05"),
        ("unguarded-division", "ZERO / (TOTAL or 0 * TOTAL) != 0.05"),
        ("unguarded-division", "ZERO / (TOTAL / 60) != 3"),
        ("unguarded-division", "ZERO / (TOTAL and TOTAL < 5) != 0.05"),
        ("unguarded-division", "ZERO / TOTAL != 0.05 or TOTAL > 1"),
        ("unguarded-division", "ZERO / TOTAL != 0.05 and FAILED > 1"),
        ("late-numerator", "FAILED / (TOTAL > 0) < 0.05"),
        ("late-numerator", "100 * FAILED / (TOTAL > 0) < 5"),
        ("late-numerator", "FAILED * 100 / (TOTAL > 0) < 5"),
        ("late-numerator", "100 / (TOTAL > 0) * FAILED < 5"),
        (
            "late-numerator",
            "(FAILED + 0 * FAILED) / (TOTAL > 0) < 0.05",
        ),
        (
            "late-numerator",
            "(FAILED / (TOTAL > 0) < 0.05) or 0 * TOTAL > 1",
        ),
    ];
    let missed: Vec<String> = open
        .iter()
        .filter_map(|(code, expr)| {
            let outcome = condition(&expr.replace("ZERO", zero));
            (!codes(&outcome, Severity::Error).contains(code))
                .then(|| format!("{code} does not find {expr}: {:?}", errors(&outcome)))
        })
        .collect();
    assert!(missed.is_empty(), "{}", missed.join("\n"));
}

/// A number up to 1 is a ratio only where an amount is compared with it, and not where its speed is.
#[test]
fn an_amount_is_not_compared_with_a_ratio() {
    let found =
        |expr: &str| codes(&condition(expr), Severity::Error).contains(&"missing-denominator");
    let cpu = "rate(process_cpu_seconds_total[5m])";
    for sound in [
        format!("{cpu} > 0.9"),
        format!("sum by (job, service, component) ({cpu}) > 0.9"),
        format!("0.5 < max by (job, service, component) (i{cpu})"),
        "increase(process_cpu_seconds_total[5m]) > 0.5".into(),
        "rate(shop_messages_total[5m]) > 0.5".into(),
        "deriv(process_resident_memory_bytes[1h]) > 0.5".into(),
        "changes(process_resident_memory_bytes[1h]) < 1".into(),
        "count by (job, service, component) (process_resident_memory_bytes) < 1".into(),
        "(up and process_resident_memory_bytes) < 1".into(),
        "(process_resident_memory_bytes > bool 1e9) == 1".into(),
        "process_resident_memory_bytes / 1e9 > 0.9".into(),
    ] {
        assert!(!found(&sound), "{sound}");
    }
    for amount in [
        "process_resident_memory_bytes > 0.9",
        "0.9 < process_resident_memory_bytes",
        "avg_over_time(process_resident_memory_bytes[5m]) >= 1",
        "sum by (job, service, component) (process_resident_memory_bytes) * 2 > (0.9)",
        "(process_resident_memory_bytes > 1e9) > 0.9",
        "(process_resident_memory_bytes unless up) > 0.9",
        "process_cpu_seconds_total > 0.9",
    ] {
        assert!(found(amount), "{amount}");
    }
}

/// An alert on an expression over a histogram with buckets to 2.5, and with what stands in the tables of the catalog.
fn over_a_histogram(expr: &str, service: &str, image: &str) -> Vec<String> {
    let expr = expr
        .replace(
            "BELOW",
            "sum by (job, service, component) (rate(shop_answer_seconds_bucket{",
        )
        .replace("END", "}[5m]))");
    let expr = expr.replace(
        "ALL",
        "sum by (job, service, component) (rate(shop_answer_seconds_count[5m]))",
    );
    errors(&outcome(&format!(
        "{HEAD}{image}[services]\napi = {{ group = \"web\", port = 8000{service} }}\n[metrics.answer_seconds]\ntype = \"histogram\"\nhelp = \"m\"\n\
         buckets = [0.1, 1, 2.5]\nlabels = {{ path = \".+\" }}\n[alerts.A]\nkind = \"promql\"\nexpr = '''{expr}'''\nfor = \"5m\"\nseverity = \"warning\"\n\
         allow = [{{ check = \"untested-alert\", reason = \"not about that\" }}]\n"
    )))
}

/// Buckets appear with the count, so that nothing is to be filled in; and only under the names that they have.
#[test]
fn a_bucket_is_found_by_the_name_that_it_has() {
    let slow = |matcher: &str, service: &str, image: &str| {
        over_a_histogram(
            &format!("1 - BELOW{matcher}END / (ALL > 0) > 0.1"),
            service,
            image,
        )
    };
    let (go, old) = (
        ", runtime = \"go\"",
        "[prometheus]\nimage = \"prom/prometheus:v2.53.0\"\n",
    );
    for matcher in [
        "le=\"0.1\"",
        "le=\"1.0\"",
        "le=~\"1|1[.]0\"",
        "le=\"2.5\"",
        "le=\"+Inf\"",
    ] {
        assert_eq!(slow(matcher, "", ""), [""; 0], "{matcher}");
        assert_eq!(slow(matcher, go, old), [""; 0], "{matcher}");
    }
    assert_eq!(slow("le=\"1\"", go, old), [""; 0]);
    for matcher in ["le=\"1\"", "le=\"2\"", "le=\".1\"", "le=\"2.50\""] {
        let found = slow(matcher, "", "");
        assert!(
            found.iter().any(|found| found.starts_with("unmatchable")),
            "{matcher}: {found:?}"
        );
    }
}

/// A quantile says the last bound for all that is above it.
#[test]
fn a_quantile_is_compared_with_what_its_buckets_can_tell() {
    let quantile = |limit: &str| {
        over_a_histogram(
            &format!(
                "histogram_quantile(0.95, sum by (job, service, component, le) (rate(shop_answer_seconds_bucket[5m]))) > {limit}"
            ),
            "",
            "",
        )
    };
    for limit in ["0.05", "1", "2.4"] {
        assert_eq!(quantile(limit), [""; 0], "{limit}");
    }
    for limit in ["2.5", "3", "10"] {
        let found = quantile(limit);
        assert!(
            found
                .iter()
                .any(|found| found.starts_with("impossible-threshold")),
            "{limit}: {found:?}"
        );
    }
}

#[test]
fn what_a_client_library_exposes_by_itself_is_known() {
    let names = [
        (
            "node",
            "max by (job, service, component) (nodejs_eventloop_lag_p99_seconds) > 0.2",
        ),
        (
            "node",
            "max by (job, service, component) (nodejs_heap_space_size_used_bytes{space=\"old\"}) > 1e9",
        ),
        (
            "node",
            "max by (job, service, component) (nodejs_active_handles_total) > 1000",
        ),
        (
            "node",
            "histogram_quantile(0.9, sum by (job, service, component, le) (rate(nodejs_gc_duration_seconds_bucket[5m]))) > 0.1",
        ),
        (
            "go",
            "max by (job, service, component) (go_gc_duration_seconds{quantile=\"1\",service!=\"\"}) > 0.1",
        ),
        (
            "go",
            "sum by (job, service, component) (rate(promhttp_metric_handler_requests_total{code=\"500\",service!=\"\"}[5m])) > 1",
        ),
        (
            "go",
            "sum by (job, service, component) (rate(go_memstats_alloc_bytes_total{service!=\"\"}[5m])) > 1e9",
        ),
        (
            "python",
            "sum by (job, service, component) (rate(python_gc_collections_total{generation=\"2\"}[5m])) > 1",
        ),
    ];
    for (runtime, expr) in names {
        let series = "up{job=\"api\",service=\"api\",component=\"web\"}";
        let tests = format!(
            "tests = [{{ name = \"a\", at = \"20m\", series = {{ '{series}' = \"1x30\" }}, fires = [\"api\"] }}, {{ name = \"b\", at = \"20m\", series = {{ '{series}' = \"1x30\" }} }}]"
        );
        let catalog = |runtime: &str| {
            format!(
                "{HEAD}[services]\napi = {{ group = \"web\", port = 8000, runtime = \"{runtime}\" }}\n[alerts.A]\nkind = \"promql\"\nexpr = '{expr}'\nfor = \"5m\"\nseverity = \"warning\"\n{tests}\n"
            )
        };
        // Its tests give a series of another metric: they cannot hold, and here nothing else may be wrong.
        let mut found = errors(&outcome(&catalog(runtime)));
        found.retain(|error| !error.starts_with("test-fails"));
        assert_eq!(found, [""; 0], "{runtime}: {expr}");
        let other = if runtime == "python" { "go" } else { "python" };
        // What only Prometheus itself exposes is of no service.
        let outcome = outcome(&catalog(other));
        let found = codes(&outcome, Severity::Error);
        assert!(
            found.contains(&"unknown-metric") || found.contains(&"unmatchable"),
            "{other} has {expr}"
        );
    }
}

#[test]
fn a_query_in_a_path_is_asked_by_everybody() {
    let outcome = service(
        "vault",
        "port = 8200\nmetrics_path = \"/v1/sys/metrics?format=prometheus&match[]=a%20b&match[]=c\"\nhealth_path = \"/v1/sys/health?standbyok=true&a=b\"\nhealth_probe = true\n",
    );
    assert_eq!(errors(&outcome), [""; 0]);
    let job = job(&outcome, "vault");
    assert_eq!(job["metrics_path"], "/v1/sys/metrics");
    assert_eq!(
        job["params"],
        monstack::value::json!({"format": ["prometheus"], "match[]": ["a b", "c"]})
    );
    let probes = value(&outcome, "monitoring/working_prometheus.yml").to_string();
    assert!(
        probes.contains("http://host.docker.internal:8200/v1/sys/health?standbyok=true&a=b"),
        "{probes}"
    );
    let runbook = text(&outcome, "docs/RUNBOOK.md");
    assert!(runbook.contains("'http://localhost:8200/v1/sys/metrics?format=prometheus&match%5B%5D=a%20b&match%5B%5D=c'"), "{runbook}");
    assert!(
        runbook.contains(
            "target=http://host.docker.internal:8200/v1/sys/health?standbyok=true%26a=b'"
        ),
        "{runbook}"
    );
    let service = outcome.catalog.as_ref().unwrap().service("vault").unwrap();
    let url = &monstack::live::probe::Reach::default().doors(service)[0].metrics;
    assert_eq!(
        url,
        "http://127.0.0.1:8200/v1/sys/metrics?format=prometheus&match%5B%5D=a%20b&match%5B%5D=c"
    );
    for wrong in [
        "/metrics?a b",
        "/metrics?a='b'",
        "/metrics?a=$b",
        "/metrics#a",
        "metrics",
        "/metrics?a=%2",
    ] {
        assert!(
            service_fails(&format!("port = 8200\nmetrics_path = \"{wrong}\"\n")),
            "{wrong}"
        );
    }
}

fn service_fails(lines: &str) -> bool {
    let outcome = service("api", lines);
    outcome.failed() && codes(&outcome, Severity::Error) == ["invalid-value"]
}

#[test]
fn services_behind_one_address_differ_by_their_path() {
    let two = |lines: &str| {
        outcome(&format!(
            "{HEAD}[defaults]\nruns_on = \"10.0.0.5\"\n[services.a]\ngroup = \"web\"\nport = 8000\nmetrics_path = \"/a/metrics\"\n[services.b]\ngroup = \"web\"\nport = 8000\n{lines}\n[alerts.Down]\nkind = \"down\"\nfor = \"5m\"\nseverity = \"critical\"\n"
        ))
    };
    for sound in [
        "metrics_path = \"/b/metrics\"",
        "metrics_path = \"/a/metrics?of=b\"",
        "runs_on = \"10.0.0.6\"",
    ] {
        assert_eq!(errors(&two(sound)), [""; 0], "{sound}");
    }
    assert_eq!(
        codes(&two("metrics_path = \"/a/metrics\""), Severity::Error),
        ["duplicate-address"]
    );
    // Two containers cannot publish one port, whatever their paths.
    let containers = |lines: &str| {
        two(&format!("metrics_path = \"/b/metrics\"\n{lines}"))
            .catalog
            .is_some()
            && {
                let text = format!(
                    "{HEAD}[services.a]\ngroup = \"web\"\nport = 8000\n[services.b]\ngroup = \"web\"\nport = 8000\nmetrics_path = \"/b\"\n{lines}"
                );
                codes(&outcome(&text), Severity::Error).contains(&"duplicate-address")
            }
    };
    assert!(containers("") && !containers("build = false"));
    // One address is one `instance`: series of both meet on it, and on nothing else.
    let meeting = |on: &str| {
        let alert = format!(
            "metrics_path = \"/b\"\n[alerts.A]\nkind = \"promql\"\nexpr = 'max by (job, service, component, instance) (up{{job=\"a\"}}) < 1 and on ({on}) up{{job=\"b\"}} == 1'\nfor = \"5m\"\nseverity = \"warning\"\n{TESTS}"
        );
        errors(&two(&alert))
            .iter()
            .filter(|error| error.contains("/alerts/A/expr"))
            .count()
    };
    assert_eq!(
        (meeting("instance"), meeting("instance, job") > 0),
        (0, true)
    );
}

#[test]
fn an_ipv6_address_is_written_as_urls_have_it() {
    let outcome = outcome(&format!(
        "{HEAD}[prometheus]\nalertmanagers = [\"[fd00::9]:9093\"]\n[services]\na = {{ group = \"web\", port = 8000, runs_on = \"fd00::1\", health_probe = true }}\nb = {{ group = \"web\", port = 8000, runs_on = \"[FD00:0::2]\" }}\n\
         [alerts.Down]\nkind = \"down\"\nfor = \"5m\"\nseverity = \"critical\"\n"
    ));
    assert_eq!(errors(&outcome), [""; 0]);
    assert_eq!(
        job(&outcome, "a")["static_configs"][0]["targets"][0],
        "[fd00::1]:8000"
    );
    assert_eq!(
        job(&outcome, "b")["static_configs"][0]["targets"][0],
        "[fd00::2]:8000"
    );
    assert!(
        value(&outcome, "monitoring/working_prometheus.yml")
            .to_string()
            .contains("http://[fd00::1]:8000/health")
    );
    assert!(text(&outcome, "docs/RUNBOOK.md").contains("'http://[fd00::1]:8000/metrics'"));
    let catalog = outcome.catalog.as_ref().unwrap();
    let url =
        &monstack::live::probe::Reach::default().doors(catalog.service("a").unwrap())[0].metrics;
    assert_eq!(url, "http://[fd00::1]:8000/metrics");
    assert!(!codes(&outcome, Severity::Warning).contains(&"undotted-host"));
    for (twice, code) in [
        ("fd00::1", "duplicate-address"),
        ("[fd00:0::1]", "duplicate-address"),
        ("fe80::1%eth0", "invalid-value"),
        ("fd00::1::2", "invalid-value"),
        ("::1", "loopback-address"),
    ] {
        let text = format!(
            "{HEAD}[services]\na = {{ group = \"web\", port = 8000, runs_on = \"fd00::1\" }}\nb = {{ group = \"web\", port = 8000, runs_on = \"{twice}\" }}\n"
        );
        assert_eq!(
            codes(&self::outcome(&text), Severity::Error),
            [code],
            "{twice}"
        );
    }
}

#[test]
fn a_name_without_a_dot_gets_a_question() {
    for (name, help) in [
        ("compsoe", "did you mean `compose`?"),
        ("hots", "did you mean `host`?"),
        ("kubernetes", "accept it with `allow`"),
        ("nas", "`nas.example.org`"),
    ] {
        let outcome = service("api", &format!("port = 8000\nruns_on = \"{name}\"\n"));
        let found = outcome
            .diagnostics
            .iter()
            .find(|found| found.code == "undotted-host")
            .unwrap_or_else(|| panic!("{name} is not asked about"));
        assert!(
            found.severity == Severity::Warning && found.help.contains(help),
            "{found:?}"
        );
        let place = Place::Value("/services/api/runs_on".to_string());
        assert_eq!(found.place, place);
        let accepted = service(
            "api",
            &format!(
                "port = 8000\nruns_on = \"{name}\"\nallow = [{{ check = \"undotted-host\", reason = \"Our DNS knows it\" }}]\n"
            ),
        );
        assert!(
            !codes(&accepted, Severity::Warning).contains(&"undotted-host") && !accepted.failed()
        );
    }
    for known in ["host", "compose", "nas.lan", "10.0.0.5", "fd00::5"] {
        let outcome = service("api", &format!("port = 8000\nruns_on = \"{known}\"\n"));
        assert!(
            !outcome
                .diagnostics
                .iter()
                .any(|found| found.code == "undotted-host"),
            "{known}"
        );
    }
}

#[test]
fn https_is_asked_for_or_said() {
    let found = |lines: &str| {
        let outcome = service("site", &format!("runs_on = \"www.example.org\"\n{lines}\n"));
        outcome
            .diagnostics
            .iter()
            .find(|found| found.code == "plain-http")
            .map(|found| found.severity)
    };
    assert_eq!(found("port = 443"), Some(Severity::Warning));
    assert_eq!(found("port = 8443"), Some(Severity::Notice));
    assert_eq!(found("port = 8080"), None);
    assert_eq!(found("port = 443\nscheme = \"http\""), None);
    assert_eq!(found("port = 443\nscheme = \"https\""), None);
    let outcome = service(
        "site",
        "runs_on = \"www.example.org\"\nport = 443\nscheme = \"https\"\nhealth_path = \"/\"\nhealth_probe = true\n",
    );
    assert_eq!(errors(&outcome), [""; 0]);
    assert_eq!(job(&outcome, "site")["scheme"], "https");
    assert!(
        value(&outcome, "monitoring/working_prometheus.yml")
            .to_string()
            .contains("https://www.example.org:443/")
    );
    assert!(text(&outcome, "docs/RUNBOOK.md").contains("'https://www.example.org:443/metrics'"));
    let service = outcome.catalog.as_ref().unwrap().service("site").unwrap();
    assert_eq!(
        monstack::live::probe::Reach::default().doors(service)[0].metrics,
        "https://www.example.org:443/metrics"
    );
}

#[test]
fn an_exporter_is_not_built_from_the_users_dockerfile() {
    let image = service(
        "node-exporter",
        "port = 9100\nruntime = \"go\"\nimage = \"prom/node-exporter:v1.9.0\"\n",
    );
    assert_eq!(errors(&image), [""; 0]);
    let container = &value(&image, "docker-compose.services.yml")["services"]["node-exporter"];
    assert_eq!(container["image"], "prom/node-exporter:v1.9.0");
    for key in ["build", "command", "healthcheck", "environment"] {
        assert!(container.get(key).is_none(), "{key}: {container}");
    }
    let scraped = service(
        "node-exporter",
        "port = 9100\nruntime = \"go\"\nbuild = false\n",
    );
    assert_eq!(errors(&scraped), [""; 0]);
    let paths = |outcome: &Outcome| {
        outcome
            .rendered
            .as_ref()
            .unwrap()
            .files
            .iter()
            .map(|file| file.path.clone())
            .collect::<Vec<_>>()
    };
    assert!(
        !paths(&scraped)
            .iter()
            .any(|path| path.ends_with("services.yml") || path.ends_with("metrics.py")),
        "{:?}",
        paths(&scraped)
    );
    assert_eq!(
        value(&scraped, "docker-compose.yml")["include"],
        monstack::value::json!(["docker-compose.monitoring.yml"])
    );
    // One that says nothing is scraped only, and that is said.
    let silent = |lines: &str| {
        service(
            "node-exporter",
            &format!("port = 9100\nruntime = \"go\"\n{lines}"),
        )
    };
    assert_eq!(errors(&silent("")), [""; 0]);
    let files = |outcome: &Outcome| {
        outcome
            .rendered
            .as_ref()
            .unwrap()
            .files
            .iter()
            .map(|file| file.text.clone())
            .collect::<Vec<_>>()
    };
    assert_eq!(files(&silent("")), files(&scraped));
    let said =
        |lines: &str| codes(&silent(lines), Severity::Notice).contains(&"unstarted-exporter");
    assert!(
        said("")
            && !said("build = true\n")
            && !said("build = false\n")
            && !said("image = \"a:1\"\n")
            && !said("runs_on = \"10.0.0.5\"\n")
    );
    let built = |outcome: &Outcome| {
        !value(outcome, "docker-compose.services.yml")["services"]["node-exporter"]["build"]
            .is_null()
    };
    assert!(
        built(&silent("build = true\n"))
            && built(&service(
                "node-exporter",
                "port = 9100\napp = \"shop.own:app\"\n"
            ))
    );
    assert!(
        !codes(&service("exporters", "port = 9100\n"), Severity::Notice)
            .contains(&"unstarted-exporter"),
        "another name"
    );
    // It has no /health of its own, unless it says so.
    let health = |outcome: &Outcome| {
        outcome.catalog.as_ref().unwrap().services[0]
            .health_path
            .clone()
    };
    assert_eq!([health(&image), health(&scraped)], ["/metrics", "/metrics"]);
    assert_eq!(
        health(&service(
            "a",
            "port = 9100\nbuild = false\nhealth_path = \"/-/healthy\"\n"
        )),
        "/-/healthy"
    );
    assert_eq!(health(&service("a", "port = 9100\n")), "/health");
    let python = service("a", "port = 8000\nruns_on = \"10.0.0.5\"\n");
    assert!(
        paths(&python).contains(&"monitoring/metrics.py".to_string())
            && !paths(&python).contains(&"docker-compose.services.yml".to_string())
    );
    let node = service("a", "port = 8000\nruntime = \"node\"\n");
    assert!(
        !paths(&node).contains(&"monitoring/metrics.py".to_string())
            && paths(&node).contains(&"docker-compose.services.yml".to_string())
    );
}

#[test]
fn a_catalog_that_notifies_no_one_says_so_once() {
    let notices = |text: &str| {
        let outcome = outcome(text);
        assert_eq!(errors(&outcome), [""; 0]);
        outcome
            .diagnostics
            .into_iter()
            .filter(|found| found.code == "no-one-notified")
            .collect::<Vec<Diagnostic>>()
    };
    let alert = "[alerts.Down]\nkind = \"down\"\nfor = \"5m\"\nseverity = \"critical\"\n";
    let pager = "[receivers.pager]\nwebhook = { url = \"http://pager.example.org:8080/\" }\n[alertmanager.routes]\n";
    for silent in [
        String::new(),
        "[alertmanager.routes]\ncritical = \"null\"\nwarning = \"null\"\ninfo = \"null\"\n"
            .to_string(),
    ] {
        let found = notices(&format!("{EXAMPLE}{alert}{silent}"));
        assert_eq!(found.len(), 1);
        assert!(
            found[0].severity == Severity::Notice && found[0].help.contains("[receivers.on-call]"),
            "{found:?}"
        );
    }
    let critical = notices(&format!(
        "{EXAMPLE}{alert}{pager}critical = \"null\"\nwarning = \"pager\"\n"
    ));
    assert!(
        critical.len() == 1 && critical[0].message.contains("critical"),
        "{critical:?}"
    );
    assert_eq!(
        notices(&format!("{EXAMPLE}{alert}{pager}critical = \"pager\"\n")),
        []
    );
    let accepted = "[alertmanager]\nallow = [{ check = \"no-one-notified\", reason = \"We watch the dashboard\" }]\n";
    assert_eq!(notices(&format!("{EXAMPLE}{alert}{accepted}")), []);
    assert_eq!(
        notices(
            &format!("{EXAMPLE}{alert}{accepted}{pager}critical = \"null\"\nwarning = \"pager\"\n")
                .replace("[receivers", "\n[receivers")
        ),
        []
    );
}

#[test]
fn a_runbook_that_no_browser_opens_is_not_linked() {
    let catalog = std::fs::read_to_string("services.toml").unwrap();
    let linked = |url: &str| {
        let text = catalog.replacen("[platform]\n", &format!("[platform]\n{url}\n"), 1);
        let outcome = outcome(&text);
        assert_eq!(errors(&outcome), [""; 0]);
        let links = outcome
            .rendered
            .as_ref()
            .unwrap()
            .files
            .iter()
            .filter(|file| !file.path.ends_with(".md"))
            .map(|file| file.text.matches("RUNBOOK.md").count())
            .sum::<usize>();
        let annotations = text_of_rules(&outcome).matches("runbook_url").count();
        (
            links,
            annotations,
            codes(&outcome, Severity::Notice).contains(&"unlinked-runbook"),
        )
    };
    assert_eq!(linked(""), (0, 0, true));
    assert_eq!(linked("runbook_url = \"docs/RUNBOOK.md\""), (0, 0, true));
    let (links, annotations, noticed) =
        linked("runbook_url = \"https://git.example.org/RUNBOOK.md\"");
    assert!(
        links > annotations && annotations == 15 && !noticed,
        "{links} {annotations} {noticed}"
    );
}

fn text_of_rules(outcome: &Outcome) -> String {
    [
        "monitoring/alert_rules.yml",
        "monitoring/self_monitoring_rules.yml",
    ]
    .map(|file| text(outcome, file))
    .concat()
}

/// The catalog's table that a finding is about.
fn table(found: &Diagnostic, catalog: &toml::Table) -> Option<String> {
    let pointer = match &found.place {
        _ if !found.owners.is_empty() => found.owners[0].clone(),
        Place::Key(pointer) | Place::Value(pointer) => pointer.clone(),
        _ => return None,
    };
    let steps: Vec<&str> = pointer.split('/').skip(1).collect();
    // What has no `allow` of its own is accepted for the platform.
    if ["routes", "times", "inhibit"].contains(&steps[0]) {
        return Some("platform".to_string());
    }
    let named = [
        "services",
        "groups",
        "metrics",
        "alerts",
        "receivers",
        "slos",
        "rules",
        "owners",
    ]
    .contains(&steps[0]);
    let table = steps[..if named { 2 } else { 1 }].join(".");
    let known = !named || catalog.get(steps[0])?.get(steps[1]).is_some();
    known.then_some(table)
}

/// The same catalog, with the finding accepted in a table.
fn accepting(catalog: &str, table: &str, code: &str) -> String {
    let mut document: toml::Table = catalog.parse().unwrap();
    let mut at = &mut document;
    for step in table.split('.') {
        at = at
            .entry(step)
            .or_insert_with(|| toml::Table::new().into())
            .as_table_mut()
            .unwrap();
    }
    let entry: toml::Table = format!("check = \"{code}\"\nreason = \"It is right here\"")
        .parse()
        .unwrap();
    at.entry("allow")
        .or_insert_with(|| toml::Value::Array(Vec::new()))
        .as_array_mut()
        .unwrap()
        .push(entry.into());
    document.to_string()
}

/// Accepts a finding wherever it is made; what is still wrong then.
fn accepted(code: &str, catalog: &str) -> Vec<String> {
    let found = outcome(catalog);
    let parsed: toml::Table = catalog.parse().unwrap();
    let tables: std::collections::BTreeSet<String> = found
        .diagnostics
        .iter()
        .filter(|found| found.code == code)
        .filter_map(|found| table(found, &parsed))
        .collect();
    assert!(!tables.is_empty(), "{code} has no table");
    let text = tables.iter().fold(catalog.to_string(), |text, table| {
        accepting(&text, table, code)
    });
    let after = outcome(&text);
    let before = errors(&found);
    let mut wrong: Vec<String> = errors(&after)
        .into_iter()
        .filter(|error| !before.contains(error) || error.starts_with(&format!("{code}:")))
        .collect();
    if wrong.is_empty()
        && before
            .iter()
            .all(|error| error.starts_with(&format!("{code}:")))
        && after.rendered.is_none()
    {
        wrong.push("nothing is rendered".to_string());
    }
    wrong
}

#[test]
fn what_may_be_accepted_can_be_and_what_follows_is_too() {
    let lints = LINTS.iter().map(|lint| (lint.code, example(lint.bad)));
    let proofs = PROOFS.iter().filter_map(|proof| match proof.example {
        Example::Condition { bad, .. } => Some((proof.code, with_condition(bad))),
        Example::Catalog { bad, .. } => Some((proof.code, format!("{EXAMPLE}{bad}"))),
        Example::Rendered { .. } | Example::Text { .. } => None,
    });
    let (mut wrong, mut refused) = (Vec::new(), 0);
    for (code, catalog) in lints.chain(proofs) {
        let mut left = accepted(code, &catalog);
        // That the tests of such a condition fail, or cannot be run, is a matter of its own, said once the condition is accepted.
        let tested = catalog.contains("tests = [");
        left.retain(|left| !(tested && left.starts_with("test-fails:")));
        match never(code) {
            None if !left.is_empty() => {
                wrong.push(format!("{code} offers an `allow` and leaves {left:#?}"))
            }
            Some(_) if !left.iter().any(|left| left.starts_with("never-accepted")) => wrong.push(
                format!("{code} is never accepted, and nothing says so: {left:?}"),
            ),
            Some(_) => refused += 1,
            None => {}
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(refused > 3, "the ones that are never accepted are tried");
}

fn with_condition(expr: &str) -> String {
    let metrics = "[metrics.answer_seconds]\ntype = \"histogram\"\nhelp = \"Time to answer\"\n\n";
    let tests = "tests = [\n  { name = \"fires\", at = \"10m\", series = { up = \"1x20\" }, fires = [\"checkout\"] },\n  { name = \"silent\", at = \"10m\", series = { up = \"1x20\" } },\n]\n";
    format!(
        "{EXAMPLE}{metrics}[alerts.Example]\nkind = \"promql\"\nexpr = '{expr}'\nfor = \"5m\"\nseverity = \"warning\"\n{tests}"
    )
}

#[test]
fn an_allow_of_defaults_or_a_group_is_that_of_its_services() {
    let local = |allow: &str| {
        outcome(&format!(
            "{HEAD}{allow}[prometheus]\nalertmanagers = [\"localhost:9093\"]\nallow = [{{ check = \"loopback-address\", reason = \"No containers\" }}]\n[services]\na = {{ group = \"web\", port = 8000, runs_on = \"localhost\" }}\nb = {{ group = \"web\", port = 8001, runs_on = \"127.0.0.1\" }}\n"
        ))
    };
    assert_eq!(
        codes(&local(""), Severity::Error),
        ["loopback-address", "loopback-address"]
    );
    let allow = "allow = [{ check = \"loopback-address\", reason = \"Prometheus runs without a container\" }]\n";
    assert_eq!(errors(&local(&format!("[defaults]\n{allow}"))), [""; 0]);
    let grouped = format!(
        "{HEAD}[services]\na = {{ group = \"far\", port = 8000, runs_on = \"localhost\" }}\nb = {{ group = \"web\", port = 8001, runs_on = \"127.0.0.1\" }}\n[groups.far]\ntitle = \"Far\"\n{allow}"
    );
    assert_eq!(
        codes(&outcome(&grouped), Severity::Error),
        ["loopback-address"],
        "the other group's service is not accepted"
    );
}

/// Whoever runs a server without a container is told where one line says so.
#[test]
fn a_loopback_address_says_where_it_is_accepted() {
    let catalog = format!(
        "{HEAD}[prometheus]\nalertmanagers = [\"localhost:9093\"]\n[grafana]\ndatasource_url = \"http://localhost:9090\"\n\
         [receivers.pager.webhook]\nurl = \"http://localhost:8080/\"\n[alertmanager.routes]\ncritical = \"pager\"\n\
         [services]\na = {{ group = \"web\", port = 8000, runs_on = \"localhost\" }}\nb = {{ group = \"web\", port = 8001, runs_on = \"127.0.0.1\" }}\n"
    );
    let found = outcome(&catalog);
    let found: Vec<&Diagnostic> = found
        .diagnostics
        .iter()
        .filter(|found| found.code == "loopback-address")
        .collect();
    assert_eq!(found.len(), 5, "{found:#?}");
    let tables = ["prometheus", "grafana", "alertmanager"];
    for found in &found {
        let offered: Vec<&&str> = tables
            .iter()
            .filter(|table| found.help.contains(&format!("`[{table}]`")))
            .collect();
        assert!(
            offered.len() == 1 && found.help.contains("`runs_on = \"host\"`"),
            "{}",
            found.help
        );
        let mut outside: toml::Table = catalog.parse().unwrap();
        let table = outside
            .entry(*offered[0])
            .or_insert_with(|| toml::Table::new().into());
        let table = table.as_table_mut().unwrap();
        table.insert("runs_on".to_string(), "host".into());
        let left = outcome(&outside.to_string());
        assert!(
            !left
                .diagnostics
                .iter()
                .any(|other| other.code == "loopback-address"
                    && other.message == found.message
                    && other.place == found.place),
            "{}",
            found.help
        );
    }
}

#[test]
fn a_receiver_has_findings_that_can_be_accepted() {
    let receiver = |lines: &str| {
        format!(
            "{EXAMPLE}[receivers.pager]\n{lines}\n[alertmanager.routes]\ncritical = \"pager\"\n"
        )
    };
    let pager = "pagerduty = { routing_key_file = \"/run/key\" }\n";
    assert_eq!(
        codes(&outcome(&receiver(pager)), Severity::Error),
        ["unmounted-secret"]
    );
    let allow = "allow = [{ check = \"unmounted-secret\", reason = \"The Alertmanager runs on the host\" }]\n";
    let accepted = outcome(&receiver(&format!("{pager}{allow}")));
    assert_eq!(errors(&accepted), [""; 0]);
    assert!(!text(&accepted, "monitoring/alertmanager/alertmanager.yml").contains("allow"));
    assert_eq!(
        codes(&outcome(&receiver(allow)), Severity::Error),
        ["empty"]
    );
}

/// No line of a template is named, which nobody wrote here.
#[test]
fn what_a_table_of_the_catalog_says_is_named_there() {
    let muted = "[receivers.team]\nwebhook = { url = \"https://hooks.example.org/team\" }\n[times.weekend]\nweekdays = [\"monday:sunday\"]\n[[routes]]\nseverity = [\"critical\"]\nreceivers = \"team\"\nmute = \"weekend\"\n";
    for (tables, code, written) in [
        (
            "[grafana]\ndatasource_url = \"http://promethues:9090\"\n",
            "unreachable-address",
            Place::Value("/grafana/datasource_url".to_string()),
        ),
        (
            muted,
            "unrouted-alert",
            Place::Key("/times/weekend".to_string()),
        ),
    ] {
        let outcome = outcome(&format!(
            "{HEAD}{tables}[services.shop]\ngroup = \"web\"\nport = 8000\n[alerts.Down]\nkind = \"down\"\nfor = \"5m\"\nseverity = \"critical\"\n"
        ));
        let found = outcome.diagnostics.iter().find(|found| found.stops());
        let place = found.map(|found| (found.code, found.place.clone()));
        assert_eq!(place, Some((code, written)));
    }
}
