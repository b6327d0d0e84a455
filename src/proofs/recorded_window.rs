//! A recorded series is over the window that its name ends with, and in the unit before that.

use super::{Check, Example, Proof, place};
use crate::artifacts::RULES;
use crate::catalog::Duration;
use crate::contract::Contract;
use crate::contract::evaluate::nodes;
use crate::contract::values::{Base, Unit};
use crate::diagnostic::{Diagnostic, Severity};
use crate::promql::Expr;
use crate::promql::number::number;
use crate::promql::token::{T_LAND, T_LOR, T_LUNLESS};
use crate::promql::walk::children;
use crate::stack::expressions::{Expression, Usage};
use std::collections::HashMap;

pub(crate) const PROOF: Proof = Proof {
    code: "recorded-window",
    doc: "Whoever reads `…:error_ratio_5m` takes it for the ratio over five minutes: an alert that compares it with a longer one, or a budget that adds it up, is wrong without any error where the recording rule looks back further, or at two samples only, or records no ratio.",
    example: Example::Rendered {
        role: RULES,
        pointer: "/groups/0/rules/-",
        bad: r#"{"record": "job:requests:rate5m", "expr": "sum by (job) (rate(shop_requests_total[10m]))"}"#,
    },
    check: Check::Stack(|stack| {
        let rules = stack.files.rules();
        let named: HashMap<(&str, String), (&str, bool)> = rules
            .filter_map(|(file, pointer, rule)| {
                let at = (file.path.as_str(), format!("{pointer}/expr"));
                Some((at, (rule["record"].as_str()?, file.is_own())))
            })
            .collect();
        let recorded = stack.used(Usage::Record).filter_map(|expression| {
            let at = (expression.path, expression.pointer.clone());
            Some((expression, *named.get(&at)?))
        });
        recorded
            .flat_map(|(expression, (name, own))| {
                // What is shorter than samples lie apart is not what a rule looks back: `…:share_1s` is of what took a second.
                let apart = stack.catalog.prometheus.scrape_interval;
                let over = over(expression, name, apart);
                let found = over
                    .into_iter()
                    .chain(aggregated(expression, name))
                    .chain(quantile(expression, name))
                    .chain(measured(expression, name, &stack.contract));
                // How a team calls what is its own is its own.
                found.map(move |mut found| {
                    if own {
                        found.severity = Severity::Warning;
                    }
                    found
                })
            })
            .collect()
    }),
};

/// Another window than the name ends with.
fn over(expression: &Expression, name: &str, apart: Duration) -> Option<Diagnostic> {
    let window = window(name).filter(|window| *window >= apart)?;
    let wrong = other(&expression.ast, window)?;
    Some(place::on(
        expression,
        format!("`{name}` is recorded over {window} by its name, and {wrong}"),
        format!("let it look back {window}, or name it after what it is over"),
    ))
}

/// What a name says last of how series are taken together, and the rule takes them together otherwise.
fn aggregated(expression: &Expression, name: &str) -> Option<Diagnostic> {
    let known = ["sum", "avg", "min", "max", "count"];
    let said = name.rsplit_once(':')?.1;
    let mut all = Vec::new();
    outermost(&expression.ast, &mut all);
    let mut all = all.into_iter().filter(|is| known.contains(&is.as_str()));
    let is = all
        .find(|is| is != said)
        .filter(|_| known.contains(&said))?;
    Some(place::on(
        expression,
        format!("`{name}` is the `{said}` by its name, and what is recorded is the `{is}`"),
        format!("take the series together by `{said}`, or name it `{is}`"),
    ))
}

/// The unit that a name says last, before its window, and the rule records another.
fn measured(expression: &Expression, name: &str, contract: &Contract) -> Option<Diagnostic> {
    let last = name.rsplit_once(':')?.1;
    let mut words = last.split('_').filter(|word| {
        let window = word.strip_prefix("rate").unwrap_or(word);
        Duration::parse(window).is_none() && !is_quantile(word)
    });
    let word = words.next_back()?;
    let said = SAID.iter().find(|(known, _)| *known == word)?.1;
    let nodes = nodes(&expression.ast, contract);
    let recorded = nodes.last()?.unit.as_ref()?;
    let said = Unit::of(said);
    (!recorded.fits(&said)).then(|| {
        let message = format!("`{name}` is {said} by its name, and records {recorded}");
        let help = "record what the name says, or name it after what it is";
        place::on(expression, message, help)
    })
}

/// Words of a name for what is recorded.
const SAID: [(&str, Base); 2] = [("ratio", Base::Ratio), ("percent", Base::Percent)];

/// `p95`, `p999`.
fn is_quantile(word: &str) -> bool {
    let digits = word.strip_prefix('p').unwrap_or_default();
    digits.len() > 1 && digits.bytes().all(|byte| byte.is_ascii_digit())
}

/// A quantile that a name says last, and another one is recorded.
fn quantile(expression: &Expression, name: &str) -> Option<Diagnostic> {
    let last = name.rsplit_once(':')?.1;
    let said = last.split('_').find(|word| is_quantile(word))?;
    let wanted: f64 = format!("0.{}", &said[1..]).parse().ok()?;
    let is = of_quantile(&expression.ast)?;
    ((is - wanted).abs() > 1e-9).then(|| {
        let message =
            format!("`{name}` is the quantile {wanted} by its name, and {is} is recorded");
        place::on(
            expression,
            message,
            "record what the name says, or name it after what it is",
        )
    })
}

/// Which quantile of a histogram it is.
fn of_quantile(expr: &Expr) -> Option<f64> {
    match expr {
        Expr::Paren(inner) => of_quantile(&inner.expr),
        Expr::Call(call) if call.func.name == "histogram_quantile" => {
            number(call.args.args.first()?)
        }
        _ => None,
    }
}

/// The aggregations whose values an expression has.
fn outermost(expr: &Expr, found: &mut Vec<String>) {
    match expr {
        Expr::Paren(inner) => outermost(&inner.expr, found),
        Expr::Aggregate(aggregate) => found.push(aggregate.op.to_string()),
        Expr::Binary(binary) => match binary.op.id() {
            T_LAND | T_LUNLESS => outermost(&binary.lhs, found),
            T_LOR => {
                outermost(&binary.lhs, found);
                outermost(&binary.rhs, found);
            }
            _ => {}
        },
        _ => {}
    }
}

/// The window that a name ends with: `job:errors:rate5m`, `error_ratio_1h30m`.
fn window(name: &str) -> Option<Duration> {
    let bytes = name.as_bytes();
    let begins =
        |at: &usize| bytes[*at].is_ascii_digit() && (*at == 0 || !bytes[*at - 1].is_ascii_digit());
    // The longest of them: one hour and a half does not end with thirty minutes.
    let mut ends = (0..bytes.len()).filter(begins).map(|at| &name[at..]);
    ends.find_map(Duration::parse)
        .filter(|_| name.contains(':'))
}

/// How an expression looks back otherwise. What stands below a range is not looked at: it is averaged or added up over that.
fn other(expr: &Expr, window: Duration) -> Option<String> {
    match expr {
        Expr::Call(call) if COUNTS.contains(&call.func.name) => {
            let range = call
                .args
                .args
                .iter()
                .find_map(|argument| match &**argument {
                    Expr::MatrixSelector(matrix) => Some(matrix.range),
                    Expr::Subquery(subquery) => Some(subquery.range),
                    _ => None,
                })?;
            let range = Duration(u64::try_from(range.as_millis()).unwrap_or(u64::MAX));
            let (function, last) = (
                call.func.name,
                ["irate", "idelta"].contains(&call.func.name),
            );
            match last {
                true => Some(format!("`{function}` looks at the last two samples")),
                false => (range != window).then(|| format!("`{function}` looks back {range}")),
            }
        }
        Expr::MatrixSelector(_) | Expr::Subquery(_) => None,
        Expr::VectorSelector(read) => {
            let name = read.name.as_deref()?;
            let own = self::window(name).filter(|own| *own != window)?;
            Some(format!("it reads `{name}`, which is over {own}"))
        }
        other_node => children(other_node).find_map(|child| other(child, window)),
    }
}

/// What makes a rate, or a number of events, of a range.
const COUNTS: [&str; 8] = [
    "rate",
    "increase",
    "delta",
    "deriv",
    "irate",
    "idelta",
    "sum_over_time",
    "count_over_time",
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_ends_with_its_whole_window() {
        let of = |name| window(name).map(|window| window.to_string());
        for (name, wanted) in [
            ("job:shop_errors:error_ratio_5m", Some("5m")),
            ("job:errors:rate5m", Some("5m")),
            ("job:jobs:stalled_7m13s", Some("7m13s")),
            ("job:answer:p95_1h30m", Some("1h30m")),
            ("job:up:max", None),
            ("errors_5m", None),
        ] {
            assert_eq!(of(name).as_deref(), wanted, "{name}");
        }
    }
}
