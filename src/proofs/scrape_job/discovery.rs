//! Targets that are looked up by name while Prometheus runs.

use crate::catalog::Duration;
use crate::diagnostic::Diagnostic;
use crate::json::{Parts, plain};
use crate::proofs::place;
use crate::render::File;

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
