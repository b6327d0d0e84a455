//! Grafana: health, data source and dashboards.

use super::{CheckContext, Checked, remedy};
use crate::diagnostic::{Diagnostic, Place};
use crate::live::endpoint::{Endpoint, Refusal};
use crate::render::File;
use crate::stack::dashboards::panels;
use crate::value::Value;

/// Whether it is healthy, and shows what was rendered.
pub(crate) fn checked(context: &CheckContext, grafana: &Endpoint) -> Checked {
    let client = &context.client;
    let at = || Place::Key("/grafana".into());
    let health = match grafana.json(client, "/api/health") {
        Ok(health) => health,
        Err(refusal) => {
            let finding =
                Diagnostic::error("grafana-unreachable", at(), grafana.sentence(&refusal))
                    .help(remedy(&refusal, "--grafana-url"));
            return Checked::new("grafana", "-", "could not be asked", vec![finding]);
        }
    };
    let mut findings = Vec::new();
    if health["database"] != "ok" {
        findings.push(
            Diagnostic::error(
                "grafana-unwell",
                at(),
                "Grafana says that its database is unhealthy",
            )
            .help("look at its log: its volume must be writable"),
        );
    }
    let uid = &context.catalog.grafana.datasource_uid;
    match grafana.json(client, &format!("/api/datasources/uid/{uid}")) {
        Ok(source) if source["type"] == "prometheus" => {}
        Ok(source) => findings.push(
            Diagnostic::error(
                "grafana-datasource",
                at(),
                format!(
                    "the data source `{uid}` is of type {}, not prometheus",
                    source["type"]
                ),
            )
            .help("provision the rendered data source"),
        ),
        Err(refusal) => findings.push(missing(
            grafana,
            &refusal,
            "grafana-datasource",
            &format!("the data source `{uid}`"),
        )),
    }
    let rendered: Vec<&File> = context.rendered.dashboards().collect();
    let found: Vec<Diagnostic> = rendered
        .iter()
        .filter_map(|file| compare(context, grafana, &file.path, &file.value))
        .collect();
    let there = rendered.len() - found.len();
    findings.extend(found);
    Checked::new(
        "grafana",
        format!("{there}/{}", rendered.len()),
        format!(
            "dashboards as rendered; version {}",
            health["version"].as_str().unwrap_or("?")
        ),
        findings,
    )
}

fn missing(grafana: &Endpoint, refusal: &Refusal, code: &'static str, what: &str) -> Diagnostic {
    let (message, help) = match refusal {
        Refusal::Status(404, _) => {
            (format!("Grafana has not got {what}"), "mount the rendered provisioning folder and restart Grafana: its log names what it refused".to_string())
        }
        other => (grafana.sentence(other), remedy(other, "--grafana-url")),
    };
    Diagnostic::error(code, Place::Key("/grafana".into()), message).help(help)
}

fn compare(
    context: &CheckContext,
    grafana: &Endpoint,
    file: &str,
    rendered: &Value,
) -> Option<Diagnostic> {
    let uid = rendered["uid"].as_str().unwrap_or_default();
    let stored = match grafana.json(&context.client, &format!("/api/dashboards/uid/{uid}")) {
        Ok(answer) => answer["dashboard"].clone(),
        Err(refusal) => {
            return Some(missing(
                grafana,
                &refusal,
                "grafana-dashboard",
                &format!("the dashboard `{uid}` ({file})"),
            ));
        }
    };
    let (wanted, there) = (shown(rendered), shown(&stored));
    let differs = wanted
        .into_iter()
        .zip(there.into_iter().map(Some).chain(std::iter::repeat(None)))
        .find(|(a, b)| Some(a) != b.as_ref());
    let ((title, _), _) = differs?;
    let message =
        format!("Grafana's dashboard `{uid}` differs from the rendered one at the panel `{title}`");
    Some(
        Diagnostic::error("grafana-dashboard", Place::File(format!("{}/{file}", context.catalog.platform.output)), message)
            .help("wait for its provisioning to read the file again; a copy saved by hand has another uid"),
    )
}

/// Title and queries of every panel, those in collapsed rows too.
fn shown(dashboard: &Value) -> Vec<(&str, Vec<&str>)> {
    let queries = panels(dashboard).into_iter().map(|(_, panel)| {
        let targets = panel["targets"].items();
        (
            panel["title"].as_str().unwrap_or_default(),
            targets
                .filter_map(|target| target["expr"].as_str())
                .collect(),
        )
    });
    queries.collect()
}
