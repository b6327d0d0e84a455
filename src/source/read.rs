//! A text file of the user, read without waiting and without end: what is not such a file is said, with its place.

use std::fs::{File, FileType};
use std::io::{self, ErrorKind, Read};
use std::os::unix::fs::{FileTypeExt, OpenOptionsExt};
use std::path::Path;

/// Bytes of the largest file that is read: a catalog of 50,000 services has 3 MB, and nobody writes a larger one by hand.
pub const LIMIT: u64 = 32 << 20;

/// Why a file is not text that can be read.
#[derive(Debug)]
pub enum Unreadable {
    /// Nothing is there.
    Missing,
    /// It cannot be read at all: the reason, and what to do.
    Refused(String, &'static str),
    /// It can, and is not UTF-8.
    NotText {
        /// What could be read, each wrong byte replaced by U+FFFD.
        text: String,
        /// Where in `text` the first of them stands.
        at: usize,
        reason: String,
        help: &'static str,
    },
}

/// What a folder holds, in the order of the names.
pub fn names(folder: &Path) -> io::Result<Vec<String>> {
    let mut names = Vec::new();
    for entry in std::fs::read_dir(folder)? {
        names.push(entry?.file_name().to_string_lossy().into_owned());
    }
    names.sort();
    Ok(names)
}

/// The text without its byte order mark; line ends stay as they are.
pub fn read(path: &Path) -> Result<String, Unreadable> {
    let (file, length) = open(path)?;
    // Room for all of it: a limited reader is otherwise asked for 32 bytes at a time.
    let mut bytes = Vec::with_capacity(length + 1);
    file.take(LIMIT + 1)
        .read_to_end(&mut bytes)
        .map_err(|error| refused(&error))?;
    if bytes.len() as u64 > LIMIT {
        return Err(too_large());
    }
    let text = String::from_utf8(bytes)
        .map_err(|error| not_text(error.as_bytes(), error.utf8_error().valid_up_to()))?;
    Ok(text
        .strip_prefix('\u{feff}')
        .map(str::to_string)
        .unwrap_or(text))
}

/// A file, and how many bytes it has. Opening a pipe waits for whoever writes into it, and a device may never end: only a file is
/// opened to be read.
fn open(path: &Path) -> Result<(File, usize), Unreadable> {
    let is = |kind: FileType| match sort(kind) {
        Some(sort) => Err(Unreadable::Refused(
            format!("it is {sort}"),
            "make it a file",
        )),
        None => Ok(()),
    };
    is(path
        .metadata()
        .map_err(|error| refused(&error))?
        .file_type())?;
    let flags = rustix::fs::OFlags::NONBLOCK.bits().cast_signed();
    let file = File::options()
        .read(true)
        .custom_flags(flags)
        .open(path)
        .map_err(|error| refused(&error))?;
    let found = file.metadata().map_err(|error| refused(&error))?;
    is(found.file_type())?;
    match usize::try_from(found.len()) {
        Ok(length) if found.len() <= LIMIT => Ok((file, length)),
        _ => Err(too_large()),
    }
}

/// What stands there instead of a file.
pub fn sort(kind: FileType) -> Option<&'static str> {
    match kind {
        kind if kind.is_file() => None,
        kind if kind.is_dir() => Some("a folder"),
        kind if kind.is_symlink() => Some("a link"),
        kind if kind.is_fifo() => Some("a pipe"),
        kind if kind.is_socket() => Some("a socket"),
        _ => Some("a device"),
    }
}

fn refused(error: &io::Error) -> Unreadable {
    match error.kind() {
        ErrorKind::NotFound => Unreadable::Missing,
        _ => Unreadable::Refused(error.to_string(), "make it a file that you may read"),
    }
}

pub(super) fn too_large() -> Unreadable {
    Unreadable::Refused(
        format!("it is larger than {} MiB", LIMIT >> 20),
        "make it smaller; even a catalog of 50,000 services has only 3 MB",
    )
}

fn not_text(bytes: &[u8], at: usize) -> Unreadable {
    let text = String::from_utf8_lossy(bytes).into_owned();
    let (reason, help) = match bytes {
        [0xff, 0xfe, ..] | [0xfe, 0xff, ..] => {
            ("this file is UTF-16".to_string(), "save it as UTF-8")
        }
        _ => (
            format!("the byte 0x{:02x} is not UTF-8", bytes[at]),
            "save the file as UTF-8",
        ),
    };
    Unreadable::NotText {
        text,
        at,
        reason,
        help,
    }
}
