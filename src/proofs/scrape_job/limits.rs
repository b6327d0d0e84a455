//! Limits of a job, of which one that is too low loses a whole scrape, or all targets.

use super::promised::Family;
use crate::catalog::Size;
use crate::contract::domain::Domain;
use crate::contract::targets::Target;
use crate::diagnostic::Diagnostic;
use crate::json::plain;
use crate::proofs::place;
use crate::render::File;
use crate::stack::Stack;
use crate::value::Value;

/// Keys whose number decides whether a scrape counts at all.
const LIMITS: [&str; 5] = [
    "sample_limit",
    "body_size_limit",
    "label_limit",
    "label_name_length_limit",
    "label_value_length_limit",
];

/// What a job is limited to: its own limit, or that of all jobs; 0 is none.
fn of_job<'a>(config: &'a File, job: &'a Value, key: &str) -> Option<&'a Value> {
    let written = job.get(key).or_else(|| config.value["global"].get(key));
    written.filter(|limit| **limit != 0)
}

/// Whether a scrape of a job may be refused for what it brings, by a limit of its own or by that of all jobs.
pub(super) fn limits_scrapes(config: &File, job: &Value) -> bool {
    LIMITS.iter().any(|key| of_job(config, job, key).is_some())
}

/// Limits below what a job needs.
pub(super) fn too_low(
    stack: &Stack,
    config: &File,
    index: usize,
    service: &str,
    families: &[Family],
) -> Vec<Diagnostic> {
    let job = &config.value["scrape_configs"][index];
    if !limits_scrapes(config, job) {
        return Vec::new();
    }
    let mut found = Vec::new();
    let needed = Needed::of(stack, service, families);
    for (key, least) in LIMITS.iter().zip(needed.0) {
        let Some(written) = of_job(config, job, key) else {
            continue;
        };
        let most = written
            .as_u64()
            .or_else(|| Size::binary(&plain(written)).map(|size| size.0));
        if most.is_some_and(|most| most < least) {
            found.push(place::at(
                &config.path,
                match job.get(*key) {
                    Some(_) => format!("/scrape_configs/{index}/{key}"),
                    None => format!("/global/{key}"),
                },
                format!(
                    "`{key}` is {}, and `{service}` needs {least} at least: all its samples are lost",
                    plain(written)
                ),
                "raise or remove it",
            ));
        }
    }
    found
}

/// The least that each of the limits must allow, by what the catalog and its runtime promise.
struct Needed([u64; 5]);

impl Needed {
    fn of(stack: &Stack, service: &str, families: &[Family]) -> Needed {
        let target = stack.contract.targets.with("job", service);
        let own = target
            .ones()
            .next()
            .map(|index| &stack.contract.targets.list[index].labels);
        let given = || own.into_iter().flatten();
        let (mut series, mut bytes) = (0, 0);
        let (mut labels, mut name, mut value) = (0, 0, 0);
        for family in families {
            // A pattern stands for two values: with one the label would not be there.
            let values = |domain: &Domain| match domain {
                Domain::Values(values) => values.len() as u64,
                Domain::Pattern(_) => 2,
            };
            let count: u64 = family.labels.values().map(values).product();
            series += count;
            let text: usize = family.labels.keys().map(|label| label.len() + 4).sum();
            bytes += count * (family.name.len() + text + 3) as u64;
            // `# HELP` and `# TYPE` are sent with it, whatever they say.
            bytes += (2 * family.name.len() + "# HELP  \n# TYPE  gauge\n".len()) as u64;
            // The name of the metric is a label too.
            labels = labels.max(family.labels.len() + given().count() + 1);
            name = family.labels.keys().map(String::len).fold(name, usize::max);
            let longest = family.labels.values().flat_map(|domain| match domain {
                Domain::Values(values) => values.iter().map(String::len).max(),
                Domain::Pattern(_) => None,
            });
            value = longest.fold(value.max(family.name.len()), usize::max);
        }
        name = given()
            .map(|(label, _)| label.len())
            .fold(name.max("__name__".len()), usize::max);
        value = given()
            .map(|(_, value)| value.len())
            .fold(value, usize::max);
        Needed([series, bytes, labels as u64, name as u64, value as u64])
    }
}

/// A job with more targets than it may have: Prometheus then scrapes none of them.
pub(super) fn fewer_than_targets(config: &File, targets: &[Target]) -> Vec<Diagnostic> {
    let global = &config.value["global"]["target_limit"];
    let jobs = config.value["scrape_configs"].items().enumerate();
    let of_jobs = jobs.filter_map(|(index, job)| {
        let limit = job.get("target_limit").unwrap_or(global).as_u64()?;
        let count = targets.iter().filter(|target| target.job == index).count();
        (limit > 0 && limit < count as u64).then(|| {
            place::at(
                &config.path,
                format!("/scrape_configs/{index}/target_limit"),
                format!("`target_limit` is {limit}, and the job has {count} targets: none of them is scraped"),
                "raise or remove it",
            )
        })
    });
    of_jobs.collect()
}
