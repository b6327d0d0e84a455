//! The container of a service is what the catalog says of it.

use super::{Check, Example, Proof, place};
use crate::artifacts::Role;
use crate::catalog::Service;
use crate::lints::mistaken_exporter::{Written, mistakes};
use crate::lints::uncollected_metric::uncollected;
use crate::source::step;
use crate::stack::Stack;
use crate::stack::containers::mounts::{Sight, Source};
use crate::stack::containers::text::{names, normal, pairs, scalar, unreadable_dollar};
use crate::stack::containers::{Container, Project};
use crate::value::Value;
use std::collections::HashMap;

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
        let staged = staged(&stack.containers);
        for container in stack.containers.started() {
            let Some(service) = stack.catalog.service(&container.name) else {
                continue;
            };
            let wrong = filled_in(container, service)
                .into_iter()
                .chain(environment(container, service))
                .chain(ports(container, service))
                .chain(volumes(stack, container, service))
                .chain(secrets(container, service))
                .chain(program(stack, &staged, container, service))
                .chain(granted(container, service))
                .chain(exporter(stack, container, service));
            found.extend(wrong.map(|(key, message, help)| {
                let said = [message.as_str(), help.as_str()];
                let line = named_in(&container.value[key], &said);
                let key = line.map_or(key.to_string(), |name| format!("{key}/{}", step(name)));
                let message = format!("`{}` {message}", service.name);
                place::in_container(container, &key, message, help)
            }));
        }
        found
    }),
};

type Wrong = (&'static str, String, String);

/// The entry of a table that a sentence is about, where it names one.
fn named_in<'t>(table: &'t Value, said: &[&str]) -> Option<&'t str> {
    let mut names = table.entries().map(|(name, _)| name.as_str());
    names.find(|name| said.iter().any(|text| text.contains(&format!("`{name}`"))))
}

/// Whether Compose fills in what only the machine knows on which it runs.
fn outside(text: &str) -> bool {
    text.replace("$$", "").contains('$')
}

/// What the catalog says with a dollar, and the file too: Compose puts in its place what it knows by the name behind it, and wants two
/// dollars for one.
fn filled_in(container: &Container, service: &Service) -> Vec<Wrong> {
    let mut wrong = Vec::new();
    let tables = [
        ("environment", &service.environment),
        ("labels", &service.container_labels),
    ];
    let mut say = |key: &'static str, said: &str, name: Option<&str>| {
        let name = name.map_or(String::new(), |name| format!(" as `{name}`"));
        let message = format!("gets what Compose puts in place of the dollar in `{said}`{name}");
        let help = "write two dollars for one: `replace(\"$\", \"$$\")`".to_string();
        wrong.push((key, message, help));
    };
    // At a dollar with no name behind it Compose stops: that is said of whatever it stands in.
    let taken = |text: &str| outside(text) && unreadable_dollar(text).is_none();
    for (key, table) in tables {
        let written = &container.value[key];
        for (name, said) in table.iter().filter(|(_, said)| taken(said)) {
            let listed = format!("{name}={said}");
            let as_it_is = written[name.as_str()] == said.as_str()
                || written.texts().any(|item| item == listed);
            if as_it_is {
                say(key, said, Some(name));
            }
        }
    }
    let words = container.value["command"].texts();
    let mut words = words.filter(|word| taken(word));
    let word = words.find(|word| service.command.iter().any(|said| said == word));
    if let Some(word) = word {
        say("command", word, None);
    }
    wrong
}

/// Variables that it does not get, or with another value.
fn environment(container: &Container, service: &Service) -> Vec<Wrong> {
    // A file of variables may say anything.
    if container.told_elsewhere {
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
        let written = container
            .variable(name)
            .filter(|written| !outside(written))?;
        (written.parse() != Ok(meant)).then(|| {
            let message = format!("is told to listen at {written}, and is asked at {meant}");
            (
                "environment",
                message,
                format!("write {meant} into `{name}`"),
            )
        })
    });
    let untold = untold(container, service);
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
    wrong.chain(alone).chain(untold).collect()
}

/// What is built from the catalog's Dockerfile and is not Python is told its port by `PORT`; nothing else says it.
fn untold(container: &Container, service: &Service) -> Option<Wrong> {
    let built = service.image.is_none() && service.runtime != "python";
    let elsewhere = container.told_elsewhere
        || service.environment.contains_key("PORT")
        || container.value["build"]["dockerfile"].is_string();
    let port = service.port.to_string();
    let words = container.process.words.iter();
    let values = container
        .environment
        .iter()
        .map(|(_, value)| value.as_deref());
    let mut said = words.map(String::as_str).chain(values.flatten());
    let told = container.environment.iter().any(|(name, _)| name == "PORT");
    let lost =
        built && !elsewhere && !told && !said.any(|text| text.contains(&port) || outside(text));
    lost.then(|| {
        (
            "environment",
            format!("is not told its port, and is asked at {port}"),
            format!("write {port} into `PORT`"),
        )
    })
}

/// Paths at which nothing is mounted, or something else, or for reading alone.
fn volumes(stack: &Stack, container: &Container, service: &Service) -> Vec<Wrong> {
    let wrong = service.volumes.iter().filter_map(|volume| {
        let platform = &stack.catalog.platform;
        // The catalog's paths begin at its own folder.
        let written = match volume.strip_prefix('.') {
            Some(rest) if rest.starts_with('/') => format!("{}{rest}", platform.root),
            _ => volume.clone(),
        };
        let said = stack
            .containers
            .mount(container, &written, &platform.output)?;
        let target = said.target.as_str();
        let mut mounted = container.mounts.iter();
        let there = mounted.rfind(|mount| mount.target == said.target);
        let message = match there {
            None => format!("has nothing mounted at {target}, the catalog says `{volume}`"),
            Some(there) if matches!(&there.source, Source::Outside(path) if outside(path)) => {
                return None;
            }
            Some(there) if there.source != said.source => {
                format!("has another thing mounted at {target} than the catalog says: `{volume}`")
            }
            Some(there) if there.read_only && !said.read_only => {
                format!("may not write to {target}, the catalog says `{volume}`")
            }
            Some(there) if !there.read_only && said.read_only => {
                format!("may write to {target}, the catalog says `{volume}`")
            }
            Some(_) => return None,
        };
        let help = "render the catalog's `volumes`".to_string();
        Some(("volumes", message, help))
    });
    wrong.collect()
}

/// What it may do on its machine, and is told of it, otherwise than the catalog says.
fn granted(container: &Container, service: &Service) -> Vec<Wrong> {
    let mut wrong = Vec::new();
    let mut say = |key, message: String, own: &str| {
        wrong.push((key, message, format!("render the catalog's `{own}`")));
    };
    let value = &container.value;
    let words = [
        ("network_mode", &service.network_mode),
        ("pid", &service.pid),
        ("user", &service.user),
    ];
    for (key, said) in words {
        let there = scalar(&value[key]);
        if there != *said && !there.as_deref().is_some_and(outside) {
            let shown = |word: &Option<String>| match word {
                Some(word) => format!("`{word}`"),
                None => "nothing".to_string(),
            };
            let message = format!(
                "has {} as `{key}`, the catalog says {}",
                shown(&there),
                shown(said)
            );
            say(key, message, key);
        }
    }
    if (value["privileged"] == true) != service.privileged {
        let message = match service.privileged {
            true => "is not privileged, as the catalog says".to_string(),
            false => {
                "may do all that the machine's administrator may, and the catalog does not say so"
                    .to_string()
            }
        };
        say("privileged", message, "privileged");
    }
    let list = |key: &str| -> Vec<String> {
        let texts = value[key].texts().map(str::to_string);
        texts.collect()
    };
    let apart = |network: &&String| !container.networks.joins(network);
    if let Some(lost) = service.networks.iter().find(apart) {
        say(
            "networks",
            format!("is not in the network {lost}"),
            "networks",
        );
    }
    let devices = list("devices");
    if let Some(lost) = service.devices.iter().find(|one| !devices.contains(one)) {
        say("devices", format!("may not use {lost}"), "devices");
    }
    let files = list("env_file");
    let read = |file: &&String| {
        let name = file.trim_start_matches('.');
        !files.iter().any(|known| known.ends_with(name))
    };
    if let Some(lost) = service.env_file.iter().find(read) {
        let message = format!("does not read its variables from {lost}");
        say("env_file", message, "env_file");
    }
    let before = names(&value["depends_on"]);
    if let Some(lost) = service.depends_on.iter().find(|one| !before.contains(one)) {
        let message = format!("does not wait for `{lost}`, as the catalog says");
        say("depends_on", message, "depends_on");
    }
    let published = |port: &&crate::catalog::Port| {
        let mut all = container.networks.published.iter();
        !all.any(|one| {
            one.port == Some(port.published)
                && one.target == port.target
                && one.protocol == port.protocol
        })
    };
    if let Some(lost) = service.extra_ports.iter().find(published) {
        let message = format!("is not published at {}", lost.written);
        say("ports", message, "extra_ports");
    }
    let labels = pairs(&value["labels"], &['=']);
    let lost = service.container_labels.iter().find(|(label, said)| {
        let mut all = labels.iter();
        !all.any(|(known, value)| {
            let value = value.as_deref().unwrap_or_default();
            known == *label && (outside(value) || value.replace("$$", "$") == **said)
        })
    });
    if let Some((label, _)) = lost {
        let message = format!("does not have the label `{label}` as the catalog says");
        say("labels", message, "container_labels");
    }
    wrong
}

/// How an exporter answers when it is started as its container says: what a flag or a variable changes that the catalog does not know of.
fn exporter(stack: &Stack, container: &Container, service: &Service) -> Vec<Wrong> {
    let catalog = stack.catalog;
    if service.image.is_none() || container.told_elsewhere {
        return Vec::new();
    }
    let command = container.process.words[container.process.entrypoint..].iter();
    let command: Vec<String> = command.map(|word| word.replace("$$", "$")).collect();
    let environment = container.environment.iter();
    let environment = environment
        .filter_map(|(name, value)| Some((name.clone(), value.as_deref()?.replace("$$", "$"))));
    let environment = environment.collect();
    if command == service.command && environment == service.environment {
        return Vec::new();
    }
    let started = Service {
        command,
        environment,
        ..service.clone()
    };
    let key = |pointer: &str| match pointer.starts_with("command") {
        true => "command",
        false => "environment",
    };
    let known = mistakes(catalog, service);
    let misled = mistakes(catalog, &started).into_iter();
    let misled = misled.filter(|one| !known.iter().any(|other| other.message == one.message));
    let misled = misled.filter_map(|one| match one.place {
        Written::Below(pointer) => Some((key(&pointer), one.message, one.help)),
        Written::Key(_) => None,
    });
    let known = uncollected(catalog, service);
    let lost = uncollected(catalog, &started).into_iter();
    let lost = lost.filter(|one| !known.iter().any(|other| other.message == one.message));
    let lost = lost.filter_map(|one| Some((key(&one.place?), one.message, one.help)));
    // The sentences begin with the name of the service, as every one here does.
    let rest = |message: String| {
        let named = format!("`{}` ", service.name);
        message.strip_prefix(&named).map(str::to_string)
    };
    let all = misled.chain(lost);
    all.filter_map(|(key, message, help)| Some((key, rest(message)?, help)))
        .collect()
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

/// The folder and the name of a Dockerfile.
type Dockerfile = (String, Option<String>);

fn dockerfile(container: &Container) -> Option<Dockerfile> {
    let build = &container.value["build"];
    let context = scalar(build).or_else(|| scalar(&build["context"]))?;
    Some((normal(&context), scalar(&build["dockerfile"])))
}

/// Dockerfiles of which containers are built from a stage that they name → the first of those.
fn staged<'p>(project: &'p Project) -> HashMap<Dockerfile, &'p str> {
    let mut found = HashMap::new();
    for container in project.started() {
        if container.value["build"]["target"].is_string()
            && let Some(own) = dockerfile(container)
        {
            found.entry(own).or_insert(container.name.as_str());
        }
    }
    found
}

/// Whether nothing but the stage of its Dockerfile tells a container what to run.
fn runs_its_stage(container: &Container) -> bool {
    let told = ["command", "entrypoint"].map(|key| &container.value[key]);
    let told = told.into_iter().any(|told| !told.is_null());
    !told && container.value["build"]["dockerfile_inline"].is_null()
}

/// Programs that end, or wait, and answer nobody.
const IDLE: [&str; 9] = [
    "sleep", "tail", "true", "false", "echo", "cat", "ls", "yes", "printenv",
];

/// Another image, other arguments, more or fewer of it.
fn program(
    stack: &Stack,
    staged: &HashMap<Dockerfile, &str>,
    container: &Container,
    service: &Service,
) -> Vec<Wrong> {
    let catalog = stack.catalog;
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
    if stage.is_none()
        && runs_its_stage(container)
        && let Some(other) = dockerfile(container).and_then(|own| staged.get(&own))
    {
        wrong.push((
            "build",
            format!("is built from the last stage of the Dockerfile of which `{other}` is another"),
            "write its own name as `target`".to_string(),
        ));
    }
    if let Some(stage) = stage.filter(of_another) {
        wrong.push((
            "build",
            format!("is built from the stage of the service `{stage}`"),
            "write its own name as `target`".to_string(),
        ));
    }
    let first = container.process.words.first();
    let program = first.and_then(|word| word.rsplit('/').next());
    if let Some(program) = program.filter(|program| IDLE.contains(program)) {
        let key = match container.value["entrypoint"].is_null() {
            true => "command",
            false => "entrypoint",
        };
        wrong.push((
            key,
            format!("runs `{program}`, which serves nothing"),
            "let it run its server".to_string(),
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
