//! Which recording rules an expression reads.

use minijinja::value::{Object, Value, from_args};
use minijinja::{Environment, Error, ErrorKind, State};
use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

pub fn add_to(environment: &mut Environment) {
    environment.add_function("recorded", Recorded::of);
}

/// The recording rules of some groups, by name.
#[derive(Debug)]
struct Recorded {
    rules: Vec<Value>,
    named: HashMap<String, Vec<usize>>,
}

impl Recorded {
    fn of(groups: &Value) -> Result<Value, Error> {
        let mut recorded = Recorded {
            rules: Vec::new(),
            named: HashMap::new(),
        };
        for group in groups.try_iter()? {
            for rule in group.get_attr("rules")?.try_iter()? {
                recorded
                    .named
                    .entry(rule.get_attr("record")?.to_string())
                    .or_default()
                    .push(recorded.rules.len());
                recorded.rules.push(rule);
            }
        }
        Ok(Value::from_object(recorded))
    }
}

impl Object for Recorded {
    /// `read_by(expr)`: those whose names stand in a text, in their own order.
    fn call_method(
        self: &Arc<Self>,
        _: &mut State<'_, '_>,
        method: &str,
        args: &[Value],
    ) -> Result<Value, Error> {
        if method != "read_by" {
            return Err(Error::from(ErrorKind::UnknownMethod));
        }
        let (expr,) = from_args::<(&str,)>(args)?;
        let words = expr.split(|c: char| !c.is_ascii_alphanumeric() && c != '_' && c != ':');
        let read: BTreeSet<usize> = words
            .filter_map(|word| self.named.get(word))
            .flatten()
            .copied()
            .collect();
        Ok(read
            .into_iter()
            .map(|index| self.rules[index].clone())
            .collect())
    }
}
