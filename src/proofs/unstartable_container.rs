//! Compose and Docker can start what is rendered.

mod addresses;
mod engine;
mod volumes;

use super::{Check, Example, Proof, place};
use crate::artifacts::Role;
use crate::catalog::Catalog;
use crate::diagnostic::{Diagnostic, Place, suggestion};
use crate::source::step;
use crate::stack::Stack;
use crate::stack::containers::network::Mode;
use crate::stack::containers::text::{names, normal, scalar, unreadable_dollar};
use crate::stack::containers::{Container, Health, Project};
use crate::stack::document::walk;
use crate::value::Value;
use std::collections::{HashMap, HashSet};

pub(crate) const PROOF: Proof = Proof {
    code: "unstartable-container",
    doc: "Compose stops before it starts anything when a name is not declared, a file that is included is missing, or containers wait for each other; Docker refuses a second container at one port.",
    example: Example::Rendered {
        role: Role::Compose,
        pointer: "/services/grafana/depends_on/prometheus",
        bad: "{\"condition\": \"service_completed_successfully\"}",
    },
    check: Check::Stack(|stack| {
        let project = &stack.containers;
        let mut found: Vec<Diagnostic> = project
            .refused
            .iter()
            .map(|refusal| {
                place::at(
                    &refusal.file,
                    &refusal.pointer,
                    &refusal.message,
                    &refusal.help,
                )
            })
            .collect();
        for container in &project.containers {
            found.extend(references(stack, container));
        }
        for container in project.started() {
            found.extend(waits(stack, container));
            found.extend(sources(container));
            found.extend(engine::unknown(container));
            found.extend(engine::refused(container));
            found.extend(engine::unread(container));
            found.extend(engine::ended(container));
        }
        found.extend(missing(stack));
        found.extend(circle(project));
        found.extend(sourceless(stack));
        found.extend(ports(stack.catalog, project));
        found.extend(drivers(stack));
        found.extend(packets(stack));
        found.extend(addresses::unusable(stack));
        found.extend(volumes::unmade(stack));
        found.extend(unnameable(stack));
        found.extend(dollars(stack));
        found.extend(apart(stack));
        found
    }),
};

/// Dollars that Compose takes for variables, and cannot read.
fn dollars(stack: &Stack) -> Vec<Diagnostic> {
    let mut found = Vec::new();
    for file in stack.files.compose() {
        walk(&file.value, &mut |pointer, _, value| {
            let Some(dollar) = value.as_str().and_then(unreadable_dollar) else {
                return;
            };
            let pointer = pointer.to_string();
            if !pointer.starts_with("/x-") {
                found.push(place::at(
                    &file.path,
                    pointer,
                    format!("Compose stops at `{dollar}`: it begins no variable"),
                    "write two dollars for one",
                ));
            }
        });
    }
    found
}

/// What the catalog counts on, and nobody starts.
fn missing(stack: &Stack) -> Vec<Diagnostic> {
    let project = &stack.containers;
    let idle = project.containers.iter().filter(|container| {
        !container.started
            && (stack
                .catalog
                .service(&container.name)
                .is_some_and(|service| service.container)
                || container
                    .process
                    .name
                    .is_some_and(|name| project.running(name).next().is_none()))
    });
    let idle = idle.map(|container| {
        let key = if container.value["profiles"].items().next().is_some() {
            "profiles"
        } else {
            "scale"
        };
        place::in_container(
            container,
            key,
            format!("`docker compose up` does not start `{}`", container.name),
            "the catalog counts on it: take its profile away, and let it run once",
        )
    });
    let lost = stack.catalog.services.iter().filter(|service| {
        service.container
            && !project.containers.is_empty()
            && project.container(&service.name).is_none()
    });
    let lost = lost.map(|service| place::in_catalog(format!("/services/{}", service.name), format!("nothing starts `{}`", service.name), "render a container of this name, or write `build = false` when something else starts it"));
    idle.chain(lost).collect()
}

/// Names that are not declared.
fn references(stack: &Stack, container: &Container) -> Vec<Diagnostic> {
    let project = &stack.containers;
    let mut found = Vec::new();
    let mut say = |pointer: String, message: String, help: String| {
        found.push(place::in_container(container, &pointer, message, help))
    };
    let own = container.name.as_str();
    for name in names(&container.value["networks"]) {
        if name != "default" && !project.declared.networks.contains_key(&name) {
            let help = suggestion(&name, project.declared.networks.keys().map(String::as_str));
            say(
                "networks".to_string(),
                format!("`{own}` is in the network `{name}`, which is not declared"),
                help,
            );
        }
    }
    if container.networks.mode != Mode::Own && !container.value["networks"].is_null() {
        say(
            "network_mode".to_string(),
            format!("`{own}` has both `network_mode` and `networks`"),
            "leave one of them".to_string(),
        );
    }
    if let Mode::Of(other) = &container.networks.mode
        && container.value["network_mode"]
            .as_str()
            .is_some_and(|mode| mode.starts_with("service:"))
        && project.container(other).is_none()
    {
        say(
            "network_mode".to_string(),
            format!("`{own}` uses the network of `{other}`, which does not exist"),
            "name a service of the compose files".to_string(),
        );
    }
    for mount in &container.mounts {
        if let crate::stack::containers::mounts::Source::Volume(name) = &mount.source
            && !project.declared.volumes.contains_key(name)
        {
            let help = format!("declare it under `volumes`, or write `./{name}` for a folder");
            say(
                mount.pointer.clone(),
                format!("`{own}` mounts the volume `{name}`, which is not declared"),
                help,
            );
        }
        if mount.target.is_empty() || !mount.target.starts_with('/') && !mount.target.contains('$')
        {
            say(
                mount.pointer.clone(),
                format!(
                    "`{own}` mounts something at `{}`, which is no whole path",
                    mount.target
                ),
                "write a path from the root".to_string(),
            );
        }
    }
    // Compose, outside of a swarm, has nobody to ask for it.
    for (index, entry) in container.value["secrets"].items().enumerate() {
        let name = entry
            .as_str()
            .or(entry["source"].as_str())
            .unwrap_or_default();
        let declared = project.declared.secrets.get(name);
        if declared
            .is_some_and(|(declared, _)| scalar(&declared["external"]).as_deref() == Some("true"))
        {
            say(
                format!("secrets/{index}"),
                format!(
                    "`{own}` is given `{name}`, which is external: only a swarm has such secrets"
                ),
                "name its `file`".to_string(),
            );
        }
    }
    for (limit, own_key, pointer) in [
        ("memory", "mem_limit", "mem_limit"),
        ("cpus", "cpus", "cpus"),
        ("pids", "pids_limit", "pids_limit"),
    ] {
        let written = [
            scalar(&container.value["deploy"]["resources"]["limits"][limit]),
            scalar(&container.value[own_key]),
        ];
        if let [Some(one), Some(other)] = &written
            && one != other
        {
            say(
                pointer.to_string(),
                format!(
                    "`{own}` has `{own_key}: {other}` and {one} in `deploy`, which compose refuses"
                ),
                "keep one of them".to_string(),
            );
        }
    }
    let files: Vec<&Value> = match &container.value["env_file"] {
        Value::Array(list) => list.iter().collect(),
        Value::Null => Vec::new(),
        one => vec![one],
    };
    for (index, entry) in files.into_iter().enumerate() {
        let optional = entry["required"] == false;
        let path = scalar(entry).or_else(|| scalar(&entry["path"]));
        let Some(path) = path.filter(|path| !optional && !path.starts_with(['/', '~', '$'])) else {
            continue;
        };
        // What lies elsewhere is somebody else's.
        let whole = normal(&format!("{}/{path}", container.folder));
        let here = stack.files.at(whole.trim_start_matches('/')).is_some();
        if !here && !normal(&path).starts_with("..") {
            say(
                format!("env_file/{index}"),
                format!("`{own}` reads its variables from {path}, and nothing renders it"),
                "keep it outside of this folder, write `required: false`, or name the variables under `environment`".to_string(),
            );
        }
    }
    for (key, known) in [
        ("secrets", &project.declared.secrets),
        ("configs", &project.declared.configs),
    ] {
        for (index, entry) in container.value[key].items().enumerate() {
            let name = entry
                .as_str()
                .or(entry["source"].as_str())
                .unwrap_or_default();
            if !known.contains_key(name) {
                let help = suggestion(name, known.keys().map(String::as_str));
                say(
                    format!("{key}/{index}"),
                    format!("`{own}` is given `{name}`, which `{key}` does not declare"),
                    help,
                );
            }
        }
    }
    found
}

/// What a container waits for.
fn dependencies<'c>(
    container: &'c Container,
) -> impl Iterator<Item = (String, Option<&'c str>, bool)> {
    let written = &container.value["depends_on"];
    let listed = written.texts().map(|name| (name.to_string(), None, true));
    let mapped = written.entries().map(|(name, how)| {
        (
            name.clone(),
            how["condition"].as_str(),
            how["required"] != false,
        )
    });
    listed.chain(mapped)
}

fn waits(stack: &crate::stack::Stack, container: &Container) -> Vec<Diagnostic> {
    let project = &stack.containers;
    let mut found = Vec::new();
    for (wanted, condition, required) in dependencies(container) {
        let own = container.name.as_str();
        let help = "name a service of the compose files";
        let (message, help) = match (project.container(&wanted), condition) {
            (None, _) if !required => continue,
            (None, _) => (
                format!("`{own}` waits for `{wanted}`, which does not exist"),
                help,
            ),
            (Some(_), None) if container.value["depends_on"].is_object() => (
                format!(
                    "`{own}` waits for `{wanted}` without a `condition`, which compose refuses"
                ),
                "write `service_started`, `service_healthy`, or a list of names",
            ),
            (Some(other), _) if !other.started && required => (
                format!("`{own}` waits for `{wanted}`, which is not started"),
                "take its profile away",
            ),
            // An image that is not known may bring a check of its own.
            (Some(other), Some("service_healthy")) => match project.health(other) {
                Health::Off => (
                    format!(
                        "`{own}` waits until `{wanted}` is healthy, and its health check is switched off"
                    ),
                    "give it a health check",
                ),
                Health::None if other.image.is_some() => (
                    format!(
                        "`{own}` waits until `{wanted}` is healthy, and it has no health check"
                    ),
                    "give it one: its image has none",
                ),
                _ => continue,
            },
            (Some(other), Some("service_completed_successfully"))
                if other.process.name.is_some() || stack.catalog.service(&other.name).is_some() =>
            {
                (
                    format!("`{own}` waits until `{wanted}` has ended, and it is a server"),
                    "write `service_healthy`",
                )
            }
            _ => continue,
        };
        found.push(place::in_container(container, "depends_on", message, help));
    }
    found
}

/// Secrets and configs that come from nowhere.
fn sourceless(stack: &crate::stack::Stack) -> Vec<Diagnostic> {
    let declared = &stack.containers.declared;
    let mut found = Vec::new();
    for (what, all) in [
        ("secrets", &declared.secrets),
        ("configs", &declared.configs),
    ] {
        for (name, (value, file)) in all {
            let from = [
                "file",
                "environment",
                "external",
                "content",
                "driver",
                "template_driver",
            ];
            if what == "secrets" && scalar(&value["file"]).as_deref() == Some("/dev/null") {
                found.push(place::at(
                    file,
                    format!("/{what}/{name}/file"),
                    format!("the secret `{name}` is empty: /dev/null has nothing in it"),
                    "name the file that it is in",
                ));
            }
            if from.iter().all(|key| value[key].is_null()) {
                found.push(place::at(
                    file,
                    format!("/{what}/{name}"),
                    format!("`{name}` under `{what}` says not where it comes from, which compose refuses"),
                    "name its `file`",
                ));
            }
        }
    }
    found
}

/// Containers that wait for each other.
fn circle(project: &Project) -> Vec<Diagnostic> {
    let edges: HashMap<&str, Vec<String>> = project
        .started()
        .map(|container| {
            (
                container.name.as_str(),
                dependencies(container)
                    .map(|(wanted, _, _)| wanted)
                    .collect(),
            )
        })
        .collect();
    let reaches = |from: &str, to: &str| {
        let (mut seen, mut open) = (HashSet::new(), vec![from.to_string()]);
        while let Some(next) = open.pop() {
            for wanted in edges.get(next.as_str()).into_iter().flatten() {
                if wanted == to {
                    return true;
                }
                if seen.insert(wanted.clone()) {
                    open.push(wanted.clone());
                }
            }
        }
        false
    };
    let mut waiting = project
        .started()
        .filter(|container| dependencies(container).next().is_some());
    let first = waiting.find(|container| reaches(&container.name, &container.name));
    first
        .map(|container| {
            place::in_container(
                container,
                "depends_on",
                format!(
                    "`{}` waits for itself, by way of what it waits for",
                    container.name
                ),
                "take one of the two away",
            )
        })
        .into_iter()
        .collect()
}

/// What a container is made from.
fn sources(container: &Container) -> Vec<Diagnostic> {
    let build = &container.value["build"];
    if build.is_object() && build["context"].is_null() && build["dockerfile_inline"].is_null() {
        return vec![place::in_container(
            container,
            "build",
            format!(
                "`{}` is built from the folder of the compose file, where nothing renders a Dockerfile",
                container.name
            ),
            "name the folder of the Dockerfile in `context`",
        )];
    }
    let without = container.value["image"].is_null() && container.value["build"].is_null();
    let message = format!("`{}` has neither `image` nor `build`", container.name);
    without
        .then(|| place::in_container(container, "image", message, "name its image, with a tag"))
        .into_iter()
        .collect()
}

/// Networks of the stack's own with a driver that does not do what one of its own is for.
fn drivers(stack: &crate::stack::Stack) -> Vec<Diagnostic> {
    let mut found = Vec::new();
    for file in stack.files.compose() {
        for (name, network) in file.value["networks"].entries() {
            let driver = scalar(&network["driver"]).unwrap_or_default();
            let why = match driver.as_str() {
                "host" | "none" => "Docker has one such network, and makes no other",
                "macvlan" | "ipvlan" => {
                    "nothing is published there, and the machine is not reached from it"
                }
                "overlay" => "only a swarm has such networks",
                _ => continue,
            };
            let pointer = format!("/networks/{}/driver", step(name));
            let message = format!("the network `{name}` has the driver `{driver}`: {why}");
            let help = "take `driver` away: a bridge is what containers of one machine share";
            found.push(place::at(&file.path, pointer, message, help));
        }
    }
    found
}

/// Less than this no packet of IPv4 is sure to come through (RFC 791).
const LEAST_PACKET: u32 = 576;

/// Networks in which nothing has an address, or no packet comes through.
fn packets(stack: &crate::stack::Stack) -> Vec<Diagnostic> {
    let mut found = Vec::new();
    for file in stack.files.compose() {
        for (name, network) in file.value["networks"].entries() {
            let said = |key: &str| scalar(&network[key]);
            let mtu = "com.docker.network.driver.mtu";
            let size = scalar(&network["driver_opts"][mtu]);
            let size = size.and_then(|size| size.parse::<u32>().ok());
            let without = said("enable_ipv4").as_deref() == Some("false")
                && said("enable_ipv6").as_deref() != Some("true");
            let (key, why, help) = match size {
                _ if without => (
                    "enable_ipv4".to_string(),
                    "has addresses of neither kind, and Docker does not make it".to_string(),
                    "leave `enable_ipv4` out",
                ),
                Some(size) if size < LEAST_PACKET => (
                    format!("driver_opts/{mtu}"),
                    format!("has packets of {size} bytes at most, and hardly anything fits"),
                    "leave it out, or write that of the network below, as in 1450",
                ),
                _ => continue,
            };
            let pointer = format!("/networks/{}/{key}", step(name));
            found.push(place::at(
                &file.path,
                pointer,
                format!("the network `{name}` {why}"),
                help,
            ));
        }
    }
    found
}

/// A name that Compose takes for none of a project (loader.NormalizeProjectName of compose-go).
fn unnameable(stack: &crate::stack::Stack) -> Vec<Diagnostic> {
    let mut found = Vec::new();
    for file in stack.files.compose() {
        let name = scalar(&file.value["name"]).filter(|name| !name.contains('$'));
        let known = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || "-_".contains(c);
        let wrong = name.filter(|name| name.starts_with(['-', '_']) || !name.chars().all(known));
        found.extend(wrong.map(|name| {
            place::at(
                &file.path,
                "/name",
                format!("Compose refuses the project name `{name}`"),
                "write lower-case letters, digits, dashes and underscores, beginning with a letter or a digit",
            )
        }));
    }
    found
}

/// Files of one stack that are projects of different names: what one of them has started, the other starts again.
fn apart(stack: &crate::stack::Stack) -> Option<Diagnostic> {
    let named = |file: &crate::render::File| {
        let name = scalar(&file.value["name"])?;
        (!name.contains('$')).then_some(name)
    };
    let files = stack.files.compose().filter(|file| !file.is_own());
    let mut named = files.filter_map(|file| Some((file, named(file)?)));
    let (first, name) = named.next()?;
    let (other, own) = named.find(|(_, own)| *own != name)?;
    Some(place::at(
        &other.path,
        "/name",
        format!(
            "it is the project `{own}`, and {} is `{name}`: what is started with one, no command with the other finds",
            first.path
        ),
        "give both the same name",
    ))
}

/// The number behind a pointer's last step.
fn index_of(pointer: &str) -> usize {
    let last = pointer.rsplit('/').next().unwrap_or_default();
    last.parse().unwrap_or(usize::MAX)
}

/// Two containers at one port of the machine, or of one name.
fn ports(catalog: &Catalog, project: &Project) -> Vec<Diagnostic> {
    let mut found = Vec::new();
    let mut taken: HashMap<(u16, &str), Vec<(String, String)>> = HashMap::new();
    let mut called: HashMap<String, String> = HashMap::new();
    for container in project.started() {
        let own = &container.name;
        // Docker publishes nothing of a network that leads nowhere.
        if let (Mode::Own, false, Some(published)) = (
            &container.networks.mode,
            container.networks.open(),
            container.networks.published.first(),
        ) {
            found.push(place::in_container(container, &published.pointer,
                format!("`{own}` is published, and all its networks are `internal`: nothing reaches it from outside"),
                "take `internal` away, or join a network without it",
            ));
        }
        for published in &container.networks.published {
            let Some(port) = published.port else {
                continue;
            };
            let address = published
                .address
                .clone()
                .unwrap_or_else(|| "0.0.0.0".to_string());
            let others = taken
                .entry((port, published.protocol.as_str()))
                .or_default();
            let same = others.iter().find(|(other, _)| {
                *other == address || [other.as_str(), address.as_str()].contains(&"0.0.0.0")
            });
            if let Some((_, other)) = same {
                let message =
                    format!("`{own}` is published at port {port} of the machine, as `{other}` is");
                let mut taken = place::in_container(
                    container,
                    &published.pointer,
                    message,
                    "give each a port of its own",
                );
                // Where the catalog says the port, it is to be changed there.
                if catalog
                    .service(own)
                    .is_some_and(|service| service.port == port)
                {
                    taken.place = Place::Value(format!("/services/{}/port", step(own)));
                }
                found.push(taken);
            }
            let range = scalar(&container.value["ports"][index_of(&published.pointer)]);
            let range = range.is_some_and(|text| text.contains('-'));
            if container.replicas().is_some_and(|many| many > 1) && !range {
                let message = format!(
                    "`{own}` is started several times, and only one of them can be published at port {port} of the machine"
                );
                found.push(place::in_container(
                    container,
                    &published.pointer,
                    message,
                    "take the port away: other containers reach it by its name",
                ));
            }
            others.push((address, own.clone()));
        }
        if let Some(name) = &container.networks.called {
            if let Some(other) = called.insert(name.clone(), own.clone()) {
                let message = format!("`{own}` and `{other}` are both called {name}");
                found.push(place::in_container(
                    container,
                    "container_name",
                    message,
                    "give each a name of its own",
                ));
            }
            if container.replicas().is_some_and(|many| many > 1) {
                found.push(place::in_container(
                    container,
                    "container_name",
                    format!("several containers of `{own}` cannot all be called {name}"),
                    "take `container_name` away",
                ));
            }
        }
    }
    found
}
