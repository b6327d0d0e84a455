//! A built-in kind whose kind.toml somebody has replaced: what it promised before, and does not promise any more.

use super::{Kind, Kinds};
use crate::diagnostic::{Diagnostic, Place};
use crate::value::Value;

/// So many promises are named.
const NAMED: usize = 3;

impl Kinds {
    /// A notice for each built-in kind that promises less than it does by itself: what is proved is what kind.toml says.
    pub(crate) fn weaker(&self) -> Vec<Diagnostic> {
        let built_in = Kinds::built_in();
        let known = built_in
            .iter()
            .filter_map(|own| Some((own, self.get(&own.name)?)));
        known
            .filter_map(|(own, replaced)| {
                let lost = lost(own, replaced);
                let first = lost.iter().take(NAMED).cloned().collect::<Vec<_>>().join(", ");
                let more = match lost.len() {
                    0 => return None,
                    len if len > NAMED => format!(" and {} more", len - NAMED),
                    _ => String::new(),
                };
                let file = format!("templates/kinds/{}/kind.toml", own.name);
                let message = format!(
                    "kind.toml of the built-in kind {} promises less than monstack's: {first}{more}",
                    own.name
                );
                let help = format!(
                    "what it does not promise is not proved: `monstack templates show kinds/{}/kind.toml` has all of it",
                    own.name
                );
                Some(Diagnostic::notice("weaker-kind", Place::File(file), message).help(help))
            })
            .collect()
    }
}

/// What the one promises and the other does not, in words.
fn lost(own: &Kind, other: &Kind) -> Vec<String> {
    let mut lost = Vec::new();
    for case in &own.cases {
        match other.cases.iter().find(|known| known.name == case.name) {
            None => lost.push(format!("the case `{}` is gone", case.name)),
            Some(known) if known.seen.len() < case.seen.len() => {
                lost.push(format!("the case `{}` looks less often", case.name));
            }
            Some(_) => {}
        }
    }
    for (flag, own, other) in [
        (
            "holds_back_others",
            own.holds_back_others,
            other.holds_back_others,
        ),
        (
            "one_event_a_step",
            own.one_event_a_step,
            other.one_event_a_step,
        ),
        ("forgets_events", own.forgets_events, other.forgets_events),
        ("counts_down", own.counts_down, other.counts_down),
        (
            "counts_instances",
            own.counts_instances,
            other.counts_instances,
        ),
    ] {
        if own && !other {
            lost.push(format!("`{flag}` is not set"));
        }
    }
    for (key, said) in &own.keys {
        let includes = |said: &Value| said["includes"] == true;
        match other.keys.get(key) {
            Some(known) if includes(said) && !includes(known) => {
                lost.push(format!("`{key}` does not include its threshold"));
            }
            Some(known) if said["unit"].is_string() && known["unit"] != said["unit"] => {
                lost.push(format!("`{key}` is in another unit"));
            }
            _ => {}
        }
    }
    if own.compares.is_some() && other.compares.is_none() {
        lost.push("`compares` is gone".to_string());
    }
    if own.panel.is_some() && other.panel.is_none() {
        lost.push("`panel` is gone".to_string());
    }
    for fault in &own.faults {
        if !other.faults.iter().any(|known| known.name == fault.name) {
            lost.push(format!("the fault `{}` is gone", fault.name));
        }
    }
    let says = |kind: &Kind| {
        let said = &kind.never_says;
        let all = [&said.always, &said.above, &said.below, &said.panel];
        all.map(|words| {
            words
                .iter()
                .cloned()
                .collect::<std::collections::BTreeSet<_>>()
        })
    };
    let unsaid = says(own).into_iter().zip(says(other));
    for word in unsaid.flat_map(|(own, other)| own.difference(&other).cloned().collect::<Vec<_>>())
    {
        lost.push(format!("its texts may say `{word}`"));
    }
    lost
}

#[cfg(test)]
mod tests {
    use crate::kinds::Kinds;
    use crate::overlay::{Overlay, built_in};
    use std::collections::BTreeMap;

    #[test]
    fn a_promise_that_is_cut_is_named() {
        let path = "kinds/down/kind.toml";
        let text = built_in(path).expect("it is built in");
        let weaker = |text: String| {
            let overlay = Overlay::texts(BTreeMap::from([(path.to_string(), text)]));
            let kinds = Kinds::of(&overlay).expect("they are kinds");
            kinds
                .weaker()
                .into_iter()
                .map(|found| found.message)
                .collect::<Vec<_>>()
        };
        assert!(weaker(format!("{text}\n")).is_empty());
        let cut = weaker(text.replace("holds_back_others = true\n", ""));
        assert_eq!(
            cut,
            [
                "kind.toml of the built-in kind down promises less than monstack's: `holds_back_others` is not set"
            ]
        );
    }
}
