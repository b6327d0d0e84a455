//! The panel of what an alert compares: its line, its unit, and the numbers of its title are those of the alert.

use super::panel::Panel;
use super::{quantiles, times};
use crate::catalog::{Alert, Duration};
use crate::diagnostic::Diagnostic;
use crate::promql::Expr;
use crate::promql::engine::metric;
use crate::promql::walk::{ranges, selectors};
use crate::value::Value;
use regex_automata::meta::Regex;
use std::collections::BTreeSet;
use std::sync::LazyLock;

/// `quantile 0.99`, `30m ago`, `last 5m`.
static NUMBER: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(r"\bquantile ([01]?\.[0-9]+)|\b((?:[0-9]+(?:ms|[smhdwy]))+) ago\b|\blast ((?:[0-9]+(?:ms|[smhdwy]))+)\b")
        .expect("it is a pattern")
});

impl<'s> Panel<'_, 's> {
    /// The alert whose signal the panel asks for, and of which it says where it fires.
    fn told(&self) -> Option<&'s Alert> {
        let text = self.text("description");
        if !text.contains(" fires ") {
            return None;
        }
        let mut alerts = self.stack.catalog.alerts_on(self.read());
        alerts.find(|alert| text.contains(&format!("{} fires ", alert.name)))
    }

    fn read(&self) -> BTreeSet<&str> {
        let queries = self.queries.iter();
        let read = queries.flat_map(|query| selectors(&query.ast));
        read.filter_map(metric).collect()
    }

    /// What it asks for, and what that is recorded of.
    fn asked(&self) -> Vec<&Expr> {
        let read = self.read().into_iter();
        let recorded = read.flat_map(|name| self.stack.recording(name));
        let recorded = recorded.map(|loaded| &*loaded.rule.expr);
        let own = self.queries.iter().map(|query| &*query.ast);
        own.chain(recorded).collect()
    }

    /// It says above or below what its alert fires, and nothing is drawn there.
    pub(super) fn no_line_where_its_alert_fires(&self) -> Option<Diagnostic> {
        let alert = self.told()?;
        alert.branches.iter().find_map(|branch| branch.limit())?;
        let defaults = &self.panel["fieldConfig"]["defaults"];
        let overrides = self.panel["fieldConfig"]["overrides"].items();
        let mut overrides = overrides.flat_map(|one| one["properties"].items());
        let drawn = defaults["thresholds"]["steps"]
            .items()
            .any(|step| step["value"].is_number())
            || overrides.any(|one| one["id"] == "thresholds");
        let lines = self.panel["type"] == "timeseries" && !drawn;
        lines.then(|| {
            self.wrong(
                "fieldConfig/defaults/thresholds",
                format!(
                    "`{}` says where {} fires, and draws no line there",
                    self.text("title"),
                    alert.name
                ),
                "draw the threshold, or leave the sentence away",
            )
        })
    }

    /// What an alert compares in a unit is shown in none.
    pub(super) fn plain_number_of_a_unit(&self) -> Option<Diagnostic> {
        let alert = self.told()?;
        let unit = alert.unit.as_deref()?;
        // That of a kind: a threshold may be written in a unit that its metric does not say.
        let mut keys = alert.kind.keys.values();
        if alert.kind.unit.as_deref() != Some(unit) && !keys.any(|key| key["unit"] == unit) {
            return None;
        }
        let (named, words) = match unit {
            "ratio" => ("percentunit", "a ratio"),
            "seconds" => ("s", "seconds"),
            "bytes" => ("bytes", "bytes"),
            _ => return None,
        };
        let shown = self.panel["fieldConfig"]["defaults"]["unit"].as_str();
        let plain = ["", "none", "short"].contains(&shown.unwrap_or_default());
        let overrides = self.panel["fieldConfig"]["overrides"].items();
        let mut overrides = overrides.flat_map(|one| one["properties"].items());
        (plain && !overrides.any(|one| one["id"] == "unit")).then(|| {
            self.wrong(
                "fieldConfig/defaults/unit",
                format!(
                    "`{}` shows a plain number where {} compares {words}",
                    self.text("title"),
                    alert.name
                ),
                &format!("write the unit `{named}`"),
            )
        })
    }

    /// A quantile, or a time, that its title names and nothing that it shows is of.
    pub(super) fn number_of_another_alert(&self) -> Option<Diagnostic> {
        let title = self.text("title");
        let fixed =
            |query: &&&crate::stack::expressions::Expression| !query.written.contains("$__");
        if !NUMBER.is_match(title) || self.queries.iter().filter(fixed).count() < self.queries.len()
        {
            return None;
        }
        let asked = self.asked();
        NUMBER.captures_iter(title.as_bytes()).find_map(|captures| {
            let part = |group: usize| captures.get_group(group).map(|span| &title[span.range()]);
            let (said, there): (&str, Vec<String>) = if let Some(said) = part(1) {
                let mut all = Vec::new();
                asked
                    .iter()
                    .for_each(|expr| quantiles::asked_for(expr, &mut all));
                let number: f64 = said.parse().ok()?;
                if all.contains(&number) {
                    return None;
                }
                (said, all.iter().map(f64::to_string).collect())
            } else {
                let (said, ago) = part(2).map_or((part(3), false), |said| (Some(said), true));
                let said = said?;
                let mut all = Vec::new();
                for expr in &asked {
                    match ago {
                        true => times::looked_back(expr, Default::default(), &mut all),
                        false => all.extend(ranges(expr)),
                    }
                }
                let mut all: Vec<Duration> = all
                    .into_iter()
                    .filter(|length| !length.is_zero())
                    .map(|length| Duration(length.as_millis() as u64))
                    .collect();
                let meant = Duration::parse(said)?;
                if all.contains(&meant) {
                    return None;
                }
                all.dedup();
                (said, all.iter().map(Duration::to_string).collect())
            };
            let there = there.first()?;
            Some(self.wrong(
                "title",
                format!("`{title}` says {said}, and what it shows is of {there}"),
                "write the number that is asked for",
            ))
        })
    }

    /// A title that says the opposite of what its alert compares.
    pub(super) fn opposite_of_its_alert(&self) -> Option<Diagnostic> {
        let alert = self.told()?;
        let title = self.text("title").to_lowercase();
        let words = alert.kind.never_says.panel.iter();
        let mut words = words.filter(|word| {
            title
                .split(|c: char| !c.is_alphanumeric())
                .any(|part| part == *word)
        });
        let word = words.next()?;
        Some(self.wrong(
            "title",
            format!(
                "`{}` says `{word}`, and {} compares the opposite",
                self.text("title"),
                alert.name
            ),
            "call it what the alert compares",
        ))
    }

    /// One text for what is on both sides of a threshold: nobody sees on which side it is.
    pub(super) fn one_text_for_both_sides(&self) -> Option<Diagnostic> {
        let defaults = &self.panel["fieldConfig"]["defaults"];
        let steps = defaults["thresholds"]["steps"].items();
        let steps: Vec<(f64, &Value)> = steps
            .map(|step| {
                (
                    step["value"].as_f64().unwrap_or(f64::NEG_INFINITY),
                    &step["color"],
                )
            })
            .collect();
        let turns = steps.windows(2).filter(|pair| pair[0].1 != pair[1].1);
        let turns: Vec<f64> = turns.map(|pair| pair[1].0).collect();
        defaults["mappings"]
            .items()
            .enumerate()
            .find_map(|(index, mapping)| {
                let options = &mapping["options"];
                let text = options["result"]["text"]
                    .as_str()
                    .filter(|text| !text.is_empty())?;
                if mapping["type"] != "range" {
                    return None;
                }
                let from = options["from"].as_f64().unwrap_or(f64::NEG_INFINITY);
                let to = options["to"].as_f64().unwrap_or(f64::INFINITY);
                let turn = turns.iter().find(|turn| from < **turn && **turn <= to)?;
                Some(self.wrong(
                    &format!("fieldConfig/defaults/mappings/{index}"),
                    format!(
                        "`{}` reads `{text}` below {turn} and above it, where its colour turns",
                        self.text("title")
                    ),
                    "write a text for each side of the threshold",
                ))
            })
    }
}
