//! What templates may ask for: numbers worked out from others, and words checked before they go unquoted.

use super::refuse;
use crate::catalog::{Duration, Size, secrets, snake, with_unit};
use crate::contract::exposed::openmetrics;
use crate::promql;
use crate::promql::engine::metric;
use crate::promql::walk::selectors;
use minijinja::value::{Kwargs, Value};
use minijinja::{Environment, Error, State, context};
use std::collections::{BTreeMap, BTreeSet, HashSet};

/// Registers every function and filter.
pub(crate) fn add_to(environment: &mut Environment) {
    environment.add_filter("bare", bare);
    environment.add_filter("code", code);
    environment.add_filter("address", super::escape::address);
    environment.add_filter("seconds", seconds);
    environment.add_filter("compose_size", compose_size);
    environment.add_filter("snake", |name: &str| snake(name));
    environment.add_filter("with_unit", |value: f64, unit: Option<&str>| {
        with_unit(value, unit)
    });
    environment.add_filter("grafana_unit", grafana_unit);
    environment.add_filter("block", super::escape::block);
    environment.add_filter("comment", comment);
    environment.add_filter("lines", lines);
    environment.add_filter("words", words);
    environment.add_filter("spoken", spoken);
    environment.add_filter("named", named);
    environment.add_filter("emitted", emitted);
    environment.add_filter("reaches", reaches);
    environment.add_filter("probed", probed);
    environment.add_filter("called_by", called_by);
    environment.add_filter("metric_name", metric_name);
    environment.add_filter("exposed_names", exposed_names);
    environment.add_filter("mounted", mounted);
    environment.add_filter("automata", super::python::automata);
    environment.add_filter("python_name", super::python::python_name);
    environment.add_function("selector", selector);
    environment.add_function("read", read);
    environment.add_function("by", by);
    environment.add_function("silencing", silencing);
    environment.add_function("matching", matching);
    environment.add_function("asked", asked);
    environment.add_function("in_seconds", in_seconds);
    environment.add_function("whole", whole);
    environment.add_function("type_of", type_of);
    // Part of a longer text, as PromQL writes a string.
    environment.add_filter("quoted", |text: &str| format!("{text:?}"));
    environment.add_filter("subject", subject);
    environment.add_filter("legend", legend);
    environment.add_function("series", series);
    environment.add_filter("metrics_read", metrics_read);
    environment.add_function("sources", sources);
    environment.add_function("roles_of", roles_of);
    environment.add_function("target_groups", target_groups);
    environment.add_filter("reads", reads);
    environment.add_function("bucket_matcher", bucket_matcher);
    environment.add_function("budget_step", budget_step);
    environment.add_function("four_scrapes", four_scrapes);
    environment.add_function("longest", longest);
    environment.add_function("shortest", shortest);
    environment.add_function("fail", |message: String| -> Result<String, Error> {
        Err(refuse(message))
    });
}

/// The one way out of the quotes: a metric name, a duration, a number; anything else is refused.
fn bare(value: &Value) -> Result<Value, Error> {
    let text = value.to_string();
    let plain = !text.is_empty()
        && text.bytes().all(|byte| {
            byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b':' | b'.' | b'-' | b'/')
        });
    plain
        .then(|| Value::from_safe_string(text.clone()))
        .ok_or_else(|| refuse(format!("{text:?} cannot go without quotes")))
}

/// Text between Markdown's backticks, which escape nothing; a backtick itself is refused.
fn code(text: &str) -> Result<Value, Error> {
    match text.contains(['`', '\n']) {
        true => Err(refuse(format!("{text:?} cannot be inline code"))),
        false => Ok(Value::from_safe_string(format!("`{text}`"))),
    }
}

/// Text behind a `#`; a line break is refused.
fn comment(text: &str) -> Result<Value, Error> {
    match text.chars().any(char::is_control) {
        true => Err(refuse(format!("{text:?} cannot be a comment"))),
        false => Ok(Value::from_safe_string(text.to_string())),
    }
}

/// Text of several lines, as it is, inside a block scalar that is indented by `indent`.
fn lines(text: &str, indent: usize) -> Result<Value, Error> {
    if text.chars().any(|c| c.is_control() && c != '\n') {
        return Err(refuse("a control character cannot stand in a block"));
    }
    let lines: Vec<&str> = text.trim().lines().map(str::trim_end).collect();
    Ok(Value::from_safe_string(
        lines.join(&format!("\n{}", " ".repeat(indent))),
    ))
}

/// The names of the metrics that an expression reads; of one that is not PromQL, none.
fn metrics_read(expression: &str) -> Vec<String> {
    let Ok(parsed) = promql::parse(expression) else {
        return Vec::new();
    };
    let read = selectors(&parsed).into_iter().filter_map(metric);
    read.map(str::to_string).collect()
}

/// `cache_read_errors_total` → `cache read errors`.
fn words(metric: &str) -> String {
    events(metric).replace('_', " ")
}

/// What a counter counts: `http_server_request_duration_seconds_count`, of a histogram, → `http_server_requests`.
pub(crate) fn events(metric: &str) -> String {
    let counted = metric.strip_suffix("_seconds_count");
    // What a rule records is named level:metric:operations.
    if let Some((_, recorded)) = metric.split_once(':') {
        return match recorded.split_once(':') {
            Some((metric, operations)) => format!("{} ({operations})", events(metric)),
            None => events(recorded),
        };
    }
    let events = counted.map(|timed| match timed.strip_suffix("_duration") {
        Some(event) => format!("{event}s"),
        None => timed.to_string(),
    });
    events.unwrap_or_else(|| metric.trim_end_matches("_total").to_string())
}

/// An alert for what people read before it fires: with its own words as they are without a value.
fn spoken(alert: &Value) -> Result<Value, Error> {
    let words = alert.get_attr("spoken")?;
    Ok(context! {
        summary => words.get_attr("summary")?,
        description => words.get_attr("description")?,
        ..alert.clone()
    })
}

/// Those whose name is in a list; each is looked at once, however long the list.
fn named(all: Vec<Value>, names: Vec<String>) -> Result<Vec<Value>, Error> {
    let names: HashSet<String> = names.into_iter().collect();
    let mut found = Vec::new();
    for one in all {
        if one
            .get_attr("name")?
            .as_str()
            .is_some_and(|name| names.contains(name))
        {
            found.push(one);
        }
    }
    Ok(found)
}

/// Those of the services whose health is probed.
pub(crate) fn probed(services: &Value) -> Result<Vec<Value>, Error> {
    let mut found = Vec::new();
    for service in services.try_iter()? {
        if service.get_attr("health_probe")?.is_true() {
            found.push(service);
        }
    }
    Ok(found)
}

/// Those of the services that the address of a receiver names as its host.
fn called_by(services: &Value, receivers: &Value) -> Result<Vec<Value>, Error> {
    let receivers = serde_json::to_string(receivers).map_err(|error| refuse(error.to_string()))?;
    let mut found = Vec::new();
    for service in services.try_iter()? {
        let name = service.get_attr("host")?;
        if [':', '/']
            .iter()
            .any(|end| receivers.contains(&format!("://{name}{end}")))
        {
            found.push(service);
        }
    }
    Ok(found)
}

/// Where Prometheus and the blackbox exporter read a file of this machine: as a secret, where they are containers, and otherwise `up`
/// from the configuration; of a table, each `*_file` so, and the rest as it is, without what is not said.
fn mounted(state: &State, value: &Value, up: Option<&str>) -> Result<Value, Error> {
    let here = state.lookup("prometheus").is_some_and(|prometheus| {
        let runs_on = prometheus.get_attr("runs_on");
        runs_on.is_ok_and(|runs_on| runs_on.as_str() == Some("host"))
    });
    let path = |file: &str| secrets::seen(file, !here, up.unwrap_or_default());
    if let Some(file) = value.as_str() {
        return Ok(path(file).into());
    }
    let mut table = BTreeMap::new();
    for key in value.try_iter()? {
        let said = value.get_item(&key)?;
        let key = key.to_string();
        match said.as_str() {
            _ if !said.is_true() => {}
            Some(file) if key.ends_with("_file") => drop(table.insert(key, path(file).into())),
            _ => drop(table.insert(key, said)),
        }
    }
    Ok(Value::from(table))
}

/// Those of some metrics that a service emits.
fn emitted(metrics: Value, service: &str) -> Result<Vec<Value>, Error> {
    let mut found = Vec::new();
    for metric in metrics.try_iter()? {
        let mut services = metric.get_attr("services")?.try_iter()?;
        if services.any(|name| name.as_str() == Some(service)) {
            found.push(metric);
        }
    }
    Ok(found)
}

/// Whether a version, MAJOR.MINOR, is another one or newer.
fn reaches(version: &str, wanted: &str) -> Result<bool, Error> {
    let read = |text: &str| -> Option<(u32, u32)> {
        let (major, minor) = text.split_once('.')?;
        Some((major.parse().ok()?, minor.parse().ok()?))
    };
    match (read(version), read(wanted)) {
        (Some(version), Some(wanted)) => Ok(version >= wanted),
        _ => Err(refuse(format!("{version:?} or {wanted:?} is no version"))),
    }
}

/// What Prometheus calls a metric that the catalog knows by its key; one that it does not know would have the prefix.
fn metric_name(state: &State, key: &str) -> Result<String, Error> {
    let seen = |name: &str| {
        state
            .lookup(name)
            .ok_or_else(|| refuse(format!("there is no {name} here")))
    };
    let declared = seen("metric_names")?.get_attr(key)?;
    if !declared.is_undefined() {
        return Ok(declared.to_string());
    }
    let platform = seen("platform")?;
    Ok(if platform.get_attr("prefixed")?.is_true() {
        format!("{}_{key}", platform.get_attr("metric_prefix")?)
    } else {
        key.to_string()
    })
}

/// What a service itself says of a metric, as a regular expression for names: of what a rule records, what that reads.
fn exposed_names(state: &State, key: &str) -> Result<String, Error> {
    let metrics = state.lookup("metrics").unwrap_or_default();
    for metric in metrics.try_iter()? {
        if metric.get_attr("key")?.as_str() == Some(key) {
            let read = metric.get_attr("recorded_of")?;
            let read: Vec<String> = read.try_iter()?.map(|name| name.to_string()).collect();
            if !read.is_empty() {
                return Ok(read.join("|"));
            }
        }
    }
    metric_name(state, key)
}

/// The matchers of a branch or signal (its `only` or `except` jobs), and of `more`, in braces; nothing when there are none.
fn selector(jobs: &Value, more: Option<&str>) -> Result<Value, Error> {
    let list = |key: &str| -> Result<Vec<String>, Error> {
        let value = jobs.get_attr(key)?;
        if value.is_undefined() {
            Ok(Vec::new())
        } else {
            value.try_iter()?.map(|job| Ok(job.to_string())).collect()
        }
    };
    let (only, except) = (list("only")?, list("except")?);
    let mut matchers = Vec::new();
    match (only.as_slice(), except.as_slice()) {
        ([], []) => {}
        ([job], _) => matchers.push(format!("job=\"{job}\"")),
        ([], [job]) => matchers.push(format!("job!=\"{job}\"")),
        ([], jobs) => matchers.push(format!("job!~\"{}\"", jobs.join("|"))),
        (jobs, _) => matchers.push(format!("job=~\"{}\"", jobs.join("|"))),
    }
    matchers.extend(more.map(str::to_string));
    let text = if matchers.is_empty() {
        String::new()
    } else {
        format!("{{{}}}", matchers.join(","))
    };
    Ok(Value::from_safe_string(text))
}

/// What an alert reads of the metric that one of its keys names, as a selector: of the jobs of a branch or signal, and only the series
/// that the alert asks for. `suffix`: of a histogram `_bucket` and the like; `metric`: another full name; `more`: matchers beside them.
fn read(
    state: &State,
    alert: &Value,
    key: &str,
    jobs: Option<&Value>,
    said: Kwargs,
) -> Result<Value, Error> {
    let metric = match said.get::<Option<String>>("metric")? {
        Some(metric) => metric,
        None => {
            let named = alert.get_attr("settings")?.get_attr(key)?;
            metric_name(state, named.as_str().unwrap_or_default())?
        }
    };
    let suffix = said.get::<Option<String>>("suffix")?.unwrap_or_default();
    let filter = alert.get_attr("filters")?.get_attr(key)?;
    let asked = match filter.is_undefined() {
        true => String::new(),
        false => filter.get_attr("matchers")?.to_string(),
    };
    let more = said.get::<Option<String>>("more")?.unwrap_or_default();
    said.assert_all_used()?;
    let all = [more.trim(), &asked].into_iter();
    let all: Vec<&str> = all.filter(|text| !text.is_empty()).collect();
    let matchers = (!all.is_empty()).then(|| all.join(","));
    let everywhere = Value::from(BTreeMap::<String, Value>::new());
    let jobs = selector(jobs.unwrap_or(&everywhere), matchers.as_deref())?;
    let name = bare(&Value::from(format!("{metric}{suffix}")))?;
    Ok(Value::from_safe_string(format!("{name}{jobs}")))
}

/// The series while which an alert is silent.
fn silencing(state: &State, alert: &Value) -> Result<Value, Error> {
    let unless = alert.get_attr("unless")?;
    let metric = metric_name(state, &unless.get_attr("metric")?.to_string())?;
    let matchers = unless.get_attr("filter")?.get_attr("matchers")?.to_string();
    let matchers = Some(matchers).filter(|matchers| !matchers.is_empty());
    let everywhere = Value::from(BTreeMap::<String, Value>::new());
    let picked = selector(&everywhere, matchers.as_deref())?;
    let name = bare(&Value::from(metric))?;
    Ok(Value::from_safe_string(format!("{name}{picked}")))
}

/// The declared metric that one of an alert's keys names.
fn named_by(state: &State, alert: &Value, key: &str) -> Result<Option<Value>, Error> {
    let name = alert.get_attr("settings")?.get_attr(key)?;
    let metrics = state.lookup("metrics").unwrap_or_default();
    for metric in metrics.try_iter()? {
        if metric.get_attr("key")? == name {
            return Ok(Some(metric));
        }
    }
    Ok(None)
}

/// Whether the metric that one of an alert's keys names is a native histogram and nothing else.
fn whole(state: &State, alert: &Value, key: &str) -> Result<bool, Error> {
    let metric = named_by(state, alert, key)?;
    let whole = metric.map(|metric| metric.get_attr("whole")).transpose()?;
    Ok(whole.is_some_and(|whole| whole.is_true()))
}

/// The type of the metric that one of an alert's keys names.
fn type_of(state: &State, alert: &Value, key: &str) -> Result<Value, Error> {
    match named_by(state, alert, key)? {
        Some(metric) => metric.get_attr("type"),
        None => Ok(Value::UNDEFINED),
    }
}

/// What makes seconds of the metric that one of an alert's keys names, behind an expression: nothing, ` / 1000`, ` * 60`.
fn in_seconds(state: &State, alert: &Value, key: &str) -> Result<Value, Error> {
    let per_second = match named_by(state, alert, key)? {
        Some(metric) => f64::try_from(metric.get_attr("per_second")?)?,
        None => 1.0,
    };
    Ok(Value::from_safe_string(match per_second {
        1.0 => String::new(),
        many if many > 1.0 => format!(" / {many}"),
        few => format!(" * {}", (1.0 / few).round()),
    }))
}

/// Which series of a metric an alert reads, in words behind the metric's: ` with status 5..`; of all, nothing, nor of what it leaves out.
fn asked(alert: &Value, key: &str) -> Result<String, Error> {
    let filter = alert.get_attr("filters")?.get_attr(key)?;
    if filter.is_undefined() {
        return Ok(String::new());
    }
    let asked = filter.get_attr("where")?;
    let mut labels = Vec::new();
    for label in asked.try_iter()? {
        let values = asked.get_item(&label)?;
        let values: Vec<String> = match values.as_str() {
            Some(pattern) => vec![pattern.to_string()],
            None => values.try_iter()?.map(|value| value.to_string()).collect(),
        };
        labels.push(format!("{label} {}", values.join(" or ")));
    }
    Ok(match labels.is_empty() {
        true => String::new(),
        false => format!(" with {}", labels.join(" and ")),
    })
}

/// How series that one key reads match those that another reads: by all labels, where both metrics have the same; else, behind the
/// operator, ` ignoring (…) group_left ()` with those that the other does not have, or by which it is told apart.
fn matching(state: &State, alert: &Value, key: &str, other: &str) -> Result<Value, Error> {
    let settings = alert.get_attr("settings")?;
    let labels = |key: &str| -> Result<BTreeSet<String>, Error> {
        let name = settings.get_attr(key)?;
        let metrics = state.lookup("metrics").unwrap_or_default();
        for metric in metrics.try_iter()? {
            if metric.get_attr("key")? == name {
                let labels = metric.get_attr("labels")?;
                return Ok(labels.try_iter()?.map(|label| label.to_string()).collect());
            }
        }
        Ok(BTreeSet::new())
    };
    let (own, others) = (labels(key)?, labels(other)?);
    let mut ignored: BTreeSet<String> = own.difference(&others).cloned().collect();
    let same = settings.get_attr(key)? == settings.get_attr(other)?;
    let filter = alert.get_attr("filters")?.get_attr(other)?;
    if !filter.is_undefined() {
        let asked = filter.get_attr("where")?;
        for label in asked.try_iter()? {
            let fixed = is_one(&asked.get_item(&label)?)?;
            let label = label.to_string();
            // What is asked of the target is the same on both sides.
            if others.contains(&label) && (same || fixed || !own.contains(&label)) {
                ignored.insert(label);
            }
        }
    }
    Ok(Value::from_safe_string(if ignored.is_empty() {
        String::new()
    } else {
        let labels: Vec<String> = ignored.into_iter().collect();
        format!(" ignoring ({}) group_left ()", labels.join(", "))
    }))
}

/// Whether a filter lets one value through: a list of one, or a pattern without anything that stands for something else.
fn is_one(written: &Value) -> Result<bool, Error> {
    Ok(match written.as_str() {
        Some(pattern) => regex_syntax::escape(pattern) == pattern,
        None => written.len() == Some(1),
    })
}

/// The labels that an alert is about, for an aggregation: `by (job, service, component)`, and those of its `per`.
fn by(alert: &Value, more: Option<&str>) -> Result<Value, Error> {
    let mut labels = ["job", "service", "component"].map(str::to_string).to_vec();
    for label in alert.get_attr("per")?.try_iter()? {
        labels.push(bare(&label)?.to_string());
    }
    labels.extend(more.map(str::to_string));
    Ok(Value::from_safe_string(format!(
        "by ({})",
        labels.join(", ")
    )))
}

/// Whom an annotation is about, as Prometheus fills it in: the service, and what else the alert fires apart by.
fn subject(alert: &Value) -> Result<String, Error> {
    let mut labels = Vec::new();
    for label in alert.get_attr("per")?.try_iter()? {
        labels.push(format!("{{{{ $labels.{} }}}}", bare(&label)?));
    }
    Ok(match labels.as_slice() {
        [] => "{{ $labels.service }}".to_string(),
        labels => format!("{{{{ $labels.service }}}} ({})", labels.join(", ")),
    })
}

/// The legend of what an alert compares: the service, and what else it fires apart by.
pub(super) fn legend(alert: &Value) -> Result<String, Error> {
    let mut text = "{{job}}".to_string();
    for label in alert.get_attr("per")?.try_iter()? {
        text += &format!(" {{{{{}}}}}", bare(&label)?);
    }
    Ok(text)
}

/// The ways in which services say what has a role for alerts: memory, cpu, start; each once.
fn sources(services: Vec<Value>, role: &str) -> Result<Vec<Value>, Error> {
    let mut found: Vec<Value> = Vec::new();
    for service in services {
        let known = service.get_attr("roles")?.get_attr(role)?;
        if !known.is_undefined() && !found.contains(&known) {
            found.push(known);
        }
    }
    Ok(found)
}

/// The addresses of a service's instances by their labels, in the order of the first of each.
fn target_groups(service: &Value) -> Result<Vec<Value>, Error> {
    let mut groups: Vec<(Value, Vec<Value>)> = Vec::new();
    for instance in service.get_attr("instances")?.try_iter()? {
        let labels = instance.get_attr("labels")?;
        // One that has a name of its own is not called as it is asked.
        let address = match labels.get_attr("instance")?.is_undefined() {
            true => instance.get_attr("address")?,
            false => instance.get_attr("asked")?,
        };
        match groups.iter_mut().find(|(known, _)| *known == labels) {
            Some((_, addresses)) => addresses.push(address),
            None => groups.push((labels, vec![address])),
        }
    }
    let groups = groups.into_iter();
    Ok(groups
        .map(|(labels, addresses)| minijinja::context! { labels, addresses })
        .collect())
}

/// What some of the services say of themselves.
fn roles_of(services: Vec<Value>) -> Result<Vec<String>, Error> {
    let mut found = BTreeSet::new();
    for service in services {
        for role in service.get_attr("roles")?.try_iter()? {
            found.insert(role.to_string());
        }
    }
    Ok(found.into_iter().collect())
}

/// The selector of the metric that has a role, with other matchers before its own.
fn series(known: &Value, matchers: Option<&str>) -> Result<Value, Error> {
    let matchers = matchers.unwrap_or_default().trim();
    let bare = matchers
        .strip_prefix('{')
        .and_then(|rest| rest.strip_suffix('}'));
    let mut all: Vec<String> = Some(bare.unwrap_or(matchers))
        .filter(|text| !text.is_empty())
        .map(str::to_string)
        .into_iter()
        .collect();
    let chosen = known.get_attr("where")?;
    for label in chosen.try_iter()? {
        all.push(format!(
            "{label}={:?}",
            chosen.get_item(&label)?.to_string()
        ));
    }
    let metric = known.get_attr("metric")?;
    Ok(Value::from_safe_string(match all.is_empty() {
        true => metric.to_string(),
        false => format!("{metric}{{{}}}", all.join(",")),
    }))
}

/// The metric, by its key, that an alert reads of a service where several stand for each other.
fn reads(alert: &Value, key: &str, service: &Value) -> Result<Value, Error> {
    let name = service.get_attr("name")?;
    for read in alert.get_attr("reads")?.get_attr(key)?.try_iter()? {
        if read
            .get_attr("services")?
            .try_iter()?
            .any(|one| one == name)
        {
            return read.get_attr("metric");
        }
    }
    alert.get_attr("settings")?.get_attr(key)
}

/// The matcher of a histogram's bucket, however the client library or Prometheus writes a whole number.
fn bucket_matcher(bound: f64) -> String {
    let written = openmetrics(bound);
    match written.strip_suffix(".0") {
        Some(whole) => format!("le=~\"{whole}|{whole}\\\\.0\""),
        None => format!("le=\"{written}\""),
    }
}

/// Between two evaluations of tests that last for the windows of objectives: a hundred and some in the shortest, at multiples
/// of two minutes, and so far apart that the second sees a whole range of 5m.
fn budget_step(windows: Vec<String>) -> Result<String, Error> {
    let shortest = parsed(&windows)?.into_iter().min().unwrap_or_default();
    let samples = (shortest.0 / 120 / 120_000).max(3);
    Ok(Duration(samples * 120_000).to_string())
}

/// A range that holds four scrapes of every service, and 5m at the least.
pub fn four_scrapes(services: &Value) -> Result<String, Error> {
    let mut range = Duration(300_000);
    for service in services.try_iter()? {
        let interval = duration(&service.get_attr("scrape_interval")?.to_string())?;
        range = range.max(Duration(interval.0 * 4));
    }
    Ok(range.to_string())
}

fn duration(text: &str) -> Result<Duration, Error> {
    Duration::parse(text).ok_or_else(|| refuse(format!("{text:?} is not a duration")))
}

/// `5m` → 300.
fn seconds(text: &str) -> Result<f64, Error> {
    Ok(duration(text)?.seconds())
}

/// The longest of several durations.
fn longest(durations: Vec<String>) -> Result<String, Error> {
    parsed(&durations)?
        .into_iter()
        .max()
        .map(|longest| longest.to_string())
        .ok_or_else(|| refuse("longest of nothing"))
}

/// The shortest of several durations.
fn shortest(durations: Vec<String>) -> Result<String, Error> {
    parsed(&durations)?
        .into_iter()
        .min()
        .map(|shortest| shortest.to_string())
        .ok_or_else(|| refuse("shortest of nothing"))
}

fn parsed(durations: &[String]) -> Result<Vec<Duration>, Error> {
    durations.iter().map(|text| duration(text)).collect()
}

/// Bytes as compose writes them: 1073741824 → `1g`.
fn compose_size(bytes: u64) -> String {
    let text = Size(bytes).to_string();
    text.trim_end_matches("iB")
        .trim_end_matches('B')
        .to_lowercase()
        + if text.ends_with("iB") { "" } else { "b" }
}

/// Grafana's name of a kind's unit.
fn grafana_unit(unit: Option<&str>) -> &'static str {
    match unit {
        Some("ratio") => "percentunit",
        Some("seconds") => "s",
        Some("bytes") => "bytes",
        _ => "short",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_numbers_read_as_people_write_them() {
        assert_eq!(snake("TooManyErrors"), "too_many_errors");
        assert_eq!(snake("TLSCertificateExpired"), "tls_certificate_expired");
        assert_eq!(compose_size(1 << 30), "1g");
        assert_eq!(compose_size(1000), "1000b");
        assert!(bare(&Value::from("5m] or x[")).is_err());
    }
}
