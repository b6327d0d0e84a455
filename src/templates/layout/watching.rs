//! Which alerts watch a metric, and above which values.

use super::by_role;
use crate::templates::functions::legend;
use minijinja::value::Value;
use minijinja::{Error, context};
use std::collections::BTreeSet;

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
        shown => by_role(alerts, "shown")?,
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

/// The values above which an alert fires, or those of its levels, in rising order, as a panel takes them.
pub(crate) fn thresholds(alerts: &Value) -> Result<Vec<Value>, Error> {
    let mut found: Vec<f64> = Vec::new();
    for alert in alerts.try_iter()? {
        let branches = alert.get_attr("branches")?;
        let above = branches.get_item_by_index(0)?.get_attr("above")?;
        found.extend(f64::try_from(above).ok());
    }
    found.sort_by(f64::total_cmp);
    found.dedup();
    Ok(found.into_iter().map(Value::from).collect())
}

/// The alerts of which each has a panel: of the levels of one, which are drawn together, the first that is there.
pub(crate) fn drawn(alerts: &Value) -> Result<Vec<Value>, Error> {
    let (mut seen, mut found) = (BTreeSet::new(), Vec::new());
    for alert in alerts.try_iter()? {
        let levels = alert.get_attr("levels")?;
        if levels.is_none() || seen.insert(levels.get_attr("name")?.to_string()) {
            found.push(alert);
        }
    }
    Ok(found)
}

/// An alert, or all levels of which it is one, the most urgent first; of none, none. Without those that cover no service.
pub(crate) fn levels_of(alert: &Value, alerts: &Value) -> Result<Vec<Value>, Error> {
    if alert.is_none() {
        return Ok(Vec::new());
    }
    let levels = alert.get_attr("levels")?;
    if levels.is_none() {
        return Ok(vec![alert.clone()]);
    }
    let mut found = Vec::new();
    for level in levels.get_attr("all")?.try_iter()? {
        let name = level.get_attr("alert")?;
        for other in alerts.try_iter()? {
            if other.get_attr("name")? == name && other.get_attr("branches")?.is_true() {
                found.push(other);
            }
        }
    }
    Ok(found)
}

/// All branches of some alerts.
pub(crate) fn branches(alerts: &Value) -> Result<Vec<Value>, Error> {
    let mut found = Vec::new();
    for alert in alerts.try_iter()? {
        found.extend(alert.get_attr("branches")?.try_iter()?);
    }
    Ok(found)
}

/// The branches without those that compare the same of services that others before them have too: of several levels one is enough.
pub(crate) fn distinct(branches: &Value) -> Result<Vec<Value>, Error> {
    let (mut seen, mut found) = (BTreeSet::new(), Vec::new());
    for branch in branches.try_iter()? {
        let signal = branch.get_attr("signal")?.to_string();
        let mut new = false;
        for service in branch.get_attr("services")?.try_iter()? {
            new |= seen.insert((signal.clone(), service.to_string()));
        }
        if new {
            found.push(branch);
        }
    }
    Ok(found)
}

/// The values below which some branches fire, in rising order: Grafana's colour of a step begins at its value, so that one which
/// fires there too is drawn red up to just above it.
pub(crate) fn red_below(branches: &Value) -> Result<Vec<f64>, Error> {
    let mut found: Vec<f64> = Vec::new();
    for branch in branches.try_iter()? {
        let Ok(below) = f64::try_from(branch.get_attr("below")?) else {
            continue;
        };
        let size = if below == 0.0 { 1.0 } else { below.abs() };
        let more = branch.get_attr("includes")?.is_true();
        found.push(if more { below + size * 1e-10 } else { below });
    }
    found.sort_by(f64::total_cmp);
    found.dedup();
    Ok(found)
}

/// Every threshold of the alerts that something can be divided by, with its branch, the name of its alert and how its lines are named.
pub(crate) fn above_zero(alerts: &Value) -> Result<Vec<Value>, Error> {
    let mut found = Vec::new();
    for alert in alerts.try_iter()? {
        let branches: Vec<Value> = alert.get_attr("branches")?.try_iter()?.collect();
        for branch in &branches {
            let above = branch.get_attr("above")?;
            if f64::try_from(above).is_ok_and(|above| above > 0.0) {
                let services = branch.get_attr("services")?;
                let same =
                    |other: &&Value| other.get_attr("services").is_ok_and(|own| own == services);
                let mut legend = legend(&alert)?;
                // Of one service a budget is watched over several times.
                if branches.iter().filter(same).count() > 1 {
                    legend = format!("{}: {legend}", branch.get_attr("window")?);
                }
                found.push(context! { alert => alert.get_attr("name")?, branch, legend });
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

/// Whether one of the alerts compares every series of a metric on its own, of each service that has it; `several`: names of the
/// services with several instances.
pub(crate) fn whole_of(alerts: &Value, metric: &Value, several: &Value) -> Result<bool, Error> {
    let services: Vec<Value> = metric.get_attr("services")?.try_iter()?.collect();
    for alert in alerts.try_iter()? {
        let covers: Vec<Value> = alert.get_attr("covers")?.try_iter()?.collect();
        let all = services.iter().all(|service| covers.contains(service));
        if all && !merges(&alert, metric, several)? {
            return Ok(true);
        }
    }
    Ok(false)
}

/// Whether an alert takes several series of a metric together: by a label of it, or those of several instances.
fn merges(alert: &Value, metric: &Value, several: &Value) -> Result<bool, Error> {
    let per: Vec<Value> = alert.get_attr("per")?.try_iter()?.collect();
    let several: Vec<Value> = several.try_iter()?.collect();
    let mut services = metric.get_attr("services")?.try_iter()?;
    let instances = services.any(|service| several.contains(&service));
    let mut labels = metric.get_attr("labels")?.try_iter()?;
    Ok(labels.any(|label| !per.contains(&label))
        || (instances && !per.contains(&Value::from("instance"))))
}
