//! Own lists of targets: Prometheus keeps the targets that it had when it cannot read one, and says so in its log alone.

use super::{Own, OwnFile, Sort};
use crate::diagnostic::Diagnostic;
use crate::value::Value;
use crate::yaml;
use std::sync::Arc;

/// What is wrong with the lists that jobs read.
pub(super) fn flaws(own: &mut Own) -> Vec<Diagnostic> {
    let mut found = Vec::new();
    let files = own.files.iter_mut();
    for file in files.filter(|file| file.sort == Sort::Targets) {
        file.value = Arc::new(yaml::of_file(&file.source, &file.text).unwrap_or_default());
        found.extend(of(file));
    }
    found
}

pub(super) fn of(file: &OwnFile) -> Vec<Diagnostic> {
    let help = "write a list of groups, as in [{\"targets\": [\"10.0.0.1:9100\"], \"labels\": {\"rack\": \"a\"}}]";
    if let Err(error) = yaml::of_file(&file.source, &file.text) {
        let place = file.line(error.line.max(1));
        let message = format!("{} is no list of targets: {}", file.source, error.reason);
        return vec![Diagnostic::error("extra-file", place, message).help(help)];
    }
    let Some(groups) = file.value.as_array() else {
        let message = format!("{} is no list of targets, in JSON or YAML", file.source);
        return vec![file.error("", message, help)];
    };
    let mut found = Vec::new();
    for (index, group) in groups.iter().enumerate() {
        let at = format!("/{index}");
        if !group.is_object() {
            let message = "a group of targets has `targets` and `labels`".to_string();
            found.push(file.error(&at, message, help));
        }
        for (key, value) in group.entries() {
            let pointer = format!("{at}/{key}");
            let readable = match key.as_str() {
                "targets" => value.is_array() && value.items().all(Value::is_string),
                "labels" => value.is_object() && value.entries().all(|(_, one)| one.is_string()),
                other => {
                    let message = format!("a group of targets has no `{other}`");
                    found.push(file.error(&pointer, message, help));
                    continue;
                }
            };
            if !readable {
                let message = match key.as_str() {
                    "targets" => "its `targets` are a list of texts",
                    _ => "its `labels` have texts as values, in quotes",
                };
                found.push(file.error(&pointer, message.to_string(), help));
            }
        }
        for (target, address) in group["targets"].items().enumerate() {
            let address = address.as_str().unwrap_or_default();
            if address.contains('/') {
                let message = format!("`{address}` is no address of a target");
                let pointer = format!("{at}/targets/{target}");
                let help = "write host:port; the scheme and the path are the job's `scheme` and `metrics_path`";
                found.push(file.error(&pointer, message, help));
            }
        }
    }
    found
}
