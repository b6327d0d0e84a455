//! The rules of a file.

use super::{Item, ItemKind, around, without};
use crate::render::File;

/// Rules by name, in whichever group they are; a rule in a group that is evaluated differently is reported at the group.
pub(crate) fn rules(file: &File, groups: &str) -> Vec<Item> {
    let mut found = around(&file.value, groups);
    for (pointer, group) in file.groups() {
        let name = group["name"].as_str().unwrap_or_default().to_string();
        found.push(Item {
            kind: ItemKind::Rules,
            name,
            pointer: pointer.clone(),
            value: without(group, &["name", "rules"]),
        });
        for (index, rule) in group["rules"].items().enumerate() {
            let (kind, name) = match rule["alert"].as_str() {
                Some(alert) => (ItemKind::Alert, alert),
                None => (
                    ItemKind::Recording,
                    rule["record"].as_str().unwrap_or_default(),
                ),
            };
            // One series is recorded for each service by a rule of its own.
            let of = rule["labels"]["job"]
                .as_str()
                .filter(|_| kind == ItemKind::Recording)
                .map(|job| format!(" of {job}"))
                .unwrap_or_default();
            found.push(Item {
                kind,
                name: format!("{name}{of}"),
                pointer: format!("{pointer}/rules/{index}"),
                value: without(rule, &["alert", "record"]),
            });
        }
    }
    found
}
