//! Every service is scraped once, as the catalog says; what else is scraped does not claim to be a service.

use super::{Check, Example, Proof, place};
use crate::artifacts::Role;
use crate::catalog::access::{Auth, Tls};
use crate::catalog::{Catalog, Duration, Metric, Service, Size, secrets};
use crate::contract::domain::Domain;
use crate::contract::relabel::{Labels, Relabeled, Rule, relabeled};
use crate::contract::targets::{Target, Targets};
use crate::diagnostic::Diagnostic;
use crate::json::Parts;
use crate::json::plain;
use crate::profiles::built_in;
use crate::promql::Matcher;
use crate::promql::matchers::{Judge, pattern};
use crate::promql::walk::selectors;
use crate::render::File;
use crate::stack::Stack;
use crate::stack::expressions::Usage;
use serde_json::{Map, Value, json};
use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

pub(crate) const PROOF: Proof = Proof {
    code: "scrape-job",
    doc: "A job that is missing, doubled, on another port or without its labels is a service that no alert and no panel knows. Targets are looked at as they are after relabeling.",
    example: Example::Rendered {
        role: Role::Prometheus,
        pointer: "/scrape_configs/job_name=checkout/static_configs/*/targets/*",
        bad: r#""host.docker.internal:8002""#,
    },
    check: Check::Stack(|stack| {
        let mut found = Vec::new();
        let Some(config) = stack.files.prometheus().next() else {
            return found;
        };
        let targets = &stack.contract.targets;
        for (pointer, reason) in &targets.unread {
            found.push(place::at(
                &config.path,
                pointer,
                reason,
                "take the rule away, or accept it in `[platform]` with a reason",
            ));
        }
        let mut of_job: HashMap<&str, Vec<&Target>> = HashMap::new();
        for target in &targets.list {
            of_job
                .entry(target.labels.get("job").map_or("", String::as_str))
                .or_default()
                .push(target);
        }
        found.extend(alike(targets, config));
        let mut jobs = BTreeMap::new();
        let contained = stack.catalog.prometheus.runs_on == "compose";
        for service in &stack.catalog.services {
            let mine = of_job.remove(service.name.as_str()).unwrap_or_default();
            if mine.len() == service.instances.len() {
                let said = mine.iter().map(|target| target.address.as_str());
                let said: BTreeSet<&str> = said.collect();
                for (target, instance) in mine.iter().zip(&service.instances) {
                    jobs.entry(target.job).or_insert(service.name.as_str());
                    // In any order, as long as all are there.
                    let here = said.contains(instance.address.as_str());
                    let address = if here {
                        &target.address
                    } else {
                        &instance.address
                    };
                    found.extend(differences(config, service, target, address, contained));
                    found.extend(aside(config, stack.catalog, service, target));
                }
                continue;
            }
            let unread = targets
                .unread
                .iter()
                .any(|(pointer, _)| pointer.starts_with("/scrape_configs/"));
            let discovered = config.value["scrape_configs"].items().any(|job| {
                job["job_name"] == service.name.as_str()
                    && job.entries().any(|(key, _)| key.ends_with("_sd_configs"))
            });
            let known = discovered || unread && mine.is_empty();
            if !known {
                found.push(place::at(
                    &config.path,
                    mine.get(1)
                        .map_or("/scrape_configs", |target| target.pointer.as_str()),
                    format!("`{}` has {} scrape targets", service.name, mine.len()),
                    match service.instances.len() {
                        1 => "render one target for the service, which no relabeling drops"
                            .to_string(),
                        many => format!("render its {many} targets, which no relabeling drops"),
                    },
                ));
            }
        }
        found.extend(unlabelled(config, stack.catalog));
        found.extend(doubles(config, &targets.list, stack.catalog));
        let mut promised = None;
        for (job, service) in &jobs {
            found.extend(after(stack, config, *job, service, &mut promised));
        }
        for (index, job) in config.value["scrape_configs"].items().enumerate() {
            if let Some(name) = job["job_name"]
                .as_str()
                .filter(|_| !jobs.contains_key(&index))
            {
                found.extend(behind(stack, config, index, name, &mut promised));
            }
        }
        found.extend(written(stack, config, &mut promised));
        found.extend(without_interval(config, stack.catalog));
        found.extend(rarely(config));
        found.extend(names(config));
        found.extend(converted(stack, config));
        found.extend(crowded(config, &targets.list));
        found.extend(not_itself(stack));
        found.extend(unwatched(stack, config));
        found.extend(otherwise_stored(stack, config));
        found
    }),
};

/// The keys of a job that let a scrape in, as the catalog has them.
pub(super) fn connection(service: &Service, contained: bool) -> Value {
    let mut wanted = let_in(service.tls.as_ref(), service.auth.as_ref(), contained);
    if let Some(proxy) = &service.proxy_url {
        wanted.insert("proxy_url".into(), proxy.clone().into());
    }
    if service.honor_labels {
        wanted.insert("honor_labels".into(), true.into());
    }
    if let Some(limit) = service.sample_limit {
        wanted.insert("sample_limit".into(), limit.into());
    }
    Value::Object(wanted)
}

/// The keys that encrypt, and log in, as the catalog has them.
fn let_in(tls: Option<&Tls>, auth: Option<&Auth>, contained: bool) -> Map<String, Value> {
    let mut wanted = Map::new();
    let seen = |file: &String| secrets::seen(file, contained);
    if let Some(tls) = tls {
        let said = [
            ("ca_file", tls.ca_file.as_ref().map(seen)),
            ("server_name", tls.server_name.clone()),
            ("cert_file", tls.cert_file.as_ref().map(seen)),
            ("key_file", tls.key_file.as_ref().map(seen)),
        ];
        let said = said.into_iter();
        let mut table: Map<String, Value> = said
            .filter_map(|(key, value)| Some((key.to_string(), value?.into())))
            .collect();
        if tls.insecure_skip_verify {
            table.insert("insecure_skip_verify".into(), true.into());
        }
        wanted.insert("tls_config".into(), table.into());
    }
    if let Some(auth) = auth {
        match (&auth.bearer_file, &auth.username, &auth.password_file) {
            (Some(file), ..) => {
                wanted.insert(
                    "authorization".into(),
                    json!({ "credentials_file": seen(file) }),
                );
            }
            (None, Some(user), Some(file)) => {
                let table = json!({ "username": user, "password_file": seen(file) });
                wanted.insert("basic_auth".into(), table);
            }
            _ => {}
        }
    }
    wanted
}

/// Whether a setting of a job is what the catalog says, or that and more which asks for no less.
pub(super) fn lets_in(written: &Value, said: &Value) -> bool {
    let (Some(there), Some(wanted)) = (written.as_object(), said.as_object()) else {
        return written == said;
    };
    // Without a look at the certificate, whoever answers is believed.
    let trusts = there.get("insecure_skip_verify") == Some(&Value::Bool(true));
    let all = wanted
        .iter()
        .all(|(key, value)| there.get(key) == Some(value));
    // The type that an authorization has anyway.
    let bearer = there.get("type").is_none_or(|kind| kind == "Bearer");
    // Another name than that of the address is on no certificate, and Prometheus speaks nothing older than TLS 1.2.
    let named = there
        .get("server_name")
        .is_none_or(|_| wanted.contains_key("server_name"));
    let spoken = there
        .get("max_version")
        .is_none_or(|version| version == "TLS12" || version == "TLS13");
    all && bearer && named && spoken && (!trusts || wanted.contains_key("insecure_skip_verify"))
}

/// What a target says otherwise than the catalog; `contained`: Prometheus is a container.
fn differences(
    config: &File,
    service: &Service,
    target: &Target,
    address: &str,
    contained: bool,
) -> Vec<Diagnostic> {
    let label = |name: &str| target.labels.get(name).cloned().unwrap_or_default();
    let group = target.pointer.split("/targets/").next().unwrap_or_default();
    let job = format!("/scrape_configs/{}", target.job);
    let wanted = [
        (
            target.pointer.clone(),
            "target",
            target.address.clone(),
            address.to_string(),
        ),
        (
            format!("{group}/labels/service"),
            "label service",
            label("service"),
            service.name.clone(),
        ),
        (
            format!("{group}/labels/component"),
            "label component",
            label("component"),
            service.group.clone(),
        ),
        (
            format!("{job}/metrics_path"),
            "path",
            target.path.clone(),
            service.path.clone(),
        ),
        (
            format!("{job}/scheme"),
            "scheme",
            target.scheme.clone(),
            service.scheme.clone(),
        ),
        (
            format!("{job}/params"),
            "params",
            json!(target.params).to_string(),
            json!(service.params).to_string(),
        ),
        (
            format!("{job}/scrape_interval"),
            "scrape_interval",
            target.interval.to_string(),
            service.scrape_interval.to_string(),
        ),
        (
            format!("{job}/scrape_timeout"),
            "scrape_timeout",
            target.timeout.to_string(),
            service.scrape_timeout.to_string(),
        ),
    ];
    let own_labels = service.labels.iter().map(|(name, value)| {
        let pointer = format!("{group}/labels/{name}");
        (pointer, "label", label(name), value.clone())
    });
    let settings = &config.value["scrape_configs"][target.job];
    // More than the catalog says may be right: somebody else's login, a proxy.
    let connection = connection(service, contained);
    let connection = connection.entries().filter_map(|(key, said)| {
        let written = settings.get(key).unwrap_or(&Value::Null);
        (!lets_in(written, said)).then(|| {
            let written = settings.get(key).map_or(String::new(), plain);
            (format!("{job}/{key}"), key.as_str(), written, plain(said))
        })
    });
    let differs = wanted
        .into_iter()
        .chain(own_labels)
        .chain(connection)
        .filter(|(_, _, written, said)| written != said);
    differs
        .map(|(pointer, key, written, said)| {
            let written = if written.is_empty() {
                "nothing"
            } else {
                &written
            };
            place::at(
                &config.path,
                pointer,
                format!(
                    "the job of `{}` has {key} `{written}`, the catalog says `{said}`",
                    service.name
                ),
                "render it from the catalog",
            )
        })
        .collect()
}

/// A label that a target has and the catalog does not give it, where the service's own series have one of that name: theirs is then
/// called `exported_…`, and nobody finds it.
fn aside(
    config: &File,
    catalog: &Catalog,
    service: &Service,
    target: &Target,
) -> Option<Diagnostic> {
    let more = |label: &&String| {
        !["job", "service", "component", "instance"].contains(&label.as_str())
            && !service.labels.contains_key(*label)
    };
    let mut more = target.labels.keys().filter(more);
    let has = |metric: &&Metric, label: &str| {
        let own = match metric.r#type.as_str() {
            "histogram" => label == "le",
            "summary" => label == "quantile",
            _ => false,
        };
        metric.services.contains(&service.name) && (own || metric.labels.contains_key(label))
    };
    let (label, metric) = more.find_map(|label| {
        let mut declared = catalog.declared();
        Some((label, declared.find(|metric| has(metric, label))?))
    })?;
    let group = target.pointer.split("/targets/").next().unwrap_or_default();
    let pointer = format!("{group}/labels/{label}");
    let message = format!(
        "the target of `{}` has a label `{label}`, and so have the series of `{}`: theirs becomes `exported_{label}`",
        service.name, metric.name
    );
    let help = "remove it from the target, or give it another name";
    (!service.honor_labels).then(|| {
        let mut found = place::at(&config.path, pointer, message, help);
        found.subjects.push(pushed_aside(label));
        found
    })
}

/// What a finding is about, and what others follow from: a label that a target has in the place of its series.
pub(super) fn pushed_aside(label: &str) -> String {
    format!("label {label}")
}

/// Labels that everything leaves this Prometheus with: of two clusters or environments, only they say which one it is.
fn unlabelled(config: &File, catalog: &Catalog) -> Vec<Diagnostic> {
    let said = &config.value["global"]["external_labels"];
    let labels = catalog.prometheus.external_labels.iter();
    let lost = labels.filter(|(label, value)| plain(&said[label.as_str()]) != **value);
    lost.map(|(label, value)| {
        let pointer = match said.get(label) {
            Some(_) => format!("/global/external_labels/{label}"),
            None => "/global".to_string(),
        };
        place::at(
            &config.path,
            pointer,
            format!(
                "alerts and samples leave this Prometheus without `{label}=\"{value}\"`, which the catalog gives them"
            ),
            "render `external_labels` from the catalog",
        )
    })
    .collect()
}

/// What happens to a service's samples behind the scrape.
fn after(
    stack: &Stack,
    config: &File,
    index: usize,
    service: &str,
    names: &mut Option<BTreeSet<String>>,
) -> Vec<Diagnostic> {
    let job = &config.value["scrape_configs"][index];
    let mut found = Vec::new();
    let said = stack.catalog.service(service);
    if job["honor_labels"] == true && !said.is_some_and(|service| service.honor_labels) {
        found.push(place::at(
            &config.path,
            format!("/scrape_configs/{index}/honor_labels"),
            format!(
                "`{service}` may call itself another service: its own labels win over those of the job"
            ),
            "remove it",
        ));
    }
    let limited = LIMITS.iter().any(|key| limit(config, job, key).is_some());
    if !limited && job.get("metric_relabel_configs").is_none() {
        return found;
    }
    let families = exposed(stack, names.get_or_insert_with(|| promised(stack)), service);
    found.extend(kept(stack, config, index, service, &families));
    found
}

/// The same of what is scraped beside the services: the servers, the probes. Only what is read of them has to come through.
fn behind(
    stack: &Stack,
    config: &File,
    index: usize,
    name: &str,
    names: &mut Option<BTreeSet<String>>,
) -> Vec<Diagnostic> {
    let job = &config.value["scrape_configs"][index];
    let limited = LIMITS.iter().any(|key| job.get(key).is_some());
    if !limited && job.get("metric_relabel_configs").is_none() {
        return Vec::new();
    }
    let mut families = exposed(stack, names.get_or_insert_with(|| promised(stack)), name);
    let read: HashSet<&str> = stack
        .expressions
        .iter()
        .filter(|expression| expression.usage != Usage::Test)
        .flat_map(|expression| selectors(&expression.ast))
        .filter(|selector| {
            let mut of_job = selector.matchers.matchers.iter();
            of_job.all(|matcher| matcher.name != "job" || Judge::of(matcher).picks(name))
        })
        .filter_map(|selector| selector.name.as_deref())
        .collect();
    families.retain(|family| read.contains(family.name.as_str()));
    kept(stack, config, index, name, &families)
}

/// Whether limits and rules behind the scrape leave what is expected.
fn kept(
    stack: &Stack,
    config: &File,
    index: usize,
    service: &str,
    families: &[Family],
) -> Vec<Diagnostic> {
    let job = &config.value["scrape_configs"][index];
    let mut found = Vec::new();
    let mut say = |key: &str, message: String, help: &str| {
        found.push(place::at(
            &config.path,
            format!("/scrape_configs/{index}/{key}"),
            message,
            help,
        ))
    };
    if LIMITS.iter().any(|key| limit(config, job, key).is_some()) {
        let needed = Needed::of(stack, service, families);
        for (key, least) in LIMITS.iter().zip(needed.0) {
            let Some(written) = limit(config, job, key) else {
                continue;
            };
            let most = written.as_u64().or_else(|| {
                Size::parse(&plain(written).replace("KB", "KiB").replace("MB", "MiB"))
                    .map(|size| size.0)
            });
            if most.is_some_and(|most| most < least) {
                say(
                    key,
                    format!(
                        "`{key}` is {}, and `{service}` needs {least} at least: all its samples are lost",
                        plain(written)
                    ),
                    "raise or remove it",
                );
            }
        }
    }
    let rules = match Rule::read(&job["metric_relabel_configs"]) {
        Ok(rules) => rules,
        Err((rule, reason)) => {
            say(
                &format!("metric_relabel_configs/{rule}"),
                reason,
                "take the rule away",
            );
            return found;
        }
    };
    if let Some((message, help)) = (!rules.is_empty())
        .then(|| {
            families
                .iter()
                .find_map(|family| changed(stack, &rules, family, service))
        })
        .flatten()
    {
        say("metric_relabel_configs", message, help);
    }
    found
}

/// What rules on the way to another store take from what it is to have, or make of it. Series of one name whose labels become
/// the same are one series there, with the samples of each in turn.
fn written(stack: &Stack, config: &File, names: &mut Option<BTreeSet<String>>) -> Vec<Diagnostic> {
    /// The most targets whose series are looked at, for each name.
    const MOST: usize = 200;
    let mut found = Vec::new();
    let outside: Labels = config.value["global"]["external_labels"]
        .entries()
        .map(|(label, value)| (label.clone(), plain(value)))
        .collect();
    for (index, store) in config.value["remote_write"].items().enumerate() {
        let pointer = format!("/remote_write/{index}/write_relabel_configs");
        let rules = match Rule::read(&store["write_relabel_configs"]) {
            Ok(rules) if rules.is_empty() => continue,
            Ok(rules) => rules,
            // Every server of several may write its part.
            Err(_) => continue,
        };
        let recorded = stack.files.rules();
        let recorded = recorded.filter_map(|(_, _, rule)| rule["record"].as_str());
        let wanted = names.get_or_insert_with(|| promised(stack)).iter();
        let wanted: BTreeSet<&str> = wanted
            .map(String::as_str)
            .chain(recorded)
            .chain(["up"])
            .collect();
        'names: for name in wanted {
            let mut after: HashMap<Labels, String> = HashMap::new();
            for series in stack.contract.family(name) {
                let own = series.labels.iter().map(|(label, domain)| {
                    let value = match domain {
                        Domain::Values(values) => values.first().cloned(),
                        Domain::Pattern(_) => domain.example(".+", true),
                    };
                    (label.clone(), value.unwrap_or_default())
                });
                let mut own: Labels = own.collect();
                own.insert("__name__".to_string(), name.to_string());
                let mut targets: Vec<Option<&Target>> = series
                    .targets
                    .ones()
                    .take(MOST)
                    .map(|target| Some(&stack.contract.targets.list[target]))
                    .collect();
                if targets.is_empty() {
                    targets.push(None);
                }
                for target in targets {
                    let mut labels = outside.clone();
                    for (label, value) in target.into_iter().flat_map(|target| &target.labels) {
                        if series.carried.contains(label) {
                            labels.insert(label.clone(), value.clone());
                        }
                    }
                    labels.extend(own.clone());
                    let whose = labels.get("job").cloned().unwrap_or_default();
                    let of = match whose.is_empty() {
                        true => String::new(),
                        false => format!(" of `{whose}`"),
                    };
                    let before = json!(labels).to_string();
                    let was = labels.clone();
                    let message = match relabeled(&rules, labels) {
                        Relabeled::Dropped => {
                            format!("`{name}`{of} is not written to {}", plain(&store["url"]))
                        }
                        Relabeled::Kept(labels)
                            if let Some(label) = outside.keys().find(|label| {
                                !tells_replicas(label) && labels.get(*label) != was.get(*label)
                            }) =>
                        {
                            let store = plain(&store["url"]);
                            format!("`{name}`{of} is written to {store} without its `{label}`")
                        }
                        Relabeled::Kept(labels) => match after.insert(labels, before.clone()) {
                            Some(other) if other != before => format!(
                                "`{name}`{of} is one series with another of that name once it is written to {}",
                                plain(&store["url"])
                            ),
                            _ => continue,
                        },
                    };
                    found.push(place::at(
                        &config.path,
                        &pointer,
                        message,
                        "let the rules keep what the catalog declares and what rules and dashboards read, with its labels",
                    ));
                    break 'names;
                }
            }
        }
    }
    found
}

/// Whether a label tells a pair of Prometheus servers apart: what is the same of both is sent without it.
pub(super) fn tells_replicas(label: &str) -> bool {
    label.contains("replica")
}

/// Jobs without an interval of their own, the monitoring's among them, are scraped as often as the catalog says.
fn without_interval(config: &File, catalog: &Catalog) -> Option<Diagnostic> {
    let jobs = config.value["scrape_configs"].items();
    let names = jobs.filter(|job| job["scrape_interval"].is_null());
    let names: Vec<&str> = names.filter_map(|job| job["job_name"].as_str()).collect();
    let wanted = catalog.prometheus.scrape_interval;
    let written = config.value["global"]["scrape_interval"].as_str();
    let written = written.map_or(Some(Duration(60_000)), Duration::parse)?;
    (written != wanted && !names.is_empty()).then(|| {
        place::at(
            &config.path,
            "/global/scrape_interval",
            format!(
                "{} are scraped every {written}, and the catalog says {wanted}",
                names.join(", ")
            ),
            "render `prometheus.scrape_interval` there",
        )
    })
}

/// A name that is looked up more rarely than a series without samples ends: whoever moves is gone until then.
fn rarely(config: &File) -> Vec<Diagnostic> {
    /// A query looks back so far, and so does the end of a series.
    const LOOKBACK: Duration = Duration(5 * 60_000);
    let mut found = Vec::new();
    for (index, job) in config.value["scrape_configs"].items().enumerate() {
        for key in ["dns_sd_configs", "http_sd_configs"] {
            for (at, lookup) in job[key].items().enumerate() {
                // Docker answers for its containers with addresses of the fourth version.
                if key == "dns_sd_configs" && lookup["type"] == "AAAA" {
                    found.push(place::at(
                        &config.path,
                        format!("/scrape_configs/{index}/{key}/{at}/type"),
                        format!(
                            "`{}` is looked up by addresses of IPv6, and the containers have none",
                            plain(&job["job_name"])
                        ),
                        "write `type: A`",
                    ));
                }
                let written = lookup["refresh_interval"].as_str();
                if let Some(interval) = written.and_then(Duration::parse)
                    && interval > LOOKBACK
                {
                    found.push(place::at(
                        &config.path,
                        format!("/scrape_configs/{index}/{key}/{at}/refresh_interval"),
                        format!(
                            "`{}` is looked up every {interval}: until then nobody scrapes what has moved",
                            plain(&job["job_name"])
                        ),
                        "leave it away: 30s is the default",
                    ));
                }
            }
        }
    }
    found
}

/// Keys whose number decides whether a scrape counts at all.
const LIMITS: [&str; 5] = [
    "sample_limit",
    "body_size_limit",
    "label_limit",
    "label_name_length_limit",
    "label_value_length_limit",
];

/// What a job is limited to: its own limit, or that of all jobs; 0 is none.
fn limit<'a>(config: &'a File, job: &'a Value, key: &str) -> Option<&'a Value> {
    let written = job.get(key).or_else(|| config.value["global"].get(key));
    written.filter(|limit| **limit != 0)
}

/// The least that each of the limits must allow, by what the catalog and its runtime promise.
struct Needed([u64; 5]);

impl Needed {
    fn of(stack: &Stack, service: &str, families: &[Family]) -> Needed {
        let target = stack.contract.targets.with("job", service);
        let own = target
            .ones()
            .next()
            .map(|index| &stack.contract.targets.list[index].labels);
        let given = || own.into_iter().flatten();
        let (mut series, mut bytes) = (0, 0);
        let (mut labels, mut name, mut value) = (0, 0, 0);
        for family in families {
            // A pattern stands for two values: with one the label would not be there.
            let values = |domain: &Domain| match domain {
                Domain::Values(values) => values.len() as u64,
                Domain::Pattern(_) => 2,
            };
            let count: u64 = family.labels.values().map(values).product();
            series += count;
            let text: usize = family.labels.keys().map(|label| label.len() + 4).sum();
            bytes += count * (family.name.len() + text + 3) as u64;
            // The name of the metric is a label too.
            labels = labels.max(family.labels.len() + given().count() + 1);
            name = family.labels.keys().map(String::len).fold(name, usize::max);
            let longest = family.labels.values().flat_map(|domain| match domain {
                Domain::Values(values) => values.iter().map(String::len).max(),
                Domain::Pattern(_) => None,
            });
            value = longest.fold(value.max(family.name.len()), usize::max);
        }
        name = given()
            .map(|(label, _)| label.len())
            .fold(name.max("__name__".len()), usize::max);
        value = given()
            .map(|(_, value)| value.len())
            .fold(value, usize::max);
        Needed([series, bytes, labels as u64, name as u64, value as u64])
    }
}

/// The most series of one family that are relabeled to see what becomes of them.
const SAMPLES: usize = 600;

/// The most targets of a job whose series are.
const TARGETS: usize = 4;

/// What rules behind the scrape take from a family, or make of it: its series are relabeled, one for each value that rules or
/// expressions tell apart.
fn changed(
    stack: &Stack,
    rules: &[Rule],
    family: &Family,
    service: &str,
) -> Option<(String, &'static str)> {
    let name = family.name.as_str();
    let read: Vec<(&String, &Domain)> = family
        .labels
        .iter()
        .filter(|(label, _)| {
            rules.iter().any(|rule| {
                !rule.of_names() && (rule.sources.contains(label) || rule.target == **label)
            })
        })
        .collect();
    let selectors: Vec<_> = stack
        .expressions
        .iter()
        .flat_map(|expression| selectors(&expression.ast))
        .filter(|selector| selector.name.as_deref() == Some(name))
        .collect();
    let matchers = |label: &str| -> Vec<&Matcher> {
        let all = selectors
            .iter()
            .flat_map(|selector| &selector.matchers.matchers);
        all.filter(|matcher| matcher.name == label).collect()
    };
    let plain: Labels = family
        .labels
        .keys()
        .map(|label| (label.clone(), "x".to_string()))
        .chain([("__name__".to_string(), name.to_string())])
        .collect();
    let of_job = stack.contract.targets.with("job", service);
    let targets = of_job
        .ones()
        .take(TARGETS)
        .map(|index| &stack.contract.targets.list[index].labels);
    let mut samples: Vec<Labels> = targets
        .map(|target| {
            let mut sample = target.clone();
            sample.extend(plain.clone());
            sample
        })
        .collect();
    for (label, domain) in &read {
        let values = probes(label, domain, rules, &matchers(label));
        let grown = samples.iter().flat_map(|sample| {
            values.iter().map(|value| {
                let mut sample = sample.clone();
                sample.insert(label.to_string(), value.clone());
                sample
            })
        });
        samples = grown.take(SAMPLES).collect();
    }
    let mut after: HashMap<Labels, Labels> = HashMap::new();
    let lasting = "let the rules touch only what the catalog and its runtime do not promise";
    let mut left = false;
    for before in samples {
        let told = |label: &str| !matchers(label).is_empty();
        match relabeled(rules, before.clone()) {
            Relabeled::Dropped => {
                let lost = match read.as_slice() {
                    [] => Some(String::new()),
                    // A bucket less is a coarser histogram; the last one counts all.
                    [(label, _)] if *label == "le" && !told(label) => {
                        (before["le"] == "+Inf").then(|| " with le=\"+Inf\"".to_string())
                    }
                    read => read
                        .iter()
                        .all(|(_, domain)| matches!(domain, Domain::Values(_)))
                        .then(|| read[0].0)
                        .or_else(|| {
                            read.iter()
                                .map(|(label, _)| *label)
                                .find(|label| told(label))
                        })
                        .map(|label| format!(" with {label}=\"{}\"", before[label])),
                };
                if let Some(which) = lost {
                    return Some((
                        format!("`{name}` of `{service}`{which} is dropped after the scrape"),
                        lasting,
                    ));
                }
            }
            Relabeled::Kept(labels) => {
                left = true;
                for (label, value) in &before {
                    let now = labels.get(label).map_or("", String::as_str);
                    let reads = |value: &str| -> Vec<bool> {
                        let judges = matchers(label).into_iter().map(Judge::of);
                        judges.map(|judge| judge.picks(value)).collect()
                    };
                    let of_target = !family.labels.contains_key(label);
                    let lost = now != value
                        && (now.is_empty()
                            || of_target
                            || value == "x"
                            || reads(value) != reads(now));
                    if lost {
                        return Some((
                            format!(
                                "`{name}` of `{service}` is changed after the scrape: its `{label}`"
                            ),
                            lasting,
                        ));
                    }
                }
                if let Some(other) = after.insert(labels, before.clone()) {
                    let differs = read
                        .iter()
                        .find(|(label, _)| other[*label] != before[*label]);
                    let label = differs.map_or("", |(label, _)| label.as_str());
                    return Some((
                        format!(
                            "`{name}` of `{service}` loses samples: {label}=\"{}\" and {label}=\"{}\" become one series after the scrape, and Prometheus keeps the first",
                            other.get(label).map_or("", String::as_str),
                            before.get(label).map_or("", String::as_str)
                        ),
                        "relabeling adds nothing up: do that in a recording rule, or let the service expose less",
                    ));
                }
            }
        }
    }
    (!left).then(|| {
        (
            format!("`{name}` of `{service}` is dropped after the scrape"),
            lasting,
        )
    })
}

/// Values of a label that rules and expressions may tell apart.
fn probes(label: &str, domain: &Domain, rules: &[Rule], matchers: &[&Matcher]) -> Vec<String> {
    let mut values: BTreeSet<String> = BTreeSet::new();
    if let Domain::Values(all) = domain {
        return all.clone();
    }
    let own = rules.iter().filter(|rule| rule.sources == [label]);
    let mut patterns: Vec<String> = own.map(|rule| rule.pattern.clone()).collect();
    patterns.extend(matchers.iter().map(|matcher| pattern(matcher)));
    for pattern in &patterns {
        let picked = domain.example(pattern, true);
        let mut more = vec![domain.example(pattern, false)];
        let inside = Domain::Pattern(pattern.clone());
        if let Some(first) = &picked {
            // One more of which the rule makes the same.
            let copying = rules.iter().filter(|rule| rule.sources == [label]);
            for alike in copying.filter_map(|rule| rule.alike(first)) {
                let alike = Domain::Pattern(alike);
                more.push(alike.example(&regex_syntax::escape(first), false));
            }
            more.push(inside.example(&regex_syntax::escape(first), false));
        }
        more.extend(patterns.iter().map(|other| inside.example(other, true)));
        more.push(picked);
        values.extend(
            more.into_iter()
                .flatten()
                .filter(|value| domain.holds(value)),
        );
    }
    // And some that are near each other.
    for _ in 0..4 {
        let known: Vec<String> = values
            .iter()
            .map(|value| regex_syntax::escape(value))
            .collect();
        match domain.example(&known.join("|"), false) {
            Some(value) => values.insert(value),
            None => break,
        };
    }
    values.into_iter().collect()
}

/// The names of what the catalog declares, or something reads, and a scrape gives.
fn promised(stack: &Stack) -> BTreeSet<String> {
    let declared = stack.catalog.declared().flat_map(|metric| {
        ["", "_bucket", "_sum", "_count"].map(|part| format!("{}{part}", metric.name))
    });
    let read = stack
        .expressions
        .iter()
        .flat_map(|expression| selectors(&expression.ast))
        .filter_map(|selector| selector.name.clone());
    // What is recorded, and what Prometheus adds to every scrape, comes later.
    let mut recorded: HashSet<&str> = stack
        .files
        .rules()
        .filter_map(|(_, _, rule)| rule["record"].as_str())
        .collect();
    recorded.extend(built_in("target").map(|name: &str| name));
    // What Prometheus writes of alerts is scraped of nobody.
    recorded.extend(["ALERTS", "ALERTS_FOR_STATE"]);
    declared
        .chain(read)
        .filter(|name| !recorded.contains(name.as_str()))
        .collect()
}

/// A metric of a service, with the labels that it gives its series.
struct Family {
    name: String,
    labels: BTreeMap<String, Domain>,
}

/// Those of them that a service exposes.
fn exposed(stack: &Stack, names: &BTreeSet<String>, service: &str) -> Vec<Family> {
    let target = stack.contract.targets.with("job", service);
    let of_service = |name: &String| {
        let family = stack.contract.family(name).iter();
        let mut own = family
            .filter(|series| !series.targets.is_disjoint(&target))
            .peekable();
        own.peek()?;
        let labels = own.flat_map(|series| series.labels.clone()).collect();
        Some(Family {
            name: name.clone(),
            labels,
        })
    };
    names.iter().filter_map(of_service).collect()
}

/// Whether the catalog itself gives both services one address: then it has been told already, or is accepted.
fn same(catalog: &Catalog, one: &str, other: &str) -> bool {
    let address = |name: &str| {
        catalog
            .service(name)
            .map(|service| (&service.instances, &service.metrics_path))
    };
    address(one).is_some() && address(one) == address(other)
}

/// Two targets that ask for the same, of which one is a service's.
fn doubles(config: &File, targets: &[Target], catalog: &Catalog) -> Vec<Diagnostic> {
    let mut found = Vec::new();
    let mut asked: HashMap<(&str, &str, String), &str> = HashMap::new();
    for target in targets {
        let name = target.labels.get("job").map_or("", String::as_str);
        let address = (
            target.address.as_str(),
            target.path.as_str(),
            json!(target.params).to_string(),
        );
        let Some(other) = asked.insert(address, name) else {
            continue;
        };
        let claims = catalog
            .service(name)
            .or_else(|| catalog.service(other))
            .is_some();
        if claims && name != other && !same(catalog, name, other) {
            found.push(place::at(
                &config.path,
                &target.pointer,
                format!(
                    "`{name}` scrapes {}{}, as `{other}` does",
                    target.address, target.path
                ),
                "give each job an address of its own",
            ));
        }
    }
    found
}

/// A job with more targets than it may have: Prometheus then scrapes none of them.
fn crowded(config: &File, targets: &[Target]) -> Vec<Diagnostic> {
    let global = &config.value["global"]["target_limit"];
    let jobs = config.value["scrape_configs"].items().enumerate();
    let crowded = jobs.filter_map(|(index, job)| {
        let limit = job.get("target_limit").unwrap_or(global).as_u64()?;
        let count = targets.iter().filter(|target| target.job == index).count();
        (limit > 0 && limit < count as u64).then(|| {
            place::at(
                &config.path,
                format!("/scrape_configs/{index}/target_limit"),
                format!("`target_limit` is {limit}, and the job has {count} targets: none of them is scraped"),
                "raise or remove it",
            )
        })
    });
    crowded.collect()
}

/// Where Prometheus is to scrape itself, another server answers: the rules about Prometheus then read nothing.
fn not_itself(stack: &Stack) -> Option<Diagnostic> {
    let address = &stack.catalog.prometheus.address;
    let (host, _) = address.rsplit_once(':')?;
    let other = stack.containers.container(host)?;
    let name = other.process.name.filter(|name| *name != "prometheus")?;
    Some(place::in_catalog(
        "/prometheus/address",
        format!("{address} is `{name}`, where Prometheus is to scrape itself"),
        "write the address of Prometheus: localhost:9090 in its own container",
    ))
}

/// The monitoring's own jobs, where they do not scrape what they are called after.
fn unwatched(stack: &Stack, config: &File) -> Vec<Diagnostic> {
    let itself = [stack.catalog.prometheus.address.clone()];
    let servers = [
        ("prometheus", &itself[..]),
        ("alertmanager", &stack.catalog.prometheus.alertmanagers[..]),
    ];
    let mut found = Vec::new();
    for (job, addresses) in servers {
        let targets = stack.contract.targets.with("job", job);
        let mut targets = targets.ones().map(|at| &stack.contract.targets.list[at]);
        let other = targets.find(|target| !addresses.contains(&target.address));
        found.extend(other.map(|target| {
            let message = format!(
                "the job `{job}` scrapes {}, the catalog says {}",
                target.address,
                addresses.join(" and ")
            );
            let help = "render the catalog's address: nobody else watches the monitoring itself";
            place::at(&config.path, &target.pointer, message, help)
        }));
    }
    found
}

/// A store of the catalog that is not written to as the catalog says.
fn otherwise_stored(stack: &Stack, config: &File) -> Vec<Diagnostic> {
    let contained = stack.catalog.prometheus.runs_on == "compose";
    let mut found = Vec::new();
    for said in &stack.catalog.prometheus.remote_write {
        let mut stores = config.value["remote_write"].items().enumerate();
        let store = stores.find(|(_, store)| store["url"] == said.url.as_str());
        let Some((index, store)) = store else {
            found.push(place::at(
                &config.path,
                "/remote_write",
                format!(
                    "nothing is written to {}, which the catalog names",
                    said.url
                ),
                "render it from `[prometheus]`",
            ));
            continue;
        };
        let settings = let_in(said.tls.as_ref(), said.auth.as_ref(), contained);
        for (key, wanted) in &settings {
            let written = store.get(key).unwrap_or(&Value::Null);
            if !lets_in(written, wanted) {
                found.push(place::at(
                    &config.path,
                    format!("/remote_write/{index}"),
                    format!(
                        "samples are written to {} with {key} `{}`, the catalog says `{}`",
                        said.url,
                        plain(written),
                        plain(wanted)
                    ),
                    "render it from the catalog: the store refuses what does not log in",
                ));
            }
        }
    }
    found
}

/// Targets that nothing tells apart: each scrape of one is out of order beside the other's, and is dropped.
fn alike(targets: &Targets, config: &File) -> Vec<Diagnostic> {
    let mut known: HashMap<&Labels, &Target> = HashMap::new();
    let mut found = Vec::new();
    let mut seen = HashSet::new();
    for target in &targets.list {
        let first = *known.entry(&target.labels).or_insert(target);
        if first.address != target.address && seen.insert(target.job) {
            found.push(place::at(
                &config.path,
                &target.pointer,
                format!(
                    "{} and {} have the same labels: their samples are one series, and most of them are dropped",
                    first.address, target.address
                ),
                "leave `instance` to Prometheus, or give each a label of its own",
            ));
        }
    }
    found
}

/// Histograms whose buckets are not kept as the series that rules read.
fn converted(stack: &Stack, config: &File) -> Vec<Diagnostic> {
    let selected = stack.expressions.iter();
    let mut selected = selected.flat_map(|expression| selectors(&expression.ast));
    let buckets = |name: &str| name.ends_with("_bucket");
    if !selected.any(|selector| selector.name.as_deref().is_some_and(buckets)) {
        return Vec::new();
    }
    let global = &config.value["global"];
    let set = |part: &Value, key: &str| part[key].as_bool();
    let (convert, keep) = (
        "convert_classic_histograms_to_nhcb",
        [
            "always_scrape_classic_histograms",
            "scrape_classic_histograms",
        ],
    );
    let jobs = config.value["scrape_configs"].items().enumerate();
    let lost = jobs.filter(|(_, job)| {
        let of = |key: &str| set(job, key).or_else(|| set(global, key)).unwrap_or(false);
        of(convert) && !keep.into_iter().any(of)
    });
    let lost = lost.map(|(index, job)| {
        let pointer = match set(job, convert) {
            Some(_) => format!("/scrape_configs/{index}/{convert}"),
            None => format!("/global/{convert}"),
        };
        place::at(
            &config.path,
            pointer,
            format!(
                "`{}` has no buckets any more, which rules and panels read: they are made into native histograms",
                plain(&job["job_name"])
            ),
            "leave it out, or keep the buckets too with `always_scrape_classic_histograms: true`",
        )
    });
    lost.collect()
}

/// What Prometheus refuses: two jobs of one name, a timeout above its interval.
fn names(config: &File) -> Vec<Diagnostic> {
    let mut found = Vec::new();
    let global = &config.value["global"];
    let own = |key: &str, from: &Value| from[key].as_str().and_then(Duration::parse);
    let every = own("scrape_interval", global).unwrap_or(Duration(60_000));
    if own("scrape_timeout", global).is_some_and(|timeout| timeout > every) {
        found.push(place::at(
            &config.path,
            "/global/scrape_timeout",
            format!("a scrape may take longer than the interval of {every}"),
            "Prometheus does not start so: shorten the timeout",
        ));
    }
    let mut known = HashMap::new();
    for (index, job) in config.value["scrape_configs"].items().enumerate() {
        let name = job["job_name"].as_str().unwrap_or_default();
        let pointer = format!("/scrape_configs/{index}");
        if known.insert(name, ()).is_some() {
            found.push(place::at(
                &config.path,
                format!("{pointer}/job_name"),
                format!("two jobs are called `{name}`"),
                "Prometheus does not start so: rename one of them",
            ));
        }
        let interval = own("scrape_interval", job).unwrap_or(every);
        if own("scrape_timeout", job).is_some_and(|timeout| timeout > interval) {
            found.push(place::at(
                &config.path,
                format!("{pointer}/scrape_timeout"),
                format!("`{name}` may take longer than its interval"),
                "Prometheus does not start so: shorten the timeout",
            ));
        }
    }
    found
}
