//! Panels against Grafana's documented model, because Grafana itself is not here: which keys each type knows.

use crate::catalogs::{self, STACKS};
use crate::{all_panels, name};
use monstack::value::Value;

/// Keys of every panel that asks something.
const PANEL: &str = "id type title description gridPos datasource links targets fieldConfig options transformations";
const DEFAULTS: &str = "unit min max noValue color thresholds mappings links custom";
const TARGET: &str = "refId datasource expr legendFormat format instant range";

/// (type, keys of options, keys of fieldConfig.defaults.custom).
const TYPES: [(&str, &str, &str); 5] = [
    (
        "timeseries",
        "legend tooltip",
        "fillOpacity showPoints stacking thresholdsStyle axisSoftMax",
    ),
    (
        "stat",
        "colorMode graphMode justifyMode orientation textMode reduceOptions",
        "",
    ),
    (
        "bargauge",
        "displayMode orientation showUnfilled valueMode minVizHeight minVizWidth reduceOptions",
        "",
    ),
    (
        "state-timeline",
        "mergeValues showValue alignValue rowHeight legend tooltip",
        "fillOpacity lineWidth",
    ),
    ("table", "showHeader sortBy footer", "align displayMode"),
];

/// (where it may stand, the values that Grafana 9 to 13 all know).
const VALUES: [(&str, &[&str]); 14] = [
    ("/options/colorMode", &["none", "value", "background"]),
    ("/options/graphMode", &["none", "area"]),
    ("/options/justifyMode", &["auto", "center"]),
    (
        "/options/textMode",
        &["auto", "value", "value_and_name", "name", "none"],
    ),
    ("/options/displayMode", &["basic", "gradient", "lcd"]),
    ("/options/valueMode", &["color", "text", "hidden"]),
    ("/options/showValue", &["auto", "always", "never"]),
    ("/options/alignValue", &["left", "center", "right"]),
    ("/options/legend/displayMode", &["list", "table"]),
    ("/options/legend/placement", &["bottom", "right"]),
    ("/options/tooltip/mode", &["single", "multi", "none"]),
    (
        "/fieldConfig/defaults/color/mode",
        &["thresholds", "palette-classic", "fixed"],
    ),
    (
        "/fieldConfig/defaults/custom/showPoints",
        &["auto", "always", "never"],
    ),
    (
        "/fieldConfig/defaults/custom/thresholdsStyle/mode",
        &["off", "line", "dashed", "area"],
    ),
];

/// Properties of overrides and ways to choose fields.
const PROPERTIES: &str =
    "color unit links mappings custom.displayMode custom.fillOpacity custom.width";
const MATCHERS: &str = "byName byRegexp byFrameRefID";
const TRANSFORMATIONS: &str = "organize merge";
const COLOURS: &str = "red green blue orange yellow text";

fn known(told: &str, value: &Value, keys: &str) {
    for key in value.as_object().into_iter().flatten().map(|(key, _)| key) {
        assert!(
            keys.split(' ').any(|known| known == key),
            "{told}: Grafana does not know {key:?}"
        );
    }
}

fn one_of(told: &str, value: &Value, words: &str) {
    assert!(
        value
            .as_str()
            .is_some_and(|word| words.split(' ').any(|known| known == word)),
        "{told}: {value} is none of {words}"
    );
}

fn check(told: &str, panel: &Value) {
    let (_, options, custom) = TYPES
        .iter()
        .find(|(kind, _, _)| panel["type"] == *kind)
        .unwrap_or_else(|| panic!("{told}: unknown type {}", panel["type"]));
    known(told, panel, PANEL);
    known(told, &panel["options"], options);
    known(told, &panel["fieldConfig"], "defaults overrides");
    known(told, &panel["fieldConfig"]["defaults"], DEFAULTS);
    known(told, &panel["fieldConfig"]["defaults"]["custom"], custom);
    for target in panel["targets"].as_array().unwrap() {
        known(told, target, TARGET);
        let asks = (target["instant"] == true, target["range"] == true);
        assert!(
            asks == (true, false) || asks == (false, true),
            "{told}: a query is either instant or over the range"
        );
    }
    for (pointer, words) in VALUES {
        if let Some(value) = panel.pointer(pointer) {
            one_of(told, value, &words.join(" "));
        }
    }
    if let Some(legend) = panel["options"].get("legend") {
        assert_eq!(
            legend["showLegend"], true,
            "{told}: the migration leaves panels inside rows alone"
        );
    }
    colours(told, panel);
    for change in panel["fieldConfig"]["overrides"].as_array().unwrap() {
        one_of(told, &change["matcher"]["id"], MATCHERS);
        for property in change["properties"].as_array().unwrap() {
            one_of(told, &property["id"], PROPERTIES);
        }
    }
    for transformation in panel["transformations"].as_array().into_iter().flatten() {
        one_of(told, &transformation["id"], TRANSFORMATIONS);
    }
}

/// Known colours; thresholds that start at the bottom and rise; a mapped state has a word beside its colour.
fn colours(told: &str, panel: &Value) {
    let defaults = &panel["fieldConfig"]["defaults"];
    if let Some(steps) = defaults["thresholds"]["steps"].as_array() {
        assert!(
            steps[0]["value"].is_null(),
            "{told}: the first step has no value"
        );
        let values: Vec<f64> = steps[1..]
            .iter()
            .map(|step| {
                step["value"]
                    .as_f64()
                    .unwrap_or_else(|| panic!("{told}: {step}"))
            })
            .collect();
        assert!(values.is_sorted_by(|a, b| a < b), "{told}: {values:?}");
        steps
            .iter()
            .for_each(|step| one_of(told, &step["color"], COLOURS));
    }
    for mapping in defaults["mappings"]
        .as_array()
        .into_iter()
        .flatten()
        .filter(|mapping| mapping["type"] == "value")
    {
        for (value, shown) in mapping["options"].as_object().unwrap() {
            one_of(told, &shown["color"], COLOURS);
            assert!(
                shown["text"].as_str().is_some_and(|text| !text.is_empty()),
                "{told}: {value} has a colour and no word"
            );
        }
    }
}

#[test]
fn every_panel_is_one_that_grafana_knows() {
    for (catalog, stack) in STACKS.iter() {
        for dashboard in stack.dashboards() {
            for panel in all_panels(dashboard) {
                let told = format!("{catalog}: {}", name(dashboard, panel));
                match panel["type"] == "row" {
                    true => known(&told, panel, "id type title collapsed gridPos panels"),
                    false => check(&told, panel),
                }
            }
        }
    }
}

#[test]
fn the_dashboard_has_the_keys_of_the_classic_model() {
    let keys = "uid title description id version schemaVersion editable graphTooltip refresh time timezone tags timepicker links annotations templating panels";
    for (catalog, stack) in STACKS.iter() {
        for dashboard in stack.dashboards() {
            known(catalog, dashboard, keys);
            assert!(dashboard["refresh"].is_string(), "{catalog}");
            let annotation = &dashboard["annotations"]["list"][0];
            assert_eq!(
                annotation["datasource"]["uid"], "${datasource}",
                "{catalog}"
            );
        }
    }
}

#[test]
fn links_lead_to_the_dashboard_that_is_generated() {
    for (catalog, stack) in STACKS.iter() {
        let wanted = format!("/d/{}?var-job=", stack.service["uid"].as_str().unwrap());
        let drawn = stack.text(&stack.path("overview")).matches("/d/").count();
        assert!(
            drawn > 5 && stack.text(&stack.path("overview")).matches(&wanted).count() == drawn,
            "{catalog}"
        );
    }
}

#[test]
fn the_source_is_the_one_that_dashboards_choose_and_no_range_is_too_short_for_it() {
    let stack = catalogs::stack("varied");
    let file = "monitoring/grafana/provisioning/datasources/prometheus.yml";
    let source = &monstack::yaml::parse(stack.text(file)).unwrap()["datasources"][0];
    let variable = &stack.overview["templating"]["list"][0]["current"];
    assert_eq!(
        (&source["name"], &source["uid"]),
        (&variable["text"], &variable["value"])
    );
    assert_eq!(
        (&source["uid"], &source["jsonData"]["timeInterval"]),
        (&"metrics".into(), &"30s".into())
    );
    let provider =
        &monstack::yaml::parse(stack.text("monitoring/grafana/provisioning/dashboards/shop.yml"))
            .unwrap()["providers"][0];
    assert_eq!(
        (&provider["allowUiUpdates"], &provider["folderUid"]),
        (&false.into(), &"shop".into())
    );
}
