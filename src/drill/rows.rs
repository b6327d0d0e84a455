//! What the drill saw of one alert.

use crate::catalog::Duration;

#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Verdict {
    Passed,
    /// No fault is known that trips it.
    NotDrilled,
    /// Which step was not seen, or what was seen that should not be.
    Failed(String),
}

/// One alert on one service. Times are those of the catalog: multiplied by the time scale.
#[derive(Clone, Debug)]
pub(crate) struct Row {
    pub alert: String,
    /// The service that was broken.
    pub service: String,
    pub fault: String,
    pub receiver: String,
    /// From the fault to pending.
    pub pending: Option<Duration>,
    /// From the fault to firing.
    pub firing: Option<Duration>,
    /// From the fault to the notification.
    pub delivered: Option<Duration>,
    /// From the end of the fault to the all-clear's notification.
    pub resolved: Option<Duration>,
    pub verdict: Verdict,
}

impl Row {
    /// Nothing was seen yet.
    pub(crate) fn new(alert: &str, service: &str, fault: &str, receiver: &str) -> Row {
        Row {
            alert: alert.into(),
            service: service.into(),
            fault: fault.into(),
            receiver: receiver.into(),
            pending: None,
            firing: None,
            delivered: None,
            resolved: None,
            verdict: Verdict::Passed,
        }
    }

    /// The first failure counts; what follows from it does not.
    pub(crate) fn fail(&mut self, reason: impl Into<String>) {
        if self.verdict == Verdict::Passed {
            self.verdict = Verdict::Failed(reason.into());
        }
    }
}
