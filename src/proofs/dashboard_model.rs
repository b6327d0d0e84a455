//! Every dashboard is of the form that file provisioning takes, and says nothing that Grafana 9 to 13 do not read.

use super::{Check, Example, Proof, place};
use crate::artifacts::Role;
use crate::catalog::{Alert, Duration};
use crate::promql::VectorSelector;
use crate::promql::matchers::picks;
use crate::promql::walk::selectors;
use crate::stack::Stack;
use crate::stack::dashboards::panels;
use crate::stack::expressions::Usage;
use crate::stack::grafana::flaws;
use std::collections::{BTreeSet, HashMap, HashSet};

pub(crate) const PROOF: Proof = Proof {
    code: "dashboard-model",
    doc: "Grafana says nothing of a key that it does not know, and draws the panel without it; a panel of a type that is gone is an error in the place of data. Provisioning does not resolve `__inputs`, refuses a dashboard without a title, and lets two with one uid or title fight each other; Grafana 13 refuses schema versions above 42.",
    example: Example::Rendered {
        role: Role::Dashboard,
        pointer: "/schemaVersion",
        bad: "43",
    },
    check: Check::Stack(|stack| {
        let mut found = Vec::new();
        let plugins = plugins(stack);
        let mut taken: HashMap<String, &str> = HashMap::new();
        for file in stack.files.dashboards() {
            let value = &file.value;
            found.extend(
                flaws(value, &plugins)
                    .into_iter()
                    .map(|flaw| place::at(&file.path, flaw.pointer, flaw.message, flaw.help)),
            );
            let mut wrong = |pointer: &str, message: String, help: &str| {
                found.push(place::at(&file.path, pointer, message, help))
            };
            let version = value["schemaVersion"].as_i64().unwrap_or(0);
            if !(21..=42).contains(&version) {
                wrong(
                    "/schemaVersion",
                    format!("the schema version is {version}"),
                    "write 36, which Grafana 9 to 13 migrate by themselves",
                );
            }
            if value.get("__inputs").is_some() || file.text.contains("${DS_") {
                wrong(
                    "/__inputs",
                    "the dashboard was exported for sharing: provisioning does not fill its inputs"
                        .to_string(),
                    "refer to the data source by its uid",
                );
            }
            if value["id"].as_i64().is_some() {
                wrong(
                    "/id",
                    "a numeric `id` belongs to one Grafana only".to_string(),
                    "write null",
                );
            }
            let behind = value["time"]["to"]
                .as_str()
                .and_then(|to| to.strip_prefix("now-"))
                .and_then(Duration::parse);
            if let Some(behind) = behind.filter(|behind| *behind > LATE) {
                wrong(
                    "/time/to",
                    format!(
                        "the dashboard opens without the last {behind}: nobody sees what is wrong now"
                    ),
                    "write `now`",
                );
            }
            let from = value["time"]["from"].as_str().unwrap_or_default();
            if !from.is_empty() && !from.starts_with("now") {
                wrong(
                    "/time/from",
                    format!("the dashboard always opens at {from}: nobody sees what is wrong now"),
                    "write a time before now, such as `now-1h`",
                );
            }
            if value["panels"].items().next().is_none() {
                wrong(
                    "/panels",
                    "the dashboard has no panel: it shows nothing".to_string(),
                    "render its panels, or leave the dashboard away",
                );
            }
            for (pointer, panel) in panels(value) {
                let title = panel["title"].as_str().unwrap_or_default();
                let mut letters = HashSet::new();
                for (index, target) in panel["targets"].items().enumerate() {
                    if let Some(letter) = target["refId"].as_str()
                        && !letters.insert(letter)
                    {
                        wrong(
                            &format!("{pointer}/targets/{index}/refId"),
                            format!(
                                "`{title}` has two queries `{letter}`: Grafana shows one of them"
                            ),
                            "give each query a letter of its own",
                        );
                    }
                }
                if panel["type"] == "text" && panel["targets"].items().next().is_some() {
                    wrong(
                        &format!("{pointer}/type"),
                        format!("`{title}` has a query, and shows a text whatever it gives"),
                        "choose a type that shows values",
                    );
                }
                if let Some(uid) = panel["libraryPanel"]["uid"].as_str() {
                    wrong(
                        &format!("{pointer}/libraryPanel"),
                        format!(
                            "`{title}` is taken from the library panel `{uid}`, which nothing here brings to Grafana"
                        ),
                        "write the panel itself",
                    );
                }
            }
            for (index, mark) in value["annotations"]["list"].items().enumerate() {
                let name = mark["name"].as_str().unwrap_or_default().to_lowercase();
                let at = format!("/annotations/list/{index}/");
                let asked = stack.used(Usage::Panel).filter(|expression| {
                    expression.path == file.path && expression.pointer.starts_with(&at)
                });
                let asked: Vec<&VectorSelector> = asked
                    .flat_map(|expression| selectors(&expression.ast))
                    .filter(|selector| selector.name.as_deref() == Some("ALERTS"))
                    .collect();
                if let Some(step) = mark["step"].as_str().and_then(Duration::parse)
                    && step > LONGEST_STEP
                    && !asked.is_empty()
                {
                    wrong(
                        &format!("/annotations/list/{index}/step"),
                        format!(
                            "alerts are looked for every {step}: those that fire between are not marked"
                        ),
                        "write the interval of evaluation, or a minute",
                    );
                }
                let titled = mark["titleFormat"].as_str().unwrap_or_default();
                if let Some(alert) = stack.catalog.alert(titled)
                    && !asked.is_empty()
                    && !asked.iter().all(|selector| {
                        let mut all = selector.matchers.matchers.iter();
                        all.any(|one| one.name == "alertname")
                    })
                {
                    wrong(
                        &format!("/annotations/list/{index}/titleFormat"),
                        format!(
                            "every mark is called `{}`, whichever alert fires",
                            alert.name
                        ),
                        "write `{{alertname}}`",
                    );
                }
                let left_out = stack.catalog.alerts.iter().find(|alert| {
                    let named = [&alert.name, &alert.severity];
                    let said = named.iter().any(|word| name.contains(&word.to_lowercase()));
                    let takes = |selector: &&VectorSelector| {
                        selector
                            .matchers
                            .matchers
                            .iter()
                            .all(|one| match one.name.as_str() {
                                "alertname" => picks(one, &alert.name),
                                "severity" => {
                                    alert.severities().any(|severity| picks(one, severity))
                                }
                                _ => true,
                            })
                    };
                    !said && !asked.is_empty() && !asked.iter().any(takes)
                });
                let mut known = stack.catalog.alerts.iter().flat_map(Alert::severities);
                let of_some = known.any(|severity| name.contains(&severity.to_lowercase()));
                if let Some(alert) = left_out.filter(|_| !of_some) {
                    wrong(
                        &format!("/annotations/list/{index}/expr"),
                        format!(
                            "the marks leave out `{}`, and are not called so",
                            alert.name
                        ),
                        "ask for all alerts, or say in the name which are marked",
                    );
                }
                for (said, other) in [("firing", "pending"), ("pending", "firing")] {
                    let takes = |selector: &&VectorSelector| {
                        let mut all = selector.matchers.matchers.iter();
                        all.all(|one| one.name != "alertstate" || picks(one, other))
                    };
                    if name.contains(said) && !name.contains(other) && asked.iter().any(takes) {
                        wrong(
                            &format!("/annotations/list/{index}/expr"),
                            format!(
                                "the marks are called {said}, and are of alerts that are {other}"
                            ),
                            "ask for what they are called",
                        );
                    }
                }
            }
            for key in ["uid", "title"] {
                let text = value[key].as_str().unwrap_or_default();
                let long = key == "uid" && text.len() > 40;
                if text.is_empty() || long {
                    wrong(
                        &format!("/{key}"),
                        format!(
                            "the {key} is {}",
                            if long {
                                "longer than 40 characters"
                            } else {
                                "empty"
                            }
                        ),
                        "give the dashboard one of its own",
                    );
                } else if let Some(other) = taken.insert(format!("{key} {text}"), &file.path) {
                    wrong(
                        &format!("/{key}"),
                        format!("the {key} `{text}` is also that of {other}"),
                        "give each dashboard one of its own",
                    );
                }
            }
        }
        found
    }),
};

/// Alerts that fire for less than that are worth a mark.
const LONGEST_STEP: Duration = Duration(10 * 60_000);

/// So much of the end may be left away, as samples of it are still to come.
const LATE: Duration = Duration(5 * 60_000);

/// The variables of Grafana's container that name plugins to install.
const INSTALLED: [&str; 3] = [
    "GF_INSTALL_PLUGINS",
    "GF_PLUGINS_PREINSTALL",
    "GF_PLUGINS_PREINSTALL_SYNC",
];

/// The plugins that containers install at their start.
fn plugins<'s>(stack: &'s Stack) -> BTreeSet<&'s str> {
    let mut plugins = BTreeSet::new();
    for container in stack.containers.started() {
        let variables = container.environment.iter();
        for list in variables
            .filter(|(name, _)| INSTALLED.contains(&name.as_str()))
            .filter_map(|(_, list)| list.as_deref())
        {
            // `name`, `name 1.2.3`, `name@1.2.3`, `name@1.2.3@https://…`
            let names = list.split([',', ';']).filter_map(|entry| {
                let entry = entry.trim();
                entry.split([' ', '@']).next()
            });
            plugins.extend(names.filter(|name| !name.is_empty()));
        }
    }
    plugins
}
