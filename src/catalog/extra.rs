//! The user's own files beside the catalog: which they are, and what their jobs expose.

use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// `[extra]`. Every list has paths from the folder of services.toml on, in which `*` and `?` stand for parts of a name.
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Serialize)]
pub struct Extra {
    /// Rule files.
    pub rules: Vec<String>,
    /// Their unit tests, for promtool.
    pub tests: Vec<String>,
    /// Files with scrape jobs.
    pub scrape: Vec<String>,
    /// Files with receivers, routes and inhibitions of an Alertmanager.
    pub alertmanager: Vec<String>,
    /// Dashboards of Grafana.
    pub dashboards: Vec<String>,
    /// What those read: lists of targets, templates of notifications.
    pub files: Vec<String>,
    /// Jobs of `scrape`, by name.
    pub jobs: BTreeMap<String, ExtraJob>,
}

/// `[extra.jobs.NAME]`.
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Serialize)]
pub struct ExtraJob {
    /// What its targets expose; empty: anything.
    #[serde(default)]
    pub profiles: Vec<String>,
}

/// The patterns of files that a text of a catalog names under `[extra]`, as far as it can be read.
pub fn patterns(text: &str) -> Vec<String> {
    let table: toml::Table = toml::from_str(text).unwrap_or_default();
    let extra = table.get("extra").and_then(toml::Value::as_table);
    let lists = extra.into_iter().flat_map(toml::Table::values);
    let entries = lists.filter_map(toml::Value::as_array).flatten();
    let texts = entries.filter_map(toml::Value::as_str);
    texts.map(str::to_string).collect()
}

impl Extra {
    /// The keys with paths, each with what it names.
    pub fn lists(&self) -> [(&'static str, &[String]); 6] {
        [
            ("rules", &self.rules),
            ("tests", &self.tests),
            ("scrape", &self.scrape),
            ("alertmanager", &self.alertmanager),
            ("dashboards", &self.dashboards),
            ("files", &self.files),
        ]
    }
}
