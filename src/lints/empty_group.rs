//! A group without services would be an empty row.

use super::Lint;
use crate::diagnostic::{Diagnostic, Place};
use std::collections::HashSet;

pub(crate) const LINT: Lint = Lint {
    code: "empty-group",
    doc: "A group is one row of the overview; without a service the row stays empty permanently.",
    bad: "[groups.batch]\ntitle = \"Batch\"\n",
    good: "[groups.batch]\ntitle = \"Batch\"\n\n[services.nightly]\ngroup = \"batch\"\nport = 8002\n",
    check: |catalog, _| {
        // A service whose group is mistyped is reported as that, and may be the one that is missing here.
        let known: HashSet<&str> = catalog
            .groups
            .iter()
            .map(|group| group.key.as_str())
            .collect();
        let lost = catalog
            .services
            .iter()
            .any(|service| !known.contains(service.group.as_str()));
        let empty = catalog
            .groups
            .iter()
            .filter(|group| group.services.is_empty() && !lost);
        empty
            .map(|group| {
                Diagnostic::error(
                    "empty-group",
                    Place::Key(format!("/groups/{}", group.key)),
                    format!("no service is in the group `{}`", group.key),
                )
                .help(format!(
                    "add a service with `group = \"{}\"`, or remove the group",
                    group.key
                ))
            })
            .collect()
    },
};
