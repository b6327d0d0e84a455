//! Requests that failed: drawn as failures, and of the class of answers that the panel names.

use super::panel::Panel;
use crate::contract::domain::Domain;
use crate::contract::status::{LABELS, outcomes};
use crate::diagnostic::Diagnostic;
use crate::promql::MatchOp;
use crate::promql::engine::metric;
use crate::promql::matchers::Judge;
use crate::promql::walk::selectors;
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

impl Panel<'_, '_> {
    /// Lines of requests that failed are not green, and not hidden beside those that did not.
    pub(super) fn failures_in_green_or_hidden(&self) -> Option<Diagnostic> {
        let contract = &self.stack.contract;
        self.queries.iter().find_map(|query| {
            let legend = query.target["legendFormat"].as_str()?;
            let shown = |label: &&str| {
                legend
                    .replace(' ', "")
                    .contains(&format!("{{{{{label}}}}}"))
            };
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
        let words = self.words();
        if !REQUESTS.iter().any(|word| words.contains(word)) {
            return None;
        }
        let contract = &self.stack.contract;
        let title = self.text("title");
        self.queries.iter().find_map(|query| {
            let legend = query.target["legendFormat"].as_str().unwrap_or_default();
            let said = |text: &str| {
                let text = text.to_lowercase();
                words.contains(&text) || legend.to_lowercase().contains(&text)
            };
            selectors(&query.ast).into_iter().find_map(|selector| {
                let name = metric(selector)?;
                let own = |label: &str| {
                    let of_label = selector.matchers.matchers.iter();
                    let judges = of_label.filter(|matcher| matcher.name == label);
                    let judges: Vec<Judge> = judges.map(Judge::of).collect();
                    (!judges.is_empty()).then_some(judges)
                };
                let values =
                    |label: &str| -> Vec<Domain> { contract.domains(contract.family(name), label) };
                let can_be = |label: &str, value: &str| {
                    values(label).iter().any(|domain| domain.holds(value))
                };
                let picks =
                    |judges: &[Judge], value: &str| judges.iter().all(|judge| judge.picks(value));
                if let Some(judges) = own("method") {
                    let mut methods = METHODS.into_iter().filter(|one| can_be("method", one));
                    let any = METHODS
                        .into_iter()
                        .any(|one| can_be("method", one) && picks(&judges, one) && said(one));
                    let apart = ["read", "writ", "method", "safe"].into_iter().any(said);
                    if let Some(left) = methods.find(|one| !picks(&judges, one))
                        && !any
                        && !apart
                    {
                        let message =
                            format!("`{title}` leaves out {left} requests, and does not say so");
                        return Some(place::on(
                            query,
                            message,
                            "ask for all of them, or say in the title which are shown",
                        ));
                    }
                }
                let (label, judges) = LABELS
                    .into_iter()
                    .find_map(|label| Some((label, own(label)?)))?;
                let possible: Vec<&str> = STATUSES
                    .into_iter()
                    .filter(|one| can_be(label, one))
                    .collect();
                let (taken, left): (Vec<&str>, Vec<&str>) =
                    possible.iter().partition(|one| picks(&judges, one));
                let server = |one: &&str| one.starts_with('5');
                let part = taken
                    .iter()
                    .find(|one| server(one))
                    .and(left.iter().find(|one| server(one)));
                let unsaid = match part {
                    // A single failure has a name of its own, which may be anything.
                    Some(part) => ["error", "fail", "5xx"]
                        .into_iter()
                        .any(said)
                        .then_some(*part)
                        .filter(|_| !taken.iter().any(|one| said(one))),
                    None => left
                        .first()
                        .copied()
                        .filter(|_| !CLASSES.into_iter().any(said)),
                };
                let unsaid = unsaid.filter(|_| !taken.is_empty())?;
                let message = format!(
                    "`{title}` leaves out answers with the status {unsaid}, and does not say so"
                );
                Some(place::on(
                    query,
                    message,
                    "ask for all of them, or say in the title which are shown",
                ))
            })
        })
    }

    /// The class of answers in words is that of the query.
    pub(super) fn another_class_of_answers(&self) -> Option<Diagnostic> {
        let words = self.words();
        let said = |class: &str| words.contains(class);
        let (client, server) = (said("4xx") || said("client"), said("5xx"));
        if client == server {
            return None;
        }
        self.queries.iter().find_map(|query| {
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
