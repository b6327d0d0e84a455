//! Every rule file is loaded, and every file that is to be loaded exists.

use super::{Check, Example, Finding, Proof};
use crate::json::Parts;
use crate::render::File;

pub const PROOF: Proof = Proof {
    code: "rule-file",
    doc: "A rule file that no pattern of `rule_files` matches is simply not there; a pattern that matches nothing is no error to promtool or Prometheus.",
    example: Example::Template {
        file: "monitoring/working_prometheus.yml",
        good: "- alert_rules.yml",
        bad: "- alerts/*.yml",
    },
    check: Check::Stack(|stack| {
        let mut found = Vec::new();
        for config in stack.configs() {
            let rules: Vec<&File> = stack.rule_files().collect();
            let patterns: Vec<(usize, &str)> =
                config.value["rule_files"].texts().enumerate().collect();
            for file in &rules {
                if !patterns
                    .iter()
                    .any(|(_, pattern)| matches(config, pattern, &file.path))
                {
                    found.push(Finding::at(
                        &config.path,
                        "/rule_files",
                        format!("Prometheus does not load {}", file.path),
                        "name the file under `rule_files`, relative to this configuration",
                    ));
                }
            }
            for (index, pattern) in patterns {
                if !rules
                    .iter()
                    .any(|file| matches(config, pattern, &file.path))
                {
                    found.push(Finding::at(
                        &config.path,
                        format!("/rule_files/{index}"),
                        format!("`{pattern}` matches no rule file"),
                        "name a file that is rendered, relative to this configuration",
                    ));
                }
            }
        }
        found
    }),
};

/// Whether a pattern of `rule_files`, relative to the configuration, matches a path; a star stays within its folder.
fn matches(config: &File, pattern: &str, path: &str) -> bool {
    let folder = config
        .path
        .rsplit_once('/')
        .map_or("", |(folder, _)| folder);
    let whole = if folder.is_empty() {
        pattern.to_string()
    } else {
        format!("{folder}/{pattern}")
    };
    match whole.split_once('*') {
        None => whole == path,
        Some((before, after)) => path
            .strip_prefix(before)
            .and_then(|rest| rest.strip_suffix(after))
            .is_some_and(|middle| !middle.contains('/')),
    }
}
