//! Alerts that a kind of the catalog says as well: which, is found by running the rule over the kind's cases.

use super::files;
use super::inferred::{Inferred, inferred};
use super::silence::{Silence, series};
use crate::artifacts::{ARTIFACTS, RULES};
use crate::catalog::schema::SCHEMA;
use crate::catalog::{Catalog, Service};
use crate::commands::init::draft::UNKNOWN;
use crate::commands::init::jobs::toml;
use crate::diagnostic::Diagnostic;
use crate::evaluation::rules::{Library, Rule, in_dependency_order};
use crate::kinds::{Kind, Kinds, THRESHOLDS};
use crate::overlay::Overlay;
use crate::pipeline;
use crate::profiles::Profile;
use crate::promql::canonical::plain;
use crate::promql::engine::metric;
use crate::promql::number::number;
use crate::promql::parse;
use crate::promql::token::{self, T_EQLC, T_GTE, T_GTR, T_LSS, T_LTE, T_NEQ};
use crate::promql::walk::{children, children_mut, selectors};
use crate::promql::{AggregateExpr, BinaryExpr, Expr, LabelModifier, MatchOp};
use crate::proofs::{Cast, Likeness};
use crate::render;
use crate::value::{Map, Value, json};
use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

/// An alert of a rule file, as one of the catalog.
pub(super) struct Recognised {
    pub(super) name: String,
    pub(super) kind: String,
    /// Its table, in one line of TOML.
    pub(super) says: String,
    /// The services that it is about.
    pub(super) covers: Vec<String>,
    /// Whether it goes on firing where the rule does not, for as long as scrapes fail.
    pub(super) steadier: bool,
    /// Whether it fires below 0 too, where the rule asks for 0.
    pub(super) below_zero: bool,
    /// The metric that silences it while it is 1, where a catalog's does while it is not 0.
    pub(super) flag: Option<String>,
    /// Whether others are only taken not to expose what it reads: it has no `job`, and a job beside the services is unknown.
    pub(super) assumed: bool,
    /// The metrics that it reads.
    pub(super) reads: Vec<String>,
    /// What of the rule the table does not say.
    pub(super) lost: Vec<String>,
}

/// An alert that stays as it is.
pub(super) struct Stays {
    pub(super) name: String,
    pub(super) why: String,
    /// What in it is the reason, where that is a name.
    pub(super) because: Option<String>,
}

/// What becomes of the rules of some files.
#[derive(Default)]
pub(super) struct Recognition {
    pub(super) found: Vec<Recognised>,
    pub(super) stay: Vec<Stays>,
    /// What those that are found read that only rules tell of.
    pub(super) metrics: BTreeMap<String, Inferred>,
    /// `[metrics]` with everything that only rules tell of.
    pub(super) declared: String,
}

/// A reason, with what in the rule it is about.
type Why = (String, Option<String>);

fn why(text: impl Into<String>) -> Why {
    (text.into(), None)
}

/// A job beside the services, with its profile as far as that is known.
pub(super) type Beside<'a> = (&'a str, Option<&'a str>);

/// More settings than these are not tried for one alert.
const MOST: usize = 400;

/// Labels that a service has by itself.
const OF_SERVICES: [&str; 3] = ["job", "service", "component"];

/// Reads the rules of the files and finds the alerts that a kind says. `draft`: a catalog with the services and without alerts of
/// its own; `beside`: jobs whose series an alert of the catalog would not see. The others stay, each for a reason.
pub(super) fn recognised(
    draft: &str,
    overlay: &Overlay,
    rules: &[Value],
    kept_as_they_are: &BTreeSet<String>,
    beside: &[Beside],
) -> Recognition {
    let none = Recognition::default;
    let Ok(kinds) = Kinds::of(overlay) else {
        return none();
    };
    let Some(base) = pipeline::lint_with(draft, overlay).catalog else {
        return none();
    };
    let unknown = |name: &str| exposed(&base, name).is_none();
    let mut metrics = inferred(rules, &base, &unknown);
    let declared = |metrics: &BTreeMap<String, Inferred>| {
        let lines = metrics.iter().filter_map(|(name, one)| one.says(name));
        let lines: String = lines.collect();
        match lines.is_empty() {
            true => draft.to_string(),
            false => format!("{draft}\n[metrics]\n{lines}"),
        }
    };
    // A name that a catalog cannot have, or that says something else than its type, is left out.
    metrics.retain(|name, one| {
        let alone = BTreeMap::from([(name.clone(), std::mem::take(one))]);
        let fine = !pipeline::lint_with(&declared(&alone), overlay).failed();
        *one = alone.into_values().next().unwrap_or_default();
        fine
    });
    let whole = declared(&metrics);
    let declared = whole[draft.len()..].to_string();
    let draft = &whole;
    let Some(base) = pipeline::lint_with(draft, overlay).catalog else {
        return none();
    };
    let own: Vec<Rule> = rules
        .iter()
        .filter_map(read)
        .map(|rule| {
            let mut expr = (*rule.expr).clone();
            at_most_zero(&mut expr);
            rule.with(expr)
        })
        .collect();
    let library = Library::of(in_dependency_order(own.iter().collect()));
    let named = rules.iter().filter_map(|rule| rule["alert"].as_str());
    let mut times: BTreeMap<&str, usize> = BTreeMap::new();
    named.for_each(|name| *times.entry(name).or_default() += 1);
    let (mut found, mut stay) = (Vec::new(), Vec::new());
    let pattern = SCHEMA.pointer("/properties/alerts/propertyNames/pattern");
    let pattern = pattern.and_then(Value::as_str).unwrap_or_default();
    let nameable = fancy_regex::Regex::new(pattern);
    for rule in rules {
        let Some(name) = rule["alert"].as_str() else {
            continue;
        };
        let one = || {
            if times[name] > 1 {
                return Err(why("there are several of this name"));
            }
            let fits = nameable.as_ref();
            if !fits.is_ok_and(|fits| fits.is_match(name).unwrap_or(false)) {
                return Err(why(
                    "the name of an alert of a catalog has letters, digits, dashes and underscores, a letter first",
                ));
            }
            if kept_as_they_are.contains(name) {
                return Err(why("unit tests of yours are about it"));
            }
            let (bare, silence) = Silence::of(rule).unzip();
            let asked = Asked::of(bare.as_ref().unwrap_or(rule), &base, beside)?;
            let mut tables = asked.tables(&kinds);
            if let Some(silence) = &silence {
                let silent = tables.iter();
                tables = silent
                    .filter_map(|table| silence.into(table, &base))
                    .collect();
            }
            if tables.is_empty() {
                return Err(why("no kind reads just this"));
            }
            let near = &asked.said.numbers;
            match first((draft, overlay), &tables, (name, &library), near) {
                Some(alike) => {
                    let mut one = asked.named(name, alike, &base);
                    if let Some(silence) = silence {
                        one.flag = silence.exactly_one.then(|| silence.metric.clone());
                        one.reads.push(silence.metric);
                    }
                    Ok(one)
                }
                None if asked.said.over_jobs => Err(why(
                    "it sums without `job`: nobody can say whose service it is about",
                )),
                None => Err(why("no kind behaves the same")),
            }
        };
        match one() {
            Ok(one) => found.push(one),
            Err((why, because)) => stay.push(Stays {
                name: name.to_string(),
                why,
                because,
            }),
        }
    }
    let read: BTreeSet<&String> = found.iter().flat_map(|one| &one.reads).collect();
    metrics.retain(|name, _| {
        let ends = ["", "_bucket", "_sum", "_count"];
        let mut all = ends.iter().map(|end| format!("{name}{end}"));
        all.any(|name| read.contains(&name))
    });
    Recognition {
        found,
        stay,
        metrics,
        declared,
    }
}

/// Of a rule that fires for whatever is not reached: of which job; Some(None): of all. None: it is about something else.
pub(super) fn of_targets(rule: &Value) -> Option<Option<String>> {
    rule.get("alert")?;
    let mut expr = parse(rule["expr"].as_str()?).ok()?;
    plain(&mut expr);
    let Expr::Binary(binary) = &expr else {
        return None;
    };
    let Expr::VectorSelector(selector) = &*binary.lhs else {
        return None;
    };
    let fires = matches!(
        (binary.op.id(), number(&binary.rhs)),
        (T_EQLC | T_LTE, Some(0.0)) | (T_LSS | T_NEQ, Some(1.0))
    );
    if metric(selector) != Some("up") || !fires {
        return None;
    }
    let matchers = selector.matchers.matchers.iter();
    let own: Vec<_> = matchers.filter(|one| one.name != "__name__").collect();
    match own.as_slice() {
        [] => Some(None),
        [one] if one.name == "job" && matches!(one.op, MatchOp::Equal) => {
            Some(Some(one.value.clone()))
        }
        _ => None,
    }
}

/// An alert that does what a rule does.
struct Alike {
    table: Map,
    kind: String,
    steadier: bool,
    covers: Vec<String>,
}

/// The first of some tables whose alert does what the rule does, one that does exactly so before others.
fn first(
    (draft, overlay): (&str, &Overlay),
    tables: &[Map],
    rule: (&str, &Library),
    near: &[f64],
) -> Option<Alike> {
    let mut left: BTreeMap<String, &Map> = tables
        .iter()
        .enumerate()
        .map(|(index, table)| (format!("Tried{index:04}"), table))
        .collect();
    let outcome = loop {
        if left.is_empty() {
            return None;
        }
        let lines = left.iter().filter_map(|(name, table)| {
            Some(format!(
                "{name} = {}\n",
                toml(&Value::Object((*table).clone()))?
            ))
        });
        let text = format!("{draft}\n[alerts]\n{}", lines.collect::<String>());
        let outcome = pipeline::lint_with(&text, overlay);
        let before = left.len();
        let wrong = |found: &&Diagnostic| found.stops() && found.code != "same-condition";
        for found in outcome.diagnostics.iter().filter(wrong) {
            if let Some(pointer) = found.place.pointer()
                && let Some(name) = pointer.strip_prefix("/alerts/")
            {
                left.remove(name.split('/').next().unwrap_or(name));
            }
        }
        if left.len() == before {
            break outcome;
        }
    };
    let catalog = outcome.catalog?;
    let cast = Cast::of(&catalog).ok()?;
    let mut steadier = None;
    for (name, table) in left {
        let Some(alert) = catalog
            .alert(&name)
            .filter(|alert| !alert.covers.is_empty())
        else {
            continue;
        };
        let own = || {
            rules_of(
                &format!(
                    "{draft}\n[alerts]\n{name} = {}\n",
                    toml(&Value::Object(table.clone()))?
                ),
                overlay,
            )
        };
        // What cannot be run is not known to be alike.
        let like = cast.likeness((alert, &own), rule, near);
        let like = like.unwrap_or(Likeness::Different);
        let one = || Alike {
            table: table.clone(),
            kind: alert.kind.name.clone(),
            steadier: like != Likeness::Same,
            covers: alert.covers.clone(),
        };
        match like {
            Likeness::Same => return Some(one()),
            Likeness::LessSteady => drop(steadier.get_or_insert_with(one)),
            Likeness::Different => {}
        }
    }
    steadier
}

/// The rules that a catalog is rendered to.
fn rules_of(text: &str, overlay: &Overlay) -> Option<Vec<Rule>> {
    let catalog = pipeline::lint_with(text, overlay).catalog?;
    let rules: Vec<_> = ARTIFACTS
        .iter()
        .filter(|artifact| artifact.role == RULES)
        .cloned()
        .collect();
    let rendered = render::with(&catalog, overlay, &rules).ok()?.ok()?;
    let files = rendered.files.iter().filter(|file| file.role == RULES);
    let all = files.flat_map(|file| files::rules(&file.value));
    Some(all.filter_map(read).collect())
}

fn read(rule: &Value) -> Option<Rule> {
    Rule::read(rule, &mut |text| parse(text).map(Rc::new)).ok()
}

/// What cannot be negative is 0 where it is at most that: kinds ask so.
fn at_most_zero(expr: &mut Expr) {
    if let Expr::Binary(binary) = expr
        && is_zero(binary)
    {
        binary.op = token::TokenType::new(T_LTE);
    }
    children_mut(expr).into_iter().for_each(at_most_zero);
}

fn is_zero(binary: &BinaryExpr) -> bool {
    binary.op.id() == T_EQLC && number(&binary.rhs) == Some(0.0)
}

/// What an alerting rule says, as far as a table can.
struct Asked<'a> {
    rule: &'a Value,
    /// What it reads, each once: as a key of a kind names it, with the metric's name.
    reads: Vec<(String, Value)>,
    /// What each of them is: `counter`; None: nobody says it.
    types: Vec<Option<String>>,
    services: Vec<String>,
    said: Said,
    /// Labels that it may fire apart by.
    apart: Vec<Vec<String>>,
    severity: String,
    labels: Map,
    assumed: bool,
}

impl<'a> Asked<'a> {
    fn of(rule: &'a Value, catalog: &Catalog, beside: &[Beside]) -> Result<Asked<'a>, Why> {
        let text = rule["expr"].as_str().unwrap_or_default();
        let expr = parse(text).map_err(|_| why("its expression cannot be read"))?;
        let mut labels = Map::new();
        let mut severity = None;
        for (label, value) in rule["labels"].entries() {
            let plain = value.as_str().filter(|text| !text.contains("{{"));
            let text = plain.ok_or(why("a label of it is worked out when it fires"))?;
            match label.as_str() {
                "severity" => severity = Some(text.to_string()),
                label if OF_SERVICES.contains(&label) => {
                    return Err((
                        "it sets a label that targets have".into(),
                        Some(label.into()),
                    ));
                }
                label => drop(labels.insert(label.to_string(), text.into())),
            }
        }
        let mut reads: Vec<(String, Value)> = Vec::new();
        let mut services = BTreeSet::new();
        let mut apart = BTreeSet::new();
        for selector in selectors(&expr) {
            let name = metric(selector).ok_or(why("it reads series without a name"))?;
            let exposed = exposed(catalog, name).ok_or_else(|| unexposed(catalog, name, beside))?;
            apart.extend(exposed);
            let mut said = series(selector, &mut services)
                .ok_or(why("it chooses among series as no key of a catalog does"))?;
            // A catalog names a histogram or a summary, and not its parts.
            if let Some(stem) = whole_of(catalog, name) {
                match said.get_mut("metric") {
                    Some(metric) => *metric = json!(stem),
                    None => said = json!(stem),
                }
            }
            if !reads.iter().any(|(_, known)| *known == said) {
                reads.push((name.to_string(), said));
            }
        }
        let mut assumed = false;
        for (name, _) in reads.iter().filter(|_| services.is_empty()) {
            match sees_all(catalog, name, beside) {
                Some(sure) => assumed |= !sure,
                None if name == "up" => {
                    return Err(why("it has no `job`, and is about jobs in [extra] too"));
                }
                None => {
                    return Err((
                        "it has no `job`, and others may expose what it reads".into(),
                        Some(name.clone()),
                    ));
                }
            }
        }
        let mut said = Said::default();
        said.visit(&expr);
        let by = said.by.iter();
        // The label of its buckets tells no series of a histogram apart.
        let by = by.filter(|label| !OF_SERVICES.contains(&label.as_str()) && *label != "le");
        let by: Vec<String> = by.cloned().collect();
        let whole: Vec<String> = apart.into_iter().collect();
        let with_instance = |labels: &[String]| {
            let mut all = labels.to_vec();
            all.push("instance".to_string());
            all
        };
        let mut ways = vec![
            Vec::new(),
            by,
            with_instance(&[]),
            with_instance(&whole),
            whole,
        ];
        let mut known = BTreeSet::new();
        ways.retain(|way| known.insert(way.clone()));
        let types = reads
            .iter()
            .map(|(name, _)| declared_type(catalog, name))
            .collect();
        Ok(Asked {
            rule,
            reads,
            types,
            services: services.into_iter().collect(),
            said,
            apart: ways,
            severity: severity.ok_or(why("it has no label severity"))?,
            labels,
            assumed,
        })
    }

    /// Tables of all kinds that read as much as the rule does.
    fn tables(&self, kinds: &Kinds) -> Vec<Map> {
        let mut found = Vec::new();
        for kind in kinds.iter().filter(|kind| !kind.slos) {
            for table in self.of_kind(kind) {
                let whole = kind.keys.contains_key("per");
                for way in &self.apart {
                    let mut table = table.clone();
                    if !way.is_empty() {
                        if !whole {
                            continue;
                        }
                        table.insert("per".to_string(), json!(way));
                    }
                    found.push(table);
                }
            }
        }
        found.truncate(MOST);
        found
    }

    fn of_kind(&self, kind: &Kind) -> Vec<Map> {
        let mut base = Map::new();
        base.insert("kind".to_string(), json!(kind.name));
        let mut found = self.reading(kind, base);
        let levels: Vec<(&String, &Value)> = kind
            .keys
            .iter()
            .filter(|(_, key)| {
                key["ref"]
                    .as_str()
                    .is_some_and(|of| THRESHOLDS.contains(&of))
            })
            .collect();
        if !levels.is_empty() {
            let said = levels.iter().flat_map(|(name, key)| {
                let numbers = self.said.levels(name, key);
                numbers.into_iter().map(move |number| (*name, number))
            });
            let said: Vec<(&String, f64)> = said.collect();
            let leveled = found.iter().flat_map(|table| {
                said.iter()
                    .map(|(level, number)| with(table, level, whole(*number)))
            });
            found = leveled.collect();
        }
        for (name, key) in &kind.keys {
            let mut values = Vec::new();
            if key["ref"] == "interval" {
                values.extend(self.said.durations.iter().map(|text| json!(text)));
            }
            let said = self.rule["expr"].as_str().unwrap_or_default();
            let named = |value: &&Value| value.as_str().is_some_and(|word| said.contains(word));
            values.extend(key["enum"].items().filter(named).cloned());
            if key["type"] == "number" {
                let numbers = self.said.numbers.iter();
                let numbers = numbers.filter(|number| **number > 0.0 && **number < 1.0);
                values.extend(numbers.map(|number| json!(number)));
            }
            let more = found
                .iter()
                .flat_map(|table| values.iter().map(|value| with(table, name, value.clone())));
            let more: Vec<_> = more.collect();
            found.extend(more);
        }
        for table in &mut found {
            if !self.services.is_empty() {
                table.insert("services".to_string(), json!(self.services));
            }
            let hold = self.rule["for"].as_str().unwrap_or("0s");
            table.insert("for".to_string(), json!(hold));
            if let Some(longer) = self.rule.get("keep_firing_for") {
                table.insert("keep_firing_for".to_string(), longer.clone());
            }
            table.insert("severity".to_string(), json!(self.severity));
            if !self.labels.is_empty() {
                table.insert("labels".to_string(), Value::Object(self.labels.clone()));
            }
        }
        found
    }

    /// The tables in which every metric that the rule reads is under one of the kind's keys.
    fn reading(&self, kind: &Kind, base: Map) -> Vec<Map> {
        let slots: Vec<(&String, bool)> = kind
            .keys
            .iter()
            .filter(|(_, key)| key["metric"].is_string())
            .map(|(name, key)| {
                let free = ["optional", "instead_of", "default"]
                    .iter()
                    .any(|word| key.get(word).is_some());
                let replaced = kind
                    .keys
                    .values()
                    .any(|other| other["instead_of"] == name.as_str());
                (name, !free && !replaced)
            })
            .collect();
        if slots.is_empty() {
            let known = |name: &str| kind.series.values().any(|given| given.metric == name);
            let all = self.reads.iter().all(|(name, _)| known(name));
            return if all { vec![base] } else { Vec::new() };
        }
        let mut found = vec![(base, BTreeSet::new())];
        for (slot, needed) in slots {
            let mut next: Vec<(Map, BTreeSet<usize>)> = Vec::new();
            for (table, used) in &found {
                for (index, (_, said)) in self.reads.iter().enumerate() {
                    let is = self.types[index].as_deref();
                    let fits = is.is_none_or(|is| kind.takes(slot, is));
                    if !used.contains(&index) && fits {
                        let mut used = used.clone();
                        used.insert(index);
                        next.push((with(table, slot, said.clone()), used));
                    }
                }
                if !needed {
                    next.push((table.clone(), used.clone()));
                }
            }
            found = next;
        }
        found.retain(|(_, used)| used.len() == self.reads.len());
        found.into_iter().map(|(table, _)| table).collect()
    }

    fn named(&self, name: &str, alike: Alike, catalog: &Catalog) -> Recognised {
        let Alike {
            mut table,
            kind,
            steadier,
            covers,
        } = alike;
        let per = table.get_mut("per").and_then(Value::as_array_mut);
        if let Some(per) = per.filter(|per| per.contains(&json!("instance"))) {
            // An instance has one value of each label that targets are given.
            per.extend(
                given_to_targets(&covers, catalog)
                    .into_iter()
                    .map(Value::String),
            );
        }
        let mut lost = Vec::new();
        for (key, value) in self.rule["annotations"].entries() {
            let text = value.as_str().unwrap_or_default().trim();
            let spoken = ["summary", "description"].contains(&key.as_str());
            let per = table.get("per").cloned().unwrap_or_default();
            let per: Vec<&str> = per.texts().collect();
            let address = text.starts_with("http://") || text.starts_with("https://");
            match (key.as_str(), spoken_text(text, &per)) {
                (_, None) => lost.push(key.clone()),
                (_, Some(text)) if spoken => drop(table.insert(key.clone(), json!(text))),
                ("runbook_url", Some(url)) if address && !url.contains('{') => {
                    drop(table.insert(key.clone(), json!(url)));
                }
                (_, Some(text)) => {
                    let more = table.entry("annotations").or_insert(json!({}));
                    more[key.as_str()] = json!(text);
                }
            }
        }
        Recognised {
            name: name.to_string(),
            kind,
            says: toml(&Value::Object(table)).unwrap_or_default(),
            covers,
            steadier,
            reads: self.reads.iter().map(|(name, _)| name.clone()).collect(),
            flag: None,
            assumed: self.assumed,
            below_zero: self.said.zero && self.reads.iter().any(|(name, _)| name != "up"),
            lost,
        }
    }
}

/// Labels that the targets of all of some services are given; an alert cannot be told apart by what a part of them lacks.
fn given_to_targets(services: &[String], catalog: &Catalog) -> Vec<String> {
    let own = services.iter().filter_map(|name| catalog.service(name));
    let own: Vec<&Service> = own.collect();
    let Some(first) = own.first() else {
        return Vec::new();
    };
    let all = first.target_labels.keys();
    let all = all.filter(|label| {
        let mut others = own.iter();
        *label != "instance"
            && !OF_SERVICES.contains(&label.as_str())
            && others.all(|one| one.target_labels.contains_key(*label))
    });
    all.cloned().collect()
}

/// An annotation as a text of the catalog; None: it says something that a catalog's does not.
fn spoken_text(text: &str, per: &[&str]) -> Option<String> {
    let mut said = String::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once("{{") {
        let (inside, after) = after.split_once("}}")?;
        let inside: String = inside.split_whitespace().collect();
        said += before;
        said += &match inside.strip_prefix("$labels.") {
            Some("job" | "service") => "{service}".to_string(),
            Some(label) if per.contains(&label) => format!("{{label:{label}}}"),
            None if inside == "$value" || inside.starts_with("$value|") => "{value}".to_string(),
            _ => return None,
        };
        rest = after;
    }
    said += rest;
    let mut plain = said.replace("{service}", "").replace("{value}", "");
    for label in per {
        plain = plain.replace(&format!("{{label:{label}}}"), "");
    }
    (!plain.contains(['{', '}', '$', '\n'])).then_some(said)
}

/// A number as people write it.
fn whole(number: f64) -> Value {
    match number.fract() == 0.0 && number.abs() < 1e15 {
        true => json!(number as i64),
        false => json!(number),
    }
}

fn with(table: &Map, key: &str, value: Value) -> Map {
    let mut table = table.clone();
    table.insert(key.to_string(), value);
    table
}

/// The labels of a metric of the services beside those of targets. None: nobody is known to expose it.
fn exposed(catalog: &Catalog, name: &str) -> Option<Vec<String>> {
    if name == "up" {
        return Some(Vec::new());
    }
    let profiles = catalog.services.iter().flat_map(|service| {
        let more = service.profiles.iter().map(String::as_str);
        std::iter::once(service.runtime.as_str()).chain(more)
    });
    let ends = ["_bucket", "_sum", "_count"];
    let stem = ends.iter().find_map(|end| name.strip_suffix(end));
    profiles
        .filter_map(|profile| catalog.profiles.get(profile))
        .find_map(|profile| {
            let known = profile.metrics.get(name);
            known.or_else(|| profile.metrics.get(stem?))
        })
        .map(|exposed| exposed.labels.keys().cloned().collect())
        .or_else(|| {
            let mut declared = catalog.declared();
            let declared = declared.find(|one| one.name == name || Some(&*one.name) == stem)?;
            Some(declared.labels.keys().cloned().collect())
        })
}

/// Whether a profile lists a metric, or the histogram that it is a part of.
pub(super) fn lists(profile: &Profile, name: &str) -> bool {
    let ends = ["_bucket", "_sum", "_count"];
    let stem = ends.iter().find_map(|end| name.strip_suffix(end));
    let mut names = std::iter::once(name).chain(stem);
    names.any(|name| profile.metrics.contains_key(name))
}

/// Whether a service exposes a metric; None: nobody says what it runs on.
pub(super) fn service_exposes(catalog: &Catalog, service: &Service, name: &str) -> Option<bool> {
    let more = service.profiles.iter().map(String::as_str);
    let mut profiles = std::iter::once(service.runtime.as_str()).chain(more);
    let listed = profiles.any(|profile| {
        let profile = catalog.profiles.get(profile);
        profile.is_some_and(|profile| lists(profile, name))
    });
    let ends = ["", "_bucket", "_sum", "_count"];
    let mut declared = catalog.declared().filter(|metric| {
        let end = name.strip_prefix(&*metric.name);
        end.is_some_and(|end| ends.contains(&end))
    });
    let of_service = declared.any(|metric| metric.services.contains(&service.name));
    match listed || of_service {
        true => Some(true),
        false => (service.runtime != UNKNOWN || !service.profiles.is_empty()).then_some(false),
    }
}

/// The histogram or summary that a metric is a part of.
fn whole_of<'a>(catalog: &Catalog, name: &'a str) -> Option<&'a str> {
    let ends = ["_bucket", "_sum", "_count"];
    let stem = ends.iter().find_map(|end| name.strip_suffix(end))?;
    (!is_declared(catalog, name) && (name.ends_with("_bucket") || is_declared(catalog, stem)))
        .then_some(stem)
}

/// What a metric that the catalog declares is.
fn declared_type(catalog: &Catalog, name: &str) -> Option<String> {
    let stem = whole_of(catalog, name).unwrap_or(name);
    let mut declared = catalog.declared();
    let metric = declared.find(|metric| metric.name == name || metric.name == stem)?;
    Some(metric.r#type.clone())
}

/// Whether a metric of the services is called so as a whole.
fn is_declared(catalog: &Catalog, name: &str) -> bool {
    let mut profiles = catalog.services.iter().flat_map(|service| {
        let more = service.profiles.iter().map(String::as_str);
        std::iter::once(service.runtime.as_str()).chain(more)
    });
    let of_profile = profiles.any(|profile| {
        let profile = catalog.profiles.get(profile);
        profile.is_some_and(|profile| profile.metrics.contains_key(name))
    });
    of_profile || catalog.declared().any(|metric| metric.name == name)
}

/// Why nobody is known to expose a metric.
fn unexposed(catalog: &Catalog, name: &str, beside: &[Beside]) -> Why {
    if name.contains(':') {
        return why("it reads what other rules record");
    }
    let lists = |profile: &str| {
        let profile = catalog.profiles.get(profile);
        profile.is_some_and(|profile| profile.metrics.contains_key(name))
    };
    match beside
        .iter()
        .find(|(_, profile)| profile.is_some_and(lists))
    {
        Some((job, _)) => (
            "what it reads is exposed by a job in [extra]".into(),
            Some(job.to_string()),
        ),
        None => (
            "no profile of a service lists what it reads".into(),
            Some(name.to_string()),
        ),
    }
}

/// Whether all series of a metric are of services of the catalog: no job beside them exposes it, nor may a service of which
/// nobody says what it runs on. Some(false): a program is known for it, and a job beside it is not known at all. None: no.
fn sees_all(catalog: &Catalog, name: &str, beside: &[Beside]) -> Option<bool> {
    let lists = |profile: &str| {
        let profile = catalog.profiles.get(profile);
        profile.is_some_and(|profile| profile.metrics.contains_key(name))
    };
    let of_program = catalog.services.iter().any(|service| {
        let mut profiles = service.profiles.iter();
        profiles.any(|profile| lists(profile))
    });
    let known = || {
        let mut services = catalog.services.iter();
        services.all(|service| service.runtime != UNKNOWN)
    };
    if name == "up" {
        return beside.is_empty().then_some(true);
    }
    if beside.iter().any(|(_, profile)| profile.is_some_and(lists)) || !of_program && !known() {
        return None;
    }
    match beside.iter().all(|(_, profile)| profile.is_some()) {
        true => Some(true),
        false => of_program.then_some(false),
    }
}

/// The numbers, windows and labels of an expression.
#[derive(Default)]
struct Said {
    numbers: Vec<f64>,
    /// What is compared with a number: whether it must be above, whether it may be equal, and that number.
    compared: Vec<(bool, bool, f64)>,
    durations: Vec<String>,
    by: BTreeSet<String>,
    /// Whether something is compared with 0 itself.
    zero: bool,
    /// Whether something is aggregated of which the services are then not told apart.
    over_jobs: bool,
}

impl Said {
    /// What a key of a threshold may be for what is compared here: the number, as a part of a hundred, or what is left of 1.
    fn levels(&self, name: &str, key: &Value) -> Vec<f64> {
        let above = key["side"].as_str().unwrap_or(name) == "above";
        let includes = key["includes"] == true;
        let mut found = Vec::new();
        for (side, equal, number) in &self.compared {
            if *equal != includes {
                continue;
            }
            let parts = [*number, number / 100.0];
            match *side == above {
                true => found.extend(parts),
                false => found.extend(parts.map(|part| 1.0 - part)),
            }
        }
        if key["ref"] == "time" {
            found.extend(&self.numbers);
        }
        // As somebody would write it: 1 - 0.9 is not 0.09999999999999998.
        let mut found: Vec<f64> = found
            .into_iter()
            .map(|value| (value * 1e12).round() / 1e12)
            .collect();
        let mut known = Vec::new();
        found.retain(|value| {
            let new = !known.contains(value);
            known.push(*value);
            new
        });
        found
    }

    fn visit(&mut self, expr: &Expr) {
        if let Some(value) = number(expr) {
            if !self.numbers.contains(&value) {
                self.numbers.push(value);
            }
            return;
        }
        let mut lasting = |duration: std::time::Duration| {
            let millis = u64::try_from(duration.as_millis()).unwrap_or(u64::MAX);
            let text = crate::catalog::Duration(millis).to_string();
            if !self.durations.contains(&text) {
                self.durations.push(text);
            }
        };
        match expr {
            Expr::MatrixSelector(matrix) => lasting(matrix.range),
            Expr::Subquery(subquery) => lasting(subquery.range),
            Expr::Aggregate(AggregateExpr { modifier, .. }) => {
                let by = match modifier {
                    Some(LabelModifier::Include(labels)) => labels.labels.as_slice(),
                    _ => &[],
                };
                let kept = match modifier {
                    Some(LabelModifier::Exclude(labels)) => {
                        !labels.labels.iter().any(|label| label == "job")
                    }
                    _ => by.iter().any(|label| label == "job"),
                };
                self.over_jobs |= !kept;
                self.by.extend(by.iter().cloned());
            }
            Expr::Binary(binary) => {
                self.zero |= is_zero(binary);
                self.compared.extend(compared(binary));
            }
            _ => {}
        }
        for child in children(expr) {
            self.visit(child);
        }
    }
}

/// Whether what a comparison compares with a number must be above it, whether it may be equal, and the number.
fn compared(binary: &BinaryExpr) -> Option<(bool, bool, f64)> {
    let (limit, turned) = match (number(&binary.lhs), number(&binary.rhs)) {
        (None, Some(limit)) => (limit, false),
        (Some(limit), None) => (limit, true),
        _ => return None,
    };
    let (above, equal) = match binary.op.id() {
        T_GTR => (true, false),
        T_GTE => (true, true),
        T_LSS => (false, false),
        T_LTE => (false, true),
        _ if is_zero(binary) => return Some((false, true, limit)),
        _ => return None,
    };
    Some((above != turned, equal, limit))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_annotation_is_a_text_of_the_catalog_where_it_says_no_more_than_one_can() {
        for (text, wanted) in [
            ("{{ $labels.job }} is down", Some("{service} is down")),
            ("at {{ $value | humanize }}", Some("at {value}")),
            (
                "{{ $labels.instance }} is down",
                Some("{label:instance} is down"),
            ),
            ("{{ $labels.pod }} is down", None),
            ("costs $5", None),
        ] {
            assert_eq!(
                spoken_text(text, &["instance"]).as_deref(),
                wanted,
                "{text}"
            );
        }
    }
}
