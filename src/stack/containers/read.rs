//! The compose files as compose loads them: included, overridden, extended.

use super::images::Contents;
use super::mounts::{self, Mount};
use super::network::{Mode, Networks};
use super::process::Process;
use super::text::{normal, pairs, scalar};
use super::{Container, Declared, Project, Refusal};
use crate::render::File;
use crate::stack::files::Files;
use crate::value::{Map, Value};
use std::borrow::Cow;
use std::cell::OnceCell;
use std::collections::{HashMap, HashSet};

/// What `docker compose` reads when it is told of no file.
const MAIN: [&str; 4] = [
    "compose.yaml",
    "compose.yml",
    "docker-compose.yaml",
    "docker-compose.yml",
];

/// How deep files may include and services extend each other.
const DEPTH: usize = 8;

/// One file as it is loaded, with those laid over it.
struct Document<'a> {
    file: &'a File,
    /// The folder that its paths begin in, under the output folder.
    folder: String,
    value: Cow<'a, Value>,
}

struct Loader<'a> {
    files: Vec<&'a File>,
    documents: Vec<Document<'a>>,
    refused: Vec<Refusal>,
    /// Files that another one takes in.
    taken: HashSet<&'a str>,
}

pub(super) fn project<'a>(files: Files<'a>, output: &str) -> Project<'a> {
    let mut loader = Loader {
        files: files.compose().collect(),
        documents: Vec::new(),
        refused: Vec::new(),
        taken: HashSet::new(),
    };
    let main = loader
        .files
        .iter()
        .find(|file| MAIN.contains(&file.path.as_str()))
        .copied();
    if let Some(main) = main {
        loader.load(main, None, 0);
    }
    // What services extend is part of them, and is not started by itself.
    let extended_files: HashSet<String> =
        loader.files.iter().flat_map(|file| bases(file)).collect();
    let mut apart: HashSet<&str> = HashSet::new();
    for file in loader.files.clone() {
        if loader.taken.contains(file.path.as_str()) {
            continue;
        }
        if extended_files.contains(&file.path) {
            apart.insert(&file.path);
        } else if let Some(main) =
            main.filter(|_| file.value["services"].entries().next().is_some())
        {
            loader.refused.push(Refusal {
                file: main.path.clone(),
                pointer: "/include".to_string(),
                message: format!(
                    "`docker compose up` does not start what is in {}",
                    file.path
                ),
                help: "name the file under `include`".to_string(),
            });
        }
        loader.load(file, None, 0);
    }
    let mut declared = Declared::default();
    for document in &loader.documents {
        declare(document, &mut declared);
    }
    let mut project = Project {
        containers: Vec::new(),
        named: HashMap::new(),
        published: HashMap::new(),
        on_host: Vec::new(),
        guests: Vec::new(),
        also_called: HashMap::new(),
        refused: std::mem::take(&mut loader.refused),
        declared,
    };
    for file in loader.files.iter() {
        let lost = bases(file).find(|base| loader.at(base).is_none());
        project.refused.extend(lost.map(|lost| Refusal {
            file: file.path.clone(),
            pointer: "/services".to_string(),
            message: format!(
                "services extend what is in {lost}, which is not among the files that are read here"
            ),
            help: format!(
                "name it too, `--role {lost}=compose`: what it says of them is not known without it"
            ),
        }));
    }
    for document in &loader.documents {
        if apart.contains(document.file.path.as_str()) {
            continue;
        }
        for (name, written) in entries(&document.value, "services") {
            // The file at the top lays nothing over what it includes.
            let mut included = loader.documents.iter().filter(|_| {
                Some(document.file.path.as_str()) == main.map(|main| main.path.as_str())
            });
            let other = included.find(|other| {
                let same = other.value["services"].get(&name);
                other.file.path != document.file.path && same.is_some_and(|same| *same != *written)
            });
            if let Some(other) = other {
                project
                    .refused
                    .push(Refusal::of_two(document, &name, &other.file.path));
                continue;
            }
            let value = extended(&loader, document, &name, written, 0);
            project.add(document, name, value, output, files);
        }
    }
    project.borrow_mounts();
    project
}

/// The entries of a table at the top, borrowed as long as the document is.
fn entries<'a>(value: &Cow<'a, Value>, key: &str) -> Vec<(String, Cow<'a, Value>)> {
    match value {
        Cow::Borrowed(value) => {
            let value: &'a Value = value;
            let table = value[key].entries();
            table
                .map(|(name, value)| (name.clone(), Cow::Borrowed(value)))
                .collect()
        }
        Cow::Owned(value) => {
            let table = value[key].entries();
            table
                .map(|(name, value)| (name.clone(), Cow::Owned(value.clone())))
                .collect()
        }
    }
}

impl Refusal {
    /// A service that is in another file too, and is something else there.
    fn of_two(document: &Document, name: &str, other: &str) -> Refusal {
        Refusal {
            file: document.file.path.clone(),
            pointer: format!("/services/{}", crate::source::step(name)),
            message: format!("`{name}` is also in {other}, and is something else there"),
            help:
                "give one of the two another name: compose does not merge files that are included"
                    .to_string(),
        }
    }
}

impl<'a> Project<'a> {
    /// What containers mount because others do; what is mounted at the same place by itself covers it.
    fn borrow_mounts(&mut self) {
        for index in 0..self.containers.len() {
            let borrower = &self.containers[index];
            let names = borrower.value["volumes_from"].texts().enumerate();
            let mut borrowed = Vec::new();
            for (at, written) in names {
                let (name, option) = written.split_once(':').unwrap_or((written, ""));
                let pointer = format!("volumes_from/{at}");
                let Some(lender) = self.named.get(name).map(|index| &self.containers[*index])
                else {
                    if name != "container" {
                        self.refused.push(Refusal {
                            file: borrower.file.path.clone(),
                            pointer: borrower.at(&pointer),
                            message: format!(
                                "`{}` mounts what `{name}` does, which does not exist",
                                borrower.name
                            ),
                            help: "name a service of the compose files".to_string(),
                        });
                    }
                    continue;
                };
                // Secrets, configs and tmpfs are not handed on.
                let volumes = lender
                    .mounts
                    .iter()
                    .filter(|mount| mount.pointer.starts_with("volumes/"));
                borrowed.extend(volumes.map(|mount| Mount {
                    read_only: mount.read_only || option == "ro",
                    pointer: pointer.clone(),
                    ..mount.clone()
                }));
            }
            borrowed.append(&mut self.containers[index].mounts);
            self.containers[index].mounts = borrowed;
        }
    }

    fn add(
        &mut self,
        document: &Document<'a>,
        name: String,
        value: Cow<'a, Value>,
        output: &str,
        files: Files,
    ) {
        if let Some(index) = self.named.get(&name) {
            let other = &self.containers[*index];
            if *other.value != *value {
                let refusal = Refusal::of_two(document, &name, &other.file.path);
                self.refused.push(refusal);
            }
            return;
        }
        let image = scalar(&value["image"]).and_then(|image| Contents::of(&image));
        let none = |text: Option<String>| text.is_some_and(|text| text == "0");
        let idle = value["profiles"].items().next().is_some()
            || none(scalar(&value["scale"]))
            || none(scalar(&value["deploy"]["replicas"]));
        let index = self.containers.len();
        let networks = Networks::of(&value, &self.declared);
        match networks.mode {
            Mode::Host => self.on_host.push(index),
            Mode::Of(_) => self.guests.push(index),
            _ => {}
        }
        for name in networks.other_names() {
            let known = self.also_called.entry(name.to_string());
            known.or_default().push(index);
        }
        // Whoever asks over HTTP asks over TCP.
        let published = networks.published.iter().enumerate();
        for (at, port) in published.filter(|(_, port)| port.protocol == "tcp") {
            if let Some(port) = port.port {
                self.published.entry(port).or_default().push((index, at));
            }
        }
        let (mut environment, told_elsewhere) = of_files(&value, &document.folder, files);
        environment.extend(pairs(&value["environment"], &['=']));
        self.containers.push(Container {
            file: document.file,
            folder: document.folder.clone(),
            name: name.clone(),
            started: !idle,
            image,
            mounts: mounts::read(&value, &document.folder, output, &self.declared),
            environment,
            told_elsewhere,
            process: Process::of(&value, image),
            networks,
            value,
            listens: OnceCell::new(),
        });
        self.named.insert(name, index);
    }
}

impl<'a> Loader<'a> {
    fn at(&self, path: &str) -> Option<&'a File> {
        self.files.iter().find(|file| file.path == path).copied()
    }

    /// A file, those laid over it, and those that it includes.
    fn load(&mut self, file: &'a File, over: Option<Document<'a>>, depth: usize) {
        if depth > DEPTH || !self.taken.insert(&file.path) && over.is_none() {
            return;
        }
        let mut document = over.unwrap_or_else(|| Document {
            file,
            folder: folder(&file.path).to_string(),
            value: Cow::Borrowed(file.value.as_ref()),
        });
        // Beside the main file, compose also reads the one that overrides it.
        if depth == 0 && MAIN.contains(&file.path.as_str()) {
            for ending in ["yml", "yaml"] {
                let stem = file.path.rsplit_once('.').map_or("", |(stem, _)| stem);
                if let Some(over) = self.at(&format!("{stem}.override.{ending}")) {
                    self.taken.insert(&over.path);
                    merge(document.value.to_mut(), &over.value);
                }
            }
        }
        let includes: Vec<Value> = document.value["include"].items().cloned().collect();
        let own = document.folder.clone();
        self.documents.push(document);
        for (index, include) in includes.iter().enumerate() {
            let written = match &include["path"] {
                Value::Null => scalar(include).into_iter().collect(),
                Value::Array(list) => list.iter().filter_map(scalar).collect(),
                path => scalar(path).into_iter().collect::<Vec<_>>(),
            };
            let paths: Vec<String> = written
                .iter()
                .map(|path| {
                    normal(&format!("{own}/{path}"))
                        .trim_start_matches('/')
                        .to_string()
                })
                .collect();
            let mut loaded: Option<Document<'a>> = None;
            for (path, written) in paths.iter().zip(&written) {
                let Some(other) = self.at(path) else {
                    // What lies elsewhere is somebody else's.
                    let elsewhere = path.starts_with("..")
                        || written.starts_with(['/', '~', '$'])
                        || written.contains(':');
                    if !elsewhere {
                        self.refused.push(Refusal {
                            file: file.path.clone(),
                            pointer: format!("/include/{index}"),
                            message: format!("{written} is included, and nothing renders it"),
                            help: "name a compose file that is rendered, relative to this one"
                                .to_string(),
                        });
                    }
                    continue;
                };
                self.taken.insert(&other.path);
                match &mut loaded {
                    None => {
                        let set = scalar(&include["project_directory"]);
                        let folder = set.map_or_else(
                            || folder(&other.path).to_string(),
                            |set| match own.is_empty() {
                                true => normal(&set),
                                false => normal(&format!("{own}/{set}")),
                            },
                        );
                        loaded = Some(Document {
                            file: other,
                            folder,
                            value: Cow::Borrowed(other.value.as_ref()),
                        });
                    }
                    Some(first) => merge(first.value.to_mut(), &other.value),
                }
            }
            for missing in variables(include, &own, &self.files) {
                self.refused.push(Refusal {
                    file: file.path.clone(),
                    pointer: format!("/include/{index}/env_file"),
                    message: format!(
                        "the variables of what is included are read from {missing}, and nothing renders it"
                    ),
                    help: "leave `env_file` out, or keep the file outside of this folder"
                        .to_string(),
                });
            }
            if let Some(document) = loaded {
                self.load(document.file, Some(document), depth + 1);
            }
        }
    }
}

/// The files of variables of an include that would lie beside what is rendered, and do not.
fn variables(include: &Value, folder: &str, rendered: &[&File]) -> Vec<String> {
    let written = &include["env_file"];
    let all = written.items().filter_map(scalar).chain(scalar(written));
    let missing = |path: &String| {
        let whole = normal(&format!("{folder}/{path}"));
        let whole = whole.trim_start_matches('/');
        let elsewhere = whole.starts_with("..") || path.starts_with(['/', '~', '$']);
        !elsewhere && !rendered.iter().any(|file| file.path == whole)
    };
    all.filter(missing).collect()
}

/// The variables of a container's `env_file`, as far as the files are here, and whether one is not.
fn of_files(value: &Value, folder: &str, files: Files) -> (Vec<(String, Option<String>)>, bool) {
    let (mut found, mut elsewhere) = (Vec::new(), false);
    let written = &value["env_file"];
    let alone = [written].into_iter().filter(|one| !one.is_array());
    for entry in written.items().chain(alone) {
        let Some(path) = scalar(entry).or_else(|| scalar(&entry["path"])) else {
            continue;
        };
        let whole = normal(&format!("{folder}/{path}"));
        let Some(file) = files.at(whole.trim_start_matches('/')) else {
            elsewhere = true;
            continue;
        };
        let lines = file.text.lines().map(str::trim);
        for line in lines.filter(|line| !line.starts_with('#')) {
            let Some((name, value)) = line.split_once('=') else {
                continue;
            };
            let name = name.trim().trim_start_matches("export ").trim();
            let value = value.trim();
            let quoted = ['"', '\'']
                .iter()
                .find_map(|quote| value.strip_prefix(*quote)?.strip_suffix(*quote));
            found.push((name.to_string(), Some(quoted.unwrap_or(value).to_string())));
        }
    }
    (found, elsewhere)
}

/// The folder of a path.
fn folder(path: &str) -> &str {
    path.rsplit_once('/').map_or("", |(folder, _)| folder)
}

/// The files whose services those of a file extend.
fn bases(file: &File) -> impl Iterator<Item = String> + '_ {
    let folder = file.path.rsplit_once('/').map_or("", |(folder, _)| folder);
    let services = file.value["services"].entries();
    let written = services.filter_map(|(_, service)| scalar(&service["extends"]["file"]));
    written.map(move |base| {
        normal(&format!("{folder}/{base}"))
            .trim_start_matches('/')
            .to_string()
    })
}

/// A service with what it extends.
fn extended<'a>(
    loader: &Loader<'a>,
    document: &Document<'a>,
    name: &str,
    written: Cow<'a, Value>,
    depth: usize,
) -> Cow<'a, Value> {
    let extends = &written["extends"];
    if extends.is_null() || depth > DEPTH {
        return written;
    }
    let wanted = scalar(extends).or_else(|| scalar(&extends["service"]));
    let wanted = wanted.as_deref().unwrap_or(name);
    let other = match scalar(&extends["file"]) {
        None => Some(document),
        Some(file) => {
            let path = normal(&format!("{}/{file}", document.folder));
            loader
                .documents
                .iter()
                .find(|known| known.file.path == path.trim_start_matches('/'))
        }
    };
    let base = other.and_then(|other| Some((other, other.value["services"].get(wanted)?.clone())));
    let Some((other, base)) = base else {
        return written;
    };
    let mut whole = extended(loader, other, wanted, Cow::Owned(base), depth + 1).into_owned();
    merge(&mut whole, &written);
    Cow::Owned(whole)
}

/// Lays one table over another as compose does: tables are merged, most lists are joined, what starts a program is replaced.
fn merge(into: &mut Value, over: &Value) {
    const REPLACED: [&str; 4] = ["command", "entrypoint", "test", "profiles"];
    match (into, over) {
        (Value::Object(into), Value::Object(over)) => {
            for (key, value) in over {
                let known = into.entry(key.clone()).or_insert(Value::Null);
                let mixed = known.is_array() != value.is_array() && !known.is_null();
                if REPLACED.contains(&key.as_str()) {
                    *known = value.clone();
                } else if mixed
                    && [
                        "environment",
                        "extra_hosts",
                        "networks",
                        "labels",
                        "depends_on",
                    ]
                    .contains(&key.as_str())
                {
                    let mut both = mapping(known);
                    both.extend(mapping(value));
                    *known = Value::Object(both);
                } else {
                    merge(known, value);
                }
            }
        }
        (Value::Array(into), Value::Array(over)) => {
            // Of two mounts at one place the later one is meant, and so it is read.
            into.extend(over.iter().cloned());
        }
        (into, over) => *into = over.clone(),
    }
}

/// A list of `key=value` as the mapping that it stands for.
fn mapping(value: &Value) -> Map {
    match value {
        Value::Object(map) => map.clone(),
        value => pairs(value, &['='])
            .into_iter()
            .map(|(key, value)| (key, value.map_or(Value::Null, Value::String)))
            .collect(),
    }
}

/// Adds what a document declares at its top.
fn declare<'a>(document: &Document<'a>, declared: &mut Declared<'a>) {
    for (key, value) in entries(&document.value, "networks") {
        declared.networks.insert(key, value);
    }
    for (key, value) in entries(&document.value, "volumes") {
        declared.volumes.insert(key, value);
    }
    for (key, value) in entries(&document.value, "secrets") {
        declared
            .secrets
            .insert(key, (value, document.folder.clone()));
    }
    for (key, value) in entries(&document.value, "configs") {
        declared
            .configs
            .insert(key, (value, document.folder.clone()));
    }
}
