//! The jobs of Prometheus, and its own settings.

use super::{Concat, Item, ItemKind, list, rest, sorted};
use crate::value::{Value, json};

pub(crate) fn prometheus(value: &Value) -> Vec<Item> {
    let mut jobs = list(value, "scrape_configs", "job_name", ItemKind::Job);
    for job in &mut jobs {
        // Of a single group of targets, the addresses and the labels are compared, and not its index.
        if let Some([only]) = job.value["static_configs"].as_array().map(Vec::as_slice) {
            let (targets, labels) = (
                sorted(&only["targets"]),
                only.get("labels").cloned().unwrap_or_else(|| json!({})),
            );
            job.value["static_configs"] = json!({"targets": targets, "labels": labels});
        }
    }
    let mut keys = rest(value, &["scrape_configs"]);
    keys.iter_mut()
        .filter(|item| item.name == "rule_files")
        .for_each(|item| item.value = sorted(&item.value));
    [jobs, keys].concat_items()
}
