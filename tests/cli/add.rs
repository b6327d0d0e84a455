//! `add`: one service more, and not one byte less.

use crate::{CATALOG, refuses, rendered, run, shop};
use std::fs;
use std::os::unix::fs::symlink;

const ADD: [&str; 6] = ["add", "search", "--group", "web", "--port", "8002"];

/// The small catalog with its service written in another way.
fn written(service: &str) -> String {
    CATALOG.replace(
        "[services.checkout]\ngroup = \"web\"\nport = 8001 # taken\n",
        service,
    )
}

#[test]
fn add_keeps_every_byte_but_its_own() {
    let table = "[services.search]\ngroup = \"web\"\nport = 8002\n\n";
    let line = "search = { group = \"web\", port = 8002 }";
    let inline = "[services]\ncheckout = { group = \"web\", port = 8001 } # taken\n";
    let one = "services = { checkout = { group = \"web\", port = 8001 } } # taken\n";
    let first = written("").replace("# the shop itself\n", "");
    let (service, alerts) = CATALOG
        .split_once("[services")
        .and_then(|(_, rest)| rest.split_once("\n\n"))
        .unwrap();
    let last = format!(
        "{}{}\n[services{service}",
        CATALOG.split_once("# the shop").unwrap().0,
        alerts
    );
    let cases = [
        (
            "plain",
            CATALOG.to_string(),
            CATALOG.replace("[alerts", &format!("{table}[alerts")),
        ),
        (
            "crlf",
            CATALOG.replace('\n', "\r\n"),
            CATALOG
                .replace("[alerts", &format!("{table}[alerts"))
                .replace('\n', "\r\n"),
        ),
        (
            "no-newline",
            last.clone(),
            format!(
                "{last}\n\n{}",
                table.trim_end_matches("\n\n").to_owned() + "\n"
            ),
        ),
        (
            "inline",
            written(inline),
            written(&format!("{inline}{line}\n")),
        ),
        (
            "one-line",
            format!("{one}{first}"),
            format!(
                "{}{first}",
                one.replace("8001 } }", &format!("8001 }}, {line} }}"))
            ),
        ),
        (
            "quoted",
            CATALOG.replace("services.checkout", "\"services\".'checkout'"),
            CATALOG
                .replace("services.checkout", "\"services\".'checkout'")
                .replace(
                    "[alerts",
                    &format!("{}[alerts", table.replace("services", "\"services\"")),
                ),
        ),
    ];
    for (name, catalog, wanted) in cases {
        let shop = shop(&format!("add-{name}"), &catalog);
        let added = run(&shop, &ADD);
        assert_eq!(added.code, Some(0), "{name}: {}{}", added.out, added.err);
        let text = fs::read_to_string(shop.join("services.toml")).unwrap();
        assert_eq!(text, wanted, "{name}");
        let at = text
            .lines()
            .position(|line| line.contains("search"))
            .unwrap()
            + 1;
        assert!(
            added
                .out
                .starts_with(&format!("added search at services.toml:{at}\n")),
            "{name}: {}",
            added.out
        );
        assert!(
            added
                .out
                .contains("new       generated/monitoring/working_prometheus.yml"),
            "{}",
            added.out
        );
        assert_eq!(run(&shop, &["render", "--check"]).code, Some(0), "{name}");
    }
}

#[test]
fn the_first_service_is_added_too() {
    let shop = shop("add-first", &written("").replace("# the shop itself\n", ""));
    assert_eq!(
        run(&shop, &["render"]).code,
        Some(1),
        "a catalog without services is not one"
    );
    assert_eq!(run(&shop, &ADD).code, Some(0));
    assert_eq!(run(&shop, &["render", "--check"]).code, Some(0));
}

#[test]
fn add_refuses_what_would_not_load() {
    let shop = rendered("add-refused");
    let refusals = [
        (
            ["add", "checkout", "--group", "web", "--port", "8002"],
            "there is a service `checkout` already",
        ),
        (
            ["add", "search", "--group", "wbe", "--port", "8002"],
            "did you mean `web`?",
        ),
        (
            ["add", "search", "--group", "web", "--port", "8001"],
            "13 | port = 8001 # taken",
        ),
        (["add", "search", "--group", "web", "--port", "0"], "error["),
        (
            ["add", "search", "--group", "web", "--port", "70000"],
            "65535",
        ),
        (
            ["add", "Search", "--group", "web", "--port", "8002"],
            "Search",
        ),
        (
            ["add", "a]\nb", "--group", "web", "--port", "8002"],
            "error[",
        ),
        (["add", "", "--group", "web", "--port", "8002"], "error["),
        (
            ["add", "search", "--group", "\"", "--port", "8002"],
            "error[",
        ),
    ];
    for (arguments, said) in refusals {
        refuses(&shop, &arguments, said);
    }
}

#[test]
fn a_catalog_that_is_wrong_already_is_left_alone() {
    for (name, catalog) in [
        ("wrong", CATALOG.replace("\"web\"", "\"wbe\"")),
        ("number", format!("services = 3\n{}", written(""))),
        ("broken", "[services".into()),
    ] {
        let shop = shop(&format!("add-{name}"), &catalog);
        let refused = run(&shop, &ADD);
        assert!(
            refused.code == Some(1) && refused.err.contains("error["),
            "{name}: {:?} {}",
            refused.code,
            refused.err
        );
        assert_eq!(
            fs::read_to_string(shop.join("services.toml")).unwrap(),
            catalog,
            "{name}"
        );
    }
}

#[test]
fn a_catalog_that_is_a_link_stays_one() {
    let shop = shop("add-link", CATALOG);
    fs::rename(shop.join("services.toml"), shop.join("real.toml")).unwrap();
    symlink("real.toml", shop.join("services.toml")).unwrap();
    assert_eq!(run(&shop, &ADD).code, Some(0));
    assert!(shop.join("services.toml").is_symlink());
    assert!(
        fs::read_to_string(shop.join("real.toml"))
            .unwrap()
            .contains("[services.search]")
    );
}

#[test]
fn nothing_is_added_when_generated_cannot_be_written() {
    let shop = shop("add-in-the-way", CATALOG);
    fs::write(shop.join("generated"), "mine").unwrap();
    let failed = run(&shop, &ADD);
    assert_eq!(failed.code, Some(2));
    assert!(
        failed.err.contains("generated is in the way"),
        "{}",
        failed.err
    );
    assert_eq!(
        fs::read_to_string(shop.join("services.toml")).unwrap(),
        CATALOG
    );
}
