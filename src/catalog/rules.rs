//! The catalog's own recording rules.

use super::alerts::{OwnTest, own_tests};
use super::units::Duration;
use crate::value::{Value, from_value};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// `[rules.NAME]`.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub struct RecordingRule {
    /// The name under which it records.
    #[serde(default)]
    pub name: String,
    pub expr: String,
    /// Over those that the expression leaves.
    #[serde(default)]
    pub labels: BTreeMap<String, String>,
    /// How often it is evaluated, where that is not as all others are.
    pub interval: Option<Duration>,
    /// What its values are in, where neither its expression nor its name says so.
    pub unit: Option<String>,
    /// What it is for.
    pub help: Option<String>,
    /// Its own unit tests, as written.
    #[serde(default)]
    tests: Vec<Value>,
}

impl RecordingRule {
    pub(super) fn resolve(name: &str, written: &Value) -> serde_json::Result<RecordingRule> {
        let mut rule: RecordingRule = from_value(written)?;
        rule.name = name.to_string();
        Ok(rule)
    }

    pub(crate) fn has_tests(&self) -> bool {
        !self.tests.is_empty()
    }

    /// Its own tests, in their order.
    pub fn tests(&self) -> Vec<OwnTest<'_>> {
        own_tests(&format!("/rules/{}/tests", self.name), &self.tests)
    }
}

/// A group of rules that are evaluated equally often, in the order of the catalog.
#[derive(Clone, Debug, Serialize)]
pub struct RuleGroup {
    /// None: as often as all other rules.
    pub interval: Option<Duration>,
    pub rules: Vec<RecordingRule>,
}

/// The rules by their interval: Prometheus evaluates those of one group one after the other, so that one may read another
/// that stands before it.
pub(super) fn grouped(rules: &[RecordingRule]) -> Vec<RuleGroup> {
    let mut groups: Vec<RuleGroup> = Vec::new();
    for rule in rules {
        let known = groups
            .iter_mut()
            .find(|group| group.interval == rule.interval);
        match known {
            Some(group) => group.rules.push(rule.clone()),
            None => groups.push(RuleGroup {
                interval: rule.interval,
                rules: vec![rule.clone()],
            }),
        }
    }
    groups
}
