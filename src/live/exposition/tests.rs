//! The parser beside promtool: both accept, or both refuse.

use super::*;
use std::io::Write;
use std::process::{Command, Stdio};

const GOOD: &[&str] = &[
    "",
    "\n\n",
    "up 1\n",
    "# just a remark\n#\nup 1\n",
    "# HELP a_total What \\\\ it is\n# TYPE a_total counter\na_total{b=\"x\",c=\"y\"} 1 1700000000000\n",
    "a{b=\"quote \\\" slash \\\\ line \\n brace { } = ,\"} 1\n",
    " \ta { b = \"x\" , c = \"y\" , } \t 2.5e3\n",
    "a +Inf\nb -Inf\nc NaN\nd .5\ne 1.\n",
    "# TYPE h histogram\nh_bucket{le=\"1\"} 1\nh_bucket{le=\"+Inf\"} 2\nh_sum 3\nh_count 2\n",
    "a{b=\"üñí\u{202e}\"} 1\n",
    "a:b:c 1\n",
];

const BAD: &[(&str, usize, usize, &str)] = &[
    (
        "a{b=\"x\"} 1\n{\"status\": \"ok\"}\n",
        2,
        10,
        "a comma or a closing brace is missing",
    ),
    (
        "\"# HELP a b\"\n",
        1,
        1,
        "`\\\"` cannot start a metric name",
    ),
    ("<html>\n", 1, 1, "`<` cannot start a metric name"),
    ("a{b=\"x} 1\n", 1, 5, "this quote is never closed"),
    (
        "a{b=x} 1\n",
        1,
        5,
        "the value of label `b` is not in quotes",
    ),
    (
        "a{b=\"x\" c=\"y\"} 1\n",
        1,
        9,
        "a comma or a closing brace is missing",
    ),
    ("a{b=\"x\",b=\"y\"} 1\n", 1, 9, "label `b` is duplicated"),
    (
        "a{b=\"\\t\"} 1\n",
        1,
        7,
        "a backslash stands before something other than `\\`, `\"` or `n`",
    ),
    ("a{1b=\"x\"} 1\n", 1, 3, "`1` cannot start a label name"),
    ("ok 1\na one\n", 2, 3, "`one` is not a number"),
    ("a\n", 1, 2, "the value is missing"),
    ("a 1 2 3\n", 1, 7, "there is text after the value"),
    ("a 1 1.5\n", 1, 5, "`1.5` is not a timestamp"),
    ("a 1e999\n", 1, 3, "1e999 does not fit 64 bits"),
    ("a 1\r\n", 1, 4, "the line ends with a carriage return"),
    (
        "# TYPE a counted\na 1\n",
        1,
        10,
        "`counted` is not a metric type",
    ),
    (
        "a 1\n# TYPE a gauge\n",
        2,
        8,
        "the `# TYPE` of `a` comes after its samples",
    ),
    ("a-b 1\n", 1, 2, "`-b` is not a number"),
];

#[test]
fn what_prometheus_takes_and_promtool_refuses_is_a_flaw() {
    for text in [
        "# HELP a b\n# HELP a c\na 1\n",
        "# TYPE a counter\n# TYPE a gauge\na 1\n",
    ] {
        let read = parse(text.as_bytes(), false).unwrap();
        let [flaw] = &read.flaws[..] else {
            panic!("{text}: {:?}", read.flaws)
        };
        assert!((flaw.line, flaw.column) == (2, 8) && flaw.reason.starts_with("a second"));
        assert!(!promtool_reads(text), "{text}");
    }
}

/// Whether promtool reads it; lint remarks (exit code 3) are not parse errors.
fn promtool_reads(text: &str) -> bool {
    let mut child = Command::new("promtool")
        .args(["check", "metrics"])
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .expect("promtool is missing: install Debian's package prometheus");
    child
        .stdin
        .take()
        .unwrap()
        .write_all(text.as_bytes())
        .unwrap();
    child.wait().unwrap().code() != Some(1)
}

#[test]
fn what_promtool_reads_is_read() {
    for text in GOOD {
        assert!(promtool_reads(text), "promtool refuses {text:?}");
        parse(text.as_bytes(), false).unwrap_or_else(|error| panic!("{text:?}: {error:?}"));
    }
}

#[test]
fn what_promtool_refuses_is_refused_at_its_place() {
    for (text, line, column, reason) in BAD {
        assert!(!promtool_reads(text), "promtool reads {text:?}");
        let error = parse(text.as_bytes(), false).expect_err(text);
        assert_eq!(
            (error.line, error.column, error.reason.as_str()),
            (*line, *column, *reason),
            "{text:?}"
        );
    }
}

#[test]
fn openmetrics_has_an_end_exemplars_and_families_without_suffix() {
    let text = "# TYPE a counter\n# UNIT a seconds\na_total{b=\"x\"} 3.0 1700000000.5 # {trace_id=\"1\"} 1.0 1700000000.1\na_created 1.7e9\n# EOF\n";
    let exposition = parse(text.as_bytes(), true).unwrap();
    assert_eq!(exposition.type_of("a_total"), Some("counter"));
    assert_eq!(exposition.samples[0].label("b"), "x");
    assert_eq!(exposition.samples[0].series(), "a_total{b=\"x\"}");
    assert_eq!(parse(b"a 1\n", true).unwrap_err().line, 2);
    assert_eq!(
        parse(b"# EOF\na 1\n", true).unwrap_err().reason,
        "there is text after `# EOF`"
    );
    assert!(parse(b"{\"http.requests\",code=\"200\"} 1\n", false).is_ok());
}

#[test]
fn bytes_that_are_not_text_have_a_place_too() {
    assert_eq!(
        parse(b"a 1\nb{c=\"\xff\"} 1\n", false).unwrap_err(),
        ParseError {
            line: 2,
            column: 6,
            reason: "byte 0xff is not UTF-8 text".into()
        }
    );
}

/// Columns were counted, and names compared, for each of a line's labels: 100,000 took minutes.
#[test]
fn a_line_may_have_many_labels() {
    let labels: Vec<String> = (0..300_000).map(|index| format!("l{index}=\"\"")).collect();
    let read = parse(format!("a{{{}}} 1\n", labels.join(",")).as_bytes(), false).unwrap();
    assert_eq!(read.samples[0].labels.len(), labels.len());
    let twice = format!("a{{{},l0=\"\"}} 1\n", labels.join(","));
    let error = parse(twice.as_bytes(), false).unwrap_err();
    assert_eq!(
        (error.column, error.reason.as_str()),
        (twice.find(",l0=").unwrap() + 2, "label `l0` is duplicated")
    );
}
