//! What people see of the same numbers: the colours, the words and the unit of a panel with a name of monstack's own.

use crate::stack::grafana::shown::{Field, News, colour, word};
use crate::value::Value;
use std::collections::BTreeMap;

/// States are small whole numbers.
const STATES: u8 = 8;

/// What is so many times a threshold is far beyond it.
const FAR: f64 = 1000.0;

/// Units by what they measure; `short` is of anything.
const UNITS: [(&str, &[&str]); 4] = [
    (
        "times",
        &[
            "ns",
            "µs",
            "ms",
            "s",
            "m",
            "h",
            "d",
            "dtdurations",
            "dtdurationms",
            "clocks",
            "clockms",
        ],
    ),
    (
        "sizes",
        &[
            "bytes",
            "decbytes",
            "bits",
            "decbits",
            "kbytes",
            "mbytes",
            "gbytes",
            "deckbytes",
            "decmbytes",
            "decgbytes",
        ],
    ),
    ("percentages", &["percent", "percentunit"]),
    ("numbers", &["none", "ops", "reqps"]),
];

/// A key of a panel that tells people another thing than monstack's own of that name does, and what it tells.
pub(super) fn otherwise(panel: &Value, meant: &Value) -> Option<(String, String)> {
    let same = queries(panel) == queries(meant);
    shifted(panel, meant)
        .or_else(|| good_in_place_of_bad(panel, meant))
        .or_else(|| nothing_as_good(panel, meant))
        .or_else(|| same.then(|| exchanged_words(panel, meant)).flatten())
        .or_else(|| same.then(|| exchanged_columns(panel, meant)).flatten())
        .or_else(|| same.then(|| of_another_unit(panel, meant)).flatten())
}

/// What a panel asks for.
pub(super) fn queries(panel: &Value) -> Vec<&str> {
    let targets = panel["targets"].items();
    targets
        .filter_map(|target| target["expr"].as_str())
        .collect()
}

fn shifted(panel: &Value, meant: &Value) -> Option<(String, String)> {
    let shift = panel["timeShift"]
        .as_str()
        .filter(|shift| !shift.is_empty())?;
    (meant["timeShift"] != shift).then(|| {
        (
            "timeShift".to_string(),
            format!("shows how things were {shift} ago"),
        )
    })
}

/// Green where monstack's own is red, far beyond the thresholds.
fn good_in_place_of_bad(panel: &Value, meant: &Value) -> Option<(String, String)> {
    let [field, own] = [panel, meant].map(|one| Field::of(one, "", ""));
    if !own.by_steps() {
        return None;
    }
    let thresholds = &panel["fieldConfig"]["defaults"]["thresholds"];
    let bounded = field.bound("min").is_some() && field.bound("max").is_some();
    if field.by_steps() && thresholds["mode"] == "percentage" && !bounded && field.steps().len() > 1
    {
        let what = "takes its colours from where a value is among those that are drawn";
        return Some((
            "fieldConfig/defaults/thresholds/mode".to_string(),
            what.to_string(),
        ));
    }
    let steps: Vec<f64> = own.steps().iter().filter_map(|(value, _)| *value).collect();
    let ends = [
        steps
            .iter()
            .copied()
            .reduce(f64::max)
            .map(|most| most.abs().max(1.0) * FAR),
        steps
            .iter()
            .copied()
            .reduce(f64::min)
            .map(|least| if least > 0.0 { 0.0 } else { least - 1.0 }),
    ];
    let tells = |field: &Field, value: f64, news: News| {
        let seen = field.shown(Some(value));
        seen.colour.as_deref().map(colour) == Some(news)
    };
    let value = ends
        .into_iter()
        .flatten()
        .find(|value| tells(&own, *value, News::Bad) && tells(&field, *value, News::Good))?;
    let key = match field.by_steps() {
        true => "fieldConfig/defaults/thresholds",
        false => "fieldConfig/defaults/color",
    };
    Some((
        key.to_string(),
        format!(
            "is {} at {value}",
            field.shown(Some(value)).colour.unwrap_or_default()
        ),
    ))
}

/// `OK` where no data is, unless alerts are counted: then nothing is what there should be.
fn nothing_as_good(panel: &Value, meant: &Value) -> Option<(String, String)> {
    if queries(panel).iter().any(|query| query.contains("ALERTS")) {
        return None;
    }
    let [seen, own] = [panel, meant].map(|one| Field::of(one, "", "").shown(None).text);
    let seen = seen.filter(|text| word(text) == News::Good && own.as_ref() != Some(text))?;
    Some((
        "fieldConfig/defaults/noValue".to_string(),
        format!("says `{seen}` where there is no data"),
    ))
}

/// Two states whose words are exchanged.
fn exchanged_words(panel: &Value, meant: &Value) -> Option<(String, String)> {
    let [said, own] = [panel, meant].map(|one| {
        let field = Field::of(one, "", "");
        let states = (0..=STATES).filter_map(|state| {
            let text = field.shown(Some(f64::from(state))).text?;
            Some((state.to_string(), text))
        });
        states.collect::<BTreeMap<_, _>>()
    });
    let (state, text) = exchanged(&said, &own)?;
    Some((
        "fieldConfig/defaults/mappings".to_string(),
        format!("calls {state} `{text}`, which is what another state is"),
    ))
}

/// Two columns of a table whose headings are exchanged.
fn exchanged_columns(panel: &Value, meant: &Value) -> Option<(String, String)> {
    let [said, own] = [panel, meant].map(|one| {
        let steps = one["transformations"].items();
        let renamed = steps.flat_map(|step| step["options"]["renameByName"].entries());
        let renamed =
            renamed.filter_map(|(name, new)| Some((name.clone(), new.as_str()?.to_string())));
        renamed.collect::<BTreeMap<_, _>>()
    });
    let (column, text) = exchanged(&said, &own)?;
    Some((
        "transformations".to_string(),
        format!("calls the column {column} `{text}`, which is what another one is"),
    ))
}

/// Something that has the word of another, which has another one itself.
fn exchanged<'a>(
    said: &'a BTreeMap<String, String>,
    own: &BTreeMap<String, String>,
) -> Option<(&'a String, &'a String)> {
    let is_own = |name: &String| said.get(name) == own.get(name);
    said.iter().find(|(name, text)| {
        let mut others = own.iter();
        own.contains_key(*name)
            && !is_own(name)
            && others.any(|(other, word)| word == *text && other != *name && !is_own(other))
    })
}

/// A unit of something else.
fn of_another_unit(panel: &Value, meant: &Value) -> Option<(String, String)> {
    let measures = |panel: &Value| {
        let unit = panel["fieldConfig"]["defaults"]["unit"].as_str()?;
        UNITS
            .iter()
            .find(|(_, units)| units.contains(&unit))
            .map(|(measures, _)| *measures)
    };
    let (shown, own) = (measures(panel)?, measures(meant)?);
    // Everything is a number too.
    (shown != own && shown != "numbers").then(|| {
        (
            "fieldConfig/defaults/unit".to_string(),
            format!("shows {own} as {shown}"),
        )
    })
}
