//! An exporter's image is known: where it answers, and what it exposes.

use super::{Lint, set_at};
use crate::catalog::{Catalog, Service};
use crate::diagnostic::{Diagnostic, Place, Severity, nearest};
use crate::profiles::Exporter;
use crate::source::step;

pub(crate) const LINT: Lint = Lint {
    code: "mistaken-exporter",
    doc: "An exporter that listens at another port than it is asked at is down permanently; with another exporter's profile, or told to name its metrics otherwise, it answers, and every alert and panel on the profile's metrics is silent. One that is not told which server to ask, or asks itself, answers too.",
    bad: "[services.redis]\ngroup = \"web\"\nport = 6379\nruntime = \"go\"\nimage = \"oliver006/redis_exporter:v1.77.0\"\nprofiles = [\"redis\"]\nenvironment = { REDIS_ADDR = \"redis://cache:6379\" }\n",
    good: "[services.redis]\ngroup = \"web\"\nport = 9121\nruntime = \"go\"\nimage = \"oliver006/redis_exporter:v1.77.0\"\nprofiles = [\"redis\"]\nenvironment = { REDIS_ADDR = \"redis://cache:6379\" }\n",
    check: |catalog, source| {
        let mut found = Vec::new();
        for service in catalog.services.iter().filter(|service| service.container) {
            let key = format!("/services/{}", step(&service.name));
            for mistake in mistakes(catalog, service) {
                let place = match mistake.place {
                    Written::Below(pointer) => Place::Value(format!("{key}/{pointer}")),
                    Written::Key(key) => set_at(source, service, key),
                };
                let error = Diagnostic::error("mistaken-exporter", place, mistake.message);
                let severity = mistake.severity;
                found.push(Diagnostic { severity, ..error }.help(mistake.help));
            }
        }
        found
    },
};

/// What is wrong with how an exporter is told to answer.
pub(crate) struct Mistake {
    pub(crate) severity: Severity,
    pub(crate) place: Written,
    pub(crate) message: String,
    pub(crate) help: String,
}

/// Where in the table of a service.
#[derive(PartialEq)]
pub(crate) enum Written {
    /// A variable or a word of its command.
    Below(String),
    /// A key, which may stand in the defaults.
    Key(&'static str),
}

/// What is wrong with a service whose image is a known exporter's: as the catalog says it, or as its container has it.
pub(crate) fn mistakes(catalog: &Catalog, service: &Service) -> Vec<Mistake> {
    let mut found = Vec::new();
    // Every profile is read for it.
    let Some(image) = service.image.as_deref() else {
        return found;
    };
    let Some((profile, exporter)) = catalog.profiles.of_image(image) else {
        return found;
    };
    let mut say = |place: Written, message: String, help: String| {
        found.push(Mistake {
            severity: Severity::Error,
            place,
            message,
            help,
        });
    };
    let own = |name: &String| catalog.profiles.first_name(name) == profile;
    let of_another = service.profiles.iter().find(|name| {
        let known = catalog.profiles.get(name);
        known.is_some_and(|known| known.exporter.is_some())
    });
    if let Some(other) = of_another.filter(|_| !service.profiles.iter().any(own)) {
        say(
            Written::Key("profiles"),
            format!("`{image}` exposes the profile `{profile}`, and not `{other}`"),
            format!("write `profiles = [\"{profile}\"]`"),
        );
    }
    let told = |names: &[String]| names.iter().rev().find_map(|name| said(service, name));
    let (host, port) = match told(&exporter.listen) {
        Some((pointer, value)) => {
            let (host, port) = value.rsplit_once(':').unwrap_or(("", &value));
            let place = || Written::Below(pointer.clone());
            (
                Some((place(), host.to_string())),
                port.parse().ok().map(|port: u16| (place(), port)),
            )
        }
        None => (None, Some((Written::Key("image"), exporter.port))),
    };
    let asked = service.instances[0].ports()[0];
    if let Some((place, port)) = port.filter(|(_, port)| *port != asked) {
        say(
            place,
            format!(
                "`{}` listens at port {port}, and its metrics are asked for at port {asked}",
                service.name
            ),
            format!("write `port = {port}`, or let it listen at {asked}"),
        );
    }
    // In a network of its own nobody else reaches what listens to itself.
    let alone = host.filter(|(_, host)| service.network_mode.is_none() && loopback(host));
    if let Some((place, host)) = alone {
        say(
            place,
            format!(
                "`{}` listens at {host} only, and is asked from other containers",
                service.name
            ),
            format!("let it listen at `:{asked}`"),
        );
    }
    // Unless it is told another, others than /metrics may be of other targets: `/scrape?target=…`.
    let path = told(&exporter.path).filter(|_| service.path == "/metrics");
    if let Some((pointer, serves)) = path.filter(|(_, serves)| serves != "/metrics") {
        say(
            Written::Below(pointer),
            format!(
                "`{}` has its metrics at {serves}, and is asked for them at /metrics",
                service.name
            ),
            format!("write `metrics_path = \"{serves}\"`, or let it have them at /metrics"),
        );
    }
    if let Some((pointer, message, help)) = machine(service, exporter) {
        say(Written::Below(pointer), message, help);
    }
    if let Some((severity, pointer, message, help)) = whom(catalog, service, exporter) {
        found.push(Mistake {
            severity,
            place: pointer.map_or(Written::Key("image"), Written::Below),
            message,
            help,
        });
    }
    if let Some((pointer, _)) = told(&exporter.renames).filter(|_| service.profiles.iter().any(own))
    {
        found.push(Mistake {
            severity: Severity::Error,
            place: Written::Below(pointer),
            message: format!(
                "`{}` names its metrics otherwise than the profile `{profile}`, told this",
                service.name
            ),
            help: format!(
                "remove it, or write profiles/{profile}.toml with the names that it has then"
            ),
        });
    }
    found
}

/// Whether a host is the container itself.
fn loopback(host: &str) -> bool {
    let host = host.trim_start_matches('[').trim_end_matches(']');
    let address = host.parse::<std::net::IpAddr>();
    host == "localhost" || address.is_ok_and(|address| address.is_loopback())
}

/// How bad it is, where it is written, what is wrong, and what to do.
type Wrong = (Severity, Option<String>, String, String);

/// An exporter that is not told whom to ask, or asks itself, or the server of another one.
fn whom(catalog: &Catalog, service: &Service, exporter: &Exporter) -> Option<Wrong> {
    let own = &service.name;
    let told = |name: &String| said(service, name);
    let Some((pointer, value)) = exporter.asks.iter().find_map(told) else {
        // Whoever scrapes it may say whom it is to ask, and beside a server in one network it finds it by itself.
        let scraped = !service.params.is_empty() || service.path != "/metrics";
        let through = |other: &Service| other.through.as_ref() == Some(own);
        // A dot begins the name of a file that tells it, wherever that is mounted.
        let files = exporter.asks.iter().filter(|name| name.starts_with('.'));
        let mut mounted = files.filter(|file| {
            let inside = service
                .volumes
                .iter()
                .filter_map(|one| one.split(':').nth(1));
            inside.into_iter().any(|path| path.ends_with(file.as_str()))
        });
        let elsewhere = !service.env_file.is_empty()
            || service.network_mode.is_some()
            || mounted.next().is_some();
        let name = exporter.asks.first()?;
        // What asks at no usual port may find its server beside it in its machine's network by what it usually asks.
        let anywhere = exporter.asked_at.is_none();
        if scraped || anywhere || elsewhere || catalog.services.iter().any(through) {
            return None;
        }
        let known = exporter.asks.iter().map(String::as_str);
        let mut variables = service.environment.keys();
        let meant = variables.find_map(|written| Some((written, nearest(written, known.clone())?)));
        let message =
            format!("`{own}` is not told which server to ask, and asks its own container");
        return Some(match meant {
            Some((written, meant)) => (
                Severity::Error,
                Some(format!("environment/{}", step(written))),
                format!("{message}: it does not read `{written}`"),
                format!("did you mean `{meant}`?"),
            ),
            // Its image may have been built anew, with what it needs.
            None => (
                Severity::Warning,
                None,
                message,
                format!("tell it by `{name}`"),
            ),
        });
    };
    if let Some((scheme, _)) = value.split_once("://")
        && !exporter.speaks.is_empty()
        && !exporter.speaks.iter().any(|known| known == scheme)
    {
        let known: Vec<String> = exporter
            .speaks
            .iter()
            .map(|one| format!("{one}://"))
            .collect();
        return Some((
            Severity::Error,
            Some(pointer),
            format!("`{own}` is told an address of `{scheme}://`, which it does not speak"),
            format!("write one of {}", known.join(", ")),
        ));
    }
    let (host, port) = address(&value)?;
    let listens = service.instances[0].ports()[0];
    if host == own && port == listens {
        let message = format!("`{own}` asks {host}:{port}, which is itself");
        return Some((
            Severity::Error,
            Some(pointer),
            message,
            "write the address of the server that it is about".to_string(),
        ));
    }
    let others = catalog.profiles.exporters();
    let mut others = others.filter(|(_, other)| other.asked_at == Some(port));
    let (profile, _) = others.find(|_| exporter.asked_at.is_some_and(|usual| usual != port))?;
    let usual = exporter.asked_at.unwrap_or_default();
    Some((
        Severity::Error,
        Some(pointer),
        format!(
            "`{own}` asks {host} at port {port}, at which a server of the profile `{profile}` listens"
        ),
        format!("write the port of its own server, usually {usual}"),
    ))
}

/// An exporter of its machine that looks elsewhere than where its container sees the machine's files.
fn machine(service: &Service, exporter: &Exporter) -> Option<(String, String, String)> {
    let flag = exporter.machine.as_deref()?;
    let sees = service
        .volumes
        .iter()
        .enumerate()
        .filter_map(|(at, volume)| {
            let mut parts = volume.split(':');
            Some((at, parts.next()?, parts.next()?.trim_end_matches('/')))
        });
    let sees: Vec<(usize, &str, &str)> = sees.collect();
    let whole = sees.iter().find(|(_, source, _)| *source == "/");
    let own = &service.name;
    match (said(service, flag), whole) {
        (Some((pointer, folder)), _) => {
            let folder = folder.trim_end_matches('/');
            let mounted = |target: &str| {
                folder == target
                    || folder
                        .strip_prefix(target)
                        .is_some_and(|rest| rest.starts_with('/'))
            };
            (!folder.is_empty() && !sees.iter().any(|(.., target)| mounted(target))).then(|| {
                let help = match whole {
                    Some((.., target)) => format!("write `--{flag}={target}`"),
                    None => format!("mount it: `volumes = [\"/:{folder}:ro,rslave\"]`"),
                };
                let message =
                    format!("`{own}` looks for the machine's files in {folder}, where its container has none");
                (pointer, message, help)
            })
        }
        (None, Some((at, _, target))) => Some((
            format!("volumes/{at}"),
            format!(
                "`{own}` sees the machine's files in {target}, and measures those of its own container"
            ),
            format!("add `--{flag}={target}` to its `command`"),
        )),
        (None, None) => None,
    }
}

/// Host and port in a URL, with or without its scheme and a login.
fn address(value: &str) -> Option<(&str, u16)> {
    let rest = value.split_once("://").map_or(value, |(_, rest)| rest);
    let authority = rest.split(['/', '?', ',']).next()?;
    let (_, authority) = authority.rsplit_once('@').unwrap_or(("", authority));
    let (host, port) = authority.rsplit_once(':')?;
    Some((host, port.parse().ok()?))
}

/// Where a service is told something by a flag or a variable of this name, below its table, and what.
pub(super) fn said(service: &Service, name: &str) -> Option<(String, String)> {
    if let Some(value) = service.environment.get(name) {
        return Some((format!("environment/{}", step(name)), value.clone()));
    }
    let words = service.command.iter().enumerate();
    let mut flags = words.filter_map(|(index, word)| {
        let flag = word.strip_prefix("--").or_else(|| word.strip_prefix('-'))?;
        let (flag, value) = match flag.split_once('=') {
            Some((flag, value)) => (flag, value.to_string()),
            None => (
                flag,
                service.command.get(index + 1).cloned().unwrap_or_default(),
            ),
        };
        (flag == name).then(|| (format!("command/{index}"), value))
    });
    flags.next_back()
}
