//! Every dashboard lies where a provider looks for it.

use super::{Check, Example, Proof, place};
use crate::artifacts::Role;
use crate::stack::compose::mounted;

pub(crate) const PROOF: Proof = Proof {
    code: "unprovisioned-dashboard",
    doc: "A dashboard outside the provider's folder is never loaded, and Grafana does not say so.",
    example: Example::Rendered {
        role: Role::DashboardProvider,
        pointer: "/providers/*/options/path",
        bad: r#""/var/lib/dashboards""#,
    },
    check: Check::Stack(|stack| {
        // What a container sees under the provider's path.
        let folder = |path| {
            let mut containers = stack.files.containers();
            containers.find_map(|(_, _, container)| mounted(container, path))
        };
        let folders: Vec<String> = stack
            .files
            .providers()
            .filter_map(|provider| folder(provider["options"]["path"].as_str()?))
            .collect();
        let lost = stack.files.dashboards().filter(|file| {
            !folders.iter().any(|folder| {
                file.path
                    .strip_prefix(folder.as_str())
                    .is_some_and(|rest| rest.starts_with('/'))
            })
        });
        lost.map(|file| {
            place::at(
                &file.path,
                "/title",
                "no provider loads this dashboard",
                "mount its folder and name it under `options.path` of a provider",
            )
        })
        .collect()
    }),
};
