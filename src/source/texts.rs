//! The files that a catalog is made of, as texts.

/// One file.
#[derive(Clone, Debug, PartialEq)]
pub struct Text {
    /// The path as the user would write it.
    pub name: String,
    pub text: String,
}

/// services.toml, its parts by name, and what differs in one environment.
#[derive(Clone, Debug, PartialEq)]
pub struct Texts {
    pub catalog: Text,
    pub parts: Vec<Text>,
    /// The name of the environment that it is read for.
    pub environment: Option<String>,
    /// What that environment says otherwise.
    pub overlay: Option<Text>,
    /// Files among the parts that are not read, because they are no TOML files by name.
    pub unread: Vec<String>,
}

impl Texts {
    /// A catalog of one file.
    pub fn one(name: &str, text: &str) -> Texts {
        Texts {
            catalog: Text {
                name: name.to_string(),
                text: text.to_string(),
            },
            parts: Vec::new(),
            environment: None,
            overlay: None,
            unread: Vec::new(),
        }
    }

    /// The catalog and its parts, in the order in which they are read.
    pub fn files_mut(&mut self) -> impl Iterator<Item = &mut Text> {
        std::iter::once(&mut self.catalog).chain(&mut self.parts)
    }

    /// The catalog and its parts, in the order in which they are read.
    pub fn files(&self) -> impl Iterator<Item = &Text> {
        std::iter::once(&self.catalog).chain(&self.parts)
    }
}

impl From<&Texts> for Texts {
    fn from(texts: &Texts) -> Texts {
        texts.clone()
    }
}
