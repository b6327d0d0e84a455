//! How sharp the generated unit tests are: every rule is broken in one place at a time, and promtool must notice.

mod promql;
#[path = "../referee/mod.rs"]
mod referee;

use monstack::pipeline;
use monstack::value::{Value, json};
use std::fs;
use std::path::Path;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

/// Mutants that behave like the original: what was changed, inside what, and why it cannot be seen. Each must survive
/// somewhere, or its reason is wrong.
const EQUIVALENT: [(&str, &str, &str); 2] = [
    (
        "→ min",
        "0 * ",
        "what is multiplied by 0 counts only by being there, and the least of some is there when their sum is",
    ),
    (
        "doubled",
        "0 * ",
        "what follows demands a sample in the whole window itself, so a longer look back for the zeros adds nothing",
    ),
];

/// The same, by name: these change a number that nobody reads.
const UNSEEN: [(&str, &str); 3] = [
    ("ServiceDown: + → -", UNREAD),
    ("ServiceDown: 1 up", UNREAD),
    ("ServiceDown: 1 down", UNREAD),
];

const UNREAD: &str = "the value only tells a failed health check from a failed scrape, which is 0: any other number reads the same";

/// One broken rule, with everything that its tests need.
struct Mutant {
    name: String,
    rules: Value,
    records: Value,
    tests: Value,
    diff: String,
}

#[test]
fn every_mutant_of_the_shipped_catalog_is_killed() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let outcome = pipeline::run(root).expect("the machine lets it run");
    let rendered = outcome.rendered.expect("the shipped catalog renders");
    let file = |path: &str| {
        rendered
            .file(path)
            .unwrap_or_else(|| panic!("{path} is rendered"))
            .value
            .as_ref()
            .clone()
    };
    let tests = |alert: &str| file(&format!("monitoring/tests/{alert}.test.yml"));
    let mutants = all(
        &file("monitoring/alert_rules.yml"),
        &file("monitoring/signal_rules.yml"),
        tests,
    );
    let folder = root.join("target/tmp/mutation");
    let _ = fs::remove_dir_all(&folder);
    let next = AtomicUsize::new(0);
    let survivors = Mutex::new(Vec::new());
    std::thread::scope(|scope| {
        for worker in 0..2 {
            let (next, survivors, mutants, folder) =
                (&next, &survivors, &mutants, folder.join(worker.to_string()));
            scope.spawn(move || {
                while let Some(mutant) = mutants.get(next.fetch_add(1, Ordering::Relaxed)) {
                    if passes(&folder, mutant) != mutant.name.ends_with(": as it is") {
                        survivors
                            .lock()
                            .unwrap()
                            .push((mutant.name.clone(), mutant.diff.clone()));
                    }
                }
            });
        }
    });
    let survivors = survivors.into_inner().unwrap();
    let originals = mutants
        .iter()
        .filter(|mutant| mutant.name.ends_with(": as it is"))
        .count();
    let excused = |(name, diff): &(String, String)| {
        EQUIVALENT
            .iter()
            .position(|(what, inside, _)| name.contains(what) && in_zero_branch(diff, inside))
    };
    let named = |(name, _): &(String, String)| {
        UNSEEN.iter().any(|(known, _)| {
            name.rsplit_once(" #")
                .is_some_and(|(name, _)| name == *known)
        })
    };
    let (equivalent, alive): (Vec<_>, Vec<_>) = survivors
        .iter()
        .partition(|survivor| named(survivor) || excused(survivor).is_some());
    let total = mutants.len() - originals;
    println!(
        "{total} mutants: {} killed, {} equivalent, {} survived",
        total - survivors.len(),
        equivalent.len(),
        alive.len()
    );
    for (index, (what, _, reason)) in EQUIVALENT.iter().enumerate() {
        assert!(
            equivalent
                .iter()
                .any(|survivor| excused(survivor) == Some(index)),
            "no mutant `{what}` survives, though it is listed as equivalent: {reason}"
        );
    }
    for (name, reason) in UNSEEN {
        assert!(
            survivors
                .iter()
                .any(|survivor| named(survivor) && survivor.0.starts_with(name)),
            "`{name}` is killed, though it is listed as equivalent: {reason}"
        );
    }
    let report: String = alive
        .iter()
        .map(|(name, diff)| format!("survived: {name}\n{diff}\n"))
        .collect();
    assert!(
        alive.is_empty(),
        "{} mutants survived\n{report}",
        alive.len()
    );
}

/// Whether the change lies behind `0 * `, before the bracket that ends it.
fn in_zero_branch(diff: &str, inside: &str) -> bool {
    let normal = |text: &str| {
        text.trim_matches('"')
            .replace("\\n", " ")
            .split_whitespace()
            .collect::<Vec<_>>()
            .join(" ")
            .replace("( ", "(")
            .replace(" )", ")")
    };
    let (Some((_, old)), Some((_, new))) = (
        diff.split_once("- ")
            .map(|(a, b)| (a, b.split("\n+ ").next().unwrap_or(b))),
        diff.split_once("\n+ "),
    ) else {
        return false;
    };
    let (old, new) = (normal(old), normal(new));
    let changed = old
        .bytes()
        .zip(new.bytes())
        .take_while(|(a, b)| a == b)
        .count();
    let Some(start) = new[..changed.min(new.len())].rfind(inside) else {
        return false;
    };
    let opened = new[start..changed.min(new.len())]
        .bytes()
        .fold(0i32, |depth, byte| {
            depth + i32::from(byte == b'(') - i32::from(byte == b')')
        });
    opened >= 0
}

/// The mutants of every alert, and each alert as it is, which must pass.
fn all(alerts: &Value, records: &Value, tests: impl Fn(&str) -> Value) -> Vec<Mutant> {
    let mut mutants = Vec::new();
    for rule in alerts["groups"][0]["rules"].as_array().unwrap() {
        let name = rule["alert"].as_str().unwrap();
        let expr = rule["expr"].as_str().unwrap();
        // The series that the alert compares: the tests of one alert need no more.
        let needed = |record: &&Value| {
            record["record"]
                .as_str()
                .is_some_and(|record| expr.contains(record))
        };
        let own: Vec<Value> = records["groups"]
            .as_array()
            .unwrap()
            .iter()
            .map(|group| json!({"name": group["name"], "rules": group["rules"].as_array().unwrap().iter().filter(needed).collect::<Vec<_>>()}))
            .collect();
        let own = json!({"groups": own});
        let mut suite = tests(name);
        suite["rule_files"] = json!(["signal_rules.yml", "alert_rules.yml"]);
        let mutant = |what: String, rules: Vec<Value>, records: Value, diff: String| Mutant {
            name: format!("{name}: {what}"),
            rules: json!({"groups": [{"name": alerts["groups"][0]["name"], "rules": rules}]}),
            records,
            tests: suite.clone(),
            diff,
        };
        mutants.push(mutant(
            "as it is".into(),
            vec![reprinted(rule)],
            own.clone(),
            String::new(),
        ));
        mutants.push(mutant("removed".into(), vec![], own.clone(), String::new()));
        for (what, broken) in broken_rule(rule) {
            let diff = format!("- {rule}\n+ {broken}");
            mutants.push(mutant(what, vec![broken], own.clone(), diff));
        }
        for (group, index, record) in signals(&own) {
            let pointer = format!("/groups/{group}/rules/{index}");
            for (what, broken) in broken_expr(record) {
                let mut changed = own.clone();
                *changed.pointer_mut(&pointer).unwrap() = broken.clone();
                mutants.push(mutant(
                    format!("{}: {what}", record["record"].as_str().unwrap()),
                    vec![rule.clone()],
                    changed,
                    format!("- {}\n+ {}", record["expr"], broken["expr"]),
                ));
            }
        }
    }
    mutants
}

/// Recorded series, with where they stand.
fn signals(records: &Value) -> Vec<(usize, usize, &Value)> {
    let groups = records["groups"].as_array().unwrap().iter().enumerate();
    groups
        .flat_map(|(group, value)| {
            value["rules"]
                .as_array()
                .unwrap()
                .iter()
                .enumerate()
                .map(move |(index, rule)| (group, index, rule))
        })
        .collect()
}

/// The rule with its expression printed from its syntax, as mutants are: the printing itself must not matter.
fn reprinted(rule: &Value) -> Value {
    let mut rule = rule.clone();
    rule["expr"] = parse(&rule).to_string().into();
    rule
}

fn parse(rule: &Value) -> promql_parser::parser::Expr {
    promql_parser::parser::parse(rule["expr"].as_str().unwrap()).unwrap()
}

fn broken_expr(rule: &Value) -> Vec<(String, Value)> {
    promql::mutants(&parse(rule))
        .into_iter()
        .enumerate()
        .map(|(index, (what, expr))| {
            let mut broken = rule.clone();
            broken["expr"] = expr.to_string().into();
            (format!("{what} #{index}"), broken)
        })
        .collect()
}

/// The expression, the time, the severity and the annotations, each broken.
fn broken_rule(rule: &Value) -> Vec<(String, Value)> {
    let mut all = broken_expr(rule);
    let seconds = monstack::catalog::Duration::parse(rule["for"].as_str().unwrap())
        .unwrap()
        .seconds();
    for (what, factor) in [("for shorter", 0.8), ("for longer", 1.2)] {
        let mut broken = rule.clone();
        broken["for"] = format!("{}s", (seconds * factor).round()).into();
        all.push((what.to_string(), broken));
    }
    let mut broken = rule.clone();
    broken["labels"]["severity"] = "info".into();
    all.push(("severity".to_string(), broken));
    let mut broken = rule.clone();
    broken["labels"]["component"] = "another".into();
    all.push(("component overwritten".to_string(), broken));
    for key in rule["annotations"].as_object().unwrap().keys() {
        let mut broken = rule.clone();
        broken["annotations"].as_object_mut().unwrap().remove(key);
        all.push((format!("without {key}"), broken));
    }
    all
}

/// Whether promtool's unit tests pass.
fn passes(folder: &Path, mutant: &Mutant) -> bool {
    fs::create_dir_all(folder).unwrap();
    let write =
        |name: &str, value: &Value| fs::write(folder.join(name), value.to_string()).unwrap();
    write("alert_rules.yml", &mutant.rules);
    write("signal_rules.yml", &mutant.records);
    write("alert_rules.test.yml", &mutant.tests);
    referee::judge(
        "promtool",
        &["test", "rules", "alert_rules.test.yml"],
        folder,
    )
    .0
}
