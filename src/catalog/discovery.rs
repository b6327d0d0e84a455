//! What tells Prometheus where the instances of a service are.

use super::access;
use crate::value::{Map, Value, json};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};

/// Where the container of Prometheus sees the folders with lists of targets.
pub(crate) const LISTS: &str = "/targets";

/// `discovery = { … }` of a service.
#[derive(Clone, Debug, Default, Deserialize, PartialEq)]
pub struct Discovery {
    /// Lists of targets: from the folder of the catalog on, or of this machine.
    #[serde(default)]
    pub file: Vec<String>,
    /// The discovered label that is asked in place of the address that is found.
    pub address: Option<String>,
    /// Discovered label → what its value must match, as a whole: each of these.
    #[serde(default)]
    pub keep: BTreeMap<String, Patterns>,
    /// Discovered label → what its value must not match, as a whole: none of these.
    #[serde(default)]
    pub drop: BTreeMap<String, Patterns>,
    /// Label → the discovered label that it is.
    #[serde(default)]
    pub labels: BTreeMap<String, String>,
    /// `http`, `dns`, or the name of a platform → its table, or what stands for one.
    #[serde(flatten)]
    pub others: BTreeMap<String, Value>,
}

/// One pattern, or several of the same value.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[serde(from = "Written")]
pub struct Patterns(pub Vec<String>);

#[derive(Deserialize)]
#[serde(untagged)]
enum Written {
    One(String),
    Several(Vec<String>),
}

impl From<Written> for Patterns {
    fn from(written: Written) -> Patterns {
        match written {
            Written::One(pattern) => Patterns(vec![pattern]),
            Written::Several(patterns) => Patterns(patterns),
        }
    }
}

/// A folder of this machine with lists of targets, and where Prometheus' container sees it.
#[derive(Serialize)]
pub(crate) struct Folder {
    /// As the catalog says it, without the last part.
    pub(crate) here: String,
    /// In the container.
    pub(crate) there: String,
}

impl Discovery {
    /// Each section as Prometheus reads it: `file_sd_configs` → its list. `contained`: whether it is a container, which sees
    /// folders and secrets elsewhere; `up` leads from its configuration to the folder of the catalog; `port`: of addresses that
    /// DNS gives without one.
    pub(crate) fn sections(&self, contained: bool, up: &str, port: Option<u16>) -> Value {
        let mut sections = Map::new();
        if !self.file.is_empty() {
            let files: Vec<String> = self
                .file
                .iter()
                .map(|file| seen(file, contained, up))
                .collect();
            sections.insert("file_sd_configs".to_string(), json!([{ "files": files }]));
        }
        for (name, said) in &self.others {
            let mut section = match (name.as_str(), said) {
                ("http", Value::String(url)) => json!({ "url": url }),
                ("dns", Value::String(name)) => json!({ "names": [name] }),
                ("dns", Value::Array(names)) => json!({ "names": names }),
                (_, table) => table.clone(),
            };
            if name == "dns" {
                let service = |name: &str| name.starts_with('_');
                let records = section["type"].as_str().map(str::to_string);
                let records =
                    records.unwrap_or_else(|| match section["names"].texts().all(service) {
                        true => "SRV".to_string(),
                        false => "A".to_string(),
                    });
                if let Some(port) = port.filter(|_| records != "SRV") {
                    section["port"] = port.into();
                }
                section["type"] = records.into();
            }
            access::with_files(&mut section, &mut |file| access::seen(file, contained, up));
            sections.insert(format!("{name}_sd_configs"), Value::Array(vec![section]));
        }
        Value::Object(sections)
    }

    /// The files of this machine that it takes to ask.
    pub(crate) fn secrets(&self) -> Vec<String> {
        let mut found = Vec::new();
        for said in self.others.values() {
            let mut said = said.clone();
            access::with_files(&mut said, &mut |file| {
                found.push(file.to_string());
                file.to_string()
            });
        }
        found
    }

    /// The folders of its lists, each once.
    pub(crate) fn folders(&self) -> Vec<Folder> {
        let folders: BTreeSet<&str> = self.file.iter().map(|file| parted(file).0).collect();
        let folders = folders.into_iter().map(|folder| Folder {
            here: folder.to_string(),
            there: format!("{LISTS}/{}", folder.trim_start_matches('/')),
        });
        folders.collect()
    }

    /// In words: `targets/web/*.json`, `kubernetes`.
    pub(crate) fn words(&self) -> String {
        let files = self.file.iter().map(|file| format!("from {file}"));
        let others = self.others.iter().map(|(name, said)| {
            let asked = match name.as_str() {
                "http" => said.as_str().or(said["url"].as_str()),
                "dns" => {
                    let names = said.items().chain(said["names"].items());
                    said.as_str()
                        .or_else(|| names.filter_map(Value::as_str).next())
                }
                _ => said["server"].as_str(),
            };
            match asked {
                Some(asked) => format!("by {name}: {asked}"),
                None => format!("by {name}"),
            }
        });
        files.chain(others).collect::<Vec<_>>().join(", ")
    }
}

/// A pattern of files as its folder and the last part.
fn parted(file: &str) -> (&str, &str) {
    file.rsplit_once('/').unwrap_or((".", file))
}

/// A pattern of files, as Prometheus reads it.
fn seen(file: &str, contained: bool, up: &str) -> String {
    let (folder, last) = parted(file);
    match contained {
        true => format!("{LISTS}/{}/{last}", folder.trim_start_matches('/')),
        false if file.starts_with('/') => file.to_string(),
        false => format!("{up}{file}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Discovery {
        let value: toml::Value = toml::from_str(text).expect("TOML");
        let value = crate::value::to_value(value).expect("JSON");
        crate::value::from_value(&value).expect("a table of discovery")
    }

    #[test]
    fn a_list_is_read_where_prometheus_sees_it() {
        let said = read("file = [\"targets/web/*.json\", \"/etc/lists/a.yml\"]");
        let files = |contained| {
            said.sections(contained, "../../", None)["file_sd_configs"][0]["files"].clone()
        };
        assert_eq!(
            files(true),
            json!(["/targets/targets/web/*.json", "/targets/etc/lists/a.yml"])
        );
        assert_eq!(
            files(false),
            json!(["../../targets/web/*.json", "/etc/lists/a.yml"])
        );
    }

    #[test]
    fn names_are_looked_up_as_what_they_are() {
        let section = |text: &str| {
            let said = read(text).sections(true, "", Some(8000));
            said["dns_sd_configs"][0].clone()
        };
        assert_eq!(
            section("dns = \"_web._tcp.example.org\""),
            json!({"names": ["_web._tcp.example.org"], "type": "SRV"})
        );
        assert_eq!(
            section("dns = [\"web.example.org\"]"),
            json!({"names": ["web.example.org"], "type": "A", "port": 8000})
        );
    }

    #[test]
    fn a_secret_is_a_file_at_any_depth() {
        let said = read(
            "[consul]\nserver = \"c:8500\"\nauthorization = { credentials_file = \"secrets/consul\" }",
        );
        assert_eq!(said.secrets(), ["secrets/consul"]);
        assert_eq!(
            said.sections(true, "", None)["consul_sd_configs"][0]["authorization"],
            json!({"credentials_file": "/run/secrets/consul"})
        );
    }
}
