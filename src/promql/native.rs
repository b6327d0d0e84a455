//! Native histograms: buckets that grow by a power of two, all of them in one sample.

use std::collections::BTreeMap;

/// One sample of a native histogram.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Histogram {
    /// Its resolution: 2 to the power of 2 to the power of its negative lies between two bounds.
    pub(crate) schema: i32,
    pub(crate) count: f64,
    pub(crate) sum: f64,
    /// Observations so near to 0 that they are in no other bucket, and how near that is.
    zero: f64,
    zero_width: f64,
    /// Index of a bucket → what it holds; none of them is 0.
    positive: BTreeMap<i32, f64>,
    negative: BTreeMap<i32, f64>,
}

/// The finest and the coarsest resolution that Prometheus stores.
const SCHEMAS: std::ops::RangeInclusive<i32> = -4..=8;

/// What is between two bounds.
struct Bucket {
    lower: f64,
    upper: f64,
    count: f64,
}

/// How a quantile within a bucket is guessed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Within {
    /// As if the observations lay evenly between its bounds: Prometheus 2.
    Evenly,
    /// As if as many lay in each part of it that grows alike: Prometheus from 3.0 on.
    Exponentially,
}

impl Histogram {
    /// Of so many observations, of which nothing else is known.
    pub(crate) fn counting(count: f64) -> Histogram {
        Histogram {
            count,
            ..Histogram::default()
        }
    }

    /// Of so many observations, of which some are small and some are large.
    pub(crate) fn spread(count: f64) -> Histogram {
        let share = |(index, part): (i32, f64)| (index, part * count);
        Histogram {
            count,
            sum: count,
            positive: [(-2, 0.3), (0, 0.5), (2, 0.15), (4, 0.05)]
                .map(share)
                .into(),
            ..Histogram::default()
        }
    }

    /// Of buckets at a resolution, by their index, and of how much all observations are together.
    pub fn of_buckets(
        schema: i32,
        buckets: impl Iterator<Item = (i32, f64)>,
        sum: f64,
    ) -> Histogram {
        let positive: BTreeMap<i32, f64> = buckets.filter(|(_, count)| *count > 0.0).collect();
        Histogram {
            schema,
            count: positive.values().sum(),
            sum,
            positive,
            ..Histogram::default()
        }
    }

    /// What stands between the braces of promtool's notation.
    pub(crate) fn read(text: &str) -> Result<Histogram, String> {
        let mut histogram = Histogram::default();
        let (mut positive, mut negative) = ((0, Vec::new()), (0, Vec::new()));
        let mut rest = text.trim();
        while !rest.is_empty() {
            let (key, behind) = rest
                .split_once(':')
                .ok_or_else(|| format!("`{rest}` is no part of a native histogram"))?;
            let behind = behind.trim_start();
            let (value, more) = match behind.strip_prefix('[') {
                Some(list) => list
                    .split_once(']')
                    .ok_or_else(|| format!("the list of `{key}` is not closed: `]` is missing"))?,
                None => behind
                    .split_once(char::is_whitespace)
                    .unwrap_or((behind, "")),
            };
            let number = || -> Result<f64, String> {
                let value = value.trim();
                value
                    .parse()
                    .map_err(|_| format!("`{value}` is not a number: `{key}`"))
            };
            let whole = || -> Result<i32, String> {
                let value = value.trim();
                value
                    .parse()
                    .map_err(|_| format!("`{value}` is not a whole number: `{key}`"))
            };
            let list = || -> Result<Vec<f64>, String> {
                let numbers = value.split_whitespace().map(|number| {
                    number
                        .parse()
                        .map_err(|_| format!("`{number}` is not a number: `{key}`"))
                });
                numbers.collect()
            };
            match key.trim() {
                "schema" => histogram.schema = whole()?,
                "count" => histogram.count = number()?,
                "sum" => histogram.sum = number()?,
                "z_bucket" => histogram.zero = number()?,
                "z_bucket_w" => histogram.zero_width = number()?,
                "buckets" => positive.1 = list()?,
                "n_buckets" => negative.1 = list()?,
                "offset" => positive.0 = whole()?,
                "n_offset" => negative.0 = whole()?,
                key @ ("custom_values" | "counter_reset_hint") => {
                    return Err(format!("`{key}` of a native histogram is not evaluated"));
                }
                key => return Err(format!("a native histogram has no `{key}`")),
            }
            rest = more.trim_start();
        }
        if !SCHEMAS.contains(&histogram.schema) {
            return Err(format!(
                "a native histogram of the schema {} is not evaluated: from {} to {} they are",
                histogram.schema,
                SCHEMAS.start(),
                SCHEMAS.end()
            ));
        }
        let buckets = |(offset, counts): (i32, Vec<f64>)| {
            let counts = (offset..).zip(counts);
            counts.filter(|(_, count)| *count != 0.0).collect()
        };
        histogram.positive = buckets(positive);
        histogram.negative = buckets(negative);
        Ok(histogram)
    }

    /// The same in buckets as wide as those of a coarser schema.
    fn coarser(&self, schema: i32) -> Histogram {
        if schema >= self.schema {
            return self.clone();
        }
        let by = self.schema - schema;
        let merged = |buckets: &BTreeMap<i32, f64>| {
            let mut merged = BTreeMap::new();
            for (index, count) in buckets {
                *merged.entry(((index - 1) >> by) + 1).or_default() += count;
            }
            merged
        };
        Histogram {
            schema,
            positive: merged(&self.positive),
            negative: merged(&self.negative),
            ..*self
        }
    }

    /// With so many times another added; None: their buckets at 0 are not as wide, which is not evaluated.
    pub(crate) fn plus(&self, other: &Histogram, times: f64) -> Option<Histogram> {
        let nothing = |one: &Histogram| one.zero == 0.0;
        let zero_width = match (self.zero_width, other.zero_width) {
            (one, another) if one == another => one,
            (one, _) if nothing(other) && other.zero_width == 0.0 => one,
            (_, another) if nothing(self) && self.zero_width == 0.0 => another,
            _ => return None,
        };
        let schema = self.schema.min(other.schema);
        let (mut sum, other) = (self.coarser(schema), other.coarser(schema));
        sum.zero_width = zero_width;
        sum.count += times * other.count;
        sum.sum += times * other.sum;
        sum.zero += times * other.zero;
        for (own, others) in [
            (&mut sum.positive, &other.positive),
            (&mut sum.negative, &other.negative),
        ] {
            for (index, count) in others {
                *own.entry(*index).or_default() += times * count;
            }
            own.retain(|_, count| *count != 0.0);
        }
        Some(sum)
    }

    pub(crate) fn times(&self, factor: f64) -> Histogram {
        let scaled = |buckets: &BTreeMap<i32, f64>| {
            let scaled = buckets
                .iter()
                .map(|(index, count)| (*index, count * factor));
            scaled.filter(|(_, count)| *count != 0.0).collect()
        };
        Histogram {
            count: self.count * factor,
            sum: self.sum * factor,
            zero: self.zero * factor,
            positive: scaled(&self.positive),
            negative: scaled(&self.negative),
            ..*self
        }
    }

    /// Whether it cannot be the one before with more in it: what counts has begun anew.
    pub(crate) fn restarted(&self, before: &Histogram) -> bool {
        if self.count < before.count || self.schema > before.schema {
            return true;
        }
        if self.zero < before.zero || self.zero_width < before.zero_width {
            return true;
        }
        let before = before.coarser(self.schema);
        let fewer = |own: &BTreeMap<i32, f64>, before: &BTreeMap<i32, f64>| {
            let mut before = before.iter();
            before.any(|(index, count)| own.get(index).copied().unwrap_or(0.0) < *count)
        };
        fewer(&self.positive, &before.positive) || fewer(&self.negative, &before.negative)
    }

    /// Its buckets, the lowest first.
    fn buckets(&self) -> Vec<Bucket> {
        let bounds = |index: i32| (bound(index - 1, self.schema), bound(index, self.schema));
        let below = self.negative.iter().rev().map(|(index, count)| {
            let (lower, upper) = bounds(*index);
            (-upper, -lower, *count)
        });
        let only_one = |own: &BTreeMap<i32, f64>, other: &BTreeMap<i32, f64>| {
            other.is_empty() && !own.is_empty()
        };
        let width = self.zero_width;
        let lower = if only_one(&self.positive, &self.negative) {
            0.0
        } else {
            -width
        };
        let upper = if only_one(&self.negative, &self.positive) {
            0.0
        } else {
            width
        };
        let zero = (self.zero != 0.0).then_some((lower, upper, self.zero));
        let above = self.positive.iter().map(|(index, count)| {
            let (lower, upper) = bounds(*index);
            (lower, upper, *count)
        });
        let all = below.chain(zero).chain(above);
        all.map(|(lower, upper, count)| Bucket {
            lower,
            upper,
            count,
        })
        .collect()
    }

    /// `histogram_quantile`.
    pub(crate) fn quantile(&self, wanted: f64, within: Within) -> f64 {
        if wanted < 0.0 {
            return f64::NEG_INFINITY;
        }
        if wanted > 1.0 {
            return f64::INFINITY;
        }
        if self.count == 0.0 || wanted.is_nan() {
            return f64::NAN;
        }
        let mut buckets = self.buckets();
        // Observations of NaN are in no bucket, and come last.
        let forward = self.sum.is_nan() || wanted < 0.5;
        let rank = if forward {
            wanted * self.count
        } else {
            buckets.reverse();
            (1.0 - wanted) * self.count
        };
        let mut count = 0.0;
        let mut found = None;
        for bucket in buckets {
            count += bucket.count;
            let enough = count >= rank;
            found = Some(bucket);
            if enough {
                break;
            }
        }
        let Some(bucket) = found else {
            return f64::NAN;
        };
        let count = count.min(self.count);
        if count < rank {
            return match self.sum.is_nan() && within == Within::Exponentially {
                true => f64::NAN,
                false => bucket.upper,
            };
        }
        let rank = if forward {
            rank - (count - bucket.count)
        } else {
            count - rank
        };
        let part = rank / bucket.count;
        if within == Within::Evenly || bucket.lower <= 0.0 && bucket.upper >= 0.0 {
            return bucket.lower + (bucket.upper - bucket.lower) * part;
        }
        let (lower, upper) = (bucket.lower.abs().log2(), bucket.upper.abs().log2());
        if bucket.lower > 0.0 {
            (lower + (upper - lower) * part).exp2()
        } else {
            -(upper + (lower - upper) * (1.0 - part)).exp2()
        }
    }

    /// `histogram_fraction`: the share of the observations between two values.
    pub(crate) fn fraction(&self, lower: f64, upper: f64, within: Within) -> f64 {
        if self.count == 0.0 || lower.is_nan() || upper.is_nan() {
            return f64::NAN;
        }
        if lower >= upper {
            return 0.0;
        }
        let buckets = self.buckets();
        let all = match self.sum.is_nan() && within == Within::Exponentially {
            true => buckets.iter().map(|bucket| bucket.count).sum(),
            false => self.count,
        };
        let rank = |value: f64| -> f64 {
            let mut rank = 0.0;
            for bucket in &buckets {
                if bucket.lower >= value {
                    return rank;
                }
                if bucket.upper > value {
                    let evenly =
                        within == Within::Evenly || bucket.lower <= 0.0 && bucket.upper >= 0.0;
                    let part = if evenly {
                        (value - bucket.lower) / (bucket.upper - bucket.lower)
                    } else {
                        let [lower, upper, value] =
                            [bucket.lower, bucket.upper, value].map(|one| one.abs().log2());
                        // Below 0 the bound that is nearer to it is the upper one.
                        (value - lower) / (upper - lower)
                    };
                    return rank + bucket.count * part;
                }
                rank += bucket.count;
            }
            all
        };
        (rank(upper).min(all) - rank(lower).min(all)) / self.count
    }
}

/// The upper bound of a bucket.
fn bound(index: i32, schema: i32) -> f64 {
    (f64::from(index) * 2f64.powi(-schema)).exp2()
}
