//! A server's flags are flags of its version.

use super::{Check, Example, Proof, place};
use crate::artifacts::Role;
use crate::catalog::Duration;
use crate::diagnostic::{Diagnostic, mistyped, nearest};
use crate::stack::containers::Container;
use crate::stack::containers::images::{Program, Takes};
use crate::stack::containers::process::{Flag, Wrong};
use crate::stack::settings::refuses;
use std::collections::HashSet;

pub(crate) const PROOF: Proof = Proof {
    code: "unknown-flag",
    doc: "A server with a flag that its version does not have, a flag twice, or a word that is none, prints its usage and ends; the container starts over and over.",
    example: Example::Rendered {
        role: Role::Compose,
        pointer: "/services/prometheus/command/-",
        bad: r#""--web.enable-livecycle""#,
    },
    check: Check::Stack(|stack| stack.containers.started().flat_map(refused).collect()),
};

fn refused(container: &Container) -> Vec<Diagnostic> {
    let process = &container.process;
    let Some((name, program)) = process
        .name
        .zip(process.program)
        .filter(|(_, program)| !program.flags.is_empty())
    else {
        return Vec::new();
    };
    let mut found = Vec::new();
    let mut given = HashSet::new();
    for flag in &process.flags {
        let reason = reason(container, name, program, flag).or_else(|| {
            let once = program
                .flags
                .get(&flag.name)
                .is_some_and(|known| known.kind != Takes::List && !program.one_dash);
            (once && !given.insert(&flag.name)).then(|| {
                (
                    format!("--{} is given twice", flag.name),
                    "leave one of them".to_string(),
                )
            })
        });
        if let Some((message, help)) = reason {
            found.push(place::of_flag(container, flag, message, help));
        }
    }
    found
}

/// A number, or a duration in milliseconds.
fn amount(text: &str) -> Option<f64> {
    let duration = || Duration::parse(text).map(|duration| duration.0 as f64);
    text.parse().ok().or_else(duration)
}

/// What the program has against a flag, and what to do.
fn reason(
    container: &Container,
    name: &str,
    program: &Program,
    flag: &Flag,
) -> Option<(String, String)> {
    let own = container.name.as_str();
    match flag.wrong {
        Some(Wrong::Loose) => {
            return Some((
                format!(
                    "`{}` is no flag: `{name}` of `{own}` does not start with it",
                    flag.name
                ),
                "write `--FLAG=VALUE` as one word".to_string(),
            ));
        }
        Some(Wrong::OneDash) => {
            return Some((
                format!("`{name}` has no flag `-{}`", flag.name),
                format!("write `--{}`, with two dashes", flag.name),
            ));
        }
        Some(Wrong::WithoutValue) => {
            return Some((
                format!("--{} has no value", flag.name),
                format!("write `--{}=VALUE`", flag.name),
            ));
        }
        None => {}
    }
    let off = flag.name.strip_prefix("no-").filter(|name| {
        !program.one_dash
            && program
                .flags
                .get(*name)
                .is_some_and(|flag| flag.kind == Takes::Switch)
    });
    let Some(known) = program.flags.get(off.unwrap_or(&flag.name)) else {
        let help = match nearest(&flag.name, program.flags.keys().map(String::as_str)) {
            Some(near) => format!("did you mean `--{near}`?"),
            None => format!(
                "known are those up to version {}; accept this when a newer one has it",
                program.read_to
            ),
        };
        return Some((format!("`{name}` has no flag `--{}`", flag.name), help));
    };
    // In a list, and behind a shell's quotes, nothing takes them off.
    let quote = flag
        .value
        .chars()
        .next()
        .filter(|c| matches!(c, '"' | '\''));
    if quote.is_some_and(|quote| flag.value.len() > 1 && flag.value.ends_with(quote)) {
        return Some((
            format!("the quotes of --{} are part of its value", flag.name),
            format!(
                "write `--{}=VALUE` without them, or quote the whole word",
                flag.name
            ),
        ));
    }
    if known.ends && flag.value != "false" {
        return Some((
            format!(
                "with --{} `{name}` of `{own}` does not serve: it ends at once, again and again",
                flag.name
            ),
            "take it away".to_string(),
        ));
    }
    let version = container.image.and_then(|image| image.version);
    if !known.in_version(version) {
        let version = version
            .map(|version| version.to_string())
            .unwrap_or_default();
        let since = known.since.map(|since| format!("it came with {since}"));
        let until = known.until.map(|until| format!("it went with {until}"));
        return Some((
            format!("`{name}` {version} has no flag `--{}`", flag.name),
            format!(
                "{}: take it away, or change the image",
                until.or(since).unwrap_or_default()
            ),
        ));
    }
    if let Some(wanted) = known
        .value
        .as_deref()
        .filter(|_| !flag.value.contains('$'))
        .and_then(|kind| refuses(kind, &flag.value))
    {
        return Some((
            format!(
                "--{} is `{}`, which `{name}` does not read",
                flag.name, flag.value
            ),
            format!("write {wanted}"),
        ));
    }
    let misspelt = flag.value.split(',').find_map(|word| {
        let meant = mistyped(word.trim(), known.words.split(' '))?;
        Some((word, meant))
    });
    if let Some((word, meant)) = misspelt.filter(|_| !known.words.is_empty()) {
        return Some((
            format!("`{name}` has no `{word}` for --{}", flag.name),
            format!("did you mean `{meant}`?"),
        ));
    }
    if let Some(least) = known.least.as_deref()
        && let (Some(given), Some(wanted)) = (amount(&flag.value), amount(least))
        && (given > 0.0 || known.none)
        && given < wanted
    {
        return Some((
            format!(
                "--{} is {}, with which `{name}` cannot do its work",
                flag.name, flag.value
            ),
            format!("write {least} at least, or take it away: the default is far more"),
        ));
    }
    let says =
        program.one_dash && ["true", "false", "1", "0", "t", "f"].contains(&flag.value.as_str());
    let switch = known.kind == Takes::Switch && !flag.value.is_empty() && !says;
    switch.then(|| {
        (
            format!("--{} takes no value", flag.name),
            format!("write `--{0}` or `--no-{0}`", flag.name),
        )
    })
}
