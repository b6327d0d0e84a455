//! Who owns what, and who is told of an alert: `[owners]`, `[[routes]]` and `[inhibit]` over the routes of `[alertmanager]`.

mod between_levels;
mod selector;
mod timed;

use super::{Alert, Catalog, NO_ONE, Service, Subject};
use crate::json::names;
use crate::source::step;
use crate::value::{Map, Value};
pub(super) use between_levels::inhibitions;
pub use selector::{About, Selector};
use serde::Serialize;
use std::collections::{BTreeMap, BTreeSet, HashSet};

/// Keys of an owner that are no severity.
const OWN_KEYS: [&str; 4] = ["default", "mute", "active", "allow"];

/// Of a route, handed on to the Alertmanager as they are.
pub(crate) const OPTIONS: [&str; 4] = [
    "group_by",
    "group_wait",
    "group_interval",
    "repeat_interval",
];

/// `[owners.NAME]`.
#[derive(Clone, Debug, Serialize)]
pub struct Owner {
    /// The value of the label `owner`.
    pub name: String,
    /// Severity → its receivers, as written.
    pub receivers: Vec<(String, Vec<String>)>,
    /// Of severities that are not written.
    pub default: Vec<String>,
}

/// Who is told of some alerts: a route of the catalog, or what an owner says of one severity.
#[derive(Clone, Debug, Serialize)]
pub struct Notice {
    /// Where it is written.
    pub pointer: String,
    /// Which alerts.
    pub(crate) of: Selector,
    pub(crate) receivers: Vec<String>,
    /// Times at which they are not told.
    pub(crate) mute: Vec<String>,
    /// Times at which alone they are.
    pub(crate) active: Vec<String>,
    /// What it says of groups and waits.
    pub options: Map,
    /// Whether others are told too.
    pub(crate) goes_on: bool,
}

/// Somebody who is told of an alert.
#[derive(Clone, Copy, Debug)]
pub struct Told<'c> {
    pub receiver: &'c str,
    /// None: by the route of its severity.
    pub by: Option<&'c Notice>,
}

/// Alerts that are an owner's by one of their labels.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Ownership {
    /// None: all of them.
    pub(crate) label: Option<&'static str>,
    /// A second label, whose value is behind that of the first and a semicolon.
    pub(crate) and: Option<&'static str>,
    /// The values of that label, as one regular expression.
    pub(crate) regex: String,
    pub(crate) owner: String,
}

/// A label of services that routes or inhibitions go by: alerts are sent with it, because their expressions leave it out.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct SentLabel {
    pub(crate) label: String,
    pub(crate) value: String,
    /// The services that have it so, as one regular expression, behind which nothing stands of what the alert has itself.
    pub(crate) regex: String,
}

/// `[inhibit.NAME]`, or what follows from an alert with levels: while a source fires, nobody is told of its targets.
#[derive(Clone, Debug, Serialize)]
pub struct Inhibit {
    pub name: String,
    /// Where it is written.
    #[serde(skip)]
    pub pointer: String,
    pub source: Selector,
    pub target: Selector,
    /// Labels in which both agree.
    pub(crate) equal: Vec<String>,
}

impl Owner {
    pub(super) fn all(catalog: &Value) -> Vec<Owner> {
        let owners = catalog["owners"].entries();
        owners
            .map(|(name, written)| Owner {
                name: name.clone(),
                default: names(&written["default"]),
                receivers: written
                    .entries()
                    .filter(|(key, _)| !OWN_KEYS.contains(&key.as_str()))
                    .map(|(severity, receivers)| (severity.clone(), names(receivers)))
                    .collect(),
            })
            .collect()
    }

    /// What is written for a severity.
    fn own(&self, severity: &str) -> Option<&Vec<String>> {
        let mut all = self.receivers.iter();
        let (_, receivers) = all.find(|(known, _)| known == severity)?;
        Some(receivers)
    }
}

impl Notice {
    /// The catalog's own routes in their order, and behind them what each owner says of each severity.
    pub(super) fn all(catalog: &Value, parts: &Catalog) -> Vec<Notice> {
        let own = catalog["routes"].items().enumerate();
        let mut all: Vec<Notice> = own
            .map(|(index, written)| Notice::own(index, written))
            .collect();
        let owning: HashSet<&str> = parts.owning().collect();
        // Of one that owns nothing there is nothing to tell, and the Alertmanager needs no route for it.
        for owner in parts
            .owners
            .iter()
            .filter(|owner| owning.contains(&*owner.name))
        {
            let written = &catalog["owners"][&owner.name];
            for severity in parts.severities.names() {
                all.extend(Notice::of_owner(owner, written, severity, parts));
            }
        }
        timed::apart(all, parts)
    }

    fn own(index: usize, written: &Value) -> Notice {
        let options = OPTIONS.iter().filter_map(|key| {
            let value = written.get(*key)?;
            Some((key.to_string(), value.clone()))
        });
        Notice {
            pointer: format!("/routes/{index}"),
            of: Selector::read(written),
            receivers: names(&written["receivers"]),
            mute: names(&written["mute"]),
            active: names(&written["active"]),
            options: options.collect(),
            goes_on: written["continue"] == true,
        }
    }

    /// None: whoever is told of the severity anyway is told, at any time.
    fn of_owner(owner: &Owner, written: &Value, severity: &str, parts: &Catalog) -> Option<Notice> {
        let own = owner.own(severity);
        let [mute, active] = ["mute", "active"].map(|key| match &written[key] {
            by_severity @ Value::Object(_) => names(&by_severity[severity]),
            // Who is woken by the worst is woken unless the catalog says otherwise by its name.
            _ if parts.severities.rank(severity) == 0 => Vec::new(),
            times => names(times),
        });
        let timed = !mute.is_empty() || !active.is_empty();
        let mut receivers = own.unwrap_or(&owner.default).clone();
        if receivers.is_empty() && timed {
            receivers.extend(parts.alertmanager.routes.get(severity).cloned());
        }
        let key = match own {
            Some(_) => severity,
            None => "default",
        };
        (!receivers.is_empty()).then(|| Notice {
            pointer: format!("/owners/{}/{}", step(&owner.name), step(key)),
            of: Selector::of_owner(&owner.name, severity),
            receivers,
            mute,
            active,
            options: Map::new(),
            goes_on: false,
        })
    }
}

impl Ownership {
    /// From the farthest to the nearest, so that the last that fits an alert says whose it is.
    pub(super) fn all(catalog: &Value, alerts: &[Alert], services: &[Service]) -> Vec<Ownership> {
        let mut all = Vec::new();
        if let Some(owner) = catalog["platform"]["owner"].as_str() {
            all.push(Ownership {
                label: None,
                and: None,
                regex: String::new(),
                owner: owner.to_string(),
            });
        }
        let written = |table: &str| -> Vec<(String, String)> {
            let owned = catalog[table].entries().filter_map(|(name, written)| {
                Some((written["owner"].as_str()?.to_string(), name.clone()))
            });
            owned.collect()
        };
        let of_alerts = alerts.iter();
        let of_alerts =
            of_alerts.filter_map(|alert| Some((alert.owner.clone()?, alert.name.clone())));
        let here = alerts.iter().flat_map(|alert| {
            let differ = services.iter().filter_map(|service| {
                let owner = service.overrides.get(&alert.name)?.owner.clone()?;
                alert
                    .covers_service(&service.name)
                    .then(|| (owner, format!("{};{}", alert.name, service.name)))
            });
            differ.collect::<Vec<_>>()
        });
        for (label, and, owned) in [
            ("component", None, written("groups")),
            ("job", None, written("services")),
            ("alertname", None, of_alerts.collect()),
            ("alertname", Some("job"), here.collect()),
        ] {
            let mut by_owner: Vec<(String, Vec<String>)> = Vec::new();
            for (owner, name) in owned {
                match by_owner.iter_mut().find(|(known, _)| *known == owner) {
                    Some((_, names)) => names.push(name),
                    None => by_owner.push((owner, vec![name])),
                }
            }
            all.extend(by_owner.into_iter().map(|(owner, names)| Ownership {
                label: Some(label),
                and,
                regex: selector::any_of(&names),
                owner,
            }));
        }
        all
    }
}

/// Labels that routes or inhibitions go by and that no key of theirs stands for.
pub(super) fn gone_by(catalog: &Value) -> BTreeSet<String> {
    let mut labels = BTreeSet::new();
    let mut add = |table: &Value, list: &str| {
        labels.extend(table["labels"].entries().map(|(label, _)| label.clone()));
        labels.extend(table[list].texts().map(str::to_string));
    };
    for route in catalog["routes"].items() {
        add(route, "group_by");
    }
    for (_, written) in catalog["inhibit"].entries() {
        add(written, "equal");
        add(&written["source"], "");
        add(&written["target"], "");
    }
    labels
}

impl SentLabel {
    /// In the order of labels and values; a service's own value is one.
    pub(super) fn all(gone_by: &BTreeSet<String>, services: &[Service]) -> Vec<SentLabel> {
        let mut jobs: BTreeMap<(&String, &String), Vec<String>> = BTreeMap::new();
        for service in services {
            for (label, value) in service
                .labels
                .iter()
                .filter(|(label, _)| gone_by.contains(*label))
            {
                jobs.entry((label, value))
                    .or_default()
                    .push(service.name.clone());
            }
        }
        let all = jobs
            .into_iter()
            .map(|((label, value), services)| SentLabel {
                label: label.clone(),
                value: value.clone(),
                regex: match services.as_slice() {
                    [_] => format!("{};", selector::any_of(&services)),
                    _ => format!("(?:{});", selector::any_of(&services)),
                },
            });
        all.collect()
    }
}

impl Inhibit {
    pub(super) fn all(catalog: &Value) -> Vec<Inhibit> {
        let all = catalog["inhibit"].entries();
        all.map(|(name, written)| Inhibit {
            name: name.clone(),
            pointer: format!("/inhibit/{}", step(name)),
            source: Selector::read(&written["source"]),
            target: Selector::read(&written["target"]),
            equal: names(&written["equal"]),
        })
        .collect()
    }

    /// Whether nobody is to be told of the target while the source fires; `agree` says whether both have a label in common.
    pub(crate) fn holds_back(
        &self,
        source: &About,
        target: &About,
        agree: impl Fn(&str) -> bool,
    ) -> bool {
        // Of two that are both sources and targets, the Alertmanager holds back neither.
        let both = || self.target.picks(source) && self.source.picks(target);
        self.source.picks(source)
            && self.target.picks(target)
            && self.equal.iter().all(|label| agree(label))
            && !both()
    }
}

impl Catalog {
    /// Whose an alert is: that of this service's, the alert's owner, else the service's, its group's, the platform's.
    pub(crate) fn owner<'c>(
        &'c self,
        alert: &'c Alert,
        subject: impl Into<Subject<'c>>,
    ) -> Option<&'c str> {
        let subject = subject.into();
        let service = subject.service();
        let here = service.and_then(|service| service.overrides.get(&alert.name));
        let here = here.and_then(|differs| differs.owner.as_deref());
        let nearest = here.or(alert.owner.as_deref()).or(subject.owner());
        nearest.or(self.platform.owner.as_deref())
    }

    /// Every owner of some alert, as often as there are such alerts.
    fn owning(&self) -> impl Iterator<Item = &str> {
        let of_alerts = self.alerts.iter().flat_map(move |alert| {
            let subjects = self.whom(alert).into_iter();
            subjects.filter_map(move |subject| self.owner(alert, subject))
        });
        of_alerts.chain(self.platform.owner.as_deref())
    }

    /// Whether an owner has any alert.
    pub(crate) fn owns(&self, owner: &str) -> bool {
        self.owning().any(|known| known == owner)
    }

    /// What there is to know of an alert of a service, or of whatever else it is about, for whoever asks who is told of it.
    pub fn about<'c>(
        &'c self,
        alert: &'c Alert,
        subject: impl Into<Subject<'c>>,
        severity: &'c str,
    ) -> About<'c> {
        let subject = subject.into();
        let per = alert.per.iter().map(String::as_str);
        let open: Vec<&str> = per
            .filter(|label| !alert.labels.contains_key(*label))
            .collect();
        let labels = alert.labels.clone();
        About {
            alert: &alert.name,
            severity,
            owner: self.owner(alert, subject).unwrap_or_default(),
            group: subject.group().unwrap_or_default(),
            service: (subject.service()).map_or("", |service| service.name.as_str()),
            labels: self.with_sent(labels, subject.service(), &open),
            open,
            may_have_more: alert.expression().is_some(),
        }
    }

    /// An alert of each service that it covers, or of whatever else it is about.
    pub(crate) fn abouts<'c>(&'c self, alert: &'c Alert) -> impl Iterator<Item = About<'c>> {
        let subjects = self.all_subjects(alert);
        subjects.map(move |(branch, subject)| self.about(alert, subject, &branch.severity))
    }

    /// The labels of an alert and what it gets on its way to the Alertmanager: those of this Prometheus, and those of its
    /// service that routes or inhibitions go by.
    pub(crate) fn with_sent(
        &self,
        mut labels: BTreeMap<String, String>,
        service: Option<&Service>,
        open: &[&str],
    ) -> BTreeMap<String, String> {
        let own = service.into_iter().flat_map(|service| &service.labels);
        let own = own.filter(|(label, _)| self.gone_by.contains(*label));
        for (label, value) in self.prometheus.external_labels.iter().chain(own) {
            if !open.contains(&label.as_str()) {
                labels.entry(label.clone()).or_insert_with(|| value.clone());
            }
        }
        labels
    }

    /// Everybody who is told of an alert, in the order of the routes; nobody, if all of those are the null receiver. Where it
    /// depends on a label that differs each time, whoever may be told.
    pub fn told(&self, about: &About) -> Vec<Told<'_>> {
        let mut told: Vec<Told> = Vec::new();
        let mut ended = false;
        for notice in self
            .notices
            .iter()
            .filter(|notice| notice.of.may_pick(about))
        {
            told.extend(notice.receivers.iter().map(|receiver| Told {
                receiver,
                by: Some(notice),
            }));
            ended = !notice.goes_on && notice.of.picks(about);
            if ended {
                break;
            }
        }
        if !ended {
            told.push(Told {
                receiver: self.receiver(about.severity),
                by: None,
            });
        }
        told.retain(|told| told.receiver != NO_ONE);
        told
    }

    /// Everybody who is told of an alert, in one line, with the times at which they are.
    pub fn addressees(&self, about: &About) -> String {
        let told = self.told(about);
        let one = |told: &Told| self.addressee(told, about);
        match told.is_empty() {
            true => "nobody".to_string(),
            false => told.iter().map(one).collect::<Vec<_>>().join(" and "),
        }
    }

    /// One of them, with the labels that it depends on, and the times.
    pub fn addressee(&self, told: &Told, about: &About) -> String {
        let depends = told.by.map(|notice| notice.of.depends_on(about));
        let of = match depends.unwrap_or_default() {
            labels if labels.is_empty() => String::new(),
            labels => format!(" of {}", labels.join(", ")),
        };
        format!("{}{of}{}", told.receiver, self.hours(told))
    }

    /// When somebody is told, behind the receiver's name; nothing where that is always.
    fn hours(&self, told: &Told) -> String {
        let Some(notice) = told.by else {
            return String::new();
        };
        let list = |names: &[String]| {
            let times = names.iter().map(|name| {
                let time = self.times.iter().find(|time| time.name == *name);
                match time {
                    Some(time) => format!("{name} ({})", time.says),
                    None => name.clone(),
                }
            });
            times.collect::<Vec<_>>().join(" and ")
        };
        let mut hours = String::new();
        if !notice.active.is_empty() {
            hours += &format!(", in {} only", list(&notice.active));
        }
        if !notice.mute.is_empty() {
            hours += &format!(", not in {}", list(&notice.mute));
        }
        hours
    }

    /// Whether the catalog says by name that nobody is told of an alert.
    pub(crate) fn silenced(&self, about: &About) -> bool {
        let mut own = self.notices.iter().filter(|notice| notice.of.picks(about));
        let by_severity = self.alertmanager.routes.get(about.severity);
        own.any(|notice| notice.receivers.iter().any(|receiver| receiver == NO_ONE))
            || by_severity.is_some_and(|receiver| receiver == NO_ONE)
    }

    /// Every receiver that some route leads to, with where that is written.
    pub fn routed(&self) -> impl Iterator<Item = (&str, String)> {
        let of_severities = self.alertmanager.routes.iter().map(|(severity, receiver)| {
            let pointer = format!("/alertmanager/routes/{}", step(severity));
            (receiver.as_str(), pointer)
        });
        let of_owners = self.owners.iter().flat_map(|owner| {
            let own = owner.receivers.iter();
            let own = own.map(|(severity, receivers)| (severity.as_str(), receivers));
            own.chain([("default", &owner.default)])
                .flat_map(|(key, receivers)| {
                    let pointer = format!("/owners/{}/{}", step(&owner.name), step(key));
                    receivers
                        .iter()
                        .map(move |receiver| (receiver.as_str(), pointer.clone()))
                })
        });
        let own = self.notices.iter();
        let own = own.filter(|notice| notice.pointer.starts_with("/routes/"));
        let own = own.flat_map(|notice| {
            let pointer = format!("{}/receivers", notice.pointer);
            let receivers = notice.receivers.iter();
            receivers.map(move |receiver| (receiver.as_str(), pointer.clone()))
        });
        of_severities.chain(of_owners).chain(own)
    }
}
