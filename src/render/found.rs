//! A stack that was not rendered here: files as somebody else wrote them, each with the role that its path has.

use super::{File, Rendered};
use crate::artifacts::{ARTIFACTS, Artifact, RULES, Role};
use crate::catalog::Catalog;
use crate::diagnostic::{Diagnostic, Place};
use crate::extra::Own;
use crate::overlay::{Overlay, glob};
use crate::value::Value;
use crate::yaml;
use anyhow::Result;
use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

/// A file of a folder: its path there, and its text.
pub(crate) type Text = (String, String);

/// Files whose roles are given, or that their paths have in ARTIFACTS; what cannot be read as what it should be.
pub struct Found {
    /// The files, as if they had been rendered.
    pub rendered: Rendered,
    /// Paths that no role is known of.
    pub(crate) unknown: Vec<String>,
    pub unreadable: Vec<Diagnostic>,
}

impl Found {
    /// The files of a folder, which messages name with `folder` before them.
    pub fn of(
        catalog: &Catalog,
        root: &Path,
        folder: &str,
        texts: Vec<Text>,
        roles: &BTreeMap<String, Role>,
    ) -> Result<Found> {
        let overlay = Overlay::of(root);
        let (own, unreadable) = match Own::read(catalog, &overlay) {
            Ok(own) => (own, Vec::new()),
            Err(unreadable) => (Own::default(), unreadable),
        };
        let placed: BTreeMap<String, usize> = own
            .files
            .iter()
            .enumerate()
            .filter_map(|(index, file)| Some((file.placed()?, index)))
            .collect();
        let mut found = Found {
            rendered: Rendered::empty(catalog, &overlay, folder.to_string(), own)?,
            unknown: Vec::new(),
            unreadable,
        };
        found.rendered.by_others = true;
        let mut others = Vec::new();
        for (path, text) in texts {
            let (artifact, of) = artifact(catalog, &path).unzip();
            let own = placed.get(&path).copied();
            let of_own = own.map(|index| found.rendered.own().files[index].role());
            let of_path = artifact.map(|artifact| artifact.role).or(of_own);
            let Some(role) = roles.get(&path).copied().or(of_path) else {
                others.push((path, text));
                continue;
            };
            let Of { alert, slo } = of.unwrap_or_default();
            found.read(File {
                text,
                value: Arc::default(),
                template: artifact.map_or("", |artifact| artifact.template),
                role,
                alert,
                slo,
                own,
                path,
            });
        }
        // What a configuration names is what is read there, whatever it is called; that may name more.
        loop {
            let files = &found.rendered.files;
            let role = |path: &str| files.iter().find_map(|file| named(file, path));
            let next = others
                .iter()
                .enumerate()
                .find_map(|(index, (path, _))| Some((index, role(path)?)));
            let Some((index, role)) = next else {
                break;
            };
            let (path, text) = others.remove(index);
            found.read(File {
                text,
                value: Arc::default(),
                template: "",
                role,
                alert: None,
                slo: None,
                own: None,
                path,
            });
        }
        found.unknown = others.into_iter().map(|(path, _)| path).collect();
        // In the order in which they would be rendered; others behind them.
        let place = |file: &File| {
            let mut artifacts = ARTIFACTS.iter();
            let place = artifacts.position(|artifact| artifact.template == file.template);
            place.unwrap_or(ARTIFACTS.len())
        };
        found.rendered.files.sort_by_key(place);
        found.rendered.find_merged();
        Ok(found)
    }

    /// Takes in a file, with what it says.
    fn read(&mut self, file: File) {
        let value = match Path::new(&file.path)
            .extension()
            .and_then(|end| end.to_str())
        {
            Some("yml" | "yaml" | "json") => yaml::of_file(&file.path, &file.text),
            _ => Ok(Value::Null),
        };
        match value {
            Ok(value) => self.rendered.files.push(File {
                value: Arc::new(value),
                ..file
            }),
            Err(error) => {
                let line = error.line.max(1);
                let text = file.text.lines().nth(line - 1).unwrap_or_default();
                let place = Place::Line {
                    file: format!("{}/{}", self.rendered.output, file.path),
                    line,
                    text: text.to_string(),
                };
                self.unreadable.push(
                    Diagnostic::error("invalid-yaml", place, error.reason).help("fix this line"),
                );
            }
        }
    }
}

/// What a file is for that another one names: rules, lists of targets, texts of notifications, containers and their variables.
fn named(file: &File, path: &str) -> Option<Role> {
    let (value, role) = (&file.value, Role::Plain);
    let named: Vec<(&str, Role)> = match file.role {
        Role::Prometheus => {
            let jobs = value["scrape_configs"].items();
            let lists = jobs.flat_map(|job| job["file_sd_configs"].items());
            let lists = lists.flat_map(|list| list["files"].texts().map(|one| (one, role)));
            let rules = value["rule_files"].texts().map(|one| (one, RULES));
            rules.chain(lists).collect()
        }
        Role::Compose => {
            let each = |written| all(written).map(|one| one.as_str().or(one["path"].as_str()));
            let containers = value["services"].entries();
            let variables = containers.flat_map(|(_, container)| each(&container["env_file"]));
            let variables = variables.flatten().map(|one| (one, role));
            let included = each(&value["include"]).flatten();
            included
                .map(|one| (one, Role::Compose))
                .chain(variables)
                .collect()
        }
        Role::Alertmanager => value["templates"].texts().map(|one| (one, role)).collect(),
        _ => return None,
    };
    // Where a server sees its configuration, the files beside it are too.
    let last = |path: &str| path.rsplit('/').next().unwrap_or_default().to_string();
    let beside = path.starts_with(&file.beside(""));
    let names = |pattern: &str| match pattern.starts_with('/') {
        true => beside && glob(&last(pattern), &last(path)),
        false => file.names(pattern, path),
    };
    let mut named = named.into_iter();
    named.find_map(|(pattern, role)| names(pattern).then_some(role))
}

/// One thing, or each of a list.
fn all(written: &Value) -> impl Iterator<Item = &Value> {
    let alone = [written].into_iter().filter(|one| !one.is_array());
    written.items().chain(alone)
}

/// What a file is about, of an artifact with several.
#[derive(Default)]
struct Of {
    alert: Option<String>,
    slo: Option<String>,
}

/// The row of ARTIFACTS that a path belongs to, and what its file is about.
fn artifact(catalog: &Catalog, path: &str) -> Option<(&'static Artifact, Of)> {
    ARTIFACTS.iter().find_map(|artifact| {
        let output = artifact.output.replace("{slug}", &catalog.platform.slug);
        let named = |hole: &str| {
            let (before, after) = output.split_once(hole)?;
            let name = path.strip_prefix(before)?.strip_suffix(after)?;
            (!name.contains('/')).then(|| name.to_string())
        };
        let of = Of {
            alert: named("{alert}"),
            slo: named("{slo}"),
        };
        let is = output == path || of.alert.is_some() || of.slo.is_some();
        is.then_some((artifact, of))
    })
}
