//! The stand-ins: what they expose, how faults are switched, how much memory a thousand of them take.

use super::ports::free_ports;
use super::stack::{Server, answers, request, root};
use std::fs;
use std::io::Write;
use std::process::{Command, Stdio};

#[test]
fn stand_ins_expose_what_promtool_accepts_and_take_faults_while_they_run() {
    let root = root("");
    let _services = root.simulate(&[]);
    let (status, body) = request(root.control, "GET", "/faults");
    assert_eq!(status, 200);
    let faults: monstack::value::Value = serde_json::from_str(body.trim()).unwrap();
    assert_eq!(faults.as_object().unwrap().len(), 12);
    let text = fs::read_to_string(root.folder.join("services.toml")).unwrap();
    let port: u16 = text
        .split("[services.websocket-service]")
        .nth(1)
        .unwrap()
        .split("port = ")
        .nth(1)
        .unwrap()
        .split('\n')
        .next()
        .unwrap()
        .parse()
        .unwrap();
    let (_, metrics) = request(port, "GET", "/metrics");
    assert!(metrics.contains("agent_lightning_websocket_connections_total"));
    for status in ["200", "404", "500"] {
        assert!(
            metrics.contains(&format!("agent_lightning_requests_total{{method=\"DELETE\",endpoint=\"/items\",status=\"{status}\"}}")),
            "{status} is not initialised"
        );
    }
    let mut promtool = Command::new("promtool")
        .args(["check", "metrics"])
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap_or_else(|error| panic!("promtool: {error}; install Debian's package prometheus"));
    promtool
        .stdin
        .take()
        .unwrap()
        .write_all(metrics.as_bytes())
        .unwrap();
    let output = promtool.wait_with_output().unwrap();
    assert_eq!(
        output.status.code(),
        Some(0),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );

    assert_eq!(
        request(root.control, "PUT", "/faults/websocket-service/stalled").0,
        400,
        "it trips no alert there"
    );
    assert_eq!(request(root.control, "PUT", "/faults/nobody/down").0, 404);
    assert_eq!(
        request(
            root.control,
            "PUT",
            "/faults/websocket-service/no-such-fault"
        )
        .0,
        400
    );
    root.fault("PUT", "websocket-service/down");
    assert_eq!(request(port, "GET", "/health").0, 0);
    root.fault("DELETE", "websocket-service");
    answers(port, "/health");
}

#[test]
fn a_port_that_is_taken_is_said() {
    let root = root("");
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let path = root.folder.join("services.toml");
    let text = fs::read_to_string(&path).unwrap();
    let first = text
        .split("port = ")
        .nth(1)
        .unwrap()
        .split('\n')
        .next()
        .unwrap()
        .to_string();
    fs::write(
        &path,
        text.replace(
            &format!("port = {first}\n"),
            &format!("port = {}\n", taken.local_addr().unwrap().port()),
        ),
    )
    .unwrap();
    let output = root.run(&[
        "simulate",
        "--control-port",
        &free_ports::<1>()[0].to_string(),
    ]);
    let message = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(2));
    assert!(
        message.contains("cannot stand in for agent-coordinator") && message.contains("in use"),
        "{message}"
    );
}

#[test]
fn services_of_several_machines_share_a_port_and_are_told_apart() {
    let root = root("");
    let [port] = free_ports();
    let path = root.folder.join("services.toml");
    let text = fs::read_to_string(&path).unwrap();
    let host = |name: &str| {
        format!(
            "\n[services.{name}]\ngroup = \"ai\"\nport = {port}\nruns_on = \"{name}.example.org\"\nbuild = false\n"
        )
    };
    fs::write(&path, text + &host("first") + &host("second")).unwrap();
    let control = root.control.to_string();
    let arguments = [
        "simulate",
        "first",
        "second",
        "--control-port",
        &control,
        "--format",
        "json",
    ];
    let mut child = root
        .command(&arguments)
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut stdout = child.stdout.take().unwrap();
    let server = Server(child);
    answers(root.control, "/faults");
    let ask = |name: &str| {
        let host = format!("{name}.example.org:{port}");
        let mut stream = std::net::TcpStream::connect(("127.0.0.1", port)).unwrap();
        let ask = format!("GET /health HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n");
        stream.write_all(ask.as_bytes()).unwrap();
        let mut text = String::new();
        let _ = std::io::Read::read_to_string(&mut stream, &mut text);
        text
    };
    for name in ["first", "second"] {
        let said = ask(name);
        assert!(said.contains(&format!("\"service\":\"{name}\"")), "{said}");
    }
    assert!(ask("third").contains("421 "), "{}", ask("third"));
    // One that is down is that alone.
    root.fault("PUT", "first/down");
    assert!(ask("first").is_empty() && ask("second").contains("200 OK"));
    let stopped = Command::new("kill").arg(server.0.id().to_string()).status();
    assert!(stopped.unwrap().success());
    let mut said = String::new();
    std::io::Read::read_to_string(&mut stdout, &mut said).unwrap();
    let document: monstack::value::Value = serde_json::from_str(&said).expect("one document");
    assert_eq!(
        document["stand_ins"].as_array().unwrap().len(),
        2,
        "{document:#}"
    );
}

/// Under a fault all that is counted fails, and without one the series of failures are there and stand still.
#[test]
fn the_events_of_a_histogram_fail_as_an_alert_counts_them() {
    let [port] = free_ports();
    let root = root(&format!(
        r#"
[services.pages]
group = "ai"
port = {port}

[metrics.page_seconds]
type = "histogram"
help = "How long pages take"
services = ["pages"]
buckets = [0.1, 1]
labels = {{ status = "[1-5][0-9]{{2}}" }}

[alerts.PagesFail]
kind = "ratio"
errors = {{ metric = "page_seconds_count", where = {{ status = "5.." }} }}
above = 0.05
"#
    ));
    let counted = || {
        let (_, metrics) = request(port, "GET", "/metrics");
        let of = |failed: bool| -> f64 {
            let counts = metrics.lines().filter_map(|line| {
                let rest = line.strip_prefix("agent_lightning_page_seconds_count{status=\"")?;
                let count = rest.split(' ').nth(1)?;
                (rest.starts_with('5') == failed).then(|| count.parse::<f64>().unwrap())
            });
            counts.sum()
        };
        (of(true), of(false))
    };
    let _services = root.simulate(&["pages"]);
    let until = |enough: &dyn Fn((f64, f64)) -> bool| {
        let began = std::time::Instant::now();
        while !enough(counted()) && began.elapsed().as_secs() < 60 {
            std::thread::sleep(std::time::Duration::from_millis(200));
        }
        counted()
    };
    let (failed, well) = until(&|(_, well)| well > 40.0);
    assert!(well > 40.0 && failed == 0.0, "{failed} of {well}");
    root.fault("PUT", "pages/ratio-errors:PagesFail");
    let (failed, _) = until(&|(failed, _)| failed > 40.0);
    assert!(failed > 40.0, "{failed}");
}

/// The sum of the series that begin so, of which there is one at least.
fn sum(port: u16, begins: &str) -> f64 {
    let (_, metrics) = request(port, "GET", "/metrics");
    let lines = metrics.lines().filter(|line| line.starts_with(begins));
    let values = lines.map(|line| line.rsplit(' ').next().unwrap().parse::<f64>().unwrap());
    values.reduce(|sum, value| sum + value).unwrap()
}

/// Healthy, all that is added up is within the threshold; under a fault it is past it.
#[test]
fn what_an_alert_adds_up_is_shared_among_the_series() {
    let [port] = free_ports();
    let root = root(&format!(
        r#"
[services.database]
group = "ai"
port = {port}

[metrics.connections]
type = "gauge"
help = "Connections"
services = ["database"]
labels = {{ state = ["active", "idle", "waiting"], name = ["shop", "staff"] }}

[metrics.connections_limit]
type = "gauge"
help = "The most connections at once"
services = ["database"]

[alerts.Connections]
kind = "saturation"
used = "connections"
limit = "connections_limit"
combine = "sum"
above = 0.8
"#
    ));
    let share = || {
        let used = sum(port, "agent_lightning_connections{");
        used / sum(port, "agent_lightning_connections_limit")
    };
    let _services = root.simulate(&["database"]);
    let healthy = share();
    assert!(healthy > 0.0 && healthy < 0.8, "{healthy}");
    root.fault("PUT", "database/saturation:Connections");
    let faulty = share();
    assert!(faulty > 0.8, "{faulty}");
}

/// Between an alert on too much and one on too little.
#[test]
fn what_may_be_neither_high_nor_low_is_between_the_two() {
    let [port] = free_ports();
    let root = root(&format!(
        r#"
[services.grid]
group = "ai"
port = {port}

[metrics.frequency_hertz]
type = "gauge"
help = "Of the grid"
services = ["grid"]

[alerts.FrequencyHigh]
kind = "threshold"
metric = "frequency_hertz"
above = {{ warning = 50.2, critical = 50.5 }}

[alerts.FrequencyLow]
kind = "threshold"
metric = "frequency_hertz"
below = 49.8
"#
    ));
    let shown = || sum(port, "agent_lightning_frequency_hertz");
    let _services = root.simulate(&["grid"]);
    assert!(shown() > 49.8 && shown() < 50.2, "{}", shown());
    root.fault("PUT", "grid/threshold:FrequencyLow");
    assert!(shown() < 49.8, "{}", shown());
    root.fault("PUT", "grid/threshold:FrequencyHighWarning");
    assert!(shown() > 50.2, "{}", shown());
}

/// Below the ports that the system, these tests and drills choose from.
const FIRST_OF_MANY: usize = 12_000;

#[test]
fn a_thousand_stand_ins_fit_in_64_mib() {
    let root = root("");
    let services: String = (0..988)
        .map(|index| {
            format!(
                "\n[services.many-{index}]\ngroup = \"ai\"\nport = {}\n",
                FIRST_OF_MANY + index
            )
        })
        .collect();
    let path = root.folder.join("services.toml");
    let text = fs::read_to_string(&path).unwrap();
    fs::write(&path, text + &services).unwrap();
    let server = root.simulate(&[]);
    for index in (0..988).step_by(7) {
        assert_eq!(
            request((FIRST_OF_MANY + index) as u16, "GET", "/metrics").0,
            200
        );
    }
    let status = fs::read_to_string(format!("/proc/{}/status", server.0.id())).unwrap();
    let peak: u64 = status
        .lines()
        .find_map(|line| line.strip_prefix("VmHWM:"))
        .unwrap()
        .trim()
        .trim_end_matches(" kB")
        .parse()
        .unwrap();
    assert!(peak < 64 * 1024, "{peak} kB");
}
