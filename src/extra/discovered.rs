//! Lists of targets of the catalog's own services, as far as they lie beside it: what another program writes is not there yet.

use super::jobs::{OF_ALERTS, Ports, port};
use super::{OwnFile, Sort, targets};
use crate::catalog::{Catalog, Service};
use crate::diagnostic::Diagnostic;
use crate::overlay::Overlay;
use crate::yaml;
use std::collections::HashMap;
use std::sync::Arc;

/// What is wrong with the lists that `discovery` names.
pub(super) fn flaws(catalog: &Catalog, overlay: &Overlay) -> Vec<Diagnostic> {
    let mut found = Vec::new();
    for service in &catalog.services {
        let named = service.discovery.iter().flat_map(|found| &found.file);
        let mut paths: Vec<String> = named
            .filter(|pattern| !pattern.starts_with('/'))
            .flat_map(|pattern| overlay.matching(pattern))
            .collect();
        paths.sort();
        paths.dedup();
        let lists: Vec<OwnFile> = paths
            .into_iter()
            .filter_map(|path| Some(list(overlay.extra(&path).ok()?, path)))
            .collect();
        let unread: Vec<Diagnostic> = lists.iter().flat_map(targets::of).collect();
        // Where others listen is asked of all profiles, of which most catalogs need a few: not for nothing.
        if !unread.is_empty() {
            found.extend(unread);
        } else if !lists.is_empty() {
            found.extend(of_service(catalog, service, &lists));
        }
    }
    found
}

fn list(text: String, source: String) -> OwnFile {
    OwnFile {
        sort: Sort::Targets,
        value: Arc::new(yaml::of_file(&source, &text).unwrap_or_default()),
        source,
        text,
        filled: None,
        lines: Arc::default(),
    }
}

fn of_service(catalog: &Catalog, service: &Service, lists: &[OwnFile]) -> Vec<Diagnostic> {
    let own = &service.name;
    let profiles: Vec<&str> = service.profiles.iter().map(String::as_str).collect();
    let ports = Ports::of(catalog, &profiles);
    let mut known = HashMap::new();
    let mut found = Vec::new();
    for list in lists {
        for (index, group) in list.value.items().enumerate() {
            for label in OF_ALERTS.into_iter().chain(["job"]) {
                if group["labels"].get(label).is_some() {
                    let whose = match label {
                        "job" => "by which its series are another job's".to_string(),
                        _ => "which alerts have of their own".to_string(),
                    };
                    let message = format!("targets of `{own}` have the label `{label}`, {whose}");
                    let pointer = format!("/{index}/labels/{label}");
                    found.push(list.error(&pointer, message, "give it another name"));
                }
            }
            for (target, address) in group["targets"].texts().enumerate() {
                let pointer = format!("/{index}/targets/{target}");
                if let Some(other) = port(address).and_then(|port| ports.of_another(port)) {
                    let message = format!(
                        "`{address}` is the port of {other}, and `{own}` is {}",
                        ports.words()
                    );
                    let help =
                        "write the port of the exporter, or in `profiles` what listens there";
                    found.push(list.error(&pointer, message, help));
                }
                let labels = group["labels"].to_string();
                if let Some(first) = known.insert((address, labels), (list, pointer.clone())) {
                    let message = format!("`{address}` is listed twice in the targets of `{own}`");
                    let (list_before, pointer_before) = first;
                    found.push(
                        list.error(
                            &pointer,
                            message,
                            "write the one that is meant, or remove it",
                        )
                        .also(list_before.place(&pointer_before), "it is here first"),
                    );
                }
            }
        }
    }
    found
}
