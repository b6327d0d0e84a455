//! The programs that judge what is rendered: each found in one way, and named with its package when it is missing.
#![allow(dead_code)] // Each test file asks for some of them.

pub mod narrow;

use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

/// Program → the Debian package that brings it.
const PACKAGES: &[(&str, &str)] = &[
    ("promtool", "prometheus"),
    ("prometheus", "prometheus"),
    ("amtool", "prometheus-alertmanager"),
    ("prometheus-alertmanager", "prometheus-alertmanager"),
    (
        "prometheus-blackbox-exporter",
        "prometheus-blackbox-exporter",
    ),
    ("prometheus-node-exporter", "prometheus-node-exporter"),
    ("yamllint", "yamllint"),
    ("chromium", "chromium"),
    ("bash", "bash"),
];

/// The project's folder.
pub fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// A folder of one test alone, empty; other parts of the tests run at the same time.
pub fn folder(name: &str) -> PathBuf {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR"))
        .join(env!("CARGO_CRATE_NAME"))
        .join(name);
    let _ = std::fs::remove_dir_all(&folder);
    std::fs::create_dir_all(&folder).expect("target/tmp is writable");
    folder
}

/// Runs a program of PATH to its end, in a folder.
pub fn run(program: &str, arguments: &[&str], folder: &Path) -> Output {
    match Command::new(program)
        .args(arguments)
        .current_dir(folder)
        .output()
    {
        Err(error) if error.kind() == ErrorKind::NotFound => panic!("{}", missing(program)),
        other => other.unwrap_or_else(|error| panic!("{program} does not start: {error}")),
    }
}

/// Whether the program agrees, and everything that it says.
pub fn judge(program: &str, arguments: &[&str], folder: &Path) -> (bool, String) {
    let output = run(program, arguments, folder);
    (
        output.status.success(),
        String::from_utf8_lossy(&output.stdout).into_owned()
            + &String::from_utf8_lossy(&output.stderr),
    )
}

/// What to install when a program is not there.
pub fn missing(program: &str) -> String {
    let package = PACKAGES
        .iter()
        .find(|(known, _)| *known == program)
        .map_or(program, |(_, package)| package);
    format!("{program} is missing: run tests/run, or install Debian's package `{package}`")
}

/// A program of target/venv, which is built first when it is not there or not what tests/requirements*.txt says.
pub fn python(program: &str) -> PathBuf {
    let (built, output) = judge("bash", &["tests/venv"], root());
    assert!(
        built,
        "cannot build target/venv (it takes Debian's packages python3 and python3-venv):\n{output}"
    );
    root().join("target/venv/bin").join(program)
}
