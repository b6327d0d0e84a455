//! Thresholds of an alert under another number than the alert compares: both are asked while a service does something.

use super::colours::firing_colours;
use super::signals::Signals;
use crate::diagnostic::Diagnostic;
use crate::kinds::Side;
use crate::profiles::{built_in, of_scrapes};
use crate::promql::Expr;
use crate::promql::engine::metric;
use crate::promql::walk::selectors;
use crate::proofs::place;
use crate::stack::expressions::Expression;
use crate::stack::grafana::shown::{Field, News};
use crate::stack::world::busy::busy_service;
use crate::stack::world::{Recordings, Samples, World};
use std::collections::BTreeSet;

/// How much of a value two ways to work it out may differ by: windows begin and end elsewhere.
const TOLERANCE: f64 = 0.02;

impl Signals<'_, '_> {
    /// A panel with the threshold of an alert that shows another number than the alert compares, of the same metrics: both are asked
    /// while a service does something.
    pub(super) fn borrowed(
        &self,
        expression: &Expression,
        recordings: &Recordings,
    ) -> Option<Diagnostic> {
        let query = expression.target["refId"].as_str().unwrap_or_default();
        let field = Field::of(expression.owner, "", query);
        if !(field.by_steps() || field.marks_steps()) {
            return None;
        }
        let field_steps = field.steps();
        let reddening = |side: Side| {
            let colours = firing_colours(&field_steps, side).into_iter();
            let bad = colours.filter(|(.., news)| *news == News::Bad);
            bad.map(|(_, value, _)| value).collect::<Vec<f64>>()
        };
        // Of an alert that compares with nothing of the catalog's the level is its own, whatever another one's is.
        let drawn: Vec<&str> = selectors(&expression.ast)
            .into_iter()
            .filter_map(metric)
            .collect();
        let alerts = self.stack.catalog.alerts.iter();
        let mut branches = alerts.flat_map(|alert| &alert.branches);
        if branches.any(|one| one.limit().is_none() && drawn.contains(&one.signal.as_str())) {
            return None;
        }
        let sources = recordings.sources(&expression.ast);
        let mut differs = None;
        for alert in &self.stack.catalog.alerts {
            for branch in &alert.branches {
                let limit = branch.limit();
                let limit = limit.filter(|(side, limit)| reddening(*side).contains(limit));
                let Some((side, limit)) = limit else {
                    continue;
                };
                let service = branch
                    .services
                    .first()
                    .and_then(|name| self.stack.catalog.service(name))?;
                let signal = format!("{}{{job=\"{}\"}}", branch.signal, service.name);
                let signal = self.stack.contract.parse(&signal).ok()?;
                let compared = recordings.sources(&signal);
                let of = |expr: &Expr| recordings.constants(expr);
                // Whether a target is up is asked beside what is compared; and what is 0 or 1 is red below 1 whatever an alert counts of it.
                let beside = !compared.iter().all(|name| of_scrapes(name));
                let state = |name: &str| {
                    of_scrapes(name) || built_in("health-probe").any(|known| known == name)
                };
                let mut shared = compared.intersection(&sources);
                let apart = shared
                    .all(|name| beside && of_scrapes(name) || limit == 1.0 && state(name.as_str()));
                if apart && of(&signal).is_disjoint(&of(&expression.ast)) {
                    continue;
                }
                let all = sources.union(&compared).map(String::as_str);
                let service_alone = BTreeSet::from([service.name.as_str()]);
                let world = World::rising(
                    &busy_service(self.stack, &service.name, all, &[&expression.ast]),
                    branch.window.unwrap_or_default(),
                    &recordings.behind([&*expression.ast, &*signal], &service_alone),
                );
                let value = |samples: Samples| {
                    let own = samples.into_iter().filter(|(labels, _)| {
                        ["", service.name.as_str()].contains(&labels.get("job"))
                    });
                    own.map(|(_, value)| value)
                        .fold(None, |most: Option<f64>, value| {
                            Some(most.map_or(value, |most| most.max(value)))
                        })
                };
                let (shown, meant) = (
                    value(world.asked(&expression.ast)?)?,
                    value(world.asked(&signal)?)?,
                );
                if (shown - meant).abs() <= TOLERANCE * meant.abs() {
                    return None;
                }
                let title = expression.owner["title"].as_str().unwrap_or_default();
                differs.get_or_insert_with(|| {
                    place::on(
                        expression,
                        format!("`{title}` is red {} {limit} as {} is, and shows another number than it compares", match side { Side::Above => "from", Side::Below => "below" }, alert.name),
                        "ask for what the alert compares, or give the panel thresholds of its own",
                    )
                });
            }
        }
        differs
    }
}
