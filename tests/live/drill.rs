//! The fire drill itself: all alerts, failures named, nothing left behind.

use super::stack::{case, root};
use std::fs;
use std::io::{BufRead, BufReader};
use std::process::{Command, Stdio};
use std::sync::{Mutex, MutexGuard};

/// A drill goes by the clock: two at a time would disturb each other.
fn alone() -> MutexGuard<'static, ()> {
    static DRILL: Mutex<()> = Mutex::new(());
    DRILL
        .lock()
        .unwrap_or_else(|poisoned| poisoned.into_inner())
}

#[test]
fn every_alert_fires_reaches_its_receiver_and_resolves() {
    let _alone = alone();
    let root = root(super::RECEIVERS);
    let output = root.run(&["drill", "--format", "json"]);
    let text = String::from_utf8_lossy(&output.stdout);
    let document: monstack::value::Value = serde_json::from_str(&text).unwrap_or_else(|error| {
        panic!(
            "{error}: {text} {}",
            String::from_utf8_lossy(&output.stderr)
        )
    });
    let rows = document["drill"].as_array().unwrap();
    assert_eq!(rows.len(), 9, "eight alerts and the inhibition");
    for row in rows {
        assert_eq!(
            row["result"],
            "passed",
            "{document:#}\n{}",
            String::from_utf8_lossy(&output.stderr)
        );
    }
    for row in &rows[..8] {
        let receiver = if row["alert"] == "ServiceDown" {
            "pager"
        } else {
            "team"
        };
        assert_eq!(row["receiver"], receiver);
        let seconds = |key: &str| row[key].as_f64().unwrap();
        assert!(
            seconds("pending_seconds") < seconds("firing_seconds")
                && seconds("firing_seconds") <= seconds("delivered_seconds"),
            "{row:#}"
        );
        assert!(
            seconds("firing_seconds") - seconds("pending_seconds") >= 270.0,
            "{row:#}: it waited for its `for` of 5m or 10m"
        );
        assert!(seconds("resolved_seconds") > 0.0);
    }
    assert_eq!(output.status.code(), Some(0));
}

/// What a drill of some alerts says of each: the alert, its service, who is told, or why it failed.
fn drilled(name: &str, alerts: &[&str]) -> Vec<String> {
    let root = case(name);
    let only = alerts.iter().flat_map(|alert| ["--only", alert]);
    let arguments: Vec<&str> = ["drill", "--format", "json"]
        .into_iter()
        .chain(only)
        .collect();
    let output = root.run(&arguments);
    let text = String::from_utf8_lossy(&output.stdout);
    let document: monstack::value::Value = serde_json::from_str(&text).unwrap_or_else(|error| {
        panic!(
            "{error}: {text} {}",
            String::from_utf8_lossy(&output.stderr)
        )
    });
    let rows = document["drill"].as_array().unwrap().iter();
    let alerts = rows.filter(|row| row["alert"] != "inhibition");
    let text = |row: &monstack::value::Value, key: &str| row[key].as_str().unwrap().to_string();
    alerts
        .map(|row| {
            assert_eq!(row["result"], "passed", "{document:#}");
            assert!(row["resolved_seconds"].as_f64().unwrap() > 0.0, "{row:#}");
            ["alert", "service", "receiver"]
                .map(|key| text(row, key))
                .join(" ")
        })
        .collect()
}

/// Routes that go on, several receivers, a service's owner before its group's, a route of the catalog before any owner; and the
/// fast alert of an objective burns within the short window.
#[test]
fn alerts_reach_the_receivers_of_their_owners() {
    let _alone = alone();
    let alerts = [
        "ServiceDown",
        "TooManyErrors",
        "ReportsFail",
        "CheckoutAvailabilityFastBurn",
    ];
    assert_eq!(
        drilled("owners", &alerts),
        [
            "ServiceDown checkout auditors, pagerduty-web, slack-web",
            "TooManyErrors checkout slack-web",
            "ReportsFail reports pagerduty-data, slack-web",
            "CheckoutAvailabilityFastBurn checkout auditors, pagerduty-data",
        ]
    );
}

#[test]
fn an_objective_of_a_latency_burns_and_recovers() {
    let _alone = alone();
    assert_eq!(
        drilled("slos", &["LatencyFastBurn"]),
        ["LatencyFastBurn checkout team"]
    );
}

#[test]
fn an_alert_that_cannot_fire_fails_the_drill() {
    let _alone = alone();
    let root = root(super::RECEIVERS);
    let templates = root.folder.join("templates");
    copy(
        &std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("templates"),
        &templates,
    );
    let rules = templates.join("monitoring/signal_rules.yml");
    let text = fs::read_to_string(&rules).unwrap();
    // A signal that is never 0: valid, proven, and wrong.
    let broken = text.replacen(
        "0 * job:<< prefix | bare >>_expected:catalog",
        "job:<< prefix | bare >>_expected:catalog",
        1,
    );
    assert_ne!(text, broken);
    fs::write(
        &rules,
        broken.replacen(
            "max by (job, service, component) (up)",
            "2 * max by (job, service, component) (up + 1)",
            1,
        ),
    )
    .unwrap();
    let output = root.run(&[
        "drill",
        "--fresh",
        "--only",
        "ServiceDown",
        "--format",
        "json",
    ]);
    let text = String::from_utf8_lossy(&output.stdout);
    assert_eq!(output.status.code(), Some(1), "{text}");
    assert!(text.contains("did not fire: its condition"), "{text}");
    // What has no effect is not waited for as long as somebody would be told, and what is waited for is said.
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(said.contains("its condition does not hold yet"), "{said}");
}

/// What is drilled is what is on disk, and what holds an alert back there is named.
#[test]
fn an_alert_that_another_one_suppresses_is_not_said_to_be_lost() {
    let _alone = alone();
    let root = root(super::RECEIVERS);
    let path = root
        .folder
        .join("generated/monitoring/alertmanager/alertmanager.yml");
    let text = fs::read_to_string(&path).unwrap();
    let rule = "inhibit_rules:\n  - source_matchers: [\"alertname=\\\"Watchdog\\\"\"]\n    target_matchers: [\"severity=\\\"critical\\\"\"]";
    let changed = text.replacen("inhibit_rules:", rule, 1);
    assert_ne!(text, changed);
    fs::write(&path, changed).unwrap();
    let output = root.run(&["drill", "--only", "ServiceDown", "--format", "json"]);
    let text = String::from_utf8_lossy(&output.stdout);
    assert_eq!(output.status.code(), Some(1), "{text}");
    assert!(
        text.contains("fired and was suppressed by Watchdog"),
        "{text}"
    );
}

pub fn copy(from: &std::path::Path, to: &std::path::Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let target = to.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            copy(&entry.path(), &target);
        } else {
            fs::copy(entry.path(), target).unwrap();
        }
    }
}

#[test]
fn programs_that_are_missing_or_end_are_said() {
    let root = root("");
    let cases = [
        (
            ["--prometheus-bin", "/nonexistent/prometheus"],
            "Debian's package prometheus has it",
        ),
        (
            ["--alertmanager-bin", "/nonexistent/alertmanager"],
            "Debian's package prometheus-alertmanager has it",
        ),
        (
            ["--prometheus-bin", "/bin/false"],
            "prometheus ended by itself",
        ),
        (["--only", "NoSuchAlert"], "there is no alert `NoSuchAlert`"),
    ];
    for (arguments, sentence) in cases {
        let output = root.run(&[&["drill"], &arguments[..]].concat());
        let message = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(2), "{message}");
        assert!(message.contains(sentence), "{message}");
    }
}

/// An expression of the catalog's own has no fault: what its test gives is what the services expose meanwhile.
#[test]
fn expressions_fire_for_what_their_tests_say_about_groups_and_the_platform_too() {
    let _alone = alone();
    assert_eq!(
        drilled("alerts-about-all", &["MostIsDown", "LongQueue"]),
        ["MostIsDown  on-call", "LongQueue ai ai-pager"]
    );
}

/// What is deployed is what is on disk: a threshold that nobody rendered is not drilled, nor an alert that is only in the catalog.
#[test]
fn what_is_drilled_is_what_is_on_disk() {
    let _alone = alone();
    let root = root(super::RECEIVERS);
    let catalog = root.folder.join("services.toml");
    let text = fs::read_to_string(&catalog).unwrap();
    let new = "\n[alerts.AnotherDown]\nkind = \"down\"\nfor = \"7m\"\nseverity = \"warning\"\nservices = [\"memory-manager\"]\n";
    fs::write(&catalog, text + new).unwrap();
    let only = ["drill", "--only", "AnotherDown", "--format", "json"];
    let output = root.run(&only);
    let document: monstack::value::Value = serde_json::from_slice(&output.stdout).unwrap();
    let said = document.to_string();
    assert_eq!(output.status.code(), Some(1), "{document:#}");
    for part in [
        "drilled is what is on disk",
        "generated/ does not have it",
        "--fresh",
    ] {
        assert!(said.contains(part), "{part}: {document:#}");
    }
    let missing = [&only[..], &["--fresh", "--prometheus-bin", "/bin/false"]].concat();
    let said = String::from_utf8(root.run(&missing).stdout).unwrap();
    assert!(
        said.contains("ended by itself") && !said.contains("on disk"),
        "{said}"
    );
}

/// Nothing is told to whoever is killed; its servers end all the same, and the next drill clears what it has left.
#[test]
fn an_interrupted_drill_leaves_no_server_and_no_folder() {
    let _alone = alone();
    let root = root("");
    for signal in ["-INT", "-HUP", "-KILL"] {
        let mut child = root
            .command(&["drill"])
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let folder = format!("monstack-drill-{}", child.id());
        let mut lines = BufReader::new(child.stderr.take().unwrap()).lines();
        assert!(
            lines
                .by_ref()
                .any(|line| line.unwrap().contains("waiting for Prometheus"))
        );
        let both = (0..200).any(|_| {
            std::thread::sleep(std::time::Duration::from_millis(50));
            running(&folder) >= 4
        });
        assert!(both, "both servers run, each below a shell");
        assert!(
            Command::new("kill")
                .args([signal, &child.id().to_string()])
                .status()
                .unwrap()
                .success()
        );
        let last = lines.last();
        let code = child.wait().unwrap().code();
        if signal == "-KILL" {
            let gone = (0..100).any(|_| {
                std::thread::sleep(std::time::Duration::from_millis(50));
                running(&folder) == 0
            });
            assert!(gone, "a server outlived the drill that was killed");
            assert!(std::env::temp_dir().join(&folder).exists());
            root.run(&["drill", "--prometheus-bin", "/bin/false"]);
        } else {
            let last = last.unwrap().unwrap();
            assert!(last.contains("interrupted"), "{last}");
            assert_eq!(code, Some(2));
        }
        assert_eq!(running(&folder), 0, "a server outlived the drill");
        assert!(!std::env::temp_dir().join(&folder).exists());
    }
}

/// Processes that were started with this folder.
fn running(folder: &str) -> usize {
    let processes = fs::read_dir("/proc")
        .unwrap()
        .filter_map(|entry| fs::read(entry.ok()?.path().join("cmdline")).ok());
    processes
        .filter(|command| String::from_utf8_lossy(command).contains(folder))
        .count()
}

/// What the Alertmanager holds back, nobody is told of: it is no stray; what it does not hold back is one.
#[test]
fn an_alert_that_is_held_back_has_not_fired_too() {
    let _alone = alone();
    let more = "\n[alerts.Gone]\nkind = \"threshold\"\nmetric = \"up\"\nat_most = 0\nper = [\"instance\"]\nfor = \"6m\"\nseverity = \"warning\"\nservices = [\"agent-coordinator\"]\n";
    let root = root(&format!("{}{more}", super::RECEIVERS));
    let drill = || {
        let output = root.run(&["drill", "--only", "ServiceDown", "--format", "json"]);
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        (output.status.code(), text)
    };
    let (code, text) = drill();
    assert_eq!(code, Some(0), "{text}");
    let path = root
        .folder
        .join("generated/monitoring/alertmanager/alertmanager.yml");
    let written = fs::read_to_string(&path).unwrap();
    let (before, rules) = written.split_once("inhibit_rules:").unwrap();
    let after = rules.split_once("\nreceivers:").map(|(_, rest)| rest);
    let receivers = after.map_or(String::new(), |rest| format!("receivers:{rest}"));
    fs::write(&path, format!("{before}{receivers}")).unwrap();
    let (code, text) = drill();
    assert_eq!(code, Some(1), "{text}");
    assert!(text.contains("Gone@agent-coordinator fired too"), "{text}");
}
