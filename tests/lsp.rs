//! `monstack lsp` as an editor meets it: a scripted client over the program's own stdin and stdout.

mod shop;

use monstack::value::{Value, json};
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

/// In debug builds of a busy machine a check takes its time.
const PATIENCE: Duration = Duration::from_secs(60);

/// A sound catalog in which everything has a name, also in expressions and with characters outside of the basic plane.
const CATALOG: &str = r#"[platform]
name = "Shop"
slug = "shop"
metric_prefix = "shop"
runbook_url = "https://git.example.org/RUNBOOK.md"
owner = "web-team"

[groups.web]
title = "Web"

[services.checkout]
group = "web"
port = 8001
labels = { tier = "𝄞é", zone = "eu" }

[services.checkout.alerts.Down]
for = "2m"

[owners.web-team]
default = "slack"
[receivers.slack]
slack = { channel = "shop", api_url_file = "/etc/alertmanager/secrets/slack" }

[metrics.orders_total]
type = "counter"
help = "Orders"
services = ["checkout"]

[alerts.Down]
kind = "down"
for = "5m"
severity = "critical"

[alerts.NoOrders]
kind = "promql"
expr = "sum by (job, service, component) (rate(shop_orders_total[5m])) < 0.1"
severity = "warning"
services = ["checkout"]

[[alerts.NoOrders.tests]]
name = "nobody orders"
at = "20m"
series = { 'shop_orders_total{job="checkout",service="checkout",component="web"}' = "0+5x40" }
fires = ["checkout"]
[[alerts.NoOrders.tests]]
name = "somebody orders"
at = "20m"
series = { 'shop_orders_total{job="checkout",service="checkout",component="web"}' = "0+7x40" }

[alertmanager.routes]
critical = "slack"
warning = "slack"
"#;

/// A part of it.
const PART: &str = "[services.prices]\ngroup = \"web\"\nport = 8002\n";

/// An environment of it.
const STAGING: &str = "[platform]\nslug = \"shop-staging\"\n\n[services.checkout]\nport = 9001\n";

fn root(name: &str) -> PathBuf {
    let root = shop::folder(&format!("lsp {name}"));
    fs::create_dir(root.join("services.d")).unwrap();
    for (file, text) in [
        ("services.toml", CATALOG),
        ("services.d/prices.toml", PART),
        ("services.staging.toml", STAGING),
    ] {
        fs::write(root.join(file), text).unwrap();
    }
    root
}

fn uri(path: &Path) -> String {
    format!("file://{}", path.display()).replace(' ', "%20")
}

/// An editor.
struct Client {
    root: PathBuf,
    server: Child,
    to: Option<ChildStdin>,
    from: Receiver<Value>,
    asked: i64,
    versions: BTreeMap<String, i64>,
    /// What was published while something else was waited for.
    published: Vec<Value>,
}

impl Client {
    /// Says nothing yet.
    fn silent(root: &Path) -> Client {
        Client::with(root, &["lsp"])
    }

    fn with(root: &Path, arguments: &[&str]) -> Client {
        let mut server = Command::new(env!("CARGO_BIN_EXE_monstack"))
            .args(arguments)
            .current_dir(std::env::temp_dir())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut out = BufReader::new(server.stdout.take().unwrap());
        let (tell, from) = channel();
        std::thread::spawn(move || {
            while let Some(message) = next(&mut out) {
                let _ = tell.send(message);
            }
        });
        Client {
            root: root.to_path_buf(),
            to: server.stdin.take(),
            server,
            from,
            asked: 0,
            versions: BTreeMap::new(),
            published: Vec::new(),
        }
    }

    fn begin(root: &Path) -> Client {
        let mut client = Client::silent(root);
        let answer = client.ask(
            "initialize",
            json!({"processId": null, "rootUri": uri(root), "capabilities": {
                "workspace": {"didChangeWatchedFiles": {"dynamicRegistration": true}},
            }}),
        );
        assert_eq!(answer["result"]["serverInfo"]["name"], "monstack");
        assert_eq!(answer["result"]["capabilities"]["hoverProvider"], true);
        client.note("initialized", json!({}));
        let asked = client.hear(|message| message["method"] == "client/registerCapability");
        client.send(&json!({"jsonrpc": "2.0", "id": asked["id"], "result": null}));
        client
    }

    fn raw(&mut self, text: &[u8]) {
        let to = self.to.as_mut().expect("it is open");
        to.write_all(text).unwrap();
        to.flush().unwrap();
    }

    fn send(&mut self, message: &Value) {
        let text = message.to_string();
        self.raw(format!("Content-Length: {}\r\n\r\n{text}", text.len()).as_bytes());
    }

    fn note(&mut self, method: &str, params: Value) {
        self.send(&json!({"jsonrpc": "2.0", "method": method, "params": params}));
    }

    fn ask(&mut self, method: &str, params: Value) -> Value {
        self.asked += 1;
        let id = self.asked;
        self.send(&json!({"jsonrpc": "2.0", "id": id, "method": method, "params": params}));
        self.hear(|message| message["id"] == id)
    }

    /// The next message of a sort; findings that come before it are kept.
    fn hear(&mut self, wanted: impl Fn(&Value) -> bool) -> Value {
        loop {
            let message = self.from.recv_timeout(PATIENCE).expect("it answers");
            assert_eq!(message["jsonrpc"], "2.0");
            if wanted(&message) {
                return message;
            }
            self.published.push(message);
        }
    }

    fn at(&self, file: &str) -> String {
        uri(&self.root.join(file))
    }

    /// Opens a file with a text that is not on disk.
    fn open(&mut self, file: &str, text: &str) {
        self.versions.insert(file.to_string(), 0);
        let document =
            json!({"uri": self.at(file), "languageId": "toml", "version": 0, "text": text});
        self.note("textDocument/didOpen", json!({"textDocument": document}));
    }

    fn write(&mut self, file: &str, text: &str) {
        let version = self.versions.entry(file.to_string()).or_default();
        *version += 1;
        let version = *version;
        let document = json!({"uri": self.at(file), "version": version});
        self.note(
            "textDocument/didChange",
            json!({"textDocument": document, "contentChanges": [{"text": text}]}),
        );
    }

    fn close(&mut self, file: &str) {
        self.versions.remove(file);
        let document = json!({"uri": self.at(file)});
        self.note("textDocument/didClose", json!({"textDocument": document}));
    }

    /// What is found in a file as it was written last.
    fn findings(&mut self, file: &str) -> Vec<Value> {
        let uri = self.at(file);
        let version = self.versions.get(file).copied();
        let said = |message: &Value| {
            message["method"] == "textDocument/publishDiagnostics"
                && message["params"]["uri"] == uri.as_str()
                && message["params"]["version"].as_i64() == version
        };
        let kept = self.published.iter().position(&said);
        let message = match kept {
            Some(index) => self.published.remove(index),
            None => self.hear(said),
        };
        message["params"]["diagnostics"].as_array().unwrap().clone()
    }

    /// Asks about a place: the n-th time that a text says something, at its middle.
    fn about(&mut self, method: &str, text: &str, word: &str, nth: usize, more: Value) -> Value {
        self.about_in("services.toml", method, text, word, nth, more)
    }

    fn about_in(
        &mut self,
        file: &str,
        method: &str,
        text: &str,
        word: &str,
        nth: usize,
        more: Value,
    ) -> Value {
        let (at, _) = text.match_indices(word).nth(nth).expect("it says that");
        let mut params = json!({
            "textDocument": {"uri": self.at(file)}, "position": position(text, at + word.len() / 2),
        });
        for (key, value) in more.as_object().into_iter().flatten() {
            params[key] = value.clone();
        }
        self.ask(&format!("textDocument/{method}"), params)
    }

    /// Ends as editors do.
    fn end(mut self) {
        assert_eq!(self.ask("shutdown", Value::Null)["result"], Value::Null);
        let late = self.ask("textDocument/hover", json!({}));
        assert_eq!(late["error"]["code"], -32600);
        self.note("exit", Value::Null);
        assert_eq!(self.ended(), (Some(0), String::new()));
    }

    /// The exit code, and what stands on stderr.
    fn ended(&mut self) -> (Option<i32>, String) {
        let mut said = String::new();
        let mut errors = self.server.stderr.take().unwrap();
        errors.read_to_string(&mut said).unwrap();
        (self.server.wait().unwrap().code(), said)
    }
}

impl Drop for Client {
    fn drop(&mut self) {
        let _ = self.server.kill();
        let _ = self.server.wait();
        let _ = fs::remove_dir_all(&self.root);
    }
}

/// One message: a header with its length, and nothing else.
fn next(from: &mut impl BufRead) -> Option<Value> {
    let mut header = String::new();
    if from.read_line(&mut header).ok()? == 0 {
        return None;
    }
    let length = header
        .strip_prefix("Content-Length: ")
        .unwrap_or_else(|| panic!("only messages are on stdout: {header}"));
    from.read_line(&mut String::new()).ok()?;
    let mut body = vec![0; length.trim().parse().unwrap()];
    from.read_exact(&mut body).ok()?;
    Some(serde_json::from_slice(&body).unwrap())
}

/// Line and column as editors count them.
fn position(text: &str, byte: usize) -> Value {
    let before = &text[..byte];
    let line = before.rsplit('\n').next().unwrap();
    json!({"line": before.matches('\n').count(), "character": line.encode_utf16().count()})
}

/// Where a range is in a text.
fn marked<'t>(text: &'t str, range: &Value) -> &'t str {
    let byte = |at: &Value| {
        let line = at["line"].as_u64().unwrap() as usize;
        let start: usize = text.split_inclusive('\n').take(line).map(str::len).sum();
        let mut left = at["character"].as_u64().unwrap() as usize;
        let mut letters = text[start..].char_indices();
        while left > 0 {
            left -= letters.next().unwrap().1.len_utf16();
        }
        start + letters.next().map_or(text.len() - start, |(at, _)| at)
    };
    &text[byte(&range["start"])..byte(&range["end"])]
}

/// A finding: severity, code, what is said, line and column from 0.
type Found = (u64, String, String, u64, u64);

fn shown(findings: &[Value]) -> BTreeSet<Found> {
    let one = |found: &Value| {
        assert_eq!(found["source"], "monstack");
        let start = &found["range"]["start"];
        (
            found["severity"].as_u64().unwrap(),
            found["code"].as_str().unwrap().to_string(),
            found["message"].as_str().unwrap().to_string(),
            start["line"].as_u64().unwrap(),
            start["character"].as_u64().unwrap(),
        )
    };
    findings.iter().map(one).collect()
}

/// What `render` finds in a file when these texts are saved.
fn of_render(root: &Path, file: &str, texts: &[(&str, &str)], more: &[&str]) -> BTreeSet<Found> {
    let before = texts.iter().map(|(file, text)| {
        let path = root.join(file);
        let before = fs::read_to_string(&path).unwrap_or_default();
        fs::write(&path, text).unwrap();
        (path, before)
    });
    let before: Vec<_> = before.collect();
    let arguments = [&["render", "--check", "--format", "json"], more].concat();
    let said = shop::monstack(root, &arguments).stdout;
    for (path, text) in before {
        fs::write(path, text).unwrap();
    }
    let said: Value = serde_json::from_str(&said).expect("one document");
    let text = |file: &str| match texts.iter().find(|(name, _)| *name == file) {
        Some((_, text)) => text.to_string(),
        None => fs::read_to_string(root.join(file)).unwrap(),
    };
    let all = said["findings"].as_array().unwrap().iter();
    all.filter(|found| found["file"] == file)
        .map(|found| {
            let number = |key: &str| found[key].as_u64().unwrap() - 1;
            let text = text(file);
            let line = text.lines().nth(number("line") as usize).unwrap();
            // Of other files only the line is known: what it says is underlined.
            let indented = line.len() - line.trim_start().len();
            let column = match file.ends_with(".toml") {
                true => number("column") as usize,
                false => indented,
            };
            let before: String = line.chars().take(column).collect();
            let severity = match found["severity"].as_str().unwrap() {
                "error" => 1,
                "warning" => 2,
                _ => 3,
            };
            let said = |key: &str| found[key].as_str().unwrap().to_string();
            (
                severity,
                said("code"),
                format!("{}\nhelp: {}", said("message"), said("help")),
                number("line"),
                before.encode_utf16().count() as u64,
            )
        })
        .collect()
}

#[test]
fn what_is_typed_has_the_findings_of_render() {
    let root = root("findings");
    let mut client = Client::begin(&root);
    client.open("services.toml", CATALOG);
    assert_eq!(client.findings("services.toml"), [] as [Value; 0]);
    for (old, new, code) in [
        // Of the schema, behind characters of two and of four bytes.
        ("zone = \"eu\" }", "zone = 5 }", "wrong-type"),
        // Of a lint, with another one that is only worth knowing.
        ("group = \"web\"", "group = \"wbe\"", "unknown-group"),
        (
            "runbook_url = \"https://git.example.org/RUNBOOK.md\"\n",
            "",
            "unlinked-runbook",
        ),
        // Of a proof: what is rendered of it.
        (
            "rate(shop_orders_total[5m])",
            "rate(shop_order_total[5m])",
            "unknown-metric",
        ),
        // No TOML at all.
        ("[groups.web]\n", "[groups.web\n", "syntax"),
    ] {
        let typed = CATALOG.replacen(old, new, 1);
        client.write("services.toml", &typed);
        let found = client.findings("services.toml");
        let expected = of_render(&root, "services.toml", &[("services.toml", &typed)], &[]);
        assert_eq!(shown(&found), expected, "{code}");
        assert!(found.iter().any(|found| found["code"] == code), "{found:?}");
        if code == "wrong-type" {
            assert_eq!(marked(&typed, &found[0]["range"]), "5");
        }
        if ["wrong-type", "syntax"].contains(&code) {
            client.write("services.toml", CATALOG);
            assert_eq!(client.findings("services.toml"), [] as [Value; 0], "{code}");
        }
    }
    assert_eq!(
        fs::read_to_string(root.join("services.toml")).unwrap(),
        CATALOG
    );

    // Of many texts in a row, not each is looked at, and the last one counts.
    client.published.clear();
    for number in 0..20 {
        let typed = CATALOG.replace("port = 8001", &format!("port = \"{number}\""));
        client.write("services.toml", &typed);
    }
    client.write("services.toml", CATALOG);
    assert_eq!(client.findings("services.toml"), [] as [Value; 0]);
    assert!(client.published.len() < 10, "{:?}", client.published);

    // A part says again what the catalog says: where that is, is said with it.
    let part = format!("# 𝄞\n{PART}[groups.web]\ntitle = \"Again\"\n");
    client.open("services.d/prices.toml", &part);
    let found = client.findings("services.d/prices.toml");
    let expected = of_render(
        &root,
        "services.d/prices.toml",
        &[("services.d/prices.toml", &part)],
        &[],
    );
    assert_eq!(shown(&found), expected);
    let related = &found[0]["relatedInformation"][0];
    assert_eq!(found[0]["code"], "key-twice");
    assert_eq!(related["location"]["uri"], client.at("services.toml"));
    assert_eq!(marked(CATALOG, &related["location"]["range"]), "web");
    client.write("services.d/prices.toml", PART);
    assert_eq!(client.findings("services.d/prices.toml"), [] as [Value; 0]);

    // A part that is nowhere on disk.
    client.open(
        "services.d/new.toml",
        "[services.till]\ngroup = \"web\"\nport = \"x\"\n",
    );
    let found = client.findings("services.d/new.toml");
    assert_eq!(found[0]["code"], "wrong-type");
    client.close("services.d/new.toml");
    assert_eq!(client.findings("services.d/new.toml"), [] as [Value; 0]);

    // An environment is looked at while it is open.
    let staging = format!("{STAGING}group = \"core\"\n");
    client.open("services.staging.toml", &staging);
    let found = client.findings("services.staging.toml");
    let file = "services.staging.toml";
    let expected = of_render(
        &root,
        file,
        &[(file, &staging)],
        &["--environment", "staging"],
    );
    assert_eq!(shown(&found), expected);
    assert_eq!(found[0]["code"], "unknown-group");
    client.write(file, STAGING);
    assert_eq!(client.findings(file), [] as [Value; 0]);

    // What is closed has the findings of the disk no more than the editor shows it.
    client.write("services.toml", "[");
    assert_eq!(client.findings("services.toml")[0]["code"], "syntax");
    for file in ["services.toml", "services.d/prices.toml", file] {
        client.close(file);
    }
    assert_eq!(client.findings("services.toml"), [] as [Value; 0]);
    client.end();
}

#[test]
fn files_of_the_root_have_findings_too() {
    let root = root("files");
    let own = "groups:\n  - name: own\n    rules:\n      - alert: Own\n        expr: rate(shop_orders_total[5m]) > 5\n        labels: {severity: warning}\n";
    fs::create_dir_all(root.join("own")).unwrap();
    fs::write(root.join("own/rules.yml"), own).unwrap();
    let catalog = format!("{CATALOG}\n[extra]\nrules = [\"own/rules.yml\"]\n");
    fs::write(root.join("services.toml"), &catalog).unwrap();
    let template = "monitoring/alertmanager/alertmanager.yml";
    let ejected = shop::monstack(&root, &["templates", "eject", template]);
    assert_eq!(ejected.code, 0, "{}", ejected.stderr);
    let mut client = Client::begin(&root);
    client.open("own/rules.yml", own);
    let sound = client.findings("own/rules.yml");
    let expected = of_render(&root, "own/rules.yml", &[], &[]);
    assert_eq!(shown(&sound), expected);
    let typed = own.replace("shop_orders_total", "shop_order_total");
    client.write("own/rules.yml", &typed);
    let found = client.findings("own/rules.yml");
    let expected = of_render(&root, "own/rules.yml", &[("own/rules.yml", &typed)], &[]);
    assert!(expected.len() > sound.len(), "{expected:?}");
    assert_eq!(shown(&found), expected);
    client.write("own/rules.yml", own);
    assert_eq!(shown(&client.findings("own/rules.yml")), shown(&sound));

    // What changes on disk under a file that is not open is looked at when the editor tells of it.
    fs::write(root.join("services.toml"), "[").unwrap();
    let uri = client.at("services.toml");
    let changed = json!({"changes": [{"uri": uri, "type": 2}]});
    client.note("workspace/didChangeWatchedFiles", changed.clone());
    assert_eq!(client.findings("services.toml")[0]["code"], "syntax");
    fs::write(root.join("services.toml"), &catalog).unwrap();
    client.note("workspace/didChangeWatchedFiles", changed);
    assert_eq!(client.findings("services.toml"), [] as [Value; 0]);

    let file = format!("templates/{template}");
    let text = fs::read_to_string(root.join(&file)).unwrap();
    let typed = text.replacen(
        "<< alertmanager.group_wait",
        "<< alertmanager.group_wiat",
        1,
    );
    client.open(&file, &typed);
    let found = client.findings(&file);
    let expected = of_render(&root, &file, &[(&file, &typed)], &[]);
    assert!(!expected.is_empty());
    let code = |found: &BTreeSet<Found>| found.iter().map(|one| one.1.clone()).collect::<Vec<_>>();
    assert_eq!(code(&shown(&found)), code(&expected));
    assert_eq!(
        found[0]["range"]["start"]["line"],
        expected.first().unwrap().3
    );
    client.write(&file, &text);
    assert_eq!(client.findings(&file), [] as [Value; 0]);
    client.end();
}

#[test]
fn names_and_keys_are_explained_found_and_renamed() {
    let root = root("names");
    let rendered = shop::monstack(&root, &["render"]);
    assert_eq!(rendered.code, 0, "{}", rendered.stderr);
    let mut client = Client::begin(&root);
    // The editor is ahead of the disk by a comment, and all places are those of the editor.
    let typed = format!("# 𝄞\n{CATALOG}");
    client.open("services.toml", &typed);
    assert_eq!(client.findings("services.toml"), [] as [Value; 0]);
    let none = Value::Null;

    for (word, nth, wanted) in [
        ("port", 0, "**`services.NAME.port`**: "),
        ("severity", 0, "**`alerts.NAME.severity`**: "),
        ("promql", 0, "promql`: "),
        ("checkout", 0, "**service `checkout`**\n"),
        // In a header whose first part stands in another one before.
        ("checkout", 1, "**service `checkout`**\n"),
        ("Down", 0, "**`Down@checkout`**\n"),
        ("Down", 1, "**alert `Down`**\n"),
        ("\"web\"", 0, "**group `web`**\n"),
        ("web-team", 0, "**owner `web-team`**\n"),
        ("\"slack\"", 0, "**receiver `slack`**\n"),
        ("shop_orders_total", 0, "**metric `orders_total`**\n"),
        ("zone", 0, "**`services.NAME.labels`**: "),
    ] {
        let said = client.about("hover", &typed, word, nth, none.clone());
        let text = said["result"]["contents"]["value"]
            .as_str()
            .unwrap_or_else(|| panic!("{word}: {said}"));
        assert!(text.contains(wanted), "{word}: {text}");
    }
    let said = client.about("hover", &typed, "checkout", 0, none.clone());
    assert_eq!(marked(&typed, &said["result"]["range"]), "checkout");
    let text = said["result"]["contents"]["value"].to_string();
    let explained = shop::monstack(&root, &["explain", "checkout", "--format", "json"]);
    let explained: Value = serde_json::from_str(&explained.stdout).unwrap();
    for row in explained["values"].as_array().unwrap() {
        let value = row["value"].as_str().unwrap();
        let said = format!("- {}: `{value}`", row["key"].as_str().unwrap());
        assert!(text.contains(&said), "{said}: {text}");
    }
    let said = client.about("hover", &typed, "#", 0, none.clone());
    assert_eq!(said["result"], none);

    // Where a name is defined, from another file too, and where it is used.
    for (word, nth, wanted) in [
        ("\"web\"", 0, "web"),
        ("\"checkout\"", 0, "checkout"),
        ("Down", 0, "Down"),
    ] {
        let said = client.about("definition", &typed, word, nth, none.clone());
        let [place] = said["result"].as_array().unwrap().as_slice() else {
            panic!("{said}")
        };
        assert_eq!(place["uri"], client.at("services.toml"));
        assert_eq!(marked(&typed, &place["range"]), wanted);
    }
    let said = client.about_in(
        "services.d/prices.toml",
        "definition",
        PART,
        "\"web\"",
        0,
        none.clone(),
    );
    assert_eq!(said["result"][0]["uri"], client.at("services.toml"));
    let context = json!({"context": {"includeDeclaration": true}});
    let said = client.about("references", &typed, "[groups.web]", 0, context.clone());
    assert_eq!(said["result"], none, "between two names is none");
    let said = client.about("references", &typed, "\"web\"", 0, context);
    let places = said["result"].as_array().unwrap();
    assert!(
        places
            .iter()
            .any(|place| place["uri"] == client.at("services.d/prices.toml"))
            && places.len() >= 3,
        "{places:?}"
    );

    // What is rendered of an alert, and of the table that the cursor is in.
    for (word, nth, file, line) in [
        (
            "NoOrders",
            0,
            "generated/monitoring/alert_rules.yml",
            "alert: \"NoOrders\"",
        ),
        (
            "port",
            0,
            "generated/monitoring/working_prometheus.yml",
            "\"checkout\"",
        ),
        (
            "orders_total]",
            0,
            "generated/monitoring/alert_rules.yml",
            "shop_orders_total",
        ),
    ] {
        let said = client.about("implementation", &typed, word, nth, none.clone());
        let text = fs::read_to_string(root.join(file)).unwrap();
        let uri = client.at(file);
        let places = said["result"]
            .as_array()
            .unwrap_or_else(|| panic!("{said}"));
        let mut lines = places
            .iter()
            .filter(|place| place["uri"] == uri.as_str())
            .map(|place| {
                let name = marked(&text, &place["range"]);
                assert!(
                    ["NoOrders", "checkout", "shop_orders_total"].contains(&name),
                    "{name}"
                );
                text.lines()
                    .nth(place["range"]["start"]["line"].as_u64().unwrap() as usize)
                    .unwrap()
            });
        assert!(lines.any(|said| said.contains(line)), "{word}: {places:?}");
    }

    // What is offered while something is typed that is no TOML yet.
    let labels = |said: &Value| -> Vec<String> {
        let all = said["result"].as_array().unwrap();
        all.iter()
            .map(|one| one["label"].as_str().unwrap().to_string())
            .collect()
    };
    for (line, wanted, unwanted) in [
        ("[services.till]\ngroup = \"", "web", "checkout"),
        (
            "[metrics.till_total]\nservices = [\"checkout\", \"",
            "prices",
            "web",
        ),
        ("[alerts.Slow]\nkind = \"", "latency", "web"),
        (
            "[alerts.Slow]\nseverity = \"warning\"\n",
            "kind",
            "severity",
        ),
        ("[services.till]\npo", "port", "title"),
    ] {
        let half = format!("{typed}{line}");
        client.write("services.toml", &half);
        let params = json!({
            "textDocument": {"uri": client.at("services.toml")}, "position": position(&half, half.len()),
        });
        let said = client.ask("textDocument/completion", params);
        let offered = labels(&said);
        assert!(
            offered.iter().any(|one| one == wanted) && offered.iter().all(|one| one != unwanted),
            "{line}: {offered:?}"
        );
    }
    client.write("services.toml", &typed);
    let params = json!({"textDocument": {"uri": client.at("services.toml")}});
    let said = client.ask("textDocument/documentSymbol", params);
    let tables = said["result"].as_array().unwrap();
    let services = tables
        .iter()
        .find(|table| table["name"] == "services")
        .unwrap();
    assert_eq!(services["children"][0]["name"], "checkout");
    assert_eq!(
        marked(&typed, &services["children"][0]["range"]),
        "checkout"
    );

    // A new name: the same texts as the verb writes.
    let said = client.about("prepareRename", &typed, "port", 0, none.clone());
    assert_eq!(said["result"], none);
    let said = client.about("prepareRename", &typed, "\"checkout\"", 0, none.clone());
    assert_eq!(marked(&typed, &said["result"]["range"]), "checkout");
    assert_eq!(said["result"]["placeholder"], "checkout");
    for (word, nth, new) in [
        ("checkout", 0, "prices"),
        ("checkout", 0, "Till!"),
        ("port", 0, "door"),
        ("orders_total]", 0, "orders"),
    ] {
        let said = client.about("rename", &typed, word, nth, json!({"newName": new}));
        assert_eq!(said["error"]["code"], -32803, "{new}: {said}");
        assert!(
            said["error"]["message"]
                .as_str()
                .is_some_and(|text| !text.is_empty()),
            "{new}: {said}"
        );
    }
    fs::write(root.join("services.toml"), &typed).unwrap();
    for (word, nth, what, old, new) in [
        ("checkout", 1, "service", "checkout", "till"),
        ("\"web\"", 0, "group", "web", "front"),
        ("Down", 0, "alert", "Down", "Gone"),
        (
            "shop_orders_total",
            0,
            "metric",
            "orders_total",
            "sales_total",
        ),
        ("web-team", 0, "owner", "web-team", "till-team"),
        ("\"slack\"", 0, "receiver", "slack", "shop-channel"),
    ] {
        let said = client.about("rename", &typed, word, nth, json!({"newName": new}));
        let edits = said["result"]["changes"]
            .as_object()
            .unwrap_or_else(|| panic!("{said}"));
        let copy = shop::folder("lsp renamed");
        fs::create_dir(copy.join("services.d")).unwrap();
        let files = [
            "services.toml",
            "services.d/prices.toml",
            "services.staging.toml",
        ];
        for file in files {
            fs::copy(root.join(file), copy.join(file)).unwrap();
        }
        let renamed = shop::monstack(&copy, &["rename", what, old, new]);
        assert_eq!(renamed.code, 0, "{}{}", renamed.stdout, renamed.stderr);
        for file in files {
            let text = fs::read_to_string(root.join(file)).unwrap();
            let none = Vec::new();
            let edits = edits
                .get(&client.at(file))
                .map_or(&none, |all| all.as_array().unwrap());
            assert_eq!(
                applied(&text, edits),
                fs::read_to_string(copy.join(file)).unwrap(),
                "{what} in {file}"
            );
        }
        fs::remove_dir_all(copy).unwrap();
    }
    client.end();
}

/// A text with changes in it, which do not overlap.
fn applied(text: &str, edits: &[Value]) -> String {
    let mut places: Vec<(usize, usize, &str)> = edits
        .iter()
        .map(|edit| {
            let old = marked(text, &edit["range"]);
            let start = old.as_ptr() as usize - text.as_ptr() as usize;
            (start, start + old.len(), edit["newText"].as_str().unwrap())
        })
        .collect();
    places.sort_unstable();
    let mut changed = text.to_string();
    for (start, end, new) in places.into_iter().rev() {
        changed.replace_range(start..end, new);
    }
    changed
}

#[test]
fn whatever_comes_is_answered() {
    let root = root("hostile");
    let mut client = Client::silent(&root);
    let early = client.ask("textDocument/hover", json!({}));
    assert_eq!(early["error"]["code"], -32002);
    client.open("services.toml", "[");
    client.ask(
        "initialize",
        json!({"processId": null, "rootUri": null, "capabilities": {}}),
    );
    client.note("initialized", json!({}));
    let again = client.ask("initialize", json!({"capabilities": {}}));
    assert_eq!(again["error"]["code"], -32600);

    for (method, params, code) in [
        ("textDocument/nothing", json!({}), -32601),
        ("textDocument/hover", json!({"position": 5}), -32602),
        ("textDocument/rename", json!([]), -32602),
        ("textDocument/completion", Value::Null, -32602),
    ] {
        assert_eq!(
            client.ask(method, params)["error"]["code"],
            code,
            "{method}"
        );
    }
    for (text, code) in [
        ("{\"jsonrpc\":", -32700),
        ("\u{0}", -32700),
        ("[]", -32600),
        ("{\"jsonrpc\":\"2.0\",\"id\":[],\"method\":\"x\"}", -32600),
        ("{\"id\":1,\"method\":\"shutdown\"}", -32600),
    ] {
        client.raw(format!("content-length: {}\r\nX: y\r\n\r\n{text}", text.len()).as_bytes());
        let said = client.hear(|message| message["id"].is_null() && message.get("error").is_some());
        assert_eq!(said["error"]["code"], code, "{text}");
    }
    client.send(&json!({"jsonrpc": "2.0", "id": 77, "result": null}));
    client.note("$/cancelRequest", json!({"id": 1}));
    client.note("textDocument/didOpen", json!({"textDocument": 1}));
    let logged = client.hear(|message| message["method"] == "window/logMessage");
    assert!(
        logged["params"]["message"]
            .as_str()
            .unwrap()
            .contains("not understood")
    );

    // Files that are of no catalog, or are none.
    for uri in [
        "untitled:1",
        "file:///etc/passwd",
        "file:///a/../b",
        "http://x",
        "",
    ] {
        let document = json!({"uri": uri, "languageId": "toml", "version": 0, "text": "["});
        client.note("textDocument/didOpen", json!({"textDocument": document}));
        client.note(
            "textDocument/didClose",
            json!({"textDocument": {"uri": uri}}),
        );
        let params = json!({"textDocument": {"uri": uri}, "position": {"line": 0, "character": 0}});
        assert_eq!(
            client.ask("textDocument/hover", params)["result"],
            Value::Null,
            "{uri}"
        );
    }

    // What is larger than any catalog is said to be.
    let huge = "#".repeat((32 << 20) + 1);
    client.open("services.toml", &huge);
    let found = client.findings("services.toml");
    assert_eq!(found[0]["code"], "unreadable-catalog");
    let beyond = json!({"line": u32::MAX, "character": u32::MAX});
    client.write("services.toml", CATALOG);
    assert_eq!(client.findings("services.toml"), [] as [Value; 0]);
    for method in [
        "hover",
        "definition",
        "implementation",
        "prepareRename",
        "completion",
    ] {
        let params =
            json!({"textDocument": {"uri": client.at("services.toml")}, "position": beyond});
        let said = client.ask(&format!("textDocument/{method}"), params);
        assert!(said.get("error").is_none(), "{said}");
    }

    // An end without `shutdown` is none that was meant.
    client.note("exit", Value::Null);
    assert_eq!(client.ended(), (Some(1), String::new()));
}

#[test]
fn a_root_that_is_given_is_the_only_one() {
    let (root, other) = (root("given"), root("other"));
    let given = root.to_str().unwrap();
    let mut client = Client::with(&root, &["--root", given, "lsp"]);
    let asked = json!({"processId": null, "rootUri": uri(&other), "capabilities": {}});
    client.ask("initialize", asked);
    let outside = uri(&other.join("services.toml"));
    let document = json!({"uri": outside, "languageId": "toml", "version": 0, "text": "["});
    client.note("textDocument/didOpen", json!({"textDocument": document}));
    client.open("services.toml", "[");
    assert_eq!(client.findings("services.toml")[0]["code"], "syntax");
    let said = |message: &Value| message["params"]["uri"] == outside.as_str();
    assert!(!client.published.iter().any(said));
    let params = json!({"textDocument": {"uri": outside}});
    let symbols = client.ask("textDocument/documentSymbol", params);
    assert_eq!(symbols["result"], Value::Null);
    client.end();
    fs::remove_dir_all(other).unwrap();
}

#[test]
fn it_ends_with_the_editor() {
    let root = root("end");
    let mut client = Client::silent(&root);
    client.to = None;
    assert_eq!(client.ended(), (Some(1), String::new()));
    let mut client = Client::with(&root, &["--format", "json", "lsp"]);
    assert_eq!(client.ended().0, Some(2));
    client = Client::silent(&root);
    client.raw(b"GET / HTTP/1.1\r\n\r\n");
    let (code, said) = client.ended();
    assert!(
        code == Some(2) && said.contains("does not say how long"),
        "{said}"
    );
}
