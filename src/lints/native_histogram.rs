//! A native histogram arrives: the service can write it, and Prometheus asks for it.

use super::Lint;
use crate::catalog::{Catalog, Metric};
use crate::diagnostic::{Diagnostic, Place};
use crate::source::step;

pub(crate) const LINT: Lint = Lint {
    code: "native-histogram",
    doc: "Prometheus asks for native histograms only where it is told to: by a flag, which does nothing from 3.9 on, or by `scrape_native_histograms`, which no version before 3.8 knows. It then takes them from Prometheus' protobuf, which not every client library writes. Where any of it is missing the metric has no series at all, and nothing says so.",
    bad: "[services.search]\ngroup = \"web\"\nport = 8002\nruntime = \"go\"\n\n[metrics.answer_seconds]\ntype = \"histogram\"\nnative = true\nhelp = \"Time to answer\"\nservices = [\"search\"]\n",
    good: "[prometheus]\nminimum_version = \"3.8\"\n\n[services.search]\ngroup = \"web\"\nport = 8002\nruntime = \"go\"\n\n[metrics.answer_seconds]\ntype = \"histogram\"\nnative = true\nhelp = \"Time to answer\"\nservices = [\"search\"]\n",
    check: |catalog, _| {
        let natives = catalog.metrics.iter().filter(|metric| metric.native);
        let (natives, others): (Vec<&Metric>, Vec<&Metric>) =
            natives.partition(|metric| metric.r#type == "histogram");
        let mut found: Vec<Diagnostic> = others.into_iter().map(misplaced).collect();
        found.extend(natives.first().and_then(|metric| unasked(catalog, metric)));
        // What a profile lists, a service is known to write.
        let mut declared = natives.iter().filter(|metric| metric.profile.is_none());
        let both = declared.clone().find(|metric| !metric.whole);
        found.extend(both.and_then(|metric| dropped(catalog, metric)));
        found.extend(
            declared
                .by_ref()
                .filter_map(|metric| unwritten(catalog, metric)),
        );
        found
    },
};

/// Where it is declared; of a profile's, a service that has it.
fn at(metric: &Metric) -> Place {
    if let (Some(_), Some(service)) = (&metric.profile, metric.services.first()) {
        return Place::Key(format!("/services/{}", step(service)));
    }
    Place::Key(format!("/metrics/{}/native", step(&metric.key)))
}

fn misplaced(metric: &Metric) -> Diagnostic {
    let message = format!(
        "`{}` is a {}, and only a histogram can be native",
        metric.key, metric.r#type
    );
    Diagnostic::error("native-histogram", at(metric), message)
        .help("remove `native`, or write `type = \"histogram\"` if it is one")
}

/// Of a Prometheus that does not ask for them.
fn unasked(catalog: &Catalog, metric: &Metric) -> Option<Diagnostic> {
    let prometheus = &catalog.prometheus;
    if prometheus.at_least(3, 8) {
        return None;
    }
    let minimum = &prometheus.minimum_version;
    let flagged = |started: Option<(u32, u32)>| started.is_none_or(|version| version < (3, 9));
    let help = "write `minimum_version = \"3.8\"` or a newer one if no older Prometheus loads these files: it is then asked for in the configuration";
    if prometheus.runs_on == "host" {
        let message = format!(
            "a Prometheus {minimum} asks for the native histogram `{}` only when it is started with `--enable-feature=native-histograms`",
            metric.key
        );
        return Some(
            Diagnostic::warning("native-histogram", at(metric), message).help(format!(
                "start it so, which helps up to version 3.8, and accept this with `allow`; or {help}"
            )),
        );
    }
    (!flagged(prometheus.image_version())).then(|| {
        let message = format!(
            "`{}` ignores the flag that asks for native histograms such as `{}`, and a Prometheus {minimum} does not know the setting that replaces it",
            prometheus.image, metric.key
        );
        Diagnostic::error("native-histogram", at(metric), message)
            .also(
                Place::Value("/prometheus/minimum_version".to_string()),
                "the oldest Prometheus that must load the configuration",
            )
            .help(format!("{help}; or choose an image before 3.9"))
    })
}

/// Of a Prometheus that takes the native form in place of the buckets.
fn dropped(catalog: &Catalog, metric: &Metric) -> Option<Diagnostic> {
    let minimum = &catalog.prometheus.minimum_version;
    (!catalog.prometheus.at_least(3, 0)).then(|| {
        let message = format!(
            "a Prometheus {minimum} that asks for the native form of `{}` takes no buckets beside it, which alerts and panels read",
            metric.key
        );
        Diagnostic::error("native-histogram", at(metric), message)
            .also(
                Place::Value(format!("/metrics/{}/buckets", step(&metric.key))),
                "its buckets",
            )
            .help("write `minimum_version = \"3.8\"` or a newer one, from 3.0 on both can be asked for; or remove `buckets` or `native`")
    })
}

/// Of a service whose client library has no way to write it.
fn unwritten(catalog: &Catalog, metric: &Metric) -> Option<Diagnostic> {
    let mut services = catalog.services.iter();
    let service = services.find(|service| {
        let ours = service.runtime == "python" && service.image.is_none();
        ours && metric.services.contains(&service.name)
    })?;
    let message = match metric.whole {
        true => format!(
            "`{}` writes its metrics with Python's client library, which has no native histograms",
            service.name
        ),
        false => format!(
            "`{}` writes only its buckets: Python's client library has no native histograms",
            service.name
        ),
    };
    Some(
        Diagnostic::error("native-histogram", at(metric), message).help(
            "say with `services` who emits it, or give it `buckets` in place of `native`; a service whose metrics another library writes has another `runtime`, or none",
        ),
    )
}
