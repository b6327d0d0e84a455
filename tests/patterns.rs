//! Label patterns, as the generated metrics.py matches them, held against Rust's engine and against Prometheus' own.

mod referee;

use monstack::catalog::pattern::rewritten;
use monstack::pipeline::prove;
use monstack::value::{Value, json};
use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::TestRunner;
use regex_automata::meta::Regex;
use std::fmt::Write as _;
use std::path::Path;
use std::process::Command;

/// Patterns in which RE2, Rust and Python differ, and those that make a backtracking engine try for hours.
const BY_HAND: &[&str] = &[
    "(/?[a-z0-9]+)+",
    "(a|a)*b",
    "(a*)*",
    "(.*a){12}",
    ".*a.{0,40}",
    "[[:alpha:]]+",
    "[[:^alpha:]]+",
    "[^[:space:]]+",
    "\\pL+",
    "\\p{Greek}+",
    "\\PL+",
    "\\p{^Lu}",
    "\\d+",
    "\\D+",
    "\\w+",
    "\\W+",
    "\\s",
    "\\S+",
    "[\\d_]+",
    "[^\\d]+",
    "[\\W]+",
    "(?i)straße",
    "(?i)k+",
    "(?i)\\w",
    "(?i)[a-b]+",
    "(?s).+",
    ".+",
    ".*",
    "",
    "a?",
    "^/api.*$",
    "\\A.*\\z",
    "(?m)^a$\\n^b$",
    "a$",
    "^$",
    "\\ba\\b",
    ".*\\bb.*",
    "a\\B.*",
    ".*\\b",
    "\\B",
    "\\Qa.b\\E",
    "\\Q[\\E+",
    "a{2}",
    "a{0}",
    "a{2,}",
    "a{0,3}",
    "a{",
    "a{,2}",
    "{}",
    "a{1}b{0,2}",
    "[[]",
    "[]a]",
    "[^]]",
    "[a-]+",
    "[-a]+",
    "[a&&b]+",
    "[+--]+",
    "[a~~b]+",
    "[[a]]",
    "\\x41",
    "\\x{e9}",
    "\\101",
    "\\0",
    "(?P<n>a+)",
    "(?U)a+?",
    "a*?b",
    "(?-i)a",
    "(?i:A)b",
    "x|",
    "|a",
    "(a|b|)c",
    "\\<a\\>",
    "a\\/b",
    "#a",
    "é",
    "[à-ü]+",
    "\\pL{500}",
    "a.b",
    "\\-",
    "[+-]",
];

const VALUES: &[&str] = &[
    "",
    "a",
    "b",
    "ab",
    "A",
    "B",
    "aa",
    "aaa",
    "aab",
    "c",
    "ac",
    "k",
    "\u{212a}",
    "ſ",
    "s",
    "é",
    "É",
    "straße",
    "STRASSE",
    "STRAẞE",
    "αβ",
    "٣",
    "3",
    "33",
    "_",
    "-",
    "a-",
    "a.b",
    "[",
    "[[",
    "]",
    "[]",
    "a]",
    "{}",
    "a{",
    "a{,2}",
    "a{2}",
    "&",
    "a&b",
    "~",
    "/",
    "/api",
    "/api/x",
    "/a/b",
    "a b",
    " ",
    "\t",
    "\n",
    "a\n",
    "a\nb",
    "\u{b}",
    "\u{a0}",
    "\u{2028}",
    "\u{10ffff}",
    "\u{0}x",
    "<a>",
    "#a",
    "(",
    "x",
    "a/b",
    "+",
    "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa!",
];

/// Patterns that nobody wrote.
fn any_pattern() -> impl Strategy<Value = String> {
    let atoms = [
        "a",
        "b",
        "/",
        "-",
        "é",
        "1",
        "_",
        " ",
        ".",
        "[a-b]",
        "[^a]",
        "[^\\n]",
        "\\d",
        "\\W",
        "\\w",
        "\\s",
        "[[:upper:]]",
        "[\\pL-]",
        "\\b",
        "\\B",
        "^",
        "$",
        "(?s:.)",
        "(?m:^)",
        "(?m:$)",
        "(?i:k)",
        "\\Qa|b\\E",
        "",
    ];
    prop::sample::select(atoms.to_vec())
        .prop_map(str::to_string)
        .prop_recursive(4, 24, 4, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 1..4).prop_map(|parts| parts.concat()),
                prop::collection::vec(inner.clone(), 1..4)
                    .prop_map(|parts| format!("(?:{})", parts.join("|"))),
                (
                    inner,
                    prop::sample::select(vec!["*", "+", "?", "{0}", "{2}", "{1,3}", "{2,}", "*?"])
                )
                    .prop_map(|(part, times)| format!("(?:{part}){times}")),
            ]
        })
}

fn generated(count: usize) -> (Vec<String>, Vec<String>) {
    let mut runner = TestRunner::deterministic();
    let mut patterns: Vec<String> = (0..count)
        .map(|_| any_pattern().new_tree(&mut runner).unwrap().current())
        .collect();
    patterns.extend(BY_HAND.iter().map(ToString::to_string));
    patterns.sort();
    patterns.dedup();
    let letters = prop::collection::vec(
        prop::sample::select("aabbAk/-éÉ_1 \n\u{212a}ſ".chars().collect::<Vec<_>>()),
        0..7,
    );
    let mut values: Vec<String> = (0..150)
        .map(|_| {
            letters
                .new_tree(&mut runner)
                .unwrap()
                .current()
                .into_iter()
                .collect()
        })
        .collect();
    values.extend(VALUES.iter().map(ToString::to_string));
    values.sort();
    values.dedup();
    (patterns, values)
}

/// Pattern → whether the generated Python matches each value.
fn python(patterns: &[String], values: &[String]) -> Vec<Vec<bool>> {
    let mut catalog = String::from(
        "[platform]\nname = \"P\"\nslug = \"p\"\nmetric_prefix = \"p\"\n[groups.g]\ntitle = \"G\"\n[services.one]\ngroup = \"g\"\nport = 9000\n",
    );
    for (index, pattern) in patterns.iter().enumerate() {
        let quoted = toml::Value::String(pattern.clone());
        let _ = write!(
            catalog,
            "[metrics.m{index}]\ntype = \"gauge\"\nhelp = \"M\"\nlabels = {{ v = {quoted} }}\n"
        );
    }
    let outcome = prove(&catalog, Path::new(env!("CARGO_MANIFEST_DIR"))).unwrap();
    let said: Vec<_> = outcome
        .diagnostics
        .iter()
        .filter(|finding| finding.stops())
        .collect();
    assert!(said.is_empty(), "{said:?}");
    let folder = referee::folder("patterns");
    std::fs::write(
        folder.join("metrics.py"),
        &outcome
            .rendered
            .unwrap()
            .file("monitoring/metrics.py")
            .unwrap()
            .text,
    )
    .unwrap();
    std::fs::write(
        folder.join("asked.json"),
        json!([patterns, values]).to_string(),
    )
    .unwrap();
    let script = "import json, metrics\npatterns, values = json.load(open('asked.json'))\n\
                  print(json.dumps([[metrics.PATTERNS[p].matches(v) for v in values] for p in patterns]))";
    let mut command = Command::new(referee::python("python"));
    let output = command
        .args(["-B", "-c", script])
        .current_dir(&folder)
        .env("PYTHONPATH", &folder)
        .output()
        .unwrap();
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    let answers: Value = serde_json::from_slice(&output.stdout).unwrap();
    monstack::value::from_value(&answers).unwrap()
}

/// A string as PromQL and YAML both read it.
fn quoted(text: &str) -> String {
    let mut out = String::new();
    monstack::templates::escape::quoted(&mut out, text).unwrap();
    out
}

#[test]
fn python_rust_and_prometheus_match_the_same() {
    let (patterns, values) = generated(400);
    let python = python(&patterns, &values);
    let mut wrong = Vec::new();
    for (pattern, answers) in patterns.iter().zip(&python) {
        let config = Regex::config().nfa_size_limit(None);
        let regex = Regex::builder()
            .configure(config)
            .build(&format!("^(?:{})$", rewritten(pattern).unwrap()))
            .unwrap_or_else(|error| panic!("{pattern:?}: {error}"));
        let differing = values
            .iter()
            .zip(answers)
            .filter(|(value, answer)| regex.is_match(value) != **answer);
        wrong.extend(
            differing.map(|(value, answer)| format!("{pattern:?} {value:?}: Python says {answer}")),
        );
    }
    assert!(
        wrong.is_empty(),
        "{} differ:\n{}",
        wrong.len(),
        wrong[..wrong.len().min(20)].join("\n")
    );
    assert!(
        python.iter().flatten().filter(|answer| **answer).count() > 2_000,
        "something matches"
    );

    let folder = referee::folder("patterns-prometheus");
    let series: Vec<Value> = values
        .iter()
        .map(|value| json!({"series": format!("m{{v={},n=\"1\"}}", quoted(value)), "values": "1"}))
        .collect();
    let cases: Vec<Value> = patterns
        .iter()
        .zip(&python)
        .map(|(pattern, answers)| {
            let matched = values.iter().zip(answers).filter(|(_, answer)| **answer);
            let samples: Vec<Value> = matched.map(|(value, _)| json!({"labels": format!("m{{v={},n=\"1\"}}", quoted(value)), "value": 1})).collect();
            json!({"expr": format!("m{{v=~{}}}", quoted(pattern)), "eval_time": "0s", "exp_samples": samples})
        })
        .collect();
    let test =
        json!({"tests": [{"interval": "1m", "input_series": series, "promql_expr_test": cases}]});
    std::fs::write(folder.join("test.yml"), test.to_string()).unwrap();
    let (agrees, said) = referee::judge("promtool", &["test", "rules", "test.yml"], &folder);
    assert!(agrees, "{}", said.chars().take(4000).collect::<String>());
}
