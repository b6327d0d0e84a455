//! What a panel names of its fields is there: transformations, overrides and the order of a table are followed through the
//! columns and lines that its queries give.

use super::dead_link::{listed, parts, refused};
use super::{Check, Example, Proof, Usage, place};
use crate::artifacts::Role;
use crate::catalog::Alert;
use crate::contract::Contract;
use crate::contract::domain::Domain;
use crate::contract::series::SeriesSet;
use crate::diagnostic::{Diagnostic, nearest, suggestion};
use crate::json::Parts;
use crate::promql::variables::variables;
use crate::source::step;
use crate::stack::Stack;
use crate::stack::dashboards::panels;
use crate::stack::expressions::Expression;
use crate::stack::grafana::shown::{built, meets, script};
use regex_automata::meta::Regex;
use serde_json::Value;
use std::collections::{BTreeSet, HashMap};

pub(crate) const PROOF: Proof = Proof {
    code: "panel-fields",
    doc: "An override, a new name or an order for a column that does not exist changes nothing, and Grafana does not say so: the column has no unit, no colour or no link. A column that is taken away is not shown, whatever its query costs.",
    example: Example::Rendered {
        role: Role::Dashboard,
        pointer: "/panels/type=table/fieldConfig/overrides/0/matcher/options",
        bad: r#""States""#,
    },
    check: Check::Stack(|stack| {
        let mut by_panel: HashMap<(&str, &str), Vec<&Expression>> = HashMap::new();
        for expression in stack.used(Usage::Panel) {
            if let Some(panel) = expression.panel() {
                let key = (expression.path, panel);
                by_panel.entry(key).or_default().push(expression);
            }
        }
        let mut found = Vec::new();
        for file in stack.files.dashboards() {
            for (pointer, panel) in panels(&file.value) {
                let key = (file.path.as_str(), pointer.as_str());
                let Some(queries) = by_panel.get(&key) else {
                    continue;
                };
                let one = Panel {
                    stack,
                    path: &file.path,
                    panel,
                    pointer: &pointer,
                    queries,
                };
                found.extend(one.check());
            }
        }
        found
    }),
};

/// Words that say that not all are shown.
const FEW: [&str; 9] = [
    "at most", "first", "top", "worst", "highest", "most", "least", "latest", "last",
];

/// So many fit on a screen.
const AT_LEAST: usize = 20;

struct Panel<'a, 's> {
    stack: &'a Stack<'s>,
    path: &'a str,
    panel: &'a Value,
    pointer: &'a str,
    queries: &'a [&'a Expression<'s>],
}

impl Panel<'_, '_> {
    fn wrong(&self, key: String, message: String, help: impl Into<String>) -> Diagnostic {
        place::at(self.path, format!("{}/{key}", self.pointer), message, help)
    }

    fn title(&self) -> &str {
        self.panel["title"].as_str().unwrap_or_default()
    }

    fn check(&self) -> Vec<Diagnostic> {
        let mut found = self.letters();
        found.extend(self.invisible());
        found.extend(self.timeless());
        found.extend(self.numbers_passed());
        found.extend(self.left_out());
        found.extend(self.called_another());
        if self.names_matter()
            && let Some(named) = self.named()
        {
            found.extend(self.picked(&named));
            found.extend(self.unnumbered(&named));
            found.extend(self.named_alike(&named));
        }
        // With a query that cannot be read, or of another source, there are fields that are not known.
        let all = self.panel["targets"].items().count();
        if all == self.queries.len()
            && self.panel["fieldConfig"]["defaults"]["displayName"].is_null()
        {
            let tables = self
                .queries
                .iter()
                .all(|query| query.target["format"] == "table");
            found.extend(match tables {
                true => self.table(),
                false => self.lines(),
            });
        }
        found
    }

    fn overrides(&self) -> impl Iterator<Item = (usize, &Value)> {
        let list = self.panel["fieldConfig"]["overrides"].items().enumerate();
        list.map(|(index, change)| (index, &change["matcher"]))
    }

    /// Overrides and transformations that name queries by their letters.
    fn letters(&self) -> Vec<Diagnostic> {
        let letters: Vec<&str> = self.panel["targets"]
            .items()
            .filter_map(|target| target["refId"].as_str())
            .collect();
        let mut found = Vec::new();
        for (index, matcher) in self.overrides() {
            let name = matcher["options"].as_str().unwrap_or_default();
            if matcher["id"] == "byFrameRefID" && !letters.contains(&name) {
                found.push(self.wrong(
                    format!("fieldConfig/overrides/{index}/matcher/options"),
                    format!("`{}` has no query `{name}`", self.title()),
                    suggestion(name, letters.iter().copied()),
                ));
            }
        }
        for (index, change) in self.panel["transformations"].items().enumerate() {
            let include = change["options"]["include"].as_str();
            let Some(pattern) = include.filter(|_| change["id"] == "filterByRefId") else {
                continue;
            };
            let Ok(pattern) = Regex::new(&format!("^(?:{})$", script(pattern))) else {
                continue;
            };
            if !letters.iter().any(|letter| pattern.is_match(*letter)) {
                found.push(self.wrong(
                    format!("transformations/{index}/options/include"),
                    format!("`{}` shows none of its queries", self.title()),
                    format!("its queries are {}", letters.join(", ")),
                ));
            }
        }
        found
    }

    fn series<'q>(&self, query: &'q Expression) -> Option<&'q [SeriesSet]> {
        let series = query.series(&self.stack.contract);
        (!series.is_empty()).then_some(series)
    }

    /// The columns of a table, through what is done to them.
    fn table(&self) -> Vec<Diagnostic> {
        let mut found = Vec::new();
        let several = self.queries.len() > 1;
        let mut columns = BTreeSet::from(["Time".to_string()]);
        // Column → the label that it was; the names that somebody has given.
        let mut origins: HashMap<String, String> = HashMap::new();
        let mut given: BTreeSet<String> = BTreeSet::new();
        let mut all: Vec<SeriesSet> = Vec::new();
        let joins = [
            "merge",
            "joinByField",
            "seriesToColumns",
            "concatenate",
            "append",
            "filterByRefId",
        ];
        let joined = self.panel["transformations"].items().any(|change| {
            change["disabled"] != true
                && change["id"].as_str().is_some_and(|id| joins.contains(&id))
        });
        if several && !joined {
            found.push(self.wrong(
                "type".to_string(),
                format!(
                    "`{}` has several queries, and shows the table of one",
                    self.title()
                ),
                "merge them: a transformation",
            ));
            return found;
        }
        let mut labels = BTreeSet::new();
        let mut values = BTreeSet::new();
        for query in self.queries {
            let Some(series) = self.series(query) else {
                return found;
            };
            labels.extend(
                series
                    .iter()
                    .flat_map(|series| series.names())
                    .map(str::to_string),
            );
            all.extend_from_slice(series);
            let letter = query.target["refId"].as_str().unwrap_or_default();
            values.insert(match several {
                true => format!("Value #{letter}"),
                false => "Value".to_string(),
            });
        }
        columns.extend(labels.iter().chain(&values).cloned());
        origins.extend(labels.iter().map(|label| (label.clone(), label.clone())));
        for (index, change) in self.panel["transformations"].items().enumerate() {
            if change["disabled"] == true {
                continue;
            }
            let options = &change["options"];
            let at = format!("transformations/{index}/options");
            match change["id"].as_str() {
                Some("merge" | "limit" | "sortBy" | "filterByValue") => {}
                Some("filterFieldsByName") => {
                    let (include, exclude) = (&options["include"], &options["exclude"]);
                    let patterns = [include, exclude];
                    if patterns.iter().any(|part| !part["pattern"].is_null())
                        || options["byVariable"] == true
                    {
                        return found;
                    }
                    let kept = |name: &String| {
                        let wanted = include["names"].is_null()
                            || include["names"].texts().any(|one| one == name);
                        wanted && !exclude["names"].texts().any(|one| one == name)
                    };
                    columns.retain(kept);
                    if !labels.is_empty() && !labels.iter().any(kept) {
                        found.push(self.wrong(
                            at,
                            format!(
                                "`{}` takes every label away: no row can be told from another",
                                self.title()
                            ),
                            "keep the column that names the service",
                        ));
                        return found;
                    }
                    labels.retain(kept);
                    values.retain(kept);
                }
                Some("organize") => {
                    let excluded = |name: &str| options["excludeByName"][name] == true;
                    for (name, _) in options["renameByName"].entries() {
                        let key = format!("{at}/renameByName/{}", step(name));
                        // A name for what is not there is idle, unless something there was meant.
                        let near = || nearest(name, columns.iter().map(String::as_str));
                        if !columns.contains(name) {
                            found.extend(near().map(|near| self.wrong(
                                key,
                                format!("`{}` gives a name to `{name}`, a column that it does not have", self.title()),
                                format!("did you mean `{near}`?"),
                            )));
                        } else if excluded(name) {
                            found.push(self.wrong(
                                format!("{at}/excludeByName/{}", step(name)),
                                format!(
                                    "`{}` takes the column `{name}` away and gives it a name",
                                    self.title()
                                ),
                                "show it, or leave it out of the names",
                            ));
                        }
                    }
                    // The value of a query is all that it adds to the others.
                    if several {
                        for value in values.iter().filter(|value| excluded(value)) {
                            found.push(self.wrong(
                                format!("{at}/excludeByName/{}", step(value)),
                                format!("`{}` asks for `{value}` and takes it away", self.title()),
                                "show it, or remove the query",
                            ));
                        }
                    }
                    let kept = columns.iter().filter(|name| !excluded(name));
                    let renamed = kept.map(|name| {
                        let new = options["renameByName"][name.as_str()].as_str();
                        let label = labels.contains(name);
                        (
                            label,
                            new.filter(|new| !new.is_empty())
                                .unwrap_or(name)
                                .to_string(),
                        )
                    });
                    let renamed: Vec<(bool, String)> = renamed.collect();
                    for (name, new) in options["renameByName"].entries() {
                        let new = new.as_str().unwrap_or_default().to_string();
                        if let Some(label) = origins.remove(name) {
                            origins.insert(new.clone(), label);
                        }
                        given.insert(new);
                    }
                    let told_apart = renamed.iter().any(|(label, _)| *label);
                    if found.is_empty() && !labels.is_empty() && !told_apart {
                        found.push(self.wrong(
                            format!("{at}/excludeByName"),
                            format!(
                                "`{}` takes every label away: no row can be told from another",
                                self.title()
                            ),
                            "keep the column that names the service",
                        ));
                    }
                    labels = renamed
                        .iter()
                        .filter(|(label, _)| *label)
                        .map(|(_, name)| name.clone())
                        .collect();
                    columns = renamed.into_iter().map(|(_, name)| name).collect();
                    values.retain(|value| columns.contains(value));
                }
                _ => return found,
            }
        }
        if !found.is_empty() {
            return found;
        }
        let known = || columns.iter().map(String::as_str);
        found.extend(self.hidden(&given));
        found.extend(self.links(&columns, &origins, &all));
        for (index, matcher) in self.overrides() {
            let name = matcher["options"].as_str().unwrap_or_default();
            let met = match matcher["id"].as_str() {
                Some("byName") => columns.contains(name),
                Some("byRegexp") => match Regex::new(&script(name)) {
                    Ok(pattern) => columns
                        .iter()
                        .any(|column| pattern.is_match(column.as_str())),
                    Err(_) => true,
                },
                _ => true,
            };
            if !met {
                found.push(self.wrong(
                    format!("fieldConfig/overrides/{index}/matcher/options"),
                    format!("`{}` has no column `{name}` to change", self.title()),
                    suggestion(name, known()),
                ));
            }
        }
        for (index, sort) in self.panel["options"]["sortBy"].items().enumerate() {
            let name = sort["displayName"].as_str().unwrap_or_default();
            if !name.is_empty() && !columns.contains(name) {
                found.push(self.wrong(
                    format!("options/sortBy/{index}/displayName"),
                    format!(
                        "`{}` is sorted by `{name}`, a column that it does not have",
                        self.title()
                    ),
                    suggestion(name, known()),
                ));
            }
        }
        found
    }

    /// Columns that somebody has named, and hides.
    fn hidden(&self, given: &BTreeSet<String>) -> Vec<Diagnostic> {
        let overrides = self.panel["fieldConfig"]["overrides"].items().enumerate();
        let mut found = Vec::new();
        for (index, change) in overrides {
            let name = change["matcher"]["options"].as_str().unwrap_or_default();
            for (number, property) in change["properties"].items().enumerate() {
                let hides = property["id"] == "custom.hidden" && property["value"] == true;
                if hides && change["matcher"]["id"] == "byName" && given.contains(name) {
                    found.push(self.wrong(
                        format!("fieldConfig/overrides/{index}/properties/{number}/value"),
                        format!(
                            "`{}` gives the column `{name}` its name and hides it",
                            self.title()
                        ),
                        "show it, or leave it out of the names",
                    ));
                }
            }
        }
        found
    }

    /// Links of columns: what they read of the row is there, and is what they pass it on as.
    fn links(
        &self,
        columns: &BTreeSet<String>,
        origins: &HashMap<String, String>,
        series: &[SeriesSet],
    ) -> Vec<Diagnostic> {
        let mut found = Vec::new();
        for (index, change) in self.panel["fieldConfig"]["overrides"].items().enumerate() {
            let column = change["matcher"]["options"]
                .as_str()
                .filter(|_| change["matcher"]["id"] == "byName");
            for (number, property) in change["properties"].items().enumerate() {
                let links = property["value"].items().enumerate();
                for (link, value) in links.filter(|_| property["id"] == "links") {
                    let url = value["url"].as_str().unwrap_or_default();
                    let at = format!(
                        "fieldConfig/overrides/{index}/properties/{number}/value/{link}/url"
                    );
                    for (_, written) in variables(url) {
                        if let Some(field) =
                            field(written).filter(|field| !columns.contains(*field))
                        {
                            found.push(self.wrong(
                                at.clone(),
                                format!("`{}` has no column `{field}` for the link", self.title()),
                                suggestion(field, columns.iter().map(String::as_str)),
                            ));
                        }
                    }
                    for (name, passed) in parts(url) {
                        let own = matches!(passed, "${__value.raw}" | "${__value.text}");
                        let from = field(passed).or(column.filter(|_| own));
                        let label = from.and_then(|from| origins.get(from));
                        // A column that is no label holds a number or a time.
                        if let Some(from) =
                            from.filter(|from| label.is_none() && columns.contains(*from))
                        {
                            found.push(self.wrong(
                                at.clone(),
                                format!("the number in `{from}` is passed on as `{name}`"),
                                "pass the column that the variable lists",
                            ));
                        }
                        let wrong =
                            label.and_then(|label| refused(self.stack, url, name, label, series));
                        found.extend(wrong.map(|wrong| {
                            self.wrong(at.clone(), wrong, "pass the label that the variable lists")
                        }));
                    }
                }
            }
        }
        found
    }

    /// Whether it picks fields by their names, or gives them others.
    fn names_matter(&self) -> bool {
        let options = &self.panel["options"];
        let picks = options["reduceOptions"]["fields"].as_str();
        let mut overrides = self.panel["fieldConfig"]["overrides"].items();
        let mut changes = self.panel["transformations"].items();
        picks.is_some_and(|fields| !fields.is_empty())
            || options["textMode"] == "name"
            || changes.any(|change| change["id"] == "renameByRegex")
            || overrides.any(|change| {
                let mut properties = change["properties"].items();
                properties.any(|property| property["id"] == "displayName")
            })
    }

    /// The query and the name of each line, tile and bar; None: some of them are not known.
    fn named(&self) -> Option<Vec<(&str, String)>> {
        if self.panel["type"] == "table"
            || self.panel["targets"].items().count() != self.queries.len()
            || !self.panel["fieldConfig"]["defaults"]["displayName"].is_null()
        {
            return None;
        }
        let mut found = Vec::new();
        for query in self.queries {
            let letter = query.target["refId"].as_str().unwrap_or_default();
            let names = names(query, &self.stack.contract)?;
            found.extend(names.into_iter().map(|name| (letter, name)));
        }
        Some(found)
    }

    fn transformed(&self) -> bool {
        let mut changes = self.panel["transformations"].items();
        changes.any(|change| change["disabled"] != true)
    }

    /// Tiles and bars of some of its fields alone.
    fn picked(&self, named: &[(&str, String)]) -> Option<Diagnostic> {
        let written = self.panel["options"]["reduceOptions"]["fields"].as_str()?;
        let pattern = built(written).filter(|_| !written.is_empty() && !self.transformed())?;
        let (shown, lost): (Vec<&str>, Vec<&str>) = named
            .iter()
            .map(|(_, name)| name.as_str())
            .partition(|name| pattern.is_match(*name));
        let first = lost.first()?;
        let words = ["title", "description"].map(|key| self.panel[key].as_str());
        let words = words.into_iter().flatten().collect::<Vec<_>>();
        let words = words.join(" ").to_lowercase();
        let said = |name: &&str| words.contains(&name.to_lowercase());
        (shown.is_empty() || !shown.iter().all(said)).then(|| {
            self.wrong(
                "options/reduceOptions/fields".to_string(),
                format!("`{}` leaves out `{first}`, which it asks for", self.title()),
                "write \"\", which is all numbers, or say in the title which are shown",
            )
        })
    }

    /// A tile of one number that shows its name instead.
    fn unnumbered(&self, named: &[(&str, String)]) -> Option<Diagnostic> {
        let words = |key: &str| !self.panel["fieldConfig"]["defaults"][key].is_null();
        let name_alone = self.panel["type"] == "stat"
            && self.panel["options"]["textMode"] == "name"
            && named.len() == 1
            && !words("mappings");
        name_alone.then(|| {
            self.wrong(
                "options/textMode".to_string(),
                format!(
                    "`{}` shows the name of its number in its place",
                    self.title()
                ),
                "write `value`, or `value_and_name`",
            )
        })
    }

    /// Lines that are given the name of another, or one name for several.
    fn named_alike(&self, named: &[(&str, String)]) -> Option<Diagnostic> {
        let all: BTreeSet<&str> = named.iter().map(|(_, name)| name.as_str()).collect();
        let catalog = self.stack.catalog;
        let alike = |met: &BTreeSet<&str>, new: &str| {
            let one = met.iter().find(|name| **name != new)?;
            let other = || all.contains(new) && !met.contains(new);
            let service = || {
                catalog.service(new).is_some()
                    && catalog.service(one).is_some()
                    && !met.contains(new)
            };
            match () {
                () if met.len() > 1 => Some(format!(
                    "`{}` gives {} of its fields the one name `{new}`",
                    self.title(),
                    met.len()
                )),
                () if other() || service() => Some(format!(
                    "`{}` calls `{one}` `{new}`, which is another",
                    self.title()
                )),
                () => None,
            }
        };
        let overrides = self.panel["fieldConfig"]["overrides"].items().enumerate();
        for (index, change) in overrides {
            let met = named.iter();
            let met = met.filter(|(letter, name)| meets(&change["matcher"], name, letter));
            let met: BTreeSet<&str> = met.map(|(_, name)| name.as_str()).collect();
            for (number, property) in change["properties"].items().enumerate() {
                let new = property["value"].as_str().unwrap_or_default();
                let fixed = property["id"] == "displayName" && !new.is_empty();
                if let Some(message) = alike(&met, new).filter(|_| fixed && !new.contains('$')) {
                    return Some(self.wrong(
                        format!("fieldConfig/overrides/{index}/properties/{number}/value"),
                        message,
                        "leave each its own name",
                    ));
                }
            }
        }
        let mut changes = self.panel["transformations"].items().enumerate();
        let (index, change) = changes.find(|(_, change)| change["disabled"] != true)?;
        let options = &change["options"];
        let new = options["renamePattern"]
            .as_str()
            .filter(|new| change["id"] == "renameByRegex" && !new.contains('$'))?;
        let pattern = built(options["regex"].as_str()?)?;
        // With nothing of it in the new name, all that it takes as a whole become one.
        let whole = |name: &&str| {
            let found = pattern.find(*name);
            found.is_some_and(|found| found.range() == (0..name.len()))
        };
        let met = all.iter().copied().filter(whole).collect();
        alike(&met, new).map(|message| {
            self.wrong(
                format!("transformations/{index}/options/renamePattern"),
                message,
                "keep in the name what tells them apart: `$1`",
            )
        })
    }

    /// Whether everything is hidden where it would be drawn.
    fn invisible(&self) -> Option<Diagnostic> {
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
            let services = &self.stack.catalog.services;
            let service = services.iter().find(|service| {
                matcher["id"] == "byName" && matcher["options"] == service.name.as_str()
            });
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
    fn left_out(&self) -> Option<Diagnostic> {
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
    fn called_another(&self) -> Option<Diagnostic> {
        let catalog = self.stack.catalog;
        let known: BTreeSet<&str> = {
            let severities = catalog.alerts.iter().flat_map(Alert::severities);
            severities
                .chain(["firing", "pending", "critical", "warning", "info"])
                .collect()
        };
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
                    known.contains(value.as_str()) && known.contains(text) && text != value;
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
    fn timeless(&self) -> Option<Diagnostic> {
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
    fn numbers_passed(&self) -> Vec<Diagnostic> {
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

    /// The names of lines, tiles and bars, as far as legends tell.
    fn lines(&self) -> Vec<Diagnostic> {
        let mut found = Vec::new();
        let by_name = |(_, matcher): (usize, &Value)| {
            matches!(matcher["id"].as_str(), Some("byName" | "byRegexp"))
        };
        if self.panel["transformations"].items().next().is_some() || !self.overrides().any(by_name)
        {
            return found;
        }
        let mut names = Vec::new();
        for query in self.queries {
            let legend = query.target["legendFormat"].as_str().unwrap_or_default();
            if legend.is_empty() || legend == "__auto" || legend.contains('$') {
                return found;
            }
            let Some(series) = self.series(query) else {
                return found;
            };
            names.push(self.pattern(legend, series));
        }
        let names = Domain::Pattern(names.join("|"));
        let meets = |name: &str| {
            somewhere(&script(name)).is_none_or(|pattern| names.overlaps(&Domain::Pattern(pattern)))
        };
        // Patterns are written for all that may come: that some of them meet nothing here is no mistake.
        let some = self.overrides().any(|(_, matcher)| {
            matcher["id"] == "byRegexp" && meets(matcher["options"].as_str().unwrap_or_default())
        });
        for (index, matcher) in self.overrides() {
            let name = matcher["options"].as_str().unwrap_or_default();
            let met = match matcher["id"].as_str() {
                Some("byName") => names.holds(name),
                Some("byRegexp") => some || meets(name),
                _ => true,
            };
            if !met {
                found.push(self.wrong(
                    format!("fieldConfig/overrides/{index}/matcher/options"),
                    format!("nothing in `{}` is named `{name}`", self.title()),
                    "name what the legend gives",
                ));
            }
        }
        found
    }

    /// Every text that a legend can become.
    fn pattern(&self, legend: &str, series: &[SeriesSet]) -> String {
        let mut pattern = String::new();
        let mut rest = legend;
        while let Some((before, after)) = rest.split_once("{{") {
            let (label, after) = after.split_once("}}").unwrap_or((after, ""));
            pattern += &regex_syntax::escape(before);
            let contract = &self.stack.contract;
            let domains = contract.shared_domains(series, label.trim());
            let values = domains.iter().map(|domain| match &**domain {
                Domain::Values(values) => values
                    .iter()
                    .map(|value| regex_syntax::escape(value))
                    .collect::<Vec<_>>()
                    .join("|"),
                Domain::Pattern(pattern) => pattern.clone(),
            });
            let values: BTreeSet<String> = values.collect();
            pattern += &format!("(?:{})", values.into_iter().collect::<Vec<_>>().join("|"));
            rest = after;
        }
        pattern + &regex_syntax::escape(rest)
    }
}

/// What a query's lines can be called by their legend; None: it tells them apart by more than one label, or not by values that are known.
pub(super) fn names(query: &Expression, contract: &Contract) -> Option<BTreeSet<String>> {
    let legend = query.target["legendFormat"].as_str()?;
    if legend.is_empty() || legend == "__auto" || legend.contains('$') {
        return None;
    }
    let Some((before, rest)) = legend.split_once("{{") else {
        return Some(BTreeSet::from([legend.to_string()]));
    };
    let (label, after) = rest
        .split_once("}}")
        .filter(|(_, after)| !after.contains("{{"))?;
    let series = query.series(contract);
    let mut found = BTreeSet::new();
    for domain in contract.shared_domains(series, label.trim()) {
        let Domain::Values(values) = &*domain else {
            return None;
        };
        found.extend(values.iter().map(|value| format!("{before}{value}{after}")));
    }
    (!found.is_empty()).then_some(found)
}

/// The column of the row that a link reads: `${__data.fields.Name}`, `${__data.fields["Name"]}`.
fn field(written: &str) -> Option<&str> {
    let rest = written.strip_prefix("${__data.fields")?.strip_suffix('}')?;
    let name = match rest.strip_prefix('.') {
        Some(name) => name.split([':', '.']).next()?,
        None => rest.strip_prefix("[\"")?.split_once("\"]")?.0,
    };
    Some(name).filter(|name| !name.is_empty())
}

/// A pattern of a script as one of whole texts; None: it has more anchors than its ends.
fn somewhere(pattern: &str) -> Option<String> {
    let (begins, rest) = match pattern.strip_prefix('^') {
        Some(rest) => ("", rest),
        None => (".*", pattern),
    };
    let (rest, ends) = match rest.strip_suffix('$') {
        Some(rest) if !rest.ends_with('\\') => (rest, ""),
        _ => (rest, ".*"),
    };
    let anchored = rest.contains('^') && !rest.contains("[^") || rest.contains('$');
    (!anchored && !rest.contains("(?")).then(|| format!("{begins}(?:{rest}){ends}"))
}
