//! The compose files: the compose specification's JSON schema is the referee, `rules` sees what that schema lets through.

mod guidance;
mod health;
#[path = "../referee/mod.rs"]
mod referee;
mod rules;
#[path = "../shop/mod.rs"]
mod shop;

use monstack::catalog::schema::SCHEMA;
use monstack::pipeline::run;
use monstack::render::Rendered;
use monstack::value::{Value, json};
use monstack::yaml;
use referee::root;
use std::path::{Path, PathBuf};
use std::process::Command;

const FILES: [&str; 3] = [
    "docker-compose.yml",
    "docker-compose.monitoring.yml",
    "docker-compose.services.yml",
];

/// One service is probed in a container, one is not probed on the host.
const PROBED: &str = "[services.near]\ngroup = \"core\"\nport = 8080\nruns_on = \"compose\"\nhealth_probe = true\n[services.here]\ngroup = \"core\"\nport = 8081\n";

/// Whatever the catalog leaves open: `tables` follow the shortest head that loads.
fn rendered(tables: &str) -> Rendered {
    let head = "[platform]\nname = \"Shop <b> & \\\"quoted\\\" Ünï\"\nslug = \"shop\"\nmetric_prefix = \"shop\"\n[groups.core]\ntitle = \"Core | `x`\"\n";
    shop::rendered(&format!("{head}{tables}"))
}

fn service(name: &str, port: u16, more: &str) -> String {
    format!("[services.{name}]\ngroup = \"core\"\nport = {port}\n{more}\n")
}

/// One catalog for every branch of the templates.
fn cases() -> Vec<(&'static str, Rendered)> {
    let mixed = service(
        "python-host",
        8001,
        "cpu_limit = 0.25\nmemory_limit = \"100000001B\"\napp = \"shop.main:create.app\"",
    ) + &service(
        "python-compose",
        8001,
        "runs_on = \"compose\"\nhealth_path = \"/up/~now\"",
    ) + &service("node-host", 8002, "runtime = \"node\"")
        + &service(
            "go-compose",
            8003,
            "runtime = \"go\"\nruns_on = \"compose\"",
        )
        + &service("far", 8001, "runs_on = \"10.0.0.5\"");
    let notified = service("one", 1, "")
        + "[receivers.team.webhook]\nurl = \"http://host.docker.internal:9000/\"\ncredentials_file = \"/etc/alertmanager/secrets/token\"\n"
        + "[alertmanager.routes]\ncritical = \"team\"\nwarning = \"team\"\ninfo = \"team\"\n";
    let many: String = (0..20)
        .map(|index| service(&format!("s{index}"), 9000 + index, ""))
        .collect();
    vec![
        (
            "agent-lightning",
            run(root())
                .expect("readable")
                .rendered
                .expect("the real catalog renders"),
        ),
        ("mixed", rendered(&mixed)),
        (
            "remote",
            rendered(&service("far", 65535, "runs_on = \"10.0.0.5\"")),
        ),
        (
            "compose",
            rendered(&service("near", 8080, "runs_on = \"compose\"")),
        ),
        ("notified", rendered(&notified)),
        ("many", rendered(&many)),
        (
            "probed",
            rendered(&format!(
                "[blackbox]\naddress = \"blackbox-exporter:9999\"\nimage = \"prom/blackbox-exporter:v0.27.0\"\n{PROBED}"
            )),
        ),
        (
            "guarded",
            rendered(&format!(
                "[prometheus]\nbasic_auth_user = \"ops\"\n[alertmanager]\nbasic_auth_user = \"pager\"\n{PROBED}"
            )),
        ),
        (
            "probed-elsewhere",
            rendered(&format!(
                "[blackbox]\naddress = \"10.0.0.9:9115\"\n{PROBED}"
            )),
        ),
    ]
}

fn parsed(rendered: &Rendered) -> Vec<Value> {
    // A catalog whose services are all elsewhere has no file of services.
    let none = || monstack::value::json!({"name": rendered.file(FILES[0]).expect("an artifact").value["name"], "services": {}});
    FILES
        .iter()
        .map(|name| {
            rendered
                .file(name)
                .map_or_else(none, |file| file.value.as_ref().clone())
        })
        .collect()
}

/// Runs the referee.
fn judge(files: &[PathBuf]) -> (bool, String) {
    let output = Command::new(referee::python("check-jsonschema"))
        .args(["--builtin-schema", "vendor.compose-spec"])
        .args(files)
        .output()
        .expect("check-jsonschema starts");
    (
        output.status.success(),
        String::from_utf8_lossy(&output.stdout).into_owned()
            + &String::from_utf8_lossy(&output.stderr),
    )
}

fn written(folder: &str, name: &str, text: &str) -> PathBuf {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR"))
        .join("compose")
        .join(folder);
    std::fs::create_dir_all(&folder).expect("target/tmp is writable");
    std::fs::write(folder.join(name), text).expect("target/tmp is writable");
    folder.join(name)
}

#[test]
fn the_specification_accepts_every_file() {
    let mut files = Vec::new();
    for (case, rendered) in cases() {
        files.extend(
            FILES
                .iter()
                .filter_map(|name| Some(written(case, name, &rendered.file(name)?.text))),
        );
    }
    let (accepted, output) = judge(&files);
    assert!(accepted, "{output}");
}

#[test]
fn the_specification_refuses_what_it_should() {
    let (accepted, _) = judge(&[written(
        "refused",
        "docker-compose.yml",
        "services: {one: {image: 'x:1', no_such_key: 1}}\n",
    )]);
    assert!(!accepted);
}

#[test]
fn nothing_that_the_schema_lets_through() {
    for (case, rendered) in cases() {
        let paths: Vec<&str> = rendered
            .files
            .iter()
            .map(|file| file.path.as_str())
            .collect();
        assert_eq!(
            rules::findings(&parsed(&rendered), &paths),
            Vec::<String>::new(),
            "{case}"
        );
    }
}

#[test]
fn every_target_of_prometheus_answers_where_it_is_looked_for() {
    for (case, rendered) in cases() {
        let files = parsed(&rendered);
        let prometheus = &files[1]["services"]["prometheus"];
        let scraped = &rendered
            .file("monitoring/working_prometheus.yml")
            .expect("an artifact")
            .value["scrape_configs"];
        let targets: Vec<&str> = scraped
            .as_array()
            .unwrap()
            .iter()
            .filter(|job| job["job_name"] != "health-probe")
            .filter_map(|job| job["static_configs"][0]["targets"][0].as_str())
            .collect();
        let on_host: Vec<&&str> = targets
            .iter()
            .filter(|target| target.starts_with("host.docker.internal:"))
            .collect();
        let gateway = prometheus["extra_hosts"] == json!(["host.docker.internal:host-gateway"]);
        assert_eq!(gateway, !on_host.is_empty(), "{case}: {targets:?}");
        let published: Vec<String> = services(&files[2])
            .flat_map(|(_, service)| rules::ports(service))
            .map(|port| rules::interpolated(&port))
            .collect();
        let ports = on_host
            .iter()
            .map(|target| target.rsplit(':').next().unwrap());
        let wanted = ports.flat_map(|port| {
            ["127.0.0.1", "172.17.0.1"].map(|address| format!("{address}:{port}:{port}"))
        });
        assert_eq!(published, wanted.collect::<Vec<_>>(), "{case}");
        for target in targets
            .iter()
            .filter(|target| !target.contains('.') && !target.starts_with("localhost:"))
        {
            let (name, port) = target.split_once(':').unwrap();
            let service = files[1..]
                .iter()
                .find_map(|file| file["services"].get(name))
                .unwrap_or_else(|| panic!("{case}: {target} is no container"));
            let command = service["command"].to_string();
            assert!(
                !command.contains("uvicorn") || command.contains(&format!("\"{port}\"")),
                "{case}: {target} listens elsewhere: {command}"
            );
        }
    }
}

#[test]
fn every_probe_finds_the_exporter_and_the_exporter_every_service() {
    for (case, rendered) in cases() {
        let files = parsed(&rendered);
        let exporter = &files[1]["services"]["blackbox-exporter"];
        let jobs = &rendered
            .file("monitoring/working_prometheus.yml")
            .expect("an artifact")
            .value["scrape_configs"];
        let Some(job) = jobs
            .as_array()
            .unwrap()
            .iter()
            .find(|job| job["job_name"] == "health-probe")
        else {
            assert!(
                exporter.is_null() && rendered.file("monitoring/blackbox/blackbox.yml").is_none(),
                "{case}: nothing is probed"
            );
            continue;
        };
        let address = job["relabel_configs"][2]["replacement"].as_str().unwrap();
        let Some(port) = address.strip_prefix("blackbox-exporter:") else {
            assert!(exporter.is_null(), "{case}: the exporter is at {address}");
            continue;
        };
        let image = if case == "probed" {
            "prom/blackbox-exporter:v0.27.0"
        } else {
            SCHEMA["properties"]["blackbox"]["properties"]["image"]["default"]
                .as_str()
                .unwrap()
        };
        assert_eq!(exporter["image"], image, "{case}");
        assert!(
            exporter["command"]
                .as_array()
                .unwrap()
                .contains(&json!(format!("--web.listen-address=:{port}"))),
            "{case}: {exporter}"
        );
        assert!(
            exporter["healthcheck"]["test"]
                .to_string()
                .contains(&format!("127.0.0.1:{port}/-/healthy")),
            "{case}: {exporter}"
        );
        assert!(
            exporter["command"]
                .as_array()
                .unwrap()
                .contains(&json!("--config.file=/etc/blackbox/blackbox.yml")),
            "{case}: {exporter}"
        );
        assert_eq!(
            exporter["volumes"],
            json!(["./monitoring/blackbox:/etc/blackbox:ro"]),
            "{case}"
        );
        assert!(
            exporter.get("ports").is_none(),
            "{case}: whoever reaches it makes it ask any address"
        );
        let targets: Vec<&str> = job["static_configs"]
            .as_array()
            .unwrap()
            .iter()
            .map(|group| group["targets"][0].as_str().unwrap())
            .collect();
        let on_host = targets
            .iter()
            .any(|target| target.starts_with("http://host.docker.internal:"));
        assert_eq!(
            exporter["extra_hosts"] == json!(["host.docker.internal:host-gateway"]),
            on_host,
            "{case}: {targets:?}"
        );
        assert!(
            files[1]["services"]["prometheus"]
                .get("depends_on")
                .is_none(),
            "{case}: scrapes need no probes"
        );
    }
}

fn services(file: &Value) -> impl Iterator<Item = (&String, &Value)> {
    file["services"]
        .as_object()
        .expect("services is a mapping")
        .iter()
}

#[test]
fn a_python_service_is_what_uvicorn_finds() {
    let started = |rendered: &Rendered, name: &str| {
        rendered.file(FILES[2]).unwrap().value["services"][name]["command"][1].clone()
    };
    let cases = cases();
    assert_eq!(
        started(&cases[0].1, "agent-coordinator"),
        "services.agent_coordinator_service:app"
    );
    assert_eq!(
        started(&cases[0].1, "websocket-service"),
        "services.websocket_service:app"
    );
    assert_eq!(started(&cases[1].1, "python-host"), "shop.main:create.app");
    assert_eq!(
        started(&cases[1].1, "node-host"),
        Value::Null,
        "uvicorn cannot run it"
    );
}

#[test]
fn limits_are_the_catalogs() {
    let rendered = &cases()[1].1;
    let services = &rendered.file(FILES[2]).unwrap().value["services"];
    assert_eq!(
        services["python-host"]["deploy"]["resources"]["limits"],
        json!({"memory": "100000001b", "cpus": "0.25", "pids": 1024})
    );
    assert_eq!(
        services.get("far"),
        None,
        "a service at another address is no container here"
    );
}

#[test]
fn what_the_catalog_says_reaches_the_servers() {
    let text = service("one", 8001, "")
        + "[prometheus]\nretention = \"20d\"\nexternal_url = \"https://example.org/prometheus\"\nimage = \"prom/prometheus:v2.53.0\"\n"
        + "[alertmanager]\nexternal_url = \"https://example.org/alerts\"\n[grafana]\nexternal_url = \"https://example.org/grafana\"\n";
    let file = &parsed(&rendered(&text))[1]["services"];
    for (name, flag) in [
        ("prometheus", "--storage.tsdb.retention.time=20d"),
        (
            "prometheus",
            "--web.external-url=https://example.org/prometheus",
        ),
        ("prometheus", "--web.cors.origin="),
        ("prometheus", "--web.route-prefix=/"),
        (
            "alertmanager",
            "--web.external-url=https://example.org/alerts",
        ),
        ("alertmanager", "--web.route-prefix=/"),
    ] {
        assert!(
            file[name]["command"]
                .as_array()
                .unwrap()
                .contains(&json!(flag)),
            "{name} lacks {flag}"
        );
    }
    assert_eq!(file["prometheus"]["image"], "prom/prometheus:v2.53.0");
    assert_eq!(
        file["grafana"]["environment"]["GF_SERVER_ROOT_URL"],
        "https://example.org/grafana"
    );
}

#[test]
fn a_receivers_secret_is_mounted_from_outside() {
    let mounts =
        |case: usize| parsed(&cases()[case].1)[1]["services"]["alertmanager"]["volumes"].clone();
    let secrets = json!({
        "type": "bind", "source": "${SECRETS_DIRECTORY:-../secrets}/alertmanager", "target": "/etc/alertmanager/secrets",
        "read_only": true, "bind": {"create_host_path": false}
    });
    assert!(
        mounts(4).as_array().unwrap().contains(&secrets),
        "{}",
        mounts(4)
    );
    assert!(
        !mounts(0).as_array().unwrap().contains(&secrets),
        "no receiver reads a file: {}",
        mounts(0)
    );
}

#[test]
fn every_mistake_is_found() {
    let rendered = &cases()[0].1;
    let paths: Vec<&str> = rendered
        .files
        .iter()
        .map(|file| file.path.as_str())
        .collect();
    for (change, finding) in rules::MISTAKES {
        let mut files = parsed(rendered);
        let change = yaml::parse(change).expect("a change is YAML");
        rules::merge(&mut files[1], &change);
        let found = rules::findings(&files, &paths);
        assert!(
            found.len() == 1 && found[0].contains(finding),
            "{change} gives {found:?}, not {finding:?}"
        );
    }
}

#[test]
fn no_container_breaks_the_guidance_of_cis_and_owasp() {
    for (case, rendered) in cases() {
        // Port 1 is the services' own affair, and this case is about receivers.
        if case == "notified" {
            continue;
        }
        let files = parsed(&rendered);
        assert_eq!(
            guidance::findings(&files[1], true),
            Vec::<String>::new(),
            "{case}"
        );
        assert_eq!(
            guidance::findings(&files[2], false),
            Vec::<String>::new(),
            "{case}"
        );
    }
}

#[test]
fn every_rule_of_the_guidance_sees_its_breach() {
    for (rule, _, _) in guidance::RULES {
        assert!(
            guidance::BREACHES
                .iter()
                .any(|(_, breaks)| rule.starts_with(breaks)),
            "nothing breaks {rule}"
        );
    }
    let whole = parsed(&cases()[0].1)[1].clone();
    for (change, rule) in guidance::BREACHES {
        let mut file = whole.clone();
        rules::merge(
            &mut file["services"]["prometheus"],
            &yaml::parse(change).expect("a change is YAML"),
        );
        let found = guidance::findings(&file, true);
        assert!(
            found
                .iter()
                .any(|found| found.starts_with(&format!("prometheus: {rule}"))),
            "{change} gives {found:?}, not {rule}"
        );
    }
}

/// Two containers reach each other when they share a network.
#[test]
fn a_service_reaches_no_alertmanager_and_everything_that_is_asked_is_reached() {
    for (case, rendered) in cases() {
        let files = parsed(&rendered);
        let networks = |name: &str| -> Vec<String> {
            let found = files[1..]
                .iter()
                .find_map(|file| file["services"].get(name))
                .unwrap_or(&Value::Null);
            found["networks"]
                .as_array()
                .into_iter()
                .flatten()
                .map(|network| network.as_str().unwrap().to_string())
                .collect()
        };
        let meet = |one: &str, other: &str| {
            networks(one)
                .iter()
                .any(|network| networks(other).contains(network))
        };
        for pair in [("prometheus", "alertmanager"), ("grafana", "prometheus")] {
            assert!(meet(pair.0, pair.1), "{case}: {pair:?}");
        }
        if files[1]["services"].get("blackbox-exporter").is_some() {
            assert!(
                meet("prometheus", "blackbox-exporter")
                    && !meet("blackbox-exporter", "alertmanager"),
                "{case}"
            );
        }
        let targets = rendered
            .file("monitoring/working_prometheus.yml")
            .unwrap()
            .text
            .clone();
        // Asked by name, or not at all reached: where every service is asked at an address of a machine, none sees Prometheus.
        let inside = services(&files[2]).any(|(_, container)| container.get("ports").is_none());
        for (name, _) in services(&files[2]) {
            assert!(
                !meet(name, "alertmanager") && !meet(name, "grafana"),
                "{case}: {name}"
            );
            assert_eq!(meet(name, "prometheus"), inside, "{case}: {name}");
            let probed = targets.contains(&format!("http://{name}:"))
                && files[1]["services"].get("blackbox-exporter").is_some();
            assert!(!probed || meet(name, "blackbox-exporter"), "{case}: {name}");
        }
    }
}

/// A receiver that is a service is reached, and the file says what that opens.
#[test]
fn a_receiver_among_the_services_is_reached() {
    let text = service("bot", 8080, "runs_on = \"compose\"")
        + "[receivers.team.webhook]\nurl = \"http://bot:8080/alerts\"\n[alertmanager.routes]\ncritical = \"team\"\nwarning = \"team\"\ninfo = \"team\"\n";
    let rendered = rendered(&text);
    let file = rendered.file(FILES[1]).unwrap();
    assert_eq!(
        file.value["services"]["alertmanager"]["networks"],
        json!(["monitoring", "services"])
    );
    assert!(
        file.text
            .contains("A compromised service can silence alerts"),
        "{}",
        file.text
    );
}

/// Links lead to where the servers are published, wherever the catalog says that this is.
#[test]
fn links_follow_the_published_port() {
    let text = service("one", 8001, "")
        + "[grafana]\nport = 3300\n[prometheus]\nport = 9190\n[alertmanager]\nport = 9193\n";
    let here = rendered(&text);
    let there = rendered(&(text.clone() + "[compose]\nmonitoring_address = \"10.0.0.3\"\n"));
    for (rendered, address, host) in [
        (&here, "127.0.0.1", "localhost"),
        (&there, "10.0.0.3", "10.0.0.3"),
    ] {
        let file = &parsed(rendered)[1]["services"];
        for (name, port, inside) in [
            ("grafana", 3300, 3000),
            ("prometheus", 9190, 9090),
            ("alertmanager", 9193, 9093),
        ] {
            assert_eq!(
                file[name]["ports"],
                json!([format!("{address}:{port}:{inside}")])
            );
            assert!(
                rendered
                    .file("docs/RUNBOOK.md")
                    .unwrap()
                    .text
                    .contains(&format!("http://{host}:{port}")),
                "{name}"
            );
        }
        assert_eq!(
            file["grafana"]["environment"]["GF_SERVER_ROOT_URL"],
            format!("http://{host}:3300")
        );
        assert!(
            !rendered
                .files
                .iter()
                .any(|file| file.text.contains("localhost:3000")),
            "a link is left at 3000"
        );
    }
}

/// With a password, everybody who must be let in is: health checks, the scrapes of both, the sending of alerts, Grafana.
#[test]
fn a_password_reaches_everybody_who_needs_it() {
    let cases = cases();
    let (_, rendered) = cases.iter().find(|(case, _)| *case == "guarded").unwrap();
    let file = &parsed(rendered)[1];
    let containers = &file["services"];
    for (name, user) in [("prometheus", "ops"), ("alertmanager", "pager")] {
        let command = containers[name]["command"].as_array().unwrap();
        assert!(
            command.contains(&json!(format!("--web.config.file=/run/secrets/{name}_web"))),
            "{name}"
        );
        assert!(
            containers[name]["healthcheck"]["test"]
                .to_string()
                .contains("--http.config.file="),
            "{name}"
        );
        let path = if name == "prometheus" {
            "monitoring/http_client.yml"
        } else {
            "monitoring/alertmanager/http_client.yml"
        };
        let login =
            json!({"username": user, "password_file": format!("/run/secrets/{name}_password")});
        assert_eq!(rendered.file(path).unwrap().value["basic_auth"], login);
        let config = &rendered
            .file("monitoring/working_prometheus.yml")
            .unwrap()
            .value;
        let job = config["scrape_configs"]
            .as_array()
            .unwrap()
            .iter()
            .find(|job| job["job_name"] == name)
            .unwrap();
        assert_eq!(job["basic_auth"], login);
        if name == "alertmanager" {
            assert_eq!(config["alerting"]["alertmanagers"][0]["basic_auth"], login);
        }
    }
    let source = &rendered
        .file("monitoring/grafana/provisioning/datasources/prometheus.yml")
        .unwrap()
        .value["datasources"][0];
    assert_eq!(
        (&source["basicAuth"], &source["basicAuthUser"]),
        (&json!(true), &json!("ops"))
    );
    assert_eq!(
        source["secureJsonData"]["basicAuthPassword"],
        "$__file{/run/secrets/prometheus_password}"
    );
    let secrets = |name: &str| containers[name]["secrets"].clone();
    assert_eq!(
        secrets("prometheus"),
        json!([
            "prometheus_web",
            "prometheus_password",
            "alertmanager_password"
        ])
    );
    assert_eq!(
        secrets("alertmanager"),
        json!(["alertmanager_web", "alertmanager_password"])
    );
    assert_eq!(
        secrets("grafana"),
        json!(["grafana_admin_password", "prometheus_password"])
    );
    // One group reads them all, so that no file is for everybody.
    for name in ["prometheus", "alertmanager"] {
        assert_eq!(containers[name]["user"], "65534:65534");
    }
    assert_eq!(containers["grafana"]["group_add"], json!(["65534"]));
}
