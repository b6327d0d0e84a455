//! `lsp` serves an editor over stdin and stdout: what `render` finds while the catalog is typed, and what `explain` and `rename` know.
//! A check runs beside the conversation, on the texts as they are in the editor; one of older texts is not shown.

mod answers;
mod complete;
mod cursor;
mod findings;
mod hover;
mod named;
mod outline;
mod text;
mod uri;
mod wire;

use super::watch::WHOLE;
use super::{Cli, Report, report};
use crate::diagnostic::Format;
use crate::pipeline::{CATALOG, PARTS, environment_of};
use anyhow::{Context, Result, ensure};
use findings::Checked;
use gen_lsp_types::json_rpc::{Error, Id, RequestObject};
use gen_lsp_types::{
    Diagnostic, DidChangeTextDocumentParams, DidCloseTextDocumentParams, DidOpenTextDocumentParams,
    ErrorCodes, LogMessageNotification, LogMessageParams, MessageType,
    PublishDiagnosticsNotification, PublishDiagnosticsParams, Registration, RegistrationParams,
    RegistrationRequest, TextDocumentContentChangeEvent, Uri,
};
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};
use std::io::{self, IsTerminal};
use std::ops::ControlFlow;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::sync::mpsc::{self, RecvTimeoutError, Sender};
use std::time::{Duration, Instant};

/// Whoever types pauses for longer than this before a check begins.
const QUIET: Duration = Duration::from_millis(100);

/// Where `initialize` says whether the editor tells of files that change on disk.
const WATCHES: &str = "/capabilities/workspace/didChangeWatchedFiles/dynamicRegistration";

/// How it tells of them.
const WATCHED: &str = "workspace/didChangeWatchedFiles";

/// Bytes of a check's stack: as many as the program itself has.
const STACK: usize = 8 << 20;

/// What the session hears of.
enum Event {
    Message(Result<RequestObject, Error>),
    /// The editor is gone; with an error, because it cannot be understood any more.
    Closed(Option<io::Error>),
    /// A check of a root has ended.
    Checked(PathBuf, Result<Checked>),
}

/// Serves until the editor says `exit`: 0 after `shutdown`, else 1.
pub(crate) fn run(cli: &Cli) -> Result<Report> {
    ensure!(
        cli.format == Format::Text,
        "`lsp` speaks the language server protocol: run it without --format"
    );
    if io::stdin().is_terminal() {
        report::say("an editor starts this, and talks to it: monstack docs how-to/editor");
    }
    let (tell, events) = mpsc::channel();
    let mut session = Session::of(cli, tell.clone())?;
    std::thread::spawn(move || listen(&tell));
    loop {
        let event = match session.due() {
            None => events.recv().map_err(|_| RecvTimeoutError::Disconnected),
            Some(due) => events.recv_timeout(due.saturating_duration_since(Instant::now())),
        };
        match event {
            Ok(Event::Message(message)) => {
                if session.hear(message)?.is_break() {
                    break;
                }
            }
            Ok(Event::Checked(root, checked)) => session.show(&root, checked)?,
            Ok(Event::Closed(Some(error))) => {
                return Err(error).context("the editor cannot be understood");
            }
            Ok(Event::Closed(None)) | Err(RecvTimeoutError::Disconnected) => break,
            Err(RecvTimeoutError::Timeout) => session.begin(),
        }
    }
    let report = Report::text("").reading();
    Ok(match session.stage {
        Stage::Shut => report,
        Stage::New | Stage::Open => report.found(),
    })
}

/// Reads what the editor says until it is gone.
fn listen(tell: &Sender<Event>) {
    let mut stdin = io::stdin().lock();
    loop {
        let event = match wire::next(&mut stdin) {
            Ok(Some(message)) => Event::Message(message),
            Ok(None) => Event::Closed(None),
            Err(error) => Event::Closed(Some(error)),
        };
        let last = matches!(event, Event::Closed(_));
        if tell.send(event).is_err() || last {
            return;
        }
    }
}

/// How far the conversation is.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Stage {
    /// Before `initialize`.
    New,
    Open,
    /// After `shutdown`.
    Shut,
}

struct Session {
    /// With what the editor has of the files.
    cli: Cli,
    /// The one root that is looked at; None: that of each file.
    only: Option<PathBuf>,
    stage: Stage,
    /// Whether the editor says on request that files change on disk.
    watches: bool,
    /// How the editor names and numbers its texts.
    open: BTreeMap<PathBuf, (Uri, i32)>,
    roots: BTreeMap<PathBuf, Known>,
    tell: Sender<Event>,
}

/// A root of which a file is open.
#[derive(Default)]
struct Known {
    /// When the next check begins.
    due: Option<Instant>,
    checking: bool,
    /// The files with findings that the editor shows.
    shown: BTreeSet<PathBuf>,
    /// The output folder and the files that were rendered last.
    rendered: Option<(String, Vec<String>)>,
}

impl Session {
    fn of(cli: &Cli, tell: Sender<Event>) -> Result<Session> {
        let given = cli.root.as_os_str() != ".";
        let only = given.then(|| std::path::absolute(&cli.root)).transpose()?;
        Ok(Session {
            cli: cli.clone(),
            only,
            stage: Stage::New,
            watches: false,
            open: BTreeMap::new(),
            roots: BTreeMap::new(),
            tell,
        })
    }

    /// When the next check begins.
    fn due(&self) -> Option<Instant> {
        let waiting = self.roots.values().filter(|known| !known.checking);
        waiting.filter_map(|known| known.due).min()
    }

    /// The command line in a root, with what the editor has of its files.
    fn within(&self, root: &Path) -> Cli {
        Cli {
            root: root.to_path_buf(),
            ..self.cli.clone()
        }
    }

    /// The root that a file is of: its own place says so, or the nearest catalog around it.
    fn root(&self, path: &Path) -> Option<PathBuf> {
        if let Some(only) = &self.only {
            return path.starts_with(only).then(|| only.clone());
        }
        let folder = path.parent()?;
        let name = path.file_name()?.to_str()?;
        let is_root = |folder: &Path| self.cli.unsaved.is_file(&folder.join(CATALOG));
        if name == CATALOG || environment_of(name).is_some() && is_root(folder) {
            return Some(folder.to_path_buf());
        }
        if folder.file_name().is_some_and(|name| name == PARTS) {
            return folder.parent().map(Path::to_path_buf);
        }
        let root = folder.ancestors().find(|folder| is_root(folder))?;
        // Beside a catalog there are other TOML files, which no run reads.
        let below = path.strip_prefix(root).ok()?;
        let read = WHOLE.iter().any(|own| below.starts_with(own));
        (read || !name.ends_with(".toml")).then(|| root.to_path_buf())
    }

    /// How the editor names a file.
    fn uri(&self, path: &Path) -> Uri {
        let own = self.open.get(path).map(|(uri, _)| uri.clone());
        own.unwrap_or_else(|| uri::of(path))
    }

    /// Whether the conversation goes on behind a message.
    fn hear(&mut self, message: Result<RequestObject, Error>) -> Result<ControlFlow<()>> {
        let (method, id, params) = match message {
            Ok(message) => message.into_parts(),
            Err(error) => {
                wire::refuse(Id::Null, error)?;
                return Ok(ControlFlow::Continue(()));
            }
        };
        let params = params.unwrap_or_default();
        match id {
            None if method == "exit" => return Ok(ControlFlow::Break(())),
            None => self.note(&method, params)?,
            // An answer to what was never asked.
            Some(_) if method.is_empty() => {}
            Some(id) => self.answer(&method, id, params)?,
        }
        Ok(ControlFlow::Continue(()))
    }

    fn answer(&mut self, method: &str, id: Id, params: Value) -> Result<()> {
        let refused = match (self.stage, method) {
            (Stage::New, "initialize") => {
                self.stage = Stage::Open;
                let said = params.pointer(WATCHES);
                self.watches = said.is_some_and(|said| said == true);
                None
            }
            (Stage::Open, "shutdown") => {
                self.stage = Stage::Shut;
                None
            }
            (Stage::New, _) => Some((ErrorCodes::ServerNotInitialized, "`initialize` comes first")),
            (Stage::Open, "initialize") => {
                Some((ErrorCodes::InvalidRequest, "`initialize` was said already"))
            }
            (Stage::Open, _) => None,
            (Stage::Shut, _) => Some((ErrorCodes::InvalidRequest, "`shutdown` was said already")),
        };
        if let Some((code, message)) = refused {
            return Ok(wire::refuse(id, wire::error(code, message))?);
        }
        // What goes wrong in one answer is the end of that answer.
        let sent = catch_unwind(AssertUnwindSafe(|| {
            answers::answer(self, method, &id, params)
        }));
        let answer = sent.unwrap_or_else(|_| {
            let message = "monstack itself is at fault; what it says is on stderr";
            Err(wire::error(ErrorCodes::InternalError, message))
        });
        match answer {
            Ok(answer) => wire::send(&answer)?,
            Err(error) => wire::refuse(id, error)?,
        }
        Ok(())
    }

    /// A notification; one that is not understood has no answer.
    fn note(&mut self, method: &str, params: Value) -> Result<()> {
        if self.stage != Stage::Open {
            return Ok(());
        }
        match method {
            "initialized" if self.watches => self.watch()?,
            "textDocument/didOpen" => {
                let opened = self.read::<DidOpenTextDocumentParams>(params)?;
                if let Some(opened) = opened {
                    let document = opened.text_document;
                    self.change(document.uri, document.version, document.text);
                }
            }
            "textDocument/didChange" => {
                let changed = self.read::<DidChangeTextDocumentParams>(params)?;
                if let Some(mut changed) = changed
                    && let Some(
                        TextDocumentContentChangeEvent::TextDocumentContentChangeWholeDocument(
                            whole,
                        ),
                    ) = changed.content_changes.pop()
                {
                    let document = changed.text_document;
                    let uri = document.text_document_identifier.uri;
                    self.change(uri, document.version, whole.text);
                }
            }
            "textDocument/didClose" => {
                let closed = self.read::<DidCloseTextDocumentParams>(params)?;
                if let Some(path) = closed.and_then(|closed| uri::path(&closed.text_document.uri)) {
                    self.close(&path)?;
                }
            }
            // What is on disk is otherwise, such as a template or a file that is not open.
            "textDocument/didSave" | WATCHED => {
                self.roots.values_mut().for_each(Known::await_quiet);
            }
            _ => {}
        }
        Ok(())
    }

    fn read<P: DeserializeOwned>(&self, params: Value) -> Result<Option<P>> {
        match serde_json::from_value(params) {
            Ok(params) => Ok(Some(params)),
            Err(error) => {
                self.log(&format!("the editor's message is not understood: {error}"))?;
                Ok(None)
            }
        }
    }

    /// Asks to be told when files change on disk: by another verb, or by a checkout.
    fn watch(&self) -> Result<()> {
        let files = [
            "services*.toml",
            "services.d/*.toml",
            "templates/**",
            "profiles/*.toml",
        ];
        let watchers = files.map(|file| json!({"globPattern": format!("**/{file}")}));
        let registration = Registration {
            id: "files".to_string(),
            method: WATCHED.to_string(),
            register_options: Some(json!({"watchers": watchers})),
        };
        let registrations = vec![registration];
        Ok(wire::ask::<RegistrationRequest>(RegistrationParams {
            registrations,
        })?)
    }

    fn log(&self, message: &str) -> Result<()> {
        let message = message.to_string();
        let kind = MessageType::Error;
        Ok(wire::notify::<LogMessageNotification>(LogMessageParams {
            kind,
            message,
        })?)
    }

    /// A file as the editor shows it from now on.
    fn change(&mut self, uri: Uri, version: i32, text: String) {
        let Some(path) = uri::path(&uri) else {
            return;
        };
        self.cli.unsaved.open(path.clone(), text);
        if let Some(root) = self.root(&path) {
            self.roots.entry(root).or_default().await_quiet();
        }
        self.open.insert(path, (uri, version));
    }

    /// A file is again what the disk says; of a root without open files nothing is shown any more.
    fn close(&mut self, path: &Path) -> Result<()> {
        self.open.remove(path);
        let root = self.root(path);
        self.cli.unsaved.close(path);
        let Some(root) = root else {
            return Ok(());
        };
        if self
            .open
            .keys()
            .any(|path| self.root(path).as_ref() == Some(&root))
        {
            self.roots.entry(root).or_default().await_quiet();
            return Ok(());
        }
        let shown = self.roots.remove(&root).unwrap_or_default().shown;
        shown
            .iter()
            .try_for_each(|path| self.publish(path, Vec::new()))
    }

    /// Begins the checks that are due.
    fn begin(&mut self) {
        let now = Instant::now();
        let due = self
            .roots
            .iter()
            .filter(|(_, known)| !known.checking && known.due.is_some_and(|due| due <= now));
        let due: Vec<PathBuf> = due.map(|(root, _)| root.clone()).collect();
        for root in due {
            let cli = self.within(&root);
            let open = self.open.keys().filter(|path| path.parent() == Some(&root));
            let environments = open
                .filter_map(|path| environment_of(path.file_name()?.to_str()?))
                .filter(|name| Some(*name) != cli.environment.as_deref())
                .map(str::to_string)
                .collect::<Vec<_>>();
            let tell = self.tell.clone();
            let of = root.clone();
            let check = move || {
                let checked = catch_unwind(|| findings::check(&cli, &environments));
                let checked = checked.unwrap_or_else(|_| {
                    Err(anyhow::anyhow!(
                        "monstack itself is at fault; what it says is on stderr"
                    ))
                });
                // Nobody listens any more when the session has ended.
                let _ = tell.send(Event::Checked(of, checked));
            };
            let known = self.roots.entry(root).or_default();
            let thread = std::thread::Builder::new().stack_size(STACK);
            known.checking = thread.spawn(check).is_ok();
            known.due = None;
        }
    }

    /// What a check has found, unless the texts have changed since it began.
    fn show(&mut self, root: &Path, checked: Result<Checked>) -> Result<()> {
        let Some(known) = self.roots.get_mut(root) else {
            return Ok(());
        };
        known.checking = false;
        let checked = match checked {
            Ok(checked) => checked,
            Err(error) => return self.log(&format!("{error:#}")),
        };
        if checked.rendered.is_some() {
            known.rendered = checked.rendered;
        }
        if known.due.is_some() {
            return Ok(());
        }
        let now = checked.found.keys().cloned().collect();
        let before = std::mem::replace(&mut known.shown, now);
        // Of what is open it is also said that nothing is found there.
        let open = self
            .open
            .keys()
            .filter(|path| path.starts_with(root))
            .cloned();
        let mut all: BTreeMap<PathBuf, Vec<Diagnostic>> = before
            .into_iter()
            .chain(open)
            .map(|path| (path, Vec::new()))
            .collect();
        all.extend(checked.found);
        all.into_iter()
            .try_for_each(|(path, found)| self.publish(&path, found))
    }

    fn publish(&self, path: &Path, diagnostics: Vec<Diagnostic>) -> Result<()> {
        let params = PublishDiagnosticsParams {
            uri: self.uri(path),
            version: self.open.get(path).map(|(_, version)| *version),
            diagnostics,
        };
        Ok(wire::notify::<PublishDiagnosticsNotification>(params)?)
    }
}

impl Known {
    /// The texts have changed: they are checked when whoever types pauses.
    fn await_quiet(&mut self) {
        self.due = Some(Instant::now() + QUIET);
    }
}
