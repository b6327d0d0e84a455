//! The alerts of objectives: nobody writes them, and they are alerts like all others.

use super::branches::StillBurning;
use super::{Alert, Branch};
use crate::catalog::Service;
use crate::catalog::emitters::Emitters;
use crate::catalog::profiled::Profiled;
use crate::catalog::slos::{Burn, Burning, Slo};
use crate::kinds::Kinds;
use crate::value::{Value, json};
use std::sync::Arc;

/// Those of an objective, as if they stood under `[alerts]`; without those that cannot fire.
pub(in crate::catalog) fn of_slo(
    slo: &Slo,
    catalog: &Value,
    services: &[Service],
    emitters: &Emitters,
    kinds: &Kinds,
    profiled: &Profiled,
) -> serde_json::Result<Vec<Alert>> {
    let kind = kinds.iter().find(|kind| kind.slos);
    let Some(kind) = kind.filter(|_| slo.counts.are_whole()) else {
        return Ok(Vec::new());
    };
    let shared = Arc::new(slo.clone());
    let mut alerts = Vec::new();
    for burning in slo.alerts.iter().filter(|alert| !alert.burns.is_empty()) {
        let mut written = json!({
            "kind": kind.name, "for": "0s", "severity": burning.severity,
            "services": slo.services, "groups": slo.groups,
        });
        for (key, value) in slo.counts.settings() {
            written[key.as_str()] = value.into();
        }
        for (key, filter) in &slo.counts.filters {
            written["filters"][key] = json!({"where": filter.r#where, "except": filter.except});
        }
        let texts = [
            ("summary", &slo.summary),
            ("description", &slo.description),
            ("owner", &slo.owner),
        ];
        for (key, text) in texts {
            if let Some(text) = text {
                written[key] = text.as_str().into();
            }
        }
        // When it ends, what else it says, when it is told and while what it is silent is for both of them what it is for any alert.
        for key in [
            "keep_firing_for",
            "annotations",
            "runbook_url",
            "hours",
            "unless",
        ] {
            if let Some(said) = catalog["slos"][slo.name.as_str()].get(key) {
                written[key] = said.clone();
            }
        }
        let mut alert = Alert::resolve(
            catalog,
            &burning.name,
            &written,
            services,
            emitters,
            kinds,
            profiled,
        )?;
        alert.burn(&shared, burning);
        alerts.push(alert);
    }
    Ok(alerts)
}

impl Alert {
    /// Makes it one that watches the budget of an objective: each of its branches is then one for each way of burning it.
    fn burn(&mut self, slo: &Arc<Slo>, burning: &Burning) {
        self.slo = Some(slo.clone());
        self.signals.clear();
        let burnt = |branch: &Branch, burn: &Burn| Branch {
            above: Some(burn.above),
            window: Some(burn.long),
            signal: slo.ratio(burn.long),
            burn: Some(StillBurning {
                factor: burn.factor,
                window: burn.short,
                signal: slo.ratio(burn.short),
            }),
            ..branch.clone()
        };
        let branches = std::mem::take(&mut self.branches);
        self.branches = branches
            .iter()
            .flat_map(|branch| burning.burns.iter().map(|burn| burnt(branch, burn)))
            .collect();
    }
}
