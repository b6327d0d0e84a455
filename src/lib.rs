//! monstack turns one service catalog, `services.toml`, into a complete, proven monitoring stack.
//!
//! What is rendered and proved stands in `core.rs`, a crate of its own: the verbs are compiled beside it, and a change of one leaves the
//! other as it is. The modules here use it and those above them.
//! The blank lines keep that order: a formatter sorts what stands together.

#![warn(unreachable_pub)]

pub use monstack_core::{
    allow, artifacts, cases, catalog, contract, diagnostic, evaluation, extra, generated,
    go_template, json, kinds, lints, overlay, pipeline, profiles, promql, proofs, render, source,
    stack, templates, value, yaml,
};

// What changes in behaviour between two catalogs.
pub mod diff;

// Stand-ins for services, and what can be wrong with them.
pub(crate) mod simulation;

// The running servers and services, asked and compared.
pub mod live;

// The text of a catalog with something else in it.
pub(crate) mod editing;

// Which key, or which line of a template, says what was changed in a generated file by hand.
pub(crate) mod hand_edits;

// What an exposition says, as metrics of a catalog.
pub(crate) mod declaring;

// Every alert seen to fire, under its own servers.
pub(crate) mod drill;

// The dashboards as one HTML page.
pub mod preview;

// The command line.
pub mod commands;
