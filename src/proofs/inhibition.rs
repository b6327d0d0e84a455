//! An inhibition holds back what it may, and is of some use.

use super::{Check, Example, Proof, place};
use crate::artifacts::Role;
use crate::catalog::Catalog;
use crate::catalog::owners::Inhibit;
use crate::diagnostic::{Diagnostic, Place, mistyped};
use crate::source::step;
use crate::stack::notifications::Notifications;
use crate::stack::notifications::alerts::Firing;
use crate::stack::notifications::inhibition::Inhibition;
use crate::stack::notifications::matchers::Matcher;
use std::collections::{BTreeSet, HashMap};

pub(crate) const PROOF: Proof = Proof {
    code: "inhibition",
    doc: "Each alert is held against each other as the Alertmanager does it. One that people must be told of may be held back only by one of the same service that they are told of instead, or as `[inhibit]` says, which must be in force; alerts that hold back each other are told to nobody; and a rule whose sides never meet holds back nothing.",
    example: Example::Rendered {
        role: Role::Alertmanager,
        pointer: "/inhibit_rules/*/source_matchers",
        bad: r#"["alertname=\"Dwon\""]"#,
    },
    check: Check::Stack(|stack| {
        let Some(notifications) = stack.notifications() else {
            return Vec::new();
        };
        let path = &notifications.file.path;
        let unreadable = notifications.unreadable.iter().map(|(pointer, text)| {
            let message = format!("`{text}` is no matcher");
            place::at(
                path,
                pointer,
                message,
                "write it as in `alertname=\"Down\"`",
            )
        });
        let mut found: Vec<Diagnostic> = unreadable.collect();
        let mut edges: Vec<Vec<(usize, usize)>> = Vec::new();
        let real = &notifications.alerts.real;
        for rule in &notifications.rules {
            let wrong = |source: usize, target: usize| {
                let (source, target) = (&real[source], &real[target]);
                wrong(rule, source, target, stack.catalog)
                    .or_else(|| of_another(source, target, stack.catalog))
                    .or_else(|| another_cause(rule, source, target, stack.catalog))
                    .or_else(|| muted(notifications, source, target, stack.catalog))
            };
            let pairs = pairs(rule, real, |source, target| wrong(source, target).is_some());
            let last = pairs.last().copied();
            let mistake = last.and_then(|(source, target)| {
                let (message, help) = wrong(source, target)?;
                let untold = !real[source].pages(stack.catalog)
                    || muted(notifications, &real[source], &real[target], stack.catalog).is_some();
                let mut declared = stack.catalog.inhibitions.iter();
                let by = declared
                    .find(|declared| says(declared, &real[source], &real[target], stack.catalog));
                Some(match by {
                    Some(by) => {
                        let place = Place::Key(format!("/inhibit/{}", by.name));
                        Diagnostic::error("inhibition", place, message).help(help)
                    }
                    // That it holds others back is its kind's; when nobody is told of it is the catalog's.
                    None if real[source].holds_back_others && untold => {
                        let place = Place::Key(format!("/alerts/{}", real[source].name));
                        let owner = real[source].about(stack.catalog).owner;
                        Diagnostic {
                            owners: vec![
                                format!("/owners/{}", step(owner)),
                                "/alertmanager/routes".to_string(),
                            ],
                            ..Diagnostic::error("inhibition", place, message).help(help)
                        }
                    }
                    // So does that the fast burn of an objective holds back the slow one.
                    None if untold && of_objective(&real[source], stack.catalog).is_some() => {
                        let table = of_objective(&real[source], stack.catalog);
                        let place = Place::Key(table.unwrap_or_default());
                        Diagnostic::error("inhibition", place, message).help(help)
                    }
                    None => place::at(path, &rule.pointer, message, help),
                })
            });
            let sides = [("source", &rule.source), ("target", &rule.target)];
            let mistyped = sides.into_iter().find_map(|(side, matchers)| {
                let (label, part, meant) = notifications.mistyped(matchers)?;
                let message = format!("no alert has `{part}` as its `{label}`: this rule does not concern what it is for as its {side}");
                let help = format!("did you mean `{meant}`?");
                Some(place::at(path, &rule.pointer, message, help))
            });
            let mistyped = mistyped.or_else(|| {
                let labels = real.iter().flat_map(|firing| firing.labels().keys());
                let known: BTreeSet<&str> = labels.map(String::as_str).collect();
                let (label, meant) = mistyped_label(&rule.equal, &known)?;
                let place = format!("{}/equal", rule.pointer);
                let message = format!(
                    "no alert has a label `{label}`: all are equal in it, and hold each other back"
                );
                Some(place::at(
                    path,
                    place,
                    message,
                    format!("did you mean `{meant}`?"),
                ))
            });
            match mistake.or(mistyped) {
                Some(mistake) => found.push(mistake),
                None => {
                    let useless = pairs.is_empty().then(|| useless(notifications, rule));
                    let useless = useless.flatten();
                    let unsuited = useless.or_else(|| narrow(notifications, rule));
                    found.extend(unsuited.or_else(|| alike(notifications, rule, &pairs)));
                }
            }
            edges.push(pairs);
        }
        for declared in &stack.catalog.inhibitions {
            found.extend(without_effect(notifications, declared, stack.catalog));
        }
        if found.is_empty() {
            found.extend(circle(notifications, &edges, stack.catalog));
        }
        found
    }),
};

/// A label of `equal` that no alert has and is surely mistyped, and what was meant. One that is known elsewhere is no mistake: both
/// sides lack it.
fn mistyped_label<'e, 'k>(
    equal: &'e [String],
    known: &BTreeSet<&'k str>,
) -> Option<(&'e str, &'k str)> {
    let meant = |label: &'e String| {
        let near = mistyped(label, known.iter().copied()).filter(|_| label.len() > 3)?;
        let open = !equal.iter().any(|other| other == near);
        open.then_some((label.as_str(), near))
    };
    equal.iter().find_map(meant)
}

/// Every source and target of a rule that meet; the search ends with one that is wanted.
fn pairs(
    rule: &Inhibition,
    alerts: &[Firing],
    wanted: impl Fn(usize, usize) -> bool,
) -> Vec<(usize, usize)> {
    let sent = |(_, firing): &(usize, &Firing)| firing.sent.is_some();
    let all = || alerts.iter().enumerate().filter(sent);
    let mut sources: HashMap<Vec<&str>, Vec<usize>> = HashMap::new();
    for (index, firing) in all().filter(|(_, firing)| rule.from(firing.labels())) {
        let same = sources.entry(rule.key(firing.labels())).or_default();
        same.push(index);
    }
    let mut found = Vec::new();
    for (target, firing) in all().filter(|(_, firing)| rule.onto(firing.labels())) {
        let meeting = sources.get(&rule.key(firing.labels()));
        for source in meeting.into_iter().flatten().copied() {
            if source != target && rule.holds_back(alerts[source].labels(), firing.labels()) {
                found.push((source, target));
                if wanted(source, target) {
                    return found;
                }
            }
        }
    }
    found
}

/// Why one alert must not hold back another, and what to do.
fn wrong(
    rule: &Inhibition,
    source: &Firing,
    target: &Firing,
    catalog: &Catalog,
) -> Option<(String, &'static str)> {
    if !target.pages(catalog) {
        return None;
    }
    let (one, other) = (source.called(), target.called());
    let severity = |firing: &Firing| match firing.severity.as_str() {
        "" => "without a severity".to_string(),
        severity => format!("of severity `{severity}`"),
    };
    let explains = source.holds_back_others && !target.holds_back_others;
    let mut declared = catalog.inhibitions.iter();
    if declared.any(|declared| says(declared, source, target, catalog)) && source.pages(catalog) {
        return (source.rank(catalog) > target.rank(catalog) && !explains).then(|| {
            (
                format!(
                    "{one}, {}, silences {other}, {}",
                    severity(source),
                    severity(target)
                ),
                "name sources that are as urgent as their targets, or take the urgent ones out of the target",
            )
        });
    }
    // Of alerts of the user's own only whoever wrote them knows what they are about, and by which labels.
    let own = !source.of_catalog && !target.of_catalog && !rule.equal.is_empty();
    if !own && !source.is_about_the_same(target) {
        return Some((
            format!("{one} silences {other}"),
            "compare by a label that tells services apart: `equal: [job]`",
        ));
    }
    if let Some((label, [one_value, other_value])) = source.differs_from(target) {
        return Some((
            format!(
                "{one} with {label} `{one_value}` silences {other} with {label} `{other_value}`"
            ),
            "compare by that label too, in `equal`",
        ));
    }
    // Who says by name that nobody is told has decided it.
    let decided = catalog.silenced(&source.about(catalog));
    if !(source.pages(catalog) || explains && decided) {
        return Some((
            format!(
                "{one} silences {other}: nobody is told of alerts {}, and so of neither",
                severity(source)
            ),
            "let somebody be told of it, by its severity or `[[routes]]`, or name sources that people are told of",
        ));
    }
    if target.holds_back_others && !source.holds_back_others {
        return Some((
            format!("{one} silences {other}, which explains it"),
            "exchange source and target",
        ));
    }
    (source.rank(catalog) > target.rank(catalog) && !explains).then(|| {
        (
            format!(
                "{one}, {}, silences {other}, {}",
                severity(source),
                severity(target)
            ),
            "let the worse alert hold back the lesser one",
        )
    })
}

/// Why an inhibition of the catalog must not hold back the alert of another owner's service: nobody who is told of the one is told of
/// the other. Whoever names the services, groups or owners that are held back has decided it.
fn of_another(
    source: &Firing,
    target: &Firing,
    catalog: &Catalog,
) -> Option<(String, &'static str)> {
    let mut declared = catalog.inhibitions.iter();
    let by = declared.find(|declared| says(declared, source, target, catalog))?;
    let named = |key: &str| !by.target.names(key).is_empty();
    let (one, other) = (source.about(catalog), target.about(catalog));
    if ["service", "group", "owner"].into_iter().any(named)
        || one.owner == other.owner
        || one.service == other.service
        || !target.pages(catalog)
    {
        return None;
    }
    let told = catalog.told(&one);
    let mut missed = catalog
        .told(&other)
        .into_iter()
        .filter(|told| told.receiver != "null");
    let lost = missed.find(|lost| !told.iter().any(|told| told.receiver == lost.receiver))?;
    let message = format!(
        "{} of `{}` silences {} of `{}`: `{}` is told of neither",
        source.called(),
        one.service,
        target.called(),
        other.service,
        lost.receiver
    );
    Some((
        message,
        "compare by what both are about, as in `equal = [\"service\"]`, or name under `target` whose alerts are held back",
    ))
}

/// Why an alert must not hold back another of its service that has a cause of its own. By their names somebody may know better; but
/// that the budget of an objective burns says of no cause that it is known, and no cause says how fast the budget burns.
fn another_cause(
    rule: &Inhibition,
    source: &Firing,
    target: &Firing,
    catalog: &Catalog,
) -> Option<(String, &'static str)> {
    let explains = source.holds_back_others && !target.holds_back_others;
    let mut declared = catalog.inhibitions.iter();
    if !target.pages(catalog)
        || explains
        || declared.any(|declared| says(declared, source, target, catalog))
    {
        return None;
    }
    let (one, other) = (source.called(), target.called());
    let objective = |firing: &Firing| {
        let alert = catalog.alert(&firing.name).filter(|_| firing.of_catalog);
        alert.and_then(|alert| Some(alert.slo.as_ref()?.name.clone()))
    };
    let objectives = [objective(source), objective(target)];
    if objectives[0] != objectives[1] {
        let message = match &objectives[1] {
            Some(objective) => {
                format!(
                    "{one} silences {other}: how fast the budget of `{objective}` burns is not told"
                )
            }
            None => format!("{one} silences {other}: what burns the budget is not told"),
        };
        let help = "name on both sides the alerts of one objective, or say it under `[inhibit]`";
        return Some((message, help));
    }
    let named = |sides: &[Matcher]| sides.iter().any(|matcher| matcher.name == "alertname");
    let alike = source.rank(catalog) == target.rank(catalog);
    (alike && source.name != target.name && !named(&rule.source)).then(|| {
        (
            format!("{one} silences {other}, which is as urgent and has another cause"),
            "name the alerts that explain others, or say it under `[inhibit]`",
        )
    })
}

/// The objective whose alert it is, where somebody wrote that down.
fn of_objective(source: &Firing, catalog: &Catalog) -> Option<String> {
    let alert = catalog.alert(&source.name)?;
    alert.slo.is_some().then(|| alert.written_table())
}

/// Why an alert must not hold back another at a time when nobody is told of it, whoever says so.
fn muted(
    notifications: &Notifications,
    source: &Firing,
    target: &Firing,
    catalog: &Catalog,
) -> Option<(String, &'static str)> {
    if notifications.intervals.are_none() || !target.pages(catalog) {
        return None;
    }
    let tree = notifications.tree.as_ref()?;
    let of = |firing: &Firing| {
        let mut routes = tree.ends(firing.labels());
        routes.retain(|route| notifications.tells(route.receiver()));
        routes
    };
    let [by, told] = [of(source), of(target)];
    let when = notifications.intervals.silent_while(&by, &told)?;
    let (one, other) = (source.called(), target.called());
    Some((
        format!("{one} silences {other}, which is told {when}, when nobody is told of {one}"),
        "name a source that is told whenever its target is, or take the target out",
    ))
}

/// Whether the catalog says that one alert holds back another.
fn says(declared: &Inhibit, source: &Firing, target: &Firing, catalog: &Catalog) -> bool {
    let (one, other) = (source.about(catalog), target.about(catalog));
    let agree = |label: &str| match label {
        "owner" => one.owner == other.owner,
        label => one.labels.get(label) == other.labels.get(label),
    };
    declared.holds_back(&one, &other, agree)
}

/// What the catalog says of an inhibition, and no rendered rule does: an alert that is told of all the same.
fn without_effect(
    notifications: &Notifications,
    declared: &Inhibit,
    catalog: &Catalog,
) -> Option<Diagnostic> {
    let sent = |firing: &&Firing| firing.sent.is_some();
    let all = || notifications.alerts.real.iter().filter(sent);
    for source in all().filter(|firing| declared.source.picks(&firing.about(catalog))) {
        for target in all().filter(|target| says(declared, source, target, catalog)) {
            let mut rules = notifications.rules.iter();
            if !rules.any(|rule| rule.holds_back(source.labels(), target.labels())) {
                let (one, other) = (source.called(), target.called());
                return Some(place::at(
                    &notifications.file.path,
                    "/inhibit_rules",
                    format!(
                        "{one} does not hold back {other}, as the catalog's inhibition `{}` says",
                        declared.name
                    ),
                    "render it from `[inhibit]`",
                ));
            }
        }
    }
    None
}

/// A rule whose sides no alert matches, or whose alerts never meet, whatever severity the catalog gives them.
fn useless(notifications: &Notifications, rule: &Inhibition) -> Option<Diagnostic> {
    let possible = &notifications.alerts.possible;
    if possible.is_empty() || !pairs(rule, possible, |_, _| true).is_empty() {
        return None;
    }
    // What its alerts lose on their way to the Alertmanager is another proof's.
    let sides = |firing: &&Firing| {
        let sent = firing.labels();
        (rule.from(&firing.made), rule.onto(&firing.made)) != (rule.from(sent), rule.onto(sent))
    };
    if possible.iter().any(|firing| sides(&firing)) {
        return None;
    }
    let path = &notifications.file.path;
    let sources: Vec<&Firing> = possible
        .iter()
        .filter(|firing| rule.from(firing.labels()))
        .collect();
    let side = |side: &str| {
        let written = notifications.file.value.pointer(&rule.pointer);
        let keys =
            written.map(|written| crate::stack::notifications::matchers::keys(written, side));
        let key = keys.and_then(|mut keys| keys.pop());
        key.map_or(rule.pointer.clone(), |key| {
            format!("{}/{key}", rule.pointer)
        })
    };
    if sources.is_empty() {
        return Some(place::at(
            path,
            side("source_"),
            "no alert matches this side of the inhibition",
            "name an alert that exists",
        ));
    }
    // A service that has no other alert has nothing to be held back.
    let alone = sources.iter().all(|source| {
        let mut others = possible.iter();
        source.of_catalog
            && !others
                .any(|other| other.subject() == source.subject() && !rule.from(other.labels()))
    });
    if alone {
        return None;
    }
    if !possible.iter().any(|firing| rule.onto(firing.labels())) {
        return Some(place::at(
            path,
            side("target_"),
            "no alert matches this side of the inhibition",
            "name an alert that exists",
        ));
    }
    let message = match rule.equal.as_slice() {
        [] => "no source of this inhibition holds back any of its targets".to_string(),
        labels => format!(
            "no source of this inhibition shares {} with any of its targets",
            labels
                .iter()
                .map(|label| format!("`{label}`"))
                .collect::<Vec<_>>()
                .join(" and ")
        ),
    };
    let help = "compare by labels that both sides have with the same values, such as `job`";
    Some(place::at(path, &rule.pointer, message, help))
}

/// Labels of `equal` that neither side has: all alerts agree in what none of them has, so the rule holds back those of every
/// service.
fn alike(
    notifications: &Notifications,
    rule: &Inhibition,
    pairs: &[(usize, usize)],
) -> Option<Diagnostic> {
    let real = &notifications.alerts.real;
    let has = |index: &usize, label: &String| real[*index].labels().contains_key(label);
    let lacking = rule.equal.iter().all(|label| {
        let mut sides = pairs.iter();
        sides.all(|(source, target)| !has(source, label) && !has(target, label))
    });
    if rule.equal.is_empty() || pairs.is_empty() || !lacking {
        return None;
    }
    let labels: Vec<String> = rule
        .equal
        .iter()
        .map(|label| format!("`{label}`"))
        .collect();
    Some(place::at(
        &notifications.file.path,
        format!("{}/equal", rule.pointer),
        format!(
            "none of the alerts of this inhibition has {}: each source holds back every target, of any service",
            labels.join(" or ")
        ),
        "compare by labels that the alerts have, such as `service`; without `equal` when all are meant",
    ))
}

/// A rule for alerts that explain all others of their service, which compares by a label in which they differ from some.
fn narrow(notifications: &Notifications, rule: &Inhibition) -> Option<Diagnostic> {
    let (real, possible) = (&notifications.alerts.real, &notifications.alerts.possible);
    let mut sources = possible.iter().filter(|one| rule.from(one.labels()));
    if !sources.all(|source| source.holds_back_others) {
        return None;
    }
    let sent = |firing: &&Firing| firing.sent.is_some();
    let from = |one: &&Firing| rule.from(one.labels()) && one.holds_back_others;
    let onto = |one: &&Firing| rule.onto(one.labels()) && !one.holds_back_others;
    let mut by_subject: HashMap<&str, Vec<&Firing>> = HashMap::new();
    for source in real.iter().filter(sent).filter(from) {
        if let Some(subject) = source.subject() {
            by_subject.entry(subject).or_default().push(source);
        }
    }
    for target in real.iter().filter(sent).filter(onto) {
        let sources = target.subject().and_then(|subject| by_subject.get(subject));
        let Some(sources) = sources.filter(|sources| {
            let mut rules = sources
                .iter()
                .flat_map(|source| notifications.rules.iter().map(move |rule| (source, rule)));
            !rules.any(|(source, rule)| rule.holds_back(source.labels(), target.labels()))
        }) else {
            continue;
        };
        let source = sources.first()?;
        let value = |firing: &Firing, label: &String| firing.labels().get(label).cloned();
        let mut labels = rule.equal.iter();
        let label = labels.find(|label| value(source, label) != value(target, label))?;
        let shown =
            |value: Option<String>| value.map_or("none".into(), |value| format!("`{value}`"));
        return Some(place::at(
            &notifications.file.path,
            format!("{}/equal", rule.pointer),
            format!(
                "{} does not hold back {}, which it explains: `{label}` is {} there and {} here",
                source.called(),
                target.called(),
                shown(value(source, label)),
                shown(value(target, label)),
            ),
            "compare by what all alerts of a service have in common: `equal: [job]`",
        ));
    }
    None
}

/// More pairs than that are those of a rule that is wrong anyway.
const MOST_PAIRS: usize = 100_000;

/// Alerts that hold back each other, at once or around a circle: when they fire together, nobody is told of any.
fn circle(
    notifications: &Notifications,
    edges: &[Vec<(usize, usize)>],
    catalog: &Catalog,
) -> Option<Diagnostic> {
    let real = &notifications.alerts.real;
    if edges.iter().map(Vec::len).sum::<usize>() > MOST_PAIRS {
        return None;
    }
    let mut onto: Vec<Vec<(usize, usize)>> = vec![Vec::new(); real.len()];
    for (rule, pairs) in edges.iter().enumerate() {
        let between = pairs.iter().filter(|(source, target)| {
            real[*source].pages(catalog) && real[*target].pages(catalog)
        });
        between.for_each(|(source, target)| onto[*source].push((*target, rule)));
    }
    // 0: not seen; 1: on the way; 2: leads to no circle.
    let mut seen = vec![0u8; real.len()];
    for start in 0..real.len() {
        if seen[start] != 0 {
            continue;
        }
        let mut way: Vec<(usize, usize)> = vec![(start, 0)];
        seen[start] = 1;
        while let Some((at, next)) = way.last_mut() {
            let Some((target, rule)) = onto[*at].get(*next).copied() else {
                seen[*at] = 2;
                way.pop();
                continue;
            };
            *next += 1;
            match seen[target] {
                0 => {
                    seen[target] = 1;
                    way.push((target, 0));
                }
                1 => {
                    let around = way.iter().skip_while(|(at, _)| *at != target);
                    let names: Vec<String> = around.map(|(at, _)| real[*at].called()).collect();
                    return Some(place::at(
                        &notifications.file.path,
                        &notifications.rules[rule].pointer,
                        format!(
                            "{} hold back each other: when they fire together, nobody is told of any",
                            names.join(" and ")
                        ),
                        "let one of them hold back the other, and not the other way round too",
                    ));
                }
                _ => {}
            }
        }
    }
    None
}
