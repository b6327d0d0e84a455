//! The names that a shell completes: those that can be explained.

use super::listed;
use crate::catalog::schema;
use crate::kinds::Kinds;
use crate::overlay::Overlay;
use crate::pipeline::{self, CATALOG};
use crate::profiles::Profiles;
use clap_complete::engine::{ArgValueCandidates, CompletionCandidate};
use std::path::PathBuf;

/// What `explain --list` calls such: services, alerts, codes of findings.
pub(in crate::commands) fn names(sorts: &'static [&'static str]) -> ArgValueCandidates {
    ArgValueCandidates::new(move || candidates(sorts))
}

/// Of the catalog here, or the nearest around it; one that does not load has the names that can be understood.
fn candidates(sorts: &[&str]) -> Vec<CompletionCandidate> {
    let here = std::env::current_dir().unwrap_or_else(|_| PathBuf::from("."));
    let root = here
        .ancestors()
        .find(|folder| folder.join(CATALOG).is_file());
    let root = root.unwrap_or(&here);
    let overlay = Overlay::of(root);
    let kinds = Kinds::of(&overlay).unwrap_or_else(|_| Kinds::built_in());
    let profiles = Profiles::of(&overlay).unwrap_or_else(|_| Profiles::built_in());
    let texts = pipeline::read(root);
    let catalog = texts
        .ok()
        .and_then(|texts| pipeline::understood(&texts, &overlay).1);
    let all = listed::all(catalog.as_ref(), &kinds, &profiles, &schema::with(&kinds));
    all.into_iter()
        .filter(|one| sorts.contains(&one.sort))
        .map(|one| {
            CompletionCandidate::new(one.name).help((!one.doc.is_empty()).then(|| one.doc.into()))
        })
        .collect()
}
