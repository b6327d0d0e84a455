//! The catalog's own tests of its expressions: checked and run at every render.

use crate::{monstack, run, shop, tree};
use std::fs;

const SERIES: &str = r#"'shop_queue_length{job="api",service="api",component="web"}'"#;

/// A catalog with one alert of kind promql, and these tests.
fn catalog(expr: &str, tests: &[&str]) -> String {
    let tests: Vec<String> = tests
        .iter()
        .map(|test| format!("  {{ {} }},\n", test.replace("SERIES", SERIES)))
        .collect();
    let head = "[platform]\nname = \"Shop\"\nslug = \"shop\"\nmetric_prefix = \"shop\"\nrunbook_url = \"https://example.org/RUNBOOK.md\"\n\
        [alertmanager]\nallow = [{ check = \"no-one-notified\", reason = \"nobody is on call in a test\" }]\n[groups]\nweb = { title = \"Web\" }\n[services]\napi = { group = \"web\", port = 8000 }\n";
    let metric = "[metrics.queue_length]\ntype = \"gauge\"\nhelp = \"Queue\"\n";
    format!(
        "{head}{metric}[alerts.Queue]\nkind = \"promql\"\nexpr = '''{expr}'''\nfor = \"5m\"\nseverity = \"warning\"\ntests = [\n{}]\n",
        tests.concat()
    )
}

const LONG: &str = "max by (job, service, component) (shop_queue_length) > 100";
const FIRES: &str = r#"name = "long", at = "20m", series = { SERIES = "500x30" }, fires = ["api"]"#;
const SILENT: &str = r#"name = "short", at = "20m", every = "15s", series = { SERIES = "50x80" }"#;

#[test]
fn tests_that_pass_are_proved_without_promtool() {
    let shop = shop("own-tests", &catalog(LONG, &[FIRES, SILENT]));
    let ran: crate::Run = monstack(&["render", "--root"])
        .arg(&shop)
        .env("PATH", "/nonexistent")
        .output()
        .expect("monstack starts")
        .into();
    assert_eq!((ran.code, ran.err.as_str()), (Some(0), ""), "{}", ran.err);
    assert!(ran.out.contains("18 files, all proved)"), "{}", ran.out);
    assert!(
        fs::read_to_string(shop.join("generated/monitoring/tests/Queue.test.yml"))
            .unwrap()
            .contains("interval: 15s")
    );
}

#[test]
fn tests_that_state_the_opposite_are_errors_at_their_place() {
    let wrong = [
        r#"name = "long", at = "20m", series = { SERIES = "50x30" }, fires = ["api"]"#,
        r#"name = "short", at = "20m", series = { SERIES = "500x30" }"#,
    ];
    let shop = shop(
        "own-tests-wrong",
        &catalog(LONG, &[wrong[0], wrong[1], FIRES, SILENT]),
    );
    let before = tree(&shop);
    for (arguments, count) in [
        (&["render"][..], "2 errors"),
        (&["render", "--check"], "2 errors"),
        // Of a second service there is a warning too: the alert fires for neither.
        (
            &["add", "other", "--group", "web", "--port", "8001"],
            "2 errors, 1 warning",
        ),
    ] {
        let ran = run(&shop, arguments);
        assert_eq!(ran.code, Some(1), "{arguments:?}: {}", ran.err);
        assert!(
            ran.err.contains("error[test-fails]: the test `long` fails: it expects the alert to fire at 20m for `api`, and it fires for no service"),
            "{}",
            ran.err
        );
        assert!(ran.err.contains("the test `short` fails: it expects the alert to fire at 20m for no service, and it fires for `api`"), "{}", ran.err);
        assert!(
            ran.err.contains(&format!("{count}; nothing was written")),
            "{}",
            ran.err
        );
        assert_eq!(tree(&shop), before, "{arguments:?}");
    }
    assert!(
        run(&shop, &["render"])
            .err
            .contains("--> services.toml:21:3")
    );
}

#[test]
fn a_recording_rule_gives_another_number_than_its_test_says() {
    let rule = r#"
[rules."job:queue:max"]
expr = "max by (job, service, component) (shop_queue_length)"
[[rules."job:queue:max".tests]]
name = "five"
at = "10m"
series = { SERIES = "5x20" }
gives = { '{job="api",service="api",component="web"}' = 6 }
"#;
    let catalog = catalog(LONG, &[FIRES, SILENT]) + &rule.replace("SERIES", SERIES);
    let ran = run(&shop("own-tests-of-a-rule", &catalog), &["render"]);
    let labels = r#"{__name__="job:queue:max", component="web", job="api", service="api"}"#;
    let said =
        format!("the test `five` fails: at 10m it expects `{labels} 6`, and there is `{labels} 5`");
    assert!(ran.err.contains(&said), "{}", ran.err);
}

#[test]
fn mistakes_in_tests_are_reported_where_they_are_written() {
    let one = |test: &str| {
        let shop = shop("own-tests-mistakes", &catalog(LONG, &[FIRES, SILENT, test]));
        let ran = run(&shop, &["render"]);
        assert!(
            !shop.join("generated").exists(),
            "{test} renders: {}",
            ran.out
        );
        assert!(
            ran.err.contains("--> services.toml:23:") && !ran.err.contains("--> templates/"),
            "{test}: {}",
            ran.err
        );
        ran.err
    };
    for (test, said) in [
        (
            r#"name = "a", at = "20m", series = { SERIES = "4 x 20 oops" }"#,
            "`x` is not a value of promtool's notation",
        ),
        (
            r#"name = "a", at = "20m", series = { SERIES = "1e999" }"#,
            "`1e999` does not fit a sample",
        ),
        (
            r#"name = "a", at = "20m", series = { SERIES = "" }"#,
            "has no samples",
        ),
        (
            r#"name = "a", at = "20m", series = { SERIES = "4x9999999999" }"#,
            "has 10000000000 samples",
        ),
        (
            r#"name = "a", at = "20m", series = { SERIES = "{{count:1}}" }"#,
            "promtool reads from 2.48 on",
        ),
        (
            r#"name = "a", at = "20m", series = { SERIES = "4x20" }, fires = ["nobody"]"#,
            "there is no service `nobody`",
        ),
        (
            r#"name = "a", at = "20m", series = { SERIES = "4x20" }, fires = ["apy"]"#,
            "did you mean `api`?",
        ),
        (
            r#"name = "a", at = "20m", series = { SERIES = "400x20" }, fires = ["api", "api"]"#,
            "`api` is duplicated",
        ),
        (
            r#"name = "a", at = "4m59s", series = { SERIES = "400x20" }, fires = ["api"]"#,
            "cannot fire for `api` yet",
        ),
        (
            r#"name = "a", at = "10y", every = "1d", series = { SERIES = "4x9999" }"#,
            "is over after 5256000 steps",
        ),
        (
            r#"name = "a", at = "20m", every = "0s", series = { SERIES = "4x20" }"#,
            "`every` is zero",
        ),
        (
            r#"name = "a", at = "300y", series = { SERIES = "4x20" }"#,
            "longer than 292 years",
        ),
        (
            r#"name = "a", at = "20m", series = { 'shop_queue_length{job=~"a"}' = "4x20" }"#,
            "is not a series: its labels are given with `=`",
        ),
        (
            r#"name = "a", at = "20m", series = { 'sum(shop_queue_length)' = "4x20" }"#,
            "is not a series: it is an expression",
        ),
        (
            r#"name = "a", at = "20m", series = { 'shop_queue_length{' = "4x20" }"#,
            "is not a series",
        ),
        (
            r#"name = "a", at = "20m", series = { 'shop_queue_length{a="1",b="2"}' = "4x20", 'shop_queue_length{b="2",a="1"}' = "4x20" }"#,
            "is the same series as",
        ),
        (
            r#"name = "a", at = "20m", series = { 'shop_queue_lenght{job="api"}' = "4x20" }"#,
            "did you mean `shop_queue_length`?",
        ),
        (
            r#"name = "a", at = "20m", series = { 'shop_queue_length{job="apy"}' = "4x20" }"#,
            "did you mean `api`?",
        ),
    ] {
        let told = one(test);
        assert!(told.contains(said), "{test}: {told}");
    }
}

/// Every notation that promtool reads is read, and what it refuses is refused.
#[test]
fn notations_are_judged_as_promtool_does() {
    let folder = crate::referee::folder("cli-own-tests-notation");
    fs::write(folder.join("rules.yml"), "groups: []\n").unwrap();
    let values = [
        "1",
        "1 2 3",
        " 1\t2 ",
        "1x4",
        "0x20",
        "-1-0.5x2 7",
        "_ _x3 stale",
        "stalex2",
        "stale+1x2",
        "NaNx2",
        "NaN+0x2",
        "inf",
        "-Inf",
        "infx3",
        "1e3 1.5e-3x1 .5 5.",
        "1e308",
        "1e309",
        "4 x 20",
        "x",
        "1x",
        "1x-3",
        "1x1.5",
        "1+1",
        "1 +",
        "one",
        "1,2",
        "stale3",
        "_3",
        "_x",
        "0x1f",
        "1++1x2",
        "1e",
        "1_000",
        "{{count:1}}",
        "5m",
        "--1",
        "017",
        "08",
        "1x03",
        "1 x3",
        "- 1",
        "1.x3",
        "1.5.x3",
        "1e5x2",
        "1E5",
        "1\n2",
        "1+infx2",
        "1\r2",
        "+1+1x1",
        "0.5x",
        "nan NaN",
        "Infinity",
        "..5",
    ];
    for value in values {
        let test = monstack::value::json!({"rule_files": ["rules.yml"], "evaluation_interval": "1m", "tests": [{"interval": "1m", "input_series": [{"series": "a", "values": value}]}]});
        fs::write(folder.join("test.json"), test.to_string()).unwrap();
        let (accepts, output) =
            crate::referee::judge("promtool", &["test", "rules", "test.json"], &folder);
        let own = monstack::promql::samples::count(value, false);
        assert_eq!(
            own.is_ok(),
            accepts,
            "{value:?}: {own:?}, promtool: {output}"
        );
    }
}

/// What a person reads stays short, however long what they wrote, and nothing ends the program but itself.
#[test]
fn expressions_beyond_all_bounds_are_findings() {
    let times = |text: &str, times: usize| text.repeat(times);
    for (expr, said) in [
        (
            format!("{}{LONG}{}", times("(", 11_500), times(")", 11_500)),
            "levels deep",
        ),
        (format!("{}{LONG}", times("-", 11_500)), "levels deep"),
        (format!("{LONG}{}", times(" + 1", 10_000)), "levels deep"),
        (times("x", 1_000_000), "nobody emits"),
        (
            format!("{LONG} or rate(shop_queue_length[300y]) > 1"),
            "longer than 292 years",
        ),
        (
            LONG.replace("length", "length{job=~\"a{1001}\"}"),
            "repeats 1001 times",
        ),
    ] {
        let shop = shop("own-tests-bounds", &catalog(&expr, &[FIRES, SILENT]));
        let ran = run(&shop, &["render"]);
        assert_eq!(ran.code, Some(1), "{}", ran.err);
        assert!(
            ran.err.contains(said) && ran.err.len() < 6_000,
            "{said}: {} bytes: {}",
            ran.err.len(),
            &ran.err[..ran.err.len().min(2_000)]
        );
        for format in ["json", "github"] {
            assert!(
                run(&shop, &["render", "--format", format]).out.len() < 6_000,
                "{format}"
            );
        }
    }
    let deep = format!("{}{LONG}{}", times("(", 400), times(")", 400));
    for expr in [vec![LONG; 300].join(" or "), deep] {
        let shop = shop("own-tests-bounds", &catalog(&expr, &[FIRES, SILENT]));
        assert_eq!(run(&shop, &["render"]).code, Some(0));
    }
}
