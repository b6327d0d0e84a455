//! One rendered file, and the rules in it.

use crate::artifacts::Role;
use crate::overlay::glob;
use crate::value::Value;
use std::sync::Arc;

/// One rendered file.
#[derive(Clone)]
pub struct File {
    /// Under the output folder, with slashes.
    pub path: String,
    /// What is written.
    pub text: String,
    /// The parsed content; Null where the file is neither YAML nor JSON.
    pub value: Arc<Value>,
    /// Its template, by which a file is known whatever its path; empty: it is the user's own, or somebody else's.
    pub template: &'static str,
    /// What it is for.
    pub role: Role,
    /// The alert that it is about, of an artifact with a file for each.
    pub(super) alert: Option<String>,
    /// The objective that it is about, of an artifact with a file for each.
    pub(super) slo: Option<String>,
    /// The index of the user's own file that it is, among those of `[extra]`.
    pub(super) own: Option<usize>,
}

impl File {
    /// The alert that it is about, of an artifact with a file for each.
    pub(crate) fn alert(&self) -> Option<&str> {
        self.alert.as_deref()
    }

    /// The path of what it names relative to its own folder; `..` leaves a folder.
    pub(crate) fn beside(&self, name: &str) -> String {
        let mut parts: Vec<&str> = self.path.split('/').collect();
        parts.pop();
        for part in name.split('/') {
            match part {
                ".." => drop(parts.pop()),
                "." => {}
                part => parts.push(part),
            }
        }
        parts.join("/")
    }

    /// Whether a pattern in it matches a path; a star stays within its folder.
    pub(crate) fn names(&self, pattern: &str, path: &str) -> bool {
        glob(&self.beside(pattern), path)
    }

    /// Whether it is the user's own, of `[extra]`.
    pub fn is_own(&self) -> bool {
        self.own.is_some()
    }

    /// Where the groups of a rule file are; None: it is a file of another role.
    pub(crate) fn groups_pointer(&self) -> Option<&'static str> {
        match self.role {
            Role::Rules { groups } => Some(groups),
            _ => None,
        }
    }

    /// The groups of a rule file with their pointers; none of a file of another role.
    pub fn groups(&self) -> impl Iterator<Item = (String, &Value)> {
        let at = self.groups_pointer();
        let groups = at.and_then(|at| Some((at, self.value.pointer(at)?.as_array()?)));
        groups.into_iter().flat_map(|(at, groups)| {
            let pointer = move |(index, group)| (format!("{at}/{index}"), group);
            groups.iter().enumerate().map(pointer)
        })
    }

    /// The rules of a rule file with their pointers.
    pub fn rules(&self) -> impl Iterator<Item = (String, &Value)> {
        self.groups().flat_map(|(at, group)| {
            let rules = group["rules"].items().enumerate();
            rules.map(move |(index, rule)| (format!("{at}/rules/{index}"), rule))
        })
    }
}
