//! Generated trees of routes and generated alerts: where they end is what `amtool config routes test` says.

use crate::referee::{folder, run};
use crate::{PATTERNS, VALUES, generated, labels, matcher, matchers, pairs, runner};
use monstack::stack::notifications::matchers::read;
use monstack::stack::notifications::routes::Route;
use monstack::value::{Value, json};
use proptest::prelude::*;
use std::collections::BTreeSet;

/// Trees that stand side by side in one configuration: an alert goes through all of them.
const TREES: usize = 200;

/// Alerts, each asked about once.
const ALERTS: usize = 150;

fn route() -> impl Strategy<Value = Value> {
    let one = (
        matchers(),
        pairs(&VALUES),
        pairs(&PATTERNS),
        any::<bool>(),
        any::<bool>(),
    )
        .prop_map(|(matchers, exact, patterns, goes_on, own)| {
            // Whether it has a receiver of its own is a word until all have been counted.
            json!({"matchers": matchers, "match": exact, "match_re": patterns, "continue": goes_on, "own": own})
        });
    one.prop_recursive(3, 10, 3, |inside| {
        let one = (inside.clone(), proptest::collection::vec(inside, 0..4));
        one.prop_map(|(mut route, inside)| {
            route["routes"] = inside.into();
            route
        })
    })
}

/// Gives receivers their names: the number of their route.
fn name(route: &mut Value, names: &mut Vec<String>) {
    let own = route.as_object_mut().unwrap().remove("own");
    if own == Some(Value::Bool(true)) {
        names.push(format!("r{}", names.len()));
        route["receiver"] = names[names.len() - 1].clone().into();
    }
    for inside in route["routes"].as_array_mut().into_iter().flatten() {
        name(inside, names);
    }
}

/// A configuration in which all of the trees are gone through.
fn configuration(trees: Vec<Value>) -> Value {
    let mut names = vec!["root".to_string()];
    let around = |mut tree: Value| {
        tree["own"] = true.into();
        name(&mut tree, &mut names);
        tree["continue"] = true.into();
        tree
    };
    let routes: Vec<Value> = trees.into_iter().map(around).collect();
    let receivers: Vec<Value> = names.iter().map(|name| json!({"name": name})).collect();
    json!({"route": {"receiver": "root", "routes": routes}, "receivers": receivers})
}

#[test]
fn alerts_end_where_amtool_says() {
    let mut runner = runner();
    let configuration = configuration(generated(&route(), TREES, &mut runner));
    let folder = folder("routes");
    std::fs::write(folder.join("config.yml"), configuration.to_string()).unwrap();
    let root = Route::of(&configuration).unwrap();
    let (mut wrong, mut ends, mut reached) = (Vec::new(), 0, BTreeSet::new());
    for alert in generated(&labels(), ALERTS, &mut runner) {
        let labels = alert.iter();
        let labels = labels.map(|(name, value)| format!("{name}={}", Value::from(value.as_str())));
        let mut arguments = vec!["config", "routes", "test", "--config.file=config.yml"];
        let labels: Vec<String> = labels.collect();
        arguments.extend(labels.iter().map(String::as_str));
        let output = run("amtool", &arguments, &folder);
        let said = String::from_utf8_lossy(&output.stdout).trim().to_string();
        let own: Vec<&str> = root.ends(&alert).iter().map(|end| end.receiver()).collect();
        ends += own.len();
        reached.extend(own.iter().map(ToString::to_string));
        if said != own.join(",") {
            let error = String::from_utf8_lossy(&output.stderr);
            wrong.push(format!(
                "{labels:?}\namtool: {said}{error}\nhere:   {}",
                own.join(",")
            ));
        }
    }
    println!(
        "{} cases: {TREES} trees with {ALERTS} alerts, which end in {} receivers, {ends} times",
        TREES * ALERTS,
        reached.len()
    );
    assert!(reached.len() > TREES / 2, "hardly any route is reached");
    assert!(wrong.is_empty(), "{} wrong:\n{}", wrong.len(), wrong[0]);
}

/// Texts of which many are no matchers.
fn odd() -> impl Strategy<Value = String> {
    let piece = proptest::sample::select(
        &[
            "job", "=", "=~", "!=", "!~", "\"", "a", "b", ",", "{", "}", " ", "\\", "(", "1", ":",
            "\\n", "ä",
        ][..],
    );
    let pieces = proptest::collection::vec(piece, 0..6).prop_map(|pieces| pieces.concat());
    let changed = (matcher(), any::<proptest::sample::Index>(), any::<bool>());
    let changed = changed.prop_map(|(text, at, doubled)| {
        let mut characters: Vec<char> = text.chars().collect();
        let at = at.index(characters.len());
        match doubled {
            true => characters.insert(at, characters[at]),
            false => drop(characters.remove(at)),
        }
        characters.into_iter().collect()
    });
    prop_oneof![
        pieces.prop_map(|text: String| format!("job=\"a\"{text}")),
        changed
    ]
}

#[test]
fn what_amtool_takes_for_a_matcher_is_one_here() {
    let mut runner = runner();
    let folder = folder("matchers");
    let texts: BTreeSet<String> = generated(&odd(), 200, &mut runner).into_iter().collect();
    let (mut wrong, mut refused) = (Vec::new(), 0);
    for text in &texts {
        let config = json!({"route": {"receiver": "x", "routes": [{"matchers": [text]}]}, "receivers": [{"name": "x"}]});
        std::fs::write(folder.join("config.yml"), config.to_string()).unwrap();
        let output = run("amtool", &["check-config", "config.yml"], &folder);
        let accepted = output.status.success();
        refused += usize::from(!accepted);
        // What an amtool before 0.27 refuses may be one in the newer syntax.
        if accepted && read(text).is_none() {
            wrong.push(text);
        }
    }
    println!("{} texts, of which amtool refuses {refused}", texts.len());
    assert!(wrong.is_empty(), "{wrong:#?}");
}
