//! What an exposition says, as metrics of a catalog: families with their types, helps, labels and bounds; and what it could not say.

pub(crate) mod explained; // what a runtime or a profile says already
mod values; // the values of a label

use crate::catalog::TAKEN;
use crate::live::exposition::{Exposition, Sample};
use crate::profiles::Type;
use crate::value::Map;
use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use values::{Seen, domain};

/// A metric as it is to be declared.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Family {
    /// With `_total`, without `_bucket`.
    pub name: String,
    pub kind: Type,
    pub help: String,
    /// Label → its values or a pattern.
    pub labels: Map,
    /// Upper bounds of a histogram, ascending.
    pub buckets: Vec<f64>,
    /// Whether it comes in the native form, which only a Prometheus shows.
    pub native: bool,
    /// Of a summary, ascending.
    pub quantiles: Vec<f64>,
    /// Who exposes it, in the order in which they were read.
    pub services: Vec<String>,
}

/// What an exposition does not tell, each with the names that it is about.
#[derive(Debug, Default, PartialEq)]
pub(crate) struct Doubts {
    /// Services that exposed nothing.
    pub unseen: Vec<String>,
    /// Metrics without a type: taken for gauges, or for counters where the name says so.
    pub untyped: Vec<String>,
    /// Labels of which one value was seen: `version of go_info`.
    pub single: Vec<String>,
    /// Labels with too many values for a list.
    pub many: Vec<String>,
    /// Registered, but without a series: their labels are not known.
    pub silent: Vec<String>,
    /// What cannot be declared, with its reason.
    pub left_out: Vec<(String, String)>,
}

/// What is known of a family while it is read.
#[derive(Default)]
struct Found {
    kind: Option<Type>,
    untyped: bool,
    help: String,
    /// Label → its values.
    labels: BTreeMap<String, Seen>,
    /// Samples, whatever their labels.
    samples: usize,
    bounds: BTreeSet<Bound>,
    native: bool,
    quantiles: BTreeSet<Bound>,
    services: Vec<String>,
}

/// A number in its order.
#[derive(Clone, Copy, PartialEq)]
struct Bound(f64);

impl Eq for Bound {}

impl PartialOrd for Bound {
    fn partial_cmp(&self, other: &Bound) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Bound {
    fn cmp(&self, other: &Bound) -> std::cmp::Ordering {
        self.0.total_cmp(&other.0)
    }
}

/// The families of what several services expose, in the order of their first samples, and what is not known of them.
pub(crate) fn families(exposed: &[(String, Exposition)]) -> (Vec<Family>, Doubts) {
    let mut order: Vec<String> = Vec::new();
    let mut found: HashMap<String, Found> = HashMap::new();
    let mut doubts = Doubts::default();
    let mut silent: BTreeSet<&String> = BTreeSet::new();
    for (service, exposition) in exposed {
        let untyped = untyped_histograms(exposition);
        let mut with_series: HashSet<String> = HashSet::new();
        for sample in &exposition.samples {
            let (stem, kind) = family_of(sample, exposition, &untyped);
            with_series.insert(stem.to_string());
            let (name, kind) = match kind {
                Of::Type(name, kind) => (name, Some(kind)),
                Of::Untyped(name) => (name, None),
                Of::Nothing => continue,
                Of::Undeclarable(reason) => {
                    doubts.leave_out(stem, reason);
                    continue;
                }
            };
            let recorded = (kind.is_none() && name.contains(':'))
                .then_some("a name with a colon and without a type is that of a recording rule");
            if let Some(reason) = unspeakable(&name).or(recorded) {
                doubts.leave_out(&name, reason);
                continue;
            }
            let family = found.entry(name.clone()).or_insert_with(|| {
                order.push(name.clone());
                Found::default()
            });
            if let (Some(known), Some(kind)) = (family.kind, kind)
                && known != kind
            {
                let reason = format!("it is a {} here and a {} there", known.word(), kind.word());
                doubts.leave_out(&name, &reason);
            }
            family.kind = family.kind.or(kind);
            family.untyped |= kind.is_none();
            family.native |= exposition.natives.contains(&sample.name);
            if family.help.is_empty() {
                family.help = [stem, name.as_str()]
                    .iter()
                    .find_map(|name| exposition.helps.get(*name))
                    .map(|help| sentence(help))
                    .unwrap_or_default();
            }
            if !family.services.contains(service) {
                family.services.push(service.clone());
            }
            family.add(sample, &name);
        }
        let types = exposition.types.keys();
        silent.extend(types.filter(|name| {
            let counted = format!("{name}_total");
            !with_series.contains(*name) && !with_series.contains(&counted)
        }));
    }
    let created: Vec<String> = found
        .keys()
        .filter(|name| {
            let stem = name.strip_suffix("_created");
            stem.is_some_and(|stem| {
                found.contains_key(stem) || found.contains_key(&format!("{stem}_total"))
            })
        })
        .cloned()
        .collect();
    let mut families = Vec::new();
    for name in order {
        let Some(about) = found.remove(&name).filter(|_| !created.contains(&name)) else {
            continue;
        };
        if doubts.left_out.iter().all(|(left, _)| *left != name) {
            families.push(about.family(name, &mut doubts));
        }
    }
    let known: HashSet<&String> = families.iter().map(|family| &family.name).collect();
    doubts.silent = silent
        .into_iter()
        .filter(|name| !known.contains(name) && !name.ends_with("_created"))
        .cloned()
        .collect();
    (families, doubts)
}

/// What a sample belongs to.
enum Of {
    /// A family of this name and type.
    Type(String, Type),
    /// One whose type nobody says.
    Untyped(String),
    /// When a series began, which no contract speaks of.
    Nothing,
    Undeclarable(&'static str),
}

/// The family of a sample as `# TYPE` calls it, and what that is.
fn family_of<'a>(
    sample: &'a Sample,
    exposition: &Exposition,
    untyped_histograms: &HashSet<String>,
) -> (&'a str, Of) {
    let name = sample.name.as_str();
    if let Some(kind) = exposition.types.get(name) {
        let whole = name.to_string();
        let of = match kind.as_str() {
            "counter" => Of::Type(whole, Type::Counter),
            "gauge" | "info" | "stateset" => Of::Type(whole, Type::Gauge),
            "summary" => Of::Type(whole, Type::Summary),
            "histogram" if exposition.natives.contains(name) => Of::Type(whole, Type::Histogram),
            "histogram" => Of::Undeclarable(
                "a histogram has no series of its own name in text: if it is a native one, a Prometheus that scrapes it shows that, `--prometheus-url`",
            ),
            "gaugehistogram" => Of::Undeclarable("no rule reads a gauge histogram rightly"),
            _ => Of::Untyped(whole),
        };
        return (name, of);
    }
    for suffix in [
        "_bucket", "_sum", "_count", "_total", "_created", "_info", "_gsum", "_gcount",
    ] {
        let Some(stem) = name.strip_suffix(suffix) else {
            continue;
        };
        let of = match (exposition.types.get(stem).map(String::as_str), suffix) {
            (Some("histogram"), "_bucket" | "_sum" | "_count") => {
                Of::Type(stem.to_string(), Type::Histogram)
            }
            (Some("summary"), "_sum" | "_count") => Of::Type(stem.to_string(), Type::Summary),
            (Some("counter"), "_total") => Of::Type(name.to_string(), Type::Counter),
            (Some("info"), "_info") => Of::Type(name.to_string(), Type::Gauge),
            (Some("counter" | "histogram" | "summary"), "_created") => Of::Nothing,
            (Some("gaugehistogram"), _) => {
                Of::Undeclarable("no rule reads a gauge histogram rightly")
            }
            (None, "_bucket" | "_sum" | "_count") if untyped_histograms.contains(stem) => {
                Of::Type(stem.to_string(), Type::Histogram)
            }
            _ => continue,
        };
        return (stem, of);
    }
    (name, Of::Untyped(name.to_string()))
}

/// Stems of `_bucket` with a label `le` that no `# TYPE` says anything of.
fn untyped_histograms(exposition: &Exposition) -> HashSet<String> {
    let buckets = exposition.samples.iter().filter_map(|sample| {
        let stem = sample.name.strip_suffix("_bucket")?;
        let known = exposition.types.contains_key(stem);
        (!known && !sample.label("le").is_empty()).then(|| stem.to_string())
    });
    buckets.collect()
}

/// Why a name cannot stand in a catalog.
fn unspeakable(name: &str) -> Option<&'static str> {
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | ':');
    (!name.chars().all(plain) || name.len() > 200)
        .then_some("its name is none that a query can write without quotes")
}

/// A help as a catalog can hold it: one line without braces or dollar signs.
fn sentence(help: &str) -> String {
    let plain = |c: char| !c.is_control() && !matches!(c, '{' | '}' | '$');
    let text: String = help
        .chars()
        .map(|c| if c.is_whitespace() { ' ' } else { c })
        .filter(|c| plain(*c))
        .collect();
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// `jobs_waiting` → `Jobs waiting`: what a metric without a help is about.
fn words(name: &str) -> String {
    let text = name.replace('_', " ");
    let text = text.trim();
    let first = text.chars().take(1).flat_map(char::to_uppercase);
    first.chain(text.chars().skip(1)).collect()
}

impl Found {
    fn add(&mut self, sample: &Sample, name: &str) {
        self.samples += 1;
        let parted = self.kind.unwrap_or(Type::Untyped);
        for (label, value) in &sample.labels {
            match (label.as_str(), parted) {
                ("le", Type::Histogram) => {
                    let bound = value.parse().ok().filter(|bound: &f64| bound.is_finite());
                    self.bounds.extend(bound.map(Bound));
                }
                ("quantile", Type::Summary) if sample.name == name => {
                    self.quantiles.extend(value.parse().ok().map(Bound));
                }
                _ => self.labels.entry(label.clone()).or_default().add(value),
            }
        }
    }

    fn family(self, name: String, doubts: &mut Doubts) -> Family {
        let kind = self.kind.unwrap_or_else(|| {
            doubts.untyped.push(name.clone());
            if name.ends_with("_total") {
                Type::Counter
            } else {
                Type::Gauge
            }
        });
        let mut labels = Map::new();
        for (label, seen) in &self.labels {
            if label.starts_with("__")
                || label.starts_with("exported_")
                || TAKEN.contains(&label.as_str())
            {
                let what = format!("the label `{label}` of {name}");
                let arrives = label.trim_start_matches("exported_");
                doubts.leave_out(
                    &what,
                    &format!("targets have that label too, and it arrives as `exported_{arrives}`"),
                );
                continue;
            }
            let (domain, doubt) = domain(label, seen, seen.samples == self.samples);
            let about = || format!("{label} of {name}");
            match doubt {
                Some(values::Doubt::Single) => doubts.single.push(about()),
                Some(values::Doubt::Many) => doubts.many.push(about()),
                None => {}
            }
            labels.insert(label.clone(), domain);
        }
        let positive = self.bounds.iter().all(|bound| bound.0 > 0.0);
        if !positive {
            let what = format!("the buckets of {name}");
            doubts.leave_out(&what, "a bound of the catalog is above zero");
        }
        if kind == Type::Histogram && self.bounds.is_empty() && !self.native {
            let what = format!("the buckets of {name}");
            doubts.leave_out(
                &what,
                "it has none but that of everything, as a native histogram has in text: if it is one, write `native = true`, or read it with `--prometheus-url`, where that shows",
            );
        }
        let numbers = |bounds: BTreeSet<Bound>| bounds.into_iter().map(|bound| bound.0).collect();
        Family {
            help: if self.help.is_empty() {
                words(&name)
            } else {
                self.help
            },
            kind,
            labels,
            buckets: if positive {
                numbers(self.bounds)
            } else {
                Vec::new()
            },
            native: self.native,
            quantiles: numbers(self.quantiles),
            services: self.services,
            name,
        }
    }
}

impl Doubts {
    fn leave_out(&mut self, what: &str, reason: &str) {
        if self.left_out.iter().all(|(known, _)| known != what) {
            self.left_out.push((what.to_string(), reason.to_string()));
        }
    }

    /// Only what is about these metrics: nobody need know what is not known of the others.
    pub(crate) fn keep(&mut self, metrics: &HashSet<&str>) {
        let about = |text: &String| {
            let name = text.rsplit(' ').next().unwrap_or(text);
            metrics.contains(name)
        };
        self.untyped.retain(about);
        self.single.retain(about);
        self.many.retain(about);
    }
}

#[cfg(test)]
mod tests;
