//! `verify --watch`: what comes and goes, line by line.

use crate::commands::results::Results;
use crate::diagnostic::Diagnostic;
use anyhow::Result;
use chrono::Utc;
use std::collections::BTreeMap;

/// What is known of a finding between two looks: numbers in its message may differ.
type Key = (String, String, String);

/// The findings of one look.
#[derive(Default)]
pub(crate) struct Watched {
    known: Option<BTreeMap<Key, String>>,
}

impl Watched {
    /// What is new since the last look, in lines: at first everything.
    pub(crate) fn look(&mut self, asked: &Result<Results>) -> Vec<String> {
        let time = Utc::now().format("%H:%M:%S UTC");
        let now: BTreeMap<Key, String> = match asked {
            Ok(results) => results
                .findings()
                .map(|finding| (key(finding), said(finding)))
                .collect(),
            Err(error) => BTreeMap::from([(Key::default(), format!("error: {error:#}"))]),
        };
        let before = self.known.take();
        let first = before.is_none();
        let before = before.unwrap_or_default();
        let come = now.iter().filter(|(key, _)| !before.contains_key(*key));
        let gone = before.iter().filter(|(key, _)| !now.contains_key(*key));
        let mut lines: Vec<String> = come.map(|(_, said)| format!("{time} + {said}")).collect();
        lines.extend(gone.map(|(_, said)| format!("{time} - {said}")));
        if (first || !lines.is_empty()) && now.is_empty() {
            lines.push(format!("{time}   all is as the catalog says"));
        }
        self.known = Some(now);
        lines
    }
}

fn key(finding: &Diagnostic) -> Key {
    let service = finding.service.clone().unwrap_or_default();
    (
        finding.code.to_string(),
        service,
        format!("{:?}", finding.place),
    )
}

fn said(finding: &Diagnostic) -> String {
    format!(
        "{}[{}] {}",
        finding.severity.word(),
        finding.code,
        finding.message
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_stays_is_said_once() {
        let results = |count: usize| {
            Ok(Results {
                checks: (0..count)
                    .map(|index| crate::live::checks::Checked {
                        what: "x",
                        state: "ok".into(),
                        note: String::new(),
                        findings: vec![Diagnostic::error(
                            "stale",
                            crate::diagnostic::Place::File(index.to_string()),
                            format!("{count} things"),
                        )],
                    })
                    .collect(),
                services: Vec::new(),
            })
        };
        let mut watched = Watched::default();
        assert_eq!(watched.look(&results(1)).len(), 1);
        assert_eq!(watched.look(&results(1)), Vec::<String>::new());
        assert!(watched.look(&results(2))[0].contains(" + error[stale] 2 things"));
        let last = watched.look(&results(0));
        assert!(
            last[0].contains(" - ") && last[2].ends_with("all is as the catalog says"),
            "{last:?}"
        );
    }
}
