//! The answer to each request.

use super::cursor::{Cursor, Name, View};
use super::named::{self, Places};
use super::{Session, complete, hover, outline, text, uri, wire};
use crate::pipeline::{CATALOG, PARTS, environment_of};
use gen_lsp_types::json_rpc::{Error, Id, ResponseObject};
use gen_lsp_types::{
    CompletionOptions, CompletionParams, CompletionRequest, CompletionResponse, Contents,
    Definition, DefinitionParams, DefinitionProvider, DefinitionRequest, DefinitionResponse,
    DocumentSymbolParams, DocumentSymbolProvider, DocumentSymbolRequest, DocumentSymbolResponse,
    ErrorCodes, Hover, HoverParams, HoverProvider, HoverRequest, ImplementationParams,
    ImplementationProvider, ImplementationRequest, ImplementationResponse, InitializeRequest,
    InitializeResult, Location, MarkupContent, MarkupKind, PrepareRenameParams,
    PrepareRenamePlaceholder, PrepareRenameRequest, PrepareRenameResult, ReferenceParams,
    ReferencesProvider, ReferencesRequest, RenameOptions, RenameParams, RenameProvider,
    RenameRequest, Save, ServerCapabilities, ServerInfo, ShutdownRequest,
    TextDocumentPositionParams, TextDocumentSync, TextDocumentSyncKind, TextDocumentSyncOptions,
    Uri, WorkspaceEdit,
};
use serde::de::DeserializeOwned;
use serde_json::Value;
use std::path::PathBuf;

/// A request that was understood and cannot be fulfilled.
const REQUEST_FAILED: ErrorCodes = ErrorCodes::Custom(-32803);

/// What a request is answered with.
pub(super) fn answer(
    session: &Session,
    method: &str,
    id: &Id,
    params: Value,
) -> Result<ResponseObject, Error> {
    let id = id.clone();
    match method {
        "initialize" => Ok(ResponseObject::from_success::<InitializeRequest>(
            id,
            promises(),
        )),
        "shutdown" => Ok(ResponseObject::from_success::<ShutdownRequest>(id, ())),
        "textDocument/hover" => {
            let asked = read::<HoverParams>(params)?.text_document_position_params;
            let found = at(session, &asked).and_then(|(view, cursor)| {
                let (value, bytes) = hover::hover(&view, &cursor)?;
                let kind = MarkupKind::Markdown;
                Some(Hover {
                    contents: Contents::MarkupContent(MarkupContent { kind, value }),
                    range: Some(text::between(&view.text, bytes)),
                })
            });
            Ok(ResponseObject::from_success::<HoverRequest>(id, found))
        }
        "textDocument/definition" => {
            let asked = read::<DefinitionParams>(params)?.text_document_position_params;
            let found = name(session, &asked).map(|(view, _, name)| {
                let places = locations(session, &view, named::definition(&view, &name));
                DefinitionResponse::Definition(Definition::LocationList(places))
            });
            Ok(ResponseObject::from_success::<DefinitionRequest>(id, found))
        }
        "textDocument/implementation" => {
            let asked = read::<ImplementationParams>(params)?.text_document_position_params;
            let found = at(session, &asked).and_then(|(view, cursor)| {
                let known = session.roots.get(&view.cli.root)?;
                let (output, files) = known.rendered.as_ref()?;
                let places = named::rendered(&view, &cursor, output, files)?;
                let places = locations(session, &view, places);
                Some(ImplementationResponse::Definition(
                    Definition::LocationList(places),
                ))
            });
            Ok(ResponseObject::from_success::<ImplementationRequest>(
                id, found,
            ))
        }
        "textDocument/references" => {
            let asked = read::<ReferenceParams>(params)?.text_document_position_params;
            let found = name(session, &asked)
                .map(|(view, _, name)| locations(session, &view, named::references(&view, &name)));
            Ok(ResponseObject::from_success::<ReferencesRequest>(id, found))
        }
        "textDocument/prepareRename" => {
            let asked = read::<PrepareRenameParams>(params)?.text_document_position_params;
            let found = name(session, &asked).map(|(view, _, name)| {
                PrepareRenameResult::PrepareRenamePlaceholder(PrepareRenamePlaceholder {
                    range: text::between(&view.text, name.bytes),
                    placeholder: name.name,
                })
            });
            Ok(ResponseObject::from_success::<PrepareRenameRequest>(
                id, found,
            ))
        }
        "textDocument/rename" => {
            let asked = read::<RenameParams>(params)?;
            let edit = rename(session, &asked).map_err(|why| wire::error(REQUEST_FAILED, why))?;
            Ok(ResponseObject::from_success::<RenameRequest>(
                id,
                Some(edit),
            ))
        }
        "textDocument/completion" => {
            let asked = read::<CompletionParams>(params)?.text_document_position_params;
            let found = view(session, &asked.text_document.uri).map(|view| {
                CompletionResponse::CompletionItemList(complete::offers(&view, asked.position))
            });
            Ok(ResponseObject::from_success::<CompletionRequest>(id, found))
        }
        "textDocument/documentSymbol" => {
            let asked = read::<DocumentSymbolParams>(params)?;
            let found = view(session, &asked.text_document.uri)
                .map(|view| DocumentSymbolResponse::DocumentSymbolList(outline::tables(&view)));
            Ok(ResponseObject::from_success::<DocumentSymbolRequest>(
                id, found,
            ))
        }
        _ => {
            let message = format!("monstack does not know `{method}`");
            Err(wire::error(ErrorCodes::MethodNotFound, message))
        }
    }
}

/// What the server can do.
fn promises() -> InitializeResult {
    InitializeResult {
        capabilities: ServerCapabilities {
            text_document_sync: Some(TextDocumentSync::Options(TextDocumentSyncOptions {
                open_close: Some(true),
                change: Some(TextDocumentSyncKind::Full),
                save: Some(Save::Bool(true)),
                ..TextDocumentSyncOptions::default()
            })),
            hover_provider: Some(HoverProvider::Bool(true)),
            definition_provider: Some(DefinitionProvider::Bool(true)),
            implementation_provider: Some(ImplementationProvider::Bool(true)),
            references_provider: Some(ReferencesProvider::Bool(true)),
            document_symbol_provider: Some(DocumentSymbolProvider::Bool(true)),
            rename_provider: Some(RenameProvider::RenameOptions(RenameOptions {
                prepare_provider: Some(true),
                ..RenameOptions::default()
            })),
            completion_provider: Some(CompletionOptions {
                trigger_characters: Some(vec!["\"".to_string(), "[".to_string()]),
                ..CompletionOptions::default()
            }),
            ..ServerCapabilities::default()
        },
        server_info: Some(ServerInfo {
            name: "monstack".to_string(),
            version: Some(env!("CARGO_PKG_VERSION").to_string()),
        }),
    }
}

fn read<P: DeserializeOwned>(params: Value) -> Result<P, Error> {
    serde_json::from_value(params)
        .map_err(|error| wire::error(ErrorCodes::InvalidParams, error.to_string()))
}

/// A file of a catalog; None: it is none, or in no root.
fn view(session: &Session, uri: &Uri) -> Option<View> {
    let path = uri::path(uri)?;
    let root = session.root(&path)?;
    let under = path.strip_prefix(&root).ok()?.to_str()?;
    let part = under
        .strip_prefix(PARTS)
        .and_then(|name| name.strip_prefix('/'));
    let own = under == CATALOG
        || environment_of(under).is_some()
        || part.is_some_and(|name| name.ends_with(".toml") && !name.contains('/'));
    own.then(|| View::of(session.within(&root), &path))
        .flatten()
}

fn at(session: &Session, asked: &TextDocumentPositionParams) -> Option<(View, Cursor)> {
    let view = view(session, &asked.text_document.uri)?;
    let cursor = view.at(asked.position)?;
    Some((view, cursor))
}

fn name(session: &Session, asked: &TextDocumentPositionParams) -> Option<(View, Cursor, Name)> {
    let (view, cursor) = at(session, asked)?;
    let name = view.name(&cursor)?;
    Some((view, cursor, name))
}

fn locations(session: &Session, view: &View, places: Places) -> Vec<Location> {
    let all = places.into_iter().map(|(file, range)| Location {
        uri: session.uri(&view.cli.root.join(file)),
        range,
    });
    all.collect()
}

fn rename(session: &Session, asked: &RenameParams) -> Result<WorkspaceEdit, String> {
    let (view, _, name) = name(session, &asked.text_document_position_params).ok_or(
        "here is no name of a service, a metric, an alert, a group, an owner or a receiver",
    )?;
    let changes = named::rename(&view, &name, &asked.new_name)?;
    let changes = changes.into_iter().map(|(file, edits)| {
        let path: PathBuf = view.cli.root.join(file);
        (session.uri(&path), edits)
    });
    Ok(WorkspaceEdit {
        changes: Some(changes.collect()),
        ..WorkspaceEdit::default()
    })
}
