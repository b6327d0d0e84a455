//! `prove` runs the proofs over files as they are on disk: a hand edit, a stack that is kept by hand, another generator's output.

use super::{Cli, Report, shell};
use crate::artifacts::{RULES, Role};
use crate::diagnostic::{plural, suggestion};
use crate::generated::texts;
use crate::pipeline;
use anyhow::{Context, Result, bail};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// What to prove.
#[derive(Clone, clap::Args)]
pub(crate) struct Args {
    /// The folder of the files [default: the output folder of the catalog]
    dir: Option<PathBuf>,
    /// What a file is for, where its path does not say so: prometheus, rules, rule-tests, alertmanager, dashboard …
    #[arg(long = "role", value_name = "FILE=ROLE")]
    roles: Vec<String>,
}

/// The roles by the words for them.
const ROLES: [(&str, Role); 12] = [
    ("prometheus", Role::Prometheus),
    ("rules", RULES),
    (
        "prometheus-rule",
        Role::Rules {
            groups: "/spec/groups",
        },
    ),
    ("rule-tests", Role::RuleTests),
    ("alertmanager", Role::Alertmanager),
    ("blackbox", Role::Blackbox),
    ("dashboard", Role::Dashboard),
    ("datasources", Role::Datasources),
    ("dashboard-provider", Role::DashboardProvider),
    ("compose", Role::Compose),
    ("markdown", Role::Markdown),
    ("plain", Role::Plain),
];

/// Proves the files of a folder against the catalog; nothing is written.
pub(crate) fn run(args: &Args, cli: &Cli) -> Result<Report> {
    let mut roles = BTreeMap::new();
    for given in &args.roles {
        let (file, word) = given
            .rsplit_once('=')
            .with_context(|| format!("`{given}` is not FILE=ROLE"))?;
        let words = ROLES.map(|(word, _)| word);
        let Some((_, role)) = ROLES.iter().find(|(known, _)| *known == word) else {
            bail!("there is no role `{word}`: {}", suggestion(word, words));
        };
        roles.insert(file.to_string(), *role);
    }
    let (folder, name) = match &args.dir {
        Some(folder) => (folder.clone(), folder.display().to_string()),
        None => {
            let lint = pipeline::lint(cli.place());
            let Some(catalog) = &lint.catalog else {
                return Ok(Report::new(lint.source, lint.diagnostics).reading());
            };
            let output = catalog.platform.output.clone();
            (cli.root.join(&output), output)
        }
    };
    let name = name.trim_end_matches('/').to_string();
    let (outcome, unknown) = match pipeline::read(cli.place()) {
        Ok(text) => pipeline::prove_files(&text, &cli.root, &name, texts(&folder)?, &roles)?,
        Err(mut unreadable) => {
            let none = unreadable.diagnostics.iter_mut();
            for finding in none.filter(|finding| finding.code == "no-catalog") {
                finding.help = without_catalog(&name, &folder, cli);
            }
            (*unreadable, Vec::new())
        }
    };
    let failed = outcome.failed();
    let files = outcome
        .rendered
        .as_ref()
        .map_or(0, |rendered| rendered.files.len());
    let mut report = Report::new(outcome.source, outcome.diagnostics).reading();
    report.data.insert("files".into(), files.into());
    report.data.insert("unknown".into(), unknown.clone().into());
    if files == 0 && !failed {
        bail!(
            "{name} has no file whose path monstack knows; say what each is for with `--role FILE=ROLE`"
        );
    }
    if !failed {
        report.line(format!("all proved: {} of {name}/", plural(files, "file")));
    }
    if !unknown.is_empty() {
        let server = unknown.iter().find(|file| file.ends_with("prometheus.yml"));
        if let Some(server) = server.filter(|_| files == 0) {
            report.line(format!(
                "none of {name}/ is as monstack places it: say what each file is for, as in `--role {}=prometheus`",
                shell(server)
            ));
        }
        report.line(format!(
            "not looked at, because nothing says what they are for (`--role FILE=ROLE`): {}",
            unknown.join(", ")
        ));
    }
    Ok(report)
}

/// What to do about a folder that no catalog is about: what it should be is nowhere said.
fn without_catalog(name: &str, folder: &Path, cli: &Cli) -> String {
    let adopt = cli.command("adopt");
    let given = match folder.join("prometheus.yml").is_file() {
        true => format!("{}/prometheus.yml", shell(name)),
        false => "prometheus.yml RULES.yml alertmanager.yml".to_string(),
    };
    format!(
        "files are held against what a catalog says of them: `{adopt} --name NAME {given}` writes one of a stack that is kept by hand, with its rule files and its alertmanager.yml behind it; then prove {}",
        shell(name)
    )
}
