//! Which alerts a route or an inhibition is about.

use crate::json::names;
use crate::value::Value;
use serde::Serialize;
use std::collections::BTreeMap;

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
pub struct Selector {
    /// Key of the catalog → the names that it may be; each key at most once, in the order of LABELS.
    says: Vec<(&'static str, Vec<String>)>,
    /// Label → the values that it may have: labels of alerts, of services, of what an alert fires apart by.
    labels: Vec<(String, Vec<String>)>,
    /// Names of alerts that it is not about, whatever else it says.
    except: Vec<String>,
    /// All of it, as the Alertmanager reads it.
    matchers: Vec<String>,
}

/// An alert as a selector sees it; what it has not is empty.
#[derive(Clone, Debug, Default)]
pub struct About<'a> {
    pub(crate) alert: &'a str,
    pub severity: &'a str,
    pub owner: &'a str,
    pub(crate) group: &'a str,
    pub(crate) service: &'a str,
    /// Its other labels, as they are sent.
    pub labels: BTreeMap<String, String>,
    /// Labels that it has with one value or another, each time it fires.
    pub(crate) open: Vec<&'a str>,
    /// Whether its expression may return labels of which nothing is known here.
    pub(crate) may_have_more: bool,
}

impl About<'_> {
    /// Whether a label of its own has one of some values; None: that is so of some that fire, or is not known.
    fn has(&self, label: &str, values: &[String]) -> Option<bool> {
        let known = self.labels.get(label);
        if known.is_none() && (self.may_have_more || self.open.contains(&label)) {
            return None;
        }
        Some(known.is_some_and(|known| values.contains(known)))
    }

    /// Whether a label of its own may have a value.
    pub(crate) fn may_have(&self, label: &str, value: &str) -> bool {
        self.has(label, &[value.to_string()]) != Some(false)
    }

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
    /// As the Alertmanager reads it.
    pub(crate) fn matchers(&self) -> impl Iterator<Item = &str> {
        self.matchers.iter().map(String::as_str)
    }

    /// From a table that has other keys too.
    pub(super) fn read(written: &Value) -> Selector {
        let labels = written["labels"].entries();
        let labels = labels.map(|(label, values)| (label.clone(), names(values)));
        Selector::of(
            LABELS.map(|(key, _)| (key, names(&written[key]))),
            labels.collect(),
        )
    }

    pub(super) fn of_owner(owner: &str, severity: &str) -> Selector {
        let one = |name: &str| vec![name.to_string()];
        Selector::of(
            [("owner", one(owner)), ("severity", one(severity))],
            Vec::new(),
        )
    }

    /// Alerts by name, of some services or, where none is named, of all.
    pub(in crate::catalog) fn of_alerts(alerts: Vec<String>, services: Vec<String>) -> Selector {
        Selector::of([("alert", alerts), ("service", services)], Vec::new())
    }

    /// The same of one severity.
    pub(super) fn of_severity(&self, severity: &str) -> Selector {
        let all = LABELS.map(|(key, _)| match key {
            "severity" => (key, vec![severity.to_string()]),
            key => (key, self.names(key).to_vec()),
        });
        Selector::of(all, self.labels.clone())
    }

    fn of<const N: usize>(
        says: [(&'static str, Vec<String>); N],
        labels: Vec<(String, Vec<String>)>,
    ) -> Selector {
        let says: Vec<_> = says
            .into_iter()
            .filter(|(_, names)| !names.is_empty())
            .collect();
        let named = says.iter().map(|(key, names)| {
            let mut known = LABELS.iter();
            let label = known.find(|(known, _)| known == key);
            (label.map_or(*key, |(_, label)| *label), names)
        });
        let own = labels
            .iter()
            .map(|(label, values)| (label.as_str(), values));
        let matcher = |(label, values): (&str, &Vec<String>)| match values.as_slice() {
            [one] => format!("{label}={}", Value::from(one.as_str())),
            several => format!("{label}=~{}", Value::from(any_of(several))),
        };
        Selector {
            matchers: named.chain(own).map(matcher).collect(),
            says,
            labels,
            except: Vec::new(),
        }
    }

    /// The same, of some alerts alone; None: those are others.
    pub(super) fn of_some(&self, alerts: &[String]) -> Option<Selector> {
        let own = self.names("alert");
        let some = alerts
            .iter()
            .filter(|name| !self.except.contains(name) && (own.is_empty() || own.contains(name)));
        let some: Vec<String> = some.cloned().collect();
        if some.is_empty() {
            return None;
        }
        let all = LABELS.map(|(key, _)| match key {
            "alert" => (key, some.clone()),
            key => (key, self.names(key).to_vec()),
        });
        Some(Selector::of(all, self.labels.clone()))
    }

    /// The same without some alerts.
    pub(super) fn without(&self, alerts: &[String]) -> Selector {
        let matcher = match alerts {
            [one] => format!("alertname!={}", Value::from(one.as_str())),
            several => format!("alertname!~{}", Value::from(any_of(several))),
        };
        let mut without = self.clone();
        without.matchers.push(matcher);
        without.except.extend_from_slice(alerts);
        without
    }

    /// The names that it says for a key; none: anything.
    pub fn names(&self, key: &str) -> &[String] {
        let mut says = self.says.iter();
        let own = says.find(|(known, _)| *known == key);
        own.map_or(&[], |(_, names)| names.as_slice())
    }

    /// Whether an alert is one of them, each time it fires.
    pub(crate) fn picks(&self, about: &About) -> bool {
        let mut labels = self.labels.iter();
        self.names_it(about) && labels.all(|(label, values)| about.has(label, values) == Some(true))
    }

    /// Whether an alert can be one of them, as far as its labels are known.
    pub fn may_pick(&self, about: &About) -> bool {
        let mut labels = self.labels.iter();
        self.names_it(about)
            && labels.all(|(label, values)| about.has(label, values) != Some(false))
    }

    fn names_it(&self, about: &About) -> bool {
        let mut all = self.says.iter();
        all.all(|(key, names)| names.iter().any(|name| name == about.value(key)))
            && !self.except.iter().any(|name| name == about.alert)
    }

    /// By which labels of an alert it depends whether it is one of them: `queue=orders`.
    pub(crate) fn depends_on(&self, about: &About) -> Vec<String> {
        let labels = self.labels.iter();
        let open = labels.filter(|(label, values)| about.has(label, values).is_none());
        open.map(|(label, values)| format!("{label}={}", values.join(" or ")))
            .collect()
    }
}

/// A regular expression for one of several names.
pub(super) fn any_of(names: &[String]) -> String {
    let literal = |name: &String| regex_syntax::escape(name).replace("\\-", "-");
    names.iter().map(literal).collect::<Vec<_>>().join("|")
}
