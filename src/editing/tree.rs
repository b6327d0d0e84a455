//! A file of the catalog, changed at one place: comments, order, and the way in which things are written stay.

use super::entry::{last_position, next_header, note};
use toml_edit::{Array, DocumentMut, InlineTable, Item, Key, RawString, Table, TableLike, Value};

/// A file that is being edited.
pub(crate) struct Tree {
    document: DocumentMut,
    /// Whether its lines end in `\r\n`.
    returns: bool,
}

impl Tree {
    /// None: it is not TOML.
    pub(crate) fn of(text: &str) -> Option<Tree> {
        Some(Tree {
            document: text.replace("\r\n", "\n").parse().ok()?,
            returns: text.contains("\r\n"),
        })
    }

    pub(crate) fn text(&self) -> String {
        let text = self.document.to_string();
        match self.returns {
            true => text.replace('\n', "\r\n"),
            false => text,
        }
    }

    /// Whether something is written there.
    pub(crate) fn has(&self, path: &[String]) -> bool {
        let mut item = Some(self.document.as_item());
        for step in path {
            item = item.and_then(|item| match step.parse::<usize>() {
                Ok(index) if !item.is_table_like() => item.get(index),
                _ => item.get(step.as_str()),
            });
        }
        item.is_some_and(|item| !item.is_none())
    }

    /// Whether a table or a list is written there, with nothing in it.
    pub(crate) fn is_empty(&mut self, path: &[String]) -> bool {
        let empty = |parent: Parent| match parent {
            Parent::Table(table) => table.is_empty(),
            Parent::Inline(table) => table.is_empty(),
            Parent::Array(items) => items.is_empty(),
        };
        self.around(path, empty).unwrap_or(false)
    }

    /// Writes a value, with the tables around it that are not there; a comment behind the old one stays. False: there is
    /// something else in the way.
    pub(crate) fn set(&mut self, path: &[String], value: Value) -> bool {
        let Some((key, around)) = path.split_last() else {
            return false;
        };
        let mut at = self.document.as_item_mut();
        for (depth, step) in around.iter().enumerate() {
            let index = step.parse::<usize>().ok().filter(|_| !at.is_table_like());
            if let Some(index) = index {
                let Some(inside) = at.get_mut(index) else {
                    return false;
                };
                at = inside;
                continue;
            }
            if let Some(table) = at.as_inline_table_mut()
                && !table.contains_key(step)
            {
                insert_last(table, step, InlineTable::new().into());
            }
            let Some(table) = at.as_table_like_mut() else {
                return false;
            };
            if !table.contains_key(step) {
                let mut new = Table::new();
                new.set_implicit(depth + 1 < around.len());
                new.decor_mut().set_prefix("\n");
                table.insert(step, Item::Table(new));
            }
            let Some(inside) = table.get_mut(step) else {
                return false;
            };
            at = inside;
        }
        if let Ok(index) = key.parse::<usize>()
            && let Some(items) = at.as_array_mut()
        {
            let Some(old) = items.get_mut(index) else {
                return false;
            };
            replace(old, value);
            return true;
        }
        if let Some(table) = at.as_inline_table_mut() {
            match table.get_mut(key) {
                Some(old) => replace(old, value),
                None => insert_last(table, key, value),
            }
            return true;
        }
        let Some(table) = at.as_table_like_mut() else {
            return false;
        };
        match table.get_mut(key) {
            Some(Item::Value(old)) => replace(old, value),
            Some(Item::Table(_) | Item::ArrayOfTables(_)) => return false,
            _ => drop(table.insert(key, Item::Value(value))),
        }
        true
    }

    /// Exchanges a text, between the quotes that it has.
    pub(crate) fn set_text(&mut self, path: &[String], text: &str) -> bool {
        let quoted = self.value(path).map(|old| as_quoted(old, text));
        quoted.is_some_and(|value| self.set(path, value))
    }

    fn value(&self, path: &[String]) -> Option<&Value> {
        let mut item = self.document.as_item();
        for (depth, step) in path.iter().enumerate() {
            if let (Some(items), Ok(index)) = (item.as_array(), step.parse::<usize>()) {
                let mut value = items.get(index)?;
                for step in &path[depth + 1..] {
                    value = match value {
                        Value::Array(items) => items.get(step.parse().ok()?)?,
                        other => other.as_inline_table()?.get(step)?,
                    };
                }
                return Some(value);
            }
            item = match step.parse::<usize>() {
                Ok(index) if item.is_array_of_tables() => item.get(index)?,
                _ => item.get(step.as_str())?,
            };
        }
        item.as_value()
    }

    /// Gives a key another name where it stands; a header that is written with it follows.
    pub(crate) fn rename_key(&mut self, path: &[String], new: &str) -> bool {
        let Some((old, around)) = path.split_last() else {
            return false;
        };
        self.around(around, |parent| match parent {
            Parent::Table(table) => {
                let keys: Vec<String> = table.iter().map(|(key, _)| key.to_string()).collect();
                let moved: Vec<(Key, Item)> = (keys.iter())
                    .filter_map(|key| table.remove_entry(key))
                    .collect();
                for (key, item) in moved {
                    table.insert_formatted(&renamed(key, old, new), item);
                }
                true
            }
            Parent::Inline(table) => {
                let keys: Vec<String> = table.iter().map(|(key, _)| key.to_string()).collect();
                let moved: Vec<(Key, Value)> = (keys.iter())
                    .filter_map(|key| table.remove_entry(key))
                    .collect();
                for (key, value) in moved {
                    table.insert_formatted(&renamed(key, old, new), value);
                }
                true
            }
            Parent::Array(_) => false,
        })
        .unwrap_or(false)
    }

    /// Takes something away, with the comments above it; those that end what stands before it stay.
    pub(crate) fn remove(&mut self, path: &[String]) -> bool {
        let Some((key, around)) = path.split_last() else {
            return false;
        };
        if let Some(Item::ArrayOfTables(tables)) = self.item(around) {
            let Some(index) = key.parse().ok().filter(|index| *index < tables.len()) else {
                return false;
            };
            tables.remove(index);
            if tables.is_empty() {
                return self.remove(around);
            }
            return true;
        }
        let mut kept = None;
        let gone = self
            .around(around, |parent| match parent {
                Parent::Table(table) => {
                    let gone = table.remove(key);
                    if let Some(Item::Table(gone)) = &gone {
                        let prefix = gone.decor().prefix().and_then(RawString::as_str);
                        let own = note(prefix.unwrap_or_default()).0.to_string();
                        let blank = prefix.is_some_and(|prefix| prefix.starts_with('\n'));
                        kept = last_position(gone).map(|position| (position, own, blank));
                    }
                    gone.is_some()
                }
                Parent::Inline(table) => {
                    let gone = table.remove(key);
                    // Before the closing brace stands what stood there.
                    let suffix = gone
                        .as_ref()
                        .and_then(|gone| gone.decor().suffix().cloned());
                    let last = table.iter().last().map(|(key, _)| key.to_string());
                    if let (Some(suffix), Some(last)) = (suffix, last)
                        && suffix.as_str().is_some_and(|text| !text.is_empty())
                        && let Some(last) = table.get_mut(&last)
                    {
                        last.decor_mut().set_suffix(suffix);
                    }
                    gone.is_some()
                }
                Parent::Array(items) => match key.parse().ok().filter(|at| *at < items.len()) {
                    Some(index) => {
                        let gone = items.remove(index);
                        if let (0, Some(first)) = (index, items.get_mut(0)) {
                            let prefix = gone.decor().prefix().cloned().unwrap_or_default();
                            first.decor_mut().set_prefix(prefix);
                        }
                        true
                    }
                    None => false,
                },
            })
            .unwrap_or(false);
        if let Some((position, own, blank)) = kept {
            match next_header(self.document.as_table_mut(), position) {
                Some(next) => {
                    let prefix = next.decor().prefix().and_then(RawString::as_str);
                    let prefix = prefix.unwrap_or_default();
                    let apart = match own.is_empty() && blank && !prefix.starts_with('\n') {
                        true => "\n",
                        false => "",
                    };
                    let whole = format!("{own}{apart}{prefix}");
                    next.decor_mut().set_prefix(whole);
                }
                None => {
                    let behind = self.document.trailing().as_str().unwrap_or_default();
                    let whole = format!("{own}{behind}");
                    self.document.set_trailing(whole);
                }
            }
        }
        gone
    }

    /// A table, an entry of an array of tables, a value.
    fn item(&mut self, path: &[String]) -> Option<&mut Item> {
        let mut item = self.document.as_item_mut();
        for step in path {
            item = match step.parse::<usize>() {
                Ok(index) if !item.is_table_like() => item.get_mut(index)?,
                _ => item.get_mut(step.as_str())?,
            };
        }
        Some(item)
    }

    fn around<T>(&mut self, path: &[String], change: impl FnOnce(Parent) -> T) -> Option<T> {
        // `routes.0` is an entry of an array of tables, which is no item of its own.
        let arrays = (0..path.len()).find(|depth| {
            self.item(&path[..*depth])
                .is_some_and(|item| item.is_array_of_tables())
        });
        if let Some(depth) = arrays {
            let index: usize = path[depth].parse().ok()?;
            let tables = self.item(&path[..depth])?.as_array_of_tables_mut()?;
            let entry = tables.get_mut(index)?;
            let Some((last, between)) = path[depth + 1..].split_last() else {
                return Some(change(Parent::Table(entry)));
            };
            let mut table = entry as &mut dyn TableLike;
            for step in between {
                table = table.get_mut(step)?.as_table_like_mut()?;
            }
            return Some(change(Parent::of(table.get_mut(last)?)?));
        }
        Some(change(Parent::of(self.item(path)?)?))
    }
}

/// What something stands in.
enum Parent<'a> {
    Table(&'a mut Table),
    Inline(&'a mut InlineTable),
    Array(&'a mut Array),
}

impl Parent<'_> {
    fn of(item: &mut Item) -> Option<Parent<'_>> {
        match item {
            Item::Table(table) => Some(Parent::Table(table)),
            Item::Value(Value::InlineTable(table)) => Some(Parent::Inline(table)),
            Item::Value(Value::Array(items)) => Some(Parent::Array(items)),
            _ => None,
        }
    }
}

fn renamed(key: Key, old: &str, new: &str) -> Key {
    if key.get() != old {
        return key;
    }
    Key::new(new)
        .with_leaf_decor(key.leaf_decor().clone())
        .with_dotted_decor(key.dotted_decor().clone())
}

/// Behind what is there: the space before the closing brace stays there.
fn insert_last(table: &mut InlineTable, key: &str, mut value: Value) {
    let last = table.iter().last().map(|(key, _)| key.to_string());
    if let Some(last) = last.and_then(|key| table.get_mut(&key)) {
        let suffix = last.decor().suffix().cloned().unwrap_or_default();
        last.decor_mut().set_suffix("");
        value.decor_mut().set_prefix(" ");
        value.decor_mut().set_suffix(suffix);
    }
    table.insert(key, value);
}

fn replace(old: &mut Value, mut new: Value) {
    *new.decor_mut() = old.decor().clone();
    *old = new;
}

/// A text in the quotes of another, where they can hold it.
fn as_quoted(old: &Value, text: &str) -> Value {
    let plain = Value::from(text);
    let written = match old {
        Value::String(formatted) => formatted.as_repr().and_then(|repr| repr.as_raw().as_str()),
        _ => None,
    };
    let Some(written) = written else { return plain };
    let quotes = ["'''", "\"\"\"", "'", "\""];
    let Some(quote) = quotes.iter().find(|quote| written.starts_with(**quote)) else {
        return plain;
    };
    let line = match quote.len() == 3 && written[3..].starts_with('\n') {
        true => "\n",
        false => "",
    };
    let same = format!("{quote}{line}{text}{quote}").parse::<Value>();
    match same {
        Ok(value) if value.as_str() == Some(text) => value,
        _ => plain,
    }
}

/// The keys of a dotted path, as TOML writes it: `rules."job:requests:rate5m".interval`.
pub(crate) fn path(written: &str) -> Option<Vec<String>> {
    let keys = Key::parse(written).ok()?;
    Some(keys.iter().map(|key| key.get().to_string()).collect())
}

/// A path as TOML writes it.
pub(crate) fn dotted(steps: &[String]) -> String {
    let keys = steps
        .iter()
        .map(|step| Key::new(step.as_str()).display_repr().into_owned());
    keys.collect::<Vec<_>>().join(".")
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "# top\n[groups.web]\ntitle = \"Web\"\n\n# the cart\n[services.cart]\ngroup = \"web\" # its row\nport = 8001\n# of the cart, too\n\n[services.cart.alerts.Down]\nfor = \"1m\"\n\n# the last\n[services.search]\ngroup = \"web\"\nport = 8002\n\n[alerts.Own]\nkind = \"promql\"\nexpr = '''\nup == 0 # '\n'''\nservices = [\"cart\", \"search\"]\n\n[[routes]]\nservice = [\"cart\", \"search\"]\nreceivers = [\"a\"]\n";

    fn edited(change: impl FnOnce(&mut Tree) -> bool) -> String {
        let mut tree = Tree::of(TEXT).unwrap();
        assert!(change(&mut tree));
        tree.text()
    }

    fn at(written: &str) -> Vec<String> {
        path(written).unwrap()
    }

    #[test]
    fn a_value_is_exchanged_and_its_comment_stays() {
        assert_eq!(
            edited(|tree| tree.set(&at("services.cart.group"), "api".into())),
            TEXT.replace("\"web\" # its row", "\"api\" # its row")
        );
        assert_eq!(
            edited(|tree| tree.set(&at("services.search.owner"), "team".into())),
            TEXT.replace("port = 8002\n", "port = 8002\nowner = \"team\"\n")
        );
        assert_eq!(
            edited(|tree| tree.set(&at("services.search.alerts.Down.for"), "2m".into())),
            TEXT.replace(
                "port = 8002\n",
                "port = 8002\n\n[services.search.alerts.Down]\nfor = \"2m\"\n"
            )
        );
        assert_eq!(
            edited(|tree| tree.set(&at("routes.0.service.1"), "api".into())),
            TEXT.replace(
                "[[routes]]\nservice = [\"cart\", \"search\"]",
                "[[routes]]\nservice = [\"cart\", \"api\"]"
            )
        );
    }

    #[test]
    fn a_text_keeps_its_quotes() {
        assert_eq!(
            edited(|tree| tree.set_text(&at("alerts.Own.expr"), "up == 1 # '\n")),
            TEXT.replace("up == 0", "up == 1")
        );
    }

    #[test]
    fn a_key_is_renamed_in_every_header() {
        assert_eq!(
            edited(|tree| tree.rename_key(&at("services.cart"), "basket")),
            TEXT.replace("services.cart", "services.basket")
        );
    }

    #[test]
    fn what_is_taken_away_takes_its_comments_with_it() {
        assert_eq!(
            edited(|tree| tree.remove(&at("services.search"))),
            TEXT.replace(
                "# the last\n[services.search]\ngroup = \"web\"\nport = 8002\n\n",
                ""
            )
        );
        assert_eq!(
            edited(|tree| tree.remove(&at("routes.0"))),
            TEXT.split("\n[[routes]]").next().unwrap()
        );
        assert_eq!(
            edited(|tree| tree.remove(&at("alerts.Own.services.0"))),
            TEXT.replace("services = [\"cart\", ", "services = [")
        );
        assert_eq!(
            edited(|tree| tree.remove(&at("routes.0.service"))),
            TEXT.replace(
                "[[routes]]\nservice = [\"cart\", \"search\"]\n",
                "[[routes]]\n"
            )
        );
    }

    #[test]
    fn a_path_is_read_and_written_as_toml_has_it() {
        let path = at("rules.\"job:a:rate5m\".interval");
        assert_eq!(path, ["rules", "job:a:rate5m", "interval"]);
        assert_eq!(dotted(&path), "rules.\"job:a:rate5m\".interval");
    }
}
