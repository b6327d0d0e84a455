//! The rules that Prometheus evaluates.

use super::prometheus::{cannot_store, config_place, reload_help};
use super::{CheckContext, Checked, first};
use crate::diagnostic::{Diagnostic, Place, Severity, plural};
use crate::live::prometheus::{Running, time};
use crate::live::rules::{
    Concern, Rule, loaded_rule, paces, places, rendered_rules, rule_difference,
};
use crate::value::Value;
use std::collections::{BTreeMap, BTreeSet, HashSet};

/// Whether every rendered rule is loaded and evaluated.
pub(crate) fn checked(context: &CheckContext, running: &Running) -> Checked {
    about(context, running, None)
}

/// The same for one service: what is different for others only is a notice.
pub(crate) fn about(
    context: &CheckContext,
    running: &Running,
    concern: Option<&Concern>,
) -> Checked {
    let wanted = |rule: &Rule| concern.is_none_or(|concern| concern.has(rule));
    let loaded: Vec<Rule> = running.rules().map(loaded_rule).collect();
    let raw: Vec<&Value> = running.rules().collect();
    let rendered = rendered_rules(context.rendered);
    let known: HashSet<&str> = rendered.iter().map(|rule| rule.name.as_str()).collect();
    let (mut findings, mut fine) = (Vec::new(), 0);
    let (mut stale, mut of_others) = (Vec::new(), Vec::new());
    // With the same reason they are one finding.
    let mut fail: BTreeMap<&str, Vec<(&str, &Value)>> = BTreeMap::new();
    let places = places(&rendered, &loaded);
    for (rule, at) in rendered.iter().zip(&places) {
        let own = wanted(rule);
        match at {
            None if own => stale.push(format!("{} is not loaded", rule.name)),
            None => of_others.push(format!("{} is not loaded", rule.name)),
            Some(at) => {
                let at = *at;
                let whole = rule_difference(rule, &loaded[at]);
                let how = match concern.filter(|_| own) {
                    Some(concern) => concern.difference(rule, &loaded[at]),
                    None => whole.clone().filter(|_| own),
                };
                match (how, whole) {
                    (Some(how), _) => stale.push(format!("{}: {how}", rule.name)),
                    (None, Some(_)) => of_others.push(format!("{} is an older one", rule.name)),
                    (None, None) => {}
                }
                match raw[at]["health"].as_str().filter(|_| own) {
                    // Of all of them at once, and said where the server is asked.
                    Some("err") if cannot_store(raw[at]) => fine += usize::from(rule.alert),
                    Some("err") => {
                        let why = raw[at]["lastError"].as_str().unwrap_or_default();
                        let alike: &mut Vec<(&str, &Value)> = fail.entry(why).or_default();
                        alike.push((&rule.name, raw[at]));
                    }
                    _ => fine += usize::from(rule.alert),
                }
            }
        }
    }
    for alike in fail.values() {
        let (name, raw) = alike[0];
        let mut finding = failing(context, name, raw);
        if alike.len() > 1 {
            let names: Vec<String> = alike.iter().map(|(name, _)| name.to_string()).collect();
            finding.message = format!(
                "{} rules fail to evaluate, {}: {}",
                alike.len(),
                first(&names, 3),
                raw["lastError"].as_str().unwrap_or_default()
            );
        }
        findings.push(finding);
    }
    // Of a file of ours it is left over; of another file it is another's.
    let files = context.rendered.rule_files();
    let ours: HashSet<&str> = files
        .filter_map(|file| file.path.rsplit('/').next())
        .collect();
    let (mut foreign, mut failing_there) = (Vec::new(), Vec::new());
    for group in &running.groups {
        let file = group["file"].as_str().unwrap_or_default();
        let own = ours.contains(file.rsplit('/').next().unwrap_or_default());
        for rule in group["rules"].items().filter(|_| !own) {
            if rule["health"] == "err" && !cannot_store(rule) {
                failing_there.push(format!(
                    "{} of {file} ({})",
                    loaded_rule(rule).name,
                    rule["lastError"].as_str().unwrap_or_default()
                ));
            }
        }
        let alerts = group["rules"].items().map(loaded_rule);
        for rule in alerts.filter(|rule| rule.alert && !known.contains(rule.name.as_str())) {
            match own {
                true if wanted(&rule) => {
                    stale.push(format!("{} is loaded and no longer rendered", rule.name));
                }
                true => of_others.push(format!("{} is no longer rendered", rule.name)),
                false => foreign.push(format!("the alert {} of {file}", rule.name)),
            }
        }
    }
    if !failing_there.is_empty() {
        let message = format!(
            "rules that are not of this catalog fail to evaluate: {}",
            first(&failing_there, 3)
        );
        findings.push(
            Diagnostic::warning("rule-fails", config_place(context), message)
                .help("correct them in their own file: as long as they fail, an alert about failing rules fires for all of Prometheus"),
        );
    }
    let placed: HashSet<usize> = places.into_iter().flatten().collect();
    let doubled = loaded.iter().zip(&raw).enumerate();
    let doubled = doubled.filter(|(at, (rule, _))| !placed.contains(at) && wanted(rule));
    let doubled: Vec<(&Rule, &Value)> = doubled.map(|(_, (rule, raw))| (rule, *raw)).collect();
    findings.extend(twice(context, running, &rendered, &doubled));
    findings.extend(late(context, running, &ours));
    stale.extend(paces(context.rendered, &running.groups));
    stale.sort();
    let others = ", which do not concern this service";
    for (severity, differing, whom) in [
        (Severity::Error, &stale, ""),
        (Severity::Notice, &of_others, others),
    ] {
        if differing.is_empty() {
            continue;
        }
        let message = format!(
            "Prometheus evaluates other rules than were rendered{whom}: {}",
            first(differing, 3)
        );
        let finding = Diagnostic::error("rules-not-loaded", config_place(context), message)
            .help(reload_help(context, running));
        findings.push(Diagnostic {
            severity,
            ..finding
        });
    }
    findings.extend(super::prometheus::foreign(
        config_place(context),
        "Prometheus",
        &foreign,
    ));
    let alerts = rendered
        .iter()
        .filter(|rule| rule.alert && wanted(rule))
        .count();
    let alerts_now = running.rules().flat_map(|rule| rule["alerts"].items());
    let firing = alerts_now
        .filter(|alert| alert["state"] == "firing")
        .count();
    let note = format!(
        "alerts loaded; {} rules in all, {firing} firing",
        running.rules().count()
    );
    Checked::new("rules", format!("{fine}/{alerts}"), note, findings)
}

/// Rules under the name of a rendered one that are loaded beside it: a copy of it, or an older one, from another file.
fn twice(
    context: &CheckContext,
    running: &Running,
    rendered: &[Rule],
    doubled: &[(&Rule, &Value)],
) -> Vec<Diagnostic> {
    let mut copies: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    // What is active now comes first.
    let mut others: BTreeMap<&str, Vec<(bool, String)>> = BTreeMap::new();
    for (rule, raw) in doubled {
        let mut named = rendered
            .iter()
            .filter(|one| one.name == rule.name)
            .peekable();
        let Some(wanted) = named.peek().copied() else {
            continue;
        };
        let mut groups = running.groups.iter();
        let group = groups.find(|group| group["rules"].items().any(|one| std::ptr::eq(one, *raw)));
        let file = group.and_then(|group| group["file"].as_str());
        let file = file.unwrap_or_default();
        let how = rule_difference(wanted, rule);
        match how.filter(|_| named.all(|one| rule_difference(one, rule).is_some())) {
            None => copies.entry(file).or_default().push(&rule.name),
            Some(how) => {
                let now = raw["alerts"]
                    .items()
                    .filter_map(|one| one["labels"]["job"].as_str());
                let now: BTreeSet<&str> = now.collect();
                let now: Vec<String> = now.into_iter().map(str::to_string).collect();
                let quiet = now.is_empty();
                let now = match quiet {
                    true => String::new(),
                    false => format!(", and it is active now for {}", first(&now, 3)),
                };
                let said = format!("{} ({how}{now})", rule.name);
                others.entry(file).or_default().push((quiet, said));
            }
        }
    }
    let found = |message: String| {
        Diagnostic::warning("rules-twice", config_place(context), message)
            .help("take that file out of `rule_files` of the configuration that Prometheus runs where it is left over from before; where it is somebody else's, give what is in it names of its own")
    };
    let copies = copies.into_iter().map(|(file, names)| {
        let names: Vec<String> = names.into_iter().map(str::to_string).collect();
        let count = plural(names.len(), "rule");
        found(format!(
            "{file} has copies of {count} that {} rendered, evaluated beside them: {}",
            if names.len() == 1 { "is" } else { "are" },
            first(&names, 3)
        ))
    });
    let others = others.into_iter().map(|(file, mut said)| {
        said.sort_by_key(|(quiet, _)| *quiet);
        let said: Vec<String> = said.into_iter().map(|(_, said)| said).collect();
        found(format!(
            "{file} has rules under the names of rendered ones, evaluated beside them, and otherwise: {}",
            first(&said, 3)
        ))
    });
    others.chain(copies).collect()
}

/// How many of its intervals a group may be behind, before something is made of it.
const BEHIND: f64 = 3.0;

/// Groups of our files that take longer than their interval, or have not been evaluated for several of them.
fn late(context: &CheckContext, running: &Running, ours: &HashSet<&str>) -> Option<Diagnostic> {
    let now = running.now();
    let mut found = Vec::new();
    for group in &running.groups {
        let file = group["file"].as_str().unwrap_or_default();
        let interval = group["interval"].as_f64().unwrap_or(0.0);
        let took = group["evaluationTime"].as_f64().unwrap_or(0.0);
        let name = group["name"].as_str().unwrap_or_default();
        let last = group["lastEvaluation"].as_str().unwrap_or_default();
        let last = time(last);
        let ours = ours.contains(file.rsplit('/').next().unwrap_or_default());
        if !ours || interval <= 0.0 {
            continue;
        }
        // Just after its start Prometheus says the year 1.
        let since = last.filter(|last| last.timestamp() > 0);
        let since = since.map(|last| (now - last).num_milliseconds() as f64 / 1000.0);
        if took > interval {
            found.push(format!(
                "{name} takes {took:.1} s and is due every {interval} s"
            ));
        } else if let Some(since) = since.filter(|since| *since > BEHIND * interval + 5.0) {
            found.push(format!(
                "{name} was last evaluated {since:.0} s ago and is due every {interval} s"
            ));
        }
    }
    let message = format!("rules are not evaluated in time: {}", first(&found, 3));
    let help = "give Prometheus more CPU, or the group a longer interval: alerts of it fire late, or not at all";
    (!found.is_empty())
        .then(|| Diagnostic::error("rules-late", config_place(context), message).help(help))
}

/// What to do about an expression that is right and costs too much.
pub(super) const COSTLY: &str = "it costs more than Prometheus is allowed (`--query.timeout`, `--query.max-samples`): give it more CPU, or look for a metric with very many series";

/// Whether that is why an expression gives nothing, in Prometheus' words.
pub(super) fn too_costly(why: &str) -> bool {
    [
        "query timed out",
        "context deadline exceeded",
        "too many samples",
        "query was canceled",
    ]
    .iter()
    .any(|words| why.contains(words))
}

/// A rule that Prometheus cannot evaluate, by its name and as Prometheus reports it.
pub(crate) fn failing(context: &CheckContext, name: &str, raw: &Value) -> Diagnostic {
    let message = format!(
        "{name} fails to evaluate: {}",
        raw["lastError"].as_str().unwrap_or_default()
    );
    let own = context
        .catalog
        .alerts
        .iter()
        .any(|alert| alert.name == name);
    let place = if own {
        Place::Key(format!("/alerts/{name}"))
    } else {
        config_place(context)
    };
    let why = raw["lastError"].as_str().unwrap_or_default();
    let doubled = ["duplicate", "many-to-many", "multiple matches"];
    let help = match doubled.iter().any(|words| why.contains(words)) {
        true => {
            "two series where one is expected make it fail: look for a job that is scraped twice"
        }
        false if too_costly(why) => COSTLY,
        false if why.contains("exceeded limit") => {
            "its group has a `limit` in the file that Prometheus runs: raise it there, or take it out"
        }
        false => {
            "Prometheus' log has it too; until it is evaluated again nobody is told of what it is about"
        }
    };
    Diagnostic::error("rule-fails", place, message).help(help)
}
