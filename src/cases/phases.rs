//! The phases of a series: how it moves, until when, as promtool's notation and as a level at a moment.

use super::refuse;
use minijinja::Error;

/// One phase.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Phase {
    /// What the series does.
    pub moves: Moves,
    /// Its last step; None: to the end.
    pub until: Option<i64>,
}

impl Phase {
    /// The same in a unit of which so many are one.
    pub(crate) fn times(self, many: f64) -> Phase {
        let moves = match self.moves {
            Moves::Rate(by, restarts) => Moves::Rate(by * many, restarts),
            Moves::Level(level) => Moves::Level(level * many),
            moves => moves,
        };
        Phase { moves, ..self }
    }
}

/// What a series does in a phase.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Moves {
    /// A counter that grows by so much at each step; after a restart from 0.
    Rate(f64, bool),
    /// A gauge, or a counter that does not increase.
    Level(f64),
    /// A Unix time so many seconds from now, which goes with the clock; negative: that long ago.
    Clock(f64),
    /// One stale marker: a scrape that failed.
    Stale,
    /// No sample.
    Absent,
}

/// Reads one phase; `number` gives the value of an expression.
pub(crate) fn read(
    text: &str,
    number: &dyn Fn(&str) -> Result<f64, Error>,
) -> Result<Phase, Error> {
    let text = text.trim();
    if text == "stale" {
        return Ok(Phase {
            moves: Moves::Stale,
            until: None,
        });
    }
    let (motion, until) = match text.split_once(" until ") {
        Some((motion, until)) => (motion, Some(number(until)? as i64)),
        None => (text, None),
    };
    let (word, expression) = motion.split_once(' ').unwrap_or((motion, ""));
    let moves = match (word, expression.trim()) {
        ("absent", "") => Moves::Absent,
        ("rate", expression) if !expression.is_empty() => Moves::Rate(number(expression)?, false),
        ("level", expression) if !expression.is_empty() => Moves::Level(number(expression)?),
        ("clock", expression) if !expression.is_empty() => Moves::Clock(number(expression)?),
        ("restart", expression) if expression.starts_with("rate ") => {
            Moves::Rate(number(&expression[5..])?, true)
        }
        _ => {
            return Err(refuse(format!(
                "`{text}` is not a valid phase: write `rate N`, `restart rate N`, `level N`, `clock N` or `absent`, each with `until STEP` or without, or `stale`"
            )));
        }
    };
    Ok(Phase { moves, until })
}

/// The phases in promtool's notation, with samples up to and including the step `last`; a test begins at the Unix time 0, and a
/// step of it is so many `seconds`.
pub(crate) fn notation(phases: &[Phase], last: i64, seconds: f64) -> String {
    let mut parts = Vec::new();
    let (mut next, mut value, mut begun) = (0, 0.0, false);
    for phase in phases {
        let until = if phase.moves == Moves::Stale {
            next
        } else {
            phase.until.unwrap_or(last).min(last)
        };
        let more = until - next;
        if more < 0 {
            continue;
        }
        match phase.moves {
            Moves::Rate(by, restarts) => {
                let first = if begun && !restarts { value + by } else { 0.0 };
                parts.push(rising(first, by, more));
                value = first + by * more as f64;
                begun = true;
            }
            Moves::Clock(from_now) => {
                let first = next as f64 * seconds + from_now;
                parts.push(rising(first, seconds, more));
                value = first + seconds * more as f64;
                begun = true;
            }
            Moves::Level(level) => {
                parts.push(format!("{level}x{more}"));
                value = level;
                begun = true;
            }
            Moves::Stale => parts.push("stale".to_string()),
            Moves::Absent => parts.push(format!("_x{}", more + 1)),
        }
        next = until + 1;
    }
    parts.join(" ")
}

/// `a+bxn`, or `a-bxn`.
fn rising(first: f64, by: f64, more: i64) -> String {
    if by < 0.0 {
        format!("{first}-{}x{more}", -by)
    } else {
        format!("{first}+{by}x{more}")
    }
}

/// The same phases, so many steps later; before them nothing.
pub(crate) fn later(phases: Vec<Phase>, steps: i64) -> Vec<Phase> {
    if steps == 0 {
        return phases;
    }
    let nothing = Phase {
        moves: Moves::Absent,
        until: Some(steps - 1),
    };
    std::iter::once(nothing)
        .chain(longer(phases, steps))
        .collect()
}

/// The same phases, of which the first lasts for so many steps more.
pub(crate) fn longer(phases: Vec<Phase>, steps: i64) -> Vec<Phase> {
    let moved = phases.into_iter().map(|phase| Phase {
        until: phase.until.map(|until| until + steps),
        ..phase
    });
    moved.collect()
}

/// What a series does at a step.
pub(crate) fn at(phases: &[Phase], step: i64) -> Option<Moves> {
    let mut next = 0;
    for phase in phases {
        let until = if phase.moves == Moves::Stale {
            Some(next)
        } else {
            phase.until
        };
        if until.is_none_or(|until| step <= until) {
            return Some(phase.moves);
        }
        next = until.unwrap_or(next) + 1;
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    fn phases(texts: &[&str]) -> Vec<Phase> {
        let number = |text: &str| text.trim().parse().map_err(|_| refuse("a number"));
        texts
            .iter()
            .map(|text| read(text, &number).unwrap())
            .collect()
    }

    #[test]
    fn a_counter_goes_on_where_it_was_and_a_restart_begins_at_zero() {
        assert_eq!(
            notation(
                &phases(&["rate 5 until 3", "rate 0 until 5", "rate 5"]),
                7,
                60.0
            ),
            "0+5x3 15+0x1 20+5x1"
        );
        assert_eq!(
            notation(&phases(&["rate 2 until 3", "restart rate 2"]), 6, 60.0),
            "0+2x3 0+2x2"
        );
        assert_eq!(
            notation(&phases(&["absent until 2", "rate 1"]), 5, 60.0),
            "_x3 0+1x2"
        );
        assert_eq!(
            notation(
                &phases(&["level 1 until 0", "stale", "absent until 3", "level 1"]),
                5,
                60.0
            ),
            "1x0 stale _x2 1x1"
        );
        assert_eq!(notation(&phases(&["level 1 until 9"]), 4, 60.0), "1x4");
    }

    #[test]
    fn a_time_goes_with_the_clock_and_what_falls_is_written_with_its_sign() {
        assert_eq!(
            notation(&phases(&["clock -90 until 1", "clock 30",]), 3, 60.0),
            "-90+60x1 150+60x1"
        );
        assert_eq!(
            notation(&phases(&["level 100 until 0", "rate -2.5"]), 3, 60.0),
            "100x0 97.5-2.5x2"
        );
    }

    #[test]
    fn what_holds_at_a_step() {
        let phases = phases(&["level 1 until 2", "stale", "level 0"]);
        assert_eq!(
            [0, 2, 3, 4].map(|step| at(&phases, step).unwrap()),
            [
                Moves::Level(1.0),
                Moves::Level(1.0),
                Moves::Stale,
                Moves::Level(0.0)
            ]
        );
    }

    #[test]
    fn other_words_are_refused() {
        for text in [
            "",
            "rate",
            "level",
            "clock",
            "grow 5",
            "restart level 1",
            "absent 3",
        ] {
            assert!(
                read(text, &|_| Ok(1.0))
                    .unwrap_err()
                    .to_string()
                    .contains("is not a valid phase"),
                "{text}"
            );
        }
    }
}
