//! A window must hold four scrapes of every service it covers.

use super::{Lint, names};
use crate::catalog::{Alert, Catalog, Duration, Service};
use crate::diagnostic::{Diagnostic, Place};
use crate::source::{Source, step};

pub(crate) const LINT: Lint = Lint {
    code: "window-too-short",
    doc: "A rate needs two samples; with fewer than four scrapes in the window one failed scrape makes the alert silent.",
    bad: "[alerts.Errors]\nkind = \"error_ratio\"\nabove = 0.1\nwindow = \"30s\"\nfor = \"5m\"\nseverity = \"warning\"\n",
    good: "[alerts.Errors]\nkind = \"error_ratio\"\nabove = 0.1\nwindow = \"5m\"\nfor = \"5m\"\nseverity = \"warning\"\n",
    check: |catalog, source| {
        catalog
            .written_alerts()
            .flat_map(|alert| {
                let mut found = short(alert, catalog, source);
                found.extend(between(alert, catalog));
                found
            })
            .collect()
    },
};

/// What a rule records so seldom that it is gone from one sample to the next.
fn between(alert: &Alert, catalog: &Catalog) -> Vec<Diagnostic> {
    let scraped = catalog
        .services
        .iter()
        .map(|service| service.scrape_interval.0 * 4);
    // Without a window of its own it looks back as far as bridges failed scrapes.
    let bridge = Duration(scraped.fold(300_000, u64::max));
    let windows = alert
        .branches
        .iter()
        .map(|branch| branch.window.unwrap_or(bridge));
    let Some(window) = windows.min() else {
        return Vec::new();
    };
    let rules = catalog.rules.iter();
    let read = rules.filter(|rule| alert.recorded(catalog).contains(&rule.name.as_str()));
    let slow = read.filter_map(|rule| {
        let interval = rule.interval.filter(|interval| interval.0 * 2 > window.0)?;
        let place = Place::Value(format!("/rules/{}/interval", step(&rule.name)));
        let message = format!(
            "`{}` looks back {window}, and `{}` is recorded every {interval}",
            alert.written_name(),
            rule.name
        );
        let help = format!(
            "record it every {} or more often, or give the alert `window = \"{}\"` where its kind takes one",
            Duration(window.0 / 2),
            Duration(interval.0 * 2)
        );
        let wrong = Diagnostic::error("window-too-short", place, message).help(help);
        Some(wrong.also(Place::Key(alert.table()), "read here"))
    });
    slow.collect()
}

fn short(alert: &Alert, catalog: &Catalog, source: &Source) -> Vec<Diagnostic> {
    let mut found = Vec::new();
    for branch in &alert.branches {
        // Where a budget burns, the shorter range is the one to look at.
        let burn = branch.burn.as_ref().map(|burn| burn.window);
        let Some(window) = burn.or(branch.window) else {
            continue;
        };
        let covered = catalog.services_of(&branch.services);
        let slow: Vec<&Service> = covered
            .filter(|service| service.scrape_interval.0 * 4 > window.0)
            .collect();
        let Some(slowest) = slow.iter().max_by_key(|service| service.scrape_interval) else {
            continue;
        };
        let own = format!("/services/{}/alerts/{}/window", slowest.name, alert.name);
        let place = if source.contains(&own) {
            own
        } else {
            format!("/alerts/{}/window", alert.name)
        };
        let message = format!(
            "a window of {window} holds fewer than four scrapes of {}",
            names(slow.iter().map(|service| service.name.as_str()))
        );
        found.push(
            Diagnostic::error("window-too-short", Place::Value(place), message)
                .also(
                    super::set_at(source, slowest, "scrape_interval"),
                    format!("scraped every {}", slowest.scrape_interval),
                )
                .help(match burn {
                    Some(_) => "scrape more often: the ranges of burn rates are fixed".to_string(),
                    None => format!(
                        "make the window at least {}, or scrape more often",
                        Duration(slowest.scrape_interval.0 * 4)
                    ),
                }),
        );
    }
    found
}
