//! With which user and which password the monitoring's own servers are asked, and that it is theirs.

use super::address::{authority, endpoint};
use super::connection::Judge;
use crate::proofs::place;
use crate::stack::containers::Container;
use crate::stack::containers::mounts::{Mount, Sight, Source};
use crate::stack::containers::network::loopback;
use crate::stack::document::walk;

/// Files beside the secrets that the first lines of the compose file make, and what each is of. Whoever calls his own otherwise knows
/// what is in them.
const MADE: [(&str, &str); 5] = [
    ("prometheus_password", "the password of Prometheus"),
    ("prometheus_web", "the users of Prometheus"),
    ("alertmanager_password", "the password of the Alertmanager"),
    ("alertmanager_web", "the users of the Alertmanager"),
    ("grafana_admin_password", "the password of Grafana's admin"),
];

/// Who is asked with a user and a password.
struct Login<'q> {
    file: &'q str,
    /// Of the user, and of the password's file.
    pointers: [String; 2],
    asker: &'q Container<'q>,
    /// The program that is asked; None: somebody else.
    server: Option<&'static str>,
    user: Option<&'q str>,
    password: Option<String>,
}

impl Judge<'_, '_> {
    /// Users and passwords of other servers than the one that is asked, and web configurations that are another server's.
    pub(super) fn logins(&mut self) {
        let stack = self.stack;
        let mut logins = Vec::new();
        for file in stack.files.prometheus() {
            let Some(asker) = self.project().readers(&file.path).next() else {
                continue;
            };
            let groups = file.value["alerting"]["alertmanagers"].items().enumerate();
            let groups =
                groups.map(|(index, group)| (format!("/alerting/alertmanagers/{index}"), group));
            let jobs = file.value["scrape_configs"].items().enumerate();
            let jobs = jobs.map(|(index, job)| (format!("/scrape_configs/{index}"), job));
            for (pointer, client) in groups.chain(jobs) {
                let targets = client["static_configs"].items();
                let mut targets = targets.flat_map(|one| one["targets"].texts());
                let server = targets.find_map(|target| {
                    let (host, _) = authority(target, "http")?;
                    // It scrapes itself.
                    let host = if loopback(&host) { &asker.name } else { &host };
                    self.server(host)
                });
                let job = client["job_name"].as_str().unwrap_or("alertmanager");
                let server = server.or_else(|| own_server(job));
                let user = client["basic_auth"]["username"].as_str();
                walk(client, &mut |inside, key, value| {
                    let is_file = ["password_file", "credentials_file", "bearer_token_file"];
                    if !is_file.contains(&key) {
                        return;
                    }
                    let inside = inside.to_string();
                    logins.push(Login {
                        file: &file.path,
                        pointers: [
                            format!("{pointer}/basic_auth/username"),
                            format!("{pointer}{inside}"),
                        ],
                        asker,
                        server,
                        user: user.filter(|_| inside == "/basic_auth/password_file"),
                        password: value.as_str().map(str::to_string),
                    });
                });
            }
        }
        for (file, pointer, source) in stack.files.datasources() {
            let url = source["url"].as_str().and_then(endpoint);
            let asker = self.project().running("grafana").next();
            let (Some((_, host, _)), Some(asker)) = (url, asker) else {
                continue;
            };
            let password = source["secureJsonData"]["basicAuthPassword"].as_str();
            let password = password.and_then(|text| text.strip_prefix("$__file{"));
            logins.push(Login {
                file: &file.path,
                pointers: [
                    format!("{pointer}/basicAuthUser"),
                    format!("{pointer}/secureJsonData/basicAuthPassword"),
                ],
                asker,
                server: self.server(&host).or(Some("prometheus")),
                user: source["basicAuthUser"].as_str(),
                password: password.map(|path| path.trim_end_matches('}').to_string()),
            });
        }
        for login in logins {
            self.judge_login(&login);
        }
        self.web_configurations();
    }

    /// Which of the catalog's servers a container is.
    fn server(&self, host: &str) -> Option<&'static str> {
        own_server(self.project().container(host)?.process.name?)
    }

    fn judge_login(&mut self, login: &Login) {
        let catalog = self.stack.catalog;
        let expected = match login.server {
            Some("prometheus") => catalog.prometheus.basic_auth_user.as_deref(),
            Some("alertmanager") => catalog.alertmanager.basic_auth_user.as_deref(),
            _ => None,
        };
        let [of_user, of_password] = &login.pointers;
        let asker = &login.asker.name;
        if let (Some(server), Some(expected), Some(user)) = (login.server, expected, login.user)
            && user != expected
        {
            self.found.push(place::at(
                login.file,
                of_user,
                format!("`{asker}` asks `{server}` as `{user}`, and it knows only `{expected}`"),
                "write the catalog's `basic_auth_user`",
            ));
        }
        let own = login.server.map(|server| format!("{server}_password"));
        let made = login
            .password
            .as_deref()
            .and_then(|path| made(login.asker, path));
        if let Some((name, what)) = made.filter(|(name, _)| own.as_deref() != Some(*name)) {
            let whom = login.server.unwrap_or("somebody else");
            self.found.push(place::at(
                login.file,
                of_password,
                format!("`{asker}` asks {whom} with {what} (`{name}`), which is refused"),
                "name the file of the password that belongs there",
            ));
        }
    }

    /// Servers that read the users of another one, or a file that holds no users.
    fn web_configurations(&mut self) {
        for container in self.project().started() {
            let program = container.process.program;
            let flag = program.and_then(|program| program.web_config.as_ref());
            let Some(flag) = flag.and_then(|flag| container.process.flag(flag)) else {
                continue;
            };
            let own = format!("{}_web", container.process.name.unwrap_or_default());
            if let Some((name, what)) =
                made(container, &flag.value).filter(|(name, _)| *name != own)
            {
                self.found.push(place::of_flag(
                    container,
                    flag,
                    format!(
                        "`{}` reads who may log in from `{name}`, which is {what}",
                        container.name
                    ),
                    "name the file of its own users",
                ));
            }
        }
    }
}

/// One of the servers that the catalog gives a user.
fn own_server(name: &str) -> Option<&'static str> {
    ["prometheus", "alertmanager"]
        .into_iter()
        .find(|own| *own == name)
}

/// Which of the files that are made for the servers a path of a container leads to.
fn made(container: &Container, path: &str) -> Option<(&'static str, &'static str)> {
    let path = container.absolute(path);
    let Sight::Mounted(
        Mount {
            source: Source::Outside(source),
            ..
        },
        inside,
    ) = container.sees(&path)
    else {
        return None;
    };
    let whole = format!("{source}/{inside}");
    let name = whole.trim_end_matches('/').rsplit('/').next()?;
    let name = name.trim_end_matches(".yml");
    MADE.into_iter().find(|(made, _)| *made == name)
}
