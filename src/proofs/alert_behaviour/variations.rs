//! What must not matter: other values of labels that an alert asks for alike, more series than an aggregation keeps, and the series
//! of which its kind says nothing.
//!
//! Only what a rule tells apart is tried, so that rules that ask for nothing more than the catalog cost nothing more.

use super::played::Others;
use crate::cases::{OpenLabel, Trial, neighbourhood};
use crate::catalog::{Alert, Catalog, Service};
use crate::contract::Contract;
use crate::contract::domain::Domain;
use crate::contract::series::{MetricType, SeriesSet};
use crate::evaluation::rules::Rule;
use crate::evaluation::unit_tests::labels;
use crate::promql::engine::{Labels, NAME, metric};
use crate::promql::matchers::{Judge, pattern, picks, regex};
use crate::promql::token::{T_BOTTOMK, T_LIMITK, T_TOPK};
use crate::promql::walk::children;
use crate::promql::{Expr, Matcher, VectorSelector, number};
use std::collections::{BTreeMap, BTreeSet, HashSet};

/// A case as it must hold too.
pub(super) struct Variation {
    pub(super) trial: Trial,
    /// A label by whose values the alert fires apart, and the value that it has here.
    told: Option<(String, String)>,
    pub(super) others: Others,
    /// Other alerts that fire here, whatever their own rules say.
    firing: Vec<String>,
}

impl Variation {
    /// The labels that are promised here.
    pub(super) fn told(&self, promise: &Labels) -> Labels {
        match &self.told {
            Some((label, value)) => promise.with(label, value),
            None => promise.clone(),
        }
    }

    /// Whether it says itself what the rule would.
    pub(super) fn gives(&self, rule: &Rule) -> bool {
        rule.alert.is_some() && self.firing.contains(&rule.name)
    }
}

/// Values of a label that are tried, at most.
const VALUES: usize = 12;

/// Series that one is split into, at most.
const SERIES: usize = 1_000;

/// The same case with other values of labels, wherever the rules tell values apart that the alert asks for alike.
pub(super) fn of_labels(
    trial: &Trial,
    open: &[OpenLabel],
    read: &[&VectorSelector],
) -> Vec<Variation> {
    let mut all = Vec::new();
    for open in open {
        let mut matchers: Vec<&Matcher> = Vec::new();
        for selector in read {
            if metric(selector).is_none_or(|name| name == open.metric) {
                let of_label = selector.matchers.matchers.iter();
                matchers.extend(of_label.filter(|matcher| matcher.name == open.label));
            }
        }
        if matchers.is_empty() {
            continue;
        }
        let judges: Vec<Judge> = matchers.iter().map(|matcher| Judge::of(matcher)).collect();
        let picked = |value: &str| -> Vec<bool> {
            let judges = judges.iter();
            judges.map(|judge| judge.picks(value)).collect()
        };
        let asked = |value: &str| -> Vec<bool> {
            let patterns = open.asked.iter();
            let matched =
                patterns.map(|pattern| regex(pattern).is_none_or(|it| it.is_match(value)));
            matched.collect()
        };
        let mut known = HashSet::new();
        let values = values(&open.domain, &open.asked, &matchers);
        let values = values
            .into_iter()
            .filter(|value| known.insert((picked(value), asked(value))));
        for value in values.take(VALUES) {
            let differs = |current: &str| {
                asked(current) == asked(&value) && picked(current) != picked(&value)
            };
            let other = |labels: Labels| {
                let current = labels.get(&open.label);
                let other = match &open.given {
                    // What has the other value already takes this one's.
                    Some(own) if differs(own) && current == value => own,
                    Some(own) if current != own => return labels,
                    _ if differs(current) => &value,
                    _ => return labels,
                };
                // What is read together is of one instance, and of one value that the alert fires apart by.
                match open.given.is_some() || labels.get(NAME) == open.metric {
                    true => labels.with(&open.label, other),
                    false => labels,
                }
            };
            let which = format!("where `{}` is {value:?}", open.label);
            all.extend(changed(trial, &which, other).map(|trial| Variation {
                trial,
                told: open.told.then(|| (open.label.clone(), value.clone())),
                others: Others::Silent,
                firing: Vec::new(),
            }));
        }
    }
    all
}

/// The case with every series of the service split into more than an aggregation keeps, as far as labels can tell so many apart.
pub(super) fn of_many(
    trial: &Trial,
    open: &[OpenLabel],
    kept: usize,
    service: &str,
) -> Option<Variation> {
    let mut found = trial.clone();
    found.series.clear();
    let mut split = false;
    for (text, values) in &trial.series {
        let own = labels(text)
            .ok()
            .filter(|own| own.get("service") == service);
        let parts = own.and_then(|own| parts(&own, open, kept + 1));
        match parts.and_then(|parts| Some((divided(values, parts.len())?, parts))) {
            Some((values, parts)) => {
                split = true;
                let parts = parts.into_iter();
                found
                    .series
                    .extend(parts.map(|labels| (written(&labels), values.clone())));
            }
            None => found.series.push((text.clone(), values.clone())),
        }
    }
    found.name += &format!(", with more than {kept} series of each");
    split.then_some(Variation {
        trial: found,
        told: None,
        others: Others::Silent,
        firing: Vec::new(),
    })
}

/// The case with more series that each fire by themselves than an aggregation keeps; the alert must fire for every one of them.
pub(super) fn of_several(trial: &Trial, open: &[OpenLabel], kept: usize) -> Vec<Variation> {
    let Some(told) = open.iter().find(|open| open.told) else {
        return Vec::new();
    };
    let values = several(&told.domain, kept + 1);
    let mut found = trial.clone();
    found.name += &format!(", for more than {kept} values of `{}` at once", told.label);
    found.series.clear();
    for (text, moves) in &trial.series {
        let own = labels(text).ok();
        match own.filter(|own| !own.get(&told.label).is_empty()) {
            Some(own) => found.series.extend(values.iter().map(|value| {
                let other = own.with(&told.label, value);
                (written(&other), moves.clone())
            })),
            None => found.series.push((text.clone(), moves.clone())),
        }
    }
    let values = values.into_iter().filter(|_| !found.series.is_empty());
    let one = |value| Variation {
        trial: found.clone(),
        told: Some((told.label.clone(), value)),
        others: Others::Any,
        firing: Vec::new(),
    };
    values.map(one).collect()
}

/// The case beside series that the rules read and no case gives: of the service's own other metrics, and of other services.
pub(super) fn beside_others(
    trial: &Trial,
    given: &BTreeSet<String>,
    (rules, read): (&[&Rule], &[&VectorSelector]),
    contract: &Contract,
    service: &str,
) -> Vec<Variation> {
    let recorded: HashSet<&str> = rules.iter().map(|rule| rule.name.as_str()).collect();
    let known = trial.series.iter();
    let known: Vec<Labels> = known.flat_map(|(text, _)| labels(text)).collect();
    let mut all = Vec::new();
    let mut seen = HashSet::new();
    for selector in read {
        let Some(name) = metric(selector).filter(|name| !recorded.contains(name)) else {
            continue;
        };
        let matchers = &selector.matchers.matchers;
        let picks = |labels: &Labels| {
            let mut matchers = matchers.iter().filter(|matcher| matcher.name != NAME);
            labels.get(NAME) == name
                && matchers.all(|matcher| picks(matcher, labels.get(&matcher.name)))
        };
        // What fires without a word of scrapes fires whatever another instance's are.
        let scrapes = name == "up" && known.iter().all(|labels| labels.get(NAME) != name);
        if name.starts_with("ALERTS") || known.iter().any(picks) {
            continue;
        }
        let free = scrapes || !given.contains(name);
        // A probe of the service is of the service.
        let is_own = |target: &BTreeMap<String, String>| {
            let mut labels = ["job", "service"].iter().filter_map(|of| target.get(*of));
            labels.any(|named| named == service)
        };
        let own = |target: &BTreeMap<String, String>| is_own(target) && free;
        let other = |target: &BTreeMap<String, String>| !is_own(target);
        for series in contract.family(name) {
            let mut found = Vec::new();
            // An instance whose series are there is up; another one of the service may not be.
            found.extend(example(contract, series, selector, &own).map(|labels| {
                match name == "up" {
                    true => labels.with("instance", "another:1"),
                    false => labels,
                }
            }));
            found.extend(example(contract, series, selector, &other));
            found.retain(|labels| seen.insert(labels.clone()));
            for labels in found {
                let text = written(&labels);
                for values in movements(name, series.kind, trial.last) {
                    let mut varied = trial.clone();
                    varied.name += &format!(", whatever `{text}` is");
                    varied.series.push((text.clone(), values));
                    all.push(Variation {
                        trial: varied,
                        told: None,
                        others: Others::OfOtherServices,
                        firing: Vec::new(),
                    });
                }
            }
        }
    }
    all
}

/// The case with the health check of each instance in the place of the one that is given, wherever the rules tell them apart.
pub(super) fn of_probes(
    trial: &Trial,
    read: &[&VectorSelector],
    service: &Service,
) -> Vec<Variation> {
    let asked: Vec<Judge> = read
        .iter()
        .flat_map(|selector| &selector.matchers.matchers)
        .filter(|matcher| matcher.name == "instance")
        .map(Judge::of)
        .collect();
    let picked = |value: &str| -> Vec<bool> {
        let asked = asked.iter();
        asked.map(|judge| judge.picks(value)).collect()
    };
    let urls = service.health_urls.iter().filter(|_| !asked.is_empty());
    let varied = urls.filter_map(|url| {
        let probed = |labels: Labels| {
            let own = labels.get("service") == service.name;
            let probe = labels.get("job") != labels.get("service");
            match own && probe && picked(labels.get("instance")) != picked(url) {
                true => labels.with("instance", url),
                false => labels,
            }
        };
        let trial = changed(trial, &format!("where {url} is what is probed"), probed)?;
        Some(Variation {
            trial,
            told: None,
            others: Others::Silent,
            firing: Vec::new(),
        })
    });
    varied.collect()
}

/// The case while every other alert fires for the service that the rules ask for. One that explains the others may hold them back.
pub(super) fn beside_alerts(
    trial: &Trial,
    (rules, read, catalog): (&[&Rule], &[&VectorSelector], &Catalog),
    alert: &Alert,
    promise: &Labels,
) -> Option<Variation> {
    let mut found = Variation {
        trial: trial.clone(),
        told: None,
        others: Others::OfOtherServices,
        firing: Vec::new(),
    };
    for selector in read {
        let Some(name) = metric(selector).filter(|name| name.starts_with("ALERTS")) else {
            continue;
        };
        let matchers = &selector.matchers.matchers;
        let explains = |other: &str| {
            let known = catalog.alert(other);
            known.is_some_and(|known| known.kind.holds_back_others)
        };
        // One that no rule of the catalog has may be the user's own.
        let asked = matchers
            .iter()
            .filter(|matcher| matcher.name == "alertname");
        let asked = asked.map(|matcher| (matcher.value.as_str(), None));
        let known = rules.iter().filter(|rule| rule.alert.is_some());
        let known = known.map(|rule| (rule.name.as_str(), Some(rule)));
        for (other, rule) in known.chain(asked) {
            if other == alert.name || explains(other) {
                continue;
            }
            let firing = promise.with(NAME, name).with("alertname", other);
            let mut firing = firing.with("alertstate", "firing");
            for (label, value) in rule.iter().flat_map(|rule| rule.constant_labels()) {
                // Those of the service are the tested one's.
                if !["job", "service", "component"].contains(&label) {
                    firing = firing.with(label, value);
                }
            }
            let mut matchers = matchers.iter().filter(|matcher| matcher.name != NAME);
            let new = found.firing.iter().all(|known| known != other);
            if new && matchers.all(|matcher| picks(matcher, firing.get(&matcher.name))) {
                let values = format!("1x{}", trial.last);
                found.trial.series.push((written(&firing), values));
                found.firing.push(other.to_string());
            }
        }
    }
    let first = found.firing.first()?;
    found.trial.name += &format!(", while `{first}` fires for it too");
    Some(found)
}

/// What a series may do that nothing is known of but its type.
fn movements(name: &str, kind: MetricType, last: i64) -> Vec<String> {
    let level = |level: u64| format!("{level}x{last}");
    let rising = format!("0+1000x{last}");
    match kind {
        _ if name == "up" => vec![level(0), level(1)],
        MetricType::Counter => vec![level(0), rising],
        MetricType::Histogram => {
            let some = "{{schema:0 count:1000 sum:1000 buckets:[1000]}}";
            vec![format!("{some}x{last}"), format!("{some}+{some}x{last}")]
        }
        _ => vec![level(0), level(1), level(1_000_000_000_000), rising],
    }
}

/// A case with other labels; None: nothing is another, or two series are the same then.
fn changed(trial: &Trial, which: &str, other: impl Fn(Labels) -> Labels) -> Option<Trial> {
    let mut found = trial.clone();
    found.name += &format!(", {which}");
    let mut known = HashSet::new();
    let mut differs = false;
    for (text, _) in &mut found.series {
        let was = labels(text).ok()?;
        let is = other(was.clone());
        if is != was {
            differs = true;
            *text = written(&is);
        }
        if !known.insert(is) {
            return None;
        }
    }
    differs.then_some(found)
}

/// Values of a label on every side of what rules and the alert ask of it.
pub(in crate::proofs) fn values(
    domain: &Domain,
    asked: &BTreeSet<String>,
    matchers: &[&Matcher],
) -> BTreeSet<String> {
    let patterns: BTreeSet<String> = matchers
        .iter()
        .map(|matcher| pattern(matcher))
        .chain(asked.iter().cloned())
        .collect();
    let mut found = BTreeSet::new();
    if let Domain::Values(all) = domain {
        found.extend(all.iter().cloned());
    }
    for pattern in &patterns {
        let side = Domain::Pattern(pattern.clone());
        // Beside none at all, which is the shortest that is not picked.
        found.extend(domain.example(&format!("|(?:{pattern})"), false));
        for is in [true, false] {
            found.extend(domain.example(pattern, is));
            found.extend(patterns.iter().flat_map(|other| side.example(other, is)));
        }
    }
    found.retain(|value| !value.is_empty() && domain.holds(value));
    found
}

/// How many series the aggregations of an expression keep, at most; None: there are no such aggregations.
pub(super) fn kept(expr: &Expr) -> Option<usize> {
    let own = match expr {
        Expr::Aggregate(aggregate) => aggregate.param.as_deref().and_then(|param| {
            let counts = [T_TOPK, T_BOTTOMK, T_LIMITK].contains(&aggregate.op.id());
            let kept = number::number(param).filter(|kept| counts && *kept < SERIES as f64)?;
            Some(kept.max(0.0) as usize)
        }),
        _ => None,
    };
    let inner = children(expr).filter_map(kept);
    inner.chain(own).max()
}

/// The series as so many, by a label that can have so many values.
fn parts(own: &Labels, open: &[OpenLabel], count: usize) -> Option<Vec<Labels>> {
    let of_metric = open.iter().filter(|open| open.metric == own.get(NAME));
    let mut of_metric = of_metric.filter(|open| own.get(&open.label).is_empty());
    of_metric.find_map(|open| {
        let values = several(&open.domain, count);
        let parts = values.iter().map(|value| own.with(&open.label, value));
        (values.len() == count).then(|| parts.collect())
    })
}

/// Values of a label, up to so many.
fn several(domain: &Domain, count: usize) -> Vec<String> {
    let mut values: Vec<String> = Vec::new();
    while values.len() < count {
        let known: Vec<String> = values
            .iter()
            .map(|known| regex_syntax::escape(known))
            .collect();
        let next = domain.example(&known.join("|"), false);
        match next.filter(|next| !next.is_empty() && !values.contains(next)) {
            Some(next) => values.push(next),
            None => break,
        }
    }
    values
}

/// The values of a counter that is one of so many which add up to it; None: it is no counter, or stands still.
fn divided(values: &str, parts: usize) -> Option<String> {
    let parts = parts as f64;
    let rising = |run: &str| -> Option<String> {
        let (movement, times) = run.rsplit_once('x')?;
        let (first, by) = movement.split_once('+')?;
        let (first, by) = (first.parse::<f64>().ok()?, by.parse::<f64>().ok()?);
        Some(format!("{}+{}x{times}", first / parts, by / parts))
    };
    let runs = values
        .split_whitespace()
        .map(|run| match run == "stale" || run.starts_with('_') {
            true => Some(run.to_string()),
            false => rising(run),
        });
    Some(runs.collect::<Option<Vec<String>>>()?.join(" "))
}

/// The labels of a series that a selector picks, of a target that is wanted.
fn example(
    contract: &Contract,
    series: &SeriesSet,
    selector: &VectorSelector,
    wanted: &dyn Fn(&BTreeMap<String, String>) -> bool,
) -> Option<Labels> {
    let matchers = &selector.matchers.matchers;
    let picked = contract.select(series, matchers)?;
    let mut targets = picked.targets.ones();
    let target = targets.find_map(|index| {
        let target = &contract.targets.list[index];
        wanted(&target.labels).then_some(target)
    })?;
    let name = metric(selector).map(|name| (NAME, name));
    let mut labels: Labels = picked.labels_of(target).chain(name).collect();
    for (label, domain) in &picked.labels {
        let asked: Vec<&Matcher> = matchers
            .iter()
            .filter(|asked| asked.name == *label)
            .collect();
        if !asked.is_empty() {
            let values = values(domain, &BTreeSet::new(), &asked);
            let judges: Vec<Judge> = asked.into_iter().map(Judge::of).collect();
            let mut values = values.iter();
            let value = values.find(|value| judges.iter().all(|judge| judge.picks(value)))?;
            labels = labels.with(label, value);
        }
    }
    Some(labels)
}

/// As promtool's tests write a series.
fn written(labels: &Labels) -> String {
    let others = labels.iter().filter(|(label, _)| *label != NAME);
    let others: Vec<(String, String)> = others
        .map(|(label, value)| (label.to_string(), value.to_string()))
        .collect();
    neighbourhood::written(labels.get(NAME), &others)
}
