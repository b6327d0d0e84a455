//! Files of the user's own, which come and go, and what their jobs expose.

use super::{Comparison, listed};
use crate::diff::Class::{self, Dangerous, Notice, Safe, Warning};

/// Of each key of `[extra]`: what it names, and how much it weighs that one goes.
const LISTS: [(&str, &str, Class); 6] = [
    ("rules", "own rule files", Dangerous),
    ("tests", "own unit tests", Warning),
    ("scrape", "own files of scrape jobs", Dangerous),
    (
        "alertmanager",
        "own files of receivers and routes",
        Dangerous,
    ),
    ("dashboards", "own dashboards", Warning),
    ("files", "files that own ones read", Warning),
];

/// Every key that names other files, or says otherwise what a job exposes.
pub(crate) fn inspect(comparison: &mut Comparison) {
    let (before, after) = (
        comparison.before.catalog.extra.clone(),
        comparison.after.catalog.extra.clone(),
    );
    for ((key, was), (_, is)) in before.lists().into_iter().zip(after.lists()) {
        let Some((_, what, weight)) = LISTS.iter().find(|(known, _, _)| *known == key) else {
            continue;
        };
        let at = comparison.at_key(&format!("/extra/{key}"));
        let gone: Vec<&String> = was.iter().filter(|path| !is.contains(path)).collect();
        let new: Vec<&String> = is.iter().filter(|path| !was.contains(path)).collect();
        if !gone.is_empty() {
            let message = format!("{what} are no longer taken from {}", listed(&gone));
            comparison.say(*weight, message, at.clone());
        }
        if !new.is_empty() {
            let message = format!("{what} are taken from {} too", listed(&new));
            comparison.say(Notice, message, at);
        }
    }
    let names: std::collections::BTreeSet<&String> =
        before.jobs.keys().chain(after.jobs.keys()).collect();
    for name in names {
        let profiles = |side: &crate::catalog::Extra| {
            let job = side.jobs.get(name);
            job.map(|job| job.profiles.clone()).unwrap_or_default()
        };
        let (was, is) = (profiles(&before), profiles(&after));
        if was != is {
            let said = match is.is_empty() {
                true => "may expose anything".to_string(),
                false => format!("exposes what {} lists", listed(&is)),
            };
            let at = comparison.at_key(&format!("/extra/jobs/{}", crate::source::step(name)));
            comparison.say(Safe, format!("the own job {name} {said}"), at);
        }
    }
}
