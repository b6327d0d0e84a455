//! An exporter's image is known: where it answers, and what it exposes.

use super::{Lint, set_at};
use crate::catalog::Service;
use crate::diagnostic::{Diagnostic, Place};
use crate::source::step;

pub(crate) const LINT: Lint = Lint {
    code: "mistaken-exporter",
    doc: "An exporter that listens at another port than it is asked at is down permanently; with another exporter's profile, or told to name its metrics otherwise, it answers, and every alert and panel on the profile's metrics is silent.",
    bad: "[services.redis]\ngroup = \"web\"\nport = 6379\nruntime = \"go\"\nimage = \"oliver006/redis_exporter:v1.77.0\"\nprofiles = [\"redis\"]\n",
    good: "[services.redis]\ngroup = \"web\"\nport = 9121\nruntime = \"go\"\nimage = \"oliver006/redis_exporter:v1.77.0\"\nprofiles = [\"redis\"]\n",
    check: |catalog, source| {
        let mut found = Vec::new();
        for service in catalog.services.iter().filter(|service| service.container) {
            // Every profile is read for it.
            let Some(image) = service.image.as_deref() else {
                continue;
            };
            let Some((profile, exporter)) = catalog.profiles.of_image(image) else {
                continue;
            };
            let key = format!("/services/{}", step(&service.name));
            let mut say = |place: Place, message: String, help: String| {
                found.push(Diagnostic::error("mistaken-exporter", place, message).help(help));
            };
            let own = |name: &String| catalog.profiles.first_name(name) == profile;
            let of_another = service.profiles.iter().find(|name| {
                let known = catalog.profiles.get(name);
                known.is_some_and(|known| known.exporter.is_some())
            });
            if let Some(other) = of_another.filter(|_| !service.profiles.iter().any(own)) {
                say(
                    set_at(source, service, "profiles"),
                    format!("`{image}` exposes the profile `{profile}`, and not `{other}`"),
                    format!("write `profiles = [\"{profile}\"]`"),
                );
            }
            let told = |names: &[String]| names.iter().rev().find_map(|name| said(service, name));
            let (place, port) = match told(&exporter.listen) {
                Some((pointer, value)) => (
                    Some(pointer),
                    value.rsplit(':').next().unwrap_or_default().parse().ok(),
                ),
                None => (None, Some(exporter.port)),
            };
            let asked = service.instances[0].ports()[0];
            if let Some(port) = port.filter(|port| *port != asked) {
                let place = match place {
                    Some(pointer) => Place::Value(format!("{key}/{pointer}")),
                    None => set_at(source, service, "image"),
                };
                say(
                    place,
                    format!(
                        "`{}` listens at port {port}, and its metrics are asked for at port {asked}",
                        service.name
                    ),
                    format!("write `port = {port}`, or let it listen at {asked}"),
                );
            }
            // Unless it is told another, others than /metrics may be of other targets: `/scrape?target=…`.
            let path = told(&exporter.path).filter(|_| service.path == "/metrics");
            if let Some((pointer, serves)) = path.filter(|(_, serves)| serves != "/metrics") {
                say(
                    Place::Value(format!("{key}/{pointer}")),
                    format!(
                        "`{}` has its metrics at {serves}, and is asked for them at /metrics",
                        service.name
                    ),
                    format!("write `metrics_path = \"{serves}\"`, or let it have them at /metrics"),
                );
            }
            if let Some((pointer, _)) =
                told(&exporter.renames).filter(|_| service.profiles.iter().any(own))
            {
                say(
                    Place::Value(format!("{key}/{pointer}")),
                    format!(
                        "told this, `{}` names its metrics otherwise than the profile `{profile}`",
                        service.name
                    ),
                    format!(
                        "remove it, or write profiles/{profile}.toml with the names that it has then"
                    ),
                );
            }
        }
        found
    },
};

/// Where a service is told something by a flag or a variable of this name, below its table, and what.
fn said(service: &Service, name: &str) -> Option<(String, String)> {
    if let Some(value) = service.environment.get(name) {
        return Some((format!("environment/{}", step(name)), value.clone()));
    }
    let words = service.command.iter().enumerate();
    let mut flags = words.filter_map(|(index, word)| {
        let flag = word.strip_prefix("--").or_else(|| word.strip_prefix('-'))?;
        let (flag, value) = match flag.split_once('=') {
            Some((flag, value)) => (flag, value.to_string()),
            None => (
                flag,
                service.command.get(index + 1).cloned().unwrap_or_default(),
            ),
        };
        (flag == name).then(|| (format!("command/{index}"), value))
    });
    flags.next_back()
}
