//! The columns of a table, followed through its transformations.

use super::Panel;
use crate::contract::series::SeriesSet;
use crate::diagnostic::{Diagnostic, nearest, suggestion};
use crate::promql::variables::variables;
use crate::proofs::dead_link::{parts, refused};
use crate::source::step;
use crate::stack::grafana::shown::script;
use crate::value::Value;
use regex_automata::meta::Regex;
use std::collections::{BTreeSet, HashMap};

/// The columns of a table, as far as its transformations have come.
#[derive(Default)]
struct Columns {
    all: BTreeSet<String>,
    /// Those that are labels, and those that are values.
    labels: BTreeSet<String>,
    values: BTreeSet<String>,
    /// Column → the label that it was.
    origins: HashMap<String, String>,
    /// The names that somebody has given.
    given: BTreeSet<String>,
}

impl Columns {
    /// Gives names, and leaves columns out; whether rows can still be told apart, where they could.
    fn rename(&mut self, names: &Value, excluded: impl Fn(&str) -> bool) -> bool {
        let new = |name: &String| {
            let new = names[name.as_str()].as_str().filter(|new| !new.is_empty());
            new.unwrap_or(name).to_string()
        };
        let kept = |name: &&String| !excluded(name);
        let labels: BTreeSet<String> = self.labels.iter().filter(kept).map(new).collect();
        self.all = self.all.iter().filter(kept).map(new).collect();
        for (name, new) in names.entries() {
            let new = new.as_str().unwrap_or_default().to_string();
            if let Some(label) = self.origins.remove(name) {
                self.origins.insert(new.clone(), label);
            }
            self.given.insert(new);
        }
        self.values.retain(|value| self.all.contains(value));
        let told_apart = self.labels.is_empty() || !labels.is_empty();
        self.labels = labels;
        told_apart
    }
}

impl Panel<'_, '_> {
    /// What is wrong with a table, until its columns are no longer known.
    pub(super) fn table(&self) -> Vec<Diagnostic> {
        let several = self.queries.len() > 1;
        if several && !self.joined() {
            return vec![self.wrong(
                "type".to_string(),
                format!(
                    "`{}` has several queries, and shows the table of one",
                    self.title()
                ),
                "merge them: a transformation",
            )];
        }
        let Some((mut columns, series)) = self.columns() else {
            return Vec::new();
        };
        for (index, change) in self.panel["transformations"].items().enumerate() {
            if change["disabled"] == true {
                continue;
            }
            let options = &change["options"];
            let at = format!("transformations/{index}/options");
            let wrong = match change["id"].as_str() {
                Some("merge" | "limit" | "sortBy" | "filterByValue") => continue,
                Some("filterFieldsByName") => self.filtered(options, at, &mut columns),
                Some("organize") => Some(self.organized(options, &at, &mut columns)),
                _ => None,
            };
            match wrong {
                Some(wrong) if wrong.is_empty() => {}
                wrong => return wrong.unwrap_or_default(),
            }
        }
        let mut found = self.hidden(&columns.given);
        found.extend(self.links(&columns.all, &columns.origins, &series));
        found.extend(self.not_there(&columns.all));
        found
    }

    /// Whether the tables of all queries become one.
    fn joined(&self) -> bool {
        let joins = [
            "merge",
            "joinByField",
            "seriesToColumns",
            "concatenate",
            "append",
            "filterByRefId",
        ];
        let mut changes = self.panel["transformations"].items();
        changes.any(|change| {
            let joins = change["id"].as_str().is_some_and(|id| joins.contains(&id));
            change["disabled"] != true && joins
        })
    }

    /// The columns that the queries give, and their series; None: of one it is not known what it gives.
    fn columns(&self) -> Option<(Columns, Vec<SeriesSet>)> {
        let mut columns = Columns::default();
        let mut all: Vec<SeriesSet> = Vec::new();
        for query in self.queries {
            let series = self.series(query)?;
            let labels = series.iter().flat_map(|series| series.names());
            columns.labels.extend(labels.map(str::to_string));
            all.extend_from_slice(series);
            let letter = query.target["refId"].as_str().unwrap_or_default();
            columns.values.insert(match self.queries.len() {
                1 => "Value".to_string(),
                _ => format!("Value #{letter}"),
            });
        }
        columns.all = BTreeSet::from(["Time".to_string()]);
        let both = columns.labels.iter().chain(&columns.values);
        columns.all.extend(both.cloned());
        let labels = columns.labels.iter();
        columns.origins = labels.map(|label| (label.clone(), label.clone())).collect();
        Some((columns, all))
    }

    /// Columns are left out by their names; None: which is not known.
    fn filtered(
        &self,
        options: &Value,
        at: String,
        columns: &mut Columns,
    ) -> Option<Vec<Diagnostic>> {
        let (include, exclude) = (&options["include"], &options["exclude"]);
        let patterns = [include, exclude];
        if patterns.iter().any(|part| !part["pattern"].is_null()) || options["byVariable"] == true {
            return None;
        }
        let kept = |name: &String| {
            let wanted =
                include["names"].is_null() || include["names"].texts().any(|one| one == name);
            wanted && !exclude["names"].texts().any(|one| one == name)
        };
        columns.all.retain(kept);
        if !columns.labels.is_empty() && !columns.labels.iter().any(kept) {
            return Some(vec![self.without_labels(at)]);
        }
        columns.labels.retain(kept);
        columns.values.retain(kept);
        Some(Vec::new())
    }

    /// Columns are left out and get other names.
    fn organized(&self, options: &Value, at: &str, columns: &mut Columns) -> Vec<Diagnostic> {
        let mut found = Vec::new();
        let excluded = |name: &str| options["excludeByName"][name] == true;
        for (name, _) in options["renameByName"].entries() {
            let key = format!("{at}/renameByName/{}", step(name));
            // A name for what is not there is idle, unless something there was meant.
            let near = || nearest(name, columns.all.iter().map(String::as_str));
            if !columns.all.contains(name) {
                found.extend(near().map(|near| {
                    self.wrong(
                        key,
                        format!(
                            "`{}` gives a name to `{name}`, a column that it does not have",
                            self.title()
                        ),
                        format!("did you mean `{near}`?"),
                    )
                }));
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
        let values = columns.values.iter().filter(|_| self.queries.len() > 1);
        for value in values.filter(|value| excluded(value)) {
            found.push(self.wrong(
                format!("{at}/excludeByName/{}", step(value)),
                format!("`{}` asks for `{value}` and takes it away", self.title()),
                "show it, or remove the query",
            ));
        }
        let told_apart = columns.rename(&options["renameByName"], excluded);
        if found.is_empty() && !told_apart {
            found.push(self.without_labels(format!("{at}/excludeByName")));
        }
        found
    }

    fn without_labels(&self, key: String) -> Diagnostic {
        self.wrong(
            key,
            format!(
                "`{}` takes every label away: no row can be told from another",
                self.title()
            ),
            "keep the column that names the service",
        )
    }

    /// Columns that overrides and the order name, and the table does not have.
    fn not_there(&self, columns: &BTreeSet<String>) -> Vec<Diagnostic> {
        let mut found = Vec::new();
        let known = || columns.iter().map(String::as_str);
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
