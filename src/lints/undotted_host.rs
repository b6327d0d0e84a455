//! A host name without a dot may be a word for something else.

use super::reserved_name::TAKEN;
use super::{Lint, set_at};
use crate::catalog::{Catalog, Service, ipv6};
use crate::diagnostic::{Diagnostic, Place, mistyped, nearest};
use crate::source::Source;
use std::collections::HashSet;

/// What `runs_on` means besides an address.
const PLACES: [&str; 2] = ["host", "compose"];

pub(crate) const LINT: Lint = Lint {
    code: "undotted-host",
    doc: "`runs_on` takes every word but `host` and `compose` for the name of a machine: misspelt, or naming an orchestrator, it is a host that nobody can resolve, and the service is down permanently. So is a container's name that is misspelt in `targets`, or asked for where only containers know it.",
    bad: "[services.cart]\ngroup = \"web\"\nport = 8002\nruns_on = \"compsoe\"\n",
    good: "[services.cart]\ngroup = \"web\"\nport = 8002\nruns_on = \"compose\"\n",
    check: |catalog, source| {
        let containers: HashSet<&str> = catalog
            .services
            .iter()
            .filter(|service| service.container)
            .map(|service| service.name.as_str())
            .collect();
        let mut found = Vec::new();
        for service in &catalog.services {
            match &service.through {
                // Where an exporter of the catalog is, that one says.
                Some(exporter) if !exporter.contains(':') => {}
                Some(exporter) => found.extend(misspelt(exporter, "through", service, &containers)),
                None if service.discovery.is_some() => {}
                None if service.targets.is_empty() => {
                    found.extend(unknown_place(service, &containers, source));
                }
                None => {
                    for (index, target) in service.targets.iter().enumerate() {
                        let key = format!("targets/{index}");
                        found.extend(misspelt(target, &key, service, &containers));
                    }
                }
            }
        }
        found.extend(on_the_host(catalog));
        found
    },
};

/// An address, which may well have the short name of a machine, unless that is nearly a container's.
fn misspelt(
    address: &str,
    key: &str,
    service: &Service,
    containers: &HashSet<&str>,
) -> Option<Diagnostic> {
    let (host, _) = address.rsplit_once(':')?;
    if host.contains('.') || containers.contains(host) {
        return None;
    }
    let letters = |name: &str| name.replace(|character: char| character.is_ascii_digit(), "");
    // What differs in a number is the next one of several.
    let others = containers.iter().copied();
    let others = others.filter(|other| letters(other) != letters(host));
    let near = mistyped(host, others)?;
    let message = format!("`{host}` is taken for the name of a machine");
    let help = format!(
        "did you mean the container `{near}`? if not, write its full name or its address, as in `{host}.example.org`"
    );
    let place = Place::Value(format!("/services/{}/{key}", service.name));
    Some(Diagnostic::warning("undotted-host", place, message).help(help))
}

/// What `runs_on` says that is no place, or a place where nothing is started.
fn unknown_place(
    service: &Service,
    containers: &HashSet<&str>,
    source: &Source,
) -> Option<Diagnostic> {
    let name = service.runs_on.as_str();
    let place = || set_at(source, service, "runs_on");
    // A container of the catalog is a name that is known.
    let known = PLACES.contains(&name) || name == "localhost" || containers.contains(name);
    if known || name.contains('.') || ipv6(name).is_some() {
        let sought = name == "compose" && !service.container && !service.foreign;
        return sought.then(|| {
            let message = format!(
                "`{}` is looked for as a container, and nothing here starts one",
                service.name
            );
            let help = "give it an `image`, or write in `runs_on` where it runs; accept this with `allow` when another compose file of the same project starts it";
            Diagnostic::warning("undotted-host", place(), message).help(help)
        });
    }
    let meant = nearest(name, PLACES.iter().copied())
        .map_or(String::new(), |near| format!("did you mean `{near}`? "));
    let message = format!("`{name}` is taken for the name of a machine");
    let help = format!(
        "{meant}write its full name or its address, as in `{name}.example.org`; or accept it with `allow` when Prometheus can resolve it"
    );
    Some(Diagnostic::warning("undotted-host", place(), message).help(help))
}

/// Servers without a container that look for another one by a name which only containers know.
fn on_the_host(catalog: &Catalog) -> Vec<Diagnostic> {
    let Catalog {
        prometheus,
        grafana,
        ..
    } = catalog;
    let mut asked = vec![(
        "Grafana",
        &grafana.runs_on,
        "/grafana/datasource_url".to_string(),
        grafana.datasource_url.as_str(),
        prometheus.port,
    )];
    let alertmanagers = prometheus.alertmanagers.iter().enumerate();
    asked.extend(alertmanagers.map(|(index, address)| {
        (
            "Prometheus",
            &prometheus.runs_on,
            format!("/prometheus/alertmanagers/{index}"),
            address.as_str(),
            catalog.alertmanager.port,
        )
    }));
    asked.push((
        "Prometheus",
        &prometheus.runs_on,
        "/blackbox/address".to_string(),
        catalog.blackbox.address.as_str(),
        9115,
    ));
    let asked = asked.into_iter().filter(|(_, on, ..)| *on == "host");
    let mut found = Vec::new();
    for (server, _, pointer, address, port) in asked {
        let (scheme, authority) = address.split_once("://").unwrap_or(("", address));
        let authority = authority.split('/').next().unwrap_or_default();
        let (host, _) = authority.rsplit_once(':').unwrap_or((authority, ""));
        // Another short name is one of the network's machines.
        if !TAKEN.contains(&host) && mistyped(host, TAKEN).is_none() {
            continue;
        }
        let here = match scheme {
            "" => format!("localhost:{port}"),
            scheme => format!("{scheme}://localhost:{port}"),
        };
        let message = format!(
            "{server} runs on this machine without a container, where `{host}` is nobody's name"
        );
        let help = format!(
            "remove it, or write `{here}` for what runs here too; accept it with `allow` when this machine can resolve `{host}`"
        );
        found.push(Diagnostic::warning("undotted-host", Place::Value(pointer), message).help(help));
    }
    found
}
