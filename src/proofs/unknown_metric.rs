//! Every metric that is read is one that somebody writes.

use super::{Check, Example, Proof, Usage, place};
use crate::contract::series::SeriesSet;
use crate::diagnostic::suggestion;
use crate::profiles::Profiles;
use crate::promql::walk::selector;

/// Series that a native histogram has not, and what to ask it for instead.
const PARTS: [(&str, &str); 3] = [
    (
        "_bucket",
        "`{}` is a native histogram, whose buckets are in its samples: read `{}`, without `le`, as in `histogram_quantile(0.95, sum by (job) (rate({}[5m])))`; or give it `buckets` if the services write those too",
    ),
    (
        "_count",
        "`{}` is a native histogram, which counts in its samples: write `histogram_count(rate({}[5m]))`; or give it `buckets` if the services write those too",
    ),
    (
        "_sum",
        "`{}` is a native histogram, whose sum is in its samples: write `histogram_sum(rate({}[5m]))`; or give it `buckets` if the services write those too",
    ),
];

pub(crate) const PROOF: Proof = Proof {
    code: "unknown-metric",
    doc: "A metric that nobody emits is valid PromQL and returns nothing: the alert stays quiet, which is just what a healthy system looks like, and the panel says No data.",
    example: Example::Condition {
        bad: "max by (job, service, component) (shop_orders_activ) > 100",
        good: "max by (job, service, component) (shop_orders_active) > 100",
    },
    check: Check::Expression(|expression, nodes, contract| {
        let mut found = Vec::new();
        for node in nodes {
            let Some(selector) = selector(node.expr) else {
                continue;
            };
            match selector.name.as_deref() {
                Some(name) if contract.knows(name) => {}
                Some(name) => {
                    let near = near(name, contract.names());
                    let native = PARTS.iter().find_map(|(part, instead)| {
                        let whole = name.strip_suffix(part)?;
                        let family = contract.family(whole).iter();
                        let native = family.clone().any(SeriesSet::native);
                        native.then(|| instead.replace("{}", whole))
                    });
                    let help = match (exposing(name), near.is_empty()) {
                        _ if native.is_some() => native.unwrap_or_default(),
                        (Some(profile), _) => format!(
                            "the profile `{profile}` has it: write `profiles = [\"{profile}\"]` at the service that exposes it"
                        ),
                        // Such as one of an exporter, which has no prefix of the catalog's.
                        (None, true) => format!(
                            "declare it under [metrics], with `name = \"{name}\"` where the catalog's prefix does not begin it"
                        ),
                        (None, false) => format!(
                            "{} It must be declared under [metrics], belong to a service's runtime, or be recorded by a rule that is loaded before",
                            sentence(&suggestion(name, near))
                        ),
                    };
                    found.push(place::on(
                        expression,
                        format!("nobody emits `{name}`"),
                        help,
                    ));
                }
                // Pasted by somebody who wants to see several metrics beside each other.
                None if expression.usage == Usage::Document => {}
                None => found.push(place::on(
                    expression,
                    "a selector without a metric name reads everything",
                    "name the metric",
                )),
            }
        }
        found
    }),
};

/// A profile with such a metric.
fn exposing(name: &str) -> Option<String> {
    let profiles = Profiles::built_in();
    let names = profiles.names();
    let mut having = names
        .iter()
        .filter(|profile| profiles.metrics(profile).any(|known| known == name));
    having.next().map(|profile| profile.to_string())
}

/// Names with the same beginning, and those that only have a prefix more: the others are no help.
fn near<'a>(name: &str, names: impl Iterator<Item = &'a str> + Clone) -> Vec<&'a str> {
    let first = name.split(['_', ':']).next();
    let with_prefix = |known: &str| {
        let prefix = known.strip_suffix(name);
        prefix.is_some_and(|prefix| prefix.ends_with('_'))
    };
    let mut near: Vec<&str> = names
        .filter(|known| known.split(['_', ':']).next() == first || with_prefix(known))
        .collect();
    near.sort_unstable();
    near
}

fn sentence(text: &str) -> String {
    if text.ends_with('?') {
        text.to_string()
    } else {
        format!("{text}.")
    }
}
