//! How a series is named.

use super::answers::Labels;

/// The legend of a series: `{{label}}` filled in; without a legend its labels.
pub(crate) fn legend(format: &str, labels: &Labels) -> String {
    if format.is_empty() || format == "__auto" {
        let own: Vec<String> = labels
            .iter()
            .filter(|(label, _)| label.as_str() != "__name__")
            .map(|(label, value)| format!("{label}=\"{value}\""))
            .collect();
        return format!(
            "{}{{{}}}",
            labels.get("__name__").map_or("", String::as_str),
            own.join(", ")
        );
    }
    let mut out = String::new();
    let mut rest = format;
    while let Some((before, behind)) = rest.split_once("{{") {
        let Some((label, after)) = behind.split_once("}}") else {
            break;
        };
        out.push_str(before);
        out.push_str(labels.get(label.trim()).map_or("", String::as_str));
        rest = after;
    }
    (out + rest).trim().to_string()
}
