//! Runs the Python tests of the MetricsCollector in a virtual environment under target/.

use std::path::{Path, PathBuf};
use std::process::Command;

const REQUIREMENTS: &str = "tests/requirements-python.txt";

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// Runs a command to its end; a failure says what it was for.
fn succeed(command: &mut Command, otherwise: &str) {
    let output = command.current_dir(root()).output().unwrap_or_else(|error| panic!("{otherwise} ({error})"));
    let (out, err) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "{otherwise}\n{out}\n{err}");
}

/// The interpreter of target/venv, made once for each content of the requirements.
fn python() -> PathBuf {
    let folder = root().join("target/venv");
    let stamp = folder.join("requirements.txt");
    let interpreter = folder.join("bin/python");
    let wanted = std::fs::read_to_string(root().join(REQUIREMENTS)).expect(REQUIREMENTS);
    if interpreter.exists() && std::fs::read_to_string(&stamp).is_ok_and(|installed| installed == wanted) {
        return interpreter;
    }
    let venv = "cannot make target/venv: install the Debian packages python3 and python3-venv";
    succeed(Command::new("python3").args(["-m", "venv"]).arg(&folder), venv);
    let install = format!("cannot install {REQUIREMENTS} into target/venv: a package that pip names below is missing from the package index");
    succeed(Command::new(&interpreter).args(["-m", "pip", "install", "--quiet", "-r", REQUIREMENTS]), &install);
    std::fs::write(&stamp, wanted).expect("target/venv is ours to write");
    interpreter
}

#[test]
fn metrics_collector_keeps_the_contract() {
    for program in ["prometheus", "promtool"] {
        succeed(Command::new(program).arg("--version"), &format!("{program} is not installed: install the Debian package prometheus"));
    }
    let mut pytest = Command::new(python());
    pytest.args(["-m", "pytest", "-q", "-p", "no:cacheprovider", "tests/python/test_metrics.py"]);
    pytest.env("MONSTACK", env!("CARGO_BIN_EXE_monstack")).env("PYTHONDONTWRITEBYTECODE", "1");
    succeed(&mut pytest, "the MetricsCollector's tests failed");
}
