//! The text of a template → its nodes.

use super::{Node, Operand, Pipeline, Problem, Template, Value};

/// Parses a template; the error is Go's, more or less.
pub(crate) fn parse(text: &str) -> Result<Template, Problem> {
    let mut parser = Parser {
        pieces: pieces(text)?.into_iter().peekable(),
    };
    let (nodes, end) = parser.nodes()?;
    match end {
        None => Ok(Template(nodes)),
        Some(action) => Err(Problem::certain(format!("unexpected {{{{{action}}}}}"))),
    }
}

/// A part of the text.
#[derive(Debug)]
enum Piece {
    Text(String),
    /// Inside the braces.
    Action(String),
}

/// Text and actions; `{{-` and `-}}` trim the text beside them, comments are gone.
fn pieces(text: &str) -> Result<Vec<Piece>, Problem> {
    let mut found = Vec::new();
    let mut rest = text;
    let mut trim = false;
    while let Some(open) = rest.find("{{") {
        let (before, behind) = rest.split_at(open);
        let mut inside = &behind[2..];
        let trims = inside
            .strip_prefix('-')
            .filter(|after| after.starts_with([' ', '\t', '\n', '\r']));
        let before = if trim { before.trim_start() } else { before };
        let before = if trims.is_some() {
            before.trim_end()
        } else {
            before
        };
        inside = trims.unwrap_or(inside);
        if !before.is_empty() {
            found.push(Piece::Text(before.to_string()));
        }
        let close = closing(inside)?;
        let action = &inside[..close];
        rest = &inside[close + 2..];
        let trimmed = action
            .strip_suffix('-')
            .filter(|rest| rest.ends_with([' ', '\t', '\n', '\r']));
        trim = trimmed.is_some();
        let action = trimmed.unwrap_or(action).trim();
        if !action.starts_with("/*") {
            found.push(Piece::Action(action.to_string()));
        }
    }
    let rest = if trim { rest.trim_start() } else { rest };
    if !rest.is_empty() {
        found.push(Piece::Text(rest.to_string()));
    }
    Ok(found)
}

/// Where the braces close: not inside a string.
fn closing(inside: &str) -> Result<usize, Problem> {
    let mut quote = None;
    let mut characters = inside.char_indices();
    while let Some((at, character)) = characters.next() {
        match (quote, character) {
            (None, '"' | '`' | '\'') => quote = Some(character),
            (None, '}') if inside[at..].starts_with("}}") => return Ok(at),
            (Some('`'), '`') => quote = None,
            (Some('`'), _) => {}
            (Some(_), '\\') => drop(characters.next()),
            (Some(open), close) if open == close => quote = None,
            _ => {}
        }
    }
    Err(Problem::certain("unclosed action"))
}

struct Parser {
    pieces: std::iter::Peekable<std::vec::IntoIter<Piece>>,
}

impl Parser {
    /// Nodes up to an action that ends them: `end`, `else …`; None at the end of the text.
    fn nodes(&mut self) -> Result<(Vec<Node>, Option<String>), Problem> {
        let mut nodes = Vec::new();
        while let Some(piece) = self.pieces.next() {
            let action = match piece {
                Piece::Text(text) => {
                    nodes.push(Node::Text(text));
                    continue;
                }
                Piece::Action(action) => action,
            };
            let (word, rest) = action
                .split_once(char::is_whitespace)
                .unwrap_or((&action, ""));
            match word {
                "end" | "else" => return Ok((nodes, Some(action))),
                "if" | "with" | "range" => nodes.push(self.block(word, rest)?),
                "define" | "block" => {
                    let (name, pipeline) = name(rest)?;
                    let (body, end) = self.nodes()?;
                    if end.as_deref() != Some("end") {
                        return Err(Problem::certain("unexpected end of a definition"));
                    }
                    nodes.push(Node::Define(name.clone(), body));
                    if word == "block" {
                        nodes.push(Node::Include(name, Some(read(pipeline)?)));
                    }
                }
                "template" => {
                    let (name, pipeline) = name(rest)?;
                    let pipeline = match pipeline.trim() {
                        "" => None,
                        text => Some(read(text)?),
                    };
                    nodes.push(Node::Include(name, pipeline));
                }
                "break" | "continue" => {
                    return Err(Problem::unknown(format!("`{word}` is not executed")));
                }
                _ => nodes.push(Node::Print(read(&action)?)),
            }
        }
        Ok((nodes, None))
    }

    fn block(&mut self, word: &str, condition: &str) -> Result<Node, Problem> {
        let pipeline = read(condition)?;
        let (then, end) = self.nodes()?;
        let otherwise = match end.as_deref() {
            Some("end") => Vec::new(),
            Some("else") => {
                let (nodes, end) = self.nodes()?;
                if end.as_deref() != Some("end") {
                    return Err(Problem::certain("unexpected {{else}}"));
                }
                nodes
            }
            // `else if` is a block of its own whose end is this one's.
            Some(action) => {
                let inner = action.strip_prefix("else").unwrap_or_default().trim();
                let (inner_word, condition) =
                    inner.split_once(char::is_whitespace).unwrap_or((inner, ""));
                vec![self.block(inner_word, condition)?]
            }
            None => return Err(Problem::certain("unexpected EOF")),
        };
        Ok(match word {
            "if" => Node::If(pipeline, then, otherwise),
            "with" => Node::With(pipeline, then, otherwise),
            "range" => Node::Range(pipeline, then, otherwise),
            _ => return Err(Problem::certain(format!("unexpected {{{{else {word}}}}}"))),
        })
    }
}

/// `"name" pipeline`.
fn name(text: &str) -> Result<(String, &str), Problem> {
    let quoted = text.trim().strip_prefix('"');
    let split = quoted.and_then(|rest| rest.split_once('"'));
    let (name, rest) = split.ok_or_else(|| Problem::certain("a template has a quoted name"))?;
    Ok((name.to_string(), rest))
}

#[derive(Clone, Debug, PartialEq)]
enum Token {
    Word(String),
    Variable(String),
    /// With the dot: `.a`, or `.` alone.
    Field(String),
    Constant(Value),
    Pipe,
    Open,
    Close,
    Comma,
    Declare,
    Assign,
    Space,
}

fn read(text: &str) -> Result<Pipeline, Problem> {
    let tokens = tokens(text)?;
    let mut rest = tokens.as_slice();
    let mut variables = Vec::new();
    let sets = tokens
        .iter()
        .position(|token| matches!(token, Token::Declare | Token::Assign));
    if let Some(at) = sets {
        let known = if tokens[at] == Token::Assign { "=" } else { "" };
        for token in &tokens[..at] {
            match token {
                Token::Variable(name) => variables.push(format!("{known}{name}")),
                Token::Comma | Token::Space => {}
                _ => return Err(Problem::certain("only a variable can be set")),
            }
        }
        rest = &tokens[at + 1..];
    }
    let (commands, left) = commands(rest)?;
    if !left.is_empty() {
        return Err(Problem::certain("unexpected right paren"));
    }
    Ok(Pipeline {
        variables,
        commands,
    })
}

type Commands<'a> = (Vec<Vec<Operand>>, &'a [Token]);

fn commands(mut tokens: &[Token]) -> Result<Commands<'_>, Problem> {
    let mut commands: Vec<Vec<Operand>> = vec![Vec::new()];
    let mut space = true;
    while let [token, rest @ ..] = tokens {
        let last = commands.len() - 1;
        let mut after = rest;
        match token {
            Token::Space => {}
            Token::Pipe => commands.push(Vec::new()),
            Token::Close => break,
            Token::Open => {
                let (inner, left) = self::commands(rest)?;
                let [Token::Close, left @ ..] = left else {
                    return Err(Problem::certain("unclosed left paren"));
                };
                after = left;
                let inner = Pipeline {
                    variables: Vec::new(),
                    commands: inner,
                };
                commands[last].push(Operand::Inner(Box::new(inner)));
            }
            Token::Field(name) if name == "." => commands[last].push(Operand::Dot),
            // `$x.a` and `(…).a` go on; ` .a` is an operand of its own.
            Token::Field(name) => {
                let of = match space {
                    true => Operand::Dot,
                    false => commands[last]
                        .pop()
                        .ok_or_else(|| Problem::certain("unexpected field"))?,
                };
                commands[last].push(Operand::Field(Box::new(of), name[1..].to_string()));
            }
            Token::Word(name) => commands[last].push(Operand::Function(name.clone())),
            Token::Variable(name) => commands[last].push(Operand::Variable(name.clone())),
            Token::Constant(value) => commands[last].push(Operand::Constant(value.clone())),
            Token::Comma | Token::Declare | Token::Assign => {
                return Err(Problem::certain("unexpected token in operand"));
            }
        }
        space = matches!(token, Token::Space | Token::Pipe);
        tokens = after;
    }
    if commands.iter().any(Vec::is_empty) {
        return Err(Problem::certain("missing value for command"));
    }
    Ok((commands, tokens))
}

fn tokens(text: &str) -> Result<Vec<Token>, Problem> {
    let mut found = Vec::new();
    let mut rest = text;
    let word = |text: &str| {
        text.find(|character: char| !(character.is_alphanumeric() || character == '_'))
            .unwrap_or(text.len())
    };
    while let Some(character) = rest.chars().next() {
        let mut length = character.len_utf8();
        found.push(match character {
            space if space.is_whitespace() => Token::Space,
            '|' => Token::Pipe,
            '(' => Token::Open,
            ')' => Token::Close,
            ',' => Token::Comma,
            ':' if rest.starts_with(":=") => {
                length = 2;
                Token::Declare
            }
            '=' => Token::Assign,
            '$' => {
                length = 1 + word(&rest[1..]);
                Token::Variable(rest[1..length].to_string())
            }
            '"' => {
                length = quoted(rest)?;
                let text: String = serde_json::from_str(&rest[..length])
                    .map_err(|_| Problem::unknown(format!("{} is not read", &rest[..length])))?;
                Token::Constant(Value::text(text))
            }
            '`' => {
                let end = rest[1..].find('`');
                length = 2 + end.ok_or_else(|| Problem::certain("unterminated raw string"))?;
                Token::Constant(Value::text(&rest[1..length - 1]))
            }
            '.' if !rest[1..].starts_with(|next: char| next.is_ascii_digit()) => {
                length = 1 + word(&rest[1..]);
                Token::Field(rest[..length].to_string())
            }
            digit if digit.is_ascii_digit() || matches!(digit, '+' | '-' | '.') => {
                length = 1 + rest[1..]
                    .find(|next: char| !(next.is_alphanumeric() || matches!(next, '.' | '_')))
                    .unwrap_or(rest.len() - 1);
                let number = &rest[..length];
                let value = number
                    .parse()
                    .map(Value::Int)
                    .or_else(|_| number.parse().map(Value::Float));
                Token::Constant(
                    value.map_err(|_| Problem::unknown(format!("`{number}` is not read")))?,
                )
            }
            letter if letter.is_alphabetic() || letter == '_' => {
                length = word(rest);
                match &rest[..length] {
                    "true" => Token::Constant(Value::Bool(true)),
                    "false" => Token::Constant(Value::Bool(false)),
                    "nil" => Token::Constant(Value::Nil),
                    name => Token::Word(name.to_string()),
                }
            }
            other => {
                return Err(Problem::certain(format!(
                    "unexpected {other:?} in an action"
                )));
            }
        });
        rest = &rest[length..];
    }
    Ok(found)
}

/// Bytes of the string that a text begins with.
fn quoted(text: &str) -> Result<usize, Problem> {
    let mut characters = text.char_indices().skip(1);
    while let Some((at, character)) = characters.next() {
        match character {
            '\\' => drop(characters.next()),
            '"' => return Ok(at + 1),
            _ => {}
        }
    }
    Err(Problem::certain("unterminated quoted string"))
}
