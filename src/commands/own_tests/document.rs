//! A rendered file of tests, with those that the catalog wrote.

use crate::json::Parts;
use crate::render::File;
use crate::stack::files::{Files, beside};
use serde_json::{Map, Value, json};
use std::collections::BTreeSet;

/// One test of the catalog in a rendered file.
pub(crate) struct Test {
    pub alert: String,
    pub pointer: String,
    pub written: Value,
}

/// A rendered file of tests, with those that the catalog wrote.
pub(crate) struct Document<'a> {
    pub file: &'a File,
    pub tests: Vec<Test>,
}

impl Document<'_> {
    pub(crate) fn of<'a>(file: &'a File, pointers: &[Option<String>]) -> Option<Document<'a>> {
        let written = file.value["tests"].as_array()?.iter().zip(pointers);
        let tests: Vec<Test> = written
            .filter_map(|(written, pointer)| {
                let pointer = pointer.clone()?;
                let alert = pointer.split('/').nth(2)?.to_string();
                Some(Test {
                    alert,
                    pointer,
                    written: written.clone(),
                })
            })
            .collect();
        (!tests.is_empty()).then_some(Document { file, tests })
    }

    /// The rule files that it names, as rendered, by the name that each has in the folder of the run.
    pub(crate) fn rules<'a>(&self, files: Files<'a>) -> Vec<(String, Option<&'a File>)> {
        let names = self.file.value["rule_files"].texts();
        let found = names.map(|name| {
            let path = beside(self.file, name);
            (path.replace('/', "_"), files.at(&path))
        });
        found.collect()
    }

    /// The file with these tests alone. JSON is YAML.
    pub(crate) fn with(&self, tests: &[&Test], rules: &[&str]) -> String {
        let mut document = self
            .file
            .value
            .as_object()
            .cloned()
            .unwrap_or_else(Map::new);
        document.insert(
            "rule_files".to_string(),
            rules.iter().copied().map(Value::from).collect(),
        );
        document.insert(
            "tests".to_string(),
            tests.iter().map(|test| test.written.clone()).collect(),
        );
        Value::Object(document).to_string()
    }
}

/// A rule file without the alerts that are not tried: each of them would be evaluated at every step.
pub(crate) fn only(rules: &File, alerts: &BTreeSet<&str>) -> String {
    let tried = |rule: &&Value| {
        rule["alert"]
            .as_str()
            .is_none_or(|name| alerts.contains(name))
    };
    let one = |group: &Value| -> Value {
        let mut kept: Map<String, Value> = group
            .entries()
            .filter(|(key, _)| *key != "rules")
            .map(|(key, value)| (key.clone(), value.clone()))
            .collect();
        kept.insert(
            "rules".to_string(),
            group["rules"].items().filter(tried).cloned().collect(),
        );
        Value::Object(kept)
    };
    let groups: Vec<Value> = rules.groups().map(|(_, group)| one(group)).collect();
    json!({ "groups": groups }).to_string()
}
