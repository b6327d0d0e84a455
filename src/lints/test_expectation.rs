//! What an alert's own tests expect can come true: services that it covers, at a time at which it can fire.

use super::{Lint, names};
use crate::catalog::alerts::Expected;
use crate::catalog::{Alert, Catalog, Scope};
use crate::diagnostic::{Diagnostic, Place, suggestion};
use crate::json::plain;
use crate::value::Map;

pub(crate) const LINT: Lint = Lint {
    code: "test-expectation",
    doc: "A test that expects a service which is not there, or an alert before its `for` is over, fails whatever the expression says.",
    bad: "[alerts.ManyOrders]\nkind = \"promql\"\nexpr = \"shop_orders_active > 100\"\nfor = \"5m\"\nseverity = \"info\"\ntests = [\n  { name = \"many\", at = \"10m\", series = { 'shop_orders_active{job=\"checkout\"}' = \"101x20\" }, fires = [\"chekout\"] },\n  { name = \"few\", at = \"10m\", series = { 'shop_orders_active{job=\"checkout\"}' = \"100x20\" } },\n]\n",
    good: "[alerts.ManyOrders]\nkind = \"promql\"\nexpr = \"shop_orders_active > 100\"\nfor = \"5m\"\nseverity = \"info\"\ntests = [\n  { name = \"many\", at = \"10m\", series = { 'shop_orders_active{job=\"checkout\"}' = \"101x20\" }, fires = [\"checkout\"] },\n  { name = \"few\", at = \"10m\", series = { 'shop_orders_active{job=\"checkout\"}' = \"100x20\" } },\n]\n",
    check: |catalog, _| {
        catalog
            .alerts
            .iter()
            .flat_map(|alert| of(alert, catalog))
            .collect()
    },
};

fn of(alert: &Alert, catalog: &Catalog) -> Vec<Diagnostic> {
    let mut found = Vec::new();
    for test in alert.tests() {
        for (index, expected) in test.fires.iter().enumerate() {
            let place = Place::Value(match expected {
                Expected::Whole => format!("{}/fires", test.pointer),
                _ => format!("{}/fires/{index}", test.pointer),
            });
            if let Some((message, help)) = unlike(alert, catalog, expected) {
                found.push(Diagnostic::error("test-expectation", place, message).help(help));
                continue;
            }
            let service = match expected {
                Expected::Named(name) => Some(*name),
                Expected::Labelled(labels) => labels.get("service").and_then(|name| name.as_str()),
                Expected::Whole => None,
            };
            let wait = service.and_then(|name| alert.branch_of(name));
            let wait = wait
                .or(alert.branches.first())
                .map_or(alert.r#for, |branch| branch.r#for);
            if test.fires[..index].contains(expected) {
                let message = format!("{} is duplicated", called(expected));
                found.push(
                    Diagnostic::error("test-expectation", place, message)
                        .help("remove one of the two"),
                );
            } else if test.at < wait {
                let whom = match expected {
                    Expected::Whole => String::new(),
                    one => format!(" for {}", called(one)),
                };
                let message = format!(
                    "at {} the alert cannot fire{whom} yet: its condition has to hold for {wait}",
                    test.at
                );
                found.push(
                    Diagnostic::error(
                        "test-expectation",
                        Place::Value(format!("{}/at", test.pointer)),
                        message,
                    )
                    .also(place, "expected to fire")
                    .help(format!("look later than {wait}")),
                );
            }
        }
        // One query asks for all of them.
        let of_two_forms = alert.about == Scope::Service
            && test
                .fires
                .iter()
                .any(|one| matches!(one, Expected::Named(_)))
            && test
                .fires
                .iter()
                .any(|one| matches!(one, Expected::Labelled(_)));
        if of_two_forms && found.is_empty() {
            found.push(
                Diagnostic::error(
                    "test-expectation",
                    Place::Value(format!("{}/fires", test.pointer)),
                    "some are named by their labels, and some by their services alone",
                )
                .help(format!("write {} for each", shape(alert))),
            );
        }
        let named = test.fires.iter().filter_map(|expected| match expected {
            Expected::Named(name) => Some(*name),
            _ => None,
        });
        let (labels, given): (&[&str], _) = match alert.about {
            Scope::Group => (&["component"], "the series of a group's services"),
            // What is pushed may have a job of its own.
            _ => (&["job", "service"], "every series of a service"),
        };
        let nowhere: Vec<&str> = named
            .filter(|name| {
                !test
                    .series()
                    .any(|(series, _)| belongs(series, labels, name))
            })
            .collect();
        if !nowhere.is_empty()
            && found.is_empty()
            && !alert.settings["expr"]
                .as_str()
                .is_some_and(|expr| expr.contains("absent") || expr.contains("label_"))
        {
            let message = format!(
                "no series of the test `{}` is one of {}, which it expects to fire",
                test.name,
                names(nowhere.iter().copied())
            );
            let help = format!(
                "Prometheus gives {given} the label {0}: write `metric{{{0}=\"{1}\"}}`",
                labels[0], nowhere[0]
            );
            found.push(
                Diagnostic::warning(
                    "test-expectation",
                    Place::Value(format!("{}/series", test.pointer)),
                    message,
                )
                .help(help),
            );
        }
    }
    found
}

/// As people read it.
fn called(expected: &Expected) -> String {
    match expected {
        Expected::Named(name) => format!("`{name}`"),
        Expected::Labelled(labels) => {
            let all = labels.iter();
            let all = all.map(|(label, value)| format!("{label}={}", plain(value)));
            format!("`{}`", all.collect::<Vec<_>>().join(", "))
        }
        Expected::Whole => "the platform".to_string(),
    }
}

/// Why an alert never fires as a test expects it, and what to write; None: it may.
fn unlike(alert: &Alert, catalog: &Catalog, expected: &Expected) -> Option<(String, String)> {
    match (alert.about, expected) {
        (Scope::Service, Expected::Named(name)) => alert.branch_of(name).is_none().then(|| {
            uncovered(
                alert,
                ("service", name),
                catalog.service(name).is_some(),
                &alert.covers,
            )
        }),
        (Scope::Service, Expected::Labelled(labels)) if !alert.per.is_empty() => {
            let named = labels.get("service").and_then(|name| name.as_str());
            match otherwise(alert, expected, labels) {
                Some((message, help)) => Some((message, format!("{help}, or the services alone"))),
                None => unlike(alert, catalog, &Expected::Named(named.unwrap_or_default())),
            }
        }
        (Scope::Service, other) => Some((
            format!(
                "`{}` is about services, and fires for each by its name, not for {}",
                alert.name,
                called(other)
            ),
            "write the services: `fires = [\"…\"]`; or say what else it is about with `about`"
                .to_string(),
        )),
        (Scope::Group, Expected::Named(name)) if alert.per.is_empty() => {
            (!alert.covers_groups.iter().any(|key| key == name)).then(|| {
                let known = catalog.groups.iter().any(|group| group.key == *name);
                uncovered(alert, ("group", name), known, &alert.covers_groups)
            })
        }
        (Scope::Platform, Expected::Whole) if alert.per.is_empty() => None,
        (_, Expected::Labelled(labels)) if !alert.per.is_empty() => {
            let group = labels.get("component").and_then(|group| group.as_str());
            let foreign = group.filter(|group| !alert.covers_groups.iter().any(|key| key == group));
            otherwise(alert, expected, labels).or_else(|| {
                let group = foreign?;
                let known = catalog.groups.iter().any(|known| known.key == group);
                Some(uncovered(
                    alert,
                    ("group", group),
                    known,
                    &alert.covers_groups,
                ))
            })
        }
        _ => Some((
            format!(
                "`{}` is about {}, and does not fire for {}",
                alert.name,
                match alert.about {
                    Scope::Group => "groups",
                    _ => "the platform as a whole",
                },
                called(expected)
            ),
            format!("write {}", shape(alert)),
        )),
    }
}

/// The labels by which a test names what an alert fires apart by.
fn apart(alert: &Alert) -> Vec<&str> {
    let first = match alert.about {
        Scope::Service => Some("service"),
        Scope::Group => Some("component"),
        Scope::Platform => None,
    };
    let per = alert.per.iter().map(String::as_str);
    first.into_iter().chain(per).collect()
}

/// Other labels than those, fewer or more.
fn otherwise(alert: &Alert, expected: &Expected, labels: &Map) -> Option<(String, String)> {
    let wanted = apart(alert);
    let whole =
        labels.len() == wanted.len() && wanted.iter().all(|label| labels.contains_key(label));
    let message = || {
        format!(
            "`{}` fires apart by {}, and not by the labels of {}",
            alert.name,
            names(wanted.iter().copied()),
            called(expected)
        )
    };
    (!whole).then(|| (message(), format!("write {}", shape(alert))))
}

/// How a test says that an alert fires that is not about a service alone.
fn shape(alert: &Alert) -> String {
    let labels = apart(alert).into_iter();
    let labels: Vec<String> = labels.map(|label| format!("{label} = \"…\"")).collect();
    match (alert.about, alert.per.is_empty()) {
        (Scope::Platform, true) => "`fires = true`".to_string(),
        (_, true) => "the groups: `fires = [\"…\"]`".to_string(),
        (_, false) => format!("its labels: `fires = [{{ {} }}]`", labels.join(", ")),
    }
}

/// What is said of a service or a group that an alert does not fire for.
fn uncovered(
    alert: &Alert,
    (what, name): (&str, &str),
    known: bool,
    covers: &[String],
) -> (String, String) {
    match known {
        true => (
            format!(
                "`{}` does not cover `{name}`, so it cannot fire for it",
                alert.name
            ),
            format!("choose a {what} that the alert covers"),
        ),
        false => (
            format!(
                "there is no {what} `{name}` that `{}` could fire for",
                alert.name
            ),
            suggestion(name, covers.iter().map(String::as_str)),
        ),
    }
}

/// Whether a series has one of the labels with a name, or is recorded, and so may have lost it.
fn belongs(series: &str, labels: &[&str], name: &str) -> bool {
    let label = |quote: char| {
        let labels = labels.iter();
        labels.map(move |label| format!("{label}={quote}{name}{quote}"))
    };
    let written: String = series
        .chars()
        .filter(|character| !character.is_whitespace())
        .collect();
    series.split('{').next().unwrap_or_default().contains(':')
        || ['"', '\'', '`']
            .into_iter()
            .flat_map(label)
            .any(|label| written.contains(&label))
}
