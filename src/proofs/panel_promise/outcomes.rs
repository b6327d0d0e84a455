//! Requests that failed: drawn as failures, and of the class of answers that the panel names.

use super::panel::Panel;
use crate::contract::status::{LABELS, outcomes};
use crate::diagnostic::Diagnostic;
use crate::promql::MatchOp;
use crate::promql::matchers::Judge;
use crate::promql::walk::selectors;
use crate::proofs::place;
use crate::stack::grafana::shown::{Field, News, colour};

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
