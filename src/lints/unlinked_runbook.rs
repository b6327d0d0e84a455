//! Whoever is notified can open the runbook.

use super::Lint;
use crate::diagnostic::{Diagnostic, Place};
use crate::value::Value;

pub(crate) const LINT: Lint = Lint {
    code: "unlinked-runbook",
    doc: "A notification, Grafana and the Alertmanager can link to the runbook only where a browser opens it, at an address that begins with http:// or https://. Without one nothing links to it, and whoever is called looks for it by hand.",
    bad: "[platform]\nname = \"Shop\"\nslug = \"shop\"\nmetric_prefix = \"shop\"\nrunbook_url = \"docs/RUNBOOK.md\"\n",
    good: "[platform]\nname = \"Shop\"\nslug = \"shop\"\nmetric_prefix = \"shop\"\nrunbook_url = \"https://git.example.org/shop/RUNBOOK.md\"\n",
    check: |catalog, source| {
        let key = "/platform/runbook_url";
        let place = || Place::Value(key.to_string());
        let help = "write where docs/RUNBOOK.md is published, as in `runbook_url = \"https://git.example.org/shop/blob/main/generated/docs/RUNBOOK.md\"` under [platform]";
        let written = source.value.pointer(key).and_then(Value::as_str);
        if let Some(written) = written.filter(|written| is_misspelt(written)) {
            let message = format!("`{written}` is meant as an address, and no browser opens it");
            return vec![Diagnostic::error("unlinked-runbook", place(), message).help(help)];
        }
        if !catalog.platform.runbook_url.is_empty() {
            return Vec::new();
        }
        let message = match written {
            Some(_) => {
                "`runbook_url` is not an address that a browser opens: alerts and dashboards do not link to the runbook"
            }
            None => {
                "alerts and dashboards do not link to the runbook: the catalog does not say where it is read"
            }
        };
        vec![Diagnostic::notice("unlinked-runbook", place(), message).help(help)]
    },
};

/// Whether a text has the marks of an address and is none: `htps://…`, `https:/…`, `https//…`, one scheme behind another. A path has
/// none of them.
fn is_misspelt(written: &str) -> bool {
    let behind = ["https://", "http://"]
        .into_iter()
        .find_map(|scheme| written.strip_prefix(scheme));
    match behind {
        Some(rest) => rest.starts_with("http:") || rest.starts_with("https:"),
        None => written.contains("//") || written.contains(':'),
    }
}
