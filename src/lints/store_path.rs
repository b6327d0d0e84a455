//! Samples are sent to where a store takes them.

use super::Lint;
use crate::diagnostic::{Diagnostic, Place};

pub(crate) const LINT: Lint = Lint {
    code: "store-path",
    doc: "A store refuses samples at a path that is for reading, and Prometheus keeps on trying: nothing is ever in the store, and nobody sees it until it is needed.",
    bad: "[[prometheus.remote_write]]\nurl = \"https://mimir.example.org/prometheus/api/v1/query\"\n",
    good: "[[prometheus.remote_write]]\nurl = \"https://mimir.example.org/api/v1/push\"\n",
    check: |catalog, _| {
        let stores = catalog.prometheus.remote_write.iter().enumerate();
        stores
            .filter_map(|(at, store)| {
                let (_, rest) = store.url.split_once("://")?;
                let path = rest.split_once('/').map_or("", |(_, path)| path);
                let path = path.split(['?', '#']).next()?.trim_end_matches('/');
                let does = READ.iter().find_map(|(end, does)| {
                    let above = path.strip_suffix(end)?;
                    (above.is_empty() || above.ends_with('/')).then_some(does)
                })?;
                let message =
                    format!("samples are sent to /{path}, where a store {does} and takes none");
                let help = "write the path at which it takes samples: /api/v1/write of Prometheus and VictoriaMetrics, /api/v1/push of Mimir, /api/v1/receive of Thanos";
                let place = Place::Value(format!("/prometheus/remote_write/{at}/url"));
                Some(Diagnostic::error("store-path", place, message).help(help))
            })
            .collect()
    },
};

/// Ends of paths at which a server with the HTTP API of Prometheus answers, and what it does there. Its own:
/// https://prometheus.io/docs/prometheus/latest/querying/api/, and its management API.
const READ: [(&str, &str); 18] = [
    ("api/v1/query", "answers queries"),
    ("api/v1/query_range", "answers queries"),
    ("api/v1/query_exemplars", "answers queries"),
    ("api/v1/format_query", "answers queries"),
    ("api/v1/read", "is read by others"),
    ("api/v1/series", "lists its series"),
    ("api/v1/labels", "lists its labels"),
    ("api/v1/metadata", "lists its metrics"),
    ("api/v1/targets", "lists its targets"),
    ("api/v1/rules", "lists its rules"),
    ("api/v1/alerts", "lists its alerts"),
    ("api/v1/status/config", "says how it is configured"),
    ("metrics", "exposes its own metrics"),
    ("federate", "gives out samples"),
    ("graph", "has a page for people"),
    ("-/healthy", "says whether it is well"),
    ("-/ready", "says whether it is ready"),
    ("-/reload", "reads its configuration again"),
];
