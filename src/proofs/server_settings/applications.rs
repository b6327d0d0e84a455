//! The containers of services run what the catalog says, where it is asked, and count in one process.

use super::place;
use crate::catalog::{Catalog, Service};
use crate::diagnostic::Diagnostic;
use crate::profiles::built_in;
use crate::promql::walk::selectors;
use crate::stack::Stack;
use crate::stack::containers::Container;
use crate::stack::containers::network::{Mode, loopback};
use crate::stack::containers::text::{normal, scalar};
use crate::stack::expressions::Usage;
use std::collections::{HashMap, HashSet};

/// The containers of services are what the catalog says: its name, its program, its sources.
pub(super) fn of(stack: &Stack) -> Vec<Diagnostic> {
    let mut found = Vec::new();
    let mut running: HashMap<String, &str> = HashMap::new();
    // The name of an application that follows from that of its service does so for others too, or it is another template's.
    let usual = |container: &Container, app: &str| -> Option<bool> {
        let service = stack.catalog.service(&container.name)?;
        service
            .app
            .is_none()
            .then(|| app == usual_app(stack.catalog, service))
    };
    let apps = stack.containers.started();
    let follows = apps.clone().any(|container| {
        application(container).is_some_and(|app| usual(container, app) == Some(true))
    });
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
        for (name, message, help) in collected(stack, container, service) {
            say(container.at(name), message, help);
        }
        if let Some((message, help)) = bound(container, service) {
            say(container.at("command"), message, help);
        }
        if let Some((message, help)) = unserved(stack, container, own) {
            say(container.at("command"), message, help);
        }
        if let Some(app) = application(container) {
            match (&service.app, running.insert(app.to_string(), own)) {
                (None, None) if follows && usual(container, app) == Some(false) => say(
                    container.at("command"),
                    format!(
                        "`{own}` runs {app}, where {} follows from its name",
                        usual_app(stack.catalog, service)
                    ),
                    "write another one as the service's `app`",
                ),
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
        // Paths begin in the folder of the file, unless what includes it says another.
        let here = |path: &str| match path.starts_with('/') || container.folder.is_empty() {
            true => normal(path),
            false => normal(&format!("{}/{path}", container.folder)),
        };
        let is = context
            .as_deref()
            .filter(|path| plain(path) && plain(wanted));
        if let Some(context) = is.map(here)
            && context != normal(wanted)
            && !context.starts_with(&format!("{}/", normal(wanted)))
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

/// The application that a server is told to serve.
fn application<'c>(container: &'c Container) -> Option<&'c str> {
    let mut words = container.process.words.iter();
    let app = words.find(|word| {
        let module = word.split_once(':').map_or("", |(module, _)| module);
        word.matches(':').count() == 1 && module.contains('.') && !module.contains('/')
    });
    app.filter(|_| container.process.name == Some("uvicorn"))
        .map(String::as_str)
}

/// What a service without an `app` of its own runs.
fn usual_app(catalog: &Catalog, service: &Service) -> String {
    let module = service.name.replace('-', "_");
    let module = module.strip_suffix("_service").unwrap_or(&module);
    format!("{}.{module}_service:app", catalog.compose.package)
}

/// An option of a server for Python applications, by its flag or, of uvicorn, by its variable.
fn option<'c>(container: &'c Container, flag: &str) -> Option<&'c str> {
    let words = &container.process.words;
    let flags = words.iter().enumerate().find_map(|(index, word)| {
        let long = word
            .strip_prefix(flag)
            .and_then(|rest| rest.strip_prefix('='));
        long.or_else(|| (word == flag).then(|| words.get(index + 1).map(String::as_str))?)
    });
    let variable = flag
        .trim_start_matches('-')
        .replace('-', "_")
        .to_uppercase();
    let told = || container.variable(&format!("UVICORN_{variable}"));
    flags.or_else(|| told().filter(|_| container.process.name == Some("uvicorn")))
}

/// So often at least somebody asks a container in an hour that it is watched.
const HOUR: u64 = 3_600_000;

/// A server that is told by `--bind` to listen where nobody asks; what a script starts beside it may ask there.
fn bound(container: &Container, service: &Service) -> Option<(String, &'static str)> {
    let words = &container.process.words;
    let program = words.first()?.rsplit('/').next()?;
    if !["gunicorn", "hypercorn"].contains(&program) || container.networks.mode != Mode::Own {
        return None;
    }
    let mut told = Vec::new();
    for (index, word) in words.iter().enumerate() {
        let next = words.get(index + 1).map(String::as_str);
        match word.as_str() {
            "-b" | "--bind" => told.extend(next),
            word => told.extend(word.strip_prefix("--bind=")),
        }
    }
    let asked = service.instances.first()?.ports();
    let mut listens = Vec::new();
    for address in &told {
        let (host, port) = address.rsplit_once(':')?;
        listens.push((host, port.parse::<u16>().ok()?));
    }
    let (host, port) = *listens.first()?;
    let own = &service.name;
    let here: Vec<_> = listens
        .iter()
        .filter(|(_, port)| asked.contains(port))
        .collect();
    if here.iter().any(|(host, _)| !loopback(host)) {
        return None;
    }
    Some(match here.is_empty() {
        true => (
            format!(
                "`{own}` listens at {host}:{port} (`--bind`), and is asked at {}",
                service.port
            ),
            "let it listen at the port of the catalog",
        ),
        false => (
            format!(
                "`{own}` listens to itself alone (`--bind {host}:{port}`), and is asked from other containers"
            ),
            "let it listen at 0.0.0.0",
        ),
    })
}

/// A server that listens at no port, or turns away whoever comes while another is served.
fn unserved(stack: &Stack, container: &Container, own: &str) -> Option<(String, &'static str)> {
    let given = |flag: &str| option(container, flag);
    if !["uvicorn", "hypercorn"].contains(&container.process.name?) {
        return None;
    }
    if let Some((flag, socket)) = ["--uds", "--fd"]
        .into_iter()
        .find_map(|flag| Some((flag, given(flag)?)))
    {
        return Some((
            format!(
                "`{own}` listens at {socket} alone (`{flag}`), and at no port: nobody can scrape it"
            ),
            "let it listen at the port of the catalog",
        ));
    }
    let app = application(container).unwrap_or_default();
    let factory = container
        .process
        .words
        .iter()
        .any(|word| word == "--factory");
    if factory && app.ends_with(":app") {
        return Some((
            format!("`{own}` calls {app} to be given an application (`--factory`), and it is one"),
            "leave `--factory` out, or name the function that makes it",
        ));
    }
    let asked = HOUR / stack.catalog.prometheus.scrape_interval.0.max(1);
    if let Some(last) = given("--limit-max-requests")
        && last.parse::<u64>().is_ok_and(|last| last <= asked)
    {
        return Some((
            format!(
                "`{own}` ends after {last} requests (`--limit-max-requests`), and is scraped {asked} times an hour: it is down again and again"
            ),
            "leave `--limit-max-requests` out, or let it be far above what is asked in a day",
        ));
    }
    let most: u64 = given("--limit-concurrency")?.parse().ok()?;
    (most <= 2).then(|| {
        (
            format!(
                "`{own}` answers 503 to all but {most} at a time, and a scrape is one of those"
            ),
            "leave `--limit-concurrency` out, or let it be far above what comes at once",
        )
    })
}

/// What the MetricsCollector needs of the container of a service: its name, and one process to count in.
fn collected(
    stack: &Stack,
    container: &Container,
    service: &Service,
) -> Vec<(&'static str, String, &'static str)> {
    let mut found = Vec::new();
    let own = service.name.as_str();
    let Some(collector) = stack.files.python().next() else {
        return found;
    };
    // What is built by somebody else brings its own metrics, and a file of variables may say anything.
    if service.runtime != "python" || container.value["build"].is_null() || container.told_elsewhere
    {
        return found;
    }
    let told = |name: &str| container.environment.iter().any(|(known, _)| known == name);
    if !told("SERVICE_NAME") && collector.text.contains("environ.get(\"SERVICE_NAME\")") {
        found.push((
            "environment",
            format!("`{own}` is not told its name, so that its metrics are not registered at zero"),
            "write its own name into `SERVICE_NAME`",
        ));
    }
    let shared = ["PROMETHEUS_MULTIPROC_DIR", "prometheus_multiproc_dir"]
        .into_iter()
        .find(|name| told(name));
    if let Some(name) = shared {
        // https://prometheus.github.io/client_python/multiprocess/: custom collectors, so those of the process, do not work.
        let lost: HashSet<&str> = built_in("python").collect();
        let read = stack
            .expressions
            .iter()
            .filter(|expression| matches!(expression.usage, Usage::Alert | Usage::Record))
            .flat_map(|expression| selectors(&expression.ast))
            .filter_map(|selector| selector.name.as_deref())
            .find(|name| lost.contains(name));
        if let Some(metric) = read {
            found.push((
                "environment",
                format!("with `{name}`, `{own}` has no {metric}, which rules read"),
                "let one process serve, and start more containers of it",
            ));
        }
        return found;
    }
    let words = &container.process.words;
    let served = words.iter().any(|word| {
        let program = word.rsplit('/').next().unwrap_or_default();
        ["uvicorn", "gunicorn", "hypercorn"].contains(&program)
    });
    let given = words.iter().enumerate().find_map(|(index, word)| {
        let long = word.strip_prefix("--workers=").map(str::to_string);
        long.or_else(|| {
            ["--workers", "-w"]
                .contains(&word.as_str())
                .then(|| words.get(index + 1).cloned())?
        })
    });
    let told = ["UVICORN_WORKERS", "WEB_CONCURRENCY"];
    let told = told.into_iter().find_map(|name| container.variable(name));
    let (count, key) = match (given, told) {
        (Some(count), _) => (count, "command"),
        (None, Some(count)) => (count.to_string(), "environment"),
        (None, None) => return found,
    };
    if served && count.parse::<u32>().is_ok_and(|count| count > 1) {
        found.push((
            key,
            format!(
                "`{own}` runs in {count} processes, and each counts for itself: counters jump back and forth with whoever answers"
            ),
            "let one process serve, and start more containers of it",
        ));
    }
    found
}
