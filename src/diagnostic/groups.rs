//! One cause, one picture: the same finding of many services is shown once, with the services listed.

use super::{Diagnostic, plural};
use std::collections::HashMap;

/// So many services are named, then how many more there are.
const NAMED: usize = 20;

/// Findings as people read them: those of several services that have all in common are one, in the place of the first.
pub fn grouped(found: &[Diagnostic]) -> Vec<Diagnostic> {
    let mut groups: Vec<Vec<&Diagnostic>> = Vec::new();
    let mut known: HashMap<(&str, &str, &str), usize> = HashMap::new();
    for diagnostic in found {
        if diagnostic.service.is_none() {
            groups.push(vec![diagnostic]);
            continue;
        }
        let key = (diagnostic.code, &*diagnostic.common, &*diagnostic.help);
        let group = *known.entry(key).or_insert_with(|| {
            groups.push(Vec::new());
            groups.len() - 1
        });
        groups[group].push(diagnostic);
    }
    groups.into_iter().map(|group| one(&group)).collect()
}

fn one(group: &[&Diagnostic]) -> Diagnostic {
    let first = group[0];
    let mut services: Vec<&str> = Vec::new();
    for service in group.iter().filter_map(|one| one.service.as_deref()) {
        if !services.contains(&service) {
            services.push(service);
        }
    }
    if services.len() < 2 {
        return first.clone();
    }
    let more = match services.len().saturating_sub(NAMED) {
        0 => String::new(),
        more => format!(" and {more} more"),
    };
    let severity = group.iter().map(|one| one.severity).min();
    Diagnostic {
        severity: severity.unwrap_or(first.severity),
        message: format!(
            "{} ({}: {}{more})",
            first.common,
            plural(services.len(), "service"),
            services[..services.len().min(NAMED)].join(", ")
        ),
        ..first.clone()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::diagnostic::Place;

    fn found(service: &str, message: &str) -> Diagnostic {
        let place = Place::Key(format!("/services/{service}"));
        Diagnostic::error("stale", place, format!("{service}: {message}")).of(service)
    }

    #[test]
    fn the_same_of_several_services_is_one() {
        let all = [
            found("a", "it is down"),
            found("b", "it is slow"),
            found("c", "it is down"),
            found("a", "it is down"),
        ];
        let shown: Vec<String> = grouped(&all).into_iter().map(|one| one.message).collect();
        assert_eq!(shown, ["it is down (2 services: a, c)", "b: it is slow"]);
    }

    #[test]
    fn what_is_about_no_service_stays_as_it_is() {
        let plain = Diagnostic::error("stale", Place::File("y".into()), "z");
        assert_eq!(grouped(&[plain.clone(), plain]).len(), 2);
    }
}
