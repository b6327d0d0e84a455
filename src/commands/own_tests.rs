//! The catalog's own tests of `promql` alerts, run with promtool where it is there: as they are rendered, on copies of the
//! rule files in a temporary folder. Nothing else in monstack runs promtool.

use crate::diagnostic::{Diagnostic, Place, plural};
use crate::json::Parts;
use crate::pipeline::Outcome;
use crate::render::File;
use crate::stack::files::{Files, beside};
use crate::stack::own_tests::OwnTests;
use anyhow::{Context, Result};
use serde_json::{Map, Value, json};
use std::collections::BTreeSet;
use std::fs::DirBuilder;
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::{Duration, Instant};
use tokio::process::Command;

/// Of all tests together. One takes some ten milliseconds; what takes longer than this says more of the machine.
const TIMEOUT: Duration = Duration::from_secs(60);

/// Bytes that promtool may have at once; the lint `test-samples` keeps sound tests far below.
const MEMORY: u64 = 4 << 30;

/// Runs the tests of a proved catalog: those that fail are errors at their place, and what was not run is a notice.
/// An error is one of the machine.
pub fn run(outcome: &mut Outcome) -> Result<()> {
    let (Some(catalog), Some(rendered), false) =
        (&outcome.catalog, &outcome.rendered, outcome.failed())
    else {
        return Ok(());
    };
    let own = OwnTests::of(catalog);
    let files = Files::of(&rendered.files);
    let documents: Vec<Document> = files
        .tests()
        .filter_map(|file| Document::of(file, &own.of_file(file)))
        .collect();
    let Some(first) = documents
        .first()
        .and_then(|document| document.tests.first())
    else {
        return Ok(());
    };
    let alerts: BTreeSet<&str> = documents
        .iter()
        .flat_map(|document| &document.tests)
        .map(|test| test.alert.as_str())
        .collect();
    let place = Place::Key(format!("/alerts/{}/tests", first.alert));
    let by_hand: Vec<String> = documents
        .iter()
        .map(|document| {
            format!(
                "promtool test rules {}/{}",
                rendered.output, document.file.path
            )
        })
        .collect();
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .context("cannot start")?;
    let not_run = |reason: &str, help: String| {
        Diagnostic::notice(
            "tests-not-run",
            place.clone(),
            format!(
                "the tests of {} were not run: {reason}",
                plural(alerts.len(), "alert")
            ),
        )
        .help(help)
    };
    let found = match runtime.block_on(tried(&documents, &alerts, files))? {
        Tried::Ran(found) => found,
        Tried::Missing => vec![not_run(
            "promtool is not on the PATH",
            format!(
                "install Prometheus, which brings it (Debian's package prometheus), and render again; or run, where it is: {}",
                by_hand.join("; ")
            ),
        )],
        Tried::TooLong => vec![not_run(
            &format!("promtool took longer than {} seconds", TIMEOUT.as_secs()),
            format!(
                "look at the alerts earlier or put the samples further apart; or run, with more time: {}",
                by_hand.join("; ")
            ),
        )],
    };
    outcome.diagnostics.extend(found);
    Ok(())
}

enum Tried {
    Ran(Vec<Diagnostic>),
    Missing,
    /// Not all of them came to an end in time.
    TooLong,
}

/// One test of the catalog in a rendered file.
struct Test {
    alert: String,
    pointer: String,
    written: Value,
}

/// A rendered file of tests, with those that the catalog wrote.
struct Document<'a> {
    file: &'a File,
    tests: Vec<Test>,
}

impl Document<'_> {
    fn of<'a>(file: &'a File, pointers: &[Option<String>]) -> Option<Document<'a>> {
        let written = file.value["tests"].as_array()?.iter().zip(pointers);
        let tests: Vec<Test> = written
            .filter_map(|(written, pointer)| {
                let pointer = pointer.clone()?;
                let alert = pointer.split('/').nth(2)?.to_string();
                Some(Test {
                    alert,
                    pointer,
                    written: written.clone(),
                })
            })
            .collect();
        (!tests.is_empty()).then_some(Document { file, tests })
    }

    /// The rule files that it names, as rendered, by the name that each has in the folder of the run.
    fn rules<'a>(&self, files: Files<'a>) -> Vec<(String, Option<&'a File>)> {
        let names = self.file.value["rule_files"]
            .as_array()
            .into_iter()
            .flatten()
            .filter_map(Value::as_str);
        let found = names.map(|name| {
            let path = beside(self.file, name);
            (path.replace('/', "_"), files.at(&path))
        });
        found.collect()
    }

    /// The file with these tests alone. JSON is YAML.
    fn with(&self, tests: &[&Test], rules: &[(String, Option<&File>)]) -> String {
        let mut document = self
            .file
            .value
            .as_object()
            .cloned()
            .unwrap_or_else(Map::new);
        document.insert(
            "rule_files".to_string(),
            rules
                .iter()
                .map(|(name, _)| Value::from(name.as_str()))
                .collect(),
        );
        document.insert(
            "tests".to_string(),
            tests.iter().map(|test| test.written.clone()).collect(),
        );
        Value::Object(document).to_string()
    }
}

/// A folder that goes when this does.
struct Folder(PathBuf);

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

async fn tried(
    documents: &[Document<'_>],
    alerts: &BTreeSet<&str>,
    files: Files<'_>,
) -> Result<Tried> {
    let folder =
        Folder(std::env::temp_dir().join(format!("monstack-tests-{}", std::process::id())));
    let _ = std::fs::remove_dir_all(&folder.0);
    DirBuilder::new()
        .mode(0o700)
        .create(&folder.0)
        .with_context(|| format!("cannot create {}", folder.0.display()))?;
    let until = Instant::now() + TIMEOUT;
    let mut found = Vec::new();
    let together = entangled(files);
    for document in documents {
        let own: BTreeSet<&str> = document
            .tests
            .iter()
            .map(|test| test.alert.as_str())
            .collect();
        let alerts = if together { alerts } else { &own };
        let rules = document.rules(files);
        for (name, file) in &rules {
            let path = folder.0.join(name);
            std::fs::write(
                &path,
                file.map_or_else(String::new, |file| only(file, alerts)),
            )
            .with_context(|| format!("cannot write {}", path.display()))?;
        }
        // One run where all is well; only where it is not, one for each test, so that it is known which fails.
        let all: Vec<&Test> = document.tests.iter().collect();
        match promtool(&folder.0, &document.with(&all, &rules), until).await? {
            Ended::Missing => return Ok(Tried::Missing),
            Ended::TooLong => return Ok(Tried::TooLong),
            Ended::Passed => continue,
            Ended::Failed(_) => {}
        }
        let before = found.len();
        for test in &document.tests {
            match promtool(&folder.0, &document.with(&[test], &rules), until).await? {
                Ended::Missing => return Ok(Tried::Missing),
                Ended::TooLong => return Ok(Tried::TooLong),
                Ended::Passed => {}
                Ended::Failed(output) => found.push(failure(test, &output)),
            }
        }
        if found.len() == before {
            let message = "promtool passes every test alone, and not all of them together";
            found.push(
                Diagnostic::error(
                    "test-fails",
                    Place::Key(format!("/alerts/{}/tests", all[0].alert)),
                    message,
                )
                .help("run promtool on the rendered tests"),
            );
        }
    }
    Ok(Tried::Ran(found))
}

/// Whether the condition of some alert reads what other alerts do: then they cannot be tried without each other.
fn entangled(files: Files) -> bool {
    files.alerts().any(|(_, _, rule)| {
        rule["expr"]
            .as_str()
            .is_some_and(|expr| expr.contains("ALERTS") || expr.contains("__name__"))
    })
}

/// A rule file without the alerts that are not tried: each of them would be evaluated at every step.
fn only(rules: &File, alerts: &BTreeSet<&str>) -> String {
    let tried = |rule: &&Value| {
        rule["alert"]
            .as_str()
            .is_none_or(|name| alerts.contains(name))
    };
    let one = |group: &Value| -> Value {
        let mut kept: Map<String, Value> = group
            .entries()
            .filter(|(key, _)| *key != "rules")
            .map(|(key, value)| (key.clone(), value.clone()))
            .collect();
        kept.insert(
            "rules".to_string(),
            group["rules"].items().filter(tried).cloned().collect(),
        );
        Value::Object(kept)
    };
    let groups: Vec<Value> = rules.groups().map(|(_, group)| one(group)).collect();
    json!({ "groups": groups }).to_string()
}

enum Ended {
    Missing,
    TooLong,
    Passed,
    /// With all that it said.
    Failed(String),
}

async fn promtool(folder: &Path, tests: &str, until: Instant) -> Result<Ended> {
    let (path, log) = (folder.join("tests.json"), folder.join("log"));
    std::fs::write(&path, tests).with_context(|| format!("cannot write {}", path.display()))?;
    let output =
        std::fs::File::create(&log).with_context(|| format!("cannot write {}", log.display()))?;
    let mut command = Command::new("promtool");
    command
        .args(["test", "rules", "tests.json"])
        .current_dir(folder)
        .env("GOMEMLIMIT", (MEMORY / 2).to_string())
        .env("TMPDIR", folder);
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
        () = tokio::time::sleep_until(until.into()) => None,
        interrupted = super::interrupted() => {
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

/// What was expected and what was seen, at the test's place.
fn failure(test: &Test, output: &str) -> Diagnostic {
    let name = test.written["name"]
        .as_str()
        .and_then(|title| title.split_once(": "))
        .map_or("", |(_, name)| name);
    let services = |text: &str| -> Vec<String> {
        let mut jobs: Vec<String> = text
            .split("job=\"")
            .skip(1)
            .filter_map(|rest| Some(format!("`{}`", rest.split('"').next()?)))
            .collect();
        jobs.sort();
        jobs
    };
    let said = |jobs: &[String]| {
        if jobs.is_empty() {
            "no service".to_string()
        } else {
            jobs.join(", ")
        }
    };
    let expected = services(
        &json!(test.written["promql_expr_test"][0]["exp_samples"])
            .to_string()
            .replace("\\\"", "\""),
    );
    let place = Place::Key(test.pointer.clone());
    let Some(got) = output
        .lines()
        .find_map(|line| line.trim().strip_prefix("got:"))
    else {
        let reason = output.lines().map(str::trim).filter(|line| {
            !line.is_empty() && *line != "FAILED:" && !line.starts_with("Unit Testing")
        });
        let reason = reason.collect::<Vec<_>>().join(" ");
        return Diagnostic::error(
            "test-fails",
            place,
            format!("promtool cannot run the test `{name}`: {reason}"),
        )
        .help("fix the series or the expression");
    };
    let seen = services(got);
    let at = test.written["promql_expr_test"][0]["eval_time"]
        .as_str()
        .unwrap_or_default();
    let without = !got.contains("nil") && seen.is_empty();
    let message = match without {
        true => format!(
            "the test `{name}` fails: it expects the alert to fire at {at} for {}, and it fires for a series without `job`",
            said(&expected)
        ),
        false => format!(
            "the test `{name}` fails: it expects the alert to fire at {at} for {}, and it fires for {}",
            said(&expected),
            said(&seen)
        ),
    };
    Diagnostic::error("test-fails", place, message)
        .help("one of the two is wrong: the expression, or what the test expects of these samples")
}
