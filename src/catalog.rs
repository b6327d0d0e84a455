//! services.toml as typed data, every default and override applied.

pub mod access;
pub mod alerts;
pub(crate) mod discovery;
mod emitters;
pub mod extra;
pub mod filters;
pub mod levels;
mod limits;
mod metrics;
pub mod owners;
pub mod pattern;
pub mod placeholders;
mod profiled; // what alerts read that no catalog declares
mod recorded; // and what they read that rules of the catalog's own record
pub(crate) mod requirement;
pub mod rules;
pub mod schema;
pub(crate) mod secrets;
mod services;
mod severities;
pub mod slos;
mod tables;
pub mod times;
pub(crate) mod units;

use crate::diagnostic::{Diagnostic, Place};
use crate::kinds::Kinds;
use crate::profiles::Profiles;
use crate::promql;
use crate::source::Source;
use crate::value::{Map, Value, from_value};
pub use access::ipv6;
pub use alerts::{Alert, Branch, Scope, StillBurning, Subject, Unless};
use emitters::Emitters;
pub use extra::Extra;
use levels::Levels;
pub(crate) use limits::Limits;
pub use metrics::Metric;
pub use metrics::{OF_ALERTS, TAKEN};
pub use owners::Owner;
use owners::{Inhibit, Notice, Ownership, SentLabel};
use profiled::Profiled;
use recorded::Recordings;
pub(crate) use rules::RecordingRule;
use rules::RuleGroup;
use serde::Serialize;
pub(crate) use services::INTERVAL;
pub use services::{Override, Port, Service, origin};
pub use severities::Severities;
use slos::Slo;
pub use slos::alerts_of;
use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;
pub use tables::{Alertmanager, Blackbox, Compose, Grafana, Kept, Platform, Prometheus};
use times::Time;
pub use units::{Duration, Size, with_unit};

/// Everything that the catalog says, in its order.
#[derive(Clone, Debug, Serialize)]
pub struct Catalog {
    /// The kinds that its alerts may be of.
    #[serde(skip)]
    pub kinds: Arc<Kinds>,
    /// What its services may say that they expose.
    #[serde(skip)]
    pub profiles: Arc<Profiles>,
    /// What the catalog is about.
    pub platform: Platform,
    pub prometheus: Prometheus,
    /// The Alertmanager and its routes.
    pub alertmanager: Alertmanager,
    /// How urgent alerts can be.
    pub severities: Severities,
    /// Receiver → its integrations, as written.
    pub receivers: Map,
    /// Who alerts belong to.
    pub owners: Vec<Owner>,
    /// What says so of the alerts that are sent.
    pub(crate) ownership: Vec<Ownership>,
    /// What tells services apart beside their names, for routes and inhibitions that go by it.
    pub(crate) sent_labels: Vec<SentLabel>,
    #[serde(skip)]
    gone_by: BTreeSet<String>,
    /// Who is told of them instead of the receiver of their severity; the first that fits decides.
    pub notices: Vec<Notice>,
    /// When somebody is told, or is not.
    pub times: Vec<Time>,
    /// Which alerts hold back which others, beside those that their kinds say.
    pub inhibitions: Vec<Inhibit>,
    pub blackbox: Blackbox,
    pub grafana: Grafana,
    pub compose: Compose,
    pub groups: Vec<Group>,
    pub services: Vec<Service>,
    pub metrics: Vec<Metric>,
    pub alerts: Vec<Alert>,
    /// The alerts that are written once and have several levels.
    #[serde(skip)]
    pub levels: Vec<Arc<Levels>>,
    /// How much of what its services do must go well.
    pub slos: Vec<Slo>,
    /// Its own recording rules.
    pub rules: Vec<RecordingRule>,
    /// The same by how often they are evaluated.
    pub rule_groups: Vec<RuleGroup>,
    /// Files of the user's own.
    #[serde(skip)]
    pub extra: Extra,
    /// The environment that it is read for; None: the catalog itself.
    pub environment: Option<String>,
    /// What the services may use.
    pub limits: Limits,
    /// Files that it takes to scrape and probe the services.
    pub scrape_secrets: Vec<secrets::Secret>,
    #[serde(skip)]
    names: Names,
}

/// The index of each name in its list: lints and proofs look up by name what another table says.
#[derive(Clone, Debug)]
struct Names {
    services: HashMap<String, usize>,
    metrics: HashMap<String, usize>,
    alerts: HashMap<String, usize>,
    /// What alerts compare → those that do, each once.
    signals: HashMap<String, Vec<usize>>,
}

/// Name → its index.
fn numbered<'a>(names: impl Iterator<Item = &'a String>) -> HashMap<String, usize> {
    names
        .enumerate()
        .map(|(index, name)| (name.clone(), index))
        .collect()
}

fn compared(alerts: &[Alert]) -> HashMap<String, Vec<usize>> {
    let mut compared: HashMap<String, Vec<usize>> = HashMap::new();
    for (index, alert) in alerts.iter().enumerate() {
        for signal in &alert.signals {
            let known = compared.entry(signal.name.clone()).or_default();
            if known.last() != Some(&index) {
                known.push(index);
            }
        }
    }
    compared
}

/// `[groups.KEY]`.
#[derive(Clone, Debug, Serialize)]
pub struct Group {
    /// The value of the label `component`.
    pub key: String,
    pub title: String,
    /// Names of its services.
    pub services: Vec<String>,
    /// Whose it is, as written.
    #[serde(skip)]
    pub(crate) owner: Option<String>,
}

/// The receiver that notifies no one; alerts of a severity without a route go there.
pub const NO_ONE: &str = "null";

impl Catalog {
    /// Whether an alert reads a native histogram, and no unit test can give it one: promtool knows them from 2.48 on.
    pub(crate) fn beyond_promtool(&self, alert: &Alert) -> bool {
        if self.prometheus.at_least(2, 48) {
            return false;
        }
        let named = alert.metrics().into_iter();
        let mut named = named.filter_map(|(_, name, _)| self.metric(name));
        named.any(|metric| metric.whole)
            || alert
                .expression()
                .is_some_and(|text| self.reads_whole(text))
    }

    /// Whether an expression reads a metric that is a native histogram and nothing else.
    fn reads_whole(&self, expr: &str) -> bool {
        let Ok(expr) = promql::parse(expr) else {
            return false;
        };
        let read = promql::walk::selectors(&expr);
        let read: Vec<&str> = read
            .into_iter()
            .filter_map(|one| one.name.as_deref())
            .collect();
        let mut whole = self.metrics.iter().filter(|metric| metric.whole);
        whole.any(|metric| read.contains(&metric.name.as_str()))
    }

    /// Reads a source that the schema has looked at. What it refused is left out, so that one mistake does not hide another;
    /// such a catalog is good for lints only.
    pub fn load(
        source: &Source,
        refused: &[Diagnostic],
        kinds: &Arc<Kinds>,
        profiles: &Arc<Profiles>,
    ) -> Result<Catalog, Box<Diagnostic>> {
        let mut value = schema::with_defaults(source, refused, &schema::Schema::of(kinds));
        services::inherit_interval(&mut value, source);
        place_servers(&mut value);
        prefix_metrics(&mut value);
        if let Some(environment) = &source.environment {
            set_apart(&mut value, environment, source);
        }
        filters::expand(&mut value, kinds);
        let levels = levels::expand(&mut value, kinds);
        let resolved = Catalog::resolve(&value, levels, kinds, profiles).map(|catalog| Catalog {
            environment: source.environment.clone(),
            prometheus: Prometheus {
                says_minimum: source.contains("/prometheus/minimum_version"),
                ..catalog.prometheus
            },
            ..catalog
        });
        resolved.map_err(|error| {
            Box::new(
                Diagnostic::error(
                    "invalid-value",
                    Place::Key(String::new()),
                    error.to_string(),
                )
                .help("see `monstack schema`"),
            )
        })
    }

    fn resolve(
        value: &Value,
        levels: Vec<Levels>,
        kinds: &Arc<Kinds>,
        profiles: &Arc<Profiles>,
    ) -> serde_json::Result<Catalog> {
        let part = |key: &str| value[key].clone();
        let platform = Platform::resolve(&value["platform"])?;
        let mut services = entries(value, "services")
            .map(|(name, written)| Service::resolve(value, name, written))
            .collect::<Result<Vec<_>, _>>()?;
        services.shrink_to_fit();
        let mut shared = Default::default();
        for service in &mut services {
            service.profiled(profiles, &mut shared);
        }
        let mut metrics = entries(value, "metrics")
            .map(|(key, written)| Metric::resolve(&platform, &services, key, written))
            .collect::<Result<Vec<_>, _>>()?;
        let rules = entries(value, "rules")
            .map(|(name, written)| RecordingRule::resolve(name, written))
            .collect::<Result<Vec<_>, _>>()?;
        let mut read = Profiled::of(value, kinds, profiles, &services, &metrics);
        if !rules.is_empty() {
            let named = profiled::compared(value, kinds).into_iter();
            let named = named.map(|(name, _)| name);
            let named = named.chain(profiled::silencing(value)).collect();
            let recordings = Recordings::of(&services, &metrics, profiles, &rules);
            read.record(recordings.metrics(&named));
        }
        metrics.extend(read.metrics());
        let handing: Vec<&Service> = services.iter().filter(|one| one.hands_its_own()).collect();
        for metric in &mut metrics {
            metric.arrive(&handing);
        }
        let emitters = Emitters::of(&services, &metrics, profiles);
        let severities = Severities::of(&value["severities"]);
        let slos = entries(value, "slos")
            .map(|(name, written)| {
                Slo::resolve(
                    name,
                    written,
                    &platform,
                    &services,
                    &metrics,
                    &emitters,
                    &severities,
                )
            })
            .collect::<Result<Vec<_>, _>>()?;
        let prometheus = Prometheus::resolve(
            published(value, "prometheus"),
            slos.iter().map(|slo| slo.window).max(),
        )?;
        let mut alerts: Vec<Alert> = entries(value, "alerts")
            .map(|(name, written)| {
                Alert::resolve(value, name, written, &services, &emitters, kinds, &read)
            })
            .collect::<Result<_, _>>()?;
        let levels: Vec<Arc<Levels>> = levels.into_iter().map(Arc::new).collect();
        alerts::join_levels(&mut alerts, &levels, value)?;
        for slo in &slos {
            alerts.extend(alerts::of_slo(
                slo, value, &services, &emitters, kinds, &read,
            )?);
        }
        let gone_by = owners::gone_by(value);
        let mut catalog = Catalog {
            environment: None,
            rule_groups: rules::grouped(&rules),
            rules,
            names: Names {
                services: numbered(services.iter().map(|service| &service.name)),
                metrics: numbered(metrics.iter().map(|metric| &metric.key)),
                alerts: numbered(alerts.iter().map(|alert| &alert.name)),
                signals: compared(&alerts),
            },
            limits: Limits::of(&services),
            scrape_secrets: secrets::all(&services, &prometheus.remote_write),
            groups: groups(value, &services),
            prometheus,
            alertmanager: from_value(&published(value, "alertmanager"))?,
            severities,
            slos,
            receivers: receivers(&value["receivers"])?,
            owners: Owner::all(value),
            ownership: Ownership::all(value, &alerts, &services),
            sent_labels: SentLabel::all(&gone_by, &services),
            gone_by,
            notices: Vec::new(),
            times: Time::all(value),
            inhibitions: Inhibit::all(value),
            blackbox: from_value(&value["blackbox"])?,
            grafana: from_value(&published(value, "grafana"))?,
            extra: from_value(&value["extra"])?,
            compose: Compose::resolve(part("compose"), &platform)?,
            platform,
            services,
            metrics,
            alerts,
            levels,
            kinds: kinds.clone(),
            profiles: profiles.clone(),
        };
        catalog.notices = Notice::all(value, &catalog);
        let between = owners::inhibitions(&catalog);
        catalog.inhibitions.extend(between);
        Ok(catalog)
    }

    /// Says where the tables stand that nobody wrote: the alerts of objectives, and those of levels.
    pub(crate) fn derive(&self, source: &mut Source) {
        for slo in &self.slos {
            slo.derive(source);
        }
        for levels in &self.levels {
            levels.derive(source, &self.services);
        }
    }

    /// The alerts, and of those of one objective, or of one with levels, the first: what is written about them is written once.
    pub(crate) fn written_alerts(&self) -> impl Iterator<Item = &Alert> {
        self.alerts.iter().filter(|alert| {
            let first = alert.slo.as_ref().and_then(|slo| slo.first_alert());
            let first = first.or(alert.levels.as_ref().and_then(|levels| levels.first()));
            first.is_none_or(|first| first == alert.name)
        })
    }

    /// Whether compose starts anything.
    pub(crate) fn has_containers(&self) -> bool {
        self.monitors_in_containers() || self.services.iter().any(|service| service.container)
    }

    /// Whether compose starts Prometheus, the Alertmanager or Grafana.
    pub(crate) fn monitors_in_containers(&self) -> bool {
        let servers = [
            &self.prometheus.runs_on,
            &self.alertmanager.runs_on,
            &self.grafana.runs_on,
        ];
        servers.into_iter().any(|runs_on| runs_on == "compose")
    }

    /// Whether any route leads to a receiver other than the null one.
    pub fn notifies(&self) -> bool {
        self.routed().any(|(receiver, _)| receiver != NO_ONE)
    }

    /// The receiver of a severity: of its alerts that no owner and no other route takes.
    pub fn receiver(&self, severity: &str) -> &str {
        self.alertmanager
            .routes
            .get(severity)
            .map_or(NO_ONE, String::as_str)
    }

    /// The services of these names, as far as there are such.
    pub fn services_of<'c, 'n>(
        &'c self,
        names: &'n [String],
    ) -> impl Iterator<Item = &'c Service> + Clone + use<'c, 'n> {
        names.iter().filter_map(|name| self.service(name))
    }

    pub fn service(&self, name: &str) -> Option<&Service> {
        self.names
            .services
            .get(name)
            .map(|index| &self.services[*index])
    }

    /// The metrics that the catalog declares itself.
    pub fn declared(&self) -> impl Iterator<Item = &Metric> + Clone {
        self.metrics
            .iter()
            .filter(|metric| metric.profile.is_none() && metric.keeps.is_none())
    }

    /// The metrics that services expose: all but those that rules record.
    pub fn exposed(&self) -> impl Iterator<Item = &Metric> + Clone {
        let metrics = self.metrics.iter();
        metrics.filter(|metric| metric.keeps.is_none())
    }

    /// A metric that it declares, or reads of a profile or of a rule of its own, by its name without the prefix.
    pub fn metric(&self, key: &str) -> Option<&Metric> {
        self.names
            .metrics
            .get(key)
            .map(|index| &self.metrics[*index])
    }

    pub fn alert(&self, name: &str) -> Option<&Alert> {
        self.names
            .alerts
            .get(name)
            .map(|index| &self.alerts[*index])
    }

    /// The alerts that compare one of some signals, in their order.
    pub(crate) fn alerts_on<'n>(
        &self,
        signals: impl IntoIterator<Item = &'n str>,
    ) -> impl Iterator<Item = &Alert> {
        let known = signals.into_iter();
        let known = known
            .filter_map(|name| self.names.signals.get(name))
            .flatten();
        let known: BTreeSet<usize> = known.copied().collect();
        known.into_iter().map(|index| &self.alerts[index])
    }
}

/// Every group with the names of its services.
fn groups(value: &Value, services: &[Service]) -> Vec<Group> {
    let mut members: HashMap<&str, Vec<String>> = HashMap::new();
    for service in services {
        members
            .entry(&service.group)
            .or_default()
            .push(service.name.clone());
    }
    entries(value, "groups")
        .map(|(key, written)| Group {
            key: key.clone(),
            title: written["title"].as_str().unwrap_or_default().into(),
            services: members.remove(key.as_str()).unwrap_or_default(),
            owner: written["owner"].as_str().map(str::to_string),
        })
        .collect()
}

/// What tells an environment from the catalog itself, unless its own file says so: its folder, and a label of what leaves its Prometheus.
fn set_apart(value: &mut Value, environment: &str, source: &Source) {
    if !source.differs("/platform/output") {
        let output = value["platform"]["output"].as_str().unwrap_or_default();
        let apart = format!("{}-{environment}", output.trim_end_matches('/'));
        value["platform"]["output"] = apart.into();
    }
    let labels = value["prometheus"]["external_labels"].as_object_mut();
    if let Some(labels) = labels
        && !source.differs("/prometheus/external_labels/environment")
    {
        labels.insert("environment".to_string(), environment.into());
    }
}

/// Where the servers run, and how each of them then reaches the others, where the catalog does not say so.
fn place_servers(value: &mut Value) {
    let on = |value: &Value, server: &str| {
        let written = value[server]["runs_on"].as_str();
        let same = value["prometheus"]["runs_on"].as_str();
        written.or(same).unwrap_or("compose").to_string()
    };
    let [prometheus, alertmanager, grafana] =
        ["prometheus", "alertmanager", "grafana"].map(|server| on(value, server));
    let port = |server: &str| value[server]["port"].as_u64().unwrap_or_default();
    // Seen from one that runs here or there, another one: its container, or the port of this machine.
    let seen = |from: &str, to: &str, name: &str, own: u64, published: u64| match (from, to) {
        ("compose", "compose") => format!("{name}:{own}"),
        ("compose", _) => format!("host.docker.internal:{published}"),
        _ => format!("localhost:{published}"),
    };
    let itself = match prometheus.as_str() {
        "compose" => 9090,
        _ => port("prometheus"),
    };
    let defaults = [
        ("alertmanager", "runs_on", alertmanager.clone().into()),
        ("grafana", "runs_on", grafana.clone().into()),
        // In a container it is at the port of its own, wherever that is published.
        (
            "prometheus",
            "address",
            format!("localhost:{itself}").into(),
        ),
        (
            "prometheus",
            "alertmanagers",
            vec![seen(
                &prometheus,
                &alertmanager,
                "alertmanager",
                9093,
                port("alertmanager"),
            )]
            .into(),
        ),
        (
            "blackbox",
            "address",
            seen(&prometheus, &prometheus, "blackbox-exporter", 9115, 9115).into(),
        ),
        (
            "grafana",
            "datasource_url",
            format!(
                "http://{}",
                seen(
                    &grafana,
                    &prometheus,
                    "prometheus",
                    9090,
                    port("prometheus")
                )
            )
            .into(),
        ),
    ];
    for (table, key, default) in defaults {
        if let Some(table) = value[table].as_object_mut() {
            table.entry(key).or_insert(default);
        }
    }
}

/// Whether declared metrics are prefixed; what is recorded always is, by the slug where there is no prefix.
fn prefix_metrics(value: &mut Value) {
    let slug = value["platform"]["slug"].as_str().unwrap_or_default();
    let stand_in = slug.replace('-', "_");
    if let Some(platform) = value["platform"].as_object_mut() {
        let prefixed = platform.contains_key("metric_prefix");
        platform.insert("prefixed".to_string(), prefixed.into());
        platform.entry("metric_prefix").or_insert(stand_in.into());
    }
}

/// The table of a server whose links lead to where it is published, unless the catalog says otherwise.
fn published(value: &Value, server: &str) -> Value {
    let mut table = value[server].clone();
    let host = match value["compose"]["monitoring_address"]
        .as_str()
        .unwrap_or_default()
    {
        "127.0.0.1" | "0.0.0.0" => "localhost",
        address => address,
    };
    let url = format!("http://{host}:{}", table["port"]);
    if let Some(table) = table.as_object_mut() {
        // Paths are put behind it.
        let written = table.get("external_url").and_then(Value::as_str);
        let url = written.map_or(url, |own| own.trim_end_matches('/').to_string());
        table.insert("external_url".to_string(), url.into());
    }
    table
}

/// `TooManyErrors` → `too_many_errors`, `TLSCertificateExpired` → `tls_certificate_expired`.
pub fn snake(name: &str) -> String {
    let chars: Vec<char> = name.chars().collect();
    let mut out = String::new();
    for (index, c) in chars.iter().enumerate() {
        let after_lower = index > 0 && !chars[index - 1].is_uppercase();
        let before_lower = chars.get(index + 1).is_some_and(|next| next.is_lowercase());
        if c.is_uppercase()
            && index > 0
            && chars[index - 1].is_alphanumeric()
            && (after_lower || before_lower)
        {
            out.push('_');
        }
        out.extend(c.to_lowercase());
    }
    out.replace('-', "_")
}

/// `checkout-availability` → `CheckoutAvailability`.
pub(crate) fn pascal(name: &str) -> String {
    let words = name.split(['-', '_']);
    let capital = |word: &str| {
        let mut chars = word.chars();
        let first = chars.next().map(|first| first.to_ascii_uppercase());
        first.into_iter().chain(chars).collect::<String>()
    };
    words.map(capital).collect()
}

/// Receivers with their integrations alone: what is accepted there is not one.
fn receivers(written: &Value) -> serde_json::Result<Map> {
    let mut receivers: Map = from_value(written)?;
    receivers
        .values_mut()
        .filter_map(Value::as_object_mut)
        .for_each(|receiver| drop(receiver.remove("allow")));
    Ok(receivers)
}

fn entries<'a>(
    value: &'a Value,
    key: &str,
) -> impl Iterator<Item = (&'a String, &'a Value)> + use<'a> {
    value[key].entries()
}
