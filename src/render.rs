//! Catalog × artifacts → Files in memory, each parsed back.

mod before;
mod file;
pub mod found;
mod mistakes;
mod origin;

use crate::artifacts::{ARTIFACTS, Artifact, Role};
use crate::cases::Suites;
use crate::catalog::Catalog;
use crate::diagnostic::{Diagnostic, Place};
use crate::extra::{Merged, Own, OwnFile};
use crate::json;
use crate::kinds::Kinds;
use crate::overlay::{self, Overlay, built_in};
use crate::templates;
use crate::templates::functions::{four_scrapes, probed};
use crate::value::Value;
use crate::yaml;
use anyhow::Result;
use before::Before;
pub use file::File;
use minijinja::value::{Serde, Value as TemplateValue};
use minijinja::{Environment, context};
use mistakes::template_error;
use origin::Origin;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::path::Path;
use std::sync::{Arc, Mutex};

/// Everything rendered from one catalog, with what is needed to find a line's template again.
pub struct Rendered {
    /// In the order of ARTIFACTS.
    pub files: Vec<File>,
    /// The folder of the files, under the root.
    pub output: String,
    /// The user's own files, of `[extra]`,
    own: Own,
    /// and where each of their parts stands that is merged: a file, and a JSON pointer.
    merged: Vec<Option<(String, String)>>,
    /// Whether somebody else wrote the files: then mistakes are in their lines, and not in those of templates.
    pub by_others: bool,
    environment: Environment<'static>,
    templates: Overlay,
    /// The catalog, as templates see it.
    catalog: TemplateValue,
    origins: Mutex<BTreeMap<String, Option<Origin>>>,
    /// Path → the lines of a file that others wrote.
    own_lines: Mutex<BTreeMap<String, yaml::Lines>>,
    /// What the templates with a file for each alert saw, by template and alert: made when something is wrong in one of the files.
    alerts: Mutex<BTreeMap<&'static str, HashMap<String, TemplateValue>>>,
    kinds: Arc<Kinds>,
}

/// Key → what Prometheus calls the metric.
fn metric_names(catalog: &Catalog) -> BTreeMap<String, String> {
    let names = catalog.metrics.iter();
    names
        .map(|metric| (metric.key.clone(), metric.name.clone()))
        .collect()
}

/// Renders every artifact with the templates of `root`; a template's mistakes come all at once.
pub fn render(catalog: &Catalog, root: &Path) -> Result<Result<Rendered, Vec<Diagnostic>>> {
    with(catalog, &Overlay::of(root), ARTIFACTS)
}

/// The same of any artifacts, with templates from anywhere.
pub fn with(
    catalog: &Catalog,
    templates: &Overlay,
    artifacts: &[Artifact],
) -> Result<Result<Rendered, Vec<Diagnostic>>> {
    let own = match Own::read(catalog, templates) {
        Ok(own) => own,
        Err(diagnostics) => return Ok(Err(diagnostics)),
    };
    let output = catalog.platform.output.clone();
    let mut rendered = Rendered::empty(catalog, templates, output, own)?;
    let mut diagnostics = Vec::new();
    let mut failed: Vec<(String, Role)> = Vec::new();
    for artifact in artifacts.iter().filter(|artifact| (artifact.when)(catalog)) {
        let path = artifact.output.replace("{slug}", &catalog.platform.slug);
        let before = Arc::new(Before::of(
            &rendered.files,
            failed.iter().map(|(path, _)| path),
        ));
        // The rule of an alert may have been in a file that failed.
        let ruled = !failed
            .iter()
            .any(|(_, role)| matches!(role, Role::Rules { .. }));
        for part in rendered.parts(&path, &before, ruled) {
            let file = one(&rendered.environment, artifact, &rendered.output, part);
            // What reads a file that was not rendered would only say so again.
            let follows = before.missed();
            match file {
                Ok(file) if !follows => rendered.files.push(file),
                Ok(File { path, .. }) => failed.push((path, artifact.role)),
                Err((path, diagnostic)) => {
                    failed.push((path, artifact.role));
                    diagnostics.extend((!follows).then_some(*diagnostic));
                }
            }
        }
    }
    rendered.place_own();
    Ok(if diagnostics.is_empty() {
        Ok(rendered)
    } else {
        Err(diagnostics)
    })
}

/// One file of an artifact before it is rendered.
struct Part {
    path: String,
    alert: Option<String>,
    slo: Option<String>,
    context: TemplateValue,
}

fn one(
    environment: &Environment,
    artifact: &Artifact,
    output: &str,
    part: Part,
) -> Result<File, (String, Box<Diagnostic>)> {
    let Part {
        path,
        alert,
        slo,
        context,
    } = part;
    let template = artifact.template;
    let failed = |diagnostic| (path.clone(), Box::new(diagnostic));
    let rendered = environment
        .get_template(template)
        .and_then(|loaded| loaded.render(&context))
        .map_err(|error| failed(template_error(environment, template, &error)))?;
    let parsed = if template.ends_with(".yml") {
        yaml::parse(&rendered)
    } else {
        Ok(Value::Null)
    };
    let value = parsed.map_err(|error| {
        let origin = Origin::read(environment, template, &context);
        let place = origin
            .and_then(|origin| origin.place(environment, error.line))
            .unwrap_or(Place::File(format!("templates/{template}")));
        failed(
            Diagnostic::error(
                "invalid-yaml",
                place,
                format!("{output}/{path} is not YAML: {}", error.reason),
            )
            .help("fix this line of the template"),
        )
    })?;
    let mut text = match path.ends_with(".json") {
        true => json::print(&value),
        false => rendered,
    };
    text.shrink_to_fit();
    Ok(File {
        path,
        text,
        value: Arc::new(value),
        template,
        role: artifact.role,
        alert,
        slo,
        own: None,
    })
}

impl Rendered {
    fn empty(catalog: &Catalog, overlay: &Overlay, output: String, own: Own) -> Result<Rendered> {
        let seen = TemplateValue::from(Serde(own.seen()));
        // What own jobs need is mounted as what services need is.
        let secrets = match own.is_empty() {
            true => TemplateValue::from(Serde(&catalog.scrape_secrets)),
            false => TemplateValue::from(Serde(&own.secrets)),
        };
        let said = TemplateValue::from(Serde(catalog));
        let services = said.get_attr("services").unwrap_or_default();
        Ok(Rendered {
            files: Vec::new(),
            output,
            own,
            merged: Vec::new(),
            by_others: false,
            environment: templates::environment(overlay)?,
            templates: overlay.clone(),
            catalog: context! {
                metric_names => metric_names(catalog),
                extra => seen,
                scrape_secrets => secrets,
                // Every panel of states asks whether there are any.
                probed => probed(&services).unwrap_or_default(),
                ..said
            },
            origins: Mutex::default(),
            own_lines: Mutex::default(),
            alerts: Mutex::default(),
            kinds: catalog.kinds.clone(),
        })
    }

    /// The same with the built-in templates of what people read, dashboards, documents and the texts of alerts, or None: it has
    /// no others, or they cannot be rendered.
    pub(crate) fn with_own_pages(&self, catalog: &Catalog) -> Option<Rendered> {
        let shows = |path: &str| {
            let parts = [
                "panel.yml",
                "panels.yml",
                "runbook.md",
                "annotations.yml",
                "alertmanager.yml",
            ];
            path.contains("/dashboards/")
                || path.starts_with("docs/")
                || parts.iter().any(|end| path.ends_with(end))
        };
        self.with_built_in(catalog, &shows, ARTIFACTS)
    }

    /// What the built-in template makes of a file, or None: it is what that makes, or there is no other.
    pub(crate) fn as_built_in(&self, catalog: &Catalog, file: &File) -> Option<String> {
        let mut artifacts = ARTIFACTS.iter();
        let artifact = artifacts.find(|artifact| artifact.template == file.template)?;
        let own = |path: &str| path == file.template;
        let artifacts = std::slice::from_ref(artifact);
        let mut rendered = self.with_built_in(catalog, &own, artifacts)?;
        let made = rendered
            .files
            .drain(..)
            .find(|made| made.path == file.path)?;
        (made.text != file.text).then_some(made.text)
    }

    fn with_built_in(
        &self,
        catalog: &Catalog,
        own: &dyn Fn(&str) -> bool,
        artifacts: &[Artifact],
    ) -> Option<Rendered> {
        let own = self.replaced(own);
        if own.is_empty() && !self.by_others {
            return None;
        }
        let templates = self.templates.clone().with_changed(own);
        with(catalog, &templates, artifacts).ok()?.ok()
    }

    /// The built-in texts of the templates that are replaced, of some paths.
    fn replaced(&self, some: &dyn Fn(&str) -> bool) -> BTreeMap<String, String> {
        let replaced = overlay::paths().filter(|path| some(path) && self.templates.replaces(path));
        replaced
            .filter_map(|path| Some((path.to_string(), built_in(path)?.to_string())))
            .collect()
    }

    /// Puts the user's own files among the others, and finds where the parts of those stand that are merged.
    fn place_own(&mut self) {
        for (index, file) in self.own.files.iter().enumerate() {
            if let Some(path) = file.placed() {
                self.files.push(File {
                    path,
                    text: file.written(),
                    value: file.value.clone(),
                    template: "",
                    role: file.role(),
                    alert: None,
                    slo: None,
                    own: Some(index),
                });
            }
        }
        self.find_merged();
    }

    fn find_merged(&mut self) {
        let mut taken = BTreeSet::new();
        let place = |part: &Merged| {
            let role = part.role();
            let mut files = self.files.iter().filter(|file| file.role == role);
            files.find_map(|file| {
                let list = file.value.pointer(part.list)?.as_array()?;
                let pointers = list.iter().enumerate().map(|(index, value)| {
                    let pointer = format!("{}/{index}", part.list);
                    (value == &part.value, (file.path.clone(), pointer))
                });
                let mut same = pointers.filter(|(same, place)| *same && !taken.contains(place));
                let place = same.next()?.1;
                taken.insert(place.clone());
                Some(place)
            })
        };
        let merged = self.own.parts.iter().map(place).collect();
        self.merged = merged;
    }

    /// What is worth knowing of the user's own files.
    pub(crate) fn own(&self) -> &Own {
        &self.own
    }

    /// Parts of own files that are not placed as they are given: a template leaves them out, or somebody has changed them there.
    pub(crate) fn lost_parts(&self) -> Vec<Diagnostic> {
        let parts = self.own.parts.iter().zip(&self.merged);
        let lost = parts.filter(|(_, place)| place.is_none());
        let lost = lost.filter_map(|(part, _)| {
            let mut files = self.files.iter();
            let file = files.find(|file| file.role == part.role())?;
            let path = format!("{}/{}", self.output, file.path);
            let message = format!("{} is not in {path} as it is written here", part.called());
            let help = format!(
                "let the template of {} write all that [extra] gives it, as it is; what is to change is changed here",
                file.path
            );
            let place = self.own.files[part.file].place(&part.pointer);
            Some(Diagnostic::error("extra-lost", place, message).help(help))
        });
        lost.collect()
    }

    /// The user's own file behind a value of a file, and where the value stands there.
    pub(crate) fn own_place(&self, path: &str, pointer: &str) -> Option<(&OwnFile, String)> {
        if let Some(index) = self.file(path).and_then(|file| file.own) {
            return Some((&self.own.files[index], pointer.to_string()));
        }
        let alertmanager = self
            .file(path)
            .is_some_and(|file| file.role == Role::Alertmanager);
        if alertmanager && let Some(own) = self.own.global(pointer) {
            return Some((own, pointer.to_string()));
        }
        let merged = self.merged.iter().zip(&self.own.parts);
        let mut inside = merged.filter_map(|(place, part)| {
            let (file, prefix) = place.as_ref()?;
            let rest = pointer.strip_prefix(prefix.as_str())?;
            let within = file == path && (rest.is_empty() || rest.starts_with('/'));
            within.then(|| {
                let pointer = format!("{}{rest}", part.pointer);
                (&self.own.files[part.file], pointer)
            })
        });
        inside.next()
    }

    /// A file by its path under the output folder.
    pub fn file(&self, path: &str) -> Option<&File> {
        self.files.iter().find(|file| file.path == path)
    }

    /// What a template sees: the catalog, and what was rendered before it.
    fn context(&self, before: &Arc<Before>) -> TemplateValue {
        let rendered = TemplateValue::from_dyn_object(before.clone());
        context! { rendered, ..self.catalog.clone() }
    }

    /// The files that an artifact is rendered into; without those of alerts whose rule is missing, unless all are `ruled`.
    fn parts(&self, path: &str, before: &Arc<Before>, ruled: bool) -> Vec<Part> {
        if path.contains("{slo}") {
            let objectives = self.of_objectives(before).into_iter();
            return objectives
                .map(|(slo, context)| Part {
                    path: path.replace("{slo}", &slo),
                    alert: None,
                    slo: Some(slo),
                    context,
                })
                .collect();
        }
        if !path.contains("{alert}") {
            return vec![Part {
                path: path.to_string(),
                alert: None,
                slo: None,
                context: self.context(before),
            }];
        }
        let alerts = self.of_alerts(self.files.as_slice(), before).into_iter();
        alerts
            .filter(|(_, context)| {
                ruled || context.get_attr("rule").is_ok_and(|rule| !rule.is_none())
            })
            .map(|(alert, context)| Part {
                path: path.replace("{alert}", &alert),
                alert: Some(alert),
                slo: None,
                context,
            })
            .collect()
    }

    /// What a template with a file for each alert sees: the alert, and the rule that was rendered for it, if one was.
    fn of_alerts(&self, files: &[File], before: &Arc<Before>) -> Vec<(String, TemplateValue)> {
        let rules: HashMap<&str, &Value> = files
            .iter()
            .flat_map(File::rules)
            .filter_map(|(_, rule)| Some((rule["alert"].as_str()?, rule)))
            .collect();
        let bridge = self
            .catalog
            .get_attr("services")
            .and_then(|services| four_scrapes(&services));
        let suites = bridge
            .and_then(|bridge| Suites::of(&self.catalog, &self.kinds, bridge))
            .unwrap_or_default();
        let context = context! { suites, ..self.context(before) };
        let alerts = self
            .catalog
            .get_attr("alerts")
            .and_then(|alerts| alerts.try_iter())
            .into_iter()
            .flatten();
        let covering = alerts.filter(|alert| {
            alert
                .get_attr("branches")
                .is_ok_and(|branches| branches.is_true())
        });
        let own = covering.filter_map(|alert| {
            let name = alert.get_attr("name").ok()?.to_string();
            let rule = rules
                .get(name.as_str())
                .map(|rule| TemplateValue::from(Serde(*rule)));
            Some((name, context! { alert, rule, ..context.clone() }))
        });
        own.collect()
    }

    /// What a template with a file for each objective sees.
    fn of_objectives(&self, before: &Arc<Before>) -> Vec<(String, TemplateValue)> {
        let context = self.context(before);
        let objectives = self.catalog.get_attr("slos").into_iter();
        let objectives = objectives.filter_map(|slos| slos.try_iter().ok()).flatten();
        let named = objectives.filter_map(|slo| {
            let name = slo.get_attr("name").ok()?.to_string();
            Some((name, context! { slo, ..context.clone() }))
        });
        named.collect()
    }

    /// What the templates alone make of the catalog once more, file by file, as minijinja writes it: what a render is measured
    /// against.
    pub fn bare(&self) -> Result<Vec<String>, minijinja::Error> {
        let files = self.files.iter().filter(|file| !file.is_own());
        let texts = files.filter_map(|file| {
            let (seen, template) = (
                self.seen(file)?,
                self.environment.get_template(file.template),
            );
            Some(template.and_then(|template| template.render(seen)))
        });
        texts.collect()
    }

    /// What the template of a file saw.
    fn seen(&self, file: &File) -> Option<TemplateValue> {
        let first = self
            .files
            .iter()
            .position(|other| other.template == file.template)?;
        let files = &self.files[..first];
        let before = Arc::new(Before::of(files, []));
        if let Some(slo) = &file.slo {
            let mut objectives = self.of_objectives(&before).into_iter();
            return objectives.find_map(|(name, context)| (name == *slo).then_some(context));
        }
        let Some(alert) = &file.alert else {
            return Some(self.context(&before));
        };
        let mut alerts = self
            .alerts
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner);
        alerts
            .entry(file.template)
            .or_insert_with(|| self.of_alerts(files, &before).into_iter().collect())
            .get(alert)
            .cloned()
    }

    /// The template line behind a value of a file; its own line, where somebody else wrote it.
    pub fn place(&self, path: &str, pointer: &str) -> Place {
        if self.by_others {
            return self.own_line(path, pointer);
        }
        if let Some((file, pointer)) = self.own_place(path, pointer) {
            return file.place(&pointer);
        }
        let mut origins = self
            .origins
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner);
        let origin = origins.entry(path.to_string()).or_insert_with(|| {
            let file = self.file(path)?;
            Origin::read(&self.environment, file.template, &self.seen(file)?)
        });
        let line = origin
            .as_ref()
            .and_then(|origin| origin.place(&self.environment, line_of(&origin.lines, pointer)?));
        line.unwrap_or_else(|| Place::File(format!("{}/{path}", self.output)))
    }

    fn own_line(&self, path: &str, pointer: &str) -> Place {
        let shown = format!("{}/{path}", self.output);
        let mut known = self
            .own_lines
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner);
        let line = self.file(path).and_then(|file| {
            let lines = known.entry(path.to_string());
            let lines = lines.or_insert_with(|| yaml::Lines::read(&file.text));
            let line = line_of(lines, pointer)?;
            let text = file.text.lines().nth(line.checked_sub(1)?)?.to_string();
            Some((line, text))
        });
        match line {
            Some((line, text)) => Place::Line {
                file: shown,
                line,
                text,
            },
            None => Place::File(shown),
        }
    }
}

/// What stands before the number of a line, in a pointer into a text that is no YAML.
pub const LINE: &str = "line ";

fn line_of(lines: &yaml::Lines, pointer: &str) -> Option<usize> {
    match pointer.strip_prefix(LINE) {
        Some(number) => number.parse().ok(),
        None => lines.line(pointer),
    }
}
