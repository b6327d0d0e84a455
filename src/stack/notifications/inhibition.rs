//! Which alert keeps which other from being notified, as the Alertmanager decides it.

use super::matchers::{self, Labels, Matcher, pick};
use crate::value::Value;

/// One rule: while a source fires, targets that agree with it in some labels are not notified.
pub struct Inhibition {
    /// Where it stands in the configuration.
    pub pointer: String,
    pub source: Vec<Matcher>,
    pub target: Vec<Matcher>,
    /// Labels that must be the same on both sides; one that both lack is.
    pub equal: Vec<String>,
}

/// A side that cannot be read: its pointer, and the text.
pub(crate) type Unreadable = (String, String);

impl Inhibition {
    /// Every rule of a configuration, or why one of them cannot be read.
    pub(crate) fn all(alertmanager: &Value) -> Vec<Result<Inhibition, Unreadable>> {
        let rules = alertmanager["inhibit_rules"].items().enumerate();
        rules
            .map(|(index, rule)| Inhibition::read(format!("/inhibit_rules/{index}"), rule))
            .collect()
    }

    /// The rules that can be read.
    pub fn of(alertmanager: &Value) -> Vec<Inhibition> {
        let all = Inhibition::all(alertmanager);
        all.into_iter().filter_map(Result::ok).collect()
    }

    fn read(pointer: String, rule: &Value) -> Result<Inhibition, Unreadable> {
        let side = |side: &str| {
            let key = matchers::keys(rule, side).pop().unwrap_or_default();
            matchers::of(rule, side).map_err(|text| (format!("{pointer}/{key}"), text))
        };
        Ok(Inhibition {
            source: side("source_")?,
            target: side("target_")?,
            equal: rule["equal"].texts().map(str::to_string).collect(),
            pointer,
        })
    }

    /// Whether an alert can be a source.
    pub fn from(&self, alert: &Labels) -> bool {
        pick(&self.source, alert)
    }

    /// Whether an alert can be a target.
    pub fn onto(&self, alert: &Labels) -> bool {
        pick(&self.target, alert)
    }

    /// Whether a target is not notified while the source fires. Of two alerts that match both sides, neither holds back the
    /// other, and so none itself.
    pub fn holds_back(&self, source: &Labels, target: &Labels) -> bool {
        let value = |labels: &Labels, label: &str| labels.get(label).cloned().unwrap_or_default();
        let agree = |label: &String| value(source, label) == value(target, label);
        self.from(source)
            && self.onto(target)
            && self.equal.iter().all(agree)
            && !(self.onto(source) && self.from(target))
    }

    /// The values of `equal` that an alert has: alerts with the same can meet.
    pub(crate) fn key<'a>(&self, alert: &'a Labels) -> Vec<&'a str> {
        let value = |label: &String| alert.get(label).map_or("", String::as_str);
        self.equal.iter().map(value).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::value::json;

    #[test]
    fn absent_labels_are_equal_and_nothing_holds_back_itself() {
        let labels = |pairs: &[(&str, &str)]| -> Labels {
            let owned = pairs.iter().map(|(a, b)| (a.to_string(), b.to_string()));
            owned.collect()
        };
        let rules = Inhibition::of(&json!({"inhibit_rules": [
            {"source_matchers": ["kind=~\"a|b\""], "target_match_re": {"kind": "b|c"}, "equal": ["job", "zone"]}]}));
        let holds = |source: &[(&str, &str)], target: &[(&str, &str)]| {
            rules[0].holds_back(&labels(source), &labels(target))
        };
        assert!(holds(
            &[("kind", "a"), ("job", "x")],
            &[("kind", "b"), ("job", "x")]
        ));
        assert!(holds(&[("kind", "a")], &[("kind", "c"), ("zone", "")]));
        assert!(holds(&[("kind", "b")], &[("kind", "c")]));
        assert!(!holds(&[("kind", "b")], &[("kind", "b")]));
        assert!(!holds(&[("kind", "a"), ("zone", "1")], &[("kind", "b")]));
        assert!(!holds(&[("kind", "c")], &[("kind", "b")]));
    }
}
