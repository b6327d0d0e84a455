//! Services that rules cannot tell apart: what holds of one of a class holds of all.

use super::rules::Rule;
use crate::catalog::Service;
use crate::promql::engine::Labels;
use crate::promql::matchers::Judge;
use crate::promql::re2::in_bytes;
use crate::promql::walk::{children, selectors, text};
use crate::promql::{Expr, Matcher};
use regex_automata::meta::Regex;
use std::collections::{HashMap, HashSet};
use std::fmt::Write;

/// The labels by which Prometheus knows a target.
pub const OF_TARGETS: [&str; 4] = ["job", "service", "component", "instance"];

const INSTANCE: &str = OF_TARGETS[3];

/// Those of the first instance of a service.
pub(crate) fn target(service: &Service) -> Labels {
    let address = &service.instances[0].address;
    let own = [&service.name, &service.name, &service.group, address];
    OF_TARGETS.into_iter().zip(own).collect()
}

/// The targets of a service by which rules may tell it from others: where they ask for instances, what is scraped and what is
/// probed.
pub(crate) fn targets(service: &Service, questions: &Questions) -> Vec<Labels> {
    let first = target(service);
    let mut matchers = questions.matchers.iter();
    let mut replacements = questions.replacements.iter();
    let asks = matchers.any(|matcher| matcher.name == INSTANCE)
        || replacements.any(|replacement| replacement.source == INSTANCE);
    let more = service.instances.iter().skip(1).filter(|_| asks);
    let more = more.map(|instance| first.with(INSTANCE, &instance.address));
    let probed = service.health_urls.iter().filter(|_| asks);
    let probed = probed.map(|url| first.with(INSTANCE, url));
    let all: Vec<Labels> = more.chain(probed).collect();
    std::iter::once(first).chain(all).collect()
}

/// What rules ask of the labels of a target.
pub(crate) struct Questions<'a> {
    matchers: Vec<&'a Matcher>,
    replacements: Vec<Replacement<'a>>,
    /// Label and value of a target → the rules whose own labels name it: the same number for the same rules.
    own: HashMap<(&'a str, &'a str), usize>,
}

/// A label that is made from another.
struct Replacement<'a> {
    regex: Regex,
    template: &'a str,
    source: &'a str,
}

impl<'a> Questions<'a> {
    /// Everything that the rules ask of these labels; None: they make labels in a way that may tell any two apart.
    pub(crate) fn of(rules: &[&'a Rule], labels: &[&str]) -> Option<Questions<'a>> {
        let mut matchers: Vec<&Matcher> = Vec::new();
        let mut replacements = Vec::new();
        let mut own: HashMap<_, String> = HashMap::new();
        let mut seen = HashSet::new();
        for rule in rules {
            let selected = selectors(&rule.expr).into_iter();
            let asked = selected.flat_map(|selector| &selector.matchers.matchers);
            for matcher in asked.filter(|matcher| labels.contains(&matcher.name.as_str())) {
                if seen.insert((&matcher.name, matcher.op.to_string(), &matcher.value)) {
                    matchers.push(matcher);
                }
            }
            made(&rule.expr, labels, &mut replacements)?;
            let mut said = None;
            for (label, value) in rule.constant_labels() {
                if labels.contains(&label) {
                    let rules = own.entry((label, value)).or_default();
                    *rules += said.get_or_insert_with(|| format!("|{} {}", rule.name, rule.expr));
                }
            }
        }
        let mut numbers: HashMap<String, usize> = HashMap::new();
        let own = own.into_iter().map(|(named, rules)| {
            let next = numbers.len();
            (named, *numbers.entry(rules).or_insert(next))
        });
        Some(Questions {
            matchers,
            replacements,
            own: own.collect(),
        })
    }

    /// The answers for a target: equal for those that the rules cannot tell apart.
    pub(crate) fn answers(&self, target: &Labels) -> String {
        let mut answers = String::new();
        for matcher in &self.matchers {
            let picked = Judge::of(matcher).picks(target.get(&matcher.name));
            answers.push(if picked { '1' } else { '0' });
        }
        for replacement in &self.replacements {
            let value = target.get(replacement.source);
            let mut captures = replacement.regex.create_captures();
            replacement.regex.captures(value, &mut captures);
            if !captures.is_match() {
                answers.push('-');
                continue;
            }
            let mut made = String::new();
            captures.interpolate_string_into(value, replacement.template, &mut made);
            // Which of the target's labels it is; another text is itself.
            let known = target.iter().position(|(_, value)| value == made);
            answers += &known.map_or(made, |known| format!("#{known}"));
        }
        for (label, value) in target.iter() {
            if let Some(rules) = self.own.get(&(label, value)) {
                let _ = write!(answers, "|{label} {rules}");
            }
        }
        answers
    }
}

fn made<'a>(expr: &'a Expr, labels: &[&str], found: &mut Vec<Replacement<'a>>) -> Option<()> {
    if let Expr::Call(call) = expr {
        let texts: Vec<&str> = call
            .args
            .args
            .iter()
            .filter_map(|argument| text(argument))
            .collect();
        match (call.func.name, texts.as_slice()) {
            ("label_replace", [_, template, source, pattern]) if labels.contains(source) => {
                found.push(Replacement {
                    regex: Regex::builder().build_from_hir(&in_bytes(pattern)?).ok()?,
                    template,
                    source,
                });
            }
            ("label_join", [_, _, sources @ ..])
                if sources.iter().any(|source| labels.contains(source)) =>
            {
                return None;
            }
            _ => {}
        }
    }
    children(expr).try_for_each(|child| made(child, labels, found))
}
