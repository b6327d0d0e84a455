//! What a scrape is expected to bring: the metrics that the catalog declares and that rules and dashboards read, by service.

use crate::contract::domain::Domain;
use crate::profiles::built_in;
use crate::promql::walk::selectors;
use crate::stack::Stack;
use std::cell::OnceCell;
use std::collections::{BTreeMap, BTreeSet, HashSet};

/// The names of what has to come through, found out when something asks for them: most stacks drop and limit nothing.
pub(super) struct Promised<'s, 'a> {
    stack: &'s Stack<'a>,
    names: OnceCell<BTreeSet<String>>,
}

/// A metric of a service, with the labels that it gives its series.
pub(super) struct Family {
    pub(super) name: String,
    pub(super) labels: BTreeMap<String, Domain>,
}

/// Profiles of what is scraped beside the services.
const PROGRAMS: [&str; 4] = ["prometheus", "alertmanager", "health-probe", "go"];

impl<'s, 'a> Promised<'s, 'a> {
    pub(super) fn of(stack: &'s Stack<'a>) -> Promised<'s, 'a> {
        Promised {
            stack,
            names: OnceCell::new(),
        }
    }

    pub(super) fn names(&self) -> &BTreeSet<String> {
        self.names.get_or_init(|| scraped_names(self.stack))
    }

    /// Those of them that a service, or another job, exposes.
    pub(super) fn exposed_by(&self, job: &str) -> Vec<Family> {
        self.exposed(job, self.names().iter())
    }

    /// Everything that one of the monitoring's own programs is known to expose.
    pub(super) fn known_of(&self, job: &str) -> Vec<Family> {
        let names = PROGRAMS.into_iter().flat_map(built_in);
        let names = names
            .flat_map(|name| ["", "_bucket", "_sum", "_count"].map(|part| format!("{name}{part}")));
        let names: BTreeSet<String> = names.collect();
        self.exposed(job, names.iter())
    }

    fn exposed<'n>(&self, job: &str, names: impl Iterator<Item = &'n String>) -> Vec<Family> {
        let target = self.stack.contract.targets.with("job", job);
        let of_service = |name: &String| {
            let family = self.stack.contract.family(name).iter();
            let mut own = family
                .filter(|series| !series.targets.is_disjoint(&target))
                .peekable();
            own.peek()?;
            let labels = own.flat_map(|series| series.labels.clone()).collect();
            Some(Family {
                name: name.clone(),
                labels,
            })
        };
        names.filter_map(of_service).collect()
    }
}

/// The names of what the catalog declares, or something reads, and a scrape gives.
fn scraped_names(stack: &Stack) -> BTreeSet<String> {
    let declared = stack.catalog.declared().flat_map(|metric| {
        ["", "_bucket", "_sum", "_count"].map(|part| format!("{}{part}", metric.name))
    });
    let read = stack
        .expressions
        .iter()
        .flat_map(|expression| selectors(&expression.ast))
        .filter_map(|selector| selector.name.clone());
    // What is recorded, and what Prometheus adds to every scrape, comes later.
    let mut recorded: HashSet<&str> = stack
        .files
        .rules()
        .filter_map(|(_, _, rule)| rule["record"].as_str())
        .collect();
    recorded.extend(built_in("target").map(|name: &str| name));
    // What Prometheus writes of alerts is scraped of nobody.
    recorded.extend(["ALERTS", "ALERTS_FOR_STATE"]);
    declared
        .chain(read)
        .filter(|name| !recorded.contains(name.as_str()))
        .collect()
}
