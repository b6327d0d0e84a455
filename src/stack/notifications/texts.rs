//! The texts of notifications: Go templates over the Alertmanager's data.

use super::matchers::Labels;
use crate::go_template::shapes::{Asked, Types};
use crate::go_template::{self, Problem, parse};
use crate::stack::document::walk;
use crate::value::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::LazyLock;

/// What the templates are given.
static TYPES: LazyLock<Types> = LazyLock::new(|| {
    let types = include_str!(concat!(env!("OUT_DIR"), "/texts.json"));
    serde_json::from_str(types).expect("a test reads texts.toml")
});

/// What a text asks for, or why it is no template.
pub(crate) type Read = Result<BTreeSet<Asked>, String>;

/// Every template in a part of the configuration: its pointer and what it asks for, with whatever it includes of those that are
/// `defined`. One that cannot be judged is left out.
pub(crate) fn asked(part: &Value, defined: &str) -> Vec<(String, Read)> {
    let mut found = Vec::new();
    walk(part, &mut |pointer, _, value| {
        let Some(text) = value.as_str().filter(|text| text.contains("{{")) else {
            return;
        };
        match parse(&format!("{defined}{text}")) {
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

/// What a text becomes of one alert with these labels, while it fires or when it has ended.
pub(crate) fn written(text: &str, labels: &Labels, fires: bool) -> Result<String, Problem> {
    of_group(text, &[labels], fires)
}

/// What stands for an annotation of an alert; `alone`: it is the only one of the notification. It is about as long as what people
/// write, so that a text which is cut off does not have all of it.
pub(crate) fn said(key: &str, index: usize, alone: bool) -> String {
    match (alone, key) {
        (true, "summary" | "description") => format!("{key} in more than a word"),
        (false, "summary" | "description") => format!("{key} {} in more than a word", index + 1),
        (false, _) if key != SHARED => format!("{key} {}", index + 1),
        _ => key.to_string(),
    }
}

/// What a text becomes of alerts that are sent as one. What each says of itself alone is numbered: `summary 1`.
pub(crate) fn of_group(text: &str, alerts: &[&Labels], fires: bool) -> Result<String, Problem> {
    type Fields = BTreeMap<String, go_template::Value>;
    let text_of = |text: &str| go_template::Value::text(text);
    let map = |pairs: &mut dyn Iterator<Item = (&str, &str)>| {
        let pairs = pairs.map(|(key, value)| (key.to_string(), text_of(value)));
        go_template::Value::Map(pairs.collect::<Fields>().into())
    };
    let of = |pairs: Vec<(&str, go_template::Value)>| -> Fields {
        let pairs = pairs.into_iter();
        pairs.map(|(key, value)| (key.to_string(), value)).collect()
    };
    let list = |items: Vec<go_template::Value>, methods: Fields| {
        go_template::Value::List(items.into(), methods.into())
    };
    let alone = alerts.len() == 1;
    let in_all = |(key, value): &(&String, &String)| {
        let mut alerts = alerts.iter();
        alerts.all(|alert| alert.get(*key) == Some(*value))
    };
    let common = || {
        let first = alerts.iter().take(1).flat_map(|labels| labels.iter());
        map(&mut first
            .filter(in_all)
            .map(|(key, value)| (key.as_str(), value.as_str())))
    };
    let status = if fires { "firing" } else { "resolved" };
    let alert = |(index, labels): (usize, &&Labels)| {
        let labels = map(&mut labels
            .iter()
            .map(|(key, value)| (key.as_str(), value.as_str())));
        let said = ANNOTATIONS.map(|key| (key, said(key, index, alone)));
        let annotations = map(&mut said.iter().map(|(key, value)| (*key, value.as_str())));
        go_template::Value::Struct(
            of(vec![
                ("Status", text_of(status)),
                ("Labels", labels),
                ("Annotations", annotations),
                ("GeneratorURL", text_of("url")),
                ("Fingerprint", text_of("fingerprint")),
            ])
            .into(),
        )
    };
    let all = || alerts.iter().enumerate().map(alert).collect::<Vec<_>>();
    let some = || list(all(), Fields::new());
    let none = || list(Vec::new(), Fields::new());
    let [firing, resolved] = match fires {
        true => [some(), none()],
        false => [none(), some()],
    };
    let shared = ANNOTATIONS
        .into_iter()
        .filter(|key| alone || *key == SHARED)
        .map(|key| (key, said(key, 0, alone)));
    let shared: Vec<(&str, String)> = shared.collect();
    let data = of(vec![
        ("Receiver", text_of("receiver")),
        ("Status", text_of(status)),
        (
            "Alerts",
            list(all(), of(vec![("Firing", firing), ("Resolved", resolved)])),
        ),
        ("GroupLabels", common()),
        ("CommonLabels", common()),
        (
            "CommonAnnotations",
            map(&mut shared.iter().map(|(key, text)| (*key, text.as_str()))),
        ),
        ("ExternalURL", text_of("url")),
    ]);
    let template = parse(text)?;
    let data = go_template::Value::Struct(data.into());
    template.execute(data, &[], &|name, arguments| {
        go_template::of_prometheus(name, arguments)
    })
}

/// What alerts say of themselves.
const ANNOTATIONS: [&str; 4] = ["summary", "description", SHARED, "dashboard_url"];

/// What two alerts of one rule say alike.
const SHARED: &str = "runbook_url";

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
    use crate::value::json;

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
            (
                "{{ .Status.x }}",
                "NoField { of: \"Status\", field: \"x\" }",
            ),
            (
                "{{ if eq .Status `FIRING` }}{{ end }}",
                "Status(\"FIRING\")",
            ),
            (
                "{{ if gt (len .Alerts) 1.5 }}{{ end }}",
                "Incomparable(\"a whole number\", \"1.5\")",
            ),
            (
                "{{ template \"slack.title\" . }}",
                "Template(\"slack.title\")",
            ),
        ] {
            let [(_, read)] = asked(&json!({"text": text}), "").try_into().unwrap();
            let asked = read.unwrap().into_iter();
            let asked = asked.filter(|asked| !matches!(asked, Asked::Key { .. }));
            let asked: Vec<String> = asked.map(|asked| format!("{asked:?}")).collect();
            assert_eq!(asked.join(" "), wrong, "{text}");
        }
        let labels = BTreeMap::from([("job".to_string(), "cart".to_string())]);
        for (text, firing, resolved) in [
            (
                "{{ range .Alerts.Firing }}{{ .Labels.job }}{{ end }}",
                "cart",
                "",
            ),
            (
                "{{ range .Alerts }}{{ .Annotations.summary }} {{ .Status }}{{ end }}",
                "summary in more than a word firing",
                "summary in more than a word resolved",
            ),
            (
                "{{ .Alerts.Firing | len }}{{ (index .Alerts 0).Status | toUpper }}",
                "1FIRING",
                "0RESOLVED",
            ),
            (
                "{{ if eq .Status \"firing\" }}{{ .CommonLabels.job }}{{ end }}",
                "cart",
                "",
            ),
        ] {
            let both = [true, false].map(|fires| written(text, &labels, fires).ok());
            assert_eq!(
                both,
                [firing, resolved].map(|text| Some(text.to_string())),
                "{text}"
            );
        }
        let pairs = "{{ range .CommonLabels.SortedPairs }}x{{ end }}";
        assert!(written(pairs, &labels, true).is_err());
        assert!(asked(&json!(["{{ .Status"]), "")[0].1.is_err());
        assert!(asked(&json!(["plain"]), "").is_empty());
    }
}
