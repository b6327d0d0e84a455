//! What is proved of the user's own files, of `[extra]`: whatever needs no intent. What they are meant to do the catalog
//! does not say.

use super::{Expression, Usage, panel_unit, place};
use crate::catalog::Catalog;
use crate::contract::Contract;
use crate::contract::domain::Domain;
use crate::contract::evaluate::Node;
use crate::contract::series::SeriesSet;
use crate::diagnostic::{Diagnostic, Place, Severity, nearest, suggestion};
use crate::profiles::built_in;
use crate::promql::engine::metric;
use crate::promql::matchers::picks;
use crate::promql::number::number;
use crate::promql::walk::{selector, selectors};
use crate::promql::{Expr, LabelModifier, VectorSelector};
use crate::proofs::panel_legend::named_labels;
use crate::render::{File, Rendered};
use crate::stack::Stack;
use crate::stack::open::Open;
use std::cell::RefCell;
use std::collections::{BTreeSet, HashMap, HashSet};

/// Proofs that ask nothing of the catalog but what exists: they look at everything, the others at what is rendered.
const WITHOUT_INTENT: [&str; 50] = [
    "alert-without-condition",
    "ambiguous-match",
    "annotation-label",
    "beyond-retention",
    "broken-text",
    "constant-alert",
    "count-of-none",
    "dashboard-model",
    "dead-link",
    "false-text",
    "gauge-function-on-counter",
    "grafana-provisioning",
    "histogram-as-number",
    "impossible-threshold",
    "inhibition",
    "invalid-promql",
    "labels-do-not-fit",
    "late-notification",
    "literal-secret",
    "mixed-units",
    "newer-than-minimum",
    "notification-template",
    "notification-text",
    "panel-unit",
    "quantile-without-le",
    "range-too-short",
    "rate-of-gauge",
    "raw-counter",
    "recorded-window",
    "refused-notification",
    "rule-file",
    "scrape-job",
    "slow-rule-group",
    "server-settings",
    "test-fails",
    "test-proves-nothing",
    "undelivered-alert",
    "unenabled-function",
    "unknown-datasource",
    "unknown-flag",
    "unknown-grouping",
    "unknown-matching-label",
    "unknown-metric",
    "unmatchable",
    "unmounted-file",
    "unreachable-address",
    "unreachable-receiver",
    "unread-setting",
    "unrouted-alert",
    "variable-values",
];

/// Those of them that hold for metrics of which nothing is known: what compares a value with itself.
const OF_ANYTHING: [&str; 1] = ["impossible-threshold"];

/// And for metrics whose type is known, though not who has them with which labels.
const OF_TYPES: [&str; 6] = [
    "gauge-function-on-counter",
    "histogram-as-number",
    "mixed-units",
    "quantile-without-le",
    "rate-of-gauge",
    "raw-counter",
];

/// How much is known of what an own expression reads.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Known {
    Nothing,
    /// The types of its metrics.
    Types,
    Whole,
}

impl Known {
    /// Whether a proof can judge that.
    pub(super) fn judged_by(self, code: &str) -> bool {
        match self {
            Known::Whole => WITHOUT_INTENT.contains(&code),
            Known::Types => OF_TYPES.contains(&code) || OF_ANYTHING.contains(&code),
            Known::Nothing => OF_ANYTHING.contains(&code),
        }
    }
}

/// What is asked of alerts by a name, or a state, that none has.
fn of_no_alert(
    expression: &Expression,
    selector: &VectorSelector,
    contract: &Contract,
) -> Option<Diagnostic> {
    metric(selector).filter(|name| name.starts_with("ALERTS"))?;
    let named = contract.domains(contract.family("ALERTS"), "alertname");
    let mut names = BTreeSet::new();
    for domain in named {
        match domain {
            Domain::Values(values) => names.extend(values),
            // They may have any name.
            Domain::Pattern(_) => return None,
        }
    }
    let states = ["pending", "firing"];
    let mut matchers = selector.matchers.matchers.iter();
    let wrong = matchers.find(|matcher| match matcher.name.as_str() {
        "alertname" => !names.iter().any(|name| picks(matcher, name)),
        "alertstate" => !states.iter().any(|state| picks(matcher, state)),
        _ => false,
    })?;
    let (what, help) = match wrong.name.as_str() {
        "alertname" => {
            let known = names.iter().map(String::as_str);
            ("no alert is called", suggestion(&wrong.value, known))
        }
        _ => (
            "no alert has the state",
            "an alert is `pending` or `firing`".to_string(),
        ),
    };
    let message = format!("{what} `{}`: `{selector}` is always empty", wrong.value);
    Some(place::on(expression, message, help))
}

/// Which proofs judge what.
pub(super) struct Reach<'a, 's> {
    rendered: &'a Rendered,
    /// Paths of placed files.
    placed: HashSet<&'a str>,
    open: &'s Open,
    /// What own jobs expose with labels of which nobody knows the names.
    unlisted: HashSet<&'a str>,
    /// What can only be the catalog's own, though a job may expose anything.
    closed: HashSet<String>,
    /// What own rules record, with how much is known of that.
    recorded: HashMap<&'a str, Known>,
    /// Names that nobody emits → one that is nearly the same: own rules and panels ask for the same again and again.
    near: RefCell<HashMap<String, Option<String>>>,
}

impl<'a, 's> Reach<'a, 's> {
    pub(super) fn of(
        catalog: &'a Catalog,
        rendered: &'a Rendered,
        stack: &'s Stack<'a>,
    ) -> Reach<'a, 's> {
        let own = rendered.files.iter().filter(|file| file.is_own());
        let mut reach = Reach {
            rendered,
            placed: own.map(|file| file.path.as_str()).collect(),
            open: stack.open(),
            unlisted: HashSet::new(),
            closed: HashSet::new(),
            recorded: HashMap::new(),
            near: RefCell::default(),
        };
        if reach.placed.is_empty() {
            return reach;
        }
        let profiles = catalog.extra.jobs.values().flat_map(|job| &job.profiles);
        let profiles = profiles.filter_map(|name| catalog.profiles.get(name));
        let unlisted = profiles.flat_map(|profile| &profile.open);
        reach.unlisted = unlisted.map(String::as_str).collect();
        if reach.open.nothing() && reach.unlisted.is_empty() {
            return reach;
        }
        reach.closed = closed(catalog, stack);
        // What is recorded of a record is known no better than that.
        loop {
            let before = reach.recorded.clone();
            for expression in stack
                .used(Usage::Record)
                .filter(|one| reach.placed.contains(one.path))
            {
                let rule = expression.pointer.trim_end_matches("/expr");
                let file = stack.files.at(expression.path);
                let name = file.and_then(|file| file.value.pointer(rule)?["record"].as_str());
                let known = reach.known(expression, &stack.contract);
                if let Some(name) = name {
                    let all = reach.recorded.entry(name).or_insert(known);
                    *all = known.min(*all);
                }
            }
            if reach.recorded == before {
                return reach;
            }
        }
    }

    /// Whether the proof needs no intent.
    pub(super) fn needs_no_intent(code: &str) -> bool {
        WITHOUT_INTENT.contains(&code)
    }

    /// Whether the expression is the user's own.
    pub(super) fn is_own(&self, expression: &Expression) -> bool {
        self.placed.contains(expression.path)
    }

    /// How much is known of what an own expression reads.
    pub(super) fn known(&self, expression: &Expression, contract: &Contract) -> Known {
        let all = selectors(&expression.ast).into_iter();
        let known = all.map(|selector| self.given(selector, contract)).min();
        known.unwrap_or(Known::Whole)
    }

    /// The same of what a selector picks.
    fn given(&self, selector: &VectorSelector, contract: &Contract) -> Known {
        let Some(name) = metric(selector) else {
            return Known::Nothing;
        };
        // Own alerts have labels that the rules of others give them.
        if name.starts_with("ALERTS") {
            return Known::Types;
        }
        if self.unlisted.contains(name) {
            return Known::Nothing;
        }
        if self.open.nothing() && self.recorded.is_empty() || self.closed.contains(name) {
            return Known::Whole;
        }
        if let Some(known) = self.recorded.get(name) {
            return *known;
        }
        match (self.open.may_give(selector, contract), contract.knows(name)) {
            // What it picks of those that are known is as they say, whoever else may have a metric of that name.
            (true, true) if picks_known(selector, name, contract) => Known::Whole,
            (false, false) if self.may_be_added(selector, contract) => Known::Nothing,
            (false, _) => Known::Whole,
            (true, true) => Known::Types,
            (true, false) => Known::Nothing,
        }
    }

    /// Whether an exporter may be made to expose it beside what its profile lists, as a script beside node_exporter does.
    fn may_be_added(&self, selector: &VectorSelector, contract: &Contract) -> bool {
        let family = |name: &str| name.split(['_', ':']).next().map(str::to_string);
        let own = metric(selector).and_then(family);
        let like = |known: &str| family(known) == own;
        self.open.may_be_of_program(selector, contract) && !contract.names().any(like)
    }

    /// Metrics of an own expression that nobody is known to emit, and that are nearly called as one that somebody does.
    pub(super) fn misspelt(&self, expression: &Expression, contract: &Contract) -> Vec<Diagnostic> {
        let mut found = Vec::new();
        for selector in selectors(&expression.ast) {
            found.extend(of_no_alert(expression, selector, contract));
            let known = |name: &&str| contract.knows(name) || self.unlisted.contains(name);
            let Some(name) = metric(selector).filter(|name| !known(name)) else {
                continue;
            };
            let near = self.near(name, contract);
            let message = format!("nobody is known to emit `{name}`");
            let help = match near {
                Some(near) => Some(format!(
                    "did you mean `{near}`? If a job of `scrape` exposes it, say so with `profiles` in [extra.jobs]"
                )),
                None => (!self.open.may_give(selector, contract)).then(|| {
                    "where a job of `scrape` exposes it beside what its profile lists, list it in a profile of your own, profiles/NAME.toml, and name that in [extra.jobs]".to_string()
                }),
            };
            if let Some(help) = help {
                found.push(Diagnostic {
                    severity: Severity::Warning,
                    ..place::on(expression, message, help)
                });
            }
        }
        found
    }

    /// Labels in the legend of an own panel that its series do not have: what they are to tell is left out.
    pub(super) fn unnamed(&self, expression: &Expression, contract: &Contract) -> Vec<Diagnostic> {
        let legend = expression.target["legendFormat"].as_str();
        let series = expression.series(contract);
        let mut found = Vec::new();
        for label in legend.into_iter().flat_map(named_labels) {
            if label == "__name__" || series.is_empty() || series.iter().any(|one| one.has(label)) {
                continue;
            }
            let title = expression.owner["title"].as_str().unwrap_or_default();
            let message = format!("the series of `{title}` have no label `{label}`");
            let known = series.iter().flat_map(|one| one.names());
            let known: BTreeSet<&str> = known.collect();
            let pointer = expression.pointer.replace("/expr", "/legendFormat");
            let help = suggestion(label, known.iter().copied());
            found.push(place::at(expression.path, pointer, message, help));
        }
        found
    }

    /// What an expression proof has against an own expression, as far as that is no matter of what it is meant to do.
    pub(super) fn without_intent(
        &self,
        code: &str,
        (expression, nodes): (&Expression, &[Node]),
        contract: &Contract,
        found: Diagnostic,
    ) -> Option<Diagnostic> {
        match code {
            // Some series are there only while something is wrong: which ones, say the values of their own labels.
            "alert-without-condition" => {
                let own = |node: &Node| {
                    let selector = selector(node.expr);
                    let mut asked = selector.into_iter().flat_map(|one| &one.matchers.matchers);
                    asked.any(|matcher| {
                        let of_target = |series: &SeriesSet| series.carried.contains(&matcher.name);
                        !matcher.value.is_empty() && !node.series.iter().any(of_target)
                    })
                };
                (!nodes.iter().any(own)).then_some(found)
            }
            // Rules for many installations group by more than each has; what is nearly a label that is there is misspelt.
            "unknown-grouping" => {
                let by_some = |node: &Node| {
                    let Expr::Aggregate(aggregate) = node.expr else {
                        return true;
                    };
                    let Some(LabelModifier::Include(by)) = &aggregate.modifier else {
                        return true;
                    };
                    let operand = node.operands.last().map(|operand| &nodes[*operand]);
                    let mut series = operand.into_iter().flat_map(|operand| &operand.series);
                    by.labels.is_empty()
                        || series.any(|series| by.labels.iter().any(|label| series.has(label)))
                };
                let misspelt = found.help.starts_with("did you mean");
                let severity = match misspelt || !nodes.iter().all(by_some) {
                    true => found.severity,
                    false => Severity::Warning,
                };
                Some(Diagnostic { severity, ..found })
            }
            // A panel may show how much there was since the start, and an alert whether there was any at all.
            "raw-counter" => {
                let any = |node: &Node| {
                    let Expr::Binary(binary) = node.expr else {
                        return false;
                    };
                    let sides = [&binary.lhs, &binary.rhs];
                    let mut numbers = sides.into_iter().filter_map(|side| number(side));
                    binary.op.is_comparison_operator() && numbers.any(|number| number == 0.0)
                };
                let asked = expression.usage == Usage::Alert && !nodes.iter().any(any);
                asked.then_some(found)
            }
            // The samples of a test may be of machines that are made up.
            "unmatchable" if expression.usage == Usage::Test => None,
            // Who thinks of one core as the whole reads 100 %.
            "panel-unit" if found.message == panel_unit::CORES_AS_RATIO => None,
            // A panel shows no data where an exporter does not have it, as dashboards for many installations have some.
            "unknown-metric"
                if expression.usage == Usage::Panel && !self.nearly_known(expression, contract) =>
            {
                let severity = Severity::Warning;
                Some(Diagnostic { severity, ..found })
            }
            "unknown-metric" => {
                let help = format!(
                    "{}; what a job of `scrape` exposes beside its profile is listed in one of your own, profiles/NAME.toml, which [extra.jobs] names too",
                    found.help.trim_end_matches('.')
                );
                Some(Diagnostic { help, ..found })
            }
            _ => Some(found),
        }
    }

    /// Whether a metric that nobody emits is nearly called as one that somebody does.
    fn nearly_known(&self, expression: &Expression, contract: &Contract) -> bool {
        let names = selectors(&expression.ast).into_iter().filter_map(metric);
        let mut unknown = names.filter(|name| !contract.knows(name));
        unknown.any(|name| self.near(name, contract).is_some())
    }

    fn near(&self, name: &str, contract: &Contract) -> Option<String> {
        let known = self.near.borrow().get(name).cloned();
        let near = known.unwrap_or_else(|| near(name, contract));
        let mut all = self.near.borrow_mut();
        all.insert(name.to_string(), near.clone());
        near
    }

    /// Whether a finding of a proof that needs intent is about what the user wrote without saying any.
    pub(super) fn is_beyond(&self, code: &str, found: &Diagnostic) -> bool {
        let Place::Rendered { file, pointer } = &found.place else {
            return false;
        };
        !Reach::needs_no_intent(code) && self.rendered.own_place(file, pointer).is_some()
    }
}

/// Whether a selector picks series of which the contract knows the labels.
fn picks_known(selector: &VectorSelector, name: &str, contract: &Contract) -> bool {
    let matchers = &selector.matchers.matchers;
    let mut family = contract.family(name).iter();
    family.any(|series| contract.select(series, matchers).is_some())
}

/// A known metric that is nearly called like this.
fn near(name: &str, contract: &Contract) -> Option<String> {
    // Of a short name almost any other is near; and what differs by more letters, or by the first, is not compared at all.
    let names = contract.names().filter(|near| {
        let apart = near.len().abs_diff(name.len());
        near.len() > 7 && apart <= near.len() / 8 && near.chars().next() == name.chars().next()
    });
    let near = nearest(name, names)?;
    (strsim::damerau_levenshtein(name, near) <= near.len() / 8).then(|| near.to_string())
}

/// Own rules that record what others write: whoever reads that reads both, or one in place of the other.
pub(super) fn taken(catalog: &Catalog, rendered: &Rendered) -> Vec<Diagnostic> {
    let mut records = rendered.own().rules().peekable();
    if records.peek().is_none() {
        return Vec::new();
    }
    let generated = rendered.files.iter().filter(|file| !file.is_own());
    let generated: HashSet<&str> = generated
        .flat_map(File::rules)
        .filter_map(|(_, rule)| rule["record"].as_str())
        .collect();
    let declared: HashSet<String> = catalog
        .declared()
        .flat_map(|metric| {
            ["", "_bucket", "_sum", "_count"].map(|part| format!("{}{part}", metric.name))
        })
        .collect();
    let mut written: HashSet<&str> = built_in("target").collect();
    written.extend(["ALERTS", "ALERTS_FOR_STATE"]);
    let taken = records.filter_map(|(file, pointer, rule)| {
        let name = rule["record"].as_str()?;
        let whose = match name {
            _ if generated.contains(name) => "a generated rule records",
            _ if declared.contains(name) => "services expose",
            _ if written.contains(name) => "Prometheus writes",
            _ => return None,
        };
        let message = format!(
            "{whose} `{name}` too: whoever reads it gets both, or one in place of the other"
        );
        let place = file.place(&format!("{pointer}/record"));
        let taken = Diagnostic::error("extra-taken-name", place, message);
        Some(taken.help("give what this rule records another name"))
    });
    taken.collect()
}

/// What the catalog declares, and what the generated rules record.
fn closed(catalog: &Catalog, stack: &Stack) -> HashSet<String> {
    let declared = catalog.declared().flat_map(|metric| {
        let suffixes = ["", "_bucket", "_sum", "_count"];
        suffixes.map(|suffix| format!("{}{suffix}", metric.name))
    });
    let rules = stack.files.rules().filter(|(file, _, _)| !file.is_own());
    let recorded = rules.filter_map(|(_, _, rule)| rule["record"].as_str().map(str::to_string));
    declared.chain(recorded).collect()
}
