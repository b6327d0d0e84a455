//! Places in a text as editors count them: lines from 0, and columns in units of UTF-16.

use gen_lsp_types::{Position, Range as Between};
use std::ops::Range;

/// Where a byte of a text is.
pub(super) fn position(text: &str, byte: usize) -> Position {
    let mut byte = byte.min(text.len());
    while !text.is_char_boundary(byte) {
        byte -= 1;
    }
    let before = &text[..byte];
    let start = before.rfind('\n').map_or(0, |newline| newline + 1);
    Position {
        line: count(before.matches('\n').count()),
        character: width(&before[start..]),
    }
}

/// Where some bytes of a text are.
pub(super) fn between(text: &str, bytes: Range<usize>) -> Between {
    Between {
        start: position(text, bytes.start),
        end: position(text, bytes.end),
    }
}

/// The part of a line, from 0, that is a text.
pub(super) fn within(line: usize, before: &str, part: &str) -> Between {
    let (line, start) = (count(line), width(before));
    let at = |character| Position { line, character };
    Between {
        start: at(start),
        end: at(start.saturating_add(width(part))),
    }
}

/// The byte at a position; behind the end of a line it is that end, and behind the last line the text's.
pub(super) fn byte(text: &str, position: Position) -> usize {
    let (start, line) = line(text, position.line as usize);
    let mut left = position.character as usize;
    for (at, character) in line.char_indices() {
        if left < character.len_utf16() {
            return start + at;
        }
        left -= character.len_utf16();
    }
    start + line.len()
}

/// The first byte of a line, from 0, and the line without its end.
pub(super) fn line(text: &str, number: usize) -> (usize, &str) {
    let mut start = 0;
    for (index, line) in text.split_inclusive('\n').enumerate() {
        if index == number {
            return (start, line.trim_end_matches(['\n', '\r']));
        }
        start += line.len();
    }
    (start, "")
}

fn width(text: &str) -> u32 {
    count(text.encode_utf16().count())
}

fn count(number: usize) -> u32 {
    u32::try_from(number).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_counted_as_editors_count_them() {
        let text = "a\r\n𝄞é x\nlast";
        let x = text.find('x').unwrap();
        assert_eq!(
            position(text, x),
            Position {
                line: 1,
                character: 4
            }
        );
        for (line, character, wanted) in [
            (1, 4, x),
            (1, 1, 3),
            (1, 99, x + 1),
            (0, 99, 1),
            (2, 4, text.len()),
            (9, 9, text.len()),
            (u32::MAX, u32::MAX, text.len()),
        ] {
            assert_eq!(byte(text, Position { line, character }), wanted);
        }
    }
}
