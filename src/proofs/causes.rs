//! What a finding is about, and what it may follow from: the rules that lie between.

use super::{alert_behaviour, constant_alert, impossible_threshold, test_fails};
use crate::diagnostic::{Diagnostic, Place};
use crate::promql::Expr;
use crate::promql::engine::metric;
use crate::promql::walk::selectors;
use crate::stack::Stack;
use crate::stack::rules::LoadedRule;
use std::collections::{HashMap, HashSet};

/// A stack's rules, as a chain of causes.
pub(super) struct Causes<'a> {
    /// What each file's rules read and write, by the rule's pointer.
    rules: HashMap<(&'a str, &'a str), &'a LoadedRule<'a>>,
    recorded: HashMap<&'a str, Vec<&'a LoadedRule<'a>>>,
    /// What those that cannot be read would record, by their places,
    unread: HashMap<(&'a str, String), &'a str>,
    /// and the alerts among them.
    unread_alerts: HashMap<(&'a str, String), &'a str>,
    /// Expressions by their places.
    expressions: HashMap<(&'a str, &'a str), &'a Expr>,
}

impl<'a> Causes<'a> {
    pub(super) fn of(stack: &'a Stack) -> Causes<'a> {
        let mut causes = Causes {
            rules: HashMap::new(),
            recorded: HashMap::new(),
            unread: HashMap::new(),
            unread_alerts: HashMap::new(),
            expressions: HashMap::new(),
        };
        for rule in &stack.rules {
            causes.rules.insert((rule.path, &rule.pointer), rule);
            if rule.rule.alert.is_none() {
                causes
                    .recorded
                    .entry(&rule.rule.name)
                    .or_default()
                    .push(rule);
            }
        }
        for (file, pointer, rule) in stack.files.rules() {
            let path = file.path.as_str();
            if causes.rules.contains_key(&(path, pointer.as_str())) {
                continue;
            }
            if let Some(name) = rule["record"].as_str() {
                causes.unread.insert((path, pointer), name);
            } else if let Some(name) = rule["alert"].as_str() {
                causes.unread_alerts.insert((path, pointer), name);
            }
        }
        for expression in &stack.expressions {
            let place = (expression.path, expression.pointer.as_str());
            causes.expressions.insert(place, &expression.ast);
        }
        causes
    }

    /// Names the subjects and causes of a finding. The number orders causes before what follows from them.
    pub(super) fn name(&self, code: &str, found: &mut Diagnostic) -> usize {
        let Place::Rendered { file, pointer } = &found.place else {
            return 0;
        };
        let rule = self.rule(file, pointer);
        let written = self.expressions.get(&(file.as_str(), pointer.as_str()));
        let asked = rule.map(|rule| &*rule.rule.expr).or(written.copied());
        let read = asked.map_or_else(HashSet::new, |expr| self.read(expr));
        // What expressions find may follow from what they are asked of, and a text from what its alert returns.
        let later = usize::from(asked.is_some()) + usize::from(!found.follows.is_empty());
        let depth = later + read.len();
        found
            .follows
            .extend(read.into_iter().map(|name| format!("rule {name}")));
        if code == test_fails::PROOF.code {
            return usize::MAX;
        }
        if code == alert_behaviour::PROOF.code {
            let alerts = found.subjects.iter();
            let alerts: Vec<String> = alerts
                .map(|alert| alert.replace("behaviour", "alert"))
                .collect();
            found.follows.extend(alerts);
            return usize::MAX - 1;
        }
        let (of_rule, key) = pointer.rsplit_once('/').unwrap_or_default();
        let place = (file.as_str(), of_rule.to_string());
        if let Some(name) = self.unread.get(&place) {
            found.subjects.push(format!("rule {name}"));
        }
        // What is wrong with a condition is why its tests fail.
        let condition = rule.filter(|rule| key == "expr" && rule.rule.alert.is_some());
        let condition = condition.map(|rule| rule.rule.name.as_str());
        let condition = condition.or(self.unread_alerts.get(&place).copied());
        // A comparison that never holds is why the whole condition never does.
        let mut depth = depth;
        if let Some(name) = condition.filter(|_| code == impossible_threshold::PROOF.code) {
            found.subjects.push(format!("comparison of {name}"));
        }
        if let Some(name) = condition.filter(|_| code == constant_alert::PROOF.code) {
            found.follows.push(format!("comparison of {name}"));
            depth = usize::MAX - 2;
        }
        found
            .subjects
            .extend(condition.map(|name| format!("condition {name}")));
        if let Some(rule) = rule {
            let what = if rule.rule.alert.is_some() {
                "alert"
            } else {
                "rule"
            };
            found.subjects.push(format!("{what} {}", rule.rule.name));
        }
        depth
    }

    /// The rule that a place is in.
    fn rule(&self, file: &str, pointer: &str) -> Option<&LoadedRule<'a>> {
        let mut place = pointer;
        loop {
            if let Some(rule) = self.rules.get(&(file, place)) {
                return Some(rule);
            }
            place = &place[..place.rfind('/')?];
        }
    }

    /// The recording rules that an expression reads, and those that these read.
    fn read(&self, expr: &Expr) -> HashSet<&'a str> {
        let mut read = HashSet::new();
        let mut open: Vec<&Expr> = vec![expr];
        while let Some(expr) = open.pop() {
            for name in selectors(expr).into_iter().filter_map(metric) {
                if let Some((name, rules)) = self.recorded.get_key_value(name)
                    && read.insert(*name)
                {
                    open.extend(rules.iter().map(|rule| &*rule.rule.expr));
                }
                let mut unread = self.unread.values();
                read.extend(unread.find(|unread| **unread == name));
            }
        }
        read
    }
}
