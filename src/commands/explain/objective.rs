//! What `explain` says of an objective.

use super::labelled::{receiver, said_in_words};
use super::{Row, row};
use crate::catalog::slos::Slo;
use crate::catalog::{Catalog, Service, StillBurning, with_unit};
use crate::source::{Source, step};

/// Everything that follows from it, with the lines that say so.
pub(super) fn rows(slo: &Slo, catalog: &Catalog, source: &Source) -> Vec<Row> {
    let at = |key: &str| Some(format!("/slos/{}/{key}", step(&slo.name)));
    let share = with_unit(slo.budget, Some("ratio"));
    let mut rows = vec![
        row(
            "objective",
            format!("{} %", slo.objective),
            source,
            at("objective"),
        ),
        row(
            "budget",
            format!("{share} of all events"),
            source,
            at("objective"),
        ),
        row("window", slo.window, source, at("window")),
    ];
    let counts = &slo.counts;
    let (first, whole) = match &counts.latency {
        Some(_) => ("latency/metric", "latency/below"),
        None if counts.matchers.is_empty() => ("errors", "total"),
        None => ("errors/metric", "errors/where"),
    };
    for (key, value) in counts.settings() {
        let written = match key.as_str() {
            "below" | "where" => whole,
            "total" if counts.matchers.is_empty() => whole,
            _ => first,
        };
        rows.push(row(&key, value, source, at(written)));
        let filter = counts.filters.get(&key);
        // Of one counter it is said once.
        if let Some(filter) = filter
            && (key != "errors" || counts.matchers.is_empty())
        {
            rows.push(row(
                "only those with",
                &filter.matchers,
                source,
                at(written),
            ));
        }
    }
    let covers = slo.covers.iter();
    rows.extend(covers.map(|name| row("service", name, source, Some(format!("/services/{name}")))));
    // What both say, and when, stands at the objective.
    let said = catalog.alerts.iter();
    let mut said = said.filter(|alert| alert.slo.as_ref().is_some_and(|of| of.name == slo.name));
    rows.extend((said.next()).map_or(Vec::new(), |alert| said_in_words(alert, source)));
    for alert in &slo.alerts {
        rows.push(row("alert", &alert.name, source, at(alert.key)));
        for burn in &alert.burns {
            let value = format!(
                "{} times the rate over {} and {}: above {}",
                burn.factor,
                burn.long,
                burn.short,
                with_unit(burn.above, Some("ratio"))
            );
            rows.push(row("fires at", value, source, None));
        }
        if alert.burns.is_empty() {
            rows.push(row(
                "fires at",
                "never: the budget cannot burn so fast",
                source,
                None,
            ));
        }
        rows.push(row("severity", &alert.severity, source, at(alert.key)));
        // With owners, routes or hours it depends on the service, and on the time.
        if catalog.notices.is_empty() {
            rows.push(receiver(&alert.severity, catalog, source));
        }
    }
    let recorded = slo.recorded.names();
    rows.extend(recorded.map(|name| row("records", name, source, None)));
    rows
}

/// The objectives that a service has.
pub(super) fn of_service(service: &Service, catalog: &Catalog, source: &Source) -> Vec<Row> {
    let own = catalog
        .slos
        .iter()
        .filter(|slo| slo.covers.contains(&service.name));
    let said = |slo: &Slo| {
        let promise = format!("{}: {} % over {}", slo.name, slo.objective, slo.window);
        row(
            "objective",
            promise,
            source,
            Some(format!("/slos/{}", step(&slo.name))),
        )
    };
    own.map(said).collect()
}

/// How fast a budget burns, and over which shorter range still.
pub(super) fn still(burn: &StillBurning) -> String {
    format!("over {} too: {} times the rate", burn.window, burn.factor)
}
