//! What is known of an image: whether it answers a scrape, where, and what it is built on.

use crate::profiles::Profiles;
use crate::profiles::images::{is_one_of, parted};
use serde::Deserialize;
use std::sync::{Arc, LazyLock};

/// An image that answers a scrape.
pub(super) struct Answers {
    pub(super) profile: Option<&'static str>,
    /// TCP port of the container, unless it is told another.
    pub(super) port: u16,
    /// The flags that tell it another.
    pub(super) listen: &'static [String],
}

#[derive(Deserialize)]
struct Known {
    images: Vec<Image>,
}

#[derive(Deserialize)]
struct Image {
    repositories: Vec<String>,
    port: u16,
}

static KNOWN: LazyLock<Known> =
    LazyLock::new(|| toml::from_str(include_str!("images.toml")).expect("images.toml is a table"));

static PROFILES: LazyLock<Arc<Profiles>> = LazyLock::new(Profiles::built_in);

/// What is known of an image, with its registry and its owner as it is written.
pub(super) fn answers(image: &str) -> Option<Answers> {
    if let Some((profile, exporter)) = PROFILES.of_image(image) {
        return Some(Answers {
            profile: Some(profile),
            port: exporter.port,
            listen: &exporter.listen,
        });
    }
    let (repository, _) = parted(image);
    let known = KNOWN.images.iter();
    let mut known = known.filter(|known| is_one_of(repository, &known.repositories));
    known.next().map(|known| Answers {
        profile: None,
        port: known.port,
        listen: &[],
    })
}

/// Programs by which the words of a command tell what an application is written in.
const PROGRAMS: [(&str, &str); 9] = [
    ("python", "python"),
    ("python3", "python"),
    ("gunicorn", "python"),
    ("uvicorn", "python"),
    ("celery", "python"),
    ("node", "node"),
    ("npm", "node"),
    ("java", "client_java"),
    ("dotnet", "dotnet"),
];

/// The runtime that a command starts.
pub(super) fn started(words: &str) -> Option<&'static str> {
    let first = words.split_whitespace().next()?;
    let program = first.rsplit('/').next().unwrap_or(first);
    let mut known = PROGRAMS.iter();
    known
        .find(|(known, _)| *known == program)
        .map(|(_, runtime)| *runtime)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_image_is_known_wherever_it_is_kept() {
        for (image, wanted) in [
            ("rabbitmq:4.0-management", Some(15692)),
            ("registry.example.org:5000/mirror/rabbitmq", Some(15692)),
            ("prom/node-exporter:v1.9.0", Some(9100)),
            (
                "quay.io/prometheuscommunity/postgres-exporter@sha256:00",
                Some(9187),
            ),
            ("registry.example.org:5000/own/app", None),
        ] {
            assert_eq!(answers(image).map(|known| known.port), wanted, "{image}");
        }
    }
}
