//! `rename` gives a service, an alert, a receiver or whatever else is declared by name another one, wherever the catalog names it.

use super::edited::{Files, location, refused};
use super::explain::candidates::names;
use super::{Cli, Report, shell};
use crate::catalog::schema::{Schema, with_defaults};
use crate::catalog::{Catalog, alerts_of, schema};
use crate::diagnostic::{Diagnostic, Place, plural, suggestion};
use crate::editing::expressions::{Named, Renamed};
use crate::editing::names::{Mention, mentions, texts};
use crate::editing::tree::{Tree, dotted};
use crate::pipeline;
use crate::source::{Source, step, steps};
use crate::value::{Value, json};
use anyhow::{Result, ensure};
use clap::ValueEnum;

/// What is declared by name, and named elsewhere.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum What {
    /// [services.NAME]
    Service,
    /// [metrics.NAME]
    Metric,
    /// [alerts.NAME]
    Alert,
    /// [groups.NAME]
    Group,
    /// [owners.NAME]
    Owner,
    /// [receivers.NAME]
    Receiver,
    /// [slos.NAME]
    Objective,
    /// [rules.NAME]
    Rule,
    /// [times.NAME]
    Time,
    /// [inhibit.NAME]
    Inhibition,
}

impl What {
    pub(super) fn word(self) -> &'static str {
        match self {
            What::Service => "service",
            What::Metric => "metric",
            What::Alert => "alert",
            What::Group => "group",
            What::Owner => "owner",
            What::Receiver => "receiver",
            What::Objective => "objective",
            What::Rule => "rule",
            What::Time => "time",
            What::Inhibition => "inhibition",
        }
    }

    pub(super) fn table(self) -> &'static str {
        match self {
            What::Service => "services",
            What::Metric => "metrics",
            What::Alert => "alerts",
            What::Group => "groups",
            What::Owner => "owners",
            What::Receiver => "receivers",
            What::Objective => "slos",
            What::Rule => "rules",
            What::Time => "times",
            What::Inhibition => "inhibit",
        }
    }

    /// What the entries of a table are.
    pub(super) fn of_table(table: &str) -> Option<What> {
        let mut all = What::value_variants().iter().copied();
        all.find(|what| what.table() == table)
    }

    /// The labels whose value is its name.
    fn labels(self) -> Vec<String> {
        let labels: &[&str] = match self {
            What::Service => &["job", "service"],
            What::Metric
            | What::Rule
            | What::Receiver
            | What::Objective
            | What::Time
            | What::Inhibition => &[],
            What::Alert => &["alertname"],
            What::Group => &["component"],
            What::Owner => &["owner"],
        };
        labels.iter().map(ToString::to_string).collect()
    }

    /// How expressions name it.
    pub(super) fn named(self, catalog: Option<&Catalog>, old: &str, new: &str) -> Named {
        if self == What::Rule {
            return Named::Metrics(vec![(old.to_string(), new.to_string())]);
        }
        if self != What::Metric {
            return Named::Label {
                labels: self.labels(),
                old: old.to_string(),
                new: new.to_string(),
            };
        }
        // A name that is spelled out stays as it is when the key is renamed, and goes with it.
        let metric = catalog.and_then(|catalog| catalog.metric(old));
        let Some(metric) = metric.filter(|metric| !metric.spelled_out || new.is_empty()) else {
            return Named::Metrics(Vec::new());
        };
        let (prefix, old) = match metric.spelled_out {
            true => ("", metric.name.as_str()),
            false => (metric.name.strip_suffix(old).unwrap_or_default(), old),
        };
        let parts: &[&str] = match metric.r#type.as_str() {
            "histogram" => &["", "_bucket", "_sum", "_count"],
            "summary" => &["", "_sum", "_count"],
            _ => &[""],
        };
        let pairs = parts.iter();
        Named::Metrics(
            pairs
                .map(|part| {
                    (
                        format!("{prefix}{old}{part}"),
                        format!("{prefix}{new}{part}"),
                    )
                })
                .collect(),
        )
    }
}

/// What `explain` calls those that have a name.
pub(super) const NAMED: &[&str] = &[
    "service",
    "metric",
    "alert",
    "group",
    "owner",
    "receiver",
    "objective",
    "recording rule",
];

/// What, and how it shall be called.
#[derive(Clone, clap::Args)]
pub(crate) struct Args {
    /// What is renamed
    pub(super) what: What,
    /// Its name now; of a metric the key of its table
    #[arg(add = names(NAMED))]
    pub(super) old: String,
    /// Its name from now on
    pub(super) new: String,
}

/// Places in the files of a catalog as they were before, each with its key: `services.toml:14`.
pub(super) struct Places {
    done: Vec<(String, String)>,
    /// Those that name it by a pattern, and are as they were.
    left: Vec<(String, String)>,
}

/// Edits every file in memory, proves the whole, and only then writes.
pub(crate) fn run(args: &Args, cli: &Cli) -> Result<Report> {
    ensure!(
        cli.environment.is_none(),
        "a name is the same in every environment: run this without --environment"
    );
    let found = match Files::read(cli) {
        Ok(files) => declared(args.what, &args.old, files, cli),
        Err(report) => return Ok(*report),
    };
    let (mut files, source, catalog) = match found {
        Ok(found) => found,
        Err(report) => return Ok(*report),
    };
    let Places { mut done, left } = match everywhere(args, &mut files, &source, &catalog) {
        Ok(places) => places,
        Err(finding) => return Ok(refused(source, *finding)),
    };
    let schema = schema::with(&catalog.kinds);
    let named = args.what.named(Some(&catalog), &args.old, &args.new);
    let mut said = vec![format!(
        "renamed the {} {} to {}, in {}",
        args.what.word(),
        args.old,
        args.new,
        plural(done.len(), "place")
    )];
    in_order(&mut done);
    let lines = |(at, key): &(String, String)| format!("  {at}  {key}");
    said.extend(done.iter().map(lines));
    for (at, key) in &left {
        said.push(format!(
            "  {at}  {key} is left as it is: it names {} by a pattern",
            args.old
        ));
    }
    for (at, key) in still_said(&files, &schema, &named) {
        said.push(format!("  {at}  {key} still says {}", args.old));
    }
    said.push("outside the catalog nothing follows by itself:".to_string());
    said.extend(
        outside(args, &catalog, &named)
            .into_iter()
            .map(|line| format!("  {line}")),
    );
    let mut report = files.write(cli, &said)?;
    report.data.insert(
        "renamed".into(),
        json!({
            "what": args.what.word(), "from": args.old, "to": args.new,
            "places": done.iter().map(|(at, key)| json!({"at": at, "key": key})).collect::<Vec<Value>>(),
            "left": left.iter().map(|(at, key)| json!({"at": at, "key": key})).collect::<Vec<Value>>(),
        }),
    );
    Ok(report)
}

/// Exchanges the name in the texts of the files; they are not written, and not proved.
pub(super) fn everywhere(
    args: &Args,
    files: &mut Files,
    source: &Source,
    catalog: &Catalog,
) -> Result<Places, Box<Diagnostic>> {
    let taken = format!("/{}/{}", args.what.table(), step(&args.new));
    if source.contains(&taken) {
        let message = format!("there is {} `{}` already", article(args.what), args.new);
        let finding = Diagnostic::error("taken-name", Place::Key(taken), message);
        return Err(Box::new(finding.help("choose another name")));
    }
    let schema = Schema::of(&catalog.kinds);
    let named = args.what.named(Some(catalog), &args.old, &args.new);
    let (mut done, mut left) = (Vec::new(), Vec::new());
    let said = |written: &Source, pointer: &str| (location(written, pointer), key(pointer));
    for file in files.all_mut() {
        let Some(mut tree) = Tree::of(&file.text) else {
            continue;
        };
        let (written, _) = Source::parse(&file.name, &file.text);
        // A default names it too: what relied on it is written out.
        let mut found = mentions(&schema.value, &with_defaults(&written, &[], &schema));
        // A key is renamed when what is below it has been: a pointer leads through the old one.
        found.sort_by_key(|found| {
            (
                found.key,
                std::cmp::Reverse(found.pointer.matches('/').count()),
            )
        });
        for mention in found {
            match one(&mut tree, &mention, args, &named) {
                Some(true) => done.push(said(&written, &mention.pointer)),
                Some(false) => left.push(said(&written, &mention.pointer)),
                None => {}
            }
        }
        file.text = tree.text();
    }
    Ok(Places { done, left })
}

/// Whether a mention is of this name: by itself, or in an expression.
pub(super) fn names_it(mention: &Mention, args: &Args, named: &Named) -> bool {
    matches!(renamed(mention, args, named), Some(Some(_)))
}

/// What a mention says with the new name; Some(None): it names it by a pattern. None: it is of something else.
fn renamed(mention: &Mention, args: &Args, named: &Named) -> Option<Option<String>> {
    let expression = matches!(mention.names.as_str(), "promql" | "series");
    match expression {
        true => match named.rename(&mention.text) {
            Renamed::Text(text) => Some(Some(text)),
            Renamed::Left => Some(None),
            Renamed::Unnamed => None,
        },
        false => {
            let same = mention.names == args.what.table() && mention.text == args.old;
            same.then(|| Some(args.new.clone()))
                .or_else(|| alert_of(mention, args).map(Some))
        }
    }
}

/// Of an alert that is called after an objective, its name after that.
fn alert_of(mention: &Mention, args: &Args) -> Option<String> {
    if args.what != What::Objective || mention.names != "alerts" {
        return None;
    }
    let [old, new] = [&args.old, &args.new].map(|name| alerts_of(name));
    let mut pairs = old.into_iter().zip(new);
    pairs.find_map(|(old, new)| (old == mention.text).then_some(new))
}

/// Renames one mention; None: it is of something else. False: it cannot be.
fn one(tree: &mut Tree, mention: &Mention, args: &Args, named: &Named) -> Option<bool> {
    let path: Vec<String> = steps(&mention.pointer).collect();
    let Some(new) = renamed(mention, args, named)? else {
        return Some(false);
    };
    Some(match mention.key {
        true => tree.rename_key(&path, &new),
        false => tree.set_text(&path, &new) || tree.set(&path, new.into()),
    })
}

/// Texts that have the old name as a word, and are for people: nobody knows whether they mean it.
fn still_said(files: &Files, schema: &Value, named: &Named) -> Vec<(String, String)> {
    let words: Vec<&str> = match named {
        Named::Metrics(pairs) => pairs.iter().map(|(old, _)| old.as_str()).collect(),
        Named::Label { old, .. } => vec![old.as_str()],
    };
    let mut found = Vec::new();
    for written in files.sources() {
        let names = mentions(schema, &written.value);
        for (pointer, text) in texts(&written.value) {
            let word = |character: char| character.is_alphanumeric() || "_-".contains(character);
            let says = text
                .split(|character| !word(character))
                .any(|said| words.contains(&said));
            // What is a name of something else, or an expression, was looked at.
            if says
                && !names
                    .iter()
                    .any(|name| name.pointer == pointer && !name.key)
            {
                found.push((location(&written, &pointer), key(&pointer)));
            }
        }
    }
    found
}

/// What breaks elsewhere, with the command that shows it.
fn outside(args: &Args, catalog: &Catalog, named: &Named) -> Vec<String> {
    let (old, new) = (&args.old, &args.new);
    let silences = |label: &str| {
        format!(
            "silences on {label}={old} no longer match anything: amtool silence query {} --alertmanager.url={}",
            shell(&format!("{label}={old}")),
            catalog.alertmanager.external_url
        )
    };
    let history = |selector: &str| {
        format!(
            "what is recorded stays under the old name, and dashboards show a gap: promtool query series --match={} {}",
            shell(selector),
            catalog.prometheus.external_url
        )
    };
    match args.what {
        What::Service => vec![
            silences("service"),
            history(&format!("{{job=\"{old}\"}}")),
            format!(
                "links to a dashboard with var-job={old}, and other programs that call it by its name"
            ),
            format!(
                "a container that is called {old} is replaced by one that is called {new}: docker compose up -d --remove-orphans"
            ),
        ],
        What::Alert => vec![
            silences("alertname"),
            history(&format!("ALERTS{{alertname=\"{old}\"}}")),
            format!(
                "links to its section in the runbook, #{}",
                old.to_lowercase()
            ),
        ],
        What::Group => vec![
            silences("component"),
            history(&format!("{{component=\"{old}\"}}")),
        ],
        What::Owner => vec![silences("owner")],
        What::Objective => alerts_of(old)
            .iter()
            .map(|alert| {
                let selector = format!("alertname={alert}");
                format!(
                    "silences on {selector} no longer match anything: amtool silence query {} --alertmanager.url={}",
                    shell(&selector),
                    catalog.alertmanager.external_url
                )
            })
            .chain(["what is recorded of it begins anew under the new name: its budget is full again".to_string()])
            .collect(),
        What::Rule => vec![history(old)],
        What::Time => vec![format!(
            "silences and programs of your own that call the time interval {old}"
        )],
        What::Inhibition => vec!["nothing: an inhibition is named nowhere else".to_string()],
        What::Receiver => vec![format!(
            "what counts notifications of the receiver, such as alerts of your own on integrations that fail, calls it {old}"
        )],
        What::Metric => {
            let Named::Metrics(pairs) = named else {
                return Vec::new();
            };
            let Some((whole, renamed)) = pairs.first() else {
                return vec![format!(
                    "nothing: its name, `{}`, is spelled out and stays",
                    catalog.metric(old).map_or(old, |metric| &metric.name)
                )];
            };
            vec![
                format!(
                    "services must emit {renamed} in place of {whole} when this is deployed: until then alerts on it see nothing"
                ),
                history(whole),
            ]
        }
    }
}

/// A pointer as TOML writes the key.
pub(super) fn key(pointer: &str) -> String {
    dotted(&steps(pointer).collect::<Vec<_>>())
}

/// The files of a catalog that loads and declares something of this name; a report on what is wrong.
pub(super) fn declared(
    what: What,
    name: &str,
    files: Files,
    cli: &Cli,
) -> Result<(Files, Source, Catalog), Box<Report>> {
    let overlay = cli.place().overlay();
    let (source, catalog, findings) = pipeline::understood(&files.texts(None), &overlay);
    let Some(catalog) = catalog else {
        return Err(Box::new(Report::new(source, findings)));
    };
    match unknown(what, name, &source) {
        Some(finding) => {
            let part = (what == What::Alert)
                .then(|| part(name, &catalog))
                .flatten();
            Err(Box::new(refused(source, part.unwrap_or(finding))))
        }
        None => Ok((files, source, catalog)),
    }
}

/// What an alert is that no table is called after: a level of one, or an alert of an objective.
fn part(name: &str, catalog: &Catalog) -> Option<Diagnostic> {
    let alert = catalog.alert(name)?;
    let (pointer, whose) = match (&alert.levels, &alert.slo) {
        (Some(levels), _) => (
            format!("/alerts/{}/{}", step(&levels.name), levels.key),
            format!(
                "the level {} of the alert `{}`",
                alert.severity, levels.name
            ),
        ),
        (None, Some(slo)) => (
            format!("/slos/{}", step(&slo.name)),
            format!("an alert of the objective `{}`", slo.name),
        ),
        (None, None) => return None,
    };
    let message = format!("`{name}` has no table of its own: it is {whose}");
    Some(
        Diagnostic::error("unknown-name", Place::Key(pointer), message)
            .help("change it there, or name what it is of"),
    )
}

/// The finding that nothing is called so; None: something is.
pub(super) fn unknown(what: What, name: &str, source: &Source) -> Option<Diagnostic> {
    let entries = &source.value[what.table()];
    if entries.get(name).is_some() {
        return None;
    }
    let known: Vec<&str> = entries.entries().map(|(name, _)| name.as_str()).collect();
    let message = format!("there is no {} `{name}` in the catalog", what.word());
    let place = Place::Key(format!("/{}", what.table()));
    let help = match known.is_empty() {
        true if matches!(
            what,
            What::Objective | What::Rule | What::Time | What::Inhibition
        ) =>
        {
            format!("it has no [{}] at all", what.table())
        }
        true => format!("`monstack add {}` writes one", what.word()),
        false => suggestion(name, known),
    };
    Some(Diagnostic::error("unknown-name", place, message).help(help))
}

pub(super) fn article(what: What) -> String {
    let article = match what {
        What::Alert | What::Owner | What::Objective | What::Inhibition => "an",
        _ => "a",
    };
    format!("{article} {}", what.word())
}

/// As a reader goes down the files.
pub(super) fn in_order(places: &mut Vec<(String, String)>) {
    places.sort_by_key(|(at, _)| {
        let (file, line) = at.rsplit_once(':').unwrap_or((at, ""));
        (file.to_string(), line.parse::<usize>().unwrap_or_default())
    });
    places.dedup();
}
