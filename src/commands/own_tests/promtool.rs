//! promtool, run on tests in a folder of its own: with an end in time, and a limit to its memory.

use anyhow::{Context, Result};
use std::fs::DirBuilder;
use std::os::unix::fs::DirBuilderExt;
use std::path::PathBuf;
use std::process::Stdio;
use std::time::Instant;
use tokio::process::Command;

/// Bytes that promtool may have at once; the lint `test-samples` keeps sound tests far below.
const MEMORY: u64 = 4 << 30;

/// promtool in a temporary folder, which is removed with this.
pub(crate) struct Promtool {
    folder: PathBuf,
    until: Instant,
}

impl Drop for Promtool {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.folder);
    }
}

/// How a run ended.
pub(crate) enum Ended {
    Missing,
    TooLong,
    Passed,
    /// With all that promtool printed.
    Failed(String),
}

impl Promtool {
    /// A folder for it, and the instant at which its runs must have ended.
    pub(crate) fn until(until: Instant) -> Result<Promtool> {
        let name = format!("monstack-tests-{}", std::process::id());
        let folder = std::env::temp_dir().join(name);
        let _ = std::fs::remove_dir_all(&folder);
        DirBuilder::new()
            .mode(0o700)
            .create(&folder)
            .with_context(|| format!("cannot create {}", folder.display()))?;
        Ok(Promtool { folder, until })
    }

    /// A file in its folder.
    pub(crate) fn write(&self, name: &str, text: &str) -> Result<()> {
        let path = self.folder.join(name);
        std::fs::write(&path, text).with_context(|| format!("cannot write {}", path.display()))
    }

    /// Runs these tests, which are the text of a whole file.
    pub(crate) async fn run(&self, tests: &str) -> Result<Ended> {
        self.write("tests.json", tests)?;
        let log = self.folder.join("log");
        let output = std::fs::File::create(&log)
            .with_context(|| format!("cannot write {}", log.display()))?;
        let mut command = Command::new("promtool");
        command
            .args(["test", "rules", "tests.json"])
            .current_dir(&self.folder)
            .env("GOMEMLIMIT", (MEMORY / 2).to_string())
            .env("TMPDIR", &self.folder);
        command
            .stdin(Stdio::null())
            .stdout(output.try_clone()?)
            .stderr(output)
            .kill_on_drop(true);
        // Whatever keeps it from starting, such as a wrong machine's program: the tests are not run.
        let Ok(mut child) = command.spawn() else {
            return Ok(Ended::Missing);
        };
        limit(&child);
        let status = tokio::select! {
            status = child.wait() => Some(status.context("cannot wait for promtool")?),
            () = tokio::time::sleep_until(self.until.into()) => None,
            interrupted = crate::commands::interrupted() => {
                let _ = child.kill().await;
                interrupted?;
                anyhow::bail!("interrupted while promtool ran the tests; nothing was written");
            }
        };
        let Some(status) = status else {
            let _ = child.kill().await;
            return Ok(Ended::TooLong);
        };
        Ok(match status.success() {
            true => Ended::Passed,
            false => Ended::Failed(
                std::fs::read(&log)
                    .map(|bytes| String::from_utf8_lossy(&bytes).into_owned())
                    .unwrap_or_default(),
            ),
        })
    }
}

/// A program that takes all the memory ends before the machine does.
#[cfg(target_os = "linux")]
fn limit(child: &tokio::process::Child) {
    use rustix::process::{Pid, Resource, Rlimit, prlimit};
    let pid = child
        .id()
        .and_then(|id| Pid::from_raw(i32::try_from(id).ok()?));
    if let Some(pid) = pid {
        let _ = prlimit(
            Some(pid),
            Resource::As,
            Rlimit {
                current: Some(MEMORY),
                maximum: Some(MEMORY),
            },
        );
    }
}

#[cfg(not(target_os = "linux"))]
fn limit(_: &tokio::process::Child) {}
