//! Every lint and every proof finds its own bad example, and nothing at all in the good one.

use monstack::diagnostic::Severity;
use monstack::lints::{EXAMPLE, LINTS};
use monstack::pipeline::{Outcome, prove};
use monstack::proofs::{Example, PROOFS};
use std::fs;
use std::path::{Path, PathBuf};

fn own_root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

fn outcome(catalog: &str, root: &Path) -> Outcome {
    prove(catalog, root).expect("the machine lets it run")
}

fn codes(outcome: &Outcome) -> Vec<&'static str> {
    outcome.diagnostics.iter().map(|diagnostic| diagnostic.code).collect()
}

/// What was found, but for warnings that another check is responsible for.
fn errors(outcome: &Outcome) -> Vec<String> {
    let errors = outcome.diagnostics.iter().filter(|diagnostic| diagnostic.severity == Severity::Error);
    errors.map(|diagnostic| format!("{}: {} ({:?})", diagnostic.code, diagnostic.message, diagnostic.place)).collect()
}

/// An alert of kind `promql` with this condition, and two tests, beside metrics that the examples read.
fn with_condition(expr: &str) -> String {
    let metrics = "[metrics.answer_seconds]\ntype = \"histogram\"\nhelp = \"Time to answer\"\n\n";
    let tests = "tests = [\n  { name = \"fires\", at = \"10m\", series = { up = \"1x20\" }, fires = [\"checkout\"] },\n  { name = \"silent\", at = \"10m\", series = { up = \"1x20\" } },\n]\n";
    format!("{EXAMPLE}{metrics}[alerts.Example]\nkind = \"promql\"\nexpr = '{expr}'\nfor = \"5m\"\nseverity = \"warning\"\n{tests}")
}

/// A catalog that uses every kind, so that every template has something to render.
fn full() -> String {
    fs::read_to_string(own_root().join("services.toml")).unwrap()
}

#[test]
fn lints_find_their_examples() {
    for lint in LINTS {
        let bad = outcome(&format!("{EXAMPLE}{}", lint.bad), &own_root());
        assert!(codes(&bad).contains(&lint.code), "{} does not find its example: {:?}", lint.code, errors(&bad));
        let good = outcome(&format!("{EXAMPLE}{}", lint.good), &own_root());
        assert_eq!(errors(&good), Vec::<String>::new(), "{}: the good example", lint.code);
    }
}

#[test]
fn proofs_find_their_conditions() {
    for proof in PROOFS {
        let (bad, good) = match proof.example {
            Example::Condition { bad, good } => (with_condition(bad), with_condition(good)),
            Example::Catalog { bad, good } => (format!("{EXAMPLE}{bad}"), format!("{EXAMPLE}{good}")),
            Example::Template { .. } => continue,
        };
        let found = outcome(&bad, &own_root());
        assert!(codes(&found).contains(&proof.code), "{} does not find its example: {:?}", proof.code, errors(&found));
        let clean = outcome(&good, &own_root());
        assert_eq!(errors(&clean), Vec::<String>::new(), "{}: the good example", proof.code);
    }
}

#[test]
fn proofs_find_their_templates() {
    for proof in PROOFS {
        let Example::Template { file, good, bad } = proof.example else { continue };
        let root = copy_of_templates(proof.code);
        let path = root.join("templates").join(file);
        let text = fs::read_to_string(&path).unwrap();
        assert!(text.contains(good), "{}: {file} does not contain {good:?}", proof.code);
        fs::write(&path, text.replacen(good, bad, 1)).unwrap();
        let found = outcome(&full(), &root);
        assert!(codes(&found).contains(&proof.code), "{} does not find its example: {:?}", proof.code, errors(&found));
        fs::remove_dir_all(root).unwrap();
    }
}

#[test]
fn codes_are_unique_and_name_their_files() {
    let mut seen = Vec::new();
    let lints = LINTS.iter().map(|lint| ("lints", lint.code, lint.doc));
    let proofs = PROOFS.iter().map(|proof| ("proofs", proof.code, proof.doc));
    for (folder, code, doc) in lints.chain(proofs) {
        assert!(!seen.contains(&code), "{code} stands twice");
        seen.push(code);
        assert!(doc.ends_with('.') || doc.ends_with('?'), "{code}: its doc is a sentence");
        let folder = own_root().join("src").join(folder);
        let named =
            fs::read_dir(&folder).unwrap().any(|entry| fs::read_to_string(entry.unwrap().path()).is_ok_and(|text| text.contains(&format!("code: \"{code}\""))));
        assert!(named, "{code} stands in no file of {}", folder.display());
    }
}

fn copy_of_templates(name: &str) -> PathBuf {
    let root = own_root().join("target/tmp/checks").join(name);
    let _ = fs::remove_dir_all(&root);
    copy(&own_root().join("templates"), &root.join("templates"));
    root
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        match entry.file_type().unwrap().is_dir() {
            true => copy(&entry.path(), &to.join(entry.file_name())),
            false => drop(fs::copy(entry.path(), to.join(entry.file_name())).unwrap()),
        }
    }
}
