//! Walks one line of an exposition, token by token.

use super::ParseError;
use std::collections::HashSet;

/// A position in a line.
pub(crate) struct Cursor<'a> {
    text: &'a str,
    at: usize,
    /// From 1.
    pub line: usize,
}

impl<'a> Cursor<'a> {
    pub(crate) fn new(text: &'a str, line: usize) -> Cursor<'a> {
        Cursor { text, at: 0, line }
    }

    pub(crate) fn rest(&self) -> &'a str {
        &self.text[self.at..]
    }

    pub(crate) fn peek(&self) -> Option<char> {
        self.rest().chars().next()
    }

    pub(crate) fn at_end(&self) -> bool {
        self.at == self.text.len()
    }

    /// Where the next character is, for `error_at`.
    pub(crate) fn at(&self) -> usize {
        self.at
    }

    pub(crate) fn error(&self, reason: impl Into<String>) -> ParseError {
        self.error_at(self.at, reason)
    }

    /// Columns are counted for an error only: a line may have millions of labels.
    pub(crate) fn error_at(&self, at: usize, reason: impl Into<String>) -> ParseError {
        ParseError {
            line: self.line,
            column: self.text[..at].chars().count() + 1,
            reason: reason.into(),
        }
    }

    pub(crate) fn skip_blanks(&mut self) {
        self.take_while(|c| matches!(c, ' ' | '\t'));
    }

    /// At least one blank, or the end of the line.
    pub(crate) fn blank(&self) -> Result<(), ParseError> {
        match self.peek() {
            None | Some(' ' | '\t') => Ok(()),
            Some(c) => Err(self.error(format!(
                "`{}` stands where a space must be",
                c.escape_debug()
            ))),
        }
    }

    pub(crate) fn take(&mut self, wanted: char) -> bool {
        let found = self.peek() == Some(wanted);
        if found {
            self.at += wanted.len_utf8();
        }
        found
    }

    fn take_while(&mut self, accepts: impl Fn(char) -> bool) -> &'a str {
        let rest = self.rest();
        let end = rest.find(|c| !accepts(c)).unwrap_or(rest.len());
        self.at += end;
        &rest[..end]
    }

    /// Everything up to the next blank.
    pub(crate) fn word(&mut self) -> &'a str {
        self.take_while(|c| !matches!(c, ' ' | '\t'))
    }

    pub(crate) fn metric_name(&mut self) -> Result<String, ParseError> {
        if self.take('"') {
            return self.quoted();
        }
        self.bare_name()
    }

    pub(crate) fn bare_name(&mut self) -> Result<String, ParseError> {
        self.name(|c| c == ':', "a metric name")
    }

    fn name(&mut self, also: impl Fn(char) -> bool, what: &str) -> Result<String, ParseError> {
        match self.peek() {
            Some(c) if c.is_ascii_alphabetic() || c == '_' || also(c) => {}
            Some(c) => {
                return Err(self.error(format!("`{}` cannot start {what}", c.escape_debug())));
            }
            None => return Err(self.error(format!("the line ends where {what} must be"))),
        }
        Ok(self
            .take_while(|c| c.is_ascii_alphanumeric() || c == '_' || also(c))
            .to_string())
    }

    /// The text behind an opening quote, unescaped.
    fn quoted(&mut self) -> Result<String, ParseError> {
        let start = self.at - 1;
        let mut out = String::new();
        loop {
            // Piece by piece, as a value may be long.
            out += self.take_while(|c| c != '"' && c != '\\');
            if self.take('"') {
                return Ok(out);
            }
            if !self.take('\\') {
                return Err(self.error_at(start, "this quote is never closed"));
            }
            match self.peek() {
                Some('n') => out.push('\n'),
                Some(c @ ('"' | '\\')) => out.push(c),
                _ => {
                    return Err(self.error(
                        "a backslash stands before something other than `\\`, `\"` or `n`",
                    ));
                }
            }
            self.at += 1;
        }
    }

    /// Labels behind an opening brace; a quoted name alone is the metric's.
    pub(crate) fn labels(
        &mut self,
        metric: &mut String,
    ) -> Result<Vec<(String, String)>, ParseError> {
        let mut labels: Vec<(String, String)> = Vec::new();
        let mut names = HashSet::new();
        loop {
            self.skip_blanks();
            if self.take('}') {
                return Ok(labels);
            }
            let start = self.at;
            let quoted = self.take('"');
            let name = if quoted {
                self.quoted()?
            } else {
                self.name(|_| false, "a label name")?
            };
            self.skip_blanks();
            if quoted && metric.is_empty() && self.peek() != Some('=') {
                *metric = name;
            } else {
                if !names.insert(name.clone()) {
                    return Err(self.error_at(start, format!("label `{name}` is duplicated")));
                }
                let value = self.label_value(&name)?;
                labels.push((name, value));
            }
            self.skip_blanks();
            if !self.take(',') && self.peek() != Some('}') {
                return Err(self.error("a comma or a closing brace is missing"));
            }
        }
    }

    fn label_value(&mut self, name: &str) -> Result<String, ParseError> {
        if !self.take('=') {
            return Err(self.error(format!("label `{name}` has no `=`")));
        }
        self.skip_blanks();
        if !self.take('"') {
            return Err(self.error(format!("the value of label `{name}` is not in quotes")));
        }
        self.quoted()
    }

    pub(crate) fn number(&mut self) -> Result<f64, ParseError> {
        let start = self.at;
        let word = self.word();
        let finite = word.bytes().any(|byte| byte.is_ascii_digit());
        match word.parse::<f64>() {
            Ok(number) if number.is_finite() || !finite => Ok(number),
            Ok(_) => Err(self.error_at(start, format!("{word} does not fit 64 bits"))),
            Err(_) if word.is_empty() => Err(self.error_at(start, "the value is missing")),
            Err(_) if word.ends_with('\r') => Err(self.error_at(
                start + word.len() - 1,
                "the line ends with a carriage return",
            )),
            Err(_) => Err(self.error_at(start, format!("`{}` is not a number", short(word)))),
        }
    }

    /// Milliseconds; in OpenMetrics, seconds with a fraction. Returns seconds.
    pub(crate) fn timestamp(&mut self, openmetrics: bool) -> Result<f64, ParseError> {
        let start = self.at;
        let word = self.word();
        let read = if openmetrics {
            word.parse::<f64>().ok()
        } else {
            word.parse::<i64>().ok().map(|many| many as f64 / 1000.0)
        };
        read.ok_or_else(|| self.error_at(start, format!("`{}` is not a timestamp", short(word))))
    }

    /// What OpenMetrics puts behind a value: labels, a number and perhaps a time.
    pub(crate) fn exemplar(&mut self) -> Result<(), ParseError> {
        self.skip_blanks();
        if !self.take('{') {
            return Err(self.error("an exemplar starts with labels in braces"));
        }
        self.labels(&mut "exemplar".to_string())?;
        self.skip_blanks();
        self.number()?;
        self.skip_blanks();
        if !self.at_end() {
            self.timestamp(true)?;
        }
        Ok(())
    }
}

fn short(word: &str) -> String {
    let shown: String = word.chars().take(40).collect();
    let more = if shown.len() < word.len() { "…" } else { "" };
    format!("{}{more}", shown.escape_debug())
}
