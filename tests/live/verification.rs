//! `verify` and `why` beside a stack that runs as rendered, then breaks in one way after another.

use super::stack::{codes, messages, request, root};
use std::fs;

/// A fault, the finding of `verify`, and the link at which `why` stops.
const BROKEN: [(&str, &str, &str); 13] = [
    ("down", "service-unreachable", "reachable"),
    ("hanging", "service-unreachable", "reachable"),
    ("unauthorized", "scrape-status", "http"),
    ("endless", "service-unreachable", "http"),
    ("garbage", "metrics-parse", "parsed"),
    ("wrong-content-type", "json-quoted-metrics", "parsed"),
    ("web-page", "web-page", "http"),
    ("not-a-number", "metric-nan", "metrics"),
    ("cut-histogram", "histogram-buckets", "metrics"),
    ("health-fails", "health-fails", "health"),
    ("metric-missing", "metric-vanished", "metrics"),
    ("reset", "counter-backwards", "metrics"),
    ("slow", "scrape-too-slow", "http"),
];

/// The findings about a service.
fn about<'a>(document: &'a monstack::value::Value, service: &str) -> Vec<&'a str> {
    let findings = document["findings"].as_array().unwrap().iter();
    findings
        .filter(|finding| finding["service"] == service)
        .map(|finding| finding["code"].as_str().unwrap())
        .collect()
}

/// Whatever `verify` finds about a service, `why` finds too; returns what the former found.
fn both(root: &super::stack::Root, kind: &str) -> (monstack::value::Value, monstack::value::Value) {
    let patience = ["--timeout", "2500ms"];
    let (_, verified) = root.ask(&[&["verify"], &patience[..]].concat());
    valid(root, &verified);
    let walk = [&["why", "memory-manager", "--all-links"], &patience[..]];
    let (_, walked) = root.ask(&walk.concat());
    let walk = about(&walked, "memory-manager");
    for code in about(&verified, "memory-manager") {
        assert!(
            walk.contains(&code),
            "{kind}: `why` does not find {code}: {walked:#}"
        );
    }
    (verified, walked)
}

/// The faults that stand-ins can have, as `simulate --help` lists them.
fn faults(root: &super::stack::Root) -> Vec<String> {
    let output = root.run(&["simulate", "--help"]);
    let help = String::from_utf8(output.stdout).unwrap();
    let list = help.split("Kinds of faults:\n").nth(1).unwrap();
    let lines = list.lines().take_while(|line| !line.trim().is_empty());
    let words = lines.filter_map(|line| line.split_whitespace().next());
    words.map(str::to_string).collect()
}

#[test]
fn a_stack_is_verified_and_each_break_is_named() {
    let mut root = root(super::RECEIVERS);
    // Prometheus remembers a broken scrape until the next one.
    let path = root.folder.join("services.toml");
    let text = fs::read_to_string(&path).unwrap();
    fs::write(
        &path,
        text.replacen("scrape_interval = \"10s\"", "scrape_interval = \"1s\"", 1),
    )
    .unwrap();
    assert_eq!(root.run(&["render"]).status.code(), Some(0));
    let _alertmanager = root.alertmanager();
    let _services = root.simulate(&[]);
    let _prometheus = root.prometheus();
    let (code, document) = root.ask(&["verify", "--wait", "60s", "--traffic"]);
    assert_eq!(code, 0, "{document:#}");
    assert_eq!(document["checks"]["targets"]["state"], "12/12");
    assert_eq!(document["checks"]["services"]["state"], "12/12");
    assert_eq!(eight_rules(root.prometheus), 8);
    reports(&root, &document);
    let (code, document) = root.ask(&["verify", "--wait", "30s"]);
    assert_eq!(code, 0, "{document:#}");
    let (code, document) = root.ask(&["why", "memory-manager"]);
    assert_eq!(code, 0, "{document:#}");
    assert!(
        document["links"]
            .as_array()
            .unwrap()
            .iter()
            .take(12)
            .all(|link| link["state"] == "ok"),
        "{document:#}"
    );

    for (kind, finding, link) in BROKEN {
        root.fault("PUT", &format!("memory-manager/{kind}"));
        let (document, walked) = both(&root, kind);
        assert!(codes(&document).contains(&finding), "{kind}: {document:#}");
        assert!(
            messages(&document)
                .lines()
                .all(|message| message.contains("memory-manager")),
            "{kind}: {document:#}"
        );
        assert_eq!(walked["broken"], link, "{kind}: {walked:#}");
        if kind == "down" {
            let (code, _) = root.ask(&["why", "agent-designer"]);
            assert_eq!(code, 0, "{kind} broke another service too");
        }
        root.fault("DELETE", "memory-manager");
        std::thread::sleep(std::time::Duration::from_millis(1100));
        let (code, document) = root.ask(&["verify", "--wait", "30s"]);
        assert_eq!(code, 0, "{kind} was fixed: {document:#}");
    }
    // Of what the kinds of alerts say, and of what only needs a word.
    let others = faults(&root);
    let others = others.iter().filter(|name| {
        let mut known = BROKEN.iter();
        !known.any(|(kind, ..)| kind == name)
    });
    let mut had = 0;
    for kind in others {
        let path = format!("/faults/memory-manager/{kind}");
        if request(root.control, "PUT", &path).0 != 200 {
            continue;
        }
        had += 1;
        let (document, _) = both(&root, kind);
        if kind == "redirect" {
            let mut found = about(&document, "memory-manager");
            // The faults before it came and went.
            found.retain(|code| *code != "flapping");
            assert!(
                found == ["scrape-redirect"] && messages(&document).is_empty(),
                "Prometheus follows it: {document:#}"
            );
        }
        root.fault("DELETE", "memory-manager");
    }
    assert!(had > 3, "{had} more faults");

    a_configuration_that_was_not_reloaded(&mut root);
}

/// Against the schema that `verify` prints itself.
fn valid(root: &super::stack::Root, document: &monstack::value::Value) {
    let schema = root.run(&["verify", "--report-schema"]).stdout;
    let schema: serde_json::Value = serde_json::from_slice(&schema).unwrap();
    let validator = jsonschema::validator_for(&schema).unwrap();
    let document = document.into();
    let wrong: Vec<String> = validator
        .iter_errors(&document)
        .map(|error| error.to_string())
        .collect();
    assert!(wrong.is_empty(), "{wrong:?}: {document:#}");
}

/// The same verification in every format, and as metrics.
fn reports(root: &super::stack::Root, document: &monstack::value::Value) {
    valid(root, document);
    assert_eq!(
        document["checks"]["traffic"]["state"], "12/12",
        "{document:#}"
    );
    assert_eq!(document["services"].as_array().unwrap().len(), 12);
    let urls = [
        format!("--prometheus-url=http://127.0.0.1:{}", root.prometheus),
        format!("--alertmanager-url=http://127.0.0.1:{}", root.alertmanager),
    ];
    let verify = |more: &[&str]| {
        let own = ["verify", urls[0].as_str(), urls[1].as_str()];
        let output = root.run(&[&own[..], more].concat());
        (
            output.status.code(),
            String::from_utf8(output.stdout).unwrap(),
        )
    };
    root.fault("PUT", "memory-manager/down");
    let (code, junit) = verify(&["--format", "junit"]);
    assert_eq!(code, Some(1), "{junit}");
    for part in [
        "<testcase classname=\"monstack.services\" name=\"agent-designer\"/>",
        "<testcase classname=\"monstack.services\" name=\"memory-manager\">",
        "<failure type=\"service-unreachable\"",
    ] {
        assert!(junit.contains(part), "{part}: {junit}");
    }
    let (code, page) = verify(&["--format", "html"]);
    assert_eq!(code, Some(1), "{page}");
    for part in [
        "<!DOCTYPE html>",
        "service-unreachable",
        "What to do",
        "start it, listening on",
    ] {
        assert!(page.contains(part), "{part}: {page}");
    }
    served(root, &urls);
    root.fault("DELETE", "memory-manager");
    // The other Prometheus is none: each format says so in its own way.
    let none = format!(
        "--prometheus-url=http://127.0.0.1:{}",
        super::ports::free_ports::<1>()[0]
    );
    for (format, part) in [
        ("junit", "<error message="),
        ("html", "Nothing could be verified"),
    ] {
        let output = root.run(&["verify", &none, "--format", format]);
        let said = String::from_utf8(output.stdout).unwrap();
        assert_eq!(output.status.code(), Some(2), "{said}");
        assert!(said.contains(part), "{said}");
    }
}

/// As metrics, of which a finding that is gone has no series.
fn served(root: &super::stack::Root, urls: &[String; 2]) {
    let port = super::ports::free_ports::<1>()[0];
    let address = format!("127.0.0.1:{port}");
    let folder = root.folder.to_str().unwrap();
    let own = [
        "--root",
        folder,
        "verify",
        urls[0].as_str(),
        urls[1].as_str(),
    ];
    let more = ["--serve", &address, "--every", "1s"];
    let program = super::stack::PROGRAM;
    let exporter = root.spawn(program, "", &[&own[..], &more].concat());
    let _exporter = root.answering(exporter, program, port, "/health");
    let series =
        "monstack_verify_findings{service=\"memory-manager\",check=\"service-unreachable\"} 1";
    let there = |wanted: bool| {
        (0..100).any(|_| {
            std::thread::sleep(std::time::Duration::from_millis(200));
            let text = request(port, "GET", "/metrics").1;
            text.contains("monstack_verify_success 1") && text.contains(series) == wanted
        })
    };
    assert!(there(true), "{}", request(port, "GET", "/metrics").1);
    root.fault("DELETE", "memory-manager");
    assert!(there(false), "{}", request(port, "GET", "/metrics").1);
}

/// The alerts of the catalog that Prometheus loaded.
fn eight_rules(port: u16) -> usize {
    let (_, body) = request(port, "GET", "/api/v1/rules?type=alert");
    let start = body.find('{').unwrap();
    let end = body.rfind('}').unwrap();
    let rules: monstack::value::Value = serde_json::from_str(&body[start..=end]).unwrap();
    let groups = rules["data"]["groups"].as_array().unwrap();
    groups
        .iter()
        .filter(|group| {
            group["file"]
                .as_str()
                .unwrap()
                .ends_with("/alert_rules.yml")
        })
        .map(|group| group["rules"].as_array().unwrap().len())
        .sum()
}

/// The catalog moves on while Prometheus does not; a reload fixes it.
fn a_configuration_that_was_not_reloaded(root: &mut super::stack::Root) {
    let port = super::ports::free_ports::<1>()[0].to_string();
    assert_eq!(
        root.run(&["add", "billing-api", "--group", "workflow", "--port", &port])
            .status
            .code(),
        Some(0)
    );
    let (code, document) = root.ask(&["verify"]);
    assert_eq!(code, 1);
    assert!(
        messages(&document).contains("the job billing-api is not loaded"),
        "{document:#}"
    );
    let (code, document) = root.ask(&["why", "billing-api"]);
    assert_eq!(
        (code, document["broken"].as_str()),
        (1, Some("loaded")),
        "{document:#}"
    );
    root.install();
    assert_eq!(request(root.prometheus, "POST", "/-/reload").0, 200);
    let (_, document) = root.ask(&["verify"]);
    assert_eq!(
        document["checks"]["prometheus"]["state"], "ok",
        "{document:#}"
    );

    let path = root.folder.join("services.toml");
    let text = fs::read_to_string(&path).unwrap();
    fs::write(&path, text.replacen("above = 0.10", "above = 0.15", 1)).unwrap();
    let (code, document) = root.ask(&["why", "memory-manager", "--offline"]);
    assert_eq!(
        (code, document["broken"].as_str()),
        (1, Some("rendered")),
        "{document:#}"
    );
    // Not rendered, not reloaded, and not deployed are told apart.
    let help = |document: &monstack::value::Value| {
        let findings = document["findings"].as_array().unwrap().iter();
        let mut rules = findings.filter(|finding| finding["code"] == "rules-not-loaded");
        rules.next().unwrap()["help"].as_str().unwrap().to_string()
    };
    let (_, document) = root.ask(&["verify"]);
    assert!(codes(&document).contains(&"stale"), "{document:#}");
    let said = help(&document);
    assert!(
        said.starts_with("not rendered: ") && said.contains("Prometheus runs what is there"),
        "{said}"
    );
    assert_eq!(root.run(&["render"]).status.code(), Some(0));
    let (code, document) = root.ask(&["why", "memory-manager"]);
    assert_eq!(
        (code, document["broken"].as_str()),
        (1, Some("alerts")),
        "{document:#}"
    );
    assert!(
        help(&document).starts_with("not reloaded since"),
        "{document:#}"
    );
    assert_eq!(request(root.prometheus, "POST", "/-/reload").0, 200);
    let (_, document) = root.ask(&["verify"]);
    assert!(
        help(&document).starts_with("not deployed: "),
        "{document:#}"
    );
    clocks(root);
}

/// A service whose clock is ten minutes slow, and that writes times beside its values, twenty minutes old.
fn clocks(root: &super::stack::Root) {
    let now = chrono::Utc::now();
    let date = (now - chrono::TimeDelta::minutes(10)).format("%a, %d %b %Y %H:%M:%S GMT");
    let head = format!("HTTP/1.1 200 OK\r\nDate: {date}\r\nContent-Type: text/plain");
    let time = (now - chrono::TimeDelta::minutes(20)).timestamp_millis();
    let body = format!("# TYPE old gauge\nold 1 {time}\n");
    let (port, _) = super::endpoints::misbehaving(move |stream| {
        use std::io::Write;
        let length = body.len();
        let _ = write!(
            stream,
            "{head}\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n{body}"
        );
    });
    let path = root.folder.join("services.toml");
    let text = fs::read_to_string(&path).unwrap();
    let service = text.split("[services.memory-manager]").nth(1).unwrap();
    let own = service
        .split("port = ")
        .nth(1)
        .unwrap()
        .lines()
        .next()
        .unwrap();
    let offset = (i32::from(port) - own.trim().parse::<i32>().unwrap()).to_string();
    let arguments = [
        "why",
        "memory-manager",
        "--all-links",
        "--port-offset",
        &offset,
    ];
    let (_, document) = root.ask(&arguments);
    let said = document.to_string();
    // Some seconds go by until it is asked.
    let near = |before: &str, minutes: [&str; 2], behind: &str| {
        let texts = minutes.map(|minutes| format!("{before}{minutes}"));
        texts.iter().any(|text| said.contains(text.as_str())) && said.contains(behind)
    };
    assert!(
        near(
            "memory-manager: its clock is ",
            ["10m", "9m5"],
            " behind that of Prometheus"
        ),
        "{document:#}"
    );
    assert!(
        near(
            "and the newest is ",
            ["20m", "19m5"],
            " old, and a query sees nothing older than 5m"
        ),
        "{document:#}"
    );
}

#[test]
fn another_prometheus_is_not_judged() {
    let root = root("");
    let _prometheus = root.prometheus();
    let folder = &root.folder;
    fs::write(
        folder.join("installed/working_prometheus.yml"),
        "scrape_configs: [{job_name: stranger}]\n",
    )
    .unwrap();
    assert_eq!(request(root.prometheus, "POST", "/-/reload").0, 200);
    for verb in [&["verify"][..], &["why", "memory-manager"]] {
        let (code, document) = root.ask(verb);
        let message = document["message"].as_str().unwrap();
        assert_eq!(code, 2, "{document:#}");
        assert!(
            message.contains("cannot judge")
                && message.contains("is another one")
                && message.contains("stranger"),
            "{message}"
        );
    }
}

#[test]
fn the_example_of_the_exporter_is_sound() {
    let folder = std::env::temp_dir().join(format!("monstack-exporter-{}", std::process::id()));
    let example = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/verify");
    super::drill::copy(&example, &folder);
    let output = std::process::Command::new(super::stack::PROGRAM)
        .arg("--root")
        .arg(&folder)
        .arg("render")
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    let _ = fs::remove_dir_all(&folder);
    assert_eq!(output.status.code(), Some(0), "{said}");
}
