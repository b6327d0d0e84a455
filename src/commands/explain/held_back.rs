//! What an alert is held back by: while another one fires, nobody is told of it.

use super::{Row, row};
use crate::catalog::{Alert, Branch, Catalog, NO_ONE, Subject};
use crate::source::{Source, step};
use std::collections::BTreeSet;

/// A row for everything that holds the alert back, of whatever it is about.
pub(super) fn anywhere(alert: &Alert, catalog: &Catalog, source: &Source) -> Vec<Row> {
    let mut known = BTreeSet::new();
    let all = catalog.all_subjects(alert);
    let rows = all.flat_map(|(branch, subject)| by(alert, branch, subject, catalog, source));
    rows.filter(|(_, value, _)| known.insert(value.clone()))
        .collect()
}

/// The same of one service or group.
pub(super) fn by(
    alert: &Alert,
    branch: &Branch,
    subject: Subject,
    catalog: &Catalog,
    source: &Source,
) -> Vec<Row> {
    let about = catalog.about(alert, subject, &branch.severity);
    let written = catalog.inhibitions.iter();
    let written = written.filter(|one| one.target.may_pick(&about));
    let written = written.map(|one| match one.source.names("alert") {
        [] => (one.name.clone(), one.pointer.clone()),
        names => (names.join(", "), one.pointer.clone()),
    });
    let explains = |other: &&Alert| {
        let here = subject
            .service()
            .is_some_and(|service| other.covers.contains(&service.name));
        here && other.kind.holds_back_others && !alert.kind.holds_back_others
    };
    let explained = catalog.alerts.iter().filter(explains);
    let explained = explained.map(|other| {
        (
            other.name.clone(),
            format!("/alerts/{}", step(other.written_name())),
        )
    });
    let faster = catalog
        .slos
        .iter()
        .filter_map(|slo| match slo.alerts.as_slice() {
            [fast, slow] if slow.name == alert.name && !fast.burns.is_empty() => {
                let told = catalog.receiver(&fast.severity) != NO_ONE;
                told.then(|| (fast.name.clone(), format!("/slos/{}", step(&slo.name))))
            }
            _ => None,
        });
    let all = explained.chain(faster).chain(written);
    all.map(|(name, pointer)| row("held back by", name, source, Some(pointer)))
        .collect()
}
