//! What a line looks like: its colour, its pattern of dashes, and the classes that say so.

/// The colours of lines without one of their own, and the patterns that tell them apart without colour.
pub(crate) const PALETTE: usize = 8;

#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Mark {
    sort: &'static str,
    /// Which pattern of dashes; 0 is none.
    dash: usize,
    colour: Colour,
}

impl Mark {
    /// The n-th line: the palette first, then again with another pattern.
    pub(crate) fn line(index: usize) -> Mark {
        Mark {
            sort: "line",
            dash: index / PALETTE % 4,
            colour: Colour::Palette(index % PALETTE),
        }
    }

    /// A line with a colour of its own, the n-th of those.
    pub(crate) fn fixed(colour: &'static str, index: usize) -> Mark {
        Mark {
            sort: "line",
            dash: index % 4,
            colour: Colour::Named(colour),
        }
    }

    pub(crate) fn threshold(colour: &'static str) -> Mark {
        Mark {
            sort: "threshold",
            dash: 0,
            colour: Colour::Named(colour),
        }
    }

    pub(crate) const ANNOTATION: Mark = Mark {
        sort: "annotation",
        dash: 0,
        colour: Colour::Named("red"),
    };

    /// The classes that the style sheet knows it by.
    pub(crate) fn classes(self) -> String {
        let dash = match self.dash {
            0 => String::new(),
            dash => format!(" dash-{dash}"),
        };
        match self.colour {
            Colour::Palette(index) => format!("{}{dash} paint-{index}", self.sort),
            Colour::Named(name) => format!("{}{dash} paint-{name}", self.sort),
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Colour {
    /// Of a line without one of its own.
    Palette(usize),
    Named(&'static str),
}
