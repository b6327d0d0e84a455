//! ARTIFACTS: the table of everything generated.

use crate::catalog::Catalog;

/// What a generated file is for. Whoever needs files of one kind asks for their role; nothing looks into a file to guess it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// The configuration of Prometheus.
    Prometheus,
    /// Alerting and recording rules.
    Rules {
        /// Where its list of groups is, as a JSON pointer: `/groups` in a rule file of Prometheus, `/spec/groups` in a PrometheusRule.
        groups: &'static str,
    },
    /// Unit tests of rules, for promtool.
    RuleTests,
    /// The configuration of the Alertmanager.
    Alertmanager,
    /// The configuration of the blackbox exporter.
    Blackbox,
    /// A dashboard of Grafana.
    Dashboard,
    /// Data sources of Grafana.
    Datasources,
    /// Where Grafana finds its dashboards.
    DashboardProvider,
    /// Containers, or only which other files have them.
    Compose,
    /// A Python module.
    Python,
    /// A document for people; alerts and dashboards link to its sections.
    Markdown,
    /// Anything else: written as it is rendered, and no proof reads it.
    Plain,
}

/// A rule file as Prometheus reads it.
pub const RULES: Role = Role::Rules { groups: "/groups" };

/// One generated file.
#[derive(Clone, Copy)]
pub struct Artifact {
    /// Path of its template under templates/.
    pub template: &'static str,
    /// Path under the output folder; `{slug}` is the platform's, and of a path with `{alert}` or `{slo}` there is one for every
    /// alert, or for every objective.
    pub output: &'static str,
    /// What it is for.
    pub role: Role,
    /// Whether a catalog has it.
    pub when: fn(&Catalog) -> bool,
}

/// For every catalog.
const ALWAYS: fn(&Catalog) -> bool = |_| true;

/// For a catalog whose health paths are probed.
const PROBED: fn(&Catalog) -> bool =
    |catalog| catalog.services.iter().any(|service| service.health_probe);

/// For a catalog whose Prometheus asks for a password.
const GUARDED_PROMETHEUS: fn(&Catalog) -> bool =
    |catalog| catalog.prometheus.basic_auth_user.is_some();

/// For a catalog whose Alertmanager asks for a password.
const GUARDED_ALERTMANAGER: fn(&Catalog) -> bool =
    |catalog| catalog.alertmanager.basic_auth_user.is_some();

/// For a catalog with a service in Python that is not somebody else's image: the MetricsCollector is for its code.
const PYTHON: fn(&Catalog) -> bool = |catalog| {
    catalog
        .services
        .iter()
        .any(|service| service.runtime == "python" && service.image.is_none())
};

/// For a catalog with services that compose starts.
const CONTAINERS: fn(&Catalog) -> bool =
    |catalog| catalog.services.iter().any(|service| service.container);

/// For a catalog with anything that compose starts.
const STARTED: fn(&Catalog) -> bool = Catalog::has_containers;

/// For a catalog whose Prometheus, Alertmanager or Grafana is a container.
const MONITORS: fn(&Catalog) -> bool = Catalog::monitors_in_containers;

/// For a catalog with objectives.
const OBJECTIVES: fn(&Catalog) -> bool = |catalog| !catalog.slos.is_empty();

/// For a catalog with recording rules of its own.
const RECORDING: fn(&Catalog) -> bool = |catalog| !catalog.rules.is_empty();

/// For a catalog that tests them.
const TESTED_RECORDING: fn(&Catalog) -> bool =
    |catalog| catalog.rules.iter().any(|rule| rule.has_tests());

/// Everything generated, in the order of rendering: a template may read what was rendered before it.
pub const ARTIFACTS: &[Artifact] = &[
    row(
        "monitoring/working_prometheus.yml",
        "monitoring/working_prometheus.yml",
        Role::Prometheus,
        ALWAYS,
    ),
    row(
        "monitoring/recording_rules.yml",
        "monitoring/recording_rules.yml",
        RULES,
        ALWAYS,
    ),
    row(
        "monitoring/recording_rules.test.yml",
        "monitoring/recording_rules.test.yml",
        Role::RuleTests,
        ALWAYS,
    ),
    row(
        "monitoring/own_rules.yml",
        "monitoring/own_rules.yml",
        RULES,
        RECORDING,
    ),
    row(
        "monitoring/own_rules.test.yml",
        "monitoring/own_rules.test.yml",
        Role::RuleTests,
        TESTED_RECORDING,
    ),
    row(
        "monitoring/signal_rules.yml",
        "monitoring/signal_rules.yml",
        RULES,
        ALWAYS,
    ),
    row(
        "monitoring/alert_rules.yml",
        "monitoring/alert_rules.yml",
        RULES,
        ALWAYS,
    ),
    row(
        "monitoring/slo_rules.yml",
        "monitoring/slo_rules/{slo}.yml",
        RULES,
        OBJECTIVES,
    ),
    row(
        "monitoring/slo_rules.test.yml",
        "monitoring/tests/slo/{slo}.test.yml",
        Role::RuleTests,
        OBJECTIVES,
    ),
    row(
        "monitoring/alert_rules.test.yml",
        "monitoring/tests/{alert}.test.yml",
        Role::RuleTests,
        ALWAYS,
    ),
    row(
        "monitoring/self_monitoring_rules.yml",
        "monitoring/self_monitoring_rules.yml",
        RULES,
        ALWAYS,
    ),
    row(
        "monitoring/self_monitoring_rules.test.yml",
        "monitoring/self_monitoring_rules.test.yml",
        Role::RuleTests,
        ALWAYS,
    ),
    row(
        "monitoring/alertmanager/alertmanager.yml",
        "monitoring/alertmanager/alertmanager.yml",
        Role::Alertmanager,
        ALWAYS,
    ),
    row(
        "monitoring/blackbox/blackbox.yml",
        "monitoring/blackbox/blackbox.yml",
        Role::Blackbox,
        PROBED,
    ),
    row(
        "monitoring/http_client.yml",
        "monitoring/http_client.yml",
        Role::Plain,
        GUARDED_PROMETHEUS,
    ),
    row(
        "monitoring/alertmanager/http_client.yml",
        "monitoring/alertmanager/http_client.yml",
        Role::Plain,
        GUARDED_ALERTMANAGER,
    ),
    row(
        "monitoring/metrics.py",
        "monitoring/metrics.py",
        Role::Python,
        PYTHON,
    ),
    row(
        "monitoring/grafana/dashboards/overview.json.yml",
        "monitoring/grafana/dashboards/{slug}-overview.json",
        Role::Dashboard,
        ALWAYS,
    ),
    row(
        "monitoring/grafana/dashboards/service.json.yml",
        "monitoring/grafana/dashboards/{slug}-service.json",
        Role::Dashboard,
        ALWAYS,
    ),
    row(
        "monitoring/grafana/provisioning/datasources/prometheus.yml",
        "monitoring/grafana/provisioning/datasources/prometheus.yml",
        Role::Datasources,
        ALWAYS,
    ),
    row(
        "monitoring/grafana/provisioning/dashboards/provider.yml",
        "monitoring/grafana/provisioning/dashboards/{slug}.yml",
        Role::DashboardProvider,
        ALWAYS,
    ),
    row(
        "docker-compose.yml",
        "docker-compose.yml",
        Role::Compose,
        STARTED,
    ),
    row(
        "docker-compose.monitoring.yml",
        "docker-compose.monitoring.yml",
        Role::Compose,
        MONITORS,
    ),
    row(
        "docker-compose.services.yml",
        "docker-compose.services.yml",
        Role::Compose,
        CONTAINERS,
    ),
    row("docs/RUNBOOK.md", "docs/RUNBOOK.md", Role::Markdown, ALWAYS),
];

const fn row(
    template: &'static str,
    output: &'static str,
    role: Role,
    when: fn(&Catalog) -> bool,
) -> Artifact {
    Artifact {
        template,
        output,
        role,
        when,
    }
}
