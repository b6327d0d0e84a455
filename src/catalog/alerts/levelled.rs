//! The alerts that are levels of one: what they compare is the same, and is recorded once.

use super::{Alert, Signal};
use crate::catalog::levels::Levels;
use crate::catalog::units::Duration;
use crate::value::Value;
use serde::Deserialize;
use std::collections::HashMap;
use std::sync::Arc;

/// Tells alerts of which levels they are; the first of them records what all of them compare.
pub(in crate::catalog) fn join_levels(
    alerts: &mut [Alert],
    levels: &[Arc<Levels>],
    catalog: &Value,
) -> serde_json::Result<()> {
    let step = Duration::deserialize(&catalog["prometheus"]["evaluation_interval"])?;
    let mut of: HashMap<&str, &Arc<Levels>> = HashMap::new();
    for one in levels {
        of.extend(one.all.iter().map(|level| (level.alert.as_str(), one)));
    }
    let mut first: HashMap<&str, usize> = HashMap::new();
    for index in 0..alerts.len() {
        let Some(levels) = of.get(alerts[index].name.as_str()) else {
            continue;
        };
        let alert = &mut alerts[index];
        alert.levels = Some(Arc::clone(levels));
        alert.signals.clear();
        // By the name of all of them.
        alert.share(&catalog["platform"], step);
        match first.get(levels.name.as_str()) {
            None => drop(first.insert(&levels.name, index)),
            Some(first) => {
                let more = std::mem::take(&mut alert.signals);
                alerts[*first].record(more);
            }
        }
    }
    Ok(())
}

impl Alert {
    /// Records what another level compares too.
    fn record(&mut self, more: Vec<Signal>) {
        for signal in more {
            match self.signals.iter_mut().find(|own| own.name == signal.name) {
                Some(own) if own.only.is_empty() || signal.only.is_empty() => own.only.clear(),
                Some(own) => {
                    for job in signal.only {
                        if !own.only.contains(&job) {
                            own.only.push(job);
                        }
                    }
                }
                None => self.signals.push(signal),
            }
        }
    }
}
