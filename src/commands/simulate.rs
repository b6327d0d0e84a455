//! `simulate` stands in for the services until it is interrupted.

use super::{Cli, Report};
use crate::catalog::{Catalog, Metric, Service};
use crate::diagnostic::{Format, plural};
use crate::kinds::Kinds;
use crate::live::probe::Reach;
use crate::pipeline;
use crate::simulation::door::{Authority, Door};
use crate::simulation::fault::{self, Fault};
use crate::simulation::{Fleet, Ports, control, shifted};
use crate::value::{Value, json};
use anyhow::{Context, Result, bail};
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use std::collections::HashMap;
use std::fs;
use std::net::IpAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// `simulate` and its flags.
#[derive(Clone, clap::Args)]
pub(crate) struct Args {
    /// The services to stand in for; all of the catalog when none is named
    services: Vec<String>,
    /// Break a service from the start; may be given several times
    #[arg(long = "fault", value_name = "SERVICE=KIND")]
    faults: Vec<String>,
    /// The address to listen on
    #[arg(long, default_value = "127.0.0.1", value_name = "ADDRESS")]
    address: IpAddr,
    /// Added to every port, the control port included
    #[arg(
        long,
        default_value_t = 0,
        value_name = "N",
        allow_negative_numbers = true
    )]
    port_offset: i32,
    /// The loopback port at which faults are switched
    #[arg(long, default_value_t = 9199, value_name = "PORT")]
    control_port: u16,
    /// Where to write the certificate authority of stand-ins that speak TLS: what scrapes them must trust it
    #[arg(long, value_name = "FILE")]
    ca_file: Option<PathBuf>,
    #[command(flatten)]
    below: Below,
}

/// What stands below the flags. Every verb starts with the commands of all: kinds are read for these when they are asked for.
#[derive(Clone)]
struct Below;

impl clap::Args for Below {
    fn augment_args(command: clap::Command) -> clap::Command {
        command.defer(|command| command.after_help(after_help()))
    }

    fn augment_args_for_update(command: clap::Command) -> clap::Command {
        Below::augment_args(command)
    }
}

impl clap::FromArgMatches for Below {
    fn from_arg_matches(_: &clap::ArgMatches) -> Result<Below, clap::Error> {
        Ok(Below)
    }

    fn update_from_arg_matches(&mut self, _: &clap::ArgMatches) -> Result<(), clap::Error> {
        Ok(())
    }
}

fn after_help() -> String {
    let built_in = Kinds::built_in();
    let faults = fault::all(&built_in).into_iter();
    let kinds: String = faults
        .map(|(name, does)| format!("  {name:<18} {does}\n"))
        .collect();
    format!(
        "Kinds of faults:\n{kinds}\nSwitch them while it runs:\n  curl http://127.0.0.1:9199/faults                       what is broken\n  \
         curl -X PUT http://127.0.0.1:9199/faults/SERVICE/KIND   break\n  curl -X DELETE http://127.0.0.1:9199/faults/SERVICE     fix"
    )
}

/// Runs until SIGINT or SIGTERM.
pub(crate) fn run(args: &Args, cli: &Cli) -> Result<Report> {
    let outcome = pipeline::lint(cli.place());
    let failed = outcome.failed();
    let Some(catalog) = outcome.catalog.filter(|_| !failed) else {
        return Ok(Report::new(outcome.source, outcome.diagnostics));
    };
    let catalog = Arc::new(catalog);
    let services = chosen(&catalog, &args.services)?;
    let faults = args
        .faults
        .iter()
        .map(|text| fault(text, &catalog, &services))
        .collect::<Result<Vec<_>>>()?;
    raise_descriptor_limit(services.len());
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .context("cannot start")?;
    runtime.block_on(async {
        let (doors, mut told) = Doors::new(&cli.root, args, &services)?;
        told.extend(natives(&catalog, &services));
        let fleet = Fleet::start(
            &catalog,
            &services,
            args.address,
            Ports::Shifted(args.port_offset),
            1.0,
            |service| doors.of(service),
        )
        .await?;
        for (service, fault) in faults {
            fleet.set(&service, Some(fault));
        }
        let control = control::start(
            fleet.clone(),
            catalog.clone(),
            shifted(args.control_port, args.port_offset)?,
        )
        .await;
        let control =
            control.context("cannot open the control port; choose another with --control-port")?;
        let control = format!("http://{control}/faults");
        announce(&fleet, &services, &control, told, cli.format)?;
        super::interrupted().await
    })?;
    // What there was to say has been said.
    let mut report = Report::text("");
    report.whole(String::new());
    Ok(report)
}

/// What the stand-ins ask of their callers, as the services do.
struct Doors {
    authority: Option<Authority>,
    logins: HashMap<String, String>,
    address: IpAddr,
}

/// The first line of a file that a run of this wrote and another may replace.
const OURS: &str = "# The authority of the stand-ins of `monstack simulate`.\n";

impl Doors {
    /// Also what is to be said: whom to trust, and whose login is not imitated.
    fn new(root: &Path, args: &Args, services: &[&Service]) -> Result<(Doors, Vec<String>)> {
        let reach = Reach {
            root: root.to_path_buf(),
            ..Reach::default()
        };
        let (mut logins, mut told) = (HashMap::new(), Vec::new());
        for service in services {
            match reach.login(service) {
                Ok(login) => logins.extend(login.map(|login| (service.name.clone(), login))),
                Err(unreadable) => told.push(format!(
                    "{}; its stand-in asks for no login",
                    unreadable.message
                )),
            }
        }
        let speak: Vec<&str> = services
            .iter()
            .filter(|service| service.scheme == "https")
            .map(|service| service.name.as_str())
            .collect();
        let authority = (!speak.is_empty()).then(Authority::new).transpose()?;
        if let Some(authority) = &authority {
            let trust = match &args.ca_file {
                Some(file) => {
                    written(file, &authority.pem)?;
                    format!("what scrapes them must trust {}", file.display())
                }
                None => "nothing trusts their certificates: give --ca-file FILE, and use that file as their `ca_file`".to_string(),
            };
            told.push(format!("TLS is spoken by {}; {trust}", speak.join(", ")));
        }
        for service in services.iter().filter(|one| one.discovery.is_some()) {
            told.push(format!(
                "{} stands for {}: Prometheus scrapes it only where that names its address",
                service.name,
                service.addresses()
            ));
        }
        let doors = Doors {
            authority,
            logins,
            address: args.address,
        };
        Ok((doors, told))
    }

    fn of(&self, service: &Service) -> Result<Door> {
        let speaks = self.authority.as_ref();
        let tls = speaks
            .filter(|_| service.scheme == "https")
            .map(|authority| authority.tls(service, self.address))
            .transpose()?;
        Ok(Door {
            tls,
            login: self.logins.get(&service.name).cloned(),
        })
    }
}

/// Writes the authority, never over one that somebody else made.
fn written(file: &Path, pem: &str) -> Result<()> {
    match fs::read(file) {
        Ok(there) if !there.starts_with(OURS.as_bytes()) => bail!(
            "--ca-file {}: the file is there and not of `simulate`; name another, or move it away",
            file.display()
        ),
        _ => fs::write(file, format!("{OURS}{pem}"))
            .with_context(|| format!("--ca-file {}", file.display())),
    }
}

/// The named services, or all; a port that two of them share is refused before anything listens.
fn chosen<'a>(catalog: &'a Catalog, names: &[String]) -> Result<Vec<&'a Service>> {
    let services: Vec<&Service> = match names {
        [] => catalog.services.iter().collect(),
        names => names
            .iter()
            .map(|name| super::service(&catalog.services, name))
            .collect::<Result<_>>()?,
    };
    let mut listens: HashMap<(&str, u16), &Service> = HashMap::new();
    for service in &services {
        for instance in &service.instances {
            let host = instance.host();
            for port in instance.ports() {
                let other = listens.entry((host, port)).or_insert(service);
                let exporter = other.through.is_some() || service.through.is_some();
                if other.name != service.name && !exporter {
                    bail!(
                        "{} and {} both listen on port {port} of {host}: name only one of them",
                        other.name,
                        service.name,
                    );
                }
            }
        }
    }
    Ok(services)
}

fn fault(text: &str, catalog: &Catalog, services: &[&Service]) -> Result<(String, Fault)> {
    let (service, kind) = text
        .split_once('=')
        .with_context(|| format!("`--fault {text}` is not SERVICE=KIND"))?;
    super::service(&catalog.services, service)?;
    if !services.iter().any(|simulated| simulated.name == service) {
        bail!("`--fault {text}`: {service} is not among the services named");
    }
    Ok((
        service.to_string(),
        Fault::parse(kind, catalog, service).with_context(|| format!("`--fault {text}`"))?,
    ))
}

/// A listener each, a connection each, and some to spare; what the system does not allow shows when it is used up.
fn raise_descriptor_limit(services: usize) {
    let wanted = services as u64 * 3 + 64;
    let limit = getrlimit(Resource::Nofile);
    if limit.current.is_some_and(|current| current < wanted) {
        let current = Some(limit.maximum.map_or(wanted, |maximum| maximum.min(wanted)));
        let _ = setrlimit(
            Resource::Nofile,
            Rlimit {
                current,
                maximum: limit.maximum,
            },
        );
    }
}

/// What stand-ins cannot write of the services' native histograms.
fn natives(catalog: &Catalog, services: &[&Service]) -> Option<String> {
    let emitted = |metric: &&Metric| {
        let mut services = services.iter();
        metric.whole && services.any(|service| metric.services.contains(&service.name))
    };
    let natives = catalog.declared().filter(emitted);
    let natives: Vec<&str> = natives.map(|metric| metric.name.as_str()).collect();
    (!natives.is_empty()).then(|| {
        format!(
            "stand-ins answer with text, which has no native histograms: of {} they give a number under its name, so that it is not missed, and what asks for its buckets stays silent",
            natives.join(", ")
        )
    })
}

/// Said at once: the verb's report would come when it ends.
fn announce(
    fleet: &Fleet,
    services: &[&Service],
    control: &str,
    told: Vec<String>,
    format: Format,
) -> Result<()> {
    if format == Format::Json {
        let addresses = services
            .iter()
            .zip(fleet.faults())
            .flat_map(|(service, (_, fault))| {
                let fault = fault.map(|fault| fault.to_string());
                let of = move |address| {
                    let url = format!("{}://{address}{}", service.scheme, service.metrics_path);
                    json!({"service": service.name, "url": url, "fault": fault})
                };
                fleet.addresses(&service.name).into_iter().map(of)
            });
        let document = json!({"status": "ok", "stand_ins": addresses.collect::<Value>(), "control": control, "notes": told});
        return Ok(super::report::announce(&[document.to_string()])?);
    }
    let mut lines = Vec::new();
    for (service, (_, fault)) in services.iter().zip(fleet.faults()) {
        let broken = fault.map(|fault| format!("  {fault}")).unwrap_or_default();
        for address in fleet.addresses(&service.name) {
            lines.push(format!(
                "  {:<24} {}://{address}{}{broken}",
                service.name, service.scheme, service.metrics_path
            ));
        }
    }
    lines.extend(told);
    lines.push(format!(
        "standing in for {}; faults are switched at {control}; Ctrl-C ends it",
        plural(services.len(), "service")
    ));
    Ok(super::report::announce(&lines)?)
}
