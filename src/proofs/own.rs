//! What is proved of the user's own files, of `[extra]`: whatever needs no intent. What they are meant to do the catalog
//! does not say.

use super::{Expression, place};
use crate::catalog::Catalog;
use crate::contract::Contract;
use crate::diagnostic::{Diagnostic, Place, Severity, nearest};
use crate::promql::engine::metric;
use crate::promql::walk::selectors;
use crate::render::Rendered;
use crate::stack::Stack;
use std::collections::HashSet;

/// Proofs that ask nothing of the catalog but what exists: they look at everything, the others at what is rendered.
const WITHOUT_INTENT: [&str; 36] = [
    "ambiguous-match",
    "annotation-label",
    "beyond-retention",
    "dashboard-model",
    "dead-link",
    "gauge-function-on-counter",
    "grafana-provisioning",
    "histogram-as-number",
    "impossible-threshold",
    "inhibition",
    "invalid-promql",
    "labels-do-not-fit",
    "literal-secret",
    "mixed-units",
    "newer-than-minimum",
    "notification-template",
    "notification-text",
    "quantile-without-le",
    "range-too-short",
    "rate-of-gauge",
    "refused-notification",
    "rule-file",
    "server-settings",
    "test-fails",
    "undelivered-alert",
    "unknown-datasource",
    "unknown-flag",
    "unknown-grouping",
    "unknown-matching-label",
    "unknown-metric",
    "unmatchable",
    "unmounted-file",
    "unreachable-address",
    "unreachable-receiver",
    "unread-setting",
    "unrouted-alert",
];

/// Those of them that hold for metrics of which nothing is known: what compares a value with itself.
const OF_ANYTHING: [&str; 1] = ["impossible-threshold"];

/// And for metrics whose type is known, though not who has them with which labels.
const OF_TYPES: [&str; 4] = [
    "gauge-function-on-counter",
    "histogram-as-number",
    "quantile-without-le",
    "rate-of-gauge",
];

/// How much is known of what an own expression reads.
#[derive(Clone, Copy, PartialEq)]
pub(super) enum Known {
    Whole,
    /// The types of its metrics.
    Types,
    Nothing,
}

impl Known {
    /// Whether a proof can judge that.
    pub(super) fn judged_by(self, code: &str) -> bool {
        match self {
            Known::Whole => WITHOUT_INTENT.contains(&code),
            Known::Types => OF_TYPES.contains(&code) || OF_ANYTHING.contains(&code),
            Known::Nothing => OF_ANYTHING.contains(&code),
        }
    }
}

/// Which proofs judge what.
pub(super) struct Reach<'a> {
    rendered: &'a Rendered,
    /// Paths of placed files.
    placed: HashSet<&'a str>,
    /// What can only be the catalog's own, though a job may expose anything; None: there is no such job.
    closed: Option<HashSet<String>>,
}

impl<'a> Reach<'a> {
    pub(super) fn of(catalog: &Catalog, rendered: &'a Rendered, stack: &Stack<'a>) -> Reach<'a> {
        let own = rendered.files.iter().filter(|file| file.is_own());
        let open = rendered.own().is_open(catalog);
        Reach {
            rendered,
            placed: own.map(|file| file.path.as_str()).collect(),
            closed: open.then(|| closed(catalog, stack)),
        }
    }

    /// Whether the proof needs no intent.
    pub(super) fn needs_no_intent(code: &str) -> bool {
        WITHOUT_INTENT.contains(&code)
    }

    /// Whether the expression is the user's own.
    pub(super) fn is_own(&self, expression: &Expression) -> bool {
        self.placed.contains(expression.path)
    }

    /// How much is known of what an own expression reads.
    pub(super) fn known(&self, expression: &Expression, contract: &Contract) -> Known {
        let Some(closed) = &self.closed else {
            return Known::Whole;
        };
        let all = selectors(&expression.ast);
        let names: Vec<Option<&str>> = all.into_iter().map(metric).collect();
        let each = |known: &dyn Fn(&str) -> bool| names.iter().all(|name| name.is_some_and(known));
        match each(&|name| closed.contains(name)) {
            true => Known::Whole,
            false if each(&|name| contract.knows(name)) => Known::Types,
            false => Known::Nothing,
        }
    }

    /// Metrics of an own expression that nobody is known to emit, and that are nearly called as one that somebody does.
    pub(super) fn misspelt(&self, expression: &Expression, contract: &Contract) -> Vec<Diagnostic> {
        let mut found = Vec::new();
        for name in selectors(&expression.ast).into_iter().filter_map(metric) {
            if contract.knows(name) {
                continue;
            }
            // Of a short name almost any other is near; and what differs by more letters is not compared at all.
            let names = contract
                .names()
                .filter(|near| near.len() > 7 && near.len().abs_diff(name.len()) <= near.len() / 8);
            let near = nearest(name, names)
                .filter(|near| strsim::damerau_levenshtein(name, near) <= near.len() / 8);
            if let Some(near) = near {
                let message = format!("nobody is known to emit `{name}`");
                let help = format!(
                    "did you mean `{near}`? If a job of `scrape` exposes it, say so with `profiles` in [extra.jobs]"
                );
                found.push(Diagnostic {
                    severity: Severity::Warning,
                    ..place::on(expression, message, help)
                });
            }
        }
        found
    }

    /// Whether a finding of a proof that needs intent is about what the user wrote without saying any.
    pub(super) fn is_beyond(&self, code: &str, found: &Diagnostic) -> bool {
        let Place::Rendered { file, pointer } = &found.place else {
            return false;
        };
        // Where an own alert ends says its own route.
        let routed = code == "unrouted-alert" && !self.placed.contains(file.as_str());
        (!Reach::needs_no_intent(code) || routed)
            && self.rendered.own_place(file, pointer).is_some()
    }
}

/// What the catalog declares, and what the generated rules record.
fn closed(catalog: &Catalog, stack: &Stack) -> HashSet<String> {
    let declared = catalog.declared().flat_map(|metric| {
        let suffixes = ["", "_bucket", "_sum", "_count"];
        suffixes.map(|suffix| format!("{}{suffix}", metric.name))
    });
    let rules = stack.files.rules().filter(|(file, _, _)| !file.is_own());
    let recorded = rules.filter_map(|(_, _, rule)| rule["record"].as_str().map(str::to_string));
    declared.chain(recorded).collect()
}
