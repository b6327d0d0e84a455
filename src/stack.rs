//! The rendered Files, read into what they mean: what scrapes, records, alerts, routes and shows.

pub(crate) mod collector;
pub(crate) mod containers;
pub mod dashboards;
pub(crate) mod document;
pub(crate) mod expressions;
pub mod files;
pub(crate) mod grafana;
pub(crate) mod markdown;
pub mod notifications;
pub(crate) mod open;
pub(crate) mod own_tests;
pub mod python;
pub(crate) mod rules;
pub(crate) mod sentences;
pub(crate) mod settings;
pub(crate) mod tested;
pub(crate) mod variables;
pub(crate) mod world;

use crate::catalog::Catalog;
use crate::contract::Contract;
use crate::render::{File, Rendered};
use crate::value::Value;
use containers::Project;
use expressions::{Expression, Unread, Usage};
use files::{Files, View};
use notifications::Notifications;
use open::Open;
use own_tests::OwnTests;
use rules::{LoadedRule, RefusedRule};
use std::cell::OnceCell;
use std::collections::{BTreeSet, HashMap};

/// Dashboard → pointer of a panel → which of the expressions are its queries.
type Queries<'a> = HashMap<&'a str, HashMap<String, Vec<usize>>>;

/// Rules by their names: of alerts the first, as it is written and as it is loaded; all that record.
#[derive(Default)]
struct Named<'a> {
    written: HashMap<&'a str, &'a Value>,
    alerts: HashMap<String, usize>,
    recording: HashMap<String, Vec<usize>>,
}

/// Everything rendered, as one.
pub struct Stack<'a> {
    /// What it was rendered from.
    pub catalog: &'a Catalog,
    /// By role.
    pub files: Files<'a>,
    /// What the compose files start.
    pub(crate) containers: Project<'a>,
    /// Every series that can exist.
    pub contract: Contract,
    /// Every PromQL expression.
    pub expressions: Vec<Expression<'a>>,
    /// Every rule that can be read, in the order of the files.
    pub rules: Vec<LoadedRule<'a>>,
    /// Which of the tests the catalog wrote itself.
    pub(crate) own_tests: OwnTests,
    /// Rules that Prometheus would not load.
    pub(crate) refused: Vec<RefusedRule<'a>>,
    /// What stands where an expression should, and cannot be read.
    pub(crate) unread: Vec<Unread<'a>>,
    /// Rules as documents quote them, word by word.
    pub(crate) quoted: Vec<Expression<'a>>,
    notifications: OnceCell<Option<Notifications<'a>>>,
    open: OnceCell<Open>,
    own_pages: OnceCell<Option<Rendered>>,
    queries: OnceCell<Queries<'a>>,
    named: OnceCell<Named<'a>>,
    failing_tests: OnceCell<tested::Failing>,
    rendered: &'a Rendered,
}

impl<'a> Stack<'a> {
    /// Reads everything: the user's own files too.
    pub fn read(catalog: &'a Catalog, rendered: &'a Rendered) -> Stack<'a> {
        Stack::view(catalog, rendered, View::Whole)
    }

    /// Reads a part of the files, knowing what the rules of all of them record.
    pub(crate) fn view(catalog: &'a Catalog, rendered: &'a Rendered, view: View) -> Stack<'a> {
        let files = Files::of(&rendered.files).seen(view);
        let lists = files.seen(View::Whole).target_lists();
        let config = files.config().unwrap_or(&Value::Null);
        let mut contract = Contract::new(catalog, config, &lists);
        let (names, severities) = alerts(files.seen(View::Whole));
        let apart: Vec<String> = catalog
            .alerts
            .iter()
            .flat_map(|alert| alert.per.clone())
            .collect();
        contract.alerts(names, severities, &apart);
        let containers = Project::read(files, &catalog.platform.output);
        let read = expressions::read(files, &mut contract);
        let (rules, refused) = rules::read(files, &contract);
        Stack {
            catalog,
            rules,
            own_tests: OwnTests::of(catalog),
            refused,
            files,
            containers,
            contract,
            expressions: read.expressions,
            quoted: read.quoted,
            unread: read.unread,
            notifications: OnceCell::new(),
            open: OnceCell::new(),
            own_pages: OnceCell::new(),
            queries: OnceCell::new(),
            named: OnceCell::new(),
            failing_tests: OnceCell::new(),
            rendered,
        }
    }

    /// What may come from jobs of which not everything is known.
    pub(crate) fn open(&self) -> &Open {
        self.open.get_or_init(|| {
            let own = self.rendered.own().jobs().collect();
            let config = self.files.config().unwrap_or(&Value::Null);
            Open::of(self.catalog, &own, config, &self.contract)
        })
    }

    /// Whether a value of a file is the user's own, of `[extra]`.
    pub(crate) fn is_own(&self, path: &str, pointer: &str) -> bool {
        self.rendered.own_place(path, pointer).is_some()
    }

    /// What monstack's own templates make of whatever people read; None: it is of those templates.
    pub(crate) fn own_pages(&self) -> Option<&Rendered> {
        let render = || self.rendered.with_own_pages(self.catalog);
        self.own_pages.get_or_init(render).as_ref()
    }

    /// What monstack's own template makes of a file; None: the file is that, or of that template.
    pub(crate) fn as_built_in(&self, file: &File) -> Option<String> {
        self.rendered.as_built_in(self.catalog, file)
    }

    /// Whether a file of the user's says a value below `global` of the Alertmanager's configuration.
    pub(crate) fn is_said_for_all(&self, pointer: &str) -> bool {
        self.rendered.own().global(pointer).is_some()
    }

    /// How its alerts come to people; None: it has no Alertmanager.
    pub fn notifications(&self) -> Option<&Notifications<'a>> {
        let read = || Notifications::of(self);
        self.notifications.get_or_init(read).as_ref()
    }

    /// The first alert of a name that Prometheus loads.
    pub(crate) fn alert(&self, name: &str) -> Option<&LoadedRule<'a>> {
        Some(&self.rules[*self.named().alerts.get(name)?])
    }

    /// The first alert of a name as it is written, whether Prometheus loads it or not.
    pub(crate) fn written_alert(&self, name: &str) -> Option<&'a Value> {
        self.named().written.get(name).copied()
    }

    /// The rules that record under a name.
    pub(crate) fn recording(&self, name: &str) -> impl Iterator<Item = &LoadedRule<'a>> {
        let known = self.named().recording.get(name).into_iter().flatten();
        known.map(|index| &self.rules[*index])
    }

    fn named(&self) -> &Named<'a> {
        self.named.get_or_init(|| {
            let mut named = Named::default();
            let files = self.files.rule_files();
            for (_, rule) in files.flat_map(|file| file.rules()) {
                if let Some(name) = rule["alert"].as_str() {
                    named.written.entry(name).or_insert(rule);
                }
            }
            for (index, LoadedRule { rule, .. }) in self.rules.iter().enumerate() {
                let name = rule.name.clone();
                match rule.alert {
                    Some(_) => {
                        named.alerts.entry(name).or_insert(index);
                    }
                    None => named.recording.entry(name).or_default().push(index),
                }
            }
            named
        })
    }

    /// The expressions of one usage.
    pub(crate) fn used(&self, usage: Usage) -> impl Iterator<Item = &Expression<'a>> {
        self.expressions
            .iter()
            .filter(move |expression| expression.usage == usage)
    }

    /// The queries of a panel, by its dashboard and its pointer.
    pub(crate) fn queries(&self, path: &str, panel: &str) -> Vec<&Expression<'a>> {
        let by_panel = self.queries.get_or_init(|| {
            let mut by_panel = Queries::new();
            for (index, expression) in self.expressions.iter().enumerate() {
                if expression.usage == Usage::Panel
                    && let Some(panel) = expression.panel()
                {
                    let panels = by_panel.entry(expression.path).or_default();
                    panels.entry(panel.to_string()).or_default().push(index);
                }
            }
            by_panel
        });
        let queries = by_panel.get(path).and_then(|panels| panels.get(panel));
        let queries = queries.into_iter().flatten();
        queries.map(|index| &self.expressions[*index]).collect()
    }
}

/// The names and severities that the rules give their alerts; None: a rule has none, or works it out.
fn alerts(files: Files) -> (Option<Vec<String>>, Option<Vec<String>>) {
    let all = |value: fn(&Value) -> &Value| {
        let texts = files.alerts().map(|(_, _, rule)| value(rule).as_str());
        let texts = texts.map(|text| text.filter(|text| !text.contains("{{")).map(str::to_string));
        let values: Option<BTreeSet<String>> = texts.collect();
        values
            .filter(|values| !values.is_empty())
            .map(|values| values.into_iter().collect())
    };
    (
        all(|rule| &rule["alert"]),
        all(|rule| &rule["labels"]["severity"]),
    )
}
