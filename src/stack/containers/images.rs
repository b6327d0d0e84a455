//! What is known of images and programs: images.toml as typed data.

use crate::profiles::images::{is_one_of, parted};
use serde::Deserialize;
use std::collections::{BTreeMap, HashMap};
use std::sync::LazyLock;

static KNOWN: LazyLock<Known> = LazyLock::new(|| {
    let known = include_str!(concat!(env!("OUT_DIR"), "/images.json"));
    serde_json::from_str(known).expect("images.toml is TOML of this form")
});

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Known {
    sets: HashMap<String, Vec<String>>,
    images: Vec<Image>,
    programs: HashMap<String, Program>,
    tools: HashMap<String, Tool>,
}

/// An image that somebody publishes.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Image {
    repositories: Vec<String>,
    program: String,
    entrypoint: Vec<String>,
    #[serde(default)]
    command: Vec<String>,
    folder: String,
    user: String,
    /// Who may write to the folder that its volume takes over: the user, its group, or all.
    written_by: WrittenBy,
    sets: Vec<String>,
    programs: HashMap<String, Version>,
    #[serde(default)]
    variants: Vec<Variant>,
}

/// Who may write to a folder, by its mode.
#[derive(Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum WrittenBy {
    User,
    Group,
    All,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Variant {
    suffix: String,
    user: Option<String>,
    sets: Vec<String>,
    programs: Option<HashMap<String, Version>>,
}

/// MAJOR.MINOR of what was read, or of a tag.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
#[serde(from = "String")]
pub(crate) struct Version(u32, u32);

impl From<String> for Version {
    fn from(text: String) -> Version {
        Version::parse(&text).unwrap_or(Version(0, 0))
    }
}

impl Version {
    /// `v3.16.0-distroless` → 3.16; None: `latest` and other words.
    pub(crate) fn parse(tag: &str) -> Option<Version> {
        let mut numbers = tag.trim_start_matches('v').split(['.', '-', '+']);
        let major = numbers.next()?.parse().ok()?;
        Some(Version(
            major,
            numbers
                .next()
                .and_then(|minor| minor.parse().ok())
                .unwrap_or(0),
        ))
    }
}

impl std::fmt::Display for Version {
    fn fmt(&self, out: &mut std::fmt::Formatter) -> std::fmt::Result {
        write!(out, "{}.{}", self.0, self.1)
    }
}

/// A program that serves, and how it is told what to do.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Program {
    /// The newest version whose flags were read.
    pub(crate) read_to: String,
    /// Where its configuration is.
    pub(crate) config: Option<Setting>,
    /// Where it listens.
    listen: Option<Listen>,
    /// Where it keeps what it must not forget.
    pub(crate) data: Option<Setting>,
    /// Whether that must be on a disk of the machine.
    #[serde(default)]
    pub(crate) local: bool,
    /// A file that it must not forget either; a relative one is below `data`.
    pub(crate) database: Option<Setting>,
    /// Where its provisioning is.
    pub(crate) provisioning: Option<Setting>,
    /// The flag of the file that may require a password or TLS.
    pub(crate) web_config: Option<String>,
    pub(crate) external_url: Option<String>,
    pub(crate) route_prefix: Option<String>,
    pub(crate) external_url_variable: Option<String>,
    pub(crate) scheme_variable: Option<String>,
    /// Paths with metrics.
    #[serde(default)]
    pub(crate) scraped: Vec<String>,
    /// All paths.
    answers: Vec<String>,
    /// Those that take a POST only,
    #[serde(default)]
    pub(crate) posted: Vec<String>,
    /// and what is answered at some of them.
    #[serde(default)]
    pub(crate) bodies: BTreeMap<String, String>,
    /// Whether its flags are read by Go's own package: with one dash or two, and the last of several counts.
    #[serde(default)]
    pub(crate) one_dash: bool,
    /// None: its command line is not judged.
    #[serde(default)]
    pub(crate) flags: BTreeMap<String, FlagKind>,
    /// Environment variables that it reads, apart by spaces, as far as they are known.
    #[serde(default)]
    variables: String,
    /// What the environment variables begin with that set keys of its configuration.
    pub(crate) variables_of: Option<String>,
    /// Section → its keys, apart by spaces, as far as they are known.
    #[serde(default)]
    sections: BTreeMap<String, String>,
}

impl Program {
    /// The environment variables that it is known to read.
    pub(crate) fn variables(&self) -> Vec<String> {
        let Some(start) = &self.variables_of else {
            return self
                .variables
                .split_whitespace()
                .map(str::to_string)
                .collect();
        };
        let keys = self.sections.iter();
        let keys = keys.flat_map(|(section, keys)| keys.split(' ').map(move |key| (section, key)));
        let variable = |(section, key): (&String, &str)| {
            format!("{start}_{section}_{key}")
                .replace('.', "_")
                .to_uppercase()
        };
        keys.map(variable).collect()
    }
}

/// A setting by flag or environment variable.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Setting {
    pub(crate) flag: Option<String>,
    pub(crate) variable: Option<String>,
    pub(crate) default: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Listen {
    /// host:port by one flag,
    pub(super) flag: Option<String>,
    /// by two,
    pub(super) host_flag: Option<String>,
    pub(super) port_flag: Option<String>,
    /// or by two environment variables.
    pub(super) host: Option<String>,
    pub(super) port: Option<String>,
    pub(super) default: String,
}

/// What a flag takes, and which versions have it.
#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct FlagKind {
    #[serde(default)]
    pub(crate) kind: Takes,
    /// What its value is, as in settings.toml; none: any text.
    pub(crate) value: Option<String>,
    /// Words of a list that it takes, which misspelt ones could be meant to be; others of newer versions are let be.
    #[serde(default)]
    pub(crate) words: String,
    /// The least with which the server still does its work; what is said is that it is not enough.
    pub(crate) least: Option<String>,
    /// Whether 0 is none of it; of other flags it is as much as there is.
    #[serde(default)]
    pub(crate) none: bool,
    /// The folder of the machine that it is: each container has one of that name for itself, and any other only by a mount.
    pub(crate) folder: Option<String>,
    /// Whether the program does something else with it, and ends.
    #[serde(default)]
    pub(crate) ends: bool,
    pub(crate) since: Option<Version>,
    pub(crate) until: Option<Version>,
}

#[derive(Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Takes {
    /// One value.
    #[default]
    Value,
    /// A value each time that it is given.
    List,
    /// None.
    Switch,
}

/// A tool that health checks run.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Tool {
    commands: HashMap<String, Version>,
}

impl FlagKind {
    /// Whether a version has it; of an unknown version, whether any has.
    pub(crate) fn in_version(&self, version: Option<Version>) -> bool {
        version.is_none_or(|version| {
            self.since.is_none_or(|since| version >= since)
                && self.until.is_none_or(|until| version < until)
        })
    }
}

impl Program {
    pub(super) fn listen(&self) -> Option<&Listen> {
        self.listen.as_ref()
    }

    /// Whether it answers at a path below its prefix.
    pub(crate) fn answers(&self, path: &str) -> bool {
        self.answers
            .iter()
            .any(|known| match known.strip_suffix('*') {
                Some(start) => path.starts_with(start),
                None => path == known,
            })
    }
}

/// The program of a name, as far as it is known.
pub(crate) fn program(name: &str) -> Option<&'static Program> {
    KNOWN.programs.get(name)
}

/// Whether a tool knows what it is told to do; of an unknown tool, yes.
pub(crate) fn knows(tool: &str, words: &[String], version: Option<Version>) -> bool {
    let Some(tool) = KNOWN.tools.get(tool) else {
        return true;
    };
    let said: Vec<&str> = words
        .iter()
        .map(String::as_str)
        .filter(|word| !word.starts_with('-'))
        .collect();
    // Only its flags: then it is asked for its version, or for help.
    said.is_empty()
        || tool.commands.iter().any(|(command, since)| {
            let length = command.split(' ').count();
            said.get(..length)
                .is_some_and(|start| start.join(" ") == *command)
                && version.is_none_or(|version| version >= *since)
        })
}

/// An image of a container, as far as it is known.
#[derive(Clone, Copy)]
pub(crate) struct Contents {
    image: &'static Image,
    variant: Option<&'static Variant>,
    pub(crate) version: Option<Version>,
}

impl Contents {
    /// Of a reference: `[registry/]repository[:tag][@digest]`.
    pub(crate) fn of(reference: &str) -> Option<Contents> {
        let (repository, tag) = parted(reference);
        let mut images = KNOWN.images.iter();
        let image = images.find(|image| is_one_of(repository, &image.repositories))?;
        let variant = image.variants.iter().find(|variant| {
            tag.split('-').skip(1).any(|part| part == variant.suffix) || tag == variant.suffix
        });
        Some(Contents {
            image,
            variant,
            version: Version::parse(tag),
        })
    }

    pub(crate) fn program(self) -> &'static str {
        &self.image.program
    }

    pub(crate) fn entrypoint(self) -> &'static [String] {
        &self.image.entrypoint
    }

    pub(crate) fn command(self) -> &'static [String] {
        &self.image.command
    }

    /// The folder in which it starts.
    pub(crate) fn folder(self) -> &'static str {
        &self.image.folder
    }

    /// UID:GID of its process, who owns its folder.
    pub(crate) fn user(self) -> &'static str {
        self.variant
            .and_then(|variant| variant.user.as_deref())
            .unwrap_or(&self.image.user)
    }

    /// Who may write to the folder of its data.
    pub(crate) fn written_by(self) -> WrittenBy {
        self.image.written_by
    }

    /// Whether it contains a program.
    pub(crate) fn has(self, program: &str) -> bool {
        let (sets, own) = match self.variant {
            Some(variant) => (
                &variant.sets,
                variant.programs.as_ref().unwrap_or(&self.image.programs),
            ),
            None => (&self.image.sets, &self.image.programs),
        };
        let name = program.rsplit('/').next().unwrap_or_default();
        let old_enough = |since: &Version| self.version.is_none_or(|version| version >= *since);
        own.get(name).is_some_and(old_enough)
            || sets.iter().any(|set| {
                KNOWN
                    .sets
                    .get(set)
                    .is_some_and(|set| set.iter().any(|known| known == name))
            })
    }
}
