//! The flags of `add`: one for each setting that the schema has, so that none is missing.

use crate::catalog::schema::SCHEMA;
use crate::commands::explain::candidates::names;
use crate::commands::rename::What;
use crate::editing::names::at;
use crate::value::Value;
use clap::{Arg, ArgAction, ArgMatches, Command, Error, FromArgMatches};

/// What is added, as it was given.
#[derive(Clone)]
pub(crate) struct Args {
    pub(super) what: What,
    pub(super) name: String,
    /// Keys of its table and the words that were given for each, in the order of the schema.
    pub(super) settings: Vec<(String, Vec<String>)>,
    /// The file that it is written into.
    pub(super) file: Option<String>,
    /// The title of a group that is added with its first service.
    pub(super) group_title: Option<String>,
    /// What names it from now on: an entry that nothing names is refused.
    pub(super) named_by: Vec<(&'static NamedBy, String)>,
}

/// A flag that makes something else in the catalog name what is added.
pub(super) struct NamedBy {
    what: What,
    flag: &'static str,
    /// Whose entry names it; None: the severity, under [alertmanager.routes].
    pub(super) by: Option<What>,
    key: &'static str,
    /// Whether it may name another one so far.
    pub(super) replaces: bool,
    help: &'static str,
}

impl NamedBy {
    /// The key that names it, of the entry that was given.
    pub(super) fn steps(&self, entry: &str) -> [String; 3] {
        match self.by {
            Some(what) => [what.table(), entry, self.key].map(str::to_string),
            None => ["alertmanager", "routes", entry].map(str::to_string),
        }
    }
}

const NAMED_BY: [NamedBy; 6] = [
    NamedBy {
        what: What::Group,
        flag: "service",
        by: Some(What::Service),
        key: "group",
        replaces: true,
        help: "A service that moves into it: a group without any is refused",
    },
    NamedBy {
        what: What::Owner,
        flag: "group",
        by: Some(What::Group),
        key: "owner",
        replaces: true,
        help: "A group that is its own from now on: an owner of nothing is refused",
    },
    NamedBy {
        what: What::Owner,
        flag: "service",
        by: Some(What::Service),
        key: "owner",
        replaces: true,
        help: "A service that is its own from now on",
    },
    NamedBy {
        what: What::Owner,
        flag: "alert",
        by: Some(What::Alert),
        key: "owner",
        replaces: true,
        help: "An alert that is its own from now on",
    },
    NamedBy {
        what: What::Receiver,
        flag: "severity",
        by: None,
        key: "",
        replaces: false,
        help: "A severity whose alerts go there, of owners who name none and of nobody: a receiver that nothing leads to is refused",
    },
    NamedBy {
        what: What::Receiver,
        flag: "owner",
        by: Some(What::Owner),
        key: "default",
        replaces: false,
        help: "An owner whose alerts go there",
    },
];

/// Flags that every verb has; a setting with such a name says whose it is.
const GLOBAL: [&str; 6] = ["root", "format", "color", "environment", "help", "version"];

const WHATS: [(What, &str); 6] = [
    (What::Service, "A service: what `add NAME` adds too"),
    (
        What::Alert,
        "An alert, of a kind that `explain --list` shows",
    ),
    (What::Metric, "A metric that services emit"),
    (What::Group, "A group, with services that move into it"),
    (What::Owner, "An owner: whom alerts belong to"),
    (
        What::Receiver,
        "A receiver, with the severities or owners whose alerts it gets",
    ),
];

/// The flag of a key.
fn flag(what: What, key: &str) -> String {
    let flag = key.replace('_', "-");
    match GLOBAL.contains(&flag.as_str()) {
        true => format!("{}-{flag}", what.word()),
        false => flag,
    }
}

/// The keys of an entry, each with its description; of alerts those of every kind.
fn keys(what: What) -> Vec<(&'static String, &'static str)> {
    let steps = [what.table().to_string(), "x".to_string()];
    let nodes = at(&SCHEMA, &steps);
    let mut found: Vec<(&'static String, &'static str)> = Vec::new();
    for (key, _) in nodes.iter().flat_map(|node| node["properties"].entries()) {
        if found.iter().any(|(known, _)| *known == key) {
            continue;
        }
        let inside = at(&SCHEMA, &[&steps[..], std::slice::from_ref(key)].concat());
        let described = inside.iter().find_map(|node| node["description"].as_str());
        found.push((key, described.unwrap_or_default()));
    }
    found
}

/// The first sentence of a description: a flag has one line.
fn sentence(text: &str) -> String {
    let end = text.find(". ").or(text.find(": ")).unwrap_or(text.len());
    text[..end].trim_end_matches('.').to_string()
}

fn with_flags(what: What, command: Command) -> Command {
    let required: Vec<&str> = match what {
        What::Service => vec!["group"],
        _ => at(&SCHEMA, &[what.table().to_string(), "x".to_string()])
            .first()
            .into_iter()
            .flat_map(|node: &&'static Value| node["required"].texts())
            .collect(),
    };
    let name = Arg::new("entry")
        .value_name("NAME")
        .required(true)
        .help(format!("The name of the {}", what.word()));
    let mut command = command.arg(name);
    for (key, description) in keys(what) {
        let arg = Arg::new(format!("key {key}"))
            .long(flag(what, key))
            .value_name("VALUE")
            .required(required.contains(&key.as_str()))
            .allow_negative_numbers(true)
            .action(ArgAction::Append)
            .help(sentence(description));
        let arg = match key.as_str() {
            "group" | "groups" => arg.add(names(&["group"])),
            "owner" => arg.add(names(&["owner"])),
            "services" => arg.add(names(&["service"])),
            "kind" => arg.add(names(&["kind"])),
            "runtime" | "profiles" => arg.add(names(&["profile"])),
            "metric" | "errors" | "total" | "requests" => arg.add(names(&["metric"])),
            _ => arg,
        };
        command = command.arg(arg);
    }
    command = command.arg(
        Arg::new("set")
            .long("set")
            .value_name("KEY=VALUE")
            .action(ArgAction::Append)
            .help("Any other key, such as one of a kind of the repository's own"),
    );
    if what == What::Service {
        command = command.arg(
            Arg::new("group title")
                .long("group-title")
                .value_name("TITLE")
                .help("Add its group too, with this title"),
        );
    }
    for named in NAMED_BY.iter().filter(|named| named.what == what) {
        let arg = Arg::new(format!("named by {}", named.flag))
            .long(named.flag)
            .value_name("NAME")
            .action(ArgAction::Append)
            .help(named.help);
        let arg = match named.by {
            Some(What::Service) => arg.add(names(&["service"])),
            Some(What::Group) => arg.add(names(&["group"])),
            Some(What::Alert) => arg.add(names(&["alert"])),
            Some(What::Owner) => arg.add(names(&["owner"])),
            _ => arg,
        };
        command = command.arg(arg);
    }
    command.arg(
        Arg::new("file")
            .long("file")
            .value_name("FILE")
            .help("The file that it is written into: services.toml, or a part such as services.d/web.toml; by default where others like it are"),
    )
}

impl clap::Args for Args {
    fn augment_args(command: Command) -> Command {
        // Every verb starts with the commands of all: the schema is read for these when they are asked for.
        command.defer(|command| {
            let mut command = with_flags(What::Service, command)
                .args_conflicts_with_subcommands(true)
                .subcommand_negates_reqs(true);
            for (what, about) in WHATS {
                let inner = Command::new(what.word()).about(about);
                command = command.subcommand(with_flags(what, inner));
            }
            command
        })
    }

    fn augment_args_for_update(command: Command) -> Command {
        Args::augment_args(command)
    }
}

impl FromArgMatches for Args {
    fn from_arg_matches(matches: &ArgMatches) -> Result<Args, Error> {
        let (what, matches) = match matches.subcommand() {
            Some((word, inside)) => {
                let known = WHATS.iter().find(|(what, _)| what.word() == word);
                (known.map_or(What::Service, |(what, _)| *what), inside)
            }
            None => (What::Service, matches),
        };
        let words = |id: &str| -> Vec<String> {
            let given = matches.try_get_many::<String>(id).ok().flatten();
            given.into_iter().flatten().cloned().collect()
        };
        let mut settings: Vec<(String, Vec<String>)> = keys(what)
            .into_iter()
            .map(|(key, _)| (key.clone(), words(&format!("key {key}"))))
            .filter(|(_, words)| !words.is_empty())
            .collect();
        for word in words("set") {
            let (key, value) = word.split_once('=').ok_or_else(|| {
                Error::raw(
                    clap::error::ErrorKind::ValueValidation,
                    format!("`--set {word}` lacks its value: write --set KEY=VALUE\n"),
                )
            })?;
            match settings.iter_mut().find(|(known, _)| known == key) {
                Some((_, words)) => words.push(value.to_string()),
                None => settings.push((key.to_string(), vec![value.to_string()])),
            }
        }
        Ok(Args {
            what,
            name: words("entry").into_iter().next().unwrap_or_default(),
            settings,
            file: words("file").into_iter().next(),
            group_title: words("group title").into_iter().next(),
            named_by: NAMED_BY
                .iter()
                .filter(|named| named.what == what)
                .flat_map(|named| {
                    let given = words(&format!("named by {}", named.flag)).into_iter();
                    given.map(move |entry| (named, entry))
                })
                .collect(),
        })
    }

    fn update_from_arg_matches(&mut self, matches: &ArgMatches) -> Result<(), Error> {
        *self = Args::from_arg_matches(matches)?;
        Ok(())
    }
}
