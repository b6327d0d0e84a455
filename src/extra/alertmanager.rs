//! Own receivers, routes and inhibitions, as they stand in the generated configuration of the Alertmanager.

use super::{Merged, Own, Sort, beside};
use crate::catalog::{Catalog, NO_ONE};
use crate::diagnostic::{Diagnostic, Place};
use crate::overlay::glob;
use crate::value::{Map, Value, json};
use std::collections::HashMap;

pub(crate) const RECEIVERS: &str = "/receivers";
pub(crate) const ROUTES: &str = "/route/routes";
pub(crate) const INHIBITIONS: &str = "/inhibit_rules";
pub(crate) const TIMES: &str = "/time_intervals";
pub(crate) const MUTE_TIMES: &str = "/mute_time_intervals";

/// What an Alertmanager does where its first route says nothing of it; a route inside another does as that one.
const DEFAULTS: [(&str, &str); 3] = [
    ("group_wait", "30s"),
    ("group_interval", "5m"),
    ("repeat_interval", "4h"),
];

/// What there is one of.
#[derive(Clone, Debug, Default)]
pub(super) struct Routing {
    pub(super) global: Map,
    /// Templates of notifications, seen from the configuration.
    pub(super) templates: Vec<String>,
}

/// Takes what all files say.
pub(super) fn merge(own: &mut Own, catalog: &Catalog) -> Vec<Diagnostic> {
    let mut found = Vec::new();
    let mut route: Option<Place> = None;
    let mut receivers: HashMap<String, Place> = HashMap::new();
    let files: Vec<usize> = own.of(Sort::Alertmanager).map(|(index, _)| index).collect();
    for index in files {
        let file = own.files[index].clone();
        let lists = [RECEIVERS, INHIBITIONS, TIMES, MUTE_TIMES];
        for (key, value) in file.value.entries() {
            let pointer = format!("/{key}");
            match key.as_str() {
                "route" => {
                    let place = file.place("/route");
                    if let Some(first) = &route {
                        found.push(
                            Diagnostic::error("extra-file", place.clone(), "there are two routes")
                                .also(first.clone(), "it is here first")
                                .help("put the routes of both under one"),
                        );
                        continue;
                    }
                    route = Some(place.clone());
                    match routed(own, catalog, value) {
                        Ok(value) => own.parts.push(Merged {
                            list: ROUTES,
                            value,
                            file: index,
                            pointer,
                        }),
                        Err(message) => found.push(
                            Diagnostic::error("extra-file", place, message).help(
                                "this route is for the alerts of `rules` of [extra], and for those of the catalog as long as it names no receiver; those are routed by [owners], [[routes]] and [alertmanager.routes]",
                            ),
                        ),
                    }
                }
                "global" => {
                    for (key, value) in value.entries() {
                        let before = own.routing.global.insert(key.clone(), value.clone());
                        if before.is_some_and(|before| before != *value) {
                            found.push(file.error(
                                &format!("/global/{key}"),
                                format!("another file has another `{key}`"),
                                "an Alertmanager has one: remove one of the two",
                            ));
                        }
                    }
                }
                "templates" => {
                    for (at, text) in value.texts().enumerate() {
                        if text.starts_with('/') {
                            let placed = templates_called(own, text);
                            let alone = placed.is_empty().then(|| text.to_string());
                            own.routing.templates.extend(placed.into_iter().chain(alone));
                            continue;
                        }
                        let wanted = beside(&file.source, text);
                        if !own.take(&wanted, Sort::Template) {
                            found.push(file.error(
                                &format!("/templates/{at}"),
                                format!("no file of [extra] is {wanted}"),
                                "name the templates under `files` of [extra]",
                            ));
                        }
                        own.routing.templates.push(format!("extra/{wanted}"));
                    }
                }
                _ => match lists.iter().find(|list| **list == pointer) {
                    Some(list) => {
                        for (at, entry) in value.items().enumerate() {
                            let pointer = format!("{pointer}/{at}");
                            // The generated one that tells nobody is called so too.
                            let nobody = *list == RECEIVERS
                                && entry["name"] == NO_ONE
                                && entry.as_object().is_some_and(|entry| entry.len() == 1);
                            if nobody {
                                continue;
                            }
                            if let (RECEIVERS, Some(name)) = (*list, entry["name"].as_str()) {
                                let place = file.place(&format!("{pointer}/name"));
                                let first = receivers.insert(name.to_string(), place.clone());
                                if let Some(first) = first {
                                    let message = format!("there are two receivers `{name}`");
                                    found.push(
                                        Diagnostic::error("extra-taken-name", place, message)
                                            .also(first, "it is here first")
                                            .help("the Alertmanager does not start so: give one of them another name"),
                                    );
                                }
                            }
                            own.parts.push(Merged {
                                list,
                                value: entry.clone(),
                                file: index,
                                pointer,
                            });
                        }
                    }
                    None => found.push(file.error(
                        &pointer,
                        format!("an Alertmanager's configuration has no `{key}`"),
                        "it has global, templates, route, receivers, inhibit_rules, time_intervals and mute_time_intervals",
                    )),
                },
            }
        }
    }
    found
}

/// The templates of `[extra]` that are called as an absolute path ends: that is where another container has had them.
fn templates_called(own: &mut Own, path: &str) -> Vec<String> {
    let name = |path: &str| path.rsplit('/').next().unwrap_or(path).to_string();
    let mut placed = Vec::new();
    for file in &mut own.files {
        let unread = matches!(file.sort, Sort::Other | Sort::Template);
        if unread && file.source.ends_with(".tmpl") && glob(&name(path), &name(&file.source)) {
            file.sort = Sort::Template;
            placed.push(format!("extra/{}", file.source));
        }
    }
    placed
}

/// The first route of a file as one among others, with what it does by default said: for the alerts of the own rules alone, or
/// for all as long as the catalog tells nobody of anything.
fn routed(own: &Own, catalog: &Catalog, written: &Value) -> Result<Value, String> {
    let Some(map) = written.as_object() else {
        return Err("`route` is no route".to_string());
    };
    let narrow = ["match", "match_re", "matchers", "continue"];
    if let Some(key) = narrow.iter().find(|key| map.contains_key(key)) {
        return Err(format!("the first route has `{key}`: it takes every alert"));
    }
    let alerts = own.alerts();
    let all = !catalog.notifies();
    if alerts.is_empty() && !all {
        return Err("there is no alert that this route could take".to_string());
    }
    let names: Vec<String> = alerts
        .iter()
        .map(|name| regex_syntax::escape(name))
        .collect();
    let matcher = format!("alertname=~{}", json!(names.join("|")));
    let mut route = Map::new();
    for key in ["receiver", "group_by"] {
        if let Some(value) = map.get(key) {
            route.insert(key.to_string(), value.clone());
        }
    }
    if !all {
        route.insert("matchers".to_string(), json!([matcher]));
    }
    for (key, default) in DEFAULTS {
        let value = map.get(key).cloned().unwrap_or_else(|| default.into());
        route.insert(key.to_string(), value);
    }
    for (key, value) in map {
        if !route.contains_key(key) {
            route.insert(key.clone(), value.clone());
        }
    }
    Ok(Value::Object(route))
}
