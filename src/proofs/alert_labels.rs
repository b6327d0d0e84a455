//! Every alert of the catalog carries the labels that routes, inhibition and people rely on.

use super::{Check, Example, Expression, Proof, Usage, place};
use crate::catalog::{Alert, Scope};
use crate::contract::domain::Domain;
use crate::contract::series::SeriesSet;
use crate::diagnostic::Diagnostic;
use crate::stack::Stack;

/// What says which service an alert is about; one about something else has none of them that this does not need.
const OF_SERVICES: [&str; 3] = ["job", "service", "component"];

pub(crate) const PROOF: Proof = Proof {
    code: "alert-labels",
    doc: "Routes go by severity, inhibition by job, silences and dashboards by service and component; an alert without one of them passes them all by.",
    example: Example::Condition {
        bad: "sum by (job) (shop_orders_active) > 100",
        good: "sum by (job, service, component) (shop_orders_active) > 100",
    },
    check: Check::Stack(|stack| {
        let mut found = Vec::new();
        let of_catalog = |name: &str| stack.catalog.alert(name).is_some();
        for expression in stack
            .used(Usage::Alert)
            .filter(|expression| expression.owner["alert"].as_str().is_some_and(of_catalog))
        {
            let nodes = crate::contract::evaluate::nodes(&expression.ast, &stack.contract);
            let Some(whole) = nodes.last() else { continue };
            let rule = expression.pointer.trim_end_matches("/expr");
            let moving = expression.owner["labels"].entries().filter(|(_, text)| {
                let text = text.as_str().unwrap_or_default();
                text.contains("$value") || text.contains(".Value")
            });
            for (label, _) in moving {
                found.push(place::at(
                    expression.path,
                    format!("{rule}/labels/{label}"),
                    format!("the label `{label}` changes with the value: each time that is another alert, which has just begun and never fires"),
                    "say the value in an annotation",
                ));
            }
            let series: Vec<_> = whole
                .series
                .iter()
                .map(|series| {
                    stack
                        .contract
                        .labeled(series.clone(), &expression.owner["labels"])
                })
                .collect();
            let alert = expression.owner["alert"].as_str();
            let alert = alert.and_then(|name| stack.catalog.alert(name));
            let about = alert.map_or(Scope::Service, |alert| alert.about);
            let wide = alert.filter(|_| about != Scope::Service);
            if let Some(alert) = wide {
                // A label with one value for all of them takes nothing apart.
                let own = expression.owner["labels"].entries();
                let constant = own
                    .filter(|(_, value)| value.as_str().is_some_and(|text| !text.contains("{{")));
                let constant: Vec<&str> = constant.map(|(label, _)| label.as_str()).collect();
                found.extend(apart(expression, alert, &series, &constant));
            }
            let told_by = match about {
                Scope::Service => Some("service"),
                Scope::Group => Some("component"),
                Scope::Platform => None,
            };
            if let Some(job) = told_by.and_then(|label| beside(stack, &series, label)) {
                let mut wrong = place::on(
                    expression,
                    format!(
                        "the alert fires for the job `{job}` too, which has this metric and is no service"
                    ),
                    "select services: add `service!=\"\"` to what it reads",
                );
                let carried = about.labels().iter();
                (wrong.subjects).extend(carried.map(|label| lost(expression, label)));
                found.push(wrong);
                continue;
            }
            let per = alert.map_or(&[][..], |alert| alert.per.as_slice());
            let carried = about.labels().iter().copied().chain(["severity"]);
            let carried: Vec<&str> = carried.collect();
            let is_promql = alert.is_some_and(|alert| alert.expression().is_some());
            let carried_help = match about {
                Scope::Group => "aggregate `by (component)`: it is about groups",
                _ if is_promql => {
                    "aggregate `by (job, service, component)`; if it is about no single service, write `about = \"platform\"` or `about = \"group\"`"
                }
                _ => "aggregate `by (job, service, component)`",
            };
            let per_help = "aggregate by it too: the alert fires apart by it (`per`)";
            let others = per.iter().map(String::as_str);
            let others = others.filter(|label| !carried.contains(label)).collect();
            for (mut labels, help) in [(carried, carried_help), (others, per_help)] {
                labels.retain(|label| series.iter().any(|series| !series.has(label)));
                let words = match labels.as_slice() {
                    [] => continue,
                    [one] => format!("the label `{one}`"),
                    many => format!("the labels `{}`", many.join("`, `")),
                };
                let message = format!("the alert loses {words}");
                let mut wrong = place::on(expression, message, help);
                let subjects = labels.iter().map(|label| lost(expression, label));
                wrong.subjects.extend(subjects);
                found.push(wrong);
            }
            if wide.is_some() {
                continue;
            }
            let mut open: Vec<&str> = series
                .iter()
                .flat_map(|series| &series.labels)
                .filter(|(_, values)| matches!(values, Domain::Pattern(_)))
                .map(|(label, _)| label.as_str())
                .filter(|label| !per.iter().any(|own| own == label))
                .collect();
            open.sort_unstable();
            open.dedup();
            for label in open {
                found.push(place::on(
                    expression,
                    format!("the alert fires once for every value of `{label}`, and nobody knows how many there are"),
                    "aggregate `by (job, service, component)`; if each is to be an alert of its own, write the label in its `per`; or declare the label's values",
                ));
            }
        }
        found
    }),
};

/// Labels by which an alert fires apart that is about no single service: what says that it is about one after all, or what
/// nobody has named.
fn apart(
    expression: &Expression,
    alert: &Alert,
    series: &[SeriesSet],
    constant: &[&str],
) -> Option<Diagnostic> {
    let wanted = alert.about.labels();
    let has = |label: &&&str| series.iter().any(|series| series.has(label));
    let foreign = OF_SERVICES.iter().filter(has);
    let foreign: Vec<&str> = foreign
        .copied()
        .filter(|label| !wanted.contains(label))
        .collect();
    let by = match alert.about {
        Scope::Group => "aggregate them away with `by (component)`, as in `sum by (component) (…)`",
        _ => "aggregate them away, as in `sum(…)`",
    };
    let whole = match alert.about {
        Scope::Group => "a group",
        _ => "the platform",
    };
    if let Some(last) = foreign.last() {
        let instead = match (last, alert.about) {
            (&"component", Scope::Platform) if foreign.len() == 1 => {
                "write `about = \"group\"` if each group is to have an alert of its own"
            }
            _ => "leave `about` out if each service is to have an alert of its own",
        };
        let labels: Vec<String> = foreign.iter().map(|label| format!("`{label}`")).collect();
        return Some(place::on(
            expression,
            format!(
                "the alert is about {whole}, and its expression returns {}: it fires for each value apart",
                labels.join(", ")
            ),
            format!("{by}; or {instead}"),
        ));
    }
    let known = |label: &str| {
        wanted.contains(&label)
            || label == "severity"
            || alert.per.iter().any(|per| per == label)
            || constant.contains(&label)
    };
    let mut names = series.iter().flat_map(SeriesSet::names);
    let label = names.find(|label| !known(label) && *label != "__name__")?;
    Some(place::on(
        expression,
        format!(
            "the alert is about {whole}, and fires once for every value of `{label}`, which is not in its `per`"
        ),
        format!("{by}; or, if each is to be an alert of its own, write `per = [\"{label}\"]`"),
    ))
}

/// What an annotation that writes the label out follows from.
pub(super) fn lost(expression: &Expression, label: &str) -> String {
    format!("label {label} of {}", expression.owner["alert"])
}

/// A job beside the services, one of the servers, whose series alone lack what tells services apart.
fn beside<'a>(stack: &'a Stack, series: &[SeriesSet], label: &str) -> Option<&'a str> {
    let targets = &stack.contract.targets.list;
    let job = |index: usize| targets[index].labels.get("job").map_or("", String::as_str);
    let mut jobs = Vec::new();
    for set in series.iter().filter(|set| !set.has(label)) {
        jobs.extend(set.targets.ones().map(job));
    }
    let known = |job: &&str| stack.catalog.service(job).is_some();
    let first = jobs.first().copied()?;
    (!jobs.iter().any(known)).then_some(first)
}
