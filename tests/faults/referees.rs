//! promtool, amtool and yamllint, each on the files that it reads and that the fault touches.

use crate::Texts;
use crate::seed::{Fault, Says, Verdict, root};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

const CONFIG: &str = "monitoring/working_prometheus.yml";
const ROUTING: &str = "monitoring/alertmanager/alertmanager.yml";
const RULES: &str = "_rules.yml";
const TESTS: &str = ".test.yml";

/// Fails with the name of what is to be installed.
pub fn present() {
    for (tool, package) in [
        ("promtool", "prometheus"),
        ("amtool", "prometheus-alertmanager"),
        ("yamllint", "yamllint"),
    ] {
        let found = Command::new(tool).arg("--version").output();
        assert!(
            found.is_ok(),
            "{tool} is missing: it is in Debian's package {package}"
        );
    }
}

/// What each says of the faulty files.
pub fn judge(name: &str, fault: &Fault, files: &Texts, sound: &Texts) -> Says {
    let folder = written("deployed", name, files);
    let differs = |path: &&String| sound.get(*path) != files.get(*path);
    let mut touched: Vec<&String> = files
        .keys()
        .chain(sound.keys().filter(|path| !files.contains_key(*path)))
        .filter(differs)
        .collect();
    if touched.is_empty() {
        // The fault leaves no trace in the files: they are the sound ones, and read as a whole.
        touched = files
            .keys()
            .filter(|path| [CONFIG, ROUTING].contains(&path.as_str()) || path.ends_with(RULES))
            .collect();
    }
    let rules: Vec<&String> = touched
        .iter()
        .copied()
        .filter(|path| path.ends_with(RULES))
        .collect();
    let mut yaml: Vec<&String> = touched
        .iter()
        .copied()
        .filter(|path| path.ends_with(".yml") && files.contains_key(*path))
        .collect();
    // Unit tests follow from the rules: they are looked at when nothing else is touched.
    if yaml.iter().any(|path| !path.ends_with(TESTS)) {
        yaml.retain(|path| !path.ends_with(TESTS));
    }
    let prometheus = !rules.is_empty() || touched.iter().any(|path| *path == CONFIG);
    Says {
        promtool_check: prometheus.then(|| promtool_check(&folder, &rules)),
        promtool_test: fault
            .tests
            .as_ref()
            .map(|alert| promtool_test(&folder, files, alert)),
        amtool: touched
            .iter()
            .any(|path| *path == ROUTING)
            .then(|| run(&folder, "amtool", &["check-config", ROUTING])),
        yamllint: (!yaml.is_empty()).then(|| {
            run(
                &folder,
                "yamllint",
                &[&["-d", "relaxed"][..], &as_texts(&yaml)].concat(),
            )
        }),
    }
}

/// Whether promtool and amtool accept sound files too.
pub fn accept(name: &str, files: &Texts) -> Result<(), String> {
    let folder = written("accepted", name, files);
    let rules: Vec<&String> = files.keys().filter(|path| path.ends_with(RULES)).collect();
    let verdicts = [
        ("promtool", promtool_check(&folder, &rules)),
        ("amtool", run(&folder, "amtool", &["check-config", ROUTING])),
    ];
    match verdicts
        .iter()
        .find(|(_, verdict)| *verdict == Verdict::Refuses)
    {
        Some((tool, _)) => Err(format!("{tool} refuses it, see {}", folder.display())),
        None => Ok(()),
    }
}

/// Whether the generated unit tests of an alert, as far as faults are judged by them, pass for sound files.
pub fn accept_tests(alert: &str, files: &Texts) -> Result<(), String> {
    let folder = written("accepted-tests", alert, files);
    match promtool_test(&folder, files, alert) {
        Verdict::Accepts => Ok(()),
        Verdict::Refuses => Err(format!(
            "{alert}: promtool refuses sound rules, see {}",
            folder.display()
        )),
    }
}

fn promtool_check(folder: &Path, rules: &[&String]) -> Verdict {
    let config = run(folder, "promtool", &["check", "config", CONFIG]);
    let linted = [
        &["check", "rules", "--lint=all", "--lint-fatal"][..],
        &as_texts(rules),
    ]
    .concat();
    match config == Verdict::Accepts && !rules.is_empty() {
        true => run(folder, "promtool", &linted),
        false => config,
    }
}

/// The first cases of an alert, firing to recovering: all cases of all alerts take half a minute.
const CASES: usize = 6;

fn promtool_test(folder: &Path, files: &Texts, alert: &str) -> Verdict {
    let tested = folder.join("tested");
    fs::create_dir_all(&tested).expect("target is writable");
    let mut verdict = Verdict::Accepts;
    for text in files
        .iter()
        .filter(|(path, _)| path.ends_with(TESTS))
        .map(|(_, text)| text)
    {
        // Beside the rules, whichever folder they are in.
        let text = text.replace("\n  - ../", "\n  - ");
        let (head, tests) = text.split_once("\ntests:\n").unwrap_or((text.as_str(), ""));
        let own = |test: &&str| test.lines().next().is_some_and(|name| name.contains(alert));
        let kept: Vec<&str> = tests
            .split("\n  - ")
            .filter(own)
            .take(CASES)
            .map(|test| test.trim_start_matches("  - "))
            .collect();
        if !kept.is_empty() {
            let suite = format!("{head}\ntests:\n  - {}\n", kept.join("\n  - "));
            fs::write(tested.join("own.test.yml"), &suite).expect("target is writable");
            narrow(&tested, files, alert, &suite);
            verdict = if run(&tested, "promtool", &["test", "rules", "own.test.yml"])
                == Verdict::Refuses
            {
                Verdict::Refuses
            } else {
                verdict
            };
        }
    }
    verdict
}

/// Writes the rule files of a suite with nothing but the alert's own rules and the series that these and the tests read:
/// promtool evaluates every rule at every step, and the others change no verdict.
fn narrow(tested: &Path, files: &Texts, alert: &str, suite: &str) {
    let loaded: Vec<&str> = suite
        .lines()
        .filter_map(|line| line.strip_prefix("  - "))
        .filter(|name| name.ends_with(RULES))
        .collect();
    let mut read = suite.to_string();
    // What is read is recorded before it: backwards, every reader is known.
    for name in loaded.into_iter().rev() {
        let Some((_, text)) = files
            .iter()
            .find(|(path, _)| path.rsplit('/').next() == Some(name))
        else {
            continue;
        };
        let mut kept = Vec::new();
        for block in blocks(text).into_iter().rev() {
            let first = block.lines().next().unwrap_or_default();
            let needed = match (
                first.strip_prefix("      - alert: "),
                first.strip_prefix("      - record: "),
            ) {
                (Some(name), _) => name.trim_matches('"') == alert,
                (_, Some(name)) => read.contains(name),
                _ => true,
            };
            if needed {
                read.push_str(&block);
                kept.push(block);
            }
        }
        kept.reverse();
        fs::write(tested.join(name), kept.concat()).expect("target is writable");
    }
}

/// The text of a rule file in pieces: one for each rule, and one for what is between the rules of two groups.
fn blocks(text: &str) -> Vec<String> {
    let mut blocks = vec![String::new()];
    for line in text.split_inclusive('\n') {
        let in_rule = blocks
            .last()
            .is_some_and(|block| block.starts_with("      - "));
        let between = !line.starts_with("      ") && !line.trim().is_empty();
        if line.starts_with("      - ") || (in_rule && between) {
            blocks.push(String::new());
        }
        blocks
            .last_mut()
            .expect("there is one from the start")
            .push_str(line);
    }
    blocks
}

fn run(folder: &Path, tool: &str, arguments: &[&str]) -> Verdict {
    let output = Command::new(tool)
        .args(arguments)
        .current_dir(folder)
        .output()
        .expect("the referees are installed");
    if output.status.success() {
        Verdict::Accepts
    } else {
        Verdict::Refuses
    }
}

fn as_texts<'a>(paths: &[&'a String]) -> Vec<&'a str> {
    paths.iter().map(|path| path.as_str()).collect()
}

fn written(purpose: &str, name: &str, files: &Texts) -> PathBuf {
    let folder = root().join("target/tmp").join(purpose).join(name);
    let _ = fs::remove_dir_all(&folder);
    for (path, text) in files {
        let path = folder.join(path);
        fs::create_dir_all(path.parent().expect("it lies in a folder"))
            .expect("target is writable");
        fs::write(path, text).expect("target is writable");
    }
    folder
}
