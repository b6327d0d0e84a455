//! The value of a counter says how long a service has run; only its rate says anything of now.

use super::{Check, Example, Proof, Usage, place};
use crate::contract::evaluate::Node;
use crate::contract::series::MetricType;
use crate::promql::Expr;
use crate::promql::token::{T_DIV, T_LUNLESS, T_SUB};
use crate::promql::walk::selectors;

pub(crate) const PROOF: Proof = Proof {
    code: "raw-counter",
    doc: "Compared with a constant, a counter fires once, some day, and then until the service restarts; a quantile of the buckets as they are, or a ratio of counters, is that of everything since its start.",
    example: Example::Condition {
        bad: "sum by (job, service, component) (shop_requests_total) > 1000",
        good: "sum by (job, service, component) (rate(shop_requests_total[5m])) > 1000",
    },
    check: Check::Expression(|expression, nodes, _| {
        let counter = |node: &Node| {
            !node.series.is_empty()
                && node
                    .series
                    .iter()
                    .all(|series| series.kind == MetricType::Counter)
        };
        let mut found = Vec::new();
        for node in nodes {
            let Expr::Binary(binary) = node.expr else {
                continue;
            };
            let sides = [&nodes[node.operands[0]], &nodes[node.operands[1]]];
            // A part of all there was: after months an outage does not move it.
            let divides = expression.usage == Usage::Alert && binary.op.id() == T_DIV;
            if divides && sides.into_iter().all(counter) {
                let message = format!(
                    "the ratio is of all that `{}` has counted since the service started",
                    sides[1].expr
                );
                let help = "divide what both have counted lately: `rate(…[5m])` of each";
                found.push(place::on(expression, message, help));
            }
            // A restart takes it below what it was, and what was counted before is lost.
            let earlier = |side: &Node| {
                let selectors = selectors(side.expr);
                selectors.iter().all(|read| read.offset.is_some()) && !selectors.is_empty()
            };
            let name = |side: &Node| selectors(side.expr).first()?.name.clone();
            if expression.usage == Usage::Alert
                && binary.op.id() == T_SUB
                && sides.into_iter().all(counter)
                && earlier(sides[1])
                && !earlier(sides[0])
                && name(sides[0]) == name(sides[1])
            {
                let message = format!(
                    "`{}` is below 0 after a restart, whatever was counted since",
                    node.expr
                );
                let help = "write `increase(…[1h])`, which knows restarts";
                found.push(place::on(expression, message, help));
            }
            let constant = sides.iter().any(|side| !side.vector());
            if let Some(side) = sides.into_iter().find(|side| {
                let level = || counter(side) || over_time(side, nodes, &counter);
                let compares = constant && binary.op.is_comparison_operator();
                compares && level() && !begins(node.expr, nodes)
            }) {
                found.push(place::on(
                    expression,
                    format!("the counter `{}` is compared with a constant", side.expr),
                    "compare its `rate` or `increase`",
                ));
            }
        }
        // Buckets too: of all that was observed since the service started, the slow part of the last minutes moves no quantile.
        let kept = [Usage::Alert, Usage::Record, Usage::Panel].contains(&expression.usage);
        for node in nodes.iter().filter(|_| kept) {
            let Expr::Call(call) = node.expr else {
                continue;
            };
            let of = node.operands.last().map(|operand| &nodes[*operand]);
            let Some(buckets) = of.filter(|of| counter(of)) else {
                continue;
            };
            if call.func.name == "histogram_quantile" {
                found.push(place::on(
                    expression,
                    format!(
                        "the quantile is of all that `{}` has counted since the service started",
                        buckets.expr
                    ),
                    "take the quantile of its `rate`, as in `sum by (le) (rate(…[5m]))`",
                ));
            }
        }
        let whole = nodes.last().filter(|whole| {
            expression.usage == Usage::Panel && expression.owner.is_object() && counter(whole)
        });
        found.extend(whole.map(|whole| {
            place::on(
                expression,
                format!("the panel draws the counter `{}` as it is", whole.expr),
                "draw its `rate` or `increase`",
            )
        }));
        found
    }),
};

/// Whether it is the level of a counter in a window, alone or of several taken together.
fn over_time(node: &Node, nodes: &[Node], counter: &impl Fn(&Node) -> bool) -> bool {
    let last = || node.operands.last().map(|operand| &nodes[*operand]);
    match node.expr {
        Expr::Paren(_) => last().is_some_and(|inner| over_time(inner, nodes, counter)),
        Expr::Aggregate(aggregate) => {
            ["sum", "min", "max", "avg"].contains(&&*aggregate.op.to_string())
                && last().is_some_and(|of| over_time(of, nodes, counter))
        }
        Expr::Call(call) => {
            let levels = ["avg", "min", "max", "last", "quantile"];
            let of = call.func.name.strip_suffix("_over_time");
            of.is_some_and(|of| levels.contains(&of)) && last().is_some_and(counter)
        }
        _ => false,
    }
}

/// Whether a comparison is taken away where what it reads was there before: then it is of the first samples of a counter, of which
/// there is no increase.
fn begins(compared: &Expr, nodes: &[Node]) -> bool {
    let own = selectors(compared);
    nodes.iter().any(|node| match node.expr {
        Expr::Binary(binary) if binary.op.id() == T_LUNLESS => {
            let before = selectors(&binary.rhs);
            let mut before = before.iter().filter(|read| read.offset.is_some());
            let same = before.any(|read| own.iter().any(|own| own.name == read.name));
            same && std::ptr::eq(unwrapped(&binary.lhs), compared)
        }
        _ => false,
    })
}

fn unwrapped(expr: &Expr) -> &Expr {
    match expr {
        Expr::Paren(inner) => unwrapped(&inner.expr),
        other => other,
    }
}
