//! A histogram's buckets and its count, as samples of its native form, in promtool's notation.

use super::refuse;
use crate::promql::samples::{self, Value};
use minijinja::Error;

/// The finest resolution that Prometheus stores: a bound is hardly a quarter of a percent above the one before it, so that
/// an observation can be placed on either side of a threshold.
const SCHEMA: i32 = 8;

/// How many buckets it has between a number and its double.
const IN_A_DOUBLE: f64 = 256.0;

/// The upper bound of a bucket, by its index.
fn bound_of(index: i32) -> f64 {
    (f64::from(index) / IN_A_DOUBLE).exp2()
}

/// The last bucket whose bound is not above a number.
fn below(number: f64) -> i32 {
    // A bound that was written out and read again is that bound.
    (number.log2() * IN_A_DOUBLE + 1e-6).floor() as i32
}

/// The bounds around a limit: two that are not above it, and two that are.
pub(super) fn bounds_around(limit: f64) -> Vec<f64> {
    let index = below(limit.max(1e-9));
    (index - 1..=index + 2).map(bound_of).collect()
}

/// How many observations are within each bound, and how many there are.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Counted {
    /// Upper bounds, in their order, and what is within them.
    pub(super) within: Vec<(f64, f64)>,
    pub(super) all: f64,
    /// What was observed, added up; None: as much as there are observations.
    pub(super) sum: Option<f64>,
}

impl Counted {
    /// What stands between the braces. What is within the first bound is near 0, and what is beyond the last one right behind it.
    pub(super) fn notation(&self) -> String {
        let all = tidy(self.all);
        let sum = self.sum.map_or(all, tidy_sum);
        let mut text = format!("{{{{schema:{SCHEMA} count:{all} sum:{sum}");
        let Some((first, near)) = self.within.first() else {
            return text + "}}";
        };
        let width = (first / 1000.0).log2().floor().exp2();
        text += &format!(" z_bucket:{} z_bucket_w:{width}", tidy(*near));
        let mut counts: Vec<(i32, f64)> = Vec::new();
        for pair in self.within.windows(2) {
            counts.push((below(pair[1].0), pair[1].1 - pair[0].1));
        }
        if let Some((last, within)) = self.within.last() {
            counts.push((below(*last) + 2, self.all - within));
        }
        let (Some((offset, _)), Some((end, _))) = (counts.first(), counts.last()) else {
            return text + "}}";
        };
        let count = |index: i32| {
            let here = counts.iter().filter(|(other, _)| *other == index);
            tidy(here.map(|(_, count)| count).sum()).to_string()
        };
        let counts: Vec<String> = (*offset..=*end).map(count).collect();
        text + &format!(" offset:{offset} buckets:[{}]}}}}", counts.join(" "))
    }

    /// How much more there is than before; None: it has started anew.
    fn since(&self, before: &Counted) -> Option<Counted> {
        let mut within = self.within.iter().zip(&before.within);
        let grown = Counted {
            within: within
                .clone()
                .map(|((bound, is), (_, was))| (*bound, tidy(is - was)))
                .collect(),
            all: tidy(self.all - before.all),
            sum: self.sum.zip(before.sum).map(|(is, was)| tidy_sum(is - was)),
        };
        let shrunk = within.any(|((_, is), (_, was))| tidy(is - was) < 0.0) || grown.all < 0.0;
        (!shrunk).then_some(grown)
    }
}

/// Without what rounding left in the last digits.
fn tidy(number: f64) -> f64 {
    let rounded = (number * 1e6).round() / 1e6;
    // There is no negative nothing.
    rounded + 0.0
}

/// The same of a sum, which is of seconds more often than not.
fn tidy_sum(number: f64) -> f64 {
    tidy(number * 1e3) / 1e3
}

/// What of a histogram the values of a part are.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Holds {
    /// What is within a bound.
    Within(f64),
    /// How many observations there are.
    All,
    /// What they add up to.
    Sum,
}

/// A part of a histogram, and its values in promtool's notation.
pub(super) type Part = (Holds, String);

/// One step of a series.
enum Step {
    Gap,
    Stale,
    Counted(Counted),
}

/// The parts of a histogram as one series.
pub(super) fn merged(parts: &[Part], steps: usize) -> Result<String, Error> {
    merged_where(parts, steps, &|_| true)
}

/// The same with a sample at some of the steps alone.
pub(super) fn merged_where(
    parts: &[Part],
    steps: usize,
    sampled: &dyn Fn(usize) -> bool,
) -> Result<String, Error> {
    let mut read = Vec::new();
    for (holds, values) in parts {
        read.push((*holds, samples::read(values, steps).map_err(refuse)?));
    }
    let bound = |holds: &Holds| match holds {
        Holds::Within(bound) => *bound,
        Holds::All | Holds::Sum => f64::INFINITY,
    };
    read.sort_by(|(one, _), (other, _)| bound(one).total_cmp(&bound(other)));
    let longest = read.iter().map(|(_, values)| values.len()).max();
    let at = |step: usize| {
        if !sampled(step) {
            return Step::Gap;
        }
        let here = |values: &[Option<Value>]| values.get(step).copied().flatten();
        if read
            .iter()
            .any(|(_, values)| here(values) == Some(Value::Stale))
        {
            return Step::Stale;
        }
        let number = |values: &[Option<Value>]| match here(values) {
            Some(Value::Number(number)) => Some(number),
            _ => None,
        };
        let sum = read.iter().find(|(holds, _)| *holds == Holds::Sum);
        let rest = read.iter().filter(|(holds, _)| *holds != Holds::Sum);
        let (buckets, whole): (Vec<_>, Vec<_>) =
            rest.partition(|(holds, _)| bound(holds).is_finite());
        let whole = whole.into_iter();
        let Some(all) = whole.filter_map(|(_, values)| number(values)).next_back() else {
            return Step::Gap;
        };
        let within = buckets.into_iter();
        let within = within.filter_map(|(holds, values)| Some((bound(holds), number(values)?)));
        Step::Counted(Counted {
            within: within.collect(),
            all,
            sum: sum.and_then(|(_, values)| number(values)),
        })
    };
    let steps: Vec<Step> = (0..longest.unwrap_or(0)).map(at).collect();
    Ok(notation(&steps))
}

/// What grows alike from step to step is written once.
fn notation(steps: &[Step]) -> String {
    let mut words = Vec::new();
    let mut next = 0;
    while let Some(step) = steps.get(next) {
        next += 1;
        match step {
            Step::Gap => {
                let gaps = steps[next..].iter();
                let more = gaps.take_while(|step| matches!(step, Step::Gap)).count();
                next += more;
                words.push(match more {
                    0 => "_".to_string(),
                    more => format!("_x{}", more + 1),
                });
            }
            Step::Stale => words.push("stale".to_string()),
            Step::Counted(first) => {
                let (mut last, mut growth, mut more) = (first, None, 0);
                while let Some(Step::Counted(counted)) = steps.get(next) {
                    let grown = counted.since(last);
                    if grown.is_none() || growth.is_some() && grown != growth {
                        break;
                    }
                    (last, growth, more, next) = (counted, grown, more + 1, next + 1);
                }
                let first = first.notation();
                words.push(match growth {
                    None => first,
                    Some(growth) if growth.all == 0.0 => format!("{first}x{more}"),
                    Some(growth) => format!("{first}+{}x{more}", growth.notation()),
                });
            }
        }
    }
    words.join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parts(given: &[(Holds, &str)]) -> Vec<Part> {
        let given = given.iter();
        given
            .map(|(holds, values)| (*holds, values.to_string()))
            .collect()
    }

    #[test]
    fn buckets_and_a_count_are_one_series() {
        let given = parts(&[
            (Holds::Within(1.0), "0+8x2 stale _ 0+8x1"),
            (Holds::Within(2.0), "0+9x2 stale _ 0+9x1"),
            (Holds::Within(f64::INFINITY), "0+10x2 stale _ 0+10x1"),
            (Holds::All, "0+10x2 stale _ 0+10x1"),
        ]);
        let zero = "{{schema:8 count:0 sum:0 z_bucket:0 z_bucket_w:0.0009765625 offset:256 buckets:[0 0 0]}}";
        let ten = "{{schema:8 count:10 sum:10 z_bucket:8 z_bucket_w:0.0009765625 offset:256 buckets:[1 0 1]}}";
        let text = format!("{zero}+{ten}x2 stale _ {zero}+{ten}x1");
        assert_eq!(merged(&given, 100).unwrap(), text);
        let found = samples::natives(&text, 100).unwrap();
        assert_eq!(found.len(), 7);
        let third = found[2].clone().unwrap().unwrap();
        assert_eq!(third.count, 20.0);
    }

    #[test]
    fn a_restart_begins_anew_and_a_count_alone_is_enough() {
        let given = parts(&[(Holds::All, "5+5x1 0+5x1")]);
        let text = "{{schema:8 count:5 sum:5}}+{{schema:8 count:5 sum:5}}x1 {{schema:8 count:0 sum:0}}+{{schema:8 count:5 sum:5}}x1";
        assert_eq!(merged(&given, 100).unwrap(), text);
        let level = parts(&[(Holds::All, "7x3")]);
        assert_eq!(merged(&level, 100).unwrap(), "{{schema:8 count:7 sum:7}}x3");
    }

    #[test]
    fn what_was_observed_is_added_up_where_it_is_said() {
        let given = parts(&[(Holds::All, "0+4x2"), (Holds::Sum, "0+0.5x2")]);
        let text = "{{schema:8 count:0 sum:0}}+{{schema:8 count:4 sum:0.5}}x2";
        assert_eq!(merged(&given, 100).unwrap(), text);
    }

    #[test]
    fn the_bounds_lie_around_the_limit() {
        for limit in [0.001, 0.3, 1.0, 2.0, 30.0, 3600.0] {
            let bounds = bounds_around(limit);
            assert!(
                bounds[1] <= limit && limit < bounds[2],
                "{limit} {bounds:?}"
            );
            assert!(bounds[3] / bounds[0] < 1.01);
        }
    }
}
