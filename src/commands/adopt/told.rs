//! Who is told: the routes of an alertmanager.yml as owners and routes of a catalog, where every alert reaches the same receivers.

use super::super::init::draft::slug;
use super::super::init::jobs::toml;
use super::receivers::Receivers;
use crate::catalog::times::MONTHS;
use crate::catalog::{Duration, NO_ONE};
use crate::json::plain;
use crate::stack::notifications::inhibition::Inhibition;
use crate::stack::notifications::matchers::{Comparison, Labels, Matcher};
use crate::stack::notifications::routes::{OPTIONS, Route, Way};
use crate::stack::notifications::times::{Intervals, heeded};
use crate::value::{Map, Value, json};
use std::collections::{BTreeMap, BTreeSet};

/// More ways through a tree than these are kept as a tree.
const MOST: usize = 40;

/// By how much the notifications of a catalog are told apart, unless a route says otherwise.
const APART: [&str; 2] = ["alertname", "job"];

/// What an Alertmanager waits where nothing is said.
const WAITS: [(&str, &str); 3] = [
    ("group_wait", "30s"),
    ("group_interval", "5m"),
    ("repeat_interval", "4h"),
];

/// What is known of the alerts of the rule files.
pub(super) struct Known<'a> {
    /// Their labels, as that Alertmanager got them.
    pub(super) alerts: &'a [Labels],
    pub(super) severities: &'a [String],
    /// Whether a job gives its targets a label.
    pub(super) labelled: &'a dyn Fn(&str, &str) -> bool,
    /// Alerts that are now the catalog's; the others stay rules.
    pub(super) of_catalog: &'a BTreeSet<&'a str>,
    pub(super) services: &'a BTreeSet<&'a str>,
    pub(super) on_host: bool,
}

/// Tables of a catalog that say who is told.
#[derive(Clone, Default)]
pub(super) struct Told {
    pub(super) receivers: Receivers,
    /// Lines of [alertmanager],
    pub(super) waits: Vec<String>,
    /// and the tables behind it.
    pub(super) tables: String,
    /// Alert → its owner,
    pub(super) of_alerts: BTreeMap<String, String>,
    /// service → its owner.
    pub(super) of_services: BTreeMap<String, String>,
    /// What became of each route.
    pub(super) became: Vec<String>,
    pub(super) changed: Vec<String>,
    pub(super) lost: Vec<String>,
}

/// Which alerts, as a table of the catalog says it: key → values, those of labels behind `labels.`.
type Says = BTreeMap<String, Vec<String>>;

/// Whoever is told of an alert of an owner, by severity, and when.
#[derive(Default)]
struct Owned {
    label: (String, Vec<String>),
    by_severity: BTreeMap<String, (Vec<String>, [Vec<String>; 2])>,
}

impl Told {
    /// What a configuration says, `with_owners` or by routes alone; or why a catalog cannot say it.
    pub(super) fn of(config: &Value, known: &Known, with_owners: bool) -> Result<Told, String> {
        let tree = Route::of(config).ok_or("it has no route")?;
        if let Some(text) = tree.all().iter().find_map(|route| route.unreadable.clone()) {
            return Err(format!("`{text}` is no matcher"));
        }
        if config["templates"].items().len() > 0 {
            return Err("its notifications use templates of their own".to_string());
        }
        let ways = tree.ways(MOST).ok_or("too many of its routes go on")?;
        let used = ways.iter().flat_map(|way| &way.ends);
        let used: BTreeSet<&str> = used.map(|end| end.receiver()).collect();
        let receivers = Receivers::of(config, &used, known.on_host)?;
        let mut told = Told {
            receivers,
            ..Told::default()
        };
        let all = config["receivers"].items().map(|one| plain(&one["name"]));
        for name in all.filter(|name| !used.contains(name.as_str())) {
            told.lost
                .push(format!("receiver {name}: no route leads to it"));
        }
        if config["global"].get("resolve_timeout").is_some() {
            told.lost.push(
                "`resolve_timeout`: Prometheus says itself when an alert has ended".to_string(),
            );
        }
        for (key, default) in WAITS {
            let wait = option(&tree, key);
            if wait != json!(default) {
                told.waits
                    .extend(toml(&wait).map(|wait| format!("{key} = {wait}")));
            }
        }
        let mut times = BTreeMap::new();
        told.times(config, &tree, &mut times)?;
        let mut said: Vec<(Says, &Way)> = Vec::new();
        for way in &ways {
            match says(&way.matchers, known, &mut told.lost)? {
                Some(says) => said.push((says, way)),
                None => continue,
            }
        }
        told.route(&tree, &said, known, &times, with_owners)?;
        told.inhibit(config, known)?;
        Ok(told)
    }

    fn route(
        &mut self,
        tree: &Route,
        said: &[(Says, &Way)],
        known: &Known,
        times: &BTreeMap<String, Vec<String>>,
        with_owners: bool,
    ) -> Result<(), String> {
        let usual = |end: &&&Route| {
            OPTIONS
                .iter()
                .all(|key| option(end, key) == option(tree, key))
        };
        let mut by_severity: BTreeMap<String, String> = BTreeMap::new();
        let mut owners: Vec<(String, Owned)> = Vec::new();
        let mut routes = String::new();
        // Behind the last that is more than a severity, severities are all that counts.
        let last = said
            .iter()
            .rposition(|(says, _)| says.keys().any(|key| key != "severity"));
        // What has no severity of a catalog only a route takes.
        let severity = |alert: &Labels| alert.get("severity").cloned().unwrap_or_default();
        let mut alerts = known.alerts.iter();
        let unsaid = alerts.any(|alert| !known.severities.contains(&severity(alert)));
        let root = option(tree, "group_by");
        let grouped = |end: &Route| option(end, "group_by");
        for (index, (says, way)) in said.iter().enumerate() {
            let mut names: Vec<String> = Vec::new();
            for end in &way.ends {
                names.extend(self.receivers.names(end.receiver()));
            }
            if names.len() > 1 {
                names.retain(|name| name != NO_ONE);
            }
            names.dedup();
            let plain = way.ends.iter().filter(usual).count() == way.ends.len();
            let timed = way
                .ends
                .iter()
                .any(|end| heeded(end).iter().any(Option::is_some));
            let severities = says.get("severity").cloned();
            let severities = severities.unwrap_or_else(|| known.severities.to_vec());
            let tail = !unsaid && last.is_none_or(|last| index > last) || with_owners;
            let only = says.keys().all(|key| key == "severity");
            if only && tail && plain && !timed && names.len() == 1 {
                for severity in severities {
                    by_severity.entry(severity).or_insert(names[0].clone());
                }
                continue;
            }
            let apart: Vec<&String> = says.keys().filter(|key| *key != "severity").collect();
            if let (true, true, [key]) = (with_owners, plain, apart.as_slice()) {
                let values = &says[*key];
                let owner = self.owner(key, values, &names, known, &mut owners);
                if let Some(owner) = owner {
                    let both = |at: usize| -> Vec<String> {
                        let own = way.ends.iter().filter_map(|end| heeded(end)[at].clone());
                        let own = own.flatten().flat_map(|name| times[name].clone());
                        own.collect()
                    };
                    for severity in severities {
                        if by_severity.contains_key(&severity) {
                            continue;
                        }
                        let entry = owners[owner].1.by_severity.entry(severity);
                        entry.or_insert_with(|| (names.clone(), [both(0), both(1)]));
                    }
                    continue;
                }
            }
            for (at, end) in way.ends.iter().enumerate() {
                let mut table = Map::new();
                let mut labels = Map::new();
                for (key, values) in says {
                    match key.strip_prefix("labels.") {
                        Some(label) => drop(labels.insert(label.to_string(), json!(values))),
                        None => drop(table.insert(key.clone(), json!(values))),
                    }
                }
                if !labels.is_empty() {
                    table.insert("labels".to_string(), Value::Object(labels));
                }
                table.insert(
                    "receivers".to_string(),
                    json!(self.receivers.names(end.receiver())),
                );
                for key in OPTIONS {
                    let wanted = option(end, key);
                    let usual = match key {
                        "group_by" => json!(APART),
                        _ => option(tree, key),
                    };
                    let each = wanted == json!(["..."]) || wanted == json!([]);
                    match wanted != usual {
                        true if each => self.changed.push(format!(
                            "notifications of the route to {} are grouped by {}: a catalog has no `{key}: {wanted}`",
                            end.receiver(),
                            APART.join(" and ")
                        )),
                        true => drop(table.insert(key.to_string(), wanted)),
                        false => {}
                    }
                }
                for (key, names) in ["mute", "active"].iter().zip(heeded(end)) {
                    let names = names.into_iter().flatten();
                    let names: Vec<&String> = names.flat_map(|name| &times[name]).collect();
                    if !names.is_empty() {
                        table.insert(key.to_string(), json!(names));
                    }
                }
                if at + 1 < way.ends.len() {
                    table.insert("continue".to_string(), json!(true));
                }
                routes += "\n[[routes]]\n";
                for (key, value) in &table {
                    routes += &format!("{key} = {}\n", toml(value).unwrap_or_default());
                }
                self.became
                    .push(format!("route to {}: a route", end.receiver()));
            }
        }
        let differs = said.iter().flat_map(|(_, way)| &way.ends);
        let differs = differs.filter(|end| grouped(end) == root).count() > 0;
        if differs && root != json!(APART) && (!by_severity.is_empty() || !owners.is_empty()) {
            self.changed.push(format!(
                "notifications are told apart by {}, where yours are by {}",
                APART.join(" and "),
                match root.items().len() {
                    0 => "nothing".to_string(),
                    _ => root.items().map(plain).collect::<Vec<_>>().join(", "),
                }
            ));
        }
        by_severity.retain(|_, name| name != NO_ONE);
        if !by_severity.is_empty() {
            self.tables += "\n[alertmanager.routes]\n";
            for (severity, name) in &by_severity {
                self.tables += &format!("{severity} = \"{name}\"\n");
                self.became
                    .push(format!("severity {severity}: told to {name}"));
            }
        }
        for (name, owned) in &owners {
            self.tables += &format!("\n[owners.{name}]\n");
            let mut timed = [Map::new(), Map::new()];
            let lists: BTreeSet<&Vec<String>> =
                owned.by_severity.values().map(|(names, _)| names).collect();
            let all = owned.by_severity.len() == known.severities.len();
            let list = |names: &[String]| match names {
                [one] => toml(&json!(one)).unwrap_or_default(),
                several => toml(&json!(several)).unwrap_or_default(),
            };
            let one = lists.first().filter(|_| all && lists.len() == 1);
            if let Some(names) = one {
                self.tables += &format!("default = {}\n", list(names));
            }
            for (severity, (names, times)) in &owned.by_severity {
                if one.is_none() {
                    self.tables += &format!("{severity} = {}\n", list(names));
                }
                for (map, times) in timed.iter_mut().zip(times) {
                    if !times.is_empty() {
                        map.insert(severity.clone(), json!(times));
                    }
                }
            }
            for (key, map) in ["mute", "active"].iter().zip(timed) {
                if !map.is_empty() {
                    let map = toml(&Value::Object(map)).unwrap_or_default();
                    self.tables += &format!("{key} = {map}\n");
                }
            }
            let (key, values) = &owned.label;
            let key = key.strip_prefix("labels.").unwrap_or(key);
            self.became.push(format!(
                "alerts by {key} {}: owner {name}",
                values.join(", ")
            ));
        }
        self.tables += &routes;
        Ok(())
    }

    /// The owner of all alerts that have one of some values, as far as those are the catalog's; None: they are none's.
    fn owner(
        &mut self,
        key: &str,
        values: &[String],
        names: &[String],
        known: &Known,
        owners: &mut Vec<(String, Owned)>,
    ) -> Option<usize> {
        let label = (key.to_string(), values.to_vec());
        if let Some(at) = owners.iter().position(|(_, owned)| owned.label == label) {
            return Some(at);
        }
        let name = match key.strip_prefix("labels.") {
            Some(_) => slug(&values.join("-"), 50)?,
            None => slug(names.first()?, 50)?,
        };
        if name == NO_ONE || owners.iter().any(|(known, _)| *known == name) {
            return None;
        }
        let (mut alerts, mut services) = (BTreeSet::new(), BTreeSet::new());
        match key {
            "service" => services.extend(values.iter().cloned()),
            "alert" => alerts.extend(values.iter().cloned()),
            key => {
                let label = key.strip_prefix("labels.")?;
                let has =
                    |alert: &&Labels| alert.get(label).is_some_and(|own| values.contains(own));
                let of = |of: &str, name: &str| {
                    let mut same = known.alerts.iter();
                    same.all(|one| one.get(of).is_none_or(|own| own != name) || has(&one))
                };
                for alert in known.alerts.iter().filter(has) {
                    let (name, job) = (alert.get("alertname")?, alert.get("job"));
                    let job = job.filter(|job| known.services.contains(job.as_str()));
                    match job.filter(|job| of("job", job)) {
                        Some(job) if (known.labelled)(job, label) => {
                            services.insert(job.clone());
                        }
                        _ if of("alertname", name) => drop(alerts.insert(name.clone())),
                        _ => return None,
                    }
                }
            }
        }
        let free = |alert: &String| {
            known.of_catalog.contains(alert.as_str()) && !self.of_alerts.contains_key(alert)
        };
        let free_service = |service: &String| !self.of_services.contains_key(service);
        if !alerts.iter().all(free) || !services.iter().all(free_service) {
            return None;
        }
        self.of_alerts
            .extend(alerts.into_iter().map(|alert| (alert, name.clone())));
        self.of_services
            .extend(services.into_iter().map(|one| (one, name.clone())));
        owners.push((
            name,
            Owned {
                label,
                by_severity: BTreeMap::new(),
            },
        ));
        Some(owners.len() - 1)
    }

    /// `[times]`: name in the configuration → names in the catalog, of which any holds.
    fn times(
        &mut self,
        config: &Value,
        tree: &Route,
        named: &mut BTreeMap<String, Vec<String>>,
    ) -> Result<(), String> {
        let routes = tree.all();
        let used = routes
            .iter()
            .flat_map(|route| heeded(route))
            .flatten()
            .flatten();
        let used: BTreeSet<&str> = used.collect();
        let lists = ["time_intervals", "mute_time_intervals"];
        for time in lists.iter().flat_map(|key| config[*key].items()) {
            let name = plain(&time["name"]);
            if !used.contains(name.as_str()) {
                self.lost.push(format!("times {name}: no route heeds them"));
                continue;
            }
            let called = slug(&name, 50).unwrap_or("times".to_string());
            let entries = time["time_intervals"].items();
            for (index, entry) in entries.clone().enumerate() {
                let table = interval(entry).map_err(|why| format!("times {name}: {why}"))?;
                let one = match entries.len() {
                    1 => called.clone(),
                    _ => format!("{called}-{}", index + 1),
                };
                let text = toml(&Value::Object(table)).unwrap_or_default();
                let head = if self.tables.is_empty() {
                    "\n[times]\n"
                } else {
                    ""
                };
                self.tables += &format!("{head}{one} = {text}\n");
                named.entry(name.clone()).or_default().push(one);
            }
        }
        match used.iter().find(|name| !named.contains_key(**name)) {
            Some(name) => Err(format!("there are no times `{name}`")),
            None => Ok(()),
        }
    }

    fn inhibit(&mut self, config: &Value, known: &Known) -> Result<(), String> {
        for (index, rule) in Inhibition::of(config).iter().enumerate() {
            let any = |picks: &dyn Fn(&Labels) -> bool| known.alerts.iter().any(picks);
            if !any(&|one| rule.from(one)) || !any(&|one| rule.onto(one)) {
                self.lost.push(format!(
                    "inhibit_rules, no. {}: it is about none of your alerts",
                    index + 1
                ));
                continue;
            }
            let mut table = Map::new();
            for (side, matchers) in [("source", &rule.source), ("target", &rule.target)] {
                let matchers: Vec<&Matcher> = matchers.iter().collect();
                let said = says(&matchers, known, &mut Vec::new())?.unwrap_or_default();
                if said.is_empty() {
                    return Err(format!(
                        "inhibit_rules, no. {}: its {side} is every alert",
                        index + 1
                    ));
                }
                let (labels, keys): (Says, Says) = said
                    .into_iter()
                    .partition(|(key, _)| key.starts_with("labels."));
                let mut one: Map = keys
                    .into_iter()
                    .map(|(key, values)| (key, json!(values)))
                    .collect();
                if !labels.is_empty() {
                    let labels = labels.into_iter();
                    let labels: Map = labels
                        .map(|(key, values)| (key["labels.".len()..].to_string(), json!(values)))
                        .collect();
                    one.insert("labels".to_string(), Value::Object(labels));
                }
                table.insert(side.to_string(), Value::Object(one));
            }
            // A label that nobody has is the same everywhere.
            let has = |label: &&String| any(&|alert| alert.contains_key(*label));
            let equal: Vec<&String> = rule.equal.iter().filter(has).collect();
            table.insert("equal".to_string(), json!(equal));
            let text = toml(&Value::Object(table)).unwrap_or_default();
            let head = if self.tables.contains("\n[inhibit]\n") {
                ""
            } else {
                "\n[inhibit]\n"
            };
            self.tables += &format!("{head}adopted-{} = {text}\n", index + 1);
            self.became.push(format!(
                "inhibit_rules, no. {}: adopted-{}",
                index + 1,
                index + 1
            ));
        }
        Ok(())
    }

    /// What differs for an alert: `before`, its labels in that configuration; `after`, the labels that it has in the new one.
    pub(super) fn differs(
        &self,
        (old, before): (&Value, &Labels),
        (new, after): (&Value, &Labels),
    ) -> Option<String> {
        let (old_tree, new_tree) = (Route::of(old)?, Route::of(new)?);
        let (ends, now) = (old_tree.ends(before), new_tree.ends(after));
        let wanted = ends
            .iter()
            .flat_map(|end| self.receivers.names(end.receiver()));
        let wanted: BTreeSet<String> = wanted.filter(|name| name != NO_ONE).collect();
        let is = now.iter().map(|end| end.receiver().to_string());
        let is: BTreeSet<String> = is.filter(|name| name != NO_ONE).collect();
        let list = |names: &BTreeSet<String>| match names.is_empty() {
            true => "nobody".to_string(),
            false => names.iter().cloned().collect::<Vec<_>>().join(" and "),
        };
        if wanted != is {
            return Some(format!(
                "it would reach {} in place of {}",
                list(&is),
                list(&wanted)
            ));
        }
        for name in &wanted {
            let of = |end: &&&Route| self.receivers.names(end.receiver()).contains(name);
            let before: Vec<&Route> = ends.iter().filter(of).copied().collect();
            let after = now.iter().filter(|end| end.receiver() == name);
            let after: Vec<&Route> = after.copied().collect();
            let intervals = [Intervals::of(old), Intervals::of(new)];
            let was: Vec<_> = before.iter().map(|one| heeded(one)).collect();
            let is: Vec<_> = after.iter().map(|one| heeded(one)).collect();
            if let Some(how) = intervals[1].differ(&is, (&intervals[0], &was)) {
                return Some(format!("{name} would be told {how}"));
            }
            for (key, _) in WAITS {
                let all = |routes: &[&Route]| -> BTreeSet<Option<Duration>> {
                    let own = routes.iter().map(|one| option(one, key));
                    own.map(|wait| Duration::parse(&plain(&wait))).collect()
                };
                if all(&before) != all(&after) {
                    return Some(format!("{name} would be told after another {key}"));
                }
            }
        }
        None
    }
}

/// What is in force at a route.
fn option(route: &Route, key: &str) -> Value {
    let default = WAITS.iter().find(|(known, _)| *known == key);
    let said = route.settings.get(key).cloned();
    said.unwrap_or_else(|| default.map_or(json!([]), |(_, wait)| json!(wait)))
}

/// Which alerts some matchers pick, as keys of a catalog say it. Some(None): none of those that there are; why they cannot be said.
fn says(
    matchers: &[&Matcher],
    known: &Known,
    lost: &mut Vec<String>,
) -> Result<Option<Says>, String> {
    let mut said = Says::new();
    let mut picked: Option<BTreeSet<String>> = None;
    let labels: BTreeSet<&str> = matchers.iter().map(|one| one.name.as_str()).collect();
    for label in labels {
        let own = matchers.iter().filter(|one| one.name == label);
        let own: Vec<&&Matcher> = own.collect();
        let picks = |value: &str| own.iter().all(|one| one.picks(value));
        let value = |alert: &Labels| alert.get(label).cloned().unwrap_or_default();
        let mut there: BTreeSet<String> = known.alerts.iter().map(value).collect();
        if label == "severity" {
            there.extend(known.severities.iter().cloned());
        }
        let some: Vec<String> = there.iter().filter(|value| picks(value)).cloned().collect();
        let exact = own.iter().any(|one| {
            matches!(one.comparison, Comparison::Equal | Comparison::Matches) && !one.picks("")
        });
        if some.is_empty() {
            let all: Vec<String> = own.iter().map(ToString::to_string).collect();
            lost.push(format!(
                "a route with {}: none of your alerts comes to it",
                all.join(" and ")
            ));
            return Ok(None);
        }
        if some.len() == there.len() && !exact {
            continue;
        }
        let key = match label {
            "alertname" => "alert".to_string(),
            "severity" if some.iter().all(|one| known.severities.contains(one)) => {
                label.to_string()
            }
            "job" if some.iter().all(|one| known.services.contains(one.as_str())) => {
                "service".to_string()
            }
            "severity" | "job" | "service" | "component" | "owner" => String::new(),
            label => format!("labels.{label}"),
        };
        if !key.is_empty() && !some.contains(&String::new()) {
            said.insert(key, some);
            continue;
        }
        // What no key says may still be some alerts by their names.
        let named = |with: bool| -> BTreeSet<String> {
            let all = known
                .alerts
                .iter()
                .filter(|alert| picks(&value(alert)) == with);
            all.filter_map(|alert| alert.get("alertname").cloned())
                .collect()
        };
        let (with, without) = (named(true), named(false));
        if !with.is_disjoint(&without) {
            let all: Vec<String> = own.iter().map(ToString::to_string).collect();
            return Err(format!(
                "no key of a catalog chooses alerts by {}",
                all.join(" and ")
            ));
        }
        picked = Some(picked.map_or(with.clone(), |known| {
            known.intersection(&with).cloned().collect()
        }));
    }
    if let Some(mut picked) = picked {
        if let Some(named) = said.get("alert") {
            picked.retain(|name| named.contains(name));
        }
        if picked.is_empty() {
            return Ok(None);
        }
        said.insert("alert".to_string(), picked.into_iter().collect());
    }
    Ok(Some(said))
}

/// An interval of an Alertmanager as a table of `[times]`.
fn interval(entry: &Value) -> Result<Map, String> {
    let mut table = Map::new();
    for (key, value) in entry.entries() {
        let list = || value.items().map(|one| plain(one).to_lowercase());
        let (key, value) = match key.as_str() {
            "times" => {
                let hours = value.items().map(|one| {
                    format!("{}-{}", plain(&one["start_time"]), plain(&one["end_time"]))
                });
                ("hours", json!(hours.collect::<Vec<_>>()))
            }
            "weekdays" | "days_of_month" => (key.as_str(), json!(list().collect::<Vec<_>>())),
            "months" => {
                let name = |month: &str| {
                    let number = month.parse::<usize>().ok();
                    let named = number.and_then(|number| MONTHS.get(number.wrapping_sub(1)));
                    named.map_or(month.to_string(), ToString::to_string)
                };
                let range = |one: String| one.split(':').map(name).collect::<Vec<_>>().join(":");
                ("months", json!(list().map(range).collect::<Vec<_>>()))
            }
            "location" => ("time_zone", value.clone()),
            key => return Err(format!("a catalog's have no `{key}`")),
        };
        table.insert(key.to_string(), value);
    }
    Ok(table)
}
