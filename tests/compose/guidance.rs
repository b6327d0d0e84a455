//! The compose files against the CIS Docker Benchmark 1.6 (chapter 5, what a container is started with) and the rules of
//! OWASP's Docker Security Cheat Sheet. What is about the machine or the image is not for a compose file to say.

use monstack::value::Value;

/// Whether a container of the whole project is as a rule wants it.
type Holds = fn(name: &str, container: &Value, watches: bool) -> bool;

/// Rule, what it wants, whether it holds. `watches`: the container is one of the monitoring; what the image of a service
/// needs (its user, the folders that it writes to) only its Dockerfile knows.
pub const RULES: &[(&str, &str, Holds)] = &[
    (
        "CIS 4.1, OWASP 2",
        "a user that is not root",
        |_, one, watches| {
            !watches
                || one["user"]
                    .as_str()
                    .is_some_and(|user| !matches!(user.split(':').next(), Some("0" | "root" | "")))
        },
    ),
    ("CIS 4.6, CIS 5.26", "a health check", |_, one, watches| {
        !watches || one["healthcheck"]["test"].is_array()
    }),
    ("CIS 5.3, OWASP 3", "no capabilities", |_, one, _| {
        one["cap_drop"] == monstack::value::json!(["ALL"]) && one.get("cap_add").is_none()
    }),
    (
        "CIS 5.4, OWASP 3",
        "no privileged container",
        |_, one, _| one.get("privileged").is_none(),
    ),
    (
        "CIS 5.5",
        "no sensitive folder of the machine",
        |_, one, _| {
            let sources = list(one, "volumes").iter().map(|mount| {
                mount
                    .as_str()
                    .and_then(|text| text.split(':').next())
                    .or(mount["source"].as_str())
            });
            sources.flatten().all(|source| !source.starts_with('/'))
        },
    ),
    (
        "CIS 5.7",
        "no port below 1024 of the machine",
        |_, one, _| published(one).all(|(_, port)| port >= 1024),
    ),
    ("CIS 5.9", "a network of its own", |_, one, _| {
        !["host", "bridge"].contains(&one["network_mode"].as_str().unwrap_or_default())
    }),
    ("CIS 5.10, OWASP 7", "a limit of memory", |_, one, _| {
        limit(one, "memory")
    }),
    ("CIS 5.11, OWASP 7", "a limit of CPU", |_, one, _| {
        limit(one, "cpus")
    }),
    (
        "CIS 5.12, OWASP 8",
        "a read-only root",
        |_, one, watches| !watches || one["read_only"] == true,
    ),
    ("CIS 5.13", "ports at chosen addresses", |_, one, _| {
        published(one).all(|(address, _)| address != "0.0.0.0" && !address.is_empty())
    }),
    (
        "CIS 5.14",
        "no endless restart that hides a fault",
        |_, one, _| one["restart"] == "unless-stopped",
    ),
    (
        "CIS 5.15, 5.16, 5.20, 5.30",
        "no namespace of the machine",
        |_, one, _| {
            ["pid", "ipc", "uts", "userns_mode", "cgroup_parent"]
                .iter()
                .all(|key| one.get(key).is_none())
        },
    ),
    ("CIS 5.17", "no device of the machine", |_, one, _| {
        one.get("devices").is_none()
    }),
    (
        "CIS 5.21, OWASP 6",
        "the default seccomp profile",
        |_, one, _| !one["security_opt"].to_string().contains("unconfined"),
    ),
    ("CIS 5.25, OWASP 4", "no new privileges", |_, one, _| {
        one["security_opt"] == monstack::value::json!(["no-new-privileges:true"])
    }),
    ("CIS 5.28, OWASP 7", "a limit of processes", |_, one, _| {
        limit(one, "pids")
    }),
    (
        "CIS 5.29, OWASP 5",
        "not on Docker's default bridge",
        |_, one, _| {
            !list(one, "networks").is_empty() && !one["networks"].to_string().contains("default")
        },
    ),
    ("CIS 5.31, OWASP 1", "no Docker socket", |_, one, _| {
        !one["volumes"].to_string().contains("docker.sock")
    }),
    (
        "OWASP 5",
        "services apart from what watches them",
        |name, one, _| {
            let networks = one["networks"].to_string();
            match name {
                "alertmanager" | "grafana" => networks == "[\"monitoring\"]",
                "prometheus" => networks.contains("\"monitoring\""),
                "blackbox-exporter" => !networks.contains("\"monitoring\""),
                _ => networks == "[\"services\"]",
            }
        },
    ),
    ("OWASP 12", "no secret in the environment", |_, one, _| {
        one["environment"]
            .as_object()
            .into_iter()
            .flatten()
            .all(|(key, _)| !key.contains("PASSWORD") || key.ends_with("__FILE"))
    }),
    (
        "Prometheus' security model",
        "nothing on the network may stop, reload or be read by a web page",
        |name, one, _| {
            let command = one["command"].to_string();
            let admin = [
                "--web.enable-lifecycle",
                "--web.enable-admin-api",
                "--web.cors.origin=.*",
            ]
            .iter()
            .any(|flag| command.contains(flag));
            !admin
                && (name != "prometheus"
                    || list(one, "command")
                        .iter()
                        .any(|flag| flag == "--web.cors.origin="))
        },
    ),
    (
        "Docker's documentation on logging",
        "a log that does not fill the disk",
        |_, one, _| {
            one["logging"]["options"]["max-size"].is_string()
                && one["logging"]["options"]["max-file"].is_string()
        },
    ),
];

/// A change to Prometheus' container that the rules of this number must each see.
pub const BREACHES: &[(&str, &str)] = &[
    ("user: '0:0'", "CIS 4.1"),
    ("healthcheck: null", "CIS 4.6"),
    ("cap_drop: [NET_RAW]", "CIS 5.3"),
    ("privileged: true", "CIS 5.4"),
    ("volumes: ['/etc:/host:ro']", "CIS 5.5"),
    ("ports: ['127.0.0.1:80:9090']", "CIS 5.7"),
    ("network_mode: host", "CIS 5.9"),
    ("deploy: {resources: {limits: {memory: null}}}", "CIS 5.10"),
    ("deploy: {resources: {limits: {cpus: null}}}", "CIS 5.11"),
    ("read_only: false", "CIS 5.12"),
    ("ports: ['0.0.0.0:9090:9090']", "CIS 5.13"),
    ("restart: always", "CIS 5.14"),
    ("pid: host", "CIS 5.15"),
    ("devices: [/dev/sda]", "CIS 5.17"),
    ("security_opt: ['seccomp:unconfined']", "CIS 5.21"),
    ("security_opt: []", "CIS 5.25"),
    ("deploy: {resources: {limits: {pids: null}}}", "CIS 5.28"),
    ("networks: null", "CIS 5.29"),
    ("volumes: ['/var/run/docker.sock:/s']", "CIS 5.31"),
    ("networks: [services]", "OWASP 5"),
    ("environment: {PASSWORD: x}", "OWASP 12"),
    (
        "command: [--web.enable-lifecycle, '--web.cors.origin=']",
        "Prometheus' security model",
    ),
    ("logging: null", "Docker's documentation on logging"),
];

/// Every rule that a container of a file breaks.
pub fn findings(file: &Value, watches: bool) -> Vec<String> {
    let containers = file["services"].as_object().into_iter().flatten();
    let broken = containers.flat_map(|(name, one)| {
        RULES
            .iter()
            .filter(move |(_, _, holds)| !holds(name, one, watches))
            .map(move |rule| (name, rule))
    });
    broken
        .map(|(name, (rule, wanted, _))| format!("{name}: {rule}: {wanted}"))
        .collect()
}

fn list<'a>(container: &'a Value, key: &str) -> &'a [Value] {
    container[key].as_array().map_or(&[], Vec::as_slice)
}

fn limit(container: &Value, key: &str) -> bool {
    let limit = &container["deploy"]["resources"]["limits"][key];
    limit.is_string() || limit.is_u64()
}

/// Address and port of this machine.
fn published(container: &Value) -> impl Iterator<Item = (&str, u16)> {
    let written = list(container, "ports").iter().filter_map(Value::as_str);
    written.map(|text| {
        (
            text.split(':').next().unwrap_or_default(),
            text.split(':')
                .nth(1)
                .and_then(|port| port.parse().ok())
                .unwrap_or(0),
        )
    })
}
