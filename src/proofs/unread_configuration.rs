//! The servers are started with the configuration that is rendered.

use super::{Check, Example, Proof, place};
use crate::artifacts::Role;
use crate::stack::compose::mounted;
use serde_json::Value;

const FLAG: &str = "--config.file=";

pub(crate) const PROOF: Proof = Proof {
    code: "unread-configuration",
    doc: "The images bring an example configuration of their own: a server that is not told of another runs with that, and says that all is healthy.",
    example: Example::Rendered {
        role: Role::Compose,
        pointer: "/services/prometheus/command",
        bad: r#"["--config.file=/etc/prometheus/prometheus.yml"]"#,
    },
    check: Check::Stack(|stack| {
        let mut found = Vec::new();
        let containers = || stack.files.containers().map(|(_, _, container)| container);
        let configs = stack.files.prometheus().chain(stack.files.alertmanager());
        for file in configs {
            let mut read =
                containers().filter_map(|container| mounted(container, configured(container)?));
            // Without containers nobody is started from here.
            if containers().next().is_some() && !read.any(|path| path == file.path) {
                found.push(place::at(
                    &file.path,
                    "",
                    format!("no container is started with {}", file.path),
                    format!("give the server's `command` a `{FLAG}` with the path at which the file is mounted"),
                ));
            }
        }
        found
    }),
};

fn configured(container: &Value) -> Option<&str> {
    container["command"]
        .as_array()?
        .iter()
        .filter_map(Value::as_str)
        .find_map(|flag| flag.strip_prefix(FLAG))
}
