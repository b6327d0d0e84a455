//! What a server loaded, held against what was rendered: everything rendered must be in force, as it was rendered.

use crate::catalog::Duration;
use crate::render::File;
use serde_json::Value;
use std::collections::BTreeMap;

/// Names of this machine: seen from a container, and from itself.
const THIS_HOST: [&str; 4] = ["host.docker.internal", "localhost", "127.0.0.1", "[::1]"];

/// In what a loaded document differs from a rendered one: the path of each difference, and how.
/// What only the loaded one says is a default that the server filled in.
pub fn differences(rendered: &Value, loaded: &Value, path: &str, port_offset: i32) -> Vec<String> {
    match (rendered, loaded) {
        (Value::Object(wanted), Value::Object(found)) => wanted
            .iter()
            .flat_map(|(key, value)| match found.get(key) {
                Some(other) => differences(value, other, &joined(path, key), port_offset),
                None if empty(value) => Vec::new(),
                None => vec![format!("{} is not loaded", joined(path, key))],
            })
            .collect(),
        (Value::Array(wanted), Value::Array(found)) if wanted.len() == found.len() => {
            wanted.iter().zip(found).enumerate().flat_map(|(index, (a, b))| differences(a, b, &format!("{path}[{index}]"), port_offset)).collect()
        }
        (Value::Array(wanted), Value::Array(found)) => vec![format!("{path} has {} entries, rendered are {}", found.len(), wanted.len())],
        (wanted, found) if same(wanted, found, port_offset) => Vec::new(),
        (wanted, found) => vec![format!("{path} is {found}, rendered is {wanted}")],
    }
}

fn joined(path: &str, key: &str) -> String {
    if path.is_empty() { key.to_string() } else { format!("{path}.{key}") }
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
    let text = |value: &Value| value.as_str().map_or_else(|| value.to_string(), str::to_string);
    let (wanted, found) = (text(wanted), text(found));
    let number = |text: &str| text.parse::<f64>().ok();
    let duration = |text: &str| Duration::parse(text);
    let file = |path: &str| path.ends_with(".yml") && path.contains('/');
    wanted == found
        || found == "<secret>"
        || (number(&wanted).is_some() && number(&wanted) == number(&found))
        || (duration(&wanted).is_some() && duration(&wanted) == duration(&found))
        || (file(&found) && found.ends_with(&format!("/{}", wanted.trim_start_matches("./"))))
        || same_address(&wanted, &found, port_offset)
        || matcher(&wanted) == matcher(&found)
}

/// host:port, alone or in http://host:port/path, where this machine has several names, and services may be moved to other ports.
fn same_address(wanted: &str, found: &str, port_offset: i32) -> bool {
    let parts = |text: &str| {
        let rest = text.strip_prefix("http://").unwrap_or(text);
        let (authority, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
        let (host, port) = authority.rsplit_once(':')?;
        Some((host.to_string(), port.parse::<i32>().ok()?, path.to_string()))
    };
    let (Some((wanted_host, wanted_port, wanted_path)), Some((found_host, found_port, found_path))) = (parts(wanted), parts(found)) else { return false };
    if wanted_path != found_path {
        return false;
    }
    let here = |host: &str| THIS_HOST.contains(&host);
    (wanted_host == found_host || (here(&wanted_host) && here(&found_host))) && (wanted_port + port_offset == found_port || wanted_port == found_port)
}

/// A matcher as both write it: `severity="critical"`.
fn matcher(text: &str) -> String {
    text.chars().filter(|c| !c.is_whitespace()).collect()
}

/// A rule of a rendered file, or of a server.
#[derive(Clone, Debug, PartialEq)]
pub struct Rule {
    /// Of the alert or of the recorded series, with a recording rule's labels.
    pub name: String,
    /// As PromQL's own printer has it.
    pub expression: String,
    /// An alert's `for`, in seconds.
    pub hold: f64,
    /// Labels that it adds.
    pub labels: BTreeMap<String, String>,
    /// What it says.
    pub annotations: BTreeMap<String, String>,
    /// Whether it is an alert.
    pub alert: bool,
}

fn texts(value: &Value) -> BTreeMap<String, String> {
    value.as_object().into_iter().flatten().map(|(key, value)| (key.clone(), value.as_str().unwrap_or_default().to_string())).collect()
}

fn canonical(expression: &str) -> String {
    promql_parser::parser::parse(expression).map_or_else(|_| expression.split_whitespace().collect::<Vec<_>>().join(" "), |tree| tree.to_string())
}

/// The key of a rule: alerts have a name of their own, recorded series share one.
fn key(name: &str, labels: &BTreeMap<String, String>, alert: bool) -> String {
    if alert || labels.is_empty() { name.to_string() } else { format!("{name} {}", labels.values().cloned().collect::<Vec<_>>().join(" ")) }
}

/// The rules of every rendered rule file that Prometheus is told to load.
pub fn rendered_rules(rendered: &[File]) -> Vec<Rule> {
    let Some(config) = prometheus_config(rendered) else { return Vec::new() };
    let files = config["rule_files"].as_array().into_iter().flatten().filter_map(Value::as_str);
    let groups = files.filter_map(|name| rendered.iter().find(|file| file.path.rsplit('/').next() == name.rsplit('/').next()));
    let rules = groups.flat_map(|file| file.value["groups"].as_array().into_iter().flatten()).flat_map(|group| group["rules"].as_array().into_iter().flatten());
    rules
        .map(|rule| {
            let alert = rule.get("alert").is_some();
            let name = rule["alert"].as_str().or(rule["record"].as_str()).unwrap_or_default();
            let labels = texts(&rule["labels"]);
            Rule {
                name: key(name, &labels, alert),
                expression: canonical(rule["expr"].as_str().unwrap_or_default()),
                hold: rule["for"].as_str().and_then(Duration::parse).unwrap_or_default().seconds(),
                labels,
                annotations: texts(&rule["annotations"]),
                alert,
            }
        })
        .collect()
}

/// The same of a rule that Prometheus reports.
pub fn loaded_rule(rule: &Value) -> Rule {
    let alert = rule["type"] == "alerting";
    let labels = texts(&rule["labels"]);
    Rule {
        name: key(rule["name"].as_str().unwrap_or_default(), &labels, alert),
        expression: canonical(rule["query"].as_str().unwrap_or_default()),
        hold: rule["duration"].as_f64().unwrap_or_default(),
        labels,
        annotations: texts(&rule["annotations"]),
        alert,
    }
}

/// In what two rules of one name differ.
pub fn rule_difference(rendered: &Rule, loaded: &Rule) -> Option<String> {
    if rendered.expression != loaded.expression {
        return Some(format!("its expression is `{}`, rendered is `{}`", loaded.expression, rendered.expression));
    }
    if (rendered.hold - loaded.hold).abs() > 1e-6 {
        return Some(format!("its `for` is {}s, rendered is {}s", loaded.hold, rendered.hold));
    }
    let parts = [("labels", &rendered.labels, &loaded.labels), ("annotations", &rendered.annotations, &loaded.annotations)];
    parts.into_iter().find(|(_, a, b)| a != b).map(|(what, ..)| format!("its {what} differ"))
}

/// The rendered configuration of Prometheus.
pub fn prometheus_config(rendered: &[File]) -> Option<&Value> {
    rendered.iter().map(|file| &file.value).find(|value| value.get("scrape_configs").is_some())
}

/// The rendered configuration of the Alertmanager.
pub fn alertmanager_config(rendered: &[File]) -> Option<&Value> {
    rendered.iter().map(|file| &file.value).find(|value| value.get("route").is_some() && value.get("receivers").is_some())
}

/// A scrape job of a configuration.
pub fn job<'a>(config: &'a Value, name: &str) -> Option<&'a Value> {
    config["scrape_configs"].as_array()?.iter().find(|job| job["job_name"] == name)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn defaults_and_spellings_are_no_differences() {
        let rendered =
            json!({"scrape_interval": "60s", "rule_files": ["a.yml"], "honor": false, "t": ["http://host.docker.internal:80/x"], "m": ["severity=\"x\""]});
        let loaded = json!({"scrape_interval": "1m", "rule_files": ["/etc/a.yml"], "t": ["http://127.0.0.1:80/x"], "m": ["severity = \"x\""], "more": 1});
        assert_eq!(differences(&rendered, &loaded, "", 0), Vec::<String>::new());
        let probe = |target: &str| json!({"targets": [target]});
        let moved = |wanted: &str, found: &str| differences(&probe(wanted), &probe(found), "", 0).len();
        assert_eq!(moved("http://host.docker.internal:80/health", "http://127.0.0.1:80/health"), 0);
        assert_eq!(moved("http://host.docker.internal:80/health", "http://127.0.0.1:80/healthz"), 1);
        assert_eq!(moved("http://host.docker.internal:80/health", "http://127.0.0.1:81/health"), 1);
        let loaded = json!({"scrape_interval": "2m", "rule_files": [], "t": ["127.0.0.1:81"], "m": ["severity=\"x\""]});
        assert_eq!(differences(&rendered, &loaded, "", 0).len(), 3);
    }

    #[test]
    fn prometheus_prints_expressions_its_own_way() {
        assert_eq!(canonical("sum by (job,service) (rate(x[300s]))\n > 0.10"), canonical("sum by (job, service) (rate(x[5m])) > 0.1"));
        assert_ne!(canonical("up == 0"), canonical("up == 1"));
    }
}
