//! The queries of the rendered dashboards, as Prometheus can run them.

use crate::catalog::Catalog;
use crate::promql::number::number;
use crate::promql::variables::{Filling, fill};
use crate::promql::walk::{children, children_mut, selector, selector_mut};
use crate::promql::{Expr, MatchOp, parse};
use crate::stack::dashboards::panels;
use crate::stack::files::Files;
use crate::value::Value;
use std::collections::BTreeMap;

/// One query of one panel.
pub(crate) struct PanelQuery {
    /// Under the output folder.
    pub file: String,
    pub panel: String,
    /// With Grafana's variables filled in.
    pub expression: String,
    /// The same for some of the services: what it shows of these, it shows. None: there are not many, or it says nothing.
    pub sample: Option<String>,
}

/// So few services are asked about all at once.
const FEW: usize = 50;

/// Of each group so many are asked about first.
const OF_EACH: usize = 3;

/// Functions that return something of more series when they are given more, and cannot fail. Those over ranges are beside them.
const GROWING: [&str; 14] = [
    "abs",
    "ceil",
    "changes",
    "clamp_max",
    "clamp_min",
    "floor",
    "histogram_quantile",
    "increase",
    "irate",
    "rate",
    "resets",
    "round",
    "sort",
    "sort_desc",
];

/// Whether an expression is one series without labels, or none: two of them always find each other.
fn single(expr: &Expr) -> bool {
    match expr {
        Expr::Paren(paren) => single(&paren.expr),
        Expr::Aggregate(aggregate) => {
            let op = aggregate.op.to_string();
            aggregate.modifier.is_none()
                && ["sum", "avg", "min", "max", "count"].contains(&op.as_str())
        }
        Expr::Binary(binary) => {
            let one = |side: &Expr| single(side) || number(side).is_some();
            one(&binary.lhs) && one(&binary.rhs)
        }
        _ => false,
    }
}

/// Whether an expression that shows something of some series does so of all, and cannot fail on them either.
fn grows(expr: &Expr) -> bool {
    match expr {
        Expr::VectorSelector(_) | Expr::MatrixSelector(_) | Expr::NumberLiteral(_) => true,
        Expr::Paren(paren) => grows(&paren.expr),
        Expr::Aggregate(aggregate) => grows(&aggregate.expr),
        Expr::Call(call) => {
            let name = call.func.name;
            let over_time = name.ends_with("_over_time") && name != "absent_over_time";
            (over_time || GROWING.contains(&name)) && children(expr).all(grows)
        }
        Expr::Binary(binary) => {
            let both = grows(&binary.lhs) && grows(&binary.rhs);
            match binary.op.to_string().as_str() {
                "or" => both,
                "+" | "-" | "*" | "/" => {
                    let one = number(&binary.lhs).or(number(&binary.rhs)).is_some();
                    both && (one || (single(&binary.lhs) && single(&binary.rhs)))
                }
                // It takes away what is NaN.
                ">=" => both && binary.rhs.to_string() == "0",
                _ => false,
            }
        }
        _ => false,
    }
}

/// An expression about some jobs of each group: where it asks for one group, of that alone, as each name is looked up.
fn about(expression: &str, groups: &BTreeMap<&str, Vec<&str>>) -> Option<String> {
    fn narrow(expr: &mut Expr, groups: &BTreeMap<&str, Vec<&str>>) -> Option<()> {
        if let Some(series) = selector_mut(expr) {
            let matchers = &mut series.matchers.matchers;
            let mut known = matchers.iter();
            let group = known.find(|one| one.name == "component" && one.op == MatchOp::Equal);
            let jobs = match group.and_then(|one| groups.get(one.value.as_str())) {
                Some(own) => own.join("|"),
                None => groups
                    .values()
                    .flatten()
                    .copied()
                    .collect::<Vec<_>>()
                    .join("|"),
            };
            let wanted = parse(&format!("x{{job=~{jobs:?}}}")).ok()?;
            matchers.extend(selector(&wanted)?.matchers.matchers.first().cloned());
        }
        let mut parts = children_mut(expr).into_iter();
        parts.try_for_each(|child| narrow(child, groups))
    }
    let mut expr = parse(expression).ok().filter(grows)?;
    narrow(&mut expr, groups)?;
    Some(expr.to_string())
}

/// Some services of every group; None: there are few anyway.
fn some(catalog: &Catalog) -> Option<BTreeMap<&str, Vec<&str>>> {
    if catalog.services.len() <= FEW {
        return None;
    }
    let mut groups: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for service in &catalog.services {
        let names = groups.entry(&service.group).or_default();
        if names.len() < OF_EACH {
            names.push(&service.name);
        }
    }
    let many = groups.values().map(Vec::len).sum::<usize>() * 2;
    (many < catalog.services.len()).then_some(groups)
}

/// Every query of every panel, those in rows included.
pub(crate) fn queries(rendered: Files, catalog: &Catalog) -> Vec<PanelQuery> {
    let some = some(catalog);
    let of = |(file, panel): (&str, &Value)| {
        let title = panel["title"].as_str().unwrap_or_default();
        let expressions = panel["targets"]
            .items()
            .filter_map(|target| target["expr"].as_str());
        expressions
            .map(|written| {
                let expression = filled(written, catalog);
                PanelQuery {
                    file: file.into(),
                    panel: title.into(),
                    sample: some.as_ref().and_then(|some| about(&expression, some)),
                    expression,
                }
            })
            .collect::<Vec<_>>()
    };
    let all = rendered.dashboards().flat_map(|file| {
        panels(&file.value)
            .into_iter()
            .map(move |(_, panel)| (file.path.as_str(), panel))
    });
    all.flat_map(of).collect()
}

/// Ranges become a few minutes, a variable behind `=~` everything, any other the first service.
fn filled(expression: &str, catalog: &Catalog) -> String {
    let first = catalog
        .services
        .first()
        .map_or("", |service| service.name.as_str());
    fill(expression, |variable| {
        Filling::Text(match variable.name {
            // For everything there is no matcher at all: of `.+` Prometheus would look up every value, in every query.
            _ if variable.is_pattern() => return Filling::Everything,
            "__range_s" | "__interval_ms" | "__range_ms" => "300".to_string(),
            "__rate_interval" | "__interval" | "__range" => "5m".to_string(),
            _ => first.to_string(),
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pipeline::load;

    #[test]
    fn what_is_shown_of_some_services_is_shown_of_all() {
        let groups = BTreeMap::from([("g", vec!["a", "b"]), ("h", vec!["c"])]);
        for grows in [
            "sum by (job) (rate(x{a=\"b\"}[5m]))",
            "histogram_quantile(0.9, sum by (le) (rate(x_bucket[5m]))) >= 0",
            "topk(3, x or 100 * y)",
            "(sum(x{a=\"5\"}) or 0 * sum(x)) / sum(x)",
        ] {
            let some = about(grows, &groups).unwrap();
            assert!(some.contains("job=~\"a|b|c\""), "{some}");
        }
        let own = about("rate(x{component=\"h\"}[5m])", &groups).unwrap();
        assert!(own.contains("job=~\"c\""), "{own}");
        // Of all there may be nothing, or an error.
        for other in [
            "absent(x)",
            "x unless y",
            "x < 5",
            "a / b",
            "sum by (job) (a) / sum(b)",
            "label_replace(x, \"a\", \"\", \"\", \"\")",
        ] {
            assert_eq!(about(other, &groups), None, "{other}");
        }
    }

    #[test]
    fn a_variable_for_everything_leaves_no_matcher() {
        let text = "[platform]\nname = \"Shop\"\nslug = \"shop\"\nmetric_prefix = \"shop\"\n[groups.g]\ntitle = \"G\"\n[services.cart]\ngroup = \"g\"\nport = 1\n";
        let catalog = load("services.toml", text).ok().unwrap().1;
        let filled = |expression| filled(expression, &catalog);
        assert_eq!(
            filled(
                "rate(x{a=\"b\",job=~\"$job\", instance=~\"${instance:regex}\"}[$__rate_interval])"
            ),
            "rate(x{a=\"b\", }[5m])"
        );
        assert_eq!(
            filled("x{job=~\"$job\",a=\"b\"} > $__range_s"),
            "x{a=\"b\"} > 300"
        );
        assert_eq!(filled("x{job=\"$service\"}"), "x{job=\"cart\"}");
    }
}
