//! How a service is reached: where each of its instances is, and what it wants of whoever asks.

use super::tables::RemoteWrite;
use super::{Service, ipv6};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// One process of a service.
#[derive(Clone, Debug, Eq, PartialEq, Serialize)]
pub struct Instance {
    /// host:port at which it is scraped; the label `instance`.
    pub address: String,
    /// host:port at which it is asked for its health.
    pub health: String,
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
    pub(crate) fn ports(&self) -> [u16; 2] {
        [&self.address, &self.health].map(|address| parted(address).1)
    }
}

/// The files of this machine that a connection needs.
fn files<'a>(
    tls: &'a Option<Tls>,
    auth: &'a Option<Auth>,
) -> impl Iterator<Item = &'a String> + use<'a> {
    let tls = tls.iter();
    let tls = tls.flat_map(|tls| [&tls.ca_file, &tls.cert_file, &tls.key_file]);
    let auth = auth.iter();
    let auth = auth.flat_map(|auth| [&auth.bearer_file, &auth.password_file]);
    tls.chain(auth).flatten()
}

impl Service {
    /// Files of this machine that whoever asks it needs, with the table that names each: `tls` or `auth`.
    pub(crate) fn files(&self) -> impl Iterator<Item = (&'static str, &String)> {
        let tls = files(&self.tls, &None).map(|file| ("tls", file));
        tls.chain(files(&None, &self.auth).map(|file| ("auth", file)))
    }
}

/// A file that the containers of Prometheus and of the blackbox exporter need.
#[derive(Clone, Debug, Serialize)]
pub struct Secret {
    /// Of the file in the container's /run/secrets.
    pub name: String,
    /// The file here, as the catalog names it.
    pub file: String,
    /// Whether it takes it to probe one's health too.
    pub probed: bool,
}

/// All of them, each once, by name.
pub(super) fn secrets(services: &[Service], stores: &[RemoteWrite]) -> Vec<Secret> {
    let mut found: BTreeMap<String, Secret> = BTreeMap::new();
    let services = services
        .iter()
        .map(|service| (&service.tls, &service.auth, service.health_probe));
    let stores = stores.iter().map(|store| (&store.tls, &store.auth, false));
    for (tls, auth, probed) in services.chain(stores) {
        for file in files(tls, auth) {
            let name = secret(file);
            let known = found.entry(name.clone()).or_insert_with(|| Secret {
                name,
                file: file.clone(),
                probed: false,
            });
            known.probed |= probed;
        }
    }
    found.into_values().collect()
}

/// What a container calls a file of this machine: `secrets/web/token` → `web_token`, a file in /run/secrets.
pub(crate) fn secret(file: &str) -> String {
    let below = file.trim_start_matches("./");
    let below = below.strip_prefix("secrets/").unwrap_or(below);
    below
        .trim_start_matches('/')
        .replace(|c: char| !c.is_ascii_alphanumeric() && c != '-', "_")
}

/// host and port of `host:port`, the host as URLs have it: IPv6 in brackets.
pub(crate) fn parted(address: &str) -> (&str, u16) {
    let (host, port) = address.rsplit_once(':').unwrap_or((address, ""));
    (host, port.parse().unwrap_or_default())
}

/// A host as URLs and `host:port` have it.
pub(super) fn in_url(address: &str) -> String {
    ipv6(address).map_or_else(|| address.to_string(), |address| format!("[{address}]"))
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
            assert_eq!(secret(file), name);
        }
    }
}
