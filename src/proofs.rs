//! What must hold of the rendered Files: one proof per file, named after its code.

mod expressions;
pub mod stack;

mod alert_labels;
mod alert_without_condition;
mod ambiguous_match;
mod annotation_label;
mod dashboard_model;
mod dead_link;
mod fixed_panel_window;
mod gauge_function_on_counter;
mod impossible_threshold;
mod inhibition;
mod labels_do_not_fit;
mod late_numerator;
mod legend_label;
mod literal_secret;
mod missing_denominator;
mod mounted_files;
mod newer_than_minimum;
mod panel_layout;
mod panel_text;
mod percent_unit;
mod quantile_without_le;
mod range_too_short;
mod rate_of_gauge;
mod raw_counter;
mod rule_file;
mod rules_of_the_catalog;
mod scrape_job;
mod slow_rule_group;
mod undelivered_alert;
mod unguarded_division;
mod unknown_datasource;
mod unknown_grouping;
mod unknown_host;
mod unknown_matching_label;
mod unknown_metric;
mod unmatchable;
mod unprovisioned_dashboard;
mod unread_configuration;
mod unrouted_alert;
mod untested_rule;
mod unused_metric;
mod variable_label;

use crate::catalog::Catalog;
use crate::contract::Contract;
use crate::contract::evaluate::{Node, nodes};
use crate::diagnostic::{Diagnostic, Place, Severity};
use crate::render::Rendered;
pub use expressions::{Expression, Usage};
pub use stack::Stack;
use std::collections::HashSet;
use std::rc::Rc;

/// One thing that must hold.
pub struct Proof {
    /// Stable; also the name of its file.
    pub code: &'static str,
    /// Why it matters, for `explain`.
    pub doc: &'static str,
    /// How it looks when it does not hold.
    pub example: Example,
    /// What is looked at.
    pub check: Check,
}

/// How a proof fails, small enough to read; the tests try every one.
pub enum Example {
    /// The condition of an alert of kind `promql`.
    Condition {
        /// It is found here,
        bad: &'static str,
        /// and not here.
        good: &'static str,
    },
    /// A line of a template under templates/.
    Template {
        /// The template.
        file: &'static str,
        /// What stands there.
        good: &'static str,
        /// What is found instead.
        bad: &'static str,
    },
    /// A fragment of a catalog.
    Catalog {
        /// It is found here,
        bad: &'static str,
        /// and not here.
        good: &'static str,
    },
}

/// What a proof looks at.
pub enum Check {
    /// Each PromQL expression by itself, wherever it stands.
    Expression(fn(&Expression, &[Node], &Contract) -> Vec<Finding>),
    /// All files together.
    Stack(fn(&Stack) -> Vec<Finding>),
}

/// What a proof found, at a value of a rendered file.
#[derive(Debug)]
pub struct Finding {
    /// The file, under generated/; empty: the catalog itself.
    pub path: String,
    /// The value in the file, as a JSON pointer; in the catalog when there is no file.
    pub pointer: String,
    /// What is wrong.
    pub message: String,
    /// What to do.
    pub help: String,
    /// Whether it stops the run.
    pub severity: Severity,
}

impl Finding {
    /// An error at a value of a file.
    pub fn at(path: &str, pointer: impl Into<String>, message: impl Into<String>, help: impl Into<String>) -> Finding {
        Finding { path: path.into(), pointer: pointer.into(), message: message.into(), help: help.into(), severity: Severity::Error }
    }

    /// An error in an expression.
    pub fn on(expression: &Expression, message: impl Into<String>, help: impl Into<String>) -> Finding {
        Finding::at(&expression.path, &expression.pointer, message, help)
    }
}

/// Every proof, by name.
pub const PROOFS: &[Proof] = &[
    alert_labels::PROOF,
    alert_without_condition::PROOF,
    ambiguous_match::PROOF,
    annotation_label::PROOF,
    dashboard_model::PROOF,
    dead_link::PROOF,
    fixed_panel_window::PROOF,
    gauge_function_on_counter::PROOF,
    impossible_threshold::PROOF,
    inhibition::PROOF,
    labels_do_not_fit::PROOF,
    late_numerator::PROOF,
    legend_label::PROOF,
    literal_secret::PROOF,
    missing_denominator::PROOF,
    mounted_files::PROOF,
    newer_than_minimum::PROOF,
    panel_layout::PROOF,
    panel_text::PROOF,
    percent_unit::PROOF,
    quantile_without_le::PROOF,
    range_too_short::PROOF,
    rate_of_gauge::PROOF,
    raw_counter::PROOF,
    rule_file::PROOF,
    rules_of_the_catalog::PROOF,
    scrape_job::PROOF,
    slow_rule_group::PROOF,
    undelivered_alert::PROOF,
    unguarded_division::PROOF,
    unknown_datasource::PROOF,
    unknown_grouping::PROOF,
    unknown_host::PROOF,
    unknown_matching_label::PROOF,
    unknown_metric::PROOF,
    unmatchable::PROOF,
    unprovisioned_dashboard::PROOF,
    unread_configuration::PROOF,
    unrouted_alert::PROOF,
    untested_rule::PROOF,
    unused_metric::PROOF,
    variable_label::PROOF,
    expressions::PROOF,
];

/// Everything that the proofs have against the rendered files.
pub fn inspect(catalog: &Catalog, rendered: &Rendered) -> Vec<Diagnostic> {
    let (stack, mut findings) = Stack::read(catalog, rendered);
    let mut sound = HashSet::new();
    for expression in &stack.expressions {
        // Tests say the same of many series: what was sound once is not looked at again.
        let text = (expression.usage == Usage::Test).then_some(Rc::as_ptr(&expression.ast));
        if text.is_some_and(|text| sound.contains(&text)) {
            continue;
        }
        let (nodes, before) = (nodes(&expression.ast, &stack.contract), findings.len());
        for proof in PROOFS {
            if let Check::Expression(check) = proof.check {
                findings.extend(check(expression, &nodes, &stack.contract).into_iter().map(|finding| (proof.code, finding)));
            }
        }
        sound.extend(text.filter(|_| findings.len() == before));
    }
    for proof in PROOFS {
        if let Check::Stack(check) = proof.check {
            findings.extend(check(&stack).into_iter().map(|finding| (proof.code, finding)));
        }
    }
    findings.into_iter().map(|(code, finding)| diagnostic(code, finding, catalog, rendered)).collect()
}

/// A finding at the catalog's line that caused it, when the expression is the user's own; else at the template's.
fn diagnostic(code: &'static str, finding: Finding, catalog: &Catalog, rendered: &Rendered) -> Diagnostic {
    let value = rendered.file(&finding.path).and_then(|file| file.value.pointer(&finding.pointer));
    let owner = owner(&finding, catalog, rendered);
    let own = owner.as_ref().filter(|(_, own)| *own).map(|(pointer, _)| Place::Value(pointer.clone()));
    let place = match own {
        Some(place) => place,
        None if finding.path.is_empty() => Place::Key(finding.pointer.clone()),
        None => rendered.place(&finding.path, &finding.pointer),
    };
    let mut found = Diagnostic { severity: finding.severity, ..Diagnostic::error(code, place, finding.message) }.help(finding.help);
    if let Some(text) = value.and_then(|value| value.as_str()) {
        let text = text.split_whitespace().collect::<Vec<_>>().join(" ");
        found.label = if text.chars().count() > 160 { text.chars().take(160).collect::<String>() + "…" } else { text };
    }
    if !finding.path.is_empty() {
        found = found.also(Place::File(format!("generated/{}", finding.path)), finding.pointer.clone());
    }
    found.owner = owner.map(|(pointer, _)| pointer).unwrap_or_else(|| if finding.path.is_empty() { finding.pointer } else { "/platform".to_string() });
    found
}

/// The catalog's table behind a rule, and whether the rule's expression is written there word by word.
fn owner(finding: &Finding, catalog: &Catalog, rendered: &Rendered) -> Option<(String, bool)> {
    let rule = finding.pointer.split('/').take(5).collect::<Vec<_>>().join("/");
    let name = rendered.file(&finding.path)?.value.pointer(&rule)?["alert"].as_str()?;
    let alert = catalog.alerts.iter().find(|alert| alert.name == name)?;
    match alert.settings.contains_key("expr") && finding.pointer.ends_with("/expr") {
        true => Some((format!("/alerts/{name}/expr"), true)),
        false => Some((format!("/alerts/{name}"), false)),
    }
}
