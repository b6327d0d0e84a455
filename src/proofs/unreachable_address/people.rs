//! What people open: links, the servers where the catalog publishes them, and services on the machine.

use super::address::endpoint;
use super::connection::{Judge, ports_in_words};
use crate::proofs::place;
use crate::stack::containers::network::{GATEWAY, Mode, Reach, loopback};

impl Judge<'_, '_> {
    /// Addresses for people that only containers know, or at which nobody is.
    pub(super) fn links(&mut self) {
        let catalog = self.stack.catalog;
        let links = [
            ("prometheus", &catalog.prometheus.external_url),
            ("alertmanager", &catalog.alertmanager.external_url),
            ("grafana", &catalog.grafana.external_url),
        ];
        for (program, url) in links {
            let Some((_, host, port)) = endpoint(url) else {
                continue;
            };
            if self.project().running(program).next().is_none() {
                continue;
            }
            let wrong = if self.project().container(&host).is_some() {
                Some(format!(
                    "links lead to `{host}`, a name that only containers know"
                ))
            } else if loopback(&host) && self.project().on_machine(port, |_| true).is_none() {
                Some(format!(
                    "links lead to {host}:{port}, and nothing is published at port {port} of the machine"
                ))
            } else {
                None
            };
            if let Some(message) = wrong {
                self.found.push(place::in_catalog(
                    format!("/{program}/external_url"),
                    message,
                    "write the address at which people open it in a browser",
                ));
            }
        }
    }

    /// What people reach: the servers where the catalog publishes them, and the services on the machine.
    pub(super) fn people(&mut self) {
        let (stack, catalog) = (self.stack, self.stack.catalog);
        let servers = [
            ("prometheus", catalog.prometheus.port),
            ("alertmanager", catalog.alertmanager.port),
            ("grafana", catalog.grafana.port),
        ];
        let address = catalog.compose.monitoring_address.as_str();
        for (program, port) in servers {
            let Some(container) = self.project().running(program).next() else {
                continue;
            };
            let there = |published: Option<&str>| {
                published.is_none_or(|one| one == address || one == "0.0.0.0")
            };
            let reached = self.project().on_machine(port, there);
            let here = format!("`{}` at {address}:{port} of the machine", container.name);
            let why = match reached {
                Some(Reach::Arrives(name))
                    if name == container.name || self.project().shares(name, &container.name) =>
                {
                    None
                }
                Some(Reach::Arrives(name)) => {
                    Some(format!("`{name}` is published there instead of {here}"))
                }
                Some(Reach::Closed(_, open)) => Some(format!(
                    "nobody reaches {here}: it listens at {}, and another port of it is published",
                    ports_in_words(&open)
                )),
                Some(Reach::Deaf(_)) => {
                    Some(format!("nobody reaches {here}: it listens to itself alone"))
                }
                _ => Some(format!(
                    "nobody reaches {here}, where the catalog says that it is"
                )),
            };
            if let Some(message) = why {
                self.found.push(place::in_container(
                    container,
                    "ports",
                    message,
                    "publish the port at which it listens under the catalog's",
                ));
                continue;
            }
            let wide = container.networks.published.iter().find(|one| {
                let wider = one.address.as_deref().is_none_or(|own| own == "0.0.0.0");
                wider && address != "0.0.0.0"
            });
            if let Some(one) = wide {
                self.found.push(place::in_container(container, &one.pointer,
                    format!("`{}` is published at every address of the machine, the catalog says {address}", container.name),
                    "write the catalog's `monitoring_address` before the port",
                ));
            }
        }
        self.published_in_vain();
        let mut addresses: Vec<&str> = catalog.compose.publish.iter().map(String::as_str).collect();
        if addresses.contains(&"0.0.0.0") {
            addresses = vec!["0.0.0.0"];
        }
        for service in stack
            .catalog
            .services
            .iter()
            .filter(|service| service.container && service.host == GATEWAY)
        {
            let Some(container) = self
                .project()
                .container(&service.name)
                .filter(|one| one.started)
            else {
                continue;
            };
            for (address, port) in addresses
                .iter()
                .flat_map(|address| service.instances[0].ports().map(|port| (address, port)))
            {
                let there = |published: Option<&str>| {
                    published.is_none_or(|one| one == *address || one == "0.0.0.0")
                };
                let listens = container.listens();
                let why = match self.project().on_machine(port, there) {
                    // In the machine's network nothing is published: there is whatever it listens at.
                    _ if container.networks.mode == Mode::Host => match listens {
                        None => continue,
                        Some(own) => match own.iter().find(|one| one.port == port) {
                            Some(one) if !one.loopback => continue,
                            Some(_) => format!("`{}` listens to itself alone", container.name),
                            None => {
                                let open: Vec<u16> = own.iter().map(|one| one.port).collect();
                                let at = ports_in_words(&open);
                                format!(
                                    "`{}` listens at {at} of the machine, and is asked at {port}",
                                    container.name
                                )
                            }
                        },
                    },
                    Some(Reach::Arrives(_)) => continue,
                    Some(Reach::Closed(name, _)) if self.opens_for_metrics(name, port) => continue,
                    Some(Reach::Closed(name, open)) => format!(
                        "`{name}` listens at {}, and another port of it is published",
                        ports_in_words(&open)
                    ),
                    Some(Reach::Deaf(name)) => format!("`{name}` listens to itself alone"),
                    _ => format!("`{}` is not published at {address}:{port}", service.name),
                };
                self.found.push(place::in_container(
                    container,
                    "ports",
                    why,
                    "publish the service's port at every address of `publish` in [compose]",
                ));
                break;
            }
        }
    }

    /// Ports of programs beside the servers that are published, and at which those do not listen.
    fn published_in_vain(&mut self) {
        let stack = self.stack;
        let servers = ["prometheus", "alertmanager", "grafana"];
        for container in stack.containers.started() {
            let own = container
                .process
                .name
                .is_some_and(|name| servers.contains(&name));
            if own || stack.catalog.service(&container.name).is_some() {
                continue;
            }
            let Some(listens) = container.listens().filter(|all| !all.is_empty()) else {
                continue;
            };
            let open: Vec<u16> = listens.iter().map(|one| one.port).collect();
            let mut published = container.networks.published.iter();
            let vain = published.find(|one| one.protocol == "tcp" && !open.contains(&one.target));
            if let Some(one) = vain {
                let message = format!(
                    "`{}` listens at {}, and another port of it is published",
                    container.name,
                    ports_in_words(&open)
                );
                let help = "publish the port at which it listens";
                self.found
                    .push(place::in_container(container, &one.pointer, message, help));
            }
        }
    }
}
