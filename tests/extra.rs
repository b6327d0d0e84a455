//! The user's own files of `[extra]`: the servers read what is placed, own alerts go where the own file sends them, and `diff`
//! says what changes in them.

mod referee;
mod shop;

use referee::judge;
use shop::{Ended, folder, git};
use std::fs;
use std::path::{Path, PathBuf};

fn copied(from: &Path, to: &Path) {
    fs::create_dir_all(to).expect("writable");
    for entry in fs::read_dir(from).expect("a folder") {
        let path = entry.expect("an entry").path();
        let to = to.join(path.file_name().expect("a name"));
        match path.is_dir() {
            true => copied(&path, &to),
            false => drop(fs::copy(&path, &to).expect("readable")),
        }
    }
}

/// The case as somebody would keep it.
fn case(name: &str) -> PathBuf {
    let root = folder(name);
    let case = referee::root().join("tests/cases/extra");
    fs::copy(case.join("services.toml"), root.join("services.toml")).expect("readable");
    copied(&case.join("own"), &root.join("own"));
    root
}

fn monstack(root: &Path, arguments: &[&str]) -> Ended {
    shop::monstack(root, arguments)
}

fn changed(root: &Path, file: &str, was: &str, is: &str) {
    let path = root.join(file);
    let text = fs::read_to_string(&path).expect("readable");
    assert!(text.contains(was), "{file} has no {was}");
    fs::write(path, text.replace(was, is)).expect("writable");
}

/// 9 jobs, 25 rules, 5 receivers and 4 dashboards.
#[test]
fn the_servers_read_what_is_placed() {
    let root = case("extra-placed");
    let ended = monstack(&root, &["render"]);
    assert_eq!(ended.code, 0, "{}", ended.stderr);
    let monitoring = root.join("generated/monitoring");
    let config = fs::read_to_string(monitoring.join("working_prometheus.yml")).expect("rendered");
    for job in [
        "node",
        "mysql",
        "cadvisor",
        "blackbox",
        "pods",
        "workers",
        "pushgateway",
        "redis",
        "rabbitmq",
    ] {
        assert!(config.contains(&format!("job_name: \"{job}\"")), "{job}");
    }
    let judged = [
        (
            "promtool",
            vec!["check", "config", "working_prometheus.yml"],
        ),
        (
            "promtool",
            vec![
                "check",
                "rules",
                "extra/own/rules/node.yml",
                "extra/own/rules/mysql.yml",
                "extra/own/rules/others.yml",
            ],
        ),
        (
            "promtool",
            vec!["test", "rules", "extra/own/tests/mysql_test.yml"],
        ),
        (
            "amtool",
            vec!["check-config", "alertmanager/alertmanager.yml"],
        ),
    ];
    for (program, arguments) in judged {
        // What is not on this machine is a secret: Prometheus looks for it where its container has it.
        let (fine, said) = judge(program, &arguments, &monitoring);
        let missing = said.contains("/run/secrets/");
        assert!(fine || missing, "{program} {arguments:?}: {said}");
        if program == "promtool" && arguments[0] == "check" && arguments[1] == "rules" {
            assert!(
                said.contains("25 rules") || said.matches("SUCCESS").count() == 3,
                "{said}"
            );
        }
    }
    let dashboards = monitoring.join("grafana/dashboards/extra/own/dashboards");
    let node = fs::read_to_string(dashboards.join("node.json")).expect("placed");
    assert!(
        !node.contains("DS_PROMETHEUS") && !node.contains("__inputs"),
        "{node}"
    );
    assert_eq!(fs::read_dir(dashboards).expect("placed").count(), 4);
    let again = monstack(&root, &["render", "--check"]);
    assert_eq!(again.code, 0, "{}", again.stdout);
    fs::remove_dir_all(root).expect("removable");
}

/// The receivers, without what amtool warns of.
fn named(said: &str) -> String {
    let lines = said.lines().filter(|line| !line.starts_with("Warning"));
    lines.collect::<Vec<_>>().join("\n").trim().to_string()
}

/// amtool sends the alerts of the own rules to the same receivers by the user's file and by what is rendered.
#[test]
fn own_alerts_go_where_the_own_file_sends_them() {
    let root = case("extra-routed");
    assert_eq!(monstack(&root, &["render"]).code, 0);
    for labels in [
        vec!["alertname=HostHighCpuLoad", "severity=warning"],
        vec!["alertname=InstanceDown", "severity=page"],
        vec!["alertname=Watchdog", "severity=none"],
        vec!["alertname=MysqlDown", "severity=critical", "team=db"],
        vec![
            "alertname=MysqlTooManyConnections(>80%)",
            "severity=warning",
            "team=db",
        ],
        vec!["alertname=MysqlRestarted", "severity=info", "team=db"],
    ] {
        let sent = |config: &str| {
            let arguments = ["config", "routes", "test", "--config.file", config];
            let (fine, said) = judge("amtool", &[&arguments, &*labels].concat(), &root);
            assert!(fine, "{said}");
            named(&said)
        };
        let own = sent("own/alertmanager.yml");
        assert_eq!(
            own,
            sent("generated/monitoring/alertmanager/alertmanager.yml"),
            "{labels:?}"
        );
    }
    // And an alert of the catalog goes where the catalog says.
    let arguments = ["config", "routes", "test", "--config.file"];
    let config = "generated/monitoring/alertmanager/alertmanager.yml";
    let labels = ["alertname=ServiceDown", "severity=critical", "job=checkout"];
    let (_, said) = judge(
        "amtool",
        &[&arguments[..], &[config], &labels].concat(),
        &root,
    );
    assert_eq!(named(&said), "pager");
    fs::remove_dir_all(root).expect("removable");
}

#[test]
fn what_changes_in_own_files_is_told() {
    let root = case("extra-diff");
    git(&root, &["init", "-q"]);
    git(&root, &["add", "."]);
    git(&root, &["commit", "-q", "-m", "as it is"]);
    let same = monstack(&root, &["diff"]);
    assert!(
        same.code == 0 && same.stdout.contains("nothing changes"),
        "{}{}",
        same.stdout,
        same.stderr
    );
    changed(
        &root,
        "own/rules/node.yml",
        "* 100 < 10\n        for: 2m",
        "* 100 < 5\n        for: 2m",
    );
    changed(
        &root,
        "own/jobs.yml",
        "redis.example.org:9121",
        "cache.example.org:9121",
    );
    changed(
        &root,
        "own/alertmanager.yml",
        "dba@example.org",
        "data@example.org",
    );
    changed(
        &root,
        "own/dashboards/redis.json",
        "redis_requests_total[5m]",
        "redis_requests_total[15m]",
    );
    let told = monstack(&root, &["diff"]);
    for wanted in [
        "alert HostOutOfMemory",
        "job redis",
        "receiver dba",
        "panel \"Requests\"",
        "own/rules/node.yml:",
    ] {
        assert!(
            told.stdout.contains(wanted),
            "{wanted}: {}{}",
            told.stdout,
            told.stderr
        );
    }
    changed(
        &root,
        "services.toml",
        "rules = [\"own/rules/*.yml\"]",
        "rules = [\"own/rules/[no]*.yml\"]",
    );
    let refused = monstack(&root, &["render"]);
    assert_eq!(refused.code, 1, "{}", refused.stdout);
    changed(
        &root,
        "services.toml",
        "own/rules/[no]*.yml",
        "own/rules/node.yml",
    );
    changed(
        &root,
        "services.toml",
        "tests = [\"own/tests/*.yml\"]\n",
        "",
    );
    let gone = monstack(&root, &["diff"]);
    assert!(
        gone.code == 1
            && gone
                .stdout
                .contains("own rule files are no longer taken from own/rules/*.yml"),
        "{}{}",
        gone.stdout,
        gone.stderr
    );
    fs::remove_dir_all(root).expect("removable");
}

/// As long as a job may expose anything, a metric that nobody knows is no error; one that is nearly called as one that is known
/// is worth a look.
#[test]
fn a_metric_of_an_unknown_job_is_no_mistake() {
    let root = case("extra-unknown");
    changed(
        &root,
        "own/rules/node.yml",
        "node_memory_MemAvailable_bytes",
        "node_memory_MemAvailabl_bytes",
    );
    let open = monstack(&root, &["render"]);
    assert!(
        open.code == 0 && open.stderr.contains("warning[unknown-metric]"),
        "{}",
        open.stderr
    );
    fs::write(
        root.join("own/jobs.yml"),
        "scrape_configs:\n  - job_name: node\n    static_configs: [{targets: ['node1.example.org:9100']}]\n",
    )
    .expect("writable");
    let services = root.join("services.toml");
    let text = fs::read_to_string(&services).expect("readable");
    let text = text
        .replace(
            "files = [\"own/targets/*.json\", \"own/templates/*.tmpl\"]",
            "files = [\"own/templates/*.tmpl\"]",
        )
        .replace("own/rules/*.yml", "own/rules/node.yml")
        .replace("tests = [\"own/tests/*.yml\"]\n", "")
        .replace("own/dashboards/*.json", "own/dashboards/node.json");
    fs::write(
        &services,
        text + "[metrics.orders_total]\ntype = \"counter\"\nhelp = \"Orders\"\n",
    )
    .expect("writable");
    let closed = monstack(&root, &["render"]);
    assert!(
        closed.code == 1
            && closed
                .stderr
                .contains("error[unknown-metric]: nobody emits `node_memory_MemAvailabl_bytes`")
            && closed.stderr.contains("own/rules/node.yml:16"),
        "{}{}",
        closed.stdout,
        closed.stderr
    );
    fs::remove_dir_all(root).expect("removable");
}

/// An experimental function is one of a Prometheus that is started with it.
#[test]
fn an_experimental_function_needs_its_flag() {
    let root = case("extra-experimental");
    changed(
        &root,
        "own/rules/node.yml",
        "groups:\n",
        "groups:\n  - name: spread\n    rules: [{record: node:load:mad, expr: 'mad_over_time(node_load1[1h])'}]\n",
    );
    let without = monstack(&root, &["render"]);
    let said = "error[unenabled-function]: `mad_over_time` is experimental";
    assert!(
        without.code == 1 && without.stderr.contains(said),
        "{}",
        without.stderr
    );
    let template = "templates/docker-compose.monitoring.yml";
    fs::create_dir_all(root.join("templates")).expect("writable");
    fs::copy(referee::root().join(template), root.join(template)).expect("readable");
    let flag = "      - --web.cors.origin=\n";
    let with = "      - --enable-feature=otlp-deltatocumulative,promql-experimental-functions\n";
    changed(&root, template, flag, &format!("{flag}{with}"));
    let enabled = monstack(&root, &["render"]);
    assert!(
        enabled.code == 0 && !enabled.stderr.contains("unenabled-function"),
        "{}",
        enabled.stderr
    );
    fs::remove_dir_all(root).expect("removable");
}

/// A file that a hand has edited where it is placed is found, and the proofs look at it there.
#[test]
fn a_placed_file_is_not_edited() {
    let root = case("extra-edited");
    assert_eq!(monstack(&root, &["render"]).code, 0);
    changed(
        &root,
        "generated/monitoring/extra/own/rules/node.yml",
        "> 0.8",
        "> 0.9",
    );
    let stale = monstack(&root, &["render", "--check"]);
    assert!(
        stale.code == 1
            && stale
                .stdout
                .contains("generated/monitoring/extra/own/rules/node.yml"),
        "{}",
        stale.stdout
    );
    assert_eq!(monstack(&root, &["prove"]).code, 0);
    changed(
        &root,
        "generated/monitoring/extra/own/rules/node.yml",
        "expr: vector(1)",
        "expr: vector(1",
    );
    let broken = monstack(&root, &["prove"]);
    assert!(
        broken.code == 1 && broken.stderr.contains("error[invalid-promql]"),
        "{}{}",
        broken.stdout,
        broken.stderr
    );
    fs::remove_dir_all(root).expect("removable");
}
