//! What is wrong with a kind.toml, as far as that can be seen without an alert.

use super::{HELP, Kind};
use crate::diagnostic::{Diagnostic, Place};
use crate::value::{Map, Value};

impl Kind {
    /// What can be seen of it without an alert: names that lead nowhere, and expressions that cannot be read.
    pub(super) fn mistakes(&self, text: &str) -> Vec<Diagnostic> {
        let mut found = Vec::new();
        for (name, case) in self
            .cases
            .iter()
            .flat_map(|case| case.series.keys().map(move |name| (name, case)))
        {
            if !self.series.contains_key(name) {
                let message = format!(
                    "`{}` gives `{name}`, which is not among `series`",
                    case.name
                );
                found.push(self.mistake(text, name, message));
            }
        }
        for (name, given) in &self.series {
            if given.metric.is_empty() != given.role.is_some() {
                let message = format!(
                    "the series `{name}` needs either `metric`, a key or a full name, or `role`, what its profile says it is"
                );
                found.push(self.mistake(text, name, message));
            }
        }
        for fault in &self.faults {
            if !self.cases.iter().any(|case| case.name == fault.case) {
                let message = format!(
                    "the fault `{}` names a case that is not there: `{}`",
                    fault.name, fault.case
                );
                found.push(self.mistake(text, &fault.case, message));
            }
        }
        let environment = minijinja::Environment::new();
        for expression in self.expressions() {
            if let Err(error) = environment.compile_expression(expression) {
                let reason = error.detail().unwrap_or("it cannot be read");
                let message = format!("`{expression}` is not a valid expression: {reason}");
                found.push(self.mistake(text, expression, message));
            }
        }
        found
    }

    /// Every expression; of a phase, what follows its keywords.
    fn expressions(&self) -> Vec<&str> {
        let mut all: Vec<&str> = Vec::new();
        let tables = [&self.constants, &self.numbers, &self.times];
        all.extend(
            tables
                .into_iter()
                .flat_map(Map::values)
                .filter_map(Value::as_str),
        );
        for given in self.series.values() {
            all.extend(
                given
                    .labels
                    .values()
                    .chain(given.like.values())
                    .map(String::as_str),
            );
            let whole = [
                &given.when,
                &given.labels_from,
                &given.like_from,
                &given.summed,
            ];
            all.extend(given.each.values().map(String::as_str));
            all.extend(whole.into_iter().flatten().map(String::as_str));
        }
        all.extend(self.faults.iter().filter_map(|fault| fault.when.as_deref()));
        for case in &self.cases {
            all.extend(case.when.as_deref());
            all.extend(case.silenced_until.as_deref());
            for seen in &case.seen {
                let optional = [&seen.is, &seen.value, &seen.signal, &seen.when];
                all.push(&seen.at);
                all.extend(optional.into_iter().flatten().map(String::as_str));
            }
            let phases = case.series.values().flatten();
            all.extend(phases.flat_map(|phase| of_phase(phase)));
        }
        all
    }

    /// At the first line that holds the words, or the first of all.
    pub(super) fn mistake(&self, text: &str, words: &str, message: String) -> Diagnostic {
        let line = text
            .lines()
            .position(|line| line.contains(words))
            .unwrap_or(0);
        let place = Place::Line {
            file: format!("templates/kinds/{}/kind.toml", self.name),
            line: line + 1,
            text: text.lines().nth(line).unwrap_or_default().to_string(),
        };
        Diagnostic::error("invalid-kind", place, message).help(HELP)
    }
}

fn of_phase(phase: &str) -> impl Iterator<Item = &str> {
    let keywords = ["restart rate ", "rate ", "level ", "clock "];
    phase
        .split(" until ")
        .map(move |part| {
            let bare = keywords.iter().find_map(|word| part.strip_prefix(word));
            bare.unwrap_or(part)
        })
        .filter(|bare| !["stale", "absent"].contains(bare))
}
