//! The least and the greatest value that an expression can have: from what a metric is, through functions and operators. Where
//! nothing says one, nothing is assumed.

use super::Contract;
use super::node::Node;
use super::series::{MetricType, SeriesSet};
use super::values::Bounds;
use crate::catalog::{Catalog, Service};
use crate::contract::domain::Domain;
use crate::profiles::Exposed;
use crate::promql::engine::LOOKBACK;
use crate::promql::number::number;
use crate::promql::token::{
    T_ADD, T_DIV, T_EQLC, T_GTE, T_GTR, T_LAND, T_LOR, T_LSS, T_LTE, T_LUNLESS, T_MOD, T_MUL,
    T_SUB, TokenId,
};
use crate::promql::walk::{selector, selectors};
use crate::promql::{
    AggregateExpr, BinaryExpr, Call, Expr, LabelModifier, VectorSelector, returns_bool,
};
use std::collections::{HashMap, HashSet};

/// From 0 on.
const COUNTS: Bounds = Bounds {
    least: 0.0,
    most: f64::INFINITY,
};

/// No or yes, and all that lies between them.
const SHARE: Bounds = Bounds {
    least: 0.0,
    most: 1.0,
};

/// What a runtime has of something, and how much there is in all.
const PARTS: [(&str, &str); 2] = [
    ("process_open_fds", "process_max_fds"),
    (
        "nodejs_heap_size_used_bytes",
        "nodejs_heap_size_total_bytes",
    ),
];

/// In bytes: memory is given in pages, and no page is smaller.
const SMALLEST: f64 = 4096.0;

/// The beginning of 2025, in seconds since 1970: no run is earlier.
const RECENTLY: f64 = 1_735_689_600.0;

/// A rate is worked out beyond its samples, and so may pass the limit of what it measures a little.
const EXTRAPOLATED: f64 = 1.1;

/// What the catalog says of values.
#[derive(Debug, Default)]
pub(crate) struct Limits {
    /// Job → bytes and cores that its container may use; a service without a container may use whatever there is.
    of_jobs: HashMap<String, (f64, f64)>,
    /// What services call their memory, where one series says all of it, in bytes.
    memory: HashSet<String>,
    /// What they call their CPU time → how much of it is a second.
    cpu: HashMap<String, f64>,
    /// Counters of failures with those of the attempts among which they are, and what profiles list as a part of something else.
    parts: HashSet<(String, String)>,
    /// Between what the values of a profile's metric are, by its name.
    of_profiles: HashMap<String, Bounds>,
    /// What every value of it is a multiple of.
    grains: HashMap<String, f64>,
}

impl Limits {
    pub(super) fn of(catalog: &Catalog) -> Limits {
        let limited = |service: &&Service| service.container;
        let limit = |service: &Service| {
            let limits = (service.memory_limit.0 as f64, service.cpu_limit);
            (service.name.clone(), limits)
        };
        let role = |alert: &crate::catalog::Alert, role: &str| {
            let key = alert.roles.get(role)?;
            let named =
                |metric: &&crate::catalog::Metric| metric.key == *key || metric.name == *key;
            let metric = catalog.metrics.iter().find(named)?;
            Some(metric.name.clone())
        };
        let alerts = catalog.alerts.iter();
        let (prometheus, alertmanager) = (&catalog.prometheus, &catalog.alertmanager);
        let servers = [
            ("prometheus", prometheus.memory_limit, prometheus.cpu_limit),
            (
                "alertmanager",
                alertmanager.memory_limit,
                alertmanager.cpu_limit,
            ),
        ];
        let servers =
            servers.map(|(job, memory, cores)| (job.to_string(), (memory.0 as f64, cores)));
        // The servers beside the services are programs of Go.
        let of_servers = catalog.profiles.roles("go", &[]);
        let all = catalog.services.iter().map(|service| &*service.roles);
        let all: Vec<_> = all.chain([&of_servers]).collect();
        let called = |role: &'static str| all.iter().filter_map(move |roles| roles.get(role));
        let services = catalog.services.iter().filter(limited).map(limit);
        Limits {
            memory: called("memory")
                .filter(|role| !role.summed && role.divisor == 1.0)
                .map(|role| role.metric.clone())
                .collect(),
            cpu: called("cpu")
                .map(|role| (role.metric.clone(), role.divisor))
                .collect(),
            of_jobs: services.chain(servers).collect(),
            of_profiles: HashMap::new(),
            grains: HashMap::new(),
            parts: alerts
                .filter_map(|alert| Some((role(alert, "failures")?, role(alert, "attempts")?)))
                .collect(),
        }
    }
}

impl Limits {
    /// What a profile says of the values of a metric.
    pub(super) fn know(&mut self, metric: &str, about: &Exposed) {
        if let Some(whole) = &about.part_of {
            self.parts.insert((metric.to_string(), whole.clone()));
        }
        if about.least.is_some() || about.most.is_some() {
            let least = about.least.unwrap_or(f64::NEG_INFINITY);
            let bounds = Bounds::new(least, about.most.unwrap_or(f64::INFINITY));
            let bounds = bounds.map(|bounds| (metric.to_string(), bounds));
            self.of_profiles.extend(bounds);
        }
        self.grains
            .extend(about.grain.map(|grain| (metric.to_string(), grain)));
    }

    /// What every value of a metric is a multiple of, where its profile knows that.
    pub(crate) fn grain(&self, metric: &str) -> Option<f64> {
        self.grains.get(metric).copied()
    }
}

/// What a comparison with a number leaves, its end included.
pub(crate) fn kept(operator: TokenId, limit: f64) -> Option<Bounds> {
    match operator {
        T_GTR | T_GTE => Bounds::new(limit, f64::INFINITY),
        T_LSS | T_LTE => Bounds::new(f64::NEG_INFINITY, limit),
        T_EQLC if limit.is_finite() => Some(Bounds::exactly(limit)),
        _ => None,
    }
}

/// `5 < x` is `x > 5`.
pub(crate) fn flipped(operator: TokenId) -> TokenId {
    match operator {
        T_GTR => T_LSS,
        T_LSS => T_GTR,
        T_GTE => T_LTE,
        T_LTE => T_GTE,
        other => other,
    }
}

/// The bounds of an expression whose operands are known.
pub(super) fn bounds(
    expr: &Expr,
    series: &[SeriesSet],
    operands: &[usize],
    nodes: &[Node],
    contract: &Contract,
) -> Option<Bounds> {
    let of = |index: usize| nodes[*operands.get(index)?].bounds;
    let last = || nodes[*operands.last()?].bounds;
    if let Some(value) = number(expr) {
        return Bounds::new(value, value);
    }
    if let Some(selector) = selector(expr) {
        return selected(selector.name.as_deref()?, series, contract);
    }
    match expr {
        Expr::Paren(_) | Expr::Subquery(_) => of(0),
        Expr::Unary(_) => of(0).and_then(|of| Bounds::new(-of.most, -of.least)),
        Expr::Aggregate(aggregate) => match aggregate.op.to_string().as_str() {
            "min" | "max" | "avg" | "topk" | "bottomk" | "quantile" => last(),
            "sum" => last()
                .filter(|bounds| bounds.least >= 0.0)
                .map(|bounds| Bounds {
                    least: bounds.least,
                    most: match bounds.most.is_finite() {
                        true if bounds.most == 0.0 => 0.0,
                        true => operands
                            .last()
                            .and_then(|index| members(aggregate, &nodes[*index], contract))
                            .map_or(f64::INFINITY, |count| count * bounds.most),
                        false => bounds.most,
                    },
                }),
            "count" => {
                let most = operands.last();
                let most = most.and_then(|index| members(aggregate, &nodes[*index], contract));
                // A stack for trying things out often has one of each.
                let most = most.filter(|most| *most > 1.0);
                Bounds::new(1.0, most.unwrap_or(f64::INFINITY))
            }
            "group" => Some(Bounds::exactly(1.0)),
            "stddev" | "stdvar" => Some(COUNTS),
            _ => None,
        },
        Expr::Binary(binary) => joined(binary, operands, nodes, contract),
        Expr::Call(call) => called(call, operands, nodes, contract),
        _ => None,
    }
}

fn selected(name: &str, series: &[SeriesSet], contract: &Contract) -> Option<Bounds> {
    if let Some(recorded) = contract.recorded(name) {
        return recorded.bounds;
    }
    if let Some(bounds) = contract.limits.of_profiles.get(name) {
        return Some(*bounds);
    }
    match name {
        "ALERTS" => return Some(Bounds::exactly(1.0)),
        name if contract.limits.memory.contains(name) => {
            return Bounds::new(
                SMALLEST,
                limit(series, contract, |(memory, _)| memory).unwrap_or(f64::INFINITY),
            );
        }
        _ => {}
    }
    let counter = |series: &SeriesSet| series.kind == MetricType::Counter;
    let counts = !series.is_empty() && series.iter().all(counter);
    (counts || contract.never_negative.contains(name)).then_some(COUNTS)
}

/// The greatest limit of the services that the series come from; None: one of them has none.
fn limit(
    series: &[SeriesSet],
    contract: &Contract,
    which: impl Fn((f64, f64)) -> f64,
) -> Option<f64> {
    let targets = series.iter().flat_map(|series| series.targets.ones());
    let jobs = targets.map(|index| contract.targets.list[index].labels.get("job"));
    let limits = jobs.map(|job| contract.limits.of_jobs.get(job?).copied());
    let limits = limits.collect::<Option<Vec<_>>>()?;
    limits.into_iter().map(which).reduce(f64::max)
}

fn joined(
    binary: &BinaryExpr,
    operands: &[usize],
    nodes: &[Node],
    contract: &Contract,
) -> Option<Bounds> {
    let (left, right) = (&nodes[operands[0]], &nodes[operands[1]]);
    let operator = binary.op.id();
    if binary.op.is_comparison_operator() {
        if returns_bool(binary) {
            return Some(SHARE);
        }
        let (of, limit, operator) = match (number(left.expr), number(right.expr)) {
            (None, Some(limit)) => (left, limit, operator),
            (Some(limit), None) => (right, limit, flipped(operator)),
            _ => return left.bounds,
        };
        let Some(kept) = kept(operator, limit) else {
            return of.bounds;
        };
        return match of.bounds {
            Some(bounds) => bounds.both(kept),
            None => Some(kept),
        };
    }
    match operator {
        T_LAND | T_LUNLESS => return left.bounds,
        T_LOR => return Some(left.bounds?.either(right.bounds?)),
        T_DIV => {
            if let Some(part) = part(left, right, nodes, contract) {
                return Bounds::new(0.0, part.factor);
            }
            if averages(left, right, nodes) {
                return Some(SHARE);
            }
        }
        _ => {}
    }
    // The rest has the sign of what is divided, whatever that is.
    if operator == T_MOD
        && let Some(by) = number(right.expr).filter(|by| by.is_finite() && *by != 0.0)
    {
        let least = left.bounds.filter(|left| left.least >= 0.0);
        let least = least.map_or(-by.abs(), |_| 0.0);
        return Bounds::new(least, by.abs().next_down());
    }
    if operator == T_SUB
        && let Some(age) = age(left, right)
    {
        return Bounds::new(0.0, age);
    }
    let (one, other) = (left.bounds?, right.bounds?);
    match operator {
        T_ADD => Bounds::new(one.least + other.least, one.most + other.most),
        T_SUB => Bounds::new(one.least - other.most, one.most - other.least),
        T_MUL => one.with(other, |one, other| one * other),
        T_DIV if other.least > 0.0 || other.most < 0.0 => one.with(other, |one, other| one / other),
        T_DIV if one.least >= 0.0 && other.least >= 0.0 => Some(COUNTS),
        _ => None,
    }
}

/// How long ago, in seconds, the sample may be whose time is subtracted from now: what is older is not found any more.
fn age(left: &Node, right: &Node) -> Option<f64> {
    let is_now = matches!(left.expr, Expr::Call(call) if call.func.name == "time");
    let sample = timed(right.expr).filter(|_| is_now)?;
    let plain = sample.offset.is_none() && sample.at.is_none();
    plain.then_some(LOOKBACK as f64 / 1000.0)
}

/// The selector of whose samples an expression has the times.
fn timed(expr: &Expr) -> Option<&VectorSelector> {
    match expr {
        Expr::Paren(inner) => timed(&inner.expr),
        Expr::Aggregate(aggregate) if ["min", "max"].contains(&&*aggregate.op.to_string()) => {
            timed(&aggregate.expr)
        }
        Expr::Call(call) if call.func.name == "timestamp" => match &**call.args.args.first()? {
            Expr::VectorSelector(sample) => Some(sample),
            _ => None,
        },
        _ => None,
    }
}

/// What a node aggregates, and by what, where it does that by an operator.
fn aggregate_of<'a>(node: &Node<'a>, operator: &str) -> Option<(usize, &'a Option<LabelModifier>)> {
    match node.expr {
        Expr::Aggregate(aggregate) if aggregate.op.to_string() == operator => {
            Some((*node.operands.last()?, &aggregate.modifier))
        }
        _ => None,
    }
}

/// Whether a sum of what is 0 or 1 is divided by how many there are of it.
fn averages(left: &Node, right: &Node, nodes: &[Node]) -> bool {
    let read = |index: usize| -> Vec<String> {
        let all = selectors(nodes[index].expr).into_iter();
        all.map(|selector| selector.to_string()).collect()
    };
    let (Some((summed, by)), Some((counted, too))) =
        (aggregate_of(left, "sum"), aggregate_of(right, "count"))
    else {
        return false;
    };
    let states = |bounds: Bounds| bounds.least >= 0.0 && bounds.most <= 1.0;
    let one = read(summed);
    by == too && one.len() == 1 && one == read(counted) && nodes[summed].bounds.is_some_and(states)
}

fn called(call: &Call, operands: &[usize], nodes: &[Node], contract: &Contract) -> Option<Bounds> {
    let node = |index: usize| Some(&nodes[*operands.get(index)?]);
    let of = |index: usize| node(index)?.bounds;
    let between = |least: f64, most: f64| Bounds::new(least, most);
    match call.func.name {
        "rate" | "irate" => {
            let of = node(0)?;
            let name = selector(of.expr).and_then(|selector| selector.name.as_deref());
            let cpu = name.and_then(|name| contract.limits.cpu.get(name));
            let most = limit(&of.series, contract, |(_, cores)| cores);
            let most = most.zip(cpu).map_or(f64::INFINITY, |(cores, second)| {
                cores * second * EXTRAPOLATED
            });
            between(0.0, most)
        }
        "increase" | "stddev_over_time" | "stdvar_over_time" | "timestamp" => Some(COUNTS),
        "time" => between(RECENTLY, f64::INFINITY),
        "year" if operands.is_empty() => between(2025.0, f64::INFINITY),
        // At most from each sample to the next.
        "changes" | "resets" => {
            let samples = samples(node(0)?, contract);
            between(0.0, samples.map_or(f64::INFINITY, |count| count - 1.0))
        }
        "count_over_time" => between(1.0, samples(node(0)?, contract).unwrap_or(f64::INFINITY)),
        // Above the last bound of the buckets it knows nothing, and says that bound.
        "histogram_quantile" => {
            let share = number(node(0)?.expr).filter(|share| (0.0..=1.0).contains(share));
            let last = share.and_then(|_| last_bound(node(1)?))?;
            between(0.0, last)
        }
        "histogram_fraction" => Some(SHARE),
        "avg_over_time" | "min_over_time" | "max_over_time" | "last_over_time" | "sort"
        | "sort_desc" | "label_replace" | "label_join" | "vector" | "ceil" | "floor" => {
            let of = of(0)?;
            match call.func.name {
                "ceil" => between(of.least.ceil(), of.most.ceil()),
                "floor" => between(of.least.floor(), of.most.floor()),
                _ => Some(of),
            }
        }
        "sum_over_time" => of(0).filter(|of| of.least >= 0.0).map(|of| {
            let all = node(0).and_then(|range| samples(range, contract));
            let most = match all {
                Some(count) if of.most.is_finite() => count * of.most,
                _ => f64::INFINITY,
            };
            Bounds {
                least: of.least,
                most,
            }
        }),
        "quantile_over_time" => of(1),
        "clamp_min" | "clamp_max" => {
            let end = number(node(1)?.expr)?;
            let of = of(0).unwrap_or(Bounds {
                least: f64::NEG_INFINITY,
                most: f64::INFINITY,
            });
            match call.func.name {
                "clamp_min" => between(of.least.max(end), of.most.max(end)),
                _ => between(of.least.min(end), of.most.min(end)),
            }
        }
        "abs" => match of(0) {
            Some(of) if of.least >= 0.0 => Some(of),
            Some(of) => between(0.0, of.most.max(-of.least)),
            None => Some(COUNTS),
        },
        "exp" | "sqrt" | "ln" | "log2" | "log10" => {
            let of = of(0).unwrap_or(Bounds {
                least: f64::NEG_INFINITY,
                most: f64::INFINITY,
            });
            let value: fn(f64) -> f64 = match call.func.name {
                "exp" => f64::exp,
                "sqrt" => |of| of.max(0.0).sqrt(),
                "ln" => |of| of.max(0.0).ln(),
                "log2" => |of| of.max(0.0).log2(),
                _ => |of| of.max(0.0).log10(),
            };
            between(value(of.least), value(of.most))
        }
        "absent" | "absent_over_time" | "present_over_time" => Some(Bounds::exactly(1.0)),
        "sgn" => between(-1.0, 1.0),
        "minute" => between(0.0, 59.0),
        "hour" => between(0.0, 23.0),
        "day_of_week" => between(0.0, 6.0),
        "day_of_month" => between(1.0, 31.0),
        "day_of_year" => between(1.0, 366.0),
        "days_in_month" => between(28.0, 31.0),
        "month" => between(1.0, 12.0),
        _ => None,
    }
}

/// How many samples a range holds at most.
fn samples(range: &Node, contract: &Contract) -> Option<f64> {
    let within = |range: u128, step: u64| (range as f64 / step as f64).floor() + 1.0;
    match range.expr {
        Expr::MatrixSelector(matrix) => {
            let name = matrix.vs.name.as_deref()?;
            if contract.recorded(name).is_some() {
                return Some(within(matrix.range.as_millis(), contract.recorded_every?));
            }
            let targets = range.series.iter().flat_map(|series| series.targets.ones());
            let intervals = targets.map(|index| contract.targets.list[index].interval.0);
            let fastest = intervals.min().filter(|interval| *interval > 0)?;
            let fastest = fastest.max(contract.pace.get());
            Some(within(matrix.range.as_millis(), fastest))
        }
        Expr::Subquery(subquery) => {
            let step = match subquery.step {
                Some(step) => u64::try_from(step.as_millis()).ok()?,
                None => contract.recorded_every?,
            };
            Some(within(subquery.range.as_millis(), step))
        }
        _ => None,
    }
}

/// How many series an aggregation takes together at most: those of one target each, of targets that are all known.
fn members(aggregate: &AggregateExpr, summed: &Node, contract: &Contract) -> Option<f64> {
    let by: &[String] = match &aggregate.modifier {
        None => &[],
        Some(LabelModifier::Include(by)) => &by.labels,
        Some(LabelModifier::Exclude(_)) => return None,
    };
    let mut groups: HashMap<Vec<&str>, HashSet<(usize, Vec<&str>)>> = HashMap::new();
    for (index, set) in summed.series.iter().enumerate() {
        if !set.labels.is_empty() || set.targets.is_clear() {
            return None;
        }
        for target in set.targets.ones() {
            let target = &contract.targets.list[target];
            if !target.open.is_empty() || target.several() {
                return None;
            }
            let label = |name: &String| target.labels.get(name).map_or("", String::as_str);
            let group = groups.entry(by.iter().map(label).collect()).or_default();
            let labels = set.labels_of(target);
            group.insert((
                index,
                labels.flat_map(|(label, value)| [label, value]).collect(),
            ));
        }
    }
    groups
        .values()
        .map(|group| group.len() as f64)
        .reduce(f64::max)
}

/// The greatest finite bound of buckets, where all of them are known.
fn last_bound(buckets: &Node) -> Option<f64> {
    let bounds = |series: &SeriesSet| match series.labels.get("le") {
        Some(Domain::Values(values)) => Some(
            values
                .iter()
                .filter_map(|value| value.parse::<f64>().ok())
                .filter(|bound| bound.is_finite())
                .fold(0.0, f64::max),
        ),
        _ => None,
    };
    let last = buckets.series.iter().map(bounds);
    let last = last.collect::<Option<Vec<f64>>>()?;
    last.into_iter().reduce(f64::max)
}

/// Some of a whole.
pub(crate) struct Part {
    /// 100, where it is written as percent.
    pub(crate) factor: f64,
    /// How each is counted, where that differs.
    pub(crate) counted: Option<(String, String)>,
}

/// A quotient whose numerator is among what its divisor counts: failures of attempts, some answers of all.
pub(crate) fn part(left: &Node, right: &Node, nodes: &[Node], contract: &Contract) -> Option<Part> {
    let (part, factor) = counted(left, nodes)?;
    let (whole, by) = counted(right, nodes)?;
    let (some, all) = (part.selector?, whole.selector?);
    let (one, other) = (some.name.as_deref()?, all.name.as_deref()?);
    let stem = |name: &str, ending: &str| name.strip_suffix(ending).map(str::to_string);
    let known = PARTS.contains(&(one, other))
        || contract
            .limits
            .parts
            .contains(&(one.to_string(), other.to_string()))
        || (stem(one, "_bucket").is_some() && stem(one, "_bucket") == stem(other, "_count"));
    let within = |narrow: &VectorSelector, wide: &VectorSelector| {
        let narrow: Vec<String> = narrow.matchers.matchers.iter().map(written).collect();
        let wide = wide.matchers.matchers.iter().map(written);
        wide.clone().all(|matcher| narrow.contains(&matcher))
            && (one != other || narrow.len() > wide.count())
    };
    ((known || one == other) && within(some, all) && part.aggregated == whole.aggregated).then(
        || Part {
            factor: factor / by,
            counted: (part.how != whole.how).then(|| (part.how.clone(), whole.how.clone())),
        },
    )
}

fn written(matcher: &crate::promql::Matcher) -> String {
    format!("{}{}{:?}", matcher.name, matcher.op, matcher.value)
}

/// What is counted, and how.
struct Counted<'a> {
    selector: Option<&'a VectorSelector>,
    /// `increase over 5m`, or nothing for a level.
    how: String,
    aggregated: String,
}

/// One metric that is rated and summed, with the number that it is multiplied with.
fn counted<'a>(node: &Node<'a>, nodes: &[Node<'a>]) -> Option<(Counted<'a>, f64)> {
    let inside = |index: usize| counted(&nodes[*node.operands.get(index)?], nodes);
    match node.expr {
        Expr::Paren(_) => inside(0),
        Expr::Aggregate(aggregate) if aggregate.param.is_none() => {
            let (within, factor) = inside(0)?;
            let operator = aggregate.op.to_string();
            let plain = within.aggregated.is_empty() && ["sum", "max"].contains(&operator.as_str());
            plain.then_some((
                Counted {
                    aggregated: operator,
                    ..within
                },
                factor,
            ))
        }
        Expr::Call(call) if ["rate", "increase"].contains(&call.func.name) => {
            let Expr::MatrixSelector(matrix) = nodes[*node.operands.first()?].expr else {
                return None;
            };
            let range = crate::catalog::Duration(matrix.range.as_millis() as u64);
            let what = Counted {
                selector: Some(&matrix.vs).filter(|of| of.offset.is_none() && of.at.is_none()),
                how: format!("{} over {range}", call.func.name),
                aggregated: String::new(),
            };
            Some((what, 1.0))
        }
        Expr::VectorSelector(selector) => {
            let what = Counted {
                selector: Some(selector).filter(|of| of.offset.is_none() && of.at.is_none()),
                how: String::new(),
                aggregated: String::new(),
            };
            Some((what, 1.0))
        }
        Expr::Binary(binary) => {
            let (left, right) = (
                &nodes[*node.operands.first()?],
                &nodes[*node.operands.get(1)?],
            );
            let zero = || {
                let zero = |node: &Node| node.bounds == Some(Bounds::exactly(0.0));
                zero(right)
            };
            match (binary.op.id(), number(left.expr), number(right.expr)) {
                (T_LOR, ..) if zero() => inside(0),
                (T_MUL, Some(factor), None) => inside(1).map(|(of, by)| (of, by * factor)),
                (T_MUL, None, Some(factor)) => inside(0).map(|(of, by)| (of, by * factor)),
                (T_GTR, None, Some(_)) => inside(0),
                (T_LSS, Some(_), None) => inside(1),
                _ => None,
            }
        }
        _ => None,
    }
}
