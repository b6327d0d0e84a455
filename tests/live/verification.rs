//! `verify` and `why` beside a stack that runs as rendered, then breaks in one way after another.

use super::stack::{codes, messages, request, root};
use std::fs;

/// A fault, the finding of `verify`, and the link at which `why` stops.
const BROKEN: [(&str, &str, &str); 8] = [
    ("down", "service-unreachable", "reachable"),
    ("hanging", "service-unreachable", "reachable"),
    ("unauthorized", "scrape-status", "http"),
    ("endless", "service-unreachable", "http"),
    ("garbage", "metrics-parse", "parsed"),
    ("wrong-content-type", "json-quoted-metrics", "parsed"),
    ("health-fails", "health-fails", "health"),
    ("metric-missing", "metric-vanished", "metrics"),
];

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
        let (code, document) = root.ask(&["verify", "--timeout", "1500ms"]);
        assert_eq!(code, 1, "{kind}: {document:#}");
        assert!(codes(&document).contains(&finding), "{kind}: {document:#}");
        assert!(
            messages(&document)
                .lines()
                .all(|message| message.contains("memory-manager")),
            "{kind}: {document:#}"
        );
        let (code, document) = root.ask(&["why", "memory-manager", "--timeout", "1500ms"]);
        assert_eq!(
            (code, document["broken"].as_str()),
            (1, Some(link)),
            "{kind}: {document:#}"
        );
        let (code, _) = root.ask(&["why", "agent-designer"]);
        assert_eq!(code, 0, "{kind} broke another service too");
        root.fault("DELETE", "memory-manager");
        std::thread::sleep(std::time::Duration::from_millis(1100));
        let (code, document) = root.ask(&["verify", "--wait", "20s"]);
        assert_eq!(code, 0, "{kind} was fixed: {document:#}");
    }
    root.fault("PUT", "memory-manager/reset");
    let (_, document) = root.ask(&["verify"]);
    assert!(
        codes(&document).contains(&"counter-backwards"),
        "{document:#}"
    );
    root.fault("PUT", "memory-manager/redirect");
    let (code, document) = root.ask(&["verify"]);
    assert!(
        code == 0 && codes(&document).contains(&"scrape-redirect"),
        "Prometheus follows it: {document:#}"
    );
    root.fault("DELETE", "memory-manager");

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
