//! Worlds in which nothing changes: each series stays at a level of its own, or counts at one.

use crate::promql::engine::{Labels, Millis, NAME};
use crate::promql::number::number;
use crate::promql::walk::children;
use crate::promql::{Expr, Offset};
use std::collections::{HashMap, HashSet};

/// Makes such worlds, the same on every machine.
pub struct Steady {
    /// Of a generator of Lehmer's.
    state: u64,
    levels: Vec<f64>,
}

impl Steady {
    /// Worlds with levels around these numbers.
    pub fn around(numbers: &[f64]) -> Steady {
        let parts = [0.5, 0.9, 1.1, 2.0];
        // Two thresholds that are close to each other are told apart between them.
        let mut sorted = numbers.to_vec();
        sorted.sort_by(f64::total_cmp);
        let between = sorted.windows(2).map(|two| two[0].midpoint(two[1]));
        let around = numbers
            .iter()
            .flat_map(|number| parts.map(|part| part * number));
        Steady {
            state: 48271,
            levels: [0.0, 1.0]
                .into_iter()
                .chain(around)
                .chain(between)
                .collect(),
        }
    }

    /// One of so many.
    pub fn one_of(&mut self, count: usize) -> usize {
        self.state = self.state * 48271 % 0x7fff_ffff;
        usize::try_from(self.state).unwrap_or(0) % count.max(1)
    }

    /// A level for each of some series. A bucket of a histogram counts what the smaller ones do, and all together what its `_count` does;
    /// its `_sum` stands still while that does.
    pub fn levels(&mut self, series: &[&Labels]) -> Vec<f64> {
        let scale = [1.0, 1.0, 1.0, 0.01, 100.0, 1e6][self.one_of(6)];
        let mut levels = vec![0.0; series.len()];
        let mut order: Vec<usize> = (0..series.len()).collect();
        order.sort_by(|one, other| limit(series[*one]).total_cmp(&limit(series[*other])));
        let mut counted: HashMap<Labels, f64> = HashMap::new();
        for index in order {
            let labels = series[index];
            let one = self.one_of(self.levels.len());
            let mut level = self.levels[one] * scale;
            if level != 0.0 && level != 1.0 {
                // No two are exactly a number apart: there two ways to compute the same differ by a rounding.
                level *= 1.0 + 0.00137 * (index + 1) as f64;
            }
            let name = labels.get(NAME);
            if let Some(stem) = name.strip_suffix("_bucket") {
                let below = counted
                    .entry(labels.with(NAME, stem).with("le", ""))
                    .or_default();
                *below += level.abs();
                level = *below;
            } else if let Some(stem) = name.strip_suffix("_count") {
                level = *counted.get(&labels.with(NAME, stem)).unwrap_or(&level);
            }
            levels[index] = level;
        }
        // Where nothing is observed nothing is added up.
        let idle = series.iter().zip(&levels).filter_map(|(labels, level)| {
            let stem = labels.get(NAME).strip_suffix("_count")?;
            (*level == 0.0).then(|| labels.with(NAME, &format!("{stem}_sum")))
        });
        let idle: HashSet<Labels> = idle.collect();
        for (labels, level) in series.iter().zip(&mut levels) {
            if idle.contains(*labels) {
                *level = 0.0;
            }
        }
        levels
    }
}

/// Whether a series of this name counts.
pub fn counts(name: &str) -> bool {
    let ends = ["_total", "_count", "_sum", "_bucket"];
    ends.iter().any(|end| name.ends_with(end))
}

/// Of what counts the observations of a histogram or summary, or adds them up, the whole.
pub fn observed(series: &Labels) -> Option<Labels> {
    let name = series.get(NAME);
    let stem = name.strip_suffix("_count").or(name.strip_suffix("_sum"))?;
    Some(series.with(NAME, stem))
}

/// What a bucket counts up to; of everything else, more than any.
fn limit(series: &Labels) -> f64 {
    let limit = match series.get("le") {
        "+Inf" => Some(f64::MAX),
        limit => limit.parse().ok(),
    };
    limit.unwrap_or(f64::INFINITY)
}

/// Numbers of an expression, around which its series are worth trying, and how far it looks back.
pub fn read(expr: &Expr, numbers: &mut Vec<f64>, spans: &mut Vec<Millis>) {
    if let Some(value) = number(expr) {
        if !numbers.contains(&value) {
            numbers.push(value);
        }
        return;
    }
    let millis = |span: &std::time::Duration| Millis::try_from(span.as_millis()).unwrap_or(0);
    let back = |offset: &Option<Offset>| match offset {
        Some(Offset::Pos(span)) => millis(span),
        _ => 0,
    };
    match expr {
        Expr::MatrixSelector(matrix) => {
            spans.extend([millis(&matrix.range), back(&matrix.vs.offset)]);
        }
        Expr::VectorSelector(selector) => spans.push(back(&selector.offset)),
        Expr::Subquery(subquery) => spans.extend([millis(&subquery.range), back(&subquery.offset)]),
        _ => {}
    }
    spans.retain(|span| *span > 0);
    children(expr).for_each(|child| read(child, numbers, spans));
}

/// A level for people.
pub fn short(level: f64) -> String {
    match level.fract() == 0.0 {
        true => level.to_string(),
        false => format!("{level:.3}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_histogram_counts_all_that_its_buckets_do() {
        let of =
            |name: &str, le: &str| -> Labels { [(NAME, name), ("le", le)].into_iter().collect() };
        let series = [
            of("t_count", "").with("le", ""),
            of("t_bucket", "+Inf"),
            of("t_bucket", "10"),
            of("t_bucket", "0.5"),
            of("u_count", "").with("le", ""),
            of("u_sum", "").with("le", ""),
        ];
        let series: Vec<&Labels> = series.iter().collect();
        let mut worlds = Steady::around(&[3.0, 7.0]);
        let (mut differ, mut idle) = (false, false);
        for _ in 0..50 {
            let levels = worlds.levels(&series);
            assert_eq!(levels[0], levels[1]);
            assert!(levels[3] <= levels[2] && levels[2] <= levels[1]);
            assert!(levels[5] == 0.0 || levels[4] != 0.0);
            differ |= levels[3] < levels[1];
            idle |= levels[4] == 0.0;
        }
        assert!(differ && idle);
    }
}
