//! The running stack: HTTP clients, scraping, stand-in services, the fire drill.
#![allow(clippy::result_large_err, reason = "a finding that ends a check is made once, after a request over the network")]

pub mod checks; // servers and services against catalog and render
pub mod drill; // every alert, seen to fire
pub mod endpoint; // a server with an API, and its secret
pub mod exposed; // a scrape against the metric contract
pub mod exposition; // the text of a scrape
pub mod fault; // what can be wrong with a stand-in
pub mod http; // one request, bounded
pub mod loaded; // what a server loaded against what was rendered
pub mod panels; // the queries of the dashboards
pub mod probe; // one service, asked as Prometheus asks it
pub mod prometheus; // the running Prometheus
pub mod receiver; // of the Alertmanager's notifications
pub mod rules; // the rules that a server evaluates
pub mod secret; // files with tokens, addresses without passwords
pub mod simulation; // stand-ins for the services
pub mod walk; // from the catalog to the receiver, link by link
pub mod workers; // the same work on many things
