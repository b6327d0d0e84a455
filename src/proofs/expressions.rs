//! Every PromQL expression of the rendered files, with Grafana's variables filled in.

use super::stack::{Stack, panels, rules};
use super::{Check, Example, Finding, Proof};
use crate::catalog::Duration;
use crate::render::File;
use promql_parser::parser::Expr;
use serde_json::Value;
use std::collections::BTreeMap;
use std::rc::Rc;

pub const PROOF: Proof = Proof {
    code: "invalid-promql",
    doc: "Prometheus refuses the whole rule file, and Grafana shows an error instead of the panel. A variable of Grafana that is not defined is sent as it stands.",
    example: Example::Condition {
        bad: "sum by (job, service, component) (shop_orders_active > 100",
        good: "sum by (job, service, component) (shop_orders_active) > 100",
    },
    // Found while the expressions are collected.
    check: Check::Stack(|_| Vec::new()),
};

/// Where an expression is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Usage {
    /// The condition of an alert.
    Alert,
    /// What a recording rule writes.
    Record,
    /// A panel, a variable or an annotation of a dashboard.
    Panel,
    /// A unit test.
    Test,
}

/// One expression.
pub struct Expression {
    /// The file, under generated/.
    pub path: String,
    /// Where in the file.
    pub pointer: String,
    /// Who reads it.
    pub usage: Usage,
    /// As it is written.
    pub written: String,
    /// Its syntax, with variables filled in.
    pub ast: Rc<Expr>,
    /// The rule or panel that it belongs to.
    pub owner: Value,
}

/// Collects every expression; recording rules are evaluated on the way, in the order in which they are loaded.
pub fn collect(stack: &mut Stack) -> Vec<(&'static str, Finding)> {
    let mut findings = Vec::new();
    let files = stack.files;
    for file in files.iter().filter(|file| file.value.get("groups").is_some()) {
        for (_, pointer, rule) in rules(file) {
            let usage = if rule.get("alert").is_some() { Usage::Alert } else { Usage::Record };
            let text = rule["expr"].as_str().map_or_else(|| rule["expr"].to_string(), str::to_string);
            let owner = if usage == Usage::Alert { rule.clone() } else { Value::Null };
            let ast = add(stack, &mut findings, (file, format!("{pointer}/expr"), usage), &text, &text, owner);
            if let (Usage::Record, Some(ast), Some(name)) = (usage, ast, rule["record"].as_str()) {
                stack.contract.record(name, &ast, &rule["labels"]);
            }
        }
    }
    for file in files {
        if file.value.get("panels").is_some() {
            dashboard(stack, &mut findings, file);
        }
        if file.value.get("tests").is_some() {
            tests(stack, &mut findings, file);
        }
    }
    findings
}

fn add(
    stack: &mut Stack,
    findings: &mut Vec<(&'static str, Finding)>,
    (file, pointer, usage): (&File, String, Usage),
    written: &str,
    text: &str,
    owner: Value,
) -> Option<Rc<Expr>> {
    match stack.contract.parse(text) {
        Ok(ast) => {
            stack.expressions.push(Expression { path: file.path.clone(), pointer, usage, written: written.to_string(), ast: ast.clone(), owner });
            Some(ast)
        }
        Err(reason) => {
            let reason = reason.lines().next().unwrap_or_default().to_string();
            findings.push((
                PROOF.code,
                Finding::at(
                    &file.path,
                    pointer,
                    format!("this is no PromQL: {reason}"),
                    "mend the expression: brackets in pairs, operators between two sides, strings in quotes",
                ),
            ));
            None
        }
    }
}

fn dashboard(stack: &mut Stack, findings: &mut Vec<(&'static str, Finding)>, file: &File) {
    let variables = variables(stack, &file.value);
    let mut use_of = |pointer: String, text: &str, owner: &Value| {
        let filled = filled(text, &variables);
        if let Some(unknown) = unfilled(&filled) {
            findings.push((
                PROOF.code,
                Finding::at(&file.path, pointer.clone(), format!("the variable `${unknown}` is not defined"), "define it under `templating`, or take it out"),
            ));
        }
        add(stack, findings, (file, pointer, Usage::Panel), text, &filled, owner.clone());
    };
    for (pointer, panel) in panels(file) {
        for (index, target) in panel["targets"].as_array().into_iter().flatten().enumerate() {
            if let Some(text) = target["expr"].as_str() {
                let mut owner = panel.clone();
                owner["target"] = target.clone();
                use_of(format!("{pointer}/targets/{index}/expr"), text, &owner);
            }
        }
    }
    for (index, annotation) in file.value["annotations"]["list"].as_array().into_iter().flatten().enumerate() {
        if let Some(text) = annotation["expr"].as_str() {
            use_of(format!("/annotations/list/{index}/expr"), text, &Value::Null);
        }
    }
    for (index, variable) in file.value["templating"]["list"].as_array().into_iter().flatten().enumerate() {
        let query = variable["query"].as_str().or(variable["query"]["query"].as_str()).unwrap_or_default();
        let inner = query.strip_prefix("label_values(").or(query.strip_prefix("query_result(")).and_then(|rest| rest.strip_suffix(')'));
        if let Some(inner) = inner {
            let selector = if query.starts_with("label_values") { inner.rsplit_once(',').map_or("", |(selector, _)| selector) } else { inner };
            if !selector.is_empty() {
                use_of(format!("/templating/list/{index}/query"), selector.trim(), &Value::Null);
            }
        }
    }
}

/// Grafana's own variables and those of the dashboard, each with a value that it can have.
fn variables(stack: &Stack, dashboard: &Value) -> BTreeMap<String, String> {
    let intervals = stack.files.iter().flat_map(|file| file.value["datasources"].as_array().into_iter().flatten());
    let scrape = intervals.filter_map(|source| Duration::parse(source["jsonData"]["timeInterval"].as_str()?)).max().unwrap_or(Duration(15_000));
    let mut variables = BTreeMap::from([
        ("__rate_interval".to_string(), Duration(scrape.0 * 4).to_string()),
        ("__interval".to_string(), scrape.to_string()),
        ("__range".to_string(), "1h".to_string()),
    ]);
    for variable in dashboard["templating"]["list"].as_array().into_iter().flatten() {
        let value = variable["allValue"].as_str().or(variable["current"]["value"].as_str()).unwrap_or(".+");
        variables.insert(variable["name"].as_str().unwrap_or_default().to_string(), value.to_string());
    }
    variables
}

/// A variable that stands for everything is `=~".+"`, which is `!=""` without a regular expression to build each time.
fn filled(text: &str, variables: &BTreeMap<String, String>) -> String {
    let filled = variables.iter().rev().fold(text.to_string(), |text, (name, value)| {
        let formatted = ["regex", "pipe", "raw"].iter().fold(text, |text, format| text.replace(&format!("${{{name}:{format}}}"), value));
        word(&formatted.replace(&format!("${{{name}}}"), value), name, value)
    });
    filled.replace("=~\".+\"", "!=\"\"")
}

/// `$name` replaced where the name ends: `$jobs` is not `$job` and an s.
fn word(text: &str, name: &str, value: &str) -> String {
    let variable = format!("${name}");
    let mut parts = text.split(&variable);
    let mut filled = parts.next().unwrap_or_default().to_string();
    for part in parts {
        let longer = part.starts_with(|c: char| c.is_alphanumeric() || c == '_');
        filled += if longer { &variable } else { value };
        filled += part;
    }
    filled
}

fn unfilled(text: &str) -> Option<String> {
    let behind = text.split('$').nth(1)?;
    let name: String = behind.trim_start_matches('{').chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect();
    (!name.is_empty()).then_some(name)
}

fn tests(stack: &mut Stack, findings: &mut Vec<(&'static str, Finding)>, file: &File) {
    for (index, test) in file.value["tests"].as_array().into_iter().flatten().enumerate() {
        let expressions = test["promql_expr_test"].as_array().into_iter().flatten().enumerate();
        let expressions = expressions.map(|(at, case)| (format!("/tests/{index}/promql_expr_test/{at}/expr"), &case["expr"]));
        let series = test["input_series"].as_array().into_iter().flatten().enumerate();
        let series = series.map(|(at, case)| (format!("/tests/{index}/input_series/{at}/series"), &case["series"]));
        for (pointer, text) in expressions.chain(series) {
            let text = text.as_str().unwrap_or_default();
            add(stack, findings, (file, pointer, Usage::Test), text, text, Value::Null);
        }
    }
}
