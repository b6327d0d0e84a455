//! promtool evaluates every rule of every file at every step. The rules of an alert and what they read are all that its own tests
//! can tell anything of; the others change no verdict and take most of the time.

use monstack::value::Value;
use monstack::yaml;
use std::collections::BTreeSet;
use std::fs;
use std::path::{Component, Path, PathBuf};

/// Writes a test file and its rule files under a folder, each at its path, those of rules with nothing but what the tests need: the
/// alerts that they ask for, and what these or they read of what is recorded. `text` gives a rule file by its path; one that is
/// not YAML is written as it is.
pub fn write(folder: &Path, path: &str, suite: &str, text: impl Fn(&str) -> Option<String>) {
    let place = |path: &str, text: &str| {
        let path = folder.join(path);
        let parent = path.parent().expect("it lies in a folder");
        fs::create_dir_all(parent).expect("target is writable");
        fs::write(path, text).expect("target is writable");
    };
    place(path, suite);
    let named = yaml::parse(suite).unwrap_or_default();
    let named = named["rule_files"].as_array().into_iter().flatten();
    let texts: Vec<(String, String)> = named
        .filter_map(|file| {
            let path = beside(path, file.as_str()?);
            let text = text(&path)?;
            Some((path, text))
        })
        .collect();
    let mut files: Vec<(&str, Value)> = Vec::new();
    for (path, text) in &texts {
        match yaml::parse(text) {
            Ok(file) => files.push((path, file)),
            Err(_) => place(path, text),
        }
    }
    let needed = needed(suite, &files);
    for (path, mut file) in files {
        for group in file["groups"].as_array_mut().into_iter().flatten() {
            if let Some(rules) = group["rules"].as_array_mut() {
                rules.retain(|rule| needed.contains(&rule.to_string()));
            }
        }
        place(path, &file.to_string());
    }
}

/// The rules that tests ask for, and all that these read.
fn needed(suite: &str, files: &[(&str, Value)]) -> BTreeSet<String> {
    let mut read = suite.to_string();
    let mut needed = BTreeSet::new();
    loop {
        let before = needed.len();
        for rule in files.iter().flat_map(|(_, file)| rules(file)) {
            let asked = match (rule["alert"].as_str(), rule["record"].as_str()) {
                (Some(alert), _) => names(&read, alert),
                (_, Some(record)) => read.contains(record),
                _ => true,
            };
            if asked && needed.insert(rule.to_string()) {
                read.push_str(&rule.to_string());
            }
        }
        if needed.len() == before {
            return needed;
        }
    }
}

fn rules(file: &Value) -> impl Iterator<Item = &Value> {
    let groups = file["groups"].as_array().into_iter().flatten();
    groups.flat_map(|group| group["rules"].as_array().into_iter().flatten())
}

/// Whether an alert is named, as a whole word: in what is asked of it, or in a matcher.
fn names(text: &str, alert: &str) -> bool {
    let part = |letter: char| letter.is_alphanumeric() || letter == '_';
    text.match_indices(alert).any(|(at, _)| {
        let (before, after) = (&text[..at], &text[at + alert.len()..]);
        !before.ends_with(part) && !after.starts_with(part)
    })
}

/// The path of a file that is named from another one.
fn beside(path: &str, name: &str) -> String {
    let mut found = PathBuf::from(path);
    found.pop();
    for part in Path::new(name).components() {
        match part {
            Component::ParentDir => drop(found.pop()),
            part => found.push(part),
        }
    }
    found.display().to_string()
}
