//! Every expression and every rule can be read, and the variables of dashboards are defined.

use super::{Check, Example, Proof, place};
use crate::artifacts::Role;
use crate::diagnostic::{Diagnostic, Severity};
use crate::render::File;
use crate::stack::expressions::{Unread, Why};

pub(crate) const PROOF: Proof = Proof {
    code: "invalid-promql",
    doc: "Prometheus refuses the whole rule file, and Grafana shows an error instead of the panel. A variable of Grafana that is not defined is sent as it stands.",
    example: Example::Condition {
        bad: "sum by (job, service, component) (shop_orders_active > 100",
        good: "sum by (job, service, component) (shop_orders_active) > 100",
    },
    check: Check::Stack(|stack| {
        let refused = stack.refused.iter().map(|rule| {
            place::at(
                rule.path,
                &rule.pointer,
                format!("Prometheus does not load this rule: {}", rule.reason),
                "fix the duration or the template; `promtool check rules` refuses it too",
            )
        });
        let unread = stack.unread.iter().map(|unread| {
            let mut found = finding(unread);
            // Of the user's own dashboard one panel shows an error, and the others go on.
            let own = |file: &File| file.is_own() && file.role == Role::Dashboard;
            if stack.files.at(unread.path).is_some_and(own) {
                found.severity = Severity::Warning;
            }
            found
        });
        unread.chain(refused).collect()
    }),
};

fn finding(unread: &Unread) -> Diagnostic {
    let (message, help) = match &unread.why {
        Why::Syntax(reason) => (
            format!("this is not valid PromQL: {reason}"),
            "fix the expression: brackets in pairs, operators between two sides, strings in quotes",
        ),
        Why::Variable(name) => (
            format!("the variable `${name}` is not defined"),
            "define it under `templating`, or remove it",
        ),
    };
    place::at(unread.path, &unread.pointer, message, help)
}
