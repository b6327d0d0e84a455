//! Go's `text/template`, as Prometheus and the Alertmanager use it: parsed, and executed over values.
//!
//! What is not executed here is an error with its reason, never an empty text.

pub(crate) mod functions;
mod parse;
pub(crate) mod shapes;

pub(crate) use functions::of_prometheus;
pub(crate) use parse::parse;
use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

/// What a template works with.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Value {
    Nil,
    Bool(bool),
    Int(i64),
    Float(f64),
    Text(Rc<str>),
    /// Fields of a struct: one that is not there is an error.
    Struct(Rc<BTreeMap<String, Value>>),
    /// A map of strings: one that is not there is empty.
    Map(Rc<BTreeMap<String, Value>>),
    /// A list, with what its methods give.
    List(Rc<Vec<Value>>, Rc<BTreeMap<String, Value>>),
}

impl Value {
    pub(crate) fn text(text: impl AsRef<str>) -> Value {
        Value::Text(text.as_ref().into())
    }

    /// Whether `if` takes it: not the empty value of its type.
    fn is_true(&self) -> bool {
        match self {
            Value::Nil => false,
            Value::Bool(value) => *value,
            Value::Int(value) => *value != 0,
            Value::Float(value) => *value != 0.0,
            Value::Text(text) => !text.is_empty(),
            Value::Struct(_) => true,
            Value::Map(fields) => !fields.is_empty(),
            Value::List(items, _) => !items.is_empty(),
        }
    }

    /// As Go prints it with `%v`.
    fn printed(&self) -> String {
        match self {
            Value::Nil => "<nil>".to_string(),
            Value::Bool(value) => value.to_string(),
            Value::Int(value) => value.to_string(),
            Value::Float(value) => functions::shortest(*value),
            Value::Text(text) => text.to_string(),
            Value::Struct(fields) => {
                let values: Vec<String> = fields.values().map(Value::printed).collect();
                format!("{{{}}}", values.join(" "))
            }
            Value::Map(fields) => {
                let pairs: Vec<String> = fields
                    .iter()
                    .map(|(key, value)| format!("{key}:{}", value.printed()))
                    .collect();
                format!("map[{}]", pairs.join(" "))
            }
            Value::List(items, _) => {
                let items: Vec<String> = items.iter().map(Value::printed).collect();
                format!("[{}]", items.join(" "))
            }
        }
    }
}

/// Why a template has no result.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Problem {
    pub(crate) reason: String,
    /// Whether the server would fail too.
    pub(crate) certain: bool,
}

impl Problem {
    fn certain(reason: impl Into<String>) -> Problem {
        Problem {
            reason: reason.into(),
            certain: true,
        }
    }

    fn unknown(reason: impl Into<String>) -> Problem {
        Problem {
            reason: reason.into(),
            certain: false,
        }
    }
}

/// Whether a text says one thing or another as labels are, and does not only print them.
pub(crate) fn tells_labels_apart(text: &str) -> bool {
    let mut actions = text.split("{{").skip(1);
    actions.any(|action| {
        let action = action.split("}}").next().unwrap_or_default();
        let shown = action.trim().trim_matches('-').trim();
        // A label that is only printed is the same for all.
        action.contains("abels") && shown.contains([' ', '|', '('])
    })
}

/// A parsed template.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Template(Vec<Node>);

#[derive(Clone, Debug, PartialEq)]
enum Node {
    Text(String),
    Print(Pipeline),
    If(Pipeline, Vec<Node>, Vec<Node>),
    With(Pipeline, Vec<Node>, Vec<Node>),
    Range(Pipeline, Vec<Node>, Vec<Node>),
    Define(String, Vec<Node>),
    Include(String, Option<Pipeline>),
}

#[derive(Clone, Debug, PartialEq)]
struct Pipeline {
    /// `$x :=` and `$i, $x :=`; with `=` they must be known.
    variables: Vec<String>,
    commands: Vec<Vec<Operand>>,
}

#[derive(Clone, Debug, PartialEq)]
enum Operand {
    Constant(Value),
    /// `.`
    Dot,
    Variable(String),
    Function(String),
    Inner(Box<Pipeline>),
    /// `.a` of an operand.
    Field(Box<Operand>, String),
}

/// Functions by their names; None: there is no such function.
pub(crate) type Functions<'a> = &'a dyn Fn(&str, &[Value]) -> Option<Result<Value, Problem>>;

/// An execution that has begun.
struct Execution<'a> {
    variables: Vec<(String, Value)>,
    defined: BTreeMap<String, Vec<Node>>,
    functions: Functions<'a>,
    out: String,
}

impl Template {
    /// The text, with `.` and the variables given.
    pub(crate) fn execute(
        &self,
        dot: Value,
        variables: &[(&str, Value)],
        functions: Functions,
    ) -> Result<String, Problem> {
        let mut variables: Vec<(String, Value)> = variables
            .iter()
            .map(|(name, value)| (name.to_string(), value.clone()))
            .collect();
        variables.insert(0, (String::new(), dot.clone()));
        let mut execution = Execution {
            variables,
            defined: BTreeMap::new(),
            functions,
            out: String::new(),
        };
        execution.nodes(&self.0, &dot)?;
        Ok(execution.out)
    }

    /// The keys of a map that it reads, by the name of its variable: `$labels.job`, `.Labels.job`.
    pub(crate) fn keys(&self, of: &str) -> BTreeSet<&str> {
        let mut found = BTreeSet::new();
        keys(&self.0, of, &mut found);
        found
    }

    /// The text, if it is always the same.
    pub(crate) fn constant(&self) -> Option<&str> {
        match self.0.as_slice() {
            [] => Some(""),
            [Node::Text(text)] => Some(text),
            _ => None,
        }
    }
}

fn keys<'t>(nodes: &'t [Node], of: &str, found: &mut BTreeSet<&'t str>) {
    for node in nodes {
        match node {
            Node::Text(_) | Node::Include(_, None) => {}
            Node::Print(pipeline) | Node::Include(_, Some(pipeline)) => read(pipeline, of, found),
            Node::Define(_, body) => keys(body, of, found),
            Node::If(pipeline, then, otherwise)
            | Node::With(pipeline, then, otherwise)
            | Node::Range(pipeline, then, otherwise) => {
                read(pipeline, of, found);
                keys(then, of, found);
                keys(otherwise, of, found);
            }
        }
    }
}

fn read<'t>(pipeline: &'t Pipeline, of: &str, found: &mut BTreeSet<&'t str>) {
    for operand in pipeline.commands.iter().flatten() {
        match operand {
            Operand::Inner(inner) => read(inner, of, found),
            Operand::Field(map, name) => match &**map {
                Operand::Variable(known) if known == of => _ = found.insert(name.as_str()),
                Operand::Field(_, known) if known.eq_ignore_ascii_case(of) => {
                    _ = found.insert(name.as_str());
                }
                Operand::Inner(inner) => read(inner, of, found),
                _ => {}
            },
            _ => {}
        }
    }
}

impl Execution<'_> {
    fn nodes(&mut self, nodes: &[Node], dot: &Value) -> Result<(), Problem> {
        for node in nodes {
            self.node(node, dot)?;
        }
        Ok(())
    }

    /// Variables that are set inside end there.
    fn inside(&mut self, nodes: &[Node], dot: &Value, known: usize) -> Result<(), Problem> {
        let result = self.nodes(nodes, dot);
        self.variables.truncate(known);
        result
    }

    fn node(&mut self, node: &Node, dot: &Value) -> Result<(), Problem> {
        let known = self.variables.len();
        match node {
            Node::Text(text) => self.out.push_str(text),
            Node::Print(pipeline) => {
                let value = self.pipeline(pipeline, dot)?;
                if pipeline.variables.is_empty() {
                    self.out.push_str(&value.printed());
                }
            }
            Node::If(condition, then, otherwise) => {
                let holds = self.pipeline(condition, dot)?.is_true();
                self.inside(if holds { then } else { otherwise }, dot, known)?;
            }
            Node::With(pipeline, then, otherwise) => {
                let value = self.pipeline(pipeline, dot)?;
                match value.is_true() {
                    true => self.inside(then, &value, known)?,
                    false => self.inside(otherwise, dot, known)?,
                }
            }
            Node::Range(pipeline, each, otherwise) => {
                let Pipeline {
                    commands,
                    variables,
                } = pipeline;
                let plain = Pipeline {
                    variables: Vec::new(),
                    commands: commands.clone(),
                };
                let items: Vec<(Value, Value)> = match self.pipeline(&plain, dot)? {
                    Value::Map(fields) => fields
                        .iter()
                        .map(|(key, value)| (Value::text(key), value.clone()))
                        .collect(),
                    Value::List(items, _) => {
                        (0..).map(Value::Int).zip(items.iter().cloned()).collect()
                    }
                    Value::Nil => Vec::new(),
                    other => {
                        return Err(Problem::certain(format!(
                            "range can't iterate over {}",
                            other.printed()
                        )));
                    }
                };
                if items.is_empty() {
                    self.inside(otherwise, dot, known)?;
                }
                for (key, value) in items {
                    match variables.as_slice() {
                        [only] => self.variables.push((only.clone(), value.clone())),
                        [first, second] => self
                            .variables
                            .extend([(first.clone(), key), (second.clone(), value.clone())]),
                        _ => {}
                    }
                    self.inside(each, &value, known)?;
                }
            }
            Node::Define(name, body) => drop(self.defined.insert(name.clone(), body.clone())),
            Node::Include(name, pipeline) => {
                let Some(body) = self.defined.get(name).cloned() else {
                    return Err(Problem::certain(format!("template \"{name}\" not defined")));
                };
                let value = match pipeline {
                    Some(pipeline) => self.pipeline(pipeline, dot)?,
                    None => Value::Nil,
                };
                self.inside(&body, &value, known)?;
            }
        }
        Ok(())
    }

    fn pipeline(&mut self, pipeline: &Pipeline, dot: &Value) -> Result<Value, Problem> {
        let mut last = None;
        for command in &pipeline.commands {
            last = Some(self.command(command, last, dot)?);
        }
        let value = last.unwrap_or(Value::Nil);
        for name in &pipeline.variables {
            match name.strip_prefix('=') {
                Some(known) => {
                    let slot = self.variables.iter_mut().rfind(|(name, _)| name == known);
                    let slot = slot.ok_or_else(|| {
                        Problem::certain(format!("undefined variable \"${known}\""))
                    })?;
                    slot.1 = value.clone();
                }
                None => self.variables.push((name.clone(), value.clone())),
            }
        }
        Ok(value)
    }

    fn command(
        &mut self,
        command: &[Operand],
        piped: Option<Value>,
        dot: &Value,
    ) -> Result<Value, Problem> {
        let [first, rest @ ..] = command else {
            return Err(Problem::certain("missing value for command"));
        };
        let Operand::Function(name) = first else {
            return match (rest, piped) {
                ([], None) => self.operand(first, dot),
                _ => Err(Problem::certain(
                    "can't give argument to a value that is no function",
                )),
            };
        };
        // `and` and `or` stop at the first value that decides.
        if matches!(name.as_str(), "and" | "or") {
            let mut last = Value::Nil;
            for operand in rest {
                last = self.operand(operand, dot)?;
                if last.is_true() == (name == "or") {
                    return Ok(last);
                }
            }
            return Ok(piped.unwrap_or(last));
        }
        let mut arguments = rest
            .iter()
            .map(|operand| self.operand(operand, dot))
            .collect::<Result<Vec<_>, _>>()?;
        arguments.extend(piped);
        if let Some(value) = functions::of_go(name, &arguments) {
            return value;
        }
        (self.functions)(name, &arguments)
            .unwrap_or_else(|| Err(Problem::certain(format!("function \"{name}\" not defined"))))
    }

    fn operand(&mut self, operand: &Operand, dot: &Value) -> Result<Value, Problem> {
        match operand {
            Operand::Constant(value) => Ok(value.clone()),
            Operand::Dot => Ok(dot.clone()),
            Operand::Variable(name) => {
                let found = self.variables.iter().rfind(|(known, _)| known == name);
                found
                    .map(|(_, value)| value.clone())
                    .ok_or_else(|| Problem::certain(format!("undefined variable \"${name}\"")))
            }
            Operand::Function(_) => self.command(std::slice::from_ref(operand), None, dot),
            Operand::Inner(pipeline) => self.pipeline(pipeline, dot),
            Operand::Field(of, field) => match self.operand(of, dot)? {
                Value::Map(fields) => Ok(fields.get(field).cloned().unwrap_or(Value::text(""))),
                Value::Struct(fields) | Value::List(_, fields) => fields
                    .get(field)
                    .cloned()
                    .ok_or_else(|| Problem::certain(format!("can't evaluate field {field}"))),
                other => Err(Problem::certain(format!(
                    "can't evaluate field {field} in {}",
                    other.printed()
                ))),
            },
        }
    }
}
