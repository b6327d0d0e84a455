//! Every service has the targets that the catalog gives it, and each is scraped as the catalog says.

use super::connection::{Reads, connection_of_service, connects_as_said};
use super::labels;
use crate::catalog::Service;
use crate::catalog::access::Instance;
use crate::contract::targets::Target;
use crate::diagnostic::Diagnostic;
use crate::json::plain;
use crate::proofs::place;
use crate::render::File;
use crate::stack::Stack;
use crate::value::{Value, json};
use std::collections::{BTreeMap, BTreeSet, HashMap};

/// Every service of the catalog with its targets, as far as its job is found.
pub(super) fn with_targets<'s>(stack: &'s Stack) -> Vec<(&'s Service, Vec<&'s Target>)> {
    let mut of_job: HashMap<&str, Vec<&Target>> = HashMap::new();
    for target in &stack.contract.targets.list {
        of_job
            .entry(target.labels.get("job").map_or("", String::as_str))
            .or_default()
            .push(target);
    }
    let services = stack.catalog.services.iter();
    services
        .map(|service| {
            let own = of_job.remove(service.name.as_str()).unwrap_or_default();
            (service, own)
        })
        .collect()
}

/// The place of each job that has all targets of a service → the service.
pub(super) fn by_job<'s>(scraped: &[(&'s Service, Vec<&'s Target>)]) -> BTreeMap<usize, &'s str> {
    let mut jobs = BTreeMap::new();
    for (service, targets) in scraped
        .iter()
        .filter(|(service, own)| is_whole(service, own))
    {
        for target in targets {
            jobs.entry(target.job).or_insert(service.name.as_str());
        }
    }
    jobs
}

fn is_whole(service: &Service, targets: &[&Target]) -> bool {
    targets.len() == service.instances.len()
}

/// What is scraped of a service otherwise than the catalog says.
pub(super) fn otherwise_scraped(
    stack: &Stack,
    config: &File,
    service: &Service,
    targets: &[&Target],
) -> Vec<Diagnostic> {
    if !is_whole(service, targets) {
        let number = wrong_number(stack, config, service, targets);
        return number.into_iter().collect();
    }
    let contained = stack.catalog.prometheus.runs_on == "compose";
    let up = format!("../{}/", stack.catalog.platform.root);
    let label = |target: &Target| target.labels.get("instance").cloned().unwrap_or_default();
    let said: BTreeSet<String> = targets.iter().map(|target| label(target)).collect();
    let mut found = Vec::new();
    for (target, instance) in targets.iter().zip(&service.instances) {
        // In any order, as long as all are there.
        let own = label(target);
        let here = said.contains(&instance.address);
        let named = if here { &own } else { &instance.address };
        let mut all = service.instances.iter();
        let wanted = all.find(|one| one.address == *named).unwrap_or(instance);
        found.extend(differences(
            config,
            service,
            target,
            wanted,
            (contained, &up),
        ));
        found.extend(labels::pushing_series_aside(
            config,
            stack.catalog,
            service,
            target,
        ));
    }
    found
}

/// More or fewer targets than the service has instances; None also where nobody can say it: some are found while Prometheus runs, or
/// a rule is not understood.
fn wrong_number(
    stack: &Stack,
    config: &File,
    service: &Service,
    targets: &[&Target],
) -> Option<Diagnostic> {
    let mut unread = stack.contract.targets.unread.iter();
    let unread = unread.any(|(pointer, _)| pointer.starts_with("/scrape_configs/"));
    let discovered = config.value["scrape_configs"].items().any(|job| {
        job["job_name"] == service.name.as_str()
            && job.entries().any(|(key, _)| key.ends_with("_sd_configs"))
    });
    let known = discovered || unread && targets.is_empty();
    if let Some((rule, called)) = stack.contract.targets.lost.get(&service.name)
        && !known
    {
        let (name, path) = (&service.name, &config.path);
        let help = "remove this rule, or let it leave the service's targets as they are";
        return Some(match called {
            None => {
                let message =
                    format!("this rule drops a target of `{name}`: nothing is scraped there");
                place::at(path, rule, message, help)
            }
            Some(job) => {
                let message = format!(
                    "this rule makes a target of `{name}` one of the job `{job}`: alerts and dashboards ask for `job=\"{name}\"`"
                );
                place::at(path, format!("{rule}/target_label"), message, help)
            }
        });
    }
    (!known).then(|| {
        place::at(
            &config.path,
            targets
                .get(1)
                .map_or("/scrape_configs", |target| target.pointer.as_str()),
            format!("`{}` has {} scrape targets", service.name, targets.len()),
            match service.instances.len() {
                1 => "render one target for the service, which no relabeling drops".to_string(),
                many => format!("render its {many} targets, which no relabeling drops"),
            },
        )
    })
}

/// What a target says otherwise than the catalog.
fn differences(
    config: &File,
    service: &Service,
    target: &Target,
    wanted: &Instance,
    reads: Reads,
) -> Vec<Diagnostic> {
    let label = |name: &str| target.labels.get(name).cloned().unwrap_or_default();
    let group = target.pointer.split("/targets/").next().unwrap_or_default();
    let job = format!("/scrape_configs/{}", target.job);
    let instance = wanted;
    let mut params = service.params.clone();
    if service.through.is_some() {
        params.insert("target".to_string(), vec![instance.address.clone()]);
    }
    let wanted = [
        (
            target.pointer.clone(),
            "target",
            target.address.clone(),
            instance.asked.clone(),
        ),
        (
            format!("{group}/labels/service"),
            "label service",
            label("service"),
            service.name.clone(),
        ),
        (
            format!("{group}/labels/component"),
            "label component",
            label("component"),
            service.group.clone(),
        ),
        (
            format!("{job}/metrics_path"),
            "path",
            target.path.clone(),
            service.path.clone(),
        ),
        (
            format!("{job}/scheme"),
            "scheme",
            target.scheme.clone(),
            service.scheme.clone(),
        ),
        (
            format!("{job}/params"),
            "params",
            json!(target.params).to_string(),
            json!(params).to_string(),
        ),
        (
            format!("{job}/scrape_interval"),
            "scrape_interval",
            target.interval.to_string(),
            service.scrape_interval.to_string(),
        ),
        (
            format!("{job}/scrape_timeout"),
            "scrape_timeout",
            target.timeout.to_string(),
            service.scrape_timeout.to_string(),
        ),
    ];
    let own_labels = instance.labels.iter().map(|(name, value)| {
        let pointer = format!("{group}/labels/{name}");
        (pointer, "label", label(name), value.clone())
    });
    let settings = &config.value["scrape_configs"][target.job];
    // More than the catalog says may be right: somebody else's login, a proxy.
    let connection = connection_of_service(service, reads);
    // Prometheus reads a token under its older name too.
    let older = settings.get("bearer_token_file");
    let older = older.map(|file| json!({ "credentials_file": file }));
    let connection = connection.entries().filter_map(|(key, said)| {
        let older = older.as_ref().filter(|_| key == "authorization");
        let written = settings.get(key).or(older);
        (!connects_as_said(written.unwrap_or(&Value::Null), said)).then(|| {
            let written = written.map_or(String::new(), plain);
            (format!("{job}/{key}"), key.as_str(), written, plain(said))
        })
    });
    let differs = wanted
        .into_iter()
        .chain(own_labels)
        .chain(connection)
        .filter(|(_, _, written, said)| written != said);
    differs
        .map(|(pointer, key, written, said)| {
            let written = if written.is_empty() {
                "nothing"
            } else {
                &written
            };
            place::at(
                &config.path,
                pointer,
                format!(
                    "the job of `{}` has {key} `{written}`, the catalog says `{said}`",
                    service.name
                ),
                "render it from the catalog",
            )
        })
        .collect()
}
