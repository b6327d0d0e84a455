//! Dashboards → one HTML file. Its policy lets nothing in or out: no script at all, one style sheet by its hash.

use super::Preview;
use super::body::Body;
use super::colour::COLOURS;
use super::dashboard::{Dashboard, Panel, Place};
use super::plot::PALETTE;
use super::units::clock;
use crate::catalog::Catalog;
use crate::diagnostic::visible;
use anyhow::{Context, Result};
use base64::Engine;
use minijinja::syntax::SyntaxConfig;
use minijinja::value::{Serde, Value};
use minijinja::{Environment, context};
use serde::Serialize;
use sha2::{Digest, Sha256};
use std::collections::BTreeSet;
use std::fmt::Write;

const TEMPLATE: &str = include_str!("page.html");
const PANEL: &str = include_str!("panel.html");
const STYLE: &str = include_str!("page.css");

/// A panel in a list of those without data.
#[derive(Serialize)]
struct Listed<'a> {
    dashboard: &'a str,
    panel: &'a str,
    anchor: &'a str,
    says: &'a str,
}

/// Writes the page; `server` is empty when the data is simulated.
pub(crate) fn page(
    catalog: &Catalog,
    dashboards: Vec<Dashboard>,
    server: &str,
    now: i64,
) -> Result<Preview> {
    let mut environment = Environment::new();
    let syntax = SyntaxConfig::builder()
        .trim_blocks(true)
        .lstrip_blocks(true)
        .build()
        .context("setting up the page's syntax")?;
    environment.set_syntax(syntax);
    environment.set_undefined_behavior(minijinja::UndefinedBehavior::Strict);
    environment
        .add_template("page.html", TEMPLATE)
        .context("reading the page's template")?;
    environment
        .add_template("panel.html", PANEL)
        .context("reading the panel's template")?;
    let style = format!("{STYLE}{}{}", paints(), places(&dashboards));
    let hash = base64::engine::general_purpose::STANDARD.encode(Sha256::digest(style.as_bytes()));
    let (empty, quiet, refused) = (
        listed(&dashboards, "empty"),
        listed(&dashboards, "quiet"),
        listed(&dashboards, "refused"),
    );
    let panels = panels(&dashboards).count();
    let date = chrono_date(now);
    let html = environment
        .get_template("page.html")
        .and_then(|template| {
            let (platform, time, dashboards) = (&catalog.platform.name, clock(now), Value::from(Serde(&dashboards)));
            let (empty, quiet, refused) = (Value::from(Serde(&empty)), Value::from(Serde(&quiet)), Value::from(Serde(&refused)));
            let runbook = &catalog.platform.runbook_url;
            template.render(context! { platform, runbook, style, hash, dashboards, empty, quiet, refused, server, panels, time, date })
        })
        .context("writing the page")?;
    let html = visible::lines(&html).into_owned();
    let names = |list: &[Listed]| {
        list.iter()
            .map(|listed| format!("{}: {}", listed.dashboard, listed.panel))
            .collect()
    };
    let (empty, quiet) = (names(&empty), names(&quiet));
    let diagnostics = dashboards
        .iter()
        .flat_map(|dashboard| dashboard.diagnostics.iter().cloned())
        .collect();
    Ok(Preview {
        html,
        diagnostics,
        dashboards: dashboards.len(),
        panels,
        empty,
        quiet,
    })
}

fn panels(dashboards: &[Dashboard]) -> impl Iterator<Item = (&Dashboard, &Panel)> {
    dashboards.iter().flat_map(|dashboard| {
        dashboard
            .sections
            .iter()
            .flat_map(move |section| section.panels.iter().map(move |panel| (dashboard, panel)))
    })
}

/// Panels without data, those that say what that means, or those that cannot be drawn.
fn listed<'a>(dashboards: &'a [Dashboard], wanted: &str) -> Vec<Listed<'a>> {
    let one = |(dashboard, panel): (&'a Dashboard, &'a Panel)| {
        let says = match &panel.body {
            Body::Empty {
                text,
                expected: true,
            } if wanted == "quiet" => text,
            Body::Empty {
                text,
                expected: false,
            } if wanted == "empty" => text,
            Body::Refused { reason } if wanted == "refused" => reason,
            _ => return None,
        };
        Some(Listed {
            dashboard: &dashboard.title,
            panel: &panel.title,
            anchor: &panel.anchor,
            says,
        })
    };
    panels(dashboards).filter_map(one).collect()
}

/// Year, month, day of a Unix time, UTC.
fn chrono_date(now: i64) -> String {
    chrono::DateTime::from_timestamp(now, 0)
        .map_or_else(String::new, |time| time.format("%-d %B %Y").to_string())
}

/// The colours of what is drawn: those of the palette by number, others by name.
fn paints() -> String {
    let palette = (0..PALETTE).map(|index| (index.to_string(), format!("--line-{index}")));
    let named = COLOURS
        .iter()
        .map(|name| (name.to_string(), format!("--{name}")));
    let mut rules = String::new();
    for (paint, variable) in palette.chain(named) {
        let _ = writeln!(
            rules,
            ".paint-{paint}:is(line),.paint-{paint} polyline{{stroke:var({variable})}}.paint-{paint} :is(polygon,rect){{fill:var({variable})}}"
        );
    }
    rules
}

/// The grid places that the page uses.
fn places(dashboards: &[Dashboard]) -> String {
    let used = |pick: fn(&Place) -> u64| {
        panels(dashboards)
            .map(|(_, panel)| pick(&panel.place))
            .collect::<BTreeSet<u64>>()
    };
    let mut rules = String::from("@media(min-width:900px){\n");
    let starts = [
        ("x", "grid-column-start", used(|place| place.x)),
        ("y", "grid-row-start", used(|place| place.y)),
    ];
    for (letter, property, value) in starts.iter().flat_map(|(letter, property, values)| {
        values.iter().map(move |value| (letter, property, value))
    }) {
        let _ = writeln!(rules, ".{letter}{value}{{{property}:{}}}", value + 1);
    }
    let sizes = [
        ("w", "grid-column-end", used(|place| place.w)),
        ("h", "grid-row-end", used(|place| place.h)),
    ];
    for (letter, property, value) in sizes.iter().flat_map(|(letter, property, values)| {
        values.iter().map(move |value| (letter, property, value))
    }) {
        let _ = writeln!(rules, ".{letter}{value}{{{property}:span {value}}}");
    }
    rules + "}\n"
}

/// Where a link of Grafana leads from here: a dashboard is a part of this page, another server is itself, the rest is not at hand.
pub(crate) fn href(url: &str) -> String {
    if let Some(rest) = url.strip_prefix("/d/") {
        return format!("#{}", rest.split(['?', '/']).next().unwrap_or_default());
    }
    if url.starts_with("https://") || url.starts_with("http://") {
        url.to_string()
    } else {
        String::new()
    }
}
