//! Profiles: the metrics that something well known exposes by itself, so that no catalog need declare them. Built-in ones stand
//! in `profiles/`; those in the root's `profiles/` add to them, or replace them.

pub mod images;
mod roles;

use crate::diagnostic::{Diagnostic, Place};
use crate::overlay::Overlay;
use crate::source::read::Unreadable;
use crate::value::Map;
use include_dir::{Dir, File, include_dir};
pub use roles::Roles;
pub(crate) use roles::Spec;
use serde::Deserialize;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::{Arc, LazyLock};

/// What the build makes of `profiles/`.
static FILES: Dir = include_dir!("$OUT_DIR/profiles");

/// Name → profile, each parsed when it is first asked for: a catalog needs a few of many.
static BUILT_IN: LazyLock<BTreeMap<&'static str, BuiltIn>> = LazyLock::new(|| {
    let named = |file: &'static File| {
        let name = file.path().file_stem()?.to_str()?;
        let parsed = LazyLock::new(Box::new(|| {
            serde_json::from_slice(file.contents()).expect("a built-in profile is valid")
        }) as Box<dyn FnOnce() -> Profile + Send>);
        Some((name, parsed))
    };
    FILES.files().filter_map(named).collect()
});

type BuiltIn = LazyLock<Profile, Box<dyn FnOnce() -> Profile + Send>>;

const HELP: &str = "write `[metrics]`, and below it lines such as `jobs_total = { type = \"counter\", labels = [\"queue\"] }`";

/// All profiles, by name.
#[derive(Debug, Default)]
pub struct Profiles {
    /// The root's, before those that are built in.
    own: BTreeMap<String, Profile>,
}

/// What one thing exposes.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Profile {
    /// Another name of the profile whose all of this is.
    #[serde(default)]
    pub(crate) same_as: Option<String>,
    /// Of what a service can run on; what only adds to a service has none.
    #[serde(default)]
    pub(crate) runtime: Option<Runtime>,
    /// Whether what exposes it is a program of its own, an exporter or a server, and no application of the catalog's platform.
    #[serde(default)]
    pub(crate) program: bool,
    /// Labels that whatever else it exposes has, because it hands on what others have pushed to it.
    #[serde(default)]
    pub(crate) hands_on: Vec<String>,
    /// The image that exposes it, and how that is told where.
    #[serde(default)]
    pub(crate) exporter: Option<Exporter>,
    /// Metrics of it that the panels of templates/profiles/NAME/ read, which a store that keeps what is read needs too.
    #[serde(default)]
    pub(crate) panels: Vec<String>,
    /// Metrics of it whose labels nobody knows beforehand.
    #[serde(default)]
    pub(crate) open: Vec<String>,
    /// So many samples a scrape of it has at least, as far as nobody turns off most of it.
    #[serde(default)]
    pub(crate) samples: Option<u64>,
    /// What `collect[]` chooses, and `exclude[]` leaves out → how the names of its metrics begin.
    #[serde(default)]
    pub(crate) collectors: BTreeMap<String, Vec<String>>,
    /// What alerts are about (memory, cpu, requests) → the metric that says it.
    #[serde(default)]
    pub(crate) roles: BTreeMap<String, Spec>,
    /// By their full names.
    #[serde(default)]
    pub metrics: BTreeMap<String, Exposed>,
}

/// An image that exposes a profile. What tells it something is a flag of its command or a variable of its environment, by name.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Exporter {
    /// Repositories, in whichever registry.
    pub(crate) images: Vec<String>,
    /// TCP port, unless it is told another.
    pub port: u16,
    /// What tells it another port, alone or as host:port.
    #[serde(default)]
    pub listen: Vec<String>,
    /// What tells it another path than /metrics.
    #[serde(default)]
    pub(crate) path: Vec<String>,
    /// What gives its metrics other names.
    #[serde(default)]
    pub(crate) renames: Vec<String>,
    /// What tells it the server that it is about, one of these at least, a flag, a variable or a file (`.my.cnf`); none: it is about
    /// its machine, or finds it by a name.
    #[serde(default)]
    pub(crate) asks: Vec<String>,
    /// The port at which such a server usually listens.
    pub(crate) asked_at: Option<u16>,
    /// The schemes that such an address may have; none: nobody knows.
    #[serde(default)]
    pub(crate) speaks: Vec<String>,
    /// What tells it in which folder of its container the machine's files are.
    pub(crate) machine: Option<String>,
    /// What tells it which of its collectors to use, where it can be told.
    pub(crate) chooses: Option<Chooses>,
}

/// How the collectors of an exporter are chosen, by their names in `collectors`.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Chooses {
    /// With the name of one behind it, a flag that turns it on; with `no-` in front, one that turns it off.
    pub(crate) prefix: Option<String>,
    /// A flag that leaves out all that are not turned on.
    pub(crate) nothing_else: Option<String>,
    /// A flag that lists those that are left out,
    pub(crate) without: Option<String>,
    /// and one that lists all that are used.
    pub(crate) only: Option<String>,
    /// Those that are not used unless that is said.
    #[serde(default)]
    pub(crate) asked_for: Vec<String>,
    /// Flags that turn on several of those → which.
    #[serde(default)]
    pub(crate) together: BTreeMap<String, Vec<String>>,
    /// Flags and variables of other kinds → how the names begin of what they leave out.
    #[serde(default)]
    pub(crate) drops: BTreeMap<String, Vec<String>>,
}

/// What a service runs on, beside what that exposes.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Runtime {
    /// As a sentence calls it.
    pub(crate) title: String,
    /// The names, as a regular expression, that tell where its memory is.
    #[serde(default)]
    pub(crate) memory: String,
    /// What begins so is its client's own, whichever version a service has; the metrics list those that rules may read.
    #[serde(default)]
    pub(crate) client: Vec<String>,
    /// How its image asks for the health of the service at `{url}`; of one that may hold nothing but its program there is none.
    #[serde(default)]
    pub(crate) health_check: Vec<String>,
    /// The same over TLS, whoever has signed the certificate.
    #[serde(default)]
    pub(crate) health_check_tls: Vec<String>,
}

/// One metric of a profile.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Exposed {
    pub r#type: Type,
    /// What it measures.
    #[serde(default)]
    pub help: String,
    /// Label → its values or a pattern. `le` and `quantile` are understood.
    #[serde(default, deserialize_with = "labels")]
    pub labels: Map,
    /// Upper bounds of a histogram, where they are always these.
    #[serde(default)]
    pub(crate) buckets: Vec<f64>,
    /// Whether a histogram comes in the native form too, and without `buckets` in that alone.
    #[serde(default)]
    pub(crate) native: bool,
    /// Those that a summary works out itself, where they are always these.
    #[serde(default)]
    pub(crate) quantiles: Vec<f64>,
    /// One of [`UNITS`], where the name does not say what its values are in.
    #[serde(default, deserialize_with = "unit")]
    pub(crate) unit: Option<String>,
    /// What a stand-in shows of a gauge.
    #[serde(default)]
    pub usual: Option<f64>,
    /// No value is below it,
    #[serde(default)]
    pub(crate) least: Option<f64>,
    /// and none above it.
    #[serde(default)]
    pub(crate) most: Option<f64>,
    /// Every value is so many times a whole number: 1024 where kilobytes are written as bytes.
    #[serde(default)]
    pub(crate) grain: Option<f64>,
    /// The metric with the same labels of which it is a part: their ratio is between 0 and 1.
    #[serde(default)]
    pub(crate) part_of: Option<String>,
    /// The first version of the exporter that has it,
    #[serde(default)]
    pub(crate) since: Option<images::Version>,
    /// and the first that has it no more.
    #[serde(default)]
    pub(crate) before: Option<images::Version>,
}

/// As `# TYPE` says it.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "lowercase")]
pub enum Type {
    Counter,
    Gauge,
    Histogram,
    Summary,
    /// Its exporter does not say: both a counter's and a gauge's functions may read it.
    Untyped,
}

impl Exposed {
    /// Whether its only series has its own name, and each sample all its buckets.
    pub(crate) fn whole(&self) -> bool {
        self.native && self.buckets.is_empty()
    }
}

impl Type {
    pub fn word(self) -> &'static str {
        match self {
            Type::Counter => "counter",
            Type::Gauge => "gauge",
            Type::Histogram => "histogram",
            Type::Summary => "summary",
            Type::Untyped => "untyped",
        }
    }
}

/// What values can be in, as catalogs and profiles call it.
pub(crate) const UNITS: [&str; 14] = [
    "seconds",
    "milliseconds",
    "microseconds",
    "minutes",
    "bytes",
    "kilobytes",
    "megabytes",
    "ratio",
    "percent",
    "cores",
    "celsius",
    "volts",
    "amperes",
    "joules",
];

fn unit<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<Option<String>, D::Error> {
    let unit = String::deserialize(deserializer)?;
    match UNITS.contains(&unit.as_str()) {
        true => Ok(Some(unit)),
        false => Err(serde::de::Error::custom(format!(
            "`{unit}` is not a unit; choose one of {}",
            UNITS.join(", ")
        ))),
    }
}

/// A table of labels, or a list of those whose values are anything.
fn labels<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<Map, D::Error> {
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
    /// Those of an overlay.
    pub fn of(overlay: &Overlay) -> Result<Arc<Profiles>, Vec<Diagnostic>> {
        let (mut own, mut wrong) = (BTreeMap::new(), Vec::new());
        for (name, text) in overlay.profiles() {
            let file = format!("profiles/{name}.toml");
            match text {
                Ok(text) => match parse(&file, &text) {
                    Ok(profile) => drop(own.insert(name, profile)),
                    Err(diagnostic) => wrong.push(*diagnostic),
                },
                Err(reason) => wrong.push(unreadable(&file, reason)),
            }
        }
        if wrong.is_empty() {
            Ok(Arc::new(Profiles { own }))
        } else {
            Err(wrong)
        }
    }

    /// Those that are built in.
    pub fn built_in() -> Arc<Profiles> {
        Arc::default()
    }

    /// The collector that a metric of a profile is of; None: it is there whatever is asked for.
    pub(crate) fn collector(&self, profile: &str, metric: &str) -> Option<&str> {
        let collectors = self.get(profile)?.collectors.iter();
        let begins =
            collectors.flat_map(|(name, begins)| begins.iter().map(move |one| (name, one)));
        let fitting = begins.filter(|(_, begin)| metric.starts_with(begin.as_str()));
        let (name, _) = fitting.max_by_key(|(_, begin)| begin.len())?;
        Some(name)
    }

    /// What a metric of a profile is a part of, and what that is a part of, and so on.
    pub(crate) fn wholes<'a>(
        &'a self,
        profile: &str,
        metric: &'a str,
    ) -> impl Iterator<Item = &'a str> {
        let known = self.get(profile);
        let whole = move |part: &&'a str| known?.metrics.get(*part)?.part_of.as_deref();
        // A profile that goes round in a circle is not followed for ever.
        std::iter::successors(Some(metric), whole).skip(1).take(8)
    }

    /// Whether something is known to be a part of a metric.
    pub(crate) fn is_whole(&self, profile: &str, metric: &str) -> bool {
        let mut known = self.get(profile).into_iter();
        known.any(|known| {
            let mut metrics = known.metrics.values();
            metrics.any(|one| one.part_of.as_deref() == Some(metric))
        })
    }

    /// The profile of this name.
    pub fn get(&self, name: &str) -> Option<&Profile> {
        let found = self.named(name)?;
        // One step: two that are each other's names lead nowhere.
        let other = found.same_as.as_deref();
        Some(other.and_then(|other| self.named(other)).unwrap_or(found))
    }

    fn named(&self, name: &str) -> Option<&Profile> {
        let own = self.own.get(name);
        own.or_else(|| BUILT_IN.get(name).map(|profile| &**profile))
    }

    /// The name of the profile that a name stands for.
    pub fn first_name<'a>(&'a self, name: &'a str) -> &'a str {
        let other = self
            .named(name)
            .and_then(|profile| profile.same_as.as_deref());
        other.unwrap_or(name)
    }

    /// What a service that runs on it can say of itself; None: it is no runtime.
    pub fn runtime(&self, name: &str) -> Option<&Runtime> {
        self.get(name)?.runtime.as_ref()
    }

    /// Names of those that a service can run on.
    pub(crate) fn runtimes(&self) -> impl Iterator<Item = &str> {
        let mut names = self.names();
        names.retain(|name| self.runtime(name).is_some());
        names.into_iter()
    }

    /// Whether the client library of a runtime exposes it by itself, in one version or another.
    pub fn of_client(&self, runtime: &str, name: &str) -> bool {
        let begins = self.runtime(runtime).map(|known| &known.client);
        built_in("process").any(|known| known == name)
            || begins
                .into_iter()
                .flatten()
                .any(|begin| name.starts_with(begin.as_str()))
    }

    /// Names of those that a catalog may ask for: what Prometheus and the collector add, they add by themselves.
    pub fn names(&self) -> BTreeSet<&str> {
        let built_in = BUILT_IN.keys().copied();
        let mut names: BTreeSet<&str> = self.own.keys().map(String::as_str).collect();
        names.extend(built_in);
        for own in [
            "target",
            "collector",
            "health-probe",
            "https-probe",
            "process",
        ] {
            names.remove(own);
        }
        names
    }

    /// Whether a metric of this name and type says more of what a profile lists: the buckets of a histogram, which are a service's own.
    pub(crate) fn refined(&self, profile: &str, name: &str, sort: &str) -> bool {
        let listed = self.get(profile).and_then(|known| known.metrics.get(name));
        listed.is_some_and(|listed| {
            sort == "histogram" && matches!(listed.r#type, Type::Histogram | Type::Summary)
        })
    }

    /// Profiles that are those of an exporter.
    pub(crate) fn exporters(&self) -> impl Iterator<Item = (&str, &Exporter)> {
        self.exporters_with("\"exporter\":{")
    }

    /// Those of them in whose text a word stands: what is built in is parsed only then.
    fn exporters_with(&self, word: &str) -> impl Iterator<Item = (&str, &Exporter)> {
        let mut names = self.names();
        names.retain(|name| {
            let file = || FILES.get_file(format!("{name}.json"))?.contents_utf8();
            self.own.contains_key(*name) || file().is_some_and(|text| text.contains(word))
        });
        names.into_iter().filter_map(|name| {
            let exporter = self.named(name)?.exporter.as_ref()?;
            Some((name, exporter))
        })
    }

    /// The profile that an image exposes, as far as it is known whose that is.
    pub fn of_image(&self, image: &str) -> Option<(&str, &Exporter)> {
        let (repository, _) = images::parted(image);
        let last = repository.rsplit('/').next().unwrap_or_default();
        // As a list of images ends one.
        let last = format!("{last}\"");
        let mut known = self.exporters_with(&last);
        known.find(|(_, exporter)| images::is_one_of(repository, &exporter.images))
    }

    /// The names of a profile's metrics.
    pub fn metrics(&self, name: &str) -> impl Iterator<Item = &str> {
        let profile = self.get(name).into_iter();
        profile.flat_map(|profile| profile.metrics.keys().map(String::as_str))
    }
}

/// The names that something exposes by itself, as built in: a runtime's client, Prometheus, the Alertmanager, the prober.
pub(crate) fn built_in(profile: &str) -> impl Iterator<Item = &'static str> + use<> {
    let profile: &'static Profile = &BUILT_IN[profile];
    profile.metrics.keys().map(String::as_str)
}

/// Metrics of what programs are made with: each exposes those of its own beside what it is about.
pub(crate) fn of_runtimes() -> impl Iterator<Item = &'static str> {
    let profiles = BUILT_IN.values();
    let runtimes = profiles.filter(|profile| profile.runtime.is_some());
    let metrics = runtimes.flat_map(|profile| profile.metrics.keys());
    metrics.map(String::as_str).chain(built_in("process"))
}

/// Written by Prometheus for every scrape, with and without its option for more; `target_info` is OpenMetrics' own.
const OF_SCRAPES: [&str; 9] = [
    "up",
    "scrape_duration_seconds",
    "scrape_samples_scraped",
    "scrape_samples_post_metric_relabeling",
    "scrape_series_added",
    "scrape_timeout_seconds",
    "scrape_sample_limit",
    "scrape_body_size_bytes",
    "target_info",
];

/// Whether Prometheus writes it for every scrape.
pub fn of_scrapes(name: &str) -> bool {
    OF_SCRAPES.contains(&name)
}

/// What the servers beside the services expose: name → which of them.
pub fn of_servers() -> HashMap<&'static str, &'static str> {
    [
        ("prometheus", "Prometheus"),
        ("prometheus_remote_write", "Prometheus"),
        ("alertmanager", "the Alertmanager"),
        ("health-probe", "the blackbox exporter"),
    ]
    .into_iter()
    .flat_map(|(profile, name)| built_in(profile).map(move |metric| (metric, name)))
    .filter(|(metric, _)| !metric.starts_with("process_"))
    .collect()
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
    if let Some((at, message)) = roles::mistake(&profile, text) {
        return Err(Box::new(wrong(at, message).help(roles::HELP)));
    }
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
        // Some exporters put a colon into their names, as rules do.
        let plain = name.replace(':', "_");
        if let Some(name) = labels.chain([&plain]).find(|name| !word(name)) {
            let message = format!(
                "`{name}` is no name of Prometheus': letters, digits and underscores, not a digit first"
            );
            return Err(wrong(at(), message));
        }
        if metric.native && metric.r#type != Type::Histogram {
            let kind = metric.r#type.word();
            let message = format!("`{name}` is a {kind}, and only a histogram can be native");
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

#[cfg(test)]
mod tests {
    use super::*;

    static WRITTEN: Dir = include_dir!("$CARGO_MANIFEST_DIR/profiles");

    #[test]
    fn built_in_profiles_are_valid() {
        for (name, profile) in BUILT_IN.iter() {
            let path = format!("{name}.toml");
            let file = WRITTEN.get_file(&path).expect("it is built in");
            let text = file.contents_utf8().unwrap_or_default();
            let read = parse(&path, text).map_err(|wrong| wrong.message);
            assert_eq!(
                read.map(|read| format!("{read:?}")),
                Ok(format!("{:?}", **profile))
            );
            let other = profile.same_as.as_deref();
            let nothing = other.is_some() || *name == "unknown";
            assert_eq!(profile.metrics.is_empty(), nothing, "{name}");
            assert!(other.is_none_or(|other| BUILT_IN.contains_key(other)));
        }
    }
}
