//! Which services an alert is tried with: one of each class that nothing can tell apart.

use super::played::{
    HOUR, Likeness, Member, Others, Outsider, Play, Staged, World, alike_when_steady, likeness,
    play, together,
};
use super::variations::{self, Variation};
use crate::cases::neighbourhood::Neighbourhood;
use crate::cases::{Clock, Scene, Sources, Trial, samples};
use crate::catalog::{Alert, Branch, Catalog, Metric, Service};
use crate::contract::Contract;
use crate::evaluation::classes::{OF_TARGETS, Questions, targets};
use crate::evaluation::rules::{Library, Rule, in_dependency_order};
use crate::evaluation::unit_tests::labels;
use crate::kinds::Kind;
use crate::promql::engine::{Labels, NAME, Release, reads_of_time};
use crate::promql::walk::selectors;
use crate::promql::{Expr, VectorSelector, parse};
use crate::stack::tested::releases;
use crate::templates::functions::four_scrapes;
use minijinja::Error;
use minijinja::value::{Serde, Value};
use std::collections::{BTreeSet, HashMap, HashSet};
use std::fmt::Write;

/// The services of a catalog, ready to be tried.
pub struct Cast<'a> {
    catalog: &'a Catalog,
    neighbourhood: Neighbourhood,
    bridge: String,
}

/// One service for all of its class.
struct Tried<'a> {
    branch: &'a Branch,
    /// The branch for expressions.
    value: Value,
    service: &'a Service,
    /// Whether the alert leaves it out.
    excepted: bool,
    class: Vec<&'a str>,
}

impl<'a> Cast<'a> {
    pub fn of(catalog: &'a Catalog) -> Result<Cast<'a>, Error> {
        let services = Value::from(Serde(&catalog.services));
        let metrics = Value::from(Serde(&catalog.metrics));
        Ok(Cast {
            catalog,
            neighbourhood: Neighbourhood::of(&services, &metrics)?,
            bridge: four_scrapes(&services)?,
        })
    }

    /// How long a step of an alert's cases is.
    fn step(&self, alert: &Value) -> Result<String, Error> {
        let interval = self.catalog.prometheus.evaluation_interval.to_string();
        samples::test_step(alert, &self.bridge, &interval)
    }

    fn clock<'c>(&'c self, step: &'c str) -> Clock<'c> {
        Clock {
            step,
            bridge: &self.bridge,
            traffic: None,
        }
    }

    /// Runs all cases of an alert for a service of each class.
    pub(super) fn play(
        &self,
        alert: &'a Alert,
        library: &Library,
        contract: &Contract,
    ) -> Result<Play<'a>, Error> {
        let releases = releases(self.catalog);
        // What it compares is promised too, whether its rule reads it or says it once more.
        let signals = alert.signals.iter();
        let signals: Vec<Expr> = signals
            .filter_map(|signal| parse(&signal.name).ok())
            .collect();
        let mut needed = library.needed(std::iter::once(alert.name.as_str()), signals.iter());
        // A case gives what a rule of the catalog's own records, so that rule has no say in it.
        let silences = alert.unless.iter().map(|unless| unless.metric.as_str());
        let recorded: Vec<&str> = alert
            .recorded(self.catalog)
            .into_iter()
            .chain(silences)
            .collect();
        needed.retain(|rule| rule.alert.is_some() || !recorded.contains(&rule.name.as_str()));
        let value = Value::from(Serde(alert));
        let step = self.step(&value)?;
        let clock = self.clock(&step);
        let worlds = worlds(releases, &needed);
        let mut found = Play::default();
        let sources = Sources::of(&alert.kind, &value)?;
        let tried = self.tried(alert, &sources, &needed)?;
        // What is said of one of a class is said of all.
        let firsts = tried
            .iter()
            .filter_map(|tried| tried.class.first().copied());
        let crowd = crowd(&tried);
        let witnesses: Vec<&str> = firsts.chain(crowd.iter().map(|(_, name)| *name)).collect();
        let scene = self.scenes(alert, &value, &sources, &clock);
        for tried in &tried {
            let scene = scene(tried, &tried.service.name)?;
            let mut near = Vec::new();
            for service in scene.services() {
                near.push(service.get_attr("name")?.to_string());
            }
            let rules = self.about(&needed, near.iter().map(String::as_str));
            let promise = tried.promise(tried.service, scene.per());
            let of = (alert, tried.branch);
            let trials = scene.trials(tried.excepted)?;
            let mut holds = true;
            for trial in &trials {
                let staged = Staged::of(trial, &step);
                let mut worlds = worlds.iter();
                let wrong = worlds.find_map(|world| play(of, &promise, &rules, &staged, *world));
                if let Some(wrong) = wrong {
                    holds = false;
                    found.add(wrong, &tried.class);
                }
            }
            if tried.excepted || !holds {
                continue;
            }
            let of = (alert, tried.service, &promise);
            let varied = varied(&scene, &trials, (&needed, contract, self.catalog), of)?;
            let of = (alert, tried.branch);
            let near = near
                .iter()
                .map(String::as_str)
                .chain(witnesses.iter().copied());
            let rules = self.about(&needed, near);
            let wrong = varied.iter().find_map(|variation| {
                let staged = Staged::of(&variation.trial, &step);
                let promise = variation.told(&promise);
                let given = |rule: &&&Rule| !variation.gives(rule);
                let rules: Vec<&Rule> = rules.iter().filter(given).copied().collect();
                let mut releases = releases.iter();
                releases.find_map(|release| {
                    let world = World {
                        release: *release,
                        begin: 0,
                        others: variation.others,
                    };
                    play(of, &promise, &rules, &staged, world)
                })
            });
            if let Some(wrong) = wrong {
                found.add(wrong, &tried.class);
            }
        }
        if found.wrong.is_empty() {
            let mut members = Vec::new();
            for (index, (tried, name)) in crowd.iter().enumerate() {
                let Some(service) = self.catalog.service(name) else {
                    continue;
                };
                let scene = scene(tried, name)?;
                // Each fails in another way: what compares them with each other takes one for worse.
                members.extend(scene.firing(index)?.map(|trial| Member {
                    promise: tried.promise(service, scene.per()),
                    trial,
                }));
            }
            let names: Vec<String> = members
                .iter()
                .map(|member| member.promise.get("service").to_string())
                .collect();
            let rules = self.about(&needed, names.iter().map(String::as_str));
            let wrong = together(alert, &members, &rules, &step, releases);
            if let Some((wrong, service)) = wrong {
                let class: Vec<&str> = self
                    .catalog
                    .service(&service)
                    .iter()
                    .map(|service| service.name.as_str())
                    .collect();
                found.add(wrong, &class);
            }
        }
        Ok(found)
    }

    /// How much a rule of the library does for every service of an alert what the alert's kind promises, in all its cases, and
    /// whether it fires when the alert's own rules, which `own` gives, do in worlds around the numbers `near`.
    pub fn likeness(
        &self,
        (alert, own): (&'a Alert, &dyn Fn() -> Option<Vec<Rule>>),
        (rule, library): (&str, &Library),
        near: &[f64],
    ) -> Result<Likeness, Error> {
        let releases = releases(self.catalog);
        let needed = library.needed(std::iter::once(rule), std::iter::empty());
        if needed
            .iter()
            .any(|rule| !reads_of_time(&rule.expr).is_empty())
        {
            return Ok(Likeness::Different);
        }
        let value = Value::from(Serde(alert));
        let step = self.step(&value)?;
        let clock = self.clock(&step);
        let mut found = Likeness::Same;
        // An alert that cannot be told to fire apart is one for each service.
        let apart = alert.kind.keys.contains_key("per");
        let whole = |labels: Labels| self.whole(labels);
        let is_service = |job: &str| self.catalog.service(job).is_some();
        let outsider = Outsider {
            name: rule,
            rules: &needed,
            apart,
            is_service: &is_service,
            whole: &whole,
            step: &step,
        };
        let mut fires = false;
        let (mut series, mut last) = (BTreeSet::new(), 0);
        let sources = Sources::of(&alert.kind, &value)?;
        let scene = self.scenes(alert, &value, &sources, &clock);
        for tried in self.tried(alert, &sources, &needed)? {
            let name = &tried.service.name;
            let scene = scene(&tried, name)?;
            let per = scene.per().iter();
            let per = per.map(|(label, value)| (label.as_str(), value.as_str()));
            let known: Labels = std::iter::once(("job", name.as_str())).chain(per).collect();
            for trial in scene.trials(tried.excepted)? {
                if !tried.excepted {
                    series.extend(trial.series.iter().map(|(series, _)| series.clone()));
                    last = last.max(trial.last);
                }
                fires |= trial.checks.iter().any(|check| check.state == "firing");
                for release in releases {
                    let like = likeness(&outsider, &known, &trial, *release);
                    found = found.min(like);
                }
                if found == Likeness::Different {
                    return Ok(found);
                }
            }
        }
        let own = own().filter(|_| fires);
        let alike = own.is_some_and(|own| {
            let own = Library::of(in_dependency_order(own.iter().collect()));
            let own = own.needed(std::iter::once(alert.name.as_str()), std::iter::empty());
            let both = [(rule, &needed[..]), (alert.name.as_str(), &own[..])];
            let read = series.iter().filter_map(|text| labels(text).ok());
            let read: Vec<Labels> = read.map(whole).collect();
            let told = std::iter::once("job").chain(alert.per.iter().map(String::as_str));
            let told: Vec<&str> = told.collect();
            let unless = alert.unless.as_ref();
            let silences = unless.and_then(|unless| self.catalog.metric(&unless.metric));
            let silences = silences.map(|metric| metric.name.as_str());
            let mut releases = releases.iter();
            releases.all(|release| {
                alike_when_steady(
                    both,
                    &read,
                    (&told, apart, silences),
                    near,
                    (&step, last),
                    *release,
                )
            })
        });
        Ok(if alike { found } else { Likeness::Different })
    }

    /// A series with a value for every label that its metric is declared with.
    fn whole(&self, mut labels: Labels) -> Labels {
        let name = labels.get("__name__").to_string();
        let ends = ["", "_bucket", "_sum", "_count"];
        let named = |metric: &&Metric| {
            let end = name.strip_prefix(metric.name.as_str());
            end.is_some_and(|end| ends.contains(&end))
        };
        let declared = self.catalog.metrics.iter().filter(named);
        for label in declared.flat_map(|metric| metric.labels.keys()) {
            if labels.get(label).is_empty() {
                labels = labels.with(label, "any");
            }
        }
        labels
    }

    /// The rules without those that are about other services of the catalog than these.
    fn about<'r, 'n>(
        &self,
        rules: &[&'r Rule],
        near: impl Iterator<Item = &'n str>,
    ) -> Vec<&'r Rule> {
        let near: HashSet<&str> = near.collect();
        let of_others = |rule: &&&Rule| {
            rule.constant_labels().any(|(label, value)| {
                matches!(label, "job" | "service")
                    && self.catalog.service(value).is_some()
                    && !near.contains(value)
            })
        };
        rules
            .iter()
            .filter(|rule| !of_others(rule))
            .copied()
            .collect()
    }

    /// The scene of an alert for each service that it is tried with.
    fn scenes<'s>(
        &'s self,
        alert: &'s Alert,
        value: &'s Value,
        sources: &'s Sources,
        clock: &'s Clock,
    ) -> impl Fn(&Tried, &str) -> Result<Scene<'s>, Error> {
        move |tried, name| {
            let (kind, around) = (&alert.kind, &self.neighbourhood);
            Scene::new(kind, around, value, &tried.value, (name, sources), clock)
        }
    }

    /// For each branch its classes of services, and those of the services that the alert leaves out.
    fn tried(
        &self,
        alert: &'a Alert,
        sources: &Sources,
        rules: &[&Rule],
    ) -> Result<Vec<Tried<'a>>, Error> {
        let questions = Questions::of(rules, &OF_TARGETS);
        let read = attributes(&alert.kind);
        let mut tried: Vec<Tried> = Vec::new();
        let mut known: HashMap<(usize, bool, String), usize> = HashMap::new();
        let branches = alert.branches.iter();
        let branches: Vec<(&Branch, Value)> = branches
            .map(|branch| (branch, Value::from(Serde(branch))))
            .collect();
        let mut add = |index: usize, name: &'a str, excepted: bool| {
            let Some(service) = self.catalog.service(name) else {
                return Ok(());
            };
            let class = match &questions {
                Some(questions) => {
                    let mut class = String::new();
                    // One instance is left out sooner than the first.
                    for target in targets(service, questions) {
                        class += &questions.answers(&target);
                    }
                    let said = self
                        .neighbourhood
                        .service(name)
                        .cloned()
                        .unwrap_or_default();
                    for key in &read {
                        let _ = write!(class, " {:?}", said.get_attr(key)?);
                    }
                    class + " " + &sources.text(&self.neighbourhood, name)?
                }
                None => name.to_string(),
            };
            let slot = *known.entry((index, excepted, class)).or_insert_with(|| {
                let (branch, value) = &branches[index];
                tried.push(Tried {
                    branch,
                    value: value.clone(),
                    service,
                    excepted,
                    class: Vec::new(),
                });
                tried.len() - 1
            });
            tried[slot].class.push(name);
            Ok::<_, Error>(())
        };
        for (index, branch) in alert.branches.iter().enumerate() {
            for name in &branch.services {
                add(index, name, false)?;
            }
        }
        if !alert.branches.is_empty() {
            for name in alert.excepts.iter().chain(&alert.spares) {
                if sources.known(&self.neighbourhood, name)? {
                    add(0, name, true)?;
                }
            }
        }
        Ok(tried)
    }
}

impl Tried<'_> {
    /// The labels that the alert promises for the service, with its severity.
    fn promise(&self, service: &Service, per: &[(String, String)]) -> Labels {
        let own = [
            ("job", &service.name),
            ("service", &service.name),
            ("component", &service.group),
            ("severity", &self.branch.severity),
        ];
        let own = own
            .into_iter()
            .map(|(label, value)| (label, value.as_str()));
        let per = per
            .iter()
            .map(|(label, value)| (label.as_str(), value.as_str()));
        own.chain(per).collect()
    }
}

/// The first case in which the alert fires, and the first in which it does not, as they must hold too.
fn varied(
    scene: &Scene,
    trials: &[Trial],
    (rules, contract, catalog): (&[&Rule], &Contract, &Catalog),
    (alert, service, promise): (&Alert, &Service, &Labels),
) -> Result<Vec<Variation>, Error> {
    let name = service.name.as_str();
    let fires = |trial: &&Trial| trial.checks.iter().any(|check| check.state == "firing");
    let (firing, silent): (Vec<&Trial>, Vec<&Trial>) = trials.iter().partition(fires);
    let open = scene.open_labels()?;
    let series = trials.iter().flat_map(|trial| &trial.series);
    let given: BTreeSet<String> = series
        .filter_map(|(text, _)| Some(labels(text).ok()?.get(NAME).to_string()))
        .collect();
    let read = rules.iter().flat_map(|rule| selectors(&rule.expr));
    let read: Vec<&VectorSelector> = read.collect();
    let kept = rules.iter().filter_map(|rule| variations::kept(&rule.expr));
    let kept = kept.max();
    let mut all = Vec::new();
    for trial in trials {
        all.extend(variations::of_probes(trial, &read, service));
    }
    for trial in firing.first().into_iter().chain(silent.first()) {
        all.extend(variations::of_labels(trial, &open, &read));
        if let Some(kept) = kept {
            all.extend(variations::of_several(trial, &open, kept));
            all.extend(variations::of_many(trial, &open, kept, name));
        }
        all.extend(variations::beside_others(
            trial,
            &given,
            (rules, &read),
            contract,
            name,
        ));
        all.extend(variations::beside_alerts(
            trial,
            (rules, &read, catalog),
            alert,
            promise,
        ));
    }
    Ok(all)
}

/// Each release; where the time matters, at every minute of an hour, at every hour of a day and on every day of a week or of a year,
/// and in each of the next years.
fn worlds(releases: &[Release], rules: &[&Rule]) -> Vec<World> {
    let parts = rules.iter().flat_map(|rule| reads_of_time(&rule.expr));
    let parts: BTreeSet<&str> = parts.collect();
    let of_week = ["minute", "hour", "day_of_week"];
    let dates = parts.iter().any(|part| !of_week.contains(part));
    let times = match () {
        () if dates => 24 * 366 / 7,
        () if parts.is_empty() => 1,
        () => 24,
    };
    // Seven hours on again and again is another hour each time.
    let mut begins: Vec<i64> = (0..times).map(|time| 7 * HOUR * time).collect();
    if parts.contains("minute") {
        begins.extend((1..60).map(|minute| minute * HOUR / 60));
    }
    if parts.contains("year") {
        begins.extend((0..YEARS).map(|year| FIRST_OF_2026 + 366 * 24 * HOUR * year));
    }
    begins
        .into_iter()
        .flat_map(|begin| {
            releases.iter().map(move |release| World {
                release: *release,
                begin,
                others: Others::Silent,
            })
        })
        .collect()
}

/// 1 January 2026.
const FIRST_OF_2026: i64 = 490_896 * HOUR;

/// So many of the next years are tried.
const YEARS: i64 = 12;

/// How many services fail at once, at most.
const CROWD: usize = 12;

/// Services that the alert covers: of each class the first, and then all of the first classes.
fn crowd<'t, 'a>(tried: &'t [Tried<'a>]) -> Vec<(&'t Tried<'a>, &'a str)> {
    let covered = || tried.iter().filter(|tried| !tried.excepted);
    let firsts = covered().filter_map(|tried| Some((tried, *tried.class.first()?)));
    let others =
        covered().flat_map(|tried| tried.class.iter().skip(1).map(move |name| (tried, *name)));
    // A service that several branches cover has only one set of series.
    let mut known = BTreeSet::new();
    let once = firsts.chain(others).filter(|(_, name)| known.insert(*name));
    once.take(CROWD).collect()
}

/// What a kind's expressions read of a service, beside who it is.
fn attributes(kind: &Kind) -> BTreeSet<String> {
    // Everything that the kind says, in one text.
    let text = format!("{kind:?}");
    let named = text.match_indices("service.").map(|(at, prefix)| {
        let rest = &text[at + prefix.len()..];
        let end = rest.find(|character: char| !(character.is_alphanumeric() || character == '_'));
        rest[..end.unwrap_or(rest.len())].to_string()
    });
    named
        .filter(|name| !["name", "group"].contains(&name.as_str()))
        .collect()
}
