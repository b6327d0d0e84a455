//! The rules that a server evaluates, held against those that were rendered.

use crate::catalog::{Catalog, Duration};
use crate::promql::canonical::{one_line, same};
use crate::promql::narrowed;
use crate::promql::parse;
use crate::promql::walk::selectors;
use crate::stack::files::Files;
use crate::value::Value;
use std::collections::{BTreeMap, HashMap, HashSet};

/// A rule of a rendered file, or of a server.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Rule {
    /// Of the alert or of the recorded series, with a recording rule's labels.
    pub name: String,
    /// As PromQL's own printer has it.
    pub expression: String,
    /// An alert's `for`, in seconds.
    pub hold: f64,
    /// An alert's `keep_firing_for`, in seconds; None: a server that does not know it, and does not say it.
    pub kept: Option<f64>,
    pub labels: BTreeMap<String, String>,
    pub annotations: BTreeMap<String, String>,
    /// Whether it is an alert.
    pub alert: bool,
}

impl Rule {
    /// The metric that it records.
    fn series(&self) -> &str {
        self.name.split(' ').next().unwrap_or_default()
    }

    /// The metrics that it reads about a service; None: it says nothing about it.
    fn reads(&self, service: &str) -> Option<Vec<String>> {
        let Ok(expr) = parse(&self.expression) else {
            return Some(Vec::new());
        };
        let narrowed = narrowed::of(&expr, JOB, service)?;
        let read = selectors(&narrowed).into_iter();
        Some(read.filter_map(|series| series.name.clone()).collect())
    }
}

/// The label that says which service a series is about.
const JOB: &str = "job";

/// What the alerts of a service depend on.
pub(crate) struct Concern<'a> {
    catalog: &'a Catalog,
    service: &'a str,
    /// Metrics that those alerts read, and whatever records these.
    read: HashSet<String>,
}

impl<'a> Concern<'a> {
    pub(crate) fn of(rules: &[Rule], catalog: &'a Catalog, service: &'a str) -> Concern<'a> {
        let mut concern = Concern {
            catalog,
            service,
            read: HashSet::new(),
        };
        let alerts = rules.iter().filter(|rule| rule.alert && concern.has(rule));
        let mut left: Vec<&Rule> = alerts.collect();
        while let Some(rule) = left.pop() {
            for name in rule.reads(service).into_iter().flatten() {
                let own = |rule: &&Rule| !rule.alert && rule.series() == name && concern.may(rule);
                if !concern.read.contains(&name) {
                    left.extend(rules.iter().filter(own));
                }
                concern.read.insert(name);
            }
        }
        concern
    }

    /// Whether a recording rule's own labels leave it to the service.
    fn may(&self, rule: &Rule) -> bool {
        let job = rule.labels.get(JOB);
        job.is_none_or(|job| job == self.service)
    }

    /// Whether a rule has to do with the service.
    pub(crate) fn has(&self, rule: &Rule) -> bool {
        match (rule.alert, self.catalog.alert(&rule.name)) {
            (true, Some(alert)) => alert.covers_service(self.service),
            // Left over, or the user's own.
            (true, None) => rule.reads(self.service).is_some(),
            (false, _) => self.may(rule) && self.read.contains(rule.series()),
        }
    }

    /// In what two rules of one name differ for the service.
    pub(crate) fn difference(&self, rendered: &Rule, loaded: &Rule) -> Option<String> {
        let whole = rule_difference(rendered, loaded)?;
        let about = |rule| narrowed(rule, self.service);
        match (about(rendered), about(loaded)) {
            (Some(rendered), Some(loaded)) => rule_difference(&rendered, &loaded).map(|_| whole),
            _ => Some(whole),
        }
    }
}

/// A rule as far as it is about one service; None: its expression cannot be parsed.
fn narrowed(rule: &Rule, service: &str) -> Option<Rule> {
    let mut narrowed = rule.clone();
    let about = narrowed::of(&parse(&rule.expression).ok()?, JOB, service);
    narrowed.expression = String::new();
    let mut about = about.as_ref();
    // Where services differ in a label, the expression writes it and not the rule.
    while let Some((inside, label, value)) = about.and_then(narrowed::written) {
        let label = narrowed.labels.entry(label.to_string());
        label.or_insert_with(|| value.to_string());
        about = Some(inside);
    }
    if let Some(about) = about {
        narrowed.expression = about.to_string();
    }
    Some(narrowed)
}

fn texts(value: &Value) -> BTreeMap<String, String> {
    value
        .entries()
        .map(|(key, value)| (key.clone(), value.as_str().unwrap_or_default().to_string()))
        .collect()
}

/// The key of a rule: alerts have a name of their own, recorded series may have the same.
fn key(name: &str, labels: &BTreeMap<String, String>, alert: bool) -> String {
    if alert || labels.is_empty() {
        name.to_string()
    } else {
        format!(
            "{name} {}",
            labels.values().cloned().collect::<Vec<_>>().join(" ")
        )
    }
}

/// The rules of every rendered rule file that Prometheus must load.
pub(crate) fn rendered_rules(rendered: Files) -> Vec<Rule> {
    let Some(config) = rendered.prometheus().next() else {
        return Vec::new();
    };
    let files = rendered.named_rule_files(config);
    files
        .flat_map(|(_, files)| files)
        .flat_map(|file| file.rules())
        .map(|(_, rule)| {
            let alert = rule.get("alert").is_some();
            let name = rule["alert"]
                .as_str()
                .or(rule["record"].as_str())
                .unwrap_or_default();
            let labels = texts(&rule["labels"]);
            Rule {
                name: key(name, &labels, alert),
                expression: one_line(rule["expr"].as_str().unwrap_or_default()),
                hold: seconds(&rule["for"]),
                kept: Some(seconds(&rule["keep_firing_for"])),
                labels,
                annotations: texts(&rule["annotations"]),
                alert,
            }
        })
        .collect()
}

/// A duration as a rule has it; 0: it has none.
fn seconds(written: &Value) -> f64 {
    let written = written.as_str().and_then(Duration::parse);
    written.unwrap_or_default().seconds()
}

/// The same of a rule that Prometheus reports.
pub(crate) fn loaded_rule(rule: &Value) -> Rule {
    let alert = rule["type"] == "alerting";
    let labels = texts(&rule["labels"]);
    Rule {
        name: key(rule["name"].as_str().unwrap_or_default(), &labels, alert),
        expression: one_line(rule["query"].as_str().unwrap_or_default()),
        hold: rule["duration"].as_f64().unwrap_or_default(),
        kept: rule["keepFiringFor"].as_f64(),
        labels,
        annotations: texts(&rule["annotations"]),
        alert,
    }
}

/// Where among the loaded rules each rendered one is: of several with its name (a file of somebody else's may have one too) the one
/// that differs in nothing, else one that is left.
pub(crate) fn places(rendered: &[Rule], loaded: &[Rule]) -> Vec<Option<usize>> {
    let mut named: HashMap<&str, Vec<usize>> = HashMap::new();
    for (at, rule) in loaded.iter().enumerate() {
        named.entry(&rule.name).or_default().push(at);
    }
    let mut found = vec![None; rendered.len()];
    for exactly in [true, false] {
        for (rule, place) in rendered.iter().zip(&mut found) {
            let Some(left) = named.get_mut(rule.name.as_str()) else {
                continue;
            };
            let fits = |at: &usize| !exactly || rule_difference(rule, &loaded[*at]).is_none();
            if let (None, Some(at)) = (&place, left.iter().position(fits)) {
                *place = Some(left.remove(at));
            }
        }
    }
    found
}

/// In what two rules of one name differ.
pub(crate) fn rule_difference(rendered: &Rule, loaded: &Rule) -> Option<String> {
    if !same(&rendered.expression, &loaded.expression) {
        return Some(format!(
            "its expression is `{}`, rendered is `{}`",
            loaded.expression, rendered.expression
        ));
    }
    if (rendered.hold - loaded.hold).abs() > 1e-6 {
        return Some(format!(
            "its `for` is {}s, rendered is {}s",
            loaded.hold, rendered.hold
        ));
    }
    if let (Some(wanted), Some(there)) = (rendered.kept, loaded.kept)
        && wanted != there
    {
        return Some(format!(
            "its `keep_firing_for` is {there}s, rendered is {wanted}s"
        ));
    }
    let parts = [
        ("label", &rendered.labels, &loaded.labels),
        ("annotation", &rendered.annotations, &loaded.annotations),
    ];
    parts.into_iter().find_map(|(what, wanted, there)| {
        let mut keys = wanted.keys().chain(there.keys());
        let key = keys.find(|key| wanted.get(*key) != there.get(*key))?;
        let said = |all: &BTreeMap<String, String>| {
            all.get(key)
                .map_or("none".into(), |value| format!("{value:?}"))
        };
        Some(format!(
            "its {what} {key} is {}, rendered is {}",
            said(there),
            said(wanted)
        ))
    })
}

/// Groups of rendered rules that a server evaluates at another interval, or lets give fewer results: each with its own and with what is rendered.
pub(crate) fn paces(rendered: Files, groups: &[Value]) -> Vec<String> {
    let Some(config) = rendered.prometheus().next() else {
        return Vec::new();
    };
    let global = config.value["global"]["evaluation_interval"].as_str();
    let global = global.and_then(Duration::parse).unwrap_or(Duration(60_000));
    let name = |path: &str| path.rsplit('/').next().unwrap_or_default().to_string();
    let files = rendered.named_rule_files(config);
    let files = files.flat_map(|(_, files)| files);
    let of_files = files.flat_map(|file| {
        let all = file.value["groups"].items();
        all.map(move |group| (name(&file.path), group))
    });
    let differing = of_files.filter_map(|(file, group)| {
        let wanted = group["interval"].as_str().and_then(Duration::parse);
        let wanted = wanted.unwrap_or(global);
        let there = groups.iter().find(|there| {
            there["name"] == group["name"]
                && name(there["file"].as_str().unwrap_or_default()) == file
        })?;
        let limit = |group: &Value| group["limit"].as_u64().unwrap_or(0);
        let most = |limit: u64| match limit {
            0 => "as many as there are".to_string(),
            some => some.to_string(),
        };
        let (least, rendered) = (limit(there), limit(group));
        let there = Duration((there["interval"].as_f64()? * 1000.0) as u64);
        let name = group["name"].as_str().unwrap_or_default();
        if there != wanted {
            return Some(format!(
                "the group {name} is evaluated every {there}, rendered is {wanted}"
            ));
        }
        (least != rendered).then(|| {
            let (least, rendered) = (most(least), most(rendered));
            format!("a rule of the group {name} may give {least} results (`limit`), rendered is {rendered}")
        })
    });
    differing.collect()
}
