//! What the templates of dashboards ask for: the grid, what belongs to a group, and what names say of units.

mod grid;

use grid::Grid;
use minijinja::value::Value;
use minijinja::{Environment, Error, context};
use std::collections::{BTreeMap, BTreeSet};

/// Types of metrics, in the order in which they are drawn.
const TYPES: [&str; 3] = ["counter", "gauge", "histogram"];

/// Registers every function and filter.
pub fn add_to(environment: &mut Environment) {
    environment.add_function("grid", || Value::from_object(Grid::default()));
    environment.add_function("share", share);
    environment.add_function("by_group", by_group);
    environment.add_function("by_measure", by_measure);
    environment.add_filter("query", query);
    environment.add_filter("unit", unit);
    environment.add_filter("heading", heading);
}

/// Whether two lists have a name in common.
fn share(some: Vec<Value>, others: &Value) -> Result<bool, Error> {
    let some: BTreeSet<&str> = some.iter().filter_map(Value::as_str).collect();
    Ok(others.try_iter()?.any(|other| other.as_str().is_some_and(|other| some.contains(other))))
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
        let keys: BTreeSet<&String> = services.try_iter()?.filter_map(|service| service.as_str().and_then(|service| group_of.get(service))).collect();
        keys.into_iter().for_each(|key| found.entry(key.clone()).or_default().push(item.clone()));
    }
    Ok(Value::from(found))
}

/// Metrics that one axis can hold: counters, gauges, histograms, each apart by unit, as `type`, `unit` and `metrics`.
fn by_measure(metrics: Vec<Value>) -> Result<Value, Error> {
    let mut measures: Vec<(usize, &str, Vec<Value>)> = Vec::new();
    for metric in metrics {
        let (key, kind) = (metric.get_attr("key")?.to_string(), metric.get_attr("type")?.to_string());
        let (order, unit) = (TYPES.iter().position(|known| *known == kind).unwrap_or(0), unit(&key));
        match measures.iter_mut().find(|known| (known.0, known.1) == (order, unit)) {
            Some((.., drawn)) => drawn.push(metric),
            None => measures.push((order, unit, vec![metric])),
        }
    }
    measures.sort_by_key(|(order, ..)| *order);
    Ok(measures.into_iter().map(|(order, unit, metrics)| context! { type => TYPES[order], unit, metrics }).collect())
}

/// PromQL that a template spread over lines, as the one line that Grafana's editor shows.
fn query(text: &str) -> String {
    text.lines().map(str::trim).filter(|line| !line.is_empty()).collect::<Vec<_>>().join(" ").replace("( ", "(").replace(" )", ")")
}

/// Grafana's unit of a metric, by the unit that its name ends in.
fn unit(metric: &str) -> &'static str {
    let base = metric.trim_end_matches("_total");
    match base.rsplit('_').next() {
        Some("seconds") => "s",
        Some("bytes") => "bytes",
        Some("ratio") => "percentunit",
        _ => "short",
    }
}

/// `db_lookup_seconds` → `DB lookup`: words for a title; the unit stands at the axis.
fn heading(metric: &str) -> String {
    const ABBREVIATIONS: [&str; 7] = ["api", "cpu", "gpu", "id", "io", "ui", "url"];
    let base = metric.trim_end_matches("_total");
    let base = ["_seconds", "_bytes", "_ratio"].iter().find_map(|unit| base.strip_suffix(unit)).unwrap_or(base);
    let spoken = |word: &str| word.contains(['a', 'e', 'i', 'o', 'u', 'y']) && !ABBREVIATIONS.contains(&word);
    let words: Vec<String> = base.split('_').map(|word| if spoken(word) { word.to_string() } else { word.to_uppercase() }).collect();
    let text = words.join(" ");
    text.chars().take(1).flat_map(char::to_uppercase).chain(text.chars().skip(1)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn titles_read_as_people_write_them() {
        assert_eq!(["rl_steps_total", "http_request_duration_seconds", "gpu_ratio", "x"].map(heading), ["RL steps", "HTTP request duration", "GPU", "X"]);
    }

    #[test]
    fn names_say_their_unit() {
        assert_eq!(["gpu_seconds_total", "cache_bytes", "hit_ratio", "queue_depth"].map(unit), ["s", "bytes", "percentunit", "short"]);
    }
}
