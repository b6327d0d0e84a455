//! Nothing is rendered that the oldest Prometheus to be served does not know.

use super::{Check, Example, Proof, place};
use crate::artifacts::Role;
use crate::diagnostic::Diagnostic;
use crate::render::File;
use crate::stack::Stack;
use crate::stack::containers::images::Version;
use crate::stack::settings::{Reader, flaws};

pub(crate) const PROOF: Proof = Proof {
    code: "newer-than-minimum",
    doc: "Prometheus reads its files strictly: with one key that it does not know it does not start, or keeps the old configuration at a reload.",
    example: Example::Catalog {
        bad: "[prometheus]\nminimum_version = \"2.40\"\n\n[alerts.Down]\nkind = \"down\"\nfor = \"1m\"\nkeep_firing_for = \"5m\"\nseverity = \"critical\"\n",
        good: "[alerts.Down]\nkind = \"down\"\nfor = \"1m\"\nkeep_firing_for = \"5m\"\nseverity = \"critical\"\n",
    },
    check: Check::Stack(|stack| {
        let mut found = Vec::new();
        let prometheus = &stack.catalog.prometheus;
        let served = Version::parse(&prometheus.oldest());
        // Whoever runs the tests may have a promtool of any age.
        let tested = Version::parse(&prometheus.minimum_version);
        let files = stack.files;
        let configurations = files.prometheus().map(|file| (file, Reader::Prometheus));
        let rules = files.rule_files().map(|file| (file, Reader::Rules));
        let tests = files.tests().map(|file| (file, Reader::RuleTests));
        for (file, reader) in configurations.chain(rules).chain(tests) {
            let oldest = match reader {
                Reader::RuleTests => tested,
                _ => served,
            };
            for flaw in flaws(reader, file, oldest) {
                let Some(since) = flaw.since else { continue };
                let key = flaw.pointer.rsplit('/').next().unwrap_or_default();
                found.push(too_new(stack, file, &flaw.pointer, key, since));
            }
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
    let prometheus = &stack.catalog.prometheus;
    let (served, minimum) = (prometheus.oldest(), &prometheus.minimum_version);
    let (is, help) = match served == *minimum || file.role == Role::RuleTests {
        true => (
            format!("`minimum_version` is {minimum}"),
            "raise `minimum_version` when every server is that new, or remove the key",
        ),
        false => (
            format!("the image of its container is {served}"),
            "take a newer image, or remove the key",
        ),
    };
    place::at(
        &file.path,
        pointer,
        format!("`{key}` needs Prometheus {since}, {is}"),
        help,
    )
}
