//! The files of tests over the rules that they load, each run once.

use super::Stack;
use crate::catalog::Catalog;
use crate::evaluation::rules::Rule;
use crate::evaluation::unit_tests::{Found, Loaded, Suite};
use crate::overlay::glob;
use crate::promql::engine::Release;
use crate::render::File;
use std::cell::RefCell;
use std::collections::HashMap;
use std::rc::Rc;

/// Path → what does not hold, with the release for which it does not.
pub(super) type Failing = HashMap<String, Vec<(Release, Found)>>;

/// The releases that may read the rules: where 3 sees a sample less in a window, 2 does not.
pub(crate) fn releases(catalog: &Catalog) -> &'static [Release] {
    match catalog.prometheus.at_least(3, 0) {
        true => &[Release::Three],
        false => &[Release::Three, Release::Two],
    }
}

/// What files of tests load; those that name the same rule files share it.
pub(crate) struct RuleFiles<'a, 's> {
    stack: &'a Stack<'s>,
    loaded: RefCell<HashMap<Names, Rc<Loaded<'a>>>>,
}

/// The patterns that a file of tests has for rule files, and its order of their groups.
type Names = (Vec<String>, Vec<String>);

impl<'a, 's> RuleFiles<'a, 's> {
    pub(crate) fn of(stack: &'a Stack<'s>) -> RuleFiles<'a, 's> {
        RuleFiles {
            stack,
            loaded: RefCell::default(),
        }
    }

    /// The rules that a file of tests loads.
    pub(crate) fn loaded(&self, file: &File) -> Rc<Loaded<'a>> {
        let patterns = file.value["rule_files"].texts();
        let patterns: Vec<String> = patterns.map(|name| file.beside(name)).collect();
        let order = file.value["group_eval_order"].texts().map(str::to_string);
        let mut known = self.loaded.borrow_mut();
        let loaded = known.entry((patterns, order.collect()));
        let loaded = loaded.or_insert_with_key(|(patterns, order)| {
            Rc::new(Loaded::of(groups(self.stack, patterns), order))
        });
        loaded.clone()
    }
}

/// The groups of the rule files that patterns name.
fn groups<'a>(stack: &'a Stack, patterns: &[String]) -> Vec<(String, Vec<&'a Rule>)> {
    let mut groups: Vec<(String, Vec<&Rule>)> = Vec::new();
    for pattern in patterns {
        for rule in stack.rules.iter().filter(|rule| glob(pattern, rule.path)) {
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
            let files = RuleFiles::of(self);
            let run = |file: &File| {
                let parsed = |text: &str| self.contract.parse(text);
                let loaded = files.loaded(file);
                Suite::new(&file.value, &loaded, &parsed).run(releases(self.catalog))
            };
            let tests = self.files.tests();
            tests.map(|file| (file.path.clone(), run(file))).collect()
        });
        failing.get(&file.path).map_or(&[], Vec::as_slice)
    }
}
