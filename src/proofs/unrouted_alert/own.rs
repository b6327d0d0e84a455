//! Own alerts that the user's own routes take: whom they are for is said nowhere but there, and still somebody has to be told.

use super::{Mistake, asked_of, matchers_of, never_or_seldom, place};
use crate::diagnostic::Diagnostic;
use crate::stack::Stack;
use crate::stack::notifications::alerts::Firing;
use crate::stack::notifications::matchers::Matcher;
use crate::stack::notifications::routes::{Route, TIMES};
use crate::stack::notifications::{Notifications, Promised};

/// Whether an own alert ends in routes of the user's own file.
pub(super) fn decides(stack: &Stack, notifications: &Notifications, promised: &Promised) -> bool {
    let path = &notifications.file.path;
    let mut ends = promised.ends.iter();
    promised.firing.own && ends.any(|end| stack.is_own(path, &end.pointer))
}

/// Why nobody is told of an own alert, or not at times that ever are.
pub(super) fn untold(
    stack: &Stack,
    notifications: &Notifications,
    promised: &Promised,
    tree: &Route,
) -> Option<Mistake> {
    let firing = promised.firing;
    let called = firing.called();
    let ends = promised.ends.iter().copied();
    let telling: Vec<&Route> = ends
        .filter(|end| notifications.tells(end.receiver()))
        .collect();
    if telling.is_empty() {
        // What the catalog would tell nobody of either is no mistake, and who says it by the alert's name means it.
        if firing.told(stack.catalog).is_empty() || by_name(promised, tree) {
            return None;
        }
        let end = promised.ends.first()?;
        return Some((
            format!("{}/receiver", end.pointer),
            format!(
                "nobody is told of {called}, {}: `{}` is nobody's",
                firing.severity,
                end.receiver()
            ),
            format!(
                "send it to a receiver that tells somebody, give it the severity `none`, or name it in a route of its own, as in `alertname=\"{}\"`",
                firing.name
            ),
        ));
    }
    never_or_seldom(notifications, &telling, &called)
        .or_else(|| at_night(stack, notifications, &telling, promised))
}

/// One of the most urgent alerts that is told at no time of any working day: somebody took `mute_time_intervals` for
/// `active_time_intervals`, or the other way round. Who is asleep at night means it.
fn at_night(
    stack: &Stack,
    notifications: &Notifications,
    routes: &[&Route],
    promised: &Promised,
) -> Option<Mistake> {
    let firing = promised.firing;
    if firing.rank(stack.catalog) > 0 || notifications.intervals.notify_by_day(routes) {
        return None;
    }
    let route = routes.first()?;
    let mut keys = TIMES.iter();
    let key = keys.find(|key| route.settings.contains_key(key))?;
    Some((
        format!("{}/{key}", route.pointer),
        format!(
            "{}, {}, is told to nobody from Monday to Friday between 9:00 and 17:00",
            firing.called(),
            firing.severity
        ),
        "were `mute_time_intervals` and `active_time_intervals` mixed up? Let a route for the day take it too".to_string(),
    ))
}

/// A route for a severity to which none of its alerts comes, the most urgent among them: one before it takes them all and tells
/// somebody else.
pub(super) fn taken_before(
    stack: &Stack,
    notifications: &Notifications,
    route: &Route,
    tree: &Route,
) -> Option<Diagnostic> {
    let of_severity = |one: &Matcher| one.name == "severity";
    let for_severity = route.matchers.iter().any(of_severity);
    let real = notifications.alerts.real.iter();
    let mut wanted = real.filter(|firing| {
        let value = |label: &str| firing.labels().get(label).map_or("", String::as_str);
        for_severity && asked_of(route, tree).all(|one| one.picks(value(&one.name)))
    });
    let taken = wanted
        .clone()
        .find(|firing| firing.rank(stack.catalog) == 0)?;
    let told = |firing: &Firing| {
        let ends = tree.ends(firing.labels());
        ends.iter().any(|end| end.receiver() == route.receiver())
    };
    if wanted.any(told) {
        return None;
    }
    let ends = tree.ends(taken.labels());
    // Whoever sent that severity elsewhere by its name means it.
    let by_severity = |end: &&Route| asked_of(end, tree).any(of_severity);
    let taker = ends.first().filter(|end| !by_severity(end))?;
    let message = format!(
        "{}, {}, never comes to this route for `{}`: `{}` takes it before, and does not go on",
        taken.called(),
        taken.severity,
        route.receiver(),
        taker.receiver()
    );
    let help = "write `continue: true` in the route before it, or put this one first";
    let pointer = matchers_of(notifications, route);
    Some(place::at(&notifications.file.path, pointer, message, help))
}

/// Whether a route inside the first of the own file asks for an alert by its name.
fn by_name(promised: &Promised, tree: &Route) -> bool {
    let mut around = tree.all().into_iter().filter(|route| {
        let mut ends = promised.ends.iter();
        !is_first(route)
            && ends.any(|end| {
                let within = end.pointer.strip_prefix(&route.pointer);
                within.is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
            })
    });
    around.any(|route| {
        let mut matchers = route.matchers.iter();
        matchers.any(|matcher| matcher.name == "alertname")
    })
}

/// Whether a route of an own file is its first one: what monstack has it take, by the names of the file's alerts, nobody wrote.
pub(super) fn is_first(route: &Route) -> bool {
    route.pointer.matches("/routes/").count() <= 1
}

/// Where a mistake is shown: at the matchers where nothing else of the route is written.
pub(super) fn written(notifications: &Notifications, pointer: &str, tree: &Route) -> String {
    if notifications.file.value.pointer(pointer).is_some() {
        return pointer.to_string();
    }
    let route = pointer.rsplit_once('/').map_or(pointer, |(route, _)| route);
    let all = tree.all();
    let route = all.iter().find(|one| one.pointer == route);
    route.map_or(pointer.to_string(), |route| {
        matchers_of(notifications, route)
    })
}
