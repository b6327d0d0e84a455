//! Whether Prometheus reads a service that does not answer this machine: its scrapes since then say it.

use super::CheckContext;
use crate::live::prometheus::{Running, Target, targets};
use chrono::{DateTime, Utc};
use std::time::{Duration, Instant};

/// No longer than that is waited for the next scrape.
const LONGEST: Duration = Duration::from_secs(15);

/// What Prometheus has done since a service was asked here.
#[derive(Clone, Copy)]
pub(super) enum Since {
    /// It has read every instance, the last at that time.
    Read(DateTime<Utc>),
    Failed,
    /// It has not asked again; it last read the service then.
    Nothing(Option<DateTime<Utc>>),
}

/// Of each service, which was asked here at a time. Waits for the next scrape of those that have had none.
pub(super) fn since(
    context: &CheckContext,
    running: &Running,
    asked: &[(&str, DateTime<Utc>)],
) -> Vec<Since> {
    let began = Instant::now();
    loop {
        let now = targets(&context.prometheus, &context.client).unwrap_or_default();
        let mut longest = Duration::ZERO;
        let found = asked.iter().map(|(service, at)| {
            let own: Vec<&Target> = now.iter().filter(|one| one.job == *service).collect();
            let at = *at + running.lead();
            let seen = of(&own, at);
            if let Since::Nothing(_) = seen {
                let intervals = own.iter().map(|target| target.interval);
                longest = longest.max(intervals.max().unwrap_or_default());
            }
            seen
        });
        let found: Vec<Since> = found.collect();
        let due = (longest + Duration::from_secs(1)).min(LONGEST);
        if longest.is_zero() || began.elapsed() > due {
            return found;
        }
        std::thread::sleep(Duration::from_millis(250));
    }
}

fn of(targets: &[&Target], at: DateTime<Utc>) -> Since {
    let later = |target: &&&Target| target.scraped.is_some_and(|scraped| scraped >= at);
    let mut failed = targets.iter().filter(later);
    if failed.any(|target| target.health != "up") {
        return Since::Failed;
    }
    let last = targets.iter().filter_map(|target| target.scraped).max();
    match targets.iter().all(|target| later(&target)) {
        true => last.map_or(Since::Nothing(None), Since::Read),
        false => Since::Nothing(last),
    }
}
