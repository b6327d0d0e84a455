//! An exporter that nothing here starts.

use super::Lint;
use crate::catalog::origin;
use crate::diagnostic::{Diagnostic, Place};

pub(crate) const LINT: Lint = Lint {
    code: "unstarted-exporter",
    doc: "An exporter is usually somebody else's image, and the user's Dockerfile has no stage for it: unless the catalog says otherwise, a service that is named as one is only scraped, and somebody has to start it.",
    bad: "[services.node-exporter]\ngroup = \"web\"\nport = 9100\nruntime = \"go\"\n",
    good: "[services.node-exporter]\ngroup = \"web\"\nport = 9100\nruntime = \"go\"\nimage = \"prom/node-exporter:v1.9.0\"\n",
    check: |catalog, source| {
        let here = |runs_on: &str| matches!(runs_on, "host" | "compose");
        let named = catalog
            .services
            .iter()
            .filter(|service| service.exporter() && !service.container && !service.foreign)
            .filter(|service| here(&service.runs_on));
        // Whoever writes `build = false` has answered.
        named
            .filter(|service| origin(source, service, "build").is_none())
            .map(|service| {
                let message = format!("`{}` is only scraped: an exporter is not built from the Dockerfile of the services, and it names no image", service.name);
                Diagnostic::notice("unstarted-exporter", Place::Key(format!("/services/{}", service.name)), message)
                    .help("write `image = \"NAME:TAG\"` to start somebody else's image, `build = false` when something else starts it, or `build = true` when the Dockerfile has a stage for it")
            })
            .collect()
    },
};
