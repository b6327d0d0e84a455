//! Secrets as files hold them, and addresses without theirs.

use anyhow::{Context, Result, anyhow, bail, ensure};
use std::fs::File;
use std::io::Read;
use std::path::Path;
use std::sync::mpsc;
use std::time::Duration;

/// More than any token, password or bundle of certificates has.
pub const TOKEN: u64 = 64 << 10;
/// The certificates that a system trusts are a fifth of it.
pub const CERTIFICATES: u64 = 1 << 20;

/// What a pipe may wait for a person who unlocks a password store.
const PATIENCE: Duration = Duration::from_secs(30);

/// The content of a file that the command line names with `flag`: at most `limit` bytes, and never waited for without end, as
/// it may be a pipe (`<(pass show prometheus)`).
pub fn read(flag: &str, path: &Path, limit: u64) -> Result<Vec<u8>> {
    let (send, received) = mpsc::channel();
    let file = path.to_path_buf();
    // Opening a pipe that nobody writes to waits; a thread can be left behind.
    std::thread::spawn(move || {
        let mut bytes = Vec::new();
        let outcome = File::open(&file).and_then(|file| file.take(limit + 1).read_to_end(&mut bytes)).map(|_| bytes);
        let _ = send.send(outcome);
    });
    let shown = path.display();
    let bytes = received.recv_timeout(PATIENCE).map_err(|_| anyhow!("{flag} {shown}: nothing came from it within {}s", PATIENCE.as_secs()))?;
    let bytes = bytes.with_context(|| format!("{flag}: cannot read {shown}"))?;
    ensure!(bytes.len() as u64 <= limit, "{flag} {shown}: it is longer than {} KiB, so it is not what belongs here", limit >> 10);
    Ok(bytes)
}

/// A token or password: one line of text, without the line's end that an editor adds.
pub fn line(flag: &str, path: &Path) -> Result<String> {
    let bytes = read(flag, path, TOKEN)?;
    let Ok(text) = String::from_utf8(bytes) else { bail!("{flag} {}: it is not UTF-8 text", path.display()) };
    let text = text.trim_end_matches(['\r', '\n']);
    ensure!(!text.is_empty(), "{flag} {}: it is empty", path.display());
    ensure!(!text.chars().any(char::is_control), "{flag} {}: it is not one line of text", path.display());
    Ok(text.to_string())
}

/// An address as it may be printed. Where an `@` stands behind a `/`, `?` or `#`, nobody can tell a password from a path, so
/// everything before it goes.
pub fn without_user(url: &str) -> String {
    let begin = url.find("://").map_or(0, |at| at + "://".len());
    let (scheme, rest) = url.split_at(begin);
    let Some(at) = rest.rfind('@') else { return url.to_string() };
    let told = rest[..at].contains(['/', '?', '#', '\\']);
    format!("{scheme}{}{}", if told { "…@" } else { "" }, &rest[at + 1..])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_password_is_left_in_an_address() {
        for password in ["s3cret", "s3/cret", "s3@cret", "s3#cret", "s3?cret", "s3%2Fcret", "s3:cret", "s3\\cret", "/s3cret@", "@/s3cret"] {
            for host in ["host", "host:9090", "[::1]:9090", "host/path", "host:x"] {
                let shown = without_user(&format!("https://me:{password}@{host}"));
                assert!(
                    !shown.contains("s3") && !shown.contains("cret") && shown.ends_with(host) && shown.starts_with("https://"),
                    "{password} {host}: {shown}"
                );
            }
        }
        for kept in ["http://host:9090/a", "/login", "host", ""] {
            assert_eq!(without_user(kept), kept);
        }
    }
}
