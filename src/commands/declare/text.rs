//! The text of a catalog, or of a profile, with more metrics in it.

use crate::declaring::Family;
use crate::editing::entry::{keep_comments, last_position};
use crate::value::Value as Json;
use toml_edit::{Array, DocumentMut, InlineTable, Item, Table, Value};

/// A metric as it is written.
pub(super) struct Written<'a> {
    /// Of its table.
    pub key: String,
    /// Where the key is not all of its name.
    pub name: Option<String>,
    pub family: &'a Family,
    /// None: every service emits it.
    pub services: Option<Vec<String>>,
}

/// The text with these metrics behind its last one, written as that one is; comments, order and line ends stay.
pub(super) fn with_metrics(text: &str, metrics: &[Written]) -> String {
    edited(text, |document| {
        let position = prepare(document)?;
        let lines = match &mut document["metrics"] {
            Item::Value(Value::InlineTable(table)) => {
                // The blank in front of the closing brace stays there.
                let last = table.iter().last().map(|(key, _)| key.to_string());
                let mut behind = None;
                if let Some(value) = last.and_then(|key| table.get_mut(&key)) {
                    behind = value.decor().suffix().cloned();
                    value.decor_mut().set_suffix("");
                }
                for (index, metric) in metrics.iter().enumerate() {
                    let mut value = Value::from(metric.fields());
                    value.decor_mut().set_prefix(" ");
                    if index + 1 == metrics.len() {
                        value
                            .decor_mut()
                            .set_suffix(behind.take().unwrap_or_default());
                    }
                    table.insert(&metric.key, value);
                }
                return Some(());
            }
            Item::Table(table) => in_lines(table),
            _ => return None,
        };
        for (index, metric) in metrics.iter().enumerate() {
            let fields = metric.fields();
            let table = document["metrics"].as_table_mut()?;
            if lines {
                table.insert(&metric.key, Item::Value(fields.into()));
                continue;
            }
            let mut own = fields.into_table();
            own.decor_mut().set_prefix("\n");
            table.insert(&metric.key, Item::Table(own));
            if index == 0 {
                keep_comments(document, "metrics", &metric.key, position);
            }
        }
        Some(())
    })
}

/// The text in which these services emit a metric too; None: it is not declared in it.
pub(super) fn with_emitters(text: &str, key: &str, services: &[String]) -> Option<String> {
    let document: DocumentMut = text.replace("\r\n", "\n").parse().ok()?;
    document.get("metrics")?.get(key)?;
    Some(edited(text, |document| {
        let metric = document["metrics"][key].as_table_like_mut()?;
        if metric.get("services").is_none() {
            metric.insert("services", Item::Value(Array::new().into()));
        }
        let emitters = metric.get_mut("services")?.as_array_mut()?;
        services.iter().for_each(|service| emitters.push(service));
        Some(())
    }))
}

/// The text of a profile with these metrics in it.
pub(super) fn with_exposed(text: &str, families: &[&Family]) -> String {
    edited(text, |document| {
        if document.get("metrics").is_none() {
            document.insert("metrics", Item::Table(Table::new()));
        }
        for family in families {
            let mut fields = InlineTable::new();
            fields.insert("type", family.kind.word().into());
            fields.insert("help", family.help.as_str().into());
            labels(&mut fields, family);
            bounds(&mut fields, family);
            let metrics = document["metrics"].as_table_like_mut()?;
            metrics.insert(&family.name, Item::Value(fields.into()));
        }
        Some(())
    })
}

/// What is edited with `\n` at the ends of lines, and has those of the text again; a text that is not TOML stays as it is.
fn edited(text: &str, edit: impl FnOnce(&mut DocumentMut) -> Option<()>) -> String {
    let Ok(mut document) = text.replace("\r\n", "\n").parse::<DocumentMut>() else {
        return text.to_string();
    };
    if edit(&mut document).is_none() {
        return text.to_string();
    }
    let new = document.to_string();
    if text.contains("\r\n") {
        new.replace('\n', "\r\n")
    } else {
        new
    }
}

/// A table of metrics to write into, and where its last header stands.
fn prepare(document: &mut DocumentMut) -> Option<Option<isize>> {
    if document.get("metrics").is_none() {
        let mut metrics = Table::new();
        metrics.set_implicit(true);
        document.insert("metrics", Item::Table(metrics));
        // Behind everything that there is.
        return Some(last_position(document.as_table()));
    }
    let metrics = document["metrics"].as_table();
    Some(metrics.and_then(last_position))
}

/// `[metrics]` with `a = { … }` below it, and no `[metrics.b]`.
fn in_lines(metrics: &Table) -> bool {
    let mut items = metrics.iter();
    let any = !metrics.is_empty();
    any && items.all(|(_, item)| item.is_value())
}

impl Written<'_> {
    fn fields(&self) -> InlineTable {
        let family = self.family;
        let mut fields = InlineTable::new();
        if let Some(name) = &self.name {
            fields.insert("name", name.as_str().into());
        }
        fields.insert("type", family.kind.word().into());
        fields.insert("help", family.help.as_str().into());
        labels(&mut fields, family);
        bounds(&mut fields, family);
        if let Some(services) = &self.services {
            let services: Array = services.iter().map(String::as_str).collect();
            fields.insert("services", services.into());
        }
        fields
    }
}

/// The form and the buckets of a histogram, the quantiles of a summary.
fn bounds(fields: &mut InlineTable, family: &Family) {
    if family.native {
        fields.insert("native", true.into());
    }
    let all = [
        ("buckets", &family.buckets),
        ("quantiles", &family.quantiles),
    ];
    for (key, numbers) in all.into_iter().filter(|(_, numbers)| !numbers.is_empty()) {
        let numbers: Array = numbers.iter().map(|value| number(*value)).collect();
        fields.insert(key, numbers.into());
    }
}

fn labels(fields: &mut InlineTable, family: &Family) {
    if family.labels.is_empty() {
        return;
    }
    let mut labels = InlineTable::new();
    for (label, domain) in &family.labels {
        let domain: Value = match domain {
            Json::Array(values) => values
                .iter()
                .filter_map(Json::as_str)
                .collect::<Array>()
                .into(),
            pattern => pattern.as_str().unwrap_or(".*").into(),
        };
        labels.insert(label, domain);
    }
    fields.insert("labels", labels.into());
}

/// A whole number as such: `10`, not `10.0`.
fn number(value: f64) -> Value {
    if value.fract() == 0.0 && value.abs() < 1e15 {
        (value as i64).into()
    } else {
        value.into()
    }
}
