//! `declare`: from what a service exposes to a proved catalog, from files, from standard input, and from real servers.

#[path = "../ports/mod.rs"]
mod ports;
#[path = "../referee/mod.rs"]
mod referee;

use std::fs;
use std::io::Write;
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

/// Two services and an alert; what stands behind it is kept.
const CATALOG: &str = r#"# the shop
[platform]
name = "Shop"
slug = "shop"
runbook_url = "https://git.example.org/RUNBOOK.md"

[groups.web]
title = "Web"

[services.checkout]
group = "web"
port = 8001
runtime = "go"

[services.search]
group = "web"
port = 8002

[alertmanager]
allow = [{ check = "no-one-notified", reason = "The shop is closed at night" }]

[alerts.ServiceDown]
kind = "down"
for = "5m"
severity = "critical"
"#;

struct Run {
    code: Option<i32>,
    out: String,
    err: String,
}

impl From<Output> for Run {
    fn from(output: Output) -> Run {
        let text = |bytes: Vec<u8>| String::from_utf8(bytes).expect("output is UTF-8");
        Run {
            code: output.status.code(),
            out: text(output.stdout),
            err: text(output.stderr),
        }
    }
}

fn monstack(root: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_monstack"));
    command.args(arguments).arg("--root").arg(root);
    command.env_remove("CARGO").env_remove("PROMETHEUS_URL");
    command
}

fn run(root: &Path, arguments: &[&str]) -> Run {
    let output = monstack(root, arguments).output();
    output.expect("monstack starts").into()
}

/// The same, with a text on its standard input.
fn reading(root: &Path, arguments: &[&str], text: &str) -> Run {
    let mut child = monstack(root, arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("monstack starts");
    let mut input = child.stdin.take().unwrap();
    // One that refuses to read says so itself.
    let _ = input.write_all(text.as_bytes());
    drop(input);
    child.wait_with_output().unwrap().into()
}

fn root(name: &str, catalog: &str) -> PathBuf {
    let folder = referee::folder(&format!("declare-{name}"));
    fs::write(folder.join("services.toml"), catalog).unwrap();
    folder
}

fn catalog(root: &Path) -> String {
    fs::read_to_string(root.join("services.toml")).unwrap()
}

fn exposition(name: &str) -> String {
    let path = referee::root().join("tests/declare").join(name);
    path.to_string_lossy().into_owned()
}

/// What was declared holds: it is rendered already, promtool agrees, and a second run has nothing to add.
fn settled(root: &Path, again: &[&str]) -> Run {
    let before = catalog(root);
    let check = run(root, &["render", "--check"]);
    assert_eq!(check.code, Some(0), "{}{}", check.out, check.err);
    let monitoring = root.join("generated/monitoring");
    for rules in ["alert_rules.yml", "recording_rules.yml", "signal_rules.yml"] {
        let (sound, said) = referee::judge("promtool", &["check", "rules", rules], &monitoring);
        assert!(sound, "{rules}: {said}");
    }
    let second = run(root, again);
    assert_eq!(second.code, Some(0), "{}", second.err);
    assert!(
        second.out.starts_with("nothing to declare\n"),
        "{}",
        second.out
    );
    assert_eq!(catalog(root), before);
    second
}

#[test]
fn a_go_service_is_declared_whole() {
    let folder = root("go", CATALOG);
    let from = exposition("go.prom");
    let arguments = ["declare", from.as_str(), "--service", "checkout"];
    let first = run(&folder, &arguments);
    assert_eq!(first.code, Some(0), "{}", first.err);
    let expected = r#"
[metrics.http_requests_total]
type = "counter"
help = "Requests by handler, method and code."
labels = { code = "[1-5][0-9]{2}", handler = ".+", method = "[A-Z]+" }
services = ["checkout"]

[metrics.http_request_duration_seconds]
type = "histogram"
help = "Time to answer."
labels = { handler = ".+" }
buckets = [0.005, 0.1, 2.5, 10]
services = ["checkout"]

[metrics.http_requests_in_flight]
type = "gauge"
help = "Requests that are being answered."
services = ["checkout"]

[metrics.payment_call_seconds]
type = "summary"
help = "Time that the payment provider takes."
labels = { outcome = ".+" }
quantiles = [0.5, 0.99]
services = ["checkout"]

[metrics.orders_events_total]
type = "counter"
help = "Events of orders."
labels = { topic = ".+" }
services = ["checkout"]

[metrics.cart_depth]
type = "gauge"
help = "Cart depth"
services = ["checkout"]
"#;
    assert_eq!(catalog(&folder), format!("{CATALOG}{expected}"));
    for said in [
        "declared 6 metrics in services.toml: 2 counters, 2 gauges, 1 histogram, 1 summary\n",
        "known: 4 metrics, exposed by a runtime or a profile of the service\n",
        "without a type, so taken for gauges, or for counters where the name ends in _total: cart_depth\n",
        "handler of http_request_duration_seconds, topic of orders_events_total\n",
        "run this again: refunds_total\n",
    ] {
        assert!(first.out.contains(said), "{said}: {}", first.out);
    }
    settled(&folder, &arguments);
    // The same from a second service makes no second table.
    let search = run(&folder, &["declare", &from, "--service", "search"]);
    assert!(
        search
            .out
            .contains("6 metrics declared before, from more services now")
            && search
                .out
                .contains("add `runtime = \"go\"` to [services.search]"),
        "{}{}",
        search.out,
        search.err
    );
    assert_eq!(
        catalog(&folder),
        format!("{CATALOG}{expected}").replace("[\"checkout\"]", "[\"checkout\", \"search\"]")
    );
}

/// A JVM with Micrometer's names comes in through a pipe; its summaries have no quantiles.
#[test]
fn a_jvm_is_declared_from_standard_input() {
    let folder = root("jvm", CATALOG);
    let text = fs::read_to_string(exposition("jvm.prom")).unwrap();
    let first = reading(&folder, &["declare", "-", "--service", "search"], &text);
    assert_eq!(first.code, Some(0), "{}", first.err);
    for advice in [
        "add `runtime = \"java\"` to [services.search]: it explains 10 metrics of search, so that they are not declared",
        "add `profiles = [\"logback\"]` to [services.search]: it explains 1 metric of search, so that it is not declared",
    ] {
        assert!(first.out.contains(advice), "{}", first.out);
    }
    let declared = catalog(&folder);
    let table = "labels = { client_id = \".+\", kafka_version = \".+\", partition = \"[0-9]+\", topic = \".+\" }\n";
    assert!(declared.contains(table), "{declared}");
    for explained in ["[metrics.jvm_", "[metrics.logback_"] {
        assert!(!declared.contains(explained), "{declared}");
    }
    assert!(!declared.contains("http_server_requests"), "{declared}");
    settled(
        &folder,
        &["declare", &exposition("jvm.prom"), "--service", "search"],
    );
}

/// Metrics that stand in lines are added as lines, those in one inline table there, and a part gets what its services expose.
#[test]
fn what_is_written_is_kept() {
    let text = "# TYPE shop_jobs_total counter\nshop_jobs_total 1\n# TYPE depth gauge\ndepth{shard=\"a\"} 1\n";
    let prefixed = CATALOG.replace(
        "slug = \"shop\"\n",
        "slug = \"shop\"\nmetric_prefix = \"shop\"\n",
    );
    let old = "waits = { type = \"gauge\", help = \"Waits\", services = [\"search\"] }";
    let jobs = "{ type = \"counter\", help = \"Shop jobs total\", services = [\"checkout\"] }";
    let depth = "{ name = \"depth\", type = \"gauge\", help = \"Depth\", labels = { shard = \".+\" }, services = [\"checkout\"] }";
    let lines = prefixed.replace(
        "[alertmanager]",
        &format!("[metrics] # ours\n{old} # known\n\n[alertmanager]"),
    );
    let inline = format!("metrics = {{ {old} }} # ours\n{prefixed}");
    let cases = [
        (
            "lines",
            lines.clone(),
            lines.replace(
                "# known\n",
                &format!("# known\njobs_total = {jobs}\ndepth = {depth}\n"),
            ),
        ),
        (
            "crlf",
            lines.replace('\n', "\r\n"),
            lines
                .replace(
                    "# known\n",
                    &format!("# known\njobs_total = {jobs}\ndepth = {depth}\n"),
                )
                .replace('\n', "\r\n"),
        ),
        (
            "inline",
            inline.clone(),
            inline.replace(
                " } # ours",
                &format!(", jobs_total = {jobs}, depth = {depth} }} # ours"),
            ),
        ),
    ];
    for (name, before, after) in cases {
        let folder = root(name, &before);
        let declared = reading(&folder, &["declare", "-", "--service", "checkout"], text);
        assert_eq!(declared.code, Some(0), "{name}: {}", declared.err);
        assert_eq!(catalog(&folder), after, "{name}");
    }
    let (whole, part) = prefixed.split_once("[services.search]").unwrap();
    let (service, rest) = part.split_once("\n\n").unwrap();
    let folder = root("part", &format!("{whole}{rest}"));
    fs::create_dir(folder.join("services.d")).unwrap();
    let path = folder.join("services.d/search.toml");
    fs::write(&path, format!("[services.search]{service}\n# note on it\n")).unwrap();
    let before = catalog(&folder);
    let declared = reading(&folder, &["declare", "-", "--service", "search"], text);
    assert_eq!(declared.code, Some(0), "{}", declared.err);
    assert_eq!(catalog(&folder), before);
    let part = fs::read_to_string(path).unwrap();
    assert!(
        part.starts_with("[services.search]\ngroup = \"web\"\nport = 8002\n# note on it\n\n[metrics.jobs_total]\n"),
        "{part}"
    );
}

#[test]
fn what_cannot_be_read_is_said_and_nothing_is_written() {
    let folder = root("wrong", CATALOG);
    let cases: [(&[&str], &str, i32, &str); 7] = [
        (
            &["declare", "-", "--service", "search"],
            "<html>\n",
            1,
            "unreadable-exposition",
        ),
        (
            &["declare", "-", "--service", "search"],
            "# TYPE a gauge\n",
            2,
            "there is not one sample",
        ),
        (
            &["declare", "-"],
            "a 1\n",
            2,
            "name the service with --service",
        ),
        (&["declare"], "", 2, "nothing says what to read"),
        (
            &["declare", "-", "--service", "serch"],
            "a 1\n",
            2,
            "`search`",
        ),
        (
            &["declare", "none.prom", "--service", "search"],
            "",
            2,
            "cannot read none.prom",
        ),
        (
            &["declare", "http://me:secret@h/m", "--service", "search"],
            "",
            2,
            "an address with a password",
        ),
    ];
    for (arguments, text, code, said) in cases {
        let wrong = reading(&folder, arguments, text);
        assert_eq!(wrong.code, Some(code), "{said}: {}", wrong.err);
        assert!(wrong.err.contains(said), "{said}: {}", wrong.err);
        assert!(!folder.join("generated").exists(), "{said}");
    }
    assert_eq!(catalog(&folder), CATALOG);
    // Two metrics whose samples have one name cannot both be in a catalog: the proofs refuse that, and the file stays.
    let twice = "# TYPE wait histogram\nwait_bucket{le=\"1\"} 1\nwait_bucket{le=\"+Inf\"} 1\nwait_sum 1\nwait_count 1\n# TYPE wait_created gauge\n# TYPE wait_max gauge\nwait_max 1\n";
    let sound = reading(&folder, &["declare", "-", "--service", "search"], twice);
    assert_eq!(sound.code, Some(0), "{}", sound.err);
    assert!(!catalog(&folder).contains("wait_created"));
}

#[test]
fn what_is_declared_otherwise_is_left_and_said() {
    let metric = "\n[metrics.depth]\ntype = \"counter\"\nname = \"depth\"\nhelp = \"Depth\"\n";
    let folder = root("against", &format!("{CATALOG}{metric}"));
    let text = "# TYPE depth gauge\ndepth{shard=\"a\"} 1\n";
    let declared = reading(&folder, &["declare", "-", "--service", "search"], text);
    assert!(
        declared
            .out
            .contains("left as it is: depth is declared as a counter, and is a gauge\n")
            && declared
                .out
                .contains("left as it is: depth has labels that are not declared: shard\n"),
        "{}{}",
        declared.out,
        declared.err
    );
    assert_eq!(catalog(&folder), format!("{CATALOG}{metric}"));
}

#[test]
fn a_profile_is_written_for_whoever_names_it() {
    let folder = root("profile", CATALOG);
    let arguments = ["declare", &exposition("jvm.prom"), "--profile", "orders"];
    let first = run(&folder, &arguments);
    assert_eq!(first.code, Some(0), "{}", first.err);
    let path = folder.join("profiles/orders.toml");
    let profile = fs::read_to_string(&path).unwrap();
    assert!(
        profile.contains("\nlogback_events_total = { type = \"counter\", help = \"Number of log events that were enabled by the effective log level\", labels = { level = [\"debug\", \"error\", \"info\", \"trace\", \"warn\"] } }\n"),
        "{profile}"
    );
    assert_eq!(catalog(&folder), CATALOG);
    let alert = "\n[alerts.Lagging]\nkind = \"promql\"\nexpr = \"max by (job, service, component) (kafka_consumer_fetch_manager_records_lag) > 1000\"\nfor = \"5m\"\nseverity = \"warning\"\nallow = [{ check = \"untested-alert\", reason = \"Its own test is elsewhere\" }]\n";
    let named = CATALOG.replace("port = 8002\n", "port = 8002\nprofiles = [\"orders\"]\n") + alert;
    fs::write(folder.join("services.toml"), named).unwrap();
    let rendered = run(&folder, &["render"]);
    assert_eq!(rendered.code, Some(0), "{}", rendered.err);
    let second = run(&folder, &arguments);
    assert!(
        second
            .out
            .starts_with("nothing to write: profiles/orders.toml has them all\n"),
        "{}",
        second.out
    );
    assert_eq!(fs::read_to_string(&path).unwrap(), profile);
    let known = run(
        &folder,
        &["declare", &exposition("jvm.prom"), "--service", "search"],
    );
    assert!(
        known.out.starts_with("nothing to declare\n"),
        "{}",
        known.out
    );
}

/// A process that is ended, by its id, when the test is over.
struct Server(Child);

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

impl Server {
    fn start(program: &str, arguments: &[&str], port: u16) -> Server {
        let child = Command::new(program)
            .args(arguments)
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn();
        let server = Server(child.unwrap_or_else(|_| panic!("{}", referee::missing(program))));
        until("it listens", || {
            TcpStream::connect(("127.0.0.1", port)).is_ok()
        });
        server
    }
}

fn until(what: &str, mut holds: impl FnMut() -> bool) {
    let start = Instant::now();
    while !holds() {
        assert!(
            start.elapsed() < Duration::from_secs(60),
            "{what}: not within a minute"
        );
        std::thread::sleep(Duration::from_millis(100));
    }
}

/// Debian's own node exporter and Prometheus: asked at their address, as the catalog says, and through Prometheus.
#[test]
fn real_servers_are_declared() {
    let [node, prometheus] = ports::free_ports();
    let catalog_of = |node_keys: &str, prometheus_keys: &str| {
        CATALOG
            .split_once("[services.checkout]")
            .map(|(head, rest)| {
                let tail = rest.split_once("[alertmanager]").unwrap().1;
                format!(
                    "{head}[services.machine]\ngroup = \"web\"\nport = {node}\nhealth_path = \"/\"\n{node_keys}\n[services.monitor]\ngroup = \"web\"\nport = {prometheus}\nhealth_path = \"/-/healthy\"\n{prometheus_keys}\n[alertmanager]{tail}"
                )
            })
            .unwrap()
    };
    let folder = root("real", &catalog_of("", ""));
    let config = folder.join("prometheus.yml");
    let job = |name: &str, port: u16| {
        format!(
            "- job_name: {name}\n  static_configs: [{{targets: [\"127.0.0.1:{port}\"], labels: {{service: {name}, component: web}}}}]\n"
        )
    };
    fs::write(
        &config,
        format!(
            "global: {{scrape_interval: 1s}}\nscrape_configs:\n{}{}",
            job("machine", node),
            job("monitor", prometheus)
        ),
    )
    .unwrap();
    let _exporter = Server::start(
        "prometheus-node-exporter",
        &[&format!("--web.listen-address=127.0.0.1:{node}")],
        node,
    );
    let _prometheus = Server::start(
        "prometheus",
        &[
            &format!("--config.file={}", config.display()),
            &format!("--storage.tsdb.path={}", folder.join("data").display()),
            &format!("--web.listen-address=127.0.0.1:{prometheus}"),
        ],
        prometheus,
    );
    // Without a profile both are told from their metrics, and from nothing else.
    let url = format!("http://127.0.0.1:{node}/metrics");
    let by_address = ["declare", url.as_str(), "--service", "machine"];
    let told = run(&folder, &by_address);
    assert_eq!(told.code, Some(0), "{}", told.err);
    for advice in [
        "add `runtime = \"go\"` to [services.machine]",
        "add `profiles = [\"node_exporter\"]` to [services.machine]",
    ] {
        assert!(told.out.contains(advice), "{advice}: {}", told.out);
    }
    assert!(
        !catalog(&folder).contains("[metrics.node_cpu"),
        "{}",
        catalog(&folder)
    );
    // With an own profile in its place, everything is declared, and is the same however it is asked for.
    fs::create_dir(folder.join("profiles")).unwrap();
    let nothing = "[metrics]\nnothing_of_it = { type = \"gauge\" }\n";
    fs::write(folder.join("profiles/node_exporter.toml"), nothing).unwrap();
    let monitor = "runtime = \"go\"\nprofiles = [\"prometheus\"]\n";
    let bare = catalog_of("runtime = \"go\"\n", monitor);
    fs::write(folder.join("services.toml"), &bare).unwrap();
    let first = run(&folder, &by_address);
    assert_eq!(first.code, Some(0), "{}", first.err);
    assert!(catalog(&folder).contains("[metrics.node_cpu_seconds_total]\ntype = \"counter\"\n"));
    settled(&folder, &by_address);
    settled(&folder, &["declare", "--service", "machine"]);
    let through = format!("http://127.0.0.1:{prometheus}");
    let all = ["declare", "--prometheus-url", through.as_str()];
    let mut read = run(&folder, &["explain", "monitor"]);
    until("Prometheus has scraped both", || {
        read = run(&folder, &all);
        read.code == Some(0) && !read.out.contains("no series")
    });
    let declared = catalog(&folder);
    assert!(
        declared.matches("[metrics.node_cpu_seconds_total]").count() == 1
            && !declared.contains("[metrics.prometheus_http_requests_total]"),
        "{declared}"
    );
    settled(&folder, &all);
    settled(&folder, &["declare", "--service", "monitor"]);
}
