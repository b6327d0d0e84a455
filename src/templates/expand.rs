//! What Prometheus makes of an annotation: generated unit tests must write it out.

use super::refuse;
use crate::evaluation::rules::expanded;
use crate::go_template;
use crate::promql::engine::Labels;
use minijinja::Error;
use minijinja::value::Value;

/// The annotation of an alert with these labels and this value.
pub(crate) fn expand(text: &str, labels: &Value, value: f64) -> Result<String, Error> {
    let mut sample = Labels::default();
    for name in labels.try_iter()? {
        let told = labels.get_item(&name)?.to_string();
        sample = sample.with(&name.to_string(), &told);
    }
    go_template::parse(text)
        .and_then(|template| expanded(&template, &sample, value))
        .map_err(|problem| {
            refuse(format!(
                "unit tests cannot write out {text:?}: {}",
                problem.reason
            ))
        })
}

#[cfg(test)]
mod tests {
    use super::*;
    use minijinja::context;

    #[test]
    fn annotations_read_as_prometheus_writes_them() {
        let labels = context! { job => "search" };
        for (text, value, written) in [
            (
                "{{ $labels.job }}: {{ $value | humanizePercentage }}",
                0.10002,
                "search: 10%",
            ),
            (
                "{{ if eq $value 0.0 }}a {{ $labels.job }}{{ else }}b{{ end }}.",
                0.0,
                "a search.",
            ),
            (
                "{{ if eq $labels.job \"search\" }}a{{ else }}b{{ end }}.",
                1.0,
                "a.",
            ),
            (
                "{{ with $value }}{{ printf \"%.1f\" . }}{{ end }} %",
                2.25,
                "2.2 %",
            ),
            ("{{ $labels.nothing }}|{{ externalURL }}", 0.0, "|"),
        ] {
            assert_eq!(expand(text, &labels, value).unwrap(), written, "{text}");
        }
        assert!(expand("{{ $labels.job", &labels, 0.0).is_err());
    }
}
