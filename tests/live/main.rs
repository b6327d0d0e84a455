//! The running stack: real Prometheus and Alertmanager, stand-ins, and endpoints that misbehave.

mod access;
mod causes;
mod delivery;
mod drill;
mod endpoints;
mod grafana;
mod hostile;
mod login;
mod others;
#[path = "../ports/mod.rs"]
mod ports;
mod secrets;
mod simulation;
mod stack;
mod verification;

/// Someone to notify, so that routes lead somewhere.
const RECEIVERS: &str = r#"
[alertmanager.routes]
critical = "pager"
warning = "team"

[receivers.pager.webhook]
url = "http://pager.example.org/hook"

[receivers.team.webhook]
url = "http://team.example.org/hook"
"#;
