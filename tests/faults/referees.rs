//! promtool, amtool and yamllint, each on the files that it reads and that the fault touches.

use crate::Texts;
use crate::referee::narrow;
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
    let mut verdict = Verdict::Accepts;
    for (path, text) in files.iter().filter(|(path, _)| path.ends_with(TESTS)) {
        let (head, tests) = text.split_once("\ntests:\n").unwrap_or((text, ""));
        let own = |test: &&str| test.lines().next().is_some_and(|name| name.contains(alert));
        let kept: Vec<&str> = tests
            .split("\n  - ")
            .filter(own)
            .take(CASES)
            .map(|test| test.trim_start_matches("  - "))
            .collect();
        if !kept.is_empty() {
            let suite = format!("{head}\ntests:\n  - {}\n", kept.join("\n  - "));
            narrow::write(&tested, path, &suite, |path| files.get(path).cloned());
            if run(&tested, "promtool", &["test", "rules", path]) == Verdict::Refuses {
                verdict = Verdict::Refuses;
            }
        }
    }
    verdict
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
