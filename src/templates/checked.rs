//! Macros whose arguments are checked where they are called: what is wrong with a call is said at its line, not at the line
//! of the shared file that happens to need the argument.

use super::refuse;
use crate::diagnostic::suggestion;
use minijinja::value::{Kwargs, Object, Rest, Value, ValueKind, from_args};
use minijinja::{Environment, Error, State};
use std::sync::Arc;

pub(crate) fn add_to(environment: &mut Environment) {
    environment.add_function("checked", Checked::of);
}

/// `{% set stat = checked(stat) %}` behind the macro `stat`: what another template imports then is this.
#[derive(Debug)]
struct Checked {
    name: String,
    called: Value,
    arguments: Vec<Argument>,
    /// Whether it writes what stands between `{% call %}` and `{% endcall %}`.
    encloses: bool,
}

/// An argument as the macro declares it.
#[derive(Debug)]
struct Argument {
    name: String,
    has_default: bool,
}

impl Checked {
    /// minijinja tells the names of a macro's arguments, and not which of them have a default: that stands in its declaration.
    fn of(state: &State, called: Value) -> Result<Value, Error> {
        let name = called.get_attr("name")?.to_string();
        let template = state.env().get_template(state.name())?;
        let declared = template
            .source()
            .split_once(&format!("macro {name}("))
            .and_then(|(_, behind)| behind.split_once("%}"))
            .ok_or_else(|| refuse(format!("{name} is no macro of this file")))?;
        Ok(Value::from_object(Checked {
            arguments: arguments(declared.0),
            encloses: called.get_attr("caller")?.is_true(),
            name,
            called,
        }))
    }

    fn check(&self, positional: &[Value], named: &Kwargs) -> Result<(), Error> {
        let given = |index: usize, argument: &Argument| {
            let named = || named.peek::<Value>(&argument.name).ok();
            positional.get(index).cloned().or_else(named)
        };
        let known = |name: &str| self.arguments.iter().any(|argument| argument.name == name);
        if let Some(unknown) = named.args().find(|name| !known(name) && *name != "caller") {
            let names = self.arguments.iter().map(|argument| argument.name.as_str());
            let help = suggestion(unknown, names);
            return Err(self.refuse(
                format!("has no argument `{unknown}`"),
                named,
                Some(unknown),
                help,
            ));
        }
        let pairs = || self.arguments.iter().enumerate();
        let missing: Vec<&str> = pairs()
            .filter(|(index, argument)| !argument.has_default && given(*index, argument).is_none())
            .map(|(_, argument)| argument.name.as_str())
            .collect();
        if !missing.is_empty() {
            let help = missing.iter().map(|name| format!("`{name}=…`"));
            return Err(self.refuse(
                format!("is called without {}", listed(missing.iter().copied())),
                named,
                None,
                format!(
                    "add {} to this call",
                    help.collect::<Vec<_>>().join(" and ")
                ),
            ));
        }
        if self.encloses && !named.has("caller") {
            return Err(self.refuse(
                "is called with nothing to write".to_string(),
                named,
                None,
                format!(
                    "write `{{% call {}(…) %}}`, the PromQL, `{{% endcall %}}`",
                    self.name
                ),
            ));
        }
        for (index, argument) in pairs() {
            let name = argument.name.as_str();
            let Some(value) = given(index, argument) else {
                continue;
            };
            if value.is_undefined() {
                return Err(self.refuse(
                    format!("is given a `{name}` that is undefined"),
                    named,
                    Some(name),
                    "correct the name of what is given, or set it above this call".to_string(),
                ));
            }
            let left_out = argument.has_default && value.is_none();
            let Some((_, holds)) = HOLD.iter().find(|(known, _)| *known == name) else {
                continue;
            };
            if !left_out && !holds.fits(&value) {
                return Err(self.refuse(
                    format!("is given {} as its `{name}`", shown(&value)),
                    named,
                    Some(name),
                    format!("`{name}` is {}", holds.word()),
                ));
            }
        }
        Ok(())
    }

    /// A refusal without a line yet: minijinja gives it that of the call.
    fn refuse(&self, what: String, named: &Kwargs, argument: Option<&str>, help: String) -> Error {
        let text = |key| named.peek::<&str>(key).ok().filter(|text| !text.is_empty());
        let whose = match (text("title"), text("key")) {
            (Some(title), _) => format!(" of the panel {title:?}"),
            (None, Some(key)) => format!(" of the panel with the key {key:?}"),
            (None, None) => String::new(),
        };
        refuse(format!("`{}`{whose} {what}", self.name)).with_source(Refused {
            called: self.name.clone(),
            argument: argument.map(str::to_string),
            help,
        })
    }
}

impl Object for Checked {
    fn call(self: &Arc<Self>, state: &mut State<'_, '_>, args: &[Value]) -> Result<Value, Error> {
        let (positional, named) = from_args::<(Rest<Value>, Kwargs)>(args)?;
        self.check(&positional, &named)?;
        self.called.call(state, args).map_err(|error| {
            let about_call = std::error::Error::source(&error)
                .and_then(|source| source.downcast_ref::<Misused>());
            match about_call {
                Some(Misused { reason, help }) => {
                    self.refuse(reason.clone(), &named, None, (*help).to_string())
                }
                None => error,
            }
        })
    }
}

/// What is wrong with a call, for whoever says it at a line.
#[derive(Debug)]
pub(crate) struct Refused {
    called: String,
    /// The argument, where it stands in the call.
    argument: Option<String>,
    pub help: String,
}

impl Refused {
    /// The line of the argument, or the first of the call, when minijinja names a line of it: the last one of a `{% call %}`.
    pub(crate) fn line(&self, text: &str, named: usize) -> usize {
        let holds = |line: &str, name: &str, behind: char| {
            line.match_indices(name).any(|(at, _)| {
                let word = |c: char| c.is_alphanumeric() || c == '_';
                !line[..at].ends_with(word) && line[at + name.len()..].starts_with(behind)
            })
        };
        let lines: Vec<&str> = text.lines().collect();
        let first = (0..named.min(lines.len()))
            .rev()
            .find(|index| holds(lines[*index], &self.called, '('));
        let Some(first) = first else {
            return named;
        };
        let argument = self.argument.as_ref().and_then(|argument| {
            (first..lines.len()).find(|index| holds(lines[*index], argument, '='))
        });
        argument.unwrap_or(first) + 1
    }
}

impl std::fmt::Display for Refused {
    fn fmt(&self, out: &mut std::fmt::Formatter) -> std::fmt::Result {
        out.write_str(&self.help)
    }
}

impl std::error::Error for Refused {}

/// What a function found that a macro called, and is a mistake of the macro's own call: no place for a panel, no query.
#[derive(Debug)]
pub(crate) struct Misused {
    pub reason: String,
    pub help: &'static str,
}

impl std::fmt::Display for Misused {
    fn fmt(&self, out: &mut std::fmt::Formatter) -> std::fmt::Result {
        out.write_str(&self.reason)
    }
}

impl std::error::Error for Misused {}

/// What an argument is, of whatever macro.
#[derive(Debug, Clone, Copy)]
enum Holds {
    Text,
    Number,
    Numbers,
    Steps,
    Links,
    Sort,
    List,
}

/// What is not here may be anything.
const HOLD: [(&str, Holds); 18] = [
    ("key", Holds::Text),
    ("title", Holds::Text),
    ("description", Holds::Text),
    ("unit", Holds::Text),
    ("legend", Holds::Text),
    ("empty", Holds::Text),
    ("base", Holds::Text),
    ("matchers", Holds::Text),
    ("min", Holds::Number),
    ("max", Holds::Number),
    ("good", Holds::Number),
    ("above", Holds::Numbers),
    ("below", Holds::Numbers),
    ("steps", Holds::Steps),
    ("links", Holds::Links),
    ("sort", Holds::Sort),
    ("transformations", Holds::List),
    ("overrides", Holds::List),
];

impl Holds {
    fn word(self) -> &'static str {
        match self {
            Holds::Text => "a text, in quotes",
            Holds::Number => "a number",
            Holds::Numbers => "a list of numbers, as in `[0.05]`",
            Holds::Steps => {
                "a list of colours with the value from which each holds, as in `[[\"red\", 1]]`"
            }
            Holds::Links => "a list of links, as in `[{\"title\": \"Runbook\", \"url\": …}]`",
            Holds::Sort => {
                "a column and whether the highest comes first, as in `[\"Since\", false]`"
            }
            Holds::List => "a list",
        }
    }

    fn fits(self, value: &Value) -> bool {
        let list = matches!(value.kind(), ValueKind::Seq | ValueKind::Iterable);
        let each = |fits: &dyn Fn(&Value) -> bool| {
            // What can be gone through only once is left to who does.
            list && (value.kind() != ValueKind::Seq
                || value
                    .try_iter()
                    .is_ok_and(|mut items| items.all(|item| fits(&item))))
        };
        let text = |value: &Value| value.kind() == ValueKind::String;
        let number = |value: &Value| value.kind() == ValueKind::Number;
        let pair =
            |value: &Value, first: &dyn Fn(&Value) -> bool, second: &dyn Fn(&Value) -> bool| {
                let items: Vec<Value> = value.try_iter().map(Iterator::collect).unwrap_or_default();
                matches!(items.as_slice(), [one, two] if first(one) && second(two))
            };
        let with = |value: &Value, keys: [&str; 2]| {
            keys.iter()
                .all(|key| value.get_attr(key).is_ok_and(|found| text(&found)))
        };
        match self {
            Holds::Text => text(value),
            Holds::Number => number(value),
            Holds::Numbers => each(&number),
            Holds::Steps => each(&|step| pair(step, &text, &number)),
            Holds::Links => each(&|link| with(link, ["title", "url"])),
            Holds::Sort => pair(value, &text, &|desc| desc.kind() == ValueKind::Bool),
            Holds::List => list,
        }
    }
}

/// A value in a sentence: a list or a map can hold the whole catalog.
fn shown(value: &Value) -> String {
    match value.kind() {
        ValueKind::String => {
            let text = value.to_string();
            let start: String = text.chars().take(40).collect();
            let rest = if start.len() < text.len() { "…" } else { "" };
            format!("{:?}", start + rest)
        }
        ValueKind::Number | ValueKind::Bool | ValueKind::None => value.to_string(),
        ValueKind::Seq | ValueKind::Iterable => "a list that does not fit".to_string(),
        other => format!("a {other}"),
    }
}

/// `a`, `b` and `c`.
fn listed<'a>(names: impl Iterator<Item = &'a str>) -> String {
    let mut names: Vec<String> = names.map(|name| format!("`{name}`")).collect();
    match names.pop() {
        Some(last) if names.is_empty() => last,
        Some(last) => format!("{} and {last}", names.join(", ")),
        None => "nothing".to_string(),
    }
}

/// The arguments of a declaration, from behind its opening bracket.
fn arguments(declared: &str) -> Vec<Argument> {
    let (mut depth, mut quote) = (1_usize, None);
    let mut found = Vec::new();
    let (mut begin, mut end) = (0, declared.len());
    for (at, c) in declared.char_indices() {
        match (quote, c) {
            (Some(open), c) if c == open => quote = None,
            (None, '"' | '\'') => quote = Some(c),
            (None, '(' | '[' | '{') => depth += 1,
            (None, ')' | ']' | '}') => depth -= 1,
            (None, ',') if depth == 1 => {
                found.push(&declared[begin..at]);
                begin = at + 1;
            }
            _ => {}
        }
        if depth == 0 {
            end = at;
            break;
        }
    }
    found.push(&declared[begin..end]);
    let found = found
        .into_iter()
        .map(str::trim)
        .filter(|text| !text.is_empty());
    found
        .map(|text| {
            let (name, default) = text
                .split_once('=')
                .map_or((text, None), |(name, default)| (name, Some(default)));
            Argument {
                name: name.trim().to_string(),
                has_default: default.is_some(),
            }
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_declaration_says_which_arguments_have_a_default() {
        let found: Vec<(String, bool)> =
            arguments("panel, key, above=[1, 2], text=\"a, (b\",\n    links=none) %} x, y)")
                .into_iter()
                .map(|argument| (argument.name, argument.has_default))
                .collect();
        let wanted = [
            ("panel", false),
            ("key", false),
            ("above", true),
            ("text", true),
            ("links", true),
        ];
        assert_eq!(
            found,
            wanted.map(|(name, has_default)| (name.to_string(), has_default))
        );
    }

    #[test]
    fn a_refusal_stands_at_its_own_call() {
        let text = "{% call line(d, key=1,\n  title=2) %}\nsubtitle=\n{% endcall %}\n{% call line(d, title=3) %}\n{% endcall %}\n";
        let at = |argument: Option<&str>, named| {
            Refused {
                called: "line".to_string(),
                argument: argument.map(str::to_string),
                help: String::new(),
            }
            .line(text, named)
        };
        assert_eq!(at(Some("title"), 4), 2);
        assert_eq!(at(Some("title"), 6), 5);
        assert_eq!(at(None, 4), 1);
        assert_eq!(at(None, 1), 1);
    }
}
