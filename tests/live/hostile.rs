//! Servers, services and files that speak to the terminal and to the CI system instead of to monstack: what they say is shown, never obeyed.

use super::drill::copy;
use super::stack::{Root, root};
use monstack::value::{Value, json};
use std::fs;
use std::io::{Read, Write};
use std::net::TcpListener;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{Command, Output};

/// A title, a cleared screen, an 8-bit command, a next line, a turned direction, nothing, a separator, and commands of GitHub's runner.
const EVIL: &str = "\u{1b}]0;x\u{7}\u{1b}[2J\u{9b}2J\u{85}\u{202e}\u{200b}\u{2028}\r\n::error::forged\n  ::stop-commands::x\n##[add-mask]y\u{8}";

/// Answers each request with what its path gives: a status line, a content type and a body.
fn server(answer: impl Fn(&str) -> (String, &'static str, String) + Send + 'static) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            let mut buffer = [0; 4096];
            let length = stream.read(&mut buffer).unwrap_or(0);
            let request = String::from_utf8_lossy(&buffer[..length]).into_owned();
            let (status, kind, body) = answer(request.split(' ').nth(1).unwrap_or_default());
            let head = format!(
                "HTTP/1.1 {status}\r\nContent-Type: {kind}\r\nContent-Length: {}\r\nConnection: close\r\n\r\n",
                body.len()
            );
            let _ = stream.write_all(&[head.as_bytes(), body.as_bytes()].concat());
        }
    });
    port
}

/// A Prometheus whose every word but the configuration is hostile.
fn prometheus(root: &Root) -> u16 {
    let config = fs::read_to_string(
        root.folder
            .join("generated/monitoring/working_prometheus.yml"),
    )
    .unwrap();
    server(move |path| {
        let job = |name: &str| json!({"labels": {"job": name, "service": EVIL}, "scrapeUrl": EVIL, "health": "down", "lastError": EVIL});
        let series = json!([{"metric": {"__name__": EVIL, "job": EVIL, EVIL: EVIL}, "value": [0, "1"], "values": [[0, "1"]]}]);
        let data = match path
            .split('?')
            .next()
            .unwrap_or_default()
            .trim_start_matches("/api/v1/")
        {
            "status/buildinfo" => json!({"version": EVIL}),
            "status/runtimeinfo" => json!({"reloadConfigSuccess": false, "lastConfigTime": EVIL}),
            "status/config" => json!({"yaml": config}),
            "targets" => json!({"activeTargets": [job("agent-coordinator"), job(EVIL)]}),
            "rules" => {
                json!({"groups": [{"rules": [{"name": EVIL, "type": "alerting", "health": "err", "lastError": EVIL, "query": EVIL}]}]})
            }
            "alertmanagers" => json!({"activeAlertmanagers": [{"url": EVIL}]}),
            "query" if path.contains("time%28%29") => {
                json!({"resultType": "scalar", "result": [1_700_000_000, "1"]})
            }
            "query" => json!({"resultType": "vector", "result": series}),
            _ => json!({"resultType": "matrix", "result": series}),
        };
        (
            "200 OK".into(),
            "application/json",
            json!({"status": "success", "data": data}).to_string(),
        )
    })
}

/// Nothing of it is obeyed: no control character but the line's end, no command of a runner that is not one of our own annotations.
fn harmless(what: &str, output: &Output) -> String {
    let mut all = String::new();
    for bytes in [&output.stdout, &output.stderr] {
        let text = String::from_utf8(bytes.clone()).expect("it is text");
        for line in text.lines() {
            let obeyed = |c: char| {
                c.is_control()
                    || matches!(c, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
            };
            assert!(!line.contains(obeyed), "{what}: {line:?}");
            let annotation = ["::error file=", "::warning file=", "::notice file="]
                .iter()
                .any(|own| line.starts_with(own));
            let own = annotation
                || (text.lines().count() == 1
                    && line.starts_with("::error::")
                    && !line.starts_with("::error::forged"));
            assert!(
                own || !line.trim_start().starts_with("::"),
                "{what}: {line:?}"
            );
            assert!(!line.contains("##["), "{what}: {line:?}");
        }
        all += &text;
    }
    all
}

fn all_formats(root: &Root, arguments: &[&str]) -> String {
    let run = |format: &str| {
        let output = root.run(&[arguments, &["--format", format, "--timeout", "2s"]].concat());
        if format == "json" {
            serde_json::from_slice::<Value>(&output.stdout).expect("one document");
        }
        harmless(&format!("{arguments:?} {format}"), &output)
    };
    ["text", "json", "github"].map(run).concat()
}

#[test]
fn what_a_prometheus_says_is_shown_and_not_obeyed() {
    let root = root("");
    let url = format!("http://127.0.0.1:{}", prometheus(&root));
    for verb in [&["verify"][..], &["why", "agent-coordinator"]] {
        let said = all_formats(
            &root,
            &[
                verb,
                &[
                    "--prometheus-url",
                    &url,
                    "--alertmanager-url",
                    &url,
                    "--grafana-url",
                    &url,
                ],
            ]
            .concat(),
        );
        assert!(said.contains("\\u{1b}]0;x\\u{7}"), "{said}");
        assert!(!said.contains("cannot judge"), "{said}");
        assert!(said.contains("the clock of Prometheus is"), "{said}");
    }
    for format in ["text", "json", "github"] {
        let page = root.folder.join("page.html");
        let output = root.run(&[
            "preview",
            "--prometheus-url",
            &url,
            "--output",
            page.to_str().unwrap(),
            "--format",
            format,
        ]);
        harmless(&format!("preview {format}"), &output);
        let page = fs::read_to_string(&page).unwrap();
        assert!(
            !page.contains(['\u{1b}', '\u{9b}', '\u{202e}', '\u{7}']) && page.contains("\\u{1b}"),
            "the page shows it too"
        );
    }
}

#[test]
fn what_an_error_says_is_shown_and_not_obeyed() {
    let root = root("");
    let one_line = EVIL.replace(['\r', '\n'], " ");
    let answers = [
        (
            format!("500 {one_line}"),
            json!({"status": "error", "error": EVIL, "message": EVIL}).to_string(),
        ),
        ("503 x".into(), EVIL.into()),
        ("200 OK".into(), EVIL.into()),
        (
            "200 OK".into(),
            json!({"status": EVIL, "error": EVIL}).to_string(),
        ),
        (
            format!(
                "302 x\r\nLocation: http://h/{}",
                one_line.replace('\u{7}', "")
            ),
            String::new(),
        ),
        (one_line.clone(), String::new()),
    ];
    for (status, body) in answers {
        let what = format!("{status:?} {body:?}");
        let url = format!(
            "http://127.0.0.1:{}",
            server(move |_| (status.clone(), "application/json", body.clone()))
        );
        for verb in [&["verify"][..], &["why", "agent-coordinator"]] {
            let said = all_formats(&root, &[verb, &["--prometheus-url", &url]].concat());
            assert!(said.contains("cannot judge"), "{what}: {said}");
        }
        harmless("preview", &root.run(&["preview", "--prometheus-url", &url]));
    }
}

#[test]
fn what_a_service_says_is_shown_and_not_obeyed() {
    let root = root("");
    let server_of_config = prometheus(&root);
    let url = format!("http://127.0.0.1:{server_of_config}");
    let one_line = EVIL.replace(['\r', '\n'], " ");
    let metric = "agent_lightning_requests_total";
    let quoted = EVIL.replace('\\', "\\\\").replace('\n', "\\n");
    let answers = [
        (format!("500 {one_line}"), "text/plain", EVIL.to_string()),
        ("200 OK".into(), "text/plain", EVIL.to_string()),
        ("200 OK".into(), "text/html", EVIL.to_string()),
        (
            "200 OK".into(),
            "text/plain",
            format!(
                "# TYPE {metric} counter\n{metric}{{method=\"{quoted}\",endpoint=\"{quoted}\",status=\"{quoted}\"}} 1\n"
            ),
        ),
        (
            "200 OK".into(),
            "text/plain",
            format!("# TYPE {metric} {one_line}\n{metric} {one_line}\n"),
        ),
    ];
    for (status, kind, body) in answers {
        let port = server(move |_| (status.clone(), kind, body.clone()));
        let catalog = fs::read_to_string(root.folder.join("services.toml")).unwrap();
        let own = catalog
            .split("[services.agent-coordinator]")
            .nth(1)
            .and_then(|rest| rest.split("port = ").nth(1))
            .unwrap();
        let own: i32 = own.lines().next().unwrap().trim().parse().unwrap();
        let offset = (i32::from(port) - own).to_string();
        let shift = format!("--port-offset={offset}");
        let output = root.run(&[
            "verify",
            "--prometheus-url",
            &url,
            &shift,
            "--timeout",
            "2s",
            "--traffic",
        ]);
        harmless("verify", &output);
        for format in ["text", "json", "github"] {
            harmless(
                format,
                &root.run(&[
                    "why",
                    "agent-coordinator",
                    "--prometheus-url",
                    &url,
                    &shift,
                    "--format",
                    format,
                    "--timeout",
                    "2s",
                ]),
            );
        }
    }
}

#[test]
fn names_and_texts_of_files_and_arguments_are_shown_and_not_obeyed() {
    let root = root("");
    let name =
        std::ffi::OsStr::from_bytes(b"\x1b[2J\x07\xc2\x85\n::error::forged\xff\xc2\x9b##[x].yml");
    fs::write(root.folder.join("generated").join(name), EVIL).unwrap();
    let rules = root.folder.join("generated/monitoring/alert_rules.yml");
    let text = fs::read_to_string(&rules).unwrap();
    fs::write(
        &rules,
        text.replacen("groups:", &format!("{EVIL}\n::warning::forged\ngroups:"), 1),
    )
    .unwrap();
    for format in ["text", "json", "github"] {
        let output = root.run(&["render", "--check", "--format", format]);
        assert_eq!(output.status.code(), Some(1));
        harmless(&format!("--check {format}"), &output);
        let argument = format!("x{EVIL}");
        let wrong: [&[&str]; 6] = [
            &["explain", &argument],
            &["add", &argument, "--group", &argument, "--port", "1"],
            &["why", &argument],
            &["simulate", "--fault", &argument],
            &["diff", &argument],
            &["drill", "--time-scale", &argument],
        ];
        for arguments in wrong {
            let output = root.run(&[arguments, &["--format", format]].concat());
            assert!(!output.status.success());
            let said = harmless(&format!("{arguments:?} {format}"), &output);
            assert!(
                said.contains("\\u{9b}") || said.contains("\\u009b"),
                "{arguments:?} {format}: {said}"
            );
        }
        let catalog = root.folder.join("services.toml");
        let before = fs::read_to_string(&catalog).unwrap();
        for wrong in [
            "x = 1 # \u{9b}2J\u{85}\u{202e}::error::forged",
            "\"\u{9b}2J ##[x]\" = 1",
            "[services.\"a\\n::error::b\\u001b\"]\nx = 1",
            "x = \"\u{1b}\"",
        ] {
            fs::write(&catalog, format!("{wrong}\n{before}")).unwrap();
            let output = root.run(&["render", "--format", format]);
            assert_eq!(output.status.code(), Some(1));
            harmless(&format!("render {wrong:?} {format}"), &output);
        }
        fs::write(&catalog, before).unwrap();
    }
}

#[test]
fn a_snippet_points_at_what_it_shows() {
    let root = root("");
    let catalog = root.folder.join("services.toml");
    let before = fs::read_to_string(&catalog).unwrap();
    fs::write(
        &catalog,
        format!("# \u{9b}\r\n{before}\nwrong\u{9b} = 1\n")
            .replace("wrong\u{9b}", "[x]\n\"\u{9b}\u{202e}w\""),
    )
    .unwrap();
    let said = harmless("render", &root.run(&["render"]));
    let lines: Vec<&str> = said.lines().collect();
    let at = lines
        .iter()
        .position(|line| line.contains("\\u{9b}\\u{202e}w\"") || line.contains("[x]"))
        .unwrap_or_else(|| panic!("{said}"));
    let (shown, caret) = (lines[at], lines[at + 1]);
    let from = caret.find('^').unwrap_or_else(|| panic!("{said}"));
    assert!(
        shown[from..].starts_with('"') || shown[from..].starts_with('x'),
        "{said}"
    );
}

/// The progress of a drill, and the last words of a program that it starts.
#[test]
fn what_a_program_of_the_drill_says_is_shown_and_not_obeyed() {
    let root = root("");
    let program = root.folder.join(EVIL);
    let path = program.to_str().unwrap();
    for format in ["text", "json", "github"] {
        let drill = [
            "drill",
            "--only",
            "ServiceDown",
            "--prometheus-bin",
            path,
            "--format",
            format,
        ];
        let _ = fs::remove_file(&program);
        let said = harmless(
            &format!("a program that is missing, {format}"),
            &root.run(&drill),
        );
        assert!(
            said.contains("cannot start") && (said.contains("\\u{9b}") || said.contains("\\u009b")),
            "{said}"
        );
        let mut script = fs::File::create(&program).unwrap();
        writeln!(script, "#!/bin/sh\ncat >&2 <<'END'\n{EVIL}\nEND").unwrap();
        drop(script);
        fs::set_permissions(&program, fs::Permissions::from_mode(0o700)).unwrap();
        let output = root.run(&drill);
        let said = harmless(&format!("a program that ends, {format}"), &output);
        assert!(
            said.contains("ended by itself") && said.contains("stop-commands"),
            "{said}"
        );
        assert_eq!(output.status.code(), Some(2));
        let wrong = format!("{EVIL}={EVIL}");
        for arguments in [
            &["simulate", &wrong][..],
            &["simulate", "--fault", &wrong],
            &["simulate", "--fault", &format!("agent-coordinator={EVIL}")],
        ] {
            let output = root.run(&[arguments, &["--format", format]].concat());
            assert_eq!(output.status.code(), Some(2));
            harmless(&format!("{arguments:?} {format}"), &output);
        }
    }
}

/// Templates of the root: their paths, their lines, and what they ask to be said.
#[test]
fn what_templates_say_is_shown_and_not_obeyed() {
    let root = root("");
    let project = Path::new(env!("CARGO_MANIFEST_DIR")).join("templates");
    let templates = root.folder.join("templates");
    copy(&project, &templates);
    let name = format!("docs/{EVIL}.md");
    let runbook = fs::read_to_string(project.join("docs/RUNBOOK.md")).unwrap();
    let include = format!("{{% include \"{name}\" %}}");
    let cases: [(&str, String, Option<String>); 6] = [
        ("missing", include.clone(), None),
        ("broken", include.clone(), Some(format!("{EVIL}<< {EVIL}"))),
        (
            "refused",
            include.clone(),
            Some(format!("{EVIL}<< \"{EVIL}\" | bare >>")),
        ),
        (
            "unknown",
            format!("<< \"x\" | bare >> << undefined >> {EVIL}"),
            None,
        ),
        ("failed", format!("<< fail(\"{EVIL}\") >>"), None),
        ("folder", include, None),
    ];
    for (what, more, own) in cases {
        fs::write(
            templates.join("docs/RUNBOOK.md"),
            format!("{runbook}{more}"),
        )
        .unwrap();
        let file = templates.join(&name);
        let _ = fs::remove_file(&file);
        if let Some(text) = own {
            fs::write(&file, text).unwrap();
        }
        if what == "folder" {
            fs::create_dir(&file).unwrap();
        }
        for format in ["text", "json", "github"] {
            let output = root.run(&["render", "--format", format]);
            let said = harmless(&format!("{what} {format}"), &output);
            assert_eq!(output.status.code(), Some(1), "{what} {format}: {said}");
            // Only text shows the line that is wrong.
            let shows = what != "unknown" || format == "text";
            assert!(
                !shows
                    || ["\\u{9b}", "\\u009b", "\\x9b"]
                        .iter()
                        .any(|shown| said.contains(shown)),
                "{what} {format}: {said}"
            );
        }
    }
}

/// Git allows in a name what a terminal obeys, but for the first 32 characters.
#[test]
fn names_of_revisions_are_shown_and_not_obeyed() {
    let root = root("");
    let git = |arguments: &[&str]| {
        let identity = [
            "-c",
            "user.name=me",
            "-c",
            "user.email=me@example.org",
            "-c",
            "commit.gpgsign=false",
        ];
        let output = Command::new("git")
            .args(identity)
            .args(arguments)
            .current_dir(&root.folder)
            .output()
            .expect("git starts");
        assert!(
            output.status.success(),
            "{arguments:?}: {}",
            String::from_utf8_lossy(&output.stderr)
        );
    };
    let branch = "x\u{9b}2J\u{85}\u{202e}\u{200b}\u{2028}##y@team";
    let catalog = root.folder.join("services.toml");
    let now = fs::read_to_string(&catalog).unwrap();
    git(&["init", "-q"]);
    // What the revision holds is from outside too: it is proved with today's rules.
    for then in [
        now.replace("port = ", "port = 1"),
        format!(
            "{now}\n[services.\"\u{9b}\u{85}::error::forged\"]\nx = 1 # {}\n",
            EVIL.replace(['\r', '\n', '\u{1b}', '\u{7}', '\u{8}'], " ")
        ),
    ] {
        fs::write(&catalog, then).unwrap();
        git(&["add", "services.toml"]);
        git(&["commit", "-qm", EVIL]);
        git(&["branch", "-f", branch]);
        fs::write(&catalog, &now).unwrap();
        for format in ["text", "json", "github", "markdown"] {
            for base in [
                branch.to_string(),
                format!("{branch}~9"),
                format!("{branch}:{EVIL}"),
            ] {
                let said = harmless(
                    &format!("diff {base:?} {format}"),
                    &root.run(&["diff", &base, "--format", format]),
                );
                assert!(
                    said.contains("\\u{9b}") || said.contains("\\u009b") || format == "github",
                    "{base:?} {format}: {said}"
                );
            }
        }
    }
}

/// The folder of the catalog, which every path begins with.
#[test]
fn the_name_of_the_root_is_shown_and_not_obeyed() {
    let mut root = root("");
    let server = prometheus(&root);
    let before = root.folder.clone();
    root.folder = before.join(EVIL);
    let url = format!("http://127.0.0.1:{server}");
    let verbs = [
        &["render"][..],
        &["render", "--check"],
        &["diff"],
        &["diff", EVIL],
        &["explain", "agent-coordinator"],
        &["add", "another", "--group", "core", "--port", "1"],
        &["verify", "--prometheus-url", &url, "--timeout", "1s"],
        &[
            "why",
            "agent-coordinator",
            "--prometheus-url",
            &url,
            "--timeout",
            "1s",
        ],
        &["preview"],
        &["drill", "--prometheus-bin", "/bin/false"],
    ];
    let all = |root: &Root, what: &str, formats: &[&str]| {
        let mut said = String::new();
        for verb in verbs {
            for format in formats {
                said += &harmless(
                    &format!("{what}: {verb:?} {format}"),
                    &root.run(&[verb, &["--format", format]].concat()),
                );
            }
        }
        said
    };
    assert!(all(&root, "missing", &["text", "json", "github"]).contains("\\u{9b}"));
    fs::create_dir(&root.folder).unwrap();
    fs::write(root.folder.join("services.toml"), "x").unwrap();
    all(&root, "broken", &["text"]);
    fs::copy(
        before.join("services.toml"),
        root.folder.join("services.toml"),
    )
    .unwrap();
    assert!(all(&root, "whole", &["text", "github"]).contains("\\u{9b}"));
    let _ = fs::remove_dir_all(before);
}
