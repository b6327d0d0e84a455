//! Every rule file is loaded, and every file that is to be loaded exists and has rules.

use super::{Check, Example, Proof, place};
use crate::artifacts::{RULES, Role};
use crate::diagnostic::Diagnostic;
use crate::overlay::glob;
use crate::render::File;
use crate::stack::Stack;
use crate::stack::containers::Container;
use crate::stack::containers::mounts::{Sight, Source, places};
use std::collections::HashSet;

pub(crate) const PROOF: Proof = Proof {
    code: "rule-file",
    doc: "A rule file that no pattern of `rule_files` matches, at the paths that Prometheus' container sees, is simply not there; a pattern that matches nothing is not an error to promtool or Prometheus.",
    example: Example::Rendered {
        role: Role::Prometheus,
        pointer: "/rule_files/*",
        bad: r#""rules/*.yml""#,
    },
    check: Check::Stack(|stack| {
        let mut found = Vec::new();
        for config in stack.files.prometheus() {
            let reader = stack.containers.readers(&config.path).next();
            let named: Vec<Named> = match reader {
                Some(reader) => in_container(stack, config, reader),
                None => stack
                    .files
                    .named_rule_files(config)
                    .enumerate()
                    .map(|(index, (pattern, files))| Named {
                        index,
                        pattern,
                        files,
                        elsewhere: false,
                    })
                    .collect(),
            };
            found.extend(judged(stack, config, &named));
        }
        found
    }),
};

/// A pattern of `rule_files`, and the rendered files that it matches.
struct Named<'a> {
    index: usize,
    pattern: &'a str,
    files: Vec<&'a File>,
    /// It leads out of what is rendered.
    elsewhere: bool,
}

fn judged(stack: &Stack, config: &File, named: &[Named]) -> Vec<Diagnostic> {
    let mut found = Vec::new();
    for file in stack.files.own_rule_files() {
        let mut names = HashSet::new();
        for (index, group) in file.value["groups"].items().enumerate() {
            let name = group["name"].as_str().unwrap_or_default();
            if !names.insert(name) {
                found.push(place::at(
                    &file.path,
                    format!("/groups/{index}/name"),
                    format!("two groups of the file have the name `{name}`: Prometheus does not start with it"),
                    "put the rules into one group, or give it another name",
                ));
            }
        }
        let loaded = |named: &Named| named.files.iter().any(|named| named.path == file.path);
        if !named.iter().any(loaded) {
            found.push(place::at(
                &config.path,
                "/rule_files",
                format!("Prometheus does not load {}", file.path),
                "name the file under `rule_files`, relative to this configuration",
            ));
        }
    }
    for Named {
        index,
        pattern,
        files,
        elsewhere,
    } in named
    {
        let pointer = format!("/rule_files/{index}");
        if files.is_empty() && !elsewhere {
            found.push(place::at(
                &config.path,
                &pointer,
                format!("`{pattern}` matches no rule file"),
                "name a file that is rendered, relative to this configuration",
            ));
        }
        if let Some(other) = files.iter().find(|file| file.role != RULES) {
            found.push(place::at(
                &config.path,
                &pointer,
                format!(
                    "`{pattern}` also matches {}, which has no rules",
                    other.path
                ),
                "Prometheus does not start so: write a pattern that rule files alone match",
            ));
        }
    }
    found
}

/// The patterns as Prometheus' process takes them.
fn in_container<'a>(stack: &Stack<'a>, config: &'a File, reader: &Container) -> Vec<Named<'a>> {
    let at = places(&reader.mounts, &config.path).next();
    let folder = at
        .as_deref()
        .and_then(|at| at.rsplit_once('/'))
        .map_or("/", |(folder, _)| folder);
    let seen: Vec<(String, &'a File)> = stack
        .files
        .all()
        .filter(|file| !file.value.is_null())
        .flat_map(|file| {
            places(&reader.mounts, &file.path)
                .map(move |place| (place, file))
                .collect::<Vec<_>>()
        })
        .collect();
    let patterns = config.value["rule_files"].texts().enumerate();
    patterns
        .map(|(index, pattern)| {
            let whole = match pattern.starts_with('/') {
                true => pattern.to_string(),
                false => format!("{folder}/{pattern}"),
            };
            let whole = crate::stack::containers::text::normal(&whole);
            let files = seen
                .iter()
                .filter(|(place, _)| glob(&whole, place))
                .map(|(_, file)| *file);
            let elsewhere = match reader.sees(&whole) {
                Sight::Mounted(mount, _) => !matches!(mount.source, Source::Rendered(_)),
                Sight::Image => false,
            };
            Named {
                index,
                pattern,
                files: files.collect(),
                elsewhere,
            }
        })
        .collect()
}
