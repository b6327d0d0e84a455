//! A catalog of any size, the same one every time: what the benchmark measures and a test renders.

use std::fmt::Write;

/// Services of one group, and services to one that has metrics of its own.
const GROUP: usize = 20;
const OWN: usize = 12;

/// Above those of the monitoring itself, and so low that 50,000 services have one each.
const FIRST_PORT: usize = 15_001;

/// A catalog of so many services: a group for every twenty, metrics of its own for every twelfth, the alerts of a usual platform.
pub fn catalog(services: usize) -> String {
    let mut text = String::from(HEAD);
    for group in 0..services.div_ceil(GROUP) {
        let _ = write!(
            text,
            "\n[groups.group-{group}]\ntitle = \"Group {group}\"\n"
        );
    }
    for service in 0..services {
        let _ = write!(
            text,
            "\n[services.service-{service}]\ngroup = \"group-{}\"\nport = {}\n",
            service / GROUP,
            FIRST_PORT + service
        );
    }
    text.push_str(METRICS);
    for service in (0..services).step_by(OWN) {
        for (metric, kind, help) in [
            ("jobs_total", "counter", "Jobs done"),
            ("queue_depth", "gauge", "Jobs that wait"),
        ] {
            let _ = write!(
                text,
                "\n[metrics.own_{service}_{metric}]\ntype = \"{kind}\"\nservices = [\"service-{service}\"]\nhelp = \"{help} by {service}\"\n"
            );
        }
    }
    text.push_str(ALERTS);
    text
}

const HEAD: &str = r#"[platform]
name = "Generated"
slug = "generated"
metric_prefix = "generated"
runbook_url = "https://git.example.org/generated/RUNBOOK.md"

[alertmanager.routes]
critical = "on-call"
warning = "on-call"

[receivers.on-call]
webhook = { url = "https://pager.example.org/generated" }
"#;

const METRICS: &str = r#"
[metrics.requests_total]
type = "counter"
help = "Requests answered"
labels = { method = ["GET", "POST"], endpoint = ".+", status = "[1-5][0-9]{2}" }

[metrics.request_duration_seconds]
type = "histogram"
help = "Time to answer a request"
buckets = [0.01, 0.1, 1, 10]
labels = { method = ["GET", "POST"], endpoint = ".+" }

[metrics.lookups_total]
type = "counter"
services = ["service-0"]
help = "Lookups attempted"

[metrics.lookup_errors_total]
type = "counter"
services = ["service-0"]
help = "Lookups that failed"
"#;

const ALERTS: &str = r#"
[alerts.ServiceDown]
kind = "down"
for = "5m"
severity = "critical"

[alerts.HighErrorRate]
kind = "error_ratio"
above = 0.10
window = "5m"
for = "5m"
severity = "warning"

[alerts.HighMemoryUsage]
kind = "memory_ratio"
above = 0.90
for = "10m"
severity = "warning"

[alerts.HighCpuUsage]
kind = "cpu_ratio"
above = 0.80
window = "5m"
for = "10m"
severity = "warning"

[alerts.LookupErrors]
kind = "ratio"
errors = "lookup_errors_total"
total = "lookups_total"
above = 0.05
window = "5m"
for = "5m"
severity = "warning"
"#;

/// Two services and so many alerts, each on two counters of its own.
pub fn alerts(number: usize) -> String {
    let mut text = catalog(2);
    for alert in 0..number {
        for metric in ["errors", "attempts"] {
            let _ = write!(
                text,
                "\n[metrics.part_{alert}_{metric}_total]\ntype = \"counter\"\nservices = [\"service-0\"]\nhelp = \"Part {alert}\"\n"
            );
        }
        let _ = write!(
            text,
            "\n[alerts.Part{alert}Errors]\nkind = \"ratio\"\nerrors = \"part_{alert}_errors_total\"\ntotal = \"part_{alert}_attempts_total\"\n"
        );
        text.push_str("above = 0.05\nwindow = \"5m\"\nfor = \"5m\"\nseverity = \"warning\"\n");
    }
    text
}

/// Two services, the first of which has so many metrics of its own: counters, gauges and histograms.
pub fn metrics(number: usize) -> String {
    let mut text = catalog(2);
    for metric in 0..number {
        let (key, kind, more) = [
            ("total", "counter", ""),
            ("depth", "gauge", ""),
            ("seconds", "histogram", "buckets = [0.1, 1]\n"),
        ][metric % 3];
        let _ = write!(
            text,
            "\n[metrics.part_{metric}_{key}]\ntype = \"{kind}\"\nservices = [\"service-0\"]\nhelp = \"Part {metric}\"\n{more}"
        );
    }
    text
}

/// Two services, and labels with so many values.
pub fn values(number: usize) -> String {
    let values: Vec<String> = (0..number).map(|value| format!("\"V{value}\"")).collect();
    catalog(2).replace("[\"GET\", \"POST\"]", &format!("[{}]", values.join(", ")))
}

/// Two services, each in its own group, beside so many groups with one service each.
pub fn groups(number: usize) -> String {
    let mut text = catalog(2);
    for group in 0..number {
        let _ = write!(text, "\n[groups.own-{group}]\ntitle = \"Own {group}\"\n");
        let _ = write!(
            text,
            "\n[services.own-{group}]\ngroup = \"own-{group}\"\nport = {}\n",
            10_001 + group
        );
    }
    text
}

/// Two services, and so many owners with a service and a receiver each.
pub fn owners(number: usize) -> String {
    let mut text = catalog(2);
    for owner in 0..number {
        let _ = write!(
            text,
            "\n[receivers.team-{owner}]\nwebhook = {{ url = \"https://pager.example.org/{owner}\" }}\n\
             \n[owners.team-{owner}]\ndefault = \"team-{owner}\"\n\
             \n[services.own-{owner}]\ngroup = \"group-0\"\nowner = \"team-{owner}\"\nport = {}\n",
            10_001 + owner
        );
    }
    text
}

/// So many services, each of which has its own threshold of one alert.
pub fn overrides(number: usize) -> String {
    let mut text = catalog(number);
    for service in 0..number {
        let _ = write!(
            text,
            "\n[services.service-{service}.alerts.HighMemoryUsage]\nabove = {}\n",
            0.5 + (service as f64 + 1.0) / (4.0 * number as f64)
        );
    }
    text
}

/// Two services, and so many alerts in PromQL, each with a metric and two tests of its own.
pub fn expressions(number: usize) -> String {
    let mut text = catalog(2);
    for alert in 0..number {
        let _ = write!(
            text,
            "\n[metrics.part_{alert}_backlog]\ntype = \"gauge\"\nservices = [\"service-0\"]\nhelp = \"Part {alert}\"\n"
        );
        let expr = format!("max by (job, service, component) (generated_part_{alert}_backlog) > 5");
        let series = format!(
            "'generated_part_{alert}_backlog{{job=\"service-0\",service=\"service-0\",component=\"group-0\"}}'"
        );
        let _ = write!(
            text,
            "\n[alerts.Part{alert}Backlog]\nkind = \"promql\"\nexpr = \"{expr}\"\nfor = \"5m\"\nseverity = \"warning\"\n"
        );
        let _ = write!(
            text,
            "tests = [\n  {{ name = \"fires\", at = \"20m\", series = {{ {series} = \"9x60\" }}, fires = [\"service-0\"] }},\n  {{ name = \"is silent\", at = \"20m\", series = {{ {series} = \"5x60\" }} }},\n]\n"
        );
    }
    text
}

/// Two services, and one alert whose expression adds up so many terms.
pub fn terms(number: usize) -> String {
    let (mut text, limit) = (catalog(2), 5 * number);
    let terms =
        vec!["max by (job, service, component) (generated_own_0_queue_depth)"; number].join(" + ");
    let series = "'generated_own_0_queue_depth{job=\"service-0\",service=\"service-0\",component=\"group-0\"}'";
    let _ = write!(
        text,
        "\n[alerts.Sum]\nkind = \"promql\"\nexpr = \"{terms} > {limit}\"\nfor = \"5m\"\nseverity = \"warning\"\n"
    );
    let _ = write!(
        text,
        "tests = [\n  {{ name = \"fires\", at = \"20m\", series = {{ {series} = \"9x60\" }}, fires = [\"service-0\"] }},\n  {{ name = \"is silent\", at = \"20m\", series = {{ {series} = \"4x60\" }} }},\n]\n"
    );
    text
}

/// So many services that compose starts.
pub fn containers(services: usize) -> String {
    catalog(services).replacen(
        "[alertmanager.routes]",
        "[defaults]\nruns_on = \"compose\"\n\n[alertmanager.routes]",
        1,
    )
}
