//! A catalog in parts, and its environments.

use crate::{CATALOG, Run, run, shop};
use std::fs;
use std::path::{Path, PathBuf};

const SEARCH: &str = "[services.search]\ngroup = \"web\"\nport = 8002\n";

const ALERT: &str = r#"
[alerts.Errors]
kind = "error_ratio"
above = 0.05
window = "10m"
for = "5m"
severity = "warning"

[metrics.requests_total]
type = "counter"
help = "Requests answered"
labels = { status = "[1-5][0-9]{2}" }
"#;

/// The small catalog with a part.
fn in_parts(name: &str) -> PathBuf {
    let root = shop(name, CATALOG);
    fs::create_dir(root.join("services.d")).unwrap();
    fs::write(root.join("services.d/search.toml"), SEARCH).unwrap();
    fs::write(root.join("services.d/alerts.toml"), ALERT).unwrap();
    root
}

/// The same with an environment.
fn with_staging(name: &str, staging: &str) -> PathBuf {
    let root = in_parts(name);
    fs::write(root.join("services.staging.toml"), staging).unwrap();
    root
}

fn fine(root: &Path, arguments: &[&str]) -> Run {
    let run = run(root, arguments);
    assert_eq!(run.code, Some(0), "{arguments:?}: {}{}", run.out, run.err);
    run
}

#[test]
fn a_service_is_added_where_those_of_its_group_are() {
    let root = in_parts("parts-add");
    let catalog = fs::read_to_string(root.join("services.toml")).unwrap();
    let said = fine(&root, &["add", "cart", "--group", "web", "--port", "8003"]).out;
    assert!(
        said.starts_with("added cart at services.d/search.toml:5\n"),
        "{said}"
    );
    assert_eq!(
        fs::read_to_string(root.join("services.d/search.toml")).unwrap(),
        format!("{SEARCH}\n[services.cart]\ngroup = \"web\"\nport = 8003\n")
    );
    let into = [
        "add",
        "login",
        "--group",
        "web",
        "--port",
        "8004",
        "--file",
        "services.d/login.toml",
    ];
    let said = fine(&root, &into).out;
    assert!(
        said.starts_with("added login at services.d/login.toml:"),
        "{said}"
    );
    assert_eq!(
        fs::read_to_string(root.join("services.toml")).unwrap(),
        catalog
    );
    let explained = fine(&root, &["explain", "login"]).out;
    assert!(explained.contains("services.d/login.toml:"), "{explained}");
    for elsewhere in [
        "services.d/x.tml",
        "../services.d/x.toml",
        "services.d/a/b.toml",
        "x.toml",
    ] {
        let refused = run(
            &root,
            &[
                "add", "pay", "--group", "web", "--port", "8005", "--file", elsewhere,
            ],
        );
        assert_eq!(refused.code, Some(2), "{elsewhere}: {}", refused.out);
        assert!(
            refused.err.contains("no file of the catalog"),
            "{}",
            refused.err
        );
    }
}

#[test]
fn an_entry_in_two_files_is_shown_in_both() {
    let root = in_parts("parts-twice");
    fs::write(
        root.join("services.d/zz.toml"),
        format!("# again\n{SEARCH}"),
    )
    .unwrap();
    let said = run(&root, &["render", "--format", "json"]);
    assert_eq!(said.code, Some(1));
    let document: monstack::value::Value = serde_json::from_str(&said.out).unwrap();
    let found = &document["findings"][0];
    assert_eq!(
        (
            &found["code"],
            &found["file"],
            &found["line"],
            &found["column"]
        ),
        (
            &"key-twice".into(),
            &"services.d/zz.toml".into(),
            &2.into(),
            &11.into()
        ),
        "{document}"
    );
    assert_eq!(found["related"][0]["file"], "services.d/search.toml");
    assert_eq!(found["related"][0]["line"], 1);
    assert!(!root.join("generated").exists());
}

#[test]
fn what_is_wrong_in_a_part_is_shown_there() {
    let root = in_parts("parts-wrong");
    fs::write(
        root.join("services.d/zz.toml"),
        "# é\n[alerts.X]\nkind = \"donw\"\n",
    )
    .unwrap();
    let said = run(&root, &["render", "--format", "github"]);
    assert!(
        said.out
            .contains("::error file=services.d/zz.toml,line=3,col=8,title=unknown-kind"),
        "{}",
        said.out
    );
    fs::write(root.join("services.d/zz.toml"), "[alerts.X]\nkind = \n").unwrap();
    let said = run(&root, &["render", "--format", "github"]);
    assert!(
        said.out.contains("::error file=services.d/zz.toml,line=2,"),
        "{}",
        said.out
    );
    fs::write(
        root.join("services.d/zz.toml"),
        b"[alerts.X]\nkind = \"\xff\"\n",
    )
    .unwrap();
    let said = run(&root, &["render", "--format", "github"]);
    assert!(
        said.out
            .contains("::error file=services.d/zz.toml,line=2,col=9,title=unreadable-catalog"),
        "{}",
        said.out
    );
}

const STAGING: &str = r#"[services]
search = { enabled = false }

[services.checkout]
targets = ["10.1.0.5:8001", "10.1.0.6:8001"]

[alerts.Errors]
above = 0.25
"#;

#[test]
fn an_environment_is_the_catalog_and_what_differs_there() {
    let root = with_staging("parts-staging", STAGING);
    fine(&root, &["render"]);
    assert!(
        !root.join("generated-staging").exists(),
        "only the catalog itself is rendered"
    );
    let check = run(&root, &["render", "--check"]);
    assert_eq!(check.code, Some(1), "{}", check.out);
    assert!(
        check
            .out
            .contains("missing   generated-staging/monitoring/alert_rules.yml"),
        "{}",
        check.out
    );
    assert!(
        check.out.contains("render --environment staging")
            || check.out.contains("--environment staging"),
        "{}",
        check.out
    );
    fine(&root, &["render", "--environment", "staging"]);
    fine(&root, &["render", "--check"]);
    let read = |path: &str| fs::read_to_string(root.join(path)).unwrap();
    let prometheus = read("generated-staging/monitoring/working_prometheus.yml");
    for part in [
        "external_labels: {\"environment\": \"staging\"}",
        "\"10.1.0.5:8001\", \"10.1.0.6:8001\"",
    ] {
        assert!(prometheus.contains(part), "{prometheus}");
    }
    assert!(!prometheus.contains("search"), "{prometheus}");
    assert!(read("generated-staging/monitoring/alert_rules.yml").contains("0.25"));
    assert!(
        read("generated-staging/docs/RUNBOOK.md")
            .contains("monstack render --check --environment staging\n")
    );
    let base = read("generated/monitoring/working_prometheus.yml");
    assert!(
        base.contains("search") && !base.contains("environment"),
        "{base}"
    );

    let at = ["explain", "Errors@checkout", "--environment", "staging"];
    let explained = fine(&root, &at).out;
    assert!(
        explained.contains("25%") && explained.contains("services.staging.toml:8"),
        "{explained}"
    );
    assert!(
        explained.contains("services.d/alerts.toml:5"),
        "{explained}"
    );
    let gone = run(&root, &["explain", "search", "--environment", "staging"]);
    assert_eq!(gone.code, Some(1), "{}", gone.out);
    let diff = run(&root, &["diff", "--environment", "staging"]);
    for part in [
        "fires above 25% instead of 5%",
        "services.staging.toml:8",
        "service search is removed",
        "against services.toml:",
    ] {
        assert!(diff.out.contains(part), "{}{}", diff.out, diff.err);
    }
}

/// An alert that reads a metric because its kind does where nobody says otherwise is not left out with that metric.
#[test]
fn an_alert_whose_metric_an_environment_lacks_is_to_be_taken_away_there_too() {
    let root = crate::referee::folder("parts-silent");
    let catalog = "[platform]\nname = \"Shop\"\nslug = \"shop\"\nmetric_prefix = \"shop\"\n[groups.web]\ntitle = \"Web\"\n[services.checkout]\ngroup = \"web\"\nport = 8001\n[services.search]\ngroup = \"web\"\nport = 8002\n[metrics.requests_total]\ntype = \"counter\"\nhelp = \"Requests\"\nservices = [\"checkout\"]\nlabels = { status = \"[1-5][0-9]{2}\" }\n[alerts.Errors]\nkind = \"error_ratio\"\nabove = 0.1\nfor = \"5m\"\nseverity = \"warning\"\n";
    fs::write(root.join("services.toml"), catalog).unwrap();
    let staging = "[prometheus]\nport = 9190\n[services.checkout]\nenabled = false\n";
    fs::write(root.join("services.staging.toml"), staging).unwrap();
    let found = run(&root, &["render", "--environment", "staging"]);
    assert!(
        found.err.contains(
            "`Errors` reads `requests_total`, which no service of this environment emits"
        ),
        "{}",
        found.err
    );
    // What is advised helps.
    let staging = format!("{staging}[alerts]\nErrors = {{ enabled = false }}\n");
    fs::write(root.join("services.staging.toml"), staging).unwrap();
    fine(&root, &["render", "--environment", "staging"]);
}

/// A team with a service, a metric, an alert and an objective of its own, people who are told, and addresses.
const TEAM: &str = r#"
[prometheus]
retention = "31d"
external_url = "https://prometheus.example.org"
[alertmanager]
external_url = "https://alerts.example.org"
routes = { critical = "pager", warning = "chat" }
[receivers]
pager = { webhook = { url = "https://pager.example.org/" } }
chat = { webhook = { url = "https://chat.example.org/" } }
risk-chat = { webhook = { url = "https://chat.example.org/risk" } }
[owners.risk]
default = "risk-chat"
[groups.risk]
title = "Risk"
owner = "risk"
[services.scores]
group = "risk"
port = 8010
[metrics.decisions_total]
type = "counter"
help = "Decisions"
services = ["scores"]
labels = { result = ["accepted", "rejected"] }
[alerts.Rejects]
kind = "ratio"
errors = { metric = "decisions_total", where = { result = "rejected" } }
above = 0.2
[slos.deciding]
service = "scores"
objective = 99
errors = { metric = "decisions_total", where = { result = "rejected" } }
"#;

/// A small catalog with the team, and an environment.
fn of_two_teams(name: &str, staging: &str) -> PathBuf {
    let small = "[platform]\nname = \"Shop\"\nslug = \"shop\"\n[groups.core]\ntitle = \"Core\"\n[services.orders]\ngroup = \"core\"\nport = 8001\n[alerts.Down]\nkind = \"down\"\nseverity = \"critical\"\n[alerts.CpuHigh]\nkind = \"cpu_ratio\"\nabove = 0.9\n";
    let root = shop(name, &format!("{small}{TEAM}"));
    fs::write(root.join("services.staging.toml"), staging).unwrap();
    root
}

#[test]
fn what_is_about_nobody_in_an_environment_is_not_there() {
    let staging = "[services]\nscores = { enabled = false }\n[alertmanager]\nexternal_url = \"https://alerts.staging.example.org\"\nroutes = { critical = \"chat\", warning = \"chat\" }\n[prometheus]\nexternal_url = \"https://prometheus.staging.example.org\"\n";
    let root = of_two_teams("parts-off-in-staging", staging);
    fine(&root, &["render"]);
    fine(&root, &["render", "--environment", "staging"]);
    let rules = |folder: &str| {
        fs::read_to_string(root.join(folder).join("monitoring/alert_rules.yml")).unwrap()
    };
    assert!(rules("generated").contains("Rejects"));
    assert!(!rules("generated-staging").contains("Rejects"));
    let objective = "generated-staging/monitoring/slo_rules/deciding.yml";
    assert!(!root.join(objective).exists());

    // What the environment itself says has to come to something.
    let idle = format!(
        "{staging}[receivers]\nnight-chat = {{ webhook = {{ url = \"https://chat.example.org/night\" }} }}\n"
    );
    fs::write(root.join("services.staging.toml"), idle).unwrap();
    let found = run(&root, &["render", "--environment", "staging"]);
    assert!(found.err.contains("unnotified-receiver"), "{}", found.err);
    assert!(found.err.contains("night-chat"), "{}", found.err);
    assert!(!found.err.contains("risk-chat"), "{}", found.err);
}

#[test]
fn links_of_an_environment_lead_to_its_own_servers() {
    let staging =
        "[prometheus]\nexternal_url = \"https://prometheus.staging.example.org\"\n".to_string();
    let root = of_two_teams("parts-links-of-staging", &staging);
    let found = run(&root, &["render", "--environment", "staging"]);
    for part in ["exchanged-server", "https://alerts.example.org"] {
        assert!(found.err.contains(part), "{}", found.err);
    }
    let shared = format!("{staging}alertmanagers = [\"alerts.example.org:9093\"]\n");
    fs::write(root.join("services.staging.toml"), shared).unwrap();
    fine(&root, &["render", "--environment", "staging"]);
}

#[test]
fn a_service_of_an_environment_is_asked_there() {
    let elsewhere = |name: &str| {
        format!(
            "[services.{name}]\ngroup = \"core\"\nport = 8001\nruns_on = \"{name}.example.org\"\n"
        )
    };
    let catalog = format!(
        "[platform]\nname = \"Shop\"\nslug = \"shop\"\n[groups.core]\ntitle = \"Core\"\n[alerts.Down]\nkind = \"down\"\nseverity = \"critical\"\n{}{}{}",
        elsewhere("orders"),
        elsewhere("basket"),
        elsewhere("stock")
    );
    let root = shop("parts-asked-in-staging", &catalog);
    let there =
        |name: &str| format!("[services.{name}]\nruns_on = \"{name}.staging.example.org\"\n");
    let mut staging = format!("{}{}", there("orders"), there("basket"));
    let file = root.join("services.staging.toml");
    fs::write(&file, &staging).unwrap();
    let said = "`staging` asks `stock` where the other environments ask it too";
    let kept = fine(&root, &["render", "--environment", "staging"]);
    assert!(kept.err.contains(said), "{}", kept.err);
    staging += "[services.stock]\nruns_on = \"stock.example.org\"\n";
    fs::write(&file, staging).unwrap();
    let meant = fine(&root, &["render", "--environment", "staging"]);
    assert!(!meant.err.contains(said), "{}", meant.err);
}

#[test]
fn an_environment_that_is_not_there_or_wrong_is_said() {
    let root = with_staging("parts-wrong-staging", STAGING);
    let unknown = run(&root, &["render", "--environment", "stagign"]);
    assert_eq!(unknown.code, Some(1));
    assert!(
        unknown.err.contains("did you mean `staging`?"),
        "{}",
        unknown.err
    );
    let wrong = "[services]\nserach = { enabled = false }\n[alerts.Errors]\nabove = 7\n[alerts.Down]\nenabled = \"no\"\n[platform]\noutput = \"generated/\"\n";
    fs::write(root.join("services.staging.toml"), wrong).unwrap();
    fine(&root, &["render"]);
    // With all environments checked, each mistake is shown once, in its file.
    let said = run(&root, &["render", "--check", "--format", "github"]);
    assert_eq!(said.code, Some(1));
    for part in [
        "file=services.staging.toml,line=2,col=22,title=nothing-to-disable::",
        "did you mean `search`?",
        "file=services.staging.toml,line=6,col=11,title=wrong-type",
        "file=services.staging.toml,line=8,col=10,title=same-folder::",
        "file=services.staging.toml,line=4,col=9,title=",
    ] {
        assert_eq!(said.out.matches(part).count(), 1, "{part}: {}", said.out);
    }
    let added = run(
        &root,
        &[
            "add",
            "pay",
            "--group",
            "web",
            "--port",
            "8005",
            "--environment",
            "staging",
        ],
    );
    assert_eq!(added.code, Some(2), "{}", added.out);
}

#[test]
fn an_environment_names_its_folder_and_its_label() {
    let own = "[platform]\noutput = \"deploy/test\"\n[prometheus]\nexternal_labels = { environment = \"test\", region = \"eu\" }\n";
    let root = with_staging("parts-own-folder", own);
    fine(&root, &["render", "--environment", "staging"]);
    let text =
        fs::read_to_string(root.join("deploy/test/monitoring/working_prometheus.yml")).unwrap();
    assert!(
        text.contains("{\"environment\": \"test\", \"region\": \"eu\"}"),
        "{text}"
    );
    assert!(!root.join("generated-staging").exists());
}

#[test]
fn an_environment_takes_keys_away() {
    let own = "[alerts.Errors]\nunset = [\"for\", \"window\"]\nwindow = \"20m\"\nfor = \"1m\"\n[prometheus]\nunset = [\"retention\"]\n[services]\nunset = [\"search\"]\n";
    let root = with_staging("parts-unset", own);
    let catalog = fs::read_to_string(root.join("services.toml")).unwrap();
    let kept = "\n[prometheus]\nretention = \"90d\"\n";
    fs::write(root.join("services.toml"), format!("{catalog}{kept}")).unwrap();
    fine(&root, &["render"]);
    fine(&root, &["render", "--environment", "staging"]);
    let read = |path: &str| fs::read_to_string(root.join(path)).unwrap();
    let [here, there] = ["generated", "generated-staging"]
        .map(|folder| read(&format!("{folder}/docker-compose.monitoring.yml")));
    assert!(here.contains("retention.time=90d"), "{here}");
    assert!(there.contains("retention.time=15d"), "{there}");
    assert!(!read("generated-staging/monitoring/working_prometheus.yml").contains("search"));
    for (wrong, said) in [
        (
            "[prometheus]\nunset = [\"retenton\"]\n",
            "did you mean `retention`?",
        ),
        (
            "[prometheus]\nunset = \"retention\"\n",
            "`unset` is no list of keys",
        ),
        ("[alerts.Errors]\nunset = [\"kind\"]\n", "has no `kind`"),
    ] {
        fs::write(root.join("services.staging.toml"), wrong).unwrap();
        let run = run(&root, &["render", "--environment", "staging"]);
        assert_eq!(run.code, Some(1), "{wrong}");
        assert!(
            run.out.contains(said) || run.err.contains(said),
            "{}{}",
            run.out,
            run.err
        );
    }
}
