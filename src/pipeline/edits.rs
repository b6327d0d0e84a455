//! Which edit a finding follows from: each is made alone, in files that are sound without it, and what goes wrong then is its doing.

use crate::diagnostic::{Diagnostic, Place, plural};
use similar::{DiffOp, TextDiff};
use std::collections::{BTreeMap, HashSet};
use std::ops::Range;

/// With more edits than these each would be judged for longer than anybody waits, and one that says little alone is more likely.
const MOST: usize = 12;

/// Files by path.
pub(super) type Texts = BTreeMap<String, String>;

/// Lines in the place of others.
struct Edit<'a> {
    path: &'a str,
    /// Of the file without it, from 0.
    old: Range<usize>,
    /// Of the file as it is, from 0; empty where something was taken away.
    new: Range<usize>,
}

/// Files that somebody has edited.
pub(super) struct Edited {
    /// How messages call their folder.
    pub(super) folder: String,
    /// Who says what they would be without an edit: `the built-in template has`, `the catalog renders`.
    pub(super) says: &'static str,
    /// As they would be without an edit, by path under the folder.
    pub(super) before: Texts,
    /// As they are, of the same paths.
    pub(super) after: Texts,
}

impl Edited {
    fn edits(&self) -> Vec<Edit<'_>> {
        let pairs = self.after.iter().filter_map(|(path, after)| {
            let before = self.before.get(path)?;
            (before != after).then_some((path, before, after))
        });
        let mut found = Vec::new();
        for (path, before, after) in pairs {
            let difference = TextDiff::from_lines(before.as_str(), after.as_str());
            let changed = |op: &&DiffOp| !matches!(op, DiffOp::Equal { .. });
            found.extend(difference.ops().iter().filter(changed).map(|op| Edit {
                path,
                old: op.old_range(),
                new: op.new_range(),
            }));
            if found.len() > MOST {
                break;
            }
        }
        found
    }

    /// The files with this edit and no other.
    fn with_only(&self, edit: &Edit) -> Texts {
        let lines = |texts: &'_ Texts, lines: Range<usize>| -> String {
            let all = texts[edit.path].split_inclusive('\n');
            all.skip(lines.start).take(lines.len()).collect()
        };
        let text = [
            lines(&self.before, 0..edit.old.start),
            lines(&self.after, edit.new.clone()),
            lines(&self.before, edit.old.end..usize::MAX),
        ];
        let mut texts = self.before.clone();
        texts.insert(edit.path.to_string(), text.concat());
        texts
    }

    /// Whether a place is in an edit; of lines that were taken away, beside where they stood.
    fn is_in(&self, place: &Place, edit: &Edit) -> bool {
        let Place::Line { file, line, .. } = place else {
            return false;
        };
        let lines = match edit.new.is_empty() {
            true => edit.new.start..edit.new.start + 2,
            false => edit.new.start + 1..edit.new.end + 1,
        };
        *file == self.shown(edit) && lines.contains(line)
    }

    fn shown(&self, edit: &Edit) -> String {
        format!("{}/{}", self.folder, edit.path)
    }

    /// Where an edit begins.
    fn place(&self, edit: &Edit) -> Place {
        let lines: Vec<&str> = self.after[edit.path].lines().collect();
        let index = edit.new.start.min(lines.len().saturating_sub(1));
        Place::Line {
            file: self.shown(edit),
            line: index + 1,
            text: lines.get(index).copied().unwrap_or_default().to_string(),
        }
    }

    /// Findings at the edits that they follow from, of an edited line one of a kind. `judged` says what is wrong with such files.
    pub(super) fn told(
        &self,
        found: Vec<Diagnostic>,
        judged: impl Fn(&Texts) -> Vec<Diagnostic>,
    ) -> Vec<Diagnostic> {
        let edits = self.edits();
        let subjects: HashSet<String> = (found.iter())
            .flat_map(|found| found.subjects.iter().cloned())
            .collect();
        let follows = |found: &Diagnostic| found.follows.iter().any(|one| subjects.contains(one));
        let elsewhere = |found: &Diagnostic| {
            let in_one = edits.iter().any(|edit| self.is_in(&found.place, edit));
            found.stops() && !follows(found) && !in_one
        };
        if edits.is_empty() || edits.len() > MOST || !found.iter().any(elsewhere) {
            return found;
        }
        let without = wrong(&judged(&self.before));
        let alone: Vec<HashSet<_>> = match edits.as_slice() {
            // What there is beside it was not edited.
            [_] => vec![wrong(&found)],
            edits => {
                let each = edits.iter().map(|edit| judged(&self.with_only(edit)));
                each.map(|found| wrong(&found)).collect()
            }
        };
        let edit_of = |found: &Diagnostic| {
            let key = (found.code, found.message.clone());
            // What follows from another finding is not shown.
            if !found.stops() || follows(found) || without.contains(&key) {
                return None;
            }
            alone.iter().position(|wrong| wrong.contains(&key))
        };
        let mut kept: Vec<(Diagnostic, usize)> = Vec::new();
        let mut firsts: BTreeMap<(usize, &'static str), usize> = BTreeMap::new();
        for finding in found {
            let Some(index) = edit_of(&finding) else {
                kept.push((finding, 0));
                continue;
            };
            let edit = &edits[index];
            let here = self.is_in(&finding.place, edit);
            // What one line does elsewhere it does by one mistake; several lines may hold several.
            let one = edit.new.len() <= 1 && !here;
            if let Some(first) = firsts.get(&(index, finding.code)).filter(|_| one) {
                let (first, others) = &mut kept[*first];
                first.subjects.extend(finding.subjects);
                *others += 1;
                continue;
            }
            firsts
                .entry((index, finding.code))
                .or_insert_with(|| kept.len());
            let finding = match here {
                true => finding,
                false => self.moved(finding, edit),
            };
            kept.push((finding, 0));
        }
        let counted = kept.into_iter().map(|(mut finding, others)| {
            if others > 0 {
                finding.help += &format!(
                    "; {} of the kind {} from this edit",
                    plural(others, "more error"),
                    if others == 1 { "follows" } else { "follow" }
                );
            }
            finding
        });
        counted.collect()
    }

    /// A finding at an edit; where it shows is another place of it.
    fn moved(&self, finding: Diagnostic, edit: &Edit) -> Diagnostic {
        let shows = finding.place.clone();
        Diagnostic {
            place: self.place(edit),
            label: self.label(edit),
            ..finding
        }
        .also(shows, "it shows here")
    }

    fn label(&self, edit: &Edit) -> String {
        let lines = self.before[edit.path].lines().skip(edit.old.start);
        let lines: Vec<&str> = lines.take(edit.old.len()).map(str::trim).collect();
        let first = lines.iter().find(|line| !line.is_empty());
        let Some(first) = first else {
            return "this edit alone makes it wrong".to_string();
        };
        let more = match lines.len() - 1 {
            0 => String::new(),
            more => format!(" and {}", plural(more, "more line")),
        };
        let says = self.says;
        format!("this edit alone makes it wrong: {says} `{first}`{more} here")
    }
}

/// What is wrong, wherever it shows.
fn wrong(found: &[Diagnostic]) -> HashSet<(&'static str, String)> {
    let errors = found.iter().filter(|found| found.stops());
    errors
        .map(|found| (found.code, found.message.clone()))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts(of: &[(&str, &str)]) -> Texts {
        let pairs = of
            .iter()
            .map(|(path, text)| (path.to_string(), text.to_string()));
        pairs.collect()
    }

    fn line(file: &str, line: usize) -> Place {
        let text = String::new();
        Place::Line {
            file: file.to_string(),
            line,
            text,
        }
    }

    /// A bad word in `a` shows at every line of `page`.
    fn judged(texts: &Texts) -> Vec<Diagnostic> {
        let bad = |word: &'static str, code| {
            let shows = texts.values().any(|text| text.contains(word));
            let lines = (1..4).filter(move |_| shows);
            lines.map(move |at| {
                Diagnostic::error(code, line("folder/page", at), format!("{word} {at}"))
            })
        };
        let always = Diagnostic::error("panel-text", line("folder/page", 9), "of the catalog");
        bad("wrong", "panel-number")
            .chain(bad("false", "panel-fields"))
            .chain([always])
            .collect()
    }

    fn told(before: &[(&str, &str)], after: &[(&str, &str)]) -> Vec<String> {
        let edited = Edited {
            folder: "folder".to_string(),
            says: "the catalog renders",
            before: texts(before),
            after: texts(after),
        };
        let found = edited.told(judged(&edited.after), judged);
        let shown = |found: &Diagnostic| match &found.place {
            Place::Line { file, line, .. } => {
                format!("{file}:{line} {} {}", found.message, found.help)
            }
            other => format!("{other:?}"),
        };
        found.iter().map(shown).collect()
    }

    #[test]
    fn findings_stand_at_the_edit_that_they_follow_from() {
        let before = [("a", "first\nsecond\nthird\n"), ("b", "left\n")];
        let one = [("a", "first\nwrong\nthird\n"), ("b", "left\n")];
        let more = "; 2 more errors of the kind follow from this edit";
        assert_eq!(
            told(&before, &one),
            [
                format!("folder/a:2 wrong 1 {more}"),
                "folder/page:9 of the catalog ".to_string()
            ]
        );
        let both = [("a", "first\nwrong\nthird\nmore\n"), ("b", "false\n")];
        assert_eq!(
            told(&before, &both),
            [
                format!("folder/a:2 wrong 1 {more}"),
                format!("folder/b:1 false 1 {more}"),
                "folder/page:9 of the catalog ".to_string()
            ]
        );
    }

    #[test]
    fn several_lines_may_hold_several_mistakes() {
        let before = [("a", "first\n")];
        let after = [("a", "wrong\nmore\n")];
        let found = told(&before, &after);
        let at = |word: &str| format!("folder/a:1 {word} ");
        assert_eq!(found[..3], [at("wrong 1"), at("wrong 2"), at("wrong 3")]);
    }

    #[test]
    fn what_was_taken_away_is_shown_where_it_stood() {
        let edited = Edited {
            folder: "folder".to_string(),
            says: "the catalog renders",
            before: texts(&[("a", "first\nsecond\nthird\n")]),
            after: texts(&[("a", "first\nsecond\n")]),
        };
        let judged = |texts: &Texts| match texts["a"].contains("third") {
            true => Vec::new(),
            false => vec![Diagnostic::error(
                "panel-number",
                line("folder/page", 1),
                "lost",
            )],
        };
        let found = edited.told(judged(&edited.after), judged);
        assert_eq!(
            found[0].label,
            "this edit alone makes it wrong: the catalog renders `third` here"
        );
        assert_eq!(
            found[0].others,
            [(line("folder/page", 1), "it shows here".to_string())]
        );
    }

    #[test]
    fn what_was_wrong_before_stays_where_it_is() {
        let before = [("a", "wrong\n")];
        let after = [("a", "wrong\nmore\n")];
        let found = told(&before, &after);
        assert!(
            found.iter().all(|found| found.starts_with("folder/page")),
            "{found:?}"
        );
    }
}
