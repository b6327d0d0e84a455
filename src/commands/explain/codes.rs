//! What the findings mean that are neither lints nor proofs: code → one sentence. tests/architecture.rs keeps it complete.

/// In the order in which they can arise: the catalog, `allow`, the templates, the verbs, the running stack.
pub(crate) const CODES: &[(&str, &str)] = &[
    (
        "no-catalog",
        "There is no services.toml, here or in a folder above: `monstack init` writes a first one.",
    ),
    (
        "unreadable-catalog",
        "services.toml is empty, too large, not a file, may not be read, or is not UTF-8.",
    ),
    (
        "syntax",
        "The file is not TOML, so nothing else can be said of it; the same key given twice is one case of it.",
    ),
    (
        "other-version",
        "The catalog asks for other versions of monstack than the one that reads it: this one may not know its keys.",
    ),
    (
        "key-twice",
        "Two files of the catalog have the same entry: whichever won, one team would believe in what nobody reads.",
    ),
    (
        "same-environment",
        "Alerts of an environment carry its name. With that of another one nobody can tell whether production is down, or staging; and routes, silences and inhibitions take one for the other.",
    ),
    (
        "same-folder",
        "An environment is rendered into the folder of the catalog itself, and one overwrites the other.",
    ),
    (
        "nothing-to-disable",
        "An environment is to be without something that the catalog does not have, most often because its name is misspelt.",
    ),
    (
        "extra-file",
        "A file of [extra], or a list of targets that `discovery` names, is not there, cannot be read, or is not what its key says: nothing of it would be in force.",
    ),
    (
        "extra-lost",
        "A job, a route or a receiver of [extra] does not stand in the generated file as its own file has it: a template leaves it out or changes it, and what it is for is not in force.",
    ),
    (
        "extra-taken-name",
        "A file of [extra] has a job, an alert, a receiver or a recorded series of a name that is there already: a server does not start with both, or nobody can tell them apart.",
    ),
    (
        "extra-unread",
        "Something in [extra] is read by nobody: what it says stands elsewhere in the catalog, or is not in force.",
    ),
    (
        "unread-part",
        "A file in services.d is not read, because its name does not end in .toml; or one beside the catalog is called nearly as a part or an environment is, and is neither.",
    ),
    (
        "unknown-key",
        "Nothing reads this key: most often it is misspelt, and the setting that was meant has its default.",
    ),
    (
        "missing-key",
        "A table lacks a key without which nothing can be made of it.",
    ),
    (
        "wrong-type",
        "A value is of another type than its key takes, such as text where a number belongs.",
    ),
    (
        "invalid-value",
        "A value is of the right type and still impossible, such as a duration that does not parse or a name with a space.",
    ),
    (
        "invalid-kind",
        "A kind.toml in templates/kinds/ is not what a kind may say: nothing of it can be rendered, and no alert can be of it.",
    ),
    (
        "unread-template",
        "A file in templates/ replaces no built-in one and is read by none, and is called nearly as one is: its name is misspelt, or it stands in another folder.",
    ),
    (
        "weaker-kind",
        "A kind.toml in templates/kinds/ replaces that of a built-in kind, and leaves a case or another promise out: what it does not promise is not proved.",
    ),
    (
        "invalid-profile",
        "A file in profiles/ is not what a profile may say: what it is about exposes nothing that is known.",
    ),
    (
        "invalid-name",
        "The name is one that every catalog has already.",
    ),
    (
        "out-of-range",
        "A number is below or above what its key takes, such as port 0.",
    ),
    (
        "empty",
        "A list or a table has no entry where one is needed.",
    ),
    ("twice", "A list has a duplicated entry."),
    (
        "unknown-kind",
        "No alert kind has this name: a kind is a folder under templates/kinds/ and an entry of the schema.",
    ),
    (
        "unknown-check",
        "An `allow` names a finding that does not exist, so it accepts nothing.",
    ),
    (
        "expired-allow",
        "The day until which a finding was accepted is over.",
    ),
    (
        "never-accepted",
        "An `allow` names a finding without whose fix nothing can be rendered, or no server starts.",
    ),
    (
        "unused-allow",
        "An `allow` accepts what is not found, and would hide the next mistake of its kind.",
    ),
    (
        "taken-name",
        "`add` or `rename` was given a name that the catalog has already; nothing was written.",
    ),
    (
        "still-named",
        "`remove` would leave a place that names what is gone; `--everywhere` removes those places too.",
    ),
    (
        "template",
        "A template cannot be read or rendered: its syntax is wrong, or it uses what the catalog does not have.",
    ),
    (
        "invalid-yaml",
        "A template was rendered, and its text is not YAML.",
    ),
    (
        "unknown-name",
        "`explain` knows no service, alert or finding of this name.",
    ),
    (
        "stale",
        "A file in the output folder is not what the catalog renders to: `render` was not run after the last change.",
    ),
    (
        "not-absorbed",
        "A generated file was edited by hand, and no key of the catalog says the edit: a line of a template does. It stays on disk until `render` puts the file back.",
    ),
    (
        "ambiguous-edit",
        "A hand edit of a generated file is rendered with either of several keys, and nothing is for one of them: none is written.",
    ),
    (
        "contradictory-edit",
        "Hand edits of generated files ask for different values of one key, or take each other back: none of them is written.",
    ),
    (
        "refused-edit",
        "A hand edit of a generated file is a key of the catalog with a value that is refused, by the schema or by what is proved: it is not written.",
    ),
    (
        "not-generated",
        "`absorb` was given a file that is not generated, so that nothing of the catalog says what is in it.",
    ),
    (
        "foreign-folder",
        "The output folder has files of others and none that monstack wrote, so it is probably another tool's; nothing was written.",
    ),
    (
        "in-the-way",
        "Something that monstack did not write stands where a rendered file must be. It is never replaced; nothing was written.",
    ),
    (
        "dangerous-change",
        "An alert, a target or a receiver is lost, a threshold is looser, or people are told much later, as `diff` sees it.",
    ),
    (
        "changed-behaviour",
        "A change that somebody will notice, without the loss of an alert, as `diff` sees it.",
    ),
    (
        "preview",
        "The preview cannot draw this panel: it knows fewer panels and functions than Grafana.",
    ),
    (
        "empty-panel",
        "A panel of the preview shows nothing: its query finds no series.",
    ),
    (
        "drill-failed",
        "An alert did not fire in the drill, fired too late, was not delivered or did not resolve.",
    ),
    (
        "not-drilled",
        "Nothing that stand-ins can do trips this alert, so the drill has proved nothing of it.",
    ),
    (
        "password-on-command-line",
        "A password stands in an address on the command line, where every user of the machine can read it.",
    ),
    (
        "config-not-loaded",
        "Prometheus runs another configuration than the rendered one.",
    ),
    (
        "reload-failed",
        "Prometheus was told to reload and refused, so it still runs what it had before.",
    ),
    (
        "rules-not-loaded",
        "A rule is not loaded by Prometheus, or is loaded as an older version.",
    ),
    (
        "rule-fails",
        "Prometheus cannot evaluate a rule, so its alert cannot fire.",
    ),
    (
        "target-unknown",
        "Prometheus has not scraped the service yet.",
    ),
    (
        "target-dropped",
        "The job of the service is loaded and has no target.",
    ),
    ("target-down", "Prometheus cannot scrape the service."),
    (
        "foreign-target",
        "A job that is not the service's gives its targets the service's name: what they expose is taken for the service's.",
    ),
    (
        "other-flags",
        "Prometheus was started with another retention or external URL than the catalog says.",
    ),
    (
        "not-told-yet",
        "An alert fires, and its route waits before it tells somebody.",
    ),
    (
        "flapping",
        "Prometheus can scrape the service now, and again and again could not in the last minutes.",
    ),
    (
        "panel-query-fails",
        "Prometheus refuses the query of a panel.",
    ),
    (
        "server-silent",
        "A server took connections and left several questions in a row without an answer, so it was asked no more: what depends on it is not known.",
    ),
    (
        "panel-not-answered",
        "Prometheus did not answer the query of a panel in time.",
    ),
    (
        "panel-without-data",
        "The queries of a panel return nothing from the running Prometheus.",
    ),
    (
        "alertmanager-unreachable",
        "The Alertmanager does not answer at this address, or something else does.",
    ),
    (
        "foreign",
        "A server also has jobs, rules or receivers that this catalog does not render: somebody else's, or left over from before.",
    ),
    (
        "alertmanager-not-loaded",
        "The Alertmanager runs another configuration than the rendered one.",
    ),
    (
        "alerts-not-received",
        "Prometheus fires alerts that the Alertmanager which was asked does not have: Prometheus does not reach it, or sends to another one.",
    ),
    (
        "monitoring-alert",
        "A rule about the monitoring itself has found something, such as notifications that fail: what it names is not to be relied on now.",
    ),
    (
        "server-not-scraped",
        "Prometheus cannot scrape one of the servers, so nobody is told when that server fails at its own work.",
    ),
    (
        "silenced",
        "A silence in force covers these alerts: they fire and nobody is told, until it ends.",
    ),
    (
        "inhibited",
        "The alert fires and is held back while another one does; only that one is told.",
    ),
    (
        "muted",
        "The alert fires at a time at which its route tells nobody.",
    ),
    (
        "notifications-fail",
        "The last notification through an integration of a receiver failed, and none has gone out since.",
    ),
    (
        "no-alertmanager",
        "Prometheus sends its alerts to no Alertmanager, so nobody is notified.",
    ),
    (
        "grafana-unreachable",
        "Grafana does not answer at this address, or something else does.",
    ),
    (
        "grafana-unwell",
        "Grafana answers and says that its database is unhealthy.",
    ),
    (
        "grafana-datasource",
        "Grafana lacks the data source of the dashboards, or has another one under its uid.",
    ),
    (
        "grafana-dashboard",
        "Grafana lacks a dashboard, or shows another version than the rendered one.",
    ),
    (
        "unreadable-login",
        "A file that the catalog names for a login or a certificate cannot be read here, so this machine cannot ask the service as Prometheus does.",
    ),
    (
        "unknown-address",
        "Only Prometheus knows where the instances of the service are: `discovery` says how it finds them.",
    ),
    (
        "service-unreachable",
        "Nothing answers at the address of the service.",
    ),
    (
        "health-fails",
        "The service answers its health path, and says that it is unhealthy.",
    ),
    (
        "probe-target-missing",
        "Prometheus has no probe of the health path of this service.",
    ),
    (
        "probe-target-down",
        "Prometheus cannot ask the blackbox exporter about this service, so its health is not known.",
    ),
    (
        "probe-fails",
        "The blackbox exporter asks the health path and gets no good answer.",
    ),
    ("probe-unknown", "The health path has not been probed yet."),
    (
        "scrape-redirect",
        "The metrics path redirects: each scrape takes a second request, and one to another host is not answered by the service.",
    ),
    (
        "wrong-scheme",
        "The service speaks TLS and the catalog says http, or the other way round.",
    ),
    (
        "metrics-twice",
        "A metric is described twice in one answer: Prometheus takes it, and promtool and other readers refuse the whole text.",
    ),
    (
        "scrape-status",
        "The metrics path answers with a status other than 200.",
    ),
    (
        "scrape-too-slow",
        "The metrics take longer than the scrape timeout, so Prometheus throws them away.",
    ),
    (
        "disk-full",
        "The disk of Prometheus is full, or cannot be written to: it stores nothing and evaluates no rule.",
    ),
    (
        "another-alertmanager",
        "The Alertmanager that was asked is not the one that Prometheus sends its alerts to.",
    ),
    (
        "web-page",
        "Where the metrics should be, a page for a browser is: a login, or another program.",
    ),
    (
        "content-type",
        "The metrics are sent with a Content-Type that Prometheus 3 refuses.",
    ),
    (
        "blank-metrics",
        "The metrics path answers with nothing, so the service is up and shows no metric.",
    ),
    (
        "json-quoted-metrics",
        "The metrics are sent as one JSON text in quotes, as a web framework does with a string.",
    ),
    (
        "metrics-parse",
        "The metrics are not in the text format, so Prometheus drops the whole scrape.",
    ),
    (
        "unreadable-exposition",
        "What `declare` was given is not in Prometheus' text format, nor OpenMetrics; nothing was written.",
    ),
    (
        "metric-missing",
        "A declared metric is not exposed by a service that should emit it.",
    ),
    (
        "metric-never-seen",
        "A declared metric was not seen from any service within the last 7 days.",
    ),
    (
        "metric-vanished",
        "A declared metric was there within the last 7 days, and is not now.",
    ),
    (
        "samples-dropped",
        "A service exposes series that Prometheus scrapes and does not store, so what reads them sees nothing while all looks well.",
    ),
    (
        "metric-without-series",
        "A metric is declared by the service and has no series yet, so its first event is not seen as an increase.",
    ),
    (
        "metric-nan",
        "A service exposes a declared metric, and no number in any of its series: no comparison holds, so alerts that read it cannot fire.",
    ),
    (
        "histogram-buckets",
        "A histogram lacks buckets that are declared, that a rule reads, as a native one has none, or that of everything: the rule sees nothing.",
    ),
    (
        "clock-skew",
        "Two clocks say different times: this machine's, that of Prometheus, or a service's; ages and what is compared with them are off by as much.",
    ),
    (
        "sample-times",
        "A service writes times beside its values that are too old or too new for a query to see them.",
    ),
    (
        "traffic-not-counted",
        "Requests were answered, and no declared counter of the service moved, so rates and ratios of it stay empty.",
    ),
    (
        "traffic-not-stored",
        "A service has counted requests, and Prometheus still has the value from before.",
    ),
    (
        "rules-late",
        "Prometheus evaluates a group of rules later than it should, or no longer, so alerts fire late or never.",
    ),
    (
        "many-series",
        "A service exposes thousands of series of a metric that the catalog does not declare: they cost memory and time, and nothing rendered reads them.",
    ),
    (
        "rules-twice",
        "Prometheus evaluates rules under the names of rendered ones beside them, from another file: a copy, or an older render that still fires.",
    ),
    (
        "told-twice",
        "The Alertmanager has an alert twice, with labels that tell them apart, so whoever is told is told of both.",
    ),
    (
        "silence-idle",
        "A silence names an alert that no rule has, so it silences nothing: the alert was renamed, or its name misspelt.",
    ),
    (
        "restarts",
        "Prometheus was started several times within the last hour, and an alert waits for all of its `for` again after each start.",
    ),
    (
        "metric-type",
        "A metric is exposed as another type than the contract says.",
    ),
    (
        "process-metric-missing",
        "A process_* metric is missing that an alert on memory or CPU reads.",
    ),
    (
        "label-missing",
        "A metric is exposed without a label of its contract.",
    ),
    (
        "label-value",
        "A label takes a value that its contract does not know, so an alert that matches the known ones does not see it.",
    ),
    (
        "label-undeclared",
        "A metric is exposed with a label that its contract does not declare.",
    ),
    (
        "id-like-label",
        "A label takes ids as values, so the number of series grows without end.",
    ),
    (
        "duplicate-series",
        "The same series is exposed twice, and Prometheus keeps one of them.",
    ),
    (
        "counter-backwards",
        "A counter decreased without a restart, as it does when several workers share one port.",
    ),
];

/// The sentence of a code.
pub(crate) fn sentence(code: &str) -> Option<&'static str> {
    CODES
        .iter()
        .find(|(known, _)| *known == code)
        .map(|(_, sentence)| *sentence)
}
