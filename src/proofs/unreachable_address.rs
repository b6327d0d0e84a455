//! Everybody who is asked for something can be reached by who asks, and answers.

mod address;
mod connection;
mod logins;
mod people;
mod servers;
mod services;

use super::{Check, Example, Proof, place};
use crate::artifacts::Role;
use crate::diagnostic::Diagnostic;
use crate::source::step;
use crate::stack::Stack;
use connection::Judge;
use std::collections::BTreeSet;

pub(crate) const PROOF: Proof = Proof {
    code: "unreachable-address",
    doc: "A name that resolves nowhere, a container in another network, a port at which nobody listens, another scheme or path: a target that is down permanently, a data source that is a Bad Gateway, alerts that reach nobody. Docker on Linux knows host.docker.internal only with `extra_hosts`.",
    example: Example::Rendered {
        role: Role::Datasources,
        pointer: "/datasources/*/url",
        bad: r#""http://prometheus:9091""#,
    },
    check: Check::Stack(|stack| {
        if stack.containers.started().next().is_none() {
            return Vec::new();
        }
        let mut judge = Judge::of(stack);
        judge.prometheus();
        judge.alertmanager();
        judge.grafana();
        judge.proxies();
        judge.logins();
        judge.database();
        judge.asked_by_grafana();
        judge.services();
        judge.links();
        judge.people();
        judge.found.extend(made_anew(stack));
        judge.found
    }),
};

/// Networks that are there already, in place of which Compose makes empty ones with the name of the project before theirs.
fn made_anew(stack: &Stack) -> Vec<Diagnostic> {
    let services = stack.catalog.services.iter();
    let named = services.flat_map(|service| &service.networks);
    let there: BTreeSet<&String> = named.chain(&stack.catalog.compose.networks).collect();
    let mut found = Vec::new();
    for file in stack.files.compose() {
        let networks = file.value["networks"].entries();
        for (name, network) in networks.filter(|(name, _)| there.contains(name)) {
            if network["external"] == true || network["external"].is_object() {
                continue;
            }
            found.push(place::at(
                &file.path,
                format!("/networks/{}", step(name)),
                format!("Compose makes a network of its own, and nobody of `{name}` is in it"),
                "write `external: true`",
            ));
        }
    }
    found
}
