//! What a server loaded, held against what was rendered: everything rendered must be in force, as it was rendered.

use crate::catalog::Duration;
use crate::json::plain;
use crate::value::Value;

/// Names of this machine: seen from a container, and from itself.
pub(crate) const THIS_HOST: [&str; 4] = ["host.docker.internal", "localhost", "127.0.0.1", "[::1]"];

/// What takes something away, puts it elsewhere or adds to it, and what no server fills in by itself.
const NO_DEFAULT: [&str; 20] = [
    "active_time_intervals",
    "alert_relabel_configs",
    "body_size_limit",
    "external_labels",
    "honor_labels",
    "inhibit_rules",
    "label_limit",
    "label_name_length_limit",
    "label_value_length_limit",
    "match",
    "match_re",
    "matchers",
    "metric_relabel_configs",
    "mute_time_intervals",
    "params",
    "proxy_url",
    "relabel_configs",
    "routes",
    "sample_limit",
    "target_limit",
];

/// What a server fills in where a document says nothing, of what decides where it asks and what it takes.
/// https://prometheus.io/docs/prometheus/latest/configuration/configuration/#scrape_config
const FILLED_IN: [(&str, &str); 5] = [
    ("follow_redirects", "true"),
    ("honor_timestamps", "true"),
    ("insecure_skip_verify", "false"),
    ("metrics_path", "/metrics"),
    ("scheme", "http"),
];

/// In what a loaded document differs from a rendered one: the path of each difference, and how.
/// What only the loaded one says is a default that the server filled in, but for NO_DEFAULT, and for FILLED_IN with another value.
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
            .chain(found.iter().filter_map(|(key, value)| {
                let mut filled_in = FILLED_IN.iter();
                let known = NO_DEFAULT.contains(&key.as_str());
                let other = match filled_in.find(|(name, _)| name == key) {
                    Some((_, default)) => plain(value) != *default,
                    None => known && !empty(value),
                };
                let added = other && !wanted.contains_key(key);
                added.then(|| format!("{} is {value}, rendered is none", join_key(path, key)))
            }))
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
        (Value::String(wanted), Value::String(found))
            if path.ends_with("_file") && same_file(wanted, found) =>
        {
            Vec::new()
        }
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
        Value::Number(number) => number.as_f64() == Some(0.0),
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
    wanted == found
        || found == "<secret>"
        || (number(&wanted).is_some() && number(&wanted) == number(&found))
        || (duration(&wanted).is_some() && duration(&wanted) == duration(&found))
        || (file(&found) && same_file(&wanted, &found))
        || (climbs && found == below(&wanted))
        || same_address(&wanted, &found, port_offset)
        || matcher(&wanted) == matcher(&found)
}

/// Whether a server means a file by its whole path that was written from the folder of its configuration on.
fn same_file(wanted: &str, found: &str) -> bool {
    !wanted.starts_with('/') && found.ends_with(&format!("/{}", below(wanted)))
}

/// A path without the steps out of the folder where it begins.
fn below(path: &str) -> &str {
    path.trim_start_matches("../").trim_start_matches("./")
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::value::json;

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
        let dropped =
            json!({"t": [], "sample_limit": 10, "honor_timestamps": true, "label_limit": 0});
        assert_eq!(
            differences(&json!({"t": []}), &dropped, "", 0),
            ["sample_limit is 10, rendered is none"]
        );
        let asks = |scheme: &str| json!({"t": [], "scheme": scheme, "metrics_path": "/metrics"});
        assert_eq!(
            differences(&json!({"t": []}), &asks("https"), "", 0),
            ["scheme is \"https\", rendered is none"]
        );
        assert!(differences(&json!({"t": []}), &asks("http"), "", 0).is_empty());
        let login = |file: &str| json!({"tls_config": {"ca_file": file}});
        let read = |wanted: &str, found: &str| differences(&login(wanted), &login(found), "", 0);
        assert_eq!(read("../../ca.pem", "/srv/shop/ca.pem").len(), 0);
        assert_eq!(read("../../ca.pem", "/srv/shop/old-ca.pem").len(), 1);
        assert_eq!(
            read("/run/secrets/ca.pem", "/srv/run/secrets/ca.pem").len(),
            1
        );
        let loaded = json!({"scrape_interval": "2m", "rule_files": [], "t": ["127.0.0.1:81"], "m": ["severity=\"x\""]});
        assert_eq!(differences(&rendered, &loaded, "", 0).len(), 3);
    }
}
