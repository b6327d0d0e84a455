//! What `verify` found, as every format tells it: a state for each check, a row for each service, what to do.

pub(crate) mod html;
pub(crate) mod junit;

use crate::diagnostic::{Diagnostic, Severity, grouped, json};
use crate::live::checks::Checked;
use crate::live::checks::services::Row;
use crate::source::Source;
use crate::value::{Map, Value, json};
use std::collections::BTreeSet;

/// The version of the document's schema, `report.schema.json`: another one where a member changes its meaning or goes.
pub(crate) const SCHEMA_VERSION: u32 = 1;

/// The schema of the JSON document.
pub(crate) const SCHEMA: &str = include_str!("results/report.schema.json");

/// So many things to do are named in text.
const FIRST: usize = 5;

/// Everything that was looked at.
pub(crate) struct Results {
    pub checks: Vec<Checked>,
    pub services: Vec<Row>,
}

/// What to do about findings that have it in common.
pub(crate) struct Recommendation {
    pub code: &'static str,
    pub action: String,
    /// Those that it is about; empty: the stack.
    pub services: Vec<String>,
    pub severity: Severity,
}

/// One of a fixed list: `failed` with an error, `warning` with a warning, `unknown` where it could not be asked, else `ok`.
pub(crate) fn status(check: &Checked) -> &'static str {
    let worst = check.findings.iter().map(|finding| finding.severity).min();
    match worst {
        Some(Severity::Error) => "failed",
        _ if check.state == "-" => "unknown",
        Some(Severity::Warning) => "warning",
        _ => "ok",
    }
}

impl Results {
    pub(crate) fn findings(&self) -> impl Iterator<Item = &Diagnostic> {
        self.checks.iter().flat_map(|check| &check.findings)
    }

    /// Whether nothing is wrong.
    pub(crate) fn right(&self) -> bool {
        !self.findings().any(Diagnostic::stops)
    }

    /// The findings about a service.
    pub(crate) fn about<'a>(&'a self, service: &'a str) -> impl Iterator<Item = &'a Diagnostic> {
        self.findings()
            .filter(move |finding| finding.service.as_deref() == Some(service))
    }

    /// What to do, errors before warnings, each thing once for each code.
    pub(crate) fn recommendations(&self) -> Vec<Recommendation> {
        let mut found: Vec<Recommendation> = Vec::new();
        for finding in self.findings() {
            let weighs = matches!(finding.severity, Severity::Error | Severity::Warning);
            if !weighs || finding.help.is_empty() {
                continue;
            }
            let known = found
                .iter_mut()
                .find(|known| known.code == finding.code && known.action == finding.help);
            let known = match known {
                Some(known) => known,
                None => {
                    found.push(Recommendation {
                        code: finding.code,
                        action: finding.help.clone(),
                        services: Vec::new(),
                        severity: finding.severity,
                    });
                    let last = found.len() - 1;
                    &mut found[last]
                }
            };
            known.severity = known.severity.min(finding.severity);
            let service = finding.service.iter();
            let new = service.filter(|service| !known.services.contains(service));
            let new: Vec<String> = new.cloned().collect();
            known.services.extend(new);
        }
        found.sort_by_key(|one| one.severity);
        found
    }

    /// What to do first, for people; the pictures of the findings say the rest.
    pub(crate) fn steps(&self) -> Vec<String> {
        let all = self.recommendations();
        // One deed may end findings of several codes.
        let mut known = BTreeSet::new();
        let steps = all.iter().filter(|one| one.severity == Severity::Error);
        let steps = steps.filter(|one| known.insert((&one.action, &one.services)));
        let steps = steps.take(FIRST).enumerate().map(|(index, one)| {
            let whose = match one.services.as_slice() {
                [] => String::new(),
                [one] => format!("{one}: "),
                [one, rest @ ..] => format!("{one} and {} more: ", rest.len()),
            };
            format!("{:>2}. {whose}{}", index + 1, one.action)
        });
        steps.collect()
    }

    /// The members of the JSON document beside its status and findings.
    pub(crate) fn data(&self) -> Map {
        let mut data = Map::new();
        data.insert("schema_version".into(), SCHEMA_VERSION.into());
        let checks = self.checks.iter().map(|check| {
            let about = json!({
                "status": status(check), "state": check.state, "note": check.note,
                "findings": check.findings.len(),
            });
            (check.what.to_string(), about)
        });
        data.insert("checks".into(), Value::Object(checks.collect()));
        let services = self.services.iter().map(|row| {
            let errors = self.about(&row.service).filter(|finding| finding.stops());
            json!({
                "service": row.service, "target": row.target, "healthy": row.healthy,
                "scraped": row.scraped, "samples": row.samples,
                "metrics_declared": row.declared, "metrics_missing": row.missing,
                "errors": errors.count(),
            })
        });
        data.insert("services".into(), services.collect());
        let steps = self.recommendations().into_iter().map(|one| {
            json!({
                "severity": one.severity.word(), "code": one.code,
                "action": one.action, "services": one.services,
            })
        });
        data.insert("recommendations".into(), steps.collect());
        data
    }

    /// The findings as people read them, each as its JSON object: those of several services with one cause are one.
    pub(crate) fn grouped(&self, source: &Source) -> Vec<Value> {
        let all: Vec<Diagnostic> = self.findings().cloned().collect();
        grouped(&all).iter().map(|one| json(one, source)).collect()
    }
}
