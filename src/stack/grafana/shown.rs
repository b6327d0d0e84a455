//! What a panel makes of a value: the colour and the word that people see, worked out as Grafana does.

use super::GRAFANA;
use crate::json::plain;
use crate::value::Value;
use regex_automata::meta::Regex;
use std::cell::RefCell;
use std::collections::HashMap;
use std::rc::Rc;

thread_local! {
    /// Patterns of overrides and mappings come again with every series that is looked at.
    static BUILT: RefCell<HashMap<String, Option<Rc<Regex>>>> = RefCell::default();
}

/// How one field of a panel is shown: its defaults, and what overrides change for it.
pub(crate) struct Field<'a> {
    panel: &'a Value,
    /// Properties of the overrides that meet it, the last one winning.
    changes: Vec<&'a Value>,
}

/// What people see of a value.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Shown {
    pub(crate) colour: Option<String>,
    pub(crate) text: Option<String>,
}

/// Whether something reads as good news.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum News {
    Good,
    Bad,
    None,
}

/// Words by which people tell that all is well.
const WELL: [&str; 19] = [
    "UP",
    "OK",
    "OKAY",
    "HEALTHY",
    "GOOD",
    "WELL",
    "ALIVE",
    "RUNNING",
    "ONLINE",
    "NORMAL",
    "FINE",
    "SUCCESS",
    "PASS",
    "PASSED",
    "PASSING",
    "AVAILABLE",
    "OPERATIONAL",
    "READY",
    "GREEN",
];

/// And that it is not.
const ILL: [&str; 22] = [
    "DOWN",
    "DEAD",
    "FAIL",
    "FAILED",
    "FAILING",
    "FAILS",
    "FAILURE",
    "UNHEALTHY",
    "BAD",
    "OFFLINE",
    "CRITICAL",
    "ERROR",
    "ERRORS",
    "BROKEN",
    "UNAVAILABLE",
    "OUTAGE",
    "FIRING",
    "STOPPED",
    "UNREACHABLE",
    "VANISHED",
    "RED",
    "ILL",
];

/// The overrides of a panel that set something: where in the panel, what to, and which fields each meets.
pub(crate) fn overriding<'a>(
    panel: &'a Value,
    id: &str,
) -> impl Iterator<Item = (String, &'a Value, &'a Value)> {
    let overrides = panel["fieldConfig"]["overrides"].items().enumerate();
    overrides.filter_map(move |(index, change)| {
        let mut properties = change["properties"].items().enumerate();
        let (number, property) = properties.find(|(_, one)| one["id"] == id)?;
        let pointer = format!("fieldConfig/overrides/{index}/properties/{number}/value");
        Some((pointer, &property["value"], &change["matcher"]))
    })
}

impl<'a> Field<'a> {
    /// The field of a panel that a series becomes, by the name that it is shown under and the query it comes from.
    pub(crate) fn of(panel: &'a Value, name: &str, query: &str) -> Field<'a> {
        let overrides = panel["fieldConfig"]["overrides"].items();
        let met = overrides.filter(|change| meets(&change["matcher"], name, query));
        Field {
            panel,
            changes: met
                .flat_map(|change| change["properties"].items())
                .collect(),
        }
    }

    fn setting(&self, id: &str) -> &'a Value {
        let changed = self.changes.iter().rev().find(|change| change["id"] == id);
        changed.map_or(&self.panel["fieldConfig"]["defaults"][id], |change| {
            &change["value"]
        })
    }

    /// What its numbers are shown in.
    pub(crate) fn unit(&self) -> Option<&'a str> {
        self.setting("unit").as_str()
    }

    /// The steps of its thresholds, by value, the lowest without one; those that Grafana fills in where none are written.
    pub(crate) fn steps(&self) -> Vec<(Option<f64>, String)> {
        let written = self.setting("thresholds");
        if written.get("steps").is_none() {
            return vec![(None, "green".to_string()), (Some(80.0), "red".to_string())];
        }
        // In percent they are parts of the way from `min` to `max`.
        let bound = |key: &str, otherwise: f64| self.setting(key).as_f64().unwrap_or(otherwise);
        let (min, max) = (bound("min", 0.0), bound("max", 100.0));
        let percent = written["mode"] == "percentage";
        let step = |step: &Value| {
            let text = || plain(&step["value"]).parse().ok();
            let value = step["value"]
                .as_f64()
                .or_else(text)
                .map(|value| match percent {
                    true => min + value / 100.0 * (max - min),
                    false => value,
                });
            (
                value,
                step["color"].as_str().unwrap_or_default().to_string(),
            )
        };
        written["steps"].items().map(step).collect()
    }

    /// The colour of the step that a value has reached.
    fn step(&self, value: f64) -> Option<String> {
        let steps = self.steps();
        let mut reached = steps.first()?;
        for step in steps.iter().skip(1) {
            match step.0.is_some_and(|least| value >= least) {
                true => reached = step,
                // Steps are looked at in the order in which they are written.
                false => break,
            }
        }
        Some(reached.1.clone())
    }

    /// The colour of its steps at a value, drawn or as a line.
    pub(crate) fn colour_of(&self, value: f64) -> Option<String> {
        self.step(value)
    }

    /// What a value reads as, where a mapping says so; None: no value.
    fn mapping(&self, value: Option<f64>) -> Option<&'a Value> {
        let mut mappings = self.setting("mappings").items();
        mappings.find_map(|mapping| {
            let options = &mapping["options"];
            match (mapping["type"].as_str()?, value) {
                ("value", Some(value)) => options
                    .entries()
                    .find_map(|(key, result)| (key.trim().parse() == Ok(value)).then_some(result)),
                ("range", Some(value)) => {
                    let from = options["from"].as_f64().is_none_or(|from| value >= from);
                    let to = options["to"].as_f64().is_none_or(|to| value <= to);
                    (from && to).then(|| &options["result"])
                }
                ("regex", Some(value)) => built(options["pattern"].as_str()?)?
                    .is_match(value.to_string().as_str())
                    .then(|| &options["result"]),
                ("special", value) => {
                    let nan = value.is_some_and(f64::is_nan);
                    let met = match options["match"].as_str()? {
                        "null" => value.is_none(),
                        "nan" => nan,
                        "null+nan" => value.is_none() || nan,
                        _ => false,
                    };
                    met.then(|| &options["result"])
                }
                _ => None,
            }
        })
    }

    /// Whether it is drawn in the colours of its steps.
    pub(crate) fn by_steps(&self) -> bool {
        match self.setting("color")["mode"].as_str() {
            Some(mode) => mode == "thresholds",
            None => matches!(
                self.panel["type"].as_str(),
                Some("stat" | "gauge" | "bargauge" | "table")
            ),
        }
    }

    /// Whether lines or areas mark its steps.
    pub(crate) fn marks_steps(&self) -> bool {
        let style = self
            .changes
            .iter()
            .rev()
            .find(|change| change["id"] == "custom.thresholdsStyle");
        let style = style.map_or(
            &self.panel["fieldConfig"]["defaults"]["custom"]["thresholdsStyle"],
            |change| &change["value"],
        );
        style["mode"].as_str().is_some_and(|mode| mode != "off")
    }

    /// The one colour that it is drawn in, where one is given.
    pub(crate) fn fixed(&self) -> Option<String> {
        let colour = self.setting("color");
        let fixed = colour["fixedColor"]
            .as_str()
            .filter(|_| colour["mode"] == "fixed");
        fixed.map(str::to_string)
    }

    /// Whether an override takes it out of the drawing.
    pub(crate) fn hidden(&self) -> bool {
        let mut changes = self.changes.iter().rev();
        let change = changes.find(|change| change["id"] == "custom.hideFrom");
        change.is_some_and(|change| change["value"]["viz"] == true)
    }

    /// The end of its axis that is written.
    pub(crate) fn bound(&self, key: &str) -> Option<f64> {
        self.setting(key).as_f64()
    }

    /// What people see of a value; None: of no value.
    pub(crate) fn shown(&self, value: Option<f64>) -> Shown {
        let mapped = self.mapping(value);
        let word = |key: &str| mapped.and_then(|result| result[key].as_str());
        let no_value = || self.setting("noValue").as_str().filter(|_| value.is_none());
        let plain_text =
            self.panel["type"] == "stat" && self.panel["options"]["colorMode"] == "none";
        let colour = match (word("color"), value) {
            _ if plain_text => None,
            (Some(colour), _) => Some(colour.to_string()),
            (None, Some(value)) if self.by_steps() => self.step(value),
            (None, Some(_)) if self.setting("color")["mode"] == "fixed" => {
                self.setting("color")["fixedColor"]
                    .as_str()
                    .map(str::to_string)
            }
            _ => None,
        };
        Shown {
            colour,
            text: word("text").or_else(no_value).map(str::to_string),
        }
    }
}

/// A pattern of a script in the slashes that Grafana allows around it.
pub(crate) fn script(pattern: &str) -> String {
    let inside = pattern
        .strip_prefix('/')
        .and_then(|rest| rest.rsplit_once('/'))
        // With other flags it is no pattern of a script.
        .filter(|(_, flags)| flags.chars().all(|flag| "dgimsuvy".contains(flag)));
    match inside {
        Some((inside, flags)) if flags.contains('i') => format!("(?i){inside}"),
        Some((inside, _)) => inside.to_string(),
        None => pattern.to_string(),
    }
}

/// A pattern of a script; None: it is none.
pub(crate) fn built(pattern: &str) -> Option<Rc<Regex>> {
    BUILT.with_borrow_mut(|built| match built.get(pattern) {
        Some(known) => known.clone(),
        None => {
            let regex = Regex::new(&script(pattern)).ok().map(Rc::new);
            built.insert(pattern.to_string(), regex.clone());
            regex
        }
    })
}

/// Whether an override is for a field.
pub(crate) fn meets(matcher: &Value, name: &str, query: &str) -> bool {
    let options = &matcher["options"];
    match matcher["id"].as_str() {
        Some("byName") => options == name,
        Some("byNames") => options["names"].texts().any(|known| known == name),
        Some("byRegexp") => options
            .as_str()
            .and_then(built)
            .is_some_and(|pattern| pattern.is_match(name)),
        Some("byFrameRefID") => options == query,
        Some("byType") => options == "number",
        Some("numeric") => true,
        _ => false,
    }
}

impl Shown {
    /// What it tells people.
    pub(crate) fn news(&self) -> [News; 2] {
        let colour = self.colour.as_deref().map_or(News::None, colour);
        [colour, self.text.as_deref().map_or(News::None, word)]
    }

    pub(crate) fn tells(&self, news: News) -> bool {
        self.news().contains(&news)
    }

    /// `green UP`.
    pub(crate) fn described(&self) -> String {
        let words = [self.colour.as_deref(), self.text.as_deref()];
        words.into_iter().flatten().collect::<Vec<_>>().join(" ")
    }
}

/// What a colour says.
pub(crate) fn colour(name: &str) -> News {
    let lower = name.to_lowercase();
    if let Some(digits) = lower.strip_prefix('#') {
        let wide = digits.len() >= 6;
        let part = |index: usize| {
            let digit = |at: usize| digits.get(at..at + 1).unwrap_or("0");
            let text = match wide {
                true => format!("{}{}", digit(2 * index), digit(2 * index + 1)),
                false => digit(index).repeat(2),
            };
            f64::from(u8::from_str_radix(&text, 16).unwrap_or_default())
        };
        let (red, green, blue) = (part(0), part(1), part(2));
        return match () {
            () if green > 1.2 * red && green > 1.2 * blue => News::Good,
            () if red > 2.0 * green && red > 1.5 * blue => News::Bad,
            () => News::None,
        };
    }
    let hue = GRAFANA.hue(&lower);
    match hue {
        "green" | "lime" => News::Good,
        "red" | "crimson" | "firebrick" | "tomato" => News::Bad,
        hue if hue.ends_with("green") && !hue.starts_with("yellow") => News::Good,
        hue if hue.ends_with("red") => News::Bad,
        _ => News::None,
    }
}

/// What a word says; one that says both, or `not`, says nothing that could be wrong.
pub(crate) fn word(text: &str) -> News {
    let upper = text.to_uppercase();
    let words: Vec<&str> = upper
        .split(|c: char| !c.is_alphanumeric())
        .filter(|word| !word.is_empty())
        .collect();
    let has = |list: &[&str]| words.iter().any(|word| list.contains(word));
    match (has(&WELL), has(&ILL), has(&["NOT", "NO", "NEVER"])) {
        (true, false, false) => News::Good,
        (false, true, false) => News::Bad,
        _ => News::None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::value::json;

    #[test]
    fn colours_and_words_are_news() {
        for good in ["green", "dark-green", "#73BF69", "lime", "seagreen", "#0f0"] {
            assert_eq!(colour(good), News::Good, "{good}");
        }
        for bad in ["red", "semi-dark-red", "#F2495C", "darkred", "#c00"] {
            assert_eq!(colour(bad), News::Bad, "{bad}");
        }
        for none in ["orange", "text", "blue", "#FF9830", "transparent"] {
            assert_eq!(colour(none), News::None, "{none}");
        }
        assert_eq!(word("Up"), News::Good);
        assert_eq!(word("UNHEALTHY"), News::Bad);
        assert_eq!(word("UP, NOT PROBED"), News::None);
    }

    #[test]
    fn a_mapping_comes_before_the_steps_and_an_override_before_both() {
        let panel = json!({"type": "stat", "fieldConfig": {
            "defaults": {
                "thresholds": {"steps": [{"color": "red", "value": null}, {"color": "green", "value": 1}]},
                "mappings": [{"type": "value", "options": {"0": {"text": "DOWN"}}},
                    {"type": "special", "options": {"match": "null", "result": {"text": "NO DATA", "color": "text"}}}],
            },
            "overrides": [{"matcher": {"id": "byName", "options": "odd"},
                "properties": [{"id": "mappings", "value": []}]}],
        }});
        let shown = |name: &str, value| Field::of(&panel, name, "A").shown(value).described();
        assert_eq!(shown("x", Some(1.0)), "green");
        assert_eq!(shown("x", Some(0.0)), "red DOWN");
        assert_eq!(shown("x", None), "text NO DATA");
        assert_eq!(shown("odd", Some(0.0)), "red");
    }
}
