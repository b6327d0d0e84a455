//! Kinds of alerts: what `templates/kinds/<kind>/kind.toml` says of each, in all that is not PromQL.

mod mistakes;
mod read;
mod schema;
mod side;
mod weaker;

use crate::value::{Map, Value};
pub use read::Kinds;
use serde::{Deserialize, Serialize};
pub use side::Side;
use std::collections::{BTreeMap, BTreeSet};

/// One kind: the keys of its alerts, what they read, and how they behave.
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Eq, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Kind {
    /// Of its folder.
    #[serde(skip_deserializing)]
    pub name: String,
    /// When an alert of this kind fires, in one sentence.
    pub description: String,
    /// That of its threshold: ratio, seconds, bytes or another; of one that is written, from its key.
    #[serde(default)]
    pub unit: Option<String>,
    /// Its own keys, in the order in which they are explained.
    #[serde(default, skip_serializing)]
    pub keys: Map,
    /// Where its panel is drawn; None: it has none.
    #[serde(default)]
    pub panel: Option<Panel>,
    /// Whether an alert of it holds back the other alerts of its service: they have no data while it fires.
    #[serde(default)]
    pub holds_back_others: bool,
    /// Whether its alerts are those of `[slos]`: nobody writes one, and the schema of `[alerts]` does not know it.
    #[serde(default, skip_serializing)]
    pub slos: bool,
    /// Whether a case shows each event at a step of its own, so that the window must hold more steps than the threshold has events.
    #[serde(default)]
    pub one_event_a_step: bool,
    /// Whether it counts events of which one is forgotten after its window.
    #[serde(default, skip_serializing)]
    pub forgets_events: bool,
    /// Whether what it compares is the time that is left until something ends.
    #[serde(default, skip_serializing)]
    pub counts_down: bool,
    /// Whether its threshold is a number, or a ratio, of instances that are down while one at least is up.
    #[serde(default, skip_serializing)]
    pub counts_instances: bool,
    /// What the texts of its alerts must not say.
    #[serde(default, skip_serializing)]
    pub never_says: NeverSays,
    /// The key that says how far back it looks beside its window, if it has one: its tests are in longer steps.
    #[serde(default)]
    pub reads_back: Option<String>,
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
    pub constants: Map,
    /// Named expressions that its cases use, in order.
    #[serde(default, skip_serializing)]
    pub numbers: Map,
    /// Named points in time in steps of a test, in order.
    #[serde(default, skip_serializing)]
    pub times: Map,
    /// How it behaves.
    #[serde(default, skip_serializing)]
    pub cases: Vec<Case>,
    /// What can be wrong with a service so that it fires, as `simulate` and `drill` do it.
    #[serde(default, skip_serializing)]
    pub faults: Vec<FaultSpec>,
}

/// Words that would claim the opposite of what a kind compares.
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Eq)]
#[serde(deny_unknown_fields)]
pub struct NeverSays {
    /// Of any alert.
    #[serde(default)]
    pub always: Vec<String>,
    /// Of one that fires above its threshold.
    #[serde(default)]
    pub above: Vec<String>,
    /// Of one that fires below it.
    #[serde(default)]
    pub below: Vec<String>,
    /// What the title of its panel must not say.
    #[serde(default)]
    pub panel: Vec<String>,
}

/// Where a panel is drawn.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq, Serialize)]
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

/// What a threshold is compared with, so that values just short of it and just past it can be made.
#[derive(Clone, Debug, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "lowercase", tag = "what", deny_unknown_fields)]
pub enum Compares {
    /// One counter's rate over that of another.
    Ratio,
    /// A counter's increase a second.
    Rate {
        /// Over this of the service, an expression.
        over: Option<String>,
    },
    /// A quantile of a histogram.
    Quantile {
        /// Which, an expression between 0 and 1.
        quantile: String,
        /// The bounds of its buckets, an expression for a list; empty: they are not known.
        bounds: String,
        /// Whether the histogram is native, an expression: it has narrow buckets, whatever bounds it was given.
        #[serde(default)]
        native: Option<String>,
        /// What one of the threshold is in the unit of the buckets, an expression.
        scale: String,
    },
    /// The value of a gauge.
    Level {
        /// Over this of the service, an expression.
        over: Option<String>,
        /// Whether its samples are whole numbers where the threshold is one: times, which differ without rounding then.
        #[serde(default)]
        whole: bool,
    },
}

/// One series of a case.
#[derive(Clone, Debug, Deserialize, PartialEq, Eq)]
#[serde(deny_unknown_fields)]
pub struct Given {
    /// A key of the kind that names a metric, or a metric's full name.
    #[serde(default)]
    pub metric: String,
    /// The key that names the metric of an alert that has not this one.
    #[serde(default)]
    pub or: Option<String>,
    /// In place of it, what the metric is to the service that emits it (memory, cpu, start): its profile says which that is.
    #[serde(default)]
    pub role: Option<String>,
    /// Whose it is.
    #[serde(default)]
    pub of: Whose,
    /// Label → an expression for its value, or for a list of values: the first, or `nth` of them, is given.
    #[serde(default)]
    pub labels: BTreeMap<String, String>,
    /// An expression for more of them: label → its value, or a list of values.
    #[serde(default)]
    pub labels_from: Option<String>,
    /// An expression for more patterns as in `like`: label → its pattern.
    #[serde(default)]
    pub like_from: Option<String>,
    /// What the name of its series ends in where it is a part of a histogram or summary: `_bucket`, `_sum`, `_count`.
    #[serde(default)]
    pub suffix: String,
    /// Label → an expression for the pattern of all values that behave like the one given, for stand-ins that have many.
    #[serde(default)]
    pub like: BTreeMap<String, String>,
    /// Label → an expression for a list of values: there is a series for each, and in their phases `each` is its place in the list.
    #[serde(default)]
    pub each: BTreeMap<String, String>,
    /// Which value of a list; -1 is the last.
    #[serde(default)]
    pub nth: i64,
    /// Another instance of the service than the first.
    #[serde(default)]
    pub instance: Option<String>,
    /// Whether the condition adds up all such series of a service, an expression: stand-ins share the value among them.
    #[serde(default)]
    pub summed: Option<String>,
    /// Whether there is such a series at all, an expression.
    #[serde(default)]
    pub when: Option<String>,
}

/// Whose series it is.
#[derive(Clone, Copy, Debug, Default, Deserialize, PartialEq, Eq)]
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
#[derive(Clone, Debug, Deserialize, PartialEq, Eq)]
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
    /// Whether it shows several instances taken together: not where each is an alert of its own.
    #[serde(default)]
    pub together: bool,
    /// Whether it shows all of the service, so that nothing is given of what the alert fires apart by.
    #[serde(default)]
    pub alone: bool,
    /// The step until which an alert with `unless` is silenced and never fires in this case, an expression: what it compares goes on for
    /// longer than its cause.
    #[serde(default)]
    pub silenced_until: Option<String>,
    /// Series → its phases.
    #[serde(default)]
    pub series: BTreeMap<String, Vec<String>>,
    /// What is seen, and when.
    pub seen: Vec<Seen>,
}

/// One look at the alert, or at what it compares.
#[derive(Clone, Debug, Deserialize, PartialEq, Eq)]
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
#[derive(Clone, Debug, Deserialize, PartialEq, Eq)]
#[serde(deny_unknown_fields)]
pub struct FaultSpec {
    /// As it is called on the command line.
    pub name: String,
    /// What the service then does.
    pub does: String,
    /// The case that shows it: its series as they are when the alert is first seen firing.
    pub case: String,
    /// How many of the service's instances do not have it.
    #[serde(default)]
    pub spares: usize,
    /// Whether a service can have it at all, an expression.
    #[serde(default)]
    pub when: Option<String>,
}

/// What of the schema's definitions a threshold refers to.
pub const THRESHOLDS: [&str; 7] = [
    "threshold",
    "ratio",
    "share",
    "level",
    "amount",
    "time",
    "long_time",
];

const HELP: &str = "see the built-in kinds: `monstack templates show kinds/ratio/kind.toml`";

impl Kind {
    /// What its alerts read of a service's own, by what that is to them: the service's profile says which metric it is.
    pub fn roles(&self) -> BTreeSet<&str> {
        let given = self.series.values();
        given.filter_map(|given| given.role.as_deref()).collect()
    }

    /// Whether a key says which quantile of a histogram is compared.
    pub fn is_quantile(&self, key: &str) -> bool {
        matches!(&self.compares, Some(Compares::Quantile { quantile, .. }) if *quantile == format!("alert.settings.{key}"))
    }

    /// Whether alerts of this kind have the key.
    pub(crate) fn reads(&self, key: &str) -> bool {
        self.keys.contains_key(key)
    }

    /// Whether a key may name a metric of a type.
    pub fn takes(&self, key: &str, r#type: &str) -> bool {
        let wanted = self.says(key, "metric").into_iter();
        let also = self.says(key, "also").into_iter();
        let also = also.flat_map(|also| also.as_array().into_iter().flatten());
        let mut all = wanted.chain(also).filter_map(Value::as_str);
        all.any(|wanted| wanted == "any" || wanted == r#type)
    }

    /// What a key is annotated with: `metric`, `also`, `beside`, `labels`, `answers`, `role`, `of_profile`, `whole_of`, `instead_of`, `unit`,
    /// `unit_of`, `side`, `includes`.
    pub fn says<'a>(&'a self, key: &str, annotation: &str) -> Option<&'a Value> {
        self.keys.get(key)?.get(annotation)
    }

    /// The key whose metric has a role.
    pub(crate) fn in_role(&self, role: &str) -> Option<&str> {
        let mut keys = self.keys.iter();
        let (key, _) = keys.find(|(_, said)| said["role"] == role)?;
        Some(key)
    }

    /// Whether a key is a threshold, which an alert may have several of, each with a severity: one that fires above a value.
    pub(crate) fn takes_levels(&self, key: &str) -> bool {
        let reference = self.says(key, "ref").and_then(Value::as_str);
        reference.is_some_and(|reference| THRESHOLDS.contains(&reference))
    }

    /// Whether its keys name metrics, so that alerts of it are about different ones.
    pub fn names_metrics(&self) -> bool {
        let mut keys = self.keys.keys();
        keys.any(|key| self.says(key, "metric").is_some())
    }
}
