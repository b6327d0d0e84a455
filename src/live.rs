//! The running stack: HTTP clients, scraping, and what runs compared with what was rendered.
#![allow(
    clippy::result_large_err,
    reason = "a finding that ends a check is made once, after a request over the network"
)]

pub mod checks; // servers and services against catalog and render
pub mod endpoint; // a server with an API, and its secret
pub mod exposed; // a scrape against the metric contract
pub mod exposition; // the text of a scrape
pub mod http; // one request, bounded
pub mod loaded; // what a server loaded against what was rendered
pub mod panels; // the queries of the dashboards
pub mod probe; // one service, asked as Prometheus asks it
pub mod prometheus; // the running Prometheus
pub mod rules; // the rules that a server evaluates
pub mod secret; // files with tokens, addresses without passwords
pub mod walk; // from the catalog to the receiver, link by link
pub mod workers; // the same work on many things
