//! The series of a service that has an objective, for the tests of what is recorded about its budget.

use super::chosen::SECOND;
use super::native::Holds;
use super::neighbourhood::series;
use super::{native, refuse, samples};
use crate::catalog::filters::Filter;
use crate::contract::domain::Domain;
use crate::contract::filtered::values;
use crate::value::to_value;
use minijinja::value::Value;
use minijinja::{Error, context};
use std::collections::BTreeMap;

/// What an objective counts of a service, in the samples of a test: for each series its text and how much it grows a step, of
/// `events` of which `failures` fail. Two instances have half of them each.
pub(crate) fn slo_series(
    slo: &Value,
    services: &Value,
    metrics: &Value,
    events: f64,
    failures: f64,
) -> Result<Vec<Value>, Error> {
    let counts = slo.get_attr("counts")?;
    let first = slo.get_attr("covers")?.try_iter()?.next();
    let name = first.ok_or_else(|| refuse("an objective of no service has no series"))?;
    let named = |list: &Value, key: &str, wanted: &Value| -> Result<Value, Error> {
        for one in list.try_iter()? {
            if one.get_attr(key)? == *wanted {
                return Ok(one);
            }
        }
        Err(refuse(format!("{wanted} is not in the catalog")))
    };
    let service = named(services, "name", &name)?;
    // Of what is counted at all.
    let among = |key: &str| -> Result<Vec<(String, String)>, Error> {
        let filter = counts.get_attr("filters")?.get_attr(key)?;
        if filter.is_undefined() {
            return Ok(Vec::new());
        }
        let metric = named(metrics, "key", &counts.get_attr(key)?)?;
        admitted(
            &filter,
            &metric.get_attr("labels")?,
            &service.get_attr("target_labels")?,
        )
    };
    let full = |key: &str, suffix: &str| -> Result<String, Error> {
        let metric = named(metrics, "key", &counts.get_attr(key)?)?;
        Ok(format!("{}{suffix}", metric.get_attr("name")?))
    };
    let mut all: Vec<Value> = Vec::new();
    if counts.get_attr("native")?.is_true() {
        return observed(
            &counts,
            &service,
            &full("latency", "")?,
            &among("latency")?,
            (events, failures),
        );
    }
    let mut add = |metric: &str, labels: &[(String, String)], rate: f64| -> Result<(), Error> {
        let second = ("instance".to_string(), SECOND.to_string());
        for more in [labels.to_vec(), [labels, &[second]].concat()] {
            let series = series(metric, &service, &more)?;
            all.push(context! { series, rate => rate / 2.0 });
        }
        Ok(())
    };
    if counts.get_attr("latency")?.is_true() {
        let bound = f64::try_from(counts.get_attr("bound")?)?;
        let own = among("latency")?;
        let le = ("le".to_string(), samples::bucket_of(bound));
        let within = [own.as_slice(), &[le]].concat();
        add(&full("latency", "_bucket")?, &within, events - failures)?;
        add(&full("latency", "_count")?, &own, events)?;
    } else if counts.get_attr("where")?.is_true() {
        let metric = named(metrics, "key", &counts.get_attr("errors")?)?;
        let sides = samples::sides_of(
            &metric.get_attr("labels")?,
            &counts.get_attr("where")?,
            Some(counts.get_attr("filters")?.get_attr("total")?),
        )?;
        let name = full("errors", "")?;
        for (side, rate) in [("failed", failures), ("answered", events - failures)] {
            let labels = sides.get_attr(side)?;
            let mut given = among("total")?;
            for label in labels.try_iter()? {
                let first = labels.get_item(&label)?.get_item_by_index(0)?;
                given.push((label.to_string(), first.to_string()));
            }
            add(&name, &given, rate)?;
        }
    } else {
        add(&full("errors", "")?, &among("errors")?, failures)?;
        add(&full("total", "")?, &among("total")?, events)?;
    }
    Ok(all)
}

/// The same of a native histogram: beside how much each series grows, how much of that is `within` the `bound`.
fn observed(
    counts: &Value,
    service: &Value,
    name: &str,
    own: &[(String, String)],
    (events, failures): (f64, f64),
) -> Result<Vec<Value>, Error> {
    let bound = f64::try_from(counts.get_attr("bound")?)?;
    let second = ("instance".to_string(), SECOND.to_string());
    let both = [own.to_vec(), [own, &[second]].concat()].into_iter();
    let both = both.map(|more| {
        let series = series(name, service, &more)?;
        let (rate, within) = (events / 2.0, (events - failures) / 2.0);
        Ok(context! { series, rate, within, bound })
    });
    both.collect()
}

/// So many samples before an evaluation, and the one at it, are enough for a window of five minutes.
const BEFORE: usize = 3;

/// The samples of a native histogram that first grows as one of these says for so many steps, and then as another one. There are
/// evaluations after each `every` of them, and samples only shortly before: promtool refuses to read ten thousand at once, and each
/// of these counts as a dozen.
pub(crate) fn observations(
    first: &Value,
    steps: usize,
    then: &Value,
    more: usize,
    every: usize,
) -> Result<String, Error> {
    let number = |one: &Value, key: &str| f64::try_from(one.get_attr(key)?);
    let values = |key: &str| -> Result<String, Error> {
        let (before, after) = (number(first, key)?, number(then, key)?);
        let reached = before * steps as f64 + after;
        Ok(match more {
            0 => format!("0+{before}x{steps}"),
            more => format!("0+{before}x{steps} {reached}+{after}x{}", more - 1),
        })
    };
    let bound = number(first, "bound")?;
    let parts = [
        (Holds::Within(bound), values("within")?),
        (Holds::All, values("rate")?),
    ];
    let every = every.max(1);
    let sampled = |step: usize| step.is_multiple_of(every) || step % every + BEFORE >= every;
    native::merged_where(&parts, steps + more + 1, &sampled)
}

/// Labels that a filter lets through, as far as it names them: the first values that a series can have.
fn admitted(
    filter: &Value,
    labels: &Value,
    targets: &Value,
) -> Result<Vec<(String, String)>, Error> {
    let as_json = |value: &Value| to_value(value).unwrap_or_default();
    let filter = Filter::of(&as_json(filter));
    let (labels, targets) = (as_json(labels), as_json(targets));
    let mut found: BTreeMap<String, String> = BTreeMap::new();
    for (label, ..) in filter.asks() {
        let declared = labels.get(label).or(targets.get(label));
        let domain = declared.map_or(Domain::Values(vec![String::new()]), Domain::declared);
        let asked = filter.asks().filter(|(other, ..)| *other == label);
        let asked: Vec<(String, bool)> = asked.map(|(_, pattern, is)| (pattern, is)).collect();
        let fits = |value: &String| {
            let alone = Domain::Values(vec![value.clone()]);
            let mut asked = asked.iter();
            asked.all(|(pattern, is)| alone.example(pattern, *is).is_some())
        };
        let mut tried = asked
            .iter()
            .flat_map(|(pattern, is)| values(&domain, pattern, *is));
        let value = tried.find(fits);
        let value =
            value.ok_or_else(|| refuse(format!("no event has the `{label}` that is asked for")))?;
        found.insert(label.to_string(), value);
    }
    Ok(found
        .into_iter()
        .filter(|(_, value)| !value.is_empty())
        .collect())
}
