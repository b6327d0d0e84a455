//! Secrets of own receivers: one that is nearly called as another is misspelt, and whoever needs it is told nothing.

use super::Own;
use super::alertmanager::RECEIVERS;
use crate::catalog::Catalog;
use crate::diagnostic::Diagnostic;
use crate::value::Value;
use std::collections::BTreeMap;

/// Files that receivers read and that differ by a slip of the hand from one that others read.
pub(super) fn misspelt(own: &Own, catalog: &Catalog) -> Vec<Diagnostic> {
    let mut written = Vec::new();
    for part in own.parts.iter().filter(|part| part.list == RECEIVERS) {
        files(&part.value, part.pointer.clone(), &mut |pointer, path| {
            written.push((&own.files[part.file], pointer, path.to_string()));
        });
    }
    let mut uses: BTreeMap<String, usize> = BTreeMap::new();
    for (_, _, path) in &written {
        *uses.entry(path.clone()).or_default() += 1;
    }
    for receiver in catalog.receivers.values() {
        files(receiver, String::new(), &mut |_, path| {
            *uses.entry(path.to_string()).or_default() += 1;
        });
    }
    let mut found = Vec::new();
    for (file, pointer, path) in &written {
        let alone = uses.get(path).is_some_and(|uses| *uses == 1);
        let meant = uses.keys().find(|known| slip(path, known));
        if let Some(meant) = meant.filter(|_| alone) {
            let message = format!("nothing else reads {path}, and others read {meant}");
            let help = format!(
                "did you mean {meant}? If both are secrets, give them names that differ by more than a slip"
            );
            found.push(file.error(pointer, message, help));
        }
    }
    found
}

/// Every value of a key that names a file, with its place.
fn files(value: &Value, pointer: String, take: &mut dyn FnMut(String, &str)) {
    for (key, value) in value.entries() {
        let at = format!("{pointer}/{key}");
        match value.as_str().filter(|_| key.ends_with("_file")) {
            Some(path) => take(at, path),
            None => files(value, at, take),
        }
    }
    for (index, value) in value.items().enumerate() {
        files(value, format!("{pointer}/{index}"), take);
    }
}

/// Whether one is the other with two letters exchanged, or with one written twice or left out inside: what tells a second from a
/// first stands at the end, or is a digit.
fn slip(one: &str, other: &str) -> bool {
    let last = |text: &str| text.chars().next_back();
    let digits = |text: &str| {
        text.chars()
            .filter(char::is_ascii_digit)
            .collect::<String>()
    };
    let letters = |text: &str| {
        let mut letters: Vec<char> = text.chars().collect();
        letters.sort_unstable();
        letters
    };
    let name = one.rsplit('/').next().unwrap_or(one);
    one != other
        && name.len() > 3
        && digits(one) == digits(other)
        && (last(one) == last(other) || letters(one) == letters(other))
        && strsim::damerau_levenshtein(one, other) == 1
}
