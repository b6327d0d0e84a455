//! `render` and `render --check`: what they write, what they say, how they end.

use crate::{CATALOG, monstack, rendered, run, shop, tree};
use std::fs;

#[test]
fn a_second_render_says_that_nothing_changed() {
    let shop = rendered("second");
    let before = tree(&shop);
    let second = run(&shop, &["render"]);
    assert_eq!((second.code, second.err.as_str()), (Some(0), ""));
    assert!(second.out.starts_with("nothing changed: generated/ is what services.toml says"), "{}", second.out);
    assert_eq!(run(&shop, &["render", "--check"]).code, Some(0));
    assert_eq!(tree(&shop), before);
}

#[test]
fn only_what_changed_is_rewritten() {
    let shop = rendered("rewritten");
    let age = |path: &str| fs::metadata(shop.join(path)).unwrap().modified().unwrap();
    let (compose, rules) = (age("generated/docker-compose.yml"), age("generated/monitoring/alert_rules.yml"));
    fs::write(shop.join("services.toml"), CATALOG.replace("\"5m\"", "\"7m\"")).unwrap();
    let changed = run(&shop, &["render"]);
    assert!(changed.out.contains("changed   generated/monitoring/alert_rules.yml  +"), "{}", changed.out);
    assert_eq!(age("generated/docker-compose.yml"), compose);
    assert_ne!(age("generated/monitoring/alert_rules.yml"), rules);
}

#[test]
fn check_before_the_first_render_creates_nothing() {
    let shop = shop("first-check", CATALOG);
    let check = run(&shop, &["render", "--check"]);
    assert_eq!(check.code, Some(1));
    assert!(check.out.contains("missing   generated/docker-compose.yml"), "{}", check.out);
    assert!(!shop.join("generated").exists());
}

#[test]
fn check_names_modified_missing_and_orphaned_files_and_writes_nothing() {
    let shop = rendered("check");
    fs::write(shop.join("generated/docker-compose.yml"), "name: other\n").unwrap();
    fs::remove_file(shop.join("generated/docs/RUNBOOK.md")).unwrap();
    fs::create_dir(shop.join("generated/old")).unwrap();
    fs::write(shop.join("generated/old/orphan.yml"), "a: 1\n").unwrap();
    let before = tree(&shop);
    let check = run(&shop, &["render", "--check"]);
    assert_eq!(check.code, Some(1));
    let wanted = [
        "generated/ is not what services.toml says: 3 files differ",
        "modified  generated/docker-compose.yml  +",
        "missing   generated/docs/RUNBOOK.md  +",
        "orphaned  generated/old/orphan.yml  +0 -1",
        "--- a/generated/docker-compose.yml\n+++ b/generated/docker-compose.yml\n",
        "\n-name: other\n",
        "--- /dev/null\n+++ b/generated/docs/RUNBOOK.md\n",
        "--- a/generated/old/orphan.yml\n+++ /dev/null\n",
    ];
    for wanted in wanted {
        assert!(check.out.contains(wanted), "{wanted}: {}", check.out);
    }
    assert_eq!(check.out.lines().last(), Some(&*format!("nothing was written; mend it with: monstack render --root {}", shop.display())));
    assert_eq!(tree(&shop), before, "--check wrote something");
    let mended = run(&shop, &["render"]);
    assert_eq!(mended.code, Some(0));
    assert!(mended.out.contains("removed   generated/old/orphan.yml"), "{}", mended.out);
    assert!(!shop.join("generated/old").exists(), "the orphan's empty folder stayed");
    assert_eq!(run(&shop, &["render", "--check"]).code, Some(0));
}

#[test]
fn the_mending_command_can_be_pasted() {
    let shop = shop("it's a folder", CATALOG);
    let check = run(&shop, &["render", "--check"]);
    let command = check.out.lines().last().unwrap().rsplit_once("mend it with: monstack ").unwrap().1;
    let pasted = std::process::Command::new("sh").args(["-c", &format!("\"$0\" {command}"), env!("CARGO_BIN_EXE_monstack")]).output().unwrap();
    assert!(pasted.status.success(), "{command}");
    assert_eq!(run(&shop, &["render", "--check"]).code, Some(0));
    let here = rendered("here");
    fs::remove_file(here.join("generated/docker-compose.yml")).unwrap();
    let bare = |cargo: bool| {
        let mut command = monstack(&["render", "--check"]);
        if cargo {
            command.env("CARGO", "cargo");
        }
        String::from_utf8(command.current_dir(&here).output().unwrap().stdout).unwrap()
    };
    assert!(bare(false).ends_with("mend it with: monstack render\n") && bare(true).ends_with("mend it with: cargo run -- render\n"));
}

#[test]
fn a_wrong_catalog_changes_nothing_on_disk() {
    let shop = rendered("wrong");
    fs::write(shop.join("services.toml"), CATALOG.replace("port", "prot")).unwrap();
    let before = tree(&shop);
    for arguments in [&["render"][..], &["render", "--check"]] {
        let refused = run(&shop, arguments);
        assert_eq!((refused.code, refused.out.as_str()), (Some(1), ""), "{arguments:?}");
        assert!(refused.err.contains("did you mean `port`?") && refused.err.ends_with("; nothing was written\n"), "{}", refused.err);
    }
    assert_eq!(tree(&shop), before);
}
