//! What a finding means, with an example that has it and one that has not.

use super::codes;
use crate::artifacts::{ARTIFACTS, Role};
use crate::commands::Report;
use crate::json;
use crate::lints::LINTS;
use crate::overlay::Overlay;
use crate::pipeline::{self, CATALOG};
use crate::proofs::{Example, PROOFS, example};
use crate::render;
use crate::value::Value;
use anyhow::{Result, anyhow};

/// What the code of a finding means.
pub(in crate::commands) fn doc(code: &str) -> Option<String> {
    let lints = LINTS.iter().map(|lint| (lint.code, lint.doc));
    let proofs = PROOFS.iter().map(|proof| (proof.code, proof.doc));
    let mut known = lints.chain(proofs).chain(codes::CODES.iter().copied());
    known
        .find(|(known, _)| *known == code)
        .map(|(_, doc)| doc.to_string())
}

/// What a code means; None: it is none of a finding.
pub(super) fn explained(what: &str) -> Result<Option<Report>> {
    if let Some(lint) = LINTS.iter().find(|lint| lint.code == what) {
        return Ok(Some(code(lint.code, lint.doc, lint.bad, lint.good)));
    }
    if let Some(proof) = PROOFS.iter().find(|proof| proof.code == what) {
        return Ok(Some(match proof.example {
            Example::Condition { bad, good } | Example::Catalog { bad, good } => {
                code(proof.code, proof.doc, bad, good)
            }
            Example::Text { good, bad, .. } => code(proof.code, proof.doc, bad, good),
            Example::Rendered { role, pointer, bad } => {
                let (bad, good) = changed(role, pointer, bad)?;
                code(proof.code, proof.doc, &bad, &good)
            }
        }));
    }
    Ok(codes::sentence(what).map(|sentence| plainly(what, sentence)))
}

fn code(code: &str, doc: &str, bad: &str, good: &str) -> Report {
    let mut report = Report::text("");
    let indented = |text: &str| {
        text.trim_end()
            .lines()
            .map(|line| format!("    {line}").trim_end().to_string() + "\n")
            .collect::<String>()
    };
    report.block(
        format!(
            "{code}\n  {doc}\n\n  found in:\n{}\n  not in:\n{}",
            indented(bad),
            indented(good)
        )
        .trim_end(),
    );
    if let Some(reason) = crate::allow::never(code) {
        report.block(&format!("\n  no `allow` accepts it: {reason}"));
        report.data.extend([
            ("explained".to_string(), code.into()),
            ("doc".into(), doc.into()),
            ("bad".into(), bad.into()),
            ("good".into(), good.into()),
        ]);
        return report;
    }
    let allow = format!(
        "allow = [{{ check = \"{code}\", reason = \"why it is right here\", until = \"2027-03-31\" }}]"
    );
    report.block(&format!("\n  accepted by this line in the table of {CATALOG} that it is about, or in [platform] when it is about a template\n  (until is the last day, and may be left out):\n    {allow}"));
    report.data.extend([
        ("explained".to_string(), code.into()),
        ("doc".into(), doc.into()),
        ("bad".into(), bad.into()),
        ("good".into(), good.into()),
        ("allow".into(), allow.into()),
    ]);
    report
}

/// Lines of a value that are shown: a list of panels has hundreds.
const SHOWN: usize = 4;

/// A value in a generated file of the proofs' example, as it must not be and as it is rendered.
fn changed(role: Role, pattern: &str, bad: &str) -> Result<(String, String)> {
    let loaded = pipeline::load(CATALOG, &example::catalog());
    let (_, catalog) = loaded.map_err(|_| anyhow!("the catalog of the examples is refused"))?;
    let rendered = render::with(&catalog, &Overlay::default(), ARTIFACTS)?
        .map_err(|_| anyhow!("the catalog of the examples is not rendered"))?;
    let bad: Option<Value> = (!bad.is_empty())
        .then(|| serde_json::from_str(bad))
        .transpose()?;
    let (mut found, mut not) = (String::new(), String::new());
    for (index, pointer) in example::places(&rendered, role, pattern) {
        let file = &rendered.files[index];
        let name = format!("{}/{} of an example catalog:\n", rendered.output, file.path);
        found += &(name.clone() + &shown(&pointer, bad.as_ref()));
        not += &(name + &shown(&pointer, file.value.pointer(&pointer)));
    }
    Ok((found, not))
}

/// A value behind the path of its keys, `.scrape_configs[0].job_name`; or that there is none.
fn shown(pointer: &str, value: Option<&Value>) -> String {
    let steps = pointer.split('/').skip(1);
    let keys = steps.map(|step| match step.parse::<usize>() {
        Ok(index) => format!("[{index}]"),
        Err(_) => format!(".{step}"),
    });
    let keys: String = keys.collect();
    let Some(value) = value else {
        return format!("  {keys} is not there\n");
    };
    let text = json::print(value);
    let mut lines: Vec<&str> = text.lines().take(SHOWN + 1).collect();
    if lines.len() > SHOWN {
        lines[SHOWN] = "…";
    }
    match lines.as_slice() {
        [line] if line.len() < 80 => format!("  {keys}: {line}\n"),
        lines => format!("  {keys}:\n    {}\n", lines.join("\n    ")),
    }
}

/// A finding that needs no example, and that no `allow` accepts.
fn plainly(code: &str, sentence: &str) -> Report {
    let mut report = Report::text("");
    report.block(&format!("{code}\n  {sentence}"));
    report.data.extend([
        ("explained".to_string(), code.into()),
        ("doc".into(), sentence.into()),
    ]);
    report
}
