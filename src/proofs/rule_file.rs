//! Every rule file is loaded, and every file that is to be loaded exists.

use super::{Check, Example, Proof, place};
use crate::artifacts::Role;
use crate::render::File;

pub(crate) const PROOF: Proof = Proof {
    code: "rule-file",
    doc: "A rule file that no pattern of `rule_files` matches is simply not there; a pattern that matches nothing is not an error to promtool or Prometheus.",
    example: Example::Rendered {
        role: Role::Prometheus,
        pointer: "/rule_files/*",
        bad: r#""rules/*.yml""#,
    },
    check: Check::Stack(|stack| {
        let mut found = Vec::new();
        for config in stack.files.prometheus() {
            let named: Vec<(&str, Vec<&File>)> = stack.files.named_rule_files(config).collect();
            for file in stack.files.own_rule_files() {
                let loaded = |(_, files): &(&str, Vec<&File>)| {
                    files.iter().any(|named| named.path == file.path)
                };
                if !named.iter().any(loaded) {
                    found.push(place::at(
                        &config.path,
                        "/rule_files",
                        format!("Prometheus does not load {}", file.path),
                        "name the file under `rule_files`, relative to this configuration",
                    ));
                }
            }
            for (index, (pattern, files)) in named.iter().enumerate() {
                if files.is_empty() {
                    found.push(place::at(
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
