//! PromQL evaluated over kinds, targets and labels instead of samples: every node of an expression with what it can return.

use crate::contract::Contract;
use crate::contract::domain::Domain;
use crate::contract::series::{Kind, Series, merged};
use crate::promql::token::{
    T_AVG, T_BOTTOMK, T_COUNT_VALUES, T_LAND, T_LIMITK, T_LOR, T_LUNLESS, T_MAX, T_MIN, T_SUM,
    T_TOPK,
};
use crate::promql::walk::{children, selector, text};
use crate::promql::{
    AggregateExpr, BinaryExpr, Call, Expr, MatchOp, ValueType, VectorMatchCardinality,
    VectorSelector, compared, grouped, returns_bool,
};

/// One node of an expression.
pub struct Node<'a> {
    /// The syntax.
    pub expr: &'a Expr,
    /// What it can return; empty for scalars and strings, and for vectors that are always empty.
    pub series: Vec<Series>,
    /// Indices of its operands in the list of nodes, before its own.
    pub operands: Vec<usize>,
}

impl Node<'_> {
    /// Whether it is a vector that can never hold anything.
    pub fn empty(&self) -> bool {
        self.vector() && self.series.is_empty()
    }

    /// Whether it is a vector of any sort.
    pub fn vector(&self) -> bool {
        matches!(
            self.expr.value_type(),
            ValueType::Vector | ValueType::Matrix
        )
    }
}

/// Every node, operands before what they belong to; the last is the whole expression.
pub fn nodes<'a>(expr: &'a Expr, contract: &Contract) -> Vec<Node<'a>> {
    let mut nodes = Vec::new();
    visit(expr, contract, &mut nodes);
    nodes
}

fn visit<'a>(expr: &'a Expr, contract: &Contract, nodes: &mut Vec<Node<'a>>) -> usize {
    let operands: Vec<usize> = children(expr)
        .into_iter()
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
        Expr::Call(call) => called(call, &operands, nodes, contract),
        _ => Vec::new(),
    };
    nodes.push(Node {
        expr,
        series: merged(series),
        operands,
    });
    nodes.len() - 1
}

fn select(selector: &VectorSelector, contract: &Contract) -> Vec<Series> {
    let Some(name) = selector.name.as_deref() else {
        return Vec::new();
    };
    contract
        .family(name)
        .iter()
        .filter_map(|series| contract.picked(series, &selector.matchers.matchers))
        .collect()
}

fn derived(series: Vec<Series>) -> Vec<Series> {
    series
        .into_iter()
        .map(|series| Series {
            kind: Kind::Derived,
            ..series
        })
        .collect()
}

fn aggregated(aggregate: &AggregateExpr, input: Vec<Series>) -> Vec<Series> {
    let operator = aggregate.op.id();
    if [T_TOPK, T_BOTTOMK, T_LIMITK].contains(&operator) {
        return input;
    }
    let keep = grouped(aggregate.modifier.as_ref());
    // A sum of counters still says how long something has run.
    let value = [T_SUM, T_AVG, T_MIN, T_MAX].contains(&operator);
    let grouped = input.into_iter().map(|series| {
        if value {
            Series {
                kind: series.kind,
                ..series.keeping(&keep)
            }
        } else {
            series.keeping(&keep)
        }
    });
    match (operator == T_COUNT_VALUES, aggregate.param.as_deref()) {
        (true, Some(Expr::StringLiteral(label))) => grouped
            .map(|series| series.with(&label.val, Domain::any()))
            .collect(),
        _ => grouped.collect(),
    }
}

fn combined(
    binary: &BinaryExpr,
    left: &[Series],
    right: &[Series],
    left_vector: bool,
    right_vector: bool,
    contract: &Contract,
) -> Vec<Series> {
    let comparison = binary.op.is_comparison_operator() && !returns_bool(binary);
    let one = |series: &[Series]| {
        if comparison {
            series.to_vec()
        } else {
            derived(series.to_vec())
        }
    };
    match (left_vector, right_vector) {
        (true, false) => return one(left),
        (false, true) => return one(right),
        (false, false) => return Vec::new(),
        (true, true) => {}
    }
    match binary.op.id() {
        T_LOR => return left.iter().chain(right).cloned().collect(),
        T_LUNLESS => return left.to_vec(),
        _ => {}
    }
    let many_right = matches!(
        binary.modifier.as_ref().map(|modifier| &modifier.card),
        Some(VectorMatchCardinality::OneToMany(_))
    );
    let (many, others) = if many_right {
        (right, left)
    } else {
        (left, right)
    };
    let pairs = many
        .iter()
        .flat_map(|own| others.iter().map(move |other| (own, other)));
    pairs
        .filter_map(|(own, other)| {
            Some(joined(
                binary,
                own.meeting(other, compared(binary), &contract.targets)?,
                other,
                comparison,
            ))
        })
        .collect()
}

/// The labels of a result: all for set operators and grouped sides, else those compared.
fn joined(binary: &BinaryExpr, met: Series, other: &Series, comparison: bool) -> Series {
    let kind = if comparison || binary.op.id() == T_LAND {
        met.kind
    } else {
        Kind::Derived
    };
    let card = binary.modifier.as_ref().map(|modifier| &modifier.card);
    let mut result = match card {
        _ if binary.op.id() == T_LAND => met,
        Some(
            VectorMatchCardinality::ManyToOne(extra) | VectorMatchCardinality::OneToMany(extra),
        ) => {
            let mut result = met;
            for label in &extra.labels {
                match other.labels.get(label) {
                    Some(domain) => result = result.with(label, domain.clone()),
                    None if other.carried.contains(label) => {
                        result.carried.insert(label.clone());
                    }
                    None => {}
                }
            }
            result
        }
        _ => met.keeping(compared(binary)),
    };
    result.kind = kind;
    result
}

fn called(call: &Call, operands: &[usize], nodes: &[Node], contract: &Contract) -> Vec<Series> {
    let vectors: Vec<usize> = operands
        .iter()
        .copied()
        .filter(|operand| nodes[*operand].vector())
        .collect();
    let input = vectors
        .first()
        .map_or(Vec::new(), |operand| nodes[*operand].series.clone());
    let text = |index: usize| {
        let argument = call.args.args.get(index);
        argument
            .and_then(|argument| text(argument))
            .unwrap_or_default()
    };
    match call.func.name {
        "vector" => vec![Series::bare(&contract.targets)],
        "scalar" | "time" | "pi" => Vec::new(),
        "absent" | "absent_over_time" => vec![absent(call, contract)],
        "label_replace" => {
            let copied = text(2) == "$1" && ["(.+)", "(.*)"].contains(&text(4));
            let domain = |series: &Series| match copied {
                true => contract.values(series, text(3)),
                false if text(2).contains('$') => Domain::any(),
                false => Domain::Values(vec![text(2).to_string()]),
            };
            input
                .into_iter()
                .map(|series| relabeled(series.clone(), text(1), domain(&series)))
                .collect()
        }
        "label_join" => input
            .into_iter()
            .map(|series| relabeled(series, text(1), Domain::any()))
            .collect(),
        "histogram_quantile" => input
            .into_iter()
            .map(|series| series.keeping(|label| label != "le"))
            .collect(),
        "last_over_time" | "sort" | "sort_desc" => input,
        "hour" | "minute" | "month" | "year" | "day_of_month" | "day_of_week" | "days_in_month"
            if vectors.is_empty() =>
        {
            vec![Series::bare(&contract.targets)]
        }
        _ => derived(input),
    }
}

fn relabeled(series: Series, label: &str, domain: Domain) -> Series {
    match domain {
        Domain::Values(values) if values == [""] => {
            let kind = series.kind;
            Series {
                kind,
                ..series.keeping(|kept| kept != label)
            }
        }
        domain => series.with(label, domain),
    }
}

/// `absent` has the labels that its selector names with `=`.
fn absent(call: &Call, contract: &Contract) -> Series {
    let first = call.args.args.first();
    let matchers = first
        .and_then(|argument| selector(argument))
        .map_or(&[][..], |selector| &selector.matchers.matchers);
    let equal = matchers
        .iter()
        .filter(|matcher| matches!(matcher.op, MatchOp::Equal) && !matcher.value.is_empty());
    equal.fold(Series::bare(&contract.targets), |series, matcher| {
        series.with(&matcher.name, Domain::Values(vec![matcher.value.clone()]))
    })
}
