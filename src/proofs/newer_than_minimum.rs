//! Nothing is rendered that the oldest Prometheus to be served does not know.

use super::{Check, Example, Proof, place};
use crate::artifacts::RULES;
use crate::diagnostic::Diagnostic;
use crate::render::File;
use crate::stack::Stack;
use crate::stack::containers::images::Version;
use crate::stack::document::walk;
use crate::stack::settings::{Reader, flaws};

/// Keys of rules with the first version that knows them, from Prometheus' documentation by tag.
const SINCE: [(&str, (u32, u32)); 2] = [("keep_firing_for", (2, 42)), ("query_offset", (2, 53))];

pub(crate) const PROOF: Proof = Proof {
    code: "newer-than-minimum",
    doc: "Prometheus reads its files strictly: with one key that it does not know it does not start, or keeps the old configuration at a reload.",
    example: Example::Rendered {
        role: RULES,
        pointer: "/groups/*/rules/alert=Down/keep_firing_for",
        bad: r#""5m""#,
    },
    check: Check::Stack(|stack| {
        let minimum = version(&stack.catalog.prometheus.minimum_version);
        let mut found = Vec::new();
        let oldest = Version::parse(&stack.catalog.prometheus.minimum_version);
        for file in stack.files.prometheus() {
            for flaw in flaws(Reader::Prometheus, &file.value, oldest) {
                let Some(since) = flaw.since else { continue };
                let key = flaw.pointer.rsplit('/').next().unwrap_or_default();
                found.push(too_new(stack, file, &flaw.pointer, key, since));
            }
        }
        for file in stack.files.rule_files() {
            let labels: Vec<String> = file
                .groups()
                .map(|(group, _)| format!("{group}/labels"))
                .collect();
            walk(&file.value, &mut |pointer, key, _| {
                let since = SINCE
                    .iter()
                    .find(|(known, since)| *known == key && *since > minimum);
                // Labels of a whole rule group are as new as 3.0; labels of a rule or target are old.
                let group = (3, 0) > minimum && labels.iter().any(|labels| labels == pointer);
                if let Some((major, minor)) =
                    since.map(|(_, since)| *since).or(group.then_some((3, 0)))
                {
                    let since = format!("{major}.{minor}");
                    found.push(too_new(stack, file, pointer, key, since));
                }
            });
        }
        found
    }),
};

fn too_new(
    stack: &Stack,
    file: &File,
    pointer: &str,
    key: &str,
    since: impl std::fmt::Display,
) -> Diagnostic {
    place::at(
        &file.path,
        pointer,
        format!(
            "`{key}` needs Prometheus {since}, `minimum_version` is {}",
            stack.catalog.prometheus.minimum_version
        ),
        "raise `minimum_version` when every server is that new, or remove the key",
    )
}

fn version(text: &str) -> (u32, u32) {
    let (major, minor) = text.split_once('.').unwrap_or((text, "0"));
    (major.parse().unwrap_or(0), minor.parse().unwrap_or(0))
}
