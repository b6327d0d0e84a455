//! What a container runs: the words of its command, the program behind them, and the flags that it is given.

use super::images::{self, Contents, Program, Takes};
use super::text::words;
use crate::value::Value;

/// The process of a container.
pub(crate) struct Process {
    /// The program and its arguments; of an image that is not known only what is written.
    pub(crate) words: Vec<String>,
    /// How many of the words are the entry point.
    pub(crate) entrypoint: usize,
    /// Its name, as far as it is known.
    pub(crate) name: Option<&'static str>,
    pub(crate) program: Option<&'static Program>,
    pub(crate) flags: Vec<Flag>,
    /// The folder in which it is started.
    pub(crate) folder: String,
}

/// A flag as it is given.
pub(crate) struct Flag {
    /// Without its dashes; of a word that is no flag, the word.
    pub(crate) name: String,
    /// Empty: it has none.
    pub(crate) value: String,
    /// The index of its word; None: it stands in a script.
    pub(crate) index: Option<usize>,
    pub(crate) wrong: Option<Wrong>,
}

/// Why the program refuses a flag, whatever its version.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Wrong {
    /// A word that is no flag.
    Loose,
    /// One dash where it takes two.
    OneDash,
    /// No value where it takes one.
    WithoutValue,
}

/// Programs that start the one that is named behind them.
const WRAPPERS: [&str; 14] = [
    "sh",
    "bash",
    "ash",
    "dash",
    "env",
    "exec",
    "nice",
    "ionice",
    "timeout",
    "tini",
    "dumb-init",
    "su-exec",
    "gosu",
    "catatonit",
];

const NAMES: [&str; 5] = [
    "prometheus",
    "alertmanager",
    "blackbox_exporter",
    "grafana",
    "uvicorn",
];

impl Process {
    pub(super) fn of(container: &Value, image: Option<Contents>) -> Process {
        let written = words(&container["entrypoint"]);
        let own = container
            .get("entrypoint")
            .is_some_and(|entrypoint| !entrypoint.is_null());
        let command = words(&container["command"]);
        let entrypoint = match written {
            Some(written) if own => written,
            _ => image.map_or(Vec::new(), |image| image.entrypoint().to_vec()),
        };
        let command = command.unwrap_or_else(|| match own {
            // An entry point of one's own takes the image's command away.
            true => Vec::new(),
            false => image.map_or(Vec::new(), |image| image.command().to_vec()),
        });
        let count = entrypoint.len();
        let all = [entrypoint, command].concat();
        let folder = container["working_dir"].as_str();
        let folder = folder.unwrap_or_else(|| image.map_or("/", Contents::folder));
        let mut process = Process {
            entrypoint: count,
            folder: folder.to_string(),
            name: None,
            program: None,
            flags: Vec::new(),
            words: all,
        };
        process.recognize(image);
        process
    }

    fn recognize(&mut self, image: Option<Contents>) {
        let Some(first) = self.words.first() else {
            return;
        };
        let base = |word: &str| word.rsplit('/').next().unwrap_or_default().to_string();
        let known = |word: &str| {
            let base = base(word);
            let plain = !word.starts_with('-') && !word.contains('=');
            NAMES.into_iter().find(|name| plain && *name == base)
        };
        let started =
            |image: Contents| (image.entrypoint().first() == Some(first)).then(|| image.program());
        let (name, arguments, in_script) = match image.and_then(started).or_else(|| known(first)) {
            Some(name) => (name, self.words[1..].to_vec(), false),
            // A wrapper: the program is the first word that is one, behind `exec`, `--`, a script's `&&` …
            None => {
                let shell = ["sh", "bash", "ash", "dash"].contains(&base(first).as_str());
                let words: Vec<String> = match shell {
                    true => self.words[1..]
                        .iter()
                        .flat_map(|word| super::text::split(word))
                        .collect(),
                    false => self.words[1..].to_vec(),
                };
                if !WRAPPERS.contains(&base(first).as_str()) {
                    return;
                }
                let Some(at) = words.iter().position(|word| known(word).is_some()) else {
                    return;
                };
                let rest = words[at + 1..].iter().take_while(|word| {
                    !shell || !["&&", "||", ";", "|", "&"].contains(&word.as_str())
                });
                (
                    known(&words[at]).unwrap_or_default(),
                    rest.cloned().collect(),
                    true,
                )
            }
        };
        self.name = Some(name);
        self.program = images::program(name);
        self.flags = self
            .program
            .map_or(Vec::new(), |program| flags(program, &arguments));
        let before = self.words.len() - arguments.len().min(self.words.len());
        for flag in &mut self.flags {
            flag.index = flag
                .index
                .filter(|_| !in_script)
                .map(|index| index + before);
        }
    }

    /// The last time that a flag is given.
    pub(crate) fn flag(&self, name: &str) -> Option<&Flag> {
        self.flags.iter().rev().find(|flag| flag.name == name)
    }

    /// Whether a switch is on.
    pub(crate) fn switched(&self, name: &str) -> bool {
        self.flag(name).is_some()
    }
}

/// The flags in a program's arguments, as its parser takes them.
fn flags(program: &Program, arguments: &[String]) -> Vec<Flag> {
    let (mut found, mut rest) = (Vec::new(), arguments.iter().enumerate().peekable());
    while let Some((index, word)) = rest.next() {
        let mut add = |name: &str, value: String, wrong| {
            found.push(Flag {
                name: name.to_string(),
                value,
                index: Some(index),
                wrong,
            });
        };
        let dashes = match program.one_dash && !word.starts_with("--") {
            true => "-",
            false => "--",
        };
        let Some(body) = word.strip_prefix(dashes).filter(|body| !body.is_empty()) else {
            let short = word
                .strip_prefix('-')
                .filter(|rest| !rest.is_empty() && *rest != "h");
            match short {
                Some(name) => add(
                    name.split('=').next().unwrap_or_default(),
                    String::new(),
                    Some(Wrong::OneDash),
                ),
                // `@file` are arguments from a file, which nothing here knows.
                None if word != "--" && word != "-h" && !word.starts_with('@') => {
                    add(word, String::new(), Some(Wrong::Loose))
                }
                None => {}
            }
            continue;
        };
        if let Some((name, value)) = body.split_once('=') {
            add(name, value.to_string(), None);
            continue;
        }
        let takes = program.flags.get(body).map(|flag| flag.kind);
        let next_is_value = |word: &String| takes.is_some() || !word.starts_with('-');
        match takes {
            Some(Takes::Switch) => add(body, String::new(), None),
            None if program.flags.is_empty() || !body.starts_with("no-") => {
                // Whether an unknown flag takes the next word, only the next word says.
                let value = match program.flags.is_empty() {
                    true => rest.next_if(|(_, word)| next_is_value(word)),
                    false => rest.next_if(|(_, word)| !word.starts_with('-')),
                };
                add(
                    body,
                    value.map(|(_, word)| word.clone()).unwrap_or_default(),
                    None,
                );
            }
            None => add(body, String::new(), None),
            Some(_) => match rest.next_if(|(_, word)| !word.starts_with("--")) {
                Some((_, value)) => add(body, value.clone(), None),
                None => add(body, String::new(), Some(Wrong::WithoutValue)),
            },
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::value::json;

    fn given(container: Value) -> (Option<&'static str>, Vec<(String, String)>) {
        let image = container["image"].as_str().and_then(Contents::of);
        let process = Process::of(&container, image);
        let flags = process
            .flags
            .iter()
            .map(|flag| (flag.name.clone(), flag.value.clone()));
        (process.name, flags.collect())
    }

    #[test]
    fn a_program_is_found_however_it_is_started() {
        let wanted = ("config.file".to_string(), "/a b".to_string());
        for container in [
            json!({"image": "prom/prometheus", "command": ["--config.file=/a b"]}),
            json!({"image": "prom/prometheus", "command": "--config.file '/a b'"}),
            json!({"image": "x/y", "command": ["/usr/bin/prometheus", "--config.file", "/a b"]}),
            json!({"image": "x/y", "entrypoint": ["sh", "-c"], "command": ["exec prometheus --config.file='/a b'"]}),
            json!({"image": "docker.io/prom/prometheus", "entrypoint": "/bin/prometheus --config.file='/a b'"}),
        ] {
            let (name, flags) = given(container.clone());
            assert_eq!(name, Some("prometheus"), "{container}");
            assert_eq!(flags, std::slice::from_ref(&wanted), "{container}");
        }
        let (_, flags) = given(json!({"image": "prom/prometheus"}));
        assert_eq!(flags[0].1, "/etc/prometheus/prometheus.yml");
        let other =
            json!({"image": "x/y", "command": ["promtool", "check", "config", "/etc/prometheus"]});
        assert_eq!(given(other).0, None);
        let unknown = json!({"image": "x/y", "command": ["--storage.tsdb.path=/prometheus"]});
        assert_eq!(given(unknown).0, None);
        assert_eq!(given(json!({"image": "prometheus-exporter:1"})).0, None);
        assert_eq!(
            given(json!({"image": "prom/prometheus", "entrypoint": ["/bin/promtool"]})).0,
            None
        );
    }
}
