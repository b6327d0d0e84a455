//! What a server loaded, held against what was rendered: everything rendered must be in force, as it was rendered.

use crate::catalog::Duration;
use crate::json::plain;
use serde_json::Value;

/// Names of this machine: seen from a container, and from itself.
const THIS_HOST: [&str; 4] = ["host.docker.internal", "localhost", "127.0.0.1", "[::1]"];

/// In what a loaded document differs from a rendered one: the path of each difference, and how.
/// What only the loaded one says is a default that the server filled in.
pub(crate) fn differences(
    rendered: &Value,
    loaded: &Value,
    path: &str,
    port_offset: i32,
) -> Vec<String> {
    match (rendered, loaded) {
        (Value::Object(wanted), Value::Object(found)) => wanted
            .iter()
            .flat_map(|(key, value)| match found.get(key) {
                Some(other) => differences(value, other, &join_key(path, key), port_offset),
                None if empty(value) => Vec::new(),
                None => vec![format!("{} is not loaded", join_key(path, key))],
            })
            .collect(),
        (Value::Array(wanted), Value::Array(found)) if wanted.len() == found.len() => wanted
            .iter()
            .zip(found)
            .enumerate()
            .flat_map(|(index, (a, b))| differences(a, b, &format!("{path}[{index}]"), port_offset))
            .collect(),
        (Value::Array(wanted), Value::Array(found)) => vec![format!(
            "{path} has {} entries, rendered are {}",
            found.len(),
            wanted.len()
        )],
        (wanted, found) if same(wanted, found, port_offset) => Vec::new(),
        (wanted, found) => vec![format!("{path} is {found}, rendered is {wanted}")],
    }
}

fn join_key(path: &str, key: &str) -> String {
    if path.is_empty() {
        key.to_string()
    } else {
        format!("{path}.{key}")
    }
}

fn empty(value: &Value) -> bool {
    match value {
        Value::Null | Value::Bool(false) => true,
        Value::String(text) => text.is_empty(),
        Value::Array(items) => items.is_empty(),
        Value::Object(map) => map.is_empty(),
        _ => false,
    }
}

fn same(wanted: &Value, found: &Value, port_offset: i32) -> bool {
    if wanted == found {
        return true;
    }
    let (wanted, found) = (plain(wanted), plain(found));
    let number = |text: &str| text.parse::<f64>().ok();
    let duration = |text: &str| Duration::parse(text);
    let file = |path: &str| {
        let ends = [".yml", ".yaml", ".json"];
        path.contains('/') && ends.iter().any(|end| path.to_lowercase().ends_with(end))
    };
    // A server says where a path leads that climbs out of its own folder.
    let climbs = wanted.starts_with("../");
    let wanted_rest = wanted.trim_start_matches("../").trim_start_matches("./");
    wanted == found
        || found == "<secret>"
        || (number(&wanted).is_some() && number(&wanted) == number(&found))
        || (duration(&wanted).is_some() && duration(&wanted) == duration(&found))
        || (file(&found) && found.ends_with(&format!("/{wanted_rest}")))
        || (climbs && found == wanted_rest)
        || same_address(&wanted, &found, port_offset)
        || matcher(&wanted) == matcher(&found)
}

/// host:port, alone or in http://host:port/path, where this machine has several names, and services may be moved to other ports.
fn same_address(wanted: &str, found: &str, port_offset: i32) -> bool {
    let parts = |text: &str| {
        let rest = text.strip_prefix("http://").unwrap_or(text);
        let (authority, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
        let (host, port) = authority.rsplit_once(':')?;
        Some((
            host.to_string(),
            port.parse::<i32>().ok()?,
            path.to_string(),
        ))
    };
    let (Some((wanted_host, wanted_port, wanted_path)), Some((found_host, found_port, found_path))) =
        (parts(wanted), parts(found))
    else {
        return false;
    };
    if wanted_path != found_path {
        return false;
    }
    let here = |host: &str| THIS_HOST.contains(&host);
    (wanted_host == found_host || (here(&wanted_host) && here(&found_host)))
        && (wanted_port + port_offset == found_port || wanted_port == found_port)
}

/// A matcher as both write it: `severity="critical"`.
fn matcher(text: &str) -> String {
    text.chars().filter(|c| !c.is_whitespace()).collect()
}

/// A scrape job of a configuration.
pub(crate) fn job<'a>(config: &'a Value, name: &str) -> Option<&'a Value> {
    config["scrape_configs"]
        .as_array()?
        .iter()
        .find(|job| job["job_name"] == name)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn defaults_and_spellings_are_not_differences() {
        let rendered = json!({"scrape_interval": "60s", "rule_files": ["a.yml"], "honor": false, "t": ["http://host.docker.internal:80/x"], "m": ["severity=\"x\""]});
        let loaded = json!({"scrape_interval": "1m", "rule_files": ["/etc/a.yml"], "t": ["http://127.0.0.1:80/x"], "m": ["severity = \"x\""], "more": 1});
        assert_eq!(differences(&rendered, &loaded, "", 0), Vec::<String>::new());
        let probe = |target: &str| json!({"targets": [target]});
        let moved =
            |wanted: &str, found: &str| differences(&probe(wanted), &probe(found), "", 0).len();
        assert_eq!(
            moved(
                "http://host.docker.internal:80/health",
                "http://127.0.0.1:80/health"
            ),
            0
        );
        assert_eq!(
            moved(
                "http://host.docker.internal:80/health",
                "http://127.0.0.1:80/healthz"
            ),
            1
        );
        assert_eq!(
            moved(
                "http://host.docker.internal:80/health",
                "http://127.0.0.1:81/health"
            ),
            1
        );
        let loaded = json!({"scrape_interval": "2m", "rule_files": [], "t": ["127.0.0.1:81"], "m": ["severity=\"x\""]});
        assert_eq!(differences(&rendered, &loaded, "", 0).len(), 3);
    }
}
