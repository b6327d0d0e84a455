//! Alerts with hours of their own: whoever is told of them is told at those.

use super::{About, Notice, Selector};
use crate::catalog::alerts::Hours;
use crate::catalog::{Alert, Catalog, NO_ONE};
use crate::source::step;
use crate::value::Map;
use std::collections::BTreeMap;

/// Puts a notice of their own before each that takes alerts with hours, and one behind all for those that no notice takes.
pub(super) fn apart(notices: Vec<Notice>, parts: &Catalog) -> Vec<Notice> {
    let mut timed: BTreeMap<&Hours, Vec<&Alert>> = BTreeMap::new();
    for alert in parts.alerts.iter().filter(|one| !one.hours.is_always()) {
        timed.entry(&alert.hours).or_default().push(alert);
    }
    let mut all: Vec<Notice> = Vec::new();
    for notice in notices {
        let mut rest = notice.clone();
        let before = all.len();
        for (hours, alerts) in &timed {
            // What a notice before has taken does not come here.
            let comes = alerts.iter().filter(|alert| {
                let mut own = parts
                    .abouts(alert)
                    .filter(|about| notice.of.may_pick(about));
                own.any(|about| !taken(&all[..before], &about))
            });
            let names: Vec<String> = comes.map(|alert| alert.name.clone()).collect();
            let Some(of) = notice.of.of_some(&names) else {
                continue;
            };
            if notice.goes_on {
                rest.of = rest.of.without(&names);
            }
            all.push(Notice {
                of,
                mute: hours.mute.clone(),
                active: hours.active.clone(),
                ..notice.clone()
            });
        }
        // Where all that it takes has hours of its own, nothing is left for it.
        let others = || {
            let mut others = parts.alerts.iter().filter(|one| one.hours.is_always());
            others.any(|alert| parts.abouts(alert).any(|about| notice.of.may_pick(&about)))
        };
        if all.len() == before || others() {
            all.push(rest);
        }
    }
    for (hours, alerts) in &timed {
        for severity in parts.severities.names() {
            let receiver = parts.receiver(severity);
            let untold = alerts.iter().filter(|alert| {
                let mut own = parts
                    .abouts(alert)
                    .filter(|about| about.severity == severity);
                receiver != NO_ONE && own.any(|about| !taken(&all, &about))
            });
            let names: Vec<String> = untold.map(|alert| alert.name.clone()).collect();
            if names.is_empty() {
                continue;
            }
            all.push(Notice {
                pointer: format!("/alertmanager/routes/{}", step(severity)),
                of: Selector::of_alerts(names, Vec::new()).of_severity(severity),
                receivers: vec![receiver.to_string()],
                mute: hours.mute.clone(),
                active: hours.active.clone(),
                options: Map::new(),
                goes_on: false,
            });
        }
    }
    all
}

/// Whether some notice takes an alert each time, and keeps it.
fn taken(notices: &[Notice], about: &About) -> bool {
    let mut all = notices.iter();
    all.any(|notice| !notice.goes_on && notice.of.picks(about))
}
