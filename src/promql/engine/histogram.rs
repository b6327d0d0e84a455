//! `histogram_quantile` of classic histograms.

use super::{Axis, ByLabels, Labels, NAME, Series};

/// The label that bounds a bucket.
const BOUND: &str = "le";

/// The quantile of each histogram, wanted anew at each instant.
pub(super) fn quantiles(wanted: &[f64], buckets: &[Series], axis: Axis) -> Vec<Series> {
    let mut known: ByLabels<usize> = ByLabels::default();
    let mut histograms: Vec<(Labels, Vec<(f64, &Series)>)> = Vec::new();
    for series in buckets {
        let Some(bound) = bound(series.labels.get(BOUND)) else {
            continue;
        };
        let labels = series.labels.filtered(|name| name != NAME && name != BOUND);
        let index = *known.entry(labels.clone()).or_insert_with(|| {
            histograms.push((labels, Vec::new()));
            histograms.len() - 1
        });
        histograms[index].1.push((bound, series));
    }
    let quantiles = histograms.into_iter().map(|(labels, mut buckets)| {
        buckets.sort_by(|(a, _), (b, _)| a.total_cmp(b));
        let at = |index: usize| {
            let here: Vec<(f64, f64)> = buckets
                .iter()
                .filter_map(|(bound, series)| Some((*bound, series.values[index]?)))
                .collect();
            (!here.is_empty()).then(|| quantile(wanted[index], here))
        };
        Series {
            labels,
            values: (0..axis.count).map(at).collect(),
        }
    });
    quantiles.collect()
}

/// As Go reads a number; anything else is no bound.
fn bound(text: &str) -> Option<f64> {
    match text.to_ascii_lowercase().as_str() {
        "+inf" | "inf" | "+infinity" | "infinity" => Some(f64::INFINITY),
        "" => None,
        other => other.parse().ok(),
    }
}

/// Of cumulative buckets, sorted by their upper bounds.
fn quantile(wanted: f64, buckets: Vec<(f64, f64)>) -> f64 {
    if wanted.is_nan() {
        return f64::NAN;
    }
    if wanted < 0.0 {
        return f64::NEG_INFINITY;
    }
    if wanted > 1.0 {
        return f64::INFINITY;
    }
    // The last bucket must hold everything.
    if buckets
        .last()
        .is_none_or(|(bound, _)| *bound != f64::INFINITY)
    {
        return f64::NAN;
    }
    let mut merged: Vec<(f64, f64)> = Vec::new();
    for (bound, count) in buckets {
        match merged.last_mut() {
            // `1` and `1.0` are one bucket.
            Some((last, total)) if *last == bound => *total += count,
            _ => merged.push((bound, count)),
        }
    }
    let mut most = f64::NEG_INFINITY;
    for (_, count) in &mut merged {
        // Counts that were scraped at different times may fall.
        most = most.max(*count);
        *count = most;
    }
    let [.., (before_last, _), (_, all)] = merged.as_slice() else {
        return f64::NAN;
    };
    if *all == 0.0 {
        return f64::NAN;
    }
    let rank = wanted * all;
    let last = merged.len() - 1;
    let index = merged[..last].partition_point(|(_, count)| *count < rank);
    if index == last {
        return *before_last;
    }
    let (end, count) = merged[index];
    if index == 0 && end <= 0.0 {
        return end;
    }
    let (start, below) = if index > 0 {
        merged[index - 1]
    } else {
        (0.0, 0.0)
    };
    start + (end - start) * ((rank - below) / (count - below))
}
