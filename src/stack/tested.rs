//! The files of tests over the rules that they load, each run once.

use super::Stack;
use crate::catalog::Catalog;
use crate::evaluation::rules::Rule;
use crate::evaluation::unit_tests::{Found, Suite};
use crate::json::Parts;
use crate::overlay::glob;
use crate::promql::engine::Release;
use crate::render::File;
use std::collections::HashMap;

/// Path → what does not hold, with the release for which it does not.
pub(super) type Failing = HashMap<String, Vec<(Release, Found)>>;

/// The releases that may read the rules: where 3 sees a sample less in a window, 2 does not.
pub(crate) fn releases(catalog: &Catalog) -> &'static [Release] {
    match catalog.prometheus.at_least(3, 0) {
        true => &[Release::Three],
        false => &[Release::Three, Release::Two],
    }
}

/// The groups of the rule files that a file of tests loads.
pub(crate) fn groups<'a>(stack: &'a Stack, file: &File) -> Vec<(String, Vec<&'a Rule>)> {
    let mut groups: Vec<(String, Vec<&Rule>)> = Vec::new();
    for name in file.value["rule_files"].texts() {
        let path = file.beside(name);
        for rule in stack.rules.iter().filter(|rule| glob(&path, rule.path)) {
            match groups.last_mut() {
                Some((known, rules)) if known == rule.group => rules.push(&rule.rule),
                _ => groups.push((rule.group.to_string(), vec![&rule.rule])),
            }
        }
    }
    groups
}

impl Stack<'_> {
    /// What does not hold of the tests of a file.
    pub(crate) fn failing_tests(&self, file: &File) -> &[(Release, Found)] {
        let failing = self.failing_tests.get_or_init(|| {
            let files = self.files.tests();
            let run = files.map(|file| (file.path.clone(), self.run(file)));
            run.collect()
        });
        failing.get(&file.path).map_or(&[], Vec::as_slice)
    }

    fn run(&self, file: &File) -> Vec<(Release, Found)> {
        let groups = groups(self, file);
        let parsed = |text: &str| self.contract.parse(text);
        Suite::new(&file.value, &groups, &parsed).run(releases(self.catalog))
    }
}
