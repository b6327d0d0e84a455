//! monstack turns one service catalog, `services.toml`, into a complete, proven monitoring stack.
//!
//! The modules, in the order in which a catalog goes through them; each uses only those above it.

pub mod source; // a TOML file as text: key path → bytes → line and column
pub mod overlay; // built-in templates under those of the root
pub mod diagnostic; // what is wrong, where, and how that is printed
pub mod yaml; // YAML text as JSON values
pub mod json; // JSON as people review it
pub mod pieces; // where Grafana's variables stand in a text
pub mod promql; // PromQL as text → its syntax, within limits
pub mod kinds; // kinds of alerts: their keys, and how they behave
pub mod catalog; // services.toml as typed data
pub mod contract; // every series that can exist
pub mod allow; // findings that the catalog accepts, with a reason
pub mod lints; // what the catalog must not say
pub mod cases; // how a kind behaves, for one service
pub mod artifacts; // the table of everything generated
pub mod templates; // minijinja set up once
pub mod render; // catalog × artifacts → Files
pub mod proofs; // what must hold of the Files
pub mod generated; // generated/ on disk: compare, then write
pub mod pipeline; // all of the above, in one call
pub mod diff; // what changes in behaviour between two catalogs
pub mod simulation; // stand-ins for services, and what can be wrong with them
pub mod live; // the running servers and services, asked and compared
pub mod drill; // every alert seen to fire, under its own servers
pub mod preview; // the dashboards as one HTML page
pub mod commands; // the command line
