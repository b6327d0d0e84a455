//! A ratio of failures to attempts is not upside down.

use super::Lint;
use super::part_in_another_unit::role;
use crate::catalog::units::by_name;
use crate::catalog::{Alert, Catalog, snake};
use crate::contract::domain::Domain;
use crate::contract::filtered::values;
use crate::diagnostic::{Diagnostic, Place};
use crate::kinds::Side;
use crate::promql::matchers::regex;
use crate::source::step;
use crate::value::Value;

pub(crate) const LINT: Lint = Lint {
    code: "exchanged-ratio",
    doc: "With failures and attempts exchanged the ratio is far above its threshold while all is well, and falls when everything fails.",
    bad: "[metrics.logins_total]\ntype = \"counter\"\nhelp = \"Logins\"\n\n[metrics.login_failures_total]\ntype = \"counter\"\nhelp = \"Logins that failed\"\n\n[alerts.LoginFailures]\nkind = \"ratio\"\nerrors = \"logins_total\"\ntotal = \"login_failures_total\"\nabove = 0.1\nwindow = \"5m\"\nfor = \"5m\"\nseverity = \"warning\"\n",
    good: "[metrics.logins_total]\ntype = \"counter\"\nhelp = \"Logins\"\n\n[metrics.login_failures_total]\ntype = \"counter\"\nhelp = \"Logins that failed\"\n\n[alerts.LoginFailures]\nkind = \"ratio\"\nerrors = \"login_failures_total\"\ntotal = \"logins_total\"\nabove = 0.1\nwindow = \"5m\"\nfor = \"5m\"\nseverity = \"warning\"\n",
    check: |catalog, _| {
        let mut found = Vec::new();
        for alert in catalog.written_alerts() {
            let all = alert.in_role("attempts");
            let (Some((failed, failures)), Some((other, attempts))) = (
                alert.in_role("failures"),
                all.or_else(|| alert.in_role("successes")),
            ) else {
                continue;
            };
            let words = |metric: &str, said: [&str; 2]| {
                let words = snake(metric);
                words.split('_').any(|word| said.contains(&word))
            };
            // What is looked for and not found is a failure beside what is found.
            let found_or_not = all.is_none()
                && words(failures, ["hit", "hits"])
                && words(attempts, ["miss", "misses"]);
            let failing = says_failure(attempts) && !says_failure(failures);
            if failures == attempts || !failing && !found_or_not {
                continue;
            }
            found.push(
                Diagnostic::error(
                    "exchanged-ratio",
                    Place::Value(format!("/alerts/{}/{other}", alert.name)),
                    format!(
                        "`{}` sets `{failures}` against `{attempts}`, which counts failures by its name",
                        alert.name
                    ),
                )
                .also(
                    Place::Value(format!("/alerts/{}/{failed}", alert.name)),
                    "and this does not",
                )
                .help(format!("exchange `{failed}` and `{other}`")),
            );
        }
        let alerts = || catalog.written_alerts();
        found.extend(alerts().filter_map(|alert| {
            let gauges = of_gauges(alert).or_else(|| of_a_profile(alert, catalog));
            gauges
                .or_else(|| of_what_is_wanted(alert))
                .or_else(|| of_what_is_used(alert))
        }));
        found.extend(alerts().filter_map(of_events));
        found.extend(alerts().filter_map(|alert| of_successes(alert, catalog)));
        found.extend(alerts().filter_map(|alert| without_failures(alert, catalog)));
        found.extend(alerts().filter_map(|alert| only_failures(alert, catalog)));
        for slo in &catalog.slos {
            let (Some(errors), Some(total)) = (&slo.counts.errors, &slo.counts.total) else {
                continue;
            };
            if errors != total && !says_failure(errors) && says_failure(total) {
                let at = |key: &str| Place::Value(format!("/slos/{}/{key}", step(&slo.name)));
                let message = format!(
                    "the objective `{}` divides `{errors}` by `{total}`, which counts failures by its name",
                    slo.name
                );
                found.push(
                    Diagnostic::error("exchanged-ratio", at("total"), message)
                        .also(at("errors"), "and this does not")
                        .help("exchange `errors` and `total`"),
                );
            }
        }
        found
    },
};

/// How often something was done in the place of how long it took.
fn of_events(alert: &Alert) -> Option<Diagnostic> {
    let (key, of) = ("events", alert.kind.says("events", "beside")?);
    let other = of.as_object()?.keys().next()?;
    let named = |key: &str| alert.settings.get(key)?.as_str();
    let (events, took) = (named(key)?, named(other)?);
    let unit = by_name(events).filter(|_| by_name(took).is_none())?;
    let at = |key: &str| Place::Value(format!("{}/{key}", alert.table()));
    let message = format!(
        "`{}` divides `{took}` by `{events}`, which is in {unit} by its name, and counts no events",
        alert.written_name()
    );
    Some(
        Diagnostic::error("exchanged-ratio", at(key), message)
            .also(at(other), "and this may")
            .help(format!("exchange `{other}` and `{key}`")),
    )
}

/// What is counted as failures, and by its name or its labels has succeeded, all of it or some.
fn of_successes(alert: &Alert, catalog: &Catalog) -> Option<Diagnostic> {
    let (key, metric) = alert.in_role("failures")?;
    let words = snake(metric);
    let succeeds = words.split('_').any(|word| SUCCESS.contains(&word));
    let by_name = succeeds && !says_failure(&words);
    let filter = alert.filters.get(key);
    let by_label = filter.and_then(|filter| {
        let succeeds = |(label, value): &(&String, &Value)| {
            let status = *label == "code" || label.contains("status");
            status && only_successes(value) || only_words_of_success(value)
        };
        Some(filter.r#where.iter().find(succeeds)?.0)
    });
    let beside = || {
        let declared = &catalog.metric(metric)?.labels;
        filter?.asks().find_map(|(label, pattern, is)| {
            let well = success_picked(declared.get(label)?, &pattern, is)?;
            Some(format!("as with `{label}=\"{well}\"`"))
        })
    };
    let how = match (by_name, by_label) {
        (true, _) => "by its name".to_string(),
        (_, Some(label)) => format!("by its `{label}`"),
        _ => beside()?,
    };
    let written = alert.written_name();
    let message = format!("`{written}` counts as failures what has succeeded {how}");
    let at = Place::Value(format!("{}/{key}", alert.table()));
    Some(
        Diagnostic::error("exchanged-ratio", at, message)
            .help("count what failed: the alert fires when there is much of it"),
    )
}

/// Of the values that a label is declared to have, one for what has succeeded that a filter picks.
pub(super) fn success_picked(declared: &Value, pattern: &str, is: bool) -> Option<String> {
    let domain = Domain::declared(declared);
    let Domain::Values(_) = domain else {
        return None;
    };
    let mut picked = values(&domain, pattern, is).into_iter();
    picked.find(|value| VALUES.contains(&&*value.to_lowercase()))
}

/// Of two gauges of a profile the one below the other, or both below a third, as the profile knows them.
fn of_a_profile(alert: &Alert, catalog: &Catalog) -> Option<Diagnostic> {
    let (part_key, part) = role(alert, catalog, "part")?;
    let (limit_key, limit) = role(alert, catalog, "limit")?;
    let at = |key: &str| Place::Value(format!("{}/{key}", alert.table()));
    let same = alert.filters.get(part_key) == alert.filters.get(limit_key);
    if part.name == limit.name && same {
        let message = format!(
            "`{}` divides `{}` by itself, which is 1 whatever it is",
            alert.written_name(),
            part.name
        );
        return Some(
            Diagnostic::error("exchanged-ratio", at(limit_key), message)
                .also(at(part_key), "the same")
                .help("name what it is a part of"),
        );
    }
    let profile = limit.profile.as_deref()?;
    let wholes = |name| catalog.profiles.wholes(profile, name);
    // Both are parts of the same, and none of the other.
    let shared = wholes(&part.name).find(|whole| wholes(&limit.name).any(|other| other == *whole));
    let apart = shared.filter(|_| wholes(&part.name).all(|whole| whole != limit.name));
    if let Some(whole) = apart.filter(|_| wholes(&limit.name).all(|whole| whole != part.name)) {
        let message = format!(
            "`{}` divides `{}` by `{}`: both are parts of `{whole}`, and none is the limit of the other",
            alert.written_name(),
            part.name,
            limit.name
        );
        return Some(
            Diagnostic::error("exchanged-ratio", at(limit_key), message)
                .also(at(part_key), "the other part")
                .help(format!("write `{whole}` as `{limit_key}`")),
        );
    }
    wholes(&limit.name).find(|whole| *whole == part.name)?;
    let message = format!(
        "`{}` divides `{}` by `{}`, which is a part of it",
        alert.written_name(),
        part.name,
        limit.name
    );
    Some(
        Diagnostic::error("exchanged-ratio", at(limit_key), message)
            .also(at(part_key), "the whole")
            .help(format!("exchange `{part_key}` and `{limit_key}`")),
    )
}

/// A filter of failures that leaves no other event, where nothing else counts the attempts: the ratio is always 1.
fn only_failures(alert: &Alert, catalog: &Catalog) -> Option<Diagnostic> {
    let (key, metric) = alert.in_role("failures")?;
    let counted_apart = ["attempts", "successes"].into_iter().any(|role| {
        let other = alert.in_role(role);
        other.is_some_and(|(other, of)| of != metric || alert.said_filter(other).is_some())
    });
    let declared = &catalog.metric(metric)?.labels;
    let mut asks = alert.said_filter(key)?.asks().peekable();
    let leaves_none = |(label, pattern, is): (&str, String, bool)| {
        let domain = declared.get(label).map(Domain::declared);
        domain.is_some_and(|domain| domain.example(&pattern, !is).is_none())
    };
    if counted_apart || asks.peek().is_none() || !asks.all(leaves_none) {
        return None;
    }
    let message = format!(
        "`{}` counts every event of `{metric}` as a failure: there is no other for its ratio",
        alert.written_name()
    );
    let at = Place::Value(format!("{}/{key}", alert.table()));
    Some(
        Diagnostic::error("exchanged-ratio", at, message)
            .help("leave out the values of events that went well"),
    )
}

/// Attempts among which no failure is: of one metric, those that succeeded, or all but the failures.
fn without_failures(alert: &Alert, catalog: &Catalog) -> Option<Diagnostic> {
    let (failed_key, failed) = alert.in_role("failures")?;
    let (all_key, all) = alert.in_role("attempts")?;
    let one_metric = failed == all;
    let known = catalog.metric(failed)?;
    let [failures, attempts] = [failed_key, all_key].map(|key| alert.said_filter(key));
    let (failures, attempts) = (failures?, attempts?);
    let picked = failures.asks().filter(|(.., is)| *is);
    for (label, pattern, _) in picked.filter(|_| one_metric) {
        let Some(domain) = known.labels.get(label).map(Domain::declared) else {
            continue;
        };
        let Some(example) = domain.example(&pattern, true) else {
            continue;
        };
        let lost = attempts.asks().find(|(asked, theirs, is)| {
            let theirs = Domain::Pattern(theirs.clone());
            *asked == label
                && match is {
                    true => !theirs.overlaps(&Domain::Pattern(pattern.clone())),
                    false => Domain::Pattern(pattern.clone()).within(&theirs),
                }
        });
        let Some((_, _, is)) = lost else { continue };
        // Two events of one counter may be told by their names: logins that failed, of those that were tried.
        let written = attempts.r#where.get(label);
        let succeeds = |value: &Value| only_words_of_success(value) || only_successes(value);
        if is && !written.is_some_and(succeeds) {
            continue;
        }
        let (side, what) = match is {
            true => ("where", "only what has succeeded"),
            false => ("except", "all but the failures"),
        };
        let at = Place::Value(format!(
            "{}/{all_key}/{side}/{}",
            alert.table(),
            step(label)
        ));
        let message = format!(
            "`{}` takes for all attempts {what}: where everything fails, as with `{label}=\"{example}\"`, there is no ratio and no alert",
            alert.written_name()
        );
        let help = match alert.kind.says("successes", "role") {
            Some(_) => format!(
                "leave `{all_key}` out, for all that `{failed_key}` tells its failures from, or call it `successes`"
            ),
            None => "count all attempts, those that failed too".to_string(),
        };
        return Some(Diagnostic::error("exchanged-ratio", at, message).help(help));
    }
    None
}

/// Whether each of some values says that all went well.
pub(super) fn only_words_of_success(value: &Value) -> bool {
    let says = |text: &Value| {
        text.as_str()
            .is_some_and(|text| VALUES.contains(&&*text.to_lowercase()))
    };
    match value {
        Value::Array(all) => !all.is_empty() && all.iter().all(says),
        one => says(one),
    }
}

/// Values of labels for what has succeeded.
const VALUES: [&str; 12] = [
    "complete",
    "completed",
    "delivered",
    "done",
    "finished",
    "ok",
    "okay",
    "pass",
    "passed",
    "success",
    "succeeded",
    "successful",
];

/// Whether values of a status, or a pattern of them, are those of answers that are none of errors.
fn only_successes(value: &Value) -> bool {
    let texts: Vec<&str> = match value {
        Value::Array(all) => all.iter().filter_map(Value::as_str).collect(),
        one => one.as_str().into_iter().collect(),
    };
    let patterns: Vec<_> = texts.iter().filter_map(|text| regex(text)).collect();
    let picked = |class: &char| {
        let ends = ["00", "01", "02", "03", "04", "xx", "XX"];
        let mut values = ends.iter().map(|end| format!("{class}{end}"));
        values.any(|value| patterns.iter().any(|one| one.is_match(&value)))
    };
    ['1', '2', '3'].iter().any(picked) && !['4', '5'].iter().any(picked)
}

/// Of two gauges the one below the other, or the side on which it fires, by what their names say.
fn of_gauges(alert: &Alert) -> Option<Diagnostic> {
    let (rises, ceiling) = (alert.in_role("level"), alert.in_role("ceiling"));
    let (part_key, part) = alert.in_role("part").or(ceiling.and(rises))?;
    let (limit_key, limit) = alert.in_role("limit").or(ceiling)?;
    let at = |key: &str| Place::Value(format!("{}/{key}", alert.table()));
    let name = alert.written_name();
    let says =
        |metric: &str, words: &[&str]| snake(metric).split('_').any(|word| words.contains(&word));
    let whole = |metric: &str| says(metric, &WHOLE) && !says(metric, &USED) && !says(metric, &LEFT);
    // As in `entries` and `entries_limit`, or `queue_points` and `queue_limit_points`.
    let without = snake(part);
    let without = without.split('_').filter(|word| !WHOLE.contains(word));
    let of_it = without.eq(snake(limit).split('_'));
    let taken = !says(limit, &WHOLE) && (says(limit, &USED) || says(limit, &LEFT));
    let bound = says(part, &BOUND) && !says(limit, &BOUND) && !says(limit, &WHOLE);
    if whole(part) && (taken || of_it || bound) {
        let message =
            format!("`{name}` divides `{part}` by `{limit}`, and by its name that is no limit");
        let exchanged = Diagnostic::error("exchanged-ratio", at(limit_key), message);
        return Some(
            exchanged
                .also(at(part_key), "and this is one")
                .help(format!("exchange `{part_key}` and `{limit_key}`")),
        );
    }
    let (side, _) = alert.branches.first()?.limit()?;
    if ceiling.is_some() {
        return None;
    }
    let left = says(part, &LEFT) && !says(part, &USED);
    (side == Side::Above && left && says(limit, &WHOLE)).then(|| {
        let message = format!(
            "`{name}` fires while much of `{limit}` is left: by its name `{part}` is what is left, and not what is used"
        );
        let threshold = alert.threshold.as_deref().unwrap_or("above");
        Diagnostic::error("exchanged-ratio", at(threshold), message)
            .also(at(part_key), "what is left")
            .help("write `below`, or name what is used")
    })
}

/// What should be in the place of what is, where it matters which of them is less.
fn of_what_is_wanted(alert: &Alert) -> Option<Diagnostic> {
    let (key, actual) = alert.in_role("actual")?;
    let (other, desired) = alert.in_role("desired")?;
    let one_way = alert
        .settings
        .get("differs")
        .is_some_and(|way| way != "either");
    let wanted = |metric: &str| snake(metric).split('_').any(|word| WANTED.contains(&word));
    (one_way && wanted(actual) && !wanted(desired)).then(|| {
        let at = |key: &str| Place::Value(format!("{}/{key}", alert.table()));
        let message = format!(
            "`{}` takes `{actual}` for what there is, and by its name that is what should be",
            alert.written_name()
        );
        Diagnostic::error("exchanged-ratio", at(key), message)
            .also(at(other), "and this is not")
            .help(format!("exchange `{key}` and `{other}`"))
    })
}

/// What is used in the place of what is left, beside all there is.
fn of_what_is_used(alert: &Alert) -> Option<Diagnostic> {
    let (key, level) = alert.in_role("level")?;
    let (limit, _) = alert.in_role("full")?;
    let says = |words: &[&str]| snake(level).split('_').any(|word| words.contains(&word));
    (says(&["used", "usage"]) && !says(&LEFT)).then(|| {
        let at = |key: &str| Place::Value(format!("{}/{key}", alert.table()));
        let message = format!(
            "`{}` takes `{level}` for what is left, and by its name that is what is used",
            alert.written_name()
        );
        let ceiling = alert.kind.in_role("ceiling").unwrap_or("limit");
        Diagnostic::error("exchanged-ratio", at(limit), message)
            .also(at(key), "what is used")
            .help(format!(
                "write `{ceiling}` in place of `{limit}`, or name what is left"
            ))
    })
}

/// Words in the names of gauges of what there should be.
const WANTED: [&str; 7] = [
    "configured",
    "desired",
    "expected",
    "requested",
    "should",
    "target",
    "wanted",
];

/// Words in the names of gauges: of a limit,
const WHOLE: [&str; 7] = [
    "size", "total", "limit", "max", "maximum", "capacity", "quota",
];

/// of which these say nothing else,
const BOUND: [&str; 5] = ["limit", "max", "maximum", "capacity", "quota"];

/// of what is taken of it,
const USED: [&str; 8] = [
    "used",
    "usage",
    "use",
    "active",
    "busy",
    "current",
    "open",
    "utilization",
];

/// and of what is not.
const LEFT: [&str; 7] = [
    "avail",
    "available",
    "free",
    "idle",
    "left",
    "remaining",
    "unused",
];

/// Words in the names of counters of what went well.
const SUCCESS: [&str; 5] = [
    "success",
    "successes",
    "succeeded",
    "successful",
    "successfully",
];

/// Words in the names of counters of what went wrong.
const FAILURE: [&str; 14] = [
    "error",
    "errors",
    "failure",
    "failures",
    "failed",
    "rejected",
    "rejections",
    "dropped",
    "timeouts",
    "timeout",
    "exceptions",
    "aborted",
    "denied",
    "lost",
];

fn says_failure(metric: &str) -> bool {
    metric.split('_').any(|word| FAILURE.contains(&word))
}
