//! What becomes of samples between the scrape and the store of Prometheus: limits, relabeling, histograms made into others.

use super::promised::{Family, Promised};
use super::{labels, limits, relabeling};
use crate::contract::relabel::Rule;
use crate::diagnostic::Diagnostic;
use crate::json::plain;
use crate::promql::matchers::Judge;
use crate::promql::walk::selectors;
use crate::proofs::{Usage, place};
use crate::render::File;
use crate::stack::Stack;
use crate::value::Value;
use std::collections::HashSet;

/// What happens to a service's samples behind the scrape.
pub(super) fn of_service(
    stack: &Stack,
    config: &File,
    index: usize,
    service: &str,
    promised: &Promised,
) -> Vec<Diagnostic> {
    let job = &config.value["scrape_configs"][index];
    let overruled = labels::overruled_by_service(config, stack.catalog, index, service);
    let mut found: Vec<Diagnostic> = overruled.into_iter().collect();
    if limits::limits_scrapes(config, job) || relabels(job) {
        let families = promised.exposed_by(service);
        found.extend(limits::too_low(stack, config, index, service, &families));
        found.extend(relabeled_away(stack, config, index, service, &families));
    }
    found
}

/// The same of what is scraped beside the services: the servers, the probes. Only what is read of them has to come through, and a limit
/// counts all that they expose.
pub(super) fn of_other_job(
    stack: &Stack,
    config: &File,
    index: usize,
    name: &str,
    promised: &Promised,
) -> Vec<Diagnostic> {
    let job = &config.value["scrape_configs"][index];
    let limited = limits::limits_scrapes(config, job);
    if !limited && !relabels(job) {
        return Vec::new();
    }
    let mut found = Vec::new();
    if limited {
        let known = promised.known_of(name);
        found.extend(limits::too_low(stack, config, index, name, &known));
    }
    let mut families = promised.exposed_by(name);
    let read: HashSet<&str> = stack
        .expressions
        .iter()
        .filter(|expression| expression.usage != Usage::Test)
        .flat_map(|expression| selectors(&expression.ast))
        .filter(|selector| {
            let mut of_job = selector.matchers.matchers.iter();
            of_job.all(|matcher| matcher.name != "job" || Judge::of(matcher).picks(name))
        })
        .filter_map(|selector| selector.name.as_deref())
        .collect();
    families.retain(|family| read.contains(family.name.as_str()));
    found.extend(relabeled_away(stack, config, index, name, &families));
    found
}

/// Whether rules may drop or change what a job brings.
fn relabels(job: &Value) -> bool {
    job.get("metric_relabel_configs").is_some()
}

/// What rules behind the scrape take of what is expected, or change of it.
fn relabeled_away(
    stack: &Stack,
    config: &File,
    index: usize,
    service: &str,
    families: &[Family],
) -> Vec<Diagnostic> {
    let mut found = Vec::new();
    let relabeling = format!("/scrape_configs/{index}/metric_relabel_configs");
    let job = &config.value["scrape_configs"][index];
    match Rule::read(&job["metric_relabel_configs"]) {
        Ok(rules) if rules.is_empty() => {}
        Ok(rules) => {
            let mut families = families.iter();
            let wrong = families
                .find_map(|family| relabeling::lost_or_changed(stack, &rules, family, service));
            found.extend(
                wrong.map(|(message, help)| place::at(&config.path, relabeling, message, help)),
            );
        }
        Err((rule, reason)) => found.push(place::at(
            &config.path,
            format!("{relabeling}/{rule}"),
            reason,
            "take the rule away",
        )),
    }
    found
}

/// Histograms whose buckets are not kept as the series that rules read.
pub(super) fn without_buckets(stack: &Stack, config: &File) -> Vec<Diagnostic> {
    let selected = stack.expressions.iter();
    let mut selected = selected.flat_map(|expression| selectors(&expression.ast));
    let buckets = |name: &str| name.ends_with("_bucket");
    if !selected.any(|selector| selector.name.as_deref().is_some_and(buckets)) {
        return Vec::new();
    }
    let global = &config.value["global"];
    let set = |part: &Value, key: &str| part[key].as_bool();
    let (convert, keep) = (
        "convert_classic_histograms_to_nhcb",
        [
            "always_scrape_classic_histograms",
            "scrape_classic_histograms",
        ],
    );
    let jobs = config.value["scrape_configs"].items().enumerate();
    let lost = jobs.filter(|(_, job)| {
        let of = |key: &str| set(job, key).or_else(|| set(global, key)).unwrap_or(false);
        of(convert) && !keep.into_iter().any(of)
    });
    let lost = lost.map(|(index, job)| {
        let pointer = match set(job, convert) {
            Some(_) => format!("/scrape_configs/{index}/{convert}"),
            None => format!("/global/{convert}"),
        };
        place::at(
            &config.path,
            pointer,
            format!(
                "`{}` has no buckets any more, which rules and panels read: they are made into native histograms",
                plain(&job["job_name"])
            ),
            "leave it out, or keep the buckets too with `always_scrape_classic_histograms: true`",
        )
    });
    lost.collect()
}
