//! `verify --serve`: the findings as metrics, so that Prometheus itself alerts when what runs is no longer what the catalog says.

use crate::commands::results::Results;
use crate::diagnostic::Severity;
use crate::simulation::{answer, listen};
use anyhow::{Context, Result};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Request, StatusCode};
use hyper_util::rt::TokioIo;
use std::collections::BTreeMap;
use std::convert::Infallible;
use std::fmt::Write;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

/// What a scrape's answer calls itself.
const TEXT_FORMAT: &str = "text/plain; version=0.0.4; charset=utf-8";

/// `:9119`, a port alone, or an address with one; without a host: of all interfaces, as Prometheus may be in a container.
pub(crate) fn address(text: &str) -> Result<SocketAddr, String> {
    let port = text.strip_prefix(':').unwrap_or(text).parse::<u16>();
    let all = |port| SocketAddr::new(IpAddr::V4(Ipv4Addr::UNSPECIFIED), port);
    port.ok()
        .map(all)
        .or_else(|| text.parse().ok())
        .ok_or_else(|| {
            format!("`{text}` is no address to listen at, such as :9119 or 127.0.0.1:9119")
        })
}

/// Verifies again and again and serves what was found last, until it is interrupted.
pub(crate) fn run(
    address: SocketAddr,
    every: Duration,
    said: impl Fn(SocketAddr) -> Result<()>,
    interrupted: impl Future<Output = Result<()>>,
    ask: impl Fn() -> Result<Results> + Send + Sync,
) -> Result<()> {
    let page: Arc<Mutex<String>> = Arc::default();
    let stop = Arc::new((Mutex::new(false), std::sync::Condvar::new()));
    std::thread::scope(|scope| {
        let (shown, ended) = (page.clone(), stop.clone());
        scope.spawn(move || {
            loop {
                let began = Instant::now();
                let text = exposition(&ask(), began.elapsed());
                *shown.lock().unwrap_or_else(PoisonError::into_inner) = text;
                let (stopped, wake) = &*ended;
                let stopped = stopped.lock().unwrap_or_else(PoisonError::into_inner);
                let waited = wake.wait_timeout_while(stopped, every, |stopped| !*stopped);
                if *waited.unwrap_or_else(PoisonError::into_inner).0 {
                    return;
                }
            }
        });
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .context("cannot start");
        let served = runtime.and_then(|runtime| {
            runtime.block_on(async {
                let listener = listen(address).await?;
                said(listener.local_addr()?)?;
                tokio::select! {
                    () = attend(listener, page) => Ok(()),
                    told = interrupted => told,
                }
            })
        });
        *stop.0.lock().unwrap_or_else(PoisonError::into_inner) = true;
        stop.1.notify_all();
        served
    })
}

async fn attend(listener: tokio::net::TcpListener, page: Arc<Mutex<String>>) {
    loop {
        let Ok((stream, _)) = listener.accept().await else {
            tokio::time::sleep(Duration::from_millis(50)).await;
            continue;
        };
        let page = page.clone();
        tokio::spawn(async move {
            let service = service_fn(|request: Request<Incoming>| {
                let text = page.lock().unwrap_or_else(PoisonError::into_inner).clone();
                async move {
                    Ok::<_, Infallible>(match request.uri().path() {
                        "/metrics" => answer(StatusCode::OK, TEXT_FORMAT, text),
                        // The first verification may take some seconds.
                        "/health" if text.is_empty() => {
                            answer(StatusCode::SERVICE_UNAVAILABLE, "text/plain", "verifying\n")
                        }
                        "/health" => answer(StatusCode::OK, "text/plain", "ok\n"),
                        _ => answer(
                            StatusCode::NOT_FOUND,
                            "text/plain",
                            "metrics are at /metrics\n",
                        ),
                    })
                }
            });
            let mut http = http1::Builder::new();
            http.keep_alive(false);
            let _ = http.serve_connection(TokioIo::new(stream), service).await;
        });
    }
}

/// The metrics of one verification. A finding that is gone has no series, so that an alert on it ends.
fn exposition(asked: &Result<Results>, took: Duration) -> String {
    let mut out = String::new();
    let mut gauge = |name: &str, help: &str, series: &[(String, f64)]| {
        let _ = writeln!(out, "# HELP {name} {help}\n# TYPE {name} gauge");
        for (labels, value) in series {
            let _ = writeln!(out, "{name}{labels} {value}");
        }
    };
    let now = SystemTime::now().duration_since(UNIX_EPOCH);
    let now = now.map_or(0.0, |now| now.as_secs_f64().floor());
    let plain = |value: f64| [(String::new(), value)];
    gauge(
        "monstack_verify_success",
        "Whether Prometheus could be asked, and is the one of the catalog; else nothing is known.",
        &plain(f64::from(u8::from(asked.is_ok()))),
    );
    gauge(
        "monstack_verify_last_run_timestamp_seconds",
        "When it was verified last.",
        &plain(now),
    );
    gauge(
        "monstack_verify_duration_seconds",
        "How long that took.",
        &plain(took.as_secs_f64()),
    );
    let Ok(results) = asked else { return out };
    for (name, help, severity) in [
        (
            "monstack_verify_findings",
            "Errors of the running stack, by service (empty: the stack itself) and the code of the finding.",
            Severity::Error,
        ),
        (
            "monstack_verify_warnings",
            "The same of warnings.",
            Severity::Warning,
        ),
    ] {
        let mut counted: BTreeMap<(&str, &str), f64> = BTreeMap::new();
        for finding in results
            .findings()
            .filter(|finding| finding.severity == severity)
        {
            let service = finding.service.as_deref().unwrap_or_default();
            *counted.entry((service, finding.code)).or_default() += 1.0;
        }
        let series = counted.into_iter().map(|((service, check), many)| {
            (format!("{{service={service:?},check={check:?}}}"), many)
        });
        gauge(name, help, &series.collect::<Vec<_>>());
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_read_as_people_write_them() {
        let read = |text: &str| address(text).map(|address| address.to_string());
        assert_eq!(read(":9119").unwrap(), "0.0.0.0:9119");
        assert_eq!(read("9119").unwrap(), "0.0.0.0:9119");
        assert_eq!(read("127.0.0.1:1").unwrap(), "127.0.0.1:1");
        assert_eq!(read("[::1]:1").unwrap(), "[::1]:1");
        assert!(read("localhost").is_err() && read("").is_err());
    }

    #[test]
    fn what_could_not_be_judged_is_no_success_and_no_finding() {
        let text = exposition(&Err(anyhow::anyhow!("x")), Duration::from_secs(2));
        assert!(
            text.contains("monstack_verify_success 0\n") && !text.contains("findings"),
            "{text}"
        );
    }
}
