//! Files of this machine with which somebody is let in: tokens, passwords, certificates.

use super::Service;
use super::access::{Auth, Tls};
pub(crate) use super::access::{named, seen, with_files};
use super::tables::RemoteWrite;
use serde::Serialize;
use std::collections::BTreeMap;

/// Keys of Prometheus' clients whose value is a secret.
pub(crate) const LITERAL: [&str; 6] = [
    "password",
    "bearer_token",
    "credentials",
    "token",
    "client_secret",
    "secret_key",
];

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
pub(super) fn all(services: &[Service], stores: &[RemoteWrite]) -> Vec<Secret> {
    let mut found: BTreeMap<String, Secret> = BTreeMap::new();
    let discovering: Vec<_> = services
        .iter()
        .filter_map(|service| service.discovery.as_ref())
        .collect();
    let services = services
        .iter()
        .map(|service| (&service.tls, &service.auth, service.health_probe));
    let stores = stores.iter().map(|store| (&store.tls, &store.auth, false));
    let found_with = discovering.iter().flat_map(|said| said.secrets());
    let found_with: Vec<String> = found_with.collect();
    let asked = services.chain(stores);
    let asked =
        asked.flat_map(|(tls, auth, probed)| files(tls, auth).map(move |one| (one, probed)));
    for (file, probed) in asked.chain(found_with.iter().map(|file| (file, false))) {
        let name = named(file);
        let known = found.entry(name.clone()).or_insert_with(|| Secret {
            name,
            file: file.clone(),
            probed: false,
        });
        known.probed |= probed;
    }
    found.into_values().collect()
}
