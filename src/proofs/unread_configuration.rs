//! The servers are started with the configuration that is rendered.

use super::stack::mount;
use super::{Check, Example, Finding, Proof};
use crate::json::Parts;
use serde_json::Value;

const FLAG: &str = "--config.file=";

pub const PROOF: Proof = Proof {
    code: "unread-configuration",
    doc: "The images bring an example configuration of their own: a server that is not told of another runs with that, and says that all is well.",
    example: Example::Template {
        file: "docker-compose.monitoring.yml",
        good: "--config.file=/etc/prometheus/working_prometheus.yml",
        bad: "--config.file=/etc/prometheus/prometheus.yml",
    },
    check: Check::Stack(|stack| {
        let mut found = Vec::new();
        for file in stack.configs().chain(stack.routing()) {
            let containers = stack
                .compose()
                .flat_map(|compose| compose.value["services"].entries());
            let mut read =
                containers.filter_map(|(_, container)| Some((container, configured(container)?)));
            // Without containers nobody is started from here.
            if stack.compose().next().is_some()
                && !read.any(|(container, path)| {
                    mounted(container, path).is_some_and(|path| path == file.path)
                })
            {
                found.push(Finding::at(
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

/// The file under generated/ that a container sees at a path.
fn mounted(container: &Value, path: &str) -> Option<String> {
    let mut folders = container["volumes"].as_array()?.iter().filter_map(mount);
    folders.find_map(|(source, target)| {
        Some(format!(
            "{}{}",
            source.trim_start_matches("./"),
            path.strip_prefix(target)?
        ))
    })
}
