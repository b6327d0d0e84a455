//! Where a catalog names something that it declares. The schema says so, by `names` beside a key: the table that a text or the
//! items of a list are looked up in, and of a table what its keys are. `promql` and `series` are expressions, which name much.

use crate::source::step;
use crate::value::Value;
use std::collections::BTreeSet;

/// The tables whose entries are named elsewhere.
pub(crate) const TABLES: [&str; 10] = [
    "services",
    "metrics",
    "alerts",
    "groups",
    "owners",
    "receivers",
    "slos",
    "rules",
    "times",
    "inhibit",
];

/// One place that names something.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Mention {
    /// JSON pointer; of a key, to what stands under it.
    pub(crate) pointer: String,
    pub(crate) text: String,
    /// One of TABLES, `promql` or `series`.
    pub(crate) names: String,
    /// The key of a table, not a value.
    pub(crate) key: bool,
}

/// Everything that is named in a file, as it is written: of an environment's, too.
pub(crate) fn mentions(schema: &Value, file: &Value) -> Vec<Mention> {
    let mut found = Vec::new();
    below(schema, &[schema], file, "", &BTreeSet::new(), &mut found);
    found.retain(|mention| {
        let named = fired(file, &mention.pointer);
        named.is_none_or(|named| named == mention.names)
    });
    // The entries themselves.
    for table in TABLES {
        for (name, _) in file[table].entries() {
            found.push(Mention {
                pointer: format!("/{table}/{}", step(name)),
                text: name.clone(),
                names: table.to_string(),
                key: true,
            });
        }
    }
    found
}

/// Every text of a file that the schema does not call a name: where one may be meant all the same.
pub(crate) fn texts(file: &Value) -> Vec<(String, String)> {
    fn walk(value: &Value, pointer: &str, found: &mut Vec<(String, String)>) {
        match value {
            Value::String(text) => found.push((pointer.to_string(), text.clone())),
            Value::Array(items) => (items.iter().enumerate())
                .for_each(|(index, item)| walk(item, &format!("{pointer}/{index}"), found)),
            Value::Object(entries) => (entries.iter())
                .for_each(|(key, value)| walk(value, &format!("{pointer}/{}", step(key)), found)),
            _ => {}
        }
    }
    let mut found = Vec::new();
    walk(file, "", &mut found);
    found
}

/// What the tests of an alert name that they expect to fire: groups where it is about those, else services.
fn fired(file: &Value, pointer: &str) -> Option<&'static str> {
    let mut steps = pointer.strip_prefix("/alerts/")?.split('/');
    let table = format!("/alerts/{}", steps.next()?);
    let inside: Vec<&str> = steps.collect();
    let ["tests", _, "fires", _] = inside.as_slice() else {
        return None;
    };
    let about = file.pointer(&table)?["about"].as_str();
    Some(match about {
        Some("group") => "groups",
        _ => "services",
    })
}

fn below<'a>(
    schema: &'a Value,
    nodes: &[&'a Value],
    value: &Value,
    pointer: &str,
    inherited: &BTreeSet<&'a str>,
    found: &mut Vec<Mention>,
) {
    let said: Vec<&Value> = nodes.iter().flat_map(|node| said(schema, node)).collect();
    let own = said.iter().filter_map(|node| node["names"].as_str());
    let names: BTreeSet<&str> = own.chain(inherited.iter().copied()).collect();
    let mention = |pointer: &str, text: &str, names: &str, key| Mention {
        pointer: pointer.to_string(),
        text: text.to_string(),
        names: names.to_string(),
        key,
    };
    match value {
        Value::String(text) => {
            found.extend((names.iter()).map(|names| mention(pointer, text, names, false)));
        }
        Value::Array(items) => {
            let inside: Vec<&Value> = said.iter().filter_map(|node| node.get("items")).collect();
            for (index, item) in items.iter().enumerate() {
                let pointer = format!("{pointer}/{index}");
                below(schema, &inside, item, &pointer, &names, found);
            }
        }
        Value::Object(entries) => {
            // What a table's own node names are its keys; a name for a text, of the other alternative, says nothing of it.
            let tables = said.iter().filter(|node| node["type"] == "object");
            let of_keys: Vec<&str> = tables.filter_map(|node| node["names"].as_str()).collect();
            for (key, value) in entries {
                let inside = format!("{pointer}/{}", step(key));
                found.extend((of_keys.iter()).map(|names| mention(&inside, key, names, true)));
                let nodes = within(&said, key);
                below(schema, &nodes, value, &inside, &BTreeSet::new(), found);
            }
        }
        _ => {}
    }
}

/// What nodes say of a key of theirs.
pub(super) fn within<'a>(said: &[&'a Value], key: &str) -> Vec<&'a Value> {
    let inside = said
        .iter()
        .filter_map(|node| match node["properties"].get(key) {
            Some(property) => Some(property),
            None => node.get("additionalProperties"),
        });
    inside.filter(|node| node.is_object()).collect()
}

/// A node, what it refers to, and each of its alternatives: one that a value is not adds nothing to it.
pub(crate) fn said<'a>(schema: &'a Value, node: &'a Value) -> Vec<&'a Value> {
    let mut found = Vec::new();
    let mut open = vec![node];
    while let Some(node) = open.pop() {
        // A schema refers to nothing that refers to it.
        found.push(node);
        let reference = node["$ref"]
            .as_str()
            .and_then(|to| schema.pointer(&to[1..]));
        open.extend(reference);
        for key in ["allOf", "oneOf", "anyOf"] {
            open.extend(node[key].items());
        }
        open.extend(["then", "else"].iter().filter_map(|key| node.get(key)));
    }
    found
}

/// What the schema says of the value of a key, by the steps to it.
pub(crate) fn at<'a>(schema: &'a Value, steps: &[String]) -> Vec<&'a Value> {
    let mut nodes = said(schema, schema);
    for key in steps {
        let inside = match key.parse::<usize>() {
            Ok(_) if nodes.iter().any(|node| node.get("items").is_some()) => {
                nodes.iter().filter_map(|node| node.get("items")).collect()
            }
            _ => within(&nodes, key),
        };
        nodes = (inside.into_iter())
            .flat_map(|node| said(schema, node))
            .collect();
    }
    nodes
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalog::schema::SCHEMA;
    use crate::value::json;

    fn named(file: Value) -> Vec<String> {
        let mentions = mentions(&SCHEMA, &file).into_iter();
        mentions
            .map(|found| format!("{} {} {}", found.pointer, found.names, found.text))
            .collect()
    }

    #[test]
    fn a_name_is_found_wherever_the_schema_has_one() {
        let file = json!({
            "groups": {"web": {"owner": "team"}},
            "services": {"cart": {"group": "web", "alerts": {"Down": {"for": "1m"}}}},
            "alerts": {"Slow": {"kind": "ratio", "errors": {"metric": "a_total", "where": {"b": "c"}}, "total": "d_total", "services": ["cart"]}},
            "routes": [{"alert": ["Down", "Slow"], "service": "cart", "receivers": ["pager"]}],
            "owners": {"team": {"default": ["chat"], "critical": "pager"}},
            "alertmanager": {"routes": {"critical": "pager"}},
        });
        assert_eq!(
            named(file),
            [
                "/groups/web/owner owners team",
                "/services/cart/group groups web",
                "/services/cart/alerts/Down alerts Down",
                "/alerts/Slow/errors/metric metrics a_total",
                "/alerts/Slow/errors/metric rules a_total",
                "/alerts/Slow/total metrics d_total",
                "/alerts/Slow/total rules d_total",
                "/alerts/Slow/services/0 services cart",
                "/routes/0/alert/0 alerts Down",
                "/routes/0/alert/1 alerts Slow",
                "/routes/0/service services cart",
                "/routes/0/receivers/0 receivers pager",
                "/owners/team/default/0 receivers chat",
                "/owners/team/critical receivers pager",
                "/alertmanager/routes/critical receivers pager",
                "/services/cart services cart",
                "/alerts/Slow alerts Slow",
                "/groups/web groups web",
                "/owners/team owners team",
            ]
        );
    }

    /// A key that names an entry of a table, and whose schema does not say so, would be forgotten by `rename` and `remove`.
    #[test]
    fn no_key_names_something_unsaid() {
        let text = include_str!("../../tests/cases/every-key/services.toml");
        let file = crate::source::Source::parse("services.toml", text).0.value;
        let known: BTreeSet<String> = mentions(&SCHEMA, &file)
            .into_iter()
            .filter(|mention| file[mention.names.as_str()].get(&mention.text).is_some())
            .map(|mention| mention.pointer)
            .collect();
        let entries = |text: &str| TABLES.iter().any(|table| file[*table].get(text).is_some());
        let unsaid: Vec<String> = texts(&file)
            .into_iter()
            .filter(|(pointer, text)| entries(text) && !known.contains(pointer))
            .map(|(pointer, _)| pointer)
            .collect();
        // The value of a label of the user's own.
        assert_eq!(unsaid, ["/rules/job:shop_requests:rate5m/labels/team"]);
    }

    #[test]
    fn expressions_and_the_series_of_tests_are_found_too() {
        let file = json!({"alerts": {"Own": {
            "kind": "promql", "expr": "up == 0",
            "tests": [{"series": {"up{job=\"cart\"}": "0"}, "fires": ["cart"]}],
        }}});
        assert_eq!(
            named(file),
            [
                "/alerts/Own/expr promql up == 0",
                "/alerts/Own/tests/0/series/up{job=\"cart\"} series up{job=\"cart\"}",
                "/alerts/Own/tests/0/fires/0 services cart",
                "/alerts/Own alerts Own",
            ]
        );
    }
}
