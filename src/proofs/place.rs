//! From a value of a rendered file to the line that somebody wrote: a template's, or the catalog's.

use super::{Expression, OwnTests};
use crate::artifacts::Role;
use crate::catalog::Catalog;
use crate::diagnostic::{Diagnostic, Place};
use crate::render::{File, LINE, Rendered};
use crate::source::step;
use crate::stack::containers::Container;
use crate::stack::containers::process::Flag;
use crate::value::{Value, to_value};

/// The code is that of the proof: `inspect` adds it.
const OF_PROOF: &str = "";

/// An error at a value of a rendered file.
pub(super) fn at(
    file: &str,
    pointer: impl Into<String>,
    message: impl Into<String>,
    help: impl Into<String>,
) -> Diagnostic {
    let place = Place::Rendered {
        file: file.into(),
        pointer: pointer.into(),
    };
    Diagnostic::error(OF_PROOF, place, message).help(help)
}

/// An error at a key of a container.
pub(super) fn in_container(
    container: &Container,
    key: &str,
    message: impl Into<String>,
    help: impl Into<String>,
) -> Diagnostic {
    at(&container.file.path, container.at(key), message, help)
}

/// An error at a flag that a container's program is given.
pub(super) fn of_flag(
    container: &Container,
    flag: &Flag,
    message: impl Into<String>,
    help: impl Into<String>,
) -> Diagnostic {
    let pointer = container.argument(flag.index);
    at(&container.file.path, pointer, message, help)
}

/// An error in a line of a rendered text, from 1.
pub(super) fn line(
    file: &str,
    line: usize,
    message: impl Into<String>,
    help: impl Into<String>,
) -> Diagnostic {
    at(file, format!("{LINE}{line}"), message, help)
}

/// An error in an expression.
pub(super) fn on(
    expression: &Expression,
    message: impl Into<String>,
    help: impl Into<String>,
) -> Diagnostic {
    at(expression.path, &expression.pointer, message, help)
}

/// An error at a key of the catalog.
pub(super) fn in_catalog(
    pointer: impl Into<String>,
    message: impl Into<String>,
    help: impl Into<String>,
) -> Diagnostic {
    Diagnostic::error(OF_PROOF, Place::Key(pointer.into()), message).help(help)
}

/// Tables whose entries are shown by their names: their values are long, or stand in several places.
const OF_TABLES: [&str; 5] = ["/series/", "/times/", "/routes/", "/owners/", "/inhibit/"];

/// Where values of rendered files were written: at the catalog's line that caused them, when the expression is the user's
/// own; else at the template's.
pub(super) struct Written<'a> {
    pub(super) catalog: &'a Catalog,
    pub(super) rendered: &'a Rendered,
    pub(super) own: &'a OwnTests,
}

/// A value of a rendered file.
struct Spot<'a> {
    file: &'a File,
    pointer: &'a str,
}

impl Written<'_> {
    /// A diagnostic about a value of a rendered file, moved to where somebody wrote it; the value is named as another place.
    pub(super) fn placed(&self, mut found: Diagnostic) -> Diagnostic {
        let Place::Rendered { file, pointer } = &found.place else {
            return found;
        };
        let (path, pointer) = (file.clone(), pointer.clone());
        if let Some((own, at)) = self.rendered.own_place(&path, &pointer) {
            found.owners.push("/extra".to_string());
            found.place = own.place(&at);
            for (place, _) in &mut found.others {
                if let Place::Rendered { file, pointer } = place {
                    *place = self.rendered.place(file, pointer);
                }
            }
            return found;
        }
        let spot = self.rendered.file(&path).map(|file| Spot {
            file,
            pointer: &pointer,
        });
        let owner = spot.as_ref().and_then(|spot| self.owner(spot));
        found.place = match &owner {
            Some((key, true)) if OF_TABLES.iter().any(|table| key.contains(table)) => {
                Place::Key(key.clone())
            }
            Some((key, true)) => Place::Value(key.clone()),
            _ => self.rendered.place(&path, &pointer),
        };
        let table = spot.as_ref().and_then(|spot| self.table(spot));
        let of_routes = table.as_deref() == Some("/alertmanager");
        if of_routes || owner.is_none() {
            found.owners.extend(table);
        }
        match owner {
            Some((key, _)) => found.owners.push(key),
            None => found.owners.push("/platform".to_string()),
        }
        let text = spot.and_then(|spot| spot.file.value.pointer(&pointer)?.as_str());
        let shown = |text: &str| matches!(&found.place, Place::Line { text: line, .. } if line.contains(text));
        if let Some(text) = text.map(shortened).filter(|text| !shown(text)) {
            found.label = text;
        }
        for (place, _) in &mut found.others {
            if let Place::Rendered { file, pointer } = place {
                *place = self.rendered.place(file, pointer);
            }
        }
        found.also(
            Place::File(format!("{}/{path}", self.rendered.output)),
            pointer,
        )
    }

    /// The catalog's table behind a rule or a test, and whether what is wrong is written there word by word.
    fn owner(&self, spot: &Spot) -> Option<(String, bool)> {
        let Spot { file, pointer } = *spot;
        if file.role == Role::RuleTests
            && let Some(inside) = pointer.strip_prefix("/tests/")
            && let Some(pointer) = self.own_test(inside, spot)
        {
            return Some((pointer, true));
        }
        if file.role == Role::Alertmanager
            && let Some(written) = self
                .of_receiver(spot)
                .or_else(|| self.of_times(spot))
                .or_else(|| self.of_route(spot))
                .or_else(|| self.of_inhibition(spot))
        {
            return Some((written, true));
        }
        if file.role == Role::Compose
            && let Some(written) = self.of_container(spot)
        {
            return Some((written, true));
        }
        if let Some(written) = self.of_setting(spot) {
            return Some((written, true));
        }
        let catalog = self.catalog;
        let part = |steps: usize| {
            let steps: Vec<&str> = pointer.split('/').take(steps + 1).collect();
            file.value.pointer(&steps.join("/"))
        };
        let (rule, alert) = match (file.groups_pointer(), file.role) {
            (Some(groups), _) => {
                let rule = part(groups.matches('/').count() + 3)?;
                let alert = match (rule["alert"].as_str(), rule["record"].as_str()) {
                    (Some(name), _) => catalog.alert(name)?,
                    (None, Some(name)) if catalog.rules.iter().any(|own| own.name == name) => {
                        let table = format!("/rules/{}", step(name));
                        return Some(match pointer.ends_with("/expr") {
                            true => (format!("{table}/expr"), true),
                            false => (table, false),
                        });
                    }
                    // What is recorded for one alert is that alert's.
                    (None, Some(name)) => catalog
                        .alerts
                        .iter()
                        .find(|alert| alert.signals.iter().any(|signal| signal.name == name))?,
                    (None, None) => return None,
                };
                (rule, alert)
            }
            (None, Role::RuleTests) => {
                let test = part(2)?;
                let alert = catalog
                    .alerts
                    .iter()
                    .find(|alert| tests(test, &alert.name))?;
                (test, alert)
            }
            _ => return None,
        };
        let name = &alert.name;
        // What a text of the catalog's own leaves open is filled in where it is written.
        let key = pointer.rsplit('/').next().unwrap_or_default();
        if pointer.contains("/annotations/") && alert.own_annotations.contains_key(key) {
            let table = alert.written_table();
            return Some((format!("{table}/annotations/{key}"), true));
        }
        if key == "keep_firing_for" && alert.keep_firing_for.is_some() {
            let table = alert.written_table();
            return Some((format!("{table}/keep_firing_for"), true));
        }
        let words = match (pointer.contains("/annotations/"), key) {
            (true, "summary") => alert.words.summary.as_deref(),
            (true, "description") => alert.words.description.as_deref(),
            _ => None,
        };
        if words.is_some() {
            return Some((format!("/alerts/{name}/{key}"), true));
        }
        match alert.settings.contains_key("expr")
            && pointer.ends_with("/expr")
            && rule.get("alert").is_some()
        {
            true => Some((format!("/alerts/{name}/expr"), true)),
            false => Some((format!("/alerts/{name}"), false)),
        }
    }

    /// The catalog's table that a value of a server's configuration is rendered from.
    fn table(&self, spot: &Spot) -> Option<String> {
        let mut steps = spot.pointer.split('/').skip(1);
        let (list, entry) = (steps.next()?, steps.next());
        let entry = entry.map(|entry| (entry, &spot.file.value[list]));
        let service = |name: &str| {
            self.catalog
                .service(name)
                .map(|_| format!("/services/{name}"))
        };
        let named = |key: &str| {
            let (index, entries) = entry?;
            entries[index.parse::<usize>().ok()?][key].as_str()
        };
        match (spot.file.role, list) {
            (Role::Prometheus, "scrape_configs") => named("job_name")
                .and_then(service)
                .or(Some("/prometheus".to_string())),
            (Role::Prometheus, _) => Some("/prometheus".to_string()),
            (Role::Alertmanager, "receivers") => {
                let name = named("name")?;
                let known = self.catalog.receivers.contains_key(name);
                known.then(|| format!("/receivers/{name}"))
            }
            (Role::Alertmanager, _) => Some("/alertmanager".to_string()),
            (Role::Datasources, _) => Some("/grafana".to_string()),
            (Role::Compose, "services") => service(entry?.0),
            _ => None,
        }
    }

    /// The key of a receiver that a value of one of its integrations is written as in the catalog, word by word.
    fn of_receiver(&self, spot: &Spot) -> Option<String> {
        let inside = spot.pointer.strip_prefix("/receivers/")?;
        let mut steps = inside.splitn(4, '/');
        let (index, list) = (steps.next()?.parse::<usize>().ok()?, steps.next()?);
        let (_, key) = (steps.next()?, steps.next()?);
        let integration = list.strip_suffix("_configs")?;
        let receiver = spot.file.value["receivers"][index]["name"].as_str()?;
        let written = self.catalog.receivers.get(receiver)?.get(integration)?;
        let said = written.pointer(&format!("/{key}"))?;
        let there = spot.file.value.pointer(spot.pointer)?;
        (said == there).then(|| format!("/receivers/{}/{integration}/{key}", step(receiver)))
    }

    /// The time of the catalog that a route holds to.
    fn of_times(&self, spot: &Spot) -> Option<String> {
        let listed = ["/mute_time_intervals", "/active_time_intervals"];
        let held = listed.iter().any(|key| spot.pointer.ends_with(key));
        let names = spot.file.value.pointer(spot.pointer).filter(|_| held)?;
        let mut names = names.items().filter_map(Value::as_str);
        let name = names.find(|name| self.catalog.times.iter().any(|time| time.name == *name))?;
        Some(format!("/times/{}", step(name)))
    }

    /// The route or the owner of the catalog that a rendered route says word by word, and its key where the value has one.
    fn of_route(&self, spot: &Spot) -> Option<String> {
        let inside = spot.pointer.strip_prefix("/route/routes/")?;
        let (index, key) = inside.split_once('/').unwrap_or((inside, ""));
        let route = &spot.file.value["route"]["routes"][index.parse::<usize>().ok()?];
        let receiver = route["receiver"].as_str()?;
        let mut notices = self.catalog.notices.iter();
        let written = notices.find(|notice| {
            let names = notice.receivers.iter().any(|name| name == receiver);
            let mut options = notice.options.iter();
            names
                && route["matchers"].texts().eq(notice.of.matchers())
                && options.all(|(key, said)| route[key] == *said)
        })?;
        Some(match written.options.contains_key(key) {
            true => format!("{}/{key}", written.pointer),
            false => written.pointer.clone(),
        })
    }

    /// The table of `[inhibit]` that a rendered rule says word by word.
    fn of_inhibition(&self, spot: &Spot) -> Option<String> {
        let inside = spot.pointer.strip_prefix("/inhibit_rules/")?;
        let index = inside.split('/').next()?.parse::<usize>().ok()?;
        let rule = &spot.file.value["inhibit_rules"][index];
        let mut written = self.catalog.inhibitions.iter();
        let same = written.find(|one| {
            rule["source_matchers"].texts().eq(one.source.matchers())
                && rule["target_matchers"].texts().eq(one.target.matchers())
                && rule["equal"].texts().eq(&one.equal)
        })?;
        Some(same.pointer.clone())
    }

    /// The key of a service that a value of its container is written as in the catalog, word by word.
    fn of_container(&self, spot: &Spot) -> Option<String> {
        let inside = spot.pointer.strip_prefix("/services/")?;
        let (name, key) = inside.split_once('/')?;
        let service = to_value(self.catalog.service(name)?).ok()?;
        let said = service.pointer(&format!("/{key}"))?;
        let there = spot.file.value.pointer(spot.pointer)?;
        (said == there).then(|| format!("/services/{name}/{key}"))
    }

    /// The key of Grafana's or Prometheus' table that a value of its configuration is written as in the catalog, word by word.
    fn of_setting(&self, spot: &Spot) -> Option<String> {
        let (table, said) = match spot.file.role {
            Role::Datasources => ("/grafana", to_value(&self.catalog.grafana)),
            Role::Prometheus if !spot.pointer.starts_with("/scrape_configs/") => {
                ("/prometheus", to_value(&self.catalog.prometheus))
            }
            _ => return None,
        };
        let there = spot.file.value.pointer(spot.pointer)?;
        let said = said.ok()?;
        let mut same = said.entries().filter(|(_, said)| *said == there);
        // What is no text, or stands twice, says nothing of where it was written.
        let (key, _) = same.next().filter(|_| there.is_string())?;
        same.next().is_none().then(|| format!("{table}/{key}"))
    }

    /// The catalog's own test behind a place in a file of tests, to the series if it is one.
    fn own_test(&self, inside: &str, spot: &Spot) -> Option<String> {
        let index: usize = inside.split('/').next()?.parse().ok()?;
        let test = self.own.of_file(spot.file).swap_remove(index)?;
        let series = (spot.file.value)
            .pointer(spot.pointer)
            .filter(|_| spot.pointer.ends_with("/series"))
            .and_then(|series| series.as_str());
        Some(series.map_or(test.clone(), |series| {
            format!("{test}/series/{}", step(series))
        }))
    }
}

/// One line of text, at most as long as a person reads beside a caret.
fn shortened(text: &str) -> String {
    let text = text.split_whitespace().collect::<Vec<_>>().join(" ");
    match text.char_indices().nth(160) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text,
    }
}

/// Whether a unit test is one of an alert.
fn tests(test: &Value, alert: &str) -> bool {
    let cases = |key: &str| test[key].as_array().into_iter().flatten();
    let matcher = format!("alertname=\"{alert}\"");
    cases("alert_rule_test").any(|case| case["alertname"] == alert)
        || cases("promql_expr_test").any(|case| {
            case["expr"]
                .as_str()
                .is_some_and(|text| text.contains(&matcher))
        })
}
