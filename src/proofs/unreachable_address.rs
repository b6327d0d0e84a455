//! Everybody who is asked for something can be reached by who asks, and answers.

mod address;
mod connection;
mod people;
mod servers;
mod services;

use super::{Check, Example, Proof};
use crate::artifacts::Role;
use connection::Judge;

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
        judge.database();
        judge.services();
        judge.links();
        judge.people();
        judge.found
    }),
};
