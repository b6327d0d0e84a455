//! The dashboards as one HTML page: queries answered, panels drawn, nothing loaded from anywhere.

pub(crate) mod annotations; // what is marked on every chart
pub(crate) mod answers; // who answers a query
pub(crate) mod body; // what a panel shows, ready to draw
pub(crate) mod colour; // the colours that the page has
pub(crate) mod dashboard; // sections of panels
pub(crate) mod field; // overrides, mappings, thresholds
pub(crate) mod legend; // how a series is named
pub(crate) mod maker; // a dashboard's JSON → sections of panels
pub(crate) mod page; // sections → HTML
mod panel; // one panel: asked and drawn
pub(crate) mod plot; // lines → SVG
pub(crate) mod prometheus; // answers of a running server
pub(crate) mod simulated; // answers without a server
pub(crate) mod stat; // tiles and bars
pub(crate) mod story; // what goes wrong in simulated data
pub(crate) mod subject; // what a panel is drawn from
pub(crate) mod synthetic; // series that nobody measured
pub(crate) mod table; // rows and columns
pub(crate) mod timeline; // states over time
pub(crate) mod timeseries; // lines over time
pub(crate) mod units; // numbers as Grafana writes them
pub(crate) mod variables; // Grafana's variables filled in

use crate::catalog::Catalog;
use crate::diagnostic::Diagnostic;
use crate::render::Rendered;
use crate::stack::Stack;
use answers::Answers;
use anyhow::Result;
use std::collections::BTreeMap;

/// Where a page's data comes from.
pub enum Data<'a> {
    /// Nowhere: it is simulated.
    Simulated,
    /// A server, and how the page names it.
    Live(&'a dyn Answers, String),
}

pub struct Preview {
    pub html: String,
    /// Panels that could not be drawn.
    pub diagnostics: Vec<Diagnostic>,
    pub dashboards: usize,
    /// Panels without those that are only rows.
    pub panels: usize,
    /// `dashboard: panel` of those without data that do not say what that means.
    pub empty: Vec<String>,
    /// The same for those that do.
    pub quiet: Vec<String>,
}

/// Draws every dashboard among the rendered files.
pub fn preview(
    catalog: &Catalog,
    rendered: &Rendered,
    data: &Data,
    chosen: &BTreeMap<String, String>,
) -> Result<Preview> {
    let stack = Stack::read(catalog, rendered);
    let shown = stack
        .files
        .dashboards()
        .map(|file| variables::seconds(&file.value))
        .max()
        .unwrap_or(3600);
    let simulated = simulated::Simulated::new(catalog, &stack, shown);
    let (answers, server): (&dyn Answers, &str) = match data {
        Data::Simulated => (&simulated, ""),
        Data::Live(answers, name) => (*answers, name.as_str()),
    };
    let maker = maker::Maker {
        answers,
        catalog,
        rendered,
        chosen,
    };
    let made: Vec<dashboard::Dashboard> = stack
        .files
        .dashboards()
        .map(|file| maker.dashboard(file))
        .collect();
    page::page(catalog, made, server, answers.now())
}
