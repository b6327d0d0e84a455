//! What a verb has to say, printed for people, as one JSON document, or as GitHub's annotations.

use crate::diagnostic::{Diagnostic, Format, Severity, github_escaped, json, plural, print};
use crate::source::Source;
use clap::ValueEnum;
use serde_json::{Map, Value, json};
use std::io::{ErrorKind, Write};
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
            return out(&format!("{}\n", Value::Object(document)), code);
        }
        let findings = print(&self.findings, &self.source, format, matches!(format, Format::Text | Format::Markdown));
        // GitHub reads its annotations from stdout.
        if format == Format::Github {
            return out(&(findings + &self.text), code);
        }
        let _ = write!(anstream::stderr(), "{findings}");
        if !self.findings.is_empty() {
            let _ = writeln!(anstream::stderr(), "{}", count(&self.findings, self.writes));
        }
        out(&self.text, code)
    }
}

fn count(findings: &[Diagnostic], writes: bool) -> String {
    let unwritten = if writes { "; nothing was written" } else { "" };
    let counted = [Severity::Error, Severity::Warning, Severity::Notice].map(|severity| {
        let number = findings.iter().filter(|finding| finding.severity == severity).count();
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
            let _ = writeln!(anstream::stderr(), "error: cannot write the result to stdout: {error}");
            ExitCode::from(2)
        }
        _ => ExitCode::from(code),
    }
}

/// The verb could not run: exit code 2.
pub fn failure(error: &anyhow::Error, format: Format) -> ExitCode {
    match format {
        Format::Text | Format::Markdown => {
            let _ = writeln!(anstream::stderr(), "error: {error:#}");
            ExitCode::from(2)
        }
        Format::Json => out(&format!("{}\n", json!({"status": "error", "message": format!("{error:#}")})), 2),
        Format::Github => out(&format!("::error::{}\n", github_escaped(&format!("{error:#}"))), 2),
    }
}

/// Help and version are fine; a usage error is 2, and in the format that was asked for.
pub fn usage(error: &clap::Error) -> ExitCode {
    let format = asked(std::env::args_os().map(|argument| argument.to_string_lossy().into_owned()));
    if error.use_stderr() && matches!(format, Format::Json | Format::Github) {
        return failure(&anyhow::anyhow!("{}", error.render().to_string().trim_end()), format);
    }
    let _ = error.print();
    ExitCode::from(u8::try_from(error.exit_code()).unwrap_or(2))
}

/// The format among arguments that could not be understood.
fn asked(arguments: impl Iterator<Item = String>) -> Format {
    let arguments: Vec<String> = arguments.collect();
    let apart = arguments.windows(2).filter(|pair| pair[0] == "--format").map(|pair| pair[1].as_str());
    let named = arguments.iter().filter_map(|argument| argument.strip_prefix("--format=")).chain(apart).next();
    named.and_then(|name| Format::from_str(name, false).ok()).unwrap_or_default()
}
