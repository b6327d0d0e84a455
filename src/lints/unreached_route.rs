//! Every route of the catalog tells somebody of something, at some time.

use super::Lint;
use crate::catalog::Catalog;
use crate::diagnostic::{Diagnostic, Place};
use std::collections::{BTreeMap, BTreeSet, HashSet};

pub(crate) const LINT: Lint = Lint {
    code: "unreached-route",
    doc: "The first route that fits decides. What stands behind one that takes the same alerts and does not go on is never reached, and whoever is named there is never told; the same holds of somebody who is told only in a time in which he is not.",
    bad: "[receivers.on-call]\nwebhook = { url = \"http://pager.example.org:8080/\" }\n\n[receivers.archive]\nwebhook = { url = \"http://archive.example.org:8080/\" }\n\n[alerts.Down]\nkind = \"down\"\nfor = \"5m\"\nseverity = \"critical\"\n\n[[routes]]\nseverity = \"critical\"\nreceivers = \"archive\"\n\n[[routes]]\ngroup = \"web\"\nreceivers = \"on-call\"\n",
    good: "[receivers.on-call]\nwebhook = { url = \"http://pager.example.org:8080/\" }\n\n[receivers.archive]\nwebhook = { url = \"http://archive.example.org:8080/\" }\n\n[alerts.Down]\nkind = \"down\"\nfor = \"5m\"\nseverity = \"critical\"\n\n[[routes]]\nseverity = \"critical\"\nreceivers = \"archive\"\ncontinue = true\n\n[[routes]]\ngroup = \"web\"\nreceivers = \"on-call\"\n",
    check: |catalog, _| {
        let mut found = shadowed(catalog);
        for notice in &catalog.notices {
            let mut active = notice.active.iter();
            if !notice.active.is_empty() && active.all(|time| notice.mute.contains(time)) {
                let times = notice.active.join(" and ");
                let message = format!("told only in {times}, and not in {times}: never");
                found.push(
                    Diagnostic::error(
                        "unreached-route",
                        Place::Key(notice.pointer.clone()),
                        message,
                    )
                    .help("remove the time from `active` or from `mute`"),
                );
            }
        }
        found
    },
};

/// Routes of which every alert is taken by others before them, said at the one that takes the most.
fn shadowed(catalog: &Catalog) -> Vec<Diagnostic> {
    let notices = &catalog.notices;
    // Those that fit some alert, those that are reached by one, and who took the others.
    let (mut fits, mut reached) = (HashSet::new(), HashSet::new());
    let mut taken: BTreeMap<usize, BTreeSet<usize>> = BTreeMap::new();
    for alert in &catalog.alerts {
        for about in catalog.abouts(alert) {
            let mut by = None;
            for (index, notice) in notices.iter().enumerate() {
                if !notice.of.may_pick(&about) {
                    continue;
                }
                fits.insert(index);
                match by {
                    Some(by) => {
                        taken.entry(index).or_default().insert(by);
                    }
                    None => {
                        reached.insert(index);
                    }
                }
                if !notice.goes_on && notice.of.picks(&about) {
                    by = by.or(Some(index));
                }
            }
        }
    }
    // Of what is written once, such as an owner's default for several severities, one that is reached is enough.
    let somewhere: HashSet<&str> = reached
        .iter()
        .map(|index| notices[*index].pointer.as_str())
        .collect();
    let mut by_taker: BTreeMap<usize, Vec<usize>> = BTreeMap::new();
    let lost = fits.difference(&reached);
    // Whoever a route before tells too, at the same times, has lost nothing; of an owner's alerts one of their own says more than the owner.
    let told_there = |index: usize| {
        let lost = &notices[index];
        let tells = |taker: &usize| {
            let taker = &notices[*taker];
            let in_time = (&taker.mute, &taker.active) == (&lost.mute, &lost.active);
            let mut told = lost.receivers.iter();
            (in_time || lost.pointer.starts_with("/owners/"))
                && told.all(|receiver| taker.receivers.contains(receiver))
        };
        taken[&index].iter().all(tells)
    };
    let lost = lost.copied().filter(|index| {
        !somewhere.contains(notices[*index].pointer.as_str()) && !told_there(*index)
    });
    for index in lost {
        let taker = taken[&index].first().copied().unwrap_or(index);
        by_taker.entry(taker).or_default().push(index);
    }
    let said = |(taker, mut lost): (usize, Vec<usize>)| {
        lost.sort_unstable();
        let told = |index: &usize| notices[*index].receivers.join(" and ");
        let first = &notices[lost[0]];
        let message = format!(
            "no alert gets here, so {} is not told: a route before takes them all, and does not go on",
            told(&lost[0])
        );
        let found = Diagnostic::error(
            "unreached-route",
            Place::Key(first.pointer.clone()),
            message,
        )
        .also(Place::Key(notices[taker].pointer.clone()), "it takes them")
        .help("write `continue = true` there, let it take less, or remove what is not reached");
        let others = lost[1..].iter();
        others.fold(found, |found, index| {
            found.also(
                Place::Key(notices[*index].pointer.clone()),
                format!("nor here: {}", told(index)),
            )
        })
    };
    by_taker.into_iter().map(said).collect()
}
