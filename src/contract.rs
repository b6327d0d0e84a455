//! The closed metric contract: every series that can exist, from the catalog, the rendered targets and the rendered rules.

pub mod domain;
pub mod evaluate;
pub mod series;
pub mod status;
pub mod targets;

use crate::catalog::{Catalog, Metric};
use crate::promql::matchers::picks;
use crate::promql::{self, Expr, Matcher};
use domain::Domain;
use evaluate::nodes;
use fixedbitset::FixedBitSet;
use serde_json::{Map, Value};
use series::{Kind, Series, merged};
use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::rc::Rc;
use std::sync::LazyLock;
use targets::Targets;

static PROFILES: LazyLock<Value> = LazyLock::new(|| {
    toml::from_str(include_str!("contract/profiles.toml")).expect("profiles.toml is TOML")
});

/// The names that something exposes by itself: a runtime's client, Prometheus, the Alertmanager, the prober.
pub fn built_in(profile: &str) -> impl Iterator<Item = &'static str> + use<> {
    PROFILES[profile]
        .as_object()
        .into_iter()
        .flatten()
        .map(|(name, _)| name.as_str())
}

/// The values of `le` of a histogram. Prometheus 3 writes every whole number with its `.0`, and so does Python's client;
/// what those of Go and Node write, `1`, is left as it is by Prometheus 2.
fn bounds(metric: &Metric, catalog: &Catalog) -> Domain {
    if metric.r#type != "histogram" || metric.buckets.is_empty() {
        return Domain::Pattern(".+".to_string());
    }
    let tag = catalog
        .prometheus
        .image
        .rsplit(':')
        .next()
        .unwrap_or_default();
    let older = tag.trim_start_matches('v').starts_with("2.");
    let mut values: Vec<String> = metric
        .buckets
        .iter()
        .map(|bound| openmetrics(*bound))
        .collect();
    if older {
        let plain: Vec<String> = values
            .iter()
            .filter_map(|value| value.strip_suffix(".0"))
            .map(str::to_string)
            .collect();
        values.extend(plain);
    }
    values.push("+Inf".to_string());
    Domain::Values(values)
}

/// A number as OpenMetrics writes a bound: `0.5`, `1.0`, `100000.0`, `1e+06`, `2.5e-05`.
fn openmetrics(value: f64) -> String {
    let scientific = format!("{value:e}");
    let (mantissa, exponent) = scientific.split_once('e').unwrap_or((&scientific, "0"));
    let exponent: i32 = exponent.parse().unwrap_or_default();
    if (-4..6).contains(&exponent) {
        let plain = value.to_string();
        return if plain.contains('.') {
            plain
        } else {
            format!("{plain}.0")
        };
    }
    format!(
        "{mantissa}e{}{:02}",
        if exponent < 0 { '-' } else { '+' },
        exponent.abs()
    )
}

/// Every series that can exist.
pub struct Contract {
    /// What is scraped.
    pub targets: Targets,
    families: HashMap<String, Vec<Series>>,
    meets: RefCell<HashMap<(Domain, String, String), bool>>,
    parsed: RefCell<HashMap<String, Result<Rc<Expr>, String>>>,
}

impl Contract {
    /// What the catalog's services expose to the targets of a rendered Prometheus configuration.
    pub fn new(catalog: &Catalog, config: &Value) -> Contract {
        let targets = Targets::read(config);
        let mut contract = Contract {
            targets,
            families: HashMap::new(),
            meets: RefCell::default(),
            parsed: RefCell::default(),
        };
        contract.profile("target", contract.targets.all());
        for job in ["prometheus", "alertmanager", "health-probe"] {
            contract.profile(job, contract.targets.with("job", job));
        }
        let services = |wanted: &dyn Fn(&crate::catalog::Service) -> bool| {
            let names = catalog
                .services
                .iter()
                .filter(|service| wanted(service))
                .map(|service| service.name.as_str());
            contract.targets.with_any("job", names)
        };
        let python = services(&|service| service.runtime == "python");
        let runtimes: Vec<(&str, FixedBitSet)> = ["node", "go"]
            .map(|runtime| (runtime, services(&|service| service.runtime == runtime)))
            .into();
        contract.profile("collector", python.clone());
        contract.profile("python", python);
        for (runtime, set) in runtimes {
            contract.profile(runtime, set);
        }
        let mut encrypted = contract.targets.none();
        for service in catalog
            .services
            .iter()
            .filter(|service| service.health_probe && service.scheme == "https")
        {
            encrypted.union_with(&contract.targets.with("service", &service.name));
        }
        encrypted.intersect_with(&contract.targets.with("job", "health-probe"));
        contract.profile("https-probe", encrypted);
        for metric in &catalog.metrics {
            contract.declare(metric, &bounds(metric, catalog));
        }
        contract.alerts();
        contract
    }

    fn profile(&mut self, name: &str, targets: FixedBitSet) {
        if targets.is_clear() {
            return;
        }
        for (metric, about) in PROFILES[name].as_object().into_iter().flatten() {
            let labels = about["labels"]
                .as_array()
                .into_iter()
                .flatten()
                .filter_map(Value::as_str);
            let labels: Map<String, Value> = labels
                .map(|label| (label.to_string(), Value::from(".*")))
                .collect();
            self.family_of(
                metric,
                about["type"].as_str().unwrap_or_default(),
                &labels,
                targets.clone(),
            );
        }
    }

    /// The series of a metric of a type, as a client library names them.
    fn family_of(
        &mut self,
        name: &str,
        sort: &str,
        labels: &Map<String, Value>,
        emitters: FixedBitSet,
    ) {
        let mut with = |suffix: &str, kind: Kind, label: Option<&str>| {
            let mut labels = labels.clone();
            labels.extend(label.map(|label| (label.to_string(), Value::from(".+"))));
            self.expose(&format!("{name}{suffix}"), kind, &labels, emitters.clone());
        };
        match sort {
            "histogram" => with("_bucket", Kind::Counter, Some("le")),
            "summary" => with("", Kind::Gauge, Some("quantile")),
            "counter" => return with("", Kind::Counter, None),
            _ => return with("", Kind::Gauge, None),
        }
        with("_sum", Kind::Counter, None);
        with("_count", Kind::Counter, None);
    }

    fn declare(&mut self, metric: &Metric, bounds: &Domain) {
        let emitters = self
            .targets
            .with_any("job", metric.services.iter().map(String::as_str));
        self.family_of(&metric.name, &metric.r#type, &metric.labels, emitters);
        let buckets = self
            .families
            .get_mut(&format!("{}_bucket", metric.name))
            .filter(|_| metric.r#type == "histogram");
        for series in buckets.into_iter().flatten() {
            series.labels.insert("le".to_string(), bounds.clone());
        }
    }

    /// Series on targets, apart for targets with different labels.
    fn expose(
        &mut self,
        name: &str,
        kind: Kind,
        labels: &Map<String, Value>,
        emitters: FixedBitSet,
    ) {
        let labels: BTreeMap<String, Domain> = labels
            .iter()
            .map(|(label, written)| (label.clone(), Domain::declared(written)))
            .collect();
        let apart = self.targets.apart(&emitters);
        let series: Vec<Series> = apart
            .map(|(carried, targets)| Series {
                targets,
                carried: carried.clone(),
                labels: labels.clone(),
                kind,
            })
            .collect();
        self.families
            .entry(name.to_string())
            .or_default()
            .extend(series);
    }

    /// `ALERTS`, which Prometheus writes itself; the alerts' own labels are known once their rules are recorded.
    fn alerts(&mut self) {
        let mut series = Series::bare(&self.targets)
            .with("alertname", Domain::any())
            .with("severity", Domain::any());
        series.targets = self.targets.all();
        series.kind = Kind::Gauge;
        series.carried = ["job", "service", "component"].map(str::to_string).into();
        let state = Domain::Values(vec!["pending".to_string(), "firing".to_string()]);
        self.families
            .insert("ALERTS_FOR_STATE".to_string(), vec![series.clone()]);
        self.families
            .insert("ALERTS".to_string(), vec![series.with("alertstate", state)]);
    }

    /// Adds what a recording rule writes.
    pub fn record(&mut self, name: &str, expr: &Expr, labels: &Value) {
        let series = nodes(expr, self)
            .pop()
            .map_or(Vec::new(), |whole| whole.series);
        let recorded = series
            .into_iter()
            .map(|series| self.labeled(series, labels))
            .collect();
        let family = self.families.entry(name.to_string()).or_default();
        let known = std::mem::take(family);
        *family = merged(
            known
                .into_iter()
                .chain(std::convert::identity::<Vec<Series>>(recorded))
                .collect(),
        );
    }

    /// A rule's own labels over those of its expression; labels that are a target's are the target's.
    pub fn labeled(&self, series: Series, labels: &Value) -> Series {
        let mut series = Series {
            kind: Kind::Gauge,
            ..series
        };
        let written: Vec<(&String, &str)> = labels
            .as_object()
            .into_iter()
            .flatten()
            .filter_map(|(label, value)| Some((label, value.as_str()?)))
            .collect();
        for (label, value) in &written {
            series = series.with(label, Domain::Values(vec![value.to_string()]));
        }
        if series.targets.is_clear() && written.iter().any(|(label, _)| *label == "job") {
            let known: Vec<&(&String, &str)> = written
                .iter()
                .filter(|(label, _)| self.targets.have(label))
                .collect();
            let mut targets = self.targets.all();
            known.iter().for_each(|(label, value)| {
                targets.intersect_with(&self.targets.with(label, value))
            });
            if !targets.is_clear() {
                series
                    .carried
                    .extend(known.iter().map(|(label, _)| label.to_string()));
                series
                    .labels
                    .retain(|label, _| !series.carried.contains(label));
                series.targets = targets;
            }
        }
        series
    }

    /// The values that a label has in the series.
    pub fn values(&self, series: &Series, label: &str) -> Domain {
        if !series.carried.contains(label) {
            return series
                .labels
                .get(label)
                .cloned()
                .unwrap_or_else(|| Domain::Values(vec![String::new()]));
        }
        let values: BTreeSet<&String> = series
            .targets
            .ones()
            .filter_map(|index| self.targets.list[index].labels.get(label))
            .collect();
        Domain::Values(values.into_iter().cloned().collect())
    }

    /// All series of a name; empty when nobody writes it.
    pub fn family(&self, name: &str) -> &[Series] {
        self.families.get(name).map_or(&[], Vec::as_slice)
    }

    /// Whether somebody writes it.
    pub fn knows(&self, name: &str) -> bool {
        self.families.contains_key(name)
    }

    /// Every name that somebody writes.
    pub fn names(&self) -> impl Iterator<Item = &str> + Clone {
        self.families.keys().map(String::as_str)
    }

    /// The part of the series that all matchers pick.
    pub fn picked(&self, series: &Series, matchers: &[Matcher]) -> Option<Series> {
        let mut picked = series.clone();
        for matcher in matchers.iter().filter(|matcher| matcher.name != "__name__") {
            if picked.carried.contains(&matcher.name) {
                picked.targets.intersect_with(&self.targets.picked(matcher));
                if picked.targets.is_clear() {
                    return None;
                }
            } else if !picked
                .labels
                .get(&matcher.name)
                .map_or_else(|| picks(matcher, ""), |domain| self.meets(domain, matcher))
            {
                return None;
            }
        }
        Some(picked)
    }

    fn meets(&self, domain: &Domain, matcher: &Matcher) -> bool {
        let key = (
            domain.clone(),
            matcher.op.to_string(),
            matcher.value.clone(),
        );
        *self
            .meets
            .borrow_mut()
            .entry(key)
            .or_insert_with(|| domain.meets(matcher))
    }

    /// The syntax of an expression, parsed once; the reason when it has none.
    pub fn parse(&self, text: &str) -> Result<Rc<Expr>, String> {
        let mut parsed = self.parsed.borrow_mut();
        parsed
            .entry(text.to_string())
            .or_insert_with(|| promql::parse(text).map(Rc::new))
            .clone()
    }
}

#[cfg(test)]
mod tests {
    use super::openmetrics;

    #[test]
    fn bounds_are_written_as_openmetrics_does() {
        for (value, written) in [
            (0.005, "0.005"),
            (1.0, "1.0"),
            (2.5, "2.5"),
            (10.0, "10.0"),
            (100_000.0, "100000.0"),
            (1e6, "1e+06"),
            (2.5e6, "2.5e+06"),
            (1e-5, "1e-05"),
            (0.0001, "0.0001"),
            (1e100, "1e+100"),
        ] {
            assert_eq!(openmetrics(value), written);
        }
    }
}
