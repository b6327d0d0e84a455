//! The running stack: HTTP clients, scraping, and what runs compared with what was rendered.
#![allow(
    clippy::result_large_err,
    reason = "a finding that ends a check is made once, after a request over the network"
)]

pub(crate) mod checks; // servers and services against catalog and render
pub(crate) mod endpoint; // a server with an API, and its secret
pub(crate) mod exposed; // a scrape against the metric contract
pub(crate) mod exposition; // the text of a scrape
pub(crate) mod http; // one request, bounded
pub(crate) mod loaded; // what a server loaded against what was rendered
pub(crate) mod panels; // the queries of the dashboards
pub mod probe; // one service, asked as Prometheus asks it
pub(crate) mod prometheus; // the running Prometheus
pub(crate) mod rules; // the rules that a server evaluates
pub(crate) mod scraped; // what a job exposes, as Prometheus has it
pub(crate) mod secret; // files with tokens, addresses without passwords
pub(crate) mod walk; // from the catalog to the receiver, link by link
pub(crate) mod workers; // the same work on many things
