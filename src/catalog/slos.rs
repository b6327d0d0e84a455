//! Objectives: how much of what a service does must go well, and the alerts that fire while its error budget burns.

mod burns;
mod counts;

use super::emitters::Emitters;
use super::{Metric, Platform, Service, Severities, pascal, snake};
use crate::catalog::units::{Duration, with_unit};
use crate::source::{Derived, Source, step};
use crate::value::Value;
use burns::BURNS;
pub use burns::Burn;
pub use counts::{Counts, named as counted, one_counter};
use serde::{Deserialize, Serialize};

/// `[slos.NAME]`: one objective for each service that it is about.
#[derive(Clone, Debug, Serialize)]
pub struct Slo {
    pub name: String,
    /// Of a hundred events so many must go well.
    pub objective: f64,
    /// The same as a ratio: 0.999.
    pub objective_ratio: f64,
    /// The share of all events that may fail: 0.001 where the objective is 99.9.
    pub budget: f64,
    /// The same in percent, as people write it.
    pub allows: String,
    /// Over how long the objective is kept.
    pub window: Duration,
    /// What goes well or fails.
    pub counts: Counts,
    /// One line for the notification, where the catalog has its own.
    pub summary: Option<String>,
    /// What it means for the user, where the catalog has its own.
    pub description: Option<String>,
    /// Whose its alerts are, whichever service they are about.
    pub owner: Option<String>,
    /// As written; with no groups either: all services that emit what it counts.
    pub services: Vec<String>,
    /// As written.
    pub groups: Vec<String>,
    /// The services that have the objective.
    pub covers: Vec<String>,
    /// Only these jobs are counted; empty: all that emit it.
    pub only: Vec<String>,
    /// The jobs that have it, where these are not all of the catalog.
    pub having: Having,
    /// The names of what is recorded about it.
    pub recorded: Recorded,
    /// The alerts that fire while the budget burns, the most urgent first.
    pub alerts: Vec<Burning>,
}

/// Jobs, for a selector.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Having {
    /// Only these; empty: every job.
    pub only: Vec<String>,
}

/// The names under which a service's way with an objective is recorded.
#[derive(Clone, Debug, Serialize)]
pub struct Recorded {
    /// Failures a second, of the last five minutes.
    pub failures: String,
    /// Everything a second, likewise.
    pub events: String,
    /// The ratio of failures, from the counters themselves, over the ranges of the alerts, the shortest first.
    pub ratios: Vec<Ratio>,
    /// The ratio of failures over the window of the objective.
    pub whole: Ratio,
    /// The objective as a ratio.
    pub objective: String,
    /// What is left of the error budget: 1 is all of it, below 0 the objective is missed.
    pub remaining: String,
}

/// A recorded ratio of failures.
#[derive(Clone, Debug, Serialize)]
pub struct Ratio {
    /// How far back it looks.
    pub window: Duration,
    pub name: String,
}

/// One of its alerts.
#[derive(Clone, Debug, Serialize)]
pub struct Burning {
    pub name: String,
    pub severity: String,
    /// The key of the catalog that names another severity.
    pub key: &'static str,
    /// How fast the budget burns, and over which two ranges; empty: it cannot burn so fast.
    pub burns: Vec<Burn>,
    /// How long a whole budget lasts at the slowest of these rates.
    pub lasts: Duration,
}

impl Burning {
    /// Whether it looks back further than a window.
    pub(crate) fn is_beyond(&self, window: Duration) -> bool {
        let of_it = BURNS.iter().filter(|spec| spec.key == self.key);
        of_it.map(|spec| spec.long).min() > Some(window)
    }
}

/// The two alerts: what follows the objective's name in theirs, and the key of their severity.
const ALERTS: [(&str, &str); 2] = [("FastBurn", "page"), ("SlowBurn", "ticket")];

/// How the alerts of an objective are called.
pub fn alerts_of(objective: &str) -> [String; 2] {
    ALERTS.map(|(suffix, _)| pascal(objective) + suffix)
}

impl Slo {
    pub(super) fn resolve(
        name: &str,
        written: &Value,
        platform: &Platform,
        services: &[Service],
        metrics: &[Metric],
        emitters: &Emitters,
        severities: &Severities,
    ) -> serde_json::Result<Slo> {
        let text = |key: &str| written[key].as_str().map(str::to_string);
        let texts = |key: &str| written[key].texts().map(str::to_string).collect();
        let objective = written["objective"].as_f64().unwrap_or_default();
        let window = Duration::deserialize(&written["window"])?;
        let budget = Budget::of(objective);
        let counts = Counts::of(written, metrics);
        let mut slo = Slo {
            name: name.to_string(),
            objective,
            objective_ratio: budget.rest(),
            budget: budget.share(),
            allows: with_unit(budget.share(), Some("ratio")),
            window,
            summary: text("summary"),
            description: text("description"),
            owner: text("owner"),
            services: texts("services"),
            groups: texts("groups"),
            covers: Vec::new(),
            only: Vec::new(),
            having: Having::default(),
            recorded: Recorded::of(
                &format!("job:{}_{}", platform.metric_prefix, snake(name)),
                window,
            ),
            alerts: Vec::new(),
            counts,
        };
        slo.services.extend(text("service"));
        slo.groups.extend(text("group"));
        let narrowed = !slo.services.is_empty() || !slo.groups.is_empty();
        let keys: Vec<&str> = slo.counts.metrics().collect();
        let emitting = emitters.of_all(&keys, services.len()).into_iter();
        let about = |service: &&Service| {
            !narrowed || slo.services.contains(&service.name) || slo.groups.contains(&service.group)
        };
        let reached = |service: &&Service| {
            slo.counts.filters.iter().all(|(key, filter)| {
                let metric = slo.counts.metric(key).unwrap_or_default();
                filter.reaches(service, |label| emitters.has_label(metric, label))
            })
        };
        let covered = emitting.map(|index| &services[index]);
        let covered = covered.filter(about).filter(reached);
        let covers: Vec<String> = covered.map(|service| service.name.clone()).collect();
        if narrowed {
            slo.only = covers.clone();
        }
        if covers.len() < services.len() {
            slo.having.only = covers.clone();
        }
        slo.covers = covers;
        let default = [severities.first(), severities.usual()];
        for ((suffix, key), default) in ALERTS.into_iter().zip(default) {
            let burns = Burn::all(key, window, &budget);
            slo.alerts.push(Burning {
                name: pascal(name) + suffix,
                severity: text(key).unwrap_or_else(|| default.to_string()),
                key,
                lasts: lasts(window, &burns),
                burns,
            });
        }
        Ok(slo)
    }

    /// The name of the first alert that it has.
    pub fn first_alert(&self) -> Option<&str> {
        let mut able = self.alerts.iter().filter(|alert| !alert.burns.is_empty());
        able.next().map(|alert| alert.name.as_str())
    }

    /// Says where its alerts are written.
    pub(super) fn derive(&self, source: &mut Source) {
        let from = format!("/slos/{}", step(&self.name));
        let mut keys: Vec<(String, String)> = Vec::new();
        let mut called =
            |key: &str, written: &str| keys.push((key.to_string(), written.to_string()));
        called("kind", "");
        let in_table = |key: &str| source.contains(&format!("{from}/{key}/metric"));
        if !in_table("total") && !source.contains(&format!("{from}/total")) {
            called("total", "errors/metric");
        }
        called("where", "errors/where");
        if in_table("errors") && !self.counts.r#where.is_empty() {
            called("errors", "errors/metric");
        }
        called("latency", "latency/metric");
        called("below", "latency/below");
        called("above", "objective");
        // The one that stands alone is behind those of the list.
        let scopes = [
            ("service", "services", &self.services),
            ("group", "groups", &self.groups),
        ];
        for (one, list, names) in scopes {
            if source.contains(&format!("{from}/{one}")) {
                called(&format!("{list}/{}", names.len().saturating_sub(1)), one);
            }
        }
        for alert in &self.alerts {
            let mut keys = keys.clone();
            keys.push(("severity".to_string(), alert.key.to_string()));
            let from = from.clone();
            source.derive(format!("/alerts/{}", alert.name), Derived { from, keys });
        }
    }

    /// The name under which the ratio of failures over a range is recorded.
    pub(super) fn ratio(&self, range: Duration) -> String {
        let mut known = self.recorded.ratios.iter();
        let recorded = known.find(|ratio| ratio.window == range);
        recorded.unwrap_or(&self.recorded.whole).name.clone()
    }
}

impl Recorded {
    /// All of them.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        let ratios = self.ratios.iter().chain([&self.whole]);
        let others = [
            &self.failures,
            &self.events,
            &self.objective,
            &self.remaining,
        ];
        let ratios = ratios.map(|ratio| ratio.name.as_str());
        ratios.chain(others.into_iter().map(String::as_str))
    }

    fn of(stem: &str, window: Duration) -> Recorded {
        let ratio = |window: Duration| Ratio {
            window,
            name: format!("{stem}:error_ratio_{window}"),
        };
        Recorded {
            failures: format!("{stem}:failures_per_second_5m"),
            events: format!("{stem}:events_per_second_5m"),
            ratios: ranges(window).into_iter().map(ratio).collect(),
            whole: ratio(window),
            objective: format!("{stem}:objective"),
            remaining: format!("{stem}:error_budget_remaining"),
        }
    }
}

/// Those that the alerts look back over, and no longer than the objective itself.
fn ranges(window: Duration) -> Vec<Duration> {
    let mut all: Vec<Duration> = BURNS
        .iter()
        .flat_map(|spec| [spec.short, spec.long])
        .filter(|range| *range < window)
        .collect();
    all.sort_unstable();
    all.dedup();
    all
}

/// How long a budget lasts at the slowest of some rates, rounded up to an hour.
fn lasts(window: Duration, burns: &[Burn]) -> Duration {
    let slowest = burns.iter().map(|burn| burn.factor);
    let hours = window.0 as f64 / slowest.fold(f64::INFINITY, f64::min) / 3_600_000.0;
    // What is whole but for its rounding is whole.
    Duration((hours - 1e-9).ceil().max(1.0) as u64 * 3_600_000)
}

/// The share that may fail, as a fraction of whole numbers: an objective is written in decimals, and binary ones would leave
/// 0.0009999999999999432 of 99.9.
#[derive(Clone, Copy, Debug)]
pub(super) struct Budget {
    part: u128,
    whole: u128,
}

impl Budget {
    fn of(objective: f64) -> Budget {
        let text = objective.to_string();
        let (units, decimals) = text.split_once('.').unwrap_or((&text, ""));
        let whole = 100 * 10u128.pow(decimals.len().min(18) as u32);
        let written = format!("{units}{}", &decimals[..decimals.len().min(18)]);
        Budget {
            part: whole.saturating_sub(written.parse().unwrap_or(whole)),
            whole,
        }
    }

    fn share(&self) -> f64 {
        self.times(1, 1)
    }

    /// What must go well.
    fn rest(&self) -> f64 {
        quotient(self.whole - self.part, self.whole)
    }

    /// So many times the share, rounded once.
    pub(super) fn times(&self, factor: u128, divisor: u128) -> f64 {
        quotient(self.part * factor, self.whole * divisor)
    }
}

/// Rounded once, whatever the numbers have in common.
fn quotient(part: u128, whole: u128) -> f64 {
    let (mut divisor, mut rest) = (whole, part);
    while rest > 0 {
        (divisor, rest) = (rest, divisor % rest);
    }
    let divisor = divisor.max(1);
    (part / divisor) as f64 / (whole / divisor) as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_budget_is_the_decimal_that_one_would_write() {
        for (objective, budget) in [
            (99.9, "0.001"),
            (99.0, "0.01"),
            (99.95, "0.0005"),
            (99.99999, "0.0000001"),
            (95.0, "0.05"),
            (66.6, "0.334"),
        ] {
            assert_eq!(Budget::of(objective).share().to_string(), budget);
        }
        assert_eq!(Budget::of(99.9).times(144, 10), 0.0144);
    }

    #[test]
    fn an_alert_is_called_after_its_objective() {
        assert_eq!(pascal("checkout-availability"), "CheckoutAvailability");
        assert_eq!(pascal("p99_latency"), "P99Latency");
        assert_eq!(pascal("CheckoutLatency"), "CheckoutLatency");
    }
}
