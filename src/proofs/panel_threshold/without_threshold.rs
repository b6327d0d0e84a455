//! Alerts without a threshold: a panel of what they compare does not say the opposite of their rules.

use super::signals::Signals;
use crate::diagnostic::Diagnostic;
use crate::promql::engine::metric;
use crate::promql::walk::selectors;
use crate::proofs::place;
use crate::stack::expressions::Expression;
use crate::stack::grafana::shown::{Field, News};
use crate::stack::world::{World, series};
use std::collections::BTreeSet;

/// Values of a signal that has no threshold: nothing happens, and something does.
const TRIED: [f64; 2] = [0.0, 1.0];

impl Signals<'_, '_> {
    /// What a panel shows of an alert without a threshold, where its rule says the opposite.
    pub(super) fn contradicted_by(&self, expression: &Expression) -> Option<Diagnostic> {
        let named: BTreeSet<&str> = selectors(&expression.ast)
            .into_iter()
            .filter_map(metric)
            .collect();
        let query = expression.target["refId"].as_str().unwrap_or_default();
        let field = Field::of(expression.owner, "", query);
        if !(field.by_steps() || field.marks_steps()) {
            return None;
        }
        let pointer = expression.panel()?;
        let title = expression.owner["title"].as_str().unwrap_or_default();
        for (alert, signal, condition) in &self.conditions {
            if !named.contains(signal) {
                continue;
            }
            let Some(service) = alert
                .covers
                .first()
                .and_then(|name| self.stack.catalog.service(name))
            else {
                continue;
            };
            let labels = [
                ("job", service.name.as_str()),
                ("service", service.name.as_str()),
                ("component", service.group.as_str()),
            ];
            for value in TRIED {
                let world = World::plain(&vec![(series(signal, labels), value)]);
                let fires = !world.asked(condition)?.is_empty();
                for (_, shown) in world.asked(&expression.ast)? {
                    let colour = field.colour_of(shown);
                    let news = colour.as_deref().map(crate::stack::grafana::shown::colour);
                    let wrong = if fires { News::Good } else { News::Bad };
                    if news == Some(wrong) {
                        let colour = colour.unwrap_or_default();
                        let does = if fires { "fires" } else { "does not fire" };
                        return Some(place::at(
                            expression.path,
                            format!("{pointer}/fieldConfig/defaults/thresholds"),
                            format!(
                                "`{title}` is {colour} at {shown}, where {} {does}",
                                alert.name
                            ),
                            "give the value the colour of what it means",
                        ));
                    }
                }
            }
        }
        None
    }
}
