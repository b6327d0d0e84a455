//! What holds for all services: names and uids, Prometheus, Grafana, compose, and the findings that are accepted.

mod accepted;
mod own_files;
mod settings;

use super::Class::{Dangerous, Notice, Warning};
use super::{Comparison, listed};
use crate::catalog::Catalog;
use crate::pipeline::environment_of;
use crate::source::Source;
use accepted::accepted;

/// Every change that is not about one service or one alert.
pub(crate) fn inspect(comparison: &mut Comparison) {
    slug(comparison);
    retention(comparison);
    alertmanagers(comparison);
    passwords(comparison);
    settings::inspect(comparison);
    own_files::inspect(comparison);
    accepted(comparison);
}

fn slug(comparison: &mut Comparison) {
    let (was, is) = (
        &comparison.before.catalog.platform.slug,
        &comparison.after.catalog.platform.slug,
    );
    if was == is {
        return;
    }
    let at = comparison.at_key("/platform/slug");
    let [old, new] = [comparison.before, comparison.after].map(|side| side.catalog);
    let recorded = |catalog: &Catalog| format!("job:{}_…", catalog.platform.metric_prefix);
    let names = old.platform.metric_prefix != new.platform.metric_prefix;
    let written = |source: &Source| source.at("/platform/slug").0;
    let environment = written(comparison.after.source);
    if environment_of(&environment).is_some() && environment != written(comparison.before.source) {
        // Both are there, each with its own.
        let what = match names {
            true => format!(
                "dashboards, the compose project and what is recorded ({})",
                recorded(new)
            ),
            false => "dashboards and the compose project".to_string(),
        };
        let message = format!("{what} are called after {is}, those of the catalog after {was}");
        comparison.say(Notice, message, at);
        return;
    }
    if names {
        let message = format!(
            "what is recorded is called {} instead of {}: its history stays under the old names, and dashboards and budgets of objectives begin anew",
            recorded(new),
            recorded(old)
        );
        comparison.say(Dangerous, message, at.clone());
    }
    let message = format!(
        "the dashboards' uids are {is}-overview and {is}-service instead of {was}-overview and {was}-service: links and stars of the old ones end, and the compose project of that name starts with empty volumes"
    );
    comparison.say(Dangerous, message, at);
}

fn retention(comparison: &mut Comparison) {
    let (was, is) = (
        comparison.before.catalog.prometheus.retention,
        comparison.after.catalog.prometheus.retention,
    );
    let at = comparison.at_key("/prometheus/retention");
    match is.cmp(&was) {
        std::cmp::Ordering::Less => comparison.say(
            Dangerous,
            format!("samples are kept {is} instead of {was}: older ones are deleted for good"),
            at,
        ),
        std::cmp::Ordering::Greater => comparison.say(
            Notice,
            format!("samples are kept {is} instead of {was}: they need more disk"),
            at,
        ),
        std::cmp::Ordering::Equal => {}
    }
}

fn alertmanagers(comparison: &mut Comparison) {
    let (was, is) = (
        &comparison.before.catalog.prometheus.alertmanagers,
        &comparison.after.catalog.prometheus.alertmanagers,
    );
    let gone: Vec<&String> = was.iter().filter(|address| !is.contains(address)).collect();
    let new: Vec<&String> = is.iter().filter(|address| !was.contains(address)).collect();
    let message = match (gone.is_empty(), new.is_empty()) {
        (true, true) => return,
        (true, false) => format!(
            "alerts are also sent to the Alertmanager at {}",
            listed(&new)
        ),
        (false, true) => format!(
            "alerts are no longer sent to the Alertmanager at {}",
            listed(&gone)
        ),
        (false, false) => format!(
            "alerts are sent to the Alertmanager at {} instead of {}: silences do not move with them",
            listed(&new),
            listed(&gone)
        ),
    };
    // As long as one of them stays, its silences and its routes do.
    let class = match gone.len() {
        0 => Notice,
        count if count == was.len() => Dangerous,
        _ => Warning,
    };
    let at = comparison.at_key("/prometheus/alertmanagers");
    comparison.say(class, message, at);
}

/// Whether the servers ask who is there.
fn passwords(comparison: &mut Comparison) {
    for (name, table) in [
        ("Prometheus", "prometheus"),
        ("the Alertmanager", "alertmanager"),
    ] {
        let user = |catalog: &Catalog| match table {
            "prometheus" => catalog.prometheus.basic_auth_user.clone(),
            _ => catalog.alertmanager.basic_auth_user.clone(),
        };
        let (class, message) = match (
            user(comparison.before.catalog),
            user(comparison.after.catalog),
        ) {
            (was, is) if was == is => continue,
            (Some(_), None) => (
                Dangerous,
                format!("{name} no longer asks for a password: whoever reaches its port is let in"),
            ),
            (was, is) => {
                let before = was
                    .map(|was| format!(" instead of {was}"))
                    .unwrap_or_default();
                (
                    Notice,
                    format!(
                        "{name} lets in {}{before}, with a password",
                        is.unwrap_or_default()
                    ),
                )
            }
        };
        let at = comparison.at_key(&format!("/{table}/basic_auth_user"));
        comparison.say(class, message, at);
    }
}
