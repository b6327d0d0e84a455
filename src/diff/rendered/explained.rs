//! What the sentences about the catalogs explain: a rendered difference about something that none of them names is told too.

use super::difference::Difference;
use super::items::ItemKind;
use crate::catalog::snake;
use crate::diff::{At, Change, Side};
use crate::source::{self, steps};
use std::collections::HashSet;

/// What a catalog's sentences are about, by name.
pub struct Explained {
    /// Services, alerts, receivers, groups and their titles, values of the tables' settings.
    names: HashSet<String>,
    /// Keys of metrics, which stand inside longer names.
    metrics: HashSet<String>,
    /// Tables of which a setting is spoken of: `prometheus`, `compose`.
    tables: HashSet<String>,
    /// Last keys of their pointers: `memory_limit`.
    keys: HashSet<String>,
    any: bool,
    /// Whether one is about what dashboards are drawn from.
    drawn: bool,
}

impl Explained {
    /// By all changes from one catalog to the other.
    pub fn by(changes: &[Change], before: Side, after: Side) -> Explained {
        let mut explained = Explained {
            names: HashSet::new(),
            metrics: HashSet::new(),
            tables: HashSet::new(),
            keys: HashSet::new(),
            any: !changes.is_empty(),
            drawn: false,
        };
        let all: Vec<String> = after
            .catalog
            .services
            .iter()
            .map(|service| service.name.clone())
            .collect();
        for change in changes {
            let (At::Before(pointer) | At::After(pointer)) = &change.at else {
                continue;
            };
            let path: Vec<&str> = pointer.split('/').skip(1).collect();
            explained
                .keys
                .extend(path.last().map(|key| key.to_string()));
            explained.drawn |= path.first().is_some_and(|table| {
                !["alertmanager", "compose", "blackbox", "receivers"].contains(table)
            });
            // Compose knows services that run in it.
            if path.first() == Some(&"services") && path.len() == 2
                || path.last().is_some_and(|key| {
                    ["runs_on", "build", "image", "app", "runtime"].contains(key)
                })
            {
                explained.tables.insert("compose".to_string());
            }
            let said = format!("{} {}", change.message(&all), path.join(" "));
            for side in [before, after] {
                let catalog = side.catalog;
                let services = catalog
                    .services
                    .iter()
                    .map(|service| &service.name)
                    .filter(|name| change.services.contains(name) || names(&said, name));
                let services: Vec<_> = services.cloned().collect();
                let hosts = catalog
                    .services_of(&services)
                    .flat_map(|service| &service.instances)
                    .map(|instance| instance.address.clone());
                explained.names.extend(hosts);
                explained.names.extend(services);
                for alert in catalog
                    .alerts
                    .iter()
                    .filter(|alert| names(&said, &alert.name))
                {
                    explained.names.insert(alert.name.clone());
                    // What is recorded for it is called after it.
                    explained.metrics.insert(snake(&alert.name));
                    // Of one with levels, after what is written.
                    let own = source::pointer(&["alerts", alert.name.as_str()]);
                    let written = side.source.derived_from(&own).map(steps);
                    let written = written.and_then(|mut steps| steps.nth(1));
                    explained.metrics.extend(written.map(|name| snake(&name)));
                }
                for slo in catalog.slos.iter().filter(|slo| names(&said, &slo.name)) {
                    let alerts = slo.alerts.iter().map(|alert| alert.name.clone());
                    explained.names.extend(alerts.chain([slo.name.clone()]));
                    explained.metrics.insert(snake(&slo.name));
                }
                explained.names.extend(
                    catalog
                        .receivers
                        .keys()
                        .filter(|name| names(&said, name))
                        .cloned(),
                );
                for group in catalog
                    .groups
                    .iter()
                    .filter(|group| names(&said, &group.key))
                {
                    explained
                        .names
                        .extend([group.key.clone(), group.title.clone()]);
                }
                explained.metrics.extend(
                    catalog
                        .metrics
                        .iter()
                        .map(|metric| &metric.key)
                        .filter(|key| names(&said, key))
                        .cloned(),
                );
                if path.as_slice() == ["platform", "metric_prefix"] {
                    explained
                        .metrics
                        .insert(format!("{}_", catalog.platform.metric_prefix));
                }
                if let [table, ..] = path.as_slice()
                    && !NAMED.contains(table)
                {
                    explained.tables.insert(table.to_string());
                    explained.names.extend(
                        side.source
                            .value
                            .pointer(pointer)
                            .and_then(|value| value.as_str())
                            .filter(|text| text.len() > 1)
                            .map(str::to_string),
                    );
                }
            }
        }
        explained
    }

    /// Whether one of the sentences is about what differs.
    pub(crate) fn covers(&self, difference: &Difference) -> bool {
        let text = &difference.text;
        match difference.kind {
            // What quotes the rest differs with it, and where panels stand is seen with the panels.
            ItemKind::File if self.any => return true,
            ItemKind::Panel
            | ItemKind::Row
            | ItemKind::Layout
            | ItemKind::Variable
            | ItemKind::Provider
                if self.drawn =>
            {
                return true;
            }
            ItemKind::Key if self.drawn && difference.path.contains("/dashboards/") => return true,
            ItemKind::Datasource if self.drawn => return true,
            // What reads the probe comes and goes with it.
            _ if self.keys.contains("health_probe")
                && ["health", "Health", "probes"]
                    .iter()
                    .any(|word| text.contains(word)) =>
            {
                return true;
            }
            // `memory_limit` is in the name of the series that says it.
            ItemKind::Recording
                if self
                    .keys
                    .iter()
                    .any(|key| key.contains('_') && difference.name.contains(key.as_str())) =>
            {
                return true;
            }
            // Settings of a server are rendered at the top of its file, in its container and at those that reach it.
            ItemKind::Key
            | ItemKind::Rules
            | ItemKind::Module
            | ItemKind::Datasource
            | ItemKind::Provider
            | ItemKind::Variable
            | ItemKind::Container
            | ItemKind::Resource
            | ItemKind::Job
                if self.tables.iter().any(|table| {
                    table == "compose" && difference.path.contains("compose")
                        || difference.name.contains(table.as_str())
                        || difference.path.contains(table.as_str())
                }) =>
            {
                return true;
            }
            // Of an alert in the Alertmanager's file, whom it tells and when.
            ItemKind::Alert
                if difference.path.contains("alertmanager")
                    && self.tables.contains("alertmanager") =>
            {
                return true;
            }
            _ => {}
        }
        self.metrics.iter().any(|key| text.contains(key.as_str()))
            || self.names.iter().any(|name| names(text, name))
    }
}

/// Tables of named things; all others hold settings.
const NAMED: [&str; 7] = [
    "defaults",
    "groups",
    "services",
    "metrics",
    "alerts",
    "slos",
    "receivers",
];

/// Whether a text holds a name as a word of its own.
fn names(text: &str, name: &str) -> bool {
    let inside = |c: char| c.is_alphanumeric() || c == '_';
    !name.is_empty()
        && text.match_indices(name).any(|(at, _)| {
            !text[..at].ends_with(inside) && !text[at + name.len()..].starts_with(inside)
        })
}
