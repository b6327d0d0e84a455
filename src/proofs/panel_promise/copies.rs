//! Copies that were not changed: the same query under another title or legend.

use super::panel::Panel;
use crate::diagnostic::Diagnostic;
use crate::proofs::place;
use crate::stack::expressions::Expression;

impl Panel<'_, '_> {
    /// The same query as another panel's, under another title: one of the two is not what it says.
    pub(super) fn same_query_as(&self, other: &Panel) -> Option<Diagnostic> {
        let same = |key: &str| self.panel[key] == other.panel[key];
        let copied = [
            "type",
            "options",
            "transformations",
            "timeFrom",
            "timeShift",
            "interval",
        ]
        .into_iter()
        .all(same)
            && self.panel["fieldConfig"]["defaults"]["unit"]
                == other.panel["fieldConfig"]["defaults"]["unit"]
            && !same("title");
        let query = self.queries.first().filter(|_| copied)?;
        let message = format!(
            "`{}` shows the same as `{}`",
            self.text("title"),
            other.text("title")
        );
        Some(place::on(
            query,
            message,
            "ask for what the title says, or remove one of the two",
        ))
    }

    /// The same query twice in one panel.
    pub(super) fn same_query_twice(&self) -> Option<Diagnostic> {
        let legend = |query: &Expression| {
            query.target["legendFormat"]
                .as_str()
                .unwrap_or_default()
                .to_string()
        };
        let (index, query) = self.queries.iter().enumerate().find(|(index, query)| {
            self.queries[..*index]
                .iter()
                .any(|other| other.written == query.written && legend(other) != legend(query))
        })?;
        let mut before = self.queries[..index].iter();
        let other = before.find(|other| other.written == query.written)?;
        let message = format!(
            "in `{}`, `{}` is the same query as `{}`",
            self.text("title"),
            legend(query),
            legend(other)
        );
        Some(place::on(
            query,
            message,
            "ask for what the legend says, or remove one of the two",
        ))
    }
}
