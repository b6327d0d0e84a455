//! What the Python collector declares is what the catalog declares.

use super::{Check, Example, Proof, place};
use crate::artifacts::Role;
use crate::catalog::pattern::Automaton;
use crate::catalog::{Catalog, Metric};
use crate::diagnostic::{Diagnostic, nearest};
use crate::overlay;
use crate::render::File;
use crate::stack::collector::{Call, Literal, assigned, automaton, difference, literal_at};
use std::collections::{BTreeMap, BTreeSet, HashMap};

pub(crate) const PROOF: Proof = Proof {
    code: "collector",
    doc: "Rules and dashboards read what the catalog declares. A collector that emits a metric under another name or type, with another label or other buckets, or not at all, gives them nothing to read: no alert on it fires, and every other check is green.",
    example: Example::Text {
        role: Role::Python,
        good: "kind=\"counter\"",
        bad: "kind=\"gauge\"",
    },
    check: Check::Stack(|stack| {
        let files = stack.files.python();
        files
            .flat_map(|file| of_file(stack.catalog, file))
            .collect()
    }),
};

/// Of the classes of a metric with labels.
const OWN: &str = "Metric_";

/// The metrics that Python's client library can write: native histograms are not among them.
fn writable(catalog: &Catalog) -> impl Iterator<Item = &Metric> {
    catalog.declared().filter(|metric| !metric.whole)
}

fn of_file(catalog: &Catalog, file: &File) -> Vec<Diagnostic> {
    let Some(Literal::List(list)) = assigned(&file.text, "CONTRACT") else {
        // Another collector declares its metrics elsewhere, and goes through none of that name.
        let mut lines = file.text.lines();
        let read = lines.position(|line| line.contains("for ") && line.contains(" in CONTRACT"));
        let lost = read.map(|index| {
            let message = "nothing is called `CONTRACT`, and the collector reads it: Python stops";
            let help = "let it list the metrics of the catalog under that name";
            place::line(&file.path, index + 1, message, help)
        });
        return lost.into_iter().collect();
    };
    let families: Vec<&Call> = list.iter().filter_map(call).collect();
    if let Some((line, message)) = families.iter().find_map(|family| refused(family)) {
        let help = "write its fields as they are declared";
        return vec![place::line(&file.path, line, message, help)];
    }
    let line = line_of(&file.text, "CONTRACT");
    let named = families.iter().rev();
    let named: HashMap<&str, &Call> = named
        .filter_map(|family| Some((family.get("name", 1)?.text()?, *family)))
        .collect();
    let mut found = Vec::new();
    for metric in writable(catalog) {
        let emitted = catalog.services_of(&metric.services);
        let mut emitted =
            emitted.filter(|service| service.runtime == "python" && service.image.is_none());
        if emitted.next().is_none() {
            continue;
        }
        let Some(family) = named.get(metric.name.as_str()) else {
            let keyed =
                |family: &&&Call| family.get("key", 0).and_then(Literal::text) == Some(&metric.key);
            let at = families
                .iter()
                .find(keyed)
                .map_or(line, |family| family.line + 1);
            let names = families
                .iter()
                .filter_map(|family| family.get("name", 1)?.text());
            let near = nearest(
                &metric.name,
                names.filter(|name| !writable(catalog).any(|other| other.name == *name)),
            );
            let instead = near.map_or(String::new(), |near| format!(", but {near}"));
            found.push(place::line(
                &file.path,
                at,
                format!("the collector does not emit {}{instead}", metric.name),
                "let it declare every metric of the catalog under its name",
            ));
            continue;
        };
        for (at, message) in of_family(catalog, metric, family) {
            found.push(place::line(
                &file.path,
                at,
                message,
                "let it declare what the catalog does",
            ));
        }
    }
    found.extend(of_patterns(catalog, file));
    found.extend(of_services(catalog, file));
    found.extend(of_handles(catalog, file));
    found.extend(of_code(catalog, file));
    found
}

fn call(literal: &Literal) -> Option<&Call> {
    match literal {
        Literal::Call(call) => Some(call),
        _ => None,
    }
}

/// What the parts of a family are called.
const FIELDS: [(&str, &[&str]); 2] = [
    (
        "Family",
        &[
            "key", "name", "kind", "help", "labels", "services", "buckets",
        ],
    ),
    ("Label", &["name", "values", "pattern"]),
];

/// An argument of a family, or of one of its labels, that it does not take: its line, and what Python makes of it.
fn refused(family: &Call) -> Option<(usize, String)> {
    let (_, fields) = FIELDS.iter().find(|(class, _)| *class == family.name)?;
    let mut named = family.arguments.iter().map(|(name, _)| name.as_str());
    let unknown = named.find(|name| !name.is_empty() && !fields.contains(name));
    let labels = || {
        let labels = family.get("labels", 4)?.items().iter();
        labels.filter_map(call).find_map(refused)
    };
    match unknown {
        Some(name) => Some((
            family.line,
            format!("a {} takes no `{name}`: Python stops there", family.name),
        )),
        None if family.name == "Family" => labels(),
        None => None,
    }
}

/// The line on which a text first begins one.
fn line_of(text: &str, start: &str) -> usize {
    text.lines()
        .position(|line| line.trim_start().starts_with(start))
        .map_or(1, |index| index + 1)
}

/// Where a family differs from its metric, and how.
fn of_family(catalog: &Catalog, metric: &Metric, family: &Call) -> Vec<(usize, String)> {
    let name = &metric.name;
    let mut wrong = Vec::new();
    let kind = family
        .get("kind", 2)
        .and_then(Literal::text)
        .unwrap_or_default();
    if kind != metric.r#type {
        wrong.push((
            family.line + 3,
            format!(
                "the collector emits {name} as a {kind}, and it is a {}",
                metric.r#type
            ),
        ));
    }
    let none = Literal::List(Vec::new());
    let labels: Vec<&Call> = family
        .get("labels", 4)
        .unwrap_or(&none)
        .items()
        .iter()
        .filter_map(call)
        .collect();
    let named = |label: &Call| {
        label
            .get("name", 0)
            .and_then(Literal::text)
            .unwrap_or_default()
            .to_string()
    };
    let own: BTreeSet<String> = labels.iter().map(|label| named(label)).collect();
    let declared: BTreeSet<String> = metric.written.keys().cloned().collect();
    if own != declared {
        let words = |set: &BTreeSet<String>| match set.is_empty() {
            true => "no labels".to_string(),
            false => set.iter().cloned().collect::<Vec<_>>().join(", "),
        };
        let at = labels.first().map_or(family.line, |label| label.line);
        wrong.push((
            at,
            format!(
                "the collector gives {name} {}, where the catalog has {}",
                words(&own),
                words(&declared)
            ),
        ));
    }
    for label in labels {
        let of = named(label);
        let Some(values) = metric.written.get(&of) else {
            continue;
        };
        let written: BTreeSet<&str> = label
            .get("values", 1)
            .map(Literal::texts)
            .unwrap_or_default()
            .into_iter()
            .collect();
        let pattern = label
            .get("pattern", 2)
            .and_then(Literal::text)
            .unwrap_or_default();
        let same = match values.as_str() {
            Some(text) => pattern == text && written.is_empty(),
            None => written == values.texts().collect(),
        };
        if !same {
            wrong.push((
                label.line,
                format!("the collector knows other values of `{of}` of {name} than the catalog"),
            ));
        }
    }
    let services: BTreeSet<&str> = family
        .get("services", 5)
        .map(Literal::texts)
        .unwrap_or_default()
        .into_iter()
        .collect();
    let emitters: BTreeSet<&str> = metric.services.iter().map(String::as_str).collect();
    let all = emitters.len() == catalog.services.len();
    let missing = emitters
        .iter()
        .find(|service| !services.is_empty() && !services.contains(*service));
    let more = services.iter().find(|service| !emitters.contains(*service));
    if let Some(service) = missing {
        wrong.push((
            family.line,
            format!("the collector of {service} does not emit {name}"),
        ));
    } else if let Some(service) = more {
        wrong.push((
            family.line,
            format!("the collector lets {service} emit {name}, and the catalog does not"),
        ));
    } else if services.is_empty() && !all {
        wrong.push((
            family.line,
            format!("the collector lets every service emit {name}, and the catalog does not"),
        ));
    }
    let buckets = family
        .get("buckets", 6)
        .map(Literal::numbers)
        .unwrap_or_default();
    if metric.r#type == "histogram" && buckets != metric.buckets {
        wrong.push((
            family.line,
            format!("the collector has other buckets of {name} than the catalog"),
        ));
    }
    wrong
}

/// Patterns that the collector's automata read otherwise than RE2.
fn of_patterns(catalog: &Catalog, file: &File) -> Vec<Diagnostic> {
    let Some(Literal::Dict(patterns)) = assigned(&file.text, "PATTERNS") else {
        return Vec::new();
    };
    let written: HashMap<&str, &Call> = patterns
        .iter()
        .filter_map(|(pattern, value)| Some((pattern.text()?, call(value)?)))
        .collect();
    let declared = writable(catalog).flat_map(|metric| metric.written.values());
    let declared: BTreeSet<&str> = declared.filter_map(|values| values.as_str()).collect();
    let mut found = Vec::new();
    for pattern in declared {
        let Ok(meant) = Automaton::of(pattern) else {
            continue;
        };
        let Some(call) = written.get(pattern) else {
            let at = line_of(&file.text, "PATTERNS");
            let message = format!("the collector has no automaton of the pattern `{pattern}`");
            found.push(place::line(
                &file.path,
                at,
                message,
                "let it have one for every pattern of the catalog",
            ));
            continue;
        };
        if let Some((value, taken)) = automaton(call).and_then(|own| difference(&own, &meant)) {
            let does = if taken { "takes" } else { "refuses" };
            let message = format!("the collector {does} `{value}` for the pattern `{pattern}`");
            found.push(place::line(
                &file.path,
                call.line,
                message,
                "render its automaton again: nobody writes one by hand",
            ));
        }
    }
    found
}

/// Services that it does not know, or that answer elsewhere.
fn of_services(catalog: &Catalog, file: &File) -> Vec<Diagnostic> {
    let Some(Literal::Dict(services)) = assigned(&file.text, "SERVICES") else {
        return Vec::new();
    };
    let known: HashMap<&str, &Literal> = services
        .iter()
        .rev()
        .filter_map(|(name, value)| Some((name.text()?, value)))
        .collect();
    let mut found = Vec::new();
    for service in catalog
        .services
        .iter()
        .filter(|service| service.runtime == "python" && service.image.is_none())
    {
        let Some(call) = known
            .get(service.name.as_str())
            .and_then(|value| call(value))
        else {
            let at = line_of(&file.text, "SERVICES");
            let message = format!("the collector does not know the service {}", service.name);
            found.push(place::line(
                &file.path,
                at,
                message,
                "let it list every service of the catalog",
            ));
            continue;
        };
        let paths = [
            ("metrics_path", 0, &service.metrics_path),
            ("health_path", 1, &service.health_path),
        ];
        for (name, index, path) in paths {
            let written = call
                .get(name, index)
                .and_then(Literal::text)
                .unwrap_or_default();
            if written != path {
                let message = format!(
                    "the collector of {} answers at `{written}`, and is asked at `{path}`",
                    service.name
                );
                found.push(place::line(
                    &file.path,
                    call.line,
                    message,
                    "write the path of the catalog",
                ));
            }
        }
    }
    found
}

/// The attributes by which applications count: each is of its metric, of its type, and writes its labels in their order.
fn of_handles(catalog: &Catalog, file: &File) -> Vec<Diagnostic> {
    let declared = writable(catalog);
    let declared: HashMap<&str, &Metric> = declared
        .map(|metric| (metric.key.as_str(), metric))
        .collect();
    let mut found = Vec::new();
    let mut wrong = |at: usize, message: String| {
        found.push(place::line(
            &file.path,
            at,
            message,
            "render it from the catalog's metric",
        ));
    };
    for (index, line) in file.text.lines().enumerate() {
        let Some((class, key)) = handle(line) else {
            continue;
        };
        let attribute = line
            .trim()
            .trim_start_matches("self.")
            .split(' ')
            .next()
            .unwrap_or_default();
        let Some(metric) = declared.get(key) else {
            wrong(
                index + 1,
                format!("`{attribute}` counts into `{key}`, which the catalog does not declare"),
            );
            continue;
        };
        // A name that Python reserves has an underscore more.
        let escaped = attribute.strip_suffix('_') == Some(key);
        let others = declared.contains_key(attribute) && attribute != key && !escaped;
        let plain = metric.written.is_empty();
        let fits = match class.strip_prefix(OWN) {
            Some(of) => !plain && (of == key || !declared.contains_key(of)),
            None => plain && class.eq_ignore_ascii_case(&metric.r#type),
        };
        if others || !fits {
            wrong(
                index + 1,
                format!("`{attribute}` is a {class} of `{key}`, a {}", metric.r#type),
            );
        }
    }
    for metric in writable(catalog).filter(|metric| metric.written.len() > 1) {
        let class = format!("class {OWN}{}(", metric.key);
        let Some(start) = file.text.find(&class) else {
            continue;
        };
        let Some(write) = file.text[start..]
            .find("self._write(")
            .map(|at| start + at + "self._write(".len())
        else {
            continue;
        };
        let words: Vec<String> = match literal_at(&file.text, write) {
            Some(Literal::List(items)) => items.into_iter().filter_map(word).collect(),
            _ => continue,
        };
        let family = assigned(&file.text, "CONTRACT");
        let order: Vec<String> = family
            .iter()
            .flat_map(|list| list.items())
            .filter_map(call)
            .find(|family| family.get("key", 0).and_then(Literal::text) == Some(&metric.key))
            .and_then(|family| family.get("labels", 4))
            .map(|labels| {
                labels
                    .items()
                    .iter()
                    .filter_map(call)
                    .filter_map(|label| label.get("name", 0)?.text().map(str::to_string))
                    .collect()
            })
            .unwrap_or_default();
        let set = |names: &[String]| names.iter().cloned().collect::<BTreeSet<_>>();
        // A label that is a word of Python has another name as an argument.
        if words != order && set(&words) == set(&order) {
            let at = file.text[..write].matches('\n').count() + 1;
            wrong(
                at,
                format!(
                    "the values of {} are written in the order {}, and its labels are {}",
                    metric.name,
                    words.join(", "),
                    order.join(", ")
                ),
            );
        }
    }
    found
}

fn word(literal: Literal) -> Option<String> {
    match literal {
        Literal::Word(word) => Some(word),
        _ => None,
    }
}

/// `self.NAME = CLASS(self._families, "KEY")`.
fn handle(line: &str) -> Option<(&str, &str)> {
    let (_, value) = line.trim().strip_prefix("self.")?.split_once(" = ")?;
    let (class, rest) = value.split_once("(self._families, \"")?;
    Some((class, rest.strip_suffix("\")")?))
}

/// What prometheus_client calls of a collector by itself.
const CALLED: [&str; 2] = ["collect", "describe"];

/// The code that counts, as far as that shows without running it: every function of its own is used, what the built-in
/// collector counts somewhere is counted there, and each metric is made from what the contract says of it.
fn of_code(catalog: &Catalog, file: &File) -> Vec<Diagnostic> {
    let text = &file.text;
    let mut found = Vec::new();
    let mut wrong = |at: usize, message: String, help: &str| {
        let line = text[..at].matches('\n').count() + 1;
        found.push(place::line(&file.path, line, message, help));
    };
    let known = functions(text);
    let mut said: HashMap<&str, usize> = HashMap::new();
    for word in words(text) {
        *said.entry(word).or_default() += 1;
    }
    for (name, function) in &known {
        let own = name.starts_with('_') && !name.starts_with("__") || function.private;
        let called = name.starts_with("__") || CALLED.contains(&name.as_str());
        if own
            && !called
            && said
                .get(name.as_str())
                .is_none_or(|many| *many <= function.times)
        {
            let message = format!("nothing calls `{name}`, so what it does is never done");
            wrong(function.at, message, "call it, or take it away");
        }
    }
    let built_in = overlay::built_in("monitoring/metrics.py").map_or_else(BTreeMap::new, functions);
    if known.contains_key("record") {
        for metric in writable(catalog) {
            let itself = built_in
                .iter()
                .filter(|(_, function)| records(function, &metric.key));
            for (name, _) in itself {
                let mut seen = BTreeSet::new();
                let here = known.get(name);
                if let Some(function) = here
                    && !counts(&known, name, &metric.key, &mut seen)
                {
                    let message = format!("`{name}` does not count into {}", metric.name);
                    let help = "record it there, as the built-in collector does";
                    wrong(function.at, message, help);
                }
            }
        }
    }
    let named = writable(catalog).all(|metric| metric.key == metric.name);
    let own_buckets = writable(catalog).any(|metric| !metric.buckets.is_empty());
    for class in ["Counter", "Gauge", "Histogram", "Summary"] {
        let made = format!("prometheus_client.{class}(");
        for (at, _) in text.match_indices(&made) {
            let Some(Literal::Call(call)) = literal_at(text, at) else {
                continue;
            };
            let first = match call.get("name", 0) {
                Some(Literal::Word(word)) => word.as_str(),
                _ => continue,
            };
            if first.ends_with(".key") && !named {
                let message = format!("each {class} is named by its key, without the prefix");
                wrong(at, message, "name it as the contract does");
            }
            let bounds = || call.get("buckets", usize::MAX).is_some();
            if class == "Histogram" && own_buckets && first.contains('.') && !bounds() {
                let message = "a Histogram is made without the buckets of the contract".to_string();
                wrong(at, message, "give it the metric's `buckets`");
            }
        }
    }
    found
}

/// A function of a module: where it begins, all that stands in those of its name, how many these are, and whether one is of
/// a class that is the module's own business.
struct Function {
    at: usize,
    body: String,
    times: usize,
    private: bool,
}

fn functions(text: &str) -> BTreeMap<String, Function> {
    let mut found: BTreeMap<String, Function> = BTreeMap::new();
    let mut open: Vec<(usize, String)> = Vec::new();
    let (mut at, mut private) = (0, false);
    for line in text.split_inclusive('\n') {
        let code = line.trim_start();
        let depth = line.len() - code.len();
        // A template has lines of its own between those of Python.
        if !code.trim_end().is_empty() && !code.starts_with(['{', ')', '#']) {
            open.retain(|(outer, _)| depth > *outer);
            if depth == 0 {
                private = code.starts_with("class _");
            }
        }
        for (_, name) in &open {
            if let Some(function) = found.get_mut(name) {
                function.body.push_str(line);
            }
        }
        let head = code.strip_prefix("async ").unwrap_or(code);
        if let Some(name) = head
            .strip_prefix("def ")
            .and_then(|rest| rest.split('(').next())
        {
            let function = found.entry(name.to_string()).or_insert(Function {
                at,
                body: String::new(),
                times: 0,
                private: false,
            });
            function.times += 1;
            function.private |= private && depth > 0;
            open.push((depth, name.to_string()));
        }
        at += line.len();
    }
    found
}

/// The words of a text, without what stands behind a `#`.
fn words(text: &str) -> impl Iterator<Item = &str> {
    let code = text
        .lines()
        .filter(|line| !line.trim_start().starts_with('#'));
    code.flat_map(|line| line.split(|c: char| !(c.is_alphanumeric() || c == '_')))
}

/// Whether a function counts into a metric itself.
fn records(function: &Function, key: &str) -> bool {
    let quoted = format!("\"{key}\"");
    let mut calls = function.body.split("record(").skip(1);
    calls.any(|call| {
        let acts = [".inc(", ".observe(", ".set("];
        let mut written = acts.iter().filter_map(|act| call.split_once(act));
        call.trim_start().starts_with(&quoted) && written.any(|(_, by)| !by.starts_with("0)"))
    })
}

/// Whether it does, or another one of the module that it names.
fn counts(
    all: &BTreeMap<String, Function>,
    name: &str,
    key: &str,
    seen: &mut BTreeSet<String>,
) -> bool {
    let Some(function) = all.get(name).filter(|_| seen.insert(name.to_string())) else {
        return false;
    };
    records(function, key)
        || words(&function.body)
            .filter(|word| all.contains_key(*word))
            .any(|word| counts(all, word, key, seen))
}
