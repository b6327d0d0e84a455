//! One file per fault or sound variant: edits of the shipped catalog and templates, or of what they render.

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

/// Text in place of another in a file; without `find` it is appended.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Edit {
    pub file: String,
    #[serde(default)]
    find: String,
    replace: String,
}

impl Edit {
    /// The rendered file that it edits, under the output folder; None: it edits a template or the catalog.
    pub fn rendered(&self) -> Option<&str> {
        self.file.strip_prefix("generated/")
    }

    /// The text with the first place that it finds replaced.
    pub fn apply(&self, text: &str) -> Result<String, String> {
        match (self.find.is_empty(), text.contains(&self.find)) {
            (true, _) if text.is_empty() => Ok(self.replace.clone()),
            (true, _) => Ok(format!("{text}\n{}", self.replace)),
            (false, true) => Ok(text.replacen(&self.find, &self.replace, 1)),
            (false, false) => Err(format!("{} does not contain {:?}", self.file, self.find)),
        }
    }
}

/// What a referee says of a file.
#[derive(Clone, Copy, Debug, Deserialize, Serialize, PartialEq, Eq)]
#[serde(rename_all = "lowercase")]
pub enum Verdict {
    Accepts,
    Refuses,
}

/// What each referee says; one that reads none of the files that the fault touches says nothing.
#[derive(Clone, Copy, Debug, Default, Deserialize, Serialize, PartialEq, Eq)]
#[serde(deny_unknown_fields)]
pub struct Says {
    /// `promtool check config` and `promtool check rules`.
    pub promtool_check: Option<Verdict>,
    /// `promtool test rules` with the unit tests that monstack generates.
    pub promtool_test: Option<Verdict>,
    pub amtool: Option<Verdict>,
    pub yamllint: Option<Verdict>,
}

impl Says {
    /// Whether nobody refuses; the generated unit tests are monstack's own and do not count.
    pub fn silent(&self) -> bool {
        ![self.promtool_check, self.amtool, self.yamllint].contains(&Some(Verdict::Refuses))
    }
}

/// tests/faults/NAME.toml
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Fault {
    /// What it does in production.
    pub fault: String,
    /// The code of monstack's finding.
    pub finding: String,
    /// The alert whose generated unit tests are run, where they can tell.
    pub tests: Option<String>,
    pub edit: Vec<Edit>,
    /// Edits of the sound generated files, where monstack has no faulty ones to show.
    #[serde(default)]
    pub hand: Vec<Edit>,
    #[serde(default)]
    pub says: Says,
}

/// tests/sound/NAME.toml
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Sound {
    /// What it changes.
    pub variant: String,
    pub edit: Vec<Edit>,
}

/// The shipped catalog and templates after a fault's edits.
pub struct Changed {
    pub catalog: String,
    /// Where the templates are.
    pub root: PathBuf,
}

/// Rendered files after the edits that are made in them; None: there are none, and the stack is as it was rendered.
pub fn replanted(
    edits: &[Edit],
    rendered: &BTreeMap<String, String>,
) -> Result<Option<BTreeMap<String, String>>, String> {
    let mut files = rendered.clone();
    let mut any = false;
    for edit in edits {
        let Some(path) = edit.rendered() else {
            continue;
        };
        // A file that somebody lays beside what is rendered is new.
        if edit.find.is_empty() && !files.contains_key(path) {
            files.insert(path.to_string(), edit.replace.clone());
            continue;
        }
        let text = files
            .get_mut(path)
            .ok_or(format!("nothing is rendered as {path}"))?;
        *text = edit.apply(text)?;
        any = true;
    }
    Ok(any.then_some(files))
}

/// The project's root.
pub fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// Parts of names, with commas between: with it in the environment, only such faults and variants are tried.
pub const ONLY: &str = "ONLY";

/// Every file of a folder under tests/, by its name.
pub fn read<T: DeserializeOwned>(folder: &str) -> BTreeMap<String, T> {
    let entries = fs::read_dir(root().join("tests").join(folder))
        .expect("the folder is there")
        .map(|entry| entry.expect("it is readable").path());
    let files = entries.filter(|path| {
        let only = std::env::var(ONLY).unwrap_or_default();
        path.extension()
            .is_some_and(|extension| extension == "toml")
            && only
                .split(',')
                .any(|part| path.to_string_lossy().contains(part))
    });
    files
        .map(|path| {
            let name = path
                .file_stem()
                .expect("it has a name")
                .to_string_lossy()
                .to_string();
            let text = fs::read_to_string(&path).expect("it is text");
            let item =
                toml::from_str(&text).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
            (name, item)
        })
        .collect()
}

/// Writes the verdicts, which end a fault's file.
pub fn record(name: &str, says: &Says) {
    let path = root().join("tests/faults").join(format!("{name}.toml"));
    let text = fs::read_to_string(&path).expect("it was read before");
    let head = text
        .split_once("\n[says]\n")
        .map_or(text.as_str(), |(head, _)| head)
        .trim_end();
    let verdicts = toml::to_string(says).expect("verdicts are plain words");
    let text = if verdicts.is_empty() {
        format!("{head}\n")
    } else {
        format!("{head}\n\n[says]\n{verdicts}")
    };
    fs::write(path, text).expect("the file is writable");
}

/// A folder under the target's whose templates are those that the edits change; all others are built in.
pub fn changed(folder: &str, name: &str, edits: &[Edit]) -> Result<Changed, String> {
    let changed = root().join("target/tmp").join(folder).join(name);
    let _ = fs::remove_dir_all(&changed);
    fs::create_dir_all(&changed).expect("target is writable");
    let mut catalog =
        fs::read_to_string(root().join("services.toml")).expect("the catalog is text");
    for edit in edits.iter().filter(|edit| edit.rendered().is_none()) {
        if edit.file == "services.toml" {
            catalog = edit.apply(&catalog)?;
            continue;
        }
        let path = changed.join(&edit.file);
        // An edit before this one may have changed the same file.
        let text = fs::read_to_string(&path)
            .or_else(|_| fs::read_to_string(root().join(&edit.file)))
            // A file of the user's own is written here.
            .or_else(
                |error| match edit.find.is_empty() && edit.file.starts_with("own/") {
                    true => Ok(String::new()),
                    false => Err(error),
                },
            )
            .map_err(|error| format!("{}: {error}", edit.file))?;
        fs::create_dir_all(path.parent().expect("a file is in a folder"))
            .expect("target is writable");
        fs::write(&path, edit.apply(&text)?).expect("target is writable");
    }
    Ok(Changed {
        catalog,
        root: changed,
    })
}
