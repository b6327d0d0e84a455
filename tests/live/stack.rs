//! A catalog in a temporary folder, and real servers on free loopback ports; everything ends with its test.

use crate::ports::free_ports;
use monstack::value::Value;
use std::fs::{self, File};
use std::io::{Read, Write};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

pub const PROGRAM: &str = env!("CARGO_BIN_EXE_monstack");

/// A process that is ended, by its id, when the test is over.
pub struct Server(pub Child);

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// A root with a catalog of its own.
pub struct Root {
    pub folder: PathBuf,
    pub prometheus: u16,
    pub alertmanager: u16,
    pub control: u16,
}

impl Drop for Root {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.folder);
    }
}

/// The first catalog on free ports, with someone to notify; `more` is appended.
pub fn root(more: &str) -> Root {
    static COUNT: AtomicUsize = AtomicUsize::new(0);
    let folder = std::env::temp_dir().join(format!(
        "monstack-live-{}-{}",
        std::process::id(),
        COUNT.fetch_add(1, Ordering::Relaxed)
    ));
    fs::create_dir_all(&folder).unwrap();
    let mut text =
        fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("services.toml")).unwrap();
    let ports = free_ports::<15>();
    let (prometheus, alertmanager, control) = (ports[0], ports[1], ports[2]);
    for (index, port) in ports[3..].iter().enumerate() {
        text = text.replace(
            &format!("port = {}\n", 8001 + index),
            &format!("port = {port}\n"),
        );
    }
    text = text.replace(
        "alertmanager:9093",
        &format!("host.docker.internal:{alertmanager}"),
    );
    text = text.replace(
        "[prometheus]\n",
        &format!("[prometheus]\naddress = \"127.0.0.1:{prometheus}\"\n"),
    );
    // Probes have servers and tests of their own: tests/probe.rs.
    text = text.replace("health_probe = true\n", "");
    fs::write(folder.join("services.toml"), text + more).unwrap();
    let root = Root {
        folder,
        prometheus,
        alertmanager,
        control,
    };
    root.render();
    root
}

/// A catalog of the tests in a folder of its own, rendered.
pub fn case(name: &str) -> Root {
    static COUNT: AtomicUsize = AtomicUsize::new(0);
    let folder = std::env::temp_dir().join(format!(
        "monstack-live-{name}-{}-{}",
        std::process::id(),
        COUNT.fetch_add(1, Ordering::Relaxed)
    ));
    fs::create_dir_all(&folder).unwrap();
    let cases = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/cases");
    let catalog = cases.join(name).join("services.toml");
    fs::copy(catalog, folder.join("services.toml")).unwrap();
    let root = Root {
        folder,
        prometheus: 0,
        alertmanager: 0,
        control: 0,
    };
    assert_eq!(root.run(&["render"]).status.code(), Some(0), "{name}");
    root
}

impl Root {
    /// Renders its catalog, which must be right.
    pub fn render(&self) {
        let rendered = self.run(&["render"]);
        assert_eq!(
            rendered.status.code(),
            Some(0),
            "{}",
            String::from_utf8_lossy(&rendered.stderr)
        );
    }

    /// Runs a verb to its end.
    pub fn run(&self, arguments: &[&str]) -> Output {
        self.command(arguments).output().unwrap()
    }

    pub fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(PROGRAM);
        command
            .arg("--root")
            .arg(&self.folder)
            .args(arguments)
            .env_remove("PROMETHEUS_URL")
            .env_remove("ALERTMANAGER_URL")
            .env_remove("GRAFANA_URL");
        command
    }

    /// Asks the servers of this root; exit code and JSON document.
    pub fn ask(&self, arguments: &[&str]) -> (i32, Value) {
        let urls = [
            format!("http://127.0.0.1:{}", self.prometheus),
            format!("http://127.0.0.1:{}", self.alertmanager),
        ];
        let output = self.run(
            &[
                arguments,
                &[
                    "--format",
                    "json",
                    "--prometheus-url",
                    &urls[0],
                    "--alertmanager-url",
                    &urls[1],
                ],
            ]
            .concat(),
        );
        let text = String::from_utf8(output.stdout).unwrap();
        let document = serde_json::from_str(&text).unwrap_or_else(|error| {
            panic!(
                "{error}: {text} {}",
                String::from_utf8_lossy(&output.stderr)
            )
        });
        (output.status.code().unwrap(), document)
    }

    pub fn simulate(&self, more: &[&str]) -> Server {
        let control = self.control.to_string();
        let folder = self.folder.to_str().unwrap();
        let own = ["--root", folder, "simulate", "--control-port", &control];
        let server = self.spawn(PROGRAM, "", &[&own[..], more].concat());
        self.answering(server, PROGRAM, self.control, "/faults")
    }

    /// The rendered configuration where `host.docker.internal` is this machine.
    pub fn install(&self) {
        let (from, to) = (
            self.folder.join("generated/monitoring"),
            self.folder.join("installed"),
        );
        fs::create_dir_all(&to).unwrap();
        for name in [
            "working_prometheus.yml",
            "alert_rules.yml",
            "recording_rules.yml",
            "signal_rules.yml",
            "self_monitoring_rules.yml",
        ] {
            let text = fs::read_to_string(from.join(name)).unwrap();
            fs::write(
                to.join(name),
                text.replace("host.docker.internal", "127.0.0.1"),
            )
            .unwrap();
        }
    }

    pub fn prometheus(&self) -> Server {
        self.install();
        let folder = self.folder.display();
        let server = self.spawn(
            "prometheus",
            "prometheus",
            &[
                &format!("--config.file={folder}/installed/working_prometheus.yml"),
                &format!("--storage.tsdb.path={folder}/data"),
                &format!("--web.listen-address=127.0.0.1:{}", self.prometheus),
                "--web.enable-lifecycle",
            ],
        );
        self.answering(server, "prometheus", self.prometheus, "/-/ready")
    }

    pub fn alertmanager(&self) -> Server {
        let rendered = "generated/monitoring/alertmanager/alertmanager.yml";
        self.alertmanager_with(&self.folder.join(rendered))
    }

    /// The Alertmanager with a configuration of one's own.
    pub fn alertmanager_with(&self, config: &Path) -> Server {
        let program = "prometheus-alertmanager";
        let server = self.spawn(
            program,
            program,
            &[
                &format!("--config.file={}", config.display()),
                &format!("--storage.path={}/alertmanager", self.folder.display()),
                &format!("--web.listen-address=127.0.0.1:{}", self.alertmanager),
                "--cluster.listen-address=",
            ],
        );
        self.answering(server, program, self.alertmanager, "/-/ready")
    }

    pub fn spawn(&self, program: &str, package: &str, arguments: &[&str]) -> Server {
        let log = File::create(self.log(program)).unwrap();
        let child = Command::new(program)
            .args(arguments)
            .stdin(Stdio::null())
            .stdout(log.try_clone().unwrap())
            .stderr(log)
            .spawn();
        Server(child.unwrap_or_else(|error| {
            panic!("{program}: {error}; install Debian's package {package}")
        }))
    }

    /// Waits until a server answers; one that ends instead is shown with what it said.
    pub fn answering(&self, mut server: Server, program: &str, port: u16, path: &str) -> Server {
        let start = Instant::now();
        while !answers_now(port, path) {
            let ended = server.0.try_wait().unwrap();
            assert!(
                ended.is_none() && start.elapsed() < Duration::from_secs(120),
                "{program} does not answer at 127.0.0.1:{port}{path} ({ended:?}): {}",
                fs::read_to_string(self.log(program)).unwrap()
            );
            std::thread::sleep(Duration::from_millis(50));
        }
        server
    }

    fn log(&self, program: &str) -> PathBuf {
        let name = Path::new(program).file_name().unwrap();
        self.folder.join(format!("{}.log", name.display()))
    }

    /// Breaks (`PUT /faults/SERVICE/KIND`) or fixes (`DELETE /faults/SERVICE`) a stand-in.
    pub fn fault(&self, method: &str, path: &str) {
        let (status, body) = request(self.control, method, &format!("/faults/{path}"));
        assert_eq!(status, 200, "{body}");
        std::thread::sleep(Duration::from_millis(100));
    }
}

/// Waits until a port answers 200.
pub fn answers(port: u16, path: &str) {
    let start = Instant::now();
    while start.elapsed() < Duration::from_secs(120) {
        if answers_now(port, path) {
            return;
        }
        std::thread::sleep(Duration::from_millis(50));
    }
    panic!("nothing answers at 127.0.0.1:{port}{path}");
}

fn answers_now(port: u16, path: &str) -> bool {
    TcpStream::connect(("127.0.0.1", port)).is_ok() && request(port, "GET", path).0 == 200
}

/// One HTTP request, by hand.
pub fn request(port: u16, method: &str, path: &str) -> (u16, String) {
    request_with(port, method, path, "")
}

/// The same with header lines, each with its end.
pub fn request_with(port: u16, method: &str, path: &str, headers: &str) -> (u16, String) {
    let Ok(mut stream) = TcpStream::connect(("127.0.0.1", port)) else {
        return (0, String::new());
    };
    stream
        .set_read_timeout(Some(Duration::from_secs(10)))
        .unwrap();
    let _ = write!(
        stream,
        "{method} {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 0\r\n{headers}Connection: close\r\n\r\n"
    );
    let mut text = Vec::new();
    let _ = stream.read_to_end(&mut text);
    let text = String::from_utf8_lossy(&text).into_owned();
    let status = text
        .split(' ')
        .nth(1)
        .and_then(|word| word.parse().ok())
        .unwrap_or(0);
    (
        status,
        text.split_once("\r\n\r\n")
            .map_or(String::new(), |(_, body)| body.to_string()),
    )
}

/// The codes of a document's findings.
pub fn codes(document: &Value) -> Vec<&str> {
    document["findings"]
        .as_array()
        .unwrap()
        .iter()
        .filter_map(|finding| finding["code"].as_str())
        .collect()
}

/// The messages of a document's errors.
pub fn messages(document: &Value) -> String {
    let errors = document["findings"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|finding| finding["severity"] == "error");
    errors
        .map(|finding| format!("{}\n", finding["message"].as_str().unwrap()))
        .collect()
}
