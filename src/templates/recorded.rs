//! Which recording rules an expression reads.

use minijinja::value::Value;
use minijinja::{Environment, Error, context};
use std::collections::{BTreeSet, HashMap};

pub(crate) fn add_to(environment: &mut Environment) {
    environment.add_function("recorded", Recorded::of);
}

/// The recording rules of some groups, by name.
struct Recorded {
    rules: Vec<Value>,
    named: HashMap<String, Vec<usize>>,
}

impl Recorded {
    /// Those of the groups, as templates see them: `read_by(expr)`.
    fn of(groups: &Value) -> Result<Value, Error> {
        let mut recorded = Recorded {
            rules: Vec::new(),
            named: HashMap::new(),
        };
        for group in groups.try_iter()? {
            for rule in group.get_attr("rules")?.try_iter()? {
                let record = rule.get_attr("record")?;
                // Its alerts stand beside them.
                if record.is_undefined() {
                    continue;
                }
                recorded
                    .named
                    .entry(record.to_string())
                    .or_default()
                    .push(recorded.rules.len());
                recorded.rules.push(rule);
            }
        }
        Ok(context! { read_by => Value::from_function(move |expr: &str| recorded.read_by(expr)) })
    }

    /// Those whose names are in an expression, in their own order.
    fn read_by(&self, expr: &str) -> Vec<Value> {
        let words = expr.split(|c: char| !c.is_ascii_alphanumeric() && c != '_' && c != ':');
        let read: BTreeSet<usize> = words
            .filter_map(|word| self.named.get(word))
            .flatten()
            .copied()
            .collect();
        read.into_iter()
            .map(|index| self.rules[index].clone())
            .collect()
    }
}
