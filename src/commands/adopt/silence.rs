//! What a rule leaves out with `unless`, as the key of a catalog's alert that says the same.

use super::alerts::series;
use crate::catalog::Catalog;
use crate::promql::engine::metric;
use crate::promql::number::number;
use crate::promql::parse;
use crate::promql::token::{T_EQLC, T_GTR, T_LUNLESS, T_NEQ};
use crate::promql::{Expr, LabelModifier};
use serde_json::{Map, Value};
use std::collections::BTreeSet;

/// `… unless on (job) maintenance == 1`.
pub(super) struct Silence {
    /// The metric, as a key of a catalog names it.
    says: Value,
    pub(super) metric: String,
    on: BTreeSet<String>,
}

impl Silence {
    /// The rule without it, and what it leaves out; None: nothing, or what no key says.
    pub(super) fn of(rule: &Value) -> Option<(Value, Silence)> {
        let expr = parse(rule["expr"].as_str()?).ok()?;
        let Expr::Binary(binary) = inside(&expr) else {
            return None;
        };
        let (true, Expr::Binary(right)) = (binary.op.id() == T_LUNLESS, inside(&binary.rhs)) else {
            return None;
        };
        let asks = matches!(
            (right.op.id(), number(&right.rhs)?.to_bits()),
            (T_NEQ | T_GTR, 0) | (T_EQLC, 0x3ff0_0000_0000_0000)
        );
        let Expr::VectorSelector(selector) = inside(&right.lhs) else {
            return None;
        };
        let Some(LabelModifier::Include(on)) = &binary.modifier.as_ref()?.matching else {
            return None;
        };
        let mut services = BTreeSet::new();
        let says = series(selector, &mut services)?;
        if !asks || !services.is_empty() {
            return None;
        }
        // What a service adds to its series tells no more than its job.
        let added = |label: &&String| !["service", "component"].contains(&label.as_str());
        let mut whom: BTreeSet<String> = on.labels.iter().filter(added).cloned().collect();
        if on.labels.iter().any(|label| label == "service") {
            whom.insert("job".to_string());
        }
        let mut bare = rule.clone();
        bare["expr"] = binary.lhs.to_string().into();
        let silence = Silence {
            says,
            metric: metric(selector)?.to_string(),
            on: whom,
        };
        Some((bare, silence))
    }

    /// A table of an alert with it; None: the alert would be silent for others too, or for fewer.
    pub(super) fn into(
        &self,
        table: &Map<String, Value>,
        catalog: &Catalog,
    ) -> Option<Map<String, Value>> {
        let metric = catalog.metrics.iter().find(|one| one.name == self.metric);
        let has = |label: &str| metric.is_some_and(|metric| metric.labels.contains_key(label));
        let per = table
            .get("per")
            .and_then(Value::as_array)
            .into_iter()
            .flatten();
        let shared = per
            .filter_map(Value::as_str)
            .filter(|label| *label == "instance" || has(label));
        let on: BTreeSet<String> = shared.chain(["job"]).map(str::to_string).collect();
        let mut table = table.clone();
        table.insert("unless".to_string(), self.says.clone());
        (on == self.on).then_some(table)
    }
}

/// What stands in brackets.
fn inside(expr: &Expr) -> &Expr {
    match expr {
        Expr::Paren(paren) => inside(&paren.expr),
        other => other,
    }
}
