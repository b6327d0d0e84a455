//! Which tests of a rendered file the catalog wrote itself, and where.

use super::files::Files;
use crate::catalog::Catalog;
use crate::catalog::alerts::OwnTest;
use crate::render::File;
use crate::value::Value;
use std::collections::HashMap;

/// The tests that the catalog wrote itself, by the title under which they are rendered.
pub(crate) struct OwnTests {
    pointers: HashMap<String, Vec<String>>,
}

impl OwnTests {
    /// All of a catalog.
    pub(crate) fn of(catalog: &Catalog) -> OwnTests {
        let mut pointers: HashMap<String, Vec<String>> = HashMap::new();
        for (name, tests) in own(catalog) {
            for test in tests {
                pointers
                    .entry(test.title(name))
                    .or_default()
                    .push(test.pointer);
            }
        }
        OwnTests { pointers }
    }

    /// Tests of the catalog's own that no file has, as JSON pointers: fewer are about their rule than the catalog has.
    pub(crate) fn lost(catalog: &Catalog, files: Files) -> Vec<String> {
        let about = |name: &str| {
            let tests = files.tests().flat_map(|file| file.value["tests"].items());
            let asks = tests.filter(|test| {
                let opens = test["name"]
                    .as_str()
                    .and_then(|title| title.strip_prefix(name));
                let exprs = test["promql_expr_test"].items();
                let alerts = test["alert_rule_test"].items();
                opens.is_some_and(|rest| rest.starts_with(':'))
                    || exprs
                        .filter_map(|one| one["expr"].as_str())
                        .any(|expr| expr.contains(name))
                    || alerts.into_iter().any(|one| one["alertname"] == name)
            });
            asks.count()
        };
        let titled = |title: &str| {
            let mut tests = files.tests().flat_map(|file| file.value["tests"].items());
            tests.any(|test| test["name"] == title)
        };
        let lost = own(catalog).filter(|(name, tests)| about(name) < tests.len());
        lost.flat_map(|(name, tests)| {
            let missing = tests.into_iter().filter(|test| !titled(&test.title(name)));
            missing.map(|test| test.pointer).collect::<Vec<_>>()
        })
        .collect()
    }

    /// For each of the file's tests the catalog's own that it was made from, as a JSON pointer; None for those of a kind.
    pub(crate) fn of_file(&self, file: &File) -> Vec<Option<String>> {
        let tests = file.value["tests"]
            .as_array()
            .map_or(&[][..], Vec::as_slice);
        // Two of one name come in the order in which they are written.
        let mut seen: HashMap<&str, usize> = HashMap::new();
        let one = |test: &Value| {
            let (title, pointers) = self.pointers.get_key_value(test["name"].as_str()?)?;
            let next = seen.entry(title).or_default();
            *next += 1;
            pointers.get(*next - 1).cloned()
        };
        tests.iter().map(one).collect()
    }
}

/// Each alert and rule with the tests that the catalog brings for it.
fn own(catalog: &Catalog) -> impl Iterator<Item = (&str, Vec<OwnTest<'_>>)> {
    let alerts = catalog
        .alerts
        .iter()
        .filter(|alert| alert.settings.contains_key("tests"))
        .map(|alert| (alert.name.as_str(), alert.tests()));
    let rules = catalog.rules.iter();
    alerts.chain(rules.map(|rule| (rule.name.as_str(), rule.tests())))
}
