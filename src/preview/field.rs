//! How Grafana reads a value: the field's configuration with its overrides, mappings, thresholds and unit.

use super::colour::colour;
use super::units;
use crate::value::{Map, Value};
use regex_automata::meta::Regex;

/// What the configuration of one field says, overrides applied.
pub(crate) struct Field {
    settings: Value,
}

/// A value as it is shown.
#[derive(Clone, Debug, PartialEq, serde::Serialize)]
pub(crate) struct Shown {
    /// With its unit, or what a mapping says.
    pub text: String,
    /// The name of its colour.
    pub colour: &'static str,
}

/// A step of the thresholds.
pub(crate) struct Step {
    /// From this value on; None is the base.
    pub from: Option<f64>,
    /// The name of its colour.
    pub colour: &'static str,
}

impl Field {
    /// The field of one series: `name` as it is displayed, `reference` of its query.
    pub(crate) fn of(panel: &Value, name: &str, reference: &str) -> Field {
        let config = &panel["fieldConfig"];
        let mut settings = config["defaults"].clone();
        if !settings.is_object() {
            settings = Value::Object(Map::new());
        }
        for change in config["overrides"]
            .items()
            .filter(|change| concerns(&change["matcher"], name, reference))
        {
            for property in change["properties"].items() {
                set(
                    &mut settings,
                    property["id"].as_str().unwrap_or_default(),
                    property["value"].clone(),
                );
            }
        }
        Field { settings }
    }

    /// A setting by its JSON pointer.
    pub(crate) fn get(&self, pointer: &str) -> &Value {
        self.settings.pointer(pointer).unwrap_or(&Value::Null)
    }

    /// A number by its JSON pointer.
    pub(crate) fn number(&self, pointer: &str) -> Option<f64> {
        self.get(pointer).as_f64()
    }

    /// A value with its unit.
    pub(crate) fn formatted(&self, value: f64, now: i64) -> String {
        units::formatted(
            value,
            self.get("/unit").as_str().unwrap_or("none"),
            self.get("/decimals")
                .as_u64()
                .map(|decimals| decimals as usize),
            now,
        )
    }

    /// A value as it is shown: mapped, else with its unit.
    pub(crate) fn shown(&self, value: f64, now: i64) -> Shown {
        let mapped = self.mapped(&number_text(value), Some(value));
        let text = mapped
            .and_then(|result| result["text"].as_str())
            .map_or_else(|| self.formatted(value, now), str::to_string);
        let colour = mapped
            .and_then(|result| result["color"].as_str())
            .map_or_else(|| self.colour(value), colour);
        Shown { text, colour }
    }

    /// A text as it is shown.
    pub(crate) fn shown_text(&self, text: &str) -> Shown {
        let mapped = self.mapped(text, text.parse().ok());
        let shown = mapped
            .and_then(|result| result["text"].as_str())
            .unwrap_or(text);
        Shown {
            text: shown.to_string(),
            colour: mapped
                .and_then(|result| result["color"].as_str())
                .map_or("text", colour),
        }
    }

    /// What is shown where there is no value.
    pub(crate) fn missing(&self) -> Shown {
        let mapped = self.mapped("null", None);
        let text = mapped
            .and_then(|result| result["text"].as_str())
            .or(self.get("/noValue").as_str())
            .unwrap_or("No data");
        Shown {
            text: text.to_string(),
            colour: mapped
                .and_then(|result| result["color"].as_str())
                .map_or("text", colour),
        }
    }

    fn mapped(&self, text: &str, value: Option<f64>) -> Option<&Value> {
        self.get("/mappings")
            .as_array()?
            .iter()
            .find_map(|mapping| {
                let options = &mapping["options"];
                match mapping["type"].as_str()? {
                    "value" => options.get(text),
                    "range" => {
                        let value = value.filter(|value| value.is_finite())?;
                        let within = options["from"].as_f64().is_none_or(|from| value >= from)
                            && options["to"].as_f64().is_none_or(|to| value <= to);
                        within.then(|| &options["result"])
                    }
                    "special" => {
                        let special = options["match"].as_str()?;
                        let met = special == text
                            || (special == "null+nan" && ["null", "NaN"].contains(&text))
                            || (special == "empty" && text.is_empty());
                        met.then(|| &options["result"])
                    }
                    "regex" => regex(options["pattern"].as_str()?)?
                        .is_match(text)
                        .then(|| &options["result"]),
                    _ => None,
                }
            })
    }

    /// The colour of a value: of its threshold, or the one that is fixed.
    pub(crate) fn colour(&self, value: f64) -> &'static str {
        if let Some(fixed) = self.fixed() {
            return fixed;
        }
        if self
            .get("/color/mode")
            .as_str()
            .is_some_and(|mode| mode != "thresholds")
        {
            return "text";
        }
        let value = if self.get("/thresholds/mode") == "percentage" {
            100.0 * self.part(value)
        } else {
            value
        };
        self.steps()
            .iter()
            .rfind(|step| step.from.is_none_or(|from| value >= from))
            .map_or("text", |step| step.colour)
    }

    /// The colour that is the same for all values.
    pub(crate) fn fixed(&self) -> Option<&'static str> {
        (self.get("/color/mode") == "fixed").then(|| {
            self.get("/color/fixedColor")
                .as_str()
                .map_or("text", colour)
        })
    }

    /// Where a value lies between minimum and maximum, 0 to 1.
    pub(crate) fn part(&self, value: f64) -> f64 {
        let (low, high) = (
            self.number("/min").unwrap_or(0.0),
            self.number("/max").unwrap_or(100.0),
        );
        if high > low {
            ((value / 2.0 - low / 2.0) / (high / 2.0 - low / 2.0)).clamp(0.0, 1.0)
        } else {
            0.0
        }
    }

    /// The steps of the thresholds, lowest first.
    pub(crate) fn steps(&self) -> Vec<Step> {
        let steps = self.get("/thresholds/steps").items();
        steps
            .map(|step| Step {
                from: step["value"].as_f64(),
                colour: step["color"].as_str().map_or("text", colour),
            })
            .collect()
    }
}

/// As a value mapping writes it: `1`, not `1.0`.
fn number_text(value: f64) -> String {
    if value.is_nan() {
        "NaN".to_string()
    } else {
        value.to_string()
    }
}

fn concerns(matcher: &Value, name: &str, reference: &str) -> bool {
    let wanted = matcher["options"].as_str().unwrap_or_default();
    match matcher["id"].as_str() {
        Some("byName") => wanted == name,
        Some("byFrameRefID") => wanted == reference,
        Some("byRegexp") => regex(wanted).is_some_and(|regex| regex.is_match(name)),
        _ => false,
    }
}

/// `/pattern/` or `pattern`; found anywhere.
fn regex(written: &str) -> Option<Regex> {
    let pattern = written
        .strip_prefix('/')
        .and_then(|rest| rest.rsplit_once('/'))
        .map_or(written, |(pattern, _)| pattern);
    Regex::new(pattern).ok()
}

/// Sets `custom.width` and the like.
fn set(settings: &mut Value, id: &str, value: Value) {
    let mut place = settings;
    for key in id.split('.') {
        if !place.is_object() {
            *place = Value::Object(Map::new());
        }
        place = &mut place[key];
    }
    *place = value;
}
