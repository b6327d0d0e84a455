//! How urgent an alert can be.

use crate::value::Value;
use serde::Serialize;

/// `[severities]`, from the most urgent down; of equals, as written.
#[derive(Clone, Debug, Serialize)]
#[serde(transparent)]
pub struct Severities(Vec<Severity>);

/// One of them.
#[derive(Clone, Debug, Serialize)]
pub struct Severity {
    /// The value of the label `severity`.
    pub name: String,
    /// 1 is the most urgent.
    pub urgency: u64,
}

impl Severities {
    pub(super) fn of(written: &Value) -> Severities {
        let mut all: Vec<Severity> = written
            .entries()
            .map(|(name, severity)| Severity {
                name: name.clone(),
                urgency: severity["urgency"].as_u64().unwrap_or(u64::MAX),
            })
            .collect();
        all.sort_by_key(|severity| severity.urgency);
        Severities(all)
    }

    pub fn iter(&self) -> impl Iterator<Item = &Severity> {
        self.0.iter()
    }

    /// Their names, from the most urgent down.
    pub fn names(&self) -> impl DoubleEndedIterator<Item = &str> + Clone {
        self.0.iter().map(|severity| severity.name.as_str())
    }

    pub fn knows(&self, name: &str) -> bool {
        self.names().any(|known| known == name)
    }

    /// How many are more urgent: 0 is the most urgent. One that the catalog does not know is below all.
    pub fn rank(&self, name: &str) -> usize {
        let named = self.0.iter().find(|severity| severity.name == name);
        named.map_or(self.0.len(), |named| {
            let more = self.0.iter();
            more.filter(|severity| severity.urgency < named.urgency)
                .count()
        })
    }

    /// The one that an alert has which says none: the second, or the only one.
    pub(crate) fn usual(&self) -> &str {
        self.names().nth(1).unwrap_or(self.first())
    }

    /// The most urgent one.
    pub(crate) fn first(&self) -> &str {
        self.names().next().unwrap_or_default()
    }
}
