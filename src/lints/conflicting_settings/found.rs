//! Where instances are, said twice, or by what cannot say it: `discovery`, `through`, `targets`.

use crate::catalog::discovery::Discovery;
use crate::catalog::secrets::LITERAL;
use crate::catalog::{Catalog, Service};
use crate::diagnostic::{Diagnostic, Place, suggestion_or};
use crate::source::{Source, step};
use crate::value::Value;

/// What `discovery` and `through` do not go together with.
pub(super) fn conflicts(service: &Service, catalog: &Catalog, source: &Source) -> Vec<Diagnostic> {
    let mut found = Vec::new();
    let table = format!("/services/{}", step(&service.name));
    let said = |key: &str| source.contains(&format!("{table}/{key}"));
    let at = |key: &str| Place::Value(format!("{table}/{key}"));
    let mut say = |place: Place, message: String, help: &str| {
        found.push(Diagnostic::error("conflicting-settings", place, message).help(help));
    };
    let name = &service.name;
    for (key, has, why) in [
        (
            "discovery",
            service.discovery.is_some(),
            "its instances are found where they are",
        ),
        (
            "through",
            service.through.is_some(),
            "the exporter is asked, and nothing else",
        ),
    ] {
        let others = ["runs_on", "replicas", "image", "app", "networks"];
        let targets = (key == "discovery").then_some("targets");
        for other in others.into_iter().chain(targets).filter(|_| has) {
            if said(other) {
                let message = format!("`{name}` has `{key}` and `{other}`, and {why}");
                say(at(other), message, "remove one of them");
            }
        }
        if has && source.value.pointer(&format!("{table}/health_probe")) == Some(&Value::Bool(true))
        {
            let message = format!("the health of `{name}` cannot be probed: {why}");
            let help = "remove `health_probe`; `down` fires as soon as one of them is not scraped";
            say(at("health_probe"), message, help);
        }
    }
    if let Some(discovery) = &service.discovery {
        let ports = said("port") || service.metrics_port.is_some();
        of_discovery(service, discovery, ports, catalog, &mut say);
    }
    if let Some(exporter) = &service.through {
        of_exporter(service, exporter, catalog, &mut say);
        if service.path == "/metrics" {
            let place = super::set_at(source, service, "metrics_path");
            let message = format!(
                "`{name}` asks `{exporter}` at /metrics, where most exporters speak of themselves whatever they are asked for"
            );
            found.push(Diagnostic::warning("conflicting-settings", place, message).help(
                "write where it measures others, as in `metrics_path = \"/snmp\"` or \"/probe\"; accept it if that is /metrics",
            ));
        }
    }
    found
}

fn of_discovery(
    service: &Service,
    discovery: &Discovery,
    ports: bool,
    catalog: &Catalog,
    say: &mut impl FnMut(Place, String, &str),
) {
    let name = &service.name;
    let table = format!("/services/{}/discovery", step(name));
    let contained = catalog.prometheus.runs_on == "compose";
    let sections = discovery.sections(contained, "", None);
    let dns = &sections["dns_sd_configs"][0];
    if !dns.is_null() && dns["type"] != "SRV" && !ports && service.through.is_none() {
        say(
            Place::Value(format!("{table}/dns")),
            format!("DNS knows addresses of `{name}`, and no port"),
            "write `port`; an SRV record, as in `_web._tcp.example.org`, has ports of its own",
        );
    }
    for label in discovery.labels.keys() {
        if Service::OF_ALL.contains(&label.as_str()) || service.labels.contains_key(label) {
            say(
                Place::Value(format!("{table}/labels/{label}")),
                format!("`{label}` of `{name}` is said already, and is not what is found"),
                "give it another name",
            );
        }
    }
    for (section, said) in &discovery.others {
        let own = format!("{table}/{section}");
        if let Some(secret) = literal(said, &own) {
            say(
                Place::Value(secret),
                format!("a secret of `{name}` stands in the catalog"),
                "read it from a file: `password_file`, `credentials_file`, `client_secret_file`",
            );
        }
        let socket = said["host"]
            .as_str()
            .is_some_and(|host| host.starts_with("unix:"));
        if contained && socket {
            say(
                Place::Value(format!("{own}/host")),
                "the container of Prometheus does not see this socket".to_string(),
                "name an address, tcp://HOST:PORT, or run Prometheus on the machine: `runs_on = \"host\"` in [prometheus]",
            );
        }
        let inside = ["api_server", "kubeconfig_file"];
        if section == "kubernetes" && contained && inside.iter().all(|key| said.get(key).is_none())
        {
            say(
                Place::Value(own),
                "Prometheus is a container of compose, and does not know which cluster is meant"
                    .to_string(),
                "write `api_server` or `kubeconfig_file`; in the cluster itself `runs_on = \"host\"` in [prometheus]",
            );
        }
    }
}

fn of_exporter(
    service: &Service,
    exporter: &str,
    catalog: &Catalog,
    say: &mut impl FnMut(Place, String, &str),
) {
    let name = &service.name;
    let table = format!("/services/{}", step(name));
    let place = Place::Value(format!("{table}/through"));
    match catalog.service(exporter) {
        Some(_) if exporter == name => say(
            place,
            format!("`{name}` is asked through itself"),
            "name the service that is the exporter, and give this one a name of its own",
        ),
        Some(other) if other.through.is_some() || other.discovery.is_some() => say(
            place,
            format!("`{exporter}` has no address of its own through which `{name}` could be asked"),
            "name the exporter itself: a service with a port, or host:port",
        ),
        None if !exporter.contains(':') => say(
            place,
            format!("`{name}` is asked through `{exporter}`, and there is no such service"),
            &suggestion_or(
                exporter,
                catalog.services.iter().map(|service| service.name.as_str()),
                "write the exporter's host:port",
            ),
        ),
        _ => {}
    }
    if service.targets.is_empty() {
        say(
            Place::Key(table),
            format!("`{name}` does not say what `{exporter}` is asked for"),
            "write `targets`, as in `targets = [\"10.0.0.1\"]`, or `discovery`",
        );
    }
}

/// The place of a secret that is no file.
fn literal(value: &Value, pointer: &str) -> Option<String> {
    let entries = value.entries().map(|(key, value)| (key.to_string(), value));
    let items = value.items().enumerate();
    let items = items.map(|(at, value)| (at.to_string(), value));
    let mut all = entries.chain(items);
    all.find_map(|(key, value)| {
        let own = format!("{pointer}/{}", step(&key));
        match value.is_string() && (key == "key" || LITERAL.contains(&key.as_str())) {
            true => Some(own),
            false => literal(value, &own),
        }
    })
}
