//! With a user and a password for both servers: made as the generated file says, and known to everybody who must be let in.

use super::stack::{Root, Server, codes, request_with, root};
use base64::Engine;
use monstack::value::Value;
use std::fs;
use std::process::Command;
use std::time::Duration;

/// Runs what the head of the generated file tells people to run, but for what needs root: the secrets are beside generated/.
fn make_secrets(root: &Root) {
    let file =
        fs::read_to_string(root.folder.join("generated/docker-compose.monitoring.yml")).unwrap();
    let lines = file.lines().filter_map(|line| line.strip_prefix("#   "));
    let commands: Vec<&str> = lines
        .skip_while(|line| !line.starts_with("mkdir "))
        .take_while(|line| !line.contains("sudo"))
        .collect();
    assert!(
        commands.iter().any(|line| line.starts_with("htpasswd ")),
        "{commands:?}"
    );
    let made = Command::new("sh")
        .args(["-ec", &commands.join("\n")])
        .current_dir(root.folder.join("generated"))
        .output()
        .unwrap();
    assert!(
        made.status.success(),
        "{}; htpasswd is in Debian's package apache2-utils",
        String::from_utf8_lossy(&made.stderr)
    );
}

/// A server of the rendered configuration behind its login; where a container mounts the secrets is where they are here.
fn guarded(root: &Root, name: &str, program: &str, port: u16, arguments: &[String]) -> Server {
    let compose =
        fs::read_to_string(root.folder.join("generated/docker-compose.monitoring.yml")).unwrap();
    let flag = format!("--web.config.file=/run/secrets/{name}_web");
    assert!(
        compose.contains(&flag) && compose.contains(&format!("secrets}}/{name}_web.yml")),
        "{compose}"
    );
    let own = [
        format!(
            "--web.config.file={}/secrets/{name}_web.yml",
            root.folder.display()
        ),
        format!("--web.listen-address=127.0.0.1:{port}"),
    ];
    let arguments: Vec<&str> = own.iter().chain(arguments).map(String::as_str).collect();
    root.spawn(program, program, &arguments)
}

/// Asks until the answer is right.
fn until(what: &str, right: impl Fn() -> Result<(), String>) {
    let mut last = String::new();
    for _ in 0..600 {
        match right() {
            Ok(()) => return,
            Err(reason) => last = reason,
        }
        std::thread::sleep(Duration::from_millis(100));
    }
    panic!("{what}: {last}");
}

#[test]
fn with_a_login_both_are_scraped_and_alerts_arrive() {
    let root = root(super::RECEIVERS);
    let path = root.folder.join("services.toml");
    let text = fs::read_to_string(&path).unwrap();
    let text = text
        .replacen(
            "[prometheus]\n",
            "[prometheus]\nbasic_auth_user = \"ops\"\n",
            1,
        )
        .replace("_interval = \"15s\"", "_interval = \"1s\"");
    let text = text.replacen("scrape_interval = \"10s\"", "scrape_interval = \"1s\"", 1);
    fs::write(
        &path,
        text.replacen(
            "[alertmanager.routes]\n",
            "[alertmanager]\nbasic_auth_user = \"pager\"\n\n[alertmanager.routes]\n",
            1,
        ),
    )
    .unwrap();
    root.render();
    make_secrets(&root);
    root.install();
    let folder = root.folder.display();
    let config = root.folder.join("installed/working_prometheus.yml");
    let text = fs::read_to_string(&config).unwrap();
    fs::write(
        &config,
        text.replace("/run/secrets/", &format!("{folder}/secrets/")),
    )
    .unwrap();

    let arguments = [
        format!("--config.file={folder}/generated/monitoring/alertmanager/alertmanager.yml"),
        format!("--storage.path={folder}/alertmanager"),
        "--cluster.listen-address=".to_string(),
    ];
    let _alertmanager = guarded(
        &root,
        "alertmanager",
        "prometheus-alertmanager",
        root.alertmanager,
        &arguments,
    );
    // The Watchdog fires before the Alertmanager is discovered, and would be sent again after a minute.
    let again = "--rules.alert.resend-delay=1s".to_string();
    let arguments = [
        format!("--config.file={}", config.display()),
        format!("--storage.tsdb.path={folder}/data"),
        again,
    ];
    let _prometheus = guarded(
        &root,
        "prometheus",
        "prometheus",
        root.prometheus,
        &arguments,
    );

    let secret = |name: &str| root.folder.join(format!("secrets/{name}_password"));
    let login = |user: &str, name: &str| {
        let password = fs::read_to_string(secret(name)).unwrap();
        format!(
            "Authorization: Basic {}\r\n",
            base64::engine::general_purpose::STANDARD.encode(format!("{user}:{password}"))
        )
    };
    let (ops, pager) = (login("ops", "prometheus"), login("pager", "alertmanager"));
    let ask = |port: u16, path: &str, login: &str| -> Result<Value, String> {
        let (status, body) = request_with(port, "GET", path, login);
        serde_json::from_str(&body).map_err(|_| format!("{status} {body}"))
    };
    for job in ["prometheus", "alertmanager"] {
        until(job, || {
            let found = ask(
                root.prometheus,
                &format!("/api/v1/query?query=up%7Bjob%3D%22{job}%22%7D"),
                &ops,
            )?;
            (found["data"]["result"][0]["value"][1] == "1")
                .then_some(())
                .ok_or(found.to_string())
        });
    }
    until("an alert at the Alertmanager", || {
        let found = ask(root.alertmanager, "/api/v2/alerts", &pager)?;
        let names: Vec<&Value> = found
            .as_array()
            .into_iter()
            .flatten()
            .map(|alert| &alert["labels"]["alertname"])
            .collect();
        names
            .iter()
            .any(|name| **name == "Watchdog")
            .then_some(())
            .ok_or(found.to_string())
    });
    // Nobody else is let in: neither without a login nor with that of the other server.
    for (port, path, other) in [
        (root.prometheus, "/api/v1/query?query=1", &pager),
        (root.alertmanager, "/api/v2/alerts", &ops),
    ] {
        for login in ["", other] {
            assert_eq!(
                request_with(port, "GET", path, login).0,
                401,
                "{path} {login}"
            );
        }
    }
    // monstack is let in with the same files.
    let files =
        ["prometheus", "alertmanager"].map(|name| secret(name).to_str().unwrap().to_string());
    let logins = [
        "--prometheus-user",
        "ops",
        "--prometheus-password-file",
        &files[0],
        "--alertmanager-user",
        "pager",
        "--alertmanager-password-file",
        &files[1],
    ];
    let (code, document) = root.ask(&[&["verify"], &logins[..]].concat());
    // It can judge, and finds that the stand-ins are missing and the secrets are elsewhere; of the Alertmanager it finds nothing.
    assert_eq!(code, 1, "{document:#}");
    assert!(
        codes(&document).contains(&"config-not-loaded")
            && !codes(&document)
                .iter()
                .any(|code| code.contains("alertmanager")),
        "{document:#}"
    );
    assert_eq!(
        root.ask(&["verify"]).0,
        2,
        "without the login it cannot judge"
    );
}
