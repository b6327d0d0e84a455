//! Kinds of alerts: what `templates/kinds/<kind>/kind.toml` says of each, in all that is not PromQL.

use crate::diagnostic::{Diagnostic, Place};
use crate::overlay::Overlay;
use crate::source::read::Unreadable;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, LazyLock};

/// One kind: the keys of its alerts, what they read, and how they behave.
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Kind {
    /// Of its folder.
    #[serde(skip_deserializing)]
    pub name: String,
    /// When an alert of this kind fires, in one sentence.
    pub description: String,
    /// That of its threshold, from `keys.above`: ratio, seconds, bytes or another.
    #[serde(skip_deserializing)]
    pub unit: Option<String>,
    /// Its own keys, in the order in which they are explained.
    #[serde(default, skip_serializing)]
    pub keys: serde_json::Map<String, Value>,
    /// Where its panel is drawn; None: it has none.
    #[serde(default)]
    pub panel: Option<Panel>,
    /// Whether an alert of it holds back the other alerts of its service: they have no data while it fires.
    #[serde(default)]
    pub holds_back_others: bool,
    /// What a threshold is compared with.
    #[serde(default, skip_serializing)]
    pub compares: Option<Compares>,
    /// The kind whose `times` and `cases` it has too, over series of its own.
    #[serde(default, skip_serializing)]
    pub behaves_as: Option<String>,
    /// The series that its cases give, by name.
    #[serde(default, skip_serializing)]
    pub series: BTreeMap<String, Given>,
    /// What recording_rules.yml says of a service, and its cases need: the record's own word → an expression.
    #[serde(default, skip_serializing)]
    pub constants: Map<String, Value>,
    /// Named expressions that its cases use, in order.
    #[serde(default, skip_serializing)]
    pub numbers: Map<String, Value>,
    /// Named points in time in steps of a test, in order.
    #[serde(default, skip_serializing)]
    pub times: Map<String, Value>,
    /// How it behaves.
    #[serde(default, skip_serializing)]
    pub cases: Vec<Case>,
    /// What can be wrong with a service so that it fires, as `simulate` and `drill` do it.
    #[serde(default, skip_serializing)]
    pub faults: Vec<FaultSpec>,
}

/// Where a panel is drawn.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Panel {
    /// With the metrics of the services that have it.
    Domain,
    /// With requests and their errors.
    Requests,
    /// In place of the panel of CPU time.
    Cpu,
    /// In place of the panel of memory.
    Memory,
    /// With the resources, also on the dashboard of one service.
    Service,
}

/// What `above` is compared with, so that values just below and just above it can be made.
#[derive(Clone, Debug, Deserialize, PartialEq)]
#[serde(rename_all = "lowercase", tag = "what", deny_unknown_fields)]
pub enum Compares {
    /// One counter's rate over that of another.
    Ratio,
    /// A counter's increase a second.
    Rate {
        /// Over this of the service, an expression.
        over: Option<String>,
    },
    /// The value of a gauge.
    Level {
        /// Over this of the service, an expression.
        over: Option<String>,
    },
}

/// One series of a case.
#[derive(Clone, Debug, Deserialize, PartialEq)]
#[serde(deny_unknown_fields)]
pub struct Given {
    /// A key of the kind that names a metric, or a metric's full name.
    pub metric: String,
    /// Whose it is.
    #[serde(default)]
    pub of: Whose,
    /// Label → an expression for its value, or for a list of values: the first, or `nth` of them, is given.
    #[serde(default)]
    pub labels: BTreeMap<String, String>,
    /// Label → an expression for the pattern of all values that behave like the one given, for stand-ins that have many.
    #[serde(default)]
    pub like: BTreeMap<String, String>,
    /// Which value of a list; -1 is the last.
    #[serde(default)]
    pub nth: i64,
    /// Another instance of the service than the first.
    #[serde(default)]
    pub instance: Option<String>,
    /// Whether there is such a series at all, an expression.
    #[serde(default)]
    pub when: Option<String>,
}

/// Whose series it is.
#[derive(Clone, Copy, Debug, Default, Deserialize, PartialEq)]
#[serde(rename_all = "lowercase")]
pub enum Whose {
    /// The service that is tested.
    #[default]
    Service,
    /// Another one that the alert covers, if there is one.
    Neighbour,
    /// All the others of the test.
    Others,
    /// Nothing that the catalog knows.
    Stranger,
    /// The health probe of the service.
    Probe,
}

/// What is given, and what must be seen.
#[derive(Clone, Debug, Deserialize, PartialEq)]
#[serde(deny_unknown_fields)]
pub struct Case {
    /// What it shows, after the name of the alert and the service.
    pub name: String,
    /// Whether it can be shown at all, an expression.
    #[serde(default)]
    pub when: Option<String>,
    /// Whether this is how a healthy service looks.
    #[serde(default)]
    pub healthy: bool,
    /// Series → its phases.
    #[serde(default)]
    pub series: BTreeMap<String, Vec<String>>,
    /// What is seen, and when.
    pub seen: Vec<Seen>,
}

/// One look at the alert, or at what it compares.
#[derive(Clone, Debug, Deserialize, PartialEq)]
#[serde(deny_unknown_fields)]
pub struct Seen {
    /// When, in steps.
    pub at: String,
    /// The alert's state: inactive, pending, firing, or an expression.
    #[serde(default)]
    pub is: Option<String>,
    /// The value at which it fires, an expression.
    #[serde(default)]
    pub value: Option<String>,
    /// The value of what it compares, an expression; `none`: there is nothing.
    #[serde(default)]
    pub signal: Option<String>,
    /// Whether to look at all, an expression.
    #[serde(default)]
    pub when: Option<String>,
}

/// A fault of a service.
#[derive(Clone, Debug, Deserialize, PartialEq)]
#[serde(deny_unknown_fields)]
pub struct FaultSpec {
    /// As it is called on the command line.
    pub name: String,
    /// What the service then does.
    pub does: String,
    /// The case that shows it: its series as they are when the alert is first seen firing.
    pub case: String,
}

const HELP: &str = "see the built-in kinds: `monstack templates show kinds/ratio/kind.toml`";

/// All kinds, by name.
#[derive(Debug, Default, PartialEq)]
pub struct Kinds {
    all: BTreeMap<String, Arc<Kind>>,
}

static BUILT_IN: LazyLock<Arc<Kinds>> = LazyLock::new(|| {
    Arc::new(Kinds::read(&Overlay::default()).expect("the built-in kinds are valid"))
});

impl Kinds {
    /// Those of an overlay; built-in ones that nothing replaces are read once.
    pub fn of(overlay: &Overlay) -> Result<Arc<Kinds>, Vec<Diagnostic>> {
        if overlay.adds("kinds", "kind.toml") {
            Kinds::read(overlay).map(Arc::new)
        } else {
            Ok(BUILT_IN.clone())
        }
    }

    /// Those that are built in.
    pub fn built_in() -> Arc<Kinds> {
        BUILT_IN.clone()
    }

    fn read(overlay: &Overlay) -> Result<Kinds, Vec<Diagnostic>> {
        let (mut all, mut wrong) = (BTreeMap::new(), Vec::new());
        for name in overlay.folders("kinds") {
            let path = format!("kinds/{name}/kind.toml");
            match overlay.text(&path) {
                Ok(Some(text)) => match parse(&name, &path, &text) {
                    Ok(kind) => drop(all.insert(name, (kind, text))),
                    Err(diagnostic) => wrong.push(*diagnostic),
                },
                // A folder without it is somebody else's.
                Ok(None) => {}
                Err(reason) => wrong.push(unreadable(&path, reason)),
            }
        }
        let others: BTreeMap<String, Kind> = all
            .iter()
            .map(|(name, (kind, _))| (name.clone(), kind.clone()))
            .collect();
        for (kind, text) in all.values_mut() {
            if let Some(other) = &kind.behaves_as {
                match others.get(other) {
                    Some(other) => kind.behave_as(other),
                    None => {
                        let message = format!("there is no kind `{other}` that it could behave as");
                        wrong.push(kind.mistake(text, other, message));
                    }
                }
            }
            wrong.extend(kind.mistakes(text));
        }
        if !wrong.is_empty() {
            return Err(wrong);
        }
        let all = all.into_iter();
        Ok(Kinds {
            all: all
                .map(|(name, (kind, _))| (name, Arc::new(kind)))
                .collect(),
        })
    }

    /// The kind of this name.
    pub fn get(&self, name: &str) -> Option<&Arc<Kind>> {
        self.all.get(name)
    }

    /// All of them, by name.
    pub fn iter(&self) -> impl Iterator<Item = &Arc<Kind>> {
        self.all.values()
    }
}

fn parse(name: &str, path: &str, text: &str) -> Result<Kind, Box<Diagnostic>> {
    let file = format!("templates/{path}");
    let wrong = |at: usize, message: String| {
        let line = text[..at].matches('\n').count();
        let place = Place::Line {
            file: file.clone(),
            line: line + 1,
            text: text.lines().nth(line).unwrap_or_default().to_string(),
        };
        Box::new(Diagnostic::error("invalid-kind", place, message).help(HELP))
    };
    let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_';
    if !name.starts_with(|c: char| c.is_ascii_lowercase()) || !name.chars().all(plain) {
        return Err(wrong(
            0,
            format!(
                "`{name}` is not a valid name of a kind: use lower-case letters, digits and underscores"
            ),
        ));
    }
    let mut kind: Kind = toml::from_str(text).map_err(|error| {
        wrong(
            error.span().map_or(0, |span| span.start.min(text.len())),
            error.message().to_string(),
        )
    })?;
    kind.name = name.to_string();
    kind.unit = kind
        .says("above", "unit")
        .and_then(|unit| Some(unit.as_str()?.to_string()));
    Ok(kind)
}

fn unreadable(path: &str, reason: Unreadable) -> Diagnostic {
    let (reason, help) = match reason {
        Unreadable::Missing => ("it is not there".to_string(), "write it"),
        Unreadable::Refused(reason, help) => (reason, help),
        Unreadable::NotText { reason, help, .. } => (reason, help),
    };
    Diagnostic::error(
        "invalid-kind",
        Place::File(format!("templates/{path}")),
        format!("cannot read templates/{path}: {reason}"),
    )
    .help(help)
}

impl Kind {
    fn behave_as(&mut self, other: &Kind) {
        self.times = other.times.clone();
        self.cases = other.cases.clone();
        self.compares = self.compares.take().or(other.compares.clone());
    }

    /// What can be seen of it without an alert: names that lead nowhere, and expressions that cannot be read.
    fn mistakes(&self, text: &str) -> Vec<Diagnostic> {
        let mut found = Vec::new();
        for (name, case) in self
            .cases
            .iter()
            .flat_map(|case| case.series.keys().map(move |name| (name, case)))
        {
            if !self.series.contains_key(name) {
                let message = format!(
                    "`{}` gives `{name}`, which is not among `series`",
                    case.name
                );
                found.push(self.mistake(text, name, message));
            }
        }
        for fault in &self.faults {
            if !self.cases.iter().any(|case| case.name == fault.case) {
                let message = format!(
                    "the fault `{}` names a case that is not there: `{}`",
                    fault.name, fault.case
                );
                found.push(self.mistake(text, &fault.case, message));
            }
        }
        let environment = minijinja::Environment::new();
        for expression in self.expressions() {
            if let Err(error) = environment.compile_expression(expression) {
                let reason = error.detail().unwrap_or("it cannot be read");
                let message = format!("`{expression}` is not a valid expression: {reason}");
                found.push(self.mistake(text, expression, message));
            }
        }
        found
    }

    /// Every expression; of a phase what stands behind its words.
    fn expressions(&self) -> Vec<&str> {
        let mut all: Vec<&str> = Vec::new();
        let tables = [&self.constants, &self.numbers, &self.times];
        all.extend(
            tables
                .into_iter()
                .flat_map(Map::values)
                .filter_map(Value::as_str),
        );
        for given in self.series.values() {
            all.extend(
                given
                    .labels
                    .values()
                    .chain(given.like.values())
                    .map(String::as_str),
            );
            all.extend(given.when.as_deref());
        }
        for case in &self.cases {
            all.extend(case.when.as_deref());
            for seen in &case.seen {
                let optional = [&seen.is, &seen.value, &seen.signal, &seen.when];
                all.push(&seen.at);
                all.extend(optional.into_iter().flatten().map(String::as_str));
            }
            for phase in case.series.values().flatten() {
                let words = ["restart rate ", "rate ", "level "];
                for part in phase.split(" until ") {
                    let bare = words.iter().find_map(|word| part.strip_prefix(word));
                    let bare = bare.unwrap_or(part);
                    all.extend((!["stale", "absent"].contains(&bare)).then_some(bare));
                }
            }
        }
        all
    }

    /// At the first line that holds the words, or the first of all.
    fn mistake(&self, text: &str, words: &str, message: String) -> Diagnostic {
        let line = text
            .lines()
            .position(|line| line.contains(words))
            .unwrap_or(0);
        let place = Place::Line {
            file: format!("templates/kinds/{}/kind.toml", self.name),
            line: line + 1,
            text: text.lines().nth(line).unwrap_or_default().to_string(),
        };
        Diagnostic::error("invalid-kind", place, message).help(HELP)
    }

    /// A key's JSON Schema, annotated with what only monstack reads: `metric`, `labels`, `role`, `unit`.
    pub fn property(&self, key: &str) -> Option<Value> {
        let written = self.keys.get(key)?.as_object()?;
        let mut property = Map::new();
        let target = match (
            written.get("ref").and_then(Value::as_str),
            written.contains_key("metric"),
        ) {
            (Some(target), _) => Some(target),
            (None, true) => Some("metric_part"),
            (None, false) => None,
        };
        property.extend(target.map(|target| {
            (
                "allOf".to_string(),
                json!([{"$ref": format!("#/$defs/{target}")}]),
            )
        }));
        property.extend(
            written
                .iter()
                .filter(|(name, _)| !["ref", "optional"].contains(&name.as_str()))
                .map(|(name, value)| (name.clone(), value.clone())),
        );
        Some(Value::Object(property))
    }

    /// Metrics that its alerts read and no catalog declares: those of a service's own process.
    pub fn process_metrics(&self) -> BTreeSet<&str> {
        let own = self.series.values().map(|given| given.metric.as_str());
        own.filter(|metric| metric.starts_with("process_"))
            .collect()
    }

    /// Whether alerts of this kind have the key.
    pub fn reads(&self, key: &str) -> bool {
        self.keys.contains_key(key)
    }

    /// What a key is annotated with: `metric`, `labels`, `role`, `unit`.
    pub fn says<'a>(&'a self, key: &str, annotation: &str) -> Option<&'a Value> {
        self.keys.get(key)?.get(annotation)
    }

    /// Whether its keys name metrics, so that alerts of it are about different ones.
    pub fn names_metrics(&self) -> bool {
        let mut keys = self.keys.keys();
        keys.any(|key| self.says(key, "metric").is_some())
    }

    /// What the schema of a catalog says of alerts of this kind; `common` are the keys that every alert has.
    pub fn schema(&self, common: &[&str]) -> Value {
        let optional = |key: &Value| key.get("default").is_some() || key["optional"] == true;
        let required: Vec<&String> = self
            .keys
            .iter()
            .filter(|(_, key)| !optional(key))
            .map(|(key, _)| key)
            .collect();
        let mut properties: Map<String, Value> = common
            .iter()
            .map(|key| (key.to_string(), true.into()))
            .collect();
        properties.extend(
            self.keys
                .keys()
                .filter_map(|key| Some((key.clone(), self.property(key)?))),
        );
        let mut then = Map::new();
        then.insert("description".into(), self.description.as_str().into());
        if !required.is_empty() {
            then.insert("required".into(), json!(required));
        }
        then.insert("additionalProperties".into(), false.into());
        then.insert("properties".into(), properties.into());
        json!({"if": {"properties": {"kind": {"const": self.name}}, "required": ["kind"]}, "then": then})
    }
}
