//! Nothing is rendered that the oldest Prometheus to be served does not know.

use super::{Check, Example, Proof, place};
use crate::artifacts::RULES;
use crate::stack::document::walk;

/// Keys with the first version that knows them, from Prometheus' documentation by tag; an unknown key stops its start.
const SINCE: [(&str, (u32, u32)); 16] = [
    ("keep_firing_for", (2, 42)),
    ("scrape_config_files", (2, 43)),
    ("keep_dropped_targets", (2, 47)),
    ("scrape_protocols", (2, 49)),
    ("enable_compression", (2, 49)),
    ("query_offset", (2, 53)),
    ("rule_query_offset", (2, 53)),
    ("protobuf_message", (2, 54)),
    ("metric_name_validation_scheme", (2, 55)),
    ("http_headers", (2, 55)),
    ("scrape_failure_log_file", (2, 55)),
    ("fallback_scrape_protocol", (3, 0)),
    ("always_scrape_classic_histograms", (3, 0)),
    ("metric_name_escaping_scheme", (3, 5)),
    ("scrape_native_histograms", (3, 8)),
    ("extra_scrape_metrics", (3, 10)),
];

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
        for file in stack.files.prometheus().chain(stack.files.rule_files()) {
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
                    found.push(place::at(
                        &file.path,
                        pointer,
                        format!(
                            "`{key}` needs Prometheus {major}.{minor}, `minimum_version` is {}",
                            stack.catalog.prometheus.minimum_version
                        ),
                        "raise `minimum_version` when every server is that new, or remove the key",
                    ));
                }
            });
        }
        found
    }),
};

fn version(text: &str) -> (u32, u32) {
    let (major, minor) = text.split_once('.').unwrap_or((text, "0"));
    (major.parse().unwrap_or(0), minor.parse().unwrap_or(0))
}
