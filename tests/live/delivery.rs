//! Why nobody was paged: alerts on their way from Prometheus to a receiver, and everything that keeps one from being told.

use super::ports::free_ports;
use super::stack::{Root, Server, codes, messages, request, root};
use monstack::value::Value;
use std::fs;
use std::io::{Read, Write};
use std::net::TcpListener;
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

/// A receiver that says yes, or no.
struct Receiver {
    port: u16,
    refuses: Arc<AtomicBool>,
}

impl Receiver {
    fn open() -> Receiver {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let refuses = Arc::new(AtomicBool::new(false));
        let says_no = refuses.clone();
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                let Ok(mut stream) = stream else { continue };
                let mut text = [0; 65536];
                let _ = stream.read(&mut text);
                let status = match says_no.load(Ordering::Relaxed) {
                    true => "403 Forbidden",
                    false => "200 OK",
                };
                let _ = write!(
                    stream,
                    "HTTP/1.1 {status}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
                );
            }
        });
        Receiver { port, refuses }
    }
}

/// A stack in which a service that is down is an alert at once, told to a receiver on this machine.
fn quick(receiver: &Receiver) -> Root {
    // From a container this machine has that name.
    let url = format!("http://host.docker.internal:{}/hook", receiver.port);
    let more = super::RECEIVERS.replace("http://pager.example.org/hook", &url);
    let root = root(&more.replace("http://team.example.org/hook", &url));
    let path = root.folder.join("services.toml");
    let text = fs::read_to_string(&path).unwrap();
    let text = text
        .replace("scrape_interval = \"15s\"", "scrape_interval = \"1s\"")
        .replace(
            "evaluation_interval = \"15s\"",
            "evaluation_interval = \"1s\"",
        )
        .replace("scrape_interval = \"10s\"", "scrape_interval = \"1s\"")
        .replacen("for = \"5m\"", "for = \"1s\"", 1);
    fs::write(&path, text).unwrap();
    root.render();
    root
}

/// The Alertmanager as it is rendered, where `host.docker.internal` is this machine.
fn alertmanager(root: &Root) -> Server {
    let folder = &root.folder;
    let rendered = folder.join("generated/monitoring/alertmanager/alertmanager.yml");
    let text = fs::read_to_string(rendered).unwrap();
    let installed = folder.join("alertmanager.yml");
    fs::write(
        &installed,
        text.replace("host.docker.internal", "127.0.0.1"),
    )
    .unwrap();
    root.alertmanager_with(&installed)
}

/// Asks until what is seen is wanted.
fn until(root: &Root, arguments: &[&str], wanted: impl Fn(i32, &Value) -> bool) -> Value {
    let start = Instant::now();
    loop {
        let (code, document) = root.ask(arguments);
        if wanted(code, &document) {
            return document;
        }
        assert!(start.elapsed() < Duration::from_secs(180), "{document:#}");
        std::thread::sleep(Duration::from_millis(500));
    }
}

fn note(document: &Value, link: &str) -> String {
    let links = document["links"].as_array().unwrap();
    let link = links.iter().find(|one| one["link"] == link).unwrap();
    link["note"].as_str().unwrap().to_string()
}

fn amtool(root: &Root, arguments: &[&str]) -> String {
    let url = format!("--alertmanager.url=http://127.0.0.1:{}", root.alertmanager);
    let output = Command::new("amtool").arg(url).args(arguments).output();
    let output = output.expect("amtool; install Debian's package prometheus-alertmanager");
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    String::from_utf8(output.stdout).unwrap().trim().to_string()
}

#[test]
fn what_keeps_an_alert_from_being_told_is_named() {
    let receiver = Receiver::open();
    let root = quick(&receiver);
    let _alertmanager = alertmanager(&root);
    let _services = root.simulate(&[]);
    let _prometheus = root.prometheus();
    let (code, document) = root.ask(&["verify", "--wait", "60s"]);
    assert_eq!(code, 0, "{document:#}");
    assert_eq!(document["checks"]["delivery"]["state"], "ok");

    let id = amtool(
        &root,
        &[
            "silence",
            "add",
            "severity=critical",
            "--author=ops",
            "--comment=moving house",
            "--duration=1h",
        ],
    );
    let (code, document) = root.ask(&["why", "memory-manager"]);
    assert_eq!(
        (code, document["broken"].as_str()),
        (1, Some("route")),
        "{document:#}"
    );
    let said = note(&document, "route");
    for part in [
        "ServiceDown is silenced by ops until ",
        "severity=\"critical\"",
        "moving house",
    ] {
        assert!(said.contains(part), "{part}: {said}");
    }
    let (code, document) = root.ask(&["verify"]);
    assert_eq!(code, 0, "a silence is somebody's wish: {document:#}");
    assert!(codes(&document).contains(&"silenced"), "{document:#}");
    // Of a service that is down both are said: what is wrong with it, and why nobody is told.
    root.fault("PUT", "memory-manager/down");
    let (code, document) = root.ask(&["why", "ServiceDown@memory-manager"]);
    assert_eq!(
        (code, document["broken"].as_str()),
        (1, Some("reachable")),
        "{document:#}"
    );
    assert!(
        note(&document, "route").contains("ServiceDown is silenced by ops until "),
        "{document:#}"
    );
    root.fault("DELETE", "memory-manager");
    amtool(&root, &["silence", "expire", &id]);

    // A service that is down is told, and then refused.
    receiver.refuses.store(true, Ordering::Relaxed);
    root.fault("PUT", "memory-manager/down");
    let document = until(&root, &["verify"], |code, document| {
        code == 1 && codes(document).contains(&"monitoring-alert")
    });
    assert!(
        messages(&document).contains("AlertmanagerNotificationsFailing is pending"),
        "{document:#}"
    );
    // The walk for another service with the same receivers ends at the route.
    let (code, document) = root.ask(&["why", "agent-designer"]);
    assert_eq!(
        (code, document["broken"].as_str()),
        (1, Some("route")),
        "{document:#}"
    );
    root.fault("DELETE", "memory-manager");
}

#[test]
fn an_alertmanager_that_prometheus_does_not_send_to_is_not_taken_for_its_own() {
    let receiver = Receiver::open();
    let mut root = quick(&receiver);
    let sent_to = root.alertmanager;
    let own = alertmanager(&root);
    let _services = root.simulate(&[]);
    let _prometheus = root.prometheus();
    let (code, document) = root.ask(&["verify", "--wait", "60s"]);
    assert_eq!(code, 0, "{document:#}");
    // Another one with the same configuration answers, and Prometheus' own is gone.
    drop(own);
    [root.alertmanager] = free_ports();
    let _other = alertmanager(&root);
    let document = until(&root, &["verify"], |code, document| {
        code == 1 && codes(document).contains(&"server-not-scraped")
    });
    assert!(
        messages(&document).contains("cannot scrape alertmanager"),
        "{document:#}"
    );
    let document = until(&root, &["why", "memory-manager"], |code, document| {
        code == 1 && document["broken"] == "route"
    });
    assert_eq!(request(sent_to, "GET", "/-/ready").0, 0, "{document:#}");
    // The one that was asked is as rendered, and not the one that is sent to.
    let (_, document) = root.ask(&["verify"]);
    assert!(
        codes(&document).contains(&"another-alertmanager"),
        "{document:#}"
    );
    // Once it has had the time to be sent something, what it lacks is named too.
    let document = until(&root, &["verify"], |_, document| {
        codes(document).contains(&"alerts-not-received")
    });
    assert!(messages(&document).contains("Watchdog"), "{document:#}");
}
