//! The statements of a program, run: what they may be answered decides which way they go.

use super::read::{Expression, Statement, Tried};
use super::{Answer, Asked, Names, World};

/// How a program ends.
pub(super) enum End {
    Well,
    Badly(Option<String>),
    Beyond,
}

/// What stops a program before its end.
enum Stop {
    Raised(Raised),
    Exit(bool),
    /// The same, and nothing is done any more.
    Gone(bool),
    /// What it does next is not understood here.
    Beyond,
}

type Ran<T> = Result<T, Stop>;

/// An exception: its class, and the status that it was answered.
#[derive(Clone, Debug)]
pub(super) struct Raised {
    class: &'static str,
    status: Option<u16>,
    reason: Option<String>,
}

/// What is only known when it runs, decided one way at a time.
#[derive(Default)]
pub(super) struct Ways {
    taken: Vec<bool>,
    at: usize,
}

impl Ways {
    fn choose(&mut self) -> bool {
        if self.at == self.taken.len() {
            self.taken.push(true);
        }
        self.at += 1;
        self.taken[self.at - 1]
    }

    /// Goes on to a way that was not taken yet; false: there is none.
    pub(super) fn next(&mut self) -> bool {
        while self.taken.last() == Some(&false) {
            self.taken.pop();
        }
        self.at = 0;
        match self.taken.last_mut() {
            Some(last) => {
                *last = false;
                true
            }
            None => false,
        }
    }
}

#[derive(Clone, Debug)]
pub(super) enum Value {
    Nothing,
    Truth(bool),
    Number(f64),
    Text(String),
    Several(Vec<Value>),
    /// A module, a function or a class, by its whole name.
    Named(String),
    /// The method of a value.
    Method(Box<Value>, String),
    /// The address that a request is for.
    Request(String),
    /// A connection to `scheme`, host and port, and whether something was asked.
    Connection(String, String, u16, Option<String>),
    Response(u16),
    Exception(Raised),
    /// What `contextlib.suppress` holds back.
    Suppress(Vec<Value>),
    /// The environment.
    Environment,
    /// Something that can be anything.
    Unknown,
}

/// Exception → what it is too.
const CLASSES: [(&str, &str); 19] = [
    ("HTTPError", "URLError"),
    ("URLError", "OSError"),
    ("ConnectionRefusedError", "ConnectionError"),
    ("ConnectionError", "OSError"),
    ("TimeoutError", "OSError"),
    ("RequestException", "OSError"),
    ("RequestsConnectionError", "RequestException"),
    ("RequestsHTTPError", "RequestException"),
    ("HTTPException", "Exception"),
    ("OSError", "Exception"),
    ("AssertionError", "Exception"),
    ("NameError", "Exception"),
    ("AttributeError", "Exception"),
    ("ModuleNotFoundError", "ImportError"),
    ("ImportError", "Exception"),
    ("ValueError", "Exception"),
    ("TypeError", "Exception"),
    ("SystemExit", "BaseException"),
    ("Exception", "BaseException"),
];

/// The whole name of a class → the name that it has here.
const CALLED: [(&str, &str); 19] = [
    ("urllib.error.URLError", "URLError"),
    ("urllib.request.URLError", "URLError"),
    ("urllib.error.HTTPError", "HTTPError"),
    ("urllib.request.HTTPError", "HTTPError"),
    ("http.client.HTTPException", "HTTPException"),
    ("requests.RequestException", "RequestException"),
    ("requests.exceptions.RequestException", "RequestException"),
    ("requests.ConnectionError", "RequestsConnectionError"),
    (
        "requests.exceptions.ConnectionError",
        "RequestsConnectionError",
    ),
    ("requests.HTTPError", "RequestsHTTPError"),
    ("requests.exceptions.HTTPError", "RequestsHTTPError"),
    ("socket.error", "OSError"),
    ("socket.timeout", "TimeoutError"),
    ("IOError", "OSError"),
    ("EnvironmentError", "OSError"),
    ("OSError", "OSError"),
    ("Exception", "Exception"),
    ("BaseException", "BaseException"),
    ("SystemExit", "SystemExit"),
];

/// Modules that a program cannot use without naming them, and that nothing else brings.
const MODULES: [&str; 8] = [
    "urllib", "http", "socket", "sys", "os", "json", "requests", "time",
];

/// Modules of Python 2 that Python 3 does not have.
const OF_BEFORE: [&str; 4] = ["urllib2", "httplib", "StringIO", "ConfigParser"];

/// Modules that do not bring `urllib.request` with them.
const SLIGHT: [&str; 7] = ["urllib", "sys", "os", "time", "json", "re", "contextlib"];

pub(super) struct Run<'w> {
    world: &'w mut dyn World,
    ways: &'w mut Ways,
    names: Names,
    imported: Vec<String>,
}

fn raised(class: &'static str) -> Stop {
    Stop::Raised(Raised {
        class,
        status: None,
        reason: None,
    })
}

fn mistaken(class: &'static str, reason: String) -> Stop {
    Stop::Raised(Raised {
        class,
        status: None,
        reason: Some(reason),
    })
}

impl<'w> Run<'w> {
    pub(super) fn new(world: &'w mut dyn World, ways: &'w mut Ways) -> Run<'w> {
        Run {
            world,
            ways,
            names: Names::new(),
            imported: Vec::new(),
        }
    }

    pub(super) fn program(&mut self, statements: &[Statement]) -> End {
        match self.all(statements) {
            Ok(()) | Err(Stop::Exit(true) | Stop::Gone(true)) => End::Well,
            Err(Stop::Exit(false) | Stop::Gone(false)) => End::Badly(None),
            Err(Stop::Raised(raised)) => End::Badly(raised.reason),
            Err(Stop::Beyond) => End::Beyond,
        }
    }

    fn all(&mut self, statements: &[Statement]) -> Ran<()> {
        for statement in statements {
            self.statement(statement)?;
        }
        Ok(())
    }

    fn statement(&mut self, statement: &Statement) -> Ran<()> {
        match statement {
            Statement::Pass => {}
            Statement::Import(module, what, called) => {
                let first = module.split('.').next().unwrap_or_default();
                if OF_BEFORE.contains(&first) {
                    let reason = format!("Python 3 has no module `{first}`");
                    return Err(mistaken("ModuleNotFoundError", reason));
                }
                self.imported.push(module.clone());
                let whole = match what.as_deref() {
                    None => first.to_string(),
                    Some("") => module.clone(),
                    Some(what) => format!("{module}.{what}"),
                };
                self.names.insert(called.clone(), Value::Named(whole));
            }
            Statement::Is(expression) => drop(self.value(expression)?),
            Statement::Let(Expression::Name(name), expression) => {
                let value = self.value(expression)?;
                self.names.insert(name.clone(), value);
            }
            Statement::Let(..) => return Err(Stop::Beyond),
            Statement::Assert(expression) => {
                if !self.truth(expression)? {
                    return Err(raised("AssertionError"));
                }
            }
            Statement::Raise(expression) => return Err(self.raise(expression.as_ref())?),
            Statement::If(branches, otherwise) => {
                for (condition, body) in branches {
                    if self.truth(condition)? {
                        return self.all(body);
                    }
                }
                return self.all(otherwise);
            }
            Statement::Try(tried) => return self.tried(tried),
            Statement::With(managers, body) => return self.with(managers, body),
        }
        Ok(())
    }

    fn raise(&mut self, expression: Option<&Expression>) -> Ran<Stop> {
        let Some(expression) = expression else {
            return Ok(raised("Exception"));
        };
        Ok(match self.value(expression)? {
            Value::Named(name) => raised(class(&name).ok_or(Stop::Beyond)?),
            Value::Exception(raised) => Stop::Raised(raised),
            _ => return Err(Stop::Beyond),
        })
    }

    fn tried(&mut self, tried: &Tried) -> Ran<()> {
        let mut result = self.all(&tried.body);
        if result.is_ok() {
            result = self.all(&tried.otherwise);
        } else if let Some(raised) = exception(&result) {
            for (caught, called, body) in &tried.handlers {
                let catches = match caught {
                    None => true,
                    Some(caught) => {
                        let caught = self.value(caught)?;
                        self.catches(&caught, raised.class)?
                    }
                };
                if catches {
                    if let Some(name) = called {
                        let exception = Value::Exception(raised.clone());
                        self.names.insert(name.clone(), exception);
                    }
                    result = self.all(body);
                    break;
                }
            }
        }
        if !matches!(result, Err(Stop::Gone(_) | Stop::Beyond)) {
            self.all(&tried.finally)?;
        }
        result
    }

    /// Whether a class, or one of several, is that of an exception.
    fn catches(&mut self, caught: &Value, raised: &str) -> Ran<bool> {
        match caught {
            Value::Several(all) => {
                for one in all {
                    if self.catches(one, raised)? {
                        return Ok(true);
                    }
                }
                Ok(false)
            }
            Value::Named(name) => match class(name) {
                Some(class) => Ok(is(raised, class)),
                None => Err(Stop::Beyond),
            },
            _ => Err(Stop::Beyond),
        }
    }

    fn with(&mut self, managers: &[(Expression, Option<String>)], body: &[Statement]) -> Ran<()> {
        let Some(((manager, called), rest)) = managers.split_first() else {
            return self.all(body);
        };
        let manager = self.value(manager)?;
        let held_back = match &manager {
            Value::Suppress(held_back) => Some(Value::Several(held_back.clone())),
            Value::Response(_) | Value::Connection(..) | Value::Unknown => None,
            _ => return Err(Stop::Beyond),
        };
        if let Some(name) = called {
            self.names.insert(name.clone(), manager);
        }
        let result = self.with(rest, body);
        if let Some(held_back) = held_back
            && let Some(raised) = exception(&result)
            && self.catches(&held_back, raised.class)?
        {
            return Ok(());
        }
        result
    }

    /// Whether something holds; what is not known may, and may not.
    fn truth(&mut self, expression: &Expression) -> Ran<bool> {
        let value = self.value(expression)?;
        Ok(self.holds(&value))
    }

    fn holds(&mut self, value: &Value) -> bool {
        match value {
            Value::Nothing => false,
            Value::Truth(truth) => *truth,
            Value::Number(number) => *number != 0.0,
            Value::Text(text) => !text.is_empty(),
            Value::Several(all) => !all.is_empty(),
            Value::Unknown | Value::Environment => self.ways.choose(),
            _ => true,
        }
    }

    fn value(&mut self, expression: &Expression) -> Ran<Value> {
        Ok(match expression {
            Expression::Nothing => Value::Nothing,
            Expression::Truth(truth) => Value::Truth(*truth),
            Expression::Number(number) => Value::Number(*number),
            Expression::Text(Some(text)) => Value::Text(text.clone()),
            Expression::Text(None) => Value::Unknown,
            Expression::Mapping(true) => Value::Several(vec![Value::Unknown]),
            Expression::Mapping(false) => Value::Several(Vec::new()),
            Expression::Name(name) => match self.names.get(name) {
                Some(value) => value.clone(),
                None if MODULES.contains(&name.as_str()) => {
                    let reason = format!("it uses `{name}` without importing it");
                    return Err(mistaken("NameError", reason));
                }
                None => Value::Named(name.clone()),
            },
            Expression::Of(value, name) => {
                let value = self.value(value)?;
                self.of(value, name)?
            }
            Expression::At(value, index) => {
                let (value, index) = (self.value(value)?, self.value(index)?);
                match (&value, &index) {
                    (Value::Environment, Value::Text(name)) => match self.world.variable(name) {
                        Some(value) => Value::Text(value),
                        None => Value::Unknown,
                    },
                    // It may have no such entry.
                    _ => self.perhaps()?,
                }
            }
            Expression::Several(all) => {
                let values = all.iter().map(|one| self.value(one));
                Value::Several(values.collect::<Ran<_>>()?)
            }
            Expression::Not(value) => Value::Truth(!self.truth(value)?),
            Expression::Minus(value) => match self.value(value)? {
                Value::Number(number) => Value::Number(-number),
                _ => Value::Unknown,
            },
            Expression::And(left, right) => {
                let left = self.value(left)?;
                match self.holds(&left) {
                    true => self.value(right)?,
                    false => settled(left, false),
                }
            }
            Expression::Or(left, right) => {
                let left = self.value(left)?;
                match self.holds(&left) {
                    true => settled(left, true),
                    false => self.value(right)?,
                }
            }
            Expression::Compare(first, compared) => {
                let mut left = self.value(first)?;
                for (operator, right) in compared {
                    let right = self.value(right)?;
                    let holds = match compare(operator, &left, &right) {
                        Some(holds) => holds,
                        None => self.ways.choose(),
                    };
                    if !holds {
                        return Ok(Value::Truth(false));
                    }
                    left = right;
                }
                Value::Truth(true)
            }
            Expression::Binary(operator, left, right) => {
                let (left, right) = (self.value(left)?, self.value(right)?);
                binary(operator, &left, &right)
            }
            Expression::Either(condition, value, otherwise) => match self.truth(condition)? {
                true => self.value(value)?,
                false => self.value(otherwise)?,
            },
            Expression::Call(called, given, named) => {
                let called = self.value(called)?;
                let given = given.iter().map(|one| self.value(one));
                let given = given.collect::<Ran<Vec<_>>>()?;
                let named = named
                    .iter()
                    .map(|(name, value)| Ok((name.as_str(), self.value(value)?)));
                let named = named.collect::<Ran<Vec<_>>>()?;
                self.call(called, &given, &named)?
            }
        })
    }

    /// What may be, or may raise.
    fn perhaps(&mut self) -> Ran<Value> {
        match self.ways.choose() {
            true => Ok(Value::Unknown),
            false => Err(raised("ValueError")),
        }
    }

    fn of(&mut self, value: Value, name: &str) -> Ran<Value> {
        Ok(match (&value, name) {
            (Value::Named(module), "environ") if module == "os" => Value::Environment,
            (Value::Named(module), "request" | "error" | "parse") if module == "urllib" => {
                let whole = format!("urllib.{name}");
                let slight = self
                    .imported
                    .iter()
                    .all(|module| SLIGHT.contains(&module.as_str()));
                if slight {
                    let reason = format!("it uses `{whole}` and imports `urllib` alone");
                    return Err(mistaken("AttributeError", reason));
                }
                Value::Named(whole)
            }
            (Value::Named(module), name) => Value::Named(format!("{module}.{name}")),
            (Value::Response(status), "status" | "code" | "status_code") => {
                Value::Number(f64::from(*status))
            }
            (Value::Response(status), "ok") => Value::Truth(*status < 400),
            (Value::Response(_), "headers" | "text" | "content" | "reason" | "url" | "msg") => {
                Value::Unknown
            }
            (Value::Exception(raised), "code" | "status") => match raised.status {
                Some(status) => Value::Number(f64::from(status)),
                None => Value::Unknown,
            },
            (Value::Exception(_) | Value::Unknown, _) => Value::Unknown,
            (_, name) => Value::Method(Box::new(value), name.to_string()),
        })
    }

    fn call(&mut self, called: Value, given: &[Value], named: &[(&str, Value)]) -> Ran<Value> {
        let by_name = |wanted: &str| {
            let mut all = named.iter();
            let found = all.find(|(name, _)| *name == wanted);
            found.map(|(_, value)| value.clone())
        };
        match called {
            Value::Named(name) => self.function(&name, given, &by_name),
            Value::Method(of, name) => self.method(*of, &name, given),
            // Whatever it is, it ends or raises.
            Value::Unknown => self.perhaps(),
            _ => Err(Stop::Beyond),
        }
    }

    fn function(
        &mut self,
        name: &str,
        given: &[Value],
        by_name: &dyn Fn(&str) -> Option<Value>,
    ) -> Ran<Value> {
        let first = given.first().cloned();
        let text = |value: Option<Value>| match value {
            Some(Value::Text(text) | Value::Request(text)) => Ok(text),
            _ => Err(Stop::Beyond),
        };
        Ok(match name {
            // `raise SystemExit(n)` is the same.
            "exit" | "quit" | "sys.exit" | "SystemExit" => {
                return Err(Stop::Exit(self.ends_well(first)));
            }
            "os._exit" => return Err(Stop::Gone(self.ends_well(first))),
            "ssl.create_default_context" | "ssl._create_unverified_context" => Value::Unknown,
            "print"
            | "sys.stdout.write"
            | "sys.stderr.write"
            | "time.sleep"
            | "socket.setdefaulttimeout" => Value::Nothing,
            "int" | "float" => match first {
                Some(Value::Number(number)) => Value::Number(number.trunc()),
                Some(Value::Text(text)) => match text.trim().parse() {
                    Ok(number) => Value::Number(number),
                    Err(_) => return Err(raised("ValueError")),
                },
                Some(Value::Truth(truth)) => Value::Number(f64::from(u8::from(truth))),
                _ => self.perhaps()?,
            },
            "bool" => match first {
                Some(value) => Value::Truth(self.holds(&value)),
                None => Value::Truth(false),
            },
            "str" => match first {
                Some(Value::Number(number)) => Value::Text(number.to_string()),
                Some(Value::Text(text)) => Value::Text(text),
                _ => Value::Unknown,
            },
            "len" | "repr" => Value::Unknown,
            "__import__" => {
                let module = text(first)?;
                self.imported.push(module.clone());
                Value::Named(module.split('.').next().unwrap_or_default().to_string())
            }
            "json.load"
            | "json.loads"
            | "open"
            | "subprocess.check_call"
            | "subprocess.check_output" => self.perhaps()?,
            "os.system" | "subprocess.call" | "subprocess.getoutput" => Value::Unknown,
            "subprocess.run" | "subprocess.Popen" => match by_name("check") {
                None | Some(Value::Truth(false)) => Value::Unknown,
                _ => self.perhaps()?,
            },
            "os.getenv" | "os.environ.get" => self.variable(given),
            "contextlib.suppress" => Value::Suppress(given.to_vec()),
            "contextlib.closing" => first.unwrap_or(Value::Unknown),
            "urllib.request.Request" => Value::Request(text(first.or_else(|| by_name("url")))?),
            "urllib.request.urlopen" | "urllib.request.urlretrieve" => {
                let url = text(first.or_else(|| by_name("url")))?;
                // Without any time, nothing is ever answered in it.
                if let Some(Value::Number(timeout)) = by_name("timeout")
                    && timeout <= 0.0
                {
                    return Err(raised("URLError"));
                }
                match self.ask(&url)? {
                    None => return Err(raised("URLError")),
                    Some(status) if status >= 400 => {
                        return Err(Stop::Raised(Raised {
                            class: "HTTPError",
                            status: Some(status),
                            reason: None,
                        }));
                    }
                    Some(status) => Value::Response(status),
                }
            }
            "requests.get" | "requests.head" => {
                let url = text(first.or_else(|| by_name("url")))?;
                match self.ask(&url)? {
                    None => return Err(raised("RequestsConnectionError")),
                    Some(status) => Value::Response(status),
                }
            }
            "http.client.HTTPConnection" | "http.client.HTTPSConnection" => {
                let scheme = name.replace("http.client.", "").replace("Connection", "");
                let scheme = scheme.to_lowercase();
                let host = text(first.or_else(|| by_name("host")))?;
                let port = given.get(1).cloned().or_else(|| by_name("port"));
                let usual = if scheme == "https" { 443 } else { 80 };
                let (host, port) = match (host.rsplit_once(':'), port) {
                    (_, Some(Value::Number(port))) => (host.clone(), port as u16),
                    (_, Some(_)) => return Err(Stop::Beyond),
                    (Some((host, port)), None) => {
                        (host.to_string(), port.parse().map_err(|_| Stop::Beyond)?)
                    }
                    (None, None) => (host, usual),
                };
                Value::Connection(scheme, host, port, None)
            }
            "socket.socket" => Value::Connection("socket".to_string(), String::new(), 0, None),
            "socket.create_connection" => self
                .connect(given.first())?
                .ok_or_else(|| raised("ConnectionRefusedError"))?,
            name if class(name).is_some() => Value::Exception(Raised {
                class: class(name).unwrap_or_default(),
                status: None,
                reason: None,
            }),
            _ => return Err(Stop::Beyond),
        })
    }

    fn method(&mut self, of: Value, name: &str, given: &[Value]) -> Ran<Value> {
        Ok(match (of, name) {
            (Value::Environment, "get") => self.variable(given),
            (Value::Response(status), "getcode") => Value::Number(f64::from(status)),
            (Value::Response(status), "raise_for_status") if status >= 400 => {
                return Err(raised("RequestsHTTPError"));
            }
            (Value::Response(_), "raise_for_status" | "close") => Value::Nothing,
            (Value::Response(_), "read" | "info" | "getheader" | "getheaders") => Value::Unknown,
            (Value::Response(_), "json") => self.perhaps()?,
            // It does not know by what name it is kept; what is asked next is asked of it.
            (Value::Connection(scheme, host, port, _), "request") if scheme != "socket" => {
                let path = match given.get(1) {
                    Some(Value::Text(path)) => path.clone(),
                    _ => return Err(Stop::Beyond),
                };
                let asked = Asked::Host(&host, port, Some(&path));
                if self.answered(asked)?.is_none() {
                    return Err(raised("ConnectionRefusedError"));
                }
                for value in self.names.values_mut() {
                    if let Value::Connection(kept, at, behind, asked) = value
                        && (&*kept, &*at, *behind) == (&scheme, &host, port)
                    {
                        *asked = Some(path.clone());
                    }
                }
                Value::Nothing
            }
            (Value::Connection(_, host, port, Some(path)), "getresponse") => {
                match self.answered(Asked::Host(&host, port, Some(&path)))? {
                    None => return Err(raised("ConnectionRefusedError")),
                    Some(status) => Value::Response(status),
                }
            }
            (Value::Connection(scheme, ..), "connect" | "connect_ex") if scheme == "socket" => {
                match (self.connect(given.first())?, name) {
                    (Some(_), "connect") => Value::Nothing,
                    (Some(_), _) => Value::Number(0.0),
                    (None, "connect") => return Err(raised("ConnectionRefusedError")),
                    (None, _) => Value::Number(111.0),
                }
            }
            (Value::Connection(..), "close" | "settimeout" | "shutdown") => Value::Nothing,
            (Value::Suppress(_), "__enter__") => Value::Nothing,
            (Value::Text(text), "startswith" | "endswith") => match given.first() {
                Some(Value::Text(part)) if name == "startswith" => {
                    Value::Truth(text.starts_with(part.as_str()))
                }
                Some(Value::Text(part)) => Value::Truth(text.ends_with(part.as_str())),
                _ => Value::Unknown,
            },
            (Value::Text(_), _) => Value::Unknown,
            _ => return Err(Stop::Beyond),
        })
    }

    fn variable(&self, given: &[Value]) -> Value {
        let Some(Value::Text(name)) = given.first() else {
            return Value::Unknown;
        };
        match (self.world.variable(name), given.get(1)) {
            (Some(value), _) => Value::Text(value),
            _ => Value::Unknown,
        }
    }

    fn ends_well(&mut self, code: Option<Value>) -> bool {
        match code {
            None | Some(Value::Nothing) => true,
            Some(Value::Truth(truth)) => !truth,
            // Of a number the system keeps eight bits.
            Some(Value::Number(number)) => (number as i64) & 0xff == 0,
            Some(Value::Unknown) => self.ways.choose(),
            Some(_) => false,
        }
    }

    /// The status that a URL is answered with; None: nobody answers.
    fn ask(&mut self, url: &str) -> Ran<Option<u16>> {
        let Some((scheme, _)) = url.split_once("://") else {
            let reason = format!("{url} is no address: it says not how to ask");
            return Err(mistaken("ValueError", reason));
        };
        if !["http", "https"].contains(&scheme) || url.contains('$') {
            return Err(Stop::Beyond);
        }
        self.answered(Asked::Url(url))
    }

    fn connect(&mut self, address: Option<&Value>) -> Ran<Option<Value>> {
        let Some(Value::Several(address)) = address else {
            return Err(Stop::Beyond);
        };
        let [Value::Text(host), Value::Number(port), ..] = &address[..] else {
            return Err(Stop::Beyond);
        };
        let port = *port as u16;
        let there = self.answered(Asked::Host(host, port, None))?.is_some();
        let connection = || Value::Connection("socket".to_string(), host.clone(), port, None);
        Ok(there.then(connection))
    }

    fn answered(&mut self, asked: Asked) -> Ran<Option<u16>> {
        match self.world.answer(asked) {
            Answer::Status(status) => Ok(Some(status)),
            Answer::Nobody => Ok(None),
            Answer::Unknown => Err(Stop::Beyond),
        }
    }
}

/// What is raised, also by the end of the program.
fn exception(result: &Ran<()>) -> Option<Raised> {
    match result {
        Err(Stop::Raised(raised)) => Some(raised.clone()),
        Err(Stop::Exit(_)) => Some(Raised {
            class: "SystemExit",
            status: None,
            reason: None,
        }),
        _ => None,
    }
}

/// The class that is called so.
fn class(name: &str) -> Option<&'static str> {
    let mut called = CALLED.iter();
    let whole = called.find(|(whole, _)| *whole == name);
    let mut classes = CLASSES.iter().map(|(class, _)| *class);
    whole.map(|(_, class)| *class).or_else(|| {
        classes.find(|class| *class == name && !["HTTPError", "URLError"].contains(class))
    })
}

fn is(raised: &str, class: &str) -> bool {
    let mut now = Some(raised);
    while let Some(known) = now {
        if known == class {
            return true;
        }
        now = CLASSES
            .iter()
            .find(|(name, _)| *name == known)
            .map(|(_, more)| *more);
    }
    false
}

/// A value of which is known whether it holds.
fn settled(value: Value, holds: bool) -> Value {
    match value {
        Value::Unknown | Value::Environment => Value::Truth(holds),
        value => value,
    }
}

/// Whether two values are so to each other; None: that is not known.
fn compare(operator: &str, left: &Value, right: &Value) -> Option<bool> {
    if let Some(positive) = operator.strip_prefix("not ").or(match operator {
        "!=" => Some("=="),
        "is not" => Some("is"),
        _ => None,
    }) {
        return compare(positive, left, right).map(|holds| !holds);
    }
    if operator == "in" {
        return match (left, right) {
            (_, Value::Several(all)) => {
                let each = all.iter().map(|one| compare("==", left, one));
                let each = each.collect::<Option<Vec<bool>>>()?;
                Some(each.contains(&true))
            }
            (Value::Text(part), Value::Text(text)) => Some(text.contains(part.as_str())),
            _ => None,
        };
    }
    let number = |value: &Value| match value {
        Value::Number(number) => Some(*number),
        Value::Truth(truth) => Some(f64::from(u8::from(*truth))),
        _ => None,
    };
    if let (Some(left), Some(right)) = (number(left), number(right)) {
        return match operator {
            "==" | "is" => Some(left == right),
            "<" => Some(left < right),
            "<=" => Some(left <= right),
            ">" => Some(left > right),
            ">=" => Some(left >= right),
            _ => None,
        };
    }
    match (operator, left, right) {
        ("==", Value::Text(left), Value::Text(right)) => Some(left == right),
        ("==", Value::Text(_), Value::Number(_)) | ("==", Value::Number(_), Value::Text(_)) => {
            Some(false)
        }
        ("==" | "is", Value::Nothing, Value::Nothing) => Some(true),
        ("==" | "is", Value::Nothing, Value::Number(_) | Value::Text(_) | Value::Response(_))
        | ("==" | "is", Value::Number(_) | Value::Text(_) | Value::Response(_), Value::Nothing) => {
            Some(false)
        }
        _ => None,
    }
}

fn binary(operator: &str, left: &Value, right: &Value) -> Value {
    match (operator, left, right) {
        ("+", Value::Text(left), Value::Text(right)) => Value::Text(format!("{left}{right}")),
        (operator, Value::Number(left), Value::Number(right)) => Value::Number(match operator {
            "+" => left + right,
            "-" => left - right,
            "*" => left * right,
            "/" if *right != 0.0 => left / right,
            "//" if *right != 0.0 => (left / right).floor(),
            "%" if *right != 0.0 => left.rem_euclid(*right),
            _ => return Value::Unknown,
        }),
        _ => Value::Unknown,
    }
}
