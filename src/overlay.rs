//! Built-in files under those of the root: a file in the root's templates/ replaces the built-in one of the same path.

use crate::source::Unsaved;
use crate::source::read::{Unreadable, names};
use include_dir::{Dir, include_dir};
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::LazyLock;

static TEMPLATES: Dir = include_dir!("$CARGO_MANIFEST_DIR/../templates");

/// Path → text of the built-in files: a folder in the program is searched from its root part by part for each file.
static BUILT_IN: LazyLock<BTreeMap<&str, &str>> = LazyLock::new(|| {
    fn inside(folder: &'static Dir, found: &mut BTreeMap<&str, &str>) {
        for file in folder.files() {
            found.extend(file.path().to_str().zip(file.contents_utf8()));
        }
        folder.dirs().for_each(|folder| inside(folder, found));
    }
    let mut found = BTreeMap::new();
    inside(&TEMPLATES, &mut found);
    found
});

/// The templates of one root: its own over the built-in ones.
#[derive(Clone, Debug, Default)]
pub struct Overlay {
    own: Own,
    /// The root's profiles.
    profiles: Own,
    /// What `[extra]` names, by its path under the root.
    extra: Own,
    /// What an editor has of these files, and the disk has not.
    unsaved: Unsaved,
    /// Path under templates/ → text: templates that are to be written, and are read as if they were.
    changed: BTreeMap<String, String>,
}

#[derive(Clone, Debug, Default)]
enum Own {
    #[default]
    None,
    /// A folder of the root, read as its files are needed.
    Folder(PathBuf),
    /// Path under templates/ → text: those of a revision, which are nowhere on disk.
    Texts(BTreeMap<String, String>),
}

/// The profile that a file under profiles/ says, by its path there.
pub fn profile_of(path: &str) -> Option<&str> {
    let name = path.strip_suffix(".toml")?;
    (!name.contains('/') && !name.starts_with('.')).then_some(name)
}

impl Overlay {
    /// With the files of `root/templates`.
    pub fn of(root: &Path) -> Overlay {
        Overlay {
            own: Own::Folder(root.join("templates")),
            profiles: Own::Folder(root.join("profiles")),
            extra: Own::Folder(root.to_path_buf()),
            unsaved: Unsaved::default(),
            changed: BTreeMap::new(),
        }
    }

    /// The same, with the texts that an editor has of its files.
    pub(crate) fn with_unsaved(self, unsaved: Unsaved) -> Overlay {
        Overlay { unsaved, ..self }
    }

    /// With these texts, by path under templates/.
    pub fn texts(texts: BTreeMap<String, String>) -> Overlay {
        Overlay {
            own: Own::Texts(texts),
            ..Overlay::default()
        }
    }

    /// With these templates instead of those that have their paths, or beside them.
    pub fn with_changed(mut self, texts: BTreeMap<String, String>) -> Overlay {
        self.changed.extend(texts);
        self
    }

    /// With these profiles, name → text.
    pub fn with_profiles(self, texts: BTreeMap<String, String>) -> Overlay {
        Overlay {
            profiles: Own::Texts(texts),
            ..self
        }
    }

    /// With these files for `[extra]`, path under the root → text.
    pub fn with_extra(self, texts: BTreeMap<String, String>) -> Overlay {
        Overlay {
            extra: Own::Texts(texts),
            ..self
        }
    }

    /// The files for `[extra]` that a pattern names, by their paths under the root, sorted; `*` and `?` stay within a folder.
    pub(crate) fn matching(&self, pattern: &str) -> Vec<String> {
        match &self.extra {
            Own::None => Vec::new(),
            Own::Texts(texts) => {
                let paths = texts.keys().filter(|path| glob(pattern, path));
                paths.cloned().collect()
            }
            Own::Folder(root) => matching(root, pattern),
        }
    }

    /// One of them.
    pub(crate) fn extra(&self, path: &str) -> Result<String, Unreadable> {
        let text = match &self.extra {
            Own::Folder(root) => self.unsaved.read(&root.join(path))?,
            Own::Texts(texts) => texts.get(path).cloned().ok_or(Unreadable::Missing)?,
            Own::None => return Err(Unreadable::Missing),
        };
        Ok(text.replace("\r\n", "\n"))
    }

    /// The root's own profiles, by name.
    pub fn profiles(&self) -> BTreeMap<String, Result<String, Unreadable>> {
        let folder = match &self.profiles {
            Own::None => return BTreeMap::new(),
            Own::Texts(texts) => {
                let texts = texts.iter();
                return texts
                    .map(|(name, text)| (name.clone(), Ok(text.clone())))
                    .collect();
            }
            Own::Folder(folder) => folder,
        };
        let files = std::fs::read_dir(folder).into_iter().flatten().flatten();
        let named = |path: PathBuf| {
            let name = profile_of(path.file_name()?.to_str()?)?.to_string();
            let text = self
                .unsaved
                .read(&path)
                .map(|text| text.replace("\r\n", "\n"));
            Some((name, text))
        };
        files.filter_map(|file| named(file.path())).collect()
    }

    /// A file by its path under templates/, with `\n` as line ends; None: there is neither one of the root nor a built-in one.
    pub fn text(&self, path: &str) -> Result<Option<String>, Unreadable> {
        Ok(self
            .own(path)?
            .or_else(|| built_in(path).map(str::to_string)))
    }

    fn own(&self, path: &str) -> Result<Option<String>, Unreadable> {
        if let Some(text) = self.changed.get(path) {
            return Ok(Some(text.clone()));
        }
        let inside =
            |part: &str| !part.is_empty() && !part.starts_with('.') && !part.contains('\\');
        let text = match &self.own {
            Own::Folder(folder) if path.split('/').all(inside) => {
                match self.unsaved.read(&folder.join(path)) {
                    Err(Unreadable::Missing) => None,
                    read => Some(read?),
                }
            }
            Own::Texts(texts) => texts.get(path).cloned(),
            _ => None,
        };
        // Most have none, and every template passes here.
        Ok(text.map(|text| match text.contains('\r') {
            true => text.replace("\r\n", "\n"),
            false => text,
        }))
    }

    /// Whether the root replaces a built-in file by another text. One that cannot be read replaces it too: that is said when it
    /// is needed.
    pub(crate) fn replaces(&self, path: &str) -> bool {
        self.own(path).map_or(true, |own| {
            own.is_some_and(|own| Some(own.as_str()) != built_in(path))
        })
    }

    /// Paths of the built-in files, each with whether the root replaces it by another text.
    pub fn all(&self) -> Vec<(String, bool)> {
        paths()
            .map(|path| (path.to_string(), self.replaces(path)))
            .collect()
    }

    /// Paths of the built-in files that the root replaces by another text.
    pub fn replaced(&self) -> Vec<String> {
        self.all()
            .into_iter()
            .filter(|(_, replaced)| *replaced)
            .map(|(path, _)| path)
            .collect()
    }

    /// Paths of the root's files that replace no built-in one, sorted; hidden ones are left out.
    pub(crate) fn added(&self) -> Vec<String> {
        fn inside(root: &Path, folder: &str, found: &mut Vec<String>) {
            for name in names(&root.join(folder)).unwrap_or_default() {
                let path = match folder {
                    "" => name,
                    folder => format!("{folder}/{name}"),
                };
                // A link could lead back here.
                let folder = std::fs::symlink_metadata(root.join(&path));
                match folder.is_ok_and(|known| known.is_dir()) {
                    true => inside(root, &path, found),
                    false => found.push(path),
                }
            }
        }
        let mut found = match &self.own {
            Own::None => Vec::new(),
            Own::Texts(texts) => texts.keys().cloned().collect(),
            Own::Folder(root) => {
                let mut found = Vec::new();
                inside(root, "", &mut found);
                found
            }
        };
        let hidden = |path: &String| path.split('/').any(|part| part.starts_with('.'));
        found.retain(|path| built_in(path).is_none() && !hidden(path));
        found.sort();
        found
    }

    /// Whether every template is the same; a copy of a built-in one is the same as that.
    pub fn same(&self, other: &Overlay) -> bool {
        let own = |side: &Overlay| match &side.own {
            Own::Texts(texts) => texts.keys().cloned().collect(),
            _ => Vec::new(),
        };
        let all: BTreeSet<String> = paths()
            .map(str::to_string)
            .chain(own(self))
            .chain(own(other))
            .collect();
        all.iter().all(
            |path| matches!((self.text(path), other.text(path)), (Ok(one), Ok(two)) if one == two),
        )
    }

    /// Whether the files for `[extra]` are the same, of two that were read at once.
    pub fn same_extra(&self, other: &Overlay) -> bool {
        let texts = |side: &Overlay| match &side.extra {
            Own::Texts(texts) => texts.clone(),
            _ => BTreeMap::new(),
        };
        texts(self) == texts(other)
    }

    /// Whether the root has a file of this name in a folder of `folder` that is not the built-in one.
    pub(crate) fn adds(&self, folder: &str, file: &str) -> bool {
        let added = |name: String| self.replaces(&format!("{folder}/{name}/{file}"));
        self.folders(folder).into_iter().any(added)
    }

    /// Names of the folders in `folder`, built-in ones and those of the root.
    pub(crate) fn folders(&self, folder: &str) -> BTreeSet<String> {
        let inside = |path: &str| {
            Some(
                path.strip_prefix(folder)?
                    .strip_prefix('/')?
                    .split_once('/')?
                    .0
                    .to_string(),
            )
        };
        let mut found: BTreeSet<String> = paths().filter_map(inside).collect();
        match &self.own {
            Own::None => {}
            Own::Texts(texts) => found.extend(texts.keys().filter_map(|path| inside(path))),
            Own::Folder(own) => {
                let entries = std::fs::read_dir(own.join(folder))
                    .into_iter()
                    .flatten()
                    .flatten();
                let folders = entries.filter(|entry| entry.path().is_dir());
                found.extend(
                    folders
                        .filter_map(|entry| entry.file_name().into_string().ok())
                        .filter(|name| !name.starts_with('.')),
                );
            }
        }
        found
    }
}

/// The files below a folder that a pattern names, sorted. A part without `*` and `?` is not looked for among others.
pub fn matching(root: &Path, pattern: &str) -> Vec<String> {
    let mut found = vec![String::new()];
    let mut parts = pattern.split('/').peekable();
    while let Some(part) = parts.next() {
        let last = parts.peek().is_none();
        let wanted = |path: &Path| match last {
            false => path.is_dir(),
            true => path.exists() && !path.is_dir(),
        };
        let below = |folder: String| {
            let names = match part.contains(['*', '?']) {
                true => names(&root.join(&folder)).unwrap_or_default(),
                false => vec![part.to_string()],
            };
            let fits = names
                .into_iter()
                .filter(|name| glob(part, name) && (!name.starts_with('.') || name == part));
            fits.map(move |name| match folder.as_str() {
                "" => name,
                folder => format!("{folder}/{name}"),
            })
            .filter(|path| wanted(&root.join(path)))
            .collect::<Vec<_>>()
        };
        found = found.into_iter().flat_map(below).collect();
    }
    found
}

/// Whether a pattern matches a whole path, as Go's filepath.Match has it: a star and a question mark stay within a folder.
pub fn glob(pattern: &str, path: &str) -> bool {
    let mut letters = pattern.chars();
    let Some(first) = letters.next() else {
        return path.is_empty();
    };
    let (rest, mut after) = (letters.as_str(), path.chars());
    match first {
        '*' => {
            let end = path.find('/').unwrap_or(path.len());
            (0..=end).any(|at| path.is_char_boundary(at) && glob(rest, &path[at..]))
        }
        '[' => {
            let (Some((class, rest)), Some(letter)) = (rest.split_once(']'), after.next()) else {
                return false;
            };
            let (class, wanted) = class
                .strip_prefix('^')
                .map_or((class, true), |class| (class, false));
            let class: Vec<char> = class.chars().collect();
            let range = class
                .windows(3)
                .any(|part| part[1] == '-' && (part[0]..=part[2]).contains(&letter));
            (letter != '/' && (range || class.contains(&letter)) == wanted)
                && glob(rest, after.as_str())
        }
        '?' => after.next().is_some_and(|letter| letter != '/') && glob(rest, after.as_str()),
        '\\' => {
            rest.chars().next() == after.next()
                && glob(rest.get(1..).unwrap_or_default(), after.as_str())
        }
        letter => after.next() == Some(letter) && glob(rest, after.as_str()),
    }
}

/// The text of a built-in file.
pub fn built_in(path: &str) -> Option<&'static str> {
    BUILT_IN.get(path).copied()
}

/// Paths of all built-in files, sorted.
pub fn paths() -> impl Iterator<Item = &'static str> + Clone {
    BUILT_IN.keys().copied()
}

#[cfg(test)]
mod tests {
    use super::glob;

    #[test]
    fn patterns_match_as_prometheus_matches_them() {
        for (pattern, path, wanted) in [
            ("/a/*_rules.yml", "/a/x_rules.yml", true),
            ("/a/*_rules.yml", "/a/b/x_rules.yml", false),
            ("/a/*/x.y*ml", "/a/b/x.yaml", true),
            ("/a/?.yml", "/a/b.yml", true),
            ("/a/[a-c]x.yml", "/a/bx.yml", true),
            ("/a/[^b]x.yml", "/a/bx.yml", false),
            ("*.yml", "é.yml", true),
        ] {
            assert_eq!(glob(pattern, path), wanted, "{pattern} {path}");
        }
    }
}
