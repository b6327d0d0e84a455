//! Settings of one service, or of one receiver, that cannot all hold.

mod found;

use super::{Lint, set_at};
use crate::catalog::{Catalog, Service, origin};
use crate::diagnostic::{Diagnostic, Place};
use crate::source::{Source, step};
use crate::value::Value;

pub(crate) const LINT: Lint = Lint {
    code: "conflicting-settings",
    doc: "Two settings that exclude each other, or one without the other that it needs: whichever won, somebody would believe that the other one holds.",
    bad: "[services.cart]\ngroup = \"web\"\nport = 8002\ntls = { server_name = \"cart.example.org\" }\n",
    good: "[services.cart]\ngroup = \"web\"\nport = 8002\nscheme = \"https\"\ntls = { server_name = \"cart.example.org\" }\n",
    check: |catalog, source| {
        let services = catalog.services.iter();
        let mut found: Vec<Diagnostic> = services
            .flat_map(|service| conflicts(service, catalog, source))
            .collect();
        found.extend(catalog.services.iter().flat_map(|one| waits(one, catalog)));
        found.extend(catalog.services.iter().flat_map(mounts));
        let services = catalog.services.iter();
        found.extend(services.flat_map(|service| unstarted(service, source)));
        found.extend(catalog.services.iter().filter_map(repeated));
        let services = catalog.services.iter();
        found.extend(services.flat_map(|service| found::conflicts(service, catalog, source)));
        found.extend(published(catalog));
        for (name, integrations) in &catalog.receivers {
            for (integration, said) in integrations.entries() {
                found.extend(of_receiver(name, integration, said));
            }
        }
        found.extend(aws(catalog));
        found
    },
};

/// What only a container has, of a service of which nothing here starts one.
fn unstarted(service: &Service, source: &Source) -> Vec<Diagnostic> {
    if service.container {
        return Vec::new();
    }
    let said = [
        ("environment", !service.environment.is_empty()),
        ("command", !service.command.is_empty()),
        ("volumes", !service.volumes.is_empty()),
        ("capabilities", !service.capabilities.is_empty()),
        ("network_mode", service.network_mode.is_some()),
        ("pid", service.pid.is_some()),
        ("privileged", service.privileged),
        ("devices", !service.devices.is_empty()),
        ("user", service.user.is_some()),
        ("env_file", !service.env_file.is_empty()),
        ("depends_on", !service.depends_on.is_empty()),
        ("extra_ports", !service.extra_ports.is_empty()),
        ("container_labels", !service.container_labels.is_empty()),
    ];
    let said = said.into_iter().filter(|(_, said)| *said);
    said.map(|(key, _)| {
        let message = format!(
            "`{}` has `{key}`, and nothing here starts a container of it",
            service.name
        );
        Diagnostic::error(
            "conflicting-settings",
            set_at(source, service, key),
            message,
        )
        .help("give its `image`, so that the compose file starts it, or remove the setting")
    })
    .collect()
}

fn conflicts(service: &Service, catalog: &Catalog, source: &Source) -> Vec<Diagnostic> {
    let name = &service.name;
    let own_place = source.contains(&format!("/services/{name}/runs_on"));
    let auth = service.auth.clone().unwrap_or_default();
    let tls = service.tls.clone().unwrap_or_default();
    let own_targets = !service.targets.is_empty() && service.discovery.is_none();
    let replicated = service.replicas > 1;
    let rules = [
        (
            own_targets && own_place && service.through.is_none(),
            "runs_on",
            format!("`{name}` has `targets` and `runs_on`, and both say where it runs"),
            "remove one of them",
        ),
        (
            own_targets && source.contains(&format!("/services/{name}/metrics_port")),
            "metrics_port",
            format!(
                "`{name}` has `targets` and `metrics_port`, and its metrics are asked for at the ports of its targets"
            ),
            "write the port of the metrics into `targets`",
        ),
        (
            own_targets && replicated,
            "replicas",
            format!("`{name}` has `targets` and `replicas`"),
            "name its instances in `targets`, or let compose start `replicas` of it",
        ),
        (
            service.targets.is_empty()
                && replicated
                && !(service.container && service.runs_on == "compose"),
            "replicas",
            format!(
                "nothing here starts {} containers of `{name}` beside each other",
                service.replicas
            ),
            match service.container {
                true => {
                    "write `runs_on = \"compose\"`: on the host each of them would need the same port; instances elsewhere stand in `targets`"
                }
                false => {
                    "give it an `image`, or `build`, and `runs_on = \"compose\"`; instances that something else starts stand in `targets`, or are found by `discovery`"
                }
            },
        ),
        (
            service.runs_on == "compose"
                && service.through.is_none()
                && catalog.prometheus.runs_on == "host",
            "runs_on",
            format!(
                "`{name}` is a container in a network of its own, and Prometheus runs outside of it"
            ),
            "write `runs_on = \"host\"` for it, which publishes its port on this machine",
        ),
        (
            service.container && service.network_mode.is_some() && service.runs_on != "host",
            "network_mode",
            format!(
                "`{name}` is in the network of the machine, and is asked as a container of that name"
            ),
            "write `runs_on = \"host\"`: its port is the machine's",
        ),
        (
            service.network_mode.is_some() && !service.networks.is_empty(),
            "networks",
            format!("`{name}` is in the network of the machine, and in no other"),
            "remove `networks`, or `network_mode`",
        ),
        (
            service.network_mode.is_some() && !service.extra_ports.is_empty(),
            "extra_ports",
            format!("`{name}` publishes ports, and all its ports are the machine's already"),
            "remove `extra_ports`, or `network_mode`",
        ),
        (
            service.privileged && !service.capabilities.is_empty(),
            "capabilities",
            format!("`{name}` is privileged, and has all capabilities already"),
            "remove `privileged`, or the capabilities",
        ),
        (
            service.tls.is_some() && service.scheme != "https",
            "tls",
            format!("`{name}` has `tls`, and is asked over plain HTTP"),
            "write `scheme = \"https\"`, or remove `tls`",
        ),
        (
            tls.cert_file.is_some() != tls.key_file.is_some(),
            "tls",
            format!("`tls` of `{name}` has only one of `cert_file` and `key_file`"),
            "give both: a certificate is of no use without its key",
        ),
        (
            auth.bearer_file.is_some() && auth.username.is_some(),
            "auth",
            format!(
                "`auth` of `{name}` has a token and a user name, and one request carries one login"
            ),
            "remove one of them",
        ),
    ];
    let wrong = rules.into_iter().filter(|(wrong, ..)| *wrong);
    wrong
        .map(|(_, key, message, help)| {
            let mut diagnostic = Diagnostic::error(
                "conflicting-settings",
                set_at(source, service, key),
                message,
            );
            if key == "runs_on"
                && let Some(other) = origin(source, service, "targets")
            {
                diagnostic = diagnostic.also(Place::Value(other), "and here");
            }
            diagnostic.help(help)
        })
        .collect()
}

/// An address that is named twice, with other labels.
fn repeated(service: &Service) -> Option<Diagnostic> {
    let all = service.targets.iter().enumerate();
    let mut twice = all.filter(|(at, target)| service.targets[..*at].contains(target));
    let (at, target) = twice.next()?;
    let place = Place::Value(format!("/services/{}/targets/{at}", step(&service.name)));
    let message = format!("{target} is named twice, and is one target");
    Some(Diagnostic::error("conflicting-settings", place, message).help("remove one of them"))
}

/// Services that it waits for, and that nothing here starts.
fn waits(service: &Service, catalog: &Catalog) -> Vec<Diagnostic> {
    let name = &service.name;
    let unstarted = |wanted: &String| match catalog.service(wanted) {
        None => Some((
            format!("`{name}` waits for `{wanted}`, and there is no such service"),
            "name a service of the catalog",
        )),
        Some(_) if wanted == name => Some((
            format!("`{name}` waits for itself"),
            "name another service, or none",
        )),
        Some(other) if !other.container => Some((
            format!("`{name}` waits for `{wanted}`, and nothing here starts a container of it"),
            "name a service that the compose file starts, or none",
        )),
        Some(_) => None,
    };
    let all = service.depends_on.iter().enumerate();
    all.filter_map(|(at, wanted)| {
        let (message, help) = unstarted(wanted)?;
        let place = Place::Value(format!("/services/{}/depends_on/{at}", step(name)));
        Some(Diagnostic::error("conflicting-settings", place, message).help(help))
    })
    .collect()
}

/// Options of a volume that Docker refuses: of propagation there is one, of a path of the machine.
fn mounts(service: &Service) -> Vec<Diagnostic> {
    const PROPAGATION: [&str; 6] = [
        "private", "rprivate", "shared", "rshared", "slave", "rslave",
    ];
    let wrong = |volume: &String| {
        let mut parts = volume.splitn(3, ':');
        let (source, options) = (parts.next()?, parts.nth(1)?);
        let options: Vec<&str> = options.split(',').collect();
        let several = |known: &[&str]| {
            let written = options.iter().filter(|option| known.contains(option));
            written.count() > 1
        };
        let bound = source.starts_with(['.', '/']);
        if several(&["ro", "rw"]) || several(&PROPAGATION) {
            return Some(format!("`{volume}` says two things at once"));
        }
        if !bound && options.iter().any(|option| PROPAGATION.contains(option)) {
            return Some(format!(
                "`{volume}` is a named volume, and only a path of the machine has such an option"
            ));
        }
        (bound && options.contains(&"nocopy"))
            .then(|| format!("`{volume}` is a path of the machine, of which nothing is copied"))
    };
    let all = service.volumes.iter().enumerate();
    all.filter_map(|(at, volume)| {
        let place = Place::Value(format!("/services/{}/volumes/{at}", step(&service.name)));
        let help = "leave the option out; https://docs.docker.com/engine/storage/bind-mounts/";
        Some(Diagnostic::error("conflicting-settings", place, wrong(volume)?).help(help))
    })
    .collect()
}

/// Ports of the machine that are published a second time.
fn published(catalog: &Catalog) -> Vec<Diagnostic> {
    let mut taken: Vec<(u16, &str, String)> = Vec::new();
    let servers = [
        ("prometheus", catalog.prometheus.port),
        ("alertmanager", catalog.alertmanager.port),
        ("grafana", catalog.grafana.port),
    ];
    taken.extend(servers.map(|(server, port)| (port, "tcp", format!("[{server}]"))));
    for service in catalog.services.iter().filter(|one| one.container) {
        let ports = std::iter::once(service.port).chain(service.metrics_port);
        let here = ports.filter(|_| service.runs_on == "host");
        taken.extend(here.map(|port| (port, "tcp", format!("`{}`", service.name))));
    }
    let mut found = Vec::new();
    for service in catalog.services.iter().filter(|one| one.container) {
        for (at, port) in service.extra_ports.iter().enumerate() {
            let same = taken.iter().find(|(known, protocol, _)| {
                *known == port.published && *protocol == port.protocol
            });
            if let Some((_, _, other)) = same {
                let place = Place::Value(format!(
                    "/services/{}/extra_ports/{at}",
                    step(&service.name)
                ));
                let message = format!(
                    "port {} of the machine is that of {other} already",
                    port.published
                );
                found.push(
                    Diagnostic::error("conflicting-settings", place, message)
                        .help("publish it at another one, as in `\"8081:8080\"`"),
                );
            }
            taken.push((
                port.published,
                &port.protocol,
                format!("`{}`", service.name),
            ));
        }
    }
    found
}

/// Keys of an integration of which one notification can follow only one: integration, the keys, and why.
const EITHER: [(&str, &[&str], &str); 5] = [
    (
        "sns",
        &["topic_arn", "target_arn", "phone_number"],
        "a message is published to one of them",
    ),
    ("webhook", &["url", "url_file"], "both say where to post"),
    (
        "jira",
        &["username", "credentials_file"],
        "one request carries one login",
    ),
    (
        "webhook",
        &["username", "credentials_file"],
        "one request carries one login",
    ),
    (
        "slack",
        &["icon_emoji", "icon_url"],
        "a notification has one icon",
    ),
];

/// Keys that are of use only beside another one.
const TOGETHER: [(&str, &str, &str); 4] = [
    ("webhook", "username", "password_file"),
    ("webhook", "password_file", "username"),
    ("jira", "username", "password_file"),
    ("jira", "password_file", "username"),
];

fn of_receiver(name: &str, integration: &str, said: &Value) -> Vec<Diagnostic> {
    let place = |key: &str| Place::Value(format!("/receivers/{}/{integration}/{key}", step(name)));
    let has = |key: &str| said.get(key).is_some();
    let mut found = Vec::new();
    for (_, keys, why) in EITHER.iter().filter(|(kind, ..)| *kind == integration) {
        let mut written = keys.iter().filter(|key| has(key));
        if let (Some(first), Some(second)) = (written.next(), written.next()) {
            found.push(
                Diagnostic::error(
                    "conflicting-settings",
                    place(second),
                    format!("`{integration}` of `{name}` has `{first}` and `{second}`, and {why}"),
                )
                .also(place(first), "and here")
                .help("remove one of them; who is told by both is two receivers"),
            );
        }
    }
    for (_, key, other) in TOGETHER.iter().filter(|(kind, ..)| *kind == integration) {
        if has(key) && !has(other) {
            found.push(
                Diagnostic::error(
                    "conflicting-settings",
                    place(key),
                    format!("`{integration}` of `{name}` has `{key}` without `{other}`"),
                )
                .help(format!("add `{other}`: a login has both")),
            );
        }
    }
    // A proxy in between may log in for it.
    if integration == "jira"
        && !has("username")
        && !has("credentials_file")
        && !has("password_file")
    {
        found.push(
            Diagnostic::warning(
                "conflicting-settings",
                Place::Key(format!("/receivers/{}/{integration}", step(name))),
                format!("`jira` of `{name}` has no login, and Jira opens no issue for strangers"),
            )
            .help("add `username` and `password_file`, or `credentials_file`"),
        );
    }
    found
}

/// A file of AWS profiles that nothing reads, or whose reader is not started here.
fn aws(catalog: &Catalog) -> Option<Diagnostic> {
    catalog.alertmanager.aws_credentials_file.as_ref()?;
    let place = Place::Value("/alertmanager/aws_credentials_file".to_string());
    let say = |message: &str, help: &str| {
        Diagnostic::error("conflicting-settings", place, message).help(help)
    };
    let mut receivers = catalog.receivers.values();
    if receivers.all(|integrations| integrations.get("sns").is_none()) {
        return Some(say(
            "no receiver has `sns`, which alone reads AWS profiles",
            "remove it, or add `sns` to a receiver",
        ));
    }
    (catalog.alertmanager.runs_on == "host").then(|| {
        say(
            "the Alertmanager is not started by the compose file, and does not hear of this file",
            "remove it, and set AWS_SHARED_CREDENTIALS_FILE where the Alertmanager is started",
        )
    })
}
