//! What a text says, sentence by sentence, and where two sentences that are otherwise alike differ.

use super::markdown::Spot;

/// One word of a sentence: a name, a number with its unit, what is filled in.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Word<'a> {
    pub(crate) line: usize,
    pub(crate) text: &'a str,
    /// Whether it stands in a command, or between marks of code.
    pub(crate) code: bool,
}

impl Word<'_> {
    /// Whether something is filled in here.
    pub(crate) fn is_hole(&self) -> bool {
        self.text.starts_with("{{")
    }

    fn is(&self, other: &Word) -> bool {
        match self.is_hole() && other.is_hole() {
            true => self
                .text
                .split_whitespace()
                .eq(other.text.split_whitespace()),
            false if self.code && other.code => self.text == other.text,
            false => self.text.eq_ignore_ascii_case(other.text),
        }
    }

    /// Whether it holds a sentence together and says nothing by itself.
    fn is_glue(&self) -> bool {
        !self.code && GLUE.contains(&self.text.to_ascii_lowercase().as_str())
    }
}

/// Words that two ways to say the same thing differ in.
const GLUE: [&str; 22] = [
    "a", "an", "and", "are", "at", "be", "been", "for", "has", "have", "in", "is", "it", "its",
    "of", "that", "the", "there", "this", "to", "was", "were",
];

/// A sentence, a row of a table, or a line of a command.
#[derive(Clone, Debug)]
pub(crate) struct Sentence<'a> {
    pub(crate) words: Vec<Word<'a>>,
    /// Whether it is a row of a table.
    pub(crate) row: bool,
}

impl<'a> Sentence<'a> {
    /// The words that say something.
    fn telling(&self) -> Vec<Word<'a>> {
        let words = self.words.iter().filter(|word| !word.is_glue());
        words.copied().collect()
    }

    pub(crate) fn is(&self, other: &Sentence) -> bool {
        self.words.len() == other.words.len()
            && (self.words.iter().zip(&other.words)).all(|(one, other)| one.is(other))
    }

    /// As it reads, without what is between its words.
    pub(crate) fn said(&self) -> String {
        let words: Vec<&str> = self.words.iter().map(|word| word.text).collect();
        words.join(" ")
    }

    /// The word before this one.
    pub(crate) fn before(&self, word: &Word) -> Option<&'a str> {
        let at = self.position(word)?.checked_sub(1)?;
        Some(self.words[at].text)
    }

    /// The word after this one.
    pub(crate) fn after(&self, word: &Word) -> Option<&'a str> {
        let at = self.position(word)? + 1;
        self.words.get(at).map(|word| word.text)
    }

    fn position(&self, word: &Word) -> Option<usize> {
        let mut words = self.words.iter();
        words.position(|one| std::ptr::eq(one.text, word.text))
    }
}

/// Where one sentence has other words than the other: both may be empty.
pub(crate) struct Difference<'a> {
    pub(crate) meant: Vec<Word<'a>>,
    pub(crate) said: Vec<Word<'a>>,
}

/// A longer sentence is a table of numbers, which nobody words.
const LONG: usize = 120;

/// Where they differ; None: less than half of either is in both, so that they are different sentences.
pub(crate) fn differences<'a>(
    meant: &Sentence<'a>,
    said: &Sentence<'a>,
) -> Option<Vec<Difference<'a>>> {
    let (meant, said) = (meant.telling(), said.telling());
    if meant.len() > LONG || said.len() > LONG {
        return None;
    }
    let same = common(&meant, &said);
    if same.is_empty() || 2 * same.len() < meant.len() || 2 * same.len() < said.len() {
        return None;
    }
    let (mut found, mut from) = (Vec::new(), (0, 0));
    for (one, other) in same.into_iter().chain([(meant.len(), said.len())]) {
        if from != (one, other) {
            found.push(Difference {
                meant: meant[from.0..one].to_vec(),
                said: said[from.1..other].to_vec(),
            });
        }
        from = (one + 1, other + 1);
    }
    Some(found)
}

/// The longest row of words that both have in this order, by their places.
fn common(meant: &[Word], said: &[Word]) -> Vec<(usize, usize)> {
    let width = said.len() + 1;
    let mut most = vec![0usize; (meant.len() + 1) * width];
    for one in (0..meant.len()).rev() {
        for other in (0..said.len()).rev() {
            most[one * width + other] = match meant[one].is(&said[other]) {
                true => most[(one + 1) * width + other + 1] + 1,
                false => most[(one + 1) * width + other].max(most[one * width + other + 1]),
            };
        }
    }
    let (mut one, mut other, mut found) = (0, 0, Vec::new());
    while one < meant.len() && other < said.len() {
        if meant[one].is(&said[other]) {
            found.push((one, other));
            (one, other) = (one + 1, other + 1);
        } else if most[(one + 1) * width + other] >= most[one * width + other + 1] {
            one += 1;
        } else {
            other += 1;
        }
    }
    found
}

/// The sentences of a text by itself: an annotation, a title.
pub(crate) fn of_text(text: &str) -> Vec<Sentence<'_>> {
    let lines = text.lines().map(|text| Spot { line: 0, text });
    of_lines(lines)
}

/// The sentences of a section of a document. Blocks of PromQL are left out: they are no sentences.
pub(crate) fn of_lines<'a>(lines: impl IntoIterator<Item = Spot<'a>>) -> Vec<Sentence<'a>> {
    let mut reader = Reader::default();
    // The language of the block that is open.
    let mut block: Option<&str> = None;
    for spot in lines {
        let text = spot.text.trim();
        if let Some(language) = text.strip_prefix("```") {
            reader.end();
            block = block.is_none().then_some(language.trim());
            continue;
        }
        match block {
            Some("promql") => {}
            Some(_) => reader.line(spot, true),
            None if text.starts_with('|') => reader.line(spot, false),
            None => {
                let first = text.split_whitespace().next().unwrap_or_default();
                let counted = first.trim_end_matches('.').parse::<u32>().is_ok();
                let item = counted && first.ends_with('.');
                if text.is_empty() || item || ["-", "*"].contains(&first) || text.starts_with('#') {
                    reader.end();
                }
                let text = if item { &text[first.len()..] } else { text };
                reader.words(Spot { text, ..spot }, false);
            }
        }
    }
    reader.end();
    reader.found
}

#[derive(Default)]
struct Reader<'a> {
    words: Vec<Word<'a>>,
    row: bool,
    found: Vec<Sentence<'a>>,
}

impl<'a> Reader<'a> {
    fn end(&mut self) {
        let words = std::mem::take(&mut self.words);
        let row = std::mem::take(&mut self.row);
        self.found
            .extend((!words.is_empty()).then_some(Sentence { words, row }));
    }

    /// A line that is a sentence.
    fn line(&mut self, spot: Spot<'a>, code: bool) {
        self.end();
        self.words(spot, code);
        self.end();
    }

    fn words(&mut self, Spot { line, text }: Spot<'a>, command: bool) {
        let row = !command && text.trim_start().starts_with('|');
        self.row = row;
        let mut code = command;
        let mut rest = text;
        let mut spaced = true;
        while let Some(first) = rest.chars().next() {
            if let Some(end) = rest.starts_with("{{").then(|| rest.find("}}")).flatten() {
                let (text, after) = rest.split_at(end + 2);
                self.words.push(Word { line, text, code });
                (rest, spaced) = (after, false);
                continue;
            }
            let starts = first.is_alphanumeric() || first == '_' || first == '%';
            let option = first == '-' && spaced && code;
            if !starts && !option {
                code ^= first == '`' && !command;
                rest = &rest[first.len_utf8()..];
                spaced = first.is_whitespace() || first == '`';
                // What ends with a command or a bracket.
                let ends = ['.', '?', '!'].contains(&first) && !code && !row;
                if ends && (rest.is_empty() || rest.starts_with(' ')) {
                    self.end();
                }
                continue;
            }
            let end = rest.find(|c: char| !c.is_alphanumeric() && !"_.-%'’".contains(c));
            let whole = &rest[..end.unwrap_or(rest.len())];
            let text = whole.trim_end_matches(['.', '-', '\'', '’']);
            if !text.is_empty() {
                self.words.push(Word { line, text, code });
            }
            rest = &rest[whole.len()..];
            spaced = false;
            let ends = whole.ends_with('.') || rest.starts_with(['?', '!', ':']);
            let open = rest.trim_start_matches(['?', '!', ':', '*', ')']);
            if ends && !code && !row && (open.is_empty() || open.starts_with(' ')) {
                self.end();
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn differing(meant: &str, said: &str) -> Option<Vec<(String, String)>> {
        let [meant, said] = [meant, said].map(|text| of_text(text).remove(0));
        let text = |words: &[Word]| -> String {
            let words: Vec<&str> = words.iter().map(|word| word.text).collect();
            words.join(" ")
        };
        let found = differences(&meant, &said)?;
        let found = found.iter().map(|one| (text(&one.meant), text(&one.said)));
        Some(found.collect())
    }

    #[test]
    fn a_text_is_read_into_sentences() {
        let text = "1. **Does it answer?** The status\n   must be `200`. See `a:81/m`.\n\n```sh\nls -l | head\n```\n| `x` | 5m. A |\n";
        let lines = text.lines().enumerate();
        let lines = lines.map(|(line, text)| Spot { line, text });
        let sentences: Vec<String> = of_lines(lines).iter().map(Sentence::said).collect();
        assert_eq!(
            sentences,
            [
                "Does it answer",
                "The status must be 200",
                "See a 81 m",
                "ls -l head",
                "x 5m A"
            ]
        );
    }

    #[test]
    fn sentences_that_are_alike_differ_in_some_words() {
        let own = "Without requests there is no ratio, and the alert is silent.";
        let found = differing(own, "Without requests the alert fires.");
        let pairs = [("no ratio", ""), ("silent", "fires")];
        let pairs = pairs.map(|(one, other)| (one.to_string(), other.to_string()));
        assert_eq!(found, Some(pairs.to_vec()));
        assert_eq!(differing(own, "Nothing is known then."), None);
        assert_eq!(
            differing("It is the {{ $labels.a }}", "It is the {{$labels.a }}"),
            None
        );
    }
}
