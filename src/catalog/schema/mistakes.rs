//! What the schema has against a value, in the words of a person.

use super::{meant, properties, referred};
use crate::catalog::access::no_ipv4;
use crate::catalog::pattern;
use crate::catalog::units::{Duration, Size};
use crate::diagnostic::{Diagnostic, Place, nearest, suggestion, suggestion_or};
use crate::json::plain;
use crate::source::{step, steps};
use crate::value::Value;
use jsonschema::ValidationError;
use jsonschema::error::{TypeKind, ValidationErrorKind as Kind};

/// What an error is about.
fn said(error: &ValidationError) -> Value {
    Value::from(error.instance().clone().into_owned())
}

/// One mistake, or one for each key that nothing reads.
pub(crate) fn diagnose(error: &ValidationError, schema: &Value) -> Vec<Diagnostic> {
    let path = error.instance_path().to_string();
    let schema_path = error.schema_path().to_string();
    let parent = schema_path
        .rfind('/')
        .map_or("", |slash| &schema_path[..slash]);
    // What must be there unless something else is said is described where all of it is.
    let described = parent.strip_suffix("/else").unwrap_or(parent);
    let node = schema.pointer(described).unwrap_or(&Value::Null);
    let mut steps = path.rsplit('/');
    let last = steps.next().unwrap_or_default();
    // One of a list is called after the list.
    let name = match last.parse::<usize>() {
        Ok(_) => format!("{}[{last}]", steps.next().unwrap_or_default()),
        Err(_) => last.to_string(),
    };
    let name = name.as_str();
    let value = || Place::Value(path.clone());
    let instance = &said(error);
    let shown = shown(instance);
    let mut one = match error.kind() {
        Kind::AdditionalProperties { unexpected } | Kind::UnevaluatedProperties { unexpected } => {
            return unexpected
                .iter()
                .map(|key| unknown_key(&path, key, node, schema))
                .collect();
        }
        Kind::OneOfNotValid { .. } | Kind::OneOfMultipleValid { .. }
            if choice(node).next().is_some() =>
        {
            one_of(&path, name, instance, node)
        }
        Kind::OneOfNotValid { context } => return inside(error, context, node, schema),
        Kind::PropertyNames { error: inner } => {
            let key = inner.instance().as_str().unwrap_or_default();
            let mut found = not_a(
                &Place::Key(format!("{path}/{}", step(key))),
                key,
                inner,
                schema,
            );
            found.code = "invalid-name";
            found
        }
        Kind::Required { property } => {
            missing_key(&path, name, property.as_str().unwrap_or_default(), node)
        }
        Kind::Enum { options } => {
            let word = error.instance().as_str().unwrap_or_default();
            let (code, message) = match node["title"].as_str() {
                Some("an alert kind") => {
                    ("unknown-kind", format!("there is no alert kind {shown}"))
                }
                _ => ("invalid-value", format!("`{name}` cannot be {shown}")),
            };
            let options = Value::from((**options).clone());
            let help = if options.items().any(Value::is_boolean) {
                "false takes back what is said further out; else write the setting itself, or leave it out".to_string()
            } else if code == "unknown-kind" {
                suggestion_or(
                    word,
                    options.texts(),
                    "make a kind of your own (`monstack docs how-to/kind`)",
                )
            } else {
                suggestion(word, options.texts())
            };
            Diagnostic::error(code, value(), message).help(help)
        }
        Kind::Type { kind } => {
            let mut found = wrong_type(value(), name, instance, kind);
            let example = node["examples"][0].as_str();
            if let Some(example) = example.filter(|_| node.get("format").is_some()) {
                found.help += &format!(", as in `\"{example}\"`");
            }
            match instead_of_a_list(error, schema).filter(|_| error.instance().is_array()) {
                Some(meant) => found.help(meant),
                None => found,
            }
        }
        Kind::Pattern { .. } | Kind::Format { .. } | Kind::MinLength { .. } | Kind::Not { .. } => {
            not_a(&value(), name, error, schema)
        }
        Kind::Minimum { limit } => out_of_range(value(), name, &shown, format!("at least {limit}")),
        Kind::Maximum { limit } => out_of_range(value(), name, &shown, format!("at most {limit}")),
        Kind::ExclusiveMinimum { limit } => {
            out_of_range(value(), name, &shown, format!("above {limit}"))
        }
        Kind::ExclusiveMaximum { limit } => {
            out_of_range(value(), name, &shown, format!("below {limit}"))
        }
        Kind::AnyOf { .. }
            if error
                .instance()
                .as_object()
                .is_some_and(|table| !table.is_empty()) =>
        {
            let wanted: Vec<String> = node["anyOf"]
                .items()
                .filter_map(|one| one["required"][0].as_str())
                .map(|key| format!("`{key}`"))
                .collect();
            Diagnostic::error(
                "empty",
                value(),
                format!("`{name}` has none of {}", wanted.join(", ")),
            )
            .help("write at least one of them")
        }
        Kind::MinProperties { limit } if *limit > 1 => Diagnostic::error(
            "empty",
            value(),
            format!("`{name}` has fewer than {limit} entries"),
        )
        .help("add another one; of a single level write the threshold alone, and its `severity` beside it"),
        Kind::MinItems { .. } | Kind::MinProperties { .. } | Kind::AnyOf { .. } => {
            let help = match is_required(parent, schema) {
                true => "give it at least one entry",
                false => "give it at least one entry, or remove it",
            };
            Diagnostic::error("empty", value(), format!("`{name}` is empty")).help(help)
        }
        Kind::UniqueItems => {
            Diagnostic::error("twice", value(), format!("`{name}` has a duplicate"))
                .help("remove one of them")
        }
        _ => Diagnostic::error("invalid-value", value(), error.to_string())
            .help("see `monstack schema`"),
    };
    let misread = node["misread"].as_str();
    if let Some(misread) = misread.filter(|_| ["out-of-range", "wrong-type"].contains(&one.code)) {
        one.help += &format!("; {misread}");
    }
    vec![one]
}

/// Whether the table around a property, by its place in the schema, must have it.
fn is_required(property: &str, schema: &Value) -> bool {
    let around = property.rsplit_once("/properties/");
    around.is_some_and(|(table, key)| {
        let table = schema.pointer(table).unwrap_or(&Value::Null);
        table["required"].texts().any(|required| required == key)
    })
}

fn missing_key(path: &str, name: &str, key: &str, node: &Value) -> Diagnostic {
    let what = properties(node)
        .find(|(name, _)| *name == key)
        .and_then(|(_, property)| {
            let said = referred(property).into_iter();
            said.filter_map(|node| node["description"].as_str()).next()
        });
    let owner = if path.is_empty() {
        "the catalog".to_string()
    } else {
        format!("`{name}`")
    };
    let mut missing = Diagnostic::error(
        "missing-key",
        Place::Key(format!("{path}/{key}")),
        format!("{owner} has no `{key}`"),
    )
    .help(
        format!("add `{key}`. {}", what.unwrap_or_default())
            .trim_end()
            .to_string(),
    );
    missing.follows.push(format!("{path}/{key}"));
    missing
}

fn wrong_type(place: Place, name: &str, written: &Value, wanted: &TypeKind) -> Diagnostic {
    let wanted = match wanted {
        TypeKind::Single(one) => one.to_string(),
        TypeKind::Multiple(many) => many
            .into_iter()
            .map(|one| one.to_string())
            .collect::<Vec<_>>()
            .join(" or "),
    };
    Diagnostic::error(
        "wrong-type",
        place,
        format!("`{name}` is {}", sort_of(written)),
    )
    .help(format!("it must be {}", article(&wanted)))
}

/// Keys of which a table has exactly one.
fn choice(node: &Value) -> impl Iterator<Item = &str> {
    let alternatives = node["oneOf"].items();
    // An alternative that says more is about what a value is, not about which keys it has.
    alternatives.filter_map(|one| match one["required"].items().as_slice() {
        [key] if one.entries().count() == 1 => key.as_str(),
        _ => None,
    })
}

/// None of them, or several.
fn one_of(path: &str, name: &str, table: &Value, node: &Value) -> Diagnostic {
    let list = |keys: &[&str], word: &str| {
        let keys: Vec<String> = keys.iter().map(|key| format!("`{key}`")).collect();
        keys.join(word)
    };
    let (written, known): (Vec<&str>, Vec<&str>) = (
        choice(node)
            .filter(|key| table.get(*key).is_some())
            .collect(),
        choice(node).collect(),
    );
    match written.last() {
        Some(last) => Diagnostic::error(
            "invalid-value",
            Place::Key(format!("{path}/{last}")),
            format!("`{name}` has {}", list(&written, " and ")),
        )
        .help("keep one of them"),
        None => {
            let mut missing = Diagnostic::error(
                "missing-key",
                Place::Key(format!("{path}/{}", known.first().unwrap_or(&""))),
                format!("`{name}` has neither {}", list(&known, " nor ")),
            )
            .help(format!("add one of them: {}", list(&known, " or ")));
            let keys = known.iter().map(|key| format!("{path}/{key}"));
            missing.follows.extend(keys);
            missing
        }
    }
}

/// The errors of the one alternative that was meant.
fn inside(
    error: &ValidationError,
    context: &[Vec<ValidationError<'static>>],
    node: &Value,
    schema: &Value,
) -> Vec<Diagnostic> {
    let value = &said(error);
    let path = error.instance_path().to_string();
    let alternatives = node["oneOf"].items().as_slice();
    if let Some(index) = meant(alternatives, value) {
        return context[index]
            .iter()
            .flat_map(|error| diagnose(error, schema))
            .collect();
    }
    let name = path.rsplit('/').next().unwrap_or_default();
    let wanted: Vec<String> = alternatives
        .iter()
        .filter_map(|one| {
            let sort = referred(one).into_iter();
            let sort = sort.filter_map(|node| node["type"].as_str()).next()?;
            Some(match one.get("enum") {
                Some(_) if sort == "boolean" => "false".to_string(),
                _ => article(sort),
            })
        })
        .collect();
    let message = format!("`{name}` is {}", sort_of(value));
    vec![
        Diagnostic::error("wrong-type", Place::Value(path.clone()), message)
            .help(format!("it must be {}", wanted.join(" or "))),
    ]
}

/// What a table calls otherwise than others do: the schema's own word for it.
fn elsewhere<'a>(key: &str, node: &'a Value, schema: &'a Value) -> Option<&'a str> {
    let settings = properties(node).any(|(_, property)| {
        property["$ref"]
            .as_str()
            .is_some_and(|target| target.starts_with("#/$defs/settings/"))
    });
    let shared = &schema["$defs"]["settings"];
    // What one kind of alert takes is beside what all of them do.
    let alert = &schema["properties"]["alerts"]["additionalProperties"];
    let mut kinds = alert["allOf"].items();
    let of_kind = kinds.any(|kind| std::ptr::eq(&kind["then"], node));
    let wider = match (settings, of_kind) {
        (true, _) => shared,
        (_, true) => alert,
        _ => node,
    };
    [node, wider]
        .into_iter()
        .find_map(|node| node["misspelt"][key].as_str())
}

/// That other kinds of alerts take a key, where a kind does not.
fn of_other_kinds(key: &str, node: &Value, schema: &Value) -> Option<String> {
    let kinds = schema["properties"]["alerts"]["additionalProperties"]["allOf"].items();
    let own = kinds
        .clone()
        .find(|kind| std::ptr::eq(&kind["then"], node))?;
    let name = |kind: &'_ Value| format!("`{}`", plain(&kind["if"]["properties"]["kind"]["const"]));
    let others: Vec<String> = kinds
        .filter(|kind| kind["then"]["properties"].get(key).is_some())
        .map(name)
        .collect();
    let taken = node["properties"].entries();
    let taken: Vec<String> = taken
        .filter(|(_, property)| property.is_object())
        .map(|(key, _)| format!("`{key}`"))
        .collect();
    if taken.is_empty() {
        return None;
    }
    let takes = format!("{} takes {}", name(own), taken.join(", "));
    // What looks like a key of any alert is meant as that.
    let known: Vec<&str> = properties(node).map(|(known, _)| known.as_str()).collect();
    match others.as_slice() {
        [] if nearest(key, known.iter().copied()).is_some() => None,
        [] => Some(format!("{takes}, beside what every alert takes")),
        others => Some(format!(
            "{takes}; `{key}` is a key of {}",
            others.join(", ")
        )),
    }
}

fn unknown_key(path: &str, key: &str, node: &Value, schema: &Value) -> Diagnostic {
    let mut known: Vec<&str> = Vec::new();
    for (name, _) in properties(node) {
        if !known.contains(&name.as_str()) {
            known.push(name);
        }
    }
    let mut unknown = Diagnostic::error(
        "unknown-key",
        Place::Key(format!("{path}/{}", step(key))),
        format!("unknown key `{key}`"),
    )
    .label("nothing reads this")
    .help(match (elsewhere(key, node, schema), key) {
        (Some(said), _) => said.to_string(),
        (None, "unset") => "only the file of an environment takes keys away, such as services.staging.toml: remove the key itself".to_string(),
        (None, _) => of_other_kinds(key, node, schema)
            .unwrap_or_else(|| suggestion(key, known.iter().copied())),
    });
    // A key that is misspelt is not missing besides.
    let meant = nearest(key, known.iter().copied());
    unknown
        .subjects
        .extend(meant.map(|meant| format!("{path}/{meant}")));
    unknown
}

/// "`10 secs` is not a duration", in the words of the schema that refused it.
fn not_a(place: &Place, name: &str, error: &ValidationError, schema: &Value) -> Diagnostic {
    let schema_path = error.schema_path().to_string();
    let mut parent = schema_path
        .rfind('/')
        .map_or("", |slash| &schema_path[..slash]);
    let written = schema.pointer(parent).unwrap_or(&Value::Null);
    if written.is_object() && written.get("title").is_none() {
        parent = "/$defs/duration";
    }
    let node = schema.pointer(parent).unwrap_or(&Value::Null);
    if error.instance().as_str() == Some("") && !name.is_empty() {
        let said = [written, node].map(|node| node["description"].as_str());
        return Diagnostic::error("invalid-value", place.clone(), format!("`{name}` is empty"))
            .help(said.into_iter().flatten().next().unwrap_or_default());
    }
    let shown = shown(&said(error));
    let example = node["examples"][0]
        .as_str()
        .map(|example| format!(" As in `{example}`."))
        .unwrap_or_default();
    let message = match error.kind() {
        Kind::Not { .. } if name == "null" => {
            return Diagnostic::error(
                "invalid-name",
                place.clone(),
                "`null` is the receiver that every catalog has",
            )
            .help("choose another name");
        }
        Kind::Not { .. } => format!("`{name}` is zero: {shown}"),
        Kind::Format { format } => {
            match reason(format, error.instance().as_str().unwrap_or_default()) {
                Some(reason) => format!(
                    "{shown} is not {}: {reason}",
                    node["title"].as_str().unwrap_or("what is wanted here")
                ),
                None => format!(
                    "{shown} is not {}",
                    node["title"].as_str().unwrap_or("what is wanted here")
                ),
            }
        }
        Kind::MaxLength { limit } => format!(
            "{shown} is not {}: it has more than {limit} characters",
            node["title"].as_str().unwrap_or("what is wanted here")
        ),
        _ => format!(
            "{shown} is not {}",
            node["title"].as_str().unwrap_or("what is wanted here")
        ),
    };
    let said = node["description"].as_str().unwrap_or_default();
    let text = error.instance().as_str();
    let number = text.filter(|text| text.parse::<f64>().is_ok());
    Diagnostic::error("invalid-value", place.clone(), message).help(match number {
        Some(number) if node["title"] == "a time" || node["format"] == "quantity" => {
            format!("a plain number stands without quotes: {number}. {said}{example}")
        }
        _ => format!("{said}{example}"),
    })
}

/// What to write in place of a list: said where the value is described, or where that is referred to.
fn instead_of_a_list<'a>(error: &ValidationError, schema: &'a Value) -> Option<&'a str> {
    let path = error.evaluation_path().to_string();
    let (mut node, mut said) = (schema, None);
    for step in steps(&path) {
        node = match step.as_str() {
            "$ref" => schema.pointer(node["$ref"].as_str()?.strip_prefix('#')?)?,
            _ => node
                .get(&step)
                .or_else(|| node.get(step.parse::<usize>().ok()?))?,
        };
        said = node["list"].as_str().or(said);
    }
    said
}

/// Why a value that looks right is refused all the same.
fn reason(format: &str, text: &str) -> Option<String> {
    match format {
        "re2" => pattern::parse(text).err(),
        "prometheus_duration" => Duration::too_long(text)
            .then(|| "it is longer than 292 years, the most that Prometheus can count".to_string()),
        "quantity" if Duration::too_long(text) => reason("prometheus_duration", text),
        "quantity" if Size::too_large(text) => reason("size", text),
        "host" | "host_port" => no_ipv4(text).map(|host| {
            format!("`{host}` is no address: that is four numbers, each of 255 at most")
        }),
        "size" => Size::too_large(text)
            .then(|| "it is 8 EiB or more, which nothing can count".to_string()),
        _ => None,
    }
}

fn out_of_range(place: Place, name: &str, shown: &str, wanted: String) -> Diagnostic {
    Diagnostic::error("out-of-range", place, format!("`{name}` is {shown}"))
        .help(format!("it must be {wanted}"))
}

/// A value in a message: never longer than a line.
fn shown(value: &Value) -> String {
    let text = match value {
        Value::String(text) => format!("`{}`", text.escape_debug()),
        other => other.to_string(),
    };
    if text.chars().count() > 60 {
        text.chars().take(60).collect::<String>() + "…"
    } else {
        text
    }
}

fn sort_of(value: &Value) -> &'static str {
    match value {
        Value::Null => "a number that does not fit",
        Value::Bool(_) => "true or false",
        Value::Number(_) => "a number",
        Value::String(_) => "text",
        Value::Array(_) => "a list",
        Value::Object(_) => "a table",
    }
}

fn article(sort: &str) -> String {
    match sort {
        "integer" => "a whole number",
        "number" => "a number",
        "string" => "text in quotes",
        "boolean" => "true or false",
        "array" => "a list",
        "object" => "a table",
        other => other,
    }
    .to_string()
}
