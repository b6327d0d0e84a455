//! What the catalog counts on comes back after a crash, and after a reboot of the machine.

use super::{Check, Example, Proof, place};
use crate::artifacts::Role;
use crate::stack::containers::text::scalar;

pub(crate) const PROOF: Proof = Proof {
    code: "unrestarted-container",
    doc: "Without a restart policy a container that ended stays away, and after a reboot of the machine so do all: nothing is monitored, and nobody is told. `on-failure` is for a crash, not for a reboot.",
    example: Example::Rendered {
        role: Role::Compose,
        pointer: "/services/prometheus/restart",
        bad: "",
    },
    check: Check::Stack(|stack| {
        let counted = stack.containers.started().filter(|container| {
            // Others may be meant to end.
            container.process.name.is_some() || stack.catalog.service(&container.name).is_some()
        });
        let mut found = Vec::new();
        for container in counted {
            let deploy = &container.value["deploy"]["restart_policy"];
            let policy = scalar(&container.value["restart"]);
            // Compose takes what `deploy` says, whatever `restart` does: getRestartPolicy in pkg/compose/create.go.
            let (policy, pointer) = match (policy, deploy.is_null()) {
                (_, false) => (
                    scalar(&deploy["condition"]).unwrap_or_else(|| "any".to_string()),
                    "deploy/restart_policy",
                ),
                (Some(policy), true) => (policy, "restart"),
                (None, true) => ("no".to_string(), "restart"),
            };
            let message = match policy.split(':').next().unwrap_or_default() {
                "always" | "unless-stopped" | "any" => continue,
                text if text.contains('$') => continue,
                "no" | "none" | "false" => "is not restarted when it ends",
                "on-failure" => "does not come back after a reboot of the machine",
                _ => "has a restart policy that Docker does not know",
            };
            found.push(place::in_container(
                container,
                pointer,
                format!("`{}` {message}", container.name),
                "write `restart: unless-stopped`",
            ));
        }
        found
    }),
};
