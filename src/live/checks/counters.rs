//! Counters that fell, as Prometheus has them: it reads more often than anybody who asks twice.

use super::CheckContext;
use crate::catalog::{Duration, Metric, Service};
use crate::diagnostic::Diagnostic;
use crate::live::exposed::falls;
use crate::live::prometheus::query;
use crate::live::workers::{self, each};
use crate::value::Value;
use std::collections::{BTreeMap, BTreeSet, HashMap};

/// Scrapes that are looked back at: of two workers that answer by chance, nine in ten are found.
const SCRAPES: u64 = 10;

/// Counters that one query asks for.
const TOGETHER: usize = 40;

/// So many falls are no restart, where nothing says when the process started.
const TOO_MANY: f64 = 3.0;

/// What fell lately.
#[derive(Default)]
pub(crate) struct Falls {
    /// Job → what is said of its counters.
    said: HashMap<String, String>,
}

/// One instance's counters and process.
#[derive(Default)]
struct Instance {
    /// The counter that fell most often, and how often.
    worst: (String, f64),
    /// How often the time of the process' start changed, and how often it went back; None: the service does not say it.
    start: Option<(f64, f64)>,
}

impl Instance {
    /// Whether restarts explain it. Workers that take turns each have a start of their own, so that it goes back too.
    fn explained(&self) -> bool {
        let falls = self.worst.1;
        match self.start {
            Some((changes, back)) => falls <= changes && !(falls >= 2.0 && back >= 1.0),
            None => falls < TOO_MANY,
        }
    }
}

impl Falls {
    /// Of some services.
    pub(crate) fn ask(context: &CheckContext, services: &[&Service]) -> Falls {
        let mut by_interval: BTreeMap<u64, Vec<&Service>> = BTreeMap::new();
        for service in services {
            let interval = service.scrape_interval.0;
            by_interval.entry(interval).or_default().push(service);
        }
        let all = by_interval.len() == 1 && services.len() > 1;
        let mut falls = Falls::default();
        for (interval, services) in by_interval {
            let jobs: Vec<&str> = services.iter().map(|one| one.name.as_str()).collect();
            let jobs = match all {
                true => String::new(),
                false => format!("{{job=~\"{}\"}}", jobs.join("|")),
            };
            falls.within(context, &services, &jobs, Duration(interval * SCRAPES));
        }
        falls
    }

    fn within(
        &mut self,
        context: &CheckContext,
        services: &[&Service],
        jobs: &str,
        window: Duration,
    ) {
        let emitted = |metric: &&Metric| {
            let mut emitters = metric.services.iter();
            emitters.any(|name| services.iter().any(|service| service.name == *name))
        };
        let counters = context.catalog.exposed().filter(emitted);
        let counters: BTreeSet<String> = counters
            .filter_map(|metric| match metric.r#type.as_str() {
                "counter" => Some(metric.name.clone()),
                "histogram" | "summary" if !metric.whole => Some(format!("{}_count", metric.name)),
                _ => None,
            })
            .collect();
        let starts = services
            .iter()
            .filter_map(|service| service.roles.get("start"));
        let starts: BTreeSet<&str> = starts.map(|role| role.metric.as_str()).collect();
        let mut asked: Vec<String> = counters
            .iter()
            .map(|name| {
                named(
                    &format!("max by (job, instance) (resets({name}{jobs}[{window}])) > 0"),
                    name,
                )
            })
            .collect();
        let told = starts.iter().flat_map(|name| {
            ["changes", "resets"].map(|how| {
                let asked = format!("max by (job, instance) ({how}({name}{jobs}[{window}]))");
                named(&asked, &format!("{how} of the start"))
            })
        });
        asked.extend(told);
        let asked: Vec<String> = asked
            .chunks(TOGETHER)
            .map(|some| some.join(" or "))
            .collect();
        let answers = each(&asked, workers::QUERIES, |asked| {
            query(&context.prometheus, &context.client, asked).unwrap_or_default()
        });
        let mut instances: BTreeMap<(String, String), Instance> = BTreeMap::new();
        for one in answers.iter().flatten() {
            let text = |label: &str| {
                one["metric"][label]
                    .as_str()
                    .unwrap_or_default()
                    .to_string()
            };
            let Some(value) = number(one) else { continue };
            let instance = instances
                .entry((text("job"), text("instance")))
                .or_default();
            match text("counter").as_str() {
                "changes of the start" => instance.start.get_or_insert_default().0 += value,
                "resets of the start" => instance.start.get_or_insert_default().1 += value,
                name if value > instance.worst.1 => instance.worst = (name.to_string(), value),
                _ => {}
            }
        }
        for ((job, address), instance) in instances {
            if instance.explained() || self.said.contains_key(&job) {
                continue;
            }
            let (name, times) = &instance.worst;
            let why = match instance.start {
                Some((0.0, _)) => "and its process did not restart",
                Some(_) => "more often than its process restarted",
                None => "which is more than a restart",
            };
            let times = match times {
                1.0 => "once".to_string(),
                times => format!("{times} times"),
            };
            let said =
                format!("the counter {name} of {address} fell {times} within {window}, {why}");
            self.said.insert(job, said);
        }
    }

    /// What is said of a service.
    pub(crate) fn of(&self, service: &Service) -> Option<Diagnostic> {
        let said = self.said.get(&service.name)?;
        Some(falls(service, format!("{}: {said}", service.name)))
    }
}

/// The result of an expression under a label `counter`.
fn named(expression: &str, name: &str) -> String {
    format!("label_replace({expression}, \"counter\", \"{name}\", \"job\", \".*\")")
}

fn number(one: &Value) -> Option<f64> {
    one["value"][1].as_str()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn restarts_explain_as_many_falls_and_no_more() {
        let explained = |falls: f64, start: Option<(f64, f64)>| {
            let worst = (String::new(), falls);
            Instance { worst, start }.explained()
        };
        assert!(explained(0.0, None) && explained(0.0, Some((0.0, 0.0))));
        assert!(explained(2.0, Some((2.0, 0.0))), "it restarted twice");
        assert!(!explained(1.0, Some((0.0, 0.0))), "it did not restart");
        assert!(
            !explained(4.0, Some((9.0, 4.0))),
            "workers with a start each"
        );
        assert!(explained(1.0, Some((3.0, 1.0))), "a start that trembles");
        assert!(explained(2.0, None) && !explained(3.0, None));
    }
}
