//! When an alert fires, how soon and how loud: what changes in that, and for which services.

use super::Class::{self, Dangerous, Notice, Safe, Warning};
use super::rendered::expression;
use super::{At, Comparison, routes, weight};
use crate::catalog::{Alert, Branch, Duration, Scope, Subject, with_unit};
use crate::kinds::Side;
use crate::promql::canonical::same;
use crate::value::Value;
use std::collections::{BTreeSet, HashMap};

/// Every change of a condition, for the services that are covered before and after.
pub(crate) fn inspect(comparison: &mut Comparison) {
    for (old, new) in comparison.alerts.both.clone() {
        // What those of an objective read and compare is its own.
        let alike = old.kind.name == new.kind.name && old.slo.is_none();
        if old.slo.is_none() || new.slo.is_none() {
            settings(comparison, old, new);
        } else if new.slo.as_ref().and_then(|slo| slo.first_alert()) == Some(new.name.as_str()) {
            // What an objective says of its alerts is said of both at once.
            told(comparison, old, new);
        }
        let (own_before, own_after) = (branches(old), branches(new));
        for (was, is) in comparison.services.both.clone() {
            let (Some(before), Some(after)) = (
                own_before.get(was.name.as_str()),
                own_after.get(is.name.as_str()),
            ) else {
                continue;
            };
            let pair = Pair {
                old,
                new,
                was: Subject::Service(was),
                is: Subject::Service(is),
            };
            if alike {
                threshold(comparison, &pair, before.limit(), after.limit());
                window(comparison, &pair, before.window, after.window);
            }
            waiting(comparison, &pair, before.r#for, after.r#for);
            severity(comparison, &pair, &before.severity, &after.severity);
        }
        whole(comparison, old, new);
    }
}

/// The same of an alert that is about no single service.
fn whole(comparison: &mut Comparison, old: &Alert, new: &Alert) {
    if new.about == Scope::Service || old.about != new.about {
        return;
    }
    let (before, after) = (comparison.before.catalog, comparison.after.catalog);
    for (branch, is) in after.all_subjects(new) {
        let mut all = before.all_subjects(old);
        let Some((known, was)) = all.find(|(_, was)| was.name() == is.name()) else {
            continue;
        };
        let pair = Pair { old, new, was, is };
        waiting(comparison, &pair, known.r#for, branch.r#for);
        severity(comparison, &pair, &known.severity, &branch.severity);
    }
}

/// One alert and one service, on both sides.
struct Pair<'a> {
    old: &'a Alert,
    new: &'a Alert,
    was: Subject<'a>,
    is: Subject<'a>,
}

impl Pair<'_> {
    /// What it is about, as people call it.
    fn name(&self) -> &str {
        self.is.name().unwrap_or("the platform")
    }

    /// Where a setting is written: beside the service, else at the alert.
    fn at(&self, comparison: &Comparison, setting: &str) -> At {
        let keys = |alert: &Alert, subject: Subject| {
            let own = format!("/alerts/{}/{setting}", alert.name);
            [
                match subject.service() {
                    Some(service) => format!("/services/{}{own}", service.name),
                    None => own.clone(),
                },
                own,
            ]
        };
        let (before, after) = (keys(self.old, self.was), keys(self.new, self.is));
        // An override that was taken out is where the change was made, though the alert's own value holds now.
        match comparison.before.source.contains(&before[0])
            && !comparison.after.source.contains(&after[0])
        {
            true => At::Before(before[0].clone()),
            false => comparison.at(&after, &before),
        }
    }
}

/// Service → the branch of the alert that it belongs to.
fn branches(alert: &Alert) -> HashMap<&str, &Branch> {
    alert
        .branches
        .iter()
        .flat_map(|branch| {
            branch
                .services
                .iter()
                .map(move |service| (service.as_str(), branch))
        })
        .collect()
}

/// What the alert asks at all: its kind, the metrics it reads, its expression, its words.
fn settings(comparison: &mut Comparison, old: &Alert, new: &Alert) {
    if old.kind.name != new.kind.name {
        let message = format!(
            "{}: the condition changed: its kind is {} instead of {}",
            new.name, new.kind.name, old.kind.name
        );
        comparison.say(Dangerous, message, at(comparison, old, new, "kind"));
        return;
    }
    for (setting, value) in new
        .settings
        .iter()
        .filter(|(setting, value)| old.settings.get(setting) != Some(*value))
    {
        let was = old.settings.get(setting).map(plain).unwrap_or_default();
        if let Some((class, message)) =
            changed(comparison, old, new, setting, (&was, &plain(value)))
        {
            comparison.say(class, message, at(comparison, old, new, setting));
        }
    }
    series(comparison, old, new);
    labels(comparison, old, new);
    for (setting, was, is) in [
        ("summary", &old.words.summary, &new.words.summary),
        (
            "description",
            &old.words.description,
            &new.words.description,
        ),
    ] {
        if was != is {
            let message = format!("the {setting} of {} is worded differently", new.name);
            comparison.say(Safe, message, at(comparison, old, new, setting));
        }
    }
    told(comparison, old, new);
}

/// How long it goes on, and what else it says.
fn told(comparison: &mut Comparison, old: &Alert, new: &Alert) {
    let name = match &new.slo {
        Some(slo) => &slo.name,
        None => &new.name,
    };
    if old.keep_firing_for != new.keep_firing_for {
        let [was, is] = [old, new].map(|alert| alert.keep_firing_for.unwrap_or_default());
        // One that comes and goes is many alerts then.
        let class = if is < was { Warning } else { Notice };
        let message = match (was, is) {
            (was, Duration(0)) => {
                format!("{name} ends with its condition, instead of going on for {was}")
            }
            (Duration(0), is) => format!(
                "{name} goes on for {is} once its condition is gone, instead of ending with it"
            ),
            (was, is) => {
                format!("{name} goes on for {is} once its condition is gone, instead of {was}")
            }
        };
        comparison.say(class, message, at(comparison, old, new, "keep_firing_for"));
    }
    if old.unless != new.unless {
        let (was, is) = (&old.unless, &new.unless);
        let message = match (was, is) {
            (Some(was), Some(is)) => format!(
                "{name} is silent while {}, instead of while {}",
                is.words(),
                was.words()
            ),
            (None, Some(is)) => format!("{name} is now silent while {}", is.words()),
            (Some(was), None) => format!("{name} is no longer silent while {}", was.words()),
            (None, None) => String::new(),
        };
        // Whoever is told more than before may be told in the middle of a maintenance.
        let class = if is.is_some() { Dangerous } else { Warning };
        comparison.say(class, message, at(comparison, old, new, "unless"));
    }
    if old.runbook_url != new.runbook_url {
        let leads = |alert: &Alert| match &alert.runbook_url {
            Some(url) => url.clone(),
            None => "its section of the runbook".to_string(),
        };
        let message = format!("{name} leads to {} instead of {}", leads(new), leads(old));
        comparison.say(Notice, message, at(comparison, old, new, "runbook_url"));
    }
    let [before, after] = [&old.own_annotations, &new.own_annotations];
    let names: BTreeSet<&String> = before.keys().chain(after.keys()).collect();
    for one in names {
        let (class, message) = match (before.get(one), after.get(one)) {
            (Some(was), Some(is)) if was != is => (
                Safe,
                format!("the annotation {one} of {name} is worded differently"),
            ),
            (Some(_), None) => (
                Warning,
                format!("{name} loses the annotation {one}: people no longer see it"),
            ),
            (None, Some(_)) => (Safe, format!("{name} gets the annotation {one}")),
            _ => continue,
        };
        let setting = format!("annotations/{one}");
        comparison.say(class, message, at(comparison, old, new, &setting));
    }
}

/// Which series of its metrics it reads, and by what it fires apart.
fn series(comparison: &mut Comparison, old: &Alert, new: &Alert) {
    let keys: BTreeSet<&String> = old.filters.keys().chain(new.filters.keys()).collect();
    let read = |alert: &Alert, key: &String| {
        let filter = alert.filters.get(key);
        filter.map_or("all of them".to_string(), |filter| {
            format!("`{{{}}}`", filter.matchers)
        })
    };
    for key in keys {
        let (was, is) = (read(old, key), read(new, key));
        if was != is {
            let message = format!(
                "{} reads other series of `{key}`: {is} instead of {was}",
                new.name
            );
            comparison.say(Dangerous, message, at(comparison, old, new, key));
        }
    }
    if old.per != new.per {
        let apart = |per: &[String]| match per {
            [] => "once for a service".to_string(),
            labels => format!("for each {}", labels.join(" and ")),
        };
        let message = format!(
            "{} fires {} instead of {}: silences by other labels end, and it starts again where it fires",
            new.name,
            apart(&new.per),
            apart(&old.per)
        );
        comparison.say(Warning, message, at(comparison, old, new, "per"));
    }
}

/// Labels of its own, by which it is routed, silenced and counted.
fn labels(comparison: &mut Comparison, old: &Alert, new: &Alert) {
    let names: BTreeSet<&String> = old.labels.keys().chain(new.labels.keys()).collect();
    for label in names {
        let (was, is) = (old.labels.get(label), new.labels.get(label));
        let message = match (was, is) {
            (Some(was), Some(is)) if was != is => format!(
                "{} has the label {label} as {is} instead of {was}: silences by it end, and it starts again where it fires",
                new.name
            ),
            (Some(was), None) => format!(
                "{} loses the label {label}, which was {was}: silences by it end, and it starts again where it fires",
                new.name
            ),
            (None, Some(is)) => format!(
                "{} gets the label {label} = {is}: it starts again where it fires",
                new.name
            ),
            _ => continue,
        };
        let class = if was.is_some() { Warning } else { Notice };
        let setting = format!("labels/{label}");
        comparison.say(class, message, at(comparison, old, new, &setting));
    }
}

fn at(comparison: &Comparison, old: &Alert, new: &Alert, setting: &str) -> At {
    comparison.at(
        &[format!("/alerts/{}/{setting}", new.name)],
        &[format!("/alerts/{}/{setting}", old.name)],
    )
}

/// What it means that a setting has another value; None: nothing.
fn changed(
    comparison: &Comparison,
    old: &Alert,
    new: &Alert,
    setting: &str,
    (was, is): (&str, &str),
) -> Option<(Class, String)> {
    let name = &new.name;
    let mut metrics = comparison.metrics.both.iter();
    Some(match setting {
        "tests" => (Safe, format!("{name} has different tests")),
        // In other words.
        "expr" if same(expression(old), expression(new)) => return None,
        "expr" => {
            let (class, word) = expression::changed(expression(old), expression(new));
            (class, format!("{name} {word}: `{is}` instead of `{was}`"))
        }
        // The higher the quantile, the higher what is compared.
        _ if new.kind.is_quantile(setting)
            && let (Ok(was), Ok(is)) = (was.parse::<f64>(), is.parse::<f64>()) =>
        {
            let (class, word) = match new.side.beyond(was, is) {
                true => (Dangerous, "looser"),
                false => (Notice, "tighter"),
            };
            let message = format!("{name} is {word}: `{setting}` is {is} instead of {was}");
            (class, message)
        }
        _ if metrics.any(|(old, new)| old.key == was && new.key == is) => (
            Safe,
            format!("{name} follows the new name of its metric: {is}"),
        ),
        _ => (
            Dangerous,
            format!("{name} reads something else: `{setting}` is {is} instead of {was}"),
        ),
    })
}

fn expression(alert: &Alert) -> &str {
    alert
        .settings
        .get("expr")
        .and_then(Value::as_str)
        .unwrap_or_default()
}

fn plain(value: &Value) -> String {
    value.as_str().map_or_else(
        || value.to_string(),
        |text| text.split_whitespace().collect::<Vec<_>>().join(" "),
    )
}

fn threshold(
    comparison: &mut Comparison,
    pair: &Pair,
    before: Option<(Side, f64)>,
    after: Option<(Side, f64)>,
) {
    let (Some(before), Some(after)) = (before, after) else {
        return;
    };
    let (included, includes) = (pair.old.includes, pair.new.includes);
    if before == after && included == includes {
        return;
    }
    let ((was, old), (side, new)) = (before, after);
    let (class, word) = if was != side {
        (Dangerous, "turned around")
    } else if side.beyond(new, old) || new == old && included {
        (Dangerous, "looser")
    } else {
        (Notice, "tighter")
    };
    let at = pair.at(comparison, pair.new.threshold.as_deref().unwrap_or("above"));
    let said = |alert: &Alert, limit: f64| with_unit(limit, alert.unit.as_deref());
    let turned = if was == side && included == includes {
        String::new()
    } else {
        format!("{} ", was.word_of(included))
    };
    let rest = format!(
        ": fires {} {} instead of {turned}{}",
        side.word_of(includes),
        said(pair.new, new),
        said(pair.old, old)
    );
    comparison.say_of(
        class,
        &format!("{} is {word} for ", pair.new.name),
        pair.name(),
        rest,
        at,
    );
}

fn window(
    comparison: &mut Comparison,
    pair: &Pair,
    before: Option<Duration>,
    after: Option<Duration>,
) {
    let (Some(before), Some(after)) = (before, after) else {
        return;
    };
    if before == after {
        return;
    }
    let effect = if after > before {
        "short bursts count less, and it recovers later"
    } else {
        "short bursts count more"
    };
    let at = pair.at(comparison, "window");
    comparison.say_of(
        weight::longer(before, after),
        &format!(
            "{} has a window of {after} instead of {before} for ",
            pair.new.name
        ),
        pair.name(),
        format!(": {effect}"),
        at,
    );
}

fn waiting(comparison: &mut Comparison, pair: &Pair, before: Duration, after: Duration) {
    if before == after {
        return;
    }
    let (word, by) = if after > before {
        ("later", after.0 - before.0)
    } else {
        ("sooner", before.0 - after.0)
    };
    let at = pair.at(comparison, "for");
    let rest = format!(": after {after} instead of {before}");
    comparison.say_of(
        weight::longer(before, after),
        &format!("{} fires {} {word} for ", pair.new.name, Duration(by)),
        pair.name(),
        rest,
        at,
    );
}

/// A lower severity notifies fewer people, or nobody.
fn severity(comparison: &mut Comparison, pair: &Pair, before: &str, after: &str) {
    if before == after {
        return;
    }
    let (was, is) = (
        routes::receiver(comparison.before.catalog, before),
        routes::receiver(comparison.after.catalog, after),
    );
    let lower = comparison.after.catalog.severities.rank(after)
        > comparison.before.catalog.severities.rank(before);
    let silent = is == routes::NOBODY && was != routes::NOBODY;
    let class = if lower || silent { Dangerous } else { Notice };
    let receiver = if was == is {
        format!(", still to {is}")
    } else {
        format!(", to {is} instead of {was}")
    };
    let at = pair.at(comparison, "severity");
    comparison.say_of(
        class,
        &format!("{} is {} instead of {} for ", pair.new.name, after, before),
        pair.name(),
        receiver,
        at,
    );
}
