//! Every data source that a dashboard names is provisioned.

use super::{Check, Example, Proof, place};
use crate::artifacts::Role;
use crate::stack::dashboards::panels;
use crate::stack::grafana::shown::script;
use crate::value::Value;
use regex_automata::meta::Regex;

/// What comes with Grafana: its own, and what reckons with the results of other queries. Others of its own begin with `--`.
const BUILT_IN: [&str; 2] = ["grafana", "__expr__"];

pub(crate) const PROOF: Proof = Proof {
    code: "unknown-datasource",
    doc: "A panel whose data source is not provisioned under that uid shows an error or nothing; Grafana invents a uid where none is written.",
    example: Example::Rendered {
        role: Role::Datasources,
        pointer: "/datasources/*/uid",
        bad: r#""prom""#,
    },
    check: Check::Stack(|stack| {
        let sources: Vec<&Value> = stack
            .files
            .datasources()
            .map(|(_, _, source)| source)
            .collect();
        let provisioned: Vec<&str> = sources
            .iter()
            .filter_map(|source| source["uid"].as_str())
            .collect();
        let mut found = Vec::new();
        for file in stack.files.dashboards() {
            let variables: Vec<&Value> = file.value["templating"]["list"]
                .as_array()
                .into_iter()
                .flatten()
                .collect();
            let resolve = |uid: &str| -> Option<String> {
                let name = uid
                    .trim_start_matches("${")
                    .trim_start_matches('$')
                    .trim_end_matches('}');
                match uid.starts_with('$') {
                    false => Some(uid.to_string()),
                    true => {
                        let mut chosen = variables.iter();
                        let chosen = chosen.find(|variable| {
                            variable["name"] == name && variable["type"] == "datasource"
                        })?;
                        let saved = chosen["current"]["value"].as_str();
                        let known = saved.filter(|uid| provisioned.contains(uid));
                        // Grafana offers those of the type, and takes the first where what was saved is not among them.
                        let mut offered = sources.iter();
                        let first = offered
                            .find(|source| source["type"] == chosen["query"])
                            .and_then(|source| source["uid"].as_str())
                            .filter(|_| saved.is_none() || file.is_own());
                        known.or(first).or(saved).map(str::to_string)
                    }
                }
            };
            // Where a data source is named, what is written there, and its uid.
            let mut used: Vec<(String, &Value, &str)> = Vec::new();
            for (pointer, panel) in panels(&file.value) {
                let source = &panel["datasource"];
                let uid = source["uid"].as_str();
                used.extend(uid.map(|uid| (format!("{pointer}/datasource"), source, uid)));
                let targets = panel["targets"].items().enumerate();
                used.extend(targets.filter_map(|(index, target)| {
                    let source = &target["datasource"];
                    let uid = source["uid"].as_str()?;
                    let at = format!("{pointer}/targets/{index}/datasource");
                    Some((at, source, uid))
                }));
            }
            let lists = [
                ("/templating/list", &file.value["templating"]["list"]),
                ("/annotations/list", &file.value["annotations"]["list"]),
            ];
            for (pointer, list) in lists {
                let named = list.items().enumerate();
                used.extend(named.filter_map(|(index, entry)| {
                    let source = &entry["datasource"];
                    let uid = source["uid"].as_str()?;
                    Some((format!("{pointer}/{index}/datasource"), source, uid))
                }));
            }
            let kind = |uid: &str| {
                let uid = resolve(uid)?;
                let mut known = sources.iter();
                let source = known.find(|source| source["uid"] == uid.as_str())?;
                source["type"].as_str()
            };
            for (index, variable) in variables.iter().enumerate() {
                let wanted = variable["query"].as_str().unwrap_or_default();
                let known = sources.iter().any(|source| source["type"] == wanted);
                if variable["type"] == "datasource" && !known {
                    found.push(place::at(
                        &file.path,
                        format!("/templating/list/{index}/query"),
                        format!(
                            "no data source of the type `{wanted}` is provisioned to choose from"
                        ),
                        "write the type of one that is",
                    ));
                }
                let pattern = variable["regex"].as_str().unwrap_or_default();
                let regex = Regex::new(&script(pattern)).ok();
                let regex = regex
                    .filter(|_| variable["type"] == "datasource" && known && !pattern.is_empty());
                let offered = |regex: &Regex| {
                    let mut of_type = sources.iter().filter(|source| source["type"] == wanted);
                    of_type
                        .any(|source| regex.is_match(source["name"].as_str().unwrap_or_default()))
                };
                if regex.is_some_and(|regex| !offered(&regex)) {
                    found.push(place::at(
                        &file.path,
                        format!("/templating/list/{index}/regex"),
                        format!("no data source of the type `{wanted}` has a name like {pattern}: there is none to choose"),
                        "write a pattern that the name of one has, or take `regex` away",
                    ));
                }
            }
            let mut other = "";
            for (at, source, uid) in &used {
                let written = source["type"].as_str().unwrap_or_default();
                if !written.is_empty()
                    && written != other
                    && kind(uid).is_some_and(|kind| kind != written)
                {
                    other = written;
                    found.push(place::at(
                        &file.path,
                        format!("{at}/type"),
                        format!("the data source `{uid}` is no {written}"),
                        format!("write {}", kind(uid).unwrap_or_default()),
                    ));
                }
            }
            // Once for a file: its panels mostly share one.
            let mut unknown = "";
            let asked = used.into_iter();
            let asked =
                asked.filter(|(_, _, uid)| !uid.starts_with("--") && !BUILT_IN.contains(uid));
            for (at, _, uid) in asked {
                let known = resolve(uid).is_some_and(|uid| provisioned.contains(&uid.as_str()));
                if !known && uid != unknown {
                    unknown = uid;
                    found.push(place::at(
                        &file.path,
                        format!("{at}/uid"),
                        format!("the data source `{uid}` is not provisioned"),
                        format!("provisioned are {}", provisioned.join(", ")),
                    ));
                }
            }
        }
        found
    }),
};
