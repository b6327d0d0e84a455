//! A first catalog: of flags, a compose file, a Prometheus, or a set-up that is kept by hand. Whatever it is made of, it loads and
//! proves.

mod referee;
mod shop;

use shop::{Ended, folder, monstack};
use std::fs;
use std::path::Path;

/// What was written renders, and is what a second look finds.
fn renders(root: &Path) -> String {
    let ended = monstack(root, &["render"]);
    assert_eq!(ended.code, 0, "{}", ended.stderr);
    let again = monstack(root, &["render", "--check"]);
    assert_eq!(again.code, 0, "{}", again.stdout);
    fs::read_to_string(root.join("services.toml")).expect("written")
}

fn said(ended: &Ended, wanted: &[&str]) {
    let all = format!("{}{}", ended.stdout, ended.stderr);
    for text in wanted {
        assert!(all.contains(text), "not said: {text}\n{all}");
    }
}

/// An Alertmanager that tells one chat.
const CHAT: &str = "route: {receiver: chat}\nreceivers:\n  - name: chat\n    webhook_configs: [{url: 'https://hooks.example.org/x'}]\n";

#[test]
fn any_names_become_a_catalog() {
    let root = folder("init \"names\" {x}");
    let twenty: Vec<String> = (0..20)
        .map(|number| format!("service:{}", 8100 + number))
        .collect();
    let hostile = [
        "Order API:8001",
        "prometheus:9090",
        "日本:8003",
        "\"]\n[x:8004",
        "3scale:3000",
        "grafana:8006",
    ];
    let names = hostile.into_iter().chain(twenty.iter().map(String::as_str));
    let flags: Vec<&str> = names.flat_map(|name| ["--service", name]).collect();
    let ended = monstack(&root, &[&["init"], &*flags].concat());
    assert_eq!(ended.code, 0, "{}{}", ended.stdout, ended.stderr);
    said(
        &ended,
        &["26 services", "order-api: called `Order API` in --service"],
    );
    let text = renders(&root);
    for wanted in [
        "order-api = ",
        "prometheus-service = ",
        "s3scale = ",
        "service-20 = ",
        "[prometheus]\nport = 9091",
        "[grafana]\nport = 3001",
    ] {
        assert!(text.contains(wanted), "{wanted}: {text}");
    }
    let twice = monstack(&root, &["init", "--service", "web:8001"]);
    assert_eq!(twice.code, 2, "{}", twice.stderr);
    fs::remove_dir_all(root).expect("removable");
}

#[test]
fn without_a_catalog_every_verb_names_init() {
    let root = folder("init-nothing");
    for verb in [
        vec!["render"],
        vec!["render", "--check"],
        vec!["prove"],
        vec!["absorb"],
        vec!["add", "web", "--group", "g", "--port", "1"],
        vec!["declare", "x"],
        vec!["diff", "HEAD"],
        vec!["explain", "x"],
        vec!["verify"],
        vec!["why", "x"],
        vec!["simulate"],
        vec!["drill"],
        vec!["preview"],
    ] {
        let ended = monstack(&root, &verb);
        assert_eq!(ended.code, 2, "{verb:?}: {}", ended.stderr);
        said(&ended, &["monstack init"]);
    }
    let ended = monstack(&root, &["init"]);
    assert_eq!(ended.code, 2);
    said(&ended, &["--service", "--compose"]);
    assert!(!root.join("services.toml").exists());
    fs::remove_dir_all(root).expect("removable");
}

#[test]
fn a_catalog_is_found_around_and_by_its_file() {
    let root = folder("init-around");
    assert_eq!(monstack(&root, &["init", "--service", "web:8001"]).code, 0);
    renders(&root);
    let inside = root.join("a/b");
    fs::create_dir_all(&inside).expect("writable");
    assert_eq!(monstack(&inside, &["render", "--check"]).code, 0);
    assert_eq!(
        monstack(
            &inside,
            &["render", "--check", "--root", "../../services.toml"]
        )
        .code,
        0
    );
    let other = monstack(&inside, &["render", "--check", "--root", "/etc/hostname"]);
    assert_eq!(other.code, 2);
    said(&other, &["the catalog is called services.toml"]);
    fs::remove_dir_all(root).expect("removable");
}

const COMPOSE: &str = r#"
x-common: &common
  restart: always
services:
  web:
    <<: *common
    build: .
    ports: ["${WEB_PORT:-8001}:8000", "9000:9000"]
    mem_limit: 512m
    cpus: 0.5
  api_v2:
    image: golang:1.22
    ports:
      - {target: 8080, published: "8081"}
    deploy: {resources: {limits: {memory: 1G, cpus: "2"}}}
  worker: {image: me/worker}
  db: {image: "postgres:16", ports: ["5432:5432"]}
  prometheus: {image: "prom/prometheus:v2.53.0", ports: ["9090:9090"]}
  node_exporter: {image: prom/node-exporter, ports: ["9100:9100"]}
  other: {image: x, ports: ["8001:80"]}
"#;

#[test]
fn a_compose_file_becomes_a_catalog() {
    let root = folder("init-compose");
    fs::write(root.join("docker-compose.yml"), COMPOSE).expect("writable");
    let ended = monstack(&root, &["init"]);
    assert_eq!(ended.code, 0, "{}", ended.stderr);
    said(
        &ended,
        &[
            "web: it is taken to answer /metrics at 8001, the published port of 8000, and not at 9000, which it publishes too",
            "what else is built here is taken to be written in python",
            "worker is left out: it publishes no port",
            "db is left out: postgres answers no scrape",
            "prometheus is left out",
            "other is left out: port 8001",
        ],
    );
    let text = renders(&root);
    for wanted in [
        "web = { group = \"services\", port = 8001, build = false, memory_limit = \"512MiB\", cpu_limit = 0.5 }",
        "memory_limit = \"1GiB\", cpu_limit = 2.0",
        "profiles = [\"node_exporter\"]",
        "MemoryNearLimit",
    ] {
        assert!(text.contains(wanted), "{wanted}: {text}");
    }
    fs::remove_dir_all(root).expect("removable");
}

/// Images that somebody knows are asked where they answer; of all others it is said that it is a guess.
#[test]
fn images_of_a_compose_file_are_known() {
    let root = folder("init-images");
    let compose = r#"
services:
  web: {image: "registry.example.org/shop/web:2", command: gunicorn shop.wsgi, ports: ["8000:8000"], mem_limit: 1g}
  shop: {image: "registry.example.org/shop/shop:2", ports: ["8002:8002"]}
  queue: {image: "rabbitmq:4.0-management", ports: ["5672:5672", "15672:15672", "15692:15692"]}
  hidden: {image: "rabbitmq:4.0", ports: ["5673:5672"]}
  stats: {image: "prom/statsd-exporter:v0.28.0", ports: ["9102:9102"]}
  node: {image: "quay.io/prometheus/node-exporter:v1.9.0", network_mode: host}
  redis-exporter: {image: "oliver006/redis_exporter:v1.69.0", command: ["--web.listen-address=:9122"], ports: ["9122:9122"]}
  own: {image: "shop/own", network_mode: host}
  foreign: {image: "someone/thing:1", ports: ["8080:8080"]}
"#;
    fs::write(root.join("compose.yml"), compose).expect("writable");
    let ended = monstack(&root, &["init", "--compose", "compose.yml"]);
    assert_eq!(ended.code, 0, "{}{}", ended.stdout, ended.stderr);
    said(
        &ended,
        &[
            "queue: it answers /metrics at 15692, the published port of 15692",
            "hidden is left out: it answers /metrics at 15692, and does not publish that port",
            "node: it is in the network of this machine, and answers /metrics at 9100",
            "own is left out: it is in the network of this machine, and nothing says at which port",
            "foreign: it is taken to answer /metrics at 8080, the published port of 8080",
            "foreign: what it is written in is not known",
        ],
    );
    let text = renders(&root);
    for wanted in [
        "web = { group = \"services\", port = 8000, build = false, runtime = \"python\", memory_limit = \"1GiB\" }",
        "shop = { group = \"services\", port = 8002, build = false }",
        "queue = { group = \"services\", port = 15692, build = false, runtime = \"unknown\" }",
        "stats = { group = \"services\", port = 9102, build = false, runtime = \"unknown\" }",
        "node = { group = \"infrastructure\", port = 9100, build = false, runtime = \"go\", profiles = [\"node_exporter\"] }",
        "redis-exporter = { group = \"infrastructure\", port = 9122,",
        "foreign = { group = \"services\", port = 8080, build = false, runtime = \"unknown\" }",
        "severity = \"warning\", services = [\"web\", \"shop\", \"node\", \"redis-exporter\"] }",
    ] {
        assert!(text.contains(wanted), "{wanted}: {text}");
    }
    fs::remove_dir_all(root).expect("removable");
}

/// What a service says as a job does is taken over; for all else there is `adopt`.
#[test]
fn jobs_are_read_as_adopt_reads_them() {
    let root = folder("init-jobs");
    let config = r#"
global: {scrape_interval: 30s}
scrape_configs:
  - job_name: ledger
    metrics_path: /actuator/prometheus
    scheme: https
    tls_config: {ca_file: ca.pem}
    static_configs: [{targets: ["ledger.example.org:8443"], labels: {tier: "1"}}]
  - job_name: pushgateway
    honor_labels: true
    params: {x: ["1"]}
    static_configs: [{targets: ["push.example.org:9091"]}]
  - job_name: node
    static_configs:
      - {targets: ["10.0.0.1:9100"], labels: {dc: a}}
      - {targets: ["10.0.0.2:9100"], labels: {dc: b}}
  - job_name: probes
    metrics_path: /probe
    static_configs: [{targets: ["https://example.org"]}]
    relabel_configs: [{source_labels: [__address__], target_label: __param_target}]
"#;
    fs::write(root.join("prometheus.yml"), config).expect("writable");
    let ended = monstack(&root, &["init", "--prometheus", "prometheus.yml"]);
    assert_eq!(ended.code, 0, "{}{}", ended.stdout, ended.stderr);
    said(
        &ended,
        &[
            "probes is left out: it is asked at another address than its targets have; `monstack adopt prometheus.yml` keeps such a job as it is",
        ],
    );
    let text = renders(&root);
    for wanted in [
        "runtime = \"unknown\"",
        "runtime = \"java\", labels = { tier = \"1\" }, tls = { ca_file = \"ca.pem\" }",
        "honor_labels = true",
        "{ address = \"10.0.0.2:9100\", labels = { dc = \"b\" } }",
        "params = { x = [\"1\"] }",
    ] {
        assert!(text.contains(wanted), "{wanted}: {text}");
    }
    fs::remove_dir_all(root).expect("removable");
}

#[test]
fn a_configuration_of_prometheus_becomes_a_catalog() {
    let root = folder("init-prometheus");
    fs::write(
        root.join("prometheus.yml"),
        "scrape_configs:\n  - job_name: prometheus\n    static_configs: [{targets: ['localhost:9090']}]\n  - job_name: web\n    metrics_path: /stats\n    static_configs: [{targets: ['10.0.0.1:8000', '10.0.0.2:8000', 'odd host:1']}]\n  - job_name: local\n    static_configs: [{targets: ['localhost:8001']}]\n  - job_name: found\n    http_sd_configs: [{url: 'https://x.example.org'}]\n",
    )
    .expect("writable");
    let ended = monstack(&root, &["init", "--prometheus", "prometheus.yml"]);
    assert_eq!(ended.code, 0, "{}", ended.stderr);
    said(
        &ended,
        &["prometheus is left out", "odd host:1 is no host:port"],
    );
    let text = renders(&root);
    assert!(text.contains("targets = [\"10.0.0.1:8000\", \"10.0.0.2:8000\"], build = false, metrics_path = \"/stats\""), "{text}");
    assert!(
        text.contains("local = { group = \"services\", port = 8001"),
        "{text}"
    );
    assert!(
        text.contains("discovery = { http = \"https://x.example.org\" }"),
        "{text}"
    );
    fs::remove_dir_all(root).expect("removable");
}

/// Adopts files with these texts, which says these lines, and renders; gives the catalog.
fn adopted(root: &Path, files: &[(&str, &str)], lines: &[&str]) -> String {
    let mut command = vec!["adopt".to_string()];
    for (name, text) in files {
        let path = root.join(name);
        fs::create_dir_all(path.parent().expect("a folder")).expect("writable");
        fs::write(&path, text).expect("writable");
        command.push(path.display().to_string());
    }
    let command: Vec<&str> = command.iter().map(String::as_str).collect();
    let ended = monstack(root, &command);
    assert_eq!(ended.code, 0, "{}{}", ended.stdout, ended.stderr);
    said(&ended, lines);
    renders(root)
}

/// Rules that do what a kind does are alerts of the catalog, whichever way they are written; what only looks so is kept.
#[test]
fn alerts_are_recognised_by_what_they_do() {
    let root = folder("adopt-alerts");
    let config = r#"
global: {scrape_interval: 15s}
rule_files: [rules.yml]
scrape_configs:
  - job_name: node_exporter
    static_configs: [{targets: ['10.0.0.1:9100', '10.0.0.2:9100']}]
  - job_name: redis_exporter
    relabel_configs: [{target_label: service, replacement: redis_exporter}, {target_label: rack, replacement: a1}]
    static_configs: [{targets: ['redis-exporter.example.org:9121']}]
"#;
    let rules = r#"
groups:
  - name: all
    rules:
      - alert: InstanceDown
        expr: up == 0
        for: 5m
        labels: {severity: critical}
        annotations: {summary: "{{ $labels.instance }} is down", runbook_url: "https://example.org"}
      - alert: Memory
        expr: 100 * (1 - (node_memory_MemAvailable_bytes / node_memory_MemTotal_bytes)) > 90
        for: 5m
        labels: {severity: warning}
      - alert: Rejected
        expr: increase(redis_rejected_connections_total[5m]) > 0
        labels: {severity: critical, team: data}
      - alert: Load
        expr: node_load1 > 1.5 and node_load5 > 1
        for: 2m
        labels: {severity: warning}
      - alert: Earlier
        expr: node_load1 offset 1h > 4
        for: 2m
        labels: {severity: warning}
      - record: load
        expr: node_load1
"#;
    let files = [
        ("prometheus.yml", config),
        ("rules.yml", rules),
        ("alertmanager.yml", CHAT),
    ];
    let text = adopted(
        &root,
        &files,
        &[
            "InstanceDown: threshold, of node_exporter, redis_exporter",
            "Memory: saturation, of node_exporter",
            "Rejected: increase, of redis_exporter",
            "adopted/rules.yml: 2 alerts, 1 recording rule",
        ],
    );
    for line in [
        "labels = { rack = \"a1\" }",
        "at_most = 0, for = \"5m\", severity = \"critical\", per = [\"instance\"], summary = \"{label:instance} is down\", runbook_url = \"https://example.org\"",
        "limit = \"node_memory_MemTotal_bytes\", below = 0.1",
        "above = 0, for = \"0s\", severity = \"critical\", labels = { team = \"data\" }",
    ] {
        assert!(text.contains(line), "{line}\n{text}");
    }
    let left = fs::read_to_string(root.join("adopted/rules.yml")).expect("written");
    for (name, kept) in [("Memory", false), ("Load", true), ("Earlier", true)] {
        assert_eq!(left.contains(&format!("alert: {name}\n")), kept, "{left}");
    }
    // The one route that there is takes them.
    let monitoring = root.join("generated/monitoring");
    let (fine, told) = referee::judge(
        "amtool",
        &[
            "config",
            "routes",
            "test",
            "--config.file=alertmanager/alertmanager.yml",
            "alertname=InstanceDown",
            "severity=critical",
            "job=node_exporter",
        ],
        &monitoring,
    );
    assert!(fine && told.contains("chat"), "{told}");
    fs::remove_dir_all(root).expect("removable");
}

/// Jobs that look for their targets, or ask an exporter for each of them, are services; so is what rules alone tell of a metric.
#[test]
fn what_is_found_and_what_is_asked_for_others_is_adopted() {
    let root = folder("adopt-found");
    fs::create_dir(root.join("lists")).expect("writable");
    let config = r#"
global: {scrape_interval: 15s}
scrape_configs:
  - job_name: web
    file_sd_configs: [{files: ["lists/*.json"]}]
  - job_name: api
    consul_sd_configs: [{server: "consul.example.org:8500", services: [api]}]
    relabel_configs:
      - {source_labels: [__meta_consul_tags], regex: ".*,prod,.*", action: keep}
      - {source_labels: [__meta_consul_dc], target_label: dc}
  - job_name: tasks
    dns_sd_configs: [{names: [tasks.example.org], type: A, port: 8080}]
  - job_name: snmp
    static_configs: [{targets: ["snmp.example.org:9116"]}]
  - job_name: switches
    metrics_path: /snmp
    params: {module: [if_mib]}
    static_configs: [{targets: ["10.1.0.1", "10.1.0.2"]}]
    relabel_configs:
      - {source_labels: [__address__], target_label: __param_target}
      - {source_labels: [__param_target], target_label: instance}
      - {target_label: __address__, replacement: "snmp.example.org:9116"}
  - job_name: labels
    consul_sd_configs: [{server: "consul.example.org:8500"}]
    relabel_configs: [{action: labelmap, regex: "__meta_consul_(.+)"}]
"#;
    let rules = r#"
groups:
  - name: all
    rules:
      - alert: LinkDown
        expr: ifOperStatus{job="switches"} < 1
        for: 5m
        keep_firing_for: 10m
        labels: {severity: warning}
        annotations: {summary: "a link is down", impact: "nobody gets through {{ $labels.instance }}"}
"#;
    let files = [
        ("prometheus.yml", config),
        ("rules.yml", rules),
        ("alertmanager.yml", CHAT),
        ("lists/web.json", "[{\"targets\": [\"10.0.0.1:80\"]}]"),
    ];
    let text = adopted(
        &root,
        &files,
        &[
            "job labels, in adopted/jobs.yml: it relabels: labelmap",
            "LinkDown: threshold, of switches",
            "metric ifOperStatus: taken for a gauge of switches",
            "`keep_firing_for` is read since Prometheus 2.42",
        ],
    );
    for line in [
        "discovery = { file = [\"lists/*.json\"] }",
        "keep = { __meta_consul_tags = \".*,prod,.*\" }, labels = { dc = \"__meta_consul_dc\" }",
        "port = 8080, discovery = { dns = { names = [\"tasks.example.org\"], type = \"A\" } }",
        "targets = [\"10.1.0.1\", \"10.1.0.2\"]",
        "through = \"snmp\"",
        "keep_firing_for = \"10m\"",
        "annotations = { impact = \"nobody gets through {label:instance}\" }",
        "minimum_version = \"2.42\"",
    ] {
        assert!(text.contains(line), "{line}\n{text}");
    }
    assert!(!text.contains("files ="), "{text}");
    fs::remove_dir_all(root).expect("removable");
}

/// Rules that name no job are recognised where only services are known to expose what they read; of each that stays, it is said why.
#[test]
fn why_a_rule_stays_is_said() {
    let root = folder("adopt-reasons");
    let config = r#"
global: {scrape_interval: 15s}
alerting:
  alert_relabel_configs: [{regex: replica, action: labeldrop}]
remote_write:
  - url: https://store.example.org/push
    basic_auth: {username: shop, password_file: secrets/store}
scrape_configs:
  - job_name: redis
    static_configs: [{targets: ['redis-exporter.example.org:9121']}]
  - job_name: cadvisor
    metric_relabel_configs: [{regex: id, action: labeldrop}]
    static_configs: [{targets: ['10.0.0.2:8080']}]
  - job_name: whatever
    metric_relabel_configs: [{regex: id, action: labeldrop}]
    static_configs: [{targets: ['10.0.0.3:8080']}]
"#;
    let rule = |name: &str, expr: &str, more: &str| {
        format!("      - {{alert: {name}, expr: '{expr}', labels: {{severity: critical{more}}}}}\n")
    };
    let rules = [
        "groups:\n  - name: all\n    rules:\n".to_string(),
        rule("RedisDown", "redis_up == 0", ""),
        rule(
            "Backup",
            "time() - redis_rdb_last_save_timestamp_seconds > 60 * 60 * 24",
            "",
        ),
        rule("Gone", "up == 0", ""),
        rule("Killed", "time() - container_last_seen > 60", ""),
        rule("Foreign", "other_metric > 1", ""),
        rule("Summed", "sum(redis_connected_clients) > 9", ""),
        rule("Odd", "redis_connected_clients > redis_up * 2", ""),
        rule("Labelled", "redis_up == 0", ", job: x"),
    ];
    let text = adopted(
        &root,
        &[("prometheus.yml", config), ("rules.yml", &rules.concat())],
        &[
            "RedisDown: threshold, of redis",
            "Backup: stale, of redis",
            "RedisDown, Backup: about the services that are known to expose what it reads, where the rule has no `job`",
            "stay rules, it has no `job`, and is about jobs in [extra] too: Gone",
            "stay rules, what it reads is exposed by a job in [extra]: Killed (cadvisor)",
            "stay rules, no profile of a service lists what it reads: Foreign (other_metric)",
            "stay rules, it sums without `job`: nobody can say whose service it is about: Summed",
            "stay rules, it sets a label that targets have: Labelled (job)",
            "alert_relabel_configs of `alerting`: alerts are sent with replica too",
        ],
    );
    // The rule that is kept is about everything that is not reached.
    assert!(!text.contains("ServiceUnreachable"), "{text}");
    let store = "remote_write = [{ url = \"https://store.example.org/push\", auth = { username = \"shop\", password_file = \"secrets/store\" } }]";
    assert!(text.contains(store), "{text}");
    fs::remove_dir_all(root).expect("removable");
}

/// No alert is added where a rule is told of the same.
#[test]
fn what_a_rule_watches_is_not_watched_twice() {
    let root = folder("adopt-watched");
    let config = "scrape_configs:\n  - job_name: cart\n    static_configs: [{targets: ['cart.example.org:8000']}]\n  - job_name: till\n    static_configs: [{targets: ['till.example.org:8000']}]\n";
    let rules = "groups:\n  - name: x\n    rules:\n      - {alert: CartGone, expr: 'up{job=\"cart\"} == 0', labels: {severity: critical}}\n";
    let text = adopted(
        &root,
        &[("prometheus.yml", config), ("rules.yml", rules)],
        &[
            "CartGone: threshold, of cart",
            "alert ServiceUnreachable is new, of the kind down, critical; while it fires, nobody is told of the other alerts of that service",
        ],
    );
    let added = "ServiceUnreachable = { kind = \"down\", for = \"5m\", severity = \"critical\", services = [\"till\"] }";
    assert!(text.contains(added), "{text}");
    fs::remove_dir_all(root).expect("removable");
}

/// What a server refuses is left out by name, what nothing can say is kept, and everything else goes on.
#[test]
fn what_cannot_be_adopted_is_said() {
    let root = folder("adopt-odd");
    let files = [
        (
            "prometheus.yml",
            "rule_files: [broken.yml, other.yml]\nremote_write: [{url: 'https://store.example.org', queue_config: {max_shards: 3}}, {url: 'https://two.example.org', write_relabel_configs: []}]\nscrape_configs:\n  - job_name: web_app\n    static_configs: [{targets: ['localhost:8000']}]\n  - job_name: 'Old App'\n    static_configs: [{targets: ['10.0.0.1:80']}]\n",
        ),
        (
            "broken.yml",
            "groups: [{name: x, rules: [{alert: Broken, expr: 'sum(', labels: {severity: critical}}]}]\n",
        ),
        (
            "dashboard.json",
            "{\"dashboard\": {\"uid\": \"x\", \"title\": \"X\", \"panels\": []}}\n",
        ),
        (
            "team/dashboard.json",
            "{\"dashboard\": {\"uid\": \"y\", \"title\": \"Y\", \"panels\": []}}\n",
        ),
        ("docker-compose.yml", "services: {web: {image: 'x:1'}}\n"),
    ];
    let text = adopted(
        &root,
        &files,
        &[
            "job web_app",
            "job Old App, in adopted/jobs.yml: the name of a service has letters, digits",
            "broken.yml:1: this is not valid PromQL",
            "rule_files names other.yml, of which no file was given",
            "docker-compose.yml: a compose file",
            "prometheus.yml: remote_write to https://store.example.org: its `queue_config`",
            "prometheus.yml: remote_write to https://two.example.org: a store has no `write_relabel_configs`",
            "what is inside of `dashboard` is kept, in adopted/dashboard.json",
            "what is inside of `dashboard` is kept, in adopted/team-dashboard.json",
            "Prometheus runs on it, without a container",
        ],
    );
    assert!(text.contains("runs_on = \"host\""), "{text}");
    let store = "remote_write = [{ url = \"https://store.example.org\" }]";
    assert!(text.contains(store), "{text}");
    assert!(text.contains("runtime = \"unknown\""), "{text}");
    fs::remove_dir_all(root).expect("removable");
}

/// Encryption and logins are a service's own, by files of this machine; a password in the configuration stays where it is.
#[test]
fn logins_are_adopted() {
    let root = folder("adopt-logins");
    let job = |name: &str, more: &str| {
        format!(
            "  - job_name: {name}\n    static_configs: [{{targets: ['{name}.example.org:8443']}}]\n{more}"
        )
    };
    let config = [
        "scrape_configs:\n".to_string(),
        job(
            "basic",
            "    basic_auth: {username: prom, password_file: passwords/basic}\n",
        ),
        job(
            "token",
            "    authorization: {credentials_file: /run/secrets/token}\n",
        ),
        job("old", "    bearer_token_file: /etc/prometheus/old-token\n"),
        job(
            "closed",
            "    scheme: https\n    tls_config: {ca_file: certs/ca.pem, cert_file: certs/own.pem, key_file: certs/own.key, server_name: closed.internal}\n",
        ),
        job(
            "tls-new",
            "    scheme: https\n    tls_config: {min_version: TLS13}\n",
        ),
        job(
            "inline",
            "    basic_auth: {username: prom, password: hunter2}\n",
        ),
        job(
            "digest",
            "    authorization: {type: Digest, credentials_file: x}\n",
        ),
    ];
    fs::create_dir_all(root.join("conf/passwords")).expect("writable");
    let text = adopted(
        &root,
        &[("conf/prometheus.yml", config.concat().as_str())],
        &[
            "job basic",
            "token: what its Prometheus reads as /run/secrets/token is read from secrets/token here",
            "old: what its Prometheus reads as /etc/prometheus/old-token is read from secrets/etc/prometheus/old-token here",
            "job tls-new, in adopted/jobs.yml: `tls` has no `min_version`",
            "job inline, in adopted/jobs.yml: its password or token stands in the configuration",
            "job digest, in adopted/jobs.yml: `auth` has no `type`",
        ],
    );
    for wanted in [
        r#"auth = { username = "prom", password_file = "conf/passwords/basic" }"#,
        r#"auth = { bearer_file = "secrets/token" }"#,
        r#"auth = { bearer_file = "secrets/etc/prometheus/old-token" }"#,
        r#"ca_file = "conf/certs/ca.pem""#,
        r#"server_name = "closed.internal""#,
    ] {
        assert!(text.contains(wanted), "{wanted} in {text}");
    }
    assert!(!text.contains("hunter2"), "{text}");
    fs::remove_dir_all(root).expect("removable");
}

/// Routes by a label are owners, others routes; secrets are files; nobody is told of anything else than before.
#[test]
fn who_is_told_is_adopted() {
    let root = folder("adopt-told");
    let config = r#"
global: {scrape_interval: 15s, external_labels: {region: eu}}
alerting: {alertmanagers: [{static_configs: [{targets: ['alertmanager:9093']}]}]}
scrape_configs:
  - job_name: cart
    static_configs: [{targets: ['cart.example.org:8000'], labels: {team: web}}]
  - job_name: till
    static_configs: [{targets: ['till.example.org:8000']}]
  - job_name: redis
    static_configs: [{targets: ['redis-exporter.example.org:9121']}]
"#;
    let rules = r#"
groups:
  - name: x
    rules:
      - {alert: CartGone, expr: 'up{job="cart"} == 0', for: 5m, labels: {severity: page}}
      - {alert: TillGone, expr: 'up{job="till"} == 0', for: 5m, labels: {severity: ticket}}
      - {alert: RedisDown, expr: redis_up == 0, for: 2m, labels: {severity: page, team: data}}
      - {alert: RedisSlow, expr: redis_connected_clients > 100, for: 2m, labels: {severity: ticket, team: data}}
"#;
    let told = r#"
global: {slack_api_url: 'https://hooks.example.org/T00/hunter2'}
route:
  receiver: Chat
  group_by: [alertname]
  group_wait: 10s
  routes:
    - match: {team: data}
      receiver: data
      routes:
        - match: {severity: page}
          receiver: data-page
    - matchers: ['team="web"']
      receiver: web
      mute_time_intervals: [nights]
    - match: {severity: page}
      receiver: pager
    - match: {severity: nobody-has-it}
      receiver: pager
receivers:
  - {name: Chat, slack_configs: [{channel: '#alerts', text: '{{ .CommonAnnotations.description }}'}]}
  - {name: pager, pagerduty_configs: [{routing_key: hunter3}]}
  - {name: data, slack_configs: [{channel: '#data', send_resolved: true}]}
  - {name: data-page, pagerduty_configs: [{routing_key: hunter4}]}
  - {name: web, webhook_configs: [{url: 'http://10.0.0.9:80/web'}]}
  - {name: old, slack_configs: [{channel: '#old'}]}
time_intervals:
  - name: nights
    time_intervals: [{times: [{start_time: '22:00', end_time: '24:00'}], location: Europe/Berlin}]
inhibit_rules:
  - {source_match: {severity: page}, target_match: {severity: ticket}, equal: [team, cluster]}
"#;
    let files = [
        ("prometheus.yml", config),
        ("rules.yml", rules),
        ("alertmanager.yml", told),
    ];
    let text = adopted(
        &root,
        &files,
        &[
            "became owners and routes:",
            "alerts by team data: owner data",
            "alerts by team web: owner web",
            "severity page: told to pager",
            "receiver Chat is called chat",
            "receiver chat: its text is monstack's in place of yours: when two alerts are sent as one",
            "notifications are told apart by alertname and job, where yours are by alertname",
            "secrets/alertmanager/slack-api_url holds what stands in your alertmanager.yml",
            "severities are taken to be as urgent as they stand here, the most urgent first: page, critical, ticket, warning",
            "receiver old: no route leads to it",
            "none of your alerts comes to it",
        ],
    );
    for wanted in [
        "[owners.data]\ncritical = \"data\"\npage = \"data-page\"",
        "[owners.web]\ndefault = \"web\"\nmute = { critical = [\"nights\"]",
        "page = \"pager\"",
        "labels = { team = \"web\" }, owner = \"web\" }",
        "group_wait = \"10s\"",
        "[severities]\npage = { urgency = 1 }",
        "equal = [\"team\"]",
    ] {
        assert!(text.contains(wanted), "{wanted}\n{text}");
    }
    assert!(
        !text.contains("hunter") && !text.contains("[extra]"),
        "{text}"
    );
    let secret = fs::read_to_string(root.join("secrets/alertmanager/pager-routing_key"));
    assert_eq!(secret.expect("written"), "hunter3");
    let monitoring = root.join("generated/monitoring");
    for (labels, wanted) in [
        (
            [
                "alertname=CartGone",
                "job=cart",
                "severity=page",
                "owner=web",
            ],
            "web",
        ),
        (
            [
                "alertname=TillGone",
                "job=till",
                "severity=ticket",
                "owner=",
            ],
            "chat",
        ),
        (
            [
                "alertname=RedisDown",
                "job=redis",
                "severity=page",
                "owner=data",
            ],
            "data-page",
        ),
        (
            [
                "alertname=RedisSlow",
                "job=redis",
                "severity=ticket",
                "owner=data",
            ],
            "data",
        ),
    ] {
        let asked = [
            "config",
            "routes",
            "test",
            "--config.file=alertmanager/alertmanager.yml",
        ];
        let (fine, said) = referee::judge("amtool", &[&asked[..], &labels].concat(), &monitoring);
        assert!(
            fine && said.lines().next() == Some(wanted),
            "{labels:?}: {said}"
        );
    }
    fs::remove_dir_all(root).expect("removable");
}

/// What no key says keeps its file, and why is said.
#[test]
fn routes_that_no_catalog_says_are_kept() {
    let root = folder("adopt-untold");
    let config = "scrape_configs:\n  - job_name: cart\n    static_configs: [{targets: ['cart.example.org:8000']}]\n";
    let rules = "groups:\n  - name: x\n    rules:\n      - {alert: CartGone, expr: 'up{job=\"cart\"} == 0', labels: {severity: critical}}\n";
    let told = "route: {receiver: chat}\nreceivers:\n  - name: chat\n    slack_configs: [{channel: '#a', api_url: 'http://10.0.0.9:80/x', http_config: {proxy_url: 'http://10.0.0.8:80'}}]\n";
    let files = [
        ("prometheus.yml", config),
        ("rules.yml", rules),
        ("alertmanager.yml", told),
    ];
    let text = adopted(
        &root,
        &files,
        &[
            "alertmanager.yml: 1 receiver, and their routes: receiver chat: `slack` of a catalog has no `proxy_url`",
        ],
    );
    assert!(
        text.contains("alertmanager = [\"alertmanager.yml\"]"),
        "{text}"
    );
    assert!(!root.join("secrets").exists());
    fs::remove_dir_all(root).expect("removable");
}

/// A set-up that is kept by hand: what a catalog can say becomes services, all else is kept.
#[test]
fn a_stack_is_adopted() {
    let root = folder("adopt");
    let own = referee::root().join("tests/cases/extra/own");
    for folder in ["rules", "tests", "dashboards", "templates", "targets"] {
        fs::create_dir_all(root.join("own").join(folder)).expect("writable");
        for entry in fs::read_dir(own.join(folder)).expect("a folder") {
            let path = entry.expect("an entry").path();
            let to = root
                .join("own")
                .join(folder)
                .join(path.file_name().expect("a name"));
            fs::copy(&path, to).expect("readable");
        }
    }
    let jobs = fs::read_to_string(own.join("jobs.yml")).expect("readable");
    let config = format!(
        "global: {{scrape_interval: 20s, external_labels: {{dc: a}}}}\nrule_files: ['rules/*.yml']\n{jobs}  - job_name: prometheus\n    static_configs: [{{targets: ['localhost:9090']}}]\n  - job_name: orders\n    static_configs: [{{targets: ['orders.example.org:8000']}}]\n"
    );
    fs::write(root.join("own/prometheus.yml"), config).expect("writable");
    fs::copy(
        own.join("alertmanager.yml"),
        root.join("own/alertmanager.yml"),
    )
    .expect("readable");
    let mut files = Vec::new();
    for pattern in ["", "rules", "tests", "dashboards", "templates", "targets"] {
        for entry in fs::read_dir(root.join("own").join(pattern)).expect("a folder") {
            let path = entry.expect("an entry").path();
            if path.is_file() {
                files.push(path.display().to_string());
            }
        }
    }
    let files: Vec<&str> = files.iter().map(String::as_str).collect();
    let ended = monstack(&root, &[&["adopt"], &*files].concat());
    assert_eq!(ended.code, 0, "{}{}", ended.stdout, ended.stderr);
    said(
        &ended,
        &[
            "job orders",
            "job rabbitmq",
            "  job mysql, with the profile mysql\n",
            "job prometheus: monstack scrapes its own prometheus",
            "own/alertmanager.yml: 5 receivers, and their routes",
        ],
    );
    let text = renders(&root);
    assert!(text.contains("scrape_interval = \"20s\""), "{text}");
    assert!(text.contains("[extra.jobs.\"redis\"]"), "{text}");
    assert!(text.contains("external_labels = { dc = \"a\" }"), "{text}");
    let monitoring = root.join("generated/monitoring");
    let (fine, said) = referee::judge(
        "amtool",
        &["check-config", "alertmanager/alertmanager.yml"],
        &monitoring,
    );
    assert!(fine, "{said}");
    let (fine, said) = referee::judge(
        "promtool",
        &["check", "config", "working_prometheus.yml"],
        &monitoring,
    );
    assert!(fine || said.contains("/run/secrets/"), "{said}");
    let elsewhere = monstack(
        &folder("adopt-elsewhere"),
        &[
            "adopt",
            &root.join("own/prometheus.yml").display().to_string(),
        ],
    );
    assert_eq!(elsewhere.code, 2, "{}", elsewhere.stderr);
    fs::remove_dir_all(root).expect("removable");
}
