//! Which edit a finding follows from: each is made alone, in files that are sound without it, and what goes wrong then is its doing.

use crate::diagnostic::{Diagnostic, Place, plural};
use similar::{DiffOp, TextDiff};
use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::ops::Range;

/// More edits than these would be judged for longer than anybody waits, and one alone says little: what changed in a file is one
/// edit then.
const MOST: usize = 12;

/// From so many findings on that follow from an edit of several lines it is one mistake: fewer may be several.
const MANY: usize = 4;

/// Files by path.
pub(super) type Texts = BTreeMap<String, String>;

/// Lines in the place of others.
struct Edit<'a> {
    path: &'a str,
    /// Of the file without it, from 0.
    old: Range<usize>,
    /// Of the file as it is, from 0; empty where something was taken away.
    new: Range<usize>,
    /// Whether it is all that changed in its file, from the first to the last line.
    whole: bool,
}

impl Edit<'_> {
    /// Whether so many findings that follow from it are one mistake.
    fn is_one_mistake(&self, findings: usize) -> bool {
        findings >= MANY || !self.whole && self.new.len() <= 1
    }
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
    /// Every edit, or of each file one; none where even those are too many.
    fn edits(&self) -> Vec<Edit<'_>> {
        let mut edits = Vec::new();
        let mut files = Vec::new();
        for (path, after) in &self.after {
            let Some(before) = self.before.get(path).filter(|before| *before != after) else {
                continue;
            };
            if files.len() == MOST {
                return Vec::new();
            }
            let difference = TextDiff::from_lines(before.as_str(), after.as_str());
            let changed = |op: &&DiffOp| !matches!(op, DiffOp::Equal { .. });
            let ops: Vec<&DiffOp> = difference.ops().iter().filter(changed).collect();
            let edit = |first: &DiffOp, last: &DiffOp, whole| Edit {
                path,
                old: first.old_range().start..last.old_range().end,
                new: first.new_range().start..last.new_range().end,
                whole,
            };
            edits.extend(ops.iter().map(|op| edit(op, op, false)));
            files.push(edit(ops[0], ops[ops.len() - 1], true));
        }
        match edits.len() {
            ..=MOST => edits,
            _ => files,
        }
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

    /// Findings at the edits that they follow from; what follows from one mistake follows from its first finding. `judged` says
    /// what is wrong with such files.
    pub(super) fn told(
        &self,
        mut found: Vec<Diagnostic>,
        judged: impl Fn(&Texts) -> Vec<Diagnostic>,
    ) -> Vec<Diagnostic> {
        let edits = self.edits();
        let shown = are_shown(&found);
        let is_elsewhere = |(found, shown): (&Diagnostic, &bool)| {
            *shown && !edits.iter().any(|edit| self.is_in(&found.place, edit))
        };
        if edits.is_empty() || !found.iter().zip(&shown).any(is_elsewhere) {
            return found;
        }
        let edit_of = self.edit_of_each(&edits, &found, &shown, judged);
        let mut firsts = BTreeSet::new();
        for (index, edit) in edits.iter().enumerate() {
            let of_edit = (0..found.len()).filter(|at| edit_of[*at] == Some(index));
            firsts.extend(self.gather(edit, of_edit, &mut found));
        }
        // What others follow from comes before them.
        let (first, others): (Vec<_>, Vec<_>) =
            (found.into_iter().enumerate()).partition(|(at, _)| firsts.contains(at));
        let found = first.into_iter().chain(others);
        found.map(|(_, found)| found).collect()
    }

    /// For each finding that is shown the edit that brings it, made alone.
    fn edit_of_each(
        &self,
        edits: &[Edit],
        found: &[Diagnostic],
        shown: &[bool],
        judged: impl Fn(&Texts) -> Vec<Diagnostic>,
    ) -> Vec<Option<usize>> {
        let without = wrong(&judged(&self.before));
        let alone: Vec<HashSet<_>> = match edits {
            // What there is beside it was not edited.
            [_] => vec![wrong(found)],
            edits => {
                let each = edits.iter().map(|edit| judged(&self.with_only(edit)));
                each.map(|found| wrong(&found)).collect()
            }
        };
        let edit_of = |(found, shown): (&Diagnostic, &bool)| {
            let key = (found.code, found.message.clone());
            let is_of_one = *shown && !without.contains(&key);
            let mut alone = alone.iter();
            alone
                .position(|wrong| wrong.contains(&key))
                .filter(|_| is_of_one)
        };
        found.iter().zip(shown).map(edit_of).collect()
    }

    /// Has what an edit brings stand at it, and what is one mistake follow from its first finding; the first ones.
    fn gather(
        &self,
        edit: &Edit,
        of_edit: impl Iterator<Item = usize>,
        found: &mut [Diagnostic],
    ) -> Vec<usize> {
        let (here, elsewhere): (Vec<usize>, Vec<usize>) =
            of_edit.partition(|at| self.is_in(&found[*at].place, edit));
        if let Some(first) = here.first()
            && edit.is_one_mistake(elsewhere.len())
        {
            follow(*first, &elsewhere, found);
            return vec![*first];
        }
        let mut firsts = Vec::new();
        let mut kinds: BTreeMap<&str, Vec<usize>> = BTreeMap::new();
        for at in elsewhere {
            kinds.entry(found[at].code).or_default().push(at);
        }
        for of_kind in kinds.values() {
            let one = edit.is_one_mistake(of_kind.len());
            let moved = match one {
                true => &of_kind[..1],
                false if edit.whole => &[],
                false => of_kind,
            };
            for at in moved {
                self.move_to(edit, &mut found[*at]);
            }
            if one {
                firsts.push(of_kind[0]);
                follow(of_kind[0], &of_kind[1..], found);
            }
        }
        firsts
    }

    /// Has a finding stand at an edit; where it shows is another place of it.
    fn move_to(&self, edit: &Edit, finding: &mut Diagnostic) {
        let shows = std::mem::replace(&mut finding.place, self.place(edit));
        finding.label = self.label(edit);
        finding.others.push((shows, "it shows here".to_string()));
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

/// Which errors are shown: what follows from another finding already is not.
fn are_shown(found: &[Diagnostic]) -> Vec<bool> {
    let subjects: HashSet<&String> = found.iter().flat_map(|found| &found.subjects).collect();
    let is_shown = |found: &Diagnostic| {
        found.stops() && !found.follows.iter().any(|one| subjects.contains(one))
    };
    found.iter().map(is_shown).collect()
}

/// Has findings follow from the first of them.
fn follow(first: usize, others: &[usize], found: &mut [Diagnostic]) {
    let cause = format!("edit {first}");
    for at in others {
        found[*at].follows.push(cause.clone());
    }
    found[first].subjects.push(cause);
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
    use crate::diagnostic::folded;

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
        let found = folded(edited.told(judged(&edited.after), judged));
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
        let more = "; 2 errors that follow from this are not shown";
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
    fn of_too_many_edits_what_changed_in_a_file_is_one() {
        let lines = |word: &str| {
            (0..40)
                .map(|at| format!("{at}\n{word}\n"))
                .collect::<String>()
        };
        let [before, after] = ["as rendered", "wrong"].map(lines);
        let page = ("page", "1\n2\n3\n");
        let found = told(&[("a", &before), page], &[("a", &after), page]);
        let three = "folder/page:1 wrong 1 ";
        assert_eq!(found[0], three, "so few may be several mistakes");
        let judged = |texts: &Texts| {
            let lines = (1..9).filter(|_| texts["a"].contains("wrong"));
            let found = lines.map(|at| {
                let place = line("folder/page", at);
                Diagnostic::error("panel-number", place, format!("wrong {at}"))
            });
            found.collect::<Vec<_>>()
        };
        let edited = Edited {
            folder: "folder".to_string(),
            says: "the catalog renders",
            before: texts(&[("a", &before), page]),
            after: texts(&[("a", &after), page]),
        };
        let found = folded(edited.told(judged(&edited.after), judged));
        assert_eq!(found.len(), 1);
        assert_eq!(found[0].place, edited.place(&edited.edits()[0]));
        assert_eq!(
            found[0].help,
            "; 7 errors that follow from this are not shown"
        );
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
