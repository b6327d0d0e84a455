//! Files that should hold a secret and do not, logins as servers receive them, and passwords that nobody may read.

use super::endpoints::misbehaving;
use super::stack::{Root, root};
use monstack::value::json;
use std::fs::{self, File};
use std::io::Write;
use std::process::{Command, Output, Stdio};
use std::sync::{Arc, Mutex};

/// A server that lets nobody in, its address, and what it was sent.
fn locked() -> (String, Arc<Mutex<Vec<String>>>) {
    let (port, heard) = misbehaving(|stream| {
        drop(stream.write_all(b"HTTP/1.1 401 Unauthorized\r\nContent-Length: 0\r\n\r\n"))
    });
    (format!("127.0.0.1:{port}"), heard)
}

/// A Prometheus that answers as far as the others are asked after it.
fn answering(root: &Root) -> (u16, Arc<Mutex<Vec<String>>>) {
    let config = fs::read_to_string(
        root.folder
            .join("generated/monitoring/working_prometheus.yml"),
    )
    .unwrap();
    misbehaving(move |stream| {
        let data = json!({"version": "3.0.0", "yaml": config, "activeTargets": [], "groups": [], "resultType": "scalar", "result": [1_700_000_000, "1"]});
        let body = json!({"status": "success", "data": data}).to_string();
        let _ = write!(
            stream,
            "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n{body}",
            body.len()
        );
    })
}

/// The values of the header, each as a whole line.
fn authorizations(heard: &Mutex<Vec<String>>) -> Vec<String> {
    let heard = heard.lock().unwrap();
    let lines = heard.iter().flat_map(|request| request.split("\r\n"));
    let headers = lines
        .filter_map(|line| line.split_once(": "))
        .filter(|(name, _)| name.eq_ignore_ascii_case("authorization"));
    headers.map(|(_, value)| value.to_string()).collect()
}

fn said(output: &Output) -> String {
    format!(
        "{}{}",
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    )
}

/// A file of the root with this content; its path.
fn file(root: &Root, name: &str, content: &str) -> String {
    let path = root.folder.join(name);
    fs::write(&path, content).unwrap();
    path.to_str().unwrap().to_string()
}

#[test]
fn what_is_not_a_secret_is_refused_by_name_and_nobody_is_asked() {
    let root = root("");
    let (address, heard) = locked();
    let url = format!("http://{address}");
    let path = |name: &str| root.folder.join(name).to_str().unwrap().to_string();
    let named = |name: &str| {
        assert!(
            Command::new("mkfifo")
                .arg(path(name))
                .status()
                .unwrap()
                .success()
        )
    };
    named("pipe");
    std::os::unix::fs::symlink(path("pipe"), path("link")).unwrap();
    fs::create_dir(path("folder")).unwrap();
    File::create(path("sparse"))
        .unwrap()
        .set_len(1 << 30)
        .unwrap();
    let cases = [
        (
            "/dev/zero".to_string(),
            "it is longer than",
            "it is longer than",
        ),
        (path("pipe"), "it is a named pipe", "it is a named pipe"),
        (path("link"), "it is a named pipe", "it is a named pipe"),
        (path("folder"), "it is a folder", "it is a folder"),
        (path("sparse"), "it is longer than", "it is longer than"),
        (path("missing"), "No such file", "No such file"),
        (
            file(&root, "empty", ""),
            "it is empty",
            "there is no certificate in it",
        ),
        (
            file(&root, "line-end", "\r\n"),
            "it is empty",
            "there is no certificate in it",
        ),
        (
            file(&root, "two-lines", "s3cr3t\r\nmore\r\n"),
            "it is not one line of text",
            "there is no certificate in it",
        ),
    ];
    let flags = [
        ("--prometheus-token-file", &[][..]),
        ("--alertmanager-token-file", &[]),
        ("--grafana-token-file", &[]),
        ("--prometheus-password-file", &["--prometheus-user", "me"]),
        (
            "--alertmanager-password-file",
            &["--alertmanager-user", "me"],
        ),
        ("--grafana-password-file", &["--grafana-user", "me"]),
        ("--ca-file", &[]),
    ];
    for (flag, more) in flags {
        // One code reads them all; what differs is who calls it.
        let count = if ["--prometheus-token-file", "--ca-file"].contains(&flag) {
            cases.len()
        } else {
            2
        };
        for (path, as_secret, as_certificate) in &cases[..count] {
            let servers = [
                "verify",
                "--prometheus-url",
                &url,
                "--alertmanager-url",
                &url,
                "--grafana-url",
                &url,
                flag,
                path,
            ];
            let output = root.run(&[&servers[..], more].concat());
            let text = said(&output);
            let (wrong, right) = match flag {
                "--ca-file" => (as_certificate, "give a file of PEM certificates"),
                _ => (as_secret, "give a file that holds the token or password"),
            };
            assert_eq!(output.status.code(), Some(2), "{flag} {path}: {text}");
            assert!(
                text.starts_with(&format!("error: {flag} {path}: "))
                    && text.contains(wrong)
                    && text.contains(right),
                "{flag} {path}: {text}"
            );
            assert!(
                text.lines().count() == 1 && !text.contains("s3cr3t"),
                "{flag} {path}: {text}"
            );
        }
    }
    assert!(
        heard.lock().unwrap().is_empty(),
        "nobody is asked: {heard:?}"
    );
}

/// Editors of another system end a line with CR LF, and a password store writes to a pipe.
#[test]
fn the_end_of_the_line_is_not_part_of_a_secret() {
    let root = root("");
    let (address, heard) = locked();
    let url = format!("http://{address}");
    for (flag, content, header) in [
        ("token", "t0ken\r\n", "Bearer t0ken"),
        ("token", "t0ken", "Bearer t0ken"),
        ("token", " t0ken \n\n", "Bearer t0ken"),
        ("password", "p@ss w/rd\r\n", "Basic bWU6cEBzcyB3L3Jk"),
        // A blank may be the end of a password.
        ("password", "pass \n", "Basic bWU6cGFzcyA="),
    ] {
        let path = file(&root, "secret", content);
        let flag_of_file = format!("--prometheus-{flag}-file");
        let user: &[&str] = if flag == "password" {
            &["--prometheus-user", "me"]
        } else {
            &[]
        };
        for path in [path.as_str(), "/dev/stdin"] {
            heard.lock().unwrap().clear();
            let mut command = root.command(
                &[
                    &["verify", "--prometheus-url", &url, &flag_of_file, path],
                    user,
                ]
                .concat(),
            );
            let mut child = command
                .stdin(Stdio::piped())
                .stdout(Stdio::null())
                .stderr(Stdio::null())
                .spawn()
                .unwrap();
            child
                .stdin
                .take()
                .unwrap()
                .write_all(content.as_bytes())
                .unwrap();
            assert_eq!(child.wait().unwrap().code(), Some(2));
            let told = authorizations(&heard);
            assert!(
                !told.is_empty() && told.iter().all(|value| value == header),
                "{content:?} from {path}: {told:?}"
            );
        }
    }
}

#[test]
fn each_login_goes_to_its_own_server() {
    let root = root("");
    let (prometheus, heard) = answering(&root);
    let (alertmanager, paged) = locked();
    let (grafana, drawn) = locked();
    let urls = [
        format!("http://127.0.0.1:{prometheus}"),
        format!("http://{alertmanager}"),
        format!("http://{grafana}"),
    ];
    let (one, two) = (file(&root, "one", "p1/@:\n"), file(&root, "two", "p2\n"));
    let servers = [
        "--prometheus-url",
        &urls[0],
        "--alertmanager-url",
        &urls[1],
        "--grafana-url",
        &urls[2],
    ];
    let logins = [
        "--prometheus-user",
        "ops",
        "--prometheus-password-file",
        &one,
        "--alertmanager-user",
        "pager",
        "--alertmanager-password-file",
        &two,
    ];
    let expected = [
        (&heard, "Basic b3BzOnAxL0A6"),
        (&paged, "Basic cGFnZXI6cDI="),
        (&drawn, "Basic YWRtaW46cDM="),
    ];
    for verb in [&["verify"][..], &["why", "agent-coordinator"]] {
        expected
            .iter()
            .for_each(|(heard, _)| heard.lock().unwrap().clear());
        let mut command = root.command(&[verb, &servers[..], &logins].concat());
        let text = said(
            &command
                .env("GRAFANA_USER", "admin")
                .env("GRAFANA_PASSWORD", "p3")
                .output()
                .unwrap(),
        );
        for (heard, header) in &expected {
            let told = authorizations(heard);
            // The one verb asks all three, the other none of whom it does not need.
            assert!(
                !told.is_empty() || verb.len() > 1,
                "{verb:?}: nobody logs in as {header}: {text}"
            );
            assert!(
                told.iter().all(|value| value == header),
                "{verb:?}: {told:?}"
            );
        }
        assert!(!authorizations(&heard).is_empty(), "{verb:?}: {text}");
    }
    heard.lock().unwrap().clear();
    let page = root.folder.join("page.html");
    root.run(&[
        "preview",
        "--output",
        page.to_str().unwrap(),
        "--prometheus-url",
        &urls[0],
        "--prometheus-user",
        "ops",
        "--prometheus-password-file",
        &one,
    ]);
    let told = authorizations(&heard);
    assert!(
        !told.is_empty() && told.iter().all(|value| value == "Basic b3BzOnAxL0A6"),
        "preview: {told:?}"
    );
}

#[test]
fn a_password_on_the_command_line_is_warned_of_and_never_printed() {
    let root = root("");
    let (port, heard) = answering(&root);
    let address = format!("127.0.0.1:{port}");
    let page = root.folder.join("page.html");
    let verbs = [
        &["verify"][..],
        &["why", "agent-coordinator"],
        &["preview", "--output", page.to_str().unwrap()],
    ];
    // What follows a slash may be a path: such an address is refused.
    for (password, taken) in [
        ("s3cr3t", true),
        ("s3cr3t@s3cr3t", true),
        ("s3cr3t%2Fs3cr3t%40", true),
        ("s3cr3t/s3cr3t@s3cr3t", false),
    ] {
        let url = format!("http://me:{password}@{address}");
        for verb in verbs {
            for format in ["text", "json", "github"]
                .into_iter()
                .take(if password == "s3cr3t" { 3 } else { 1 })
            {
                heard.lock().unwrap().clear();
                let output =
                    root.run(&[verb, &["--prometheus-url", &url, "--format", format]].concat());
                let text = said(&output);
                let what = format!("{verb:?} {format} {password}: {text}");
                assert!(
                    !text.contains("s3cr3t") && !text.contains("czNjcjN0"),
                    "{what}"
                );
                assert_eq!(authorizations(&heard).is_empty(), !taken, "{what}");
                assert!(taken || output.status.code() == Some(2), "{what}");
                if taken {
                    let warned = text.contains("the password in --prometheus-url can be read by every user of this machine");
                    assert!(
                        warned
                            && text.contains("--prometheus-password-file")
                            && (format == "github" || text.contains("password-on-command-line")),
                        "{what}"
                    );
                }
            }
        }
    }
    // Neither the environment nor a user without a password is on show.
    let silent = |output: Output| {
        let text = said(&output);
        assert!(
            !text.contains("every user of this machine") && !text.contains("s3cr3t"),
            "{text}"
        );
    };
    silent(
        root.command(&["verify"])
            .env("PROMETHEUS_URL", format!("http://me:s3cr3t@{address}"))
            .output()
            .unwrap(),
    );
    silent(
        root.command(&[
            "verify",
            "--prometheus-url",
            &format!("http://me@{address}"),
        ])
        .env("PROMETHEUS_PASSWORD", "s3cr3t")
        .output()
        .unwrap(),
    );
}
