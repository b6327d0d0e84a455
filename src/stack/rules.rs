//! The rules of the rendered files, ready to be evaluated.

use super::files::Files;
use crate::contract::Contract;
use crate::evaluation::rules::Rule;
use std::collections::HashMap;

/// A rule with its place.
pub struct LoadedRule<'a> {
    pub rule: Rule,
    /// The file, under the output folder.
    pub(crate) path: &'a str,
    /// Where in the file.
    pub(crate) pointer: String,
    /// The name of its group.
    pub(crate) group: &'a str,
}

/// Alerts, or what is recorded, by their names; of several of one name none is the one that is meant.
pub(crate) fn named<'s, 'a>(
    rules: &'s [LoadedRule<'a>],
    alerts: bool,
) -> HashMap<&'s str, Option<&'s LoadedRule<'a>>> {
    let mut all: HashMap<&str, Option<&LoadedRule>> = HashMap::new();
    for loaded in rules
        .iter()
        .filter(|loaded| loaded.rule.alert.is_some() == alerts)
    {
        let known = all.entry(&loaded.rule.name);
        known.and_modify(|one| *one = None).or_insert(Some(loaded));
    }
    all
}

/// A rule that Prometheus would not load.
pub(crate) struct RefusedRule<'a> {
    /// The file, under the output folder.
    pub(crate) path: &'a str,
    /// Where in the file.
    pub(crate) pointer: String,
    pub(crate) reason: String,
}

/// The rules that can be read, and those that cannot though their expressions can.
pub(super) fn read<'a>(
    files: Files<'a>,
    contract: &Contract,
) -> (Vec<LoadedRule<'a>>, Vec<RefusedRule<'a>>) {
    let (mut loaded, mut refused) = (Vec::new(), Vec::new());
    for (file, pointer, value) in files.rules() {
        let path = file.path.as_str();
        match Rule::read(value, &mut |text| contract.parse(text)) {
            Ok(rule) => {
                let group = pointer
                    .rsplit_once("/rules/")
                    .map_or("", |(group, _)| group);
                let group = file
                    .value
                    .pointer(group)
                    .and_then(|group| group["name"].as_str());
                loaded.push(LoadedRule {
                    rule,
                    path,
                    group: group.unwrap_or_default(),
                    pointer,
                });
            }
            Err(reason) => {
                let expr = value["expr"].as_str();
                if expr.is_none_or(|expr| contract.parse(expr).is_ok()) {
                    refused.push(RefusedRule {
                        path,
                        pointer,
                        reason,
                    });
                }
            }
        }
    }
    (loaded, refused)
}
