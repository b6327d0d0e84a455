//! What a verb has to say, printed for people, as one JSON document, or as GitHub's annotations.
//!
//! Nothing else prints: whatever a line holds, names, files, answers of servers, is made harmless here and once. A line is a
//! line: what breaks it in two is shown, unless it was given as a block. tests/architecture.rs keeps it so.

use super::results::html;
use crate::diagnostic::{
    Diagnostic, Format, Severity, github_escaped, grouped, json, junit, plural, print, sarif,
    visible,
};
use crate::live::secret::without_user;
use crate::source::Source;
use crate::value::{Map, Value, json};
use anstyle::Style;
use clap::ValueEnum;
use std::io::{ErrorKind, IsTerminal, Write};
use std::process::ExitCode;
use std::sync::{Arc, Mutex, PoisonError, mpsc};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

/// The result of a verb.
pub(crate) struct Report {
    source: Source,
    findings: Vec<Diagnostic>,
    /// Reports on other environments of the catalog, with findings at places of their own.
    others: Vec<(Source, Vec<Diagnostic>)>,
    found: bool,
    writes: bool,
    text: Vec<String>,
    /// Every finding says whether it is about a service.
    services: bool,
    /// All of it as a document in a format of the verb's own.
    whole: Option<String>,
    /// For machines: members of the JSON document.
    pub data: Map,
}

impl Report {
    /// A report on a catalog, with what was found in it.
    pub(crate) fn new(source: Source, findings: Vec<Diagnostic>) -> Report {
        let found = findings
            .iter()
            .any(|finding| finding.severity == Severity::Error);
        Report {
            source,
            findings,
            others: Vec::new(),
            found,
            writes: true,
            services: false,
            whole: None,
            text: Vec::new(),
            data: Map::new(),
        }
    }

    /// A report that is nothing but text, of as many lines as it has.
    pub(crate) fn text(text: &str) -> Report {
        let mut report = Report::new(Source::parse("", "").0, Vec::new());
        report.block(text);
        report
    }

    /// Exit code 1: something was found.
    pub(crate) fn found(mut self) -> Report {
        self.found = true;
        self
    }

    /// Of a verb that never writes, so that there is nothing to say about it.
    pub(crate) fn reading(mut self) -> Report {
        self.writes = false;
        self
    }

    /// Of a verb that asks for something else: what is only worth a note about the catalog is said by `render`, `verify` and `explain`.
    pub(crate) fn without_notices(mut self) -> Report {
        let matters = |finding: &Diagnostic| finding.severity != Severity::Notice;
        self.findings.retain(matters);
        for (_, findings) in &mut self.others {
            findings.retain(matters);
        }
        self
    }

    /// Findings are about services, or about none of them: both are said in JSON.
    pub(crate) fn about_services(&mut self) {
        self.services = true;
    }

    /// What is printed instead of lines and findings: a text that was made harmless.
    pub(crate) fn whole(&mut self, document: String) {
        self.whole = Some(document);
    }

    /// One more line for people, on stdout.
    pub(crate) fn line(&mut self, line: impl AsRef<str>) {
        self.text.push(harmless(line.as_ref()));
    }

    /// The same with a colour, where colours are shown.
    pub(crate) fn styled(&mut self, style: Style, line: &str) {
        self.text
            .push(format!("{style}{}{style:#}", harmless(line)));
    }

    /// A line before all others.
    pub(crate) fn opening(&mut self, line: &str) {
        self.text.insert(0, harmless(line));
    }

    /// A text whose line breaks and tabs are meant: a difference, a document. Names in it must be lines already.
    pub(crate) fn block(&mut self, text: &str) {
        self.text.extend(
            visible::lines(text.strip_suffix('\n').unwrap_or(text))
                .split('\n')
                .filter(|_| !text.is_empty())
                .map(|line| visible::without_commands(line).into_owned()),
        );
    }

    /// Exit code 1, said in the text itself.
    pub(crate) fn find(&mut self) {
        self.found = true;
    }

    pub(crate) fn push(&mut self, finding: Diagnostic) {
        self.found |= finding.severity == Severity::Error;
        self.findings.push(finding);
    }

    /// What is to be said of another environment too; of members of the JSON document that both have, lists are joined.
    pub(crate) fn and(&mut self, other: Report) {
        self.found |= other.found;
        self.text.extend(other.text);
        self.others.push((other.source, other.findings));
        self.others.extend(other.others);
        for (key, value) in other.data {
            match (self.data.get_mut(&key), value) {
                (Some(Value::Array(known)), Value::Array(more)) => known.extend(more),
                (Some(_), _) => {}
                (None, value) => drop(self.data.insert(key, value)),
            }
        }
    }

    /// What was found in the catalog.
    pub(crate) fn findings(&self) -> &[Diagnostic] {
        &self.findings
    }

    /// Whether a finding of this code is among them.
    pub(crate) fn says(&self, code: &str) -> bool {
        let mut all = self.all().flat_map(|(_, findings)| findings);
        all.any(|finding| finding.code == code)
    }

    /// Everything that was found, with the catalog that it was found in.
    fn all(&self) -> impl Iterator<Item = (&Source, &Vec<Diagnostic>)> {
        let others = self
            .others
            .iter()
            .map(|(source, findings)| (source, findings));
        std::iter::once((&self.source, &self.findings)).chain(others)
    }

    /// Prints it and says how the process ends; `doc` says what the code of a finding means.
    pub(crate) fn print(mut self, format: Format, doc: fn(&str) -> Option<String>) -> ExitCode {
        let mut code = u8::from(self.found);
        // Without a catalog nothing could run.
        if (self.findings.iter()).any(|finding| finding.code == "no-catalog") {
            code = 2;
        }
        if let Some(document) = &self.whole {
            return out(document, code);
        }
        if format == Format::Json {
            let findings: Vec<Value> = self
                .all()
                .flat_map(|(source, findings)| {
                    findings.iter().map(move |finding| json(finding, source))
                })
                .collect();
            let mut findings = findings;
            for finding in findings.iter_mut().filter(|_| self.services) {
                if finding.get("service").is_none() {
                    finding["service"] = Value::Null;
                }
            }
            let mut document = Map::new();
            document.insert(
                "status".into(),
                ["ok", "findings", "error"][usize::from(code)].into(),
            );
            document.insert("findings".into(), findings.into());
            document.extend(std::mem::take(&mut self.data));
            return document_out(&Value::Object(document), code);
        }
        if matches!(format, Format::Sarif | Format::Junit) {
            let findings: Vec<(&Source, &Diagnostic)> = self
                .all()
                .flat_map(|(source, findings)| findings.iter().map(move |found| (source, found)))
                .collect();
            return match format {
                Format::Sarif => document_out(&sarif(&findings, doc, None), code),
                _ => out(&junit(&findings, None), code),
            };
        }
        let text: String = self.text.iter().map(|line| format!("{line}\n")).collect();
        let styled = matches!(format, Format::Text | Format::Markdown);
        let findings: String = self
            .all()
            .map(|(source, findings)| match styled {
                true => print(&grouped(findings), source, format, styled),
                false => print(findings, source, format, styled),
            })
            .collect();
        // GitHub reads its annotations from stdout.
        if format == Format::Github {
            return out(&(findings + &text), code);
        }
        let _ = write!(anstream::stderr(), "{findings}");
        let every: Vec<Diagnostic> = self
            .all()
            .flat_map(|(_, findings)| grouped(findings))
            .collect();
        if !every.is_empty() {
            say(&count(&every, self.writes));
        }
        out(&text, code)
    }
}

/// Data between two line breaks of our own.
fn harmless(line: &str) -> String {
    visible::without_commands(&visible::line(line)).into_owned()
}

/// A line on stderr, at once: progress, a warning.
pub(crate) fn say(line: &str) {
    let _ = writeln!(anstream::stderr(), "{}", harmless(line));
}

/// Empties a terminal, for a report that replaces the last; what is written elsewhere stays.
pub(crate) fn clear() {
    let mut out = anstream::stdout();
    if out.is_terminal() {
        let _ = write!(out, "\x1b[H\x1b[2J\x1b[3J");
    }
}

/// Before that nothing is said of what takes its time.
const PATIENCE: Duration = Duration::from_secs(2);

/// Where nobody sees a line that changes, another is written so often.
const REMINDER: Duration = Duration::from_secs(10);

/// Between two looks at what is waited for, on a terminal.
const BLINK: Duration = Duration::from_millis(250);

/// What is waited for, shown on stderr until this is dropped: on a terminal in one line that changes, elsewhere in a line every ten
/// seconds.
pub(crate) struct Waiting {
    text: Arc<Mutex<String>>,
    over: Option<(mpsc::Sender<()>, JoinHandle<()>)>,
}

impl Waiting {
    /// From now on.
    pub(crate) fn begin(what: &str) -> Waiting {
        let text = Arc::new(Mutex::new(what.to_string()));
        let (over, ended) = mpsc::channel();
        let shown = text.clone();
        let thread = std::thread::spawn(move || show(&shown, &ended));
        Waiting {
            text,
            over: Some((over, thread)),
        }
    }

    /// Something else is waited for now.
    pub(crate) fn say(&self, what: &str) {
        *self.text.lock().unwrap_or_else(PoisonError::into_inner) = what.to_string();
    }
}

impl Drop for Waiting {
    fn drop(&mut self) {
        if let Some((over, thread)) = self.over.take() {
            drop(over);
            let _ = thread.join();
        }
    }
}

fn show(text: &Mutex<String>, ended: &mpsc::Receiver<()>) {
    let began = Instant::now();
    let terminal = std::io::stderr().is_terminal();
    let mut pause = if terminal { PATIENCE } else { REMINDER };
    let mut shown = false;
    while ended.recv_timeout(pause) == Err(mpsc::RecvTimeoutError::Timeout) {
        let what = text.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let line = format!("{what} ({} s)", began.elapsed().as_secs());
        if terminal {
            // As much as fits one line: the next one goes over it.
            let line: String = harmless(&line).chars().take(78).collect();
            let _ = write!(anstream::stderr(), "\r\x1b[2K{line}");
            let _ = anstream::stderr().flush();
            pause = BLINK;
            shown = true;
        } else {
            say(&line);
        }
    }
    if shown {
        let _ = write!(anstream::stderr(), "\r\x1b[2K");
    }
}

/// Lines on stdout at once, of a verb whose report would come when it ends.
pub(crate) fn announce(lines: &[String]) -> std::io::Result<()> {
    let mut stdout = anstream::stdout().lock();
    lines
        .iter()
        .try_for_each(|line| writeln!(stdout, "{}", harmless(line)))?;
    stdout.flush()
}

/// A message of a protocol on stdout, as it is: what reads it is a program.
pub(crate) fn message(text: &str) -> std::io::Result<()> {
    let mut stdout = std::io::stdout().lock();
    write!(stdout, "Content-Length: {}\r\n\r\n{text}", text.len())?;
    stdout.flush()
}

/// A panic is a mistake of monstack's own; what it says may quote what was read.
pub(crate) fn on_panic(panic: &std::panic::PanicHookInfo) {
    let payload = panic.payload();
    let reason = payload
        .downcast_ref::<&str>()
        .copied()
        .or_else(|| payload.downcast_ref::<String>().map(String::as_str));
    let at = panic
        .location()
        .map(ToString::to_string)
        .unwrap_or_default();
    say(&format!(
        "error: monstack itself is at fault, at {at}: {}; please report it",
        reason.unwrap_or("it gives no reason")
    ));
}

fn count(findings: &[Diagnostic], writes: bool) -> String {
    let unwritten = if writes { "; nothing was written" } else { "" };
    let counted = [Severity::Error, Severity::Warning, Severity::Notice].map(|severity| {
        let number = findings
            .iter()
            .filter(|finding| finding.severity == severity)
            .count();
        (number > 0).then(|| plural(number, severity.word()))
    });
    let failed = counted[0].is_some();
    let counts = counted.into_iter().flatten().collect::<Vec<_>>().join(", ");
    format!("{counts}{}", if failed { unwritten } else { "" })
}

/// Prints the result and ends with `code`. A closed pipe (`| head`) is not an error; a full disk is.
fn out(text: &str, code: u8) -> ExitCode {
    let mut stdout = anstream::stdout();
    match write!(stdout, "{text}").and_then(|()| stdout.flush()) {
        Err(error) if error.kind() != ErrorKind::BrokenPipe => {
            say(&format!(
                "error: cannot write the result to stdout: {error}"
            ));
            ExitCode::from(2)
        }
        _ => ExitCode::from(code),
    }
}

fn document_out(document: &Value, code: u8) -> ExitCode {
    out(&format!("{}\n", visible::json(&document.to_string())), code)
}

/// The verb could not run: exit code 2.
pub(crate) fn failure(error: &anyhow::Error, format: Format) -> ExitCode {
    match format {
        Format::Text | Format::Markdown => {
            say(&format!("error: {error:#}"));
            ExitCode::from(2)
        }
        Format::Json => document_out(
            &json!({"status": "error", "message": format!("{error:#}")}),
            2,
        ),
        Format::Sarif => document_out(&sarif(&[], |_| None, Some(&format!("{error:#}"))), 2),
        Format::Junit => out(&junit(&[], Some(&format!("{error:#}"))), 2),
        Format::Github => out(
            &format!("::error::{}\n", github_escaped(&format!("{error:#}"))),
            2,
        ),
        Format::Html => {
            say(&format!("error: {error:#}"));
            match html::failure(&format!("{error:#}")) {
                Ok(page) => out(&page, 2),
                Err(_) => ExitCode::from(2),
            }
        }
    }
}

/// Help and version are fine; a usage error is 2, and in the format that was asked for.
pub(crate) fn usage(error: &clap::Error) -> ExitCode {
    let arguments: Vec<String> = std::env::args_os()
        .map(|argument| argument.to_string_lossy().into_owned())
        .collect();
    let format = asked(&arguments);
    if error.use_stderr() && !matches!(format, Format::Text | Format::Markdown) {
        return failure(
            &anyhow::anyhow!("{}", quoting_no_password(error, &arguments)),
            format,
        );
    }
    // The message quotes arguments as they are, between colours of its own.
    if error.use_stderr()
        && arguments
            .iter()
            .any(|argument| harmless(&without_user(argument)) != *argument)
    {
        visible::lines(&quoting_no_password(error, &arguments))
            .split('\n')
            .for_each(say);
    } else {
        let _ = error.print();
    }
    ExitCode::from(u8::try_from(error.exit_code()).unwrap_or(2))
}

/// The message without the passwords of addresses among the arguments.
fn quoting_no_password(error: &clap::Error, arguments: &[String]) -> String {
    let values = arguments
        .iter()
        .flat_map(|argument| {
            [
                Some(argument.as_str()),
                argument.split_once('=').map(|(_, value)| value),
            ]
        })
        .flatten();
    let said = error.render().to_string().trim_end().to_string();
    values
        .filter(|value| value.contains("://") && value.contains('@'))
        .fold(said, |said, value| {
            said.replace(value, &without_user(value))
        })
}

/// The format among arguments that could not be understood.
fn asked(arguments: &[String]) -> Format {
    let apart = arguments
        .windows(2)
        .filter(|pair| pair[0] == "--format")
        .map(|pair| pair[1].as_str());
    let named = arguments
        .iter()
        .filter_map(|argument| argument.strip_prefix("--format="))
        .chain(apart)
        .next();
    named
        .and_then(|name| Format::from_str(name, false).ok())
        .unwrap_or_default()
}
