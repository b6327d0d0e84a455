//! Nothing is read that Prometheus has deleted already.

use super::{Check, Example, Proof, place};
use crate::artifacts::Role;
use crate::catalog::Duration;
use crate::promql::engine::LOOKBACK;
use crate::promql::walk::{children, reach, selector};
use crate::promql::{AtModifier, Expr, Offset};
use crate::stack::expressions::{Expression, Usage};
use std::time::Duration as Length;

pub(crate) const PROOF: Proof = Proof {
    code: "beyond-retention",
    doc: "A window, an offset or a `for` that reaches further back than the data are kept never has all of its samples: the alert is silent, the panel empty, and no server complains.",
    example: Example::Rendered {
        role: Role::Dashboard,
        pointer: "/panels/-",
        bad: r#"{"type": "stat", "title": "Services up a month ago", "description": "How many services answered scrapes then.", "gridPos": {"h": 4, "w": 4, "x": 0, "y": 9000}, "targets": [{"refId": "A", "expr": "sum(up offset 30d)"}], "fieldConfig": {"defaults": {"unit": "short"}}}"#,
    },
    check: Check::Stack(|stack| {
        let retention = stack.catalog.prometheus.retention;
        let kept = Length::from_millis(retention.0);
        let mut found = Vec::new();
        // How far a panel looks back by `$__range` is the choice of whoever looks at it.
        let chosen = |expression: &&Expression| expression.written.contains("$__range");
        // What the runbook asks for looks as far back as the alert.
        let told = |one: &&Expression| one.usage == Usage::Document;
        let expressions = stack.expressions.iter().filter(|one| !told(one));
        for expression in expressions.filter(|one| !chosen(one)) {
            if let Some(moment) = fixed(&expression.ast).filter(|_| expression.usage != Usage::Test)
            {
                found.push(place::on(
                    expression,
                    format!("`@ {moment}` always reads the same moment, and Prometheus keeps {retention}"),
                    "remove it: it is for looking at one incident by hand",
                ));
            }
            if let Some(read) = ahead(&expression.ast).filter(|_| at_once(expression)) {
                found.push(place::on(
                    expression,
                    format!("`{read}` reads what has not happened yet when the rule is evaluated: it is always empty"),
                    "take the minus of the offset away",
                ));
            }
            let reach = reach(&expression.ast);
            if reach > kept {
                found.push(place::on(
                    expression,
                    format!(
                        "it reads {} back, and Prometheus keeps {retention}",
                        Duration(u64::try_from(reach.as_millis()).unwrap_or(u64::MAX))
                    ),
                    "look back less, or raise `retention` under `[prometheus]`",
                ));
            }
        }
        for (file, pointer, rule) in stack.files.alerts() {
            for key in ["for", "keep_firing_for"] {
                let waits = rule[key].as_str().and_then(Duration::parse);
                if let Some(waits) = waits.filter(|waits| waits.0 > retention.0) {
                    found.push(place::at(
                        &file.path,
                        format!("{pointer}/{key}"),
                        format!("`{key}` is {waits}, and Prometheus keeps {retention}"),
                        "wait less, or raise `retention` under `[prometheus]`",
                    ));
                }
            }
        }
        found
    }),
};

/// Whether it is asked about now, and not about what was.
fn at_once(expression: &Expression) -> bool {
    [Usage::Alert, Usage::Record].contains(&expression.usage)
}

/// What lies wholly ahead of the evaluation.
fn ahead(expr: &Expr) -> Option<String> {
    let (offset, range) = match expr {
        Expr::VectorSelector(read) => (&read.offset, Length::from_millis(LOOKBACK.unsigned_abs())),
        Expr::MatrixSelector(read) => (&read.vs.offset, read.range),
        Expr::Subquery(_) => return None,
        _ => return children(expr).find_map(ahead),
    };
    match offset {
        Some(Offset::Neg(ahead)) if *ahead >= range => Some(expr.to_string()),
        _ => None,
    }
}

/// A moment that an expression names, in seconds since 1970.
fn fixed(expr: &Expr) -> Option<f64> {
    let at = match expr {
        Expr::Subquery(subquery) => subquery.at.as_ref(),
        _ => selector(expr).and_then(|selector| selector.at.as_ref()),
    };
    match at {
        Some(AtModifier::At(time)) => {
            let since = time.duration_since(std::time::UNIX_EPOCH);
            Some(since.map_or(0.0, |since| since.as_secs_f64()))
        }
        _ => children(expr).find_map(fixed),
    }
}
