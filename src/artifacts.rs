//! ARTIFACTS: the table of everything generated.

/// One generated file.
pub struct Artifact {
    /// Path of its template under templates/.
    pub template: &'static str,
    /// Path under generated/; `{slug}` is the platform's.
    pub output: &'static str,
}

/// Everything generated, in the order of rendering: a template may read what was rendered before it.
pub const ARTIFACTS: &[Artifact] = &[
    Artifact { template: "monitoring/working_prometheus.yml", output: "monitoring/working_prometheus.yml" },
    Artifact { template: "monitoring/recording_rules.yml", output: "monitoring/recording_rules.yml" },
    Artifact { template: "monitoring/alert_rules.yml", output: "monitoring/alert_rules.yml" },
    Artifact { template: "monitoring/alert_rules.test.yml", output: "monitoring/alert_rules.test.yml" },
    Artifact { template: "monitoring/self_monitoring_rules.yml", output: "monitoring/self_monitoring_rules.yml" },
    Artifact { template: "monitoring/self_monitoring_rules.test.yml", output: "monitoring/self_monitoring_rules.test.yml" },
    Artifact { template: "monitoring/alertmanager/alertmanager.yml", output: "monitoring/alertmanager/alertmanager.yml" },
    Artifact { template: "monitoring/metrics.py", output: "monitoring/metrics.py" },
    Artifact { template: "monitoring/grafana/dashboards/overview.json.yml", output: "monitoring/grafana/dashboards/{slug}-overview.json" },
    Artifact { template: "monitoring/grafana/dashboards/service.json.yml", output: "monitoring/grafana/dashboards/{slug}-service.json" },
    Artifact { template: "monitoring/grafana/provisioning/datasources/prometheus.yml", output: "monitoring/grafana/provisioning/datasources/prometheus.yml" },
    Artifact { template: "monitoring/grafana/provisioning/dashboards/provider.yml", output: "monitoring/grafana/provisioning/dashboards/{slug}.yml" },
    Artifact { template: "docker-compose.yml", output: "docker-compose.yml" },
    Artifact { template: "docker-compose.monitoring.yml", output: "docker-compose.monitoring.yml" },
    Artifact { template: "docker-compose.services.yml", output: "docker-compose.services.yml" },
    Artifact { template: "docs/RUNBOOK.md", output: "docs/RUNBOOK.md" },
];
