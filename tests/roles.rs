//! What a file is for is said in its row of ARTIFACTS, and nowhere guessed.

use monstack::artifacts::{ARTIFACTS, Artifact, Role};
use monstack::catalog::Catalog;
use monstack::diagnostic::{Diagnostic, Place};
use monstack::overlay::Overlay;
use monstack::{pipeline, proofs, render};
use std::collections::BTreeMap;

/// Looks like every file that has a role, and none of it is true.
const EVERYTHING: &str = "\
groups: [{name: x, rules: [{alert: Extra, expr: 'nobody_emits_this > ('}, {record: up, expr: 'vector(1)'}]}]
rule_files: [nowhere.yml]
tests: [{alert_rule_test: [{alertname: Extra}], promql_expr_test: [{expr: ')'}]}]
scrape_configs: [{job_name: other, static_configs: [{targets: ['nowhere:1']}]}]
route: {receiver: nowhere, routes: [{receiver: lost}]}
receivers: [{name: other, token: s3cret}]
inhibit_rules: [{}]
uid: ''
templating: {list: [{name: x, query: 'label_values(nothing, nothing)'}]}
panels: [{title: x, targets: [{expr: '$undefined'}]}]
services: {other: {image: x, volumes: ['./nowhere:/x'], depends_on: [lost]}}
datasources: [{uid: other, url: 'http://promtheus:9090', jsonData: {timeInterval: 1d}}]
providers: [{options: {path: /nowhere}}]
modules: {}
";

fn catalog() -> Catalog {
    let text = std::fs::read_to_string("services.toml").unwrap();
    let loaded = pipeline::load("services.toml", &text);
    loaded.ok().expect("the catalog is sound").1
}

/// The built-in artifacts, behind one of the test's own.
fn first(output: &'static str, role: Role) -> Vec<Artifact> {
    let own = Artifact {
        template: "own.yml",
        output,
        role,
        when: |_| true,
    };
    [&[own], ARTIFACTS].concat()
}

fn overlay(texts: &[(&str, &str)]) -> Overlay {
    let text = |(path, text): &(&str, &str)| (path.to_string(), text.to_string());
    Overlay::texts(texts.iter().map(text).collect::<BTreeMap<_, _>>())
}

/// What the proofs find.
fn found(artifacts: &[Artifact], own: &str) -> Vec<String> {
    let catalog = catalog();
    let rendered = render::with(&catalog, &overlay(&[("own.yml", own)]), artifacts).unwrap();
    let rendered = rendered.unwrap_or_else(|found| panic!("{}", said(&found).join("\n")));
    said(&proofs::inspect(&catalog, &rendered))
}

fn said(found: &[Diagnostic]) -> Vec<String> {
    let one = |found: &Diagnostic| {
        let also = found.others.iter().map(|(place, text)| match place {
            Place::File(file) => format!(" {file}{text}"),
            _ => String::new(),
        });
        format!(
            "{}: {}{}",
            found.code,
            found.message,
            also.collect::<String>()
        )
    };
    found.iter().map(one).collect()
}

#[test]
fn a_plain_file_is_nothing_to_any_proof() {
    let without = found(ARTIFACTS, "");
    assert_eq!(found(&first("extra.yml", Role::Plain), EVERYTHING), without);
}

#[test]
fn a_file_is_proved_by_its_role_and_not_by_its_keys() {
    let every = [
        (Role::Rules { groups: "/groups" }, "rule-file"),
        (Role::RuleTests, "untested-rule"),
        (Role::Prometheus, "scrape-job"),
        (Role::Alertmanager, "unrouted-alert"),
        (Role::Dashboard, "dashboard-model"),
        (Role::Datasources, "unreachable-address"),
        (Role::Compose, "unstartable-container"),
    ];
    for (role, code) in every {
        let found = found(&first("extra.yml", role), EVERYTHING);
        assert!(
            found.iter().any(|found| found.starts_with(code)),
            "{role:?} has no {code}:\n{}",
            found.join("\n")
        );
    }
}

#[test]
fn a_prometheus_rule_of_kubernetes_is_proved_like_a_rule_file() {
    let role = Role::Rules {
        groups: "/spec/groups",
    };
    let of = |metric: &str| {
        let rules = format!(
            "apiVersion: monitoring.coreos.com/v1\nkind: PrometheusRule\nmetadata: {{name: extra}}\nspec:\n  groups:\n  - name: extra\n    rules:\n    - record: extra:sum\n      expr: sum by (job, service, component) ({metric})\n"
        );
        found(&first("kubernetes/rules.yml", role), &rules)
    };
    let without = found(ARTIFACTS, "");
    assert_eq!(of("up"), without);
    let found = of("nobody_emits_this");
    assert!(
        found.contains(
            &"unknown-metric: nobody emits `nobody_emits_this` generated/kubernetes/rules.yml/spec/groups/0/rules/0/expr"
                .to_string()
        ),
        "{}",
        found.join("\n")
    );
    assert_eq!(found.len(), without.len() + 1, "{}", found.join("\n"));
}

#[test]
fn every_template_reads_what_was_rendered_before_it() {
    let own = Artifact {
        template: "own.yml",
        output: "own.txt",
        role: Role::Plain,
        when: |_| true,
    };
    let text = "group: << rendered[\"monitoring/alert_rules.yml\"].groups[0].name >>\n";
    let behind = [ARTIFACTS, &[own]].concat();
    let rendered = render::with(&catalog(), &overlay(&[("own.yml", text)]), &behind).unwrap();
    let rendered = rendered.unwrap_or_else(|found| panic!("{}", said(&found).join("\n")));
    let file = rendered.file("own.txt").expect("it is rendered");
    assert_eq!(file.text, "group: \"agent-lightning-alerts\"\n");

    let before = [&[own], ARTIFACTS].concat();
    let refused = render::with(&catalog(), &overlay(&[("own.yml", text)]), &before).unwrap();
    let refused = refused.err().expect("it is not rendered yet");
    assert_eq!(said(&refused).len(), 1, "{:?}", said(&refused));
}

#[test]
fn what_reads_a_file_that_failed_says_nothing_more() {
    let own = Artifact {
        template: "own.yml",
        output: "own.txt",
        role: Role::Plain,
        when: |_| true,
    };
    let texts = [
        ("monitoring/alert_rules.yml", "<< nowhere >>\n"),
        (
            "own.yml",
            "<< rendered[\"monitoring/alert_rules.yml\"].groups[0].name >>\n",
        ),
    ];
    let behind = [ARTIFACTS, &[own]].concat();
    let refused = render::with(&catalog(), &overlay(&texts), &behind).unwrap();
    let refused = refused.err().expect("one template is broken");
    assert_eq!(said(&refused).len(), 1, "{:?}", said(&refused));
    let Place::Line { file, .. } = &refused[0].place else {
        panic!("it has no place");
    };
    assert_eq!(file, "templates/monitoring/alert_rules.yml");
}
