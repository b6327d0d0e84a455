//! What tells a series from others.

use std::collections::HashMap;
use std::fmt;
use std::rc::Rc;

/// What is known of each set of labels.
pub type ByLabels<T> = HashMap<Labels, T, foldhash::fast::FixedState>;

/// The label that is the metric's name.
pub const NAME: &str = "__name__";

/// Names and values, sorted by name, none of them empty.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Labels(Rc<Vec<(Rc<str>, Rc<str>)>>);

impl Labels {
    /// The value of a label; one that is not there is empty.
    pub fn get(&self, name: &str) -> &str {
        self.0
            .binary_search_by(|(known, _)| (**known).cmp(name))
            .map_or("", |index| &self.0[index].1)
    }

    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().map(|(name, value)| (&**name, &**value))
    }

    /// Only those that are kept.
    pub fn filtered(&self, keep: impl Fn(&str) -> bool) -> Labels {
        if self.0.iter().all(|(name, _)| keep(name)) {
            return self.clone();
        }
        let kept = self.0.iter().filter(|(name, _)| keep(name));
        Labels(Rc::new(kept.cloned().collect()))
    }

    pub(crate) fn without_name(&self) -> Labels {
        self.filtered(|name| name != NAME)
    }

    /// With another value of a label; an empty one removes it.
    pub fn with(&self, name: &str, value: &str) -> Labels {
        self.with_each([(name, value)])
    }

    /// The same of several labels, one after the other.
    pub(crate) fn with_each<N, V>(&self, pairs: impl IntoIterator<Item = (N, V)>) -> Labels
    where
        N: AsRef<str> + Into<Rc<str>>,
        V: AsRef<str> + Into<Rc<str>>,
    {
        let mut all = (*self.0).clone();
        for (name, value) in pairs {
            let removes = value.as_ref().is_empty();
            match all.binary_search_by(|(known, _)| (**known).cmp(name.as_ref())) {
                Ok(index) if removes => drop(all.remove(index)),
                Ok(index) => all[index].1 = value.into(),
                Err(_) if removes => {}
                Err(index) => all.insert(index, (name.into(), value.into())),
            }
        }
        Labels(Rc::new(all))
    }
}

impl<N: AsRef<str>, V: AsRef<str>> FromIterator<(N, V)> for Labels {
    /// Of two values for one label the last holds.
    fn from_iter<I: IntoIterator<Item = (N, V)>>(pairs: I) -> Labels {
        let mut all: Vec<(Rc<str>, Rc<str>)> = pairs
            .into_iter()
            .map(|(name, value)| (Rc::from(name.as_ref()), Rc::from(value.as_ref())))
            .collect();
        all.sort_by(|(one, _), (other, _)| one.cmp(other));
        all.dedup_by(|later, kept| {
            let same = later.0 == kept.0;
            if same {
                std::mem::swap(later, kept);
            }
            same
        });
        all.retain(|(_, value)| !value.is_empty());
        Labels(Rc::new(all))
    }
}

impl fmt::Display for Labels {
    /// As Prometheus writes them: `{job="a"}`, the name among the others.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{{")?;
        for (index, (name, value)) in self.iter().enumerate() {
            let comma = if index > 0 { ", " } else { "" };
            write!(formatter, "{comma}{name}={value:?}")?;
        }
        write!(formatter, "}}")
    }
}
