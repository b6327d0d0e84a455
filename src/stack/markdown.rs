//! A document for people, read into its sections, tables, blocks of code and links.

use std::borrow::Cow;

/// A part of the text, with the line on which it begins, from 1.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Spot<'a> {
    pub(crate) line: usize,
    pub(crate) text: &'a str,
}

/// A block between fences.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Block {
    pub(crate) line: usize,
    /// `promql`, `sh`.
    pub(crate) language: String,
    pub(crate) text: String,
}

/// A table: the cells of its rows, the first of which names the columns.
pub(crate) type Table<'a> = Vec<(usize, Vec<&'a str>)>;

/// What stands under a heading, to the next one of its level or of a higher one.
#[derive(Debug)]
pub(crate) struct Section<'a> {
    /// As it reads: without the backslashes that keep `_` from being markup.
    pub(crate) title: Cow<'a, str>,
    pub(crate) lines: Vec<Spot<'a>>,
}

/// Its sections; what stands before the first heading has an empty title, and no section lies in another.
pub(crate) fn sections(text: &str) -> Vec<Section<'_>> {
    let mut sections = vec![Section {
        title: Cow::Borrowed(""),
        lines: Vec::new(),
    }];
    let mut fenced = false;
    for (index, line) in text.lines().enumerate() {
        fenced ^= line.trim_start().starts_with("```");
        let title = line.strip_prefix("## ").or(line.strip_prefix("# "));
        match title.filter(|_| !fenced) {
            Some(title) => sections.push(Section {
                title: read(title.trim()),
                lines: Vec::new(),
            }),
            None => sections
                .last_mut()
                .expect("there is one from the start")
                .lines
                .push(Spot {
                    line: index + 1,
                    text: line,
                }),
        }
    }
    sections
}

/// What a heading says: a backslash before punctuation is not part of it.
fn read(written: &str) -> Cow<'_, str> {
    if !written.contains('\\') {
        return Cow::Borrowed(written);
    }
    let mut text = String::new();
    let mut chars = written.chars().peekable();
    while let Some(c) = chars.next() {
        let escapes = c == '\\' && chars.peek().is_some_and(char::is_ascii_punctuation);
        text.extend(if escapes { chars.next() } else { Some(c) });
    }
    Cow::Owned(text)
}

impl<'a> Section<'a> {
    /// Its blocks of code.
    pub(crate) fn blocks(&self) -> Vec<Block> {
        let mut blocks: Vec<Block> = Vec::new();
        let mut open = false;
        for Spot { line, text } in &self.lines {
            match (text.trim_start().strip_prefix("```"), open) {
                (Some(language), false) => {
                    open = true;
                    blocks.push(Block {
                        line: line + 1,
                        language: language.trim().to_string(),
                        text: String::new(),
                    });
                }
                (Some(_), true) => open = false,
                (None, true) => {
                    let block = blocks.last_mut().expect("one is open");
                    block.text += text;
                    block.text.push('\n');
                }
                (None, false) => {}
            }
        }
        blocks
    }

    /// Its tables.
    pub(crate) fn tables(&self) -> Vec<Table<'a>> {
        let mut tables: Vec<Table> = Vec::new();
        let mut last = 0;
        for Spot { line, text } in &self.lines {
            let Some(inside) = text.trim().strip_prefix('|') else {
                continue;
            };
            let cells: Vec<&str> = inside
                .trim_end_matches('|')
                .split('|')
                .map(str::trim)
                .collect();
            if last + 1 != *line {
                tables.push(Vec::new());
            }
            last = *line;
            let rule = cells
                .iter()
                .all(|cell| !cell.is_empty() && cell.chars().all(|c| matches!(c, '-' | ':')));
            if !rule {
                tables
                    .last_mut()
                    .expect("it was just begun")
                    .push((*line, cells));
            }
        }
        tables
    }

    /// Where its links lead.
    pub(crate) fn links(&self) -> impl Iterator<Item = Spot<'a>> {
        self.lines.iter().flat_map(|spot| {
            let ends = spot.text.split("](").skip(1);
            ends.filter_map(|rest| rest.split_once(')'))
                .map(|(text, _)| Spot {
                    line: spot.line,
                    text,
                })
        })
    }
}

/// A cell without the marks of code around it.
pub(crate) fn bare(cell: &str) -> &str {
    cell.trim().trim_matches('`')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_section_has_blocks_tables_and_links() {
        let text = "# T\n\nsee [a](#b)\n\n## B\n\n```sh\n## no heading\nls\n```\n\n| x | y |\n| --- | --- |\n| `1` | 2 |\n";
        let sections = sections(text);
        let titles: Vec<&str> = sections.iter().map(|section| &*section.title).collect();
        assert_eq!(titles, ["", "T", "B"]);
        let links: Vec<Spot> = sections[1].links().collect();
        assert_eq!(
            links,
            [Spot {
                line: 3,
                text: "#b"
            }]
        );
        let blocks = sections[2].blocks();
        assert_eq!(
            (blocks[0].line, blocks[0].text.as_str()),
            (8, "## no heading\nls\n")
        );
        assert_eq!(
            sections[2].tables(),
            [vec![(12, vec!["x", "y"]), (14, vec!["`1`", "2"])]]
        );
        assert_eq!(bare("`1`"), "1");
    }
}
