//! The text of a program as statements. What is not Python for certain is told apart from what is only not understood here.

/// Why a program is not followed.
#[derive(Debug)]
pub(super) enum Unread {
    /// It may be Python, and is more than is understood here.
    Beyond,
    /// It is no Python.
    Wrong(String),
}

type Read<T> = Result<T, Unread>;

/// The statements of a program, or why there are none.
pub(super) type Program = Read<Vec<Statement>>;

#[derive(Debug)]
pub(super) enum Statement {
    /// The module, what of it, the name that it gets.
    Import(String, Option<String>, String),
    Is(Expression),
    Let(Expression, Expression),
    Assert(Expression),
    Raise(Option<Expression>),
    If(Vec<(Expression, Vec<Statement>)>, Vec<Statement>),
    Try(Box<Tried>),
    With(Vec<(Expression, Option<String>)>, Vec<Statement>),
    Pass,
}

#[derive(Debug, Default)]
pub(super) struct Tried {
    pub(super) body: Vec<Statement>,
    /// What is caught, None: everything; its name; what is done then.
    pub(super) handlers: Vec<(Option<Expression>, Option<String>, Vec<Statement>)>,
    pub(super) otherwise: Vec<Statement>,
    pub(super) finally: Vec<Statement>,
}

#[derive(Clone, Debug)]
pub(super) enum Expression {
    Nothing,
    Truth(bool),
    Number(f64),
    /// None: its value is not known here.
    Text(Option<String>),
    Name(String),
    Of(Box<Expression>, String),
    Call(Box<Expression>, Vec<Expression>, Vec<(String, Expression)>),
    At(Box<Expression>, Box<Expression>),
    Several(Vec<Expression>),
    /// A mapping, or another value that only is there; whether it has anything.
    Mapping(bool),
    Not(Box<Expression>),
    Minus(Box<Expression>),
    And(Box<Expression>, Box<Expression>),
    Or(Box<Expression>, Box<Expression>),
    Compare(Box<Expression>, Vec<(String, Expression)>),
    Binary(String, Box<Expression>, Box<Expression>),
    Either(Box<Expression>, Box<Expression>, Box<Expression>),
}

#[derive(Clone, Debug, PartialEq)]
enum Token {
    Name(String),
    Number(f64),
    Text(Option<String>),
    Operator(&'static str),
    Line,
    Indent,
    Dedent,
}

const OPERATORS: [&str; 44] = [
    "**=", "//=", "<<=", ">>=", "...", "==", "!=", "<=", ">=", "->", ":=", "+=", "-=", "*=", "/=",
    "%=", "&=", "|=", "^=", "**", "//", "<<", ">>", "(", ")", "[", "]", "{", "}", ",", ":", ".",
    ";", "@", "=", "+", "-", "*", "/", "%", "<", ">", "|", "&",
];

/// Words that begin a statement, and are no part of an expression.
const STATEMENTS: [&str; 18] = [
    "import", "raise", "assert", "try", "with", "pass", "return", "del", "global", "nonlocal",
    "while", "class", "def", "break", "continue", "except", "finally", "elif",
];

/// Those that have a body.
const COMPOUND: [&str; 7] = ["if", "try", "with", "for", "while", "def", "class"];

/// What an expression may have behind it.
const INFIX: [&str; 7] = ["and", "or", "in", "is", "not", "if", "else"];

/// Words that were statements of Python 2, or are sometimes keywords.
const SOMETIMES: [&str; 6] = ["print", "exec", "match", "case", "type", "async"];

pub(super) fn program(code: &str) -> Program {
    let mut parser = Parser {
        tokens: tokens(code)?,
        at: 0,
    };
    let mut found = Vec::new();
    while parser.peek().is_some() {
        if parser.take(&Token::Line) {
            continue;
        }
        if parser.peek() == Some(&Token::Indent) {
            // Python 3.14 takes away what stands before every line.
            return Err(match found.is_empty() {
                true => Unread::Beyond,
                false => wrong("a line is indented without a reason"),
            });
        }
        found.extend(parser.statement()?);
    }
    Ok(found)
}

fn wrong(reason: impl Into<String>) -> Unread {
    Unread::Wrong(reason.into())
}

fn tokens(code: &str) -> Read<Vec<Token>> {
    let (mut found, mut rest) = (Vec::new(), code);
    let (mut open, mut indents, mut fresh) = (Vec::new(), vec![0], true);
    while let Some(first) = rest.chars().next() {
        if fresh && open.is_empty() {
            let width = rest.len() - rest.trim_start_matches([' ', '\t']).len();
            let line = &rest[width..];
            if line.is_empty() || line.starts_with(['\n', '\r', '#']) {
                let end = line.find('\n').map_or(line.len(), |end| end + 1);
                rest = &line[end..];
                continue;
            }
            let now = *indents.last().unwrap_or(&0);
            if width > now {
                indents.push(width);
                found.push(Token::Indent);
            }
            while width < *indents.last().unwrap_or(&0) {
                indents.pop();
                found.push(Token::Dedent);
            }
            if width != *indents.last().unwrap_or(&0) {
                return Err(wrong("a line is indented as no line before it"));
            }
            fresh = false;
            rest = line;
            continue;
        }
        match first {
            '\n' => {
                rest = &rest[1..];
                if open.is_empty() {
                    found.push(Token::Line);
                    fresh = true;
                }
            }
            '#' => rest = &rest[rest.find('\n').unwrap_or(rest.len())..],
            '\\' if rest[1..].starts_with('\n') => rest = &rest[2..],
            first if first.is_whitespace() => rest = &rest[first.len_utf8()..],
            '\'' | '"' => {
                let (text, left) = text(rest, "")?;
                found.push(text);
                rest = left;
            }
            first if first.is_ascii_digit() => {
                let end = rest
                    .find(|c: char| !c.is_ascii_alphanumeric() && c != '.' && c != '_')
                    .unwrap_or(rest.len());
                let number = rest[..end].replace('_', "").parse();
                found.push(Token::Number(number.map_err(|_| Unread::Beyond)?));
                rest = &rest[end..];
            }
            first if first.is_alphabetic() || first == '_' => {
                let end = rest
                    .find(|c: char| !c.is_alphanumeric() && c != '_')
                    .unwrap_or(rest.len());
                let (name, left) = rest.split_at(end);
                let prefix = name.to_lowercase();
                let quoted = left.starts_with(['\'', '"']);
                if quoted && ["b", "f", "r", "u", "br", "rb", "fr", "rf"].contains(&&*prefix) {
                    let (text, left) = text(left, &prefix)?;
                    found.push(text);
                    rest = left;
                    continue;
                }
                found.push(Token::Name(name.to_string()));
                rest = left;
            }
            _ => {
                let mut operators = OPERATORS.into_iter();
                let operator = operators.find(|operator| rest.starts_with(operator));
                // `$` and other letters: what a shell puts there is not known.
                let operator = operator.ok_or(Unread::Beyond)?;
                match operator {
                    "(" => open.push(")"),
                    "[" => open.push("]"),
                    "{" => open.push("}"),
                    ")" | "]" | "}" if open.pop() != Some(operator) => {
                        return Err(wrong(format!("`{operator}` closes nothing")));
                    }
                    _ => {}
                }
                found.push(Token::Operator(operator));
                rest = &rest[operator.len()..];
            }
        }
    }
    if let Some(closing) = open.pop() {
        return Err(wrong(format!("`{closing}` is missing")));
    }
    found.push(Token::Line);
    found.extend(indents[1..].iter().map(|_| Token::Dedent));
    Ok(found)
}

/// A text in quotes, and what is behind it.
fn text<'t>(rest: &'t str, prefix: &str) -> Read<(Token, &'t str)> {
    let quote = &rest[..1];
    let thrice = quote.repeat(3);
    if rest.starts_with(&thrice) {
        return Err(Unread::Beyond);
    }
    let (mut text, mut escaped, mut plain) = (String::new(), false, true);
    for (at, letter) in rest.char_indices().skip(1) {
        match letter {
            _ if escaped => {
                escaped = false;
                plain &= "\\'\"".contains(letter) && !prefix.contains('r');
                text.push(letter);
            }
            '\\' => escaped = true,
            '\n' => break,
            letter if quote.starts_with(letter) => {
                let filled = prefix.contains('f') && text.contains('{');
                let known = plain && !filled && !text.contains('$');
                return Ok((Token::Text(known.then_some(text)), &rest[at + 1..]));
            }
            letter => text.push(letter),
        }
    }
    Err(wrong("a text is not closed"))
}

/// What is given in order, and what by name.
type Arguments = (Vec<Expression>, Vec<(String, Expression)>);

struct Parser {
    tokens: Vec<Token>,
    at: usize,
}

impl Parser {
    fn peek(&self) -> Option<&Token> {
        self.tokens.get(self.at)
    }

    fn word(&self) -> &str {
        match self.peek() {
            Some(Token::Name(name)) => name,
            _ => "",
        }
    }

    fn take(&mut self, token: &Token) -> bool {
        let there = self.peek() == Some(token);
        self.at += usize::from(there);
        there
    }

    fn operator(&mut self, operator: &'static str) -> bool {
        self.take(&Token::Operator(operator))
    }

    fn keyword(&mut self, word: &str) -> bool {
        let there = self.word() == word;
        self.at += usize::from(there);
        there
    }

    fn name(&mut self) -> Read<String> {
        match self.peek() {
            Some(Token::Name(name)) => {
                let name = name.clone();
                self.at += 1;
                Ok(name)
            }
            _ => Err(Unread::Beyond),
        }
    }

    /// A compound statement, or a line of simple ones.
    fn statement(&mut self) -> Read<Vec<Statement>> {
        match self.word() {
            "if" => self.conditional().map(|one| vec![one]),
            "try" => self.tried().map(|one| vec![one]),
            "with" => self.with().map(|one| vec![one]),
            "for" | "while" | "def" | "class" | "async" | "match" => Err(Unread::Beyond),
            "else" | "elif" | "except" | "finally" => {
                Err(wrong(format!("`{}` belongs to nothing", self.word())))
            }
            _ => self.line(),
        }
    }

    /// Simple statements up to the end of the line.
    fn line(&mut self) -> Read<Vec<Statement>> {
        let mut found = Vec::new();
        loop {
            if found.is_empty() || !COMPOUND.contains(&self.word()) {
                self.simple(&mut found)?;
            } else {
                let word = self.word();
                return Err(wrong(format!("`{word}` cannot stand behind `;`")));
            }
            if !self.operator(";") {
                break;
            }
            if self.peek() == Some(&Token::Line) {
                break;
            }
        }
        if self.take(&Token::Line) {
            return Ok(found);
        }
        Err(self.unexpected())
    }

    /// What stands where nothing more may stand.
    fn unexpected(&self) -> Unread {
        let before = self.at.checked_sub(1).map(|at| &self.tokens[at]);
        let before = match before {
            Some(Token::Name(name)) => name.as_str(),
            _ => "",
        };
        match self.peek() {
            _ if SOMETIMES.contains(&before) => Unread::Beyond,
            Some(Token::Name(name))
                if !INFIX.contains(&name.as_str()) && !["for", "as"].contains(&name.as_str()) =>
            {
                wrong(format!("`{name}` stands where no word may stand"))
            }
            Some(Token::Text(_) | Token::Number(_)) => wrong("two values stand side by side"),
            _ => Unread::Beyond,
        }
    }

    fn simple(&mut self, found: &mut Vec<Statement>) -> Read<()> {
        match self.word() {
            "pass" => {
                self.at += 1;
                found.push(Statement::Pass);
            }
            "import" => {
                self.at += 1;
                loop {
                    let module = self.dotted()?;
                    let first = module.split('.').next().unwrap_or_default().to_string();
                    found.push(match self.keyword("as") {
                        true => Statement::Import(module, Some(String::new()), self.name()?),
                        false => Statement::Import(module, None, first),
                    });
                    if !self.operator(",") {
                        break;
                    }
                }
            }
            "from" => {
                self.at += 1;
                let module = self.dotted()?;
                if !self.keyword("import") {
                    return Err(wrong("`from` without its `import`"));
                }
                let listed = self.operator("(");
                loop {
                    let what = self.name()?;
                    let called = match self.keyword("as") {
                        true => self.name()?,
                        false => what.clone(),
                    };
                    found.push(Statement::Import(module.clone(), Some(what), called));
                    if !self.operator(",") {
                        break;
                    }
                }
                if listed && !self.operator(")") {
                    return Err(Unread::Beyond);
                }
            }
            "assert" => {
                self.at += 1;
                let asserted = self.expression()?;
                if self.operator(",") {
                    self.expression()?;
                }
                found.push(Statement::Assert(asserted));
            }
            "raise" => {
                self.at += 1;
                let bare = matches!(self.peek(), Some(Token::Line | Token::Operator(";")) | None);
                let raised = match bare {
                    true => None,
                    false => Some(self.expression()?),
                };
                if self.keyword("from") {
                    self.expression()?;
                }
                found.push(Statement::Raise(raised));
            }
            "return" | "break" | "continue" => {
                return Err(wrong(format!(
                    "`{}` stands outside of what it would end",
                    self.word()
                )));
            }
            "del" | "global" | "nonlocal" => return Err(Unread::Beyond),
            _ => {
                let first = self.several()?;
                if !self.operator("=") {
                    found.push(Statement::Is(first));
                    return Ok(());
                }
                let value = self.several()?;
                if self.operator("=") {
                    return Err(Unread::Beyond);
                }
                found.push(Statement::Let(first, value));
            }
        }
        Ok(())
    }

    fn dotted(&mut self) -> Read<String> {
        let mut name = self.name()?;
        while self.operator(".") {
            name = format!("{name}.{}", self.name()?);
        }
        Ok(name)
    }

    fn body(&mut self) -> Read<Vec<Statement>> {
        if !self.operator(":") {
            return Err(match self.peek() {
                Some(Token::Line) => wrong("`:` is missing"),
                _ => Unread::Beyond,
            });
        }
        if !self.take(&Token::Line) {
            if COMPOUND.contains(&self.word()) {
                let word = self.word();
                return Err(wrong(format!("`{word}` cannot stand behind `:`")));
            }
            return self.line();
        }
        if !self.take(&Token::Indent) {
            return Err(wrong("nothing is indented behind `:`"));
        }
        let mut found = Vec::new();
        while !self.take(&Token::Dedent) {
            if self.peek().is_none() {
                return Err(Unread::Beyond);
            }
            if self.peek() == Some(&Token::Indent) {
                return Err(wrong("a line is indented without a reason"));
            }
            found.extend(self.statement()?);
        }
        Ok(found)
    }

    fn conditional(&mut self) -> Read<Statement> {
        let (mut branches, mut otherwise) = (Vec::new(), Vec::new());
        while self.keyword("if") || !branches.is_empty() && self.keyword("elif") {
            let condition = self.expression()?;
            branches.push((condition, self.body()?));
            if self.word() == "if" {
                break;
            }
        }
        if self.keyword("else") {
            otherwise = self.body()?;
        }
        Ok(Statement::If(branches, otherwise))
    }

    fn tried(&mut self) -> Read<Statement> {
        self.at += 1;
        let mut tried = Tried {
            body: self.body()?,
            ..Tried::default()
        };
        while self.keyword("except") {
            let caught = match self.peek() {
                Some(Token::Operator(":")) => None,
                _ => Some(self.expression()?),
            };
            let called = match self.keyword("as") {
                true => Some(self.name()?),
                false => None,
            };
            tried.handlers.push((caught, called, self.body()?));
        }
        if self.keyword("else") {
            tried.otherwise = self.body()?;
        }
        let finally = self.keyword("finally");
        if finally {
            tried.finally = self.body()?;
        }
        if tried.handlers.is_empty() && !finally {
            return Err(wrong("`try` without `except`"));
        }
        Ok(Statement::Try(Box::new(tried)))
    }

    fn with(&mut self) -> Read<Statement> {
        self.at += 1;
        let mut managers = Vec::new();
        loop {
            let manager = self.expression()?;
            let called = match self.keyword("as") {
                true => Some(self.name()?),
                false => None,
            };
            managers.push((manager, called));
            if !self.operator(",") {
                break;
            }
        }
        Ok(Statement::With(managers, self.body()?))
    }

    /// One expression, or several apart by commas.
    fn several(&mut self) -> Read<Expression> {
        let first = self.expression()?;
        if self.peek() != Some(&Token::Operator(",")) {
            return Ok(first);
        }
        let mut all = vec![first];
        while self.operator(",") {
            if matches!(
                self.peek(),
                Some(Token::Line | Token::Operator("=" | ")" | "]" | ";"))
            ) {
                break;
            }
            all.push(self.expression()?);
        }
        Ok(Expression::Several(all))
    }

    fn expression(&mut self) -> Read<Expression> {
        if self.word() == "lambda" {
            return Err(Unread::Beyond);
        }
        let value = self.either()?;
        if self.keyword("if") {
            let condition = self.either()?;
            if !self.keyword("else") {
                return Err(Unread::Beyond);
            }
            let otherwise = self.expression()?;
            let [condition, value, otherwise] = [condition, value, otherwise].map(Box::new);
            return Ok(Expression::Either(condition, value, otherwise));
        }
        match self.peek() {
            Some(Token::Operator(":=")) => Err(Unread::Beyond),
            Some(Token::Name(name)) if name == "for" => Err(Unread::Beyond),
            _ => Ok(value),
        }
    }

    fn either(&mut self) -> Read<Expression> {
        let mut left = self.both()?;
        while self.keyword("or") {
            left = Expression::Or(Box::new(left), Box::new(self.both()?));
        }
        Ok(left)
    }

    fn both(&mut self) -> Read<Expression> {
        let mut left = self.negated()?;
        while self.keyword("and") {
            left = Expression::And(Box::new(left), Box::new(self.negated()?));
        }
        Ok(left)
    }

    fn negated(&mut self) -> Read<Expression> {
        if self.keyword("not") {
            return Ok(Expression::Not(Box::new(self.negated()?)));
        }
        let left = self.added()?;
        let mut compared = Vec::new();
        loop {
            let operators = ["==", "!=", "<=", ">=", "<", ">"];
            let found = operators
                .into_iter()
                .find(|operator| self.operator(operator));
            let operator = match found {
                Some(operator) => operator,
                None if self.keyword("in") => "in",
                None if self.keyword("is") => match self.keyword("not") {
                    true => "is not",
                    false => "is",
                },
                None if self.word() == "not" => {
                    self.at += 1;
                    if !self.keyword("in") {
                        return Err(wrong("`not` stands where no word may stand"));
                    }
                    "not in"
                }
                None => break,
            };
            compared.push((operator.to_string(), self.added()?));
        }
        Ok(match compared.is_empty() {
            true => left,
            false => Expression::Compare(Box::new(left), compared),
        })
    }

    fn added(&mut self) -> Read<Expression> {
        let mut left = self.multiplied()?;
        while let Some(operator) = ["+", "-"].into_iter().find(|one| self.operator(one)) {
            let right = Box::new(self.multiplied()?);
            left = Expression::Binary(operator.to_string(), Box::new(left), right);
        }
        match self.peek() {
            Some(Token::Operator("|" | "&" | "<<" | ">>" | "**" | "@")) => Err(Unread::Beyond),
            _ => Ok(left),
        }
    }

    fn multiplied(&mut self) -> Read<Expression> {
        let mut left = self.signed()?;
        let operators = ["*", "//", "/", "%"];
        while let Some(operator) = operators.into_iter().find(|one| self.operator(one)) {
            let right = Box::new(self.signed()?);
            left = Expression::Binary(operator.to_string(), Box::new(left), right);
        }
        Ok(left)
    }

    fn signed(&mut self) -> Read<Expression> {
        if self.operator("-") {
            return Ok(Expression::Minus(Box::new(self.signed()?)));
        }
        let mut value = self.operand()?;
        loop {
            if self.operator(".") {
                value = Expression::Of(Box::new(value), self.name()?);
            } else if self.operator("(") {
                let (given, named) = self.arguments()?;
                value = Expression::Call(Box::new(value), given, named);
            } else if self.operator("[") {
                let index = self.expression()?;
                if !self.operator("]") {
                    return Err(Unread::Beyond);
                }
                value = Expression::At(Box::new(value), Box::new(index));
            } else {
                return Ok(value);
            }
        }
    }

    fn arguments(&mut self) -> Read<Arguments> {
        let (mut given, mut named) = (Vec::new(), Vec::new());
        while !self.operator(")") {
            let by_name = self.tokens.get(self.at + 1) == Some(&Token::Operator("="));
            if by_name && !self.word().is_empty() {
                let name = self.name()?;
                self.at += 1;
                named.push((name, self.expression()?));
            } else {
                given.push(self.expression()?);
            }
            if !self.operator(",") && self.peek() != Some(&Token::Operator(")")) {
                return Err(self.unexpected());
            }
        }
        Ok((given, named))
    }

    fn operand(&mut self) -> Read<Expression> {
        let token = self.peek().cloned();
        self.at += 1;
        match token {
            Some(Token::Name(name)) => match name.as_str() {
                "None" => Ok(Expression::Nothing),
                "True" => Ok(Expression::Truth(true)),
                "False" => Ok(Expression::Truth(false)),
                "lambda" | "await" | "yield" => Err(Unread::Beyond),
                word if STATEMENTS.contains(&word) => {
                    Err(wrong(format!("`{word}` stands where a value is wanted")))
                }
                word if INFIX.contains(&word) => {
                    Err(wrong(format!("`{word}` has nothing before it")))
                }
                _ => Ok(Expression::Name(name)),
            },
            Some(Token::Number(number)) => Ok(Expression::Number(number)),
            Some(Token::Text(text)) => {
                let mut text = text;
                while let Some(Token::Text(more)) = self.peek() {
                    text = text.zip(more.as_ref()).map(|(text, more)| text + more);
                    self.at += 1;
                }
                Ok(Expression::Text(text))
            }
            Some(Token::Operator(open @ ("(" | "["))) => {
                let close = if open == "(" { ")" } else { "]" };
                if self.operator(close) {
                    return Ok(Expression::Several(Vec::new()));
                }
                let inside = self.several()?;
                if !self.operator(close) {
                    return Err(self.unexpected());
                }
                Ok(match (open, inside) {
                    ("[", one @ (Expression::Several(_) | Expression::Name(_))) => match one {
                        Expression::Several(all) => Expression::Several(all),
                        one => Expression::Several(vec![one]),
                    },
                    ("[", one) => Expression::Several(vec![one]),
                    (_, inside) => inside,
                })
            }
            Some(Token::Operator("{")) => {
                let empty = self.operator("}");
                let mut depth = usize::from(!empty);
                while depth > 0 {
                    match self.peek() {
                        Some(Token::Operator("{")) => depth += 1,
                        Some(Token::Operator("}")) => depth -= 1,
                        Some(_) => {}
                        None => return Err(Unread::Beyond),
                    }
                    self.at += 1;
                }
                Ok(Expression::Mapping(!empty))
            }
            Some(Token::Line | Token::Operator(";" | ")" | "," | "]")) => {
                Err(wrong("a value is missing"))
            }
            _ => Err(Unread::Beyond),
        }
    }
}
