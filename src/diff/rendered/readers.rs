//! Which alerts depend on a recorded series, through other recorded series too.

use crate::render::Rendered;
use crate::stack::files::Files;
use crate::value::Value;
use std::collections::{HashMap, HashSet};

/// Every recorded name → the alerts that read it, and whether there are any of either.
#[derive(Default)]
pub(crate) struct Readers(HashMap<String, Vec<String>>);

impl Readers {
    pub(crate) fn of(rendered: &Rendered) -> Readers {
        let rules = Files::of(&rendered.files).rules();
        let rules: Vec<&Value> = rules.map(|(_, _, rule)| rule).collect();
        let recorded: HashSet<&str> = rules
            .iter()
            .filter_map(|rule| rule["record"].as_str())
            .collect();
        // Recorded name → the rules whose expressions name it.
        let mut named: HashMap<&str, Vec<&Value>> = HashMap::new();
        for rule in &rules {
            let expr = rule["expr"].as_str().unwrap_or_default();
            let words: HashSet<&str> = expr
                .split(|c: char| !(c.is_ascii_alphanumeric() || c == '_' || c == ':'))
                .filter(|word| recorded.contains(word))
                .collect();
            words
                .into_iter()
                .for_each(|word| named.entry(word).or_default().push(rule));
        }
        let behind = |name: &str| {
            let (mut seen, mut open, mut alerts) = (
                HashSet::from([name.to_string()]),
                vec![name.to_string()],
                Vec::new(),
            );
            while let Some(name) = open.pop() {
                for rule in named.get(name.as_str()).into_iter().flatten() {
                    match (rule["alert"].as_str(), rule["record"].as_str()) {
                        (Some(alert), _) if !alerts.contains(&alert.to_string()) => {
                            alerts.push(alert.to_string())
                        }
                        (None, Some(record)) if seen.insert(record.to_string()) => {
                            open.push(record.to_string())
                        }
                        _ => {}
                    }
                }
            }
            alerts
        };
        Readers(
            recorded
                .iter()
                .map(|name| (name.to_string(), behind(name)))
                .collect(),
        )
    }

    /// The alerts that read a recorded series.
    pub(crate) fn alerts(&self, record: &str) -> &[String] {
        self.0.get(record).map_or(&[], Vec::as_slice)
    }
}
