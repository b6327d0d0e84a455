//! YAML as nearly everybody writes it, read in one pass over its bytes: a fifth of what a parser for all of YAML costs.

use crate::value::{Map, Number, Value};

/// One document that needs nothing but maps, lists, texts on one line, literal blocks and simple numbers. None: there is more in
/// it, such as a tag, an anchor, a text over several lines or a number that readers disagree about, or a mistake; the whole
/// reader says what it is.
pub(super) fn read(text: &str) -> Option<Value> {
    if !is_usual(text) {
        return None;
    }
    let mut reader = Reader {
        text,
        bytes: text.as_bytes(),
        at: 0,
        line: 0,
    };
    let column = reader.next_line(0)?;
    let value = match reader.peek() {
        b'[' | b'{' => {
            let value = reader.flow(DEEPEST)?;
            reader.end_of_line(0)?;
            value
        }
        _ => reader.block(column, DEEPEST)?,
    };
    reader.is_at_end().then_some(value)
}

/// A list that is whole, with no room for more.
fn list(mut items: Vec<Value>) -> Value {
    items.shrink_to_fit();
    Value::Array(items)
}

/// A map that is whole, with no room for more.
fn map(mut entries: Map) -> Value {
    entries.shrink_to_fit();
    Value::Object(entries)
}

/// How deep lists and maps stand in each other: what is deeper would need a stack of its own, and the whole reader has a limit.
const DEEPEST: usize = 64;

/// What is longer is no key on one line.
const LONGEST_KEY: usize = 1000;

/// Whether a text has only characters that are nothing but themselves, and no sign of several documents.
fn is_usual(text: &str) -> bool {
    let usual = |character: char| match character {
        '\n' | ' '..='~' => true,
        '\u{a0}'..='\u{d7ff}' => !matches!(character, '\u{2028}' | '\u{2029}'),
        '\u{e000}'..='\u{fffd}' => character != '\u{feff}',
        _ => character > '\u{ffff}',
    };
    let marker =
        |line: &str| line.starts_with("---") || line.starts_with("...") || line.starts_with('%');
    let plain = text.bytes().all(|byte| matches!(byte, b'\n' | b' '..=b'~'));
    (plain || text.chars().all(usual)) && !text.lines().any(marker)
}

struct Reader<'a> {
    text: &'a str,
    bytes: &'a [u8],
    at: usize,
    /// Where the line begins.
    line: usize,
}

impl<'a> Reader<'a> {
    /// The next byte; at the end a line's end, which changes nothing of what is read.
    fn peek(&self) -> u8 {
        self.byte(0)
    }

    fn byte(&self, behind: usize) -> u8 {
        self.bytes.get(self.at + behind).copied().unwrap_or(b'\n')
    }

    fn is_at_end(&self) -> bool {
        self.at >= self.bytes.len()
    }

    fn column(&self) -> usize {
        self.at - self.line
    }

    fn spaces(&mut self) {
        while self.peek() == b' ' {
            self.at += 1;
        }
    }

    /// Past a comment, if one is here, to the end of the line.
    fn comment(&mut self) {
        if self.peek() == b'#' {
            let rest = &self.bytes[self.at..];
            self.at += rest
                .iter()
                .position(|byte| *byte == b'\n')
                .unwrap_or(rest.len());
        }
    }

    /// To what stands next on a line, from its beginning or from the end of another; the column of it, none at the end.
    fn next_line(&mut self, end: usize) -> Option<usize> {
        loop {
            self.spaces();
            self.comment();
            match self.peek() {
                _ if self.is_at_end() => return Some(end),
                b'\n' => {
                    self.at += 1;
                    self.line = self.at;
                }
                _ => return Some(self.column()),
            }
        }
    }

    /// Past the end of the line, where nothing but a comment follows; the column of what stands next, `end` where nothing does.
    fn end_of_line(&mut self, end: usize) -> Option<usize> {
        let here = self.at;
        self.spaces();
        match self.peek() {
            b'\n' => {}
            b'#' if self.at > here => {}
            _ => return None,
        }
        self.next_line(end)
    }

    /// Whether an item of a list begins here.
    fn is_item(&self) -> bool {
        self.peek() == b'-' && !self.is_at_end() && matches!(self.byte(1), b' ' | b'\n')
    }

    /// A map or a list whose lines begin at this column.
    fn block(&mut self, column: usize, deeper: usize) -> Option<Value> {
        let deeper = deeper.checked_sub(1)?;
        match self.is_item() {
            true => self.list(column, deeper),
            false => self.map(column, deeper),
        }
    }

    fn list(&mut self, column: usize, deeper: usize) -> Option<Value> {
        let mut items = Vec::new();
        loop {
            self.at += 1;
            self.spaces();
            let here = self.column();
            // Lists and maps may begin behind the dash.
            let item = match self.is_item() || self.is_key() {
                true => self.block(here, deeper)?,
                false => self.value(column, column + 1, deeper)?,
            };
            items.push(item);
            // What stands further in belongs to nothing.
            match self.column() {
                _ if self.is_at_end() => return Some(list(items)),
                next if next > column => return None,
                next if next < column || !self.is_item() => return Some(list(items)),
                _ => {}
            }
        }
    }

    fn map(&mut self, column: usize, deeper: usize) -> Option<Value> {
        let mut entries = Map::new();
        loop {
            let key = self.key()?;
            if self.peek() != b':' || !matches!(self.byte(1), b' ' | b'\n') {
                return None;
            }
            self.at += 1;
            self.spaces();
            let value = self.value(column, column, deeper)?;
            if entries.insert(key, value).is_some() {
                return None;
            }
            match self.column() {
                _ if self.is_at_end() => return Some(map(entries)),
                next if next > column => return None,
                next if next < column => return Some(map(entries)),
                _ => {}
            }
        }
    }

    /// What follows a key or a dash at a column, and the line's end behind it; on lines of its own a list begins at `least`, a map
    /// further in.
    fn value(&mut self, column: usize, least: usize, deeper: usize) -> Option<Value> {
        let value = match self.peek() {
            b'\n' | b'#' => {
                let next = self.next_line(0)?;
                let begins = next > column || next >= least && self.is_item();
                let inside = begins && !self.is_at_end();
                return match inside {
                    true => self.block(next, deeper),
                    false => Some(Value::Null),
                };
            }
            b'|' => return self.literal(column),
            b'[' | b'{' => self.flow(deeper)?,
            b'"' | b'\'' => Value::String(self.quoted()?),
            _ => plain(self.scalar(false)?)?,
        };
        self.end_of_line(0)?;
        Some(value)
    }

    /// A text whose lines are as they stand here, further in than a column.
    fn literal(&mut self, column: usize) -> Option<Value> {
        self.at += 1;
        let stripped = self.peek() == b'-';
        self.at += usize::from(stripped);
        if self.peek() != b'\n' || self.is_at_end() {
            return None;
        }
        let mut text = String::new();
        let mut margin = None;
        loop {
            // At the end of a line.
            self.at += 1;
            self.line = self.at;
            self.spaces();
            let here = self.column();
            let inside = here.min(margin.unwrap_or(here));
            match self.peek() {
                _ if self.is_at_end() => break,
                // A line of spaces only, some of them its text, and what stands before the first line.
                b'\n' if margin.is_none_or(|margin| here > margin) => return None,
                b'\n' => {
                    text.push('\n');
                    continue;
                }
                _ if margin.is_none() && here <= column => return None,
                _ if margin.is_some_and(|margin| here < margin) => break,
                _ => margin = Some(inside),
            }
            self.at = self.line + inside;
            let rest = &self.bytes[self.at..];
            let long = rest.iter().position(|byte| *byte == b'\n')?;
            text.push_str(&self.text[self.at..=self.at + long]);
            self.at += long;
        }
        if margin.is_none() || self.is_at_end() && self.column() > 0 {
            return None;
        }
        text.truncate(text.trim_end_matches('\n').len());
        if !stripped {
            text.push('\n');
        }
        self.next_line(0)?;
        Some(Value::String(text))
    }

    /// Whether a key and its colon begin here, with a value behind them.
    fn is_key(&self) -> bool {
        let rest = &self.bytes[self.at.min(self.bytes.len())..];
        let long = match rest.first() {
            Some(b'"') => {
                let mut escaped = false;
                let end = rest.iter().skip(1).position(|byte| {
                    let ends = !escaped && *byte == b'"';
                    escaped = !escaped && *byte == b'\\';
                    ends || *byte == b'\n'
                });
                end.map_or(rest.len(), |end| end + 2)
            }
            _ => rest.iter().take_while(|byte| of_a_key(**byte)).count(),
        };
        long > 0
            && rest.get(long) == Some(&b':')
            && matches!(rest.get(long + 1), None | Some(b' ' | b'\n'))
    }

    /// A key that is a text for every reader.
    fn key(&mut self) -> Option<String> {
        let begin = self.at;
        let key = match self.peek() {
            b'"' => {
                let key = self.quoted()?;
                (key != MERGE).then_some(key)?
            }
            first if first.is_ascii_alphabetic() || first == b'_' => {
                while of_a_key(self.peek()) {
                    self.at += 1;
                }
                let key = &self.text[begin..self.at];
                constant(key).is_none().then(|| key.to_string())?
            }
            _ => return None,
        };
        (self.at - begin < LONGEST_KEY).then_some(key)
    }

    /// A text in quotes, on one line.
    fn quoted(&mut self) -> Option<String> {
        let quote = self.peek();
        self.at += 1;
        let mut text = String::new();
        loop {
            let rest = self.bytes.get(self.at..)?;
            let stops = |byte: &u8| *byte == quote || matches!(byte, b'\\' | b'\n');
            let long = rest.iter().position(stops)?;
            text.push_str(&self.text[self.at..self.at + long]);
            self.at += long + 1;
            match (rest[long], quote) {
                (b'\n', _) => return None,
                (b'\\', b'\'') => text.push('\\'),
                (b'\\', _) => text.push(self.escaped()?),
                (_, b'\'') if self.peek() == b'\'' => {
                    text.push('\'');
                    self.at += 1;
                }
                _ => return Some(text),
            }
        }
    }

    /// What stands behind a backslash.
    fn escaped(&mut self) -> Option<char> {
        let letter = self.peek();
        self.at += 1;
        Some(match letter {
            b'"' | b'\\' | b'/' => char::from(letter),
            b'b' => '\u{8}',
            b'f' => '\u{c}',
            b'n' => '\n',
            b't' => '\t',
            b'r' => '\r',
            b'u' => {
                let digits = self.text.get(self.at..self.at + 4)?;
                let hex = digits.bytes().all(|digit| digit.is_ascii_hexdigit());
                self.at += 4;
                let number = u32::from_str_radix(digits, 16).ok().filter(|_| hex)?;
                // Half of a pair is none.
                char::from_u32(number)?
            }
            _ => return None,
        })
    }

    /// A scalar without quotes, to the end of its line or, in brackets, to what ends it there.
    fn scalar(&mut self, flow: bool) -> Option<&'a str> {
        let begin = self.at;
        let first = self.peek();
        let is_dash = first == b'-';
        let first = if is_dash { self.byte(1) } else { first };
        let begins = first.is_ascii_alphanumeric()
            || match is_dash {
                true => b"-.".contains(&first),
                false => !first.is_ascii() || b"_/$.+~(".contains(&first),
            };
        if !begins {
            return None;
        }
        loop {
            match self.peek() {
                b'\n' => break,
                b',' | b']' | b'}' if flow => break,
                b'[' | b'{' if flow => return None,
                b':' if matches!(self.byte(1), b' ' | b'\n') => return None,
                b':' if flow && b",[]{}".contains(&self.byte(1)) => return None,
                b' ' if self.byte(1) == b'#' => break,
                _ => self.at += 1,
            }
        }
        let text = self.text[begin..self.at].trim_end_matches(' ');
        self.at = begin + text.len();
        Some(text)
    }

    /// Past spaces, ends of lines and comments in brackets.
    fn between(&mut self) -> Option<()> {
        loop {
            let here = self.at;
            self.spaces();
            match self.peek() {
                _ if self.is_at_end() => return None,
                b'\n' => {
                    self.at += 1;
                    self.line = self.at;
                }
                b'#' if self.at > here || self.column() == 0 => self.comment(),
                _ => return Some(()),
            }
        }
    }

    /// A value in brackets or braces.
    fn flow(&mut self, deeper: usize) -> Option<Value> {
        match self.peek() {
            b'[' => {
                let (mut items, deeper) = (Vec::new(), deeper.checked_sub(1)?);
                self.at += 1;
                loop {
                    self.between()?;
                    if self.peek() == b']' {
                        self.at += 1;
                        return Some(list(items));
                    }
                    items.push(self.flow(deeper)?);
                    self.comma(b']')?;
                }
            }
            b'{' => {
                let (mut entries, deeper) = (Map::new(), deeper.checked_sub(1)?);
                self.at += 1;
                loop {
                    self.between()?;
                    if self.peek() == b'}' {
                        self.at += 1;
                        return Some(map(entries));
                    }
                    let is_quoted = self.peek() == b'"';
                    let key = self.key()?;
                    let apart = matches!(self.byte(1), b' ' | b'\n');
                    if self.peek() != b':' || !apart && !is_quoted {
                        return None;
                    }
                    self.at += 1;
                    self.between()?;
                    let value = self.flow(deeper)?;
                    if entries.insert(key, value).is_some() {
                        return None;
                    }
                    self.comma(b'}')?;
                }
            }
            b'"' | b'\'' => self.quoted().map(Value::String),
            _ => plain(self.scalar(true)?),
        }
    }

    /// Past the comma behind an item, or to what closes the list.
    fn comma(&mut self, closes: u8) -> Option<()> {
        self.between()?;
        match self.peek() {
            b',' => self.at += 1,
            byte if byte == closes => {}
            _ => return None,
        }
        Some(())
    }
}

/// What a key without quotes may hold here.
fn of_a_key(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"_-./".contains(&byte)
}

/// The key that takes in other maps.
const MERGE: &str = "<<";

/// What a word means that is no text.
fn constant(text: &str) -> Option<Value> {
    match text {
        "" | "~" | "null" | "Null" | "NULL" => Some(Value::Null),
        "true" | "True" | "TRUE" => Some(Value::Bool(true)),
        "false" | "False" | "FALSE" => Some(Value::Bool(false)),
        _ => None,
    }
}

/// A scalar without quotes.
fn plain(text: &str) -> Option<Value> {
    if let Some(value) = constant(text) {
        return Some(value);
    }
    let bytes = text.as_bytes();
    let begins = |first: &u8| first.is_ascii_digit() || b"+-.".contains(first);
    if bytes.first().is_some_and(begins) {
        let number = |byte: &u8| byte.is_ascii_digit() || b"+-._eE".contains(byte);
        if bytes.iter().all(number) && bytes.iter().any(u8::is_ascii_digit) {
            return decimal(text);
        }
        if times_of_zero(bytes) {
            return Some(Value::String(text.to_string()));
        }
        if radix_or_special(bytes) {
            return None;
        }
    }
    Some(Value::String(text.to_string()))
}

/// A number as everybody reads it: digits without a zero before them, and digits behind a point.
fn decimal(text: &str) -> Option<Value> {
    let digits = text.strip_prefix('-').unwrap_or(text);
    let (whole, part) = digits.split_once('.').unwrap_or((digits, "0"));
    let count = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    if !count(whole) || !count(part) || (whole != "0" && whole.starts_with('0')) {
        return None;
    }
    if digits.contains('.') {
        return Number::from_f64(text.parse().ok()?).map(Value::Number);
    }
    match text.parse::<u64>() {
        Ok(number) => Some(number.into()),
        Err(_) => text.parse::<i64>().ok().map(Value::from),
    }
}

/// Whether a scalar is `0x30`: samples of a unit test, thirty and one of 0. Nothing that is read here wants a hexadecimal number,
/// and promtool reads the text as it stands.
fn times_of_zero(bytes: &[u8]) -> bool {
    bytes
        .strip_prefix(b"0x")
        .is_some_and(|times| !times.is_empty() && times.iter().all(u8::is_ascii_digit))
}

/// Whether a scalar may be a number of another base, an infinity or no number at all.
fn radix_or_special(bytes: &[u8]) -> bool {
    let digits = match bytes {
        [b'+' | b'-', rest @ ..] => rest,
        all => all,
    };
    match digits {
        [b'0', base, ..] => b"xXoObB".contains(base),
        [b'.', letter, ..] => letter.is_ascii_alphabetic(),
        _ => false,
    }
}
