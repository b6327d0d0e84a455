//! What a mistyped word was probably meant to be.

/// The candidate that `word` was probably meant to be: one that it starts with, as `postgres_exporter` does with
/// `postgres`; one that is at most a quarter of it, and one, mistyped; or the only one that ends with it, as
/// `auth_username` does with `username`.
pub fn nearest<'a>(
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
    if let Some(candidate) = within(word, candidates.clone(), 1 + length / 4) {
        return Some(candidate);
    }
    let mut ends = candidates.into_iter().filter(|candidate| {
        let rest = candidate.strip_suffix(word);
        rest.is_some_and(|rest| rest.ends_with(['-', '_']))
    });
    ends.next().filter(|_| ends.next().is_none())
}

/// The known name that a word nearly is, and surely meant to be: two letters of a long word differ, or one of a short one.
pub fn mistyped<'a>(
    word: &str,
    known: impl IntoIterator<Item = &'a str> + Clone,
) -> Option<&'a str> {
    let most = if word.len() < 8 { 1 } else { 2 };
    let is_known = known.clone().into_iter().any(|known| known == word);
    if is_known {
        return None;
    }
    within(word, known, most)
}

/// A word of a pattern that is a list of some, as `paid|shipped`, and the known value that it surely was meant to be: one that the
/// pattern leaves out.
pub fn mistyped_part<'p, 'a>(
    pattern: &'p str,
    known: impl IntoIterator<Item = &'a str> + Clone,
) -> Option<(&'p str, &'a str)> {
    let inside = pattern.strip_prefix('^').unwrap_or(pattern);
    let inside = inside.strip_suffix('$').unwrap_or(inside);
    let group = inside
        .strip_prefix("(?:")
        .or_else(|| inside.strip_prefix('('));
    let inside = group
        .and_then(|group| group.strip_suffix(')'))
        .unwrap_or(inside);
    let words: Vec<&str> = inside.split('|').collect();
    let plain = |word: &&str| {
        let mut letters = word.chars();
        letters.all(|letter| letter.is_ascii_alphanumeric() || ['_', '-'].contains(&letter))
    };
    if words.len() < 2 || !words.iter().all(plain) {
        return None;
    }
    let meant = |word: &&'p str| {
        let near = surely_meant(word, known.clone())?;
        (!words.contains(&near)).then_some((*word, near))
    };
    words.iter().find_map(meant)
}

/// The known name that a word of more than a few letters surely was meant to be. Two with other digits are two, and not one mistyped.
pub fn surely_meant<'a>(
    word: &str,
    known: impl IntoIterator<Item = &'a str> + Clone,
) -> Option<&'a str> {
    let digits = |text: &str| -> String { text.chars().filter(char::is_ascii_digit).collect() };
    let near = mistyped(word, known).filter(|_| word.len() > 3)?;
    (digits(near) == digits(word)).then_some(near)
}

/// The candidate with the fewest mistakes in it, of those with at most so many.
fn within<'a>(
    word: &str,
    candidates: impl IntoIterator<Item = &'a str>,
    most: usize,
) -> Option<&'a str> {
    let length = word.chars().count();
    let mistyped = candidates
        .into_iter()
        // Each character more or less is one mistake; a long text is not compared with every short name.
        .filter(|candidate| candidate.chars().count().abs_diff(length) <= most)
        .map(|candidate| (strsim::damerau_levenshtein(word, candidate), candidate))
        .filter(|(mistakes, _)| *mistakes <= most);
    let (_, candidate) = mistyped.min_by_key(|(mistakes, _)| *mistakes)?;
    Some(candidate)
}

/// So many are listed.
const SHOWN: usize = 12;

/// How much a name looks like a word that somebody may have meant by it, of 1.
const ALIKE: f64 = 0.75;

/// "did you mean `port`?", or the possible words when none is near.
pub fn suggestion<'a>(word: &str, candidates: impl IntoIterator<Item = &'a str> + Clone) -> String {
    match nearest(word, candidates.clone()) {
        Some(candidate) => format!("did you mean `{candidate}`?"),
        None => {
            let all: Vec<&str> = candidates.into_iter().collect();
            // Of many those that look like the word, and then the first.
            let like = |candidate: &&&str| strsim::jaro_winkler(word, candidate) >= ALIKE;
            let unlike = all.iter().filter(|candidate| !like(candidate));
            let mut shown: Vec<&str> = all
                .iter()
                .filter(like)
                .chain(unlike)
                .take(SHOWN)
                .copied()
                .collect();
            shown.sort_by_key(|candidate| all.iter().position(|one| one == candidate));
            let shown: Vec<String> = shown.iter().map(|word| format!("`{word}`")).collect();
            let shown = shown.join(", ");
            let rest = all.len().saturating_sub(SHOWN);
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
pub fn suggestion_or<'a>(
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
