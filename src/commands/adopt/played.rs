//! The alerts of the old rules and those of the new ones, run over the same made-up worlds.

use super::inferred;
use crate::catalog::Duration;
use crate::evaluation::rules::{Library, Rule, Rules, State, in_dependency_order};
use crate::evaluation::steady::{self, Steady};
use crate::evaluation::unit_tests::recorded;
use crate::promql::engine::{Axis, Labels, Memory, Millis, NAME, Release, metric};
use crate::promql::samples::Value as Given;
use crate::promql::walk::{children, selectors};
use crate::promql::{Expr, LabelModifier, MatchOp, parse};
use crate::value::Value;
use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::rc::Rc;

/// What a catalog adds to every series of a service.
pub(super) const ADDED: [&str; 2] = ["service", "component"];

/// What a target was called, and what it is called now.
pub(super) type Pair = [Labels; 2];

/// What is wrong with an alert, if it is not as it was.
#[derive(Debug, PartialEq)]
pub(super) enum Differs {
    /// There is none of this name.
    Lost,
    /// It says other labels, or waits for another time.
    Said(String),
    /// It fires where the other does not.
    Fires(String),
}

/// So many worlds an alert is tried in; fewer where each is long.
const WORLDS: usize = 48;

/// So many samples a series has at most.
const LONGEST: usize = 1500;

/// So many targets of a job, and series of a metric of each.
const TARGETS: usize = 2;
const SERIES: usize = 6;

const MINUTE: Millis = 60_000;

/// What both sides are tried with.
pub(super) struct Stage<'a> {
    /// Rules as they were, and as they are; those that can be read.
    pub(super) old: Vec<Rule>,
    pub(super) new: Vec<&'a Rule>,
    pub(super) targets: Vec<Pair>,
    /// Metrics that are 0 or 1, as the report says.
    pub(super) flags: BTreeSet<&'a str>,
    /// Whether a job exposes a metric; None: nobody knows.
    pub(super) exposes: &'a dyn Fn(&str, &str) -> Option<bool>,
}

/// The rules of files, as far as they can be read.
pub(super) fn read<'v>(rules: impl Iterator<Item = &'v Value>) -> Vec<Rule> {
    let mut parsed = |text: &str| parse(text).map(Rc::new);
    rules
        .filter_map(|rule| Rule::read(rule, &mut parsed).ok())
        .collect()
}

impl Stage<'_> {
    /// How each old alert differs, by its name.
    pub(super) fn differ(&self) -> Vec<(String, Differs)> {
        let old = Library::of(in_dependency_order(self.old.iter().collect()));
        let new = Library::of(in_dependency_order(self.new.clone()));
        let named = self.old.iter().filter(|rule| rule.alert.is_some());
        let names: BTreeSet<&str> = named.map(|rule| rule.name.as_str()).collect();
        let mut found = Vec::new();
        for name in names {
            let both =
                [&old, &new].map(|one| one.needed(std::iter::once(name), std::iter::empty()));
            let one = self.differs(name, &both);
            found.extend(one.map(|one| (name.to_string(), one)));
        }
        found
    }

    fn differs(&self, name: &str, both: &[Vec<&Rule>; 2]) -> Option<Differs> {
        let own = |rules: &[&Rule]| -> Vec<Rule> {
            let own = rules
                .iter()
                .filter(|rule| rule.alert.is_some() && rule.name == name);
            own.map(|rule| (*rule).clone()).collect()
        };
        let [before, after] = both.each_ref().map(|rules| own(rules));
        if after.is_empty() {
            return Some(Differs::Lost);
        }
        let waits = |rules: &[Rule]| -> BTreeSet<[Millis; 2]> {
            let alerts = rules.iter().filter_map(|rule| rule.alert.as_ref());
            alerts.map(|alert| [alert.hold, alert.keep]).collect()
        };
        let (was, is) = (waits(&before), waits(&after));
        if was != is {
            let list = |waits: &BTreeSet<[Millis; 2]>, at: usize| {
                let waits: BTreeSet<Millis> = waits.iter().map(|wait| wait[at]).collect();
                let waits = waits.into_iter().map(written);
                waits.collect::<Vec<_>>().join(" and ")
            };
            let keys = ["for", "keep_firing_for"];
            let changed = (0..2).filter(|at| list(&was, *at) != list(&is, *at));
            let changed = changed.map(|at| {
                format!(
                    "its `{}` is {}, not {}",
                    keys[at],
                    list(&is, at),
                    list(&was, at)
                )
            });
            return Some(Differs::Said(changed.collect::<Vec<_>>().join(", ")));
        }
        // Both wait alike: what counts is when each begins to.
        let [before, after] = both.each_ref().map(|rules| -> Vec<Rule> {
            let at_once = rules.iter().map(|rule| rule.at_once());
            at_once.collect()
        });
        let given = self.given(&before, &after);
        let world = World::of([&before, &after], &given, &self.flags);
        world.differs(name, [&before, &after])
    }

    /// The series that the rules read, as they were called and as they are.
    fn given(&self, before: &[Rule], after: &[Rule]) -> Vec<Pair> {
        let written: BTreeSet<&str> = before
            .iter()
            .chain(after)
            .map(|rule| rule.name.as_str())
            .chain(["ALERTS", "ALERTS_FOR_STATE"])
            .collect();
        let all = || {
            before
                .iter()
                .chain(after)
                .flat_map(|rule| selectors(&rule.expr))
        };
        let names: BTreeSet<&str> = all().filter_map(metric).collect();
        let mut labels = BTreeSet::new();
        before
            .iter()
            .chain(after)
            .for_each(|rule| grouped(&rule.expr, &mut labels));
        let limits = limits(before);
        let mut given = Vec::new();
        for name in names.into_iter().filter(|name| !written.contains(name)) {
            let asked = || all().filter(|one| metric(one) == Some(name));
            let mut values: BTreeMap<&str, Vec<String>> = BTreeMap::new();
            for matcher in asked().flat_map(|one| &one.matchers.matchers) {
                if OF_TARGETS.contains(&matcher.name.as_str()) {
                    continue;
                }
                let known = values.entry(&matcher.name).or_default();
                let mut words: Vec<String> = match &matcher.op {
                    MatchOp::Equal | MatchOp::NotEqual => vec![matcher.value.clone()],
                    _ => matcher
                        .value
                        .split(['|', '(', ')', '^', '$'])
                        .map(of_pattern)
                        .collect(),
                };
                words.retain(|word| !word.is_empty() && !known.contains(word));
                known.extend(words);
            }
            // Ranges, and what is looked for by name: a value that nothing names is there too.
            for label in &labels {
                values.entry(label.as_str()).or_default();
            }
            values.retain(|label, _| *label != NAME && !OF_TARGETS.contains(label));
            for words in values.values_mut() {
                words.push("any".to_string());
            }
            values.remove("le");
            if name.ends_with("_bucket") {
                values.insert("le", limits.clone());
            }
            for [old, new] in self.exposing(name) {
                for more in variants(&values) {
                    let with = |target: &Labels| {
                        let mut all = target.with(NAME, name);
                        for (label, value) in &more {
                            all = all.with(label, value);
                        }
                        all
                    };
                    given.push([with(old), with(new)]);
                }
            }
        }
        given
    }

    /// The targets that have a metric: those of jobs that are known to, otherwise those of which nobody knows.
    fn exposing(&self, name: &str) -> Vec<&Pair> {
        let of = |wanted: Option<bool>| -> Vec<&Pair> {
            let mut jobs: BTreeMap<&str, usize> = BTreeMap::new();
            let all = self
                .targets
                .iter()
                .filter(|[old, _]| (self.exposes)(old.get("job"), name) == wanted);
            all.filter(|[old, _]| {
                let count = jobs.entry(old.get("job")).or_default();
                *count += 1;
                *count <= TARGETS
            })
            .collect()
        };
        let mut ways = [Some(true), None, Some(false)].into_iter().map(of);
        ways.find(|found| !found.is_empty()).unwrap_or_default()
    }
}

/// Labels of targets, which the targets themselves say.
const OF_TARGETS: [&str; 4] = ["job", "service", "component", "instance"];

/// Series with values, and what is asked of them.
struct World<'g> {
    given: &'g [Pair],
    /// Whether each counts.
    counts: Vec<bool>,
    flags: &'g BTreeSet<&'g str>,
    /// Numbers around which values are.
    near: Vec<f64>,
    step: Millis,
    count: usize,
    axis: Axis,
}

impl<'g> World<'g> {
    fn of(
        [before, after]: [&[Rule]; 2],
        given: &'g [Pair],
        flags: &'g BTreeSet<&'g str>,
    ) -> World<'g> {
        let rules = || before.iter().chain(after);
        let (mut near, mut spans) = (Vec::new(), Vec::new());
        rules().for_each(|rule| steady::read(&rule.expr, &mut near, &mut spans));
        let shortest = spans.iter().copied().filter(|span| *span > 0).min();
        let reach = spans.iter().sum::<Millis>() + 10 * MINUTE;
        let mut step = shortest.map_or(MINUTE, |span| (span / 4).clamp(15_000, MINUTE));
        while reach / step > LONGEST as Millis && step < shortest.unwrap_or(MINUTE) / 2 {
            step *= 2;
        }
        let count = usize::try_from(reach / step)
            .unwrap_or(LONGEST)
            .min(LONGEST)
            + 1;
        let mut counting = Vec::new();
        rules().for_each(|rule| inferred::read(&rule.expr, false, &mut counting));
        let counting = counting.into_iter().filter(|(_, counts)| *counts);
        let counting: BTreeSet<&str> = counting.filter_map(|(one, _)| metric(one)).collect();
        let counts = given.iter().map(|[old, _]| {
            let name = old.get(NAME);
            counting.contains(name) || steady::counts(name)
        });
        // What looks back at what a rule records needs all that it recorded.
        let records = rules().filter(|rule| rule.alert.is_none());
        let records: BTreeSet<&str> = records.map(|rule| rule.name.as_str()).collect();
        let looks_back = rules().any(|rule| {
            let mut spans = Vec::new();
            steady::read(&rule.expr, &mut Vec::new(), &mut spans);
            let mut reads = selectors(&rule.expr).into_iter().filter_map(metric);
            !spans.is_empty() && reads.any(|name| records.contains(name))
        });
        let last = step * Millis::try_from(count - 1).unwrap_or(0);
        let axis = match looks_back {
            true => Axis {
                start: 0,
                step,
                count,
            },
            false => Axis {
                start: last,
                step,
                count: 1,
            },
        };
        World {
            counts: counts.collect(),
            flags,
            given,
            near,
            step,
            count,
            axis,
        }
    }

    fn differs(&self, name: &str, rules: [&[Rule]; 2]) -> Option<Differs> {
        let mut made = Steady::around(&self.near);
        let series: Vec<&Labels> = self.given.iter().map(|[old, _]| old).collect();
        let worlds = (30_000 / self.count.max(1)).clamp(6, WORLDS);
        let mut other = None;
        for world in 0..worlds {
            let values = made.levels(&series);
            let mut levels: Vec<Option<f64>> = values.into_iter().map(Some).collect();
            let of =
                |series: &Labels| ["job", "instance"].map(|label| series.get(label).to_string());
            let mut down = BTreeSet::new();
            for (series, level) in series.iter().zip(&mut levels) {
                if series.get(NAME) == "up" {
                    // A server that is gone tells nobody so.
                    let up = series.get("job") == "prometheus" || made.one_of(3) > 0;
                    if !up {
                        down.insert(of(series));
                    }
                    *level = Some(f64::from(u8::from(up)));
                } else if self.flags.contains(series.get(NAME)) {
                    *level = level.map(|level| f64::from(u8::from(level > 0.0)));
                } else if world >= worlds / 2 && series.get("le").is_empty() && made.one_of(8) == 0
                {
                    // The first worlds have everything.
                    *level = None;
                }
            }
            for (series, level) in series.iter().zip(&mut levels) {
                if series.get(NAME) != "up" && down.contains(&of(series)) {
                    *level = None;
                }
            }
            // What counts observations and what adds them up are exposed together.
            let gone = series.iter().zip(&levels);
            let gone = gone.filter(|(_, level)| level.is_none());
            let gone: HashSet<Labels> = gone.filter_map(|(one, _)| steady::observed(one)).collect();
            for (series, level) in series.iter().zip(&mut levels) {
                if steady::observed(series).is_some_and(|whole| gone.contains(&whole)) {
                    *level = None;
                }
            }
            let [mut was, mut is] =
                [0, 1].map(|side| self.firing(side, &levels, name, rules[side]));
            let names = |all: &BTreeSet<Labels>| -> BTreeSet<String> {
                let names = all.iter().flat_map(Labels::iter);
                names.map(|(label, _)| label.to_string()).collect()
            };
            let (said, says) = (names(&was), names(&is));
            if said != says && !was.is_empty() && !is.is_empty() {
                other.get_or_insert_with(|| words_of_labels(&said, &says));
            }
            let common: BTreeSet<String> = said.intersection(&says).cloned().collect();
            if !was.is_empty() && !is.is_empty() {
                let cut = |all: BTreeSet<Labels>| -> BTreeSet<Labels> {
                    let cut = all.into_iter();
                    cut.map(|one| one.filtered(|label| common.contains(label)))
                        .collect()
                };
                (was, is) = (cut(was), cut(is));
            }
            if was == is {
                continue;
            }
            let too_much = is.difference(&was).next();
            let how = match too_much.or_else(|| was.difference(&is).next()) {
                Some(one) => {
                    let word = if too_much.is_some() {
                        "fires"
                    } else {
                        "is silent"
                    };
                    let other = if too_much.is_some() {
                        "is silent"
                    } else {
                        "fires"
                    };
                    let own = one.iter().filter(|(label, _)| *label != "alertname");
                    let own: Vec<String> = own
                        .map(|(label, value)| format!("{label}={value}"))
                        .collect();
                    format!(
                        "{word} where yours {other} for {}{}",
                        own.join(", "),
                        self.seen(one, &levels)
                    )
                }
                None => continue,
            };
            return Some(Differs::Fires(how));
        }
        other.map(Differs::Said)
    }

    /// Which alerts fire at the end, as far as they are told apart by what both sides may say.
    fn firing(
        &self,
        side: usize,
        levels: &[Option<f64>],
        name: &str,
        rules: &[Rule],
    ) -> BTreeSet<Labels> {
        let mut memory = Memory::default();
        for (index, (pair, level)) in self.given.iter().zip(levels).enumerate() {
            let Some(level) = level else {
                continue;
            };
            let values = (0..self.count).map(|at| {
                let seconds = self.step as f64 / 1000.0 * at as f64;
                Some(Given::Number(match self.counts[index] {
                    true => level.abs() * seconds,
                    false => *level,
                }))
            });
            memory.add(recorded(pair[side].clone(), values.collect(), self.step));
        }
        let rules: Vec<&Rule> = rules.iter().collect();
        let run = Rules {
            rules: rules.clone(),
            axis: self.axis,
            release: Release::Three,
        };
        let outcomes = run.run(&mut memory);
        let of_alert = rules.iter().zip(&outcomes);
        let of_alert = of_alert.filter(|(rule, _)| rule.alert.is_some() && rule.name == name);
        let actives = of_alert.flat_map(|(_, outcome)| &outcome.alerts);
        let firing = actives.filter(|one| one.states.last() == Some(&State::Firing));
        firing
            .map(|one| one.labels.filtered(|label| !ADDED.contains(&label)))
            .collect()
    }

    /// The values behind an alert, of the series that are about the same.
    fn seen(&self, alert: &Labels, levels: &[Option<f64>]) -> String {
        let fits = |series: &Labels| {
            let mut own = ["job", "instance"].into_iter();
            own.all(|label| alert.get(label).is_empty() || alert.get(label) == series.get(label))
        };
        let about = self.given.iter().zip(levels).enumerate();
        let about = about.filter(|(_, ([_, new], _))| fits(new));
        let told: Vec<String> = about
            .take(3)
            .map(|(index, ([_, new], level))| {
                let per = if self.counts[index] { " a second" } else { "" };
                match level {
                    Some(level) => format!("{} is {}{per}", new.get(NAME), steady::short(*level)),
                    None => format!("{} is not there", new.get(NAME)),
                }
            })
            .collect();
        match told.is_empty() {
            true => String::new(),
            false => format!(", such as when {}", told.join(" and ")),
        }
    }
}

fn words_of_labels(said: &BTreeSet<String>, says: &BTreeSet<String>) -> String {
    let list = |one: &BTreeSet<String>, other: &BTreeSet<String>| {
        let all: Vec<&str> = one.difference(other).map(String::as_str).collect();
        all.join(" and ")
    };
    let (less, more) = (list(said, says), list(says, said));
    match (less.is_empty(), more.is_empty()) {
        (false, true) => format!("it fires without the label {less}"),
        (true, _) => format!("it fires with the label {more} too"),
        (false, false) => format!("it fires with the label {more} in place of {less}"),
    }
}

/// Of several values for each label: all first ones, and each of the others beside those; for `le` all of them.
fn variants<'v>(values: &'v BTreeMap<&'v str, Vec<String>>) -> Vec<Vec<(&'v str, &'v str)>> {
    let first = |label: &&'v str| -> (&'v str, &'v str) {
        let value = values[*label].first();
        (*label, value.map_or("any", String::as_str))
    };
    let others: Vec<&&str> = values.keys().filter(|label| **label != "le").collect();
    let usual: Vec<(&str, &str)> = others.iter().map(|label| first(label)).collect();
    let mut all = vec![usual.clone()];
    for (at, label) in others.iter().enumerate() {
        for value in values[**label].iter().skip(1) {
            let mut one = usual.clone();
            one[at] = (**label, value);
            all.push(one);
        }
    }
    all.truncate(SERIES);
    let Some(limits) = values.get("le") else {
        return all;
    };
    let with = |one: &Vec<(&'v str, &'v str)>| {
        let with = limits
            .iter()
            .map(|limit| [one.as_slice(), &[("le", limit.as_str())]].concat());
        with.collect::<Vec<_>>()
    };
    all.iter().flat_map(with).collect()
}

/// The limits of buckets: those that rules ask for, and some around their numbers, the least first.
fn limits(rules: &[Rule]) -> Vec<String> {
    let mut near = Vec::new();
    rules
        .iter()
        .for_each(|rule| steady::read(&rule.expr, &mut near, &mut Vec::new()));
    let around = near.iter().flat_map(|near| [near / 2.0, *near, near * 2.0]);
    let mut found: Vec<f64> = around.collect();
    let asked = rules.iter().flat_map(|rule| selectors(&rule.expr));
    let asked = asked.flat_map(|one| &one.matchers.matchers);
    let asked = asked.filter(|one| one.name == "le");
    found.extend(asked.filter_map(|one| one.value.parse::<f64>().ok()));
    found.retain(|limit| limit.is_finite() && *limit > 0.0);
    found.sort_by(f64::total_cmp);
    found.dedup();
    let found = found.iter().map(ToString::to_string);
    found.chain(["+Inf".to_string()]).collect()
}

/// A text that an alternative of a pattern may match.
fn of_pattern(part: &str) -> String {
    part.replace(".*", "")
        .replace(".+", "x")
        .replace("[0-9]", "1")
        .replace('\\', "")
        .replace("..", "00")
}

fn grouped(expr: &Expr, found: &mut BTreeSet<String>) {
    match expr {
        Expr::Aggregate(aggregate) => {
            if let Some(LabelModifier::Include(by)) = &aggregate.modifier {
                found.extend(by.labels.iter().cloned());
            }
        }
        Expr::Binary(binary) => {
            let on = binary
                .modifier
                .as_ref()
                .and_then(|modifier| modifier.matching.as_ref());
            if let Some(LabelModifier::Include(on)) = on {
                found.extend(on.labels.iter().cloned());
            }
        }
        _ => {}
    }
    children(expr).for_each(|child| grouped(child, found));
}

fn written(millis: Millis) -> String {
    Duration(u64::try_from(millis).unwrap_or(0)).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::value::json;

    /// How an alert differs that was one rule and is another.
    fn differs(old: &Value, new: &Value) -> Option<Differs> {
        let target = |labels: &[(&str, &str)]| -> Labels { labels.iter().copied().collect() };
        let one = [("instance", "a:1"), ("job", "one"), ("zone", "x")];
        let [old, new] = [old, new].map(|rule| read(std::iter::once(rule)));
        let stage = Stage {
            old,
            new: new.iter().collect(),
            targets: vec![[
                target(&one),
                target(&[&one[..], &[("component", "c"), ("service", "one")]].concat()),
            ]],
            flags: BTreeSet::new(),
            exposes: &|_, _| None,
        };
        stage.differ().pop().map(|(_, how)| how)
    }

    #[test]
    fn what_an_alert_does_otherwise_is_found() {
        let rule = |name: &str, expr: &str, hold: &str| json!({"alert": name, "expr": expr, "for": hold, "labels": {"severity": "page"}});
        let old = rule("A", "errors > 5", "5m");
        assert_eq!(differs(&old, &old), None);
        assert_eq!(
            differs(&old, &rule("B", "errors > 5", "5m")),
            Some(Differs::Lost)
        );
        assert_eq!(
            differs(&old, &rule("A", "errors > 5", "10m")),
            Some(Differs::Said("its `for` is 10m, not 5m".to_string()))
        );
        assert_eq!(
            differs(
                &old,
                &rule("A", "sum by (job, instance) (errors) > 5", "5m")
            ),
            Some(Differs::Said("it fires without the label zone".to_string()))
        );
        for other in [
            "errors >= 5.5",
            "errors > 5 and up == 1 and errors < 9",
            "errors{service=\"two\"} > 5",
        ] {
            let found = differs(&old, &rule("A", other, "5m"));
            assert!(
                matches!(found, Some(Differs::Fires(_))),
                "{other}: {found:?}"
            );
        }
        let rate = |of: &str| rule("A", &format!("rate(calls_total[{of}]) > 2"), "5m");
        assert_eq!(
            differs(&rate("5m"), &rate("10m")),
            None,
            "nothing changes in these worlds"
        );
        let quantile = |of: f64| {
            rule(
                "A",
                &format!("histogram_quantile({of}, rate(t_bucket[5m])) > 1"),
                "5m",
            )
        };
        assert!(matches!(
            differs(&quantile(0.99), &quantile(0.5)),
            Some(Differs::Fires(_))
        ));
    }
}
