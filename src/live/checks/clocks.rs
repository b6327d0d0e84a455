//! Clocks: of this machine, of Prometheus, of the services, and the times that services write beside their values.

use super::CheckContext;
use crate::catalog::{Duration, Service};
use crate::diagnostic::{Diagnostic, Place};
use crate::live::prometheus::Running;

/// So far apart clocks are on purpose of nobody; whole seconds are what most of them say, and answers take their time. Seconds.
const APART: f64 = 5.0;

/// How far back a query looks for the last value of a series (`--query.lookback-delta`). Seconds.
const LOOKBACK: f64 = 300.0;

/// Prometheus drops what is further ahead of its clock.
/// https://github.com/prometheus/prometheus/blob/main/scrape/scrape.go (maxAheadTime). Seconds.
const TOO_NEW: f64 = 600.0;

/// This machine's clock against that of Prometheus.
pub(crate) fn of_prometheus(context: &CheckContext, running: &Running) -> Option<Diagnostic> {
    let ahead = running.ahead;
    let message = format!(
        "the clock of {} is {} that of this machine",
        context.prometheus.name,
        apart(ahead)?
    );
    let help = "let both follow a time server (chrony, systemd-timesyncd); `date -u` on a third machine says which is wrong. Until then, times that are compared here are taken as Prometheus has them";
    Some(Diagnostic::warning("clock-skew", Place::Key("/prometheus".into()), message).help(help))
}

/// A service's clock, and the newest time beside a value, both against the clock of Prometheus.
pub(crate) fn of_service(
    context: &CheckContext,
    running: &Running,
    service: &Service,
    ahead: Option<f64>,
    newest: Option<f64>,
) -> Vec<Diagnostic> {
    let place = || Place::Key(format!("/services/{}", service.name));
    let (name, prometheus) = (&service.name, context.prometheus.name);
    let mut found = Vec::new();
    let skew = ahead.map(|ahead| ahead - running.ahead);
    if let Some(how) = skew.and_then(apart) {
        let message = format!("{name}: its clock is {how} that of {prometheus}");
        let help = "let the machine follow a time server (chrony, systemd-timesyncd): whatever it exposes as a time looks older or younger by as much, and alerts on ages fire late or early";
        found.push(
            Diagnostic::warning("clock-skew", place(), message)
                .common(format!("its clock is not that of {prometheus}"))
                .help(help),
        );
    }
    let Some(newest) = newest else { return found };
    let age = running.now().timestamp_millis() as f64 / 1000.0 - newest;
    let sees = match age {
        age if age > LOOKBACK => format!(
            "{} old, and a query sees nothing older than {}",
            span(age),
            span(LOOKBACK)
        ),
        age if -age > TOO_NEW => format!(
            "{} ahead of the clock of {prometheus}, which drops what is more than {} ahead",
            span(-age),
            span(TOO_NEW)
        ),
        age if -age > APART => format!(
            "{} ahead of the clock of {prometheus}, and no query sees them before that time",
            span(-age)
        ),
        _ => return found,
    };
    let message = format!("{name}: it writes times beside its values, and the newest is {sees}");
    let help = match skew.and_then(apart) {
        Some(_) => {
            "correct its clock first; a service that measures when it is asked writes no times"
        }
        None => {
            "expose values without times, as a service that measures when it is asked does; what is measured seldom has a gauge of its own that says when"
        }
    };
    found.push(
        Diagnostic::error("sample-times", place(), message)
            .common("it writes times beside its values that no query sees now")
            .help(help),
    );
    found
}

/// `3m ahead of` or `3m behind`; None: as near as can be told.
fn apart(ahead: f64) -> Option<String> {
    let way = match ahead > 0.0 {
        true => "ahead of",
        false => "behind",
    };
    (ahead.abs() > APART).then(|| format!("{} {way}", span(ahead.abs())))
}

/// Whole seconds, as people write them.
fn span(seconds: f64) -> Duration {
    Duration(seconds.round() as u64 * 1000)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn clocks_are_apart_beyond_what_whole_seconds_hide() {
        assert_eq!(apart(2.0), None);
        assert_eq!(apart(-180.2).as_deref(), Some("3m behind"));
        assert_eq!(apart(7.0).as_deref(), Some("7s ahead of"));
    }
}
