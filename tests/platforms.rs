//! Platforms of other teams, whole: each renders, is found nothing wrong with, and is taken by the servers' own tools.

mod referee;

use monstack::diagnostic::Severity;
use monstack::pipeline;
use referee::{folder, judge, narrow, root};
use std::fs;
use std::path::PathBuf;

fn platforms() -> Vec<PathBuf> {
    let all = fs::read_dir(root().join("tests/platforms")).unwrap();
    let mut all: Vec<PathBuf> = all.map(|entry| entry.unwrap().path()).collect();
    all.sort();
    assert!(all.len() > 1, "{all:?}");
    all
}

#[test]
fn a_platform_is_proved_and_its_servers_take_it() {
    let mut wrong = Vec::new();
    for platform in platforms() {
        let name = platform.file_name().unwrap().to_string_lossy().into_owned();
        let outcome = pipeline::run(&platform).expect("readable");
        for found in &outcome.diagnostics {
            if found.severity != Severity::Notice {
                wrong.push(format!("{name}: {}: {}", found.code, found.message));
            }
        }
        let Some(rendered) = outcome.rendered else {
            wrong.push(format!("{name} does not render"));
            continue;
        };
        let written = folder(&format!("platform-{name}"));
        for file in &rendered.files {
            let path = written.join(&file.path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, &file.text).unwrap();
        }
        let monitoring = written.join("monitoring");
        let tested = rendered.files.iter().map(|file| file.path.as_str());
        let tested = tested.filter(|path| path.starts_with("monitoring/tests/"));
        let mut arguments = vec!["test".to_string(), "rules".to_string()];
        for path in tested {
            let text = |path: &str| Some(rendered.file(path)?.text.clone());
            let suite = text(path).expect("it is listed");
            let own = written.join("narrowed").join(path);
            narrow::write(&own, path, &suite, text);
            arguments.push(own.join(path).display().to_string());
        }
        let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
        // The files of secrets are where the servers run, not here.
        let config = ["check", "config", "--syntax-only", "working_prometheus.yml"];
        let judged = [
            ("promtool", judge("promtool", &config, &monitoring)),
            ("promtool", judge("promtool", &arguments, &written)),
            (
                "amtool",
                judge(
                    "amtool",
                    &["check-config", "alertmanager.yml"],
                    &monitoring.join("alertmanager"),
                ),
            ),
        ];
        for (program, (accepted, said)) in judged {
            if !accepted {
                wrong.push(format!("{name}: {program}: {said}"));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
