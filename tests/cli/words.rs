//! Help, version, completions, schema, and what happens when nobody reads.

use crate::{CATALOG, Run, monstack, referee, run, shop};
use monstack::value::Value;
use std::fs::OpenOptions;
use std::process::{Command, Stdio};

fn of(arguments: &[&str]) -> Run {
    monstack(arguments).output().unwrap().into()
}

#[test]
fn help_has_examples_and_exit_codes() {
    let help = of(&["--help"]);
    assert_eq!((help.code, help.err.as_str()), (Some(0), ""));
    for wanted in [
        "Examples:\n",
        "monstack render --check",
        "monstack add billing-api --group workflow --port 8013",
        "Exit codes: 0 fine, 1 it found something, 2 it could not run.",
    ] {
        assert!(help.out.contains(wanted), "{wanted}: {}", help.out);
    }
    for verb in [
        "render",
        "absorb",
        "add",
        "diff",
        "explain",
        "verify",
        "why",
        "simulate",
        "drill",
        "preview",
        "schema",
        "completions",
        "lsp",
        "man",
    ] {
        assert!(
            help.out.contains(&format!("\n  {verb} ")),
            "{verb}: {}",
            help.out
        );
        let own = of(&[verb, "--help"]);
        assert!(
            own.code == Some(0) && own.out.contains(&format!("Usage: monstack {verb}")),
            "{verb}: {}",
            own.out
        );
    }
}

#[test]
fn the_version_is_the_crates() {
    assert_eq!(
        of(&["--version"]).out,
        format!("monstack {}\n", env!("CARGO_PKG_VERSION"))
    );
}

#[test]
fn usage_errors_end_with_2_on_stderr() {
    for wrong in [
        &["rendr"][..],
        &[],
        &["render", "--chek"],
        &["add", "x"],
        &["render", "--format", "xml"],
        &["explain"],
        &["completions", "cobol"],
    ] {
        let refused = of(wrong);
        assert_eq!(
            (refused.code, refused.out.as_str()),
            (Some(2), ""),
            "{wrong:?}"
        );
        assert!(
            refused.err.contains("Usage: monstack") || refused.err.contains("--help"),
            "{wrong:?}: {}",
            refused.err
        );
    }
}

#[test]
fn the_schema_is_the_one_that_is_used() {
    let schema = of(&["schema"]);
    assert_eq!(schema.out, monstack::catalog::schema::TEXT);
    let schema: Value = serde_json::from_str(&schema.out).unwrap();
    assert_eq!(
        schema["$schema"],
        "https://json-schema.org/draft/2020-12/schema"
    );
}

#[test]
fn completions_know_every_verb_and_every_name() {
    for (shell, opening) in [
        ("bash", "complete "),
        ("zsh", "#compdef monstack"),
        ("fish", "complete "),
    ] {
        let script = of(&["completions", shell]);
        assert_eq!((script.code, script.err.as_str()), (Some(0), ""));
        assert!(
            script.out.contains(opening) && script.out.contains("monstack"),
            "{shell}: {}",
            script.out
        );
    }
    let shop = shop("completions", CATALOG);
    let script = shop.join("monstack.bash");
    std::fs::write(&script, of(&["completions", "bash"]).out).unwrap();
    // What bash itself would offer: the script is read, and its function asked as the shell asks it.
    let offered = |line: &str| {
        let words: Vec<String> = line.split(' ').map(|word| format!("'{word}'")).collect();
        let asked = format!(
            "source {}; COMP_WORDS=({}); COMP_CWORD={}; _clap_complete_monstack monstack {}; printf '%s\\n' \"${{COMPREPLY[@]}}\"",
            script.display(),
            words.join(" "),
            words.len() - 1,
            words.last().unwrap()
        );
        let program = std::path::Path::new(env!("CARGO_BIN_EXE_monstack"));
        let path = format!(
            "{}:{}",
            program.parent().unwrap().display(),
            std::env::var("PATH").unwrap()
        );
        let output = Command::new("bash")
            .args(["-c", &asked])
            .env("PATH", path)
            .current_dir(&shop)
            .output()
            .unwrap();
        String::from_utf8(output.stdout).unwrap()
    };
    for (line, wanted) in [
        ("monstack ren", "rename"),
        ("monstack why ", "checkout"),
        ("monstack explain che", "checkout"),
        ("monstack explain window-too", "window-too-short"),
        ("monstack rename alert D", "Down"),
        ("monstack remove service c", "checkout"),
        ("monstack add search --group ", "web"),
        ("monstack add alert Slow --kind lat", "latency"),
    ] {
        let offered = offered(line);
        assert!(
            offered.lines().any(|word| word.trim() == wanted),
            "{line}: {offered:?}"
        );
    }
}

#[test]
fn the_root_is_where_everything_is() {
    let shop = shop("root", CATALOG);
    let elsewhere = referee::folder("cli-root-elsewhere");
    let rendered = monstack(&["--root", "../cli-root", "render"])
        .current_dir(&elsewhere)
        .output()
        .unwrap();
    assert!(rendered.status.success() && shop.join("generated/docker-compose.yml").is_file());
    assert_eq!(std::fs::read_dir(&elsewhere).unwrap().count(), 0);
    let lost = run(&elsewhere, &["render"]);
    assert!(
        lost.code == Some(2) && lost.err.contains("--root DIR"),
        "{}",
        lost.err
    );
}

#[test]
fn a_closed_pipe_is_not_an_error() {
    let shop = shop("pipe", CATALOG);
    for (arguments, code) in [
        (&["schema"][..], 0),
        (&["completions", "bash"], 0),
        (&["render", "--check"], 1),
        (&["render", "--check", "--format", "json"], 1),
    ] {
        let mut child = monstack(arguments)
            .arg("--root")
            .arg(&shop)
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        drop(child.stdout.take());
        let ended = Run::from(child.wait_with_output().unwrap());
        assert_eq!(
            (ended.code, ended.err.as_str()),
            (Some(code), ""),
            "{arguments:?}"
        );
    }
    let head = Command::new("sh")
        .args([
            "-c",
            "\"$0\" schema | head -1",
            env!("CARGO_BIN_EXE_monstack"),
        ])
        .output()
        .unwrap();
    assert_eq!(
        (head.stdout.as_slice(), head.stderr.as_slice()),
        (&b"{\n"[..], &b""[..])
    );
}

#[test]
fn a_result_that_cannot_be_written_is_an_error() {
    for format in ["text", "json", "github"] {
        let full = OpenOptions::new().write(true).open("/dev/full").unwrap();
        let ended = Run::from(
            monstack(&["schema", "--format", format])
                .stdout(full)
                .output()
                .unwrap(),
        );
        assert_eq!(ended.code, Some(2), "{format}");
        assert!(
            ended
                .err
                .starts_with("error: cannot write the result to stdout: "),
            "{}",
            ended.err
        );
    }
}
