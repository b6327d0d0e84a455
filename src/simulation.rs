//! Stand-ins for the services of a catalog: each answers on a port of its own, all in one process.

pub(crate) mod behaviour;
pub(crate) mod control;
pub(crate) mod door;
pub(crate) mod fault;
pub(crate) mod replay;
mod server;
pub(crate) mod shape;
mod stand_in;
pub(crate) mod words;

use crate::catalog::{Catalog, Service};
use crate::simulation::fault::Fault;
use anyhow::{Context, Result, bail};
use door::Door;
use replay::Replay;
pub(crate) use server::{answer, listen};
use stand_in::StandIn;
use std::collections::HashSet;
use std::net::{IpAddr, SocketAddr};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Instant, SystemTime, UNIX_EPOCH};
use tokio::sync::watch;

/// Where the stand-ins listen.
#[derive(Clone, Copy)]
pub(crate) enum Ports {
    /// The catalog's, moved by so many.
    Shifted(i32),
    /// Any that are free.
    Free,
}

/// One stand-in for an instance of a service, and what is wrong with it at the moment.
struct Post {
    service: Service,
    /// The hosts that it stands in for.
    hosts: Vec<String>,
    /// Where it is scraped.
    address: SocketAddr,
    door: Door,
    fault: watch::Sender<Option<Fault>>,
    /// The test that is played, and since when.
    replay: Mutex<Option<(Replay, Instant)>>,
    stand_in: Mutex<StandIn>,
}

impl Post {
    fn stand_in(&self) -> std::sync::MutexGuard<'_, StandIn> {
        self.stand_in.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn replay(&self) -> std::sync::MutexGuard<'_, Option<(Replay, Instant)>> {
        self.replay.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Everything that is simulated.
pub(crate) struct Fleet {
    posts: Vec<Arc<Post>>,
    start: Instant,
    speed: f64,
}

/// The port at which a service is simulated or asked.
pub(crate) fn shifted(port: u16, offset: i32) -> Result<u16> {
    match u16::try_from(i32::from(port) + offset) {
        Ok(port) if port > 0 => Ok(port),
        _ => bail!("port {port} moved by {offset} is not a valid port"),
    }
}

/// For each stand-in of a service the ports at which it listens, that of its metrics first; 0: any.
fn places(service: &Service, ports: Ports) -> Result<Vec<Vec<u16>>> {
    let Ports::Shifted(offset) = ports else {
        let instances = match &service.discovery {
            Some(_) => 2,
            None => service.instances.len().max(service.replicas as usize),
        };
        return Ok(vec![vec![0]; instances]);
    };
    let mut taken = HashSet::new();
    let mut places = Vec::new();
    for instance in &service.instances {
        let mut own = Vec::new();
        for port in instance.ports() {
            if taken.insert(port) {
                own.push(shifted(port, offset)?);
            }
        }
        if !own.is_empty() {
            places.push(own);
        }
    }
    Ok(places)
}

impl Fleet {
    /// Binds every port and starts to answer, each behind its `door`; events pass `speed` times as fast as time. Instances that have one port, each on a
    /// machine of its own, are one stand-in here.
    pub(crate) async fn start(
        catalog: &Catalog,
        services: &[&Service],
        address: IpAddr,
        ports: Ports,
        speed: f64,
        door: impl Fn(&Service) -> Result<Door>,
    ) -> Result<Arc<Fleet>> {
        let born = SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .map_or(0.0, |since| since.as_secs_f64().round());
        let mut posts = Vec::new();
        // Services of several machines may have one port: what listens there tells them apart by the host that is asked for.
        let mut listeners: Vec<(SocketAddr, tokio::net::TcpListener, Vec<Arc<Post>>)> = Vec::new();
        for (service, plan) in services.iter().zip(shape::plans(catalog, services)?) {
            let (door, plan) = (door(service)?, Arc::new(plan));
            for wanted in
                places(service, ports).with_context(|| format!("service {}", service.name))?
            {
                let mut bound = Vec::new();
                for port in wanted {
                    let wanted = SocketAddr::new(address, port);
                    let known = listeners.iter().position(|(known, ..)| *known == wanted);
                    bound.push(match known {
                        Some(known) => known,
                        None => {
                            let listener = server::listen(wanted)
                                .await
                                .with_context(|| format!("cannot stand in for {}", service.name))?;
                            listeners.push((listener.local_addr()?, listener, Vec::new()));
                            listeners.len() - 1
                        }
                    });
                }
                let stand_in =
                    Mutex::new(StandIn::new(service, &catalog.profiles, plan.clone(), born));
                let instances = service.instances.iter();
                let post = Arc::new(Post {
                    service: (*service).clone(),
                    hosts: instances.map(|one| one.host().to_string()).collect(),
                    address: listeners[bound[0]].0,
                    door: door.clone(),
                    fault: watch::channel(None).0,
                    replay: Mutex::default(),
                    stand_in,
                });
                for index in bound {
                    listeners[index].2.push(post.clone());
                }
                posts.push(post);
            }
        }
        let fleet = Arc::new(Fleet {
            posts,
            start: Instant::now(),
            speed,
        });
        for (address, listener, posts) in listeners {
            let posts: Arc<[Arc<Post>]> = posts.into();
            tokio::spawn(server::attend(fleet.clone(), posts, address, listener));
        }
        Ok(fleet)
    }

    fn posts<'a>(&'a self, service: &'a str) -> impl Iterator<Item = &'a Arc<Post>> {
        self.posts
            .iter()
            .filter(move |post| post.service.name == service)
    }

    /// Where the instances of a service are simulated.
    pub(crate) fn addresses(&self, service: &str) -> Vec<SocketAddr> {
        self.posts(service).map(|post| post.address).collect()
    }

    /// Every simulated service, with what is wrong with it.
    pub(crate) fn faults(&self) -> Vec<(&str, Option<Fault>)> {
        let mut faults: Vec<_> = self
            .posts
            .iter()
            .map(|post| (post.service.name.as_str(), post.fault.borrow().clone()))
            .collect();
        // Some of its instances may not have the fault of a service.
        faults.dedup_by(|next, known| {
            let same = next.0 == known.0;
            if same && known.1.is_none() {
                known.1 = next.1.take();
            }
            same
        });
        faults
    }

    /// Breaks or fixes a service; false: there is no such one.
    pub(crate) fn set(&self, service: &str, fault: Option<Fault>) -> bool {
        let mut any = false;
        for (index, post) in self.posts(service).enumerate() {
            let spared = self.moved(post).spares(fault.as_ref()) > index;
            post.fault.send_replace(fault.clone().filter(|_| !spared));
            any |= !spared;
        }
        any
    }

    /// The stand-in, its counters moved on to now under the fault that was on until now.
    fn moved<'a>(&self, post: &'a Post) -> std::sync::MutexGuard<'a, StandIn> {
        let mut stand_in = post.stand_in();
        stand_in.move_on(
            self.start.elapsed().as_secs_f64(),
            self.speed,
            post.fault.borrow().as_ref(),
        );
        stand_in
    }

    /// Plays a test on the instances of a service, one each, or ends it.
    pub(crate) fn play(&self, service: &str, replays: &[Replay]) {
        for (index, post) in self.posts(service).enumerate() {
            let replay = replays.get(index).cloned();
            if replay.is_none() {
                self.moved(post).begin_anew();
            }
            let transport = replay.as_ref().and_then(Replay::fault);
            *post.replay() = replay.map(|replay| (replay, Instant::now()));
            post.fault.send_replace(transport);
        }
    }

    fn scrape(&self, post: &Post) -> String {
        let replay = post.replay();
        let played = replay.as_ref().map(|(replay, _)| replay);
        let mut text = self
            .moved(post)
            .expose(post.fault.borrow().as_ref(), played);
        if let Some((replay, began)) = &*replay {
            replay.expose(&mut text, began.elapsed().as_secs_f64() * self.speed);
        }
        text
    }
}
