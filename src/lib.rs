//! monstack turns one service catalog, `services.toml`, into a complete, proven monitoring stack.
//!
//! The modules, in the order in which a catalog goes through them; each uses only those above it.
//! The blank lines keep that order: a formatter sorts what stands together.

#![warn(unreachable_pub)]

// A TOML file as text: key path → bytes → line and column.
pub mod source;

// Built-in templates under those of the root.
pub mod overlay;

// What is wrong, where, and how that is printed.
pub mod diagnostic;

// YAML text as JSON values.
pub mod yaml;

// JSON as people review it.
pub mod json;

// PromQL: parsed, walked, printed, matched, filled in, evaluated.
pub mod promql;

// Go's templates, as labels, annotations and notifications use them.
pub(crate) mod go_template;

// Kinds of alerts: their keys, and how they behave.
pub mod kinds;

// What something well known exposes by itself.
pub mod profiles;

// services.toml as typed data.
pub mod catalog;

// Rules and their unit tests, run as Prometheus and promtool run them.
pub mod evaluation;

// Every series that can exist.
pub(crate) mod contract;

// Findings that the catalog accepts, with a reason.
pub mod allow;

// What the catalog must not say.
pub mod lints;

// How a kind behaves, for one service.
pub(crate) mod cases;

// The table of everything generated.
pub mod artifacts;

// The user's own files, read: what is placed, and what is merged into generated ones.
pub(crate) mod extra;

// Minijinja set up once.
pub mod templates;

// Catalog × artifacts → Files.
pub mod render;

// The Files by role, read into what they mean.
pub mod stack;

// What must hold of the Stack.
pub mod proofs;

// Generated/ on disk: compare, then write.
pub mod generated;

// All of the above, in one call.
pub mod pipeline;

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
