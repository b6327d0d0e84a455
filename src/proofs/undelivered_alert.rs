//! Prometheus knows an Alertmanager to send alerts to.

use super::{Check, Example, Proof, place};
use crate::artifacts::Role;
use crate::json::Parts;

pub(crate) const PROOF: Proof = Proof {
    code: "undelivered-alert",
    doc: "Without an Alertmanager in the configuration alerts fire on Prometheus' own page and nowhere else.",
    example: Example::Rendered {
        role: Role::Prometheus,
        pointer: "/alerting/alertmanagers/*/static_configs/*/targets",
        bad: "[]",
    },
    check: Check::Stack(|stack| {
        let mut found = Vec::new();
        for config in stack.files.prometheus() {
            if config.value["alerting"]
                .get("alert_relabel_configs")
                .is_some()
            {
                found.push(place::at(
                    &config.path,
                    "/alerting/alert_relabel_configs",
                    "alerts are changed or dropped on their way to the Alertmanager",
                    "remove it: routes and inhibition belong to the Alertmanager, labels to the rules",
                ));
            }
            let groups = config.value["alerting"]["alertmanagers"]
                .items()
                .flat_map(|group| group["static_configs"].items());
            let known: Vec<&str> = groups
                .flat_map(|group| group["targets"].items())
                .filter_map(|target| target.as_str())
                .collect();
            for address in stack
                .catalog
                .prometheus
                .alertmanagers
                .iter()
                .filter(|address| !known.contains(&address.as_str()))
            {
                found.push(place::at(
                    &config.path,
                    "/alerting",
                    format!("alerts are not sent to `{address}`"),
                    "render every address of `prometheus.alertmanagers`",
                ));
            }
        }
        found
    }),
};
