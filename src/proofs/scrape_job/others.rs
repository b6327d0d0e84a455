//! Jobs beside those of the services: none claims to be a service, and the monitoring watches itself.

use crate::catalog::Catalog;
use crate::contract::targets::Target;
use crate::diagnostic::Diagnostic;
use crate::proofs::place;
use crate::render::File;
use crate::stack::Stack;
use crate::value::json;
use std::collections::HashMap;

/// Two targets that ask for the same, of which one is a service's.
pub(super) fn scraping_the_same(
    config: &File,
    targets: &[Target],
    catalog: &Catalog,
) -> Vec<Diagnostic> {
    let mut found = Vec::new();
    let mut asked: HashMap<(&str, &str, String), &str> = HashMap::new();
    for target in targets {
        let name = target.labels.get("job").map_or("", String::as_str);
        let address = (
            target.address.as_str(),
            target.path.as_str(),
            json!(target.params).to_string(),
        );
        let Some(other) = asked.insert(address, name) else {
            continue;
        };
        let claims = catalog
            .service(name)
            .or_else(|| catalog.service(other))
            .is_some();
        if claims && name != other && !share_address_in_catalog(catalog, name, other) {
            found.push(place::at(
                &config.path,
                &target.pointer,
                format!(
                    "`{name}` scrapes {}{}, as `{other}` does",
                    target.address, target.path
                ),
                "give each job an address of its own",
            ));
        }
    }
    found
}

/// Whether the catalog itself gives both services one address: then it has been told already, or is accepted.
fn share_address_in_catalog(catalog: &Catalog, one: &str, other: &str) -> bool {
    let address = |name: &str| {
        catalog
            .service(name)
            .map(|service| (&service.instances, &service.metrics_path))
    };
    address(one).is_some() && address(one) == address(other)
}

/// Where Prometheus is to scrape itself, another server answers: the rules about Prometheus then read nothing.
pub(super) fn in_place_of_prometheus(stack: &Stack) -> Option<Diagnostic> {
    let address = &stack.catalog.prometheus.address;
    let (host, _) = address.rsplit_once(':')?;
    let other = stack.containers.container(host)?;
    let name = other.process.name.filter(|name| *name != "prometheus")?;
    Some(place::in_catalog(
        "/prometheus/address",
        format!("{address} is `{name}`, where Prometheus is to scrape itself"),
        "write the address of Prometheus: localhost:9090 in its own container",
    ))
}

/// The monitoring's own jobs, where they do not scrape what they are called after.
pub(super) fn not_watching_the_monitoring(stack: &Stack, config: &File) -> Vec<Diagnostic> {
    let itself = [stack.catalog.prometheus.address.clone()];
    let servers = [
        ("prometheus", &itself[..]),
        ("alertmanager", &stack.catalog.prometheus.alertmanagers[..]),
    ];
    let mut found = Vec::new();
    for (job, addresses) in servers {
        let targets = stack.contract.targets.with("job", job);
        let mut targets = targets.ones().map(|at| &stack.contract.targets.list[at]);
        let same = |one: &String, other: &str| one == other || is_one_server(stack, one, other);
        let other = targets.find(|target| !addresses.iter().any(|one| same(one, &target.address)));
        found.extend(other.map(|target| {
            let message = format!(
                "the job `{job}` scrapes {}, the catalog says {}",
                target.address,
                addresses.join(" and ")
            );
            let help = "render the catalog's address: nobody else watches the monitoring itself";
            place::at(&config.path, &target.pointer, message, help)
        }));
    }
    found
}

/// Whether two addresses lead to the same port of one container, seen from that of Prometheus.
fn is_one_server(stack: &Stack, one: &str, other: &str) -> bool {
    let server = |address: &str| {
        let (host, port) = address.rsplit_once(':')?;
        let name = match host {
            "localhost" | "127.0.0.1" | "[::1]" => "prometheus",
            _ => host,
        };
        Some((
            stack.containers.container(name)?.process.name?,
            port.to_string(),
        ))
    };
    server(one).is_some_and(|one| Some(one) == server(other))
}
