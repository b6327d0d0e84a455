//! Who is told of each alert of tests/cases/owners: amtool, `explain` and this table agree.

mod referee;

use referee::{folder, judge, root, run};
use std::path::Path;

/// An alert with the labels that Prometheus sends it with, and everybody who is told of it.
const TOLD: &[(&str, &str, &str, &[&str])] = &[
    (
        "ServiceDown@checkout",
        "component=web severity=page owner=web-team",
        "both receivers of the owner, and the route that goes on",
        &["auditors", "pagerduty-web", "slack-web"],
    ),
    (
        "ServiceDown@search",
        "component=web severity=page owner=data-team",
        "a service's owner before its group's",
        &["auditors", "pagerduty-data"],
    ),
    (
        "ServiceDown@mailer",
        "component=tools severity=page owner=platform-team",
        "the receiver of the severity, where the owner has none",
        &["auditors", "duty"],
    ),
    (
        "TooManyErrors@checkout",
        "component=web severity=ticket owner=web-team",
        "a severity of the owner",
        &["slack-web"],
    ),
    (
        "TooManyErrors@search",
        "component=web severity=ticket owner=data-team",
        "the default of the owner",
        &["mail-data"],
    ),
    (
        "TooManyErrors@mailer",
        "component=tools severity=ticket owner=platform-team",
        "the receiver of the severity",
        &["duty"],
    ),
    (
        "ReportsFail@reports",
        "component=data severity=ticket owner=data-team",
        "a route of the catalog before the owner",
        &["pagerduty-data", "slack-web"],
    ),
    (
        "HighMemoryUsage@reports",
        "component=data severity=note owner=platform-team",
        "an alert's owner before its service's",
        &["chat"],
    ),
    (
        "CheckoutAvailabilityFastBurn@checkout",
        "component=web severity=page owner=data-team",
        "an objective's owner before its service's",
        &["auditors", "pagerduty-data"],
    ),
];

/// The case, rendered.
fn rendered(name: &str) -> std::path::PathBuf {
    let folder = folder(name);
    let case = root().join("tests/cases/owners/services.toml");
    std::fs::copy(case, folder.join("services.toml")).expect("the case is readable");
    let (rendered, said) = judge(env!("CARGO_BIN_EXE_monstack"), &["render"], &folder);
    assert!(rendered, "{said}");
    folder
}

fn output(program: &str, arguments: &[&str], folder: &Path) -> String {
    let output = run(program, arguments, folder);
    String::from_utf8_lossy(&output.stdout).into_owned()
}

#[test]
fn amtool_tells_whom_the_table_says() {
    let folder = rendered("owners-amtool");
    let config = "generated/monitoring/alertmanager/alertmanager.yml";
    let (sound, said) = judge("amtool", &["check-config", config], &folder);
    assert!(sound, "{said}");
    for (alert, labels, why, told) in TOLD {
        let (name, service) = alert.split_once('@').expect("an alert at a service");
        let own = [
            format!("alertname={name}"),
            format!("job={service}"),
            format!("service={service}"),
        ];
        let config = format!("--config.file={config}");
        let mut arguments = vec!["config", "routes", "test", config.as_str()];
        arguments.extend(own.iter().map(String::as_str));
        arguments.extend(labels.split(' '));
        let found = output("amtool", &arguments, &folder);
        assert_eq!(found.trim(), told.join(","), "{alert}: {why}");
    }
}

#[test]
fn explain_tells_the_same_with_its_times() {
    let folder = rendered("owners-explain");
    for (alert, labels, why, told) in TOLD {
        let said = output(env!("CARGO_BIN_EXE_monstack"), &["explain", alert], &folder);
        let row = |key: &str| -> Vec<String> {
            let rows = said.lines().map(str::trim);
            let own = rows.filter_map(|line| Some(line.strip_prefix(key)?.trim().to_string()));
            own.map(|value| {
                value
                    .split([' ', ','])
                    .next()
                    .unwrap_or_default()
                    .to_string()
            })
            .collect()
        };
        assert_eq!(row("receiver "), *told, "{alert}: {why}\n{said}");
        let (_, owner) = labels.split_once("owner=").expect("each has an owner");
        assert_eq!(row("owner "), [owner], "{alert}\n{said}");
    }
    let said = output(
        env!("CARGO_BIN_EXE_monstack"),
        &["explain", "TooManyErrors@checkout"],
        &folder,
    );
    let nights = "slack-web, not in nights (monday:friday, 18:00-08:00, Europe/Berlin)";
    assert!(said.contains(nights), "{said}");
}
