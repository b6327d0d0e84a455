//! A dashboard as the page shows it: sections of panels, each at its place.

use super::body::Body;
use crate::diagnostic::Diagnostic;
use serde::Serialize;

/// A place on the grid of 24 columns, from 0; rows count from the section's top.
#[derive(Clone, Copy, Serialize)]
pub(crate) struct Place {
    /// Columns from the left.
    pub x: u64,
    /// Rows from the section's top.
    pub y: u64,
    /// Columns.
    pub w: u64,
    /// Rows.
    pub h: u64,
}

#[derive(Serialize)]
pub(crate) struct Panel {
    /// Its anchor in the page.
    pub anchor: String,
    pub title: String,
    /// Of what time its numbers are, as in `last 6h`; empty: they are of now, or the chart shows it.
    pub period: String,
    pub description: String,
    /// Its type, as Grafana names it.
    pub sort: String,
    pub place: Place,
    pub body: Body,
    /// Its queries with the variables filled in.
    pub queries: Vec<Query>,
    /// Title and address of its links.
    pub links: Vec<(String, String)>,
}

/// A query as it was asked.
#[derive(Serialize)]
pub(crate) struct Query {
    pub text: String,
    /// Where a reader asks it again; empty: nowhere.
    pub href: String,
}

/// The panels under one row's title; those above the first row have none.
#[derive(Serialize)]
pub(crate) struct Section {
    pub title: String,
    /// Its anchor in the page.
    pub anchor: String,
    /// Whether Grafana shows it closed.
    pub collapsed: bool,
    /// In the order of the dashboard.
    pub panels: Vec<Panel>,
}

#[derive(Serialize)]
pub(crate) struct Dashboard {
    /// Its uid, the anchor in the page.
    pub anchor: String,
    pub title: String,
    pub description: String,
    /// Label and value of its variables.
    pub variables: Vec<(String, String)>,
    /// What is marked on every chart, in words.
    pub annotations: Vec<String>,
    /// From and to.
    pub time: (String, String),
    /// In the order of the dashboard.
    pub sections: Vec<Section>,
    /// Panels that could not be drawn.
    #[serde(skip)]
    pub diagnostics: Vec<Diagnostic>,
}
