//! Rules and their tests are evaluated as promtool evaluates them.

use monstack::artifacts::Role;
use monstack::evaluation::unit_tests::run;
use monstack::pipeline::prove;
use monstack::promql::engine::Release;
use monstack::render::Rendered;
use serde_json::Value;
use std::path::{Path, PathBuf};

/// The catalogs that other tests render and give to promtool.
fn catalogs() -> Vec<PathBuf> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let list = |folder: &str| {
        let entries = std::fs::read_dir(root.join(folder)).unwrap();
        entries.map(|entry| entry.unwrap().path())
    };
    let cases = list("tests/cases").map(|folder| folder.join("services.toml"));
    let mut all: Vec<PathBuf> = list("tests/sound").chain(cases).collect();
    all.push(root.join("services.toml"));
    all.sort();
    all
}

/// The rule files that a file of tests names.
fn rules<'a>(rendered: &'a Rendered, path: &str, tests: &Value) -> Vec<&'a Value> {
    let names = tests["rule_files"].as_array().unwrap().iter();
    let find = |name: &str| {
        let mut folder: Vec<&str> = path.split('/').collect();
        folder.pop();
        for part in name.split('/') {
            match part {
                ".." => drop(folder.pop()),
                part => folder.push(part),
            }
        }
        &*rendered.file(&folder.join("/")).unwrap().value
    };
    names.map(|name| find(name.as_str().unwrap())).collect()
}

#[test]
fn all_generated_tests_pass_in_process_as_they_do_under_promtool() {
    let (mut wrong, mut tests, mut files) = (Vec::new(), 0, 0);
    for path in catalogs() {
        let Ok(text) = std::fs::read_to_string(&path) else {
            continue;
        };
        let outcome = prove(&text, Path::new("/nowhere")).unwrap();
        let Some(rendered) = outcome.rendered.as_ref().filter(|_| !outcome.failed()) else {
            continue;
        };
        for file in rendered
            .files
            .iter()
            .filter(|file| file.role == Role::RuleTests)
        {
            files += 1;
            tests += file.value["tests"].as_array().map_or(0, Vec::len);
            let rules = rules(rendered, &file.path, &file.value);
            for release in [Release::Two, Release::Three] {
                for found in run(&file.value, &rules, release) {
                    wrong.push(format!(
                        "{} {} {release:?} {found:?}",
                        path.display(),
                        file.path
                    ));
                }
            }
        }
    }
    println!("{tests} tests of {files} files, each as Prometheus 2 and as Prometheus 3");
    assert!(tests > 500);
    let shown = wrong
        .iter()
        .take(12)
        .cloned()
        .collect::<Vec<_>>()
        .join("\n");
    assert!(wrong.is_empty(), "{} wrong:\n{shown}", wrong.len());
}

mod differential;
mod testdata;
