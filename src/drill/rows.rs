//! What the drill saw of one alert.

use crate::catalog::Duration;
use crate::value::Value;

/// What to do where timing is all that is known.
pub(super) const TIMING: &str =
    "`drill --only` repeats one alert; a machine under load needs a smaller --time-scale";

#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Verdict {
    Passed,
    /// Nothing that stand-ins do trips it: why.
    NotDrilled(String),
    /// Which step was not seen, or what was seen that should not be.
    Failed(String),
}

/// One alert on one service. Times are those of the catalog: multiplied by the time scale.
#[derive(Clone, Debug)]
pub(crate) struct Row {
    pub alert: String,
    /// The service or the group that it fires for; empty: the platform.
    pub subject: String,
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
    /// What to do when it failed.
    pub help: String,
}

/// What the labels of an alert say that it is about: a service, else a group.
pub(crate) fn subject(labels: &Value) -> String {
    let named = ["job", "component"].into_iter().map(|label| &labels[label]);
    let mut named = named.filter_map(Value::as_str);
    named.next().unwrap_or_default().to_string()
}

/// `Alert@service`, or the alert alone where it is about all of them.
pub(crate) fn called(alert: &str, subject: &str) -> String {
    match subject {
        "" => alert.to_string(),
        subject => format!("{alert}@{subject}"),
    }
}

impl Row {
    /// Nothing was seen yet.
    pub(crate) fn new(alert: &str, subject: &str, fault: &str, receiver: &str) -> Row {
        Row {
            alert: alert.into(),
            subject: subject.into(),
            fault: fault.into(),
            receiver: receiver.into(),
            pending: None,
            firing: None,
            delivered: None,
            resolved: None,
            verdict: Verdict::Passed,
            help: TIMING.to_string(),
        }
    }

    pub(crate) fn called(&self) -> String {
        called(&self.alert, &self.subject)
    }

    /// The same with what to do.
    pub(crate) fn fail_with(&mut self, reason: impl Into<String>, help: impl Into<String>) {
        if self.verdict == Verdict::Passed {
            self.help = help.into();
        }
        self.fail(reason);
    }

    /// The first failure counts; what follows from it does not.
    pub(crate) fn fail(&mut self, reason: impl Into<String>) {
        if self.verdict == Verdict::Passed {
            self.verdict = Verdict::Failed(reason.into());
        }
    }
}
