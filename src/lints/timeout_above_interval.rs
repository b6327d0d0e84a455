//! Prometheus refuses the whole configuration when a scrape may take longer than its interval.

use super::{Lint, set_at};
use crate::diagnostic::Diagnostic;

pub(crate) const LINT: Lint = Lint {
    code: "timeout-above-interval",
    doc: "Prometheus does not start with such a configuration, or keeps the old one at a reload.",
    bad: "[services.cart]\ngroup = \"web\"\nport = 8002\nscrape_interval = \"5s\"\nscrape_timeout = \"10s\"\n",
    good: "[services.cart]\ngroup = \"web\"\nport = 8002\nscrape_interval = \"10s\"\nscrape_timeout = \"5s\"\n",
    check: |catalog, source| {
        let late = catalog
            .services
            .iter()
            .filter(|service| service.scrape_timeout > service.scrape_interval);
        late.map(|service| {
            let message = format!(
                "a scrape may take {}, longer than the interval of {}",
                service.scrape_timeout, service.scrape_interval
            );
            Diagnostic::error(
                "timeout-above-interval",
                set_at(source, service, "scrape_timeout"),
                message,
            )
            .also(set_at(source, service, "scrape_interval"), "the interval")
            .help(format!(
                "set `scrape_timeout` to at most \"{}\"",
                service.scrape_interval
            ))
        })
        .collect()
    },
};
