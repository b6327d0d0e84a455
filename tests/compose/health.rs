//! Health checks: that they can succeed, and fail, is held against a real shell, whose `wget` answers or does not.

use crate::shop;
use monstack::pipeline::prove_files;
use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Command;

/// What is asked in the scripts below, as `ASK`.
const ASK: &str = "wget -q -O - http://127.0.0.1:9090/-/healthy";

const SCRIPTS: [&str; 26] = [
    "ASK",
    "ASK || exit 1",
    "ASK && true",
    "ASK || true",
    "ASK; true",
    "ASK; exit 0",
    "ASK; exit $?",
    "! ASK",
    "! ASK || exit 1",
    "ASK | cat",
    "ASK | grep -q Healthy",
    "ASK | grep healthy",
    "ASK | grep -i healthy",
    "ASK | grep -v Healthy",
    "ASK | grep -q Running",
    "ASK | grep -qF 'Server is'",
    "ASK | grep -q '^Prometheus.*[.]$'",
    "ASK | cat | grep -q Healthy || exit 1",
    "ASK | grep -q Healthy && ASK",
    "ASK && false",
    "false || ASK",
    "true && ASK",
    "ASK > /dev/null",
    "ASK >/dev/null 2>&1 || exit 1",
    "echo ok",
    "test -d /",
];

/// How a script ends in a shell, while the server answers or does not.
fn ends(folder: &Path, script: &str, up: bool) -> bool {
    let path = std::env::var("PATH").unwrap();
    let mut shell = Command::new("sh");
    shell.args(["-c", script]);
    shell.env("PATH", format!("{}:{path}", folder.display()));
    shell.env("UP", if up { "1" } else { "" });
    shell.output().unwrap().status.success()
}

#[test]
fn health_checks_end_as_in_a_shell() {
    let folder = std::env::temp_dir().join(format!("monstack-health-{}", std::process::id()));
    fs::create_dir_all(&folder).unwrap();
    let wget = folder.join("wget");
    fs::write(
        &wget,
        "#!/bin/sh\n[ \"$UP\" ] && echo 'Prometheus Server is Healthy.'\n",
    )
    .unwrap();
    fs::set_permissions(&wget, fs::Permissions::from_mode(0o755)).unwrap();
    let catalog = "[platform]\nname = \"Shop\"\nslug = \"shop\"\nmetric_prefix = \"shop\"\n[groups.core]\ntitle = \"Core\"\n[services.one]\ngroup = \"core\"\nport = 8001\n";
    let rendered = shop::rendered(catalog);
    let mut told = 0;
    for script in SCRIPTS {
        let script = script.replace("ASK", ASK);
        let works = ends(&folder, &script, true) && !ends(&folder, &script, false);
        let files = rendered.files.iter().map(|file| {
            let check = format!("test: {}", monstack::value::json!(["CMD-SHELL", script]));
            let text = file.text.replace(
                "test: [\"CMD\", \"/bin/promtool\", \"query\", \"instant\", \"http://127.0.0.1:9090\", \"1\"]",
                &check,
            );
            (file.path.clone(), text)
        });
        let nothing = BTreeMap::new();
        let (outcome, _) =
            prove_files(catalog, &folder, "generated", files.collect(), &nothing).unwrap();
        let found: Vec<&str> = outcome
            .diagnostics
            .iter()
            .filter(|found| found.code == "health-check")
            .map(|found| found.message.as_str())
            .collect();
        assert_eq!(found.is_empty(), works, "{script}: {found:?}");
        told += found.len();
    }
    fs::remove_dir_all(&folder).unwrap();
    println!(
        "{} health checks end as in a shell, {told} of them are refused",
        SCRIPTS.len()
    );
}
