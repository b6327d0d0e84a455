//! Which alerts a route or an inhibition is about.

use crate::json::Parts;
use serde::Serialize;
use serde_json::Value;

/// What the catalog selects alerts by, and the label that says it.
const LABELS: [(&str, &str); 5] = [
    ("alert", "alertname"),
    ("severity", "severity"),
    ("owner", "owner"),
    ("group", "component"),
    ("service", "job"),
];

/// Alerts by what they are; what is not said may be anything.
#[derive(Clone, Debug, Default, Serialize)]
pub(crate) struct Selector {
    /// Key of the catalog → the names that it may be; each key at most once, in the order of LABELS.
    says: Vec<(&'static str, Vec<String>)>,
    /// The same, as the Alertmanager reads it.
    matchers: Vec<String>,
}

/// An alert as a selector sees it; what it has not is empty.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct About<'a> {
    pub(crate) alert: &'a str,
    pub(crate) severity: &'a str,
    pub(crate) owner: &'a str,
    pub(crate) group: &'a str,
    pub(crate) service: &'a str,
}

impl About<'_> {
    fn value(&self, key: &str) -> &str {
        match key {
            "alert" => self.alert,
            "severity" => self.severity,
            "owner" => self.owner,
            "group" => self.group,
            _ => self.service,
        }
    }
}

impl Selector {
    /// From a table that has other keys too.
    pub(super) fn read(written: &Value) -> Selector {
        Selector::of(LABELS.map(|(key, _)| (key, names(&written[key]))))
    }

    pub(super) fn of_owner(owner: &str, severity: &str) -> Selector {
        let one = |name: &str| vec![name.to_string()];
        Selector::of([("owner", one(owner)), ("severity", one(severity))])
    }

    /// Alerts by name, of some services or, where none is named, of all.
    pub(in crate::catalog) fn of_alerts(alerts: Vec<String>, services: Vec<String>) -> Selector {
        Selector::of([("alert", alerts), ("service", services)])
    }

    fn of<const N: usize>(says: [(&'static str, Vec<String>); N]) -> Selector {
        let says: Vec<_> = says
            .into_iter()
            .filter(|(_, names)| !names.is_empty())
            .collect();
        let matcher = |(key, names): &(&str, Vec<String>)| {
            let mut labels = LABELS.iter();
            let label = labels.find(|(known, _)| known == key);
            let label = label.map_or(*key, |(_, label)| label);
            match names.as_slice() {
                [one] => format!("{label}={}", Value::from(one.as_str())),
                several => format!("{label}=~{}", Value::from(any_of(several))),
            }
        };
        Selector {
            matchers: says.iter().map(matcher).collect(),
            says,
        }
    }

    /// The names that it says for a key; none: anything.
    pub(crate) fn names(&self, key: &str) -> &[String] {
        let mut says = self.says.iter();
        let own = says.find(|(known, _)| *known == key);
        own.map_or(&[], |(_, names)| names.as_slice())
    }

    /// Whether an alert is one of them.
    pub(crate) fn picks(&self, about: &About) -> bool {
        let mut all = self.says.iter();
        all.all(|(key, names)| names.iter().any(|name| name == about.value(key)))
    }
}

/// One name, or a list of them.
pub(crate) fn names(written: &Value) -> Vec<String> {
    match written {
        Value::String(one) => vec![one.clone()],
        many => many.texts().map(str::to_string).collect(),
    }
}

/// A regular expression for one of several names.
pub(super) fn any_of(names: &[String]) -> String {
    let literal = |name: &String| regex_syntax::escape(name).replace("\\-", "-");
    names.iter().map(literal).collect::<Vec<_>>().join("|")
}
