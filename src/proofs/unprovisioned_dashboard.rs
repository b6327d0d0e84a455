//! Every dashboard lies where a provider looks for it.

use super::stack::Stack;
use super::{Check, Example, Finding, Proof};
use crate::json::Parts;

pub const PROOF: Proof = Proof {
    code: "unprovisioned-dashboard",
    doc: "A dashboard outside the provider's folder is never loaded, and Grafana does not say so.",
    example: Example::Template {
        file: "monitoring/grafana/provisioning/dashboards/provider.yml",
        good: "path: /etc/grafana/dashboards",
        bad: "path: /var/lib/dashboards",
    },
    check: Check::Stack(|stack| {
        let providers = stack
            .files
            .iter()
            .flat_map(|file| file.value["providers"].items());
        let folders: Vec<String> = providers
            .filter_map(|provider| provider["options"]["path"].as_str())
            .filter_map(|path| mounted(stack, path))
            .collect();
        let lost = stack.dashboards().filter(|file| {
            !folders.iter().any(|folder| {
                file.path
                    .strip_prefix(folder.as_str())
                    .is_some_and(|rest| rest.starts_with('/'))
            })
        });
        lost.map(|file| {
            Finding::at(
                &file.path,
                "/title",
                "no provider loads this dashboard",
                "mount its folder and name it under `options.path` of a provider",
            )
        })
        .collect()
    }),
};

/// The folder under generated/ that a container sees as `path`.
fn mounted(stack: &Stack, path: &str) -> Option<String> {
    let services = stack
        .compose()
        .flat_map(|file| file.value["services"].entries());
    let volumes = services.flat_map(|(_, service)| service["volumes"].items());
    volumes
        .filter_map(|volume| match volume.as_str() {
            Some(text) => text.trim_end_matches(":ro").split_once(':'),
            None => volume["source"].as_str().zip(volume["target"].as_str()),
        })
        .find_map(|(source, target)| {
            Some(format!(
                "{}{}",
                source.trim_start_matches("./"),
                path.strip_prefix(target)?
            ))
        })
}
