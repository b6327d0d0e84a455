//! Relabeling, as Prometheus does it before a scrape and after one (model/relabel/relabel.go).

use crate::promql::re2::in_bytes;
use crate::value::Value;
use regex_automata::meta::Regex;
use regex_syntax::hir::{Hir, HirKind};
use std::collections::BTreeMap;

/// Labels by name.
pub(crate) type Labels = BTreeMap<String, String>;

/// One rule, read once.
pub(crate) struct Rule {
    action: Action,
    pub(crate) sources: Vec<String>,
    separator: String,
    /// As it is written.
    pub(crate) pattern: String,
    regex: Regex,
    pub(crate) target: String,
    replacement: String,
    /// Of a hash; what is no hash has none.
    modulus: u64,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Action {
    Replace,
    Keep,
    Drop,
    KeepEqual,
    DropEqual,
    Lowercase,
    Uppercase,
    HashMod,
    LabelMap,
    LabelDrop,
    LabelKeep,
}

/// What becomes of a target or a sample.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Relabeled {
    /// It stays, with these labels.
    Kept(Labels),
    Dropped,
}

impl Rule {
    /// Reads a list of rules; what cannot be run comes with its index.
    pub(crate) fn read(rules: &Value) -> Result<Vec<Rule>, (usize, String)> {
        let read = |(index, rule)| Rule::one(rule).map_err(|reason| (index, reason));
        rules.items().enumerate().map(read).collect()
    }

    /// Reads one rule; the reason, when it cannot be run.
    pub(crate) fn one(rule: &Value) -> Result<Rule, String> {
        let text = |key: &str, default: &str| rule[key].as_str().unwrap_or(default).to_string();
        let name = text("action", "replace").to_lowercase();
        let action = match name.as_str() {
            "replace" => Action::Replace,
            "keep" => Action::Keep,
            "drop" => Action::Drop,
            "keepequal" => Action::KeepEqual,
            "dropequal" => Action::DropEqual,
            "lowercase" => Action::Lowercase,
            "uppercase" => Action::Uppercase,
            "labelmap" => Action::LabelMap,
            "labeldrop" => Action::LabelDrop,
            "labelkeep" => Action::LabelKeep,
            "hashmod" => Action::HashMod,
            other => return Err(format!("Prometheus knows no action `{other}`")),
        };
        let wants_target = !matches!(
            action,
            Action::Keep | Action::Drop | Action::LabelMap | Action::LabelDrop | Action::LabelKeep
        );
        if wants_target && text("target_label", "").is_empty() {
            return Err(format!(
                "Prometheus refuses `{name}` without a `target_label`"
            ));
        }
        let modulus = rule["modulus"].as_u64().unwrap_or(0);
        if action == Action::HashMod && modulus == 0 {
            return Err("Prometheus refuses `hashmod` without a `modulus`".to_string());
        }
        // A number is a pattern too.
        let pattern = match &rule["regex"] {
            Value::Null => "(.*)".to_string(),
            value => crate::json::plain(value),
        };
        let regex = in_bytes(&pattern)
            .and_then(|pattern| Regex::builder().build_from_hir(&pattern).ok())
            .ok_or_else(|| format!("`{pattern}` is not a regular expression"))?;
        Ok(Rule {
            action,
            sources: rule["source_labels"].texts().map(str::to_string).collect(),
            separator: text("separator", ";"),
            pattern,
            regex,
            target: text("target_label", ""),
            modulus,
            replacement: match &rule["replacement"] {
                Value::Null => "$1".to_string(),
                value => crate::json::plain(value),
            },
        })
    }

    /// A group that its replacement asks for and its pattern does not have: nothing is written in its place.
    pub(crate) fn missing_group(&self) -> Option<&str> {
        if !matches!(self.action, Action::Replace | Action::LabelMap) {
            return None;
        }
        let groups = self.regex.captures_len();
        let asked = self.replacement.match_indices('$').filter_map(|(at, _)| {
            let behind = &self.replacement[at + 1..];
            let digits = behind.strip_prefix('{').unwrap_or(behind);
            let end = digits.find(|character: char| !character.is_ascii_digit());
            let number = &digits[..end.unwrap_or(digits.len())];
            let written = at + 1 + (behind.len() - digits.len()) + number.len();
            let closed = written + usize::from(digits.len() < behind.len());
            let text = self.replacement.get(at..closed)?;
            Some((number.parse::<usize>().ok()?, text))
        });
        let mut missing = asked.filter(|(number, _)| *number >= groups);
        missing.next().map(|(_, text)| text)
    }

    /// Whether it keeps or drops targets by labels that only their discovery knows.
    pub(crate) fn keeps_discovered(&self) -> bool {
        matches!(self.action, Action::Keep | Action::Drop)
            && !self.sources.is_empty()
            && self.sources.iter().all(|name| !is_of_scrape(name))
    }

    /// Whether it looks at the names of labels, whatever they are.
    pub(crate) fn of_names(&self) -> bool {
        matches!(
            self.action,
            Action::LabelMap | Action::LabelDrop | Action::LabelKeep
        )
    }

    /// The label that it writes, if it is one.
    pub(crate) fn writes(&self) -> Option<&str> {
        let named = !self.of_names()
            && !self.target.is_empty()
            && !matches!(
                self.action,
                Action::Keep | Action::Drop | Action::KeepEqual | Action::DropEqual
            );
        (named && self.target != "__name__").then_some(&self.target)
    }

    /// Whether it takes a label away, whatever its value is.
    pub(crate) fn removes(&self, label: &str) -> bool {
        match self.action {
            Action::LabelDrop => self.regex.is_match(label),
            Action::LabelKeep => !self.regex.is_match(label),
            _ => false,
        }
    }

    /// Whether it may make names of metrics, or of labels, that nobody knows.
    pub(crate) fn renames(&self) -> bool {
        self.action == Action::LabelMap
            || self.target.contains('$')
            || (self.target == "__name__" && self.action == Action::Replace)
    }

    /// A pattern of the values of which it makes the same as of this one, when it copies a part of what it reads.
    pub(crate) fn alike(&self, value: &str) -> Option<String> {
        if self.action != Action::Replace {
            return None;
        }
        let mut captures = self.regex.create_captures();
        self.regex.captures(value, &mut captures);
        let copied = |index: u32| {
            let used = [format!("${index}"), format!("${{{index}}}")];
            let used = used.iter().any(|used| self.replacement.contains(used));
            let span = captures.get_group(index as usize).filter(|_| used)?;
            Some(&value[span.range()])
        };
        let pattern = crate::promql::re2::rewritten(&self.pattern).ok()?;
        let hir = regex_syntax::parse(&pattern).ok()?;
        Some(fixed(hir, &copied).to_string())
    }

    fn run(&self, labels: &mut Labels) -> bool {
        let values: Vec<&str> = self
            .sources
            .iter()
            .map(|source| labels.get(source).map_or("", String::as_str))
            .collect();
        let value = values.join(&self.separator);
        let at_target = |labels: &Labels| labels.get(&self.target).cloned().unwrap_or_default();
        match self.action {
            Action::Keep => return self.regex.is_match(value.as_str()),
            Action::Drop => return !self.regex.is_match(value.as_str()),
            Action::KeepEqual => return value == at_target(labels),
            Action::DropEqual => return value != at_target(labels),
            Action::Lowercase => set(labels, &self.target, value.to_lowercase()),
            Action::Uppercase => set(labels, &self.target, value.to_uppercase()),
            Action::HashMod => {
                // The second half of the hash is the number.
                let half = u128::from_be_bytes(md5::compute(&value).0) as u64;
                let share = half % self.modulus;
                set(labels, &self.target, share.to_string());
            }
            Action::LabelDrop => labels.retain(|name, _| !self.regex.is_match(name.as_str())),
            Action::LabelKeep => labels.retain(|name, _| self.regex.is_match(name.as_str())),
            Action::LabelMap => {
                let mapped: Vec<(String, String)> = labels
                    .iter()
                    .filter_map(|(name, value)| {
                        Some((self.expanded(name, &self.replacement)?, value.clone()))
                    })
                    .collect();
                mapped
                    .into_iter()
                    .for_each(|(name, value)| set(labels, &name, value));
            }
            Action::Replace => {
                if let (Some(target), Some(replacement)) = (
                    self.expanded(&value, &self.target),
                    self.expanded(&value, &self.replacement),
                ) {
                    set(labels, &target, replacement);
                }
            }
        }
        true
    }

    /// A template with what the pattern has captured; None: it does not match.
    fn expanded(&self, value: &str, template: &str) -> Option<String> {
        // Of a rule for each owner one is meant, and the others find nothing: what that costs is paid for all services.
        if !self.regex.is_match(value) {
            return None;
        }
        let mut captures = self.regex.create_captures();
        self.regex.captures(value, &mut captures);
        let mut out = String::new();
        captures.interpolate_string_into(value, template, &mut out);
        Some(out)
    }
}

/// A pattern whose groups are what they have captured, as far as that is copied.
fn fixed<'v>(hir: Hir, copied: &dyn Fn(u32) -> Option<&'v str>) -> Hir {
    match hir.into_kind() {
        HirKind::Capture(mut group) => match copied(group.index) {
            Some(text) => Hir::literal(text.as_bytes()),
            None => {
                group.sub = Box::new(fixed(*group.sub, copied));
                Hir::capture(group)
            }
        },
        HirKind::Concat(parts) => {
            Hir::concat(parts.into_iter().map(|part| fixed(part, copied)).collect())
        }
        HirKind::Alternation(parts) => {
            Hir::alternation(parts.into_iter().map(|part| fixed(part, copied)).collect())
        }
        HirKind::Empty => Hir::empty(),
        HirKind::Literal(literal) => Hir::literal(literal.0),
        HirKind::Class(class) => Hir::class(class),
        HirKind::Look(look) => Hir::look(look),
        HirKind::Repetition(repeated) => Hir::repetition(repeated),
    }
}

/// Whether every target has the label, whatever finds it.
fn is_of_scrape(name: &str) -> bool {
    name == "job" || name == "instance" || (name.starts_with("__") && !name.starts_with("__meta_"))
}

/// A label without a value is none.
fn set(labels: &mut Labels, name: &str, value: String) {
    match value.is_empty() {
        true => drop(labels.remove(name)),
        false => drop(labels.insert(name.to_string(), value)),
    }
}

/// Runs rules in their order.
pub(crate) fn relabeled(rules: &[Rule], mut labels: Labels) -> Relabeled {
    for rule in rules {
        if !rule.run(&mut labels) {
            return Relabeled::Dropped;
        }
    }
    Relabeled::Kept(labels)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::value::json;

    #[test]
    fn rules_do_what_prometheus_does() {
        let labels = || {
            Labels::from([
                ("__address__".into(), "a:1".into()),
                ("job".into(), "J".into()),
            ])
        };
        let run = |rules: Value| {
            let Ok(rules) = Rule::read(&rules) else {
                panic!("they are rules");
            };
            match relabeled(&rules, labels()) {
                Relabeled::Dropped => "dropped".to_string(),
                Relabeled::Kept(labels) => labels
                    .iter()
                    .map(|(name, value)| format!("{name}={value} "))
                    .collect(),
            }
        };
        for (rules, wanted) in [
            (
                json!([{"source_labels": ["__address__"], "regex": "(.+):.*", "target_label": "instance"}]),
                "__address__=a:1 instance=a job=J ",
            ),
            (
                json!([{"source_labels": ["job"], "target_label": "job", "action": "lowercase"}]),
                "__address__=a:1 job=j ",
            ),
            (
                json!([{"source_labels": ["job", "__address__"], "regex": "J;a:1", "action": "drop"}]),
                "dropped",
            ),
            (
                json!([{"source_labels": ["job"], "regex": "j", "action": "keep"}]),
                "dropped",
            ),
            (
                json!([{"target_label": "job", "replacement": ""}]),
                "__address__=a:1 ",
            ),
            (
                json!([{"regex": "jo.", "action": "labeldrop"}]),
                "__address__=a:1 ",
            ),
            (
                json!([{"regex": "__(.*)__", "action": "labelmap"}]),
                "__address__=a:1 address=a:1 job=J ",
            ),
            (
                json!([{"source_labels": ["job"], "regex": "x", "target_label": "job", "replacement": "y"}]),
                "__address__=a:1 job=J ",
            ),
        ] {
            assert_eq!(run(rules.clone()), wanted, "{rules}");
        }
        assert!(Rule::read(&json!([{"action": "hashmod", "target_label": "x"}])).is_err());
        // As relabel_test.go has it.
        let rules = json!([{"source_labels": ["c"], "target_label": "d", "action": "hashmod", "modulus": 1000}]);
        let Ok(rules) = Rule::read(&rules) else {
            panic!("it is a rule");
        };
        let labels = Labels::from([("c".to_string(), "baz".to_string())]);
        let Relabeled::Kept(labels) = relabeled(&rules, labels) else {
            panic!("it is kept");
        };
        assert_eq!(labels["d"], "976");
    }
}
