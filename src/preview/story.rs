//! What goes wrong in simulated data, so that a reviewer sees what trouble looks like: one service answers with errors,
//! one is down, one was down, one fills its memory. The rest is healthy.

use crate::catalog::Catalog;
use std::collections::HashMap;

/// What a service does at an instant.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Part {
    /// Nothing is wrong.
    Healthy,
    Failing,
    Down,
    /// Memory grows: from 0 to 1.
    Filling(f64),
}

/// Seconds before now at which each trouble begins and ends.
const FAILING: (i64, i64) = (-26 * 60, 0);
const DOWN: (i64, i64) = (-14 * 60, 0);
const RECOVERED: (i64, i64) = (-48 * 60, -37 * 60);
const FILLING: (i64, i64) = (-20 * 60, 0);

/// The trouble that a service is in.
#[derive(Clone, Copy)]
pub(crate) enum Role {
    Fails,
    IsDown,
    /// It did not answer for a while.
    WasDown,
    Fills,
}

/// Which service plays which part.
pub(crate) struct Story {
    roles: HashMap<String, Role>,
}

impl Story {
    /// Parts for a catalog's services; the one with the most metrics fails, so that its panels show it.
    pub(crate) fn of(catalog: &Catalog) -> Story {
        let count = catalog.services.len();
        let mut roles = HashMap::new();
        let wanted = [
            (richest(catalog), Role::Fails),
            (count.saturating_sub(1), Role::IsDown),
            (1, Role::WasDown),
            (count / 3, Role::Fills),
        ];
        for (index, role) in wanted {
            if let Some(service) = catalog.services.get(index) {
                roles.entry(service.name.clone()).or_insert(role);
            }
        }
        Story { roles }
    }

    /// The part that a service plays, if it plays one.
    pub(crate) fn role(&self, job: &str) -> Option<Role> {
        self.roles.get(job).copied()
    }

    /// What a service does so many seconds before now (negative).
    pub(crate) fn part(role: Option<Role>, seconds: i64) -> Part {
        let within = |(begin, end): (i64, i64)| (begin..=end).contains(&seconds);
        match role {
            Some(Role::Fails) if within(FAILING) => Part::Failing,
            Some(Role::IsDown) if within(DOWN) => Part::Down,
            Some(Role::WasDown) if within(RECOVERED) => Part::Down,
            Some(Role::Fills) if within(FILLING) => Part::Filling(f64::min(
                1.0,
                (seconds - FILLING.0) as f64 / (15 * 60) as f64,
            )),
            _ => Part::Healthy,
        }
    }
}

/// The index of the first service with the most metrics.
pub(crate) fn richest(catalog: &Catalog) -> usize {
    let metrics = |index: usize| {
        catalog
            .metrics
            .iter()
            .filter(|metric| metric.services.contains(&catalog.services[index].name))
            .count()
    };
    (0..catalog.services.len())
        .rev()
        .max_by_key(|index| metrics(*index))
        .unwrap_or(0)
}
