//! `declare` reads what a service exposes and writes it into services.toml, or into a profile, proves it and renders.

mod text;

use super::explain::candidates::names;
use super::servers::PrometheusLogin;
use super::{Cli, Report, add, render};
use crate::catalog::{Catalog, Service};
use crate::declaring::explained::{Advice, advice, explained};
use crate::declaring::{Doubts, Family, families};
use crate::diagnostic::{Diagnostic, Place, plural};
use crate::generated::{create, replace};
use crate::live::exposition::{Exposition, parse};
use crate::live::http::Client;
use crate::live::probe::{Reach, scrape};
use crate::live::scraped;
use crate::live::secret;
use crate::overlay::Overlay;
use crate::pipeline::{self, CATALOG};
use crate::profiles::{Type, of_servers};
use crate::source::{Source, Text, Texts};
use crate::value::json;
use anyhow::{Context, Result, anyhow, bail, ensure};
use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::time::Duration;
use text::{Written, with_emitters, with_exposed, with_metrics};

/// What is read, and where it is written.
#[derive(Clone, clap::Args)]
pub(crate) struct Args {
    /// What a service exposes: a file, `-` for standard input, or an address; without it the service itself is asked, as the catalog says
    source: Option<String>,
    /// The service that exposes it [default: the only one of the catalog; with --prometheus-url every one]
    #[arg(long, value_name = "NAME", add = names(&["service"]))]
    service: Option<String>,
    /// Read it from this Prometheus, which scrapes the services
    #[arg(long, value_name = "URL", conflicts_with = "source")]
    prometheus_url: Option<String>,
    #[command(flatten)]
    login: PrometheusLogin,
    /// Write profiles/NAME.toml, for any service that says `profiles = ["NAME"]`, instead of metrics of the catalog
    #[arg(long, value_name = "NAME", conflicts_with = "file")]
    profile: Option<String>,
    /// The file that new metrics are written into: services.toml, or a part such as services.d/web.toml; by default where the service is
    #[arg(long, value_name = "FILE")]
    file: Option<String>,
    /// A PEM certificate to trust instead of the public ones
    #[arg(long, value_name = "FILE")]
    ca_file: Option<PathBuf>,
    /// Seconds that one answer may take
    #[arg(long, value_name = "SECONDS", default_value_t = 10, value_parser = clap::value_parser!(u64).range(1..))]
    timeout: u64,
}

/// More than any scrape has.
const SIZE_LIMIT: u64 = 32 << 20;

/// So many names are printed of each sort.
const NAMED: usize = 12;

/// Reads, edits in memory, proves the whole, and only then writes.
pub(crate) fn run(args: &Args, cli: &Cli) -> Result<Report> {
    ensure!(
        cli.environment.is_none(),
        "metrics are declared in the catalog itself: run this without --environment"
    );
    let _held = render::lock_root(&cli.root);
    read(args, cli)
}

fn read(args: &Args, cli: &Cli) -> Result<Report> {
    let texts = match pipeline::read(&cli.root) {
        Ok(texts) => texts,
        Err(unreadable) => return Ok(Report::new(unreadable.source, unreadable.diagnostics)),
    };
    let overlay = Overlay::of(&cli.root);
    let (source, catalog, found) = pipeline::understood(&texts, &overlay);
    let whole = catalog.filter(|_| !found.iter().any(Diagnostic::stops));
    // A profile is read of a file or an address, whatever else the catalog says.
    let alone = args.profile.is_some() && args.source.is_some() && args.service.is_none();
    let services = whole.as_ref().map(|catalog| catalog.services.as_slice());
    let Some(services) = services.or(alone.then_some(&[])) else {
        return Ok(Report::new(source, found));
    };
    let exposed = match exposed(args, cli, services)? {
        Ok(exposed) => exposed,
        Err(finding) => return Ok(Report::new(source, vec![*finding])),
    };
    let without = |(service, exposition): &&(String, Exposition)| {
        exposition.samples.is_empty().then(|| service.clone())
    };
    let silent: BTreeSet<String> = exposed.iter().filter_map(|one| without(&one)).collect();
    ensure!(
        exposed
            .iter()
            .any(|(_, exposition)| !exposition.samples.is_empty()),
        "there is not one sample to read: {}",
        match args.prometheus_url {
            Some(_) => "Prometheus has none of a job of such a name; it may not have scraped yet",
            None => "give what a service answers at its metrics path",
        }
    );
    let (families, mut doubts) = families(&exposed);
    doubts.unseen = silent.into_iter().collect();
    match (&args.profile, &whole) {
        (Some(profile), _) => to_profile(profile, families, doubts, &texts, &overlay, cli),
        (None, Some(catalog)) => to_catalog(args, families, doubts, texts, &source, catalog, cli),
        (None, None) => Ok(Report::new(source, found)),
    }
}

/// The same of one address, for a service of a catalog that was just written.
pub(super) fn of_address(url: &str, service: &str, cli: &Cli) -> Result<Report> {
    let args = Args {
        source: Some(url.to_string()),
        service: Some(service.to_string()),
        prometheus_url: None,
        login: PrometheusLogin::default(),
        profile: None,
        file: None,
        ca_file: None,
        timeout: 10,
    };
    read(&args, cli)
}

type Exposed = Vec<(String, Exposition)>;

/// What each service exposes; without a service its name is empty.
fn exposed(
    args: &Args,
    cli: &Cli,
    services: &[Service],
) -> Result<Result<Exposed, Box<Diagnostic>>> {
    let authority = args
        .ca_file
        .as_ref()
        .map(|path| secret::read("--ca-file", path, &secret::CERTIFICATES))
        .transpose()?;
    let client = Client::new(Duration::from_secs(args.timeout), authority.as_deref())
        .map_err(|failure| anyhow!("{failure}"))?;
    let named = args
        .service
        .as_ref()
        .map(|name| super::service(services, name))
        .transpose()?;
    let prometheus = args.login.at(args.prometheus_url.as_deref()).named()?;
    if let Some(endpoint) = prometheus {
        let asked: Vec<&Service> = match named {
            Some(service) => vec![service],
            None => services.iter().collect(),
        };
        let one = |service: &&Service| {
            let exposition = scraped::exposition(&endpoint, &client, service)
                .map_err(|refusal| anyhow!("{}", endpoint.sentence(&refusal)))?;
            Ok((service.name.clone(), exposition))
        };
        return asked.iter().map(one).collect::<Result<Exposed>>().map(Ok);
    }
    let Some(from) = &args.source else {
        let only = match services {
            [only] => Some(only),
            _ => None,
        };
        let service = named.or(only).context(
            "nothing says what to read: give a file, an address, --prometheus-url, or a --service of the catalog to ask",
        )?;
        return Ok(asked(cli, &client, service));
    };
    let who = match (named, services, &args.profile) {
        (Some(service), ..) => service.name.clone(),
        (None, [only], _) => only.name.clone(),
        (None, _, Some(_)) => String::new(),
        _ => bail!("nothing says who exposes this: name the service with --service"),
    };
    let (body, openmetrics) = if from.starts_with("http://") || from.starts_with("https://") {
        fetched(&client, from)?
    } else {
        let body = if from == "-" {
            bounded(std::io::stdin().lock(), "standard input")?
        } else {
            let file = File::open(from).with_context(|| format!("cannot read {from}"))?;
            bounded(file, from)?
        };
        let openmetrics = body.trim_ascii_end().ends_with(b"# EOF");
        (body, openmetrics)
    };
    Ok(parse(&body, openmetrics)
        .map(|exposition| vec![(who, exposition)])
        .map_err(|error| {
            let body = String::from_utf8_lossy(&body);
            let line = body.lines().nth(error.line - 1).unwrap_or_default();
            let place = Place::Line {
                file: from.clone(),
                line: error.line,
                text: line.to_string(),
            };
            let message = format!("column {}: {}", error.column, error.reason);
            Box::new(
                Diagnostic::error("unreadable-exposition", place, message)
                    .help("give what a service answers at its metrics path: Prometheus' text format, or OpenMetrics"),
            )
        }))
}

/// Every instance of a service, asked as Prometheus asks it.
fn asked(cli: &Cli, client: &Client, service: &Service) -> Result<Exposed, Box<Diagnostic>> {
    let reach = Reach {
        root: cli.root.clone(),
        ..Reach::default()
    };
    let instances = reach.instances(client, service)?;
    let one = |instance| match scrape(instance) {
        Ok(scrape) => Ok((service.name.clone(), scrape.exposition)),
        Err((_, finding)) => Err(Box::new(finding)),
    };
    instances.iter().map(one).collect()
}

fn fetched(client: &Client, url: &str) -> Result<(Vec<u8>, bool)> {
    let host = url
        .split("://")
        .nth(1)
        .and_then(|rest| rest.split('/').next());
    ensure!(
        !host.is_some_and(|host| host.contains('@')),
        "an address with a password can be read in the list of processes: let the service's `auth` name a file, and run this with --service alone"
    );
    let accept =
        "text/plain;version=0.0.4,application/openmetrics-text;version=1.0.0;q=0.5,*/*;q=0.1";
    let answer = client
        .get(url, &[("accept", accept)])
        .map_err(|failure| anyhow!("{url}: {failure}"))?;
    ensure!(
        answer.status == 200,
        "{url} answers {}: give the address of the metrics themselves",
        answer.status
    );
    let openmetrics = answer.content_type.contains("application/openmetrics-text");
    Ok((answer.body, openmetrics))
}

fn bounded(from: impl Read, name: &str) -> Result<Vec<u8>> {
    let mut body = Vec::new();
    from.take(SIZE_LIMIT + 1)
        .read_to_end(&mut body)
        .with_context(|| format!("cannot read {name}"))?;
    ensure!(
        body.len() as u64 <= SIZE_LIMIT,
        "{name} is longer than {} MiB",
        SIZE_LIMIT >> 20
    );
    Ok(body)
}

/// The families that nothing says yet, by who exposes them; and the profiles that would say some of them.
struct Sorted {
    new: Vec<Family>,
    /// Declared, but not for these services: key → services.
    grown: BTreeMap<String, Vec<String>>,
    /// Service → advice.
    advice: Vec<(String, Advice)>,
    /// How many a runtime or a profile says already.
    explained: usize,
    /// How many are declared already.
    declared: usize,
    /// Where what is declared is not what is exposed.
    against: Vec<String>,
}

fn sorted(families: Vec<Family>, catalog: &Catalog) -> Sorted {
    let mut sorted = Sorted {
        new: Vec::new(),
        grown: BTreeMap::new(),
        advice: Vec::new(),
        explained: 0,
        declared: 0,
        against: Vec::new(),
    };
    let declared: BTreeMap<&str, _> = catalog
        .declared()
        .map(|metric| (metric.name.as_str(), metric))
        .collect();
    let mut left: Vec<Family> = Vec::new();
    for mut family in families {
        let before = family.services.len();
        family.services.retain(|name| {
            catalog
                .service(name)
                .is_none_or(|service| !explained(catalog, service, &family.name))
        });
        if family.services.is_empty() && before > 0 {
            sorted.explained += 1;
            continue;
        }
        let Some(metric) = declared.get(family.name.as_str()) else {
            left.push(family);
            continue;
        };
        sorted.declared += 1;
        let kind = family.kind.word();
        if metric.r#type != kind {
            sorted.against.push(format!(
                "{} is declared as a {}, and is a {kind}",
                metric.name, metric.r#type
            ));
        }
        let labels: Vec<&str> = family
            .labels
            .keys()
            .filter(|label| !metric.labels.contains_key(label))
            .map(String::as_str)
            .collect();
        if !labels.is_empty() {
            sorted.against.push(format!(
                "{} has labels that are not declared: {}",
                metric.name,
                labels.join(", ")
            ));
        }
        family
            .services
            .retain(|name| !metric.services.contains(name));
        if !family.services.is_empty() {
            sorted.grown.insert(metric.key.clone(), family.services);
        }
    }
    for service in &catalog.services {
        let own: Vec<&str> = left
            .iter()
            .filter(|family| family.services.contains(&service.name))
            .map(|family| family.name.as_str())
            .collect();
        for advice in advice(&catalog.profiles, service, &own) {
            for family in &mut left {
                if advice.metrics.contains(&family.name) {
                    family.services.retain(|name| *name != service.name);
                }
            }
            sorted.advice.push((service.name.clone(), advice));
        }
    }
    left.retain(|family| !family.services.is_empty());
    sorted.new = left;
    sorted
}

/// The metrics as the catalog's own are written: which keys they get, and where a name is spelled out.
fn written<'a>(new: &'a [Family], catalog: &Catalog) -> Vec<Written<'a>> {
    let platform = &catalog.platform;
    let prefix = format!("{}_", platform.metric_prefix);
    let mut taken: BTreeSet<String> = catalog
        .declared()
        .map(|metric| metric.key.clone())
        .collect();
    let servers = of_servers();
    let mut all = Vec::new();
    for family in new {
        let name = &family.name;
        let own = platform
            .prefixed
            .then(|| name.strip_prefix(&prefix))
            .flatten();
        let key = own.unwrap_or(name).trim_start_matches('_');
        let mut key = key.replace(':', "_").to_lowercase();
        if !key.starts_with(|c: char| c.is_ascii_lowercase()) {
            key = format!("metric_{key}");
        }
        if taken.contains(&key)
            && let Some(service) = family.services.first()
        {
            key = format!("{}_{key}", service.replace('-', "_"));
        }
        let mut number = 2;
        while taken.contains(&key) {
            key = format!("{key}_{number}");
            number += 1;
        }
        taken.insert(key.clone());
        let suffixed = (family.kind == Type::Counter) == key.ends_with("_total");
        let plain =
            platform.metric_name(&key) == *name && suffixed && !servers.contains_key(name.as_str());
        // Who emits what names nobody: every application, and nothing else.
        let own = |name: &String| catalog.service(name).is_some_and(|one| one.application);
        let applications = catalog
            .services
            .iter()
            .filter(|service| service.application);
        let everyone = family.services.iter().all(own)
            && family.services.len() == applications.count()
            && catalog.services.len() > 1;
        all.push(Written {
            name: (!plain).then(|| name.clone()),
            key,
            family,
            services: (!everyone).then(|| family.services.clone()),
        });
    }
    all
}

fn to_catalog(
    args: &Args,
    families: Vec<Family>,
    mut doubts: Doubts,
    mut texts: Texts,
    source: &Source,
    catalog: &Catalog,
    cli: &Cli,
) -> Result<Report> {
    let sorted = sorted(families, catalog);
    let all = written(&sorted.new, catalog);
    let file = match &args.file {
        Some(file) => add::named(file)?,
        None => beside(source, &sorted.new),
    };
    let old: BTreeMap<String, String> = texts
        .files()
        .map(|file| (file.name.clone(), file.text.clone()))
        .collect();
    if !all.is_empty() && !old.contains_key(&file) {
        let at = texts.parts.partition_point(|part| part.name < file);
        let (name, text) = (file.clone(), String::new());
        texts.parts.insert(at, Text { name, text });
    }
    for text in texts.files_mut() {
        for (key, services) in &sorted.grown {
            if let Some(edited) = with_emitters(&text.text, key, services) {
                text.text = edited;
            }
        }
        if text.name == file && !all.is_empty() {
            text.text = with_metrics(&text.text, &all);
            if !old.contains_key(&file) {
                text.text = text.text.trim_start().to_string();
            }
        }
    }
    let changed: Vec<&Text> = texts
        .files()
        .filter(|file| old.get(&file.name) != Some(&file.text))
        .collect();
    let names: HashSet<&str> = sorted
        .new
        .iter()
        .map(|family| family.name.as_str())
        .collect();
    doubts.keep(&names);
    doubts.silent.retain(|name| {
        let counted = format!("{name}_total");
        let mut declared = catalog.declared().map(|metric| &metric.name);
        !declared.any(|known| known == name || *known == counted)
    });
    let outcome = pipeline::prove(&texts, &cli.root)?;
    let prepared = render::prepare(outcome, cli, false)?;
    if prepared.refused() {
        let mut report = prepared.report;
        if !changed.is_empty() {
            report
                .line("nothing is written: these would be the findings with the new metrics in it");
        }
        return Ok(report);
    }
    for file in &changed {
        write(
            &cli.root,
            &file.name,
            &file.text,
            old.contains_key(&file.name),
        )?;
    }
    let opening = opening(&all, &sorted, &file);
    let mut report = prepared
        .finish(cli, false)
        .map_err(|error| anyhow!("{opening}, but the rest is not written: {error:#}"))?
        .without_notices();
    report.opening(&opening);
    told(&mut report, &sorted);
    doubtful(&mut report, &doubts);
    let keys: Vec<&String> = all.iter().map(|metric| &metric.key).collect();
    let advised = sorted.advice.iter().map(|(service, advice)| {
        let key = if advice.runtime { "runtime" } else { "profiles" };
        json!({"service": service, "key": key, "profile": advice.profile, "metrics": advice.metrics})
    });
    report.data.insert(
        "declared".into(),
        json!({
            "file": file,
            "metrics": keys,
            "more_services": sorted.grown,
            "advice": advised.collect::<Vec<_>>(),
            "untyped": doubts.untyped,
            "one_value": doubts.single,
            "many_values": doubts.many,
            "without_series": doubts.silent,
            "left_out": doubts.left_out,
        }),
    );
    Ok(report)
}

/// The file of the service, if all new metrics are of services in one; else services.toml.
fn beside(source: &Source, new: &[Family]) -> String {
    let files: BTreeSet<String> = new
        .iter()
        .flat_map(|family| &family.services)
        .map(|name| source.at(&format!("/services/{name}")).0)
        .collect();
    match files.len() {
        1 => files.into_iter().next().unwrap_or_default(),
        _ => CATALOG.to_string(),
    }
}

/// A link stays a link: what it leads to is the catalog.
fn write(root: &Path, name: &str, text: &str, there: bool) -> Result<()> {
    if !there {
        return create(root, name, text);
    }
    let path = root.join(name);
    let real = path
        .canonicalize()
        .with_context(|| format!("cannot write {}", path.display()))?;
    replace(&real, text)
}

fn opening(all: &[Written], sorted: &Sorted, file: &str) -> String {
    if all.is_empty() && sorted.grown.is_empty() {
        return "nothing to declare".to_string();
    }
    let mut parts = Vec::new();
    if !all.is_empty() {
        let kinds = [Type::Counter, Type::Gauge, Type::Histogram, Type::Summary];
        let counts: Vec<String> = kinds
            .iter()
            .filter_map(|kind| {
                let count = all.iter().filter(|one| one.family.kind == *kind).count();
                (count > 0).then(|| plural(count, kind.word()))
            })
            .collect();
        parts.push(format!(
            "declared {} in {file}: {}",
            plural(all.len(), "metric"),
            counts.join(", ").replace("summarys", "summaries")
        ));
    }
    if !sorted.grown.is_empty() {
        parts.push(format!(
            "{} declared before, from more services now: {}",
            plural(sorted.grown.len(), "metric"),
            named(sorted.grown.keys())
        ));
    }
    parts.join("; ")
}

/// What was known, and which profiles would say more.
fn told(report: &mut Report, sorted: &Sorted) {
    let known = [
        (sorted.declared, "declared already"),
        (
            sorted.explained,
            "exposed by a runtime or a profile of the service",
        ),
    ];
    for (count, what) in known.into_iter().filter(|(count, _)| *count > 0) {
        report.line(format!("known: {}, {what}", plural(count, "metric")));
    }
    for (service, advice) in &sorted.advice {
        let key = match advice.runtime {
            true => format!("runtime = {:?}", advice.profile),
            false => format!("profiles = [{:?}]", advice.profile),
        };
        report.line(format!(
            "add `{key}` to [services.{service}]: it explains {} of {service}, so that {} not declared",
            plural(advice.metrics.len(), "metric"),
            if advice.metrics.len() == 1 { "it is" } else { "they are" }
        ));
    }
    for against in &sorted.against {
        report.line(format!("left as it is: {against}"));
    }
}

/// What could not be known.
fn doubtful(report: &mut Report, doubts: &Doubts) {
    let sorts = [
        (
            &doubts.unseen,
            "services of which Prometheus has no series, so nothing is known of them",
        ),
        (
            &doubts.untyped,
            "without a type, so taken for gauges, or for counters where the name ends in _total",
        ),
        (
            &doubts.single,
            "seen with one value, so that any is accepted",
        ),
        (
            &doubts.many,
            "seen with too many values for a list, so that a pattern stands for them",
        ),
        (
            &doubts.silent,
            "registered without a series, so not declared: use what counts them, and run this again",
        ),
    ];
    for (names, what) in sorts.into_iter().filter(|(names, _)| !names.is_empty()) {
        report.line(format!("{what}: {}", named(names.iter())));
    }
    for (what, reason) in &doubts.left_out {
        report.line(format!("left out: {what}: {reason}"));
    }
}

/// The first of many names.
fn named<'a>(names: impl ExactSizeIterator<Item = &'a String>) -> String {
    let count = names.len();
    let first: Vec<&str> = names.take(NAMED).map(String::as_str).collect();
    let more = match count.saturating_sub(NAMED) {
        0 => String::new(),
        more => format!(" and {more} more"),
    };
    format!("{}{more}", first.join(", "))
}

fn to_profile(
    profile: &str,
    families: Vec<Family>,
    doubts: Doubts,
    texts: &Texts,
    overlay: &Overlay,
    cli: &Cli,
) -> Result<Report> {
    let word = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_' || c == '-';
    ensure!(
        profile.starts_with(|c: char| c.is_ascii_lowercase()) && profile.chars().all(word),
        "`{profile}` is no name of a profile: lower-case letters, digits, underscores and hyphens, a letter first"
    );
    let path = format!("profiles/{profile}.toml");
    let mut all = BTreeMap::new();
    for (name, text) in overlay.profiles() {
        all.insert(
            name,
            text.map_err(|_| anyhow!("cannot read the profiles of {}", cli.root.display()))?,
        );
    }
    let there = all.get(profile).cloned();
    let text = there.clone().unwrap_or_else(|| {
        format!("# What {profile} exposes, as `monstack declare` has read it.\n\n[metrics]\n")
    });
    let known: BTreeSet<String> = toml_edit::Document::parse(text.as_str())
        .ok()
        .and_then(|document| {
            let metrics = document.get("metrics")?.as_table_like()?;
            Some(metrics.iter().map(|(name, _)| name.to_string()).collect())
        })
        .unwrap_or_default();
    let new: Vec<&Family> = families
        .iter()
        .filter(|family| {
            !known.contains(&family.name) && !crate::profiles::of_scrapes(&family.name)
        })
        .collect();
    let edited = with_exposed(&text, &new);
    all.insert(profile.to_string(), edited.clone());
    let was_refused = || -> Result<bool> {
        let outcome = pipeline::prove_with(texts, overlay)?;
        Ok(render::prepare(outcome, cli, false)?.refused())
    };
    let with_it = overlay.clone().with_profiles(all);
    let prepared = render::prepare(pipeline::prove_with(texts, &with_it)?, cli, false)?;
    let refused = prepared.refused();
    // What is wrong elsewhere does not keep a profile away: it may be what the rest waits for.
    if refused && !was_refused()? {
        let mut report = prepared.report;
        report.line(format!(
            "nothing is written: these would be the findings with {path}"
        ));
        return Ok(report);
    }
    let opening = if new.is_empty() {
        format!("nothing to write: {path} has them all")
    } else {
        write(&cli.root, &path, &edited, there.is_some())?;
        format!("wrote {} into {path}", plural(new.len(), "metric"))
    };
    let mut report = match refused {
        true => prepared.report,
        false => prepared.finish(cli, false)?,
    };
    report.opening(&opening);
    doubtful(&mut report, &doubts);
    report.line(format!(
        "a service has them with `profiles = [{profile:?}]`"
    ));
    if refused {
        report.line("what is wrong in the catalog was so before, or could not be seen yet; nothing else is written");
    }
    Ok(report)
}
