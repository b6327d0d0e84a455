//! Catalog × artifacts → Files in memory, each parsed back.

use crate::artifacts::ARTIFACTS;
use crate::catalog::{Alert, Catalog};
use crate::diagnostic::{Diagnostic, Place};
use crate::json;
use crate::templates;
use crate::yaml;
use anyhow::Result;
use minijinja::value::{Serde, Value as TemplateValue};
use minijinja::{Environment, context};
use serde_json::Value;
use std::collections::{BTreeMap, HashMap};
use std::path::Path;
use std::sync::Mutex;

/// One rendered file.
pub struct File {
    /// Under generated/, with slashes.
    pub path: String,
    /// What is written.
    pub text: String,
    /// The parsed content; Null where the file is neither YAML nor JSON.
    pub value: Value,
    template: &'static str,
}

/// Everything rendered from one catalog, with what is needed to find a line's template again.
pub struct Rendered {
    /// In the order of ARTIFACTS.
    pub files: Vec<File>,
    environment: Environment<'static>,
    contexts: BTreeMap<String, TemplateValue>,
    origins: Mutex<BTreeMap<String, Option<Origin>>>,
}

/// Renders every artifact with the templates of `root`; a template's mistakes come all at once.
pub fn render(catalog: &Catalog, root: &Path) -> Result<Result<Rendered, Vec<Diagnostic>>> {
    let environment = templates::environment(root)?;
    let catalog_value = TemplateValue::from(Serde(catalog));
    let mut rendered = Rendered { files: Vec::new(), environment, contexts: BTreeMap::new(), origins: Mutex::default() };
    let mut diagnostics = Vec::new();
    let mut failed: Vec<String> = Vec::new();
    for artifact in ARTIFACTS.iter().filter(|artifact| (artifact.when)(catalog)) {
        let path = artifact.output.replace("{slug}", &catalog.platform.slug);
        // What reads a file that was not rendered would only say so again.
        if failed.iter().any(|path| reads(artifact.template, path)) {
            continue;
        }
        let before: BTreeMap<&str, TemplateValue> = rendered
            .files
            .iter()
            .filter(|file| reads(artifact.template, &file.path))
            .map(|file| (file.path.as_str(), TemplateValue::from(Serde(&file.value))))
            .collect();
        let context = context! { rendered => before, ..catalog_value.clone() };
        let parts = if path.contains("{alert}") { of_alerts(catalog, &rendered, artifact.template, &path, &context) } else { vec![(path, context)] };
        for (path, context) in parts {
            match one(&rendered.environment, artifact.template, &path, &context) {
                Ok(file) => rendered.files.push(file),
                Err(diagnostic) => {
                    diagnostics.push(*diagnostic);
                    failed.push(path.clone());
                }
            }
            rendered.contexts.insert(path, context);
        }
    }
    Ok(if diagnostics.is_empty() { Ok(rendered) } else { Err(diagnostics) })
}

/// The path and the context of each alert's own file: the alert, and the rule that was rendered for it, if one was.
fn of_alerts(catalog: &Catalog, rendered: &Rendered, template: &str, path: &str, context: &TemplateValue) -> Vec<(String, TemplateValue)> {
    let read = rendered.files.iter().filter(|file| reads(template, &file.path));
    let groups = read.flat_map(|file| file.value["groups"].as_array().into_iter().flatten());
    let rules: HashMap<&str, &Value> =
        groups.flat_map(|group| group["rules"].as_array().into_iter().flatten()).filter_map(|rule| Some((rule["alert"].as_str()?, rule))).collect();
    let own = |alert: &Alert| {
        let rule = rules.get(alert.name.as_str()).map(|rule| TemplateValue::from(Serde(*rule)));
        (path.replace("{alert}", &alert.name), context! { alert => TemplateValue::from(Serde(alert)), rule, ..context.clone() })
    };
    catalog.alerts.iter().filter(|alert| !alert.branches.is_empty()).map(own).collect()
}

/// Unit tests read the rules they are about, and documents quote rules; nothing else reads a rendered file.
fn reads(template: &str, path: &str) -> bool {
    match template.strip_suffix(".test.yml") {
        Some(rules) => path == format!("{rules}.yml"),
        None => template.ends_with(".md") && path.ends_with("_rules.yml"),
    }
}

fn one(environment: &Environment, template: &'static str, path: &str, context: &TemplateValue) -> Result<File, Box<Diagnostic>> {
    let rendered = environment
        .get_template(template)
        .and_then(|loaded| loaded.render(context))
        .map_err(|error| Box::new(template_error(environment, template, &error)))?;
    let parsed = if template.ends_with(".yml") { yaml::parse(&rendered) } else { Ok(Value::Null) };
    let value = parsed.map_err(|error| {
        let origin = Origin::read(environment, template, context);
        let place = origin.and_then(|origin| origin.place(environment, error.line)).unwrap_or(Place::File(format!("templates/{template}")));
        Box::new(Diagnostic::error("invalid-yaml", place, format!("generated/{path} is not YAML: {}", error.reason)).help("mend this line of the template"))
    })?;
    let text = match path.ends_with(".json") {
        true => json::print(&value),
        false => rendered,
    };
    Ok(File { path: path.to_string(), text, value, template })
}

/// minijinja's innermost error at its line; never with the variables it could see, which are the whole catalog.
fn template_error(environment: &Environment, template: &str, error: &minijinja::Error) -> Diagnostic {
    let mut innermost = error;
    while let Some(inner) = std::error::Error::source(innermost).and_then(|cause| cause.downcast_ref::<minijinja::Error>()) {
        innermost = inner;
    }
    let name = innermost.name().or(error.name()).unwrap_or(template);
    let line = innermost.line().or(error.line()).unwrap_or(1);
    let text = environment.get_template(name).map(|loaded| loaded.source().to_string()).ok().or_else(|| innermost.template_source().map(str::to_string));
    let place = text.map_or_else(|| Place::File(format!("templates/{name}")), |text| line_place(name, line, &text));
    let reason = innermost.detail().map_or_else(|| innermost.kind().to_string(), |detail| format!("{}: {detail}", innermost.kind()));
    Diagnostic::error("template", place, reason).help("mend this line of the template")
}

fn line_place(name: &str, line: usize, text: &str) -> Place {
    Place::Line { file: format!("templates/{name}"), line, text: text.lines().nth(line.saturating_sub(1)).unwrap_or_default().to_string() }
}

/// Where each part of a file's output comes from: rendered once more, when something is wrong.
struct Origin {
    output: String,
    spans: Vec<minijinja::OutputSpan>,
    lines: yaml::Lines,
}

impl Origin {
    fn read(environment: &Environment, template: &str, context: &TemplateValue) -> Option<Origin> {
        let (output, spans) = environment.get_template(template).ok()?.render_with_spans(context).ok()?;
        Some(Origin { lines: yaml::Lines::read(&output), output, spans })
    }

    /// The template line that wrote a line of the output.
    fn place(&self, environment: &Environment, line: usize) -> Option<Place> {
        let text = self.output.lines().nth(line.checked_sub(1)?)?;
        let start = text.as_ptr() as usize - self.output.as_ptr() as usize;
        let first = start + (text.len() - text.trim_start().len());
        let span = self.spans.iter().rfind(|span| span.output_range().start <= first)?;
        let loaded = environment.get_template(span.name()).ok()?;
        let within = match span.kind() {
            minijinja::OutputSpanKind::Raw => self.output[span.output_range().start..first].matches('\n').count(),
            _ => 0,
        };
        Some(line_place(span.name(), span.line() + within, loaded.source()))
    }
}

impl Rendered {
    /// A file by its path under generated/.
    pub fn file(&self, path: &str) -> Option<&File> {
        self.files.iter().find(|file| file.path == path)
    }

    /// The template line behind a value of a file.
    pub fn place(&self, path: &str, pointer: &str) -> Place {
        let mut origins = self.origins.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        let origin = origins.entry(path.to_string()).or_insert_with(|| Origin::read(&self.environment, self.file(path)?.template, self.contexts.get(path)?));
        let line = origin.as_ref().and_then(|origin| origin.place(&self.environment, origin.lines.line(pointer)?));
        line.unwrap_or_else(|| Place::File(format!("generated/{path}")))
    }
}
