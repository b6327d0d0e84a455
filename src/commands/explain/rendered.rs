//! An alert of the rule files that no table of the catalog has: those about the monitoring itself, and of the user's own files.

use super::labelled::receiver;
use super::{Row, row};
use crate::catalog::Catalog;
use crate::json::plain;
use crate::render::Rendered;
use crate::source::Source;

/// Where the rule stands, and what it says; None: there is no such alert.
pub(super) fn rows(
    name: &str,
    rendered: &Rendered,
    catalog: &Catalog,
    source: &Source,
) -> Option<Vec<Row>> {
    let (file, rule) = rendered.files.iter().find_map(|file| {
        let groups = file.value["groups"].items();
        let mut rules = groups.flat_map(|group| group["rules"].items());
        Some((file, rules.find(|rule| rule["alert"] == name)?))
    })?;
    // Of several lines one is shown: a table has no room for more.
    let line = |value: &str| value.split_whitespace().collect::<Vec<_>>().join(" ");
    let said = |key: &str, value: &str| row(key, line(value), source, None);
    let mut rows = vec![said(
        "rule of",
        &format!("{}/{}", rendered.output, file.path),
    )];
    let keys = ["expr", "for", "keep_firing_for"].into_iter();
    rows.extend(keys.filter_map(|key| Some(said(key, &plain(rule.get(key)?)))));
    for (label, value) in rule["labels"].entries() {
        rows.push(said(&format!("label {label}"), &plain(value)));
    }
    let severity = rule["labels"]["severity"].as_str();
    rows.extend(severity.map(|severity| receiver(severity, catalog, source)));
    for (annotation, value) in rule["annotations"].entries() {
        rows.push(said(annotation, &plain(value)));
    }
    Some(rows)
}
