//! docs/REFERENCE.md: every key, every kind of alert with a rule that was rendered of it, every profile, every finding.
//! UPDATE_GOLDEN=1 writes it from the schema, the kinds, the profiles, the lints and the proofs.

mod referee;
mod shop;

use monstack::pipeline;
use monstack::value::Value;
use std::collections::BTreeMap;
use std::fmt::Write;
use std::fs;

/// Everything that `explain` knows without a catalog.
fn listed() -> Vec<Value> {
    let folder = shop::folder("reference");
    let ended = shop::monstack(&folder, &["explain", "--list", "--format", "json"]);
    assert_eq!(ended.code, 0, "{}", ended.stderr);
    fs::remove_dir_all(folder).expect("removable");
    let document: Value = serde_json::from_str(&ended.stdout).expect("JSON");
    document["list"].as_array().expect("a list").clone()
}

/// Kind → the first rule that a catalog with every key renders of it.
fn rules() -> BTreeMap<String, String> {
    let case = referee::root().join("tests/cases/every-key");
    let text = fs::read_to_string(case.join("services.toml")).expect("readable");
    let catalog: toml::Table = toml::from_str(&text).expect("TOML");
    let outcome = pipeline::run(&case).expect("readable");
    let rendered = outcome.rendered.expect("rendered");
    let mut found = BTreeMap::new();
    for file in &rendered.files {
        let burns = file.path.starts_with("monitoring/slo_rules/");
        if file.path != "monitoring/alert_rules.yml" && !burns {
            continue;
        }
        let groups = file.value["groups"].as_array().into_iter().flatten();
        for rule in groups.flat_map(|group| group["rules"].as_array().into_iter().flatten()) {
            let Some(name) = rule["alert"].as_str() else {
                continue;
            };
            let kind = match burns {
                true => Some("burn_rate"),
                // One with levels is rendered as several, each named after it.
                false => catalog["alerts"].as_table().and_then(|alerts| {
                    let mut named = alerts
                        .iter()
                        .filter(|(alert, _)| name.starts_with(alert.as_str()));
                    named.next_back()?.1.get("kind")?.as_str()
                }),
            };
            let expr = rule["expr"].as_str().unwrap_or_default().trim();
            let lasting = rule["for"].as_str().unwrap_or("0s");
            let text = format!("# {name}, for {lasting}\n{expr}\n");
            found
                .entry(kind.unwrap_or_default().to_string())
                .or_insert(text);
        }
    }
    found
}

/// Text in a cell of a table.
fn cell(text: &str) -> String {
    text.replace('|', "\\|")
        .replace('<', "&lt;")
        .replace('\n', " ")
}

fn reference() -> String {
    let all = listed();
    let of = |sort: &str| {
        let mut found: Vec<&Value> = all.iter().filter(|one| one["sort"] == sort).collect();
        found.sort_by_key(|one| match sort {
            // Keys stand as the schema has them.
            "key" => String::new(),
            _ => one["name"].to_string(),
        });
        found
    };
    let text = |one: &Value, key: &str| one[key].as_str().unwrap_or_default().to_string();
    let mut out = "# Reference\n\nEvery key of `services.toml`, every kind of alert, every profile, every finding. `monstack explain NAME` says the same of one,\nand `monstack schema` what an editor needs. Written by `UPDATE_GOLDEN=1 cargo test --test reference`.\n".to_string();
    let keys = of("key");
    let is_of_kind = |one: &Value| text(one, "name").contains(" (kind ");
    let mut table = String::new();
    out += "\n## Keys\n";
    let row = |out: &mut String, name: &str, one: &Value| {
        let key = &one["key"];
        let mut takes = key["takes"].as_str().unwrap_or_default().to_string();
        if key["required"] == true {
            takes += ", required";
        }
        let default = match &key["default"] {
            Value::Null => String::new(),
            value => format!("`{value}`"),
        };
        let example = key["examples"]
            .get(0)
            .map(|value| format!("`{value}`"))
            .unwrap_or_default();
        let _ = writeln!(
            out,
            "| `{name}` | {} | {} | {} | {} |",
            cell(&takes),
            cell(&default),
            cell(&example),
            cell(&text(one, "doc"))
        );
    };
    const HEAD: &str = "\n| key | takes | default | example | |\n| --- | --- | --- | --- | --- |\n";
    for one in keys.iter().filter(|one| !is_of_kind(one)) {
        let name = text(one, "name");
        let top = name
            .split(['.', '['])
            .next()
            .unwrap_or_default()
            .to_string();
        if top != table {
            let _ = write!(out, "\n### {top}\n{HEAD}");
            table = top;
        }
        row(&mut out, &name, one);
    }
    out += "\n## Kinds of alerts\n\nBeside the keys of `alerts`, each has these.\n";
    let rules = rules();
    for kind in of("kind") {
        let name = text(kind, "name");
        let _ = write!(out, "\n### {name}\n\n{}\n", cell(&text(kind, "doc")));
        let end = format!(" (kind {name})");
        let own: Vec<&&Value> = keys
            .iter()
            .filter(|one| text(one, "name").ends_with(&end))
            .collect();
        if !own.is_empty() {
            out += HEAD;
        }
        for one in own {
            let path = text(one, "name");
            let key = path
                .trim_end_matches(&end)
                .rsplit('.')
                .next()
                .unwrap_or_default()
                .to_string();
            row(&mut out, &key, one);
        }
        let rule = rules
            .get(&name)
            .unwrap_or_else(|| panic!("tests/cases/every-key has no alert of kind {name}"));
        let _ = write!(out, "\nRendered, of one catalog:\n\n```promql\n{rule}```\n");
    }
    out += "\n## Profiles\n\n| profile | |\n| --- | --- |\n";
    for profile in of("profile") {
        let _ = writeln!(
            out,
            "| `{}` | {} |",
            text(profile, "name"),
            text(profile, "doc")
        );
    }
    out += "\n## Findings\n\nWhat each means; `monstack explain CODE` shows how it looks, and how it should.\n\n| code | |\n| --- | --- |\n";
    for finding in of("finding") {
        let _ = writeln!(
            out,
            "| `{}` | {} |",
            text(finding, "name"),
            cell(&text(finding, "doc"))
        );
    }
    out
}

#[test]
fn the_reference_is_what_the_program_says() {
    let path = referee::root().join("docs/REFERENCE.md");
    let written = reference();
    if std::env::var_os("UPDATE_GOLDEN").is_some() {
        fs::write(&path, &written).expect("writable");
    }
    let known = fs::read_to_string(&path).unwrap_or_default();
    assert!(
        known == written,
        "docs/REFERENCE.md: UPDATE_GOLDEN=1 cargo test --test reference takes it over"
    );
    assert!(
        !written.contains(env!("CARGO_MANIFEST_DIR")),
        "it names this machine"
    );
}

/// Without a catalog, what every catalog may say is explained all the same.
#[test]
fn keys_kinds_and_profiles_are_explained() {
    let folder = shop::folder("reference-explain");
    for (name, wanted) in [
        ("prometheus.retention", "a duration"),
        ("services.checkout.port", "TCP port"),
        ("extra.rules", "Rule files"),
        ("latency", "kind of alert"),
        ("node_exporter", "node_load1"),
        ("unknown-metric", "valid PromQL"),
    ] {
        let ended = shop::monstack(&folder, &["explain", name]);
        assert_eq!(ended.code, 0, "{name}: {}", ended.stderr);
        assert!(ended.stdout.contains(wanted), "{name}: {}", ended.stdout);
    }
    fs::write(
        folder.join("services.toml"),
        format!(
            "{}[metrics.orders_total]\ntype = \"counter\"\nhelp = \"Orders\"\n[owners.web-team]\ndefault = \"chat\"\n[receivers.chat]\nwebhook = {{ url = \"http://chat.example.org/hook\" }}\n",
            shop::SMALL.replace("[groups", "owner = \"web-team\"\n[groups")
        ),
    )
    .expect("writable");
    for (name, wanted) in [
        ("orders_total", "counter"),
        ("core", "one"),
        ("web-team", "chat"),
        ("chat", "http://chat.example.org/hook"),
    ] {
        let ended = shop::monstack(&folder, &["explain", name]);
        assert_eq!(ended.code, 0, "{name}: {}", ended.stderr);
        assert!(ended.stdout.contains(wanted), "{name}: {}", ended.stdout);
    }
    let listed = shop::monstack(&folder, &["explain", "--list"]);
    for wanted in [
        "service         one",
        "metric          orders_total",
        "owner           web-team",
        "kind            latency",
    ] {
        assert!(
            listed.stdout.contains(wanted),
            "{wanted}: {}",
            listed.stdout
        );
    }
    fs::remove_dir_all(folder).expect("removable");
}

/// Findings as other programs read them.
#[test]
fn findings_come_as_sarif_and_junit() {
    let folder = shop::folder("reference documents");
    let text = shop::SMALL.replace("group = \"core\"", "group = \"cor\"");
    fs::write(folder.join("services.toml"), text).expect("writable");
    let ended = shop::monstack(&folder, &["render", "--check", "--format", "sarif"]);
    assert_eq!(ended.code, 1, "{}", ended.stderr);
    let document: Value = serde_json::from_str(&ended.stdout).expect("JSON");
    assert_eq!(document["version"], "2.1.0");
    let run = &document["runs"][0];
    let results = run["results"].as_array().expect("results");
    let found = results
        .iter()
        .find(|one| one["ruleId"] == "unknown-group")
        .expect("found");
    assert_eq!(found["level"], "error");
    let place = &found["locations"][0]["physicalLocation"];
    assert_eq!(place["artifactLocation"]["uri"], "services.toml");
    assert!(place["region"]["startLine"].as_u64() > Some(1), "{place}");
    let index = usize::try_from(found["ruleIndex"].as_u64().expect("an index")).expect("small");
    let rule = &run["tool"]["driver"]["rules"][index];
    assert_eq!(rule["id"], "unknown-group");
    assert!(rule["fullDescription"]["text"].as_str().is_some(), "{rule}");

    let ended = shop::monstack(&folder, &["render", "--check", "--format", "junit"]);
    assert_eq!(ended.code, 1);
    assert!(
        ended.stdout.starts_with("<?xml version=\"1.0\"")
            && ended.stdout.contains("failures=\"1\"")
            && ended.stdout.contains("<failure type=\"unknown-group\""),
        "{}",
        ended.stdout
    );
    fs::write(folder.join("services.toml"), shop::SMALL).expect("writable");
    let stale = shop::monstack(&folder, &["render", "--check", "--format", "junit"]);
    assert!(
        stale.code == 1 && stale.stdout.contains("<failure type=\"stale\""),
        "{}",
        stale.stdout
    );
    let failed = shop::monstack(&folder, &["diff", "no-such-base", "--format", "sarif"]);
    assert_eq!(failed.code, 2);
    let document: Value = serde_json::from_str(&failed.stdout).expect("JSON");
    assert_eq!(
        document["runs"][0]["invocations"][0]["executionSuccessful"],
        false
    );
    fs::remove_dir_all(folder).expect("removable");
}
