//! What is drawn of the same numbers: a panel with a name of monstack's own that hides some of them, or what tells them apart.

use crate::catalog::Duration;
use crate::contract::Contract;
use crate::contract::evaluate::nodes;
use crate::promql::engine::{NAME, metric};
use crate::promql::matchers::picks;
use crate::promql::walk::{children, ranges, selectors};
use crate::promql::{Expr, VectorSelector};
use crate::stack::expressions::Expression;
use crate::stack::grafana::shown::Field;
use crate::value::Value;

/// States are small whole numbers.
const STATES: u8 = 8;

/// What an instant query finds may be so old; what happens between two points that are further apart is in none of them.
const LOOKBACK: f64 = 300.0;

/// With fewer points than these a course is none.
const FEW: f64 = 10.0;

/// Units that show a number as the same, however they write it.
const SIZES: [&[&str]; 9] = [
    &["s", "dtdurations", "clocks", "dthms", "dtdhms"],
    &["ms", "dtdurationms", "clockms"],
    &["µs"],
    &["m"],
    &["bytes", "decbytes"],
    &["kbytes", "deckbytes"],
    &["mbytes", "decmbytes"],
    &["percentunit"],
    &["percent"],
];

/// Panels with an axis or a scale that ends.
const SCALED: [&str; 5] = ["timeseries", "barchart", "bargauge", "gauge", "trend"];

/// Panels in which each state has its colour, and that are nothing without.
const OF_STATES: [&str; 2] = ["state-timeline", "status-history"];

/// Words on an axis for a unit: what it measures, and the units that are written so.
const ON_AXES: [(&str, &[&str]); 9] = [
    ("milliseconds", &["ms"]),
    ("microseconds", &["µs"]),
    ("seconds", &["s", "dtdurations", "clocks"]),
    ("minutes", &["m"]),
    ("hours", &["h"]),
    ("kilobytes", &["kbytes", "deckbytes"]),
    ("megabytes", &["mbytes", "decmbytes"]),
    ("bytes", &["bytes", "decbytes"]),
    ("percent", &["percent", "percentunit"]),
];

/// One panel, and what it asks.
pub(super) struct Drawn<'a> {
    pub(super) panel: &'a Value,
    /// Monstack's own of its name.
    pub(super) meant: &'a Value,
    pub(super) expressions: &'a [&'a Expression<'a>],
    pub(super) contract: &'a Contract,
    /// How many seconds the dashboard shows.
    pub(super) range: Option<f64>,
}

impl Drawn<'_> {
    fn kind(&self) -> &str {
        self.panel["type"].as_str().unwrap_or_default()
    }

    fn both(&self, pointer: &str) -> [&Value; 2] {
        [self.panel, self.meant].map(|one| one.pointer(pointer).unwrap_or(&Value::Null))
    }

    /// A key that hides what monstack's own shows, and what it does.
    pub(super) fn otherwise(&self) -> Option<(String, String)> {
        self.upside_down()
            .or_else(|| self.cut())
            .or_else(|| self.below_its_line())
            .or_else(|| self.hidden())
            .or_else(|| self.bridged())
            .or_else(|| self.colourless())
            .or_else(|| self.of_two_units())
            .or_else(|| self.stepped())
            .or_else(|| self.skipped())
            .or_else(|| self.nameless())
            .or_else(|| self.without_colours())
            .or_else(|| self.without_words())
            .or_else(|| self.dated())
            .or_else(|| self.of_another_axis())
            .or_else(|| self.measured())
    }

    fn upside_down(&self) -> Option<(String, String)> {
        let [said, own] = self.both("/fieldConfig/defaults/custom/transform");
        (said == "negative-Y" && own != said).then(|| {
            let key = "fieldConfig/defaults/custom/transform";
            (key.to_string(), "draws its values below zero".to_string())
        })
    }

    /// An end of the axis beyond which values are.
    fn cut(&self) -> Option<(String, String)> {
        let [said, own] = self.both("/fieldConfig/defaults/max");
        let max = said.as_f64().filter(|_| SCALED.contains(&self.kind()))?;
        let narrower = own.as_f64().is_none_or(|own| max < own);
        let endless = |expression: &&&Expression| {
            let whole = nodes(&expression.ast, self.contract).pop();
            let bounds = whole.and_then(|whole| whole.bounds);
            bounds.is_some_and(|bounds| bounds.most.is_infinite())
        };
        (narrower && self.expressions.iter().any(|one| endless(&one))).then(|| {
            let message = format!("ends its axis at {max}, and its values may be any higher");
            ("fieldConfig/defaults/max".to_string(), message)
        })
    }

    /// An axis that ends below the line at which an alert fires.
    fn below_its_line(&self) -> Option<(String, String)> {
        let [said, own] = self.both("/fieldConfig/defaults/max");
        let max = said.as_f64().filter(|_| SCALED.contains(&self.kind()))?;
        let narrower = own.as_f64().is_none_or(|own| max < own);
        let steps = Field::of(self.panel, "", "").steps();
        let mut steps = steps.into_iter().filter_map(|(value, _)| value);
        let beyond = steps.find(|step| *step > max).filter(|_| narrower)?;
        let message = format!("ends its axis at {max}, and changes its colour at {beyond}");
        Some(("fieldConfig/defaults/max".to_string(), message))
    }

    /// One of its lines that is not drawn.
    fn hidden(&self) -> Option<(String, String)> {
        let lost = self.expressions.iter().find_map(|one| {
            let name = one.target["legendFormat"].as_str().unwrap_or_default();
            let query = one.target["refId"].as_str().unwrap_or_default();
            let [now, own] =
                [self.panel, self.meant].map(|one| Field::of(one, name, query).hidden());
            (now && !own).then_some(name)
        })?;
        let message = format!("does not draw `{lost}`");
        Some(("fieldConfig/overrides".to_string(), message))
    }

    /// A line through the time in which nothing was measured.
    fn bridged(&self) -> Option<(String, String)> {
        let [said, own] = self.both("/fieldConfig/defaults/custom/spanNulls");
        (*said == true && own != said).then(|| {
            let key = "fieldConfig/defaults/custom/spanNulls";
            let message = "draws a line through every outage, as if something had been measured";
            (key.to_string(), message.to_string())
        })
    }

    /// Colours that say how bad it is, and that nothing is shown in.
    fn colourless(&self) -> Option<(String, String)> {
        let [said, own] = self.both("/options/colorMode");
        let coloured = Field::of(self.panel, "", "").steps().len() > 1;
        (*said == "none" && own != said && coloured).then(|| {
            let message = "is never red: its colours are not shown";
            ("options/colorMode".to_string(), message.to_string())
        })
    }

    /// A line in a unit of another size than its numbers.
    fn of_two_units(&self) -> Option<(String, String)> {
        let size = |unit: &str| SIZES.iter().position(|units| units.contains(&unit));
        let wrong = self.expressions.iter().find_map(|one| {
            let name = one.target["legendFormat"].as_str().unwrap_or_default();
            let query = one.target["refId"].as_str().unwrap_or_default();
            let [now, own] = [self.panel, self.meant].map(|one| Field::of(one, name, query).unit());
            let (now, own) = (now?, own?);
            let differs = size(now)? != size(own)?;
            (differs && self.panel["fieldConfig"]["defaults"]["unit"] != now)
                .then(|| format!("shows `{name}` as `{now}`, and its numbers are `{own}`"))
        })?;
        Some(("fieldConfig/overrides".to_string(), wrong))
    }

    /// So few points that what lasts some minutes is lost in their averages.
    fn stepped(&self) -> Option<(String, String)> {
        let range = self.range?;
        let seconds = |value: &Value| Duration::parse(value.as_str()?).map(Duration::seconds);
        let courses = ["timeseries", "state-timeline", "status-history", "trend"];
        if !courses.contains(&self.kind()) {
            return None;
        }
        let of_query = self.expressions.iter().find_map(|one| {
            let apart = seconds(&one.target["interval"])?;
            Some((apart, "targets".to_string()))
        });
        let [said, own] = self.both("/interval");
        let of_panel = seconds(said).filter(|_| own != said);
        let of_panel = of_panel.map(|apart| (apart, "interval".to_string()));
        let [said, own] = self.both("/maxDataPoints");
        let of_points = said.as_f64().filter(|_| own != said);
        let of_points =
            of_points.map(|points| (range / points.max(1.0), "maxDataPoints".to_string()));
        let all = [of_query, of_panel, of_points].into_iter().flatten();
        let (apart, key) = all.reduce(|one, other| if other.0 > one.0 { other } else { one })?;
        let points = range / apart;
        (points < FEW).then(|| {
            let message = format!(
                "draws a point every {:.0} minutes, {points:.0} in all: what lasts shorter is lost in an average",
                apart / 60.0
            );
            (key, message)
        })
    }

    /// Points that are further apart than what is asked at each of them reaches back.
    fn skipped(&self) -> Option<(String, String)> {
        let [said, own] = self.both("/maxDataPoints");
        let points = said.as_f64().filter(|_| own != said)?;
        let apart = self.range? / points.max(1.0);
        let blind = |expression: &&&Expression| {
            let steps = ["$__rate_interval", "$__interval"];
            let steps = steps
                .iter()
                .any(|window| expression.written.contains(window));
            let windows = ranges(&expression.ast);
            let windows = windows.iter().map(std::time::Duration::as_secs_f64);
            let reach = match of_an_instant(&expression.ast) {
                true => LOOKBACK,
                // Its windows are as long as its steps.
                false if steps => f64::INFINITY,
                false => windows.fold(LOOKBACK, f64::max),
            };
            expression.target["instant"] != true && reach < apart
        };
        let blind = self.expressions.iter().any(|one| blind(&one));
        blind.then(|| {
            let message = format!(
                "draws a point every {:.0} minutes, and what happens in between is in none of them",
                apart / 60.0
            );
            ("maxDataPoints".to_string(), message)
        })
    }

    /// Several lines that nothing names.
    fn nameless(&self) -> Option<(String, String)> {
        let [said, own] = self.both("/options/legend");
        let hidden =
            |legend: &Value| legend["showLegend"] == false || legend["displayMode"] == "hidden";
        let several = self.expressions.len() > 1
            || self.expressions.iter().any(|one| {
                let legend = one.target["legendFormat"].as_str();
                legend.is_some_and(|legend| legend.contains("{{"))
            });
        // A timeline writes the names at its rows; its legend is of the states.
        let named = OF_STATES.contains(&self.kind());
        (hidden(said) && !hidden(own) && several && !named).then(|| {
            let key = match said["showLegend"] == false {
                true => "options/legend/showLegend",
                false => "options/legend/displayMode",
            };
            (
                key.to_string(),
                "draws several lines and names none".to_string(),
            )
        })
    }

    /// States that are not seen.
    fn without_colours(&self) -> Option<(String, String)> {
        let [said, own] = self.both("/fieldConfig/defaults/custom/fillOpacity");
        (OF_STATES.contains(&self.kind()) && *said == 0 && own != said).then(|| {
            let key = "fieldConfig/defaults/custom/fillOpacity";
            (key.to_string(), "draws its states in no colour".to_string())
        })
    }

    /// A state that is a number, and a word in monstack's own.
    fn without_words(&self) -> Option<(String, String)> {
        let [field, own] = [self.panel, self.meant].map(|one| Field::of(one, "", ""));
        let word = |field: &Field, state: u8| field.shown(Some(f64::from(state))).text;
        let lost = (0..STATES).find_map(|state| {
            let own = word(&own, state).filter(|_| word(&field, state).is_none())?;
            Some((state, own))
        })?;
        let (state, word) = lost;
        Some((
            "fieldConfig/defaults/mappings".to_string(),
            format!("shows a {state} and not `{word}`"),
        ))
    }

    /// A time that is shown as the number of its milliseconds.
    fn dated(&self) -> Option<(String, String)> {
        let overrides = self.meant["fieldConfig"]["overrides"].items();
        let named = overrides.filter(|one| one["matcher"]["id"] == "byName");
        let mut names = named.filter_map(|one| one["matcher"]["options"].as_str());
        let shows = |name: &str| {
            let renamed = self.panel["transformations"].items();
            let mut renamed = renamed.flat_map(|step| step["options"]["renameByName"].entries());
            renamed.any(|(_, new)| new == name)
        };
        let date = |panel: &Value, name: &str| {
            let unit = Field::of(panel, name, "")
                .unit()
                .unwrap_or_default()
                .to_string();
            unit.starts_with("dateTime")
        };
        let lost =
            names.find(|name| shows(name) && date(self.meant, name) && !date(self.panel, name))?;
        Some((
            "fieldConfig/overrides".to_string(),
            format!("shows `{lost}`, which is a time, as a number"),
        ))
    }

    /// An axis that is called by a unit which its numbers are not in.
    fn of_another_axis(&self) -> Option<(String, String)> {
        let [said, own] = self.both("/fieldConfig/defaults/custom/axisLabel");
        let unit = self.panel["fieldConfig"]["defaults"]["unit"].as_str()?;
        let label = said.as_str().filter(|_| own != said)?.to_lowercase();
        let mut words = label.split(|c: char| !c.is_alphanumeric());
        let (word, units) = words.find_map(|word| {
            let one =
                |(name, _): &&(&str, _)| *name == word || name.strip_suffix('s') == Some(word);
            ON_AXES.iter().find(one)
        })?;
        let known = ON_AXES.iter().any(|(_, units)| units.contains(&unit));
        (known && !units.contains(&unit)).then(|| {
            let key = "fieldConfig/defaults/custom/axisLabel";
            let message = format!("calls its axis {word}, and its unit is `{unit}`");
            (key.to_string(), message)
        })
    }

    /// Numbers of any unit in one of them, or without the one that they have.
    fn measured(&self) -> Option<(String, String)> {
        let [said, own] = self
            .both("/fieldConfig/defaults/unit")
            .map(|unit| unit.as_str());
        let (said, own) = (said?, own?);
        let any = ["short", "none", ""];
        let key = "fieldConfig/defaults/unit".to_string();
        let ending = |unit: &str| match unit {
            "s" | "dtdurations" | "clocks" => Some("_seconds"),
            "bytes" | "decbytes" => Some("_bytes"),
            "percentunit" => Some("_ratio"),
            _ => None,
        };
        if any.contains(&own)
            && let Some(ending) = ending(said)
        {
            let all = self.expressions.iter().flat_map(|one| selectors(&one.ast));
            let mut read = all.flat_map(|selector| match metric(selector) {
                Some(name) => vec![name.to_string()],
                None => self
                    .contract
                    .names()
                    .filter(|name| picked(selector, name))
                    .map(str::to_string)
                    .collect(),
            });
            let other = read.find(|name| !name.contains(ending))?;
            return Some((key, format!("shows {other} as `{said}`")));
        }
        let title = self.panel["title"].as_str().unwrap_or_default();
        let label = self.both("/fieldConfig/defaults/custom/axisLabel")[0];
        let texts = format!("{title} {}", label.as_str().unwrap_or_default()).to_lowercase();
        let told = ON_AXES
            .iter()
            .any(|(word, _)| texts.contains(word.trim_end_matches('s')));
        (any.contains(&said) && ending(own).is_some() && !told)
            .then(|| (key, format!("leaves out the unit of its numbers, `{own}`")))
    }
}

/// Whether something is asked as it is at one instant.
fn of_an_instant(expr: &Expr) -> bool {
    match expr {
        Expr::VectorSelector(_) => true,
        Expr::MatrixSelector(_) | Expr::Subquery(_) => false,
        _ => children(expr).any(of_an_instant),
    }
}

/// Whether a selector without a name picks the series of a metric.
fn picked(selector: &VectorSelector, name: &str) -> bool {
    let mut named = selector
        .matchers
        .matchers
        .iter()
        .filter(|one| one.name == NAME)
        .peekable();
    named.peek().is_some() && named.all(|matcher| picks(matcher, name))
}
