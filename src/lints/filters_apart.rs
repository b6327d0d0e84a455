//! Two metrics that an alert sets against each other are read for the same things.

use super::Lint;
use crate::catalog::filters::Filter;
use crate::catalog::{Alert, Catalog, Metric};
use crate::contract::domain::Domain;
use crate::diagnostic::{Diagnostic, Place};
use crate::source::step;

pub(crate) const LINT: Lint = Lint {
    code: "filters-apart",
    doc: "What is used of one pool, divided by the limit of another, is a number of nothing: no series of the two sides belong together, or those are paired that only happen to.",
    bad: "[metrics.pool_used]\ntype = \"gauge\"\nhelp = \"Connections in use\"\nlabels = { pool = [\"read\", \"write\"] }\n\n[metrics.pool_limit]\ntype = \"gauge\"\nhelp = \"Connections that may be\"\nlabels = { pool = [\"read\", \"write\"] }\n\n[alerts.PoolFull]\nkind = \"saturation\"\nused = { metric = \"pool_used\", where = { pool = \"read\" } }\nlimit = { metric = \"pool_limit\", where = { pool = \"write\" } }\nabove = 0.9\nfor = \"5m\"\nseverity = \"warning\"\n",
    good: "[metrics.pool_used]\ntype = \"gauge\"\nhelp = \"Connections in use\"\nlabels = { pool = [\"read\", \"write\"] }\n\n[metrics.pool_limit]\ntype = \"gauge\"\nhelp = \"Connections that may be\"\nlabels = { pool = [\"read\", \"write\"] }\n\n[alerts.PoolFull]\nkind = \"saturation\"\nused = { metric = \"pool_used\", where = { pool = \"read\" } }\nlimit = { metric = \"pool_limit\", where = { pool = \"read\" } }\nabove = 0.9\nfor = \"5m\"\nseverity = \"warning\"\n",
    check: |catalog, _| {
        let alerts = catalog.written_alerts();
        alerts.filter_map(|alert| apart(alert, catalog)).collect()
    },
};

/// One of the metrics that an alert reads, with what it is asked for.
struct Side<'a> {
    key: &'a str,
    metric: &'a Metric,
    filter: &'a Filter,
}

fn apart(alert: &Alert, catalog: &Catalog) -> Option<Diagnostic> {
    let read = alert.metrics().into_iter();
    let sides: Vec<Side> = read
        .filter_map(|(key, name, _)| {
            let filter = alert.said_filter(key)?;
            let metric = catalog.metric(name)?;
            Some(Side {
                key,
                metric,
                filter,
            })
        })
        .collect();
    let pairs = sides
        .iter()
        .enumerate()
        .flat_map(|(at, one)| sides[at + 1..].iter().map(move |other| (one, other)));
    pairs
        // Of one metric a label may say which part is which: `state="used"` of `state="total"`.
        .filter(|(one, other)| one.metric.name != other.metric.name)
        .find_map(|(one, other)| differ(alert, one, other))
}

/// A label by which the two sides are of different things, though each of them has those of the other.
fn differ(alert: &Alert, one: &Side, other: &Side) -> Option<Diagnostic> {
    let domain = |side: &Side, label: &str| side.metric.labels.get(label).map(Domain::declared);
    let wanted = one.filter.asks().filter(|(.., is)| *is);
    for (label, pattern, _) in wanted {
        let (Some(own), Some(others)) = (domain(one, label), domain(other, label)) else {
            continue;
        };
        let asked = || other.filter.asks().filter(|(known, ..)| *known == label);
        let picked = Domain::Pattern(pattern.clone());
        let lost = asked().find(|(_, theirs, is)| match is {
            true => !picked.overlaps(&Domain::Pattern(theirs.clone())),
            false => picked.example(theirs, false).is_none(),
        });
        let Some((_, theirs, is)) = lost else {
            continue;
        };
        let could = others.example(&pattern, true).is_some()
            && (!is || own.example(&theirs, true).is_some());
        if !could {
            continue;
        }
        let at = |key: &str, side: &str| {
            Place::Value(format!(
                "{}/{}/{side}/{}",
                alert.table(),
                step(key),
                step(label)
            ))
        };
        let message = format!(
            "`{}` sets `{}` against `{}` of another `{label}`: no series of the two belong together",
            alert.written_name(),
            one.metric.key,
            other.metric.key
        );
        let side = if is { "where" } else { "except" };
        return Some(
            Diagnostic::error("filters-apart", at(other.key, side), message)
                .also(at(one.key, "where"), "and this is of these")
                .help(format!("ask for the same `{label}` on both sides")),
        );
    }
    None
}
