//! Every service is scraped once, as the catalog says; what else is scraped does not claim to be a service.

mod after_scrape;
mod connection;
mod discovery;
mod found;
mod intervals;
mod labels;
mod limits;
mod natives;
mod others;
mod own_jobs;
mod promised;
mod relabeling;
mod services;
mod stores;

use super::{Check, Example, Proof, place};
use crate::artifacts::Role;
use crate::diagnostic::Diagnostic;
use crate::render::File;
use crate::stack::Stack;
pub(super) use connection::{connection_of_service, connects_as_said};
pub(super) use labels::pushed_aside;
use promised::Promised;
pub(super) use stores::tells_replicas;

pub(crate) const PROOF: Proof = Proof {
    code: "scrape-job",
    doc: "A job that is missing, doubled, on another port or without its labels is a service that no alert and no panel knows. Targets are looked at as they are after relabeling.",
    example: Example::Rendered {
        role: Role::Prometheus,
        pointer: "/scrape_configs/job_name=checkout/static_configs/*/targets/*",
        bad: r#""host.docker.internal:8002""#,
    },
    check: Check::Stack(|stack| {
        let config = stack.files.prometheus().next();
        config.map_or_else(Vec::new, |config| check(stack, config))
    }),
};

fn check(stack: &Stack, config: &File) -> Vec<Diagnostic> {
    let catalog = stack.catalog;
    let targets = &stack.contract.targets;
    let promised = Promised::of(stack);
    let mut found = Vec::new();
    // Of those of the user's own jobs says so what reads them.
    let unread = targets.unread.iter();
    for (pointer, reason) in unread.filter(|(pointer, _)| !stack.is_own(&config.path, pointer)) {
        found.push(place::at(
            &config.path,
            pointer,
            reason,
            "take the rule away, or accept it in `[platform]` with a reason",
        ));
    }
    found.extend(labels::indistinguishable(targets, config));
    let scraped = services::with_targets(stack);
    for (service, own) in &scraped {
        found.extend(services::otherwise_scraped(stack, config, service, own));
    }
    found.extend(labels::missing_external(config, catalog));
    found.extend(others::scraping_the_same(config, &targets.list, catalog));
    let of_services = services::by_job(&scraped);
    for (job, service) in &of_services {
        found.extend(after_scrape::of_service(
            stack, config, *job, service, &promised,
        ));
    }
    for (index, job) in config.value["scrape_configs"].items().enumerate() {
        let name = job["job_name"].as_str();
        if let Some(name) = name.filter(|_| !of_services.contains_key(&index)) {
            let own = stack.is_own(&config.path, &format!("/scrape_configs/{index}"));
            let taken = match own {
                true => own_jobs::limited(stack, config, index, name, &promised),
                false => after_scrape::of_other_job(stack, config, index, name, &promised),
            };
            found.extend(taken);
        }
    }
    found.extend(own_jobs::idle(stack, config));
    found.extend(own_jobs::nothing_left(stack, config));
    found.extend(own_jobs::pushed_aside(stack, config));
    found.extend(own_jobs::uncollected(stack, config));
    found.extend(stores::lost_on_the_way(stack, config, &promised));
    found.extend(intervals::default_differs(config, catalog));
    found.extend(intervals::without_time(config, &targets.list, catalog));
    found.extend(found::otherwise_taken(stack, config));
    found.extend(discovery::looked_for_otherwise(stack, config));
    found.extend(discovery::missing_who_moves(config));
    found.extend(after_scrape::without_buckets(stack, config));
    found.extend(natives::left_out(stack, config));
    found.extend(limits::fewer_than_targets(config, &targets.list));
    found.extend(others::in_place_of_prometheus(stack));
    found.extend(others::not_watching_the_monitoring(stack, config));
    found.extend(stores::otherwise_than_said(stack, config));
    found.extend(stores::to_itself(stack, config));
    found
}
