//! Quantiles: what a title or a legend names is what is drawn, and nothing adds them up.

use super::panel::Panel;
use crate::diagnostic::Diagnostic;
use crate::promql::Expr;
use crate::promql::token::T_QUANTILE;
use crate::promql::walk::children;
use crate::proofs::place;
use crate::stack::dashboards::panels;
use regex_automata::meta::Regex;
use regex_automata::util::captures::Captures;
use std::collections::BTreeSet;
use std::sync::LazyLock;

/// A quantile in words: `p95`, `95th percentile`, `95 %` of what is not a ratio.
static QUANTILE: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(r"(?i-u)\bp([0-9]{2}(?:\.[0-9]+)?)\b|\b([0-9]{1,2}(?:\.[0-9]+)?)(?:th|st|nd|rd)?[ -]percentile|\b(median)\b")
        .expect("it is a pattern")
});

impl Panel<'_, '_> {
    /// Each quantile that is named is drawn, and each one that is drawn is named.
    pub(super) fn quantiles_otherwise_named(&self) -> Option<Diagnostic> {
        let title = named(self.text("title"));
        let mut all = BTreeSet::new();
        let mut legends = false;
        for query in &self.queries {
            let mut asked = Vec::new();
            asked_for(&query.ast, &mut asked);
            let legend = query.target["legendFormat"].as_str().unwrap_or_default();
            let said = named(legend);
            for number in asked {
                if !(0.0..=1.0).contains(&number) {
                    let message = format!(
                        "`{}` asks for the quantile {number}, which is none",
                        self.text("title")
                    );
                    return Some(place::on(
                        query,
                        message,
                        "write a number from 0 to 1: 0.95 is what 95% stay below",
                    ));
                }
                let percent = thousandths(number * 100.0);
                all.insert(percent);
                let wrong = match said.is_empty() {
                    false if !said.contains(&percent) => Some(legend),
                    true if !title.is_empty() && !title.contains(&percent) => {
                        Some(self.text("title"))
                    }
                    _ => None,
                };
                legends |= !said.is_empty();
                if let Some(text) = wrong {
                    let message = format!("`{text}` draws what {}% stay below", number * 100.0);
                    return Some(place::on(
                        query,
                        message,
                        "write the quantile that is named, or name the one that is drawn",
                    ));
                }
            }
        }
        // Legends that name what is drawn tell it apart from what the title says, unless one is missing.
        let named = !legends || all.len() < title.len();
        let lost = title
            .iter()
            .find(|percent| !all.is_empty() && !all.contains(*percent))?;
        // A title that somebody has changed speaks of what is there.
        if !named && self.has_own_title() {
            return None;
        }
        let message = format!(
            "`{}` draws no quantile of {}%",
            self.text("title"),
            *lost as f64 / 1000.0
        );
        Some(self.wrong(
            "title",
            message,
            "write the quantile that is named, or name the one that is drawn",
        ))
    }

    /// Whether one of monstack's own panels of the dashboard has its title.
    fn has_own_title(&self) -> bool {
        let own = self.stack.own_pages();
        let own = own.and_then(|own| own.file(&self.file.path));
        own.is_none_or(|own| {
            panels(&own.value)
                .iter()
                .any(|(_, panel)| panel["title"] == self.panel["title"])
        })
    }

    /// Quantiles do not add up.
    pub(super) fn stacked_quantiles(&self) -> Option<Diagnostic> {
        let mode = self.panel["fieldConfig"]["defaults"]["custom"]["stacking"]["mode"].as_str();
        mode.filter(|mode| ["normal", "percent"].contains(mode))?;
        let mut all = Vec::new();
        self.queries
            .iter()
            .for_each(|query| asked_for(&query.ast, &mut all));
        (!all.is_empty()).then(|| {
            self.wrong(
                "fieldConfig/defaults/custom/stacking/mode",
                format!(
                    "`{}` adds quantiles up, which are no parts of anything",
                    self.text("title")
                ),
                "do not stack them",
            )
        })
    }
}

/// As whole numbers, which can be compared.
fn thousandths(percent: f64) -> i64 {
    (percent * 1000.0).round() as i64
}

/// The quantiles that a text names, in thousandths of a percent.
fn named(text: &str) -> BTreeSet<i64> {
    let number = |captures: Captures| {
        let group = |index| captures.get_group(index).map(|span| &text[span.range()]);
        let number = group(1).or(group(2)).and_then(|number| number.parse().ok());
        number.or(group(3).map(|_| 50.0)).map(thousandths)
    };
    QUANTILE
        .captures_iter(text.as_bytes())
        .filter_map(number)
        .collect()
}

/// The quantiles that an expression asks for.
pub(super) fn asked_for(expr: &Expr, found: &mut Vec<f64>) {
    let number = |expr: &Expr| match expr {
        Expr::NumberLiteral(number) => Some(number.val),
        _ => None,
    };
    match expr {
        Expr::Call(call)
            if ["histogram_quantile", "quantile_over_time"].contains(&call.func.name) =>
        {
            found.extend(call.args.args.first().and_then(|argument| number(argument)));
        }
        Expr::Aggregate(aggregate) if aggregate.op.id() == T_QUANTILE => {
            found.extend(
                aggregate
                    .param
                    .as_ref()
                    .and_then(|argument| number(argument)),
            );
        }
        _ => {}
    }
    children(expr).for_each(|inside| asked_for(inside, found));
}
