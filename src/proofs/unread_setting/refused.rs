//! Jobs with which Prometheus does not start.

use crate::catalog::Duration;
use crate::diagnostic::Diagnostic;
use crate::proofs::place;
use crate::render::File;
use crate::value::Value;
use std::collections::HashMap;

/// What Prometheus refuses: two jobs of one name, a timeout above its interval.
pub(super) fn at_start(config: &File) -> Vec<Diagnostic> {
    let mut found = Vec::new();
    let global = &config.value["global"];
    let own = |key: &str, from: &Value| from[key].as_str().and_then(Duration::parse);
    let every = own("scrape_interval", global).unwrap_or(Duration(60_000));
    if own("scrape_timeout", global).is_some_and(|timeout| timeout > every) {
        found.push(place::at(
            &config.path,
            "/global/scrape_timeout",
            format!("a scrape may take longer than the interval of {every}"),
            "Prometheus does not start so: shorten the timeout",
        ));
    }
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
        let interval = own("scrape_interval", job).unwrap_or(every);
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
