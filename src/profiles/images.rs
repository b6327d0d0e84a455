//! What an image is called: `[registry/]repository[:tag][@digest]`.

use serde::{Deserialize, Deserializer};
use std::fmt;

/// Of a program: `0.12`, and as a tag writes it `v0.12.1`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Version(Vec<u32>);

impl Version {
    /// None: it is a word (`latest`), or only a part of the number, which many versions have (`0`).
    pub(crate) fn of(tag: &str) -> Option<Version> {
        let number = tag.strip_prefix('v').unwrap_or(tag);
        let number = number.split('-').next().unwrap_or_default();
        let parts: Option<Vec<u32>> = number.split('.').map(|part| part.parse().ok()).collect();
        parts.filter(|parts| parts.len() > 1).map(Version)
    }
}

impl<'de> Deserialize<'de> for Version {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Version, D::Error> {
        let text = String::deserialize(deserializer)?;
        let wrong = || {
            let message = format!("`{text}` is no version: write it as `0.12` or `1.4.2`");
            serde::de::Error::custom(message)
        };
        Version::of(&text).ok_or_else(wrong)
    }
}

impl fmt::Display for Version {
    fn fmt(&self, formatter: &mut fmt::Formatter) -> fmt::Result {
        let parts: Vec<String> = self.0.iter().map(u32::to_string).collect();
        formatter.write_str(&parts.join("."))
    }
}

/// Its repository, with the registry, and its tag.
pub fn parted(reference: &str) -> (&str, &str) {
    let whole = reference.split('@').next().unwrap_or_default();
    match whole.rsplit_once(':') {
        Some((repository, tag)) if !tag.contains('/') => (repository, tag),
        _ => (whole, ""),
    }
}

/// Whether a repository is one of the known ones, in whichever registry.
pub fn is_one_of(repository: &str, known: &[String]) -> bool {
    known.iter().any(|known| {
        let before = repository.strip_suffix(known.as_str());
        before.is_some_and(|before| before.is_empty() || before.ends_with('/'))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tags_are_versions_where_they_say_one() {
        let version = |text| Version::of(text).expect("a version");
        assert!(version("v0.9.1") < version("0.12"));
        assert!(version("0.12") <= version("v0.12.0"));
        assert!(version("0.20.1-alpine") >= version("0.20"));
        assert_eq!(Version::of("latest"), None);
        assert_eq!(Version::of("8"), None);
        assert_eq!(Version::of(""), None);
    }
}
