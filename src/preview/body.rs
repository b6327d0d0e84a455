//! What a panel shows, as the page draws it: numbers are formatted and colours named, nothing is left to decide.

use super::answers::Axis;
use super::field::Shown;
use serde::Serialize;

/// One number with its name.
#[derive(Serialize)]
pub(crate) struct Number {
    pub name: String,
    pub shown: Shown,
    /// How much of the bar is filled, in percent.
    pub part: String,
    /// Where thresholds lie on the bar, in percent.
    pub marks: Vec<String>,
}

/// A label of an axis.
#[derive(Serialize)]
pub(crate) struct Tick {
    pub text: String,
    /// Where, in percent from the left or the top.
    pub at: String,
}

/// A line of a legend.
#[derive(Serialize)]
pub(crate) struct Key {
    /// The classes of its line.
    pub mark: String,
    pub name: String,
    pub value: String,
}

/// A stretch of one state.
#[derive(Serialize)]
pub(crate) struct Stretch {
    /// Its begin, in percent.
    pub at: String,
    /// Its length, in percent.
    pub length: String,
    /// What it says, and its colour.
    pub shown: Shown,
    /// From when to when.
    pub times: String,
    /// Whether its text has room in it.
    pub roomy: bool,
}

/// One line of a state timeline.
#[derive(Serialize)]
pub(crate) struct States {
    pub name: String,
    /// In the order of time.
    pub stretches: Vec<Stretch>,
    /// All of it in words.
    pub words: String,
}

/// A cell of a table.
#[derive(Clone, Serialize)]
pub(crate) struct Cell {
    /// What it says, and its colour.
    pub shown: Shown,
    /// Where it leads within the page or outside.
    pub href: String,
    /// Whether it is a number.
    pub number: bool,
}

/// What a panel shows.
#[derive(Serialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub(crate) enum Body {
    /// Tiles with a number each.
    Stat {
        /// In the order of the queries.
        numbers: Vec<Number>,
        /// Whether the names of series are shown.
        names: bool,
        /// Whether the colour fills the tile.
        background: bool,
    },
    Bars {
        /// From top to bottom.
        numbers: Vec<Number>,
    },
    Lines {
        svg: String,
        rows: Vec<Tick>,
        columns: Vec<Tick>,
        keys: Vec<Key>,
        /// Whether the legend is shown.
        legend: bool,
        /// All of it in words.
        words: String,
    },
    Timeline {
        /// From top to bottom.
        lines: Vec<States>,
        /// Times under them.
        columns: Vec<Tick>,
    },
    Table {
        columns: Vec<String>,
        /// Cells in the order of the columns.
        rows: Vec<Vec<Cell>>,
    },
    Text {
        text: String,
    },
    /// Nothing came back.
    Empty {
        text: String,
        /// Whether the panel itself says what that means.
        expected: bool,
    },
    Refused {
        reason: String,
    },
}

/// A ratio as percent, for an attribute.
pub(crate) fn percent(part: f64) -> String {
    format!("{:.2}%", 100.0 * part)
}

/// Five times along the axis.
pub(crate) fn times(axis: &Axis) -> Vec<Tick> {
    (0..=4)
        .map(|quarter| quarter * (axis.count - 1) / 4)
        .map(|index| Tick {
            text: super::units::clock(axis.at(index)),
            at: percent(index as f64 / (axis.count - 1).max(1) as f64),
        })
        .collect()
}
