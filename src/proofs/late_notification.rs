//! Whoever is to be told is told while it matters, and is reminded before the Alertmanager forgets.

use super::{Check, Example, Proof, place};
use crate::artifacts::Role;
use crate::catalog::Duration;
use crate::diagnostic::{Diagnostic, Place, Severity};
use crate::json::plain;
use crate::stack::Stack;
use crate::stack::notifications::routes::Route;
use crate::stack::notifications::{Notifications, Promised};
use std::collections::BTreeMap;

const MINUTE: u64 = 60_000;
const HOUR: u64 = 60 * MINUTE;
const DAY: u64 = 24 * HOUR;

/// What is waited for, how long at most for critical alerts and for others, and what it means to wait longer.
/// The Alertmanager's own values stand where the configuration has none.
const WAITS: [Wait; 2] = [
    Wait {
        key: "group_wait",
        own: Duration(30_000),
        critical: 2 * MINUTE,
        chosen: 10 * MINUTE,
        others: HOUR,
        meaning: "the first notification of a group comes only then",
    },
    Wait {
        key: "group_interval",
        own: Duration(5 * MINUTE),
        critical: 15 * MINUTE,
        chosen: HOUR,
        others: HOUR,
        meaning: "what joins a group, or ends, is told only then",
    },
];

struct Wait {
    key: &'static str,
    own: Duration,
    critical: u64,
    /// For critical ones where a route of the catalog says so.
    chosen: u64,
    others: u64,
    meaning: &'static str,
}

const REPEAT: &str = "repeat_interval";

/// What is repeated more often than this is soon not read, unless the catalog wants it so.
const OFTEN: u64 = 5 * MINUTE;

pub(crate) const PROOF: Proof = Proof {
    code: "late-notification",
    doc: "A wait of hours keeps people uninformed for hours; a reminder that is further away than the Alertmanager's memory of what it has notified (`--data.retention`, five days) comes at no certain time.",
    example: Example::Rendered {
        role: Role::Alertmanager,
        pointer: "/route/repeat_interval",
        bad: r#""30d""#,
    },
    check: Check::Stack(|stack| {
        let Some(notifications) = stack.notifications() else {
            return Vec::new();
        };
        // Route → whether critical alerts come by.
        let mut at: BTreeMap<&str, (&Route, bool)> = BTreeMap::new();
        let promised = notifications.promised();
        for promised in &promised {
            for route in &promised.kept {
                let (_, critical) = at.entry(&route.pointer).or_insert((route, false));
                *critical |= promised.firing.rank(stack.catalog) == 0;
            }
        }
        let routes: Vec<(&Route, bool)> = at.into_values().collect();
        let keys = WAITS.iter().map(|wait| wait.key).chain([REPEAT]);
        let timing = Timing {
            stack,
            notifications,
            chosen: keys.map(|key| (key, chosen(stack, key))).collect(),
        };
        let mut found: Vec<Diagnostic> = Vec::new();
        let mut seen: Vec<Place> = Vec::new();
        for (route, critical) in &routes {
            // Whoever wrote a route himself has chosen its waits, as long as they are none of hours.
            let own = stack.is_own(&notifications.file.path, &route.pointer);
            let late = timing.late(route, *critical && !own).into_iter();
            let late = late.map(|late| match own && of_reminders(&late) {
                true => Diagnostic {
                    severity: Severity::Warning,
                    ..late
                },
                false => late,
            });
            for late in late {
                if !found.iter().any(|known| known.place == late.place) {
                    found.push(late);
                }
            }
        }
        if found.is_empty() {
            let of_catalog = routes
                .iter()
                .filter(|(route, _)| !stack.is_own(&notifications.file.path, &route.pointer));
            let of_catalog: Vec<(&Route, bool)> = of_catalog.copied().collect();
            found.extend(timing.without_effect(&of_catalog));
            for promised in &promised {
                found.extend(
                    timing
                        .otherwise(promised)
                        .filter(|other| {
                            let mut known = seen.iter();
                            !known.any(|known| *known == other.place)
                        })
                        .inspect(|other| seen.push(other.place.clone())),
                );
            }
        }
        found
    }),
};

/// Whether a finding is about when people are told again.
fn of_reminders(found: &Diagnostic) -> bool {
    matches!(&found.place, Place::Rendered { pointer, .. } if pointer.ends_with(REPEAT))
}

struct Timing<'s, 'a> {
    stack: &'s Stack<'a>,
    notifications: &'s Notifications<'a>,
    /// The longest that a route of the catalog says of each key.
    chosen: BTreeMap<&'static str, Duration>,
}

fn chosen(stack: &Stack, key: &str) -> Duration {
    let notices = stack.catalog.notices.iter();
    let said = notices.filter_map(|notice| Duration::parse(&plain(notice.options.get(key)?)));
    said.max().unwrap_or_default()
}

impl Timing<'_, '_> {
    /// What the catalog says of a wait.
    fn said(&self, key: &str) -> Duration {
        let alertmanager = &self.stack.catalog.alertmanager;
        match key {
            "group_wait" => alertmanager.group_wait,
            "group_interval" => alertmanager.group_interval,
            _ => alertmanager.repeat_interval,
        }
    }

    /// What is in force at a route.
    fn in_force(route: &Route, key: &str, own: Duration) -> Duration {
        let written = route.settings.get(key).map(plain);
        written
            .and_then(|text| Duration::parse(&text))
            .unwrap_or(own)
    }

    /// A finding where a wait is written: in the catalog, if it is the catalog's.
    fn at(
        &self,
        route: &Route,
        key: &str,
        value: Duration,
        message: String,
        help: String,
    ) -> Diagnostic {
        // What the catalog leaves out is no line of it.
        let own = WAITS.iter().find(|wait| wait.key == key);
        let own = own.map_or(Duration(4 * HOUR), |wait| wait.own);
        if self.said(key) == value && value != own {
            return place::in_catalog(format!("/alertmanager/{key}"), message, help);
        }
        let value = &self.notifications.file.value;
        let mut pointer = route.pointer.as_str();
        while value
            .pointer(pointer)
            .is_none_or(|route| route.get(key).is_none())
        {
            let Some((outer, _)) = pointer.rsplit_once("/routes/") else {
                break;
            };
            pointer = outer;
        }
        let path = &self.notifications.file.path;
        place::at(path, format!("{pointer}/{key}"), message, help)
    }

    fn late(&self, route: &Route, critical: bool) -> Vec<Diagnostic> {
        let mut found = Vec::new();
        for wait in &WAITS {
            let value = Timing::in_force(route, wait.key, wait.own);
            let most = if critical { wait.critical } else { wait.others };
            // Whoever wrote it into the catalog may want a little more.
            let chosen = self.chosen[wait.key].0.min(wait.chosen);
            let most = most.max(self.said(wait.key).0.min(HOUR)).max(chosen);
            if value.0 > most {
                let what = match critical {
                    true => format!("{} alerts", self.stack.catalog.severities.first()),
                    false => "alerts".to_string(),
                };
                let message = format!("{what} have a `{}` of {value}: {}", wait.key, wait.meaning);
                let help = format!("make it at most {}", Duration(most));
                found.push(self.at(route, wait.key, value, message, help));
            }
        }
        let repeat = Timing::in_force(route, REPEAT, Duration(4 * HOUR));
        let retention = self.notifications.retention();
        if repeat > retention {
            let message = format!(
                "`{REPEAT}` is {repeat}, and the Alertmanager forgets after {retention} what it has notified"
            );
            let help = format!("make it at most {retention}, or `--data.retention` longer");
            found.push(self.at(route, REPEAT, repeat, message, help));
        }
        let longest = self.chosen[REPEAT].max(self.said(REPEAT));
        if critical && repeat > longest.max(Duration(DAY)) && found.is_empty() {
            let first = self.stack.catalog.severities.first();
            let message =
                format!("whoever is told of {first} alerts is reminded after {repeat} only");
            let help = format!("make `{REPEAT}` at most {}", Duration(DAY));
            found.push(self.at(route, REPEAT, repeat, message, help));
        }
        let routes = self.stack.catalog.notices.iter();
        let said = routes
            .filter_map(|notice| Duration::parse(&plain(notice.options.get(REPEAT)?)))
            .min();
        let least = Duration(OFTEN)
            .min(self.said(REPEAT))
            .min(said.unwrap_or(Duration(OFTEN)));
        if repeat < least {
            let message =
                format!("`{REPEAT}` is {repeat}: whoever is told is told again and again");
            let help = format!("make it at least {least}");
            found.push(self.at(route, REPEAT, repeat, message, help));
        }
        found
    }

    /// Somebody whom a route of the catalog tells after waits of its own, and the rendered one after others.
    fn otherwise(&self, promised: &Promised) -> Option<Diagnostic> {
        promised.told.iter().find_map(|(told, by)| {
            let options = &told.by?.options;
            let waits = WAITS.iter().map(|wait| (wait.key, wait.own));
            let mut waits = waits.chain([(REPEAT, Duration(4 * HOUR))]);
            waits.find_map(|(key, own)| {
                let said = Duration::parse(&plain(options.get(key)?))?;
                let is = |route: &&&Route| Timing::in_force(route, key, own);
                if by.iter().any(|route| is(&route) == said) {
                    return None;
                }
                let route = by.first()?;
                let message = format!(
                    "`{}` is told of {} with a `{key}` of {}, and the catalog's route says {said}",
                    told.receiver,
                    promised.firing.called(),
                    is(&route)
                );
                let path = &self.notifications.file.path;
                let pointer = format!("{}/{key}", route.pointer);
                let help = format!("render the route's own `{key}`");
                Some(place::at(path, pointer, message, help))
            })
        })
    }

    /// What the catalog says of a wait is in force nowhere: every route is slower.
    fn without_effect(&self, routes: &[(&Route, bool)]) -> Vec<Diagnostic> {
        let mut found = Vec::new();
        let waits = WAITS.iter().map(|wait| (wait.key, wait.own));
        for (key, own) in waits.chain([(REPEAT, Duration(4 * HOUR))]) {
            let said = self.said(key);
            let values = routes
                .iter()
                .map(|(route, _)| (Timing::in_force(route, key, own), *route));
            if let Some((value, route)) = values.min_by_key(|(value, _)| *value)
                && value > said
            {
                let message =
                    format!("the catalog's `{key}` is {said}, and no route has less than {value}");
                let help = "render it from `[alertmanager]`".to_string();
                found.push(self.at(route, key, value, message, help));
            }
        }
        found
    }
}
