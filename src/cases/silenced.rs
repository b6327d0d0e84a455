//! An alert with `unless`: silent while that goes on for what it is about, and only then.

use super::chosen::{INSTANCE, Labels};
use super::neighbourhood::{labelled, series};
use super::scene::Scene;
use super::trials::Trial;
use crate::catalog::filters::Filter;
use crate::contract::domain::Domain;
use crate::contract::filtered::admits;
use crate::kinds::Case;
use crate::value::to_value;
use minijinja::Error;
use minijinja::value::Value;
use std::collections::BTreeMap;

impl Scene<'_> {
    /// A case in which the alert fires, while the metric of its `unless` says that it shall not, while it says so of another service,
    /// and after it has said so.
    pub(super) fn silenced(&self, case: &Case, fires: &Trial) -> Result<Vec<Trial>, Error> {
        let unless = self.alert.get_attr("unless")?;
        if unless.is_none() || unless.is_undefined() {
            return Ok(Vec::new());
        }
        let Some(own) = self.silencing(&unless, &self.sample.service, &self.chosen.per)? else {
            return Ok(Vec::new());
        };
        let metric = unless.get_attr("metric")?;
        let last = fires.last;
        let mut silent = fires.clone();
        silent.name = format!("is silent while `{metric}` of the service is not 0");
        silent.series.push((own.clone(), format!("1x{last}")));
        silent.silence();
        silent.signal.clear();
        let mut other = fires.clone();
        other.name = format!("fires while `{metric}` of the service is 0");
        other.series.push((own.clone(), format!("0x{last}")));
        // What it fires apart by is another one's too.
        if let Some(apart) = self.chosen.apart.values().next()
            && let Some(theirs) = self.silencing(&unless, &self.sample.service, apart)?
            && theirs != own
        {
            other.series.push((theirs, format!("1x{last}")));
        }
        if let Some(neighbour) = &self.sample.neighbour
            && let Some(theirs) = self.silencing(&unless, neighbour, &self.chosen.per)?
        {
            other.name += ", and that of another is not";
            other.series.push((theirs, format!("1x{last}")));
        }
        // It lasts for more than one look, and what is to be seen then is as far from it as it is from the beginning.
        let forgotten = self.forgotten;
        let mut ends = 3 + forgotten..;
        let ends = ends.find(|steps| steps % self.beat == 0).unwrap_or(3);
        let mut after = Trial {
            name: format!("fires once `{metric}` of the service is 0 again"),
            series: Vec::new(),
            last: last + ends,
            ..fires.clone()
        };
        for check in &mut after.checks {
            check.at += ends;
        }
        for (at, _) in &mut after.signal {
            *at += ends;
        }
        self.give_all(&mut after, case, ends)?;
        let values = format!("1x{} 0x{}", ends - 1 - forgotten, last + forgotten);
        after.series.push((own, values));
        Ok(vec![silent, other, after])
    }

    /// A case in which what the alert compares goes on for longer than its cause, while the metric of its `unless` says until the end of
    /// that cause that it shall not fire: it never does.
    pub(super) fn silenced_throughout(
        &self,
        case: &Case,
        trial: &Trial,
    ) -> Result<Option<Trial>, Error> {
        let unless = self.alert.get_attr("unless")?;
        let Some(until) = &case.silenced_until else {
            return Ok(None);
        };
        if unless.is_none() || unless.is_undefined() {
            return Ok(None);
        }
        let Some(own) = self.silencing(&unless, &self.sample.service, &self.chosen.per)? else {
            return Ok(None);
        };
        let until = self.step(&case.name, until)?;
        let metric = unless.get_attr("metric")?;
        let mut silent = trial.clone();
        silent.name = format!(
            "is silent where `{metric}` of the service was not 0 all along, and once it is 0 again"
        );
        silent
            .series
            .push((own, format!("1x{until} 0x{}", trial.last)));
        silent.silence();
        silent.signal.clear();
        Ok(Some(silent))
    }

    /// The series that silences the alert for a service, and for those labels of `per` that it has too; None: nothing does.
    fn silencing(
        &self,
        unless: &Value,
        whom: &Value,
        per: &Labels,
    ) -> Result<Option<String>, Error> {
        let key = unless.get_attr("metric")?.to_string();
        let Some(metric) = self.neighbourhood.metric(&key) else {
            return Ok(None);
        };
        let name = whom.get_attr("name")?.to_string();
        let names = unless.get_attr("names")?;
        let names = names.as_str();
        let emitter = match names {
            None if !self.neighbourhood.emits(&name, &key)? => return Ok(None),
            None => whom.clone(),
            Some(_) => {
                let first = metric.get_attr("services")?.try_iter()?.next();
                let first = first.unwrap_or_default().to_string();
                let Some(service) = self.neighbourhood.service(&first) else {
                    return Ok(None);
                };
                service.clone()
            }
        };
        let declared = to_value(metric.get_attr("labels")?).unwrap_or_default();
        let filter = to_value(unless.get_attr("filter")?).unwrap_or_default();
        let filter = Filter::of(&filter);
        let on = to_value(unless.get_attr("on")?).unwrap_or_default();
        let mut labels = Labels::new();
        let told: BTreeMap<&str, &str> = per
            .iter()
            .map(|(label, value)| (label.as_str(), value.as_str()))
            .filter(|(label, _)| on.texts().any(|known| known == *label))
            .collect();
        for (label, written) in declared.entries() {
            let value = match told.get(label.as_str()) {
                _ if names == Some(label) => Some(name.clone()),
                Some(value) => Some((*value).to_string()),
                None => picked(label, &Domain::declared(written), &filter),
            };
            labels.extend(value.map(|value| (label.clone(), value)));
        }
        let of_target = told.iter().filter(|(label, _)| declared[**label].is_null());
        labels.extend(of_target.map(|(label, value)| (label.to_string(), value.to_string())));
        let kept = to_value(metric.get_attr("keeps")?).unwrap_or_default();
        let of_instances = kept.is_null() || kept.texts().any(|label| label == INSTANCE);
        let metric = metric.get_attr("name")?.to_string();
        match of_instances {
            true => series(&metric, &emitter, &labels),
            false => labelled(&metric, &emitter, &labels),
        }
        .map(Some)
    }
}

/// A value of a label with which a filter takes a series, as far as that is about this label.
fn picked(label: &str, domain: &Domain, filter: &Filter) -> Option<String> {
    let asked = filter.asks().filter(|(of, ..)| *of == label);
    let asked: Vec<(String, bool)> = asked.map(|(_, pattern, is)| (pattern, is)).collect();
    let any = [(".+".to_string(), true)];
    let mut found = asked
        .iter()
        .chain(&any)
        .filter_map(|(pattern, is)| domain.example(pattern, *is));
    let taken = |value: &String| {
        let own = vec![(label.to_string(), value.clone())];
        let mut others = filter.clone();
        others.r#where.retain(|known, _| known == label);
        others.except.retain(|known, _| known == label);
        admits(&others, &own)
    };
    found.find(taken)
}
