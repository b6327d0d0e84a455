//! Rows and columns: labels and values, put in order by the panel's transformations.

use super::body::{Body, Cell};
use super::field::{Field, Shown};
use super::subject::{Found, Subject};
use crate::value::Value;
use std::collections::BTreeMap;

/// A cell before it is formatted.
#[derive(Clone)]
enum Content {
    Text(String),
    Number(f64),
}

type Row = BTreeMap<String, Content>;

/// `table`.
pub(crate) fn table(subject: &Subject) -> Option<Body> {
    let merged = subject.panel["transformations"]
        .items()
        .any(|one| one["id"] == "merge");
    let mut rows = rows(subject.found, subject.axis.end, merged);
    if rows.is_empty() {
        return None;
    }
    let mut columns = columns(&rows);
    for one in subject.panel["transformations"]
        .items()
        .filter(|one| one["id"] == "organize")
    {
        columns = organized(columns, &one["options"]);
    }
    for sort in subject.panel["options"]["sortBy"].items() {
        if let Some((name, _)) = columns
            .iter()
            .find(|(_, shown)| sort["displayName"] == shown.as_str())
        {
            sorted(&mut rows, name, sort["desc"] == true);
        }
    }
    let fields: Vec<Field> = columns
        .iter()
        .map(|(_, shown)| Field::of(subject.panel, shown, ""))
        .collect();
    let cells = |row: &Row| {
        columns
            .iter()
            .zip(&fields)
            .map(|((name, _), field)| cell(row.get(name), field, subject.axis.end))
            .collect()
    };
    let rows = rows.iter().map(cells).collect();
    Some(Body::Table {
        columns: columns.into_iter().map(|(_, shown)| shown).collect(),
        rows,
    })
}

/// One row for each series; those of several queries with the same labels become one when they are merged.
fn rows(found: &[Found], now: i64, merged: bool) -> Vec<Row> {
    let several = found.len() > 1;
    let mut rows: Vec<Row> = Vec::new();
    let mut known: BTreeMap<Vec<(String, String)>, usize> = BTreeMap::new();
    for found in found {
        for series in &found.series {
            let labels: Vec<(String, String)> = series
                .labels
                .iter()
                .map(|(label, value)| (label.clone(), value.clone()))
                .collect();
            let place = known
                .get(&labels)
                .copied()
                .filter(|_| merged)
                .unwrap_or(rows.len());
            if place == rows.len() {
                let mut row: Row = labels
                    .iter()
                    .map(|(label, value)| (label.clone(), Content::Text(value.clone())))
                    .collect();
                row.insert("Time".to_string(), Content::Text(super::units::clock(now)));
                rows.push(row);
                known.insert(labels, place);
            }
            let name = if several {
                format!("Value #{}", found.reference)
            } else {
                "Value".to_string()
            };
            if let Some(value) = series.last() {
                rows[place].insert(name, Content::Number(value));
            }
        }
    }
    rows
}

/// Name and title of every column: the time, labels, values.
fn columns(rows: &[Row]) -> Vec<(String, String)> {
    let mut names: Vec<&String> = rows.iter().flat_map(BTreeMap::keys).collect();
    names.sort_by_key(|name| {
        (
            name.starts_with("Value"),
            name.as_str() != "Time",
            name.as_str(),
        )
    });
    names.dedup();
    names
        .into_iter()
        .map(|name| (name.clone(), name.clone()))
        .collect()
}

fn organized(columns: Vec<(String, String)>, options: &Value) -> Vec<(String, String)> {
    let mut kept: Vec<(String, String)> = columns
        .into_iter()
        .filter(|(name, _)| options["excludeByName"][name] != true)
        .collect();
    kept.sort_by_key(|(name, _)| options["indexByName"][name].as_u64().unwrap_or(u64::MAX));
    for (name, shown) in &mut kept {
        if let Some(renamed) = options["renameByName"][name.as_str()]
            .as_str()
            .filter(|renamed| !renamed.is_empty())
        {
            *shown = renamed.to_string();
        }
    }
    kept
}

fn sorted(rows: &mut [Row], column: &str, descending: bool) {
    rows.sort_by(|a, b| {
        let order = match (a.get(column), b.get(column)) {
            (Some(Content::Number(a)), Some(Content::Number(b))) => a.total_cmp(b),
            (Some(Content::Text(a)), Some(Content::Text(b))) => a.cmp(b),
            (a, b) => a.is_some().cmp(&b.is_some()),
        };
        if descending { order.reverse() } else { order }
    });
}

fn cell(content: Option<&Content>, field: &Field, now: i64) -> Cell {
    let (shown, raw, number) = match content {
        Some(Content::Number(value)) => (field.shown(*value, now), value.to_string(), true),
        Some(Content::Text(text)) => (field.shown_text(text), text.clone(), false),
        None => (
            Shown {
                text: "–".to_string(),
                colour: "text",
            },
            String::new(),
            false,
        ),
    };
    // Grafana colours a cell only where its display mode says so.
    let coloured = ["/custom/displayMode", "/custom/cellOptions/type"]
        .iter()
        .any(|pointer| {
            field
                .get(pointer)
                .as_str()
                .is_some_and(|mode| mode.starts_with("color"))
        });
    let shown = Shown {
        colour: if coloured { shown.colour } else { "text" },
        ..shown
    };
    Cell {
        shown,
        href: field
            .get("/links/0/url")
            .as_str()
            .map_or_else(String::new, |url| {
                super::page::href(&url.replace("${__value.raw}", &raw))
            }),
        number,
    }
}
