//! How Prometheus connects to a service or a store: scheme and certificate, login, proxy.

use crate::catalog::access::{Auth, Tls};
use crate::catalog::{Service, secrets};
use crate::value::{Map, Value, json};

/// Whether the server is a container, and what leads from its configuration to the folder of the catalog.
pub(in crate::proofs) type Reads<'u> = (bool, &'u str);

/// The keys of a job that let a scrape in, as the catalog has them.
pub(in crate::proofs) fn connection_of_service(service: &Service, reads: Reads) -> Value {
    let mut wanted = encryption_and_login(service.tls.as_ref(), service.auth.as_ref(), reads);
    if let Some(proxy) = &service.proxy_url {
        wanted.insert("proxy_url".into(), proxy.clone().into());
    }
    if service.honor_labels {
        wanted.insert("honor_labels".into(), true.into());
    }
    if let Some(limit) = service.sample_limit {
        wanted.insert("sample_limit".into(), limit.into());
    }
    Value::Object(wanted)
}

/// The keys that encrypt, and log in, as the catalog has them.
pub(super) fn encryption_and_login(
    tls: Option<&Tls>,
    auth: Option<&Auth>,
    (contained, up): Reads,
) -> Map {
    let mut wanted = Map::new();
    let seen = |file: &String| secrets::seen(file, contained, up);
    if let Some(tls) = tls {
        let said = [
            ("ca_file", tls.ca_file.as_ref().map(seen)),
            ("server_name", tls.server_name.clone()),
            ("cert_file", tls.cert_file.as_ref().map(seen)),
            ("key_file", tls.key_file.as_ref().map(seen)),
        ];
        let said = said.into_iter();
        let mut table: Map = said
            .filter_map(|(key, value)| Some((key.to_string(), value?.into())))
            .collect();
        if tls.insecure_skip_verify {
            table.insert("insecure_skip_verify".into(), true.into());
        }
        wanted.insert("tls_config".into(), table.into());
    }
    if let Some(auth) = auth {
        match (&auth.bearer_file, &auth.username, &auth.password_file) {
            (Some(file), ..) => {
                wanted.insert(
                    "authorization".into(),
                    json!({ "credentials_file": seen(file) }),
                );
            }
            (None, Some(user), Some(file)) => {
                let table = json!({ "username": user, "password_file": seen(file) });
                wanted.insert("basic_auth".into(), table);
            }
            _ => {}
        }
    }
    wanted
}

/// Whether a setting of a job is what the catalog says, or that and more which asks for no less.
pub(in crate::proofs) fn connects_as_said(written: &Value, said: &Value) -> bool {
    let (Some(there), Some(wanted)) = (written.as_object(), said.as_object()) else {
        return written == said;
    };
    // Without a look at the certificate, whoever answers is believed.
    let trusts = there.get("insecure_skip_verify") == Some(&Value::Bool(true));
    let all = wanted
        .iter()
        .all(|(key, value)| there.get(key) == Some(value));
    // The type that an authorization has anyway.
    let bearer = there.get("type").is_none_or(|kind| kind == "Bearer");
    // Another name than that of the address is on no certificate, and Prometheus speaks nothing older than TLS 1.2.
    let named = there
        .get("server_name")
        .is_none_or(|_| wanted.contains_key("server_name"));
    let spoken = there
        .get("max_version")
        .is_none_or(|version| version == "TLS12" || version == "TLS13");
    all && bearer && named && spoken && (!trusts || wanted.contains_key("insecure_skip_verify"))
}
