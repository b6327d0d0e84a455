//! Every PromQL expression of the rendered files, with Grafana's variables filled in.

mod variables;

use super::stack::{Stack, panels, rules};
use super::{Check, Example, Finding, Proof};
use crate::json::plain;
use crate::promql::Expr;
use crate::render::File;
use serde_json::Value;
use std::rc::Rc;
use variables::Variables;

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
pub struct Expression<'a> {
    /// The file, under the output folder.
    pub path: &'a str,
    /// Where in the file.
    pub pointer: String,
    /// Who reads it.
    pub usage: Usage,
    /// As it is written.
    pub written: String,
    /// Its syntax, with variables filled in.
    pub ast: Rc<Expr>,
    /// The alert or panel that it belongs to; Null for others.
    pub owner: &'a Value,
    /// The panel's target that it stands in; Null for others.
    pub target: &'a Value,
}

/// A text before it is parsed.
struct Text<'a> {
    file: &'a File,
    pointer: String,
    usage: Usage,
    owner: &'a Value,
    target: &'a Value,
}

static NONE: Value = Value::Null;

/// Collects every expression; recording rules are evaluated on the way, in the order in which they are loaded.
pub fn collect(stack: &mut Stack) -> Vec<(&'static str, Finding)> {
    let mut findings = Vec::new();
    let files = stack.files;
    for file in files
        .iter()
        .filter(|file| file.value.get("groups").is_some())
    {
        for (_, pointer, rule) in rules(file) {
            let (usage, owner) = if rule.get("alert").is_some() {
                (Usage::Alert, rule)
            } else {
                (Usage::Record, &NONE)
            };
            let written = plain(&rule["expr"]);
            let text = Text {
                file,
                pointer: format!("{pointer}/expr"),
                usage,
                owner,
                target: &NONE,
            };
            let ast = add(stack, &mut findings, text, &written, &written);
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

fn add<'a>(
    stack: &mut Stack<'a>,
    findings: &mut Vec<(&'static str, Finding)>,
    at: Text<'a>,
    written: &str,
    filled: &str,
) -> Option<Rc<Expr>> {
    let Text {
        file,
        pointer,
        usage,
        owner,
        target,
    } = at;
    match stack.contract.parse(filled) {
        Ok(ast) => {
            stack.expressions.push(Expression {
                path: &file.path,
                pointer,
                usage,
                written: written.to_string(),
                ast: ast.clone(),
                owner,
                target,
            });
            Some(ast)
        }
        Err(reason) => {
            let message = format!(
                "this is no PromQL: {}",
                reason.lines().next().unwrap_or_default()
            );
            let help = "mend the expression: brackets in pairs, operators between two sides, strings in quotes";
            findings.push((PROOF.code, Finding::at(&file.path, pointer, message, help)));
            None
        }
    }
}

fn dashboard<'a>(
    stack: &mut Stack<'a>,
    findings: &mut Vec<(&'static str, Finding)>,
    file: &'a File,
) {
    let variables = Variables::of(&file.value, stack.files);
    let mut read = |pointer: String, text: &str, owner: &'a Value, target: &'a Value| {
        let (filled, unknown) = variables.fill(text);
        if let Some(unknown) = unknown {
            let message = format!("the variable `${unknown}` is not defined");
            findings.push((
                PROOF.code,
                Finding::at(
                    &file.path,
                    pointer.clone(),
                    message,
                    "define it under `templating`, or take it out",
                ),
            ));
        }
        add(
            stack,
            findings,
            Text {
                file,
                pointer,
                usage: Usage::Panel,
                owner,
                target,
            },
            text,
            &filled,
        );
    };
    for (pointer, panel) in panels(&file.value) {
        for (index, target) in panel["targets"]
            .as_array()
            .into_iter()
            .flatten()
            .enumerate()
        {
            if let Some(text) = target["expr"].as_str() {
                read(
                    format!("{pointer}/targets/{index}/expr"),
                    text,
                    panel,
                    target,
                );
            }
        }
    }
    for (index, annotation) in file.value["annotations"]["list"]
        .as_array()
        .into_iter()
        .flatten()
        .enumerate()
    {
        if let Some(text) = annotation["expr"].as_str() {
            read(
                format!("/annotations/list/{index}/expr"),
                text,
                &NONE,
                &NONE,
            );
        }
    }
    for (index, variable) in file.value["templating"]["list"]
        .as_array()
        .into_iter()
        .flatten()
        .enumerate()
    {
        let query = variable["query"]
            .as_str()
            .or(variable["query"]["query"].as_str())
            .unwrap_or_default();
        if let Some(selector) = selector(query) {
            read(
                format!("/templating/list/{index}/query"),
                selector,
                &NONE,
                &NONE,
            );
        }
    }
}

/// What a variable's query asks of: `label_values(up, job)`, `query_result(up)`.
fn selector(query: &str) -> Option<&str> {
    let inside = |function: &str| query.strip_prefix(function)?.strip_suffix(')');
    let selector =
        inside("query_result(").or_else(|| Some(inside("label_values(")?.rsplit_once(',')?.0))?;
    Some(selector.trim()).filter(|selector| !selector.is_empty())
}

fn tests<'a>(stack: &mut Stack<'a>, findings: &mut Vec<(&'static str, Finding)>, file: &'a File) {
    for (index, test) in file.value["tests"]
        .as_array()
        .into_iter()
        .flatten()
        .enumerate()
    {
        let expressions = test["promql_expr_test"]
            .as_array()
            .into_iter()
            .flatten()
            .enumerate();
        let expressions = expressions.map(|(at, case)| {
            (
                format!("/tests/{index}/promql_expr_test/{at}/expr"),
                &case["expr"],
            )
        });
        let series = test["input_series"]
            .as_array()
            .into_iter()
            .flatten()
            .enumerate();
        let series = series.map(|(at, case)| {
            (
                format!("/tests/{index}/input_series/{at}/series"),
                &case["series"],
            )
        });
        for (pointer, text) in expressions.chain(series) {
            let text = text.as_str().unwrap_or_default();
            add(
                stack,
                findings,
                Text {
                    file,
                    pointer,
                    usage: Usage::Test,
                    owner: &NONE,
                    target: &NONE,
                },
                text,
                text,
            );
        }
    }
}
