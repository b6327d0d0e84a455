//! Every PromQL expression of the rendered files, with Grafana's variables filled in.

use super::dashboards::{panels, repeated};
use super::files::{Files, View};
use super::markdown::sections;
use super::variables::{Variables, query};
use crate::contract::Contract;
use crate::contract::evaluate::{Node, nodes};
use crate::contract::series::SeriesSet;
use crate::json::plain;
use crate::promql::Expr;
use crate::promql::engine::metric;
use crate::promql::walk::selectors;
use crate::render::{File, LINE};
use crate::value::Value;
use std::cell::OnceCell;
use std::collections::{HashMap, HashSet};
use std::rc::Rc;

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
    /// A query in a document, to be pasted into Prometheus.
    Document,
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
    /// The rule or panel that it belongs to; Null for others.
    pub owner: &'a Value,
    /// The panel's target that it stands in; Null for others.
    pub target: &'a Value,
    /// What it can return, once somebody has asked.
    returned: OnceCell<Vec<SeriesSet>>,
}

impl Expression<'_> {
    /// The pointer of the panel in one of whose queries it stands.
    pub(crate) fn panel(&self) -> Option<&str> {
        Some(self.pointer.split_once("/targets/")?.0)
    }

    /// Keeps what it can return, where its nodes are known: the last is the whole.
    pub(crate) fn keep(&self, mut nodes: Vec<Node>) {
        if let Some(whole) = nodes.pop() {
            let _ = self.returned.set(whole.series);
        }
    }

    /// What it can return.
    pub(crate) fn series(&self, contract: &Contract) -> &[SeriesSet] {
        let whole = || nodes(&self.ast, contract).pop();
        self.returned
            .get_or_init(|| whole().map_or(Vec::new(), |whole| whole.series))
    }
}

/// A text that is not read as an expression.
pub(crate) struct Unread<'a> {
    /// The file, under the output folder.
    pub(crate) path: &'a str,
    /// Where in the file.
    pub(crate) pointer: String,
    /// Why.
    pub(crate) why: Why,
}

/// Why a text is not read.
pub(crate) enum Why {
    /// What the parser says.
    Syntax(String),
    /// A variable of Grafana that is not defined; the rest is read.
    Variable(String),
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

/// What is read so far.
struct Reading<'a, 'c> {
    files: Files<'a>,
    contract: &'c mut Contract,
    expressions: Vec<Expression<'a>>,
    quoted: Vec<Expression<'a>>,
    unread: Vec<Unread<'a>>,
}

/// What is read of the files.
pub(super) struct Read<'a> {
    pub(super) expressions: Vec<Expression<'a>>,
    /// Rules as documents quote them, word by word.
    pub(super) quoted: Vec<Expression<'a>>,
    pub(super) unread: Vec<Unread<'a>>,
}

/// Reads every expression; recording rules are evaluated on the way, in the order in which they are loaded.
pub(super) fn read<'a>(files: Files<'a>, contract: &mut Contract) -> Read<'a> {
    let mut reading = Reading {
        files,
        contract,
        expressions: Vec::new(),
        quoted: Vec::new(),
        unread: Vec::new(),
    };
    reading.rules();
    files.dashboards().for_each(|file| reading.dashboard(file));
    files.tests().for_each(|file| reading.tests(file));
    reading.documents();
    Read {
        expressions: reading.expressions,
        quoted: reading.quoted,
        unread: reading.unread,
    }
}

impl<'a> Reading<'a, '_> {
    fn add(&mut self, at: Text<'a>, written: &str, filled: &str) -> Option<Rc<Expr>> {
        let Text {
            file,
            pointer,
            usage,
            owner,
            target,
        } = at;
        match self.contract.parse(filled) {
            Ok(ast) => {
                self.expressions.push(Expression {
                    path: &file.path,
                    pointer,
                    usage,
                    written: written.to_string(),
                    ast: ast.clone(),
                    owner,
                    target,
                    returned: OnceCell::new(),
                });
                Some(ast)
            }
            Err(reason) => {
                let reason = reason.lines().next().unwrap_or_default().to_string();
                self.unread.push(Unread {
                    path: &file.path,
                    pointer,
                    why: Why::Syntax(reason),
                });
                None
            }
        }
    }

    /// Every rule; of the user's own files those that read what a later one records wait for that.
    fn rules(&mut self) {
        let whole = self.files.seen(View::Whole);
        let looked_at: HashSet<&str> = self.files.rule_files().map(|file| &*file.path).collect();
        let (own, others): (Vec<_>, Vec<_>) = whole.rules().partition(|(file, _, _)| file.is_own());
        let recorded: HashSet<&str> = whole
            .rules()
            .filter_map(|(_, _, rule)| rule["record"].as_str())
            .collect();
        let mut waiting = own;
        let ready = |reading: &Reading, rule: &Value| {
            let parsed = reading.contract.parse(&plain(&rule["expr"]));
            parsed.is_ok_and(|ast| {
                let mut names = selectors(&ast).into_iter().filter_map(metric);
                names.all(|name| reading.contract.knows(name) || !recorded.contains(name))
            })
        };
        let mut others = others.into_iter().peekable();
        // As they are loaded: own rule files stand behind the first generated one.
        let first = others.peek().map(|(file, _, _)| file.path.as_str());
        let mut next = |reading: &mut Self, until: Option<&str>| {
            while let Some((file, pointer, rule)) =
                others.next_if(|(file, _, _)| until.is_none_or(|until| file.path == until))
            {
                reading.rule(file, &pointer, rule, true);
            }
        };
        next(self, first);
        for last in [false, true] {
            loop {
                let before = waiting.len();
                let all = std::mem::take(&mut waiting);
                for (file, pointer, rule) in all {
                    match ready(self, rule) {
                        true => {
                            let looked_at = looked_at.contains(file.path.as_str());
                            self.rule(file, &pointer, rule, looked_at);
                        }
                        false => waiting.push((file, pointer, rule)),
                    }
                }
                if waiting.len() == before {
                    break;
                }
            }
            if !last {
                next(self, None);
            }
        }
        for (file, pointer, rule) in waiting {
            let looked_at = looked_at.contains(file.path.as_str());
            self.rule(file, &pointer, rule, looked_at);
        }
    }

    /// `looked_at`: whether it is one of the expressions, or only known to record something.
    fn rule(&mut self, file: &'a File, pointer: &str, rule: &'a Value, looked_at: bool) {
        let usage = match rule.get("alert") {
            Some(_) => Usage::Alert,
            None => Usage::Record,
        };
        let written = plain(&rule["expr"]);
        let text = Text {
            file,
            pointer: format!("{pointer}/expr"),
            usage,
            owner: rule,
            target: &NONE,
        };
        let ast = match looked_at {
            true => self.add(text, &written, &written),
            false => self.contract.parse(&written).ok(),
        };
        if let (Usage::Record, Some(ast), Some(name)) = (usage, ast, rule["record"].as_str()) {
            self.contract.record(name, &ast, &rule["labels"]);
        }
    }

    fn dashboard(&mut self, file: &'a File) {
        // What a dashboard of the user's asks of another database is not PromQL.
        let foreign = |sources: &[&Value]| {
            let mut types = sources
                .iter()
                .filter_map(|one| one["datasource"]["type"].as_str());
            let asked = types.next().unwrap_or("prometheus");
            file.is_own() && !asked.contains("prometheus") && asked != "datasource"
        };
        let variables = Variables::of(&file.value, file.is_own(), self.files);
        let repeated = repeated(&file.value);
        let mut read = |pointer: String, text: &str, owner: &'a Value, target: &'a Value| {
            let panel = pointer.split_once("/targets/").map(|(panel, _)| panel);
            let one_each = panel.is_some_and(|panel| repeated.contains_key(panel));
            let (filled, unknown) = variables.fill(text, one_each);
            self.unread.extend(unknown.map(|unknown| Unread {
                path: &file.path,
                pointer: pointer.clone(),
                why: Why::Variable(unknown),
            }));
            let at = Text {
                file,
                pointer,
                usage: Usage::Panel,
                owner,
                target,
            };
            self.add(at, text, &filled);
        };
        for (pointer, panel) in panels(&file.value) {
            let targets = panel["targets"].as_array().into_iter().flatten();
            for (index, target) in targets.enumerate() {
                if let Some(text) = target["expr"].as_str()
                    && !foreign(&[target, panel])
                {
                    let pointer = format!("{pointer}/targets/{index}/expr");
                    read(pointer, text, panel, target);
                }
            }
        }
        let annotations = file.value["annotations"]["list"].as_array();
        for (index, annotation) in annotations.into_iter().flatten().enumerate() {
            if let Some(text) = annotation["expr"].as_str()
                && !foreign(&[annotation])
            {
                let pointer = format!("/annotations/list/{index}/expr");
                read(pointer, text, &NONE, &NONE);
            }
        }
        let list = file.value["templating"]["list"].as_array();
        for (index, variable) in list.into_iter().flatten().enumerate() {
            if let Some(selector) = query(variable).and_then(selector)
                && !foreign(&[variable])
            {
                let pointer = format!("/templating/list/{index}/query");
                read(pointer, selector, &NONE, &NONE);
            }
        }
    }

    fn tests(&mut self, file: &'a File) {
        let tests = file.value["tests"].as_array().into_iter().flatten();
        for (index, test) in tests.enumerate() {
            let lists = [("promql_expr_test", "expr"), ("input_series", "series")];
            for (list, key) in lists {
                let cases = test[list].as_array().into_iter().flatten();
                for (at, case) in cases.enumerate() {
                    let text = case[key].as_str().unwrap_or_default();
                    let at = Text {
                        file,
                        pointer: format!("/tests/{index}/{list}/{at}/{key}"),
                        usage: Usage::Test,
                        owner: &NONE,
                        target: &NONE,
                    };
                    self.add(at, text, text);
                }
            }
        }
    }

    /// Blocks of PromQL. What stands in a rule word by word is looked at there, and what is no PromQL has no series.
    fn documents(&mut self) {
        let rules = self.files.rules();
        let rules: HashSet<String> = rules
            .filter_map(|(_, _, rule)| rule["expr"].as_str())
            .map(spaced)
            .collect();
        let alerts: HashMap<&str, &'a Value> = self
            .files
            .alerts()
            .filter_map(|(_, _, rule)| Some((rule["alert"].as_str()?, rule)))
            .collect();
        for file in self.files.documents() {
            let sections = sections(&file.text);
            let blocks = sections.iter().flat_map(|section| {
                let alert = alerts.get(&*section.title).copied().unwrap_or(&NONE);
                section
                    .blocks()
                    .into_iter()
                    .map(move |block| (block, alert))
            });
            for (block, alert) in blocks.filter(|(block, _)| block.language == "promql") {
                let text = block.text.trim();
                let known = rules.contains(&spaced(text));
                if let Ok(ast) = self.contract.parse(text) {
                    let list = match known {
                        true => &mut self.quoted,
                        false => &mut self.expressions,
                    };
                    list.push(Expression {
                        path: &file.path,
                        pointer: format!("{LINE}{}", block.line),
                        usage: Usage::Document,
                        written: text.to_string(),
                        ast,
                        owner: alert,
                        target: &NONE,
                        returned: OnceCell::new(),
                    });
                }
            }
        }
    }
}

/// A text with one space between its words.
fn spaced(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// What a variable's query asks of: `label_values(up, job)`, `query_result(up)`.
fn selector(query: &str) -> Option<&str> {
    let inside = |function: &str| query.strip_prefix(function)?.strip_suffix(')');
    let selector =
        inside("query_result(").or_else(|| Some(inside("label_values(")?.rsplit_once(',')?.0))?;
    Some(selector.trim()).filter(|selector| !selector.is_empty())
}
