//! Rules and their unit tests, run as Prometheus and promtool run them. Held equal to
//! promtool by `tests/evaluation.rs`.

pub(crate) mod classes;
pub(crate) mod rules;
pub(crate) mod steady;
pub mod unit_tests;
