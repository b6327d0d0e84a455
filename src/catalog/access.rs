//! How a service is reached: where each of its instances is, and what it wants of whoever asks.

use crate::value::Value;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// One process of a service.
#[derive(Clone, Debug, Eq, PartialEq, Serialize)]
pub struct Instance {
    /// The label `instance`: host:port at which it is scraped, or what an exporter is asked for.
    pub address: String,
    /// host:port that is asked: its own, or the exporter's.
    pub asked: String,
    /// Where its metrics are there, with the query.
    pub path: String,
    /// host:port at which it is asked for its health.
    pub health: String,
    /// More labels of its series: the service's, and its own over them.
    pub labels: BTreeMap<String, String>,
}

/// `tls = { … }`; its files as the catalog names them.
#[derive(Clone, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
pub struct Tls {
    /// With the authorities that may have signed its certificate.
    pub ca_file: Option<String>,
    /// The name in its certificate.
    pub server_name: Option<String>,
    /// With the certificate that is shown to it.
    pub cert_file: Option<String>,
    /// With that certificate's key.
    pub key_file: Option<String>,
    /// Whether any certificate will do.
    #[serde(default)]
    pub insecure_skip_verify: bool,
}

/// `auth = { … }`: a token, or a name and a password; its files as the catalog names them.
#[derive(Clone, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
pub struct Auth {
    /// With a bearer token.
    pub bearer_file: Option<String>,
    pub username: Option<String>,
    /// With the password.
    pub password_file: Option<String>,
}

impl Instance {
    /// At which it listens: for scrapes, and for questions after its health.
    pub fn ports(&self) -> [u16; 2] {
        [&self.asked, &self.health].map(|address| parted(address).1)
    }

    /// Where it is, without a port.
    pub fn host(&self) -> &str {
        parted(&self.asked).0
    }
}

/// An IPv6 address, with or without brackets, in the one way that everybody writes it; None: it is something else.
pub fn ipv6(address: &str) -> Option<std::net::Ipv6Addr> {
    address
        .strip_prefix('[')
        .map_or(Some(address), |rest| rest.strip_suffix(']'))?
        .parse()
        .ok()
}

/// The host of an address, or of host:port, that is written in numbers and is no IPv4 address; None: it may be one, or a name.
pub(crate) fn no_ipv4(address: &str) -> Option<&str> {
    let (host, _) = address.rsplit_once(':').unwrap_or((address, ""));
    let number = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
    let numbers = host.contains('.') && host.split('.').all(number);
    (numbers && host.parse::<std::net::Ipv4Addr>().is_err()).then_some(host)
}

/// host and port of `host:port`, the host as URLs have it: IPv6 in brackets.
pub fn parted(address: &str) -> (&str, u16) {
    let (host, port) = address.rsplit_once(':').unwrap_or((address, ""));
    (host, port.parse().unwrap_or_default())
}

/// A host as URLs and `host:port` have it.
pub(super) fn in_url(address: &str) -> String {
    ipv6(address).map_or_else(|| address.to_string(), |address| format!("[{address}]"))
}

/// Where a server reads a file of this machine: as a secret of its container, or where it is, which `up` leads to from its
/// configuration, as Prometheus looks for what does not begin at the root.
pub(crate) fn seen(file: &str, contained: bool, up: &str) -> String {
    match contained {
        true => format!("/run/secrets/{}", named(file)),
        false if file.starts_with('/') => file.to_string(),
        false => format!("{up}{file}"),
    }
}

/// What a container calls a file of this machine: `secrets/web/token` → `web_token`, a file in /run/secrets.
pub(crate) fn named(file: &str) -> String {
    let below = file.trim_start_matches("./");
    let below = below.strip_prefix("secrets/").unwrap_or(below);
    below
        .trim_start_matches('/')
        .replace(|c: char| !c.is_ascii_alphanumeric() && c != '-', "_")
}

/// Every `*_file`, wherever it stands in a part of Prometheus' configuration, as somebody else sees it.
pub(crate) fn with_files(value: &mut Value, seen: &mut impl FnMut(&str) -> String) {
    match value {
        Value::Object(map) => {
            for (key, value) in map.iter_mut() {
                match value.as_str().filter(|_| key.ends_with("_file")) {
                    Some(file) => *value = seen(file).into(),
                    None => with_files(value, seen),
                }
            }
        }
        Value::Array(list) => list.iter_mut().for_each(|value| with_files(value, seen)),
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_written_in_one_way() {
        for written in ["fd00::1", "[fd00::1]", "FD00:0:0::1", "[fd00:0000::0001]"] {
            assert_eq!(in_url(written), "[fd00::1]", "{written}");
        }
        for other in ["10.0.0.5", "db.example.org", "fe80::1%eth0"] {
            assert_eq!(in_url(other), other);
        }
    }

    #[test]
    fn an_address_is_parted_at_its_last_colon() {
        assert_eq!(parted("[fd00::1]:80"), ("[fd00::1]", 80));
        assert_eq!(parted("db.example.org:9187"), ("db.example.org", 9187));
    }

    #[test]
    fn a_secret_is_named_after_its_file() {
        for (file, name) in [
            ("secrets/token", "token"),
            ("./secrets/web/token", "web_token"),
            ("/etc/ssl/ca.pem", "etc_ssl_ca_pem"),
        ] {
            assert_eq!(named(file), name);
        }
    }
}
