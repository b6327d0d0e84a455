//! What an image is called: `[registry/]repository[:tag][@digest]`.

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
