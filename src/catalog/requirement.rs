//! Which versions of monstack a catalog is written for.

use crate::diagnostic::{Diagnostic, Place};
use crate::source::Source;
use semver::{Version, VersionReq};

const KEY: &str = "monstack";

/// What a catalog has against the program that reads it, if that is not of a version that it asks for, or if nobody can tell.
pub(crate) fn unmet(source: &Source) -> Option<Diagnostic> {
    let written = source.value[KEY].as_str()?;
    let place = || Place::Value(format!("/{KEY}"));
    let own: Version = env!("CARGO_PKG_VERSION")
        .parse()
        .expect("Cargo has read it");
    match VersionReq::parse(written) {
        Ok(wanted) if wanted.matches(&own) => None,
        Ok(_) => Some(
            Diagnostic::error(
                "other-version",
                place(),
                format!("this is monstack {own}, and the catalog asks for {written}"),
            )
            .help("install a version that it asks for; what else is wrong with it is not said, because this one may not know its keys"),
        ),
        Err(error) => Some(
            Diagnostic::error(
                "invalid-value",
                place(),
                format!("`{KEY}` is no version that can be asked for: {error}"),
            )
            .help("write it as `\">=0.1\"`"),
        ),
    }
}
