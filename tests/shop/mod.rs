//! A small platform for the catalogs of tests: what they begin with, rendered, and monstack run on them outside of every repository.
#![allow(dead_code)] // Each test file asks for some of it.

use monstack::pipeline::prove;
use monstack::render::Rendered;
use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::{AtomicUsize, Ordering};

/// The beginning of a catalog.
pub const PLATFORM: &str =
    "[platform]\nname = \"Shop\"\nslug = \"shop\"\nmetric_prefix = \"shop\"\n";

/// A whole catalog: one service, and no alerts.
pub const SMALL: &str = "[platform]\nname = \"Shop\"\nslug = \"shop\"\nmetric_prefix = \"shop\"\n\
                         [groups.core]\ntitle = \"Core\"\n[services.one]\ngroup = \"core\"\nport = 8001\n";

/// The files of a catalog without errors, with the built-in templates.
pub fn rendered(catalog: &str) -> Rendered {
    rendered_despite(catalog, "")
}

/// The same of a catalog with findings of this code, which the test is not about.
#[allow(dead_code, reason = "each test takes what it needs of this module")]
pub fn rendered_despite(catalog: &str, code: &str) -> Rendered {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let outcome = prove(catalog, root).expect("never an error of the machine");
    let errors: Vec<&String> = outcome
        .diagnostics
        .iter()
        .filter(|found| found.stops() && found.code != code)
        .map(|found| &found.message)
        .collect();
    assert!(errors.is_empty(), "{errors:#?} in:\n{catalog}");
    outcome.rendered.expect("it renders")
}

/// A new, empty folder that no repository is around.
pub fn folder(name: &str) -> PathBuf {
    static COUNT: AtomicUsize = AtomicUsize::new(0);
    let number = COUNT.fetch_add(1, Ordering::Relaxed);
    let folder = std::env::temp_dir().join(format!(
        "monstack-shop-{}-{number}-{name}",
        std::process::id()
    ));
    let _ = fs::remove_dir_all(&folder);
    fs::create_dir_all(&folder).expect("the temporary folder is writable");
    folder
}

/// How a run ended, and what it printed.
pub struct Ended {
    pub code: i32,
    pub stdout: String,
    pub stderr: String,
}

/// monstack in a folder, called as it is where it is installed.
pub fn monstack(folder: &Path, arguments: &[&str]) -> Ended {
    ended(
        Command::new(env!("CARGO_BIN_EXE_monstack"))
            .args(arguments)
            .env_remove("CARGO")
            .current_dir(folder),
    )
}

/// Runs a command to its end.
pub fn ended(command: &mut Command) -> Ended {
    let output = alone(command)
        .env("NO_COLOR", "1")
        .output()
        .expect("it starts");
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).expect("UTF-8");
    Ended {
        code: output.status.code().expect("no signal"),
        stdout: text(output.stdout),
        stderr: text(output.stderr),
    }
}

/// git in a folder, as somebody who may commit.
pub fn git(folder: &Path, arguments: &[&str]) {
    let settings = [
        "user.name=Test",
        "user.email=test@example.org",
        "commit.gpgsign=false",
        "init.defaultBranch=trunk",
    ];
    let mut command = Command::new("git");
    for setting in settings {
        command.args(["-c", setting]);
    }
    let output = match alone(command.args(arguments).current_dir(folder)).output() {
        Err(error) if error.kind() == ErrorKind::NotFound => {
            panic!("git is missing: install Debian's package `git`")
        }
        other => other.expect("git starts"),
    };
    assert!(
        output.status.success(),
        "git {arguments:?}: {}",
        String::from_utf8_lossy(&output.stderr)
    );
}

/// Whatever repository or configuration the tests are run in, git sees none of it.
fn alone(command: &mut Command) -> &mut Command {
    let nothing = if cfg!(windows) { "NUL" } else { "/dev/null" };
    command
        .env_remove("GIT_DIR")
        .env_remove("GIT_WORK_TREE")
        .env_remove("GIT_INDEX_FILE");
    command
        .env("GIT_CEILING_DIRECTORIES", std::env::temp_dir())
        .env("GIT_CONFIG_GLOBAL", nothing)
        .env("GIT_CONFIG_NOSYSTEM", "1")
}
