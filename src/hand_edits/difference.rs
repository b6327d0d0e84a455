//! In what two texts differ, word by word; and what was changed in two ways, put together.

use similar::{Algorithm, DiffTag, capture_diff_slices};
use std::ops::Range;

/// A place in which two texts differ: the bytes of the one, and those of the other. One of the two may be empty, not both.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Difference {
    pub(crate) old: Range<usize>,
    pub(crate) new: Range<usize>,
}

/// Of lines that have less in common, words are not compared: what one finds alike in them is chance.
const ALIKE: f64 = 0.4;

/// Every place in which two texts differ, in order.
pub(crate) fn differences(old: &str, new: &str) -> Vec<Difference> {
    let mut found = Vec::new();
    if old == new {
        return found;
    }
    let (before, after) = (parts(old, lines), parts(new, lines));
    for (tag, one, two) in changed(old, new, &before, &after) {
        let whole = Difference {
            old: bytes(&before, &one, old.len()),
            new: bytes(&after, &two, new.len()),
        };
        match tag {
            // As many lines as before: each is compared with its own.
            DiffTag::Replace if one.len() == two.len() => {
                for (line, other) in before[one].iter().zip(&after[two]) {
                    found.extend(words_of(old, new, line.clone(), other.clone()));
                }
            }
            DiffTag::Replace => {
                let some = one.len().min(two.len());
                let first = before[one.clone()].iter().zip(&after[two.clone()]);
                let first: Vec<Vec<Difference>> = first
                    .map(|(line, other)| words_of(old, new, line.clone(), other.clone()))
                    .collect();
                let other = |(index, words): (usize, &Vec<Difference>)| {
                    let line = before[one.start + index].clone();
                    words.iter().any(|word| word.old == line)
                };
                // Lines more, or fewer, behind those that were changed.
                if first.iter().enumerate().any(other) {
                    found.extend(words_of(old, new, whole.old, whole.new));
                } else {
                    found.extend(first.into_iter().flatten());
                    found.push(Difference {
                        old: bytes(&before, &(one.start + some..one.end), old.len()),
                        new: bytes(&after, &(two.start + some..two.end), new.len()),
                    });
                }
            }
            _ => found.push(whole),
        }
    }
    found
}

/// The same within a part of each.
fn words_of(old: &str, new: &str, one: Range<usize>, two: Range<usize>) -> Vec<Difference> {
    let (before, after) = (&old[one.clone()], &new[two.clone()]);
    if before == after {
        return Vec::new();
    }
    let (words_before, words_after) = (parts(before, words), parts(after, words));
    let ops = changed(before, after, &words_before, &words_after);
    let found: Vec<Difference> = ops
        .into_iter()
        .map(|(_, from, to)| {
            let (from, to) = (
                bytes(&words_before, &from, before.len()),
                bytes(&words_after, &to, after.len()),
            );
            Difference {
                old: one.start + from.start..one.start + from.end,
                new: two.start + to.start..two.start + to.end,
            }
        })
        .collect();
    let differ: usize = found
        .iter()
        .map(|found| found.old.len() + found.new.len())
        .sum();
    let all = before.len() + after.len();
    if all > 0 && 1.0 - differ as f64 / all as f64 >= ALIKE {
        return found;
    }
    vec![Difference { old: one, new: two }]
}

/// What is not equal in two lists of parts, by their indices.
fn changed(
    old: &str,
    new: &str,
    before: &[Range<usize>],
    after: &[Range<usize>],
) -> Vec<(DiffTag, Range<usize>, Range<usize>)> {
    let texts = |text: &'_ str, parts: &[Range<usize>]| -> Vec<String> {
        parts
            .iter()
            .map(|part| text[part.clone()].to_string())
            .collect()
    };
    let ops = capture_diff_slices(Algorithm::Myers, &texts(old, before), &texts(new, after));
    let ops = ops.iter().filter(|op| op.tag() != DiffTag::Equal);
    ops.map(|op| op.as_tag_tuple()).collect()
}

/// The bytes of some parts that stand behind each other.
fn bytes(parts: &[Range<usize>], some: &Range<usize>, end: usize) -> Range<usize> {
    let start = parts.get(some.start).map_or(end, |part| part.start);
    match some.is_empty() {
        true => start..start,
        false => start..parts[some.end - 1].end,
    }
}

fn parts(text: &str, ends: fn(&str) -> usize) -> Vec<Range<usize>> {
    let mut found = Vec::new();
    let mut at = 0;
    while at < text.len() {
        let end = at + ends(&text[at..]);
        found.push(at..end);
        at = end;
    }
    found
}

/// How long the line is that a text begins with, its break included.
fn lines(text: &str) -> usize {
    text.find('\n').map_or(text.len(), |at| at + 1)
}

/// How long the word is that a text begins with: a number with its point and unit is one, what stands between words is one each.
fn words(text: &str) -> usize {
    let inside = |letter: char| letter.is_alphanumeric() || matches!(letter, '_' | '.' | '%');
    let first = text.chars().next().unwrap_or_default();
    match inside(first) {
        true => text.find(|letter| !inside(letter)).unwrap_or(text.len()),
        false => first.len_utf8(),
    }
}

/// What two texts make of one, together; None: they change the same place, and not alike.
pub(crate) fn merged(base: &str, ours: &str, theirs: &str) -> Option<String> {
    let of = |text: &'_ str| -> Vec<(Range<usize>, String)> {
        let found = differences(base, text).into_iter();
        found
            .map(|found| (found.old, text[found.new].to_string()))
            .collect()
    };
    let mut changes = of(ours);
    changes.extend(of(theirs));
    changes.sort_by_key(|(place, _)| (place.start, place.end));
    changes.dedup();
    let apart = |pair: &[(Range<usize>, String)]| {
        let (one, two) = (&pair[0].0, &pair[1].0);
        one.end < two.start || one.end == two.start && !one.is_empty() && !two.is_empty()
    };
    if !changes.windows(2).all(apart) {
        return None;
    }
    let mut text = String::new();
    let mut at = 0;
    for (place, new) in changes {
        text += &base[at..place.start];
        text += &new;
        at = place.end;
    }
    Some(text + &base[at..])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(old: &str, new: &str) -> Vec<String> {
        let found = differences(old, new).into_iter();
        found
            .map(|found| format!("{}→{}", &old[found.old], &new[found.new]))
            .collect()
    }

    #[test]
    fn a_number_is_one_word() {
        assert_eq!(said("a\nb > 0.1\nc\n", "a\nb > 0.15\nc\n"), ["0.1→0.15"]);
        assert_eq!(
            said("above 10% for 5m", "above 15% for 10m"),
            ["10%→15%", "5m→10m"]
        );
        assert_eq!(said("a\nb\n", "a\n"), ["b\n→"]);
        assert_eq!(said("a\n", "a\n# why\n"), ["→# why\n"]);
        assert_eq!(
            said("for: 5m\n", "for: 10m\n# why\n"),
            ["5m→10m", "→# why\n"]
        );
    }

    #[test]
    fn two_changes_come_together() {
        let base = "a: 1\nb: 2\nc: 3\n";
        let merge = |ours, theirs| merged(base, ours, theirs);
        assert_eq!(
            merge("a: 5\nb: 2\nc: 3\n", "a: 5\nb: 2\nc: 4\n").as_deref(),
            Some("a: 5\nb: 2\nc: 4\n")
        );
        assert_eq!(merge("a: 5\nb: 2\nc: 3\n", "a: 6\nb: 2\nc: 3\n"), None);
        assert_eq!(
            merge("a: 5\nb: 2\nc: 3\n", "a: 1\nb: 2\nc: 3\n# why\n").as_deref(),
            Some("a: 5\nb: 2\nc: 3\n# why\n")
        );
    }
}
