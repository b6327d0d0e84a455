//! What an on-call person meets at night, and whether the cause that is named is the true one: services that answer otherwise,
//! targets that are somebody else's, alerts that were over, and whom another configuration tells.

use super::stack::{Root, Server, codes, messages, request, root};
use monstack::value::Value;
use std::fs;
use std::io::{Read, Write};
use std::net::TcpListener;
use std::process::Command;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

/// The metrics of a service that is well.
const WELL: &str = "# TYPE shop_orders_total counter\nshop_orders_total{result=\"taken\"} 5\nshop_orders_total{result=\"refused\"} 0\n# TYPE shop_queue_length gauge\nshop_queue_length 3\n";

/// What is answered to a path.
type Says = fn(&str) -> (u16, String, String);

/// A service whose answer to a path can be changed: status, headers, body.
#[derive(Clone)]
struct Service {
    port: u16,
    answer: Arc<Mutex<Says>>,
}

fn well(_path: &str) -> (u16, String, String) {
    (200, String::new(), WELL.to_string())
}

impl Service {
    fn open() -> Service {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let answer: Arc<Mutex<Says>> = Arc::new(Mutex::new(well as Says));
        let now = answer.clone();
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                let Ok(mut stream) = stream else { continue };
                let mut head = [0; 4096];
                let length = stream.read(&mut head).unwrap_or(0);
                let head = String::from_utf8_lossy(&head[..length]).into_owned();
                let path = head.split(' ').nth(1).unwrap_or_default();
                let (status, headers, body) = now.lock().unwrap()(path);
                let _ = write!(
                    stream,
                    "HTTP/1.1 {status} X\r\nContent-Type: text/plain; version=0.0.4\r\n{headers}Content-Length: {}\r\nConnection: close\r\n\r\n{body}",
                    body.len()
                );
            }
        });
        Service { port, answer }
    }

    fn says(&self, answer: Says) {
        *self.answer.lock().unwrap() = answer;
    }
}

/// A service with two instances, another one with one, two owners, and everything at once.
fn shop(till: &[Service; 2], oven: &Service) -> Root {
    let root = root("");
    let alertmanager = root.alertmanager;
    let catalog = format!(
        r#"
[platform]
name = "Shop"
slug = "shop"
metric_prefix = "shop"
owner = "ops"

[prometheus]
runs_on = "host"
port = {}
scrape_interval = "1s"
evaluation_interval = "1s"
minimum_version = "2.42"
alertmanagers = ["127.0.0.1:{alertmanager}"]

[alertmanager]
runs_on = "host"
port = {alertmanager}
group_wait = "1s"

[severities]
critical = {{ urgency = 1 }}
warning = {{ urgency = 2 }}

[receivers.pager.webhook]
url = "http://pager.example.org/hook"
[receivers.bakers.webhook]
url = "http://bakers.example.org/hook"

[owners.ops]
default = "pager"
[owners.bakers]
default = "bakers"
mute = {{ warning = "nights" }}

[times.nights]
hours = ["00:00-00:01"]

[groups]
front = {{ title = "Front" }}
oven = {{ title = "Oven", owner = "bakers" }}

[grafana]
runs_on = "host"

[defaults]
build = false
runs_on = "host"
scrape_timeout = "1s"
metrics_path = "/metrics"
health_path = "/health"

[services]
till = {{ group = "front", targets = ["127.0.0.1:{}", "127.0.0.1:{}"] }}
oven = {{ group = "oven", targets = ["127.0.0.1:{}"] }}

[metrics.orders_total]
type = "counter"
help = "Orders"
labels = {{ result = ["taken", "refused"] }}

[metrics.queue_length]
type = "gauge"
help = "Orders that wait"

[alerts]
ServiceDown = {{ kind = "down", for = "5m", severity = "critical" }}
QueueLong = {{ kind = "threshold", metric = "queue_length", above = 100, for = "1s", severity = "warning" }}
OrdersRefused = {{ kind = "ratio", errors = {{ metric = "orders_total", where = {{ result = ["refused"] }} }}, above = 0.2, severity = "warning" }}
"#,
        root.prometheus, till[0].port, till[1].port, oven.port
    );
    fs::write(root.folder.join("services.toml"), catalog).unwrap();
    root.render();
    root
}

/// Asks until what is seen is wanted.
fn until(root: &Root, arguments: &[&str], wanted: impl Fn(&Value) -> bool) -> Value {
    let start = Instant::now();
    loop {
        let (_, document) = root.ask(arguments);
        if wanted(&document) {
            return document;
        }
        assert!(start.elapsed() < Duration::from_secs(180), "{document:#}");
        std::thread::sleep(Duration::from_millis(300));
    }
}

fn link(document: &Value, name: &str) -> (String, String) {
    let links = document["links"].as_array().unwrap();
    let link = links.iter().find(|one| one["link"] == name).unwrap();
    let text = |key: &str| link[key].as_str().unwrap().to_string();
    (text("state"), text("note"))
}

/// The message and the help of the first finding with a code.
fn said(document: &Value, code: &str) -> (String, String) {
    let mut findings = document["findings"].as_array().unwrap().iter();
    let found = findings.find(|finding| finding["code"] == code);
    let found = found.unwrap_or_else(|| panic!("{code}: {document:#}"));
    let text = |key: &str| found[key].as_str().unwrap().to_string();
    (text("message"), text("help"))
}

fn holds(document: &Value) -> bool {
    document["broken"].is_null()
}

#[test]
fn a_service_that_answers_otherwise_is_told_from_one_that_is_broken() {
    let (till, oven) = ([Service::open(), Service::open()], Service::open());
    let root = shop(&till, &oven);
    let _alertmanager = root.alertmanager();
    let _prometheus = root.prometheus();
    let document = until(&root, &["why", "till"], holds);
    assert!(
        !codes(&document).contains(&"metric-missing"),
        "{document:#}"
    );

    // One of two instances runs another release.
    till[1].says(|_| {
        (
            200,
            String::new(),
            WELL.replace("queue_length", "waiting_orders"),
        )
    });
    let document = root.ask(&["why", "till"]).1;
    assert!(holds(&document), "{document:#}");
    let (message, _) = said(&document, "metric-missing");
    for part in [
        "shop_queue_length is exposed by 1 of 2 instances, and not by ",
        &format!(":{}/metrics", till[1].port),
        "; QueueLong cannot see what happens there",
    ] {
        assert!(message.contains(part), "{part}: {message}");
    }
    // Both do, and the metric has another name now.
    till[0].says(|_| {
        (
            200,
            String::new(),
            WELL.replace("queue_length", "queue_size"),
        )
    });
    till[1].says(|_| {
        (
            200,
            String::new(),
            WELL.replace("queue_length", "queue_size"),
        )
    });
    let document = root.ask(&["why", "till"]).1;
    assert_eq!(document["broken"], "metrics", "{document:#}");
    let (_, help) = said(&document, "metric-vanished");
    assert!(
        help.contains("it exposes the gauge shop_queue_size"),
        "{help}"
    );

    // Another program answers at its port.
    oven.says(|_| {
        (
            200,
            String::new(),
            "# TYPE cache_hits_total counter\ncache_hits_total 3\n".into(),
        )
    });
    let document = root.ask(&["why", "oven"]).1;
    let (message, help) = said(&document, "metric-missing");
    assert!(
        message.contains(
            "none of its 2 declared metrics is exposed; what answers exposes cache_hits_total"
        ),
        "{message}"
    );
    assert!(help.contains("another program"), "{help}");

    // Redirects are followed as Prometheus does, and not for ever.
    oven.says(|path| match path {
        "/metrics" => (302, "Location: /a\r\n".into(), String::new()),
        "/a" => (302, "Location: /b\r\n".into(), String::new()),
        _ => well(path),
    });
    let document = until(&root, &["why", "oven"], holds);
    let (message, _) = said(&document, "scrape-redirect");
    assert!(message.contains("is redirected to /b"), "{message}");
    oven.says(|path| match path {
        "/metrics" => (302, "Location: /metrics\r\n".into(), String::new()),
        _ => well(path),
    });
    let document = root.ask(&["why", "oven"]).1;
    assert_eq!(document["broken"], "http");
    assert!(
        messages(&document).contains("redirects in circles"),
        "{document:#}"
    );
    // Where its health is at the same address, that is one finding.
    let catalog = root.folder.join("services.toml");
    let text = fs::read_to_string(&catalog).unwrap();
    fs::write(&catalog, text.replace("\"/health\"", "\"/metrics\"")).unwrap();
    root.render();
    let verified = root.ask(&["verify"]).1;
    assert!(
        codes(&verified).contains(&"scrape-redirect"),
        "{verified:#}"
    );
    assert!(!codes(&verified).contains(&"health-fails"), "{verified:#}");
}

#[test]
fn targets_of_others_and_those_that_are_dropped_are_named_and_the_walk_goes_on() {
    let (till, oven) = ([Service::open(), Service::open()], Service::open());
    let root = shop(&till, &oven);
    let _alertmanager = root.alertmanager();
    let _prometheus = root.prometheus();
    until(&root, &["why", "oven"], holds);
    let config = root.folder.join("installed/working_prometheus.yml");
    let installed = fs::read_to_string(&config).unwrap();
    let reload = |text: &str| {
        fs::write(&config, text).unwrap();
        assert_eq!(request(root.prometheus, "POST", "/-/reload").0, 200);
    };
    // A job of somebody else's whose target bears the name.
    let legacy = format!(
        "{installed}\n  - job_name: legacy\n    relabel_configs: [{{target_label: job, replacement: oven}}]\n    static_configs: [{{targets: [\"127.0.0.1:{}\"]}}]\n",
        till[0].port
    );
    reload(&legacy);
    let document = until(&root, &["why", "oven"], |document| !holds(document));
    assert_eq!(document["broken"], "discovered", "{document:#}");
    assert!(
        said(&document, "foreign-target")
            .0
            .contains("the job legacy scrapes")
    );
    let verified = root.ask(&["verify"]).1;
    assert!(codes(&verified).contains(&"foreign-target"), "{verified:#}");
    assert!(holds(&root.ask(&["why", "till"]).1));

    // What its job finds is dropped: said at once, and who would be told is looked at all the same.
    let dropping = installed.replacen(
        "- job_name: \"oven\"\n",
        "- job_name: \"oven\"\n    relabel_configs: [{source_labels: [__address__], regex: .*, action: drop}]\n",
        1,
    );
    assert_ne!(dropping, installed);
    reload(&dropping);
    let document = until(&root, &["why", "oven"], |document| {
        codes(document).contains(&"target-dropped")
    });
    assert_eq!(document["broken"], "loaded", "{document:#}");
    let (message, _) = said(&document, "target-dropped");
    let address = format!("127.0.0.1:{}", oven.port);
    assert!(
        message.contains("drops all that it finds") && message.contains(&address),
        "{message}"
    );
    assert_eq!(link(&document, "reachable").0, "-");
    assert_ne!(link(&document, "route").0, "-");

    // Panels wait for rules that are not loaded, and not for time.
    let unrecorded = installed.replace("  - signal_rules.yml\n", "");
    assert_ne!(unrecorded, installed);
    reload(&unrecorded);
    let document = until(&root, &["verify"], |document| {
        codes(document).contains(&"panel-without-data")
    });
    let (_, help) = said(&document, "panel-without-data");
    assert!(help.contains("load those first"), "{help}");

    // Without its job the service itself is still asked.
    let without = installed.replace("job_name: \"oven\"", "job_name: \"stove\"");
    reload(&without);
    let document = until(&root, &["why", "oven"], |document| {
        link(document, "loaded")
            .1
            .contains("the job oven is not loaded")
    });
    assert_eq!(link(&document, "discovered").0, "-");
    assert_eq!(link(&document, "reachable").0, "ok", "{document:#}");
    assert_ne!(link(&document, "route").0, "-");

    // Not rendered yet, and nothing to do with what runs.
    reload(&installed);
    until(&root, &["why", "oven"], holds);
    let catalog = root.folder.join("services.toml");
    let text = fs::read_to_string(&catalog).unwrap();
    fs::write(&catalog, text.replace("above = 100", "above = 90")).unwrap();
    let document = root.ask(&["why", "oven"]).1;
    assert_eq!(document["broken"], "rendered");
    assert_eq!(link(&document, "scraped").0, "ok", "{document:#}");
}

/// The Alertmanager with another configuration.
fn alertmanager(root: &Root, change: impl Fn(String) -> String) -> Server {
    let rendered = root
        .folder
        .join("generated/monitoring/alertmanager/alertmanager.yml");
    let text = fs::read_to_string(&rendered).unwrap();
    let changed = change(text.clone());
    assert_ne!(text, changed);
    let installed = root.folder.join("alertmanager.yml");
    fs::write(&installed, changed).unwrap();
    root.alertmanager_with(&installed)
}

fn long_queue(_: &str) -> (u16, String, String) {
    let text = WELL.replace("queue_length 3", "queue_length 300");
    (200, String::new(), text)
}

#[test]
fn whom_another_configuration_tells_and_what_is_over_is_said() {
    let (till, oven) = ([Service::open(), Service::open()], Service::open());
    let root = shop(&till, &oven);
    // Another owner's route swallows the alerts, its hours never end, and one more alert holds others back.
    let server = alertmanager(&root, |text| {
        text.replacen("  routes:\n", "  routes:\n    - receiver: \"bakers\"\n      matchers: [\"severity=\\\"critical\\\"\"]\n", 1)
            .replace("\"00:01\"", "\"24:00\"")
    });
    let _prometheus = root.prometheus();
    let document = until(&root, &["why", "till"], |document| {
        link(document, "scraped").0 == "ok"
    });
    assert_eq!(document["broken"], "route", "{document:#}");
    let (message, _) = said(&document, "alertmanager-not-loaded");
    assert!(
        message.contains("; so bakers is told of ServiceDown@till, rendered is pager"),
        "{message}"
    );
    oven.says(long_queue);
    let document = until(&root, &["why", "oven"], |document| {
        codes(document).contains(&"muted")
    });
    let (message, _) = said(&document, "muted");
    assert!(message.contains("QueueLong@oven fires"), "{message}");
    drop(server);

    // As rendered: an alert of another team's explains it, and nobody is told of that one.
    let _server = root.alertmanager();
    let posted = Command::new("amtool")
        .arg(format!(
            "--alertmanager.url=http://127.0.0.1:{}",
            root.alertmanager
        ))
        .args(["alert", "add", "ServiceDown", "job=oven", "severity=page"])
        .output()
        .expect("amtool; install Debian's package prometheus-alertmanager");
    assert!(posted.status.success());
    let document = until(&root, &["why", "oven"], |document| {
        codes(document).contains(&"inhibited")
    });
    let (message, help) = said(&document, "inhibited");
    assert!(
        message.contains("QueueLong@oven fires and is held back while ServiceDown@oven does"),
        "{message}"
    );
    assert!(
        help.contains("ServiceDown@oven is told to nobody, so neither is told"),
        "{help}"
    );

    // It is over, and has been there.
    oven.says(well);
    let document = until(&root, &["why", "oven"], |document| {
        link(document, "alerts").1.contains("none active")
    });
    let (_, note) = link(&document, "alerts");
    assert!(
        note.contains("; within the last 6h QueueLong fired from "),
        "{note}"
    );
    assert!(!note.contains("ServiceDown"), "{note}");

    // A rule that is loaded without what keeps its alert firing is another one.
    let catalog = root.folder.join("services.toml");
    let text = fs::read_to_string(&catalog).unwrap();
    let kept = text.replace("above = 100,", "above = 100, keep_firing_for = \"5m\",");
    fs::write(&catalog, kept).unwrap();
    root.render();
    let document = root.ask(&["why", "oven"]).1;
    assert!(
        messages(&document).contains("its `keep_firing_for` is 0s, rendered is 300s"),
        "{document:#}"
    );
    root.install();
    assert_eq!(request(root.prometheus, "POST", "/-/reload").0, 200);
    oven.says(long_queue);
    until(&root, &["why", "oven"], |document| {
        link(document, "alerts").1.contains("QueueLong firing")
    });
    oven.says(well);
    until(&root, &["why", "oven"], |document| {
        link(document, "alerts")
            .1
            .contains("though its condition is over since ")
    });
}

#[test]
fn where_all_are_silent_the_others_are_not_waited_for() {
    let root = root("");
    // Every address of this machine leads to it, and it says nothing.
    let listener = TcpListener::bind("0.0.0.0:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    std::thread::spawn(move || {
        let held: Vec<_> = listener.incoming().collect();
        drop(held);
    });
    let services: String = (1..=180)
        .map(|index| {
            format!("s{index} = {{ group = \"core\", targets = [\"127.0.1.{index}:{port}\"] }}\n")
        })
        .collect();
    let catalog = format!(
        "[platform]\nname = \"Many\"\nslug = \"many\"\nmetric_prefix = \"many\"\n\n[prometheus]\nruns_on = \"host\"\nport = {}\nalertmanagers = [\"127.0.0.1:{}\"]\n\n[alertmanager]\nruns_on = \"host\"\nport = {}\n\n[grafana]\nruns_on = \"host\"\n\n[groups.core]\ntitle = \"Core\"\n\n[defaults]\nbuild = false\nruns_on = \"host\"\n\n[services]\n{services}\n[alerts]\nServiceDown = {{ kind = \"down\", for = \"5m\", severity = \"critical\" }}\n",
        root.prometheus, root.alertmanager, root.alertmanager
    );
    fs::write(root.folder.join("services.toml"), catalog).unwrap();
    root.render();
    let _alertmanager = root.alertmanager();
    let _prometheus = root.prometheus();
    let (_, document) = root.ask(&["verify", "--timeout", "1s"]);
    let said = messages(&document);
    assert!(
        said.contains("it was not asked: 96 others in a row gave no answer within 1.0s"),
        "{said}"
    );
    assert!(said.contains("does not answer within 1.0s"), "{said}");
}
