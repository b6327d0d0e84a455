//! Alerts are routed and held back as amtool and a real Alertmanager do it.

mod inhibition;
#[path = "../referee/mod.rs"]
mod referee;
mod routes;

use monstack::stack::notifications::matchers::Labels;
use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};

/// The same in every run.
fn runner() -> TestRunner {
    let random = TestRng::deterministic_rng(RngAlgorithm::ChaCha);
    TestRunner::new_with_rng(Config::default(), random)
}

/// So many values of a strategy.
fn generated<S: Strategy>(strategy: &S, count: usize, runner: &mut TestRunner) -> Vec<S::Value> {
    let one = |_| {
        let tree = strategy.new_tree(runner);
        tree.expect("nothing is filtered").current()
    };
    (0..count).map(one).collect()
}

/// Names and values that meet often, and some that are difficult to write.
const NAMES: [&str; 4] = ["alertname", "job", "severity", "zone"];
const VALUES: [&str; 9] = [
    "a",
    "b",
    "ab",
    "a.b",
    "a,b",
    "{a}",
    "a\"b",
    "a\\b",
    "größe x",
];
const PATTERNS: [&str; 10] = [
    "a", "a|b", "a.*", ".+", ".*", "", "a.b", "[^b]+", "(?i)AB?", "a{1,2}b?",
];

/// Labels of an alert; some are missing.
fn labels() -> impl Strategy<Value = Labels> {
    let value = proptest::option::weighted(0.8, proptest::sample::select(&VALUES[..]));
    let values = proptest::collection::vec(value, NAMES.len());
    values.prop_map(|values| {
        let pairs = NAMES.iter().zip(values);
        let there = pairs.filter_map(|(name, value)| Some((name.to_string(), value?.to_string())));
        there.collect()
    })
}

/// A matcher as somebody may write it: with or without quotes and spaces.
fn matcher() -> impl Strategy<Value = String> {
    let exact = (
        proptest::sample::select(&["=", "!="][..]),
        proptest::sample::select(&VALUES[..]),
    );
    let pattern = (
        proptest::sample::select(&["=~", "!~"][..]),
        proptest::sample::select(&PATTERNS[..]),
    );
    let name = proptest::sample::select(&NAMES[..]);
    let spaces = proptest::sample::select(&["", " "][..]);
    (
        name,
        prop_oneof![2 => exact, 1 => pattern],
        spaces,
        any::<bool>(),
    )
        .prop_map(|(name, (comparison, value), spaces, bare)| {
            // Without quotes a comma ends it, and a quote or a brace at its end is none of the value.
            let bare = bare && !value.contains([',', '"', '\\', '{', '}']);
            let value = match bare {
                true => value.to_string(),
                false => monstack::value::Value::from(value).to_string(),
            };
            format!("{name}{spaces}{comparison}{spaces}{value}")
        })
}

/// The entries of `matchers`: one each, or several with commas between, with braces or without.
fn matchers() -> impl Strategy<Value = Vec<String>> {
    let together = (proptest::collection::vec(matcher(), 1..3), any::<bool>());
    let text = together.prop_map(|(all, braces)| match braces {
        true => format!("{{{}}}", all.join(", ")),
        false => all.join(","),
    });
    proptest::collection::vec(text, 0..3)
}

/// The older form: label → value.
fn pairs(values: &'static [&'static str]) -> impl Strategy<Value = Labels> {
    let pair = (
        proptest::sample::select(&NAMES[..]).prop_map(str::to_string),
        proptest::sample::select(values).prop_map(str::to_string),
    );
    proptest::collection::vec(pair, 0..2).prop_map(|pairs| pairs.into_iter().collect())
}
