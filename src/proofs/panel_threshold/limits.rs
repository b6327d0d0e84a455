//! The values in a panel at which alerts fire.

use crate::kinds::Side;
use crate::stack::Stack;
use std::collections::{BTreeMap, BTreeSet};

/// Value in a panel → the names of the alerts that fire on one side of it.
pub(super) type Limits<'a> = BTreeMap<Key, BTreeSet<&'a str>>;

/// A number in order.
#[derive(Clone, Copy, PartialEq)]
pub(super) struct Key(pub(super) f64);

impl Eq for Key {}

impl PartialOrd for Key {
    fn partial_cmp(&self, other: &Key) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Key {
    fn cmp(&self, other: &Key) -> std::cmp::Ordering {
        self.0.total_cmp(&other.0)
    }
}

/// The side of their thresholds on which all of the alerts fire; None: they differ, and no colour is right for all.
pub(super) fn side_of(stack: &Stack, limits: &Limits) -> Option<Side> {
    let names = limits.values().flatten();
    let mut sides = names.filter_map(|name| Some(stack.catalog.alert(name)?.side));
    let first = sides.next()?;
    sides.all(|side| side == first).then_some(first)
}
