//! Of whom a panel speaks: the group of its row, the service that is chosen, this service.

use super::panel::Panel;
use crate::catalog::Group;
use crate::contract::domain::Domain;
use crate::diagnostic::Diagnostic;
use crate::promql::engine::metric;
use crate::promql::token::T_LOR;
use crate::promql::variables::variables;
use crate::promql::walk::selectors;
use crate::promql::{Expr, MatchOp};
use crate::proofs::place;
use crate::stack::expressions::Expression;
use crate::stack::variables::listed_label;

impl Panel<'_, '_> {
    /// In a row of a group, something of the group is chosen.
    pub(super) fn outside_the_group_of_its_row(&self, group: &Group) -> Option<Diagnostic> {
        let Group { key, title, .. } = group;
        let contract = &self.stack.contract;
        let query = self.queries.iter().find(|query| {
            let mut measured = false;
            let outside = selectors(&query.ast).into_iter().all(|selector| {
                let Some(name) = metric(selector) else {
                    return false;
                };
                let series = contract.family(name).iter();
                let mut chosen = series
                    .filter_map(|series| contract.select(series, &selector.matchers.matchers))
                    .peekable();
                measured |= chosen.peek().is_some();
                chosen.any(|series| match contract.values(&series, "component") {
                    Domain::Values(values) => {
                        values.iter().any(|value| value != key && !value.is_empty())
                    }
                    Domain::Pattern(_) => false,
                })
            });
            measured && outside
        })?;
        let message = format!(
            "`{}` stands in the row `{title}` and shows services of other groups",
            self.text("title")
        );
        Some(place::on(
            query,
            message,
            "choose the group: `component` is its key",
        ))
    }

    /// A service that is written where the dashboard lets people choose one.
    pub(super) fn one_service_whatever_is_chosen(&self) -> Option<Diagnostic> {
        let asked = |query: &Expression| {
            let list = self.file.value["templating"]["list"].items();
            let mut names =
                list.filter(|variable| matches!(listed_label(variable), Some("job" | "service")));
            names.any(|variable| {
                variables(&query.written).any(|(name, _)| *name == variable["name"])
            })
        };
        // One that is always the same may stand beside those that are chosen.
        if self.queries.iter().any(|query| asked(query)) {
            return None;
        }
        let words = format!("{} {}", self.text("title"), self.text("description"));
        self.queries.iter().find_map(|query| {
            let all = selectors(&query.ast);
            // A part of what is asked may be of one service, beside what is chosen.
            let mut choices = all.iter().flat_map(|selector| &selector.matchers.matchers);
            let panel = || {
                self.queries
                    .iter()
                    .flat_map(|query| selectors(&query.ast))
                    .flat_map(|selector| &selector.matchers.matchers)
            };
            if choices.by_ref().chain(panel()).any(|matcher| {
                ["job", "service", "instance"].contains(&matcher.name.as_str())
                    && matcher.op != MatchOp::Equal
                    && !matcher.value.is_empty()
            }) {
                return None;
            }
            // What an alert compares is recorded by alert and service: a branch of it is of some services.
            let signal = |name: &str| {
                self.stack
                    .catalog
                    .alerts
                    .iter()
                    .any(|alert| alert.signals.iter().any(|signal| signal.name == name))
            };
            let own = all
                .iter()
                .filter(|selector| !metric(selector).is_some_and(signal));
            let mut matchers = own.flat_map(|selector| &selector.matchers.matchers);
            let (name, value) = matchers.find_map(|matcher| {
                let variable = self.file.value["templating"]["list"]
                    .items()
                    .find(|variable| {
                        let lists = listed_label(variable) == Some(&matcher.name);
                        lists && variable["type"] == "query"
                    })?;
                let offered = self.stack.catalog.service(&matcher.value).is_some()
                    && self
                        .stack
                        .contract
                        .targets
                        .values(&matcher.name)
                        .any(|value| value == matcher.value);
                let written = query.written.contains(&matcher.value);
                (matcher.op == MatchOp::Equal && offered && written).then(|| {
                    (
                        variable["name"].as_str().unwrap_or_default(),
                        matcher.value.clone(),
                    )
                })
            })?;
            let message = format!(
                "`{}` always shows {value}, whatever is chosen as `{name}`",
                self.text("title")
            );
            let said = words.contains(&value)
                || query.target["legendFormat"]
                    .as_str()
                    .is_some_and(|legend| legend.contains(&value));
            (!said).then(|| {
                place::on(
                    query,
                    message,
                    "ask for what is chosen, or say in the title of which service it is",
                )
            })
        })
    }

    /// What is said to be of this service asks for it.
    pub(super) fn more_than_this_service(&self) -> Option<Diagnostic> {
        if !self.words.contains("of this service") {
            return None;
        }
        let query = self.queries.iter().find(|query| {
            let mut parts = Vec::new();
            alternatives(&query.ast, &mut parts);
            parts.into_iter().any(|part| {
                let all = selectors(part);
                let mut matchers = all.iter().flat_map(|selector| &selector.matchers.matchers);
                let labels = ["job", "service", "instance"];
                !all.is_empty() && !matchers.any(|matcher| labels.contains(&matcher.name.as_str()))
            })
        })?;
        let message = format!(
            "`{}` is of this service, and this is of all",
            self.text("title")
        );
        Some(place::on(
            query,
            message,
            "ask for the service that is chosen",
        ))
    }
}

/// What stands between the `or` of an expression.
fn alternatives<'e>(expr: &'e Expr, found: &mut Vec<&'e Expr>) {
    match expr {
        Expr::Paren(paren) => alternatives(&paren.expr, found),
        Expr::Binary(binary) if binary.op.id() == T_LOR => {
            alternatives(&binary.lhs, found);
            alternatives(&binary.rhs, found);
        }
        other => found.push(other),
    }
}
