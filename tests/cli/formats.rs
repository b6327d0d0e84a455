//! What machines read: one JSON document on every path, GitHub's annotations, and colours only for those who see them.

use crate::{CATALOG, monstack, referee, rendered, run, shop};
use monstack::value::Value;
use std::ffi::OsStr;
use std::fs;
use std::os::unix::ffi::OsStrExt;

#[test]
fn json_is_one_document_on_every_path() {
    let (good, bad, none) = (
        rendered("json"),
        shop("json-bad", "[platform]\n"),
        referee::folder("cli-json-none"),
    );
    let (stale, way) = (rendered("json-stale"), shop("json-way", CATALOG));
    fs::remove_file(stale.join("generated/docker-compose.yml")).unwrap();
    fs::write(way.join("generated"), "mine").unwrap();
    let paths: &[(_, &[&str], i32, &str)] = &[
        (&good, &["render"], 0, "changes"),
        (&good, &["render", "--check"], 0, "changes"),
        (&stale, &["render", "--check"], 1, "fix"),
        (&good, &["explain", "checkout"], 0, "values"),
        (&good, &["explain", "Down@checkout"], 0, "values"),
        (&good, &["explain", "window-too-short"], 0, "doc"),
        (&good, &["explain", "nothing"], 1, "findings"),
        (
            &good,
            &["add", "checkout", "--group", "web", "--port", "1"],
            1,
            "findings",
        ),
        (
            &bad,
            &["add", "search", "--group", "web", "--port", "1"],
            1,
            "findings",
        ),
        (&bad, &["render"], 1, "findings"),
        (&bad, &["explain", "checkout"], 1, "findings"),
        (&none, &["render"], 2, "findings"),
        (&none, &["render", "--check"], 2, "findings"),
        (&way, &["render"], 2, "message"),
        (&way, &["render", "--check"], 2, "message"),
        (
            &way,
            &["add", "search", "--group", "web", "--port", "1"],
            2,
            "message",
        ),
        (&good, &["render", "--no-such-flag"], 2, "message"),
        (&good, &["rendr"], 2, "message"),
        (
            &good,
            &["add", "search", "--group", "web", "--port", "many"],
            1,
            "findings",
        ),
        (&good, &["absorb"], 0, "edits"),
        (&bad, &["absorb"], 1, "findings"),
        (&none, &["absorb"], 2, "findings"),
        (&way, &["absorb"], 2, "message"),
        (&good, &["schema"], 0, "schema"),
        (&good, &["completions", "bash"], 0, "script"),
        (&good, &["man"], 0, "pages"),
    ];
    for (index, (root, arguments, code, member)) in paths.iter().enumerate() {
        let json: &[&str] = if index % 2 == 0 {
            &["--format", "json"]
        } else {
            &["--format=json"]
        };
        let run = run(root, &[arguments, json].concat());
        assert_eq!(
            (run.code, run.err.as_str()),
            (Some(*code), ""),
            "{arguments:?}: {}",
            run.out
        );
        let document: Value = serde_json::from_str(&run.out)
            .unwrap_or_else(|error| panic!("{arguments:?}: {error}\n{}", run.out));
        assert_eq!(
            document["status"],
            ["ok", "findings", "error"][*code as usize],
            "{arguments:?}: {document}"
        );
        assert!(
            document.get(member).is_some_and(|member| !member.is_null()),
            "{arguments:?} without {member}: {document}"
        );
        assert!(
            *member != "findings" || document["findings"][0]["line"].is_u64(),
            "{arguments:?}: {document}"
        );
    }
}

#[test]
fn an_added_service_is_listed_in_json() {
    let shop = shop("json-add", CATALOG);
    let added = run(
        &shop,
        &[
            "add", "search", "--group", "web", "--port", "8002", "--format", "json",
        ],
    );
    let document: Value = serde_json::from_str(&added.out).unwrap();
    assert_eq!(
        document["added"],
        monstack::value::json!({"service": "search", "file": "services.toml", "line": 15})
    );
    assert!(
        document["changes"]
            .as_array()
            .is_some_and(|changes| changes.len() > 10),
        "{document}"
    );
}

#[test]
fn arguments_that_are_not_text_are_a_usage_error() {
    let output = monstack(&["explain", "--format", "json"])
        .arg(OsStr::from_bytes(b"\xff"))
        .output()
        .unwrap();
    assert_eq!(
        output.status.code(),
        Some(2),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    assert!(
        serde_json::from_slice::<Value>(&output.stdout)
            .is_ok_and(|document| document["status"] == "error")
    );
}

#[test]
fn github_gets_annotations_on_stdout() {
    let (bad, stale, way) = (
        shop("github-bad", &CATALOG.replace("port", "prot")),
        rendered("github-stale"),
        shop("github-way", CATALOG),
    );
    let wrong = run(&bad, &["render", "--format", "github"]);
    assert_eq!((wrong.code, wrong.err.as_str()), (Some(1), ""));
    assert!(
        wrong
            .out
            .lines()
            .all(|line| line.starts_with("::error file=services.toml,line=1")),
        "{}",
        wrong.out
    );
    assert!(wrong.out.contains("did you mean `port`?"), "{}", wrong.out);
    fs::remove_file(stale.join("generated/docker-compose.yml")).unwrap();
    let stale = run(&stale, &["render", "--check", "--format", "github"]);
    assert_eq!(stale.code, Some(1));
    assert!(
        stale
            .out
            .starts_with("::error file=generated/docker-compose.yml,line=1,col=1,title=stale::"),
        "{}",
        stale.out
    );
    fs::write(way.join("generated"), "mine").unwrap();
    for (root, arguments) in [(&way, "render"), (&bad, "rendr")] {
        let failed = run(root, &[arguments, "--format", "github"]);
        assert_eq!((failed.code, failed.err.as_str()), (Some(2), ""));
        assert!(
            failed.out.starts_with("::error::") && failed.out.lines().count() == 1,
            "{}",
            failed.out
        );
    }
}

#[test]
fn only_diff_writes_markdown() {
    let shop = rendered("markdown");
    for verb in [&["render"][..], &["explain", "checkout"], &["schema"]] {
        let refused = run(&shop, &[verb, &["--format", "markdown"]].concat());
        assert_eq!(
            (refused.code, refused.out.as_str()),
            (Some(2), ""),
            "{verb:?}"
        );
        assert!(
            refused.err.contains("only `diff` writes Markdown"),
            "{}",
            refused.err
        );
    }
}

#[test]
fn what_a_verb_cannot_do_is_said_in_words_and_with_what_it_can() {
    let shop = rendered("formats-cannot");
    for (arguments, said) in [
        (
            &["render", "--format", "html"][..],
            "only `verify` writes HTML; choose text, json, github, sarif or junit",
        ),
        (
            &["man", "nope"],
            "there is no verb `nope`: choose one of `absorb`",
        ),
        (
            &["preview", "--variable", "jop=checkout"],
            "no dashboard has a variable `jop`: did you mean `job`?",
        ),
    ] {
        let refused = run(&shop, arguments);
        assert_eq!(
            (refused.code, refused.out.as_str()),
            (Some(2), ""),
            "{arguments:?}"
        );
        assert!(refused.err.contains(said), "{arguments:?}: {}", refused.err);
    }
    let set = run(&shop, &["set", "monstack", ">=0.1"]);
    assert_eq!(set.code, Some(0), "{}", set.err);
    let removed = run(&shop, &["set", "--unset", "monstack"]);
    assert!(
        removed
            .out
            .starts_with("removed monstack, which stood at services.toml:1"),
        "{}",
        removed.out
    );
}

#[test]
fn colours_are_for_those_who_want_them() {
    let bad = shop("colour", "[platform]\n");
    let coloured = |arguments: &[&str], no_color: bool| {
        let mut command =
            monstack(&[&["render", "--root", bad.to_str().unwrap()], arguments].concat());
        if no_color {
            command.env("NO_COLOR", "1");
        }
        let output = command.output().unwrap();
        assert_eq!(output.status.code(), Some(1));
        output.stderr.contains(&0x1b) || output.stdout.contains(&0x1b)
    };
    assert!(!coloured(&[], false), "a pipe gets none");
    assert!(!coloured(&[], true));
    assert!(coloured(&["--color", "always"], false));
    assert!(
        coloured(&["--color", "always"], true),
        "who says always means it"
    );
    assert!(!coloured(&["--color", "never"], false));
    assert!(!coloured(&["--color", "always", "--format", "json"], false));
    assert!(!coloured(
        &["--color", "always", "--format", "github"],
        false
    ));
}
