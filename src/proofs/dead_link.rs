//! Links between dashboards, alerts and the runbook lead somewhere, and what they carry along is there.

use super::{Check, Example, Proof, place};
use crate::artifacts::RULES;
use crate::contract::domain::Domain;
use crate::contract::series::SeriesSet;
use crate::diagnostic::{Diagnostic, suggestion};
use crate::promql::variables::variables as written_variables;
use crate::render::File;
use crate::stack::Stack;
use crate::stack::dashboards::panels;
use crate::stack::document::walk;
use crate::stack::expressions::{Expression, Usage};
use crate::stack::grafana::filled::left_as_written;
use crate::stack::variables::listed_label;
use crate::value::Value;
use std::cell::LazyCell;
use std::collections::{BTreeSet, HashMap, HashSet};

pub(crate) const PROOF: Proof = Proof {
    code: "dead-link",
    doc: "A link to a dashboard or a section that does not exist is noticed at three in the morning, by whoever follows it.",
    example: Example::Rendered {
        role: RULES,
        pointer: "/groups/*/rules/*/annotations/runbook_url",
        bad: r#""docs/RUNBOOK.md#down""#,
    },
    check: Check::Stack(|stack| {
        let dashboards = dashboards(stack);
        let sections: HashSet<String> = stack
            .files
            .documents()
            .flat_map(|file| file.text.lines())
            .filter_map(anchor)
            .collect();
        let mut found = Vec::new();
        for file in stack.files.dashboards().chain(stack.files.rule_files()) {
            let mut seen = HashSet::new();
            walk(&file.value, &mut |pointer, key, value| {
                let Some(text) = value.as_str() else { return };
                let known =
                    Some(stack.catalog.platform.runbook_url.as_str()).filter(|url| !url.is_empty());
                let section = known
                    .and_then(|url| text.strip_prefix(url))
                    .and_then(|rest| rest.strip_prefix('#'));
                let wrong = match section {
                    // From a notification or from Grafana, a path is relative to the Alertmanager or to Grafana.
                    None if key == "runbook_url" && !text.starts_with("http") => {
                        Some(format!("`{text}` leads nowhere from a notification"))
                    }
                    Some(section) if !section.contains('$') && !sections.contains(section) => {
                        Some(format!("the runbook has no section `#{section}`"))
                    }
                    _ => dashboard(text, &dashboards, &stack.catalog.grafana.external_url),
                };
                found.extend(
                    wrong
                        .filter(|wrong| seen.insert(wrong.clone()))
                        .map(|wrong| {
                            place::at(
                                &file.path,
                                pointer.to_string(),
                                wrong,
                                "link to what is rendered",
                            )
                        }),
                );
            });
        }
        for file in stack.files.dashboards() {
            found.extend(of_dashboard(stack, file));
        }
        for expression in stack.used(Usage::Alert) {
            found.extend(of_alert(stack, expression, &sections));
        }
        found
    }),
};

/// Links of an alert that lead to what is there, and is not its own: another alert's section, a dashboard of another thing.
fn of_alert(stack: &Stack, alert: &Expression, sections: &HashSet<String>) -> Vec<Diagnostic> {
    let mut found = Vec::new();
    let rule = alert.pointer.trim_end_matches("/expr");
    let name = alert.owner["alert"].as_str().unwrap_or_default();
    let own = anchor(&format!("## {name}")).unwrap_or_default();
    let series = alert.series(&stack.contract);
    for (key, text) in alert.owner["annotations"].entries() {
        let text = text.as_str().unwrap_or_default();
        let at = format!("{rule}/annotations/{key}");
        let mut wrong = |message: String, help: &str| {
            found.push(place::at(alert.path, &at, message, help));
        };
        let runbook = &stack.catalog.platform.runbook_url;
        let section = text
            .strip_prefix(runbook.as_str())
            .filter(|_| !runbook.is_empty())
            .and_then(|rest| rest.strip_prefix('#'));
        if let Some(section) = section
            && section != own
            && sections.contains(&own)
            && sections.contains(section)
        {
            wrong(
                format!(
                    "`{name}` leads to the section `#{section}` of the runbook, and has one of its own"
                ),
                "link to its own section",
            );
        }
        for (variable, value) in parts(text) {
            if let Some(message) = always(stack, variable, value, series) {
                wrong(message, "pass the label on: `{{ $labels.job }}`");
            }
            let label = value.split("$labels.").nth(1).map(|rest| {
                let end = rest.find(|c: char| !c.is_alphanumeric() && c != '_');
                &rest[..end.unwrap_or(rest.len())]
            });
            let message = label.and_then(|label| refused(stack, text, variable, label, series));
            if let Some(message) = message {
                wrong(message, "pass the label that the variable lists");
            }
        }
    }
    found
}

/// What Grafana itself fills in, in any link.
const EVERYWHERE: [&str; 14] = [
    "__url_time_range",
    "__all_variables",
    "__from",
    "__to",
    "__interval",
    "__interval_ms",
    "__range",
    "__range_s",
    "__range_ms",
    "__rate_interval",
    "__dashboard",
    "__org",
    "__user",
    "timeFilter",
];

/// And in a link of a value.
const OF_VALUES: [&str; 5] = ["__value", "__field", "__data", "__series", "__name"];

/// What is wrong with the links that a dashboard shows.
fn of_dashboard(stack: &Stack, file: &File) -> Vec<Diagnostic> {
    let known = variables(file);
    let mut found = Vec::new();
    let mut seen = HashSet::new();
    let mut judge = |pointer: &str, link: &Value, panel: Option<&str>| {
        let url = link["url"].as_str().unwrap_or_default();
        let at = match link.get("url") {
            Some(_) => format!("{pointer}/url"),
            None => pointer.to_string(),
        };
        let wrong =
            |message: String, help: String| place::at(&file.path, at.clone(), message, help);
        if url.trim().is_empty() {
            let title = link["title"].as_str().unwrap_or_default();
            let message = format!("the link `{title}` leads nowhere");
            found.push(wrong(message, "write its url".to_string()));
            return;
        }
        if let Some((server, there)) = elsewhere(stack, link["title"].as_str(), url) {
            let message = format!("the link `{server}` leads to {url}, where it is not");
            found.push(wrong(message, format!("lead to {there}")));
            return;
        }
        if let Some((written, help)) = left_as_written(url) {
            let message = format!("the link holds `{written}`, for which Grafana fills in nothing");
            found.push(wrong(message, help));
            return;
        }
        let shown = LazyCell::new(|| {
            let queries = stack.queries(&file.path, panel?);
            let series = |one: &&Expression| one.series(&stack.contract).to_vec();
            (!queries.is_empty()).then(|| queries.iter().flat_map(series).collect::<Vec<_>>())
        });
        for (name, written) in written_variables(url) {
            let first = name.split('.').next().unwrap_or_default();
            let inside = written.trim_start_matches("${").trim_end_matches('}');
            let of_values = OF_VALUES.contains(&first);
            // `$__all` is what the choice of everything is called in an address.
            if inside.trim_start_matches('$') == "__all" {
                continue;
            }
            if known.contains(name) || EVERYWHERE.contains(&first) || (of_values && panel.is_some())
            {
                let label = inside
                    .strip_prefix("__field.labels.")
                    .map(|label| label.split(':').next().unwrap_or_default());
                if let Some(label) = label
                    && let Some(series) = shown.as_ref().filter(|all| !all.is_empty())
                    && !series.iter().any(|series| series.has(label))
                {
                    let names: BTreeSet<&str> =
                        series.iter().flat_map(|series| series.names()).collect();
                    found.push(wrong(
                        format!("the series have no label `{label}` for the link"),
                        suggestion(label, names.iter().copied()),
                    ));
                }
                continue;
            }
            if seen.insert(format!("{pointer} {written}")) {
                let all = known.iter().copied().chain(EVERYWHERE);
                found.push(wrong(
                    match of_values {
                        true => format!(
                            "`{written}` is of a value, and this link is of the whole panel"
                        ),
                        false => format!("the link names `{written}`, which is not defined"),
                    },
                    match of_values {
                        true => "put the link among those of fields".to_string(),
                        false => suggestion(name, all.collect::<Vec<_>>().iter().copied()),
                    },
                ));
            }
        }
        let series = shown.as_ref();
        let constant = series.and_then(|series| {
            parts(url).find_map(|(name, value)| always(stack, name, value, series))
        });
        if let Some(message) = constant {
            found.push(wrong(
                message,
                "pass the label on, as in `var-job=${__field.labels.job}`".to_string(),
            ));
        }
        if let Some(message) = series.and_then(|series| lacking(stack, url, series)) {
            found.push(wrong(
                message,
                "pass the label on, as in `var-job=${__field.labels.job}`".to_string(),
            ));
        }
        if let Some(message) = series.and_then(|series| passed(stack, url, series)) {
            found.push(wrong(
                message,
                "pass the label that the variable lists".to_string(),
            ));
        }
    };
    for (index, link) in file.value["links"].items().enumerate() {
        if link["type"] != "dashboards" {
            judge(&format!("/links/{index}"), link, None);
        }
    }
    for (pointer, panel) in panels(&file.value) {
        for (index, link) in panel["links"].items().enumerate() {
            if link["type"] != "dashboards" {
                judge(&format!("{pointer}/links/{index}"), link, None);
            }
        }
        let defaults = format!("{pointer}/fieldConfig/defaults/links");
        for (index, link) in panel["fieldConfig"]["defaults"]["links"]
            .items()
            .enumerate()
        {
            judge(&format!("{defaults}/{index}"), link, Some(&pointer));
        }
        for (index, change) in panel["fieldConfig"]["overrides"].items().enumerate() {
            for (number, property) in change["properties"].items().enumerate() {
                let at =
                    format!("{pointer}/fieldConfig/overrides/{index}/properties/{number}/value");
                let links = property["value"]
                    .items()
                    .filter(|_| property["id"] == "links");
                for (link, value) in links.enumerate() {
                    judge(&format!("{at}/{link}"), value, Some(&pointer));
                }
            }
        }
    }
    // A list of dashboards by their tags.
    for (index, link) in file.value["links"].items().enumerate() {
        let tags: Vec<&str> = link["tags"].texts().collect();
        let carries = |other: &File| {
            let own: HashSet<&str> = other.value["tags"].texts().collect();
            tags.iter().all(|tag| own.contains(tag))
        };
        if link["type"] == "dashboards" && !stack.files.dashboards().any(carries) {
            found.push(place::at(
                &file.path,
                format!("/links/{index}/tags"),
                format!("no dashboard has the tags {}", tags.join(", ")),
                "list a tag that the dashboards have",
            ));
        }
    }
    found
}

/// A variable that the dashboard at the end of a link needs to show the same service, and that the link does not pass on: it
/// opens with the one that it starts with.
fn lacking(stack: &Stack, url: &str, series: &[SeriesSet]) -> Option<String> {
    let target = target(stack, url)?;
    if url.contains("__all_variables") {
        return None;
    }
    let set: HashSet<&str> = parts(url).map(|(name, _)| name).collect();
    let list = target.value["templating"]["list"].items();
    let mut one = list.filter(|variable| {
        let current = &variable["current"]["value"];
        let chosen: Vec<&str> = current
            .as_str()
            .into_iter()
            .chain(current.texts())
            .collect();
        variable["type"] == "query"
            && chosen.len() == 1
            && chosen[0] != "$__all"
            && !chosen[0].contains('$')
    });
    one.find_map(|variable| {
        let (name, label) = (variable["name"].as_str()?, listed_label(variable)?);
        let told = series.iter().any(|series| series.has(label)) && !set.contains(name);
        told.then(|| format!("the link does not say which `{name}`: it always opens that of the dashboard's start"))
    })
}

/// The dashboard at the end of a link.
pub(super) fn target<'s>(stack: &Stack<'s>, url: &str) -> Option<&'s File> {
    let path = url.split('?').next()?.split_once("/d/")?.1;
    let uid = path.split('/').next()?;
    stack
        .files
        .dashboards()
        .find(|file| file.value["uid"] == uid)
}

/// A link that leads to one service, from what is of several.
fn always(stack: &Stack, variable: &str, value: &str, series: &[SeriesSet]) -> Option<String> {
    let service = stack.catalog.service(value)?;
    let targets = &stack.contract.targets.list;
    let mut others = series
        .iter()
        .filter(|series| series.has("job"))
        .flat_map(|series| {
            let jobs = series
                .targets
                .ones()
                .map(|index| targets[index].labels.get("job"));
            jobs.flatten()
        });
    let other = others.find(|job| **job != service.name)?;
    Some(format!(
        "the link always opens `{}` as `{variable}`, also from what is of `{other}`",
        service.name
    ))
}

/// A label that a link passes on as a variable which can have none of its values.
fn passed(stack: &Stack, url: &str, series: &[SeriesSet]) -> Option<String> {
    let mut parts = parts(url);
    parts.find_map(|(name, value)| {
        let label = value
            .strip_prefix("${__field.labels.")?
            .strip_suffix('}')?
            .split(':')
            .next()?;
        refused(stack, url, name, label, series)
    })
}

/// The variables that a link sets, and to what.
pub(super) fn parts(url: &str) -> impl Iterator<Item = (&str, &str)> {
    let query = url.split_once('?').map_or("", |(_, query)| query);
    query
        .split('&')
        .filter_map(|part| part.strip_prefix("var-")?.split_once('='))
}

/// Why the values of a label can be none of a variable's of the dashboard that a link leads to.
pub(super) fn refused(
    stack: &Stack,
    url: &str,
    name: &str,
    label: &str,
    series: &[SeriesSet],
) -> Option<String> {
    let listed = listed(stack, url, name)?;
    let targets = &stack.contract.targets;
    let mut offered = targets.values(listed).peekable();
    offered.peek()?;
    let own = series.iter().filter(|series| series.has(label));
    let own = stack.contract.shared_domains(own, label);
    own.first()?;
    let fits = own.iter().any(|values| match &**values {
        Domain::Values(values) => values.iter().any(|value| targets.offers(listed, value)),
        Domain::Pattern(_) => offered.clone().any(|one| values.holds(one)),
    });
    (!fits).then(|| format!("`{label}` is passed on as `{name}`, which never has such a value"))
}

/// The label whose values a variable lists, of the dashboard that a link leads to; None: it lists something else.
pub(super) fn listed<'s>(stack: &Stack<'s>, url: &str, name: &str) -> Option<&'s str> {
    let mut list = target(stack, url)?.value["templating"]["list"].items();
    listed_label(list.find(|variable| variable["name"] == name)?)
}

/// What is wrong with a link to a dashboard; None for every other text.
pub(super) fn dashboard(
    text: &str,
    dashboards: &HashMap<&str, HashSet<&str>>,
    grafana: &str,
) -> Option<String> {
    let grafana = grafana.trim_end_matches('/');
    let (before, rest) = text.split_once("/d/")?;
    if !before.is_empty() && before != grafana {
        // Elsewhere may be another Grafana with the same dashboards; at another port of its host there is none.
        let here = host(before).is_some() && host(before) == host(grafana);
        let uid = rest.split(['/', '?']).next().unwrap_or_default();
        return (here && dashboards.contains_key(uid))
            .then(|| format!("Grafana is opened at {grafana}, and not at {before}"));
    }
    let (path, query) = rest.split_once('?').unwrap_or((rest, ""));
    let uid = path.split('/').next().unwrap_or_default();
    let Some(variables) = dashboards.get(uid) else {
        return Some(format!("there is no dashboard `{uid}`"));
    };
    let set = query
        .split('&')
        .filter_map(|part| part.strip_prefix("var-")?.split('=').next());
    set.into_iter()
        .find(|name| !variables.contains(name))
        .map(|name| format!("the dashboard `{uid}` has no variable `{name}`"))
}

/// A link that is called by the name of a server of the stack, and leads to another port of its host: the server, and where it is.
fn elsewhere<'s>(
    stack: &'s Stack,
    title: Option<&str>,
    url: &str,
) -> Option<(&'static str, &'s str)> {
    let catalog = stack.catalog;
    let servers = [
        ("Prometheus", &catalog.prometheus.external_url),
        ("Alertmanager", &catalog.alertmanager.external_url),
        ("Grafana", &catalog.grafana.external_url),
    ];
    let mut servers = servers.into_iter();
    let (server, there) = servers.find(|(name, _)| title == Some(*name))?;
    let place = |url: &'_ str| {
        let (_, rest) = url.split_once("://")?;
        Some(rest.split('/').next()?.to_string())
    };
    let other = host(url).is_some() && host(url) == host(there) && place(url) != place(there);
    other.then_some((server, there.as_str()))
}

/// The host of an address.
fn host(url: &str) -> Option<&str> {
    let (_, rest) = url.split_once("://")?;
    rest.split([':', '/']).next()
}

/// The variables of every dashboard, by its uid.
pub(super) fn dashboards<'s>(stack: &Stack<'s>) -> HashMap<&'s str, HashSet<&'s str>> {
    let uid = |file: &'s File| file.value["uid"].as_str().unwrap_or_default();
    let files = stack.files.dashboards();
    files.map(|file| (uid(file), variables(file))).collect()
}

fn variables(file: &File) -> HashSet<&str> {
    file.value["templating"]["list"]
        .items()
        .filter_map(|variable| variable["name"].as_str())
        .collect()
}

/// The anchor of a heading, as GitHub and GitLab make it.
pub(super) fn anchor(line: &str) -> Option<String> {
    let title = line
        .strip_prefix('#')?
        .trim_start_matches('#')
        .strip_prefix(' ')?;
    let kept = title
        .trim()
        .chars()
        .filter(|c| c.is_alphanumeric() || matches!(c, ' ' | '-' | '_'));
    Some(
        kept.map(|c| if c == ' ' { '-' } else { c })
            .collect::<String>()
            .to_lowercase(),
    )
}
