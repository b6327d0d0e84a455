//! `verify --grafana-url`: what is said of a Grafana. The tests have no Grafana; what answers here is its HTTP API as it is documented.

use super::stack::{Root, messages, root};
use monstack::value::{Value, json};
use std::collections::BTreeMap;
use std::fs;
use std::io::{Read, Write};
use std::net::TcpListener;
use std::sync::{Arc, Mutex};

const TOKEN: &str = "glsa_s3cr3t-4711";

/// Path → status and document.
type Answers = Arc<Mutex<BTreeMap<String, (u16, Value)>>>;

/// Answers with what it was given to whoever has the token, 404 to all else.
fn grafana(answers: &Answers) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let answers = answers.clone();
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            let mut buffer = [0; 4096];
            let length = stream.read(&mut buffer).unwrap_or(0);
            let request = String::from_utf8_lossy(&buffer[..length]).into_owned();
            let path = request.split(' ').nth(1).unwrap_or_default();
            let known = path == "/api/health"
                || request
                    .to_lowercase()
                    .contains(&format!("authorization: bearer {TOKEN}").to_lowercase());
            let (status, document) = match known {
                true => answers
                    .lock()
                    .unwrap()
                    .get(path)
                    .cloned()
                    .unwrap_or((404, json!({"message": "not found"}))),
                false => (401, json!({"message": "Unauthorized"})),
            };
            let body = document.to_string();
            let _ = write!(
                stream,
                "HTTP/1.1 {status} X\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n{body}",
                body.len()
            );
        }
    });
    port
}

fn read(root: &Root, path: &str) -> Value {
    serde_json::from_str(
        &fs::read_to_string(root.folder.join("generated/monitoring/grafana").join(path)).unwrap(),
    )
    .unwrap()
}

/// State of the check, and what was found of Grafana.
fn asked(root: &Root, port: u16) -> (String, String) {
    let token = root.folder.join("grafana-token");
    fs::write(&token, format!("{TOKEN}\n")).unwrap();
    let (_, document) = root.ask(&[
        "verify",
        "--grafana-url",
        &format!("http://127.0.0.1:{port}"),
        "--grafana-token-file",
        token.to_str().unwrap(),
    ]);
    assert!(!document.to_string().contains(TOKEN));
    let findings = document["findings"]
        .as_array()
        .unwrap()
        .iter()
        .map(|finding| {
            format!(
                "{}: {}",
                finding["code"].as_str().unwrap(),
                finding["message"].as_str().unwrap()
            )
        });
    let said: Vec<String> = findings
        .filter(|finding| finding.starts_with("grafana"))
        .collect();
    (
        document["checks"]["grafana"]["state"]
            .as_str()
            .unwrap()
            .to_string(),
        said.join("\n"),
    )
}

#[test]
fn a_grafana_shows_what_was_rendered_or_is_found_out() {
    let root = root("");
    let _prometheus = root.prometheus();
    let (overview, service) = (
        read(&root, "dashboards/agent-lightning-overview.json"),
        read(&root, "dashboards/agent-lightning-service.json"),
    );
    let answers: Answers = Arc::default();
    let set = |path: &str, status: u16, document: Value| {
        drop(
            answers
                .lock()
                .unwrap()
                .insert(path.to_string(), (status, document)),
        )
    };
    let dashboard = |of: &Value| json!({"meta": {"provisioned": true}, "dashboard": of});
    let place = |of: &Value| format!("/api/dashboards/uid/{}", of["uid"].as_str().unwrap());
    let port = grafana(&answers);
    set(
        "/api/health",
        200,
        json!({"commit": "0", "database": "ok", "version": "12.0.0"}),
    );
    set(
        "/api/datasources/uid/prometheus",
        200,
        json!({"uid": "prometheus", "type": "prometheus"}),
    );
    set(&place(&overview), 200, dashboard(&overview));
    set(&place(&service), 200, dashboard(&service));
    assert_eq!(asked(&root, port), ("2/2".into(), String::new()));

    let mut edited = overview.clone();
    let panels = edited["panels"].as_array_mut().unwrap();
    panels.last_mut().unwrap()["targets"][0]["expr"] = json!("up");
    set(&place(&overview), 200, dashboard(&edited));
    let (state, said) = asked(&root, port);
    assert!(
        state == "1/2"
            && said.starts_with("grafana-dashboard: ")
            && said.contains("differs from the rendered one at the panel"),
        "{state} {said}"
    );

    set(
        &place(&overview),
        404,
        json!({"message": "Dashboard not found"}),
    );
    set(
        "/api/datasources/uid/prometheus",
        200,
        json!({"uid": "prometheus", "type": "loki"}),
    );
    set(
        "/api/health",
        200,
        json!({"database": "failing", "version": "12.0.0"}),
    );
    let (_, said) = asked(&root, port);
    for part in [
        "grafana-dashboard: Grafana has not got the dashboard",
        "grafana-datasource: the data source `prometheus` is of type \"loki\"",
        "grafana-unwell: ",
    ] {
        assert!(said.contains(part), "{said}");
    }

    answers.lock().unwrap().clear();
    let (state, said) = asked(&root, port);
    assert!(
        state == "-" && said.starts_with("grafana-unreachable: "),
        "{state} {said}"
    );
}

#[test]
fn a_token_that_is_not_known_is_said() {
    let root = root("");
    let _prometheus = root.prometheus();
    let answers: Answers = Arc::default();
    answers.lock().unwrap().insert(
        "/api/health".into(),
        (200, json!({"database": "ok", "version": "12.0.0"})),
    );
    let url = format!("http://127.0.0.1:{}", grafana(&answers));
    let (code, document) = root.ask(&["verify", "--grafana-url", &url]);
    assert!(
        code == 1
            && messages(&document)
                .lines()
                .any(|line| line.contains(&url) && line.contains("401")),
        "{document:#}"
    );
}
