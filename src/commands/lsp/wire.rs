//! Messages of the language server protocol: JSON-RPC with a header that says how long each is.

use super::super::report;
use crate::source::read::LIMIT;
use gen_lsp_types::json_rpc::{Error, Id, RequestObject, ResponseObject};
use gen_lsp_types::{ErrorCodes, Notification, Request};
use serde::Serialize;
use std::io::{self, BufRead, Read};

/// Bytes of the longest message: the largest file that is read, with every byte of it escaped.
const LONGEST: u64 = LIMIT * 6;

/// Bytes of the longest line of a header.
const HEADER: u64 = 4096;

/// The next message, or why what came is none; None: the editor has closed its side. An error: nobody knows where the next one begins.
pub(super) fn next(from: &mut impl BufRead) -> io::Result<Option<Result<RequestObject, Error>>> {
    let mut length = None;
    loop {
        let mut line = String::new();
        if from.by_ref().take(HEADER).read_line(&mut line)? == 0 {
            return Ok(None);
        }
        let line = line.trim_end_matches(['\r', '\n']);
        if line.is_empty() {
            break;
        }
        if let Some((name, value)) = line.split_once(':')
            && name.eq_ignore_ascii_case("content-length")
        {
            length = value.trim().parse::<u64>().ok();
        }
    }
    let Some(length) = length else {
        return Err(io::Error::other("a message does not say how long it is"));
    };
    let mut body = from.by_ref().take(length);
    if length > LONGEST {
        io::copy(&mut body, &mut io::sink())?;
        let why = format!("the message is longer than {} MiB", LONGEST >> 20);
        return Ok(Some(Err(error(ErrorCodes::InvalidRequest, why))));
    }
    let mut text = Vec::new();
    if body.read_to_end(&mut text)? as u64 != length {
        return Ok(None);
    }
    Ok(Some(serde_json::from_slice(&text).map_err(|wrong| {
        let code = match wrong.is_data() {
            true => ErrorCodes::InvalidRequest,
            false => ErrorCodes::ParseError,
        };
        error(code, wrong.to_string())
    })))
}

/// An error as an answer.
pub(super) fn error(code: ErrorCodes, message: impl Into<String>) -> Error {
    Error {
        code,
        message: message.into(),
        data: None,
    }
}

/// Sends a notification.
pub(super) fn notify<N: Notification>(params: N::Params) -> io::Result<()> {
    send(&RequestObject::from_notification::<N>(params))
}

/// Asks the editor for something, whose answer says nothing that is needed.
pub(super) fn ask<R: Request>(params: R::Params) -> io::Result<()> {
    send(&RequestObject::from_request::<R>(Id::Number(0), params))
}

/// Sends the error with which a request ends.
pub(super) fn refuse(id: Id, error: Error) -> io::Result<()> {
    send(&ResponseObject::from_error(id, error))
}

/// Sends a message.
pub(super) fn send(message: &impl Serialize) -> io::Result<()> {
    report::message(&serde_json::to_string(message)?)
}
