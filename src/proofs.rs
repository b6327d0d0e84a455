//! What must hold of the rendered Files: one proof per file, named after its code.

mod causes;
mod division;
pub mod example;
mod own;
mod place;

mod alert_behaviour;
mod alert_labels;
mod alert_without_condition;
mod ambiguous_match;
mod annotation_label;
mod another_fact;
mod beyond_retention;
mod broken_text;
mod collector;
mod constant_alert;
mod container_limit;
mod count_of_none;
mod dashboard_model;
mod dead_link;
mod expression_of_the_catalog;
mod false_text;
mod fires_alone;
mod gauge_function_on_counter;
mod grafana_provisioning;
mod health_check;
mod histogram_as_number;
mod impossible_threshold;
mod inhibition;
mod invalid_promql;
mod labels_do_not_fit;
mod late_notification;
mod late_numerator;
mod literal_secret;
mod lost_data;
mod metric_collision;
mod missing_denominator;
mod mixed_units;
mod newer_than_minimum;
mod notification_grouping;
mod notification_template;
mod notification_text;
mod panel_axis;
mod panel_fields;
mod panel_layout;
mod panel_legend;
mod panel_number;
mod panel_promise;
mod panel_query;
mod panel_state;
mod panel_text;
mod panel_threshold;
mod panel_unit;
mod quantile_without_le;
mod range_too_short;
mod rate_of_gauge;
mod raw_counter;
mod recorded_window;
mod refused_notification;
mod rule_file;
mod rules_of_the_catalog;
mod runbook;
mod runbook_command;
mod scrape_job;
mod server_settings;
mod service_container;
mod slow_rule_group;
mod test_fails;
mod test_proves_nothing;
mod text_of_another;
mod undelivered_alert;
mod unenabled_function;
mod unguarded_division;
mod unknown_datasource;
mod unknown_flag;
mod unknown_grouping;
mod unknown_matching_label;
mod unknown_metric;
mod unmatchable;
mod unmounted_file;
mod unprobed_health;
mod unproved_code;
mod unreachable_address;
mod unreachable_receiver;
mod unread_configuration;
mod unread_setting;
mod unrestarted_container;
mod unrouted_alert;
mod unstartable_container;
mod untested_rule;
mod untold_text;
mod unused_metric;
mod variable_values;

use crate::artifacts::Role;
use crate::catalog::Catalog;
use crate::contract::Contract;
use crate::contract::evaluate::{Node, nodes};
use crate::diagnostic::Diagnostic;
use crate::render::Rendered;
use crate::stack::Stack;
use crate::stack::expressions::{Expression, Usage};
use crate::stack::files::View;
use crate::stack::own_tests::OwnTests;
pub use alert_behaviour::{Cast, Likeness};
use causes::Causes;
use own::{Known, Reach};
use place::Written;
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
    /// A value of a generated file of the catalog in `example`: what the format fixes, never how a template words it, so that
    /// no edit of a template breaks the example.
    Rendered {
        /// What the file is for.
        role: Role,
        /// Where the value stands: a pattern of `example::places`.
        pointer: &'static str,
        /// It is found with this in its place, as JSON, and not with what is rendered; empty: without the key.
        bad: &'static str,
    },
    /// A text of a generated file that is no YAML.
    Text {
        /// What the file is for.
        role: Role,
        /// The text, as far as the catalog fixes it.
        good: &'static str,
        /// It is found with this in the place of the first such text.
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
    Expression(fn(&Expression, &[Node], &Contract) -> Vec<Diagnostic>),
    /// All files together.
    Stack(fn(&Stack) -> Vec<Diagnostic>),
}

/// A finding about the condition of an alert is also about the services that differ from it: their thresholds are in it.
fn differing(stack: &Stack, expression: &Expression, mut found: Diagnostic) -> Diagnostic {
    if let Some(alert) = expression.owner["alert"].as_str() {
        let services = stack.catalog.services.iter();
        let differ = services.filter(|service| service.overrides.contains_key(alert));
        let tables = differ.map(|service| format!("/services/{}/alerts/{alert}", service.name));
        found.owners.extend(tables);
        // What the runbook asks for is what the alert reads.
        if expression.usage == Usage::Document {
            found.owners.push(format!("/alerts/{alert}"));
        }
    }
    found
}

/// Every proof, by its code.
pub const PROOFS: &[Proof] = &[
    alert_behaviour::PROOF,
    alert_labels::PROOF,
    alert_without_condition::PROOF,
    ambiguous_match::PROOF,
    annotation_label::PROOF,
    another_fact::PROOF,
    beyond_retention::PROOF,
    broken_text::PROOF,
    collector::PROOF,
    constant_alert::PROOF,
    container_limit::PROOF,
    dashboard_model::PROOF,
    dead_link::PROOF,
    expression_of_the_catalog::PROOF,
    false_text::PROOF,
    fires_alone::PROOF,
    gauge_function_on_counter::PROOF,
    grafana_provisioning::PROOF,
    health_check::PROOF,
    histogram_as_number::PROOF,
    impossible_threshold::PROOF,
    inhibition::PROOF,
    invalid_promql::PROOF,
    labels_do_not_fit::PROOF,
    late_notification::PROOF,
    count_of_none::PROOF,
    late_numerator::PROOF,
    literal_secret::PROOF,
    lost_data::PROOF,
    metric_collision::PROOF,
    missing_denominator::PROOF,
    mixed_units::PROOF,
    newer_than_minimum::PROOF,
    notification_grouping::PROOF,
    notification_template::PROOF,
    notification_text::PROOF,
    panel_axis::PROOF,
    panel_fields::PROOF,
    panel_layout::PROOF,
    panel_legend::PROOF,
    panel_number::PROOF,
    panel_promise::PROOF,
    panel_query::PROOF,
    panel_state::PROOF,
    panel_text::PROOF,
    panel_threshold::PROOF,
    panel_unit::PROOF,
    quantile_without_le::PROOF,
    range_too_short::PROOF,
    rate_of_gauge::PROOF,
    raw_counter::PROOF,
    recorded_window::PROOF,
    refused_notification::PROOF,
    rule_file::PROOF,
    rules_of_the_catalog::PROOF,
    runbook::PROOF,
    runbook_command::PROOF,
    scrape_job::PROOF,
    server_settings::PROOF,
    service_container::PROOF,
    slow_rule_group::PROOF,
    test_fails::PROOF,
    test_proves_nothing::PROOF,
    text_of_another::PROOF,
    undelivered_alert::PROOF,
    unenabled_function::PROOF,
    unguarded_division::PROOF,
    unknown_datasource::PROOF,
    unknown_flag::PROOF,
    unknown_grouping::PROOF,
    unknown_matching_label::PROOF,
    unknown_metric::PROOF,
    unmatchable::PROOF,
    unmounted_file::PROOF,
    unprobed_health::PROOF,
    unproved_code::PROOF,
    unreachable_address::PROOF,
    unread_configuration::PROOF,
    unread_setting::PROOF,
    unreachable_receiver::PROOF,
    unrestarted_container::PROOF,
    unrouted_alert::PROOF,
    unstartable_container::PROOF,
    untested_rule::PROOF,
    untold_text::PROOF,
    unused_metric::PROOF,
    variable_values::PROOF,
];

/// Everything that the proofs have against the rendered files.
pub fn inspect(catalog: &Catalog, rendered: &Rendered) -> Vec<Diagnostic> {
    // Whatever reads such a record would only say so again.
    let taken = own::taken(catalog, rendered);
    if !taken.is_empty() {
        return taken;
    }
    let stack = Stack::read(catalog, rendered);
    let causes = Causes::of(&stack);
    let mut found: Vec<(usize, Found)> = against(&stack, rendered)
        .into_iter()
        .map(|(code, mut found)| (causes.name(code, &mut found), (code, found)))
        .collect();
    found.sort_by_key(|(order, _)| *order);
    let written = Written {
        catalog,
        rendered,
        own: &stack.own_tests,
    };
    let placed = found.into_iter().map(|(_, (code, found))| Diagnostic {
        code,
        ..written.placed(found)
    });
    let own = rendered.own().warnings.iter().cloned();
    placed.chain(rendered.lost_parts()).chain(own).collect()
}

/// A finding, where it stands in what is rendered, and the code of its proof.
type Found = (&'static str, Diagnostic);

fn against<'a>(stack: &Stack<'a>, rendered: &'a Rendered) -> Vec<Found> {
    let catalog = stack.catalog;
    // What proves the catalog's intent sees what is rendered of it, and nothing else.
    let narrow =
        (!rendered.own().is_empty()).then(|| Stack::view(catalog, rendered, View::Catalog));
    let of_catalog = narrow.as_ref().unwrap_or(stack);
    let reach = Reach::of(catalog, rendered, stack);
    let mut findings: Vec<Found> = Vec::new();
    let mut sound = HashSet::new();
    let lost = !rendered.lost_parts().is_empty();
    for expression in &stack.expressions {
        // What is read of a job that is not there follows from that.
        if lost && reach.is_own(expression) {
            continue;
        }
        // Tests say the same of many series: what was sound once is not looked at again.
        let text = (expression.usage == Usage::Test).then_some(Rc::as_ptr(&expression.ast));
        if text.is_some_and(|text| sound.contains(&text)) {
            continue;
        }
        let (nodes, before) = (nodes(&expression.ast, &stack.contract), findings.len());
        let known = reach
            .is_own(expression)
            .then(|| reach.known(expression, &stack.contract));
        if known.is_some_and(|known| known != Known::Whole) {
            let misspelt = reach.misspelt(expression, &stack.contract).into_iter();
            findings.extend(misspelt.map(|found| (unknown_metric::PROOF.code, found)));
        }
        if known == Some(Known::Whole) && expression.usage == Usage::Panel {
            let unnamed = reach.unnamed(expression, &stack.contract).into_iter();
            findings.extend(unnamed.map(|found| (panel_legend::PROOF.code, found)));
        }
        for proof in PROOFS {
            if known.is_some_and(|known| !known.judged_by(proof.code)) {
                continue;
            }
            if let Check::Expression(check) = proof.check {
                let found = check(expression, &nodes, &stack.contract).into_iter();
                let found = found.filter_map(|found| match known {
                    Some(_) => {
                        let read = (expression, nodes.as_slice());
                        reach.without_intent(proof.code, read, &stack.contract, found)
                    }
                    None => Some(differing(stack, expression, found)),
                });
                findings.extend(found.map(|found| (proof.code, found)));
            }
        }
        sound.extend(text.filter(|_| findings.len() == before));
        // Nobody asks for what a test reads.
        if text.is_none() {
            expression.keep(nodes);
        }
    }
    for proof in PROOFS {
        if let Check::Stack(check) = proof.check {
            let looked_at = match Reach::needs_no_intent(proof.code) {
                true => stack,
                false => of_catalog,
            };
            let found = check(looked_at).into_iter();
            let found = found.filter(|found| !reach.is_beyond(proof.code, found));
            findings.extend(found.map(|found| (proof.code, found)));
        }
    }
    said_once(findings)
}

/// Without what only says of a place that it is not as monstack's own, where another proof knows why.
fn said_once(findings: Vec<Found>) -> Vec<Found> {
    let place = |found: &Diagnostic| format!("{:?}", found.place);
    let other = |code: &str| code != another_fact::PROOF.code;
    if findings.iter().all(|(code, _)| other(code)) {
        return findings;
    }
    let known = findings.iter().filter(|(code, _)| other(code));
    let known: HashSet<String> = known.map(|(_, found)| place(found)).collect();
    let findings = findings.into_iter();
    findings
        .filter(|(code, found)| other(code) || !known.contains(&place(found)))
        .collect()
}
