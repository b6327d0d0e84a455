//! PromQL evaluated over kinds, targets and labels instead of samples: every node of an expression with what it can return.

mod functions;
mod operators;

use crate::contract::Contract;
use crate::contract::bounds::bounds;
pub(crate) use crate::contract::node::Node;
use crate::contract::series::{MetricType, SeriesSet, merged};
use crate::contract::units::unit;
use crate::promql::token::{T_AVG, T_SUM};
use crate::promql::walk::{children, selector};
use crate::promql::{Expr, VectorSelector};
use functions::call_result;
use operators::{aggregated, combined};

/// Every node, operands before what they belong to; the last is the whole expression.
pub(crate) fn nodes<'a>(expr: &'a Expr, contract: &Contract) -> Vec<Node<'a>> {
    let mut nodes = Vec::new();
    visit(expr, contract, &mut nodes);
    nodes
}

/// What is taken of each bucket where there are several, other than all of them, here or by the rule that records them;
/// with all labels kept there is one.
pub(crate) fn picked(buckets: &Node, nodes: &[Node], contract: &Contract) -> Option<String> {
    let among = || buckets.operands.last().map(|operand| &nodes[*operand]);
    match buckets.expr {
        Expr::VectorSelector(selector) => {
            let name = selector.name.as_deref()?;
            contract.recorded(name)?.picked.clone()
        }
        Expr::Paren(_) => picked(among()?, nodes, contract),
        Expr::Aggregate(aggregate) => {
            let among = among()?;
            let kept = |label| buckets.series.iter().all(|series| series.has(label));
            let several = among
                .series
                .iter()
                .any(|series| !series.names().into_iter().all(kept));
            let all = [T_SUM, T_AVG].contains(&aggregate.op.id());
            match several && !all {
                true => Some(aggregate.op.to_string()),
                // The sum of what is of no histogram is of none.
                false => picked(among, nodes, contract),
            }
        }
        _ => None,
    }
}

fn visit<'a>(expr: &'a Expr, contract: &Contract, nodes: &mut Vec<Node<'a>>) -> usize {
    let operands: Vec<usize> = children(expr)
        .map(|child| visit(child, contract, nodes))
        .collect();
    let of = |index: usize| {
        operands
            .get(index)
            .map_or(&[][..], |operand| nodes[*operand].series.as_slice())
    };
    let series = match expr {
        Expr::VectorSelector(_) | Expr::MatrixSelector(_) => {
            selector(expr).map_or(Vec::new(), |selector| select(selector, contract))
        }
        Expr::Paren(_) | Expr::Subquery(_) => of(0).to_vec(),
        Expr::Unary(_) => derived(of(0).to_vec()),
        Expr::Aggregate(aggregate) => aggregated(
            aggregate,
            nodes[operands[operands.len() - 1]].series.clone(),
        ),
        Expr::Binary(binary) => combined(
            binary,
            of(0),
            of(1),
            nodes[operands[0]].vector(),
            nodes[operands[1]].vector(),
            contract,
        ),
        Expr::Call(call) => call_result(call, &operands, nodes, contract),
        _ => Vec::new(),
    };
    let series = merged(series);
    nodes.push(Node {
        expr,
        unit: unit(expr, &operands, nodes, contract),
        bounds: bounds(expr, &series, &operands, nodes, contract),
        series,
        operands,
    });
    nodes.len() - 1
}

fn select(selector: &VectorSelector, contract: &Contract) -> Vec<SeriesSet> {
    let Some(name) = selector.name.as_deref() else {
        return Vec::new();
    };
    contract
        .family(name)
        .iter()
        .filter_map(|series| contract.select(series, &selector.matchers.matchers))
        .collect()
}

/// What is worked out, of native histograms as native histograms.
fn counted(series: Vec<SeriesSet>) -> Vec<SeriesSet> {
    let (natives, others): (Vec<SeriesSet>, Vec<SeriesSet>) =
        series.into_iter().partition(SeriesSet::native);
    natives.into_iter().chain(derived(others)).collect()
}

fn derived(series: Vec<SeriesSet>) -> Vec<SeriesSet> {
    series
        .into_iter()
        .map(|series| SeriesSet {
            kind: MetricType::Derived,
            ..series
        })
        .collect()
}
