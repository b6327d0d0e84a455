//! The names that a shell completes: those that can be explained.

use super::{beside, listed};
use crate::catalog::schema;
use crate::commands::upwards;
use crate::overlay::Overlay;
use crate::pipeline;
use clap_complete::engine::{ArgValueCandidates, CompletionCandidate};
use std::path::PathBuf;

/// What `explain --list` calls such: services, alerts, codes of findings.
pub(in crate::commands) fn names(sorts: &'static [&'static str]) -> ArgValueCandidates {
    ArgValueCandidates::new(move || candidates(sorts))
}

/// Of the catalog here, or the nearest around it; one that does not load has the names that can be understood.
fn candidates(sorts: &[&str]) -> Vec<CompletionCandidate> {
    let here = std::env::current_dir().unwrap_or_else(|_| PathBuf::from("."));
    let root = upwards(&here).and_then(|steps| here.ancestors().nth(steps));
    let root = root.unwrap_or(&here);
    let (kinds, profiles) = beside(&Overlay::of(root));
    let texts = pipeline::read(root);
    let catalog = texts
        .ok()
        .and_then(|texts| pipeline::understood(&texts, &Overlay::of(root)).1);
    let all = listed::all(catalog.as_ref(), &kinds, &profiles, &schema::with(&kinds));
    all.into_iter()
        .filter(|one| sorts.contains(&one.sort))
        .map(|one| {
            CompletionCandidate::new(one.name).help((!one.doc.is_empty()).then(|| one.doc.into()))
        })
        .collect()
}
