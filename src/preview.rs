//! The dashboards as one HTML page: queries answered, panels drawn, nothing loaded from anywhere.

pub mod annotations; // what is marked on every chart
pub mod answers; // who answers a query
pub mod body; // what a panel shows, ready to draw
pub mod colour; // the colours that the page has
pub mod dashboard; // sections of panels
pub mod field; // overrides, mappings, thresholds
pub mod legend; // how a series is named
pub mod maker; // a dashboard's JSON → sections of panels
pub mod page; // sections → HTML
mod panel; // one panel: asked and drawn
pub mod plot; // lines → SVG
pub mod prometheus; // answers of a running server
pub mod simulated; // answers without a server
pub mod stat; // tiles and bars
pub mod story; // what goes wrong in simulated data
pub mod subject; // what a panel is drawn from
pub mod synthetic; // series that nobody measured
pub mod table; // rows and columns
pub mod timeline; // states over time
pub mod timeseries; // lines over time
pub mod units; // numbers as Grafana writes them
pub mod variables; // Grafana's variables filled in

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
