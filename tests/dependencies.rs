//! The crates that the program is built of: their licenses, and each in one version, as deny.toml says it to `cargo deny` too. What is
//! packed for others is static, and where the container expects it.

mod referee;

use monstack::value::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::process::Command;

/// What is built into the program, or runs while it is built, on whatever machine.
fn crates() -> Vec<Value> {
    let output = Command::new(env!("CARGO"))
        .args(["metadata", "--locked", "--offline", "--format-version", "1"])
        .current_dir(referee::root())
        .output()
        .expect("cargo starts");
    let said = String::from_utf8_lossy(&output.stderr);
    // Crates of other machines need not be on this one.
    assert!(
        output.status.success() || said.contains("--offline"),
        "{said}"
    );
    let output = match output.status.success() {
        true => output,
        false => Command::new(env!("CARGO"))
            .args(["metadata", "--locked", "--format-version", "1"])
            .current_dir(referee::root())
            .output()
            .expect("cargo starts"),
    };
    let all: Value = serde_json::from_slice(&output.stdout).expect("JSON");
    let nodes: BTreeMap<&str, &Value> = all["resolve"]["nodes"]
        .as_array()
        .expect("nodes")
        .iter()
        .map(|node| (node["id"].as_str().expect("an id"), node))
        .collect();
    let root = all["resolve"]["root"].as_str().expect("a root");
    let (mut open, mut known) = (vec![root], BTreeSet::new());
    while let Some(id) = open.pop() {
        if !known.insert(id) {
            continue;
        }
        for needed in nodes[id]["deps"].as_array().expect("a list") {
            let mut kinds = needed["dep_kinds"].as_array().expect("a list").iter();
            if kinds.any(|kind| kind["kind"] != "dev") {
                open.push(needed["pkg"].as_str().expect("an id"));
            }
        }
    }
    let packages = all["packages"].as_array().expect("packages").iter();
    packages
        .filter(|package| !package["source"].is_null())
        .filter(|package| known.contains(package["id"].as_str().expect("an id")))
        .cloned()
        .collect()
}

fn policy() -> toml::Table {
    let text = fs::read_to_string(referee::root().join("deny.toml")).expect("readable");
    text.parse().expect("TOML")
}

/// Whether a license expression leaves a choice of which everything is allowed.
fn is_allowed(expression: &str, allowed: &BTreeSet<&str>) -> bool {
    // An old form of OR.
    let text = expression.replace('/', " OR ");
    let text = text.trim();
    let (mut depth, mut parts) = (0, vec![String::new()]);
    let mut operators = Vec::new();
    for word in text
        .replace('(', " ( ")
        .replace(')', " ) ")
        .split_whitespace()
    {
        match word {
            "(" => depth += 1,
            ")" => depth -= 1,
            "OR" | "AND" if depth == 0 => {
                operators.push(word.to_string());
                parts.push(String::new());
                continue;
            }
            _ => {}
        }
        let part = parts.last_mut().expect("one");
        if !part.is_empty() {
            part.push(' ');
        }
        part.push_str(word);
    }
    if operators.is_empty() {
        return match text
            .strip_prefix('(')
            .and_then(|rest| rest.strip_suffix(')'))
        {
            Some(inside) => is_allowed(inside, allowed),
            None => allowed.contains(text),
        };
    }
    // AND binds closer.
    let mut choices = vec![true];
    for (at, part) in parts.iter().enumerate() {
        if at > 0 && operators[at - 1] == "OR" {
            choices.push(true);
        }
        let last = choices.last_mut().expect("one");
        *last &= is_allowed(part, allowed);
    }
    choices.contains(&true)
}

#[test]
fn licenses_are_read() {
    let allowed = BTreeSet::from(["MIT", "ISC"]);
    for (text, wanted) in [
        ("MIT", true),
        ("GPL-3.0", false),
        ("GPL-3.0 OR MIT", true),
        ("GPL-3.0/MIT", true),
        ("GPL-3.0 AND MIT", false),
        ("(GPL-3.0 OR ISC) AND MIT", true),
        ("GPL-3.0 AND MIT OR ISC", true),
        ("MIT WITH an-exception", false),
    ] {
        assert_eq!(is_allowed(text, &allowed), wanted, "{text}");
    }
}

#[test]
fn licenses_are_those_that_are_allowed() {
    let policy = policy();
    let allowed = policy["licenses"]["allow"].as_array().expect("a list");
    let allowed: BTreeSet<&str> = allowed.iter().filter_map(toml::Value::as_str).collect();
    let all = crates();
    assert!(all.len() > 50, "only {} crates", all.len());
    for one in &all {
        let license = one["license"].as_str().unwrap_or("none");
        assert!(
            is_allowed(license, &allowed),
            "{} has the license {license}, which deny.toml does not allow",
            one["name"]
        );
    }
    // What nothing needs any more is no longer allowed.
    let needed = |license: &&&str| {
        let less: BTreeSet<&str> = allowed
            .iter()
            .copied()
            .filter(|one| *one != **license)
            .collect();
        let mut all = all.iter();
        !all.all(|one| is_allowed(one["license"].as_str().unwrap_or("none"), &less))
    };
    let unneeded: Vec<&&str> = allowed.iter().filter(|one| !needed(one)).collect();
    assert!(
        unneeded.is_empty(),
        "deny.toml allows {unneeded:?} for nothing"
    );
}

#[test]
fn each_crate_is_there_once() {
    let mut versions: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for one in crates() {
        let text = |key: &str| one[key].as_str().expect("a text").to_string();
        versions
            .entry(text("name"))
            .or_default()
            .insert(text("version"));
    }
    let twice: BTreeSet<String> = versions
        .into_iter()
        .filter(|(_, versions)| versions.len() > 1)
        .map(|(name, _)| name)
        .collect();
    let policy = policy();
    let skipped = policy["bans"]["skip"].as_array().expect("a list");
    let skipped = skipped.iter().filter_map(|one| one["crate"].as_str());
    let skipped = skipped.filter_map(|one| Some(one.split('@').next()?.to_string()));
    let skipped: BTreeSet<String> = skipped.collect();
    assert_eq!(
        twice, skipped,
        "crates in two versions, and those of deny.toml"
    );
}

/// The container copies what the archive has, and starts that.
#[test]
fn the_container_starts_what_is_packed() {
    let read = |path: &str| fs::read_to_string(referee::root().join(path)).expect("readable");
    let (recipe, release) = (read(".ci/Containerfile"), read(".ci/release"));
    let words = |of: &str| -> Vec<String> {
        let line = recipe.lines().find(|line| line.starts_with(of));
        let line = line.unwrap_or_else(|| panic!("no {of} in .ci/Containerfile"));
        let words = line
            .split([' ', '[', ']', '"', ','])
            .filter(|word| !word.is_empty());
        words.skip(1).map(str::to_string).collect()
    };
    assert_eq!(words("FROM"), ["scratch"]);
    let [what, to] = &words("COPY")[..] else {
        panic!("one program is copied");
    };
    assert_eq!(words("ENTRYPOINT"), std::slice::from_ref(to));
    // Without a shell and a C library the program itself is all that starts, and it must be static.
    assert!(release.contains(&format!("/release/{what}\n")) && release.contains("is not static"));
    assert!(release.contains(".ci/Containerfile \"$folder/$name/\""));
    let readme = read("README.md");
    assert!(
        readme.contains(&format!("-v \"$PWD\":{}", words("WORKDIR")[0])),
        "the README mounts another folder"
    );
}
