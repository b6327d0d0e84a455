//! A dashboard held against Grafana's model, value by value.

use super::{GRAFANA, Grafana, Keys, PanelType, Type};
use crate::diagnostic::{nearest, suggestion};
use crate::json::plain;
use crate::stack::dashboards::panels;
use crate::stack::document::Pointer;
use crate::value::Value;
use std::collections::BTreeSet;

/// Something that Grafana does not know.
pub(crate) struct Flaw {
    /// Where in the dashboard.
    pub(crate) pointer: String,
    pub(crate) message: String,
    pub(crate) help: String,
}

/// Everything in a dashboard that Grafana does not know; plugins are the panels that are installed beside its own.
pub(crate) fn flaws(dashboard: &Value, plugins: &BTreeSet<&str>) -> Vec<Flaw> {
    let mut check = Check {
        grafana: &GRAFANA,
        plugins,
        flaws: Vec::new(),
    };
    match dashboard["schemaVersion"].as_i64() {
        // Grafana brings older ones into this form when it loads them; the types of panels stay what they are.
        Some(version) if version < OF_FORM => {
            for (pointer, panel) in panels(dashboard) {
                check.kind(panel, &Pointer::Root(&pointer));
            }
        }
        _ => check.named("Dashboard", dashboard, &Pointer::Root("")),
    }
    check.flaws
}

/// Everything in a file of provisioning, or a part of one, that Grafana does not know; `name` is its type in grafana.toml.
pub(crate) fn misread(name: &str, value: &Value, pointer: &str) -> Vec<Flaw> {
    let mut check = Check {
        grafana: &GRAFANA,
        plugins: &BTreeSet::new(),
        flaws: Vec::new(),
    };
    check.named(name, value, &Pointer::Root(pointer));
    check.flaws
}

/// The schema version of the form that grafana.toml describes; what came after it is there too.
const OF_FORM: i64 = 36;

struct Check<'a> {
    grafana: &'a Grafana,
    plugins: &'a BTreeSet<&'a str>,
    flaws: Vec<Flaw>,
}

/// Without one of these the link would lead nowhere or the panel show nothing: there is no suggestion to make.
const OTHERWISE: &str = "see the panel's documentation, or remove it";

impl Check<'_> {
    fn flaw(&mut self, at: &Pointer, message: String, help: String) {
        self.flaws.push(Flaw {
            pointer: at.to_string(),
            message,
            help,
        });
    }

    /// A value that may be one of several things.
    fn value(&mut self, value: &Value, allowed: &[Type], at: &Pointer) {
        if value.is_null() || allowed.contains(&Type::Any) {
            return;
        }
        match value {
            Value::Object(map) => {
                let maps = allowed.iter().find_map(|allowed| match allowed {
                    Type::Map(values) => Some(values),
                    _ => None,
                });
                if let Some(values) = maps {
                    for (key, value) in map {
                        self.value(value, values, &at.key(key));
                    }
                    return;
                }
                let names = allowed.iter().filter_map(|allowed| match allowed {
                    Type::Named(name) => Some(name.as_str()),
                    _ => None,
                });
                match self.likely(value, names.collect()) {
                    Some(name) => self.named(name, value, at),
                    None => self.wrong(value, allowed, at),
                }
            }
            Value::Array(list) => {
                let items = allowed.iter().find_map(|allowed| match allowed {
                    Type::List(items) => Some(items),
                    _ => None,
                });
                match items {
                    None => self.wrong(value, allowed, at),
                    Some(items) => {
                        for (index, item) in list.iter().enumerate() {
                            self.value(item, items, &at.item(index));
                        }
                    }
                }
            }
            scalar if !allowed.iter().any(|allowed| is(scalar, allowed)) => {
                self.wrong(scalar, allowed, at)
            }
            _ => {}
        }
    }

    fn wrong(&mut self, value: &Value, allowed: &[Type], at: &Pointer) {
        let words: Vec<&str> = allowed
            .iter()
            .filter_map(|allowed| match allowed {
                Type::Is(word) => Some(word.as_str()),
                _ => None,
            })
            .collect();
        let pointer = at.to_string();
        let key = pointer.rsplit('/').next().unwrap_or_default().to_string();
        let written = match value {
            Value::Object(_) => "an object".to_string(),
            Value::Array(_) => "a list".to_string(),
            scalar => format!("`{}`", plain(scalar)),
        };
        if !words.is_empty() && !value.is_object() && !value.is_array() {
            let help = suggestion(&plain(value), words.iter().copied());
            self.flaw(at, format!("Grafana knows no {written} for `{key}`"), help);
            return;
        }
        let wanted = match allowed.first() {
            Some(Type::Text) => "a text",
            Some(Type::Number) => "a number",
            Some(Type::Bool) => "true or false",
            Some(Type::List(_)) => "a list",
            _ => "an object",
        };
        self.flaw(
            at,
            format!("`{key}` is {written}, where Grafana takes {wanted}"),
            format!("write {wanted}"),
        );
    }

    /// The type that an object is meant to be: the one whose fixed values it has, or the only one.
    fn likely<'n>(&self, value: &Value, names: Vec<&'n str>) -> Option<&'n str> {
        if let [only] = *names {
            return Some(only).filter(|only| self.grafana.types.contains_key(*only));
        }
        let score = |name: &&str| {
            let keys = self.grafana.types.get(*name)?;
            let mut score = 0;
            for (key, allowed) in keys {
                let fixed = allowed.iter().all(|one| matches!(one, Type::Is(_)));
                match value.get(key) {
                    Some(value) if fixed && allowed.iter().any(|one| is(value, one)) => score += 20,
                    Some(_) if fixed => score -= 20,
                    Some(_) => score += 1,
                    None => {}
                }
            }
            Some(score)
        };
        let mut names: Vec<(i32, &str)> = names
            .iter()
            .filter_map(|name| Some((score(name)?, *name)))
            .collect();
        names.sort_by_key(|(score, _)| -score);
        names.first().map(|(_, name)| *name)
    }

    /// An object of a type of the file.
    fn named(&mut self, name: &str, value: &Value, at: &Pointer) {
        let grafana = self.grafana;
        let Some(keys) = grafana.types.get(name) else {
            return;
        };
        self.object(keys, value, at, name);
        match name {
            "Panel" | "RowPanel" => self.panel(value, at),
            "FieldConfig" => self.unit(&value["unit"], &at.key("unit")),
            "Threshold" | "ValueMappingResult" => self.colour(&value["color"], &at.key("color")),
            "FieldColor" => self.colour(&value["fixedColor"], &at.key("fixedColor")),
            "AnnotationQuery" => self.colour(&value["iconColor"], &at.key("iconColor")),
            "MatcherConfig" => self.word(
                &value["id"],
                &grafana.facts.matchers.known,
                "way to choose fields",
                &at.key("id"),
            ),
            "VizLegendOptions" | "TimeSeriesLegendOptions" | "ReduceDataOptions" => {
                self.reducers(&value["calcs"], &at.key("calcs"))
            }
            "TableFooterOptions" => {
                self.reducers(&value["reducer"], &at.key("reducer"));
                self.reducers(&value["reducers"], &at.key("reducers"));
            }
            "DataTransformerConfig" => self.transformation(value, at),
            _ => {}
        }
    }

    fn object(&mut self, keys: &Keys, value: &Value, at: &Pointer, name: &str) {
        for (key, value) in value.entries() {
            let below = at.key(key);
            // `name*` stands for all keys that begin so.
            let begins = || {
                let mut open = keys.iter().filter(|(known, _)| known.ends_with('*'));
                open.find(|(known, _)| key.starts_with(known.trim_end_matches('*')))
            };
            let known = keys
                .get(key)
                .or_else(|| begins().map(|(_, allowed)| allowed));
            match known {
                Some(allowed) => self.value(value, allowed, &below),
                // Grafana's own notes, left in what it exports.
                None if key.starts_with("$$") || key.starts_with("__") => {}
                None if self.of_another_panel(name, key) => {}
                None => {
                    let known = keys.keys().map(String::as_str);
                    let near = nearest(key, known.clone())
                        .map(|near| format!("did you mean `{near}`?"))
                        .unwrap_or_else(|| OTHERWISE.to_string());
                    let of = title(name);
                    self.flaw(&below, format!("Grafana does not read `{key}` {of}"), near);
                }
            }
        }
    }

    /// Whether panels of another type have such an option: left over from when it was one, it does nothing.
    fn of_another_panel(&self, name: &str, key: &str) -> bool {
        let panels = self.grafana.facts.panels.values();
        let parts = panels.flat_map(|panel| [&panel.options, &panel.custom]);
        let parts: Vec<&str> = parts.flatten().map(String::as_str).collect();
        let has = |part: &&str| {
            let keys = self.grafana.types.get(*part);
            keys.is_some_and(|keys| keys.contains_key(key))
        };
        parts.contains(&name) && parts.iter().any(has)
    }

    /// What is known of a panel's type; it is a flaw where Grafana has none of that name.
    fn kind(&mut self, panel: &Value, at: &Pointer) -> Option<&'static PanelType> {
        let facts = &GRAFANA.facts;
        let kind = panel["type"].as_str().unwrap_or_default();
        // A panel of a library is written elsewhere.
        if kind == "row" || panel.get("libraryPanel").is_some() {
            return None;
        }
        let own = at.key("type");
        let at = match panel.get("type") {
            Some(_) => &own,
            None => at,
        };
        if let Some(instead) = facts.gone_panels.get(kind) {
            let message = format!("Grafana no longer has panels of the type `{kind}`");
            self.flaw(at, message, format!("use `{instead}`"));
            return None;
        }
        let known = facts.panels.get(kind);
        if known.is_none() {
            let plain = facts.plain_panels.known.iter().any(|known| known == kind);
            if !plain && !self.plugins.contains(kind) {
                let all = facts.panels.keys().chain(&facts.plain_panels.known);
                let near = nearest(kind, all.map(String::as_str))
                    .map_or(String::new(), |near| format!("did you mean `{near}`? Or "));
                self.flaw(
                    at,
                    format!("no panel of the type `{kind}` is built into Grafana"),
                    format!("{near}install the plugin: GF_INSTALL_PLUGINS of the container"),
                );
            }
        }
        known
    }

    fn panel(&mut self, panel: &Value, at: &Pointer) {
        let Some(known) = self.kind(panel, at) else {
            return;
        };
        if let Some(options) = &known.options {
            self.part(options, &panel["options"], &at.key("options"));
        }
        let defaults = at.steps("fieldConfig/defaults/custom");
        if let Some(custom) = &known.custom {
            self.part(
                custom,
                &panel["fieldConfig"]["defaults"]["custom"],
                &defaults,
            );
        }
        for (index, target) in panel["targets"].items().enumerate() {
            let source = [&target["datasource"], &panel["datasource"]]
                .into_iter()
                .find_map(|source| source["type"].as_str());
            if source.is_none_or(|source| source == "prometheus") {
                let targets = at.key("targets");
                self.part("PrometheusQuery", target, &targets.item(index));
            }
        }
        let overrides = panel["fieldConfig"]["overrides"].items().enumerate();
        for (index, change) in overrides {
            for (number, property) in change["properties"].items().enumerate() {
                let overrides = at.steps("fieldConfig/overrides");
                let properties = overrides.item(index);
                let properties = properties.key("properties");
                self.property(property, known.custom.as_deref(), &properties.item(number));
            }
        }
    }

    /// A part of a panel that must be an object.
    fn part(&mut self, name: &str, value: &Value, at: &Pointer) {
        self.value(value, &[Type::Named(name.to_string())], at);
    }

    /// What an override changes of a field.
    fn property(&mut self, property: &Value, custom: Option<&str>, at: &Pointer) {
        let grafana = self.grafana;
        let id = property["id"].as_str().unwrap_or_default();
        let (name, path) = match id.strip_prefix("custom.") {
            None => ("FieldConfig", id),
            Some(path) => match custom {
                Some(custom) => (custom, path),
                None => return,
            },
        };
        let mut steps = path.split('.').peekable();
        let mut keys = grafana.types.get(name);
        while let (Some(known), Some(key)) = (keys, steps.next()) {
            let Some(allowed) = known.get(key) else {
                let near = nearest(key, known.keys().map(String::as_str))
                    .map_or(OTHERWISE.to_string(), |near| {
                        format!("did you mean `{}`?", id.replace(key, near))
                    });
                let message =
                    format!("an override cannot change `{id}`: there is no such property");
                return self.flaw(&at.key("id"), message, near);
            };
            let at = &at.key("value");
            match allowed.as_slice() {
                _ if steps.peek().is_none() => {
                    self.value(&property["value"], allowed, at);
                    if id == "unit" {
                        self.unit(&property["value"], at);
                    }
                    return;
                }
                [Type::Named(below)] => keys = grafana.types.get(below),
                _ => return,
            }
        }
    }

    fn transformation(&mut self, value: &Value, at: &Pointer) {
        let grafana = self.grafana;
        let known = &grafana.facts.transformations.known;
        self.word(&value["id"], known, "transformation", &at.key("id"));
        let id = value["id"].as_str().unwrap_or_default();
        if let Some(keys) = grafana.transformations.get(id) {
            let at = &at.key("options");
            self.object(keys, &value["options"], at, id);
        }
    }

    fn reducers(&mut self, calcs: &Value, at: &Pointer) {
        let known = &self.grafana.facts.reducers.known;
        for (index, name) in calcs.items().enumerate() {
            let percentile = name
                .as_str()
                .and_then(|name| name.strip_prefix('p')?.parse::<u8>().ok())
                .is_some_and(|number| (1..100).contains(&number));
            if !percentile {
                self.word(name, known, "calculation", &at.item(index));
            }
        }
    }

    /// One of a list of words.
    fn word(&mut self, value: &Value, known: &[String], what: &str, at: &Pointer) {
        let Some(word) = value.as_str() else { return };
        if !known.iter().any(|known| known == word) {
            let help = suggestion(word, known.iter().map(String::as_str));
            self.flaw(at, format!("Grafana knows no {what} `{word}`"), help);
        }
    }

    /// Grafana writes a unit that it does not know behind the number, so only one that is nearly known is a mistake.
    fn unit(&mut self, unit: &Value, at: &Pointer) {
        let units = &self.grafana.facts.units;
        let Some(unit) = unit.as_str().filter(|unit| !unit.is_empty()) else {
            return;
        };
        if units.known.iter().any(|known| known == unit)
            || units.forms.iter().any(|form| unit.starts_with(form))
        {
            return;
        }
        let word = unit.chars().all(char::is_alphanumeric) && unit.len() > 3;
        let near = units.known.iter().find(|known| {
            known.eq_ignore_ascii_case(unit)
                || (word && known.len() > 3 && strsim::osa_distance(known, unit) == 1)
        });
        if let Some(near) = near {
            self.flaw(
                at,
                format!("`{unit}` is no unit of Grafana: it is written behind the number"),
                format!("did you mean `{near}`? Or write `suffix:{unit}`"),
            );
        }
    }

    /// A name or what CSS takes; what Grafana cannot read is black, or not drawn.
    fn colour(&mut self, colour: &Value, at: &Pointer) {
        let Some(colour) = colour.as_str() else {
            return;
        };
        let colours = &self.grafana.facts.colours;
        let hex = colour.strip_prefix('#').is_some_and(|digits| {
            matches!(digits.len(), 3 | 4 | 6 | 8) && digits.chars().all(|c| c.is_ascii_hexdigit())
        });
        let function = [
            "rgb(", "rgba(", "hsl(", "hsla(", "hsv(", "hwb(", "var(", "$",
        ]
        .iter()
        .any(|form| colour.starts_with(form));
        let lower = colour.to_lowercase();
        let named = || {
            let own = self.grafana.hue(colour);
            colours.hues.iter().any(|hue| hue == own)
                || colours.others.iter().any(|other| other == colour)
                || colours.css.contains(&lower)
        };
        if !colour.is_empty() && !hex && !function && !named() {
            let known = colours.hues.iter().chain(&colours.others);
            self.flaw(
                at,
                format!("`{colour}` is no colour"),
                suggestion(colour, known.map(String::as_str)),
            );
        }
    }
}

/// Whether a single value is what a type says; Grafana reads a number that is written as text.
fn is(value: &Value, allowed: &Type) -> bool {
    match (allowed, value) {
        (Type::Any, _) => true,
        (Type::Text, Value::String(_)) => true,
        (Type::Number, Value::Number(_)) => true,
        (Type::Number, Value::String(text)) => {
            text.trim().is_empty() || text.trim().parse::<f64>().is_ok() || text.starts_with('$')
        }
        (Type::Bool, Value::Bool(_)) => true,
        (Type::Is(word), Value::String(text)) => word == text,
        (Type::Is(word), Value::Number(number)) => *word == number.to_string(),
        _ => false,
    }
}

/// In which part of a dashboard an unknown key stands, for people.
fn title(name: &str) -> String {
    match name {
        "Dashboard" => "of a dashboard".to_string(),
        "Panel" | "RowPanel" => "of a panel".to_string(),
        "FieldConfig" => "of fields".to_string(),
        "PrometheusQuery" => "of a query".to_string(),
        "VariableModel" => "of a variable".to_string(),
        "DataSource" => "of a data source".to_string(),
        "PrometheusSource" => "among the settings of a Prometheus data source".to_string(),
        "DashboardProvider" | "ProviderOptions" => "of a dashboard provider".to_string(),
        _ => match name
            .strip_suffix("Options")
            .or(name.strip_suffix("FieldConfig"))
        {
            Some(part) if part.starts_with(|c: char| c.is_lowercase()) => {
                format!("among the options of a {part} panel")
            }
            _ => "there".to_string(),
        },
    }
}
