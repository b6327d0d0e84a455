//! Tiles: what is made of the values of a query is the value of now, or what the panel says of it.

use super::panel::Panel;
use crate::contract::domain::Domain;
use crate::diagnostic::Diagnostic;
use crate::stack::expressions::Expression;
use crate::stack::grafana::shown::Field;
use crate::value::Value;

/// Calculations that leave a single value what it is.
const OF_ONE_VALUE: [&str; 14] = [
    "lastNotNull",
    "last",
    "first",
    "firstNotNull",
    "min",
    "max",
    "mean",
    "sum",
    "median",
    "mode",
    "logmin",
    "allValues",
    "uniqueValues",
    "total",
];

/// Words for what a panel shows of a time that is over.
const PAST: [&str; 16] = [
    "mean",
    "average",
    "avg",
    "max",
    "min",
    "highest",
    "lowest",
    "peak",
    "most",
    "least",
    "worst",
    "best",
    "range",
    "over the",
    "time shown",
    "first",
];

impl Panel<'_, '_> {
    /// What is made of the one value that an instant query gives.
    pub(super) fn another_value_than_the_one(&self) -> Option<Diagnostic> {
        let instant = !self.queries.is_empty()
            && self
                .queries
                .iter()
                .all(|query| query.target["instant"] == true && query.target["range"] != true);
        let calcs = &self.panel["options"]["reduceOptions"]["calcs"];
        let percentile = |calc: &str| {
            calc.strip_prefix('p')
                .is_some_and(|rest| rest.parse::<u8>().is_ok())
        };
        let other = calcs
            .texts()
            .find(|calc| !OF_ONE_VALUE.contains(calc) && !percentile(calc))
            .filter(|_| instant)?;
        let message = format!(
            "`{}` shows `{other}` of a single value, and not the value",
            self.text("title")
        );
        Some(self.wrong(
            "options/reduceOptions/calcs",
            message,
            "write `lastNotNull`",
        ))
    }

    /// A colour or a word that tells how things are, of a number that was so at some time of the range.
    pub(super) fn past_shown_as_now(&self) -> Option<Diagnostic> {
        let ranged =
            |query: &&Expression| query.target["instant"] != true || query.target["range"] == true;
        let calcs = &self.panel["options"]["reduceOptions"]["calcs"];
        let calc = calcs
            .texts()
            .find(|calc| !["lastNotNull", "last"].contains(calc))?;
        let field = Field::of(self.panel, "", "");
        let tells = field.steps().len() > 1 && field.by_steps()
            || self.panel["fieldConfig"]["defaults"]["mappings"]
                .items()
                .next()
                .is_some();
        let said = format!("{} {}", self.text("title"), self.text("description")).to_lowercase();
        let said = PAST.iter().any(|word| said.contains(word));
        if !self.queries.iter().any(ranged) || said || !(tells || calc.starts_with("first")) {
            return None;
        }
        let message = format!(
            "`{}` shows the `{calc}` of the time shown as how things are now",
            self.text("title")
        );
        let help = "write `lastNotNull`, or say in the title what it is of";
        Some(self.wrong("options/reduceOptions/calcs", message, help))
    }

    /// A tile that shows when a value was measured in its place.
    pub(super) fn times_in_place_of_values(&self) -> Option<Diagnostic> {
        let fields = self.panel["options"]["reduceOptions"]["fields"].as_str()?;
        let pattern = fields
            .strip_prefix('/')
            .and_then(|rest| rest.strip_suffix('/'));
        let time = match pattern {
            Some(pattern) => Domain::Values(vec!["Time".to_string()])
                .example(&format!(".*(?:{pattern}).*"), true)
                .is_some_and(|_| pattern.contains("Time")),
            None => fields == "Time",
        };
        let message = format!("`{}` shows times, and not the values", self.text("title"));
        time.then(|| {
            let help = "leave it empty: that is every field with numbers";
            self.wrong("options/reduceOptions/fields", message, help)
        })
    }

    /// A ratio of nothing is no number.
    pub(super) fn number_where_nothing_is(&self) -> Option<Diagnostic> {
        let mut units = self.given("unit");
        if !units.any(|(unit, _)| matches!(unit.as_str(), Some("percentunit" | "percent"))) {
            return None;
        }
        let nothing = |mapping: &&Value| {
            let met = mapping["options"]["match"].as_str();
            mapping["type"] == "special" && matches!(met, Some("null" | "nan" | "null+nan"))
        };
        let mapped = self.given("mappings").flat_map(|(all, key)| {
            let mappings = all.items().filter(nothing);
            let texts =
                mappings.filter_map(|mapping| mapping["options"]["result"]["text"].as_str());
            texts.map(move |text| (text, key.clone()))
        });
        let absent = self.given("noValue");
        let absent = absent.filter_map(|(text, key)| Some((text.as_str()?, key)));
        let mut told = absent.chain(mapped);
        let number = |text: &str| {
            text.trim()
                .trim_end_matches('%')
                .trim()
                .parse::<f64>()
                .is_ok()
        };
        let (text, key) = told.find(|(text, _)| number(text))?;
        let message = format!(
            "`{}` shows {text} where there is no data",
            self.text("title")
        );
        let help = "say that there is none: a ratio of nothing is no number";
        Some(self.wrong(&key, message, help))
    }
}
