//! The edited files beside what is rendered: the places in which they differ, and which of them are left with another rendering.

use super::difference::{Difference, differences};
use super::shape::Shape;
use super::trial::Stand;
use crate::yaml;
use std::collections::BTreeSet;
use std::ops::Range;

/// A file that is not on disk as it is rendered.
#[derive(Clone, Debug)]
pub(crate) struct Edited {
    /// Under the output folder.
    pub(crate) path: String,
    /// What is on disk.
    pub(crate) text: String,
    /// Whether its edits are looked into; the others are only kept in mind.
    pub(crate) asked: bool,
}

/// A file as it is rendered, and as it is on disk.
pub(super) struct Beside {
    pub(super) path: String,
    pub(super) asked: bool,
    pub(super) base: Shape,
    pub(super) disk: Shape,
    raw: String,
}

/// A place in which one of the files was edited.
pub(super) struct Spot {
    /// Which of them.
    pub(super) file: usize,
    pub(super) at: Difference,
}

impl Beside {
    fn of(edited: &Edited, rendered: &str) -> Beside {
        let shapes = [rendered, &edited.text].map(|text| Shape::of(&edited.path, text));
        let [base, disk] = match shapes.iter().all(Shape::is_json) {
            true => shapes,
            false => [rendered, &edited.text].map(Shape::plain),
        };
        Beside {
            path: edited.path.clone(),
            asked: edited.asked,
            base,
            disk,
            raw: edited.text.clone(),
        }
    }

    /// In what another rendering differs from the disk.
    fn left(&self, rendered: &str) -> Vec<Difference> {
        match self.disk.is_json() {
            true => differences(&Shape::of(&self.path, rendered).text, &self.disk.text),
            // The same in another order of lines is no other file.
            false if reordered(rendered, &self.disk.text) => Vec::new(),
            false => differences(rendered, &self.disk.text),
        }
    }

    /// The line of a place in the file on disk, and that line.
    pub(super) fn line(&self, at: &Difference) -> (usize, String) {
        let now = &self.disk.text[at.new.clone()];
        // Blank lines before what is added say nothing of it.
        let blank = now.len() - now.trim_start().len();
        let start = match blank < now.len() && at.old.is_empty() {
            true => at.new.start + blank,
            false => at.new.start,
        };
        let line = self.disk.line(start);
        let line = match self.disk.pointer(line) {
            Some(pointer) => yaml::Lines::read(&self.raw).line(pointer).unwrap_or(line),
            None => line,
        };
        let text = self.raw.lines().nth(line.saturating_sub(1));
        (line, text.unwrap_or_default().to_string())
    }

    /// What the lines of a place say, rendered and on disk: as people compare them.
    pub(super) fn said(&self, at: &Difference) -> (String, String) {
        let of = |text: &str, part| text[lines(text, part)].to_string();
        (of(&self.base.text, &at.old), of(&self.disk.text, &at.new))
    }
}

/// Whether two texts have the same lines in another order, and mean the same: labels in a row of their own making.
pub(crate) fn reordered(one: &str, two: &str) -> bool {
    let sorted = |text: &'_ str| -> Vec<String> {
        let mut lines: Vec<String> = text.lines().map(|line| line.trim().to_string()).collect();
        lines.retain(|line| !line.is_empty());
        lines.sort();
        lines
    };
    let alike = one.len().abs_diff(two.len()) < 200 && sorted(one) == sorted(two);
    alike && matches!((yaml::parse(one), yaml::parse(two)), (Ok(one), Ok(two)) if one == two)
}

/// The bytes of the lines that a part of a text is in, without the last break; of no part at the start of a line, none.
pub(super) fn lines(text: &str, part: &Range<usize>) -> Range<usize> {
    let start = text[..part.start].rfind('\n').map_or(0, |at| at + 1);
    if part.is_empty() && part.start == start {
        return start..start;
    }
    let end = match text[..part.end].ends_with('\n') && !part.is_empty() {
        true => part.end - 1,
        false => text[part.end..]
            .find('\n')
            .map_or(text.len(), |at| part.end + at),
    };
    start..end
}

/// All edited files.
pub(super) struct Comparison {
    pub(super) files: Vec<Beside>,
    /// The places of those whose edits are looked into.
    pub(super) spots: Vec<Spot>,
}

impl Comparison {
    pub(super) fn of(stand: &Stand, edited: &[Edited]) -> Comparison {
        let files: Vec<Beside> = edited
            .iter()
            .filter_map(|edited| Some(Beside::of(edited, stand.text(&edited.path)?)))
            .collect();
        let mut spots = Vec::new();
        for (index, file) in files.iter().enumerate().filter(|(_, file)| file.asked) {
            let found = differences(&file.base.text, &file.disk.text);
            spots.extend(found.into_iter().map(|at| Spot { file: index, at }));
        }
        Comparison { files, spots }
    }

    /// Which places are as on disk in another rendering, and in how many the edited files differ from it. What else stands in the
    /// lines of a place must be as on disk too, unless it is another edit.
    pub(super) fn judge(&self, stand: &Stand) -> (Vec<usize>, usize) {
        let left: Vec<Vec<Difference>> = self
            .files
            .iter()
            .map(|file| match file.asked {
                true => file.left(stand.text(&file.path).unwrap_or_default()),
                false => Vec::new(),
            })
            .collect();
        let edited = |file: usize, left: &Difference| {
            let mut spots = self.spots.iter().filter(|spot| spot.file == file);
            spots.any(|spot| touch(&left.new, &spot.at.new))
        };
        let said = |spot: &Spot| {
            let lines = lines(&self.files[spot.file].disk.text, &spot.at.new);
            let mut left = left[spot.file].iter();
            !left.any(|left| {
                // What is added before a line is not in it.
                let beside = left.new.start < lines.end && lines.start < left.new.end;
                touch(&left.new, &spot.at.new) || beside && !edited(spot.file, left)
            })
        };
        let spots = self.spots.iter().enumerate();
        let said = spots
            .filter(|(_, spot)| said(spot))
            .map(|(index, _)| index)
            .collect();
        (said, left.iter().map(Vec::len).sum())
    }

    /// Whether a file is on disk as in another rendering, wherever that differs from the present one.
    pub(super) fn has(&self, path: &str, stand: &Stand) -> bool {
        let Some(file) = self.files.iter().find(|file| file.path == path) else {
            return false;
        };
        let before = differences(&file.base.text, &file.disk.text);
        let after = file.left(stand.text(path).unwrap_or_default());
        after
            .iter()
            .all(|left| before.iter().any(|known| touch(&known.new, &left.new)))
    }

    /// The places in whose lines another rendering differs from the present one.
    pub(super) fn moved(&self, stand: &Stand) -> BTreeSet<usize> {
        let mut moved = BTreeSet::new();
        for (index, file) in self.files.iter().enumerate().filter(|(_, file)| file.asked) {
            let text = stand.text(&file.path).unwrap_or_default();
            let found = match file.base.is_json() {
                true => differences(&file.base.text, &Shape::of(&file.path, text).text),
                false => differences(&file.base.text, text),
            };
            let spots = self.spots.iter().enumerate();
            let own = spots.filter(|(_, spot)| spot.file == index);
            moved.extend(own.filter_map(|(at, spot)| {
                let line = lines(&file.base.text, &spot.at.old);
                let moves = found.iter().any(|found| touch(&found.old, &line));
                moves.then_some(at)
            }));
        }
        moved
    }
}

/// Whether two parts of a text have something in common; one of no length, whether it is at the other.
fn touch(one: &Range<usize>, two: &Range<usize>) -> bool {
    match one.is_empty() || two.is_empty() {
        true => one.start <= two.end && two.start <= one.end,
        false => one.start < two.end && two.start < one.end,
    }
}
