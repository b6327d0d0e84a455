//! Addresses as configurations, variables and arguments write them.

use crate::json::plain;
use crate::stack::containers::parts;

/// Host and port of `host:port`; without a port that of the scheme.
pub(super) fn authority(address: &str, scheme: &str) -> Option<(String, u16)> {
    let (host, port, _) = parts(&format!("{scheme}://{}", plain(&address.into())))?;
    Some((host, port))
}

/// Scheme, host and port of a URL.
pub(super) fn endpoint(url: &str) -> Option<(&str, String, u16)> {
    let (host, port, _) = parts(url)?;
    Some((url.split("://").next()?, host, port))
}

/// Host and port of every address in a text, as variables and arguments have them (a URL, a list of brokers, what follows a flag),
/// and whether its scheme is that of a database or a broker at its usual port.
pub(super) fn addresses(text: &str) -> impl Iterator<Item = (String, u16, bool)> + '_ {
    let words = text.split([' ', ',', ';', '=', '"', '\'', '(', ')']);
    words.filter_map(|word| {
        let (scheme, rest) = word.split_once("://").unwrap_or(("", word));
        let authority = rest.split(['/', '?', '#']).next()?;
        let authority = authority
            .rsplit_once('@')
            .map_or(authority, |(_, address)| address);
        let usual = match scheme {
            "postgres" | "postgresql" => Some(5432),
            "mysql" | "mariadb" => Some(3306),
            "redis" | "rediss" => Some(6379),
            "mongodb" => Some(27017),
            "amqp" => Some(5672),
            "nats" => Some(4222),
            _ => None,
        };
        let (host, port) = match authority.rsplit_once(':') {
            Some((host, port)) => (host, port.parse().ok()?),
            None => (authority, usual?),
        };
        Some((host.to_string(), port, usual == Some(port)))
    })
}
