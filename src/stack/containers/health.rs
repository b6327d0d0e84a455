//! How the health check of a container can end, run with the programs that its image has and the ports that it listens at.

use super::images::knows;
use super::network::loopback;
use super::shell::{Ends, Left, ends};
use super::text::{filled, scalar, words};
use super::{Container, Project};
use crate::diagnostic::mistyped;
use crate::stack::python::{Answer, Asked, Programs, World};
use crate::value::Value;
use regex_automata::meta::Regex;

/// What a health check amounts to.
pub(crate) enum Health {
    /// It has none of its own.
    None,
    /// It is switched off.
    Off,
    /// It is run.
    Check {
        /// How it may end while the server answers,
        up: Ends,
        /// while it does not,
        down: Ends,
        /// and while it answers at the path that it is asked for that it is not well; None: it is asked for no path.
        unwell: Option<Ends>,
        /// Why parts of it must fail.
        reasons: Vec<String>,
        /// Whether something in it may tell whether the container works.
        looks: bool,
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
        let programs = Programs::default();
        let ends = |server: Server| {
            let mut run = Run {
                container,
                project: self,
                programs: &programs,
                reasons: Vec::new(),
                server,
                looks: false,
                asks: false,
            };
            let ends = run.test(test)?;
            Ok((ends, run))
        };
        match (ends(Server::Well), ends(Server::Gone), ends(Server::Unwell)) {
            (Ok((up, run)), Ok((down, _)), Ok((unwell, _))) => Health::Check {
                up,
                down,
                unwell: run.asks.then_some(unwell),
                reasons: run.reasons,
                looks: run.looks,
            },
            (Err(health), ..) | (_, Err(health), _) | (.., Err(health)) => health,
        }
    }
}

/// How the server of a container is.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Server {
    Well,
    /// It answers with a status above 499.
    Unwell,
    Gone,
}

struct Run<'r, 'a> {
    container: &'r Container<'a>,
    project: &'r Project<'a>,
    programs: &'r Programs,
    reasons: Vec<String>,
    server: Server,
    looks: bool,
    /// Whether it asks its server for a path, and nobody else for anything.
    asks: bool,
}

/// How a script writes the name of the container in which it runs.
const OWN_NAME: [&str; 4] = ["$HOSTNAME", "${HOSTNAME}", "$(hostname)", "`hostname`"];

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
    /// How `test` of a health check ends; otherwise what else it is.
    fn test(&mut self, test: &Value) -> Result<Ends, Health> {
        let refused = |reason: &str| Health::Refused(reason.to_string());
        if let Value::String(text) = test {
            return Ok(self.shell(&filled(text)));
        }
        let parts = words(test).unwrap_or_default();
        match parts.split_first() {
            Some((first, _)) if first == "NONE" => Err(Health::Off),
            Some((first, rest)) if first == "CMD" && !rest.is_empty() => {
                let shell = |word: &&String| ["&&", "||", "|", ";"].contains(&word.as_str());
                if let Some(word) = rest.iter().find(shell) {
                    let message = format!(
                        "`CMD` runs one program without a shell, which gets `{word}` as a word of its own: write `CMD-SHELL`"
                    );
                    self.reasons.push(message);
                    return Ok(Ends::BADLY);
                }
                if let [line] = rest
                    && line.contains(char::is_whitespace)
                {
                    self.reasons.push(format!(
                        "`CMD` takes `{line}` for the name of one program: write each word as an item, or `CMD-SHELL`"
                    ));
                    return Ok(Ends::BADLY);
                }
                Ok(self.command(rest, None).ends)
            }
            Some((first, rest)) if first == "CMD-SHELL" && rest.len() == 1 => {
                Ok(self.shell(&rest[0]))
            }
            Some((first, _)) if first == "CMD" => Err(refused("`CMD` wants a program")),
            Some((first, _)) if first == "CMD-SHELL" => Err(refused("`CMD-SHELL` wants one text")),
            _ => Err(refused(
                "its list has to begin with `CMD`, `CMD-SHELL` or `NONE`",
            )),
        }
    }

    /// A script, by the image's shell.
    fn shell(&mut self, script: &str) -> Ends {
        if !self.has("sh") {
            self.reasons.push("the image has no shell".to_string());
            return Ends::BADLY;
        }
        // Docker gives a container a host name of its own, which leads to itself.
        let script = OWN_NAME.iter().fold(script.to_string(), |script, written| {
            script.replace(written, &self.container.name)
        });
        ends(&script, &mut |words, piped| self.command(words, piped))
    }

    fn has(&self, program: &str) -> bool {
        self.container.image.is_none_or(|image| image.has(program))
    }

    /// One command, on what is piped into it.
    fn command(&mut self, words: &[String], piped: Option<String>) -> Left {
        let Some((program, rest)) = words.split_first() else {
            return Ends::WELL.into();
        };
        let name = program.rsplit('/').next().unwrap_or_default();
        match name {
            "true" | ":" | "echo" | "printf" | "set" | "export" | "sleep" | "cd" => {
                return Ends::WELL.into();
            }
            "false" => return Ends::BADLY.into(),
            "exit" => {
                return match rest.first().map(String::as_str) {
                    Some("0") | None => Ends::WELL.into(),
                    Some(_) => Ends::BADLY.into(),
                };
            }
            name if name.contains('=') => {
                self.looks = true;
                return Ends::EITHER.into();
            }
            _ => {}
        }
        let fails = self.cannot_run(name, rest);
        if let Some(reason) = fails {
            self.reasons.push(reason);
            return Ends::BADLY.into();
        }
        if let Some((_, own)) = WRAPPERS.iter().find(|(wrapper, _)| *wrapper == name) {
            let mut inner = rest
                .iter()
                .skip_while(|word| word.starts_with('-') || word.contains('='));
            let inner: Vec<String> = inner.by_ref().skip(*own).cloned().collect();
            return self.command(&inner, piped);
        }
        if ["sh", "bash", "ash", "dash"].contains(&name) {
            let script = rest
                .iter()
                .position(|word| word.starts_with('-') && word.ends_with('c'));
            return match script.and_then(|at| rest.get(at + 1)) {
                Some(script) => self.shell(script).into(),
                None => {
                    self.looks = true;
                    Ends::EITHER.into()
                }
            };
        }
        let known = self.container.process.program.is_some();
        match name {
            "grep" | "egrep" | "fgrep" => return found_in(piped, name == "fgrep", rest),
            "cat" | "tee" if rest.is_empty() => {
                return Left {
                    ends: Ends::WELL,
                    prints: piped,
                };
            }
            "head" | "tail" | "sort" | "uniq" | "wc" | "tr" | "cut" | "sed" => {
                return Ends::WELL.into();
            }
            // Whatever a server does, its files stay as they are; what an image of one's own writes, nobody knows.
            "test" | "[" | "[[" | "ls" | "stat" | "cat"
                if known && !rest.iter().any(|word| word.contains("://")) =>
            {
                return Ends::EITHER.into();
            }
            // A container whose process is gone is gone too: that it is there says nothing.
            "pgrep" | "pidof" | "ps" | "kill" | "killall" | "pkill" | "top" if known => {
                return Ends::EITHER.into();
            }
            _ if tells_of_itself(name, rest) => return Ends::EITHER.into(),
            _ if name.starts_with("python") => {
                if let Some(code) = code(rest) {
                    return self.python(code).into();
                }
            }
            _ => {}
        }
        self.asked(name, rest)
    }

    /// A program for Python.
    fn python(&mut self, code: &str) -> Ends {
        self.looks = true;
        let outcome = self.programs.outcome(code, self);
        self.reasons.extend(outcome.reason);
        Ends {
            well: outcome.well,
            badly: outcome.badly,
        }
    }

    /// Why a program cannot be run as it is written.
    fn cannot_run(&self, name: &str, rest: &[String]) -> Option<String> {
        if !["exec", "command", "[", "test"].contains(&name) && !self.has(name) {
            return Some(format!("the image has no `{name}`"));
        }
        if name.starts_with('-') || name.contains(char::is_whitespace) {
            return Some(format!("`{name}` is no program"));
        }
        // Of an image of which nothing is known too.
        if let Some(meant) = mistyped(name, PROGRAMS).filter(|_| self.container.image.is_none()) {
            return Some(format!("there is no `{name}`; did you mean `{meant}`?"));
        }
        if name.starts_with("python") && !runs_code(rest) {
            return Some(format!(
                "its `{name}` is given no code to run: that stands behind `-c`"
            ));
        }
        let version = self.container.image.and_then(|image| image.version);
        (!knows(name, rest, version)).then(|| {
            let said: Vec<&str> = rest.iter().map(String::as_str).take(2).collect();
            format!("its `{name}` knows no `{}`", said.join(" "))
        })
    }

    /// A command that may ask a server.
    fn asked(&mut self, name: &str, words: &[String]) -> Left {
        if let Some(reason) = misasked(name, words, self.container.value["read_only"] == true) {
            self.reasons.push(reason);
            return Ends::BADLY.into();
        }
        let (mut itself, mut others, mut body) = (false, false, None);
        let urls = words.iter().filter_map(|word| {
            let at = word.find("http://").or_else(|| word.find("https://"))?;
            Some(&word[at..])
        });
        for url in urls.map(str::to_string).collect::<Vec<_>>() {
            let Some((host, port, path)) = parts(&url) else {
                continue;
            };
            if self.through_proxy(name, &url) || !self.open(&host, port) {
                return Ends::BADLY.into();
            }
            let own = loopback(&host) || host == self.container.name;
            itself |= own;
            others |= !own;
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
                return Ends::BADLY.into();
            }
            let strict = name == "wget" || name == "curl" && !unread(words);
            if own
                && strict
                && let Some(program) = self.container.process.program
            {
                let prefix = self.container.prefix();
                let below = path.strip_prefix(prefix.as_str()).unwrap_or("\0");
                let below = if below.is_empty() { "/" } else { below };
                if !program.answers(below) {
                    self.reasons.push(format!("it does not answer at {path}"));
                    return Ends::BADLY.into();
                }
                if program.posted.iter().any(|path| path == below) && !posts(words) {
                    self.reasons
                        .push(format!("{path} is not for reading: it wants a POST"));
                    return Ends::BADLY.into();
                }
                body = program.bodies.get(below).cloned();
            }
        }
        if name == "nc" {
            let plain: Vec<&String> = words.iter().filter(|word| !word.starts_with('-')).collect();
            if let [.., host, port] = plain[..]
                && let Ok(port) = port.parse()
            {
                if !self.open(host, port) {
                    return Ends::BADLY.into();
                }
                itself |= loopback(host) || *host == self.container.name;
            }
        }
        // A tool that is told no address asks where its server usually is.
        self.looks |= itself || !others;
        let simple = ["wget", "curl", "nc"].contains(&name);
        if !(itself && !others && simple) {
            return Ends::EITHER.into();
        }
        self.asks |= name != "nc";
        let refuses = name == "wget" || name == "curl" && !unread(words);
        match self.server {
            Server::Well => Left {
                ends: Ends::WELL,
                prints: body.filter(|_| prints(name, words)),
            },
            // What it says then is not known.
            Server::Unwell if refuses => Ends::BADLY.into(),
            Server::Unwell => Ends::WELL.into(),
            Server::Gone => Left {
                ends: Ends::BADLY,
                prints: Some(String::new()),
            },
        }
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

/// A tool that uses the proxies of its environment, and whether it knows them in capitals too.
const THROUGH_PROXIES: [(&str, bool); 4] = [
    ("curl", false),
    ("wget", false),
    ("python", true),
    ("python3", true),
];

impl Run<'_, '_> {
    /// Whether a tool asks a proxy instead of the container itself: to a proxy, `127.0.0.1` is the proxy.
    fn through_proxy(&mut self, tool: &str, url: &str) -> bool {
        let mut tools = THROUGH_PROXIES.iter();
        let Some((_, capitals)) = tools.find(|(known, _)| *known == tool) else {
            return false;
        };
        let Some((host, _, _)) = parts(url).filter(|(host, ..)| loopback(host)) else {
            return false;
        };
        let scheme = url.split(':').next().unwrap_or_default();
        let lower_case = scheme == "http" && !*capitals;
        let Some(proxy) = self.container.proxy(scheme, &host, lower_case) else {
            return false;
        };
        if parts(proxy).is_none_or(|(host, ..)| loopback(&host)) {
            return false;
        }
        let host = &host;
        self.reasons.push(format!("it asks for {host} at the proxy {proxy}, to which that is the proxy itself: name {host} in `NO_PROXY`"));
        true
    }
}

impl World for Run<'_, '_> {
    fn answer(&mut self, asked: Asked) -> Answer {
        let (host, port, path) = match asked {
            Asked::Url(url) if self.through_proxy("python", url) => return Answer::Nobody,
            Asked::Url(url) => match parts(url) {
                Some((host, port, _)) => (host, port, true),
                None => return Answer::Unknown,
            },
            Asked::Host(host, port, path) => (host.to_string(), port, path.is_some()),
        };
        let own = loopback(&host) || host == self.container.name;
        if !self.open(&host, port) {
            return Answer::Nobody;
        }
        if !own {
            self.asks = false;
            return Answer::Unknown;
        }
        self.asks |= path;
        match self.server {
            Server::Well => Answer::Status(200),
            Server::Unwell => Answer::Status(500),
            Server::Gone => Answer::Nobody,
        }
    }

    fn variable(&self, name: &str) -> Option<String> {
        let written = self.container.variable(name)?;
        (!written.contains('$')).then(|| written.to_string())
    }
}

/// Whether curl is not told to look at the status.
fn unread(words: &[String]) -> bool {
    let fails = |word: &String| word == "--fail" || word.starts_with("--fail-");
    !has_flag(words, 'f') && !words.iter().any(fails)
}

/// Whether a flag of one letter is given, alone or with others: `-fsS`.
fn has_flag(words: &[String], flag: char) -> bool {
    let short = |word: &&String| word.starts_with('-') && !word.starts_with("--");
    words.iter().filter(short).any(|word| word.contains(flag))
}

/// Whether a command prints what it is answered.
fn prints(name: &str, words: &[String]) -> bool {
    match name {
        "wget" => words.iter().any(|word| word == "-" || word.ends_with("O-")),
        _ => {
            !has_flag(words, 'o')
                && !has_flag(words, 'I')
                && !words.iter().any(|word| word == "--output")
        }
    }
}

/// Whether it sends something.
fn posts(words: &[String]) -> bool {
    let said = |word: &String| {
        word.starts_with("--post")
            || word.starts_with("--data")
            || word == "-d"
            || word == "POST"
            || word == "-XPOST"
            || word == "--method=POST"
    };
    words.iter().any(said)
}

/// Whether a tool only tells of files or of itself, whatever servers do.
fn tells_of_itself(name: &str, words: &[String]) -> bool {
    let first = words.first().map_or("", String::as_str);
    let second = words.get(1).map_or("", String::as_str);
    let version = [
        "--version",
        "-version",
        "-V",
        "--help",
        "-h",
        "version",
        "help",
    ];
    match (name, first) {
        (_, first) if version.contains(&first) && words.len() == 1 => true,
        ("promtool", "check") => [
            "config",
            "rules",
            "web-config",
            "metrics",
            "service-discovery",
        ]
        .contains(&second),
        ("promtool", "test") | ("amtool", "check-config" | "template") => true,
        _ => false,
    }
}

/// What `grep` finds in what is piped into it.
fn found_in(piped: Option<String>, fixed: bool, words: &[String]) -> Left {
    let unknown = Left::from(Ends::EITHER);
    let (mut pattern, mut inverted, mut any_case, mut literal, mut quiet) =
        (None, false, false, fixed, false);
    for word in words {
        match word.strip_prefix('-') {
            Some("-quiet" | "-silent") => quiet = true,
            Some("-ignore-case") => any_case = true,
            Some("-invert-match") => inverted = true,
            Some(flags) if flags.chars().all(|flag| "qsivEF".contains(flag)) => {
                quiet |= flags.contains('q');
                any_case |= flags.contains('i');
                inverted |= flags.contains('v');
                literal |= flags.contains('F');
            }
            None if pattern.is_none() => pattern = Some(word.as_str()),
            _ => return unknown,
        }
    }
    let (Some(text), Some(pattern)) = (piped, pattern) else {
        return unknown;
    };
    let escaped = if literal {
        regex_syntax::escape(pattern)
    } else {
        pattern.to_string()
    };
    let Ok(regex) = Regex::new(&format!("{}{escaped}", if any_case { "(?i)" } else { "" })) else {
        return unknown;
    };
    let lines = text.lines().filter(|line| regex.is_match(line) != inverted);
    let lines: Vec<&str> = lines.collect();
    Left {
        ends: if lines.is_empty() {
            Ends::BADLY
        } else {
            Ends::WELL
        },
        prints: Some(if quiet {
            String::new()
        } else {
            lines.join("\n")
        }),
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

/// What stands behind `-c`.
fn code(words: &[String]) -> Option<&str> {
    let at = words.iter().position(|word| word == "-c")?;
    words.get(at + 1).map(String::as_str)
}

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
            if name == "promtool"
                && let ["query", "instant", .., query] =
                    words.iter().map(String::as_str).collect::<Vec<_>>()[..]
                && !query.contains('$')
                && !asked.contains(&query)
                && let Err(reason) = crate::promql::parse(query)
            {
                return Some(format!("its `promtool` asks what is no PromQL: {reason}"));
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
