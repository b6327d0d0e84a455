//! The loopback address at which faults are switched while the stand-ins run.

use super::Fleet;
use super::server::{Content, answer, listen};
use crate::catalog::Catalog;
use crate::simulation::fault::Fault;
use crate::value::{Map, Value};
use anyhow::Result;
use hyper::body::Incoming;
use hyper::header::HOST;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Method, Request, Response, StatusCode};
use hyper_util::rt::TokioIo;
use std::convert::Infallible;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;

/// Listens on the loopback interface and switches faults, until the process ends.
pub(crate) async fn start(
    fleet: Arc<Fleet>,
    catalog: Arc<Catalog>,
    port: u16,
) -> Result<SocketAddr> {
    let listener = listen(SocketAddr::from((Ipv4Addr::LOCALHOST, port))).await?;
    let address = listener.local_addr()?;
    tokio::spawn(async move {
        loop {
            let Ok((stream, _)) = listener.accept().await else {
                continue;
            };
            let (fleet, catalog) = (fleet.clone(), catalog.clone());
            tokio::spawn(async move {
                let service = service_fn(|request: Request<Incoming>| {
                    let response = respond(&fleet, &catalog, &request);
                    async move { Ok::<_, Infallible>(response) }
                });
                let _ = http1::Builder::new()
                    .keep_alive(false)
                    .serve_connection(TokioIo::new(stream), service)
                    .await;
            });
        }
    });
    Ok(address)
}

/// `GET /faults`, `PUT /faults/SERVICE/KIND`, `DELETE /faults/SERVICE`.
fn respond(fleet: &Fleet, catalog: &Catalog, request: &Request<Incoming>) -> Response<Content> {
    // A web page that has its own name point at this machine is not the user.
    let host = request
        .headers()
        .get(HOST)
        .and_then(|host| host.to_str().ok())
        .unwrap_or_default();
    if !["127.0.0.1", "localhost"].contains(&host.split(':').next().unwrap_or_default()) {
        return refuse(StatusCode::FORBIDDEN, "ask at 127.0.0.1 or localhost");
    }
    let path: Vec<&str> = request.uri().path().trim_matches('/').split('/').collect();
    let service = path.get(1).copied().unwrap_or_default();
    let wanted = match (request.method(), path.as_slice()) {
        (&Method::GET, ["faults"]) => return state(fleet),
        (&Method::PUT, ["faults", _, kind]) => Fault::parse(kind, catalog, service).map(Some),
        (&Method::DELETE, ["faults", _]) => Ok(None),
        _ => {
            return refuse(
                StatusCode::NOT_FOUND,
                "GET /faults, PUT /faults/SERVICE/KIND or DELETE /faults/SERVICE",
            );
        }
    };
    match wanted {
        Err(error) => refuse(StatusCode::BAD_REQUEST, &format!("{error:#}")),
        Ok(fault) if fleet.set(service, fault.clone()) => state(fleet),
        Ok(_) => refuse(
            StatusCode::NOT_FOUND,
            &format!("`{service}` is not simulated here"),
        ),
    }
}

fn refuse(status: StatusCode, reason: &str) -> Response<Content> {
    answer(status, "text/plain; charset=utf-8", format!("{reason}\n"))
}

fn state(fleet: &Fleet) -> Response<Content> {
    let faults: Map = fleet
        .faults()
        .into_iter()
        .map(|(service, fault)| {
            (
                service.to_string(),
                fault.map_or(Value::Null, |fault| fault.to_string().into()),
            )
        })
        .collect();
    answer(
        StatusCode::OK,
        "application/json",
        format!("{}\n", Value::Object(faults)),
    )
}
