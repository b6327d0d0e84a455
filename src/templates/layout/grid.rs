//! The grid of a dashboard: where panels go, and which numbers they keep.

use crate::templates::checked::Misused;
use crate::templates::refuse;
use crate::value::json;
use minijinja::value::{Object, Serde, Value, from_args};
use minijinja::{Error, ErrorKind, State};
use std::collections::{HashSet, VecDeque};
use std::sync::{Arc, Mutex};

/// Grafana's columns.
const COLUMNS: usize = 24;

/// The panels of one dashboard so far, top to bottom and left to right.
#[derive(Debug, Default)]
pub(crate) struct Grid(Mutex<Places>);

#[derive(Debug, Default)]
struct Places {
    keys: HashSet<String>,
    taken: HashSet<u32>,
    free: VecDeque<[usize; 4]>,
    bottom: usize,
    below_row: usize,
}

impl Object for Grid {
    /// `id(key)`, `row()`, `line(widths, height)`, `spread(count, most, height)`, `next()`, and `fold()` behind a collapsed row's panels.
    fn call_method(
        self: &Arc<Self>,
        _: &mut State<'_, '_>,
        method: &str,
        args: &[Value],
    ) -> Result<Value, Error> {
        let mut places = self.0.lock().map_err(|_| refuse("the grid is broken"))?;
        match method {
            "id" => places.id(from_args::<(&str,)>(args)?.0).map(Value::from),
            "row" => {
                places.line(&[COLUMNS], 1)?;
                places.below_row = places.bottom;
                places.next()
            }
            "fold" => {
                places.line(&[], 0)?;
                places.bottom = places.below_row;
                Ok(Value::from(""))
            }
            "line" => {
                let (widths, height) = from_args::<(Vec<usize>, usize)>(args)?;
                places.line(&widths, height).map(|()| Value::from(""))
            }
            "spread" => {
                let (count, most, height) = from_args::<(usize, usize, usize)>(args)?;
                spread(count, most)
                    .iter()
                    .try_for_each(|widths| places.push(widths, height))
                    .map(|()| Value::from(""))
            }
            "next" => places.next(),
            _ => Err(Error::from(ErrorKind::UnknownMethod)),
        }
    }
}

impl Places {
    /// A number that depends on the panel's key alone, so that it stays when panels come and go around it.
    fn id(&mut self, key: &str) -> Result<u32, Error> {
        if !self.keys.insert(key.to_string()) {
            let help =
                "give it a key of its own: a dashboard in use knows its panels by their keys";
            let reason = format!("has the key {key:?}, and so has another");
            return Err(refuse(format!("two panels have the key {key:?}"))
                .with_source(Misused { reason, help }));
        }
        let hash = key.bytes().fold(0x811c_9dc5_u32, |hash, byte| {
            (hash ^ u32::from(byte)).wrapping_mul(0x0100_0193)
        });
        let id = (hash & 0x7fff_ffff).max(1);
        let id = (id..=0x7fff_ffff)
            .chain(1..id)
            .find(|id| !self.taken.contains(id))
            .unwrap_or(id);
        self.taken.insert(id);
        Ok(id)
    }

    /// Starts below everything, once every place of the line before is taken.
    fn line(&mut self, widths: &[usize], height: usize) -> Result<(), Error> {
        match self.free.len() {
            0 => self.push(widths, height),
            left => Err(refuse(format!(
                "{left} places of the grid above have no panel"
            ))),
        }
    }

    fn push(&mut self, widths: &[usize], height: usize) -> Result<(), Error> {
        if widths.iter().sum::<usize>() > COLUMNS {
            return Err(refuse(format!(
                "{widths:?} is wider than {COLUMNS} columns"
            )));
        }
        let mut x = 0;
        for width in widths {
            self.free.push_back([height, *width, x, self.bottom]);
            x += width;
        }
        self.bottom += height;
        Ok(())
    }

    fn next(&mut self) -> Result<Value, Error> {
        let [h, w, x, y] = self.free.pop_front().ok_or_else(|| {
            let help = "ask for one more above this call, as in `{% do dashboard.grid.line([24], 7) %}`, or with a larger count for `spread`";
            let reason = "finds no place left in the grid".to_string();
            refuse("the grid has no place left: ask for a line first")
                .with_source(Misused { reason, help })
        })?;
        Ok(Value::from(Serde(json!({"h": h, "w": w, "x": x, "y": y}))))
    }
}

/// As few lines as hold `count` panels with `most` to a line, each line filled from edge to edge.
fn spread(count: usize, most: usize) -> Vec<Vec<usize>> {
    let lines = count.div_ceil(most.clamp(1, COLUMNS));
    let part = |whole: usize, parts: usize, index: usize| {
        whole / parts + usize::from(index < whole % parts)
    };
    (0..lines)
        .map(|line| {
            let panels = part(count, lines, line);
            (0..panels)
                .map(|panel| part(COLUMNS, panels, panel))
                .collect()
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_as_few_and_as_even_as_can_be() {
        assert_eq!(spread(7, 3), [vec![8, 8, 8], vec![12, 12], vec![12, 12]]);
        assert_eq!(spread(5, 6), [[5, 5, 5, 5, 4]]);
        assert!(spread(0, 3).is_empty());
    }

    #[test]
    fn a_place_without_a_panel_and_a_panel_without_a_place_are_refused() {
        let mut places = Places::default();
        assert!(places.next().is_err());
        places.line(&[12, 12], 7).unwrap();
        places.next().unwrap();
        assert!(places.line(&[24], 1).is_err());
        assert!(places.push(&[12, 13], 7).is_err());
    }

    #[test]
    fn a_number_depends_on_the_key_alone() {
        let (mut alone, mut second) = (Places::default(), Places::default());
        second.id("other").unwrap();
        assert_eq!(
            alone.id("overview/up").unwrap(),
            second.id("overview/up").unwrap()
        );
        assert!(alone.id("overview/up").is_err());
    }
}
