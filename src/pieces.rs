//! Where Grafana's variables stand in a text: `$name`, `${name}`, `${name:format}`.

/// A part of a text.
#[derive(Debug, PartialEq)]
pub enum Piece<'a> {
    /// As it stands.
    Text(&'a str),
    /// The name of a variable, and how it is written.
    Variable(&'a str, &'a str),
}

/// The text, piece by piece; a dollar without a name is text.
pub fn pieces(text: &str) -> impl Iterator<Item = Piece<'_>> {
    let mut rest = text;
    std::iter::from_fn(move || {
        let end = match variable(rest) {
            Some((name, end)) => {
                let (written, behind) = rest.split_at(end);
                rest = behind;
                return Some(Piece::Variable(name, written));
            }
            None => rest
                .char_indices()
                .skip(1)
                .find(|(at, c)| *c == '$' && variable(&rest[*at..]).is_some())
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
    (!name.is_empty()).then_some((name, end))
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
        assert_eq!(pieces("").count(), 0);
    }
}
