//! Set-ups that are kept by hand, adopted and rendered: other programs see the same alerts, receivers and inhibitions as before, but
//! for what the report says.
//!
//! Each folder here is one: its files, `samples.yml` with what is scraped, and `report.txt`, which `UPDATE_GOLDEN=1` rewrites.

#[path = "../referee/mod.rs"]
mod referee;
#[path = "../shop/mod.rs"]
mod shop;

use monstack::stack::notifications::inhibition::Inhibition;
use monstack::value::Value;
use monstack::yaml;
use shop::{folder, monstack};
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

/// Labels, as everything here compares them.
type Labels = BTreeMap<String, String>;

/// What a catalog adds to a series of a service, and to its alerts where it has an owner.
const ADDED: [&str; 3] = ["service", "component", "owner"];

/// The minutes at which it is asked what fires.
const ASKED: [usize; 4] = [9, 18, 29, 58];

fn files(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).expect("a folder") {
        let path = entry.expect("an entry").path();
        match path.is_dir() {
            true => found.extend(files(&path)),
            false => found.push(path),
        }
    }
    found.sort();
    found
}

/// A set-up in a folder of its own; gives that and the files that are adopted.
fn laid_out(name: &str) -> (PathBuf, Vec<String>) {
    let from = referee::root().join("tests/adopt").join(name);
    let root = folder(&format!("adopt-{name}"));
    let mut given = Vec::new();
    for file in files(&from) {
        let path = file.strip_prefix(&from).expect("below it");
        let to = root.join(path);
        fs::create_dir_all(to.parent().expect("a folder")).expect("writable");
        fs::copy(&file, to).expect("readable");
        let path = path.to_str().expect("a name");
        // What has no ending is a secret that the others name.
        if path.contains('.') && path != "samples.yml" && path != "report.txt" {
            given.push(path.to_string());
        }
    }
    (root, given)
}

/// What fires at each of the asked minutes, as promtool says it, by the rules of these files.
fn fires(root: &Path, rules: &[String], services: &toml::Table) -> Vec<BTreeSet<Labels>> {
    let samples = fs::read_to_string(root.join("samples.yml")).expect("readable");
    let mut series = String::new();
    for line in samples.lines().filter(|line| !line.starts_with('#')) {
        let (name, values) = line.split_once("}: ").expect("a series and its values");
        let job = name
            .split("job=\"")
            .nth(1)
            .and_then(|rest| rest.split('"').next());
        let service = job.and_then(|job| services.get(job).map(|service| (job, service)));
        let added = service.map_or(String::new(), |(job, service)| {
            let group = service["group"].as_str().expect("a name");
            format!(",service=\"{job}\",component=\"{group}\"")
        });
        series += &format!("      - series: '{name}{added}}}'\n        values: '{values}'\n");
    }
    let asked: String = ASKED
        .iter()
        .map(|minute| {
            format!(
                "      - expr: 'ALERTS{{alertstate=\"firing\"}}'\n        eval_time: {minute}m\n        exp_samples: []\n"
            )
        })
        .collect();
    let files: String = rules.iter().map(|file| format!("  - {file}\n")).collect();
    let test = format!(
        "rule_files:\n{files}evaluation_interval: 1m\ntests:\n  - interval: 1m\n    input_series:\n{series}    promql_expr_test:\n{asked}"
    );
    fs::write(root.join("asked.yml"), test).expect("writable");
    let (_, said) = referee::judge("promtool", &["test", "rules", "asked.yml"], root);
    let mut all = vec![BTreeSet::new(); ASKED.len()];
    let mut at = None;
    for line in said.lines() {
        if let Some((_, time)) = line.split_once(r#"alertstate=\"firing\"}", time: "#) {
            let minute = time.split('m').next().expect("minutes");
            at = ASKED.iter().position(|asked| asked.to_string() == minute);
        }
        let got = line.trim_start().strip_prefix("got: ");
        let parts = got.map_or("", |got| got).split('{').skip(1);
        for (at, part) in parts.filter_map(|part| Some((at?, part))) {
            let (labels, _) = part.split_once('}').expect("an end");
            let pairs = labels.split("\", ").map(|pair| {
                let (label, value) = pair.split_once("=\"").expect("a label");
                (
                    label.trim().to_string(),
                    value.trim_end_matches('"').to_string(),
                )
            });
            let mut labels: Labels = pairs.collect();
            labels.retain(|label, _| label != "__name__" && label != "alertstate");
            all[at].insert(labels);
        }
    }
    assert!(said.contains("FAILED"), "promtool was not asked: {said}");
    all
}

fn told(root: &Path, config: &str, labels: &Labels) -> BTreeSet<String> {
    let config = format!("--config.file={config}");
    let labels: Vec<String> = labels
        .iter()
        .map(|(label, value)| format!("{label}={value}"))
        .collect();
    let mut asked = vec!["config", "routes", "test", &config];
    asked.extend(labels.iter().map(String::as_str));
    let (fine, said) = referee::judge("amtool", &asked, root);
    assert!(fine, "{said}");
    said.trim().split(',').map(str::to_string).collect()
}

fn without(labels: &Labels) -> Labels {
    let mut labels = labels.clone();
    labels.retain(|label, _| !ADDED.contains(&label.as_str()));
    labels
}

/// As Inhibition takes them.
fn held(rules: &[Inhibition], source: &Labels, target: &Labels) -> bool {
    let both = [source, target].map(|labels| labels.clone().into_iter().collect());
    rules.iter().any(|rule| rule.holds_back(&both[0], &both[1]))
}

fn read(path: &Path) -> Value {
    yaml::parse(&fs::read_to_string(path).expect("readable")).expect("YAML")
}

/// Adopts and renders a set-up, and holds what other programs see against what they saw; but for `differ`, alerts of which the report
/// says that they fire otherwise.
fn is_kept(name: &str, [rules, alertmanager]: [&str; 2], differ: &[&str]) -> String {
    let (root, given) = laid_out(name);
    let given: Vec<&str> = given.iter().map(String::as_str).collect();
    let ended = monstack(&root, &[&["adopt", "--name", "Shop"], &*given].concat());
    assert_eq!(ended.code, 0, "{}{}", ended.stdout, ended.stderr);
    let golden = referee::root()
        .join("tests/adopt")
        .join(name)
        .join("report.txt");
    if std::env::var_os("UPDATE_GOLDEN").is_some() {
        fs::write(&golden, &ended.stdout).expect("writable");
    }
    let wanted = fs::read_to_string(&golden).unwrap_or_default();
    assert!(
        ended.stdout == wanted,
        "{name}: another report; UPDATE_GOLDEN=1 writes it:\n{}",
        ended.stdout
    );
    let ended = monstack(&root, &["render"]);
    assert_eq!(ended.code, 0, "{}{}", ended.stdout, ended.stderr);
    let catalog = fs::read_to_string(root.join("services.toml")).expect("written");
    let catalog: toml::Table = catalog.parse().expect("TOML");
    let services = catalog["services"].as_table().expect("a table");
    let config = read(&root.join("generated/monitoring/working_prometheus.yml"));
    let placed = files(&root.join("generated/monitoring"));
    let placed = placed.iter().filter(|path| {
        let text = path.extension().is_some_and(|end| end == "yml");
        text && !path.to_string_lossy().contains("/tests/") && read(path).get("groups").is_some()
    });
    let placed: Vec<String> = placed.map(|path| path.display().to_string()).collect();
    assert!(config["rule_files"].is_array());
    // It looks for the files that the configuration names, beside that.
    let (fine, said) = referee::judge(
        "promtool",
        &[
            "check",
            "config",
            "generated/monitoring/working_prometheus.yml",
        ],
        &root,
    );
    assert!(fine || said.contains("/run/secrets/"), "{said}");
    let before = fires(&root, &[rules.to_string()], &toml::Table::new());
    let after = fires(&root, &placed, services);
    let own: BTreeSet<String> = read(&root.join(rules))["groups"]
        .as_array()
        .expect("groups")
        .iter()
        .flat_map(|group| group["rules"].as_array().expect("rules"))
        .filter_map(|rule| Some(rule["alert"].as_str()?.to_string()))
        .collect();
    let mut fired = BTreeSet::new();
    let new_config = "generated/monitoring/alertmanager/alertmanager.yml";
    let inhibitions =
        [alertmanager, new_config].map(|path| Inhibition::of(&read(&root.join(path))));
    for (minute, (before, after)) in ASKED.iter().zip(before.iter().zip(&after)) {
        let of_own = |labels: &&Labels| {
            own.contains(&labels["alertname"]) && !differ.contains(&labels["alertname"].as_str())
        };
        let was: BTreeMap<Labels, &Labels> = before
            .iter()
            .filter(of_own)
            .map(|labels| (labels.clone(), labels))
            .collect();
        let is: BTreeMap<Labels, &Labels> = after
            .iter()
            .filter(of_own)
            .map(|labels| (without(labels), labels))
            .collect();
        assert!(
            was.keys().eq(is.keys()),
            "{name}, after {minute}m: {:#?} in place of {:#?}",
            is.keys(),
            was.keys()
        );
        for (labels, now) in &is {
            fired.insert(labels["alertname"].clone());
            assert_eq!(
                told(&root, new_config, now),
                told(&root, alertmanager, labels),
                "{name}: {labels:?}"
            );
            for (other, other_now) in &is {
                assert_eq!(
                    held(&inhibitions[1], now, other_now),
                    held(&inhibitions[0], labels, other),
                    "{name}: {labels:?} and {other:?}"
                );
            }
        }
    }
    // An alert that never fires was compared with nothing.
    let silent: Vec<&String> = own.difference(&fired).collect();
    assert_eq!(silent, differ, "{name}: never fired");
    fs::remove_dir_all(root).expect("removable");
    wanted
}

/// Two receivers, times, an inhibition, a quantile, targets in a file, a login.
#[test]
fn a_shop_is_told_of_the_same() {
    let report = is_kept(
        "shop",
        ["monitoring/rules.yml", "monitoring/alertmanager.yml"],
        &[],
    );
    assert!(report.contains("CheckoutSlow: latency"), "{report}");
    assert!(!report.contains("lost:"), "{report}");
}

/// Rules without a job, labels of targets, an owner, and Prometheus without a container.
#[test]
fn machines_are_watched_as_before() {
    let report = is_kept("machines", ["rules.yml", "alertmanager.yml"], &[]);
    assert!(
        report.contains("Gone: threshold, of node, Redis"),
        "{report}"
    );
}

/// A rule that matches what a catalog gives other labels no longer fires, and adopt says so.
#[test]
fn what_silences_an_alert_is_read_however_it_is_asked_for() {
    let report = is_kept("silences", ["rules.yml", "alertmanager.yml"], &[]);
    for name in ["One", "More", "Together", "OfInstance", "OfAll"] {
        assert!(
            report.contains(&format!("{name}: threshold, of mill")),
            "{report}"
        );
    }
    assert!(
        report.contains("no kind behaves the same: There"),
        "{report}"
    );
}

#[test]
fn what_fires_no_more_is_said() {
    let report = is_kept("apart", ["rules.yml", "alertmanager.yml"], &["Behind"]);
    assert!(
        report.contains("alert Behind: it is silent where yours fires"),
        "{report}"
    );
}
