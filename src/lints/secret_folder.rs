//! Secrets lie beside each other.

use super::Lint;
use crate::catalog::Catalog;
use crate::diagnostic::{Diagnostic, Place};
use crate::source::{Source, step};
use crate::value::Value;
use std::collections::BTreeMap;

pub(crate) const LINT: Lint = Lint {
    code: "secret-folder",
    doc: "A folder that is called nearly as another one is most likely misspelt: the file is not there, and the scrape or the notification that needs it fails when it is needed.",
    bad: "[services.orders]\ngroup = \"web\"\nport = 8002\nauth = { bearer_file = \"secrets/orders\" }\n\n[services.stock]\ngroup = \"web\"\nport = 8003\nauth = { bearer_file = \"secret/stock\" }\n",
    good: "[services.orders]\ngroup = \"web\"\nport = 8002\nauth = { bearer_file = \"secrets/orders\" }\n\n[services.stock]\ngroup = \"web\"\nport = 8003\nauth = { bearer_file = \"secrets/stock\" }\n",
    check,
};

fn check(_: &Catalog, source: &Source) -> Vec<Diagnostic> {
    let mut files = Vec::new();
    collect(String::new(), &source.value, &mut files);
    let mut folders: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for (pointer, file) in &files {
        if let Some((folder, _)) = file.rsplit_once('/') {
            folders.entry(folder).or_default().push(pointer);
        }
    }
    let mut found = Vec::new();
    for (folder, places) in &folders {
        let [only] = places.as_slice() else { continue };
        // Of two that are used once each nobody knows which is right; said of the second.
        let other = folders
            .iter()
            .find(|(other, used)| (used.len() > 1 || *other > folder) && nearly(folder, other));
        if let Some((other, used)) = other {
            let place = Place::Value((*only).to_string());
            let message = format!("`{folder}` is no folder of other secrets, and `{other}` is");
            found.push(
                Diagnostic::error("secret-folder", place, message)
                    .also(Place::Value(used[0].to_string()), "another one")
                    .help(format!(
                        "did you mean `{other}`? Accept it where both are there"
                    )),
            );
        }
    }
    found
}

/// Every file of a secret or a certificate that the catalog names, with its place.
fn collect<'s>(pointer: String, written: &'s Value, found: &mut Vec<(String, &'s str)>) {
    for (key, value) in written.entries() {
        let inside = format!("{pointer}/{}", step(key));
        match value {
            Value::String(file) if key.ends_with("_file") => found.push((inside, file)),
            Value::Object(_) => collect(inside, value, found),
            _ => {}
        }
    }
}

/// Whether one folder is the other with one letter more or less, or two letters exchanged: `eu` and `us` are two.
fn nearly(one: &str, other: &str) -> bool {
    let (one, other): (Vec<char>, Vec<char>) = (one.chars().collect(), other.chars().collect());
    let same = one.iter().zip(&other).take_while(|(a, b)| a == b).count();
    let letter = |all: &[char]| all.get(same).is_some_and(|one| one.is_alphabetic());
    match one.len().abs_diff(other.len()) {
        1 => {
            let (long, short) = if one.len() > other.len() {
                (one, other)
            } else {
                (other, one)
            };
            letter(&long) && long[same + 1..] == short[same..]
        }
        0 if same + 1 < one.len() => {
            one[same] == other[same + 1]
                && one[same + 1] == other[same]
                && one[same + 2..] == other[same + 2..]
                && letter(&one)
        }
        _ => false,
    }
}
