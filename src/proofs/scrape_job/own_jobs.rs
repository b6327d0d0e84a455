//! The user's own jobs: of what alerts and panels read of them something has to come through.

use super::limits;
use super::promised::Promised;
use super::relabeling::values_told_apart;
use crate::contract::domain::Domain;
use crate::contract::relabel::{Labels, Relabeled, Rule, relabeled};
use crate::contract::series::SeriesSet;
use crate::diagnostic::{Diagnostic, Place};
use crate::promql::engine::metric;
use crate::promql::matchers::picks;
use crate::promql::walk::selectors;
use crate::promql::{Matcher, VectorSelector};
use crate::proofs::{Usage, place};
use crate::render::File;
use crate::stack::Stack;
use std::collections::{BTreeMap, BTreeSet, HashSet};

/// The most series of one selector that are relabeled to see whether one is left.
const SAMPLES: usize = 200;

/// Limits below what is read of a job.
pub(super) fn limited(
    stack: &Stack,
    config: &File,
    index: usize,
    name: &str,
    promised: &Promised,
) -> Vec<Diagnostic> {
    let job = &config.value["scrape_configs"][index];
    if !limits::limits_scrapes(config, job) {
        return Vec::new();
    }
    let mut found = limits::too_low(stack, config, index, name, &promised.exposed_by(name));
    if found.is_empty() {
        found.extend(below_a_profile(stack, config, index, name));
    }
    found
}

/// A limit below what a scrape of the exporter has wherever it runs.
fn below_a_profile(stack: &Stack, config: &File, index: usize, name: &str) -> Option<Diagnostic> {
    let job = &config.value["scrape_configs"][index];
    let asks = |key: &str| job["params"].get(key).is_some();
    let mut rules = job["metric_relabel_configs"].items();
    let keeps = rules.any(|rule| {
        let action = rule["action"].as_str().unwrap_or_default();
        action.to_lowercase().starts_with("keep")
    });
    if asks("collect[]") || asks("exclude[]") || keeps {
        return None;
    }
    let most = job["sample_limit"].as_u64().filter(|most| *most > 0)?;
    let profiles = &stack.catalog.extra.jobs.get(name)?.profiles;
    profiles.iter().find_map(|profile| {
        let least = stack.catalog.profiles.get(profile)?.samples?;
        (most < least).then(|| {
            place::at(
                &config.path,
                format!("/scrape_configs/{index}/sample_limit"),
                format!("`sample_limit` is {most}, and `{name}` exposes {profile}, which has {least} samples and more: all of them are lost"),
                "raise or remove it",
            )
        })
    })
}

/// Own jobs that ask nobody: their lists are empty, or no target is left behind their rules.
pub(super) fn idle(stack: &Stack, config: &File) -> Vec<Diagnostic> {
    let targets = &stack.contract.targets;
    let jobs = config.value["scrape_configs"].items().enumerate();
    let idle = jobs.filter(|(index, _)| {
        stack.is_own(&config.path, &format!("/scrape_configs/{index}"))
            && !targets.elsewhere.contains(index)
            && !targets.list.iter().any(|target| target.job == *index)
    });
    idle.map(|(index, job)| {
        let name = job["job_name"].as_str().unwrap_or_default();
        place::at(
            &config.path,
            format!("/scrape_configs/{index}/job_name"),
            format!("`{name}` asks nobody: it has no target"),
            "write some, let `relabel_configs` keep one, or remove the job",
        )
    })
    .collect()
}

/// What something reads of own jobs, and their rules behind the scrape leave nothing of; of each job the first.
pub(super) fn nothing_left(stack: &Stack, config: &File) -> Vec<Diagnostic> {
    let jobs = config.value["scrape_configs"].items().enumerate();
    let rules: BTreeMap<usize, Vec<Rule>> = jobs
        .filter(|(index, _)| stack.is_own(&config.path, &format!("/scrape_configs/{index}")))
        .filter_map(|(index, job)| Some((index, Rule::read(&job["metric_relabel_configs"]).ok()?)))
        .filter(|(_, rules)| !rules.is_empty())
        .collect();
    if rules.is_empty() {
        return Vec::new();
    }
    let mut found = Vec::new();
    let (mut told, mut asked) = (HashSet::new(), HashSet::new());
    let expressions = stack.expressions.iter();
    for expression in expressions.filter(|expression| expression.usage != Usage::Test) {
        for selector in selectors(&expression.ast) {
            // What Prometheus says of a scrape itself goes through no rule.
            let said = |name: &str| name == "up" || name.starts_with("scrape_");
            if metric(selector).is_some_and(said) {
                continue;
            }
            let text = selector.to_string();
            if !asked.insert(text.clone()) {
                continue;
            }
            let Some((job, rule)) = lost(stack, &rules, selector) else {
                continue;
            };
            if told.insert(job) {
                let name = &config.value["scrape_configs"][job]["job_name"];
                let pointer = format!("/scrape_configs/{job}/metric_relabel_configs/{rule}");
                let message = format!(
                    "nothing of `{text}` is left behind this rule of `{}`",
                    name.as_str().unwrap_or_default()
                );
                let help =
                    "let it keep what alerts and panels read, or let them read what it keeps";
                let reader = Place::Rendered {
                    file: expression.path.to_string(),
                    pointer: expression.pointer.clone(),
                };
                let lost = place::at(&config.path, pointer, message, help);
                found.push(lost.also(reader, "it is read here"));
            }
        }
    }
    found
}

/// Labels of a job's targets that its exporter gives its series too, and by which something reads them; of each job the first.
pub(super) fn pushed_aside(stack: &Stack, config: &File) -> Vec<Diagnostic> {
    let catalog = stack.catalog;
    let jobs = config.value["scrape_configs"].items().enumerate();
    let own = jobs.filter_map(|(index, job)| {
        let said = catalog.extra.jobs.get(job["job_name"].as_str()?)?;
        (job["honor_labels"] != true).then_some((index, said))
    });
    let taken = own.filter_map(|(index, said)| {
        let mut targets = stack.contract.targets.list.iter();
        let target = targets.find(|target| target.job == index)?;
        let profiles = said.profiles.iter();
        let profiles = profiles.filter_map(|name| catalog.profiles.get(name));
        let exposed = profiles.flat_map(|profile| &profile.metrics);
        let mut taken = exposed.flat_map(|(metric, about)| {
            let both = about.labels.keys();
            let both = both.filter(|label| target.labels.contains_key(*label));
            both.map(move |label| (metric, label))
        });
        let (metric, label, reader) = taken.find_map(|(metric, label)| {
            let mut readers = stack.expressions.iter();
            let reader = readers.find(|reader| {
                let mut read = selectors(&reader.ast).into_iter();
                reader.usage != Usage::Test
                    && read.any(|read| self::metric(read) == Some(metric.as_str()))
                    && says(&reader.written, label)
            })?;
            Some((metric, label, reader))
        })?;
        let message = format!(
            "the targets have a label `{label}` too: that of `{metric}` would arrive as `exported_{label}`"
        );
        let help = "give the label of the targets another name";
        let reader = Place::Rendered {
            file: reader.path.to_string(),
            pointer: reader.pointer.clone(),
        };
        let pointer = format!("/scrape_configs/{index}/job_name");
        Some(place::at(&config.path, pointer, message, help).also(reader, "it is asked for here"))
    });
    taken.collect()
}

/// Whether a text has a word.
fn says(text: &str, word: &str) -> bool {
    let mut words = text.split(|c: char| !c.is_alphanumeric() && c != '_');
    words.any(|one| one == word)
}

/// What rules read of a job, and the job does not ask its exporter for; of each job the first.
pub(super) fn uncollected(stack: &Stack, config: &File) -> Vec<Diagnostic> {
    let jobs = config.value["scrape_configs"].items().enumerate();
    let choosing = jobs.filter_map(|(index, job)| {
        let asked = |key: &str| -> Option<BTreeSet<&str>> {
            let names = job["params"].get(key)?;
            Some(names.texts().collect())
        };
        let (only, without) = (asked("collect[]"), asked("exclude[]"));
        (only.is_some() || without.is_some()).then_some((index, job, only, without))
    });
    let mut found = Vec::new();
    for (index, job, only, without) in choosing {
        let name = job["job_name"].as_str().unwrap_or_default();
        let catalog = stack.catalog;
        let service = catalog.service(name);
        let profiles = match service {
            Some(service) => Some(&service.profiles),
            None => catalog.extra.jobs.get(name).map(|own| &own.profiles),
        };
        let targets = stack.contract.targets.with("job", name);
        let left_out = |metric: &str| {
            let mut known = profiles.into_iter().flatten();
            let collector = known.find_map(|known| catalog.profiles.collector(known, metric))?;
            let asked = only.as_ref().is_none_or(|only| only.contains(collector))
                && !without
                    .as_ref()
                    .is_some_and(|list| list.contains(collector));
            (!asked).then_some(collector)
        };
        let expressions = stack.expressions.iter();
        let read = expressions
            // Dashboards for many installations have panels for more than is asked for.
            .filter(|expression| [Usage::Alert, Usage::Record].contains(&expression.usage))
            .flat_map(|expression| {
                let all = selectors(&expression.ast).into_iter();
                all.map(move |selector| (expression, selector))
            });
        let lost = read.filter_map(|(expression, selector)| {
            let metric = metric(selector)?;
            let collector = left_out(metric)?;
            let mut picked =
                stack.contract.family(metric).iter().filter_map(|series| {
                    stack.contract.select(series, &selector.matchers.matchers)
                });
            // What the catalog's own rules read of a service is promised for it; another rule may read what there is.
            let missed = match service {
                Some(_) => picked.any(|series| !series.targets.is_disjoint(&targets)),
                None => {
                    !stack.open().may_give(selector, &stack.contract)
                        && picked.all(|series| series.targets.is_subset(&targets))
                }
            };
            missed.then_some((expression, metric, collector))
        });
        found.extend(lost.take(1).map(|(expression, metric, collector)| {
            let message = format!(
                "`{name}` does not ask for the collector `{collector}`, and `{metric}` is of it"
            );
            let reader = Place::Rendered {
                file: expression.path.to_string(),
                pointer: expression.pointer.clone(),
            };
            place::at(
                &config.path,
                format!("/scrape_configs/{index}/params"),
                message,
                format!("add `{collector}` to what it asks for"),
            )
            .also(reader, "it is read here")
        }));
    }
    found
}

/// The job, and which of its rules, that leaves nothing of what a selector picks, where no other target has it.
fn lost(
    stack: &Stack,
    rules: &BTreeMap<usize, Vec<Rule>>,
    selector: &VectorSelector,
) -> Option<(usize, usize)> {
    let contract = &stack.contract;
    let name = metric(selector)?;
    let matchers = &selector.matchers.matchers;
    if contract.recorded(name).is_some() || stack.open().may_give(selector, contract) {
        return None;
    }
    let family = contract.family(name).iter();
    let picked: Vec<SeriesSet> = family
        .filter_map(|series| contract.select(series, matchers))
        .collect();
    let jobs: BTreeSet<usize> = picked
        .iter()
        .flat_map(|series| series.targets.ones())
        .map(|target| contract.targets.list[target].job)
        .collect();
    let first = *jobs.first()?;
    let of_jobs: Option<Vec<&Vec<Rule>>> = jobs.iter().map(|job| rules.get(job)).collect();
    let of_jobs = of_jobs?;
    let samples: Vec<Labels> = picked
        .iter()
        .flat_map(|series| samples(stack, &of_jobs, series, (name, matchers)))
        .collect();
    let left = |rules: &[Rule]| {
        samples
            .iter()
            .any(|sample| match relabeled(rules, sample.clone()) {
                Relabeled::Dropped => false,
                Relabeled::Kept(labels) => {
                    let value = |label: &str| labels.get(label).map_or("", String::as_str);
                    value("__name__") == name
                        && matchers.iter().all(|matcher| {
                            matcher.name == "__name__" || picks(matcher, value(&matcher.name))
                        })
                }
            })
    };
    if samples.is_empty() || of_jobs.iter().any(|rules| left(rules)) {
        return None;
    }
    let own = of_jobs[0];
    let rule = (0..own.len()).find(|rule| !left(&own[..=*rule]))?;
    Some((first, rule))
}

/// Some of the series of a set that matchers pick, with a value on each side of what rules ask of a label.
fn samples(
    stack: &Stack,
    rules: &[&Vec<Rule>],
    series: &SeriesSet,
    (name, matchers): (&str, &[Matcher]),
) -> Vec<Labels> {
    let targets = series.targets.ones().take(2);
    let mut samples: Vec<Labels> = targets
        .map(|target| {
            let target = series.labels_of(&stack.contract.targets.list[target]);
            let mut labels: Labels = target
                .map(|(label, value)| (label.to_string(), value.to_string()))
                .collect();
            labels.insert("__name__".to_string(), name.to_string());
            labels
        })
        .collect();
    for (label, domain) in &series.labels {
        let own: Vec<&Matcher> = matchers.iter().filter(|one| one.name == *label).collect();
        let told = rules.iter().flat_map(|rules| rules.iter());
        let told = told.filter(|rule| rule.sources.contains(label)).count();
        let mut values = match (told, domain) {
            (0, Domain::Values(values)) => values.clone(),
            _ => rules
                .iter()
                .flat_map(|rules| values_told_apart(label, domain, rules, &own))
                .collect(),
        };
        values.retain(|value| own.iter().all(|matcher| picks(matcher, value)));
        if told == 0 {
            values.truncate(1);
        }
        let grown = samples.iter().flat_map(|sample| {
            values.iter().map(|value| {
                let mut sample = sample.clone();
                sample.insert(label.clone(), value.clone());
                sample
            })
        });
        samples = grown.take(SAMPLES).collect();
    }
    samples
}
