//! How often is scraped where a job itself does not say it.

use crate::catalog::{Catalog, Duration};
use crate::contract::targets::Target;
use crate::diagnostic::Diagnostic;
use crate::proofs::place;
use crate::render::File;
use std::collections::HashSet;

/// No scrape over a network ends sooner than that for sure.
const LEAST: Duration = Duration(100);

/// Jobs beside those of the services whose scrapes, by a timeout of their own or by that of all jobs, never end in time.
pub(super) fn without_time(
    config: &File,
    targets: &[Target],
    catalog: &Catalog,
) -> Vec<Diagnostic> {
    let mut found = Vec::new();
    let mut told = HashSet::new();
    for target in targets.iter().filter(|target| target.timeout < LEAST) {
        let job = &config.value["scrape_configs"][target.job];
        let name = job["job_name"].as_str().unwrap_or_default();
        let inherited = job["scrape_timeout"].is_null();
        // A service's is held against the catalog.
        if catalog.service(name).is_some() || !told.insert(target.job) {
            continue;
        }
        let pointer = match inherited {
            true => "/global/scrape_timeout".to_string(),
            false => format!("/scrape_configs/{}/scrape_timeout", target.job),
        };
        found.push(place::at(
            &config.path,
            pointer,
            format!(
                "no scrape of the job `{name}` ends within {}",
                target.timeout
            ),
            format!("leave it out, or make it at least {LEAST}"),
        ));
    }
    found
}

/// Jobs without an interval of their own, the monitoring's among them, are scraped as often as the catalog says.
pub(super) fn default_differs(config: &File, catalog: &Catalog) -> Option<Diagnostic> {
    let jobs = config.value["scrape_configs"].items();
    let names = jobs.filter(|job| job["scrape_interval"].is_null());
    let names: Vec<&str> = names.filter_map(|job| job["job_name"].as_str()).collect();
    let wanted = catalog.prometheus.scrape_interval;
    let written = config.value["global"]["scrape_interval"].as_str();
    let written = written.map_or(Some(Duration(60_000)), Duration::parse)?;
    (written != wanted && !names.is_empty()).then(|| {
        place::at(
            &config.path,
            "/global/scrape_interval",
            format!(
                "{} are scraped every {written}, and the catalog says {wanted}",
                names.join(", ")
            ),
            "render `prometheus.scrape_interval` there",
        )
    })
}
