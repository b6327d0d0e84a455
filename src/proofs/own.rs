//! Which tests of a rendered file the catalog wrote itself, and where.

use crate::catalog::Catalog;
use crate::render::File;
use std::collections::{HashMap, HashSet, VecDeque};

/// For each of the file's tests the catalog's own that it was made from, as a JSON pointer; None for those of a kind.
pub fn own_tests(catalog: &Catalog, file: &File) -> Vec<Option<String>> {
    let tests = file.value["tests"].as_array().map_or(&[][..], Vec::as_slice);
    let mut written: HashMap<String, VecDeque<String>> = HashMap::new();
    let mut looked_at = HashSet::new();
    let own = tests.iter().map(|test| {
        let title = test["name"].as_str()?;
        let alert = catalog.alert(title.split_once(": ")?.0)?;
        if looked_at.insert(&alert.name) {
            for test in alert.tests() {
                // Two of one name come in the order in which they are written.
                written.entry(test.title(&alert.name)).or_default().push_back(test.pointer);
            }
        }
        written.get_mut(title)?.pop_front()
    });
    own.collect()
}
