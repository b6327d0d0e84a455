//! Whoever is notified can open the runbook.

use super::Lint;
use crate::diagnostic::{Diagnostic, Place};

pub(crate) const LINT: Lint = Lint {
    code: "unlinked-runbook",
    doc: "A notification, Grafana and the Alertmanager can link to the runbook only where a browser opens it, at an address that begins with http:// or https://. Without one nothing links to it, and whoever is called looks for it by hand.",
    bad: "[platform]\nname = \"Shop\"\nslug = \"shop\"\nmetric_prefix = \"shop\"\nrunbook_url = \"docs/RUNBOOK.md\"\n",
    good: "[platform]\nname = \"Shop\"\nslug = \"shop\"\nmetric_prefix = \"shop\"\nrunbook_url = \"https://git.example.org/shop/RUNBOOK.md\"\n",
    check: |catalog, source| {
        if !catalog.platform.runbook_url.is_empty() {
            return Vec::new();
        }
        let key = "/platform/runbook_url";
        let message = match source.contains(key) {
            true => {
                "`runbook_url` is not an address that a browser opens: alerts and dashboards do not link to the runbook"
            }
            false => {
                "alerts and dashboards do not link to the runbook: the catalog does not say where it is read"
            }
        };
        let help = "write where docs/RUNBOOK.md is published, as in `runbook_url = \"https://git.example.org/shop/blob/main/generated/docs/RUNBOOK.md\"` under [platform]";
        vec![
            Diagnostic::notice("unlinked-runbook", Place::Value(key.to_string()), message)
                .help(help),
        ]
    },
};
