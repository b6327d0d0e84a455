//! What is known of flags, held against the programs themselves: each flag is given to the program of this machine, which
//! takes it exactly when it is said to.

use std::collections::BTreeSet;
use std::process::{Command, Output};

/// Program in the data, program of the machine, its package.
const PROGRAMS: [(&str, &str, &str); 4] = [
    ("prometheus", "prometheus", "prometheus"),
    (
        "alertmanager",
        "prometheus-alertmanager",
        "prometheus-alertmanager",
    ),
    (
        "blackbox_exporter",
        "prometheus-blackbox-exporter",
        "prometheus-blackbox-exporter",
    ),
    (
        "node_exporter",
        "prometheus-node-exporter",
        "prometheus-node-exporter",
    ),
];

/// Flags of before that Debian's build no longer takes, and those of the images do.
const NOT_IN_DEBIAN: [&str; 4] = [
    "collector.netdev.device-blacklist",
    "collector.netdev.device-whitelist",
    "collector.systemd.unit-blacklist",
    "collector.systemd.unit-whitelist",
];

/// Flags of Debian's builds, which are no flags of the images; its `use-lockfile` stands for their `no-lockfile`.
const DEBIAN: [&str; 4] = [
    "web.local-assets",
    "web.ui-path",
    "storage.tsdb.use-lockfile",
    "storage.agent.use-lockfile",
];

/// The data on images and programs.
fn data() -> toml::Table {
    let path = concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/src/stack/containers/images.toml"
    );
    let text = std::fs::read_to_string(path).expect("it is text");
    text.parse().expect("it is TOML")
}

fn run(program: &str, package: &str, arguments: &[&str]) -> Output {
    Command::new(program)
        .args(arguments)
        .output()
        .unwrap_or_else(|_| panic!("{program} is missing: it is in Debian's package {package}"))
}

fn text(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr)
}

fn version(text: &str) -> (u32, u32) {
    let mut numbers = text.split('.').map(|part| part.parse().unwrap_or(0));
    (
        numbers.next().unwrap_or(0),
        numbers.next().unwrap_or_default(),
    )
}

/// Whether a flag is one of a version.
fn said(flag: &toml::Value, own: (u32, u32)) -> bool {
    let bound = |key: &str| flag.get(key).and_then(toml::Value::as_str).map(version);
    bound("since").is_none_or(|since| own >= since)
        && bound("until").is_none_or(|until| own < until)
}

#[test]
fn flags_are_those_of_the_programs() {
    let data = data();
    let mut compared = 0;
    for (name, program, package) in PROGRAMS {
        let words = text(&run(program, package, &["--version"]));
        let own = words
            .split("version ")
            .nth(1)
            .map(version)
            .expect("it says its version");
        let flags = data["programs"][name]["flags"].as_table().expect("a table");
        let mut wrong = Vec::new();
        for (flag, about) in flags {
            let elsewhere = NOT_IN_DEBIAN.contains(&flag.as_str()) || flag.ends_with("no-lockfile");
            if ["help", "version"].contains(&flag.as_str()) || elsewhere {
                continue;
            }
            let switch = about.get("kind").and_then(toml::Value::as_str) == Some("switch");
            let given = match switch {
                true => format!("--{flag}"),
                // Nearly every value is one of these.
                false => format!("--{flag}=1s"),
            };
            let output = run(program, package, &[&given, "--version"]);
            let unknown = text(&output).contains("unknown long flag");
            if unknown == said(about, own) {
                wrong.push(format!("{flag}: {}", text(&output)));
            }
            if unknown {
                compared += 1;
                continue;
            }
            // Without a value only a switch is taken.
            let bare = run(program, package, &[&format!("--{flag}"), "--version"]);
            if bare.status.success() != switch {
                wrong.push(format!("{flag} alone: {}", text(&bare)));
            }
            compared += 1;
        }
        let help = text(&run(program, package, &["--help-long"]));
        let listed: BTreeSet<&str> = help
            .lines()
            .filter_map(|line| line.strip_prefix("      --"))
            .map(|line| line.trim_start_matches("[no-]"))
            .filter_map(|line| line.split(['=', ' ']).next())
            .collect();
        assert!(listed.len() > 10, "{program} lists its flags:\n{help}");
        let lacking = listed
            .iter()
            .filter(|flag| !DEBIAN.contains(*flag) && !flags.contains_key(**flag));
        wrong.extend(lacking.map(|flag| format!("{flag} is not known")));
        assert!(wrong.is_empty(), "{program} {own:?}:\n{}", wrong.join("\n"));
    }
    println!("{compared} flags compared with the programs");
    assert!(compared > 100, "only {compared} flags are compared");
}
