//! Files as editors name them.

use crate::diagnostic;
use gen_lsp_types::Uri;
use percent_encoding::percent_decode_str;
use std::ffi::OsString;
use std::os::unix::ffi::OsStringExt;
use std::path::{Component, Path, PathBuf};

/// The absolute path that a URI names; None: it names no file of this machine.
pub(super) fn path(uri: &Uri) -> Option<PathBuf> {
    let rest = uri.0.strip_prefix("file://")?;
    let rest = rest.strip_prefix("localhost").unwrap_or(rest);
    let rest = rest.split(['?', '#']).next().unwrap_or_default();
    // A `%` that begins no byte is not what an editor writes.
    let byte = |after: &str| {
        let digits = after.get(..2);
        digits.is_some_and(|digits| digits.chars().all(|digit| digit.is_ascii_hexdigit()))
    };
    if !rest.split('%').skip(1).all(byte) {
        return None;
    }
    let bytes = percent_decode_str(rest).collect();
    let path = PathBuf::from(OsString::from_vec(bytes));
    let plain = |part| matches!(part, Component::RootDir | Component::Normal(_));
    let whole = path.is_absolute() && path.components().all(plain);
    whole.then_some(path).filter(|path| path.to_str().is_some())
}

/// The URI of a file.
pub(super) fn of(path: &Path) -> Uri {
    Uri(format!(
        "file://{}",
        diagnostic::uri(&path.to_string_lossy())
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_comes_back() {
        for name in ["/a/services.toml", "/a b/%/é.toml", "/a:b/#?.toml"] {
            assert_eq!(path(&of(Path::new(name))).as_deref(), Some(Path::new(name)));
        }
        let of = |uri: &str| path(&Uri(uri.to_string()));
        assert_eq!(of("file://localhost/a"), Some(PathBuf::from("/a")));
        for wrong in [
            "untitled:Untitled-1",
            "file://server/share",
            "file:///a/../b",
            "file:///a%2",
            "file:///%ff",
            "",
        ] {
            assert_eq!(of(wrong), None, "{wrong}");
        }
    }
}
