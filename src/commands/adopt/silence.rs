//! Which series a rule reads, and which it leaves out with `unless`, as keys of a catalog's alert say the same.

use crate::catalog::Catalog;
use crate::promql::engine::metric;
use crate::promql::number::number;
use crate::promql::parse;
use crate::promql::token::{T_EQLC, T_GTR, T_LUNLESS, T_MAX, T_NEQ};
use crate::promql::{Expr, LabelModifier, MatchOp, VectorSelector};
use crate::value::{Map, Value, json};
use std::collections::BTreeSet;

/// `… unless on (job) maintenance == 1`.
pub(super) struct Silence {
    /// The metric, as a key of a catalog names it.
    says: Value,
    pub(super) metric: String,
    /// By which labels both are about the same; None: by all that they have.
    on: Option<BTreeSet<String>>,
    /// Whether it asks for 1, where a catalog asks for what is not 0.
    pub(super) exactly_one: bool,
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
        let number = number(&right.rhs)?;
        let exactly_one = right.op.id() == T_EQLC && number == 1.0;
        let asks = exactly_one || (matches!(right.op.id(), T_NEQ | T_GTR) && number == 0.0);
        let selector = read(inside(&right.lhs))?;
        let matching = binary.modifier.as_ref().map(|how| &how.matching);
        let on = match matching {
            None | Some(None) => None,
            Some(Some(LabelModifier::Include(on))) => Some(&on.labels),
            Some(Some(LabelModifier::Exclude(_))) => return None,
        };
        let mut services = BTreeSet::new();
        let says = series(selector, &mut services)?;
        if !asks {
            return None;
        }
        // What a service adds to its series tells no more than its job.
        let added = |label: &&String| !["service", "component"].contains(&label.as_str());
        let whom = on.map(|on| {
            let mut whom: BTreeSet<String> = on.iter().filter(added).cloned().collect();
            if on.iter().any(|label| label == "service") {
                whom.insert("job".to_string());
            }
            whom
        });
        let mut bare = rule.clone();
        bare["expr"] = binary.lhs.to_string().into();
        let silence = Silence {
            says,
            metric: metric(selector)?.to_string(),
            on: whom,
            exactly_one,
        };
        Some((bare, silence))
    }

    /// A table of an alert with it; None: the alert would be silent for others too, or for fewer.
    pub(super) fn into(&self, table: &Map, catalog: &Catalog) -> Option<Map> {
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
        // What both have in common is shown by running them.
        self.on
            .as_ref()
            .is_none_or(|own| *own == on)
            .then_some(table)
    }
}

/// The series that are asked for, which may be those of one service taken together.
fn read(expr: &Expr) -> Option<&VectorSelector> {
    match expr {
        Expr::VectorSelector(selector) => Some(selector),
        Expr::Aggregate(aggregate) if aggregate.op.id() == T_MAX => read(inside(&aggregate.expr)),
        _ => None,
    }
}

/// What stands in brackets.
fn inside(expr: &Expr) -> &Expr {
    match expr {
        Expr::Paren(paren) => inside(&paren.expr),
        other => other,
    }
}

/// What a selector reads, as a key of a kind names it; the services that it names go into the list. None: a key cannot say it.
pub(super) fn series(selector: &VectorSelector, services: &mut BTreeSet<String>) -> Option<Value> {
    let mut wanted = Map::new();
    for matcher in &selector.matchers.matchers {
        let (label, value) = (matcher.name.as_str(), matcher.value.as_str());
        let (key, said) = match &matcher.op {
            _ if label == "__name__" => continue,
            MatchOp::Equal if label == "job" || label == "service" => {
                services.insert(value.to_string());
                continue;
            }
            _ if label == "component" || label == "instance" => return None,
            MatchOp::Equal => ("where", json!([value])),
            MatchOp::NotEqual => ("except", json!([value])),
            MatchOp::Re(_) => ("where", json!(value)),
            MatchOp::NotRe(_) => ("except", json!(value)),
        };
        let table = wanted.entry(key).or_insert(json!({}));
        if table.get(label).is_some() {
            return None;
        }
        table[label] = said;
    }
    let name = json!(metric(selector)?);
    Some(match wanted.is_empty() {
        true => name,
        false => {
            let metric = ("metric".to_string(), name);
            Value::Object(std::iter::once(metric).chain(wanted).collect())
        }
    })
}
