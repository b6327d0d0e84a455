//! What a verb has to say, printed for people, as one JSON document, or as GitHub's annotations.

use crate::diagnostic::{Diagnostic, Format, Severity, json, print};
use crate::source::Source;
use serde_json::{Map, Value, json};
use std::io::Write;
use std::process::ExitCode;

/// The result of a verb.
pub struct Report {
    source: Source,
    findings: Vec<Diagnostic>,
    found: bool,
    writes: bool,
    /// For people, on stdout.
    pub text: String,
    /// For machines: members of the JSON document.
    pub data: Map<String, Value>,
}

impl Report {
    /// A report on a catalog, with what was found in it.
    pub fn new(source: Source, findings: Vec<Diagnostic>) -> Report {
        let found = findings.iter().any(|finding| finding.severity == Severity::Error);
        Report { source, findings, found, writes: true, text: String::new(), data: Map::new() }
    }

    /// A report that is nothing but text.
    pub fn text(text: impl Into<String>) -> Report {
        Report { text: text.into(), ..Report::new(Source::parse("", "").0, Vec::new()) }
    }

    /// Exit code 1: something was found.
    pub fn found(mut self) -> Report {
        self.found = true;
        self
    }

    /// Of a verb that never writes, so that there is nothing to say about it.
    pub fn reading(mut self) -> Report {
        self.writes = false;
        self
    }

    /// One more line for people.
    pub fn line(&mut self, line: impl AsRef<str>) {
        self.text.push_str(line.as_ref());
        self.text.push('\n');
    }

    /// Exit code 1, said in the text itself.
    pub fn find(&mut self) {
        self.found = true;
    }

    /// One more finding.
    pub fn push(&mut self, finding: Diagnostic) {
        self.found |= finding.severity == Severity::Error;
        self.findings.push(finding);
    }

    /// Prints it and says how the process ends.
    pub fn print(mut self, format: Format) -> ExitCode {
        let code = u8::from(self.found);
        if format == Format::Json {
            let findings: Vec<Value> = self.findings.iter().map(|finding| json(finding, &self.source)).collect();
            let mut document = Map::new();
            document.insert("status".into(), if self.found { "findings" } else { "ok" }.into());
            document.insert("findings".into(), findings.into());
            document.append(&mut self.data);
            out(&format!("{}\n", Value::Object(document)));
            return ExitCode::from(code);
        }
        let findings = print(&self.findings, &self.source, format, matches!(format, Format::Text | Format::Markdown));
        // GitHub reads its annotations from stdout.
        if format == Format::Github {
            out(&findings);
        } else {
            let _ = write!(anstream::stderr(), "{findings}");
            if !self.findings.is_empty() {
                let _ = writeln!(anstream::stderr(), "{}", count(&self.findings, self.writes));
            }
        }
        out(&self.text);
        ExitCode::from(code)
    }
}

fn count(findings: &[Diagnostic], writes: bool) -> String {
    let unwritten = if writes { "; nothing was written" } else { "" };
    let errors = findings.iter().filter(|finding| finding.severity == Severity::Error).count();
    match (errors, findings.len() - errors) {
        (0, warnings) => plural(warnings, "warning"),
        (errors, 0) => format!("{}{unwritten}", plural(errors, "error")),
        (errors, warnings) => format!("{}, {}{unwritten}", plural(errors, "error"), plural(warnings, "warning")),
    }
}

/// `1 file`, `2 files`.
pub fn plural(number: usize, word: &str) -> String {
    format!("{number} {word}{}", if number == 1 { "" } else { "s" })
}

/// A closed pipe (`| head`) is not an error.
fn out(text: &str) {
    let _ = write!(anstream::stdout(), "{text}");
}

/// The verb could not run: exit code 2.
pub fn failure(error: &anyhow::Error, format: Format) -> ExitCode {
    match format {
        Format::Text | Format::Markdown => drop(writeln!(anstream::stderr(), "error: {error:#}")),
        Format::Json => out(&format!("{}\n", json!({"status": "error", "message": format!("{error:#}")}))),
        Format::Github => out(&format!("::error::{}\n", format!("{error:#}").replace('%', "%25").replace('\n', "%0A"))),
    }
    ExitCode::from(2)
}

/// Help and version are fine; a usage error is 2, and JSON when JSON was asked for.
pub fn usage(error: &clap::Error) -> ExitCode {
    let arguments: Vec<String> = std::env::args().collect();
    let json = arguments.iter().any(|argument| argument == "--format=json") || arguments.windows(2).any(|pair| pair == ["--format", "json"]);
    if error.use_stderr() && json {
        return failure(&anyhow::anyhow!("{}", error.render().to_string().trim_end()), Format::Json);
    }
    let _ = error.print();
    ExitCode::from(u8::try_from(error.exit_code()).unwrap_or(2))
}
