//! A ratio of traffic is empty, not NaN, when there is none.

use super::division::{dropped_around, factors, guarded_around, nonzero, parents, traffic};
use super::{Check, Example, Proof, Usage, place};
use crate::promql::Expr;
use crate::promql::token::T_DIV;

pub(crate) const PROOF: Proof = Proof {
    code: "unguarded-division",
    doc: "Without traffic the divisor is 0 and the ratio NaN, which poisons every average it gets into and is drawn as nothing. Where the ratio is compared with a number, `>= 0` too, NaN is dropped as nothing is.",
    example: Example::Condition {
        bad: "avg by (job, service, component) ((sum by (job, service, component, instance) (rate(shop_requests_total{status=~\"5..\"}[5m])) or 0 * sum by (job, service, component, instance) (rate(shop_requests_total[5m]))) / sum by (job, service, component, instance) (rate(shop_requests_total[5m]))) > 0.1",
        good: "avg by (job, service, component) ((sum by (job, service, component, instance) (rate(shop_requests_total{status=~\"5..\"}[5m])) or 0 * sum by (job, service, component, instance) (rate(shop_requests_total[5m]))) / (sum by (job, service, component, instance) (rate(shop_requests_total[5m])) > 0)) > 0.1",
    },
    check: Check::Expression(|expression, nodes, _| {
        let mut found = Vec::new();
        // Whoever pastes a query sees NaN, or no result, and the text beside it.
        if expression.usage == Usage::Document {
            return found;
        }
        let parents = parents(nodes);
        for (index, node) in nodes.iter().enumerate() {
            if !matches!(node.expr, Expr::Binary(binary) if binary.op.id() == T_DIV) {
                continue;
            }
            // A comparison with a number drops NaN, whoever asks.
            if dropped_around(index, false, nodes, &parents) {
                continue;
            }
            // 0 in any of what the divisor is proportional to makes it 0.
            let (over, _) = factors(node.operands[1], nodes);
            let divisors = over
                .into_iter()
                .map(|divisor| &nodes[divisor])
                .filter(|divisor| traffic(divisor, nodes) && !nonzero(divisor, nodes));
            let open = divisors.filter(|divisor| !guarded_around(index, divisor, nodes, &parents));
            found.extend(open.map(|divisor| {
                place::on(
                    expression,
                    format!("`{}` is 0 without traffic, and the ratio NaN", divisor.expr),
                    "write the divisor as `(… > 0)`",
                )
            }));
        }
        found
    }),
};
