//! What a panel says of alerts and objectives: their thresholds, the budget that burns, how long one has fired.

use super::panel::Panel;
use crate::catalog::{Alert, Branch, with_unit};
use crate::diagnostic::{Diagnostic, mistyped};
use crate::promql::Expr;
use crate::promql::engine::metric;
use crate::promql::number::number;
use crate::promql::token::{T_DIV, T_MAX, T_MUL, T_SUM, T_TOPK};
use crate::promql::walk::{children, selectors};
use crate::proofs::place;
use crate::stack::world::{Samples, World, series};

impl Panel<'_, '_> {
    /// The thresholds of alerts that the description names.
    pub(super) fn threshold_otherwise_than_the_rule(&self) -> Option<Diagnostic> {
        let text = self.text("description");
        text.match_indices(" fires ").find_map(|(at, fires)| {
            let of_name = |c: char| c.is_alphanumeric() || matches!(c, '_' | '-');
            let name = text[..at].rsplit(|c| !of_name(c)).next()?;
            let alert = self.stack.catalog.alert(name)?;
            let side = alert.side.word_of(alert.includes);
            let above = format!("{side} ");
            let sentence = text[at + fires.len()..].strip_prefix(&above)?;
            let sentence = &sentence[..sentence.find(". ").unwrap_or(sentence.len())];
            let mut said = sentence
                .split(above.as_str())
                .filter_map(|rest| rest.split([' ', ',']).next());
            let known: Vec<String> = thresholds_in_words(alert).collect();
            let wrong = said.find(|word| {
                let number = word.starts_with(|c: char| c.is_ascii_digit());
                number
                    && !known
                        .iter()
                        .any(|limit| limit.split(' ').next() == Some(word.trim_end_matches('.')))
            })?;
            let wrong = wrong.trim_end_matches('.');
            let message = format!(
                "`{}` says that {} fires {side} {wrong}, and it does {side} {}",
                self.text("title"),
                alert.name,
                known.join(" or ")
            );
            Some(self.wrong("description", message, "write the threshold of the rule"))
        })
    }

    /// A name in the words that is none of an alert, and was surely meant to be one.
    pub(super) fn misspelt_alert(&self) -> Option<Diagnostic> {
        let alerts = self.stack.catalog.alerts.iter();
        let names = alerts.map(|alert| alert.name.as_str());
        ["title", "description"].into_iter().find_map(|key| {
            let words = self.text(key).split(|c: char| !c.is_ascii_alphanumeric());
            // As alerts are written: with capitals inside.
            let mut words = words.filter(|word| {
                let inside = word.chars().skip(1).any(char::is_uppercase);
                inside && self.stack.catalog.alert(word).is_none()
            });
            let (word, meant) =
                words.find_map(|word| Some((word, mistyped(word, names.clone())?)))?;
            let known = self.stack.written_alert(word).is_some();
            let plural = word.strip_suffix('s') == Some(meant);
            let message = format!(
                "`{}` names {word}, and no alert is called so",
                self.text("title")
            );
            (!known && !plural)
                .then(|| self.wrong(key, message, &format!("did you mean `{meant}`?")))
        })
    }

    /// How fast a budget burns, reckoned with another budget than the objective leaves.
    pub(super) fn another_budget(&self) -> Option<Diagnostic> {
        self.queries.iter().find_map(|query| {
            let (name, by) = divided_by_number(&query.ast)?;
            let slos = self.stack.catalog.slos.iter();
            let mut slos = slos.filter(|slo| slo.recorded.names().any(|known| known == name));
            let slo = slos.next()?;
            let alerts = self.stack.catalog.alerts.iter();
            let of_slo = alerts.filter(|alert| {
                let of = alert.slo.as_ref();
                of.is_some_and(|of| of.name == slo.name)
            });
            let limits = of_slo.flat_map(|alert| &alert.branches);
            let mut known = limits
                .filter_map(|branch| branch.above)
                .chain([slo.budget, 1.0]);
            let near = |known: f64| (known - by).abs() <= 1e-9 * known.abs();
            (!known.any(near)).then(|| {
                let message = format!(
                    "`{}` divides `{name}` by {by}, and the objective leaves a budget of {}",
                    self.text("title"),
                    slo.budget
                );
                let help = "divide by what the objective lets fail";
                place::on(query, message, help)
            })
        })
    }

    /// A line that is called as one alert is of what that alert compares.
    pub(super) fn called_as_another_alert(&self) -> Option<Diagnostic> {
        self.queries.iter().find_map(|query| {
            let legend = query.target["legendFormat"].as_str()?;
            let first = legend.split(' ').next()?;
            let catalog = self.stack.catalog;
            let named = catalog.alert(first)?;
            let read = || selectors(&query.ast).into_iter().filter_map(metric);
            if catalog
                .alerts_on(read())
                .any(|alert| alert.name == named.name)
            {
                return None;
            }
            let mut others = catalog.alerts_on(read());
            let other = others.find(|alert| alert.written_name() != named.written_name())?;
            let message = format!(
                "`{}` calls `{}` what {} compares",
                self.text("title"),
                named.name,
                other.name
            );
            Some(place::on(
                query,
                message,
                "write the name of the alert whose signal it is",
            ))
        })
    }

    /// What is left of an error budget is that of the service that has least of it, whatever else is.
    pub(super) fn another_rest_of_the_budget(&self) -> Option<Diagnostic> {
        let words = &self.words;
        let other = [
            "average", "mean", "sum", "spent", "used", "burnt", "burned", "consumed",
        ];
        if other.iter().any(|word| words.contains(word)) {
            return None;
        }
        let query = match self.queries.as_slice() {
            [query] if ["stat", "gauge"].contains(&self.text("type")) => query,
            _ => return None,
        };
        let read = selectors(&query.ast);
        let [selector] = read.as_slice() else {
            return None;
        };
        let name = metric(selector)?;
        let mut slos = self.stack.catalog.slos.iter();
        let slo = slos.find(|slo| slo.recorded.remaining == name)?;
        let rest = |value: f64, of: &mut dyn Iterator<Item = &String>| -> Samples {
            let one = |service: &String| {
                let own = self.stack.catalog.service(service);
                let group = own.map_or("", |own| own.group.as_str());
                let labels = [
                    ("job", service.as_str()),
                    ("service", service),
                    ("component", group),
                ];
                (series(name, labels), value)
            };
            of.map(one).collect()
        };
        let (first, others) = slo.covers.split_first()?;
        // Alike they show what each has; one that has less is what is looked for.
        for (value, elsewhere) in [(0.75, 0.75), (-0.5, 1.0), (0.1, 0.9)] {
            let mut all = rest(value, &mut std::iter::once(first));
            all.extend(rest(elsewhere, &mut others.iter()));
            let given = World::plain(&all).asked(&query.ast)?;
            let [(_, shown)] = given.as_slice() else {
                return None;
            };
            if (shown - value).abs() > 1e-9 && (shown - 100.0 * value).abs() > 1e-9 {
                let message = format!(
                    "`{}` shows {shown} when `{first}` has {value} of its budget left, and the others {elsewhere}",
                    self.text("title")
                );
                return Some(place::on(
                    query,
                    message,
                    "show the least that any of them has left",
                ));
            }
        }
        None
    }

    /// An alert has one sample for each evaluation: so long is each of those that are counted.
    pub(super) fn samples_of_another_length(&self) -> Option<Diagnostic> {
        let evaluated = self.stack.catalog.prometheus.evaluation_interval.seconds();
        self.queries.iter().find_map(|query| {
            let mut factors = Vec::new();
            sample_times(&query.ast, evaluated, &mut factors);
            let (factor, long) = factors.into_iter().find(|(factor, long)| {
                let also = [1.0, 1000.0, 1.0 / 60.0, 1.0 / 3600.0, 1.0 / 86400.0];
                !also
                    .iter()
                    .any(|unit| (factor / (long * unit) - 1.0).abs() < 1e-9)
            })?;
            let message = format!(
                "`{}` takes each sample of an alert for {factor}s, and it is of {long}s",
                self.text("title")
            );
            Some(place::on(
                query,
                message,
                "multiply by the interval of evaluation",
            ))
        })
    }
}

/// The thresholds of an alert, as people write them.
fn thresholds_in_words(alert: &Alert) -> impl Iterator<Item = String> {
    let limits = alert.branches.iter().filter_map(Branch::limit);
    limits.map(|(_, limit)| with_unit(limit, alert.unit.as_deref()))
}

/// A series that is divided by a number, and the number.
fn divided_by_number(expr: &Expr) -> Option<(&str, f64)> {
    if let Expr::Binary(binary) = expr
        && binary.op.id() == T_DIV
        && let Some(by) = number(&binary.rhs)
        && let [selector] = selectors(&binary.lhs).as_slice()
    {
        return metric(selector).map(|name| (name, by));
    }
    children(expr).find_map(divided_by_number)
}

/// Each number by which counted samples of alerts are multiplied, and how long one of them is.
fn sample_times(expr: &Expr, evaluated: f64, found: &mut Vec<(f64, f64)>) {
    fn counted(expr: &Expr, evaluated: f64) -> Option<f64> {
        match expr {
            Expr::Paren(paren) => counted(&paren.expr, evaluated),
            Expr::Aggregate(aggregate) if [T_SUM, T_TOPK, T_MAX].contains(&aggregate.op.id()) => {
                counted(&aggregate.expr, evaluated)
            }
            Expr::Call(call) if call.func.name == "count_over_time" => {
                let range = call.args.args.first()?;
                let alerts = selectors(range)
                    .iter()
                    .all(|selector| metric(selector) == Some("ALERTS"));
                match &**range {
                    Expr::Subquery(range) => range.step.map(|step| step.as_secs_f64()),
                    _ => Some(evaluated),
                }
                .filter(|_| alerts)
            }
            _ => None,
        }
    }
    if let Expr::Binary(binary) = expr
        && binary.op.id() == T_MUL
    {
        for (one, other) in [(&binary.lhs, &binary.rhs), (&binary.rhs, &binary.lhs)] {
            if let Expr::NumberLiteral(number) = &**other {
                found.extend(counted(one, evaluated).map(|long| (number.val, long)));
            }
        }
    }
    children(expr).for_each(|inside| sample_times(inside, evaluated, found));
}
