//! What the compose files start: containers with what each of them sees, runs and reaches.

mod health;
pub(crate) mod images;
pub(crate) mod mounts;
pub(crate) mod network;
pub(crate) mod process;
mod read;
mod shell;
pub(crate) mod text;

pub(crate) use health::{Health, parts};
pub(crate) use shell::Ends;

use crate::render::File;
use crate::stack::files::Files;
use crate::value::{Value, json};
use images::Contents;
use mounts::{Mount, Sight};
use network::{Listens, Networks};
use process::Process;
use std::borrow::Cow;
use std::cell::OnceCell;
use std::collections::HashMap;

/// All compose files as the one project that they are.
pub(crate) struct Project<'a> {
    /// In the order of the files.
    pub(crate) containers: Vec<Container<'a>>,
    /// Name → index.
    named: HashMap<String, usize>,
    /// Port of the machine → the containers that publish it, and which of their ports it is.
    published: HashMap<u16, Vec<(usize, usize)>>,
    /// Those in the machine's network.
    on_host: Vec<usize>,
    /// Those in another container's network.
    guests: Vec<usize>,
    /// Another name that some may be known by → which may.
    also_called: HashMap<String, Vec<usize>>,
    /// What keeps compose from reading it.
    pub(crate) refused: Vec<Refusal>,
    /// Declared at the top: networks, volumes, secrets, configs.
    pub(crate) declared: Declared<'a>,
}

/// Names that a container may refer to.
#[derive(Default)]
pub(crate) struct Declared<'a> {
    pub(crate) networks: HashMap<String, Cow<'a, Value>>,
    pub(crate) volumes: HashMap<String, Cow<'a, Value>>,
    pub(crate) secrets: HashMap<String, (Cow<'a, Value>, String)>,
    pub(crate) configs: HashMap<String, (Cow<'a, Value>, String)>,
}

/// Why compose stops before it starts anything.
pub(crate) struct Refusal {
    pub(crate) file: String,
    pub(crate) pointer: String,
    pub(crate) message: String,
    pub(crate) help: String,
}

/// One service of compose.
pub(crate) struct Container<'a> {
    /// Where it is written.
    pub(crate) file: &'a File,
    /// The folder that its paths begin in, under the output folder.
    pub(crate) folder: String,
    pub(crate) name: String,
    /// What is written, with what it extends.
    pub(crate) value: Cow<'a, Value>,
    /// Whether `docker compose up` starts it: no profile, at least one replica.
    pub(crate) started: bool,
    pub(crate) image: Option<Contents>,
    pub(crate) mounts: Vec<Mount>,
    /// Variable → value; None: from outside.
    pub(crate) environment: Vec<(String, Option<String>)>,
    /// Whether more variables may come from a file that is not here.
    pub(crate) told_elsewhere: bool,
    pub(crate) process: Process,
    pub(crate) networks: Networks,
    listens: OnceCell<Option<Vec<Listens>>>,
}

impl<'a> Project<'a> {
    /// Reads every compose file; `output` is the folder of everything rendered.
    pub(crate) fn read(files: Files<'a>, output: &str) -> Project<'a> {
        read::project(files, output)
    }

    /// A volume in the short form, as a container would have it that is in the same file; `output` is the folder of everything rendered.
    pub(crate) fn mount(&self, container: &Container, volume: &str, output: &str) -> Option<Mount> {
        let folder = container.file.path.rsplit_once('/');
        let folder = folder.map_or("", |(folder, _)| folder);
        let alone = json!({ "volumes": [volume] });
        let mut read = mounts::read(&alone, folder, output, &self.declared);
        read.pop()
    }

    pub(crate) fn container(&self, name: &str) -> Option<&Container<'a>> {
        self.named.get(name).map(|index| &self.containers[*index])
    }

    /// Those that are started.
    pub(crate) fn started(&self) -> impl Iterator<Item = &Container<'a>> + Clone {
        self.containers.iter().filter(|container| container.started)
    }

    /// The started containers whose process reads a rendered file as its configuration.
    pub(crate) fn readers<'s>(
        &'s self,
        path: &'s str,
    ) -> impl Iterator<Item = &'s Container<'a>> + Clone {
        self.started()
            .filter(move |container| container.reads(path))
    }

    /// The started containers that run a known program.
    pub(crate) fn running<'s>(
        &'s self,
        program: &'s str,
    ) -> impl Iterator<Item = &'s Container<'a>> + Clone {
        self.started()
            .filter(move |container| container.process.name == Some(program))
    }
}

impl Container<'_> {
    /// Whether it is the server that the catalog speaks of, and not another of its kind: it reads what is rendered.
    pub(crate) fn serves(&self, files: Files) -> bool {
        let reads = |file: &File| self.reads(&file.path);
        match self.process.name {
            Some("prometheus") => files.prometheus().any(reads),
            Some("alertmanager") => files.alertmanager().is_some_and(reads),
            Some("blackbox_exporter") => files.blackbox().is_some_and(reads),
            Some("grafana") => files
                .datasources()
                .any(|(file, _, _)| mounts::places(&self.mounts, &file.path).next().is_some()),
            _ => false,
        }
    }

    /// The pointer of a key of it.
    pub(crate) fn at(&self, key: &str) -> String {
        format!("/services/{}/{key}", crate::source::step(&self.name))
    }

    /// How many of it are started, 1 where nothing is written; None: it is no number here.
    pub(crate) fn replicas(&self) -> Option<u32> {
        let written = text::scalar(&self.value["scale"])
            .or_else(|| text::scalar(&self.value["deploy"]["replicas"]));
        written.map_or(Some(1), |written| written.parse().ok())
    }

    /// What it sees at a path.
    pub(crate) fn sees(&self, path: &str) -> Sight<'_> {
        mounts::sees(&self.mounts, path)
    }

    /// As whom it runs, `user:group`: as written, or as its image has it; None: nobody here knows.
    pub(crate) fn user(&self) -> Option<String> {
        let of_image = || self.image.map(|image| image.user().to_string());
        text::scalar(&self.value["user"]).or_else(of_image)
    }

    /// The value of an environment variable, as far as it is written.
    pub(crate) fn variable(&self, name: &str) -> Option<&str> {
        let written = self.environment.iter().rev().find(|(key, _)| key == name);
        written.and_then(|(_, value)| value.as_deref())
    }

    /// The proxy through which its environment sends what is asked of a host, as Go, curl and Python read it. lower_case: the program reads
    /// no other names of variables.
    pub(crate) fn proxy(&self, scheme: &str, host: &str, lower_case: bool) -> Option<&str> {
        let lower = format!("{scheme}_proxy");
        let names = [lower.clone(), lower.to_uppercase()];
        let known = &names[..if lower_case { 1 } else { 2 }];
        let mut proxies = known.iter().filter_map(|name| self.variable(name));
        let proxy = proxies.find(|proxy| !proxy.is_empty() && !proxy.contains('$'))?;
        let except = ["no_proxy", "NO_PROXY"].map(|name| self.variable(name));
        let except = except.into_iter().flatten();
        let mut except = except.flat_map(|list| list.split(','));
        let spared = |name: &str| {
            let name = name.trim().trim_start_matches('.');
            !name.is_empty()
                && (name == "*"
                    || name.contains(['/', '$'])
                    || host.starts_with(name)
                    || host.ends_with(name))
        };
        (!except.any(spared)).then_some(proxy)
    }

    /// The value of a setting of its program, absolute where it is a path, and where it is written; None: it has none.
    pub(crate) fn setting(&self, setting: &images::Setting) -> (String, String) {
        if let Some(flag) = &setting.flag
            && let Some(given) = self.process.flag(flag)
        {
            return (given.value.clone(), self.argument(given.index));
        }
        if let Some(name) = &setting.variable
            && let Some(value) = self.variable(name)
        {
            return (value.to_string(), self.at("environment"));
        }
        (setting.default.clone(), self.at("command"))
    }

    /// The same as a path from the root.
    pub(crate) fn path(&self, setting: &images::Setting) -> (String, String) {
        let (value, pointer) = self.setting(setting);
        (self.absolute(&value), pointer)
    }

    /// A path as its process takes it: relative ones begin where it is started.
    pub(crate) fn absolute(&self, path: &str) -> String {
        match path.starts_with('/') {
            true => text::normal(path),
            false => text::normal(&format!("{}/{path}", self.process.folder)),
        }
    }

    /// The pointer of an argument of its command.
    pub(crate) fn argument(&self, index: Option<usize>) -> String {
        let own = |key: &str, index: usize| match &self.value[key] {
            Value::Array(list) if index < list.len() => self.at(&format!("{key}/{index}")),
            _ => self.at(key),
        };
        match index {
            Some(index) if index >= self.process.entrypoint => {
                own("command", index - self.process.entrypoint)
            }
            Some(index) => own("entrypoint", index),
            None => self.at("command"),
        }
    }

    /// Whether its process reads a rendered file as its configuration. Of a program that is not known, whether it is told of
    /// the file, or told nothing and sees it.
    pub(crate) fn reads(&self, path: &str) -> bool {
        let leads = |to: &str| self.sees(&self.absolute(to)).is_rendered(path);
        match self.process.program {
            Some(program) => program
                .config
                .as_ref()
                .is_some_and(|config| leads(&self.setting(config).0)),
            // Another program of an image that is known is not its server.
            None if self.image.is_some() => false,
            None => {
                let said = |words: &[String]| {
                    words.iter().any(|word| {
                        let value = word
                            .split_once('=')
                            .map_or(word.as_str(), |(_, value)| value);
                        value.contains('/') && leads(value)
                    })
                };
                let variables = self
                    .environment
                    .iter()
                    .filter_map(|(_, value)| value.clone());
                let told = said(&self.process.words) || said(&variables.collect::<Vec<_>>());
                let shown = || {
                    self.process.words.is_empty()
                        && mounts::places(&self.mounts, path).next().is_some()
                };
                told || shown()
            }
        }
    }
}
