//! The more urgent of two severities is the louder one.

use super::Lint;
use crate::catalog::Catalog;
use crate::diagnostic::{Diagnostic, Place};
use crate::source::step;
use crate::value::Value;
use std::collections::HashMap;
use std::slice;

/// Who calls people until somebody answers.
pub(crate) const CALLS: [&str; 3] = ["opsgenie", "pagerduty", "victorops"];

/// Where a text stands until somebody looks.
const WRITES: [&str; 8] = [
    "discord",
    "email",
    "mattermost",
    "msteams",
    "msteamsv2",
    "rocketchat",
    "slack",
    "webex",
];

pub(crate) const LINT: Lint = Lint {
    code: "louder-for-less",
    doc: "A severity that calls people while a more urgent one is written into a chat: the two are exchanged. At night the outage waits to be read, and the warning wakes somebody.",
    bad: "[alerts.Down]\nkind = \"down\"\nfor = \"5m\"\nseverity = \"critical\"\n\n[receivers.pager.pagerduty]\nrouting_key_file = \"/etc/alertmanager/secrets/key\"\n\n[receivers.chat.slack]\nchannel = \"#web\"\napi_url_file = \"/etc/alertmanager/secrets/url\"\n\n[alertmanager.routes]\ncritical = \"chat\"\nwarning = \"pager\"\n",
    good: "[alerts.Down]\nkind = \"down\"\nfor = \"5m\"\nseverity = \"critical\"\n\n[receivers.pager.pagerduty]\nrouting_key_file = \"/etc/alertmanager/secrets/key\"\n\n[receivers.chat.slack]\nchannel = \"#web\"\napi_url_file = \"/etc/alertmanager/secrets/url\"\n\n[alertmanager.routes]\ncritical = \"pager\"\nwarning = \"chat\"\n",
    check: |catalog, _| {
        let routes = catalog.alertmanager.routes.iter();
        let routes =
            routes.map(|(severity, receiver)| (severity.as_str(), slice::from_ref(receiver)));
        let of_all = exchanged("/alertmanager/routes", &routes.collect(), catalog);
        let of_owners = catalog.owners.iter().filter_map(|owner| {
            let told = catalog.severities.names().map(|severity| {
                let mut own = owner.receivers.iter();
                let own = own.find(|(known, _)| known == severity);
                (
                    severity,
                    own.map_or(&owner.default, |(_, told)| told).as_slice(),
                )
            });
            exchanged(
                &format!("/owners/{}", step(&owner.name)),
                &told.collect(),
                catalog,
            )
        });
        of_all.into_iter().chain(of_owners).collect()
    },
};

/// told: severity → its receivers.
fn exchanged(
    table: &str,
    told: &HashMap<&str, &[String]>,
    catalog: &Catalog,
) -> Option<Diagnostic> {
    let integrations = |severity: &str| -> Vec<&str> {
        let receivers = told.get(severity).copied().unwrap_or_default();
        let written = receivers
            .iter()
            .filter_map(|name| catalog.receivers.get(name));
        let integrations = written.flat_map(Value::entries);
        integrations
            .map(|(integration, _)| integration.as_str())
            .collect()
    };
    let written = |severity: &str| {
        let all = integrations(severity);
        !all.is_empty() && all.iter().all(|integration| WRITES.contains(integration))
    };
    let called = |severity: &str| {
        let mut all = integrations(severity).into_iter();
        all.any(|integration| CALLS.contains(&integration))
    };
    let severities: Vec<&str> = catalog.severities.names().collect();
    let at = severities.iter().position(|severity| written(severity))?;
    let less = severities[at + 1..].iter().find(|less| called(less))?;
    let more = severities[at];
    Some(
        Diagnostic::error(
            "louder-for-less",
            Place::Key(table.to_string()),
            format!(
                "{less} alerts call people, and {more} ones are written where somebody may look"
            ),
        )
        .help(format!("exchange the receivers of `{more}` and `{less}`")),
    )
}
