//! A network that a service is in is one that Prometheus joins.

use super::Lint;
use crate::diagnostic::{Diagnostic, Place, suggestion_or};
use crate::source::step;

pub(crate) const LINT: Lint = Lint {
    code: "unknown-network",
    doc: "Prometheus finds a container of another compose project by its name once it is in a network with it, and joins the `networks` of [compose] alone. Of two containers with one name it asks now the one, now the other.",
    bad: "[compose]\nnetworks = [\"shop_default\"]\n\n[services.cart]\ngroup = \"web\"\nport = 8002\nbuild = false\nnetworks = [\"shop_defualt\"]\n",
    good: "[compose]\nnetworks = [\"shop_default\"]\n\n[services.cart]\ngroup = \"web\"\nport = 8002\nbuild = false\nnetworks = [\"shop_default\"]\n",
    check: |catalog, source| {
        let written = source.value["compose"]["networks"].texts();
        let known: Vec<&str> = written.collect();
        let mut found = Vec::new();
        for service in &catalog.services {
            for (at, network) in service.networks.iter().enumerate() {
                if known.contains(&network.as_str()) {
                    continue;
                }
                let place = format!("/services/{}/networks/{at}", step(&service.name));
                let message = format!("Prometheus does not join the network `{network}`");
                found.push(
                    Diagnostic::error("unknown-network", Place::Value(place), message).help(
                        suggestion_or(
                            network,
                            known.iter().copied(),
                            &format!("write `networks = [\"{network}\"]` under [compose]"),
                        ),
                    ),
                );
            }
            let mut own = catalog.services.iter().filter(|own| own.container);
            if service.foreign
                && let Some(own) = own.find(|own| own.name == service.host)
            {
                let place = format!("/services/{}/networks", step(&service.name));
                let message = format!(
                    "`{}` is a container of this catalog too, and Prometheus is in both networks",
                    own.name
                );
                found.push(
                    Diagnostic::error("unknown-network", Place::Key(place), message).help(
                        "write in `runs_on` what `docker ps` calls the other one, as in shop-cart-1",
                    ),
                );
            }
        }
        for (at, network) in catalog.compose.networks.iter().enumerate() {
            let mut services = catalog.services.iter();
            if !services.any(|service| service.networks.contains(network)) {
                let message = format!("no service is in the network `{network}`");
                found.push(
                    Diagnostic::warning(
                        "unknown-network",
                        Place::Value(format!("/compose/networks/{at}")),
                        message,
                    )
                    .help("say so in `networks` of those that are, or remove it: whoever is in it can query Prometheus"),
                );
            }
        }
        found
    },
};
