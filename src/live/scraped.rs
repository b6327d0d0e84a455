//! What a job exposes, as a running Prometheus has stored it: an exposition put together again.

use super::endpoint::{Endpoint, Refusal, encoded};
use super::exposition::{Exposition, Sample};
use super::http::Client;
use super::prometheus::{data, query};
use crate::catalog::Service;
use std::collections::BTreeSet;

/// The exposition of a job's targets together, without the labels that Prometheus has added.
pub(crate) fn exposition(
    endpoint: &Endpoint,
    client: &Client,
    service: &Service,
) -> Result<Exposition, Refusal> {
    let job = service.name.as_str();
    let target = format!("{{job={job:?}}}");
    let honors = service.honor_labels;
    let selector = match honors {
        true => format!("{{service={job:?}}}"),
        false => target.clone(),
    };
    let targets = data(endpoint, client, "/api/v1/targets?state=active")?;
    let added: BTreeSet<String> = targets["activeTargets"]
        .items()
        .filter(|target| target["labels"]["job"] == job)
        .flat_map(|target| target["labels"].entries())
        .map(|(label, _)| label.clone())
        .collect();
    let about = data(
        endpoint,
        client,
        &format!("/api/v1/targets/metadata?match_target={}", encoded(&target)),
    )?;
    let mut exposition = Exposition::default();
    for one in about.items() {
        let Some(name) = one["metric"].as_str() else {
            continue;
        };
        let text = |key: &str| one[key].as_str().unwrap_or_default().to_string();
        exposition.types.insert(name.to_string(), text("type"));
        exposition.helps.insert(name.to_string(), text("help"));
    }
    for series in query(endpoint, client, &selector)? {
        let mut sample = Sample {
            name: String::new(),
            labels: Vec::new(),
            value: 0.0,
            line: 0,
        };
        for (label, value) in series["metric"].entries() {
            let value = value.as_str().unwrap_or_default().to_string();
            let own = label
                .strip_prefix("exported_")
                .filter(|own| added.contains(*own));
            match own {
                _ if label == "__name__" => sample.name = value,
                Some(own) => sample.labels.push((own.to_string(), value)),
                // A job that is not the target's is that of what was pushed.
                None if label == "job" && honors && value != job => {
                    sample.labels.push((label.clone(), value));
                }
                None if added.contains(label) => {}
                None => sample.labels.push((label.clone(), value)),
            }
        }
        if series["histogram"].is_array() {
            exposition.natives.insert(sample.name.clone());
        }
        let exposed = |name: &str| exposition.types.contains_key(name);
        let mut stems = ["_bucket", "_sum", "_count", "_total"].into_iter();
        let exposed = exposed(&sample.name)
            || stems.any(|end| sample.name.strip_suffix(end).is_some_and(exposed));
        let written_by_rules =
            (sample.name.contains(':') && !exposed) || sample.name.starts_with("ALERTS");
        if !written_by_rules {
            exposition.samples.push(sample);
        }
    }
    Ok(exposition)
}
