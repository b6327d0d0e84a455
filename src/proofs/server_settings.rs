//! The servers are told what the catalog says of them.

use super::{Check, Example, Proof, place};
use crate::artifacts::Role;
use crate::catalog::{Catalog, Duration, Service, Size};
use crate::diagnostic::Diagnostic;
use crate::json::plain;
use crate::profiles::built_in;
use crate::promql::walk::selectors;
use crate::stack::Stack;
use crate::stack::containers::images::Contents;
use crate::stack::containers::network::{Mode, loopback};
use crate::stack::containers::text::{normal, scalar};
use crate::stack::containers::{Container, parts};
use crate::stack::expressions::Usage;
use std::collections::{HashMap, HashSet};

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
                Some("prometheus") => found.extend(prometheus(stack, container)),
                Some("alertmanager") => found.extend(alertmanager(stack, container)),
                Some("blackbox_exporter") => found.extend(offset(stack, container)),
                Some("grafana") => {
                    found.extend(url(container, &stack.catalog.grafana.external_url));
                    found.extend(refreshed(stack, container));
                    found.extend(without_login(container));
                    found.extend(impatient(container));
                    found.extend(other_domain(container));
                    found.extend(cookie_never_sent(container));
                    found.extend(unseen_log(container));
                    found.extend(without_user(container));
                    found.extend(home_without_dashboard(stack, container));
                }
                _ => {}
            }
            found.extend(reload(stack, container));
        }
        let started = stack.containers.started();
        found.extend(started.filter_map(|container| another(stack.catalog, container)));
        found.extend(services(stack));
        found.extend(
            stack
                .containers
                .started()
                .filter_map(|container| silent(stack, container)),
        );
        found
    }),
};

/// The containers of services are what the catalog says: its name, its program, its sources.
fn services(stack: &Stack) -> Vec<Diagnostic> {
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
    Some(place::at(
        &container.file.path,
        container.at("logging/driver"),
        message,
        "let a driver keep them: json-file, local or journald",
    ))
}

/// A dashboard that is not refreshed as often as it says.
fn refreshed(stack: &Stack, container: &Container) -> Option<Diagnostic> {
    let least = container.variable("GF_DASHBOARDS_MIN_REFRESH_INTERVAL")?;
    let interval = Duration::parse(least)?;
    let file = stack.files.dashboards().find(|file| {
        let refresh = file.value["refresh"].as_str().and_then(Duration::parse);
        refresh.is_some_and(|refresh| refresh.0 > 0 && refresh < interval)
    })?;
    Some(place::at(
        &container.file.path,
        container.at("environment"),
        format!(
            "{} is to be refreshed every {}, and Grafana allows every {least} at most",
            file.path,
            file.value["refresh"].as_str().unwrap_or_default()
        ),
        "let dashboards and Grafana say the same",
    ))
}

/// Grafana gives up what it asks before a data source has answered.
fn impatient(container: &Container) -> Option<Diagnostic> {
    let written = container.variable("GF_DATAPROXY_TIMEOUT")?;
    let seconds: u64 = written.parse().ok()?;
    (1..5).contains(&seconds).then(|| {
        place::at(
            &container.file.path,
            container.at("environment"),
            format!(
                "`{}` gives up a query after {seconds}s: what looks back for a day is empty",
                container.name
            ),
            "leave `GF_DATAPROXY_TIMEOUT` out: that is 30 seconds",
        )
    })
}

/// Grafana sends everybody to another host than the one at which it is found.
fn other_domain(container: &Container) -> Option<Diagnostic> {
    if container.variable("GF_SERVER_ENFORCE_DOMAIN") != Some("true") {
        return None;
    }
    let domain = container
        .variable("GF_SERVER_DOMAIN")
        .unwrap_or("localhost");
    let (host, _, _) = parts(container.variable("GF_SERVER_ROOT_URL")?)?;
    (host != domain && !domain.contains('$')).then(|| {
        place::at(
            &container.file.path,
            container.at("environment"),
            format!(
                "`{}` sends everybody on to {domain}, and its links lead to {host}",
                container.name
            ),
            format!("write {host} into `GF_SERVER_DOMAIN`"),
        )
    })
}

/// A browser gives the cookie of a login to https alone.
fn cookie_never_sent(container: &Container) -> Option<Diagnostic> {
    let set = container.variable("GF_SECURITY_COOKIE_SECURE") == Some("true");
    let root = container.variable("GF_SERVER_ROOT_URL").unwrap_or("http:");
    (set && root.starts_with("http:")).then(|| {
        place::at(
            &container.file.path,
            container.at("environment"),
            format!(
                "nobody stays logged in at `{}`: its cookie is for https, and it is found by http",
                container.name
            ),
            "leave `GF_SECURITY_COOKIE_SECURE` out, or find it by https",
        )
    })
}

/// What Grafana says goes into a file of its own container, and not where Docker keeps logs.
fn unseen_log(container: &Container) -> Option<Diagnostic> {
    let modes = container.variable("GF_LOG_MODE")?;
    let told = modes.split([' ', ',']).any(|mode| mode == "console") || modes.contains('$');
    (!told && !modes.trim().is_empty()).then(|| {
        place::at(
            &container.file.path,
            container.at("environment"),
            format!(
                "`{}` logs to {modes} alone: `docker compose logs` shows nothing of it",
                container.name
            ),
            "leave `GF_LOG_MODE` out, or write `console` into it too",
        )
    })
}

/// There is no user, and nothing that brings one.
fn without_user(container: &Container) -> Option<Diagnostic> {
    let on = |name: &str| container.variable(name) == Some("true");
    let other = container.environment.iter().any(|(name, value)| {
        name.starts_with("GF_AUTH_")
            && name.ends_with("_ENABLED")
            && name != "GF_AUTH_BASIC_ENABLED"
            && value.as_deref() != Some("false")
    });
    let none = on("GF_SECURITY_DISABLE_INITIAL_ADMIN_CREATION") && !other;
    (none && !container.told_elsewhere).then(|| {
        place::at(
            &container.file.path,
            container.at("environment"),
            format!(
                "`{}` is started without its first user, and nothing brings another: nobody can log in",
                container.name
            ),
            "leave `GF_SECURITY_DISABLE_INITIAL_ADMIN_CREATION` out, or switch another way on to log in",
        )
    })
}

/// The first page is a dashboard that nobody has written.
fn home_without_dashboard(stack: &Stack, container: &Container) -> Option<Diagnostic> {
    let path = container.variable("GF_DASHBOARDS_DEFAULT_HOME_DASHBOARD_PATH")?;
    let name = path.rsplit('/').next().unwrap_or_default();
    // Of what is mounted from elsewhere nobody here knows what is in it.
    let seen = container.sees(path).rendered()?;
    let there = stack.files.at(&seen).is_some();
    (!there && !path.contains('$')).then(|| {
        place::at(
            &container.file.path,
            container.at("environment"),
            format!("`{}` opens with {name}, and there is no such dashboard", container.name),
            "name a dashboard that is rendered, or leave `GF_DASHBOARDS_DEFAULT_HOME_DASHBOARD_PATH` out",
        )
    })
}

/// Nobody gets in: the form is gone, and there is nothing in its place.
fn without_login(container: &Container) -> Option<Diagnostic> {
    let on = |name: &str, value: Option<&str>| {
        value.is_some_and(|value| {
            matches!(value.to_lowercase().as_str(), "true" | "1" | "t") || value.contains('$')
        }) && !name.is_empty()
    };
    let set = |name: &str| on(name, container.variable(name));
    let hidden = ["GF_AUTH_DISABLE_LOGIN_FORM", "GF_AUTH_DISABLE_LOGIN"]
        .into_iter()
        .find(|name| set(name))?;
    // Any other way in, by a variable or by a file of the container's own.
    let other = container.environment.iter().any(|(name, value)| {
        name.starts_with("GF_AUTH_")
            && name.ends_with("_ENABLED")
            && name != "GF_AUTH_BASIC_ENABLED"
            && value.as_deref().is_none_or(|value| on(name, Some(value)))
    });
    let configured = container
        .mounts
        .iter()
        .any(|mount| mount.target.ends_with("grafana.ini"))
        || container.variable("GF_PATHS_CONFIG").is_some()
        || container.told_elsewhere;
    (!other && !configured).then(|| {
        place::at(
            &container.file.path,
            container.at("environment"),
            format!("`{hidden}` takes the form away, and there is no other way to log in"),
            "leave the form, or switch another way on: `GF_AUTH_PROXY_ENABLED`, `GF_AUTH_GENERIC_OAUTH_ENABLED` …",
        )
    })
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
        place::at(
            &container.file.path,
            container.argument(flag.index),
            format!("a probe must end {seconds}s before its scrape, which may take {shortest} in all: {}ms are left for a health path to answer", left.round()),
            "let it be far smaller than `scrape_timeout`; 0.5 is the default",
        )
    })
}

/// A Prometheus without the flag by which it asks for native histograms, where its configuration cannot say so.
fn without_natives(stack: &Stack, container: &Container) -> Option<Diagnostic> {
    const FEATURE: &str = "native-histograms";
    let catalog = stack.catalog;
    let native = catalog.declared().find(|metric| metric.native)?;
    let flags = container.process.flags.iter();
    let mut features = flags.filter(|flag| flag.name == "enable-feature");
    let asked = features.any(|flag| flag.value.split(',').any(|one| one.trim() == FEATURE));
    (!catalog.prometheus.at_least(3, 8) && !asked).then(|| {
        place::at(
            &container.file.path,
            container.at("command"),
            format!(
                "`{}` asks for no native histograms, and of `{}` it has no series that a rule reads",
                container.name, native.name
            ),
            "start it with `--enable-feature=native-histograms`",
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
    // The file, from the version on that reads it there, wins over the flag.
    let config = stack
        .files
        .prometheus()
        .next()
        .filter(|_| in_file.is_some());
    let said = in_file.or(flag.map(|flag| flag.value.clone()));
    let sized = process.flag("storage.tsdb.retention.size").is_some();
    // What Prometheus does when nothing is said, and no size either.
    let kept = said.clone().unwrap_or_else(|| "15d".to_string());
    if Duration::parse(&kept) != Some(catalog.retention) && (said.is_some() || !sized) {
        let in_command = flag.map_or_else(
            || container.at("command"),
            |flag| container.argument(flag.index),
        );
        let (file, pointer) = match config {
            Some(config) => (config, "/storage/tsdb/retention/time".to_string()),
            None => (container.file, in_command),
        };
        found.push(place::at(
            &file.path,
            pointer,
            format!(
                "`{}` keeps samples for {kept}, the catalog says {}",
                container.name, catalog.retention
            ),
            "give it the catalog's `prometheus.retention`",
        ));
    }
    let slow = process.flag("scrape.discovery-reload-interval");
    let slow = slow.and_then(|flag| Some((flag, Duration::parse(&flag.value)?)));
    if let Some((flag, every)) = slow.filter(|(_, every)| every.0 > 5 * 60_000) {
        found.push(place::at(
            &container.file.path,
            container.argument(flag.index),
            format!(
                "`{}` looks every {every} for what is to be scraped: after a start, and after every change, it scrapes nothing for so long",
                container.name
            ),
            "leave it out: 5s is the default",
        ));
    }
    found.extend(without_natives(stack, container));
    found.extend(sized_for(stack, container));
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

/// A size at which Prometheus deletes samples long before the catalog's retention is over. What a target exposes beside what
/// its profile says is not known, so that the estimate is far too low rather than too high.
fn sized_for(stack: &Stack, container: &Container) -> Option<Diagnostic> {
    let flag = container.process.flag("storage.tsdb.retention.size");
    let written = match flag {
        Some(flag) => flag.value.clone(),
        None => {
            let config = stack.files.config()?;
            plain(config.pointer("/storage/tsdb/retention/size")?)
        }
    };
    let binary = written.trim_end_matches('B').trim_end_matches('i');
    let size = Size::parse(&format!("{binary}iB")).or_else(|| Size::parse(&written))?;
    let retention = stack.catalog.prometheus.retention;
    let targets = stack.contract.targets.list.iter();
    let samples: f64 = targets
        .map(|target| {
            let series = if target.params.contains_key("target") {
                PROBE
            } else {
                PROCESS
            };
            series * retention.0 as f64 / target.interval.0.max(1) as f64
        })
        .sum();
    let needed = samples * BYTES;
    let pointer = flag.map_or_else(
        || container.at("command"),
        |flag| container.argument(flag.index),
    );
    (size.0 > 0 && (size.0 as f64) < needed).then(|| {
        place::at(
            &container.file.path,
            pointer,
            format!(
                "`{}` keeps {written}, and the samples of {retention} take {:.0} MB at least: the older ones are deleted before",
                container.name,
                needed / 1e6
            ),
            "let the size be several times as much, or leave it to `prometheus.retention`",
        )
    })
}

/// https://prometheus.io/docs/prometheus/latest/storage/#operational-aspects: one to two bytes for a sample.
const BYTES: f64 = 1.0;

/// The series of a probe over HTTP,
const PROBE: f64 = 15.0;

/// and of the smallest process with a client library that serves anything.
const PROCESS: f64 = 60.0;

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
    if let Some(file) = &catalog.aws_credentials_file
        && container.variable("AWS_SHARED_CREDENTIALS_FILE").is_none()
        && !container.told_elsewhere
    {
        found.push(place::at(
            &container.file.path,
            container.at("environment"),
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
        place::at(
            &container.file.path,
            container.at("image"),
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
        found.push(place::at(
            &container.file.path,
            container.at(key),
            message,
            help,
        ));
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
        Some(place::at(
            &container.file.path,
            container.argument(flag.index),
            format!("`--{name}` is {given}: {meaning}"),
            format!("leave it out, or make it at most {most}"),
        ))
    });
    let hasty = TIMEOUTS.iter().filter_map(|(name, least)| {
        let flag = container.process.flag(name)?;
        let given = Duration::parse(&flag.value).filter(|given| given.0 > 0 && given < least)?;
        Some(place::at(
            &container.file.path,
            container.argument(flag.index),
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
