//! The texts of notifications: Go templates over the Alertmanager's data.

use crate::go_template::parse;
use crate::go_template::shapes::{Asked, Types};
use crate::stack::document::walk;
use serde_json::Value;
use std::collections::BTreeSet;
use std::sync::LazyLock;

/// What the templates are given.
const DATA: &str = include_str!("texts.toml");

static TYPES: LazyLock<Types> =
    LazyLock::new(|| toml::from_str(DATA).expect("a test reads texts.toml"));

/// What a text asks for, or why it is no template.
pub(crate) type Read = Result<BTreeSet<Asked>, String>;

/// Every template in a part of the configuration: its pointer and what it asks for. One that cannot be judged is left out.
pub(crate) fn asked(part: &Value) -> Vec<(String, Read)> {
    let mut found = Vec::new();
    walk(part, &mut |pointer, _, value| {
        let Some(text) = value.as_str().filter(|text| text.contains("{{")) else {
            return;
        };
        match parse(text) {
            Ok(template) => {
                found.push((pointer.to_string(), Ok(template.asks("Data", &TYPES))));
            }
            Err(problem) if problem.certain => {
                found.push((pointer.to_string(), Err(problem.reason)));
            }
            Err(_) => {}
        }
    });
    found
}

/// Whether a template of this name is there without a file.
pub(crate) fn built_in(name: &str) -> bool {
    TYPES.templates.contains(name)
}

/// The names of all that are.
pub(crate) fn all_built_in() -> impl Iterator<Item = &'static str> {
    TYPES.templates.iter().map(String::as_str)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_text_asks_for_what_it_names() {
        for (text, wrong) in [
            (
                "{{ .CommonLabels.alertname }} {{ .Status | toUpper }} {{ .Alerts.Firing | len }}",
                "",
            ),
            (
                "{{ range $i, $a := .Alerts.Firing }}{{ $a.Annotations.summary }}{{ $.ExternalURL }}{{ end }}",
                "",
            ),
            (
                "{{ range .CommonLabels.SortedPairs }}{{ .Name }}={{ .Value }}{{ end }}",
                "",
            ),
            (
                "{{ (index .Alerts 0).Labels.job }} {{ index .GroupLabels \"job\" }}",
                "",
            ),
            (
                "{{ with .CommonAnnotations }}{{ .Remove (stringSlice \"a\") }}{{ end }}",
                "",
            ),
            (
                "{{ define \"x\" }}{{ .Labels.a }}{{ end }}{{ range .Alerts }}{{ template \"x\" . }}{{ end }}",
                "",
            ),
            ("{{ (index .Alerts 0).StartsAt.Format \"15:04\" }}", ""),
            (
                "{{ .CommonLabel.alertname }}",
                "NoField { of: \"Data\", field: \"CommonLabel\" }",
            ),
            (
                "{{ range .Alerts }}{{ .Status }}{{ .Anotations.summary }}{{ end }}",
                "NoField { of: \"Alert\", field: \"Anotations\" }",
            ),
            (
                "{{ .Alerts.Annotations.summary }}",
                "NoField { of: \"Alerts\", field: \"Annotations\" }",
            ),
            (
                "{{ range .Alerts }}{{ .CommonLabels }}{{ end }}",
                "NoField { of: \"Alert\", field: \"CommonLabels\" }",
            ),
            ("{{ .Status | upper }}", "NoFunction(\"upper\")"),
            ("{{ .Status.x }}", "NoField { of: \"Text\", field: \"x\" }"),
            (
                "{{ template \"slack.title\" . }}",
                "Template(\"slack.title\")",
            ),
        ] {
            let [(_, read)] = asked(&json!({"text": text})).try_into().unwrap();
            let asked = read.unwrap().into_iter();
            let asked = asked.filter(|asked| !matches!(asked, Asked::Key { .. }));
            let asked: Vec<String> = asked.map(|asked| format!("{asked:?}")).collect();
            assert_eq!(asked.join(" "), wrong, "{text}");
        }
        assert!(asked(&json!(["{{ .Status"]))[0].1.is_err());
        assert!(asked(&json!(["plain"])).is_empty());
    }
}
