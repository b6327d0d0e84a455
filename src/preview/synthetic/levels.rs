//! How much happens at an instant: events of counters, values of gauges, observations of histograms.

use super::gauges::{built_in, fails, gauge};
use super::noise::wave;
use super::shares::{busy, grows};
use super::{Source, Synthetic};
use crate::catalog::Metric;
use crate::contract::series::MetricType as Kind;
use crate::preview::story::Part;
use crate::simulation::shape::TRAFFIC;

impl Synthetic<'_> {
    /// Events a second of a counter, the value of a gauge.
    pub(super) fn level(&self, source: &Source, index: usize, part: Part) -> f64 {
        let time = self.axis.at(index);
        let own = || wave(source.seeds.0, time);
        match (source.kind, source.metric) {
            (_, Some(metric)) if ["histogram", "summary"].contains(&metric.r#type.as_str()) => {
                self.distribution(source, metric, index, part)
            }
            (Kind::Counter, Some(_)) => self.events(source, index, part),
            (Kind::Counter, None) => self.process(source, source.waves[index]).unwrap_or(0.0),
            (_, Some(_)) => gauge(source, own(), time),
            (_, None) => built_in(source, own(), time, self.axis.end, part),
        }
    }

    fn process(&self, source: &Source, wave: f64) -> Option<f64> {
        let cpu = source
            .plan
            .filter(|plan| plan.role_of(source.name) == Some("cpu"));
        let usual = match cpu {
            Some(plan) => plan.role("cpu", None),
            // Of a server beside the services, and of its parts.
            None if source.name.contains("cpu") => Some(0.1),
            None => return (!fails(source.name)).then_some(wave),
        };
        Some(usual.unwrap_or(0.1) * (0.4 + 1.4 * source.own + 0.4 * wave))
    }

    fn events(&self, source: &Source, index: usize, part: Part) -> f64 {
        let failing = part == Part::Failing;
        let rate = source.motion.map_or(1.0, |motion| {
            let level = motion.rest();
            let healthy = level.healthy.unwrap_or(0.0);
            // Far above the threshold, and still not everything.
            let failed = TRAFFIC * (level.above + 0.7 * (1.0 - level.above));
            if failing && level.above > 0.0 && grows(level) {
                failed
            } else {
                healthy
            }
        });
        rate * busy(source, index)
            * if failing {
                source.shares.1
            } else {
                source.shares.0
            }
    }

    /// What is well below every time that an alert compares quantiles of a metric with, in its own unit.
    fn well(&self, metric: &Metric) -> Option<f64> {
        let alerts = self.catalog.alerts.iter();
        let alerts = alerts.filter(|alert| {
            let read = alert.metrics().into_iter();
            alert.unit.as_deref() == Some("seconds")
                && read.map(|(_, key, _)| key).any(|key| key == metric.key)
        });
        let limits =
            alerts.flat_map(|alert| alert.branches.iter().filter_map(|branch| branch.above));
        let least = limits.min_by(f64::total_cmp)?;
        Some(least * metric.per_second / 8.0)
    }

    /// The part of the events that took no longer than `le`: half of them twice as long as the median or less.
    fn distribution(&self, source: &Source, metric: &Metric, index: usize, part: Part) -> f64 {
        let rate = 20.0 * busy(source, index) * source.shares.0;
        let known = metric.buckets.get(metric.buckets.len() / 3).copied();
        let typical = known.or_else(|| self.well(metric)).unwrap_or(1.0);
        let slow = if part == Part::Failing { 3.0 } else { 1.0 };
        let median = typical * slow * (0.4 + source.own + 0.3 * source.waves[index]);
        match source.bound {
            None if source.kind == Kind::Gauge => median,
            Some(bound) if bound.is_finite() => {
                rate * (bound * bound * bound) / (bound * bound * bound + median * median * median)
            }
            None if source.name.ends_with("_sum") => rate * median * 1.3,
            _ => rate,
        }
    }
}
