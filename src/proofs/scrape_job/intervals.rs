//! How often is scraped where a job itself does not say it.

use crate::catalog::{Catalog, Duration};
use crate::diagnostic::Diagnostic;
use crate::json::Parts;
use crate::proofs::place;
use crate::render::File;

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
