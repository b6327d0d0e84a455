//! A kind of alert knows by `job` which service fails, so what it reads has the job of its target.

use super::Lint;
use crate::catalog::{Catalog, Metric, Service};
use crate::diagnostic::{Diagnostic, Place};

pub(crate) const LINT: Lint = Lint {
    code: "honored-job",
    doc: "With `honor_labels` what is pushed keeps its own `job`. An alert of a kind selects services by it, and inhibition and dashboards go by it: such an alert fires for nobody's job, or never.",
    bad: "[services.pushed]\ngroup = \"web\"\nport = 9091\nbuild = false\nruntime = \"go\"\nprofiles = [\"pushgateway\"]\nhonor_labels = true\n\n[metrics.backup_timestamp_seconds]\ntype = \"gauge\"\nhelp = \"When the last backup ended\"\nservices = [\"pushed\"]\n\n[alerts.BackupOld]\nkind = \"stale\"\nmetric = \"backup_timestamp_seconds\"\nabove = \"26h\"\nseverity = \"warning\"\n",
    good: "[services.pushed]\ngroup = \"web\"\nport = 9091\nbuild = false\nruntime = \"go\"\nprofiles = [\"pushgateway\"]\n\n[metrics.backup_timestamp_seconds]\ntype = \"gauge\"\nhelp = \"When the last backup ended\"\nservices = [\"pushed\"]\n\n[alerts.BackupOld]\nkind = \"stale\"\nmetric = \"backup_timestamp_seconds\"\nabove = \"26h\"\nper = [\"exported_job\"]\nseverity = \"warning\"\n",
    check: |catalog, _| {
        let mut found = Vec::new();
        for alert in catalog.written_alerts() {
            let mut seen: Vec<&str> = Vec::new();
            let read = alert.kind.keys.keys().filter_map(|key| {
                let name = alert.settings.get(key)?.as_str()?;
                Some((key, catalog.metric(name)?))
            });
            for (key, metric) in read {
                if seen.contains(&metric.name.as_str()) {
                    continue;
                }
                seen.push(&metric.name);
                let covered = |service: &&Service| alert.covers_service(&service.name);
                let Some(service) = keeping(catalog, metric).find(covered) else {
                    continue;
                };
                let message = format!(
                    "`{}` keeps the `job` of what is pushed to it (`honor_labels`), and `{}` selects services by `job`: it would miss all of `{}`",
                    service.name,
                    alert.written_name(),
                    metric.name
                );
                let place = Place::Value(format!("/alerts/{}/{key}", alert.name));
                let mut error = Diagnostic::error("honored-job", place, message);
                let setting = format!("/services/{}/honor_labels", service.name);
                error = error.also(Place::Value(setting), "its labels win");
                let error = error.help(
                    "remove `honor_labels`: what is pushed has its own job as `exported_job` then, which `per` and `where` may name; or write the alert as a `promql`, which says itself whose job it means",
                );
                found.push(error);
            }
        }
        found
    },
};

/// The services that emit a metric with a `job` of its own, which wins.
fn keeping<'a>(catalog: &'a Catalog, metric: &'a Metric) -> impl Iterator<Item = &'a Service> {
    let own = |service: &&Service| {
        let pushed = metric.handed_by(service).iter().any(|label| label == "job");
        service.honor_labels && (pushed || metric.labels.contains_key("job"))
    };
    catalog.services_of(&metric.services).filter(own)
}
