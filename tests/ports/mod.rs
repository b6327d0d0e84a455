//! Ports of loopback for the servers of a test.

use std::fs::File;
use std::io::{Read, Seek, Write};
use std::net::TcpListener;

/// Below the ports from which Linux chooses for connections that go out and for listeners without a wish, 32768 and more (ip(7),
/// `ip_local_port_range`), and below those from which a drill does: nothing else takes one of these between the choice and the start
/// of its server.
const PORTS: std::ops::Range<u16> = 13_000..20_000;

/// Ports where nothing listens and that no other test is given, whatever process it runs in, until all the others were.
pub fn free_ports<const COUNT: usize>() -> [u16; COUNT] {
    let path = std::env::temp_dir().join("monstack-tests.port");
    let mut last = File::options()
        .read(true)
        .write(true)
        .create(true)
        .truncate(false)
        .open(&path)
        .unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    last.lock().expect("the system has file locks");
    let mut text = String::new();
    last.read_to_string(&mut text).expect("a number");
    let mut port = text.parse().unwrap_or(PORTS.start);
    let ports = std::array::from_fn(|_| {
        loop {
            port = if port + 1 < PORTS.end {
                port + 1
            } else {
                PORTS.start
            };
            if TcpListener::bind(("127.0.0.1", port)).is_ok() {
                return port;
            }
        }
    });
    last.set_len(0).expect("the file can be written");
    last.rewind().expect("a file");
    write!(last, "{port}").expect("the file can be written");
    ports
}
