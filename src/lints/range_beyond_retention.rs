//! What an alert looks back at is still there.

use super::{Lint, set_for};
use crate::catalog::Duration;
use crate::diagnostic::{Diagnostic, Place};
use crate::source::step;

pub(crate) const LINT: Lint = Lint {
    code: "range-beyond-retention",
    doc: "Samples older than the retention are deleted, so a longer window never fills.",
    bad: "[prometheus]\nretention = \"2h\"\n\n[alerts.Errors]\nkind = \"error_ratio\"\nabove = 0.1\nwindow = \"3h\"\nfor = \"5m\"\nseverity = \"warning\"\n",
    good: "[prometheus]\nretention = \"15d\"\n\n[alerts.Errors]\nkind = \"error_ratio\"\nabove = 0.1\nwindow = \"3h\"\nfor = \"5m\"\nseverity = \"warning\"\n",
    check: |catalog, source| {
        let retention = catalog.prometheus.retention;
        let mut found = Vec::new();
        let beyond = |place: String, window: Duration| {
            Diagnostic::error(
                "range-beyond-retention",
                Place::Value(place),
                format!("a window of {window}, but samples are kept for {retention}"),
            )
            .also(
                Place::Value("/prometheus/retention".to_string()),
                "the retention",
            )
            .help(format!(
                "write `retention = \"{}d\"` in [prometheus], or use a shorter range",
                window.0.div_ceil(24 * 3600 * 1000) + 1
            ))
        };
        // Over its whole window nothing is left of an objective that is forgotten earlier.
        for slo in catalog.slos.iter().filter(|slo| slo.window > retention) {
            found.push(beyond(
                format!("/slos/{}/window", step(&slo.name)),
                slo.window,
            ));
        }
        for alert in catalog.written_alerts().filter(|alert| alert.slo.is_none()) {
            for (branch, window) in alert
                .branches
                .iter()
                .filter_map(|branch| Some((branch, branch.window?)))
                .filter(|(_, window)| *window > retention)
            {
                let place = set_for(source, alert, branch, "window");
                found.push(beyond(place, window));
            }
            let back = alert.kind.reads_back.as_deref();
            let back = back.and_then(|key| {
                let written = alert.settings.get(key)?.as_str()?;
                Some((key, Duration::parse(written)?))
            });
            let windows = alert.branches.iter().filter_map(|branch| branch.window);
            let longest = windows.max().unwrap_or_default();
            if let Some((key, back)) = back.filter(|(_, back)| back.0 + longest.0 > retention.0) {
                let place = format!("/alerts/{}/{key}", alert.name);
                // Where it is the default, nobody wrote it.
                let place = match source.contains(&place) {
                    true => Place::Value(place),
                    false => Place::Key(format!("/alerts/{}", alert.name)),
                };
                let from = Duration(back.0 + longest.0);
                found.push(
                    Diagnostic::error(
                        "range-beyond-retention",
                        place,
                        format!(
                            "`{}` compares with {back} ago and needs samples of {from}, but they are kept for {retention}",
                            alert.name
                        ),
                    )
                    .also(
                        Place::Value("/prometheus/retention".to_string()),
                        "the retention",
                    )
                    .help(format!(
                        "write `retention = \"{}d\"` in [prometheus], or a shorter `{key}`",
                        from.0.div_ceil(24 * 3600 * 1000) + 1
                    )),
                );
            }
        }
        found
    },
};
