//! The series of a unit test, exposed by the stand-ins as if their services had them.

use super::fault::{Fault, Transport};
use crate::catalog::alerts::OwnTest;
use crate::catalog::{Catalog, Service};
use crate::evaluation::classes::OF_TARGETS;
use crate::evaluation::unit_tests::labels;
use crate::promql::engine::Labels;
use crate::promql::samples::{Value, are_native, read};
use std::collections::BTreeMap;
use std::fmt::Write;

/// More samples than any drill lives to see.
const MOST: usize = 100_000;

/// The suffixes of the series of one histogram or summary.
const PARTS: [&str; 3] = ["_bucket", "_count", "_sum"];

/// What one instance of a service exposes while a test is played.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Replay {
    /// Seconds of the test between two samples.
    pub every: f64,
    /// Whether no scrape reaches it.
    pub down: bool,
    /// Whether its health path answers with an error.
    pub unhealthy: bool,
    series: Vec<Replayed>,
}

/// One series.
#[derive(Clone, Debug, PartialEq)]
struct Replayed {
    metric: String,
    /// `a="b",c="d"`, without those of the target.
    labels: String,
    /// None: there is none at that time.
    values: Vec<Option<f64>>,
    /// Whether it goes on as it did before its last sample; a gauge stays where it is.
    counts: bool,
}

impl Replayed {
    /// The value so many samples after the beginning.
    fn at(&self, sample: f64) -> Option<f64> {
        let index = sample.max(0.0) as usize;
        let last = self.values.len().checked_sub(1)?;
        if index <= last {
            return self.values[index];
        }
        let value = self.values[last]?;
        let before = last.checked_sub(1).and_then(|before| self.values[before]);
        let growth = before.map_or(0.0, |before| (value - before).max(0.0));
        match self.counts {
            true => Some(value + growth * (index - last) as f64),
            false => Some(value),
        }
    }
}

impl Replay {
    /// Whether a series of the stand-in's own gives way to those of the test.
    pub(crate) fn replaces(&self, metric: &str) -> bool {
        let mut names = self.series.iter().map(|series| series.metric.as_str());
        names.any(|name| {
            let mut parts = PARTS.iter().filter_map(|part| name.strip_suffix(part));
            name == metric || parts.any(|family| family == metric)
        })
    }

    /// What goes wrong on the way to the instance meanwhile.
    pub(crate) fn fault(&self) -> Option<Fault> {
        let name = match (self.down, self.unhealthy) {
            (true, _) => Transport::Down,
            (false, true) => Transport::HealthFails,
            (false, false) => return None,
        };
        Some(Fault::of_transport(name))
    }

    /// The lines of a scrape, so many seconds of the test after its beginning.
    pub(crate) fn expose(&self, out: &mut String, seconds: f64) {
        for series in &self.series {
            let Some(value) = series.at(seconds / self.every) else {
                continue;
            };
            let _ = match series.labels.is_empty() {
                true => writeln!(out, "{} {value}", series.metric),
                false => writeln!(out, "{}{{{}}} {value}", series.metric, series.labels),
            };
        }
    }
}

/// What a test gives each service, for each of its instances; or why no stand-in can play it.
pub(crate) fn of_test(
    test: &OwnTest,
    catalog: &Catalog,
) -> Result<BTreeMap<String, Vec<Replay>>, String> {
    let mut played: BTreeMap<&str, BTreeMap<String, Replay>> = BTreeMap::new();
    for (written, values) in test.series() {
        let labels = labels(written)?;
        let metric = labels.get("__name__");
        if are_native(values) {
            return Err(format!(
                "`{metric}` is a native histogram, which stand-ins cannot write: they answer with text"
            ));
        }
        let values = read(values, MOST)?;
        let number = |value: Option<Value>| match value {
            Some(Value::Number(value)) => Some(value),
            Some(Value::Stale) | None => None,
        };
        let values: Vec<Option<f64>> = values.into_iter().map(number).collect();
        if metric.contains(':') {
            return Err(format!("`{metric}` is recorded by a rule"));
        }
        if metric.starts_with("ALERTS") || metric.starts_with("scrape_") {
            return Err(format!("`{metric}` is written by Prometheus itself"));
        }
        let job = labels.get("job");
        let Some(service) = catalog.service(job) else {
            return Err(format!("`{written}` is of no service of the catalog"));
        };
        let instance = labels.get("instance").to_string();
        let replay = played.entry(&service.name).or_default().entry(instance);
        let replay = replay.or_default();
        replay.every = test.every.seconds();
        let zero = values.iter().flatten().last() == Some(&0.0);
        match metric {
            "up" => replay.down |= zero,
            "probe_success" => replay.unhealthy |= zero,
            _ => replay.series.push(Replayed {
                metric: metric.to_string(),
                labels: exposed(&labels, service),
                values,
                counts: counts(metric, catalog),
            }),
        }
    }
    let each = |(service, instances): (&str, BTreeMap<String, Replay>)| {
        (service.to_string(), instances.into_values().collect())
    };
    Ok(played.into_iter().map(each).collect())
}

/// Without what is added on arrival.
fn exposed(labels: &Labels, service: &Service) -> String {
    let own = labels.iter().filter(|(label, _)| {
        let of_target = OF_TARGETS.contains(label) || service.labels.contains_key(*label);
        *label != "__name__" && !of_target
    });
    let all: Vec<String> = own
        .map(|(label, value)| {
            let value = value.replace('\\', "\\\\").replace('"', "\\\"");
            format!("{label}=\"{}\"", value.replace('\n', "\\n"))
        })
        .collect();
    all.join(",")
}

fn counts(metric: &str, catalog: &Catalog) -> bool {
    let mut declared = catalog.metrics.iter();
    match declared.find(|known| known.name == metric) {
        Some(metric) => metric.r#type == "counter",
        None => metric.ends_with("_total") || PARTS.iter().any(|part| metric.ends_with(part)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pipeline::load;

    fn played(series: &str) -> Result<BTreeMap<String, Vec<Replay>>, String> {
        let text = format!(
            "[platform]\nname = \"Shop\"\nslug = \"shop\"\nmetric_prefix = \"shop\"\n[groups.g]\ntitle = \"G\"\n[services.cart]\ngroup = \"g\"\nport = 1\n\
             [alerts.A]\nkind = \"promql\"\nexpr = 'up == 0'\nfor = \"1m\"\nseverity = \"warning\"\n[[alerts.A.tests]]\nname = \"t\"\nat = \"5m\"\nfires = [\"cart\"]\n\
             [alerts.A.tests.series]\n{series}\n"
        );
        let catalog = load("services.toml", &text).ok().unwrap().1;
        let alert = &catalog.alerts[0];
        of_test(&alert.tests()[0], &catalog)
    }

    fn shown(replay: &Replay, seconds: f64) -> String {
        let mut out = String::new();
        replay.expose(&mut out, seconds);
        out
    }

    #[test]
    fn counters_go_on_and_gauges_stay() {
        let all = played(
            "'errors_total{job=\"cart\",service=\"cart\",component=\"g\",kind=\"a\\\\b\"}' = \"5+60x2\"\n'queue{job=\"cart\"}' = \"_ 7 9\"\n'up{job=\"cart\"}' = \"1 0\"",
        );
        let all = all.unwrap();
        let [replay] = &all["cart"][..] else {
            panic!("{all:?}")
        };
        assert!(replay.down && !replay.unhealthy);
        assert_eq!(shown(replay, 0.0), "errors_total{kind=\"a\\\\b\"} 5\n");
        assert_eq!(
            shown(replay, 119.0),
            "errors_total{kind=\"a\\\\b\"} 65\nqueue 7\n"
        );
        assert_eq!(
            shown(replay, 300.0),
            "errors_total{kind=\"a\\\\b\"} 305\nqueue 9\n"
        );
        assert!(replay.replaces("errors_total") && !replay.replaces("errors"));
    }

    #[test]
    fn what_no_service_exposes_is_not_played() {
        for (series, reason) in [
            ("'job:up:max{job=\"cart\"}' = \"0\"", "recorded by a rule"),
            ("'ALERTS{job=\"cart\"}' = \"1\"", "Prometheus itself"),
            ("'up{job=\"till\"}' = \"0\"", "no service of the catalog"),
        ] {
            let told = played(series).unwrap_err();
            assert!(told.contains(reason), "{told}");
        }
    }
}
