//! Profiles: the metrics that something well known exposes by itself, so that no catalog need declare them. Built-in ones stand
//! in `profiles/`; those in the root's `profiles/` add to them, or replace them.

use crate::diagnostic::{Diagnostic, Place};
use crate::overlay::Overlay;
use crate::source::read::Unreadable;
use include_dir::{Dir, include_dir};
use serde::Deserialize;
use serde_json::{Map, Value};
use std::collections::BTreeMap;
use std::sync::{Arc, LazyLock};

static FILES: Dir = include_dir!("$CARGO_MANIFEST_DIR/src/profiles");

static BUILT_IN: LazyLock<Arc<Profiles>> = LazyLock::new(|| {
    Arc::new(Profiles::read(&Overlay::default()).expect("the built-in profiles are valid"))
});

const HELP: &str = "write `[metrics]`, and below it lines such as `jobs_total = { type = \"counter\", labels = [\"queue\"] }`";

/// All profiles, by name.
#[derive(Debug)]
pub struct Profiles {
    all: BTreeMap<String, Profile>,
}

/// What one thing exposes.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Profile {
    /// By their full names.
    pub(crate) metrics: BTreeMap<String, Exposed>,
}

/// One metric of a profile.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Exposed {
    pub(crate) r#type: Type,
    /// What it measures.
    #[serde(default)]
    pub(crate) help: String,
    /// Label → its values or a pattern. `le` and `quantile` are understood.
    #[serde(default, deserialize_with = "labels")]
    pub(crate) labels: Map<String, Value>,
}

/// As `# TYPE` says it.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Type {
    Counter,
    Gauge,
    Histogram,
    Summary,
    /// Its exporter does not say: both a counter's and a gauge's functions may read it.
    Untyped,
}

impl Type {
    pub(crate) fn word(self) -> &'static str {
        match self {
            Type::Counter => "counter",
            Type::Gauge => "gauge",
            Type::Histogram => "histogram",
            Type::Summary => "summary",
            Type::Untyped => "untyped",
        }
    }
}

/// A table of labels, or a list of those whose values are anything.
fn labels<'de, D: serde::Deserializer<'de>>(
    deserializer: D,
) -> Result<Map<String, Value>, D::Error> {
    #[derive(Deserialize)]
    #[serde(
        untagged,
        expecting = "a list of labels, or a table of labels with their values"
    )]
    enum Labels {
        Names(Vec<String>),
        Domains(BTreeMap<String, Domain>),
    }
    #[derive(Deserialize)]
    #[serde(untagged)]
    enum Domain {
        Pattern(String),
        Values(Vec<String>),
    }
    Ok(match Labels::deserialize(deserializer)? {
        Labels::Names(names) => names.into_iter().map(|name| (name, ".*".into())).collect(),
        Labels::Domains(domains) => domains
            .into_iter()
            .map(|(name, domain)| match domain {
                Domain::Pattern(pattern) => (name, pattern.into()),
                Domain::Values(values) => (name, values.into()),
            })
            .collect(),
    })
}

impl Profiles {
    /// Those of an overlay; built-in ones that nothing is added to are read once.
    pub(crate) fn of(overlay: &Overlay) -> Result<Arc<Profiles>, Vec<Diagnostic>> {
        if overlay.profiles().is_empty() {
            Ok(BUILT_IN.clone())
        } else {
            Profiles::read(overlay).map(Arc::new)
        }
    }

    /// Those that are built in.
    pub fn built_in() -> Arc<Profiles> {
        BUILT_IN.clone()
    }

    fn read(overlay: &Overlay) -> Result<Profiles, Vec<Diagnostic>> {
        let mut texts: BTreeMap<String, Result<String, Unreadable>> = BTreeMap::new();
        for file in FILES.files() {
            let name = file.path().file_stem().and_then(|stem| stem.to_str());
            let text = file.contents_utf8();
            texts.extend(
                name.zip(text)
                    .map(|(name, text)| (name.into(), Ok(text.into()))),
            );
        }
        texts.extend(overlay.profiles());
        let (mut all, mut wrong) = (BTreeMap::new(), Vec::new());
        for (name, text) in texts {
            let file = format!("profiles/{name}.toml");
            match text {
                Ok(text) => match parse(&file, &text) {
                    Ok(profile) => drop(all.insert(name, profile)),
                    Err(diagnostic) => wrong.push(*diagnostic),
                },
                Err(reason) => wrong.push(unreadable(&file, reason)),
            }
        }
        if wrong.is_empty() {
            Ok(Profiles { all })
        } else {
            Err(wrong)
        }
    }

    /// The profile of this name.
    pub(crate) fn get(&self, name: &str) -> Option<&Profile> {
        self.all.get(name)
    }

    /// Names of those that a catalog may ask for: what Prometheus and the collector add, they add by themselves.
    pub(crate) fn names(&self) -> impl Iterator<Item = &str> {
        let own = ["target", "collector", "health-probe", "https-probe"];
        let names = self.all.keys().map(String::as_str);
        names.filter(move |name| !own.contains(name))
    }

    /// The names of a profile's metrics.
    pub(crate) fn metrics(&self, name: &str) -> impl Iterator<Item = &str> {
        let profile = self.all.get(name).into_iter();
        profile.flat_map(|profile| profile.metrics.keys().map(String::as_str))
    }
}

/// The names that something exposes by itself, as built in: a runtime's client, Prometheus, the Alertmanager, the prober.
pub(crate) fn built_in(profile: &str) -> impl Iterator<Item = &'static str> + use<> {
    let profiles: &'static Profiles = &BUILT_IN;
    profiles.all[profile].metrics.keys().map(String::as_str)
}

fn parse(file: &str, text: &str) -> Result<Profile, Box<Diagnostic>> {
    let wrong = |at: usize, message: String| {
        let line = text[..at].matches('\n').count();
        let place = Place::Line {
            file: file.to_string(),
            line: line + 1,
            text: text.lines().nth(line).unwrap_or_default().to_string(),
        };
        Box::new(Diagnostic::error("invalid-profile", place, message).help(HELP))
    };
    let profile: Profile = toml::from_str(text).map_err(|error| {
        let at = error.span().map_or(0, |span| span.start.min(text.len()));
        wrong(at, error.message().to_string())
    })?;
    let word = |name: &str| {
        name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
            && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
    };
    for (name, metric) in &profile.metrics {
        let at = || {
            let line = text.lines().position(|line| {
                let line = line.trim_start_matches("[metrics.").trim_start();
                line.trim_start_matches('"').starts_with(name.as_str())
            });
            text.split_inclusive('\n')
                .take(line.unwrap_or(0))
                .map(str::len)
                .sum()
        };
        let labels = metric.labels.keys();
        if let Some(name) = labels.chain([name]).find(|name| !word(name)) {
            let message = format!(
                "`{name}` is no name of Prometheus': letters, digits and underscores, not a digit first"
            );
            return Err(wrong(at(), message));
        }
        for (label, values) in &metric.labels {
            let Some(pattern) = values.as_str() else {
                continue;
            };
            if let Some(reason) = crate::promql::refused_pattern(pattern) {
                let message = format!("the pattern of the label `{label}`: {reason}");
                return Err(wrong(at(), message));
            }
        }
    }
    Ok(profile)
}

fn unreadable(file: &str, reason: Unreadable) -> Diagnostic {
    let (reason, help) = match reason {
        Unreadable::Missing => ("it is not there".to_string(), "write it"),
        Unreadable::Refused(reason, help) => (reason, help),
        Unreadable::NotText { reason, help, .. } => (reason, help),
    };
    let message = format!("cannot read {file}: {reason}");
    Diagnostic::error("invalid-profile", Place::File(file.into()), message).help(help)
}
