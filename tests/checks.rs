//! Every lint and every proof finds its own bad example, and nothing at all in the good one.

use monstack::diagnostic::Severity;
use monstack::lints::{EXAMPLE, LINTS, example};
use monstack::pipeline::{Outcome, prove};
use monstack::proofs::{Example, PROOFS};
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

fn own_root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

fn outcome(catalog: &str, root: &Path) -> Outcome {
    prove(catalog, root).expect("the machine lets it run")
}

fn codes(outcome: &Outcome) -> Vec<&'static str> {
    outcome
        .diagnostics
        .iter()
        .map(|diagnostic| diagnostic.code)
        .collect()
}

/// What was found, but for warnings that another check is responsible for.
fn errors(outcome: &Outcome) -> Vec<String> {
    let errors = outcome
        .diagnostics
        .iter()
        .filter(|diagnostic| diagnostic.severity == Severity::Error);
    errors
        .map(|diagnostic| {
            format!(
                "{}: {} ({:?})",
                diagnostic.code, diagnostic.message, diagnostic.place
            )
        })
        .collect()
}

/// An alert of kind `promql` with this condition, and two tests, beside metrics that the examples read.
fn with_condition(expr: &str) -> String {
    let metrics = "[metrics.answer_seconds]\ntype = \"histogram\"\nhelp = \"Time to answer\"\n\n";
    let tests = "tests = [\n  { name = \"fires\", at = \"10m\", series = { up = \"1x20\" }, fires = [\"checkout\"] },\n  { name = \"silent\", at = \"10m\", series = { up = \"1x20\" } },\n]\n";
    format!(
        "{EXAMPLE}{metrics}[alerts.Example]\nkind = \"promql\"\nexpr = '{expr}'\nfor = \"5m\"\nseverity = \"warning\"\n{tests}"
    )
}

/// A catalog that uses every kind, so that every template has something to render.
fn full() -> String {
    let text = fs::read_to_string(own_root().join("services.toml")).unwrap();
    text.replacen(
        "[platform]\n",
        "[platform]\nrunbook_url = \"https://git.example.org/RUNBOOK.md\"\n",
        1,
    )
}

/// Tries every one, on as many cores as there are; fails with everything that went wrong.
fn each<T: Sync>(items: &[T], check: impl Fn(&T) -> Result<(), String> + Sync) {
    let (next, wrong) = (AtomicUsize::new(0), Mutex::new(Vec::new()));
    let cores = std::thread::available_parallelism().map_or(2, usize::from);
    std::thread::scope(|scope| {
        for _ in 0..cores {
            scope.spawn(|| {
                while let Some(item) = items.get(next.fetch_add(1, Ordering::Relaxed)) {
                    if let Err(reason) = check(item) {
                        wrong.lock().unwrap().push(reason);
                    }
                }
            });
        }
    });
    let wrong = wrong.into_inner().unwrap();
    assert!(
        wrong.is_empty(),
        "{} of {}:\n{}",
        wrong.len(),
        items.len(),
        wrong.join("\n")
    );
}

fn finds(code: &str, bad: &str, root: &Path) -> Result<(), String> {
    let found = outcome(bad, root);
    match codes(&found).contains(&code) {
        true => Ok(()),
        false => Err(format!(
            "{code} does not find its example: {:?}",
            errors(&found)
        )),
    }
}

fn accepts(code: &str, good: &str) -> Result<(), String> {
    let outcome = outcome(good, &own_root());
    match errors(&outcome).is_empty() && !codes(&outcome).contains(&code) {
        true => Ok(()),
        false => Err(format!("{code}: the good example: {:?}", errors(&outcome))),
    }
}

#[test]
fn lints_find_their_examples() {
    each(LINTS, |lint| {
        finds(lint.code, &example(lint.bad), &own_root())?;
        accepts(lint.code, &example(lint.good))
    });
}

#[test]
fn proofs_find_their_conditions() {
    each(PROOFS, |proof| {
        let (bad, good) = match proof.example {
            Example::Condition { bad, good } => (with_condition(bad), with_condition(good)),
            Example::Catalog { bad, good } => {
                (format!("{EXAMPLE}{bad}"), format!("{EXAMPLE}{good}"))
            }
            Example::Template { .. } => return Ok(()),
        };
        finds(proof.code, &bad, &own_root())?;
        accepts(proof.code, &good)
    });
}

#[test]
fn proofs_find_their_templates() {
    each(PROOFS, |proof| {
        let Example::Template { file, good, bad } = proof.example else {
            return Ok(());
        };
        let root = copy_of_templates(proof.code);
        let path = root.join("templates").join(file);
        let text = fs::read_to_string(&path).unwrap();
        if !text.contains(good) {
            return Err(format!("{}: {file} does not contain {good:?}", proof.code));
        }
        fs::write(&path, text.replacen(good, bad, 1)).unwrap();
        finds(proof.code, &full(), &root)?;
        fs::remove_dir_all(root).unwrap();
        Ok(())
    });
}

#[test]
fn codes_are_unique_and_name_their_files() {
    let mut seen = Vec::new();
    let lints = LINTS.iter().map(|lint| ("lints", lint.code, lint.doc));
    let proofs = PROOFS.iter().map(|proof| ("proofs", proof.code, proof.doc));
    for (folder, code, doc) in lints.chain(proofs) {
        assert!(!seen.contains(&code), "{code} stands twice");
        seen.push(code);
        assert!(
            doc.ends_with('.') || doc.ends_with('?'),
            "{code}: its doc is a sentence"
        );
        let folder = own_root().join("src").join(folder);
        let named = fs::read_dir(&folder).unwrap().any(|entry| {
            fs::read_to_string(entry.unwrap().path())
                .is_ok_and(|text| text.contains(&format!("code: \"{code}\"")))
        });
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
