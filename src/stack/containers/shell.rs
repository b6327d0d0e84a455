//! How a command of a health check can end: run over everything that its parts may return.

/// What a command may return.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Ends {
    pub(crate) well: bool,
    pub(crate) badly: bool,
}

impl Ends {
    pub(crate) const WELL: Ends = Ends {
        well: true,
        badly: false,
    };
    pub(crate) const BADLY: Ends = Ends {
        well: false,
        badly: true,
    };
    pub(crate) const EITHER: Ends = Ends {
        well: true,
        badly: true,
    };

    fn or(self, other: Ends) -> Ends {
        Ends {
            well: self.well || other.well,
            badly: self.badly || other.badly,
        }
    }
}

/// What a command leaves behind.
pub(crate) struct Left {
    pub(crate) ends: Ends,
    /// What it prints; None: nobody knows.
    pub(crate) prints: Option<String>,
}

impl From<Ends> for Left {
    fn from(ends: Ends) -> Left {
        Left { ends, prints: None }
    }
}

/// Runs one command on what the one before it in a pipeline printed; None: that is not known, or there is none.
pub(crate) type Runs<'r> = dyn FnMut(&[String], Option<String>) -> Left + 'r;

/// A part of a script.
enum Token {
    Word(String),
    Operator(&'static str),
}

const OPERATORS: [&str; 7] = ["&&", "||", ";", "|", "&", "\n", "("];

/// Words that begin what this does not run: it may end either way.
const BEYOND: [&str; 8] = ["if", "while", "for", "until", "case", "{", "function", "("];

/// How a script may end; `run` says it of one command.
pub(crate) fn ends(script: &str, run: &mut Runs) -> Ends {
    let tokens = tokens(script);
    // Then every command of a pipeline decides.
    if script.contains("pipefail") {
        return Ends::EITHER;
    }
    let beyond = tokens.iter().any(|token| match token {
        Token::Operator(operator) => *operator == "(",
        Token::Word(word) => BEYOND.contains(&word.as_str()),
    });
    if beyond {
        return Ends::EITHER;
    }
    let (mut now, mut exited) = (Ends::WELL, Ends::default());
    let mut before = ";";
    let mut rest = tokens.iter().peekable();
    while rest.peek().is_some() {
        // A pipeline: its last command decides.
        let mut command: Vec<String> = Vec::new();
        let mut after = ";";
        let mut piped = None;
        for token in rest.by_ref() {
            match token {
                Token::Word(word) => command.push(word.clone()),
                Token::Operator("|") => {
                    piped = Some(run(&command, piped.flatten()).prints);
                    command.clear();
                }
                Token::Operator(operator) => {
                    after = operator;
                    break;
                }
            }
        }
        if command.is_empty() {
            before = if after == "\n" { before } else { after };
            continue;
        }
        let (runs, skipped) = match before {
            "&&" => (now.well, Ends { well: false, ..now }),
            "||" => (
                now.badly,
                Ends {
                    badly: false,
                    ..now
                },
            ),
            _ => (now.well || now.badly, Ends::default()),
        };
        if runs {
            let exits = command[0] == "exit" && piped.is_none();
            let result = if exits {
                left(&command, now)
            } else {
                ran(&command, piped.flatten(), run)
            };
            if exits {
                exited = exited.or(result);
                now = skipped;
            } else {
                // What is left in the background has not ended.
                now = skipped.or(if after == "&" { Ends::WELL } else { result });
            }
        }
        before = after;
    }
    exited.or(now)
}

/// One command, with what stands before it.
fn ran(command: &[String], piped: Option<String>, run: &mut Runs) -> Ends {
    match command {
        [] => Ends::WELL,
        [not, rest @ ..] if not == "!" => {
            let ends = ran(rest, piped, run);
            Ends {
                well: ends.badly,
                badly: ends.well,
            }
        }
        command => run(command, piped).ends,
    }
}

/// What `exit` leaves with.
fn left(command: &[String], now: Ends) -> Ends {
    match command.get(1).map(String::as_str) {
        Some("0") => Ends::WELL,
        Some(code) if code.parse::<u32>().is_ok() => Ends::BADLY,
        _ => now,
    }
}

fn tokens(script: &str) -> Vec<Token> {
    let (mut found, mut rest) = (Vec::new(), script);
    while let Some(first) = rest.chars().next() {
        if first == '#' {
            rest = &rest[rest.find('\n').unwrap_or(rest.len())..];
        } else if let Some(operator) = OPERATORS
            .iter()
            .find(|operator| rest.starts_with(**operator))
        {
            found.push(Token::Operator(operator));
            rest = &rest[operator.len()..];
        } else if first.is_whitespace() || first == ')' {
            rest = &rest[first.len_utf8()..];
        } else {
            let end = word_end(rest);
            let word = &rest[..end];
            let digits = word.trim_start_matches(|letter: char| letter.is_ascii_digit());
            // A redirection changes nothing of how it ends; its file may be the next word.
            if let Some(file) = digits.strip_prefix(['>', '<']) {
                rest = rest[end..].trim_start_matches([' ', '\t']);
                if file.trim_start_matches(['>', '&']).is_empty() {
                    rest = &rest[word_end(rest)..];
                }
                continue;
            }
            let word = word
                .find(['>', '<'])
                .filter(|_| !word.contains(['\'', '"']))
                .map_or(word, |at| &word[..at]);
            found.push(Token::Word(super::text::split(word).concat()));
            rest = &rest[end..];
        }
    }
    found
}

/// Where the word at the start of a text ends.
fn word_end(text: &str) -> usize {
    let (mut quote, mut depth, mut escaped) = (None, 0, false);
    for (at, letter) in text.char_indices() {
        let before = text[..at].chars().next_back();
        match (quote, letter) {
            _ if escaped => escaped = false,
            (Some(open), letter) => quote = (open != letter).then_some(open),
            (None, '\\') => escaped = true,
            (None, '\'' | '"' | '`') => quote = Some(letter),
            (None, '(') if before == Some('$') || depth > 0 => depth += 1,
            (None, ')') if depth > 0 => depth -= 1,
            (None, '&') if before.is_some_and(|before| before == '>') => {}
            (None, ';' | '|' | '&' | '(' | ')') if depth == 0 => return at,
            (None, letter) if letter.is_whitespace() && depth == 0 => return at,
            _ => {}
        }
    }
    text.len()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_script_ends_as_a_shell_would_end_it() {
        let mut run = |command: &[String], _| match command[0].as_str() {
            "true" => Left::from(Ends::WELL),
            "false" => Left::from(Ends::BADLY),
            _ => Left::from(Ends::EITHER),
        };
        let mut ends = |script: &str| ends(script, &mut run);
        for script in [
            "x",
            "x || exit 1",
            "x && y",
            "true && x",
            "x | grep ok",
            "! x",
            "x; exit $?",
            "if x; then true; fi",
            "x >/dev/null 2>&1 || exit 1",
            "x 2> log",
        ] {
            assert_eq!(ends(script), Ends::EITHER, "{script}");
        }
        for script in [
            "x || true",
            "x; true",
            "x; exit 0",
            "x || exit 0",
            "true",
            "x &",
            "x | true",
            "x && true || true",
        ] {
            assert_eq!(ends(script), Ends::WELL, "{script}");
        }
        for script in ["false", "x && false", "false && x", "! true", "x; exit 2"] {
            assert_eq!(ends(script), Ends::BADLY, "{script}");
        }
    }
}
