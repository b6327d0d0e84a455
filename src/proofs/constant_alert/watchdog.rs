//! What fires always, to be missed when it stops, does so whatever else fires.

use crate::diagnostic::Diagnostic;
use crate::promql::engine::{Labels, NAME, metric};
use crate::promql::walk::selectors;
use crate::proofs::place;
use crate::stack::Stack;
use crate::stack::notifications::alerts::NOT_FOR_PEOPLE;
use crate::stack::rules::LoadedRule;
use crate::stack::world::{Samples, World};

/// What fires always, to be missed when it stops, and stops when another alert fires.
pub(super) fn silenced(stack: &Stack) -> Vec<Diagnostic> {
    let constants = |loaded: &LoadedRule| -> Vec<(String, String)> {
        let labels = loaded.rule.constant_labels();
        labels
            .map(|(name, value)| (name.to_string(), value.to_string()))
            .collect()
    };
    let asks_alerts = |loaded: &&LoadedRule| {
        let all = selectors(&loaded.rule.expr);
        let mut names = all.into_iter().filter_map(metric);
        loaded.rule.alert.is_some()
            && names.any(|name| name.starts_with("ALERTS"))
            && loaded
                .rule
                .constant_labels()
                .any(|label| label == ("severity", NOT_FOR_PEOPLE))
    };
    let holds = |loaded: &LoadedRule, series: &Samples| {
        World::plain(series)
            .asked(&loaded.rule.expr)
            .is_some_and(|all| !all.is_empty())
    };
    let watchdogs = stack.rules.iter().filter(asks_alerts);
    let always = watchdogs.filter(|loaded| holds(loaded, &Samples::new()));
    let ended = always.filter_map(|loaded| {
        let mut rules = stack.rules.iter();
        let ends = rules.find(|other| {
            if other.rule.alert.is_none() || other.rule.name == loaded.rule.name {
                return false;
            }
            let series = ["ALERTS", "ALERTS_FOR_STATE"].map(|name| {
                let own = [
                    (NAME, name),
                    ("alertname", &other.rule.name),
                    ("alertstate", "firing"),
                ];
                let own = own.map(|(name, value)| (name.to_string(), value.to_string()));
                (
                    Labels::from_iter(own.into_iter().chain(constants(other))),
                    1.0,
                )
            });
            !holds(loaded, &series.to_vec())
        })?;
        let message = format!(
            "`{}` fires always, to be missed when it stops, and it stops while {} fires",
            loaded.rule.name, ends.rule.name
        );
        let help = "let it depend on nothing, as `vector(1)` does";
        Some(place::at(
            loaded.path,
            format!("{}/expr", loaded.pointer),
            message,
            help,
        ))
    });
    ended.collect()
}
