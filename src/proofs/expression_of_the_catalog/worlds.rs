//! Made-up series of what expressions read, which come, go and change.

use super::WHOLE;
use crate::contract::Contract;
use crate::contract::domain::Domain;
use crate::contract::series::{MetricType, SeriesSet};
use crate::contract::targets::Target;
use crate::evaluation::rules::{Outcome, Rule, Rules};
use crate::evaluation::steady::{Steady, counts, read, short};
use crate::evaluation::unit_tests::recorded;
use crate::promql::engine::{Axis, Labels, Memory, Millis, NAME, Release, Series, metric};
use crate::promql::matchers::picks;
use crate::promql::number::number;
use crate::promql::samples::Value as Given;
use crate::promql::token::T_SUB;
use crate::promql::walk::{children, selectors};
use crate::promql::{Expr, Matcher};
use crate::proofs::alert_behaviour::on_every_side;
use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

/// How often everything changes in a world.
const PHASES: usize = 4;

/// So many worlds are made where the text is the same, and where it is not.
const VERBATIM: usize = 3;
const OTHER: usize = 48;

/// So many instants a world has at most,
const LONGEST: usize = 1500;

/// so many targets of a metric, and series of each target.
const TARGETS: usize = 8;
const SERIES: usize = 12;

const MINUTE: Millis = 60_000;
const HOUR: Millis = 3_600_000;

/// What a series can do.
#[derive(Clone, Copy, PartialEq)]
enum Sort {
    Counts,
    Varies,
    /// It is 0 or 1.
    Holds,
    /// What it says when it is there is of no interest.
    ComesAndGoes,
}

/// What a series does for a while.
#[derive(Clone, Copy)]
enum Does {
    IsGone,
    Stays(f64),
    /// From one level to another.
    Drifts(f64, f64),
    /// Between two levels, each time.
    Alternates(f64, f64),
}

/// How everything goes.
pub(in crate::proofs) struct World {
    begin: Millis,
    /// Of each series what it does in each phase.
    does: Vec<[Does; PHASES]>,
}

/// The series, and when they are looked at.
pub(in crate::proofs) struct Worlds {
    given: Vec<(Labels, Sort)>,
    numbers: Vec<f64>,
    step: Millis,
    count: usize,
    worlds: usize,
}

/// What came of a world.
pub(in crate::proofs) struct Played<'a> {
    pub(in crate::proofs) rules: Vec<&'a Rule>,
    pub(in crate::proofs) outcomes: Vec<Outcome>,
    /// What the expression of the catalog gives.
    pub(in crate::proofs) meant: Vec<Series>,
    memory: Memory,
    axis: Axis,
}

impl Worlds {
    /// For an expression and the rules that are to do the same. `whole` is what the whole expression returns, where a name
    /// stands for it.
    pub(in crate::proofs) fn of(
        contract: &Contract,
        (meant, rules): (&Expr, &[&Rule]),
        whole: Option<&[SeriesSet]>,
        class: &dyn Fn(&BTreeMap<String, String>) -> String,
        waits: &[Millis],
    ) -> Worlds {
        let mut written: BTreeSet<&str> = rules.iter().map(|rule| rule.name.as_str()).collect();
        written.extend(["ALERTS", "ALERTS_FOR_STATE"]);
        let exprs = || rules.iter().map(|rule| &*rule.expr).chain([meant]);
        let mut asked: BTreeMap<&str, Vec<&[Matcher]>> = BTreeMap::new();
        for selector in exprs().flat_map(selectors) {
            if let Some(name) = metric(selector).filter(|name| !written.contains(name)) {
                let matchers = selector.matchers.matchers.as_slice();
                asked.entry(name).or_default().push(matchers);
            }
        }
        let everywhere: Vec<&Matcher> = asked.values().flatten().copied().flatten().collect();
        let mut given = Vec::new();
        for (name, matchers) in &asked {
            let sets = match whole.filter(|_| *name == WHOLE) {
                Some(whole) => whole,
                None => contract.family(name),
            };
            for set in sets.iter().filter(|set| *name == WHOLE || !set.native()) {
                let sort = match *name {
                    WHOLE => Sort::ComesAndGoes,
                    "up" | "probe_success" => Sort::Holds,
                    name if set.kind == MetricType::Counter || counts(name) => Sort::Counts,
                    _ => Sort::Varies,
                };
                let more = variants(set, matchers, &everywhere);
                for target in chosen(contract, set, class) {
                    let carried = target.into_iter().flat_map(|target| set.labels_of(target));
                    let base: Labels = carried.chain([(NAME, *name)]).collect();
                    given.extend(more.iter().map(|more| {
                        let with =
                            |all: Labels, (label, value): &(&str, String)| all.with(label, value);
                        (more.iter().fold(base.clone(), with), sort)
                    }));
                }
            }
        }
        let (mut numbers, mut spans) = (Vec::new(), waits.to_vec());
        exprs().for_each(|expr| read(expr, &mut numbers, &mut spans));
        if exprs().any(turns) {
            let negative: Vec<f64> = numbers.iter().map(|number| -number).collect();
            numbers.extend(negative.into_iter().filter(|number| *number < 0.0));
        }
        let shortest = spans.iter().copied().filter(|span| *span > 0).min();
        let reach = spans.iter().sum::<Millis>() + 2 * MINUTE;
        let mut step = shortest.map_or(MINUTE, |span| (span / 4).clamp(1000, MINUTE));
        let most = shortest.unwrap_or(MINUTE) / 4;
        let most = if waits.is_empty() {
            most
        } else {
            most.min(4 * MINUTE)
        };
        let instants = |step: Millis| PHASES * usize::try_from(reach / step + 1).unwrap_or(LONGEST);
        while instants(step) > LONGEST && step * 2 <= most {
            step *= 2;
        }
        Worlds {
            given,
            numbers,
            step,
            count: instants(step).min(LONGEST),
            worlds: if whole.is_some() { VERBATIM } else { OTHER },
        }
    }

    pub(in crate::proofs) fn step(&self) -> Millis {
        self.step
    }

    pub(in crate::proofs) fn count(&self) -> usize {
        self.count
    }

    /// One in which nothing is there.
    pub(in crate::proofs) fn without_series(&self) -> World {
        World {
            begin: 0,
            does: vec![[Does::IsGone; PHASES]; self.given.len()],
        }
    }

    /// One in which all is up; None: something else than that is read too.
    pub(in crate::proofs) fn in_which_all_is_up(&self) -> Option<World> {
        let states = self.given.iter().all(|(_, sort)| *sort == Sort::Holds);
        let up = vec![[Does::Stays(1.0); PHASES]; self.given.len()];
        states.then_some(World { begin: 0, does: up })
    }

    /// All worlds, the same on every machine.
    pub(in crate::proofs) fn made(&self) -> impl Iterator<Item = World> {
        let mut made = Steady::around(&self.numbers);
        let series: Vec<&Labels> = self.given.iter().map(|(labels, _)| labels).collect();
        (0..self.worlds).map(move |world| {
            let levels = [(); PHASES + 1].map(|()| made.levels(&series));
            let of = |index: usize| {
                let mut phase = 0;
                [(); PHASES].map(|()| {
                    phase += 1;
                    let (one, next) = (levels[phase - 1][index], levels[phase][index]);
                    let chance = made.one_of(12);
                    match self.given[index].1 {
                        Sort::ComesAndGoes if chance.is_multiple_of(2) => Does::IsGone,
                        // In the first worlds everything is there.
                        Sort::Counts | Sort::Varies if chance == 0 && world % 2 == 1 => {
                            Does::IsGone
                        }
                        Sort::ComesAndGoes => Does::Stays(one),
                        Sort::Holds => Does::Stays(f64::from(u8::from(!chance.is_multiple_of(3)))),
                        _ if chance < 7 => Does::Stays(one),
                        _ if chance < 9 => Does::Drifts(one, next),
                        _ => Does::Alternates(one, next),
                    }
                })
            };
            let does: Vec<[Does; PHASES]> = (0..series.len()).map(of).collect();
            World {
                begin: HOUR * Millis::try_from(made.one_of(24 * 7)).unwrap_or(0),
                does,
            }
        })
    }

    /// Runs the rules and the expression of the catalog in a world; None: one of them cannot be run.
    pub(in crate::proofs) fn play<'a>(
        &self,
        world: &World,
        (meant, rules): (&Expr, &[&'a Rule]),
    ) -> Option<Played<'a>> {
        let mut memory = Memory::default();
        for ((labels, sort), does) in self.given.iter().zip(&world.does) {
            let values = self.values(*sort, does);
            let mut series = recorded(labels.clone(), values, self.step);
            for sample in &mut series.samples {
                sample.time += world.begin;
            }
            memory.add(series);
        }
        let axis = Axis {
            start: world.begin,
            step: self.step,
            count: self.count,
        };
        let run = Rules {
            rules: rules.to_vec(),
            axis,
            release: Release::Three,
        };
        let outcomes = run.run(&mut memory);
        if outcomes.iter().any(|outcome| outcome.failure.is_some()) {
            return None;
        }
        let meant = run.engine(&memory).series(meant, axis).ok()?;
        Some(Played {
            rules: run.rules,
            outcomes,
            meant,
            memory,
            axis,
        })
    }

    /// What another expression gives in the same world.
    pub(in crate::proofs) fn also(&self, played: &Played, expr: &Expr) -> Option<Vec<Series>> {
        let run = Rules {
            rules: Vec::new(),
            axis: played.axis,
            release: Release::Three,
        };
        run.engine(&played.memory).series(expr, played.axis).ok()
    }

    fn values(&self, sort: Sort, does: &[Does; PHASES]) -> Vec<Option<Given>> {
        let length = self.count.div_ceil(PHASES).max(1);
        let seconds = self.step as f64 / 1000.0;
        let (mut counted, mut gone) = (0.0, true);
        let at = |index: usize| {
            let within = index % length;
            let level = match does[index / length] {
                Does::IsGone => {
                    counted = 0.0;
                    let first = !std::mem::replace(&mut gone, true);
                    return first.then_some(Given::Stale);
                }
                Does::Stays(level) => level,
                Does::Drifts(from, to) => from + (to - from) * within as f64 / length as f64,
                Does::Alternates(one, other) => {
                    // What counts begins anew now and then.
                    if sort == Sort::Counts && within % 5 == 4 {
                        counted = 0.0;
                    }
                    [one, other][within % 2]
                }
            };
            gone = false;
            Some(Given::Number(match sort {
                Sort::Counts => {
                    counted += level.abs() * seconds;
                    counted
                }
                _ => level,
            }))
        };
        (0..self.count).map(at).collect()
    }

    /// What series that are about the same do at an instant, for people.
    pub(in crate::proofs) fn said(&self, world: &World, labels: &Labels, at: usize) -> String {
        let about = |series: &Labels| {
            let mut own = ["job", "instance", "component"].into_iter();
            own.all(|label| labels.get(label).is_empty() || labels.get(label) == series.get(label))
        };
        let phase = at / self.count.div_ceil(PHASES).max(1);
        let all = self.given.iter().zip(&world.does);
        let mut told: Vec<String> = all
            .filter(|((series, sort), _)| *sort != Sort::ComesAndGoes && about(series))
            .map(|((series, sort), does)| {
                let per = match sort {
                    Sort::Counts => " a second",
                    _ => "",
                };
                let name = series.get(NAME);
                match does[phase] {
                    Does::IsGone => format!("{name} is not there"),
                    Does::Stays(level) => format!("{name} is {}{per}", short(level)),
                    Does::Drifts(from, to) => {
                        format!("{name} goes from {} to {}{per}", short(from), short(to))
                    }
                    Does::Alternates(one, other) => {
                        format!("{name} is now {} and now {}{per}", short(one), short(other))
                    }
                }
            })
            .collect();
        told.dedup();
        told.truncate(3);
        match told.is_empty() {
            true => String::new(),
            false => format!(", such as when {}", told.join(" and ")),
        }
    }
}

/// Whether what is large in a series is small in what is made of it: then what is compared with 5 is worth trying at -5.
fn turns(expr: &Expr) -> bool {
    let turned = match expr {
        Expr::Unary(_) => number(expr).is_none(),
        Expr::Binary(binary) => binary.op.id() == T_SUB && number(&binary.lhs).is_some(),
        _ => false,
    };
    turned || children(expr).any(turns)
}

/// Targets of series: of each class two. Series of no target are of one that is not there.
fn chosen<'c>(
    contract: &'c Contract,
    set: &SeriesSet,
    class: &dyn Fn(&BTreeMap<String, String>) -> String,
) -> Vec<Option<&'c Target>> {
    let mut known: HashMap<String, usize> = HashMap::new();
    let mut found = Vec::new();
    for index in set.targets.ones() {
        let target = &contract.targets.list[index];
        let count = known.entry(class(&target.labels)).or_default();
        *count += 1;
        if *count <= 2 || known.len() == 1 && found.len() < TARGETS / 2 {
            found.push(Some(target));
        }
        if found.len() == TARGETS {
            break;
        }
    }
    if found.is_empty() {
        found.push(None);
    }
    found
}

/// The series' own labels: for each selector values that it picks, and each of the others beside those; of bounds of buckets all.
/// What is asked of other metrics has series here too, as the two sides of a ratio have the same labels.
fn variants<'s>(
    set: &'s SeriesSet,
    asked: &[&[Matcher]],
    everywhere: &[&Matcher],
) -> Vec<Vec<(&'s str, String)>> {
    let own = set.labels.iter().filter(|(label, _)| *label != "le");
    let own: Vec<(&str, Vec<String>)> = own
        .map(|(label, domain)| (label.as_str(), values(label, domain, asked, everywhere)))
        .filter(|(_, values)| !values.is_empty())
        .collect();
    let mut all: Vec<Vec<(&str, String)>> = Vec::new();
    let mut more = Vec::new();
    for matchers in asked {
        let picked = own.iter().map(|(label, values)| {
            let own = matchers.iter().filter(|matcher| matcher.name == *label);
            let own: Vec<&Matcher> = own.collect();
            let mut values = values.iter();
            let value = values.find(|value| own.iter().all(|matcher| picks(matcher, value)))?;
            Some((*label, value.clone()))
        });
        let Some(usual) = picked.collect::<Option<Vec<_>>>() else {
            continue;
        };
        for (at, (label, values)) in own.iter().enumerate() {
            for value in values {
                let mut one = usual.clone();
                one[at] = (label, value.clone());
                more.push(one);
            }
        }
        all.push(usual);
    }
    all.extend(more);
    if all.is_empty() {
        let first = own
            .iter()
            .map(|(label, values)| (*label, values[0].clone()));
        all.push(first.collect());
    }
    let mut seen = HashSet::new();
    all.retain(|one| seen.insert(one.clone()));
    all.truncate(SERIES);
    let Some(Domain::Values(bounds)) = set.labels.get("le") else {
        return all;
    };
    let with = |one: Vec<(&'s str, String)>| -> Vec<_> {
        let bounds = bounds.iter();
        bounds
            .map(|bound| [one.as_slice(), &[("le", bound.clone())]].concat())
            .collect()
    };
    all.into_iter().flat_map(with).collect()
}

/// Values of a label on every side of what is asked of it; where nothing is, two beside those that others ask for.
fn values(
    label: &str,
    domain: &Domain,
    asked: &[&[Matcher]],
    everywhere: &[&Matcher],
) -> Vec<String> {
    let of_it = |matcher: &&Matcher| matcher.name == label;
    let own: Vec<&Matcher> = asked.iter().copied().flatten().filter(of_it).collect();
    if !own.is_empty() {
        let all = on_every_side(domain, &BTreeSet::new(), &own);
        return all.into_iter().take(SERIES).collect();
    }
    let first = domain.example("", false);
    let other = first.as_ref().and_then(|first| {
        let known = regex_syntax::escape(first);
        domain.example(&format!("|{known}"), false)
    });
    let mut found: Vec<String> = first.into_iter().chain(other).collect();
    let others: Vec<&Matcher> = everywhere.iter().copied().filter(of_it).collect();
    if !others.is_empty() {
        let more = on_every_side(domain, &BTreeSet::new(), &others);
        let new = |value: &String| !found.contains(value);
        let more: Vec<String> = more.into_iter().filter(new).collect();
        found.extend(more);
        found.truncate(SERIES);
    }
    found
}
