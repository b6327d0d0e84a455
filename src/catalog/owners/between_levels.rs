//! Which levels of an alert hold back which others.

use super::{Inhibit, Selector};
use crate::catalog::Catalog;
use crate::catalog::levels::Level;
use crate::source::step;

/// While a level fires, nobody is told of the less urgent ones of the same service: of what nobody is told holds back nothing.
pub(in crate::catalog) fn inhibitions(catalog: &Catalog) -> Vec<Inhibit> {
    let mut all = Vec::new();
    let rank = |level: &Level| catalog.severities.rank(&level.severity);
    for levels in &catalog.levels {
        for source in &levels.all {
            let lesser = levels.all.iter().filter(|level| rank(level) > rank(source));
            let lesser: Vec<&Level> = lesser.collect();
            let Some(alert) = catalog.alert(&source.alert).filter(|_| !lesser.is_empty()) else {
                continue;
            };
            let told = alert.covers.iter().filter(|name| {
                let service = catalog.service(name);
                service.is_some_and(|service| {
                    let about = catalog.about(alert, service, &source.severity);
                    !catalog.told(&about).is_empty()
                })
            });
            let mut told: Vec<String> = told.cloned().collect();
            if told.is_empty() {
                continue;
            }
            if told.len() == alert.covers.len() {
                told.clear();
            }
            let names = |value: fn(&Level) -> &String| {
                let names = lesser.iter().map(|level| value(level).clone());
                names.collect::<Vec<String>>()
            };
            let held = names(|level| &level.severity).join(" and ");
            all.push(Inhibit {
                name: format!("{}: {} holds back {held}", levels.name, source.severity),
                pointer: format!("/alerts/{}/{}", step(&levels.name), levels.key),
                source: Selector::of_alerts(vec![source.alert.clone()], told),
                target: Selector::of_alerts(names(|level| &level.alert), Vec::new()),
                equal: ["job".to_string()]
                    .into_iter()
                    .chain(alert.per.clone())
                    .collect(),
            });
        }
    }
    all
}
