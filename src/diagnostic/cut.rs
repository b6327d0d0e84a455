//! What users write can be as long as they like; what is said of it stays readable.

use super::{Diagnostic, Place};

/// Characters of one quotation: what stands between backticks or quotes, or a word without a space.
const QUOTED: usize = 200;

/// Characters of one sentence with all that it quotes.
const WHOLE: usize = 1500;

/// The same finding with its texts cut to what a person reads.
pub fn cut(diagnostic: &Diagnostic) -> Diagnostic {
    let mut short = diagnostic.clone();
    for text in [&mut short.message, &mut short.help, &mut short.label]
        .into_iter()
        .chain(short.others.iter_mut().map(|(_, text)| text))
    {
        *text = sentence(text);
    }
    for place in
        std::iter::once(&mut short.place).chain(short.others.iter_mut().map(|(place, _)| place))
    {
        if let Place::Line { text, .. } = place {
            *text = middle(text, WHOLE);
        }
    }
    short
}

/// A sentence in which nothing quoted is longer than a person reads; both ends of it stay, as they tell most.
fn sentence(text: &str) -> String {
    if text.len() <= QUOTED {
        return text.to_string();
    }
    let words = |part: &str| {
        part.split(' ')
            .map(|word| middle(word, QUOTED))
            .collect::<Vec<_>>()
            .join(" ")
    };
    let parts: Vec<&str> = text.split('`').collect();
    // Between a pair of backticks something is quoted; a text with one backtick has no quotation.
    let paired = parts.len() % 2 == 1;
    let short = parts.iter().enumerate().map(|(index, part)| {
        if paired && index % 2 == 1 {
            middle(part, QUOTED)
        } else {
            words(part)
        }
    });
    middle(&short.collect::<Vec<_>>().join("`"), WHOLE)
}

/// The beginning and the end of a text that is longer than `most` characters.
fn middle(text: &str, most: usize) -> String {
    let count = text.chars().count();
    if count <= most {
        return text.to_string();
    }
    let (begin, end) = (most * 3 / 4, most / 4);
    let first: String = text.chars().take(begin).collect();
    let last: String = text.chars().skip(count - end).collect();
    format!("{first} … {} characters … {last}", count - begin - end)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_quotations_are_cut_and_sentences_stay() {
        let long = "é".repeat(1_000_000);
        let finding = Diagnostic::error(
            "syntax",
            Place::File(String::new()),
            format!("`{long}` is not `{long}`, and that is that"),
        )
        .help(format!("remove {long}"))
        .label(long.clone())
        .also(
            Place::Line {
                file: String::new(),
                line: 1,
                text: long.clone(),
            },
            long.clone(),
        );
        let short = cut(&finding);
        assert!(
            short.message.starts_with("`éé")
                && short.message.ends_with("é`, and that is that")
                && short.message.contains("` is not `"),
            "{}",
            short.message
        );
        assert!(
            short.message.contains("… 999800 characters …"),
            "{}",
            short.message
        );
        for text in [
            &short.message,
            &short.help,
            &short.label,
            &short.others[0].1,
        ] {
            assert!(text.chars().count() <= 2 * QUOTED + 100, "{text}");
        }
        assert!(short.help.starts_with("remove é"));
        let sentence = format!("one of {}", ["`checkout`"; 12].join(", "));
        assert_eq!(cut(&finding.clone().help(sentence.clone())).help, sentence);
    }
}
