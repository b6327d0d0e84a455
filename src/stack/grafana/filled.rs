//! What Grafana fills in of a value and its field, in links and in the names of fields.

use crate::promql::variables::variables;

/// What there is of each, besides what follows from it: `${__field.labels.job}`.
const KNOWN: [(&str, &[&str]); 4] = [
    ("__value", &["raw", "numeric", "text", "time", "calc"]),
    ("__field", &["name", "displayName", "labels"]),
    ("__data", &["name", "refId", "fields"]),
    ("__series", &["name"]),
];

/// What Grafana leaves in a text as it is written, though it was to be filled in, and what to write.
pub(crate) fn left_as_written(text: &str) -> Option<(String, String)> {
    if let Some(at) = text.find("${").filter(|at| !text[*at..].contains('}')) {
        let help = "close it with `}`".to_string();
        return Some((text[at..].to_string(), help));
    }
    if let Some(legend) = text.find("{{") {
        let end = text[legend..]
            .find("}}")
            .map_or(text.len(), |end| legend + end + 2);
        let label = text[legend..end].trim_matches(['{', '}', ' ']);
        let help = format!("that is how legends are written; write `${{__field.labels.{label}}}`");
        return Some((text[legend..end].to_string(), help));
    }
    variables(text).find_map(|(_, written)| {
        let inside = written.trim_start_matches(['$', '{']).trim_end_matches('}');
        let path = inside.split(':').next().unwrap_or_default();
        let (root, rest) = path.split_once('.').unwrap_or((path, ""));
        let (_, known) = KNOWN.iter().find(|(known, _)| *known == root)?;
        let behind = || text.split_once(written).map_or("", |(_, behind)| behind);
        if !written.starts_with("${") && behind().starts_with('.') {
            return Some((
                written.to_string(),
                format!("without braces it ends at the dot: write `${{{root}.…}}`"),
            ));
        }
        let part = rest.split(['.', '[']).next().unwrap_or_default();
        let many = ["labels", "fields"].contains(&part);
        let read = known.contains(&part) && (many || part == rest);
        (!read && !rest.is_empty()).then(|| {
            let all: Vec<String> = known.iter().map(|one| format!("`{root}.{one}`")).collect();
            (written.to_string(), format!("known are {}", all.join(", ")))
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_misspelt_stays_in_the_text() {
        for read in [
            "/d/x?var-job=${__field.labels.job}&${__url_time_range}",
            "/d/x?var-job=${__field.labels[\"job\"]}",
            "x=${__data.fields.Service:percentencode}&y=${__value.raw}&z=$__value",
            "x=${__data.fields[1]}&${__field.labels}&${__series.name}&$job&${job:queryparam}",
        ] {
            assert_eq!(left_as_written(read), None, "{read}");
        }
        for left in [
            "x=${__field.label.job}",
            "x=${__field.name.job}",
            "x=$__field.labels.job",
            "x=${__data.field.job}",
            "x=${__value.job}",
            "x={{job}}",
            "x=${__field.labels.job&y",
        ] {
            assert!(left_as_written(left).is_some(), "{left}");
        }
    }
}
