//! HTTP of the stand-ins: well-behaved until a fault is on.

use super::{Fleet, Post};
use crate::simulation::fault::{Fault, Transport};
use crate::value::{Value, json};
use anyhow::{Context, Result};
use hyper::body::{Body, Bytes, Frame, Incoming, SizeHint};
use hyper::header::{AUTHORIZATION, CONTENT_TYPE, HOST, LOCATION};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Request, Response, StatusCode};
use hyper_util::rt::TokioIo;
use std::collections::BTreeSet;
use std::convert::Infallible;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context as TaskContext, Poll};
use std::time::Duration;
use tokio::net::{TcpListener, TcpStream};
use tokio::time::{Instant, Sleep, sleep};

/// What a scrape's answer calls itself.
const TEXT_FORMAT: &str = "text/plain; version=0.0.4; charset=utf-8";

/// Between two pieces of an endless answer.
const DRIP: Duration = Duration::from_millis(20);

/// An answer's body.
pub(crate) enum Content {
    /// Sent once.
    Whole(Option<Bytes>),
    /// Sent for as long as the client reads, a little at a time: a flood would drown Prometheus, not the check.
    Endless(Pin<Box<Sleep>>),
}

impl Body for Content {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut TaskContext,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        match &mut *self {
            Content::Whole(bytes) => Poll::Ready(bytes.take().map(|bytes| Ok(Frame::data(bytes)))),
            Content::Endless(pause) => pause.as_mut().poll(context).map(|()| {
                pause.as_mut().reset(Instant::now() + DRIP);
                Some(Ok(Frame::data(Bytes::from_static(b"# and so on\n"))))
            }),
        }
    }

    fn size_hint(&self) -> SizeHint {
        match self {
            Content::Whole(bytes) => {
                SizeHint::with_exact(bytes.as_ref().map_or(0, |bytes| bytes.len() as u64))
            }
            Content::Endless(_) => SizeHint::default(),
        }
    }
}

/// An answer of one piece.
pub(crate) fn answer(
    status: StatusCode,
    content_type: &str,
    body: impl Into<Bytes>,
) -> Response<Content> {
    let response = Response::builder()
        .status(status)
        .header(CONTENT_TYPE, content_type)
        .body(Content::Whole(Some(body.into())));
    response.expect("a fixed status and content type make a response")
}

/// Binds a port; the error says which and why.
pub(crate) async fn listen(address: SocketAddr) -> Result<TcpListener> {
    TcpListener::bind(address)
        .await
        .with_context(|| format!("cannot listen on {address}"))
}

/// Accepts connections, except while the service is down: then its port is closed. A port of several services stays open, and
/// whoever asks for the one that is down gets no answer.
pub(crate) async fn attend(
    fleet: Arc<Fleet>,
    posts: Arc<[Arc<Post>]>,
    address: SocketAddr,
    first: TcpListener,
) {
    let mut listener = Some(first);
    let mut faults = posts[0].fault.subscribe();
    loop {
        let fault = faults.borrow_and_update().clone();
        let down = posts.len() == 1 && !posts[0].stand_in().up(fault.as_ref());
        if down {
            listener = None;
            let _ = faults.changed().await;
            continue;
        }
        let Some(open) = &listener else {
            listener = listen(address).await.ok();
            if listener.is_none() {
                sleep(Duration::from_millis(50)).await;
            }
            continue;
        };
        tokio::select! {
            accepted = open.accept() => match accepted {
                Ok((stream, _)) => drop(tokio::spawn(connection(fleet.clone(), posts.clone(), stream))),
                // Out of descriptors: wait for some to be closed.
                Err(_) => sleep(Duration::from_millis(50)).await,
            },
            _ = faults.changed() => {}
        }
    }
}

/// One request a connection: otherwise a thousand services would hold a thousand idle ones.
async fn connection(fleet: Arc<Fleet>, posts: Arc<[Arc<Post>]>, stream: TcpStream) {
    // Services that share a port share how they are reached too, or none of them could be.
    let tls = posts.iter().find_map(|post| post.door.tls.clone());
    let service = service_fn(|request: Request<Incoming>| {
        let (fleet, posts) = (fleet.clone(), posts.clone());
        async move {
            let Some(post) = meant(&posts, &request) else {
                return Ok(misdirected(&posts));
            };
            let fault = post.fault.borrow().clone();
            if posts.len() > 1 && !post.stand_in().up(fault.as_ref()) {
                return Err(std::io::Error::other("it is down"));
            }
            Ok(respond(&fleet, post, &request).await)
        }
    });
    let mut http = http1::Builder::new();
    http.keep_alive(false).max_buf_size(16_384);
    let _ = match &tls {
        None => http.serve_connection(TokioIo::new(stream), service).await,
        Some(tls) => match tls.accept(stream).await {
            Ok(stream) => http.serve_connection(TokioIo::new(stream), service).await,
            Err(_) => Ok(()),
        },
    };
}

/// Which of the services at a port is asked for.
fn meant<'a>(posts: &'a [Arc<Post>], request: &Request<Incoming>) -> Option<&'a Arc<Post>> {
    if let [only] = posts {
        return Some(only);
    }
    let asked = request.headers().get(HOST)?.to_str().ok()?;
    let host = match asked.rsplit_once(':') {
        Some((host, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) => host,
        _ => asked,
    };
    let (path, query) = (
        request.uri().path(),
        request.uri().query().unwrap_or_default(),
    );
    // Where all are on one machine it has only one name that matters.
    let hosts: BTreeSet<&String> = posts.iter().flat_map(|post| &post.hosts).collect();
    let there = posts
        .iter()
        .filter(|post| hosts.len() == 1 || post.hosts.iter().any(|known| known == host));
    // Behind one exporter those are told apart whom it is asked for.
    let mut by_path = there
        .clone()
        .filter(|post| post.service.path == path && post.service.asks(query));
    let mut of_path = there.clone().filter(|post| post.service.path == path);
    by_path
        .next()
        .or_else(|| of_path.next())
        .or_else(|| there.clone().next())
}

fn misdirected(posts: &[Arc<Post>]) -> Response<Content> {
    let hosts: Vec<&str> = posts
        .iter()
        .flat_map(|post| post.hosts.iter().map(String::as_str))
        .collect();
    let text = format!(
        "several services are simulated at this port: ask with the header Host, which may be {}\n",
        hosts.join(", ")
    );
    answer(StatusCode::MISDIRECTED_REQUEST, "text/plain", text)
}

async fn respond(fleet: &Fleet, post: &Post, request: &Request<Incoming>) -> Response<Content> {
    let path = request.uri().path();
    let fault = post.fault.borrow().clone();
    let kind = fault.as_ref().and_then(Fault::transport);
    match kind {
        Some(Transport::Hanging) => std::future::pending().await,
        Some(Transport::Slow) => {
            sleep(Duration::from_millis(post.service.scrape_timeout.0 * 3 / 2).div_f64(fleet.speed))
                .await
        }
        Some(Transport::Unauthorized) => return stranger(),
        _ => {}
    }
    let shown = request.headers().get(AUTHORIZATION);
    let wanted = post.door.login.as_ref();
    if wanted.is_some_and(|wanted| shown.is_none_or(|shown| shown.as_bytes() != wanted.as_bytes()))
    {
        return stranger();
    }
    let moved = format!("{}/", post.service.path);
    let metrics = path == post.service.path;
    // What is only scraped may have its health where its metrics are.
    if path
        == post
            .service
            .health_path
            .split('?')
            .next()
            .unwrap_or_default()
        && !metrics
    {
        return health(post, fault.as_ref());
    }
    if metrics && kind == Some(Transport::Redirect) {
        let mut response = answer(StatusCode::TEMPORARY_REDIRECT, "text/plain", "");
        response
            .headers_mut()
            .extend(moved.parse().map(|place| (LOCATION, place)));
        return response;
    }
    let followed = path == moved && kind == Some(Transport::Redirect);
    if !metrics && !followed {
        return answer(StatusCode::NOT_FOUND, "text/plain", "not found\n");
    }
    match kind {
        Some(Transport::Garbage) => answer(
            StatusCode::OK,
            TEXT_FORMAT,
            &b"\x00\xff\xfe no metrics \x80\n"[..],
        ),
        Some(Transport::Endless) => Response::builder()
            .header(CONTENT_TYPE, TEXT_FORMAT)
            .body(Content::Endless(Box::pin(sleep(DRIP))))
            .expect("a fixed header makes a response"),
        Some(Transport::WrongContentType) => answer(
            StatusCode::OK,
            "application/json",
            Value::from(fleet.scrape(post)).to_string(),
        ),
        Some(Transport::WebPage) => answer(StatusCode::OK, "text/html", LOGIN),
        Some(Transport::NotANumber) => {
            let text = fleet.scrape(post);
            let line = |line: &str| match line.rsplit_once(' ') {
                Some((series, _)) if !line.starts_with('#') => format!("{series} NaN\n"),
                _ => format!("{line}\n"),
            };
            let text: String = text.lines().map(line).collect();
            answer(StatusCode::OK, TEXT_FORMAT, text)
        }
        Some(Transport::CutHistogram) => {
            let text = fleet.scrape(post);
            let lines = text.lines().filter(|line| !line.contains("le=\"+Inf\""));
            let text: String = lines.map(|line| format!("{line}\n")).collect();
            answer(StatusCode::OK, TEXT_FORMAT, text)
        }
        _ => answer(StatusCode::OK, TEXT_FORMAT, fleet.scrape(post)),
    }
}

/// What somebody is shown who comes without a login, and with a browser.
const LOGIN: &str =
    "<!DOCTYPE html>\n<html><head><title>Log in</title></head><body>Who are you?</body></html>\n";

fn stranger() -> Response<Content> {
    answer(StatusCode::UNAUTHORIZED, "text/plain", "who are you?\n")
}

fn health(post: &Post, fault: Option<&Fault>) -> Response<Content> {
    let (status, word) = if post.stand_in().healthy(fault) {
        (StatusCode::OK, "healthy")
    } else {
        (StatusCode::SERVICE_UNAVAILABLE, "unhealthy")
    };
    let body = json!({"status": word, "service": post.service.name});
    answer(status, "application/json", format!("{body}\n"))
}
