//! Alerts that are over: when they fired, or how far they came, as Prometheus has kept it.

use crate::catalog::{Duration, Service};
use crate::live::checks::CheckContext;
use crate::live::prometheus::{Running, query};
use crate::value::Value;
use chrono::DateTime;
use std::collections::BTreeMap;

/// How far back is looked.
const LATELY: &str = "6h";

/// From when to when something was seen at every evaluation, in seconds of Unix time.
#[derive(Clone, Copy, PartialEq, Debug)]
struct Run {
    from: f64,
    to: f64,
}

impl Run {
    fn took(self) -> f64 {
        self.to - self.from
    }
}

/// The runs of a series, where so many seconds without a sample end one.
fn runs(series: &Value, pause: f64) -> Vec<Run> {
    let mut found: Vec<Run> = Vec::new();
    for at in series["values"].items().filter_map(|pair| pair[0].as_f64()) {
        match found.last_mut() {
            Some(run) if at - run.to <= pause => run.to = at,
            _ => found.push(Run { from: at, to: at }),
        }
    }
    found
}

/// What the alerts of a service did that are not active now; empty where there is nothing to say.
pub(super) fn said(context: &CheckContext, running: &Running, service: &Service) -> String {
    let asked = format!("ALERTS{{job={:?}}}[{LATELY}]", service.name);
    let Ok(kept) = query(&context.prometheus, &context.client, &asked) else {
        return String::new();
    };
    // How often each alert is looked at.
    let mut paces: BTreeMap<&str, f64> = BTreeMap::new();
    for group in &running.groups {
        let names = group["rules"]
            .items()
            .filter_map(|rule| rule["name"].as_str());
        let interval = group["interval"].as_f64().unwrap_or_default();
        paces.extend(names.map(|name| (name, interval)));
    }
    let usual = context.catalog.prometheus.evaluation_interval.seconds();
    let mut fired: BTreeMap<&str, Run> = BTreeMap::new();
    let mut waited: BTreeMap<&str, (Run, usize)> = BTreeMap::new();
    for series in &kept {
        let labels = &series["metric"];
        let (Some(name), Some(state)) =
            (labels["alertname"].as_str(), labels["alertstate"].as_str())
        else {
            continue;
        };
        // One evaluation at which it was not so ends a run.
        let pause = paces.get(name).copied().unwrap_or(usual) * 1.5;
        for run in runs(series, pause) {
            match state {
                "firing" => {
                    let last = fired.entry(name).or_insert(run);
                    *last = if run.to >= last.to { run } else { *last };
                }
                _ => {
                    let (longest, times) = waited.entry(name).or_insert((run, 0));
                    *times += 1;
                    if run.took() > longest.took() {
                        *longest = run;
                    }
                }
            }
        }
    }
    let at = |seconds: f64| {
        let time = DateTime::from_timestamp(seconds as i64, 0).unwrap_or_default();
        time.format("%T").to_string()
    };
    let span = |seconds: f64| Duration(seconds.round() as u64 * 1000);
    let mut said = Vec::new();
    for alert in &context.catalog.alerts {
        let name = alert.name.as_str();
        let mut rules = running.rules().filter(|rule| rule["name"] == name);
        let active = rules.any(|rule| {
            let mut active = rule["alerts"].items();
            active.any(|one| one["labels"]["job"] == service.name.as_str())
        });
        if active || !alert.covers_service(&service.name) {
            continue;
        }
        if let Some(run) = fired.get(name) {
            said.push(format!(
                "{name} fired from {} to {} UTC",
                at(run.from),
                at(run.to)
            ));
        } else if let Some((run, times)) = waited.get(name)
            && let Some(branch) = alert.branch_of(&service.name)
            // One that came nowhere near is not what anybody asks for.
            && run.took() * 2.0 >= branch.r#for.seconds()
        {
            said.push(format!(
                "{name} was pending {}for {} at most, and fires after {} (until {} UTC)",
                match times {
                    1 => String::new(),
                    times => format!("{times} times, "),
                },
                span(run.took()),
                branch.r#for,
                at(run.to)
            ));
        }
    }
    match said.is_empty() {
        true => String::new(),
        false => format!("; within the last {LATELY} {}", said.join(", ")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::value::json;

    #[test]
    fn a_pause_ends_a_run() {
        let series = json!({"values": [[10, "1"], [25, "1"], [40, "1"], [100, "1"], [115, "1"]]});
        let run = |from: f64, to: f64| Run { from, to };
        assert_eq!(runs(&series, 31.0), [run(10.0, 40.0), run(100.0, 115.0)]);
        assert_eq!(runs(&json!({}), 31.0), []);
    }
}
