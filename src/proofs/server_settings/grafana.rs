//! Grafana is found, let into, refreshed and heard as the catalog and its dashboards say.

use super::{place, url};
use crate::catalog::Duration;
use crate::diagnostic::Diagnostic;
use crate::stack::Stack;
use crate::stack::containers::{Container, parts};

/// What is wrong with the variables of a container, and what to do.
type Wrong = Option<(String, String)>;

pub(super) fn of(stack: &Stack, container: &Container) -> Vec<Diagnostic> {
    let wrong = [
        refreshed(stack, container),
        without_login(container),
        impatient(container),
        other_domain(container),
        cookie_never_sent(container),
        unseen_log(container),
        without_user(container),
        home_without_dashboard(stack, container),
    ];
    let wrong = wrong.into_iter().flatten();
    let said = |(message, help)| place::in_container(container, "environment", message, help);
    let url = url(container, &stack.catalog.grafana.external_url);
    url.into_iter().chain(wrong.map(said)).collect()
}

/// A dashboard that is not refreshed as often as it says.
fn refreshed(stack: &Stack, container: &Container) -> Wrong {
    let least = container.variable("GF_DASHBOARDS_MIN_REFRESH_INTERVAL")?;
    let interval = Duration::parse(least)?;
    let file = stack.files.dashboards().find(|file| {
        let refresh = file.value["refresh"].as_str().and_then(Duration::parse);
        refresh.is_some_and(|refresh| refresh.0 > 0 && refresh < interval)
    })?;
    let message = format!(
        "{} is to be refreshed every {}, and Grafana allows every {least} at most",
        file.path,
        file.value["refresh"].as_str().unwrap_or_default()
    );
    Some((message, "let dashboards and Grafana say the same".into()))
}

/// Grafana gives up what it asks before a data source has answered.
fn impatient(container: &Container) -> Wrong {
    let written = container.variable("GF_DATAPROXY_TIMEOUT")?;
    let seconds: u64 = written.parse().ok()?;
    let message = format!(
        "`{}` gives up a query after {seconds}s: what looks back for a day is empty",
        container.name
    );
    let help = "leave `GF_DATAPROXY_TIMEOUT` out: that is 30 seconds";
    (1..5).contains(&seconds).then(|| (message, help.into()))
}

/// Grafana sends everybody to another host than the one at which it is found.
fn other_domain(container: &Container) -> Wrong {
    let domain = container.variable("GF_SERVER_DOMAIN");
    let domain = domain.unwrap_or("localhost");
    let (host, _, _) = parts(container.variable("GF_SERVER_ROOT_URL")?)?;
    let message = format!(
        "`{}` sends everybody on to {domain}, and its links lead to {host}",
        container.name
    );
    let help = format!("write {host} into `GF_SERVER_DOMAIN`");
    let enforced = is_on(container, "GF_SERVER_ENFORCE_DOMAIN");
    (enforced && host != domain && !domain.contains('$')).then_some((message, help))
}

/// A browser gives the cookie of a login to https alone.
fn cookie_never_sent(container: &Container) -> Wrong {
    let root = container.variable("GF_SERVER_ROOT_URL").unwrap_or("http:");
    let message = format!(
        "nobody stays logged in at `{}`: its cookie is for https, and it is found by http",
        container.name
    );
    let help = "leave `GF_SECURITY_COOKIE_SECURE` out, or find it by https";
    (is_on(container, "GF_SECURITY_COOKIE_SECURE") && root.starts_with("http:"))
        .then(|| (message, help.into()))
}

/// What Grafana says goes into a file of its own container, and not where Docker keeps logs.
fn unseen_log(container: &Container) -> Wrong {
    let modes = container.variable("GF_LOG_MODE")?;
    let told = modes.split([' ', ',']).any(|mode| mode == "console") || modes.contains('$');
    let message = format!(
        "`{}` logs to {modes} alone: `docker compose logs` shows nothing of it",
        container.name
    );
    let help = "leave `GF_LOG_MODE` out, or write `console` into it too";
    (!told && !modes.trim().is_empty()).then(|| (message, help.into()))
}

/// The first page is a dashboard that nobody has written.
fn home_without_dashboard(stack: &Stack, container: &Container) -> Wrong {
    let path = container.variable("GF_DASHBOARDS_DEFAULT_HOME_DASHBOARD_PATH")?;
    let name = path.rsplit('/').next().unwrap_or_default();
    // Of what is mounted from elsewhere nobody here knows what is in it.
    let seen = container.sees(path).rendered()?;
    let there = stack.files.at(&seen).is_some();
    let message = format!(
        "`{}` opens with {name}, and there is no such dashboard",
        container.name
    );
    let help = "name a dashboard that is rendered, or leave `GF_DASHBOARDS_DEFAULT_HOME_DASHBOARD_PATH` out";
    (!there && !path.contains('$')).then(|| (message, help.into()))
}

/// There is no user, and nothing that brings one.
fn without_user(container: &Container) -> Wrong {
    let none = is_on(container, "GF_SECURITY_DISABLE_INITIAL_ADMIN_CREATION");
    let message = format!(
        "`{}` is started without its first user, and nothing brings another: nobody can log in",
        container.name
    );
    let help = "leave `GF_SECURITY_DISABLE_INITIAL_ADMIN_CREATION` out, or switch another way on to log in";
    (none && !has_other_login(container)).then(|| (message, help.into()))
}

/// Nobody gets in: the form is gone, and there is nothing in its place.
fn without_login(container: &Container) -> Wrong {
    let hidden = ["GF_AUTH_DISABLE_LOGIN_FORM", "GF_AUTH_DISABLE_LOGIN"];
    let hidden = hidden.into_iter().find(|name| is_on(container, name))?;
    let message = format!("`{hidden}` takes the form away, and there is no other way to log in");
    let help = "leave the form, or switch another way on: `GF_AUTH_PROXY_ENABLED`, `GF_AUTH_GENERIC_OAUTH_ENABLED` …";
    (!has_other_login(container)).then(|| (message, help.into()))
}

/// Whether there may be a way to log in beside the form: by a variable, or by a file of the container's own.
fn has_other_login(container: &Container) -> bool {
    let by_variable = container.environment.iter().any(|(name, value)| {
        let unknown = value.as_deref().is_none_or(|value| value.contains('$'));
        name.starts_with("GF_AUTH_")
            && name.ends_with("_ENABLED")
            && name != "GF_AUTH_BASIC_ENABLED"
            && (unknown || is_on(container, name))
    });
    let mut mounts = container.mounts.iter();
    by_variable
        || mounts.any(|mount| mount.target.ends_with("grafana.ini"))
        || container.variable("GF_PATHS_CONFIG").is_some()
        || container.told_elsewhere
}

/// Whether a switch is on; a value that is filled in elsewhere may be anything.
fn is_on(container: &Container, name: &str) -> bool {
    let value = container.variable(name).unwrap_or_default();
    ["true", "1", "t"].contains(&value.to_lowercase().as_str())
}
