//! What can be known of values without any: their unit, and between what they are.

use std::fmt;

/// A unit; rates are of it per second.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Unit {
    pub(super) base: Base,
    pub(super) per_second: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Base {
    Seconds,
    Milliseconds,
    Microseconds,
    Minutes,
    Bytes,
    Kilobytes,
    Megabytes,
    Ratio,
    Percent,
    Celsius,
    Volts,
    Amperes,
    Joules,
    /// Seconds per second: of CPU time, or of anything that keeps something busy.
    Cores,
    /// What a counter without another unit counts.
    Events,
}

impl Base {
    /// As the catalog calls it.
    pub(super) fn named(word: &str) -> Option<Base> {
        Some(match word {
            "seconds" => Base::Seconds,
            "milliseconds" => Base::Milliseconds,
            "microseconds" => Base::Microseconds,
            "minutes" => Base::Minutes,
            "bytes" => Base::Bytes,
            "kilobytes" => Base::Kilobytes,
            "megabytes" => Base::Megabytes,
            "ratio" => Base::Ratio,
            "percent" => Base::Percent,
            "cores" => Base::Cores,
            "celsius" => Base::Celsius,
            "volts" => Base::Volts,
            "amperes" => Base::Amperes,
            "joules" => Base::Joules,
            _ => return None,
        })
    }

    /// How many of it are one of the usual unit of the same kind; None: it has no other.
    fn scale(self) -> Option<(Base, f64)> {
        Some(match self {
            Base::Seconds => (Base::Seconds, 1.0),
            Base::Milliseconds => (Base::Seconds, 1e3),
            Base::Microseconds => (Base::Seconds, 1e6),
            Base::Minutes => (Base::Seconds, 1.0 / 60.0),
            Base::Bytes => (Base::Bytes, 1.0),
            Base::Kilobytes => (Base::Bytes, 1e-3),
            Base::Megabytes => (Base::Bytes, 1e-6),
            _ => return None,
        })
    }

    fn word(self) -> &'static str {
        match self {
            Base::Seconds => "seconds",
            Base::Milliseconds => "milliseconds",
            Base::Microseconds => "microseconds",
            Base::Minutes => "minutes",
            Base::Bytes => "bytes",
            Base::Kilobytes => "kilobytes",
            Base::Megabytes => "megabytes",
            Base::Ratio => "a ratio",
            Base::Percent => "percent",
            Base::Celsius => "degrees Celsius",
            Base::Volts => "volts",
            Base::Amperes => "amperes",
            Base::Joules => "joules",
            Base::Cores => "cores (seconds per second)",
            Base::Events => "events",
        }
    }
}

impl fmt::Display for Unit {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let rate = if self.per_second { " per second" } else { "" };
        write!(formatter, "{}{rate}", self.base.word())
    }
}

impl Unit {
    /// Whether both measure the same in different units: bytes and megabytes.
    pub(crate) fn scales_otherwise(&self, other: &Unit) -> bool {
        let (own, others) = (self.base.scale(), other.base.scale());
        self.per_second == other.per_second
            && matches!((own, others), (Some((one, size)), Some((same, another))) if one == same && size != another)
    }

    pub(crate) fn of(base: Base) -> Unit {
        Unit {
            base,
            per_second: false,
        }
    }

    pub(crate) fn is(&self, base: Base) -> bool {
        self.base == base && !self.per_second
    }

    /// Whether it is of something that is counted, in each second.
    pub(crate) fn is_rate(&self) -> bool {
        self.per_second
    }

    /// Whether its values may be called so: what is counted is anything, and so much a second is of the same unit.
    pub(crate) fn may_be(&self, base: Base) -> bool {
        self.base == Base::Events || Unit::of(self.base).fits(&Unit::of(base))
    }

    /// Whether both can stand in one sum or comparison: how busy something is, is a ratio too.
    pub(crate) fn fits(&self, other: &Unit) -> bool {
        let busy = |one: &Unit, other: &Unit| one.is(Base::Cores) && other.is(Base::Ratio);
        self == other || busy(self, other) || busy(other, self)
    }
}

/// The least and the greatest value, both of them possible.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Bounds {
    pub(crate) least: f64,
    pub(crate) most: f64,
}

impl Bounds {
    pub(crate) fn new(one: f64, other: f64) -> Option<Bounds> {
        (!one.is_nan() && !other.is_nan()).then(|| Bounds {
            least: one.min(other),
            most: one.max(other),
        })
    }

    pub(super) fn exactly(value: f64) -> Bounds {
        Bounds {
            least: value,
            most: value,
        }
    }

    /// What either can be.
    pub(crate) fn either(self, other: Bounds) -> Bounds {
        Bounds {
            least: self.least.min(other.least),
            most: self.most.max(other.most),
        }
    }

    /// What both can be; None: nothing.
    pub(crate) fn both(self, other: Bounds) -> Option<Bounds> {
        let (least, most) = (self.least.max(other.least), self.most.min(other.most));
        (least <= most).then_some(Bounds { least, most })
    }

    pub(super) fn with(self, other: Bounds, join: impl Fn(f64, f64) -> f64) -> Option<Bounds> {
        let ends = [
            join(self.least, other.least),
            join(self.least, other.most),
            join(self.most, other.least),
            join(self.most, other.most),
        ];
        // 0 times something endless is 0: that there is an end is known, where it is is not.
        let ends = ends.map(|end| if end.is_nan() { 0.0 } else { end });
        Bounds::new(
            ends.into_iter().fold(f64::INFINITY, f64::min),
            ends.into_iter().fold(f64::NEG_INFINITY, f64::max),
        )
    }
}
