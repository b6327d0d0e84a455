//! What a notification becomes of an alert, beside what monstack's own text becomes of it.

use super::Facts;
use crate::diagnostic::Diagnostic;
use crate::proofs::place;
use crate::stack::document::walk;
use crate::stack::files::Files;
use crate::stack::notifications::receivers::{self, tells_of_the_end};
use crate::stack::notifications::texts;
use crate::value::Value;

/// Where the texts of an entry are written.
fn templates(entry: &Value) -> Vec<String> {
    let mut found = Vec::new();
    walk(entry, &mut |pointer, _, value| {
        let template = value.as_str().is_some_and(|text| text.contains("{{"));
        found.extend(template.then(|| pointer.to_string()));
    });
    found
}

impl Facts<'_, '_> {
    pub(super) fn notifications(&self) -> Vec<Diagnostic> {
        let mut found = Vec::new();
        let own = Files::of(&self.own.files).alertmanager();
        let (Some(notifications), Some(own)) = (self.stack.notifications(), own) else {
            return found;
        };
        let Some(firing) = notifications.alerts.real.first() else {
            return found;
        };
        let labels = firing.labels();
        let meant = receivers::all(&own.value);
        for receiver in &notifications.receivers {
            let mut meant = meant.iter().filter(|own| own.name == receiver.name);
            let Some(meant) = meant.next() else { continue };
            let meant = meant.integrations();
            for (at, (pointer, kind, entry)) in receiver.integrations().into_iter().enumerate() {
                let own = meant.get(at).filter(|(_, own, _)| *own == kind);
                let Some((_, _, own)) = own.filter(|(_, _, own)| *own != entry) else {
                    continue;
                };
                let told = entry["send_resolved"].as_bool();
                let told = told.unwrap_or(tells_of_the_end(kind));
                for key in templates(entry) {
                    let text = |entry: &Value| Some(entry.pointer(&key)?.as_str()?.to_string());
                    let (Some(own), Some(text)) = (text(own), text(entry)) else {
                        continue;
                    };
                    if own == text {
                        continue;
                    }
                    let [fires, ended] = [true, false].map(|fires| {
                        let read = |text: &str| texts::written(text, labels, fires).ok();
                        read(&own).zip(read(&text))
                    });
                    let wrong = fires.as_ref().and_then(|(own, text)| {
                        self.in_text(
                            &format!("the {kind} of `{}`", receiver.name),
                            own,
                            text,
                            None,
                        )
                    });
                    let silent = |both: &(String, String)| {
                        !both.0.trim().is_empty() && both.1.trim().is_empty()
                    };
                    let unsaid = told && ended.as_ref().is_some_and(silent);
                    let unsaid = unsaid && fires.is_some_and(|both| !both.1.trim().is_empty());
                    let wrong = wrong.or_else(|| {
                        unsaid.then(|| {
                            (
                                format!("the {kind} of `{}` says nothing of an alert that has ended", receiver.name),
                                "speak of `.Alerts`, or send nothing of the end: `send_resolved: false`".to_string(),
                            )
                        })
                    });
                    let at = format!("{pointer}{key}");
                    let path = &notifications.file.path;
                    found.extend(wrong.map(|(message, help)| place::at(path, at, message, help)));
                }
            }
        }
        found
    }
}
