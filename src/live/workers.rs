//! The same work on many things, so many at once.

use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

/// Services asked at the same time.
pub(crate) const SERVICES: usize = 48;

/// Instances of one of them.
pub(crate) const INSTANCES: usize = 8;

/// Queries that Prometheus is given at the same time.
pub(crate) const QUERIES: usize = 8;

/// What `work` makes of each item, in the items' order.
pub(crate) fn each<'a, T: Sync, R: Send>(
    items: &'a [T],
    at_once: usize,
    work: impl Fn(&'a T) -> R + Sync,
) -> Vec<R> {
    let next = AtomicUsize::new(0);
    let done: Mutex<Vec<(usize, R)>> = Mutex::new(Vec::with_capacity(items.len()));
    let take = || {
        let index = next.fetch_add(1, Ordering::Relaxed);
        items.get(index).map(|item| (index, item))
    };
    std::thread::scope(|scope| {
        for _ in 0..items.len().min(at_once) {
            scope.spawn(|| {
                while let Some((index, item)) = take() {
                    let result = work(item);
                    done.lock()
                        .unwrap_or_else(|poisoned| poisoned.into_inner())
                        .push((index, result));
                }
            });
        }
    });
    let mut done = done
        .into_inner()
        .unwrap_or_else(|poisoned| poisoned.into_inner());
    done.sort_by_key(|(index, _)| *index);
    done.into_iter().map(|(_, result)| result).collect()
}
