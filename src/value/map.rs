//! Maps of values, whose keys keep their order.

use super::Value;
use std::collections::HashMap;
use std::fmt;

/// From so many keys on they are found by their hashes, and not one by one.
const MANY: usize = 16;

/// Keys in the order in which they were added, each with its value.
#[derive(Clone, Default)]
pub struct Map {
    entries: Vec<(String, Value)>,
    /// Where each key is, where there are many.
    #[expect(
        clippy::box_collection,
        reason = "nearly no map has one, and each would be larger for it"
    )]
    index: Option<Box<HashMap<String, usize>>>,
}

/// Keys with their values.
pub(crate) type Iter<'a> = std::iter::Map<
    std::slice::Iter<'a, (String, Value)>,
    fn(&'a (String, Value)) -> (&'a String, &'a Value),
>;

/// Keys with their values, to be changed.
pub(crate) type IterMut<'a> = std::iter::Map<
    std::slice::IterMut<'a, (String, Value)>,
    fn(&'a mut (String, Value)) -> (&'a String, &'a mut Value),
>;

impl Map {
    pub fn new() -> Map {
        Map::default()
    }

    pub fn len(&self) -> usize {
        self.entries.len()
    }

    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    fn place(&self, key: &str) -> Option<usize> {
        match &self.index {
            Some(index) => index.get(key).copied(),
            None => self.entries.iter().position(|(known, _)| known == key),
        }
    }

    /// Adds a key that is not there.
    fn push(&mut self, key: String, value: Value) {
        if let Some(index) = &mut self.index {
            index.insert(key.clone(), self.entries.len());
        }
        self.entries.push((key, value));
        if self.index.is_none() && self.entries.len() == MANY {
            self.number();
        }
    }

    /// Writes down anew where each key is.
    fn number(&mut self) {
        let keys = self.entries.iter().enumerate();
        let index = keys.map(|(place, (key, _))| (key.clone(), place));
        self.index = (self.entries.len() >= MANY).then(|| Box::new(index.collect()));
    }

    /// Gives back the room that it has for more.
    pub fn shrink_to_fit(&mut self) {
        self.entries.shrink_to_fit();
    }

    pub fn contains_key(&self, key: &str) -> bool {
        self.place(key).is_some()
    }

    pub fn get(&self, key: &str) -> Option<&Value> {
        self.place(key).map(|place| &self.entries[place].1)
    }

    pub fn get_mut(&mut self, key: &str) -> Option<&mut Value> {
        let place = self.place(key)?;
        Some(&mut self.entries[place].1)
    }

    /// Gives a key its value, at the end when it is not there, and returns the one that it had.
    pub fn insert(&mut self, key: String, value: Value) -> Option<Value> {
        match self.get_mut(&key) {
            Some(known) => Some(std::mem::replace(known, value)),
            None => {
                self.push(key, value);
                None
            }
        }
    }

    /// Takes a key away; those behind it keep their order.
    pub fn remove(&mut self, key: &str) -> Option<Value> {
        let place = self.place(key)?;
        let (_, value) = self.entries.remove(place);
        if let Some(index) = &mut self.index {
            index.remove(key);
            let later = index.values_mut().filter(|later| **later > place);
            later.for_each(|later| *later -= 1);
        }
        Some(value)
    }

    /// A key, whether it is there or not.
    pub fn entry(&mut self, key: impl Into<String>) -> Entry<'_> {
        Entry {
            key: key.into(),
            map: self,
        }
    }

    /// Keeps those of which this is so.
    pub fn retain(&mut self, mut kept: impl FnMut(&String, &mut Value) -> bool) {
        self.entries.retain_mut(|(key, value)| kept(key, value));
        self.number();
    }

    pub fn iter(&self) -> Iter<'_> {
        self.into_iter()
    }

    pub fn iter_mut(&mut self) -> IterMut<'_> {
        self.into_iter()
    }

    pub fn keys(&self) -> impl DoubleEndedIterator<Item = &String> + ExactSizeIterator + Clone {
        self.entries.iter().map(|(key, _)| key)
    }

    pub fn values(&self) -> impl DoubleEndedIterator<Item = &Value> + ExactSizeIterator + Clone {
        self.entries.iter().map(|(_, value)| value)
    }

    pub fn values_mut(&mut self) -> impl DoubleEndedIterator<Item = &mut Value> {
        self.entries.iter_mut().map(|(_, value)| value)
    }
}

/// A key of a map, which may not be there yet.
pub struct Entry<'a> {
    key: String,
    map: &'a mut Map,
}

impl<'a> Entry<'a> {
    /// Its value; this one, where it has none.
    pub fn or_insert(self, value: Value) -> &'a mut Value {
        self.or_insert_with(|| value)
    }

    /// Its value; the one that is made now, where it has none.
    pub fn or_insert_with(self, made: impl FnOnce() -> Value) -> &'a mut Value {
        let place = self.map.place(&self.key).unwrap_or_else(|| {
            self.map.push(self.key, made());
            self.map.len() - 1
        });
        &mut self.map.entries[place].1
    }
}

impl fmt::Debug for Map {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        f.debug_map().entries(self).finish()
    }
}

/// Whatever the order of the keys.
impl PartialEq for Map {
    fn eq(&self, other: &Map) -> bool {
        let same = |((key, value), (other_key, other_value)): ((&String, &Value), _)| {
            if key == other_key {
                value == other_value
            } else {
                other.get(key) == Some(value)
            }
        };
        self.len() == other.len() && self.iter().zip(other).all(same)
    }
}

impl Eq for Map {}

impl FromIterator<(String, Value)> for Map {
    fn from_iter<I: IntoIterator<Item = (String, Value)>>(entries: I) -> Map {
        let mut map = Map::new();
        map.extend(entries);
        map
    }
}

impl Extend<(String, Value)> for Map {
    fn extend<I: IntoIterator<Item = (String, Value)>>(&mut self, entries: I) {
        for (key, value) in entries {
            self.insert(key, value);
        }
    }
}

impl IntoIterator for Map {
    type Item = (String, Value);
    type IntoIter = std::vec::IntoIter<(String, Value)>;

    fn into_iter(self) -> Self::IntoIter {
        self.entries.into_iter()
    }
}

impl<'a> IntoIterator for &'a Map {
    type Item = (&'a String, &'a Value);
    type IntoIter = Iter<'a>;

    fn into_iter(self) -> Iter<'a> {
        self.entries.iter().map(|(key, value)| (key, value))
    }
}

impl<'a> IntoIterator for &'a mut Map {
    type Item = (&'a String, &'a mut Value);
    type IntoIter = IterMut<'a>;

    fn into_iter(self) -> IterMut<'a> {
        self.entries.iter_mut().map(|(key, value)| (&*key, value))
    }
}

impl std::ops::Index<&str> for Map {
    type Output = Value;

    fn index(&self, key: &str) -> &Value {
        self.get(key).expect("the key is there")
    }
}

impl std::ops::IndexMut<&str> for Map {
    fn index_mut(&mut self, key: &str) -> &mut Value {
        self.get_mut(key).expect("the key is there")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        /// Few keys and many, added, changed and taken away: as in a list of pairs.
        #[test]
        fn a_map_is_a_list_of_pairs(steps in prop::collection::vec((0..3, 0..40u32), 0..120)) {
            let mut map = Map::new();
            let mut list: Vec<(String, Value)> = Vec::new();
            for (number, (what, key)) in steps.into_iter().enumerate() {
                let (key, value) = (key.to_string(), Value::from(number));
                let known = list.iter().position(|(known, _)| *known == key);
                match (what, known) {
                    (0, Some(place)) => {
                        prop_assert_eq!(map.remove(&key), Some(list.remove(place).1));
                    }
                    (0, None) => prop_assert_eq!(map.remove(&key), None),
                    (1, Some(place)) => {
                        prop_assert_eq!(&*map.entry(key).or_insert(value), &list[place].1);
                    }
                    (2, Some(place)) => {
                        let before = std::mem::replace(&mut list[place].1, value.clone());
                        prop_assert_eq!(map.insert(key, value), Some(before));
                    }
                    _ => {
                        prop_assert_eq!(map.insert(key.clone(), value.clone()), None);
                        list.push((key, value));
                    }
                }
                for (key, value) in &list {
                    prop_assert_eq!(map.get(key), Some(value));
                }
            }
            let pairs: Vec<(String, Value)> = map.clone().into_iter().collect();
            prop_assert_eq!(&pairs, &list);
            let turned: Map = list.into_iter().rev().collect();
            prop_assert_eq!(map, turned);
        }
    }
}
