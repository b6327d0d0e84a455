//! What a server reads in its configuration: settings.toml as typed data, and a document held against it.

use crate::catalog::Duration;
use crate::catalog::times::{MONTHS, WEEKDAYS};
use crate::diagnostic::{nearest, suggestion};
use crate::json::plain;
use crate::promql::re2::valid;
use crate::render::File;
use crate::stack::containers::images::Version;
use crate::stack::document::Pointer;
use crate::value::Value;
use serde::Deserialize;
use std::borrow::Cow;
use std::collections::{BTreeMap, HashSet};
use std::sync::LazyLock;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    locations: Vec<String>,
    prometheus: WrittenServer,
    rules: WrittenServer,
    rule_tests: WrittenServer,
    alertmanager: WrittenServer,
    blackbox: WrittenServer,
    compose: WrittenServer,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct WrittenServer {
    root: String,
    /// The newest release whose keys are here; None: those of all.
    #[serde(default)]
    read: Option<String>,
    /// Keys that begin with `x-` are everybody's own.
    #[serde(default)]
    extensions: bool,
    /// Of each list, at most one may be written in one object.
    #[serde(default)]
    exclusive: Vec<Vec<String>>,
    /// List → the key that no two of its items share.
    #[serde(default)]
    unique: BTreeMap<String, String>,
    types: BTreeMap<String, BTreeMap<String, String>>,
}

/// What one program reads.
struct Server {
    root: String,
    read: Option<Version>,
    extensions: bool,
    unique: BTreeMap<String, String>,
    types: BTreeMap<String, Known>,
}

/// What an object of one type may say.
struct Known {
    keys: Keys,
    /// Those that it may have to say.
    required: Vec<String>,
    /// Whether it is a part of a day.
    lasts: bool,
    /// Of the lists of its server, those of which it may have two.
    exclusive: Vec<Vec<String>>,
}

type Keys = BTreeMap<String, Key>;

struct Key {
    types: Vec<Type>,
    required: Option<Required>,
    since: Option<Version>,
    until: Option<Version>,
}

/// When a key must be there, and not be empty.
enum Required {
    Always,
    /// Unless another of these is; one that begins with `/` is a place in the document.
    Without(Vec<String>),
    /// Where another key has this value.
    With(String, String),
    /// Unless another key has one of these values.
    Unless(String, Vec<String>),
}

impl Required {
    fn holds(&self, object: &Value, document: &Value) -> bool {
        match self {
            Required::Always => true,
            Required::Without(others) => others.iter().all(|other| match other.starts_with('/') {
                true => document.pointer(other).is_none_or(is_nothing),
                false => lacks(object, other),
            }),
            Required::With(key, value) => object[key] == value.as_str(),
            Required::Unless(key, values) => !values.iter().any(|value| object[key] == **value),
        }
    }

    /// What may stand in place of the key, for people.
    fn instead(&self) -> String {
        let Required::Without(others) = self else {
            return String::new();
        };
        let others = others
            .iter()
            .map(|other| match other.strip_prefix("/global/") {
                Some(key) => format!(" or `{key}` under `global`"),
                None => format!(" or `{other}`"),
            });
        others.collect()
    }
}

/// Whether an object has nothing under a key.
fn lacks(object: &Value, key: &str) -> bool {
    is_nothing(&object[key])
}

fn is_nothing(value: &Value) -> bool {
    value.is_null() || *value == ""
}

#[derive(Debug, PartialEq)]
enum Type {
    Any,
    /// Nothing, where Compose wants a table behind every name.
    Null,
    /// Any single value: what reads it takes it as text.
    Text,
    Bool,
    Int,
    Number,
    Regex,
    Size,
    /// host:port
    HostPort,
    /// Asked over HTTP.
    Url,
    /// Mailboxes.
    Addresses,
    /// Of the tz database.
    Location,
    /// Of a day.
    Time,
    /// A range of one of the units of a time interval.
    Range(Unit),
    Duration(Length),
    Is(String),
    List(Vec<Type>),
    /// Any keys; label: they are names of labels.
    Map {
        label: bool,
        values: Vec<Type>,
    },
    Named(String),
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Unit {
    Weekday,
    Day,
    Month,
    Year,
}

/// How long a duration may be, and who reads it.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Length {
    /// In milliseconds.
    least: u64,
    /// Go's own notation, which knows no days; else that of Prometheus.
    go: bool,
}

/// What is answered over a network, or by a program that is started, takes longer. Milliseconds.
const ANSWERED: u64 = 100;

/// The programs whose configuration is known.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Reader {
    Prometheus,
    /// Prometheus too, in its rules.
    Rules,
    /// promtool, in unit tests of rules.
    RuleTests,
    Alertmanager,
    Blackbox,
    Compose,
}

impl Reader {
    /// For people.
    fn name(self) -> &'static str {
        match self {
            Reader::Prometheus | Reader::Rules => "Prometheus",
            Reader::RuleTests => "promtool",
            Reader::Alertmanager => "the Alertmanager",
            Reader::Blackbox => "the blackbox exporter",
            Reader::Compose => "Docker Compose",
        }
    }

    fn server(self) -> &'static Server {
        let known = &*PROGRAMS;
        match self {
            Reader::Prometheus => &known.servers[0],
            Reader::Rules => &known.servers[1],
            Reader::RuleTests => &known.servers[2],
            Reader::Alertmanager => &known.servers[3],
            Reader::Blackbox => &known.servers[4],
            Reader::Compose => &known.servers[5],
        }
    }
}

struct Programs {
    locations: HashSet<String>,
    servers: [Server; 6],
}

static PROGRAMS: LazyLock<Programs> = LazyLock::new(|| {
    let written = include_str!(concat!(env!("OUT_DIR"), "/settings.json"));
    let written: Written =
        serde_json::from_str(written).expect("settings.toml is TOML of this form");
    Programs {
        locations: written.locations.into_iter().collect(),
        servers: [
            written.prometheus,
            written.rules,
            written.rule_tests,
            written.alertmanager,
            written.blackbox,
            written.compose,
        ]
        .map(Server::of),
    }
});

impl Server {
    fn of(written: WrittenServer) -> Server {
        let known = |own: &BTreeMap<String, String>| {
            let keys = read(own, &written.types);
            let may_have = |key: &&String| keys.contains_key(*key) || keys.contains_key(ANY);
            let exclusive = written.exclusive.iter();
            let exclusive = exclusive.filter(|group| group.iter().filter(may_have).count() > 1);
            let required = keys.iter().filter(|(_, key)| key.required.is_some());
            Known {
                required: required.map(|(key, _)| key.clone()).collect(),
                lasts: keys.contains_key("start_time"),
                exclusive: exclusive.cloned().collect(),
                keys,
            }
        };
        let types = written.types.iter();
        let types = types.map(|(name, keys)| (name.clone(), known(keys)));
        let types = types.collect();
        Server {
            root: written.root,
            read: written.read.as_deref().and_then(Version::parse),
            extensions: written.extensions,
            unique: written.unique,
            types,
        }
    }
}

/// The keys of a type with those of the types that it takes in.
fn read(keys: &BTreeMap<String, String>, all: &BTreeMap<String, BTreeMap<String, String>>) -> Keys {
    let mut found = Keys::new();
    for (key, text) in keys {
        if key == "+" {
            for name in text.split('|') {
                found.extend(read(&all[name], all));
            }
        }
    }
    let own = keys.iter().filter(|(key, _)| *key != "+");
    found.extend(own.map(|(key, text)| {
        let mut parts = text.split(';').map(str::trim);
        let written = parts.next().unwrap_or_default();
        let mut key_of = Key {
            types: types(written),
            required: None,
            since: None,
            until: None,
        };
        for part in parts {
            match part.split_once(' ') {
                Some(("since", version)) => key_of.since = Version::parse(version),
                Some(("until", version)) => key_of.until = Version::parse(version),
                Some(("required", when)) => key_of.required = Some(required(when)),
                None if part == "required" => key_of.required = Some(Required::Always),
                _ => unreachable!("`{part}` is neither since, until nor required"),
            }
        }
        (key.clone(), key_of)
    }));
    found
}

/// `without KEY KEY`, `with KEY VALUE`, `unless KEY VALUE VALUE`.
fn required(when: &str) -> Required {
    let words: Vec<&str> = when.split(' ').collect();
    let all = |words: &[&str]| words.iter().map(|word| word.to_string()).collect();
    match words.as_slice() {
        ["without", others @ ..] => Required::Without(all(others)),
        ["with", key, value] => Required::With(key.to_string(), value.to_string()),
        ["unless", key, values @ ..] => Required::Unless(key.to_string(), all(values)),
        _ => unreachable!("`{when}` says not when a key is required"),
    }
}

/// `a|[b|c]` → its parts.
fn types(text: &str) -> Vec<Type> {
    let (mut depth, mut start, mut parts) = (0, 0, Vec::new());
    for (at, byte) in text.bytes().enumerate() {
        match byte {
            b'[' | b'{' => depth += 1,
            b']' | b'}' => depth -= 1,
            b'|' if depth == 0 => {
                parts.push(&text[start..at]);
                start = at + 1;
            }
            _ => {}
        }
    }
    parts.push(&text[start..]);
    parts.into_iter().map(one).collect()
}

fn one(text: &str) -> Type {
    let inside = |open, close| text.strip_prefix(open)?.strip_suffix(close);
    if let Some(items) = inside('[', ']') {
        return Type::List(types(items));
    }
    if let Some(values) = inside('{', '}') {
        let (label, values) = match values.strip_prefix("label:") {
            Some(values) => (true, values.trim()),
            None => (false, values),
        };
        return Type::Map {
            label,
            values: types(values),
        };
    }
    if let Some(word) = inside('\'', '\'') {
        return Type::Is(word.to_string());
    }
    let lasts = |least, go| Type::Duration(Length { least, go });
    match text {
        "any" => Type::Any,
        "null" => Type::Null,
        "text" => Type::Text,
        "bool" => Type::Bool,
        "int" => Type::Int,
        "number" => Type::Number,
        "regex" => Type::Regex,
        "size" => Type::Size,
        "hostport" => Type::HostPort,
        "url" => Type::Url,
        "addresses" => Type::Addresses,
        "location" => Type::Location,
        "time" => Type::Time,
        "weekdays" => Type::Range(Unit::Weekday),
        "days" => Type::Range(Unit::Day),
        "months" => Type::Range(Unit::Month),
        "years" => Type::Range(Unit::Year),
        "duration" => lasts(0, false),
        "duration>0" => lasts(1, false),
        "timeout" => lasts(ANSWERED, false),
        "go duration" => lasts(0, true),
        "go timeout" => lasts(ANSWERED, true),
        name => Type::Named(name.to_string()),
    }
}

/// What a program takes as a value, for people, where it does not take this one; the type is one of settings.toml.
pub(crate) fn refuses(known: &str, value: &str) -> Option<String> {
    let known = types(known);
    let check = Check {
        reader: Reader::Prometheus,
        server: Reader::Prometheus.server(),
        document: &Value::Null,
        version: None,
        flaws: Vec::new(),
    };
    let number = || value.parse::<i64>().is_ok() && known.contains(&Type::Int);
    let value = Value::String(value.to_string());
    if number() || known.iter().any(|known| check.is(&value, known)) {
        return None;
    }
    let words: Vec<&str> = known
        .iter()
        .filter_map(|known| match known {
            Type::Is(word) => Some(word.as_str()),
            _ => None,
        })
        .collect();
    Some(match words.is_empty() {
        true => wanted(&known[0]).to_string(),
        false => words.join(", "),
    })
}

/// Something that a program does not read as it is written.
pub(crate) struct Flaw {
    /// Where in the document.
    pub(crate) pointer: String,
    pub(crate) message: String,
    pub(crate) help: String,
    /// It is only too new: the first version that knows it.
    pub(crate) since: Option<Version>,
    /// A release that is newer than those whose keys are known may read it.
    pub(crate) perhaps: bool,
}

/// Everything in a document that a version of a program does not read; None: whatever any version reads is fine.
pub(crate) fn flaws(reader: Reader, file: &File, version: Option<Version>) -> Vec<Flaw> {
    let server = reader.server();
    // Where an operator reads rules, its document has them deeper.
    let groups = file
        .groups_pointer()
        .and_then(|groups| groups.rsplit_once('/'));
    let root = groups.map_or("", |(root, _)| root);
    let Some(document) = file.value.pointer(root) else {
        return Vec::new();
    };
    let mut check = Check {
        reader,
        server,
        document,
        version,
        flaws: Vec::new(),
    };
    check.named(&server.root, document, &Pointer::Root(root));
    for (list, key) in &server.unique {
        let mut seen = HashSet::new();
        let items = document
            .pointer(list)
            .into_iter()
            .flat_map(|list| list.items());
        for (index, item) in items.enumerate() {
            let name = plain(&item[key]);
            if !seen.insert(name.clone()) {
                check.flaw(
                    &Pointer::Root(&format!("{root}{list}/{index}/{key}")),
                    format!("{} are two called `{name}`", list.trim_start_matches('/')),
                    "rename or remove one of them".to_string(),
                );
            }
        }
    }
    check.flaws
}

/// Of a type of which not all keys are known: what stands for the others.
const ANY: &str = "*";

struct Check<'d> {
    reader: Reader,
    server: &'static Server,
    document: &'d Value,
    version: Option<Version>,
    flaws: Vec<Flaw>,
}

impl Check<'_> {
    fn flaw(&mut self, at: &Pointer, message: String, help: String) {
        self.flaws.push(Flaw {
            pointer: at.to_string(),
            message,
            help,
            since: None,
            perhaps: false,
        });
    }

    fn named(&mut self, name: &str, value: &Value, at: &Pointer) {
        let server = self.server;
        let Some(known) = server.types.get(name) else {
            return;
        };
        let keys = &known.keys;
        for (key, value) in value.entries() {
            let below = at.key(key);
            match keys.get(key) {
                Some(known) => {
                    self.age(key, known, &below);
                    self.value(value, &known.types, &below);
                }
                None if keys.contains_key(ANY) => {}
                None if server.extensions && key.starts_with("x-") => {}
                None => {
                    let near = nearest(key, keys.keys().map(String::as_str));
                    let newer = self.version.zip(server.read);
                    let newer = newer.filter(|(version, read)| version > read);
                    let help = match (near, self.elsewhere(key), newer) {
                        (Some(near), ..) => format!("did you mean `{near}`?"),
                        (None, Some(parts), _) => format!("`{key}` belongs into {parts}"),
                        (None, None, Some((version, _))) => {
                            format!("take it away, unless {version} has it")
                        }
                        (None, None, None) => "take it away".to_string(),
                    };
                    let name = self.reader.name();
                    let place = place(&at.to_string());
                    let upto = newer.map_or(String::new(), |(_, read)| format!(" up to {read}"));
                    self.flaw(
                        &below,
                        format!("{name}{upto} has no key `{key}`{place}"),
                        help,
                    );
                    let known = server
                        .types
                        .values()
                        .any(|known| known.keys.contains_key(key));
                    let perhaps = newer.is_some() && near.is_none() && !known;
                    self.flaws.last_mut().expect("just pushed").perhaps = perhaps;
                }
            }
        }
        for key in known.required.iter().filter(|key| lacks(value, key)) {
            let known = &keys[key];
            let needed = known.required.as_ref();
            if !needed.is_some_and(|needed| needed.holds(value, self.document)) {
                continue;
            }
            let age = known.since.filter(|since| self.version < Some(*since));
            if age.is_none() {
                let name = self.reader.name();
                let place = place(&at.to_string());
                self.flaw(
                    &at.key(key),
                    format!("{name} does not take what has no `{key}`{place}"),
                    format!(
                        "write its `{key}`{}",
                        known
                            .required
                            .as_ref()
                            .map_or(String::new(), Required::instead)
                    ),
                );
            }
        }
        let written = |key: &&String| {
            value
                .get(key.as_str())
                .is_some_and(|value| !value.is_null())
        };
        for group in &known.exclusive {
            let both: Vec<&String> = group.iter().filter(written).collect();
            if let [first, second, ..] = both.as_slice() {
                self.flaw(
                    &at.key(second),
                    format!("`{first}` and `{second}` exclude each other"),
                    "keep one of them".to_string(),
                );
            }
        }
        if known.lasts
            && let [Some(from), Some(to)] =
                ["start_time", "end_time"].map(|key| value[key].as_str().and_then(minutes))
            && from >= to
        {
            self.flaw(
                &at.key("start_time"),
                "the time ends before it starts".to_string(),
                "write two ranges: one until 24:00, one from 00:00".to_string(),
            );
        }
    }

    /// The parts of a configuration that know a key, for people.
    fn elsewhere(&self, key: &str) -> Option<String> {
        let known = self.server.types.values();
        let keys = known.flat_map(|known| &known.keys);
        let mut holders = keys.filter(|(_, known)| {
            let names = known.types.iter().filter_map(|known| match known {
                Type::Named(name) => Some(name),
                Type::List(items) => match items.as_slice() {
                    [Type::Named(name)] => Some(name),
                    _ => None,
                },
                _ => None,
            });
            names
                .filter_map(|name| self.server.types.get(name))
                .any(|known| known.keys.contains_key(key))
        });
        holders.next().map(|(holder, _)| format!("`{holder}`"))
    }

    /// Whether the version has the key.
    fn age(&mut self, key: &str, known: &Key, at: &Pointer) {
        let Some(version) = self.version else { return };
        let name = self.reader.name();
        if let Some(since) = known.since.filter(|since| version < *since) {
            self.flaws.push(Flaw {
                pointer: at.to_string(),
                message: format!("`{key}` came with {since}, and this is {name} {version}"),
                help: "take a newer image, or remove the key".to_string(),
                since: Some(since),
                perhaps: false,
            });
        }
        if let Some(until) = known.until.filter(|until| version >= *until) {
            self.flaw(
                at,
                format!("`{key}` went with {until}, and this is {name} {version}"),
                "remove the key".to_string(),
            );
        }
    }

    fn value(&mut self, value: &Value, allowed: &[Type], at: &Pointer) {
        // What compose fills in later may be anything.
        let filled =
            self.reader == Reader::Compose && value.as_str().is_some_and(|text| text.contains('$'));
        if value.is_null() || filled || allowed.contains(&Type::Any) {
            return;
        }
        match value {
            Value::Object(map) => {
                for allowed in allowed {
                    match allowed {
                        Type::Named(name) => return self.named(name, value, at),
                        Type::Map { label, values } => {
                            for (key, value) in map {
                                let below = at.key(key);
                                if *label {
                                    self.label(key, &below);
                                }
                                // Where others read nothing as an empty table, Compose refuses the project.
                                let table = matches!(values[..], [Type::Named(_)]);
                                if value.is_null() && table && self.reader == Reader::Compose {
                                    self.flaw(
                                        &below,
                                        format!(
                                            "`{key}` has nothing, where Compose takes an object"
                                        ),
                                        "write its keys, or take the name away".to_string(),
                                    );
                                }
                                self.value(value, values, &below);
                            }
                            return;
                        }
                        _ => {}
                    }
                }
                self.wrong(value, allowed, at);
            }
            Value::Array(list) => {
                let items = allowed.iter().find_map(|allowed| match allowed {
                    Type::List(items) => Some(items),
                    _ => None,
                });
                match items {
                    None => self.wrong(value, allowed, at),
                    Some(items) => {
                        for (index, item) in list.iter().enumerate() {
                            self.value(item, items, &at.item(index));
                        }
                    }
                }
            }
            scalar => {
                if !allowed.iter().any(|allowed| self.is(scalar, allowed)) {
                    self.wrong(scalar, allowed, at);
                }
            }
        }
    }

    /// Names of other letters are read since Prometheus 3.0.
    fn label(&mut self, name: &str, at: &Pointer) {
        let classic = name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
            && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
        let since = Version::parse("3.0");
        if !classic && self.version < since {
            self.flaws.push(Flaw {
                pointer: at.to_string(),
                message: format!("`{name}` is no name of a label before Prometheus 3.0"),
                help: "use letters, digits and `_`".to_string(),
                since,
                perhaps: false,
            });
        }
    }

    /// Whether a single value is what a type says.
    fn is(&self, value: &Value, allowed: &Type) -> bool {
        let text = match value.as_str() {
            Some(text) => Cow::from(text),
            None => Cow::from(value.to_string()),
        };
        match allowed {
            Type::Any | Type::Text => true,
            // YAML 1.1 has more words for it, and compose reads them from text.
            Type::Bool => {
                let words = ["yes", "no", "on", "off", "y", "n"];
                value.is_boolean()
                    || words.iter().any(|word| text.eq_ignore_ascii_case(word))
                    || self.reader == Reader::Compose && ["true", "false"].contains(&&*text)
            }
            Type::Int => {
                value.is_i64()
                    || value.is_u64()
                    || self.reader == Reader::Compose && text.parse::<i64>().is_ok()
            }
            Type::Number => text.parse::<f64>().is_ok(),
            Type::Regex => valid(&text),
            Type::Size => {
                let digits = text.trim_end_matches(|c: char| c.is_ascii_alphabetic());
                let unit = &text[digits.len()..];
                digits.parse::<f64>().is_ok()
                    && (digits == "0" && unit.is_empty()
                        || ["B", "KB", "MB", "GB", "TB", "PB", "EB"]
                            .iter()
                            .chain(&["KiB", "MiB", "GiB", "TiB", "PiB", "EiB"])
                            .any(|known| *known == unit))
            }
            // A port may have a name.
            Type::HostPort => text.rsplit_once(':').is_some_and(|(_, port)| {
                let number = port.starts_with(|first: char| first.is_ascii_digit());
                !port.is_empty() && (!number || port.parse::<u16>().is_ok())
            }),
            Type::Url => text.contains("{{") || text == "<secret>" || asked_over_http(&text),
            Type::Addresses => text.contains("{{") || text.split(',').all(mailbox),
            Type::Location => {
                ["UTC", "Local", ""].contains(&&*text) || PROGRAMS.locations.contains(&*text)
            }
            Type::Time => minutes(&text).is_some(),
            Type::Range(unit) => range(*unit, &text),
            Type::Duration(Length { least, go }) => {
                lasts(&text, *go).is_some_and(|length| length >= *least as f64)
            }
            Type::Is(word) => **word == *text,
            Type::Null | Type::List(_) | Type::Map { .. } | Type::Named(_) => false,
        }
    }

    fn wrong(&mut self, value: &Value, allowed: &[Type], at: &Pointer) {
        let pointer = at.to_string();
        let key = pointer
            .rsplit('/')
            .find(|key| key.parse::<usize>().is_err());
        let key = key.unwrap_or_default().to_string();
        let written = match value {
            Value::Object(_) => "an object".to_string(),
            Value::Array(_) => "a list".to_string(),
            scalar => format!("`{}`", plain(scalar)),
        };
        let words: Vec<&str> = allowed
            .iter()
            .filter_map(|allowed| match allowed {
                Type::Is(word) => Some(word.as_str()),
                _ => None,
            })
            .collect();
        if !words.is_empty() {
            let help = suggestion(&plain(value), words.iter().copied());
            let name = self.reader.name();
            let message = format!("{name} knows no {written} for `{key}`");
            return self.flaw(at, message, help);
        }
        let wanted = wanted(&allowed[0]);
        let name = self.reader.name();
        self.flaw(
            at,
            format!("`{key}` is {written}, where {name} takes {wanted}"),
            format!("write {wanted}"),
        );
    }
}

/// Whether a URL says how it is asked, and where.
fn asked_over_http(url: &str) -> bool {
    url.split_once("://").is_some_and(|(scheme, rest)| {
        let host = rest.split(['/', '?', '#']).next().unwrap_or_default();
        ["http", "https"].contains(&scheme.to_lowercase().as_str()) && !host.is_empty()
    })
}

/// A type for people.
fn wanted(known: &Type) -> &'static str {
    match known {
        Type::Any | Type::Text => "a text",
        Type::Bool => "true or false",
        Type::Int => "a whole number",
        Type::Number => "a number",
        Type::Regex => "a regular expression in the syntax of RE2",
        Type::Size => "a size such as 10MB",
        Type::HostPort => "host:port",
        Type::Url => "a URL that begins with http:// or https://",
        Type::Addresses => "a mail address, or several with commas between them",
        Type::Location => "a time zone such as Europe/Berlin",
        Type::Time => "a time such as 09:00",
        Type::Range(Unit::Weekday) => "days of the week in their order, such as monday:friday",
        Type::Range(Unit::Day) => "days of the month in their order, such as 1:5 or -3:-1",
        Type::Range(Unit::Month) => "months in their order, such as may:august",
        Type::Range(Unit::Year) => "years in their order, such as 2026:2028",
        Type::Duration(Length { least: 0, .. }) => "a duration with its unit, such as 30s",
        Type::Duration(Length { least: 1, .. }) => "a duration above zero, such as 30s",
        Type::Duration(_) => "a duration in which something can be answered, such as 10s",
        Type::List(_) => "a list",
        _ => "an object",
    }
}

/// Where in a document an unknown key stands, for people.
fn place(pointer: &str) -> String {
    match pointer
        .rsplit('/')
        .find(|key| !key.is_empty() && key.parse::<usize>().is_err())
    {
        Some(key) => format!(" in `{key}`"),
        None => String::new(),
    }
}

/// `Name <who@where>`, `who@where`
fn mailbox(text: &str) -> bool {
    let inside = match text.rsplit_once('<') {
        Some((_, rest)) => rest.trim().strip_suffix('>'),
        None => Some(text.trim()),
    };
    inside
        .and_then(|address| address.rsplit_once('@'))
        .is_some_and(|(who, host)| {
            !who.is_empty() && !host.is_empty() && !host.contains(char::is_whitespace)
        })
}

/// Of a day, from 00:00 to 24:00.
fn minutes(text: &str) -> Option<u32> {
    let (hours, minutes) = text.split_once(':')?;
    let two = |text: &str| {
        (text.len() == 2)
            .then(|| text.parse::<u32>().ok())
            .flatten()
    };
    let all = two(hours)? * 60 + two(minutes).filter(|minutes| *minutes < 60)?;
    (all <= 24 * 60).then_some(all)
}

/// Whether a range of a time interval has both ends, in their order.
fn range(unit: Unit, text: &str) -> bool {
    let number = |text: &str| -> Option<i64> {
        let text = text.trim().to_lowercase();
        let named = |names: &[&str], first: usize| {
            names
                .iter()
                .position(|name| *name == text)
                .map(|at| (at + first) as i64)
        };
        match unit {
            Unit::Weekday => named(&WEEKDAYS, 0),
            Unit::Day => text
                .parse()
                .ok()
                .filter(|day| *day != 0 && (-31..=31).contains(day)),
            Unit::Month => named(&MONTHS, 1)
                .or_else(|| text.parse().ok().filter(|month| (1..=12).contains(month))),
            Unit::Year => text.parse().ok(),
        }
    };
    let (from, to) = text.split_once(':').unwrap_or((text, text));
    match (number(from), number(to)) {
        // -3 is counted from the end of the month, whose length is not known.
        (Some(from), Some(to)) => from <= to || (from > 0) != (to > 0),
        _ => false,
    }
}

/// A duration in milliseconds; Go's has fractions and no days, Prometheus' the other way round.
fn lasts(text: &str, go: bool) -> Option<f64> {
    if text == "0" {
        return Some(0.0);
    }
    if !go {
        return Duration::parse(text).map(|duration| duration.0 as f64);
    }
    let (mut rest, mut all) = (text, 0.0);
    while !rest.is_empty() {
        let digits = rest.find(|c: char| !c.is_ascii_digit() && c != '.')?;
        let unit = &rest[digits..];
        let end = unit
            .find(|c: char| c.is_ascii_digit())
            .unwrap_or(unit.len());
        let milliseconds = match &unit[..end] {
            "ns" => 1e-6,
            "us" | "µs" => 1e-3,
            "ms" => 1.0,
            "s" => 1e3,
            "m" => 6e4,
            "h" => 3.6e6,
            _ => return None,
        };
        all += rest[..digits].parse::<f64>().ok()? * milliseconds;
        rest = &unit[end..];
    }
    (!text.is_empty()).then_some(all)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_type_of_the_data_is_known() {
        fn names(types: &[Type], found: &mut Vec<String>) {
            for known in types {
                match known {
                    Type::Named(name) => found.push(name.clone()),
                    Type::List(inside) | Type::Map { values: inside, .. } => names(inside, found),
                    _ => {}
                }
            }
        }
        for server in &PROGRAMS.servers {
            let mut used = vec![server.root.clone()];
            for known in server.types.values() {
                known
                    .keys
                    .values()
                    .for_each(|key| names(&key.types, &mut used));
            }
            for name in used {
                assert!(server.types.contains_key(&name), "{name}");
            }
        }
    }

    #[test]
    fn durations_and_ranges() {
        assert_eq!(lasts("1m30.5s", true), Some(90_500.0));
        assert_eq!(lasts("1d", true), None);
        assert_eq!(lasts("1d", false), Some(86_400_000.0));
        assert_eq!(lasts("30", false), None);
        assert!(range(Unit::Weekday, "Monday:friday") && !range(Unit::Weekday, "saturday:monday"));
        assert!(range(Unit::Day, "1:-1") && !range(Unit::Day, "0") && !range(Unit::Month, "13"));
        assert!(mailbox("Team <a@b>") && !mailbox("Team"));
    }
}
