//! The rate of a panel spans what Grafana draws a point for.

use super::{Check, Example, Proof, Usage, place};
use crate::artifacts::Role;
use crate::promql::Expr;

pub(crate) const PROOF: Proof = Proof {
    code: "fixed-panel-window",
    doc: "With a fixed window a panel skips samples when zoomed out and says No data when the scrape interval grows; `$__rate_interval` does neither.",
    example: Example::Rendered {
        role: Role::Dashboard,
        pointer: "/panels/*/targets/*",
        bad: r#"{"refId": "A", "expr": "sum by (job) (rate(shop_requests_total[5m]))", "legendFormat": "{{job}}"}"#,
    },
    check: Check::Expression(|expression, nodes, _| {
        let rates = nodes.iter().filter(|node| matches!(node.expr, Expr::Call(call) if ["rate", "irate"].contains(&call.func.name)));
        let fixed = expression.usage == Usage::Panel
            && rates.count() > expression.written.matches("$__rate_interval").count();
        fixed
            .then(|| {
                place::on(
                    expression,
                    "a rate in a panel has a fixed window",
                    "use `[$__rate_interval]`",
                )
            })
            .into_iter()
            .collect()
    }),
};
