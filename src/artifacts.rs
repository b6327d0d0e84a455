//! ARTIFACTS: the table of everything generated.

use crate::catalog::Catalog;

/// One generated file.
pub struct Artifact {
    /// Path of its template under templates/.
    pub template: &'static str,
    /// Path under the output folder; `{slug}` is the platform's, and of a path with `{alert}` there is one for every alert.
    pub output: &'static str,
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

/// Everything generated, in the order of rendering: a template may read what was rendered before it.
pub const ARTIFACTS: &[Artifact] = &[
    row(
        "monitoring/working_prometheus.yml",
        "monitoring/working_prometheus.yml",
        ALWAYS,
    ),
    row(
        "monitoring/recording_rules.yml",
        "monitoring/recording_rules.yml",
        ALWAYS,
    ),
    row(
        "monitoring/recording_rules.test.yml",
        "monitoring/recording_rules.test.yml",
        ALWAYS,
    ),
    row(
        "monitoring/signal_rules.yml",
        "monitoring/signal_rules.yml",
        ALWAYS,
    ),
    row(
        "monitoring/alert_rules.yml",
        "monitoring/alert_rules.yml",
        ALWAYS,
    ),
    row(
        "monitoring/alert_rules.test.yml",
        "monitoring/tests/{alert}.test.yml",
        ALWAYS,
    ),
    row(
        "monitoring/self_monitoring_rules.yml",
        "monitoring/self_monitoring_rules.yml",
        ALWAYS,
    ),
    row(
        "monitoring/self_monitoring_rules.test.yml",
        "monitoring/self_monitoring_rules.test.yml",
        ALWAYS,
    ),
    row(
        "monitoring/alertmanager/alertmanager.yml",
        "monitoring/alertmanager/alertmanager.yml",
        ALWAYS,
    ),
    row(
        "monitoring/blackbox/blackbox.yml",
        "monitoring/blackbox/blackbox.yml",
        PROBED,
    ),
    row(
        "monitoring/http_client.yml",
        "monitoring/http_client.yml",
        GUARDED_PROMETHEUS,
    ),
    row(
        "monitoring/alertmanager/http_client.yml",
        "monitoring/alertmanager/http_client.yml",
        GUARDED_ALERTMANAGER,
    ),
    row("monitoring/metrics.py", "monitoring/metrics.py", PYTHON),
    row(
        "monitoring/grafana/dashboards/overview.json.yml",
        "monitoring/grafana/dashboards/{slug}-overview.json",
        ALWAYS,
    ),
    row(
        "monitoring/grafana/dashboards/service.json.yml",
        "monitoring/grafana/dashboards/{slug}-service.json",
        ALWAYS,
    ),
    row(
        "monitoring/grafana/provisioning/datasources/prometheus.yml",
        "monitoring/grafana/provisioning/datasources/prometheus.yml",
        ALWAYS,
    ),
    row(
        "monitoring/grafana/provisioning/dashboards/provider.yml",
        "monitoring/grafana/provisioning/dashboards/{slug}.yml",
        ALWAYS,
    ),
    row("docker-compose.yml", "docker-compose.yml", ALWAYS),
    row(
        "docker-compose.monitoring.yml",
        "docker-compose.monitoring.yml",
        ALWAYS,
    ),
    row(
        "docker-compose.services.yml",
        "docker-compose.services.yml",
        CONTAINERS,
    ),
    row("docs/RUNBOOK.md", "docs/RUNBOOK.md", ALWAYS),
];

const fn row(template: &'static str, output: &'static str, when: fn(&Catalog) -> bool) -> Artifact {
    Artifact {
        template,
        output,
        when,
    }
}
