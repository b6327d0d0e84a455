//! Servers that are called by another one's address.

use super::Lint;
use crate::catalog::{Catalog, Service};
use crate::diagnostic::{Diagnostic, Place};
use crate::source::Source;

pub(crate) const LINT: Lint = Lint {
    code: "exchanged-server",
    doc: "An address that is another server's answers, with something else: alerts that are sent to Prometheus itself are told to nobody, a link opens the wrong page, and a store that is this Prometheus keeps nothing. A service that is asked where all other environments ask it, while its neighbours have addresses of their own, is watched twice, and the one of this environment not at all.",
    bad: "[grafana]\nexternal_url = \"http://localhost:9093\"\n",
    good: "[grafana]\nexternal_url = \"https://grafana.example.org\"\n",
    check: |catalog, source| {
        let mut found = same_pages(catalog);
        found.extend(of_the_others(catalog, source));
        found.extend(asked_as_elsewhere(catalog, source));
        let own = [
            catalog.prometheus.address.as_str(),
            origin(&catalog.prometheus.external_url),
        ];
        for (index, address) in catalog.prometheus.alertmanagers.iter().enumerate() {
            if own.contains(&address.as_str()) {
                let place = Place::Value(format!("/prometheus/alertmanagers/{index}"));
                let message = format!("alerts are sent to `{address}`, which is this Prometheus");
                found.push(
                    Diagnostic::error("exchanged-server", place, message)
                        .help("write the address of an Alertmanager, usually at port 9093"),
                );
            }
        }
        for (index, store) in catalog.prometheus.remote_write.iter().enumerate() {
            if own.contains(&origin(&store.url)) {
                let place = Place::Value(format!("/prometheus/remote_write/{index}/url"));
                let message = format!(
                    "samples are written to `{}`, which is this Prometheus",
                    store.url
                );
                found.push(
                    Diagnostic::error("exchanged-server", place, message)
                        .help("write the address of the other store, or remove it"),
                );
            }
        }
        found
    },
};

/// Servers that people would open at one address.
fn same_pages(catalog: &Catalog) -> Vec<Diagnostic> {
    let servers = [
        ("prometheus", "Prometheus", &catalog.prometheus.external_url),
        (
            "alertmanager",
            "the Alertmanager",
            &catalog.alertmanager.external_url,
        ),
        ("grafana", "Grafana", &catalog.grafana.external_url),
    ];
    let mut found = Vec::new();
    for (index, (table, title, url)) in servers.iter().enumerate() {
        let same = |other: &&(&str, &str, &String)| {
            other.2.trim_end_matches('/') == url.trim_end_matches('/')
        };
        if let Some((other, named, _)) = servers[..index].iter().find(same) {
            let message = format!("{title} and {named} are opened at one address: {url}");
            let place = Place::Value(format!("/{table}/external_url"));
            found.push(
                Diagnostic::error("exchanged-server", place, message)
                    .also(Place::Value(format!("/{other}/external_url")), "the other")
                    .help("write the address of each; behind a proxy they differ in their paths"),
            );
        }
    }
    found
}

/// A server of an environment that is opened at that of all others, beside one with an address of its own.
fn of_the_others(catalog: &Catalog, source: &Source) -> Option<Diagnostic> {
    let environment = source.environment.as_deref()?;
    let at = |server: &str| format!("/{server}/external_url");
    // One Grafana, and an Alertmanager that is named, may be everybody's.
    let shared = source.contains("/prometheus/alertmanagers");
    let servers = [
        ("prometheus", &catalog.prometheus.external_url),
        ("alertmanager", &catalog.alertmanager.external_url),
    ];
    let (own, others): (Vec<_>, Vec<_>) = servers
        .into_iter()
        .filter(|(server, _)| source.contains(&at(server)))
        .partition(|(server, _)| source.differs(&at(server)));
    let ([(own, _)], [(forgotten, url)]) = (own.as_slice(), others.as_slice()) else {
        return None;
    };
    let message = format!(
        "alerts of `{environment}` lead to {url}, the `[{forgotten}]` of the other environments"
    );
    let error = Diagnostic::error("exchanged-server", Place::Value(at(forgotten)), message)
        .also(Place::Value(at(own)), "this one has an address of its own")
        .help(format!(
            "write `external_url` under `[{forgotten}]` in services.{environment}.toml; an Alertmanager that they share is named by `alertmanagers` of [prometheus]"
        ));
    (!shared).then_some(error)
}

/// Where a service is said to be.
const WHEREABOUTS: [&str; 4] = ["targets", "runs_on", "discovery", "through"];

/// Services of an environment that are where the catalog itself says, beside more of them that the environment has elsewhere.
fn asked_as_elsewhere(catalog: &Catalog, source: &Source) -> Vec<Diagnostic> {
    let Some(environment) = source.environment.as_deref() else {
        return Vec::new();
    };
    let said = |service: &Service| {
        let keys = WHEREABOUTS.map(|key| format!("/services/{}/{key}", service.name));
        let mut written: Vec<String> = keys.into_iter().collect();
        written.retain(|key| source.contains(key));
        written
    };
    // Whatever is started here is this environment's.
    let elsewhere = catalog.services.iter().filter(|service| !service.container);
    let (moved, kept): (Vec<_>, Vec<_>) = elsewhere
        .map(|service| (service, said(service)))
        .filter(|(_, keys)| !keys.is_empty())
        .partition(|(_, keys)| keys.iter().any(|key| source.differs(key)));
    let Some((other, _)) = moved.first().filter(|_| kept.len() < moved.len()) else {
        return Vec::new();
    };
    let wrong = |(service, keys): &(&Service, Vec<String>)| {
        let name = &service.name;
        let message =
            format!("`{environment}` asks `{name}` where the other environments ask it too");
        Diagnostic::warning("exchanged-server", Place::Value(keys[0].clone()), message)
            .also(
                Place::Key(format!("/services/{}", other.name)),
                "this one is elsewhere there",
            )
            .help(format!(
                "write where it is under [services.{name}] in services.{environment}.toml, also if that is the same"
            ))
    };
    kept.iter().map(wrong).collect()
}

/// host:port of a URL, or all of what has no scheme.
fn origin(url: &str) -> &str {
    let rest = url.split_once("://").map_or(url, |(_, rest)| rest);
    rest.split('/').next().unwrap_or_default()
}
