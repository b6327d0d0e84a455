//! An expression of the catalog's own fires for each service that fails, however many do at once.

use super::{Check, Example, Proof, place};
use crate::catalog::{Alert, Catalog, Group, Scope, Service};
use crate::diagnostic::{Diagnostic, Severity};
use crate::evaluation::classes::{OF_TARGETS, Questions, target};
use crate::evaluation::unit_tests::{Found, Mismatch, Suite, labels};
use crate::promql::engine::{Labels, NAME, Release, metric};
use crate::promql::walk::selectors;
use crate::render::File;
use crate::stack::Stack;
use crate::stack::rules::LoadedRule;
use crate::stack::tested::RuleFiles;
use crate::value::{Value, json};

pub(crate) const PROOF: Proof = Proof {
    code: "fires-alone",
    doc: "With `topk`, or with a sum over all services, an alert fires for one service and hides that others fail too. The catalog's own test is run once more with a second service that fails in the same way, and with one that the alert leaves out: for that it is silent.",
    example: Example::Catalog {
        bad: "[services.basket]\ngroup = \"web\"\nport = 8077\n\n[metrics.queue_length]\ntype = \"gauge\"\nhelp = \"Jobs that wait\"\n\n[alerts.Queue]\nkind = \"promql\"\nexpr = 'topk(1, max by (job, service, component) (shop_queue_length)) > 100'\nfor = \"5m\"\nseverity = \"warning\"\ntests = [\n  { name = \"long\", at = \"10m\", series = { 'shop_queue_length{job=\"checkout\",service=\"checkout\",component=\"web\"}' = \"500x20\" }, fires = [\"checkout\"] },\n  { name = \"short\", at = \"10m\", series = { 'shop_queue_length{job=\"checkout\",service=\"checkout\",component=\"web\"}' = \"50x20\" } },\n]\n",
        good: "[services.basket]\ngroup = \"web\"\nport = 8077\n\n[metrics.queue_length]\ntype = \"gauge\"\nhelp = \"Jobs that wait\"\n\n[alerts.Queue]\nkind = \"promql\"\nexpr = 'max by (job, service, component) (shop_queue_length) > 100'\nfor = \"5m\"\nseverity = \"warning\"\ntests = [\n  { name = \"long\", at = \"10m\", series = { 'shop_queue_length{job=\"checkout\",service=\"checkout\",component=\"web\"}' = \"500x20\" }, fires = [\"checkout\"] },\n  { name = \"short\", at = \"10m\", series = { 'shop_queue_length{job=\"checkout\",service=\"checkout\",component=\"web\"}' = \"50x20\" } },\n]\n",
    },
    check: Check::Stack(|stack| {
        let (files, rule_files) = (stack.files.tests(), RuleFiles::of(stack));
        files
            .filter_map(|file| {
                let tried = Tried::of(stack, file, &rule_files)?;
                excepted(&tried).or_else(|| alone(&tried))
            })
            .collect()
    }),
};

/// The tests of one alert, each of which may be run once more with other services.
struct Tried<'a, 's> {
    stack: &'a Stack<'s>,
    file: &'a File,
    alert: &'a Alert,
    loaded: &'a LoadedRule<'s>,
    rule_files: &'a RuleFiles<'a, 's>,
    /// Those of the catalog that fire for one alone, each with what it expects.
    tests: Vec<(&'a Value, &'a Value)>,
}

impl<'a, 's> Tried<'a, 's> {
    fn of(
        stack: &'a Stack<'s>,
        file: &'a File,
        rule_files: &'a RuleFiles<'a, 's>,
    ) -> Option<Tried<'a, 's>> {
        let alert = stack.catalog.alert(file.alert()?)?;
        let own = stack.own_tests.of_file(file);
        let tests = file.value["tests"].items().zip(&own);
        let tests = tests.filter(|(_, own)| own.is_some());
        let tests = tests.filter_map(|(test, _)| {
            let mut fires = test["promql_expr_test"][0]["exp_samples"].items();
            match (fires.next(), fires.next()) {
                (Some(only), None) => Some((test, only)),
                _ => None,
            }
        });
        let loaded = stack.alert(&alert.name)?;
        // Of what nobody emits nothing fires, for whomever.
        let mut read = selectors(&loaded.rule.expr).into_iter().filter_map(metric);
        if !read.all(|name| stack.contract.knows(name)) {
            return None;
        }
        Some(Tried {
            stack,
            file,
            alert,
            loaded,
            rule_files,
            tests: tests.collect(),
        })
    }

    /// How a test ends otherwise than it says.
    fn mismatch(&self, test: Value) -> Option<Mismatch> {
        let mut suite = self.file.value.as_ref().clone();
        suite["tests"] = json!([test]);
        let loaded = self.rule_files.loaded(self.file);
        let parsed = |text: &str| self.stack.contract.parse(text);
        let found = Suite::new(&suite, &loaded, &parsed).run(&[Release::Three]);
        match found.into_iter().next() {
            Some((_, Found::Mismatch(mismatch))) => Some(mismatch),
            _ => None,
        }
    }

    fn wrong(&self, message: String, help: &str) -> Diagnostic {
        let pointer = format!("{}/expr", self.loaded.pointer);
        place::at(self.loaded.path, pointer, message, help)
    }
}

/// The first test that does not fire for a second service.
fn alone(tried: &Tried) -> Option<Diagnostic> {
    let (catalog, alert) = (tried.stack.catalog, tried.alert);
    let questions = Questions::of(&[&tried.loaded.rule], &OF_TARGETS)?;
    for (test, only) in tried.tests.iter().copied() {
        let fired = only["labels"].as_str()?;
        let (names, pairs) = match alert.about {
            Scope::Service => {
                let job = labels(fired).ok()?.get("job").to_string();
                let first = catalog.service(&job)?;
                let Some(second) = like(catalog, alert, first, &questions, test) else {
                    continue;
                };
                ([&first.name, &second.name], vec![(first, second)])
            }
            Scope::Group => {
                let key = labels(fired).ok()?.get("component").to_string();
                let mut groups = catalog.groups.iter();
                let first = groups.find(|group| group.key == key)?;
                let Some((second, pairs)) = alike(catalog, alert, first, &questions, test) else {
                    continue;
                };
                ([&first.key, &second.key], pairs)
            }
            Scope::Platform => continue,
        };
        let mut doubled = test.clone();
        let copies = test["input_series"].items().filter_map(|series| {
            let mut pairs = pairs.iter();
            pairs.find_map(|(first, second)| renamed(series, first, second))
        });
        let copies: Vec<Value> = copies.collect();
        doubled["input_series"].as_array_mut()?.extend(copies);
        let both = match alert.about {
            Scope::Service => {
                let [(first, second)] = pairs[..] else {
                    continue;
                };
                let text = of_another(&labels(fired).ok()?, first, second);
                [only.clone(), json!({"labels": text, "value": 1})]
            }
            _ => {
                let of = |name: &String| format!("component={name:?}");
                let text = fired.replace(&of(names[0]), &of(names[1]));
                [only.clone(), json!({"labels": text, "value": 1})]
            }
        };
        doubled["promql_expr_test"][0]["exp_samples"] = Value::from(both.to_vec());
        if let Some(mismatch) = tried.mismatch(doubled) {
            let seen = mismatch.got.len();
            // An alert that compares services with each other may mean it.
            return Some(warned(tried.wrong(
                format!(
                    "`{}` fires for {} when `{}` and `{}` fail in the way of its test `{}`",
                    alert.name,
                    match seen {
                        0 => "neither".to_string(),
                        _ => format!("{seen} of 2"),
                    },
                    names[0],
                    names[1],
                    test["name"].as_str().unwrap_or_default()
                ),
                match alert.about {
                    Scope::Group => "compare each group by itself: `sum by (component) (…) > …`",
                    _ => {
                        "compare each service by itself: `max by (job, service, component) (…) > …`"
                    }
                },
            )));
        }
    }
    None
}

/// The first test that fires for a service too that the catalog leaves out, when that fails in its place.
fn excepted(tried: &Tried) -> Option<Diagnostic> {
    let (catalog, alert) = (tried.stack.catalog, tried.alert);
    if alert.about != Scope::Service {
        return None;
    }
    let left_out = [alert.excepts.first(), alert.spares.first()];
    let left_out = left_out.into_iter().flatten();
    let left_out: Vec<&Service> = left_out.filter_map(|name| catalog.service(name)).collect();
    for (test, only) in &tried.tests {
        let fired = labels(only["labels"].as_str()?).ok()?;
        let first = catalog.service(fired.get("job"))?;
        for second in left_out
            .iter()
            .filter(|service| !names(test, &service.name))
        {
            let mut exchanged = (*test).clone();
            for series in exchanged["input_series"].as_array_mut()? {
                if let Some(other) = renamed(series, first, second) {
                    *series = other;
                }
            }
            exchanged["promql_expr_test"][0]["exp_samples"] = json!([]);
            if tried.mismatch(exchanged).is_some() {
                let message = format!(
                    "`{}` fires for `{}` too, which the catalog leaves out, when it fails in the way of its test `{}`",
                    alert.name,
                    second.name,
                    test["name"].as_str().unwrap_or_default()
                );
                return Some(tried.wrong(
                    message,
                    "leave the service out of the condition: `unless on (job)` those that are left out, or `and on (job)` those that are meant",
                ));
            }
        }
    }
    None
}

/// Whether a label of the series that a test gives has this value.
fn names(test: &Value, name: &str) -> bool {
    let given = test["input_series"].to_string();
    given.contains(&format!("\\\"{name}\\\""))
}

/// Another group that an alert is about, with a service for each of those of the first that the test names; nothing but their
/// names tells them apart.
fn alike<'a>(
    catalog: &'a Catalog,
    alert: &Alert,
    first: &'a Group,
    questions: &Questions,
    test: &Value,
) -> Option<(&'a Group, Vec<(&'a Service, &'a Service)>)> {
    let named = |name: &str| names(test, name);
    let members = catalog.services_of(&first.services);
    let members: Vec<&Service> = members.filter(|service| named(&service.name)).collect();
    let answers = |service: &Service| {
        let own = target(service).filtered(|label| label == "component");
        questions.answers(&own)
    };
    let others = catalog.groups.iter().filter(|group| {
        group.key != first.key && alert.covers_groups.contains(&group.key) && !named(&group.key)
    });
    for other in others {
        let free = catalog.services_of(&other.services);
        let free: Vec<&Service> = free.filter(|service| !named(&service.name)).collect();
        let same = match (members.first(), free.first()) {
            (Some(one), Some(other)) => answers(one) == answers(other),
            _ => false,
        };
        if same && free.len() >= members.len() {
            return Some((other, members.into_iter().zip(free).collect()));
        }
    }
    None
}

fn warned(found: Diagnostic) -> Diagnostic {
    Diagnostic {
        severity: Severity::Warning,
        ..found
    }
}

/// Another service that the alert covers, that nothing tells apart from the first, and that the test does not name.
fn like<'a>(
    catalog: &'a Catalog,
    alert: &Alert,
    first: &Service,
    questions: &Questions,
    test: &Value,
) -> Option<&'a Service> {
    let setting = |service: &Service| {
        let branch = alert.branch_of(&service.name)?;
        Some((
            branch.limit(),
            branch.window,
            branch.r#for,
            branch.severity.clone(),
        ))
    };
    let others = alert.covers.iter().filter(|name| **name != first.name);
    let mut others = others.filter_map(|name| catalog.service(name));
    others.find(|other| {
        setting(other) == setting(first)
            && questions.answers(&target(other)) == questions.answers(&target(first))
            && !names(test, &other.name)
    })
}

/// The same series of another service; None: it is not of the first.
fn renamed(series: &Value, first: &Service, second: &Service) -> Option<Value> {
    let own = labels(series["series"].as_str()?).ok()?;
    if own.get("job") != first.name && own.get("service") != first.name {
        return None;
    }
    let text = own.get(NAME).to_string() + &of_another(&own, first, second);
    Some(json!({"series": text, "values": series["values"]}))
}

/// Labels as text, with those of the second service's targets in place of the first's.
fn of_another(own: &Labels, first: &Service, second: &Service) -> String {
    let (from, to) = (target(first), target(second));
    let pairs: Vec<String> = own
        .without_name()
        .iter()
        .map(|(label, value)| {
            let value = if !value.is_empty() && value == from.get(label) {
                to.get(label)
            } else {
                value
            };
            format!("{label}={value:?}")
        })
        .collect();
    format!("{{{}}}", pairs.join(","))
}
