//! Rules and their unit tests, run as Prometheus and promtool run them. Held equal to
//! promtool by `tests/evaluation.rs`.

pub mod classes;
pub mod rules;
pub mod steady;
pub mod unit_tests;
