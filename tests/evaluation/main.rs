//! Rules and their tests are evaluated as promtool evaluates them.

use monstack::artifacts::Role;
use monstack::evaluation::unit_tests::{Found, run};
use monstack::pipeline::prove;
use monstack::promql::engine::Release;
use monstack::render::Rendered;
use monstack::value::{Value, json};
use std::path::{Path, PathBuf};

/// The catalogs that other tests render and give to promtool.
fn catalogs() -> Vec<PathBuf> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let list = |folder: &str| {
        let entries = std::fs::read_dir(root.join(folder)).unwrap();
        entries.map(|entry| entry.unwrap().path())
    };
    let cases = list("tests/cases").map(|folder| folder.join("services.toml"));
    let mut all: Vec<PathBuf> = list("tests/sound").chain(cases).collect();
    all.push(root.join("services.toml"));
    all.sort();
    all
}

/// The rule files that a file of tests names.
fn rules<'a>(rendered: &'a Rendered, path: &str, tests: &Value) -> Vec<&'a Value> {
    let names = tests["rule_files"].as_array().unwrap().iter();
    let find = |name: &str| {
        let mut folder: Vec<&str> = path.split('/').collect();
        folder.pop();
        for part in name.split('/') {
            match part {
                ".." => drop(folder.pop()),
                part => folder.push(part),
            }
        }
        &*rendered.file(&folder.join("/")).unwrap().value
    };
    names.map(|name| find(name.as_str().unwrap())).collect()
}

#[test]
fn all_generated_tests_pass_in_process_as_they_do_under_promtool() {
    let (mut wrong, mut tests, mut files) = (Vec::new(), 0, 0);
    for path in catalogs() {
        let Ok(text) = std::fs::read_to_string(&path) else {
            continue;
        };
        let outcome = prove(&text, Path::new("/nowhere")).unwrap();
        let Some(rendered) = outcome.rendered.as_ref().filter(|_| !outcome.failed()) else {
            continue;
        };
        for file in rendered
            .files
            .iter()
            .filter(|file| file.role == Role::RuleTests)
        {
            files += 1;
            tests += file.value["tests"].as_array().map_or(0, Vec::len);
            let rules = rules(rendered, &file.path, &file.value);
            for release in [Release::Two, Release::Three] {
                for found in run(&file.value, &rules, release) {
                    wrong.push(format!(
                        "{} {} {release:?} {found:?}",
                        path.display(),
                        file.path
                    ));
                }
            }
        }
    }
    println!("{tests} tests of {files} files, each as Prometheus 2 and as Prometheus 3");
    assert!(tests > 500);
    let shown = wrong
        .iter()
        .take(12)
        .cloned()
        .collect::<Vec<_>>()
        .join("\n");
    assert!(wrong.is_empty(), "{} wrong:\n{shown}", wrong.len());
}

mod differential;
mod testdata;

/// promtool keeps what is given by its labels: 2.42 passes with the first of these, and does not know the second.
#[test]
fn of_a_series_that_is_given_twice_the_last_is_taken() {
    for (first, second, expr) in [
        ("1x10", "9x10", "x"),
        (
            "{{count:1 sum:1}}x10",
            "{{count:9 sum:9}}x10",
            "histogram_count(x)",
        ),
    ] {
        let series = [first, second].map(|values| json!({"series": "x", "values": values}));
        let samples = json!([{"labels": "{}", "value": 9}]);
        let expr = format!("sum({expr})");
        let test = json!({"eval_time": "3m", "expr": expr, "exp_samples": samples});
        for release in [Release::Two, Release::Three] {
            let found = run(
                &json!({"tests": [{"interval": "1m", "input_series": series, "promql_expr_test": [test]}]}),
                &[],
                release,
            );
            assert!(found.is_empty(), "{expr}: {found:?}");
        }
    }
}

/// The numbers are those of Prometheus' own native_histograms.test; within a bucket its version 2 had a straight line.
#[test]
fn native_histograms_are_evaluated_as_each_version_does() {
    let asked = |release: Release, expr: &str, value: f64| {
        let samples = match value.is_nan() {
            true => json!([]),
            false => json!([{"labels": "{}", "value": value}]),
        };
        let series = [
            ("a", "{{schema:0 sum:5 count:4 buckets:[1 2 1]}}x20"),
            (
                "b",
                "{{schema:0}}+{{schema:0 sum:5 count:4 buckets:[1 2 1]}}x20",
            ),
            (
                "c",
                "{{schema:1 sum:10 count:8 z_bucket:8}}x5 {{sum:1 count:1 z_bucket:1}}x14",
            ),
            ("plain", "1x20"),
        ];
        let series = series.map(|(series, values)| json!({"series": series, "values": values}));
        let test = json!({"eval_time": "10m", "expr": expr, "exp_samples": samples});
        run(
            &json!({"tests": [{"interval": "1m", "input_series": series, "promql_expr_test": [test]}]}),
            &[],
            release,
        )
    };
    let nothing = f64::NAN;
    for (expr, two, three) in [
        ("histogram_quantile(0.5, a)", 1.5, 2f64.sqrt()),
        ("histogram_quantile(1, a)", 4.0, 4.0),
        ("histogram_fraction(1, 2, a)", 0.5, 0.5),
        (
            "histogram_fraction(-Inf, 1.5, a)",
            0.5,
            0.25 + 0.5 * 1.5f64.log2(),
        ),
        ("histogram_count(a)", 4.0, 4.0),
        ("histogram_avg(a)", 1.25, 1.25),
        ("histogram_count(rate(b[5m])) * 60", 4.0, 4.0),
        ("histogram_sum(increase(b[5m]))", 25.0, 25.0),
        ("histogram_quantile(1, sum(rate(b[5m])))", 4.0, 4.0),
        ("histogram_count(a + a - a * 0.5)", 6.0, 6.0),
        ("histogram_count(avg by (job) (a))", 4.0, 4.0),
        // The service has started anew in between.
        ("histogram_count(increase(c[10m]))", 1.0, 1.0 / 0.9),
        ("count(a)", 1.0, 1.0),
        ("max(present_over_time(a[5m]))", 1.0, 1.0),
        ("histogram_count(plain)", nothing, nothing),
        ("histogram_count(a offset 1h)", nothing, nothing),
    ] {
        for (release, value) in [(Release::Two, two), (Release::Three, three)] {
            let found = asked(release, expr, value);
            assert!(found.is_empty(), "{expr} of {release:?}: {found:?}");
            let other = if value.is_nan() { 1.0 } else { value * 1.01 };
            assert!(
                !asked(release, expr, other).is_empty(),
                "{expr} of {release:?}"
            );
        }
    }
    for expr in ["a > 1", "max(a)", "deriv(a[5m])", "-a", "a == a"] {
        let found = asked(Release::Three, expr, 1.0);
        let unknown = |one: &Found| matches!(one, Found::Unknown { .. });
        assert!(found.iter().any(unknown), "{expr}: {found:?}");
    }
}
