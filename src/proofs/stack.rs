//! The rendered files as one graph: what scrapes, records, alerts, routes and shows.

use super::Finding;
use super::expressions::{self, Expression, Usage};
use crate::catalog::{Catalog, Duration};
use crate::contract::Contract;
use crate::render::{File, Rendered};
use crate::source::step;
use serde_json::Value;
use std::fmt::Write;

/// Everything rendered, read for the proofs.
pub struct Stack<'a> {
    /// What it was rendered from.
    pub catalog: &'a Catalog,
    /// All files.
    pub files: &'a [File],
    /// Every series that can exist.
    pub contract: Contract,
    /// Every PromQL expression.
    pub expressions: Vec<Expression<'a>>,
}

impl<'a> Stack<'a> {
    /// Reads the files; expressions that are no PromQL are findings.
    pub fn read(
        catalog: &'a Catalog,
        rendered: &'a Rendered,
    ) -> (Stack<'a>, Vec<(&'static str, Finding)>) {
        let files = rendered.files.as_slice();
        let config = files
            .iter()
            .find(|file| file.value.get("scrape_configs").is_some());
        let contract = Contract::new(catalog, config.map_or(&Value::Null, |config| &config.value));
        let mut stack = Stack {
            catalog,
            files,
            contract,
            expressions: Vec::new(),
        };
        let findings = expressions::collect(&mut stack);
        (stack, findings)
    }

    /// The files that Prometheus reads its configuration from.
    pub fn configs(&self) -> impl Iterator<Item = &'a File> {
        self.files
            .iter()
            .filter(|file| file.value.get("scrape_configs").is_some())
    }

    /// The rule files.
    pub fn rule_files(&self) -> impl Iterator<Item = &'a File> {
        self.files
            .iter()
            .filter(|file| file.value.get("groups").is_some())
    }

    /// Every alerting rule with its file and pointer.
    pub fn alerts(&self) -> impl Iterator<Item = (&'a File, String, &'a Value)> {
        self.rule_files()
            .flat_map(rules)
            .filter(|(_, _, rule)| rule.get("alert").is_some())
    }

    /// The dashboards.
    pub fn dashboards(&self) -> impl Iterator<Item = &'a File> {
        self.files
            .iter()
            .filter(|file| file.value.get("panels").is_some())
    }

    /// The compose files with services of their own.
    pub fn compose(&self) -> impl Iterator<Item = &'a File> + Clone {
        self.files
            .iter()
            .filter(|file| file.value.get("services").is_some())
    }

    /// The Alertmanager's configuration.
    pub fn routing(&self) -> Option<&'a File> {
        self.files
            .iter()
            .find(|file| file.value.get("route").is_some())
    }

    /// The expressions of one usage.
    pub fn used(&self, usage: Usage) -> impl Iterator<Item = &Expression<'a>> {
        self.expressions
            .iter()
            .filter(move |expression| expression.usage == usage)
    }
}

/// How often is scraped, as the data sources say it; None where there is none.
pub fn scrape_interval(files: &[File]) -> Option<Duration> {
    let sources = files
        .iter()
        .flat_map(|file| file.value["datasources"].as_array().into_iter().flatten());
    sources
        .filter_map(|source| Duration::parse(source["jsonData"]["timeInterval"].as_str()?))
        .max()
}

/// The rules of a file with their pointers.
pub fn rules(file: &File) -> impl Iterator<Item = (&File, String, &Value)> {
    let groups = file.value["groups"]
        .as_array()
        .into_iter()
        .flatten()
        .enumerate();
    groups.flat_map(move |(group, value)| {
        let rules = value["rules"].as_array().into_iter().flatten().enumerate();
        rules.map(move |(index, rule)| (file, format!("/groups/{group}/rules/{index}"), rule))
    })
}

/// The panels of a dashboard with their pointers, those inside collapsed rows too.
pub fn panels(dashboard: &Value) -> Vec<(String, &Value)> {
    fn inside<'a>(pointer: &str, list: &'a Value, found: &mut Vec<(String, &'a Value)>) {
        for (index, panel) in list.as_array().into_iter().flatten().enumerate() {
            let pointer = format!("{pointer}/panels/{index}");
            found.push((pointer.clone(), panel));
            inside(&pointer, &panel["panels"], found);
        }
    }
    let mut found = Vec::new();
    inside("", &dashboard["panels"], &mut found);
    found
}

/// Source and target of a volume, in compose's short or long form. A source may hold a variable with a default, and behind the
/// target stand options: `ro`, `z`, `ro,Z`.
pub fn mount(volume: &Value) -> Option<(&str, &str)> {
    let Some(text) = volume.as_str() else {
        return volume["source"].as_str().zip(volume["target"].as_str());
    };
    let mut depth = 0;
    let end = text.char_indices().find(|(_, c)| {
        depth += i32::from(*c == '{') - i32::from(*c == '}');
        *c == ':' && depth == 0
    });
    let (source, rest) = text.split_at(end?.0);
    Some((source, rest[1..].split(':').next().unwrap_or_default()))
}

/// Visits every value of a document, at any depth, with its pointer and its key; what stands in a list has none.
pub fn walk(document: &Value, visit: &mut impl FnMut(&str, &str, &Value)) {
    fn inside(
        value: &Value,
        key: &str,
        pointer: &mut String,
        visit: &mut impl FnMut(&str, &str, &Value),
    ) {
        visit(pointer, key, value);
        let outside = pointer.len();
        let mut enter = |step: std::fmt::Arguments, key: &str, value: &Value| {
            let _ = pointer.write_fmt(step);
            inside(value, key, pointer, visit);
            pointer.truncate(outside);
        };
        match value {
            Value::Object(map) => map
                .iter()
                .for_each(|(key, value)| enter(format_args!("/{}", step(key)), key, value)),
            Value::Array(list) => list
                .iter()
                .enumerate()
                .for_each(|(index, value)| enter(format_args!("/{index}"), "", value)),
            _ => {}
        }
    }
    inside(document, "", &mut String::new(), visit);
}
