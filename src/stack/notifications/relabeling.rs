//! What Prometheus does to labels before it sends an alert, or finds an Alertmanager.

use super::matchers::{Comparison, Labels, Matcher};
use crate::contract::relabel::{self, Relabeled, Rule};
use crate::value::Value;

/// A list of rules, read once: there are as many alerts as services, and a pattern may name hundreds of these.
pub(crate) struct Relabeling {
    steps: Vec<Step>,
    /// Whether any rule is written, one that cannot be read among them.
    pub(crate) written: bool,
}

/// So many shares are tried: alerts are spread over a few Alertmanagers, not over many.
const SHARES: usize = 8;

enum Step {
    Rule(Rule),
    /// Which share an alert falls into is not worked out: it is sent to some Alertmanager.
    Share(String),
}

impl Relabeling {
    /// A rule that cannot be read changes nothing.
    pub(crate) fn of(rules: &Value) -> Relabeling {
        let step = |rule: &Value| match (rule["action"].as_str(), rule["target_label"].as_str()) {
            (Some("hashmod"), Some(target)) => Some(Step::Share(target.to_string())),
            _ => Rule::one(rule).ok().map(Step::Rule),
        };
        Relabeling {
            steps: rules.items().filter_map(step).collect(),
            written: rules.items().next().is_some(),
        }
    }

    /// What rules that look at one label ask of it.
    pub(crate) fn asked(&self) -> Vec<Matcher> {
        let rules = self.steps.iter().filter_map(|step| match step {
            Step::Rule(rule) => Some(rule),
            Step::Share(_) => None,
        });
        let asked = rules.filter_map(|rule| match rule.sources.as_slice() {
            [label] => Matcher::of(label, Comparison::Matches, &rule.pattern),
            _ => None,
        });
        asked.collect()
    }

    /// The labels after all of them; None: they are dropped.
    pub(crate) fn after(&self, labels: Labels) -> Option<Labels> {
        self.of_share(labels, 0)
    }

    /// The same of an alert of any share: of those that are dropped, where some are.
    pub(crate) fn after_at_worst(&self, labels: Labels) -> Option<Labels> {
        let shared = self.steps.iter().any(|step| matches!(step, Step::Share(_)));
        let others =
            (1..if shared { SHARES } else { 1 }).map(|share| self.of_share(labels.clone(), share));
        others.fold(self.of_share(labels.clone(), 0), |worst, other| {
            worst.and(other)
        })
    }

    fn of_share(&self, mut labels: Labels, share: usize) -> Option<Labels> {
        for step in &self.steps {
            match step {
                Step::Share(target) => drop(labels.insert(target.clone(), share.to_string())),
                Step::Rule(rule) => match relabel::relabeled(std::slice::from_ref(rule), labels) {
                    Relabeled::Kept(kept) => labels = kept,
                    Relabeled::Dropped => return None,
                },
            }
        }
        labels.retain(|_, value| !value.is_empty());
        Some(labels)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::value::json;

    #[test]
    fn labels_are_changed_kept_and_dropped() {
        let labels = || -> Labels {
            let pairs = [("a", "one"), ("b", "two"), ("replica", "1")];
            pairs.map(|(a, b)| (a.to_string(), b.to_string())).into()
        };
        let after = |rules: Value| {
            let labels = Relabeling::of(&rules).after(labels())?;
            let pairs = labels.iter().map(|(a, b)| format!("{a}={b}"));
            Some(pairs.collect::<Vec<_>>().join(" "))
        };
        let say = |text: &str| Some(text.to_string());
        assert_eq!(
            after(json!([{"action": "labeldrop", "regex": "replica"}])),
            say("a=one b=two")
        );
        assert_eq!(
            after(
                json!([{"source_labels": ["a", "b"], "regex": "(o.*);(t.*)", "target_label": "c", "replacement": "${2}-$1"}])
            ),
            say("a=one b=two c=two-one replica=1")
        );
        assert_eq!(
            after(json!([{"source_labels": ["a"], "regex": "on", "action": "drop"}])),
            say("a=one b=two replica=1")
        );
        assert_eq!(
            after(json!([{"source_labels": ["a"], "regex": "one", "action": "drop"}])),
            None
        );
        assert_eq!(
            after(json!([{"target_label": "replica", "replacement": ""}])),
            say("a=one b=two")
        );
        assert_eq!(
            after(
                json!([{"regex": "(a|b)", "action": "labelmap", "replacement": "x_$1"}, {"regex": "x_.*", "action": "labelkeep"}])
            ),
            say("x_a=one x_b=two")
        );
    }
}
