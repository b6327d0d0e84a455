//! What a mistyped word was probably meant to be.

/// The candidate that `word` was probably meant to be: one that it starts with, as `postgres_exporter` does with
/// `postgres`; one that is at most a quarter of it, and one, mistyped; or the only one that ends with it, as
/// `auth_username` does with `username`.
pub(crate) fn nearest<'a>(
    word: &str,
    candidates: impl IntoIterator<Item = &'a str> + Clone,
) -> Option<&'a str> {
    let begins = |candidate: &&str| {
        let rest = word.strip_prefix(*candidate);
        rest.is_some_and(|rest| rest.starts_with(['-', '_']))
    };
    let longest = candidates.clone().into_iter().filter(begins);
    if let Some(candidate) = longest.max_by_key(|candidate| candidate.len()) {
        return Some(candidate);
    }
    let length = word.chars().count();
    let most = 1 + length / 4;
    let mistyped = candidates
        .clone()
        .into_iter()
        // Each character more or less is one mistake; a long text is not compared with every short name.
        .filter(|candidate| candidate.chars().count().abs_diff(length) <= most)
        .map(|candidate| (strsim::damerau_levenshtein(word, candidate), candidate))
        .filter(|(distance, _)| *distance <= most)
        .min_by_key(|(distance, _)| *distance);
    if let Some((_, candidate)) = mistyped {
        return Some(candidate);
    }
    let mut ends = candidates.into_iter().filter(|candidate| {
        let rest = candidate.strip_suffix(word);
        rest.is_some_and(|rest| rest.ends_with(['-', '_']))
    });
    ends.next().filter(|_| ends.next().is_none())
}

/// The known name that a word nearly is, and surely meant to be: two letters of a long word differ, or one of a short one.
pub(crate) fn mistyped<'a>(
    word: &str,
    known: impl IntoIterator<Item = &'a str>,
) -> Option<&'a str> {
    let most = if word.len() < 8 { 1 } else { 2 };
    let known = known.into_iter();
    let apart = known.map(|known| (strsim::damerau_levenshtein(word, known), known));
    let (letters, meant) = apart.min_by_key(|(letters, _)| *letters)?;
    (1..=most).contains(&letters).then_some(meant)
}

/// "did you mean `port`?", or the possible words when none is near.
pub(crate) fn suggestion<'a>(
    word: &str,
    candidates: impl IntoIterator<Item = &'a str> + Clone,
) -> String {
    match nearest(word, candidates.clone()) {
        Some(candidate) => format!("did you mean `{candidate}`?"),
        None => {
            let all: Vec<&str> = candidates.into_iter().collect();
            let shown = all
                .iter()
                .take(12)
                .map(|word| format!("`{word}`"))
                .collect::<Vec<_>>()
                .join(", ");
            let rest = all.len().saturating_sub(12);
            let more = if rest > 0 {
                format!(" and {rest} more")
            } else {
                String::new()
            };
            if all.is_empty() {
                "there is none yet".into()
            } else {
                format!("choose one of {shown}{more}")
            }
        }
    }
}

/// The same, or something else to do.
pub(crate) fn suggestion_or<'a>(
    word: &str,
    candidates: impl IntoIterator<Item = &'a str> + Clone,
    otherwise: &str,
) -> String {
    if candidates.clone().into_iter().next().is_none() {
        return otherwise.to_string();
    }
    let sentence = suggestion(word, candidates);
    match sentence.ends_with('?') {
        true => format!("{sentence} Or {otherwise}"),
        false => format!("{sentence}, or {otherwise}"),
    }
}
