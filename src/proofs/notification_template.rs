//! The texts of notifications ask for what the Alertmanager gives them.

use super::{Check, Example, Proof, place};
use crate::artifacts::Role;
use crate::diagnostic::suggestion;
use crate::go_template::parse;
use crate::go_template::shapes::Asked;
use crate::json::plain;
use crate::overlay::glob;
use crate::render::File;
use crate::stack::Stack;
use crate::stack::containers::mounts::Sight;
use crate::stack::document::walk;
use crate::stack::notifications::routes::EACH;
use crate::stack::notifications::{Notifications, texts};
use crate::value::Value;
use std::collections::BTreeSet;

/// What alerts of a catalog may have beside those of its rules: without `runbook_url` in `[platform]` they have no link.
const ANNOTATIONS: [&str; 4] = ["summary", "description", "runbook_url", "dashboard_url"];

pub(crate) const PROOF: Proof = Proof {
    code: "notification-template",
    doc: "A field that the data of a notification does not have is an error when the notification is sent: it is not sent. A label or an annotation that no alert has is an empty place in the text.",
    example: Example::Rendered {
        role: Role::Alertmanager,
        pointer: "/receivers/name=null/sns_configs",
        bad: r##"[{"topic_arn": "arn:aws:sns:eu-central-1:1:shop", "sigv4": {"region": "eu-central-1"}, "message": "{{ .CommonLabel.alertname }}"}]"##,
    },
    check: Check::Stack(|stack| {
        let mut found = Vec::new();
        let Some(notifications) = stack.notifications() else {
            return found;
        };
        let file = notifications.file;
        let labels: BTreeSet<&str> = notifications
            .alerts
            .real
            .iter()
            .flat_map(|firing| firing.labels().keys().map(String::as_str))
            .collect();
        let annotations = annotations(stack);
        let defined = template_files(stack, file);
        for receiver in &notifications.receivers {
            let groups = groups(notifications, receiver.name);
            for (pointer, _, entry) in receiver.integrations() {
                for (inside, read) in texts::asked(entry, defined.as_deref().unwrap_or_default()) {
                    let pointer = format!("{pointer}{inside}");
                    let asked = match read {
                        Ok(asked) => asked,
                        Err(reason) => {
                            let message = format!("the text is no template: {reason}");
                            let help =
                                "correct it; https://pkg.go.dev/text/template has the syntax";
                            found.push(place::at(&file.path, pointer, message, help));
                            continue;
                        }
                    };
                    for asked in asked {
                        let wrong = match asked {
                            Asked::NoField { of, field } => Some((
                                format!("`{of}` has no field `{field}`: the notification is not sent"),
                                "see the data of notifications: https://prometheus.io/docs/alerting/latest/notifications/".to_string(),
                            )),
                            Asked::NoFunction(name) => Some((
                                format!("there is no function `{name}` in a notification"),
                                "use one of Go's or of the Alertmanager's".to_string(),
                            )),
                            Asked::Status(word) => Some((
                                format!("no status is `{word}`: what stands there is never said"),
                                "a status is `firing` or `resolved`".to_string(),
                            )),
                            Asked::Incomparable(one, other) => Some((
                                format!("{one} is compared with `{other}`, which Go does not do: the notification is not sent"),
                                "compare whole numbers with whole numbers, and texts with texts in quotes".to_string(),
                            )),
                            Asked::Template(name) => (defined.is_some() && !texts::built_in(&name)).then(|| {
                                let known = texts::all_built_in();
                                let help = suggestion(&name, known.collect::<Vec<_>>().iter().copied());
                                (format!("there is no template `{name}`: the notification is not sent"), help)
                            }),
                            Asked::Key { of, key } => match of.as_str() {
                                "GroupLabels" => groups.as_ref().and_then(|groups| {
                                    absent("notifications are not grouped by", &key, groups)
                                }),
                                "Labels" => absent("no alert has the label", &key, &labels),
                                _ => absent("no alert has the annotation", &key, &annotations),
                            },
                        };
                        found.extend(wrong.map(|(message, help)| {
                            place::at(&file.path, pointer.clone(), message, help)
                        }));
                    }
                }
            }
        }
        found
    }),
};

/// What the files with more templates define; None: they may be elsewhere, and nobody here knows what is in them.
fn template_files(stack: &Stack, file: &File) -> Option<String> {
    let mut text = String::new();
    for pattern in file.value["templates"].texts() {
        let (folder, name) = pattern.rsplit_once('/').unwrap_or(("", pattern));
        // A relative one begins beside the configuration.
        let wanted = match pattern.starts_with('/') {
            false => file.beside(pattern),
            true => {
                let reader = stack.containers.readers(&file.path).next()?;
                let sight = reader.sees(folder);
                match (sight.rendered(), sight) {
                    (Some(folder), _) => format!("{folder}/{name}"),
                    (None, Sight::Mounted(..)) => return None,
                    // The image has none of its own.
                    (None, Sight::Image) => continue,
                }
            }
        };
        let known = text.len();
        for one in stack.files.all().filter(|one| glob(&wanted, &one.path)) {
            text.push_str(&one.text);
        }
        if text.len() == known && !pattern.starts_with('/') {
            return None;
        }
    }
    parse(&text).is_ok().then_some(text)
}

fn absent<T>(what: &str, key: &str, known: &BTreeSet<T>) -> Option<(String, String)>
where
    T: AsRef<str> + Ord,
{
    let mut names = known.iter().map(AsRef::as_ref);
    (!names.any(|name| name == key)).then(|| {
        let names: Vec<&str> = known.iter().map(AsRef::as_ref).collect();
        (
            format!("{what} `{key}`: the text has an empty place there"),
            suggestion(key, names.iter().copied()),
        )
    })
}

/// The annotations that any rule of the stack writes.
fn annotations(stack: &Stack) -> BTreeSet<String> {
    let mut known: BTreeSet<String> = ANNOTATIONS.map(str::to_string).into();
    for (_, _, rule) in stack.files.alerts() {
        walk(&rule["annotations"], &mut |_, key, _| {
            known.insert(key.to_string());
        });
    }
    known.remove("");
    known
}

/// The labels by which some route to the receiver groups; None: each alert is a group, with all its labels.
fn groups(notifications: &Notifications, receiver: &str) -> Option<BTreeSet<String>> {
    let routes = notifications.tree.iter().flat_map(|tree| tree.all());
    let mut known = BTreeSet::new();
    for route in routes.filter(|route| route.receiver() == receiver) {
        for label in route
            .settings
            .get("group_by")
            .into_iter()
            .flat_map(Value::items)
        {
            let label = plain(label);
            if label == EACH {
                return None;
            }
            known.insert(label);
        }
    }
    Some(known)
}
