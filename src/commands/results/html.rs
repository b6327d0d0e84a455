//! The results as one page, to be put beside a ticket: no script, nothing loaded from elsewhere.

use super::{Results, status};
use crate::diagnostic::visible;
use crate::source::Source;
use crate::value::{Value, json};
use anyhow::{Context, Result};
use base64::Engine;
use chrono::Utc;
use minijinja::value::Serde;
use minijinja::{AutoEscape, Environment, context};
use sha2::{Digest, Sha256};

const STYLE: &str = include_str!("report.css");

/// The page about what was found.
pub(crate) fn page(
    results: &Results,
    source: &Source,
    platform: &str,
    prometheus: &str,
) -> Result<String> {
    let checks = results.checks.iter().map(|check| {
        json!({"what": check.what, "status": status(check), "state": check.state, "note": check.note})
    });
    let services = results.services.iter().map(|row| {
        let errors = results.about(&row.service).filter(|finding| finding.stops());
        json!({
            "service": row.service, "target": row.target, "healthy": row.healthy, "scraped": row.scraped,
            "declared": row.declared, "there": row.declared - row.missing.len(), "errors": errors.count(),
        })
    });
    let steps = results.recommendations().into_iter().map(|one| {
        json!({"severity": one.severity.word(), "action": one.action, "services": one.services})
    });
    let about = json!({
        "platform": platform, "prometheus": prometheus, "right": results.right(),
        "checks": checks.collect::<Value>(), "services": services.collect::<Value>(),
        "findings": results.grouped(source), "steps": steps.collect::<Value>(),
    });
    draw(about)
}

/// The page about why nothing could be found out.
pub(crate) fn failure(message: &str) -> Result<String> {
    draw(json!({"failure": message}))
}

fn draw(about: Value) -> Result<String> {
    let mut environment = Environment::new();
    environment.set_auto_escape_callback(|_| AutoEscape::Html);
    environment.add_template("report.html", include_str!("report.html"))?;
    let hash = base64::engine::general_purpose::STANDARD.encode(Sha256::digest(STYLE));
    let about: Value = serde_json::from_str(&visible::json(&about.to_string()))
        .context("a document that was just written")?;
    let about = shown(about);
    let time = Utc::now().format("%Y-%m-%d %H:%M:%S").to_string();
    let template = environment.get_template("report.html")?;
    Ok(template
        .render(context! { style => STYLE, hash, time, ..minijinja::Value::from(Serde(&about)) })?)
}

/// Every text made harmless.
fn shown(value: Value) -> Value {
    match value {
        Value::String(text) => visible::line(&text).into_owned().into(),
        Value::Array(items) => items.into_iter().map(shown).collect(),
        Value::Object(map) => map
            .into_iter()
            .map(|(key, value)| (key, shown(value)))
            .collect(),
        other => other,
    }
}
