//! Every folder of tests/cases: what its services.toml renders to, or what is said against it.
//!
//! `expected/listing.txt` names every file; the files beside it are compared in full, a chosen few, because each edit of a
//! template rewrites them. `expected/diagnostics.txt` is what the user reads. Some cases bring a wrong template.

mod referee;

use monstack::diagnostic::{Format, print};
use monstack::pipeline;
use referee::{folder, root};
use similar::TextDiff;
use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

const UPDATE: &str = "UPDATE_GOLDEN=1 cargo test --test golden";

fn cases() -> Vec<PathBuf> {
    let mut cases: Vec<PathBuf> = fs::read_dir("tests/cases")
        .expect("tests run in the project's folder")
        .map(|entry| entry.unwrap().path())
        .collect();
    cases.sort();
    cases
}

fn files(folder: &Path, under: &Path) -> Vec<String> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).into_iter().flatten() {
        let path = entry.unwrap().path();
        match path.is_dir() {
            true => found.extend(files(&path, under)),
            false => found.push(
                path.strip_prefix(under)
                    .unwrap()
                    .to_string_lossy()
                    .into_owned(),
            ),
        }
    }
    found
}

/// The case itself, or a copy with all templates and the case's own over them.
fn catalog_folder(case: &Path, prefix: &str) -> PathBuf {
    if !case.join("templates").is_dir() {
        return case.to_path_buf();
    }
    let copy = folder(&format!(
        "{prefix}-{}",
        case.file_name().unwrap().to_string_lossy()
    ));
    let own = root().join("templates");
    for (from, list) in [(root(), files(&own, root())), (case, files(case, case))] {
        for file in list {
            let to = copy.join(&file);
            fs::create_dir_all(to.parent().unwrap()).unwrap();
            fs::copy(from.join(&file), to).unwrap();
        }
    }
    copy
}

/// Path under expected/ → what must stand there.
fn actual(case: &Path) -> BTreeMap<String, String> {
    let outcome = pipeline::run(&catalog_folder(case, "golden"))
        .expect("a case is a finding, never a failure");
    let mut actual = BTreeMap::new();
    if !outcome.diagnostics.is_empty() {
        actual.insert(
            "diagnostics.txt".to_string(),
            print(&outcome.diagnostics, &outcome.source, Format::Text, false),
        );
    }
    let Some(rendered) = outcome.rendered.as_ref().filter(|_| !outcome.failed()) else {
        return actual;
    };
    let mut listing: Vec<&str> = rendered
        .files
        .iter()
        .map(|file| file.path.as_str())
        .collect();
    listing.sort_unstable();
    actual.insert("listing.txt".to_string(), listing.join("\n") + "\n");
    for file in rendered
        .files
        .iter()
        .filter(|file| case.join("expected").join(&file.path).exists())
    {
        actual.insert(file.path.clone(), file.text.clone());
    }
    actual
}

fn difference(case: &Path, path: &str, before: &str, after: &str) -> String {
    let name = format!("{}/expected/{path}", case.display());
    TextDiff::from_lines(before, after)
        .unified_diff()
        .header(&name, &name)
        .to_string()
}

#[test]
fn every_case_is_as_expected() {
    let update = std::env::var_os("UPDATE_GOLDEN").is_some();
    assert!(
        !(update && std::env::var_os("CI").is_some()),
        "goldens are not rewritten under CI: run {UPDATE} by hand and read the diff"
    );
    let mut stale = String::new();
    for case in cases() {
        let expected = case.join("expected");
        let actual = actual(&case);
        for (path, text) in &actual {
            let before = fs::read_to_string(expected.join(path)).unwrap_or_default();
            if before != *text && update {
                fs::create_dir_all(expected.join(path).parent().unwrap()).unwrap();
                fs::write(expected.join(path), text).unwrap();
            } else {
                stale += &difference(&case, path, &before, text);
            }
        }
        for path in files(&expected, &expected)
            .into_iter()
            .filter(|path| !actual.contains_key(path))
        {
            match update {
                true => fs::remove_file(expected.join(path)).unwrap(),
                false => {
                    stale += &format!("{}/expected/{path} is no longer rendered\n", case.display())
                }
            }
        }
    }
    assert!(stale.is_empty(), "{stale}\nif this is right: {UPDATE}");
}

/// The examples of the catalog's whole shape stay whole: a key that the schema gains is used here.
#[test]
fn the_case_with_every_key_has_every_key() {
    let catalog: toml::Table = fs::read_to_string("tests/cases/every-key/services.toml")
        .unwrap()
        .parse()
        .unwrap();
    let schema: monstack::value::Value =
        serde_json::from_str(monstack::catalog::schema::TEXT).unwrap();
    let mut missing = Vec::new();
    for (table, node) in schema["properties"].as_object().unwrap() {
        let written: Vec<&toml::Value> = match catalog.get(table) {
            Some(toml::Value::Table(entries)) => entries.values().collect(),
            Some(toml::Value::Array(entries)) => entries.iter().collect(),
            Some(_) => continue,
            None => {
                missing.push(table.clone());
                continue;
            }
        };
        let entries = [&node["additionalProperties"], &node["items"]]
            .into_iter()
            .find(|entry| entry.get("properties").is_some());
        let properties = entries.unwrap_or(node)["properties"]
            .as_object()
            .into_iter()
            .flatten();
        // A setting that groups and services take over is used in [defaults].
        let own = properties.filter(|(_, property)| {
            !property["$ref"]
                .as_str()
                .is_some_and(|target| target.starts_with("#/$defs/settings/"))
                || table == "defaults"
        });
        for key in own.map(|(key, _)| key) {
            let said = match entries {
                Some(_) => written.iter().any(|entry| entry.get(key).is_some()),
                None => catalog[table].get(key).is_some(),
            };
            let elsewhere = matches!(key.as_str(), "allow" | "alerts");
            if !said && !elsewhere {
                missing.push(format!("{table}.{key}"));
            }
        }
    }
    assert!(
        missing.is_empty(),
        "not in tests/cases/every-key/services.toml: {missing:?}"
    );
}

/// A broken catalog leaves nothing behind: the binary, as a user runs it, exits 1 and writes no file.
#[test]
fn a_broken_case_writes_nothing() {
    let broken: Vec<PathBuf> = cases()
        .into_iter()
        .filter(|case| !case.join("expected/listing.txt").exists())
        .collect();
    assert!(broken.len() > 10, "{broken:?}");
    for case in broken {
        let copy = folder(&format!(
            "broken-{}",
            case.file_name().unwrap().to_string_lossy()
        ));
        let from = catalog_folder(&case, "source");
        for file in files(&from, &from)
            .into_iter()
            .filter(|file| !file.starts_with("expected"))
        {
            fs::create_dir_all(copy.join(&file).parent().unwrap()).unwrap();
            fs::copy(from.join(&file), copy.join(&file)).unwrap();
        }
        let output = Command::new(env!("CARGO_BIN_EXE_monstack"))
            .args(["render", "--root"])
            .arg(&copy)
            .output()
            .unwrap();
        assert_eq!(
            output.status.code(),
            // Without a catalog nothing can run.
            Some(if copy.join("services.toml").exists() {
                1
            } else {
                2
            }),
            "{}: {}",
            case.display(),
            String::from_utf8_lossy(&output.stderr)
        );
        assert!(
            !copy.join("generated").exists(),
            "{} wrote something",
            case.display()
        );
    }
}
