//! Every alert of the catalog carries the labels that routes, inhibition and people rely on.

use super::{Check, Example, Proof, Usage, place};
use crate::contract::domain::Domain;
use crate::contract::series::SeriesSet;
use crate::json::Parts;
use crate::stack::Stack;

/// What every alert that fires for a service has.
const CARRIED: [&str; 4] = ["job", "service", "component", "severity"];

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
            if let Some(job) = beside(stack, &series) {
                found.push(place::on(
                    expression,
                    format!("the alert fires for the job `{job}` too, which has this metric and is no service"),
                    "select services: add `service!=\"\"` to what it reads",
                ));
                continue;
            }
            let alert = expression.owner["alert"].as_str();
            let alert = alert.and_then(|name| stack.catalog.alert(name));
            let per = alert.map_or(&[][..], |alert| alert.per.as_slice());
            for label in CARRIED
                .iter()
                .copied()
                .chain(per.iter().map(String::as_str))
                .filter(|label| series.iter().any(|series| !series.has(label)))
            {
                found.push(place::on(
                    expression,
                    format!("the alert loses the label `{label}`"),
                    match CARRIED.contains(&label) {
                        true => "aggregate `by (job, service, component)`",
                        false => "aggregate by it too: the alert fires apart by it (`per`)",
                    },
                ));
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

/// A job beside the services, one of the servers, whose series alone lack what tells services apart.
fn beside<'a>(stack: &'a Stack, series: &[SeriesSet]) -> Option<&'a str> {
    let targets = &stack.contract.targets.list;
    let job = |index: usize| targets[index].labels.get("job").map_or("", String::as_str);
    let mut jobs = Vec::new();
    for set in series.iter().filter(|set| !set.has("service")) {
        jobs.extend(set.targets.ones().map(job));
    }
    let known = |job: &&str| stack.catalog.service(job).is_some();
    let first = jobs.first().copied()?;
    (!jobs.iter().any(known)).then_some(first)
}
