//! Files of the machine: each is the one that the catalog names, or that the commands at the top of a compose file make, and whoever needs it may read it.

use crate::catalog::Catalog;
use crate::diagnostic::Diagnostic;
use crate::proofs::place;
use crate::stack::Stack;
use crate::stack::containers::Container;
use crate::stack::containers::mounts::{Mount, Source};
use crate::stack::containers::text::{filled, normal, scalar};
use crate::stack::document::walk;
use std::collections::BTreeMap;

/// What the commands in the comments of a compose file make before the first start. Paths begin at the root of the catalog.
struct Made {
    files: Vec<String>,
    folders: Vec<String>,
    /// The group that may read what is below these folders, by number.
    readers: Option<(String, Vec<String>)>,
}

/// Whose commands make something in another place than it is looked for.
pub(super) fn wrong(stack: &Stack) -> Vec<Diagnostic> {
    let mut found = Vec::new();
    let servers = stack.containers.started();
    for container in servers.filter(|container| container.serves(stack.files)) {
        let made = Made::by(stack.catalog, container);
        for mount in &container.mounts {
            let Source::Outside(written) = &mount.source else {
                continue;
            };
            let Some(host) = path(stack.catalog, container, written) else {
                continue;
            };
            let given = Given {
                container,
                mount,
                host: &host,
            };
            let message = given.another(stack.catalog).or_else(|| given.unmade(&made));
            if let Some((message, help)) = message {
                let pointer = container.at(&mount.pointer);
                found.push(place::at(&container.file.path, pointer, message, help));
            } else if let Some(group) = given.unreadable(&made) {
                found.push(place::in_container(container, "user",
                    format!(
                        "`{}` may not read {host}: that is for the group {group}, which it is not in",
                        container.name
                    ),
                    format!("write `group_add: [\"{group}\"]`, or give the user that group"),
                ));
                break;
            }
        }
    }
    found
}

/// A path of the machine from the root of the catalog; of one that is whole, the path itself. None: only the machine knows it.
fn path(catalog: &Catalog, container: &Container, written: &str) -> Option<String> {
    if !written.starts_with('$') {
        // What was relative begins at the root already.
        return Some(normal(written)).filter(|path| !path.starts_with('~'));
    }
    let text = filled(written);
    match text.starts_with(['$', '~']) || text.contains('$') {
        true => None,
        false => Some(from_root(catalog, container, &text)),
    }
}

/// The same of a path as it is written in a file of the container.
fn from_root(catalog: &Catalog, container: &Container, written: &str) -> String {
    if written.starts_with('/') {
        return normal(written);
    }
    let folder = container.file.path.rsplit_once('/');
    let folder = folder.map_or("", |(folder, _)| folder);
    normal(&format!("{}/{folder}/{written}", catalog.platform.output))
}

impl Made {
    fn by(catalog: &Catalog, container: &Container) -> Made {
        let mut made = Made {
            files: Vec::new(),
            folders: Vec::new(),
            readers: None,
        };
        let here = |word: &str| from_root(catalog, container, word.trim_end_matches("/*"));
        let comments = container.file.text.lines();
        for line in comments.filter_map(|line| line.trim_start().strip_prefix('#')) {
            let words: Vec<&str> = line.split_whitespace().collect();
            for (index, word) in words.iter().enumerate() {
                let rest = &words[index + 1..];
                match (*word, rest) {
                    (">", [to, ..]) => made.files.push(here(to)),
                    ("mkdir", ["-p", folder, ..]) => made.folders.push(here(folder)),
                    ("chgrp", ["-R", group, folders @ ..])
                        if group.parse::<u32>().is_ok() && !folders.is_empty() =>
                    {
                        let folders = folders.iter().take_while(|word| !word.starts_with('&'));
                        let folders = folders.map(|folder| here(folder)).collect();
                        made.readers = Some((group.to_string(), folders));
                    }
                    _ => {}
                }
            }
        }
        made
    }
}

/// Something of the machine that a container is given.
struct Given<'g> {
    container: &'g Container<'g>,
    mount: &'g Mount,
    host: &'g str,
}

impl Given<'_> {
    /// What it is called: by the path at which it is seen, and by the name under which it is declared.
    fn names(&self) -> Vec<String> {
        let seen = self.mount.target.rsplit('/').next().unwrap_or_default();
        let entry = self
            .container
            .value
            .pointer(&format!("/{}", self.mount.pointer));
        let secret = self.mount.pointer.starts_with("secrets/");
        let entry = entry.filter(|_| secret);
        let declared = entry.and_then(|entry| scalar(entry).or_else(|| scalar(&entry["source"])));
        declared.into_iter().chain([seen.to_string()]).collect()
    }

    /// Another file than the catalog names for what lets in to a service.
    fn another(&self, catalog: &Catalog) -> Option<(String, String)> {
        let names = self.names();
        let mut secrets = catalog.scrape_secrets.iter();
        let secret = secrets.find(|secret| names.contains(&secret.name))?;
        let below = normal(&secret.file);
        let tail = below.strip_prefix("secrets/").unwrap_or(&below);
        let same = self.host == tail
            || self
                .host
                .strip_suffix(tail)
                .is_some_and(|rest| tail.starts_with('/') || rest.ends_with('/'));
        (!same).then(|| {
            (
                format!(
                    "`{}` is given {} as `{}`, the catalog says {}",
                    self.container.name, self.host, secret.name, secret.file
                ),
                format!("name {}", secret.file),
            )
        })
    }

    /// What the commands make for it in another place, or make for another purpose.
    fn unmade(&self, made: &Made) -> Option<(String, String)> {
        let names = self.names();
        let stem = |path: &str| {
            let name = path.rsplit('/').next().unwrap_or_default();
            name.split('.').next().unwrap_or_default().to_string()
        };
        let called = |path: &String| names.iter().any(|name| stem(name) == stem(path));
        let own = self.container.name.as_str();
        if made.files.iter().any(|file| file == self.host) {
            let other = names.iter().all(|name| stem(name) != stem(self.host));
            return other.then(|| {
                (
                    format!("`{own}` reads {} as `{}`", self.host, names[0]),
                    "give it the file that is meant: this one is somebody else's secret"
                        .to_string(),
                )
            });
        }
        let file = made.files.iter().find(|file| called(file));
        let folder = made.folders.iter();
        let folder = || {
            folder
                .clone()
                .find(|folder| stem(folder) == stem(self.host))
        };
        let meant = file.or_else(folder)?;
        // Whoever keeps it in a place of his own writes the whole path.
        let elsewhere = self.host.starts_with('/') || self.host == meant;
        (!elsewhere).then(|| {
            (
                format!(
                    "`{own}` is given {}, and the commands at the top of the file make {meant}",
                    self.host
                ),
                "write the same path in both".to_string(),
            )
        })
    }

    /// The group that alone may read it, when its container is not in it.
    fn unreadable(&self, made: &Made) -> Option<String> {
        let (group, folders) = made.readers.as_ref()?;
        let below = |folder: &String| {
            let rest = self.host.strip_prefix(folder.as_str());
            rest.is_some_and(|rest| rest.starts_with('/'))
        };
        if !folders.iter().any(below) {
            return None;
        }
        let value = &self.container.value;
        let user = self.container.user()?;
        let (user, own) = user.split_once(':').unwrap_or((&user, "0"));
        let more = value["group_add"].as_array().into_iter().flatten();
        let mut groups: Vec<String> = more.filter_map(scalar).collect();
        groups.push(own.to_string());
        let number = |group: &String| match group.as_str() {
            "nobody" | "nogroup" => "65534".to_string(),
            "root" => "0".to_string(),
            group => group.to_string(),
        };
        let groups: Vec<String> = groups.iter().map(number).collect();
        // Of a name or a variable only the image or the machine knows the number; root reads everything that nobody takes from it.
        let known = groups.iter().all(|group| group.parse::<u32>().is_ok());
        let root = ["0", "root"].contains(&user);
        (known && !root && !groups.contains(group)).then(|| group.clone())
    }
}

/// A folder of the machine that two variables stand for: whoever sets the one, as the file says, moves only half of what is in it.
pub(super) fn by_two_names(stack: &Stack) -> Vec<Diagnostic> {
    let mut names: BTreeMap<String, String> = BTreeMap::new();
    let mut found = Vec::new();
    for file in stack.files.compose() {
        walk(&file.value, &mut |pointer, _, value| {
            let text = value.as_str().unwrap_or_default();
            let Some((name, default)) = variable(text).filter(|(_, path)| path.contains('/'))
            else {
                return;
            };
            let known = names.entry(default.to_string());
            let known = known.or_insert_with(|| name.to_string());
            if *known != name {
                found.push(place::at(
                    &file.path,
                    pointer.to_string(),
                    format!("{default} is `{name}` here, and `{known}` elsewhere: whoever sets one of them moves half of it"),
                    format!("write `{known}`"),
                ));
            }
        });
    }
    found
}

/// The variable that a text begins with, and what stands for it where it is not set.
fn variable(text: &str) -> Option<(&str, &str)> {
    let (inside, _) = text.strip_prefix("${")?.split_once('}')?;
    inside.split_once(":-")
}
