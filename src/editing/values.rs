//! What is written for a setting that is given as words: the schema says whether `10` is a number, a text or a list of one.

use super::names::{said, within};
use crate::value::Value as Json;
use std::collections::BTreeSet;
use toml_edit::{Array, InlineTable, Value};

/// The value that words mean, by what the schema's nodes say of it. What no type takes stays a text: the schema then says so at
/// its place.
pub(crate) fn value(schema: &Json, nodes: &[&Json], words: &[String]) -> Value {
    let said: Vec<&Json> = nodes.iter().flat_map(|node| said(schema, node)).collect();
    let types: BTreeSet<&str> = said
        .iter()
        .flat_map(|node| match &node["type"] {
            Json::String(one) => vec![one.as_str()],
            several => several.texts().collect(),
        })
        .collect();
    // A threshold may be a table of levels, of which only its condition says that it is one.
    let levels = said.iter().any(|node| node["if"]["type"] == "object");
    let takes = |wanted: &str| types.contains(wanted) || levels && wanted == "object";
    let texts = takes("string") || said.iter().any(|node| node["enum"][0].is_string());
    let [word] = words else {
        if takes("object") && !takes("array") {
            return table(schema, &said, words).unwrap_or_else(|| list(schema, &said, words));
        }
        return list(schema, &said, words);
    };
    match parsed(word) {
        Some(Value::Array(items)) if takes("array") => return Value::Array(items),
        Some(Value::InlineTable(table)) if takes("object") => return table.into(),
        Some(Value::Boolean(flag)) if takes("boolean") => return Value::Boolean(flag),
        Some(whole @ Value::Integer(_)) if takes("integer") || takes("number") => return whole,
        Some(number @ Value::Float(_)) if takes("number") => return number,
        // Quoted as TOML has it: for a text that would be read as something else.
        Some(Value::String(text)) if texts => return Value::String(text),
        // Nothing is known of the key, which is then the mistake.
        Some(other) if types.is_empty() && !texts => return other,
        _ => {}
    }
    if texts || types.is_empty() {
        return word.as_str().into();
    }
    if takes("object")
        && let Some(table) = table(schema, &said, words)
    {
        return table;
    }
    match takes("array") {
        true => list(schema, &said, words),
        false => parsed(word).unwrap_or_else(|| word.as_str().into()),
    }
}

/// A word as TOML reads it.
fn parsed(word: &str) -> Option<Value> {
    let plain = |value: Value| {
        let mut value = value;
        value.decor_mut().clear();
        value
    };
    word.parse::<Value>().ok().map(plain)
}

fn list(schema: &Json, said: &[&Json], words: &[String]) -> Value {
    let items: Vec<&Json> = said.iter().filter_map(|node| node.get("items")).collect();
    let each = words.iter();
    let values = each.map(|word| value(schema, &items, std::slice::from_ref(word)));
    values.collect::<Array>().into()
}

/// `KEY=VALUE` of each word.
fn table(schema: &Json, said: &[&Json], words: &[String]) -> Option<Value> {
    let mut table = InlineTable::new();
    for word in words {
        let (key, written) = word.split_once('=')?;
        let nodes = within(said, key);
        let written = [written.to_string()];
        table.insert(key, value(schema, &nodes, &written));
    }
    Some(table.into())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalog::schema::SCHEMA;
    use crate::editing::names::at;

    fn written(key: &str, words: &[&str]) -> String {
        let steps: Vec<String> = key.split('.').map(str::to_string).collect();
        let words: Vec<String> = words.iter().map(ToString::to_string).collect();
        value(&SCHEMA, &at(&SCHEMA, &steps), &words).to_string()
    }

    #[test]
    fn the_schema_says_what_words_mean() {
        for (key, words, expected) in [
            ("services.a.port", &["8010"][..], "8010"),
            ("platform.name", &["8010"], "\"8010\""),
            ("alerts.X.for", &["10m"], "\"10m\""),
            ("alerts.X.above", &["0.2"], "0.2"),
            ("alerts.X.above", &["1s"], "\"1s\""),
            (
                "alerts.X.above",
                &["{ warning = 1, critical = 2 }"],
                "{ warning = 1, critical = 2 }",
            ),
            ("alerts.X.services", &["a"], "[\"a\"]"),
            ("alerts.X.services", &["a", "b"], "[\"a\", \"b\"]"),
            ("metrics.a.buckets", &["0.1", "1"], "[0.1, 1]"),
            ("metrics.a.buckets", &["[0.1, 1]"], "[0.1, 1]"),
            (
                "services.a.labels",
                &["tier=1", "zone=eu"],
                "{ tier = \"1\", zone = \"eu\" }",
            ),
            ("services.a.labels", &["tier=1"], "{ tier = \"1\" }"),
            (
                "alerts.X.above",
                &["warning=0.8", "critical=0.95"],
                "{ warning = 0.8, critical = 0.95 }",
            ),
            (
                "services.a.tls",
                &["ca_file=a.pem", "insecure_skip_verify=true"],
                "{ ca_file = \"a.pem\", insecure_skip_verify = true }",
            ),
            ("services.a.health_probe", &["true"], "true"),
            ("services.a.alerts.X.above", &["0.5"], "0.5"),
            ("routes.0.alert", &["Down"], "\"Down\""),
            ("services.a.prot", &["1"], "1"),
        ] {
            assert_eq!(written(key, words), expected, "{key} {words:?}");
        }
    }
}
