//! What is exposed: by services as the catalog declares it, and by runtimes, servers and Prometheus itself.

use super::Contract;
use super::domain::Domain;
use super::relabel::Rule;
use super::series::{MetricType, SeriesSet};
use super::values::Base;
use crate::catalog::Metric;
use crate::profiles::{Exposed, Profiles, Type, built_in};
use crate::value::{Map, Value};
use fixedbitset::FixedBitSet;
use std::collections::{BTreeMap, BTreeSet};

/// What a metric exposes under labels that its type has by itself.
#[derive(Clone)]
struct Parts {
    /// The values of `le` of a histogram.
    le: Value,
    /// Those of `quantile` of a summary; None: it works out none.
    quantile: Option<Value>,
    /// Whether a histogram has a sample that holds all buckets.
    native: bool,
    /// Whether it has series of them.
    classic: bool,
}

impl Parts {
    /// Prometheus 3 writes every whole number with its `.0`, and so does Python's client; what those of Go and Node write, `1`, is left
    /// as it is by Prometheus 2.
    fn of(buckets: &[f64], quantiles: &[f64], older: bool) -> Parts {
        let mut bounds: Vec<String> = buckets.iter().map(|bound| openmetrics(*bound)).collect();
        if older {
            let plain = bounds.iter().filter_map(|value| value.strip_suffix(".0"));
            let plain: Vec<String> = plain.map(str::to_string).collect();
            bounds.extend(plain);
        }
        bounds.push("+Inf".to_string());
        // Go, Python and Java write them as they are, `0.5`; Prometheus 3 writes whole ones `1.0`.
        let whole = quantiles.iter().filter(|quantile| quantile.fract() == 0.0);
        let plain = quantiles.iter().map(f64::to_string);
        let quantiles: Vec<String> = plain.chain(whole.map(|one| openmetrics(*one))).collect();
        Parts {
            le: match buckets {
                [] => ".+".into(),
                _ => bounds.into(),
            },
            quantile: (!quantiles.is_empty()).then(|| quantiles.into()),
            native: false,
            classic: true,
        }
    }
}

/// A number as OpenMetrics writes a bound: `0.5`, `1.0`, `100000.0`, `1e+06`, `2.5e-05`.
pub(crate) fn openmetrics(value: f64) -> String {
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

impl Contract {
    /// Adds what a profile exposes to targets; one that nobody knows exposes nothing, and is told by a lint.
    pub(super) fn profile(&mut self, profiles: &Profiles, name: &str, targets: FixedBitSet) {
        if targets.is_clear() {
            return;
        }
        let Some(profile) = profiles.get(name) else {
            return;
        };
        for (metric, about) in &profile.metrics {
            let sort = about.r#type.word();
            let mut targets = targets.clone();
            if let Some(declared) = self.refined.get(metric) {
                targets.difference_with(declared);
            }
            // What two profiles of a service list it exposes once.
            let several = matches!(about.r#type, Type::Histogram | Type::Summary);
            let series = match several {
                true => format!("{metric}_count"),
                false => metric.clone(),
            };
            for known in self.families.get(&series).into_iter().flatten() {
                targets.difference_with(&known.targets);
            }
            let parts = self.said(metric, about);
            if !targets.is_clear() {
                self.family_of(metric, sort, &about.labels, &parts, targets);
            }
            if profile.runtime.is_some() || name == "target" {
                self.never_negative.insert(metric.clone());
            }
        }
    }

    /// What an own job writes into labels behind its scrapes may be anything there.
    pub(super) fn relabeled(&mut self, config: &Value, name: &str) {
        let mut jobs = config["scrape_configs"].items();
        let rules = jobs.find(|job| job["job_name"] == name);
        let rules = rules.map(|job| Rule::read(&job["metric_relabel_configs"]));
        let of_job = self.targets.of_job(config, name);
        let lasting: BTreeSet<&str> = built_in("target").collect();
        for rule in rules.and_then(Result::ok).unwrap_or_default() {
            let families = self.families.iter_mut();
            let scraped = families.filter(|(name, _)| !lasting.contains(name.as_str()));
            for series in scraped.flat_map(|(_, family)| family) {
                if series.targets.is_clear() || !series.targets.is_subset(&of_job) {
                    continue;
                }
                if let Some(label) = rule.writes() {
                    series.carried.remove(label);
                    series.labels.insert(label.to_string(), Domain::any());
                }
                series.labels.retain(|label, _| !rule.removes(label));
                series.carried.retain(|label| !rule.removes(label));
            }
        }
    }

    /// Adds what targets hand on of a profile that others have.
    pub(super) fn handed_profile(&mut self, profiles: &Profiles, name: &str, targets: FixedBitSet) {
        if targets.is_clear() {
            return;
        }
        let metrics = profiles.get(name).into_iter();
        for (metric, about) in metrics.flat_map(|profile| &profile.metrics) {
            let (sort, parts) = (about.r#type.word(), self.said(metric, about));
            self.family_of_all(metric, sort, &about.labels, &parts, targets.clone());
        }
    }

    /// What a profile says of a metric's own labels, and, where nobody has before, of its unit; a summary without quantiles may have any.
    fn said(&mut self, metric: &str, about: &Exposed) -> Parts {
        if let Some(unit) = about.unit.as_deref().and_then(Base::named) {
            self.units.entry(metric.to_string()).or_insert(unit);
        }
        self.limits.know(metric, about);
        let parts = Parts::of(&about.buckets, &about.quantiles, self.older);
        Parts {
            quantile: parts.quantile.or(Some(".+".into())),
            native: about.native,
            classic: !about.whole(),
            ..parts
        }
    }

    /// The series of a metric, whether its targets have it themselves or hand it on.
    fn family_of_all(
        &mut self,
        name: &str,
        sort: &str,
        labels: &Map,
        parts: &Parts,
        mut emitters: FixedBitSet,
    ) {
        for (handing, more) in self.handing.clone() {
            let mut handed = handing;
            handed.intersect_with(&emitters);
            if handed.is_clear() {
                continue;
            }
            emitters.difference_with(&handed);
            let mut labels = labels.clone();
            for label in more {
                if !labels.contains_key(&format!("exported_{label}")) {
                    labels.entry(label).or_insert_with(|| ".+".into());
                }
            }
            self.family_of(name, sort, &labels, parts, handed);
        }
        self.family_of(name, sort, labels, parts, emitters);
    }

    /// The series of a metric of a type, as a client library names them.
    fn family_of(
        &mut self,
        name: &str,
        sort: &str,
        labels: &Map,
        parts: &Parts,
        emitters: FixedBitSet,
    ) {
        let mut with = |suffix: &str, kind: MetricType, own: Option<(&str, &Value)>| {
            let mut labels = labels.clone();
            labels.extend(own.map(|(label, values)| (label.to_string(), values.clone())));
            self.expose(&format!("{name}{suffix}"), kind, &labels, emitters.clone());
        };
        if sort == "histogram" && parts.native {
            with("", MetricType::Histogram, None);
        }
        match (sort, &parts.quantile) {
            ("histogram", _) if !parts.classic => return,
            ("histogram", _) => with("_bucket", MetricType::Counter, Some(("le", &parts.le))),
            ("summary", Some(quantile)) => {
                with("", MetricType::Gauge, Some(("quantile", quantile)));
            }
            ("summary", None) => {}
            ("counter", _) => return with("", MetricType::Counter, None),
            ("untyped", _) => return with("", MetricType::Untyped, None),
            _ => return with("", MetricType::Gauge, None),
        }
        with("_sum", MetricType::Counter, None);
        with("_count", MetricType::Counter, None);
    }

    pub(super) fn declare(&mut self, metric: &Metric) {
        if let Some(unit) = metric.unit.as_deref().and_then(Base::named) {
            self.units.insert(metric.name.clone(), unit);
        }
        let emitters = self
            .targets
            .with_any("job", metric.services.iter().map(String::as_str));
        let parts = Parts {
            native: metric.native,
            classic: !metric.whole,
            ..Parts::of(&metric.buckets, &metric.quantiles, self.older)
        };
        let sort = &metric.r#type;
        self.family_of_all(&metric.name, sort, &metric.labels, &parts, emitters);
    }

    /// Series on targets, apart for targets with different labels.
    fn expose(&mut self, name: &str, kind: MetricType, labels: &Map, emitters: FixedBitSet) {
        let labels: BTreeMap<String, Domain> = labels
            .iter()
            .map(|(label, written)| (label.clone(), Domain::declared(written)))
            .collect();
        let apart = self.targets.apart(&emitters);
        let series: Vec<SeriesSet> = apart
            .map(|(carried, targets)| {
                let mut first = targets.ones().map(|index| &self.targets.list[index]);
                let honors = first.next().is_some_and(|target| target.honors);
                let (mut carried, mut own) = (carried.clone(), BTreeMap::new());
                for (label, domain) in &labels {
                    // Prometheus keeps one of the two; the other is not lost where it is the series' own.
                    let name = match carried.contains(label) && !honors {
                        true => format!("exported_{label}"),
                        false => label.clone(),
                    };
                    carried.remove(&name);
                    own.insert(name, domain.clone());
                }
                SeriesSet {
                    targets,
                    carried,
                    labels: own,
                    kind,
                }
            })
            .collect();
        self.families
            .entry(name.to_string())
            .or_default()
            .extend(series);
    }

    /// `ALERTS`, which Prometheus writes itself; the alerts' own labels are known once their rules are recorded.
    /// names, severities: those of the rules; None: they are not known. apart: what alerts fire apart by, beside the service.
    pub(crate) fn alerts(
        &mut self,
        names: Option<Vec<String>>,
        severities: Option<Vec<String>>,
        apart: &[String],
    ) {
        let domain = |values: Option<Vec<String>>| values.map_or(Domain::any(), Domain::Values);
        let mut series = SeriesSet::bare(&self.targets)
            .with("alertname", domain(names))
            .with("severity", domain(severities));
        series.targets = self.targets.all();
        series.kind = MetricType::Gauge;
        series.carried = ["job", "service", "component"].map(str::to_string).into();
        let mut all = vec![series.clone()];
        if !apart.is_empty() {
            let with = |series: SeriesSet, label: &String| series.with(label, Domain::any());
            all.push(apart.iter().fold(series, with));
        }
        let state = Domain::Values(vec!["pending".to_string(), "firing".to_string()]);
        let in_state = |series: &SeriesSet| series.clone().with("alertstate", state.clone());
        self.families
            .insert("ALERTS".to_string(), all.iter().map(in_state).collect());
        self.families.insert("ALERTS_FOR_STATE".to_string(), all);
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
