//! What docs/ci/ and .pre-commit-hooks.yaml have for other repositories, run as their servers run it: in a repository with
//! nothing but a catalog, what is rendered of it, and monstack on the PATH.

use crate::{CATALOG, referee, rendered, run};
use monstack::value::Value;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

fn kit(file: &str) -> Value {
    let text = fs::read_to_string(referee::root().join(file)).unwrap();
    monstack::yaml::parse(&text).unwrap_or_else(|error| panic!("{file}: {error:?}"))
}

/// A repository with two commits; the second changes what an alert compares, rendered or not.
fn repository(name: &str, stale: bool) -> PathBuf {
    let shop = rendered(name);
    fs::write(shop.join(".gitignore"), "monstack.*\nsummary.md\n").unwrap();
    let git = |arguments: &[&str]| {
        let output = Command::new("git")
            .args(["-c", "user.name=A", "-c", "user.email=a@example.org"])
            .args(arguments)
            .current_dir(&shop)
            .output()
            .unwrap();
        assert!(output.status.success(), "{arguments:?}: {output:?}");
    };
    git(&["init", "--quiet", "--initial-branch=main"]);
    git(&["add", "."]);
    git(&["commit", "--quiet", "-m", "one"]);
    git(&["update-ref", "refs/remotes/origin/main", "HEAD"]);
    fs::write(
        shop.join("services.toml"),
        CATALOG.replace("for = \"5m\"", "for = \"6m\""),
    )
    .unwrap();
    if !stale {
        assert_eq!(run(&shop, &["render"]).code, Some(0));
    }
    git(&["add", "."]);
    git(&["commit", "--quiet", "-m", "two"]);
    shop
}

/// A step as a runner starts it.
fn step(shop: &Path, script: &str) -> (Option<i32>, String) {
    let program = Path::new(env!("CARGO_BIN_EXE_monstack"));
    let path = format!(
        "{}:{}",
        program.parent().unwrap().display(),
        std::env::var("PATH").unwrap()
    );
    let output = Command::new("bash")
        .args(["--noprofile", "--norc", "-eo", "pipefail", "-c", script])
        .env("PATH", path)
        .env("ROOT", ".")
        .env("BASE", "HEAD~1")
        .env("SARIF", "monstack.sarif")
        .env("GITHUB_STEP_SUMMARY", shop.join("summary.md"))
        .env_remove("CARGO")
        .current_dir(shop)
        .output()
        .unwrap();
    let said = [output.stdout, output.stderr].concat();
    (output.status.code(), String::from_utf8(said).unwrap())
}

#[test]
fn every_step_of_every_server_runs_in_another_repository() {
    let sound = repository("kit", false);
    let action = kit("docs/ci/action.yml");
    let steps = action["runs"]["steps"].as_array().unwrap();
    let scripts = |shop: &Path| -> Vec<(Option<i32>, String)> {
        let scripts = steps.iter().map(|one| one["run"].as_str().unwrap());
        scripts.map(|script| step(shop, script)).collect()
    };
    for (code, said) in scripts(&sound) {
        assert_eq!(code, Some(0), "{said}");
    }
    let summary = fs::read_to_string(sound.join("summary.md")).unwrap();
    assert!(summary.contains("6m"), "{summary}");
    let stale = repository("kit-stale", true);
    let codes: Vec<Option<i32>> = scripts(&stale).into_iter().map(|(code, _)| code).collect();
    assert_eq!(codes, [Some(0), Some(1), Some(0), Some(0)]);
    let sarif = fs::read_to_string(stale.join("monstack.sarif")).unwrap();
    assert_eq!(
        serde_json::from_str::<Value>(&sarif).unwrap()["version"],
        "2.1.0"
    );

    let gitlab = kit("docs/ci/gitlab-ci.yml");
    let hooks = kit(".pre-commit-hooks.yaml");
    let jenkins = fs::read_to_string(referee::root().join("docs/ci/Jenkinsfile")).unwrap();
    let mut scripts: Vec<String> = gitlab["monstack"]["script"]
        .as_array()
        .unwrap()
        .iter()
        .map(|line| line.as_str().unwrap().to_string())
        .collect();
    let jenkins = jenkins.lines().filter_map(|line| {
        let script = line.trim().strip_prefix("sh '")?.strip_suffix('\'')?;
        Some(script.to_string())
    });
    scripts.extend(jenkins);
    assert_eq!(scripts.len(), 6, "all of them are read: {scripts:?}");
    scripts.push(hooks[0]["entry"].as_str().unwrap().to_string());
    for script in &scripts {
        let (code, said) = step(&sound, script);
        assert_eq!(code, Some(0), "{script}: {said}");
        let (code, said) = step(&stale, script);
        let checks = script.ends_with("render --check");
        assert_eq!(code, Some(i32::from(checks)), "{script}: {said}");
    }
}
