//! Values, and what Rust has in place of them.

use super::{Map, Value};
use serde::de::value::{MapAccessDeserializer, MapDeserializer, SeqDeserializer};
use serde::de::{Deserializer, IntoDeserializer, MapAccess, SeqAccess, Visitor};
use serde::ser::{SerializeMap, Serializer};
use serde::{Deserialize, Serialize, forward_to_deserialize_any};
use serde_json::{Error, Result};
use std::fmt;

/// What a value says, as Rust has it.
pub fn from_value<'v, T: Deserialize<'v>>(value: &'v Value) -> Result<T> {
    T::deserialize(value)
}

/// What Rust has, as a value.
pub fn to_value(value: impl Serialize) -> Result<Value> {
    serde_json::to_value(value).map(Value::from)
}

impl From<serde_json::Value> for Value {
    fn from(value: serde_json::Value) -> Value {
        match value {
            serde_json::Value::Null => Value::Null,
            serde_json::Value::Bool(value) => Value::Bool(value),
            serde_json::Value::Number(number) => Value::Number(number),
            serde_json::Value::String(text) => Value::String(text),
            serde_json::Value::Array(list) => list.into_iter().collect(),
            serde_json::Value::Object(map) => map.into_iter().collect(),
        }
    }
}

impl From<&Value> for serde_json::Value {
    fn from(value: &Value) -> serde_json::Value {
        match value {
            Value::Null => serde_json::Value::Null,
            Value::Bool(value) => (*value).into(),
            Value::Number(number) => serde_json::Value::Number(number.clone()),
            Value::String(text) => text.as_str().into(),
            Value::Array(list) => list.iter().map(serde_json::Value::from).collect(),
            Value::Object(map) => map
                .iter()
                .map(|(key, value)| (key.as_str(), value))
                .collect(),
        }
    }
}

impl Serialize for Value {
    fn serialize<S: Serializer>(&self, serializer: S) -> std::result::Result<S::Ok, S::Error> {
        match self {
            Value::Null => serializer.serialize_unit(),
            Value::Bool(value) => serializer.serialize_bool(*value),
            Value::Number(number) => number.serialize(serializer),
            Value::String(text) => serializer.serialize_str(text),
            Value::Array(list) => list.serialize(serializer),
            Value::Object(map) => map.serialize(serializer),
        }
    }
}

impl Serialize for Map {
    fn serialize<S: Serializer>(&self, serializer: S) -> std::result::Result<S::Ok, S::Error> {
        let mut written = serializer.serialize_map(Some(self.len()))?;
        for (key, value) in self {
            written.serialize_entry(key, value)?;
        }
        written.end()
    }
}

impl<'de> Deserialize<'de> for Value {
    fn deserialize<D: Deserializer<'de>>(read: D) -> std::result::Result<Value, D::Error> {
        read.deserialize_any(Read)
    }
}

impl<'de> Deserialize<'de> for Map {
    fn deserialize<D: Deserializer<'de>>(read: D) -> std::result::Result<Map, D::Error> {
        match read.deserialize_map(Read)? {
            Value::Object(map) => Ok(map),
            _ => Err(serde::de::Error::custom("a map is expected")),
        }
    }
}

/// Whatever comes becomes a value.
struct Read;

impl<'de> Visitor<'de> for Read {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter) -> fmt::Result {
        f.write_str("a value")
    }

    fn visit_unit<E>(self) -> std::result::Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_none<E>(self) -> std::result::Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_some<D: Deserializer<'de>>(self, read: D) -> std::result::Result<Value, D::Error> {
        read.deserialize_any(Read)
    }

    fn visit_bool<E>(self, value: bool) -> std::result::Result<Value, E> {
        Ok(Value::Bool(value))
    }

    fn visit_i64<E>(self, number: i64) -> std::result::Result<Value, E> {
        Ok(Value::Number(number.into()))
    }

    fn visit_u64<E>(self, number: u64) -> std::result::Result<Value, E> {
        Ok(Value::Number(number.into()))
    }

    fn visit_f64<E>(self, number: f64) -> std::result::Result<Value, E> {
        Ok(number.into())
    }

    fn visit_str<E>(self, text: &str) -> std::result::Result<Value, E> {
        Ok(text.into())
    }

    fn visit_string<E>(self, text: String) -> std::result::Result<Value, E> {
        Ok(Value::String(text))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut read: A) -> std::result::Result<Value, A::Error> {
        let mut list = Vec::new();
        while let Some(item) = read.next_element()? {
            list.push(item);
        }
        Ok(Value::Array(list))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut read: A) -> std::result::Result<Value, A::Error> {
        let mut map = Map::new();
        while let Some((key, value)) = read.next_entry()? {
            map.insert(key, value);
        }
        Ok(Value::Object(map))
    }
}

/// The entries of a map, as a type reads them.
fn read(map: &Map) -> impl Iterator<Item = (&str, &Value)> {
    map.iter().map(|(key, value)| (key.as_str(), value))
}

impl<'de> IntoDeserializer<'de, Error> for &'de Value {
    type Deserializer = &'de Value;

    fn into_deserializer(self) -> &'de Value {
        self
    }
}

impl<'de> Deserializer<'de> for &'de Value {
    type Error = Error;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value> {
        match self {
            Value::Null => visitor.visit_unit(),
            Value::Bool(value) => visitor.visit_bool(*value),
            Value::Number(number) => number.deserialize_any(visitor),
            Value::String(text) => visitor.visit_borrowed_str(text),
            Value::Array(list) => {
                let mut items = SeqDeserializer::new(list.iter());
                let read = visitor.visit_seq(&mut items)?;
                items.end()?;
                Ok(read)
            }
            Value::Object(map) => {
                let mut entries = MapDeserializer::new(read(map));
                let read = visitor.visit_map(&mut entries)?;
                entries.end()?;
                Ok(read)
            }
        }
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value> {
        match self {
            Value::Null => visitor.visit_none(),
            value => visitor.visit_some(value),
        }
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        visitor: V,
    ) -> Result<V::Value> {
        visitor.visit_newtype_struct(self)
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value> {
        match self {
            Value::Object(map) => {
                let entries = MapDeserializer::new(read(map));
                visitor.visit_enum(MapAccessDeserializer::new(entries))
            }
            value => {
                let text = value.as_str();
                let text = text.ok_or_else(|| serde::de::Error::custom("a text is expected"))?;
                visitor.visit_enum(text.into_deserializer())
            }
        }
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf unit unit_struct seq tuple tuple_struct
        map struct identifier ignored_any
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, Deserialize, PartialEq, Serialize)]
    #[serde(rename_all = "kebab-case")]
    enum Kind {
        Plain,
        Of(u16),
    }

    #[derive(Debug, Deserialize, PartialEq, Serialize)]
    struct Written {
        name: String,
        kinds: Vec<Kind>,
        ratio: f64,
        pair: (i64, Option<bool>),
        #[serde(default)]
        left_out: Option<String>,
        rest: Value,
    }

    #[test]
    fn what_is_written_is_read_as_it_was() {
        let text = r#"{"name":"a","kinds":["plain",{"of":7}],"ratio":2,"pair":[-1,null],"rest":{"b":[1.5,"x"]}}"#;
        let value: Value = serde_json::from_str(text).unwrap();
        assert_eq!(value.to_string(), text);
        let written: Written = from_value(&value).unwrap();
        assert_eq!(written, serde_json::from_str(text).unwrap());
        let again = to_value(&written).unwrap();
        assert_eq!(from_value::<Written>(&again).unwrap(), written);
        assert_eq!(Value::from(serde_json::Value::from(&value)), value);
    }

    #[test]
    fn what_does_not_fit_is_an_error() {
        for text in [r#"{"name": 1}"#, r#"{"kinds": ["other"]}"#, "[]", "null"] {
            let value: Value = serde_json::from_str(text).unwrap();
            assert!(from_value::<Written>(&value).is_err(), "{text}");
        }
    }
}
