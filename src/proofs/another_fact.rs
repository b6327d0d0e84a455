//! A sentence that is monstack's own but for a fact says what is so.

mod figures;
mod judge;
mod notifications;
mod pages;

use super::{Check, Example, Proof, place};
use crate::artifacts::Role;
use crate::diagnostic::Diagnostic;
use crate::render::{LINE, Rendered};
use crate::stack::Stack;
use crate::stack::files::Files;
use crate::stack::markdown::{Section, sections};
use crate::stack::sentences::{Sentence, of_lines, of_text};
use crate::value::Value;
use judge::{Names, Part, Subjects, Wrong};

pub(crate) const PROOF: Proof = Proof {
    code: "another-fact",
    doc: "A runbook, a summary and a title are believed. A sentence that is monstack's own but for a number, a name, or a word for its opposite says what is not so. In other words, in another order or another language everything may be said, and what a template says of its own accord, how long to wait, may be another number.",
    example: Example::Text {
        role: Role::Markdown,
        good: "| `web` | `host.docker.internal:8003/metrics` |",
        bad: "| `web` | `host.docker.internal:8004/metrics` |",
    },
    check: Check::Stack(|stack| {
        let Some(own) = stack.own_pages() else {
            return Vec::new();
        };
        let facts = Facts {
            stack,
            own,
            names: Names::of(stack),
        };
        let mut found = facts.documents();
        found.extend(facts.annotations());
        found.extend(facts.notifications());
        found.extend(facts.pages());
        found
    }),
};

struct Facts<'a, 's> {
    stack: &'a Stack<'s>,
    /// What monstack's own templates make of the catalog.
    own: &'a Rendered,
    names: Names<'a>,
}

/// A section's title, and what it says.
fn read<'t>(section: &Section<'t>) -> (String, Vec<Sentence<'t>>) {
    let lines = section.lines.iter().copied();
    (section.title.to_string(), of_lines(lines))
}

impl Facts<'_, '_> {
    fn documents(&self) -> Vec<Diagnostic> {
        let mut found = Vec::new();
        for file in self.stack.files.documents() {
            let Some(meant) = self.own.file(&file.path) else {
                continue;
            };
            if meant.text == file.text {
                continue;
            }
            let [own_text, text] = [sections(&meant.text), sections(&file.text)];
            let own: Vec<(String, Vec<Sentence>)> = own_text.iter().map(read).collect();
            for (title, said) in text.iter().map(read) {
                let same = own.iter().find(|(own, _)| *own == title);
                // Below another heading it may be of any section.
                let all = || own.iter().flat_map(|(_, sentences)| sentences.clone());
                let meant = same.map_or_else(|| all().collect(), |(_, meant)| meant.clone());
                for wrong in self.differing(&meant, &said, None) {
                    let whose = match title.as_str() {
                        "" => "the text before the first heading".to_string(),
                        title => format!("the section `{title}`"),
                    };
                    found.push(place::at(
                        &file.path,
                        format!("{LINE}{}", wrong.0.line),
                        message(&whose, &wrong),
                        help(&wrong.0),
                    ));
                }
            }
        }
        found
    }

    fn annotations(&self) -> Vec<Diagnostic> {
        let own = Files::of(&self.own.files);
        let mut found = Vec::new();
        for (file, pointer, rule) in self
            .stack
            .files
            .alerts()
            .filter(|(file, ..)| !file.is_own())
        {
            let same = |(_, _, one): &(_, _, &Value)| {
                one["alert"] == rule["alert"] && one["labels"] == rule["labels"]
            };
            let mut meant = own.alerts().filter(same);
            let Some((_, _, meant)) = meant.next().filter(|_| meant.next().is_none()) else {
                continue;
            };
            for (key, text) in rule["annotations"].entries() {
                let (Some(text), Some(meant)) = (text.as_str(), meant["annotations"][key].as_str())
                else {
                    continue;
                };
                let whose = format!("`{}`", rule["alert"].as_str().unwrap_or_default());
                let wrong = self.in_text(&whose, meant, text, None);
                let at = format!("{pointer}/annotations/{key}");
                found.extend(wrong.map(|(message, help)| place::at(&file.path, at, message, help)));
            }
        }
        found
    }

    /// What a short text says otherwise than monstack's own.
    fn in_text(
        &self,
        whose: &str,
        meant: &str,
        said: &str,
        subjects: Option<&Subjects>,
    ) -> Option<(String, String)> {
        if meant == said {
            return None;
        }
        let (meant, said) = (of_text(meant), of_text(said));
        let wrong = self.differing(&meant, &said, subjects).into_iter().next()?;
        Some((message(whose, &wrong), help(&wrong.0)))
    }

    /// Sentences that are monstack's own but for a fact, with those.
    fn differing<'t>(
        &self,
        meant: &[Sentence<'t>],
        said: &[Sentence<'t>],
        subjects: Option<&Subjects>,
    ) -> Vec<(Wrong<'t>, String)> {
        let part = Part {
            names: &self.names,
            said,
            meant,
            subjects,
        };
        let among = |all: &[Sentence], one: &Sentence| all.iter().any(|other| other.is(one));
        let new: Vec<&Sentence> = said.iter().filter(|one| !among(meant, one)).collect();
        if new.is_empty() {
            return Vec::new();
        }
        let lost: Vec<&Sentence> = meant.iter().filter(|one| !among(said, one)).collect();
        let mut found = Vec::new();
        for sentence in new {
            let wrong = lost
                .iter()
                .find_map(|own| Some((part.wrong(own, sentence)?, *own)));
            found.extend(wrong.map(|(wrong, own)| (wrong, own.said())));
        }
        found
    }
}

/// A longer sentence is not said whole.
const LONG: usize = 90;

fn message(whose: &str, (wrong, sentence): &(Wrong, String)) -> String {
    let cut = sentence.char_indices().nth(LONG);
    let sentence = match cut {
        Some((end, _)) => format!("{} …", &sentence[..end]),
        None => sentence.clone(),
    };
    match (wrong.said, wrong.meant) {
        (Some(said), Some(meant)) => {
            format!("{whose} says `{said}` where it is `{meant}`: {sentence}")
        }
        (Some(said), None) => format!("{whose} says `{said}` of what is so: {sentence}"),
        (None, Some(meant)) => format!("{whose} leaves out `{meant}`: {sentence}"),
        (None, None) => format!("{whose} says otherwise: {sentence}"),
    }
}

fn help(wrong: &Wrong) -> String {
    match wrong.meant {
        Some(meant) => format!("write `{meant}`, or leave the sentence out"),
        None => "leave the word out, or the sentence".to_string(),
    }
}
