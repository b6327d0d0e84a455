//! What provisions Grafana says what Grafana reads, and dashboards and data sources come to the same people.

use super::{Check, Example, Proof, place};
use crate::artifacts::Role;
use crate::catalog::Duration;
use crate::diagnostic::Diagnostic;
use crate::render::File;
use crate::stack::Stack;
use crate::stack::containers::parts;
use crate::stack::dashboards::panels;
use crate::stack::grafana::misread;
use std::collections::{BTreeSet, HashMap};

pub(crate) const PROOF: Proof = Proof {
    code: "grafana-provisioning",
    doc: "Grafana skips a key of its provisioning that it does not know and says nothing: the data source then has another interval, or asks without its password. A file without `apiVersion` is read in the form of before 2018, and what belongs to another organization is seen by nobody who looks at the dashboards.",
    example: Example::Rendered {
        role: Role::Datasources,
        pointer: "/datasources/*/jsonData/httpMethod",
        bad: r#""PUT""#,
    },
    check: Check::Stack(check),
};

/// Nothing brings the dashboards into Grafana that are rendered (pkg/services/provisioning/dashboards/dashboard.go).
fn without_dashboards(stack: &Stack) -> Vec<Diagnostic> {
    let mut found = Vec::new();
    if stack.files.dashboards().next().is_none() {
        return found;
    }
    for file in stack.files.provider_files() {
        let mut providers = file.value["providers"].items().peekable();
        if providers.peek().is_none() {
            found.push(place::at(
                &file.path,
                "/providers",
                "nothing provides the dashboards: Grafana starts without one",
                "name a provider of the type `file`, with the folder of the dashboards as its `path`",
            ));
        }
        for (index, provider) in providers.enumerate() {
            let name = provider["name"].as_str().unwrap_or_default();
            let options = &provider["options"];
            let folder = [&options["path"], &options["folder"]];
            let folder = folder.into_iter().filter_map(|folder| folder.as_str());
            let mut folder = folder.filter(|folder| !folder.is_empty());
            let (key, message) = if provider["type"] != "file" {
                (
                    "type",
                    format!("Grafana refuses the provider `{name}`, whose `type` is not `file`"),
                )
            } else if folder.next().is_none() {
                (
                    "options/path",
                    format!("the provider `{name}` has no `path`: there is no dashboard"),
                )
            } else {
                continue;
            };
            found.push(place::at(
                &file.path,
                format!("/providers/{index}/{key}"),
                message,
                "write `type: file`, and the folder of the dashboards as `path`",
            ));
        }
    }
    found
}

/// Providers of one folder: Grafana finds each dashboard twice, and from then on writes none of them into its database
/// (pkg/services/provisioning/dashboards/validator.go). And one that looks for changes so rarely that nobody waits for it.
fn providers(stack: &Stack) -> Vec<Diagnostic> {
    let mut found = Vec::new();
    let mut folders: HashMap<&str, &str> = HashMap::new();
    for file in stack.files.provider_files() {
        for (index, provider) in file.value["providers"].items().enumerate() {
            let name = provider["name"].as_str().unwrap_or_default();
            let path = provider["options"]["path"].as_str();
            let path = path.map(|path| path.trim_end_matches('/'));
            if let Some(path) = path.filter(|path| !path.is_empty())
                && let Some(other) = folders.insert(path, name)
            {
                found.push(place::at(
                    &file.path,
                    format!("/providers/{index}/options/path"),
                    format!("`{name}` provides the dashboards of {path}, as `{other}` does: Grafana writes changes of none of them"),
                    "keep one of the two, or give each a folder of its own",
                ));
            }
            let every = provider["updateIntervalSeconds"]
                .as_u64()
                .unwrap_or_default();
            if every > SELDOM {
                found.push(place::at(
                    &file.path,
                    format!("/providers/{index}/updateIntervalSeconds"),
                    format!(
                        "what is rendered is in Grafana after {}",
                        Duration(every.saturating_mul(1000))
                    ),
                    "look more often: 30 seconds cost nothing",
                ));
            }
        }
    }
    found
}

/// Seconds after which whoever has rendered a dashboard no longer looks for it.
const SELDOM: u64 = 3600;

/// So many times the catalog's pace is no longer it.
const SLOWER: u64 = 10;

/// The longest uid that Grafana stores.
const LONGEST: usize = 40;

/// Parameters of Prometheus' queries that panels fill in themselves.
const OF_TIME: [&str; 5] = ["query", "time", "start", "end", "step"];

/// Plugins that are switched off (`disable_plugins` of Grafana's configuration) and that dashboards or data sources are made with.
fn switched_off(stack: &Stack) -> Vec<Diagnostic> {
    let panels = stack
        .files
        .dashboards()
        .flat_map(|file| panels(&file.value));
    let used: BTreeSet<&str> = panels
        .filter_map(|(_, panel)| panel["type"].as_str())
        .chain(
            stack
                .files
                .datasources()
                .filter_map(|(_, _, source)| source["type"].as_str()),
        )
        .collect();
    let mut found = Vec::new();
    for container in stack.containers.started() {
        let off = container
            .variable("GF_PLUGINS_DISABLE_PLUGINS")
            .unwrap_or_default();
        let off = off.split([',', ' ']).map(str::trim);
        for plugin in off.filter(|plugin| used.contains(plugin)) {
            found.push(place::in_container(
                container,
                "environment",
                format!(
                    "`{}` is started without the plugin `{plugin}`, which dashboards are made with",
                    container.name
                ),
                "take it out of `GF_PLUGINS_DISABLE_PLUGINS`",
            ));
        }
    }
    found
}

/// Between scrapes of the service that is scraped least often, in milliseconds.
fn slowest(stack: &Stack) -> u64 {
    let targets = stack.contract.targets.list.iter();
    targets
        .map(|target| target.interval.0)
        .max()
        .unwrap_or(u64::MAX / 4)
}

/// Where no organization is written.
const FIRST: i64 = 1;

/// The least time that a query may take, in seconds: Grafana gives up a shorter one before Prometheus answers.
const LEAST_TIMEOUT: f64 = 1.0;

fn check(stack: &Stack) -> Vec<Diagnostic> {
    let mut found = Vec::new();
    let mut flaws = |file: &File, name: &str, value, pointer: &str| {
        let flaws = misread(name, value, pointer).into_iter();
        found
            .extend(flaws.map(|flaw| place::at(&file.path, flaw.pointer, flaw.message, flaw.help)));
    };
    for file in stack.files.datasource_files() {
        flaws(file, "DataSources", &file.value, "");
    }
    for file in stack.files.provider_files() {
        flaws(file, "DashboardProviders", &file.value, "");
    }
    for (file, pointer, source) in stack.files.datasources() {
        if source["type"] == "prometheus" {
            flaws(
                file,
                "PrometheusSource",
                &source["jsonData"],
                &format!("{pointer}/jsonData"),
            );
        }
    }
    let files = stack
        .files
        .datasource_files()
        .chain(stack.files.provider_files());
    for file in files.filter(|file| file.value["apiVersion"].as_i64().unwrap_or(0) < 1) {
        found.push(place::at(
            &file.path,
            "/apiVersion",
            "it has no `apiVersion`: Grafana reads it in a form that has none of these keys",
            "write `apiVersion: 1`",
        ));
    }
    let mut organizations = BTreeSet::new();
    let mut defaults: HashMap<i64, String> = HashMap::new();
    for (file, pointer, source) in stack.files.datasources() {
        let organization = source["orgId"].as_i64().unwrap_or(FIRST);
        organizations.insert(organization);
        let named = source["name"].as_str().unwrap_or_default().to_string();
        // pkg/services/provisioning/datasources/config_reader.go
        if source["isDefault"] == true
            && let Some(first) = defaults.insert(organization, named)
        {
            found.push(place::at(
                &file.path,
                format!("{pointer}/isDefault"),
                format!("Grafana does not start with two default data sources, and `{first}` is one already"),
                "keep `isDefault` of one of them",
            ));
        }
        let mut wrong = |key: &str, message: String, help: &str| {
            found.push(place::at(
                &file.path,
                format!("{pointer}/{key}"),
                message,
                help,
            ))
        };
        let name = source["name"].as_str().unwrap_or_default();
        if source["type"] == "prometheus" {
            let url = source["url"].as_str().unwrap_or_default();
            let known = &stack.catalog.grafana.datasource_url;
            let elsewhere = stack.catalog.grafana.runs_on != "compose"
                && source["uid"] == stack.catalog.grafana.datasource_uid.as_str()
                && url.trim_end_matches('/') != known.trim_end_matches('/');
            if !url.contains('$') && parts(url).is_none() {
                wrong(
                    "url",
                    format!("the data source `{name}` has no address: `{url}`"),
                    "write that of Prometheus, as in `http://prometheus:9090`",
                );
            } else if elsewhere && !url.contains('$') {
                wrong(
                    "url",
                    format!("the data source `{name}` asks {url}, the catalog says {known}"),
                    "render the catalog's `datasource_url`",
                );
            }
        }
        if source["uid"]
            .as_str()
            .is_some_and(|uid| uid.len() > LONGEST)
        {
            let message =
                format!("the uid of the data source `{name}` is longer than {LONGEST} characters");
            wrong("uid", message, "write a shorter one");
        }
        let user = source["basicAuthUser"].as_str().unwrap_or_default();
        match (source["basicAuth"] == true, user.is_empty()) {
            (true, true) => {
                let message = format!("the data source `{name}` sends a password and no name");
                wrong(
                    "basicAuth",
                    message,
                    "write `basicAuthUser`, or take `basicAuth` away",
                );
            }
            (true, false) if source["secureJsonData"]["basicAuthPassword"].is_null() => {
                let message = format!("the data source `{name}` sends a user without a password");
                let help =
                    "write `basicAuthPassword` into `secureJsonData`, or take `basicAuth` away";
                wrong("basicAuth", message, help);
            }
            (false, false) => {
                let message = format!("the data source `{name}` has a user and sends it not");
                wrong("basicAuthUser", message, "write `basicAuth: true`");
            }
            _ => {}
        }
        let secret = |key: &str| {
            !source["secureJsonData"][key]
                .as_str()
                .unwrap_or_default()
                .is_empty()
        };
        for (key, wants) in [
            ("tlsAuth", "tlsClientCert"),
            ("tlsAuth", "tlsClientKey"),
            ("tlsAuthWithCACert", "tlsCACert"),
        ] {
            if source["jsonData"][key] == true && !secret(wants) {
                let message = format!(
                    "the data source `{name}` wants to use `{wants}`, and is given none: every query fails"
                );
                wrong(
                    &format!("jsonData/{key}"),
                    message,
                    "write it under `secureJsonData`, or take the key away",
                );
                break;
            }
        }
        let series = source["jsonData"]["seriesLimit"].as_u64().unwrap_or(0);
        let services = stack.contract.targets.list.len() as u64;
        if (1..services).contains(&series) {
            let message =
                format!("the variables of dashboards offer {series} of {services} targets");
            wrong(
                "jsonData/seriesLimit",
                message,
                "leave it out: the default is 40,000",
            );
        }
        for key in [
            "timeInterval",
            "queryTimeout",
            "incrementalQueryOverlapWindow",
        ] {
            let Some(text) = source["jsonData"][key]
                .as_str()
                .filter(|text| !text.contains('$'))
            else {
                continue;
            };
            let at = format!("jsonData/{key}");
            match Duration::parse(text) {
                None if !text.is_empty() => wrong(
                    &at,
                    format!("`{text}` is no duration"),
                    "write a number and a unit, such as `60s`",
                ),
                Some(duration) if key == "queryTimeout" && duration.seconds() <= LEAST_TIMEOUT => {
                    let message = format!("Grafana gives up a query after {text}");
                    wrong(
                        &at,
                        message,
                        "leave it out: the default is that of Prometheus",
                    )
                }
                Some(duration) if key == "timeInterval" && duration.0 > 4 * slowest(stack) => {
                    let message = format!(
                        "panels look at no less than {text}, and samples come every {}: what is short is flat",
                        Duration(slowest(stack))
                    );
                    wrong(&at, message, "write the interval of scrapes")
                }
                _ => {}
            }
        }
        let more = source["jsonData"]["customQueryParameters"].as_str();
        let names = more.unwrap_or_default().split('&');
        let mut names = names.map(|pair| pair.split('=').next().unwrap_or_default());
        let pairs = more.unwrap_or_default().split('&');
        let mut pairs = pairs.filter_map(|pair| pair.strip_prefix("timeout="));
        let short = pairs
            .find(|time| Duration::parse(time).is_some_and(|time| time.seconds() <= LEAST_TIMEOUT));
        if let Some(short) = short {
            wrong(
                "jsonData/customQueryParameters",
                format!("Prometheus gives up every query after {short}"),
                "remove `timeout`: Prometheus has one of its own",
            );
        }
        if let Some(name) = names.find(|name| OF_TIME.contains(name)) {
            wrong(
                "jsonData/customQueryParameters",
                format!("every query is asked with another `{name}` than the panel's"),
                "remove it",
            );
        }
    }
    found.extend(without_dashboards(stack));
    found.extend(providers(stack));
    for file in stack.files.dashboards() {
        let written = file.value["refresh"].as_str().unwrap_or_default();
        let said = stack.catalog.grafana.refresh;
        let every = Duration::parse(written).unwrap_or_default();
        // A template may have a pace of its own; what is much slower is the past, for whoever looks at it.
        let late = every.0 == 0 || every.0 > SLOWER * said.0;
        if !file.is_own() && said.0 > 0 && late {
            let written = match every.0 {
                0 => "never".to_string(),
                _ => format!("every {every}"),
            };
            found.push(place::at(
                &file.path,
                "/refresh",
                format!("the dashboard is refreshed {written}, the catalog says every {said}"),
                "render `refresh` of [grafana]",
            ));
        }
    }
    found.extend(switched_off(stack));
    for file in stack.files.provider_files() {
        for (index, provider) in file.value["providers"].items().enumerate() {
            // pkg/services/dashboards/service/dashboard_service.go: no folder may be called as the one that is no folder.
            let title = provider["folder"].as_str().unwrap_or_default();
            if title.eq_ignore_ascii_case("General") {
                found.push(place::at(
                    &file.path,
                    format!("/providers/{index}/folder"),
                    format!("Grafana refuses a folder called `{title}`: there is no dashboard"),
                    "give it another name; without one they are in General",
                ));
            }
            // pkg/util/shortid_generator.go: other characters are refused, and the dashboards with them.
            let uid = provider["folderUid"].as_str().unwrap_or_default();
            let plain = |letter: char| letter.is_ascii_alphanumeric() || "-_".contains(letter);
            if !uid.contains('$') && (uid.len() > LONGEST || !uid.chars().all(plain)) {
                found.push(place::at(
                    &file.path,
                    format!("/providers/{index}/folderUid"),
                    format!("Grafana refuses the folder `{uid}`: there is no dashboard"),
                    "write a uid of at most 40 letters, digits, `-` and `_`",
                ));
            }
            let folder = ["folder", "folderUid"].into_iter().find(|key| {
                let text = provider[*key].as_str();
                text.is_some_and(|text| !text.is_empty() && !text.contains('$'))
            });
            // pkg/services/provisioning/dashboards/config_reader.go and file_reader.go
            if provider["options"]["foldersFromFilesStructure"] == true
                && let Some(key) = folder
            {
                found.push(place::at(
                    &file.path,
                    format!("/providers/{index}/options/foldersFromFilesStructure"),
                    format!("Grafana refuses a provider that takes folders from files and has a `{key}`: there is no dashboard"),
                    "keep one of the two",
                ));
            }
            let organization = provider["orgId"].as_i64().unwrap_or(FIRST);
            if !organizations.is_empty() && !organizations.contains(&organization) {
                found.push(place::at(
                    &file.path,
                    format!("/providers/{index}/orgId"),
                    format!("the dashboards belong to the organization {organization}, which has no data source"),
                    "write the `orgId` of the data sources",
                ));
            }
        }
    }
    found
}
