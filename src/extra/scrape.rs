//! Own scrape jobs, as they stand in the generated configuration of Prometheus.

use super::{Merged, Own, Sort, beside};
use crate::catalog::Catalog;
use crate::catalog::secrets::{Secret, named, seen, with_files};
use crate::diagnostic::{Diagnostic, Place};
use crate::value::Value;
use std::collections::{BTreeMap, HashMap};

/// Where jobs stand.
pub(crate) const JOBS: &str = "/scrape_configs";

/// What a whole configuration of Prometheus says beside its jobs, and where it is said here.
const ELSEWHERE: [(&str, &str); 8] = [
    (
        "global",
        "scrape_interval, evaluation_interval and external_labels of [prometheus]; a job's own interval in the job",
    ),
    ("rule_files", "`rules` of [extra]"),
    ("alerting", "`alertmanagers` of [prometheus]"),
    ("remote_write", "`remote_write` of [prometheus]"),
    (
        "scrape_config_files",
        "the files that it names, under `scrape` of [extra]",
    ),
    ("remote_read", "nowhere yet: it is not rendered"),
    ("storage", "nowhere yet: it is not rendered"),
    ("tracing", "nowhere yet: it is not rendered"),
];

/// Takes the jobs of all files.
pub(super) fn merge(own: &mut Own, catalog: &Catalog) -> Vec<Diagnostic> {
    let mut found = Vec::new();
    let mut names: HashMap<String, Place> = HashMap::new();
    let mut secrets: BTreeMap<String, Secret> = catalog
        .scrape_secrets
        .iter()
        .map(|secret| (secret.name.clone(), secret.clone()))
        .collect();
    let contained = catalog.prometheus.runs_on == "compose";
    let up = format!("../{}/", catalog.platform.root);
    let files: Vec<usize> = own.of(Sort::Scrape).map(|(index, _)| index).collect();
    for index in files {
        let file = own.files[index].clone();
        for (key, _) in file.value.entries() {
            if key == "scrape_configs" {
                continue;
            }
            let known = ELSEWHERE.iter().find(|(known, _)| known == key);
            let at = file.place(&format!("/{key}"));
            match known {
                Some((_, stead)) => own.warnings.push(
                    Diagnostic::warning(
                        "extra-unread",
                        at,
                        format!("`{key}` of a scrape file is not read"),
                    )
                    .help(format!("what it says stands in {stead}; remove it here")),
                ),
                None => found.push(file.error(
                    &format!("/{key}"),
                    format!("a file of scrape jobs has no `{key}`"),
                    "its jobs are a list under scrape_configs",
                )),
            }
        }
        if !file.value["scrape_configs"].is_array() {
            found.push(file.error(
                "/scrape_configs",
                format!("{} has no list scrape_configs", file.source),
                "write its jobs under scrape_configs",
            ));
        }
        for (at, job) in file.value["scrape_configs"].items().enumerate() {
            let pointer = format!("{JOBS}/{at}");
            let Some(name) = job["job_name"].as_str() else {
                found.push(file.error(
                    &pointer,
                    "a scrape job has no job_name".to_string(),
                    "give it one",
                ));
                continue;
            };
            let place = file.place(&format!("{pointer}/job_name"));
            if let Some(first) = names.insert(name.to_string(), place.clone()) {
                found.push(
                    Diagnostic::error(
                        "extra-taken-name",
                        place,
                        format!("there are two jobs `{name}`"),
                    )
                    .also(first, "it is here first")
                    .help("Prometheus does not start so: give one of them another name"),
                );
            }
            let mut value = job.clone();
            with_files(&mut value, &mut |path| {
                let name = named(path);
                let rendered = seen(path, contained, &up);
                secrets.entry(name.clone()).or_insert_with(|| Secret {
                    name,
                    file: path.to_string(),
                    probed: false,
                });
                rendered
            });
            let lists = value
                .get_mut("file_sd_configs")
                .and_then(Value::as_array_mut);
            for (config, list) in lists.into_iter().flatten().enumerate() {
                let files = list.get_mut("files").and_then(Value::as_array_mut);
                for (target, path) in files.into_iter().flatten().enumerate() {
                    let Some(text) = path.as_str().filter(|path| !path.starts_with('/')) else {
                        continue;
                    };
                    let wanted = beside(&file.source, text);
                    if !own.take(&wanted, Sort::Targets) {
                        found.push(file.error(
                            &format!("{pointer}/file_sd_configs/{config}/files/{target}"),
                            format!("no file of [extra] is {wanted}"),
                            "name the lists of targets under `files` of [extra]; one that another program writes has an absolute path",
                        ));
                    }
                    *path = format!("extra/{wanted}").into();
                }
            }
            own.parts.push(Merged {
                list: JOBS,
                value,
                file: index,
                pointer,
            });
        }
    }
    own.secrets = secrets.into_values().collect();
    found
}
