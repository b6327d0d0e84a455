//! `add` writes a service into services.toml, keeping comments and order, and renders.

use super::{Cli, Report, render};
use crate::generated::replace;
use crate::pipeline::{self, CATALOG};
use anyhow::Result;

/// The service.
#[derive(clap::Args)]
pub struct Args {
    /// The service's name: lower-case letters, digits and dashes
    name: String,
    /// The key of its group
    #[arg(long)]
    group: String,
    /// The TCP port that it listens on
    #[arg(long)]
    port: u32,
}

/// Edits in memory, proves the whole, and only then writes.
pub fn run(args: &Args, cli: &Cli) -> Result<Report> {
    let source = match pipeline::read(&cli.root) {
        Ok(source) => source,
        Err((source, diagnostic)) => return Ok(Report::new(source, vec![diagnostic])),
    };
    let before = pipeline::prove(&source.text, &cli.root)?;
    if before.failed() {
        return render::finish(before, cli, false);
    }
    let edited = with_service(&source.text, &args.name, &args.group, args.port);
    let outcome = pipeline::prove(&edited, &cli.root)?;
    if outcome.failed() {
        return render::finish(outcome, cli, false);
    }
    let line = outcome.source.line(&format!("/services/{}", args.name));
    replace(&cli.root.join(CATALOG), &edited)?;
    let mut report = render::finish(outcome, cli, false)?;
    report.text.insert_str(0, &format!("added {} at {CATALOG}:{line}\n", args.name));
    Ok(report)
}

/// The text with three lines and a blank one more: after the last service of the group, else after the last of all.
/// Text is inserted, not rewritten, so every comment, every order and every line ending stays.
fn with_service(text: &str, name: &str, group: &str, port: u32) -> String {
    let newline = if text.contains("\r\n") { "\r\n" } else { "\n" };
    let quoted = |word: &str| toml_edit::value(word).to_string();
    let key = toml_edit::Key::new(name);
    let lines = [format!("[services.{key}]"), format!("group = {}", quoted(group).trim()), format!("port = {port}")];
    let at = end_of_services(text, group);
    let (head, tail) = text.split_at(at);
    let gap = if head.ends_with('\n') || head.is_empty() { "" } else { newline };
    format!("{head}{gap}{newline}{}{newline}{tail}", lines.join(newline))
}

/// The byte behind the last line of the service that the new one follows.
fn end_of_services(text: &str, group: &str) -> usize {
    let (source, _) = crate::source::Source::parse(CATALOG, text);
    let services = source.value["services"].as_object();
    let names = || services.into_iter().flatten();
    let last = names().rfind(|(_, service)| service["group"] == group).or_else(|| names().next_back());
    let Some((name, _)) = last else { return text.len() };
    let pointer = format!("/services/{}", crate::source::step(name));
    let end = source.end(&pointer);
    text[end..].find('\n').map_or(text.len(), |newline| end + newline + 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn comments_order_and_line_endings_stay() {
        let text = "# top\r\n[services.a]\r\ngroup = \"x\"\r\nport = 1 # one\r\n\r\n# about b\r\n[services.b]\r\ngroup = \"y\"\r\nport = 2\r\n";
        let edited = with_service(text, "c", "x", 3);
        assert_eq!(edited.replace("\r\n[services.c]\r\ngroup = \"x\"\r\nport = 3\r\n", ""), text);
        assert!(edited.find("[services.c]").unwrap() < edited.find("# about b").unwrap());
    }

    #[test]
    fn a_file_without_a_last_newline_gets_one() {
        assert!(with_service("[services.a]\ngroup = \"x\"\nport = 1", "b", "x", 2).ends_with("port = 1\n\n[services.b]\ngroup = \"x\"\nport = 2\n"));
    }
}
