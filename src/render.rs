//! Catalog × artifacts → Files in memory, each parsed back.

mod before;

use crate::artifacts::{ARTIFACTS, Artifact, Role};
use crate::cases::Suites;
use crate::catalog::Catalog;
use crate::diagnostic::{Diagnostic, Place};
use crate::json;
use crate::kinds::Kinds;
use crate::overlay::Overlay;
use crate::source::read::Unreadable;
use crate::templates::checked::Refused;
use crate::templates::functions::four_scrapes;
use crate::templates::{self, UnreadableTemplate};
use crate::yaml;
use anyhow::Result;
use before::Before;
use minijinja::value::{Serde, Value as TemplateValue};
use minijinja::{Environment, context};
use serde_json::Value;
use std::collections::{BTreeMap, HashMap};
use std::path::Path;
use std::sync::{Arc, Mutex};

/// One rendered file.
pub struct File {
    /// Under the output folder, with slashes.
    pub path: String,
    /// What is written.
    pub text: String,
    /// The parsed content; Null where the file is neither YAML nor JSON.
    pub value: Arc<Value>,
    /// Its template, by which a file is known whatever its path.
    pub template: &'static str,
    /// What it is for.
    pub role: Role,
    /// The alert that it is about, of an artifact with a file for each.
    alert: Option<String>,
}

impl File {
    /// Where the groups of a rule file are; None: it is a file of another role.
    pub(crate) fn groups_pointer(&self) -> Option<&'static str> {
        match self.role {
            Role::Rules { groups } => Some(groups),
            _ => None,
        }
    }

    /// The groups of a rule file with their pointers; none of a file of another role.
    pub(crate) fn groups(&self) -> impl Iterator<Item = (String, &Value)> {
        let at = self.groups_pointer();
        let groups = at.and_then(|at| Some((at, self.value.pointer(at)?.as_array()?)));
        groups.into_iter().flat_map(|(at, groups)| {
            let pointer = move |(index, group)| (format!("{at}/{index}"), group);
            groups.iter().enumerate().map(pointer)
        })
    }

    /// The rules of a rule file with their pointers.
    pub(crate) fn rules(&self) -> impl Iterator<Item = (String, &Value)> {
        self.groups().flat_map(|(at, group)| {
            let rules = group["rules"].as_array().into_iter().flatten().enumerate();
            rules.map(move |(index, rule)| (format!("{at}/rules/{index}"), rule))
        })
    }
}

/// Everything rendered from one catalog, with what is needed to find a line's template again.
pub struct Rendered {
    /// In the order of ARTIFACTS.
    pub files: Vec<File>,
    /// The folder of the files, under the root.
    pub output: String,
    environment: Environment<'static>,
    /// The catalog, as templates see it.
    catalog: TemplateValue,
    origins: Mutex<BTreeMap<String, Option<Origin>>>,
    /// What the templates with a file for each alert saw, by template and alert: made when something is wrong in one of the files.
    alerts: Mutex<BTreeMap<&'static str, HashMap<String, TemplateValue>>>,
    kinds: Arc<Kinds>,
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
    let environment = templates::environment(templates)?;
    let (output, values) = (
        catalog.platform.output.clone(),
        TemplateValue::from(Serde(catalog)),
    );
    let mut rendered = Rendered {
        files: Vec::new(),
        output,
        environment,
        catalog: values,
        origins: Mutex::default(),
        alerts: Mutex::default(),
        kinds: catalog.kinds.clone(),
    };
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
    let text = match path.ends_with(".json") {
        true => json::print(&value),
        false => rendered,
    };
    Ok(File {
        path,
        text,
        value: Arc::new(value),
        template,
        role: artifact.role,
        alert,
    })
}

/// minijinja's innermost error at its line; never with the variables it could see, which are the whole catalog.
fn template_error(
    environment: &Environment,
    template: &str,
    error: &minijinja::Error,
) -> Diagnostic {
    if let Some(unreadable) =
        causes(error).find_map(|cause| cause.downcast_ref::<UnreadableTemplate>())
    {
        return unreadable_template(environment, unreadable, error);
    }
    let mut innermost = error;
    while let Some(inner) = std::error::Error::source(innermost)
        .and_then(|cause| cause.downcast_ref::<minijinja::Error>())
    {
        innermost = inner;
    }
    let name = innermost.name().or(error.name()).unwrap_or(template);
    let line = innermost.line().or(error.line()).unwrap_or(1);
    let text = environment
        .get_template(name)
        .map(|loaded| loaded.source().to_string())
        .ok()
        .or_else(|| innermost.template_source().map(str::to_string));
    let refused = causes(innermost).find_map(|cause| cause.downcast_ref::<Refused>());
    let line = match (refused, &text) {
        (Some(refused), Some(text)) => refused.line(text, line),
        _ => line,
    };
    let place = text.map_or_else(
        || Place::File(format!("templates/{name}")),
        |text| line_place(name, line, &text),
    );
    let reason = innermost.detail().map_or_else(
        || innermost.kind().to_string(),
        |detail| format!("{}: {detail}", innermost.kind()),
    );
    let help = refused.map_or("fix this line of the template", |refused| &refused.help);
    Diagnostic::error("template", place, reason).help(help)
}

/// An error and what lies behind it, outermost first.
fn causes<'a>(
    error: &'a minijinja::Error,
) -> impl Iterator<Item = &'a (dyn std::error::Error + 'static)> {
    std::iter::successors(std::error::Error::source(error), |cause| cause.source())
}

/// A template that cannot be read, at the wrong byte when there is one, and the line that includes it.
fn unreadable_template(
    environment: &Environment,
    unreadable: &UnreadableTemplate,
    error: &minijinja::Error,
) -> Diagnostic {
    let name = &unreadable.name;
    let file = || Place::File(format!("templates/{name}"));
    let (place, reason, help) = match &unreadable.reason {
        Unreadable::Missing => (file(), "it is not there".to_string(), "write it"),
        Unreadable::Refused(reason, help) => (file(), reason.clone(), *help),
        Unreadable::NotText {
            text,
            at,
            reason,
            help,
        } => (
            line_place(name, text[..*at].matches('\n').count() + 1, text),
            reason.clone(),
            *help,
        ),
    };
    let found = Diagnostic::error(
        "template",
        place,
        format!("cannot read templates/{name}: {reason}"),
    )
    .help(help);
    let includer = error
        .name()
        .filter(|includer| includer != name)
        .and_then(|includer| Some((includer, environment.get_template(includer).ok()?)));
    match includer {
        Some((includer, loaded)) => found.also(
            line_place(includer, error.line().unwrap_or(1), loaded.source()),
            "it is included here",
        ),
        None => found,
    }
}

fn line_place(name: &str, line: usize, text: &str) -> Place {
    Place::Line {
        file: format!("templates/{name}"),
        line,
        text: text
            .lines()
            .nth(line.saturating_sub(1))
            .unwrap_or_default()
            .to_string(),
    }
}

/// Where each part of a file's output comes from: rendered once more, when something is wrong.
struct Origin {
    output: String,
    spans: Vec<minijinja::OutputSpan>,
    lines: yaml::Lines,
    /// The byte at which each line starts.
    starts: Vec<usize>,
}

impl Origin {
    fn read(environment: &Environment, template: &str, context: &TemplateValue) -> Option<Origin> {
        let (output, spans) = environment
            .get_template(template)
            .ok()?
            .render_with_spans(context)
            .ok()?;
        let starts = std::iter::once(0)
            .chain(output.match_indices('\n').map(|(newline, _)| newline + 1))
            .collect();
        Some(Origin {
            lines: yaml::Lines::read(&output),
            starts,
            output,
            spans,
        })
    }

    /// The template line that wrote a line of the output.
    fn place(&self, environment: &Environment, line: usize) -> Option<Place> {
        let start = *self.starts.get(line.checked_sub(1)?)?;
        let text = self.output[start..].lines().next()?;
        let first = start + (text.len() - text.trim_start().len());
        let span = self
            .spans
            .iter()
            .rfind(|span| span.output_range().start <= first)?;
        let loaded = environment.get_template(span.name()).ok()?;
        let within = match span.kind() {
            minijinja::OutputSpanKind::Raw => self.output[span.output_range().start..first]
                .matches('\n')
                .count(),
            // A macro's output belongs to its call. One of several lines is known by its title.
            _ => loaded
                .source()
                .get(span.source_range())
                .and_then(|call| call.lines().position(|line| line.contains("title=")))
                .unwrap_or(0),
        };
        Some(line_place(
            span.name(),
            span.line() + within,
            loaded.source(),
        ))
    }
}

impl Rendered {
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
        if !path.contains("{alert}") {
            return vec![Part {
                path: path.to_string(),
                alert: None,
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

    /// What the template of a file saw.
    fn seen(&self, file: &File) -> Option<TemplateValue> {
        let first = self
            .files
            .iter()
            .position(|other| other.template == file.template)?;
        let files = &self.files[..first];
        let before = Arc::new(Before::of(files, []));
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

    /// The template line behind a value of a file.
    pub fn place(&self, path: &str, pointer: &str) -> Place {
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
            .and_then(|origin| origin.place(&self.environment, origin.lines.line(pointer)?));
        line.unwrap_or_else(|| Place::File(format!("{}/{path}", self.output)))
    }
}
