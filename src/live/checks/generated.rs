//! The output folder, held against the catalog: what is not rendered is deployed by nobody.

use super::prometheus::against;
use super::{CheckContext, Checked, Stale, alertmanager};
use crate::diagnostic::{Diagnostic, Severity};
use crate::live::rules::{Concern, places, rendered_rules};
use crate::stack::files::Files;

/// Whether what is on disk is what the catalog renders to. Where there is nothing on disk, what runs was deployed from elsewhere.
pub(crate) fn checked(context: &CheckContext) -> Checked {
    let output = &context.catalog.platform.output;
    let Some(stale) = &context.stale else {
        let note = format!("{output}/ is what services.toml says");
        return Checked::new("generated", "ok", note, Vec::new());
    };
    let mut finding = stale.finding.clone();
    if stale.files.is_empty() {
        finding.severity = Severity::Warning;
        finding.message =
            format!("{output}/ is not there: what runs is compared with the catalog alone");
        let note = format!("{output}/ is not there");
        return Checked::new("generated", "-", note, vec![finding]);
    }
    let note = format!("{output}/ is not what services.toml says");
    Checked::new("generated", "differs", note, vec![finding])
}

/// The same for one service: a notice where nothing that servers read about it differs.
pub(crate) fn about(context: &CheckContext, service: &str) -> Option<Diagnostic> {
    let stale = context.stale.as_ref()?;
    let mut finding = stale.finding.clone();
    if !concerns(context, stale, service) {
        finding.severity = Severity::Notice;
        finding.message += &format!("; nothing of {service} differs");
    }
    Some(finding)
}

fn concerns(context: &CheckContext, stale: &Stale, service: &str) -> bool {
    let (rendered, there) = (context.rendered, Files::of(&stale.files));
    let Some(config) = there.config() else {
        return true;
    };
    let mut differences = against(rendered, config, 0).into_iter();
    let routes = there.alertmanager();
    let rerouted = routes.is_none_or(|file| alertmanager::concerns(context, service, &file.value));
    if rerouted || differences.any(|one| one.concerns(service)) {
        return true;
    }
    let (wanted, there) = (rendered_rules(rendered), rendered_rules(there));
    let concern = Concern::of(&wanted, context.catalog, service);
    let places = places(&wanted, &there);
    let left_over = there
        .iter()
        .enumerate()
        .any(|(at, rule)| rule.alert && concern.has(rule) && !places.contains(&Some(at)));
    let mut rules = wanted.iter().zip(&places);
    left_over
        || rules.any(|(rule, at)| {
            concern.has(rule) && at.is_none_or(|at| concern.difference(rule, &there[at]).is_some())
        })
}
