//! The findings that a catalog accepts.

use crate::allow::{Allow, entries};
use crate::diff::Class::{Notice, Safe};
use crate::diff::{At, Comparison};

/// Entries of `allow`: the finding that is accepted, the table it is in, and until when.
pub(crate) fn accepted(comparison: &mut Comparison) {
    let (was, is) = (
        entries(&comparison.before.source.value),
        entries(&comparison.after.source.value),
    );
    let known = |list: &[Allow], wanted: &Allow| {
        list.iter().any(|one| {
            (&one.table, &one.check, &one.until) == (&wanted.table, &wanted.check, &wanted.until)
        })
    };
    for one in is.iter().filter(|one| !known(&was, one)) {
        let until = one
            .until
            .as_ref()
            .map(|day| format!(" until {day}"))
            .unwrap_or_default();
        comparison.say(
            Notice,
            format!(
                "the finding `{}` is accepted at {}{until}: {}",
                one.check,
                named(one),
                one.reason
            ),
            At::After(one.pointer.clone()),
        );
    }
    for one in was.iter().filter(|one| {
        !is.iter()
            .any(|new| (&new.table, &new.check) == (&one.table, &one.check))
    }) {
        comparison.say(
            Safe,
            format!(
                "the finding `{}` is no longer accepted at {}",
                one.check,
                named(one)
            ),
            At::Before(one.pointer.clone()),
        );
    }
}

/// The table as TOML writes it.
fn named(entry: &Allow) -> String {
    format!(
        "[{}]",
        entry.table.trim_start_matches('/').replace('/', ".")
    )
}
