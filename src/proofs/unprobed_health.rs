//! Every health path that the catalog wants probed is probed, by a module that exists.

use super::{Check, Example, Proof, place};
use crate::artifacts::Role;
use crate::contract::targets::Target;
use crate::stack::Stack;

pub(crate) const PROOF: Proof = Proof {
    code: "unprobed-health",
    doc: "A probe of another address or path, or by a module that the blackbox exporter does not have, says that a service is well which is not, or the other way round.",
    example: Example::Rendered {
        role: Role::Blackbox,
        pointer: "/modules",
        bad: r#"{"http_2xx": {"prober": "http"}}"#,
    },
    check: Check::Stack(|stack| {
        let mut found = Vec::new();
        let Some(config) = stack
            .files
            .config()
            .and_then(|_| stack.files.prometheus().next())
        else {
            return found;
        };
        let targets = &stack.contract.targets.list;
        let mut missing = Vec::new();
        for service in stack
            .catalog
            .services
            .iter()
            .filter(|service| service.health_probe)
        {
            let of_service = stack.contract.targets.with("service", &service.name);
            let probes: Vec<&Target> = of_service
                .ones()
                .map(|index| &targets[index])
                .filter(|target| {
                    // What a service itself is asked for is its metrics, whatever the query.
                    let own = target.labels.get("job") == Some(&service.name);
                    target.params.contains_key("target") && !own
                })
                .collect();
            for (index, url) in service.health_urls.iter().enumerate() {
                let Some(probe) = probes.get(index) else {
                    found.push(place::at(
                        &config.path,
                        "/scrape_configs",
                        format!("no job probes {url} for `{}`", service.name),
                        "render a target of the blackbox exporter with the label `service`",
                    ));
                    continue;
                };
                let mut say = |pointer: &str, message: String, help: &str| {
                    found.push(place::at(&config.path, pointer, message, help))
                };
                if probe.params["target"].first() != Some(url) {
                    let asked = probe.params["target"].first().map_or("", String::as_str);
                    say(
                        &probe.pointer,
                        format!(
                            "the health of `{}` is asked at {asked}, the catalog says {url}",
                            service.name
                        ),
                        "render the catalog's address and `health_path`",
                    );
                }
                if probe.address != stack.catalog.blackbox.address {
                    say(
                        &probe.pointer,
                        format!(
                            "the health of `{}` is asked of {}, the catalog says {}",
                            service.name, probe.address, stack.catalog.blackbox.address
                        ),
                        "render the catalog's `blackbox.address`",
                    );
                }
                let module = probe
                    .params
                    .get("module")
                    .and_then(|names| names.first())
                    .map_or("http_2xx", String::as_str);
                if let Some(reason) = module_without(stack, module) {
                    let pointer = format!("/scrape_configs/{}/params", probe.job);
                    if !missing.contains(&pointer) {
                        say(
                            &pointer,
                            reason,
                            "name a module of the rendered configuration",
                        );
                        missing.push(pointer);
                    }
                }
            }
        }
        found
    }),
};

/// Why a module does not ask over HTTP for any answer of 2xx.
fn module_without(stack: &Stack, name: &str) -> Option<String> {
    let modules = &stack.files.blackbox()?.value["modules"];
    let Some(module) = modules.get(name) else {
        return Some(format!("the blackbox exporter has no module `{name}`"));
    };
    (module["prober"] != "http").then(|| format!("the module `{name}` does not ask over HTTP"))
}
