//! The servers are told what the catalog says of them.

mod applications;
mod grafana;
mod prometheus;

use super::{Check, Example, Proof, place};
use crate::artifacts::Role;
use crate::catalog::{Catalog, Duration};
use crate::diagnostic::Diagnostic;
use crate::stack::Stack;
use crate::stack::containers::Container;
use crate::stack::containers::images::Contents;
use crate::stack::containers::text::scalar;

pub(crate) const PROOF: Proof = Proof {
    code: "server-settings",
    doc: "A flag or a variable of another value than the catalog's: samples are deleted earlier than panels and alerts look back, links of notifications lead nowhere, rules are not evaluated, or the reload that is advised is forbidden.",
    example: Example::Rendered {
        role: Role::Compose,
        pointer: "/services/prometheus/command/2",
        bad: r#""--storage.tsdb.retention.time=2d""#,
    },
    check: Check::Stack(|stack| {
        let mut found = Vec::new();
        let servers = stack.containers.started();
        for container in servers.filter(|container| container.serves(stack.files)) {
            found.extend(image(stack, container));
            found.extend(delayed(container));
            found.extend(several_or_killed(container));
            match container.process.name {
                Some("prometheus") => found.extend(prometheus::of(stack, container)),
                Some("alertmanager") => found.extend(alertmanager(stack, container)),
                Some("blackbox_exporter") => found.extend(offset(stack, container)),
                Some("grafana") => found.extend(grafana::of(stack, container)),
                _ => {}
            }
        }
        for container in stack.containers.started() {
            found.extend(another(stack.catalog, container));
            found.extend(silent(stack, container));
        }
        found.extend(applications::of(stack));
        found
    }),
};

/// Logs that nobody can read, although some document says to read them.
fn silent(stack: &Stack, container: &Container) -> Option<Diagnostic> {
    let logging = &container.value["logging"];
    let uncached = scalar(&logging["options"]["cache-disabled"]).as_deref() == Some("true");
    // Docker reads these three itself, and what others take only from its own copy.
    let kept = ["json-file", "local", "journald"];
    let driver = logging["driver"].as_str()?;
    if driver != "none" && (kept.contains(&driver) || !uncached) {
        return None;
    }
    let advised = |text: &str| text.contains("docker compose logs") || text.contains("docker logs");
    let file = stack
        .files
        .documents()
        .chain(stack.files.compose())
        .find(|file| advised(&file.text));
    let own = &container.name;
    let message = match file {
        Some(file) => format!(
            "{} says to read the logs of containers, and `{own}` keeps none",
            file.path
        ),
        None => format!("`{own}` keeps no logs: nobody can see why it fails"),
    };
    Some(place::in_container(
        container,
        "logging/driver",
        message,
        "let a driver keep them: json-file, local or journald",
    ))
}

/// A probe that has less than one part in so many of the time that the catalog gives to a scrape is given up early.
pub(super) const SHARE: f64 = 5.0;

/// A probe is given the time of the scrape without the offset; without any left, and none of its own, it ends at once.
fn offset(stack: &Stack, container: &Container) -> Option<Diagnostic> {
    let flag = container.process.flag("timeout-offset")?;
    let seconds: f64 = flag.value.parse().ok()?;
    let probes = stack.contract.targets.list.iter();
    let shortest = probes
        .filter(|target| target.params.contains_key("target"))
        .map(|target| target.timeout)
        .min()?;
    let left = (shortest.0 as f64 - seconds * 1000.0).max(0.0);
    (left * SHARE < shortest.0 as f64).then(|| {
        place::of_flag(container, flag,
            format!("a probe must end {seconds}s before its scrape, which may take {shortest} in all: {}ms are left for a health path to answer", left.round()),
            "let it be far smaller than `scrape_timeout`; 0.5 is the default",
        )
    })
}

fn alertmanager(stack: &Stack, container: &Container) -> Vec<Diagnostic> {
    let catalog = &stack.catalog.alertmanager;
    let mut found: Vec<Diagnostic> = url(container, &catalog.external_url).into_iter().collect();
    if let Some(flag) = container.process.flag("data.retention")
        && let Some(kept) = Duration::parse(&flag.value)
        && kept < catalog.repeat_interval
    {
        found.push(place::of_flag(
            container,
            flag,
            format!(
                "`{}` forgets after {kept} what it has sent, the catalog repeats it after {}",
                container.name, catalog.repeat_interval
            ),
            "let it remember longer than `alertmanager.repeat_interval`",
        ));
    }
    if let Some(file) = &catalog.aws_credentials_file
        && container.variable("AWS_SHARED_CREDENTIALS_FILE").is_none()
        && !container.told_elsewhere
    {
        found.push(place::in_container(container, "environment",
            format!(
                "`{}` is not told of {file}, with which the catalog lets it sign what it sends to AWS",
                container.name
            ),
            "write where it sees the file into `AWS_SHARED_CREDENTIALS_FILE`",
        ));
    }
    found
}

/// A container that is called after one server, and started from the image of another program than the catalog says.
fn another(catalog: &Catalog, container: &Container) -> Option<Diagnostic> {
    let name = container.name.as_str();
    let wanted = match name {
        "prometheus" => &catalog.prometheus.image,
        "alertmanager" => &catalog.alertmanager.image,
        "grafana" => &catalog.grafana.image,
        _ => return None,
    };
    let written = scalar(&container.value["image"])?;
    let program = |image: &str| {
        let image = image.rsplit('/').next().unwrap_or_default();
        let end = image.find([':', '@']).unwrap_or(image.len());
        image[..end].to_string()
    };
    let is = program(&written);
    let wrong = is != program(wanted) && !is.contains(name) && !written.contains("${");
    wrong.then(|| {
        place::in_container(
            container,
            "image",
            format!("`{name}` is started from {written}, and not from {wanted}"),
            "render the catalog's `image`",
        )
    })
}

/// A server that is started more than once, or told to stop by a signal that does not stop it.
fn several_or_killed(container: &Container) -> Vec<Diagnostic> {
    let own = &container.name;
    let mut found = Vec::new();
    let mut say = |key: &str, message: String, help: &str| {
        found.push(place::in_container(container, key, message, help));
    };
    if let Some(many) = container.replicas().filter(|many| *many > 1) {
        say(
            "deploy",
            format!(
                "`{own}` is started {many} times: they share one volume and one port, and know nothing of each other"
            ),
            "start one; a second is a service of its own, with a name, a volume and a port of its own",
        );
    }
    let grace = container.value["stop_grace_period"].as_str();
    if let Some(grace) =
        grace.filter(|grace| Duration::parse(grace).is_some_and(|all| all.0 < 1_000))
    {
        say(
            "stop_grace_period",
            format!("`{own}` is killed {grace} after it is told to stop, and writes down nothing"),
            "leave it out: that is 10s",
        );
    }
    let signal = scalar(&container.value["stop_signal"]);
    let signal = signal.filter(|signal| !STOPS.contains(&signal.trim_start_matches("SIG")));
    if let Some(signal) = signal.filter(|signal| !signal.contains('$')) {
        say(
            "stop_signal",
            format!(
                "`{own}` does not stop at {signal}: Docker kills it in the end, and it writes down nothing"
            ),
            "leave it out: that is SIGTERM",
        );
    }
    found
}

/// Signals at which servers stop in order.
const STOPS: [&str; 5] = ["TERM", "INT", "QUIT", "15", "2"];

/// Times that a server gives whoever asks: the flag, and the least in which it answers.
const TIMEOUTS: [(&str, Duration); 2] = [
    ("web.timeout", Duration(1_000)),
    ("web.read-timeout", Duration(1_000)),
];

/// Waits that a server begins with, or adds to each of its own: the flag, the longest that is no fault, and what it means.
const DELAYS: [(&str, Duration, &str); 5] = [
    (
        "data.maintenance-interval",
        Duration(2 * 3_600_000),
        "when it is killed, the silences and the record of what was sent since then are lost",
    ),
    (
        "query.lookback-delta",
        Duration(15 * 60_000),
        "a series that has ended is taken for the present so long",
    ),
    (
        "rules.alert.resend-delay",
        Duration(10 * 60_000),
        "an Alertmanager that was restarted hears only then of what fires",
    ),
    (
        "dispatch.start-delay",
        Duration(10 * 60_000),
        "after a start nobody is told of anything before",
    ),
    (
        "storage.tsdb.min-block-duration",
        Duration(24 * 3_600_000),
        "so long everything stays in memory, and is read again at each start",
    ),
];

fn delayed(container: &Container) -> Vec<Diagnostic> {
    let late = DELAYS.iter().filter_map(|(name, most, meaning)| {
        let flag = container.process.flag(name)?;
        let given = Duration::parse(&flag.value).filter(|given| given > most)?;
        Some(place::of_flag(
            container,
            flag,
            format!("`--{name}` is {given}: {meaning}"),
            format!("leave it out, or make it at most {most}"),
        ))
    });
    let hasty = TIMEOUTS.iter().filter_map(|(name, least)| {
        let flag = container.process.flag(name)?;
        let given = Duration::parse(&flag.value).filter(|given| given.0 > 0 && given < least)?;
        Some(place::of_flag(
            container,
            flag,
            format!("`--{name}` is {given}: it gives up whoever asks before it has answered"),
            format!("leave it out, or make it at least {least}"),
        ))
    });
    late.chain(hasty).collect()
}

/// Whether a server is started from the catalog's image, from whatever registry.
fn image(stack: &Stack, container: &Container) -> Option<Diagnostic> {
    let catalog = stack.catalog;
    let wanted = match container.process.name? {
        "prometheus" => &catalog.prometheus.image,
        "alertmanager" => &catalog.alertmanager.image,
        "blackbox_exporter" => &catalog.blackbox.image,
        "grafana" => &catalog.grafana.image,
        _ => return None,
    };
    let written = scalar(&container.value["image"])?;
    let plain = |image: &str| image.split('@').next().unwrap_or_default().to_string();
    // The project's own registry calls its repository otherwise.
    let published = |image: &str| {
        let image = plain(image);
        let tag = image.rsplit(':').next().unwrap_or_default().to_string();
        Some((Contents::of(&image)?.program(), tag))
    };
    let same = plain(&written).ends_with(&plain(wanted))
        || published(&written).is_some_and(|is| published(wanted) == Some(is))
        || written.contains("${");
    (!same).then(|| {
        place::in_container(
            container,
            "image",
            format!(
                "`{}` is started from {written}, the catalog says {wanted}",
                container.name
            ),
            "render the catalog's `image`",
        )
    })
}

/// Whether links lead where the catalog says that the server is.
fn url(container: &Container, wanted: &str) -> Option<Diagnostic> {
    let program = container.process.program?;
    let flag = program
        .external_url
        .as_ref()
        .and_then(|flag| container.process.flag(flag));
    let variable = program.external_url_variable.as_deref();
    let (said, pointer) = match (flag, variable) {
        (Some(flag), _) => (flag.value.clone(), container.argument(flag.index)),
        (None, Some(variable)) => (
            container.variable(variable).unwrap_or_default().to_string(),
            container.at("environment"),
        ),
        (None, None) => (String::new(), container.at("command")),
    };
    let same = said.trim_end_matches('/') == wanted.trim_end_matches('/');
    let unknown = said.is_empty() && variable.is_some() && container.told_elsewhere;
    (!same && !unknown && !said.contains('$')).then(|| {
        let said = if said.is_empty() {
            "its own host name"
        } else {
            &said
        };
        place::at(
            &container.file.path,
            pointer,
            format!(
                "links of `{}` lead to {said}, the catalog says {wanted}",
                container.name
            ),
            "give it the catalog's `external_url`",
        )
    })
}
