//! Requests that failed: drawn as failures, and of the class of answers that the panel names.

use super::panel::Panel;
use crate::contract::status::{LABELS, outcomes};
use crate::diagnostic::Diagnostic;
use crate::promql::engine::metric;
use crate::promql::matchers::Judge;
use crate::promql::number::number;
use crate::promql::token::T_SUB;
use crate::promql::walk::selectors;
use crate::promql::{Expr, MatchOp, VectorSelector};
use crate::proofs::place;
use crate::stack::grafana::shown::{Field, News, colour};

/// Words of panels about requests.
const REQUESTS: [&str; 9] = [
    "request", "answer", "response", "traffic", "call", "error", "duration", "latency", "status",
];

const METHODS: [&str; 5] = ["GET", "POST", "PUT", "PATCH", "DELETE"];

/// Statuses of each class.
const STATUSES: [&str; 10] = [
    "200", "201", "301", "400", "401", "404", "429", "500", "502", "503",
];

/// Words by which people tell that only some answers are meant.
const CLASSES: [&str; 28] = [
    "1xx",
    "2xx",
    "3xx",
    "4xx",
    "5xx",
    "succe",
    "ok",
    "good",
    "bad",
    "fail",
    "error",
    "reject",
    "refus",
    "client",
    "server",
    "redirect",
    "found",
    "availab",
    "unavailab",
    "throttl",
    "limit",
    "denied",
    "unauth",
    "forbid",
    "login",
    "timeout",
    "other",
    "except",
];

/// Words by which people tell that only some methods are meant.
const APART: [&str; 4] = ["read", "writ", "method", "safe"];

/// And that one failure of many is.
const OF_ONE: [&str; 7] = [
    "gateway",
    "timeout",
    "unavailable",
    "overload",
    "internal",
    "upstream",
    "proxy",
];

/// Values that a selector takes, and others that it leaves.
struct Parts {
    taken: Vec<&'static str>,
    left: Vec<&'static str>,
}

impl Parts {
    /// A status that is left out, and that nothing says of.
    fn unsaid_status(&self, said: &dyn Fn(&str) -> bool) -> Option<&'static str> {
        let server = |statuses: &[&'static str]| {
            let mut failed = statuses.iter().filter(|status| status.starts_with('5'));
            failed.next().copied()
        };
        let has = |words: &[&str]| words.iter().any(|word| said(word));
        if self.taken.is_empty() {
            return None;
        }
        match (server(&self.taken), server(&self.left)) {
            (Some(_), Some(left)) => {
                let of_all = has(&["error", "fail", "5xx"]);
                Some(left).filter(|_| of_all && !has(&OF_ONE) && !has(&self.taken))
            }
            _ => self.left.first().copied().filter(|_| !has(&CLASSES)),
        }
    }
}

impl Panel<'_, '_> {
    /// Lines of requests that failed are not green, and not hidden beside those that did not.
    pub(super) fn failures_in_green_or_hidden(&self) -> Option<Diagnostic> {
        let contract = &self.stack.contract;
        self.queries.iter().find_map(|query| {
            let legend = query.target["legendFormat"].as_str()?;
            let close = legend.replace(' ', "");
            let shown = |label: &&str| close.contains(&format!("{{{{{label}}}}}"));
            let label = LABELS.into_iter().find(shown)?;
            let place = format!("{{{{{label}}}}}");
            let series = query.series(contract);
            let domain = series
                .iter()
                .find(|series| series.has(label))
                .map(|series| contract.values(series, label))?;
            let outcomes = outcomes(&domain).ok()?;
            let letter = query.target["refId"].as_str().unwrap_or_default();
            let of = |status: &String| {
                let name = legend
                    .replace("{{ ", "{{")
                    .replace(" }}", "}}")
                    .replace(&place, status);
                Field::of(self.panel, &name, letter)
            };
            let fixed = |field: &Field| field.fixed().map(|name| colour(&name));
            let at = "fieldConfig/overrides";
            if let Some(status) = outcomes
                .failed
                .iter()
                .find(|status| fixed(&of(status)) == Some(News::Good))
            {
                let message = format!(
                    "`{}` draws the status {status} in green, and it is an error",
                    self.text("title")
                );
                return Some(self.wrong(at, message, "give errors another colour"));
            }
            let hidden = |status: &String| of(status).hidden();
            let status = outcomes.failed.iter().find(|status| hidden(status))?;
            let message = format!(
                "`{}` hides the status {status}, and it is an error",
                self.text("title")
            );
            (!outcomes.answered.iter().all(hidden))
                .then(|| self.wrong(at, message, "show what fails"))
        })
    }

    /// What counts some answers only, or one method only, says so.
    pub(super) fn some_answers_unsaid(&self) -> Option<Diagnostic> {
        let words = &self.words;
        if !REQUESTS.iter().any(|word| words.contains(word)) {
            return None;
        }
        self.queries.iter().find_map(|query| {
            let legend = query.target["legendFormat"].as_str().unwrap_or_default();
            let legend = legend.to_lowercase();
            let said = |text: &str| {
                let text = text.to_lowercase();
                words.contains(&text) || legend.contains(&text)
            };
            let left = selectors(&query.ast).into_iter().find_map(|selector| {
                let method = self
                    .told_apart(selector, "method", &METHODS)
                    .and_then(|parts| {
                        let named = parts.taken.iter().chain(&APART).any(|word| said(word));
                        let left = parts.left.first().filter(|_| !named)?;
                        Some(format!("{left} requests"))
                    });
                let status = || {
                    let mut labels = LABELS.into_iter();
                    let parts =
                        labels.find_map(|label| self.told_apart(selector, label, &STATUSES))?;
                    let status = parts.unsaid_status(&said)?;
                    Some(format!("answers with the status {status}"))
                };
                method.or_else(status)
            })?;
            let message = format!(
                "`{}` leaves out {left}, and does not say so",
                self.text("title")
            );
            let help = "ask for all of them, or say in the title which are shown";
            Some(place::on(query, message, help))
        })
    }

    /// Which of these values of a label a selector takes, as far as its metric can have them; None: it does not ask for the label.
    fn told_apart(
        &self,
        selector: &VectorSelector,
        label: &str,
        values: &[&'static str],
    ) -> Option<Parts> {
        let of_label = selector.matchers.matchers.iter();
        let judges = of_label.filter(|matcher| matcher.name == label);
        let judges: Vec<Judge> = judges.map(Judge::of).collect();
        if judges.is_empty() {
            return None;
        }
        let contract = &self.stack.contract;
        let domains = contract.domains(contract.family(metric(selector)?), label);
        let possible = values.iter().copied();
        let possible = possible.filter(|value| domains.iter().any(|domain| domain.holds(value)));
        let (taken, left) =
            possible.partition(|value| judges.iter().all(|judge| judge.picks(value)));
        Some(Parts { taken, left })
    }

    /// The class of answers in words is that of the query.
    pub(super) fn another_class_of_answers(&self) -> Option<Diagnostic> {
        let words = &self.words;
        let said = |class: &str| words.contains(class);
        let (client, server) = (said("4xx") || said("client"), said("5xx"));
        if client == server {
            return None;
        }
        // What is missing to all of them is the share of the others.
        let mut direct = self.queries.iter().filter(|query| !is_rest(&query.ast));
        direct.find_map(|query| {
            let legend = query.target["legendFormat"].as_str().unwrap_or_default();
            let all = selectors(&query.ast);
            let matchers: Vec<_> = all
                .iter()
                .flat_map(|selector| &selector.matchers.matchers)
                .filter(|matcher| LABELS.contains(&matcher.name.as_str()))
                .collect();
            let picks = |statuses: [&str; 3]| {
                matchers.iter().any(|matcher| {
                    let judge = Judge::of(matcher);
                    matcher.op != MatchOp::NotEqual
                        && statuses.iter().any(|status| judge.picks(status))
                })
            };
            let (clients, servers) = (picks(["400", "404", "429"]), picks(["500", "502", "503"]));
            let wrong = clients != servers && clients != client && !legend.contains("xx");
            let (says, asks) = if client {
                ("4xx", "5xx")
            } else {
                ("5xx", "4xx")
            };
            wrong.then(|| {
                let message = format!("`{}` says {says}, and asks for {asks}", self.text("title"));
                place::on(query, message, "ask for what is said, or say what is asked")
            })
        })
    }
}

/// Whether an expression is what is missing to a number, as in `1 - good / all`.
fn is_rest(expr: &Expr) -> bool {
    match expr {
        Expr::Paren(paren) => is_rest(&paren.expr),
        Expr::Binary(binary) => binary.op.id() == T_SUB && number(&binary.lhs).is_some(),
        _ => false,
    }
}
