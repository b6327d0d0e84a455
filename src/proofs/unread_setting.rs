//! Every configuration is of keys and values that its program reads, in the version of the catalog's image.

mod refused;

use super::{Check, Example, Proof, place};
use crate::artifacts::Role;
use crate::diagnostic::{Diagnostic, Severity, mistyped};
use crate::render::File;
use crate::source::step;
use crate::stack::Stack;
use crate::stack::containers::Container;
use crate::stack::containers::images::{Contents, Program};
use crate::stack::settings::{Reader, flaws};

pub(crate) const PROOF: Proof = Proof {
    code: "unread-setting",
    doc: "Prometheus, promtool, the Alertmanager, the blackbox exporter and Docker Compose read their files strictly: with one key that they do not know, or one value that they cannot read, they do not start, or keep the old configuration at a reload and say so in a log. Grafana leaves out a variable that it does not know, without a word.",
    example: Example::Rendered {
        role: Role::Blackbox,
        pointer: "/modules/health/http/valid_status_code",
        bad: "[200]",
    },
    check: Check::Stack(|stack| {
        let catalog = stack.catalog;
        let files = stack.files;
        let alertmanager = files.alertmanager().into_iter();
        let blackbox = files.blackbox().into_iter();
        let read = files
            .prometheus()
            .map(|file| (file, Reader::Prometheus, catalog.prometheus.image.as_str()))
            .chain(alertmanager.map(|file| {
                (
                    file,
                    Reader::Alertmanager,
                    catalog.alertmanager.image.as_str(),
                )
            }))
            .chain(blackbox.map(|file| (file, Reader::Blackbox, catalog.blackbox.image.as_str())))
            .chain(
                files
                    .rule_files()
                    .map(|file| (file, Reader::Rules, catalog.prometheus.image.as_str())),
            )
            .chain(
                files
                    .tests()
                    .map(|file| (file, Reader::RuleTests, catalog.prometheus.image.as_str())),
            )
            .chain(files.compose().map(|file| (file, Reader::Compose, "")));
        let mut found: Vec<Diagnostic> = files.prometheus().flat_map(refused::at_start).collect();
        for (file, reader, image) in read {
            let version = Contents::of(image).and_then(|image| image.version);
            let flaws = flaws(reader, file, version).into_iter();
            found.extend(flaws.map(|flaw| {
                let mut found = match said(stack, file, &flaw.pointer) {
                    Some(table) => place::in_catalog(table, flaw.message, flaw.help),
                    None => place::at(&file.path, flaw.pointer, flaw.message, flaw.help),
                };
                // A version that is too old for one key is for others, and one newer image has them all.
                if flaw.since.is_some() {
                    let version = format!("version of {}", file.path);
                    found.subjects.push(version.clone());
                    found.follows.push(version);
                }
                let severity = match flaw.perhaps {
                    true => Severity::Warning,
                    false => found.severity,
                };
                Diagnostic { severity, ..found }
            }));
        }
        found.extend(too_old(stack));
        found.extend(stack.containers.started().flat_map(misspelt));
        found
    }),
};

/// The table of the catalog that says how a platform is asked for instances, if a value is of one.
fn said(stack: &Stack, file: &File, pointer: &str) -> Option<String> {
    let mut steps = pointer.strip_prefix("/scrape_configs/")?.split('/');
    let job = file.value["scrape_configs"].get(steps.next()?.parse::<usize>().ok()?)?;
    let platform = steps.next()?.strip_suffix("_sd_configs")?;
    let service = stack.catalog.service(job["job_name"].as_str()?)?;
    let asked = service.discovery.as_ref()?.others.contains_key(platform);
    let table = format!("/services/{}/discovery/{platform}", step(&service.name));
    asked.then_some(table)
}

/// Environment variables that are nearly those of settings: the program starts, and leaves what was meant as it is.
fn misspelt(container: &Container) -> Vec<Diagnostic> {
    let program = container.process.program;
    let known = program.map(Program::variables).unwrap_or_default();
    let mut found = Vec::new();
    for (name, _) in &container.environment {
        // A file with the value, as Grafana's image reads it.
        let own = name.strip_suffix("__FILE").unwrap_or(name);
        let spelt = own.to_uppercase().replace(['-', '.'], "_");
        let otherwise = || known.iter().find(|one| **one == spelt && spelt != own);
        let meant = mistyped(own, known.iter().map(String::as_str));
        if let Some(meant) = meant.or_else(|| otherwise().map(String::as_str)) {
            found.push(place::in_container(
                container,
                "environment",
                format!(
                    "`{}` is given `{name}`, which nothing reads",
                    container.name
                ),
                format!("did you mean `{}`?", name.replacen(own, meant, 1)),
            ));
        }
    }
    found
}

/// Images that are older than what is rendered for them.
fn too_old(stack: &Stack) -> Vec<Diagnostic> {
    let catalog = stack.catalog;
    let least = [
        (
            "prometheus",
            &catalog.prometheus.image,
            catalog.prometheus.minimum_version.as_str(),
            "`minimum_version`",
        ),
        (
            "grafana",
            &catalog.grafana.image,
            "9.0",
            "the dashboards' form",
        ),
    ];
    let mut found = Vec::new();
    for (server, image, least, of) in least {
        let version = Contents::of(image).and_then(|image| image.version);
        let least = crate::stack::containers::images::Version::parse(least);
        if let Some((version, least)) = version.zip(least).filter(|(own, least)| own < least) {
            found.push(place::in_catalog(
                format!("/{server}/image"),
                format!("the image is of version {version}, and {of} asks for {least}"),
                "take a newer image",
            ));
        }
    }
    found
}
