//! What Prometheus does to labels before it sends an alert, or finds an Alertmanager.

use super::matchers::Labels;
use crate::json::{Parts, plain};
use crate::promql::re2::anchored;
use regex_automata::meta::Regex;
use regex_automata::util::captures::Captures;
use serde_json::Value;

/// The labels after a list of rules; None: they are dropped. A rule that cannot be read changes nothing.
pub(crate) fn relabeled(mut labels: Labels, rules: &Value) -> Option<Labels> {
    for rule in rules.items() {
        labels = one(labels, rule)?;
    }
    labels.retain(|_, value| !value.is_empty());
    Some(labels)
}

fn one(mut labels: Labels, rule: &Value) -> Option<Labels> {
    let text = |key: &str, default: &str| {
        let written = rule.get(key).filter(|value| !value.is_null());
        written.map_or_else(|| default.to_string(), plain)
    };
    let value = |labels: &Labels, label: &str| labels.get(label).cloned().unwrap_or_default();
    let sources: Vec<String> = rule["source_labels"]
        .texts()
        .map(|label| value(&labels, label))
        .collect();
    let source = sources.join(&text("separator", ";"));
    let target = text("target_label", "");
    let regex = anchored(&text("regex", "(.*)"));
    let Some(regex) = regex.ok().and_then(|regex| Regex::new(&regex).ok()) else {
        return Some(labels);
    };
    let replacement = text("replacement", "$1");
    match text("action", "replace").to_lowercase().as_str() {
        "drop" if regex.is_match(&source) => return None,
        "keep" if !regex.is_match(&source) => return None,
        "dropequal" if value(&labels, &target) == source => return None,
        "keepequal" if value(&labels, &target) != source => return None,
        "replace" => {
            if let Some(groups) = groups(&regex, &source) {
                let label = expanded(&target, &source, &groups);
                let value = expanded(&replacement, &source, &groups);
                labels.insert(label, value);
            }
        }
        "lowercase" => drop(labels.insert(target, source.to_lowercase())),
        "uppercase" => drop(labels.insert(target, source.to_uppercase())),
        // Which share an alert falls into is not worked out: it is sent to some Alertmanager.
        "hashmod" => drop(labels.insert(target, "0".to_string())),
        "labelmap" => {
            let mapped = labels.iter().filter_map(|(label, value)| {
                let groups = groups(&regex, label)?;
                Some((expanded(&replacement, label, &groups), value.clone()))
            });
            let mapped: Vec<(String, String)> = mapped.collect();
            labels.extend(mapped);
        }
        "labeldrop" => labels.retain(|label, _| !regex.is_match(label)),
        "labelkeep" => labels.retain(|label, _| regex.is_match(label)),
        _ => {}
    }
    Some(labels)
}

fn groups(regex: &Regex, text: &str) -> Option<Captures> {
    let mut groups = regex.create_captures();
    regex.captures(text, &mut groups);
    groups.is_match().then_some(groups)
}

/// `$1`, `${1}`; `$$` is a dollar.
fn expanded(template: &str, text: &str, groups: &Captures) -> String {
    let mut out = String::new();
    let mut rest = template;
    while let Some((before, behind)) = rest.split_once('$') {
        out += before;
        let word = |c: char| c.is_alphanumeric() || c == '_';
        let (name, after) = match behind
            .strip_prefix('{')
            .and_then(|inside| inside.split_once('}'))
        {
            Some(split) => split,
            None => behind.split_at(behind.find(|c| !word(c)).unwrap_or(behind.len())),
        };
        if name.is_empty() {
            out.push('$');
            rest = after.strip_prefix('$').unwrap_or(after);
            continue;
        }
        let span = name
            .parse()
            .ok()
            .and_then(|index: usize| groups.get_group(index));
        out += span.map_or("", |span| &text[span.range()]);
        rest = after;
    }
    out + rest
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
