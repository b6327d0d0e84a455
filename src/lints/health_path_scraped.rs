//! The health answer is not metrics.

use super::{Lint, set_at};
use crate::diagnostic::Diagnostic;

pub(crate) const LINT: Lint = Lint {
    code: "health-path-scraped",
    doc: "Scraping the health path makes `up` 0 for a healthy service, because its answer is not metrics.",
    bad: "[services.cart]\ngroup = \"web\"\nport = 8002\nmetrics_path = \"/health\"\n",
    good: "[services.cart]\ngroup = \"web\"\nport = 8002\nmetrics_path = \"/metrics\"\n",
    check: |catalog, source| {
        // An exporter has no path but that of its metrics.
        let same = catalog
            .services
            .iter()
            .filter(|service| service.build && service.metrics_path == service.health_path);
        same.map(|service| {
            Diagnostic::error(
                "health-path-scraped",
                set_at(source, service, "metrics_path"),
                format!(
                    "`metrics_path` and `health_path` are both `{}`",
                    service.metrics_path
                ),
            )
            .also(set_at(source, service, "health_path"), "the health path")
            .help("serve metrics on a path of their own, such as `/metrics`")
        })
        .collect()
    },
};
