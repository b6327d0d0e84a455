//! Prometheus knows an Alertmanager to send alerts to, and sends them as they are.

use super::{Check, Example, Proof, place};
use crate::artifacts::Role;
use crate::contract::relabel::{Labels, Relabeled, Rule, relabeled};
use crate::diagnostic::Diagnostic;
use crate::json::{Parts, plain};
use crate::render::File;
use crate::stack::Stack;
use serde_json::Value;

pub(crate) const PROOF: Proof = Proof {
    code: "undelivered-alert",
    doc: "Without an Alertmanager in the configuration alerts fire on Prometheus' own page and nowhere else; relabeling on the way may drop them, or take the labels away that routes read.",
    example: Example::Rendered {
        role: Role::Prometheus,
        pointer: "/alerting/alertmanagers/*/static_configs/*/targets",
        bad: "[]",
    },
    check: Check::Stack(|stack| {
        let mut found = Vec::new();
        for config in stack.files.prometheus() {
            let alerting = &config.value["alerting"];
            found.extend(relabeling(
                stack,
                config,
                &alerting["alert_relabel_configs"],
                "/alerting/alert_relabel_configs".to_string(),
            ));
            let mut known = Vec::new();
            for (index, group) in alerting["alertmanagers"].items().enumerate() {
                let pointer = format!("/alerting/alertmanagers/{index}");
                found.extend(relabeling(
                    stack,
                    config,
                    &group["alert_relabel_configs"],
                    format!("{pointer}/alert_relabel_configs"),
                ));
                let rules = Rule::read(&group["relabel_configs"]).unwrap_or_default();
                let targets = group["static_configs"]
                    .items()
                    .flat_map(|group| group["targets"].texts());
                known.extend(targets.filter_map(|target| {
                    match relabeled(
                        &rules,
                        Labels::from([("__address__".to_string(), target.to_string())]),
                    ) {
                        Relabeled::Kept(mut labels) => labels.remove("__address__"),
                        Relabeled::Dropped => None,
                    }
                }));
            }
            let discovered = alerting["alertmanagers"]
                .items()
                .any(|group| group.entries().any(|(key, _)| key.ends_with("_sd_configs")));
            for address in stack
                .catalog
                .prometheus
                .alertmanagers
                .iter()
                .filter(|address| !known.contains(address) && !discovered)
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

/// Labels that routes, inhibition and notifications read.
const READ: [&str; 5] = ["alertname", "severity", "job", "service", "component"];

/// Runs relabeling over every alert of every service: it may add and take away what nobody reads.
fn relabeling(stack: &Stack, config: &File, rules: &Value, pointer: String) -> Option<Diagnostic> {
    let help = "let the rules touch none of the labels that routes read: what is not to be sent is not to be a rule";
    let rules = match Rule::read(rules) {
        Ok(rules) if rules.is_empty() => return None,
        Ok(rules) => rules,
        Err((index, reason)) => {
            return Some(place::at(
                &config.path,
                format!("{pointer}/{index}"),
                reason,
                help,
            ));
        }
    };
    for (_, _, alert) in stack.files.alerts() {
        let name = alert["alert"].as_str().unwrap_or_default();
        for service in &stack.catalog.services {
            let own = [
                ("alertname", name),
                ("job", &service.name),
                ("service", &service.name),
                ("component", &service.group),
            ];
            let mut labels: Labels = own
                .map(|(label, value)| (label.to_string(), value.to_string()))
                .into();
            labels.extend(
                alert["labels"]
                    .entries()
                    .map(|(label, value)| (label.clone(), plain(value))),
            );
            let read = |labels: &Labels| READ.map(|label| labels.get(label).cloned());
            let before = read(&labels);
            let message = match relabeled(&rules, labels) {
                Relabeled::Kept(after) if read(&after) == before => continue,
                Relabeled::Kept(_) => format!(
                    "`{name}` of `{}` is changed on its way to the Alertmanager",
                    service.name
                ),
                Relabeled::Dropped => format!(
                    "`{name}` of `{}` is dropped on its way to the Alertmanager",
                    service.name
                ),
            };
            return Some(place::at(&config.path, pointer, message, help));
        }
    }
    None
}
