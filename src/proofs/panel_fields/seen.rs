//! What a panel does not let be seen, and what it calls otherwise.

use super::Panel;
use crate::catalog::Alert;
use crate::diagnostic::Diagnostic;
use crate::proofs::dead_link::{listed, parts};
use crate::stack::grafana::shown::script;
use std::cell::LazyCell;
use std::collections::BTreeSet;

/// Words that say that not all are shown.
const FEW: [&str; 9] = [
    "at most", "first", "top", "worst", "highest", "most", "least", "latest", "last",
];

/// So many fit on a screen.
const AT_LEAST: usize = 20;

impl Panel<'_, '_> {
    /// Whether everything is hidden where it would be drawn.
    pub(super) fn invisible(&self) -> Option<Diagnostic> {
        let fields = &self.panel["fieldConfig"];
        if fields["defaults"]["custom"]["hideFrom"]["viz"] == true {
            return Some(self.wrong(
                "fieldConfig/defaults/custom/hideFrom/viz".to_string(),
                format!("`{}` draws none of its lines", self.title()),
                "write false",
            ));
        }
        let custom = &fields["defaults"]["custom"];
        let zero = |key: &str| custom[key].as_f64() == Some(0.0);
        let unfilled = custom["fillOpacity"].is_null() || zero("fillOpacity");
        let lines = custom["drawStyle"].is_null() || custom["drawStyle"] == "line";
        let chart = self.panel["type"] == "timeseries" && lines;
        if chart && zero("lineWidth") && unfilled && custom["showPoints"] == "never" {
            return Some(self.wrong(
                "fieldConfig/defaults/custom/lineWidth".to_string(),
                format!(
                    "`{}` draws lines of no width, and nothing else",
                    self.title()
                ),
                "write 1",
            ));
        }
        for (index, change) in fields["overrides"].items().enumerate() {
            let matcher = &change["matcher"];
            let every = matcher["id"] == "byType"
                || matcher["id"] == "numeric"
                || matcher["options"]
                    .as_str()
                    .is_some_and(|text| matches!(script(text).as_str(), ".*" | ".+"))
                || change.get("__systemRef").is_some();
            let named = matcher["options"].as_str();
            let named = named.filter(|_| matcher["id"] == "byName");
            let service = named.and_then(|name| self.stack.catalog.service(name));
            for (number, property) in change["properties"].items().enumerate() {
                let hides = property["id"] == "custom.hideFrom" && property["value"]["viz"] == true;
                if let Some(service) = service.filter(|_| hides) {
                    return Some(self.wrong(
                        format!("fieldConfig/overrides/{index}/properties/{number}/value/viz"),
                        format!("`{}` hides the service `{}`", self.title(), service.name),
                        "show it: whoever looks believes to see all",
                    ));
                }
                if hides && every {
                    return Some(self.wrong(
                        format!("fieldConfig/overrides/{index}/properties/{number}/value/viz"),
                        format!("`{}` hides what it asks for", self.title()),
                        "show it, or remove the query",
                    ));
                }
            }
        }
        None
    }

    /// Services and severities that a change of the result leaves out.
    pub(super) fn left_out(&self) -> Option<Diagnostic> {
        let catalog = self.stack.catalog;
        let words =
            ["title", "description"].map(|key| self.panel[key].as_str().unwrap_or_default());
        let words = words.join(" ").to_lowercase();
        let is_service = |name: &str| catalog.service(name).is_some();
        let several = self
            .queries
            .iter()
            .flat_map(|query| self.series(query))
            .flatten();
        let count = several.map(|series| series.targets.count_ones(..)).max();
        let count = count
            .filter(|count| *count > 0)
            .unwrap_or(catalog.services.len());
        let numbered = words.contains(|c: char| c.is_ascii_digit());
        let changes = self.panel["transformations"].items().enumerate();
        let mut changes = changes.filter(|(_, change)| change["disabled"] != true);
        changes.find_map(|(index, change)| {
            let options = &change["options"];
            let (key, message) = match change["id"].as_str()? {
                "limit" => {
                    let written = crate::json::plain(&options["limitField"]);
                    let most: usize = written.parse().ok()?;
                    let said = words.contains(&written)
                        || !numbered && FEW.iter().any(|word| words.contains(word));
                    let few = most < count.min(AT_LEAST) && !said;
                    let message = format!(
                        "`{}` shows {most} of {count}, and does not say so",
                        self.title()
                    );
                    few.then_some(("limitField", message))?
                }
                "filterFieldsByName" => {
                    let names = || options["include"]["names"].texts();
                    let other = catalog
                        .services
                        .iter()
                        .find(|service| !names().any(|name| name == service.name));
                    let other = other.filter(|_| names().any(is_service))?;
                    (
                        "include/names",
                        format!("`{}` leaves out `{}`", self.title(), other.name),
                    )
                }
                "filterByValue" => {
                    let exclude = options["type"] == "exclude";
                    let severity = options["filters"].items().find_map(|filter| {
                        let value = filter["config"]["options"]["value"].as_str()?;
                        let mut severities = catalog.alerts.iter().flat_map(Alert::severities);
                        severities.find(|severity| *severity == value)
                    })?;
                    if words.contains(&severity.to_lowercase()) {
                        return None;
                    }
                    let what = if exclude {
                        "leaves out alerts of"
                    } else {
                        "shows alerts only of"
                    };
                    (
                        "filters",
                        format!(
                            "`{}` {what} the severity `{severity}`, and does not say so",
                            self.title()
                        ),
                    )
                }
                _ => return None,
            };
            let at = format!("transformations/{index}/options/{key}");
            Some(self.wrong(
                at,
                message,
                "show all of them, or say in the title which are left out",
            ))
        })
    }

    /// A word for a value that is another value of its own.
    pub(super) fn called_another(&self) -> Option<Diagnostic> {
        let catalog = self.stack.catalog;
        let known = LazyCell::new(|| -> BTreeSet<&str> {
            let severities = catalog.alerts.iter().flat_map(Alert::severities);
            severities
                .chain(["firing", "pending", "critical", "warning", "info"])
                .collect()
        });
        let fields = &self.panel["fieldConfig"];
        let of_fields = fields["overrides"]
            .items()
            .enumerate()
            .flat_map(|(index, change)| {
                let properties = change["properties"].items().enumerate();
                properties
                    .filter(|(_, property)| property["id"] == "mappings")
                    .map(move |(number, property)| {
                        (
                            format!("fieldConfig/overrides/{index}/properties/{number}/value"),
                            &property["value"],
                        )
                    })
            });
        let own = (
            "fieldConfig/defaults/mappings".to_string(),
            &fields["defaults"]["mappings"],
        );
        let mut all = of_fields.chain(std::iter::once(own));
        all.find_map(|(at, mappings)| {
            let mut entries = mappings
                .items()
                .flat_map(|mapping| mapping["options"].entries());
            entries.find_map(|(value, shown)| {
                let text = shown["text"].as_str()?;
                let another =
                    text != value && known.contains(value.as_str()) && known.contains(text);
                another.then(|| {
                    self.wrong(
                        at.clone(),
                        format!(
                            "`{}` calls `{value}` `{text}`, which is another",
                            self.title()
                        ),
                        "write it as it is",
                    )
                })
            })
        })
    }

    /// A change that leaves a chart without its times, or with the first of them alone.
    pub(super) fn timeless(&self) -> Option<Diagnostic> {
        let charts = ["timeseries", "state-timeline", "status-history"];
        if !charts.contains(&self.panel["type"].as_str().unwrap_or_default()) {
            return None;
        }
        let mut changes = self.panel["transformations"].items().enumerate();
        let (index, change) = changes.find(|(_, change)| {
            let id = change["id"].as_str().unwrap_or_default();
            ["reduce", "limit"].contains(&id) && change["disabled"] != true
        })?;
        let message = format!(
            "`{}` draws values over time, and `{}` leaves too few of them",
            self.title(),
            change["id"].as_str().unwrap_or_default()
        );
        Some(self.wrong(format!("transformations/{index}/id"), message, "remove it"))
    }

    /// Links of tiles, bars and lines that pass on what is no label.
    pub(super) fn numbers_passed(&self) -> Vec<Diagnostic> {
        let mut found = Vec::new();
        if self.panel["type"] == "table" {
            return found;
        }
        let links = self.panel["fieldConfig"]["defaults"]["links"].items();
        for (index, link) in links.enumerate() {
            let url = link["url"].as_str().unwrap_or_default();
            for (name, passed) in parts(url) {
                let number = passed.starts_with("${__value.") || passed == "${__field.name}";
                if number && listed(self.stack, url, name).is_some() {
                    found.push(self.wrong(
                        format!("fieldConfig/defaults/links/{index}/url"),
                        format!(
                            "`{passed}` is passed on as `{name}`, and is no value of its label"
                        ),
                        "pass the label: `${__field.labels.job}`",
                    ));
                }
            }
        }
        found
    }
}
