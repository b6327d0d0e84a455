//! JSON as people review it: lines are filled, so that a changed panel is one or two changed lines, and files stay small.

use serde_json::Value;

/// Longer lines are broken up.
const WIDTH: usize = 160;

/// The value with a line break at its end; keys keep their order.
pub fn print(value: &Value) -> String {
    let mut out = String::new();
    write(&mut out, value, 0, 0);
    out.push('\n');
    out
}

/// `used` is what already stands on the line.
fn write(out: &mut String, value: &Value, depth: usize, used: usize) {
    let whole = compact(value);
    let items: Vec<(String, &Value)> = match value {
        Value::Object(map) if used + width(&whole) > WIDTH => map.iter().map(|(key, value)| (format!("{}: ", Value::from(key.as_str())), value)).collect(),
        Value::Array(list) if used + width(&whole) > WIDTH => list.iter().map(|value| (String::new(), value)).collect(),
        _ => return out.push_str(&whole),
    };
    let (open, close) = if value.is_object() { ('{', '}') } else { ('[', ']') };
    out.push(open);
    let mut column = WIDTH; // of the line under way; full: the next item starts a line
    for (index, (key, item)) in items.iter().enumerate() {
        out.push_str(if index > 0 { "," } else { "" });
        let short = width(key) + width(&compact(item)) + 2;
        if column + short <= WIDTH {
            out.push(' ');
            column += short;
        } else {
            out.push('\n');
            out.push_str(&" ".repeat(depth + 1));
            column = depth + 1 + short;
        }
        out.push_str(key);
        write(out, item, depth + 1, depth + 1 + width(key));
        column = if column > WIDTH { WIDTH } else { column };
    }
    out.push('\n');
    out.push_str(&" ".repeat(depth));
    out.push(close);
}

fn width(text: &str) -> usize {
    text.chars().count()
}

/// On one line, with a space after each colon and comma.
fn compact(value: &Value) -> String {
    match value {
        Value::Object(map) => {
            let entries: Vec<String> = map.iter().map(|(key, value)| format!("{}: {}", Value::from(key.as_str()), compact(value))).collect();
            format!("{{{}}}", entries.join(", "))
        }
        Value::Array(list) => format!("[{}]", list.iter().map(compact).collect::<Vec<_>>().join(", ")),
        scalar => scalar.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn what_fits_stays_on_one_line_and_all_of_it_comes_back() {
        let value = json!({"gridPos": {"h": 7, "w": 8}, "empty": [], "long": ["a".repeat(100), {"b\n": "c".repeat(100)}]});
        let text = print(&value);
        assert!(text.contains("\n \"gridPos\": {\"h\": 7, \"w\": 8}, \"empty\": [],\n"), "{text}");
        assert!(text.ends_with("}\n") && text.lines().all(|line| line.chars().count() <= WIDTH), "{text}");
        assert_eq!(serde_json::from_str::<Value>(&text).unwrap(), value);
    }
}
