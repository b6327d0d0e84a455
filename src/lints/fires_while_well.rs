//! An alert is silent while what it reads is as it should be.

use super::{Lint, set_for};
use crate::catalog::{Alert, Catalog};
use crate::diagnostic::{Diagnostic, Place};
use crate::kinds::Side;
use crate::source::Source;

pub(crate) const LINT: Lint = Lint {
    code: "fires-while-well",
    doc: "A gauge that is 1 while a server answers, and an alert on 1: it fires all day, and is silent when the server is gone. Its tests are made from the same threshold and agree.",
    bad: "[services.postgres]\ngroup = \"web\"\nport = 9187\nprofiles = [\"postgres\"]\nbuild = false\nruntime = \"go\"\n\n[alerts.DatabaseGone]\nkind = \"threshold\"\nmetric = \"pg_up\"\nat_least = 1\nfor = \"1m\"\nseverity = \"critical\"\n",
    good: "[services.postgres]\ngroup = \"web\"\nport = 9187\nprofiles = [\"postgres\"]\nbuild = false\nruntime = \"go\"\n\n[alerts.DatabaseGone]\nkind = \"threshold\"\nmetric = \"pg_up\"\nbelow = 1\nfor = \"1m\"\nseverity = \"critical\"\n",
    check: |catalog, source| {
        let alerts = catalog.written_alerts();
        alerts
            .filter_map(|alert| fires(alert, catalog, source))
            .collect()
    },
};

/// A state of which its profile knows which is the good one, and an alert that fires at that.
fn fires(alert: &Alert, catalog: &Catalog, source: &Source) -> Option<Diagnostic> {
    let threshold = alert.threshold.as_deref()?;
    let of = alert.kind.says(threshold, "unit_of")?.as_str()?;
    let [(key, name, _)] = alert.metrics()[..] else {
        return None;
    };
    // What is summed is no state any more.
    let summed = alert
        .settings
        .get("combine")
        .is_some_and(|how| how == "sum");
    if key != of || summed {
        return None;
    }
    let metric = catalog.metric(name)?;
    let profile = catalog.profiles.get(metric.profile.as_deref()?)?;
    let known = profile.metrics.get(&metric.name)?;
    let state = known.least == Some(0.0) && known.most == Some(1.0);
    let good = known.usual.filter(|_| state)?;
    let (branch, limit) = alert.branches.iter().find_map(|branch| {
        let (side, limit) = branch.limit()?;
        let beyond = match side {
            Side::Above => good > limit,
            Side::Below => good < limit,
        };
        (beyond || branch.includes && good == limit).then_some((branch, limit))
    })?;
    let message = format!(
        "`{}` fires while all is well: `{name}` is {good} then",
        alert.written_name()
    );
    let right = match good > 0.0 {
        true => "below = 1",
        false => "above = 0",
    };
    let place = Place::Value(set_for(source, alert, branch, threshold));
    let wrong = Diagnostic::error("fires-while-well", place, message);
    // Beyond both states, it is the number that is wrong.
    let help = match (0.0..=1.0).contains(&limit) {
        true => format!("write `{right}`: it fires at {} then", 1.0 - good),
        false => format!("it is 0 or 1: write `{right}`"),
    };
    Some(wrong.help(help))
}
