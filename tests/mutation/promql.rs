//! Every way to break a PromQL expression in one place.

use promql_parser::label::{MatchOp, Matcher};
use promql_parser::parser::token::{
    T_ADD, T_EQLC, T_GTE, T_GTR, T_LAND, T_LOR, T_LSS, T_LTE, T_LUNLESS, T_MAX, T_MIN, T_NEQ,
    T_SUB, T_SUM, TokenType,
};
use promql_parser::parser::{BinaryExpr, Expr, LabelModifier, VectorSelector};
use std::time::Duration;

/// A broken expression, and what was done to it.
pub type Mutant = (String, Expr);

/// Every mutant of an expression: at the node itself, then inside each of its operands.
pub fn mutants(expr: &Expr) -> Vec<Mutant> {
    let mut all = here(expr);
    for (index, child) in children(expr).into_iter().enumerate() {
        all.extend(
            mutants(child)
                .into_iter()
                .map(|(what, broken)| (what, with_child(expr, index, broken))),
        );
    }
    all
}

fn here(expr: &Expr) -> Vec<Mutant> {
    match expr {
        Expr::Binary(binary) => operators(binary),
        Expr::NumberLiteral(number) => [("up", 1.05), ("down", 0.95)]
            .iter()
            .map(|(way, factor)| {
                (
                    format!("{} {way}", number.val),
                    constant(if number.val == 0.0 {
                        factor - 1.0
                    } else {
                        number.val * factor
                    }),
                )
            })
            .collect(),
        Expr::MatrixSelector(matrix) => {
            let range = |factor: f64| {
                Expr::MatrixSelector(promql_parser::parser::MatrixSelector {
                    range: scaled(matrix.range, factor),
                    ..matrix.clone()
                })
            };
            let mut all = vec![
                (format!("[{:?}] halved", matrix.range), range(0.5)),
                (format!("[{:?}] doubled", matrix.range), range(2.0)),
            ];
            all.extend(matchers(&matrix.vs).into_iter().map(|(what, vs)| {
                (
                    what,
                    Expr::MatrixSelector(promql_parser::parser::MatrixSelector {
                        vs,
                        ..matrix.clone()
                    }),
                )
            }));
            all
        }
        Expr::VectorSelector(selector) => matchers(selector)
            .into_iter()
            .map(|(what, selector)| (what, Expr::VectorSelector(selector)))
            .collect(),
        Expr::Aggregate(aggregate) => {
            let mut all = Vec::new();
            let other = match aggregate.op.id() {
                T_SUM => Some(T_MIN),
                T_MAX => Some(T_MIN),
                _ => None,
            };
            if let Some(other) = other {
                let mut broken = aggregate.clone();
                broken.op = TokenType::new(other);
                all.push((
                    format!("{} → {}", aggregate.op, broken.op),
                    Expr::Aggregate(broken),
                ));
            }
            if let Some(LabelModifier::Include(labels)) = &aggregate.modifier {
                for dropped in &labels.labels {
                    let mut broken = aggregate.clone();
                    let kept: Vec<&str> = labels
                        .labels
                        .iter()
                        .filter(|label| *label != dropped)
                        .map(String::as_str)
                        .collect();
                    broken.modifier = Some(LabelModifier::Include(
                        promql_parser::label::Labels::new(kept),
                    ));
                    all.push((format!("by without {dropped}"), Expr::Aggregate(broken)));
                }
            }
            all
        }
        _ => Vec::new(),
    }
}

fn operators(binary: &BinaryExpr) -> Vec<Mutant> {
    let swaps: &[u16] = &match binary.op.id() {
        T_GTR => vec![T_GTE, T_LSS],
        T_LSS => vec![T_LTE, T_GTR],
        T_EQLC => vec![T_NEQ],
        T_ADD => vec![T_SUB],
        T_LAND => vec![T_LUNLESS],
        _ => vec![],
    };
    let mut all: Vec<Mutant> = swaps
        .iter()
        .map(|swap| {
            let mut broken = binary.clone();
            broken.op = TokenType::new(*swap);
            (
                format!("{} → {}", binary.op, broken.op),
                Expr::Binary(broken),
            )
        })
        .collect();
    // A branch of `or`, a condition of `and`, a guard `> 0` taken away.
    if [T_LOR, T_LAND, T_LUNLESS, T_GTR].contains(&binary.op.id()) {
        all.push((
            format!("without what follows `{}`", binary.op),
            (*binary.lhs).clone(),
        ));
    }
    if [T_LOR].contains(&binary.op.id()) {
        all.push((
            format!("without what precedes `{}`", binary.op),
            (*binary.rhs).clone(),
        ));
    }
    all
}

/// A matcher dropped, turned around, or with another value.
fn matchers(selector: &VectorSelector) -> Vec<(String, VectorSelector)> {
    let mut all = Vec::new();
    for (index, matcher) in selector.matchers.matchers.iter().enumerate() {
        let mut change = |what: String, matcher: Option<Matcher>| {
            let mut broken = selector.clone();
            match matcher {
                Some(matcher) => broken.matchers.matchers[index] = matcher,
                None => drop(broken.matchers.matchers.remove(index)),
            }
            all.push((what, broken));
        };
        change(format!("without {matcher}"), None);
        let turned = match &matcher.op {
            MatchOp::Equal => MatchOp::NotEqual,
            MatchOp::NotEqual => MatchOp::Equal,
            MatchOp::Re(regex) => MatchOp::NotRe(regex.clone()),
            MatchOp::NotRe(regex) => MatchOp::Re(regex.clone()),
        };
        change(
            format!("{matcher} turned around"),
            Some(Matcher {
                op: turned,
                ..matcher.clone()
            }),
        );
        change(
            format!("{} renamed", matcher.name),
            Some(Matcher {
                name: format!("{}x", matcher.name),
                ..matcher.clone()
            }),
        );
    }
    all
}

fn constant(value: f64) -> Expr {
    Expr::NumberLiteral(promql_parser::parser::NumberLiteral::new(value))
}

fn scaled(range: Duration, factor: f64) -> Duration {
    Duration::from_millis((range.as_millis() as f64 * factor) as u64)
}

fn children(expr: &Expr) -> Vec<&Expr> {
    match expr {
        Expr::Paren(paren) => vec![&paren.expr],
        Expr::Unary(unary) => vec![&unary.expr],
        Expr::Subquery(subquery) => vec![&subquery.expr],
        Expr::Aggregate(aggregate) => vec![&aggregate.expr],
        Expr::Binary(binary) => vec![&binary.lhs, &binary.rhs],
        Expr::Call(call) => call.args.args.iter().map(|argument| &**argument).collect(),
        _ => Vec::new(),
    }
}

fn with_child(expr: &Expr, index: usize, child: Expr) -> Expr {
    let mut broken = expr.clone();
    match &mut broken {
        Expr::Paren(paren) => *paren.expr = child,
        Expr::Unary(unary) => *unary.expr = child,
        Expr::Subquery(subquery) => *subquery.expr = child,
        Expr::Aggregate(aggregate) => *aggregate.expr = child,
        Expr::Binary(binary) if index == 0 => *binary.lhs = child,
        Expr::Binary(binary) => *binary.rhs = child,
        Expr::Call(call) => *call.args.args[index] = child,
        _ => {}
    }
    broken
}
