//! Objectives that come, go or promise something else.

use super::Class::{Dangerous, Notice, Safe};
use super::{At, Comparison, listed, plural, weight};
use crate::catalog::Alert;
use crate::catalog::slos::{Counts, Slo};
use crate::source::step;

/// Every objective that is there on one side only, or is another one.
pub(crate) fn inspect(comparison: &mut Comparison) {
    let (before, after) = (comparison.before.catalog, comparison.after.catalog);
    for slo in &before.slos {
        if named(&after.slos, slo).is_none() {
            let message = format!(
                "objective {} is removed: {}; its budget is recorded no more, and its alerts end",
                slo.name,
                promise(slo)
            );
            comparison.say(Dangerous, message, At::Before(key(slo)));
        }
    }
    for slo in &after.slos {
        let Some(old) = named(&before.slos, slo) else {
            let class = if slo.covers.is_empty() { Notice } else { Safe };
            let message = format!("objective {} is new: {}", slo.name, promise(slo));
            comparison.say(class, message, At::After(key(slo)));
            continue;
        };
        objective(comparison, old, slo);
        if old.window != slo.window {
            let message = format!(
                "objective {} is kept over {} instead of {}: its budget is recorded anew, and {}",
                slo.name,
                slo.window,
                old.window,
                told(old, slo)
            );
            let class = if slo.window > old.window {
                Dangerous
            } else {
                Notice
            };
            comparison.say(class, message, at(comparison, slo, "window"));
        }
        if counted(&old.counts) != counted(&slo.counts) {
            let message = format!(
                "objective {} counts something else: {} instead of {}",
                slo.name,
                counted(&slo.counts),
                counted(&old.counts)
            );
            let key = if slo.counts.latency.is_some() {
                "latency"
            } else {
                "errors"
            };
            comparison.say(Dangerous, message, at(comparison, slo, key));
        }
        for (setting, was, is) in [
            ("summary", &old.summary, &slo.summary),
            ("description", &old.description, &slo.description),
        ] {
            if was != is {
                let message = format!("the {setting} of {} is worded differently", slo.name);
                comparison.say(Safe, message, at(comparison, slo, setting));
            }
        }
    }
}

/// Whether it comes or goes with its objective, which says so.
pub(super) fn goes_along(alert: &Alert, others: &[Slo]) -> bool {
    let slo = alert.slo.as_ref();
    slo.is_some_and(|slo| named(others, slo).is_none())
}

fn objective(comparison: &mut Comparison, old: &Slo, new: &Slo) {
    if old.objective == new.objective {
        return;
    }
    let times = |ratio: f64| format!("{} times", (ratio * 100.0).round() / 100.0);
    let (class, word) = if new.budget > old.budget {
        let more = times(new.budget / old.budget);
        (
            weight::larger(old.budget, new.budget),
            format!("looser: {more} as much may fail before somebody is told"),
        )
    } else {
        let less = times(old.budget / new.budget);
        (Notice, format!("tighter: its budget is {less} smaller"))
    };
    let message = format!(
        "objective {} is {} % instead of {} %, {word}",
        new.name, new.objective, old.objective
    );
    comparison.say(class, message, at(comparison, new, "objective"));
}

/// What another window does to its alerts.
fn told(old: &Slo, new: &Slo) -> String {
    let fastest = |slo: &Slo| {
        let burns = slo.alerts.iter().flat_map(|alert| &alert.burns);
        burns.map(|burn| burn.factor).fold(0.0, f64::max)
    };
    format!(
        "somebody is told from {} times its rate on, instead of {}",
        fastest(new),
        fastest(old)
    )
}

fn named<'a>(all: &'a [Slo], slo: &Slo) -> Option<&'a Slo> {
    all.iter().find(|other| other.name == slo.name)
}

fn key(slo: &Slo) -> String {
    format!("/slos/{}", step(&slo.name))
}

fn at(comparison: &Comparison, slo: &Slo, setting: &str) -> At {
    comparison.at_key(&format!("{}/{setting}", key(slo)))
}

fn promise(slo: &Slo) -> String {
    let whose = match slo.covers.len() {
        0 => "no service".to_string(),
        1..=3 => listed(&slo.covers),
        count => plural(count, "service"),
    };
    format!("{} % over {} of {whose}", slo.objective, slo.window)
}

/// What it counts, in words.
fn counted(counts: &Counts) -> String {
    let series = |key: &str, matchers: &str| {
        let name = counts.metric(key).unwrap_or_default();
        match matchers {
            "" => name.to_string(),
            some => format!("{name}{{{some}}}"),
        }
    };
    let failures = series("errors", &counts.failures);
    match counts.below {
        Some(below) => format!("{} below {below}", series("latency", &counts.events)),
        None if counts.events.is_empty() && !counts.matchers.is_empty() => failures,
        None => format!("{failures} of {}", series("total", &counts.events)),
    }
}
