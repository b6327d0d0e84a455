//! What may come from jobs of which the catalog does not say what they expose, or whom they ask.

use crate::catalog::Catalog;
use crate::contract::Contract;
use crate::contract::relabel::Rule;
use crate::profiles::{built_in, of_runtimes};
use crate::promql::matchers::Judge;
use crate::promql::{Matcher, VectorSelector};
use crate::value::Value;
use fixedbitset::FixedBitSet;
use std::collections::HashSet;

/// A job whose targets only Prometheus finds.
struct Finding {
    name: String,
    /// Whether what it finds may be of another job, as far as anybody knows.
    renames: bool,
}

/// What is open about the jobs of a stack.
pub(crate) struct Open {
    /// Known targets that may expose anything.
    targets: FixedBitSet,
    finding: Vec<Finding>,
    /// Whether what is exposed may say itself which job it is of, or gets other names behind the scrape.
    anywhere: bool,
    /// By Prometheus, of every target.
    written: HashSet<&'static str>,
    /// Targets of own programs, which expose what they are made with too,
    programs: FixedBitSet,
    /// and what that may be.
    runtimes: HashSet<&'static str>,
}

impl Open {
    /// own: the names of the jobs that are the user's.
    pub(super) fn of(
        catalog: &Catalog,
        own: &HashSet<&str>,
        config: &Value,
        contract: &Contract,
    ) -> Open {
        let emitters: HashSet<&String> = catalog
            .declared()
            .flat_map(|metric| &metric.services)
            .collect();
        // Of a service that says nothing of its metrics nobody knows them.
        let silent = catalog
            .services
            .iter()
            .filter(|service| service.profiles.is_empty() && !emitters.contains(&service.name));
        let silent = silent.map(|service| service.name.as_str());
        let mut open = Open {
            targets: contract.targets.with_any("job", silent),
            finding: Vec::new(),
            anywhere: false,
            written: built_in("target").collect(),
            programs: contract.targets.with_any("job", own.iter().copied()),
            runtimes: match own.is_empty() {
                true => HashSet::new(),
                false => of_runtimes().collect(),
            },
        };
        for (index, job) in config["scrape_configs"].items().enumerate() {
            let name = job["job_name"].as_str().unwrap_or_default();
            if !own.contains(name) {
                continue;
            }
            let said = catalog.extra.jobs.get(name);
            let exposes = said.is_none_or(|said| said.profiles.is_empty());
            let rules = Rule::read(&job["metric_relabel_configs"]);
            open.anywhere |= rules.is_err();
            let rules = rules.unwrap_or_default();
            let honors = job["honor_labels"] == true;
            open.anywhere |= rules.iter().any(Rule::renames)
                || (exposes && (honors || rules.iter().any(|rule| rule.writes().is_some())));
            if exposes {
                let listed = contract.targets.list.iter().enumerate();
                let listed = listed.filter(|(_, target)| target.job == index);
                open.targets.extend(listed.map(|(target, _)| target));
            }
            // A job without any target is told as that, and what is read of it follows.
            let mut targets = contract.targets.list.iter();
            let alone = !targets.any(|target| target.job == index);
            if alone || contract.targets.elsewhere.contains(&index) {
                let rules = Rule::read(&job["relabel_configs"]).unwrap_or_default();
                // Such lists give their targets any label.
                let lists = ["http_sd_configs", "file_sd_configs"];
                let relabels = |rule: &Rule| rule.renames() || rule.writes() == Some("job");
                open.finding.push(Finding {
                    name: name.to_string(),
                    renames: lists.iter().any(|key| job.get(*key).is_some())
                        || rules.iter().any(relabels),
                });
            }
        }
        open
    }

    /// Whether nothing is.
    pub(crate) fn nothing(&self) -> bool {
        let targets = self.targets.is_clear() && self.programs.is_clear();
        targets && self.finding.is_empty() && !self.anywhere
    }

    /// Whether a selector of some metric may pick series that nobody knows.
    pub(crate) fn may_give(&self, selector: &VectorSelector, contract: &Contract) -> bool {
        let name = selector.name.as_deref().unwrap_or_default();
        let matchers = &selector.matchers.matchers;
        let found = || self.finding.iter().any(|job| job.may_be_of(matchers));
        // What Prometheus itself writes of a target depends on no exposition.
        if self.written.contains(name) {
            return found();
        }
        if self.anywhere || found() {
            return true;
        }
        let open = picked(&self.targets, matchers, contract);
        open || (self.runtimes.contains(name) && self.may_be_of_program(selector, contract))
    }

    /// Whether a selector may pick what own programs expose beside what their profiles list.
    pub(crate) fn may_be_of_program(&self, selector: &VectorSelector, contract: &Contract) -> bool {
        picked(&self.programs, &selector.matchers.matchers, contract)
    }
}

/// Whether matchers may pick series of some targets.
fn picked(targets: &FixedBitSet, matchers: &[Matcher], contract: &Contract) -> bool {
    let mut targets = targets.clone();
    for matcher in matchers {
        // A label that no target has may be one of the series.
        let mut picked = contract.targets.matching(matcher);
        picked.union_with(&contract.targets.without(&matcher.name));
        targets.intersect_with(&picked);
    }
    !targets.is_clear()
}

impl Finding {
    /// Whether matchers may pick what is found.
    fn may_be_of(&self, matchers: &[Matcher]) -> bool {
        let mut of_job = matchers.iter().filter(|matcher| matcher.name == "job");
        self.renames || of_job.all(|matcher| Judge::of(matcher).picks(&self.name))
    }
}
