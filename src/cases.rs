//! A kind's cases for one service: the series that are given, and what must be seen of the alert, at which step.
//!
//! What is written in `kind.toml` are expressions; here they get the numbers of an alert, a branch and a service. Unit tests for
//! promtool, stand-ins and the drill read the same.

pub(crate) mod budgets;
mod chosen;
mod expressions;
mod moving;
mod native;
pub mod neighbourhood;
mod open_labels;
pub mod phases;
mod quantiles;
pub(crate) mod samples;
mod scene;
mod silenced;
mod suites;
mod trials;

use minijinja::{Error, ErrorKind};
pub use moving::{Like, Moving};
pub use open_labels::OpenLabel;
pub use scene::{Clock, Scene, Sources};
pub(crate) use suites::Suites;
pub(crate) use trials::Trial;

fn refuse(message: impl Into<String>) -> Error {
    Error::new(ErrorKind::InvalidOperation, message.into())
}
