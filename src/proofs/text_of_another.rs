//! What an alert says of itself is of the service that it fires for, whichever that is.

use super::{Check, Example, Proof, place};
use crate::artifacts::RULES;
use crate::catalog::{Alert, Scope};
use crate::contract::domain::Domain;
use crate::contract::evaluate::nodes;
use crate::evaluation::rules::expanded;
use crate::go_template::{Template, tells_labels_apart};
use crate::overlay;
use crate::promql::engine::Labels;
use crate::stack::Stack;
use crate::stack::rules::{LoadedRule, named};
use crate::value::Value;
use std::collections::{BTreeSet, HashSet};
use std::sync::LazyLock;

pub(crate) const PROOF: Proof = Proof {
    code: "text-of-another",
    doc: "Every text of an alert is written out for each service that it can fire for, as Prometheus does it. One that names another service, or leads to its dashboard, sends whoever is woken to the wrong place; promtool tries the service that its test names, and no other.",
    example: Example::Rendered {
        role: RULES,
        pointer: "/groups/*/rules/alert=Errors/annotations/description",
        bad: r#""{{ $value | humanizePercentage }} of the requests to {{ if eq $labels.service \"cart\" }}checkout{{ else }}{{ $labels.service }}{{ end }} were answered with a 5xx status.""#,
    },
    check: Check::Stack(|stack| {
        let alerting = named(&stack.rules, true);
        let services: HashSet<&str> = stack
            .catalog
            .services
            .iter()
            .map(|service| service.name.as_str())
            .collect();
        let mut found = Vec::new();
        for (file, pointer, rule) in stack.files.alerts() {
            let name = rule["alert"].as_str().unwrap_or_default();
            let alert = stack.catalog.alert(name);
            let alert = alert.filter(|alert| alert.about == Scope::Service);
            let loaded = alerting.get(name).copied().flatten();
            let Some((alert, loaded)) = alert.zip(loaded) else {
                continue;
            };
            let texts = Texts {
                stack,
                services: &services,
                alert,
                loaded,
            };
            found.extend(texts.of_others(rule).map(|(key, message, help)| {
                place::at(
                    &file.path,
                    format!("{pointer}/annotations/{key}"),
                    message,
                    help,
                )
            }));
        }
        found
    }),
};

/// Words that monstack's own texts use of any service: one that is called like that is not meant by them.
static ORDINARY: LazyLock<HashSet<&'static str>> = LazyLock::new(|| {
    let texts = overlay::paths().filter(|path| path.ends_with("/annotations.yml"));
    texts
        .filter_map(overlay::built_in)
        .flat_map(words)
        .collect()
});

/// What is before a noun, and not before a name.
const BEFORE_NOUNS: [&str; 22] = [
    "a", "all", "an", "any", "each", "enough", "every", "few", "fewer", "his", "its", "many",
    "more", "most", "much", "no", "other", "some", "that", "the", "their", "this",
];

fn words(text: &str) -> impl Iterator<Item = &str> {
    let of_name = |c: char| c.is_alphanumeric() || matches!(c, '-' | '_');
    let words = text.split(move |c: char| !of_name(c));
    words.filter(|word| !word.is_empty())
}

struct Texts<'a, 's> {
    stack: &'a Stack<'s>,
    services: &'a HashSet<&'a str>,
    alert: &'a Alert,
    loaded: &'a LoadedRule<'s>,
}

/// The annotation, what is wrong with it, and what to do.
type Wrong = (String, String, &'static str);

impl Texts<'_, '_> {
    fn of_others(&self, rule: &Value) -> impl Iterator<Item = Wrong> {
        let own = self.loaded.rule.alert.iter();
        let annotations = own.flat_map(|alert| &alert.annotations);
        annotations.filter_map(move |(key, template)| {
            let text = rule["annotations"][key.as_str()].as_str()?;
            // What somebody writes of his alert in the catalog is his word, and a name in it may be a noun.
            (!self.says(key)).then_some(())?;
            let wrong = self
                .of_services(text, template)
                .or_else(|| self.of_parts(text, template))?;
            Some((key.clone(), wrong.0, wrong.1))
        })
    }

    /// Whether the catalog has an annotation word by word.
    fn says(&self, key: &str) -> bool {
        let alert = self.alert;
        match key {
            "description" => alert.description.is_some(),
            "runbook_url" => alert.runbook_url.is_some(),
            _ => alert.annotations.contains_key(key),
        }
    }

    /// A service of which it says another one.
    fn of_services(&self, text: &str, template: &Template) -> Option<(String, &'static str)> {
        let all = || {
            let branches = self.alert.branches.iter();
            branches
                .flat_map(|branch| &branch.services)
                .map(String::as_str)
        };
        let asks = tells_labels_apart(text);
        let named: HashSet<&str> = words(text)
            .filter(|word| self.services.contains(word))
            .collect();
        if !asks && named.is_empty() {
            return None;
        }
        let ordinary = all().take(2).collect::<Vec<_>>();
        let tried = all().filter(|name| asks || named.contains(name) || ordinary.contains(name));
        let mut tried = tried.filter_map(|name| {
            let service = self.stack.catalog.service(name)?;
            let of_rule = self.loaded.rule.constant_labels();
            let own = [
                ("job", name),
                ("service", name),
                ("component", service.group.as_str()),
            ];
            let labels: Labels = of_rule.chain(own).collect();
            let other = self.named(text, template, &labels, name, &|word| {
                // Without a condition a name that is no word is somebody else's finding.
                self.services.contains(word) && (asks || !word.contains(['-', '_']))
            })?;
            let message = format!(
                "of `{name}` it says `{other}`: whoever is woken looks at the wrong service"
            );
            Some((message, "write `{{ $labels.service }}`"))
        });
        tried.next()
    }

    /// A value of a label by which the alert fires apart, of which it says another one.
    fn of_parts(&self, text: &str, template: &Template) -> Option<(String, &'static str)> {
        let mut branches = self.alert.branches.iter();
        let name = branches.find_map(|branch| branch.services.first())?;
        // A text that prints the label names its value.
        let printed = |label: &&String| text.contains(&format!("abels.{label} "));
        let mut unprinted = self.alert.per.iter().filter(|label| !printed(label));
        unprinted.find_map(|label| {
            let whole = nodes(&self.loaded.rule.expr, &self.stack.contract).pop()?;
            let domains = self.stack.contract.domains(&whole.series, label);
            let values: BTreeSet<String> = domains
                .into_iter()
                .flat_map(|domain| match domain {
                    Domain::Values(values) => values,
                    Domain::Pattern(_) => Vec::new(),
                })
                .filter(|value| value.starts_with(char::is_alphabetic))
                .collect();
            values.iter().find_map(|value| {
                let labels: Labels = [("job", name.as_str()), ("service", name), (label, value)]
                    .into_iter()
                    .collect();
                let other = self.named(text, template, &labels, value, &|word| {
                    values.contains(word)
                })?;
                let message = format!("where `{label}` is `{value}` it says `{other}`");
                Some((
                    message,
                    "write the label itself, as in `{{ $labels.service }}`",
                ))
            })
        })
    }

    /// What a text says instead of the one that it is about.
    fn named(
        &self,
        text: &str,
        template: &Template,
        labels: &Labels,
        own: &str,
        is_other: &dyn Fn(&str) -> bool,
    ) -> Option<String> {
        let is_address = text.starts_with("http");
        // The same address for everything is of no service: a word in it may be anything.
        if is_address && !text.contains("abels") {
            return None;
        }
        [0.0, 1.0].into_iter().find_map(|value| {
            let written = expanded(template, labels, value).ok()?;
            let said = match written.split_once("://").filter(|_| is_address) {
                Some((_, rest)) => rest.split_once('/').map_or("", |(_, path)| path),
                None => written.as_str(),
            };
            if words(said).any(|word| word == own) {
                return None;
            }
            let mut before = "";
            let mut rest = said;
            let other = words(said).find(|word| {
                let (space, behind) = rest.split_once(word).unwrap_or_default();
                let noun = BEFORE_NOUNS.contains(&before.to_lowercase().as_str());
                // In brackets and quotes no word is an ordinary one.
                let marked = space.ends_with(['(', '[', '`', '"', '\'', '=']);
                let a_word = noun || ORDINARY.contains(word);
                (before, rest) = (word, behind);
                let own = labels.iter().any(|(_, value)| value == *word);
                is_other(word) && !own && (marked || !a_word)
            });
            other.map(str::to_string)
        })
    }
}
