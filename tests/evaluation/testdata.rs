//! Prometheus' own evaluation tests (`promql/promqltest/testdata` of its repository), where `PROMETHEUS_TESTDATA` names the
//! folder: they are not part of this repository.

use monstack::evaluation::unit_tests::{Found, run};
use monstack::promql::engine::Release;
use monstack::value::{Value, json};

/// An `eval`: what is asked, when, and what must come.
struct Asked {
    line: usize,
    expr: String,
    /// In seconds.
    at: f64,
    fails: bool,
    /// Labels and values; None: it is not read here, such as a histogram.
    expected: Option<Vec<(String, String)>>,
}

/// `1h30m`, `90`, `1m30s`, in seconds.
fn seconds(text: &str) -> Option<f64> {
    if let Ok(seconds) = text.parse() {
        return Some(seconds);
    }
    let mut total = 0.0;
    let mut rest = text;
    while !rest.is_empty() {
        let end = rest.find(|c: char| !c.is_ascii_digit())?;
        let number: f64 = rest[..end].parse().ok()?;
        let unit = &rest[end..];
        let end = unit
            .find(|c: char| c.is_ascii_digit())
            .unwrap_or(unit.len());
        total += number
            * match &unit[..end] {
                "ms" => 0.001,
                "s" => 1.0,
                "m" => 60.0,
                "h" => 3600.0,
                "d" => 86_400.0,
                "w" => 604_800.0,
                "y" => 31_536_000.0,
                _ => return None,
            };
        rest = &unit[end..];
    }
    Some(total)
}

/// The labels of a line and what follows them.
fn split(line: &str) -> (&str, &str) {
    let mut quote = None;
    let (mut depth, mut escaped) = (0, false);
    for (at, c) in line.char_indices() {
        match (quote, c) {
            (Some(_), '\\') if !escaped => {
                escaped = true;
                continue;
            }
            (Some(open), c) if c == open && !escaped => quote = None,
            (Some(_), _) => {}
            (None, '"' | '\'' | '`') => quote = Some(c),
            (None, '{') => depth += 1,
            (None, '}') => depth -= 1,
            (None, c) if c.is_whitespace() && depth == 0 => {
                return (&line[..at], line[at..].trim());
            }
            _ => {}
        }
        escaped = false;
    }
    (line, "")
}

/// The values of a line one by one; None for one that is not there.
fn values(text: &str) -> Option<Vec<Option<f64>>> {
    let mut found = Vec::new();
    for item in text.split_whitespace() {
        let (first, times) = match item.rsplit_once('x') {
            Some((first, times)) => (first, times.parse::<usize>().ok()?),
            None => (item, 0),
        };
        if first == "_" {
            found.resize(found.len() + times.max(1), None);
            continue;
        }
        let sign = first[1..].rfind(['+', '-']).map(|at| at + 1);
        let sign = sign.filter(|at| times > 0 && !first[..*at].ends_with('e'));
        let (start, growth) = sign.map_or((first, "0"), |at| first.split_at(at));
        let (start, growth): (f64, f64) = (start.parse().ok()?, growth.parse().ok()?);
        found.extend((0..=times).map(|index| Some(start + growth * index as f64)));
    }
    Some(found)
}

/// What is loaded so far, and what is asked of it.
#[derive(Default)]
struct Part {
    /// Between samples, as the file writes it.
    step: String,
    series: Vec<(String, String)>,
    /// Two steps in one storage cannot be written as one unit test.
    mixed: bool,
    asked: Vec<Asked>,
}

/// The parts of a file: each begins with an empty storage, or with more loaded than before.
fn parts(text: &str) -> Vec<Part> {
    let mut parts = vec![Part::default()];
    let lines: Vec<&str> = text.lines().collect();
    let mut index = 0;
    while index < lines.len() {
        let line = lines[index].trim();
        let number = index + 1;
        index += 1;
        let mut inside = Vec::new();
        while index < lines.len() && lines[index].starts_with([' ', '\t']) {
            let more = lines[index].trim();
            if !more.is_empty() && !more.starts_with('#') {
                inside.push(more);
            }
            index += 1;
        }
        let words: Vec<&str> = line.split_whitespace().collect();
        match words.as_slice() {
            ["clear", ..] => parts.push(Part::default()),
            [load, step, ..] if load.starts_with("load") => {
                let before = parts.last().expect("there is one");
                let mut part = Part {
                    step: step.to_string(),
                    mixed: before.mixed
                        || *load != "load"
                        || (!before.series.is_empty() && before.step != *step),
                    series: before.series.clone(),
                    asked: Vec::new(),
                };
                part.series.extend(inside.iter().map(|line| {
                    let (series, values) = split(line);
                    (series.to_string(), values.to_string())
                }));
                parts.push(part);
            }
            [eval, ..] if eval.starts_with("eval") => {
                let part = parts.last_mut().expect("there is one");
                part.asked.extend(asked(number, line, &inside));
            }
            _ => {}
        }
    }
    parts
}

/// One `eval`, at each of its instants.
fn asked(line: usize, text: &str, inside: &[&str]) -> Vec<Asked> {
    let fails =
        text.starts_with("eval_fail") || inside.iter().any(|line| line.starts_with("expect fail"));
    let lines: Vec<&&str> = inside
        .iter()
        .filter(|line| !line.starts_with("expect "))
        .collect();
    let (instants, expr) = if let Some((_, rest)) = text.split_once("instant at ") {
        let (at, expr) = rest.split_once(' ').unwrap_or((rest, ""));
        (vec![seconds(at)], expr)
    } else if let Some((_, rest)) = text.split_once("range from ") {
        let words: Vec<&str> = rest.splitn(6, ' ').collect();
        let [from, "to", to, "step", step, expr] = words.as_slice() else {
            return Vec::new();
        };
        let (Some(from), Some(to), Some(step)) = (seconds(from), seconds(to), seconds(step)) else {
            return Vec::new();
        };
        // What `start()` and `end()` are is another thing in a range.
        if expr.contains("start()") || expr.contains("end()") {
            return Vec::new();
        }
        let count = ((to - from) / step) as usize;
        (
            (0..=count)
                .map(|index| Some(from + step * index as f64))
                .collect(),
            *expr,
        )
    } else {
        return Vec::new();
    };
    let many = text.contains("range from ");
    let one = |(index, at): (usize, Option<f64>)| {
        let mut expected = Some(Vec::new());
        for line in &lines {
            let (labels, rest) = match line
                .starts_with(|c: char| c.is_ascii_digit() || "-+.NI".contains(c))
                && line.split_whitespace().count() == 1
            {
                true => ("{}", **line),
                false => split(line),
            };
            let value = values(rest).map(|values| match many {
                true => values.get(index).copied().flatten(),
                false => values.first().copied().flatten(),
            });
            match (value, &mut expected) {
                (Some(value), Some(expected)) => {
                    expected.extend(value.map(|value| (labels.to_string(), value.to_string())));
                }
                _ => expected = None,
            }
        }
        Some(Asked {
            line,
            expr: expr.to_string(),
            at: at?,
            fails,
            expected,
        })
    };
    instants.into_iter().enumerate().filter_map(one).collect()
}

/// Labels and values in order.
fn sorted(samples: &[String]) -> Vec<(String, f64)> {
    let one = |line: &String| {
        let (labels, value) = line
            .rsplit_once(' ')
            .expect("a value stands behind the labels");
        (labels.to_string(), value.parse().expect("it is a number"))
    };
    let mut all: Vec<(String, f64)> = samples.iter().map(one).collect();
    all.sort_by(|(a, x), (b, y)| a.cmp(b).then(x.total_cmp(y)));
    all
}

/// Parts of expressions of which older releases, and so the promtool that the engine is held equal to, say something else; and
/// those of features that must be switched on.
const OTHERWISE: [(&str, &str); 8] = [
    ("stddev", "of a single NaN, since 3.0"),
    ("stdvar", "of a single NaN, since 3.0"),
    ("topk(NaN", "fails since 3.0"),
    (
        "avg(data{test=\"ten\"}",
        "is added up with compensation since 3.0",
    ),
    (
        "avg_over_time(metric",
        "is added up with compensation since 3.0",
    ),
    (
        "many_side >",
        "fails since 3.5 where the comparison drops one of two",
    ),
    ("\\x", "names that are not UTF-8"),
    ("__name__", "delayed removal of names, a feature"),
];

enum Verdict {
    Equal,
    NotEvaluated(String),
    Different(String),
}

/// With the native histograms that are loaded; where not all of them are evaluated, without.
fn judged(part: &Part, asked: &Asked) -> Verdict {
    let native = |(_, values): &&(String, String)| values.contains("{{");
    match judged_over(part, asked, true) {
        Verdict::NotEvaluated(_) if part.series.iter().any(|one| native(&one)) => {
            match judged_over(part, asked, false) {
                Verdict::Different(_) => Verdict::NotEvaluated("histograms are loaded".to_string()),
                verdict => verdict,
            }
        }
        verdict => verdict,
    }
}

fn judged_over(part: &Part, asked: &Asked, natives: bool) -> Verdict {
    let Some(expected) = &asked.expected else {
        return Verdict::NotEvaluated("a histogram is expected".to_string());
    };
    if part
        .series
        .iter()
        .any(|(series, _)| series.contains("__type__"))
    {
        return Verdict::NotEvaluated("types and units as labels are a feature".to_string());
    }
    if part.mixed {
        return Verdict::NotEvaluated("loaded in more than one step".to_string());
    }
    let input: Vec<Value> = part
        .series
        .iter()
        .filter(|(_, values)| natives || !values.contains("{{"))
        .map(|(series, values)| json!({"series": series, "values": values}))
        .collect();
    let mut samples: Vec<Value> = expected
        .iter()
        .map(|(labels, value)| json!({"labels": labels, "value": value.parse::<f64>().map_or(json!(value), |number| json!(number))}))
        .collect();
    for (sample, (_, value)) in samples.iter_mut().zip(expected) {
        if sample["value"].is_null() {
            sample["value"] = json!(value);
        }
    }
    // One that nothing gives, so that there is always something to read.
    samples.push(json!({"labels": "nothing_at_all", "value": 1}));
    let time = format!("{}ms", (asked.at * 1000.0).round() as i64);
    let step = if part.step.is_empty() {
        "1m"
    } else {
        &part.step
    };
    // Samples after the last look are not loaded: a late one, at what always is, loads them all.
    let late = json!({"expr": "vector(1)", "eval_time": "60d", "exp_samples": [{"labels": "{}", "value": 1}]});
    let file = json!({"tests": [{"interval": step, "input_series": input, "promql_expr_test": [
        {"expr": asked.expr, "eval_time": time, "exp_samples": samples}, late]}]});
    match run(&file, &[], Release::Three).into_iter().next() {
        Some(Found::Mismatch(mismatch)) if !asked.fails => {
            let mut wanted = sorted(&mismatch.expected);
            wanted.retain(|(labels, _)| !labels.contains("nothing_at_all"));
            let got = sorted(&mismatch.got);
            let close = |x: f64, y: f64| {
                x == y || (x.is_nan() && y.is_nan()) || (x - y).abs() <= 1e-6 * x.abs().max(y.abs())
            };
            let same = got.len() == wanted.len()
                && got
                    .iter()
                    .zip(&wanted)
                    .all(|((a, x), (b, y))| a == b && close(*x, *y));
            match same {
                true => Verdict::Equal,
                false if otherwise(asked).is_some() => {
                    Verdict::NotEvaluated(otherwise(asked).unwrap_or_default().to_string())
                }
                false => Verdict::Different(format!("ours {got:?}\n    theirs {wanted:?}")),
            }
        }
        Some(Found::Broken { .. }) if asked.fails => Verdict::Equal,
        Some(Found::Broken { reason, .. } | Found::Unknown { reason, .. }) => {
            Verdict::NotEvaluated(reason.lines().next().unwrap_or_default().to_string())
        }
        _ => match otherwise(asked) {
            Some(reason) => Verdict::NotEvaluated(reason.to_string()),
            None => Verdict::Different("it should fail".to_string()),
        },
    }
}

fn otherwise(asked: &Asked) -> Option<&'static str> {
    let known = OTHERWISE.iter().find(|(part, _)| asked.expr.contains(part));
    known.map(|(_, reason)| *reason)
}

#[test]
fn expressions_are_evaluated_as_prometheus_own_tests_say() {
    let Some(folder) = std::env::var_os("PROMETHEUS_TESTDATA") else {
        println!("not compared: PROMETHEUS_TESTDATA names no folder of *.test");
        return;
    };
    let mut files: Vec<_> = std::fs::read_dir(folder)
        .expect("the folder is readable")
        .map(|entry| entry.expect("it is readable").path())
        .filter(|path| path.extension().is_some_and(|ending| ending == "test"))
        .collect();
    files.sort();
    let (mut equal, mut unread, mut different) = (0, 0, Vec::new());
    for path in &files {
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        let text = std::fs::read_to_string(path).expect("it is text");
        let (before, without) = (equal, unread);
        for part in parts(&text) {
            for asked in &part.asked {
                match judged(&part, asked) {
                    Verdict::Equal => equal += 1,
                    Verdict::NotEvaluated(reason) => {
                        unread += 1;
                        if std::env::var_os("VERBOSE").is_some() {
                            println!("{name}:{} {}: {reason}", asked.line, asked.expr);
                        }
                    }
                    Verdict::Different(how) => different.push(format!(
                        "{name}:{} at {}s {}\n    {how}",
                        asked.line, asked.at, asked.expr
                    )),
                }
            }
        }
        println!(
            "{name}: {} equal, {} not evaluated",
            equal - before,
            unread - without
        );
    }
    println!(
        "{} of {} files: {equal} equal, {} different, {unread} not evaluated",
        files.len(),
        files.len(),
        different.len()
    );
    assert!(different.is_empty(), "{}", different.join("\n"));
    assert!(equal > 0);
}
