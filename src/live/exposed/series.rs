//! What a service's series say against themselves: given twice, or counting backwards.

use crate::catalog::Service;
use crate::diagnostic::{Diagnostic, Place};
use crate::live::exposition::Exposition;
use std::collections::{HashMap, HashSet};

/// A series that is exposed twice.
pub(crate) fn duplicates(service: &Service, exposition: &Exposition) -> Option<Diagnostic> {
    let mut seen = HashSet::new();
    let double = exposition.samples.iter().find(|sample| {
        let mut labels: Vec<_> = sample.labels.iter().collect();
        labels.sort();
        !seen.insert((&sample.name, labels))
    })?;
    let message = format!(
        "{}: line {} repeats the series {}",
        service.name,
        double.line,
        double.series()
    );
    Some(
        Diagnostic::error(
            "duplicate-series",
            Place::Key(format!("/services/{}", service.name)),
            message,
        )
        .help("expose each series once: Prometheus keeps one of them"),
    )
}

/// The finding about counters of a service that fall.
pub(crate) fn falls(service: &Service, message: String) -> Diagnostic {
    let help = "several workers answer in turn, each with its own registry: run one worker a port, or the client library's multiprocess mode; a value that can fall is a gauge";
    let place = Place::Key(format!("/services/{}", service.name));
    Diagnostic::error("counter-backwards", place, message).help(help)
}

/// A counter that is smaller than it was a moment ago.
pub(crate) fn backwards(
    service: &Service,
    before: &Exposition,
    after: &Exposition,
) -> Option<Diagnostic> {
    let counts = |name: &str| match before.type_of(name) {
        Some("counter") => true,
        Some("histogram") => name.ends_with("_count") || name.ends_with("_bucket"),
        Some("summary") => name.ends_with("_count"),
        // Nothing says what it is but its name.
        None | Some("untyped" | "unknown") => name.ends_with("_total"),
        Some(_) => false,
    };
    let old: HashMap<_, f64> = before
        .samples
        .iter()
        .filter(|sample| counts(&sample.name))
        .map(|sample| {
            (
                (sample.name.as_str(), sample.labels.as_slice()),
                sample.value,
            )
        })
        .collect();
    let fallen = after.samples.iter().find_map(|sample| {
        let old = *old.get(&(sample.name.as_str(), sample.labels.as_slice()))?;
        (sample.value < old).then_some((sample, old))
    });
    let (sample, old) = fallen?;
    let message = format!(
        "{}: the counter {} goes backwards, from {old} to {}",
        service.name,
        sample.series(),
        sample.value
    );
    let common = format!("the counter {} goes backwards", sample.name);
    Some(falls(service, message).common(common))
}
