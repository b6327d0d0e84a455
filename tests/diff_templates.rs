//! `diff` where the catalog stays and a template changes: every kind of file, what only reads otherwise, and revisions.

mod shop;

use monstack::value::Value;
use shop::{PLATFORM, folder, git};
use std::fs;
use std::path::Path;

/// Follows the platform.
const TABLES: &str = r##"[alertmanager.routes]
critical = "pager"
warning = "office"
[receivers.pager.pagerduty]
routing_key_file = "/etc/alertmanager/secrets/pagerduty"
[receivers.office.slack]
channel = "#alerts"
api_url_file = "/etc/alertmanager/secrets/slack"
[groups.web]
title = "Web"
[services.checkout]
group = "web"
port = 8001
health_path = "/healthz"
health_probe = true
[services.cart]
group = "web"
port = 8002
[alerts.HighErrorRate]
kind = "error_ratio"
above = 0.1
window = "5m"
for = "5m"
severity = "warning"
[alerts.ServiceDown]
kind = "down"
for = "5m"
severity = "critical"
[metrics.requests_total]
type = "counter"
help = "Requests"
[metrics.requests_total.labels]
status = "[1-5][0-9]{2}"
"##;

fn catalog() -> String {
    format!("{PLATFORM}{TABLES}")
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).expect("writable");
    for entry in fs::read_dir(from).expect("readable") {
        let path = entry.expect("an entry").path();
        let target = to.join(path.file_name().expect("a name"));
        if path.is_dir() {
            copy(&path, &target)
        } else {
            assert!(fs::copy(&path, &target).is_ok())
        }
    }
}

fn with_templates(root: &Path) {
    copy(
        &Path::new(env!("CARGO_MANIFEST_DIR")).join("templates"),
        &root.join("templates"),
    );
    fs::write(root.join("services.toml"), catalog()).expect("writable");
}

fn edit(root: &Path, template: &str, from: &str, to: &str) {
    let path = root.join("templates").join(template);
    let text = fs::read_to_string(&path).expect(template);
    assert!(text.contains(from), "{template} has no `{from}`");
    fs::write(&path, text.replacen(from, to, 1)).expect("writable");
}

/// Exit code, stdout, stderr.
fn diff(root: &Path, arguments: &[&str]) -> (i32, String, String) {
    let ended = shop::monstack(root, &[&["diff"], arguments].concat());
    (ended.code, ended.stdout, ended.stderr)
}

/// The changes, as class and message, from the templates as they are to those with one edit.
fn changes(template: &str, from: &str, to: &str) -> Vec<(String, String)> {
    let root = folder("edit");
    let (old, new) = (root.join("old"), root.join("new"));
    with_templates(&old);
    with_templates(&new);
    edit(&new, template, from, to);
    let (_, stdout, stderr) = diff(&new, &["../old", "--format", "json"]);
    let document: Value = serde_json::from_str(&stdout)
        .unwrap_or_else(|error| panic!("{template}: {error}: {stdout}{stderr}"));
    fs::remove_dir_all(root).expect("removable");
    let text = |value: &Value| value.as_str().unwrap_or_default().to_string();
    document["changes"]
        .as_array()
        .expect("changes")
        .iter()
        .map(|change| (text(&change["class"]), text(&change["message"])))
        .collect()
}

/// Template, what is written there, what replaces it, and the one change: its class and a part of its sentence.
const EDITS: &[(&str, &str, &str, &str, &str)] = &[
    (
        "kinds/error_ratio/condition.promql",
        "> << branch.above >>",
        "> 10 * << branch.above >>",
        "dangerous",
        "HighErrorRate: is looser",
    ),
    (
        "kinds/error_ratio/condition.promql",
        "> << branch.above >>",
        "> << branch.above >> / 2",
        "notice",
        "HighErrorRate: is tighter",
    ),
    (
        "kinds/error_ratio/annotations.yml",
        "summary: ",
        "other: one\n          summary: ",
        "safe",
        "`annotations.other` is new",
    ),
    (
        "monitoring/alert_rule.yml",
        "for: << alert.shortest_for | bare >>",
        "for: 40m",
        "dangerous",
        "fire 35m later",
    ),
    (
        "monitoring/alert_rule.yml",
        "severity: <<",
        "team: web\n          severity: <<",
        "warning",
        "`labels.team` is new",
    ),
    (
        "monitoring/alertmanager/alertmanager.yml",
        "group_wait: << alertmanager.group_wait | bare >>",
        "group_wait: 9h",
        "dangerous",
        "`group_wait` is 9h instead of 30s",
    ),
    (
        "monitoring/alertmanager/alertmanager.yml",
        "group_by: [alertname, job]",
        "group_by: [alertname]",
        "warning",
        "`group_by` is [alertname]",
    ),
    (
        "monitoring/alertmanager/alertmanager.yml",
        "send_resolved: << receiver.slack.send_resolved >>",
        "send_resolved: false",
        "warning",
        "receiver office: `slack_configs.0.send_resolved`",
    ),
    (
        "monitoring/alertmanager/alertmanager.yml",
        "default(\"null\")",
        "default(\"null\") | replace(\"pager\", \"office\")",
        "dangerous",
        "office instead of pager; by slack instead of pagerduty",
    ),
    (
        "monitoring/alertmanager/alertmanager.yml",
        "equal: [job]",
        "equal: []",
        "dangerous",
        "may be held back",
    ),
    (
        "monitoring/working_prometheus.yml",
        "global:\n",
        "global:\n  external_labels: {site: a}\n",
        "warning",
        "`external_labels` is new",
    ),
    (
        "monitoring/working_prometheus.yml",
        "    metrics_path: << service.path >>",
        "    metric_relabel_configs: [{action: labeldrop, regex: status}]\n    metrics_path: << service.path >>",
        "dangerous",
        "`metric_relabel_configs` is new",
    ),
    (
        "monitoring/working_prometheus.yml",
        "  - alert_rules.yml\n",
        "",
        "dangerous",
        "no longer has `alert_rules.yml`",
    ),
    (
        "monitoring/working_prometheus.yml",
        "  evaluation_interval: << prometheus.evaluation_interval | bare >>",
        "  evaluation_interval: 1h",
        "dangerous",
        "`evaluation_interval` is `1h`",
    ),
    (
        "docker-compose.monitoring.yml",
        "retention.time=\" ~ prometheus.retention",
        "retention.time=\" ~ \"1h\"",
        "dangerous",
        "samples are deleted for good",
    ),
    (
        "docker-compose.monitoring.yml",
        "- ./monitoring:/etc/prometheus:ro",
        "- ./monitoring:/etc/prometheus",
        "warning",
        "container prometheus: `volumes` has",
    ),
    (
        "monitoring/grafana/provisioning/datasources/prometheus.yml",
        "editable: false",
        "editable: true",
        "notice",
        "`editable` is `true`",
    ),
    (
        "monitoring/metrics.py",
        "import threading",
        "import threading\nimport random",
        "warning",
        "behaves differently: 1 line changed",
    ),
    (
        "monitoring/grafana/dashboards/rows/scrapes.yml",
        "topk(20,\n{% call(known) of_role(services, \"start\") %}",
        "topk(10,\n{% call(known) of_role(services, \"start\") %}",
        "notice",
        "panel \"Restarts\": asks `topk(10, changes(",
    ),
    (
        "kinds/error_ratio/panel.yml",
        "above=signal.above",
        "above=[0.7] if dashboard.name == \"service\" else signal.above",
        "notice",
        "panel \"Error ratio of requests\" in \"Requests and resources\": has the thresholds `green, red from 0.7` instead of `green, red from 0.1`",
    ),
    (
        "monitoring/grafana/dashboards/rows/scrapes.yml",
        r#"{% call timeseries(dashboard, key="service/scrape/samples", title="Samples per scrape",
    description="How many samples each instance gives; steady growth means that a label takes ever new values.",
    unit="short", min=0, legend="{{job}} {{instance}}") %}
topk(20, max by (job, instance) (scrape_samples_scraped{<< scraped >>}))
{% endcall %}
"#,
        "",
        "notice",
        "panel \"Samples per scrape\": is removed",
    ),
    (
        "monitoring/grafana/dashboards/rows/scrapes.yml",
        "{% do grid.spread((5 if probed else 3) + (told | length), 3, 7) %}",
        r#"{% do grid.spread((6 if probed else 4) + (told | length), 3, 7) %}
{% call timeseries(dashboard, key="service/busy", title="Busy", description="Cores.", unit="short", legend="all") %}
sum(rate(process_cpu_seconds_total{job=~"$job"}[$__rate_interval]))
{% endcall %}"#,
        "safe",
        "panel \"Busy\": is new",
    ),
    (
        "monitoring/blackbox/blackbox.yml",
        "    prober: http\n",
        "    prober: http\n    timeout: 3s\n",
        "warning",
        "module health: gives up after 3s instead of when the scrape times out",
    ),
    (
        "monitoring/blackbox/blackbox.yml",
        "      method: GET\n",
        "      method: GET\n      valid_status_codes: [200]\n",
        "warning",
        "module health: takes 200 as healthy instead of any 2xx; other answers are failures",
    ),
    (
        "monitoring/blackbox/blackbox.yml",
        "      method: GET\n",
        "      method: GET\n      valid_status_codes: [200, 404]\n",
        "dangerous",
        "module health: takes 200 and 404 as healthy instead of any 2xx",
    ),
    (
        "monitoring/blackbox/blackbox.yml",
        "      method: GET\n",
        "      method: HEAD\n",
        "warning",
        "module health: `http.method` is `HEAD` instead of `GET`",
    ),
    (
        "docker-compose.monitoring.yml",
        "- << compose.monitoring_address ~ \":\" ~ grafana.port",
        "- << \"0.0.0.0:\" ~ grafana.port",
        "warning",
        "container grafana: `ports` has `0.0.0.0:3000:3000` instead of `127.0.0.1:3000:3000`",
    ),
    (
        "docker-compose.monitoring.yml",
        "networks: [monitoring]\n",
        "networks: [monitoring, services]\n",
        "warning",
        "container grafana: `networks` also has `services`",
    ),
    (
        "docker-compose.monitoring.yml",
        "      - --web.cors.origin=\n",
        "",
        "warning",
        "container prometheus: no longer runs with `--web.cors.origin=`",
    ),
    (
        "docker-compose.monitoring.yml",
        "      - --web.route-prefix=/\n",
        "      - --web.route-prefix=/\n      - --web.enable-lifecycle\n",
        "warning",
        "container prometheus: also runs with `--web.enable-lifecycle`",
    ),
    (
        "docker-compose.monitoring.yml",
        "--web.route-prefix=/",
        "--web.route-prefix=/p",
        "warning",
        "container prometheus: runs with `--web.route-prefix=/p` instead of `--web.route-prefix=/`",
    ),
    (
        "docker-compose.monitoring.yml",
        "memory: << prometheus.memory_limit | compose_size >>",
        "memory: 64m",
        "warning",
        "container prometheus: `deploy.resources.limits.memory` is `64m` instead of `2g`",
    ),
    (
        "docker-compose.monitoring.yml",
        "memory: << prometheus.memory_limit | compose_size >>",
        "memory: 64g",
        "notice",
        "container prometheus: `deploy.resources.limits.memory` is `64g` instead of `2g`",
    ),
    (
        "docker-compose.monitoring.yml",
        "          memory: << prometheus.memory_limit | compose_size >>\n",
        "",
        "warning",
        "`deploy.resources.limits.memory` is removed: it was `2g`",
    ),
    (
        "docker-compose.monitoring.yml",
        "user: \"65534:65534\"",
        "user: \"0:0\"",
        "warning",
        "container prometheus: `user` is `0:0` instead of `65534:65534`",
    ),
    (
        "docker-compose.monitoring.yml",
        "image: << grafana.image >>",
        "image: << grafana.image ~ \"-ubuntu\" >>",
        "notice",
        "container grafana: `image` is `",
    ),
    (
        "docker-compose.monitoring.yml",
        "    cap_drop: [ALL]\n",
        "",
        "warning",
        "container prometheus: `cap_drop` is removed",
    ),
    (
        "monitoring/recording_rules.yml",
        "expr: vector(1)",
        "expr: vector(2)",
        "dangerous",
        "record something else: `vector(2)` instead of `vector(1)`; ServiceDown reads it",
    ),
    (
        "monitoring/recording_rules.yml",
        "<< limit.value >> * job",
        "2 * << limit.value >> * job",
        "warning",
        "recording rule job:shop_memory_limit_bytes:catalog: records something else: `2 * ",
    ),
    (
        "monitoring/working_prometheus.yml",
        "    scrape_interval: << service.scrape_interval | bare >>",
        "    scrape_interval: 1m",
        "warning",
        "jobs checkout and cart: `scrape_interval` is `1m` instead of `10s`",
    ),
    (
        "monitoring/working_prometheus.yml",
        "  scrape_interval: << prometheus.scrape_interval | bare >>",
        "  scrape_interval: 1m",
        "warning",
        "global: `scrape_interval` is `1m` instead of `15s`",
    ),
    (
        "monitoring/alertmanager/alertmanager.yml",
        "inhibit_rules:\n",
        "inhibit_rules:\n  - source_matchers: ['severity=\"critical\"']\n    target_matchers: ['severity=\"warning\"']\n    equal: [job]\n",
        "dangerous",
        "inhibition by severity=\"critical\": is new: while such an alert fires, those with the same job that match severity=\"warning\" are held back",
    ),
    (
        "monitoring/alertmanager/alertmanager.yml",
        "    equal: [job]\n",
        "    equal: [job, instance]\n",
        "notice",
        "`equal` also has `instance`; it holds less back",
    ),
    (
        "monitoring/alertmanager/alertmanager.yml",
        "{% for name in receivers %}",
        "{% for name in receivers if name != \"pager\" %}",
        "dangerous",
        "receiver pager: is removed, and was in use",
    ),
    (
        "monitoring/alertmanager/alertmanager.yml",
        "  - name: \"null\"\n",
        "  - name: \"null\"\n  - name: spare\n",
        "safe",
        "receiver spare: is new",
    ),
    (
        "docs/RUNBOOK.md",
        "\n",
        " of yesterday\n",
        "safe",
        "docs/RUNBOOK.md is worded differently",
    ),
];

#[test]
fn a_change_of_a_template_is_one_change_in_its_own_words() {
    for (template, from, to, class, sentence) in EDITS {
        let found = changes(template, from, to);
        assert!(
            matches!(found.as_slice(), [(word, message)] if word == class && message.contains(sentence)),
            "{template}: `{to}`: {found:#?}"
        );
    }
}

#[test]
fn what_means_the_same_changes_nothing() {
    for (template, from, to) in [
        (
            "kinds/error_ratio/condition.promql",
            "> << branch.above >>",
            ">   (<< branch.above >>)",
        ),
        (
            "monitoring/alertmanager/alertmanager.yml",
            "group_by: [alertname, job]",
            "group_by: [job, alertname] # either way",
        ),
        (
            "monitoring/alert_rule.yml",
            "for: << alert.shortest_for | bare >>",
            "for: 300s",
        ),
        (
            "monitoring/working_prometheus.yml",
            "global:\n",
            "# a comment\nglobal:\n",
        ),
        (
            "monitoring/metrics.py",
            "import threading",
            "# threads\nimport threading",
        ),
        (
            "docker-compose.monitoring.yml",
            "cap_drop: [ALL]\n",
            "cap_drop: [\"ALL\"]\n",
        ),
    ] {
        assert_eq!(changes(template, from, to), [], "{template}: {to}");
    }
}

#[test]
fn a_revision_is_rendered_with_its_own_templates_and_leaves_nothing_behind() {
    let root = folder("revision");
    let stack = root.join("stack");
    with_templates(&stack);
    let git = |arguments: &[&str]| git(&root, arguments);
    git(&["init", "-q"]);
    git(&["add", "."]);
    git(&["commit", "-q", "-m", "one"]);
    assert_eq!(
        diff(&stack, &[]),
        (
            0,
            "nothing changes in behaviour against HEAD\n".to_string(),
            String::new()
        )
    );
    edit(
        &stack,
        "monitoring/alertmanager/alertmanager.yml",
        "group_wait: << alertmanager.group_wait | bare >>",
        "group_wait: 9h",
    );
    let before = fs::read_dir(&stack).expect("readable").count();
    for (place, arguments) in [
        (&stack, vec!["HEAD"]),
        (&root, vec!["HEAD", "--root", "stack"]),
    ] {
        let (code, stdout, stderr) = diff(place, &arguments);
        assert!(
            code == 1 && stderr.contains("late-notification") && stdout.contains("`group_wait` is 9h instead of 30s  templates/monitoring/alertmanager/alertmanager.yml:"),
            "{stdout}{stderr}"
        );
    }
    assert_eq!(fs::read_dir(&stack).expect("readable").count(), before);
    // A revision without templates has those of the binary, which the ones here are copied from.
    git(&["rm", "-q", "-r", "--cached", "stack/templates"]);
    git(&["commit", "-q", "-m", "two"]);
    let (code, stdout, _) = diff(&stack, &["HEAD"]);
    assert!(
        code == 1 && stdout.ends_with("against HEAD: 1 dangerous, 0 warnings, 0 notices, 0 safe\n"),
        "{stdout}"
    );
    fs::remove_dir_all(root).expect("removable");
}

#[test]
fn a_catalog_and_templates_that_change_at_once_are_distinguished() {
    let root = folder("both");
    let (old, new) = (root.join("old"), root.join("new"));
    with_templates(&old);
    with_templates(&new);
    fs::write(
        new.join("services.toml"),
        catalog().replacen("for = \"5m\"", "for = \"30m\"", 1),
    )
    .expect("writable");
    edit(
        &new,
        "docker-compose.monitoring.yml",
        "- ./monitoring:/etc/prometheus:ro",
        "- ./monitoring:/etc/prometheus",
    );
    let (code, stdout, stderr) = diff(&new, &["../old"]);
    assert!(
        code == 1
            && stdout.contains("HighErrorRate fires 25m later")
            && stdout.contains("container prometheus: `volumes`"),
        "{stdout}{stderr}"
    );
    assert!(
        stdout.ends_with("against ../old: 1 dangerous, 1 warning, 0 notices, 0 safe\n"),
        "{stdout}"
    );
    fs::remove_dir_all(root).expect("removable");
}

#[test]
fn a_new_side_that_is_not_proved_is_said_first_and_never_called_unchanged() {
    let root = folder("unproved");
    let (old, new) = (root.join("old"), root.join("new"));
    with_templates(&old);
    with_templates(&new);
    edit(
        &new,
        "kinds/error_ratio/condition.promql",
        "<< branch.signal | bare >>",
        "shop_misspelt",
    );
    let (code, stdout, stderr) = diff(&new, &["../old"]);
    assert!(
        code == 1
            && stderr.contains("error[unknown-metric]")
            && stderr.contains("templates/kinds/error_ratio/condition.promql"),
        "{stderr}"
    );
    assert!(
        stdout.starts_with("services.toml is not proved: "),
        "{stdout}"
    );
    edit(
        &new,
        "monitoring/alert_rules.yml",
        "groups:",
        "groups: << nothing.there >>",
    );
    let (code, stdout, stderr) = diff(&new, &["../old"]);
    assert!(
        code == 1 && stderr.contains("error[template]") && !stdout.contains("nothing changes"),
        "{stdout}{stderr}"
    );
    fs::remove_dir_all(root).expect("removable");
}

#[test]
fn a_base_that_does_not_load_today_is_said_and_compared_as_far_as_it_goes() {
    let root = folder("older");
    with_templates(&root);
    fs::write(
        root.join("before.toml"),
        catalog().replace("port = 8001", "port = 8003\nflavour = \"sweet\""),
    )
    .expect("writable");
    let (code, stdout, stderr) = diff(&root, &["before.toml"]);
    assert!(
        code == 1 && stderr.contains("unknown key `flavour`") && stderr.contains("before.toml"),
        "{stderr}"
    );
    assert!(
        stdout.starts_with("before.toml does not load today (1 error)")
            && stdout.contains("the address of checkout"),
        "{stdout}"
    );
    fs::remove_dir_all(root).expect("removable");
}
