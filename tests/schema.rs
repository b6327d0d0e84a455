//! The schema of services.toml as editors and other validators read it: taplo, which VS Code's TOML extension is built on and
//! which knows draft 7, and Python's jsonschema for draft 2020-12. Neither may refuse what monstack accepts, nor accept what
//! the schema is there to refuse.

mod referee;

use monstack::catalog::schema::{self, SCHEMA, Schema, of_what_is_said, validator};
use monstack::kinds::Kinds;
use monstack::source::Source;
use monstack::value::Value;
use referee::{folder, root};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// The files that a validator refuses.
fn refused(validator: &str, files: &[PathBuf]) -> Vec<PathBuf> {
    let path = root().join("src/catalog.schema.json");
    let arguments: Vec<String> = match validator {
        "taplo" => vec![
            "check".into(),
            "--no-auto-config".into(),
            format!("--schema=file://{}", path.display()),
        ],
        _ => vec!["--schemafile".into(), path.display().to_string()],
    };
    let judged = |files: &[PathBuf]| {
        let output = Command::new(referee::python(validator))
            .args(&arguments)
            .args(files)
            .output()
            .expect("the validator starts");
        output.status.success()
    };
    // All at once is quick; one by one says which.
    if judged(files) {
        Vec::new()
    } else {
        files
            .iter()
            .filter(|file| !judged(std::slice::from_ref(file)))
            .cloned()
            .collect()
    }
}

const VALIDATORS: [&str; 2] = ["taplo", "check-jsonschema"];

/// Catalogs of the tests that are TOML.
fn catalogs() -> Vec<PathBuf> {
    let cases = fs::read_dir(root().join("tests/cases"))
        .expect("readable")
        .map(|case| case.expect("readable").path().join("services.toml"));
    let pairs = fs::read_dir(root().join("tests/diff"))
        .expect("readable")
        .map(|pair| pair.expect("readable").path());
    let mut found: Vec<PathBuf> = cases
        .chain(pairs.flat_map(|pair| ["before.toml", "after.toml"].map(|name| pair.join(name))))
        .collect();
    found.push(root().join("services.toml"));
    found.retain(|path| {
        fs::read_to_string(path).is_ok_and(|text| text.parse::<toml::Table>().is_ok())
    });
    found.sort();
    found
}

/// What monstack's own reading of the schema has against a file.
fn mistakes(path: &Path) -> Vec<String> {
    let (source, syntax) = Source::parse(
        "services.toml",
        &fs::read_to_string(path).expect("readable"),
    );
    assert!(syntax.is_empty(), "{}", path.display());
    Schema::of(&Kinds::built_in())
        .check(&source)
        .into_iter()
        .map(|found| found.message)
        .collect()
}

/// What is left out for speed must not be missed: every catalog hears the same from the whole schema.
#[test]
fn what_a_catalog_does_not_say_is_not_looked_for() {
    let whole = validator(&SCHEMA);
    let said = |validator: &jsonschema::Validator, value: &Value| -> Vec<String> {
        let value = value.into();
        let errors = validator.iter_errors(&value);
        errors
            .map(|error| format!("{} {error}", error.schema_path()))
            .collect()
    };
    let mut wrong = 0;
    for path in catalogs() {
        let text = fs::read_to_string(&path).expect("readable");
        let (source, _) = Source::parse("services.toml", &text);
        let part = validator(&of_what_is_said(&SCHEMA, &source.value));
        let found = said(&whole, &source.value);
        assert_eq!(said(&part, &source.value), found, "{}", path.display());
        wrong += usize::from(!found.is_empty());
    }
    assert!(wrong >= 8, "{wrong}");
}

#[test]
fn every_accepted_catalog_is_accepted_by_editors_and_validators() {
    let accepted: Vec<PathBuf> = catalogs()
        .into_iter()
        .filter(|path| mistakes(path).is_empty())
        .collect();
    assert!(accepted.len() > 25, "{accepted:?}");
    for validator in VALIDATORS {
        assert_eq!(
            refused(validator, &accepted),
            Vec::<PathBuf>::new(),
            "{validator}"
        );
    }
}

#[test]
fn every_refused_catalog_is_refused_by_editors_and_validators() {
    let wrong: Vec<PathBuf> = catalogs()
        .into_iter()
        .filter(|path| !mistakes(path).is_empty())
        .collect();
    assert!(wrong.len() >= 8, "{wrong:?}");
    for validator in VALIDATORS {
        assert_eq!(refused(validator, &wrong), wrong, "{validator}");
    }
}

/// One mistake in each place where draft 7 would look away: an unknown key, what a kind must and may not have, a range.
#[test]
fn a_single_mistake_is_seen_by_editors_and_validators() {
    let catalog = fs::read_to_string(root().join("services.toml")).expect("readable");
    let changes = [
        ("a key of a service", "port = 8001", "port = 8001\nprot = 1"),
        (
            "a key of a group",
            "title = \"AI Model Services\"",
            "title = \"AI\"\nheading = \"AI\"",
        ),
        (
            "a key of the defaults",
            "runs_on = \"host\"",
            "runs_on = \"host\"\nrun_on = \"host\"",
        ),
        (
            "a key of another kind",
            "kind = \"down\"",
            "kind = \"down\"\nabove = 0.5",
        ),
        ("a kind without what it needs", "above = 0.90\n", ""),
        ("an unknown kind", "kind = \"down\"", "kind = \"dwon\""),
        ("a ratio above 1", "above = 0.80", "above = 80"),
        (
            "a slug that is too long",
            "slug = \"agent-lightning\"",
            "slug = \"agent-lightning-agent-lightning-agent\"",
        ),
        (
            "a duration of zero",
            "evaluation_interval = \"15s\"",
            "evaluation_interval = \"0s\"",
        ),
    ];
    let folder = folder("schema");
    let mut files = Vec::new();
    for (name, from, to) in changes {
        assert!(catalog.contains(from), "{name}");
        let path = folder.join(format!("{}.toml", name.replace(' ', "-")));
        // Without its first line, which names the schema by a path.
        fs::write(
            &path,
            catalog
                .replacen(from, to, 1)
                .split_once('\n')
                .expect("lines")
                .1,
        )
        .expect("writable");
        assert_eq!(mistakes(&path).len(), 1, "{name}: {:?}", mistakes(&path));
        files.push(path);
    }
    for validator in VALIDATORS {
        assert_eq!(refused(validator, &files), files, "{validator}");
    }
}

/// The default images, with the day on which they were looked up, stand in the schema and nowhere else.
#[test]
fn default_images_are_in_one_place() {
    let tables = schema::SCHEMA["properties"].as_object().expect("a table");
    let images: Vec<&str> = tables
        .values()
        .filter_map(|table| table["properties"]["image"]["default"].as_str())
        .collect();
    assert_eq!(images.len(), 4, "{images:?}");
    let comment = schema::SCHEMA["$defs"]["image"]["$comment"]
        .as_str()
        .expect("says when they were looked up");
    let dated = comment.split_whitespace().any(|word| {
        word.trim_end_matches(':')
            .split('-')
            .map(str::len)
            .eq([4, 2, 2])
    });
    assert!(dated, "{comment}");
    let repositories: Vec<&str> = images
        .iter()
        .filter_map(|image| image.rsplit_once(':'))
        .map(|(name, _)| name)
        .collect();
    let mut open: Vec<PathBuf> = [
        "src",
        "templates",
        "README.md",
        "CONTRIBUTING.md",
        "benches",
    ]
    .map(|name| root().join(name))
    .to_vec();
    while let Some(path) = open.pop() {
        if path.is_dir() {
            open.extend(
                fs::read_dir(&path)
                    .expect("readable")
                    .map(|entry| entry.expect("readable").path()),
            );
        } else if !path.ends_with("catalog.schema.json") {
            let text = fs::read_to_string(&path).unwrap_or_default();
            for repository in &repositories {
                assert!(
                    !text.contains(&format!("{repository}:")),
                    "{} has an image of its own",
                    path.display()
                );
            }
        }
    }
    let mut defaults = 0;
    fn count(node: &Value, repositories: &[&str], found: &mut usize) {
        if let Some(text) = node.as_str() {
            *found += usize::from(
                repositories
                    .iter()
                    .any(|name| text.starts_with(&format!("{name}:"))),
            );
        }
        node.as_object()
            .into_iter()
            .flatten()
            .for_each(|(_, value)| count(value, repositories, found));
        node.as_array()
            .into_iter()
            .flatten()
            .for_each(|value| count(value, repositories, found));
    }
    count(&schema::SCHEMA, &repositories, &mut defaults);
    assert_eq!(defaults, 4, "an image is named twice in the schema");
}

/// The file that editors read lists the kinds of templates/kinds/, as they are composed for every run.
#[test]
fn the_file_has_the_built_in_kinds() {
    let composed = schema::with(&Kinds::built_in());
    let alert = |schema: &Value| schema["properties"]["alerts"]["additionalProperties"].clone();
    if std::env::var_os("UPDATE_GOLDEN").is_some() {
        let path = root().join("src/catalog.schema.json");
        let text = fs::read_to_string(&path).expect("readable");
        let (head, rest) = text
            .split_once("          \"kind\": {\"title\":\"an alert kind\"")
            .expect("it has alerts");
        let (_, between) = rest.split_once('\n').expect("lines");
        let (between, rest) = between
            .split_once("        \"allOf\": [\n")
            .expect("it has kinds");
        let (_, tail) = rest.split_once("\n        ]\n").expect("the list ends");
        let entry = |kind: &Value| {
            let keys = kind["then"]["properties"].as_object().into_iter().flatten();
            let properties: Vec<String> = keys
                .map(|(key, value)| {
                    format!("                {}: {value}", Value::from(key.as_str()))
                })
                .collect();
            let said = kind["then"]
                .as_object()
                .into_iter()
                .flatten()
                .filter(|(key, _)| *key != "properties");
            let then: String = said
                .map(|(key, value)| {
                    format!("              {}: {value},\n", Value::from(key.as_str()))
                })
                .collect();
            let then = format!(
                "{then}              \"properties\": {{\n{}\n              }}",
                properties.join(",\n")
            );
            format!(
                "          {{\n            \"if\": {},\n            \"then\": {{\n{then}\n            }}\n          }}",
                kind["if"]
            )
        };
        let entries: Vec<String> = alert(&composed)["allOf"]
            .as_array()
            .into_iter()
            .flatten()
            .map(entry)
            .collect();
        let kind = &alert(&composed)["properties"]["kind"];
        let text = format!(
            "{head}          \"kind\": {kind},\n{between}        \"allOf\": [\n{}\n        ]\n{tail}",
            entries.join(",\n")
        );
        fs::write(&path, text).expect("writable");
    }
    let file: Value = serde_json::from_str(
        &fs::read_to_string(root().join("src/catalog.schema.json")).expect("readable"),
    )
    .expect("JSON");
    assert_eq!(
        alert(&file),
        alert(&composed),
        "src/catalog.schema.json lists other kinds than templates/kinds/: UPDATE_GOLDEN=1 cargo test --test schema"
    );
}
