//! What the metrics of a profile are to alerts: its memory, its CPU time, its requests, however it calls and counts them.

use super::{Exposed, Profile, Profiles, Type};
use crate::diagnostic::{nearest, suggestion};
use crate::value::{Map, Value};
use minijinja::value::{Serde, Value as TemplateValue};
use serde::{Deserialize, Serialize, Serializer};
use std::collections::BTreeMap;
use std::ops::Deref;

pub(super) const HELP: &str = "a profile has its metrics below `[metrics]`, and below `[roles]` lines such as `memory = { metric = \"jvm_memory_used_bytes\" }`, where `where = { area = \"heap\" }`, `unit = \"nanoseconds\"` and `errors = { code = \"5..\" }` say more";

/// Units that a role's metric may be in → how many of them are one second, byte or whole.
const UNITS: [(&str, f64); 10] = [
    ("seconds", 1.0),
    ("milliseconds", 1e3),
    ("microseconds", 1e6),
    ("nanoseconds", 1e9),
    ("bytes", 1.0),
    ("kilobytes", 1.0 / 1e3),
    ("kibibytes", 1.0 / 1024.0),
    ("mebibytes", 1.0 / 1_048_576.0),
    ("ratio", 1.0),
    ("percent", 100.0),
];

/// `[roles]` of a profile: one of them, as written.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Spec {
    /// Of the profile; one that it does not list is a catalog's own, and the role is there where that declares it.
    pub(crate) metric: String,
    /// Only series with these values of labels.
    #[serde(default)]
    pub(crate) r#where: BTreeMap<String, String>,
    /// What its values are in; where it says nothing, seconds, bytes or a ratio.
    #[serde(default)]
    pub(crate) unit: Option<String>,
    /// Of requests: the label that says how each was answered → the pattern of its values that are errors.
    #[serde(default)]
    pub(crate) errors: BTreeMap<String, String>,
}

/// What a service says of its memory, CPU time or start.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Role {
    /// The metric's full name.
    pub metric: String,
    /// Only series with these values of labels.
    pub r#where: BTreeMap<String, String>,
    /// Whether an instance has several series of it, which add up.
    pub summed: bool,
    /// How many of its units are one second or byte.
    pub divisor: f64,
    /// Label → values that its series may have: two where it has several.
    pub labels: BTreeMap<String, Vec<String>>,
    /// Label by which series differ that add up → all its values, or a pattern.
    #[serde(skip_serializing_if = "Map::is_empty")]
    pub domains: Map,
}

/// What a service says of itself, by role. Templates see one value for all services that share it: to be the same is then seen at once.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Roles {
    by_name: BTreeMap<String, Role>,
    seen: TemplateValue,
}

impl From<BTreeMap<String, Role>> for Roles {
    fn from(by_name: BTreeMap<String, Role>) -> Roles {
        let seen = TemplateValue::from(Serde(&by_name));
        Roles { by_name, seen }
    }
}

impl Deref for Roles {
    type Target = BTreeMap<String, Role>;

    fn deref(&self) -> &Self::Target {
        &self.by_name
    }
}

impl Serialize for Roles {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.seen.serialize(serializer)
    }
}

impl Profiles {
    /// The roles of a service's runtime and profiles, the runtime's first but for metrics that it does not list: name, the metric as
    /// its profile lists it, and how the role is written.
    pub(crate) fn specs<'a>(
        &'a self,
        runtime: &'a str,
        profiles: &'a [String],
    ) -> BTreeMap<&'a str, (&'a str, Option<&'a Exposed>, &'a Spec)> {
        let mut found = BTreeMap::new();
        for name in std::iter::once(runtime).chain(profiles.iter().map(String::as_str)) {
            let Some(profile) = self.get(name) else {
                continue;
            };
            for (role, spec) in &profile.roles {
                let exposed = profile.metrics.get(&spec.metric);
                let known = found.entry(role.as_str()).or_insert((name, exposed, spec));
                // What a runtime only says the usual name of gives way to what a profile lists.
                if known.1.is_none() && exposed.is_some() {
                    *known = (name, exposed, spec);
                }
            }
        }
        found
    }

    /// What a service says of itself by role, as far as its profiles list the metric.
    pub fn roles(&self, runtime: &str, profiles: &[String]) -> Roles {
        let specs = self.specs(runtime, profiles).into_iter();
        let roles: BTreeMap<String, Role> = specs
            .filter_map(|(role, (_, exposed, spec))| Some((role.to_string(), spec.of(exposed?))))
            .collect();
        Roles::from(roles)
    }
}

impl Spec {
    fn of(&self, exposed: &Exposed) -> Role {
        let unit = UNITS
            .iter()
            .find(|(unit, _)| Some(*unit) == self.unit.as_deref());
        Role {
            metric: self.metric.clone(),
            r#where: self.r#where.clone(),
            summed: exposed
                .labels
                .keys()
                .any(|label| !self.r#where.contains_key(label)),
            divisor: unit.map_or(1.0, |(_, many)| *many),
            domains: {
                let labels = exposed.labels.iter();
                let summed = labels.filter(|(label, _)| !self.r#where.contains_key(*label));
                let domains = summed.map(|(label, values)| (label.clone(), values.clone()));
                domains.collect()
            },
            labels: exposed
                .labels
                .iter()
                .map(|(label, values)| {
                    let written = self.r#where.get(label).cloned();
                    let possible = written.map_or_else(|| examples(values), |one| vec![one]);
                    (label.clone(), possible)
                })
                .collect(),
        }
    }
}

/// Values that a label may have: the first two of a list; of a pattern, which is mostly anything, words.
fn examples(values: &Value) -> Vec<String> {
    let listed = values.as_array().map(|values| {
        let texts = values.iter().filter_map(Value::as_str);
        texts.take(2).map(str::to_string).collect()
    });
    listed.unwrap_or_else(|| ["a", "b"].map(str::to_string).into())
}

/// What is wrong with the roles of a profile, and where in its text.
pub(super) fn mistake(profile: &Profile, text: &str) -> Option<(usize, String)> {
    let at = |role: &str| {
        let table = text.find("[roles").unwrap_or(0);
        let line = text[table..].find(&format!("\n{role}"));
        let named = text.find(&format!("[roles.{role}]"));
        named.or(line.map(|line| table + line + 1)).unwrap_or(table)
    };
    if let Some(other) = &profile.same_as
        && !(profile.metrics.is_empty() && profile.roles.is_empty())
    {
        let message = format!("`same_as` says that all of it is `{other}`'s: leave the rest away");
        return Some((text.find("same_as").unwrap_or(0), message));
    }
    let says = profile.same_as.is_some() || profile.runtime.is_some();
    if !says && profile.metrics.is_empty() {
        return Some((0, "missing field `metrics`".to_string()));
    }
    if let Some(name) = profile
        .panels
        .iter()
        .find(|name| !profile.metrics.contains_key(*name))
    {
        let message = format!("`panels` names `{name}`, which is not among `metrics`");
        return Some((text.find("panels").unwrap_or(0), message));
    }
    for (role, spec) in &profile.roles {
        let listed = profile.metrics.get(&spec.metric);
        let none = Map::new();
        let labels = listed.map_or(&none, |exposed| &exposed.labels);
        if let Some(unit) = &spec.unit
            && !UNITS.iter().any(|(known, _)| known == unit)
        {
            let units = UNITS.iter().map(|(unit, _)| *unit);
            let known: Vec<&str> = units.clone().collect();
            let message = format!(
                "`{unit}` is no unit that the role `{role}` could be in: {}; the units are {}",
                suggestion(unit, units),
                known.join(", ")
            );
            return Some((at(role), message));
        }
        let mut named = spec.r#where.keys().chain(spec.errors.keys());
        if let Some(label) = named.find(|label| listed.is_some() && !labels.contains_key(label)) {
            let message = format!(
                "the role `{role}` selects by the label `{label}`, which `{}` does not have here",
                spec.metric
            );
            return Some((at(role), message));
        }
        if spec.errors.len() > 1 {
            let message = format!("the role `{role}` tells errors by one label, not by several");
            return Some((at(role), message));
        }
        for pattern in spec.errors.values() {
            if let Some(reason) = crate::promql::refused_pattern(pattern) {
                let message = format!("the pattern of errors of the role `{role}`: {reason}");
                return Some((at(role), message));
            }
        }
        // A catalog may declare what no profile lists; who meant another of this profile has misspelt it.
        if listed.is_none()
            && let Some(meant) = nearest(&spec.metric, profile.metrics.keys().map(String::as_str))
        {
            let message = format!(
                "the role `{role}` is `{}`, which is not among `metrics`: did you mean `{meant}`?",
                spec.metric
            );
            return Some((at(role), message));
        }
        let summary = listed.is_some_and(|exposed| exposed.r#type == Type::Summary);
        if summary && role == "durations" {
            let message = format!(
                "the role `durations` needs a histogram, and `{}` is a summary: its quantiles cannot be added up",
                spec.metric
            );
            return Some((at(role), message));
        }
    }
    None
}
