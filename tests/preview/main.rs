//! The preview as a reviewer sees it: in a real browser, with simulated and with measured data.

mod browser;
mod live;
mod page;

use monstack::pipeline;
use monstack::preview::{Data, Preview, preview};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// The page of a catalog, with simulated data.
pub fn simulated(catalog: &str) -> Preview {
    let outcome = pipeline::prove(catalog, Path::new(env!("CARGO_MANIFEST_DIR")))
        .expect("the machine is well");
    assert!(!outcome.failed(), "{:#?}", outcome.diagnostics);
    let (catalog, rendered) = (
        outcome.catalog.expect("it loaded"),
        outcome.rendered.expect("it rendered"),
    );
    preview(&catalog, &rendered, &Data::Simulated, &BTreeMap::new()).expect("it is drawn")
}

/// A folder of its own for one test.
pub fn folder(name: &str) -> PathBuf {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("preview-{name}"));
    let _ = std::fs::remove_dir_all(&folder);
    std::fs::create_dir_all(&folder).expect("a folder");
    folder
}

/// The catalog of this repository.
pub const SEED: &str = include_str!("../../services.toml");

/// One service, no metrics, no alerts, a title that breaks careless pages.
pub const BARE: &str = r#"
[platform]
name = "Ünï 'quoted' & <b> \u0022text\u0022"
slug = "bare"
metric_prefix = "bare"
[groups.only]
title = "<script>alert(1)</script> & more"
[services.lonely]
group = "only"
port = 8000
"#;

/// The real catalog's metrics and alerts for other services: so many groups with so many services each.
pub fn many(groups: usize, services: usize) -> String {
    let mut text = SEED[..SEED.find("[groups.coordination]").expect("groups")].to_string();
    for group in 0..groups {
        text.push_str(&format!("[groups.g{group}]\ntitle = \"Group {group}\"\n"));
    }
    for index in 0..groups * services {
        text.push_str(&format!(
            "[services.service-{index:04}]\ngroup = \"g{}\"\nport = {}\n",
            index / services,
            10_000 + index
        ));
    }
    let rest = &SEED[SEED.find("[metrics.requests_total]").expect("metrics")..];
    let own = [
        "memory-manager",
        "workflow-engine",
        "rl-orchestrator",
        "websocket-service",
    ];
    text + &own
        .iter()
        .enumerate()
        .fold(rest.to_string(), |rest, (index, name)| {
            rest.replace(name, &format!("service-{index:04}"))
        })
}
