//! Families, label domains and doubts, each from a few lines of an exposition.

use super::*;
use crate::live::exposition::parse;
use crate::value::{Value, json};

fn read(text: &str) -> (Vec<Family>, Doubts) {
    let exposition = parse(text.as_bytes(), false).unwrap();
    families(&[("checkout".to_string(), exposition)])
}

fn one(text: &str) -> Family {
    let (mut families, _) = read(text);
    assert_eq!(families.len(), 1, "{families:?}");
    families.remove(0)
}

#[test]
fn each_type_is_one_family() {
    let histogram = one(
        "# HELP wait_seconds Time {spent} waiting\n# TYPE wait_seconds histogram\nwait_seconds_bucket{le=\"0.5\"} 1\nwait_seconds_bucket{le=\"2\"} 1\nwait_seconds_bucket{le=\"+Inf\"} 1\nwait_seconds_sum 1\nwait_seconds_count 1\n",
    );
    assert_eq!(
        (
            histogram.name.as_str(),
            histogram.kind,
            histogram.help.as_str()
        ),
        ("wait_seconds", Type::Histogram, "Time spent waiting")
    );
    assert_eq!(histogram.buckets, [0.5, 2.0]);
    assert!(histogram.labels.is_empty());
    let summary = one(
        "# TYPE s summary\ns{quantile=\"0.5\",op=\"a\"} 1\ns{quantile=\"0.99\",op=\"b\"} 1\ns_sum{op=\"a\"} 1\ns_count{op=\"b\"} 1\n",
    );
    assert_eq!(
        (summary.kind, summary.quantiles),
        (Type::Summary, vec![0.5, 0.99])
    );
    assert_eq!(
        summary.labels,
        *json!({"op": ["a", "b"]}).as_object().unwrap()
    );
    let untyped = one("x_bucket{le=\"1\"} 1\nx_bucket{le=\"+Inf\"} 1\nx_sum 1\nx_count 1\n");
    assert_eq!(
        (untyped.name.as_str(), untyped.kind),
        ("x", Type::Histogram)
    );
}

#[test]
fn openmetrics_names_its_counters_without_their_suffix() {
    let text = "# TYPE jobs counter\njobs_total 1\njobs_created 1\n# TYPE build info\nbuild_info{rev=\"x\"} 1\n# EOF\n";
    let exposition = parse(text.as_bytes(), true).unwrap();
    let (families, doubts) = families(&[("a".to_string(), exposition)]);
    let names: Vec<(&str, Type)> = families
        .iter()
        .map(|family| (family.name.as_str(), family.kind))
        .collect();
    assert_eq!(
        names,
        [("jobs_total", Type::Counter), ("build_info", Type::Gauge)]
    );
    assert_eq!(doubts.single, ["rev of build_info"]);
}

#[test]
fn a_list_is_a_closed_choice_and_nothing_else() {
    let labels = |samples: &str| one(&format!("# TYPE x gauge\n{samples}")).labels;
    let cases = [
        (
            "x{state=\"idle\"} 1\nx{state=\"used\"} 1\n",
            json!({"state": ["idle", "used"]}),
        ),
        ("x{code=\"200\"} 1\n", json!({"code": "[1-5][0-9]{2}"})),
        (
            "x{status=\"2xx\"} 1\nx{status=\"5xx\"} 1\n",
            json!({"status": "[1-5]xx"}),
        ),
        ("x{method=\"GET\"} 1\n", json!({"method": "[A-Z]+"})),
        (
            "x{outcome=\"paid\"} 1\nx{outcome=\"declined\"} 1\n",
            json!({"outcome": ".+"}),
        ),
        (
            "x{path=\"/a\"} 1\nx{path=\"/b\"} 1\n",
            json!({"path": ".+"}),
        ),
        (
            "x{topic=\"orders\"} 1\nx{topic=\"mails\"} 1\n",
            json!({"topic": ".+"}),
        ),
        (
            "x{shard=\"1\"} 1\nx{shard=\"2\"} 1\n",
            json!({"shard": "[0-9]+"}),
        ),
        ("x{a=\"b\"} 1\nx 1\n", json!({"a": ".*"})),
        ("x{ok=\"true\"} 1\n", json!({"ok": ["false", "true"]})),
    ];
    for (samples, expected) in cases {
        assert_eq!(Value::Object(labels(samples)), expected, "{samples}");
    }
}

#[test]
fn what_is_not_known_is_said() {
    let many: String = (0..9)
        .map(|index| format!("x{{kind=\"a{}\"}} 1\n", "b".repeat(index)))
        .collect();
    let text = format!(
        "# TYPE x gauge\n{many}# TYPE quiet counter\ndepth 1\n# TYPE n histogram\nn 3\n# TYPE h histogram\nh_bucket{{le=\"0\"}} 0\nh_bucket{{le=\"+Inf\"}} 0\nh_sum 0\nh_count 0\n# TYPE l gauge\nl{{job=\"a\"}} 1\n"
    );
    let (families, doubts) = read(&text);
    let names: Vec<&str> = families.iter().map(|family| family.name.as_str()).collect();
    assert_eq!(names, ["x", "depth", "h", "l"]);
    assert_eq!(doubts.many, ["kind of x"]);
    assert_eq!(doubts.untyped, ["depth"]);
    assert_eq!(doubts.silent, ["quiet"]);
    let left: Vec<&str> = doubts
        .left_out
        .iter()
        .map(|(what, _)| what.as_str())
        .collect();
    assert_eq!(left, ["n", "the buckets of h", "the label `job` of l"]);
    assert_eq!(families[1].help, "Depth");
    assert!(families[3].labels.is_empty());
}

#[test]
fn services_share_a_family() {
    let parsed = |text: &str| parse(text.as_bytes(), false).unwrap();
    let a = parsed("# TYPE x_total counter\nx_total{kind=\"a\"} 1\n# TYPE y gauge\ny 1\n");
    let b = parsed("# TYPE x_total counter\nx_total{kind=\"b\"} 1\n# TYPE y counter\ny 1\n");
    let (families, doubts) = families(&[("a".to_string(), a), ("b".to_string(), b)]);
    assert_eq!(families.len(), 1);
    assert_eq!(families[0].services, ["a", "b"]);
    assert_eq!(families[0].labels["kind"], json!(["a", "b"]));
    assert_eq!(doubts.left_out[0].0, "y");
}

#[test]
fn a_native_histogram_is_one_where_a_prometheus_shows_it() {
    let text = "# TYPE wait_seconds histogram\nwait_seconds{op=\"a\"} 0\n";
    let (none, doubts) = read(text);
    assert!(none.is_empty(), "{none:?}");
    assert_eq!(doubts.left_out.len(), 1, "{doubts:?}");

    let mut exposition = parse(text.as_bytes(), false).unwrap();
    exposition.natives.insert("wait_seconds".to_string());
    let (mut found, doubts) = families(&[("checkout".to_string(), exposition)]);
    assert!(doubts.left_out.is_empty(), "{doubts:?}");
    let family = found.remove(0);
    assert!(family.native && family.kind == Type::Histogram);
    assert!(family.labels.contains_key("op"));
}
