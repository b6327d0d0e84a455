//! Every alert that can fire is routed, and reaches whom the catalog promises it to, at some time of every week.

mod own;

use super::{Check, Example, Proof, place};
use crate::artifacts::Role;
use crate::catalog::NO_ONE;
use crate::catalog::owners::Told;
use crate::diagnostic::{Diagnostic, Place, plural};
use crate::lints::louder_for_less::CALLS;
use crate::promql::walk::selectors;
use crate::stack::Stack;
use crate::stack::notifications::matchers::{Comparison, Matcher, keys};
use crate::stack::notifications::routes::{Route, TIMES};
use crate::stack::notifications::times::{Heeded, Intervals, heeded};
use crate::stack::notifications::{Notifications, Promised};
use crate::value::{Value, json};
use std::collections::HashSet;

/// Minutes of a day: for so long of a week a system may be maintained while nobody is paged.
const DAY: usize = 24 * 60;

/// Minutes of a week: whoever is told nothing for longer does not miss it.
const WEEK: usize = 7 * 24 * 60;

pub(crate) const PROOF: Proof = Proof {
    code: "unrouted-alert",
    doc: "Each alert of each service is sent through the rendered routes as the Alertmanager does it: one that does not end with every receiver that its owner, a route or its severity has in the catalog, or at other times, is told to nobody who waits for it.",
    example: Example::Rendered {
        role: Role::Alertmanager,
        pointer: "/route/routes/*/matchers",
        bad: r#"["severity=\"warn\""]"#,
    },
    check: Check::Stack(|stack| {
        let Some(notifications) = stack.notifications() else {
            return Vec::new();
        };
        let path = &notifications.file.path;
        let Some(tree) = &notifications.tree else {
            let message = "the Alertmanager has no route, and does not start";
            return vec![place::at(path, "", message, "write `route`")];
        };
        let mut found: Vec<Diagnostic> = Vec::new();
        // config.Load of the Alertmanager: the first route is for whatever no other takes.
        let root = notifications.file.value["route"].entries();
        let refused = root.filter(|(key, said)| match key.as_str() {
            "continue" => **said == true,
            "match" | "match_re" | "matchers" | "mute_time_intervals" | "active_time_intervals" => {
                said.entries().next().is_some() || said.items().next().is_some()
            }
            _ => false,
        });
        found.extend(refused.map(|(key, _)| {
            let message = format!("the Alertmanager does not start: its first route has `{key}`");
            let help = "the first route is for all alerts at all times: write it in a route inside";
            place::at(path, format!("/route/{key}"), message, help)
        }));
        for route in tree.all() {
            found.extend(unreadable(notifications, route));
        }
        // What such a route would take is not known, and what follows from it neither.
        if found.is_empty() {
            let own = |found: &Diagnostic| match &found.place {
                Place::Rendered { file, pointer } => stack.is_own(file, pointer),
                _ => false,
            };
            let idle = idle(stack, notifications, tree);
            // Where a route is no alert's, that some fall past it follows.
            let mut past = elsewhere(stack, notifications, tree);
            past.retain(|found| idle.is_empty() || !falls(found));
            found.extend(idle);
            found.extend(past);
            let called = never_quiet(stack, notifications, tree);
            found.extend(called.filter(|found| !own(found)));
        }
        found
    }),
};

/// What the Alertmanager itself would refuse.
fn unreadable(notifications: &Notifications, route: &Route) -> Vec<Diagnostic> {
    let path = &notifications.file.path;
    let mut found = Vec::new();
    let receiver = route.receiver();
    if !notifications
        .receivers
        .iter()
        .any(|one| one.name == receiver)
    {
        found.push(place::at(
            path,
            format!("{}/receiver", route.pointer),
            format!("there is no receiver `{receiver}`"),
            "define it under `receivers`",
        ));
    }
    if let Some(text) = &route.unreadable {
        found.push(place::at(
            path,
            matchers_of(notifications, route),
            format!("`{text}` is no matcher"),
            "write it as in `severity=\"critical\"`",
        ));
    }
    for key in TIMES {
        let names = route.settings.get(key).into_iter().flat_map(Value::texts);
        for name in names.filter(|name| !notifications.intervals.have(name)) {
            found.push(place::at(
                path,
                format!("{}/{key}", route.pointer),
                format!("there is no time interval `{name}`"),
                "define it under `time_intervals`",
            ));
        }
    }
    found
}

/// Whether a finding is about alerts that no route but the first takes, or a route that does not take its own.
fn falls(found: &Diagnostic) -> bool {
    match &found.place {
        Place::Rendered { pointer, .. } => !pointer.ends_with("/receiver") && !in_time(pointer),
        _ => false,
    }
}

/// Whether a pointer is one of the times at which a route notifies.
fn in_time(pointer: &str) -> bool {
    TIMES.iter().any(|key| pointer.ends_with(key))
}

/// Where the matchers of a route stand.
fn matchers_of(notifications: &Notifications, route: &Route) -> String {
    let written = notifications.file.value.pointer(&route.pointer);
    let key = written.and_then(|written| keys(written, "").pop());
    match key {
        Some(key) => format!("{}/{key}", route.pointer),
        None => route.pointer.clone(),
    }
}

/// An alert that fires while all is well, so that somebody hears that the way is whole, on a route of its own to whoever is told of
/// what matters most: they are called for as long as nothing is wrong.
fn never_quiet(stack: &Stack, notifications: &Notifications, tree: &Route) -> Option<Diagnostic> {
    let rules = stack.rules.iter();
    let always = rules
        .filter(|loaded| loaded.rule.alert.is_some() && selectors(&loaded.rule.expr).is_empty());
    let always: HashSet<&str> = always.map(|loaded| loaded.rule.name.as_str()).collect();
    let real = &notifications.alerts.real;
    let quiet = real.iter().filter(|firing| {
        always.contains(firing.name.as_str()) && firing.told(stack.catalog).is_empty()
    });
    let mut quiet = quiet.peekable();
    quiet.peek()?;
    let urgent: HashSet<&str> = (real.iter())
        .filter(|firing| firing.rank(stack.catalog) == 0)
        .flat_map(|firing| firing.told(stack.catalog))
        .map(|told| told.receiver)
        .filter(|receiver| *receiver != NO_ONE)
        .collect();
    quiet.find_map(|firing| {
        let mut ends = tree.ends(firing.labels()).into_iter();
        let calls = |name: &str| {
            let mut receivers = notifications.receivers.iter();
            receivers.any(|one| {
                let integrations = one.integrations();
                one.name == name && integrations.iter().any(|(_, kind, _)| CALLS.contains(kind))
            })
        };
        let route = ends.find(|end| {
            // What no route takes has nowhere else to go, and one for everything may be a record: unless somebody is called by it.
            let own = end.pointer != tree.pointer && !end.matchers.is_empty();
            (own || calls(end.receiver())) && urgent.contains(end.receiver())
        })?;
        Some(place::at(
            &notifications.file.path,
            format!("{}/receiver", route.pointer),
            format!(
                "{} fires while all is well, and `{}`, which is told of {} alerts, is called for it again and again",
                firing.called(),
                route.receiver(),
                stack.catalog.severities.first()
            ),
            "send it to a receiver of its own, which raises an alarm when it stops coming",
        ))
    })
}

/// Routes that no alert ever comes to, whatever severity the catalog gives it: the outermost of them.
fn idle(stack: &Stack, notifications: &Notifications, tree: &Route) -> Vec<Diagnostic> {
    let possible = notifications.alerts.possible.iter();
    let labels: Vec<_> = possible.map(|firing| firing.labels()).collect();
    let reached: HashSet<&str> = tree
        .reached(&labels)
        .into_iter()
        .map(|route| route.pointer.as_str())
        .collect();
    let mut found: Vec<&str> = Vec::new();
    let mut all = Vec::new();
    for route in tree.all() {
        if let Some((label, part, meant)) = notifications.mistyped(&route.matchers) {
            all.push(place::at(
                &notifications.file.path,
                matchers_of(notifications, route),
                format!("no alert has `{part}` as its `{label}`: this route does not take what it is for"),
                format!("did you mean `{meant}`?"),
            ));
            continue;
        }
        if stack.is_own(&notifications.file.path, &matchers_of(notifications, route)) {
            all.extend(own::taken_before(stack, notifications, route, tree));
        }
        let inside = |outer: &&str| route.pointer.starts_with(&format!("{outer}/"));
        if labels.is_empty() || reached.contains(route.pointer.as_str()) || found.iter().any(inside)
        {
            continue;
        }
        found.push(&route.pointer);
        let path = &notifications.file.path;
        let pointer = matchers_of(notifications, route);
        let is_own = |one: &Route| stack.is_own(path, &matchers_of(notifications, one));
        let written = around(route, tree).filter(|one| !(is_own(one) && own::is_first(one)));
        if let Some((one, other)) = at_odds(written) {
            let message =
                format!("no alert can come to this route: none has `{one}` and `{other}` at once");
            let help = "the matchers of the routes around it hold too: write it beside them, or correct one of the two";
            all.push(place::at(path, pointer, message, help));
            continue;
        }
        let help = match notifications.meant(&route.matchers) {
            Some(meant) => format!("did you mean `{meant}`?"),
            // Own routes may take what is yet to come, but for what is misspelt.
            None if stack.is_own(path, &pointer) => continue,
            None => "select by labels and values that alerts of this stack have".to_string(),
        };
        let asked = shown(route);
        let message = format!("no alert ever comes to this route: none has {asked}");
        all.push(place::at(path, pointer, message, help));
    }
    all
}

/// A route, and those around it.
fn around<'r>(route: &Route, tree: &'r Route) -> impl Iterator<Item = &'r Route> {
    let pointer = route.pointer.clone();
    tree.all().into_iter().filter(move |outer| {
        let rest = pointer.strip_prefix(&outer.pointer);
        rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
    })
}

/// What an alert has to meet to come to a route: its own matchers, and those of the routes around it.
fn asked_of<'r>(route: &Route, tree: &'r Route) -> impl Iterator<Item = &'r Matcher> {
    around(route, tree).flat_map(|outer| &outer.matchers)
}

/// Two matchers of these routes that no alert meets together.
fn at_odds<'r>(routes: impl Iterator<Item = &'r Route>) -> Option<(&'r Matcher, &'r Matcher)> {
    let routes: Vec<&Route> = routes.collect();
    let asked = || routes.iter().flat_map(|route| &route.matchers);
    let exact = asked().filter(|one| one.comparison == Comparison::Equal);
    exact
        .flat_map(|one| asked().map(move |other| (one, other)))
        .find(|(one, other)| one.name == other.name && !other.picks(&one.value))
}

fn shown(route: &Route) -> String {
    let all: Vec<String> = route
        .matchers
        .iter()
        .map(|matcher| format!("`{matcher}`"))
        .collect();
    all.join(" and ")
}

/// Alerts that do not get where the catalog sends their severity; each mistake once.
fn elsewhere(stack: &Stack, notifications: &Notifications, tree: &Route) -> Vec<Diagnostic> {
    let path = &notifications.file.path;
    let mut found = Vec::new();
    let mut seen = HashSet::new();
    let mut compared = HashSet::new();
    for promised in notifications.promised() {
        let firing = promised.firing;
        let first = promised.ends.first().map_or("", |route| &route.pointer);
        let untold = promised.told.iter().find(|(_, by)| by.is_empty());
        let mistake = match untold {
            _ if own::decides(stack, notifications, &promised) => {
                own::untold(stack, notifications, &promised, tree).map(
                    |(pointer, message, help)| {
                        (own::written(notifications, &pointer, tree), message, help)
                    },
                )
            }
            Some((wanted, _)) => astray(&promised, wanted, tree),
            None if promised.ends.is_empty() => astray(&promised, &NOBODY, tree),
            None => at_other_times(stack, notifications, &promised, &mut compared)
                .or_else(|| silent(stack, notifications, &promised))
                .or_else(|| asleep(stack, notifications, &promised, &mut compared))
                .or_else(|| passed_over(stack, notifications, &promised, tree)),
        };
        let Some((pointer, message, help)) = mistake else {
            continue;
        };
        if seen.insert((firing.severity.clone(), first.to_string(), pointer.clone())) {
            // An alert of the user's own that no route takes: its rule is where he gives it another severity.
            let mut alerts = stack.files.alerts();
            let own = alerts
                .find(|(file, _, rule)| file.is_own() && rule["alert"] == *firing.name)
                .filter(|_| pointer == "/route/routes");
            found.push(match own {
                Some((file, rule, _)) => place::at(&file.path, rule, message, help),
                None => place::at(path, pointer, message, help),
            });
        }
    }
    found
}

type Mistake = (String, String, String);

/// Whom the catalog tells of what it has no route for.
const NOBODY: Told = Told {
    receiver: NO_ONE,
    by: None,
};

/// An alert that ends with others than those it is promised to.
fn astray(promised: &Promised, wanted: &Told, tree: &Route) -> Option<Mistake> {
    let (called, severity) = (promised.firing.called(), &promised.firing.severity);
    let there: Vec<String> = promised
        .ends
        .iter()
        .map(|end| format!("`{}`", end.receiver()))
        .collect();
    let first = promised.ends.first().map_or("", |route| &route.pointer);
    let pointer = match first == tree.pointer || first.is_empty() {
        true => "/route/routes".to_string(),
        false => format!("{first}/receiver"),
    };
    Some((
        pointer,
        match there.is_empty() {
            true => format!("{called} gets no further than the first route: nobody is told"),
            false => {
                let meant = match wanted.by {
                    Some(_) => "it".to_string(),
                    None => format!("severity `{severity}`"),
                };
                let there = there.join(", ");
                let wanted = wanted.receiver;
                format!("{called} goes to {there}; the catalog sends {meant} to `{wanted}`")
            }
        },
        format!(
            "let a route to `{}` take it, before any other that keeps it",
            wanted.receiver
        ),
    ))
}

/// Somebody who is told at other times than the catalog says, where it speaks of times at all.
fn at_other_times(
    stack: &Stack,
    notifications: &Notifications,
    promised: &Promised,
    compared: &mut HashSet<String>,
) -> Option<Mistake> {
    let catalog = stack.catalog;
    if catalog.times.is_empty() {
        return None;
    }
    let times: Vec<Value> = catalog
        .times
        .iter()
        .map(|time| json!({"name": time.name, "time_intervals": time.intervals}))
        .collect();
    let said = Intervals::of(&json!({ "time_intervals": times }));
    promised.told.iter().find_map(|(told, by)| {
        let same = promised.told.iter();
        let wanted = same.filter(|(other, _)| other.receiver == told.receiver);
        let wanted: Vec<Heeded> = wanted.map(|(told, _)| meant(told)).collect();
        let rendered: Vec<Heeded> = by.iter().map(|route| heeded(route)).collect();
        // Most alerts come by the same few routes, and two weeks are many minutes.
        if !compared.insert(format!("{wanted:?} {rendered:?}")) {
            return None;
        }
        let how = notifications
            .intervals
            .differ(&rendered, (&said, &wanted))?;
        let route = by.first()?;
        let key = TIMES
            .iter()
            .find(|key| route.settings.contains_key(key))
            .map_or(String::new(), |key| format!("/{key}"));
        Some((
            format!("{}{key}", route.pointer),
            format!(
                "`{}` is told of {} {how}",
                told.receiver,
                promised.firing.called()
            ),
            "render the times that the catalog has under `[times]`".to_string(),
        ))
    })
}

/// The times that the catalog has for somebody.
fn meant<'c>(told: &Told<'c>) -> Heeded<'c> {
    let [mute, active] = match told.by {
        Some(notice) => [&notice.mute, &notice.active],
        None => return [None, None],
    };
    [mute, active].map(|names| {
        let names: Vec<&str> = names.iter().map(String::as_str).collect();
        (!names.is_empty()).then_some(names)
    })
}

/// An alert whose routes are muted, or not active, at any time, or for longer than a week where the catalog does not say so itself.
fn silent(stack: &Stack, notifications: &Notifications, promised: &Promised) -> Option<Mistake> {
    // Then they are compared with what it says, which must leave some time.
    let compared = !stack.catalog.times.is_empty();
    if compared && notifications.intervals.ever_notify(&promised.kept) {
        return None;
    }
    never_or_seldom(notifications, &promised.kept, &promised.firing.called())
}

/// Routes that notify at no time, or not for longer than a week.
fn never_or_seldom(
    notifications: &Notifications,
    routes: &[&Route],
    called: &str,
) -> Option<Mistake> {
    let silence = notifications.intervals.longest_silence(routes);
    let how = match silence {
        Some(minutes) if minutes <= WEEK => return None,
        Some(minutes) => {
            let days = minutes.div_ceil(24 * 60);
            format!("for {} in a row", plural(days, "day"))
        }
        None => "at any time".to_string(),
    };
    let route = routes.first()?;
    let key = TIMES.iter().find(|key| route.settings.contains_key(key))?;
    Some((
        format!("{}/{key}", route.pointer),
        format!("{called} is told to nobody {how}"),
        "let the route notify at some time of every week".to_string(),
    ))
}

/// Somebody who is to be told of the most urgent alerts, and is not for much of every week, of which the catalog says nothing.
fn asleep(
    stack: &Stack,
    notifications: &Notifications,
    promised: &Promised,
    compared: &mut HashSet<String>,
) -> Option<Mistake> {
    let catalog = stack.catalog;
    if !catalog.times.is_empty() || promised.firing.rank(catalog) > 0 {
        return None;
    }
    promised.told.iter().find_map(|(told, by)| {
        let timed = by.iter().map(|route| heeded(route));
        if !compared.insert(format!("{:?}", timed.collect::<Vec<_>>())) {
            return None;
        }
        let minutes = notifications.intervals.silence_of_a_week(by);
        if minutes <= DAY {
            return None;
        }
        let route = by.first()?;
        let key = TIMES
            .iter()
            .find(|key| route.settings.contains_key(key))?;
        Some((
            format!("{}/{key}", route.pointer),
            format!(
                "`{}` is not told of {}, {}, for {} hours of a week, and the catalog says nothing of times",
                told.receiver,
                promised.firing.called(),
                promised.firing.severity,
                minutes / 60
            ),
            "let the route notify at any time, or write its times under `[times]`, and name them with `active` or `mute` of an owner or a route".to_string(),
        ))
    })
}

/// An alert that reaches nobody, as the catalog has it so far, and would reach nobody either if the catalog had a receiver: no
/// route is for its severity, where others are, or the one that is does not take it.
fn passed_over(
    stack: &Stack,
    notifications: &Notifications,
    promised: &Promised,
    tree: &Route,
) -> Option<Mistake> {
    let firing = promised.firing;
    let told = promised.ends.iter();
    let mut told = told.filter(|end| notifications.tells(end.receiver()));
    let at_root = promised.ends.iter().all(|end| end.pointer == tree.pointer);
    if !promised.told.is_empty() || told.next().is_some() || !at_root {
        return None;
    }
    let called = firing.called();
    let by_severity = |route: &&Route| {
        let matchers = route.matchers.iter();
        let mut matchers = matchers.filter(|matcher| matcher.name == "severity");
        matchers.next().is_some()
    };
    let inside = tree
        .all()
        .into_iter()
        .filter(|route| route.pointer != tree.pointer);
    let routes: Vec<&Route> = inside.filter(by_severity).collect();
    let known = stack.catalog.severities.knows(&firing.severity);
    let its_own = routes.iter().find(|route| {
        let mut matchers = route.matchers.iter();
        matchers.all(|matcher| matcher.name != "severity" || matcher.picks(&firing.severity))
    });
    if let (true, Some(route)) = (known, its_own) {
        return Some((
            matchers_of(notifications, route),
            format!(
                "the route of severity `{}` does not take {called}: nobody is told of it, whoever its receiver is",
                firing.severity
            ),
            format!(
                "let the route take every alert of severity `{}`",
                firing.severity
            ),
        ));
    }
    // Said by name that some tell nobody, and forgotten for this one.
    let forgotten = routes
        .iter()
        .any(|route| !notifications.tells(route.receiver()));
    let lost = match (known, firing.severity.is_empty()) {
        (true, _) => forgotten,
        (false, true) => stack.catalog.notifies(),
        (false, false) => forgotten || stack.catalog.notifies(),
    };
    let what = match firing.severity.is_empty() {
        true => "which has no severity".to_string(),
        false => format!("of severity `{}`", firing.severity),
    };
    lost.then(|| {
        (
            "/route/routes".to_string(),
            format!("no route takes {called}, {what}: it falls to the first route, and nobody is told"),
            "add a route for it, or give it a severity that has one; `none` is for alerts that nobody is to be told of".to_string(),
        )
    })
}
