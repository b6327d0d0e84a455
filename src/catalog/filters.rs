//! Which series of a metric an alert reads: `{ metric = …, where = …, except = … }` wherever a key of its kind names one.

use super::Service;
use crate::kinds::{Kind, Kinds};
use crate::promql::matchers::regex;
use crate::value::{Map, Value, json};
use serde::Serialize;
use std::collections::BTreeMap;

/// The labels that the series of a metric must have, and those that they must not have.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Filter {
    /// Label → its values, or a pattern, as written: all of them must match.
    pub r#where: Map,
    /// The same: of what matches one of them nothing is read.
    pub except: Map,
    /// Both as matchers of PromQL.
    pub matchers: String,
}

impl Filter {
    /// As `expand` leaves it.
    pub(crate) fn of(written: &Value) -> Filter {
        let part = |key: &str| written[key].as_object().cloned().unwrap_or_default();
        let (wanted, except) = (part("where"), part("except"));
        let all = [matchers(&wanted, "=", "=~"), matchers(&except, "!=", "!~")];
        let all: Vec<String> = all.into_iter().filter(|text| !text.is_empty()).collect();
        Filter {
            r#where: wanted,
            except,
            matchers: all.join(","),
        }
    }

    /// Every label that it asks for: its pattern, and whether it must match.
    pub fn asks(&self) -> impl Iterator<Item = (&str, String, bool)> {
        let wanted = self.r#where.iter().map(|asked| (asked, true));
        let asked = wanted.chain(self.except.iter().map(|asked| (asked, false)));
        asked.map(|((label, written), is)| (label.as_str(), as_pattern(written), is))
    }

    /// Whether it can let series of a service through, as far as their labels are those of its targets; `own`: whether the metric
    /// has a label itself.
    pub(super) fn reaches(&self, service: &Service, own: impl Fn(&str) -> bool) -> bool {
        // What names services is a finding of its own.
        let of_all = |label: &str| Service::OF_ALL.contains(&label);
        let asked = self
            .asks()
            .filter(|(label, ..)| !own(label) && !of_all(label));
        let mut possible: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
        for (label, pattern, is) in asked {
            let values = match service.target_labels.get(label) {
                // Only DNS knows them.
                Some(values) if values.is_string() => continue,
                Some(values) => values.texts().collect(),
                None => vec![""],
            };
            let left = possible.entry(label).or_insert(values);
            let meets =
                |value: &str| regex(&pattern).is_none_or(|known| known.is_match(value) == is);
            left.retain(|value| meets(value));
        }
        possible.values().all(|left| !left.is_empty())
    }
}

/// The values of a label as one pattern, however they are written.
pub(crate) fn as_pattern(written: &Value) -> String {
    match written.as_array() {
        Some(values) => {
            let texts = values.iter().filter_map(Value::as_str);
            texts
                .map(regex_syntax::escape)
                .collect::<Vec<_>>()
                .join("|")
        }
        None => written.as_str().unwrap_or(".*").to_string(),
    }
}

/// Label → its values or a pattern, as PromQL picks them.
pub(super) fn matchers(filter: &Map, one: &str, any: &str) -> String {
    let matcher = |(label, value): (&String, &Value)| match value.as_array().map(Vec::as_slice) {
        Some([value]) => format!("{label}{one}{value}"),
        Some(_) => format!("{label}{any}{}", Value::from(as_pattern(value))),
        None => format!("{label}{any}{value}"),
    };
    let all: Vec<String> = filter.iter().map(matcher).collect();
    all.join(",")
}

/// Writes each metric that is named by a table by its name, and the labels that were asked for under `filters`, by the key; a whole
/// that is left out, and nothing given instead, is all that the part is a part of.
pub(super) fn expand(catalog: &mut Value, kinds: &Kinds) {
    let alerts = catalog["alerts"].as_object_mut();
    for alert in alerts.into_iter().flat_map(Map::values_mut) {
        let kind = alert["kind"].as_str().and_then(|kind| kinds.get(kind));
        if let Some(kind) = kind.cloned() {
            expand_one(alert, &kind);
        }
        expand_unless(alert);
    }
    let objectives = catalog["slos"].as_object_mut().into_iter();
    objectives.flat_map(Map::values_mut).for_each(expand_unless);
}

/// Writes what an alert is silent while as a table, however short it is written.
fn expand_unless(alert: &mut Value) {
    if let Some(metric) = alert["unless"].as_str() {
        alert["unless"] = json!({"metric": metric});
    } else if alert["unless"].is_null()
        && let Some(alert) = alert.as_object_mut()
    {
        alert.remove("unless");
    }
}

fn expand_one(alert: &mut Value, kind: &Kind) {
    let mut filters = Map::new();
    for (key, said) in &kind.keys {
        if said.get("metric").is_none() {
            continue;
        }
        let written = alert[key.as_str()].take();
        let table = |part: &str| written[part].as_object().cloned().unwrap_or_default();
        let (wanted, except) = (table("where"), table("except"));
        let mut named = match written.is_object() {
            true => written["metric"].clone(),
            false => written.clone(),
        };
        if !wanted.is_empty() || !except.is_empty() {
            filters.insert(key.clone(), json!({"where": wanted, "except": except}));
        }
        let instead = |(other, said): (&String, &Value)| {
            said["instead_of"] == key.as_str() && !alert[other.as_str()].is_null()
        };
        let whole = said["whole_of"].as_str().filter(|_| named.is_null());
        if let Some(part) = whole.filter(|_| !kind.keys.iter().any(instead)) {
            let of = &alert[part];
            named = of.get("metric").unwrap_or(of).clone();
        }
        if let Some(alert) = alert.as_object_mut() {
            match named.is_null() {
                true => drop(alert.remove(key)),
                false => drop(alert.insert(key.clone(), named)),
            }
        }
    }
    if !filters.is_empty() {
        alert["filters"] = filters.into();
    }
}

/// Of an alert, key → filter.
pub(super) fn of_alert(written: &Value) -> BTreeMap<String, Filter> {
    let filters = written["filters"].entries();
    filters
        .map(|(key, written)| (key.clone(), Filter::of(written)))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn series_are_picked_as_the_catalog_says() {
        let of = |written: Value| Filter::of(&written).matchers;
        assert_eq!(of(json!({"where": {"status": "5.."}})), r#"status=~"5..""#);
        assert_eq!(of(json!({"where": {"status": ["500"]}})), r#"status="500""#);
        assert_eq!(
            of(
                json!({"where": {"code": ["a.b", "c"]}, "except": {"method": "GET|PUT", "path": ["/"]}})
            ),
            r#"code=~"a\\.b|c",method!~"GET|PUT",path!="/""#
        );
    }
}
