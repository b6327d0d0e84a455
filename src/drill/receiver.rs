//! A loopback receiver of the Alertmanager's notifications: the path says for whom they were.

use super::rows::subject;
use crate::simulation::{answer, listen};
use crate::value::Value;
use anyhow::Result;
use hyper::body::{Body, Incoming};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Request, StatusCode};
use hyper_util::rt::TokioIo;
use std::convert::Infallible;
use std::net::{Ipv4Addr, SocketAddr};
use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::time::Instant;

/// One alert in one notification.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Notification {
    /// The receiver that was notified.
    pub receiver: String,
    pub alert: String,
    /// The service or the group that it is about; empty: neither.
    pub subject: String,
    /// Or resolved.
    pub firing: bool,
    pub at: Instant,
}

/// What was received so far.
pub(crate) struct Receiver {
    pub address: SocketAddr,
    received: Arc<Mutex<Vec<Notification>>>,
}

impl Receiver {
    /// Listens on a free port until the process ends.
    pub(crate) async fn start() -> Result<Receiver> {
        let listener = listen(SocketAddr::from((Ipv4Addr::LOCALHOST, 0))).await?;
        let receiver = Receiver {
            address: listener.local_addr()?,
            received: Arc::default(),
        };
        let received = receiver.received.clone();
        tokio::spawn(async move {
            loop {
                let Ok((stream, _)) = listener.accept().await else {
                    continue;
                };
                let received = received.clone();
                tokio::spawn(async move {
                    let service = service_fn(|request: Request<Incoming>| {
                        let received = received.clone();
                        async move {
                            let receiver = request.uri().path().trim_matches('/').to_string();
                            let notifications = read(&receiver, &body(request.into_body()).await);
                            received
                                .lock()
                                .unwrap_or_else(|poisoned| poisoned.into_inner())
                                .extend(notifications);
                            Ok::<_, Infallible>(answer(StatusCode::OK, "text/plain", ""))
                        }
                    });
                    let _ = http1::Builder::new()
                        .serve_connection(TokioIo::new(stream), service)
                        .await;
                });
            }
        });
        Ok(receiver)
    }

    /// All notifications from the `from`th on.
    pub(crate) fn since(&self, from: usize) -> Vec<Notification> {
        let received = self
            .received
            .lock()
            .unwrap_or_else(|poisoned| poisoned.into_inner());
        received.get(from..).unwrap_or_default().to_vec()
    }
}

async fn body(mut incoming: Incoming) -> Vec<u8> {
    let mut bytes = Vec::new();
    while let Some(Ok(frame)) =
        std::future::poll_fn(|context| Pin::new(&mut incoming).poll_frame(context)).await
    {
        bytes.extend(
            frame
                .data_ref()
                .map(|data| data.to_vec())
                .unwrap_or_default(),
        );
    }
    bytes
}

fn read(receiver: &str, body: &[u8]) -> Vec<Notification> {
    let document: Value = serde_json::from_slice(body).unwrap_or_default();
    let text = |value: &Value| value.as_str().unwrap_or_default().to_string();
    let one = |alert: &Value| Notification {
        receiver: receiver.to_string(),
        alert: text(&alert["labels"]["alertname"]),
        subject: subject(&alert["labels"]),
        firing: alert["status"] == "firing",
        at: Instant::now(),
    };
    document["alerts"].items().map(one).collect()
}
