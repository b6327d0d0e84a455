//! YAML text as JSON values; the only module that knows which crate reads it.

mod usual;

use crate::source::steps;
use crate::value::Value;
use serde::de::{Deserialize, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_yaml::{Options, Spanned};
use std::fmt;

/// Why a text is not one YAML document, and where.
#[derive(Debug)]
pub struct YamlError {
    /// From 1; 0 when unknown.
    pub line: usize,
    /// The parser's reason; duplicate keys are one.
    pub reason: String,
}

/// Strict, so that a reader of YAML 1.1 and one of 1.2 see the same; unlimited, because the text is our own.
fn options() -> Options {
    let mut options = Options::default();
    options.budget = None;
    options.strict_booleans = true;
    options.leading_zero_numbers_as_strings = true;
    options.with_snippet = false;
    options
}

/// Reads one document; keys stay in order, a key given twice is an error.
pub fn parse(text: &str) -> Result<Value, YamlError> {
    usual::read(text).map_or_else(|| whole(text), Ok)
}

/// Reads a file in the language that its name says. JSON is YAML too, but who wants JSON reads no YAML: no comment, no word without
/// quotes, no comma behind the last item.
pub fn of_file(path: &str, text: &str) -> Result<Value, YamlError> {
    let strict = match path.ends_with(".json") {
        true => serde_json::from_str(text).map(|IgnoredAny| ()),
        false => Ok(()),
    };
    strict.map_err(|error| YamlError {
        line: error.line(),
        reason: format!("it is not JSON: {}", reason(&error.to_string())),
    })?;
    parse(text).map_err(|error| YamlError {
        reason: format!("it is not YAML: {}", error.reason),
        ..error
    })
}

/// The same of any text, and why it is no document.
fn whole(text: &str) -> Result<Value, YamlError> {
    serde_yaml::from_str_with_options(text, options()).map_err(|error| YamlError {
        line: error
            .location()
            .map_or(0, |location| location.line() as usize),
        reason: reason(&error.to_string()),
    })
}

/// A value as people write it; as JSON, which is YAML, where what is written so would be read otherwise.
pub fn print(value: &Value) -> String {
    let written = serde_yaml::to_string(value).ok();
    let same = written.filter(|text| parse(text).is_ok_and(|read| read == *value));
    same.unwrap_or_else(|| format!("{value:#}\n"))
}

/// The parser's sentence without its advice to programmers, and without a place: the diagnostic has a better one.
fn reason(text: &str) -> String {
    if text.contains("multiple YAML documents") {
        return "it holds several documents, and only one may be there: remove all from the second `---` on".into();
    }
    let reason = text.split(", set ").next().unwrap_or(text);
    let reason = reason.split(" at line ").next().unwrap_or(reason);
    match reason.contains("trailing content after double-quoted scalar") {
        true => format!("{reason}; a quote inside of `\"…\"` ends it unless it is written `\\\"`"),
        false => reason.to_string(),
    }
}

/// The lines of a document's values: slower to read than the values, so it is read when something is wrong.
#[derive(Debug)]
pub struct Lines(Option<Spanned<Tree>>);

impl Lines {
    /// Reads one document; a text that is none has no lines.
    pub fn read(text: &str) -> Lines {
        Lines(serde_yaml::from_str_with_options(text, options()).ok())
    }

    /// The line, from 1, at which the value under a JSON pointer starts; the nearest parent's when it has none.
    pub fn line(&self, pointer: &str) -> Option<usize> {
        let mut node = self.0.as_ref()?;
        let mut line = node.referenced.line();
        for step in steps(pointer) {
            let child = match &node.value {
                Tree::Map(entries) => entries
                    .iter()
                    .find(|(key, _)| *key == step)
                    .map(|(_, value)| value),
                Tree::Seq(items) => step.parse().ok().and_then(|index: usize| items.get(index)),
                Tree::Scalar => None,
            };
            match child {
                Some(child) => node = child,
                None => break,
            }
            line = node.referenced.line();
        }
        usize::try_from(line).ok()
    }
}

/// A document as places only.
#[derive(Debug)]
enum Tree {
    Map(Vec<(String, Spanned<Tree>)>),
    Seq(Vec<Spanned<Tree>>),
    Scalar,
}

impl<'de> Deserialize<'de> for Tree {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Tree, D::Error> {
        deserializer.deserialize_any(TreeVisitor)
    }
}

struct TreeVisitor;

impl<'de> Visitor<'de> for TreeVisitor {
    type Value = Tree;

    fn expecting(&self, f: &mut fmt::Formatter) -> fmt::Result {
        f.write_str("any value")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut access: A) -> Result<Tree, A::Error> {
        let mut entries = Vec::new();
        while let Some(entry) = access.next_entry()? {
            entries.push(entry);
        }
        Ok(Tree::Map(entries))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut access: A) -> Result<Tree, A::Error> {
        let mut items = Vec::new();
        while let Some(item) = access.next_element()? {
            items.push(item);
        }
        Ok(Tree::Seq(items))
    }

    fn visit_str<E>(self, _: &str) -> Result<Tree, E> {
        Ok(Tree::Scalar)
    }

    fn visit_bool<E>(self, _: bool) -> Result<Tree, E> {
        Ok(Tree::Scalar)
    }

    fn visit_i64<E>(self, _: i64) -> Result<Tree, E> {
        Ok(Tree::Scalar)
    }

    fn visit_u64<E>(self, _: u64) -> Result<Tree, E> {
        Ok(Tree::Scalar)
    }

    fn visit_f64<E>(self, _: f64) -> Result<Tree, E> {
        Ok(Tree::Scalar)
    }

    fn visit_unit<E>(self) -> Result<Tree, E> {
        Ok(Tree::Scalar)
    }

    fn visit_none<E>(self) -> Result<Tree, E> {
        Ok(Tree::Scalar)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use include_dir::Dir;
    use proptest::prelude::*;

    /// Whatever the usual reader reads is what the whole reader reads; whether it was.
    fn read_alike(text: &str) -> bool {
        let read = usual::read(text);
        if let Some(read) = &read {
            let whole = whole(text);
            assert!(
                whole.as_ref().is_ok_and(|whole| whole == read),
                "{text:?}\nusual: {read}\nwhole: {whole:?}"
            );
        }
        read.is_some()
    }

    /// Reads every YAML and JSON file below a folder; how many there are.
    fn rendered_read(folder: &Dir) -> usize {
        let below: usize = folder.dirs().map(rendered_read).sum();
        let documents = folder.files().filter(|file| {
            let end = file.path().extension().and_then(|end| end.to_str());
            matches!(end, Some("yml" | "json"))
        });
        let read = documents.map(|file| {
            let text = file.contents_utf8().expect("it is text");
            assert!(read_alike(text), "{}", file.path().display());
        });
        below + read.count()
    }

    #[test]
    fn files_are_read_in_the_language_of_their_names() {
        let refused = |path: &str, text: &str| of_file(path, text).expect_err(text).reason;
        let several = refused("a.yml", "a: 1\n---\nb: 2\n");
        assert!(several.contains("several documents"), "{several}");
        for text in [
            "{a: 1}",
            "{\"a\": 1,}",
            "# mine\n{\"a\": 1}",
            "\u{feff}{\"a\": 1}",
        ] {
            let reason = refused("a.json", text);
            assert!(reason.starts_with("it is not JSON: "), "{text}: {reason}");
            assert!(!reason.contains("line"), "{reason}");
        }
        assert!(of_file("a.json", "{\"a\": [1, null]}").is_ok());
    }

    #[test]
    fn what_is_rendered_is_usual_and_read_alike() {
        static GENERATED: Dir = include_dir::include_dir!("$CARGO_MANIFEST_DIR/../generated");
        let read = rendered_read(&GENERATED);
        assert!(read > 20, "{read}");
    }

    #[test]
    fn every_scalar_is_read_alike_or_left_to_the_whole_reader() {
        let scalars = "~|null|Null|nULL|true|True|tRUE|yes|on|0|-0|+0|00|0755|08|1|-1|+1|1_000|1e3|1E3|1.|.5|-.5|1.5|-0.0|0.10|1.50\
            |0x1F|-0x1f|0o17|0b11|0b2|.inf|-.inf|.nan|+.Inf|.infinity|inf|nan|-inf|9007199254740993|18446744073709551615|18446744073709551616\
            |-9223372036854775808|0.1234567890123456789|1e999|5m|14d|1h30m|10.0.0.1|10.0.0.1:80|2026-01-02|12:30|1.2.3|-|--|-a|+|.|..|.+|.*|+.|-_|+_e|...a|e5|E|_1\
            |<<|'<<'|\"<<\"|a b|a#b|a: b|é|\\x41|\"\\x41\"|'it''s'|=|!|!!str 1|!x a|&a 1|*a|[1, 2]|[1, 2,]|{a: 1}|{a}|{a: 1, a: 2}|? a";
        for scalar in scalars
            .split('|')
            .map(|text| text.trim_end_matches('\\').trim())
        {
            for text in [
                scalar.to_string(),
                format!("a: {scalar}\n"),
                format!("- {scalar}\n- b\n"),
                format!("{scalar}: b\n"),
                format!("{{{scalar}: {scalar}}}"),
                format!("[{scalar}]"),
                format!("---\na: {scalar} # why\n...\n"),
                format!("a: {scalar}\n---\nb: 1\n"),
                format!("%YAML 1.1\n---\na: {scalar}\n"),
            ] {
                read_alike(&text);
            }
        }
        assert!(read_alike(
            "a: [-1, 2.5, 0, 5m, .+, true, ~]\n\"b\": {}\nc:\n"
        ));
        assert!(!read_alike("a: &x 1\nb: *x\n"));
        assert!(!read_alike(&"[".repeat(100_000)));
    }

    /// Any document, deep or not.
    fn any_document() -> impl Strategy<Value = Value> {
        let scalar = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::from),
            any::<i64>().prop_map(Value::from),
            (-1000..1000_i32).prop_map(|number| Value::from(f64::from(number) / 8.0)),
            ".{0,12}".prop_map(Value::from),
            "[-+0-9.eExo_a-f]{0,6}".prop_map(Value::from),
        ];
        scalar.prop_recursive(4, 24, 5, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..5).prop_map(Value::from),
                prop::collection::vec((".{0,6}", inner), 0..5)
                    .prop_map(|entries| Value::Object(entries.into_iter().collect())),
            ]
        })
    }

    proptest! {
        #[test]
        fn any_value_is_read_alike_however_it_is_written(value in any_document()) {
            read_alike(&value.to_string());
            if let Ok(text) = serde_yaml::to_string(&value) {
                read_alike(&text);
            }
        }

        #[test]
        fn any_text_is_read_alike(text in "([a-c0-9 .:,'\"#&*!|>%{}\\[\\]\\-?~<\t_+xe]|\n|\n  |: |- ){0,24}") {
            read_alike(&text);
        }
    }

    #[test]
    fn words_that_readers_disagree_about_stay_text() {
        let value = parse("a: on\nb: 0755\nc: true\n").unwrap();
        assert_eq!(
            value,
            crate::value::json!({"a": "on", "b": "0755", "c": true})
        );
    }

    #[test]
    fn a_key_given_twice_is_refused_with_its_line() {
        let error = parse("a: 1\nb: 2\na: 3\n").unwrap_err();
        assert_eq!(error.line, 3);
    }

    #[test]
    fn a_pointer_leads_to_its_line() {
        let text = "groups:\n  - name: a\n    rules:\n      - expr: |\n          up\n          == 0\n        for: 5m\n";
        let lines = Lines::read(text);
        assert_eq!(lines.line("/groups/0/rules/0/for"), Some(7));
        assert_eq!(lines.line("/groups/0/rules/0/nothing"), Some(4));
    }
}
