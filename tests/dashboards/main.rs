//! The dashboards as Grafana would read them: form, layout, stability, size, and every query against generated series.

mod catalogs;
mod linter;
mod model;
mod placement;
mod queries;
#[path = "../referee/mod.rs"]
mod referee;
mod stability;

use monstack::catalog::Catalog;
use monstack::pipeline;
use monstack::value::Value;
use std::collections::BTreeMap;
use std::path::Path;

/// Everything that a catalog gives.
pub struct Stack {
    overview: Value,
    service: Value,
    catalog: Catalog,
    texts: BTreeMap<String, String>,
}

impl Stack {
    /// Renders a catalog in memory with the templates of this crate.
    pub fn of(catalog: &str) -> Stack {
        let outcome = pipeline::prove(catalog, Path::new(env!("CARGO_MANIFEST_DIR")))
            .expect("the machine is well");
        let told: Vec<String> = outcome
            .diagnostics
            .iter()
            .map(|diagnostic| format!("{:?} {}", diagnostic.place, diagnostic.message))
            .collect();
        assert!(!outcome.failed(), "{told:#?}");
        let (catalog, rendered) = (
            outcome.catalog.expect("it loaded"),
            outcome.rendered.expect("it rendered"),
        );
        let texts = rendered
            .files
            .into_iter()
            .map(|file| (file.path, file.text))
            .collect();
        let mut stack = Stack {
            overview: Value::Null,
            service: Value::Null,
            catalog,
            texts,
        };
        stack.overview = serde_json::from_str(stack.text(&stack.path("overview"))).expect("JSON");
        stack.service = serde_json::from_str(stack.text(&stack.path("service"))).expect("JSON");
        stack
    }

    /// A file as it would be written.
    pub fn text(&self, path: &str) -> &str {
        self.texts.get(path).unwrap_or_else(|| panic!("no {path}"))
    }

    /// Where a dashboard is.
    pub fn path(&self, dashboard: &str) -> String {
        format!(
            "monitoring/grafana/dashboards/{}-{dashboard}.json",
            self.catalog().platform.slug
        )
    }

    /// What it was rendered from.
    pub fn catalog(&self) -> &Catalog {
        &self.catalog
    }

    /// Both.
    pub fn dashboards(&self) -> [&Value; 2] {
        [&self.overview, &self.service]
    }
}

/// Rows, and the panels after or inside them, in the order of the file.
pub fn all_panels(dashboard: &Value) -> Vec<&Value> {
    let top = dashboard["panels"].as_array().expect("panels");
    top.iter()
        .flat_map(|panel| {
            std::iter::once(panel).chain(panel["panels"].as_array().into_iter().flatten())
        })
        .collect()
}

/// The panels that ask something.
pub fn panels(dashboard: &Value) -> Vec<&Value> {
    all_panels(dashboard)
        .into_iter()
        .filter(|panel| panel["type"] != "row")
        .collect()
}

/// A panel's place in messages.
pub fn name(dashboard: &Value, panel: &Value) -> String {
    format!(
        "{} > {} ({})",
        dashboard["title"], panel["title"], panel["gridPos"]
    )
}

/// Its queries.
pub fn expressions(panel: &Value) -> Vec<&str> {
    panel["targets"]
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(|target| target["expr"].as_str())
        .collect()
}
