//! Which tests of a rendered file the catalog wrote itself, and where.

use crate::catalog::Catalog;
use crate::render::File;
use std::collections::HashMap;

/// The tests that the catalog wrote itself, by the title under which they are rendered.
pub(crate) struct OwnTests {
    pointers: HashMap<String, Vec<String>>,
}

impl OwnTests {
    /// All of a catalog.
    pub(crate) fn of(catalog: &Catalog) -> OwnTests {
        let mut pointers: HashMap<String, Vec<String>> = HashMap::new();
        let alerts = catalog
            .alerts
            .iter()
            .filter(|alert| alert.settings.contains_key("tests"))
            .map(|alert| (&alert.name, alert.tests()));
        let rules = catalog.rules.iter().map(|rule| (&rule.name, rule.tests()));
        for (name, tests) in alerts.chain(rules) {
            for test in tests {
                pointers
                    .entry(test.title(name))
                    .or_default()
                    .push(test.pointer);
            }
        }
        OwnTests { pointers }
    }

    /// For each of the file's tests the catalog's own that it was made from, as a JSON pointer; None for those of a kind.
    pub(crate) fn of_file(&self, file: &File) -> Vec<Option<String>> {
        let tests = file.value["tests"]
            .as_array()
            .map_or(&[][..], Vec::as_slice);
        // Two of one name come in the order in which they are written.
        let mut seen: HashMap<&str, usize> = HashMap::new();
        let one = |test: &serde_json::Value| {
            let (title, pointers) = self.pointers.get_key_value(test["name"].as_str()?)?;
            let next = seen.entry(title).or_default();
            *next += 1;
            pointers.get(*next - 1).cloned()
        };
        tests.iter().map(one).collect()
    }
}
