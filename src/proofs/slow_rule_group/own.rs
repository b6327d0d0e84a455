//! Own groups of rules: how often they are looked at is their owner's choice, as long as what they record lasts until the next time.

use super::most;
use crate::catalog::Duration;
use crate::diagnostic::Diagnostic;
use crate::promql::Expr;
use crate::promql::engine::LOOKBACK;
use crate::promql::walk::children;
use crate::proofs::place;
use crate::render::File;
use crate::stack::Stack;
use crate::value::Value;

/// Alerts that are looked at more rarely are told hours later.
const RARELY: u64 = 3_600_000;

pub(super) fn slow(stack: &Stack, file: &File, pointer: &str, group: &Value) -> Vec<Diagnostic> {
    let mut found = Vec::new();
    let mut say = |key: &str, message: String, help: &str| {
        found.push(place::at(
            &file.path,
            format!("{pointer}/{key}"),
            message,
            help,
        ));
    };
    let name = group["name"].as_str().unwrap_or_default();
    let every = group["interval"].as_str().and_then(Duration::parse);
    if let Some(every) = every.filter(|every| every.0.cast_signed() > LOOKBACK) {
        let mut records = group["rules"]
            .items()
            .filter_map(|rule| rule["record"].as_str());
        let gone = records.find(|record| {
            let mut expressions = stack.expressions.iter();
            expressions.any(|expression| reads_now(&expression.ast, record))
        });
        let alerts = group["rules"]
            .items()
            .any(|rule| rule.get("alert").is_some());
        if let Some(record) = gone {
            let message = format!(
                "`{record}` is recorded every {every}, and whoever reads it takes it for gone after {}",
                Duration(LOOKBACK.unsigned_abs())
            );
            say(
                "interval",
                message,
                "make it shorter, or read it with `last_over_time`",
            );
        } else if alerts && every.0 >= RARELY {
            let message = format!(
                "the alerts of `{name}` are looked at every {every}, and told as much later"
            );
            say("interval", message, "make it shorter");
        }
    }
    let limit = group["limit"].as_u64().filter(|limit| *limit > 0);
    let least = limit.map_or(0, |_| most(stack, &file.path, pointer, 1));
    if limit.is_some_and(|limit| limit < least) {
        let message = format!(
            "the group `{name}` fails as a whole when a rule has more series than its limit, and {least} are there"
        );
        say(
            "limit",
            message,
            "remove the limit, or write several times as much",
        );
    }
    found
}

/// Whether an expression reads the present value of a metric.
fn reads_now(expr: &Expr, name: &str) -> bool {
    match expr {
        Expr::VectorSelector(selector) => selector.name.as_deref() == Some(name),
        Expr::Subquery(_) => false,
        _ => children(expr).any(|inside| reads_now(inside, name)),
    }
}
