//! What Prometheus does to labels before it sends an alert, or finds an Alertmanager.

use super::matchers::Labels;
use crate::contract::relabel::{self, Relabeled, Rule};
use crate::json::Parts;
use serde_json::Value;

/// The labels after a list of rules; None: they are dropped. A rule that cannot be read changes nothing.
pub(crate) fn relabeled(mut labels: Labels, rules: &Value) -> Option<Labels> {
    for rule in rules.items() {
        // Which share an alert falls into is not worked out: it is sent to some Alertmanager.
        if let (Some("hashmod"), Some(target)) =
            (rule["action"].as_str(), rule["target_label"].as_str())
        {
            labels.insert(target.to_string(), "0".to_string());
        } else if let Ok(rule) = Rule::one(rule) {
            match relabel::relabeled(&[rule], labels) {
                Relabeled::Kept(kept) => labels = kept,
                Relabeled::Dropped => return None,
            }
        }
    }
    labels.retain(|_, value| !value.is_empty());
    Some(labels)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn labels_are_changed_kept_and_dropped() {
        let labels = || -> Labels {
            let pairs = [("a", "one"), ("b", "two"), ("replica", "1")];
            pairs.map(|(a, b)| (a.to_string(), b.to_string())).into()
        };
        let after = |rules: Value| {
            let labels = relabeled(labels(), &rules)?;
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
