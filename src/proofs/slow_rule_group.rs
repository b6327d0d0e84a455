//! Every rule group is evaluated as often as the catalog says, and as a whole.

mod own;

use super::{Check, Example, Proof, place};
use crate::artifacts::RULES;
use crate::catalog::Duration;
use crate::contract::domain::Domain;
use crate::promql::engine::metric;
use crate::promql::walk::selectors;
use crate::stack::Stack;

pub(crate) const PROOF: Proof = Proof {
    code: "slow-rule-group",
    doc: "A group with an interval of its own looks at its alerts that rarely; one with a limit fails at run time as soon as it has more series, and all of its alerts are silent.",
    example: Example::Rendered {
        role: RULES,
        pointer: "/groups/*/interval",
        bad: r#""1h""#,
    },
    check: Check::Stack(|stack| {
        let often = stack.catalog.prometheus.evaluation_interval;
        let mut found = Vec::new();
        for config in stack.files.prometheus() {
            // Prometheus' own default is a minute.
            let said = config.value["global"]["evaluation_interval"].as_str();
            let interval = said.and_then(Duration::parse).unwrap_or(Duration(60_000));
            if interval != often {
                found.push(place::at(
                    &config.path,
                    "/global/evaluation_interval",
                    format!("rules are evaluated every {interval}, the catalog says every {often}"),
                    "render `prometheus.evaluation_interval`",
                ));
            }
        }
        for config in stack.files.prometheus() {
            let said = config.value["global"]["rule_query_offset"].as_str();
            let offset = said.and_then(Duration::parse).unwrap_or_default();
            let settings = &stack.catalog.prometheus;
            let usual = settings.rule_query_offset.unwrap_or_default();
            if offset == usual || (usual..=often).contains(&offset) {
                continue;
            }
            let (pointer, message) = match said {
                Some(_) => (
                    "/global/rule_query_offset",
                    format!(
                        "every rule looks at what was {offset} ago, and the catalog says {usual}: {}",
                        match offset > usual {
                            true => "alerts come as much later",
                            false => "samples that come late are not there yet",
                        }
                    ),
                ),
                None => (
                    "/global",
                    format!(
                        "every rule looks at what is now, and the catalog says what was {usual} ago: samples that come late are not there yet"
                    ),
                ),
            };
            found.push(place::at(
                &config.path,
                pointer,
                message,
                "render `rule_query_offset` of [prometheus], or remove it",
            ));
        }
        for file in stack.files.rule_files() {
            for (pointer, group) in file.groups() {
                if file.is_own() {
                    found.extend(own::slow(stack, file, &pointer, group));
                    continue;
                }
                let name = group["name"].as_str().unwrap_or_default();
                let interval = group["interval"].as_str().and_then(Duration::parse);
                // The catalog may want that of its own recording rules.
                let meant = |interval: Duration| {
                    let mut rules = group["rules"].items().peekable();
                    rules.peek().is_some()
                        && rules.all(|rule| {
                            stack.catalog.rules.iter().any(|own| {
                                rule["record"] == own.name.as_str()
                                    && own.interval == Some(interval)
                            })
                        })
                };
                // What nothing reads is somebody's own, who may look at it as often as it is needed.
                let unread = || {
                    let mut rules = group["rules"].items();
                    let inside = format!("{pointer}/");
                    rules.all(|rule| {
                        let record = rule["record"].as_str();
                        record.is_some_and(|record| {
                            !stack.expressions.iter().any(|expression| {
                                let own = expression.path == file.path
                                    && expression.pointer.starts_with(&inside);
                                !own && selectors(&expression.ast)
                                    .iter()
                                    .any(|selector| metric(selector) == Some(record))
                            })
                        })
                    })
                };
                if let Some(interval) =
                    interval.filter(|interval| *interval > often && !meant(*interval) && !unread())
                {
                    found.push(place::at(
                        &file.path,
                        format!("{pointer}/interval"),
                        format!("the group `{name}` is evaluated every {interval}, the catalog says every {often}"),
                        "remove the interval, or raise `prometheus.evaluation_interval`",
                    ));
                }
                let offset = group["query_offset"].as_str().and_then(Duration::parse);
                let usual = stack.catalog.prometheus.rule_query_offset;
                if let Some(offset) = offset.filter(|offset| *offset > usual.unwrap_or(often)) {
                    found.push(place::at(
                        &file.path,
                        format!("{pointer}/query_offset"),
                        format!("the group `{name}` looks at what was {offset} ago, so that its alerts come as much later"),
                        "remove it, or write `rule_query_offset` in [prometheus]",
                    ));
                }
                let limit = group["limit"].as_u64().filter(|limit| *limit > 0);
                if let Some(most) = limit.map(|_| most(stack, &file.path, &pointer, MANY))
                    && limit.is_some_and(|limit| limit < most)
                {
                    let message = format!(
                        "the group `{name}` fails as a whole when a rule has more series than its limit, and {most} are possible"
                    );
                    found.push(place::at(
                        &file.path,
                        format!("{pointer}/limit"),
                        message,
                        "remove the limit, or write several times as much",
                    ));
                }
            }
        }
        found
    }),
};

/// Values of a label of which only a pattern is known.
const MANY: u64 = 100;

/// The most series that a rule of a group can have, as far as the catalog says; many: values of a label of which only a pattern is known.
fn most(stack: &Stack, path: &str, group: &str, many: u64) -> u64 {
    let inside = format!("{group}/");
    let rules = stack
        .expressions
        .iter()
        .filter(|expression| expression.path == path && expression.pointer.starts_with(&inside));
    let counts = rules.map(|rule| {
        let each = rule.series(&stack.contract).iter().map(|series| {
            let own = series.labels.values().map(|domain| match domain {
                Domain::Values(values) => values.len() as u64,
                Domain::Pattern(_) => many,
            });
            let own = own.fold(1, u64::saturating_mul);
            own.saturating_mul((series.targets.count_ones(..) as u64).max(1))
        });
        each.fold(0, u64::saturating_add)
    });
    counts.max().unwrap_or(0)
}
