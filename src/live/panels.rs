//! The queries of the rendered dashboards, as Prometheus can run them.

use crate::catalog::Catalog;
use crate::json::Parts;
use crate::promql::variables::{Filling, fill};
use crate::stack::dashboards::panels;
use crate::stack::files::Files;
use serde_json::Value;

/// One query of one panel.
pub(crate) struct PanelQuery {
    /// Under the output folder.
    pub file: String,
    pub panel: String,
    /// With Grafana's variables filled in.
    pub expression: String,
}

/// Every query of every panel, those in rows included.
pub(crate) fn queries(rendered: Files, catalog: &Catalog) -> Vec<PanelQuery> {
    let of = |(file, panel): (&str, &Value)| {
        let title = panel["title"].as_str().unwrap_or_default();
        let expressions = panel["targets"]
            .items()
            .filter_map(|target| target["expr"].as_str());
        expressions
            .map(|written| PanelQuery {
                file: file.into(),
                panel: title.into(),
                expression: filled(written, catalog),
            })
            .collect::<Vec<_>>()
    };
    let all = rendered.dashboards().flat_map(|file| {
        panels(&file.value)
            .into_iter()
            .map(move |(_, panel)| (file.path.as_str(), panel))
    });
    all.flat_map(of).collect()
}

/// Ranges become a few minutes, a variable behind `=~` everything, any other the first service.
fn filled(expression: &str, catalog: &Catalog) -> String {
    let first = catalog
        .services
        .first()
        .map_or("", |service| service.name.as_str());
    fill(expression, |variable| {
        Filling::Text(match variable.name {
            // For everything there is no matcher at all: of `.+` Prometheus would look up every value, in every query.
            _ if variable.is_pattern() => return Filling::Everything,
            "__range_s" | "__interval_ms" | "__range_ms" => "300".to_string(),
            "__rate_interval" | "__interval" | "__range" => "5m".to_string(),
            _ => first.to_string(),
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pipeline::load;

    #[test]
    fn a_variable_for_everything_leaves_no_matcher() {
        let text = "[platform]\nname = \"Shop\"\nslug = \"shop\"\nmetric_prefix = \"shop\"\n[groups.g]\ntitle = \"G\"\n[services.cart]\ngroup = \"g\"\nport = 1\n";
        let catalog = load("services.toml", text).ok().unwrap().1;
        let filled = |expression| filled(expression, &catalog);
        assert_eq!(
            filled(
                "rate(x{a=\"b\",job=~\"$job\", instance=~\"${instance:regex}\"}[$__rate_interval])"
            ),
            "rate(x{a=\"b\", }[5m])"
        );
        assert_eq!(
            filled("x{job=~\"$job\",a=\"b\"} > $__range_s"),
            "x{a=\"b\"} > 300"
        );
        assert_eq!(filled("x{job=\"$service\"}"), "x{job=\"cart\"}");
    }
}
