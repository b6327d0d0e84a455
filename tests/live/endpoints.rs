//! Servers that misbehave, each in its own way: the sentence about them, within the time, and no secret in it.

use super::ports::free_ports;
use super::stack::{Root, root};
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::process::Output;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

const TOKEN: &str = "s3cr3t-t0ken-4711";

/// Listens, does the same with every connection, and keeps what it was sent.
pub fn misbehaving(
    with: impl Fn(&mut TcpStream) + Send + Sync + 'static,
) -> (u16, Arc<Mutex<Vec<String>>>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let heard: Arc<Mutex<Vec<String>>> = Arc::default();
    let told = heard.clone();
    let with = Arc::new(with);
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let (told, with) = (told.clone(), with.clone());
            std::thread::spawn(move || {
                let mut stream = stream.unwrap();
                let mut buffer = [0; 4096];
                let length = stream.read(&mut buffer).unwrap_or(0);
                told.lock()
                    .unwrap()
                    .push(String::from_utf8_lossy(&buffer[..length]).into_owned());
                with(&mut stream);
            });
        }
    });
    (port, heard)
}

fn verify(root: &Root, url: &str) -> (Output, String, Duration) {
    let token = root.folder.join("token");
    std::fs::write(&token, format!("{TOKEN}\n")).unwrap();
    let start = Instant::now();
    let output = root.run(&[
        "verify",
        "--prometheus-url",
        url,
        "--prometheus-token-file",
        token.to_str().unwrap(),
        "--timeout",
        "3s",
    ]);
    let text = format!(
        "{}{}",
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    );
    (output, text, start.elapsed())
}

#[test]
fn each_bad_endpoint_has_its_own_sentence_within_the_time() {
    let root = root("");
    let (hanging, _) = misbehaving(|_| std::thread::sleep(Duration::from_secs(30)));
    let (endless, _) = misbehaving(|stream| {
        let _ = stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n\r\n");
        while stream.write_all(b" ").is_ok() {
            std::thread::sleep(Duration::from_millis(5));
        }
    });
    let (flood, _) = misbehaving(|stream| {
        let _ = stream.write_all(b"HTTP/1.1 200 OK\r\n\r\n");
        while stream.write_all(&[b'x'; 1 << 16]).is_ok() {}
    });
    let (garbage, _) =
        misbehaving(|stream| drop(stream.write_all(b"\x00\xff SSH-2.0 what?\r\n\r\n")));
    let (page, _) = misbehaving(|stream| {
        drop(stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 12\r\n\r\n<html>login>"))
    });
    let (locked, heard) = misbehaving(|stream| {
        drop(stream.write_all(b"HTTP/1.1 401 Unauthorized\r\nContent-Length: 0\r\n\r\n"))
    });
    let (target, stolen) = misbehaving(|_| {});
    let (redirecting, _) = misbehaving(move |stream| {
        let _ = write!(
            stream,
            "HTTP/1.1 302 Found\r\nLocation: http://user:pw-in-url@127.0.0.1:{target}/\r\nContent-Length: 0\r\n\r\n"
        );
    });
    let [refused] = free_ports();
    let cases = [
        (
            format!("http://127.0.0.1:{refused}"),
            "the connection is refused",
        ),
        (
            format!("http://127.0.0.1:{hanging}"),
            "does not answer within",
        ),
        (format!("http://127.0.0.1:{endless}"), "does not end within"),
        (format!("http://127.0.0.1:{flood}"), "longer than 32 MiB"),
        (format!("http://127.0.0.1:{garbage}"), "does not speak HTTP"),
        (format!("http://127.0.0.1:{page}"), "is not Prometheus"),
        (
            format!("http://127.0.0.1:{locked}"),
            "does not let this user in (401)",
        ),
        (
            format!("http://127.0.0.1:{redirecting}"),
            "which is not followed",
        ),
        (format!("https://127.0.0.1:{garbage}"), "TLS fails"),
        (
            "http://no-such-host.invalid:9090".to_string(),
            "there is no such host",
        ),
        (
            "http://me:pw-in-url@127.0.0.1:1".to_string(),
            "Prometheus at http://127.0.0.1:1: the connection is refused",
        ),
    ];
    for (url, sentence) in &cases {
        let (output, text, took) = verify(&root, url);
        assert_eq!(output.status.code(), Some(2), "{url}: {text}");
        assert!(
            text.contains("cannot judge") && text.contains(sentence),
            "{url}: {text}"
        );
        assert!(
            !text.contains(TOKEN) && !text.contains("pw-in-url"),
            "{url}: a secret in {text}"
        );
        assert!(took < Duration::from_secs(25), "{url} took {took:?}");
        let others = cases.iter().filter(|(_, other)| {
            other != sentence && !other.contains(sentence) && !sentence.contains(other)
        });
        for (_, other) in others {
            assert!(
                !text.contains(other),
                "{url}: `{other}` is another case's sentence: {text}"
            );
        }
    }
    assert!(
        heard
            .lock()
            .unwrap()
            .iter()
            .any(|request| request.contains(&format!("Bearer {TOKEN}"))),
        "the token goes to its server"
    );
    assert!(
        stolen.lock().unwrap().is_empty(),
        "nothing follows a redirect"
    );
}

#[test]
fn a_token_is_read_from_the_environment_and_a_wrong_file_is_said() {
    let root = root("");
    let (locked, heard) = misbehaving(|stream| {
        drop(stream.write_all(b"HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n"))
    });
    let url = format!("http://127.0.0.1:{locked}");
    let output = root
        .command(&["verify", "--format", "json"])
        .env("PROMETHEUS_URL", &url)
        .env("PROMETHEUS_TOKEN", TOKEN)
        .output()
        .unwrap();
    let text = String::from_utf8_lossy(&output.stdout);
    assert_eq!(output.status.code(), Some(2));
    assert!(
        text.contains("--prometheus-token-file") && !text.contains(TOKEN),
        "{text}"
    );
    assert!(heard.lock().unwrap()[0].contains(&format!("Bearer {TOKEN}")));
    let output = root.run(&[
        "verify",
        "--prometheus-url",
        &url,
        "--prometheus-token-file",
        "/nonexistent/token",
    ]);
    let text = String::from_utf8_lossy(&output.stderr);
    assert!(
        output.status.code() == Some(2) && text.contains("/nonexistent/token"),
        "{text}"
    );
}

/// What a server answers, but for queries, in which it hangs.
fn hanging_in_queries(server: u16) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            std::thread::spawn(move || {
                let mut stream = stream.unwrap();
                let mut buffer = [0; 8192];
                let length = stream.read(&mut buffer).unwrap_or(0);
                let asked = String::from_utf8_lossy(&buffer[..length]).into_owned();
                let path = asked.split(' ').nth(1).unwrap_or_default();
                if path.starts_with("/api/v1/query") {
                    return std::thread::sleep(Duration::from_secs(60));
                }
                let mut there = TcpStream::connect(("127.0.0.1", server)).unwrap();
                let head = format!("GET {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
                there.write_all(head.as_bytes()).unwrap();
                let _ = std::io::copy(&mut there, &mut stream);
            });
        }
    });
    port
}

/// It is asked a few times, and what it would have said is not said to be right.
#[test]
fn a_prometheus_that_answers_no_query_is_given_up_and_named() {
    let root = root(super::RECEIVERS);
    let _alertmanager = root.alertmanager();
    let _services = root.simulate(&[]);
    let _prometheus = root.prometheus();
    let (code, document) = root.ask(&["verify", "--wait", "60s"]);
    assert_eq!(code, 0, "{document:#}");
    let hangs = format!("http://127.0.0.1:{}", hanging_in_queries(root.prometheus));
    let alertmanager = format!("http://127.0.0.1:{}", root.alertmanager);
    for verb in [&["verify"][..], &["why", "memory-manager"]] {
        let servers = [
            "--prometheus-url",
            &hangs,
            "--alertmanager-url",
            &alertmanager,
            "--timeout",
            "1s",
        ];
        let start = Instant::now();
        let output = root.run(&[verb, &servers, &["--format", "json"]].concat());
        let text = String::from_utf8_lossy(&output.stdout);
        assert!(start.elapsed() < Duration::from_secs(30), "{verb:?}");
        assert_eq!(output.status.code(), Some(1), "{verb:?}: {text}");
        assert!(text.contains("server-silent"), "{verb:?}: {text}");
        assert!(text.contains(&hangs), "{verb:?}: {text}");
        for accused in ["metric-never-seen", "panel-without-data", "metric-missing"] {
            assert!(!text.contains(accused), "{verb:?}: {text}");
        }
    }
}
