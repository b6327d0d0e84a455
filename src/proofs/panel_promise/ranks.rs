//! The most, the least and the average: what is asked for is what the panel says, and as many as it names.

use super::panel::Panel;
use crate::diagnostic::Diagnostic;
use crate::kinds::Side;
use crate::promql::Expr;
use crate::promql::engine::metric;
use crate::promql::token::{T_BOTTOMK, T_MAX, T_MIN, T_TOPK};
use crate::promql::walk::{children, selectors};
use crate::proofs::place;
use regex_automata::meta::Regex;
use std::collections::BTreeSet;
use std::sync::LazyLock;

/// Words of the largest, and of the smallest.
const MOST: [&str; 6] = [
    "busiest", "highest", "largest", "biggest", "slowest", "heaviest",
];
const LEAST: [&str; 6] = [
    "idlest", "lowest", "smallest", "fewest", "fastest", "lightest",
];

/// Fewer than that are no list.
const FEW: i64 = 3;

/// Words that say that it is of one or two.
const OF_FEW: [&str; 8] = [
    "worst", "best", "most", "least", "top", "max", "min", "peak",
];

const NUMBERS: [&str; 21] = [
    "zero",
    "one",
    "two",
    "three",
    "four",
    "five",
    "six",
    "seven",
    "eight",
    "nine",
    "ten",
    "eleven",
    "twelve",
    "thirteen",
    "fourteen",
    "fifteen",
    "sixteen",
    "seventeen",
    "eighteen",
    "nineteen",
    "twenty",
];

/// How many are shown: `at most 20 services`, `the ten busiest`, `top 5`.
static NAMED_NUMBER: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(r"\bat most ([0-9]+|[a-z]+) (?:services|endpoints|instances|series|alerts|lines)|\bthe ([0-9]+|[a-z]+) (?:busiest|highest|largest|biggest|slowest|heaviest|idlest|lowest|smallest|fewest|fastest|lightest)|\btop[ -]([0-9]+)")
        .expect("it is a pattern")
});

impl Panel<'_, '_> {
    /// The busiest are not the idlest, and as many as are named.
    pub(super) fn other_end_or_number(&self) -> Option<Diagnostic> {
        let words = &self.words;
        let has = |list: &[&str]| list.iter().any(|word| words.contains(word));
        let (most, least) = (has(&MOST), has(&LEAST));
        let numbers: BTreeSet<i64> = NAMED_NUMBER
            .captures_iter(words.as_bytes())
            .filter_map(|captures| {
                let number = (1..=3).find_map(|index| captures.get_group(index))?;
                let number = &words[number.range()];
                let spelt = NUMBERS.iter().position(|word| *word == number);
                spelt.map(|at| at as i64).or_else(|| number.parse().ok())
            })
            .collect();
        self.queries.iter().find_map(|query| {
            let mut ranks = Vec::new();
            ranks_asked_for(&query.ast, &mut ranks);
            ranks.into_iter().find_map(|(largest, count)| {
                let title = self.text("title");
                let message = match largest {
                    false if most && !least => format!("`{title}` shows the least of them"),
                    true if least && !most => format!("`{title}` shows the most of them"),
                    _ if !numbers.is_empty() && !numbers.contains(&count) => {
                        format!("`{title}` shows {count} of them, and names another number")
                    }
                    _ => return None,
                };
                Some(place::on(
                    query,
                    message,
                    "ask for what is said, or say what is asked",
                ))
            })
        })
    }

    /// Of what an alert compares, those are shown that are nearest to it, and more than one where nothing else is said.
    pub(super) fn other_end_than_the_alert(&self) -> Option<Diagnostic> {
        let words = &self.words;
        let [query] = self.queries.as_slice() else {
            return None;
        };
        let read = selectors(&query.ast);
        let names = read.into_iter().filter_map(metric);
        let mut alerts = self.stack.catalog.alerts_on(names);
        let alert = alerts.next()?;
        if alerts.any(|other| other.side != alert.side) {
            return None;
        }
        let mut ranks = Vec::new();
        ranks_asked_for(&query.ast, &mut ranks);
        let (largest, count) = ranks.into_iter().next()?;
        let wanted = alert.side == Side::Above;
        let said = |list: &[&str]| list.iter().any(|word| words.contains(word));
        let title = self.text("title");
        let message = if largest != wanted && !said(&MOST) && !said(&LEAST) {
            format!(
                "`{title}` shows those that are furthest from where {} fires",
                alert.name
            )
        } else if count < FEW
            && alert.covers.len() as i64 > count
            && !said(&MOST)
            && !said(&LEAST)
            && !said(&OF_FEW)
        {
            format!(
                "`{title}` shows {count} of {} services, and does not say so",
                alert.covers.len()
            )
        } else {
            return None;
        };
        Some(place::on(
            query,
            message,
            "ask for those that are near it, as many as can be read",
        ))
    }

    /// An average is no extreme.
    pub(super) fn extreme_as_average(&self) -> Option<Diagnostic> {
        let words = &self.words;
        let other = [
            "max", "min", "highest", "lowest", "worst", "best", "most", "least", "p9",
        ];
        if !words.contains("average") || other.iter().any(|word| words.contains(word)) {
            return None;
        }
        let [query] = self.queries.as_slice() else {
            return None;
        };
        let Expr::Aggregate(outermost) = without_order_and_factors(&query.ast) else {
            return None;
        };
        let extreme = [T_MAX, T_MIN].contains(&outermost.op.id());
        (extreme && outermost.modifier.is_none()).then(|| {
            let message = format!(
                "`{}` says average, and shows one of them",
                self.text("title")
            );
            place::on(query, message, "ask for `avg`, or say which one it is")
        })
    }
}

/// Each `topk` and `bottomk`: whether it is of the largest, and how many.
fn ranks_asked_for(expr: &Expr, found: &mut Vec<(bool, i64)>) {
    if let Expr::Aggregate(aggregate) = expr
        && [T_TOPK, T_BOTTOMK].contains(&aggregate.op.id())
        && let Some(Expr::NumberLiteral(count)) = aggregate.param.as_deref()
    {
        found.push((aggregate.op.id() == T_TOPK, count.val as i64));
    }
    children(expr).for_each(|inside| ranks_asked_for(inside, found));
}

/// Without what only orders, bounds or multiplies it.
fn without_order_and_factors(expr: &Expr) -> &Expr {
    match expr {
        Expr::Paren(paren) => without_order_and_factors(&paren.expr),
        Expr::Binary(binary) => match (&*binary.lhs, &*binary.rhs) {
            (Expr::NumberLiteral(_), other) | (other, Expr::NumberLiteral(_)) => {
                without_order_and_factors(other)
            }
            _ => expr,
        },
        _ => expr,
    }
}
