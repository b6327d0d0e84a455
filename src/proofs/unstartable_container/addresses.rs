//! Networks with addresses of their own: Docker makes them, and they take nobody's address away.

use crate::diagnostic::Diagnostic;
use crate::proofs::place;
use crate::source::step;
use crate::stack::Stack;
use crate::stack::containers::text::scalar;
use std::collections::HashMap;
use std::net::IpAddr;
use std::net::Ipv4Addr;

/// Docker's own bridge, unless it is told otherwise.
const BRIDGE: (Ipv4Addr, u32) = (Ipv4Addr::new(172, 17, 0, 0), 16);

/// Addresses of one network that follow each other.
#[derive(Clone, Copy)]
struct Subnet {
    first: u128,
    last: u128,
    of_four: bool,
}

impl Subnet {
    fn of(address: IpAddr, length: u32) -> Option<Subnet> {
        let (number, of_four) = number(address);
        let bits = if of_four { 32 } else { 128 };
        let free = bits - Some(length).filter(|length| *length <= bits)?;
        let rest = u128::MAX.checked_shr(128 - free).unwrap_or(0);
        let first = number & !rest;
        Some(Subnet {
            first,
            last: first | rest,
            of_four,
        })
    }

    fn parse(text: &str) -> Option<Subnet> {
        let (address, length) = text.split_once('/')?;
        Subnet::of(address.parse().ok()?, length.parse().ok()?)
    }

    fn has(&self, address: IpAddr) -> bool {
        let (number, of_four) = number(address);
        of_four == self.of_four && (self.first..=self.last).contains(&number)
    }

    fn meets(&self, other: &Subnet) -> bool {
        self.of_four == other.of_four && self.first <= other.last && other.first <= self.last
    }

    /// How many containers have room: not its first and last address, nor that of its gateway.
    fn room(&self) -> u128 {
        (self.last - self.first).saturating_sub(2)
    }
}

fn number(address: IpAddr) -> (u128, bool) {
    match address {
        IpAddr::V4(address) => (u128::from(u32::from(address)), true),
        IpAddr::V6(address) => (u128::from(address), false),
    }
}

/// A subnet with the place and the network that it belongs to.
struct Written<'a> {
    path: &'a str,
    pointer: String,
    network: &'a str,
    text: String,
    subnet: Subnet,
    gateway: Option<IpAddr>,
}

pub(super) fn unusable(stack: &Stack) -> Vec<Diagnostic> {
    let (mut found, mut all) = (Vec::new(), Vec::new());
    for file in stack.files.compose() {
        for (name, network) in file.value["networks"].entries() {
            for (index, config) in network["ipam"]["config"].items().enumerate() {
                let pointer = format!("/networks/{}/ipam/config/{index}", step(name));
                let Some(text) = scalar(&config["subnet"]).filter(|text| !text.contains('$'))
                else {
                    continue;
                };
                let Some(subnet) = Subnet::parse(&text) else {
                    found.push(place::at(
                        &file.path,
                        format!("{pointer}/subnet"),
                        format!("Docker does not make the network `{name}`: `{text}` is no subnet"),
                        "write an address and how many of its bits are fixed, as in `10.9.0.0/24`",
                    ));
                    continue;
                };
                let gateway = scalar(&config["gateway"]);
                all.push(Written {
                    path: &file.path,
                    pointer,
                    network: name,
                    text,
                    subnet,
                    gateway: gateway.and_then(|gateway| gateway.parse().ok()),
                });
            }
        }
    }
    if !all.is_empty() {
        found.extend(overlapping(&all));
        found.extend(all.iter().filter_map(|one| crowded(stack, one)));
        found.extend(all.iter().filter_map(|one| taken(stack, one)));
    }
    found.extend(given(stack, &all));
    found
}

fn overlapping(all: &[Written]) -> Vec<Diagnostic> {
    let mut found = Vec::new();
    for (index, own) in all.iter().enumerate() {
        let gateway = own.gateway.filter(|gateway| !own.subnet.has(*gateway));
        let mut earlier = all[..index].iter();
        let other = earlier.find(|other| other.subnet.meets(&own.subnet));
        let (key, message, help) = match (other, gateway) {
            (Some(other), _) => (
                "subnet",
                format!(
                    "Docker does not make the network `{}`: {} overlaps with {} of `{}`",
                    own.network, own.text, other.text, other.network
                ),
                "give each network addresses of its own, or leave `ipam` out: Docker chooses them",
            ),
            (None, Some(gateway)) => (
                "gateway",
                format!(
                    "Docker does not make the network `{}`: its gateway {gateway} is not in {}",
                    own.network, own.text
                ),
                "write an address of the subnet, or leave `gateway` out",
            ),
            (None, None) => continue,
        };
        found.push(place::at(
            own.path,
            format!("{}/{key}", own.pointer),
            message,
            help,
        ));
    }
    found
}

/// More containers than there are addresses.
fn crowded(stack: &Stack, own: &Written) -> Option<Diagnostic> {
    let started = stack.containers.started();
    let inside = started.filter(|container| container.networks.joins(own.network));
    let wanted: u128 = inside
        .map(|container| u128::from(container.replicas().unwrap_or(1)))
        .sum();
    let room = own.subnet.room();
    (wanted > room).then(|| {
        place::at(
            own.path,
            format!("{}/subnet", own.pointer),
            format!(
                "{wanted} containers are in the network `{}`, and {} has room for {room}",
                own.network, own.text
            ),
            "make it larger, or leave `ipam` out",
        )
    })
}

/// Addresses that something else has: from within the network nobody reaches it any more.
fn taken(stack: &Stack, own: &Written) -> Option<Diagnostic> {
    let host = |address: &str| -> Option<IpAddr> {
        let (host, _) = address.rsplit_once(':').unwrap_or((address, ""));
        host.trim_matches(['[', ']']).parse().ok()
    };
    let catalog = stack.catalog;
    let targets = stack.contract.targets.list.iter();
    let targets = targets.filter_map(|target| Some((host(&target.address)?, "is scraped")));
    let others = catalog.prometheus.alertmanagers.iter();
    let others = others.filter_map(|address| Some((host(address)?, "is an Alertmanager")));
    let started = stack.containers.started();
    let published = started.flat_map(|container| &container.networks.published);
    let published = published.filter_map(|port| {
        let address: IpAddr = port.address.as_ref()?.parse().ok()?;
        let of_machine = !address.is_loopback() && !address.is_unspecified();
        of_machine.then_some((address, "is an address of this machine"))
    });
    let bridge = Subnet::of(IpAddr::V4(BRIDGE.0), BRIDGE.1);
    // A published port at an address of Docker's own bridge says that the bridge is there.
    let holds = |address: &IpAddr| {
        own.subnet.has(*address)
            || bridge.is_some_and(|bridge| bridge.has(*address) && bridge.meets(&own.subnet))
    };
    let mut all = targets.chain(others).chain(published);
    let (address, what) = all.find(|(address, _)| holds(address))?;
    Some(place::at(
        own.path,
        format!("{}/subnet", own.pointer),
        format!(
            "the network `{}` takes the addresses {}, among which {address} {what}",
            own.network, own.text
        ),
        "choose addresses that are nobody's, or leave `ipam` out: Docker chooses them",
    ))
}

/// Addresses that containers are given by hand.
fn given(stack: &Stack, all: &[Written]) -> Vec<Diagnostic> {
    let mut found = Vec::new();
    let mut owners: HashMap<IpAddr, &str> = HashMap::new();
    for container in stack.containers.started() {
        for (network, settings) in container.value["networks"].entries() {
            for key in ["ipv4_address", "ipv6_address"] {
                let Some(text) = scalar(&settings[key]).filter(|text| !text.contains('$')) else {
                    continue;
                };
                // What others have made has the subnets that it has.
                let declared = stack.containers.declared.networks.get(network);
                let of_others = declared.is_some_and(|declared| {
                    scalar(&declared["external"]).is_some_and(|external| external != "false")
                });
                let own: Vec<&Written> = all.iter().filter(|one| one.network == network).collect();
                let address: Option<IpAddr> = text.parse().ok();
                let within = |address| own.iter().find(|one| one.subnet.has(address));
                let message = match address {
                    None => format!("`{text}` is no address"),
                    Some(_) if of_others => continue,
                    Some(_) if own.is_empty() => {
                        format!(
                            "the network `{network}` has no subnet, and so nothing is {text} in it"
                        )
                    }
                    Some(address) => match (within(address), owners.get(&address)) {
                        (None, _) => format!("{text} is not in the network `{network}`"),
                        (Some(_), Some(other)) => format!("{text} is given to `{other}` too"),
                        (Some(one), None) if is_gateway(one, address) => {
                            format!("{text} is the gateway of the network `{network}`")
                        }
                        (Some(_), None) => {
                            owners.insert(address, &container.name);
                            continue;
                        }
                    },
                };
                found.push(place::at(
                    &container.file.path,
                    container.at(&format!("networks/{}/{key}", step(network))),
                    format!("Docker does not start `{}`: {message}", container.name),
                    "leave the address out: containers find each other by their names",
                ));
            }
        }
    }
    found
}

/// Whether an address is that of the gateway: without one that is written, the first of the subnet.
fn is_gateway(own: &Written, address: IpAddr) -> bool {
    match own.gateway {
        Some(gateway) => gateway == address,
        None => number(address).0 == own.subnet.first + 1,
    }
}
