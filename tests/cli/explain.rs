//! `explain`: every value with the line that set it, and what a finding means.

use crate::{CATALOG, rendered, run};
use std::fs;

#[test]
fn explain_and_render_say_that_no_one_is_notified() {
    let shop = rendered("no-one-notified");
    for what in ["Down", "Down@checkout"] {
        let explained = run(&shop, &["explain", what]);
        assert!(
            explained.out.contains("null (no one is notified)"),
            "{}",
            explained.out
        );
    }
    let text = fs::read_to_string(shop.join("services.toml")).unwrap();
    fs::write(
        shop.join("services.toml"),
        text.split("[alertmanager]").next().unwrap(),
    )
    .unwrap();
    for verb in [&["render"][..], &["render", "--check"]] {
        let said = run(&shop, verb);
        assert_eq!(
            said.err.matches("notice[no-one-notified]").count(),
            1,
            "{verb:?}: {}",
            said.err
        );
        assert!(said.err.trim_end().ends_with("1 notice"), "{}", said.err);
    }
}

#[test]
fn explain_knows_services_alerts_both_and_codes() {
    let shop = rendered("explain");
    let differs = format!("{CATALOG}\n[services.checkout.alerts.Down]\nfor = \"9m\"\n");
    fs::write(shop.join("services.toml"), differs).unwrap();
    let wanted: [(&str, &[&str]); 6] = [
        (
            "checkout",
            &[
                "port",
                "8001",
                "services.toml:13",
                "target",
                "host.docker.internal:8001",
            ],
        ),
        (
            "Down",
            &[
                "kind",
                "down",
                "services.toml:16",
                "for 9m, critical",
                "services.toml:23",
            ],
        ),
        (
            "Down@checkout",
            &[
                "for",
                "9m",
                "services.toml:24",
                "critical",
                "services.toml:18",
            ],
        ),
        (
            "window-too-short",
            &[
                "found in:",
                "not in:",
                "allow = [{ check = \"window-too-short\"",
            ],
        ),
        ("undeclared-metric", &["found in:", "not in:"]),
        (
            "rules-of-the-catalog",
            &[
                "generated/monitoring/alert_rules.yml",
                "rules[0].for: \"1d\"",
                "rules[0].for: \"5m\"",
            ],
        ),
    ];
    for (what, wanted) in wanted {
        let explained = run(&shop, &["explain", what]);
        assert_eq!(
            (explained.code, explained.err.as_str()),
            (Some(0), ""),
            "{what}"
        );
        assert!(explained.out.starts_with(what), "{}", explained.out);
        for wanted in wanted {
            assert!(
                explained.out.contains(wanted),
                "{what} without {wanted}: {}",
                explained.out
            );
        }
    }
}

#[test]
fn what_holds_an_alert_back_is_said_of_it_and_of_it_at_a_service() {
    let shop = crate::referee::folder("cli-explain-held-back");
    let catalog = fs::read_to_string("tests/cases/alert-levels/services.toml").unwrap();
    let objective = "\n[prometheus]\nretention = \"31d\"\n\n[slos.answers]\nservice = \"api\"\nobjective = 99.9\npage = \"page\"\nticket = \"ticket\"\nerrors = { metric = \"requests_total\", where = { status = \"5..\" } }\n";
    fs::write(shop.join("services.toml"), catalog + objective).unwrap();
    let wanted: [(&str, &[&str]); 5] = [
        ("QueueTooLongTicket", &["Down", "QueueTooLongPage"]),
        ("QueueTooLongTicket@api", &["Down", "QueueTooLongPage"]),
        ("QueueTooLongPage@api", &["Down"]),
        ("AnswersSlowBurn@api", &["Down", "AnswersFastBurn"]),
        ("Down@api", &[]),
    ];
    for (what, wanted) in wanted {
        let explained = run(&shop, &["explain", what]);
        let held = explained.out.lines();
        let held = held.filter_map(|line| line.trim().strip_prefix("held back by"));
        let held: Vec<&str> = held
            .filter_map(|line| line.split_whitespace().next())
            .collect();
        assert_eq!(held, wanted, "{what}: {}{}", explained.out, explained.err);
    }
    for (part, whose) in [
        (
            "QueueTooLongPage",
            "the level page of the alert `QueueTooLong`",
        ),
        ("AnswersFastBurn", "an alert of the objective `answers`"),
    ] {
        let removed = run(&shop, &["remove", "alert", part]);
        assert_eq!(removed.code, Some(1), "{}", removed.out);
        assert!(removed.err.contains(whose), "{}", removed.err);
    }
}

#[test]
fn alerts_about_the_monitoring_itself_are_explained_from_their_rule() {
    let shop = rendered("explain-itself");
    let explained = run(&shop, &["explain", "Watchdog"]);
    for wanted in [
        "generated/monitoring/self_monitoring_rules.yml",
        "vector(1)",
        "null (no one is notified)",
    ] {
        assert!(explained.out.contains(wanted), "{}", explained.out);
    }
}

#[test]
fn every_code_that_can_be_found_is_explained() {
    let folder = crate::referee::folder("cli-explain-codes");
    let lints = monstack::lints::LINTS.iter().map(|lint| lint.code);
    let proofs = monstack::proofs::PROOFS.iter().map(|proof| proof.code);
    for code in lints.chain(proofs) {
        let explained = run(&folder, &["explain", code]);
        assert!(
            explained.code == Some(0) && explained.out.contains("found in:"),
            "{code}: {}{}",
            explained.out,
            explained.err
        );
    }
}

#[test]
fn an_unknown_name_is_answered_with_what_could_be_meant() {
    let shop = rendered("explain-unknown");
    for (what, meant) in [
        ("chekout", "checkout"),
        ("Dwon", "Down"),
        ("Down@chekout", "checkout"),
        ("window-to-short", "window-too-short"),
    ] {
        let unknown = run(&shop, &["explain", what]);
        assert_eq!(
            (unknown.code, unknown.out.as_str()),
            (Some(1), ""),
            "{what}"
        );
        assert!(
            unknown.err.contains(&format!("did you mean `{meant}`?")),
            "{what}: {}",
            unknown.err
        );
    }
    let nothing = run(&shop, &["explain", "xyz"]);
    assert!(
        nothing.code == Some(1) && nothing.err.contains("choose one of `checkout`, `Down`"),
        "{}",
        nothing.err
    );
}
