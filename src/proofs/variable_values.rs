//! A dashboard's variables offer every service, as they are now, and what is chosen is what is asked for.

use super::{Check, Example, Proof, Usage, place};
use crate::artifacts::Role;
use crate::contract::domain::Domain;
use crate::contract::series::SeriesSet;
use crate::diagnostic::{Diagnostic, Severity, nearest, suggestion};
use crate::promql::engine::metric;
use crate::promql::variables::{Filling, fill, variables};
use crate::promql::walk::selectors;
use crate::render::File;
use crate::stack::Stack;
use crate::stack::dashboards::repeated;
use crate::stack::document::walk;
use crate::stack::expressions::Expression;
use crate::stack::grafana::shown::{built, script};
use crate::stack::variables::{listed_label, query};
use crate::value::Value;
use regex_automata::Input;
use regex_automata::meta::Regex;
use std::collections::{BTreeSet, HashMap, HashSet};

pub(crate) const PROOF: Proof = Proof {
    code: "variable-values",
    doc: "A service that the list does not offer is one that nobody looks at; a variable that never refreshes keeps the list of the day on which it was saved, and one without values leaves every panel empty.",
    example: Example::Rendered {
        role: Role::Dashboard,
        pointer: "/templating/list/type=query/query",
        bad: r#""label_values(up, jobs)""#,
    },
    check: Check::Stack(|stack| {
        let queries: HashMap<(&str, &str), &Expression> = stack
            .used(Usage::Panel)
            .filter(|expression| expression.pointer.starts_with("/templating/"))
            .map(|expression| ((expression.path, expression.pointer.as_str()), expression))
            .collect();
        let mut found = Vec::new();
        for file in stack.files.dashboards() {
            // What a list of the user's own is to offer, nobody says.
            if file.is_own() {
                found.extend(exact(stack, file));
                continue;
            }
            let mut names = HashSet::new();
            for (index, variable) in file.value["templating"]["list"].items().enumerate() {
                let one = Variable {
                    stack,
                    file,
                    variable,
                    pointer: format!("/templating/list/{index}"),
                };
                let name = variable["name"].as_str().unwrap_or_default();
                if !names.insert(name) {
                    found.push(one.wrong(
                        "name",
                        format!("two variables are named `{name}`"),
                        "give each a name of its own",
                    ));
                }
                found.extend(one.deaf());
                let query = one.query();
                let pointer = format!("{}/query", one.pointer);
                let read = queries
                    .get(&(file.path.as_str(), pointer.as_str()))
                    .copied();
                match variable["type"].as_str() {
                    Some("query") => found.extend(one.asked(query, read)),
                    Some("custom") => found.extend(one.listed(query)),
                    _ => {}
                }
            }
            found.extend(exact(stack, file));
            found.extend(idle(file));
            found.extend(circle(file));
        }
        found
    }),
};

/// One of a dashboard.
struct Variable<'a, 's> {
    stack: &'a Stack<'s>,
    file: &'a File,
    variable: &'a Value,
    pointer: String,
}

impl<'a> Variable<'a, '_> {
    /// A finding at a key that may not be written.
    fn wrong(&self, key: &str, message: String, help: impl Into<String>) -> Diagnostic {
        let key = if self.variable.get(key).is_some() {
            key
        } else {
            "name"
        };
        place::at(
            &self.file.path,
            format!("{}/{key}", self.pointer),
            message,
            help,
        )
    }

    /// A choice that a link makes, and the dashboard does not take over.
    fn deaf(&self) -> Option<Diagnostic> {
        let name = self.name();
        let said = format!("var-{name}=");
        let unheard = self.variable["skipUrlSync"] == true;
        let mut files = self.stack.files.all();
        (unheard && files.any(|file| file.text.contains(&said))).then(|| {
            self.wrong(
                "skipUrlSync",
                format!(
                    "links choose `{name}`, and the dashboard does not read that from its address"
                ),
                "take `skipUrlSync` away",
            )
        })
    }

    fn query(&self) -> &'a str {
        query(self.variable).unwrap_or_default()
    }

    fn name(&self) -> &'a str {
        self.variable["name"].as_str().unwrap_or_default()
    }

    /// A list that Prometheus is asked for.
    fn asked(&self, query: &str, read: Option<&Expression>) -> Vec<Diagnostic> {
        let name = self.name();
        let mut found = Vec::new();
        let refresh = &self.variable["refresh"];
        if !(refresh == 1 || refresh == 2 || *refresh == true) {
            found.push(self.wrong(
                "refresh",
                format!("the variable `{name}` never asks again: a new service is not in its list"),
                "write 2, so that it asks when the time changes, or 1: when the dashboard is opened",
            ));
        }
        let inside = query
            .strip_prefix("label_values(")
            .and_then(|rest| rest.strip_suffix(')'));
        let Some(inside) = inside else { return found };
        let label = inside
            .rsplit_once(',')
            .map_or(inside, |(_, label)| label)
            .trim();
        let targets = &self.stack.contract.targets;
        let mut offered: BTreeSet<String> = BTreeSet::new();
        match read {
            None if inside.contains(',') => return found,
            None => offered.extend(targets.values(label).map(str::to_string)),
            Some(read) => {
                let series = read.series(&self.stack.contract);
                if series.is_empty() {
                    return found;
                }
                if !series.iter().any(|series| series.has(label)) {
                    let known: BTreeSet<&str> =
                        series.iter().flat_map(|series| series.names()).collect();
                    found.push(place::on(
                        read,
                        format!("`{}` has no label `{label}`", read.ast),
                        suggestion(label, known.iter().copied()),
                    ));
                    return found;
                }
                for domain in self.stack.contract.domains(series, label) {
                    if let Domain::Values(values) = domain {
                        offered.extend(values.into_iter().filter(|value| !value.is_empty()));
                    }
                }
            }
        }
        // Of a label that targets do not have, nobody knows the values beforehand.
        if !targets.have(label) {
            return found;
        }
        let all = self.of_services(label);
        let unfiltered = offered.clone();
        if let Some(kept) = self.filtered(offered) {
            let filtered = kept.len() < unfiltered.len() || kept != unfiltered;
            let key = if filtered { "regex" } else { "query" };
            found.extend(self.lacks(&all, &kept, key));
            found.extend(self.chosen(&kept));
            found.extend(self.met(&kept));
        }
        found
    }

    /// A list that is written down.
    fn listed(&self, query: &str) -> Vec<Diagnostic> {
        let value = |entry: &str| {
            let entry = entry.split_once(" : ").map_or(entry, |(_, value)| value);
            entry.trim().to_string()
        };
        let offered: BTreeSet<String> = query.split(',').map(value).collect();
        let services = self.of_services("job");
        let named = offered
            .iter()
            .filter(|entry| services.contains(*entry))
            .count();
        let mut found = Vec::new();
        if named > 0 {
            found.extend(self.lacks(&services, &offered, "query"));
            for entry in offered.iter().filter(|entry| !services.contains(*entry)) {
                if let Some(near) = nearest(entry, services.iter().map(String::as_str)) {
                    found.push(self.wrong(
                        "query",
                        format!(
                            "the variable `{}` offers `{entry}`, which is no service",
                            self.name()
                        ),
                        format!("did you mean `{near}`?"),
                    ));
                }
            }
        }
        found
    }

    /// The values that a label has on the targets of services.
    fn of_services(&self, label: &str) -> BTreeSet<String> {
        let targets = self.stack.contract.targets.list.iter();
        targets
            .filter(|target| {
                let job = target.labels.get("job");
                job.is_some_and(|job| self.stack.catalog.service(job).is_some())
            })
            .filter_map(|target| target.labels.get(label).cloned())
            .collect()
    }

    /// What its pattern leaves of the values; None: a pattern that is not understood here.
    fn filtered(&self, values: BTreeSet<String>) -> Option<BTreeSet<String>> {
        let pattern = self.variable["regex"].as_str().unwrap_or_default();
        if pattern.is_empty() || pattern.contains('$') && pattern.contains('{') {
            return pattern.is_empty().then_some(values);
        }
        let Some(regex) = built(pattern) else {
            // Looking ahead and behind is understood by another engine.
            let regex = fancy_regex::Regex::new(&script(pattern)).ok()?;
            let taken = values.into_iter().filter_map(|value| {
                let captures = regex.captures(&value).ok()??;
                let group = captures.get(1).or(captures.get(0))?;
                Some(match captures.len() {
                    2 => group.as_str().to_string(),
                    _ => value.clone(),
                })
            });
            return Some(taken.collect());
        };
        let taken = values.iter().filter_map(|value| {
            let mut captures = regex.create_captures();
            regex.search_captures(&Input::new(value), &mut captures);
            captures.get_match()?;
            // The first group is the value, where there is one.
            let group = captures.get_group(1).or(captures.get_group(0))?;
            Some(match regex.captures_len() {
                2 => value[group.range()].to_string(),
                _ => value.clone(),
            })
        });
        Some(taken.collect())
    }

    fn lacks(
        &self,
        all: &BTreeSet<String>,
        offered: &BTreeSet<String>,
        key: &str,
    ) -> Option<Diagnostic> {
        let lost: Vec<&String> = all.difference(offered).collect();
        let first = lost.first()?;
        let more = match lost.len() {
            1 => String::new(),
            more => format!(" and {} more", more - 1),
        };
        Some(self.wrong(
            key,
            format!(
                "the variable `{}` does not offer `{first}`{more}",
                self.name()
            ),
            "let it list the label of all services: `label_values(up, job)`",
        ))
    }

    /// Queries whose series have none of the values that can be chosen: with All they show something, with each of them nothing.
    fn met(&self, offered: &BTreeSet<String>) -> Vec<Diagnostic> {
        let contract = &self.stack.contract;
        let mut found = Vec::new();
        let panels = self.stack.used(Usage::Panel);
        for expression in panels.filter(|expression| expression.path == self.file.path) {
            let mut labels = BTreeSet::new();
            fill(&expression.written, |variable| {
                let of_this = variable.name == self.name();
                labels.extend(variable.label().filter(|_| of_this).map(str::to_string));
                Filling::Unknown
            });
            if labels.is_empty() {
                continue;
            }
            for selector in selectors(&expression.ast) {
                let mut asked = selector.matchers.matchers.iter();
                let asked = asked.find(|matcher| labels.contains(&matcher.name));
                let (Some(asked), Some(name)) = (asked, metric(selector)) else {
                    continue;
                };
                let all = &selector.matchers.matchers;
                let family = contract.family(name).iter();
                let picked = family.filter_map(|series| contract.select(series, all));
                let picked: Vec<SeriesSet> = picked.collect();
                let values = contract.shared_domains(&picked, &asked.name);
                let none = values.iter().all(|values| match &**values {
                    Domain::Values(values) => values.iter().all(|value| !offered.contains(value)),
                    Domain::Pattern(_) => false,
                });
                if none && !values.is_empty() {
                    found.push(place::on(
                        expression,
                        format!(
                            "`{name}` has no series whose `{}` is one that `{}` offers: whichever is chosen, there is nothing",
                            asked.name,
                            self.name()
                        ),
                        "compare the variable with the label that has its values",
                    ));
                    break;
                }
            }
        }
        found
    }

    /// What is chosen at first, and what All stands for.
    fn chosen(&self, offered: &BTreeSet<String>) -> Vec<Diagnostic> {
        let name = self.name();
        let mut found = Vec::new();
        let all = self.variable["includeAll"] == true;
        let current = &self.variable["current"]["value"];
        let one = current.as_str().into_iter();
        for value in one.chain(current.texts()).filter(|value| !value.is_empty()) {
            let known = match value {
                "$__all" => all,
                value => offered.contains(value) || value.contains('$'),
            };
            if !known {
                found.push(self.wrong(
                    "current",
                    format!("the variable `{name}` starts with `{value}`, which it does not offer"),
                    suggestion(value, offered.iter().map(String::as_str)),
                ));
            }
        }
        let everything = self.variable["allValue"]
            .as_str()
            .filter(|text| all && !text.is_empty());
        let pattern = everything.filter(|text| !text.contains('$'));
        if let Some(pattern) = pattern.and_then(|text| Regex::new(&format!("^(?:{text})$")).ok())
            && let Some(lost) = offered
                .iter()
                .find(|value| !pattern.is_match(value.as_str()))
        {
            found.push(self.wrong(
                "allValue",
                format!("All of the variable `{name}` leaves out `{lost}`"),
                "write `.+`, or leave it out",
            ));
        }
        found
    }
}

/// Variables that can be chosen and that nothing asks for.
fn idle(file: &File) -> Vec<Diagnostic> {
    let list = file.value["templating"]["list"].items();
    let mut found = Vec::new();
    // Who asks for a variable: another variable, by its place in the list, or something else.
    let mut asked: BTreeSet<(Option<usize>, String)> = BTreeSet::new();
    walk(&file.value, &mut |pointer, key, value| {
        let Some(text) = value.as_str() else {
            return;
        };
        let repeated = (key == "repeat").then_some(text);
        let named = variables(text).map(|(name, _)| name);
        let mut named = named.chain(repeated).peekable();
        if named.peek().is_some() {
            let inside = pointer.is_inside("templating").then(|| pointer.to_string());
            let asking = inside.and_then(|inside| {
                let rest = inside.strip_prefix("/templating/list/")?;
                rest.split('/').next()?.parse().ok()
            });
            asked.extend(named.map(|name| (asking, name.to_string())));
        }
    });
    for (index, variable) in list.enumerate() {
        let name = variable["name"].as_str().unwrap_or_default();
        // One that is hidden is there for links; filters act on every query by themselves.
        if variable["hide"] == 2 || matches!(variable["type"].as_str(), Some("adhoc" | "constant"))
        {
            continue;
        }
        // A dashboard without panels has nothing that could ask.
        let alone = file.value["panels"].items().next().is_none();
        let by_another =
            |(asking, known): &(Option<usize>, String)| known == name && *asking != Some(index);
        if !alone && !asked.iter().any(by_another) {
            let idle = place::at(
                &file.path,
                format!("/templating/list/{index}/name"),
                format!(
                    "nothing on the dashboard asks for the variable `{name}`: choosing changes nothing"
                ),
                "let the queries select by it, or remove it",
            );
            // Who chooses a service believes to see it alone; an interval or a text is for somebody's next panel.
            let severity = match listed_label(variable) {
                Some("job" | "service" | "instance") => idle.severity,
                _ => Severity::Warning,
            };
            found.push(Diagnostic { severity, ..idle });
        }
    }
    found
}

/// Variables that wait for each other: Grafana asks for a variable once all are there that its query names.
fn circle(file: &File) -> Option<Diagnostic> {
    let list = || file.value["templating"]["list"].items();
    let waits: Vec<(&str, BTreeSet<&str>)> = list()
        .map(|variable| {
            let query = variable["query"]
                .as_str()
                .or(variable["query"]["query"].as_str());
            let named = variables(query.unwrap_or_default()).map(|(name, _)| name);
            (
                variable["name"].as_str().unwrap_or_default(),
                named.collect(),
            )
        })
        .collect();
    let of = |name: &str| waits.iter().find(|(known, _)| *known == name);
    let found = waits.iter().position(|(name, first)| {
        let mut reached = first.clone();
        for _ in 0..waits.len() {
            let next = reached.iter().filter_map(|name| of(name));
            let next: Vec<&str> = next.flat_map(|(_, names)| names).copied().collect();
            reached.extend(next);
        }
        reached.contains(name)
    })?;
    let (name, named) = &waits[found];
    let others: Vec<&str> = named.iter().copied().collect();
    Some(place::at(
        &file.path,
        format!("/templating/list/{found}/query"),
        format!(
            "the variable `{name}` waits for `{}`, which waits for it: neither offers anything",
            others.join("` and `")
        ),
        "let one of them ask without the other",
    ))
}

/// Matchers that take a variable of several values for one: with two of them chosen, they match nothing.
fn exact(stack: &Stack, file: &File) -> Vec<Diagnostic> {
    let list = file.value["templating"]["list"].items();
    let several: HashSet<&str> = list
        .filter(|variable| variable["multi"] == true || variable["includeAll"] == true)
        .filter_map(|variable| variable["name"].as_str())
        .collect();
    let of_file = stack
        .used(Usage::Panel)
        .filter(|expression| expression.path == file.path);
    let repeated = repeated(&file.value);
    let mut found = Vec::new();
    for expression in of_file {
        let one_each = expression.panel().and_then(|panel| repeated.get(panel));
        for (name, written) in variables(&expression.written) {
            if one_each.is_some_and(|names| names.contains(&name)) {
                continue;
            }
            let equal = ["=\"", "='"].iter().any(|before| {
                let whole = format!("{before}{written}{}", &before[1..]);
                expression.written.contains(&whole)
            });
            if several.contains(name) && equal {
                found.push(place::on(
                    expression,
                    format!("`{name}` can have several values, and a matcher with = takes one"),
                    format!("write `=~\"{written}\"`"),
                ));
                break;
            }
        }
    }
    found
}
