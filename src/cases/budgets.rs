//! The series of a service that has an objective, for the tests of what is recorded about its budget.

use super::chosen::SECOND;
use super::neighbourhood::series;
use super::{refuse, samples};
use minijinja::value::Value;
use minijinja::{Error, context};

/// What an objective counts of a service, in the samples of a test: for each series its text and how much it grows a step, of
/// `events` of which `failures` fail. Two instances have half of them each.
pub(crate) fn slo_series(
    slo: &Value,
    services: &Value,
    metrics: &Value,
    events: f64,
    failures: f64,
) -> Result<Vec<Value>, Error> {
    let counts = slo.get_attr("counts")?;
    let first = slo.get_attr("covers")?.try_iter()?.next();
    let name = first.ok_or_else(|| refuse("an objective of no service has no series"))?;
    let named = |list: &Value, key: &str, wanted: &Value| -> Result<Value, Error> {
        for one in list.try_iter()? {
            if one.get_attr(key)? == *wanted {
                return Ok(one);
            }
        }
        Err(refuse(format!("{wanted} is not in the catalog")))
    };
    let service = named(services, "name", &name)?;
    let full = |key: &str, suffix: &str| -> Result<String, Error> {
        let metric = named(metrics, "key", &counts.get_attr(key)?)?;
        Ok(format!("{}{suffix}", metric.get_attr("name")?))
    };
    let mut all: Vec<Value> = Vec::new();
    let mut add = |metric: &str, labels: &[(String, String)], rate: f64| -> Result<(), Error> {
        let second = ("instance".to_string(), SECOND.to_string());
        for more in [labels.to_vec(), [labels, &[second]].concat()] {
            let series = series(metric, &service, &more)?;
            all.push(context! { series, rate => rate / 2.0 });
        }
        Ok(())
    };
    if counts.get_attr("latency")?.is_true() {
        let bound = f64::try_from(counts.get_attr("bound")?)?;
        let le = vec![("le".to_string(), samples::bucket_of(bound))];
        add(&full("latency", "_bucket")?, &le, events - failures)?;
        add(&full("latency", "_count")?, &[], events)?;
    } else if counts.get_attr("where")?.is_true() {
        let metric = named(metrics, "key", &counts.get_attr("errors")?)?;
        let sides = samples::sides_of(&metric.get_attr("labels")?, &counts.get_attr("where")?)?;
        let name = full("errors", "")?;
        for (side, rate) in [("failed", failures), ("answered", events - failures)] {
            let labels = sides.get_attr(side)?;
            let mut given = Vec::new();
            for label in labels.try_iter()? {
                let first = labels.get_item(&label)?.get_item_by_index(0)?;
                given.push((label.to_string(), first.to_string()));
            }
            add(&name, &given, rate)?;
        }
    } else {
        add(&full("errors", "")?, &[], failures)?;
        add(&full("total", "")?, &[], events)?;
    }
    Ok(all)
}
