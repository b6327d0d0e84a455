//! What is known of configurations, held against the programs themselves: each key is written into a configuration for the
//! program of this machine, which knows it exactly when it is said to.

mod referee;

use monstack::value::{Value, json};
use referee::python;
use std::collections::{BTreeMap, BTreeSet};
use std::process::Command;

/// Program in the data, command of the machine with the arguments before the file, its package.
const PROGRAMS: [(&str, &[&str], &str); 3] = [
    (
        "prometheus",
        &["promtool", "check", "config", "--syntax-only"],
        "prometheus",
    ),
    (
        "alertmanager",
        &["amtool", "check-config"],
        "prometheus-alertmanager",
    ),
    (
        "blackbox",
        &[
            "prometheus-blackbox-exporter",
            "--config.check",
            "--config.file",
        ],
        "prometheus-blackbox-exporter",
    ),
];

/// Puts a value where it belongs.
type Around = Box<dyn Fn(Value) -> Value>;

/// The same for a list, a map, or as it is.
type Held = fn(Value) -> Value;

type Types = BTreeMap<String, BTreeMap<String, String>>;

fn data() -> toml::Table {
    let path = concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/src/stack/settings/settings.toml"
    );
    let text = std::fs::read_to_string(path).expect("it is text");
    text.parse().expect("it is TOML")
}

/// What a program says on both streams.
fn said(command: &[&str], more: &[&str], package: &str) -> String {
    let output = Command::new(command[0])
        .args(&command[1..])
        .args(more)
        .output()
        .unwrap_or_else(|_| {
            panic!(
                "{} is missing: it is in Debian's package {package}",
                command[0]
            )
        });
    let both = [output.stdout, output.stderr].concat();
    String::from_utf8_lossy(&both).into_owned()
}

fn version(text: &str) -> (u32, u32) {
    let mut numbers = text.split('.').map(|part| part.parse().unwrap_or(0));
    (
        numbers.next().unwrap_or(0),
        numbers.next().unwrap_or_default(),
    )
}

/// The keys of a type, with those that it takes in.
fn keys(types: &Types, name: &str) -> BTreeMap<String, String> {
    let mut all = BTreeMap::new();
    for (key, text) in &types[name] {
        match key.as_str() {
            "+" => text
                .split('|')
                .for_each(|inner| all.extend(keys(types, inner))),
            _ => drop(all.insert(key.clone(), text.clone())),
        }
    }
    all
}

/// The type that the values of a key have, and how one of them is written around: `[X]` and `{X}` hold it.
fn inside(text: &str, types: &Types) -> Option<(String, Held)> {
    let list = |value| json!([value]);
    let map = |value| json!({"x": value});
    let plain = |value| value;
    let (name, around): (&str, Held) = match text.as_bytes().first()? {
        b'[' => (text.trim_matches(['[', ']']), list),
        b'{' => (text.trim_matches(['{', '}']), map),
        _ => (text.split('|').next_back()?, plain),
    };
    types.contains_key(name).then(|| (name.to_string(), around))
}

/// A value of a type, as simple as there is.
fn example(text: &str) -> Value {
    match text.split('|').next().unwrap_or_default() {
        "bool" => json!(true),
        "int" | "number" => json!(1),
        "duration" | "duration>0" | "timeout" | "go duration" | "go timeout" => json!("10s"),
        "size" => json!("1MB"),
        word if word.starts_with('\'') => json!(word.trim_matches('\'')),
        list if list.starts_with('[') => json!([]),
        map if map.starts_with('{') => json!({}),
        _ => json!("x"),
    }
}

#[test]
fn every_key_is_known_to_the_versions_that_are_said_to_have_it() {
    let data = data();
    let folder = std::env::temp_dir().join(format!("monstack-settings-{}", std::process::id()));
    std::fs::create_dir_all(&folder).expect("there is room");
    let file = folder.join("settings.yml");
    let path = file.to_str().expect("it is text");
    let (mut wrong, mut compared) = (Vec::new(), 0);
    for (name, command, package) in PROGRAMS {
        let own = said(&command[..1], &["--version"], package);
        let words = own.split_whitespace().skip_while(|word| *word != "version");
        let own = version(words.clone().nth(1).unwrap_or_default());
        let types: Types = data[name]["types"]
            .clone()
            .try_into()
            .expect("types are text");
        let root = data[name]["root"].as_str().expect("it is text").to_string();
        // Type → a document with a place for it.
        let mut open: Vec<(String, Around)> = vec![(root, Box::new(|value| value))];
        let mut seen = BTreeSet::new();
        while let Some((name_of_type, around)) = open.pop() {
            if !seen.insert(name_of_type.clone()) {
                continue;
            }
            let around = std::rc::Rc::new(around);
            for (key, text) in keys(&types, &name_of_type) {
                let mut parts = text.split(';').map(str::trim);
                let written = parts.next().unwrap_or_default().to_string();
                let known = parts.all(|part| match part.split_once(' ') {
                    Some(("since", since)) => own >= version(since),
                    Some(("until", until)) => own < version(until),
                    _ => true,
                });
                let document = around(json!({ key.as_str(): example(&written) }));
                std::fs::write(&file, document.to_string()).expect("there is room");
                let answer = said(command, &[path], package);
                let refused = answer.contains(&format!("field {key} not found"));
                // Debian's build leaves some discoveries out, and has a newer library for HTTP.
                if key.ends_with("_sd_configs") || key == "proxy_connect_header" {
                    continue;
                }
                compared += 1;
                if refused == known {
                    wrong.push(format!(
                        "{name} {own:?}: `{key}` of {name_of_type} is {}known: {document}",
                        if refused { "not " } else { "" }
                    ));
                }
                if let Some((inner, held)) = inside(&written, &types).filter(|_| known) {
                    let (around, key) = (around.clone(), key.clone());
                    open.push((
                        inner,
                        Box::new(move |value| around(json!({ key.as_str(): held(value) }))),
                    ));
                }
            }
        }
    }
    let _ = std::fs::remove_dir_all(&folder);
    println!("{compared} keys compared");
    assert!(compared > 300, "only {compared}");
    assert!(wrong.is_empty(), "{}:\n{}", wrong.len(), wrong.join("\n"));
}

/// Everything that a definition of the compose specification's schema, or what it refers to, may hold.
fn properties<'a>(node: &'a Value, schema: &'a Value) -> BTreeSet<&'a str> {
    let own = node["properties"].as_object().into_iter().flatten();
    let mut found: BTreeSet<&str> = own.map(|(key, _)| key.as_str()).collect();
    for many in ["allOf", "oneOf", "anyOf"] {
        for part in node[many].as_array().into_iter().flatten() {
            found.extend(properties(part, schema));
        }
    }
    if let Some(target) = node["$ref"].as_str() {
        let target = schema.pointer(&target[1..]).expect("it is in the file");
        found.extend(properties(target, schema));
    }
    found
}

#[test]
fn the_keys_of_compose_are_those_of_its_specification() {
    let program = python("check-jsonschema");
    let venv = program
        .ancestors()
        .nth(2)
        .expect("it is in a folder of programs");
    let packages = std::fs::read_dir(venv.join("lib")).expect("packages");
    let below = "site-packages/check_jsonschema/builtin_schemas/vendor/compose-spec.json";
    let path = packages
        .map(|entry| entry.expect("readable").path().join(below))
        .find(|path| path.exists())
        .expect("check-jsonschema brings the compose specification's schema");
    let text = std::fs::read_to_string(path).expect("it is text");
    let schema: Value = serde_json::from_str(&text).expect("it is JSON");
    let data = data();
    let types = data["compose"]["types"].as_table().expect("a table");
    let mut compared = 0;
    let of_service = |key: &str| {
        let parts = ["container_spec", "service", "workload_spec"].into_iter();
        let mut parts = parts.map(|part| &schema["$defs"][part]["properties"][key]);
        parts
            .find(|node| !node.is_null())
            .expect("a service has it")
    };
    for (node, name) in [
        (&schema, "Project"),
        (&schema["$defs"]["service"], "Service"),
        (of_service("build"), "Build"),
        (of_service("logging"), "Logging"),
        (&schema["$defs"]["healthcheck"], "HealthCheck"),
        (&schema["$defs"]["deployment"], "Deploy"),
        (&schema["$defs"]["network"], "Network"),
        (&schema["$defs"]["volume"], "Volume"),
        (&schema["$defs"]["secret"], "Secret"),
        (&schema["$defs"]["config"], "ConfigFile"),
    ] {
        let said = types[name].as_table().expect("a table").keys();
        let mut said: BTreeSet<&str> = said.map(String::as_str).collect();
        if name == "Service" {
            // Of older versions of the specification.
            said.remove("driver_opts");
        }
        assert_eq!(said, properties(node, &schema), "{name}");
        compared += said.len();
    }
    println!("{compared} keys of compose are those of its specification");
}
