//! The commands of the runbook work as they stand: what they name is there.

use super::{Check, Example, Proof, place};
use crate::artifacts::Role;
use crate::diagnostic::{nearest, suggestion};
use crate::render::File;
use crate::stack::Stack;
use crate::stack::containers::images::knows;
use crate::stack::files::View;
use crate::stack::markdown::{Block, sections};
use std::collections::BTreeSet;

pub(crate) const PROOF: Proof = Proof {
    code: "runbook-command",
    doc: "A command that names a file, a container or an alert that is not there costs the minutes that nobody has, and one that ends a server in place of reloading it makes things worse.",
    example: Example::Text {
        role: Role::Markdown,
        good: "kill -s SIGHUP alertmanager",
        bad: "kill -s SIGTERM alertmanager",
    },
    check: Check::Stack(|stack| {
        let mut found = Vec::new();
        for file in stack.files.documents() {
            for block in sections(&file.text).iter().flat_map(|one| one.blocks()) {
                if ["sh", "bash", "shell", "console"].contains(&block.language.as_str()) {
                    found.extend(wrong(stack, file, &block));
                }
            }
        }
        found
    }),
};

/// Options of `docker compose` and its commands that a value follows.
const VALUED: [&str; 14] = [
    "-f",
    "--file",
    "-p",
    "--project-name",
    "--profile",
    "--env-file",
    "-s",
    "--signal",
    "--since",
    "--until",
    "--tail",
    "-n",
    "-u",
    "-e",
];

/// Commands of `docker compose` that are about the containers named after them.
const OF_CONTAINERS: [&str; 11] = [
    "exec", "kill", "logs", "pause", "ps", "restart", "start", "stop", "top", "unpause", "up",
];

fn wrong(stack: &Stack, file: &File, block: &Block) -> Vec<crate::diagnostic::Diagnostic> {
    let mut found = Vec::new();
    for (index, line) in block.text.lines().enumerate() {
        let mut say = |message: String, help: String| {
            found.push(place::line(&file.path, block.line + index, message, help));
        };
        if let Some(name) = alert(line).filter(|name| stack.written_alert(name).is_none()) {
            let alerts = stack.files.alerts();
            let known: BTreeSet<&str> = alerts
                .filter_map(|(_, _, rule)| rule["alert"].as_str())
                .collect();
            say(
                format!("the command looks for the alert `{name}`, which does not exist"),
                suggestion(name, known.iter().copied()),
            );
        }
        if glued(line) {
            say(
                "the redirection is part of the word before it, which ends in its number then"
                    .to_string(),
                "write a space before it".to_string(),
            );
        }
        if let Some((name, near)) = sought(stack, line) {
            say(
                format!("the command looks for `{name}`, which nobody exposes"),
                format!("did you mean `{near}`?"),
            );
        }
        for command in commands(line) {
            if let Some((message, help)) = destroys(command) {
                say(message.to_string(), help.to_string());
            }
            let words: Vec<&str> = command.split_whitespace().collect();
            let wrong = compose(stack, &words)
                .or_else(|| without_its_program(stack, &words))
                .or_else(|| unknown_verb(&words))
                .or_else(|| not_rendered(stack, &words))
                .or_else(|| unknown_module(stack, &words));
            if let Some((message, help)) = wrong {
                say(message, help);
            }
        }
    }
    found
}

/// The commands of a line: what stands between quotes holds none.
fn commands(line: &str) -> Vec<&str> {
    let mut found = Vec::new();
    let (mut quote, mut start) = (None, 0);
    for (at, c) in line.char_indices() {
        match quote {
            Some(open) if open == c => quote = None,
            None if ['\'', '"'].contains(&c) => quote = Some(c),
            None if ['|', ';', '&'].contains(&c) => {
                found.push(&line[start..at]);
                start = at + 1;
            }
            _ => {}
        }
    }
    found.push(&line[start..]);
    found
}

/// A program that is called in a container whose image has none of that name.
fn without_its_program(stack: &Stack, words: &[&str]) -> Option<(String, String)> {
    let at = words.iter().position(|word| *word == "exec")?;
    let ["docker", "compose", ..] = words else {
        return None;
    };
    let mut rest = words[at + 1..].iter().filter(|word| !word.starts_with('-'));
    let container = stack.containers.container(rest.next()?)?;
    let program = rest.next()?;
    let image = container.image?;
    let plain = program
        .chars()
        .all(|c| c.is_alphanumeric() || "-_./".contains(c));
    (plain && !image.has(program)).then(|| {
        (
            format!(
                "the image of `{}` has no program `{program}`",
                container.name
            ),
            "call one that it has".to_string(),
        )
    })
}

/// Something that promtool or amtool cannot do.
fn unknown_verb(words: &[&str]) -> Option<(String, String)> {
    let at = words
        .iter()
        .position(|word| ["promtool", "amtool"].contains(word))?;
    let rest = &words[at + 1..];
    // What follows an option may be its value.
    let mut options = rest.iter().take_while(|word| word.starts_with('-'));
    if !options.all(|option| option.contains('=')) {
        return None;
    }
    let said: Vec<String> = rest.iter().map(|word| word.to_string()).collect();
    let verb = rest.iter().find(|word| !word.starts_with('-'))?;
    let plain = verb.chars().all(|c| c.is_ascii_alphabetic() || c == '-');
    (plain && !knows(words[at], &said, None)).then(|| {
        (
            format!(
                "{} has no command `{verb}` that goes on like this",
                words[at]
            ),
            format!("`{} --help` lists what it has", words[at]),
        )
    })
}

/// A file of the output folder that is not rendered.
fn not_rendered(stack: &Stack, words: &[&str]) -> Option<(String, String)> {
    let output = format!("{}/", stack.catalog.platform.output);
    let paths = || {
        stack
            .files
            .seen(View::Whole)
            .all()
            .map(|file| file.path.as_str())
    };
    words.iter().find_map(|word| {
        let word = word.trim_matches(['"', '\'', '`', ',', ')', '(']);
        let path = word.strip_prefix(&output)?.trim_end_matches(['/', '.']);
        let plain = path
            .chars()
            .all(|c| c.is_alphanumeric() || "-_./".contains(c));
        let folder = format!("{path}/");
        let known = path.is_empty()
            || path.starts_with('.')
            || paths().any(|known| known == path || known.starts_with(&folder));
        (plain && !known).then(|| {
            let known: Vec<String> = paths().map(|path| format!("{output}{path}")).collect();
            (
                format!("the command reads `{word}`, which is not rendered"),
                suggestion(word, known.iter().map(String::as_str)),
            )
        })
    })
}

/// A module of the stack's own blackbox exporter that its configuration does not have.
fn unknown_module(stack: &Stack, words: &[&str]) -> Option<(String, String)> {
    let modules = stack.files.blackbox()?.value["modules"].as_object()?;
    // A prober of somebody else has modules of its own.
    words.iter().find(|word| {
        let container = stack.containers.container(word);
        let image = container.and_then(|container| container.image);
        image.is_some_and(|image| image.program() == "blackbox_exporter")
    })?;
    let rest = words.iter().find_map(|word| word.split_once("/probe?"))?.1;
    let (_, name) = rest.split_once("module=")?;
    let end = name.find(|c: char| !c.is_alphanumeric() && !"-_".contains(c));
    let name = &name[..end.unwrap_or(name.len())];
    // Of one that Prometheus asks for too the probes tell.
    let config = stack.files.config()?;
    let mut jobs = config["scrape_configs"].items();
    let probed = jobs.any(|job| job["params"]["module"].texts().any(|asked| asked == name));
    (!name.is_empty() && !probed && !modules.contains_key(name)).then(|| {
        (
            format!("the blackbox exporter has no module `{name}`"),
            suggestion(name, modules.keys().map(String::as_str)),
        )
    })
}

/// Whether a number before `>` belongs to the quoted word before it: a shell takes it for the number of a stream only where it
/// stands alone.
fn glued(line: &str) -> bool {
    let mut redirections = line.match_indices('>');
    redirections.any(|(at, _)| {
        let before = line[..at].trim_end_matches(|c: char| c.is_ascii_digit());
        before.len() < at && before.ends_with(['\'', '"'])
    })
}

/// The alert that a matcher in a command asks for by its whole name.
fn alert(line: &str) -> Option<&str> {
    let (_, rest) = line.split_once("alertname=")?;
    let name = rest.trim_start_matches(['"', '\'']);
    let end = name
        .find(|c: char| !c.is_alphanumeric() && !matches!(c, '_' | ':'))
        .unwrap_or(name.len());
    Some(&name[..end]).filter(|name| !name.is_empty())
}

/// A metric that a pattern of `grep` begins with, nearly that of one that there is.
fn sought<'s>(stack: &'s Stack, line: &str) -> Option<(String, &'s str)> {
    let (_, rest) = line.split_once("grep -E ")?;
    let pattern = rest.trim_start_matches(['\'', '"']);
    let pattern = &pattern[..pattern.find(['\'', '"']).unwrap_or(pattern.len())];
    let inside = pattern.trim_start_matches('^').trim_matches(['(', ')']);
    let names = || stack.contract.names();
    inside.split('|').find_map(|one| {
        let plain = one
            .chars()
            .all(|c| c.is_ascii_alphanumeric() || c == '_' || c == ':');
        let whole = plain && one.contains('_') && !one.ends_with('_');
        let begins = || names().any(|name| name.starts_with(one));
        if !whole || stack.contract.knows(one) || begins() {
            return None;
        }
        Some((one.to_string(), nearest(one, names())?))
    })
}

/// What is lost for good, or kept from everybody, by a command of a runbook.
fn destroys(command: &str) -> Option<(&'static str, &'static str)> {
    let words: Vec<&str> = command.split_whitespace().collect();
    let has = |word: &str| words.contains(&word);
    let verbs = |verbs: &[&str]| words.windows(verbs.len()).any(|window| window == verbs);
    let docker = has("docker");
    if docker && has("down") && (has("-v") || has("--volumes")) {
        return Some((
            "the command deletes the volumes: every sample and every silence is lost",
            "leave `-v` away",
        ));
    }
    if docker
        && (verbs(&["volume", "rm"]) || verbs(&["volume", "prune"]) || verbs(&["system", "prune"]))
    {
        return Some((
            "the command deletes what containers keep: every sample and every silence is lost",
            "take it out of the runbook",
        ));
    }
    if command.contains("/admin/tsdb/delete_series") {
        return Some((
            "the command deletes samples, which nobody can bring back",
            "take it out of the runbook",
        ));
    }
    let everything = |word: &&&str| {
        let pattern = word
            .split_once("=~")
            .map(|(_, pattern)| pattern.trim_matches(['"', '\'']));
        matches!(pattern, Some(".*" | ".+"))
    };
    let matchers = words
        .iter()
        .filter(|word| !word.starts_with('-') && word.contains('='));
    let all = matchers.clone().count() > 0
        && matchers.clone().count() == matchers.filter(everything).count();
    (verbs(&["silence", "add"]) && all).then_some((
        "the command silences every alert: nobody is told of anything",
        "silence one alert of one service",
    ))
}

/// What is wrong with a call of `docker compose`, and what to do.
fn compose(stack: &Stack, words: &[&str]) -> Option<(String, String)> {
    let words = match words {
        ["docker", "compose", rest @ ..] | ["sudo", "docker", "compose", rest @ ..] => rest,
        _ => return None,
    };
    let (mut verb, mut signal) = (None, None);
    let mut words = words.iter().copied();
    while let Some(word) = words.next() {
        if let Some((option, value)) = word.split_once('=').filter(|_| word.starts_with('-')) {
            signal = (option == "--signal").then_some(value).or(signal);
        } else if VALUED.contains(&word) {
            let value = words.next()?;
            // Elsewhere `-f` follows what is written.
            if verb.is_none() && ["-f", "--file"].contains(&word) {
                let output = &stack.catalog.platform.output;
                let ours = value.strip_prefix(output.as_str());
                let path = ours.and_then(|rest| rest.strip_prefix('/'));
                if !path.is_some_and(|path| stack.files.compose().any(|file| file.path == path)) {
                    let files = stack.files.compose();
                    let known: Vec<String> = files
                        .map(|file| format!("{output}/{}", file.path))
                        .collect();
                    return Some((
                        format!("the command reads `{value}`, which is not rendered"),
                        suggestion(value, known.iter().map(String::as_str).collect::<Vec<_>>()),
                    ));
                }
            }
            if ["-s", "--signal"].contains(&word) {
                signal = Some(value);
            }
        } else if !word.starts_with('-') {
            match verb {
                None => verb = Some(word),
                Some(verb) if OF_CONTAINERS.contains(&verb) => {
                    let named = |container: &str| stack.containers.container(container).is_some();
                    let plain = word
                        .chars()
                        .all(|c| c.is_alphanumeric() || "-_.".contains(c));
                    if plain && !named(word) {
                        let all = stack.containers.started();
                        let known: Vec<&str> = all.map(|one| one.name.as_str()).collect();
                        return Some((
                            format!(
                                "the command is about the container `{word}`, which there is not"
                            ),
                            suggestion(word, known),
                        ));
                    }
                    break;
                }
                Some(_) => break,
            }
        }
    }
    let ends = verb == Some("kill")
        && !matches!(
            signal,
            Some("HUP" | "SIGHUP" | "1" | "USR1" | "SIGUSR1" | "USR2" | "SIGUSR2")
        );
    ends.then(|| {
        (
            "the command ends the server".to_string(),
            "send SIGHUP, which makes it read its configuration anew".to_string(),
        )
    })
}
