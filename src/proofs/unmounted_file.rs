//! Every file that a configuration names exists where its process looks.

mod outside;

use super::{Check, Example, Proof, place};
use crate::artifacts::Role;
use crate::diagnostic::Diagnostic;
use crate::render::File;
use crate::stack::Stack;
use crate::stack::containers::Container;
use crate::stack::containers::mounts::{Sight, Source, places};
use crate::stack::document::walk;

pub(crate) const PROOF: Proof = Proof {
    code: "unmounted-file",
    doc: "A password, a token or a certificate that is not where a configuration names it: every scrape, every notification, every login that needs it fails, and only then is it noticed.",
    example: Example::Rendered {
        role: Role::Compose,
        pointer: "/services/grafana/environment/GF_SECURITY_ADMIN_PASSWORD__FILE",
        bad: r#""/run/secrets/grafana_password""#,
    },
    check: Check::Stack(|stack| {
        let mut found = Vec::new();
        for file in stack.files.configurations() {
            if let Some(reader) = stack.containers.readers(&file.path).next() {
                found.extend(named(stack, file, reader));
            }
        }
        for container in stack.containers.started() {
            found.extend(given(stack, container));
        }
        found.extend(outside::wrong(stack));
        found.extend(outside::by_two_names(stack));
        if let Some(grafana) = stack.containers.running("grafana").next() {
            for (file, pointer, source) in stack.files.datasources() {
                walk(source, &mut |inside, _, value| {
                    let path = value
                        .as_str()
                        .and_then(|text| text.strip_prefix("$__file{")?.strip_suffix('}'));
                    found.extend(path.and_then(|path| {
                        missing(
                            stack,
                            grafana,
                            path,
                            &file.path,
                            format!("{pointer}{inside}"),
                        )
                    }));
                });
            }
        }
        found
    }),
};

/// Files in a configuration: the values of keys that end in `_file`.
fn named(stack: &Stack, file: &File, reader: &Container) -> Vec<Diagnostic> {
    let place = places(&reader.mounts, &file.path)
        .next()
        .unwrap_or_default();
    let folder = place.rsplit_once('/').map_or("/", |(folder, _)| folder);
    let mut found = Vec::new();
    walk(&file.value, &mut |pointer, key, value| {
        let socket = value.as_str().filter(|_| key == "host");
        if let Some(path) = socket.and_then(|host| host.strip_prefix("unix://")) {
            let pointer = pointer.to_string();
            found.extend(missing(stack, reader, path, &file.path, pointer));
            return;
        }
        let list = pointer.is_inside("files") && pointer.is_inside("file_sd_configs");
        let (true, Some(path)) = (list || key.ends_with("_file"), value.as_str()) else {
            return;
        };
        // Prometheus and the Alertmanager look beside their configuration.
        let path = match path.starts_with('/') {
            true => path.to_string(),
            false => format!("{folder}/{path}"),
        };
        if list {
            let pointer = pointer.to_string();
            found.extend(unlisted(stack, reader, &path, &file.path, &pointer));
            return;
        }
        found.extend(missing(
            stack,
            reader,
            &path,
            &file.path,
            pointer.to_string(),
        ));
    });
    found
}

/// Files in a command or an environment: the web configuration of a server, and variables that end in `_FILE`.
fn given(stack: &Stack, container: &Container) -> Vec<Diagnostic> {
    let mut found = Vec::new();
    let compose = &container.file.path;
    let web = container
        .process
        .program
        .and_then(|program| program.web_config.as_ref());
    if let Some(flag) = web
        .and_then(|flag| container.process.flag(flag))
        .filter(|flag| !flag.value.is_empty())
    {
        found.extend(missing(
            stack,
            container,
            &flag.value,
            compose,
            container.argument(flag.index),
        ));
    }
    found.extend(folders(stack, container));
    for (name, value) in &container.environment {
        let path = value.as_deref().filter(|value| !value.is_empty());
        // Grafana reads a value from a file too.
        let inside = path.and_then(|value| value.strip_prefix("$__file{")?.strip_suffix('}'));
        let path = inside.or(path.filter(|_| name.ends_with("_FILE")));
        let pointer = match container.value["environment"].is_object() {
            true => container.at(&format!("environment/{name}")),
            false => container.at("environment"),
        };
        found.extend(path.and_then(|path| missing(stack, container, path, compose, pointer)));
    }
    for word in container.value["healthcheck"]["test"]
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(|word| word.as_str())
    {
        let path = word.strip_prefix("--http.config.file=");
        found.extend(path.and_then(|path| {
            missing(
                stack,
                container,
                path,
                compose,
                container.at("healthcheck/test"),
            )
        }));
    }
    found
}

/// Folders of the machine that its program looks at: those of the container itself, unless they are mounted. What the catalog says of
/// its own services is judged there.
fn folders(stack: &Stack, container: &Container) -> Vec<Diagnostic> {
    let process = &container.process;
    let of_catalog = stack.catalog.service(&container.name).is_some();
    let known = process
        .program
        .into_iter()
        .flat_map(|program| &program.flags);
    let known = known.filter_map(|(name, flag)| Some((name, flag.folder.as_deref()?)));
    let mut found = Vec::new();
    for (name, own) in known.filter(|(_, own)| !of_catalog || *own != "/") {
        let given = process.flag(name).filter(|flag| flag.value != own);
        let seen = |path: &str| matches!(container.sees(path), Sight::Mounted(..));
        if let Some(flag) = given.filter(|flag| !flag.value.contains('$') && !seen(&flag.value)) {
            found.push(place::of_flag(
                container,
                flag,
                format!(
                    "`{}` looks for the machine's files in {}, where nothing is mounted",
                    container.name, flag.value
                ),
                format!("mount the machine's {own} there, or write the place where it is mounted"),
            ));
        }
        let whole = container.mounts.iter().find(|mount| {
            own == "/" && matches!(&mount.source, Source::Outside(folder) if folder == "/")
        });
        if let Some(whole) = whole.filter(|_| process.flag(name).is_none()) {
            found.push(place::in_container(
                container,
                &whole.pointer,
                format!(
                    "`{}` sees the machine's files in {}, and measures those of its own container",
                    container.name, whole.target
                ),
                format!("add `--{name}={}` to its `command`", whole.target),
            ));
        }
    }
    found
}

/// A list of targets, whose folder another program fills: it has to be a mounted one.
fn unlisted(
    stack: &Stack,
    reader: &Container,
    path: &str,
    file: &str,
    pointer: &str,
) -> Option<Diagnostic> {
    let folder = path.rsplit_once('/').map_or("/", |(folder, _)| folder);
    let filled = |rendered: &str| {
        let inside = format!("{rendered}/");
        let mut files = stack.files.all();
        files.any(|file| file.path.starts_with(&inside))
    };
    nothing_there(reader, &reader.absolute(folder), filled).then(|| {
        let message = format!(
            "`{}` looks for targets in {path}, where nothing is",
            reader.name
        );
        let help = "mount the folder that the lists of targets are in";
        place::at(file, pointer, message, help)
    })
}

/// A finding when nothing is mounted at a path, or only what is rendered and does not have it.
fn missing(
    stack: &Stack,
    container: &Container,
    path: &str,
    file: &str,
    pointer: String,
) -> Option<Diagnostic> {
    if path.contains('$') {
        return None;
    }
    let path = container.absolute(path);
    let lost = nothing_there(container, &path, |rendered| {
        stack.files.at(rendered).is_some()
    });
    lost.then(|| {
        place::at(
            file,
            pointer,
            format!("`{}` looks for {path}, where nothing is", container.name),
            "give it the secret, or the mount, that brings the file there",
        )
    })
}

/// Whether nothing is mounted at a path, or only what is rendered and is not `there`.
fn nothing_there(container: &Container, path: &str, there: impl Fn(&str) -> bool) -> bool {
    let sight = container.sees(path);
    match (&sight, sight.rendered()) {
        (_, Some(rendered)) => !there(&rendered),
        // An image that is not known may bring it.
        (Sight::Image, _) => container.image.is_some(),
        (Sight::Mounted(mount, _), _) => matches!(mount.source, Source::Memory),
    }
}
