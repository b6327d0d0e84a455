//! Alerts with their overrides resolved into branches: one rule, one branch per distinct setting.

mod branches;
mod burning;
mod levelled;
mod own_tests;
mod scope;
mod subject;
mod unless;

use crate::catalog::emitters::Emitters;
use crate::catalog::filters::{self, Filter};
use crate::catalog::levels::Levels;
use crate::catalog::placeholders::{self, Spoken};
use crate::catalog::profiled::Profiled;
use crate::catalog::severities::Severities;
use crate::catalog::slos::Slo;
use crate::catalog::{
    Catalog, Service,
    units::{self, Bound, Duration},
};
use crate::json::names;
use crate::kinds::{Kind, Kinds, Side};
use crate::source::step;
use crate::value::{Map, Value};
pub use branches::{Branch, StillBurning};
pub(super) use burning::of_slo;
pub(super) use levelled::join_levels;
pub use own_tests::{Expected, OwnTest, own_tests};
pub use scope::Scope;
use serde::{Deserialize, Serialize, Serializer};
use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, OnceLock};
pub use subject::Subject;
pub use unless::Unless;

/// `[alerts.NAME]`, and the services it covers.
#[derive(Clone, Debug, Serialize)]
pub struct Alert {
    /// The value of the label `alertname`.
    pub name: String,
    /// What it is made from.
    #[serde(serialize_with = "behind")]
    pub kind: Arc<Kind>,
    /// Of services that do not differ.
    pub severity: String,
    /// Whose it is, whichever service it is about.
    pub owner: Option<String>,
    /// More labels of it, as the catalog has them.
    pub labels: BTreeMap<String, String>,
    /// Of services that do not differ.
    pub r#for: Duration,
    /// How long it goes on once its condition is gone.
    pub keep_firing_for: Option<Duration>,
    /// More of what it says, as Prometheus fills in its placeholders.
    pub annotations: BTreeMap<String, String>,
    /// The same as written.
    #[serde(skip)]
    pub own_annotations: BTreeMap<String, String>,
    /// Where else than in the runbook it is said what to do.
    pub runbook_url: Option<String>,
    /// When somebody is told of it, whoever that is.
    pub hours: Hours,
    /// While what it is silent, whatever it compares.
    pub unless: Option<Unless>,
    /// How far back the condition looks, if it does.
    pub window: Option<Duration>,
    /// The key that its threshold is written as, and on which side of it the alert fires; without a threshold: above.
    #[serde(skip)]
    pub threshold: Option<String>,
    pub side: Side,
    /// Whether it fires at its threshold too.
    pub includes: bool,
    /// What its threshold is in: the unit that its kind says, or that of the metric that it compares.
    pub unit: Option<String>,
    /// One line, where the catalog has its own, as Prometheus fills in its placeholders.
    pub summary: Option<String>,
    /// A sentence, where the catalog has its own, likewise.
    pub description: Option<String>,
    /// Both as people read them where nothing has fired.
    pub spoken: Spoken,
    /// Both as written.
    #[serde(skip)]
    pub words: Spoken,
    /// The kind's own keys, as written or by default: metrics, expressions.
    pub settings: Map,
    /// Key of the kind → which series of the metric that it names are read, where that is not all of them.
    pub filters: BTreeMap<String, Filter>,
    /// Labels by whose values it fires apart, beside the service.
    pub per: Vec<String>,
    /// What a metric is to it (requests, failures, attempts) → the metric's key; of several, the first.
    pub roles: BTreeMap<String, String>,
    /// The kind's keys whose metric another one of a service's profile may stand for → the metrics with their services.
    pub reads: BTreeMap<String, Vec<Read>>,
    /// The services that it is about, as written; with no groups either: all.
    pub services: Vec<String>,
    /// The groups whose services it is about, as written.
    pub groups: Vec<String>,
    /// What it is about each time it fires.
    pub about: Scope,
    /// Keys of the groups that it fires for, where it is about groups.
    pub covers_groups: Vec<String>,
    /// Names of the services it covers: it is about them, they emit what it reads, and they are not excepted.
    pub covers: Vec<String>,
    /// Names of services that it would cover, had the catalog not excepted them.
    pub excepts: Vec<String>,
    /// Names of services that emit what it reads and that it is not about: it must be silent for them.
    pub spares: Vec<String>,
    /// One per distinct setting, the alert's own first.
    pub branches: Vec<Branch>,
    /// The rule's own `for`: the shortest of the branches.
    pub shortest_for: Duration,
    /// Whether the branches differ in severity.
    pub mixed_severity: bool,
    /// What the rule compares, recorded once per distinct window.
    pub signals: Vec<Signal>,
    /// The objective whose budget it watches, where nobody wrote it as an alert.
    #[serde(serialize_with = "behind_perhaps")]
    pub slo: Option<Arc<Slo>>,
    /// The levels of which it is one, where they are written as one alert.
    #[serde(serialize_with = "behind_perhaps")]
    pub levels: Option<Arc<Levels>>,
    /// Service → its branch, once somebody has asked.
    #[serde(skip)]
    by_service: OnceLock<HashMap<String, usize>>,
}

/// `[alerts.NAME.hours]`: names of times.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Hours {
    /// At which nobody is told.
    pub mute: Vec<String>,
    /// At which alone somebody is.
    pub active: Vec<String>,
}

impl Hours {
    fn of(written: &Value) -> Hours {
        Hours {
            mute: names(&written["mute"]),
            active: names(&written["active"]),
        }
    }

    pub(crate) fn is_always(&self) -> bool {
        self.mute.is_empty() && self.active.is_empty()
    }
}

/// A metric that an alert reads of some of its services.
#[derive(Clone, Debug, Serialize)]
pub struct Read {
    /// What it is to the alert, as the kind calls it.
    pub role: Option<String>,
    /// By its key.
    pub metric: String,
    pub services: Vec<String>,
}

fn behind<S: Serializer>(kind: &Arc<Kind>, serializer: S) -> Result<S::Ok, S::Error> {
    kind.serialize(serializer)
}

fn behind_perhaps<T: Serialize, S: Serializer>(
    shared: &Option<Arc<T>>,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    shared.as_deref().serialize(serializer)
}

/// A recorded series that an alert compares.
#[derive(Clone, Debug, Serialize)]
pub struct Signal {
    /// The recording rule's name.
    pub name: String,
    /// How far back it looks, if it does.
    pub window: Option<Duration>,
    /// Only these jobs; empty: every job.
    pub only: Vec<String>,
}

/// Keys that every alert has; what remains, but for the threshold, belongs to the kind.
const COMMON: [&str; 19] = [
    "kind",
    "for",
    "severity",
    "owner",
    "labels",
    "keep_firing_for",
    "annotations",
    "runbook_url",
    "hours",
    "unless",
    "summary",
    "description",
    "services",
    "groups",
    "window",
    "filters",
    "per",
    "about",
    "allow",
];

impl Alert {
    /// The name under which it is written: that of the objective whose alert it is, or of the alert of whose levels it is one.
    pub fn written_name(&self) -> &str {
        let slo = self.slo.as_ref().map(|slo| &slo.name);
        let levels = self.levels.as_ref().map(|levels| &levels.name);
        slo.or(levels).unwrap_or(&self.name)
    }

    /// The key that names the metric in a role, and that metric as it names it.
    pub(crate) fn in_role(&self, role: &str) -> Option<(&str, &str)> {
        let key = self.kind.in_role(role)?;
        Some((key, self.settings.get(key)?.as_str()?))
    }

    /// The table that somebody wrote about it.
    pub fn written_table(&self) -> String {
        let table = match self.slo {
            Some(_) => "slos",
            None => "alerts",
        };
        format!("/{table}/{}", step(self.written_name()))
    }

    /// The table of what it asks, where that follows from one that is written.
    pub(crate) fn table(&self) -> String {
        let levels = self.levels.as_ref().map(|levels| &levels.name);
        format!("/alerts/{}", step(levels.unwrap_or(&self.name)))
    }

    /// PromQL of the catalog's own, where its kind takes that.
    pub fn expression(&self) -> Option<&str> {
        self.settings.get("expr")?.as_str()
    }

    /// Whether it is about a service.
    pub fn covers_service(&self, service: &str) -> bool {
        self.covers.iter().any(|name| name == service)
    }

    /// Whether what it compares is what is drawn of its metrics: of all series, those of a service taken together.
    pub(crate) fn reads_whole(&self) -> bool {
        self.filters.is_empty() && self.per.is_empty()
    }

    /// What it asks at all: the kind's own keys, which series of its metrics it reads, and what it fires apart by.
    pub fn asks(&self) -> Map {
        let mut all = self.settings.clone();
        for (key, filter) in &self.filters {
            let named = all.get(key).and_then(Value::as_str).unwrap_or_default();
            let read = format!("{named}{{{}}}", filter.matchers);
            all.insert(key.clone(), read.into());
        }
        if self.about != Scope::Service {
            all.insert("about".to_string(), self.about.word().into());
        }
        if !self.per.is_empty() {
            all.insert("per".to_string(), self.per.join(", ").into());
        }
        all
    }

    /// The severities that it has for one service or another.
    pub(crate) fn severities(&self) -> impl Iterator<Item = &str> {
        let branches = self.branches.iter().map(|branch| branch.severity.as_str());
        branches.chain(std::iter::once(self.severity.as_str()))
    }

    /// Whether it is about some services only.
    pub(crate) fn is_narrowed(&self) -> bool {
        !self.services.is_empty() || !self.groups.is_empty()
    }

    /// Whether it is about a service, whatever that emits.
    pub fn is_about(&self, service: &Service) -> bool {
        !self.is_narrowed()
            || self.services.contains(&service.name)
            || self.groups.contains(&service.group)
    }

    /// The branch that a service belongs to; None: it is not covered.
    pub fn branch_of(&self, service: &str) -> Option<&Branch> {
        let branches = self.by_service.get_or_init(|| {
            let mut by_service = HashMap::new();
            for (index, branch) in self.branches.iter().enumerate() {
                for name in &branch.services {
                    by_service.entry(name.clone()).or_insert(index);
                }
            }
            by_service
        });
        branches.get(service).map(|index| &self.branches[*index])
    }

    /// The kind's keys that name a declared metric: key, metric, and the type it must have.
    pub fn metrics(&self) -> Vec<(&str, &str, &str)> {
        let mut found = Vec::new();
        for key in self.kind.keys.keys() {
            let Some(wanted) = self.kind.says(key, "metric").and_then(Value::as_str) else {
                continue;
            };
            let written = self.settings.get(key).and_then(Value::as_str);
            let read = self.reads.get(key).filter(|read| !read.is_empty());
            match read {
                Some(read) => found.extend(
                    read.iter()
                        .map(|read| (key.as_str(), read.metric.as_str(), wanted)),
                ),
                None => found.extend(written.map(|metric| (key.as_str(), metric, wanted))),
            }
        }
        found
    }

    /// What it reads that rules of the catalog's own record.
    pub fn recorded<'a>(&'a self, catalog: &Catalog) -> Vec<&'a str> {
        let recorded = |name: &str| {
            let metric = catalog.metric(name);
            metric.is_some_and(|metric| metric.keeps.is_some())
        };
        let metrics = self.metrics().into_iter().map(|(_, metric, _)| metric);
        metrics.filter(|metric| recorded(metric)).collect()
    }

    /// Which series of the metric that a key names it reads, as far as that is written there: an objective tells its failures elsewhere.
    pub(crate) fn said_filter(&self, key: &str) -> Option<&Filter> {
        let told = self
            .slo
            .as_ref()
            .is_some_and(|slo| !slo.counts.r#where.is_empty());
        self.filters.get(key).filter(|_| key != "errors" || !told)
    }

    /// The metrics that it reads and the service does not emit; of those that stand for each other one is enough.
    pub fn unread<'a>(&'a self, catalog: &Catalog, service: &Service) -> Vec<&'a str> {
        let emits = |metric: &str| {
            let known = catalog.metric(metric);
            known.is_none_or(|metric| metric.services.contains(&service.name))
        };
        let metrics = self.metrics().into_iter();
        let silent = metrics.filter(|(key, metric, _)| match self.reads.get(*key) {
            Some(read) => !read.iter().any(|read| emits(&read.metric)),
            None => !emits(metric),
        });
        silent.map(|(_, metric, _)| metric).collect()
    }

    pub(super) fn resolve(
        catalog: &Value,
        name: &str,
        written: &Value,
        services: &[Service],
        emitters: &Emitters,
        kinds: &Kinds,
        profiled: &Profiled,
    ) -> serde_json::Result<Alert> {
        let text = |key: &str| written[key].as_str().map(str::to_string);
        let texts = |key: &str| written[key].texts().map(str::to_string).collect();
        let duration = |key: &str| written.get(key).map(Duration::deserialize).transpose();
        let own_kind = written["kind"].as_str().and_then(|kind| kinds.get(kind));
        let own_kind = own_kind.cloned().unwrap_or_default();
        let kind = own_kind.clone();
        let is_threshold = |key: &str| kind.thresholds().any(|(known, _)| known == key);
        let settings = written
            .entries()
            .filter(|(key, _)| !COMMON.contains(&key.as_str()) && !is_threshold(key));
        let mut thresholds = kind.thresholds();
        let threshold = thresholds.find(|(key, _)| written.get(*key).is_some());
        let limit = threshold.and_then(|(key, _)| Bound::read(&written[key]));
        let mut alert = Alert {
            name: name.to_string(),
            threshold: threshold.map(|(key, _)| key.to_string()),
            side: threshold.map(|(_, side)| side).unwrap_or_default(),
            includes: threshold.is_some_and(|(key, _)| {
                kind.says(key, "includes").and_then(Value::as_bool) == Some(true)
            }),
            unit: match threshold {
                Some((key, _)) => unit(&kind, key, catalog, written, profiled),
                None => kind.unit.clone(),
            },
            severity: text("severity")
                .unwrap_or_else(|| Severities::of(&catalog["severities"]).usual().to_string()),
            owner: text("owner"),
            labels: written["labels"]
                .entries()
                .filter_map(|(label, value)| Some((label.clone(), value.as_str()?.to_string())))
                .collect(),
            r#for: duration("for")?.unwrap_or_default(),
            keep_firing_for: duration("keep_firing_for")?,
            annotations: BTreeMap::new(),
            own_annotations: written["annotations"]
                .entries()
                .filter_map(|(name, text)| Some((name.clone(), text.as_str()?.to_string())))
                .collect(),
            runbook_url: text("runbook_url"),
            hours: Hours::of(&written["hours"]),
            unless: Unless::of(catalog, written, services, profiled),
            window: duration("window")?,
            summary: None,
            description: None,
            spoken: Spoken::default(),
            words: Spoken {
                summary: text("summary"),
                description: text("description"),
            },
            settings: settings
                .map(|(key, value)| (key.clone(), value.clone()))
                .collect(),
            filters: filters::of_alert(written),
            per: texts("per"),
            roles: BTreeMap::new(),
            reads: BTreeMap::new(),
            services: texts("services"),
            groups: texts("groups"),
            about: Scope::deserialize(&written["about"]).unwrap_or_default(),
            covers_groups: Vec::new(),
            covers: Vec::new(),
            excepts: Vec::new(),
            spares: Vec::new(),
            branches: Vec::new(),
            by_service: OnceLock::new(),
            shortest_for: Duration::default(),
            mixed_severity: false,
            signals: Vec::new(),
            slo: None,
            levels: None,
            kind: Arc::default(),
        };
        alert.kind = own_kind;
        alert.read(services, emitters, profiled);
        let keys = alert.kind.keys.keys().filter(|_| alert.reads_whole());
        alert.roles = keys
            .filter_map(|key| {
                let role = alert.kind.says(key, "role")?.as_str()?;
                let metric = alert.settings.get(key)?.as_str()?;
                Some((role.to_string(), metric.to_string()))
            })
            .collect();
        let mut named = alert.metrics().into_iter();
        let shared =
            named.any(|(key, metric, _)| !alert.reads.contains_key(key) && profiled.has(metric));
        let limit = limit.map(|bound| bound.in_unit(alert.unit.as_deref()));
        alert.branch(limit, services, emitters, shared);
        alert.share(
            &catalog["platform"],
            Duration::deserialize(&catalog["prometheus"]["evaluation_interval"])?,
        );
        let unit = alert.unit.clone();
        alert.speak(unit.as_deref());
        Ok(alert)
    }

    /// Fills in what its own words leave open.
    fn speak(&mut self, unit: Option<&str>) {
        let severity = Some(&self.severity).filter(|_| !self.mixed_severity);
        let own = |label: &str| match label {
            "severity" => severity.cloned(),
            label => self.labels.get(label).cloned(),
        };
        let known = |label: &str| match (label, self.covers.as_slice()) {
            ("service", [only]) => Some(only.clone()),
            _ => own(label),
        };
        let told = |text: &String| placeholders::annotation(text, unit, &own);
        let spoken = |text: &String| placeholders::spoken(text, &known);
        let Spoken {
            summary,
            description,
        } = &self.words;
        (self.summary, self.description) =
            (summary.as_ref().map(told), description.as_ref().map(told));
        self.annotations = (self.own_annotations.iter())
            .map(|(name, text)| (name.clone(), told(text)))
            .collect();
        self.spoken = Spoken {
            summary: summary.as_ref().map(spoken),
            description: description.as_ref().map(spoken),
        };
    }
}

/// What the threshold of an alert is in: what its kind says, or what the catalog, a profile or its name say of the metric that it
/// compares.
fn unit(
    kind: &Kind,
    key: &str,
    catalog: &Value,
    written: &Value,
    profiled: &Profiled,
) -> Option<String> {
    let compared = kind
        .says(key, "unit_of")
        .and_then(|of| written[of.as_str()?].as_str());
    let Some(metric) = compared else {
        return kind.unit.clone();
    };
    let declared = &catalog["metrics"][metric];
    // A name of its own says it, as the key of its table does.
    let called = declared["name"].as_str().unwrap_or(metric);
    let said = declared["unit"].as_str().or_else(|| profiled.unit(metric));
    said.or_else(|| units::by_name(called)).map(str::to_string)
}
