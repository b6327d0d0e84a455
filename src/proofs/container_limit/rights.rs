//! What a container may do beside using memory and time: nothing by which whoever takes it over rules its machine, or silences an alert.

use crate::catalog::Service;
use crate::diagnostic::Diagnostic;
use crate::proofs::place;
use crate::stack::Stack;
use crate::stack::containers::Container;
use crate::stack::containers::mounts::Source;
use crate::stack::containers::network::Reach;
use crate::stack::containers::parts;
use crate::stack::containers::text::{filled, normal};
use crate::stack::document::walk;

/// Who may write to, or only read, one of these rules the machine, or knows all that it keeps secret.
const OF_THE_MACHINE: [&str; 6] = ["/", "/etc", "/root", "/proc", "/dev", "/var/lib/docker"];

/// Sockets of engines: who talks to one starts what he likes, as root.
const SOCKETS: [&str; 4] = ["docker.sock", "podman.sock", "containerd.sock", "crio.sock"];

/// Flags with which whoever reaches Prometheus may change it, and what he may then do.
const OPENED: [(&str, &str); 2] = [
    ("web.enable-admin-api", "delete its samples"),
    ("web.enable-lifecycle", "stop or reload it"),
];

pub(super) fn excessive(stack: &Stack) -> Vec<Diagnostic> {
    let mut found = Vec::new();
    for container in stack.containers.started() {
        let service = stack.catalog.service(&container.name);
        if service.is_none() && !container.serves(stack.files) {
            // Somebody's own beside them.
            continue;
        }
        found.extend(mounted(container, service));
        match service {
            Some(service) => found.extend(capable(container, service)),
            None => found.extend(root(container)),
        }
    }
    found.extend(reached(stack));
    found
}

/// Parts of the machine that the catalog does not give to it.
fn mounted(container: &Container, service: Option<&Service>) -> Vec<Diagnostic> {
    let mut found = Vec::new();
    for mount in &container.mounts {
        let Source::Outside(written) = &mount.source else {
            continue;
        };
        let path = normal(&filled(written));
        let socket = SOCKETS
            .iter()
            .any(|socket| path.ends_with(&format!("/{socket}")));
        if !socket && !OF_THE_MACHINE.contains(&path.as_str()) {
            continue;
        }
        let said = service.is_some_and(|service| {
            let mut volumes = service.volumes.iter();
            volumes.any(|volume| {
                let source = volume.split(':').next().unwrap_or_default();
                normal(source) == path
            })
        });
        if !said {
            let own = &container.name;
            let message = match socket {
                true => format!("`{own}` may start containers as root, by {path} of the machine"),
                false => format!("`{own}` sees {path} of the machine"),
            };
            found.push(place::in_container(
                container,
                &mount.pointer,
                message,
                match service {
                    Some(_) => "take it away, or write it under the service's `volumes`",
                    None => "take it away: the server does not need it",
                },
            ));
        }
    }
    found
}

/// Capabilities that the catalog does not leave to a service.
fn capable(container: &Container, service: &Service) -> Option<Diagnostic> {
    if service.privileged {
        return None;
    }
    let bare = |word: &str| {
        let word = filled(word).to_uppercase();
        word.strip_prefix("CAP_").unwrap_or(&word).to_string()
    };
    let listed = |key: &str| -> Vec<String> { container.value[key].texts().map(bare).collect() };
    let kept: Vec<String> = service.capabilities.iter().map(|word| bare(word)).collect();
    let allowed = |word: &&String| {
        kept.contains(word) || kept.iter().any(|word| word == "ALL") || word.contains('$')
    };
    let added = listed("cap_add");
    let (key, message) = if let Some(more) = added.iter().find(|word| !allowed(word)) {
        ("cap_add", format!("has the capability {more}"))
    } else if !listed("cap_drop").iter().any(|word| word == "ALL") {
        (
            "cap_drop",
            "keeps the capabilities that Docker gives to root".to_string(),
        )
    } else {
        return None;
    };
    Some(place::in_container(
        container,
        key,
        format!("`{}` {message}, and the catalog does not", service.name),
        "write `cap_drop: [ALL]`, and under the service's `capabilities` what it needs",
    ))
}

/// A server that runs as root.
fn root(container: &Container) -> Option<Diagnostic> {
    let user = container.user()?;
    let user = user.split(':').next().unwrap_or_default();
    ["0", "root"].contains(&user).then(|| {
        place::in_container(container, "user",
            format!("`{}` runs as root, which it need not", container.name),
            "let it run as the user whom its image has for it, as in `65534:65534`, or `472:0` for Grafana",
        )
    })
}

/// Servers that a service reaches, and that it could change.
fn reached(stack: &Stack) -> Vec<Diagnostic> {
    let catalog = stack.catalog;
    let project = &stack.containers;
    let mut found = Vec::new();
    for server in project.started().filter(|one| one.serves(stack.files)) {
        let own = server.name.as_str();
        let (pointer, may) = match server.process.name {
            Some("alertmanager")
                if catalog.alertmanager.basic_auth_user.is_none() && !tells(stack, server) =>
            {
                (server.at("networks"), "silence every alert")
            }
            Some("prometheus") if catalog.prometheus.basic_auth_user.is_none() => {
                let opened = OPENED.iter().find_map(|(name, may)| {
                    let flag = server.process.flag(name)?;
                    Some((server.argument(flag.index), *may))
                });
                match opened {
                    Some(opened) => opened,
                    None => continue,
                }
            }
            _ => continue,
        };
        let reaches = |asker: &&Container| {
            let service = catalog.service(&asker.name);
            // Whom the catalog itself puts there is meant to be there.
            let meant = service.is_none_or(|service| {
                let mut networks = service.networks.iter();
                networks.any(|network| server.networks.joins(network))
            });
            !meant && arrives(stack, asker, server)
        };
        if let Some(asker) = project.started().find(reaches) {
            let pointer = match server.process.name {
                // Mostly it is the server that has come to the services; else the service to it.
                Some("alertmanager") if several(stack, server) => asker.at("networks"),
                _ => pointer,
            };
            let file = match pointer.starts_with(&asker.at("")) {
                true => &asker.file.path,
                false => &server.file.path,
            };
            found.push(place::at(
                file,
                pointer,
                format!(
                    "`{}` reaches `{own}`: whoever takes it over can {may}",
                    asker.name
                ),
                "keep services and servers in networks of their own, or let it ask for a password: `basic_auth_user`",
            ));
        }
    }
    found
}

/// Whether there are services that do not reach a server, so that it is the one that does which is in the wrong network.
fn several(stack: &Stack, server: &Container) -> bool {
    let project = &stack.containers;
    let services = project
        .started()
        .filter(|container| stack.catalog.service(&container.name).is_some());
    let mut services = services;
    services.any(|asker| !arrives(stack, asker, server))
}

/// Whether a container reaches a server at one of its ports.
fn arrives(stack: &Stack, asker: &Container, server: &Container) -> bool {
    let own = server.name.as_str();
    let ports = server.listens().unwrap_or_default();
    let mut ports = ports.iter().map(|listen| listen.port);
    ports.any(|port| stack.containers.reach(asker, own, port) == Reach::Arrives(own))
}

/// Whether a receiver of the Alertmanager is a service: then it has to be in one network with it.
fn tells(stack: &Stack, server: &Container) -> bool {
    let Some(routing) = stack.files.alertmanager() else {
        return false;
    };
    let mut told = false;
    walk(&routing.value, &mut |_, _, value| {
        let url = value.as_str().and_then(parts);
        told |=
            url.is_some_and(
                |(host, port, _)| match stack.containers.reach(server, &host, port) {
                    Reach::Arrives(name) => stack.catalog.service(name).is_some(),
                    _ => false,
                },
            );
    });
    told
}
