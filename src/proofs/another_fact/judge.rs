//! Whether one word in place of another says what is not so.

use super::figures::{Figure, read};
use crate::catalog::Catalog;
use crate::contract::Contract;
use crate::overlay;
use crate::stack::Stack;
use crate::stack::sentences::{Sentence, Word, differences};
use serde::Deserialize;
use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::sync::LazyLock;

/// Words with what they mean for a sentence.
#[derive(Deserialize)]
struct Words {
    opposite: Vec<[Vec<String>; 2]>,
    matters: Vec<Vec<String>>,
    negations: Vec<String>,
    looks: Vec<String>,
    inverts: Vec<String>,
    wider: Vec<String>,
    levels: Vec<String>,
    loopback: Vec<String>,
    answers: Vec<String>,
}

static WORDS: LazyLock<Words> = LazyLock::new(|| {
    let words = include_str!(concat!(env!("OUT_DIR"), "/words.json"));
    serde_json::from_str(words).expect("a test reads words.toml")
});

/// What the catalog fills in, in a template.
const FILLED: &str = "<<>>";

/// Pairs of words that stand side by side in a built-in template of what people read: what is written there is an opinion of the template.
static WRITTEN: LazyLock<HashSet<(&str, &str)>> = LazyLock::new(|| {
    let mut pairs = HashSet::new();
    let read = |path: &&'static str| {
        let read = ["annotations.yml", "alertmanager.yml", ".md"];
        path.contains("/dashboards/") || read.iter().any(|end| path.ends_with(end))
    };
    for text in overlay::paths().filter(read).filter_map(overlay::built_in) {
        let mut before = FILLED;
        for word in of_template(text).into_iter().chain([FILLED]) {
            pairs.insert((before, word));
            before = word;
        }
    }
    pairs
});

/// Between what a template's code stands.
const CODE_BEGINS: [&str; 2] = ["<<", "{%"];
const CODE_ENDS: [&str; 2] = [">>", "%}"];

/// The words of a template; in its code only those between quotes are.
fn of_template(text: &'static str) -> Vec<&'static str> {
    let mut found = Vec::new();
    let mut inside = false;
    let mut rest = text;
    while !rest.is_empty() {
        let end = if inside { CODE_ENDS } else { CODE_BEGINS }
            .iter()
            .filter_map(|mark| rest.find(mark))
            .min();
        let (part, after) = rest.split_at(end.unwrap_or(rest.len()));
        rest = after.get(2..).unwrap_or_default();
        match inside {
            false => found.extend(words(part)),
            true => {
                for (index, part) in part.split('"').enumerate() {
                    match index % 2 {
                        0 => found.push(FILLED),
                        _ => found.extend(words(part)),
                    }
                }
            }
        }
        inside = !inside;
    }
    found
}

fn words(text: &str) -> impl Iterator<Item = &str> {
    let of_word = |c: char| c.is_alphanumeric() || "_.-%'".contains(c);
    let words = text.split(move |c: char| !of_word(c));
    let words = words.map(|word| word.trim_end_matches(['.', '-', '\'']));
    words.filter(|word| !word.is_empty() && *word != "-")
}

/// Whether a built-in template writes a word here itself, between the same others or beside what is filled in.
fn is_written(sentence: &Sentence, word: &Word) -> bool {
    let pairs: &HashSet<(&str, &str)> = &WRITTEN;
    let after = |before: &str| pairs.contains(&(before, word.text));
    let before = |after: &str| pairs.contains(&(word.text, after));
    let [left, right] = [sentence.before(word), sentence.after(word)];
    (left.is_some() || right.is_some())
        && (after(FILLED) || left.is_none_or(after))
        && (before(FILLED) || right.is_none_or(before))
}

/// What there is, by its name.
pub(super) struct Names<'a> {
    catalog: &'a Catalog,
    contract: &'a Contract,
    kinds: BTreeMap<String, BTreeSet<&'static str>>,
}

const SERVICE: &str = "service";

impl<'a> Names<'a> {
    pub(super) fn of(stack: &'a Stack) -> Names<'a> {
        let mut kinds: BTreeMap<String, BTreeSet<&'static str>> = BTreeMap::new();
        let mut add = |kind, name: &str| {
            kinds.entry(name.to_string()).or_default().insert(kind);
        };
        let catalog = stack.catalog;
        let services = catalog.services.iter();
        services.for_each(|service| add(SERVICE, &service.name));
        for (_, _, rule) in stack.files.alerts() {
            let name = rule["alert"].as_str().unwrap_or_default();
            add("alert", name);
            // As a heading is called in a link.
            add("alert", &name.to_lowercase());
        }
        let severities = catalog.severities.names();
        severities.for_each(|name| add("severity", name));
        let receivers = catalog.receivers.keys();
        receivers.for_each(|name| add("receiver", name));
        let groups = catalog.groups.iter();
        groups.for_each(|group| add("group", &group.key));
        let owners = catalog.services.iter();
        let owners = owners.filter_map(|service| service.owner.as_deref());
        let owners = owners.chain(catalog.platform.owner.as_deref());
        owners.for_each(|name| add("owner", name));
        let containers = stack.containers.started();
        containers.for_each(|container| add("container", &container.name));
        let probes = stack.files.blackbox();
        let modules = probes.and_then(|file| file.value["modules"].as_object());
        let modules = modules.into_iter().flat_map(|modules| modules.keys());
        modules.for_each(|name| add("module", name));
        Names {
            catalog,
            contract: &stack.contract,
            kinds,
        }
    }

    /// Of what both are names.
    fn kind(&self, one: &str, other: &str) -> Option<&'static str> {
        let kinds = |name: &str| self.kinds.get(name);
        if let (Some(one), Some(other)) = (kinds(one), kinds(other)) {
            return one.intersection(other).next().copied();
        }
        let metric = |name: &str| self.contract.knows(name);
        (metric(one) && metric(other)).then_some("metric")
    }
}

/// The text that a sentence is a part of: what is said elsewhere in it counts.
pub(super) struct Part<'a, 'n, 's> {
    pub(super) names: &'a Names<'n>,
    /// All that is said there,
    pub(super) said: &'a [Sentence<'s>],
    /// and all that monstack's own says.
    pub(super) meant: &'a [Sentence<'s>],
    /// Words for what is looked at, and words for other things: a metric in place of another.
    pub(super) subjects: Option<&'a Subjects>,
}

/// Parts of the names of what is asked for, and of the names of everything else.
#[derive(Default)]
pub(super) struct Subjects {
    pub(super) own: BTreeSet<String>,
    pub(super) others: BTreeSet<String>,
    /// The numbers of the queries.
    pub(super) numbers: Vec<f64>,
}

/// What one word in place of another is.
enum Verdict {
    /// It says what is not so.
    Wrong,
    /// It says the same, or what anybody may think otherwise about.
    Free,
    /// Other words, which mean nothing that is known here.
    Reworded,
}

/// A word that says what is not so, and the one that it is in the place of; one of them may be none.
pub(super) struct Wrong<'a> {
    pub(super) line: usize,
    pub(super) said: Option<&'a str>,
    pub(super) meant: Option<&'a str>,
}

impl Part<'_, '_, '_> {
    /// What a sentence says otherwise than the other one, when that is all it does.
    pub(super) fn wrong<'a>(&self, meant: &Sentence<'a>, said: &Sentence<'a>) -> Option<Wrong<'a>> {
        let mut wrong = None;
        for difference in differences(meant, said)? {
            let [own, other] = [&difference.meant, &difference.said].map(|words| read(words));
            let line = |words: &[Word]| words.first().map(|word| word.line);
            let turned = |words: &[(Word, Option<Figure>)], sentence: &Sentence| match words {
                [(word, _)] => {
                    let text = word.text.to_ascii_lowercase();
                    let sought = sentence.before(word) == Some("grep");
                    match word.code {
                        true => {
                            WORDS.looks.contains(&text) || sought && WORDS.inverts.contains(&text)
                        }
                        false => WORDS.negations.contains(&text),
                    }
                }
                _ => false,
            };
            let found = match (own.is_empty(), other.is_empty()) {
                // Less is said.
                (_, true) if !turned(&own, meant) => continue,
                (true, _) if !turned(&other, said) => return None,
                (false, false) => self.exchanged(&own, &other, (meant, said))?,
                _ => Some(Wrong {
                    line: line(&difference.said).unwrap_or(said.words[0].line),
                    said: difference.said.first().map(|word| word.text),
                    meant: difference.meant.first().map(|word| word.text),
                }),
            };
            wrong = wrong.or(found);
        }
        wrong
    }

    /// Some words in place of others; None: it is worded otherwise.
    fn exchanged<'a>(
        &self,
        own: &[(Word<'a>, Option<Figure>)],
        other: &[(Word<'a>, Option<Figure>)],
        sentences: (&Sentence<'a>, &Sentence<'a>),
    ) -> Option<Option<Wrong<'a>>> {
        type Read<'r, 'a> = &'r (Word<'a>, Option<Figure>);
        let wrong = |own: Read<'_, 'a>, other: Read<'_, 'a>| {
            Some(Wrong {
                line: other.0.line,
                said: Some(other.0.text),
                meant: Some(own.0.text),
            })
        };
        if own.len() == other.len() {
            let mut found = None;
            for (own, other) in own.iter().zip(other) {
                match self.verdict(own, other, sentences) {
                    Verdict::Wrong => found = found.or_else(|| wrong(own, other)),
                    Verdict::Free => {}
                    Verdict::Reworded => return None,
                }
            }
            return Some(found);
        }
        // A name and its words are the same, but not in a command.
        let in_words = |words: &[(Word, Option<Figure>)]| {
            let plain = words.iter().all(|(word, _)| !word.code);
            let texts: Vec<String> = words
                .iter()
                .map(|(word, _)| word.text.to_lowercase().replace(['_', '-'], " "))
                .collect();
            plain.then(|| texts.join(" "))
        };
        if in_words(own).is_some_and(|own| in_words(other) == Some(own)) {
            return Some(None);
        }
        let [other] = other else { return None };
        for own in own {
            match self.verdict(own, other, sentences) {
                Verdict::Wrong => return Some(wrong(own, other)),
                Verdict::Free => return Some(None),
                Verdict::Reworded => {}
            }
        }
        None
    }

    fn verdict(
        &self,
        (own, figure): &(Word, Option<Figure>),
        (other, shown): &(Word, Option<Figure>),
        (meant, said): (&Sentence, &Sentence),
    ) -> Verdict {
        let local = |word: &Word| WORDS.loopback.iter().any(|name| name == word.text);
        if local(own) && local(other) {
            return Verdict::Free;
        }
        if let (Some(figure), Some(shown)) = (figure, shown) {
            let opinion =
                || !self.asked(figure, shown) && may_differ(own, figure, shown, (meant, said));
            let free = figure.is(shown) || self.follows(other.text) || opinion();
            return if free { Verdict::Free } else { Verdict::Wrong };
        }
        if own.is_hole() {
            return of_hole(own.text, other);
        }
        if let Some(kind) = self.names.kind(own.text, other.text) {
            return match kind == SERVICE && self.renamed(own.text, other.text) {
                true => Verdict::Free,
                false => Verdict::Wrong,
            };
        }
        let level = |word: &Word| WORDS.levels.contains(&word.text.to_ascii_lowercase());
        let logged = meant.before(own) == Some("level") && level(own) && level(other);
        // What the catalog says in a command is no matter of wording.
        let of_catalog = || self.is_row(meant) || !is_written(meant, own);
        let decided = own.code && other.code && of_catalog() && !self.follows(other.text);
        if logged
            || opposed(own.text, other.text)
            || self.of_another(own.text, other.text)
            || decided
        {
            return Verdict::Wrong;
        }
        Verdict::Reworded
    }

    /// Whether the text has taken another service for its example, wherever it named that one.
    fn renamed(&self, own: &str, other: &str) -> bool {
        names(self.said, other) && !names(self.said, own) && !names(self.meant, other)
    }

    /// Whether something is what the catalog says of a service that the text has taken for its example.
    fn follows(&self, text: &str) -> bool {
        let services = self.names.catalog.services.iter();
        let mut examples = services
            .filter(|service| names(self.said, &service.name) && !names(self.meant, &service.name));
        examples.any(|service| {
            let all = serde_json::to_string(service).unwrap_or_default();
            words(&all).any(|word| word == text)
        })
    }

    /// Whether a number is one of the queries that are described, and the other is none.
    fn asked(&self, own: &Figure, other: &Figure) -> bool {
        let numbers = self.subjects.map_or(&[][..], |subjects| &subjects.numbers);
        let has = |figure: &Figure| {
            let near = |number: &f64| (number - figure.value).abs() < 1e-9;
            figure.is_bare() && numbers.iter().any(near)
        };
        has(own) && !has(other)
    }

    /// Whether a sentence is the row of a service in a table: its cells are the catalog's.
    fn is_row(&self, sentence: &Sentence) -> bool {
        let first = sentence.words.first().filter(|word| word.code);
        first.is_some_and(|word| self.names.catalog.service(word.text).is_some()) && sentence.row
    }

    /// Whether it is about something else than what is asked for.
    fn of_another(&self, own: &str, other: &str) -> bool {
        let Some(subjects) = self.subjects else {
            return false;
        };
        let [own, other] = [own, other].map(str::to_ascii_lowercase);
        subjects.own.contains(&own)
            && subjects.others.contains(&other)
            && !subjects.own.contains(&other)
    }
}

fn names(sentences: &[Sentence], name: &str) -> bool {
    let mut words = sentences.iter().flat_map(|sentence| &sentence.words);
    words.any(|word| word.text == name)
}

/// Whether two words say the opposite, or name different matters.
fn opposed(own: &str, other: &str) -> bool {
    let [own, other] = [own, other].map(str::to_ascii_lowercase);
    let has = |words: &[String], word: &String| words.contains(word);
    let opposite = WORDS
        .opposite
        .iter()
        .any(|[one, two]| has(one, &own) && has(two, &other) || has(two, &own) && has(one, &other));
    let matter = |word| WORDS.matters.iter().position(|words| has(words, word));
    let matters = matter(&own).zip(matter(&other));
    opposite || matters.is_some_and(|(own, other)| own != other)
}

/// Something else in the place of what is filled in.
fn of_hole(own: &str, other: &Word) -> Verdict {
    if other.is_hole() {
        // As what a value is written is what it is: a share, a time, a size.
        let form = |hole: &str| {
            let mut words = hole.split(|c: char| !c.is_alphanumeric());
            words
                .find(|word| word.starts_with("humanize"))
                .map(str::to_string)
        };
        return match (form(own), form(other.text)) {
            (Some(own), Some(other)) if own != other => Verdict::Wrong,
            _ => Verdict::Free,
        };
    }
    let wider = WORDS.wider.contains(&other.text.to_ascii_lowercase());
    match own.contains("abels.") && wider {
        true => Verdict::Wrong,
        false => Verdict::Reworded,
    }
}

/// Whether a number is an opinion of the template. Of what it says for good, a state and the class of an answer are none, and
/// neither is a number that has changed its place with another.
fn may_differ(
    own: &Word,
    figure: &Figure,
    shown: &Figure,
    (meant, said): (&Sentence, &Sentence),
) -> bool {
    if !is_written(meant, own) {
        return false;
    }
    let has = |sentence: &Sentence, figure: &Figure| {
        let mut read = sentence
            .words
            .iter()
            .filter_map(|word| Figure::of(word.text));
        read.any(|one| one.is(figure))
    };
    let exchanged = has(meant, shown) && has(said, figure);
    let state = |figure: &Figure| figure.is_bare() && [0.0, 1.0].contains(&figure.value);
    let states = !own.code && state(figure) && state(shown);
    let class = |figure: &Figure| {
        let status = figure.is_bare() && (100.0..600.0).contains(&figure.value);
        status.then_some((figure.value / 100.0).trunc())
    };
    let answers = meant
        .words
        .iter()
        .any(|word| WORDS.answers.contains(&word.text.to_ascii_lowercase()));
    let classes = class(figure).zip(class(shown));
    let status = answers && !own.code && classes.is_some_and(|(own, other)| own != other);
    !exchanged && !states && !status
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_template_is_read_as_what_it_writes_itself() {
        let words = of_template("wait << alert.name | code >> for {% set a = \"5 minutes\" %} ok");
        let filled = FILLED;
        assert_eq!(
            words,
            ["wait", filled, "for", filled, "5", "minutes", filled, "ok"]
        );
        assert!(opposed("Always", "never") && opposed("errors", "slowly"));
        assert!(!opposed("errors", "failures") && !opposed("above", "more"));
        assert!(WRITTEN.len() > 1000 && !WORDS.loopback.is_empty());
    }
}
