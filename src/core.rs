//! The half of monstack that says what is true: a catalog is read, rendered and proved.
//!
//! The modules, in the order in which a catalog goes through them; each uses only those above it.
//! The blank lines keep that order: a formatter sorts what stands together.

#![warn(unreachable_pub)]

// What a TOML, YAML or JSON text says.
pub mod value;

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
pub mod go_template;

// Kinds of alerts: their keys, and how they behave.
pub mod kinds;

// What something well known exposes by itself.
pub mod profiles;

// services.toml as typed data.
pub mod catalog;

// Rules and their unit tests, run as Prometheus and promtool run them.
pub mod evaluation;

// Every series that can exist.
pub mod contract;

// Findings that the catalog accepts, with a reason.
pub mod allow;

// What the catalog must not say.
pub mod lints;

// How a kind behaves, for one service.
pub mod cases;

// The table of everything generated.
pub mod artifacts;

// The user's own files, read: what is placed, and what is merged into generated ones.
pub mod extra;

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
