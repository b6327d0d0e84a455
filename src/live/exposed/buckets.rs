//! The buckets of a histogram, held against those that are declared and those that rules read.

use super::{cannot_fire, readers};
use crate::catalog::{Catalog, Metric, Service};
use crate::diagnostic::{Diagnostic, Place};
use crate::live::exposition::Sample;
use crate::promql::{MatchOp, VectorSelector};
use std::collections::{BTreeMap, HashMap};

/// Name of a histogram's buckets → each bound that a rule reads by itself, with the rule.
pub(crate) struct Bounds<'a> {
    catalog: &'a Catalog,
    read: HashMap<String, BTreeMap<String, &'a str>>,
}

impl<'a> Bounds<'a> {
    /// None yet.
    pub(super) fn of(catalog: &'a Catalog) -> Bounds<'a> {
        let read = HashMap::new();
        Bounds { catalog, read }
    }

    /// Those that a rule reads by a selector.
    pub(super) fn add(&mut self, rule: &'a str, selector: &VectorSelector) {
        let matchers = selector.matchers.matchers.iter();
        for bound in matchers.filter(|one| one.name == "le" && one.op == MatchOp::Equal) {
            let metric = selector.name.clone().unwrap_or_default();
            let known = self.read.entry(metric).or_default();
            known.insert(bound.value.clone(), rule);
        }
    }

    /// What is wrong with the bounds that a histogram has.
    pub(crate) fn judge(
        &self,
        service: &Service,
        metric: &Metric,
        samples: &[&Sample],
    ) -> Option<Diagnostic> {
        // As text a native histogram has none.
        if metric.r#type != "histogram" || metric.whole {
            return None;
        }
        let buckets = format!("{}_bucket", metric.name);
        let of_buckets = samples.iter().filter(|sample| sample.name == buckets);
        let bounds = of_buckets.filter_map(|sample| sample.label("le").parse::<f64>().ok());
        let (mut there, whole): (Vec<f64>, Vec<f64>) = bounds.partition(|bound| bound.is_finite());
        let place = Place::Key(format!("/metrics/{}", metric.key));
        let (who, name) = (&service.name, &metric.name);
        there.sort_by(f64::total_cmp);
        let most = there.chunk_by(|one, other| one == other).map(<[f64]>::len);
        if most.max() > Some(whole.len()) {
            let blind = cannot_fire(readers(self.catalog, service, metric));
            let message = format!(
                "{who}: the histogram {name} has series without the bucket le=\"+Inf\": its quantiles are no number{blind}"
            );
            return Some(
                Diagnostic::error("histogram-buckets", place, message)
                    .help("expose what the client library generates, unchanged: the last bucket counts every observation"),
            );
        }
        there.dedup();
        if there.is_empty() {
            let blind = cannot_fire(readers(self.catalog, service, metric));
            let message =
                format!("{who}: the histogram {name} has no buckets but that of everything{blind}");
            return Some(
                Diagnostic::error("histogram-buckets", place, message).help(
                    "a native histogram is exposed so: give it classic buckets beside it, as the rules read those; `buckets` in the contract says which",
                ),
            );
        }
        let unread = self.read.get(&buckets).into_iter().flatten();
        let unread = unread
            .filter(|(bound, _)| {
                bound
                    .parse()
                    .is_ok_and(|bound: f64| bound.is_finite() && !there.contains(&bound))
            })
            .map(|(bound, rule)| (bound.clone(), format!("; {rule} reads it and sees nothing")));
        let declared = metric.buckets.iter().filter(|bound| !there.contains(bound));
        let declared = declared.map(|bound| (bound.to_string(), String::new()));
        let mut missing: Vec<(String, String)> = unread.collect();
        let read = !missing.is_empty();
        for (bound, why) in declared {
            let same = |(known, _): &(String, String)| known.parse::<f64>() == bound.parse::<f64>();
            if !missing.iter().any(same) {
                missing.push((bound, why));
            }
        }
        let (first, why) = missing.first()?;
        let more = match missing.len() {
            1 => String::new(),
            all => format!(" and {} more", all - 1),
        };
        let message = format!("{who}: the histogram {name} has no bucket le={first:?}{more}{why}");
        let there: Vec<String> = there.iter().map(f64::to_string).collect();
        let help = format!(
            "give the histogram in the code the `buckets` of the contract, or write in the contract those that it has: {}",
            there.join(", ")
        );
        Some(match read {
            true => Diagnostic::error("histogram-buckets", place, message).help(help),
            false => Diagnostic::warning("histogram-buckets", place, message).help(help),
        })
    }
}
