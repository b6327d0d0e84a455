//! The lines of a panel: their names, and what picks them by those.

use super::{Panel, names};
use crate::contract::domain::Domain;
use crate::contract::series::SeriesSet;
use crate::diagnostic::Diagnostic;
use crate::stack::grafana::shown::{built, meets, script};
use crate::value::Value;
use std::collections::BTreeSet;

impl Panel<'_, '_> {
    /// The names of lines, tiles and bars, as far as legends tell.
    pub(super) fn lines(&self) -> Vec<Diagnostic> {
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
    pub(super) fn pattern(&self, legend: &str, series: &[SeriesSet]) -> String {
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

    /// Whether it picks fields by their names, or gives them others.
    pub(super) fn names_matter(&self) -> bool {
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
    pub(super) fn named(&self) -> Option<Vec<(&str, String)>> {
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

    pub(super) fn transformed(&self) -> bool {
        let mut changes = self.panel["transformations"].items();
        changes.any(|change| change["disabled"] != true)
    }

    /// Tiles and bars of some of its fields alone.
    pub(super) fn picked(&self, named: &[(&str, String)]) -> Option<Diagnostic> {
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
    pub(super) fn unnumbered(&self, named: &[(&str, String)]) -> Option<Diagnostic> {
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
    pub(super) fn named_alike(&self, named: &[(&str, String)]) -> Option<Diagnostic> {
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
