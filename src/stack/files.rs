//! The Files by role. Who needs the rule files, the dashboards or the containers asks here.

use crate::artifacts::{RULES, Role};
use crate::catalog::Duration;
use crate::contract::targets::Lists;
use crate::render::File;
use crate::value::Value;

/// Rendered files.
#[derive(Clone, Copy)]
pub struct Files<'a> {
    files: &'a [File],
    view: View,
}

/// Which files of a stack are looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum View {
    /// What was rendered from the catalog: whatever proves its intent asks of these.
    Catalog,
    /// The user's own files of `[extra]` too.
    Whole,
}

impl<'a> Files<'a> {
    /// Of a whole stack, the user's own files among them.
    pub fn of(files: &'a [File]) -> Files<'a> {
        let view = View::Whole;
        Files { files, view }
    }

    /// As a view has them.
    pub(crate) fn seen(self, view: View) -> Files<'a> {
        Files { view, ..self }
    }

    /// Every file, whatever it is for.
    pub(crate) fn all(self) -> impl Iterator<Item = &'a File> + Clone {
        let whole = self.view == View::Whole;
        self.files
            .iter()
            .filter(move |file| whole || !file.is_own())
    }

    /// The files of one role.
    fn with(self, role: Role) -> impl Iterator<Item = &'a File> + Clone {
        self.all().filter(move |file| file.role == role)
    }

    /// The file at a path under the output folder.
    pub(crate) fn at(self, path: &str) -> Option<&'a File> {
        self.all().find(|file| file.path == path)
    }

    /// The configurations of Prometheus.
    pub fn prometheus(self) -> impl Iterator<Item = &'a File> + Clone {
        self.with(Role::Prometheus)
    }

    /// What the first of them says.
    pub fn config(self) -> Option<&'a Value> {
        self.prometheus().next().map(|file| file.value.as_ref())
    }

    /// The files with rules, for whatever reads them.
    pub fn rule_files(self) -> impl Iterator<Item = &'a File> + Clone {
        self.all()
            .filter(|file| matches!(file.role, Role::Rules { .. }))
    }

    /// The rule files that Prometheus reads itself; an operator reads the others, and gives it their groups.
    pub(crate) fn own_rule_files(self) -> impl Iterator<Item = &'a File> + Clone {
        self.with(RULES)
    }

    /// The rule files that a configuration of Prometheus names, in its order: for each pattern those that it matches.
    pub fn named_rule_files<'c>(
        self,
        config: &'c File,
    ) -> impl Iterator<Item = (&'c str, Vec<&'a File>)>
    where
        'a: 'c,
    {
        let patterns = config.value["rule_files"].as_array().into_iter().flatten();
        patterns.filter_map(Value::as_str).map(move |pattern| {
            let named = self
                .own_rule_files()
                .filter(|file| config.names(pattern, &file.path));
            (pattern, named.collect())
        })
    }

    /// The lists of targets that are rendered beside a configuration of Prometheus.
    pub(crate) fn target_lists(self) -> Lists<'a> {
        let mut lists = Lists::new();
        let Some(config) = self.prometheus().next() else {
            return lists;
        };
        let jobs = config.value["scrape_configs"].items();
        let asked = jobs.flat_map(|job| job["file_sd_configs"].items());
        for pattern in asked.flat_map(|asked| asked["files"].texts()) {
            let named = self.all().filter(|file| config.names(pattern, &file.path));
            lists.insert(pattern, named.map(|file| file.value.as_ref()).collect());
        }
        lists
    }

    /// Every rule with its file and pointer.
    pub fn rules(self) -> impl Iterator<Item = (&'a File, String, &'a Value)> {
        self.rule_files().flat_map(|file| {
            file.rules()
                .map(move |(pointer, rule)| (file, pointer, rule))
        })
    }

    /// Every alerting rule with its file and pointer.
    pub fn alerts(self) -> impl Iterator<Item = (&'a File, String, &'a Value)> {
        self.rules()
            .filter(|(_, _, rule)| rule.get("alert").is_some())
    }

    /// The files with unit tests of rules.
    pub(crate) fn tests(self) -> impl Iterator<Item = &'a File> + Clone {
        self.with(Role::RuleTests)
    }

    /// The Alertmanager's configuration.
    pub fn alertmanager(self) -> Option<&'a File> {
        self.with(Role::Alertmanager).next()
    }

    /// The blackbox exporter's configuration.
    pub fn blackbox(self) -> Option<&'a File> {
        self.with(Role::Blackbox).next()
    }

    /// The configurations of Prometheus, the Alertmanager and the blackbox exporter.
    pub(crate) fn configurations(self) -> impl Iterator<Item = &'a File> {
        let others = self.alertmanager().into_iter().chain(self.blackbox());
        self.prometheus().chain(others)
    }

    /// The dashboards.
    pub fn dashboards(self) -> impl Iterator<Item = &'a File> + Clone {
        self.with(Role::Dashboard)
    }

    /// The files with data sources.
    pub(crate) fn datasource_files(self) -> impl Iterator<Item = &'a File> + Clone {
        self.with(Role::Datasources)
    }

    /// The files that say where Grafana looks for dashboards.
    pub(crate) fn provider_files(self) -> impl Iterator<Item = &'a File> + Clone {
        self.with(Role::DashboardProvider)
    }

    /// Every data source with its file and pointer.
    pub(crate) fn datasources(self) -> impl Iterator<Item = (&'a File, String, &'a Value)> {
        self.datasource_files().flat_map(|file| {
            let sources = file.value["datasources"].as_array().into_iter().flatten();
            sources
                .enumerate()
                .map(move |(index, source)| (file, format!("/datasources/{index}"), source))
        })
    }

    /// How often is scraped, as the data sources say it; None where there is none.
    pub fn scrape_interval(self) -> Option<Duration> {
        self.datasources()
            .filter_map(|(_, _, source)| {
                Duration::parse(source["jsonData"]["timeInterval"].as_str()?)
            })
            .max()
    }

    /// Every place where Grafana looks for dashboards.
    pub(crate) fn providers(self) -> impl Iterator<Item = &'a Value> {
        self.provider_files()
            .flat_map(|file| file.value["providers"].as_array().into_iter().flatten())
    }

    /// The compose files.
    pub fn compose(self) -> impl Iterator<Item = &'a File> + Clone {
        self.with(Role::Compose)
    }

    /// The modules of Python.
    pub(crate) fn python(self) -> impl Iterator<Item = &'a File> {
        self.with(Role::Python)
    }

    /// The documents for people.
    pub(crate) fn documents(self) -> impl Iterator<Item = &'a File> {
        self.with(Role::Markdown)
    }
}
