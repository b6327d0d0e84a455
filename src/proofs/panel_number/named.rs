//! What queries are called: by the title and the legend of a panel, or by the words above them in the runbook.

use crate::diagnostic::Diagnostic;
use crate::proofs::place;
use crate::render::LINE;
use crate::stack::Stack;
use crate::stack::expressions::{Expression, Usage};
use crate::stack::markdown::{Section, sections};
use std::collections::{BTreeMap, HashMap};

/// What a query is called.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Name<'a> {
    path: &'a str,
    /// Of its panel, or of its section.
    title: String,
    /// Its legend, or what is written above it.
    words: String,
    /// Of the queries below the same words this is the first, the second …
    place: usize,
}

impl Name<'_> {
    pub(super) fn said(&self) -> String {
        // The nearest of what is written in bold.
        let first = self.words.rsplit("**").nth(1).unwrap_or(&self.words);
        let none = ["", "__auto", &self.title].contains(&&*self.words);
        match none || self.words.contains("{{") {
            true => format!("`{}`", self.title),
            false => format!("`{first}` of `{}`", self.title),
        }
    }
}

/// The queries of each name.
pub(super) fn of<'s>(stack: &'s Stack) -> BTreeMap<Name<'s>, Vec<&'s Expression<'s>>> {
    let mut found: BTreeMap<Name, Vec<&Expression>> = BTreeMap::new();
    for expression in stack.used(Usage::Panel) {
        let title = expression.owner["title"].as_str().unwrap_or_default();
        if !title.is_empty() {
            let name = Name {
                path: expression.path,
                title: title.to_string(),
                words: legend(expression).to_string(),
                place: 0,
            };
            found.entry(name).or_default().push(expression);
        }
    }
    for file in stack.files.documents() {
        let mut at_line: HashMap<usize, Name> = HashMap::new();
        for section in sections(&file.text) {
            for (line, words, place) in above_blocks(&section) {
                let name = Name {
                    path: &file.path,
                    title: section.title.to_string(),
                    words,
                    place,
                };
                at_line.insert(line, name);
            }
        }
        let queries = stack.used(Usage::Document).chain(&stack.quoted);
        for expression in queries.filter(|expression| expression.path == file.path) {
            let line = expression.pointer.strip_prefix(LINE);
            let line = line.and_then(|line| line.parse().ok());
            if let Some(name) = line.and_then(|line| at_line.remove(&line)) {
                found.entry(name).or_default().push(expression);
            }
        }
    }
    found
}

/// The queries of each panel, by its file and title, where a title is of one panel.
pub(super) fn panels<'s>(
    stack: &'s Stack,
) -> BTreeMap<(&'s str, &'s str), Vec<&'s Expression<'s>>> {
    let mut found: BTreeMap<(&str, &str), Vec<&Expression>> = BTreeMap::new();
    for expression in stack.used(Usage::Panel) {
        let title = expression.owner["title"].as_str().unwrap_or_default();
        let all = found.entry((expression.path, title)).or_default();
        all.push(expression);
    }
    found.retain(|_, all| {
        let first = all[0].panel();
        all.iter().all(|one| one.panel() == first)
    });
    found
}

/// Each block of a section, with the words that were last written before it.
fn above_blocks(section: &Section) -> Vec<(usize, String, usize)> {
    let mut found: Vec<(usize, String, usize)> = Vec::new();
    let (mut words, mut after, mut place) = (String::new(), true, 0);
    let mut ends = 0;
    let blocks = section.blocks();
    let mut blocks = blocks.iter().peekable();
    for spot in &section.lines {
        if let Some(block) = blocks.next_if(|block| block.line <= spot.line + 1) {
            ends = block.line + block.text.lines().count();
            found.push((block.line, words.clone(), place));
            (after, place) = (true, place + 1);
        } else if spot.line > ends && !spot.text.trim().is_empty() {
            if after {
                words.clear();
            }
            (after, place) = (false, 0);
            words += spot.text.trim();
            words.push(' ');
        }
    }
    found
}

fn legend<'a>(expression: &Expression<'a>) -> &'a str {
    expression.target["legendFormat"]
        .as_str()
        .unwrap_or_default()
}

/// Queries of a panel that are called as another one of the same panel is.
pub(super) fn exchanged(own: &Stack, stack: &Stack) -> Vec<Diagnostic> {
    let mut meant: HashMap<(&str, &str), Vec<&Expression>> = HashMap::new();
    for expression in own.used(Usage::Panel) {
        let title = expression.owner["title"].as_str().unwrap_or_default();
        meant
            .entry((expression.path, title))
            .or_default()
            .push(expression);
    }
    let mut found = Vec::new();
    for expression in stack.used(Usage::Panel) {
        let title = expression.owner["title"].as_str().unwrap_or_default();
        let queries = meant
            .get(&(expression.path, title))
            .filter(|_| !title.is_empty());
        let queries = queries.map_or(&[][..], Vec::as_slice);
        let (said, asked) = (legend(expression), expression.ast.to_string());
        let same = |one: &&&Expression| one.ast.to_string() == asked;
        let mut called = queries.iter().filter(same).map(|one| legend(one));
        let Some(first) = called.next().filter(|first| *first != said) else {
            continue;
        };
        let of_others = queries
            .iter()
            .filter(|one| !same(one))
            .any(|one| legend(one) == said);
        if of_others && !said.is_empty() && called.all(|other| other != said) {
            found.push(place::at(
                expression.path,
                expression.pointer.replace("/expr", "/legendFormat"),
                format!("`{title}` calls a line `{said}`, which is the name of another: monstack's own calls it `{first}`"),
                "call each line what it shows",
            ));
        }
    }
    found
}
