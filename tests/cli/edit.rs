//! `set`, `rename`, `remove` and the rest of `add`: what is meant changes everywhere, and not one byte more.

use crate::{CATALOG, refuses, rendered, run, tree};
use std::fs;
use std::path::Path;

/// A catalog in which everything names something.
const NAMES: &str = r#"# top
[platform]
name = "Shop"
slug = "shop"
metric_prefix = "shop"
runbook_url = "https://git.example.org/RUNBOOK.md"
owner = "web-team"

[groups.web]
title = "Web"
[groups.core]
title = "Core"

# the shop itself
[services.checkout]
group = "web"
port = 8001 # taken

# what it costs
[services.prices]
group = "core"
port = 8002

[services.checkout.alerts.Down]
for = "2m" # at once

[owners.web-team]
default = "slack"
[receivers.slack]
slack = { channel = "shop", api_url_file = "/etc/alertmanager/secrets/slack" }

[metrics.orders_total]
type = "counter"
help = "Orders of checkout"
services = ["checkout", "prices"]

[metrics.order_errors_total]
type = "counter"
help = "Orders that failed"
services = ["checkout", "prices"]

[alerts.Down]
kind = "down"
for = "5m"
severity = "critical"

[alerts.OrdersFail]
kind = "ratio"
errors = "order_errors_total"
total = "orders_total"
above = 0.2
severity = "warning"
services = ["checkout", "prices"] # both

[alerts.NoOrders]
kind = "promql"
# as the till has it
expr = '''
sum by (job, service, component) (
  rate(shop_orders_total{job=~"checkout|none"}[5m]) # shop_orders_total
) < 0.1
'''
severity = "info"
services = ["checkout"]

[[alerts.NoOrders.tests]]
name = "nobody orders"
at = "20m"
series = { 'shop_orders_total{job="checkout",service="checkout",component="web"}' = "0x40" }
fires = ["checkout"]
[[alerts.NoOrders.tests]]
name = "somebody orders"
at = "20m"
series = { 'shop_orders_total{job="checkout",service="checkout",component="web"}' = "0+60x40" }

[alertmanager.routes]
critical = "slack"
warning = "slack"
info = "slack"

[[routes]]
alert = ["Down", "NoOrders"]
service = "checkout"
receivers = "slack"
continue = true
"#;

fn names(name: &str) -> std::path::PathBuf {
    let shop = crate::shop(&format!("edit-{name}"), NAMES);
    fs::write(
        shop.join("services.staging.toml"),
        "# elsewhere\n[platform]\nslug = \"shop-staging\"\n[services.checkout]\nport = 9001\n[services.checkout.alerts.Down]\nfor = \"9m\"\n",
    )
    .unwrap();
    let first = run(&shop, &["render"]);
    assert_eq!(first.code, Some(0), "{}", first.err);
    shop
}

fn text(shop: &Path, file: &str) -> String {
    fs::read_to_string(shop.join(file)).unwrap()
}

#[test]
fn a_service_is_renamed_in_every_file_and_expression() {
    let shop = names("rename-service");
    let renamed = run(&shop, &["rename", "service", "checkout", "till"]);
    assert_eq!(renamed.code, Some(0), "{}{}", renamed.out, renamed.err);
    assert_eq!(
        text(&shop, "services.toml"),
        NAMES
            .replace("checkout", "till")
            .replace("Orders of till", "Orders of checkout")
    );
    let staging = text(&shop, "services.staging.toml");
    assert!(
        staging.starts_with("# elsewhere\n") && !staging.contains("checkout"),
        "{staging}"
    );
    for said in [
        "renamed the service checkout to till, in 11 places\n",
        "metrics.orders_total.help still says checkout\n",
        "amtool silence query service=checkout --alertmanager.url=http://localhost:9093\n",
        "promtool query series '--match={job=\"checkout\"}' http://localhost:9090\n",
    ] {
        let said = said.replace(
            "'--match={job=\"checkout\"}'",
            "--match='{job=\"checkout\"}'",
        );
        assert!(renamed.out.contains(&said), "{said}: {}", renamed.out);
    }
    for environment in [
        &["render", "--check"][..],
        &["render", "--environment", "staging"],
    ] {
        let run = run(&shop, environment);
        assert!(!run.err.contains("error["), "{}", run.err);
    }
}

#[test]
fn everything_else_with_a_name_is_renamed() {
    let cases = [
        (
            ["rename", "metric", "orders_total", "sales_total"],
            NAMES
                .replace("orders_total", "sales_total")
                .replace("# shop_sales_total", "# shop_orders_total"),
        ),
        (
            ["rename", "alert", "Down", "Gone"],
            NAMES.replace("Down", "Gone"),
        ),
        (
            ["rename", "group", "web", "front"],
            NAMES
                .replace("groups.web", "groups.front")
                .replace("group = \"web\"", "group = \"front\"")
                .replace("component=\"web\"", "component=\"front\""),
        ),
        (
            ["rename", "owner", "web-team", "till-team"],
            NAMES.replace("web-team", "till-team"),
        ),
        (
            ["rename", "receiver", "slack", "shop-channel"],
            NAMES
                .replace("\"slack\"", "\"shop-channel\"")
                .replace("[receivers.slack]", "[receivers.shop-channel]"),
        ),
    ];
    for (arguments, wanted) in cases {
        let shop = names(&format!("rename-{}", arguments[1]));
        let renamed = run(&shop, &arguments);
        assert_eq!(
            renamed.code,
            Some(0),
            "{arguments:?}: {}{}",
            renamed.out,
            renamed.err
        );
        assert_eq!(text(&shop, "services.toml"), wanted, "{arguments:?}");
        assert_eq!(
            text(&shop, "services.staging.toml").contains("Gone"),
            arguments[1] == "alert"
        );
    }
}

#[test]
fn what_a_default_names_is_written_out() {
    let catalog = include_str!("../../services.toml");
    let shop = crate::shop("edit-rename-default", catalog);
    let old = ["rename", "metric", "requests_total", "answers_total"];
    let renamed = run(&shop, &old);
    assert_eq!(renamed.code, Some(0), "{}{}", renamed.out, renamed.err);
    let kind = "kind = \"error_ratio\"\n";
    let written = text(&shop, "services.toml");
    let table = &written[written.find(kind).expect("there is such an alert")..];
    let table = &table[..table.find("\n\n").expect("another one follows")];
    assert!(table.contains("requests = \"answers_total\""), "{table}");
    assert!(!written.contains("requests_total"), "{written}");
}

#[test]
fn what_cannot_be_renamed_is_refused_and_nothing_is_written() {
    let shop = names("rename-refused");
    for (arguments, said) in [
        (
            ["rename", "service", "chekout", "till"],
            "did you mean `checkout`?",
        ),
        (
            ["rename", "service", "checkout", "prices"],
            "there is a service `prices` already",
        ),
        (["rename", "service", "checkout", "Till!"], "error["),
        (["rename", "metric", "orders_total", "sales"], "sales"),
    ] {
        refuses(&shop, &arguments, said);
    }
}

#[test]
fn what_still_names_it_is_said_or_goes_too() {
    let shop = names("remove");
    let before = tree(&shop);
    let refused = run(&shop, &["remove", "service", "checkout"]);
    assert_eq!(refused.code, Some(1));
    for said in [
        "metrics.orders_total.services.0 names the service `checkout`",
        "alerts.NoOrders.services.0 names the service `checkout`",
        "alerts.NoOrders.expr names the service `checkout`",
        "routes.0.service names the service `checkout`",
        "services.toml:83",
        "--everywhere",
        "nothing was written",
    ] {
        assert!(refused.err.contains(said), "{said}: {}", refused.err);
    }
    assert_eq!(tree(&shop), before);
    let removed = run(&shop, &["remove", "service", "checkout", "--everywhere"]);
    assert_eq!(removed.code, Some(0), "{}{}", removed.out, removed.err);
    let left = text(&shop, "services.toml");
    let mut wanted = NAMES
        .replace("[groups.web]\ntitle = \"Web\"\n", "")
        .replace(
            "# the shop itself\n[services.checkout]\ngroup = \"web\"\nport = 8001 # taken\n\n",
            "",
        )
        .replace(
            "[services.checkout.alerts.Down]\nfor = \"2m\" # at once\n\n",
            "",
        )
        .replace(
            "services = [\"checkout\", \"prices\"]",
            "services = [\"prices\"]",
        );
    let (alerts, routes) = (
        wanted.find("[alerts.NoOrders]").unwrap(),
        wanted.find("[alertmanager.routes]").unwrap(),
    );
    wanted.replace_range(alerts..routes, "");
    wanted.truncate(wanted.find("\n[[routes]]").unwrap());
    assert_eq!(left.trim_end(), wanted.trim_end());
    assert!(removed.out.contains("  services.toml:"), "{}", removed.out);
    assert_eq!(
        run(&shop, &["render", "--check"]).code,
        Some(1),
        "staging is not rendered yet"
    );
}

#[test]
fn one_key_is_set_where_it_stands() {
    let shop = names("set");
    for (arguments, old, new) in [
        (
            &["set", "alerts.Down.for", "10m"][..],
            "for = \"5m\"",
            "for = \"10m\"",
        ),
        (
            &["set", "services.checkout.port", "8010"],
            "port = 8001 # taken",
            "port = 8010 # taken",
        ),
        (
            &["set", "alerts.OrdersFail.above", "0.3"],
            "above = 0.2",
            "above = 0.3",
        ),
        (
            &["set", "alerts.OrdersFail.services", "prices"],
            "services = [\"checkout\", \"prices\"] # both",
            "services = [\"prices\"] # both",
        ),
        (
            &["set", "services.prices.memory_limit", "1GiB"],
            "port = 8002\n",
            "port = 8002\nmemory_limit = \"1GiB\"\n",
        ),
        (
            &["set", "--unset", "services.prices.memory_limit"],
            "memory_limit = \"1GiB\"\n",
            "",
        ),
    ] {
        let before = text(&shop, "services.toml");
        let set = run(&shop, arguments);
        assert_eq!(set.code, Some(0), "{arguments:?}: {}{}", set.out, set.err);
        assert_eq!(
            text(&shop, "services.toml"),
            before.replace(old, new),
            "{arguments:?}"
        );
        let said = match arguments.contains(&"--unset") {
            true => "removed ",
            false => "set ",
        };
        assert!(set.out.starts_with(said), "{}", set.out);
    }
    let staging = run(
        &shop,
        &[
            "set",
            "services.checkout.port",
            "9002",
            "--environment",
            "staging",
        ],
    );
    assert_eq!(staging.code, Some(0), "{}", staging.err);
    assert!(text(&shop, "services.staging.toml").contains("port = 9002\n"));
    assert!(
        shop.join("generated-staging/monitoring/working_prometheus.yml")
            .is_file()
    );
}

#[test]
fn a_key_that_would_not_load_or_prove_is_not_set() {
    let shop = names("set-refused");
    let before = tree(&shop);
    for (arguments, code, said) in [
        (
            &["set", "services.checkout.port", "8002"][..],
            1,
            "already taken by `checkout`",
        ),
        (
            &["set", "services.checkout.prot", "8002"],
            1,
            "did you mean `port`?",
        ),
        (&["set", "alerts.Down.for", "soon"], 1, "soon"),
        (&["set", "alerts.OrdersFail.above", "2"], 1, "error["),
        (&["set", "services.checkout", "2"], 2, "is a table"),
        (&["set", "services", "2"], 2, "is a table"),
        (
            &["set", "--unset", "services.checkout.app"],
            2,
            "nothing to take away",
        ),
    ] {
        let refused = run(&shop, arguments);
        assert_eq!(
            refused.code,
            Some(code),
            "{arguments:?}: {}{}",
            refused.out,
            refused.err
        );
        assert!(refused.err.contains(said), "{arguments:?}: {}", refused.err);
        assert_eq!(tree(&shop), before, "{arguments:?} wrote something");
    }
}

#[test]
fn everything_is_added_with_every_setting() {
    let shop = rendered("edit-add");
    for (arguments, wanted) in [
        (
            &[
                "add",
                "search",
                "--group",
                "find",
                "--group-title",
                "Find",
                "--port",
                "8002",
                "--memory-limit",
                "1GiB",
                "--labels",
                "tier=1",
                "--profiles",
                "redis",
            ][..],
            "[services.search]\ngroup = \"find\"\nport = 8002\n",
        ),
        (
            &[
                "add",
                "metric",
                "shop_orders_total",
                "--type",
                "counter",
                "--metric-help",
                "Orders",
                "--services",
                "checkout",
                "--services",
                "search",
            ],
            "[metrics.orders_total]\ntype = \"counter\"\nhelp = \"Orders\"\nservices = [\"checkout\", \"search\"]\n",
        ),
        (
            &[
                "add",
                "alert",
                "NoOrders",
                "--kind",
                "absent",
                "--metric",
                "orders_total",
                "--severity",
                "info",
            ],
            "[alerts.NoOrders]\nkind = \"absent\"\nseverity = \"info\"\nmetric = \"orders_total\"\n",
        ),
        (
            &[
                "add",
                "group",
                "core",
                "--title",
                "Core",
                "--service",
                "search",
            ],
            "[groups.core]\ntitle = \"Core\"\n",
        ),
    ] {
        let added = run(&shop, arguments);
        let text = text(&shop, "services.toml");
        // A group that loses its last service is refused, with what to do.
        if arguments[1] == "group" {
            assert!(
                added.code == Some(1) && added.err.contains("empty-group"),
                "{}",
                added.err
            );
            continue;
        }
        assert_eq!(
            added.code,
            Some(0),
            "{arguments:?}: {}{}",
            added.out,
            added.err
        );
        assert!(text.contains(wanted), "{arguments:?}: {text}");
        assert_eq!(run(&shop, &["render", "--check"]).code, Some(0));
    }
    let help = run(&shop, &["add", "--help"]).out;
    for flag in [
        "--scrape-interval",
        "--replicas",
        "--service-environment",
        "--tls",
        "--runs-on",
    ] {
        assert!(help.contains(flag), "{flag}: {help}");
    }
    assert!(
        run(&shop, &["add", "alert", "--help"])
            .out
            .contains("--quantile")
    );
    assert_eq!(CATALOG.matches("search").count(), 0);
}

#[test]
fn the_port_that_is_taken_is_said_of_who_had_it() {
    let shop = crate::shop(
        "edit-taken",
        &CATALOG.replace(
            "[alerts.Down]",
            "[services.zoo]\ngroup = \"web\"\nport = 8009\n\n[groups.core]\ntitle = \"Core\"\n[services.core]\ngroup = \"core\"\nport = 8005\n\n[alerts.Down]",
        ),
    );
    let refused = run(&shop, &["add", "cart", "--group", "web", "--port", "8005"]);
    assert!(
        refused.err.contains("already taken by `core`"),
        "{}",
        refused.err
    );
}

/// Nobody may be there for nothing: what names the new one is written with it.
#[test]
fn receivers_and_owners_are_added_with_what_names_them() {
    let quiet = CATALOG.find("[alertmanager]").unwrap();
    let shop = crate::shop("edit-told", &CATALOG[..quiet]);
    for (arguments, wanted) in [
        (
            &[
                "add",
                "receiver",
                "till",
                "--webhook",
                "url=https://till.example.org/alerts",
                "--severity",
                "critical",
            ][..],
            "[receivers.till]\nwebhook = { url = \"https://till.example.org/alerts\" }\n",
        ),
        (
            &[
                "add",
                "owner",
                "till-team",
                "--set",
                "critical=till",
                "--service",
                "checkout",
            ],
            "[owners.till-team]\ncritical = \"till\"\n",
        ),
        (
            &[
                "add",
                "receiver",
                "till-chat",
                "--webhook",
                "url=https://chat.example.org/till",
                "--owner",
                "till-team",
            ],
            "[receivers.till-chat]\n",
        ),
    ] {
        let added = run(&shop, arguments);
        assert_eq!(added.code, Some(0), "{arguments:?}: {}", added.err);
        let text = text(&shop, "services.toml");
        assert!(text.contains(wanted), "{arguments:?}: {text}");
    }
    let routed = text(&shop, "services.toml");
    for told in [
        "critical = \"till\"",
        "owner = \"till-team\"",
        "default = \"till-chat\"",
    ] {
        assert!(routed.contains(told), "{told}: {routed}");
    }
    refuses(
        &shop,
        &[
            "add",
            "receiver",
            "other",
            "--webhook",
            "url=https://other.example.org/",
            "--severity",
            "critical",
        ],
        "alertmanager.routes.critical goes to \"till\" already",
    );
    refuses(
        &shop,
        &["add", "owner", "web-team", "--service", "chekout"],
        "did you mean `checkout`?",
    );
}

/// A catalog whose owner tells somebody else of each severity, with an objective, a rule, a time and an inhibition.
const OTHERS: &str = r#"[platform]
name = "Shop"
slug = "shop"
runbook_url = "https://git.example.org/RUNBOOK.md"
[groups]
web = { title = "Web", owner = "team" }
[services]
cart = { group = "web", port = 8001 }
queue = { group = "web", port = 8002 }
[owners.team]
critical = "pager"
warning = "tickets"
default = "chat"
mute = { warning = "nights" }
[times.nights]
hours = "18:00-08:00"
[receivers.pager]
webhook = { url = "https://hooks.example.org/p" }
[receivers.chat]
webhook = { url = "https://hooks.example.org/c" }
[receivers.tickets]
webhook = { url = "https://hooks.example.org/t" }
[alertmanager.routes]
critical = "pager"
warning = "chat"
[metrics.requests_total]
type = "counter"
help = "Requests"
services = ["cart"]
labels = { status = "[1-5][0-9]{2}" }
[metrics.waiting]
type = "gauge"
help = "Waiting"
name = "queue_waiting_jobs"
services = ["queue"]
[rules."job:requests:rate5m"]
expr = "sum by (job, service, component) (rate(requests_total[5m]))"
tests = [{ name = "some", at = "20m", series = { 'requests_total{job="cart",service="cart",component="web",status="200"}' = "0+60x40" }, gives = { '{job="cart",service="cart",component="web"}' = 1 } }]
[slos.cart-availability]
service = "cart"
objective = 99.9
errors = { metric = "requests_total", where = { status = "5.." } }
[inhibit.outage]
source = { alert = "Down" }
target = { alert = ["CartAvailabilityFastBurn", "Long"] }
[alerts.Down]
kind = "down"
severity = "critical"
[alerts.Memory]
kind = "memory_ratio"
above = 0.9
[alerts.Long]
kind = "promql"
expr = "sum by (job, service, component) (queue_waiting_jobs) > 100"
tests = [{ name = "many", at = "20m", series = { 'queue_waiting_jobs{job="queue",service="queue",component="web"}' = "200x40" }, fires = ["queue"] }, { name = "few", at = "20m", series = { 'queue_waiting_jobs{job="queue",service="queue",component="web"}' = "2x40" } }]
[alerts.Full]
kind = "threshold"
metric = "waiting"
above = { warning = 200, critical = 300 }
"#;

fn others(name: &str) -> std::path::PathBuf {
    let shop = crate::shop(&format!("edit-{name}"), OTHERS);
    let first = run(&shop, &["render"]);
    assert_eq!(first.code, Some(0), "{}", first.err);
    shop
}

#[test]
fn whom_an_owner_tells_is_one_key_and_it_is_said_who_is_told_now() {
    let shop = others("mention");
    let removed = run(&shop, &["remove", "receiver", "tickets", "--everywhere"]);
    assert_eq!(removed.code, Some(0), "{}{}", removed.out, removed.err);
    let left = OTHERS.replace("warning = \"tickets\"\n", "").replace(
        "[receivers.tickets]\nwebhook = { url = \"https://hooks.example.org/t\" }\n",
        "",
    );
    assert_eq!(text(&shop, "services.toml"), left);
    for said in [
        "  services.toml:12  owners.team.warning\n",
        "  alerts are told to chat, not in nights (18:00-08:00, UTC) instead of tickets",
        "Memory@cart",
    ] {
        assert!(removed.out.contains(said), "{said}: {}", removed.out);
    }
    // What nobody is told by any more is no owner.
    let shop = others("last");
    let own = OTHERS.replace(
        "critical = \"pager\"\nwarning = \"tickets\"\ndefault = \"chat\"\n",
        "default = \"tickets\"\n",
    );
    fs::write(shop.join("services.toml"), &own).unwrap();
    let removed = run(&shop, &["remove", "receiver", "tickets", "--everywhere"]);
    for said in ["owners.team, which tells nobody else", "groups.web.owner"] {
        assert!(
            removed.out.contains(said),
            "{said}: {}{}",
            removed.out,
            removed.err
        );
    }
}

#[test]
fn a_service_takes_the_alerts_along_that_read_nothing_else() {
    let shop = others("emitter");
    let refused = run(&shop, &["remove", "service", "queue"]);
    for said in [
        "alerts.Long reads only what queue emits",
        "alerts.Full reads only what queue emits",
        " --everywhere",
    ] {
        assert!(refused.err.contains(said), "{said}: {}", refused.err);
    }
    let removed = run(&shop, &["remove", "service", "queue", "--everywhere"]);
    assert_eq!(removed.code, Some(0), "{}{}", removed.out, removed.err);
    for said in ["  alerts.Long", "  alerts.Full", "  metrics.waiting\n"] {
        assert!(removed.out.contains(said), "{said}: {}", removed.out);
    }
    let left = text(&shop, "services.toml");
    assert!(
        left.contains("target = { alert = [\"CartAvailabilityFastBurn\"] }"),
        "{left}"
    );
    assert!(
        !left.contains("queue") && !left.contains("alerts.Full"),
        "{left}"
    );
}

#[test]
fn objectives_rules_times_and_inhibitions_have_names_too() {
    let shop = others("sorts");
    for (arguments, pairs) in [
        (
            ["objective", "cart-availability", "cart-up"],
            &[
                ("[slos.cart-availability]", "[slos.cart-up]"),
                ("CartAvailabilityFastBurn", "CartUpFastBurn"),
            ][..],
        ),
        (
            ["rule", "job:requests:rate5m", "job:asked:rate5m"],
            &[("job:requests:rate5m", "job:asked:rate5m")],
        ),
        (
            ["time", "nights", "evenings"],
            &[
                ("nights", "evenings"),
                ("[times.nights]", "[times.evenings]"),
            ],
        ),
        (
            ["inhibition", "outage", "gone"],
            &[("[inhibit.outage]", "[inhibit.gone]")],
        ),
    ] {
        let mut wanted = text(&shop, "services.toml");
        for (old, new) in pairs {
            wanted = wanted.replace(old, new);
        }
        let [what, old, new] = arguments;
        let renamed = run(&shop, &["rename", what, old, new]);
        assert_eq!(renamed.code, Some(0), "{}{}", renamed.out, renamed.err);
        assert_eq!(text(&shop, "services.toml"), wanted, "{what}");
    }
    for (what, name, gone) in [
        ("time", "evenings", "owners.team.mute"),
        ("objective", "cart-up", "slos.cart-up"),
        ("inhibition", "gone", "inhibit.gone"),
        ("rule", "job:asked:rate5m", "rules.\"job:asked:rate5m\""),
    ] {
        let removed = run(&shop, &["remove", what, name, "--everywhere"]);
        assert_eq!(removed.code, Some(0), "{}{}", removed.out, removed.err);
        assert!(removed.out.contains(gone), "{gone}: {}", removed.out);
    }
    let left = text(&shop, "services.toml");
    for gone in [
        "evenings",
        "cart-up",
        "CartUp",
        "[inhibit",
        "job:asked",
        "mute",
    ] {
        assert!(!left.contains(gone), "{gone}: {left}");
    }
}

#[test]
fn what_there_is_not_is_said_before_what_it_would_lack() {
    let shop = others("unknown");
    for (arguments, said) in [
        (
            &["set", "services.cartt.owner", "team"][..],
            "there is no service `cartt` in the catalog",
        ),
        (
            &["set", "owners.tem.default", "chat"],
            "did you mean `team`?",
        ),
        (
            &["add", "group", "ops", "--title", "Ops"],
            "NAME --group ops --group-title Ops --port 8000`",
        ),
        (
            &["add", "owner", "ops", "--default", "chat"],
            "with `--group NAME`",
        ),
        (
            &["add", "till", "--group", "ops", "--port", "8009"],
            " till --group ops --group-title TITLE`, with all that was given",
        ),
        (
            &["remove", "time", "night"],
            "there is no time `night` in the catalog",
        ),
    ] {
        refuses(&shop, arguments, said);
    }
}
