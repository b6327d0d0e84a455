//! Secrets as files hold them, and addresses without theirs.

use anyhow::{Result, anyhow, bail, ensure};
use std::fs::{self, File};
use std::io::{Error, Read};
use std::os::unix::fs::FileTypeExt;
use std::path::Path;
use std::sync::mpsc;
use std::time::Duration;

/// What a file of the command line holds.
pub(crate) struct Content {
    /// More than any such file has.
    limit: u64,
    /// What to give when the file holds something else.
    instead: &'static str,
}

/// A token or a password.
pub(crate) const SECRET: Content = Content {
    limit: 64 << 10,
    instead: "a file that holds the token or password on one line and nothing else",
};
/// Certificates; those that a system trusts are a fifth of the limit.
pub(crate) const CERTIFICATES: Content = Content {
    limit: 1 << 20,
    instead: "a file of PEM certificates (`-----BEGIN CERTIFICATE-----`)",
};

impl Content {
    /// The sentence about a file that is not one.
    pub(crate) fn refusal(&self, flag: &str, path: &Path, wrong: &str) -> anyhow::Error {
        anyhow!("{flag} {}: {wrong}; give {}", path.display(), self.instead)
    }
}

/// What a pipe may wait for a person who unlocks a password store.
const TIMEOUT: Duration = Duration::from_secs(30);

/// The content of a file that the command line names with `flag`: no more than there should be, and never waited for without
/// end, as it may be a pipe (`<(pass show prometheus)`).
pub(crate) fn read(flag: &str, path: &Path, content: &Content) -> Result<Vec<u8>> {
    let unread = |error: Error| content.refusal(flag, path, &format!("cannot read it: {error}"));
    let found = fs::metadata(path).map_err(unread)?;
    ensure!(
        !found.is_dir(),
        content.refusal(flag, path, "it is a folder")
    );
    // The pipe of a shell's `<(…)` has a writer and no name; whether anybody writes to one with a name is not known before it is opened.
    let named = fs::canonicalize(path).is_ok_and(|real| !real.starts_with("/dev"));
    ensure!(
        !(found.file_type().is_fifo() && named),
        content.refusal(
            flag,
            path,
            "it is a named pipe, which may never have a writer"
        )
    );
    let (send, received) = mpsc::channel();
    let (file, limit) = (path.to_path_buf(), content.limit);
    // Reading a pipe that nobody writes to waits; a thread can be left behind.
    std::thread::spawn(move || {
        let mut bytes = Vec::new();
        let outcome = File::open(&file)
            .and_then(|file| file.take(limit + 1).read_to_end(&mut bytes))
            .map(|_| bytes);
        let _ = send.send(outcome);
    });
    let silent = format!("nothing came from it within {}s", TIMEOUT.as_secs());
    let bytes = received
        .recv_timeout(TIMEOUT)
        .map_err(|_| content.refusal(flag, path, &silent))?;
    let bytes = bytes.map_err(unread)?;
    ensure!(
        bytes.len() as u64 <= limit,
        content.refusal(
            flag,
            path,
            &format!("it is longer than {} KiB", limit >> 10)
        )
    );
    Ok(bytes)
}

/// A token or password: one line of text, without the line's end that an editor adds.
pub(crate) fn line(flag: &str, path: &Path) -> Result<String> {
    let bytes = read(flag, path, &SECRET)?;
    let Ok(text) = String::from_utf8(bytes) else {
        bail!(SECRET.refusal(flag, path, "it is not UTF-8 text"))
    };
    let text = text.trim_end_matches(['\r', '\n']);
    ensure!(!text.is_empty(), SECRET.refusal(flag, path, "it is empty"));
    ensure!(
        !text.chars().any(char::is_control),
        SECRET.refusal(flag, path, "it is not one line of text")
    );
    Ok(text.to_string())
}

/// An address as it may be printed. Where an `@` follows a `/`, `?` or `#`, a password and a path look the same, so
/// everything before it is left out.
pub(crate) fn without_user(url: &str) -> String {
    let begin = url.find("://").map_or(0, |at| at + "://".len());
    let (scheme, rest) = url.split_at(begin);
    let Some(at) = rest.rfind('@') else {
        return url.to_string();
    };
    let cut = rest[..at].contains(['/', '?', '#', '\\']);
    format!("{scheme}{}{}", if cut { "…@" } else { "" }, &rest[at + 1..])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_password_is_left_in_an_address() {
        for password in [
            "s3cret",
            "s3/cret",
            "s3@cret",
            "s3#cret",
            "s3?cret",
            "s3%2Fcret",
            "s3:cret",
            "s3\\cret",
            "/s3cret@",
            "@/s3cret",
        ] {
            for host in ["host", "host:9090", "[::1]:9090", "host/path", "host:x"] {
                let shown = without_user(&format!("https://me:{password}@{host}"));
                assert!(
                    !shown.contains("s3")
                        && !shown.contains("cret")
                        && shown.ends_with(host)
                        && shown.starts_with("https://"),
                    "{password} {host}: {shown}"
                );
            }
        }
        for kept in ["http://host:9090/a", "/login", "host", ""] {
            assert_eq!(without_user(kept), kept);
        }
    }
}
