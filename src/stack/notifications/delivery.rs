//! Where Prometheus sends alerts: its Alertmanagers, found and relabeled as Prometheus does it.

use super::matchers::Labels;
use super::relabeling::Relabeling;
use crate::contract::targets::one_name;
use crate::json::plain;
use crate::value::Value;

/// One Alertmanager that a configuration leads to.
pub(crate) struct Endpoint<'a> {
    /// Where the group stands that it belongs to.
    pub(crate) pointer: String,
    /// The group, for how it lets itself in.
    pub(crate) group: &'a Value,
    /// host:port
    pub(crate) address: String,
    pub(crate) scheme: String,
    /// Of its API.
    pub(crate) path: String,
}

/// The API that alerts are posted to.
pub(crate) const API: &str = "/api/v2/alerts";

/// Every Alertmanager of a configuration of Prometheus, and whether others may be found by means that are not followed here.
pub(crate) fn endpoints(config: &Value) -> (Vec<Endpoint<'_>>, bool) {
    let (mut found, mut others) = (Vec::new(), false);
    let groups = config["alerting"]["alertmanagers"].items().enumerate();
    for (index, group) in groups {
        let mut targets: Vec<(String, &Value)> = Vec::new();
        for (key, list) in group.entries() {
            match key.as_str() {
                "static_configs" => {
                    for entry in list.items() {
                        let addresses = entry["targets"].texts();
                        targets.extend(
                            addresses.map(|address| (address.to_string(), &entry["labels"])),
                        );
                    }
                }
                // Names of A records, which is what Docker answers for a container.
                "dns_sd_configs" => {
                    for entry in list.items() {
                        let port = plain(&entry["port"]);
                        let names = entry["names"].texts();
                        others |= entry["port"].is_null();
                        targets.extend(names.map(|name| (format!("{name}:{port}"), &Value::Null)));
                    }
                }
                key => others |= key.ends_with("_sd_configs"),
            }
        }
        let relabeling = Relabeling::of(&group["relabel_configs"]);
        for (address, own) in targets {
            let prefix = plain(&group["path_prefix"]);
            let prefix = group.get("path_prefix").map_or("", |_| prefix.as_str());
            let path = format!("/{}{API}", prefix.trim_matches('/')).replace("//", "/");
            let scheme = group["scheme"].as_str().unwrap_or("http").to_string();
            let mut labels: Labels = own
                .entries()
                .map(|(label, value)| (label.clone(), plain(value)))
                .collect();
            labels.extend(
                [
                    ("__address__", address),
                    ("__scheme__", scheme),
                    ("__alerts_path__", path),
                ]
                .map(|(label, value)| (label.to_string(), value)),
            );
            if let Some(mut labels) = relabeling.after(labels) {
                let mut take = |label: &str| labels.remove(label).unwrap_or_default();
                found.push(Endpoint {
                    pointer: format!("/alerting/alertmanagers/{index}"),
                    group,
                    address: one_name(take("__address__")),
                    scheme: take("__scheme__"),
                    path: take("__alerts_path__"),
                });
            }
        }
    }
    (found, others)
}
