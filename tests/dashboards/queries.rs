//! Every query of every panel, run by promtool against series of every metric that the catalog declares.

use crate::{Stack, catalogs, expressions, name, panels, referee};
use monstack::catalog::{Catalog, Metric, Service};
use monstack::value::{Value, json};
use std::fmt::Write;
use std::path::{Path, PathBuf};

/// Samples are 15s apart; what is looked at is the last of them.
const SAMPLES: usize = 100;
const END: &str = "20m";

/// Whether the counters move.
#[derive(Clone, Copy, PartialEq)]
enum Traffic {
    Some,
    Flat,
}

/// Label → value pairs of every series of a metric: two of them for a status, one that failed.
fn variants(metric: &Metric) -> Vec<String> {
    let mut variants = vec![String::new()];
    for (label, allowed) in &metric.labels {
        let values: Vec<String> = match allowed.as_array() {
            Some(list) => list
                .iter()
                .filter_map(Value::as_str)
                .map(str::to_string)
                .collect(),
            None if label == "status" => vec!["200".into(), "500".into()],
            None => vec!["some".into()],
        };
        variants = variants
            .iter()
            .flat_map(|before| {
                values
                    .iter()
                    .map(move |value| format!("{before},{label}=\"{value}\""))
            })
            .collect();
    }
    variants
}

fn series(out: &mut Vec<Value>, name: &str, labels: &str, values: &str) {
    out.push(json!({"series": format!("{name}{{{labels}}}"), "values": values}));
}

/// What one service exposes, and what Prometheus adds.
fn exposed(out: &mut Vec<Value>, catalog: &Catalog, service: &Service, traffic: Traffic) {
    let target = format!(
        "job=\"{0}\",service=\"{0}\",component=\"{1}\",instance=\"{2}:{3}\"",
        service.name, service.group, service.host, service.port
    );
    let counting = |step: usize| {
        if traffic == Traffic::Some {
            format!("0+{step}x{SAMPLES}")
        } else {
            format!("7x{SAMPLES}")
        }
    };
    let steady = |value: &str| format!("{value}x{SAMPLES}");
    for metric in catalog
        .metrics
        .iter()
        .filter(|metric| metric.services.contains(&service.name))
    {
        for labels in variants(metric)
            .iter()
            .map(|more| format!("{target}{more}"))
        {
            match metric.r#type.as_str() {
                "counter" => series(out, &metric.name, &labels, &counting(10)),
                "gauge" => series(out, &metric.name, &labels, &steady("3")),
                _ => {
                    let bounds = metric
                        .buckets
                        .iter()
                        .map(f64::to_string)
                        .chain(["+Inf".to_string()]);
                    bounds.enumerate().for_each(|(index, le)| {
                        series(
                            out,
                            &format!("{}_bucket", metric.name),
                            &format!("{labels},le=\"{le}\""),
                            &counting(index + 1),
                        )
                    });
                }
            }
        }
    }
    let down = catalog
        .services
        .last()
        .is_some_and(|last| last.name == service.name);
    series(
        out,
        "up",
        &target,
        &if down {
            format!("1x20 0x{SAMPLES}")
        } else {
            steady("1")
        },
    );
    if service.health_probe {
        let probe = target.replacen(
            &format!("job=\"{}\"", service.name),
            "job=\"health-probe\"",
            1,
        );
        let unwell = catalog
            .services
            .first()
            .is_some_and(|first| first.name == service.name);
        series(
            out,
            "probe_success",
            &probe,
            &if unwell {
                format!("1x20 0x{SAMPLES}")
            } else {
                steady("1")
            },
        );
        series(out, "probe_duration_seconds", &probe, &steady("0.01"));
        series(out, "up", &probe, &steady("1"));
    }
    series(
        out,
        "process_cpu_seconds_total",
        &target,
        &format!("0+3x{SAMPLES}"),
    );
    for (metric, value) in [
        ("process_resident_memory_bytes", "300000000"),
        ("process_start_time_seconds", "1"),
        ("process_open_fds", "9"),
        ("scrape_duration_seconds", "0.01"),
        ("scrape_samples_scraped", "120"),
    ] {
        series(out, metric, &target, &steady(value));
    }
}

/// Grafana's variables as their default reads.
fn asked(expr: &str) -> String {
    let text = expr
        .replace("$__rate_interval", "1m")
        .replace("$__range", "15m");
    text.replace("$job", ".+").replace("$instance", ".+")
}

/// Every query with where it is written; the annotations too.
fn every_query(stack: &Stack) -> Vec<(String, String)> {
    let mut queries = Vec::new();
    for dashboard in stack.dashboards() {
        let marked = dashboard["annotations"]["list"][0]["expr"]
            .as_str()
            .unwrap();
        queries.push((
            format!("annotations of {}", dashboard["title"]),
            asked(marked),
        ));
        for panel in panels(dashboard) {
            queries.extend(
                expressions(panel)
                    .iter()
                    .map(|expr| (name(dashboard, panel), asked(expr))),
            );
        }
    }
    queries
}

/// Runs `question` of each query over the catalog's series and rules; each must answer `answer`.
fn promtool(
    case: &str,
    stack: &Stack,
    traffic: Traffic,
    question: impl Fn(&str) -> String,
    answer: f64,
) {
    let folder: PathBuf = Path::new(env!("CARGO_TARGET_TMPDIR"))
        .join("dashboards")
        .join(case);
    std::fs::create_dir_all(&folder).unwrap();
    for rules in ["recording_rules.yml", "signal_rules.yml", "alert_rules.yml"] {
        std::fs::write(
            folder.join(rules),
            stack.text(&format!("monitoring/{rules}")),
        )
        .unwrap();
    }
    let mut input = Vec::new();
    stack
        .catalog()
        .services
        .iter()
        .for_each(|service| exposed(&mut input, stack.catalog(), service, traffic));
    let queries = every_query(stack);
    let asks: Vec<Value> =
        queries.iter().map(|(_, expr)| json!({"expr": question(expr), "eval_time": END, "exp_samples": [{"labels": "{}", "value": answer}]})).collect();
    let step = stack.catalog().prometheus.evaluation_interval.to_string();
    let tests = json!({
        "rule_files": ["recording_rules.yml", "signal_rules.yml", "alert_rules.yml"],
        "evaluation_interval": step,
        "tests": [{"interval": "15s", "input_series": input, "promql_expr_test": asks}],
    });
    let file = folder.join("panels.test.yml");
    std::fs::write(&file, tests.to_string()).unwrap();
    let run = referee::run("promtool", &["test", "rules", "panels.test.yml"], &folder);
    assert!(
        run.status.success(),
        "{case}: {}",
        told(
            &String::from_utf8_lossy(&run.stdout),
            &String::from_utf8_lossy(&run.stderr),
            &queries
        )
    );
}

/// promtool's complaints, each with the panel whose query it is about; promtool prints queries quoted.
fn told(stdout: &str, stderr: &str, queries: &[(String, String)]) -> String {
    let mut text = format!("{stdout}\n{stderr}");
    for (place, expr) in queries {
        let quoted = json!(expr).to_string();
        let inner = &quoted[1..quoted.len() - 1];
        if stdout.contains(inner) || stderr.contains(inner) {
            write!(text, "\n{place}:\n  {expr}").unwrap();
        }
    }
    text
}

#[test]
fn every_query_of_every_panel_returns_something() {
    for case in ["seed", "varied"] {
        promtool(
            &format!("answers-{case}"),
            catalogs::stack(case),
            Traffic::Some,
            |expr| format!("count({expr}) > bool 0"),
            1.0,
        );
    }
}

#[test]
fn no_panel_shows_nan_without_traffic() {
    for case in ["seed", "varied"] {
        promtool(
            &format!("nan-{case}"),
            catalogs::stack(case),
            Traffic::Flat,
            |expr| format!("count(({expr}) != ({expr})) or vector(0)"),
            0.0,
        );
    }
}

#[test]
fn a_catalog_without_metrics_and_alerts_still_answers_where_it_can() {
    let stack = catalogs::stack("bare");
    let always: Vec<String> = every_query(stack)
        .into_iter()
        .map(|(_, expr)| expr)
        .filter(|expr| !expr.contains("ALERTS"))
        .collect();
    assert!(always.len() > 15, "{always:#?}");
    promtool(
        "bare",
        stack,
        Traffic::Some,
        |expr| {
            if expr.contains("ALERTS") {
                "vector(1)".to_string()
            } else {
                format!("count({expr}) > bool 0")
            }
        },
        1.0,
    );
}

#[test]
fn a_tile_tells_a_scrape_from_a_health_check() {
    let tiles = |stack: &Stack| {
        panels(&stack.overview)
            .into_iter()
            .find(|panel| panel["title"] == "Service health")
            .expect("the tiles")
            .clone()
    };
    // Of the first service the health check fails, of the last the scrape; in the other catalog the last is not probed, and few are.
    let cases = [
        ("seed", "2", "UNHEALTHY", "agent-coordinator", 1.0),
        ("seed", "1", "NO METRICS", "event-replay-debugger", 1.0),
        ("seed", "3", "UP", "agent-designer", 10.0),
        ("varied", "4", "UP, NOT PROBED", "web", 14.0),
        ("varied", "0", "DOWN", "worker-13", 1.0),
    ];
    for (catalog, state, word, service, count) in cases {
        let stack = catalogs::stack(catalog);
        let panel = tiles(stack);
        assert_eq!(
            panel["fieldConfig"]["defaults"]["mappings"][0]["options"][state]["text"], word,
            "{catalog}"
        );
        let shown = format!("(({}) == {state})", asked(expressions(&panel)[0]));
        let question = |_: &str| {
            format!("count({shown}) + 100 * count({shown} and on (job) up{{job=\"{service}\"}})")
        };
        promtool(
            &format!("tiles-{catalog}-{state}"),
            stack,
            Traffic::Some,
            question,
            count + 100.0,
        );
    }
}

#[test]
fn a_catalog_that_is_not_probed_shows_up_and_down_alone() {
    let stack = catalogs::stack("bare");
    for dashboard in stack.dashboards() {
        let text = dashboard.to_string();
        assert!(
            !text.contains("health:max") && !text.contains("probe") && !text.contains("UNHEALTHY"),
            "{}",
            dashboard["title"]
        );
    }
}

/// As seconds it would read as 56 years.
#[test]
fn a_point_in_time_is_drawn_as_how_long_ago_it_is() {
    let other = "[services.other]\ngroup = \"only\"\nport = 8001\n[metrics.seen_timestamp_seconds]\ntype = \"gauge\"\nhelp = \"When somebody was seen\"\n";
    // Each alone, all of a kind named in one panel, and more than one panel names.
    for some in [1, 8, 30] {
        let metrics: Vec<String> = (0..some)
            .map(|number| {
                format!("[metrics.end_{number}_timestamp_seconds]\ntype = \"gauge\"\nhelp = \"When it ended\"\nservices = [\"lonely\"]\n")
            })
            .collect();
        let stack = Stack::of(&format!("{}{other}{}", catalogs::bare(), metrics.concat()));
        let [overview, _] = stack.dashboards();
        let panels = panels(overview);
        let of_times = panels.iter().filter(|panel| {
            let asked = expressions(panel);
            asked.iter().any(|expr| expr.contains("_timestamp_seconds"))
        });
        let mut drawn = 0;
        for panel in of_times {
            let unit = &panel["fieldConfig"]["defaults"]["unit"];
            assert_eq!(unit, "dateTimeFromNow", "{panel}");
            for expr in expressions(panel) {
                let scaled = expr.matches("1000 * bare_").count();
                let times = expr.matches("_timestamp_seconds{").count();
                assert_eq!(scaled, times, "{expr}");
                drawn += times;
            }
        }
        assert_eq!(drawn, some + 1);
    }
}
