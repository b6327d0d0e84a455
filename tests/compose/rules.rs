//! What compose refuses, or a user regrets, and the compose specification's JSON schema accepts.

use monstack::value::Value;

/// A change to the monitoring file, and the one finding that it must give.
pub const MISTAKES: &[(&str, &str)] = &[
    ("version: '3'", "version"),
    ("name: Shop", "project name"),
    (
        "services: {new: {restart: always}}",
        "neither image nor build",
    ),
    (
        "services: {grafana: {image: grafana/grafana}}",
        "without a fixed tag",
    ),
    (
        "services: {grafana: {image: 'grafana/grafana:latest'}}",
        "without a fixed tag",
    ),
    ("services: {grafana: {restart: sometimes}}", "restart"),
    (
        "services: {grafana: {networks: [nowhere]}}",
        "network nowhere",
    ),
    (
        "services: {grafana: {secrets: [nothing]}}",
        "secret nothing",
    ),
    (
        "services: {grafana: {depends_on: {nobody: {condition: service_healthy}}}}",
        "depends on nobody",
    ),
    (
        "services: {grafana: {depends_on: {prometheus: {condition: service_healthy}, agent-designer: {condition: service_started}}}}",
        "does not wait",
    ),
    (
        "services: {grafana: {healthcheck: {test: []}}}",
        "empty health check",
    ),
    (
        "services: {grafana: {healthcheck: {test: [CMD]}}}",
        "empty health check",
    ),
    (
        "services: {grafana: {healthcheck: {interval: 15 seconds}}}",
        "15 seconds",
    ),
    (
        "services: {grafana: {ports: ['127.0.0.1:99999:3000']}}",
        "99999",
    ),
    (
        "services: {grafana: {ports: ['127.0.0.1:3000:foo']}}",
        "foo",
    ),
    (
        "services: {grafana: {ports: ['3000:3000']}}",
        "every address",
    ),
    (
        "services: {grafana: {volumes: ['./monitoring/alert_rules.yml:/etc/rules.yml:ro']}}",
        "not a folder",
    ),
    (
        "services: {grafana: {volumes: ['./monitoring:/etc/grafana']}}",
        "not read-only",
    ),
    (
        "services: {grafana: {volumes: ['other:/var/lib/grafana']}}",
        "volume other",
    ),
    (
        "services: {grafana: {environment: {GF_SECURITY_ADMIN_PASSWORD: admin}}}",
        "a value",
    ),
    ("services: {agent-designer: {image: 'x:1'}}", "in two files"),
];

/// Everything that is wrong with the files of one project; `paths` are all files beside them.
pub fn findings(files: &[Value], paths: &[&str]) -> Vec<String> {
    let mut found = Vec::new();
    let all =
        |key: &str| -> Vec<String> { files.iter().flat_map(|file| names(&file[key])).collect() };
    for file in files {
        if file.get("version").is_some() {
            found.push("version is obsolete".to_string());
        }
        let name = file["name"].as_str().unwrap_or_default();
        if name.is_empty()
            || !name
                .bytes()
                .all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-')
        {
            found.push(format!("{name} is no project name"));
        }
        for (service, settings) in file["services"].as_object().into_iter().flatten() {
            if all("services")
                .iter()
                .filter(|name| *name == service)
                .count()
                > 1
                && service_of(files, service) != settings
            {
                found.push(format!("{service} is in two files"));
                continue;
            }
            let declared = Declared {
                services: all("services"),
                volumes: all("volumes"),
                networks: all("networks"),
                secrets: all("secrets"),
            };
            let wrong = [
                image(settings),
                restart(settings),
                health(settings),
                published(settings),
                environment(settings),
            ]
            .concat();
            let wrong = wrong
                .into_iter()
                .chain(mounts(settings, paths, &declared))
                .chain(references(settings, &declared));
            found.extend(wrong.map(|wrong| format!("{service}: {wrong}")));
        }
    }
    found
}

struct Declared {
    services: Vec<String>,
    volumes: Vec<String>,
    networks: Vec<String>,
    secrets: Vec<String>,
}

fn service_of<'a>(files: &'a [Value], name: &str) -> &'a Value {
    files
        .iter()
        .find_map(|file| file["services"].get(name))
        .expect("it was listed")
}

/// The keys of a mapping, or the items of a list.
fn names(value: &Value) -> Vec<String> {
    let keys = value
        .as_object()
        .into_iter()
        .flat_map(|map| map.keys().cloned());
    let items = value
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(|item| item.as_str().map(str::to_string));
    keys.chain(items).collect()
}

fn image(service: &Value) -> Vec<String> {
    match (service["image"].as_str(), service.get("build")) {
        (None, None) => vec!["neither image nor build".to_string()],
        (Some(image), _)
            if image
                .rsplit_once(':')
                .is_none_or(|(_, tag)| tag == "latest" || tag.contains('/')) =>
        {
            vec![format!("{image} is without a fixed tag")]
        }
        _ => Vec::new(),
    }
}

fn restart(service: &Value) -> Vec<String> {
    let known = ["no", "always", "on-failure", "unless-stopped"];
    let wrong = service["restart"]
        .as_str()
        .filter(|policy| !known.contains(policy));
    wrong
        .map(|policy| format!("restart is {policy}"))
        .into_iter()
        .collect()
}

fn health(service: &Value) -> Vec<String> {
    let Some(check) = service.get("healthcheck") else {
        return Vec::new();
    };
    let mut found = Vec::new();
    let test = names(&check["test"]);
    if test.len() < 2
        || !["CMD", "CMD-SHELL"].contains(&test[0].as_str())
        || test[1].trim().is_empty()
    {
        found.push("empty health check".to_string());
    }
    for key in ["interval", "timeout", "start_period"] {
        let text = check[key].as_str().unwrap_or_default();
        let digits = text.trim_end_matches(|c: char| c.is_ascii_alphabetic());
        if digits.parse::<u32>().is_err() || !["ms", "s", "m", "h"].contains(&&text[digits.len()..])
        {
            found.push(format!("{key} is {text:?}"));
        }
    }
    found
}

/// `${NAME:-default}` → default, as with no variable set.
pub fn interpolated(text: &str) -> String {
    let mut out = String::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once("${") {
        let (variable, end) = after.split_once('}').expect("a variable is closed");
        out = out
            + before
            + variable
                .split_once(":-")
                .expect("a variable has a default")
                .1;
        rest = end;
    }
    out + rest
}

/// The published ports as written.
pub fn ports(service: &Value) -> Vec<String> {
    names(&service["ports"])
}

fn published(service: &Value) -> Vec<String> {
    let mut found = Vec::new();
    for port in ports(service) {
        let parts = interpolated(&port);
        let parts: Vec<&str> = parts.split(':').collect();
        if parts.len() != 3 {
            found.push(format!("{port} is published on every address"));
        }
        let wrong = parts
            .iter()
            .rev()
            .take(2)
            .filter(|part| part.parse::<u16>().is_ok_and(|port| port > 0).eq(&false));
        found.extend(wrong.map(|part| format!("{part} is not a valid port")));
    }
    found
}

fn environment(service: &Value) -> Vec<String> {
    let secret = |name: &String| {
        ["PASSWORD", "SECRET", "TOKEN", "KEY"]
            .iter()
            .any(|word| name.contains(word))
            && !name.ends_with("__FILE")
    };
    names(&service["environment"])
        .into_iter()
        .filter(secret)
        .map(|name| format!("{name} is a value, not a file"))
        .collect()
}

fn mounts(service: &Value, paths: &[&str], declared: &Declared) -> Vec<String> {
    let mut found = Vec::new();
    for mount in service["volumes"].as_array().into_iter().flatten() {
        let Some(short) = mount.as_str() else {
            let safe = mount["read_only"] == true && mount["bind"]["create_host_path"] == false;
            let inside =
                !interpolated(mount["source"].as_str().unwrap_or_default()).starts_with("../");
            found.extend(
                (!safe || inside)
                    .then(|| format!("{mount} is not read-only, or inside generated/")),
            );
            continue;
        };
        let parts: Vec<&str> = short.split(':').collect();
        match parts[0].strip_prefix("./") {
            Some(folder)
                if !paths
                    .iter()
                    .any(|path| path.starts_with(&format!("{folder}/"))) =>
            {
                found.push(format!("{short} is not a folder"))
            }
            Some(_) if parts.get(2) != Some(&"ro") => {
                found.push(format!("{short} is not read-only"))
            }
            Some(_) => {}
            None if declared.volumes.iter().any(|volume| volume == parts[0]) => {}
            None => found.push(format!("volume {} is not declared", parts[0])),
        }
    }
    found
}

fn references(service: &Value, declared: &Declared) -> Vec<String> {
    let mut found = Vec::new();
    for (key, known) in [
        ("network", &declared.networks),
        ("secret", &declared.secrets),
    ] {
        let unknown = names(&service[format!("{key}s").as_str()])
            .into_iter()
            .filter(|name| !known.contains(name));
        found.extend(unknown.map(|name| format!("{key} {name} is not declared")));
    }
    for (name, how) in service["depends_on"].as_object().into_iter().flatten() {
        if !declared.services.contains(name) {
            found.push(format!("depends on {name}, which is nowhere"));
        } else if how["condition"] != "service_healthy" {
            found.push(format!("does not wait until {name} is healthy"));
        }
    }
    found
}

/// Lays one document over another; lists are replaced.
pub fn merge(into: &mut Value, change: &Value) {
    match (into, change) {
        (Value::Object(into), Value::Object(change)) => {
            change
                .iter()
                .for_each(|(key, value)| merge(into.entry(key).or_insert(Value::Null), value));
        }
        (into, change) => *into = change.clone(),
    }
}
