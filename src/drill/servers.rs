//! Prometheus and Alertmanager in a temporary folder, with the rendered configuration rewritten to loopback and scaled.

use super::folder::Folder;
use super::{Drill, prober, scaled};
use crate::catalog::Service;
use crate::drill::receiver::Receiver;
use crate::live::endpoint::{Endpoint, Login};
use crate::live::http::Client;
use crate::simulation::Fleet;
use crate::stack::notifications::routes::TIMES;
use crate::value::{Map, Value, json};
use anyhow::{Context, Error, Result, anyhow, bail};
use std::fs::File;
use std::hash::BuildHasher;
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;
use tokio::process::{Child, Command};

/// The running servers; they end when this is dropped, and when this process does, however it ends.
pub(crate) struct Servers {
    folder: PathBuf,
    children: Vec<(&'static str, Child)>,
}

/// Where the drill takes place; the folder goes with it.
pub(crate) struct Stage {
    folder: Folder,
    /// Asked for its alerts.
    pub prometheus: std::sync::Arc<Endpoint>,
    /// Asked for what it holds back.
    pub alertmanager: std::sync::Arc<Endpoint>,
    /// Jobs of the configuration that no stand-in answers for.
    pub left_out: Vec<String>,
    /// The others.
    pub jobs: Vec<String>,
}

/// Of one answer; a machine under load answers late.
pub(crate) const TIMEOUT: Duration = Duration::from_secs(5);

impl Stage {
    /// Writes the files and starts both servers.
    pub(crate) async fn build(
        drill: &Drill<'_>,
        fleet: &Fleet,
        receiver: &Receiver,
    ) -> Result<(Stage, Servers)> {
        let folder = Folder::new()?;
        let [own, other, exporter] = free_ports()?;
        let at = |port: u16| format!("127.0.0.1:{port}");
        let endpoint = |name, port| {
            Endpoint::new(name, &format!("http://{}", at(port)), Login::Address)
                .map(std::sync::Arc::new)
        };
        let exporter = drill.rendered.blackbox().map(|_| at(exporter));
        let mut stage = Stage {
            folder,
            prometheus: endpoint("Prometheus", own)?,
            alertmanager: endpoint("Alertmanager", other)?,
            left_out: Vec::new(),
            jobs: Vec::new(),
        };
        (stage.jobs, stage.left_out) = stage.write(
            drill,
            fleet,
            receiver,
            [&at(own), &at(other)],
            exporter.as_deref(),
        )?;
        let mut servers = Servers {
            folder: stage.folder.path.clone(),
            children: Vec::new(),
        };
        let mut programs = vec![
            (
                "prometheus",
                &drill.prometheus,
                stage.prometheus_arguments(drill, &at(own)),
            ),
            (
                "alertmanager",
                &drill.alertmanager,
                stage.alertmanager_arguments(&at(other)),
            ),
        ];
        programs.extend(exporter.map(|address| {
            let arguments =
                prober::arguments(&stage.file("blackbox.yml"), &address, drill.time_scale);
            ("blackbox", &drill.blackbox, arguments.to_vec())
        }));
        for (name, program, arguments) in programs {
            servers
                .children
                .push((name, spawn(name, program, &arguments, &stage.folder.path)?));
        }
        Ok((stage, servers))
    }

    fn file(&self, name: &str) -> String {
        self.folder.path.join(name).display().to_string()
    }

    fn prometheus_arguments(&self, drill: &Drill, address: &str) -> Vec<String> {
        let lookback = drill.real(crate::catalog::Duration(300_000));
        vec![
            format!("--config.file={}", self.file("prometheus.yml")),
            format!("--storage.tsdb.path={}", self.file("data")),
            format!("--web.listen-address={address}"),
            format!("--query.lookback-delta={}ms", lookback.as_millis().max(1)),
            // Sent again soon: an alert must not expire at the Alertmanager while it fires.
            "--rules.alert.resend-delay=5s".to_string(),
            "--log.level=warn".to_string(),
        ]
    }

    fn alertmanager_arguments(&self, address: &str) -> Vec<String> {
        vec![
            format!("--config.file={}", self.file("alertmanager.yml")),
            format!("--storage.path={}", self.file("alertmanager")),
            format!("--web.listen-address={address}"),
            "--cluster.listen-address=".to_string(),
            "--log.level=warn".to_string(),
        ]
    }

    /// The configurations and every rule file; returns the jobs that are scraped, and those that were left out.
    fn write(
        &self,
        drill: &Drill,
        fleet: &Fleet,
        receiver: &Receiver,
        own: [&str; 2],
        exporter: Option<&str>,
    ) -> Result<(Vec<String>, Vec<String>)> {
        let (Some(config), Some(routes)) = (
            drill.rendered.prometheus().next(),
            drill.rendered.alertmanager(),
        ) else {
            bail!("the rendered files hold no configuration of Prometheus or of the Alertmanager");
        };
        let mut rule_files = Vec::new();
        for (pattern, files) in drill.rendered.named_rule_files(config) {
            if files.is_empty() {
                bail!("the rule file {pattern} is not rendered");
            }
            for file in files {
                // All stand beside each other here, and none is the configuration.
                let name = format!("rules-{}", file.path.replace('/', "-"));
                self.put(&name, file.value.as_ref().clone(), drill.time_scale)?;
                rule_files.push(Value::from(name));
            }
        }
        let mut config = config.value.as_ref().clone();
        config["rule_files"] = rule_files.into();
        let jobs = on_loopback(&mut config, drill, fleet, own, exporter);
        let mut routes = routes.value.as_ref().clone();
        for receiving in routes["receivers"].as_array_mut().into_iter().flatten() {
            let name = receiving["name"].as_str().unwrap_or_default().to_string();
            *receiving = json!({"name": name, "webhook_configs": [{"url": format!("http://{}/{name}", receiver.address), "send_resolved": true}]});
        }
        at_any_time(&mut routes["route"]);
        if let Some(file) = drill.rendered.blackbox() {
            self.put(
                "blackbox.yml",
                file.value.as_ref().clone(),
                drill.time_scale,
            )?;
        }
        self.put("prometheus.yml", config, drill.time_scale)?;
        self.put("alertmanager.yml", routes, drill.time_scale)?;
        Ok(jobs)
    }

    /// JSON is YAML.
    fn put(&self, name: &str, mut value: Value, factor: f64) -> Result<()> {
        scaled::document(&mut value, factor);
        let path = self.folder.path.join(name);
        std::fs::write(&path, serde_json::to_string_pretty(&value)?)
            .with_context(|| format!("cannot write {}", path.display()))
    }
}

impl Servers {
    /// Ends only when a server ends by itself: why, in its last words.
    pub(crate) async fn failure(&mut self) -> Error {
        let (name, status) = loop {
            let mut children = self.children.iter_mut();
            let ended = children.find_map(|(name, child)| {
                let status = child.try_wait().transpose()?;
                Some((
                    *name,
                    status.map_or(String::new(), |status| format!(" ({status})")),
                ))
            });
            if let Some(ended) = ended {
                break ended;
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        };
        let log =
            std::fs::read_to_string(self.folder.join(format!("{name}.log"))).unwrap_or_default();
        let words: Vec<&str> = log.lines().rev().take(3).collect();
        let words = match words.is_empty() {
            true => "it has said nothing".to_string(),
            false => words.into_iter().rev().collect::<Vec<_>>().join(" / "),
        };
        anyhow!("{name} ended by itself{status}: {words}")
    }

    /// Ends the servers and waits for it.
    pub(crate) async fn end(mut self) {
        for (_, child) in &mut self.children {
            drop(child.stdin.take());
        }
        for (_, child) in &mut self.children {
            let _ = child.wait().await;
        }
    }
}

/// Whoever is told at some times only is told during the drill too.
fn at_any_time(route: &mut Value) {
    if let Some(route) = route.as_object_mut() {
        TIMES.iter().for_each(|key| drop(route.remove(key)));
    }
    let inside = route.get_mut("routes").and_then(Value::as_array_mut);
    inside.into_iter().flatten().for_each(at_any_time);
}

/// Targets become the stand-ins and the drill's own servers; a job without any is left out. The jobs that stay, and the others.
fn on_loopback(
    config: &mut Value,
    drill: &Drill,
    fleet: &Fleet,
    [own, other]: [&str; 2],
    exporter: Option<&str>,
) -> (Vec<String>, Vec<String>) {
    let settings = &drill.catalog.prometheus;
    config["alerting"]["alertmanagers"] = json!([{"static_configs": [{"targets": [other]}]}]);
    let mut left_out = Vec::new();
    let jobs = config["scrape_configs"]
        .as_array_mut()
        .map(std::mem::take)
        .unwrap_or_default();
    let mut kept = Vec::new();
    for mut job in jobs {
        let name = job["job_name"].as_str().unwrap_or_default().to_string();
        // The stand-ins speak plain HTTP, and neither they nor the drill's own servers ask for a login. As text there are no native
        // histograms to ask for, which a Prometheus before 3.8 could not be told.
        if let Some(job) = job.as_object_mut() {
            for key in [
                "scheme",
                "tls_config",
                "authorization",
                "basic_auth",
                "proxy_url",
                "scrape_native_histograms",
                "always_scrape_classic_histograms",
            ] {
                job.remove(key);
            }
        }
        let stand_ins = fleet.addresses(&name);
        let any = if exporter.is_some_and(|exporter| prober::on_loopback(&mut job, fleet, exporter))
        {
            true
        } else if stand_ins.is_empty() {
            to_servers(&mut job, &|target| {
                let peer = settings.alertmanagers.iter().any(|one| one == target);
                let alertmanager = peer.then_some(other);
                (target == settings.address).then_some(own).or(alertmanager)
            })
        } else {
            to_stand_ins(&mut job, &stand_ins, drill.catalog.service(&name));
            true
        };
        if any {
            kept.push(job)
        } else {
            left_out.push(name)
        }
    }
    let named = |job: &Value| job["job_name"].as_str().map(str::to_string);
    let jobs = kept.iter().filter_map(named).collect();
    config["scrape_configs"] = kept.into();
    (jobs, left_out)
}

/// Targets become stand-ins, in their order, and keep their labels and their names; what finds them by DNS is told where they are.
fn to_stand_ins(job: &mut Value, addresses: &[SocketAddr], service: Option<&Service>) {
    let mut rest = addresses.iter().map(|address| address.to_string().into());
    if let Some(job) = job.as_object_mut() {
        let before = job.len();
        job.retain(|key, _| !key.ends_with("_sd_configs"));
        if job.len() < before {
            let found: Vec<Value> = match service.filter(|service| service.discovery.is_some()) {
                Some(service) => service
                    .instances
                    .iter()
                    .zip(rest)
                    .map(|(one, address)| {
                        let mut labels = one.labels.clone();
                        labels.insert("instance".to_string(), one.address.clone());
                        json!({ "targets": [address], "labels": labels })
                    })
                    .collect(),
                None => vec![json!({ "targets": rest.collect::<Vec<Value>>() })],
            };
            job.insert("static_configs".into(), found.into());
            as_found(job, service);
            return;
        }
        as_found(job, service);
    }
    // Alerts may choose an instance by its address, which stays its name.
    let mut apart = Vec::new();
    for group in job["static_configs"].items() {
        for (target, address) in group["targets"].texts().zip(rest.by_ref()) {
            let mut one = group.clone();
            one["targets"] = Value::Array(vec![address]);
            one["labels"]["instance"] = target.into();
            apart.push(one);
        }
    }
    job["static_configs"] = apart.into();
}

/// Takes away the rules of a job that look at what is found, or lead to an exporter: the stand-ins have the labels already, and are
/// asked themselves.
fn as_found(job: &mut Map, service: Option<&Service>) {
    let Some(service) = service else { return };
    if service.discovery.is_none() && service.through.is_none() {
        return;
    }
    let rules = job.get_mut("relabel_configs").and_then(Value::as_array_mut);
    if let Some(rules) = rules {
        rules.retain(|rule| {
            rule["source_labels"].is_null() && rule["target_label"] != "__address__"
        });
    }
}

/// Targets become the drill's own servers; false: none is one of them.
fn to_servers<'a>(job: &mut Value, server: &dyn Fn(&str) -> Option<&'a str>) -> bool {
    let mut any = false;
    for group in job["static_configs"].as_array_mut().into_iter().flatten() {
        let moved: Vec<Value> = group["targets"]
            .texts()
            .filter_map(server)
            .map(Value::from)
            .collect();
        any |= !moved.is_empty();
        group["targets"] = moved.into();
    }
    any
}

/// Three ports where nothing listens. Before their servers start, nothing else is likely to take one: they are below those that
/// Linux gives to connections that go out (32768 and more, ip(7)), and chosen by chance, as another drill's are.
fn free_ports() -> Result<[u16; 3]> {
    let chance = std::hash::RandomState::new();
    let listeners: Vec<TcpListener> = (0..1000)
        .map(|turn| 20_000 + (chance.hash_one(turn) % 12_000) as u16)
        .filter_map(|port| TcpListener::bind((Ipv4Addr::LOCALHOST, port)).ok())
        .take(3)
        .collect();
    let ports: Vec<u16> = listeners
        .iter()
        .map(|listener| Ok(listener.local_addr()?.port()))
        .collect::<Result<_>>()?;
    ports.try_into().ok().context("there is no free port")
}

/// Runs a program until it ends or its standard input does, which is a pipe that this process holds: no signal can keep the
/// program from ending with it.
const WITH_ITS_PARENT: &str = r#"
exec 3<&0
"$@" 3<&- </dev/null &
program=$!
{ read -r _ <&3; kill -9 $program; } 2>/dev/null &
watch=$!
exec 3<&-
wait $program
code=$?
kill $watch 2>/dev/null
wait $watch 2>/dev/null
exit $code
"#;

fn spawn(name: &str, program: &Path, arguments: &[String], folder: &Path) -> Result<Child> {
    let log = File::create(folder.join(format!("{name}.log"))).context("cannot write a log")?;
    let started = there(program).and_then(|()| {
        Command::new("sh")
            .args(["-c", WITH_ITS_PARENT, "sh"])
            .arg(program)
            .args(arguments)
            .stdin(Stdio::piped())
            .stdout(log.try_clone()?)
            .stderr(log)
            // What a terminal sends to this process is not for them: it ends them itself.
            .process_group(0)
            .kill_on_drop(true)
            .spawn()
    });
    started.map_err(|error| {
        let package = match name {
            "prometheus" => "prometheus",
            "alertmanager" => "prometheus-alertmanager",
            _ => "prometheus-blackbox-exporter",
        };
        anyhow!("cannot start {}: {error}; Debian's package {package} has it, --{name}-bin says where it is", program.display())
    })
}

/// Whether a program can be found: by its path, or by its name in PATH.
fn there(program: &Path) -> std::io::Result<()> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let found = match program.components().count() {
        1 => std::env::split_paths(&path).any(|folder| folder.join(program).is_file()),
        _ => program.is_file(),
    };
    match found {
        true => Ok(()),
        false => Err(std::io::ErrorKind::NotFound.into()),
    }
}

/// Asks a server without holding up the stand-ins, which share this thread.
pub(crate) async fn ask(endpoint: &std::sync::Arc<Endpoint>, path: String) -> Option<Value> {
    let endpoint = endpoint.clone();
    let asked = tokio::task::spawn_blocking(move || {
        endpoint.json(&Client::new(TIMEOUT, None).ok()?, &path).ok()
    });
    asked.await.ok().flatten()
}
