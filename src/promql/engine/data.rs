//! Where selectors find their samples.

use super::{ByLabels, Evaluated, Failure, Labels, Millis, NAME};
use crate::promql::matchers::Judge;
use crate::promql::samples::NativeSample;
use crate::promql::{MatchOp, Matcher, VectorSelector};
use std::borrow::Cow;
use std::collections::HashMap;
use std::collections::hash_map::Entry;

/// A value at a time.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Sample {
    pub time: Millis,
    pub value: f64,
}

/// The one NaN that ends a series (`value.StaleNaN`).
const STALE: u64 = 0x7ff0_0000_0000_0002;

impl Sample {
    /// The end of a series.
    pub fn stale(time: Millis) -> Sample {
        Sample {
            time,
            value: f64::from_bits(STALE),
        }
    }

    pub fn is_stale(&self) -> bool {
        self.value.to_bits() == STALE
    }
}

/// A series as it is stored.
#[derive(Clone, Debug, PartialEq)]
pub struct Recorded {
    pub labels: Labels,
    /// Oldest first.
    pub samples: Vec<Sample>,
}

/// A series of native histograms as it is stored: its labels, and its samples, the oldest first.
pub type RecordedNative = (Labels, Vec<(Millis, NativeSample)>);

/// Stored series.
pub trait Data {
    /// Those that a selector picks.
    fn select(&self, selector: &VectorSelector) -> Evaluated<Vec<Cow<'_, Recorded>>>;

    /// Whether any of them are native histograms.
    fn holds_natives(&self) -> bool {
        false
    }

    /// Those of native histograms that a selector picks.
    fn natives(&self, _: &VectorSelector) -> Evaluated<Vec<RecordedNative>> {
        Ok(Vec::new())
    }
}

/// Series in memory, by the name of their metric.
#[derive(Debug, Default)]
pub struct Memory {
    families: HashMap<String, Family, foldhash::fast::FixedState>,
    natives: Vec<RecordedNative>,
}

/// The series of one metric.
#[derive(Debug, Default)]
struct Family {
    series: Vec<Recorded>,
    /// Labels → where the series stands in the list.
    places: ByLabels<usize>,
}

impl Memory {
    /// Adds a series of native histograms.
    pub(crate) fn add_native(&mut self, series: RecordedNative) {
        self.natives.push(series);
    }

    /// The same in place of one that has these labels, which are looked for one by one.
    pub(crate) fn give_native(&mut self, series: RecordedNative) {
        self.natives.retain(|(labels, _)| *labels != series.0);
        self.add_native(series);
    }

    /// Adds a series that is given as a whole, in place of one that has these labels.
    pub(crate) fn give(&mut self, series: Recorded) {
        let known = self.families.get_mut(series.labels.get(NAME));
        let known = known.and_then(|family| {
            let place = *family.places.get(&series.labels)?;
            family.series.get_mut(place)
        });
        match known {
            Some(known) => *known = series,
            None => self.add(series),
        }
    }

    /// Adds a series, or the samples to the series that has these labels: they are later than those that it has.
    pub fn add(&mut self, series: Recorded) {
        let name = series.labels.get(NAME);
        let family = match self.families.get_mut(name) {
            Some(family) => family,
            None => self.families.entry(name.to_string()).or_default(),
        };
        match family.places.entry(series.labels.clone()) {
            Entry::Occupied(known) => family.series[*known.get()].samples.extend(series.samples),
            Entry::Vacant(place) => {
                place.insert(family.series.len());
                family.series.push(series);
            }
        }
    }

    pub(crate) fn family(&self, name: &str) -> &[Recorded] {
        let family = self.families.get(name);
        family.map_or(&[], |family| family.series.as_slice())
    }
}

impl Data for Memory {
    fn select(&self, selector: &VectorSelector) -> Evaluated<Vec<Cow<'_, Recorded>>> {
        let (name, matchers) = named(selector)?;
        let judges = judges(&matchers);
        let picks = |series: &&Recorded| picked(&judges, &series.labels);
        if let Some(name) = name {
            let picked = self.family(name).iter().filter(picks);
            return Ok(picked.map(Cow::Borrowed).collect());
        }
        let all = self.families.values().flat_map(|family| &family.series);
        let mut all: Vec<&Recorded> = all.filter(picks).collect();
        all.sort_by(|a, b| a.labels.cmp(&b.labels));
        Ok(all.into_iter().map(Cow::Borrowed).collect())
    }

    fn holds_natives(&self) -> bool {
        !self.natives.is_empty()
    }

    fn natives(&self, selector: &VectorSelector) -> Evaluated<Vec<RecordedNative>> {
        let (name, matchers) = named(selector)?;
        let judges = judges(&matchers);
        let picks = |(labels, _): &&RecordedNative| {
            name.is_none_or(|name| labels.get(NAME) == name) && picked(&judges, labels)
        };
        Ok(self.natives.iter().filter(picks).cloned().collect())
    }
}

/// The one metric that a selector reads; None: it may read several, or is not evaluated.
pub fn metric(selector: &VectorSelector) -> Option<&str> {
    named(selector).ok()?.0
}

/// The one name that a selector asks for, and its other matchers.
fn named(selector: &VectorSelector) -> Evaluated<(Option<&str>, Vec<&Matcher>)> {
    if !selector.matchers.or_matchers.is_empty() {
        return Err(Failure::unknown("`or` between matchers is not evaluated"));
    }
    let mut name = selector.name.as_deref();
    let mut rest = Vec::new();
    for matcher in &selector.matchers.matchers {
        match (matcher.name.as_str(), &matcher.op) {
            (NAME, MatchOp::Equal) if name.is_none_or(|name| name == matcher.value) => {
                name = Some(&matcher.value)
            }
            _ => rest.push(matcher),
        }
    }
    Ok((name, rest))
}

/// What decides of each label.
fn judges<'m>(matchers: &[&'m Matcher]) -> Vec<(&'m str, Judge<'m>)> {
    let judge = |matcher: &&'m Matcher| (matcher.name.as_str(), Judge::of(matcher));
    matchers.iter().map(judge).collect()
}

fn picked(judges: &[(&str, Judge)], labels: &Labels) -> bool {
    let mut judges = judges.iter();
    judges.all(|(label, judge)| judge.picks(labels.get(label)))
}
