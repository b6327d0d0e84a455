//! A native histogram is no number, and what reads one reads nothing else.

use super::{Check, Example, Proof, place};
use crate::contract::evaluate::Node;
use crate::contract::series::SeriesSet;
use crate::promql::token::{
    T_ADD, T_BOTTOMK, T_COUNT_VALUES, T_DIV, T_MAX, T_MIN, T_MOD, T_POW, T_QUANTILE, T_STDDEV,
    T_STDVAR, T_SUB, T_TOPK,
};
use crate::promql::{BinaryExpr, Expr};

/// Functions of numbers, which leave native histograms out.
/// <https://prometheus.io/docs/prometheus/latest/querying/functions/>
const OF_NUMBERS: [&str; 33] = [
    "abs",
    "acos",
    "asin",
    "atan",
    "ceil",
    "clamp",
    "clamp_max",
    "clamp_min",
    "cos",
    "deg",
    "deriv",
    "double_exponential_smoothing",
    "exp",
    "floor",
    "holt_winters",
    "ln",
    "log10",
    "log2",
    "mad_over_time",
    "max_over_time",
    "min_over_time",
    "predict_linear",
    "quantile_over_time",
    "rad",
    "round",
    "scalar",
    "sgn",
    "sin",
    "sort",
    "sort_desc",
    "sqrt",
    "stddev_over_time",
    "stdvar_over_time",
];

/// Functions of native histograms alone, which leave numbers out.
const OF_HISTOGRAMS: [&str; 5] = [
    "histogram_avg",
    "histogram_count",
    "histogram_stddev",
    "histogram_stdvar",
    "histogram_sum",
];

/// What to ask a histogram for.
const ASK: &str = "ask it for a number: `histogram_count(…)` of a rate is observations a second, `histogram_quantile(0.95, …)` what 95% are below, `histogram_fraction(0, 0.5, …)` the share up to 0.5, `histogram_avg(…)` the average";

pub(crate) const PROOF: Proof = Proof {
    code: "histogram-as-number",
    doc: "A sample of a native histogram is all its buckets. Prometheus compares none with a number, and its functions leave out what they are not for: the result is empty, at most with an info in the answer, and the alert never fires.",
    example: Example::Catalog {
        bad: "[prometheus]\nminimum_version = \"3.8\"\n\n[services.search]\ngroup = \"web\"\nport = 8002\nruntime = \"go\"\n\n[metrics.answer_seconds]\ntype = \"histogram\"\nnative = true\nhelp = \"Time to answer\"\nservices = [\"search\"]\n\n[alerts.Slow]\nkind = \"promql\"\nexpr = 'sum by (job, service, component) (rate(shop_answer_seconds[5m])) > 1'\nfor = \"5m\"\nseverity = \"warning\"\ntests = [\n  { name = \"slow\", at = \"10m\", series = { 'shop_answer_seconds{job=\"search\",service=\"search\",component=\"web\"}' = \"{{schema:0 buckets:[0]}}+{{schema:0 count:600 sum:600 offset:1 buckets:[600]}}x20\" }, fires = [\"search\"] },\n  { name = \"fast\", at = \"10m\", series = { 'shop_answer_seconds{job=\"search\",service=\"search\",component=\"web\"}' = \"{{schema:0 buckets:[0]}}+{{schema:0 count:600 sum:600 offset:0 buckets:[600]}}x20\" } },\n]\n",
        good: "[prometheus]\nminimum_version = \"3.8\"\n\n[services.search]\ngroup = \"web\"\nport = 8002\nruntime = \"go\"\n\n[metrics.answer_seconds]\ntype = \"histogram\"\nnative = true\nhelp = \"Time to answer\"\nservices = [\"search\"]\n\n[alerts.Slow]\nkind = \"promql\"\nexpr = 'histogram_quantile(0.9, sum by (job, service, component) (rate(shop_answer_seconds[5m]))) > 1'\nfor = \"5m\"\nseverity = \"warning\"\ntests = [\n  { name = \"slow\", at = \"10m\", series = { 'shop_answer_seconds{job=\"search\",service=\"search\",component=\"web\"}' = \"{{schema:0 buckets:[0]}}+{{schema:0 count:600 sum:600 offset:1 buckets:[600]}}x20\" }, fires = [\"search\"] },\n  { name = \"fast\", at = \"10m\", series = { 'shop_answer_seconds{job=\"search\",service=\"search\",component=\"web\"}' = \"{{schema:0 buckets:[0]}}+{{schema:0 count:600 sum:600 offset:0 buckets:[600]}}x20\" } },\n]\n",
    },
    check: Check::Expression(|expression, nodes, _| {
        let wrong = nodes.iter().find_map(|node| {
            let operand = |index: usize| node.operands.get(index).map(|index| &nodes[*index]);
            match node.expr {
                Expr::Call(call) => of_call(call.func.name, node, nodes),
                Expr::Aggregate(aggregate) => {
                    let operators = [
                        T_MIN,
                        T_MAX,
                        T_TOPK,
                        T_BOTTOMK,
                        T_QUANTILE,
                        T_STDDEV,
                        T_STDVAR,
                        T_COUNT_VALUES,
                    ];
                    let of_numbers = operators.contains(&aggregate.op.id());
                    let last = node.operands.last().map(|index| &nodes[*index]);
                    last.filter(|last| of_numbers && histogram(last))
                        .map(|last| {
                            let message = format!(
                                "`{}` is of numbers, and `{}` is a native histogram",
                                aggregate.op, last.expr
                            );
                            (message, ASK)
                        })
                }
                Expr::Binary(binary) => match (operand(0), operand(1)) {
                    (Some(left), Some(right)) => of_operator(binary, left, right),
                    _ => None,
                },
                _ => None,
            }
        });
        // What is around it goes wrong with it.
        let found = wrong.map(|(message, help)| place::on(expression, message, help));
        found.into_iter().collect()
    }),
};

/// Whether any of its series is of native histograms.
fn histogram(node: &Node) -> bool {
    node.series.iter().any(SeriesSet::native)
}

/// Whether it is of numbers, and not merely empty.
fn number(node: &Node) -> bool {
    !node.vector() || !node.series.is_empty() && !histogram(node)
}

type Wrong = Option<(String, &'static str)>;

fn of_call(name: &str, node: &Node, nodes: &[Node]) -> Wrong {
    let operands = node.operands.iter().map(|index| &nodes[*index]);
    let read = operands.clone().find(|operand| operand.vector())?;
    if OF_NUMBERS.contains(&name) && histogram(read) {
        let message = format!(
            "`{name}` is of numbers, and `{}` is a native histogram",
            read.expr
        );
        return Some((message, ASK));
    }
    if OF_HISTOGRAMS.contains(&name) && number(read) {
        let message = format!(
            "`{name}` is of native histograms, and `{}` is none",
            read.expr
        );
        return Some((
            message,
            "read a metric with `native = true`; of a histogram with buckets `_count` counts the observations, and `_sum` adds them up",
        ));
    }
    None
}

fn of_operator(binary: &BinaryExpr, left: &Node, right: &Node) -> Wrong {
    let operator = binary.op.id();
    let numbers_only = [T_MOD, T_POW].contains(&operator);
    let wrong = match (histogram(left), histogram(right)) {
        (false, false) => None,
        // `a == b` and `a != b` are of histograms too; of these a greater one there is not.
        (true, true) => {
            let equality = ["==", "!="].contains(&binary.op.to_string().as_str());
            let sums = [T_ADD, T_SUB].contains(&operator);
            let orders = binary.op.is_comparison_operator() && !equality;
            let divided =
                !sums && !binary.op.is_comparison_operator() && !binary.op.is_set_operator();
            (orders || divided).then_some(left)
        }
        (true, false) if number(right) => {
            let compared = binary.op.is_comparison_operator();
            let adds = [T_ADD, T_SUB].contains(&operator);
            (compared || adds || numbers_only).then_some(left)
        }
        (false, true) if number(left) => {
            let compared = binary.op.is_comparison_operator();
            let adds = [T_ADD, T_SUB, T_DIV].contains(&operator);
            (compared || adds || numbers_only).then_some(right)
        }
        _ => None,
    };
    wrong.map(|side| {
        let message = format!(
            "`{}` is a native histogram: `{}` with it gives nothing",
            side.expr, binary.op
        );
        (message, ASK)
    })
}
