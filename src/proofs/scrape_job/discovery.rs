//! Targets that are looked up by name while Prometheus runs.

use crate::catalog::discovery::Patterns;
use crate::catalog::{Duration, Service};
use crate::contract::domain::Domain;
use crate::contract::relabel::Rule;
use crate::diagnostic::Diagnostic;
use crate::json::plain;
use crate::proofs::place;
use crate::render::File;
use crate::stack::Stack;
use crate::value::Value;
use std::collections::BTreeMap;

/// Keys by which less is found: what the catalog does not say narrows what it means.
const NARROWING: [&str; 9] = [
    "datacenter",
    "filter",
    "filters",
    "namespaces",
    "node_meta",
    "partition",
    "selectors",
    "services",
    "tags",
];

/// Services that are looked for elsewhere, or as something else, than the catalog says; and kept or dropped by other values.
pub(super) fn looked_for_otherwise(stack: &Stack, config: &File) -> Vec<Diagnostic> {
    let mut found = Vec::new();
    for (index, job) in config.value["scrape_configs"].items().enumerate() {
        let name = job["job_name"].as_str().unwrap_or_default();
        let Some(service) = stack.catalog.service(name) else {
            continue;
        };
        let others = || of_others(stack, service, job);
        let wrong = of_sections(service, job).or_else(others);
        let wrong = wrong.or_else(|| of_values(service, job));
        found.extend(wrong.map(|(key, message)| {
            let help = "render it from `discovery` of the catalog";
            place::at(
                &config.path,
                format!("/scrape_configs/{index}/{key}"),
                message,
                help,
            )
        }));
    }
    found
}

/// The key of the job, and what is wrong there.
type Wrong = (String, String);

fn of_sections(service: &Service, job: &Value) -> Option<Wrong> {
    let name = &service.name;
    let said = &service.found.as_ref()?["sections"];
    said.entries().find_map(|(key, said)| {
        let mut all = said.items();
        all.find_map(|said| {
            let differs = |section: &Value| {
                let mut keys = said.entries();
                let other = keys.find(|(key, value)| section[key.as_str()] != **value);
                let other = other.map(|(key, value)| {
                    let written = plain(&section[key.as_str()]);
                    format!(
                        "`{name}` is looked for with {key} `{written}`, and the catalog says `{}`",
                        plain(value)
                    )
                });
                other.or_else(|| {
                    let mut more = NARROWING.iter();
                    let more =
                        more.find(|key| section.get(**key).is_some() && said.get(**key).is_none())?;
                    Some(format!(
                        "`{name}` is looked for by `{more}` too, of which the catalog says nothing"
                    ))
                })
            };
            let mut written = job[key.as_str()].items().map(differs);
            let first = written.next().unwrap_or_else(|| {
                Some(format!(
                    "`{name}` is not looked for by {key}, as the catalog says"
                ))
            })?;
            written
                .all(|other| other.is_some())
                .then(|| (key.clone(), first))
        })
    })
}

/// Containers of other services whose addresses are looked up for it.
fn of_others(stack: &Stack, service: &Service, job: &Value) -> Option<Wrong> {
    let mut names = job["dns_sd_configs"]
        .items()
        .flat_map(|one| one["names"].texts());
    let said = |name: &str| {
        let said = service
            .found
            .as_ref()
            .map(|found| &found["sections"]["dns_sd_configs"]);
        said.is_some_and(|said| {
            said.items()
                .any(|one| one["names"].texts().any(|own| own == name))
        })
    };
    let other = names.find(|name| {
        let known = stack.catalog.service(name).is_some();
        known && *name != service.name && !said(name)
    })?;
    let message = format!(
        "the instances of `{other}` are looked up for `{}` too",
        service.name
    );
    Some(("dns_sd_configs".to_string(), message))
}

/// Values by which it is kept or dropped, and by the catalog's pattern it is not; or the other way round.
fn of_values(service: &Service, job: &Value) -> Option<Wrong> {
    let said = service.discovery.as_ref()?;
    let rules = Rule::read(&job["relabel_configs"]).ok()?;
    let of = |action: &str, patterns: &BTreeMap<String, Patterns>| {
        // What several of one label make together is run.
        let single = patterns
            .iter()
            .filter_map(|(label, patterns)| match patterns.0.as_slice() {
                [pattern] => Some((label, pattern)),
                _ => None,
            });
        let mut single = single;
        single.find_map(|(label, pattern)| {
            let written = job["relabel_configs"].items().zip(&rules);
            let mut own = written.filter(|(written, rule)| {
                rule.sources == [label.as_str()] && written["action"] == action
            });
            let (_, rule) = own.next().filter(|_| own.next().is_none())?;
            let sides = [(&rule.pattern, pattern), (pattern, &rule.pattern)];
            sides.into_iter().find_map(|(one, other)| {
                let value = Domain::Pattern(one.clone()).example(other, false)?;
                Some((
                    "relabel_configs".to_string(),
                    format!(
                        "`{}` has `{action}` where {label} is `{}`, and the catalog says `{pattern}`: \"{value}\" is taken otherwise",
                        service.name, rule.pattern
                    ),
                ))
            })
        })
    };
    of("keep", &said.keep).or_else(|| of("drop", &said.drop))
}

/// A name that is looked up more rarely than a series without samples ends: whoever moves is gone until then.
pub(super) fn missing_who_moves(config: &File) -> Vec<Diagnostic> {
    /// A query looks back so far, and so does the end of a series.
    const LOOKBACK: Duration = Duration(5 * 60_000);
    let mut found = Vec::new();
    for (index, job) in config.value["scrape_configs"].items().enumerate() {
        for key in ["dns_sd_configs", "http_sd_configs"] {
            for (at, lookup) in job[key].items().enumerate() {
                // Docker answers for its containers with addresses of the fourth version.
                if key == "dns_sd_configs" && lookup["type"] == "AAAA" {
                    found.push(place::at(
                        &config.path,
                        format!("/scrape_configs/{index}/{key}/{at}/type"),
                        format!(
                            "`{}` is looked up by addresses of IPv6, and the containers have none",
                            plain(&job["job_name"])
                        ),
                        "write `type: A`",
                    ));
                }
                let written = lookup["refresh_interval"].as_str();
                if let Some(interval) = written.and_then(Duration::parse)
                    && interval > LOOKBACK
                {
                    found.push(place::at(
                        &config.path,
                        format!("/scrape_configs/{index}/{key}/{at}/refresh_interval"),
                        format!(
                            "`{}` is looked up every {interval}: until then nobody scrapes what has moved",
                            plain(&job["job_name"])
                        ),
                        "leave it away: 30s is the default",
                    ));
                }
            }
        }
    }
    found
}
