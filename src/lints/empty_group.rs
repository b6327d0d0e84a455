//! A group without services would be an empty row.

use super::Lint;
use crate::diagnostic::{Diagnostic, Place};

pub const LINT: Lint = Lint {
    code: "empty-group",
    doc: "A group is one row of the overview; without a service the row stays empty for ever.",
    bad: "[groups.batch]\ntitle = \"Batch\"\n",
    good: "[groups.batch]\ntitle = \"Batch\"\n\n[services.nightly]\ngroup = \"batch\"\nport = 8002\n",
    check: |catalog, _| {
        let empty = catalog.groups.iter().filter(|group| group.services.is_empty());
        empty
            .map(|group| {
                Diagnostic::error("empty-group", Place::Key(format!("/groups/{}", group.key)), format!("no service is in the group `{}`", group.key))
                    .help(format!("add a service with `group = \"{}\"`, or take the group out", group.key))
            })
            .collect()
    },
};
