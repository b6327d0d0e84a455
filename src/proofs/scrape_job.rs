//! Every service is scraped once, as the catalog says; what else is scraped does not claim to be a service.

use super::{Check, Example, Proof, place};
use crate::artifacts::Role;
use crate::catalog::{Catalog, Duration, Service};
use crate::contract::built_in;
use crate::contract::relabel::{Labels, Relabeled, Rule, relabeled};
use crate::contract::targets::Target;
use crate::diagnostic::Diagnostic;
use crate::json::Parts;
use crate::promql::walk::selectors;
use crate::render::File;
use crate::stack::Stack;
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

pub(crate) const PROOF: Proof = Proof {
    code: "scrape-job",
    doc: "A job that is missing, doubled, on another port or without its labels is a service that no alert and no panel knows. Targets are looked at as they are after relabeling.",
    example: Example::Rendered {
        role: Role::Prometheus,
        pointer: "/scrape_configs/job_name=checkout/static_configs/*/targets/*",
        bad: r#""host.docker.internal:8002""#,
    },
    check: Check::Stack(|stack| {
        let mut found = Vec::new();
        let Some(config) = stack.files.prometheus().next() else {
            return found;
        };
        let targets = &stack.contract.targets;
        for (pointer, reason) in &targets.unread {
            found.push(place::at(
                &config.path,
                pointer,
                reason,
                "take the rule away, or accept it in `[platform]` with a reason",
            ));
        }
        let mut of_job: HashMap<&str, Vec<&Target>> = HashMap::new();
        for target in &targets.list {
            of_job
                .entry(target.labels.get("job").map_or("", String::as_str))
                .or_default()
                .push(target);
        }
        let mut jobs = BTreeMap::new();
        for service in &stack.catalog.services {
            let mine = of_job.remove(service.name.as_str()).unwrap_or_default();
            if mine.len() == service.instances.len() {
                let said = mine.iter().map(|target| target.address.as_str());
                let said: BTreeSet<&str> = said.collect();
                for (target, instance) in mine.iter().zip(&service.instances) {
                    jobs.entry(target.job).or_insert(service.name.as_str());
                    // In any order, as long as all are there.
                    let here = said.contains(instance.address.as_str());
                    let address = if here {
                        &target.address
                    } else {
                        &instance.address
                    };
                    found.extend(differences(config, service, target, address));
                }
                continue;
            }
            let unread = targets
                .unread
                .iter()
                .any(|(pointer, _)| pointer.starts_with("/scrape_configs/"));
            let discovered = config.value["scrape_configs"].items().any(|job| {
                job["job_name"] == service.name.as_str()
                    && job.entries().any(|(key, _)| key.ends_with("_sd_configs"))
            });
            let known = discovered || unread && mine.is_empty();
            if !known {
                found.push(place::at(
                    &config.path,
                    mine.get(1)
                        .map_or("/scrape_configs", |target| target.pointer.as_str()),
                    format!("`{}` has {} scrape targets", service.name, mine.len()),
                    match service.instances.len() {
                        1 => "render one target for the service, which no relabeling drops"
                            .to_string(),
                        many => format!("render its {many} targets, which no relabeling drops"),
                    },
                ));
            }
        }
        found.extend(doubles(config, &targets.list, stack.catalog));
        let mut promised = None;
        for (job, service) in jobs {
            found.extend(after(stack, config, job, service, &mut promised));
        }
        found.extend(names(config));
        found
    }),
};

/// What a target says otherwise than the catalog.
fn differences(
    config: &File,
    service: &Service,
    target: &Target,
    address: &str,
) -> Vec<Diagnostic> {
    let label = |name: &str| target.labels.get(name).cloned().unwrap_or_default();
    let group = target.pointer.split("/targets/").next().unwrap_or_default();
    let job = format!("/scrape_configs/{}", target.job);
    let wanted = [
        (
            target.pointer.clone(),
            "target",
            target.address.clone(),
            address.to_string(),
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
            json!(service.params).to_string(),
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
    let differs = wanted
        .into_iter()
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

/// Keys that change how many series a job gives, by a number of which nothing here can say whether it suffices.
const LIMITS: [&str; 3] = [
    "sample_limit",
    "body_size_limit",
    "label_value_length_limit",
];

/// What happens to a service's samples behind the scrape.
fn after(
    stack: &Stack,
    config: &File,
    index: usize,
    service: &str,
    names: &mut Option<BTreeSet<String>>,
) -> Vec<Diagnostic> {
    let job = &config.value["scrape_configs"][index];
    let mut found = Vec::new();
    let mut say = |key: &str, message: String, help: &str| {
        found.push(place::at(
            &config.path,
            format!("/scrape_configs/{index}/{key}"),
            message,
            help,
        ))
    };
    let said = stack.catalog.service(service);
    if job["honor_labels"] == true && !said.is_some_and(|service| service.honor_labels) {
        say(
            "honor_labels",
            format!(
                "`{service}` may call itself another service: its own labels win over those of the job"
            ),
            "remove it",
        );
    }
    let wanted = said.and_then(|service| service.sample_limit);
    for key in LIMITS
        .iter()
        .filter(|key| job.get(**key).is_some_and(|limit| *limit != 0))
        .filter(|key| **key != "sample_limit" || job[**key].as_u64() != wanted)
    {
        say(
            key,
            format!(
                "`{key}` loses all samples of `{service}` as soon as they are more, and the catalog does not say how many they are"
            ),
            "remove it, or accept it in `[platform]` with a reason",
        );
    }
    if [
        "label_limit",
        "label_name_length_limit",
        "target_limit",
        "metric_relabel_configs",
    ]
    .iter()
    .all(|key| job.get(*key).is_none())
    {
        return found;
    }
    let families = exposed(stack, names.get_or_insert_with(|| promised(stack)), service);
    let most = families
        .iter()
        .map(|(_, labels)| labels.len() + 4)
        .max()
        .unwrap_or(4);
    let longest = families
        .iter()
        .flat_map(|(name, labels)| labels.iter().map(String::len).chain([name.len()]))
        .max()
        .unwrap_or(0);
    let limit = |key: &str| job[key].as_u64().filter(|limit| *limit > 0);
    let short = [
        ("label_limit", most),
        ("label_name_length_limit", longest),
        ("target_limit", 1),
    ];
    for (key, needed) in short {
        if limit(key).is_some_and(|limit| limit < needed as u64) {
            say(
                key,
                format!("`{key}` is below {needed}, which `{service}` needs"),
                "raise or remove it",
            );
        }
    }
    let rules = match Rule::read(&job["metric_relabel_configs"]) {
        Ok(rules) => rules,
        Err((rule, reason)) => {
            say(
                &format!("metric_relabel_configs/{rule}"),
                reason,
                "take the rule away",
            );
            return found;
        }
    };
    if rules.is_empty() {
        return found;
    }
    // A rule that reads the value of a label does what the values decide, which the catalog mostly leaves open.
    let decided = rules
        .iter()
        .all(|rule| rule.of_names() || rule.sources.iter().all(|source| source == "__name__"));
    let changed = families.iter().find(|(name, labels)| {
        let before: Labels = labels
            .iter()
            .map(|label| (label.clone(), "x".to_string()))
            .chain([("__name__".to_string(), name.clone())])
            .collect();
        relabeled(&rules, before.clone()) != Relabeled::Kept(before)
    });
    match changed {
        Some((name, _)) => say(
            "metric_relabel_configs",
            format!("`{name}` of `{service}` is changed or dropped after the scrape"),
            "let the rules touch only what the catalog and its runtime do not promise",
        ),
        None if !decided => say(
            "metric_relabel_configs",
            format!("what `{service}` exposes is changed by values that the catalog does not know"),
            "let the rules read `__name__` alone, or accept this in `[platform]` with a reason",
        ),
        None => {}
    }
    found
}

/// The names of what the catalog declares, or something reads, and a scrape gives.
fn promised(stack: &Stack) -> BTreeSet<String> {
    let declared = stack.catalog.metrics.iter().flat_map(|metric| {
        ["", "_bucket", "_sum", "_count"].map(|part| format!("{}{part}", metric.name))
    });
    let read = stack
        .expressions
        .iter()
        .flat_map(|expression| selectors(&expression.ast))
        .filter_map(|selector| selector.name.clone());
    // What is recorded, and what Prometheus adds to every scrape, comes later.
    let mut recorded: HashSet<&str> = stack
        .files
        .rules()
        .filter_map(|(_, _, rule)| rule["record"].as_str())
        .collect();
    recorded.extend(built_in("target").map(|name: &str| name));
    declared
        .chain(read)
        .filter(|name| !recorded.contains(name.as_str()))
        .collect()
}

/// Those of them that a service exposes, with their labels.
fn exposed(stack: &Stack, names: &BTreeSet<String>, service: &str) -> Vec<(String, Vec<String>)> {
    let target = stack.contract.targets.with("job", service);
    let of_service = |name: &String| {
        let family = stack.contract.family(name).iter();
        let mut own = family
            .filter(|series| !series.targets.is_disjoint(&target))
            .peekable();
        own.peek()?;
        let labels: BTreeSet<&String> = own.flat_map(|series| series.labels.keys()).collect();
        Some((name.clone(), labels.into_iter().cloned().collect()))
    };
    names.iter().filter_map(of_service).collect()
}

/// Whether the catalog itself gives both services one address: then it has been told already, or is accepted.
fn same(catalog: &Catalog, one: &str, other: &str) -> bool {
    let address = |name: &str| {
        catalog
            .service(name)
            .map(|service| (&service.instances, &service.metrics_path))
    };
    address(one).is_some() && address(one) == address(other)
}

/// Two targets that ask for the same, of which one is a service's.
fn doubles(config: &File, targets: &[Target], catalog: &Catalog) -> Vec<Diagnostic> {
    let mut found = Vec::new();
    let mut asked: HashMap<(&str, &str, String), &str> = HashMap::new();
    for target in targets {
        let name = target.labels.get("job").map_or("", String::as_str);
        let address = (
            target.address.as_str(),
            target.path.as_str(),
            json!(target.params).to_string(),
        );
        let Some(other) = asked.insert(address, name) else {
            continue;
        };
        let claims = catalog
            .service(name)
            .or_else(|| catalog.service(other))
            .is_some();
        if claims && name != other && !same(catalog, name, other) {
            found.push(place::at(
                &config.path,
                &target.pointer,
                format!(
                    "`{name}` scrapes {}{}, as `{other}` does",
                    target.address, target.path
                ),
                "give each job an address of its own",
            ));
        }
    }
    found
}

/// What Prometheus refuses: two jobs of one name, a timeout above its interval.
fn names(config: &File) -> Vec<Diagnostic> {
    let mut found = Vec::new();
    let mut known = HashMap::new();
    for (index, job) in config.value["scrape_configs"].items().enumerate() {
        let name = job["job_name"].as_str().unwrap_or_default();
        let pointer = format!("/scrape_configs/{index}");
        if known.insert(name, ()).is_some() {
            found.push(place::at(
                &config.path,
                format!("{pointer}/job_name"),
                format!("two jobs are called `{name}`"),
                "Prometheus does not start so: rename one of them",
            ));
        }
        let own = |key: &str, from: &Value| from[key].as_str().and_then(Duration::parse);
        let duration = |key: &str| own(key, job).or_else(|| own(key, &config.value["global"]));
        let interval = duration("scrape_interval").unwrap_or(Duration(60_000));
        if own("scrape_timeout", job).is_some_and(|timeout| timeout > interval) {
            found.push(place::at(
                &config.path,
                format!("{pointer}/scrape_timeout"),
                format!("`{name}` may take longer than its interval"),
                "Prometheus does not start so: shorten the timeout",
            ));
        }
    }
    found
}
