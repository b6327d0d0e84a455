//! What the JSON Schema of a catalog says of the alerts of a kind.

use super::Kind;
use crate::value::{Map, Value, json};

impl Kind {
    /// A key's JSON Schema, annotated with what only monstack reads: `metric`, `also`, `beside`, `labels`, `answers`, `role`,
    /// `of_profile`, `whole_of`, `instead_of`, `unit`, `unit_of`, `side`, `includes`.
    pub(crate) fn property(&self, key: &str) -> Option<Value> {
        let written = self.keys.get(key)?.as_object()?;
        let mut property = Map::new();
        let target = match (
            written.get("ref").and_then(Value::as_str),
            written.contains_key("metric"),
        ) {
            (Some(target), _) => Some(target),
            (None, true) => Some("series_of"),
            (None, false) => None,
        };
        let one = target.map(|target| json!({"$ref": format!("#/$defs/{target}")}));
        if let Some(one) = one.clone().filter(|_| self.takes_levels(key)) {
            // Several of them, each with a severity.
            property.insert("if".to_string(), json!({"type": "object"}));
            let each = json!({
                "minProperties": 2,
                "propertyNames": {"$ref": "#/$defs/severity"},
                "additionalProperties": one,
            });
            property.insert("then".to_string(), each);
            property.insert("else".to_string(), one);
        } else {
            property.extend(one.map(|one| ("allOf".to_string(), json!([one]))));
        }
        property.extend(
            written
                .iter()
                .filter(|(name, _)| !["ref", "optional"].contains(&name.as_str()))
                .map(|(name, value)| (name.clone(), value.clone())),
        );
        Some(Value::Object(property))
    }

    /// What the schema of a catalog says of alerts of this kind; `common` are the keys that every alert has.
    pub(crate) fn schema(&self, common: &[&str]) -> Value {
        let optional = |key: &Value| {
            let besides = ["default", "whole_of", "instead_of"];
            key["optional"] == true || besides.iter().any(|said| key.get(said).is_some())
        };
        let thresholds: Vec<&str> = self.thresholds().map(|(key, _)| key).collect();
        let one_of = thresholds.len() > 1;
        let required: Vec<&String> = self
            .keys
            .iter()
            .filter(|(key, said)| !(optional(said) || one_of && thresholds.contains(&key.as_str())))
            .map(|(key, _)| key)
            .collect();
        let mut properties: Map = common
            .iter()
            .map(|key| (key.to_string(), true.into()))
            .collect();
        properties.extend(
            self.keys
                .keys()
                .filter_map(|key| Some((key.clone(), self.property(key)?))),
        );
        let mut then = Map::new();
        then.insert("description".into(), self.description.as_str().into());
        if !required.is_empty() {
            then.insert("required".into(), json!(required));
        }
        if one_of {
            let one = thresholds.iter().map(|key| json!({"required": [key]}));
            then.insert("oneOf".into(), one.collect());
        }
        // Of one metric a part and the whole: only where labels tell the part.
        let wholes = self.keys.iter().filter_map(|(whole, said)| {
            let part = said.get("whole_of")?.as_str()?;
            let named = json!({"properties": {part: {"type": "string"}}, "required": [part]});
            let instead = self.keys.iter();
            let instead = instead.filter(|(_, said)| said["instead_of"] == whole.as_str());
            let each = std::iter::once(whole).chain(instead.map(|(key, _)| key));
            let mut one: Vec<Value> = each.map(|key| json!({"required": [key]})).collect();
            if one.len() == 1 {
                return Some(vec![json!({"if": named, "then": {"required": [whole]}})]);
            }
            let must = json!({"if": named, "then": {"oneOf": one}});
            one.push(json!({"not": {"anyOf": one}}));
            Some(vec![
                must,
                json!({"if": {"not": named}, "then": {"oneOf": one}}),
            ])
        });
        let wholes: Vec<Value> = wholes.flatten().collect();
        if !wholes.is_empty() {
            then.insert("allOf".into(), wholes.into());
        }
        then.insert("additionalProperties".into(), false.into());
        then.insert("properties".into(), properties.into());
        json!({"if": {"properties": {"kind": {"const": self.name}}, "required": ["kind"]}, "then": then})
    }
}
