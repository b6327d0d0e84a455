//! Rules and tests are evaluated as promtool evaluates them.

use monstack::evaluation::unit_tests::run;
use monstack::promql::engine::Release;
use serde_json::Value;
use std::path::{Path, PathBuf};

fn yaml(path: &Path) -> Value {
    let text = std::fs::read_to_string(path).unwrap();
    monstack::yaml::parse(&text).unwrap()
}

/// Every file of tests under a folder.
fn test_files(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            test_files(&path, found);
        } else if path.to_string_lossy().ends_with(".test.yml") {
            found.push(path);
        }
    }
}

#[test]
fn all_generated_tests_pass_in_process_as_they_do_under_promtool() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut files = Vec::new();
    test_files(&root.join("generated"), &mut files);
    test_files(&root.join("tests/cases"), &mut files);
    let mut wrong = Vec::new();
    let mut tests = 0;
    for path in &files {
        let file = yaml(path);
        let rules: Vec<Value> = file["rule_files"]
            .as_array()
            .unwrap()
            .iter()
            .map(|name| yaml(&path.parent().unwrap().join(name.as_str().unwrap())))
            .collect();
        let rules: Vec<&Value> = rules.iter().collect();
        tests += file["tests"].as_array().unwrap().len();
        for release in [Release::Two, Release::Three] {
            for found in run(&file, &rules, release) {
                wrong.push(format!("{} {release:?} {found:?}", path.display()));
            }
        }
    }
    println!("{tests} tests of {} files", files.len());
    assert!(
        wrong.is_empty(),
        "{} wrong:\n{}",
        wrong.len(),
        wrong[..wrong.len().min(20)].join("\n")
    );
}
