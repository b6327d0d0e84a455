//! A headless Chromium of its own for each test, driven through DevTools over pipes: it needs no port.

use monstack::value::{Value, json};
use std::fs::{File, OpenOptions};
use std::io::{BufRead, BufReader, ErrorKind, Write};
use std::path::Path;
use std::process::{Child, Command, Stdio};

const FLAGS: [&str; 9] = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
    "--hide-scrollbars",
    "--remote-debugging-pipe",
];

/// One page in one browser, with everything that it said and asked for.
pub struct Browser {
    process: Child,
    to: File,
    from: BufReader<File>,
    session: String,
    sent: u64,
    /// Addresses that were requested.
    pub requests: Vec<String>,
    /// Errors and warnings of the console.
    pub console: Vec<String>,
}

impl Browser {
    /// Opens a page in a window of this size.
    pub fn open(page: &Path, width: u32, height: u32, folder: &Path) -> Browser {
        let (to, from) = (folder.join("to"), folder.join("from"));
        for pipe in [&to, &from] {
            let made = Command::new("mkfifo")
                .arg(pipe)
                .status()
                .expect("mkfifo is missing: install the Debian package coreutils");
            assert!(made.success(), "cannot make {}", pipe.display());
        }
        let process = start(folder);
        let open = |path: &Path| {
            OpenOptions::new()
                .read(true)
                .write(true)
                .open(path)
                .expect("a pipe")
        };
        let mut browser = Browser {
            process,
            to: open(&to),
            from: BufReader::new(open(&from)),
            session: String::new(),
            sent: 0,
            requests: Vec::new(),
            console: Vec::new(),
        };
        let target = browser.call("Target.createTarget", json!({"url": "about:blank"}));
        let attached = browser.call(
            "Target.attachToTarget",
            json!({"targetId": target["targetId"], "flatten": true}),
        );
        browser.session = attached["sessionId"]
            .as_str()
            .expect("a session")
            .to_string();
        for domain in ["Page", "Network", "Log", "Runtime", "Audits"] {
            browser.call(&format!("{domain}.enable"), json!({}));
        }
        browser.call(
            "Emulation.setDeviceMetricsOverride",
            json!({"width": width, "height": height, "deviceScaleFactor": 1, "mobile": false}),
        );
        browser.call(
            "Page.navigate",
            json!({"url": format!("file://{}", page.display())}),
        );
        browser.until(|message| message["method"] == "Page.loadEventFired");
        browser
    }

    /// What a piece of JavaScript gives, run from outside: the page itself may run none.
    pub fn evaluate(&mut self, script: &str) -> Value {
        let result = self.call(
            "Runtime.evaluate",
            json!({"expression": script, "returnByValue": true}),
        );
        assert!(result["exceptionDetails"].is_null(), "{result:#}");
        result["result"]["value"].clone()
    }

    /// Any other command.
    pub fn call(&mut self, method: &str, parameters: Value) -> Value {
        self.sent += 1;
        let id = self.sent;
        let mut message = json!({"id": id, "method": method, "params": parameters});
        if !self.session.is_empty() {
            message["sessionId"] = self.session.clone().into();
        }
        self.to
            .write_all(format!("{message}\0").as_bytes())
            .expect("the browser listens");
        let answer = self.until(|message| message["id"] == id);
        assert!(answer["error"].is_null(), "{method}: {}", answer["error"]);
        answer["result"].clone()
    }

    fn until(&mut self, wanted: impl Fn(&Value) -> bool) -> Value {
        loop {
            let mut bytes = Vec::new();
            self.from
                .read_until(0, &mut bytes)
                .expect("the browser answers");
            let message: Value =
                serde_json::from_slice(bytes.strip_suffix(b"\0").unwrap_or(&bytes)).expect("JSON");
            let told = &message["params"];
            match message["method"].as_str() {
                Some("Network.requestWillBeSent") => self.requests.push(
                    told["request"]["url"]
                        .as_str()
                        .unwrap_or_default()
                        .to_string(),
                ),
                Some(
                    "Log.entryAdded"
                    | "Runtime.exceptionThrown"
                    | "Runtime.consoleAPICalled"
                    | "Audits.issueAdded",
                ) => self.console.push(told.to_string()),
                _ => {}
            }
            if wanted(&message) {
                return message;
            }
        }
    }
}

/// The shell only gives Chromium the two pipes as its files 3 and 4, then becomes Chromium.
fn start(folder: &Path) -> Child {
    if let Err(error) = Command::new("chromium")
        .arg("--version")
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()
    {
        assert_ne!(
            error.kind(),
            ErrorKind::NotFound,
            "chromium is missing: install the Debian package `chromium`"
        );
    }
    let profile = format!("--user-data-dir={}", folder.join("profile").display());
    Command::new("sh")
        .args([
            "-c",
            r#"to="$1"; from="$2"; shift 2; exec timeout 120 chromium "$@" 3<>"$to" 4<>"$from""#,
            "sh",
        ])
        .args([folder.join("to"), folder.join("from")])
        .args(FLAGS)
        .arg(profile)
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .expect("sh")
}

impl Drop for Browser {
    fn drop(&mut self) {
        self.session.clear();
        let _ = self
            .to
            .write_all(b"{\"id\":0,\"method\":\"Browser.close\"}\0");
        let _ = self.process.wait();
    }
}
