//! What ends the walk for a service, and what is only worth a note: differences of others, and doors that are open to Prometheus alone.

use super::ports::free_ports;
use super::stack::{Root, codes, request, root};
use monstack::value::Value;
use std::fs;
use std::io::{Read, Write};
use std::net::TcpListener;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// A stack that is scraped every second.
fn quick() -> Root {
    let root = root(super::RECEIVERS);
    change(&root, |text| {
        let text = text.replace("scrape_interval = \"15s\"", "scrape_interval = \"1s\"");
        text.replace("scrape_interval = \"10s\"", "scrape_interval = \"1s\"")
    });
    root
}

fn change(root: &Root, how: impl Fn(String) -> String) {
    let path = root.folder.join("services.toml");
    let text = fs::read_to_string(&path).unwrap();
    fs::write(&path, how(text)).unwrap();
    root.render();
}

/// The severity of the first finding with a code, and its message.
fn finding(document: &Value, code: &str) -> (String, String) {
    let mut findings = document["findings"].as_array().unwrap().iter();
    let found = findings.find(|finding| finding["code"] == code);
    let found = found.unwrap_or_else(|| panic!("{code}: {document:#}"));
    let text = |key: &str| found[key].as_str().unwrap().to_string();
    (text("severity"), text("message"))
}

#[test]
fn what_differs_for_other_services_is_a_note() {
    let root = quick();
    let _alertmanager = root.alertmanager();
    let _services = root.simulate(&[]);
    let _prometheus = root.prometheus();
    let (code, document) = root.ask(&["verify", "--wait", "60s"]);
    assert_eq!(code, 0, "{document:#}");
    let ends = |service: &str| {
        let (_, document) = root.ask(&["why", service]);
        let broken = document["broken"].as_str().map(str::to_string);
        (broken, document)
    };
    // A service that nobody has rendered yet.
    let path = root.folder.join("services.toml");
    let text = fs::read_to_string(&path).unwrap();
    let [port] = free_ports();
    let newcomer =
        format!("\n[services.newcomer]\ngroup = \"core\"\nport = {port}\nhealth_probe = false\n");
    let group = text.split("[groups.").nth(1).unwrap();
    let newcomer = newcomer.replace("core", group.split(']').next().unwrap());
    fs::write(&path, format!("{text}{newcomer}")).unwrap();
    let (broken, document) = ends("memory-manager");
    assert_eq!(broken, None, "{document:#}");
    assert_eq!(finding(&document, "stale").0, "notice");
    assert_eq!(ends("newcomer").0.as_deref(), Some("rendered"));
    // Rendered, and not deployed.
    root.render();
    let (broken, document) = ends("memory-manager");
    assert_eq!(broken, None, "{document:#}");
    assert_eq!(finding(&document, "rules-not-loaded").0, "notice");
    assert_eq!(ends("newcomer").0.as_deref(), Some("loaded"));
    // A threshold of another service, in the rule that covers them all.
    let lower = "\n[services.agent-designer.alerts.HighMemoryUsage]\nabove = 0.5\n";
    fs::write(&path, format!("{text}{lower}")).unwrap();
    root.render();
    let (broken, document) = ends("memory-manager");
    assert_eq!(broken, None, "{document:#}");
    assert_eq!(ends("agent-designer").0.as_deref(), Some("alerts"));
    // And one of its own.
    fs::write(
        &path,
        format!(
            "{text}{}",
            lower.replace("agent-designer", "memory-manager")
        ),
    )
    .unwrap();
    root.render();
    assert_eq!(ends("memory-manager").0.as_deref(), Some("alerts"));
    fs::write(&path, &text).unwrap();
    root.render();
    // What is done to the alerts of another service before they are sent.
    let config = root.folder.join("installed/working_prometheus.yml");
    let installed = fs::read_to_string(&config).unwrap();
    let drops = "alerting:\n  alert_relabel_configs:\n    - source_labels: [job]\n      regex: agent-designer\n      action: drop\n";
    fs::write(&config, installed.replacen("alerting:\n", drops, 1)).unwrap();
    let (status, _) = request(root.prometheus, "POST", "/-/reload");
    assert_eq!(status, 200);
    let (broken, document) = ends("memory-manager");
    assert_eq!(broken, None, "{document:#}");
    assert_eq!(ends("agent-designer").0.as_deref(), Some("loaded"));
    fs::write(&config, installed).unwrap();
    request(root.prometheus, "POST", "/-/reload");

    // From a machine that no service answers.
    let (code, document) = root.ask(&["why", "memory-manager", "--services-address", "127.0.0.9"]);
    let (severity, message) = finding(&document, "service-unreachable");
    assert_eq!((code, severity.as_str()), (0, "warning"), "{document:#}");
    assert!(message.contains("Prometheus reads it"), "{message}");
    let (code, document) = root.ask(&["verify", "--services-address", "127.0.0.9"]);
    assert_eq!(code, 0, "{document:#}");
    // One that has just ended is not taken for it.
    root.fault("PUT", "memory-manager/down");
    assert_eq!(ends("memory-manager").0.as_deref(), Some("reachable"));
}

/// A service that answers Prometheus and nobody else, and nobody at all while it is closed.
fn gate() -> (u16, Arc<AtomicBool>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let closed = Arc::new(AtomicBool::new(false));
    let shut = closed.clone();
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let Ok(mut stream) = stream else { continue };
            let mut head = [0; 4096];
            let length = stream.read(&mut head).unwrap_or(0);
            let head = String::from_utf8_lossy(&head[..length]).to_lowercase();
            let body = "# TYPE up_since gauge\nup_since 1\n";
            let status = match head.contains("user-agent: prometheus") {
                _ if shut.load(Ordering::Relaxed) => "503 Service Unavailable",
                true => "200 OK",
                false => "403 Forbidden",
            };
            let _ = write!(
                stream,
                "HTTP/1.1 {status}\r\nContent-Type: text/plain; version=0.0.4\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{body}",
                body.len()
            );
        }
    });
    (port, closed)
}

#[test]
fn a_door_that_is_open_to_prometheus_alone_is_a_note_and_one_that_opens_and_shuts_is_counted() {
    let root = root("");
    let (port, closed) = gate();
    let catalog = format!(
        "[platform]\nname = \"Shop\"\nslug = \"shop\"\nmetric_prefix = \"shop\"\n\n[prometheus]\naddress = \"127.0.0.1:{}\"\nscrape_interval = \"1s\"\nevaluation_interval = \"1s\"\nalertmanagers = [\"host.docker.internal:{}\"]\n\n[groups.core]\ntitle = \"Core\"\n\n[services.gate]\ngroup = \"core\"\nport = {port}\nscrape_interval = \"1s\"\n\n[alerts.ServiceDown]\nkind = \"down\"\nfor = \"5m\"\nseverity = \"critical\"\n",
        root.prometheus, root.alertmanager
    );
    fs::write(root.folder.join("services.toml"), catalog).unwrap();
    root.render();
    let _alertmanager = root.alertmanager();
    let _prometheus = root.prometheus();
    let up = "/api/v1/query?query=sum_over_time(up%7Bjob%3D%22gate%22%7D%5B1m%5D)%20%3E%203";
    let scraped = (0..100).any(|_| {
        std::thread::sleep(std::time::Duration::from_millis(200));
        request(root.prometheus, "GET", up).1.contains("\"value\"")
    });
    assert!(scraped);
    let (code, document) = root.ask(&["why", "gate"]);
    let (severity, message) = finding(&document, "scrape-status");
    assert_eq!((code, severity.as_str()), (0, "warning"), "{document:#}");
    assert!(message.contains("Prometheus reads it"), "{message}");
    for _ in 0..2 {
        for shut in [true, false] {
            closed.store(shut, Ordering::Relaxed);
            std::thread::sleep(std::time::Duration::from_millis(2500));
        }
    }
    let (_, document) = root.ask(&["verify"]);
    let (severity, message) = finding(&document, "flapping");
    assert_eq!(severity, "warning");
    assert!(
        message.contains(" scrapes in the last 5m failed"),
        "{message}"
    );
    // Shut for good, it is everybody's.
    closed.store(true, Ordering::Relaxed);
    let (code, document) = root.ask(&["why", "gate"]);
    assert_eq!(
        (code, document["broken"].as_str()),
        (1, Some("http")),
        "{document:#}"
    );
    assert!(codes(&document).contains(&"scrape-status"));
}

#[test]
fn what_a_server_was_started_with_and_when_somebody_is_told_are_said() {
    let root = quick();
    change(&root, |text| {
        let text = text.replace(
            "evaluation_interval = \"15s\"",
            "evaluation_interval = \"1s\"",
        );
        let text = text.replacen("for = \"5m\"", "for = \"1s\"", 1);
        text.replace(
            "[alertmanager.routes]",
            "[alertmanager]\ngroup_wait = \"10m\"\n\n[alertmanager.routes]",
        )
    });
    let _alertmanager = root.alertmanager();
    let _services = root.simulate(&[]);
    root.install();
    let folder = root.folder.display();
    let arguments = [
        format!("--config.file={folder}/installed/working_prometheus.yml"),
        format!("--storage.tsdb.path={folder}/data"),
        format!("--web.listen-address=127.0.0.1:{}", root.prometheus),
        "--storage.tsdb.retention.time=30s".to_string(),
    ];
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let server = root.spawn("prometheus", "prometheus", &arguments);
    let _prometheus = root.answering(server, "prometheus", root.prometheus, "/-/ready");
    // Just after its start nothing is wrong with where it sends alerts.
    let (_, document) = root.ask(&["verify"]);
    let mut findings = document["findings"].as_array().unwrap().iter();
    let unknown = findings.find(|one| one["code"] == "no-alertmanager");
    assert!(
        unknown.is_none_or(|one| one["severity"] == "warning"),
        "{document:#}"
    );
    let (severity, message) = finding(&document, "other-flags");
    assert_eq!(severity, "error");
    assert!(
        message.contains("keeps samples for 30s, and `retention` is 15d"),
        "{message}"
    );
    // A service is down, the alert fires, and its route waits.
    let up = || root.ask(&["verify"]).1["checks"]["targets"]["state"] == "12/12";
    assert!((0..60).any(|_| {
        std::thread::sleep(std::time::Duration::from_millis(500));
        up()
    }));
    root.fault("PUT", "memory-manager/down");
    let mut document = Value::Null;
    assert!(
        (0..60).any(|_| {
            std::thread::sleep(std::time::Duration::from_secs(1));
            document = root.ask(&["why", "memory-manager"]).1;
            codes(&document).contains(&"not-told-yet")
        }),
        "{document:#}"
    );
    let (severity, message) = finding(&document, "not-told-yet");
    assert_eq!(severity, "warning");
    for part in [
        "ServiceDown@memory-manager fires, and pager is told at ",
        "(group_wait 10m)",
    ] {
        assert!(message.contains(part), "{part}: {message}");
    }
}

/// A rule file of before, a rule file's copy, and another Prometheus beside the one that is asked.
#[test]
fn rules_and_alerts_that_are_there_once_more_are_said() {
    let root = quick();
    change(&root, |text| {
        let text = text.replace(
            "evaluation_interval = \"15s\"",
            "evaluation_interval = \"1s\"",
        );
        text.replacen("for = \"5m\"", "for = \"1s\"", 1)
    });
    let _alertmanager = root.alertmanager();
    let _services = root.simulate(&[]);
    root.install();
    let installed = root.folder.join("installed");
    let config = installed.join("working_prometheus.yml");
    let written = fs::read_to_string(&config).unwrap();
    let rules = fs::read_to_string(installed.join("alert_rules.yml")).unwrap();
    fs::write(installed.join("copy.yml"), &rules).unwrap();
    let older = rules.replacen("for: 1s", "for: 1h", 1);
    assert_ne!(older, rules);
    fs::write(installed.join("older.yml"), older).unwrap();
    let [port] = free_ports();
    let twin = written.replacen(
        "  evaluation_interval: 1s\n",
        "  evaluation_interval: 1s\n  external_labels: {replica: b}\n",
        1,
    );
    assert_ne!(twin, written);
    fs::write(installed.join("twin.yml"), twin).unwrap();
    let folder = root.folder.display();
    let start = |config: &str, port: u16, data: &str| {
        let arguments = [
            format!("--config.file={folder}/installed/{config}"),
            format!("--storage.tsdb.path={folder}/{data}"),
            format!("--web.listen-address=127.0.0.1:{port}"),
            "--web.enable-lifecycle".to_string(),
        ];
        let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
        let server = root.spawn("prometheus", "prometheus", &arguments);
        root.answering(server, "prometheus", port, "/-/ready")
    };
    let server = || start("working_prometheus.yml", root.prometheus, "data");
    let mut prometheus = server();
    let (code, document) = root.ask(&["verify", "--wait", "60s"]);
    assert_eq!(code, 0, "{document:#}");
    for code in ["rules-twice", "told-twice", "silence-idle", "restarts"] {
        assert!(!codes(&document).contains(&code), "{document:#}");
    }
    for (file, said) in [
        ("copy.yml", "has copies of "),
        ("older.yml", "its `for` is 3600s, rendered is 1s"),
    ] {
        let both = format!("  - alert_rules.yml\n  - {file}\n");
        let more = written.replacen("  - alert_rules.yml\n", &both, 1);
        assert_ne!(more, written);
        fs::write(&config, more).unwrap();
        assert_eq!(request(root.prometheus, "POST", "/-/reload").0, 200);
        for verb in [&["why", "memory-manager"][..], &["verify"]] {
            let (_, document) = root.ask(verb);
            let (severity, message) = finding(&document, "rules-twice");
            assert_eq!(severity, "warning");
            assert!(
                message.contains(file) && message.contains(said),
                "{message}"
            );
        }
    }
    fs::write(&config, &written).unwrap();
    assert_eq!(request(root.prometheus, "POST", "/-/reload").0, 200);
    let (_, document) = root.ask(&["verify"]);
    assert!(!codes(&document).contains(&"rules-twice"), "{document:#}");
    // Somebody silenced it by a name that no rule has.
    let alertmanager = format!("--alertmanager.url=http://127.0.0.1:{}", root.alertmanager);
    let silence = [
        alertmanager.as_str(),
        "silence",
        "add",
        "alertname=ServiceGone",
        "job=memory-manager",
        "--author=ann",
        "--comment=deploy",
    ];
    let added = std::process::Command::new("amtool").args(silence).output();
    assert!(added.unwrap().status.success());
    for verb in [&["why", "memory-manager"][..], &["verify"]] {
        let (_, document) = root.ask(verb);
        let (_, message) = finding(&document, "silence-idle");
        assert!(
            message.contains("no rule has an alert ServiceGone")
                && message.contains("silenced by ann"),
            "{message}"
        );
    }
    let (_, document) = root.ask(&["why", "agent-designer"]);
    assert!(!codes(&document).contains(&"silence-idle"), "{document:#}");
    // It ends again and again; for five seconds after its start it has no target.
    for _ in 0..3 {
        std::thread::sleep(std::time::Duration::from_secs(9));
        drop(prometheus);
        prometheus = server();
    }
    let mut document = Value::Null;
    assert!(
        (0..60).any(|_| {
            std::thread::sleep(std::time::Duration::from_secs(1));
            document = root.ask(&["why", "memory-manager"]).1;
            codes(&document).contains(&"restarts")
        }),
        "{document:#}"
    );
    let (severity, message) = finding(&document, "restarts");
    assert_eq!(severity, "warning");
    assert!(message.contains("started 3 times"), "{message}");
    // A second Prometheus that tells the Alertmanager of the same, under labels of its own.
    let _twin = start("twin.yml", port, "twin");
    root.fault("PUT", "memory-manager/down");
    let mut document = Value::Null;
    assert!(
        (0..120).any(|_| {
            std::thread::sleep(std::time::Duration::from_secs(1));
            document = root.ask(&["why", "memory-manager"]).1;
            codes(&document).contains(&"told-twice")
        }),
        "{document:#}"
    );
    let (severity, message) = finding(&document, "told-twice");
    assert_eq!(severity, "warning");
    assert!(
        message.contains("ServiceDown@memory-manager once more, with replica=\"b\""),
        "{message}"
    );
}
