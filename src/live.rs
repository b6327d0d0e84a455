//! The running stack: HTTP clients, scraping, stand-in services.

pub mod exposition; // the text of a scrape
pub mod fault; // what can be wrong with a stand-in
pub mod simulation; // stand-ins for the services
