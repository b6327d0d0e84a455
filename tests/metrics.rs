//! Runs the Python tests of the MetricsCollector in a virtual environment under target/.

mod referee;

use referee::root;
use std::process::Command;

/// Runs a command to its end; a failure says what it was for.
fn succeed(command: &mut Command, otherwise: &str) {
    let output = command
        .current_dir(root())
        .output()
        .unwrap_or_else(|error| panic!("{otherwise} ({error})"));
    let (out, err) = (
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr),
    );
    assert!(output.status.success(), "{otherwise}\n{out}\n{err}");
}

#[test]
fn metrics_collector_keeps_the_contract() {
    for program in ["prometheus", "promtool"] {
        referee::run(program, &["--version"], root());
    }
    let mut pytest = Command::new(referee::python("python"));
    pytest.args([
        "-m",
        "pytest",
        "-q",
        "-p",
        "no:cacheprovider",
        "tests/python/test_metrics.py",
    ]);
    pytest
        .env("MONSTACK", env!("CARGO_BIN_EXE_monstack"))
        .env("PYTHONDONTWRITEBYTECODE", "1");
    succeed(&mut pytest, "the MetricsCollector's tests failed");
}
