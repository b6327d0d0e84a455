//! A catalog that is not written yet, and what was guessed for it.

use crate::catalog::{Size, ipv6};
use crate::profiles::Profiles;
use std::collections::BTreeSet;
use std::fmt::Write;
use std::path::Path;
use std::sync::LazyLock;

/// An alert of a first catalog.
struct First {
    name: String,
    /// As TOML.
    says: String,
    /// Whether it asks for services with a limit of memory.
    needs_limit: bool,
    /// Whether it is about whatever is not reached.
    of_targets: bool,
}

static FIRST: LazyLock<Vec<First>> = LazyLock::new(|| {
    let table: toml::Table = toml::from_str(include_str!("alerts.toml")).unwrap_or_default();
    let all = table.get("alert").and_then(toml::Value::as_array);
    let one = |alert: &toml::Value| {
        let text = |key: &str| Some(alert.get(key)?.as_str()?.to_string());
        Some(First {
            name: text("name")?,
            says: text("says")?,
            needs_limit: alert.get("needs").is_some(),
            of_targets: alert.get("of_targets").is_some(),
        })
    };
    all.into_iter().flatten().filter_map(one).collect()
});

/// The runtime of a service of which nobody says what it runs on.
pub(in crate::commands) const UNKNOWN: &str = "unknown";

/// One service as it was found.
#[derive(Clone, Debug, Default)]
pub(in crate::commands) struct Found {
    /// As it is called where it was found.
    pub(in crate::commands) name: String,
    /// Where that is.
    pub(in crate::commands) from: String,
    /// On this machine,
    pub(in crate::commands) port: Option<u16>,
    /// or as host:port on others.
    pub(in crate::commands) targets: Vec<String>,
    /// The host:port of the exporter that is asked for each of them.
    pub(in crate::commands) through: Option<String>,
    pub(in crate::commands) https: bool,
    pub(in crate::commands) metrics_path: Option<String>,
    pub(in crate::commands) scrape_interval: Option<String>,
    pub(in crate::commands) runtime: Option<&'static str>,
    pub(in crate::commands) profile: Option<&'static str>,
    pub(in crate::commands) memory_limit: Option<Size>,
    pub(in crate::commands) cpu_limit: Option<f64>,
    /// Other settings, each as TOML.
    pub(in crate::commands) more: Vec<String>,
    /// What was guessed of it.
    pub(in crate::commands) guessed: Vec<String>,
}

impl Found {
    pub(in crate::commands) fn at_port(name: &str, port: u16, from: &str) -> Found {
        Found {
            name: name.to_string(),
            from: from.to_string(),
            port: Some(port),
            ..Found::default()
        }
    }
}

/// What well-known programs are called, and the profile that says what they expose; a program that speaks no HTTP has none.
const KNOWN: [(&str, &str); 14] = [
    ("node-exporter", "node_exporter"),
    ("cadvisor", "cadvisor"),
    ("postgres-exporter", "postgres"),
    ("redis-exporter", "redis"),
    ("nginx-exporter", "nginx"),
    ("nginx-prometheus-exporter", "nginx"),
    ("kafka-exporter", "kafka"),
    ("mysqld-exporter", "mysql"),
    ("mysql-exporter", "mysql"),
    ("memcached-exporter", "memcached"),
    ("elasticsearch-exporter", "elasticsearch"),
    ("mongodb-exporter", "mongodb"),
    ("pushgateway", "pushgateway"),
    ("blackbox-exporter", "blackbox"),
];

/// The profile of something by its name: `node_exporter`, `prom-node-exporter`.
pub(in crate::commands) fn profile_of(name: &str) -> Option<&'static str> {
    let name = name.replace('_', "-").to_lowercase();
    let mut known = KNOWN.iter();
    let (_, profile) = known.find(|(known, _)| name.ends_with(known))?;
    Some(profile)
}

/// The same of a job that is called after what its exporter watches, and asks where that exporter listens.
pub(in crate::commands) fn exporter_of(name: &str, targets: &[String]) -> Option<&'static str> {
    const PORTS: [(&str, &str, &str); 10] = [
        ("node", ":9100", "node_exporter"),
        ("redis", ":9121", "redis"),
        ("postgres", ":9187", "postgres"),
        ("nginx", ":9113", "nginx"),
        ("mysql", ":9104", "mysql"),
        ("memcached", ":9150", "memcached"),
        ("elasticsearch", ":9114", "elasticsearch"),
        ("mongo", ":9216", "mongodb"),
        ("rabbitmq", ":15692", "rabbitmq"),
        ("etcd", ":2379", "etcd"),
    ];
    let all =
        |port: &str| !targets.is_empty() && targets.iter().all(|target| target.ends_with(port));
    let mut known = PORTS.iter();
    let found = known.find(|(word, port, _)| name.to_lowercase().contains(word) && all(port));
    profile_of(name).or(found.map(|(_, _, profile)| *profile))
}

/// Names of the stack's own servers and containers.
pub(in crate::commands) const RESERVED: [&str; 7] = [
    "prometheus",
    "alertmanager",
    "grafana",
    "blackbox-exporter",
    "health-probe",
    "compose",
    "host",
];

/// Jobs of a stack itself, which monstack scrapes anyway.
pub(in crate::commands) const SCRAPED: [&str; 2] = ["prometheus", "alertmanager"];

/// The servers of the stack, and where they are published by default.
const SERVERS: [(&str, u16); 3] = [
    ("prometheus", 9090),
    ("alertmanager", 9093),
    ("grafana", 3000),
];

#[derive(Clone)]
pub(in crate::commands) struct Draft {
    title: String,
    slug: String,
    runtime: String,
    runtime_given: bool,
    pub(in crate::commands) services: Vec<(String, Found)>,
    /// Tables behind the others, as TOML.
    pub(in crate::commands) more: String,
    /// Lines of [prometheus], [alertmanager] or [grafana].
    pub(in crate::commands) servers: Vec<(&'static str, String)>,
    /// `[severities]`, the most urgent first, where they are not the usual ones.
    pub(in crate::commands) severities: Vec<String>,
    /// Names of alerts that others have.
    pub(in crate::commands) taken: BTreeSet<String>,
    /// Alerts beside the usual first ones: name, and table as TOML. One of a kind stands in place of the usual one of that kind.
    pub(in crate::commands) own: Vec<(String, String)>,
    /// Whether another alert is about whatever is not reached,
    pub(in crate::commands) targets_watched: bool,
    /// or about these services when they are not.
    pub(in crate::commands) watched: BTreeSet<String>,
    /// What was guessed and what was left out, a line each.
    pub(in crate::commands) notes: Vec<String>,
}

impl Draft {
    pub(in crate::commands) fn new(
        name: Option<&str>,
        root: &Path,
        runtime: Option<&str>,
    ) -> Draft {
        let folder = root.canonicalize().ok().and_then(|path| {
            let name = path.file_name()?.to_string_lossy().into_owned();
            Some(name)
        });
        let written = name.map(str::to_string).or(folder).unwrap_or_default();
        let mut draft = Draft {
            title: String::new(),
            slug: String::new(),
            runtime: runtime.unwrap_or("python").to_string(),
            runtime_given: runtime.is_some(),
            services: Vec::new(),
            more: String::new(),
            servers: Vec::new(),
            severities: Vec::new(),
            taken: BTreeSet::new(),
            own: Vec::new(),
            targets_watched: false,
            watched: BTreeSet::new(),
            notes: Vec::new(),
        };
        draft.call(&written);
        if name.is_none() {
            let title = &draft.title;
            draft
                .notes
                .push(format!("the platform is called {title}, after the folder"));
        }
        draft
    }

    /// Names the platform.
    pub(in crate::commands) fn call(&mut self, written: &str) {
        let title: String = written
            .chars()
            .filter(|c| !c.is_control() && !"{}$".contains(*c))
            .collect();
        self.title = match title.trim() {
            "" => "Platform".to_string(),
            title => title.to_string(),
        };
        self.slug = slug(written, 31).unwrap_or("platform".to_string());
    }

    /// Says that nobody said what the services are written in.
    pub(in crate::commands) fn guess_runtime(&mut self) {
        let guessed = !self.runtime_given;
        if guessed
            && self
                .services
                .iter()
                .any(|(_, found)| found.runtime.is_none())
        {
            self.notes.push(format!(
                "what else is built here is taken to be written in {}: `runtime` under [defaults] says it",
                self.runtime
            ));
        }
    }

    /// Says what the services are written in, where nothing else does.
    pub(in crate::commands) fn written_in(&mut self, runtime: &str) {
        self.runtime = runtime.to_string();
    }

    pub(in crate::commands) fn title(&self) -> &str {
        &self.title
    }

    /// Takes a service under a name that a catalog can have; gives that name.
    pub(in crate::commands) fn add(&mut self, found: Found) -> String {
        let mut name = slug(&found.name, 60).unwrap_or("service".to_string());
        if RESERVED.contains(&name.as_str()) {
            name += "-service";
        }
        let wanted = name.clone();
        let mut number = 2;
        while self.has(&name) {
            name = format!("{wanted}-{number}");
            number += 1;
        }
        if name != found.name {
            let message = format!("{name}: called `{}` in {}", found.name, found.from);
            self.notes.push(message);
        }
        for guessed in &found.guessed {
            self.notes.push(format!("{name}: {guessed}"));
        }
        self.services.push((name.clone(), found));
        name
    }

    pub(in crate::commands) fn has(&self, name: &str) -> bool {
        self.services.iter().any(|(known, _)| known == name)
    }

    pub(in crate::commands) fn names(&self) -> Vec<String> {
        self.services.iter().map(|(name, _)| name.clone()).collect()
    }

    /// Takes a service out again.
    pub(in crate::commands) fn leave_out(&mut self, name: &str, why: &str) {
        self.services.retain(|(known, _)| known != name);
        self.notes.push(format!("{name} is left out: {why}"));
    }

    /// The alerts of the text, each with what it says.
    pub(in crate::commands) fn alerts(&self) -> Vec<(String, String)> {
        let limited = self.limited();
        let kinds: Vec<_> = self.own.iter().map(|(_, says)| kind_of(says)).collect();
        let told = FIRST.iter().filter(|first| {
            let needless = match first {
                First {
                    needs_limit: true, ..
                } => !limited,
                First {
                    of_targets: true, ..
                } => self.targets_watched || self.unwatched().is_empty(),
                _ => false,
            };
            !needless && !kinds.contains(&kind_of(&first.says))
        });
        let named = |first: &'static First| {
            let name = match self.taken.contains(&first.name) {
                true => format!("{}OfCatalog", first.name),
                false => first.name.clone(),
            };
            (name, self.about(first))
        };
        let own = self.own.iter();
        let own = own.map(|(name, says)| (name.clone(), says.clone()));
        told.map(named).chain(own).collect()
    }

    /// The table of a usual alert, about those services for which it is something.
    fn about(&self, first: &First) -> String {
        let about = match first {
            First {
                needs_limit: true, ..
            } => self.telling(),
            First {
                of_targets: true, ..
            } => self.unwatched(),
            _ => return first.says.clone(),
        };
        let inside = first.says.strip_suffix(" }");
        match inside.filter(|_| about.len() < self.services.len()) {
            Some(inside) => {
                let names: Vec<String> = about.into_iter().map(quoted).collect();
                format!("{inside}, services = [{}] }}", names.join(", "))
            }
            None => first.says.clone(),
        }
    }

    /// The services whose runtime tells of their memory.
    fn telling(&self) -> Vec<&str> {
        let telling = self.services.iter().filter(|(_, found)| self.tells(found));
        telling.map(|(name, _)| name.as_str()).collect()
    }

    /// The services of which no other alert says that they are not reached.
    fn unwatched(&self) -> Vec<&str> {
        let names = self.services.iter().map(|(name, _)| name.as_str());
        names.filter(|name| !self.watched.contains(*name)).collect()
    }

    /// Whether any service has a limit of memory that its runtime tells about.
    fn limited(&self) -> bool {
        self.services
            .iter()
            .any(|(_, found)| found.memory_limit.is_some() && self.tells(found))
    }

    /// Whether the runtime of a service tells of its memory.
    fn tells(&self, found: &Found) -> bool {
        let runtime = found.runtime.unwrap_or(&self.runtime);
        let roles = Profiles::built_in().roles(runtime, &[]);
        roles.contains_key("memory")
    }

    /// The service that is scraped at an address, and nowhere else.
    fn at(&self, address: &str) -> Option<&str> {
        let here = |found: &Found| {
            let port = found.port.map(|port| port.to_string());
            let (host, wanted) = address.rsplit_once(':').unwrap_or_default();
            let local = ["localhost", "127.0.0.1", "host.docker.internal"].contains(&host);
            local && port.is_some_and(|port| port == wanted)
        };
        let own = |found: &Found| found.targets.iter().eq([address]) || here(found);
        let mut all = self.services.iter();
        let (name, _) = all.find(|(_, found)| found.through.is_none() && own(found))?;
        Some(name)
    }

    /// As services.toml.
    pub(in crate::commands) fn text(&self) -> String {
        let mut text = self.without_alerts();
        let alerts = self.alerts();
        if !alerts.is_empty() {
            text += "\n[alerts]\n";
        }
        for (name, says) in alerts {
            let _ = writeln!(text, "{name} = {says}");
        }
        text + &self.more
    }

    /// Its platform, groups, services and servers.
    pub(in crate::commands) fn without_alerts(&self) -> String {
        let mut text = format!(
            "# What runs here; `monstack render` makes the whole monitoring stack of it. `monstack explain NAME` says what a name here means.\n\n[platform]\nname = {}\nslug = {}\n\n[defaults]\nruntime = {}\n",
            quoted(&self.title),
            quoted(&self.slug),
            quoted(&self.runtime),
        );
        let exporters: BTreeSet<&str> = self
            .services
            .iter()
            .filter(|(_, found)| found.profile.is_some())
            .map(|(name, _)| name.as_str())
            .collect();
        text += "\n[groups]\n";
        if exporters.len() < self.services.len() {
            text += "services = { title = \"Services\" }\n";
        }
        if !exporters.is_empty() {
            text += "infrastructure = { title = \"Infrastructure\" }\n";
        }
        text += "\n[services]\n";
        for (name, found) in &self.services {
            let group = match exporters.contains(name.as_str()) {
                true => "infrastructure",
                false => "services",
            };
            let mut says = settings(group, found);
            if let Some(exporter) = &found.through {
                let through = self.at(exporter).unwrap_or(exporter);
                says.push(format!("through = {}", quoted(through)));
            }
            let _ = writeln!(text, "{name} = {{ {} }}", says.join(", "));
        }
        let used: BTreeSet<u16> = self
            .services
            .iter()
            .filter_map(|(_, found)| found.port)
            .collect();
        for (server, port) in SERVERS {
            let lines = self.servers.iter().filter(|(known, _)| *known == server);
            let mut lines: String = lines.map(|(_, line)| format!("{line}\n")).collect();
            let mut head = String::new();
            if used.contains(&port) {
                let free = (port + 1..).find(|port| {
                    !used.contains(port) && SERVERS.iter().all(|(_, other)| other != port)
                });
                head = format!("# {port} is taken by a service.\n");
                let _ = writeln!(lines, "port = {}", free.unwrap_or(port));
            }
            if !lines.is_empty() {
                let _ = write!(text, "\n{head}[{server}]\n{lines}");
            }
        }
        if !self.severities.is_empty() {
            text += "\n[severities]\n";
        }
        for (index, severity) in self.severities.iter().enumerate() {
            let _ = writeln!(text, "{severity} = {{ urgency = {} }}", index + 1);
        }
        text
    }
}

/// The kind that a table of an alert names.
fn kind_of(says: &str) -> Option<String> {
    let table: toml::Table = toml::from_str(&format!("alert = {says}")).ok()?;
    Some(table["alert"].get("kind")?.as_str()?.to_string())
}

fn settings(group: &str, found: &Found) -> Vec<String> {
    let mut all = vec![format!("group = {}", quoted(group))];
    if let Some(port) = found.port {
        all.push(format!("port = {port}"));
    }
    if !found.targets.is_empty() {
        let list: Vec<String> = found.targets.iter().map(|one| quoted(one)).collect();
        all.push(format!("targets = [{}]", list.join(", ")));
    }
    // What it is found beside starts it.
    all.push("build = false".to_string());
    if found.https {
        all.push("scheme = \"https\"".to_string());
    }
    let texts = [
        ("metrics_path", found.metrics_path.as_deref()),
        ("scrape_interval", found.scrape_interval.as_deref()),
        ("runtime", found.runtime),
    ];
    for (key, value) in texts {
        all.extend(value.map(|value| format!("{key} = {}", quoted(value))));
    }
    all.extend(
        found
            .profile
            .map(|profile| format!("profiles = [{}]", quoted(profile))),
    );
    all.extend(
        found
            .memory_limit
            .as_ref()
            .map(|size| format!("memory_limit = \"{size}\"")),
    );
    all.extend(
        found
            .cpu_limit
            .map(|cores| format!("cpu_limit = {cores:?}")),
    );
    all.extend(found.more.iter().cloned());
    all
}

/// A text as TOML.
fn quoted(text: &str) -> String {
    toml::Value::from(text).to_string()
}

/// A name of lower-case letters, digits and dashes; None: nothing of the text can be in one.
pub(in crate::commands) fn slug(text: &str, longest: usize) -> Option<String> {
    let mut slug = String::new();
    for letter in text.chars() {
        match letter.to_ascii_lowercase() {
            letter @ ('a'..='z' | '0'..='9') => slug.push(letter),
            _ if !slug.is_empty() && !slug.ends_with('-') => slug.push('-'),
            _ => {}
        }
    }
    let begins = slug.starts_with(|letter: char| letter.is_ascii_digit());
    let mut slug = match begins {
        true => format!("s{slug}"),
        false => slug,
    };
    slug.truncate(longest);
    let slug = slug.trim_end_matches('-').to_string();
    (!slug.is_empty()).then_some(slug)
}

/// host:port as a catalog takes it: an address of IPv6 in brackets, a name of letters, digits, dots, dashes and underscores.
pub(in crate::commands) fn is_target(text: &str) -> bool {
    let Some((host, port)) = text.rsplit_once(':') else {
        return false;
    };
    let plain = |host: &str| {
        !host.is_empty()
            && host
                .chars()
                .all(|c| c.is_ascii_alphanumeric() || "._-".contains(c))
    };
    let host = match host
        .strip_prefix('[')
        .and_then(|host| host.strip_suffix(']'))
    {
        Some(inside) => ipv6(inside).is_some(),
        None => plain(host),
    };
    host && port.parse::<u16>().is_ok_and(|port| port > 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn any_name_becomes_one_that_a_catalog_can_have() {
        for (text, wanted) in [
            ("Order API", Some("order-api")),
            ("__web__1", Some("web-1")),
            ("3scale", Some("s3scale")),
            ("\"; rm -rf /", Some("rm-rf")),
            ("日本", None),
        ] {
            assert_eq!(slug(text, 60).as_deref(), wanted, "{text}");
        }
    }

    #[test]
    fn addresses_are_hosts_with_ports() {
        for (text, wanted) in [
            ("10.0.0.1:80", true),
            ("[fd00::1]:9100", true),
            ("host", false),
            ("a_b:80", true),
            ("host:0", false),
        ] {
            assert_eq!(is_target(text), wanted, "{text}");
        }
    }
}
