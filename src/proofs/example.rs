//! The stack in which the examples of the proofs are tried and explained, and the places in it that they change.

use crate::artifacts::Role;
use crate::lints::EXAMPLE;
use crate::render::Rendered;
use crate::source::step;
use crate::value::Value;

/// Two alerts, of which one silences the other, and one in PromQL.
const ALERTS: &str = r#"[alerts.Down]
kind = "down"
for = "5m"
severity = "critical"

[alerts.Errors]
kind = "error_ratio"
above = 0.05
window = "5m"
for = "5m"
severity = "warning"
summary = "some requests fail"

[alerts.Busy]
kind = "promql"
expr = "sum by (job, service, component) (rate(shop_requests_total[5m])) > 50"
for = "5m"
severity = "warning"
tests = [
  { name = "fires", at = "11m", series = { 'shop_requests_total{job="checkout",service="checkout",component="web"}' = "0+6000x60" }, fires = ["checkout"] },
  { name = "is silent", at = "11m", series = { 'shop_requests_total{job="checkout",service="checkout",component="web"}' = "0+1200x60" } },
]
"#;

/// A service whose health is probed.
const PROBED: &str = r#"
[services.cart]
group = "web"
port = 8003
health_probe = true
"#;

/// The catalog whose rendered files the examples change.
pub fn catalog() -> String {
    format!("{EXAMPLE}{ALERTS}{PROBED}")
}

/// The places that a pattern leads to in the files of a role: the index of the file, and the place in it as a JSON pointer.
///
/// A pattern is a JSON pointer, in which the step `*` is any part, `key=text` one that has this text under this key, and `-`
/// the end of a list, behind its last part. The first place is meant; with a `*` before the pointer the first of every file.
/// What the last step names need not be there: then the example adds it.
pub fn places(rendered: &Rendered, role: Role, pattern: &str) -> Vec<(usize, String)> {
    let every = pattern.starts_with('*');
    let steps: Vec<&str> = pattern.split('/').skip(1).collect();
    let files = rendered.files.iter().enumerate();
    let of_role = files.filter(|(_, file)| file.role == role);
    of_role
        .filter_map(|(index, file)| Some((index, inside(&file.value, &steps)?)))
        .take(if every { usize::MAX } else { 1 })
        .collect()
}

/// The pointer from a value to what the steps lead to; None: they lead nowhere.
fn inside(value: &Value, steps: &[&str]) -> Option<String> {
    let Some((first, rest)) = steps.split_first() else {
        return Some(String::new());
    };
    let below = |key: &str, part: &Value| Some(format!("/{}{}", step(key), inside(part, rest)?));
    match (value, *first) {
        (Value::Object(map), "*") => map.iter().find_map(|(key, part)| below(key, part)),
        (Value::Object(map), key) => match map.get(key) {
            Some(part) => below(key, part),
            None => rest.is_empty().then(|| format!("/{}", step(key))),
        },
        (Value::Array(list), "-") => rest.is_empty().then(|| format!("/{}", list.len())),
        (Value::Array(_), wanted) => {
            let mut parts = value.items().enumerate().filter(|(index, part)| {
                let number = || index.to_string() == wanted;
                let named = || {
                    wanted
                        .split_once('=')
                        .is_some_and(|(key, text)| part[key] == text)
                };
                wanted == "*" || number() || named()
            });
            parts.find_map(|(index, part)| below(&index.to_string(), part))
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::value::json;

    #[test]
    fn a_pattern_leads_to_the_first_place_that_has_the_rest_of_it() {
        let value = json!({"a/b": [{"x": "1"}, {"x": "2", "of": {"y": 3}}], "none": {}});
        let found = |pattern: &str| {
            let steps: Vec<&str> = pattern.split('/').skip(1).collect();
            inside(&value, &steps)
        };
        assert_eq!(found("/*/*/of/y").as_deref(), Some("/a~1b/1/of/y"));
        assert_eq!(found("/*/x=2/x").as_deref(), Some("/a~1b/1/x"));
        assert_eq!(found("/*/-").as_deref(), Some("/a~1b/2"));
        assert_eq!(found("/none/new").as_deref(), Some("/none/new"));
        assert_eq!(found("/none/new/er"), None);
        assert_eq!(found("/*/x=3/x"), None);
    }
}
