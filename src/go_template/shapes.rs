//! What a template asks of its data, without any data: every field, key, function and template that it names.

use super::{Node, Operand, Pipeline, Template, Value};
use serde::Deserialize;
use std::collections::{BTreeMap, BTreeSet};

/// The data that templates are given, by the names of its types.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Types {
    /// Type → its fields and methods → the type of each; with `*`, any key is one. An empty type is not looked into.
    types: BTreeMap<String, BTreeMap<String, String>>,
    /// Type → what `range` and `index` give.
    elements: BTreeMap<String, String>,
    /// Function → the type of its result.
    functions: BTreeMap<String, String>,
    /// Templates that are there without a file.
    pub(crate) templates: BTreeSet<String>,
}

/// What a template asks for.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Asked {
    /// A field that its type does not have.
    NoField { of: String, field: String },
    /// A key of a map.
    Key { of: String, key: String },
    /// A function that is not there.
    NoFunction(String),
    /// A template by its name, which this one does not define.
    Template(String),
    /// Whether a status is a word that no status is.
    Status(String),
    /// A comparison of two values that Go does not compare: what one of them is, and the other.
    Incomparable(String, String),
}

/// Functions that compare values of one basic kind.
const COMPARED: [&str; 6] = ["eq", "ne", "lt", "le", "gt", "ge"];

/// What the Alertmanager writes as a status.
const STATUS: [&str; 2] = ["firing", "resolved"];

/// Includes within includes that are followed.
const DEEPEST: usize = 20;

impl Template {
    /// Everything that it asks for beside what is simply there, with `.` of a type.
    pub(crate) fn asks(&self, dot: &str, types: &Types) -> BTreeSet<Asked> {
        let mut reading = Reading {
            types,
            variables: vec![(String::new(), dot.to_string())],
            defined: BTreeMap::new(),
            asked: BTreeSet::new(),
            depth: 0,
        };
        reading.nodes(&self.0, dot);
        reading.asked
    }
}

struct Reading<'a> {
    types: &'a Types,
    variables: Vec<(String, String)>,
    defined: BTreeMap<&'a str, &'a [Node]>,
    asked: BTreeSet<Asked>,
    depth: usize,
}

impl<'a> Reading<'a> {
    fn nodes(&mut self, nodes: &'a [Node], dot: &str) {
        let known = self.variables.len();
        // A definition holds wherever it stands.
        for node in nodes {
            if let Node::Define(name, body) = node {
                self.defined.insert(name, body);
            }
        }
        nodes.iter().for_each(|node| self.node(node, dot));
        self.variables.truncate(known);
    }

    fn node(&mut self, node: &'a Node, dot: &str) {
        match node {
            Node::Text(_) | Node::Define(..) => {}
            Node::Print(pipeline) => drop(self.pipeline(pipeline, dot)),
            Node::If(pipeline, then, otherwise) => {
                let known = self.variables.len();
                self.pipeline(pipeline, dot);
                self.nodes(then, dot);
                self.nodes(otherwise, dot);
                self.variables.truncate(known);
            }
            Node::With(pipeline, then, otherwise) => {
                let known = self.variables.len();
                let value = self.pipeline(pipeline, dot);
                self.nodes(then, &value);
                self.nodes(otherwise, dot);
                self.variables.truncate(known);
            }
            Node::Range(pipeline, each, otherwise) => {
                let known = self.variables.len();
                let list = self.commands(pipeline, dot);
                let element = self.element(&list);
                match pipeline.variables.as_slice() {
                    [only] => self.variables.push((only.clone(), element.clone())),
                    [key, value] => self.variables.extend([
                        (key.clone(), String::new()),
                        (value.clone(), element.clone()),
                    ]),
                    _ => {}
                }
                self.nodes(each, &element);
                self.nodes(otherwise, dot);
                self.variables.truncate(known);
            }
            Node::Include(name, pipeline) => {
                let value = pipeline
                    .as_ref()
                    .map_or_else(String::new, |pipeline| self.pipeline(pipeline, dot));
                match self.defined.get(name.as_str()).copied() {
                    Some(body) if self.depth < DEEPEST => {
                        self.depth += 1;
                        let outside = std::mem::replace(
                            &mut self.variables,
                            vec![(String::new(), value.clone())],
                        );
                        self.nodes(body, &value);
                        self.variables = outside;
                        self.depth -= 1;
                    }
                    Some(_) => {}
                    None => drop(self.asked.insert(Asked::Template(name.clone()))),
                }
            }
        }
    }

    fn element(&self, of: &str) -> String {
        self.types.elements.get(of).cloned().unwrap_or_default()
    }

    fn pipeline(&mut self, pipeline: &Pipeline, dot: &str) -> String {
        let value = self.commands(pipeline, dot);
        for name in &pipeline.variables {
            match name.strip_prefix('=') {
                Some(known) => {
                    let mut all = self.variables.iter_mut();
                    if let Some(slot) = all.rfind(|(name, _)| name == known) {
                        slot.1.clone_from(&value);
                    }
                }
                None => self.variables.push((name.clone(), value.clone())),
            }
        }
        value
    }

    fn commands(&mut self, pipeline: &Pipeline, dot: &str) -> String {
        let mut value = String::new();
        for (index, command) in pipeline.commands.iter().enumerate() {
            let piped = (index > 0).then(|| value.clone());
            value = self.command(command, piped, dot);
        }
        value
    }

    /// The type of a command's result; a method's arguments are looked at too.
    fn command(&mut self, command: &[Operand], piped: Option<String>, dot: &str) -> String {
        let [first, rest @ ..] = command else {
            return String::new();
        };
        let mut arguments: Vec<String> = rest
            .iter()
            .map(|operand| self.operand(operand, dot))
            .collect();
        arguments.extend(piped);
        let Operand::Function(name) = first else {
            return self.operand(first, dot);
        };
        let Some(result) = self.types.functions.get(name) else {
            self.asked.insert(Asked::NoFunction(name.clone()));
            return String::new();
        };
        if name == "index" {
            let of = arguments.first().cloned().unwrap_or_default();
            if let (true, Some(Operand::Constant(Value::Text(key)))) = (self.open(&of), rest.get(1))
            {
                let key = key.to_string();
                self.asked.insert(Asked::Key {
                    of: of.clone(),
                    key,
                });
            }
            return self.element(&of);
        }
        if COMPARED.contains(&name.as_str()) {
            let constants = rest.iter().filter_map(|operand| match operand {
                Operand::Constant(value) => Some(value),
                _ => None,
            });
            for constant in constants {
                let written = constant.printed();
                for of in &arguments {
                    match (of.as_str(), constant) {
                        ("Status", Value::Text(word)) if !STATUS.contains(&&**word) => {
                            self.asked.insert(Asked::Status(written.clone()));
                        }
                        ("Text" | "Status", Value::Int(_) | Value::Float(_)) => {
                            let one = "a text".to_string();
                            self.asked.insert(Asked::Incomparable(one, written.clone()));
                        }
                        ("Number", Value::Text(_) | Value::Float(_)) => {
                            let one = "a whole number".to_string();
                            self.asked.insert(Asked::Incomparable(one, written.clone()));
                        }
                        _ => {}
                    }
                }
            }
        }
        result.clone()
    }

    /// Whether a type takes any key.
    fn open(&self, of: &str) -> bool {
        let fields = self.types.types.get(of);
        fields.is_some_and(|fields| fields.contains_key("*"))
    }

    fn operand(&mut self, operand: &Operand, dot: &str) -> String {
        match operand {
            Operand::Constant(_) => String::new(),
            Operand::Dot => dot.to_string(),
            Operand::Variable(name) => {
                let known = self.variables.iter().rfind(|(known, _)| known == name);
                known.map(|(_, of)| of.clone()).unwrap_or_default()
            }
            Operand::Function(_) => self.command(std::slice::from_ref(operand), None, dot),
            Operand::Inner(pipeline) => self.pipeline(pipeline, dot),
            Operand::Field(of, field) => {
                let of = self.operand(of, dot);
                let Some(fields) = self.types.types.get(&of) else {
                    return String::new();
                };
                match (fields.get(field), fields.get("*")) {
                    (Some(known), _) => known.clone(),
                    (None, Some(any)) => {
                        let key = field.clone();
                        self.asked.insert(Asked::Key { of, key });
                        any.clone()
                    }
                    (None, None) => {
                        let field = field.clone();
                        self.asked.insert(Asked::NoField { of, field });
                        String::new()
                    }
                }
            }
        }
    }
}
