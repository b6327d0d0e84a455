//! The Alertmanager's container: with which flags it is started.

use crate::catalog::Duration;
use crate::stack::containers::Project;

/// A container that runs an Alertmanager.
pub(crate) struct Server {
    /// Its host name in compose.
    pub(crate) name: String,
    /// Flags and their values.
    flags: Vec<(String, String)>,
}

impl Server {
    /// Every one that compose starts.
    pub(crate) fn all(project: &Project) -> Vec<Server> {
        let containers = project.running("alertmanager");
        containers
            .map(|container| {
                let flags = container.process.flags.iter();
                Server {
                    name: container.name.clone(),
                    flags: flags
                        .map(|flag| (flag.name.clone(), flag.value.clone()))
                        .collect(),
                }
            })
            .collect()
    }

    /// The value of a flag.
    pub(crate) fn flag(&self, name: &str) -> Option<&str> {
        let mut flags = self.flags.iter();
        let (_, value) = flags.find(|(known, _)| known == name)?;
        Some(value)
    }

    /// The port that it listens at.
    pub(crate) fn port(&self) -> &str {
        let address = self.flag("web.listen-address").unwrap_or(":9093");
        address.rsplit(':').next().unwrap_or_default()
    }

    /// Where its API begins: the route prefix, by default the path of the address that people open it at.
    pub(crate) fn prefix(&self) -> &str {
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
