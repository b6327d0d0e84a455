//! A text that stands in a template as it is rendered, and what it was changed to.

use super::comparison::{Beside, Spot};
use super::difference::Difference;
use super::trial::{Stand, TemplateChange};
use crate::diagnostic::Place;

/// What would begin something in a template, or end a text in it.
const SYNTAX: [&str; 9] = ["<<", ">>", "{%", "%}", "{#", "#}", "\"", "\\", "\n"];

/// The template with an edited text in it, where the old one stands there once.
pub(super) fn changed(
    stand: &Stand,
    file: &Beside,
    spot: &Spot,
    place: &Place,
) -> Option<TemplateChange> {
    let Place::Line { file: path, .. } = place else {
        return None;
    };
    let path = path.strip_prefix("templates/")?;
    let template = stand.template(path)?;
    let mut at = spot.at.clone();
    loop {
        let (old, new) = (
            &file.base.text[at.old.clone()],
            &file.disk.text[at.new.clone()],
        );
        if SYNTAX.iter().any(|syntax| new.contains(syntax)) || old.contains('\n') {
            return None;
        }
        if template.matches(old).count() == 1 {
            let start = template.find(old)?;
            return Some(TemplateChange {
                path: path.to_string(),
                line: template[..start].matches('\n').count() + 1,
                old: old.to_string(),
                new: new.to_string(),
                text: template.replacen(old, new, 1),
            });
        }
        // With what stands around it, as long as the template has that too.
        let sides = [(true, true), (true, false), (false, true)];
        let mut wider = sides.iter().filter_map(|sides| wider(&at, file, *sides));
        at = wider.find(|at| template.contains(&file.base.text[at.old.clone()]))?;
    }
}

/// One letter more before it, behind it, or both, where both texts have the same there.
fn wider(at: &Difference, file: &Beside, (before, behind): (bool, bool)) -> Option<Difference> {
    let (base, disk) = (&file.base.text, &file.disk.text);
    let mut wider = at.clone();
    if before {
        let letter = base[..at.old.start].chars().next_back()?;
        if letter == '\n' || !disk[..at.new.start].ends_with(letter) {
            return None;
        }
        wider.old.start -= letter.len_utf8();
        wider.new.start -= letter.len_utf8();
    }
    if behind {
        let letter = base[at.old.end..].chars().next()?;
        if letter == '\n' || !disk[at.new.end..].starts_with(letter) {
            return None;
        }
        wider.old.end += letter.len_utf8();
        wider.new.end += letter.len_utf8();
    }
    Some(wider)
}
