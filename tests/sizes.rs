//! Catalogs of any size render without findings, and what is written grows with them and not faster.

#[path = "../benches/generator.rs"]
#[allow(dead_code, reason = "each of its users measures other axes")]
mod generator;

use monstack::diagnostic::Severity;
use monstack::pipeline;
use std::path::Path;

/// Path → bytes of everything rendered.
fn rendered(services: usize) -> Vec<(String, usize)> {
    let root = Path::new(env!("CARGO_TARGET_TMPDIR")).join("sizes");
    let outcome = pipeline::prove(&generator::catalog(services), &root).unwrap();
    let found: Vec<String> = outcome
        .diagnostics
        .iter()
        .filter(|found| found.severity != Severity::Notice)
        .map(|found| format!("{} {}", found.code, found.message))
        .collect();
    assert!(found.is_empty(), "{services} services: {found:#?}");
    outcome
        .rendered
        .unwrap()
        .files
        .into_iter()
        .map(|file| (file.path, file.text.len()))
        .collect()
}

#[test]
fn outputs_grow_with_the_catalog_and_not_faster() {
    let (hundred, thousand) = (rendered(100), rendered(1_000));
    for ((path, small), (_, large)) in hundred.iter().zip(&thousand) {
        assert!(
            *large <= small * 11,
            "{path} grows from {small} to {large} bytes"
        );
    }
    let size = |files: &[(String, usize)], path: &str| {
        files.iter().find(|(known, _)| known == path).unwrap().1
    };
    for path in [
        "monitoring/working_prometheus.yml",
        "docker-compose.services.yml",
    ] {
        assert!(
            size(&thousand, path) > size(&hundred, path) * 8,
            "{path} lacks services"
        );
    }
    assert_eq!(
        size(&thousand, "monitoring/alert_rules.yml"),
        size(&hundred, "monitoring/alert_rules.yml"),
        "rules are about all services at once"
    );
}
