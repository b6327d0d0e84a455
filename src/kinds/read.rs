//! The kinds of an overlay, read from its kinds/ folder.

use super::{HELP, Kind};
use crate::diagnostic::{Diagnostic, Place};
use crate::overlay::Overlay;
use crate::source::read::Unreadable;
use std::collections::BTreeMap;
use std::sync::{Arc, LazyLock};

/// All kinds, by name.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Kinds {
    all: BTreeMap<String, Arc<Kind>>,
}

static BUILT_IN: LazyLock<Arc<Kinds>> = LazyLock::new(|| {
    let kinds = include_str!(concat!(env!("OUT_DIR"), "/kinds.json"));
    let kinds: BTreeMap<String, Kind> =
        serde_json::from_str(kinds).expect("the built-in kinds are valid");
    let called = |(name, kind): (String, Kind)| (name.clone(), kind.called(&name));
    let kinds: BTreeMap<String, Kind> = kinds.into_iter().map(called).collect();
    let all = kinds.iter().map(|(name, kind)| {
        let mut kind = kind.clone();
        let other = kind.behaves_as.as_ref().and_then(|other| kinds.get(other));
        if let Some(other) = other {
            kind.behave_as(other);
        }
        (name.clone(), Arc::new(kind))
    });
    Arc::new(Kinds { all: all.collect() })
});

impl Kinds {
    /// Those of an overlay; built-in ones that nothing replaces are read once.
    pub fn of(overlay: &Overlay) -> Result<Arc<Kinds>, Vec<Diagnostic>> {
        if overlay.adds("kinds", "kind.toml") {
            Kinds::read(overlay).map(Arc::new)
        } else {
            Ok(BUILT_IN.clone())
        }
    }

    /// Those that are built in.
    pub fn built_in() -> Arc<Kinds> {
        BUILT_IN.clone()
    }

    fn read(overlay: &Overlay) -> Result<Kinds, Vec<Diagnostic>> {
        let (mut all, mut wrong) = (BTreeMap::new(), Vec::new());
        for name in overlay.folders("kinds") {
            let path = format!("kinds/{name}/kind.toml");
            match overlay.text(&path) {
                Ok(Some(text)) => match parse(&name, &path, &text) {
                    Ok(kind) => drop(all.insert(name, (kind, text))),
                    Err(diagnostic) => wrong.push(*diagnostic),
                },
                // A folder without it is somebody else's.
                Ok(None) => {}
                Err(reason) => wrong.push(unreadable(&path, reason)),
            }
        }
        let others: BTreeMap<String, Kind> = all
            .iter()
            .map(|(name, (kind, _))| (name.clone(), kind.clone()))
            .collect();
        for (kind, text) in all.values_mut() {
            if let Some(other) = &kind.behaves_as {
                match others.get(other) {
                    Some(other) => kind.behave_as(other),
                    None => {
                        let message = format!("there is no kind `{other}` that it could behave as");
                        wrong.push(kind.mistake(text, other, message));
                    }
                }
            }
            // A test looks at those that are built in.
            if crate::overlay::built_in(&format!("kinds/{}/kind.toml", kind.name)) != Some(text) {
                wrong.extend(kind.mistakes(text));
            }
        }
        if !wrong.is_empty() {
            return Err(wrong);
        }
        let all = all.into_iter();
        Ok(Kinds {
            all: all
                .map(|(name, (kind, _))| (name, Arc::new(kind)))
                .collect(),
        })
    }

    /// The kind of this name.
    pub fn get(&self, name: &str) -> Option<&Arc<Kind>> {
        self.all.get(name)
    }

    /// All of them, by name.
    pub fn iter(&self) -> impl Iterator<Item = &Arc<Kind>> {
        self.all.values()
    }
}

fn parse(name: &str, path: &str, text: &str) -> Result<Kind, Box<Diagnostic>> {
    let file = format!("templates/{path}");
    let wrong = |at: usize, message: String| {
        let line = text[..at].matches('\n').count();
        let place = Place::Line {
            file: file.clone(),
            line: line + 1,
            text: text.lines().nth(line).unwrap_or_default().to_string(),
        };
        Box::new(Diagnostic::error("invalid-kind", place, message).help(HELP))
    };
    let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_';
    if !name.starts_with(|c: char| c.is_ascii_lowercase()) || !name.chars().all(plain) {
        return Err(wrong(
            0,
            format!(
                "`{name}` is not a valid name of a kind: use lower-case letters, digits and underscores"
            ),
        ));
    }
    let kind: Kind = toml::from_str(text).map_err(|error| {
        wrong(
            error.span().map_or(0, |span| span.start.min(text.len())),
            error.message().to_string(),
        )
    })?;
    Ok(kind.called(name))
}

fn unreadable(path: &str, reason: Unreadable) -> Diagnostic {
    let (reason, help) = match reason {
        Unreadable::Missing => ("it is not there".to_string(), "write it"),
        Unreadable::Refused(reason, help) => (reason, help),
        Unreadable::NotText { reason, help, .. } => (reason, help),
    };
    Diagnostic::error(
        "invalid-kind",
        Place::File(format!("templates/{path}")),
        format!("cannot read templates/{path}: {reason}"),
    )
    .help(help)
}

impl Kind {
    /// With the name of its folder, and the unit of its threshold.
    fn called(self, name: &str) -> Kind {
        let written = self
            .thresholds()
            .find_map(|(key, _)| self.says(key, "unit")?.as_str())
            .map(str::to_string);
        Kind {
            name: name.to_string(),
            unit: written.or(self.unit.clone()),
            ..self
        }
    }

    fn behave_as(&mut self, other: &Kind) {
        self.times = other.times.clone();
        self.cases = other.cases.clone();
        self.compares = self.compares.take().or(other.compares.clone());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// They are not looked at again at every start.
    #[test]
    fn the_built_in_kinds_have_no_mistakes() {
        let read = Kinds::read(&Overlay::default()).expect("they are valid");
        assert_eq!(read, *Kinds::built_in());
        for kind in Kinds::built_in().iter() {
            let path = format!("kinds/{}/kind.toml", kind.name);
            let text = crate::overlay::built_in(&path).expect("it is built in");
            assert!(kind.mistakes(text).is_empty(), "{}", kind.name);
        }
    }
}
