//! What a panel says of services and alerts is so: its queries are asked while all is well and while nothing is, and the
//! colours and words for what they give are held against that.

use super::{Check, Example, Proof, Usage, dead_link, place};
use crate::artifacts::Role;
use crate::catalog::{Scope, Service};
use crate::contract::targets::Target;
use crate::promql::engine::Labels;
use crate::promql::walk::selectors;
use crate::stack::Stack;
use crate::stack::dashboards::panels_in_groups;
use crate::stack::expressions::Expression;
use crate::stack::grafana::GRAFANA;
use crate::stack::grafana::shown::{Field, News, Shown, word};
use crate::stack::world::{Recordings, Samples, World, series};
use std::collections::{BTreeMap, BTreeSet, HashMap};

pub(crate) const PROOF: Proof = Proof {
    code: "panel-state",
    doc: "Green and UP end the search for a cause. A panel that shows them for a service that is down, or for no data at all, sends people away from the fault; one that is red when all is well is soon not looked at.",
    example: Example::Rendered {
        role: Role::Dashboard,
        pointer: "/panels/type=state-timeline/fieldConfig/defaults/mappings",
        bad: r#"[{"type": "value", "options": {"0": {"text": "UP", "color": "green"}}}]"#,
    },
    check: Check::Stack(check),
};

/// Services that are looked at of each group: one that is probed, one that is not.
const OF_GROUP: usize = 2;

/// Services that are looked at altogether.
const AT_MOST: usize = 40;

/// A state of everything at once, or of one alone.
struct State {
    /// For people.
    is: &'static str,
    /// Whether it is of one alone: what is shown of all may be well then, but not what counts it.
    alone: bool,
    world: World,
}

fn check(stack: &Stack) -> Vec<crate::diagnostic::Diagnostic> {
    let recordings = Recordings::of(stack);
    let names = Names::of(stack);
    let scraped: BTreeSet<&str> = BTreeSet::from(["up", "probe_success"]);
    let alerted: BTreeSet<&str> = BTreeSet::from(["ALERTS", "ALERTS_FOR_STATE"]);
    let mut about: [Vec<&Expression>; 2] = Default::default();
    let mut tables = Vec::new();
    for expression in stack.used(Usage::Panel) {
        let kind = expression.owner["type"].as_str().unwrap_or_default();
        let table = kind == "table";
        if !table && GRAFANA.panel(kind).is_none_or(|kind| kind.draws.is_none()) {
            continue;
        }
        let sources = recordings.sources(&expression.ast);
        let only = |known: &BTreeSet<&str>| {
            !sources.is_empty() && sources.iter().all(|name| known.contains(name.as_str()))
        };
        if table {
            tables.extend(only(&alerted).then_some(expression));
            continue;
        }
        if only(&scraped) {
            about[0].push(expression);
        } else if only(&alerted) {
            about[1].push(expression);
        }
    }
    let mut found = Vec::new();
    let jobs = jobs(stack);
    if !about[0].is_empty() {
        let targets = targets(stack, &jobs);
        let asked = about[0].iter().map(|expression| &*expression.ast);
        let behind = recordings.behind(asked, &jobs);
        let state = |is, up, health| State {
            is,
            alone: false,
            world: World::recorded(&scrapes(&targets, &jobs, up, health), &behind),
        };
        // These are down, and all others are well.
        let down = |these: &BTreeSet<&str>| {
            let others = jobs.difference(these).copied().collect();
            let others = scrapes(&targets, &others, Some(1.0), Some(1.0));
            let these = scrapes(&targets, these, Some(0.0), Some(0.0));
            World::recorded(&[others, these].concat(), &behind)
        };
        let well = state("", Some(1.0), Some(1.0)).world;
        let mut ill = vec![
            state("is down", Some(0.0), Some(0.0)),
            state("fails its health check", Some(1.0), Some(0.0)),
            state("has vanished", None, None),
        ];
        ill.extend(jobs.first().map(|first| State {
            is: "is down",
            alone: true,
            world: down(&BTreeSet::from([*first])),
        }));
        let alone: Vec<(&str, World)> = jobs
            .iter()
            .map(|job| (*job, down(&BTreeSet::from([*job]))))
            .collect();
        let two = down(&jobs.iter().copied().take(2).collect());
        for expression in &about[0] {
            let Some(healthy) = well.asked(&expression.ast) else {
                continue;
            };
            found.extend(judged(expression, &healthy, &ill, true).or_else(|| {
                // It asks for a group whose services are not among these.
                if healthy.is_empty() {
                    return None;
                }
                let worlds: Vec<&World> = ill.iter().map(|state| &state.world).collect();
                unmoved(
                    expression,
                    &healthy,
                    &worlds,
                    "whether services are up or down",
                )
                .or_else(|| uneven(&names, expression, &healthy, &alone, &two))
                .or_else(|| {
                    // What only asks for health checks says nothing of a service that is not probed.
                    let scrapes = recordings.sources(&expression.ast).contains("up");
                    let of_it = |(job, _): &&(&str, World)| {
                        let service = stack.catalog.service(job);
                        scrapes || service.is_some_and(|service| service.health_probe)
                    };
                    let alone = alone.iter().filter(of_it);
                    blind(&names, expression, &healthy, alone, "is down")
                })
            }));
        }
    }
    let of_alerts = !about[1].is_empty() || !tables.is_empty();
    if of_alerts && !stack.catalog.alerts.is_empty() {
        // What always fires, so that somebody hears that it does, fires while all is well.
        let always = always(stack);
        let plain = |samples: &[(Labels, f64)]| World::plain(&[&always[..], samples].concat());
        let well = plain(&[]);
        let pending = plain(&alerts(stack, &jobs, "pending"));
        let firing = alerts(stack, &jobs, "firing");
        let fires = |alone, samples| State {
            is: "has an alert that fires",
            alone,
            world: plain(samples),
        };
        // Of one alert there are two series.
        let ill = [
            fires(false, &firing),
            fires(true, &firing[..firing.len().min(2)]),
        ];
        let by = |label: &str| {
            let mut by_value: HashMap<&str, Samples> = HashMap::new();
            for (labels, value) in &firing {
                let own = by_value.entry(labels.get(label)).or_default();
                own.push((labels.clone(), *value));
            }
            by_value
        };
        let by_alert = by("alertname");
        let alerts = stack.catalog.alerts.iter();
        let alone: Vec<(&str, World)> = alerts
            .filter_map(|alert| {
                let own = by_alert.get(alert.name.as_str())?;
                Some((alert.name.as_str(), plain(own)))
            })
            .collect();
        // One service alone, whichever of its alerts fires.
        let by_job = by("job");
        let services: Vec<(&str, World)> = jobs
            .iter()
            .filter_map(|job| Some((*job, plain(by_job.get(job)?))))
            .collect();
        let of_tables = tables.iter();
        found.extend(
            of_tables.filter_map(|expression| waiting_alone(expression, &pending, &ill[0].world)),
        );
        for expression in &about[1] {
            let Some(healthy) = well.asked(&expression.ast) else {
                continue;
            };
            found.extend(judged(expression, &healthy, &ill, false).or_else(|| {
                unmoved(
                    expression,
                    &healthy,
                    &[&ill[0].world, &pending],
                    "whether alerts fire or not",
                )
                .or_else(|| {
                    let shown = alone.iter();
                    let shown = shown.filter(|(name, _)| belongs(stack, name, expression.path));
                    blind(&names, expression, &healthy, shown, "fires")
                })
                .or_else(|| {
                    let what = "has alerts that fire";
                    blind(&names, expression, &healthy, services.iter(), what)
                })
                .or_else(|| premature(expression, &healthy, &pending))
            }));
        }
    }
    found
}

/// Whether an alert is one of a dashboard's: one about no single service is that of those dashboards to which it leads.
fn belongs(stack: &Stack, alert: &str, dashboard: &str) -> bool {
    let about = stack.catalog.alert(alert).map(|alert| alert.about);
    if about.is_none_or(|about| about == Scope::Service) {
        return true;
    }
    let rule = stack.written_alert(alert);
    let link = rule.and_then(|rule| rule["annotations"]["dashboard_url"].as_str());
    let led = link.and_then(|link| dead_link::target(stack, link));
    led.is_some_and(|led| led.path == dashboard)
}

/// Some services of every group.
fn jobs<'a>(stack: &'a Stack) -> BTreeSet<&'a str> {
    let groups = stack.catalog.groups.iter().flat_map(|group| {
        let service = |name: &'a String| stack.catalog.service(name);
        let members = || group.services.iter().filter_map(service);
        let probed = members().find(|service| service.health_probe);
        let other = members().find(|service| !service.health_probe);
        probed.into_iter().chain(other).take(OF_GROUP)
    });
    groups
        .map(|service| service.name.as_str())
        .take(AT_MOST)
        .collect()
}

/// A target's label, or nothing.
fn label<'t>(target: &'t Target, name: &str) -> &'t str {
    target.labels.get(name).map_or("", String::as_str)
}

/// Whether a target checks the health of others.
fn probes(target: &Target) -> bool {
    label(target, "job") == "health-probe"
}

/// Whether a target is one of some services, or checks their health.
fn is_of(target: &Target, jobs: &BTreeSet<&str>) -> bool {
    jobs.contains(label(target, "job"))
        || (probes(target) && jobs.contains(label(target, "service")))
}

/// The targets of some services, and those that check their health.
fn targets<'a>(stack: &'a Stack, jobs: &BTreeSet<&str>) -> Vec<&'a Target> {
    let all = stack.contract.targets.list.iter();
    all.filter(|target| is_of(target, jobs)).collect()
}

/// What Prometheus stores of scrapes and of health checks of some services that all have one outcome; None: nothing.
fn scrapes(
    targets: &[&Target],
    jobs: &BTreeSet<&str>,
    up: Option<f64>,
    health: Option<f64>,
) -> Samples {
    let mut samples = Samples::new();
    for target in targets.iter().filter(|target| is_of(target, jobs)) {
        let labels = |name| {
            let own = target.labels.iter();
            series(
                name,
                own.map(|(label, value)| (label.as_str(), value.as_str())),
            )
        };
        let probe = probes(target);
        // The prober itself answers, whatever it finds.
        let answers = if probe { health.map(|_| 1.0) } else { up };
        samples.extend(answers.map(|value| (labels("up"), value)));
        if probe {
            samples.extend(health.map(|value| (labels("probe_success"), value)));
        }
    }
    samples
}

/// A panel that shows the same whatever happens.
fn unmoved(
    expression: &Expression,
    healthy: &Samples,
    ill: &[&World],
    what: &str,
) -> Option<crate::diagnostic::Diagnostic> {
    // What looks further back than this world lasts finds nothing in it.
    let mut offsets = selectors(&expression.ast).into_iter();
    if offsets.any(|selector| selector.offset.is_some()) {
        return None;
    }
    let moved = ill.iter().any(|world| {
        world
            .asked(&expression.ast)
            .is_none_or(|broken| broken != *healthy)
    });
    let title = expression.owner["title"].as_str().unwrap_or_default();
    (!moved).then(|| {
        place::on(
            expression,
            format!("`{title}` shows the same, {what}"),
            "ask for what changes",
        )
    })
}

/// One number of everything that stays the same when it is one of them alone.
fn blind<'w>(
    names: &Names,
    expression: &Expression,
    healthy: &Samples,
    mut alone: impl Iterator<Item = &'w (&'w str, World)>,
    what: &str,
) -> Option<crate::diagnostic::Diagnostic> {
    if !is_of_all(names, expression) {
        return None;
    }
    let unseen = alone.find(|(_, world)| {
        let given = world.asked(&expression.ast);
        given.is_some_and(|given| given == *healthy)
    });
    let title = expression.owner["title"].as_str().unwrap_or_default();
    unseen.map(|(name, _)| {
        place::on(
            expression,
            format!("`{title}` shows the same when `{name}` alone {what}"),
            "ask for all of them, or say in the title which are left out",
        )
    })
}

/// Words of panels that count instances, and not services.
const INSTANCES: [&str; 5] = ["instance", "replica", "container", "process", "each target"];

/// A number of services in which one counts more than another, or two as one.
fn uneven(
    names: &Names,
    expression: &Expression,
    healthy: &Samples,
    alone: &[(&str, World)],
    two: &World,
) -> Option<crate::diagnostic::Diagnostic> {
    let panel = expression.owner;
    let words = ["title", "description"].map(|key| panel[key].as_str().unwrap_or_default());
    let words = words.join(" ").to_lowercase();
    if !is_of_all(names, expression) {
        return None;
    }
    let of_instances = INSTANCES.iter().any(|word| words.contains(word));
    let [(_, healthy)] = healthy.as_slice() else {
        return None;
    };
    let one = |world: &World| match world.asked(&expression.ast)?.as_slice() {
        [(_, value)] => Some(*value),
        _ => None,
    };
    let changes: Option<Vec<f64>> = alone
        .iter()
        .map(|(_, world)| Some((one(world)? - healthy).abs()))
        .collect();
    let changes = changes?;
    let counts = changes
        .iter()
        .all(|change| *change >= 1.0 && change.fract() == 0.0);
    let title = panel["title"].as_str().unwrap_or_default();
    if !counts || changes.len() < 2 {
        return None;
    }
    let several = changes.iter().position(|change| *change > 1.0);
    if let Some(most) = several.filter(|_| !of_instances) {
        let (name, many) = (alone[most].0, changes[most]);
        let message =
            format!("`{title}` counts `{name}` {many} times: its instances, and not the service");
        return Some(place::on(
            expression,
            message,
            "count services, `max by (job) (up)`, or say in the title that it is of instances",
        ));
    }
    let both = (one(two)? - healthy).abs();
    (both != changes[0] + changes[1]).then(|| {
        place::on(
            expression,
            format!("`{title}` changes by {both} when two services are down, and by 1 when one is"),
            "count each of them",
        )
    })
}

/// A number of alerts that fire which counts those that only wait.
fn premature(
    expression: &Expression,
    healthy: &Samples,
    pending: &World,
) -> Option<crate::diagnostic::Diagnostic> {
    let title = expression.owner["title"].as_str().unwrap_or_default();
    let description = expression.owner["description"].as_str().unwrap_or_default();
    let told = |word: &str| {
        let text = format!("{title} {description}").to_lowercase();
        text.contains(word)
    };
    let counts = title.to_lowercase().contains("firing") && !told("pending");
    if !counts {
        return None;
    }
    let waiting = pending.asked(&expression.ast)?;
    (*healthy != waiting).then(|| {
        place::on(
            expression,
            format!("`{title}` counts alerts that are pending, and do not fire"),
            "ask for `alertstate=\"firing\"`",
        )
    })
}

/// A table in which alerts stand while they wait, and no longer when they fire.
fn waiting_alone(
    expression: &Expression,
    pending: &World,
    firing: &World,
) -> Option<crate::diagnostic::Diagnostic> {
    let text = |key: &str| expression.owner[key].as_str().unwrap_or_default();
    let waits = |text: &str| {
        let lower = text.to_lowercase();
        ["pending", "wait", "about to"]
            .iter()
            .any(|word| lower.contains(word))
    };
    let title = text("title");
    let said = waits(title) || waits(text("description")) && !text("description").contains("fire");
    let rows = |world: &World| world.asked(&expression.ast).map(|rows| rows.len());
    (!said && rows(pending)? > 0 && rows(firing)? == 0).then(|| {
        place::on(
            expression,
            format!("`{title}` shows alerts while they are pending, and none that fires"),
            "ask for `alertstate=\"firing\"` too",
        )
    })
}

/// Whether a tile shows one number of all services or alerts: it stands in no row of a group, and names none of them.
fn is_of_all(names: &Names, expression: &Expression) -> bool {
    let panel = expression.owner;
    let one = ["stat", "gauge"].contains(&panel["type"].as_str().unwrap_or_default());
    let several = panel["targets"].items().count() > 1;
    let text = |key: &str| panel[key].as_str().unwrap_or_default();
    let title = words(text("title"));
    let text = words(&[text("title"), text("description")].join(" "));
    one && !several
        && !names.in_row_of_group(expression)
        && !names.in_titles.iter().any(|name| title.contains(name))
        && !names.anywhere.iter().any(|name| text.contains(name))
}

/// What a panel says that is about some services and not about all of them, as `words`.
struct Names<'a> {
    /// Dashboard and pointer of each panel in the row of a group.
    in_rows: BTreeSet<(&'a str, String)>,
    /// A group's key and a severity are often words of every day; that an alert fires too is no restriction of what is counted.
    in_titles: Vec<String>,
    anywhere: Vec<String>,
}

impl<'a> Names<'a> {
    fn of(stack: &'a Stack) -> Names<'a> {
        let catalog = stack.catalog;
        let in_rows = stack.files.dashboards().flat_map(|file| {
            let panels = panels_in_groups(&file.value, &catalog.groups).into_iter();
            panels.filter_map(|(pointer, _, group)| group.map(|_| (file.path.as_str(), pointer)))
        });
        let severities = catalog.alerts.iter().map(|alert| &alert.severity);
        let keys = catalog.groups.iter().map(|group| &group.key);
        let alerts = catalog.alerts.iter().map(|alert| &alert.name);
        let groups = catalog.groups.iter().map(|group| &group.title);
        let services = catalog.services.iter().map(|service| &service.name);
        Names {
            in_rows: in_rows.collect(),
            in_titles: (severities.chain(keys).chain(alerts))
                .map(|name| words(name))
                .collect(),
            anywhere: groups.chain(services).map(|name| words(name)).collect(),
        }
    }

    /// Whether the row before a panel is that of a group.
    fn in_row_of_group(&self, expression: &Expression) -> bool {
        let own = expression.panel();
        own.is_some_and(|own| {
            let place = (expression.path, own.to_string());
            self.in_rows.contains(&place)
        })
    }
}

/// The words of a text, in lower case, with a space before and behind each.
fn words(text: &str) -> String {
    let lower = text.to_lowercase();
    let apart = |c: char| if c.is_alphanumeric() { c } else { ' ' };
    format!(" {} ", lower.chars().map(apart).collect::<String>().trim())
}

/// The alerts whose conditions read nothing.
fn always(stack: &Stack) -> Samples {
    let rules = stack
        .rules
        .iter()
        .filter(|rule| rule.rule.alert.is_some() && selectors(&rule.rule.expr).is_empty());
    let one = |rule: &crate::stack::rules::LoadedRule| {
        let labels = rule.rule.labels.iter();
        let written: Vec<(&str, &str)> = labels
            .filter_map(|(name, text)| Some((name.as_str(), text.constant()?)))
            .collect();
        let own = [
            ("alertname", rule.rule.name.as_str()),
            ("alertstate", "firing"),
        ];
        (series("ALERTS", written.into_iter().chain(own)), 1.0)
    };
    rules.map(one).collect()
}

/// Every alert is in a state for a service of each group that it covers: a group's panels show no other.
pub(super) fn alerts(stack: &Stack, jobs: &BTreeSet<&str>, state: &str) -> Samples {
    let mut samples = Samples::new();
    for alert in &stack.catalog.alerts {
        let mut of_group: BTreeMap<&str, &Service> = BTreeMap::new();
        for name in &alert.covers {
            let Some(service) = stack.catalog.service(name) else {
                continue;
            };
            let chosen = of_group.entry(&service.group).or_insert(service);
            if jobs.contains(name.as_str()) && !jobs.contains(chosen.name.as_str()) {
                *chosen = service;
            }
        }
        for service in of_group.into_values() {
            let labels = [
                ("alertname", alert.name.as_str()),
                ("severity", alert.severity.as_str()),
                ("job", service.name.as_str()),
                ("service", service.name.as_str()),
                ("component", service.group.as_str()),
            ];
            let firing = labels.into_iter().chain([("alertstate", state)]);
            samples.push((series("ALERTS", firing), 1.0));
            samples.push((series("ALERTS_FOR_STATE", labels), 1.0));
        }
        // What is about no single service has its state for all of it.
        let whole = stack.catalog.all_subjects(alert);
        for (branch, subject) in whole.filter(|(_, subject)| subject.service().is_none()) {
            let own = [
                ("alertname", alert.name.as_str()),
                ("severity", branch.severity.as_str()),
            ];
            let labels: Vec<(&str, &str)> = own.into_iter().chain(subject.labels()).collect();
            let firing = labels.iter().copied().chain([("alertstate", state)]);
            samples.push((series("ALERTS", firing), 1.0));
            samples.push((series("ALERTS_FOR_STATE", labels.iter().copied()), 1.0));
        }
    }
    samples
}

/// What is untrue in what a query's panel shows. measured: that there is no data is no good news.
fn judged(
    expression: &Expression,
    healthy: &Samples,
    ill: &[State],
    measured: bool,
) -> Option<crate::diagnostic::Diagnostic> {
    let query = expression.target["refId"].as_str().unwrap_or_default();
    let panel = expression.owner;
    let pointer = expression.panel().unwrap_or_default();
    let title = panel["title"].as_str().unwrap_or_default();
    let field = |labels: &Labels| Field::of(panel, &name(expression, labels), query);
    let shown = |labels: &Labels, value| field(labels).shown(value);
    let at = |key: &str| match panel["fieldConfig"]["defaults"].get(key) {
        Some(_) => format!("{pointer}/fieldConfig/defaults/{key}"),
        None => format!("{pointer}/type"),
    };
    let of = |all: &Samples, labels: &Labels| {
        let mut same = all.iter().filter(|(known, _)| known == labels);
        same.next().map(|(_, value)| *value)
    };
    let told = |shown: &Shown| match shown.text {
        Some(_) => "mappings",
        None => "thresholds",
    };
    for State { is, alone, world } in ill {
        let broken = world.asked(&expression.ast)?;
        let labels = healthy.iter().chain(&broken).map(|(labels, _)| labels);
        for labels in labels.collect::<BTreeSet<_>>() {
            let (good, bad) = (of(healthy, labels), of(&broken, labels));
            if good == bad {
                continue;
            }
            if let Some(value) = bad.filter(|_| !*alone || good == Some(0.0)) {
                let shown = shown(labels, Some(value));
                if shown.tells(News::Good) {
                    return Some(place::at(
                        expression.path,
                        at(told(&shown)),
                        format!(
                            "`{title}` shows {value} as {} while a service {is}",
                            shown.described()
                        ),
                        "give this value the colour and the word of what it means",
                    ));
                }
            }
            if let (Some(value), true) = (good, bad.is_some()) {
                let shown = shown(labels, Some(value));
                if shown.tells(News::Bad) {
                    return Some(place::at(
                        expression.path,
                        at(told(&shown)),
                        format!(
                            "`{title}` shows {value} as {} while all is well",
                            shown.described()
                        ),
                        "give this value the colour and the word of what it means",
                    ));
                }
            }
        }
    }
    // What is shown of nothing at all: of a gap in the data, and in the place of all data.
    let nothing = field(&Labels::default()).shown(None);
    let no_value = panel["fieldConfig"]["defaults"]["noValue"].as_str();
    // A number there is read as one that was measured.
    let as_when_well = |text: &&str| {
        let number: Option<f64> = text.trim().parse().ok();
        number.is_some_and(|number| healthy.iter().any(|(_, value)| *value == number))
            && World::plain(&Samples::new())
                .asked(&expression.ast)
                .is_some_and(|left| left.is_empty())
    };
    let (key, told) = match no_value.filter(|text| word(text) == News::Good || as_when_well(text)) {
        Some(text) => ("noValue", text.to_string()),
        None if nothing.tells(News::Good) => ("mappings", nothing.described()),
        None => return None,
    };
    measured.then(|| {
        place::at(
            expression.path,
            at(key),
            format!("`{title}` shows {told} where there is no data"),
            "say that there is no data: it is what a broken scrape looks like",
        )
    })
}

/// The name under which a series is shown.
fn name(expression: &Expression, labels: &Labels) -> String {
    let mut legend = expression.target["legendFormat"]
        .as_str()
        .unwrap_or_default();
    let mut name = String::new();
    while let Some((before, rest)) = legend.split_once("{{") {
        let (label, after) = rest.split_once("}}").unwrap_or((rest, ""));
        name.push_str(before);
        name.push_str(labels.get(label.trim()));
        legend = after;
    }
    name + legend
}
