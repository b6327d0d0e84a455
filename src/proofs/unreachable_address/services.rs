//! What services are told to ask, in their environment and their commands.

use super::address::addresses;
use super::connection::{Judge, ports_in_words};
use crate::catalog::Service;
use crate::proofs::place;
use crate::source::step;
use crate::stack::containers::Container;
use crate::stack::containers::network::{GATEWAY, Mode, Reach, loopback};

impl Judge<'_, '_> {
    /// What services are told in their environment and their commands: there, localhost is the container itself.
    pub(super) fn services(&mut self) {
        let catalog = self.stack.catalog;
        for service in &catalog.services {
            let Some(asker) = self.project().container(&service.name) else {
                continue;
            };
            let key = format!("/services/{}", step(&service.name));
            let variables = service.environment.iter();
            let told = variables
                .map(|(name, value)| (format!("{key}/environment/{}", step(name)), value))
                .chain(
                    (service.command.iter().enumerate())
                        .map(|(index, word)| (format!("{key}/command/{index}"), word)),
                );
            for (pointer, text) in told {
                for (host, port, database) in addresses(text) {
                    let asked = (host.as_str(), port, database);
                    if let Some((message, help)) = self.misled(asker, service, asked) {
                        self.found
                            .push(place::in_catalog(pointer.clone(), message, help));
                    }
                }
            }
        }
    }

    /// Why a service does not find what it is told of; None also where it may be meant otherwise.
    fn misled(
        &self,
        asker: &Container,
        service: &Service,
        (host, port, database): (&str, u16, bool),
    ) -> Option<(String, String)> {
        let project = self.project();
        let listens = |container: &Container, port: u16| {
            let known = container.listens().unwrap_or_default();
            let said = self.stack.catalog.service(&container.name);
            known.iter().any(|one| one.port == port)
                || said.is_some_and(|said| said.instances[0].ports().contains(&port))
        };
        let own = &service.name;
        // In the machine's network localhost is the machine.
        let alone = asker.networks.mode != Mode::Host;
        let itself = alone && loopback(host.trim_matches(['[', ']'])) || host == own;
        match project.reach(asker, host, port) {
            // Who builds an image may start several programs in it, at ports that others have in theirs; not so where the port is
            // a database's, and an exporter is alone.
            Reach::Arrives(name) | Reach::Closed(name, _) if itself && !listens(asker, port) => {
                let image = service.image.as_deref().unwrap_or_default();
                let repository = image.rsplit('/').next().unwrap_or_default();
                let exporter = repository.contains("exporter");
                let meant = project
                    .started()
                    .find(|other| !project.shares(name, &other.name) && listens(other, port))
                    .filter(|_| exporter || database || !image.is_empty());
                let asks = format!("`{own}` asks {host}:{port}, which is its own container");
                match meant {
                    Some(meant) => Some((
                        format!("{asks}; at that port listens `{}`", meant.name),
                        format!("write {}:{port}", meant.name),
                    )),
                    None => exporter.then(|| {
                        (
                            format!("{asks}, and nothing else runs in it"),
                            format!("write the name of the container or of the machine; this one is {GATEWAY}"),
                        )
                    }),
                }
            }
            Reach::Closed(name, open) if !self.opens_for_metrics(name, port) => Some((
                format!(
                    "`{own}` asks `{name}` at port {port}, and it listens at {}",
                    ports_in_words(&open)
                ),
                "write the port at which it listens".to_string(),
            )),
            Reach::Deaf(name) => Some((
                format!("`{own}` asks `{name}` at port {port}, where it listens to itself alone"),
                format!("let `{name}` listen at 0.0.0.0"),
            )),
            // It has no name of another container, and none of them knows it.
            Reach::Apart(name) if !alone && project.container(host).is_some() => Some((
                format!(
                    "`{own}` asks `{name}` by its name, and is in the network of the machine, where nobody has one"
                ),
                format!(
                    "write localhost:{port}, and let `{name}` be published there (`runs_on = \"host\"`, or `extra_ports`)"
                ),
            )),
            _ => None,
        }
    }
}
