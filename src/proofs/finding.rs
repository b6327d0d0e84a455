//! What a proof found in a rendered file, told at the place that the user can fix.

use super::{Expression, OwnTests};
use crate::artifacts::Role;
use crate::catalog::Catalog;
use crate::diagnostic::{Diagnostic, Place, Severity};
use crate::render::Rendered;
use crate::source::step;
use serde_json::Value;

/// What a proof found, at a value of a rendered file.
#[derive(Debug)]
pub struct Finding {
    /// The file, under the output folder; empty: the catalog itself.
    pub path: String,
    /// The value in the file, as a JSON pointer; in the catalog when there is no file.
    pub pointer: String,
    /// What is wrong.
    pub message: String,
    /// What to do.
    pub help: String,
    /// Whether it stops the run.
    pub severity: Severity,
}

impl Finding {
    /// An error at a value of a file.
    pub fn at(
        path: &str,
        pointer: impl Into<String>,
        message: impl Into<String>,
        help: impl Into<String>,
    ) -> Finding {
        Finding {
            path: path.into(),
            pointer: pointer.into(),
            message: message.into(),
            help: help.into(),
            severity: Severity::Error,
        }
    }

    /// An error in an expression.
    pub fn on(
        expression: &Expression,
        message: impl Into<String>,
        help: impl Into<String>,
    ) -> Finding {
        Finding::at(expression.path, &expression.pointer, message, help)
    }

    /// A finding at the catalog's line that caused it, when the expression is the user's own; else at the template's.
    pub(super) fn diagnostic(
        self,
        code: &'static str,
        catalog: &Catalog,
        rendered: &Rendered,
        own: &OwnTests,
    ) -> Diagnostic {
        let value = rendered
            .file(&self.path)
            .and_then(|file| file.value.pointer(&self.pointer));
        let owner = self.owner(catalog, rendered, own);
        let own = owner.as_ref().filter(|(_, own)| *own).map(|(pointer, _)| {
            match pointer.contains("/series/") {
                true => Place::Key(pointer.clone()),
                false => Place::Value(pointer.clone()),
            }
        });
        let place = match own {
            Some(place) => place,
            None if self.path.is_empty() => Place::Key(self.pointer.clone()),
            None => rendered.place(&self.path, &self.pointer),
        };
        let mut found = Diagnostic {
            severity: self.severity,
            ..Diagnostic::error(code, place, self.message)
        }
        .help(self.help);
        if let Some(text) = value.and_then(|value| value.as_str()) {
            let text = text.split_whitespace().collect::<Vec<_>>().join(" ");
            found.label = if text.chars().count() > 160 {
                text.chars().take(160).collect::<String>() + "…"
            } else {
                text
            };
        }
        if !self.path.is_empty() {
            found = found.also(
                Place::File(format!("{}/{}", rendered.output, self.path)),
                self.pointer.clone(),
            );
        }
        found.owner = owner.map(|(pointer, _)| pointer).unwrap_or_else(|| {
            if self.path.is_empty() {
                self.pointer
            } else {
                "/platform".to_string()
            }
        });
        found
    }

    /// The catalog's table behind a rule or a test, and whether what is wrong is written there word by word.
    fn owner(
        &self,
        catalog: &Catalog,
        rendered: &Rendered,
        own: &OwnTests,
    ) -> Option<(String, bool)> {
        if rendered
            .file(&self.path)
            .is_some_and(|file| file.role == Role::RuleTests)
            && let Some(inside) = self.pointer.strip_prefix("/tests/")
            && let Some(pointer) = self.own_test(inside, rendered, own)
        {
            return Some((pointer, true));
        }
        let file = rendered.file(&self.path)?;
        let part = |steps: usize| {
            let steps: Vec<&str> = self.pointer.split('/').take(steps + 1).collect();
            file.value.pointer(&steps.join("/"))
        };
        let (rule, alert) = match (file.groups_pointer(), file.role) {
            (Some(groups), _) => {
                let rule = part(groups.matches('/').count() + 3)?;
                let alert = match (rule["alert"].as_str(), rule["record"].as_str()) {
                    (Some(name), _) => catalog.alert(name)?,
                    // What is recorded for one alert is that alert's.
                    (None, Some(name)) => catalog
                        .alerts
                        .iter()
                        .find(|alert| alert.signals.iter().any(|signal| signal.name == name))?,
                    (None, None) => return None,
                };
                (rule, alert)
            }
            (None, Role::RuleTests) => {
                let test = part(2)?;
                let alert = catalog
                    .alerts
                    .iter()
                    .find(|alert| tests(test, &alert.name))?;
                (test, alert)
            }
            _ => return None,
        };
        let name = &alert.name;
        match alert.settings.contains_key("expr")
            && self.pointer.ends_with("/expr")
            && rule.get("alert").is_some()
        {
            true => Some((format!("/alerts/{name}/expr"), true)),
            false => Some((format!("/alerts/{name}"), false)),
        }
    }

    /// The catalog's own test behind a place in a file of tests, to the series if it is one.
    fn own_test(&self, inside: &str, rendered: &Rendered, own: &OwnTests) -> Option<String> {
        let file = rendered.file(&self.path)?;
        let index: usize = inside.split('/').next()?.parse().ok()?;
        let test = own.of_file(file).swap_remove(index)?;
        let series = file
            .value
            .pointer(&self.pointer)
            .filter(|_| self.pointer.ends_with("/series"))
            .and_then(|series| series.as_str());
        Some(series.map_or(test.clone(), |series| {
            format!("{test}/series/{}", step(series))
        }))
    }
}

/// Whether a unit test is one of an alert.
fn tests(test: &Value, alert: &str) -> bool {
    let cases = |key: &str| test[key].as_array().into_iter().flatten();
    let matcher = format!("alertname=\"{alert}\"");
    cases("alert_rule_test").any(|case| case["alertname"] == alert)
        || cases("promql_expr_test").any(|case| {
            case["expr"]
                .as_str()
                .is_some_and(|text| text.contains(&matcher))
        })
}
