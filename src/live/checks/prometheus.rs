//! The configuration that Prometheus runs.

use super::{CheckContext, Checked, first};
use crate::diagnostic::{Diagnostic, Place};
use crate::json::Parts;
use crate::live::loaded::{differences, job};
use crate::live::prometheus::Running;
use serde_json::Value;

/// Where the rendered configuration is.
pub(crate) fn config_place(context: &CheckContext) -> Place {
    let file = context.rendered.prometheus().next();
    Place::File(format!(
        "{}/{}",
        context.catalog.platform.output,
        file.map_or("", |file| file.path.as_str())
    ))
}

/// In what the loaded configuration differs from the rendered one: jobs by name, everything else in place.
pub(crate) fn config_differences(context: &CheckContext, running: &Running) -> Vec<String> {
    let Some(rendered) = context.rendered.config() else {
        return Vec::new();
    };
    let mut found = Vec::new();
    let names = |config: &Value| -> Vec<String> {
        config["scrape_configs"]
            .items()
            .filter_map(|job| job["job_name"].as_str().map(str::to_string))
            .collect()
    };
    let (wanted, loaded) = (names(rendered), names(&running.config));
    found.extend(
        wanted
            .iter()
            .filter(|name| !loaded.contains(name))
            .map(|name| format!("the job {name} is not loaded")),
    );
    found.extend(
        loaded
            .iter()
            .filter(|name| !wanted.contains(name))
            .map(|name| format!("the job {name} is loaded and no longer rendered")),
    );
    for name in wanted.iter().filter(|name| loaded.contains(name)) {
        let (Some(a), Some(b)) = (job(rendered, name), job(&running.config, name)) else {
            continue;
        };
        found.extend(
            differences(a, b, &format!("job {name}: "), context.reach.port_offset)
                .into_iter()
                .map(|text| text.replace(": .", ": ")),
        );
    }
    for key in ["global", "rule_files", "alerting"] {
        found.extend(differences(&rendered[key], &running.config[key], key, 0));
    }
    found
}

/// The command that makes a container of the rendered stack read its files again. A signal, because a server that can be
/// reloaded over HTTP can be by every web page.
pub(crate) fn reload_command(context: &CheckContext, container: &str) -> String {
    let output = &context.catalog.platform.output;
    format!(
        "`docker compose -f {output}/docker-compose.monitoring.yml kill -s SIGHUP {container}`, or send SIGHUP to it where it runs"
    )
}

/// What makes a running Prometheus load the files that are on disk.
pub(crate) fn reload_help(context: &CheckContext, running: &Running) -> String {
    let reload = reload_command(context, "prometheus");
    if running.reloaded {
        format!(
            "{reload}; when that changes nothing, the container still sees an old file: mount its folder, and restart it"
        )
    } else {
        format!(
            "its last reload failed and its log says why: `promtool check config` finds it too; then {reload}"
        )
    }
}

/// Whether the configuration in force is the rendered one.
pub(crate) fn checked(context: &CheckContext, running: &Running) -> Checked {
    let found = config_differences(context, running);
    let mut findings = Vec::new();
    if !running.reloaded {
        let message = format!(
            "the last reload of Prometheus failed: it still runs the configuration of {}",
            running.loaded_at
        );
        findings.push(
            Diagnostic::error("reload-failed", config_place(context), message)
                .help(reload_help(context, running)),
        );
    }
    if !found.is_empty() {
        let message = format!(
            "Prometheus runs another configuration, loaded {}: {}",
            running.loaded_at,
            first(&found, 3)
        );
        findings.push(
            Diagnostic::error("config-not-loaded", config_place(context), message)
                .help(reload_help(context, running)),
        );
    }
    let state = if findings.is_empty() { "ok" } else { "differs" };
    let note = if findings.is_empty() {
        "its configuration is the rendered one".to_string()
    } else {
        format!("{} differences", found.len())
    };
    Checked::new(
        "prometheus",
        state,
        format!("{}, {note}", running.version),
        findings,
    )
}
