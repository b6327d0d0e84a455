//! A health check can succeed, and it can fail.

use super::{Check, Example, Proof, place};
use crate::artifacts::Role;
use crate::json::Parts;
use crate::stack::Stack;
use crate::stack::containers::{Container, Health};

pub(crate) const PROOF: Proof = Proof {
    code: "health-check",
    doc: "A check whose program the image lacks, or that asks a port at which nobody listens, calls a sound container unhealthy, and what waits for it never starts; one that cannot fail calls a dead one healthy.",
    example: Example::Rendered {
        role: Role::Compose,
        pointer: "/services/prometheus/healthcheck/test",
        bad: r#"["CMD", "curl", "-f", "http://127.0.0.1:9090/-/healthy"]"#,
    },
    check: Check::Stack(|stack| {
        let mut found = Vec::new();
        for container in stack.containers.started() {
            let (message, help) = match stack.containers.health(container) {
                Health::Refused(reason) => (
                    format!(
                        "the health check of `{}` is refused: {reason}",
                        container.name
                    ),
                    "see `healthcheck` in the compose specification",
                ),
                Health::Check { ends, reasons } if !ends.well => {
                    let reason = reasons.first().map_or("it always fails", String::as_str);
                    (
                        format!(
                            "the health check of `{}` can never succeed: {reason}",
                            container.name
                        ),
                        "ask with a program of the image, at the port and path at which the server answers",
                    )
                }
                // An image that is not known may bring a check of its own.
                Health::None
                    if container.image.is_some() && !container.value["healthcheck"].is_null() =>
                {
                    (
                        format!(
                            "the health check of `{}` asks nothing: it has no `test`, and its image has none",
                            container.name
                        ),
                        "write a `test`, or leave `healthcheck` away",
                    )
                }
                Health::Check { .. } if asks_metrics(stack, container) => (
                    format!(
                        "the health check of `{}` asks for its metrics, which answer whatever its state is",
                        container.name
                    ),
                    "ask at its `health_path`",
                ),
                Health::Check { ends, .. } if !ends.badly => (
                    format!("the health check of `{}` can never fail", container.name),
                    "let its exit code be that of the command which asks",
                ),
                _ => continue,
            };
            found.push(place::at(
                &container.file.path,
                container.at("healthcheck/test"),
                message,
                help,
            ));
        }
        found
    }),
};

/// Whether a service's check asks where the catalog says that its metrics are, and not where its health is.
fn asks_metrics(stack: &Stack, container: &Container) -> bool {
    let Some(service) = stack.catalog.service(&container.name) else {
        return false;
    };
    if service.metrics_path == service.health_path {
        return false;
    }
    let test = &container.value["healthcheck"]["test"];
    let words = test.as_str().into_iter().chain(test.texts());
    let urls = words.flat_map(|word| word.split([' ', '\'', '"']));
    let mut paths = urls.filter_map(|word| {
        let (_, rest) = word.split_once("://")?;
        Some(&rest[rest.find('/')?..])
    });
    paths.any(|path| path.trim_end_matches([')', ';']) == service.metrics_path)
}
