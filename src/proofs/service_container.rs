//! The container of a service is what the catalog says of it.

use super::{Check, Example, Proof, place};
use crate::artifacts::Role;
use crate::catalog::{Catalog, Service};
use crate::stack::containers::Container;
use crate::stack::containers::mounts::Sight;
use crate::stack::containers::text::{normal, scalar};

pub(crate) const PROOF: Proof = Proof {
    code: "service-container",
    doc: "A variable, a volume or an argument that does not reach the container, another image, or another port: the service starts, and does something else than the catalog says, such as an exporter that asks no database.",
    example: Example::Rendered {
        role: Role::Compose,
        pointer: "/services/checkout/environment/PORT",
        bad: r#""8999""#,
    },
    check: Check::Stack(|stack| {
        let mut found = Vec::new();
        for container in stack.containers.started() {
            let Some(service) = stack.catalog.service(&container.name) else {
                continue;
            };
            let wrong = environment(container, service)
                .into_iter()
                .chain(ports(container, service))
                .chain(volumes(container, service))
                .chain(secrets(container, service))
                .chain(program(stack.catalog, container, service));
            found.extend(wrong.map(|(key, message, help)| {
                let message = format!("`{}` {message}", service.name);
                place::at(&container.file.path, container.at(key), message, help)
            }));
        }
        found
    }),
};

type Wrong = (&'static str, String, String);

/// Whether Compose fills in what only the machine knows on which it runs.
fn outside(text: &str) -> bool {
    text.replace("$$", "").contains('$')
}

/// Variables that it does not get, or with another value.
fn environment(container: &Container, service: &Service) -> Vec<Wrong> {
    // A file of variables may say anything.
    if !container.value["env_file"].is_null() {
        return Vec::new();
    }
    let wrong = service.environment.iter().filter_map(|(name, said)| {
        let told = container.environment.iter().rev();
        let mut told = told.filter(|(known, _)| known == name);
        let message = match told.next() {
            None => format!("is not told `{name}`"),
            Some((_, Some(value))) if !outside(value) && value.replace("$$", "$") != *said => {
                format!("gets `{value}` as `{name}`, the catalog says `{said}`")
            }
            Some(_) => return None,
        };
        let help = "render the catalog's `environment`".to_string();
        Some(("environment", message, help))
    });
    wrong.collect()
}

/// Ports that it is told to listen at, and that nobody asks.
fn ports(container: &Container, service: &Service) -> Vec<Wrong> {
    let told = [
        ("PORT", Some(service.port)),
        ("METRICS_PORT", service.metrics_port),
    ];
    let wrong = told.into_iter().filter_map(|(name, meant)| {
        let meant = meant.filter(|_| !service.environment.contains_key(name))?;
        let port: u16 = container.variable(name)?.parse().ok()?;
        (port != meant).then(|| {
            let message = format!("is told to listen at {port}, and is asked at {meant}");
            (
                "environment",
                message,
                format!("write {meant} into `{name}`"),
            )
        })
    });
    let here = container
        .variable("HOST")
        .filter(|_| !service.environment.contains_key("HOST"));
    let alone = here.filter(|host| {
        let address = host.parse::<std::net::IpAddr>();
        *host == "localhost" || address.is_ok_and(|address| !address.is_unspecified())
    });
    let alone = alone.map(|host| {
        let message =
            format!("is told to listen at {host} only, and is asked from other containers");
        (
            "environment",
            message,
            "write 0.0.0.0 into `HOST`".to_string(),
        )
    });
    wrong.chain(alone).collect()
}

/// Paths at which nothing is mounted.
fn volumes(container: &Container, service: &Service) -> Vec<Wrong> {
    let wrong = service.volumes.iter().filter_map(|volume| {
        let target = normal(volume.split(':').nth(1)?);
        let mut mounted = container.mounts.iter();
        (!mounted.any(|mount| normal(&mount.target) == target)).then(|| {
            let message = format!("has nothing mounted at {target}, the catalog says `{volume}`");
            (
                "volumes",
                message,
                "render the catalog's `volumes`".to_string(),
            )
        })
    });
    wrong.collect()
}

/// Files that it is told to read, and that are not in its container; what is built here may have them in its image.
fn secrets(container: &Container, service: &Service) -> Vec<Wrong> {
    let told = service.environment.iter();
    let told = told.filter(|(name, path)| {
        name.ends_with("_FILE") && path.starts_with('/') && service.image.is_some()
    });
    let wrong = told.filter_map(|(name, path)| {
        let there = matches!(container.sees(path), Sight::Mounted(..));
        (!there).then(|| {
            let message = format!("is told to read {path}, and nothing is mounted there");
            (
                "environment",
                message,
                format!("mount it with `volumes`, or correct `{name}`"),
            )
        })
    });
    wrong.collect()
}

/// Another image, other arguments, more or fewer of it.
fn program(catalog: &Catalog, container: &Container, service: &Service) -> Vec<Wrong> {
    let mut wrong = Vec::new();
    let mut say = |key, message, own: &str| {
        wrong.push((key, message, format!("render the catalog's `{own}`")));
    };
    let image = scalar(&container.value["image"]).filter(|image| !outside(image));
    if let (Some(image), Some(said)) = (image, &service.image)
        && image != *said
    {
        say(
            "image",
            format!("runs {image}, the catalog says {said}"),
            "image",
        );
    }
    let stage = scalar(&container.value["build"]["target"]);
    let of_another = |stage: &String| {
        let mut others = catalog.services.iter();
        *stage != service.name && others.any(|other| other.name == *stage && other.build)
    };
    if let Some(stage) = stage.filter(of_another) {
        wrong.push((
            "build",
            format!("is built from the stage of the service `{stage}`"),
            "write its own name as `target`".to_string(),
        ));
    }
    let mut say = |key, message, own: &str| {
        wrong.push((key, message, format!("render the catalog's `{own}`")));
    };
    let given = container.process.words.iter();
    let words: Vec<String> = given.clone().map(|word| word.replace("$$", "$")).collect();
    if !words.ends_with(&service.command) && !given.clone().any(|word| outside(word)) {
        let said = service.command.join(" ");
        say(
            "command",
            format!("does not get the arguments that the catalog says: {said}"),
            "command",
        );
    }
    if let Some(many) = container.replicas()
        && many != service.replicas
    {
        say(
            "deploy",
            format!(
                "is started {many} times, the catalog says {}",
                service.replicas
            ),
            "replicas",
        );
    }
    wrong
}
