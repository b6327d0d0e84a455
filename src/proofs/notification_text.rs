//! What people read of a notification says which alert it is of, and whether it fires.

use super::{Check, Example, Proof, place};
use crate::artifacts::Role;
use crate::go_template::tells_labels_apart;
use crate::json::plain;
use crate::stack::Stack;
use crate::stack::document::walk;
use crate::stack::notifications::alerts::Firing;
use crate::stack::notifications::matchers::Labels;
use crate::stack::notifications::receivers::{host, tells_of_the_end};
use crate::stack::notifications::routes::Route;
use crate::stack::notifications::{Notifications, texts};
use crate::value::Value;
use std::cell::LazyCell;
use std::ops::Deref;

pub(crate) const PROOF: Proof = Proof {
    code: "notification-text",
    doc: "The texts of each receiver are written out for an alert that fires, and for one that has ended. A page that names no alert sends nobody anywhere; one that says resolved while it fires, or is of no urgency, lets people sleep.",
    example: Example::Rendered {
        role: Role::Alertmanager,
        pointer: "/receivers/name=null/sns_configs",
        bad: r#"[{"topic_arn": "arn:aws:sns:eu-central-1:1:shop", "sigv4": {"region": "eu-central-1"}, "message": "Something is wrong"}]"#,
    },
    check: Check::Stack(|stack| {
        let Some(notifications) = stack.notifications() else {
            return Vec::new();
        };
        let Some(told) = notifications.alerts.real.first() else {
            return Vec::new();
        };
        let tree = notifications.tree.as_ref();
        let mut found = Vec::new();
        for receiver in &notifications.receivers {
            let urgent = urgent(stack, notifications, receiver.name);
            // Most texts are the same of all alerts.
            let reaching = LazyCell::new(|| reaching(notifications, receiver.name));
            let together =
                tree.and_then(|tree| together(stack, notifications, tree, receiver.name));
            for (pointer, integration, entry) in receiver.integrations() {
                let text = Text {
                    integration,
                    entry,
                    labels: told.labels(),
                    said: stack
                        .catalog
                        .receivers
                        .get(receiver.name)
                        .map(|said| &said[integration]),
                };
                let wrong = [
                    text.broken(),
                    text.nameless(),
                    text.of_one_subject(&reaching),
                    text.of_some(&reaching),
                    text.exchanged(),
                    text.coloured(),
                    text.without_incident(),
                    together
                        .as_ref()
                        .and_then(|alerts| text.of_one_alone(alerts)),
                    text.untold(stack, together.as_ref(), &reaching),
                    text.hushed(&urgent),
                    text.calm().filter(|_| !urgent.is_empty()),
                ];
                found.extend(wrong.into_iter().flatten().map(|(key, message, help)| {
                    let path = &notifications.file.path;
                    let key = match key {
                        "" => String::new(),
                        key => format!("/{key}"),
                    };
                    place::at(path, format!("{pointer}{key}"), message, help)
                }));
            }
        }
        found
    }),
};

/// Integrations with the keys whose own texts name the alert, and those that may do it instead.
const NAMING: [(&str, &[&str], &[&str]); 15] = [
    ("pagerduty", &["description"], &[]),
    ("slack", &["title"], &["text", "pretext"]),
    ("telegram", &["message"], &[]),
    ("webex", &["message"], &[]),
    ("wechat", &["message"], &[]),
    ("sns", &["message"], &["subject"]),
    ("opsgenie", &["message"], &["description"]),
    ("mattermost", &["text"], &[]),
    ("rocketchat", &["title", "text"], &[]),
    ("discord", &["title", "message"], &[]),
    ("msteams", &["title", "text"], &[]),
    ("msteamsv2", &["title", "text"], &[]),
    ("pushover", &["title", "message"], &[]),
    ("email", &["html"], &["text"]),
    ("jira", &["summary"], &["description"]),
];

/// Integrations with a key that says how loud they are, the values that are at least as loud as what holds without it, and what to do.
const LOUDNESS: [(&str, &str, &[&str], &str); 5] = [
    (
        "opsgenie",
        "priority",
        &["P1", "P2", "P3", ""],
        "write P1 for them; without it Opsgenie takes P3",
    ),
    (
        "victorops",
        "message_type",
        &["CRITICAL", ""],
        "leave it out: without it each is CRITICAL",
    ),
    (
        "telegram",
        "disable_notifications",
        &["false"],
        "leave it out: without it the phone rings",
    ),
    (
        "pushover",
        "priority",
        &["0", "1", "2", ""],
        "leave it out: without it what fires has the priority 2",
    ),
    (
        "pagerduty",
        "severity",
        &["critical", "error"],
        "write `critical`, or the alert's own: `{{ .CommonLabels.severity }}`",
    ),
];

/// Words of Opsgenie and VictorOps with which an alert is a note.
const INFORMS: [&str; 4] = ["P5", "INFO", "ACKNOWLEDGEMENT", "RECOVERY"];

/// The alerts of which a receiver is told, looked for when a text asks which one it is about.
type Told<'t, 'n> = dyn Deref<Target = Vec<&'n Labels>> + 't;

/// The key, what is wrong there, and what to do.
type Wrong = (&'static str, String, &'static str);

/// One integration of a receiver, and the labels of an alert that it may be told of.
struct Text<'a> {
    integration: &'a str,
    entry: &'a Value,
    labels: &'a Labels,
    /// What the catalog says of the integration; None: the receiver is not the catalog's.
    said: Option<&'a Value>,
}

impl Text<'_> {
    /// The keys whose texts are read, once all that would name the alert by themselves are replaced.
    fn keys(&self) -> Option<impl Iterator<Item = &'static str> + use<>> {
        let mut known = NAMING.iter();
        let (_, naming, others) = known.find(|(kind, ..)| *kind == self.integration)?;
        let replaced = |key: &&&str| self.entry.get(**key).is_some_and(Value::is_string);
        let all = naming.iter().filter(replaced).count() == naming.len();
        all.then(|| naming.iter().chain(*others).copied())
    }

    /// Everything that is read of an alert; None: some of it cannot be written out here.
    fn read(&self, fires: bool) -> Option<String> {
        self.read_of(self.labels, fires)
    }

    fn read_of(&self, labels: &Labels, fires: bool) -> Option<String> {
        let mut all = String::new();
        for key in self.keys()? {
            if let Some(text) = self.entry.get(key).and_then(Value::as_str) {
                all += &texts::written(text, labels, fires).ok()?;
                all.push('\n');
            }
        }
        Some(all)
    }

    /// Whether what it writes depends on which alert it is about.
    fn tells_apart(&self) -> bool {
        let mut found = false;
        walk(self.entry, &mut |_, _, value| {
            found |= value.as_str().is_some_and(tells_labels_apart);
        });
        found
    }

    /// The subject of a mail.
    fn subject(&self) -> Option<&str> {
        let mut headers = self.entry["headers"].as_object()?.iter();
        let (_, subject) = headers.find(|(name, _)| name.eq_ignore_ascii_case("subject"))?;
        subject.as_str().filter(|_| self.integration == "email")
    }

    /// Alerts of which people read nothing, while they do of others.
    fn of_some(&self, told: &Told) -> Option<Wrong> {
        if !self.tells_apart() {
            return None;
        }
        let names = |labels: &&&Labels| {
            let read = self.read_of(labels, true)?;
            let name = labels.get("alertname").map_or("", String::as_str);
            let mut words = [name, "summary", "description"].into_iter();
            Some(words.any(|word| read.contains(word)))
        };
        let one = |is: bool| told.iter().find(|labels| names(labels) == Some(is));
        let (named, nameless) = (one(true)?, one(false)?);
        let message = format!(
            "of {} people read which alert it is, and of {} they do not",
            called(named),
            called(nameless)
        );
        let help = "write the alert's name, or its summary, whatever labels it has";
        Some((self.first_key()?, message, help))
    }

    fn first_key(&self) -> Option<&'static str> {
        self.keys()?.next()
    }

    fn tells_of_the_end(&self) -> bool {
        let written = self.entry["send_resolved"].as_bool();
        written.unwrap_or(tells_of_the_end(self.integration))
    }

    /// A text that asks for an alert that is not there while it fires.
    fn broken(&self) -> Option<Wrong> {
        self.keys()?.find_map(|key| {
            let text = self.entry.get(key)?.as_str()?;
            let problem = texts::written(text, self.labels, true).err()?;
            let ends = |reason: &str| problem.certain && problem.reason.contains(reason);
            if ends("index out of range") {
                let message = format!(
                    "`{key}` asks for an alert that is not there while one fires ({}): the notification is not sent",
                    problem.reason
                );
                return Some((key, message, "let it speak of `.Alerts`, or of `.Alerts.Firing`"));
            }
            let called = ["is no pattern", "wrong number of args", "wrong type", "it takes texts"];
            called.into_iter().any(ends).then(|| {
                let message = format!(
                    "`{key}` cannot be written out ({}): the notification is not sent",
                    problem.reason
                );
                (key, message, "give the function what it takes")
            })
        })
    }

    fn nameless(&self) -> Option<Wrong> {
        let read = self.read(true)?;
        let name = self.labels.get("alertname").map_or("", String::as_str);
        let said = [name, "summary", "description"];
        let named = said.iter().any(|word| read.contains(word));
        if read.trim().is_empty() && self.integration == "pagerduty" {
            let message = "PagerDuty refuses an event without a description".to_string();
            return Some((self.first_key()?, message, "leave `description` out"));
        }
        if named || read.trim().is_empty() {
            return None;
        }
        let message = format!(
            "of `{name}` people read `{}`: not which alert it is, and not what is the matter",
            read.trim().lines().next().unwrap_or_default()
        );
        let help = "write the alert's name, or its summary: `{{ .CommonLabels.alertname }}`";
        Some((self.first_key()?, message, help))
    }

    /// A mail with the same subject whatever it is about: all become one conversation, in which nobody sees that another alert fires.
    fn of_one_subject(&self, told: &Told) -> Option<Wrong> {
        let subject = self.subject()?;
        let written = |labels: &Labels| texts::written(subject, labels, true).ok();
        let others = || {
            let first = told.first()?;
            let mut others = told.iter().filter(|other| {
                ["alertname", "job"]
                    .iter()
                    .all(|label| other.get(*label) != first.get(*label))
            });
            Some(written(first)? == written(others.next()?)?)
        };
        let constant = !subject.contains("{{") || others().unwrap_or(false);
        constant.then(|| {
            let message = format!("every mail has the subject `{subject}`, whatever it is about");
            let help =
                "leave it out, or write the alert's name into it: `{{ .CommonLabels.alertname }}`";
            ("headers", message, help)
        })
    }

    /// Of alerts that are sent as one, the first alone, or none.
    fn of_one_alone(&self, alerts: &[Labels; 2]) -> Option<Wrong> {
        let mut read = String::new();
        for key in self.keys()? {
            if let Some(text) = self.entry.get(key).and_then(Value::as_str) {
                read += &texts::of_group(text, &alerts.each_ref(), true).ok()?;
                read.push('\n');
            }
        }
        let said = |index: usize| {
            let texts = ["summary", "description"].map(|key| format!("{key} {}", index + 1));
            let own = alerts[index].iter();
            let own = own.filter(|(label, value)| alerts[1 - index].get(*label) != Some(*value));
            let own = own.map(|(_, value)| value.clone());
            let mut words = texts.into_iter().chain(own);
            words.any(|word| !word.is_empty() && read.contains(&word))
        };
        let one = self.read(true)?;
        let tells = one.contains("summary") || one.contains("description");
        let message = match (said(0), said(1)) {
            (true, false) | (false, true) => {
                "when two alerts are sent as one, people read of the first alone"
            }
            (false, false) if tells => {
                "when two alerts are sent as one, people read what neither of them says"
            }
            _ => return None,
        };
        let help =
            "go through all of them: `{{ range .Alerts }}{{ .Annotations.summary }}{{ end }}`";
        Some((self.first_key()?, message.to_string(), help))
    }

    /// Something that the alerts say of themselves, and a text that is written here leaves out. What the catalog itself says is
    /// somebody's choice.
    fn untold(&self, stack: &Stack, together: Option<&[Labels; 2]>, told: &Told) -> Option<Wrong> {
        let said = self.said?;
        let (_, naming, others) = NAMING.iter().find(|(kind, ..)| *kind == self.integration)?;
        let keys = || naming.iter().chain(*others).copied();
        let chosen = |key: &str| said.get(key).is_some();
        let written = |key: &&str| self.entry.get(*key).is_some_and(Value::is_string);
        // Slack's own text is empty; all others tell everything by themselves.
        let silent = self.integration == "slack";
        if keys().any(chosen) || !(silent || naming.iter().all(&written)) {
            return None;
        }
        // Beside their heading, these list every alert with its annotations unless another text is written there.
        let listed = match self.integration {
            "pagerduty" => Some("/details/firing"),
            "opsgenie" | "jira" => Some("/description"),
            _ => None,
        };
        if listed.is_some_and(|place| self.entry.pointer(place).is_none()) {
            return None;
        }
        let mut rules = stack.files.alerts();
        let linked = rules.any(|(_, _, rule)| rule["annotations"]["runbook_url"].is_string());
        let first: Vec<&Labels> = match together {
            Some(both) => both.iter().collect(),
            None => vec![self.labels],
        };
        let each: Vec<Vec<&Labels>> = match self.tells_apart() {
            true => told.iter().map(|one| vec![*one]).collect(),
            false => Vec::new(),
        };
        let mut groups = std::iter::once(first).chain(each);
        let lost = groups.find_map(|alerts| self.lost(&alerts, linked))?;
        let key = keys().rfind(|key| written(key));
        let message = format!("{lost} is in no text of the {}", self.integration);
        Some((
            key.unwrap_or_default(),
            message,
            "write it out for each of `.Alerts`; what is to be read instead, the catalog says in the receiver's own texts",
        ))
    }

    /// What alerts say of themselves, and no text of it does.
    fn lost(&self, alerts: &[&Labels], linked: bool) -> Option<String> {
        let mut read = String::new();
        let mut broken = false;
        walk(self.entry, &mut |_, _, value| {
            if let Some(text) = value.as_str() {
                match texts::of_group(text, alerts, true) {
                    Ok(text) => read += &format!("{text}\n"),
                    Err(_) => broken = true,
                }
            }
        });
        // What cannot be written out here may say it.
        if broken {
            return None;
        }
        let wanted = ["summary", "description", "runbook_url"];
        let mut wanted = wanted
            .into_iter()
            .filter(|key| linked || *key != "runbook_url");
        let lost = wanted.find(|key| {
            let said = |index: usize| texts::said(key, index, alerts.len() == 1);
            (0..alerts.len()).any(|index| !read.contains(&said(index)))
        });
        let nameless = || {
            let mut names = alerts.iter().filter_map(|labels| labels.get("alertname"));
            names.any(|name| !read.contains(name.as_str()))
        };
        match lost {
            Some(key) if alerts.len() > 1 => Some(format!("the {key} of each alert")),
            Some(key) => Some(format!("the whole {key} of {}", called(alerts.first()?))),
            None => nameless().then(|| "the name of the alert".to_string()),
        }
    }

    /// Words that say the opposite of how things are.
    fn exchanged(&self) -> Option<Wrong> {
        let says = |fires: bool, wrong: &str, right: &str| {
            let read = self.read(fires)?.to_lowercase();
            Some(read.contains(wrong) && !read.contains(right))
        };
        let subject = self.subject().unwrap_or_default();
        let subject = texts::written(subject, self.labels, true).unwrap_or_default();
        let subject = subject.to_lowercase();
        if subject.contains("resolved") && !subject.contains("firing") {
            let message = "the mail of an alert that fires has a subject that says resolved";
            return Some(("headers", message.to_string(), "write `{{ .Status }}`"));
        }
        let (state, word) = if says(true, "resolved", "firing")? {
            ("fires", "resolved")
        } else if self.tells_of_the_end() && says(false, "firing", "resolved")? {
            ("has ended", "firing")
        } else {
            return None;
        };
        let message = format!("of an alert that {state} people read that it is {word}");
        Some((self.first_key()?, message, "write `{{ .Status }}`"))
    }

    /// Slack's bar in the colour of good news while an alert fires.
    fn coloured(&self) -> Option<Wrong> {
        let colour = self.entry["color"]
            .as_str()
            .filter(|_| self.integration == "slack")?;
        let fires = texts::written(colour, self.labels, true).ok()?;
        (fires == "good").then(|| {
            let message = "an alert that fires is shown in the colour of good news".to_string();
            let help = "leave `color` out: its own text tells the two apart";
            ("color", message, help)
        })
    }

    /// An address of PagerDuty that takes what is sent, and wakes nobody.
    fn without_incident(&self) -> Option<Wrong> {
        let url = self.entry["url"]
            .as_str()
            .filter(|_| self.integration == "pagerduty")?;
        let keyed = ["routing_key", "routing_key_file"];
        let events = keyed.iter().any(|key| self.entry.get(*key).is_some());
        // Below another address a proxy of one's own may take them.
        let other = host(url).ends_with("pagerduty.com") && !url.ends_with("/v2/enqueue");
        (events && (other || url.contains("/change/") || url.ends_with(".json"))).then(|| {
            let message = format!("{url} makes no incident of an event with a routing key");
            let help = "leave `url` out: PagerDuty takes them at /v2/enqueue";
            ("url", message, help)
        })
    }

    /// A word for how loud it is, with which nobody is woken by what must wake somebody.
    fn hushed(&self, urgent: &[&Labels]) -> Option<Wrong> {
        let (_, key, loud, instead) = LOUDNESS
            .iter()
            .find(|(kind, key, ..)| *kind == self.integration && self.entry.get(*key).is_some())?;
        // A chat may be quiet on purpose, and low is a choice; what informs calls no one, whoever is there to be called.
        let said = self.said.is_some_and(|said| said.get(*key).is_some());
        let quiet = |word: &str| match said {
            true => INFORMS.contains(&word),
            false => !loud.contains(&word),
        };
        let text = plain(&self.entry[*key]);
        let become_of = |labels: &&Labels| texts::written(&text, labels, true).ok();
        let mut words = urgent.iter().filter_map(become_of);
        let word = words.find(|word| quiet(word.trim()))?;
        let message = format!(
            "{} gets the most urgent alerts with the {key} `{}`, and may wake no one for them",
            self.integration,
            word.trim()
        );
        Some((key, message, instead))
    }

    /// A severity of PagerDuty for everything, of which nobody is woken.
    fn calm(&self) -> Option<Wrong> {
        let severity = self.entry["severity"].as_str()?;
        // What no catalog says is written out for each alert.
        if self.said.is_some_and(|said| said.get("severity").is_none()) {
            return None;
        }
        let calm = ["info", "warning"].contains(&severity) && self.integration == "pagerduty";
        calm.then(|| {
            let message = format!(
                "the most urgent alerts are events of severity `{severity}`: PagerDuty may wake nobody for them"
            );
            let help = "write `critical`, or the alert's own: `{{ .CommonLabels.severity }}`";
            ("severity", message, help)
        })
    }
}

/// `Errors` of `cart`.
fn called(labels: &Labels) -> String {
    let text = |label: &str| labels.get(label).map_or("", String::as_str);
    match text("job") {
        "" => format!("`{}`", text("alertname")),
        job => format!("`{}` of `{job}`", text("alertname")),
    }
}

/// The alerts of which a receiver is told.
fn reaching<'n>(notifications: &'n Notifications, receiver: &str) -> Vec<&'n Labels> {
    let Some(tree) = &notifications.tree else {
        return Vec::new();
    };
    let all = notifications.alerts.real.iter().map(Firing::labels);
    let told = all.filter(|labels| {
        let mut reached = tree.reached(&[*labels]).into_iter();
        reached.any(|route| route.receiver() == receiver)
    });
    told.take(MOST).collect()
}

/// So many alerts are looked at, to find two that are sent as one.
const MOST: usize = 200;

/// Two alerts of which a receiver is told at once: of two services, or of two parts of one.
fn together(
    stack: &Stack,
    notifications: &Notifications,
    tree: &Route,
    receiver: &str,
) -> Option<[Labels; 2]> {
    let all = &notifications.alerts.real;
    let all = &all[..all.len().min(MOST)];
    let mut told = notifications.told(receiver).iter().copied();
    told.find_map(|index| {
        let own = all.get(index)?.labels();
        let mut routes = tree.reached(&[own]).into_iter();
        let route = routes.find(|route| route.receiver() == receiver)?;
        let apart = route.group_by();
        if apart.contains(&"...") {
            return None;
        }
        let (name, job) = (own.get("alertname"), own.get("job"));
        let alert = stack.catalog.alert(name.map_or("", String::as_str));
        let per = alert.map_or(&[][..], |alert| &alert.per);
        let part = per.iter().find(|label| !apart.contains(&label.as_str()));
        if let Some((label, value)) = part.and_then(|label| own.get_key_value(label)) {
            let mut other = own.clone();
            other.insert(label.clone(), format!("other-{value}"));
            return Some([own.clone(), other]);
        }
        let mut others = all[index + 1..].iter().map(Firing::labels);
        let beside = others.find(|other| {
            let alike = |label: &&str| own.get(*label) == other.get(*label);
            name == other.get("alertname")
                && job != other.get("job")
                && apart.iter().all(alike)
                && route.takes(other)
        })?;
        Some([own.clone(), beside.clone()])
    })
}

/// The alerts that matter most of which a receiver is told.
fn urgent<'n>(stack: &Stack, notifications: &'n Notifications, receiver: &str) -> Vec<&'n Labels> {
    let told = notifications.told(receiver).iter();
    let told = told.map(|index| &notifications.alerts.real[*index]);
    let worst = told.filter(|firing| firing.rank(stack.catalog) == 0);
    worst.take(MOST).map(Firing::labels).collect()
}
