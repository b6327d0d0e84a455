//! The Alertmanager's container: with which flags it is started.

use crate::catalog::Duration;
use crate::json::Parts;
use crate::stack::files::Files;
use serde_json::Value;

/// Of images that are one, whoever built them.
const IMAGE: &str = "alertmanager";

/// A container that runs an Alertmanager.
pub(crate) struct Server<'a> {
    /// Its host name in compose.
    pub(crate) name: &'a str,
    flags: Vec<&'a str>,
}

impl<'a> Server<'a> {
    /// Every one that compose starts.
    pub(crate) fn all(files: Files<'a>) -> Vec<Server<'a>> {
        let containers = files.containers();
        let runs = |container: &Value| {
            let image = container["image"].as_str().unwrap_or_default();
            let name = image.rsplit('/').next().unwrap_or_default();
            name.contains(IMAGE)
        };
        containers
            .filter(|(_, _, container)| runs(container))
            .map(|(_, name, container)| Server {
                name,
                flags: words(&container["command"]),
            })
            .collect()
    }

    /// The value of a flag, with one dash or two, behind `=` or in the next word.
    pub(crate) fn flag(&self, name: &str) -> Option<&'a str> {
        self.flags.iter().enumerate().find_map(|(index, flag)| {
            let rest = flag.trim_start_matches('-').strip_prefix(name)?;
            match rest.strip_prefix('=') {
                Some(value) => Some(value),
                None if rest.is_empty() => self.flags.get(index + 1).copied(),
                None => None,
            }
        })
    }

    /// The port that it listens at.
    pub(crate) fn port(&self) -> &'a str {
        let address = self.flag("web.listen-address").unwrap_or(":9093");
        address.rsplit(':').next().unwrap_or_default()
    }

    /// Where its API begins: the route prefix, by default the path of the address that people open it at.
    pub(crate) fn prefix(&self) -> &'a str {
        let external = || {
            let (_, behind) = self.flag("web.external-url")?.split_once("://")?;
            behind.find('/').map(|at| &behind[at..])
        };
        let prefix = self.flag("web.route-prefix").or_else(external);
        prefix.unwrap_or_default().trim_end_matches('/')
    }

    /// How long it remembers what it has notified.
    pub(crate) fn retention(&self) -> Duration {
        let said = self.flag("data.retention").and_then(Duration::parse);
        said.unwrap_or(RETENTION)
    }
}

/// The Alertmanager's own `--data.retention`: 120 hours.
pub(crate) const RETENTION: Duration = Duration(120 * 3_600_000);

/// A command as a list, or as one text.
fn words(command: &Value) -> Vec<&str> {
    match command.as_str() {
        Some(text) => text.split_whitespace().collect(),
        None => command.texts().collect(),
    }
}
