//! Every alert does for every service what its kind promises: its cases are run over the rendered rules.

mod cast;
mod played;
mod variations;

use super::{Check, Example, Proof, place};
use crate::artifacts::RULES;
use crate::catalog::Alert;
use crate::diagnostic::{Diagnostic, Place, plural};
use crate::evaluation::rules::{Library, Rule, in_dependency_order};
use crate::stack::Stack;
pub use cast::Cast;
pub use played::Likeness;
use played::{Play, Wrong};
pub(super) use variations::values as on_every_side;

pub(crate) const PROOF: Proof = Proof {
    code: "alert-behaviour",
    doc: "An alert that is valid in every word can still be silent for one service, fire for another, or at another threshold. What its kind promises (templates/kinds/<kind>/kind.toml) is run over the rendered rules, for every service: healthy, just below the threshold, just above it, restarted, vanished.",
    example: Example::Rendered {
        role: RULES,
        pointer: "/groups/*/rules/alert=Errors/expr",
        bad: "\"job:shop_errors:error_ratio_5m >= 0.05\"",
    },
    check: Check::Stack(|stack| {
        let rules: Vec<&Rule> = stack.rules.iter().map(|loaded| &loaded.rule).collect();
        let library = Library::of(in_dependency_order(rules));
        let cast = match Cast::of(stack.catalog) {
            Ok(cast) => cast,
            Err(error) => return vec![unplayed("/platform".to_string(), &error)],
        };
        let alerts = stack.catalog.alerts.iter();
        let mut found: Vec<(&str, String, Diagnostic)> = Vec::new();
        for alert in alerts.filter(|alert| !alert.kind.cases.is_empty()) {
            let kind = alert.kind.name.as_str();
            let (case, mut diagnostic) = match cast.play(alert, &library, &stack.contract) {
                Ok(play) => match said(stack, alert, play) {
                    Some(said) => said,
                    None => continue,
                },
                Err(error) => {
                    let table = format!("/alerts/{}", alert.name);
                    (String::new(), unplayed(table, &error))
                }
            };
            diagnostic
                .subjects
                .push(format!("behaviour {}", alert.name));
            let same = |known: &&mut (&str, String, Diagnostic)| known.0 == kind && known.1 == case;
            // Alerts of one kind share their templates, and so the mistake.
            match found.iter_mut().find(same) {
                Some((_, _, first)) => {
                    first.message += &format!("; so does `{}`", alert.name);
                    first.subjects.extend(diagnostic.subjects);
                }
                None => found.push((kind, case, diagnostic)),
            }
        }
        found.into_iter().map(|(_, _, found)| found).collect()
    }),
};

fn unplayed(table: String, error: &minijinja::Error) -> Diagnostic {
    let reason = error.detail().unwrap_or("an expression of the kind fails");
    place::in_catalog(
        table,
        format!("the cases of the kind cannot be run: {reason}"),
        "correct kind.toml; `monstack templates show kinds/ratio/kind.toml` is an example",
    )
}

/// The case that does not hold, and what went wrong: at the rule to blame, with what each rule gave.
fn said(stack: &Stack, alert: &Alert, play: Play) -> Option<(String, Diagnostic)> {
    let first = play.wrong.first()?;
    let whom = match play.services.as_slice() {
        [one] => format!("`{one}`"),
        [one, two] => format!("`{one}` and `{two}`"),
        [one, rest @ ..] => format!("`{one}` and {}", plural(rest.len(), "other service")),
        [] => String::new(),
    };
    let Wrong { case, what, .. } = first;
    let find = |name: &str, alerting: bool| {
        stack
            .rules
            .iter()
            .find(|loaded| loaded.rule.name == name && loaded.rule.alert.is_some() == alerting)
    };
    let blamed = first
        .signal
        .as_deref()
        .and_then(|signal| find(signal, false));
    let blamed = blamed.or_else(|| find(&alert.name, true));
    let message = format!(
        "`{}` for {whom} breaks the promise of its kind that it {case}: {what}",
        alert.name
    );
    let help =
        "correct the rule, or one that it reads: beside each is what it gives at that moment";
    let Some(blamed) = blamed else {
        let missing = place::in_catalog(
            format!("/alerts/{}", alert.name),
            message,
            "render a rule for it",
        );
        return Some((case.clone(), missing));
    };
    let mut found = place::at(
        blamed.path,
        format!("{}/expr", blamed.pointer),
        message,
        help,
    );
    for (name, given) in &first.readings {
        let Some(read) = find(name, false) else {
            continue;
        };
        let at = Place::Rendered {
            file: read.path.to_string(),
            pointer: format!("{}/expr", read.pointer),
        };
        found = found.also(at, format!("`{name}` {given}"));
    }
    Some((case.clone(), found))
}
