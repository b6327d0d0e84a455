//! The tools that will read the files judge them: promtool, amtool, yamllint, on the real catalog and on every valid case.

mod referee;
mod shop;

use monstack::pipeline;
use monstack::render::Rendered;
use monstack::yaml;
use referee::{folder, judge, root};
use shop::{PLATFORM, SMALL};
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::LazyLock;

/// Name → everything that is rendered from that catalog; once for all tests.
static RENDERED: LazyLock<Vec<(String, Rendered)>> = LazyLock::new(|| {
    let cases = fs::read_dir(root().join("tests/cases"))
        .unwrap()
        .map(|entry| entry.unwrap().path());
    let valid = cases.filter(|case| case.join("expected/listing.txt").exists());
    let mut catalogs: Vec<PathBuf> = std::iter::once(root().to_path_buf()).chain(valid).collect();
    catalogs.sort();
    assert!(catalogs.len() > 5, "{catalogs:?}");
    let stack = |catalog: PathBuf| {
        let name = catalog.file_name().unwrap().to_string_lossy().into_owned();
        let rendered = pipeline::run(&catalog)
            .expect("readable")
            .rendered
            .unwrap_or_else(|| panic!("{name} renders"));
        (name, rendered)
    };
    catalogs.into_iter().map(stack).collect()
});

/// Name → folder of this test with everything that is rendered from that catalog.
fn stacks(test: &str) -> impl Iterator<Item = (&'static str, PathBuf, &'static Rendered)> {
    RENDERED.iter().map(move |(name, rendered)| {
        let folder = folder(&format!("referees-{test}-{name}"));
        for file in &rendered.files {
            let path = folder.join(&file.path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, &file.text).unwrap();
        }
        (name.as_str(), folder, rendered)
    })
}

/// The folder of a stack's catalog.
fn of_stack(name: &str) -> PathBuf {
    if name == root().file_name().unwrap().to_string_lossy() {
        root().to_path_buf()
    } else {
        root().join("tests/cases").join(name)
    }
}

/// The catalog of a stack, as it is written.
fn written(name: &str) -> toml::Table {
    let folder = of_stack(name);
    let read = |path: &Path| -> toml::Table { fs::read_to_string(path).unwrap().parse().unwrap() };
    let mut all = read(&folder.join("services.toml"));
    for part in fs::read_dir(folder.join("services.d"))
        .into_iter()
        .flatten()
    {
        let part = part.unwrap().path();
        if part.extension().is_none_or(|ending| ending != "toml") {
            continue;
        }
        for (table, entries) in read(&part) {
            let known = all
                .entry(table)
                .or_insert_with(|| toml::Table::new().into());
            let entries = entries.as_table().cloned().unwrap_or_default();
            known.as_table_mut().unwrap().extend(entries);
        }
    }
    all
}

/// The program agrees, or its own words are the failure.
fn agrees(name: &str, program: &str, arguments: &[&str], folder: &Path) -> String {
    let (agreed, output) = judge(program, arguments, folder);
    assert!(
        agreed,
        "{name}: {program} {}\n{output}",
        arguments.join(" ")
    );
    output
}

#[test]
fn promtool_accepts_the_configuration() {
    for (name, folder, _) in stacks("config") {
        // Prometheus knows it from 2.53 on, and Debian's promtool is older; tests/settings.rs compares what is newer.
        let configuration = folder.join("monitoring/working_prometheus.yml");
        let text = fs::read_to_string(&configuration).unwrap();
        let mut left_out = false;
        let known = text.lines().filter(|line| {
            // It is built without the platforms that ask a lot of others' code.
            if !line.starts_with("      ") {
                let platforms = ["consul", "kubernetes", "linode", "nomad"];
                let mut sections = platforms
                    .iter()
                    .map(|name| format!("    {name}_sd_configs:"));
                left_out = sections.any(|section| section == *line);
            }
            // So are the keys of native histograms.
            let newer = [
                "  rule_query_offset: ",
                "    scrape_native_histograms: ",
                "    always_scrape_classic_histograms: ",
            ];
            !left_out && !newer.iter().any(|key| line.starts_with(key))
        });
        let text: String = known.map(|line| format!("{line}\n")).collect();
        // It looks whether the files of logins are there, which containers have elsewhere.
        let secrets = folder.join("secrets");
        fs::create_dir_all(&secrets).unwrap();
        for secret in text.split("/run/secrets/").skip(1) {
            fs::write(secrets.join(secret.split('"').next().unwrap()), "").unwrap();
        }
        let text = text.replace("/run/secrets", &secrets.display().to_string());
        fs::write(&configuration, text).unwrap();
        let output = agrees(
            name,
            "promtool",
            &[
                "check",
                "config",
                "--lint=all",
                "--lint-fatal",
                "working_prometheus.yml",
            ],
            &folder.join("monitoring"),
        );
        assert!(output.contains("rule files found"), "{name}: {output}");
    }
}

/// The rule files of objectives, beside the others.
fn objectives(rendered: &Rendered) -> Vec<String> {
    let files = rendered.files.iter();
    let own = files.filter(|file| file.path.starts_with("monitoring/slo_rules/"));
    own.map(|file| file.path["monitoring/".len()..].to_string())
        .collect()
}

#[test]
fn promtool_accepts_the_rules() {
    for (name, folder, rendered) in stacks("rules") {
        let objectives = objectives(rendered);
        let always = [
            "alert_rules.yml",
            "recording_rules.yml",
            "signal_rules.yml",
            "self_monitoring_rules.yml",
        ];
        for rules in always
            .into_iter()
            .chain(objectives.iter().map(String::as_str))
        {
            agrees(
                name,
                "promtool",
                &["check", "rules", "--lint=all", "--lint-fatal", rules],
                &folder.join("monitoring"),
            );
        }
    }
}

#[test]
fn the_generated_unit_tests_pass() {
    for (name, folder, rendered) in stacks("tests") {
        let tests: Vec<&str> = rendered
            .files
            .iter()
            .map(|file| file.path.as_str())
            .filter(|path| path.ends_with(".test.yml"))
            .collect();
        let alerts_in = |path: &str| {
            let file = rendered.file(path);
            let groups = file.and_then(|file| file.value["groups"].as_array());
            let rules = groups.into_iter().flatten();
            let rules = rules.flat_map(|group| group["rules"].as_array().expect("a list"));
            rules.filter(|rule| rule.get("alert").is_some()).count()
        };
        let objectives = objectives(rendered);
        let burning = objectives.iter();
        let burning = burning.map(|path| alerts_in(&format!("monitoring/{path}")));
        let alerts = alerts_in("monitoring/alert_rules.yml") + burning.sum::<usize>();
        let catalog = written(name);
        let rules = catalog.get("rules").and_then(toml::Value::as_table);
        let own = rules.is_some_and(|rules| rules.values().any(|rule| rule.get("tests").is_some()));
        assert_eq!(
            tests.len(),
            alerts + 2 + usize::from(own) + objectives.len(),
            "{name}: a file for each alert and each objective, the constants, the monitoring itself, own rules: {tests:?}"
        );
        let shipped = of_stack(name) == root();
        let judge = |tests: &str| {
            let text = |path: &str| Some(rendered.file(path)?.text.clone());
            let mut folder = folder.clone();
            // Those that are shipped with the whole files, as their users do.
            if !shipped {
                folder = folder.join("narrowed").join(tests.replace('/', "-"));
                let suite = text(tests).expect("it is listed");
                // Debian's promtool is too old for native histograms: that ours runs them as a newer one does, tests/evaluation says.
                if suite.contains("{{schema:") {
                    return;
                }
                referee::narrow::write(&folder, tests, &suite, text);
            }
            let output = agrees(name, "promtool", &["test", "rules", tests], &folder);
            assert!(output.contains("SUCCESS"), "{name}: {output}");
        };
        std::thread::scope(|scope| {
            for first in 0..2 {
                let some = tests.iter().skip(first).step_by(2);
                scope.spawn(move || some.copied().for_each(judge));
            }
        });
    }
}

/// Every alert reads more than its own tests need: the series of hundreds of services must not be among it, nor may the odd
/// duration of one alert shorten the steps of another.
#[test]
fn tests_of_alerts_do_not_grow_with_the_services() {
    let shop = |count: usize| {
        let services: String = (0..count)
            .map(|index| {
                format!(
                    "[services.s{index}]\ngroup = \"web\"\nport = {}\n",
                    8001 + index
                )
            })
            .collect();
        let text = format!(
            "{PLATFORM}[groups.web]\ntitle = \"Web\"\n{services}\
             [alerts.Down]\nkind = \"down\"\nfor = \"5m\"\nseverity = \"critical\"\n\
             [alerts.Cpu]\nkind = \"cpu_ratio\"\nabove = 0.8\nwindow = \"5m\"\nfor = \"61s\"\nseverity = \"warning\"\n"
        );
        shop::rendered(&text)
    };
    let (few, many) = (shop(4), shop(300));
    for alert in ["Down", "Cpu"] {
        let path = format!("monitoring/tests/{alert}.test.yml");
        let (few, many) = (
            few.file(&path).expect("an alert's tests"),
            many.file(&path).expect("an alert's tests"),
        );
        assert_eq!(few.text, many.text);
        // What is evaluated at every step: nothing of it may be a rule for each service.
        let loaded = many.value["rule_files"].as_array().expect("a list");
        assert!(
            !loaded.iter().any(|name| name == "../recording_rules.yml"),
            "{loaded:?}"
        );
    }
    let signals = |rendered: &Rendered| {
        rendered
            .file("monitoring/signal_rules.yml")
            .expect("an artifact")
            .value
            .clone()
    };
    assert_eq!(signals(&few), signals(&many));
    let step = |alert: &str| {
        few.file(&format!("monitoring/tests/{alert}.test.yml"))
            .expect("an alert's tests")
            .value["evaluation_interval"]
            .clone()
    };
    assert_eq!((step("Down"), step("Cpu")), ("1m".into(), "10s".into()));
}

/// `rules:` without any is null, which is not a list.
#[test]
fn a_catalog_without_alerts_has_an_empty_list_of_rules() {
    let rendered = shop::rendered(SMALL);
    for file in rendered
        .files
        .iter()
        .filter(|file| file.value.get("groups").is_some())
    {
        for group in file.value["groups"].as_array().expect("a list") {
            assert!(group["rules"].is_array(), "{}: {group}", file.path);
        }
    }
    let folder = folder("referees-no-alerts");
    fs::write(
        folder.join("alert_rules.yml"),
        &rendered
            .file("monitoring/alert_rules.yml")
            .expect("an artifact")
            .text,
    )
    .unwrap();
    agrees(
        "no alerts",
        "promtool",
        &["check", "rules", "--lint=all", "alert_rules.yml"],
        &folder,
    );
}

/// Integrations that an Alertmanager 0.25, Debian's, has not, or not with the files that hold their secrets.
/// They are held against the keys of the newest Alertmanager by the proof `unread-setting`.
const NEWER: [&str; 10] = [
    "telegram_configs",
    "discord_configs",
    "msteams_configs",
    "msteamsv2_configs",
    "pushover_configs",
    "mattermost_configs",
    "incidentio_configs",
    "jira_configs",
    "rocketchat_configs",
    "wechat_configs",
];

/// Takes out of a configuration what Debian's amtool does not know yet; the rest is judged.
fn older(folder: &Path) {
    let path = folder.join("monitoring/alertmanager/alertmanager.yml");
    let mut config: monstack::value::Value =
        yaml::parse(&fs::read_to_string(&path).unwrap()).unwrap();
    for receiver in config["receivers"].as_array_mut().unwrap() {
        let receiver = receiver.as_object_mut().unwrap();
        let from_a_file =
            |value: &monstack::value::Value| value.to_string().contains("\"url_file\"");
        receiver.retain(|key, value| !NEWER.contains(&key.as_str()) && !from_a_file(value));
    }
    fs::write(path, config.to_string()).unwrap();
}

#[test]
fn amtool_accepts_the_alertmanager() {
    for (name, folder, _) in stacks("alertmanager") {
        older(&folder);
        // amtool looks into files that the configuration names; templates none, secrets are read at run time.
        agrees(
            name,
            "amtool",
            &["check-config", "alertmanager.yml"],
            &folder.join("monitoring/alertmanager"),
        );
    }
}

/// amtool walks the routes as the Alertmanager would: each severity ends at its receiver, what is unrouted at nobody's.
#[test]
fn amtool_routes_every_severity() {
    for (name, folder, _) in stacks("routes") {
        older(&folder);
        let catalog = written(name);
        // Where an alert of nobody has routes of its own, tests/owners.rs asks for each.
        let own = |table: &str| catalog.contains_key(table);
        if own("routes") || own("owners") {
            continue;
        }
        let routes = catalog
            .get("alertmanager")
            .and_then(|table| table.get("routes"));
        for severity in [
            "critical",
            "warning",
            "info",
            "page",
            "ticket",
            "unheard-of",
        ] {
            let receiver = routes
                .and_then(|routes| routes.get(severity))
                .and_then(toml::Value::as_str)
                .unwrap_or("null");
            let label = format!("severity={severity}");
            let expected = format!("--verify.receivers={receiver}");
            let arguments = [
                "config",
                "routes",
                "test",
                "--config.file=alertmanager.yml",
                &expected,
                "alertname=Any",
                "job=any",
                &label,
            ];
            agrees(
                name,
                "amtool",
                &arguments,
                &folder.join("monitoring/alertmanager"),
            );
        }
    }
}

/// Not one of the referees may be deaf: each refuses a file that is wrong.
#[test]
fn referees_refuse_what_is_wrong() {
    let folder = folder("referees-refuse");
    fs::write(
        folder.join("prometheus.yml"),
        "global: {scrape_interval: soon}\n",
    )
    .unwrap();
    fs::write(
        folder.join("rules.yml"),
        "groups: [{name: a, rules: [{alert: A, expr: 'sum(('}]}]\n",
    )
    .unwrap();
    fs::write(
        folder.join("alertmanager.yml"),
        "route: {receiver: nobody}\nreceivers: []\n",
    )
    .unwrap();
    fs::write(folder.join("indented.yml"), "a:\n      - b\n   - c\n").unwrap();
    for (program, arguments) in [
        ("promtool", &["check", "config", "prometheus.yml"][..]),
        ("promtool", &["check", "rules", "rules.yml"]),
        ("amtool", &["check-config", "alertmanager.yml"]),
        ("yamllint", &["indented.yml"]),
    ] {
        assert!(
            !judge(program, arguments, &folder).0,
            "{program} {arguments:?} accepts it"
        );
    }
}

/// Readable as well as right: nothing that yamllint calls an error, in the repository's own wide style.
#[test]
fn yamllint_accepts_every_yaml_file() {
    let style = "{extends: default, rules: {line-length: disable, document-start: disable, braces: {max-spaces-inside: 1}, \
                 indentation: {indent-sequences: consistent}, comments: disable, comments-indentation: disable, truthy: {check-keys: false}}}";
    for (name, folder, rendered) in stacks("yamllint") {
        let files: Vec<&str> = rendered
            .files
            .iter()
            .map(|file| file.path.as_str())
            .filter(|path| path.ends_with(".yml"))
            .collect();
        let arguments: Vec<&str> = ["--strict", "-d", style].into_iter().chain(files).collect();
        agrees(name, "yamllint", &arguments, &folder);
    }
}

/// Every service of the catalog is scraped under its own name, and so is each job of [extra]; nothing else but the monitoring
/// itself is.
#[test]
fn every_service_is_one_job() {
    for (name, _, rendered) in stacks("jobs") {
        let config = rendered
            .file("monitoring/working_prometheus.yml")
            .expect("an artifact");
        let jobs = config.value["scrape_configs"].as_array().expect("a list");
        // Not every catalog has each of these.
        let monitoring = ["prometheus", "alertmanager", "health-probe"];
        let mut found: Vec<&str> = jobs
            .iter()
            .filter_map(|job| job["job_name"].as_str())
            .filter(|job| !monitoring.contains(job))
            .collect();
        let catalog = written(name);
        let mut expected: Vec<String> = catalog
            .get("services")
            .and_then(toml::Value::as_table)
            .into_iter()
            .flat_map(|services| services.keys().cloned())
            .collect();
        // Jobs of the user's own, in files as Prometheus reads them.
        let own = catalog.get("extra").and_then(|extra| extra.get("scrape"));
        for file in own.and_then(toml::Value::as_array).into_iter().flatten() {
            let file = file.as_str().expect("a name");
            let text = fs::read_to_string(of_stack(name).join(file)).expect("no pattern here");
            let jobs = yaml::parse(&text).expect("YAML");
            let jobs = jobs["scrape_configs"].as_array().expect("a list");
            let name = |job: &monstack::value::Value| job["job_name"].as_str().map(str::to_string);
            expected.extend(jobs.iter().filter_map(name));
        }
        found.sort_unstable();
        expected.sort_unstable();
        assert_eq!(found, expected, "{name}");
    }
}

/// generated/ is the golden of the real catalog.
#[test]
fn generated_is_current() {
    let (current, output) = judge(
        env!("CARGO_BIN_EXE_monstack"),
        &["render", "--check"],
        root(),
    );
    assert!(current, "{output}");
}
