//! How the health check of a container can end, run with the programs that its image has and the ports that it listens at.

use super::images::knows;
use super::network::loopback;
use super::shell::{Ends, ends};
use super::text::{filled, scalar, words};
use super::{Container, Project};
use crate::diagnostic::mistyped;
use serde_json::Value;

/// What a health check amounts to.
pub(crate) enum Health {
    /// It has none of its own.
    None,
    /// It is switched off.
    Off,
    /// It is run.
    Check {
        /// How it may end.
        ends: Ends,
        /// Why parts of it must fail.
        reasons: Vec<String>,
    },
    /// It is written so that Docker refuses it.
    Refused(String),
}

impl<'a> Project<'a> {
    /// The health check of a container.
    pub(crate) fn health(&self, container: &Container<'a>) -> Health {
        let check = &container.value["healthcheck"];
        let test = &check["test"];
        if check["disable"] == true {
            return Health::Off;
        }
        if test.is_null() {
            return Health::None;
        }
        let mut run = Run {
            container,
            project: self,
            reasons: Vec::new(),
        };
        let ends = match test {
            Value::String(text) => run.shell(&filled(text)),
            _ => {
                let parts = words(test).unwrap_or_default();
                match parts.split_first() {
                    Some((first, _)) if first == "NONE" => return Health::Off,
                    Some((first, rest)) if first == "CMD" && !rest.is_empty() => run.command(rest),
                    Some((first, rest)) if first == "CMD-SHELL" && rest.len() == 1 => {
                        run.shell(&rest[0])
                    }
                    Some((first, _)) if first == "CMD" || first == "CMD-SHELL" => {
                        return Health::Refused(format!(
                            "`{first}` wants {}",
                            if first == "CMD" {
                                "a program"
                            } else {
                                "one text"
                            }
                        ));
                    }
                    _ => {
                        return Health::Refused(
                            "its list has to begin with `CMD`, `CMD-SHELL` or `NONE`".to_string(),
                        );
                    }
                }
            }
        };
        Health::Check {
            ends,
            reasons: run.reasons,
        }
    }
}

struct Run<'r, 'a> {
    container: &'r Container<'a>,
    project: &'r Project<'a>,
    reasons: Vec<String>,
}

/// Programs that run another one, with how many words of their own stand before it.
const WRAPPERS: [(&str, usize); 6] = [
    ("timeout", 1),
    ("exec", 0),
    ("env", 0),
    ("nice", 0),
    ("time", 0),
    ("command", 0),
];

impl Run<'_, '_> {
    /// A script, by the image's shell.
    fn shell(&mut self, script: &str) -> Ends {
        if !self.has("sh") {
            self.reasons.push("the image has no shell".to_string());
            return Ends::BADLY;
        }
        ends(script, &mut |words| self.command(words))
    }

    fn has(&self, program: &str) -> bool {
        self.container.image.is_none_or(|image| image.has(program))
    }

    /// One command.
    fn command(&mut self, words: &[String]) -> Ends {
        let Some((program, rest)) = words.split_first() else {
            return Ends::WELL;
        };
        let name = program.rsplit('/').next().unwrap_or_default();
        match name {
            "true" | ":" | "echo" | "printf" | "set" | "export" | "sleep" | "cd" => {
                return Ends::WELL;
            }
            "false" => return Ends::BADLY,
            "exit" => {
                return match rest.first().map(String::as_str) {
                    Some("0") | None => Ends::WELL,
                    Some(_) => Ends::BADLY,
                };
            }
            name if name.contains('=') => return Ends::EITHER,
            _ => {}
        }
        if !["exec", "command", "[", "test"].contains(&name) && !self.has(name) {
            self.reasons.push(format!("the image has no `{name}`"));
            return Ends::BADLY;
        }
        if name.starts_with('-') || name.contains(char::is_whitespace) {
            self.reasons.push(format!("`{name}` is no program"));
            return Ends::BADLY;
        }
        // Of an image of which nothing is known too.
        if let Some(meant) = mistyped(name, PROGRAMS).filter(|_| self.container.image.is_none()) {
            self.reasons
                .push(format!("there is no `{name}`; did you mean `{meant}`?"));
            return Ends::BADLY;
        }
        if name.starts_with("python") && !runs_code(rest) {
            self.reasons.push(format!(
                "its `{name}` is given no code to run: that stands behind `-c`"
            ));
            return Ends::BADLY;
        }
        if let Some((_, own)) = WRAPPERS.iter().find(|(wrapper, _)| *wrapper == name) {
            let mut inner = rest
                .iter()
                .skip_while(|word| word.starts_with('-') || word.contains('='));
            let inner: Vec<String> = inner.by_ref().skip(*own).cloned().collect();
            return self.command(&inner);
        }
        if ["sh", "bash", "ash", "dash"].contains(&name) {
            let script = rest
                .iter()
                .position(|word| word.starts_with('-') && word.ends_with('c'));
            return match script.and_then(|at| rest.get(at + 1)) {
                Some(script) => self.shell(script),
                None => Ends::EITHER,
            };
        }
        if !knows(
            name,
            rest,
            self.container.image.and_then(|image| image.version),
        ) {
            let said: Vec<&str> = rest.iter().map(String::as_str).take(2).collect();
            self.reasons
                .push(format!("its `{name}` knows no `{}`", said.join(" ")));
            return Ends::BADLY;
        }
        self.asked(name, rest)
    }

    /// A command that may ask a server.
    fn asked(&mut self, name: &str, words: &[String]) -> Ends {
        if let Some(reason) = misasked(name, words, self.container.value["read_only"] == true) {
            self.reasons.push(reason);
            return Ends::BADLY;
        }
        let urls = words.iter().filter_map(|word| {
            let at = word.find("http://").or_else(|| word.find("https://"))?;
            Some(&word[at..])
        });
        for url in urls.map(str::to_string).collect::<Vec<_>>() {
            let Some((host, port, path)) = parts(&url) else {
                continue;
            };
            if !self.open(&host, port) {
                return Ends::BADLY;
            }
            let own = loopback(&host) || host == self.container.name;
            // Without a file or a variable that says otherwise, all of them speak it unencrypted.
            let speaks = self.container.process.program.and_then(|program| {
                match (&program.scheme_variable, &program.web_config) {
                    (Some(variable), _) => {
                        Some(self.container.variable(variable).unwrap_or("http"))
                    }
                    (None, Some(flag)) if self.container.process.flag(flag).is_none() => {
                        Some("http")
                    }
                    _ => None,
                }
            });
            if own
                && let Some(speaks @ ("http" | "https")) = speaks
                && !url.starts_with(&format!("{speaks}://"))
            {
                self.reasons.push(format!("it speaks {speaks}"));
                return Ends::BADLY;
            }
            let strict = name == "wget"
                || name == "curl"
                    && words.iter().any(|word| {
                        word == "--fail"
                            || word.starts_with("--fail-")
                            || word.starts_with('-')
                                && !word.starts_with("--")
                                && word.contains('f')
                    });
            if own
                && strict
                && let Some(program) = self.container.process.program
            {
                let prefix = self.container.prefix();
                let below = path.strip_prefix(prefix.as_str()).unwrap_or("\0");
                if !program.answers(if below.is_empty() { "/" } else { below }) {
                    self.reasons.push(format!("it does not answer at {path}"));
                    return Ends::BADLY;
                }
            }
        }
        if name == "nc" {
            let plain: Vec<&String> = words.iter().filter(|word| !word.starts_with('-')).collect();
            if let [.., host, port] = plain[..]
                && let Ok(port) = port.parse()
                && !self.open(host, port)
            {
                return Ends::BADLY;
            }
        }
        Ends::EITHER
    }

    /// Whether anybody may listen there.
    fn open(&mut self, host: &str, port: u16) -> bool {
        use super::network::Reach;
        let own = loopback(host)
            || host == self.container.name
            || ["0.0.0.0", "[::1]", "[::]"].contains(&host);
        // A container asks itself; by number, only networks of its own can be another's.
        let number = host.parse::<std::net::Ipv4Addr>();
        if number.is_ok_and(|address| !own && !address.is_private() && !address.is_link_local()) {
            self.reasons.push(format!("{host} is another machine"));
            return false;
        }
        let asked = if own { "127.0.0.1" } else { host };
        let closed = match self.project.reach(self.container, asked, port) {
            Reach::Closed(..) if own => format!("nothing in it listens at port {port}"),
            Reach::Closed(..) => format!("nothing listens at port {port} of `{host}`"),
            // A name with a dot may be known to the network.
            Reach::Unknown if !host.contains(['.', '$', ':']) => {
                format!("nobody is called `{host}`")
            }
            Reach::Absent(name) => format!("`{name}` is not started"),
            _ => return true,
        };
        self.reasons.push(closed);
        false
    }
}

/// Those that health checks run most.
pub(crate) const PROGRAMS: [&str; 8] = [
    "wget",
    "curl",
    "python3",
    "python",
    "node",
    "java",
    "pg_isready",
    "redis-cli",
];

/// Whether Python is told what to run: code behind `-c`, a module behind `-m`, or a file.
fn runs_code(words: &[String]) -> bool {
    let mut rest = words.iter().map(String::as_str);
    while let Some(word) = rest.next() {
        match word {
            "-c" | "-m" => return rest.next().is_some(),
            option if option.starts_with("-c") => return false,
            "-W" | "-X" => drop(rest.next()),
            option if option.starts_with('-') => {}
            file => return !file.contains(' '),
        }
    }
    false
}

/// Options of wget (BusyBox's and GNU's) and of curl that take the next word as their value.
const VALUED: [(&str, &[&str]); 2] = [
    (
        "wget",
        &[
            "-O",
            "-o",
            "-T",
            "-t",
            "-U",
            "-P",
            "-Y",
            "--header",
            "--post-data",
        ],
    ),
    (
        "curl",
        &[
            "-o",
            "-m",
            "-X",
            "-H",
            "-d",
            "-u",
            "-A",
            "-w",
            "-x",
            "--max-time",
            "--output",
            "--header",
            "--user",
            "--retry",
            "--connect-timeout",
            "--cacert",
            "--write-out",
            "--request",
        ],
    ),
];

/// Why a command asks nobody, whoever listens.
fn misasked(name: &str, words: &[String], read_only: bool) -> Option<String> {
    let mut asked: Vec<&str> = Vec::new();
    match VALUED.iter().find(|(known, _)| *known == name) {
        Some((_, valued)) => {
            let mut rest = words.iter().map(String::as_str);
            while let Some(word) = rest.next() {
                // Short options may stand together, and the last has the value: `-qO /dev/null`.
                let short = word.starts_with('-') && !word.starts_with("--");
                let last = word.chars().next_back().map(|last| format!("-{last}"));
                let last = last.filter(|_| short).unwrap_or_else(|| word.to_string());
                if valued.contains(&last.as_str()) {
                    let value = rest.next();
                    let written = ["-O", "-o", "--output"].contains(&last.as_str());
                    if let Some(value) = value
                        .filter(|_| written)
                        .filter(|value| !writable(value, read_only))
                    {
                        return Some(format!("its `{name}` cannot write to {value}"));
                    }
                } else if !word.starts_with('-') {
                    asked.push(word);
                }
            }
            if asked.is_empty() {
                return Some(format!("its `{name}` is given no address"));
            }
        }
        None => {
            let flags = ["--url", "--alertmanager.url"];
            let last = words.last().map_or("", String::as_str);
            if flags.contains(&last) {
                return Some(format!("its `{name}` is given no address behind `{last}`"));
            }
            let mut given = words.iter();
            while let Some(word) = given.next() {
                let value = flags.iter().find_map(|flag| word.strip_prefix(flag));
                match value {
                    Some("") => asked.extend(given.next().map(String::as_str)),
                    Some(value) => asked.extend(value.strip_prefix('=')),
                    None if word.starts_with("http") => asked.push(word),
                    None => {}
                }
            }
            // `promtool query instant` wants a server in front of the query.
            if name == "promtool" && words[0] == "query" && asked.is_empty() {
                return Some(format!("its `{name}` is given no address"));
            }
        }
    }
    let wrong = asked.into_iter().find(|url| {
        let schemes = ["http://", "https://"];
        let host = schemes.iter().find_map(|scheme| url.strip_prefix(scheme));
        match host {
            Some(_) => !url.contains('$') && parts(url).is_none(),
            None => url.starts_with("http:") || url.starts_with("https:"),
        }
    })?;
    Some(format!("{wrong} is no address"))
}

/// Whether a file can be written, by whoever a health check runs as.
fn writable(path: &str, read_only: bool) -> bool {
    let device = ["/dev/null", "/dev/stdout", "/dev/stderr", "-"].contains(&path);
    let known =
        device || path.starts_with("/tmp/") || path.starts_with("/dev/shm/") || path.contains('$');
    known || !(read_only || path.starts_with("/dev/"))
}

/// Host, port and path of a URL.
pub(crate) fn parts(url: &str) -> Option<(String, u16, String)> {
    let (scheme, rest) = url.split_once("://")?;
    let end = rest
        .find(['/', '?', '#', '\'', '"', ')', ','])
        .unwrap_or(rest.len());
    let (authority, path) = rest.split_at(end);
    let authority = authority.rsplit('@').next()?;
    let path = path
        .split(['?', '#', '\'', '"', ')', ','])
        .next()
        .unwrap_or_default();
    let default = if scheme == "https" { 443 } else { 80 };
    let (host, port) = match authority.rsplit_once(':') {
        Some((host, port)) if !port.contains(']') => (host, port.parse().ok()?),
        _ => (authority, default),
    };
    let path = if path.is_empty() { "/" } else { path };
    Some((host.to_string(), port, path.to_string()))
}

impl Container<'_> {
    /// What stands before every path that its program answers at; empty: nothing.
    pub(crate) fn prefix(&self) -> String {
        let Some(program) = self.process.program else {
            return String::new();
        };
        let given =
            |flag: &Option<String>| Some(self.process.flag(flag.as_deref()?)?.value.clone());
        let path = given(&program.route_prefix).or_else(|| {
            let url = given(&program.external_url)?;
            Some(parts(&url).map_or(String::new(), |(_, _, path)| path))
        });
        let path = path.unwrap_or_default();
        let path = path.trim_matches('/');
        if path.is_empty() {
            String::new()
        } else {
            format!("/{path}")
        }
    }

    /// A limit of what it may use: in `deploy` or of its own.
    pub(crate) fn limit(&self, key: &str, own: &str) -> (Option<String>, String) {
        let deploy = &self.value["deploy"]["resources"]["limits"][key];
        match (scalar(deploy), scalar(&self.value[own])) {
            (Some(limit), _) => (
                Some(limit),
                self.at(&format!("deploy/resources/limits/{key}")),
            ),
            (None, Some(limit)) => (Some(limit), self.at(own)),
            (None, None) => (None, self.at("deploy/resources/limits")),
        }
    }
}
