//! Generated expressions over generated series: what is evaluated here is what promtool evaluates.

use monstack::evaluation::unit_tests::{Found, run};
use monstack::promql::engine::Release;
use monstack::value::{Value, json};
use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};
use std::collections::BTreeMap;
use std::process::Command;

/// How many expressions are compared.
const EXPRESSIONS: usize = 4000;

/// So many in one file, which has series of its own.
const TOGETHER: usize = 200;

fn one_of(words: &'static [&'static str]) -> BoxedStrategy<String> {
    proptest::sample::select(words)
        .prop_map(str::to_string)
        .boxed()
}

fn metric() -> BoxedStrategy<String> {
    one_of(&["requests_total", "errors_total", "level", "flat", "nowhere"])
}

fn selector() -> BoxedStrategy<String> {
    let matcher = one_of(&[
        "job=\"a\"",
        "job!=\"a\"",
        "job=~\"a|b\"",
        "job!~\"b.*\"",
        "instance=\"1\"",
        "code=~\"5..\"",
        "code=\"\"",
        "missing=\"\"",
        "job=~\".+\"",
    ]);
    let offset = one_of(&[
        "",
        "",
        "",
        "",
        " offset 1m",
        " offset 37s",
        " @ 300",
        " @ end()",
    ]);
    (metric(), proptest::collection::vec(matcher, 0..3), offset)
        .prop_map(|(metric, matchers, offset)| {
            let braces = if matchers.is_empty() {
                String::new()
            } else {
                format!("{{{}}}", matchers.join(","))
            };
            format!("{metric}{braces}{offset}")
        })
        .boxed()
}

/// A range vector over a selector or an expression.
fn range(inner: BoxedStrategy<String>) -> BoxedStrategy<String> {
    let window = one_of(&["30s", "1m", "90s", "5m", "17s"]);
    let plain = (
        metric(),
        one_of(&["", "{job=\"a\"}", "{code=~\"5..\"}"]),
        window.clone(),
        one_of(&["", "", " offset 1m", " @ 240"]),
    )
        .prop_map(|(metric, matchers, window, offset)| {
            format!("{metric}{matchers}[{window}]{offset}")
        });
    let step = one_of(&["", "30s", "20s", "1m"]);
    let subquery = (inner, window, step, one_of(&["", "", " offset 30s"]))
        .prop_map(|(inner, window, step, offset)| format!("({inner})[{window}:{step}]{offset}"));
    prop_oneof![3 => plain, 1 => subquery].boxed()
}

fn number() -> BoxedStrategy<String> {
    one_of(&[
        "0",
        "1",
        "2",
        "0.5",
        "-1",
        "1e3",
        "NaN",
        "Inf",
        "60",
        "time()",
        "scalar(flat{job=\"a\"})",
    ])
}

fn expression() -> BoxedStrategy<String> {
    let leaf =
        prop_oneof![6 => selector(), 1 => number().prop_map(|number| format!("vector({number})"))]
            .boxed();
    leaf.prop_recursive(4, 24, 3, |inner| {
        let inner = inner.boxed();
        let over = (
            one_of(&[
                "rate", "increase", "delta", "irate", "idelta", "deriv", "changes", "resets", "avg_over_time",
                "min_over_time", "max_over_time", "sum_over_time", "count_over_time", "last_over_time",
                "present_over_time", "stddev_over_time", "stdvar_over_time", "absent_over_time",
            ]),
            range(inner.clone()),
        )
            .prop_map(|(function, range)| format!("{function}({range})"));
        let over_with = (
            one_of(&["quantile_over_time(0.9, R)", "quantile_over_time(-1, R)", "predict_linear(R, 3600)"]),
            range(inner.clone()),
        )
            .prop_map(|(form, range)| form.replace('R', &range));
        let elementary = (
            one_of(&[
                "abs(V)", "ceil(V)", "floor(V)", "sgn(V)", "sqrt(V)", "exp(V)", "ln(V)", "log2(V)", "-(V)",
                "round(V)", "round(V, 0.1)", "clamp(V, 1, 50)", "clamp(V, 50, 1)", "clamp_min(V, 3)",
                "clamp_max(V, 3)", "timestamp(V)", "absent(V)", "vector(scalar(V))", "sort(V)", "minute(V)",
                "hour(V * 1000)", "day_of_week(V * 86400)", "month(V * 1e6)", "year(V * 1e6)", "days_in_month(V * 1e6)",
                "label_replace(V, \"x\", \"$1-y\", \"job\", \"(.*)\")", "label_replace(V, \"job\", \"\", \"job\", \"a\")",
                "label_join(V, \"x\", \"/\", \"job\", \"instance\")", "count_values(\"value\", V)",
            ]),
            inner.clone(),
        )
            .prop_map(|(form, vector)| form.replace('V', &vector));
        let aggregate = (
            one_of(&[
                "sum", "avg", "min", "max", "count", "group", "stddev", "stdvar", "topk(1, ", "bottomk(2, ", "quantile(0.4, ",
            ]),
            one_of(&["", "by (job) ", "without (instance) ", "by (job, code) ", "without (code, instance) "]),
            inner.clone(),
        )
            .prop_map(|(operator, grouping, vector)| match operator.split_once('(') {
                Some((operator, parameter)) => format!("{operator} {grouping}({parameter}{vector})"),
                None => format!("{operator} {grouping}({vector})"),
            });
        let operator = one_of(&[
            "+", "-", "*", "/", "%", "^", "atan2", "==", "!=", ">", "<", ">=", "<=", "> bool", "== bool", "and", "or", "unless",
        ]);
        let matching = one_of(&[
            "", "", "on (job)", "ignoring (instance)", "on (job, instance)", "on (job) group_left", "on (job) group_right",
            "on (job) group_left (code)", "ignoring (code) group_left", "on ()",
        ]);
        let binary = (inner.clone(), operator.clone(), matching, inner.clone()).prop_map(|(left, operator, matching, right)| {
            let set = ["and", "or", "unless"].contains(&operator.as_str());
            let matching = if set { matching.split(" group").next().unwrap().to_string() } else { matching };
            format!("({left}) {operator} {matching} ({right})")
        });
        let with_number = (inner.clone(), operator, number(), any::<bool>()).prop_map(|(vector, operator, number, first)| {
            let operator = if ["and", "or", "unless"].contains(&operator.as_str()) { "*".to_string() } else { operator };
            if first { format!("({vector}) {operator} {number}") } else { format!("{number} {operator} ({vector})") }
        });
        prop_oneof![3 => over, 1 => over_with, 3 => elementary, 3 => aggregate, 4 => binary, 2 => with_number]
    })
    .boxed()
}

fn values() -> BoxedStrategy<String> {
    let item = prop_oneof![
        4 => (0u32..50, 0u32..9, 1u32..12).prop_map(|(start, growth, times)| format!("{start}+{growth}.25x{times}")),
        1 => (0u32..9, 1u32..9).prop_map(|(value, times)| format!("{value}.5x{times}")),
        1 => (1u32..9).prop_map(|times| format!("_x{times}")),
        1 => Just("stale".to_string()),
        1 => (0u32..40).prop_map(|value| format!("-{value}.125")),
    ];
    proptest::collection::vec(item, 3..9)
        .prop_map(|items| items.join(" "))
        .boxed()
}

fn series() -> BoxedStrategy<Vec<(String, String)>> {
    let mut names = Vec::new();
    for (metric, labels) in [
        ("requests_total", &["code=\"200\"", "code=\"500\""][..]),
        ("errors_total", &["code=\"500\""]),
        ("level", &["x=\"y\""]),
        ("flat", &[""]),
    ] {
        for job in ["a", "b", "bb"] {
            for instance in ["1", "2"] {
                for label in labels {
                    if metric == "flat" && instance == "2" {
                        continue;
                    }
                    names.push(format!(
                        "{metric}{{job=\"{job}\",instance=\"{instance}\",{label}}}"
                    ));
                }
            }
        }
    }
    let count = names.len();
    proptest::collection::vec(values(), count)
        .prop_map(move |values| names.iter().cloned().zip(values).collect())
        .boxed()
}

/// Labels and values.
type Samples = Vec<(String, f64)>;

/// What promtool says that each failing expression gives at its time: samples, or None where it fails as a whole.
fn promtool(file: &Value) -> BTreeMap<(String, String), Option<Samples>> {
    let folder = std::env::temp_dir().join(format!("monstack-evaluation-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    let path = folder.join("generated.test.yml");
    std::fs::write(&path, file.to_string()).unwrap();
    let output = Command::new("promtool")
        .args(["test", "rules"])
        .arg(&path)
        .output()
        .unwrap();
    std::fs::remove_dir_all(&folder).unwrap();
    let text =
        String::from_utf8(output.stdout).unwrap() + &String::from_utf8(output.stderr).unwrap();
    let mut found = BTreeMap::new();
    let mut open = None;
    for line in text.lines().map(str::trim_start) {
        if let Some(rest) = line.strip_prefix("expr: ") {
            let end = rest.find("\", time: ").unwrap() + 1;
            let expr: String = serde_json::from_str(&rest[..end]).unwrap();
            let time = rest[end + ", time: ".len()..]
                .split(',')
                .next()
                .unwrap()
                .to_string();
            if rest[end..].contains(", err: ") {
                found.insert((expr, time), None);
            } else {
                open = Some((expr, time));
            }
        } else if let Some(got) = line.strip_prefix("got: ") {
            let samples = if got == "nil" {
                Vec::new()
            } else {
                samples(got)
            };
            found.insert(open.take().unwrap(), Some(samples));
        }
    }
    found
}

/// `{a="b"} 1E+00, {} NaN`.
fn samples(text: &str) -> Samples {
    let mut found = Vec::new();
    let mut rest = text;
    while !rest.is_empty() {
        let mut quoted = false;
        let mut escaped = false;
        let close = rest
            .char_indices()
            .find(|(_, character)| {
                match character {
                    '"' if !escaped => quoted = !quoted,
                    '}' if !quoted => return true,
                    _ => {}
                }
                escaped = *character == '\\' && !escaped;
                false
            })
            .unwrap()
            .0;
        let labels = rest[..=close].to_string();
        let value = rest[close + 2..].split(", ").next().unwrap();
        rest = rest[close + 2 + value.len()..].trim_start_matches(", ");
        found.push((labels, value.parse().unwrap()));
    }
    found.sort_by(|(a, _), (b, _)| a.cmp(b));
    found
}

fn alike(ours: &[(String, f64)], theirs: &[(String, f64)]) -> bool {
    ours.len() == theirs.len()
        && ours.iter().zip(theirs).all(|((a, x), (b, y))| {
            a == b
                && (x == y
                    || (x.is_nan() && y.is_nan())
                    || (x - y).abs() <= 1e-9 * x.abs().max(y.abs()).max(1e-6))
        })
}

/// Of equal values `topk` takes any.
fn same_values(ours: &[(String, f64)], theirs: &[(String, f64)]) -> bool {
    let sorted = |samples: &[(String, f64)]| {
        let mut values: Vec<(String, f64)> = samples
            .iter()
            .map(|(_, value)| (String::new(), *value))
            .collect();
        values.sort_by(|(_, a), (_, b)| a.total_cmp(b));
        values
    };
    alike(&sorted(ours), &sorted(theirs))
}

#[test]
fn expressions_are_evaluated_as_promtool_evaluates_them() {
    let mut runner = TestRunner::new_with_rng(
        Config::default(),
        TestRng::from_seed(RngAlgorithm::ChaCha, b"monstack evaluates as promtool.."),
    );
    let (mut compared, mut empty, mut failing, mut unknown, mut wrong) = (0, 0, 0, 0, Vec::new());
    for _ in 0..EXPRESSIONS / TOGETHER {
        let series = series().new_tree(&mut runner).unwrap().current();
        let mut cases = Vec::new();
        while cases.len() < TOGETHER {
            let expr = expression().new_tree(&mut runner).unwrap().current();
            let minute = (0u32..12).new_tree(&mut runner).unwrap().current();
            let time = format!("{minute}m{}s", 7 * minute % 60);
            // An empty list prints what there is; so does a sample that nothing gives.
            let time = time.trim_start_matches("0m").to_string();
            let time = time
                .strip_suffix("m0s")
                .map_or(time.clone(), |minutes| format!("{minutes}m"));
            cases.push(json!({"expr": expr, "eval_time": time, "exp_samples": [{"labels": "nothing_at_all", "value": 1}]}));
        }
        let input: Vec<Value> = series
            .iter()
            .map(|(series, values)| json!({"series": series, "values": values}))
            .collect();
        let file = json!({"evaluation_interval": "30s", "tests": [{"interval": "15s", "input_series": input, "promql_expr_test": cases}]});
        let theirs = promtool(&file);
        let mut ours = BTreeMap::new();
        for found in run(&file, &[], Release::Two) {
            let (pointer, result) = match found {
                Found::Mismatch(mismatch) => {
                    let mut got: Vec<(String, f64)> = mismatch
                        .got
                        .iter()
                        .map(|line| {
                            let (labels, value) = line.rsplit_once(' ').unwrap();
                            (labels.to_string(), value.parse().unwrap())
                        })
                        .collect();
                    got.sort_by(|(a, _), (b, _)| a.cmp(b));
                    (mismatch.pointer, Ok(Some(got)))
                }
                Found::Broken { pointer, .. } => (pointer, Ok(None)),
                Found::Unknown { pointer, reason } => (pointer, Err(reason)),
            };
            ours.insert(pointer, result);
        }
        for (index, case) in cases.iter().enumerate() {
            let key = (
                case["expr"].as_str().unwrap().to_string(),
                case["eval_time"].as_str().unwrap().to_string(),
            );
            let Some(theirs) = theirs.get(&key) else {
                panic!(
                    "promtool says nothing of {key:?}: {:?}",
                    file["tests"][0]["promql_expr_test"][index]
                );
            };
            let Some(ours) = ours.get(&format!("/tests/0/promql_expr_test/{index}")) else {
                panic!("nothing is said of {key:?}");
            };
            match (ours, theirs) {
                (Err(reason), _) => {
                    unknown += 1;
                    if !reason.contains("no date") {
                        wrong.push(format!("{key:?} is not evaluated: {reason}"));
                    }
                }
                (Ok(None), None) => failing += 1,
                (Ok(Some(ours)), Some(theirs))
                    if alike(ours, theirs)
                        || (key.0.contains("topk") || key.0.contains("bottomk"))
                            && same_values(ours, theirs) =>
                {
                    compared += 1;
                    empty += usize::from(ours.is_empty());
                }
                (Ok(ours), theirs) => {
                    wrong.push(format!("{key:?}\n  ours   {ours:?}\n  theirs {theirs:?}"))
                }
            }
        }
    }
    println!(
        "{compared} expressions equal, {empty} of them empty; {failing} fail in both; {unknown} not evaluated"
    );
    assert!(
        wrong.is_empty(),
        "{} differ:\n{}",
        wrong.len(),
        wrong
            .iter()
            .take(25)
            .cloned()
            .collect::<Vec<_>>()
            .join("\n")
    );
    assert!(compared > EXPRESSIONS / 2 && compared - empty > EXPRESSIONS / 4);
}
