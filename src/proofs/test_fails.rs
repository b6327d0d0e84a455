//! Every unit test holds: run here as promtool runs it, those of the catalog and those that were rendered.

use super::{Check, Example, Proof, place};
use crate::artifacts::Role;
use crate::catalog::{Duration, Scope};
use crate::diagnostic::{Diagnostic, Severity};
use crate::evaluation::unit_tests::{Found, Loaded, Mismatch};
use crate::promql::engine::{LOOKBACK, metric};
use crate::promql::walk::selectors;
use crate::render::File;
use crate::stack::Stack;
use crate::stack::tested::RuleFiles;
use std::collections::HashSet;

pub(crate) const PROOF: Proof = Proof {
    code: "test-fails",
    doc: "A test that states something else than the rule does is wrong, or the rule is; either way nobody knows what the alert does. All tests are run at every render, without promtool.",
    example: Example::Rendered {
        role: Role::RuleTests,
        pointer: "/tests/*/promql_expr_test/*/exp_samples/*/value",
        bad: "7",
    },
    check: Check::Stack(|stack| {
        let (files, loaded) = (stack.files.tests(), RuleFiles::of(stack));
        files
            .flat_map(|file| failing(stack, file, &loaded.loaded(file)))
            .collect()
    }),
};

/// The tests of a file that do not hold, each once.
fn failing(stack: &Stack, file: &File, loaded: &Loaded) -> Vec<Diagnostic> {
    let own = stack.own_tests.of_file(file);
    let mut seen = HashSet::new();
    let mut failing = match file.is_own() {
        true => asked_of_nobody(file, loaded),
        false => Vec::new(),
    };
    for (_, found) in stack.failing_tests(file) {
        let pointer = match found {
            Found::Mismatch(Mismatch { pointer, .. })
            | Found::Broken { pointer, .. }
            | Found::Unknown { pointer, .. } => pointer,
        };
        let index = pointer
            .split('/')
            .nth(2)
            .and_then(|index| index.parse().ok());
        if !seen.insert(index) {
            continue;
        }
        let index: usize = index.unwrap_or_default();
        let title = file.value["tests"][index]["name"]
            .as_str()
            .unwrap_or_default();
        let of_catalog = own.get(index).is_some_and(Option::is_some);
        let alert = file.alert().and_then(|name| stack.catalog.alert(name));
        let about = of_catalog.then(|| alert.map_or(Scope::Service, |alert| alert.about));
        let numbered = match file.alert() {
            Some(alert) => format!("number {} of {alert}", index + 1),
            None => format!("number {}", index + 1),
        };
        let title = match title.split_once(':').map_or(title, |(_, name)| name).trim() {
            "" => numbered.as_str(),
            _ => title,
        };
        let mut error = said(file, pointer, title, about, found);
        if let Some(missing) = not_given(stack, file, loaded, index).filter(|_| !of_catalog) {
            error.help = format!(
                "the condition reads `{missing}`, which the case does not give: name it under `[constants]` of its kind.toml, or among its `[series]`"
            );
        }
        if let Some(group) = unordered(file, loaded).filter(|_| !of_catalog) {
            error.help = format!(
                "the group `{group}` is not in its `group_eval_order`: name it there, behind those whose series it reads"
            );
        }
        let every = file.value["tests"][index]["interval"].as_str();
        let apart = every.and_then(Duration::parse);
        if let Some(apart) = apart.filter(|apart| of_catalog && apart.0.cast_signed() > LOOKBACK) {
            error.help = format!(
                "its samples are {apart} apart, and Prometheus takes a series for gone 5m after its last: write `every = \"1m\"` or the like"
            );
        }
        // Of a condition that is wrong by itself the tests say nothing more.
        let tested = file.alert().filter(|_| of_catalog);
        error
            .follows
            .extend(tested.map(|alert| format!("condition {alert}")));
        failing.push(error);
    }
    failing
}

/// Alerts of which a test of the user's own says that they are silent, and which none of its rules has.
fn asked_of_nobody(file: &File, loaded: &Loaded) -> Vec<Diagnostic> {
    let known: HashSet<&str> = loaded
        .rules()
        .filter(|rule| rule.alert.is_some())
        .map(|rule| rule.name.as_str())
        .collect();
    let mut found = Vec::new();
    for (index, test) in file.value["tests"].items().enumerate() {
        for (at, case) in test["alert_rule_test"].items().enumerate() {
            let name = case["alertname"].as_str().unwrap_or_default();
            if !known.contains(name) {
                found.push(place::at(
                    &file.path,
                    format!("/tests/{index}/alert_rule_test/{at}/alertname"),
                    format!("the test asks for `{name}`, which none of its rules is: it is silent whatever happens"),
                    "name the alert as its rule does",
                ));
            }
        }
    }
    found
}

/// What the alert of a file reads that neither a series of the test nor a rule that is loaded gives it.
fn not_given(stack: &Stack, file: &File, loaded: &Loaded, index: usize) -> Option<String> {
    let alert = file.alert()?;
    let rule = loaded
        .rules()
        .find(|rule| rule.alert.is_some() && rule.name == alert)?;
    let series = file.value["tests"][index]["input_series"].items();
    let given: HashSet<&str> = series
        .filter_map(|one| one["series"].as_str()?.split('{').next())
        .chain(
            loaded
                .rules()
                .filter(|rule| rule.alert.is_none())
                .map(|rule| rule.name.as_str()),
        )
        .collect();
    let read = selectors(&rule.expr).into_iter().filter_map(metric);
    // What the catalog says of a service is recorded of nothing: a case cannot be without it by chance.
    let mut constant = read.filter(|name| {
        let mut recorded = stack
            .rules
            .iter()
            .filter(|loaded| loaded.rule.name == **name);
        recorded.clone().next().is_some()
            && recorded.all(|loaded| selectors(&loaded.rule.expr).is_empty())
    });
    let missing = constant.find(|name| !given.contains(name))?;
    Some(missing.to_string())
}

/// A group that is loaded, and that the order of evaluation does not have, where there is one.
fn unordered<'g>(file: &File, loaded: &'g Loaded) -> Option<&'g str> {
    let order = &file.value["group_eval_order"];
    let mut groups = loaded.groups.iter().map(|(name, _)| name.as_str());
    let known = |group: &&str| order.texts().any(|known| known == *group);
    groups.find(|group| order.items().next().is_some() && !known(group))
}

/// From here on two texts are cut to where they differ: nobody compares longer ones by eye.
const LONG: usize = 120;

/// So much of what both have stays on either side.
const AROUND: usize = 30;

/// Two long texts without what both begin and end with, but for what shows where that is.
fn apart(one: &str, other: &str) -> (String, String) {
    if one.len().min(other.len()) <= LONG {
        return (one.to_string(), other.to_string());
    }
    let (a, b): (Vec<char>, Vec<char>) = (one.chars().collect(), other.chars().collect());
    let same = |pairs: &mut dyn Iterator<Item = (&char, &char)>| {
        pairs.take_while(|(one, other)| one == other).count()
    };
    let before = same(&mut a.iter().zip(&b));
    let shorter = a.len().min(b.len());
    let behind = same(&mut a.iter().rev().zip(b.iter().rev())).min(shorter - before);
    let begin = before.saturating_sub(AROUND);
    let cut = |text: &[char]| {
        let end = (text.len() - behind + AROUND).min(text.len());
        let inside: String = text[begin..end].iter().collect();
        let dots = |there: bool| if there { "…" } else { "" };
        format!("{}{inside}{}", dots(begin > 0), dots(end < text.len()))
    };
    (cut(&a), cut(&b))
}

/// about: what the alert is about, where the test is the catalog's own.
fn said(
    file: &File,
    pointer: &str,
    title: &str,
    about: Option<Scope>,
    found: &Found,
) -> Diagnostic {
    let of_catalog = about.is_some();
    let name = match title.split_once(": ") {
        Some((_, name)) if of_catalog => name,
        _ => title,
    };
    let (message, help) = match found {
        Found::Mismatch(mismatch) => {
            let at = Duration(mismatch.at.unsigned_abs());
            // A recording rule gives numbers, and fires for nobody.
            let fires = file.alert().is_some();
            let message = if let Some(about) = about.filter(|_| fires) {
                let whom = |samples: &[String]| match about {
                    Scope::Service => services(samples),
                    _ => wholes(samples),
                };
                if let Some(many) = several(about, mismatch) {
                    return place::at(
                        &file.path,
                        pointer,
                        format!(
                            "the test `{name}` fails: it expects the alert to fire at {at} once for {}, and it fires for {many} series of it",
                            whom(&mismatch.expected)
                        ),
                        "take its series together, as in `max by (job, service, component) (…)`; or name in `per` what tells them apart, and in `fires` each with its labels: `{ service = \"…\", instance = \"…\" }`",
                    );
                }
                format!(
                    "the test `{name}` fails: it expects the alert to fire at {at} for {}, and it fires for {}",
                    whom(&mismatch.expected),
                    whom(&mismatch.got)
                )
            } else {
                let (wanted, got) = apart(&listed(&mismatch.expected), &listed(&mismatch.got));
                format!("the test `{name}` fails: at {at} it expects {wanted}, and there is {got}")
            };
            // The user's own tests are his word, as those of the catalog are.
            let help = match of_catalog || file.is_own() {
                true => {
                    "one of the two is wrong: the expression, or what the test expects of these samples"
                }
                false => {
                    "one of the two is wrong: the rule, or what the test expects of these samples. Who changes a rule by hand, its labels and annotations too, changes its tests with it: those in this file"
                }
            };
            (message, help)
        }
        Found::Broken { reason, .. } => (
            format!("the test `{name}` cannot be run: {reason}"),
            "fix the series or the expression",
        ),
        Found::Unknown { reason, .. } => (
            format!("the test `{name}` is not run: {reason}"),
            "write it in another way, or accept with `allow` that it is not proved",
        ),
    };
    let unknown = matches!(found, Found::Unknown { .. });
    let mut failing = place::at(&file.path, pointer, message, help);
    if unknown && file.is_own() {
        // promtool runs it, and it is the team's own.
        failing.severity = Severity::Warning;
    }
    if let Some(alert) = file.alert().filter(|_| !of_catalog) {
        let causes = ["behaviour", "alert"].map(|what| format!("{what} {alert}"));
        failing.follows.extend(causes);
    }
    failing
}

/// For how many series of one service an alert fires that is expected once for it; None: something else is wrong.
fn several(about: Scope, mismatch: &Mismatch) -> Option<u64> {
    let same = about == Scope::Service && services(&mismatch.expected) == services(&mismatch.got);
    let values = mismatch
        .got
        .iter()
        .filter_map(|sample| sample.rsplit_once(' '));
    let counts = values.filter_map(|(_, value)| value.parse::<u64>().ok());
    counts.max().filter(|many| same && *many > 1)
}

/// What alerts fire for that are about no single service, by the labels that say it, as people read them.
fn wholes(samples: &[String]) -> String {
    let one = |sample: &String| {
        let labels = sample.split_once('{').map_or("", |(_, labels)| labels);
        let labels = labels.rsplit_once('}').map_or("", |(labels, _)| labels);
        let told = labels.split(", ").filter(|label| {
            let name = label.split('=').next().unwrap_or_default();
            !["__name__", "alertname", "alertstate", "severity", ""].contains(&name)
        });
        let told: Vec<&str> = told.collect();
        match told.is_empty() {
            true => "the platform as a whole".to_string(),
            false => format!("`{}`", told.join(", ")),
        }
    };
    let all: Vec<String> = samples.iter().map(one).collect();
    match all.is_empty() {
        true => "nothing".to_string(),
        false => all.join(" and "),
    }
}

/// The services of samples, as people read them.
fn services(samples: &[String]) -> String {
    let mut jobs: Vec<String> = samples
        .iter()
        .filter_map(|sample| {
            let told = |label: &str| sample.split(&format!("{label}=\"")).nth(1);
            let name = told("service").or_else(|| told("job"))?;
            Some(format!("`{}`", name.split('"').next()?))
        })
        .collect();
    jobs.sort();
    match (jobs.is_empty(), samples.is_empty()) {
        (true, true) => "no service".to_string(),
        (true, false) => "a series of no service".to_string(),
        _ => jobs.join(", "),
    }
}

fn listed(samples: &[String]) -> String {
    match samples {
        [] => "nothing".to_string(),
        [one] => format!("`{one}`"),
        [one, rest @ ..] => format!("`{one}` and {} more", rest.len()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_texts_are_cut_to_where_they_differ() {
        let (begin, end) = ("a".repeat(200), "z".repeat(200));
        let (one, other) = apart(&format!("{begin}up{end}"), &format!("{begin}down{end}"));
        let (a, z) = ("a".repeat(AROUND), "z".repeat(AROUND));
        assert_eq!(one, format!("…{a}up{z}…"));
        assert_eq!(other, format!("…{a}down{z}…"));
        assert_eq!(apart("short", &begin), ("short".to_string(), begin.clone()));
        let (all, more) = apart(&begin, &format!("{begin}{begin}"));
        assert!(all.len() < 80 && more.len() > 200, "{all} {more}");
    }
}
