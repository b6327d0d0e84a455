//! What a compose file says of services: published ports, limits, and what they run on.

use super::draft::{Draft, Found, UNKNOWN};
use super::images::{self, Answers};
use crate::catalog::Size;
use crate::json::plain;
use crate::value::Value;
use crate::yaml;
use anyhow::{Result, bail, ensure};

/// The stack's own servers, which monstack starts itself.
const SERVERS: [&str; 3] = ["prometheus", "alertmanager", "grafana"];

/// Programs that answer no scrape themselves: an exporter does.
const SILENT: [&str; 12] = [
    "postgres",
    "mysql",
    "mariadb",
    "redis",
    "valkey",
    "mongo",
    "memcached",
    "zookeeper",
    "kafka",
    "nginx",
    "httpd",
    "mailhog",
];

/// What images are called that programs of a runtime are built on.
const RUNTIMES: [(&str, &str); 8] = [
    ("python", "python"),
    ("node", "node"),
    ("golang", "go"),
    ("go", "go"),
    ("rust", "rust"),
    ("openjdk", "client_java"),
    ("eclipse-temurin", "client_java"),
    ("dotnet", "dotnet"),
];

/// Registries in which anybody's images are.
const PUBLIC: [&str; 7] = [
    "docker.io",
    "quay.io",
    "gcr.io",
    "ghcr.io",
    "registry.k8s.io",
    "mcr.microsoft.com",
    "public.ecr.aws",
];

/// Takes the services of a file.
pub(super) fn read(draft: &mut Draft, file: &str, text: &str) -> Result<()> {
    let value = match yaml::parse(text) {
        Ok(value) => value,
        Err(error) => bail!("{file}:{}: it is not YAML: {}", error.line, error.reason),
    };
    ensure!(
        value["services"].as_object().is_some(),
        "{file} has no `services`: it is no compose file"
    );
    for (name, service) in value["services"].entries() {
        let image = image(service);
        if let Some(server) = SERVERS
            .iter()
            .find(|server| image.as_deref() == Some(**server))
        {
            draft.notes.push(format!(
                "{name} is left out: monstack starts a {server} of its own"
            ));
            continue;
        }
        let silent = SILENT
            .iter()
            .find(|silent| image.as_deref() == Some(**silent));
        if let Some(silent) = silent {
            draft.notes.push(format!(
                "{name} is left out: {silent} answers no scrape; add its exporter as a service"
            ));
            continue;
        }
        let whole = service["image"].as_str().and_then(substituted);
        let known = whole.as_deref().and_then(images::answers);
        let ports: Vec<(u16, u16)> = service["ports"].items().filter_map(published).collect();
        let found = match (service["network_mode"] == "host", &known) {
            (true, Some(known)) => at_host(service, known),
            (false, Some(known)) => at_its_port(service, known, &ports),
            (true, None) => Err("it is in the network of this machine, and nothing says at which port it answers /metrics: `monstack add` takes one".to_string()),
            (false, None) => at_first(&ports),
        };
        let (port, guessed) = match found {
            Ok(found) => found,
            Err(why) => {
                draft.notes.push(format!("{name} is left out: {why}"));
                continue;
            }
        };
        let mut found = Found::at_port(name, port, file);
        found.profile = known.as_ref().and_then(|known| known.profile);
        found.guessed.extend(guessed);
        found.runtime = match (&known, found.profile) {
            (_, Some(_)) => Some("go"),
            (Some(_), None) => Some(UNKNOWN),
            (None, None) => runtime(service, image.as_deref()),
        };
        if found.runtime == Some(UNKNOWN) && known.is_none() {
            found.guessed.push("what it is written in is not known: `runtime` says it, and with it where its memory and its CPU time are".to_string());
        }
        let limits = &service["deploy"]["resources"]["limits"];
        let said = |own: &str, limit: &str| {
            let value = match service.get(own) {
                Some(value) => value,
                None => &limits[limit],
            };
            (!value.is_null())
                .then(|| substituted(&plain(value)))
                .flatten()
        };
        if let Some(text) = said("mem_limit", "memory") {
            match size(&text) {
                Some(size) => found.memory_limit = Some(size),
                None => found
                    .guessed
                    .push(format!("its memory limit `{text}` is not read")),
            }
        }
        found.cpu_limit = said("cpus", "cpus")
            .and_then(|text| text.parse().ok())
            .filter(|cores: &f64| *cores > 0.0 && *cores <= 1024.0);
        draft.add(found);
    }
    draft.guess_runtime();
    Ok(())
}

/// Where a known image answers, in the network of this machine; and what of that is to be read.
fn at_host(service: &Value, known: &Answers) -> Result<(u16, Vec<String>), String> {
    let port = listens(service, known);
    let said = format!("it is in the network of this machine, and answers /metrics at {port}");
    Ok((port, vec![said]))
}

/// Where the port is published at which a known image answers.
fn at_its_port(
    service: &Value,
    known: &Answers,
    ports: &[(u16, u16)],
) -> Result<(u16, Vec<String>), String> {
    let own = listens(service, known);
    let published = ports.iter().find(|(_, inside)| *inside == own);
    match published {
        Some((port, _)) => Ok((
            *port,
            vec![format!(
                "it answers /metrics at {port}, the published port of {own}"
            )],
        )),
        None if ports.is_empty() => Err(format!(
            "it publishes no port, so nothing outside of its network can scrape it; it answers /metrics at {own}"
        )),
        None => Err(format!(
            "it answers /metrics at {own}, and does not publish that port"
        )),
    }
}

/// The first published port of an image of which nothing is known.
fn at_first(ports: &[(u16, u16)]) -> Result<(u16, Vec<String>), String> {
    let Some(((port, inside), others)) = ports.split_first() else {
        return Err(
            "it publishes no port, so nothing outside of its network can scrape it".to_string(),
        );
    };
    let others: Vec<String> = others.iter().map(|(port, _)| port.to_string()).collect();
    let not = match others.is_empty() {
        true => String::new(),
        false => format!(", and not at {}, which it publishes too", others.join(", ")),
    };
    Ok((
        *port,
        vec![format!(
            "it is taken to answer /metrics at {port}, the published port of {inside}{not}"
        )],
    ))
}

/// The port at which an image listens: its own, or the one that its command says.
fn listens(service: &Value, known: &Answers) -> u16 {
    let words = command(service);
    let said = known.listen.iter().find_map(|flag| {
        let (_, behind) = words.split_once(&format!("--{flag}="))?;
        let value = behind.split_whitespace().next()?;
        value.rsplit(':').next()?.parse().ok()
    });
    said.unwrap_or(known.port)
}

/// The words of a command, as one text or as a list.
fn command(service: &Value) -> String {
    let of = |key: &str| match &service[key] {
        Value::Array(words) => words.iter().map(plain).collect::<Vec<_>>().join(" "),
        Value::Null => String::new(),
        text => plain(text),
    };
    format!("{} {}", of("entrypoint"), of("command"))
}

/// What an application runs on: what its command starts, what its image is called after; None: as all others do, which is for
/// what is built here or kept in a registry of one's own.
fn runtime(service: &Value, image: Option<&str>) -> Option<&'static str> {
    let of_image = image.and_then(|image| {
        let mut known = RUNTIMES.iter();
        known
            .find(|(base, _)| *base == image)
            .map(|(_, runtime)| *runtime)
    });
    let known = images::started(&command(service)).or(of_image);
    if known.is_some() || service.get("build").is_some() {
        return known;
    }
    let whole = service["image"].as_str().unwrap_or_default();
    let registry = whole.split_once('/').map_or("", |(first, _)| first);
    let own = registry.contains(['.', ':']) && !PUBLIC.contains(&registry);
    (!own).then_some(UNKNOWN)
}

/// The name of an image without registry, owner and tag: `registry/owner/name:tag` is `name`.
fn image(service: &Value) -> Option<String> {
    let whole = substituted(service["image"].as_str()?)?;
    let name = whole.rsplit('/').next()?;
    let name = name.split(['@', ':']).next()?;
    Some(name.to_string())
}

/// The first port of this machine that an entry publishes by TCP, and that of the container behind it.
fn published(entry: &Value) -> Option<(u16, u16)> {
    let first = |ports: &str| ports.split('-').next()?.parse().ok();
    if entry.is_object() {
        if entry["protocol"]
            .as_str()
            .is_some_and(|protocol| protocol != "tcp")
        {
            return None;
        }
        let port = |key: &str| first(&substituted(&plain(&entry[key]))?);
        return Some((port("published")?, port("target")?)).filter(|(port, _)| *port > 0);
    }
    let text = substituted(&plain(entry))?;
    let text = match text.split_once('/') {
        Some((ports, "tcp")) => ports,
        Some(_) => return None,
        None => &text,
    };
    let (outside, inside) = text.rsplit_once(':')?;
    // Before the port of this machine, its address may stand.
    let outside = outside.rsplit(':').next()?;
    Some((first(outside)?, first(inside)?)).filter(|(port, _): &(u16, u16)| *port > 0)
}

/// A text with the defaults of its variables; None: it has one without.
fn substituted(text: &str) -> Option<String> {
    let mut out = String::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('$') {
        out.push_str(before);
        if let Some(literal) = after.strip_prefix('$') {
            out.push('$');
            rest = literal;
            continue;
        }
        let (inside, behind) = after.strip_prefix('{')?.split_once('}')?;
        let default = inside.split_once(":-").or(inside.split_once('-'))?.1;
        out.push_str(default);
        rest = behind;
    }
    out.push_str(rest);
    Some(out)
}

/// Bytes as compose writes them, in powers of 1024: `512m`, `1.5gb`, `1073741824`.
fn size(text: &str) -> Option<Size> {
    let text = text.trim().to_lowercase();
    let end = text.find(|c: char| !c.is_ascii_digit() && c != '.');
    let (number, unit) = text.split_at(end.unwrap_or(text.len()));
    let factor = match unit.trim() {
        "" | "b" => 1.0,
        "k" | "kb" | "kib" => 1024.0,
        "m" | "mb" | "mib" => 1024.0 * 1024.0,
        "g" | "gb" | "gib" => 1024.0 * 1024.0 * 1024.0,
        _ => return None,
    };
    let bytes = number.parse::<f64>().ok()? * factor;
    (1.0..1e15).contains(&bytes).then_some(Size(bytes as u64))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::value::json;

    #[test]
    fn ports_are_read_as_compose_reads_them() {
        for (entry, wanted) in [
            (json!("8001:8000"), Some((8001, 8000))),
            (json!("127.0.0.1:8001:8000"), Some((8001, 8000))),
            (json!("[::1]:8001:8000/tcp"), Some((8001, 8000))),
            (json!("${PORT:-8001}:8000"), Some((8001, 8000))),
            (json!("${PORT}:8000"), None),
            (json!("8000"), None),
            (json!(8000), None),
            (json!("53:53/udp"), None),
            (json!("9000-9002:8000-8002"), Some((9000, 8000))),
            (
                json!({"published": "8001", "target": 8000}),
                Some((8001, 8000)),
            ),
        ] {
            assert_eq!(published(&entry), wanted, "{entry}");
        }
    }

    #[test]
    fn sizes_are_powers_of_1024() {
        for (text, wanted) in [
            ("512m", Some(512 << 20)),
            ("1gb", Some(1 << 30)),
            ("1.5G", Some(3 << 29)),
            ("64", Some(64)),
            ("lots", None),
        ] {
            assert_eq!(size(text).map(|size| size.0), wanted, "{text}");
        }
    }
}
