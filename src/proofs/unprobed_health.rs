//! Every health path that the catalog wants probed is probed, by a module that exists.

use super::scrape_job::{connection_of_service, connects_as_said};
use super::server_settings::SHARE;
use super::{Check, Example, Proof, place};
use crate::artifacts::Role;
use crate::catalog::{Duration, Service, Size};
use crate::contract::targets::Target;
use crate::json::plain;
use crate::promql::re2::rewritten;
use crate::source::step;
use crate::stack::Stack;
use crate::value::Value;
use regex_automata::meta::Regex;
use std::collections::HashSet;

pub(crate) const PROOF: Proof = Proof {
    code: "unprobed-health",
    doc: "A probe of another address or path, or by a module that the blackbox exporter does not have, says that a service is well which is not, or the other way round.",
    example: Example::Rendered {
        role: Role::Blackbox,
        pointer: "/modules",
        bad: r#"{"http_2xx": {"prober": "http"}}"#,
    },
    check: Check::Stack(|stack| {
        let mut found = Vec::new();
        let Some(config) = stack
            .files
            .config()
            .and_then(|_| stack.files.prometheus().next())
        else {
            return found;
        };
        let targets = &stack.contract.targets.list;
        let (mut missing, mut judged) = (Vec::new(), Vec::new());
        for service in stack
            .catalog
            .services
            .iter()
            .filter(|service| service.health_probe)
        {
            let of_service = stack.contract.targets.with("service", &service.name);
            let probes: Vec<&Target> = of_service
                .ones()
                .map(|index| &targets[index])
                .filter(|target| {
                    // What a service itself is asked for is its metrics, whatever the query.
                    let own = target.labels.get("job") == Some(&service.name);
                    target.params.contains_key("target") && !own
                })
                .collect();
            let asked: HashSet<&str> = probes
                .iter()
                .filter_map(|probe| probe.params["target"].first().map(String::as_str))
                .collect();
            for (index, url) in service.health_urls.iter().enumerate() {
                let Some(probe) = probes.get(index) else {
                    found.push(place::at(
                        &config.path,
                        "/scrape_configs",
                        format!("no job probes {url} for `{}`", service.name),
                        "render a target of the blackbox exporter with the label `service`",
                    ));
                    continue;
                };
                let mut say = |pointer: &str, message: String, help: &str| {
                    found.push(place::at(&config.path, pointer, message, help))
                };
                // In any order, as long as all are asked.
                if !asked.contains(url.as_str()) {
                    let asked = probe.params["target"].first().map_or("", String::as_str);
                    say(
                        &probe.pointer,
                        format!(
                            "the health of `{}` is asked at {asked}, the catalog says {url}",
                            service.name
                        ),
                        "render the catalog's address and `health_path`",
                    );
                }
                if probe.labels.get("instance") == Some(&probe.address) {
                    say(
                        &probe.pointer,
                        format!(
                            "what the probe of `{}` finds has the blackbox exporter's address as its `instance`",
                            service.name
                        ),
                        "let a relabeling rule make it the address that is asked (`__param_target`)",
                    );
                }
                if !probe.path.ends_with("/probe") {
                    say(
                        &probe.pointer,
                        format!(
                            "the health of `{}` is asked at {} of the blackbox exporter, which probes at /probe",
                            service.name, probe.path
                        ),
                        "let `metrics_path` be /probe, and no rule change it",
                    );
                }
                if probe.address != stack.catalog.blackbox.address {
                    say(
                        &probe.pointer,
                        format!(
                            "the health of `{}` is asked of {}, the catalog says {}",
                            service.name, probe.address, stack.catalog.blackbox.address
                        ),
                        "render the catalog's `blackbox.address`",
                    );
                }
                let more = probe
                    .params
                    .keys()
                    .find(|key| MISLEADING.contains(&key.as_str()));
                if let Some(key) = more {
                    say(
                        &format!("/scrape_configs/{}/params", probe.job),
                        format!(
                            "`{key}` changes what the blackbox exporter asks `{}`, or answers: its health is not what is scraped",
                            service.name
                        ),
                        "remove it",
                    );
                }
                let every = stack.catalog.prometheus.scrape_interval;
                let slowly = probe.interval > every && probe.interval > service.scrape_interval;
                let pointer = format!("/scrape_configs/{}/scrape_interval", probe.job);
                if slowly && !missing.contains(&pointer) {
                    say(
                        &pointer,
                        format!(
                            "the health of `{}` is asked every {}, and the catalog says {every}",
                            service.name, probe.interval
                        ),
                        "leave it to the interval of all jobs",
                    );
                    missing.push(pointer);
                }
                // The exporter keeps half a second for its answer, and has the rest for the probe.
                if probe.timeout < LEAST {
                    say(
                        &format!("/scrape_configs/{}/scrape_timeout", probe.job),
                        format!(
                            "a probe of `{}` has {} less half a second: every one fails",
                            service.name, probe.timeout
                        ),
                        "give it some seconds",
                    );
                }
                let module = probe
                    .params
                    .get("module")
                    .and_then(|names| names.first())
                    .map_or("http_2xx", String::as_str);
                if let Some(reason) = module_without(stack, module) {
                    let pointer = format!("/scrape_configs/{}/params", probe.job);
                    if !missing.contains(&pointer) {
                        say(
                            &pointer,
                            reason,
                            "name a module of the rendered configuration",
                        );
                        missing.push(pointer);
                    }
                    continue;
                }
                let Some(file) = stack.files.blackbox() else {
                    continue;
                };
                let http = &file.value["modules"][module]["http"];
                if let Some((key, written)) = locked_out(stack, service, http) {
                    let message = format!(
                        "the module `{module}` asks `{}` with {key} {written}, the catalog says otherwise: it is not let in",
                        service.name
                    );
                    let pointer = format!("/scrape_configs/{}", probe.job);
                    let help = "render a module that lets in as the catalog's `tls` and `auth` say, and name it in the target's parameters";
                    found.push(place::at(&config.path, pointer, message, help));
                    continue;
                }
                // https://github.com/prometheus/blackbox_exporter: the shorter of the two decides.
                let timeout = file.value["modules"][module]["timeout"].as_str();
                if let Some(given) = timeout.and_then(Duration::parse)
                    && given.0 > 0
                    && given.0 as f64 * SHARE < probe.timeout.0 as f64
                {
                    let pointer = format!("/modules/{}/timeout", step(module));
                    if !judged.contains(&pointer) {
                        found.push(place::at(
                            &file.path,
                            &pointer,
                            format!(
                                "a health path that takes longer than {given} counts as unwell, and its scrape may take {}",
                                probe.timeout
                            ),
                            "leave it to `scrape_timeout`, or write nearly as much",
                        ));
                        judged.push(pointer);
                    }
                }
                let Some((key, message, help)) = misjudges(
                    http,
                    &service.scheme,
                    bodies(stack, service),
                    collected(stack, service),
                ) else {
                    continue;
                };
                let pointer = format!("/modules/{}/http/{key}", step(module));
                if !judged.contains(&pointer) {
                    found.push(place::at(&file.path, &pointer, message, help));
                    judged.push(pointer);
                }
            }
        }
        found
    }),
};

/// Parameters of the blackbox exporter that send a probe to somebody else, or answer with text that is no metrics
/// (prober/handler.go).
const MISLEADING: [&str; 2] = ["hostname", "debug"];

/// Less than this is no time for a probe.
const LEAST: Duration = Duration(1_000);

/// What a module has otherwise than the catalog of what lets a probe in: the key, and what is written.
fn locked_out(stack: &Stack, service: &Service, http: &Value) -> Option<(String, String)> {
    let contained = stack.catalog.prometheus.runs_on == "compose";
    let said = connection_of_service(service, (contained, ""));
    let mut keys = said.entries();
    let (key, _) = keys.find(|(key, said)| {
        let asked = ["tls_config", "authorization", "basic_auth"].contains(&key.as_str());
        asked && !connects_as_said(http.get(key.as_str()).unwrap_or(&Value::Null), said)
    })?;
    let written = http
        .get(key.as_str())
        .map_or("of nobody".to_string(), plain);
    Some((key.clone(), written))
}

/// What an answer is to the blackbox exporter's HTTP prober, as prober/http.go decides it: whether a probe of it succeeds; and
/// the key that decides against it.
fn succeeds(http: &Value, scheme: &str, status: i64, bodies: &[&str]) -> Result<(), &'static str> {
    let codes: Vec<i64> = http["valid_status_codes"]
        .items()
        .filter_map(Value::as_i64)
        .collect();
    let valid = match codes.is_empty() {
        true => (200..300).contains(&status),
        false => codes.contains(&status),
    };
    if !valid {
        return Err("valid_status_codes");
    }
    // What HTTP/2 needs is spoken inside TLS only.
    let spoken: &[&str] = match scheme {
        "https" => &["HTTP/1.1", "HTTP/2.0"],
        _ => &["HTTP/1.1"],
    };
    let mut versions = http["valid_http_versions"].texts().peekable();
    if versions.peek().is_some() && !versions.any(|version| spoken.contains(&version)) {
        return Err("valid_http_versions");
    }
    for (key, of) in [("fail_if_ssl", "https"), ("fail_if_not_ssl", "http")] {
        if http[key] == true && scheme == of {
            return Err(key);
        }
    }
    let finds = |pattern: &str, body: &str| {
        rewritten(pattern)
            .ok()
            .and_then(|pattern| Regex::new(&pattern).ok())
            .map(|pattern| pattern.is_match(body))
    };
    for body in bodies {
        for (key, wrong) in [
            ("fail_if_body_matches_regexp", true),
            ("fail_if_body_not_matches_regexp", false),
        ] {
            if http[key]
                .texts()
                .any(|pattern| finds(pattern, body) == Some(wrong))
            {
                return Err(key);
            }
        }
    }
    let most = http["body_size_limit"].as_str().and_then(Size::binary);
    // 0 is no limit.
    if let Some(most) = most.filter(|most| most.0 > 0)
        && bodies.iter().any(|body| body.len() as u64 > most.0)
    {
        return Err("body_size_limit");
    }
    let refused = http["fail_if_header_matches"].items().any(|header| {
        let name = header["header"].as_str().unwrap_or_default().to_lowercase();
        let types = SENT_TYPES.iter();
        let pattern = header["regexp"].as_str().unwrap_or_default();
        name == "content-type" && types.clone().any(|sent| finds(pattern, sent) == Some(true))
    });
    if refused {
        return Err("fail_if_header_matches");
    }
    // Whoever answers over HTTP sends these; another header is nobody's promise.
    let sent = ["content-type", "content-length", "date", "server"];
    let unsent = http["fail_if_header_not_matches"].items().any(|header| {
        let name = header["header"].as_str().unwrap_or_default().to_lowercase();
        header["allow_missing"] != true && !sent.contains(&name.as_str())
    });
    match unsent {
        true => Err("fail_if_header_not_matches"),
        false => Ok(()),
    }
}

/// What a healthy answer may say that it is.
const SENT_TYPES: [&str; 4] = [
    "application/json",
    "application/json; charset=utf-8",
    "text/plain",
    "text/plain; charset=utf-8",
];

/// Whether a service answers with the MetricsCollector.
fn collected(stack: &Stack, service: &Service) -> bool {
    service.runtime == "python" && service.image.is_none() && stack.files.python().next().is_some()
}

/// What a service may answer that is well: what the MetricsCollector says, or where a service answers itself, whatever it likes.
fn bodies(stack: &Stack, service: &Service) -> &'static [&'static str] {
    match collected(stack, service) {
        true => &BODIES[..1],
        false => &BODIES,
    }
}

const BODIES: [&str; 5] = [
    r#"{"status": "healthy"}"#,
    r#"{"status":"ok"}"#,
    "OK",
    "healthy\n",
    "",
];

/// How a module calls a service that is well unwell, or one that is not well: what decides it, and what to do.
fn misjudges(
    http: &Value,
    scheme: &str,
    bodies: &[&str],
    collected: bool,
) -> Option<(&'static str, String, &'static str)> {
    if let Err(key) = succeeds(http, scheme, 200, bodies) {
        return Some((
            key,
            format!(
                "a probe fails although the health path answers 200 over {scheme}, with a body or headers as services have them"
            ),
            "let an answer of 2xx count as well",
        ));
    }
    let unwell = [
        301, 302, 303, 307, 308, 400, 401, 403, 404, 429, 500, 502, 503, 504,
    ];
    if let Some(status) = unwell
        .into_iter()
        .find(|status| succeeds(http, scheme, *status, bodies).is_ok())
    {
        return Some((
            "valid_status_codes",
            format!("a service whose health path answers {status} counts as well"),
            "let only answers of 2xx count as well",
        ));
    }
    let host = http["headers"]
        .entries()
        .find(|(name, _)| name.eq_ignore_ascii_case("host"));
    if let Some((name, value)) = host {
        return Some((
            "headers",
            format!(
                "every service is asked as `{}` by `{name}`, whichever it is",
                plain(value)
            ),
            "remove it: the address that is asked says whose health it is",
        ));
    }
    // Followed unless the module says otherwise (config/config.go of the blackbox exporter).
    if http["follow_redirects"] != false {
        return Some((
            "follow_redirects",
            "a service whose health path leads to another page, as to a login, counts as well when that one answers"
                .to_string(),
            "write `follow_redirects: false`",
        ));
    }
    // With it the probe fails on every answer that is not compressed so, and the answers of health paths are short.
    let packed = http["compression"].as_str().unwrap_or("identity");
    if !["identity", ""].contains(&packed) {
        return Some((
            "compression",
            format!(
                "only answers that are compressed by {packed} count, and services answer as they are"
            ),
            "leave `compression` out",
        ));
    }
    let method = http["method"].as_str().unwrap_or("GET");
    // FastAPI, as other frameworks of Python, answers 405 to what a path is not declared for.
    if method == "HEAD" && collected {
        return Some((
            "method",
            "the health path is asked by HEAD, and a service in Python answers GET alone"
                .to_string(),
            "write `method: GET`",
        ));
    }
    if !["GET", "HEAD", ""].contains(&method) {
        return Some((
            "method",
            format!("the health path is asked by {method}, and it answers GET"),
            "write `method: GET`",
        ));
    }
    // Docker's networks and host.docker.internal are of IPv4.
    let version = http["preferred_ip_protocol"].as_str().unwrap_or("ip6");
    if version == "ip6" && http["ip_protocol_fallback"] == false {
        return Some((
            "ip_protocol_fallback",
            "services are looked for by IPv6 alone, which Docker's networks do not have"
                .to_string(),
            "write `preferred_ip_protocol: ip4`, or allow the fallback",
        ));
    }
    None
}

/// Why a module does not ask over HTTP for any answer of 2xx.
fn module_without(stack: &Stack, name: &str) -> Option<String> {
    let modules = &stack.files.blackbox()?.value["modules"];
    let Some(module) = modules.get(name) else {
        return Some(format!("the blackbox exporter has no module `{name}`"));
    };
    (module["prober"] != "http").then(|| format!("the module `{name}` does not ask over HTTP"))
}
