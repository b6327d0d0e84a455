//! A health check can succeed, and it can fail.

use super::{Check, Example, Proof, place};
use crate::artifacts::Role;
use crate::catalog::Duration;
use crate::diagnostic::Diagnostic;
use crate::stack::Stack;
use crate::stack::containers::{Container, Ends, Health};

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
                Health::Check { up, reasons, .. } if !up.well => {
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
                Health::Check { down, .. } if !down.badly => (
                    format!("the health check of `{}` can never fail", container.name),
                    "let its exit code be that of the command which asks",
                ),
                Health::Check {
                    unwell: Some(Ends { badly: false, .. }),
                    ..
                } => (
                    format!(
                        "the health check of `{}` passes whatever it is answered, an error too",
                        container.name
                    ),
                    "let the status decide: `curl -f`, `urlopen`, `raise_for_status()`",
                ),
                Health::Check { looks: false, .. } => (
                    format!(
                        "the health check of `{}` says the same whether it answers or not",
                        container.name
                    ),
                    "ask the server itself",
                ),
                Health::Check { .. } if let Some(path) = asks_elsewhere(stack, container) => (
                    format!(
                        "the health check of `{}` asks at {path}, of which the catalog knows nothing",
                        container.name
                    ),
                    "ask at its `health_path`, or let the catalog say where its health is",
                ),
                _ => {
                    found.extend(late(container));
                    continue;
                }
            };
            found.push(place::in_container(
                container,
                "healthcheck/test",
                message,
                help,
            ));
        }
        found
    }),
};

/// Longer than this nobody waits to hear that a container does not answer.
const LATEST: Duration = Duration(30 * 60_000);

/// A check that is run more often is a load of its own.
const SOONEST: Duration = Duration(1_000);

/// A check that says too late what is wrong: it is asked too rarely, or failures do not count for too long after the start.
fn late(container: &Container) -> Option<Diagnostic> {
    let check = &container.value["healthcheck"];
    // Of what is not written Docker's own values hold.
    let lasts = |key: &str, default: u64| {
        let written = check[key].as_str().and_then(Duration::parse);
        written.map_or(default, |written| written.0)
    };
    let retries = check["retries"]
        .as_u64()
        .filter(|retries| *retries > 0)
        .unwrap_or(3);
    let after = (lasts("interval", 30_000) + lasts("timeout", 30_000)).saturating_mul(retries);
    let pause = lasts("interval", 30_000);
    if (1..SOONEST.0).contains(&pause) {
        return Some(place::in_container(
            container,
            "healthcheck/interval",
            format!(
                "the health check of `{}` starts a program every {}",
                container.name,
                Duration(pause)
            ),
            "ask less often: a few seconds are soon enough",
        ));
    }
    let (key, after) = match lasts("start_period", 0) {
        grace if grace >= LATEST.0 => ("start_period", grace),
        _ if after > LATEST.0 => ("interval", after),
        _ => return None,
    };
    Some(place::in_container(
        container,
        &format!("healthcheck/{key}"),
        format!(
            "the health check of `{}` calls it unhealthy {} after it stopped answering",
            container.name,
            Duration(after)
        ),
        "ask more often, or give it less time to start",
    ))
}

/// Whether a service's check asks where the catalog says that its metrics are, and not where its health is.
fn asks_metrics(stack: &Stack, container: &Container) -> bool {
    let Some(service) = stack.catalog.service(&container.name) else {
        return false;
    };
    if service.metrics_path == service.health_path {
        return false;
    }
    asked(container)
        .iter()
        .any(|path| *path == service.metrics_path)
}

/// A path of its own application that is asked, and that is neither where its health is nor where its metrics are.
fn asks_elsewhere<'c>(stack: &Stack, container: &'c Container) -> Option<&'c str> {
    let service = stack.catalog.service(&container.name)?;
    // Somebody else's image knows best how it is asked.
    if !service.build || service.health_path.is_empty() {
        return None;
    }
    let known = [&service.health_path, &service.metrics_path];
    let asked = asked(container);
    let plain = |path: &str| {
        path.split(['?', '$'])
            .next()
            .unwrap_or_default()
            .to_string()
    };
    let known: Vec<String> = known.into_iter().map(|path| plain(path)).collect();
    let elsewhere = |path: &&str| !known.contains(&plain(path));
    match asked.iter().all(elsewhere) {
        true => asked.into_iter().next(),
        false => None,
    }
}

/// The paths of the addresses that a check asks.
fn asked<'c>(container: &'c Container) -> Vec<&'c str> {
    let test = &container.value["healthcheck"]["test"];
    let words = test.as_str().into_iter().chain(test.texts());
    let urls = words.flat_map(|word| word.split([' ', '\'', '"']));
    let paths = urls.filter_map(|word| {
        let (_, rest) = word.split_once("://")?;
        Some(rest.find('/').map_or("/", |start| &rest[start..]))
    });
    paths
        .map(|path| path.trim_end_matches([')', ';']))
        .collect()
}
