//! Who reaches whom: networks and names, ports that are listened at, ports that are published.

use super::text::{names, pairs, scalar};
use super::{Container, Declared, Project};
use crate::value::Value;

/// How a container is connected.
pub(crate) struct Networks {
    pub(crate) mode: Mode,
    /// The networks that it is in.
    joined: Vec<Joined>,
    /// Name → address, of `hostname` and `extra_hosts`.
    hosts: Vec<(String, String)>,
    pub(crate) published: Vec<Published>,
    /// The name that it is given besides that of its service.
    pub(crate) called: Option<String>,
    /// Other names for others, known to it alone.
    links: Vec<(String, String)>,
    /// It asks itself for the names of others, and has no answer.
    nameless: bool,
}

/// Whose network it uses.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Mode {
    /// Its own, in the networks that are named.
    Own,
    /// The machine's.
    Host,
    /// None at all.
    None,
    /// Another container's.
    Of(String),
    /// Docker's default bridge, where no names are known.
    Bridge,
}

struct Joined {
    name: String,
    aliases: Vec<String>,
    /// Leads nowhere but to its containers.
    internal: bool,
    /// Its containers do not reach each other.
    apart: bool,
}

/// A port of the machine that leads into the container.
pub(crate) struct Published {
    /// None: every address.
    pub(crate) address: Option<String>,
    /// None: Docker chooses one.
    pub(crate) port: Option<u16>,
    pub(crate) target: u16,
    /// `tcp` or `udp`.
    pub(crate) protocol: String,
    /// The place in the container's table: `ports/0`.
    pub(crate) pointer: String,
}

/// Where a process listens.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Listens {
    /// Whether only its own network reaches it.
    pub(crate) loopback: bool,
    pub(crate) port: u16,
    /// Where that is written.
    pub(crate) pointer: String,
}

/// What becomes of a connection.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Reach<'p> {
    /// It arrives at this container.
    Arrives(&'p str),
    /// It leaves for something of which nothing here is known.
    Leaves,
    /// It arrives at this container, where nobody listens.
    Closed(&'p str, Vec<u16>),
    /// It arrives at this container, which listens to itself alone.
    Deaf(&'p str),
    /// This container is in no network with it.
    Apart(&'p str),
    /// This container is meant, and another answers to its name too.
    Shared(&'p str, &'p str),
    /// This container is not started.
    Absent(&'p str),
    /// Nobody has this name.
    Unknown,
    /// Docker on Linux knows the name only when told.
    Untold,
    /// The machine has the port at an address that is not this one.
    PublishedElsewhere(&'p str, String),
    /// Its networks lead nowhere.
    CutOff,
    /// Nobody tells it the address of a name.
    Nameless,
    /// It is told an address that nobody has.
    Nowhere(String),
    /// A container has this name, and it is told another address for it.
    Elsewhere(&'p str, String),
}

/// The name of the machine.
pub(crate) const GATEWAY: &str = "host.docker.internal";

impl Networks {
    pub(super) fn of(container: &Value, declared: &Declared) -> Networks {
        let mode = match scalar(&container["network_mode"]).as_deref() {
            Some("host") => Mode::Host,
            Some("none") => Mode::None,
            Some("bridge") => Mode::Bridge,
            Some(mode) => match mode.split_once(':') {
                Some(("service" | "container", name)) => Mode::Of(name.to_string()),
                _ => Mode::Own,
            },
            None => Mode::Own,
        };
        let mut joined: Vec<Joined> = names(&container["networks"])
            .into_iter()
            .map(|name| {
                let aliases = container["networks"].get(&name).map_or(Vec::new(), |own| {
                    let address = ["ipv4_address", "ipv6_address"]
                        .iter()
                        .filter_map(|key| scalar(&own[*key]));
                    names(&own["aliases"]).into_iter().chain(address).collect()
                });
                Joined::of(&name, aliases, declared)
            })
            .collect();
        if joined.is_empty() && mode == Mode::Own {
            joined.push(Joined::of("default", Vec::new(), declared));
        }
        let links = container["links"]
            .texts()
            .filter_map(|link| link.split_once(':'));
        Networks {
            mode,
            joined,
            // Its own name is in its file of hosts, and is looked for there before anybody is asked.
            hosts: (scalar(&container["hostname"]).into_iter())
                .map(|name| (name, "127.0.0.1".to_string()))
                .chain(
                    pairs(&container["extra_hosts"], &['=', ':'])
                        .into_iter()
                        .map(|(name, address)| (name, address.unwrap_or_default())),
                )
                .collect(),
            published: published(&container["ports"]),
            called: scalar(&container["container_name"]),
            nameless: {
                let asked = scalar(&container["dns"]).into_iter();
                let asked = asked.chain(container["dns"].items().filter_map(scalar));
                let asked: Vec<String> = asked.collect();
                !asked.is_empty()
                    && asked
                        .iter()
                        .all(|address| loopback(address) || nowhere(address))
            },
            links: links
                .map(|(name, other)| (other.to_string(), name.to_string()))
                .collect(),
        }
    }

    /// The address that it is told a name has.
    pub(crate) fn told(&self, name: &str) -> Option<&str> {
        let known = self.hosts.iter().find(|(known, _)| known == name);
        known.map(|(_, address)| address.as_str())
    }

    /// Whether it leads further than to other containers.
    pub(crate) fn open(&self) -> bool {
        match self.mode {
            Mode::Own => self.joined.iter().any(|network| !network.internal),
            Mode::None => false,
            _ => true,
        }
    }

    /// Whether it is in a network of this name.
    pub(crate) fn joins(&self, network: &str) -> bool {
        self.joined.iter().any(|own| own.name == network)
    }

    fn meets(&self, other: &Networks) -> bool {
        let open = self.joined.iter().filter(|own| !own.apart);
        let mut names = open.map(|own| &own.name);
        names.any(|name| other.joined.iter().any(|other| other.name == *name))
    }

    /// The names that others may know it by, beside that of its service.
    pub(super) fn other_names(&self) -> impl Iterator<Item = &String> {
        let aliases = self.joined.iter().flat_map(|own| &own.aliases);
        self.called.iter().chain(aliases)
    }

    /// Whether another container knows it by this name, beside that of its service.
    fn also_called(&self, name: &str, asker: &Networks) -> bool {
        let mut joined = self.joined.iter();
        self.called.as_deref() == Some(name)
            || joined.any(|own| {
                let here = asker.joined.iter().any(|other| other.name == own.name);
                here && own.aliases.iter().any(|alias| alias == name)
            })
    }
}

impl Joined {
    fn of(name: &str, aliases: Vec<String>, declared: &Declared) -> Joined {
        let definition = declared.networks.get(name);
        let said = |key: &str| definition.and_then(|definition| scalar(&definition[key]));
        // https://docs.docker.com/engine/network/drivers/bridge/#options
        let off = |option: &str| {
            let options = definition.map(|definition| &definition["driver_opts"]);
            let written = options.and_then(|options| {
                scalar(&options[format!("com.docker.network.bridge.{option}")])
            });
            written.is_some_and(|written| ["false", "0"].contains(&written.as_str()))
        };
        Joined {
            name: said("name").unwrap_or_else(|| name.to_string()),
            aliases,
            internal: said("internal").as_deref() == Some("true") || off("enable_ip_masquerade"),
            apart: off("enable_icc"),
        }
    }
}

fn published(ports: &Value) -> Vec<Published> {
    let mut found = Vec::new();
    for (index, port) in ports.items().enumerate() {
        let pointer = format!("ports/{index}");
        let Some(text) = scalar(port) else {
            let number = |key: &str| scalar(&port[key]).and_then(|text| text.parse().ok());
            if let Some(target) = number("target") {
                found.push(Published {
                    address: scalar(&port["host_ip"]),
                    port: number("published"),
                    target,
                    protocol: scalar(&port["protocol"]).unwrap_or_else(|| "tcp".to_string()),
                    pointer,
                });
            }
            continue;
        };
        let (text, protocol) = text.split_once('/').unwrap_or((&text, "tcp"));
        let (rest, target) = text.rsplit_once(':').unwrap_or(("", text));
        let (address, port) = match rest.rsplit_once(':') {
            Some((address, port)) => (Some(address.trim_matches(['[', ']']).to_string()), port),
            None => (None, rest),
        };
        for (offset, target) in range(target).enumerate() {
            let port = range(port).nth(offset);
            found.push(Published {
                address: address.clone(),
                port,
                target,
                protocol: protocol.to_string(),
                pointer: pointer.clone(),
            });
        }
    }
    found
}

/// `9090` or `9090-9092`.
fn range(text: &str) -> impl Iterator<Item = u16> {
    let (first, last) = text.split_once('-').unwrap_or((text, text));
    let (first, last) = (first.parse::<u16>(), last.parse::<u16>());
    match (first, last) {
        (Ok(first), Ok(last)) => first..last.saturating_add(1),
        _ => 0..0,
    }
}

impl Container<'_> {
    /// Where its process listens; None: nothing is known of that.
    pub(crate) fn listens(&self) -> Option<&[Listens]> {
        let listens = self.listens.get_or_init(|| self.read_listens());
        listens.as_deref()
    }

    fn read_listens(&self) -> Option<Vec<Listens>> {
        let listen = self.process.program?.listen()?;
        let (host, port) = listen
            .default
            .rsplit_once(':')
            .unwrap_or(("", &listen.default));
        let mut found = Vec::new();
        let mut add = |host: &str, port: &str, pointer: String| {
            // A port by name, or a variable, is not known.
            let port = port.parse().ok()?;
            let host = host.trim_matches(['[', ']']);
            found.push(Listens {
                loopback: loopback(host) || self.lacks(host),
                port,
                pointer,
            });
            Some(())
        };
        if let Some(flag) = &listen.flag {
            let given: Vec<_> = self
                .process
                .flags
                .iter()
                .filter(|given| given.name == *flag)
                .collect();
            for one in &given {
                let (host, port) = one.value.rsplit_once(':')?;
                add(host, port, self.argument(one.index))?;
            }
            if given.is_empty() {
                add(host, port, self.at("command"))?;
            }
            return Some(found);
        }
        let by_flag = |flag: &Option<String>| {
            self.process
                .flag(flag.as_deref()?)
                .map(|given| (given.value.as_str(), self.argument(given.index)))
        };
        let by_variable = |name: &Option<String>| {
            Some((self.variable(name.as_deref()?)?, self.at("environment")))
        };
        let own_port = by_flag(&listen.port_flag).or_else(|| by_variable(&listen.port));
        let own_host = by_flag(&listen.host_flag).or_else(|| by_variable(&listen.host));
        let pointer = own_port
            .as_ref()
            .or(own_host.as_ref())
            .map_or_else(|| self.at("command"), |(_, pointer)| pointer.clone());
        add(
            own_host.map_or(host, |(host, _)| host),
            own_port.map_or(port, |(port, _)| port),
            pointer,
        )?;
        Some(found)
    }
}

impl Container<'_> {
    /// Whether an address, by number, is one that it does not have: only compose could give it one of its own.
    fn lacks(&self, host: &str) -> bool {
        let by_number =
            host.starts_with(|first: char| first.is_ascii_digit()) || host.contains(':');
        let every = host
            .parse::<std::net::IpAddr>()
            .is_ok_and(|address| address.is_unspecified());
        let given = self.value["networks"].entries().any(|(_, network)| {
            [&network["ipv4_address"], &network["ipv6_address"]]
                .into_iter()
                .any(|own| own == host)
        });
        by_number && !every && !given && !host.contains('$') && self.networks.mode == Mode::Own
    }
}

/// Whether only the same network reaches a listener at this address.
pub(crate) fn loopback(host: &str) -> bool {
    host == "localhost" || host == "::1" || host.starts_with("127.")
}

/// Whether nobody ever has this address: one for documents, or none at all.
fn nowhere(address: &str) -> bool {
    match address.parse::<std::net::IpAddr>() {
        Ok(std::net::IpAddr::V4(address)) => {
            address.is_documentation() || address.is_unspecified() || address.is_broadcast()
        }
        Ok(std::net::IpAddr::V6(address)) => {
            address.is_unspecified() || address.segments()[..2] == [0x2001, 0xdb8]
        }
        Err(_) => false,
    }
}

/// Whether a port that is published at this address is published at all of them.
fn everywhere(address: &str) -> bool {
    let address = address.parse::<std::net::IpAddr>();
    address.is_ok_and(|address| address.is_unspecified())
}

impl<'a> Project<'a> {
    /// Who is meant by a name that a container asks for.
    fn meant(&self, asker: &Container, host: &str) -> Option<&Container<'a>> {
        if let Some((_, name)) = asker.networks.links.iter().find(|(link, _)| link == host) {
            return self.container(name);
        }
        self.container(host).or_else(|| {
            let mut all = self.perhaps_called(host);
            all.find(|container| container.networks.also_called(host, &asker.networks))
        })
    }

    /// Those that have this name beside that of their service, for whom shares a network with them.
    fn perhaps_called(&self, name: &str) -> impl Iterator<Item = &Container<'a>> {
        let known = self.also_called.get(name).into_iter().flatten();
        known.map(|index| &self.containers[*index])
    }

    /// The container whose network one uses.
    fn owner<'s>(&'s self, container: &'s Container<'a>) -> &'s Container<'a> {
        match &container.networks.mode {
            Mode::Of(name) => self.container(name).unwrap_or(container),
            _ => container,
        }
    }

    /// Whether two containers use one network, as one.
    pub(crate) fn shares(&self, one: &str, other: &str) -> bool {
        let owner = |name: &str| {
            self.container(name)
                .map(|container| &self.owner(container).name)
        };
        owner(one).is_some() && owner(one) == owner(other)
    }

    /// What becomes of a connection from a container to a host and port.
    pub(crate) fn reach<'s>(
        &'s self,
        asker: &'s Container<'a>,
        host: &str,
        port: u16,
    ) -> Reach<'s> {
        let owner = self.owner(asker);
        let own = &owner.networks;
        // A dot at its end says that a name is whole.
        let host = host.trim_matches(['[', ']']).trim_end_matches('.');
        if loopback(host) {
            return match own.mode {
                Mode::Host => self.on_machine(port, |_| true).unwrap_or(Reach::Leaves),
                _ => self.inside(owner, port, true),
            };
        }
        if own.mode == Mode::None {
            return Reach::CutOff;
        }
        if let Some(address) = own.told(host) {
            if loopback(address) && own.mode != Mode::Host {
                return self.inside(owner, port, true);
            }
            if address != "host-gateway"
                && let Some(wanted) = self.container(host)
            {
                return Reach::Elsewhere(&wanted.name, address.to_string());
            }
            return match (own.open(), address) {
                (false, _) => Reach::CutOff,
                (true, address) if nowhere(address) => Reach::Nowhere(address.to_string()),
                (true, "host-gateway") => self.gateway(port),
                // The machine, at one of its addresses.
                (true, address) if host == GATEWAY => {
                    let there =
                        |at: Option<&str>| at.is_none_or(|at| at == address || everywhere(at));
                    self.on_machine(port, there).unwrap_or(Reach::Leaves)
                }
                (true, _) => Reach::Leaves,
            };
        }
        if let Some(wanted) = self.meant(asker, host) {
            // A container without a network of its own has no name in any.
            let known = own.mode == Mode::Own && own.meets(&wanted.networks);
            return match (wanted.started, known) {
                (false, _) => Reach::Absent(&wanted.name),
                (true, false) => Reach::Apart(&wanted.name),
                (true, true) => {
                    let mut others = self.perhaps_called(host);
                    let other = others.find(|other| {
                        let another = other.started && other.name != wanted.name;
                        another
                            && own.meets(&other.networks)
                            && other.networks.also_called(host, own)
                    });
                    match other {
                        Some(other) => Reach::Shared(&wanted.name, &other.name),
                        None => self.inside(wanted, port, std::ptr::eq(owner, wanted)),
                    }
                }
            };
        }
        if host == GATEWAY {
            return Reach::Untold;
        }
        if !host.contains(['.', ':']) {
            return Reach::Unknown;
        }
        let named = host.parse::<std::net::IpAddr>().is_err();
        match own.open() {
            true if named && own.nameless => Reach::Nameless,
            true => Reach::Leaves,
            false => Reach::CutOff,
        }
    }

    /// A connection to a port of a container's network, from inside it or from another.
    fn inside<'s>(&'s self, wanted: &'s Container<'a>, port: u16, same: bool) -> Reach<'s> {
        let owner = self.owner(wanted);
        let guests = self.guests.iter().map(|index| &self.containers[*index]);
        let guests = guests.filter(|guest| guest.started && self.owner(guest).name == owner.name);
        let mut open = Vec::new();
        for container in std::iter::once(owner).chain(guests) {
            // Somebody else's program may listen anywhere.
            let Some(listens) = container.listens() else {
                return Reach::Arrives(&container.name);
            };
            match listens.iter().find(|one| one.port == port) {
                Some(one) if one.loopback && !same => return Reach::Deaf(&container.name),
                Some(_) => return Reach::Arrives(&container.name),
                None => open.extend(listens.iter().map(|one| one.port)),
            }
        }
        Reach::Closed(&wanted.name, open)
    }

    /// A connection to the machine, from a container: what is published at its loopback alone does not answer there.
    fn gateway(&self, port: u16) -> Reach<'_> {
        let there = |address: Option<&str>| !address.is_some_and(loopback);
        self.on_machine(port, there).unwrap_or(Reach::Leaves)
    }

    /// A connection to a port of the machine; None: no container is behind it.
    pub(crate) fn on_machine(
        &self,
        port: u16,
        there: impl Fn(Option<&str>) -> bool,
    ) -> Option<Reach<'_>> {
        let here = self.on_host.iter().map(|index| &self.containers[*index]);
        for container in here.filter(|container| container.started) {
            let listens = container.listens().unwrap_or_default();
            if listens.iter().any(|one| one.port == port) {
                return Some(Reach::Arrives(&container.name));
            }
        }
        let mut elsewhere = None;
        for (index, at) in self.published.get(&port).into_iter().flatten() {
            let container = &self.containers[*index];
            let published = &container.networks.published[*at];
            if there(published.address.as_deref()) {
                return Some(self.inside(container, published.target, false));
            }
            elsewhere = Some(Reach::PublishedElsewhere(
                &container.name,
                published.address.clone().unwrap_or_default(),
            ));
        }
        elsewhere
    }
}
