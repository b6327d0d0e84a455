//! A port that is known for HTTPS is not asked in plain HTTP unsaid.

use super::Lint;
use crate::catalog::origin;
use crate::diagnostic::{Diagnostic, Place, Severity};

/// Registered for HTTPS: plain HTTP is answered with 400 or a redirect there.
const HTTPS: [u16; 1] = [443];

/// Used for HTTPS by most who use them; some serve plain HTTP there.
const LIKELY: [u16; 4] = [4443, 6443, 8443, 9443];

pub(crate) const LINT: Lint = Lint {
    code: "plain-http",
    doc: "Services are scraped and probed over plain HTTP unless `scheme` says otherwise. A server that speaks HTTPS answers that with 400, so the service is down permanently.",
    bad: "[services.site]\ngroup = \"web\"\nport = 443\nruns_on = \"www.example.org\"\n",
    good: "[services.site]\ngroup = \"web\"\nport = 443\nruns_on = \"www.example.org\"\nscheme = \"https\"\n",
    check: |catalog, source| {
        let unsaid = catalog.services.iter().filter(|service| {
            service.scheme == "http" && origin(source, service, "scheme").is_none()
        });
        let asked = unsaid.filter_map(|service| match service.port {
            port if HTTPS.contains(&port) => Some((service, Severity::Warning)),
            port if LIKELY.contains(&port) => Some((service, Severity::Notice)),
            _ => None,
        });
        asked
            .map(|(service, severity)| {
                let message = format!(
                    "`{}` is asked at http://{}:{}, a port of HTTPS",
                    service.name, service.host, service.port
                );
                let place = Place::Value(format!("/services/{}/port", service.name));
                let found = Diagnostic {
                    severity,
                    ..Diagnostic::warning("plain-http", place, message)
                };
                found.help(
                    "write `scheme = \"https\"`, or `scheme = \"http\"` if it is really plain HTTP",
                )
            })
            .collect()
    },
};
