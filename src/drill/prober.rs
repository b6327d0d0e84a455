//! The blackbox exporter of the drill: it asks the stand-ins' health paths for the drill's Prometheus.

use crate::simulation::Fleet;
use crate::value::Value;

/// Its flags. It answers a little before Prometheus gives up, by half a second by default.
pub(crate) fn arguments(config: &str, address: &str, time_scale: f64) -> [String; 4] {
    [
        format!("--config.file={config}"),
        format!("--web.listen-address={address}"),
        format!("--timeout-offset={}", 0.5 / time_scale),
        "--log.level=warn".to_string(),
    ]
}

/// Points a job whose targets are addresses of health paths at the stand-ins and at the drill's exporter; false: it is no such job.
pub(crate) fn on_loopback(job: &mut Value, fleet: &Fleet, exporter: &str) -> bool {
    let mut any = false;
    for group in job["static_configs"].as_array_mut().into_iter().flatten() {
        let service = group["labels"]["service"].as_str().unwrap_or_default();
        let stand_ins = fleet.addresses(service);
        let targets = group["targets"].as_array_mut().into_iter().flatten();
        for (target, address) in targets.zip(&stand_ins) {
            let Some((_, rest)) = target.as_str().and_then(|text| text.split_once("://")) else {
                continue;
            };
            let path = rest.find('/').map_or("", |slash| &rest[slash..]);
            *target = format!("http://{address}{path}").into();
            any = true;
        }
    }
    for rule in job["relabel_configs"]
        .as_array_mut()
        .into_iter()
        .flatten()
        .filter(|rule| rule["target_label"] == "__address__")
    {
        rule["replacement"] = exporter.into();
    }
    any
}
