//! A sample lasts until the next one comes, also when one is missed.

use super::{Lint, set_at};
use crate::catalog::{Duration, INTERVAL, origin};
use crate::diagnostic::{Diagnostic, Place};

/// Prometheus looks back five minutes for a sample.
const LOOKBACK: u64 = 300_000;

pub(crate) const LINT: Lint = Lint {
    code: "stale-between-samples",
    doc: "Prometheus forgets a series five minutes after its last sample: with one missed sample in that time its alerts resolve and wait for their `for` anew, permanently.",
    bad: "[services.cart]\ngroup = \"web\"\nport = 8002\nscrape_interval = \"5m\"\n",
    good: "[services.cart]\ngroup = \"web\"\nport = 8002\nscrape_interval = \"2m\"\n",
    check: |catalog, source| {
        let rare = |interval: Duration| interval.0 * 2 > LOOKBACK;
        let error = |place: Place, what: &str, interval: Duration| {
            let message = format!(
                "{what} every {interval}: a series is forgotten five minutes after its last sample, so one missed sample is an outage"
            );
            Diagnostic::error("stale-between-samples", place, message)
                .help("set the interval to at most \"2m\"")
        };
        let prometheus = [
            (
                "evaluation_interval",
                "rules are evaluated",
                catalog.prometheus.evaluation_interval,
            ),
            (
                "scrape_interval",
                "Prometheus and the Alertmanager are scraped",
                catalog.prometheus.scrape_interval,
            ),
        ];
        let own = prometheus
            .into_iter()
            .filter(|(_, _, interval)| rare(*interval));
        let mut found: Vec<Diagnostic> = own
            .map(|(key, what, interval)| {
                error(Place::Value(format!("/prometheus/{key}")), what, interval)
            })
            .collect();
        let services = catalog
            .services
            .iter()
            .filter(|service| rare(service.scrape_interval))
            .filter(|service| {
                origin(source, service, "scrape_interval").as_deref() != Some(INTERVAL)
            });
        found.extend(services.map(|service| {
            error(
                set_at(source, service, "scrape_interval"),
                &format!("`{}` is scraped", service.name),
                service.scrape_interval,
            )
        }));
        let rules = catalog.rules.iter();
        let rules = rules.filter_map(|rule| Some((rule, rule.interval.filter(|own| rare(*own))?)));
        found.extend(rules.map(|(rule, interval)| {
            let message = format!(
                "`{}` is recorded every {interval}: what reads it sees nothing from five minutes after each sample on, unless it looks back with `last_over_time`",
                rule.name
            );
            let place = Place::Value(format!("/rules/{}/interval", rule.name));
            Diagnostic::warning("stale-between-samples", place, message)
                .help("set the interval to at most \"2m\", or read it as in `last_over_time(NAME[1h])`")
        }));
        found
    },
};
