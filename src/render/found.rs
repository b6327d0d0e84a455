//! A stack that was not rendered here: files as somebody else wrote them, each with the role that its path has.

use super::{File, Rendered};
use crate::artifacts::{ARTIFACTS, Artifact, Role};
use crate::catalog::Catalog;
use crate::diagnostic::{Diagnostic, Place};
use crate::extra::Own;
use crate::overlay::Overlay;
use crate::yaml;
use anyhow::Result;
use serde_json::Value;
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
        for (path, text) in texts {
            let (artifact, of) = artifact(catalog, &path).unzip();
            let Of { alert, slo } = of.unwrap_or_default();
            let own = placed.get(&path).copied();
            let of_own = own.map(|index| found.rendered.own().files[index].role());
            let of_path = artifact.map(|artifact| artifact.role).or(of_own);
            let Some(role) = roles.get(&path).copied().or(of_path) else {
                found.unknown.push(path);
                continue;
            };
            let value = match Path::new(&path).extension().and_then(|end| end.to_str()) {
                // JSON is YAML too.
                Some("yml" | "yaml" | "json") => yaml::parse(&text),
                _ => Ok(Value::Null),
            };
            match value {
                Ok(value) => found.rendered.files.push(File {
                    text,
                    value: Arc::new(value),
                    template: artifact.map_or("", |artifact| artifact.template),
                    role,
                    alert,
                    slo,
                    own,
                    path,
                }),
                Err(error) => {
                    let line = error.line.max(1);
                    let place = Place::Line {
                        file: format!("{folder}/{path}"),
                        line,
                        text: text.lines().nth(line - 1).unwrap_or_default().to_string(),
                    };
                    let message = format!("it is not YAML: {}", error.reason);
                    found.unreadable.push(
                        Diagnostic::error("invalid-yaml", place, message).help("fix this line"),
                    );
                }
            }
        }
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
