//! Every service is scraped by exactly one job, as the catalog says.

use super::{Check, Example, Proof, place};
use crate::artifacts::Role;
use crate::catalog::{Catalog, Duration};
use crate::diagnostic::Diagnostic;
use crate::json::Parts;
use serde_json::{Value, json};
use std::collections::{BTreeMap, HashMap};

pub(crate) const PROOF: Proof = Proof {
    code: "scrape-job",
    doc: "A job that is missing, doubled, on another port or without its labels is a service that no alert and no panel knows.",
    example: Example::Rendered {
        role: Role::Prometheus,
        pointer: "/scrape_configs/job_name=checkout/static_configs/*/targets/*",
        bad: r#""host.docker.internal:8002""#,
    },
    check: Check::Stack(|stack| {
        let mut found = Vec::new();
        for config in stack.files.prometheus() {
            let jobs: Vec<(usize, &Value)> = config.value["scrape_configs"]
                .as_array()
                .into_iter()
                .flatten()
                .enumerate()
                .collect();
            let mut named: HashMap<&str, Vec<(usize, &Value)>> = HashMap::new();
            for (index, job) in &jobs {
                named
                    .entry(job["job_name"].as_str().unwrap_or_default())
                    .or_default()
                    .push((*index, job));
            }
            let mut of_services = Vec::new();
            for service in &stack.catalog.services {
                let mine = named.remove(service.name.as_str()).unwrap_or_default();
                of_services.extend(&mine);
                let [(index, job)] = mine.as_slice() else {
                    found.push(place::at(
                        &config.path,
                        "/scrape_configs",
                        format!("`{}` has {} scrape jobs", service.name, mine.len()),
                        "render one job for every service",
                    ));
                    continue;
                };
                let target = &job["static_configs"][0];
                let params = query(&job["params"]);
                let wanted = [
                    (
                        "static_configs/0/targets/0",
                        target["targets"][0].as_str(),
                        format!("{}:{}", service.host, service.port),
                    ),
                    (
                        "static_configs/0/labels/service",
                        target["labels"]["service"].as_str(),
                        service.name.clone(),
                    ),
                    (
                        "static_configs/0/labels/component",
                        target["labels"]["component"].as_str(),
                        service.group.clone(),
                    ),
                    (
                        "metrics_path",
                        job["metrics_path"].as_str(),
                        service.path.clone(),
                    ),
                    (
                        "scheme",
                        job["scheme"].as_str().or(Some("http")),
                        service.scheme.clone(),
                    ),
                    (
                        "params",
                        Some(params.as_str()),
                        query(&json!(service.params)),
                    ),
                    (
                        "scrape_interval",
                        job["scrape_interval"].as_str(),
                        service.scrape_interval.to_string(),
                    ),
                    (
                        "scrape_timeout",
                        job["scrape_timeout"].as_str(),
                        service.scrape_timeout.to_string(),
                    ),
                ];
                for (key, written, said) in wanted
                    .into_iter()
                    .filter(|(_, written, said)| *written != Some(said.as_str()))
                {
                    found.push(place::at(
                        &config.path,
                        format!("/scrape_configs/{index}/{key}"),
                        format!(
                            "the job of `{}` has {} `{}`, the catalog says `{said}`",
                            service.name,
                            key.rsplit('/').next().unwrap_or(key),
                            written.unwrap_or("nothing")
                        ),
                        "render it from the catalog",
                    ));
                }
            }
            found.extend(doubles(&config.path, &jobs, stack.catalog));
            found.extend(unread(&config.path, &of_services));
        }
        found
    }),
};

/// Keys that change which series a job gives, so that the contract would no longer hold.
const UNREAD: [&str; 9] = [
    "honor_labels",
    "label_limit",
    "label_name_length_limit",
    "label_value_length_limit",
    "metric_relabel_configs",
    "relabel_configs",
    "sample_limit",
    "body_size_limit",
    "target_limit",
];

fn unread(path: &str, jobs: &[(usize, &Value)]) -> Vec<Diagnostic> {
    let keys = jobs.iter().flat_map(|(index, job)| {
        UNREAD
            .iter()
            .filter(|key| job.get(**key).is_some())
            .map(move |key| (index, job, key))
    });
    let finding = |(index, job, key): (&usize, &&Value, &&str)| {
        let message = format!(
            "`{key}` changes what `{}` gives, which the catalog knows nothing of",
            job["job_name"].as_str().unwrap_or_default()
        );
        place::at(
            path,
            format!("/scrape_configs/{index}/{key}"),
            message,
            "remove it, or accept it in `[platform]` with a reason",
        )
    };
    keys.map(finding).collect()
}

/// What a job asks with, in one way of writing it.
fn query(params: &Value) -> String {
    let sorted: BTreeMap<&String, &Value> = params.entries().collect();
    json!(sorted).to_string()
}

/// Whether the catalog itself gives both services one address: then it has been told already, or is accepted.
fn same(catalog: &Catalog, one: &str, other: &str) -> bool {
    let address = |name: &str| {
        catalog
            .service(name)
            .map(|service| (&service.host, service.port, &service.metrics_path))
    };
    address(one).is_some() && address(one) == address(other)
}

/// Two jobs of one name, two targets of one address, a timeout above its interval.
fn doubles(path: &str, jobs: &[(usize, &Value)], catalog: &Catalog) -> Vec<Diagnostic> {
    let mut found = Vec::new();
    let (mut names, mut addresses) = (HashMap::new(), HashMap::new());
    for (index, job) in jobs {
        let name = job["job_name"].as_str().unwrap_or_default();
        let pointer = format!("/scrape_configs/{index}");
        if names.insert(name, ()).is_some() {
            found.push(place::at(
                path,
                format!("{pointer}/job_name"),
                format!("two jobs are called `{name}`"),
                "Prometheus does not start so: rename one of them",
            ));
        }
        for target in job["static_configs"]
            .items()
            .flat_map(|group| group["targets"].items())
        {
            let address = (
                target.as_str().unwrap_or_default(),
                job["metrics_path"].as_str().unwrap_or("/metrics"),
                query(&job["params"]),
            );
            let said = (address.0, address.1);
            if let Some(other) = addresses
                .insert(address, name)
                .filter(|other| !same(catalog, name, other))
            {
                found.push(place::at(
                    path,
                    pointer.clone(),
                    format!("`{name}` scrapes {}{}, as `{other}` does", said.0, said.1),
                    "give each job an address of its own",
                ));
            }
        }
        let duration = |key: &str| job[key].as_str().and_then(Duration::parse);
        if duration("scrape_timeout") > duration("scrape_interval")
            && duration("scrape_interval").is_some()
        {
            found.push(place::at(
                path,
                format!("{pointer}/scrape_timeout"),
                format!("`{name}` may take longer than its interval"),
                "Prometheus does not start so: shorten the timeout",
            ));
        }
    }
    found
}
