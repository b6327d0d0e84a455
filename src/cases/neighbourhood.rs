//! The few services that the tests of an alert are about, and their series as promtool writes them.

use minijinja::Error;
use minijinja::value::Value;
use std::collections::HashMap;
use std::fmt::Write;

/// All services and metrics, looked up by name: the tests of every alert ask for a few of them.
#[derive(Debug)]
pub struct Neighbourhood {
    services: Vec<Value>,
    named: HashMap<String, usize>,
    metrics: HashMap<String, Value>,
}

/// The services that a branch is tested with.
#[derive(Clone, Debug)]
pub(crate) struct Sample {
    /// The one that is tested.
    pub service: Value,
    /// Another one that the alert covers, with the same setting where there is one.
    pub neighbour: Option<Value>,
    /// Both, and any third one: those whose constants the tests need.
    pub all: Vec<Value>,
}

impl Neighbourhood {
    /// Of the catalog's lists of services and metrics.
    pub fn of(services: &Value, metrics: &Value) -> Result<Neighbourhood, Error> {
        let services: Vec<Value> = services.try_iter()?.collect();
        let mut named = HashMap::new();
        for (index, service) in services.iter().enumerate() {
            named.insert(service.get_attr("name")?.to_string(), index);
        }
        let mut known = HashMap::new();
        for metric in metrics.try_iter()? {
            known.insert(metric.get_attr("key")?.to_string(), metric);
        }
        Ok(Neighbourhood {
            services,
            named,
            metrics: known,
        })
    }

    /// A declared metric by its key.
    pub(crate) fn metric(&self, key: &str) -> Option<&Value> {
        self.metrics.get(key)
    }

    /// Whether a service emits a declared metric.
    pub(crate) fn emits(&self, service: &str, metric: &str) -> Result<bool, Error> {
        let Some(metric) = self.metric(metric) else {
            return Ok(false);
        };
        let mut services = metric.get_attr("services")?.try_iter()?;
        Ok(services.any(|known| known.as_str() == Some(service)))
    }

    /// A service by its name.
    pub(crate) fn service(&self, name: &str) -> Option<&Value> {
        self.named.get(name).map(|index| &self.services[*index])
    }

    /// The few services that a branch is tested with on `tested`; a neighbour is `alike`: what is read of one is read of the other.
    pub(crate) fn sample(
        &self,
        alert: &Value,
        branch: &Value,
        tested: &str,
        alike: &dyn Fn(&Value) -> Result<bool, Error>,
    ) -> Result<Sample, Error> {
        let other = |list: Value| -> Result<Option<usize>, Error> {
            for name in list.try_iter()? {
                if name.as_str() != Some(tested) && alike(&name)? {
                    return Ok(name.as_str().and_then(|name| self.named.get(name).copied()));
                }
            }
            Ok(None)
        };
        let neighbour = match other(branch.get_attr("services")?)? {
            None => other(alert.get_attr("covers")?)?,
            found => found,
        };
        let own = self.named.get(tested).copied();
        let stranger =
            (0..self.services.len()).find(|index| Some(*index) != own && Some(*index) != neighbour);
        let all = [own, neighbour, stranger]
            .into_iter()
            .flatten()
            .map(|index| self.services[index].clone())
            .collect();
        let one = |index: usize| self.services[index].clone();
        Ok(Sample {
            service: own.map(one).unwrap_or_default(),
            neighbour: neighbour.map(one),
            all,
        })
    }
}

/// A series as promtool's tests write it: the metric with its service's target labels, and more, which may replace them.
pub(crate) fn series(
    metric: &str,
    service: &Value,
    more: &[(String, String)],
) -> Result<String, Error> {
    let mut own = vec![(
        "instance".to_string(),
        format!(
            "{}",
            service
                .get_attr("instances")?
                .get_item_by_index(0)?
                .get_attr("address")?
        ),
    )];
    for (name, value) in more {
        own.retain(|(known, _)| known != name);
        own.push((name.clone(), value.clone()));
    }
    labelled(metric, service, &own)
}

/// A series with the labels that every series of a service has, where `more` does not replace them, and `more`.
pub(crate) fn labelled(
    metric: &str,
    service: &Value,
    more: &[(String, String)],
) -> Result<String, Error> {
    let mut labels = Vec::new();
    for (label, attribute) in [("job", "name"), ("service", "name"), ("component", "group")] {
        if !more.iter().any(|(own, _)| own == label) {
            labels.push((label.to_string(), service.get_attr(attribute)?.to_string()));
        }
    }
    labels.extend_from_slice(more);
    Ok(written(metric, &labels))
}

/// `metric{label="value"}`.
pub(crate) fn written(metric: &str, labels: &[(String, String)]) -> String {
    let mut text = format!("{metric}{{");
    for (index, (label, value)) in labels.iter().enumerate() {
        let comma = if index > 0 { "," } else { "" };
        let _ = write!(text, "{comma}{label}={value:?}");
    }
    text + "}"
}

/// What the catalog says of each service as a series: its value is an attribute of the service, or 1.
pub(crate) fn constants(
    record: &str,
    attribute: Option<&str>,
    services: &Value,
) -> Result<Vec<Value>, Error> {
    let mut all = Vec::new();
    for service in services.try_iter()? {
        let value =
            attribute.map_or(Ok(Value::from(1)), |attribute| service.get_attr(attribute))?;
        all.push(Value::from(vec![
            Value::from(labelled(record, &service, &[])?),
            value,
        ]));
    }
    Ok(all)
}
