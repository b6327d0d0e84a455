//! Events that a filter of labels picks, and those that it leaves.

use crate::catalog::filters::{Filter, as_pattern};
use crate::contract::domain::Domain;
use crate::value::Value;
use serde::Serialize;
use std::collections::BTreeMap;

/// Examples of both, from what the labels are declared to hold.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub(crate) struct Sides {
    /// Label → one or more values of events that are picked.
    pub failed: BTreeMap<String, Vec<String>>,
    /// The same of events that are not.
    pub answered: BTreeMap<String, Vec<String>>,
    /// The filter: label → the pattern of its values.
    pub like: BTreeMap<String, String>,
}

/// Preferred in tests, where a label can have them.
const USUAL: [&str; 6] = ["500", "503", "200", "404", "5xx", "2xx"];

/// Whether a filter lets a series through; a label that the series does not have is empty.
pub(crate) fn admits(filter: &Filter, labels: &[(String, String)]) -> bool {
    filter.asks().all(|(label, pattern, is)| {
        let given = labels.iter().find(|(known, _)| known == label);
        let value = given.map_or(String::new(), |(_, value)| value.clone());
        Domain::Values(vec![value]).example(&pattern, is).is_some()
    })
}

/// Values of the label on one side of a pattern: the usual ones that it allows, all of a list, or any.
pub(crate) fn values(domain: &Domain, pattern: &str, matching: bool) -> Vec<String> {
    let fits = |value: &str| {
        let alone = Domain::Values(vec![value.to_string()]);
        alone.example(pattern, matching).is_some()
    };
    let usual = USUAL.iter().map(ToString::to_string);
    let mut found: Vec<String> = usual
        .filter(|value| domain.holds(value) && fits(value))
        .collect();
    if let Domain::Values(all) = domain {
        let more = all.iter().filter(|value| fits(value));
        let more: Vec<String> = more
            .filter(|value| !found.contains(value))
            .cloned()
            .collect();
        found.extend(more);
    }
    if found.is_empty() {
        found.extend(domain.example(pattern, matching));
    }
    found
}

/// Both sides of a filter, given the labels as they are declared, among the events that another one lets through; None: one of them is
/// empty, or a label is not declared.
pub(crate) fn sides(declared: &Value, filter: &Value, among: &Filter) -> Option<Sides> {
    let (mut failed, mut answered, mut like) = (BTreeMap::new(), None, BTreeMap::new());
    for (label, written) in filter.entries() {
        let domain = Domain::declared(declared.get(label)?);
        let pattern = as_pattern(written);
        let counted = |values: Vec<String>| -> Vec<String> {
            let fits = |value: &String| {
                let alone = Domain::Values(vec![value.clone()]);
                let mut asked = among.asks().filter(|(asked, ..)| asked == label);
                asked.all(|(_, pattern, is)| alone.example(&pattern, is).is_some())
            };
            values.into_iter().filter(fits).collect()
        };
        let picked = counted(values(&domain, &pattern, true));
        if picked.is_empty() {
            return None;
        }
        let left = counted(values(&domain, &pattern, false));
        if answered.is_none() && !left.is_empty() {
            answered = Some((label.clone(), left));
        }
        failed.insert(label.clone(), picked);
        like.insert(label.clone(), pattern);
    }
    // What differs in one label is not picked, whatever the others are.
    let (label, left) = answered?;
    let mut answered = failed.clone();
    answered.insert(label, left);
    Some(Sides {
        failed,
        answered,
        like,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::value::json;

    #[test]
    fn both_sides_of_a_filter_have_examples() {
        let all = Filter::default();
        let declared = json!({"status": "[1-5][0-9]{2}", "method": ["GET", "PUT"]});
        let found = sides(&declared, &json!({"status": "5.."}), &all).expect("both sides");
        assert_eq!(found.failed["status"], ["500", "503"]);
        assert_eq!(found.answered["status"], ["200", "404"]);
        let filter = json!({"method": ["GET", "PUT"], "status": ["500"]});
        let found = sides(&declared, &filter, &all).expect("one label tells them apart");
        assert_eq!(found.answered["method"], ["GET", "PUT"]);
        assert_eq!(found.answered["status"][0], "503");
        assert_eq!(found.like["method"], "GET|PUT");
    }

    #[test]
    fn a_filter_that_picks_nothing_or_everything_has_one_side() {
        let all = Filter::default();
        let declared = json!({"status": ["200", "404"]});
        assert_eq!(sides(&declared, &json!({"status": "5.."}), &all), None);
        assert_eq!(sides(&declared, &json!({"status": "[24].*"}), &all), None);
        assert_eq!(sides(&declared, &json!({"code": "5.."}), &all), None);
    }
}
