//! Health probes with a real blackbox exporter and a real Prometheus: the module's verdicts, and what the verbs say of them.

mod ports;
mod shop;

use monstack::pipeline::run;
use monstack::value::Value;
use ports::free_ports;
use shop::{PLATFORM, SMALL};
use std::fs::{self, File};
use std::io::{ErrorKind, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

const PROGRAM: &str = env!("CARGO_BIN_EXE_monstack");
const EXPORTER: &str = "prometheus-blackbox-exporter";

/// A process that ends with its test.
struct Server(Child);

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn program(name: &str, package: &str) -> Command {
    match Command::new(name).arg("--version").output() {
        Err(error) if error.kind() == ErrorKind::NotFound => {
            panic!("{name} is missing: install Debian's package `{package}`")
        }
        other => other.expect("it starts"),
    };
    Command::new(name)
}

fn started(mut command: Command, log: &Path) -> Server {
    let log = File::create(log).expect("target/tmp is writable");
    Server(
        command
            .stdin(Stdio::null())
            .stdout(log.try_clone().expect("a second handle"))
            .stderr(log)
            .spawn()
            .expect("it starts"),
    )
}

fn exporter(config: &Path, port: u16) -> Server {
    let mut command = program(EXPORTER, EXPORTER);
    command
        .arg(format!("--config.file={}", config.display()))
        .arg(format!("--web.listen-address=127.0.0.1:{port}"));
    let server = started(command, &config.with_extension("log"));
    until("the exporter answers", || {
        request(port, "GET", "/-/healthy", "").0 == 200
    });
    server
}

fn folder(name: &str) -> PathBuf {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR"))
        .join("probe")
        .join(name);
    let _ = fs::remove_dir_all(&folder);
    fs::create_dir_all(&folder).expect("target/tmp is writable");
    folder
}

/// The module file of the real catalog.
fn modules(folder: &Path) -> PathBuf {
    let rendered = run(Path::new(env!("CARGO_MANIFEST_DIR")))
        .expect("readable")
        .rendered
        .expect("the real catalog renders");
    let path = folder.join("blackbox.yml");
    fs::write(
        &path,
        &rendered
            .file("monitoring/blackbox/blackbox.yml")
            .expect("an artifact")
            .text,
    )
    .expect("target/tmp is writable");
    path
}

/// HTTP 1.0, whose answers are not cut into chunks.
fn request(port: u16, method: &str, path: &str, headers: &str) -> (u16, String) {
    let Ok(mut stream) = TcpStream::connect(("127.0.0.1", port)) else {
        return (0, String::new());
    };
    stream
        .set_read_timeout(Some(Duration::from_secs(10)))
        .expect("a timeout");
    let _ = write!(
        stream,
        "{method} {path} HTTP/1.0\r\nHost: 127.0.0.1\r\nContent-Length: 0\r\nConnection: close\r\n{headers}\r\n"
    );
    let mut text = Vec::new();
    let _ = stream.read_to_end(&mut text);
    let text = String::from_utf8_lossy(&text).into_owned();
    (
        text.split(' ')
            .nth(1)
            .and_then(|word| word.parse().ok())
            .unwrap_or(0),
        text,
    )
}

fn until(what: &str, mut holds: impl FnMut() -> bool) {
    let start = Instant::now();
    while !holds() {
        assert!(
            start.elapsed() < Duration::from_secs(60),
            "not within a minute: {what}"
        );
        std::thread::sleep(Duration::from_millis(50));
    }
}

/// Answers as its path says, for as long as the test runs.
fn paths() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let port = listener.local_addr().expect("it is bound").port();
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            std::thread::spawn(move || respond(stream));
        }
    });
    port
}

fn respond(mut stream: TcpStream) {
    let mut read = [0; 2048];
    let length = stream.read(&mut read).unwrap_or(0);
    let text = String::from_utf8_lossy(&read[..length]).into_owned();
    let head = match text.split(' ').nth(1).unwrap_or_default() {
        "/well" => "200 OK",
        "/empty" => "204 No Content",
        "/redirect" => "302 Found\r\nLocation: /well",
        "/hanging" => return std::thread::sleep(Duration::from_secs(20)),
        _ => "503 Service Unavailable",
    };
    let _ = write!(
        stream,
        "HTTP/1.1 {head}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
    );
}

#[test]
fn the_exporter_accepts_the_module_file_and_refuses_a_broken_one() {
    let folder = folder("check");
    let path = modules(&folder);
    let check = || {
        program(EXPORTER, EXPORTER)
            .arg("--config.check")
            .arg(format!("--config.file={}", path.display()))
            .output()
            .expect("it starts")
    };
    let told = |output: &Output| String::from_utf8_lossy(&output.stderr).into_owned();
    let output = check();
    assert!(output.status.success(), "{}", told(&output));
    let text = fs::read_to_string(&path).expect("it was written");
    fs::write(&path, text.replace("follow_redirects", "follow_redirect"))
        .expect("target/tmp is writable");
    assert!(!check().status.success(), "a key that does not exist");
}

#[test]
fn well_is_an_answer_of_2xx_in_time_and_nothing_else() {
    let folder = folder("verdicts");
    let [port] = free_ports();
    let _exporter = exporter(&modules(&folder), port);
    let service = paths();
    for (path, success, status) in [
        ("/well", 1, 200),
        ("/empty", 1, 204),
        ("/failing", 0, 503),
        ("/redirect", 0, 302),
        ("/hanging", 0, 0),
    ] {
        let target = format!("/probe?module=health&target=http://127.0.0.1:{service}{path}");
        let (answered, text) = request(
            port,
            "GET",
            &target,
            "X-Prometheus-Scrape-Timeout-Seconds: 2\r\n",
        );
        assert_eq!(answered, 200, "{path}: {text}");
        for wanted in [
            format!("\nprobe_success {success}\n"),
            format!("\nprobe_http_status_code {status}\n"),
        ] {
            assert!(text.contains(&wanted), "{path} lacks {wanted:?}: {text}");
        }
    }
    let (answered, _) = request(
        port,
        "GET",
        &format!("/probe?module=other&target=http://127.0.0.1:{service}/well"),
        "",
    );
    assert_eq!(
        answered, 400,
        "what verify reads as a module that is not loaded"
    );
}

/// A probed and an unprobed service, and servers that belong to them.
struct Stack {
    folder: PathBuf,
    prometheus: u16,
    control: u16,
    exporter: Option<Server>,
    _servers: [Server; 2],
}

impl Stack {
    fn start() -> Stack {
        let folder = folder("stack");
        let [prometheus, alertmanager, exporter_port, control, one, two] = free_ports();
        let text = format!(
            "{PLATFORM}[prometheus]\naddress = \"127.0.0.1:{prometheus}\"\nalertmanagers = [\"host.docker.internal:{alertmanager}\"]\nscrape_interval = \"4s\"\nallow = [{{ check = \"unreachable-address\", reason = \"no container\" }}]\n\
             [blackbox]\naddress = \"127.0.0.1:{exporter_port}\"\n[groups.core]\ntitle = \"Core\"\n\
             [services.one]\ngroup = \"core\"\nport = {one}\nhealth_probe = true\n[services.two]\ngroup = \"core\"\nport = {two}\n\
             [alerts.ServiceDown]\nkind = \"down\"\nfor = \"5m\"\nseverity = \"critical\"\n"
        );
        fs::write(folder.join("services.toml"), text).expect("target/tmp is writable");
        let mut simulate = monstack(&folder, &["render"]);
        let output = simulate.output().expect("it starts");
        assert!(
            output.status.success(),
            "{}",
            String::from_utf8_lossy(&output.stderr)
        );
        let simulated = started(
            monstack(
                &folder,
                &["simulate", "--control-port", &control.to_string()],
            ),
            &folder.join("simulate.log"),
        );
        until("the stand-ins answer", || {
            request(control, "GET", "/faults", "").0 == 200
        });
        let rendered = folder.join("generated/monitoring");
        let exporter = Some(exporter(
            &rendered.join("blackbox/blackbox.yml"),
            exporter_port,
        ));
        for name in [
            "working_prometheus.yml",
            "recording_rules.yml",
            "signal_rules.yml",
            "alert_rules.yml",
            "self_monitoring_rules.yml",
        ] {
            let text = fs::read_to_string(rendered.join(name)).expect("it was rendered");
            fs::write(
                folder.join(name),
                text.replace("host.docker.internal", "127.0.0.1"),
            )
            .expect("target/tmp is writable");
        }
        let mut command = program("prometheus", "prometheus");
        command.arg(format!(
            "--config.file={}",
            folder.join("working_prometheus.yml").display()
        ));
        command
            .arg(format!(
                "--storage.tsdb.path={}",
                folder.join("data").display()
            ))
            .arg(format!("--web.listen-address=127.0.0.1:{prometheus}"));
        let server = started(command, &folder.join("prometheus.log"));
        Stack {
            folder,
            prometheus,
            control,
            exporter,
            _servers: [simulated, server],
        }
    }

    /// Waits for Prometheus to see it.
    fn sees(&self, query: &str, value: &str) {
        let path = format!("/api/v1/query?query={query}");
        until(&format!("{query} is {value}"), || {
            request(self.prometheus, "GET", &path, "")
                .1
                .contains(&format!(",\"{value}\"]"))
        });
    }

    fn ask(&self, verb: &[&str]) -> Value {
        let url = format!("http://127.0.0.1:{}", self.prometheus);
        let output = monstack(
            &self.folder,
            &[verb, &["--format", "json", "--prometheus-url", &url]].concat(),
        )
        .output()
        .expect("it starts");
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        serde_json::from_str(&text).unwrap_or_else(|error| {
            panic!(
                "{error}: {text} {}",
                String::from_utf8_lossy(&output.stderr)
            )
        })
    }

    /// The state of verify's line about the probes, and its findings about health.
    fn probes(&self) -> (String, Vec<(String, String)>) {
        let document = self.ask(&["verify"]);
        let text = |value: &Value| value.as_str().unwrap_or_default().to_string();
        let findings = document["findings"]
            .as_array()
            .expect("findings")
            .iter()
            .map(|finding| (text(&finding["code"]), text(&finding["message"])));
        let about = findings
            .filter(|(code, _)| {
                code.starts_with("probe") || code == "health-fails" || code == "config-not-loaded"
            })
            .collect();
        (text(&document["checks"]["probes"]["state"]), about)
    }

    /// What why says of the link `health`.
    fn health(&self, service: &str) -> (String, String) {
        let document = self.ask(&["why", service]);
        let link = document["links"]
            .as_array()
            .expect("links")
            .iter()
            .find(|link| link["link"] == "health")
            .expect("a link")
            .clone();
        (
            link["state"].as_str().unwrap_or_default().into(),
            link["note"].as_str().unwrap_or_default().into(),
        )
    }
}

fn monstack(folder: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new(PROGRAM);
    command.arg("--root").arg(folder).args(arguments);
    ["PROMETHEUS_URL", "ALERTMANAGER_URL", "GRAFANA_URL"]
        .iter()
        .for_each(|name| {
            command.env_remove(name);
        });
    command
}

#[test]
fn verify_and_why_tell_a_failing_health_check_from_a_probe_that_is_not_made() {
    let mut stack = Stack::start();
    stack.sees("probe_success", "1");
    stack.sees("count(up==1)", "4");
    assert_eq!(stack.probes(), ("1/1".to_string(), Vec::new()));
    let (state, note) = stack.health("one");
    assert!(
        state == "ok" && note.ends_with("; the probe succeeds"),
        "{state} {note}"
    );
    let (state, note) = stack.health("two");
    assert!(state == "ok" && !note.contains("probe"), "{state} {note}");

    assert_eq!(
        request(stack.control, "PUT", "/faults/one/health-fails", "").0,
        200
    );
    stack.sees("probe_success", "0");
    stack.sees("job:shop_up:max", "1");
    let (state, findings) = stack.probes();
    assert_eq!(
        (state.as_str(), findings.len(), findings[0].0.as_str()),
        ("0/1", 1, "health-fails"),
        "{findings:?}"
    );
    let (state, note) = stack.health("one");
    assert!(
        state == "fail" && note.contains("one is unhealthy"),
        "{state} {note}"
    );

    assert_eq!(request(stack.control, "DELETE", "/faults/one", "").0, 200);
    stack.sees("probe_success", "1");

    stack.exporter = None;
    stack.sees("up{job=\"health-probe\"}", "0");
    let (state, findings) = stack.probes();
    assert_eq!(
        (state.as_str(), findings.len(), findings[0].0.as_str()),
        ("0/1", 1, "probe-target-down"),
        "{findings:?}"
    );
    let (state, note) = stack.health("one");
    assert!(
        state == "fail" && note.contains("the blackbox exporter gives no answer"),
        "{state} {note}"
    );
}

#[test]
fn a_service_whose_metrics_answer_while_its_health_fails_raises_service_down_in_the_drill() {
    for (name, package) in [
        ("prometheus", "prometheus"),
        ("prometheus-alertmanager", "prometheus-alertmanager"),
        (EXPORTER, EXPORTER),
    ] {
        program(name, package);
    }
    let output = monstack(
        Path::new(env!("CARGO_MANIFEST_DIR")),
        &["drill", "--only", "ServiceDown", "--format", "json"],
    )
    .output()
    .expect("it starts");
    let (text, progress) = (
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr),
    );
    assert_eq!(output.status.code(), Some(0), "{text}\n{progress}");
    let document: Value = serde_json::from_str(&text).expect("JSON");
    let row = document["drill"]
        .as_array()
        .expect("rows")
        .iter()
        .find(|row| row["fault"] == "health-fails")
        .expect("a row for the health check")
        .clone();
    for step in [
        "pending_seconds",
        "firing_seconds",
        "delivered_seconds",
        "resolved_seconds",
    ] {
        assert!(row[step].is_number(), "{step}: {row}");
    }
    let service = row["service"].as_str().expect("a service");
    assert!(
        progress.contains(&format!(
            "ServiceDown@{service}: firing: {service} answers scrapes, but its health check fails."
        )),
        "{progress}"
    );
    assert!(!progress.contains("left out"), "{progress}");
}

#[test]
fn a_drill_without_the_exporter_names_the_package_only_when_something_is_probed() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let output = monstack(
        root,
        &[
            "drill",
            "--only",
            "ServiceDown",
            "--blackbox-bin",
            "./no-such-program",
        ],
    )
    .output()
    .expect("it starts");
    let told = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(2), "{told}");
    assert!(
        told.contains(
            "Debian's package prometheus-blackbox-exporter has it, --blackbox-bin says where"
        ),
        "{told}"
    );

    let folder = folder("unprobed");
    let alert = "[alerts.Down]\nkind = \"down\"\nfor = \"2m\"\nseverity = \"warning\"\n";
    let text = format!("{}{alert}", SMALL);
    fs::write(folder.join("services.toml"), text).expect("target/tmp is writable");
    let output = monstack(&folder, &["drill", "--blackbox-bin", "./no-such-program"])
        .output()
        .expect("it starts");
    let told = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(0), "{told}");
    assert!(!told.contains("health-fails"), "{told}");
}
