//! What of PromQL has to be switched on is.

use super::{Check, Example, Proof, Usage, place};
use crate::diagnostic::Severity;
use crate::promql::Expr;
use crate::promql::walk::children;
use crate::stack::Stack;

pub(crate) const PROOF: Proof = Proof {
    code: "unenabled-function",
    doc: "Prometheus knows its experimental functions only when it is started with `--enable-feature=promql-experimental-functions`. Without it a rule with one of them is no rule: Prometheus does not start, and a reload keeps what was before.",
    example: Example::Condition {
        bad: "max by (job, service, component) (mad_over_time(shop_orders_active[10m])) > 100",
        good: "max by (job, service, component) (stddev_over_time(shop_orders_active[10m])) > 100",
    },
    check: Check::Stack(|stack| {
        let asked = stack.expressions.iter();
        let asked = asked.filter(|expression| expression.usage != Usage::Document);
        let mut asked = asked
            .filter_map(|expression| Some((expression, experimental(&expression.ast)?)))
            .peekable();
        if asked.peek().is_none() || enabled(stack) {
            return Vec::new();
        }
        // How a Prometheus outside of containers is started is written nowhere here.
        let seen = stack.containers.running("prometheus").next().is_some();
        let severity = if seen {
            Severity::Error
        } else {
            Severity::Warning
        };
        asked
            .map(|(expression, name)| {
                let message = format!("`{name}` is experimental, and Prometheus is not started with `--enable-feature={FEATURE}`");
                let help = "use another function, or add the flag to Prometheus in the template of the compose file; accept it where Prometheus has the flag";
                let mut found = place::on(expression, message, help);
                found.severity = severity;
                found
            })
            .collect()
    }),
};

const FEATURE: &str = "promql-experimental-functions";

/// https://github.com/prometheus/prometheus/blob/032c05357abf79a6053b403466b3516157994d8f/promql/parser/functions.go, and the two aggregations beside them.
const EXPERIMENTAL: [&str; 16] = [
    "double_exponential_smoothing",
    "first_over_time",
    "histogram_quantiles",
    "info",
    "integral",
    "limit_ratio",
    "limitk",
    "mad_over_time",
    "range",
    "sort_by_label",
    "sort_by_label_desc",
    "step",
    "ts_of_first_over_time",
    "ts_of_last_over_time",
    "ts_of_max_over_time",
    "ts_of_min_over_time",
];

/// The first of them in an expression.
fn experimental(expr: &Expr) -> Option<String> {
    let name = match expr {
        Expr::Call(call) => call.func.name.to_string(),
        Expr::Aggregate(aggregate) => aggregate.op.to_string(),
        _ => String::new(),
    };
    match EXPERIMENTAL.contains(&name.as_str()) {
        true => Some(name),
        false => children(expr).find_map(experimental),
    }
}

/// Whether a Prometheus in a container is started with the feature.
fn enabled(stack: &Stack) -> bool {
    let servers = stack.containers.running("prometheus");
    let mut flags = servers.flat_map(|server| &server.process.flags);
    flags.any(|flag| {
        let mut features = flag.value.split(',');
        flag.name == "enable-feature" && features.any(|name| name.trim() == FEATURE)
    })
}
