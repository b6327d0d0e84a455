//! Metrics that only rules tell of: what they must be for the rule to make sense.

use crate::catalog::Catalog;
use crate::commands::init::jobs::toml;
use crate::promql::engine::metric;
use crate::promql::walk::children;
use crate::promql::{Expr, LabelModifier, MatchOp, VectorSelector, parse};
use crate::value::{Map, Value, json};
use std::collections::{BTreeMap, BTreeSet};

/// A metric as rules read it.
#[derive(Debug, Default)]
pub(super) struct Inferred {
    kind: &'static str,
    labels: BTreeSet<String>,
    pub(super) services: BTreeSet<String>,
}

/// Functions of what only grows.
const COUNTING: [&str; 4] = ["rate", "irate", "increase", "resets"];

/// Labels that every target has, and that of a bucket.
const OF_TARGETS: [&str; 5] = ["job", "service", "component", "instance", "le"];

/// The metrics that `unknown` of alerts of some rules, as far as they say of which service: name → what it must be.
pub(super) fn inferred(
    rules: &[Value],
    catalog: &Catalog,
    unknown: &dyn Fn(&str) -> bool,
) -> BTreeMap<String, Inferred> {
    let mut found: BTreeMap<String, Inferred> = BTreeMap::new();
    for rule in rules.iter().filter(|rule| rule.get("alert").is_some()) {
        let Ok(expr) = parse(rule["expr"].as_str().unwrap_or_default()) else {
            continue;
        };
        let mut reads = Vec::new();
        read(&expr, false, &mut reads);
        let mut told = labels_told(rule);
        grouped(&expr, &mut told);
        for (selector, counted) in &reads {
            let Some(name) = metric(selector).filter(|name| !name.contains(':') && unknown(name))
            else {
                continue;
            };
            let matchers = &selector.matchers.matchers;
            let job = matchers
                .iter()
                .find(|one| one.name == "job" && matches!(one.op, MatchOp::Equal));
            let Some(service) = job.and_then(|job| catalog.service(&job.value)) else {
                continue;
            };
            let stem = name.strip_suffix("_bucket");
            let one = found.entry(stem.unwrap_or(name).to_string()).or_default();
            one.kind = match (stem, *counted || name.ends_with("_total")) {
                (Some(_), _) => "histogram",
                (None, true) => "counter",
                (None, false) if one.kind.is_empty() => "gauge",
                (None, false) => one.kind,
            };
            one.services.insert(service.name.clone());
            let asked = matchers.iter().map(|one| one.name.clone());
            one.labels.extend(asked.chain(told.iter().cloned()));
            one.labels
                .retain(|label| !OF_TARGETS.contains(&label.as_str()) && label != "__name__");
        }
    }
    // What is added up beside what is counted is a summary's, or a histogram's whose buckets no rule reads.
    let stems = found.keys().filter_map(|name| name.strip_suffix("_sum"));
    let summaries: Vec<String> = stems.map(str::to_string).collect();
    for stem in summaries {
        let [sum, count] = ["_sum", "_count"].map(|end| format!("{stem}{end}"));
        if !found.contains_key(&count) || found.contains_key(&stem) {
            continue;
        }
        let parts: Vec<Inferred> = [sum, count]
            .iter()
            .filter_map(|name| found.remove(name))
            .collect();
        let mut whole = Inferred {
            kind: "summary",
            ..Inferred::default()
        };
        for part in parts {
            whole.labels.extend(part.labels);
            whole.services.extend(part.services);
        }
        found.insert(stem, whole);
    }
    // What a histogram counts is no metric of its own.
    let histograms: Vec<String> = found
        .iter()
        .filter(|(_, one)| one.kind == "histogram")
        .map(|(name, _)| name.clone())
        .collect();
    found.retain(|name, _| {
        let of = |end: &str| {
            let stem = name.strip_suffix(end);
            stem.is_some_and(|stem| histograms.iter().any(|known| known == stem))
        };
        !of("_sum") && !of("_count")
    });
    found
}

impl Inferred {
    /// Its table of `[metrics]`, in one line.
    pub(super) fn says(&self, name: &str) -> Option<String> {
        let mut table = Map::new();
        table.insert("type".to_string(), json!(self.kind));
        let help = "Read by adopted rules, which say no more of it";
        table.insert("help".to_string(), json!(help));
        table.insert("services".to_string(), json!(self.services));
        if !self.labels.is_empty() {
            let labels = self.labels.iter().map(|label| (label.clone(), json!(".*")));
            let labels: Map = labels.collect();
            table.insert("labels".to_string(), Value::Object(labels));
        }
        Some(format!("{name} = {}\n", toml(&Value::Object(table))?))
    }

    /// What was taken for granted.
    pub(super) fn words(&self, name: &str) -> String {
        let services: Vec<&str> = self.services.iter().map(String::as_str).collect();
        let labels: Vec<&str> = self.labels.iter().map(String::as_str).collect();
        let labels = match labels.is_empty() {
            true => String::new(),
            false => format!(" with the labels {}", labels.join(", ")),
        };
        format!(
            "metric {name}: taken for a {} of {}{labels}; nothing but your rules tells of it, so compare it with what is exposed: `monstack declare`",
            self.kind,
            services.join(", ")
        )
    }
}

/// Every selector, and whether what it reads is counted.
pub(super) fn read<'e>(expr: &'e Expr, counted: bool, found: &mut Vec<(&'e VectorSelector, bool)>) {
    match expr {
        Expr::VectorSelector(selector) => found.push((selector, false)),
        Expr::MatrixSelector(matrix) => found.push((&matrix.vs, counted)),
        Expr::Call(call) => {
            let counts = COUNTING.contains(&call.func.name);
            let all = children(expr);
            all.for_each(|child| read(child, counts, found));
        }
        _ => children(expr).for_each(|child| read(child, false, found)),
    }
}

/// Labels by which an expression adds up.
fn grouped(expr: &Expr, found: &mut BTreeSet<String>) {
    if let Expr::Aggregate(aggregate) = expr
        && let Some(LabelModifier::Include(by)) = &aggregate.modifier
    {
        found.extend(by.labels.iter().cloned());
    }
    let all = children(expr);
    all.for_each(|child| grouped(child, found));
}

/// Labels of which the alert speaks.
fn labels_told(rule: &Value) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    for (_, text) in rule["annotations"].entries() {
        let text = text.as_str().unwrap_or_default();
        for part in text.split("$labels.").skip(1) {
            let end = part.find(|c: char| !c.is_ascii_alphanumeric() && c != '_');
            found.insert(part[..end.unwrap_or(part.len())].to_string());
        }
    }
    found.remove("");
    found
}
