//! Grafana's variables in a text, `$name`, `${name}`, `${name:format}`: where they stand, and what is filled in for them.

/// A variable that is filled in.
pub struct Variable<'a> {
    pub name: &'a str,
    /// With its dollar, braces and format.
    pub written: &'a str,
    /// The text before it, filled in.
    before: &'a str,
}

impl Variable<'_> {
    /// Whether it stands in the brackets of a range, so that a duration is wanted.
    pub(crate) fn is_range(&self) -> bool {
        let quoted = self.before.matches('"').count() % 2 == 1;
        self.before.rfind('[') > self.before.rfind(']') && !quoted
    }

    /// The label whose pattern it begins, as far as can be seen from before it.
    pub(crate) fn label(&self) -> Option<&str> {
        let before = self.before.strip_suffix("=~\"")?.trim_end();
        let name = |c: char| c.is_ascii_alphanumeric() || c == '_';
        let start = before.rfind(|c| !name(c)).map_or(0, |at| at + 1);
        Some(&before[start..]).filter(|label| !label.is_empty())
    }

    /// Whether it is the whole pattern of a matcher, as far as can be seen from before it.
    pub fn is_pattern(&self) -> bool {
        self.before.ends_with("=~\"")
    }
}

pub enum Filling {
    Text(String),
    /// Everything: a matcher with it is left out.
    Everything,
    /// What was written: nobody knows its value.
    Unknown,
}

/// The text with every variable filled in. The one function for all readers, who differ only in the values.
pub fn fill(text: &str, mut value: impl FnMut(&Variable) -> Filling) -> String {
    let mut filled = String::new();
    let mut everything = false;
    for piece in pieces(text) {
        let (name, written) = match piece {
            Piece::Text(text) if everything => {
                let rest = text.trim_start_matches('"');
                filled += rest.strip_prefix(',').unwrap_or(rest);
                everything = false;
                continue;
            }
            Piece::Text(text) => {
                filled += text;
                continue;
            }
            Piece::Variable(name, written) => (name, written),
        };
        let variable = Variable {
            name,
            written,
            before: &filled,
        };
        match value(&variable) {
            Filling::Text(text) => filled += &text,
            Filling::Everything => {
                let label = filled.trim_end_matches("=~\"").rfind(['{', ',', ' ']);
                filled.truncate(label.map_or(0, |before| before + 1));
                everything = true;
            }
            Filling::Unknown => filled += written,
        }
    }
    filled
}

/// The variables of a text: their names, and how they are written.
pub(crate) fn variables(text: &str) -> impl Iterator<Item = (&str, &str)> {
    pieces(text).filter_map(|piece| match piece {
        Piece::Variable(name, written) => Some((name, written)),
        Piece::Text(_) => None,
    })
}

/// A part of a text.
#[derive(Debug, PartialEq)]
enum Piece<'a> {
    Text(&'a str),
    /// The name of a variable, and how it is written.
    Variable(&'a str, &'a str),
}

/// The text, piece by piece; a dollar without a name is text.
fn pieces(text: &str) -> impl Iterator<Item = Piece<'_>> {
    let mut rest = text;
    std::iter::from_fn(move || {
        let end = match variable(rest) {
            Some((name, end)) => {
                let (written, behind) = rest.split_at(end);
                rest = behind;
                return Some(Piece::Variable(name, written));
            }
            None => rest
                .match_indices('$')
                .find(|(at, _)| variable(&rest[*at..]).is_some())
                .map_or(rest.len(), |(at, _)| at),
        };
        let (piece, behind) = rest.split_at(end);
        rest = behind;
        (!piece.is_empty()).then_some(Piece::Text(piece))
    })
}

/// The variable that the text begins with: its name, and where it ends.
fn variable(text: &str) -> Option<(&str, usize)> {
    let behind = text.strip_prefix('$')?;
    let word = |text: &str| {
        text.find(|c: char| !c.is_ascii_alphanumeric() && c != '_')
            .unwrap_or(text.len())
    };
    let (name, end) = match behind.strip_prefix('{') {
        Some(inside) => (&inside[..word(inside)], 2 + inside.find('}')? + 1),
        None => (&behind[..word(behind)], 1 + word(behind)),
    };
    // `$1` is what a pattern has captured: Grafana leaves it as it is.
    let captured = name.starts_with(|first: char| first.is_ascii_digit());
    (!name.is_empty() && !captured).then_some((name, end))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_variable_ends_where_its_name_ends() {
        let found: Vec<Piece> = pieces("a{b=~\"$job\",c=\"${x:regex}\"}$").collect();
        let wanted = [
            Piece::Text("a{b=~\""),
            Piece::Variable("job", "$job"),
            Piece::Text("\",c=\""),
            Piece::Variable("x", "${x:regex}"),
            Piece::Text("\"}$"),
        ];
        assert_eq!(found, wanted);
        assert_eq!(
            pieces("$$ ${ ${}").collect::<Vec<Piece>>(),
            [Piece::Text("$$ ${ ${}")]
        );
        assert_eq!(
            pieces("$1 ${1}").collect::<Vec<Piece>>(),
            [Piece::Text("$1 ${1}")]
        );
        assert_eq!(pieces("").count(), 0);
    }

    #[test]
    fn everything_is_no_matcher() {
        let all = |variable: &Variable| match variable.name {
            "unknown" => Filling::Unknown,
            _ if variable.is_range() => Filling::Text("5m".to_string()),
            _ if variable.is_pattern() => Filling::Everything,
            _ => Filling::Text("cart".to_string()),
        };
        for (written, filled) in [
            (
                "rate(x{job=~\"$job\",a=\"b\"}[$__range])",
                "rate(x{a=\"b\"}[5m])",
            ),
            ("x{a=\"[$job\"} $unknown", "x{a=\"[cart\"} $unknown"),
        ] {
            assert_eq!(fill(written, all), filled);
        }
    }
}
