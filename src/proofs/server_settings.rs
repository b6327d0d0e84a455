//! The servers are told what the catalog says of them.

use super::{Check, Example, Proof, place};
use crate::artifacts::Role;
use crate::catalog::Duration;
use crate::diagnostic::Diagnostic;
use crate::json::Parts;
use crate::stack::Stack;
use crate::stack::containers::Container;
use crate::stack::containers::text::{normal, scalar};
use std::collections::HashMap;

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
            match container.process.name {
                Some("prometheus") => found.extend(prometheus(stack, container)),
                Some("alertmanager") => found.extend(alertmanager(stack, container)),
                Some("blackbox_exporter") => found.extend(offset(stack, container)),
                Some("grafana") => {
                    found.extend(url(container, &stack.catalog.grafana.external_url))
                }
                _ => {}
            }
            found.extend(reload(stack, container));
        }
        found.extend(services(stack));
        found
    }),
};

/// The containers of services are what the catalog says: its name, its program, its sources.
fn services(stack: &Stack) -> Vec<Diagnostic> {
    let mut found = Vec::new();
    let mut running: HashMap<String, &str> = HashMap::new();
    for container in stack.containers.started() {
        let Some(service) = stack.catalog.service(&container.name) else {
            continue;
        };
        let own = service.name.as_str();
        let mut say = |pointer: String, message: String, help: &str| {
            found.push(place::at(&container.file.path, pointer, message, help))
        };
        // metrics.py registers the metrics of the service that it is told of.
        if let Some(name) = container
            .variable("SERVICE_NAME")
            .filter(|name| *name != own && !name.contains('$'))
        {
            say(
                container.at("environment"),
                format!(
                    "`{own}` is told that it is `{name}`, and registers the metrics of that service"
                ),
                "write its own name into `SERVICE_NAME`",
            );
        }
        let app = container.process.words.iter().find(|word| {
            let module = word.split_once(':').map_or("", |(module, _)| module);
            word.matches(':').count() == 1 && module.contains('.') && !module.contains('/')
        });
        if let Some(app) = app.filter(|_| container.process.name == Some("uvicorn")) {
            match (&service.app, running.insert(app.clone(), own)) {
                (Some(said), _) if said != app => say(
                    container.at("command"),
                    format!("`{own}` runs {app}, the catalog says {said}"),
                    "render the catalog's `app`",
                ),
                (None, Some(other)) => say(
                    container.at("command"),
                    format!("`{own}` runs {app}, as `{other}` does"),
                    "let each service run its own application",
                ),
                _ => {}
            }
        }
        let build = &container.value["build"];
        let context = scalar(build).or_else(|| scalar(&build["context"]));
        let wanted = &stack.catalog.compose.build_context;
        let plain = |path: &str| !path.contains("://") && !path.contains('$');
        if let Some(context) = context.filter(|path| plain(path) && plain(wanted))
            && normal(&context) != normal(wanted)
            && !normal(&context).starts_with(&format!("{}/", normal(wanted)))
        {
            say(
                container.at("build"),
                format!("`{own}` is built from {context}, the catalog says {wanted}"),
                "render the catalog's `build_context`",
            );
        }
    }
    found
}

/// A probe is given the time of the scrape without the offset; without any left, and none of its own, it ends at once.
fn offset(stack: &Stack, container: &Container) -> Option<Diagnostic> {
    let flag = container.process.flag("timeout-offset")?;
    let seconds: f64 = flag.value.parse().ok()?;
    let modules = &stack.files.blackbox()?.value["modules"];
    let timed = modules
        .entries()
        .all(|(_, module)| module.get("timeout").is_some());
    let probes = stack.contract.targets.list.iter();
    let shortest = probes
        .filter(|target| target.params.contains_key("target"))
        .map(|target| target.timeout)
        .min()?;
    (!timed && seconds * 1000.0 >= shortest.0 as f64).then(|| {
        place::at(
            &container.file.path,
            container.argument(flag.index),
            format!("a probe must end {seconds}s before its scrape, which may take {shortest} in all: no time is left"),
            "let it be smaller than `scrape_timeout`; 0.5 is the default",
        )
    })
}

fn prometheus(stack: &Stack, container: &Container) -> Vec<Diagnostic> {
    let catalog = &stack.catalog.prometheus;
    let mut found: Vec<Diagnostic> = url(container, &catalog.external_url).into_iter().collect();
    let process = &container.process;
    let flag = process
        .flag("storage.tsdb.retention.time")
        .or_else(|| process.flag("storage.tsdb.retention"));
    let in_file = stack.files.config().and_then(|config| {
        config
            .pointer("/storage/tsdb/retention/time")?
            .as_str()
            .map(str::to_string)
    });
    let said = flag.map(|flag| flag.value.clone()).or(in_file);
    let sized = process.flag("storage.tsdb.retention.size").is_some();
    // What Prometheus does when nothing is said, and no size either.
    let kept = said.clone().unwrap_or_else(|| "15d".to_string());
    if Duration::parse(&kept) != Some(catalog.retention) && (said.is_some() || !sized) {
        let pointer = flag.map_or_else(
            || container.at("command"),
            |flag| container.argument(flag.index),
        );
        found.push(place::at(
            &container.file.path,
            pointer,
            format!(
                "`{}` keeps samples for {kept}, the catalog says {}",
                container.name, catalog.retention
            ),
            "give it the catalog's `prometheus.retention`",
        ));
    }
    let agent = process
        .flag("enable-feature")
        .is_some_and(|flag| flag.value.split(',').any(|name| name == "agent"));
    if agent || process.switched("agent") {
        found.push(place::at(
            &container.file.path,
            container.at("command"),
            format!(
                "`{}` is an agent: it evaluates no rules and keeps no samples",
                container.name
            ),
            "start it as a server",
        ));
    }
    if let Some(flag) = process.flag("query.lookback-delta")
        && let Some(back) = Duration::parse(&flag.value)
    {
        let slowest = stack
            .contract
            .targets
            .list
            .iter()
            .map(|target| target.interval)
            .max();
        if slowest.is_some_and(|slowest| slowest >= back) {
            found.push(place::at(
                &container.file.path,
                container.argument(flag.index),
                format!(
                    "a query looks back for {back}, and some service is scraped every {}",
                    slowest.unwrap_or_default()
                ),
                "let it look back over several scrapes; 5m is the default",
            ));
        }
    }
    found
}

fn alertmanager(stack: &Stack, container: &Container) -> Vec<Diagnostic> {
    let catalog = &stack.catalog.alertmanager;
    let mut found: Vec<Diagnostic> = url(container, &catalog.external_url).into_iter().collect();
    if let Some(flag) = container.process.flag("data.retention")
        && let Some(kept) = Duration::parse(&flag.value)
        && kept < catalog.repeat_interval
    {
        found.push(place::at(
            &container.file.path,
            container.argument(flag.index),
            format!(
                "`{}` forgets after {kept} what it has sent, the catalog repeats it after {}",
                container.name, catalog.repeat_interval
            ),
            "let it remember longer than `alertmanager.repeat_interval`",
        ));
    }
    found
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
    let same = plain(&written).ends_with(&plain(wanted)) || written.contains("${");
    (!same).then(|| {
        place::at(
            &container.file.path,
            container.at("image"),
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
    (!same && !said.contains('$')).then(|| {
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

/// Where people are told to reload by HTTP, Prometheus must allow it.
fn reload(stack: &Stack, container: &Container) -> Option<Diagnostic> {
    if container.process.name != Some("prometheus")
        || container.process.switched("web.enable-lifecycle")
    {
        return None;
    }
    let port = stack.catalog.prometheus.port;
    let advised =
        |text: &str| text.contains(&format!(":{port}/-/reload")) || text.contains(":9090/-/reload");
    let file = stack
        .files
        .documents()
        .chain(stack.files.compose())
        .find(|file| advised(&file.text))?;
    Some(place::at(
        &container.file.path,
        container.at("command"),
        format!(
            "{} advises a reload by HTTP, which `{}` answers with 403",
            file.path, container.name
        ),
        "start it with `--web.enable-lifecycle`, or advise SIGHUP",
    ))
}
