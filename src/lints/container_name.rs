//! The name of a service is that of its job, of its container and of the image that is built for it.

use super::Lint;
use crate::diagnostic::{Diagnostic, Place};

pub(crate) const LINT: Lint = Lint {
    code: "container-name",
    doc: "An image is called by lower-case letters only, and containers find each other by their names whatever their case, so a service with a container of its own has a lower-case name.",
    bad: "[services.Search]\ngroup = \"web\"\nport = 8002\nruns_on = \"compose\"\n",
    good: "[services.search]\ngroup = \"web\"\nport = 8002\nruns_on = \"compose\"\n",
    check: |catalog, _| {
        let upper = |name: &str| name.bytes().any(|letter| letter.is_ascii_uppercase());
        let all = catalog.services.iter();
        let found = all.filter(|service| service.container && upper(&service.name));
        found
            .map(|service| {
                Diagnostic::error(
                    "container-name",
                    Place::Key(format!("/services/{}", service.name)),
                    format!(
                        "the container of `{}` cannot have upper-case letters in its name",
                        service.name
                    ),
                )
                .help(format!(
                    "call it `{}`; or say where it runs, when it has no container of this stack: `targets`, or `runs_on` with `build = false`",
                    service.name.to_lowercase()
                ))
            })
            .collect()
    },
};
