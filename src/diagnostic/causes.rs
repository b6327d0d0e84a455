//! One mistake, one finding: what follows from another is counted there, and the same said again is said once.

use super::{Diagnostic, Place, plural};
use std::collections::HashMap;

/// So many findings of one kind are shown of one line.
const ALIKE: usize = 3;

/// Findings without those that follow from an earlier one of them, and without repetitions. Only errors follow from errors.
pub fn folded(found: Vec<Diagnostic>) -> Vec<Diagnostic> {
    let mut kept: Vec<(Diagnostic, usize, usize)> = Vec::new();
    // One line that somebody wrote, rendered many times: its first finding of a kind stands for the others.
    let mut lines: HashMap<(&'static str, String, usize), (usize, usize)> = HashMap::new();
    let mut subjects: HashMap<String, usize> = HashMap::new();
    let mut said: HashMap<(&'static str, String, String), usize> = HashMap::new();
    for diagnostic in found {
        let cause = diagnostic
            .follows
            .iter()
            .find_map(|subject| subjects.get(subject));
        if let Some(cause) = cause.copied().filter(|_| diagnostic.stops()) {
            kept[cause].1 += 1;
            for subject in diagnostic.subjects {
                subjects.entry(subject).or_insert(cause);
            }
            continue;
        }
        let key = (
            diagnostic.code,
            diagnostic.message.clone(),
            format!("{:?}", diagnostic.place),
        );
        if let Some(first) = said.get(&key) {
            kept[*first].2 += 1;
            continue;
        }
        if let Place::Line { file, line, .. } = &diagnostic.place {
            let key = (diagnostic.code, file.clone(), *line);
            let (_, others) = lines
                .entry(key)
                .and_modify(|(_, others)| *others += 1)
                .or_insert((kept.len(), 0));
            if *others >= ALIKE && diagnostic.stops() {
                continue;
            }
        }
        said.insert(key, kept.len());
        if diagnostic.stops() {
            for subject in &diagnostic.subjects {
                subjects.entry(subject.clone()).or_insert(kept.len());
            }
        }
        kept.push((diagnostic, 0, 0));
    }
    let alike: HashMap<usize, usize> = lines
        .into_values()
        .filter(|(_, others)| *others >= ALIKE)
        .collect();
    let counted = kept
        .into_iter()
        .enumerate()
        .map(|(index, (mut diagnostic, follow, again))| {
            if let Some(others) = alike.get(&index) {
                diagnostic.help += &format!("; this line has {} of the kind in all", others + 1);
            }
            if again > 0 {
                diagnostic.message += &format!(" (and in {})", plural(again, "more place"));
            }
            if follow > 0 {
                let verb = if follow == 1 { "follows" } else { "follow" };
                diagnostic.help += &format!(
                    "; {} that {verb} from this {} not shown",
                    plural(follow, "error"),
                    if follow == 1 { "is" } else { "are" }
                );
            }
            diagnostic
        });
    counted.collect()
}
