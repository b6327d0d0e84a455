//! What the catalog must not say although its schema allows it: one lint per file, named after its code.

mod alert_levels;
mod alert_scope;
mod alert_without_service;
mod beyond_limit;
mod conflicting_settings;
mod container_name;
mod counter_suffix;
mod duplicate_address;
mod empty_group;
mod exchanged_ratio;
mod exchanged_server;
mod failures_apart;
mod filters_apart;
mod fires_after_the_end;
mod fires_while_well;
mod forgotten_event;
mod health_path_scraped;
mod held_back_too_long;
mod honored_job;
mod implausible_value;
mod inhibited_across;
mod label_collision;
mod loopback_address;
pub(crate) mod louder_for_less;
mod low_quantile;
mod merged_instances;
mod missing_label;
pub(crate) mod mistaken_exporter;
mod mistyped_value;
mod native_histogram;
pub mod no_one_notified;
mod notified_twice;
mod one_sided_status;
mod open_to_all;
mod overlapping_windows;
mod override_without_effect;
mod oversized_pattern;
mod part_in_another_unit;
mod past_or_future;
mod percent_of_a_number;
mod plain_http;
mod range_beyond_retention;
mod ratio_out_of_range;
mod receiver_of_another;
mod reserved_name;
mod same_condition;
mod secret_folder;
mod secret_of_another;
mod severity_upside_down;
mod size_in_another_unit;
mod slo_bucket;
mod slo_counts;
mod slo_failures;
mod slo_name;
mod slo_objective;
mod slow_to_tell;
mod stale_between_samples;
mod store_path;
mod swapped_hours;
mod taken_label;
mod test_expectation;
mod test_samples;
mod threshold_outside_buckets;
mod time_in_another_unit;
mod timeout_above_interval;
mod too_few_instances;
pub(crate) mod uncollected_metric;
mod undeclared_metric;
mod undotted_host;
mod unknown_alert;
mod unknown_discovered_label;
mod unknown_emitter;
mod unknown_group;
mod unknown_network;
mod unknown_owner;
mod unknown_placeholder;
mod unknown_profile;
mod unknown_quantile;
mod unknown_receiver;
mod unknown_severity;
mod unknown_time;
mod unless_without_effect;
mod unlinked_runbook;
mod unmatched_filter;
mod unmatched_selector;
mod unmounted_secret;
mod unnotified_receiver;
mod unreached_route;
mod unrouted_severity;
mod unsaid_role;
mod unstarted_exporter;
mod untested_alert;
mod untold_alert;
mod unused_owner;
mod unused_time;
mod window_too_short;
mod wrong_metric_type;

use crate::allow::never;
use crate::catalog::{Alert, Branch, Catalog, Service, origin};
use crate::diagnostic::{Diagnostic, Place};
use crate::source::{Source, step};
use crate::value::Value;

/// One thing that can be wrong with a catalog.
pub struct Lint {
    /// Stable; also the name of its file.
    pub code: &'static str,
    /// Why it matters, for `explain`.
    pub doc: &'static str,
    /// A fragment of a catalog that it finds.
    pub bad: &'static str,
    /// The same fragment, fixed.
    pub good: &'static str,
    pub check: fn(&Catalog, &Source) -> Vec<Diagnostic>,
}

/// Keys of receivers that name an address: integration, key.
const ADDRESSES: [(&str, &str); 4] = [
    ("webhook", "url"),
    ("email", "smarthost"),
    ("jira", "api_url"),
    ("rocketchat", "api_url"),
];

pub const LINTS: &[Lint] = &[
    alert_levels::LINT,
    alert_scope::LINT,
    alert_without_service::LINT,
    beyond_limit::LINT,
    conflicting_settings::LINT,
    container_name::LINT,
    counter_suffix::LINT,
    duplicate_address::LINT,
    empty_group::LINT,
    exchanged_ratio::LINT,
    exchanged_server::LINT,
    failures_apart::LINT,
    filters_apart::LINT,
    fires_after_the_end::LINT,
    fires_while_well::LINT,
    forgotten_event::LINT,
    health_path_scraped::LINT,
    held_back_too_long::LINT,
    implausible_value::LINT,
    honored_job::LINT,
    inhibited_across::LINT,
    label_collision::LINT,
    loopback_address::LINT,
    louder_for_less::LINT,
    low_quantile::LINT,
    merged_instances::LINT,
    missing_label::LINT,
    mistaken_exporter::LINT,
    mistyped_value::LINT,
    no_one_notified::LINT,
    native_histogram::LINT,
    one_sided_status::LINT,
    override_without_effect::LINT,
    open_to_all::LINT,
    overlapping_windows::LINT,
    oversized_pattern::LINT,
    part_in_another_unit::LINT,
    past_or_future::LINT,
    percent_of_a_number::LINT,
    plain_http::LINT,
    range_beyond_retention::LINT,
    ratio_out_of_range::LINT,
    receiver_of_another::LINT,
    reserved_name::LINT,
    same_condition::LINT,
    secret_folder::LINT,
    secret_of_another::LINT,
    severity_upside_down::LINT,
    size_in_another_unit::LINT,
    slow_to_tell::LINT,
    slo_bucket::LINT,
    slo_counts::LINT,
    slo_failures::LINT,
    slo_name::LINT,
    slo_objective::LINT,
    stale_between_samples::LINT,
    store_path::LINT,
    swapped_hours::LINT,
    taken_label::LINT,
    test_expectation::LINT,
    test_samples::LINT,
    threshold_outside_buckets::LINT,
    time_in_another_unit::LINT,
    timeout_above_interval::LINT,
    too_few_instances::LINT,
    uncollected_metric::LINT,
    undeclared_metric::LINT,
    undotted_host::LINT,
    unknown_alert::LINT,
    unknown_discovered_label::LINT,
    unknown_emitter::LINT,
    unknown_group::LINT,
    unknown_network::LINT,
    unknown_owner::LINT,
    unknown_placeholder::LINT,
    unknown_profile::LINT,
    unknown_quantile::LINT,
    unknown_receiver::LINT,
    unknown_severity::LINT,
    unknown_time::LINT,
    unless_without_effect::LINT,
    unlinked_runbook::LINT,
    unmatched_filter::LINT,
    unmatched_selector::LINT,
    unmounted_secret::LINT,
    notified_twice::LINT,
    unnotified_receiver::LINT,
    unreached_route::LINT,
    unrouted_severity::LINT,
    unsaid_role::LINT,
    unstarted_exporter::LINT,
    untested_alert::LINT,
    untold_alert::LINT,
    unused_owner::LINT,
    unused_time::LINT,
    window_too_short::LINT,
    wrong_metric_type::LINT,
];

/// What the lint examples are appended to.
pub const EXAMPLE: &str = r#"[platform]
name = "Shop"
slug = "shop"
metric_prefix = "shop"

[groups.web]
title = "Web"

[services.checkout]
group = "web"
port = 8001

[metrics.requests_total]
type = "counter"
help = "Requests answered"
labels = { status = "[1-5][0-9]{2}" }

[metrics.orders_active]
type = "gauge"
help = "Orders under way"

"#;

/// The catalog of an example: a fragment behind EXAMPLE, or in place of its `[platform]` when it brings its own.
pub fn example(fragment: &str) -> String {
    match EXAMPLE
        .split_once("\n\n")
        .filter(|_| fragment.starts_with("[platform]"))
    {
        Some((_, rest)) => format!("{fragment}\n{rest}"),
        None => format!("{EXAMPLE}{fragment}"),
    }
}

/// What says that nothing comes of what somebody wrote.
const WITHOUT_EFFECT: [&str; 7] = [
    empty_group::LINT.code,
    unknown_alert::LINT.code,
    unmatched_selector::LINT.code,
    unnotified_receiver::LINT.code,
    unreached_route::LINT.code,
    unused_owner::LINT.code,
    unused_time::LINT.code,
];

/// Everything that the lints have against a catalog.
pub(crate) fn inspect(catalog: &Catalog, source: &Source) -> Vec<Diagnostic> {
    let found = LINTS.iter().flat_map(|lint| (lint.check)(catalog, source));
    // Nothing comes in an environment of what the catalog has for others: of what it says itself something has to.
    let of_others = |one: &Diagnostic| {
        source.environment.is_some()
            && WITHOUT_EFFECT.contains(&one.code)
            && one
                .place
                .pointer()
                .is_some_and(|pointer| !source.differs(pointer))
    };
    found.filter(|one| !of_others(one)).collect()
}

/// Without what only follows from others: what is wrong inside an alert is why no service is left for it.
pub(crate) fn leading(mut found: Vec<Diagnostic>) -> Vec<Diagnostic> {
    let wrong: Vec<String> = found
        .iter()
        // What may be accepted is not why.
        .filter(|one| one.stops() && never(one.code).is_some())
        .filter_map(|one| one.place.pointer().map(str::to_string))
        .collect();
    found.retain(|one| {
        let table = one.place.pointer().map(|pointer| format!("{pointer}/"));
        let inside = |table: String| wrong.iter().any(|pointer| pointer.starts_with(&table));
        one.code != alert_without_service::LINT.code || !table.is_some_and(inside)
    });
    found
}

/// Where a service's setting was made; the service itself when it is the schema's default.
fn set_at(source: &Source, service: &Service, key: &str) -> Place {
    Place::Value(
        origin(source, service, key).unwrap_or_else(|| format!("/services/{}", service.name)),
    )
}

/// Where a key of an alert is set for a branch: for one of its services, or for all.
fn set_for(source: &Source, alert: &Alert, branch: &Branch, key: &str) -> String {
    let services = branch.services.iter();
    let mut own =
        services.map(|service| format!("/services/{}/alerts/{}/{key}", step(service), alert.name));
    own.find(|pointer| source.contains(pointer))
        .unwrap_or_else(|| format!("/alerts/{}/{key}", alert.name))
}

/// Names in a sentence, the first three and how many more.
fn names<'a>(names: impl IntoIterator<Item = &'a str>) -> String {
    let all: Vec<String> = names.into_iter().map(|name| format!("`{name}`")).collect();
    match all.len() {
        0..=3 => all.join(", "),
        many => format!("{} and {} more", all[..3].join(", "), many - 3),
    }
}

/// The texts of a value, alone, in a list or by name, each with its place.
fn texts<'s>(pointer: String, written: &'s Value, found: &mut Vec<(String, &'s str)>) {
    match written {
        Value::String(one) => found.push((pointer, one)),
        Value::Array(many) => {
            for (at, one) in many.iter().enumerate() {
                texts(format!("{pointer}/{at}"), one, found);
            }
        }
        named => {
            for (name, one) in named.entries() {
                texts(format!("{pointer}/{}", step(name)), one, found);
            }
        }
    }
}
