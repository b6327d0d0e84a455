//! Generated inhibitions under a real Alertmanager: what it holds back is what is held back here.

use crate::referee::{folder, missing};
use crate::{PATTERNS, VALUES, generated, labels, matchers, pairs, runner};
use monstack::stack::notifications::inhibition::Inhibition;
use monstack::stack::notifications::matchers::Labels;
use monstack::value::{Value, json};
use proptest::prelude::*;
use std::collections::{BTreeMap, BTreeSet};
use std::net::TcpListener;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// Configurations, each loaded in turn.
const CONFIGURATIONS: usize = 48;

/// Alerts, which fire all the time.
const ALERTS: usize = 60;

/// A process that is ended, by its id, when the test is over.
struct Server {
    process: Child,
    url: String,
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

impl Server {
    fn start(folder: &Path) -> Server {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap().to_string();
        drop(listener);
        let program = "prometheus-alertmanager";
        let process = Command::new(program)
            .current_dir(folder)
            .args(["--config.file=config.yml", "--storage.path=data"])
            .args(["--cluster.listen-address=", "--log.level=error"])
            .arg(format!("--web.listen-address={address}"))
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap_or_else(|_| panic!("{}", missing(program)));
        let server = Server {
            process,
            url: format!("http://{address}"),
        };
        let start = Instant::now();
        while ureq::get(format!("{}/-/ready", server.url)).call().is_err() {
            assert!(
                start.elapsed() < Duration::from_secs(20),
                "it does not start"
            );
            std::thread::sleep(Duration::from_millis(50));
        }
        server
    }

    fn post(&self, path: &str, body: &Value) {
        let request = ureq::post(format!("{}{path}", self.url));
        let answer = request.header("content-type", "application/json");
        answer.send(body.to_string()).unwrap();
    }

    /// Every alert with those that hold it back.
    fn held_back(&self) -> BTreeMap<Labels, BTreeSet<Labels>> {
        let text = ureq::get(format!("{}/api/v2/alerts", self.url)).call();
        let text = text.unwrap().body_mut().read_to_string().unwrap();
        let all: Value = serde_json::from_str(&text).unwrap();
        let labels =
            |alert: &Value| -> Labels { monstack::value::from_value(&alert["labels"]).unwrap() };
        let all = all.as_array().unwrap();
        let by_fingerprint: BTreeMap<&str, Labels> = all
            .iter()
            .map(|alert| (alert["fingerprint"].as_str().unwrap(), labels(alert)))
            .collect();
        all.iter()
            .map(|alert| {
                let by = alert["status"]["inhibitedBy"].as_array().unwrap().iter();
                let by = by.map(|by| by_fingerprint[by.as_str().unwrap()].clone());
                (labels(alert), by.collect())
            })
            .collect()
    }
}

fn rule() -> impl Strategy<Value = Value> {
    let side = || (matchers(), pairs(&VALUES), pairs(&PATTERNS));
    let equal = proptest::collection::vec(
        proptest::sample::select(&["job", "zone", "severity", "nowhere"][..]),
        0..3,
    );
    (side(), side(), equal).prop_map(|(source, target, equal)| {
        json!({
            "source_matchers": source.0, "source_match": source.1, "source_match_re": source.2,
            "target_matchers": target.0, "target_match": target.1, "target_match_re": target.2,
            "equal": equal,
        })
    })
}

fn configuration(rules: &[Value]) -> Value {
    json!({"route": {"receiver": "x"}, "receivers": [{"name": "x"}], "inhibit_rules": rules})
}

#[test]
fn alerts_are_held_back_as_the_alertmanager_does_it() {
    let mut runner = runner();
    let folder = folder("inhibition");
    let write = |config: &Value| {
        std::fs::write(folder.join("config.yml"), config.to_string()).unwrap();
    };
    write(&configuration(&[]));
    let server = Server::start(&folder);
    // One without a name is refused with all others of the request.
    let alerts: BTreeSet<Labels> = generated(&labels(), ALERTS, &mut runner)
        .into_iter()
        .filter(|labels| !labels.is_empty())
        .collect();
    let sent: Vec<Value> = alerts
        .iter()
        .map(|labels| json!({"labels": labels}))
        .collect();
    server.post("/api/v2/alerts", &sent.into());
    let rules = proptest::collection::vec(rule(), 1..4);
    let (mut held, mut wrong) = (0, Vec::new());
    for rules in generated(&rules, CONFIGURATIONS, &mut runner) {
        let config = configuration(&rules);
        write(&config);
        server.post("/-/reload", &Value::Null);
        let own = Inhibition::of(&config);
        let by = |target: &Labels| -> BTreeSet<&Labels> {
            let sources = alerts
                .iter()
                .filter(|source| own.iter().any(|rule| rule.holds_back(source, target)));
            sources.collect()
        };
        let expected: BTreeMap<&Labels, BTreeSet<&Labels>> =
            alerts.iter().map(|target| (target, by(target))).collect();
        // The Alertmanager names one of them.
        let differs = |said: &BTreeMap<Labels, BTreeSet<Labels>>| {
            let one = |target: &&Labels| {
                let (by, all) = (&said[*target], &expected[*target]);
                by.is_empty() != all.is_empty() || by.iter().any(|by| !all.contains(by))
            };
            alerts.iter().find(one).cloned()
        };
        // It reads the alerts anew after it has been told of its configuration.
        let start = Instant::now();
        let left = loop {
            std::thread::sleep(Duration::from_millis(60));
            let left = differs(&server.held_back());
            if left.is_none() || start.elapsed() > Duration::from_secs(4) {
                break left;
            }
        };
        held += expected.values().filter(|by| !by.is_empty()).count();
        wrong.extend(left.map(|target| {
            format!(
                "{target:?} by {:?}: {}",
                expected[&target], config["inhibit_rules"]
            )
        }));
    }
    println!(
        "{} cases: {} alerts under {CONFIGURATIONS} configurations, held back {held} times",
        alerts.len() * CONFIGURATIONS,
        alerts.len()
    );
    assert!(held > CONFIGURATIONS, "hardly anything is held back");
    assert!(wrong.is_empty(), "{} wrong:\n{}", wrong.len(), wrong[0]);
}
