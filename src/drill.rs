//! The fire drill: a real Prometheus and Alertmanager over stand-ins, one fault at a time, every alert watched.

mod breakage;
mod cause;
mod folder;
mod inhibition;
mod prober;
mod receiver;
mod rows;
pub(crate) mod scaled;
mod scene;
mod servers;
mod watch;

use crate::catalog::{Alert, Catalog, Duration};
use crate::simulation::door::Door;
use crate::simulation::{Fleet, Ports};
use crate::stack::files::Files;
use anyhow::Result;
use receiver::Receiver;
pub(crate) use rows::{Row, Verdict};
use servers::Stage;
use std::net::{IpAddr, Ipv4Addr};
use std::path::PathBuf;
use std::time::Instant;

/// What is drilled, and with what.
pub(crate) struct Drill<'a> {
    pub catalog: &'a Catalog,
    /// The files that are put into force.
    pub rendered: Files<'a>,
    /// The alerts to drill.
    pub alerts: Vec<&'a Alert>,
    /// How much faster than written everything happens.
    pub time_scale: f64,
    pub prometheus: PathBuf,
    pub alertmanager: PathBuf,
    /// The program; needed where health is probed.
    pub blackbox: PathBuf,
    /// What happens is told here while it happens.
    pub progress: fn(&str),
}

impl Drill<'_> {
    /// So long in the drill.
    fn real(&self, duration: Duration) -> std::time::Duration {
        std::time::Duration::from_millis(duration.0).div_f64(self.time_scale)
    }

    fn tell(&self, start: Instant, line: &str) {
        (self.progress)(&format!("[{:6.1}s] {line}", start.elapsed().as_secs_f64()));
    }
}

/// Drills every alert; whatever happens, the servers have ended when this returns.
pub(crate) async fn run(
    drill: &Drill<'_>,
    interrupted: impl Future<Output = Result<()>>,
) -> Result<Vec<Row>> {
    let services: Vec<_> = drill.catalog.services.iter().collect();
    let fleet = Fleet::start(
        drill.catalog,
        &services,
        IpAddr::V4(Ipv4Addr::LOCALHOST),
        Ports::Free,
        drill.time_scale,
        |_| Ok(Door::default()),
    )
    .await?;
    let receiver = Receiver::start().await?;
    let (stage, mut servers) = Stage::build(drill, &fleet, &receiver).await?;
    let result = tokio::select! {
        rows = watch::all(drill, &fleet, &receiver, &stage) => rows,
        told = interrupted => told.and_then(|()| Err(anyhow::anyhow!("interrupted; the servers have been ended"))),
        error = servers.failure() => Err(error),
    };
    servers.end().await;
    result
}
