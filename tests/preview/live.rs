//! A page with measured data: stand-ins for the services, a real Prometheus, the panels' own queries.

use crate::folder;
use monstack::value::Value;
use std::net::TcpListener;
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

/// A server of this test, ended with it.
struct Server(Child);

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0")
        .and_then(|listener| listener.local_addr())
        .expect("a free port")
        .port()
}

fn started(command: &mut Command, missing: &str) -> Server {
    Server(
        command
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap_or_else(|error| panic!("{missing}: {error}")),
    )
}

fn monstack(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_monstack"));
    command
        .args(["--root", env!("CARGO_MANIFEST_DIR")])
        .args(arguments);
    command
}

/// The rendered configuration, asking the stand-ins every second.
fn configuration(folder: &Path, offset: u16) {
    let rendered = Path::new(env!("CARGO_MANIFEST_DIR")).join("generated/monitoring");
    for name in [
        "recording_rules.yml",
        "signal_rules.yml",
        "alert_rules.yml",
        "self_monitoring_rules.yml",
    ] {
        std::fs::copy(rendered.join(name), folder.join(name)).expect("rules");
    }
    let text = std::fs::read_to_string(rendered.join("working_prometheus.yml"))
        .expect("the configuration");
    let line = |line: &str| {
        let (indent, key) = (line.len() - line.trim_start().len(), line.trim_start());
        let interval = [
            "scrape_interval:",
            "scrape_timeout:",
            "evaluation_interval:",
        ]
        .iter()
        .find(|name| key.starts_with(**name));
        match (interval, line.split_once("host.docker.internal:")) {
            (Some(name), _) => format!("{}{name} 1s", " ".repeat(indent)),
            (None, Some((before, behind))) => {
                let digits: String = behind.chars().take_while(char::is_ascii_digit).collect();
                let port: u16 = digits.parse().expect("a port");
                format!(
                    "{before}127.0.0.1:{}{}",
                    port + offset,
                    &behind[digits.len()..]
                )
            }
            _ => line.to_string(),
        }
    };
    std::fs::write(
        folder.join("prometheus.yml"),
        text.lines().map(line).collect::<Vec<String>>().join("\n"),
    )
    .expect("a file");
}

fn previewed(url: &str, page: &Path) -> Output {
    monstack(&[
        "preview",
        "--format",
        "json",
        "--prometheus-url",
        url,
        "--output",
    ])
    .arg(page)
    .output()
    .expect("it runs")
}

#[test]
fn every_panel_has_data_when_the_services_have() {
    let folder = folder("live");
    // Below the ports that the system gives away by itself.
    let offset = 12_000 + free_port() % 10_000;
    configuration(&folder, offset);
    // The control port is moved by the same offset.
    let (control, port) = ((free_port() - offset).to_string(), free_port());
    let _services = started(
        &mut monstack(&[
            "simulate",
            "--fault",
            "rl-orchestrator=errors",
            "--port-offset",
            &offset.to_string(),
            "--control-port",
            &control,
        ]),
        "simulate",
    );
    let listen = format!("--web.listen-address=127.0.0.1:{port}");
    let mut prometheus = Command::new("prometheus");
    prometheus.current_dir(&folder).args([
        "--config.file=prometheus.yml",
        "--storage.tsdb.path=data",
        &listen,
    ]);
    let _prometheus = started(
        &mut prometheus,
        "prometheus is missing: install the Debian package `prometheus`",
    );
    let (url, page) = (
        format!("http://127.0.0.1:{port}"),
        folder.join("preview.html"),
    );
    let begin = Instant::now();
    let mut last = String::new();
    while begin.elapsed() < Duration::from_secs(100) {
        std::thread::sleep(Duration::from_secs(3));
        let run = previewed(&url, &page);
        last = format!(
            "{}{}",
            String::from_utf8_lossy(&run.stdout),
            String::from_utf8_lossy(&run.stderr)
        );
        let told: Value = serde_json::from_slice(&run.stdout).unwrap_or_default();
        if told["empty"].as_array().is_some_and(Vec::is_empty)
            && told["findings"].as_array().is_some_and(|findings| {
                findings
                    .iter()
                    .all(|finding| finding["severity"] == "notice")
            })
        {
            let html = std::fs::read_to_string(&page).expect("the page");
            assert!(
                html.contains("Live data from")
                    && html.contains(&port.to_string())
                    && !html.contains("Simulated data")
            );
            assert!(html.contains("PENDING"), "an alert is about to fire");
            return;
        }
    }
    panic!("panels stay empty: {last}");
}

#[test]
fn a_server_that_is_not_there_is_one_sentence() {
    let folder = folder("nobody");
    let page = folder.join("preview.html");
    let run = previewed(&format!("http://127.0.0.1:{}", free_port()), &page);
    assert_eq!(run.status.code(), Some(2));
    assert!(
        String::from_utf8_lossy(&run.stdout).contains("nothing listens there"),
        "{run:?}"
    );
    assert!(!page.exists());
}
