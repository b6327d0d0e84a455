//! Which tests of a rendered file the catalog wrote itself, and where.

use crate::catalog::Catalog;
use crate::render::File;
use std::collections::HashMap;

/// For each of the file's tests the catalog's own that it was made from, as a JSON pointer; None for those of a kind.
pub fn own_tests(catalog: &Catalog, file: &File) -> Vec<Option<String>> {
    let tests = file.value["tests"].as_array().map_or(&[][..], Vec::as_slice);
    let mut written: HashMap<String, std::collections::VecDeque<String>> = HashMap::new();
    for alert in catalog.alerts.iter().filter(|alert| alert.settings.contains_key("tests")) {
        for test in alert.tests() {
            // Two of one name come in the order in which they are written.
            written.entry(test.title(&alert.name)).or_default().push_back(test.pointer);
        }
    }
    tests.iter().map(|test| written.get_mut(test["name"].as_str()?)?.pop_front()).collect()
}
