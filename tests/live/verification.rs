//! `verify` and `why` beside a stack that runs as rendered, then breaks in one way after another.

use super::stack::{codes, messages, request, root};
use std::fs;

/// A fault, the finding of `verify`, and the link at which `why` stops.
const BROKEN: [(&str, &str, &str); 10] = [
    ("down", "service-unreachable", "reachable"),
    ("hanging", "service-unreachable", "reachable"),
    ("unauthorized", "scrape-status", "http"),
    ("endless", "service-unreachable", "http"),
    ("garbage", "metrics-parse", "parsed"),
    ("wrong-content-type", "json-quoted-metrics", "parsed"),
    ("health-fails", "health-fails", "health"),
    ("metric-missing", "metric-vanished", "metrics"),
    ("reset", "counter-backwards", "metrics"),
    ("slow", "scrape-too-slow", "http"),
];

/// The findings about a service.
fn about<'a>(document: &'a serde_json::Value, service: &str) -> Vec<&'a str> {
    let findings = document["findings"].as_array().unwrap().iter();
    findings
        .filter(|finding| finding["service"] == service)
        .map(|finding| finding["code"].as_str().unwrap())
        .collect()
}

/// Whatever `verify` finds about a service, `why` finds too; returns what the former found.
fn both(root: &super::stack::Root, kind: &str) -> (serde_json::Value, serde_json::Value) {
    let (_, verified) = root.ask(&["verify"]);
    let (_, walked) = root.ask(&["why", "memory-manager", "--all-links"]);
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
            let found = about(&document, "memory-manager");
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

/// The alerts of the catalog that Prometheus loaded.
fn eight_rules(port: u16) -> usize {
    let (_, body) = request(port, "GET", "/api/v1/rules?type=alert");
    let start = body.find('{').unwrap();
    let end = body.rfind('}').unwrap();
    let rules: serde_json::Value = serde_json::from_str(&body[start..=end]).unwrap();
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
    let port = super::stack::free_ports(1)[0].to_string();
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
    assert_eq!(root.run(&["render"]).status.code(), Some(0));
    let (code, document) = root.ask(&["why", "memory-manager"]);
    assert_eq!(
        (code, document["broken"].as_str()),
        (1, Some("alerts")),
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
