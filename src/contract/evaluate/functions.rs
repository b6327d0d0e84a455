//! What functions return.

use super::{Node, counted, derived};
use crate::contract::Contract;
use crate::contract::domain::Domain;
use crate::contract::series::SeriesSet;
use crate::promql::matchers::regex;
use crate::promql::walk::{selector, text};
use crate::promql::{Call, MatchOp};

pub(super) fn call_result(
    call: &Call,
    operands: &[usize],
    nodes: &[Node],
    contract: &Contract,
) -> Vec<SeriesSet> {
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
        "vector" => vec![SeriesSet::bare(&contract.targets)],
        "scalar" | "time" | "pi" => Vec::new(),
        "absent" | "absent_over_time" => vec![absent(call, contract)],
        "label_replace" => {
            let copied = text(2) == "$1" && ["(.+)", "(.*)"].contains(&text(4));
            let domain = |series: &SeriesSet| match copied {
                true => contract.values(series, text(3)),
                false if text(2).contains('$') => Domain::any(),
                false => Domain::Values(vec![text(2).to_string()]),
            };
            let replaced = |series: SeriesSet| match never(contract, &series, text(3), text(4)) {
                true => series,
                false => relabeled(series.clone(), text(1), domain(&series)),
            };
            input.into_iter().map(replaced).collect()
        }
        "label_join" => input
            .into_iter()
            .map(|series| {
                let sources: Vec<&str> = (3..call.args.args.len()).map(text).collect();
                let domain = joined(contract, &series, text(2), &sources);
                relabeled(series, text(1), domain)
            })
            .collect(),
        "histogram_quantile" => input
            .into_iter()
            .map(|series| series.keep_labels(|label| label != "le"))
            .collect(),
        "last_over_time" | "sort" | "sort_desc" => input,
        "hour" | "minute" | "month" | "year" | "day_of_month" | "day_of_week" | "days_in_month"
            if vectors.is_empty() =>
        {
            vec![SeriesSet::bare(&contract.targets)]
        }
        name if OF_HISTOGRAMS.contains(&name) => counted(input),
        _ => derived(input),
    }
}

/// Functions that give native histograms for native histograms.
const OF_HISTOGRAMS: [&str; 8] = [
    "rate",
    "irate",
    "increase",
    "delta",
    "idelta",
    "avg_over_time",
    "sum_over_time",
    "first_over_time",
];

/// What the values of some labels are, one behind the other.
fn joined(contract: &Contract, series: &SeriesSet, separator: &str, sources: &[&str]) -> Domain {
    const MOST: usize = 10_000;
    if let [source] = sources {
        return contract.values(series, source);
    }
    let mut all = vec![String::new()];
    for (index, source) in sources.iter().enumerate() {
        let Domain::Values(values) = contract.values(series, source) else {
            return Domain::any();
        };
        if all.len() * values.len() > MOST {
            return Domain::any();
        }
        let between = if index == 0 { "" } else { separator };
        let grown = all.iter().flat_map(|begun| {
            values
                .iter()
                .map(move |value| format!("{begun}{between}{value}"))
        });
        all = grown.collect();
    }
    Domain::Values(all)
}

/// Whether a pattern fits none of the values that a label has: then `label_replace` leaves everything as it is.
fn never(contract: &Contract, series: &SeriesSet, label: &str, pattern: &str) -> bool {
    let mut targets = series.targets.ones();
    let found = |index: usize| contract.targets.list[index].open.contains(label);
    if series.carried.contains(label) && targets.any(found) {
        return false;
    }
    let Domain::Values(values) = contract.values(series, label) else {
        return false;
    };
    let Some(pattern) = regex(pattern) else {
        return false;
    };
    !values.is_empty() && !values.iter().any(|value| pattern.is_match(value.as_str()))
}

fn relabeled(series: SeriesSet, label: &str, domain: Domain) -> SeriesSet {
    match domain {
        Domain::Values(values) if values == [""] => {
            let kind = series.kind;
            SeriesSet {
                kind,
                ..series.keep_labels(|kept| kept != label)
            }
        }
        domain => series.with(label, domain),
    }
}

/// `absent` has the labels that its selector names with `=`.
fn absent(call: &Call, contract: &Contract) -> SeriesSet {
    let first = call.args.args.first();
    let matchers = first
        .and_then(|argument| selector(argument))
        .map_or(&[][..], |selector| &selector.matchers.matchers);
    let equal = matchers
        .iter()
        .filter(|matcher| matches!(matcher.op, MatchOp::Equal) && !matcher.value.is_empty());
    equal.fold(SeriesSet::bare(&contract.targets), |series, matcher| {
        series.with(&matcher.name, Domain::Values(vec![matcher.value.clone()]))
    })
}
