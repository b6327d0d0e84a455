//! Native histograms on their way: asked for by their jobs, beside their buckets where the catalog has those, and kept by stores.

use crate::catalog::Metric;
use crate::diagnostic::Diagnostic;
use crate::json::plain;
use crate::proofs::place;
use crate::render::File;
use crate::stack::Stack;
use crate::value::Value;

/// What Prometheus must be told for them and is not.
pub(super) fn left_out(stack: &Stack, config: &File) -> Vec<Diagnostic> {
    let catalog = stack.catalog;
    let mut found = Vec::new();
    if !catalog.declared().any(|metric| metric.native) {
        return found;
    }
    let global = &config.value["global"];
    for (index, job) in config.value["scrape_configs"].items().enumerate() {
        let name = job["job_name"].as_str().unwrap_or_default();
        let own = catalog.declared().filter(|metric| {
            metric.r#type == "histogram" && metric.services.iter().any(|service| service == name)
        });
        let own: Vec<&Metric> = own.collect();
        let Some(native) = own.iter().find(|metric| metric.native) else {
            continue;
        };
        let set = |key: &str| job[key].as_bool().or_else(|| global[key].as_bool()) == Some(true);
        let mut say = |message: String, help: &str| {
            let pointer = format!("/scrape_configs/{index}");
            found.push(place::at(&config.path, pointer, message, help));
        };
        if catalog.prometheus.at_least(3, 8) && !set("scrape_native_histograms") {
            say(
                format!(
                    "`{name}` is not asked for native histograms, and of `{}` Prometheus has no series that a rule reads",
                    native.name
                ),
                "write `scrape_native_histograms: true`",
            );
        }
        let keep = "always_scrape_classic_histograms";
        let bucketed = own.iter().find(|metric| !metric.whole);
        if let Some(metric) = bucketed.filter(|_| catalog.prometheus.at_least(3, 0) && !set(keep)) {
            say(
                format!(
                    "`{name}` is asked for native histograms alone, and rules and panels read the buckets of `{}`",
                    metric.name
                ),
                "write `always_scrape_classic_histograms: true`",
            );
        }
    }
    let stores = config.value["remote_write"].items().enumerate();
    let silent = stores.filter(|(_, store)| store["send_native_histograms"] != Value::Bool(true));
    found.extend(silent.map(|(index, store)| {
        place::at(
            &config.path,
            format!("/remote_write/{index}"),
            format!(
                "no native histogram of the catalog is written to {}",
                plain(&store["url"])
            ),
            "write `send_native_histograms: true`",
        )
    }));
    found
}
