//! A container may use what the catalog says that it may.

mod rights;
mod runtime;

use super::{Check, Example, Proof, place};
use crate::artifacts::Role;
use crate::catalog::Catalog;
use crate::stack::containers::Container;
use crate::stack::containers::text::bytes;

pub(crate) const PROOF: Proof = Proof {
    code: "container-limit",
    doc: "Alerts and panels compare what a service uses with the catalog's limit: a container with another one is killed before the alert fires, or fills the machine without it. The servers' limits protect the machine from them. Whoever takes a service over must not rule the machine or silence an alert: no capability, no part of the machine and no server is within its reach that the catalog does not give to it.",
    example: Example::Rendered {
        role: Role::Compose,
        pointer: "/services/checkout/deploy/resources/limits/memory",
        bad: r#""64m""#,
    },
    check: Check::Stack(|stack| {
        let mut found = Vec::new();
        for container in stack.containers.started() {
            let server = container.process.name.is_some_and(|name| name != "uvicorn");
            if server && !container.serves(stack.files) {
                continue;
            }
            let Some((memory, cores)) = meant(stack.catalog, container) else {
                continue;
            };
            // More than the catalog says, or none, only protects the machine less.
            let wanted = stack.catalog.compose.pids_limit;
            let (written, pointer) = container.limit("pids", "pids_limit");
            if let Some(pids) = written.and_then(|written| written.parse::<i64>().ok())
                && (1..i64::from(wanted)).contains(&pids)
            {
                found.push(place::at(
                    &container.file.path,
                    pointer,
                    format!(
                        "`{}` may start {pids} processes and threads, the catalog says {wanted}",
                        container.name
                    ),
                    "render the catalog's `pids_limit`",
                ));
            }
            let limits = [
                (
                    "memory",
                    "mem_limit",
                    memory,
                    bytes as fn(&str) -> Option<f64>,
                    "bytes of memory",
                ),
                (
                    "cpus",
                    "cpus",
                    cores,
                    |text: &str| text.parse().ok(),
                    "cores",
                ),
            ];
            for (key, own, wanted, read, what) in limits {
                let (written, pointer) = container.limit(key, own);
                let message = match written.as_deref().map(|written| (written, read(written))) {
                    None => format!(
                        "`{}` may use any number of {what}, the catalog says {wanted}",
                        container.name
                    ),
                    Some((written, _)) if written.contains('$') => continue,
                    // Compose takes whole bytes, and hundredths of a core.
                    Some((_, Some(value))) if (value - wanted).abs() <= wanted * 0.01 => continue,
                    Some((written, _)) => format!(
                        "`{}` may use {written} as {what}, the catalog says {wanted}",
                        container.name
                    ),
                };
                found.push(place::at(
                    &container.file.path,
                    pointer,
                    message,
                    "render the catalog's `memory_limit` and `cpu_limit`",
                ));
            }
        }
        found.extend(rights::excessive(stack));
        found.extend(runtime::unsuited(stack));
        found
    }),
};

/// Bytes and cores that the catalog gives to a container; None: it says nothing of it.
fn meant(catalog: &Catalog, container: &Container) -> Option<(f64, f64)> {
    let (memory, cores) = match container.process.name {
        Some("prometheus") => (
            catalog.prometheus.memory_limit,
            catalog.prometheus.cpu_limit,
        ),
        Some("alertmanager") => (
            catalog.alertmanager.memory_limit,
            catalog.alertmanager.cpu_limit,
        ),
        Some("grafana") => (catalog.grafana.memory_limit, catalog.grafana.cpu_limit),
        Some("blackbox_exporter") => (catalog.blackbox.memory_limit, catalog.blackbox.cpu_limit),
        _ => {
            let service = catalog.service(&container.name)?;
            (service.memory_limit, service.cpu_limit)
        }
    };
    Some((memory.0 as f64, cores))
}
