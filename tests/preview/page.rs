//! Pages with simulated data.

use crate::browser::Browser;
use crate::{BARE, SEED, folder, many, simulated};
use monstack::pipeline;
use monstack::value::Value;
use std::path::Path;

/// Every panel of the page: its type, title, place as declared, and as it is on screen relative to its grid.
const PANELS: &str = r#"[...document.querySelectorAll('.panel')].map(panel => {
    const box = panel.getBoundingClientRect(), grid = panel.parentElement.getBoundingClientRect();
    return {anchor: panel.id, type: panel.dataset.type, title: panel.querySelector('h4').innerText, place: panel.dataset.place.split(' ').map(Number),
        left: box.left - grid.left, top: box.top - grid.top, width: box.width, height: box.height, grid: grid.width, section: panel.parentElement.parentElement.id,
        body: panel.children.length > 1 && panel.children[1].getBoundingClientRect().height > 8,
        spilled: panel.scrollHeight > panel.clientHeight + 1 || panel.scrollWidth > panel.clientWidth + 1};
})"#;

/// Titles of the dashboards' panels by their anchors, from the rendered files.
fn declared(catalog: &str) -> Vec<(String, String, Vec<f64>)> {
    let outcome = pipeline::prove(catalog, Path::new(env!("CARGO_MANIFEST_DIR")))
        .expect("the machine is well");
    let rendered = outcome.rendered.expect("it rendered");
    let mut panels = Vec::new();
    for file in rendered
        .files
        .iter()
        .filter(|file| file.value["panels"].is_array())
    {
        let all = file.value["panels"].as_array().into_iter().flatten();
        let all = all.flat_map(|panel| {
            std::iter::once(panel).chain(panel["panels"].as_array().into_iter().flatten())
        });
        for panel in all.filter(|panel| panel["type"] != "row") {
            let anchor = format!(
                "{}-{}",
                file.value["uid"].as_str().expect("a uid"),
                panel["id"]
            );
            let place =
                ["x", "y", "w", "h"].map(|key| panel["gridPos"][key].as_f64().expect("a place"));
            panels.push((
                anchor,
                panel["title"].as_str().expect("a title").to_string(),
                place.to_vec(),
            ));
        }
    }
    panels
}

fn number(panel: &Value, key: &str) -> f64 {
    panel[key].as_f64().expect("a number")
}

fn opened(catalog: &str, name: &str, width: u32) -> (Browser, Vec<Value>) {
    let folder = folder(name);
    let page = folder.join("preview.html");
    std::fs::write(&page, simulated(catalog).html).expect("the page");
    let mut browser = Browser::open(&page, width, 1000, &folder);
    browser.evaluate("document.querySelectorAll('details.row').forEach(row => row.open = true)");
    let panels = browser.evaluate(PANELS).as_array().expect("panels").clone();
    (browser, panels)
}

/// Every panel is there, where the grid says, and covers no other; nothing runs over its edge.
fn well_placed(catalog: &str, panels: &[Value]) {
    let declared = declared(catalog);
    assert_eq!(panels.len(), declared.len());
    for (panel, (anchor, title, place)) in panels.iter().zip(&declared) {
        assert_eq!(panel["anchor"], anchor.as_str());
        assert_eq!(panel["title"], title.as_str());
        let column = (number(panel, "grid") + 8.0) / 24.0;
        let row = panel["place"][1].as_f64().expect("a row");
        for (key, wanted) in [
            ("left", place[0] * column),
            ("width", place[2] * column - 8.0),
            ("height", place[3] * 38.0 - 8.0),
            ("top", row * 38.0),
        ] {
            assert!(
                (number(panel, key) - wanted).abs() < 1.0,
                "{key} of {panel:#} is not {wanted}"
            );
        }
        assert_eq!(panel["body"], true, "`{title}` is empty");
        assert_eq!(panel["spilled"], false, "`{title}` runs over its edge");
    }
    for (index, one) in panels.iter().enumerate() {
        for other in panels[..index]
            .iter()
            .filter(|other| other["section"] == one["section"])
        {
            let apart = |low: &str, size: &str| {
                number(one, low) + number(one, size) <= number(other, low) + 0.5
                    || number(other, low) + number(other, size) <= number(one, low) + 0.5
            };
            assert!(
                apart("left", "width") || apart("top", "height"),
                "{} covers {}",
                one["title"],
                other["title"]
            );
        }
    }
}

#[test]
fn every_panel_is_at_its_place_and_nothing_leaves_the_page() {
    for width in [1280, 1920] {
        let (browser, panels) = opened(SEED, &format!("seed-{width}"), width);
        well_placed(SEED, &panels);
        assert_eq!(browser.console, Vec::<String>::new());
        let strangers: Vec<&String> = browser
            .requests
            .iter()
            .filter(|url| !url.starts_with("file://") && !url.starts_with("data:"))
            .collect();
        assert!(strangers.is_empty(), "{strangers:?}");
        assert_eq!(
            browser
                .requests
                .iter()
                .filter(|url| url.starts_with("file://"))
                .count(),
            1,
            "the page is one file: {:?}",
            browser.requests
        );
    }
}

#[test]
fn every_panel_of_our_dashboards_has_data() {
    let page = simulated(SEED);
    assert!(page.diagnostics.is_empty(), "{:#?}", page.diagnostics);
    assert_eq!((page.empty, page.quiet), (Vec::new(), Vec::new()));
}

#[test]
fn alerts_that_fire_are_marked_on_every_chart_and_named_once() {
    let (mut browser, _) = opened(SEED, "annotations", 1280);
    let marked = browser.evaluate(r##"[...document.querySelectorAll('svg.plot')].map(plot => plot.querySelectorAll('.annotation polyline').length)"##);
    let marked: Vec<u64> = marked
        .as_array()
        .expect("charts")
        .iter()
        .map(|count| count.as_u64().expect("a count"))
        .collect();
    assert!(
        marked[0] > 0
            && marked
                .iter()
                .all(|count| *count == marked[0] || *count == marked[marked.len() - 1]),
        "{marked:?}"
    );
    let said = browser
        .evaluate("document.querySelector('.dashboard .head').innerText")
        .to_string();
    assert!(
        said.contains("Marked in red on every chart: HighErrorRate rl-orchestrator 11:42 to 12:00"),
        "{said}"
    );
}

#[test]
fn the_page_is_the_same_wherever_it_is_made() {
    let root = env!("CARGO_MANIFEST_DIR");
    let made = |name: &str, zone: &str| {
        let page = folder(name).join("preview.html");
        let run = std::process::Command::new(env!("CARGO_BIN_EXE_monstack"))
            .args(["preview", "--root", root, "--output"])
            .arg(&page)
            .env("TZ", zone)
            .env("LANG", "tr_TR.UTF-8")
            .output();
        let run = run.expect("it runs");
        assert!(
            run.status.success(),
            "{}",
            String::from_utf8_lossy(&run.stderr)
        );
        std::fs::read(page).expect("the page")
    };
    assert!(
        made("one", "UTC") == made("two", "Pacific/Chatham"),
        "two runs differ"
    );
}

#[test]
fn the_themes_differ_and_can_be_chosen_without_script() {
    let (mut browser, _) = opened(SEED, "themes", 1280);
    let mut chosen = |theme: &str| {
        browser.evaluate(&format!("document.getElementById('theme-{theme}').click()"));
        browser.evaluate("getComputedStyle(document.body).backgroundColor")
    };
    assert_ne!(chosen("light"), chosen("dark"));
    assert_eq!(
        browser.evaluate("document.querySelectorAll('script').length"),
        0
    );
}

#[test]
fn the_page_can_be_heard_and_walked_through_by_keyboard() {
    let (mut browser, _) = opened(SEED, "heard", 1280);
    let counted =
        |browser: &mut Browser, script: &str| browser.evaluate(script).as_u64().expect("a number");
    for landmark in ["header", "nav[aria-label]", "main", "footer", "html[lang]"] {
        assert_eq!(
            counted(
                &mut browser,
                &format!("document.querySelectorAll('{landmark}').length")
            ),
            1,
            "{landmark}"
        );
    }
    let levels = browser.evaluate(
        "[...document.querySelectorAll('h1,h2,h3,h4')].map(heading => Number(heading.tagName[1]))",
    );
    let levels: Vec<u64> = levels
        .as_array()
        .expect("headings")
        .iter()
        .filter_map(Value::as_u64)
        .collect();
    assert!(
        levels.windows(2).all(|pair| pair[1] <= pair[0] + 1),
        "a heading's level is left out: {levels:?}"
    );
    let unnamed = "[...document.querySelectorAll('svg')].filter(svg => !svg.closest('[aria-hidden]') && !svg.parentElement.closest('svg') && !svg.getAttribute('aria-label')).length";
    assert_eq!(counted(&mut browser, unnamed), 0, "a drawing without words");
    assert!(
        counted(
            &mut browser,
            "document.querySelectorAll('table th[scope=col]').length"
        ) > 0
    );
    let lost = "[...document.querySelectorAll('.legend,.bars,.timeline,.table')].filter(one => one.scrollHeight > one.clientHeight + 1 && one.tabIndex < 0).length";
    assert_eq!(
        counted(&mut browser, lost),
        0,
        "something scrolls that no key reaches"
    );
    let doubled = "(() => { const ids = [...document.querySelectorAll('[id]')].map(one => one.id); return ids.length - new Set(ids).size })()";
    assert_eq!(counted(&mut browser, doubled), 0, "an id stands twice");
    let words = browser
        .evaluate("document.querySelector('.panel.timeseries .plot').getAttribute('aria-label')");
    assert!(
        words
            .as_str()
            .is_some_and(|words| words.contains(" now, from ")),
        "{words}"
    );
}

#[test]
fn titles_are_text_whatever_they_hold() {
    let (mut browser, panels) = opened(BARE, "bare", 1280);
    well_placed(BARE, &panels);
    assert_eq!(
        browser.evaluate("document.querySelector('h1').innerText"),
        "Ünï 'quoted' & <b> \"text\": dashboards"
    );
    assert_eq!(
        browser.evaluate("document.querySelectorAll('b,script').length"),
        0
    );
    assert!(
        browser
            .evaluate("document.body.innerText")
            .as_str()
            .is_some_and(|text| text.contains("<script>alert(1)</script> & more"))
    );
    assert_eq!(browser.console, Vec::<String>::new());
}

#[test]
fn a_hundred_services_stay_readable() {
    let catalog = many(10, 10);
    let (mut browser, panels) = opened(&catalog, "many", 1280);
    well_placed(&catalog, &panels);
    let most = browser.evaluate("Math.max(...[...document.querySelectorAll('.tiles,.bars,.legend,.timeline ul,tbody')].map(list => list.children.length))");
    assert!(
        most.as_u64().is_some_and(|most| most <= 51),
        "a list of {most}"
    );
}
