//! What Prometheus scrapes, as its rendered configuration says: targets, their labels, their intervals.

use super::domain::{Domain, of_all};
use super::relabel::{Labels, Relabeled, Rule, relabeled};
use crate::catalog::access::parted;
use crate::catalog::{Duration, Service};
use crate::json::plain;
use crate::promql::matchers::Judge;
use crate::promql::{MatchOp, Matcher};
use crate::value::Value;
use fixedbitset::FixedBitSet;
use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

/// One target with the labels that its series get.
#[derive(Debug)]
pub struct Target {
    /// `job`, `instance` and the static labels.
    pub labels: BTreeMap<String, String>,
    /// Between scrapes.
    pub interval: Duration,
    /// Of one scrape.
    pub(crate) timeout: Duration,
    /// host:port that is asked,
    pub address: String,
    /// how,
    pub scheme: String,
    /// for which path,
    pub path: String,
    /// with which query.
    pub(crate) params: BTreeMap<String, Vec<String>>,
    /// Whether labels that a series has itself win over those of the target.
    pub(crate) honors: bool,
    /// Labels of which only Prometheus knows the values, as it finds them while it runs.
    pub open: BTreeSet<String>,
    /// Its job in the configuration.
    pub(crate) job: usize,
    /// Where it stands.
    pub(crate) pointer: String,
}

/// All targets; sets of them are bits in their order.
#[derive(Debug, Default)]
pub struct Targets {
    /// In the order of the configuration.
    pub list: Vec<Target>,
    /// Relabeling that is not run: its place, and why.
    pub unread: Vec<(String, String)>,
    /// Job → the place of the first rule that drops one of its targets, or makes it another job's, and which.
    pub(crate) lost: BTreeMap<String, (String, Option<String>)>,
    /// Jobs of which some targets stand in no file.
    pub(crate) elsewhere: HashSet<usize>,
    /// Label → value → the indices of the targets that have it: as bits they would grow with the square of the targets.
    by_value: HashMap<String, BTreeMap<String, Vec<usize>>>,
    /// Label → the targets that have some value of it that nobody knows.
    open: HashMap<String, FixedBitSet>,
    /// Every distinct set of label names, with its targets.
    shapes: Vec<(BTreeSet<String>, FixedBitSet)>,
    picked: RefCell<HashMap<(String, String, String), FixedBitSet>>,
    /// Those that are not alone in their job, or stand for several.
    sharing: FixedBitSet,
}

/// Lists of targets that are rendered with the configuration, by the pattern of `file_sd_configs` that names them.
pub type Lists<'v> = HashMap<&'v str, Vec<&'v Value>>;

/// An address without the dot that may end the name of its host: `api.:8000` is `api:8000`.
pub(crate) fn one_name(address: String) -> String {
    match address.rsplit_once(':') {
        Some((host, port)) if host.ends_with('.') => {
            format!("{}:{port}", host.trim_end_matches('.'))
        }
        _ => address.trim_end_matches('.').to_string(),
    }
}

impl Target {
    /// What is left of a target's labels is its series'; those that begin with two underscores say how it is scraped.
    fn of(
        mut labels: Labels,
        mut params: BTreeMap<String, Vec<String>>,
        job: usize,
        pointer: String,
    ) -> Target {
        let mut take = |name: &str| labels.remove(name).unwrap_or_default();
        let (address, scheme, path) = (
            one_name(take("__address__")),
            take("__scheme__"),
            take("__metrics_path__"),
        );
        let (interval, timeout) = (take("__scrape_interval__"), take("__scrape_timeout__"));
        for (name, value) in &labels {
            if let Some(param) = name.strip_prefix("__param_") {
                let values = params.entry(param.to_string()).or_default();
                values.splice(..values.len().min(1), [value.clone()]);
            }
        }
        labels.retain(|name, _| !name.starts_with("__"));
        labels
            .entry("instance".to_string())
            .or_insert_with(|| address.clone());
        Target {
            honors: false,
            open: BTreeSet::new(),
            labels,
            interval: Duration::parse(&interval).unwrap_or_default(),
            timeout: Duration::parse(&timeout).unwrap_or_default(),
            address,
            scheme,
            path,
            params,
            job,
            pointer,
        }
    }
}

impl Target {
    /// Whether it is a name that stands for all the addresses that it has when it is looked up.
    pub(crate) fn several(&self) -> bool {
        self.pointer.contains("/dns_sd_configs/")
    }
}

/// What a job asks: each address, with its own labels and its place in the job. A name of `dns_sd_configs` stands for all the
/// addresses that it has when it is looked up; for what a service finds otherwise the two stand that are made up.
fn addresses<'j>(
    job: &'j Value,
    service: Option<&Service>,
    lists: &Lists<'j>,
) -> Vec<(String, &'j Value, String)> {
    let mut found = Vec::new();
    if let Some(service) = service
        && let Some((key, _)) = job.entries().find(|(key, _)| key.ends_with("_sd_configs"))
    {
        let pointer = format!("{key}/0");
        let of = |address: &String| (address.clone(), &Value::Null, pointer.clone());
        return match service.discovery {
            Some(_) => service.targets.iter().map(of).collect(),
            None => {
                let said = service.instances.iter();
                said.map(|one| of(&one.address)).collect()
            }
        };
    }
    for (index, group) in job["static_configs"].items().enumerate() {
        for (target, address) in group["targets"].texts().enumerate() {
            let pointer = format!("static_configs/{index}/targets/{target}");
            found.push((address.to_string(), &group["labels"], pointer));
        }
    }
    for (index, config) in job["file_sd_configs"].items().enumerate() {
        for (file, pattern) in config["files"].texts().enumerate() {
            let groups = lists.get(pattern).into_iter().flatten();
            for group in groups.flat_map(|list| list.items()) {
                let pointer = format!("file_sd_configs/{index}/files/{file}");
                let listed = group["targets"].texts();
                found.extend(
                    listed.map(|address| (address.to_string(), &group["labels"], pointer.clone())),
                );
            }
        }
    }
    for (index, config) in job["dns_sd_configs"].items().enumerate() {
        for (target, name) in config["names"].texts().enumerate() {
            let address = match config["port"].as_u64() {
                Some(port) if ["A", "AAAA"].contains(&config["type"].as_str().unwrap_or("SRV")) => {
                    format!("{name}:{port}")
                }
                _ => name.to_string(),
            };
            let pointer = format!("dns_sd_configs/{index}/names/{target}");
            found.push((address, &Value::Null, pointer));
        }
    }
    found
}

/// Whether a job has targets that only Prometheus finds, as it runs.
fn finds(job: &Value, lists: &Lists) -> bool {
    let listed = |pattern: &str| lists.get(pattern).is_some_and(|files| !files.is_empty());
    let mut sections = job
        .entries()
        .filter(|(key, _)| key.ends_with("_sd_configs"));
    sections.any(|(key, section)| match key.as_str() {
        "dns_sd_configs" => false,
        "file_sd_configs" => {
            let mut files = section.items().flat_map(|asked| asked["files"].texts());
            files.any(|pattern| !listed(pattern))
        }
        _ => true,
    })
}

/// What a job asks with each scrape.
fn params(job: &Value) -> BTreeMap<String, Vec<String>> {
    let said = job["params"].entries();
    said.map(|(name, values)| (name.clone(), values.items().map(plain).collect()))
        .collect()
}

/// The labels of every target of a job before its rules are run, without its address.
pub(crate) fn before_relabeling(config: &Value, job: &Value) -> Labels {
    let text = |key: &str| job[key].as_str().map(str::to_string);
    let global = |key: &str, default: &str| {
        let value = config["global"][key].as_str().unwrap_or(default);
        value.to_string()
    };
    let interval = text("scrape_interval").unwrap_or_else(|| global("scrape_interval", "1m"));
    // Without one of its own a job's timeout is the global one, as far as its interval lets it.
    let timeout = text("scrape_timeout").unwrap_or_else(|| {
        let timeout = global("scrape_timeout", "10s");
        match Duration::parse(&timeout) > Duration::parse(&interval) {
            true => interval.clone(),
            false => timeout,
        }
    });
    let mut labels = Labels::from(
        [
            ("job", text("job_name").unwrap_or_default()),
            ("__scheme__", text("scheme").unwrap_or("http".to_string())),
            (
                "__metrics_path__",
                text("metrics_path").unwrap_or("/metrics".to_string()),
            ),
            ("__scrape_interval__", interval),
            ("__scrape_timeout__", timeout),
        ]
        .map(|(name, value)| (name.to_string(), value)),
    );
    for (name, values) in params(job) {
        let first = values.into_iter().next();
        labels.extend(first.map(|value| (format!("__param_{name}"), value)));
    }
    labels
}

/// The first rule by which a target is dropped, or is another job's, and which.
fn leaving(rules: &[Rule], before: &Labels, after: &Relabeled) -> Option<(usize, Option<String>)> {
    let job = |relabeled: &Relabeled| match relabeled {
        Relabeled::Kept(labels) => Some(labels.get("job").cloned().unwrap_or_default()),
        Relabeled::Dropped => None,
    };
    let own = before.get("job").cloned();
    if job(after) == own {
        return None;
    }
    (0..rules.len()).find_map(|rule| {
        let called = job(&relabeled(&rules[..=rule], before.clone()));
        (called != own).then_some((rule, called))
    })
}

impl Targets {
    pub fn read<'v>(config: &'v Value, services: &[Service], lists: &Lists<'v>) -> Targets {
        let named = services.iter().map(|one| (one.name.as_str(), one));
        let named: HashMap<&str, &Service> = named.collect();
        let (mut list, mut unread, mut lost) = (Vec::new(), Vec::new(), BTreeMap::new());
        let mut elsewhere = HashSet::new();
        for (index, job) in config["scrape_configs"].items().enumerate() {
            let name = job["job_name"].as_str().unwrap_or_default();
            let finds = finds(job, lists);
            // What a job of its name finds by itself are the service's own instances: nobody can say more before it runs.
            let found = finds && job["static_configs"].is_null();
            let service = named
                .get(name)
                .copied()
                .filter(|one| one.discovery.is_some() || found);
            if finds {
                elsewhere.insert(index);
            }
            let mut rules = match Rule::read(&job["relabel_configs"]) {
                Ok(rules) => rules,
                Err((rule, reason)) => {
                    unread.push((
                        format!("/scrape_configs/{index}/relabel_configs/{rule}"),
                        reason,
                    ));
                    Vec::new()
                }
            };
            if service.is_some() {
                // Those that fit are meant, and nothing more is known of what is found.
                rules.retain(|rule| !rule.keeps_discovered());
            }
            let base = before_relabeling(config, job);
            let params = params(job);
            let found = addresses(job, service, lists).into_iter().enumerate();
            for (at, (address, own, pointer)) in found {
                let mut labels = base.clone();
                labels.insert("__address__".to_string(), address);
                let said = service.and_then(|service| service.discovery.as_ref());
                if let (Some(label), Some(service)) =
                    (said.and_then(|said| said.address.as_ref()), service)
                {
                    let made_up = &service.targets[at];
                    let (host, _) = parted(made_up);
                    // Where a port is said, it is put behind what is found.
                    let known = match service.says_port() {
                        true => host,
                        false => made_up,
                    };
                    labels.insert(label.clone(), known.to_string());
                }
                for (label, patterns) in said.iter().flat_map(|said| &said.keep) {
                    let value = of_all(&patterns.0);
                    labels.extend(value.map(|value| (label.clone(), value)));
                }
                for found in said.iter().flat_map(|said| said.labels.values()) {
                    labels.insert(found.clone(), format!("{name}-{}", at + 1));
                }
                labels.extend(
                    own.entries()
                        .map(|(label, value)| (label.clone(), plain(value))),
                );
                let before = (!rules.is_empty()).then(|| labels.clone());
                let after = relabeled(&rules, labels);
                let leaves = before.and_then(|before| leaving(&rules, &before, &after));
                if let Some((rule, called)) = leaves {
                    let place = format!("/scrape_configs/{index}/relabel_configs/{rule}");
                    lost.entry(name.to_string()).or_insert((place, called));
                }
                let Relabeled::Kept(labels) = after else {
                    continue;
                };
                let pointer = format!("/scrape_configs/{index}/{pointer}");
                let target = Target::of(labels, params.clone(), index, pointer);
                list.push(Target {
                    honors: job["honor_labels"] == true,
                    open: service
                        .into_iter()
                        .flat_map(Service::open_labels)
                        .map(str::to_string)
                        .collect(),
                    ..target
                });
            }
        }
        let mut targets = Targets {
            list,
            unread,
            lost,
            elsewhere,
            ..Targets::default()
        };
        targets.index();
        targets
    }

    fn index(&mut self) {
        for (index, target) in self.list.iter().enumerate() {
            for label in &target.open {
                let none = || FixedBitSet::with_capacity(self.list.len());
                let open = self.open.entry(label.clone()).or_insert_with(none);
                open.insert(index);
            }
        }
        for (index, target) in self.list.iter().enumerate() {
            for (label, value) in &target.labels {
                self.by_value
                    .entry(label.clone())
                    .or_default()
                    .entry(value.clone())
                    .or_default()
                    .push(index);
            }
        }
        let mut shapes: BTreeMap<(BTreeSet<&String>, bool), FixedBitSet> = BTreeMap::new();
        for (index, target) in self.list.iter().enumerate() {
            shapes
                .entry((target.labels.keys().collect(), target.honors))
                .or_insert_with(|| self.none())
                .insert(index);
        }
        self.shapes = shapes
            .into_iter()
            .map(|((labels, _), targets)| (labels.into_iter().cloned().collect(), targets))
            .collect();
        let jobs = self.by_value.get("job").into_iter().flatten();
        let shared = jobs.filter(|(_, targets)| targets.len() > 1);
        let shared = shared.flat_map(|(_, targets)| targets.iter().copied());
        let many = self.list.iter().enumerate();
        let many = many.filter(|(_, target)| target.several());
        self.sharing = shared.chain(many.map(|(index, _)| index)).collect();
    }

    /// The targets of jobs that have several, one name that stands for all of them included.
    pub(crate) fn sharing_a_job(&self) -> &FixedBitSet {
        &self.sharing
    }

    /// The targets of a set apart by the names of their labels, and by whether those give way, in the order of those.
    pub(crate) fn apart(
        &self,
        set: &FixedBitSet,
    ) -> impl Iterator<Item = (&BTreeSet<String>, FixedBitSet)> {
        let within = move |targets: &FixedBitSet| {
            let mut within = targets.clone();
            within.intersect_with(set);
            within
        };
        self.shapes
            .iter()
            .map(move |(labels, targets)| (labels, within(targets)))
            .filter(|(_, targets)| !targets.is_clear())
    }

    pub(crate) fn none(&self) -> FixedBitSet {
        FixedBitSet::with_capacity(self.list.len())
    }

    pub(crate) fn all(&self) -> FixedBitSet {
        let mut all = self.none();
        all.insert_range(..);
        all
    }

    /// The targets with this value of a label.
    pub(crate) fn with(&self, label: &str, value: &str) -> FixedBitSet {
        self.with_any(label, [value])
    }

    /// The targets that have all of these labels with these values.
    pub(crate) fn with_all(&self, labels: &[(&str, &str)]) -> FixedBitSet {
        let known = |(label, value): &(&str, &str)| self.by_value.get(*label)?.get(*value);
        let Some(lists) = labels.iter().map(known).collect::<Option<Vec<_>>>() else {
            return self.none();
        };
        // A service is one of many of its group.
        let Some(fewest) = lists.into_iter().min_by_key(|list| list.len()) else {
            return self.all();
        };
        let mut set = self.none();
        for index in fewest {
            let own = &self.list[*index].labels;
            let has =
                |(label, value): &(&str, &str)| own.get(*label).is_some_and(|own| own == value);
            set.set(*index, labels.iter().all(has));
        }
        set
    }

    /// The targets of the job of a configuration, whatever they are called.
    pub(crate) fn of_job(&self, config: &Value, name: &str) -> FixedBitSet {
        let mut jobs = config["scrape_configs"].items();
        let index = jobs.position(|job| job["job_name"] == name);
        let mut set = self.none();
        let targets = self.list.iter().enumerate();
        let own = targets.filter(|(_, target)| Some(target.job) == index);
        set.extend(own.map(|(target, _)| target));
        set
    }

    /// The targets with one of these values of a label.
    pub(crate) fn with_any<'a>(
        &self,
        label: &str,
        values: impl IntoIterator<Item = &'a str>,
    ) -> FixedBitSet {
        let mut set = self.none();
        let Some(known) = self.by_value.get(label) else {
            return set;
        };
        values
            .into_iter()
            .filter_map(|value| known.get(value))
            .flatten()
            .for_each(|index| set.insert(*index));
        set
    }

    /// Every target that shares its value of a label with one of the set.
    pub(crate) fn alike(&self, set: &FixedBitSet, label: &str) -> FixedBitSet {
        let mut alike = set.clone();
        let shared = self
            .by_value
            .get(label)
            .into_iter()
            .flat_map(BTreeMap::values)
            .filter(|with| with.len() > 1);
        let meeting = shared.filter(|with| with.iter().any(|index| set.contains(*index)));
        meeting.flatten().for_each(|index| alike.insert(*index));
        alike
    }

    /// The targets that do not have the label.
    pub(crate) fn without(&self, label: &str) -> FixedBitSet {
        let mut set = self.all();
        let having = self.by_value.get(label).into_iter().flatten();
        having
            .flat_map(|(_, having)| having)
            .for_each(|index| set.remove(*index));
        set
    }

    /// Whether any target has the label.
    pub(crate) fn have(&self, label: &str) -> bool {
        self.by_value.contains_key(label)
    }

    /// The values of a label.
    pub(crate) fn values(&self, label: &str) -> impl Iterator<Item = &str> + Clone {
        self.by_value
            .get(label)
            .into_iter()
            .flat_map(|values| values.keys().map(String::as_str))
    }

    /// The values that a label has among some targets.
    pub(crate) fn values_of(&self, some: &FixedBitSet, label: &str) -> BTreeSet<&String> {
        let Some(known) = self.by_value.get(label) else {
            return BTreeSet::new();
        };
        // A few targets are asked for their values; where they are many, each value for one of them.
        if some.count_ones(..) < known.len() {
            let few = some.ones();
            return few
                .filter_map(|index| self.list[index].labels.get(label))
                .collect();
        }
        let among = |all: &Vec<usize>| all.iter().any(|index| some.contains(*index));
        let known = known.iter().filter(|(_, all)| among(all));
        known.map(|(value, _)| value).collect()
    }

    /// Whether a label has a value.
    pub(crate) fn offers(&self, label: &str, value: &str) -> bool {
        let values = self.by_value.get(label);
        values.is_some_and(|values| values.contains_key(value))
    }

    /// The targets that a matcher on one of their labels picks; a label that a target lacks is empty.
    pub(crate) fn matching(&self, matcher: &Matcher) -> FixedBitSet {
        let open = self.open.get(&matcher.name);
        if matches!(matcher.op, MatchOp::Equal) && !matcher.value.is_empty() {
            let mut picked = self.with(&matcher.name, &matcher.value);
            if let Some(open) = open {
                picked.union_with(open);
            }
            return picked;
        }
        let key = (
            matcher.name.clone(),
            matcher.op.to_string(),
            matcher.value.clone(),
        );
        if let Some(known) = self.picked.borrow().get(&key) {
            return known.clone();
        }
        let judge = Judge::of(matcher);
        let mut picked = if judge.picks("") {
            self.all()
        } else {
            self.none()
        };
        for (value, set) in self.by_value.get(&matcher.name).into_iter().flatten() {
            let matches = judge.picks(value);
            set.iter().for_each(|index| picked.set(*index, matches));
        }
        if let Some(open) = open.filter(|_| Domain::Pattern(".+".to_string()).meets(matcher)) {
            picked.union_with(open);
        }
        self.picked.borrow_mut().insert(key, picked.clone());
        picked
    }
}
