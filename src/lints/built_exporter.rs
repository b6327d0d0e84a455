//! An exporter is rarely built from the user's own Dockerfile.

use super::Lint;
use crate::catalog::origin;
use crate::diagnostic::{Diagnostic, Place};

pub const LINT: Lint = Lint {
    code: "built-exporter",
    doc: "A service is a stage of the user's Dockerfile unless the catalog says otherwise, and an exporter is usually somebody else's image: compose cannot build a stage that is not there.",
    bad: "[services.node-exporter]\ngroup = \"web\"\nport = 9100\nruntime = \"go\"\n",
    good: "[services.node-exporter]\ngroup = \"web\"\nport = 9100\nruntime = \"go\"\nimage = \"prom/node-exporter:v1.9.0\"\n",
    check: |catalog, source| {
        let named = catalog.services.iter().filter(|service| service.name.ends_with("exporter") && service.build && service.container && service.app.is_none());
        // Whoever writes `build = true` has answered.
        named
            .filter(|service| origin(source, service, "build").is_none())
            .map(|service| {
                let message = format!("`{}` is built from the Dockerfile of the services, as an exporter rarely is", service.name);
                Diagnostic::warning("built-exporter", Place::Key(format!("/services/{}", service.name)), message)
                    .help("write `image = \"NAME:TAG\"` to start somebody else's image, `build = false` to scrape it only, or `build = true`")
            })
            .collect()
    },
};
