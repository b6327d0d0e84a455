//! Which alerts watch a metric, and above which values.

use super::by_role;
use minijinja::value::Value;
use minijinja::{Error, context};

/// The alerts that compare a metric, by its key, for each of the roles that panels ask for; of those that compare requests
/// only the ones that are drawn as such.
pub(crate) fn watching_alerts(alerts: &Value) -> Result<Value, Error> {
    let mut drawn = Vec::new();
    for alert in alerts.try_iter()? {
        if alert.get_attr("kind")?.get_attr("panel")?.as_str() == Some("requests") {
            drawn.push(alert);
        }
    }
    Ok(context! {
        requests => by_role(&Value::from(drawn), "requests")?,
        failures => by_role(alerts, "failures")?,
        attempts => by_role(alerts, "attempts")?,
    })
}

/// Those of the alerts that cover a service, for without one they have no rule; none of what no alert watches.
pub(crate) fn covering(alerts: &Value) -> Result<Vec<Value>, Error> {
    let mut found = Vec::new();
    if alerts.is_undefined() {
        return Ok(found);
    }
    for alert in alerts.try_iter()? {
        if alert.get_attr("branches")?.is_true() {
            found.push(alert);
        }
    }
    Ok(found)
}

/// The value above which the alert fires, as the list of none or one that a panel takes.
pub(crate) fn thresholds(alert: &Value) -> Result<Vec<Value>, Error> {
    if alert.is_none() {
        return Ok(Vec::new());
    }
    let branches = alert.get_attr("branches")?;
    let above = branches.get_item_by_index(0)?.get_attr("above")?;
    Ok(if above.is_none() {
        Vec::new()
    } else {
        vec![above]
    })
}

/// Every threshold of the alerts that something can be divided by, with its branch and the name of its alert.
pub(crate) fn above_zero(alerts: &Value) -> Result<Vec<Value>, Error> {
    let mut found = Vec::new();
    for alert in alerts.try_iter()? {
        for branch in alert.get_attr("branches")?.try_iter()? {
            let above = branch.get_attr("above")?;
            if f64::try_from(above).is_ok_and(|above| above > 0.0) {
                found.push(context! { alert => alert.get_attr("name")?, branch });
            }
        }
    }
    Ok(found)
}

/// The metrics but for the failures that an alert compares with attempts that are among `named`: those are drawn with the attempts.
pub(crate) fn drawn_alone(
    metrics: &Value,
    failures: &Value,
    named: &Value,
) -> Result<Vec<Value>, Error> {
    let mut found = Vec::new();
    for metric in metrics.try_iter()? {
        let alerts = failures.get_item(&metric.get_attr("key")?)?;
        let mut compared = false;
        if !alerts.is_undefined() {
            for alert in alerts.try_iter()? {
                let attempts = alert.get_attr("roles")?.get_attr("attempts")?;
                compared |= !attempts.is_undefined() && !named.get_item(&attempts)?.is_undefined();
            }
        }
        if !compared {
            found.push(metric);
        }
    }
    Ok(found)
}
