//! Addresses that services are started with.

use super::beyond;
use crate::diagnostic::Diagnostic;
use crate::source::{Source, step};
use crate::value::Value;

/// Those at a port that there is none of: whatever asks them fails each time, and says so only in its own log.
pub(super) fn at_no_port(source: &Source) -> Vec<Diagnostic> {
    let mut found = Vec::new();
    for table in ["defaults", "services"] {
        walk(&source.value[table], format!("/{table}"), &mut found);
    }
    found
}

fn walk(value: &Value, pointer: String, found: &mut Vec<Diagnostic>) {
    match value {
        Value::Object(_) => {
            for (key, value) in value.entries() {
                walk(value, format!("{pointer}/{}", step(key)), found);
            }
        }
        Value::Array(items) => {
            for (index, value) in items.iter().enumerate() {
                walk(value, format!("{pointer}/{index}"), found);
            }
        }
        Value::String(text) => {
            let ports = text.split("://").skip(1).filter_map(port);
            found.extend(ports.map(|port| {
                let message = format!("this asks port {port}");
                beyond(
                    pointer.clone(),
                    message,
                    "a TCP port is a number from 1 to 65535",
                )
            }));
        }
        _ => {}
    }
}

/// The port of the host that a text begins with, where no host has such.
fn port(rest: &str) -> Option<&str> {
    let ends = |letter: char| letter.is_whitespace() || "/?#\"',;)".contains(letter);
    let authority = rest.split(ends).next()?;
    // An address of IPv6 has colons of its own, and a password may end in digits.
    let (host, port) = authority.rsplit_once(':')?;
    let host = host.rsplit('@').next()?;
    let whole = !host.is_empty() && (!host.contains(':') || host.ends_with(']'));
    let digits = !port.is_empty() && port.bytes().all(|byte| byte.is_ascii_digit());
    let fits = port.parse::<u16>().is_ok_and(|port| port > 0);
    (whole && digits && !fits).then_some(port)
}

#[cfg(test)]
mod tests {
    use super::port;

    #[test]
    fn only_ports_of_hosts_are_looked_at() {
        for fits in [
            "cart:8081/a",
            "cart/a:99999",
            "user:123456@cart",
            "[::1]:8081",
            "[2001:db8::99999]",
            "${HOST}:${PORT}",
            "cart",
        ] {
            assert_eq!(port(fits), None, "{fits}");
        }
        for wrong in ["cart:80810/a", "user:1@cart:0", "[::1]:99999 and more"] {
            assert!(port(wrong).is_some(), "{wrong}");
        }
    }
}
