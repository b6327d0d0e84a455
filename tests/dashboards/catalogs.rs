//! Catalogs that differ as people's do.

use crate::Stack;
use std::fmt::Write;
use std::sync::LazyLock;

/// The real one.
pub fn seed() -> String {
    // The alerts of a dashboard link to the runbook only where it is read in a browser.
    include_str!("../../services.toml").replacen(
        "[platform]\n",
        "[platform]\nrunbook_url = \"https://git.example.org/RUNBOOK.md\"\n",
        1,
    )
}

/// One service, no metrics, no alerts.
pub fn bare() -> String {
    let title = r#"Ünï 'quoted' & <b> \u0022text\u0022"#;
    format!(
        "[platform]\nname = \"{title}\"\nslug = \"bare\"\nmetric_prefix = \"bare\"\n[groups.only]\ntitle = \"{title}\"\n[services.lonely]\ngroup = \"only\"\nport = 8000\n"
    )
}

/// What the real one has not: two counters of requests, one without endpoints, a histogram and a gauge in bytes of one service
/// alone, labels on a gauge, an override, an exception, any PromQL, other intervals, a long group.
pub fn varied() -> String {
    let mut text = r#"
[platform]
name = "Shop & Co"
slug = "shop"
metric_prefix = "shop"
runbook_url = "https://example.org/runbook"
[grafana]
datasource_uid = "metrics"
[prometheus]
evaluation_interval = "30s"
[groups.front]
title = "Front \u0022end\u0022"
[groups.back]
title = "Back <end>"
[services.web]
group = "front"
port = 8000
scrape_interval = "30s"
[services.web.alerts.TooManyErrors]
above = 0.2
[services.web.alerts.Slow]
enabled = false
reason = "it is slow by nature"
[services.api]
group = "front"
port = 8001
health_probe = true
[services.api.alerts.TooManyErrors]
window = "10m"
[metrics.calls_total]
type = "counter"
help = "Calls answered."
services = ["web", "api"]
labels = {status = "[1-5][0-9]{2}", endpoint = ".+"}
[metrics.rpc_total]
type = "counter"
help = "Procedures called"
services = ["worker-0", "worker-1"]
labels = {status = "[1-5][0-9]{2}"}
[metrics.job_seconds]
type = "histogram"
help = "Time a job takes"
services = ["worker-0"]
buckets = [0.1, 1, 10]
[metrics.cache_bytes]
type = "gauge"
help = "Size of the cache"
services = ["web"]
labels = {tier = ["hot", "cold"]}
[metrics.busy_ratio]
type = "gauge"
help = "Share of threads at work"
[alerts.TooManyErrors]
kind = "error_ratio"
requests = "calls_total"
above = 0.1
window = "5m"
for = "5m"
severity = "critical"
[alerts.RpcErrors]
kind = "error_ratio"
requests = "rpc_total"
above = 0.1
window = "5m"
for = "5m"
severity = "warning"
[alerts.Slow]
kind = "promql"
expr = """max by (job, service, component) (process_resident_memory_bytes{service!=""}) > 100000000"""
for = "1m"
severity = "info"
[[alerts.Slow.tests]]
name = "it has memory"
at = "5m"
series = {'process_resident_memory_bytes{job="api",service="api",component="front"}' = "200000000x10"}
fires = ["api"]
[[alerts.Slow.tests]]
name = "it has none"
at = "5m"
series = {'process_resident_memory_bytes{job="api",service="api",component="front"}' = "50000000x10"}
[alerts.Gone]
kind = "down"
for = "2m"
severity = "critical"
"#
    .to_string();
    for index in 0..14 {
        write!(
            text,
            "[services.worker-{index}]\ngroup = \"back\"\nport = {}\n",
            9000 + index
        )
        .expect("text");
    }
    text
}

/// The real contract and alerts over many services and groups.
pub fn large(services: usize, groups: usize) -> String {
    let seed = seed();
    let (head, rest) = seed.split_at(seed.find("# ── Groups").expect("the groups"));
    let contract = &rest[rest.find("# ── The metric contract").expect("the contract")..];
    let named = [
        "memory-manager",
        "workflow-engine",
        "rl-orchestrator",
        "websocket-service",
    ];
    let mut text = head.to_string();
    for index in 0..groups {
        write!(
            text,
            "[groups.group-{index}]\ntitle = \"Services of group {index}\"\n"
        )
        .expect("text");
    }
    for index in 0..services {
        let name = named
            .get(index)
            .map_or_else(|| format!("service-{index}"), |name| name.to_string());
        write!(
            text,
            "[services.{name}]\ngroup = \"group-{}\"\nport = {}\n",
            index % groups,
            1024 + index
        )
        .expect("text");
    }
    text + contract
}

/// All of them by name, rendered once.
pub static STACKS: LazyLock<[(&str, Stack); 4]> = LazyLock::new(|| {
    [
        ("seed", seed()),
        ("bare", bare()),
        ("varied", varied()),
        ("large", large(60, 3)),
    ]
    .map(|(name, text)| (name, Stack::of(&text)))
});

/// One of them.
pub fn stack(name: &str) -> &'static Stack {
    &STACKS
        .iter()
        .find(|(known, _)| *known == name)
        .expect("a catalog of this name")
        .1
}
