//! What a change of an alerting or a recording rule means.

use super::Scene;
use super::stated::{stated, time};
use crate::catalog::Duration;
use crate::diff::Class::{self, Dangerous, Notice, Safe, Warning};
use crate::diff::rendered::expression;
use crate::diff::rendered::items::Item;
use crate::diff::rendered::leaves::Leaf;
use crate::diff::rendered::readers::Readers;
use crate::diff::{listed, weight};

pub(crate) fn alert(leaf: &Leaf, scene: &Scene) -> Option<(Class, String)> {
    let says = stated(leaf);
    match (leaf.path.first()?.as_str(), leaf.last()) {
        ("expr", _) => Some(asks(leaf)),
        ("for", _) => {
            let (was, is) = (time(leaf.was)?, time(leaf.is)?);
            let (word, by) = if is > was {
                ("later", is.0 - was.0)
            } else {
                ("sooner", was.0 - is.0)
            };
            Some((
                weight::longer(was, is),
                format!("fires {} {word}: after {is} instead of {was}", Duration(by)),
            ))
        }
        ("keep_firing_for", _) => Some((Notice, says)),
        ("labels", "severity") => {
            let (was, is) = leaf.texts();
            let lower = scene.routes.severities.rank(is) > scene.routes.severities.rank(was);
            Some((if lower { Dangerous } else { Notice }, says))
        }
        ("labels", _) => Some((
            Warning,
            format!("{says}; routes, silences and inhibitions by it end"),
        )),
        ("annotations", _) if leaf.is.is_none() => {
            Some((Warning, format!("{says}; people no longer see it")))
        }
        ("annotations", name)
            if leaf.was.is_none() || ["summary", "description"].contains(&name) =>
        {
            Some((Safe, says))
        }
        ("annotations", _) => Some((Notice, says)),
        _ => None,
    }
}

fn asks(leaf: &Leaf) -> (Class, String) {
    let (was, is) = leaf.texts();
    let (class, word) = expression::changed(was, is);
    let words = |text: &str| text.split_whitespace().collect::<Vec<_>>().join(" ");
    (
        class,
        format!("{word}: `{}` instead of `{}`", words(is), words(was)),
    )
}

/// What alerts read is as dangerous as the alerts' own conditions.
pub(crate) fn recording(item: &Item, leaf: &Leaf, readers: &Readers) -> Option<(Class, String)> {
    let alerts = readers.alerts(item.name.split(' ').next().unwrap_or_default());
    let read = if alerts.is_empty() {
        String::new()
    } else {
        format!(
            "; {} read{} it",
            listed(alerts),
            if alerts.len() == 1 { "s" } else { "" }
        )
    };
    let class = if alerts.is_empty() {
        Warning
    } else {
        Dangerous
    };
    let says = match leaf.path.first()?.as_str() {
        "expr" => {
            let (_, says) = asks(leaf);
            says.strip_prefix("has another expression, which may fire less")
                .map_or(says.clone(), |rest| format!("records something else{rest}"))
        }
        _ => stated(leaf),
    };
    Some((class, format!("{says}{read}")))
}
