//! An alert on instances that are down has an instance more than it waits for.

use super::{Lint, set_for};
use crate::catalog::Service;
use crate::catalog::units::with_unit;
use crate::diagnostic::{Diagnostic, Place, plural};
use std::collections::BTreeMap;

pub(crate) const LINT: Lint = Lint {
    code: "too-few-instances",
    doc: "It fires when more than so many instances are down while another is up: of as many as that, or fewer, the last takes the service with it, and that is another alert's matter. `replicas` and `targets` say how many there are.",
    bad: "[services.search]\ngroup = \"web\"\nport = 8002\ntargets = [\"10.0.0.1:8002\", \"10.0.0.2:8002\"]\n\n[alerts.ReplicaDown]\nkind = \"instance_down\"\nservices = [\"search\"]\nabove = 1\nfor = \"5m\"\nseverity = \"warning\"\n",
    good: "[services.search]\ngroup = \"web\"\nport = 8002\ntargets = [\"10.0.0.1:8002\", \"10.0.0.2:8002\", \"10.0.0.3:8002\"]\n\n[alerts.ReplicaDown]\nkind = \"instance_down\"\nservices = [\"search\"]\nabove = 1\nfor = \"5m\"\nseverity = \"warning\"\n",
    check: |catalog, source| {
        let mut found = Vec::new();
        let alerts = catalog.written_alerts();
        for alert in alerts.filter(|alert| alert.kind.counts_instances) {
            for branch in &alert.branches {
                let Some(above) = branch.above else { continue };
                let covered = || {
                    let services = catalog.services.iter();
                    services.filter(|service| branch.services.contains(&service.name))
                };
                let ratio = alert.unit.as_deref() == Some("ratio");
                // All but one may be down.
                let never = |service: &&Service| {
                    known(service).is_some_and(|instances| {
                        let parts = parts(service, &alert.per);
                        let most = match parts.len() {
                            // With another part up all of one may be.
                            2.. => parts.values().copied().max().unwrap_or_default(),
                            _ => instances.saturating_sub(1),
                        };
                        match ratio {
                            true if parts.len() > 1 => false,
                            true => most as f64 / instances as f64 <= above,
                            false => most as f64 <= above,
                        }
                    })
                };
                let key = set_for(source, alert, branch, "above");
                // An alert of all services is for those that it can fire for, and one instance is no mistake beside several.
                let named = key.starts_with("/services/")
                    || source.contains(&format!("/alerts/{}/services", alert.name));
                let all = covered().all(|service| never(&service));
                let several = covered().filter(never).max_by_key(|service| known(service));
                let Some(service) =
                    several.filter(|service| all || named && known(service) > Some(1))
                else {
                    continue;
                };
                let parts = parts(service, &alert.per);
                let instances = known(service).unwrap_or_default();
                let (has, help) = match instances {
                    1 => (
                        "one instance".to_string(),
                        "say with `services` which have several, or remove the alert".to_string(),
                    ),
                    _ if parts.len() > 1 => {
                        let most = parts.values().copied().max().unwrap_or_default();
                        (
                            format!("at most {} in one part", plural(most, "instance")),
                            format!("write `above = {}`", most - 1),
                        )
                    }
                    _ if ratio => (
                        format!("{instances} instances"),
                        format!(
                            "write less than the {} that are down when all but one are",
                            with_unit((instances - 1) as f64 / instances as f64, Some("ratio"))
                        ),
                    ),
                    _ => (
                        format!("{instances} instances"),
                        format!("write `above = {}`", instances - 2),
                    ),
                };
                let message = format!(
                    "`{}` never fires for `{}`, which has {has}: more than {} are not down while another is up",
                    alert.name,
                    service.name,
                    with_unit(above, alert.unit.as_deref())
                );
                let place = match source.contains(&key) {
                    true => Place::Value(key),
                    false => Place::Key(format!("/alerts/{}", alert.name)),
                };
                // A stack for trying things out often has one of each.
                let finding = match instances {
                    1 => Diagnostic::warning("too-few-instances", place, message),
                    _ => Diagnostic::error("too-few-instances", place, message),
                };
                found.push(finding.help(help));
            }
        }
        found
    },
};

/// Of instances that differ in what an alert fires apart by, how many are alike.
fn parts(service: &Service, per: &[String]) -> BTreeMap<Vec<String>, usize> {
    let mut parts = BTreeMap::new();
    for instance in service.instances.iter().filter(|_| !per.is_empty()) {
        let values = per.iter().map(|label| instance.labels.get(label).cloned());
        let values = values.map(Option::unwrap_or_default).collect();
        *parts.entry(values).or_default() += 1;
    }
    parts
}

/// How many instances a service has; None where only a discovery knows.
fn known(service: &Service) -> Option<usize> {
    match (&service.discovery, service.replicas) {
        (Some(_), _) => None,
        (None, replicas @ 2..) => Some(replicas as usize),
        (None, _) => Some(service.instances.len()),
    }
}
