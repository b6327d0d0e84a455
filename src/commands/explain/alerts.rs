//! What an alert is about, when it fires, and who is told.

use super::labelled::{own_labels, receiver, said_in_words};
use super::{Row, held_back, levels, objective, row};
use crate::catalog::{Alert, Branch, Catalog, Scope, Service, Subject, Unless, with_unit};
use crate::json::plain;
use crate::source::{Source, step};

pub(super) fn alert_rows(alert: &Alert, catalog: &Catalog, source: &Source) -> Vec<Row> {
    let at = |key: &str| Some(format!("/alerts/{}/{key}", alert.name));
    let mut rows = vec![row("kind", &alert.kind.name, source, at("kind"))];
    for (key, value) in &alert.asks() {
        rows.push(row(key, plain(value), source, at(key)));
    }
    rows.extend(said_in_words(alert, source));
    rows.extend(own_labels(alert, source));
    rows.push(row("severity", &alert.severity, source, at("severity")));
    rows.extend(levels::others(alert, catalog, source));
    rows.extend(held_back::anywhere(alert, catalog, source));
    // With owners and routes of the catalog it depends on the service.
    let by_severity = catalog.notices.is_empty();
    if by_severity {
        rows.push(receiver(&alert.severity, catalog, source));
    }
    let others = alert
        .branches
        .iter()
        .map(|branch| &branch.severity)
        .filter(|severity| by_severity && **severity != alert.severity);
    for severity in others.collect::<std::collections::BTreeSet<_>>() {
        let (key, value, line) = receiver(severity, catalog, source);
        rows.push((format!("{key} of {severity}"), value, line));
    }
    for (branch, subject) in catalog.all_subjects(alert) {
        let set = [
            branch.says_limit(alert.unit.as_deref()),
            branch.window.map(|window| format!("window {window}")),
            branch.burn.as_ref().map(objective::still),
            Some(format!("for {}", branch.r#for)),
            Some(branch.severity.clone()),
            (!by_severity)
                .then(|| catalog.about(alert, subject, &branch.severity))
                .map(|about| format!("to {}", catalog.addressees(&about))),
        ];
        let name = subject.name().unwrap_or("the platform");
        let value = set.into_iter().flatten().collect::<Vec<_>>().join(", ");
        let own = format!("/services/{name}/alerts/{}", alert.name);
        let pointer = if source.contains(&own) {
            own
        } else {
            format!("/alerts/{}", alert.name)
        };
        rows.push(row(name, value, source, Some(pointer)));
    }
    // Of one about the platform there is no more to ask.
    if alert.about == Scope::Platform
        && let Some(branch) = alert.branches.first()
    {
        let told = told(alert, branch, Subject::Platform, catalog, source);
        let known: Vec<String> = rows.iter().map(|(key, ..)| key.clone()).collect();
        rows.extend(told.into_iter().filter(|(key, ..)| !known.contains(key)));
    }
    rows
}

/// The values of an alert for one service, or one group.
pub(in crate::commands) fn alert_at<'c>(
    alert: &'c Alert,
    subject: impl Into<Subject<'c>>,
    catalog: &'c Catalog,
    source: &Source,
) -> Vec<Row> {
    let subject = subject.into();
    let of_service = subject.service();
    let name = subject.name().unwrap_or_default();
    let own = match of_service {
        Some(service) => format!("/services/{}/alerts/{}", service.name, alert.name),
        None => format!("/alerts/{}", alert.name),
    };
    let at = |key: &str| {
        Some(
            [
                format!("{own}/{key}"),
                format!("/alerts/{}/{key}", alert.name),
            ]
            .into_iter()
            .find(|pointer| source.contains(pointer))
            .unwrap_or_default(),
        )
    };
    let mut all = catalog.all_subjects(alert);
    let here = all.find(|(_, known)| {
        known.name() == subject.name() && known.service().is_some() == of_service.is_some()
    });
    let Some((branch, _)) = here else {
        let about = |service: &Service| alert.is_about(service);
        let why = if of_service.is_none() {
            "its group is not among those of the alert, or emits nothing of what it reads"
        } else if alert.about != Scope::Service {
            "it is about no single service"
        } else if alert.excepts.iter().any(|excepted| excepted == name) {
            "excepted"
        } else if !of_service.is_some_and(about) {
            "the alert names other services"
        } else {
            "the service does not emit what the alert reads"
        };
        return vec![row("covers", format!("no: {why}"), source, at("enabled"))];
    };
    let mut rows = vec![row("kind", &alert.kind.name, source, at("kind"))];
    for (key, value) in &alert.asks() {
        rows.push(row(key, plain(value), source, at(key)));
    }
    let own = |branch: &&Branch| branch.services.iter().any(|service| service == name);
    for branch in alert.branches.iter().filter(own) {
        let key = alert.threshold.as_deref().unwrap_or("above");
        rows.extend(
            branch
                .limit()
                .map(|(_, limit)| with_unit(limit, alert.unit.as_deref()))
                .map(|limit| row(key, limit, source, at(key))),
        );
        rows.extend(
            branch
                .window
                .map(|window| row("window", window, source, at("window"))),
        );
        let still = branch.burn.as_ref().map(objective::still);
        rows.extend(still.map(|still| row("still", still, source, None)));
    }
    rows.push(row("for", branch.r#for, source, at("for")));
    let unless = alert.unless.as_ref().map(Unless::words);
    rows.extend(unless.map(|words| row("unless", words, source, at("unless"))));
    rows.push(row("severity", &branch.severity, source, at("severity")));
    rows.extend(held_back::by(alert, branch, subject, catalog, source));
    rows.extend(told(alert, branch, subject, catalog, source));
    rows
}

/// Whose an alert of a service is, or of whatever else it is about, its labels, and who is told of it.
fn told(
    alert: &Alert,
    branch: &Branch,
    subject: Subject,
    catalog: &Catalog,
    source: &Source,
) -> Vec<Row> {
    let mut rows = Vec::new();
    let about = catalog.about(alert, subject, &branch.severity);
    if !about.owner.is_empty() {
        let service = subject.service().map(|service| &service.name);
        let of_service = |key: String| service.map(|name| format!("/services/{name}/{key}"));
        let group = subject.group();
        let pointers = [
            of_service(format!("alerts/{}/owner", alert.name)),
            Some(format!("/alerts/{}/owner", alert.name)),
            Some(format!("/slos/{}/owner", alert.written_name())),
            of_service("owner".to_string()),
            group.map(|group| format!("/groups/{group}/owner")),
            Some("/platform/owner".to_string()),
        ];
        let set = pointers
            .into_iter()
            .flatten()
            .find(|pointer| source.contains(pointer));
        rows.push(row("owner", about.owner, source, set));
    }
    rows.extend(about.labels.iter().map(|(label, value)| {
        let own = format!("/alerts/{}/labels/{}", alert.name, step(label));
        let set = match source.contains(&own) {
            true => Some(own),
            false => subject
                .service()
                .and_then(|service| {
                    crate::catalog::origin(source, service, &format!("labels/{}", step(label)))
                })
                .or_else(|| Some(format!("/prometheus/external_labels/{}", step(label)))),
        };
        row(&format!("label {label}"), value, source, set)
    }));
    let told = catalog.told(&about);
    if told.is_empty() {
        rows.push(receiver(&branch.severity, catalog, source));
    }
    rows.extend(told.iter().map(|told| {
        let pointer = match told.by {
            Some(notice) => notice.pointer.clone(),
            None => format!("/alertmanager/routes/{}", branch.severity),
        };
        let value = catalog.addressee(told, &about);
        row("receiver", value, source, Some(pointer))
    }));
    rows
}
