//! What the templates of dashboards ask for: the grid, what belongs to a group, and what names say of units.

mod grid;
mod growing;
mod queries;
mod watching;

use super::functions::events;
use grid::Grid;
use growing::Growing;
use minijinja::value::Value;
use minijinja::{Environment, Error, State, context};
use std::collections::{BTreeMap, BTreeSet};

/// Types of metrics, in the order in which they are drawn.
const TYPES: [&str; 4] = ["counter", "gauge", "histogram", "summary"];

/// Registers every function and filter.
pub(crate) fn add_to(environment: &mut Environment) {
    environment.add_function("grid", || Value::from_object(Grid::default()));
    environment.add_function("growing", || Value::from_object(Growing::default()));
    environment.add_function("keyed", keyed);
    environment.add_function("by_role", by_role);
    environment.add_function("by_group", by_group);
    environment.add_function("branches_by_group", branches_by_group);
    environment.add_function("by_measure", by_measure);
    environment.add_filter("query", queries::one_line);
    environment.add_filter("queries", queries::queries);
    environment.add_function("watching_alerts", watching::watching_alerts);
    environment.add_function("above_zero", watching::above_zero);
    environment.add_filter("covering", watching::covering);
    environment.add_filter("drawn_alone", watching::drawn_alone);
    environment.add_filter("thresholds", watching::thresholds);
    environment.add_filter("drawn", watching::drawn);
    environment.add_filter("whole_of", watching::whole_of);
    environment.add_function("levels_of", watching::levels_of);
    environment.add_filter("branches", watching::branches);
    environment.add_filter("distinct", watching::distinct);
    environment.add_filter("red_below", watching::red_below);
    environment.add_filter("unit", unit_named);
    environment.add_filter("rate_unit", rate_unit);
    environment.add_filter("heading", heading);
}

/// A field's text → the first of the items that has it: one look at each item, however often a template asks.
fn keyed(items: &Value, field: &str) -> Result<Value, Error> {
    let mut found: BTreeMap<String, Value> = BTreeMap::new();
    for item in items.try_iter()? {
        found
            .entry(item.get_attr(field)?.to_string())
            .or_insert(item);
    }
    Ok(Value::from(found))
}

/// The metrics that have a role for an alert → those alerts.
fn by_role(alerts: &Value, role: &str) -> Result<Value, Error> {
    let mut found: BTreeMap<String, Vec<Value>> = BTreeMap::new();
    for alert in alerts.try_iter()? {
        let reads = alert.get_attr("reads")?;
        let mut several = false;
        for key in reads.try_iter()? {
            for read in reads.get_item(&key)?.try_iter()? {
                // They stand for each other, and each is watched.
                if read.get_attr("role")?.as_str() == Some(role) {
                    let metric = read.get_attr("metric")?.to_string();
                    found.entry(metric).or_default().push(alert.clone());
                    several = true;
                }
            }
        }
        if several {
            continue;
        }
        if let Some(metric) = alert.get_attr("roles")?.get_attr(role)?.as_str() {
            found.entry(metric.to_string()).or_default().push(alert);
        }
    }
    Ok(Value::from(found))
}

/// The alerts' names → the keys of the groups → the branches that hold for a service of the group; an only branch holds for all.
fn branches_by_group(alerts: &Value, groups: &Value) -> Result<Value, Error> {
    let mut group_of = BTreeMap::new();
    let mut keys = Vec::new();
    for group in groups.try_iter()? {
        let key = group.get_attr("key")?.to_string();
        for service in group.get_attr("services")?.try_iter()? {
            group_of.insert(service.to_string(), key.clone());
        }
        keys.push(key);
    }
    let mut found: BTreeMap<String, Value> = BTreeMap::new();
    for alert in alerts.try_iter()? {
        let branches = alert.get_attr("branches")?;
        let mut held: BTreeMap<String, Vec<Value>> = BTreeMap::new();
        if branches.len() == Some(1) {
            for key in &keys {
                held.entry(key.clone())
                    .or_default()
                    .extend(branches.try_iter()?);
            }
        } else {
            for branch in branches.try_iter()? {
                let services = branch.get_attr("services")?;
                let within: BTreeSet<&String> = services
                    .try_iter()?
                    .filter_map(|service| {
                        service.as_str().and_then(|service| group_of.get(service))
                    })
                    .collect();
                within
                    .into_iter()
                    .for_each(|key| held.entry(key.clone()).or_default().push(branch.clone()));
            }
        }
        found.insert(alert.get_attr("name")?.to_string(), Value::from(held));
    }
    Ok(Value::from(found))
}

/// The keys of the groups → the alerts or metrics with a service of the group in their list `field`; one look at each service, however many groups there are.
fn by_group(items: Vec<Value>, field: &str, groups: Vec<Value>) -> Result<Value, Error> {
    let mut group_of = BTreeMap::new();
    let mut found: BTreeMap<String, Vec<Value>> = BTreeMap::new();
    for group in &groups {
        let key = group.get_attr("key")?.to_string();
        for service in group.get_attr("services")?.try_iter()? {
            group_of.insert(service.to_string(), key.clone());
        }
        found.insert(key, Vec::new());
    }
    for item in &items {
        let services = item.get_attr(field)?;
        let keys: BTreeSet<&String> = services
            .try_iter()?
            .filter_map(|service| service.as_str().and_then(|service| group_of.get(service)))
            .collect();
        keys.into_iter()
            .for_each(|key| found.entry(key.clone()).or_default().push(item.clone()));
    }
    Ok(Value::from(found))
}

/// Metrics of one type and unit that one panel can name; more of them than this are spread over several.
const TO_A_PANEL: usize = 24;

/// Metrics that one axis can hold: counters, gauges, histograms, summaries, each apart by unit, as `type`, `unit` and `metrics`; `part` of `parts`.
fn by_measure(metrics: Vec<Value>) -> Result<Value, Error> {
    let mut measures: Vec<(usize, &str, Vec<Value>)> = Vec::new(); // as many as there are types and units
    for metric in metrics {
        let kind = metric.get_attr("type")?.to_string();
        let (order, unit) = (
            TYPES.iter().position(|known| *known == kind).unwrap_or(0),
            unit_of(&metric)?,
        );
        match measures
            .iter_mut()
            .find(|known| (known.0, known.1) == (order, unit))
        {
            Some((.., drawn)) => drawn.push(metric),
            None => measures.push((order, unit, vec![metric])),
        }
    }
    measures.sort_by_key(|(order, ..)| *order);
    let panels = measures.iter().flat_map(|(order, unit, metrics)| {
        let parts = metrics.len().div_ceil(TO_A_PANEL);
        metrics.chunks(TO_A_PANEL).enumerate().map(move |(index, metrics)| context! { type => TYPES[*order], unit => *unit, metrics, part => index + 1, parts })
    });
    Ok(panels.collect())
}

/// Grafana's unit of a metric, or of the one of that key.
fn unit_named(state: &State, metric: Value) -> Result<&'static str, Error> {
    if metric.as_str().is_none() {
        return unit_of(&metric);
    }
    let declared = state.lookup("metrics").unwrap_or_default();
    for one in declared.try_iter()? {
        if one.get_attr("key")? == metric {
            return unit_of(&one);
        }
    }
    Ok(unit(metric.as_str().unwrap_or_default()))
}

/// Grafana's unit of a metric: what the catalog says that it is in, else what its name ends in.
fn unit_of(metric: &Value) -> Result<&'static str, Error> {
    // Seconds since 1970 are nothing that anybody reads: Grafana says how long ago, or from now, of as many milliseconds.
    let name = metric.get_attr("name")?;
    let named = |name: &str| name.ends_with("_timestamp_seconds");
    if metric.get_attr("type")?.as_str() == Some("gauge") && name.as_str().is_some_and(named) {
        return Ok("dateTimeFromNow");
    }
    let said = metric.get_attr("unit")?;
    Ok(match said.as_str() {
        Some("seconds") => "s",
        Some("milliseconds") => "ms",
        Some("microseconds") => "µs",
        Some("minutes") => "m",
        Some("bytes") => "bytes",
        Some("kilobytes") => "kbytes",
        Some("megabytes") => "mbytes",
        Some("ratio") => "percentunit",
        Some("percent") => "percent",
        Some("celsius") => "celsius",
        Some("volts") => "volt",
        Some("amperes") => "amp",
        Some("joules") => "joule",
        Some(_) => "short",
        None => unit(&metric.get_attr("name")?.to_string()),
    })
}

/// The same by the name alone.
fn unit(metric: &str) -> &'static str {
    let base = metric.trim_end_matches("_total");
    match base.rsplit('_').next() {
        Some("seconds") => "s",
        Some("bytes") => "bytes",
        Some("ratio") => "percentunit",
        _ => "short",
    }
}

/// Grafana's unit of how fast a counter grows: operations a second, unless it counts something with a unit.
fn rate_unit(unit: &str) -> String {
    match unit {
        "short" => "ops".to_string(),
        "bytes" => "Bps".to_string(),
        // Seconds in a second: how many of them are busy.
        "s" => "short".to_string(),
        // There are no such units of what grows.
        "ms" | "µs" | "m" | "kbytes" | "mbytes" | "percentunit" | "percent" => "short".to_string(),
        unit => unit.to_string(),
    }
}

/// `db_lookup_seconds` → `DB lookup`: words for a title; the unit stands at the axis.
fn heading(metric: &str) -> String {
    const ABBREVIATIONS: [&str; 7] = ["api", "cpu", "gpu", "id", "io", "ui", "url"];
    if let Some((of, operations)) = metric.rsplit_once(':').filter(|(of, _)| of.contains(':')) {
        return format!("{} ({})", heading(of), operations.replace('_', " "));
    }
    let base = events(metric);
    let base = ["_seconds", "_bytes", "_ratio"]
        .iter()
        .find_map(|unit| base.strip_suffix(unit))
        .unwrap_or(&base);
    let spoken = |word: &str| {
        word.contains(['a', 'e', 'i', 'o', 'u', 'y']) && !ABBREVIATIONS.contains(&word)
    };
    let words: Vec<String> = base
        .split('_')
        .map(|word| {
            if spoken(word) {
                word.to_string()
            } else {
                word.to_uppercase()
            }
        })
        .collect();
    let text = words.join(" ");
    text.chars()
        .take(1)
        .flat_map(char::to_uppercase)
        .chain(text.chars().skip(1))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn titles_read_as_people_write_them() {
        assert_eq!(
            [
                "rl_steps_total",
                "http_request_duration_seconds",
                "gpu_ratio",
                "x"
            ]
            .map(heading),
            ["RL steps", "HTTP request duration", "GPU", "X"]
        );
    }

    #[test]
    fn names_say_their_unit() {
        assert_eq!(
            [
                "gpu_seconds_total",
                "cache_bytes",
                "hit_ratio",
                "queue_depth"
            ]
            .map(unit),
            ["s", "bytes", "percentunit", "short"]
        );
    }
}
