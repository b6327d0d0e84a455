//! A host name without a dot may be a word for something else.

use super::{Lint, set_at};
use crate::catalog::{Catalog, ipv6};
use crate::diagnostic::{Diagnostic, Place, nearest};
use std::collections::HashSet;

/// What `runs_on` means besides an address.
const PLACES: [&str; 2] = ["host", "compose"];

pub(crate) const LINT: Lint = Lint {
    code: "undotted-host",
    doc: "`runs_on` takes every word but `host` and `compose` for the name of a machine: misspelt, or naming an orchestrator, it is a host that nobody can resolve, and the service is down permanently.",
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
        let exporters = |exporter: &String| !exporter.contains(':');
        for service in &catalog.services {
            // Where an exporter of the catalog is, that one says.
            if service.through.as_ref().is_some_and(exporters) {
                continue;
            }
            let name = service.runs_on.as_str();
            // A container of the catalog is a name that is known.
            let known = PLACES.contains(&name) || name == "localhost" || containers.contains(name);
            if known || name.contains('.') || ipv6(name).is_some() {
                if name == "compose" && !service.container && !service.foreign {
                    let message = format!(
                        "`{}` is looked for as a container, and nothing here starts one",
                        service.name
                    );
                    let help = "give it an `image`, or write in `runs_on` where it runs; accept this with `allow` when another compose file of the same project starts it";
                    found.push(
                        Diagnostic::warning(
                            "undotted-host",
                            set_at(source, service, "runs_on"),
                            message,
                        )
                        .help(help),
                    );
                }
                continue;
            }
            let meant = nearest(name, PLACES.iter().copied())
                .map_or(String::new(), |near| format!("did you mean `{near}`? "));
            let message = format!("`{name}` is taken for the name of a machine");
            let help = format!(
                "{meant}write its full name or its address, as in `{name}.example.org`; or accept it with `allow` when Prometheus can resolve it"
            );
            found.push(
                Diagnostic::warning("undotted-host", set_at(source, service, "runs_on"), message)
                    .help(help),
            );
        }
        found.extend(on_the_host(catalog));
        found
    },
};

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
        if host == "localhost" || host.contains('.') || ipv6(host).is_some() {
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
