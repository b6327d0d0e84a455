//! The tables that there is one of: the platform, and the programs that watch it.

use super::access::{Auth, Tls};
use super::units::{Duration, Size};
use crate::value::{Value, from_value};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// `[platform]`.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub struct Platform {
    /// Opens titles.
    pub name: String,
    /// Opens file names and uids.
    pub slug: String,
    /// What is recorded has it in its name; declared metrics too, where they are prefixed.
    pub metric_prefix: String,
    /// Whether the catalog says the prefix, so that declared metrics start with it.
    pub prefixed: bool,
    /// Where the runbook is read; empty while that is not an address that a browser opens, so that nothing links to it.
    #[serde(default)]
    pub runbook_url: String,
    /// Whose all is that has no other owner.
    pub owner: Option<String>,
    /// The folder of everything generated, under the root.
    pub output: String,
    /// The way back from that folder to the root: `..`, or more of them.
    #[serde(skip_deserializing)]
    pub root: String,
}

impl Platform {
    /// What Prometheus calls a declared metric without a name of its own.
    pub fn metric_name(&self, key: &str) -> String {
        if self.prefixed {
            format!("{}_{key}", self.metric_prefix)
        } else {
            key.to_string()
        }
    }

    pub(super) fn resolve(written: &Value) -> serde_json::Result<Platform> {
        let mut platform: Platform = from_value(written)?;
        // A path leads nowhere from Grafana, a notification or the Alertmanager.
        if !["http://", "https://"]
            .iter()
            .any(|scheme| platform.runbook_url.starts_with(scheme))
        {
            platform.runbook_url.clear();
        }
        platform.output = platform
            .output
            .trim_start_matches("./")
            .trim_end_matches('/')
            .to_string();
        platform.root = vec![".."; platform.output.split('/').count()].join("/");
        Ok(platform)
    }
}

/// `[prometheus]`.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub struct Prometheus {
    /// Of jobs without one of their own.
    pub scrape_interval: Duration,
    /// Of rules.
    pub evaluation_interval: Duration,
    /// host:port of each.
    pub alertmanagers: Vec<String>,
    /// host:port at which it scrapes itself.
    pub address: String,
    /// `compose`, or `host`: on this machine, without a container.
    pub runs_on: String,
    /// How long samples are kept.
    pub retention: Duration,
    /// Of everything that leaves it.
    pub external_labels: BTreeMap<String, String>,
    /// Stores that get its samples too.
    pub remote_write: Vec<RemoteWrite>,
    /// How far behind the present rules are evaluated.
    pub rule_query_offset: Option<Duration>,
    /// Output loads from this version on.
    pub minimum_version: String,
    /// Whether the catalog says so itself, and leaves it to no default.
    #[serde(skip)]
    pub(crate) says_minimum: bool,
    /// Of this machine, where it is published.
    pub port: u16,
    /// Alerts link there.
    pub external_url: String,
    /// Who is let in, with a password; None: whoever reaches it.
    pub basic_auth_user: Option<String>,
    /// Container image with its tag.
    pub image: String,
    /// Of its container, in bytes.
    pub memory_limit: Size,
    /// Of its container, in cores.
    pub cpu_limit: f64,
}

impl Prometheus {
    /// Unless the catalog says how long samples are kept, they are for as long as the longest objective looks back.
    pub(super) fn resolve(
        mut written: Value,
        longest: Option<Duration>,
    ) -> serde_json::Result<Prometheus> {
        const DAY: u64 = 24 * 3600 * 1000;
        let needed = longest.map_or(0, |window| window.0.div_ceil(DAY) + 1);
        if let Some(table) = written.as_object_mut() {
            let days = format!("{}d", needed.max(15));
            table.entry("retention").or_insert_with(|| days.into());
        }
        from_value(&written)
    }
}

/// One store that gets samples.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub struct RemoteWrite {
    pub url: String,
    #[serde(default)]
    pub keep: Kept,
    pub tls: Option<Tls>,
    pub auth: Option<Auth>,
}

/// Which samples a store gets.
#[derive(Clone, Copy, Debug, Default, Deserialize, PartialEq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Kept {
    /// Every one.
    #[default]
    All,
    /// Of what the catalog declares, and of what alerts and dashboards read.
    Catalog,
}

impl Prometheus {
    /// Which Prometheus its container's image is, where the tag says so.
    pub(crate) fn image_version(&self) -> Option<(u32, u32)> {
        let tag = self.image.rsplit(':').next()?.trim_start_matches('v');
        let (major, rest) = tag.split_once('.')?;
        let minor = rest.split(|c: char| !c.is_ascii_digit()).next()?;
        Some((major.parse().ok()?, minor.parse().ok()?))
    }

    /// The oldest Prometheus that loads what is rendered: as the catalog says, or else the one of its container.
    pub(crate) fn oldest(&self) -> String {
        match self.image_version() {
            Some((major, minor)) if !self.says_minimum && self.runs_on == "compose" => {
                format!("{major}.{minor}")
            }
            _ => self.minimum_version.clone(),
        }
    }

    /// Whether every Prometheus that must load the output is this new.
    pub(crate) fn at_least(&self, major: u32, minor: u32) -> bool {
        let (own_major, own_minor) = self
            .minimum_version
            .split_once('.')
            .unwrap_or((&self.minimum_version, "0"));
        (
            own_major.parse().unwrap_or(0),
            own_minor.parse().unwrap_or(0),
        ) >= (major, minor)
    }
}

/// `[alertmanager]`.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub struct Alertmanager {
    /// Wait of a new group.
    pub group_wait: Duration,
    /// Wait between notifications of a group.
    pub group_interval: Duration,
    /// Wait before a notification is repeated.
    pub repeat_interval: Duration,
    /// Of this machine, where it is published.
    pub port: u16,
    /// `compose`, or `host`: on this machine, without a container.
    pub runs_on: String,
    /// Notifications link there.
    pub external_url: String,
    /// Who is let in, with a password; None: whoever reaches it.
    pub basic_auth_user: Option<String>,
    /// Container image with its tag.
    pub image: String,
    /// Of its container, in bytes.
    pub memory_limit: Size,
    /// Of its container, in cores.
    pub cpu_limit: f64,
    /// AWS profiles with their keys, for receivers of SNS.
    pub aws_credentials_file: Option<String>,
    /// Severity → receiver.
    pub routes: BTreeMap<String, String>,
}

/// `[blackbox]`.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub struct Blackbox {
    /// host:port at which Prometheus reaches it.
    pub address: String,
    /// Container image with its tag.
    pub image: String,
    /// Of its container, in bytes.
    pub memory_limit: Size,
    /// Of its container, in cores.
    pub cpu_limit: f64,
}

/// `[grafana]`.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub struct Grafana {
    /// Dashboards refer to the data source by it.
    pub datasource_uid: String,
    pub datasource_url: String,
    /// Of this machine, where it is published.
    pub port: u16,
    /// `compose`, or `host`: on this machine, without a container.
    pub runs_on: String,
    /// Links to dashboards begin with it.
    pub external_url: String,
    /// Container image with its tag.
    pub image: String,
    /// Of its container, in bytes.
    pub memory_limit: Size,
    /// Of its container, in cores.
    pub cpu_limit: f64,
    /// Of the dashboards; None: the platform's name.
    pub folder: Option<String>,
    /// Between two questions of an open dashboard.
    pub refresh: Duration,
    /// The time that a dashboard shows at first.
    pub range: Duration,
    /// Whether the overview is shown first.
    pub home: bool,
}

/// `[compose]`.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub struct Compose {
    /// The folder with the services' Dockerfile, seen from the output folder.
    pub build_context: String,
    /// The Python package of the services' applications.
    pub package: String,
    /// Addresses of this machine at which services are published.
    pub publish: Vec<String>,
    /// The address of this machine at which Prometheus, Alertmanager and Grafana are published.
    pub monitoring_address: String,
    /// Processes and threads of one container.
    pub pids_limit: u32,
    /// Networks that are there already, which Prometheus joins.
    pub networks: Vec<String>,
}

impl Compose {
    pub(super) fn resolve(mut written: Value, platform: &Platform) -> serde_json::Result<Compose> {
        if let Some(table) = written.as_object_mut() {
            table
                .entry("build_context")
                .or_insert_with(|| platform.root.clone().into());
        }
        from_value(&written)
    }
}
