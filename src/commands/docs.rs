//! `docs` prints the pages of docs/, without a network.

use super::Report;
use crate::value::Map;
use anyhow::{Context, Result};
use clap::builder::PossibleValuesParser;

/// Which page.
#[derive(Clone, clap::Args)]
pub(crate) struct Args {
    /// The page, as in tutorial or how-to/adopt; without it they are listed
    #[arg(value_parser = PossibleValuesParser::new(PAGES.map(|(name, _)| name)))]
    page: Option<String>,
}

/// The name of each page and its text, in the order in which somebody new reads them.
const PAGES: [(&str, &str); 13] = [
    ("tutorial", include_str!("../../docs/tutorial.md")),
    ("catalog", include_str!("../../docs/catalog.md")),
    ("verbs", include_str!("../../docs/verbs.md")),
    ("how-to/adopt", include_str!("../../docs/how-to/adopt.md")),
    ("how-to/editor", include_str!("../../docs/how-to/editor.md")),
    (
        "how-to/environments",
        include_str!("../../docs/how-to/environments.md"),
    ),
    ("how-to/kind", include_str!("../../docs/how-to/kind.md")),
    (
        "how-to/on-call",
        include_str!("../../docs/how-to/on-call.md"),
    ),
    ("how-to/owners", include_str!("../../docs/how-to/owners.md")),
    (
        "how-to/profile",
        include_str!("../../docs/how-to/profile.md"),
    ),
    ("proofs", include_str!("../../docs/proofs.md")),
    // Written by tests/reference.rs from the schema, the kinds and the findings.
    ("reference", include_str!("../../docs/REFERENCE.md")),
    ("design", include_str!("../../docs/design.md")),
];

/// The whole of a page, or what there is; a pager and `grep` do the rest.
pub(crate) fn run(args: &Args) -> Result<Report> {
    let Some(wanted) = &args.page else {
        let title = |text: &'static str| {
            text.lines()
                .next()
                .unwrap_or_default()
                .trim_start_matches("# ")
        };
        let lines = PAGES.map(|(name, text)| format!("{name:<21}{}", title(text)));
        let mut report = Report::text(&(lines.join("\n") + "\n"));
        let pages: Map = PAGES
            .map(|(name, text)| (name.to_string(), title(text).into()))
            .into_iter()
            .collect();
        report.data.insert("pages".into(), pages.into());
        return Ok(report);
    };
    let (name, text) = PAGES
        .into_iter()
        .find(|(name, _)| name == wanted)
        .context("there is no such page")?;
    let mut report = Report::text(text);
    report.data.insert("page".into(), name.into());
    report.data.insert("text".into(), text.into());
    Ok(report)
}
