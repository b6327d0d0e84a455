//! The receivers, inhibitions and time intervals of the Alertmanager.

use super::{Concat, Item, ItemKind, list, rest, sorted, without};
use crate::value::Value;

/// The routes are followed and not compared as text.
pub(crate) fn alertmanager(value: &Value) -> Vec<Item> {
    let mut inhibitions = Vec::new();
    for (index, rule) in value["inhibit_rules"].items().enumerate() {
        let mut value = rule.clone();
        for key in ["source_matchers", "target_matchers", "equal"]
            .into_iter()
            .filter(|key| rule.get(*key).is_some())
        {
            value[key] = sorted(&rule[key]);
        }
        // What it is about; a rule whose target is another one is another rule.
        let matchers = |kind: &str| {
            let old = ["", "_re"]
                .map(|suffix| rule.get(format!("{kind}_match{suffix}")))
                .into_iter()
                .flatten()
                .map(Value::to_string);
            let new = value[format!("{kind}_matchers")]
                .texts()
                .map(str::to_string);
            new.chain(old).collect::<Vec<_>>().join(", ")
        };
        let name = format!("inhibition by {}", matchers("source"));
        inhibitions.push(Item {
            kind: ItemKind::Inhibition,
            name,
            pointer: format!("/inhibit_rules/{index}"),
            value,
        });
    }
    // Rules with one source are distinguished by what they hold back, whatever their order.
    inhibitions.sort_by_cached_key(|item| item.value.to_string());
    let times = [
        list(value, "time_intervals", "name", ItemKind::Times),
        list(value, "mute_time_intervals", "name", ItemKind::Times),
    ]
    .concat_items();
    let mut receivers = list(value, "receivers", "name", ItemKind::Receiver);
    receivers
        .iter_mut()
        .for_each(|receiver| receiver.value = without(&receiver.value, &["name"]));
    let keys = rest(
        value,
        &[
            "route",
            "inhibit_rules",
            "receivers",
            "time_intervals",
            "mute_time_intervals",
        ],
    );
    [receivers, inhibitions, times, keys].concat_items()
}
