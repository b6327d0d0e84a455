//! The queries of the rendered dashboards, as Prometheus can run them.

use crate::catalog::Catalog;
use crate::render::File;
use serde_json::Value;

/// One query of one panel.
pub struct PanelQuery {
    /// Under generated/.
    pub file: String,
    /// Title of the panel.
    pub panel: String,
    /// With Grafana's variables filled in.
    pub expression: String,
}

/// Every rendered dashboard, with its path under generated/.
pub fn dashboards(rendered: &[File]) -> impl Iterator<Item = (&str, &Value)> {
    rendered.iter().filter(|file| file.value["panels"].is_array()).map(|file| (file.path.as_str(), &file.value))
}

/// Every query of every panel, those in rows included.
pub fn queries(rendered: &[File], catalog: &Catalog) -> Vec<PanelQuery> {
    let mut queries = Vec::new();
    for (file, dashboard) in dashboards(rendered) {
        collect(file, dashboard, catalog, &mut queries);
    }
    queries
}

fn collect(file: &str, node: &Value, catalog: &Catalog, queries: &mut Vec<PanelQuery>) {
    for panel in node["panels"].as_array().into_iter().flatten() {
        let title = panel["title"].as_str().unwrap_or_default();
        for expression in panel["targets"].as_array().into_iter().flatten().filter_map(|target| target["expr"].as_str()) {
            queries.push(PanelQuery { file: file.into(), panel: title.into(), expression: filled(expression, catalog) });
        }
        collect(file, panel, catalog, queries);
    }
}

/// Ranges become a few minutes, a variable behind `=~` everything, any other the first service.
fn filled(expression: &str, catalog: &Catalog) -> String {
    let mut out = String::new();
    let mut rest = expression;
    while let Some(at) = rest.find('$') {
        out.push_str(&rest[..at]);
        rest = &rest[at + 1..];
        let braced = rest.starts_with('{');
        let name = rest.trim_start_matches('{');
        let end = name.find(|c: char| !c.is_ascii_alphanumeric() && c != '_').unwrap_or(name.len());
        let skip = usize::from(braced) + end;
        let value = match &name[..end] {
            "__range_s" | "__interval_ms" | "__range_ms" => "300".to_string(),
            "__rate_interval" | "__interval" | "__range" => "5m".to_string(),
            _ if out.ends_with("=~\"") || out.ends_with("!~\"") => ".+".to_string(),
            _ => catalog.services.first().map(|service| service.name.clone()).unwrap_or_default(),
        };
        out.push_str(&value);
        rest = &rest[skip..];
        if braced {
            rest = rest.find('}').map_or("", |close| &rest[close + 1..]);
        }
    }
    out + rest
}
